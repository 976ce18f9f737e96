//! The fee that comes back with a refund.

use super::{FEN, asking, made, terms};
use crate::world::{
    Shop, World,
    make::{declined, succeeded},
};
use domain::{
    Command, Rejection,
    fee::{NewVersion, Return, Rule},
    refund::{RefundRules, RefundState},
};
use proptest::prelude::*;
use types::{Money, Rate, time};

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
