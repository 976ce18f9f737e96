//! The world: who is in it, what is to happen, and the loop that lets it happen.

use crate::{
    Sabotage, Setup, TAIL, Tail,
    agenda::Agenda,
    bank::{Bank, Matter},
    books::Books,
    days::{BusinessDays, Days, Tick},
    dice::Dice,
    node::Node,
    talk::{Answer, Talk},
    town::Town,
    weather::Weather,
};
use domain::{Batch, notification::Attempt, order::Order, payment::ChannelAnswer};
use engine::{Committer, Fault, Queries};
use std::{collections::BTreeMap, sync::Arc};
use types::{NotificationId, Place, Shard, Shards, Time, time};

/// What does not hold.
#[derive(Debug)]
pub(crate) struct Broken(pub(crate) String);

/// What anything that happens comes to.
pub(crate) type Step = Result<(), Broken>;

pub(crate) fn broken<T>(text: impl Into<String>) -> Result<T, Broken> {
    Err(Broken(text.into()))
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self(format!("the store can't be read: {fault}"))
    }
}

/// An executor, and which of its lives is meant: what was begun in an earlier one is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alive(pub(crate) usize, pub(crate) u32);

/// What can happen.
pub(crate) enum Event {
    /// A request reaches an executor.
    Arrive(usize, usize),
    /// An answer reaches its caller.
    Reply(usize, Answer),
    /// A caller has waited long enough since its `n`th try.
    Patience(usize, u32),
    /// An executor looks at its queue.
    Turn(Alive),
    /// A batch reaches the disk.
    Write(Alive),
    /// The disk has answered.
    Written(Alive),
    /// Word of orders that another shard handed over reaches an executor, whichever of its lives it is in by then.
    Hear(usize, Vec<Order>),
    /// An executor asks the store where it stands.
    Recover(Alive),
    /// An executor is started.
    Start(usize),
    /// A fenced executor is put out of its misery.
    Retire(Alive),
    /// A write whose sender is dead reaches the store.
    Stray(Box<Stray>),
    /// Callers turn to the other executor.
    Route(usize),
    /// The worker looks for what is due.
    Scan(Alive),
    /// The bank answers the worker, or the worker's patience ends.
    BankSays(Alive, Matter, ChannelAnswer),
    /// The bank says again what it said, or says late what it did not.
    BankCalls(Matter, ChannelAnswer),
    /// A merchant's endpoint has been tried.
    Posted(Alive, NotificationId, Attempt),
    /// A merchant does something.
    Merchant(usize),
    /// A payer does something.
    Payer(usize),
    /// A payer, or several at once, goes for an order.
    Pay(usize, types::OrderId),
    /// A payer goes for a combined order.
    PayWhole(usize, types::CombinedId),
    /// A payer decides on a payment-code order.
    Confirm(usize, types::OrderId),
    /// Something breaks.
    Storm,
    /// What worlds of business days have besides.
    Days(Tick),
}

pub(crate) struct Stray {
    pub(crate) shard: Shard,
    pub(crate) epoch: i64,
    pub(crate) batch: Batch,
    pub(crate) committer: Box<dyn Committer>,
}

pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) began: Time,
    pub(crate) now: Time,
    pub(crate) agenda: Agenda<Event>,
    pub(crate) disk: crate::Disk,
    pub(crate) queries: Arc<dyn Queries>,
    pub(crate) networked: bool,
    pub(crate) sabotage: Option<Sabotage>,
    /// Who may write each shard: the epoch of the executor that took it over last.
    pub(crate) fences: Vec<i64>,
    pub(crate) shards: Shards,
    /// Two executors for each shard, side by side.
    pub(crate) nodes: Vec<Node>,
    /// For each shard the executor that callers turn to.
    primaries: Vec<usize>,
    pub(crate) weather: Weather,
    pub(crate) talks: Vec<Talk>,
    pub(crate) town: Town,
    pub(crate) bank: Bank,
    pub(crate) books: Books,
    /// Things merchants and payers may still begin.
    pub(crate) left: u32,
    /// Pauses between what one of them does, microseconds.
    pub(crate) pace: i64,
    /// Pauses before one of them begins something new.
    pub(crate) rest: i64,
    /// In a world of business days, what comes with them.
    pub(crate) days: Days,
    /// Faults are over and everything must come to its end.
    pub(crate) calm: bool,
    pub(crate) operations: u64,
    /// Numbers of transfers and batches given so far.
    pub(crate) transfers_made: u32,
    /// Numbers of requests to share and of returns given so far.
    pub(crate) shares_made: u32,
    pub(crate) happened: BTreeMap<String, u64>,
    tail: Option<Tail>,
    pub(crate) tell: Option<crate::Teller>,
}

/// Events in one world at most; a world that needs more does not come to an end.
const EVENTS_MAX: u64 = 2_000_000;

impl World {
    pub(crate) fn new(seed: u64, setup: &Setup<'_>, tail: Option<Tail>) -> Self {
        let mut dice = Dice::new(seed);
        // Some worlds begin right before a business day or a year ends.
        let began = match dice.below(3) {
            0 => Time::from_unix(1_798_732_795), // 2026-12-31T23:59:55+08:00
            1 => Time::from_unix(1_795_276_770).plus(dice.between(0, 60 * time::SECOND)), // before a midnight
            _ => Time::from_unix(1_767_585_600).plus(dice.between(0, 300 * time::DAY)),
        };
        let disk = (setup.disk)();
        let shards = setup.shards;
        let queries = disk(Place { shard: Shard::FIRST, shards }).queries;
        let weather = Weather::of(&mut dice);
        let left = u32::try_from(dice.between(100, 1_500)).unwrap_or(60);
        let pace = dice.pick(&[2_000, 50_000, time::SECOND, 20 * time::SECOND]);
        Self {
            dice,
            began,
            now: began,
            agenda: Agenda::default(),
            disk,
            queries,
            networked: setup.networked,
            sabotage: setup.sabotage,
            fences: shards.all().map(|_| 0).collect(),
            shards,
            nodes: shards.all().flat_map(|_| [Node::default(), Node::default()]).collect(),
            primaries: shards.all().map(|shard| 2 * usize::from(shard.number())).collect(),
            weather,
            talks: Vec::new(),
            town: Town::default(),
            bank: Bank::default(),
            books: Books::default(),
            left,
            pace,
            rest: pace,
            days: Days::default(),
            calm: false,
            operations: 0,
            transfers_made: 0,
            shares_made: 0,
            happened: BTreeMap::new(),
            tail,
            tell: None,
        }
    }

    /// A world of business days.
    pub(crate) fn of_days(seed: u64, setup: &Setup<'_>, days: &BusinessDays<'_>, tail: Option<Tail>) -> Self {
        Self { days: Days::new(days), ..Self::new(seed, setup, tail) }
    }

    /// From the first merchant to the last notification.
    pub(crate) fn live(&mut self) -> Step {
        self.found()?;
        if self.days.wanted > 0 {
            return self.live_days();
        }
        for place in 0..self.town.shops.len() {
            self.enter_in(0, Event::Merchant(place));
        }
        for place in 0..self.town.payers.len() {
            self.enter_in(0, Event::Payer(place));
        }
        if self.weather.storms > 0 {
            self.enter_in(self.pace, Event::Storm);
        }
        let mut inspect = self.dice.between(300, 3_000);
        let mut events = 0_u64;
        while self.left > 0 {
            let Some((at, event)) = self.agenda.next() else { break };
            self.now = self.now.max(at);
            self.happen(event)?;
            events += 1;
            inspect -= 1;
            if inspect == 0 {
                self.inspect()?;
                inspect = self.dice.between(300, 3_000);
            }
            if events > EVENTS_MAX {
                return broken(format!("the world is still busy after {EVENTS_MAX} events"));
            }
        }
        self.inspect()?;
        self.come_to_rest()
    }

    pub(crate) fn happen(&mut self, event: Event) -> Step {
        match event {
            Event::Arrive(talk, node) => self.arrive(talk, node),
            Event::Reply(talk, answer) => return self.reply(talk, answer),
            Event::Patience(talk, tries) => return self.patience(talk, tries),
            Event::Turn(alive) => return self.turn(alive),
            Event::Write(alive) => return self.write(alive),
            Event::Written(alive) => return self.written(alive),
            Event::Hear(node, orders) => self.hear(node, orders),
            Event::Recover(alive) => return self.recover(alive),
            Event::Start(node) => return self.start(node),
            Event::Retire(alive) => self.retire(alive),
            Event::Stray(stray) => return self.stray(*stray),
            Event::Route(node) if self.is_up(node) => self.route_to(node),
            Event::Route(_) => {}
            Event::Scan(alive) => return self.scan(alive),
            Event::BankSays(alive, id, said) => self.bank_says(alive, id, said),
            Event::BankCalls(id, said) => self.bank_calls(id, said),
            Event::Posted(alive, id, attempt) => self.posted(alive, id, attempt),
            Event::Merchant(place) => return self.merchant_acts(place),
            Event::Payer(place) => self.payer_acts(place),
            Event::Pay(place, order) => self.pay(place, order),
            Event::PayWhole(place, whole) => self.pay_whole(place, whole),
            Event::Confirm(place, order) => self.confirm(place, order),
            Event::Storm => return self.storm(),
            Event::Days(tick) => return self.tick(tick),
        }
        Ok(())
    }

    pub(crate) fn enter_in(&mut self, micros: i64, event: Event) {
        self.agenda.enter(self.now.plus(micros), event);
    }

    /// Counts that something happened.
    pub(crate) fn count(&mut self, what: &str) {
        match self.happened.get_mut(what) {
            Some(times) => *times += 1,
            None => drop(self.happened.insert(what.to_owned(), 1)),
        }
    }

    /// Keeps a line for whoever reads how the world came to its end; costs nothing when nobody will.
    pub(crate) fn say(&mut self, text: impl FnOnce(&Self) -> String) {
        let Some(tail) = self.tail.clone() else { return };
        let after = self.now.since(self.began);
        let (s, us) = (after / time::SECOND, after % time::SECOND);
        let line = format!("{s:>7}.{us:06} s  {}", text(self));
        if let Some(tell) = &mut self.tell {
            tell(&line);
        }
        let mut tail = tail.borrow_mut();
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(line);
    }

    /// What the clock of an executor shows.
    pub(crate) fn clock(&self, node: usize) -> Time {
        self.now.plus(self.nodes[node].skew)
    }
    /// What edges and pages take for now: the clock of the executor they turn to.
    pub(crate) fn edge_clock(&self) -> Time {
        self.clock(self.primary(Shard::FIRST))
    }

    /// The shard that an executor serves.
    pub(crate) fn shard(&self, node: usize) -> Shard {
        u8::try_from(node / 2).ok().and_then(Shard::new).unwrap_or_default()
    }
    pub(crate) fn place(&self, node: usize) -> Place {
        Place { shard: self.shard(node), shards: self.shards }
    }
    /// The executor that callers of a shard turn to.
    pub(crate) fn primary(&self, shard: Shard) -> usize {
        self.primaries[usize::from(shard.number())]
    }
    /// Callers turn to this executor from now on.
    pub(crate) fn route_to(&mut self, node: usize) {
        let shard = usize::from(self.shard(node).number());
        self.primaries[shard] = node;
    }
    /// One of the shards; nothing is drawn when there is only one.
    pub(crate) fn some_shard(&mut self) -> Shard {
        let drawn = if self.shards.is_one() { 0 } else { self.dice.below(self.shards.count().into()) };
        u8::try_from(drawn).ok().and_then(Shard::new).unwrap_or_default()
    }
    /// The epoch under which a shard may be written.
    pub(crate) fn fence(&self, shard: Shard) -> i64 {
        self.fences[usize::from(shard.number())]
    }
    /// Raises a shard's epoch.
    pub(crate) fn raise(&mut self, shard: Shard) -> i64 {
        let fence = &mut self.fences[usize::from(shard.number())];
        *fence += 1;
        *fence
    }
}
