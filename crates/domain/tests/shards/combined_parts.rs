//! Combined orders whose numbers are taken in several shards, and whose payer lives in another.

use crate::{
    combined::{FEN, confirmation, create, mall, pay, placed, states, whole},
    world::{Shop, World, make},
};
use domain::{
    Command, Rejection, Reply,
    combined::{CombinedTerms, UNMADE},
    merchant::Product,
    order::OrderState,
    payment::Paid,
};
use std::sync::Arc;
use types::{MerchantId, Shard, time};

/// A number that `merchant` takes in `shard`.
fn number_in(world: &World, merchant: MerchantId, shard: u8, from: u32) -> String {
    let taken_in = |number: &String| world.shards.of_number(merchant, number).number() == shard;
    (from..).map(|n| format!("part-{n:06}")).find(taken_in).unwrap()
}

/// Terms whose own number is taken in shard 0, and those of its three orders in shards 0, 1 and 2.
fn spread(world: &mut World) -> (CombinedTerms, Vec<Shop>) {
    let mall = mall(world);
    let own = number_in(world, mall.head.id, 0, 900_000);
    let mut terms = mall.terms(&own, Product::Native, &FEN);
    for (part, shard) in terms.parts.iter_mut().zip(0..) {
        part.number = number_in(world, part.merchant, shard, 1).into();
    }
    (terms, mall.shops)
}

fn claim(terms: &CombinedTerms) -> Command {
    // As `create` seals it.
    match create(terms.clone()) {
        Command::CreateCombined { terms, .. } => Command::ClaimParts { terms, to: Shard::FIRST },
        other => panic!("{other:?}"),
    }
}

#[test]
fn numbers_are_claimed_where_they_are_taken() {
    let mut world = World::new();
    let (terms, _) = spread(&mut world);
    let id = placed(world.ok(create(terms.clone())));
    let made = whole(&world, id);
    for (order, shard) in made.orders.iter().zip(0_u8..) {
        let stored = world.stored(*order);
        assert_eq!(stored.shard, Shard::FIRST, "all of it is in one shard");
        assert_eq!(Shard::of_id(order.0).number(), shard, "its number was taken in its own");
        assert_eq!(world.timeline(stored.journal), ["create_combined"]);
    }
    assert_eq!(placed(world.ok(create(terms))), id, "the same request again");
    let mut buyer = world.buyer(100_00);
    while world.shards.of_payer(buyer.id).number() != 2 {
        buyer = world.buyer(100_00);
    }
    let command = pay(&world, id, &buyer);
    assert_eq!(world.run(command), Ok(Reply::Paid(Paid::Done(world.now))));
    for order in &made.orders {
        assert_eq!(world.stored(*order).shard.number(), 2, "the payer's shard decided");
    }
    let again = pay(&world, id, &buyer);
    assert_eq!(world.no(again), Rejection::OrderPaid);
}

#[test]
fn payers_of_all_shards_pay_once() {
    let mut world = World::new();
    let (terms, _) = spread(&mut world);
    let id = placed(world.ok(create(terms)));
    let buyers: Vec<_> = (0..6).map(|_| world.buyer(100_00)).collect();
    // By card, declined: the orders wander from shard to shard, and every cache is asked anew.
    for buyer in buyers.iter().chain(&buyers) {
        let asked = confirmation(&world, id, buyer);
        let by_card = domain::combined::CombinedConfirmation { card: Some(buyer.card), ..asked };
        let payment = make::waiting(world.ok(Command::PayCombined(by_card)));
        for other in &buyers {
            let command = pay(&world, id, other);
            assert_eq!(world.no(command), Rejection::OrderBusy);
        }
        world.answer(payment, make::declined());
    }
    let mut paid = 0;
    for buyer in &buyers {
        let command = pay(&world, id, buyer);
        match world.run(command) {
            Ok(Reply::Paid(Paid::Done(_))) => paid += 1,
            other => assert_eq!(other, Err(Rejection::OrderPaid)),
        }
    }
    assert_eq!((paid, states(&world, id)), (1, vec![OrderState::Paid; 3]));
    let all: i64 = buyers.iter().map(|buyer| world.balance(buyer)).sum();
    assert_eq!(all, 6 * 100_00 - 60_00);
}

/// The node died after the first claim, or another took a number meanwhile.
#[test]
fn a_claim_that_is_left_over_is_taken_up_or_ends() {
    let mut world = World::new();
    let (terms, shops) = spread(&mut world);
    let one = Shard::new(1).unwrap();
    let number = terms.parts[1].number.clone();
    assert_eq!(world.run_in(one, claim(&terms)), Ok(Reply::Done));
    assert_eq!(world.run_in(one, claim(&terms)), Ok(Reply::Done), "again is the same");
    let claimed = world.numbered(&shops[1], &number);
    assert_eq!((claimed.combined, claimed.state), (Some(UNMADE), OrderState::Open));
    // Nobody else gets the number, and nobody pays what stands under it.
    assert_eq!(world.no(shops[1].create(&number, Product::Native, 20_00)), Rejection::OrderNumberUsed);
    let buyer = world.buyer(100_00);
    assert_eq!(world.pay(claimed.id, &buyer), Err(Rejection::OrderCombined));
    let mut other = terms.clone();
    other.parts[1].digest = [9; 16];
    assert_eq!(world.no(create(other)), Rejection::OrderNumberUsed);
    // The same request takes it up, also after its five minutes.
    world.advance(6 * time::MINUTE);
    world.ok(Command::ExpireOrder(claimed.id));
    assert_eq!(world.state(claimed.id), OrderState::Expired);
    let id = placed(world.ok(create(terms)));
    assert_eq!(whole(&world, id).orders[1], claimed.id);
    let command = pay(&world, id, &buyer);
    world.ok(command);

    let mut world = World::new();
    let (terms, shops) = spread(&mut world);
    let number = terms.parts[1].number.clone();
    assert_eq!(world.run_in(one, claim(&terms)), Ok(Reply::Done));
    world.ok(shops[1].close(&number));
    assert_eq!(world.no(create(terms)), Rejection::OrderNumberUsed, "its merchant has closed it");
}

#[test]
fn a_number_that_is_taken_is_found_before_any_is_claimed() {
    let mut world = World::new();
    let (terms, shops) = spread(&mut world);
    world.order(&shops[2], &terms.parts[2].number, Product::Native, 1);
    assert_eq!(world.no(create(terms.clone())), Rejection::OrderNumberUsed);
    for (shop, part) in shops.iter().zip(&terms.parts).take(2) {
        assert!(world.queries.order_by_number(shop.id, &part.number).unwrap().is_none(), "{}", part.number);
    }
}

#[test]
fn nobody_claims_for_a_shard_that_does_not_make_it() {
    let mut world = World::new();
    let (terms, _) = spread(&mut world);
    let one = Shard::new(1).unwrap();
    let Command::ClaimParts { terms, .. } = claim(&terms) else { panic!() };
    let elsewhere = Command::ClaimParts { terms: Arc::clone(&terms), to: Shard::new(2).unwrap() };
    assert_eq!(world.run_in(one, elsewhere), Err(Rejection::NotAllowed));
}
