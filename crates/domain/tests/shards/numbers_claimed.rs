//! A merchant's number of a refund is taken once, in whatever shards the orders are.

use crate::{
    money_comes_together::{FEN, refund_of, sold_in_each},
    world::asked,
};
use domain::{Command, Key, Rejection, Reply, claim::NumberOf, refund::Funds};
use types::Shard;

/// Two shards are asked for a refund of one number in one instant: the claim decides, and no batch fails on it.
#[test]
fn a_refund_number_belongs_to_one_order() {
    let (mut world, shop, sales) = sold_in_each();
    let number = (0..).map(|n| format!("refund-{n}"));
    // A number that is taken in the first shard, for orders in the two others.
    let mut number = number.filter(|number| world.shards.of_number(shop.id, number) == Shard::FIRST);
    let number = number.next().unwrap();
    let (caller, one) = refund_of(&shop, "order-1", &number, 3_00, Funds::Unsettled);
    let (_, two) = refund_of(&shop, "order-2", &number, 3_00, Funds::Unsettled);
    let [in_one, in_two] = [1, 2].map(|shard| Shard::new(shard).unwrap());
    let claim_of = |outcome| match outcome {
        Err(Rejection::NumberElsewhere { shard, claim }) if shard == Shard::FIRST => claim,
        other => panic!("{other:?}"),
    };
    let first = claim_of(world.run_in_as(in_one, &asked(caller.clone(), one.clone())));
    let second = claim_of(world.run_in_as(in_two, &asked(caller.clone(), two.clone())));
    assert_eq!((first.order, second.order), (sales[1].1, sales[2].1));
    assert_eq!(world.ok(Command::ClaimNumber(first.clone())), Reply::Done);
    assert_eq!(world.ok(Command::ClaimNumber(first)), Reply::Done, "again is the same");
    assert_eq!(world.no(Command::ClaimNumber(second)), Rejection::RefundNumberUsed);
    assert_eq!(world.run_as(caller.clone(), two), Err(Rejection::RefundNumberUsed));
    let made = world.run_as(caller.clone(), one.clone());
    assert!(matches!(made, Ok(Reply::Refund(_))), "{made:?}");
    assert_eq!(world.run_as(caller, one), made);
}

/// A refund that is refused takes no number, and one in the number's own shard asks nobody.
#[test]
fn a_refused_refund_claims_nothing() {
    let (mut world, shop, _) = sold_in_each();
    let (caller, refund) = refund_of(&shop, "order-1", "refund-1", FEN, Funds::Available);
    assert_eq!(world.run_as(caller, refund), Err(Rejection::NotEnough), "nothing is settled");
    let claimed = |world: &crate::world::World, number: &str| {
        let key = Key::NumberClaim((NumberOf::Refund, shop.id, number.into()));
        world.queries.record(key).unwrap().is_some()
    };
    assert!(!claimed(&world, "refund-1"));
    for shard in world.shards.all() {
        let mut number = (0..).map(|n| format!("own-{n}"));
        let number = number.find(|number| world.shards.of_number(shop.id, number) == shard).unwrap();
        let order = format!("order-{shard}");
        let (caller, refund) = refund_of(&shop, &order, &number, 1_00, Funds::Unsettled);
        assert!(matches!(world.run_in_as(shard, &asked(caller, refund)), Ok(Reply::Refund(_))), "{shard}");
        assert!(claimed(&world, &number));
    }
}
