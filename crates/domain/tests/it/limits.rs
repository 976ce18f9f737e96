//! Limits of the law (No. 43 of 2015, No. 296 of 2017; rules §1.1, §1.3) and of the operator, as payers meet them.

use crate::world::{
    Buyer, Shop, World,
    make::{CHANNEL, declined, placed, succeeded, waiting},
};
use domain::{
    Command, Rejection, Reply,
    card::NewCard,
    limit::LimitTable,
    merchant::Product,
    order::{AMOUNT_MAX, OrderState},
    payer::AccountClass::{self, One, Three, Two},
    payer::IdentityChannel,
    rejection::Cap,
};
use engine::core::Outcome;
use types::{Money, Time, time};

/// A way of paying, as the law tells them apart.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// The balance and the PIN, on a page.
    Page,
    /// The balance and the PIN, by a scanned dynamic code.
    Scanned,
    /// A card and the PIN, on a page.
    CardPage,
    /// A card and the PIN, by a scanned dynamic code.
    CardScanned,
}

struct Till {
    world: World,
    shop: Shop,
    orders: i64,
}

impl Till {
    fn new() -> Self {
        let mut world = World::new();
        let shop = world.shop();
        Self { world, shop, orders: 0 }
    }

    fn number(&mut self) -> String {
        self.orders += 1;
        format!("order-{:04}", self.orders)
    }

    /// Pays a new order this way.
    fn pay(&mut self, buyer: &Buyer, way: Way, fen: i64) -> Outcome {
        let number = self.number();
        let product = match way {
            Way::Page | Way::CardPage => Product::Jsapi,
            Way::Scanned | Way::CardScanned => Product::Native,
        };
        let order = self.world.order(&self.shop, &number, product, fen);
        match way {
            Way::Page | Way::Scanned => self.world.pay(order, buyer),
            Way::CardPage | Way::CardScanned => self.world.pay_by_card(order, buyer),
        }
    }

    /// Pays by a payment code; true when no PIN was asked.
    fn code(&mut self, buyer: &Buyer, fen: i64) -> bool {
        let number = self.number();
        let code = self.world.shown_code(buyer);
        let order = placed(self.world.ok(self.shop.code_pay(&number, fen, code)));
        self.world.state(order) == OrderState::Paid
    }

    /// Demands that `most` is paid, and a fen more is refused by this limit with so much left.
    #[track_caller]
    fn check(&mut self, buyer: &Buyer, way: Way, (most, limit, left): (i64, Cap, i64)) {
        let refused = Rejection::LimitExceeded { limit, left: Money::cny(left) };
        assert_eq!(self.pay(buyer, way, most + 1), Err(refused), "{way:?}: {most} and a fen");
        let paid = self.pay(buyer, way, most);
        assert!(paid.is_ok(), "{way:?}: {most}: {paid:?}");
    }
}

/// R-FIN-52: limits differ by the payer's grade, by the kind of trade and by how it was verified.
#[test]
fn r_fin_52_limits_differ_by_grade_kind_of_trade_and_verification() {
    let day = 5_000_00;
    for (class, way, most, limit) in [
        (One, Way::Page, 1_000_00, Cap::ClassLifetime),
        (One, Way::Scanned, 1_000_00, Cap::ClassLifetime),
        (Two, Way::Page, day, Cap::BalanceDay),
        (Two, Way::Scanned, day, Cap::BarcodeDay),
        (Three, Way::Page, day, Cap::BalanceDay),
        (Three, Way::Scanned, day, Cap::BarcodeDay),
        // Class and balance limits do not touch cards (art. 11); barcode limits do.
        (One, Way::CardScanned, day, Cap::BarcodeDay),
        (Three, Way::CardScanned, day, Cap::BarcodeDay),
    ] {
        let mut till = Till::new();
        let buyer = till.world.buyer_of(class, 10_000_00);
        till.check(&buyer, way, (most, limit, most));
    }
    for class in [One, Two, Three] {
        let mut till = Till::new();
        let buyer = till.world.buyer_of(class, 0);
        till.pay(&buyer, Way::CardPage, AMOUNT_MAX).unwrap();
    }
    // Less than two factors: the first 1,000 of a day, then the PIN.
    for (fen, free) in [(1_000_00, true), (1_000_01, false)] {
        let mut till = Till::new();
        let buyer = till.world.buyer_of(Two, 5_000_00);
        assert_eq!(till.code(&buyer, fen), free, "{fen}");
    }
}

#[test]
fn class_one_pays_a_thousand_in_a_life() {
    let mut till = Till::new();
    let buyer = till.world.buyer_of(One, 10_000_00);
    till.pay(&buyer, Way::Page, 600_00).unwrap();
    assert!(till.code(&buyer, 100_00), "codes count too");
    till.world.advance(400 * time::DAY);
    till.check(&buyer, Way::Page, (300_00, Cap::ClassLifetime, 300_00));
    till.world.advance(400 * time::DAY);
    let refused = Rejection::LimitExceeded { limit: Cap::ClassLifetime, left: Money::cny(0) };
    assert_eq!(till.pay(&buyer, Way::Page, 1), Err(refused.clone()));
    let code = till.world.shown_code(&buyer);
    assert_eq!(till.world.no(till.shop.code_pay("code-0001", 1, code)), refused, "nor by code");
    till.pay(&buyer, Way::CardPage, 1).unwrap();
    // One more identity channel makes three, and the class rises.
    till.world.ok(Command::ConfirmIdentity(buyer.id, IdentityChannel::IdentityCard));
    till.pay(&buyer, Way::Page, 1).unwrap();
}

#[test]
fn classes_two_and_three_pay_so_much_a_year() {
    for (class, year) in [(Two, 100_000_00), (Three, 200_000_00)] {
        let mut till = Till::new();
        let buyer = till.world.buyer_of(class, year + 5_000_00);
        for _ in 0..year / 5_000_00 {
            till.pay(&buyer, Way::Page, 5_000_00).unwrap();
            till.world.advance(time::DAY);
        }
        let refused = Rejection::LimitExceeded { limit: Cap::ClassYear, left: Money::cny(0) };
        assert_eq!(till.pay(&buyer, Way::Page, 1), Err(refused.clone()), "{class:?}");
        till.pay(&buyer, Way::CardPage, 1).unwrap();
        let new_year = Time::parse_rfc3339("2027-01-01T00:00:00+08:00").unwrap();
        till.world.now = new_year.plus(-1);
        assert_eq!(till.pay(&buyer, Way::Page, 1), Err(refused), "{class:?}, a microsecond before");
        till.world.now = new_year;
        till.pay(&buyer, Way::Page, 5_000_00).unwrap();
    }
}

/// A day is Shanghai's: it turns at 16:00 UTC.
#[test]
fn a_day_turns_at_midnight_in_shanghai() {
    let midnight = Time::parse_rfc3339("2026-01-06T00:00:00+08:00").unwrap();
    assert_eq!(midnight, Time::parse_rfc3339("2026-01-05T16:00:00Z").unwrap());
    for way in [Way::Page, Way::Scanned, Way::CardScanned] {
        let mut till = Till::new();
        let buyer = till.world.buyer(20_000_00);
        till.pay(&buyer, way, 5_000_00).unwrap();
        till.world.now = midnight.plus(-1);
        assert!(till.pay(&buyer, way, 1).is_err(), "{way:?}, a microsecond before");
        till.world.now = midnight;
        till.pay(&buyer, way, 5_000_00).unwrap();
        assert!(till.pay(&buyer, way, 1).is_err(), "{way:?}, spent again");
    }
}

/// Rules §1.1: everything paid from the balance with the PIN counts against its 5,000, scanned or not; what was
/// paid without the PIN, or from a card, does not.
#[test]
fn rules_1_1_a_days_limit_counts_what_was_verified_alike() {
    let mut till = Till::new();
    let buyer = till.world.buyer(20_000_00);
    assert!(till.code(&buyer, 1_000_00));
    till.pay(&buyer, Way::Scanned, 1_000_00).unwrap();
    till.pay(&buyer, Way::Page, 1_000_00).unwrap();
    till.pay(&buyer, Way::CardPage, 9_000_00).unwrap();
    till.check(&buyer, Way::Page, (3_000_00, Cap::BalanceDay, 3_000_00));
}

/// Each card is counted by itself, and apart from the balance (No. 296).
#[test]
fn each_card_has_its_own_barcode_limit() {
    let mut till = Till::new();
    let buyer = till.world.buyer(20_000_00);
    let (bank, tail, token) = ("ICBC_CREDIT".into(), "1881".into(), "t2".into());
    let new = NewCard { payer: buyer.id, bank, tail, token, channel: CHANNEL, bound: 1 };
    let Reply::Card(card) = till.world.ok(Command::BindCard(Box::new(new))) else { panic!("a card") };
    let second = Buyer { card, ..buyer };
    for (what, buyer, way) in [
        ("first card", &buyer, Way::CardScanned),
        ("second card", &second, Way::CardScanned),
        ("balance", &buyer, Way::Scanned),
    ] {
        let paid = till.pay(buyer, way, 5_000_00);
        assert!(paid.is_ok(), "{what}: {paid:?}");
        assert!(till.pay(buyer, way, 1).is_err(), "{what}, spent");
    }
}

/// A declined payment gives back what it counted: a scanned one its amount, a page's nothing, and a day that is
/// over nothing either.
#[test]
fn a_decline_gives_back_what_was_counted_and_no_more() {
    let used =
        |till: &Till, buyer: &Buyer| till.world.queries.usage(buyer.card.0).unwrap().unwrap().day_barcode_b;
    for (way, next_day, left_used) in [
        (Way::CardScanned, false, 3_000_00),
        (Way::CardPage, false, 3_000_00),
        (Way::CardScanned, true, 1_000_00),
    ] {
        let mut till = Till::new();
        let buyer = till.world.buyer(0);
        let paid = waiting(till.pay(&buyer, Way::CardScanned, 3_000_00).unwrap());
        till.world.answer(paid, succeeded());
        let second = waiting(till.pay(&buyer, way, 2_000_00).unwrap());
        if next_day {
            till.world.advance(time::DAY);
            till.pay(&buyer, Way::CardScanned, 1_000_00).unwrap();
        }
        till.world.answer(second, declined());
        assert_eq!(used(&till, &buyer), left_used, "{way:?}, next day {next_day}");
        till.check(&buyer, Way::CardScanned, (5_000_00 - left_used, Cap::BarcodeDay, 5_000_00 - left_used));
    }
}

/// Limits are records with a date: each version holds from its moment until the next one's.
#[test]
fn a_version_of_the_limits_holds_from_its_date() {
    let mut till = Till::new();
    let buyer = till.world.buyer(50_000_00);
    let start = till.world.now;
    let from = |days: i64, most: i64| {
        let effective_from = start.plus(days * time::DAY);
        let table = LimitTable { effective_from, balance_day_two_factors: most, ..LimitTable::of_law() };
        Command::SetLimits(Box::new(table))
    };
    till.world.ok(from(2, 100_00));
    till.world.ok(from(4, 300_00));
    let last = start.plus(4 * time::DAY);
    till.world.refuses([
        ("on the last one's date", from(4, 1), Rejection::LimitsOutOfOrder(last)),
        ("before it", from(3, 1), Rejection::LimitsOutOfOrder(last)),
    ]);
    for (at, most) in [
        (start, 5_000_00),
        (start.plus(2 * time::DAY - 1), 5_000_00),
        (start.plus(3 * time::DAY), 100_00),
        (start.plus(5 * time::DAY), 300_00),
    ] {
        till.world.now = at;
        let used = till.world.queries.usage(buyer.id.0).unwrap();
        let today = used.map_or(0, |used| used.on(at.business_day()).day_two_factors);
        till.check(&buyer, Way::Page, (most - today, Cap::BalanceDay, most - today));
    }
    // To the microsecond: at its moment the new version holds.
    let mut till = Till::new();
    let buyer = till.world.buyer(50_000_00);
    till.world.ok(from(2, 100_00));
    till.world.now = start.plus(2 * time::DAY - 1);
    till.pay(&buyer, Way::Page, 100_01).unwrap();
    till.world.now = start.plus(2 * time::DAY);
    assert!(till.pay(&buyer, Way::Page, 1).is_err(), "what was paid before counts against it");
}

#[test]
fn a_class_rises_with_identity_and_never_by_repetition() {
    let mut world = World::new();
    let buyer = world.buyer_of(One, 0);
    let class = |world: &World| world.payer(buyer.id).class();
    let mut classes: Vec<AccountClass> = Vec::new();
    use IdentityChannel as C;
    for channel in [C::Phone, C::BankCard, C::Education, C::Education, C::Tax, C::Tax, C::SocialSecurity] {
        world.ok(Command::ConfirmIdentity(buyer.id, channel));
        classes.push(class(&world));
    }
    assert_eq!(classes, [One, One, Two, Two, Two, Two, Three]);
    let face = world.buyer_of(One, 0);
    world.ok(Command::ConfirmIdentity(face.id, C::FaceToFace));
    assert_eq!(world.payer(face.id).class(), Three);
}
