//! The judgement of one key: do the sides agree?

use crate::{
    entry::{Carried, Entry, Kind, Row, Side, Status},
    exception::{Class, Exception, Field, Suspense, id, suggest},
};
use types::{BusinessDay, Money, MoneyError};

/// What is matched, and how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Name of the channel or account, part of every exception's id: 1–40 of `a–z 0–9 - _`.
    pub scheme: String,
    /// The business day.
    pub day: BusinessDay,
    /// Sides that must have every entry, the ledger among them.
    pub sides: Vec<Side>,
    /// Patience with differences of timing.
    pub timing: Timing,
}

/// How differences of timing are told from true ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// When the other side's day ends, in microseconds after the business day's midnight (negative: before).
    pub cutoff: i64,
    /// An entry this close to the end of the day, in microseconds, may be in the other side's next day.
    pub window: i64,
    /// Days such an entry waits for its partner before it becomes an exception; 0 to 3.
    pub hold_days: u8,
}

impl Timing {
    /// Longest wait in days (reference §4, `CUTOFF`).
    pub const HOLD_DAYS_MAX: u8 = 3;
}

impl Default for Timing {
    /// Cut-off at midnight, ten minutes around it, one day.
    fn default() -> Self {
        Self { cutoff: 0, window: 10 * types::time::MINUTE, hold_days: 1 }
    }
}

impl Plan {
    /// Ledger against a channel's bill.
    #[must_use]
    pub fn two_way(scheme: &str, day: BusinessDay) -> Self {
        let sides = vec![Side::Ledger, Side::Channel];
        Self { scheme: scheme.to_owned(), day, sides, timing: Timing::default() }
    }

    /// Ledger against a channel's bill against a bank's statement.
    #[must_use]
    pub fn three_way(scheme: &str, day: BusinessDay) -> Self {
        Self { sides: Side::ALL.to_vec(), ..Self::two_way(scheme, day) }
    }

    /// From here on the other side may count an entry to its next day.
    fn late_from(&self) -> i64 {
        let end = BusinessDay(self.day.0.saturating_add(1)).start().0;
        end.saturating_add(self.timing.cutoff).saturating_sub(self.timing.window)
    }
}

/// What came of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A true difference.
    Exception(Box<Exception>),
    /// An entry that waits for its partner; hand it to the next day's run.
    Held(Carried),
    /// A late partner came and agrees: the exception of this id is over, without any correction.
    Cleared(String),
}

/// Rows of one side and key that are looked at together; what is beyond is a duplicate whatever it says.
pub(crate) const SIDE_ROWS_MAX: usize = 64;

/// All rows of one key and kind.
#[derive(Default)]
pub(crate) struct Group {
    sides: [Vec<Row>; 3],
    /// Rows beyond [`SIDE_ROWS_MAX`], which were reported as they came.
    beyond: [usize; 3],
}

/// What became of a group's rows, for the totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) matched: u64,
    pub(crate) held: u64,
    pub(crate) in_exceptions: u64,
    /// Said again, or of no consequence for money.
    pub(crate) without_effect: u64,
}

impl Group {
    /// True when `row` belongs to this group or the group is empty.
    pub(crate) fn takes(&self, row: &Row) -> bool {
        self.first()
            .is_none_or(|first| first.entry.kind == row.entry.kind && first.entry.key == row.entry.key)
    }

    fn first(&self) -> Option<&Row> {
        self.sides.iter().find_map(|rows| rows.first())
    }

    /// Adds a row; gives it back when the side is full: then it is one too many.
    pub(crate) fn push(&mut self, row: Row) -> Option<Row> {
        let side = row.side as usize;
        if self.sides[side].len() < SIDE_ROWS_MAX {
            self.sides[side].push(row);
            return None;
        }
        self.beyond[side] += 1;
        Some(row)
    }

    /// The exception for a row that [`Group::push`] gave back.
    pub(crate) fn one_too_many(&self, plan: &Plan, row: Row) -> Result<Outcome, MoneyError> {
        let side = row.side as usize;
        duplicate(plan, row, SIDE_ROWS_MAX + self.beyond[side] - 1)
    }

    /// Judges the key and empties the group.
    pub(crate) fn judge(&mut self, plan: &Plan, out: &mut Vec<Outcome>) -> Result<Tally, MoneyError> {
        let mut tally = Tally::default();
        let amount = self.reference_amount();
        let mut chosen: [Option<Row>; 3] = Default::default();
        for side in Side::ALL {
            let rows = std::mem::take(&mut self.sides[side as usize]);
            let (best, extras) = choose(rows, amount, &mut tally);
            chosen[side as usize] = best;
            for (nth, extra) in extras.into_iter().enumerate() {
                tally.in_exceptions += 1;
                out.push(duplicate(plan, extra, nth + 1)?);
            }
        }
        self.beyond = [0; 3];
        compare(plan, chosen, &mut tally, out)?;
        Ok(tally)
    }

    /// The amount by which the likeliest of several rows of a side is chosen: the first that moved money.
    fn reference_amount(&self) -> Option<Money> {
        let mut rows = self.sides.iter().flatten();
        rows.find(|row| row.entry.status.moved() == Some(true)).map(|row| row.entry.amount)
    }
}

/// The row that speaks for its side, and those that are one too many.
fn choose(rows: Vec<Row>, amount: Option<Money>, tally: &mut Tally) -> (Option<Row>, Vec<Row>) {
    let mut distinct: Vec<Row> = Vec::with_capacity(rows.len());
    for row in rows {
        // A carried entry that a file brings again is the same entry, not a second one.
        let said = |known: &&mut Row| known.entry == row.entry && (known.carried || row.carried);
        if let Some(known) = distinct.iter_mut().find(said) {
            known.reported |= row.reported;
            known.carried = true;
            known.since = known.since.min(row.since);
            tally.without_effect += 1;
        } else {
            distinct.push(row);
        }
    }
    let rank = |row: &Row| match row.entry.status.moved() {
        Some(true) if Some(row.entry.amount) == amount => 0,
        Some(true) => 1,
        None => 2,
        Some(false) => 3,
    };
    let Some(best) = (0..distinct.len()).min_by_key(|at| rank(&distinct[*at])) else {
        return (None, Vec::new());
    };
    let best = distinct.remove(best);
    // What moved no money is no second payment: an attempt that failed before the one that went through.
    let (extras, idle): (Vec<Row>, Vec<Row>) =
        distinct.into_iter().partition(|row| row.entry.status.moved() != Some(false));
    tally.without_effect += idle.len() as u64;
    (Some(best), extras)
}

fn compare(
    plan: &Plan,
    rows: [Option<Row>; 3],
    tally: &mut Tally,
    out: &mut Vec<Outcome>,
) -> Result<(), MoneyError> {
    let present: Vec<&Row> = rows.iter().flatten().collect();
    let Some(first) = present.first() else { return Ok(()) };
    let (kind, count) = (first.entry.kind, present.len() as u64);
    let missing: Vec<Side> =
        plan.sides.iter().copied().filter(|side| rows[*side as usize].is_none()).collect();
    let reported = present.iter().find(|row| row.reported).map(|_| was(plan, &rows));
    let fresh = present.iter().any(|row| !row.reported);
    if !fresh {
        // An open exception that nothing new was heard of.
        tally.without_effect += count;
        return Ok(());
    }
    let said = |row: &Row| row.entry.status.moved();
    let differs = differences(&present);
    let class = if !missing.is_empty() {
        match () {
            // Nobody says that money moved, so nobody lacks it.
            () if present.iter().all(|row| said(row) == Some(false)) => None,
            () if present.iter().all(|row| said(row) != Some(true)) => Some(Class::Status),
            () if rows[Side::Ledger as usize].is_none() => Some(Class::Long),
            () => Some(Class::Short),
        }
    } else if differs.contains(&Field::Currency) {
        Some(Class::Currency)
    } else if differs.contains(&Field::Status) || present.iter().any(|row| said(row).is_none()) {
        Some(Class::Status)
    } else if said(first) == Some(false) {
        None
    } else if differs.contains(&Field::Amount) {
        Some(Class::Amount)
    } else if differs.contains(&Field::Fee) {
        Some(Class::Fee)
    } else {
        None
    };
    let Some(class) = class else {
        tally.matched += count;
        out.extend(reported.map(Outcome::Cleared));
        return Ok(());
    };
    let since = present.iter().map(|row| row.since).min().unwrap_or(plan.day);
    if !missing.is_empty() && reported.is_none() && may_wait(plan, &present, since) {
        tally.held += count;
        let held = |row: Row| Carried { side: row.side, entry: row.entry, since, reported: false };
        out.extend(rows.into_iter().flatten().map(held).map(Outcome::Held));
        return Ok(());
    }
    tally.in_exceptions += count;
    let key = first.entry.key.clone();
    let unknown = present.iter().any(|row| row.entry.status == Status::Unknown);
    let suspense = suspense(plan, class, &rows)?;
    let age = u32::try_from(i64::from(plan.day.0) - i64::from(since.0)).unwrap_or(0);
    let [ledger, channel, bank] = rows.map(|row| row.map(|row| row.entry));
    let id = id(&plan.scheme, kind, &key, class, 1);
    out.push(Outcome::Exception(Box::new(Exception {
        replaces: reported.filter(|old| *old != id),
        id,
        scheme: plan.scheme.clone(),
        day: plan.day,
        since,
        key,
        kind,
        class,
        ledger,
        channel,
        bank,
        missing,
        differs,
        twice: None,
        suspense,
        action: suggest(class, kind, suspense, unknown, age),
    })));
    Ok(())
}

/// Whether what is missing may still come with the next day's file.
fn may_wait(plan: &Plan, present: &[&Row], since: BusinessDay) -> bool {
    let waited = i64::from(plan.day.0) - i64::from(since.0);
    if waited >= i64::from(plan.timing.hold_days) {
        return false;
    }
    present.iter().any(|row| row.carried || row.entry.at.0 >= plan.late_from())
}

/// The id of the exception that the reported rows of a group stand for.
fn was(plan: &Plan, rows: &[Option<Row>; 3]) -> String {
    let old: Vec<&Row> = rows.iter().flatten().filter(|row| row.reported).collect();
    let moved = old.iter().any(|row| row.entry.status.moved() == Some(true));
    let class = match () {
        () if !moved => Class::Status,
        () if old.iter().all(|row| row.side != Side::Ledger) => Class::Long,
        () => Class::Short,
    };
    let (kind, key) = old.first().map_or((Kind::Payment, ""), |row| (row.entry.kind, row.entry.key.as_str()));
    id(&plan.scheme, kind, key, class, 1)
}

fn differences(present: &[&Row]) -> Vec<Field> {
    let Some((first, others)) = present.split_first() else { return Vec::new() };
    let mut differs = Vec::new();
    let mut note = |field, differ: bool| {
        if differ {
            differs.push(field);
        }
    };
    let any = |differ: &dyn Fn(&Entry, &Entry) -> bool| others.iter().any(|o| differ(&first.entry, &o.entry));
    note(Field::Amount, any(&|a, b| a.amount.minor != b.amount.minor));
    note(Field::Currency, any(&|a, b| a.amount.currency != b.amount.currency));
    note(Field::Status, any(&|a, b| a.status.moved() != b.status.moved()));
    let mut fees = present.iter().filter_map(|row| row.entry.fee);
    let fee = fees.next();
    note(Field::Fee, fees.any(|other| Some(other) != fee));
    differs
}

/// What `platform.suspense` would hold: what the outside says less what the ledger says.
fn suspense(plan: &Plan, class: Class, rows: &[Option<Row>; 3]) -> Result<Option<Suspense>, MoneyError> {
    let entry = |side: Side| rows[side as usize].as_ref().map(|row| &row.entry);
    let ledger = entry(Side::Ledger);
    // The bank is where the money is; the channel only says so.
    let outside = if plan.sides.contains(&Side::Bank) { Side::Bank } else { Side::Channel };
    let (outside, anyone) = (entry(outside), rows.iter().flatten().next().map(|row| &row.entry));
    let Some(anyone) = anyone else { return Ok(None) };
    let same = rows.iter().flatten().all(|row| row.entry.amount.currency == anyone.amount.currency);
    let known = [ledger, outside].iter().flatten().all(|entry| entry.status != Status::Unknown);
    if !same || !known {
        return Ok(None);
    }
    if class == Class::Fee {
        let fee =
            |entry: Option<&Entry>| entry.and_then(|e| e.fee).unwrap_or(Money::zero(anyone.amount.currency));
        // A fee is the channel's: the more of it, the less for us.
        return in_suspense(fee(ledger).minus(fee(outside))?);
    }
    let effect = |entry: Option<&Entry>| match entry {
        Some(entry) if entry.status == Status::Succeeded => entry.amount,
        _ => Money::zero(anyone.amount.currency),
    };
    let more = effect(outside).minus(effect(ledger))?;
    in_suspense(if anyone.kind.comes_in() { more } else { Money::zero(more.currency).minus(more)? })
}

fn in_suspense(more: Money) -> Result<Option<Suspense>, MoneyError> {
    Ok(match more.minor {
        0 => None,
        1.. => Some(Suspense::Owed(more)),
        _ => Some(Suspense::Missing(Money::zero(more.currency).minus(more)?)),
    })
}

/// The exception for a row that is one too many; `nth` counts from 1.
fn duplicate(plan: &Plan, row: Row, nth: usize) -> Result<Outcome, MoneyError> {
    let entry = &row.entry;
    let outside = row.side != Side::Ledger;
    let suspense = match entry.status {
        Status::Succeeded if outside == entry.kind.comes_in() => Some(Suspense::Owed(entry.amount)),
        Status::Succeeded => Some(Suspense::Missing(entry.amount)),
        _ => None,
    };
    let unknown = entry.status == Status::Unknown;
    let mut exception = Exception {
        id: id(&plan.scheme, entry.kind, &entry.key, Class::Duplicate, nth),
        scheme: plan.scheme.clone(),
        day: plan.day,
        since: row.since,
        key: entry.key.clone(),
        kind: entry.kind,
        class: Class::Duplicate,
        ledger: None,
        channel: None,
        bank: None,
        missing: Vec::new(),
        differs: Vec::new(),
        twice: Some(row.side),
        suspense,
        action: suggest(Class::Duplicate, entry.kind, suspense, unknown, 0),
        replaces: None,
    };
    let place = match row.side {
        Side::Ledger => &mut exception.ledger,
        Side::Channel => &mut exception.channel,
        Side::Bank => &mut exception.bank,
    };
    *place = Some(row.entry);
    Ok(Outcome::Exception(Box::new(exception)))
}
