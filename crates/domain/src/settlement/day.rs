//! Closing a day: begin once it is over, one settlement a merchant, end when all are there.

use super::{Plan, Settlement, SettlementId, SettlementState, Totals, terms_of};
use crate::{
    Context, Rejection, Stop, Tx, calendar, calendar::Calendar, fee::PLATFORM, journal::Subject,
    merchant::Merchant, sweep::Counter,
};
use serde::{Deserialize, Serialize};
use types::{BusinessDay, JournalId, MerchantId, Time, first_id_at};

/// A settlement day that has begun to close. The day under way has no record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// The date on which it ends.
    pub day: BusinessDay,
    /// Its first transfer id: where the day before ended.
    pub from: i64,
    /// The first transfer id after it.
    pub to: i64,
    /// Where it stands.
    pub state: DayState,
    /// When it began to close.
    pub begun_at: Time,
    /// When the last merchant was closed.
    pub closed_at: Option<Time>,
    /// Merchants closed so far.
    pub merchants: u32,
    /// Their sums.
    pub totals: Totals,
    /// Newest journal line.
    pub journal: JournalId,
}

impl Day {
    /// Its first instant and the first after it.
    #[must_use]
    pub const fn times(&self) -> (Time, Time) {
        let from = if self.from == 0 { Time(i64::MIN) } else { types::id_time(self.from) };
        (from, types::id_time(self.to))
    }
}

/// Where a day stands. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DayState {
    /// Merchants are being closed.
    Closing = 0,
    /// Every merchant is; final.
    Closed = 1,
}

impl DayState {
    /// The state stored as `number`.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Closing),
            1 => Some(Self::Closed),
            _ => None,
        }
    }
    /// The word used in pages, files and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closing => "closing",
            Self::Closed => "closed",
        }
    }
}

/// The counter of the newest day begun.
const NEWEST: &str = "settlement_day";

/// Begins to close a day that is over. The first day ever takes in all there was before; every other follows the one
/// before it. A day begun already stays as it is.
///
/// Errors: `DayNotOver`, `DayOutOfOrder` when the day before is not closed, or for a day before the first.
pub(crate) fn begin(day: BusinessDay, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    tx.expect::<Day>(&day);
    tx.expect::<Calendar>(&());
    let newest = tx.get::<Counter>(&NEWEST.into())?.map(|counter| counter.last);
    if let Some(known) = tx.get::<Day>(&day)? {
        let journal = known.journal;
        tx.about(Subject::Day(day), Some(journal));
        return Ok(());
    }
    tx.about(Subject::Day(day), None);
    let end = calendar::in_force(tx)?.end_of(day);
    let from = match newest.and_then(|last| i32::try_from(last).ok()).map(BusinessDay) {
        None => 0,
        Some(last) => {
            let before = tx.need::<Day>(&last, Rejection::DayOutOfOrder { next: last })?;
            let next = if before.state == DayState::Closed { last.next() } else { last };
            if day != next {
                return Err(Rejection::DayOutOfOrder { next }.into());
            }
            before.to
        }
    };
    if ctx.now < end {
        return Err(Rejection::DayNotOver { day, end }.into());
    }
    // A cut-off that moved back can lie before the end of the day before: then this day holds nothing.
    let to = first_id_at(end).max(from);
    tx.put(Counter { name: NEWEST.into(), last: day.0.into() });
    tx.put(Day {
        day,
        from,
        to,
        state: DayState::Closing,
        begun_at: ctx.now,
        closed_at: None,
        merchants: 0,
        totals: Totals::default(),
        journal: ctx.journal,
    });
    Ok(())
}

/// Makes sure that this shard makes no transfer of a day any more whose end is `end`. Nothing is kept for it: a batch is
/// stored with its time, ids are as late as their batch, and no batch is earlier than one before it, whoever owns the shard.
/// So who was told `Done` by every shard, after the day was begun, reads all of the day's transfers.
///
/// Errors: `DayNotOver` by this shard's clock.
pub(crate) fn pass(day: BusinessDay, end: Time, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    tx.about(Subject::Day(day), None);
    if ctx.now < end { Err(Rejection::DayNotOver { day, end }.into()) } else { Ok(()) }
}

/// Closes a day for one merchant. The same again changes nothing.
///
/// Errors: `DayOutOfOrder` for a day that has not begun to close or is closed without this merchant, `MerchantNotFound`,
/// `SettlementDiffers` when the merchant was closed with other sums, `AmountOutOfRange` when sums pass 64 bits.
pub(crate) fn close(
    merchant: MerchantId,
    day: BusinessDay,
    totals: &Totals,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let id = SettlementId::new(merchant, day);
    tx.about(Subject::Settlement(id), None);
    tx.expect::<Settlement>(&id);
    tx.expect::<Plan>(&merchant);
    tx.expect::<Plan>(&PLATFORM);
    tx.expect::<Merchant>(&merchant);
    tx.expect::<Calendar>(&());
    let closing = tx.need::<Day>(&day, Rejection::DayOutOfOrder { next: day })?.clone();
    if let Some(known) = tx.get::<Settlement>(&id)? {
        let (same, journal) = (known.totals == *totals, known.journal);
        tx.about(Subject::Settlement(id), Some(journal));
        return if same { Ok(()) } else { Err(Rejection::SettlementDiffers(id).into()) };
    }
    if closing.state == DayState::Closed {
        return Err(Rejection::DayOutOfOrder { next: day.next() }.into());
    }
    tx.need::<Merchant>(&merchant, Rejection::MerchantNotFound(merchant))?;
    let (plan, terms) = terms_of(merchant, tx)?;
    let mut release_at = calendar::in_force(tx)?.release_of(day, terms.delay);
    if let Some(previous) = plan.newest {
        // Settlements are released in the order of their days: one's rest is carried to the next.
        let before =
            tx.need::<Settlement>(&SettlementId::new(merchant, previous), Rejection::SettlementNotFound)?;
        release_at = release_at.max(before.release_at);
    }
    tx.note(format!("{} of {} payments", types::Money::cny(totals.net()), totals.count));
    tx.put(Day {
        merchants: closing.merchants + 1,
        totals: closing.totals.plus(totals).ok_or(Rejection::AmountOutOfRange)?,
        journal: ctx.journal,
        ..closing
    });
    tx.put(Settlement {
        id,
        totals: *totals,
        state: SettlementState::Waiting,
        previous: plan.newest,
        closed_at: ctx.now,
        release_at,
        released_at: None,
        brought: 0,
        released: 0,
        reserve: 0,
        carried: 0,
        reserve_until: None,
        due_at: Some(release_at),
        transfer: None,
        journal: ctx.journal,
    });
    tx.put(Plan { newest: Some(day), ..plan });
    Ok(())
}

/// Ends a day whose merchants are all closed: as many as `merchants`, with sums of `totals`. Again changes nothing.
///
/// Errors: `DayOutOfOrder` for a day that has not begun to close, `DayDiffers` when merchants are missing or more were
/// closed than counted.
pub(crate) fn end(
    day: BusinessDay,
    merchants: u32,
    totals: &Totals,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let known = tx.need::<Day>(&day, Rejection::DayOutOfOrder { next: day })?.clone();
    tx.about(Subject::Day(day), Some(known.journal));
    if known.merchants != merchants || known.totals != *totals {
        return Err(Rejection::DayDiffers { day, closed: known.merchants, counted: merchants }.into());
    }
    if known.state == DayState::Closed {
        return Ok(());
    }
    tx.note(format!(
        "{merchants} merchants, {} of {} payments",
        types::Money::cny(totals.net()),
        totals.count
    ));
    tx.put(Day { state: DayState::Closed, closed_at: Some(ctx.now), journal: ctx.journal, ..known });
    Ok(())
}
