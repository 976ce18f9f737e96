//! Orders: placing, the merchant's own number, deadlines, closing.

use crate::world::{Buyer, Shop, World, digest, make::placed, make::succeeded, make::waiting, sealed};
use domain::{
    Command, Rejection, Reply,
    merchant::{MerchantChange, NewMerchant, Product, Products},
    order::{AMOUNT_MAX, OrderState, Terms},
    payment::Paid,
};
use std::collections::BTreeSet;
use types::{AppId, Currency, MerchantId, Money, OrderId, PayerId, Rate, Time, TransactionId, time};

const FEN: i64 = 12_34;

/// Every way an order's life can go, and what its maker did to it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Life {
    Open,
    /// A card payment has no outcome yet.
    Busy,
    Paid,
    Closed,
    /// The deadline has passed; the timer has not run.
    Late,
    Expired,
    /// A payment code waits for the PIN.
    Paying,
    Failed,
    Revoked,
    RevokedPaid,
}

/// Leads an order of a new world into a life.
fn lead(life: Life) -> (World, Shop, Buyer, OrderId) {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(5_000_00));
    let number = "order-0001";
    let product = match life {
        Life::Paying | Life::Failed | Life::Revoked | Life::RevokedPaid => Product::Code,
        _ => Product::Native,
    };
    let order = if product == Product::Code {
        let code = world.shown_code(&buyer);
        let fen = if life == Life::RevokedPaid { FEN } else { 1_000_01 };
        placed(world.ok(shop.code_pay(number, fen, code)))
    } else {
        world.order(&shop, number, product, FEN)
    };
    let refuse = Command::ConfirmCodePay { order, payer: buyer.id, pin: None };
    match life {
        Life::Open | Life::Paying => {}
        Life::Busy => drop(world.pay_by_card(order, &buyer).unwrap()),
        Life::Paid => drop(world.pay(order, &buyer).unwrap()),
        Life::Closed => drop(world.ok(shop.close(number))),
        Life::Late => world.advance(7 * time::DAY),
        Life::Expired => {
            world.advance(7 * time::DAY);
            world.ok(Command::ExpireOrder(order));
        }
        Life::Failed => drop(world.ok(refuse)),
        Life::Revoked | Life::RevokedPaid => drop(world.ok(shop.reverse(number))),
    }
    (world, shop, buyer, order)
}

/// Where an order of each life stands, and why it can't be paid.
fn lives(deadline: Time) -> [(Life, OrderState, Option<Rejection>); 10] {
    use OrderState as S;
    [
        (Life::Open, S::Open, None),
        (Life::Busy, S::Open, Some(Rejection::OrderBusy)),
        (Life::Paid, S::Paid, Some(Rejection::OrderPaid)),
        (Life::Closed, S::Closed, Some(Rejection::OrderClosed)),
        (Life::Late, S::Open, Some(Rejection::OrderExpired(deadline))),
        (Life::Expired, S::Expired, Some(Rejection::OrderExpired(deadline))),
        (Life::Paying, S::Paying, Some(Rejection::EntryMismatch)),
        (Life::Failed, S::Failed, Some(Rejection::OrderFailed)),
        (Life::Revoked, S::Revoked, Some(Rejection::OrderRevoked)),
        (Life::RevokedPaid, S::Revoked, Some(Rejection::OrderRevoked)),
    ]
}

fn deadline() -> Time {
    crate::world::START.plus(7 * time::DAY)
}

#[test]
fn an_order_can_be_paid_in_one_life_only() {
    for (life, state, refused) in lives(deadline()) {
        let (mut world, _, buyer, order) = lead(life);
        assert_eq!(world.state(order), state, "{life:?}");
        let wanted = refused.map_or(Ok(Reply::Paid(Paid::Done(world.now))), Err);
        assert_eq!(world.pay(order, &buyer), wanted, "{life:?}, from the balance");
        let (mut world, _, buyer, order) = lead(life);
        let by_card = world.pay_by_card(order, &buyer);
        assert_eq!(by_card.is_ok(), wanted.is_ok(), "{life:?}, by card");
        assert!(wanted.is_ok() || by_card == wanted, "{life:?}, by card: {by_card:?}");
    }
}

/// Wire §3.6: the same number with the same content is the same order while it can be paid.
#[test]
fn the_same_number_is_the_same_order() {
    for (life, _, refused) in lives(deadline()) {
        let (mut world, shop, _, order) = lead(life);
        let product = world.stored(order).terms.product;
        if product == Product::Code {
            continue; // placed again with its code: see codepay
        }
        let wanted = match refused {
            None | Some(Rejection::OrderBusy) => Ok(Reply::Order(order)),
            Some(ended) => Err(ended),
        };
        assert_eq!(world.run(shop.create("order-0001", product, FEN)), wanted, "{life:?}");
        let terms = || shop.terms("order-0001", product, FEN);
        for (what, other) in [
            ("amount", Terms { amount: Money::cny(FEN + 1), ..terms() }),
            ("description", Terms { description: "three cups".into(), ..terms() }),
            ("product", Terms { product: Product::App, ..terms() }),
            ("attach", Terms { attach: "".into(), ..terms() }),
        ] {
            let create = Command::CreateOrder { terms: sealed(other), expires_at: None };
            assert_eq!(world.run(create), Err(Rejection::OrderNumberUsed), "{life:?}, other {what}");
        }
    }
}

#[test]
fn r_ops_12_every_order_has_a_unique_number() {
    let mut world = World::new();
    let shops = [world.shop(), world.shop()];
    let mut ids = BTreeSet::new();
    let mut wire = BTreeSet::new();
    for n in 0..300 {
        for shop in &shops {
            // The merchants' own numbers are the same; the platform's are not.
            let order = world.order(shop, &format!("order-{n:04}"), Product::Native, FEN);
            let grows = world.shards.count() > 1 || ids.last().is_none_or(|last| *last < order);
            assert!(grows, "ids grow, also in one instant");
            ids.insert(order);
            wire.insert(TransactionId(order).to_string());
        }
    }
    assert_eq!((ids.len(), wire.len()), (600, 600));
}

/// Wire §3.5: raised to a minute from now, cut to 90 days; 7 days when the merchant says nothing.
#[test]
fn a_deadline_is_brought_into_range() {
    let mut world = World::new();
    let shop = world.shop();
    let now = world.now;
    let minute = time::MINUTE;
    let cases = [
        (None, 7 * time::DAY),
        (Some(now.plus(-time::DAY)), minute),
        (Some(now), minute),
        (Some(now.plus(minute - 1)), minute),
        (Some(now.plus(minute)), minute),
        (Some(now.plus(minute + 1)), minute + 1),
        (Some(now.plus(90 * time::DAY)), 90 * time::DAY),
        (Some(now.plus(90 * time::DAY + 1)), 90 * time::DAY),
        (Some(Time(i64::MAX)), 90 * time::DAY),
        (Some(Time(i64::MIN)), minute),
    ];
    for (n, (asked, life)) in cases.into_iter().enumerate() {
        let terms = sealed(shop.terms(&format!("order-{n:04}"), Product::Native, FEN));
        let order = placed(world.ok(Command::CreateOrder { terms, expires_at: asked }));
        assert_eq!(world.stored(order).expires_at, now.plus(life), "{asked:?}");
    }
}

#[test]
fn an_order_can_be_paid_until_its_deadline_and_not_at_it() {
    for (before_us, payable) in [(1, true), (0, false), (-1, false)] {
        let mut world = World::new();
        let (shop, buyer) = (world.shop(), world.buyer(FEN));
        let order = world.order(&shop, "order-0001", Product::Jsapi, FEN);
        world.advance(7 * time::DAY - before_us);
        assert_eq!(world.pay(order, &buyer).is_ok(), payable, "{before_us} µs before");
    }
}

/// The timer may come early, twice, or for an order that ended otherwise: only an unpaid order whose deadline
/// has passed ends.
#[test]
fn the_timer_ends_what_is_late_and_nothing_else() {
    use OrderState as S;
    for (life, before, after) in [
        (Life::Open, S::Open, S::Expired),
        (Life::Busy, S::Open, S::Open),
        (Life::Paid, S::Paid, S::Paid),
        (Life::Closed, S::Closed, S::Closed),
        (Life::Expired, S::Expired, S::Expired),
        (Life::Paying, S::Paying, S::Failed),
        (Life::Failed, S::Failed, S::Failed),
        (Life::Revoked, S::Revoked, S::Revoked),
    ] {
        let (mut world, _, _, order) = lead(life);
        let timer = Command::ExpireOrder(order);
        let deadline = world.stored(order).expires_at;
        world.now = world.now.max(deadline.plus(-1));
        assert_eq!(world.ok(timer.clone()), Reply::Done);
        assert_eq!(world.state(order), before, "{life:?}, before the deadline");
        world.now = world.now.max(deadline);
        assert_eq!(world.ok(timer.clone()), Reply::Done);
        assert_eq!(world.state(order), after, "{life:?}, at the deadline");
        let stored = world.stored(order);
        assert_eq!(world.ok(timer), Reply::Done);
        assert_eq!(world.stored(order), stored, "{life:?}, again");
    }
    let (mut world, ..) = lead(Life::Open);
    assert_eq!(world.no(Command::ExpireOrder(OrderId(7))), Rejection::OrderNotFound);
}

#[test]
fn what_can_be_closed() {
    for (life, closed) in [
        (Life::Open, Ok(())),
        (Life::Busy, Err(Rejection::OrderBusy)),
        (Life::Paid, Err(Rejection::OrderPaid)),
        (Life::Closed, Ok(())),
        (Life::Late, Ok(())),
        (Life::Expired, Ok(())),
        (Life::Paying, Ok(())),
        (Life::Failed, Ok(())),
        (Life::Revoked, Err(Rejection::OrderRevoked)),
        (Life::RevokedPaid, Err(Rejection::OrderRevoked)),
    ] {
        let (mut world, shop, _, order) = lead(life);
        let before = world.state(order);
        assert_eq!(world.run(shop.close("order-0001")), closed.clone().map(|()| Reply::Done), "{life:?}");
        let state = if closed.is_ok() { OrderState::Closed } else { before };
        assert_eq!(world.state(order), state, "{life:?}");
        let other = Shop { id: MerchantId(1), ..shop };
        assert_eq!(world.no(other.close("order-0001")), Rejection::OrderNotFound, "another merchant's");
        assert_eq!(world.no(shop.close("order-0002")), Rejection::OrderNotFound);
    }
}

#[test]
fn what_placing_an_order_refuses() {
    let mut world = World::new();
    let (shop, other) = (world.shop(), world.shop());
    let off = Some(Products::ALL.with(Product::Native, false));
    world.ok(other.change(MerchantChange { products: off, ..MerchantChange::default() }));
    let terms = || shop.terms("order-0001", Product::Native, FEN);
    let create = |terms: Terms| Command::CreateOrder { terms: sealed(terms), expires_at: None };
    let of = |amount: Money| create(Terms { amount, ..terms() });
    let range = || Rejection::AmountOutOfRange;
    let nobody = MerchantId(7);
    let foreign = Rejection::AppNotBound(other.app, shop.id);
    world.refuses([
        ("nobody's", create(Terms { merchant: nobody, ..terms() }), Rejection::MerchantNotFound(nobody)),
        ("a foreign app", create(Terms { app: other.app, ..terms() }), foreign),
        ("no app", create(Terms { app: AppId(99), ..terms() }), Rejection::AppNotBound(AppId(99), shop.id)),
        (
            "a product that is off",
            create(other.terms("order-0001", Product::Native, FEN)),
            Rejection::ProductOff(Product::Native),
        ),
        ("nothing", of(Money::cny(0)), range()),
        ("less than nothing", of(Money::cny(-1)), range()),
        ("the least number", of(Money::cny(i64::MIN)), range()),
        ("more than the most", of(Money::cny(AMOUNT_MAX + 1)), range()),
        ("dollars", of(Money::new(FEN, Currency::USD)), Rejection::CurrencyUnsupported),
        (
            "a payer who is not there",
            create(Terms { payer: Some(PayerId(99)), ..terms() }),
            Rejection::OpenidMismatch,
        ),
    ]);
    world.ok(of(Money::cny(AMOUNT_MAX)));
    world.ok(other.create("order-0001", Product::H5, FEN));
}

#[test]
fn a_suspended_merchant_neither_places_orders_nor_is_paid() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(5_000_00));
    let order = world.order(&shop, "order-0001", Product::Jsapi, FEN);
    let code = world.shown_code(&buyer);
    let waits = placed(world.ok(shop.code_pay("order-0002", 1_000_01, code)));
    let asked = world.order(&shop, "order-0003", Product::Jsapi, FEN);
    let asked = waiting(world.pay_by_card(asked, &buyer).unwrap());
    let active = |on| shop.change(MerchantChange { active: Some(on), ..MerchantChange::default() });
    world.ok(active(false));

    let suspended = Rejection::MerchantSuspended(shop.id);
    world.refuses([
        ("a new order", shop.create("order-0004", Product::Jsapi, FEN), suspended.clone()),
        ("the same order", shop.create("order-0001", Product::Jsapi, FEN), suspended.clone()),
        ("a confirmed code", buyer.confirm(waits), suspended.clone()),
    ]);
    assert_eq!(world.pay(order, &buyer), Err(suspended.clone()));
    assert_eq!(world.pay_by_card(order, &buyer), Err(suspended));
    // What the channel has taken is the merchant's all the same.
    world.answer(asked, succeeded());
    assert_eq!(world.takings(&shop), FEN - 7);

    world.ok(active(true));
    world.pay(order, &buyer).unwrap();
    world.ok(buyer.confirm(waits));
}

#[test]
fn an_order_for_one_payer_is_paid_by_that_one() {
    let mut world = World::new();
    let (shop, buyer, other) = (world.shop(), world.buyer(FEN), world.buyer(FEN));
    let terms = Terms { payer: Some(buyer.id), ..shop.terms("order-0001", Product::Jsapi, FEN) };
    let order = placed(world.ok(Command::CreateOrder { terms: sealed(terms), expires_at: None }));
    assert_eq!(world.pay(order, &other), Err(Rejection::WrongPayer));
    assert_eq!(world.pay_by_card(order, &other), Err(Rejection::WrongPayer));
    world.pay(order, &buyer).unwrap();
    assert_eq!(world.stored(order).payer, Some(buyer.id));
}

#[test]
fn a_fee_is_at_most_the_whole() {
    let mut world = World::new();
    let shop = world.shop_at(Rate::WHOLE);
    let above = Rate(1_000_001);
    let (id, name) = (MerchantId(1_900_009_999), "greedy".into());
    let new = NewMerchant { id, name, products: Products::ALL, fee: above, rate_per_s: 1 };
    let change = MerchantChange { fee: Some(above), ..MerchantChange::default() };
    world.refuses([
        ("a new merchant", Command::RegisterMerchant(new), Rejection::AmountOutOfRange),
        ("a known one", shop.change(change), Rejection::AmountOutOfRange),
    ]);
    let buyer = world.buyer(FEN);
    world.sale(&shop, &buyer, "order-0001", FEN);
    assert_eq!((world.takings(&shop), world.fees()), (0, FEN));
}

/// The order's own story, from its newest line.
#[test]
fn an_orders_timeline_tells_its_life() {
    for (life, told) in [
        (Life::Open, &["create_order"][..]),
        (Life::Paid, &["pay_order", "create_order"]),
        (Life::Closed, &["close_order", "create_order"]),
        (Life::Expired, &["expire_order", "create_order"]),
        (Life::Failed, &["confirm_code_pay", "code_pay"]),
        (Life::RevokedPaid, &["reverse_order", "code_pay"]),
    ] {
        let (world, _, _, order) = lead(life);
        assert_eq!(world.timeline(world.stored(order).journal), told, "{life:?}");
    }
    let (mut world, _, buyer, order) = lead(Life::Open);
    let wrong = Buyer { pin: digest("wrong"), ..buyer };
    world.pay(order, &wrong).unwrap();
    world.pay(order, &buyer).unwrap();
    let told = world.timeline(world.stored(order).journal);
    assert_eq!(told, ["pay_order", "pay_order", "create_order"], "a refused PIN is part of the story");
}
