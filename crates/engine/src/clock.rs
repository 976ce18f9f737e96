//! The clock, as something that is handed in.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use types::Time;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Time;
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A clock that runs ahead of the machine's by as much as it was moved, or stands still: for sandboxes,
/// tests and simulations.
#[derive(Debug)]
pub struct ManualClock {
    /// Microseconds added to the machine's clock; the time itself when standing.
    value: AtomicI64,
    standing: bool,
}

impl ManualClock {
    /// A clock that stands at `now` until moved.
    #[must_use]
    pub const fn standing(now: Time) -> Self {
        Self { value: AtomicI64::new(now.0), standing: true }
    }
    /// A clock that runs with the machine's, moved ahead by `micros`.
    #[must_use]
    pub const fn ahead(micros: i64) -> Self {
        Self { value: AtomicI64::new(micros), standing: false }
    }
    /// Moves the clock forward; it never goes back.
    pub fn advance(&self, micros: i64) {
        self.value.fetch_add(micros.max(0), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        let value = self.value.load(Ordering::SeqCst);
        if self.standing { Time(value) } else { SystemClock.now().plus(value) }
    }
}
