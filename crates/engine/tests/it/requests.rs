//! Request keys: the first answer is repeated, another content is refused.

use crate::world::{Buyer, Shop, World, asked, digest, make::placed, make::succeeded, make::waiting};
use domain::{
    Caller, Command, Key, Rejection, Reply,
    merchant::{MerchantChange, Product},
    payer::PinOutcome,
    payment::{Paid, PaymentState},
    session::SignIn,
};
use engine::core::Asked;
use types::{CardId, OrderId, PayerId, PaymentId, time};

/// A command under a request key; the content stands for what the caller hashed.
fn keyed(key: &str, content: &str, command: Command) -> Asked {
    Asked { request: Some((digest(key), digest(content))), ..asked(Caller::platform(), command) }
}

fn place() -> (World, Shop, Buyer) {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(0));
    (world, shop, buyer)
}

/// The answer is the first one, whatever has happened since, also to another process.
#[test]
fn a_repeat_gets_the_first_answer() {
    let (mut world, shop, buyer) = place();
    world.fund(&buyer, 100_00);
    let create = keyed("key 1", "a", shop.create("order-0001", Product::Jsapi, 50_00));
    let first = world.ask(&[&create]).remove(0);
    let order = placed(first.clone().unwrap());
    world.pay(order, &buyer).unwrap();
    for when in ["at once", "after a restart", "a day later"] {
        assert_eq!(world.ask(&[&create]).remove(0), first, "{when}");
        let line = &world.last.journal[0];
        assert_eq!((line.outcome, line.note.as_deref()), ("ok", Some("answered as the first time")));
        assert!(world.last.orders.is_empty() && world.last.requests.is_empty(), "{when}: nothing is written");
        world.restart();
        world.advance(if when == "at once" { 0 } else { time::DAY });
    }
    // Without the key it is judged as it stands now.
    assert_eq!(world.no(shop.create("order-0001", Product::Jsapi, 50_00)), Rejection::OrderPaid);
}

#[test]
fn another_content_under_the_same_key_is_refused() {
    let (mut world, _, buyer) = place();
    let first = keyed("key 1", "a", buyer.top_up(1_00));
    let other = keyed("key 1", "b", buyer.top_up(2_00));
    waiting(world.ask(&[&first]).remove(0).unwrap());
    for _ in 0..2 {
        assert_eq!(world.ask(&[&other]).remove(0), Err(Rejection::RequestKeyReused));
        world.restart();
    }
    assert_eq!(world.queries.due_payments(types::ShardSet::ONLY, world.now, 10).unwrap().len(), 1);
}

#[test]
fn another_key_is_another_request() {
    let (mut world, _, buyer) = place();
    let outcomes = ["key 1", "key 2"].map(|key| {
        let top_up = keyed(key, "a", buyer.top_up(1_00));
        waiting(world.ask(&[&top_up]).remove(0).unwrap())
    });
    assert_ne!(outcomes[0], outcomes[1]);
}

/// A refusal keeps nothing, so the key is free until the command is accepted.
#[test]
fn a_refused_request_can_be_tried_again() {
    let (mut world, shop, buyer) = place();
    let order = world.order(&shop, "order-0001", Product::Jsapi, 50_00);
    let confirmed = world.confirmation(order, &buyer);
    let pay = keyed("key 1", "a", Command::PayOrder(confirmed));
    assert_eq!(world.ask(&[&pay]).remove(0), Err(Rejection::NotEnough));
    world.fund(&buyer, 50_00);
    let paid = Ok(Reply::Paid(Paid::Done(world.now)));
    assert_eq!(world.ask(&[&pay]).remove(0), paid);
    world.advance(time::MINUTE);
    assert_eq!(world.ask(&[&pay]).remove(0), paid, "with the time of the first");
    assert_eq!(world.takings(&shop), 50_00 - 30);
}

/// The same key twice in one batch runs once, whether its records were loaded before or not; another content
/// beside it is refused.
#[test]
fn accident_formance_1633_the_same_key_twice_in_one_batch() {
    for cold in [false, true] {
        let (mut world, _, buyer) = place();
        if cold {
            world.restart();
        }
        let first = keyed("key 1", "a", buyer.top_up(1_00));
        let other = keyed("key 1", "b", buyer.top_up(9_00));
        let outcomes = world.ask(&[&first, &first, &other, &first]);
        let payment = waiting(outcomes[0].clone().unwrap());
        assert_eq!((&outcomes[1], &outcomes[3]), (&outcomes[0], &outcomes[0]), "cold {cold}");
        assert_eq!(outcomes[2], Err(Rejection::RequestKeyReused), "cold {cold}");
        assert_eq!((world.last.payments.len(), world.last.journal.len()), (1, 4));
        world.answer(payment, succeeded());
        assert_eq!(world.balance(&buyer), 1_00);
    }
}

/// Keys are kept for a day and an hour; after the sweep the same key is a new request.
#[test]
fn a_key_is_forgotten_after_a_day() {
    let (mut world, _, buyer) = place();
    let top_up = keyed("key 1", "a", buyer.top_up(1_00));
    let first = waiting(world.ask(&[&top_up]).remove(0).unwrap());
    world.advance(25 * time::HOUR);
    let sweep = Command::Sweep(types::Shard::FIRST, vec![Key::Request(digest("key 1"))]);
    assert_eq!(world.ok(sweep.clone()), Reply::Count(0));
    world.advance(1);
    assert_eq!(world.ok(sweep), Reply::Count(1));
    assert_ne!(waiting(world.ask(&[&top_up]).remove(0).unwrap()), first);
}

/// Every answer can be kept and repeated as it was.
#[test]
fn every_answer_reads_back() {
    let now = crate::world::START;
    let answers = [
        Reply::Done,
        Reply::SignedIn(SignIn::Welcome { payer: PayerId(1), new: true }),
        Reply::SignedIn(SignIn::WrongCode { left: 2 }),
        Reply::Payer(PayerId(i64::MAX)),
        Reply::Pin(PinOutcome::Right),
        Reply::Pin(PinOutcome::Wrong { left: 4 }),
        Reply::Pin(PinOutcome::Locked { until: now }),
        Reply::Card(CardId(1)),
        Reply::Order(OrderId(1)),
        Reply::Paid(Paid::Done(now)),
        Reply::Paid(Paid::Waiting(PaymentId(1))),
        Reply::Paid(Paid::Pin(PinOutcome::Wrong { left: 0 })),
        Reply::Payment(PaymentState::Unknown),
        Reply::ShownUntil(now),
        Reply::Count(3),
    ];
    for answer in answers {
        let kept = serde_json::to_string(&answer).unwrap();
        assert_eq!(serde_json::from_str::<Reply>(&kept).unwrap(), answer, "{kept}");
    }
}

/// A wrong PIN is an answer too: its repeat does not count twice.
#[test]
fn a_repeated_wrong_pin_counts_once() {
    let (mut world, _, buyer) = place();
    let wrong = keyed("key 1", "a", Buyer { pin: digest("wrong"), ..buyer }.top_up(1_00));
    for _ in 0..9 {
        let answer = world.ask(&[&wrong]).remove(0);
        assert_eq!(answer, Ok(Reply::Paid(Paid::Pin(PinOutcome::Wrong { left: 4 }))));
    }
    assert_eq!(world.payer(buyer.id).pin_failures, 1);
}

/// Keys are no way around a rule: what changes hands under a key is written like any other command.
#[test]
fn a_keyed_command_is_journalled_and_checked_like_any_other() {
    let (mut world, shop, _) = place();
    let off = MerchantChange { active: Some(false), ..MerchantChange::default() };
    world.ask(&[&keyed("key 1", "a", shop.change(off))]).remove(0).unwrap();
    let line = world.last.journal[0].clone();
    assert_eq!(
        (line.command, line.subject.to_string()),
        ("change_merchant", format!("merchant:{}", shop.id))
    );
    assert!(!world.queries.merchant(shop.id).unwrap().unwrap().active);
}
