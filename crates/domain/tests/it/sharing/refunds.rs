//! Refunds of orders that are shared.

use super::{FEN, NET, returning, to_shop};
use crate::world::{Shop, World, make::declined};
use domain::{
    Actor, Caller, Command, Rejection, Reply,
    refund::{Funds, NewRefund, RefundState, RefundTerms},
};
use engine::core::Outcome;
use std::sync::Arc;
use types::{Money, RefundId, time};

fn refund(shop: &Shop, number: &str, fen: i64, funds: Funds) -> Command {
    let terms = RefundTerms {
        partner: None,
        merchant: shop.id,
        number: number.into(),
        amount: Money::cny(fen),
        reason: "sold out".into(),
        notify_url: "".into(),
        funds,
        extra: "".into(),
        digest: [1; 16],
    };
    let new = NewRefund {
        terms: Arc::new(terms),
        order: None,
        order_number: Some("order-0001".into()),
        total: FEN,
    };
    Command::CreateRefund(Box::new(new))
}

impl World {
    fn refunding(&mut self, shop: &Shop, number: &str, fen: i64, funds: Funds) -> Outcome {
        self.advance(time::MINUTE);
        self.run_as(Caller::of(Actor::Merchant(shop.id)), refund(shop, number, fen, funds))
    }
}

fn id(outcome: Outcome) -> RefundId {
    match outcome {
        Ok(Reply::Refund(id)) => id,
        other => panic!("{other:?}"),
    }
}

/// What is left of a shared order pays its refunds; what was shared must be returned first.
#[test]
fn a_refund_is_paid_by_what_is_left_of_the_order() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    let share = world.share(&shop, order, "share-1", vec![to_shop(&friend, 30_00)], false);
    world.refunding(&shop, "refund-1", 50_00, Funds::Unsettled).unwrap();
    // 50.00 less the 0.30 of its fee that the platform gives back.
    let left = NET - 30_00 - 49_70;
    assert_eq!((world.left(order).unsplit, world.aside(&shop)), (left, left));
    assert_eq!(world.refunding(&shop, "refund-2", 50_00, Funds::Unsettled), Err(Rejection::NotEnough));
    assert_eq!(world.refunding(&shop, "refund-2", 50_00, Funds::Available), Err(Rejection::NotEnough));
    world.give_back(returning(&shop, share.id, "return-1", &friend, 30_00));
    world.refunding(&shop, "refund-2", 50_00, Funds::Unsettled).unwrap();
    assert_eq!((world.left(order).unsplit, world.aside(&shop), world.balance(&buyer)), (0, 0, 1_000_00));
}

/// Settled money pays when the merchant says so and too little is left.
#[test]
fn settled_money_pays_what_the_order_can_t() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    world.sale(&shop, &buyer, "order-0000", FEN);
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    world.share(&shop, order, "share-1", vec![to_shop(&friend, 30_00)], false);
    world.next_morning();
    assert_eq!(world.available(&shop), NET);
    world.refunding(&shop, "refund-1", FEN, Funds::Available).unwrap();
    assert_eq!((world.available(&shop), world.left(order).unsplit), (0, NET - 30_00));
}

/// Once unfrozen, a refund is paid as any other.
#[test]
fn a_refund_after_the_unfreeze_is_paid_by_the_takings() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    world.share(&shop, order, "share-1", vec![to_shop(&friend, 10_00)], true);
    assert_eq!(world.refunding(&shop, "refund-1", FEN, Funds::Unsettled), Err(Rejection::NotEnough));
    world.refunding(&shop, "refund-1", 50_00, Funds::Unsettled).unwrap();
    assert_eq!(world.takings(&shop), NET - 10_00 - 49_70);
}

/// A refund that is held counts as gone; closed, it comes back to where sharing stands by then.
#[test]
fn a_closed_refund_comes_back_to_the_order_or_to_the_takings() {
    for unfrozen in [false, true] {
        let mut world = World::new();
        let (shop, friend) = (world.shop(), world.shop());
        let buyer = world.buyer(2_000_00);
        for one in [&shop, &friend] {
            world.ok(super::switch(one, super::terms_on()));
        }
        let terms = domain::order::Terms {
            sharing: true,
            ..shop.terms("order-0001", domain::merchant::Product::Jsapi, 1_000_00)
        };
        let placed = world.ok(Command::CreateOrder { terms: crate::world::sealed(terms), expires_at: None });
        let order = crate::world::make::placed(placed);
        world.pay(order, &buyer).unwrap();
        let net = 1_000_00 - 6_00;
        world.advance(time::MINUTE);
        let Command::CreateRefund(new) = refund(&shop, "refund-1", 600_00, Funds::Unsettled) else {
            panic!()
        };
        let new = NewRefund { total: 1_000_00, ..*new };
        let ask = Command::CreateRefund(Box::new(new));
        let refund = id(world.run_as(Caller::of(Actor::Merchant(shop.id)), ask));
        let held = 600_00 - 3_60;
        assert_eq!(world.left(order).unsplit, net - held);
        let parts = world.held(&shop);
        let of = |reason: &str| -> i64 {
            parts.iter().filter(|part| part.reason.name() == reason).map(|part| part.amount.minor).sum()
        };
        assert_eq!((of("sharing"), of("refund")), (net - held, held));
        if unfrozen {
            world.share(&shop, order, "share-1", Vec::new(), true);
        }
        let reject = Command::RejectRefund { refund, reason: "wrong".into() };
        world.run_by(1, reject).unwrap();
        assert_eq!(world.queries.refund(refund).unwrap().unwrap().state, RefundState::Closed);
        let (aside, takings) = if unfrozen { (0, net) } else { (net, 0) };
        assert_eq!((world.aside(&shop), world.takings(&shop)), (aside, takings), "unfrozen: {unfrozen}");
    }
}

#[test]
fn a_refund_to_a_card_holds_what_is_left() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let order = world.ready_to_share(&shop, "order-0001");
    let payment = crate::world::make::waiting(world.pay_by_card(order, &buyer).unwrap());
    world.answer(payment, crate::world::make::succeeded());
    let refund = id(world.refunding(&shop, "refund-1", 100_00, Funds::Unsettled));
    assert_eq!((world.left(order).unsplit, world.aside(&shop)), (0, 0));
    let answer = Command::AnswerRefund { refund, attempt: 1, answer: declined() };
    world.run_as(Caller::of(Actor::Channel), answer).unwrap();
    let ask = super::asking(shop.id, order, "share-1", vec![to_shop(&friend, 1)], false);
    let left = Money::cny(0);
    assert_eq!(world.ask_share(ask), Err(Rejection::ShareTooMuch { left }), "held money is not shared");
}
