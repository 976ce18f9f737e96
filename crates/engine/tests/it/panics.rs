//! Panics: a broken invariant or a broken store ends what it touched and nothing else.

use crate::{
    rig::{Rig, Trick},
    world::{Buyer, Shop, World},
};
use domain::{Caller, Rejection, Reply, merchant::Product};
use engine::{Engine, ManualClock, Refusal};
use std::{sync::Arc, thread};

fn town() -> (World, Shop, Buyer) {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    (world, shop, buyer)
}

#[track_caller]
fn unavailable<T: std::fmt::Debug>(answer: &Result<T, Refusal>) {
    assert!(matches!(answer, Err(Refusal::Unavailable(_))), "{answer:?}");
}

/// While a batch is in flight, a command of the open one panics: what was in flight is answered as committed,
/// the open batch is dropped whole, and work goes on from the store.
#[test]
fn a_panic_while_applying_drops_the_open_batch_only() {
    let (mut world, shop, buyer) = town();
    let rig = Rig::start(world.memory.open(), world.now);
    rig.commit.close();
    let flying = rig.submit(shop.create("order-0001", Product::Jsapi, 5_00)).unwrap();
    rig.commit.reached();
    let open = rig.submit(shop.close("order-0001")).unwrap();
    while rig.handle.stats().queued > 0 {
        thread::yield_now();
    }
    rig.load.play(Trick::Lie);
    let broken = rig.submit(buyer.top_up(1_00)).unwrap();
    rig.commit.open();
    flying.wait().unwrap();
    unavailable(&broken.wait());
    let closed = open.wait(); // by then it may have been committed, or was dropped with the open batch
    assert!(closed == Ok(Reply::Done) || matches!(closed, Err(Refusal::Unavailable(_))), "{closed:?}");
    let state = world.numbered(&shop, "order-0001").state;
    assert_eq!(state == domain::order::OrderState::Closed, closed.is_ok(), "told what is there");
    assert_eq!(rig.handle.stats().faults, 1);
    rig.run(buyer.top_up(1_00)).unwrap();
    rig.run(shop.close("order-0001")).unwrap();
    rig.stop();
    world.restart();
    world.sale(&shop, &buyer, "order-0002", 5_00);
}

#[test]
fn a_panic_in_a_dry_run_stops_nothing() {
    let (world, shop, buyer) = town();
    let rig = Rig::start(world.memory.open(), world.now);
    rig.load.play(Trick::Lie);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let tried = runtime.block_on(rig.handle.dry_run(buyer.top_up(1_00), Caller::platform()));
    unavailable(&tried);
    rig.run(shop.create("order-0001", Product::Jsapi, 5_00)).unwrap();
    assert!(runtime.block_on(rig.handle.dry_run(buyer.top_up(1_00), Caller::platform())).is_ok());
    rig.stop();
    assert!(world.queries.due_payments(types::ShardSet::ONLY, world.now, 10).unwrap().is_empty());
}

/// A store that panics may have written or not: it is asked, and callers are told what is there.
#[test]
fn a_panic_while_committing_is_an_outcome_to_be_asked_for() {
    for (trick, there) in [(Trick::PanicBefore, false), (Trick::PanicAfter, true)] {
        let (world, shop, _) = town();
        let rig = Rig::start(world.memory.open(), world.now);
        rig.commit.play(trick);
        let create = rig.run(shop.create("order-0001", Product::Jsapi, 5_00));
        assert_eq!(create.is_ok(), there, "{trick:?}: {create:?}");
        if !there {
            unavailable(&create);
        }
        let closed = rig.run(shop.close("order-0001"));
        let wanted = if there { Ok(Reply::Done) } else { Err(Refusal::Rejected(Rejection::OrderNotFound)) };
        assert_eq!(closed, wanted, "{trick:?}");
        rig.stop();
    }
}

/// A listener that panics loses its events; the commit stands, and the next is heard again.
#[test]
fn a_panic_of_the_listener_undoes_nothing() {
    let (world, shop, _) = town();
    let clock = Arc::new(ManualClock::standing(world.now));
    let listener = Box::new(|_: &[domain::Event]| panic!("played on purpose"));
    let engine = Engine::start(world.memory.open(), clock, crate::rig::eager(), listener).unwrap();
    for n in 0..3 {
        let create = shop.create(&format!("order-{n:04}"), Product::Jsapi, 5_00);
        engine.handle().run_blocking(create, Caller::platform()).unwrap();
    }
    engine.stop();
    assert!(world.queries.order_by_number(shop.id, "order-0002").unwrap().is_some());
}
