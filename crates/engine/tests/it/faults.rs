//! Faults of the store: nobody is told success for what is not there, and what is there was told or can be seen
//! (style, invariant 6).

use crate::{
    rig::Rig,
    world::{Buyer, Shop, World},
};
use domain::{Command, Rejection, Reply, merchant::Product};
use engine::Refusal;
use std::{sync::Arc, thread};
use store::memory::Break;

const BREAKS: [(Break, bool); 3] =
    [(Break::Refused, false), (Break::LostBefore, false), (Break::LostAfter, true)];

fn town() -> (World, Shop, Buyer) {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    (world, shop, buyer)
}

#[track_caller]
fn unavailable<T: std::fmt::Debug>(answer: &Result<T, Refusal>) {
    assert!(matches!(answer, Err(Refusal::Unavailable(_))), "{answer:?}");
}

/// A batch fails while the next one already stands on it: both are withdrawn together, or both stay.
#[test]
fn a_failed_batch_takes_the_next_one_with_it() {
    for (how, there) in BREAKS {
        for recover_faults in [0, 2] {
            let (mut world, shop, buyer) = town();
            let rig = Rig::start(world.memory.open(), world.now);
            rig.commit.close();
            let create = rig.submit(shop.create("order-0001", Product::Jsapi, 5_00)).unwrap();
            rig.commit.reached();
            // Applied on the batch in flight, in the open one:
            let close = rig.submit(shop.close("order-0001")).unwrap();
            let known = rig.submit(shop.close("order-0009")).unwrap();
            while rig.handle.stats().queued > 0 {
                thread::yield_now();
            }
            world.memory.break_commit(how);
            world.memory.break_recover(recover_faults);
            rig.commit.open();

            let (create, close, known) = (create.wait(), close.wait(), known.wait());
            if there {
                assert!(create.is_ok(), "{how:?}: {create:?}");
                assert_eq!(close, Ok(Reply::Done), "{how:?}");
                assert_eq!(known, Err(Refusal::Rejected(Rejection::OrderNotFound)));
            } else {
                // Not even the refusal is told: it was decided over a state that never was.
                unavailable(&create);
                unavailable(&close);
                unavailable(&known);
            }
            let found = world.queries.order_by_number(shop.id, "order-0001").unwrap();
            assert_eq!(found.is_some(), there, "{how:?}");

            // The working set is the store's again, and work goes on.
            let again = rig.run(shop.create("order-0001", Product::Jsapi, 5_00));
            let wanted = if there { Err(Refusal::Rejected(Rejection::OrderClosed)) } else { Ok(()) };
            assert_eq!(again.map(drop), wanted, "{how:?}");
            rig.run(buyer.top_up(1_00)).unwrap();
            assert_eq!(rig.handle.stats().faults, u64::from(!there), "{how:?}");
            rig.stop();
            world.restart();
            world.sale(&shop, &buyer, "order-0002", 5_00);
        }
    }
}

/// A payment whose commit fails leaves balance, order and notification as they were, and can be made again.
#[test]
fn a_payment_is_kept_whole_or_not_at_all() {
    for (how, there) in BREAKS {
        let (mut world, shop, buyer) = town();
        let order = world.order(&shop, "order-0001", Product::Jsapi, 50_00);
        let pay = Command::PayOrder(world.confirmation(order, &buyer));
        let rig = Rig::start(world.memory.open(), world.now);
        world.memory.break_commit(how);
        let answer = rig.run(pay.clone());
        assert_eq!(answer.is_ok(), there, "{how:?}: {answer:?}");
        let left = if there { 50_00 } else { 100_00 };
        assert_eq!((world.balance(&buyer), world.notifications(order).len()), (left, usize::from(there)));
        let again = rig.run(pay);
        let wanted = if there { Err(Refusal::Rejected(Rejection::OrderPaid)) } else { Ok(()) };
        assert_eq!(again.map(drop), wanted, "{how:?}");
        let heard = Arc::clone(&rig.heard);
        rig.stop();
        assert_eq!(heard.lock().unwrap().len(), 1, "{how:?}: workers hear of what is durable, once");
        assert_eq!((world.balance(&buyer), world.takings(&shop)), (50_00, 49_70), "paid once");
    }
}

/// Fault after fault: each is told, none is kept, and batch numbers have no gap.
#[test]
fn a_store_may_fail_again_and_again() {
    let (mut world, shop, _) = town();
    let stands = world.queries.counts().unwrap().batch;
    let rig = Rig::start(world.memory.open(), world.now);
    let mut kept = 0;
    for n in 0..30 {
        let (how, there) = BREAKS[n % 3];
        world.memory.break_commit(how);
        let answer = rig.run(shop.create(&format!("order-{n:04}"), Product::Native, 5_00));
        assert_eq!(answer.is_ok(), there, "{n}: {answer:?}");
        kept += i64::from(there);
    }
    rig.stop();
    assert_eq!(
        world.queries.counts().unwrap().batch,
        stands + kept,
        "the store in memory checks the numbers"
    );
    world.restart();
    world.order(&shop, "order-0099", Product::Native, 5_00);
}

/// A load that fails refuses the commands that needed it, not those that did not.
#[test]
fn a_failed_load_refuses_only_who_needed_it() {
    let (mut world, shop, buyer) = town();
    world.order(&shop, "order-0000", Product::Jsapi, 5_00);
    let rig = Rig::start(world.memory.open(), world.now);
    rig.run(shop.create("order-0001", Product::Jsapi, 5_00)).unwrap();
    rig.load.close();
    let blocker = rig.submit(buyer.top_up(1_00)).unwrap();
    rig.load.reached();
    let cold = rig.submit(shop.create("order-0002", Product::Jsapi, 5_00)).unwrap();
    let warm = rig.submit(shop.close("order-0001")).unwrap();
    world.memory.break_load(1);
    rig.load.open();
    unavailable(&blocker.wait());
    cold.wait().unwrap();
    assert_eq!(warm.wait(), Ok(Reply::Done));
    world.memory.break_load(1);
    // Not beyond what stood there before: the store has to be asked.
    let cold = rig.submit(shop.create("order-0000", Product::Jsapi, 5_00)).unwrap();
    unavailable(&cold.wait());
    rig.run(shop.create("order-0000", Product::Jsapi, 5_00)).unwrap();
    rig.stop();
}

/// A store that can't say where it stands does not start.
#[test]
fn an_engine_does_not_start_over_a_store_that_is_silent() {
    let (mut world, shop, _) = town();
    world.memory.break_recover(1);
    let clock = Arc::new(engine::ManualClock::standing(world.now));
    let setup = crate::rig::eager();
    let started = engine::Engine::start(world.memory.open(), clock, setup, Box::new(|_| {}));
    assert!(matches!(started, Err(engine::Fault::Unknown(_))), "{started:?}");
    world.order(&shop, "order-0001", Product::Jsapi, 5_00);
}
