//! How a merchant's callbacks move from certificate to public key (wire §1.8).

use types::{Rate, Time, time::DAY};

/// Share of callbacks signed with the public key, by whole days since the merchant switched it on.
const STEPS: [u32; 7] = [1_000, 10_000, 50_000, 100_000, 200_000, 500_000, 1_000_000];

/// The share at `now` of a ramp that began at `started`: 0.1 %, 1 %, 5 %, 10 %, 20 %, 50 %, 100 %, a day each.
///
/// ```
/// use crypto::platform::callback_share;
/// use types::{Rate, Time, time::DAY};
/// let started = Time::from_unix(1_790_000_000);
/// assert_eq!(callback_share(started, started), Rate(1_000));
/// assert_eq!(callback_share(started, started.plus(6 * DAY)), Rate::WHOLE);
/// ```
#[must_use]
pub fn callback_share(started: Time, now: Time) -> Rate {
    if now < started {
        return Rate(0);
    }
    let day = usize::try_from(now.since(started) / DAY).unwrap_or(usize::MAX);
    Rate(STEPS.get(day).copied().unwrap_or(Rate::WHOLE.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_takes_seven_steps_of_a_day() {
        let started = Time::from_unix(1_790_000_000);
        assert_eq!(callback_share(started, started.plus(-1)), Rate(0));
        for (day, millionths) in (0..).zip(STEPS) {
            assert_eq!(callback_share(started, started.plus(day * DAY)), Rate(millionths));
            assert_eq!(callback_share(started, started.plus((day + 1) * DAY - 1)), Rate(millionths));
        }
        assert_eq!(callback_share(started, started.plus(1000 * DAY)), Rate::WHOLE);
        assert_eq!(callback_share(Time(i64::MIN), Time(i64::MAX)), Rate::WHOLE);
    }
}
