//! Many at once: threads that meet at the engine's queue.

use crate::{
    rig::{Rig, queue},
    world::{Buyer, Shop, World, make::placed},
};
use domain::{
    Command, Event, Rejection, Reply, merchant::Product, order::OrderState, payment::Confirmation,
    payment::Paid,
};
use engine::Refusal;
use std::{
    sync::{Arc, Barrier},
    thread,
};
use types::{Currency, OrderId};

/// Runs each command on a thread of its own, all starting together; answers in the same order.
fn at_once(rig: &Rig, commands: Vec<Command>) -> Vec<Result<Reply, Refusal>> {
    let start = Barrier::new(commands.len());
    thread::scope(|scope| {
        let threads: Vec<_> = commands
            .into_iter()
            .map(|command| {
                scope.spawn(|| {
                    start.wait();
                    rig.run(command)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn refused(rejection: Rejection) -> Result<Reply, Refusal> {
    Err(Refusal::Rejected(rejection))
}

/// Shops and payers made before the engine starts.
fn town(payers: usize, fen: i64) -> (World, Shop, Vec<Buyer>) {
    let mut world = World::new();
    let shop = world.shop();
    let buyers = (0..payers).map(|_| world.buyer(fen)).collect();
    (world, shop, buyers)
}

/// One order, sixteen payers at once: one success, one movement, one notification (issue: exactly one success
/// per order under any concurrency).
#[test]
fn sixteen_payers_on_one_order_pay_it_once() {
    let (mut world, shop, buyers) = town(16, 100_00);
    let orders: Vec<OrderId> =
        (0..10).map(|n| world.order(&shop, &format!("order-{n:04}"), Product::Native, 5_00)).collect();
    let rig = Rig::start(world.memory.open(), world.now);
    for order in &orders {
        let pay = buyers.iter().map(|buyer| Command::PayOrder(world.confirmation(*order, buyer)));
        let answers = at_once(&rig, pay.collect());
        let paid = answers.iter().filter(|answer| matches!(answer, Ok(Reply::Paid(Paid::Done(_))))).count();
        assert_eq!(paid, 1, "{answers:?}");
        let lost = answers.iter().filter(|answer| **answer == refused(Rejection::OrderPaid)).count();
        assert_eq!(lost, 15, "{answers:?}");
        let winner = answers.iter().position(Result::is_ok).unwrap();
        assert_eq!(world.stored(*order).payer, Some(buyers[winner].id), "told to the one who paid");
        assert_eq!(world.notifications(*order).len(), 1);
    }
    let heard = Arc::clone(&rig.heard);
    rig.stop();
    let told = heard.lock().unwrap();
    assert_eq!(told.iter().filter(|event| matches!(event, Event::NotificationDue(_))).count(), 10);
    let left: i64 = buyers.iter().map(|buyer| world.balance(buyer)).sum();
    assert_eq!(left, 16 * 100_00 - 10 * 5_00);
}

/// The same with cards among them: at most one way of paying starts.
#[test]
fn balances_and_cards_meet_on_one_order() {
    let (mut world, shop, buyers) = town(16, 100_00);
    let orders: Vec<OrderId> =
        (0..10).map(|n| world.order(&shop, &format!("order-{n:04}"), Product::Native, 5_00)).collect();
    let rig = Rig::start(world.memory.open(), world.now);
    for order in orders {
        let pay = buyers.iter().enumerate().map(|(n, buyer)| {
            let card = (n % 2 == 0).then_some(buyer.card);
            Command::PayOrder(Confirmation { card, ..world.confirmation(order, buyer) })
        });
        let answers = at_once(&rig, pay.collect());
        let started = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(started, 1, "{answers:?}");
        let stored = world.stored(order);
        let paid = stored.state == OrderState::Paid;
        let others = if paid { Rejection::OrderPaid } else { Rejection::OrderBusy };
        assert!(answers.iter().filter(|a| a.is_err()).all(|a| *a == refused(others.clone())), "{answers:?}");
        assert_eq!((stored.payment.is_some(), world.notifications(order).len()), (!paid, usize::from(paid)));
    }
    rig.stop();
}

/// Sixteen reversals of one payment at once return it once.
#[test]
fn accident_blnk_315_two_refunds_at_once() {
    let (mut world, shop, buyers) = town(1, 100_00);
    let code = world.shown_code(&buyers[0]);
    let order = placed(world.ok(shop.code_pay("order-0001", 50_00, code)));
    let rig = Rig::start(world.memory.open(), world.now);
    let answers = at_once(&rig, vec![shop.reverse("order-0001"); 16]);
    assert!(answers.iter().all(|answer| *answer == Ok(Reply::Done)), "{answers:?}");
    rig.stop();
    assert_eq!((world.state(order), world.balance(&buyers[0])), (OrderState::Revoked, 100_00));
    assert_eq!((world.takings(&shop), world.fees()), (0, 0));
}

/// Hundreds of payments at once to one merchant: each is in the takings.
#[test]
fn accident_blnk_238_a_credit_to_one_account_is_lost() {
    let (mut world, shop, buyers) = town(16, 100_00);
    let orders: Vec<_> = (0..20)
        .flat_map(|n| {
            buyers.iter().enumerate().map(move |(m, buyer)| (format!("order-{n:02}-{m:02}"), buyer))
        })
        .map(|(number, buyer)| (world.order(&shop, &number, Product::Jsapi, 5_00), *buyer))
        .collect();
    let pay = orders.iter().map(|(order, buyer)| Command::PayOrder(world.confirmation(*order, buyer)));
    let rig = Rig::start(world.memory.open(), world.now);
    let pending: Vec<_> = pay.map(|command| rig.submit(command).unwrap()).collect();
    for answer in pending {
        answer.wait().unwrap();
    }
    rig.stop();
    assert_eq!((world.takings(&shop), world.fees()), (320 * 4_97, 320 * 3));
    assert!(buyers.iter().all(|buyer| world.balance(buyer) == 0));
}

/// One balance, many orders at once: as many are paid as there is money for.
#[test]
fn a_balance_pays_only_what_it_holds() {
    let (mut world, shop, buyers) = town(1, 50_00);
    let orders: Vec<OrderId> =
        (0..16).map(|n| world.order(&shop, &format!("order-{n:04}"), Product::Jsapi, 7_00)).collect();
    let pay = orders.iter().map(|order| Command::PayOrder(world.confirmation(*order, &buyers[0])));
    let pay = pay.collect();
    let rig = Rig::start(world.memory.open(), world.now);
    let answers = at_once(&rig, pay);
    rig.stop();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 7, "{answers:?}");
    assert!(answers.iter().filter(|a| a.is_err()).all(|a| *a == refused(Rejection::NotEnough)));
    assert_eq!(world.balance(&buyers[0]), 1_00);
}

/// One payment code at sixteen tills: one order.
#[test]
fn a_payment_code_at_many_tills_pays_once() {
    let (mut world, shop, buyers) = town(1, 100_00);
    let code = world.shown_code(&buyers[0]);
    let rig = Rig::start(world.memory.open(), world.now);
    let scans = (0..16).map(|n| shop.code_pay(&format!("order-{n:04}"), 5_00, code));
    let answers = at_once(&rig, scans.collect());
    rig.stop();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    assert!(answers.iter().filter(|a| a.is_err()).all(|a| *a == refused(Rejection::CodeUsed)));
    assert_eq!(world.balance(&buyers[0]), 95_00);
}

/// One number sent sixteen times at once is one order.
#[test]
fn a_number_sent_many_times_is_one_order() {
    let (world, shop, _) = town(0, 0);
    let rig = Rig::start(world.memory.open(), world.now);
    let answers = at_once(&rig, vec![shop.create("order-0001", Product::Native, 5_00); 16]);
    rig.stop();
    assert!(answers.iter().all(|answer| answer.is_ok() && *answer == answers[0]), "{answers:?}");
    let mut orders = 0;
    world.queries.each_order(&mut |_| orders += 1).unwrap();
    assert_eq!(orders, 1);
}

/// A full queue refuses; what was taken is answered; what was refused left no trace.
#[test]
fn a_full_queue_refuses_and_loses_nothing() {
    const ROOM: usize = 8;
    let (world, shop, _) = town(0, 0);
    let create = |n: usize| shop.create(&format!("order-{n:04}"), Product::Native, 5_00);
    let rig = Rig::with(world.memory.open(), world.now, queue(ROOM));
    rig.load.close();
    let mut taken = vec![rig.submit(create(0)).unwrap()];
    rig.load.reached(); // the engine is busy with the first; the others queue up
    taken.extend((1..=ROOM).map(|n| rig.submit(create(n)).unwrap()));
    assert_eq!(rig.handle.stats().queued, ROOM);
    for n in ROOM + 1..ROOM + 4 {
        assert_eq!(rig.submit(create(n)).map(drop), Err(Refusal::Busy), "{n}");
    }
    rig.load.open();
    for answer in taken {
        answer.wait().unwrap();
    }
    rig.run(create(99)).unwrap();
    rig.stop();
    let there =
        |n: usize| world.queries.order_by_number(shop.id, &format!("order-{n:04}")).unwrap().is_some();
    assert!((0..=ROOM).all(there) && there(99));
    assert!(!(ROOM + 1..ROOM + 4).any(there), "a refused command leaves no trace");
}

/// While a batch is being made durable the next one is applied on top of it, and both are answered in order.
#[test]
fn a_batch_is_applied_while_the_one_before_is_committed() {
    let (world, shop, buyers) = town(1, 100_00);
    let rig = Rig::start(world.memory.open(), world.now);
    rig.commit.close();
    let create = rig.submit(shop.create("order-0001", Product::Jsapi, 5_00)).unwrap();
    rig.commit.reached();
    let close = rig.submit(shop.close("order-0001")).unwrap();
    let again = rig.submit(shop.create("order-0001", Product::Jsapi, 5_00)).unwrap();
    while rig.handle.stats().queued > 0 {
        thread::yield_now();
    }
    assert_eq!(world.queries.order_by_number(shop.id, "order-0001").unwrap(), None, "nothing is durable yet");
    rig.commit.open();
    create.wait().unwrap();
    assert_eq!(close.wait(), Ok(Reply::Done));
    assert_eq!(again.wait(), refused(Rejection::OrderClosed));
    rig.stop();
    assert_eq!(buyers.len(), 1);
}

/// Stopping answers what is queued and takes nothing more.
#[test]
fn stopping_answers_what_is_queued() {
    let (world, shop, _) = town(0, 0);
    let rig = Rig::start(world.memory.open(), world.now);
    let handle = rig.handle.clone();
    let queued: Vec<_> = (0..50)
        .map(|n| rig.submit(shop.create(&format!("order-{n:04}"), Product::Native, 5_00)).unwrap())
        .collect();
    rig.stop();
    assert!(queued.into_iter().all(|answer| answer.wait().is_ok()));
    let late = handle.run_blocking(shop.close("order-0001"), domain::Caller::platform());
    assert_eq!(late, Err(Refusal::Stopped));
    let takings = ledger::AccountId::merchant_unsettled(shop.id, Currency::CNY);
    assert_eq!(world.queries.account(takings).unwrap().balance().minor, 0);
}
