//! The business calendar: which days are worked, when a settlement day ends, and what T+n comes to.
//!
//! Days are of the business zone (Asia/Shanghai). A settlement day carries the date on which it ends: with a cut-off at
//! 23:00 the day of the 22nd runs from the 21st 23:00 to the 22nd 23:00.

mod china;

use crate::{Context, Rejection, Stop, Tx, journal::Subject};
use serde::{Deserialize, Serialize};
use types::{BusinessDay, JournalId, Time, time};

/// Minutes of a day: a cut-off there is midnight, the end of the day.
pub const MIDNIGHT: u16 = 24 * 60;
/// Days of exception in a calendar at most: 30 years of them.
pub const EXCEPTIONS_MAX: usize = 2_000;
/// The largest n of T+n, in working days.
pub const DELAY_MAX: u16 = 30;
/// Days looked at for the next working day; no holiday is as long.
const SEARCH_MAX: u16 = 400;

/// Which days are worked. Without an exception Monday to Friday are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// Weekdays off: holidays, by day.
    pub holidays: Vec<BusinessDay>,
    /// Saturdays and Sundays that are worked to make up for holidays, by day.
    pub make_up: Vec<BusinessDay>,
    /// The last day that the lists cover; later only weekends are known.
    pub covers_to: BusinessDay,
    /// Minutes after midnight when a settlement day ends, 1 to [`MIDNIGHT`].
    pub cut_off: u16,
    /// Minutes after midnight when money that has become due is released, 0 to 1,439.
    pub release: u16,
    /// Newest journal line.
    pub journal: JournalId,
}

impl Calendar {
    /// Mainland China, 2026 and 2027, as far as announced; days end at midnight, money is released at 9 o'clock.
    #[must_use]
    pub fn china() -> Self {
        let (holidays, make_up, covers_to) = china::days();
        Self { holidays, make_up, covers_to, cut_off: MIDNIGHT, release: 9 * 60, journal: JournalId(0) }
    }
    /// Whether `day` is worked.
    #[must_use]
    pub fn is_working(&self, day: BusinessDay) -> bool {
        if day.weekday() <= 5 {
            self.holidays.binary_search(&day).is_err()
        } else {
            self.make_up.binary_search(&day).is_ok()
        }
    }
    /// The `n`th working day after `day`; `day` itself when `n` is 0, worked or not.
    #[must_use]
    pub fn after(&self, day: BusinessDay, n: u16) -> BusinessDay {
        let (mut at, mut left) = (day, n);
        for _ in 0..SEARCH_MAX {
            if left == 0 {
                break;
            }
            at = at.next();
            left -= u16::from(self.is_working(at));
        }
        at
    }
    /// The settlement day that an instant belongs to.
    #[must_use]
    pub fn day_of(&self, at: Time) -> BusinessDay {
        let day = at.business_day();
        if at < self.end_of(day) { day } else { day.next() }
    }
    /// The first instant after a settlement day.
    #[must_use]
    pub fn end_of(&self, day: BusinessDay) -> Time {
        day.start().plus(i64::from(self.cut_off) * time::MINUTE)
    }
    /// When money of settlement day `day` is released by T+`n`: at the release hour of the `n`th working day after it,
    /// and with n = 0 as soon as the day has ended.
    #[must_use]
    pub fn release_of(&self, day: BusinessDay, n: u16) -> Time {
        if n == 0 {
            return self.end_of(day);
        }
        let hour = self.after(day, n).start().plus(i64::from(self.release) * time::MINUTE);
        hour.max(self.end_of(day))
    }
    /// Whether `day` lies beyond what the lists cover, so that T+n counts holidays in.
    #[must_use]
    pub fn is_guess(&self, day: BusinessDay) -> bool {
        day > self.covers_to
    }
    fn check(&self) -> Result<(), Rejection> {
        let wrong = |why: String| Err(Rejection::CalendarWrong(why.into()));
        if self.holidays.len() + self.make_up.len() > EXCEPTIONS_MAX {
            return wrong(format!("at most {EXCEPTIONS_MAX} days of exception"));
        }
        if !self.holidays.is_sorted_by(|a, b| a < b) || !self.make_up.is_sorted_by(|a, b| a < b) {
            return wrong("days rise and none is named twice".into());
        }
        if let Some(day) = self.make_up.iter().find(|day| day.weekday() <= 5) {
            return wrong(format!("{day} is a weekday and worked anyway"));
        }
        if let Some(day) = self.holidays.iter().find(|day| day.weekday() > 5) {
            return wrong(format!("{day} is a weekend and free anyway"));
        }
        if !(1..=MIDNIGHT).contains(&self.cut_off) {
            return wrong("the cut-off is between 00:01 and 24:00".into());
        }
        if self.release >= MIDNIGHT {
            return wrong("the release hour is between 00:00 and 23:59".into());
        }
        Ok(())
    }
}

/// The calendar in force.
///
/// # Errors
/// [`Stop::Missing`].
pub(crate) fn in_force<'t>(tx: &'t mut Tx<'_>) -> Result<std::borrow::Cow<'t, Calendar>, Stop> {
    let known = tx.get::<Calendar>(&())?;
    Ok(known.map_or_else(|| std::borrow::Cow::Owned(Calendar::china()), std::borrow::Cow::Borrowed))
}

/// Replaces the calendar. Days already begun keep their ends; the next one begins where the last ended, so that a moved
/// cut-off makes one day longer or shorter and loses no payment. Errors: `CalendarWrong`.
pub(crate) fn set(new: &Calendar, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    new.check()?;
    let previous = tx.get::<Calendar>(&())?.map(|known| known.journal);
    tx.about(Subject::Calendar, previous);
    tx.note(format!(
        "{} holidays, {} make-up days to {}, cut-off {:02}:{:02}, release {:02}:{:02}",
        new.holidays.len(),
        new.make_up.len(),
        new.covers_to,
        new.cut_off / 60,
        new.cut_off % 60,
        new.release / 60,
        new.release % 60
    ));
    tx.put(Calendar { journal: ctx.journal, ..new.clone() });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> BusinessDay {
        BusinessDay::parse(text).unwrap()
    }
    fn time(text: &str) -> Time {
        Time::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn the_default_holds_the_days_announced_for_2026() {
        let china = Calendar::china();
        assert_eq!(china.check(), Ok(()));
        for free in ["2026-01-01", "2026-02-16", "2026-02-23", "2026-10-07", "2026-04-06", "2026-11-22"] {
            assert!(!china.is_working(day(free)), "{free}");
        }
        for worked in ["2026-01-04", "2026-02-14", "2026-02-24", "2026-02-28", "2026-05-09", "2026-10-10"] {
            assert!(china.is_working(day(worked)), "{worked}");
        }
        let days: Vec<BusinessDay> = (0..365).map(|n| day("2026-01-01").plus(n)).collect();
        assert_eq!(days.iter().filter(|day| china.is_working(**day)).count(), 248);
        assert!(china.is_guess(day("2028-01-01")) && !china.is_guess(day("2027-12-31")));
    }

    /// R-FIN-11: T+n counts working days.
    #[test]
    fn r_fin_11_t_plus_n_counts_working_days() {
        let china = Calendar::china();
        for (from, n, to) in [
            ("2026-11-18", 1, "2026-11-19"),
            ("2026-11-20", 1, "2026-11-23"), // a Friday's money on Monday
            ("2026-11-21", 1, "2026-11-23"),
            ("2026-11-22", 1, "2026-11-23"),
            ("2026-11-20", 2, "2026-11-24"),
            ("2026-02-13", 1, "2026-02-14"), // a Saturday that is worked
            ("2026-02-14", 1, "2026-02-24"), // over the Spring Festival
            ("2026-09-30", 1, "2026-10-08"),
            ("2026-09-30", 3, "2026-10-10"),
            ("2026-11-21", 0, "2026-11-21"),
        ] {
            assert_eq!(china.after(day(from), n), day(to), "{from} + {n}");
        }
        assert_eq!(china.release_of(day("2026-11-20"), 1), time("2026-11-23T09:00:00+08:00"));
        assert_eq!(china.release_of(day("2026-11-20"), 0), time("2026-11-21T00:00:00+08:00"));
    }

    #[test]
    fn a_day_ends_at_the_cut_off() {
        let early = Calendar { cut_off: 23 * 60, ..Calendar::china() };
        assert_eq!(early.day_of(time("2026-11-22T22:59:59+08:00")), day("2026-11-22"));
        assert_eq!(early.day_of(time("2026-11-22T23:00:00+08:00")), day("2026-11-23"));
        assert_eq!(Calendar::china().day_of(time("2026-11-22T23:59:59+08:00")), day("2026-11-22"));
        assert_eq!(Calendar::china().day_of(time("2026-11-23T00:00:00+08:00")), day("2026-11-23"));
    }

    #[test]
    fn a_calendar_that_contradicts_itself_is_refused() {
        let china = Calendar::china();
        let cases: [fn(&mut Calendar); 6] = [
            |c| c.holidays.insert(0, BusinessDay::parse("2027-01-01").unwrap()),
            |c| c.holidays.push(BusinessDay::parse("2028-01-01").unwrap()), // a Saturday
            |c| c.make_up.push(BusinessDay::parse("2027-12-31").unwrap()),  // a Friday
            |c| c.cut_off = 0,
            |c| c.cut_off = 1441,
            |c| c.release = 1440,
        ];
        for (n, break_it) in cases.into_iter().enumerate() {
            let mut broken = china.clone();
            break_it(&mut broken);
            assert!(matches!(broken.check(), Err(Rejection::CalendarWrong(_))), "case {n}");
        }
    }

    #[test]
    fn a_calendar_without_working_days_does_not_search_for_ever() {
        let start = day("2026-01-01");
        let holidays = (0..500).map(|n| start.plus(n)).filter(|day| day.weekday() <= 5).collect();
        let none = Calendar { holidays, make_up: vec![], ..Calendar::china() };
        assert_eq!(none.after(start, 1), start.plus(400));
    }
}
