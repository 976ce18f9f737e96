//! Refunds that are asked for: how much, how often, until when, and what can not be refunded.

use super::{FEN, asking, made, sold, terms};
use crate::world::{World, make::placed};
use domain::{
    Actor, Caller, Command, Rejection,
    merchant::{MerchantChange, Product},
    notification::About,
    order::OrderState,
    refund::{Funds, NewRefund, RefundRules, RefundState, RefundTerms},
};
use types::{Currency, Money, time};

#[test]
fn r_fin_68_a_small_refund_of_a_balance_payment_goes_at_once() {
    let (mut world, shop, buyer, order) = sold();
    assert_eq!((world.balance(&buyer), world.takings(&shop), world.fees()), (0, FEN - 60, 60));
    let id = made(world.refund(&shop, "order-0001", "refund-1", 40_00));
    assert_eq!((world.balance(&buyer), world.takings(&shop), world.fees()), (40_00, 60_00 - 36, 36));
    let refund = world.refund_record(id);
    assert_eq!((refund.state, refund.fee, refund.ended_at), (RefundState::Succeeded, 24, Some(world.now)));
    assert_eq!((refund.attempt, refund.due_at, refund.approvals_needed), (0, None, 0));
    let kept = world.stored(order);
    assert_eq!((kept.state, kept.refunded.sum, kept.refunded.fee), (OrderState::Paid, 40_00, 24));
    assert_eq!((kept.refunded.count, kept.refunded.newest), (1, Some(id)));
    assert_eq!(world.told(id), [About::RefundSucceeded(id)]);
    assert_eq!(world.queries.refund_by_number(shop.id, "refund-1").unwrap(), Some(refund.clone()));
    assert_eq!(world.timeline(refund.journal), ["create_refund", "pay_order", "create_order"]);
}

#[test]
fn parts_sum_to_the_whole_and_the_fee_with_them() {
    let (mut world, shop, buyer, order) = sold();
    let mut ids = Vec::new();
    for (part, number) in [(33_33, "refund-1"), (33_33, "refund-2"), (33_34, "refund-3")] {
        ids.push(made(world.refund(&shop, "order-0001", number, part)));
        world.later();
    }
    assert_eq!((world.balance(&buyer), world.takings(&shop), world.fees()), (FEN, 0, 0));
    let left = Rejection::RefundTooMuch { left: Money::cny(0) };
    assert_eq!(world.refund(&shop, "order-0001", "refund-4", 1), Err(left));
    ids.reverse();
    let chain = world.queries.refunds_of(&world.stored(order)).unwrap();
    assert_eq!(chain.iter().map(|refund| refund.id).collect::<Vec<_>>(), ids);
}

#[test]
fn the_same_number_is_the_same_refund() {
    let (mut world, shop, buyer, order) = sold();
    let id = made(world.refund(&shop, "order-0001", "refund-1", 40_00));
    let before = world.refund_record(id);
    assert_eq!(made(world.refund(&shop, "order-0001", "refund-1", 40_00)), id, "at once, without the pause");
    // By the order's other number, too, and after everything else has changed.
    world.advance(400 * time::DAY);
    let by_id = NewRefund {
        order: Some(order),
        order_number: None,
        ..asking(&shop, "order-0001", FEN, terms(&shop, "refund-1", 40_00))
    };
    assert_eq!(made(world.ask_refund(by_id)), id);
    assert_eq!((world.refund_record(id), world.balance(&buyer)), (before, 40_00));
    for other in [
        terms(&shop, "refund-1", 40_01),
        RefundTerms { reason: "other".into(), ..terms(&shop, "refund-1", 40_00) },
        RefundTerms { funds: Funds::Available, ..terms(&shop, "refund-1", 40_00) },
    ] {
        let other = asking(&shop, "order-0001", FEN, other);
        assert_eq!(world.ask_refund(other), Err(Rejection::RefundNumberUsed));
    }
    let shop_2 = world.shop();
    world.fund(&buyer, FEN);
    world.sale(&shop_2, &buyer, "order-0001", FEN);
    let theirs = made(world.refund(&shop_2, "order-0001", "refund-1", 1));
    assert_ne!(theirs, id, "another merchant's number is another refund");
}

#[test]
fn what_can_not_be_refunded() {
    let (mut world, shop, buyer, order) = sold();
    let open = world.order(&shop, "open-0001", Product::Jsapi, FEN);
    let other = world.shop();
    let code = world.shown_code(&buyer);
    world.fund(&buyer, FEN);
    let reversed = placed(world.ok(shop.code_pay("code-0001", 1_00, code)));
    world.ok(shop.reverse("code-0001"));
    assert_eq!(world.state(reversed), OrderState::Revoked);
    let good = |order: &str| asking(&shop, order, FEN, terms(&shop, "refund-1", 1_00));
    let dollars = RefundTerms { amount: Money::new(1, Currency::USD), ..terms(&shop, "refund-1", 1) };
    let too_much = Rejection::RefundTooMuch { left: Money::cny(FEN) };
    let wrong_total = Rejection::WrongAmount { wanted: Money::cny(FEN), confirmed: Money::cny(FEN + 1) };
    let sized = |fen| asking(&shop, "order-0001", FEN, terms(&shop, "refund-1", fen));
    for (what, new, why) in [
        ("an unknown order", good("order-none"), Rejection::OrderNotFound),
        ("an unpaid order", good("open-0001"), Rejection::OrderNotPaid),
        ("a reversed order", good("code-0001"), Rejection::OrderRevoked),
        ("no order", NewRefund { order_number: None, ..good("order-0001") }, Rejection::OrderNotFound),
        ("two orders", NewRefund { order: Some(open), ..good("order-0001") }, Rejection::WrongOrder),
        (
            "another's order",
            NewRefund {
                order: Some(order),
                order_number: None,
                ..asking(&other, "x", FEN, terms(&other, "refund-1", 1_00))
            },
            Rejection::OrderNotFound,
        ),
        ("another total", NewRefund { total: FEN + 1, ..good("order-0001") }, wrong_total),
        ("another currency", asking(&shop, "order-0001", FEN, dollars), Rejection::CurrencyUnsupported),
        ("nothing", sized(0), Rejection::AmountOutOfRange),
        ("less than nothing", sized(-1), Rejection::AmountOutOfRange),
        ("more than was paid", sized(FEN + 1), too_much.clone()),
        ("2^63 - 1", sized(i64::MAX), too_much),
    ] {
        assert_eq!(world.ask_refund(new), Err(why), "{what}");
    }
    let good = Command::CreateRefund(Box::new(good("order-0001")));
    for actor in [Actor::Merchant(other.id), Actor::Payer(buyer.id), Actor::Visitor, Actor::Platform] {
        assert_eq!(world.run_as(Caller::of(actor), good.clone()), Err(Rejection::NotAllowed), "{actor}");
    }
    assert_eq!(world.takings(&shop), FEN - 60);
}

/// D8: 180 days unless agreed otherwise, up to 365, from the payment and not from the order.
#[test]
fn r_fin_68_the_time_for_refunds_is_the_merchants() {
    for (days, agreed) in [(180, None), (365, Some(365)), (1, Some(1))] {
        let mut world = World::new();
        let (shop, buyer) = (world.shop(), world.buyer(2 * FEN));
        if agreed.is_some() {
            world.ok(shop.change(MerchantChange { refund_days: agreed, ..MerchantChange::default() }));
        }
        let order = world.order(&shop, "order-0001", Product::Jsapi, FEN);
        world.advance(3 * time::DAY);
        world.pay(order, &buyer).unwrap();
        let end = world.now.plus(i64::from(days) * time::DAY);
        world.now = end.plus(-1);
        made(world.refund(&shop, "order-0001", "refund-1", 1_00));
        world.later();
        assert_eq!(
            world.refund(&shop, "order-0001", "refund-2", 1_00),
            Err(Rejection::RefundTooLate(end)),
            "{days} days"
        );
    }
    let mut world = World::new();
    let shop = world.shop();
    for days in [0, 366, u16::MAX] {
        let change = MerchantChange { refund_days: Some(days), ..MerchantChange::default() };
        assert_eq!(world.no(shop.change(change)), Rejection::WindowOutOfRange(days));
    }
}

/// Wire §4: at most 50 refunds of an order, a minute apart.
#[test]
fn an_order_is_refunded_fifty_times_a_minute_apart() {
    let (mut world, shop, buyer, _) = sold();
    for n in 1..=50 {
        let number = format!("refund-{n}");
        made(world.refund(&shop, "order-0001", &number, 1_00));
        let at = world.now;
        world.advance(59 * time::SECOND);
        let soon = world.refund(&shop, "order-0001", "refund-soon", 1_00);
        if n < 50 {
            let Err(Rejection::RefundTooSoon(next)) = soon else { panic!("{soon:?}") };
            assert!(next > world.now && next <= at.plus(time::MINUTE), "{next} after {at}");
            world.now = next;
        } else {
            assert_eq!(soon, Err(Rejection::RefundTooMany(50)));
        }
    }
    assert_eq!(world.balance(&buyer), 50_00);
}

/// Blnk 315: two refunds of one payment at once, in one batch.
#[test]
fn accident_blnk_315_two_refunds_at_once() {
    let (mut world, shop, buyer, _) = sold();
    world.set_rules(RefundRules { apart_s: 0, ..RefundRules::of_rules() });
    let caller = Caller::of(Actor::Merchant(shop.id));
    let job = |number: &str, fen| {
        let new = asking(&shop, "order-0001", FEN, terms(&shop, number, fen));
        crate::world::asked(caller.clone(), Command::CreateRefund(Box::new(new)))
    };
    let jobs =
        [job("refund-1", 60_00), job("refund-2", 60_00), job("refund-1", 60_00), job("refund-3", 40_00)];
    let outcomes = world.ask(&jobs.each_ref());
    let id = made(outcomes[0].clone());
    assert_eq!(outcomes[1], Err(Rejection::RefundTooMuch { left: Money::cny(40_00) }));
    assert_eq!(made(outcomes[2].clone()), id, "the same number in the same batch");
    made(outcomes[3].clone());
    assert_eq!(world.balance(&buyer), FEN);
}

/// Hyperswitch control-center 4109: what was given back by one way can't be given back by another.
#[test]
fn accident_hyperswitch_4109_a_refund_and_a_reversal_never_both_pay() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(FEN));
    let code = world.shown_code(&buyer);
    world.ok(Command::SetFreePay(buyer.id, true));
    placed(world.ok(shop.code_pay("code-0001", FEN, code)));
    made(world.refund(&shop, "code-0001", "refund-1", 1_00));
    assert_eq!(world.no(shop.reverse("code-0001")), Rejection::OrderRefunded);
    world.later();
    made(world.refund(&shop, "code-0001", "refund-2", 99_00));
    assert_eq!((world.balance(&buyer), world.takings(&shop)), (FEN, 0));
}

#[test]
fn without_an_address_nobody_is_told() {
    let (mut world, shop, ..) = sold();
    let quiet = RefundTerms { notify_url: "".into(), ..terms(&shop, "refund-1", 1_00) };
    let id = made(world.ask_refund(asking(&shop, "order-0001", FEN, quiet)));
    assert_eq!(world.told(id), []);
}
