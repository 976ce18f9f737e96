//! A crash between any two writes: a scripted day is stopped at every batch, in every way, and gone on with by a
//! new process whose callers repeat what they had no answer to. The end is always the same.

use crate::{
    summary::summary,
    world::{Buyer, Shop, World, asked, digest, make, sealed},
};
use domain::{
    Caller, Command, Reply,
    merchant::Product,
    notification::Attempt,
    order::Terms,
    payment::{ChannelAnswer, Confirmation, Entry},
    records::Digest,
};
use engine::{Store, core::Asked};
use store::{Memory, Options, memory::Break, sqlite};
use types::{Money, PaymentId, time};

/// The people of the day.
struct Cast {
    shop: Shop,
    buyer: Buyer,
    other: Buyer,
}

/// A step of the day, worked out from what is stored when it is due.
type Step = fn(&World, &Cast) -> Command;

fn pay(world: &World, cast: &Cast, number: &str, card: bool) -> Command {
    let order = world.numbered(&cast.shop, number);
    Command::PayOrder(Confirmation {
        order: order.id,
        payer: cast.buyer.id,
        entry: Entry { product: order.terms.product, issued_at: crate::world::START },
        shown: order.terms.amount,
        card: card.then_some(cast.buyer.card),
        pin: cast.buyer.pin,
    })
}

/// The payment that the channel is asked for now.
fn due(world: &World) -> PaymentId {
    world.queries.due_payments(types::ShardSet::ONLY, world.now.plus(time::DAY), 1).unwrap()[0].id
}

fn attempt(world: &World, status: u16) -> Command {
    let due =
        world.queries.due_notifications(types::ShardSet::ONLY, world.now.plus(time::DAY), 1).unwrap()[0].id;
    let acknowledged = status == 200;
    Command::RecordAttempt(due, Attempt { acknowledged, status, took_ms: 5, error: "".into() })
}

const CODES: [i64; 2] = [880_000_000_000_000_001, 880_000_000_000_000_002];

const DAY: [Step; 24] = [
    |_, cast| cast.shop.create("jsapi-0001", Product::Jsapi, 50_00),
    |_, cast| cast.shop.create("jsapi-0001", Product::Jsapi, 51_00), // refused: other content
    |world, cast| pay(world, cast, "jsapi-0001", false),
    |world, cast| pay(world, cast, "jsapi-0001", false), // refused: paid
    |world, _| attempt(world, 500),
    |world, _| attempt(world, 200),
    |_, cast| cast.buyer.top_up(200_00),
    |world, _| Command::AnswerPayment(due(world), make::succeeded()),
    |_, cast| cast.shop.create("card-0001", Product::Native, 70_00),
    |world, cast| pay(world, cast, "card-0001", true),
    |world, _| Command::AnswerPayment(due(world), ChannelAnswer::Unknown),
    |world, _| Command::AnswerPayment(due(world), make::succeeded()),
    |_, cast| cast.shop.create("card-0002", Product::Native, 30_00),
    |world, cast| pay(world, cast, "card-0002", true),
    |world, _| Command::AnswerPayment(due(world), make::declined()),
    |_, cast| cast.shop.close("card-0002"),
    |_, cast| Command::IssuePaymentCode(cast.buyer.id, CODES[0]),
    |_, cast| cast.shop.code_pay("code-0001", 80_00, CODES[0]),
    |_, cast| cast.shop.reverse("code-0001"),
    |_, cast| Command::IssuePaymentCode(cast.other.id, CODES[1]),
    |_, cast| cast.shop.code_pay("code-0002", 1_000_01, CODES[1]),
    |world, cast| {
        let order = world.numbered(&cast.shop, "code-0002").id;
        Buyer { pin: digest("wrong"), ..cast.other }.confirm(order)
    },
    |world, cast| cast.other.confirm(world.numbered(&cast.shop, "code-0002").id),
    |_, cast| {
        let terms = Terms { payer: Some(cast.buyer.id), ..cast.shop.terms("last-0001", Product::H5, 1) };
        Command::CreateOrder { terms: sealed(Terms { amount: Money::cny(1_00), ..terms }), expires_at: None }
    },
];

fn cast(world: &mut World) -> Cast {
    Cast { shop: world.shop(), buyer: world.buyer(100_00), other: world.buyer(2_000_00) }
}

/// A step as its caller sends it, and would send it again: under the step's own key.
fn step(world: &World, cast: &Cast, place: usize) -> Asked {
    let command = DAY[place](world, cast);
    let request = Some((digest(&format!("step {place}")), Digest([0; 32])));
    Asked { request, ..asked(Caller::platform(), command) }
}

/// Runs the day. Before the step at `at`, `crash` is played; a step without an answer is asked again.
fn play(world: &mut World, cast: &Cast, mut crash: impl FnMut(&mut World, usize)) -> Vec<bool> {
    let mut accepted = Vec::new();
    for place in 0..DAY.len() {
        let sent = step(world, cast, place);
        crash(world, place);
        let outcome = world.try_ask(&[&sent]).unwrap_or_else(|_| world.ask(&[&sent]));
        accepted.push(outcome[0].is_ok());
        world.prove();
    }
    accepted
}

/// The day without a fault: what every other must come to.
fn quiet() -> (Vec<bool>, Vec<String>) {
    let mut world = World::new();
    let cast = cast(&mut world);
    let accepted = play(&mut world, &cast, |_, _| {});
    assert_eq!(accepted.iter().filter(|ok| !**ok).count(), 2, "{accepted:?}");
    (accepted, summary(&world, &[cast.buyer, cast.other]))
}

/// At every batch, each of the three ways a commit can fail, with and without the process dying afterwards.
#[test]
fn a_crash_between_any_two_writes_loses_nothing_and_doubles_nothing() {
    let wanted = quiet();
    for place in 0..DAY.len() {
        for how in [Break::Refused, Break::LostBefore, Break::LostAfter] {
            for dies in [false, true] {
                let mut world = World::new();
                let cast = cast(&mut world);
                let accepted = play(&mut world, &cast, |world, at| {
                    if at == place {
                        world.memory.break_commit(how);
                    }
                    if at == place + 1 && dies {
                        world.restart();
                    }
                });
                let got = (accepted, summary(&world, &[cast.buyer, cast.other]));
                assert_eq!(got, wanted, "step {place}, {how:?}, dies {dies}");
            }
        }
    }
}

/// The answer is lost and the process dies: the caller asks again under its key and is told what was done.
#[test]
fn a_lost_answer_is_given_again() {
    let wanted = quiet();
    let mut world = World::new();
    let cast = cast(&mut world);
    let mut accepted = Vec::new();
    for place in 0..DAY.len() {
        let sent = step(&world, &cast, place);
        let first = world.ask(&[&sent]);
        world.restart();
        let again = world.ask(&[&sent]);
        assert_eq!(again, first, "step {place}");
        accepted.push(again[0].is_ok());
    }
    assert_eq!((accepted, summary(&world, &[cast.buyer, cast.other])), wanted);
}

/// The same day on SQLite, closed and opened again before every step.
#[test]
fn the_day_on_sqlite_opened_anew_at_every_step() {
    let wanted = quiet();
    let folder = tempfile::tempdir().unwrap();
    let open = || -> Store {
        let options = Options { durable: false, ..Options::default() };
        sqlite(&folder.path().join("feiqian.db"), options).unwrap()
    };
    let mut world = World::over(open(), Memory::default());
    let cast = cast(&mut world);
    let accepted = play(&mut world, &cast, |world, _| world.reopen(open()));
    assert_eq!((accepted, summary(&world, &[cast.buyer, cast.other])), wanted);
    let last = world.numbered(&cast.shop, "last-0001").id;
    world.reopen(open());
    let next = world.ok(cast.shop.create("next-0001", Product::Native, 1_00));
    assert!(matches!(next, Reply::Order(id) if id > last), "ids go on");
}
