//! Settlement T+n: days that close once, releases, reserves, and every held cent explained.

use crate::world::{Shop, World, make::CHANNEL, make::succeeded, make::waiting};
use domain::{
    Actor, Caller, Command, Rejection, Reply,
    calendar::{Calendar, MIDNIGHT},
    held::Reason,
    hold::{HoldReason, NewHold},
    merchant::Product,
    refund::{Funds, NewRefund, RefundTerms},
    settlement::{DayState, Payouts, SettlementId, SettlementState, Terms, Totals},
};
use ledger::AccountId;
use std::sync::Arc;
use types::{BusinessDay, Currency, MerchantId, Money, Rate, Time, time};

/// A quick refund of a small part of an order, from takings.
fn refund(world: &mut World, shop: &Shop, order: &str, total: i64, number: &str, fen: i64) {
    let terms = RefundTerms {
        partner: None,
        merchant: shop.id,
        number: number.into(),
        amount: Money::cny(fen),
        reason: "".into(),
        notify_url: "".into(),
        funds: Funds::Unsettled,
        extra: "".into(),
        digest: [0; 16],
    };
    let new = NewRefund { terms: Arc::new(terms), order: None, order_number: Some(order.into()), total };
    world.run_as(Caller::of(Actor::Merchant(shop.id)), Command::CreateRefund(Box::new(new))).unwrap();
}

fn day(text: &str) -> BusinessDay {
    BusinessDay::parse(text).unwrap()
}
fn at(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap()
}

/// The start of the world is a Monday: its takings are the shop's own on Tuesday at nine.
#[test]
fn r_fin_11_takings_are_settled_on_t_plus_1() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(300_00));
    world.sale(&shop, &buyer, "order-0001", 100_00);
    world.advance(time::HOUR);
    world.sale(&shop, &buyer, "order-0002", 50_00);
    let monday = world.now.business_day();
    assert_eq!(
        world.no(Command::BeginDay(monday)),
        Rejection::DayNotOver { day: monday, end: monday.next().start() }
    );

    world.now = at("2026-01-06T00:00:00+08:00");
    world.close_days();
    world.settle_due();
    let settlement = world.settlement(&shop, monday);
    let totals = Totals { gross: 150_00, count: 2, fees: 90, ..Totals::default() };
    assert_eq!((settlement.totals, settlement.state), (totals, SettlementState::Waiting));
    assert_eq!(settlement.release_at, at("2026-01-06T09:00:00+08:00"));
    assert_eq!((world.takings(&shop), world.available(&shop)), (149_10, 0), "closed, not released");

    world.now = settlement.release_at.plus(-1);
    world.settle_due();
    assert_eq!(
        world.ok(Command::ReleaseSettlement(settlement.id)),
        Reply::Settlement(SettlementState::Waiting)
    );
    assert_eq!(world.available(&shop), 0, "not before its time");
    world.now = settlement.release_at;
    world.settle_due();
    assert_eq!((world.takings(&shop), world.available(&shop)), (0, 149_10));
    let settlement = world.settlement(&shop, monday);
    assert_eq!(
        (settlement.state, settlement.released, settlement.carried),
        (SettlementState::Done, 149_10, 0)
    );
    assert_eq!(
        settlement.transfer.map(|id| world.queries.transfer(id).unwrap().unwrap().subject),
        Some(settlement.id.0)
    );
    world.ok(Command::ReleaseSettlement(settlement.id));
    assert_eq!(world.available(&shop), 149_10, "once");
}

#[test]
fn a_weekend_and_a_holiday_are_waited_for() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(400_00));
    // Thursday 12 February 2026 to the Spring Festival; Saturday the 14th is worked.
    for (date, number, release) in [
        ("2026-02-12T12:00:00+08:00", "order-0001", "2026-02-13T09:00:00+08:00"),
        ("2026-02-13T12:00:00+08:00", "order-0002", "2026-02-14T09:00:00+08:00"),
        ("2026-02-14T12:00:00+08:00", "order-0003", "2026-02-24T09:00:00+08:00"),
        ("2026-02-20T12:00:00+08:00", "order-0004", "2026-02-24T09:00:00+08:00"),
    ] {
        world.now = at(date);
        world.sale(&shop, &buyer, number, 100_00);
        let day = world.now.business_day();
        world.now = day.next().start();
        world.close_days();
        assert_eq!(world.settlement(&shop, day).release_at, at(release), "{date}");
    }
    world.now = at("2026-02-24T09:00:00+08:00");
    world.settle_due();
    assert_eq!((world.takings(&shop), world.available(&shop)), (0, 4 * 99_40));
}

/// Refunds between the close and the release take money of the closed day: what is missing is carried, and the later
/// day, which is so much less, makes up for it. Nothing is released twice and nothing is lost.
#[test]
fn a_refund_before_the_release_is_carried_to_the_next_day() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop_at(Rate(0)), world.buyer(300_00));
    world.sale(&shop, &buyer, "order-0001", 100_00);
    let monday = world.now.business_day();
    world.now = monday.next().start().plus(time::HOUR);
    world.close_days();
    refund(&mut world, &shop, "order-0001", 100_00, "refund-1", 30_00);
    world.now = monday.next().start().plus(9 * time::HOUR);
    world.settle_due();
    let first = world.settlement(&shop, monday);
    assert_eq!((first.released, first.carried, world.available(&shop)), (70_00, 30_00, 70_00));

    world.sale(&shop, &buyer, "order-0002", 50_00);
    world.next_morning();
    let second = world.settlement(&shop, monday.next());
    let totals = Totals { gross: 50_00, count: 1, refunds: 30_00, refund_count: 1, ..Totals::default() };
    assert_eq!(second.totals, totals);
    assert_eq!((second.brought, second.released, second.carried), (30_00, 50_00, 0));
    assert_eq!((world.takings(&shop), world.available(&shop)), (0, 120_00));
}

/// A later day's takings may pay for a refund that is counted on an earlier day: then less is carried than nothing.
#[test]
fn a_day_of_refunds_only_is_paid_by_the_next() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop_at(Rate(0)), world.buyer(300_00));
    world.set_terms(&shop, Terms { delay: 3, ..Terms::DEFAULT });
    world.sale(&shop, &buyer, "order-0001", 100_00);
    world.advance(time::DAY); // Tuesday: a refund and no sale
    world.close_days();
    refund(&mut world, &shop, "order-0001", 100_00, "refund-1", 60_00);
    world.advance(time::DAY); // Wednesday
    world.close_days();
    world.sale(&shop, &buyer, "order-0002", 80_00);
    for _ in 0..8 {
        world.next_morning();
    }
    let (monday, balance) = (day("2026-01-05"), world.available(&shop));
    let seen = [0, 1, 2].map(|n| {
        let one = world.settlement(&shop, monday.plus(n));
        (one.totals.net(), one.brought, one.released, one.carried)
    });
    // Monday is released while Wednesday's money is there, so all of it goes; Wednesday pays Tuesday's refund.
    assert_eq!(seen, [(100_00, 0, 100_00, 0), (-60_00, 0, 0, -60_00), (80_00, -60_00, 20_00, 0)]);
    assert_eq!((balance, world.takings(&shop)), (120_00, 0));
}

/// Fineract 5357, Mojaloop 4115: however often the job runs, at once or again, a day's money moves once.
#[test]
fn a_day_closed_by_two_jobs_at_once_is_closed_once() {
    let mut world = World::new();
    let (shop, other, buyer) = (world.shop(), world.shop(), world.buyer(300_00));
    world.sale(&shop, &buyer, "order-0001", 100_00);
    world.sale(&other, &buyer, "order-0002", 50_00);
    let monday = world.now.business_day();
    world.now = monday.next().start();
    world.ok(Command::BeginDay(monday));
    let begun = world.queries.day(monday).unwrap().unwrap();
    world.sale(&shop, &buyer, "order-0003", 10_00); // while the day is being closed
    let (one, two) = (world.closing(&begun), world.closing(&begun));
    world.ok(Command::BeginDay(monday));
    for (one, two) in one.iter().zip(&two) {
        world.ok(one.clone());
        world.ok(two.clone());
    }
    for command in world.closing(&begun) {
        world.ok(command);
    }
    let closed = world.queries.day(monday).unwrap().unwrap();
    assert_eq!((closed.state, closed.merchants, closed.totals.gross), (DayState::Closed, 2, 150_00));
    world.now = monday.next().start().plus(9 * time::HOUR);
    let id = SettlementId::new(shop.id, monday);
    for _ in 0..3 {
        world.ok(Command::ReleaseSettlement(id));
    }
    world.settle_due();
    assert_eq!((world.available(&shop), world.available(&other)), (99_40, 49_70));
}

#[test]
fn a_day_cannot_be_closed_with_other_sums_or_without_all_its_merchants() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    world.sale(&shop, &buyer, "order-0001", 100_00);
    let monday = world.now.business_day();
    let close = |totals| Command::CloseMerchantDay(shop.id, monday, Box::new(totals));
    let right = Totals { gross: 100_00, count: 1, fees: 60, ..Totals::default() };
    assert_eq!(world.no(close(right)), Rejection::DayOutOfOrder { next: monday }, "not begun");
    world.now = monday.next().start();
    world.ok(Command::BeginDay(monday));
    let end = |merchants, totals| Command::EndDay { day: monday, merchants, totals: Box::new(totals) };
    let differs = |closed, counted| Rejection::DayDiffers { day: monday, closed, counted };
    assert_eq!(world.no(end(1, right)), differs(0, 1), "the merchant is missing");
    world.ok(close(right));
    let wrong = Totals { gross: 1, ..right };
    assert_eq!(world.no(close(wrong)), Rejection::SettlementDiffers(SettlementId::new(shop.id, monday)));
    assert_eq!(world.no(end(1, wrong)), differs(1, 1));
    let tuesday = monday.next();
    assert_eq!(world.no(Command::BeginDay(tuesday)), Rejection::DayOutOfOrder { next: monday });
    world.ok(end(1, right));
    world.ok(end(1, right));
    let nobody = Command::CloseMerchantDay(MerchantId(77), monday, Box::new(right));
    assert_eq!(world.no(nobody), Rejection::DayOutOfOrder { next: tuesday }, "a closed day takes nobody in");
    assert_eq!(world.no(Command::BeginDay(monday.plus(5))), Rejection::DayOutOfOrder { next: tuesday });
}

/// A platform that was off closes every day it missed, in order; days without payments are closed too.
#[test]
fn days_missed_are_closed_in_order() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(200_00));
    world.sale(&shop, &buyer, "order-0001", 100_00);
    world.next_morning();
    world.advance(10 * time::DAY);
    world.sale(&shop, &buyer, "order-0002", 100_00);
    world.next_morning();
    let days = world.queries.days(types::PageRequest::new(100, None)).unwrap().rows;
    assert_eq!(days.len(), 12);
    assert!(days.windows(2).all(|pair| pair[0].day == pair[1].day.next() && pair[0].from == pair[1].to));
    assert!(days.iter().all(|day| day.state == DayState::Closed));
    assert_eq!(
        world.settlement(&shop, days[0].day).previous,
        Some(days[11].day),
        "settlements skip empty days"
    );
}

/// A moved cut-off makes a day longer or shorter; every payment is in exactly one.
#[test]
fn a_moved_cut_off_loses_no_payment() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop_at(Rate(0)), world.buyer(400_00));
    world.sale(&shop, &buyer, "order-0001", 1_00);
    world.next_morning();
    world.now = at("2026-01-06T23:30:00+08:00");
    world.sale(&shop, &buyer, "order-0002", 2_00);
    world.ok(Command::SetCalendar(Box::new(Calendar { cut_off: 23 * 60, ..Calendar::china() })));
    world.now = at("2026-01-07T22:00:00+08:00");
    world.sale(&shop, &buyer, "order-0003", 4_00);
    world.now = at("2026-01-07T23:00:00+08:00");
    world.sale(&shop, &buyer, "order-0004", 8_00);
    world.close_days();
    let gross = |world: &World, date| world.settlement(&shop, day(date)).totals.gross;
    assert_eq!((gross(&world, "2026-01-05"), gross(&world, "2026-01-07")), (1_00, 6_00));
    assert!(world.queries.settlement(SettlementId::new(shop.id, day("2026-01-06"))).unwrap().is_none());
    world.ok(Command::SetCalendar(Box::new(Calendar { cut_off: MIDNIGHT, ..Calendar::china() })));
    world.now = at("2026-01-09T12:00:00+08:00");
    world.close_days();
    assert_eq!(gross(&world, "2026-01-08"), 8_00);
}

#[test]
fn a_reserve_is_kept_back_and_released() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop_at(Rate(0)), world.buyer(200_00));
    world.set_terms(&shop, Terms { reserve: Rate(100_000), reserve_days: 30, ..Terms::DEFAULT });
    world.sale(&shop, &buyer, "order-0001", 100_05);
    let monday = world.now.business_day();
    world.next_morning();
    let settlement = world.settlement(&shop, monday);
    assert_eq!((settlement.released, settlement.reserve), (90_04, 10_01), "rounded half up");
    let until = world.now.plus(30 * time::DAY);
    assert_eq!((settlement.state, settlement.reserve_until), (SettlementState::Released, Some(until)));
    let held = world.held(&shop);
    assert_eq!(held.len(), 1);
    assert_eq!(
        (held[0].reason, held[0].amount.minor, held[0].release_at),
        (Reason::Reserve, 10_01, Some(until))
    );
    world.now = until;
    world.close_days();
    world.settle_due();
    assert_eq!(world.settlement(&shop, monday).state, SettlementState::Done);
    assert_eq!((world.available(&shop), world.money(AccountId::merchant_reserve, &shop)), (100_05, 0));
}

/// A cent that is held is in the list with its reason and, where time releases it, with the time.
#[test]
fn every_held_cent_has_a_reason_and_a_release_time() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop_at(Rate(0)), world.buyer(400_00));
    world.set_terms(&shop, Terms { reserve: Rate(100_000), reserve_days: 30, ..Terms::DEFAULT });
    world.sale(&shop, &buyer, "order-0001", 100_00);
    world.next_morning(); // Tuesday
    world.sale(&shop, &buyer, "order-0002", 50_00);
    world.now = at("2026-01-07T01:00:00+08:00");
    world.close_days();
    world.sale(&shop, &buyer, "order-0003", 20_00);
    let new = NewHold {
        merchant: shop.id,
        amount: 15_00,
        reason: HoldReason::Dispute,
        note: "order order-0001 is disputed".into(),
        until: Some(world.now.plus(10 * time::DAY)),
    };
    assert_eq!(
        world.run_as(Caller::of(Actor::Merchant(shop.id)), Command::HoldMoney(Box::new(new.clone()))),
        Err(Rejection::NotAllowed)
    );
    let made = world.run_by(1, Command::HoldMoney(Box::new(new.clone())));
    let Ok(Reply::Hold(hold)) = made else { panic!("{made:?}") };
    refund(&mut world, &shop, "order-0002", 50_00, "refund-1", 5_00);

    let seen: Vec<_> = world
        .held(&shop)
        .into_iter()
        .map(|held| (held.reason.name(), held.amount.minor, held.release_at.map(Time::rfc3339)))
        .collect();
    let time = |text: &str| Some(text.to_owned());
    assert_eq!(
        seen,
        [
            ("settlement", 50_00, time("2026-01-07T09:00:00+08:00")),
            ("open_day", 15_00, time("2026-01-08T09:00:00+08:00")),
            ("dispute", 15_00, time("2026-01-17T01:00:00+08:00")),
            ("reserve", 10_00, time("2026-02-05T09:00:00+08:00")),
        ]
    );
    assert_eq!(world.position(&shop).free().minor, 75_00);
    let more = NewHold { amount: 75_01, ..new.clone() };
    assert_eq!(world.no_by(1, Command::HoldMoney(Box::new(more))), Rejection::NotEnough);
    let none = NewHold { amount: 0, ..new.clone() };
    assert_eq!(world.no_by(1, Command::HoldMoney(Box::new(none))), Rejection::AmountOutOfRange);
    let past = NewHold { until: Some(world.now), ..new };
    assert_eq!(world.no_by(1, Command::HoldMoney(Box::new(past))), Rejection::AmountOutOfRange);
    world.now = at("2026-01-17T09:00:00+08:00");
    world.close_days();
    world.settle_due();
    assert!(world.queries.hold(hold).unwrap().unwrap().released_by.is_some(), "its time is over");
    assert_eq!(world.money(AccountId::merchant_held, &shop), 0);
    world.run_by(1, Command::ReleaseHold(hold)).unwrap();
    // Of what is not reserved: 90 + 45 + 9 + 5 of the hold's own; the list is the rest.
    assert_eq!(world.held(&shop).iter().map(|held| held.amount.minor).sum::<i64>(), 16_50);
}

/// A refund that waits for a bank is held: its money is not settled, and comes back if the refund is closed.
#[test]
fn money_held_for_a_refund_is_not_settled_and_comes_back_when_released() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop_at(Rate(0)), world.buyer(0));
    let order = world.order(&shop, "order-0001", Product::App, 800_00);
    let payment = waiting(world.pay_by_card(order, &buyer).unwrap());
    world.answer(payment, succeeded());
    refund(&mut world, &shop, "order-0001", 800_00, "refund-1", 600_00); // large: waits for approval
    let monday = world.now.business_day();
    world.next_morning();
    let first = world.settlement(&shop, monday);
    assert_eq!((first.totals.refunds, first.released, first.carried), (600_00, 200_00, 0));
    assert_eq!(
        world.held(&shop).iter().map(|held| (held.reason, held.amount.minor)).collect::<Vec<_>>(),
        [(Reason::Refund, 600_00)]
    );
    world.advance(7 * time::DAY);
    for refund in world.queries.due_refunds(types::ShardSet::ONLY, world.now, 9).unwrap() {
        world.ok(Command::ExpireRefund(refund.id));
    }
    let day = world.now.business_day();
    world.next_morning();
    world.next_morning();
    let back = world.settlement(&shop, day);
    assert_eq!((back.totals.other, back.released), (600_00, 600_00));
    assert_eq!((world.takings(&shop), world.available(&shop)), (0, 800_00));
    let _ = CHANNEL;
}

/// T+0: released as soon as the day is closed. Terms of days closed before stay.
#[test]
fn new_terms_hold_for_days_closed_later_and_releases_keep_their_order() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop_at(Rate(0)), world.buyer(200_00));
    world.set_terms(&shop, Terms { delay: 5, ..Terms::DEFAULT });
    world.sale(&shop, &buyer, "order-0001", 10_00);
    world.next_morning();
    world.set_terms(&shop, Terms { delay: 0, ..Terms::DEFAULT });
    world.sale(&shop, &buyer, "order-0002", 20_00);
    world.next_morning();
    let (monday, tuesday) = (day("2026-01-05"), day("2026-01-06"));
    let release_at = world.settlement(&shop, monday).release_at;
    assert_eq!(release_at, at("2026-01-12T09:00:00+08:00"));
    assert_eq!(world.settlement(&shop, tuesday).release_at, release_at, "not before the day before it");
    world.now = release_at;
    let later = SettlementId::new(shop.id, tuesday);
    let earlier = SettlementId::new(shop.id, monday);
    assert_eq!(world.no(Command::ReleaseSettlement(later)), Rejection::SettlementOutOfOrder(earlier));
    world.settle_due();
    assert_eq!(world.available(&shop), 30_00);
    for terms in [
        Terms { delay: 31, ..Terms::DEFAULT },
        Terms { reserve: Rate(1_000_001), ..Terms::DEFAULT },
        Terms { reserve_days: 366, ..Terms::DEFAULT },
        Terms { payout_least: 0, ..Terms::DEFAULT },
    ] {
        let set = Command::SetSettlementTerms(shop.id, Some(terms));
        assert_eq!(world.no(set), Rejection::AmountOutOfRange, "{terms:?}");
    }
    let platform = Terms { delay: 2, payouts: Payouts::Automatic, ..Terms::DEFAULT };
    world.ok(Command::SetSettlementTerms(MerchantId(0), Some(platform)));
    world.ok(Command::SetSettlementTerms(shop.id, None));
    assert_eq!(world.position(&shop).terms, platform, "the platform's default holds again");
}

/// R-FIN-13: each branch has its own money; a day closes for all of them.
#[test]
fn r_fin_13_every_branch_is_settled_by_itself() {
    let mut world = World::new();
    let buyer = world.buyer(300_00);
    let shops: Vec<Shop> = (0..3).map(|_| world.shop_at(Rate(0))).collect();
    world.set_terms(&shops[1], Terms { delay: 2, ..Terms::DEFAULT });
    for (n, shop) in shops.iter().enumerate() {
        world.sale(shop, &buyer, "order-0001", 10_00 + i64::try_from(n).unwrap());
    }
    world.next_morning();
    let available = |world: &World| shops.iter().map(|shop| world.available(shop)).collect::<Vec<_>>();
    assert_eq!(available(&world), [10_00, 0, 10_02]);
    world.next_morning();
    assert_eq!(available(&world), [10_00, 10_01, 10_02]);
    let monday = world.queries.day(day("2026-01-05")).unwrap().unwrap();
    assert_eq!((monday.merchants, monday.totals.gross, monday.totals.count), (3, 30_03, 3));
    let unsettled = AccountId::merchant_unsettled(shops[1].id, Currency::CNY);
    assert_eq!(world.queries.account(unsettled).unwrap().balance().minor, 0);
}
