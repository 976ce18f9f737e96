//! Large refunds: who must agree, and what a rejected one gives back.

use super::{asking, made, terms};
use crate::world::{Buyer, Shop, World, make::succeeded};
use domain::{Actor, Caller, Command, Event, Rejection, Reply, notification::About, refund::RefundState};
use types::{OperatorId, PageRequest, RefundId, time};

/// A sale of so much, by card, to a shop without a fee.
fn large(fen: i64) -> (World, Shop, Buyer) {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(0));
    world.card_sale(&shop, &buyer, "order-0001", fen);
    (world, shop, buyer)
}

#[test]
fn r_fin_53_large_refund_waits_for_approval() {
    for (fen, needed) in
        [(500_00, 0), (500_01, 1), (50_000_00, 1), (50_000_01, 2), (500_000_00, 2), (500_000_01, 3)]
    {
        let (mut world, shop, _) = large(fen);
        let new = asking(&shop, "order-0001", fen, terms(&shop, "refund-1", fen));
        let id = made(world.ask_refund(new));
        let refund = world.refund_record(id);
        assert_eq!(refund.approvals_needed, needed, "{fen}");
        if needed == 0 {
            assert_eq!(refund.state, RefundState::Processing);
            continue;
        }
        assert_eq!(refund.state, RefundState::Waiting);
        assert_eq!(world.queries.refunds_waiting(PageRequest::new(10, None)).unwrap().rows, [refund]);
        assert_eq!(world.unsettled(&shop).available().minor, 0, "its money is held from the start");
        assert_eq!(world.events, []);
        for by in 1..i64::from(needed) {
            assert_eq!(world.approve(id, by), Ok(Reply::RefundState(RefundState::Waiting)));
            assert_eq!(world.approve(id, by), Ok(Reply::RefundState(RefundState::Waiting)), "once a person");
        }
        let last = world.approve(id, i64::from(needed));
        assert_eq!(last, Ok(Reply::RefundState(RefundState::Processing)));
        assert_eq!(world.events, [Event::RefundDue(id)]);
        assert_eq!(world.queries.refunds_waiting(PageRequest::new(10, None)).unwrap().rows, []);
        let late = world.approve(id, 9);
        assert_eq!(late, Err(Rejection::RefundNotWaiting(RefundState::Processing)));
        world.bank_says(id, 1, succeeded()).unwrap();
    }
}

#[test]
fn r_fin_53_maker_and_checker_are_different_people() {
    let fen = 600_00;
    let (mut world, shop, buyer) = large(fen);
    let new = asking(&shop, "order-0001", fen, terms(&shop, "refund-1", fen));
    let maker = Caller::of(Actor::Operator(OperatorId(7)));
    let id = made(world.run_as(maker, Command::CreateRefund(Box::new(new))));
    assert_eq!(world.refund_record(id).maker, Some(OperatorId(7)));
    assert_eq!(world.approve(id, 7), Err(Rejection::OwnRefund));
    for actor in
        [Actor::Merchant(shop.id), Actor::Payer(buyer.id), Actor::Channel, Actor::Visitor, Actor::Platform]
    {
        let caller = Caller::of(actor);
        assert_eq!(world.run_as(caller.clone(), Command::ApproveRefund(id)), Err(Rejection::NotAllowed));
        let reject = Command::RejectRefund { refund: id, reason: "".into() };
        assert_eq!(world.run_as(caller, reject), Err(Rejection::NotAllowed));
    }
    assert_eq!(world.approve(id, 8), Ok(Reply::RefundState(RefundState::Processing)));
    assert_eq!(world.approve(RefundId(1), 8), Err(Rejection::RefundNotFound));
}

#[test]
fn a_rejected_refund_gives_the_money_back_to_the_merchant() {
    let fen = 600_00;
    for expires in [false, true] {
        let (mut world, shop, _) = large(fen);
        let before = world.unsettled(&shop);
        let asked = |number: &str| asking(&shop, "order-0001", fen, terms(&shop, number, fen));
        let id = made(world.ask_refund(asked("refund-1")));
        if expires {
            let due = world.refund_record(id).due_at.unwrap();
            assert_eq!(due, world.now.plus(7 * time::DAY));
            world.now = due.plus(-1);
            let early = world.run(Command::ExpireRefund(id));
            assert_eq!(early, Ok(Reply::RefundState(RefundState::Waiting)));
            world.now = due;
            assert_eq!(world.queries.due_refunds(types::ShardSet::ONLY, world.now, 10).unwrap().len(), 1);
            assert_eq!(world.run(Command::ExpireRefund(id)), Ok(Reply::RefundState(RefundState::Closed)));
        } else {
            assert_eq!(world.reject(id, 8), Ok(Reply::RefundState(RefundState::Closed)));
            assert_eq!(world.reject(id, 9), Ok(Reply::RefundState(RefundState::Closed)), "again");
        }
        let refund = world.refund_record(id);
        assert_eq!(
            (refund.state, refund.due_at, refund.ended_at),
            (RefundState::Closed, None, Some(world.now))
        );
        assert_eq!(world.told(id), [About::RefundClosed(id)]);
        assert_eq!(world.unsettled(&shop).available(), before.available());
        assert_eq!(world.approve(id, 8), Err(Rejection::RefundNotWaiting(RefundState::Closed)));
        world.later();
        let again = made(world.ask_refund(asked("refund-2")));
        let order = world.numbered(&shop, "order-0001");
        assert_eq!((order.refunded.sum, order.refunded.count, order.refunded.newest), (fen, 2, Some(again)));
    }
}
