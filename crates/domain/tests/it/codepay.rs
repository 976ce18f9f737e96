//! Payment codes: the merchant scans, small sums are paid at once, others wait for the PIN.

use crate::world::{Buyer, Shop, World, digest, make::placed, sealed};
use domain::{
    Command, Rejection, Reply,
    limit::LimitTable,
    merchant::Product,
    order::{OrderState, Terms},
    payment::Paid,
    rejection::Cap,
};
use ledger::{AccountId, Refused};
use types::{Currency, Money, OrderId, PayerId, Time, time};

/// Shows a new code and scans it for `fen`.
fn scan(world: &mut World, shop: &Shop, buyer: &Buyer, number: &str, fen: i64) -> OrderId {
    let code = world.shown_code(buyer);
    placed(world.ok(shop.code_pay(number, fen, code)))
}

/// An order that waits for the PIN.
fn paying() -> (World, Shop, Buyer, OrderId) {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(5_000_00));
    let order = scan(&mut world, &shop, &buyer, "order-0001", 1_000_01);
    assert_eq!(world.state(order), OrderState::Paying);
    (world, shop, buyer, order)
}

/// R-FIN-07: the counter scans the payer's code, the payer is debited, the money is posted at once.
#[test]
fn r_fin_07_a_scanned_payment_code_debits_and_posts_at_once() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    let order = scan(&mut world, &shop, &buyer, "order-0001", 50_00);
    let stored = world.stored(order);
    assert_eq!(
        (stored.state, stored.payer, stored.paid_at),
        (OrderState::Paid, Some(buyer.id), Some(world.now))
    );
    assert_eq!((world.balance(&buyer), world.takings(&shop), world.fees()), (50_00, 49_70, 30));
    assert_eq!(world.notifications(order).len(), 0, "the till asks; wire §3.8 knows no callback");
    assert_eq!(world.bill(&buyer)[0], order.0);
}

/// More than 1,000 yuan at once, more than 1,000 yuan or ten payments a day without a PIN, or the payer's own
/// switch: then the payer must confirm.
#[test]
fn what_needs_the_pin() {
    // What was paid free that day before, and what is paid now.
    for (before, fen, free) in [
        (&[][..], 1, true),
        (&[], 1_000_00, true),
        (&[], 1_000_01, false),
        (&[999_99], 1, true),
        (&[999_99], 2, false),
        (&[1_00; 9], 1_00, true),
        (&[1_00; 10], 1_00, false),
        (&[1_00; 10], 1_000_01, false),
    ] {
        let mut world = World::new();
        let (shop, buyer) = (world.shop(), world.buyer(5_000_00));
        for (n, fen) in before.iter().enumerate() {
            let order = scan(&mut world, &shop, &buyer, &format!("before-{n:02}"), *fen);
            assert_eq!(world.state(order), OrderState::Paid);
        }
        let order = scan(&mut world, &shop, &buyer, "order-0001", fen);
        let wanted = if free { OrderState::Paid } else { OrderState::Paying };
        assert_eq!(world.state(order), wanted, "{fen} after {before:?}");
        let paid: i64 = before.iter().sum::<i64>() + if free { fen } else { 0 };
        assert_eq!(world.balance(&buyer), 5_000_00 - paid);
        world.advance(time::DAY);
        let next_day = scan(&mut world, &shop, &buyer, "order-0002", fen);
        let wanted = if fen <= 1_000_00 { OrderState::Paid } else { OrderState::Paying };
        assert_eq!(world.state(next_day), wanted, "the next day, {fen} after {before:?}");
    }
}

#[test]
fn a_payer_can_ask_for_the_pin_always() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    for (free, wanted) in [(false, OrderState::Paying), (true, OrderState::Paid)] {
        world.ok(Command::SetFreePay(buyer.id, free));
        let order = scan(&mut world, &shop, &buyer, &format!("order-{free}"), 1);
        assert_eq!(world.state(order), wanted);
    }
}

/// Rules §1.3, levels B and C: payments confirmed with the PIN take nothing from what may be paid without, neither
/// of the ten nor of the 1,000.
#[test]
fn rules_1_3_a_confirmed_payment_is_not_a_free_one() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(5_000_00));
    world.ok(Command::SetFreePay(buyer.id, false));
    for n in 0..10 {
        let order = scan(&mut world, &shop, &buyer, &format!("pin-{n:04}"), 1_00);
        world.ok(buyer.confirm(order));
    }
    world.ok(Command::SetFreePay(buyer.id, true));
    for n in 0..10 {
        let order = scan(&mut world, &shop, &buyer, &format!("free-{n:04}"), 1_00);
        assert_eq!(world.state(order), OrderState::Paid, "{n}");
    }
    let eleventh = scan(&mut world, &shop, &buyer, "free-0010", 1_00);
    assert_eq!(world.state(eleventh), OrderState::Paying);
    let used = world.queries.usage(buyer.id.0).unwrap().unwrap();
    assert_eq!((used.day_barcode_b, used.day_barcode_c), (10_00, 10_00));
    assert_eq!((used.day_two_factors, used.day_one_factor, used.day_free_count), (10_00, 10_00, 10));

    let (dear, rich) = (world.shop(), world.buyer(9_000_00));
    for (n, fen) in [(1, 3_000_00), (2, 2_000_00)] {
        let order = scan(&mut world, &dear, &rich, &format!("dear-{n:04}"), fen);
        world.ok(rich.confirm(order));
    }
    let order = scan(&mut world, &dear, &rich, "small-0001", 1_000_00);
    assert_eq!(world.state(order), OrderState::Paid, "level C is whole after level B is spent");
    let order = scan(&mut world, &dear, &rich, "small-0002", 1);
    assert_eq!(world.state(order), OrderState::Paying, "level C is spent");
    let refused = Rejection::LimitExceeded { limit: Cap::BarcodeDay, left: Money::cny(0) };
    assert_eq!(world.run(rich.confirm(order)), Err(refused), "and level B too");
}

/// Rules §3: shown for 60 s, taken for 10 s more, to the microsecond.
#[test]
fn a_code_lives_a_minute_and_ten_seconds() {
    for (left_us, taken) in [(10 * time::SECOND, true), (1, true), (0, false), (-1, false)] {
        let mut world = World::new();
        let (shop, buyer) = (world.shop(), world.buyer(100_00));
        let code = world.shown_code(&buyer);
        world.advance(70 * time::SECOND - left_us);
        let scanned = world.run(shop.code_pay("order-0001", 50_00, code));
        assert_eq!(scanned.is_ok(), taken, "{left_us} µs left: {scanned:?}");
        assert!(taken || scanned == Err(Rejection::CodeExpired), "{left_us} µs left: {scanned:?}");
    }
}

#[test]
fn a_code_is_good_for_one_order() {
    let mut world = World::new();
    let (shop, other, buyer) = (world.shop(), world.shop(), world.buyer(5_000_00));
    for (number, fen) in [("free-0001", 50_00), ("dear-0001", 1_000_01)] {
        let code = world.shown_code(&buyer);
        let order = placed(world.ok(shop.code_pay(number, fen, code)));
        world.refuses([
            ("another number", shop.code_pay("order-0002", fen, code), Rejection::CodeUsed),
            ("another merchant", other.code_pay(number, fen, code), Rejection::CodeUsed),
            ("another amount", shop.code_pay(number, fen + 1, code), Rejection::OrderNumberUsed),
        ]);
        let balance = world.balance(&buyer);
        // The same request again is the same order, also when the code has long expired and been removed.
        for wait in [0, 70 * time::SECOND, time::DAY] {
            world.advance(wait);
            assert_eq!(world.ok(shop.code_pay(number, fen, code)), Reply::Order(order));
        }
        assert_eq!(world.balance(&buyer), balance, "paid once");
    }
}

#[test]
fn what_scanning_refuses() {
    let mut world = World::new();
    let (shop, poor) = (world.shop(), world.buyer(10_00));
    let code = world.shown_code(&poor);
    let foreign = Terms { app: types::AppId(99), ..shop.terms("order-0001", Product::Code, 1_00) };
    world.refuses([
        ("a code nobody shows", shop.code_pay("order-0001", 1_00, 7), Rejection::CodeInvalid),
        ("more than is there", shop.code_pay("order-0001", 10_01, code), Rejection::NotEnough),
        (
            "a foreign app",
            Command::CodePay { terms: sealed(foreign), code },
            Rejection::AppNotBound(types::AppId(99), shop.id),
        ),
    ]);
    // What was refused used up neither the code nor the number.
    let order = placed(world.ok(shop.code_pay("order-0001", 10_00, code)));
    assert_eq!(world.state(order), OrderState::Paid);
}

#[test]
fn a_code_is_shown_by_a_payer_with_a_pin_and_once() {
    let mut world = World::new();
    let (buyer, other) = (world.buyer(0), world.buyer(0));
    let bare = world.sign_up("no pin");
    let code = world.shown_code(&buyer);
    world.refuses([
        ("without a PIN", Command::IssuePaymentCode(bare, 7), Rejection::PinNotSet),
        ("nobody's", Command::IssuePaymentCode(PayerId(99), 7), Rejection::PayerNotFound),
        ("shown already", Command::IssuePaymentCode(buyer.id, code), Rejection::CodeInvalid),
        ("shown by another", Command::IssuePaymentCode(other.id, code), Rejection::CodeInvalid),
    ]);
}

#[test]
fn the_payer_confirms_with_the_pin() {
    let (mut world, shop, buyer, order) = paying();
    assert_eq!(world.queries.orders_to_confirm(buyer.id).unwrap().len(), 1);
    assert_eq!((world.balance(&buyer), world.takings(&shop)), (5_000_00, 0), "waiting moves nothing");
    let by_door = world.pay(order, &buyer);
    assert_eq!(by_door, Err(Rejection::EntryMismatch), "there is no other door");
    assert_eq!(world.ok(buyer.confirm(order)), Reply::Paid(Paid::Done(world.now)));
    assert_eq!((world.state(order), world.balance(&buyer)), (OrderState::Paid, 3_999_99));
    assert_eq!(world.no(buyer.confirm(order)), Rejection::OrderPaid);
    assert_eq!(world.queries.orders_to_confirm(buyer.id).unwrap().len(), 0);
}

#[test]
fn what_confirming_refuses() {
    let (mut world, shop, buyer, order) = paying();
    let other = world.buyer(5_000_00);
    let native = world.order(&shop, "order-0002", Product::Native, 1_00);
    let terms = Terms { payer: Some(buyer.id), ..shop.terms("order-0003", Product::Jsapi, 1_00) };
    let bound = placed(world.ok(Command::CreateOrder { terms: sealed(terms), expires_at: None }));
    let refuse = |payer| Command::ConfirmCodePay { order, payer, pin: None };
    world.refuses([
        ("another payer", other.confirm(order), Rejection::WrongPayer),
        ("refused by another", refuse(other.id), Rejection::WrongPayer),
        ("an order without a code", buyer.confirm(native), Rejection::WrongPayer),
        ("a bound one without a code", buyer.confirm(bound), Rejection::WrongPayer),
        ("no order", buyer.confirm(OrderId(7)), Rejection::OrderNotFound),
    ]);
    world.ok(refuse(buyer.id));
    assert_eq!(world.state(order), OrderState::Failed);
    assert_eq!(world.no(buyer.confirm(order)), Rejection::OrderFailed);
    assert_eq!(world.balance(&buyer), 5_000_00);
}

#[test]
fn a_confirmation_comes_within_five_minutes() {
    for (left_us, paid) in [(1, true), (0, false)] {
        let (mut world, _, buyer, order) = paying();
        let until = world.stored(order).expires_at;
        assert_eq!(until, world.now.plus(5 * time::MINUTE));
        world.advance(5 * time::MINUTE - left_us);
        let confirmed = world.run(buyer.confirm(order));
        assert_eq!(confirmed.is_ok(), paid, "{left_us} µs left");
        assert!(paid || confirmed == Err(Rejection::OrderExpired(until)));
    }
}

/// A confirmation with too little fails as any payment does and can be given again once there is enough.
#[test]
fn a_confirmation_needs_the_money() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(1_000_00));
    let order = scan(&mut world, &shop, &buyer, "order-0001", 1_000_01);
    assert_eq!(world.no(buyer.confirm(order)), Rejection::NotEnough);
    assert_eq!(world.state(order), OrderState::Paying);
    world.fund(&buyer, 1);
    world.ok(buyer.confirm(order));
    assert_eq!(world.balance(&buyer), 0);
}

/// What the merchant's till does with an order, and what it gets back.
#[test]
fn reversing_ends_or_returns() {
    let (mut world, shop, buyer, order) = paying();
    world.ok(shop.reverse("order-0001"));
    assert_eq!((world.state(order), world.stored(order).reversal), (OrderState::Revoked, None));
    assert_eq!(world.no(buyer.confirm(order)), Rejection::OrderRevoked);
    assert_eq!(world.balance(&buyer), 5_000_00);

    let paid = scan(&mut world, &shop, &buyer, "order-0002", 500_00);
    assert_eq!((world.balance(&buyer), world.takings(&shop), world.fees()), (4_500_00, 497_00, 3_00));
    world.ok(shop.reverse("order-0002"));
    assert_eq!((world.balance(&buyer), world.takings(&shop), world.fees()), (5_000_00, 0, 0));
    let stored = world.stored(paid);
    assert_eq!((stored.state, stored.payer), (OrderState::Revoked, Some(buyer.id)));
    let (paid_by, returned_by) = (stored.transfer.unwrap(), stored.reversal.unwrap());
    let transfer = |id| world.queries.transfer(id).unwrap().unwrap();
    assert_eq!(
        (transfer(paid_by).debit, transfer(paid_by).credit),
        (transfer(returned_by).credit, transfer(returned_by).debit)
    );

    // Again is the same, for both.
    for number in ["order-0001", "order-0002"] {
        assert_eq!(world.ok(shop.reverse(number)), Reply::Done);
        assert!(world.last.orders.is_empty() && world.last.transfers.is_empty(), "{number}");
    }
    assert_eq!(world.balance(&buyer), 5_000_00);
}

/// Orders that ended without money: reversing makes a failed one final and leaves a closed one closed.
#[test]
fn reversing_what_ended_unpaid_moves_nothing() {
    type End = fn(&mut World, &Shop, &Buyer, OrderId);
    let ends: [(&str, End, OrderState); 3] = [
        (
            "refused",
            |world, _, buyer, order| {
                world.ok(Command::ConfirmCodePay { order, payer: buyer.id, pin: None });
            },
            OrderState::Revoked,
        ),
        (
            "too late",
            |world, _, _, order| {
                world.advance(5 * time::MINUTE);
                world.ok(Command::ExpireOrder(order));
            },
            OrderState::Revoked,
        ),
        (
            "closed",
            |world, shop, _, _| {
                world.ok(shop.close("order-0001"));
            },
            OrderState::Closed,
        ),
    ];
    for (what, end, state) in ends {
        let (mut world, shop, buyer, order) = paying();
        end(&mut world, &shop, &buyer, order);
        assert_eq!(world.ok(shop.reverse("order-0001")), Reply::Done, "{what}");
        assert_eq!((world.state(order), world.last.transfers.len()), (state, 0), "{what}");
        assert_eq!(world.balance(&buyer), 5_000_00, "{what}");
    }
}

#[test]
fn what_reversing_refuses() {
    let mut world = World::new();
    let (shop, other, buyer) = (world.shop(), world.shop(), world.buyer(100_00));
    scan(&mut world, &shop, &buyer, "code-0001", 50_00);
    world.sale(&shop, &buyer, "jsapi-0001", 1_00);
    world.order(&shop, "native-0001", Product::Native, 1_00);
    let foreign = Shop { app: other.app, ..shop };
    world.refuses([
        ("an order paid through a page", shop.reverse("jsapi-0001"), Rejection::NotReversible),
        ("an open one", shop.reverse("native-0001"), Rejection::NotReversible),
        ("with another app", foreign.reverse("code-0001"), Rejection::WrongApp),
        ("another merchant's", other.reverse("code-0001"), Rejection::OrderNotFound),
        ("none", shop.reverse("code-0002"), Rejection::OrderNotFound),
    ]);
    assert_eq!(world.balance(&buyer), 49_00);
}

#[test]
fn a_payment_can_be_reversed_for_seven_days() {
    for (left_us, taken) in [(1, true), (0, false)] {
        let mut world = World::new();
        let (shop, buyer) = (world.shop(), world.buyer(100_00));
        scan(&mut world, &shop, &buyer, "order-0001", 50_00);
        world.advance(7 * time::DAY - left_us);
        let reversed = world.run(shop.reverse("order-0001"));
        assert_eq!(reversed, if taken { Ok(Reply::Done) } else { Err(Rejection::ReverseTooLate) });
        assert_eq!(world.balance(&buyer), if taken { 100_00 } else { 50_00 });
    }
    // What was never paid has no such end.
    let (mut world, shop, ..) = paying();
    world.advance(30 * time::DAY);
    world.ok(shop.reverse("order-0001"));
}

/// A reversal takes from the merchant's unsettled money only; when that is spent, nothing moves.
#[test]
fn a_reversal_needs_the_merchants_money() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    let order = scan(&mut world, &shop, &buyer, "order-0001", 50_00);
    let other = world.sale(&shop, &buyer, "order-0002", 2_00);
    world.raise_fee(&shop, other, 2_00);
    assert_eq!(world.takings(&shop), 49_69);
    assert_eq!(world.no(shop.reverse("order-0001")), Rejection::NotEnough);
    assert_eq!((world.state(order), world.balance(&buyer)), (OrderState::Paid, 48_00));
    assert_eq!((world.takings(&shop), world.fees()), (49_69, 2_31), "the fee stays too");
    // New takings make it possible.
    world.sale(&shop, &buyer, "order-0003", 10_00);
    world.ok(shop.reverse("order-0001"));
    assert_eq!(world.balance(&buyer), 88_00);
}

/// The operator may set other amounts; they hold from the moment they take effect.
#[test]
fn free_amounts_are_records_not_code() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    let table =
        LimitTable { effective_from: Time(1), free_amount: 20_00, free_count: 1, ..LimitTable::of_law() };
    world.ok(Command::SetLimits(Box::new(table)));
    for (number, fen, wanted) in [
        ("order-0001", 20_01, OrderState::Paying),
        ("order-0002", 20_00, OrderState::Paid),
        ("order-0003", 1, OrderState::Paying),
    ] {
        let order = scan(&mut world, &shop, &buyer, number, fen);
        assert_eq!(world.state(order), wanted, "{number}");
    }
    let wrong = Buyer { pin: digest("wrong"), ..buyer };
    let order = world.numbered(&shop, "order-0001").id;
    assert!(matches!(world.ok(wrong.confirm(order)), Reply::Paid(Paid::Pin(_))));
    assert_eq!(world.stored(order).terms.amount, Money::cny(20_01));
}

/// Nothing leaves a frozen account, whoever owns it; money may still arrive.
#[test]
fn nothing_leaves_a_frozen_account() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    scan(&mut world, &shop, &buyer, "order-0001", 50_00);
    let takings = AccountId::merchant_unsettled(shop.id, Currency::CNY);
    world.freeze(takings, true);
    let frozen = |account| Rejection::Ledger(Refused::Frozen(account));
    let here = takings.at(world.shards.of_payer(buyer.id));
    assert_eq!(world.no(shop.reverse("order-0001")), frozen(here));
    world.freeze(takings, false);
    let balance = AccountId::payer_balance(buyer.id, Currency::CNY);
    world.freeze(balance, true);
    let code = world.shown_code(&buyer);
    assert_eq!(world.no(shop.code_pay("order-0002", 1_00, code)), frozen(balance));
    world.fund(&buyer, 1_00);
    world.ok(shop.reverse("order-0001"));
    assert_eq!(world.balance(&buyer), 101_00);
}
