//! Fee schedules: what a payment costs, by whom, from when, and what comes back.

use crate::world::{Shop, World};
use domain::{
    Command, Rejection,
    fee::{self, Charged, NewVersion, PLATFORM, Promotion, Return, Rounding, Rule, Tier, VERSIONS_MAX},
    merchant::{MerchantChange, NewMerchant, Product, Products},
};
use proptest::prelude::*;
use types::{MerchantId, Money, Rate, Time, time};

fn set(shop: &Shop, product: Option<Product>, rule: Rule) -> Command {
    let (merchant, rule) = (shop.id, Some(rule));
    Command::SetFees(Box::new(NewVersion { merchant, effective_from: None, product, rule }))
}

#[test]
fn a_rule_has_rate_fixed_part_least_most_tiers_and_promotion() {
    let plain = Rule::plain(Rate(6_000));
    let now = Time(1_000);
    let promotion = Promotion { from: Time(1_000), until: Time(2_000), rate: Rate(1_000), fixed: 0 };
    let tiers = vec![
        Tier { from: 1_000_00, rate: Rate(5_000), fixed: 0 },
        Tier { from: 10_000_00, rate: Rate(3_000), fixed: 1_00 },
    ];
    let rule = |change: fn(&mut Rule)| {
        let mut rule = plain.clone();
        change(&mut rule);
        rule
    };
    for (what, rule, amount, at, fee) in [
        ("the default of 0.6 %", plain.clone(), 100_00, now, 60),
        ("a fixed part", rule(|r| r.fixed = 10), 100_00, now, 70),
        ("at least", rule(|r| r.least = 100), 100_00, now, 100),
        ("at most", rule(|r| r.most = Some(50)), 100_00, now, 50),
        ("never above the amount", rule(|r| r.least = 100), 3, now, 3),
        ("rounded up", rule(|r| r.rounding = Rounding::Up), 1, now, 1),
        ("rounded down", rule(|r| r.rounding = Rounding::Down), 199, now, 1),
        ("rounded half up", plain.clone(), 84, now, 1),
        ("below the tiers", Rule { tiers: tiers.clone(), ..plain.clone() }, 999_99, now, 600),
        (
            "a tier holds for all of the amount",
            Rule { tiers: tiers.clone(), ..plain.clone() },
            1_000_00,
            now,
            500,
        ),
        ("the next tier", Rule { tiers, ..plain.clone() }, 10_000_00, now, 3_100),
        ("before a promotion", Rule { promotion: Some(promotion), ..plain.clone() }, 100_00, Time(999), 60),
        ("in a promotion", Rule { promotion: Some(promotion), ..plain.clone() }, 100_00, Time(1_000), 10),
        ("after a promotion", Rule { promotion: Some(promotion), ..plain }, 100_00, Time(2_000), 60),
    ] {
        assert_eq!(rule.fee(amount, at), fee, "{what}");
    }
}

#[test]
fn a_products_own_rule_goes_before_the_merchants_and_that_before_the_platforms() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(600_00));
    let fee = |world: &mut World, number: &str| {
        let order = world.sale(&shop, &buyer, number, 100_00);
        world.stored(order).fee
    };
    assert_eq!(fee(&mut world, "order-0001"), 60);
    world.ok(set(&shop, Some(Product::Jsapi), Rule::plain(Rate(2_000))));
    assert_eq!(world.stored(world.numbered(&shop, "order-0001").id).fee, 60, "what was paid keeps its fee");
    let own = fee(&mut world, "order-0002");
    world.ok(set(&shop, None, Rule::plain(Rate(3_000))));
    let still = fee(&mut world, "order-0003");
    let none = |product| NewVersion { merchant: shop.id, effective_from: None, product, rule: None };
    world.ok(Command::SetFees(Box::new(none(Some(Product::Jsapi)))));
    let merchants = fee(&mut world, "order-0004");
    let platform = Rule::plain(Rate(4_000));
    let of_platform =
        NewVersion { merchant: PLATFORM, effective_from: None, product: None, rule: Some(platform) };
    world.ok(Command::SetFees(Box::new(of_platform)));
    world.ok(Command::SetFees(Box::new(none(None))));
    let platforms = fee(&mut world, "order-0005");
    assert_eq!([own, still, merchants, platforms], [20, 20, 30, 40]);
    let rows = world.lines(world.queries.fees(shop.id).unwrap().unwrap().journal);
    assert_eq!(rows.len(), 5, "the registration and every change are in the journal");
}

#[test]
fn a_version_holds_from_its_time_on() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(200_00));
    let (merchant, later) = (shop.id, world.now.plus(30 * time::DAY));
    let rule = Some(Rule::plain(Rate(10_000)));
    let at = |effective_from| {
        let rule = rule.clone();
        Command::SetFees(Box::new(NewVersion {
            merchant,
            effective_from: Some(effective_from),
            product: None,
            rule,
        }))
    };
    assert!(matches!(world.no(at(world.now.plus(-1))), Rejection::FeeRule(_)), "not from the past");
    world.ok(at(later));
    world.ok(at(later));
    let fees = world.queries.fees(shop.id).unwrap().unwrap();
    assert_eq!(fees.versions.len(), 2, "the same again changes nothing");
    let early = world.sale(&shop, &buyer, "order-0001", 100_00);
    world.now = later;
    let late = world.sale(&shop, &buyer, "order-0002", 100_00);
    assert_eq!((world.stored(early).fee, world.stored(late).fee), (60, 100));
    let (preview, _) = fee::preview(Some(&fees), None, Product::App, Money::cny(100_00), later.plus(-1));
    assert_eq!(preview.minor, 60);
    let (preview, rule) = fee::preview(Some(&fees), None, Product::App, Money::cny(100_00), later);
    assert_eq!((preview.minor, rule.rate), (100, Rate(10_000)));
    assert_eq!(fee::preview(None, None, Product::App, Money::cny(100_00), later).0.minor, 60, "the default");
}

#[test]
fn what_a_schedule_refuses() {
    let mut world = World::new();
    let shop = world.shop();
    type Spoil = fn(&mut Rule);
    let cases: [(&str, Spoil); 9] = [
        ("a rate above the whole", |r| r.rate = Rate(1_000_001)),
        ("a fixed part below zero", |r| r.fixed = -1),
        ("a least fee below zero", |r| r.least = -1),
        ("least above most", |r| (r.least, r.most) = (2, Some(1))),
        ("a tier at zero", |r| r.tiers = vec![Tier { from: 0, rate: Rate(0), fixed: 0 }]),
        ("a tier's rate", |r| r.tiers = vec![Tier { from: 1, rate: Rate(1_000_001), fixed: 0 }]),
        ("tiers that do not rise", |r| r.tiers = vec![Tier { from: 5, rate: Rate(0), fixed: 0 }; 2]),
        ("too many tiers", |r| {
            r.tiers = (1..=17).map(|from| Tier { from, rate: Rate(0), fixed: 0 }).collect()
        }),
        ("a promotion that ends first", |r| {
            r.promotion = Some(Promotion { from: Time(2), until: Time(2), rate: Rate(0), fixed: 0 })
        }),
    ];
    for (what, change) in cases {
        let mut rule = Rule::plain(Rate(6_000));
        change(&mut rule);
        assert!(matches!(world.no(set(&shop, None, rule)), Rejection::FeeRule(_)), "{what}");
    }
    let nobody = Shop { id: MerchantId(77), app: shop.app };
    assert_eq!(
        world.no(set(&nobody, None, Rule::plain(Rate(1)))),
        Rejection::MerchantNotFound(MerchantId(77))
    );
    let nothing = NewVersion { merchant: PLATFORM, effective_from: None, product: None, rule: None };
    assert_eq!(world.no(Command::SetFees(Box::new(nothing))), Rejection::NotAllowed);
}

/// A schedule is bounded: old versions go once nothing paid under them can be refunded.
#[test]
fn a_schedule_does_not_grow_for_ever() {
    let mut world = World::new();
    let shop = world.shop();
    let change = |rate| shop.change(MerchantChange { fee: Some(Rate(rate)), ..MerchantChange::default() });
    for n in 1..u32::try_from(VERSIONS_MAX).unwrap() {
        world.advance(time::SECOND);
        world.ok(change(n));
    }
    assert!(matches!(world.no(change(0)), Rejection::FeeRule(_)));
    world.advance(396 * time::DAY);
    world.ok(change(9));
    let fees = world.queries.fees(shop.id).unwrap().unwrap();
    assert_eq!(fees.versions.len(), 2, "the one in force until now, and the new one");
    assert_eq!(fees.at(Product::App, world.now).unwrap().rate, Rate(9));
}

#[test]
fn a_merchant_is_registered_with_a_plain_fee() {
    let mut world = World::new();
    let id = MerchantId(5);
    let new =
        NewMerchant { id, name: "tea".into(), products: Products::ALL, fee: Rate(38_000), rate_per_s: 9 };
    world.ok(Command::RegisterMerchant(new));
    let fees = world.queries.fees(id).unwrap().unwrap();
    assert_eq!(fees.at(Product::Code, Time(0)), Some(&Rule::plain(Rate(38_000))));
}

#[test]
fn what_is_returned_of_a_fee() {
    let paid = Charged { amount: 100_00, fee: 60 };
    let half = Charged { amount: 50_00, fee: 30 };
    for (rule, before, refund, back) in [
        (Return::ProRata, Charged::default(), 50_00, 30),
        (Return::ProRata, half, 50_00, 30),
        (Return::ProRata, Charged::default(), 100_00, 60),
        (Return::ProRata, Charged::default(), 83, 0), // 0.498 fen
        (Return::ProRata, Charged::default(), 84, 1),
        (Return::None, Charged::default(), 100_00, 0),
        (Return::WhenFull, Charged::default(), 99_99, 0),
        (Return::WhenFull, Charged { amount: 99_99, fee: 0 }, 1, 60),
        (Return::WhenFull, Charged::default(), 100_00, 60),
    ] {
        assert_eq!(rule.returned(paid, before, refund), back, "{rule:?} {before:?} {refund}");
    }
}

proptest! {
    /// However a payment is refunded, its fee returns exactly, never more, and never less than before.
    #[test]
    fn refunds_in_parts_return_the_whole_fee(
        fee in 0_i64..1_000_000,
        parts in prop::collection::vec(1_i64..1_000_000, 1..50),
        rule in prop_oneof![Just(Return::ProRata), Just(Return::None), Just(Return::WhenFull)],
    ) {
        let amount: i64 = parts.iter().sum();
        let paid = Charged { amount, fee: fee.min(amount) };
        let mut before = Charged::default();
        for refund in parts {
            let back = rule.returned(paid, before, refund);
            prop_assert!(back >= 0);
            before = Charged { amount: before.amount + refund, fee: before.fee + back };
            prop_assert!(before.fee <= paid.fee);
        }
        prop_assert_eq!(before.fee, if rule == Return::None { 0 } else { paid.fee });
    }

    /// A fee is between nothing and the amount, whatever the rule.
    #[test]
    fn a_fee_is_part_of_the_amount(
        (rate, fixed, least) in (0_u32..=1_000_000, 0_i64..10_000, 0_i64..10_000),
        most in prop::option::of(10_000_i64..20_000),
        amount in prop_oneof![1_i64..100, 1_i64..=domain::order::AMOUNT_MAX],
    ) {
        let rule = Rule { fixed, least, most, ..Rule::plain(Rate(rate)) };
        let fee = rule.fee(amount, Time(0));
        prop_assert!((0..=amount).contains(&fee));
        prop_assert!(fee >= least.min(amount) && most.is_none_or(|most| fee <= most));
    }
}
