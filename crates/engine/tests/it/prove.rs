//! The proof itself: it finds every kind of damage, so that a test which ends with it says something.

use crate::world::{
    Shop, World,
    hand::{added, changed},
    make::{placed, succeeded, waiting},
};
use domain::{
    Batch, Command, merchant::Product, notification::NotificationState, order::OrderState,
    payment::PaymentState,
};
use ledger::{Account, AccountId, Transfer, TransferState};
use types::{Currency, NotificationId, OrderId, PaymentId, TransferId};

/// A sound world: an order paid by balance, one by card, one reversed, one open, one waiting for the channel.
struct Sound {
    world: World,
    shop: Shop,
    paid: OrderId,
    by_card: OrderId,
    reversed: OrderId,
    open: OrderId,
    busy: OrderId,
    asked: PaymentId,
    top_up: PaymentId,
}

impl Sound {
    fn new() -> Self {
        let mut world = World::new();
        let (shop, buyer) = (world.shop(), world.buyer(100_00));
        let paid = world.sale(&shop, &buyer, "paid-0001", 10_00);
        let by_card = world.order(&shop, "card-0001", Product::Jsapi, 20_00);
        let payment = waiting(world.pay_by_card(by_card, &buyer).unwrap());
        world.answer(payment, succeeded());
        let code = world.shown_code(&buyer);
        let reversed = placed(world.ok(shop.code_pay("code-0001", 30_00, code)));
        world.ok(shop.reverse("code-0001"));
        let open = world.order(&shop, "open-0001", Product::Jsapi, 40_00);
        let busy = world.order(&shop, "busy-0001", Product::Jsapi, 50_00);
        let asked = waiting(world.pay_by_card(busy, &buyer).unwrap());
        let top_up = waiting(world.ok(buyer.top_up(60_00)));
        world.answer(top_up, succeeded());
        world.prove();
        Self { world, shop, paid, by_card, reversed, open, busy, asked, top_up }
    }

    fn account(&self, id: AccountId) -> Account {
        self.world.queries.account(id).unwrap()
    }

    fn takings(&self) -> Account {
        self.account(AccountId::merchant_unsettled(self.shop.id, Currency::CNY))
    }

    fn transfer(&self, order: OrderId) -> Transfer {
        let id = self.world.stored(order).transfer.unwrap();
        self.world.queries.transfer(id).unwrap().unwrap()
    }
}

type Damage = fn(&Sound, &mut Batch);

/// Damage by hand, and what the proof says of it.
const DAMAGE: [(&str, Damage, &str); 19] = [
    (
        "money from nowhere",
        |s, batch| {
            let account = s.takings();
            batch.accounts.push(changed(Account { credits_posted: account.credits_posted + 1, ..account }));
        },
        "over all accounts",
    ),
    (
        "a counter that no transfer explains, on both sides",
        |s, batch| {
            let (one, other) = (s.takings(), s.account(AccountId::platform_fee(Currency::CNY)));
            batch.accounts.push(changed(Account { debits_posted: one.debits_posted + 1, ..one }));
            batch.accounts.push(changed(Account { credits_posted: other.credits_posted + 1, ..other }));
        },
        "transfers say",
    ),
    (
        "an overdraft",
        |s, batch| {
            let account = s.takings();
            let debits_posted = account.credits_posted + 1;
            batch.accounts.push(changed(Account { debits_posted, ..account }));
        },
        "below zero",
    ),
    (
        "a hold without a transfer",
        |s, batch| {
            let account = s.takings();
            batch.accounts.push(changed(Account { credits_pending: 1, ..account }));
        },
        "(pending)",
    ),
    (
        "a payment's transfer that is only held",
        |s, batch| {
            let transfer = s.transfer(s.paid);
            batch.transfers.push(changed(Transfer { state: TransferState::Pending, ..transfer }));
        },
        "transfers say paid 0",
    ),
    (
        "a payment's transfer that was voided",
        |s, batch| {
            let transfer = s.transfer(s.paid);
            batch.transfers.push(changed(Transfer { state: TransferState::Voided, ..transfer }));
        },
        "transfers say paid 0",
    ),
    (
        "a payment of another amount",
        |s, batch| {
            let transfer = s.transfer(s.paid);
            batch.transfers.push(changed(Transfer { amount: transfer.amount + 1, ..transfer }));
        },
        "transfers say paid 1001",
    ),
    (
        "a payment booked twice",
        |s, batch| {
            let transfer = s.transfer(s.paid);
            batch.transfers.push(added(Transfer { id: TransferId(1), ..transfer }));
        },
        "in 3 rows",
    ),
    (
        "a transfer of no order",
        |s, batch| {
            let transfer = s.transfer(s.paid);
            batch.transfers.push(added(Transfer { id: TransferId(1), subject: 1, ..transfer }));
        },
        "name order 1, which does not exist",
    ),
    (
        "an order paid without money",
        |s, batch| {
            let mut order = s.world.stored(s.open);
            (order.state, order.paid_at) = (OrderState::Paid, Some(s.world.now));
            batch.orders.push(changed(order));
        },
        "paid of 4000 with fee 0, but transfers say paid 0",
    ),
    (
        "money without a paid order",
        |s, batch| {
            let mut order = s.world.stored(s.paid);
            order.state = OrderState::Open;
            batch.orders.push(changed(order));
        },
        "open of 1000",
    ),
    (
        "a reversed order that is paid again",
        |s, batch| {
            let mut order = s.world.stored(s.reversed);
            order.state = OrderState::Paid;
            batch.orders.push(changed(order));
        },
        "returned 3000",
    ),
    (
        "a second successful payment of one order",
        |s, batch| {
            let mut payment = s.world.payment(s.asked);
            (payment.order, payment.state) = (Some(s.by_card), PaymentState::Succeeded);
            payment.id = PaymentId(1);
            batch.payments.push(added(payment));
        },
        "2 successful card payments",
    ),
    (
        "a second open payment of one order",
        |s, batch| {
            let mut payment = s.world.payment(s.asked);
            payment.id = PaymentId(1);
            batch.payments.push(added(payment));
        },
        "open card payments",
    ),
    (
        "an open payment that no longer locks its order",
        |s, batch| {
            let mut order = s.world.stored(s.busy);
            order.payment = None;
            batch.orders.push(changed(order));
        },
        "it waits for None",
    ),
    (
        "an order locked by a payment that is over",
        |s, batch| {
            let mut payment = s.world.payment(s.asked);
            payment.state = PaymentState::Declined;
            batch.payments.push(changed(payment));
        },
        "open card payments []",
    ),
    (
        "a top-up booked without the channel's word",
        |s, batch| {
            let mut payment = s.world.payment(s.top_up);
            payment.state = PaymentState::Unknown;
            batch.payments.push(changed(payment));
        },
        "top-up",
    ),
    (
        "a second notification",
        |s, batch| {
            let id = s.world.notifications(s.paid)[0];
            let mut row = s.world.queries.notification(id).unwrap().unwrap();
            row.id = NotificationId(1);
            batch.notifications.push(added(row));
        },
        "2 notifications, 1 owed",
    ),
    (
        "a delivered notification that is still due",
        |s, batch| {
            let id = s.world.notifications(s.paid)[0];
            let mut row = s.world.queries.notification(id).unwrap().unwrap();
            row.state = NotificationState::Delivered;
            batch.notifications.push(changed(row));
        },
        "Delivered but next try",
    ),
];

#[test]
fn every_kind_of_damage_is_found() {
    for (what, damage, told) in DAMAGE {
        let mut sound = Sound::new();
        let mut batch = Batch::default();
        damage(&sound, &mut batch);
        sound.world.sound = false;
        sound.world.write(|kept| {
            kept.accounts = batch.accounts;
            kept.transfers = batch.transfers;
            kept.orders = batch.orders;
            kept.payments = batch.payments;
            kept.notifications = batch.notifications;
        });
        let proof = engine::prove::prove(&*sound.world.queries).unwrap();
        assert!(!proof.holds(), "{what}: not found");
        assert!(proof.failures.iter().any(|failure| failure.contains(told)), "{what}: {:#?}", proof.failures);
    }
}

#[test]
fn a_proof_counts_what_it_checked() {
    let Sound { mut world, .. } = Sound::new();
    world.ok(Command::SetFreePay(types::PayerId(1), false));
    let proof = engine::prove::prove(&*world.queries).unwrap();
    assert_eq!((proof.orders, proof.payments, proof.notifications), (5, 4, 2));
    assert_eq!((proof.accounts, proof.failures.len(), proof.more), (4, 0, 0));
    assert_eq!(
        proof.transfers,
        2 + 2 + 2 + 4,
        "two top-ups, two payments with fees, one reversed with its fee"
    );
    assert!(proof.invariants.len() >= 15);
}

/// The reserve equation names its parts, and one that is damaged on one side alone.
#[test]
fn r_fin_14_the_reserve_equation_says_whose_money_lies_where() {
    let sound = Sound::new();
    let proof = engine::prove::prove(&*sound.world.queries).unwrap();
    let [reserve] = proof.reserves[..] else { panic!("{:?}", proof.reserves) };
    // Topped up 100.00 and 60.00; of the orders 10.00 by balance and 20.00 by card are paid, 30.00 came back.
    assert_eq!((reserve.payers, reserve.channels, reserve.bank), (150_00, 180_00, 0));
    assert_eq!(reserve.merchants + reserve.platform, 30_00);
    assert_eq!((reserve.in_transit, reserve.missing()), (0, -reserve.platform));
    for (account, fen) in [
        (AccountId::payer_balance(types::PayerId(1), Currency::CNY), 1),
        (AccountId::channel_receivable(1, Currency::CNY), -1),
        (AccountId::platform_fee(Currency::CNY), 1),
    ] {
        let mut sound = Sound::new();
        let known = sound.account(account);
        let damaged = Account { credits_posted: known.credits_posted + fen, ..known };
        sound.world.sound = false;
        sound.world.write(|kept| kept.accounts.push(changed(damaged)));
        let proof = engine::prove::prove(&*sound.world.queries).unwrap();
        assert!(
            proof.failures.iter().any(|failure| failure.starts_with("reserve equation: CNY: payers")),
            "{account}: {:#?}",
            proof.failures
        );
    }
}
