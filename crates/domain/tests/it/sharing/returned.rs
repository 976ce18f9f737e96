//! Shares that come back.

use super::{NET, returning, switch, terms_on, to_payer, to_shop};
use crate::world::{Buyer, Shop, World};
use domain::{
    Command, Rejection, Reply,
    notification::About,
    sharing::{FailReason, Participation, Party, ReturnState, Share},
};
use types::{Money, OrderId, PageRequest, time};

fn shared(last: bool) -> (World, Shop, Shop, Buyer, OrderId, Share) {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    world.agree(&shop, Party::Payer(buyer.id));
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    let parts = vec![to_shop(&friend, 20_00), to_payer(&shop, &buyer, 5_00)];
    let share = world.share(&shop, order, "share-1", parts, last);
    (world, shop, friend, buyer, order, share)
}

/// While the order is open, what comes back can be shared or refunded again.
#[test]
fn a_return_goes_back_to_the_order_while_it_is_open() {
    let (mut world, shop, friend, _, order, share) = shared(false);
    let new = returning(&shop, share.id, "return-1", &friend, 15_00);
    let done = world.give_back(new.clone());
    assert!(matches!(done.state, ReturnState::Succeeded(_)), "{done:?}");
    assert_eq!((world.available(&friend), world.aside(&shop)), (5_00, NET - 10_00));
    let left = world.left(order);
    assert_eq!((left.unsplit, left.shared, left.newest_return), (NET - 10_00, 10_00, Some(done.id)));
    assert_eq!(world.ask_return(new), Ok(Reply::ShareReturn(done.id)), "again is the same");
    assert_eq!(world.share_record(share.id).parts[0].returned, 15_00);
    let page = world.queries.notifications(Some(friend.id), PageRequest::new(1, None)).unwrap();
    assert_eq!(page.rows[0].about, About::ShareReturned(done.id));
    let other = returning(&shop, share.id, "return-1", &friend, 14_00);
    assert_eq!(world.ask_return(other), Err(Rejection::ShareNumberUsed));
    world.share(&shop, order, "share-2", vec![to_shop(&friend, 20_00)], false);
    assert_eq!(world.left(order).shared, 30_00, "what came back counts no more");
}

/// Once the rest is unfrozen, what comes back is a part of the takings, and is settled with them.
#[test]
fn a_return_goes_to_the_takings_once_the_rest_is_unfrozen() {
    let (mut world, shop, friend, _, order, share) = shared(true);
    world.give_back(returning(&shop, share.id, "return-1", &friend, 20_00));
    assert_eq!((world.aside(&shop), world.takings(&shop)), (0, NET - 5_00));
    assert_eq!((world.left(order).unsplit, world.left(order).shared), (0, 5_00));
    let day = world.queries.calendar().unwrap().day_of(world.now);
    world.next_morning();
    let totals = world.settlement(&shop, day).totals;
    assert_eq!((totals.shared, totals.other, totals.net()), (-20_00, NET - 25_00, NET - 5_00));
    assert_eq!(world.available(&shop), NET - 5_00);
}

#[test]
fn what_may_be_returned() {
    let (mut world, shop, friend, _, _, share) = shared(false);
    let ask = |from: &Shop, fen| returning(&shop, share.id, "return-1", from, fen);
    let (left, outsider) = (Money::cny(20_00), world.shop());
    world.ok(switch(&outsider, terms_on()));
    let none = returning(&shop, types::ShareId(5), "return-1", &friend, 1);
    let others = domain::sharing::NewReturn { by: friend.id.into(), ..ask(&friend, 1) };
    for (what, new, wanted) in [
        ("more than it got", ask(&friend, 20_01), Rejection::ShareTooMuch { left }),
        ("nothing", ask(&friend, 0), Rejection::AmountOutOfRange),
        ("less than nothing", ask(&friend, -1), Rejection::AmountOutOfRange),
        ("who got nothing", ask(&outsider, 1), Rejection::NoSuchShare(outsider.id)),
        ("itself", ask(&shop, 1), Rejection::NoSuchShare(shop.id)),
        ("no such share", none, Rejection::ShareNotFound),
        ("another's share", others, Rejection::ShareNotFound),
    ] {
        assert_eq!(world.ask_return(new), Err(wanted), "{what}");
    }
    world.ok(switch(&friend, Participation { returns: false, ..terms_on() }));
    assert_eq!(world.ask_return(ask(&friend, 1)), Err(Rejection::ReturnsOff(friend.id)));
    world.ok(switch(&friend, terms_on()));
    world.give_back(ask(&friend, 20_00));
    let again = returning(&shop, share.id, "return-2", &friend, 1);
    assert_eq!(world.ask_return(again), Err(Rejection::ShareTooMuch { left: Money::cny(0) }));
}

#[test]
fn a_share_can_be_returned_for_180_days() {
    let (mut world, shop, friend, _, _, share) = shared(true);
    let end = share.parts[0].ended_at.unwrap().plus(180 * time::DAY);
    world.now = end.plus(-time::SECOND);
    world.give_back(returning(&shop, share.id, "return-1", &friend, 1_00));
    world.now = end;
    let late = returning(&shop, share.id, "return-2", &friend, 1_00);
    assert_eq!(world.ask_return(late), Err(Rejection::ReturnTooLate(end)));
}

/// A receiver that has spent its share, or was suspended: the return fails and can be asked for anew.
#[test]
fn a_return_that_can_t_be_paid_fails() {
    let (mut world, shop, friend, _, order, share) = shared(false);
    let hold = domain::hold::NewHold {
        merchant: friend.id,
        amount: 15_00,
        reason: domain::hold::HoldReason::Dispute,
        until: None,
        note: "looked at".into(),
    };
    world.run_by(1, Command::HoldMoney(Box::new(hold))).unwrap();
    let done = world.give_back(returning(&shop, share.id, "return-1", &friend, 10_00));
    assert_eq!(done.state, ReturnState::Failed(FailReason::BalanceNotEnough));
    assert_eq!((world.share_record(share.id).parts[0].returned, world.left(order).shared), (0, 25_00));
    world.ok(friend.change(domain::merchant::MerchantChange { active: Some(false), ..Default::default() }));
    let done = world.give_back(returning(&shop, share.id, "return-2", &friend, 1_00));
    assert_eq!(done.state, ReturnState::Failed(FailReason::AccountAbnormal));
    world.ok(friend.change(domain::merchant::MerchantChange { active: Some(true), ..Default::default() }));
    let done = world.give_back(returning(&shop, share.id, "return-3", &friend, 5_00));
    assert!(matches!(done.state, ReturnState::Succeeded(_)));
    let returns = world.queries.share_returns_of(&world.left(order), 9).unwrap();
    let numbers: Vec<&str> = returns.iter().map(|one| &*one.number).collect();
    assert_eq!(numbers, ["return-3", "return-2", "return-1"]);
}
