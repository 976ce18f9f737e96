//! Limits of the law and the operator, as versioned records, and what each payer and card has used of them
//! (No. 43 of 2015 for balances, No. 296 of 2017 for barcodes; rules §1.1 and §1.3).

use crate::{
    Context, Rejection, Stop, Tx, payer::AccountClass, payout::PayoutRules, refund::RefundRules,
    rejection::Cap, user_transfer::UserTransferRules,
};
use serde::{Deserialize, Serialize};
use types::{BusinessDay, Money, Time};

/// The limits in one version. Amounts are fen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitTable {
    /// From when it holds.
    pub effective_from: Time,
    /// Class I balance payments, total since opening.
    pub class_1_lifetime: i64,
    /// Class II balance payments a calendar year.
    pub class_2_year: i64,
    /// Class III balance payments a calendar year.
    pub class_3_year: i64,
    /// Balance payments a day verified by two factors without a certificate or e-signature.
    pub balance_day_two_factors: i64,
    /// Balance payments a day verified by one factor.
    pub balance_day_one_factor: i64,
    /// Barcode level B: dynamic code, two factors.
    pub barcode_b_day: i64,
    /// Barcode level C: dynamic code, fewer factors.
    pub barcode_c_day: i64,
    /// Barcode level D: static code scanned by the payer.
    pub barcode_d_day: i64,
    /// A payment code pays up to this without a PIN.
    pub free_amount: i64,
    /// Payments without a PIN a day.
    pub free_count: u32,
    /// One top-up.
    pub top_up: i64,
    /// Wrong PINs before the PIN locks.
    pub pin_failures: u8,
    /// Seconds the PIN stays locked.
    pub pin_lock_s: i64,
    /// The rules on refunds; versions kept before there were any have those of the rules.
    #[serde(default = "RefundRules::of_rules")]
    pub refund: RefundRules,
    /// The rules on payouts; versions kept before there were any have those of the rules.
    #[serde(default = "PayoutRules::of_rules")]
    pub payout: PayoutRules,
    /// The rules on transfers to users; versions kept before there were any have those of the wire.
    #[serde(default = "UserTransferRules::of_wire")]
    pub user_transfer: UserTransferRules,
}

impl LimitTable {
    /// The amounts of the law and the wire reference, in force from the beginning.
    #[must_use]
    pub const fn of_law() -> Self {
        Self {
            effective_from: Time(0),
            class_1_lifetime: 1_000_00,
            class_2_year: 100_000_00,
            class_3_year: 200_000_00,
            balance_day_two_factors: 5_000_00,
            balance_day_one_factor: 1_000_00,
            barcode_b_day: 5_000_00,
            barcode_c_day: 1_000_00,
            barcode_d_day: 500_00,
            free_amount: 1_000_00,
            free_count: 10,
            top_up: 50_000_00,
            pin_failures: 5,
            pin_lock_s: 3 * 3600,
            refund: RefundRules::of_rules(),
            payout: PayoutRules::of_rules(),
            user_transfer: UserTransferRules::of_wire(),
        }
    }
}

/// All versions of the limits, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The versions.
    pub versions: Vec<LimitTable>,
}

impl Limits {
    /// The version in force at `now`.
    #[must_use]
    pub fn at(&self, now: Time) -> LimitTable {
        let past = self.versions.iter().rev().find(|version| version.effective_from <= now);
        past.cloned().unwrap_or(LimitTable::of_law())
    }
}

/// What was paid from one source: a payer's balance (id = payer) or one card (id = card). Days and years are
/// of the business zone; a counter of another day or year counts as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Payer or card.
    pub id: i64,
    /// The day counted.
    pub day: BusinessDay,
    /// Paid that day with two factors without a certificate or e-signature, fen. Like every sum of a day it
    /// counts what was verified in just this way.
    pub day_two_factors: i64,
    /// Paid that day by barcode at level B.
    pub day_barcode_b: i64,
    /// Paid that day by barcode at level C.
    pub day_barcode_c: i64,
    /// Paid that day by barcode at level D.
    pub day_barcode_d: i64,
    /// Paid that day with fewer than two factors.
    pub day_one_factor: i64,
    /// Payments without a PIN that day.
    pub day_free_count: u32,
    /// The year counted.
    pub year: i16,
    /// Paid that year, fen.
    pub year_total: i64,
    /// Paid since opening, fen.
    pub lifetime_total: i64,
    /// The newest entry of the payer's bill; each entry links to the one before, so no index is kept.
    pub newest: Option<BillEntry>,
}

/// An entry of a payer's bill: an order paid, a top-up or a merchant's transfer received, by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BillEntry(pub i64);

impl Usage {
    /// Nothing used.
    #[must_use]
    pub const fn none(id: i64) -> Self {
        Self {
            id,
            day: BusinessDay(0),
            day_two_factors: 0,
            day_barcode_b: 0,
            day_barcode_c: 0,
            day_barcode_d: 0,
            day_one_factor: 0,
            day_free_count: 0,
            year: 0,
            year_total: 0,
            lifetime_total: 0,
            newest: None,
        }
    }
    /// Brings the counters to `day`.
    #[must_use]
    pub fn on(self, day: BusinessDay) -> Self {
        if self.day == day {
            return self;
        }
        let year = day.year();
        let year_total = if self.year == year { self.year_total } else { 0 };
        let Self { id, lifetime_total, newest, .. } = self;
        Self { day, year, year_total, lifetime_total, newest, ..Self::none(id) }
    }
}

/// How a payment was verified (No. 43 art. 22 and 24).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// Fewer than two factors: no PIN asked.
    OneFactor,
    /// Two factors: the signed-in device and the PIN.
    TwoFactors,
    /// Two factors of which one is a certificate or an e-signature; no legal cap a day.
    Signed,
}

/// Which kind of code was scanned, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Barcode {
    /// No code: a page or an app.
    None,
    /// Made for one order or one minute.
    Dynamic,
    /// Printed; the payer scans it.
    Static,
}

/// What a payment draws on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Stored value, of an account of this class.
    Balance(AccountClass),
    /// A bank card; only barcode limits apply (art. 11 and No. 296).
    Card,
}

/// Counts `amount` against the limits, or refuses. Errors: `LimitExceeded` naming the limit.
///
/// The rules give each kind of verification (No. 43 art. 24) and each barcode level (No. 296) a daily cap of its
/// own, so each has a sum of its own: what was confirmed with the PIN takes nothing from what may be paid without.
pub fn count(
    usage: Usage,
    table: &LimitTable,
    source: Source,
    how: (Verification, Barcode),
    amount: Money,
    now: Time,
) -> Result<Usage, Rejection> {
    let mut next = usage.on(now.business_day());
    let verification = how.0;
    let cap = |limit: Cap, used: i64, most: i64| -> Result<i64, Rejection> {
        let total = used.checked_add(amount.minor).ok_or(Rejection::AmountOutOfRange)?;
        if total <= most {
            return Ok(total);
        }
        let left = Money::new((most - used).max(0), amount.currency);
        Err(Rejection::LimitExceeded { limit, left })
    };
    let level = match how {
        (_, Barcode::None) | (Verification::Signed, Barcode::Dynamic) => None,
        (Verification::TwoFactors, Barcode::Dynamic) => Some((&mut next.day_barcode_b, table.barcode_b_day)),
        (Verification::OneFactor, Barcode::Dynamic) => Some((&mut next.day_barcode_c, table.barcode_c_day)),
        (_, Barcode::Static) => Some((&mut next.day_barcode_d, table.barcode_d_day)),
    };
    if let Some((used, most)) = level {
        *used = cap(Cap::BarcodeDay, *used, most)?;
    }
    if verification == Verification::OneFactor {
        next.day_free_count = next.day_free_count.saturating_add(1);
    }
    if let Source::Balance(class) = source {
        let day = match verification {
            Verification::OneFactor => Some((&mut next.day_one_factor, table.balance_day_one_factor)),
            Verification::TwoFactors => Some((&mut next.day_two_factors, table.balance_day_two_factors)),
            Verification::Signed => None,
        };
        if let Some((used, most)) = day {
            *used = cap(Cap::BalanceDay, *used, most)?;
        }
        let (most_year, most_lifetime) = match class {
            AccountClass::One => (i64::MAX, table.class_1_lifetime),
            AccountClass::Two => (table.class_2_year, i64::MAX),
            AccountClass::Three => (table.class_3_year, i64::MAX),
        };
        next.year_total = cap(Cap::ClassYear, next.year_total, most_year)?;
        next.lifetime_total = cap(Cap::ClassLifetime, next.lifetime_total, most_lifetime)?;
    }
    Ok(next)
}

/// Takes back what a barcode payment by card counted when the channel declined it on the same day. A card is
/// paid from with the PIN only: level B.
pub(crate) fn give_back(card: i64, counted_at: Time, amount: Money, tx: &mut Tx<'_>) -> Result<(), Stop> {
    if let Some(usage) = tx.get::<Usage>(&card)?.copied()
        && usage.day == counted_at.business_day()
    {
        let day_barcode_b = (usage.day_barcode_b - amount.minor).max(0);
        tx.put(Usage { day_barcode_b, ..usage });
    }
    Ok(())
}

/// Reads the limits in force now.
pub(crate) fn in_force(ctx: &Context, tx: &mut Tx<'_>) -> Result<LimitTable, Stop> {
    Ok(tx.get::<Limits>(&())?.map_or_else(LimitTable::of_law, |limits| limits.at(ctx.now)))
}

/// Adds a version of the limits. Errors: `LimitsOutOfOrder` unless it starts after the last version.
pub(crate) fn set(table: &LimitTable, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let mut limits = tx.get::<Limits>(&())?.cloned().unwrap_or(Limits { versions: Vec::new() });
    if let Some(last) = limits.versions.last()
        && last.effective_from >= table.effective_from
    {
        return Err(Rejection::LimitsOutOfOrder(last.effective_from).into());
    }
    limits.versions.push(table.clone());
    tx.put(limits);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use AccountClass as Class;
    use Barcode as Code;
    use Verification as By;
    use types::time;

    const NOON: Time = Time::from_unix(1_767_585_600); // 2026-01-05T12:00:00+08:00

    fn fen(minor: i64) -> Money {
        Money::cny(minor)
    }

    /// The most that one payment of a fresh day may be, found by asking for it and for a fen more.
    fn check(source: Source, how: (By, Code), most: i64, limit: Cap) {
        let table = LimitTable::of_law();
        let ask = |amount| count(Usage::none(1), &table, source, how, fen(amount), NOON);
        let refused = Rejection::LimitExceeded { limit, left: fen(most) };
        assert_eq!(ask(most + 1), Err(refused), "{source:?} {how:?}");
        let used = ask(most).unwrap();
        let on = |counted: bool| if counted { most } else { 0 };
        let levels = (used.day_barcode_b, used.day_barcode_c, used.day_barcode_d);
        let is = |by: By| how == (by, Code::Dynamic);
        let wanted = (on(is(By::TwoFactors)), on(is(By::OneFactor)), on(how.1 == Code::Static));
        assert_eq!(levels, wanted, "{source:?} {how:?}");
        let balance = source != Source::Card;
        let days = (used.day_two_factors, used.day_one_factor);
        let wanted = (on(balance && how.0 == By::TwoFactors), on(balance && how.0 == By::OneFactor));
        assert_eq!(days, wanted, "{source:?} {how:?}");
        assert_eq!((used.year_total, used.lifetime_total), (on(balance), on(balance)), "{source:?} {how:?}");
    }

    /// Rules §1.1 (account classes, factors) and §1.3 (barcode levels A to D), for every class.
    #[test]
    fn the_law_as_a_table() {
        let two = Source::Balance(Class::Two);
        let three = Source::Balance(Class::Three);
        for (source, how, most, limit) in [
            // Pages: two factors 5,000 a day, fewer 1,000, a signature as the class allows.
            (two, (By::TwoFactors, Code::None), 5_000_00, Cap::BalanceDay),
            (two, (By::OneFactor, Code::None), 1_000_00, Cap::BalanceDay),
            (two, (By::Signed, Code::None), 100_000_00, Cap::ClassYear),
            (three, (By::Signed, Code::None), 200_000_00, Cap::ClassYear),
            // Dynamic codes: level A as the class allows, B 5,000, C 1,000.
            (three, (By::Signed, Code::Dynamic), 200_000_00, Cap::ClassYear),
            (three, (By::TwoFactors, Code::Dynamic), 5_000_00, Cap::BarcodeDay),
            (three, (By::OneFactor, Code::Dynamic), 1_000_00, Cap::BarcodeDay),
            // Static codes: level D, 500 however verified.
            (three, (By::Signed, Code::Static), 500_00, Cap::BarcodeDay),
            (three, (By::TwoFactors, Code::Static), 500_00, Cap::BarcodeDay),
            (three, (By::OneFactor, Code::Static), 500_00, Cap::BarcodeDay),
            // Cards: barcode limits only.
            (Source::Card, (By::TwoFactors, Code::Dynamic), 5_000_00, Cap::BarcodeDay),
            (Source::Card, (By::TwoFactors, Code::Static), 500_00, Cap::BarcodeDay),
        ] {
            check(source, how, most, limit);
        }
        for how in [(By::TwoFactors, Code::None), (By::Signed, Code::None), (By::Signed, Code::Dynamic)] {
            check(Source::Balance(Class::One), how, 1_000_00, Cap::ClassLifetime);
        }
    }

    /// Rules §1.1 and §1.3: a cap is over what was verified in just this way, so spending one in full, in any
    /// order, leaves the others whole.
    #[test]
    fn rules_1_3_levels_a_to_d_are_counted_apart() {
        let table = LimitTable {
            balance_day_two_factors: 50_000_00,
            balance_day_one_factor: 50_000_00,
            ..LimitTable::of_law()
        };
        let levels = [
            ((By::Signed, Code::Dynamic), 20_000_00, None), // A: by agreement
            ((By::TwoFactors, Code::Dynamic), 5_000_00, Some(Cap::BarcodeDay)),
            ((By::OneFactor, Code::Dynamic), 1_000_00, Some(Cap::BarcodeDay)),
            ((By::OneFactor, Code::Static), 500_00, Some(Cap::BarcodeDay)),
        ];
        for source in [Source::Balance(Class::Three), Source::Card] {
            for turn in 0..levels.len() {
                let mut used = Usage::none(1);
                for (how, most, limit) in levels.iter().cycle().skip(turn).take(levels.len()) {
                    let pay = |used, amount| count(used, &table, source, *how, fen(amount), NOON);
                    used = pay(used, *most).unwrap_or_else(|why| panic!("{source:?} {how:?}: {why}"));
                    if let Some(limit) = limit {
                        let refused = Rejection::LimitExceeded { limit: *limit, left: fen(0) };
                        assert_eq!(pay(used, 1), Err(refused), "{source:?} {how:?}, spent");
                    }
                }
            }
        }
    }

    #[test]
    fn rules_1_1_each_verification_has_its_own_day() {
        let table = LimitTable::of_law();
        let days =
            [(By::Signed, 9_000_00, i64::MAX), (By::TwoFactors, 5_000_00, 0), (By::OneFactor, 1_000_00, 0)];
        for turn in 0..days.len() {
            let mut used = Usage::none(1);
            for (by, most, left) in days.into_iter().cycle().skip(turn).take(days.len()) {
                let pay = |used, amount| {
                    count(used, &table, Source::Balance(Class::Three), (by, Code::None), fen(amount), NOON)
                };
                used = pay(used, most).unwrap_or_else(|why| panic!("{by:?}: {why}"));
                let refused = Rejection::LimitExceeded { limit: Cap::BalanceDay, left: fen(0) };
                assert_eq!(pay(used, 1).err(), (left == 0).then_some(refused), "{by:?}, spent");
            }
        }
    }

    #[test]
    fn an_amount_that_would_overflow_is_out_of_range() {
        let used = Usage { lifetime_total: i64::MAX - 1, ..Usage::none(1) }.on(NOON.business_day());
        let table = LimitTable { class_1_lifetime: i64::MAX, ..LimitTable::of_law() };
        let how = (By::Signed, Code::None);
        let ask = |amount| count(used, &table, Source::Balance(Class::One), how, fen(amount), NOON);
        assert_eq!(ask(1).map(|used| used.lifetime_total), Ok(i64::MAX));
        assert_eq!(ask(2), Err(Rejection::AmountOutOfRange));
    }

    /// A counter of another day or year counts as zero; what is counted for good stays.
    #[test]
    fn counters_turn_with_the_day_and_the_year() {
        let at = |text: &str| Time::parse_rfc3339(text).unwrap();
        let table = LimitTable::of_law();
        let pay = |used, at| {
            count(used, &table, Source::Balance(Class::Three), (By::OneFactor, Code::Dynamic), fen(1), at)
        };
        let mut used = Usage { newest: Some(BillEntry(9)), ..Usage::none(1) };
        for (now, day, year, life) in [
            ("2026-12-30T12:00:00+08:00", 1, 1, 1),
            ("2026-12-30T23:59:59+08:00", 2, 2, 2),
            ("2026-12-31T00:00:00+08:00", 1, 3, 3),
            ("2026-12-31T23:59:59+08:00", 2, 4, 4),
            ("2027-01-01T00:00:00+08:00", 1, 1, 5),
            ("2027-12-31T12:00:00+08:00", 1, 2, 6),
        ] {
            used = pay(used, at(now)).unwrap();
            let counted = (used.year_total, used.lifetime_total);
            assert_eq!(counted, (year, life), "{now}");
            assert_eq!((used.day_barcode_c, used.day_one_factor), (day, day), "{now}");
            assert_eq!(i64::from(used.day_free_count), day, "{now}");
            assert_eq!(used.newest, Some(BillEntry(9)), "the bill goes on");
        }
    }

    #[test]
    fn the_newest_version_that_has_begun_is_in_force() {
        let version = |s: i64| LimitTable { effective_from: Time::from_unix(s), ..LimitTable::of_law() };
        let limits = Limits { versions: vec![version(10), version(20)] };
        let before_20 = Time(20 * time::SECOND - 1);
        for (at, from) in [
            (Time(0), 0),
            (Time::from_unix(9), 0),
            (Time::from_unix(10), 10),
            (before_20, 10),
            (Time::from_unix(20), 20),
            (Time(i64::MAX), 20),
        ] {
            assert_eq!(limits.at(at).effective_from, Time::from_unix(from), "{at}");
        }
        assert_eq!(Limits { versions: Vec::new() }.at(NOON), LimitTable::of_law());
    }
}
