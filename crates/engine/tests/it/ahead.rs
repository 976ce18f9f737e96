//! Batches that the store begins to write while the one before is being committed: a head start, and nothing else.

use crate::{
    rig::{Rig, eager},
    world::{Buyer, Shop, World, make::placed},
};
use domain::{Batch, Command, merchant::Product, order::OrderState};
use engine::{Committer, Fault, Pending, Recovered, Refusal, Store, WriteAhead, engine::Setup};
use std::{
    any::Any,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};
use store::memory::Break;
use types::OrderId;

/// Number, the last durable batch, and for each order changed the batch that must come before.
type Start = (i64, i64, Vec<i64>);

/// What a store was told of batches that follow one not durable yet.
#[derive(Clone, Default)]
struct Seen {
    begun: Arc<Mutex<Vec<Start>>>,
    /// Numbers of the batches that were committed with what was begun of them.
    used: Arc<Mutex<Vec<i64>>>,
    /// What was begun and is still held by the engine.
    alive: Arc<AtomicUsize>,
    panics: Arc<AtomicBool>,
}

struct Begun(i64, Arc<AtomicUsize>);

impl Drop for Begun {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

impl WriteAhead for Seen {
    fn begin(&mut self, batch: &Batch, durable: i64) -> Option<Box<dyn Any + Send>> {
        assert!(!self.panics.load(Ordering::SeqCst), "played on purpose");
        let after = batch.orders.iter().map(|change| change.after).collect();
        self.begun.lock().unwrap().push((batch.number, durable, after));
        self.alive.fetch_add(1, Ordering::SeqCst);
        Some(Box::new(Begun(batch.number, Arc::clone(&self.alive))))
    }
}

struct Ahead(Box<dyn Committer>, Seen);

impl Committer for Ahead {
    fn recover(&mut self) -> Result<Recovered, Fault> {
        self.0.recover()
    }
    fn commit(&mut self, batch: &Batch) -> Result<(), Fault> {
        self.0.commit(batch)
    }
    fn writes_ahead(&self) -> Option<Box<dyn WriteAhead>> {
        Some(Box::new(self.1.clone()))
    }
    fn commit_begun(&mut self, batch: &Batch, begun: Box<dyn Any + Send>) -> Result<(), Fault> {
        let begun = begun.downcast::<Begun>().unwrap();
        assert_eq!(begun.0, batch.number, "what was begun belongs to its batch");
        self.1.used.lock().unwrap().push(batch.number);
        self.0.commit(batch)
    }
}

struct Town {
    world: World,
    shop: Shop,
    buyer: Buyer,
    order: OrderId,
    rig: Rig,
    seen: Seen,
    /// The last batch before.
    last: i64,
}

fn town() -> Town {
    town_with(Setup { ahead_from: 1, ..eager() })
}

fn town_with(setup: Setup) -> Town {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    let order = world.order(&shop, "order-0001", Product::Native, 5_00);
    let last = world.queries.counts().unwrap().batch;
    let seen = Seen::default();
    let Store { loader, committer, queries } = world.memory.open_fenced();
    let committer = Box::new(Ahead(committer, seen.clone()));
    let rig = Rig::with(Store { loader, committer, queries }, world.now, setup);
    Town { world, shop, buyer, order, rig, seen, last }
}

impl Town {
    fn pay(&self) -> Command {
        Command::PayOrder(self.world.confirmation(self.order, &self.buyer))
    }
    fn create(&self, number: &str) -> Command {
        self.shop.create(number, Product::Native, 5_00)
    }
    /// A payment in a batch that stands before its commit; behind it, begun, a batch with another order; and a command
    /// in the open batch, that closes what the first one paid.
    fn two(&self) -> (Pending, Pending, Pending) {
        self.rig.commit.close();
        let first = self.rig.submit(self.pay()).unwrap();
        self.rig.commit.reached();
        let second = self.rig.submit(self.create("order-0000")).unwrap();
        self.until(|stats| stats.ahead == 1);
        let third = self.rig.submit(self.shop.close("order-0001")).unwrap();
        self.until(|stats| stats.queued == 0);
        (first, second, third)
    }
    fn until(&self, what: impl Fn(&engine::Stats) -> bool) {
        while !what(&self.rig.handle.stats()) {
            thread::yield_now();
        }
    }
    /// Nothing begun is left, the books hold, and all works as before over what the store holds.
    fn end(mut self, state: OrderState) {
        self.rig.stop();
        assert_eq!(self.seen.alive.load(Ordering::SeqCst), 0, "what was begun is given up or committed");
        assert_eq!(self.world.stored(self.order).state, state);
        self.world.restart();
        self.world.order(&self.shop, "order-0009", Product::Native, 5_00);
        self.world.prove();
    }
}

#[track_caller]
fn unavailable(answer: Result<domain::Reply, Refusal>) {
    assert!(matches!(answer, Err(Refusal::Unavailable(_))), "{answer:?}");
}

#[test]
fn the_next_batch_is_begun_while_one_is_being_committed() {
    let town = town();
    let (first, second, third) = town.two();
    let next = town.last + 2;
    assert_eq!(town.seen.begun.lock().unwrap()[0].0, next);
    assert_eq!(town.seen.begun.lock().unwrap()[0].1, town.last, "the one before is not durable yet");
    town.rig.commit.open();
    assert!(first.wait().is_ok());
    placed(second.wait().unwrap());
    assert!(third.wait().is_err(), "paid in the batch before, so it can't be closed");
    assert_eq!(town.seen.used.lock().unwrap()[0], next);
    town.end(OrderState::Paid);
}

/// Rows that the batch before changes, too, must wait for it; others need not.
#[test]
fn a_change_names_the_batch_it_must_follow() {
    let town = town();
    town.rig.commit.close();
    let placing = town.rig.submit(town.create("order-0002")).unwrap();
    town.rig.commit.reached();
    let closing = town.rig.submit(town.shop.close("order-0002")).unwrap();
    town.until(|stats| stats.ahead == 1);
    town.rig.commit.open();
    placed(placing.wait().unwrap());
    assert!(closing.wait().is_ok());
    // Loaded from the store, and long durable.
    town.rig.commit.close();
    let placing = town.rig.submit(town.create("order-0003")).unwrap();
    town.rig.commit.reached();
    let paying = town.rig.submit(town.pay()).unwrap();
    town.until(|stats| stats.ahead == 2);
    town.rig.commit.open();
    assert!(placing.wait().is_ok() && paying.wait().is_ok());
    let last = town.last;
    let begun = town.seen.begun.lock().unwrap().clone();
    assert_eq!(begun, [(last + 2, last, vec![last + 1]), (last + 4, last + 2, vec![0])]);
    town.end(OrderState::Paid);
}

#[test]
fn a_batch_that_was_begun_goes_with_the_one_before() {
    for (how, there) in [(Break::Refused, false), (Break::LostBefore, false), (Break::LostAfter, true)] {
        let town = town();
        let (first, second, third) = town.two();
        town.world.memory.break_commit(how);
        town.rig.commit.open();
        let (first, second, third) = (first.wait(), second.wait(), third.wait());
        if there {
            assert!(first.is_ok() && second.is_ok() && third.is_err(), "it was there: so both are");
        } else {
            unavailable(first);
            unavailable(second);
            unavailable(third);
            assert!(town.seen.used.lock().unwrap().is_empty(), "it is never committed");
            let order = town.world.queries.order_by_number(town.shop.id, "order-0000").unwrap();
            assert!(order.is_none(), "nothing of it is kept");
            assert!(town.rig.run(town.create("order-0000")).is_ok(), "and it can be asked again");
        }
        assert_eq!(town.rig.handle.stats().faults, u64::from(!there), "{how:?}");
        town.end(if there { OrderState::Paid } else { OrderState::Open });
    }
}

#[test]
fn an_executor_replaced_with_a_batch_begun_answers_everybody() {
    let town = town();
    let (first, second, third) = town.two();
    let mut other = town.world.memory.open_fenced().committer;
    other.recover().unwrap();
    town.rig.commit.open();
    unavailable(first.wait());
    unavailable(second.wait());
    unavailable(third.wait());
    unavailable(town.rig.run(town.create("order-0005")));
    town.end(OrderState::Open);
}

#[test]
fn few_commands_wait_until_the_one_before_is_durable() {
    let town = town_with(Setup { ahead_from: 2, ..eager() });
    town.rig.commit.close();
    let first = town.rig.submit(town.pay()).unwrap();
    town.rig.commit.reached();
    let second = town.rig.submit(town.create("order-0002")).unwrap();
    town.until(|stats| stats.queued == 0);
    assert!(town.seen.begun.lock().unwrap().is_empty());
    let third = town.rig.submit(town.create("order-0003")).unwrap();
    town.until(|stats| stats.ahead == 1);
    town.rig.commit.open();
    assert!([first, second, third].into_iter().all(|answer| answer.wait().is_ok()));
    town.end(OrderState::Paid);
}

/// All who could ask are waiting for an answer: no command comes that would wake the applier.
#[test]
fn a_batch_that_waits_is_begun_as_soon_as_the_one_before_is_taken() {
    let town = town();
    town.rig.commit.close();
    let first = town.rig.submit(town.pay()).unwrap();
    town.rig.commit.reached();
    let second = town.rig.submit(town.create("order-0002")).unwrap();
    town.until(|stats| stats.ahead == 1);
    let third = town.rig.submit(town.create("order-0003")).unwrap();
    town.until(|stats| stats.queued == 0);
    town.rig.commit.let_one_pass();
    assert!(first.wait().is_ok());
    town.rig.commit.reached();
    town.until(|stats| stats.ahead == 2);
    town.rig.commit.open();
    assert!(second.wait().is_ok() && third.wait().is_ok());
    town.end(OrderState::Paid);
}

#[test]
fn a_store_that_panics_writing_ahead_goes_on_without() {
    let town = town();
    town.seen.panics.store(true, Ordering::SeqCst);
    town.rig.commit.close();
    let first = town.rig.submit(town.pay()).unwrap();
    town.rig.commit.reached();
    let second = town.rig.submit(town.create("order-0002")).unwrap();
    town.until(|stats| stats.queued == 0);
    town.rig.commit.open();
    assert!(first.wait().is_ok() && second.wait().is_ok());
    assert_eq!(town.rig.handle.stats().ahead, 0);
    town.end(OrderState::Paid);
}
