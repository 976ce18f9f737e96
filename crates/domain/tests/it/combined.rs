//! Combined orders (wire §3.9): several merchants' orders that one payer pays at once, or none of them.

use crate::world::{
    Buyer, Shop, World,
    hand::{added, changed},
    make,
};
use domain::{
    Batch, Command, Rejection, Reply,
    combined::{Combined, CombinedConfirmation, CombinedTerms, PARTS_MAX, Part},
    merchant::{MerchantChange, Product},
    notification::{About, Notification},
    order::{Order, OrderState},
    payer::PinOutcome,
    payment::{Entry, Paid, PaymentState},
    refund::{Funds, NewRefund, RefundTerms},
};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};
use types::{CombinedId, MerchantId, Money, NotificationId, OrderId, PageRequest, PayerId, time};

/// Three shops: the first may combine the orders of all.
pub(crate) struct Mall {
    pub(crate) head: Shop,
    pub(crate) shops: Vec<Shop>,
}

pub(crate) fn mall(world: &mut World) -> Mall {
    let shops: Vec<Shop> = (0..3).map(|_| world.shop()).collect();
    let head = shops[0];
    for shop in &shops[1..] {
        world.ok(shop.change(MerchantChange { allow_combine: Some(head.id), ..MerchantChange::default() }));
    }
    Mall { head, shops }
}

fn hash(content: &str) -> [u8; 16] {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, content).hash(&mut hasher);
        hasher.finish().to_le_bytes()
    };
    [half(0), half(1)].concat().try_into().unwrap()
}

impl Mall {
    fn part(&self, whole: &str, shop: &Shop, number: &str, fen: i64) -> Part {
        Part {
            merchant: shop.id,
            partner: None,
            number: number.into(),
            amount: Money::cny(fen),
            description: "two cups of tea".into(),
            attach: "table 7".into(),
            sharing: false,
            extra: "".into(),
            digest: hash(&format!("{}/{whole}/{}/{number}/{fen}", self.head.id, shop.id)),
        }
    }
    /// A combined order of one order of each shop; the numbers begin with `number`.
    pub(crate) fn terms(&self, number: &str, product: Product, fen: &[i64]) -> CombinedTerms {
        let each = self.shops.iter().zip(fen).zip(1..);
        CombinedTerms {
            merchant: self.head.id,
            app: self.head.app,
            number: number.into(),
            product,
            notify_url: "https://mall.example/notify".into(),
            payer: None,
            device: "".into(),
            extra: "".into(),
            digest: [0; 16],
            parts: each
                .map(|((shop, fen), n)| self.part(number, shop, &format!("{number}-{n}"), *fen))
                .collect(),
        }
    }
}

pub(crate) fn create(terms: CombinedTerms) -> Command {
    let digest = hash(&format!("{terms:?}"));
    Command::CreateCombined { terms: Arc::new(CombinedTerms { digest, ..terms }), expires_at: None }
}

#[track_caller]
pub(crate) fn placed(reply: Reply) -> CombinedId {
    match reply {
        Reply::Combined(id) => id,
        other => panic!("no combined order: {other:?}"),
    }
}

pub(crate) fn whole(world: &World, id: CombinedId) -> Combined {
    world.queries.combined(id).unwrap().unwrap()
}

pub(crate) fn states(world: &World, id: CombinedId) -> Vec<OrderState> {
    whole(world, id).orders.iter().map(|order| world.state(*order)).collect()
}

pub(crate) fn confirmation(world: &World, id: CombinedId, buyer: &Buyer) -> CombinedConfirmation {
    let whole = whole(world, id);
    CombinedConfirmation {
        combined: id,
        payer: buyer.id,
        entry: Entry { product: whole.product, issued_at: world.now },
        shown: whole.total,
        card: None,
        pin: buyer.pin,
    }
}

pub(crate) fn pay(world: &World, id: CombinedId, buyer: &Buyer) -> Command {
    Command::PayCombined(confirmation(world, id, buyer))
}

fn close(mall: &Mall, number: &str, parts: usize) -> Command {
    let named = mall.shops.iter().zip(1..).take(parts);
    Command::CloseCombined {
        merchant: mall.head.id,
        app: mall.head.app,
        number: number.into(),
        parts: named.map(|(shop, n)| (shop.id, format!("{number}-{n}").into())).collect(),
    }
}

fn told(world: &World, id: CombinedId) -> Vec<MerchantId> {
    let page = world.queries.notifications(None, PageRequest::new(200, None)).unwrap();
    let about = |row: &&Notification| row.about == About::CombinedPaid(id);
    page.rows.iter().filter(about).map(|row| row.merchant).collect()
}

pub(crate) const FEN: [i64; 3] = [10_00, 20_00, 30_00];

#[test]
fn one_confirmation_pays_every_merchant() {
    let mut world = World::new();
    let (mall, buyer) = (mall(&mut world), world.buyer(100_00));
    let id = placed(world.ok(create(mall.terms("whole-0001", Product::Native, &FEN))));
    assert_eq!(whole(&world, id).total, Money::cny(60_00));
    let command = pay(&world, id, &buyer);
    assert_eq!(world.run(command), Ok(Reply::Paid(Paid::Done(world.now))));
    assert_eq!(states(&world, id), [OrderState::Paid; 3]);
    assert_eq!(world.balance(&buyer), 40_00);
    for (shop, fen) in mall.shops.iter().zip(FEN) {
        assert_eq!(world.takings(shop), fen - fen * 6 / 1000, "each merchant pays its own fee");
    }
    assert_eq!(world.fees(), 36);
    assert_eq!(told(&world, id), [mall.head.id], "one notification, to who asked");
    let orders = whole(&world, id).orders;
    for order in &orders {
        assert_eq!(world.notifications(*order), [], "none of an order alone");
        let stored = world.stored(*order);
        assert_eq!((stored.combined, stored.payer), (Some(id), Some(buyer.id)));
        let lines = world.timeline(stored.journal);
        assert_eq!(lines.first().map(String::as_str), Some("pay_combined"));
        assert_eq!(lines.last().map(String::as_str), Some("create_combined"));
    }
    let newest: Vec<i64> = orders.iter().rev().map(|order| order.0).collect();
    assert_eq!(world.bill(&buyer)[..3], newest, "the payer's bill has each of them");
    let again = pay(&world, id, &buyer);
    assert_eq!(world.no(again), Rejection::OrderPaid);
}

#[test]
fn a_card_pays_once_for_all_and_only_the_channel_ends_it() {
    let mut world = World::new();
    let (mall, buyer) = (mall(&mut world), world.buyer(0));
    let id = placed(world.ok(create(mall.terms("whole-0001", Product::Jsapi, &FEN))));
    let by_card = |world: &World| {
        Command::PayCombined(CombinedConfirmation {
            card: Some(buyer.card),
            ..confirmation(world, id, &buyer)
        })
    };
    let command = by_card(&world);
    let first = make::waiting(world.ok(command));
    assert_eq!(world.payment(first).amount, Money::cny(60_00), "one channel payment of the total");
    let command = by_card(&world);
    assert_eq!(world.no(command), Rejection::OrderBusy);
    assert_eq!(world.no(close(&mall, "whole-0001", 3)), Rejection::OrderBusy);
    world.answer(first, domain::payment::ChannelAnswer::Unknown);
    world.advance(30 * time::DAY);
    for order in whole(&world, id).orders {
        world.ok(Command::ExpireOrder(order));
    }
    assert_eq!(states(&world, id), [OrderState::Open; 3], "no time ends an unknown outcome");
    world.answer(first, make::declined());
    for order in whole(&world, id).orders {
        assert_eq!((world.stored(order).payment, world.stored(order).payer), (None, None));
        world.ok(Command::ExpireOrder(order));
    }
    assert_eq!(states(&world, id), [OrderState::Expired; 3]);

    let id = placed(world.ok(create(mall.terms("whole-0002", Product::Jsapi, &FEN))));
    let command = Command::PayCombined(CombinedConfirmation {
        card: Some(buyer.card),
        ..confirmation(&world, id, &buyer)
    });
    let second = make::waiting(world.ok(command));
    assert_eq!(world.answer(second, make::succeeded()), Reply::Payment(PaymentState::Succeeded));
    assert_eq!(world.answer(second, make::succeeded()), Reply::Payment(PaymentState::Succeeded));
    assert_eq!(states(&world, id), [OrderState::Paid; 3]);
    assert_eq!((world.receivable(), told(&world, id).len()), (60_00, 1));
}

#[test]
fn none_is_paid_when_one_cannot_be() {
    let mut world = World::new();
    let (mall, poor, buyer) = (mall(&mut world), world.buyer(59_99), world.buyer(100_00));
    let id = placed(world.ok(create(mall.terms("whole-0001", Product::Native, &FEN))));
    let command = pay(&world, id, &poor);
    assert_eq!(world.no(command), Rejection::NotEnough);
    assert_eq!((world.balance(&poor), world.takings(&mall.head)), (59_99, 0), "not even the first");
    let last = mall.shops[2];
    world.ok(last.change(MerchantChange { active: Some(false), ..MerchantChange::default() }));
    let command = pay(&world, id, &buyer);
    assert_eq!(world.no(command), Rejection::MerchantSuspended(last.id));
    world.ok(last.change(MerchantChange { active: Some(true), ..MerchantChange::default() }));
    let asked = confirmation(&world, id, &buyer);
    let shown = CombinedConfirmation { shown: Money::cny(59_99), ..asked };
    let wanted = Rejection::WrongAmount { wanted: Money::cny(60_00), confirmed: Money::cny(59_99) };
    let late = Entry { issued_at: world.now.plus(-2 * time::HOUR), ..asked.entry };
    let door = Entry { product: Product::H5, ..asked.entry };
    world.refuses([
        ("another total", Command::PayCombined(shown), wanted),
        (
            "an old code",
            Command::PayCombined(CombinedConfirmation { entry: late, ..asked }),
            Rejection::EntryExpired,
        ),
        (
            "another door",
            Command::PayCombined(CombinedConfirmation { entry: door, ..asked }),
            Rejection::EntryMismatch,
        ),
    ]);
    let wrong = CombinedConfirmation { pin: poor.pin, ..asked };
    let outcome = world.run(Command::PayCombined(wrong));
    assert!(matches!(outcome, Ok(Reply::Paid(Paid::Pin(PinOutcome::Wrong { .. })))), "{outcome:?}");
    assert_eq!(states(&world, id), [OrderState::Open; 3]);
    world.ok(Command::PayCombined(asked));
    let lines = world.timeline(world.stored(whole(&world, id).orders[0]).journal);
    assert_eq!(lines, ["pay_combined", "pay_combined", "create_combined"], "the wrong PIN is in the story");
}

#[test]
fn limits_count_the_total_once() {
    let mut world = World::new();
    let (mall, buyer) = (mall(&mut world), world.buyer(10_000_00));
    let fen = [2_000_00, 2_000_00, 1_000_01];
    let id = placed(world.ok(create(mall.terms("whole-0001", Product::Native, &fen))));
    let command = pay(&world, id, &buyer);
    let refused = world.no(command);
    assert!(
        matches!(refused, Rejection::LimitExceeded { left, .. } if left == Money::cny(5_000_00)),
        "{refused:?}"
    );
    let fen = [2_000_00, 2_000_00, 1_000_00];
    let id = placed(world.ok(create(mall.terms("whole-0002", Product::Native, &fen))));
    let command = pay(&world, id, &buyer);
    world.ok(command);
}

#[test]
fn an_order_of_several_is_never_paid_closed_or_moved_alone() {
    let mut world = World::new();
    let (mall, buyer) = (mall(&mut world), world.buyer(100_00));
    let id = placed(world.ok(create(mall.terms("whole-0001", Product::Native, &FEN))));
    let order = whole(&world, id).orders[1];
    assert_eq!(world.pay(order, &buyer), Err(Rejection::OrderCombined));
    assert_eq!(world.pay_by_card(order, &buyer), Err(Rejection::OrderCombined));
    let shop = mall.shops[1];
    assert_eq!(world.no(shop.close("whole-0001-2")), Rejection::OrderCombined);
    assert_eq!(world.numbered(&shop, "whole-0001-2").id, order, "its merchant finds it by its own number");
    let code = world.shown_code(&buyer);
    assert_eq!(world.no(shop.code_pay("whole-0001-2", 20_00, code)), Rejection::OrderNumberUsed);
    assert_eq!(world.no(shop.create("whole-0001-2", Product::Native, 20_00)), Rejection::OrderNumberUsed);
    assert_eq!(states(&world, id), [OrderState::Open; 3]);
}

#[test]
fn each_order_is_refunded_by_itself() {
    let mut world = World::new();
    let (mall, buyer) = (mall(&mut world), world.buyer(100_00));
    let id = placed(world.ok(create(mall.terms("whole-0001", Product::Native, &FEN))));
    let command = pay(&world, id, &buyer);
    world.ok(command);
    let orders = whole(&world, id).orders;
    let shop = mall.shops[1];
    let new = refund(&shop, orders[1], 5_00, 20_00);
    let caller = domain::Caller::of(domain::Actor::Merchant(shop.id));
    world.run_as(caller, Command::CreateRefund(Box::new(new))).unwrap();
    assert_eq!(world.balance(&buyer), 45_00);
    let sums: Vec<i64> = orders.iter().map(|order| world.stored(*order).refunded.sum).collect();
    assert_eq!(sums, [0, 5_00, 0]);
}

fn refund(shop: &Shop, order: OrderId, fen: i64, total: i64) -> NewRefund {
    NewRefund {
        order: Some(order),
        order_number: None,
        total,
        terms: Arc::new(RefundTerms {
            merchant: shop.id,
            partner: None,
            number: "back-000001".into(),
            amount: Money::cny(fen),
            reason: "".into(),
            notify_url: "".into(),
            funds: Funds::Unsettled,
            extra: "".into(),
            digest: [7; 16],
        }),
    }
}

#[test]
fn the_same_request_is_the_same_combined_order() {
    let mut world = World::new();
    let (mall, buyer) = (mall(&mut world), world.buyer(100_00));
    let terms = mall.terms("whole-0001", Product::Native, &FEN);
    let id = placed(world.ok(create(terms.clone())));
    assert_eq!(placed(world.ok(create(terms.clone()))), id);
    let other = CombinedTerms { notify_url: "https://other.example/".into(), ..terms.clone() };
    assert_eq!(world.no(create(other)), Rejection::OrderNumberUsed);
    let command = pay(&world, id, &buyer);
    world.ok(command);
    assert_eq!(world.no(create(terms)), Rejection::OrderPaid);
}

#[test]
fn nothing_is_made_when_one_number_is_taken() {
    let mut world = World::new();
    let mall = mall(&mut world);
    world.order(&mall.shops[2], "whole-0001-3", Product::Native, 1);
    let terms = mall.terms("whole-0001", Product::Native, &FEN);
    assert_eq!(world.no(create(terms)), Rejection::OrderNumberUsed);
    for (shop, n) in mall.shops.iter().zip(1..3) {
        // Every other number is as free as before.
        world.order(shop, &format!("whole-0001-{n}"), Product::Native, 5);
    }
    let free = mall.terms("whole-0002", Product::Native, &FEN);
    placed(world.ok(create(free)));
}

#[test]
fn who_may_combine_what() {
    let mut world = World::new();
    let (mall, stranger) = (mall(&mut world), world.shop());
    let good = mall.terms("whole-0001", Product::Native, &FEN);
    let with = |change: &dyn Fn(&mut CombinedTerms)| {
        let mut terms = good.clone();
        change(&mut terms);
        create(terms)
    };
    let (head, others) = (mall.head, &mall.shops);
    let may_not = Rejection::MayNotCombine { merchant: stranger.id, by: head.id };
    let nobody = MerchantId(7);
    world.refuses([
        ("a merchant that has not allowed it", with(&|t| t.parts[1].merchant = stranger.id), may_not),
        (
            "a merchant that does not exist",
            with(&|t| t.parts[1].merchant = nobody),
            Rejection::MerchantNotFound(nobody),
        ),
        (
            "another's application",
            with(&|t| t.app = others[1].app),
            Rejection::AppNotBound(others[1].app, head.id),
        ),
        ("one order", with(&|t| t.parts.truncate(1)), Rejection::PartsOutOfRange),
        ("the same order twice", with(&|t| t.parts[1] = t.parts[0].clone()), Rejection::PartTwice),
        ("nothing to pay", with(&|t| t.parts[2].amount = Money::cny(0)), Rejection::AmountOutOfRange),
        (
            "more than the largest order in all",
            with(&|t| {
                t.parts.iter_mut().for_each(|part| part.amount = Money::cny(domain::order::AMOUNT_MAX))
            }),
            Rejection::AmountOutOfRange,
        ),
        ("a payment code", with(&|t| t.product = Product::Code), Rejection::EntryMismatch),
    ]);
    let many = |n: usize| {
        let mut terms = good.clone();
        terms.parts = (0..n).map(|n| mall.part("whole-0001", &head, &format!("part-{n:04}"), 1)).collect();
        create(terms)
    };
    assert_eq!(world.no(many(PARTS_MAX + 1)), Rejection::PartsOutOfRange);
    let id = placed(world.ok(many(PARTS_MAX)));
    let buyer = world.buyer(1_00);
    let command = pay(&world, id, &buyer);
    world.ok(command);
    assert_eq!(world.balance(&buyer), 50);

    let shop = others[1];
    world.ok(shop.change(MerchantChange { forbid_combine: Some(head.id), ..MerchantChange::default() }));
    let refused = Rejection::MayNotCombine { merchant: shop.id, by: head.id };
    assert_eq!(world.no(create(mall.terms("whole-0002", Product::Native, &FEN))), refused);
}

#[test]
fn closing_names_every_order() {
    let mut world = World::new();
    let (mall, buyer) = (mall(&mut world), world.buyer(100_00));
    let id = placed(world.ok(create(mall.terms("whole-0001", Product::H5, &FEN))));
    assert_eq!(world.no(close(&mall, "whole-0001", 2)), Rejection::PartsDiffer);
    assert_eq!(world.no(close(&mall, "whole-0009", 3)), Rejection::OrderNotFound);
    world.ok(close(&mall, "whole-0001", 3));
    world.ok(close(&mall, "whole-0001", 3));
    assert_eq!(states(&world, id), [OrderState::Closed; 3]);
    let command = pay(&world, id, &buyer);
    assert_eq!(world.no(command), Rejection::OrderClosed);
    let id = placed(world.ok(create(mall.terms("whole-0002", Product::H5, &FEN))));
    let command = pay(&world, id, &buyer);
    world.ok(command);
    assert_eq!(world.no(close(&mall, "whole-0002", 3)), Rejection::OrderPaid);
}

#[test]
fn a_deadline_ends_all_of_it() {
    let mut world = World::new();
    let (mall, buyer) = (mall(&mut world), world.buyer(100_00));
    let id = placed(world.ok(create(mall.terms("whole-0001", Product::Native, &FEN))));
    let orders = whole(&world, id).orders;
    world.ok(Command::ExpireOrder(orders[2]));
    assert_eq!(states(&world, id), [OrderState::Open; 3], "not before its time");
    world.advance(7 * time::DAY);
    let command = pay(&world, id, &buyer);
    let refused = world.no(command);
    assert!(matches!(refused, Rejection::OrderExpired(_)), "{refused:?}");
    world.ok(Command::ExpireOrder(orders[2]));
    assert_eq!(states(&world, id), [OrderState::Expired; 3], "one that is due ends all");
    world.ok(close(&mall, "whole-0001", 3));
    assert_eq!(states(&world, id), [OrderState::Closed; 3]);
}

#[test]
fn an_order_for_one_payer_is_for_that_payer() {
    let mut world = World::new();
    let (mall, buyer, other) = (mall(&mut world), world.buyer(100_00), world.buyer(100_00));
    let terms = CombinedTerms { payer: Some(buyer.id), ..mall.terms("whole-0001", Product::Jsapi, &FEN) };
    let id = placed(world.ok(create(terms.clone())));
    assert_eq!(placed(world.ok(create(terms))), id);
    let command = pay(&world, id, &other);
    assert_eq!(world.no(command), Rejection::WrongPayer);
    let command = pay(&world, id, &buyer);
    world.ok(command);
    assert_eq!(states(&world, id), [OrderState::Paid; 3]);
}

/// Damage by hand to a combined order that is paid.
type Damage = fn(&World, &Combined, &mut Batch);

const DAMAGE: [(&str, Damage, &str); 5] = [
    (
        "one of its orders is another's",
        |world, whole, batch| {
            let order = world.stored(whole.orders[1]);
            batch.orders.push(changed(Order { combined: None, ..order }));
        },
        "say they are its own",
    ),
    (
        "one of its orders was paid by somebody else",
        |world, whole, batch| {
            let order = world.stored(whole.orders[1]);
            batch.orders.push(changed(Order { payer: Some(PayerId(99)), ..order }));
        },
        "its orders part",
    ),
    (
        "it is of another sum",
        |_, whole, batch| {
            let total = Money::cny(whole.total.minor + 1);
            batch.combined.push(changed(Combined { total, ..whole.clone() }));
        },
        "its orders add up to 6000",
    ),
    (
        "it was told twice",
        |world, whole, batch| {
            let page = world.queries.notifications(None, PageRequest::new(200, None)).unwrap();
            let told = page.rows.into_iter().find(|row| row.about == About::CombinedPaid(whole.id)).unwrap();
            batch.notifications.push(added(Notification { id: NotificationId(1), ..told }));
        },
        "2 notifications, 1 owed",
    ),
    (
        "an order is of one that does not exist",
        |world, _, batch| {
            let order = world.stored(
                world.queries.order_by_number(MerchantId(1_900_000_001), "alone-0001").unwrap().unwrap().id,
            );
            batch.orders.push(changed(Order { combined: Some(CombinedId(7)), ..order }));
        },
        "which does not exist",
    ),
];

#[test]
fn the_proof_finds_what_is_wrong_with_a_combined_order() {
    if crate::SHARDS > 1 {
        return; // what is written by hand is written by the first shard, and these lie in others
    }
    for (what, damage, told) in DAMAGE {
        let mut world = World::new();
        let (mall, buyer) = (mall(&mut world), world.buyer(100_00));
        world.order(&mall.head, "alone-0001", Product::Native, 1);
        let id = placed(world.ok(create(mall.terms("whole-0001", Product::Native, &FEN))));
        let command = pay(&world, id, &buyer);
        world.ok(command);
        world.prove();
        let mut batch = Batch::default();
        damage(&world, &whole(&world, id), &mut batch);
        world.sound = false;
        world.write(|kept| {
            (kept.orders, kept.combined, kept.notifications) =
                (batch.orders, batch.combined, batch.notifications);
        });
        let proof = engine::prove::prove(&*world.queries).unwrap();
        assert!(proof.failures.iter().any(|failure| failure.contains(told)), "{what}: {:#?}", proof.failures);
    }
}
