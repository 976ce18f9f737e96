//! Refunds: what goes back, when, from which money, and who must agree.

use crate::world::{
    Buyer, Shop, World,
    make::{declined, placed, succeeded, waiting},
};
use domain::{
    Actor, Caller, Command, Event, Rejection, Reply,
    fee::{NewVersion, Return, Rule},
    limit::LimitTable,
    merchant::{MerchantChange, Product},
    notification::About,
    order::OrderState,
    payment::ChannelAnswer,
    refund::{Funds, NewRefund, Receiver, Refund, RefundRules, RefundState, RefundTerms},
};
use engine::core::Outcome;
use ledger::{Account, AccountId, TransferState};
use proptest::prelude::*;
use std::sync::Arc;
use types::{Currency, Money, OperatorId, OrderId, PageRequest, Rate, RefundId, time};

const FEN: i64 = 100_00;

fn terms(shop: &Shop, number: &str, fen: i64) -> RefundTerms {
    RefundTerms {
        merchant: shop.id,
        number: number.into(),
        amount: Money::cny(fen),
        reason: "sold out".into(),
        notify_url: "https://tea.example/refund".into(),
        funds: Funds::Unsettled,
        extra: "".into(),
        digest: [0; 16],
    }
}

/// A refund by the order's number; the digest tells content apart as the gateway's does.
fn asking(shop: &Shop, order: &str, total: i64, terms: RefundTerms) -> NewRefund {
    let content = format!("{:?} {total}", RefundTerms { digest: [0; 16], ..terms.clone() });
    let mut digest = [0_u8; 16];
    for (at, byte) in content.bytes().enumerate() {
        digest[at % 16] = digest[at % 16].wrapping_mul(31).wrapping_add(byte);
    }
    let (merchant, terms) = (shop.id, Arc::new(RefundTerms { digest, ..terms }));
    assert_eq!(merchant, terms.merchant);
    NewRefund { terms, order: None, order_number: Some(order.into()), total }
}

impl World {
    fn ask_refund(&mut self, new: NewRefund) -> Outcome {
        let caller = Caller::of(Actor::Merchant(new.terms.merchant));
        self.run_as(caller, Command::CreateRefund(Box::new(new)))
    }

    /// A refund of an order of [`FEN`] by the merchant.
    fn refund(&mut self, shop: &Shop, order: &str, number: &str, fen: i64) -> Outcome {
        self.ask_refund(asking(shop, order, FEN, terms(shop, number, fen)))
    }

    fn refund_record(&self, id: RefundId) -> Refund {
        self.queries.refund(id).unwrap().unwrap()
    }

    fn account(&self, id: AccountId) -> Account {
        self.queries.account(id).unwrap()
    }

    fn unsettled(&self, shop: &Shop) -> Account {
        self.account(AccountId::merchant_unsettled(shop.id, Currency::CNY))
    }

    fn told(&self, refund: RefundId) -> Vec<About> {
        let page = self.queries.notifications(None, PageRequest::new(200, None)).unwrap();
        page.rows.iter().map(|row| row.about).filter(|about| about.refund() == Some(refund)).collect()
    }

    /// Past the pause between two refunds of one order.
    fn later(&mut self) {
        self.advance(time::MINUTE);
    }

    fn set_rules(&mut self, refund: RefundRules) {
        let effective_from = self.now.plus(1);
        self.ok(Command::SetLimits(Box::new(LimitTable { effective_from, refund, ..LimitTable::of_law() })));
        self.advance(1000);
    }

    fn approve(&mut self, id: RefundId, by: i64) -> Outcome {
        self.run_as(Caller::of(Actor::Operator(OperatorId(by))), Command::ApproveRefund(id))
    }

    fn reject(&mut self, id: RefundId, by: i64) -> Outcome {
        let command = Command::RejectRefund { refund: id, reason: "looks wrong".into() };
        self.run_as(Caller::of(Actor::Operator(OperatorId(by))), command)
    }

    fn bank_says(&mut self, id: RefundId, attempt: u32, answer: ChannelAnswer) -> Outcome {
        let command = Command::AnswerRefund { refund: id, attempt, answer };
        self.run_as(Caller::of(Actor::Channel), command)
    }

    /// An order of so much paid by card.
    fn card_sale(&mut self, shop: &Shop, buyer: &Buyer, number: &str, fen: i64) -> OrderId {
        let order = self.order(shop, number, Product::Jsapi, fen);
        let payment = waiting(self.pay_by_card(order, buyer).unwrap());
        self.answer(payment, succeeded());
        order
    }
}

#[track_caller]
fn made(outcome: Outcome) -> RefundId {
    match outcome {
        Ok(Reply::Refund(id)) => id,
        other => panic!("no refund: {other:?}"),
    }
}

fn sold() -> (World, Shop, Buyer, OrderId) {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(FEN));
    let order = world.sale(&shop, &buyer, "order-0001", FEN);
    (world, shop, buyer, order)
}

fn sold_by_card() -> (World, Shop, Buyer, OrderId) {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(0));
    let order = world.card_sale(&shop, &buyer, "order-0001", FEN);
    (world, shop, buyer, order)
}

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
fn the_time_for_refunds_is_the_merchants() {
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

/// What a merchant has not got can't be refunded; what is held for one refund is not there for another.
#[test]
fn a_refund_needs_the_merchants_money_and_holds_it() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(0));
    let first = world.card_sale(&shop, &buyer, "order-0001", FEN);
    world.card_sale(&shop, &buyer, "order-0002", FEN);
    world.raise_fee(&shop, first, FEN - 60); // the takings of the first order are gone
    let held = made(world.refund(&shop, "order-0002", "refund-2", 60_00));
    let account = world.unsettled(&shop);
    assert_eq!((account.held().minor, account.available().minor), (60_00 - 36, 40_00 - 24));
    world.later();
    // The first order's fee is its whole amount by hand, so its refund would cost the merchant nothing: take the other.
    assert_eq!(world.refund(&shop, "order-0002", "refund-3", 40_00).map(|_| ()), Ok(()));
    assert_eq!(world.unsettled(&shop).available().minor, 0);
    world.later();
    let available = RefundTerms { funds: Funds::Available, ..terms(&shop, "refund-4", 1_00) };
    let (mut poor, poor_shop, ..) = sold();
    let new = asking(&poor_shop, "order-0001", FEN, RefundTerms { merchant: poor_shop.id, ..available });
    assert_eq!(poor.ask_refund(new), Err(Rejection::NotEnough), "nothing is settled yet");
    assert_eq!(world.bank_says(held, 1, succeeded()), Ok(Reply::RefundState(RefundState::Succeeded)));
}

#[test]
fn a_refund_to_a_card_waits_for_the_channel() {
    let (mut world, shop, _, order) = sold_by_card();
    let id = made(world.refund(&shop, "order-0001", "refund-1", 40_00));
    assert_eq!(world.events, [Event::RefundDue(id)]);
    let refund = world.refund_record(id);
    assert_eq!((refund.state, refund.attempt, refund.due_at), (RefundState::Processing, 1, Some(world.now)));
    assert_eq!(world.told(id), []);
    assert_eq!(
        world.queries.due_refunds(types::ShardSet::ONLY, world.now, 10).unwrap(),
        std::slice::from_ref(&refund)
    );
    let states: Vec<_> =
        refund.parts().map(|part| world.queries.transfer(part.id).unwrap().unwrap().state).collect();
    assert_eq!(states, [TransferState::Pending; 2]);
    let said = world.bank_says(id, 1, succeeded());
    assert_eq!(said, Ok(Reply::RefundState(RefundState::Succeeded)));
    assert_eq!((world.takings(&shop), world.fees(), world.receivable()), (60_00 - 36, 36, 60_00));
    let refund = world.refund_record(id);
    assert_eq!((&*refund.channel_code, refund.due_at, refund.ended_at), ("REF1", None, Some(world.now)));
    assert_eq!(world.told(id), [About::RefundSucceeded(id)]);
    for (answer, outcome) in [
        (succeeded(), Ok(Reply::RefundState(RefundState::Succeeded))),
        (ChannelAnswer::Unknown, Ok(Reply::RefundState(RefundState::Succeeded))),
        (declined(), Err(Rejection::RefundFinal)),
    ] {
        assert_eq!(world.bank_says(id, 1, answer), outcome);
    }
    assert_eq!((world.refund_record(id), world.stored(order).refunded.sum), (refund, 40_00));
}

/// Time asks again, ever more slowly; it never decides.
#[test]
fn accident_hyperswitch_2380_time_alone_never_ends_an_unknown_refund() {
    let (mut world, shop, ..) = sold_by_card();
    let id = made(world.refund(&shop, "order-0001", "refund-1", 40_00));
    for wait_s in [2, 5, 15, 60, 300, 900, 900, 900] {
        let said = world.bank_says(id, 1, ChannelAnswer::Unknown);
        assert_eq!(said, Ok(Reply::RefundState(RefundState::Unknown)));
        assert_eq!(world.refund_record(id).due_at, Some(world.now.plus(wait_s * time::SECOND)));
        world.advance(wait_s * time::SECOND);
    }
    world.advance(300 * time::DAY);
    assert_eq!(world.run(Command::ExpireRefund(id)), Ok(Reply::RefundState(RefundState::Unknown)));
    assert_eq!(world.unsettled(&shop).held().minor, 40_00 - 24, "still held");
    world.bank_says(id, 1, succeeded()).unwrap();
}

#[test]
fn an_abnormal_refund_goes_to_another_card() {
    let (mut world, shop, _, order) = sold_by_card();
    let id = made(world.refund(&shop, "order-0001", "refund-1", FEN));
    assert_eq!(world.bank_says(id, 1, declined()), Ok(Reply::RefundState(RefundState::Abnormal)));
    let refund = world.refund_record(id);
    assert_eq!((refund.state, refund.due_at, refund.ended_at), (RefundState::Abnormal, None, None));
    assert_eq!(world.told(id), [About::RefundAbnormal(id)]);
    assert_eq!(world.unsettled(&shop).held().minor, FEN - 60, "it can't be spent, nor refunded again");
    world.later();
    let again = world.refund(&shop, "order-0001", "refund-2", 1);
    assert_eq!(again, Err(Rejection::RefundTooMuch { left: Money::cny(0) }));

    let card = |tail: &str| Receiver {
        merchant: false,
        bank: "ICBC_DEBIT".into(),
        tail: tail.into(),
        token: format!("token {tail}").into(),
    };
    let retry = |to: Receiver| Command::RetryRefund {
        merchant: shop.id,
        refund: id,
        number: "refund-1".into(),
        to: Box::new(to),
    };
    let stranger = world.shop();
    let (merchant, to) = (shop.id, Box::new(card("1111")));
    world.refuses([
        (
            "another merchant's",
            Command::RetryRefund {
                merchant: stranger.id,
                refund: id,
                number: "refund-1".into(),
                to: to.clone(),
            },
            Rejection::RefundNotFound,
        ),
        (
            "another number",
            Command::RetryRefund { merchant, refund: id, number: "refund-2".into(), to },
            Rejection::RefundNumberUsed,
        ),
    ]);
    assert_eq!(world.ok(retry(card("1111"))), Reply::RefundState(RefundState::Processing));
    assert_eq!(world.events, [Event::RefundDue(id)]);
    assert_eq!(world.ok(retry(card("1111"))), Reply::RefundState(RefundState::Processing), "the same again");
    let not_now = Rejection::RefundNotAbnormal(RefundState::Processing);
    assert_eq!(world.no(retry(card("2222"))), not_now, "not to two cards at once");
    // What the channel says of the first card, late and again, is not about the second.
    assert_eq!(world.bank_says(id, 1, declined()), Ok(Reply::RefundState(RefundState::Processing)));
    assert_eq!(world.bank_says(id, 1, succeeded()), Err(Rejection::RefundFinal));
    assert_eq!(world.bank_says(id, 2, declined()), Ok(Reply::RefundState(RefundState::Abnormal)));
    assert_eq!(world.told(id).len(), 2, "each card that could not is told");
    world.ok(retry(card("2222")));
    assert_eq!(world.bank_says(id, 3, succeeded()), Ok(Reply::RefundState(RefundState::Succeeded)));
    let refund = world.refund_record(id);
    assert_eq!((refund.attempt, refund.receiver), (3, Some(card("2222"))));
    assert_eq!((world.takings(&shop), world.fees(), world.receivable()), (0, 0, 0));
    assert_eq!(world.told(id).len(), 3);
    let ended = Rejection::RefundNotAbnormal(RefundState::Succeeded);
    assert_eq!(world.no(retry(card("3333"))), ended);
    assert_eq!(world.stored(order).refunded.sum, FEN);
}

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

#[test]
fn a_refund_pays_from_settled_money_when_asked() {
    let (mut world, shop, buyer, _) = sold();
    // Settled by hand: the test is about refunds.
    let from = world.unsettled(&shop);
    let mut to = world.account(AccountId::merchant_available(shop.id, Currency::CNY));
    let amount = from.available().minor;
    let moved = ledger::Transfer {
        id: types::TransferId(world.stored(world.numbered(&shop, "order-0001").id).transfer.unwrap().0 + 5),
        debit: from.id,
        credit: to.id,
        amount,
        kind: ledger::TransferKind::Settle,
        state: TransferState::Posted,
        subject: 1,
        at: world.now,
    };
    to.credits_posted += amount;
    world.sound = false;
    world.write(|batch| {
        batch.transfers.push(crate::world::hand::added(moved));
        batch.accounts.push(crate::world::hand::added(to));
        let from = Account { debits_posted: from.debits_posted + amount, ..from };
        batch.accounts.push(crate::world::hand::changed(from));
    });
    assert_eq!(
        world.refund(&shop, "order-0001", "refund-1", 1_00),
        Err(Rejection::NotEnough),
        "unsettled is empty"
    );
    let settled = RefundTerms { funds: Funds::Available, ..terms(&shop, "refund-2", FEN) };
    let id = made(world.ask_refund(asking(&shop, "order-0001", FEN, settled)));
    assert_eq!(world.refund_record(id).state, RefundState::Succeeded);
    let available = world.account(AccountId::merchant_available(shop.id, Currency::CNY));
    assert_eq!((available.balance().minor, world.balance(&buyer)), (0, FEN));
}

#[test]
fn the_fee_returns_as_the_schedule_of_the_payment_says() {
    for (returns, first, all) in [(Return::ProRata, 30, 60), (Return::None, 0, 0), (Return::WhenFull, 0, 60)]
    {
        let mut world = World::new();
        let (shop, buyer) = (world.shop(), world.buyer(FEN));
        let rule = Rule { returns, ..Rule::plain(Rate(6_000)) };
        let version = NewVersion { merchant: shop.id, effective_from: None, product: None, rule: Some(rule) };
        world.ok(Command::SetFees(Box::new(version)));
        world.advance(1000);
        world.sale(&shop, &buyer, "order-0001", FEN);
        // A later schedule changes nothing.
        let other = NewVersion {
            merchant: shop.id,
            effective_from: Some(world.now.plus(1)),
            product: None,
            rule: Some(Rule::plain(Rate(0))),
        };
        world.ok(Command::SetFees(Box::new(other)));
        world.later();
        let id = made(world.refund(&shop, "order-0001", "refund-1", FEN / 2));
        assert_eq!(world.refund_record(id).fee, first, "{returns:?}");
        world.later();
        // The merchant may lack the fee that is kept.
        world.sale_for(&shop, 10_00);
        let id = made(world.refund(&shop, "order-0001", "refund-2", FEN / 2 - 1));
        assert_eq!(world.refund_record(id).fee, if returns == Return::ProRata { 30 } else { 0 });
        world.later();
        // The last fen brings all of a fee that returns when all is refunded: more than the refund itself.
        let before = world.takings(&shop);
        let id = made(world.refund(&shop, "order-0001", "refund-3", 1));
        assert_eq!(world.numbered(&shop, "order-0001").refunded.fee, all, "{returns:?}");
        assert_eq!(world.takings(&shop), before - 1 + world.refund_record(id).fee);
        assert_eq!(world.balance(&buyer), FEN);
    }
}

impl World {
    /// Another sale, for money in the shop's takings.
    fn sale_for(&mut self, shop: &Shop, fen: i64) {
        let other = self.buyer(fen);
        self.sale(shop, &other, "other-0001", fen);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Any refunds of any sizes, some of which fail, are rejected or stay open: never more than was paid comes back,
    /// and when all of it has, so has all of the fee.
    #[test]
    fn refunds_never_exceed_the_payment_nor_the_fee(
        fee in 0_u32..=1_000_000, total in 1_i64..2_000,
        steps in prop::collection::vec((1_i64..700, 0_u8..4), 1..14),
    ) {
        let mut world = World::new();
        let (shop, buyer) = (world.shop_at(Rate(fee)), world.buyer(0));
        let order = world.card_sale(&shop, &buyer, "order-0001", total);
        let rules = RefundRules { automatic: 400, apart_s: 0, ..RefundRules::of_rules() };
        world.set_rules(rules);
        let mut open = Vec::new();
        for (n, (fen, fate)) in steps.into_iter().enumerate() {
            world.advance(time::SECOND);
            let left = total - world.stored(order).refunded.sum;
            let new = asking(&shop, "order-0001", total, terms(&shop, &format!("refund-{n}"), fen));
            let outcome = world.ask_refund(new);
            if fen > left {
                prop_assert_eq!(outcome, Err(Rejection::RefundTooMuch { left: Money::cny(left) }));
                continue;
            }
            let id = made(outcome);
            if world.refund_record(id).state == RefundState::Waiting {
                let decided = if fate == 0 { world.reject(id, 1) } else { world.approve(id, 1) };
                prop_assert!(decided.is_ok());
            }
            if world.refund_record(id).state == RefundState::Processing {
                match fate {
                    1 => open.push(id),
                    2 => drop(world.bank_says(id, 1, declined()).unwrap()),
                    _ => drop(world.bank_says(id, 1, succeeded()).unwrap()),
                }
            }
            world.prove();
        }
        for id in open {
            world.bank_says(id, 1, succeeded()).unwrap();
        }
        let rest = total - world.stored(order).refunded.sum;
        if rest > 0 {
            world.advance(time::SECOND);
            let new = asking(&shop, "order-0001", total, terms(&shop, "refund-rest", rest));
            made(world.ask_refund(new));
        }
        let kept = world.stored(order);
        prop_assert_eq!((kept.refunded.sum, kept.refunded.fee), (total, kept.fee));
    }
}
