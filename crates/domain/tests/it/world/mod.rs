//! A small world to test rules in: the engine's core over a store in memory, and a clock that stands. With several
//! shards there is a core for each, and a command finds its way as the router's does.
//!
//! Every command runs in a batch of its own that is committed at once. Two things are checked of every one: it
//! left exactly one journal line with its outcome, and when it was refused it changed nothing else. When the
//! world ends, every money invariant is proved over its store.

#![allow(dead_code, reason = "one world serves the tests of several crates")]

pub(crate) mod hand;
pub(crate) mod make;
mod route;
pub(crate) mod see;
pub(crate) mod settle;

pub(crate) use make::{Buyer, Shop, digest, sealed};

use domain::{
    Actor, Batch, Caller, Command, Event, Rejection, Reply,
    order::Order,
    staff::{NewStaff, Role},
};
use engine::{
    Committer, Fault, Loader, Queries, Store,
    core::{Asked, Core, Outcome},
};
use std::sync::Arc;
use store::Memory;
use types::{OperatorId, Place, Secret, Shards, Time};

/// 2026-01-05T10:00:00+08:00, a Monday morning.
pub(crate) const START: Time = Time::from_unix(1_767_578_400);

/// A command without a request key.
pub(crate) fn asked(caller: Caller, command: Command) -> Asked {
    Asked { command, caller, request: None }
}

pub(crate) struct World {
    pub(crate) memory: Memory,
    pub(crate) queries: Arc<dyn Queries>,
    loader: Box<dyn Loader>,
    committer: Box<dyn Committer>,
    pub(crate) core: Core,
    pub(crate) now: Time,
    /// The last batch committed.
    pub(crate) last: Batch,
    /// What workers heard of the last batch.
    pub(crate) events: Vec<Event>,
    pub(crate) shards: Shards,
    /// The orders that the last batch handed over to other shards.
    pub(crate) handed: Vec<Order>,
    /// Whether those shards are told at once; otherwise they load them.
    pub(crate) tells: bool,
    /// The shard whose core, loader and committer are above; those of the others are here, by number.
    at: types::Shard,
    others: Vec<Option<route::Seat>>,
    /// Numbers what is made, so that names differ.
    made: i64,
    /// Whether the invariants must hold at the end; false for a world broken by hand.
    pub(crate) sound: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        let shards = Shards::new(crate::SHARDS).unwrap();
        let memory = Memory::default().at(Place::new(types::Shard::FIRST, shards).unwrap());
        Self::over(memory.open(), memory)
    }

    /// A world over any store; `memory` is the store's own, or stands idle beside another kind of store.
    pub(crate) fn over(store: Store, memory: Memory) -> Self {
        let Store { loader, mut committer, queries } = store;
        let shards = Shards::new(crate::SHARDS).unwrap();
        let at = types::Shard::FIRST;
        let core = Core::new(committer.recover().unwrap(), Place::new(at, shards).unwrap());
        let (last, events) = (Batch::default(), Vec::new());
        let others = (0..shards.count()).map(|_| None).collect();
        let (now, made, sound) = (START, 0, true);
        let mut world = Self {
            memory,
            queries,
            loader,
            committer,
            core,
            now,
            last,
            events,
            shards,
            handed: Vec::new(),
            tells: true,
            at,
            others,
            made,
            sound,
        };
        world.open_others();
        world
    }

    /// Opens the store anew, as another process does.
    pub(crate) fn reopen(&mut self, store: Store) {
        let Store { loader, committer, queries } = store;
        (self.loader, self.committer, self.queries) = (loader, committer, queries);
        self.restart();
    }

    pub(crate) fn advance(&mut self, micros: i64) {
        self.now = self.now.plus(micros);
    }

    /// Forgets the working set, as a restart does. The clock moves on to where the new core starts.
    pub(crate) fn restart(&mut self) {
        let place = Place::new(self.at, self.shards).unwrap();
        self.core = Core::new(self.committer.recover().unwrap(), place);
        self.open_others();
        self.now = self.now.max(self.core.at());
    }

    pub(crate) fn run(&mut self, command: Command) -> Outcome {
        self.run_as(Caller::platform(), command)
    }

    /// Somebody of the platform is hired when first heard of.
    pub(crate) fn run_as(&mut self, caller: Caller, command: Command) -> Outcome {
        if let Actor::Operator(id) = caller.actor {
            self.hire(id);
        }
        self.ask(&[&asked(caller, command)]).remove(0)
    }

    /// Hires people of the platform up to this number.
    pub(crate) fn hire(&mut self, last: OperatorId) {
        while self.queries.staff(last).unwrap().is_none() {
            let new = NewStaff {
                name: format!("person-{}", self.made).into(),
                merchant: None,
                role: Role::Finance,
                password: Secret::new("$argon2id$".into()),
            };
            self.made += 1;
            self.ok(Command::CreateStaff(Box::new(new)));
        }
    }

    /// Runs commands in one batch and commits it.
    pub(crate) fn ask(&mut self, jobs: &[&Asked]) -> Vec<Outcome> {
        self.try_ask(jobs).unwrap()
    }

    /// As [`World::ask`], on a store that may fail: as the engine does, asks the store where it stands, and starts
    /// over when the batch is not there.
    pub(crate) fn try_ask(&mut self, jobs: &[&Asked]) -> Result<Vec<Outcome>, Fault> {
        if !self.shards.is_one() {
            return jobs.iter().map(|job| self.route(job)).collect();
        }
        self.ask_here(jobs)
    }

    /// Runs commands in one batch of the shard that is at hand.
    fn ask_here(&mut self, jobs: &[&Asked]) -> Result<Vec<Outcome>, Fault> {
        let mut outcomes = vec![None; jobs.len()];
        let take = |place: usize, outcome| outcomes[place] = Some(outcome);
        self.core.run(self.now, jobs, &mut *self.loader, take).unwrap();
        let outcomes: Vec<Outcome> = outcomes.into_iter().map(Option::unwrap).collect();
        let closed = self.core.close().unwrap();
        check_batch(&closed.batch, jobs, &outcomes);
        if let Err(fault) = self.committer.commit(&closed.batch)
            && self.committer.recover().unwrap().batch < closed.batch.number
        {
            self.restart();
            return Err(fault);
        }
        self.core.turn(closed.batch.number);
        (self.last, self.events, self.handed) = (closed.batch, closed.events, closed.handed);
        if self.tells {
            self.tell();
        }
        Ok(outcomes)
    }

    /// Runs a command that must be accepted.
    #[track_caller]
    pub(crate) fn ok(&mut self, command: Command) -> Reply {
        let shown = format!("{command:?}");
        self.run(command).unwrap_or_else(|refused| panic!("refused ({refused}): {shown}"))
    }

    /// Runs a command that must be refused.
    #[track_caller]
    pub(crate) fn no(&mut self, command: Command) -> Rejection {
        let shown = format!("{command:?}");
        self.run(command).expect_err(&shown)
    }

    /// Runs commands that must each be refused for the reason beside it.
    #[track_caller]
    pub(crate) fn refuses<const N: usize>(&mut self, cases: [(&str, Command, Rejection); N]) {
        for (what, command, wanted) in cases {
            assert_eq!(self.run(command), Err(wanted), "{what}");
        }
    }

    /// Proves every money invariant over what is stored.
    #[track_caller]
    pub(crate) fn prove(&self) {
        let proof = engine::prove::prove(&*self.queries).unwrap();
        assert!(proof.holds(), "{:#?}", proof.failures);
    }
}

/// One journal line a command, with its outcome; nothing else when all were refused.
fn check_batch(batch: &Batch, jobs: &[&Asked], outcomes: &[Outcome]) {
    let code = |outcome: &Outcome| outcome.as_ref().err().map_or("ok", Rejection::code);
    let sorted = |mut lines: Vec<(&'static str, &'static str)>| {
        lines.sort_unstable();
        lines
    };
    let told = batch.journal.iter().map(|line| (line.command, line.outcome)).collect();
    let wanted =
        jobs.iter().zip(outcomes).map(|(job, outcome)| (job.command.name(), code(outcome))).collect();
    assert_eq!(sorted(told), sorted(wanted), "one journal line a command");
    if outcomes.iter().all(Result::is_err) {
        let (number, at, journal) = (batch.number, batch.at, batch.journal.clone());
        let nothing = Batch { number, at, journal, ..Batch::default() };
        assert_eq!(*batch, nothing, "a refused command changes nothing but the journal");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.sound && !std::thread::panicking() {
            self.prove();
        }
    }
}
