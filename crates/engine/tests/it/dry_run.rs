//! A dry run: what a command would do to which records, and nothing done (R-CLERK-49 in general form).

use crate::{
    rig::Rig,
    world::{Buyer, World},
};
use domain::{
    Caller, Command, Rejection, Reply, merchant::Product, order::OrderState, payment::Paid, records::Effect,
};
use engine::Refusal;
use std::collections::BTreeSet;

fn dry_run(rig: &Rig, command: Command) -> Result<(Reply, Vec<Effect>), Refusal> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(rig.handle.dry_run(command, Caller::platform()))
}

fn kinds(effects: &[Effect]) -> BTreeSet<&'static str> {
    effects.iter().map(|effect| effect.record).collect()
}

/// The effects of a payment, record by record, then the payment itself: they agree.
#[test]
fn a_dry_run_lists_what_a_payment_would_change() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    let order = world.order(&shop, "order-0001", Product::Jsapi, 50_00);
    let before = (world.stored(order), world.queries.counts().unwrap());
    let pay = Command::PayOrder(world.confirmation(order, &buyer));
    let rig = Rig::start(world.memory.open(), world.now);

    let (reply, effects) = dry_run(&rig, pay.clone()).unwrap();
    assert!(matches!(reply, Reply::Paid(Paid::Done(_))));
    let named = kinds(&effects);
    assert_eq!(named, BTreeSet::from(["Account", "Notification", "Order", "Transfer", "Usage"]));
    let of = |kind: &str| effects.iter().filter(|effect| effect.record == kind).collect::<Vec<_>>();
    let order_effect = of("Order")[0];
    let state = |value: &Option<serde_json::Value>| value.as_ref().unwrap()["state"].clone();
    assert_eq!((state(&order_effect.before), state(&order_effect.after)), ("open".into(), "paid".into()));
    assert!(of("Transfer").iter().all(|effect| effect.before.is_none() && effect.after.is_some()));
    assert_eq!((of("Transfer").len(), of("Account").len(), of("Notification").len()), (2, 3, 1));

    for _ in 0..3 {
        assert_eq!(kinds(&dry_run(&rig, pay.clone()).unwrap().1), named, "again");
    }
    assert_eq!(
        (world.stored(order), world.queries.counts().unwrap()),
        before,
        "nothing is stored, no line either"
    );
    assert!(rig.heard.lock().unwrap().is_empty());
    assert_eq!(rig.handle.stats().commands, 0);

    rig.run(pay.clone()).unwrap();
    let after = serde_json::to_value(world.stored(order)).unwrap();
    let told = order_effect.after.clone().unwrap();
    for field in ["state", "payer", "fee", "card", "expires_at"] {
        assert_eq!(told[field], after[field], "{field}");
    }
    assert_eq!(dry_run(&rig, pay), Err(Refusal::Rejected(Rejection::OrderPaid)));
    rig.stop();
    assert_eq!(world.takings(&shop), 49_70);
}

#[test]
fn a_dry_run_refuses_as_the_command_would() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(10_00));
    let order = world.order(&shop, "order-0001", Product::Jsapi, 50_00);
    let pay = Command::PayOrder(world.confirmation(order, &buyer));
    let wrong =
        Command::PayOrder(world.confirmation(order, &Buyer { pin: crate::world::digest("x"), ..buyer }));
    let rig = Rig::start(world.memory.open(), world.now);
    assert_eq!(dry_run(&rig, pay), Err(Refusal::Rejected(Rejection::NotEnough)));
    assert_eq!(dry_run(&rig, shop.close("order-0009")), Err(Refusal::Rejected(Rejection::OrderNotFound)));
    let (_, effects) = dry_run(&rig, wrong).unwrap();
    assert_eq!(kinds(&effects), BTreeSet::from(["Order", "Payer"]), "a wrong PIN would be counted");
    rig.stop();
    assert_eq!(world.payer(buyer.id).pin_failures, 0, "and was not");
    assert_eq!(world.state(order), OrderState::Open);
}

/// What is removed is an effect without an after.
#[test]
fn a_dry_run_shows_removals() {
    let mut world = World::new();
    let payer = world.sign_up("a phone");
    let rig = Rig::start(world.memory.open(), world.now);
    let sign_out = Command::SignOut(payer, crate::world::digest("token of a phone"));
    let (_, effects) = dry_run(&rig, sign_out).unwrap();
    let [effect] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((effect.record, effect.before.is_some(), effect.after.is_none()), ("Session", true, true));
    rig.stop();
}

/// A dry run sees what is applied but not yet durable, and counts against the queue like a command.
#[test]
fn a_dry_run_stands_on_what_is_applied() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    let order = world.order(&shop, "order-0001", Product::Jsapi, 50_00);
    let pay = Command::PayOrder(world.confirmation(order, &buyer));
    let rig = Rig::start(world.memory.open(), world.now);
    rig.commit.close();
    let paid = rig.submit(pay.clone()).unwrap();
    rig.commit.reached();
    assert_eq!(dry_run(&rig, pay), Err(Refusal::Rejected(Rejection::OrderPaid)));
    rig.commit.open();
    paid.wait().unwrap();
    rig.stop();
}
