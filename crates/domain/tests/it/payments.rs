//! Paying from the balance: one command that holds, posts and takes the fee, or changes nothing.

use crate::world::{Buyer, World, make::placed, make::succeeded, make::waiting, sealed};
use domain::{
    Command, Event, Rejection, Reply,
    merchant::{MerchantChange, Product},
    notification::NotificationState,
    order::{AMOUNT_MAX, OrderState, Terms},
    payment::{Confirmation, Entry, Paid},
};
use ledger::{Refused, TransferKind, TransferState};
use types::{CardId, Currency, Money, OrderId, PayerId, Rate, TransferId, time};

/// R-FIN-11 as far as it is built: initiate, freeze the payer's funds, notify the merchant. One batch holds the
/// whole of it, so no instant exists at which half of it is stored.
#[test]
fn r_fin_11_a_payment_holds_posts_and_owes_the_notification_at_once() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    let order = world.order(&shop, "order-0001", Product::App, 50_00);
    let (transfers, balance) = (world.last.transfers.len(), world.balance(&buyer));
    assert_eq!((transfers, balance, world.takings(&shop)), (0, 100_00, 0), "an order moves nothing");

    assert_eq!(world.pay(order, &buyer), Ok(Reply::Paid(Paid::Done(world.now))));

    let moved = |transfer: &ledger::Transfer| (transfer.kind, transfer.state, transfer.amount);
    let values = world.last.transfers.iter().filter_map(|change| change.value.as_ref());
    assert_eq!(
        values.map(moved).collect::<Vec<_>>(),
        [
            (TransferKind::Payment, TransferState::Posted, 50_00),
            (TransferKind::Fee, TransferState::Posted, 30)
        ]
    );
    assert_eq!((world.balance(&buyer), world.takings(&shop), world.fees()), (50_00, 49_70, 30));
    let stored = world.stored(order);
    assert_eq!((stored.state, stored.payer, stored.card), (OrderState::Paid, Some(buyer.id), None));
    assert_eq!((stored.paid_at, stored.fee), (Some(world.now), 30));
    let paid_by = world.queries.transfer(stored.transfer.unwrap()).unwrap().unwrap();
    assert_eq!(paid_by.subject, order.0);
    let [owed] = world.notifications(order)[..] else { panic!("one notification") };
    assert_eq!(world.events, [Event::NotificationDue(owed)]);
    let owed = world.queries.notification(owed).unwrap().unwrap();
    assert_eq!((owed.state, owed.next_at), (NotificationState::Pending, Some(world.now)));
}

/// Rounded half up to the fen; a fee of nothing leaves no transfer.
#[test]
fn a_fee_is_rounded_half_up_and_none_is_no_transfer() {
    for (rate, amount, fee) in [
        (0, 1_00, 0),
        (6_000, 1, 0),
        (6_000, 83, 0), // 0.498 fen
        (6_000, 84, 1), // 0.504 fen
        (6_000, 1_00, 1),
        (5_000, 1_00, 1), // 0.5 fen
        (5_000, 99, 0),
        (6_000, 4_999_99, 3_000),
        (1_000_000, 1, 1),
        (500_000, 1, 1),
        (499_999, 1, 0),
    ] {
        let mut world = World::new();
        let (shop, buyer) = (world.shop_at(Rate(rate)), world.buyer(amount));
        let order = world.sale(&shop, &buyer, "order-0001", amount);
        let rows = world.last.transfers.len();
        assert_eq!(world.stored(order).fee, fee, "{rate} of {amount}");
        assert_eq!(rows, 1 + usize::from(fee > 0), "{rate} of {amount}");
        assert_eq!((world.balance(&buyer), world.takings(&shop), world.fees()), (0, amount - fee, fee));
    }
}

#[test]
fn a_changed_fee_holds_for_later_payments_only() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop_at(Rate(10_000)), world.buyer(200_00));
    let early = world.sale(&shop, &buyer, "order-0001", 100_00);
    world.ok(shop.change(MerchantChange { fee: Some(Rate(0)), ..MerchantChange::default() }));
    let late = world.sale(&shop, &buyer, "order-0002", 100_00);
    assert_eq!((world.stored(early).fee, world.stored(late).fee), (1_00, 0));
}

/// R-OPS-10: a payment starts at the merchant's order, and identity, amount and kind are checked before money moves.
#[test]
fn r_ops_10_identity_amount_and_kind_are_checked() {
    let mut world = World::new();
    let (shop, buyer, other) = (world.shop(), world.buyer(100_00), world.buyer(100_00));
    let bare = world.sign_up("no pin");
    let order = world.order(&shop, "order-0001", Product::Jsapi, 50_00);
    let good = world.confirmation(order, &buyer);
    let pay = Command::PayOrder;
    let wrong = |shown: Money| Rejection::WrongAmount { wanted: Money::cny(50_00), confirmed: shown };
    let shown = |shown: Money| (pay(Confirmation { shown, ..good }), wrong(shown));
    let through = |product| {
        let entry = Entry { product, ..good.entry };
        (pay(Confirmation { entry, ..good }), Rejection::EntryMismatch)
    };
    let cases = [
        ("no order", (pay(Confirmation { order: OrderId(7), ..good }), Rejection::OrderNotFound)),
        ("a fen less", shown(Money::cny(49_99))),
        ("a fen more", shown(Money::cny(50_01))),
        ("dollars", shown(Money::new(50_00, Currency::USD))),
        ("through an app", through(Product::App)),
        ("through a browser", through(Product::H5)),
        ("through a scanned code", through(Product::Native)),
        ("nobody", (pay(Confirmation { payer: PayerId(99), ..good }), Rejection::PayerNotFound)),
        ("without a PIN", (pay(Confirmation { payer: bare, ..good }), Rejection::PinNotSet)),
        ("no card", (pay(Confirmation { card: Some(CardId(7)), ..good }), Rejection::CardNotFound)),
        ("another's card", (pay(Confirmation { card: Some(other.card), ..good }), Rejection::CardNotFound)),
    ];
    for (what, (command, refused)) in cases {
        world.refuses([(what, command, refused)]);
    }
    assert_eq!((world.balance(&buyer), world.takings(&shop)), (100_00, 0));
    world.ok(pay(good));
}

/// Wire §3.2: `prepay_id` and `code_url` live two hours, `h5_url` five minutes, to the microsecond.
#[test]
fn r_fin_06_a_prepay_id_lives_two_hours() {
    let life_s =
        [(Product::Jsapi, 7_200), (Product::App, 7_200), (Product::Native, 7_200), (Product::H5, 300)];
    for (product, life_s) in life_s {
        for (left_us, open) in [(1, true), (0, false), (-1, false)] {
            let mut world = World::new();
            let (shop, buyer) = (world.shop(), world.buyer(50_00));
            let order = world.order(&shop, "order-0001", product, 50_00);
            let confirmed = world.confirmation(order, &buyer);
            world.advance(life_s * time::SECOND - left_us);
            let paid = world.run(Command::PayOrder(confirmed));
            let wanted =
                if open { Ok(Reply::Paid(Paid::Done(world.now))) } else { Err(Rejection::EntryExpired) };
            assert_eq!(paid, wanted, "{product:?}, {left_us} µs left");
            // The order itself lives on: a new door opens it.
            assert_eq!(world.pay(order, &buyer).is_ok(), !open, "{product:?}, through a new door");
        }
    }
}

#[test]
fn too_little_changes_nothing_and_just_enough_pays() {
    for (balance, paid) in [(0, false), (49_99, false), (50_00, true), (50_01, true)] {
        let mut world = World::new();
        let (shop, buyer) = (world.shop(), world.buyer(balance));
        let order = world.order(&shop, "order-0001", Product::Jsapi, 50_00);
        let outcome = world.pay(order, &buyer);
        assert_eq!(outcome.is_ok(), paid, "{balance}: {outcome:?}");
        assert!(paid || outcome == Err(Rejection::NotEnough), "{balance}: {outcome:?}");
        let left = if paid { balance - 50_00 } else { balance };
        assert_eq!((world.balance(&buyer), world.state(order) == OrderState::Paid), (left, paid));
        let used = world.queries.usage(buyer.id.0).unwrap().map_or(0, |usage| usage.day_two_factors);
        assert_eq!(used, if paid { 50_00 } else { 0 }, "a refused payment uses no limit");
    }
}

#[test]
fn an_order_is_paid_once() {
    let mut world = World::new();
    let shop = world.shop();
    let (first, second) = (world.buyer(100_00), world.buyer(100_00));
    let order = world.sale(&shop, &first, "order-0001", 50_00);
    for buyer in [&first, &second] {
        assert_eq!(world.pay(order, buyer), Err(Rejection::OrderPaid));
        assert_eq!(world.pay_by_card(order, buyer), Err(Rejection::OrderPaid));
    }
    assert_eq!((world.balance(&first), world.balance(&second)), (50_00, 100_00));
    assert_eq!(world.notifications(order).len(), 1);
}

/// Amounts at the edge of 64 bits: refused where they come in, and what can be placed can be booked.
#[test]
fn accident_cala_fuzz_an_amount_overflows() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    let code = world.shown_code(&buyer);
    for fen in [i64::MAX, i64::MAX - 1, AMOUNT_MAX + 1, i64::MIN, -1, 0] {
        let top_up = buyer.top_up(fen);
        assert!(world.run(top_up).is_err(), "{fen}: topped up");
        let range = Rejection::AmountOutOfRange;
        world.refuses([
            ("order", shop.create("order-0001", Product::Jsapi, fen), range.clone()),
            ("code", shop.code_pay("order-0002", fen, code), range),
        ]);
    }
    // The largest order can be booked many times over.
    for n in 0..20 {
        let order = world.order(&shop, &format!("large-{n:04}"), Product::Jsapi, AMOUNT_MAX);
        assert!(matches!(world.pay(order, &buyer), Err(Rejection::LimitExceeded { .. })));
        let payment = waiting(world.pay_by_card(order, &buyer).unwrap());
        world.answer(payment, succeeded());
        assert_eq!(world.state(order), OrderState::Paid);
    }
    assert_eq!(world.receivable(), 20 * AMOUNT_MAX + 100_00);
}

/// The ledger's own last line: a counter that would pass 64 bits refuses the movement.
#[test]
fn a_ledger_refusal_has_a_code_of_its_own() {
    let account = ledger::AccountId::payer_balance(PayerId(1), Currency::CNY);
    let (available, needed) = (Money::cny(0), Money::cny(1));
    let codes = [
        Refused::Amount(0),
        Refused::SameAccount(account),
        Refused::Currency(account, account),
        Refused::NotEnough { account, available, needed },
        Refused::Frozen(account),
        Refused::Overflow(account),
        Refused::NotPending(TransferId(1)),
    ]
    .map(|refused| Rejection::Ledger(refused).code());
    let distinct: std::collections::BTreeSet<_> = codes.iter().collect();
    assert_eq!(distinct.len(), codes.len());
    assert!(codes.iter().all(|code| code.starts_with("ledger_")));
}

#[test]
fn only_an_order_with_an_address_owes_a_notification() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    let silent = Terms { notify_url: "".into(), ..shop.terms("order-0001", Product::Native, 10_00) };
    let silent = placed(world.ok(Command::CreateOrder { terms: sealed(silent), expires_at: None }));
    world.pay(silent, &buyer).unwrap();
    assert_eq!((world.notifications(silent).len(), world.events.len()), (0, 0));
    let loud = world.sale(&shop, &buyer, "order-0002", 10_00);
    assert_eq!(world.notifications(loud).len(), 1);
}

/// A payer's bill is a chain from its newest entry: orders, top-ups and code payments in the order they went
/// through, whatever was placed or asked first.
#[test]
fn a_bill_lists_what_went_through_newest_first() {
    let mut world = World::new();
    let shop = world.shop();
    let buyer: Buyer = world.buyer(100_00);
    let funded = world.bill(&buyer)[0];
    let early = world.order(&shop, "order-0001", Product::Jsapi, 1_00);
    let by_card = world.order(&shop, "order-0002", Product::Jsapi, 2_00);
    let asked = waiting(world.pay_by_card(by_card, &buyer).unwrap());
    let top_up = waiting(world.ok(buyer.top_up(10_00)));
    let code = world.shown_code(&buyer);
    let scanned = placed(world.ok(shop.code_pay("order-0003", 3_00, code)));
    world.answer(top_up, succeeded());
    world.pay(early, &buyer).unwrap();
    world.answer(asked, succeeded());
    world.ok(shop.reverse("order-0003"));
    let unpaid = world.order(&shop, "order-0004", Product::Jsapi, 4_00);

    let bill = world.bill(&buyer);
    assert_eq!(bill, [by_card.0, early.0, top_up.0, scanned.0, funded]);
    assert!(!bill.contains(&unpaid.0));
    let from = Some(domain::limit::BillEntry(early.0));
    assert_eq!(world.queries.bill(buyer.id, from, 2).unwrap().len(), 2, "read on from any entry");
}
