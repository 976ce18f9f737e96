//! Arrivals at an even rate. What could not begin in time has waited since it was due: so a stall is not hidden by asking
//! less.

use std::time::{Duration, Instant};

/// When each arrival is due.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    began: Instant,
    per_s: u64,
}

impl Pace {
    /// From `began` on, so many a second, at least one.
    pub(crate) fn new(began: Instant, per_s: u64) -> Self {
        Self { began, per_s: per_s.max(1) }
    }
    /// When the arrival of that number, from 0, is due.
    pub(crate) fn due(self, number: u64) -> Instant {
        let (whole, part) = (number / self.per_s, number % self.per_s);
        self.began + Duration::from_secs(whole) + Duration::from_nanos(part * 1_000_000_000 / self.per_s)
    }
}

/// Microseconds since then, as latencies are kept.
pub(crate) fn since_us(due: Instant) -> u32 {
    u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_even_also_where_the_second_does_not_divide() {
        let began = Instant::now();
        let pace = Pace::new(began, 3);
        let after = |number| (pace.due(number) - began).as_nanos();
        assert_eq!([0, 1, 2, 3].map(after), [0, 333_333_333, 666_666_666, 1_000_000_000]);
        assert_eq!(after(3 * 3_600), 3_600_000_000_000, "no drift in an hour");
        assert_eq!(Pace::new(began, 0).due(1) - began, Duration::from_secs(1));
    }
}
