//! The working set is bounded: what was not asked for falls out and is found again in the store.

use crate::world::{World, asked, make::placed};
use domain::{Caller, Command, Rejection, Reply, merchant::Product};
use engine::{
    Store,
    core::{Asked, BATCH_MAX, Core, Outcome},
};

/// The first of many payment codes.
const FIRST: i64 = 900_000_000_000_000_000;

/// More payment codes than three generations hold. The first ones have fallen out; they are still known, still
/// good once, and the set has stayed bounded.
#[test]
fn what_fell_out_is_found_again() {
    const GENERATION: i64 = 20_000;
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    let order = world.order(&shop, "order-0001", Product::Native, 1_00);
    let first = world.shown_code(&buyer);
    let used = world.shown_code(&buyer);
    let spent = placed(world.ok(shop.code_pay("order-0002", 1_00, used)));

    let mut most = 0;
    let mut next = FIRST;
    while next < FIRST + 3 * GENERATION {
        let jobs: Vec<Asked> = (0..1000)
            .map(|n| asked(Caller::platform(), Command::IssuePaymentCode(buyer.id, next + n)))
            .collect();
        assert!(jobs.len() <= BATCH_MAX);
        let outcomes = world.ask(&jobs.iter().collect::<Vec<_>>());
        assert!(outcomes.iter().all(Result::is_ok));
        next += 1000;
        most = most.max(world.core.cached());
    }
    let bound = usize::try_from(2 * GENERATION).unwrap() + 2 * BATCH_MAX;
    assert!(most > 20_000 && most < bound, "{most} records at most, {bound} allowed");

    world.refuses([
        ("shown before", Command::IssuePaymentCode(buyer.id, first), Rejection::CodeInvalid),
        ("used before", shop.code_pay("order-0003", 1_00, used), Rejection::CodeUsed),
    ]);
    assert_eq!(
        world.ok(shop.code_pay("order-0002", 1_00, used)),
        Reply::Order(spent),
        "the same request again"
    );
    let late = placed(world.ok(shop.code_pay("order-0004", 1_00, first)));
    assert_eq!(world.stored(late).payer, Some(buyer.id));
    assert_eq!(world.ok(shop.create("order-0001", Product::Native, 1_00)), Reply::Order(order));
    assert_eq!(world.ok(shop.close("order-0001")), Reply::Done);
}

/// A record that fell out while the batch that made it is not durable would be read as absent. While nothing
/// becomes durable, the core turns one generation at most, so every such record stays in reach.
#[test]
fn what_is_not_durable_does_not_fall_out() {
    let mut world = World::new();
    let buyer = world.buyer(0);
    let Store { mut loader, mut committer, .. } = world.memory.open();
    let stands = committer.recover().unwrap();
    let mut core = Core::new(stands, types::Place::ONLY);
    let mut run = |core: &mut Core, jobs: &[Asked]| {
        let mut refused = Vec::new();
        let take = |_, outcome: Outcome| refused.extend(outcome.err());
        core.run(world.now, &jobs.iter().collect::<Vec<_>>(), &mut *loader, take).unwrap();
        core.close().unwrap();
        core.turn(stands.batch);
        refused
    };
    let issue = |code| asked(Caller::platform(), Command::IssuePaymentCode(buyer.id, code));
    for batch in 0..45 {
        let jobs: Vec<Asked> = (0..1000).map(|n| issue(FIRST + 1000 * batch + n)).collect();
        assert_eq!(run(&mut core, &jobs), []);
    }
    assert!(core.cached() > 45_000);
    assert_eq!(run(&mut core, &[issue(FIRST), issue(FIRST + 44_999)]), vec![Rejection::CodeInvalid; 2]);
}
