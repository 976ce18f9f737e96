//! The working set is bounded: what was not asked for falls out and is found again in the store.

use crate::world::{World, asked, make::placed};
use domain::{Caller, Command, Reply, merchant::Product};
use engine::core::{Asked, BATCH_MAX};

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
    let mut next = 900_000_000_000_000_000;
    while next < 900_000_000_000_000_000 + 3 * GENERATION {
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
        ("shown before", Command::IssuePaymentCode(buyer.id, first), domain::Rejection::CodeInvalid),
        ("used before", shop.code_pay("order-0003", 1_00, used), domain::Rejection::CodeUsed),
    ]);
    assert_eq!(world.ok(shop.code_pay("order-0002", 1_00, used)), Reply::Order(spent), "the same request again");
    let late = placed(world.ok(shop.code_pay("order-0004", 1_00, first)));
    assert_eq!(world.stored(late).payer, Some(buyer.id));
    assert_eq!(world.ok(shop.create("order-0001", Product::Native, 1_00)), Reply::Order(order));
    assert_eq!(world.ok(shop.close("order-0001")), Reply::Done);
}

/// A record that falls out while the batch that changed it is not durable yet would be read stale. The core
/// turns a generation only when the last turn's batch is durable.
#[test]
fn a_generation_turns_only_behind_a_durable_batch() {
    let mut world = World::new();
    let buyer = world.buyer(0);
    let mut next = 900_000_000_000_000_000;
    let mut turns = 0;
    for _ in 0..50 {
        let jobs: Vec<Asked> = (0..1000)
            .map(|n| asked(Caller::platform(), Command::IssuePaymentCode(buyer.id, next + n)))
            .collect();
        next += 1000;
        let durable = world.last.number;
        world.ask(&jobs.iter().collect::<Vec<_>>());
        let before = world.core.cached();
        world.core.turn(durable - 1000); // nothing of late is durable
        assert!(world.core.cached() == before || turns == 0, "a second turn while the first is in flight");
        turns += usize::from(world.core.cached() < before);
    }
}
