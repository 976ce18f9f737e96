//! Holidays of mainland China. 2026 as announced by the State Council. Of 2027 only what the holiday
//! regulation (全国年节及纪念日放假办法, 2024) fixes: its days, and a weekday in place of each that falls on a weekend.
//! Which days around them are off or made up is announced each November; the operator loads it with
//! `feiqian calendar set`.

use types::BusinessDay;

/// Weekdays off.
const HOLIDAYS: [&str; 32] = [
    // 2026: New Year, Spring Festival, Qingming, Labour Day, Dragon Boat, Mid-Autumn, National Day
    "2026-01-01",
    "2026-01-02",
    "2026-02-16",
    "2026-02-17",
    "2026-02-18",
    "2026-02-19",
    "2026-02-20",
    "2026-02-23",
    "2026-04-06",
    "2026-05-01",
    "2026-05-04",
    "2026-05-05",
    "2026-06-19",
    "2026-09-25",
    "2026-10-01",
    "2026-10-02",
    "2026-10-05",
    "2026-10-06",
    "2026-10-07",
    // 2027
    "2027-01-01",
    "2027-02-05",
    "2027-02-08",
    "2027-02-09",
    "2027-02-10",
    "2027-04-05",
    "2027-05-03",
    "2027-05-04",
    "2027-06-09",
    "2027-09-15",
    "2027-10-01",
    "2027-10-04",
    "2027-10-05",
];

/// Weekends worked, 2026.
const MAKE_UP: [&str; 6] =
    ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"];

const COVERS_TO: &str = "2027-12-31";

/// Holidays, make-up days, and the last day they cover.
pub(super) fn days() -> (Vec<BusinessDay>, Vec<BusinessDay>, BusinessDay) {
    let read = |days: &[&str]| days.iter().filter_map(|day| BusinessDay::parse(day)).collect();
    (read(&HOLIDAYS), read(&MAKE_UP), BusinessDay::parse(COVERS_TO).unwrap_or_default())
}
