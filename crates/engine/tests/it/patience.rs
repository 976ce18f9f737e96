//! Batches that wait for more commands while the machine has enough else to do.

use crate::{
    rig::Rig,
    world::{Shop, World},
};
use domain::{Command, merchant::Product};
use engine::engine::{Busy, Setup};
use std::{sync::Arc, time::Duration};

/// Longer than any test runs.
const LONG: Duration = Duration::from_secs(3600);
/// How long one says that it is busy.
const STEP: Duration = Duration::from_millis(2);

fn rig(world: &World, patience: Duration, busy: impl Fn(usize) -> bool + Send + Sync + 'static) -> Rig {
    let busy: Busy = Arc::new(move |waiting| busy(waiting).then_some(STEP));
    Rig::with(world.memory.open(), world.now, Setup { busy: Some(busy), patience, ..Setup::default() })
}

fn orders(shop: &Shop, count: usize) -> Vec<Command> {
    (0..count).map(|n| shop.create(&format!("order-{n:04}"), Product::Native, 1)).collect()
}

/// Submits all, waits for every answer; the batches they made.
fn batches(rig: Rig, commands: Vec<Command>) -> u64 {
    let before = rig.handle.stats().batches;
    let answers: Vec<_> = commands.into_iter().map(|command| rig.submit(command).unwrap()).collect();
    assert!(answers.into_iter().all(|answer| answer.wait().is_ok()));
    let made = rig.handle.stats().batches - before;
    rig.stop();
    made
}

/// One commit instead of one for the first command and one for the rest.
#[test]
fn a_small_batch_waits_while_others_have_work() {
    let mut world = World::new();
    let shop = world.shop();
    let rig = rig(&world, LONG, |waiting| waiting < 10);
    assert_eq!(batches(rig, orders(&shop, 10)), 1);
}

#[test]
fn a_batch_of_enough_commands_does_not_wait() {
    let mut world = World::new();
    let shop = world.shop();
    let rig = rig(&world, LONG, |_| true);
    assert!(batches(rig, orders(&shop, Setup::default().enough)) >= 1);
}

/// It is not left to the time that the others gave.
#[test]
fn enough_commands_end_the_wait() {
    let mut world = World::new();
    let shop = world.shop();
    let busy: Busy = Arc::new(|_| Some(LONG));
    let setup = Setup { busy: Some(busy), patience: LONG, enough: 40, ..Setup::default() };
    let rig = Rig::with(world.memory.open(), world.now, setup);
    assert!(batches(rig, orders(&shop, 40)) >= 1);
}

/// However busy the others are.
#[test]
fn patience_ends() {
    let mut world = World::new();
    let shop = world.shop();
    let rig = rig(&world, Duration::from_millis(5), |_| true);
    assert!(batches(rig, orders(&shop, 1)) == 1);
}

/// While a batch is being committed, a few commands wait in the queue and many are applied.
#[test]
fn a_few_commands_do_not_wake_the_applier_during_a_commit() {
    let mut world = World::new();
    let shop = world.shop();
    let setup = Setup { apply_ahead: 4, ..Setup::default() };
    let rig = Rig::with(world.memory.open(), world.now, setup);
    let mut orders = orders(&shop, 5).into_iter();
    rig.commit.close();
    let mut answers = vec![rig.submit(orders.next().unwrap()).unwrap()];
    rig.commit.reached();
    for order in orders.by_ref().take(3) {
        answers.push(rig.submit(order).unwrap());
    }
    assert_eq!(rig.handle.stats().queued, 3);
    answers.push(rig.submit(orders.next().unwrap()).unwrap());
    while rig.handle.stats().queued > 0 {
        std::thread::yield_now();
    }
    rig.commit.open();
    assert!(answers.into_iter().all(|answer| answer.wait().is_ok()));
    rig.stop();
}

#[test]
fn stopping_does_not_wait() {
    let mut world = World::new();
    let shop = world.shop();
    let rig = rig(&world, LONG, |_| true);
    let answers: Vec<_> = orders(&shop, 3).into_iter().map(|order| rig.submit(order).unwrap()).collect();
    rig.stop();
    assert!(answers.into_iter().all(|answer| answer.wait().is_ok()));
}
