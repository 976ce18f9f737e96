//! Latencies, kept in microseconds and read as percentiles in milliseconds; rates.

use std::time::Duration;

/// The `share` percentile (0 to 100); 0 when nothing was measured.
pub(crate) fn percentile<T: Copy + Default>(sorted: &[T], share: usize) -> T {
    let place = (sorted.len() * share / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or_default()
}

/// The `share` percentile (0 to 100) in milliseconds with two decimals; 0 when nothing was measured.
pub(crate) fn percentile_ms(sorted_us: &[u32], share: usize) -> f64 {
    let us = percentile(sorted_us, share);
    #[expect(clippy::float_arithmetic, reason = "a figure for people, not money")]
    let ms = f64::from(us / 10) / 100.0;
    ms
}

/// `count` in `seconds`, a second.
pub(crate) fn rate(count: u64, elapsed: Duration) -> u64 {
    let micros = elapsed.as_micros().max(1);
    u64::try_from(u128::from(count) * 1_000_000 / micros).unwrap_or(0)
}

/// How many come in `time` at that rate a second.
pub(crate) fn in_that_time(per_s: u64, time: Duration) -> u64 {
    u64::try_from(u128::from(per_s) * time.as_micros() / 1_000_000).unwrap_or(u64::MAX)
}
