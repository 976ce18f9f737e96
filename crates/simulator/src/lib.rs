//! The deterministic simulator: one seed is one world.
//!
//! A world has merchants and the addresses they are notified at, payers with cards, PINs and payment codes, a bank
//! that is slow and lies, a network that loses, doubles and reorders, a disk that fills up, one or two executors
//! that crash and take over from each other, and clocks that disagree. With several shards each has its executors,
//! requests find their way as the router's do, and money crosses between them. All of it runs on one thread in simulated
//! time over the real rules, the real [`engine::core::Core`] and a real store; what the engine's threads and the
//! worker's tasks do is played event by event, so that a crash can fall between
//! any two of them.
//!
//! It knows no rule of its own about what must be accepted. It keeps books of what was asked and what was
//! acknowledged, and holds the store against them: what was acknowledged is there, what is there was asked for, the
//! ledger is the books' to the cent. [`engine::prove`] runs on top. The same seed gives the same operations and the
//! same stored bytes, so a failure is played again with its seed alone.
//!
//! Nothing in here reads a clock, draws randomness or starts a thread.

mod agenda;
mod audit;
mod bank;
mod books;
mod calm;
mod combined;
mod days;
mod dice;
mod digest;
mod loader;
mod merchants;
mod node;
mod payers;
mod refunds;
mod route;
mod sharing;
mod storm;
mod talk;
mod town;
mod transfers;
mod weather;
mod worker;
mod world;

pub use days::{BusinessDays, Folder, STEPS};

use engine::Store;
use std::{
    any::Any,
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};
use types::{Place, Shards};
use world::World;

/// A disk: opens one of the store's shards on it, as often as an executor starts over it.
pub type Disk = Box<dyn Fn(Place) -> Store>;

/// Hears every operation of a world, one line each.
pub type Teller = Box<dyn FnMut(&str)>;

/// What a world runs on.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// Gives an empty disk; asked for once or, to tell how it failed, twice.
    pub disk: &'a dyn Fn() -> Disk,
    /// The store is a server in the network: a second executor may take over while the first is alive, and a write
    /// may reach the store after its sender is dead. False for a file that one process opens.
    pub networked: bool,
    /// How many shards the world has, each with two executors of its own. Money goes to and fro between them.
    pub shards: Shards,
    /// What is broken on purpose, to show that it would be found.
    pub sabotage: Option<Sabotage>,
}

/// A mistake that an engine, a worker or a store could make. The simulator must find every one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Callers are answered as soon as a command is applied.
    AnswersBeforeCommit,
    /// A commit of unknown outcome is taken for done without asking the store.
    UnknownIsDone,
    /// A channel that does not answer in time is taken to have declined (Hyperswitch 2380).
    TimeoutIsDeclined,
    /// A notification is given up after its first failure (Hyperswitch 3408).
    OneTryOnly,
    /// Commits are not checked against the executor's epoch.
    NoFence,
    /// An executor that lost its place takes it back when it asks where the store stands.
    TakesItsPlaceBack,
    /// Request keys are forgotten: a repeat is a new request.
    NoRequestKeys,
    /// A new executor trusts its own clock and not the store's.
    TrustsItsClock,
    /// Money between shards counts as arrived before the other shard has said so.
    ArrivesUnheard,
    /// A shard takes every order for its own, whoever it was handed to.
    OwnsWhatItReads,
    /// The store keeps changes of orders made from what a shard was told of them too late.
    BelievesWhatItHears,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::AnswersBeforeCommit,
        Self::UnknownIsDone,
        Self::TimeoutIsDeclined,
        Self::OneTryOnly,
        Self::NoFence,
        Self::TakesItsPlaceBack,
        Self::NoRequestKeys,
        Self::TrustsItsClock,
        Self::ArrivesUnheard,
        Self::OwnsWhatItReads,
        Self::BelievesWhatItHears,
    ];
}

/// What became of a world.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// How many shards it had.
    pub shards: Shards,
    /// Commands applied.
    pub operations: u64,
    /// Simulated microseconds it lived.
    pub lived: i64,
    /// Over every byte the store held at the end.
    pub digest: u64,
    /// How often each thing happened: outcomes of commands, faults, clock steps.
    pub happened: BTreeMap<String, u64>,
    /// What went wrong; none for a good world.
    pub failure: Option<Failure>,
}

/// A broken invariant and how it came to it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed to play again.
    pub seed: u64,
    /// With so many shards.
    pub shards: Shards,
    /// A world of so many business days; 0 for an ordinary one.
    pub days: u16,
    /// What does not hold, with the rows that show it.
    pub invariant: String,
    /// The last operations, one line each.
    pub tail: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} broke an invariant: {}", self.seed, self.invariant)?;
        writeln!(f, "the last {} operations:", self.tail.len())?;
        for line in &self.tail {
            writeln!(f, "  {line}")?;
        }
        write!(f, "play it again: cargo xtask simulate --seed {}", self.seed)?;
        if self.days > 0 {
            write!(f, " --days {}", self.days)?;
        }
        if self.shards.is_one() { Ok(()) } else { write!(f, " --shards {}", self.shards.count()) }
    }
}

/// Lines of a failed world that are told.
const TAIL: usize = 40;

/// The last operations, kept outside the world so that a panic does not take them along.
pub(crate) type Tail = Rc<RefCell<VecDeque<String>>>;

/// Lives through the world of `seed`. A world that fails is lived through a second time, to keep its tail.
#[must_use]
pub fn simulate(seed: u64, setup: &Setup<'_>) -> Report {
    twice(seed, &|tail| World::new(seed, setup, tail))
}

/// As [`simulate`], but a world of business days: the whole of the money's day, day after day.
#[must_use]
pub fn simulate_days(seed: u64, setup: &Setup<'_>, days: &BusinessDays<'_>) -> Report {
    twice(seed, &|tail| World::of_days(seed, setup, days, tail))
}

fn twice(seed: u64, world: &dyn Fn(Option<Tail>) -> World) -> Report {
    let report = finish(seed, world(None));
    if report.failure.is_none() {
        return report;
    }
    let tail = Tail::default();
    let mut told = finish(seed, world(Some(Rc::clone(&tail))));
    // A store outside of this program may fail once and not again: then the first failure is what there is.
    if told.failure.is_none() {
        told.failure = report.failure;
    }
    if let Some(failure) = &mut told.failure {
        failure.tail = tail.borrow().iter().cloned().collect();
    }
    told
}

/// Plays a seed again and gives every operation to `tell`, in order, besides the report.
pub fn replay(seed: u64, setup: &Setup<'_>, tell: Teller) -> Report {
    let tail = Tail::default();
    told(seed, World::new(seed, setup, Some(Rc::clone(&tail))), &tail, tell)
}

/// As [`replay`], of a world of business days.
pub fn replay_days(seed: u64, setup: &Setup<'_>, days: &BusinessDays<'_>, tell: Teller) -> Report {
    let tail = Tail::default();
    told(seed, World::of_days(seed, setup, days, Some(Rc::clone(&tail))), &tail, tell)
}

fn told(seed: u64, mut world: World, tail: &Tail, tell: Teller) -> Report {
    world.tell = Some(tell);
    let mut report = finish(seed, world);
    if let Some(failure) = &mut report.failure {
        failure.tail = tail.borrow().iter().cloned().collect();
    }
    report
}

fn finish(seed: u64, mut world: World) -> Report {
    let ran = catch_unwind(AssertUnwindSafe(|| world.live()));
    let broken = match ran {
        Ok(Ok(())) => None,
        Ok(Err(broken)) => Some(broken.0),
        Err(panic) => Some(format!("an assertion failed: {}", said(&*panic))),
    };
    let (shards, days) = (world.shards, world.days.wanted);
    let failure = broken.map(|invariant| Failure { seed, shards, days, invariant, tail: Vec::new() });
    let digest = if failure.is_none() { digest::digest(&world) } else { 0 };
    Report {
        seed,
        shards,
        operations: world.operations,
        lived: world.now.since(world.began),
        digest,
        happened: world.happened,
        failure,
    }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}
