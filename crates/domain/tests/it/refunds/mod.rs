//! Refunds: what goes back, when, from which money, and who must agree.

mod approve;
mod card;
mod create;
mod fee;
mod funds;

use crate::world::{
    Buyer, Shop, World,
    make::{succeeded, waiting},
};
use domain::{
    Actor, Caller, Command, Reply,
    limit::LimitTable,
    merchant::Product,
    notification::About,
    payment::ChannelAnswer,
    refund::{Funds, NewRefund, Refund, RefundRules, RefundTerms},
};
use engine::core::Outcome;
use ledger::{Account, AccountId};
use std::sync::Arc;
use types::{Currency, Money, OperatorId, OrderId, PageRequest, RefundId, time};

const FEN: i64 = 100_00;

fn terms(shop: &Shop, number: &str, fen: i64) -> RefundTerms {
    RefundTerms {
        partner: None,
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
        self.queries.account_in_all(id).unwrap()
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
