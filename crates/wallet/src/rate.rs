//! A limit on sign-in requests per network address, so that nobody sends codes or guesses by the thousand.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};
use types::{Time, time};

/// Requests an address may make at once.
const BURST: i64 = 20;
/// Time after which one more is allowed.
const REFILL: i64 = 6 * time::SECOND;
/// Addresses remembered at most.
const ADDRESSES_MAX: usize = 10_000;

/// A token bucket per address; of IPv6 the first 64 bits count, which one household has.
#[derive(Default)]
pub(crate) struct Limiter(Mutex<HashMap<IpAddr, Bucket>>);

struct Bucket {
    left: i64,
    filled_at: Time,
}

impl Bucket {
    fn refill(&mut self, now: Time) {
        let more = now.since(self.filled_at).max(0) / REFILL;
        self.left = (self.left + more).min(BURST);
        self.filled_at = if self.left == BURST { now } else { self.filled_at.plus(more * REFILL) };
    }
}

impl Limiter {
    /// Takes one request of `address`; `Err` with the seconds to wait when none is left.
    pub(crate) fn take(&self, address: IpAddr, now: Time) -> Result<(), i64> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = household(address);
        if buckets.len() >= ADDRESSES_MAX && !buckets.contains_key(&key) {
            // Full buckets say nothing; if all say something, forgetting them is better than locking all out.
            buckets.retain(|_, bucket| {
                bucket.refill(now);
                bucket.left < BURST
            });
            if buckets.len() >= ADDRESSES_MAX {
                tracing::warn!(addresses = buckets.len(), "sign-in limiter is full; starting anew");
                buckets.clear();
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { left: BURST, filled_at: now });
        bucket.refill(now);
        if bucket.left == 0 {
            return Err((REFILL - now.since(bucket.filled_at)).max(time::SECOND) / time::SECOND);
        }
        bucket.left -= 1;
        Ok(())
    }
}

fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => IpAddr::V4(four),
            None => IpAddr::V6((u128::from(six) >> 64 << 64).into()),
        },
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_stopped_after_its_burst_and_goes_on_later() {
        let (limiter, start) = (Limiter::default(), Time::from_unix(1_790_000_000));
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..BURST {
            assert_eq!(limiter.take(address, start), Ok(()));
        }
        assert_eq!(limiter.take(address, start), Err(6));
        assert_eq!(limiter.take("192.0.2.2".parse().unwrap(), start), Ok(()));
        let later = start.plus(REFILL);
        assert_eq!(limiter.take(address, later), Ok(()));
        assert_eq!(limiter.take(address, later.plus(2 * time::SECOND)), Err(4));
        let much_later = start.plus(time::DAY);
        for _ in 0..BURST {
            assert_eq!(limiter.take(address, much_later), Ok(()));
        }
        assert!(limiter.take(address, much_later).is_err());
    }

    #[test]
    fn one_household_has_one_bucket_and_the_map_is_bounded() {
        let (limiter, now) = (Limiter::default(), Time::from_unix(1_790_000_000));
        for n in 0..BURST {
            let address: IpAddr = format!("2001:db8:1:2::{n:x}").parse().unwrap();
            assert_eq!(limiter.take(address, now), Ok(()));
        }
        assert!(limiter.take("2001:db8:1:2:ffff::1".parse().unwrap(), now).is_err());
        assert!(limiter.take("2001:db8:1:3::1".parse().unwrap(), now).is_ok());
        for n in 0..2 * ADDRESSES_MAX as u32 {
            limiter.take(IpAddr::V4(n.into()), now).unwrap();
        }
        assert!(limiter.0.lock().unwrap().len() <= ADDRESSES_MAX);
    }
}
