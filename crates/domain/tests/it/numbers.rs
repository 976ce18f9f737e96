//! Numbers that come from outside: whatever they are, a command is decided, never stopped by a panic.

use crate::world::{World, digest, make::succeeded};
use domain::{
    Command, Rejection, Reply,
    application::Application,
    card::NewCard,
    merchant::{MerchantChange, NewMerchant, Product, Products},
    payment::{Confirmation, Entry, Paid},
};
use ledger::AccountId;
use proptest::prelude::*;
use types::{AppId, CardId, MerchantId, Money, OrderId, PayerId, Rate};

/// Any number, and often one at an edge.
fn number() -> impl Strategy<Value = i64> {
    const MAX: i64 = AccountId::OWNER_MAX;
    let edges = [i64::MIN, -1, 0, 1, 1_900_000_001, MAX - 1, MAX, MAX + 1, 1 << 56, i64::MAX];
    prop_oneof![any::<i64>(), 1..=MAX, proptest::sample::select(edges.to_vec())]
}

fn register(id: i64) -> Command {
    let id = MerchantId(id);
    let new =
        NewMerchant { id, name: "tea".into(), products: Products::ALL, fee: Rate(6_000), rate_per_s: 9 };
    Command::RegisterMerchant(new)
}

proptest! {
    /// A merchant and a channel whose numbers can own accounts are paid in every way; others are refused with
    /// their number. An application's number owns nothing: any will do.
    #[test]
    fn a_number_that_can_not_own_accounts_is_refused(merchant in number(), channel in number(), app in number()) {
        let mut world = World::new();
        let buyer = world.buyer(100_00);
        let registered = world.run(register(merchant));
        let can = AccountId::can_own(merchant);
        prop_assert_eq!(registered, if can { Ok(Reply::Done) } else { Err(Rejection::NumberOutOfRange(merchant)) });
        let (bank, tail, token) = ("CMB_DEBIT".into(), "0000".into(), "t".into());
        let bound = NewCard { payer: buyer.id, bank, tail, token, channel, bound: 1 };
        let bound = world.run(Command::BindCard(Box::new(bound)));
        let card = match bound {
            Ok(Reply::Card(card)) => Some(card),
            other => {
                prop_assert_eq!(other, Err(Rejection::NumberOutOfRange(channel)));
                None
            }
        };
        prop_assert_eq!(card.is_some(), AccountId::can_own(channel));
        let shop = crate::world::Shop { id: MerchantId(merchant), app: AppId(app) };
        let application = Application { id: shop.app, name: "a".into(), redirect_hosts: vec![], secret: None };
        world.ok(Command::RegisterApplication(Box::new(application)));
        if !can {
            let refused = world.no(shop.create("order-0001", Product::Native, 1_00));
            prop_assert_eq!(refused, Rejection::MerchantNotFound(shop.id));
            return Ok(());
        }
        world.ok(shop.change(MerchantChange { bind: Some(shop.app), ..MerchantChange::default() }));
        world.sale(&shop, &buyer, "order-0001", 10_00);
        let code = world.shown_code(&buyer);
        world.ok(shop.code_pay("order-0002", 10_00, code));
        world.ok(shop.reverse("order-0002"));
        if let Some(card) = card {
            let order = world.order(&shop, "order-0003", Product::Native, 10_00);
            let asked = Confirmation { card: Some(card), ..world.confirmation(order, &buyer) };
            let Ok(Reply::Paid(Paid::Waiting(payment))) = world.run(Command::PayOrder(asked)) else {
                panic!("the channel is asked")
            };
            world.answer(payment, succeeded());
        }
        world.prove();
    }

    /// No record named in a confirmation need exist.
    #[test]
    fn a_payment_of_anything_by_anybody_is_decided(
        order in number(), payer in number(), card in proptest::option::of(number()), minor in any::<i64>(),
        known in any::<bool>(),
    ) {
        let mut world = World::new();
        let (shop, buyer) = (world.shop(), world.buyer(100_00));
        let placed = world.order(&shop, "order-0001", Product::Jsapi, 50_00);
        let asked = Confirmation {
            order: if known { placed } else { OrderId(order) },
            payer: PayerId(payer),
            entry: Entry { product: Product::Jsapi, issued_at: world.now },
            shown: Money::cny(minor),
            card: card.map(CardId),
            pin: digest("?"),
        };
        // The buyer's own number may come up: then the PIN is wrong, or the amount.
        let outcome = world.run(Command::PayOrder(asked));
        prop_assert!(!matches!(outcome, Ok(Reply::Paid(Paid::Done(_) | Paid::Waiting(_)))), "{:?}", outcome);
        let id = asked.order;
        let confirm = Command::ConfirmCodePay { order: id, payer: asked.payer, pin: Some(asked.pin) };
        prop_assert!(world.run(confirm).is_err());
        let top_up = Command::TopUp { card: CardId(order), payer: asked.payer, amount: asked.shown, pin: asked.pin };
        prop_assert!(world.run(top_up).is_err());
        prop_assert!(world.run(Command::IssuePaymentCode(asked.payer, order)).is_ok() == (asked.payer == buyer.id));
        world.prove();
    }
}
