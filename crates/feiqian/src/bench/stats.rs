//! Latencies: kept in microseconds, read as percentiles in milliseconds.

/// The `share` percentile (0 to 100) in milliseconds with two decimals; 0 when nothing was measured.
pub(crate) fn percentile_ms(sorted_us: &[u32], share: usize) -> f64 {
    let place = (sorted_us.len() * share / 100).min(sorted_us.len().saturating_sub(1));
    let us = sorted_us.get(place).copied().unwrap_or(0);
    #[expect(clippy::float_arithmetic, reason = "a figure for people, not money")]
    let ms = f64::from(us / 10) / 100.0;
    ms
}

/// `count` in `seconds`, a second.
pub(crate) fn rate(count: u64, elapsed: std::time::Duration) -> u64 {
    let micros = elapsed.as_micros().max(1);
    u64::try_from(u128::from(count) * 1_000_000 / micros).unwrap_or(0)
}
