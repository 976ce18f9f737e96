//! Fees, the calendar, settlement, holds and payouts: samples, and their lists.

use super::{Open, START, Scribe, added};
use domain::{
    approval::Approval,
    calendar::Calendar,
    fee::{Fees, Promotion, Return, Rounding, Rule, Tier, Version},
    hold::{Hold, HoldReason},
    merchant::Product,
    payout::{BankAccount, Beneficiary, Payout, PayoutNumber, PayoutState, Rail},
    settlement::{Day, DayState, Payouts, Plan, Settlement, SettlementId, SettlementState, Terms, Totals},
};
use std::sync::Arc;
use types::{
    BusinessDay, Cursor, HoldId, JournalId, MerchantId, Money, OperatorId, PageRequest, PayoutId, Rate, Time,
    TransferId, time,
};

const AWKWARD: &str = "龙井 \"best\" 'tea'; -- \\ \u{1F375}\n\té";
const LAST: i64 = i64::MAX - 7;
const DAY: BusinessDay = BusinessDay(20_458);

fn journal(full: bool) -> JournalId {
    JournalId(if full { LAST } else { 4096 })
}

pub(super) fn fees(merchant: i64, full: bool) -> Fees {
    let rule = Rule {
        fixed: i64::MAX,
        least: 1,
        most: Some(i64::MAX),
        tiers: vec![Tier { from: 1, rate: Rate::WHOLE, fixed: 2 }, Tier { from: 9, rate: Rate(0), fixed: 0 }],
        promotion: Some(Promotion { from: START, until: Time(i64::MAX), rate: Rate(1), fixed: 3 }),
        rounding: Rounding::Down,
        returns: Return::WhenFull,
        ..Rule::plain(Rate::WHOLE)
    };
    let late = Version { effective_from: START, product: Some(Product::Code), rule: Some(rule) };
    let none = Version { effective_from: Time(i64::MAX), product: None, rule: None };
    let plain = Fees::plain(MerchantId(merchant), Rate(6_000), journal(full));
    let versions = if full { vec![plain.versions[0].clone(), late, none] } else { plain.versions };
    Fees { versions, ..plain }
}

pub(super) fn calendar(full: bool) -> Calendar {
    if full {
        return Calendar { cut_off: 1, release: 1_439, journal: journal(true), ..Calendar::china() };
    }
    Calendar { holidays: Vec::new(), make_up: Vec::new(), covers_to: BusinessDay(0), ..Calendar::china() }
}

pub(super) fn plan(merchant: i64, full: bool) -> Plan {
    let terms = Terms {
        delay: u16::MAX,
        reserve: Rate::WHOLE,
        reserve_days: u16::MAX,
        payouts: Payouts::Automatic,
        payout_least: i64::MAX,
    };
    Plan {
        merchant: MerchantId(merchant),
        terms: full.then_some(terms),
        newest: full.then_some(DAY),
        payout_at: full.then_some(START),
        journal: journal(full),
    }
}

fn totals(full: bool) -> Totals {
    if !full {
        return Totals::default();
    }
    Totals {
        gross: i64::MAX,
        count: u32::MAX,
        refunds: i64::MAX,
        refund_count: u32::MAX,
        fees: 3,
        fees_returned: 2,
        shared: 1,
        other: -5,
    }
}

pub(super) fn day(day: BusinessDay, full: bool) -> Day {
    Day {
        day,
        from: 0,
        to: LAST,
        state: if full { DayState::Closed } else { DayState::Closing },
        begun_at: START,
        closed_at: full.then_some(START.plus(1)),
        merchants: if full { u32::MAX } else { 0 },
        totals: totals(full),
        journal: journal(full),
    }
}

pub(super) fn settlement(merchant: i64, day: BusinessDay, full: bool) -> Settlement {
    Settlement {
        id: SettlementId::new(MerchantId(merchant), day),
        totals: totals(true),
        state: if full { SettlementState::Released } else { SettlementState::Waiting },
        previous: (day.0 % 2 == 0).then_some(day.previous()),
        closed_at: START,
        release_at: START.plus(1),
        released_at: full.then_some(START.plus(2)),
        brought: if full { i64::MIN } else { 0 },
        released: if full { i64::MAX } else { 0 },
        reserve: if full { i64::MAX } else { 0 },
        carried: if full { i64::MIN } else { 0 },
        reserve_until: full.then_some(START.plus(3)),
        due_at: (!full).then_some(START.plus(1)),
        transfer: full.then_some(TransferId(LAST)),
        journal: journal(full),
    }
}

pub(super) fn hold(id: i64, full: bool) -> Hold {
    Hold {
        id: HoldId(id),
        merchant: MerchantId(1_900_000_001),
        amount: i64::MAX,
        reason: HoldReason::Judicial,
        note: AWKWARD.into(),
        since: START,
        until: (id % 2 == 0).then_some(START.plus(1)),
        released_by: full.then_some(TransferId(LAST)),
        due_at: (!full).then_some(START),
        journal: journal(full),
    }
}

fn beneficiary(full: bool) -> Arc<Beneficiary> {
    Arc::new(Beneficiary {
        holder: if full { Box::from([0, 255, 39, 34]) } else { Box::from([1]) },
        number: if full { Box::from([255; 1024]) } else { Box::from([2]) },
        tail: "0002".into(),
        bank: "102100099996".into(),
        bank_name: AWKWARD.into(),
    })
}

pub(super) fn bank_account(merchant: i64, full: bool) -> BankAccount {
    BankAccount {
        merchant: MerchantId(merchant),
        account: beneficiary(full),
        since: START.plus(i64::from(full)),
        journal: journal(full),
    }
}

pub(super) fn payout(id: i64, merchant: i64, full: bool) -> Payout {
    Payout {
        id: PayoutId(id),
        merchant: MerchantId(merchant),
        to: beneficiary(true),
        amount: Money::cny(i64::MAX),
        rail: Rail::Netsunion,
        urgent: id % 2 == 0,
        number: if id % 2 == 0 { "P-1|*@".into() } else { "".into() },
        state: if full { PayoutState::Returned } else { PayoutState::Waiting },
        created_at: START,
        ended_at: full.then_some(START.plus(1)),
        due_at: (!full).then_some(START),
        file: if full { "FQ20260105-1".into() } else { "".into() },
        bank_code: if full { AWKWARD.into() } else { "".into() },
        maker: (id % 2 == 0).then_some(OperatorId(LAST)),
        approvals_needed: u8::MAX,
        approvals: if full { vec![Approval { by: OperatorId(1), at: START }; 3] } else { Vec::new() },
        journal: journal(full),
    }
}

pub(super) fn payout_number(merchant: i64) -> PayoutNumber {
    PayoutNumber { merchant: MerchantId(merchant), number: "P-1|*@".into(), payout: PayoutId(14), all: true }
}

const MERCHANT: i64 = 1_900_000_001;

/// What a list gave, as numbers.
#[track_caller]
fn ids<T>(rows: Result<Vec<T>, engine::Fault>, id: impl Fn(&T) -> i64) -> Vec<i64> {
    rows.expect("the store reads").iter().map(id).collect()
}

pub(super) fn settlements_are_listed_by_merchant_day_and_time(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    scribe.write(|batch| {
        for n in 0..5 {
            batch.days.push(added(day(DAY.plus(n), n < 4)));
            for merchant in [MERCHANT, MERCHANT + 1] {
                let mut one = settlement(merchant, DAY.plus(n), n < 2);
                one.due_at = (n > 0).then(|| START.plus(i64::from(10 - n) * time::HOUR));
                batch.settlements.push(added(one));
            }
        }
        for merchant in [MERCHANT, MERCHANT + 1, MERCHANT + 2] {
            let payout_at = (merchant != MERCHANT).then(|| START.plus(MERCHANT - merchant));
            batch.plans.push(added(Plan { payout_at, ..plan(merchant, true) }));
        }
    });
    let queries = scribe.queries();
    let page = |limit, after: Option<i64>| PageRequest::new(limit, after.map(Cursor));
    let first = queries.days(page(2, None)).expect("the store reads");
    let of_day = |row: &Day| i64::from(row.day.0 - DAY.0);
    assert_eq!(first.rows.iter().map(of_day).collect::<Vec<_>>(), [4, 3], "newest first");
    let rest = queries.days(PageRequest::new(9, first.next)).map(|page| page.rows);
    assert_eq!(ids(rest, of_day), [2, 1, 0]);

    let of = |merchant, page| queries.settlements(MerchantId(merchant), page).expect("the store reads");
    let number = |row: &Settlement| i64::from(row.id.day().0 - DAY.0);
    let first = of(MERCHANT, page(3, None));
    assert_eq!(first.rows.iter().map(number).collect::<Vec<_>>(), [4, 3, 2], "newest first");
    let rest = of(MERCHANT, PageRequest::new(3, first.next));
    assert_eq!((rest.rows.iter().map(number).collect::<Vec<_>>(), rest.next), (vec![1, 0], None));
    assert_eq!(of(MERCHANT + 2, page(3, None)).rows, [], "of nobody else");

    let first = queries.settlements_of_day(DAY.next(), page(1, None)).expect("the store reads");
    assert_eq!(first.rows[0].id, SettlementId::new(MerchantId(MERCHANT), DAY.next()));
    let rest = queries.settlements_of_day(DAY.next(), PageRequest::new(9, first.next)).map(|page| page.rows);
    assert_eq!(ids(rest, |row| row.id.merchant().0 - MERCHANT), [1]);

    let open = queries.settlements_open(MerchantId(MERCHANT), 3);
    assert_eq!(ids(open, number), [1, 2, 3], "what is still to happen, by day");
    let due = queries.due_settlements(START.plus(8 * time::HOUR), 3).expect("the store reads");
    let want = [(0, 4), (1, 4), (0, 3)];
    let want = want.map(|(m, n)| SettlementId::new(MerchantId(MERCHANT + m), DAY.plus(n)));
    assert_eq!(due, want, "earliest first, a merchant's by day");
    assert_eq!(queries.due_settlements(START, 9), Ok(Vec::new()));
    let plans = queries.due_plans(START, 9).expect("the store reads");
    assert_eq!(plans, [MerchantId(MERCHANT + 2), MerchantId(MERCHANT + 1)], "earliest first");
    let mut seen = (Vec::new(), Vec::new());
    queries.each_settlement(&mut |row| seen.0.push(row.id)).expect("the store reads");
    queries.each_day(&mut |row| seen.1.push(row.day)).expect("the store reads");
    assert!(seen.0.is_sorted() && seen.0.len() == 10 && seen.1.is_sorted() && seen.1.len() == 5);
}

pub(super) fn holds_and_payouts_are_listed_while_open(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    scribe.write(|batch| {
        for id in 1..=6 {
            let due_at = (id != 2).then(|| START.plus(10 - id));
            batch.holds.push(added(Hold { due_at, ..hold(id, id == 1) }));
            let mut one = payout(id, MERCHANT + i64::from(id > 4), id == 3);
            one.due_at = (id != 3).then(|| START.plus(10 - id));
            batch.payouts.push(added(one));
        }
    });
    let queries = scribe.queries();
    let merchant = MerchantId(MERCHANT);
    assert_eq!(ids(queries.holds_open(merchant, 4), |row| row.id.0), [2, 3, 4, 5], "oldest first");
    assert_eq!(queries.holds_open(MerchantId(1), 9), Ok(Vec::new()));
    assert_eq!(ids(queries.due_holds(START.plus(5), 9), |id| id.0), [6, 5], "earliest first");
    let page = PageRequest::new(2, None);
    let rows = |page: Result<types::Page<Payout>, engine::Fault>| {
        let page = page.expect("the store reads");
        (page.rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(rows(queries.payouts(None, page)), (vec![6, 5], Some(Cursor(5))), "newest first");
    assert_eq!(rows(queries.payouts(Some(merchant), page)), (vec![4, 3], Some(Cursor(3))));
    assert_eq!(rows(queries.payouts(Some(merchant), PageRequest::new(2, Some(Cursor(3))))).0, [2, 1]);
    assert_eq!(rows(queries.payouts_open(None, page)), (vec![1, 2], Some(Cursor(2))), "oldest first");
    assert_eq!(rows(queries.payouts_open(None, PageRequest::new(9, Some(Cursor(2))))).0, [4, 5, 6]);
    assert_eq!(rows(queries.payouts_open(Some(merchant), PageRequest::new(9, None))).0, [1, 2, 4]);
    assert_eq!(ids(queries.due_payouts(START.plus(6), 2), |id| id.0), [6, 5], "earliest first");
    let mut seen = (0, 0);
    queries.each_hold(&mut |_| seen.0 += 1).expect("the store reads");
    queries.each_payout(&mut |_| seen.1 += 1).expect("the store reads");
    assert_eq!(seen, (6, 6));
}
