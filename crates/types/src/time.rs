//! Time: UTC microseconds everywhere, business days in a zone at the edges. The clock is never read here.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::{Offset, TimeZone},
};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::LazyLock};

/// An instant in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Time(pub i64);

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds in a day of 24 hours.
pub const DAY: i64 = 24 * HOUR;

static SHANGHAI: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::get("Asia/Shanghai").unwrap_or_else(|_| TimeZone::fixed(jiff::tz::offset(8))));

/// The business zone has had one fixed offset since 1991; before that the table is asked.
const FIXED_SINCE: i64 = 700_000_000 * SECOND;

impl Time {
    /// From Unix seconds.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND))
    }
    /// Unix seconds, rounded down.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0.div_euclid(SECOND)
    }
    /// Later by microseconds, saturating.
    #[must_use]
    pub const fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }
    /// Microseconds from `earlier` to this instant, saturating.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
    fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
    /// Wire form `yyyy-MM-ddTHH:mm:ss+08:00` (wire reference, Notation).
    #[must_use]
    pub fn rfc3339(self) -> String {
        self.timestamp().to_zoned(SHANGHAI.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
    /// `yyyy-MM-dd HH:mm:ss` in the business zone, for pages and bills.
    #[must_use]
    pub fn local(self) -> String {
        let t = self.civil();
        let (year, month, day) = (t.year(), t.month(), t.day());
        format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", t.hour(), t.minute(), t.second())
    }
    /// `yyyyMMddHHmmss` in the business zone.
    #[must_use]
    pub fn compact(self) -> String {
        let t = self.civil();
        let (year, month, day) = (t.year(), t.month(), t.day());
        format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}", t.hour(), t.minute(), t.second())
    }
    /// Date and time of day in the business zone. Bills print it twice a row.
    fn civil(self) -> DateTime {
        if self.0 > FIXED_SINCE {
            return Offset::constant(8).to_datetime(self.timestamp());
        }
        self.timestamp().to_zoned(SHANGHAI.clone()).datetime()
    }
    /// Reads RFC 3339 with or without a fraction, `Z` or an offset (wire reference §1.1).
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        if !matches!(text.as_bytes().get(10), Some(b'T')) {
            return None;
        }
        text.parse::<Timestamp>().ok().map(|t| Self(t.as_microsecond()))
    }
    /// The calendar day in the business zone (Asia/Shanghai).
    #[must_use]
    pub fn business_day(self) -> BusinessDay {
        if self.0 > FIXED_SINCE {
            let days = (self.0 + 8 * HOUR).div_euclid(DAY);
            return BusinessDay(i32::try_from(days).unwrap_or(i32::MAX));
        }
        let date = self.timestamp().to_zoned(SHANGHAI.clone()).date();
        BusinessDay::from_date(date)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// A business day: days since 1970-01-01 in the business zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct BusinessDay(pub i32);

impl BusinessDay {
    fn from_date(date: Date) -> Self {
        let epoch = Date::constant(1970, 1, 1);
        Self(date.since(epoch).map_or(0, |span| span.get_days()))
    }
    fn date(self) -> Date {
        let epoch = Date::constant(1970, 1, 1);
        epoch.checked_add(jiff::Span::new().days(i64::from(self.0))).unwrap_or(epoch)
    }
    /// Reads `yyyy-MM-dd`, years 1970 to 9999.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let form = text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let day = form.then(|| text.parse::<Date>().ok().map(Self::from_date))??;
        (day.0 >= 0).then_some(day)
    }
    /// Later by whole days; earlier when negative. Saturating.
    #[must_use]
    pub const fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }
    /// The day after.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }
    /// The day before.
    #[must_use]
    pub const fn previous(self) -> Self {
        self.plus(-1)
    }
    /// Monday is 1, Sunday is 7 (ISO 8601).
    #[must_use]
    pub const fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        ((self.0 as i64 + 3).rem_euclid(7) + 1) as u8
    }
    /// The calendar year.
    #[must_use]
    pub fn year(self) -> i16 {
        self.date().year()
    }
    /// The first instant of the day.
    #[must_use]
    pub fn start(self) -> Time {
        let zoned = self.date().to_zoned(SHANGHAI.clone());
        zoned.map_or(Time(0), |z| Time(z.timestamp().as_microsecond()))
    }
}

impl fmt::Display for BusinessDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_time_is_shanghai() {
        let t = Time::from_unix(1_700_000_000);
        assert_eq!(t.rfc3339(), "2023-11-15T06:13:20+08:00");
        assert_eq!(Time::parse_rfc3339("2023-11-15T06:13:20+08:00"), Some(t));
        assert_eq!(Time::parse_rfc3339("2023-11-14T22:13:20.000Z"), Some(t));
        for bad in ["", "2023-11-15", "2023-11-15 06:13:20+08:00", "2023-13-15T06:13:20Z", "now"] {
            assert_eq!(Time::parse_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn local_time_is_shanghai_before_and_after_summer_time_ended() {
        for (unix, local) in [
            (0, "1970-01-01 08:00:00"),
            (547_200_000, "1987-05-05 17:00:00"), // summer time, +09:00
            (700_000_000, "1992-03-08 04:26:40"),
            (700_000_001, "1992-03-08 04:26:41"),
            (1_700_000_000, "2023-11-15 06:13:20"),
            (253_402_200_000, "9999-12-31 04:00:00"),
        ] {
            let t = Time::from_unix(unix);
            assert_eq!(t.local(), local);
            assert_eq!(t.compact(), local.replace(['-', ' ', ':'], ""));
            assert_eq!(t.rfc3339()[..10], local[..10]);
            assert_eq!(t.rfc3339()[11..19], local[11..]);
        }
        // Beyond what can be a date, as everywhere here.
        assert_eq!(Time(i64::MAX).local(), Time(0).local());
    }

    #[test]
    fn a_business_day_turns_at_shanghai_midnight() {
        let noon = Time::parse_rfc3339("2026-11-21T23:59:59+08:00").unwrap();
        assert_eq!(noon.business_day().to_string(), "2026-11-21");
        assert_eq!(noon.plus(SECOND).business_day().to_string(), "2026-11-22");
        assert_eq!(noon.business_day().start().rfc3339(), "2026-11-21T00:00:00+08:00");
        assert_eq!(noon.business_day().year(), 2026);
        assert_eq!(noon.business_day().weekday(), 6);
        assert_eq!(BusinessDay::parse("2026-11-22"), Some(noon.business_day().next()));
        assert_eq!(BusinessDay::parse("2026-11-22").unwrap().previous(), noon.business_day());
        for bad in ["", "2026-11-31", "2026-1-1", "20261122", "1969-12-31", "2026-11-22 "] {
            assert_eq!(BusinessDay::parse(bad), None, "{bad}");
        }
    }
}
