//! A limit on sign-in requests per network address, so that nobody sends codes or guesses by the thousand. Whoever was
//! right gets the request back: a whole office behind one address can sign in at nine o'clock.

use crate::address::network;
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

/// For each network the time at which its allowance is full again; of IPv6 the first 64 bits count.
#[derive(Debug, Default)]
pub struct Limiter(Mutex<HashMap<IpAddr, Time>>);

impl Limiter {
    /// Takes one request of `address` at `now`.
    ///
    /// # Errors
    /// The seconds to wait when none is left.
    pub fn take(&self, address: IpAddr, now: Time) -> Result<(), i64> {
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = network(address);
        if full_at.len() >= ADDRESSES_MAX && !full_at.contains_key(&key) {
            // A full allowance says nothing; if all say something, forgetting them is better than locking all out.
            full_at.retain(|_, at| *at > now);
            if full_at.len() >= ADDRESSES_MAX {
                tracing::warn!(addresses = full_at.len(), "a sign-in limiter is full; starting anew");
                full_at.clear();
            }
        }
        let at = full_at.entry(key).or_insert(now);
        let next = (*at).max(now).plus(REFILL);
        let over = next.since(now) - BURST * REFILL;
        if over > 0 {
            return Err((over + time::SECOND - 1) / time::SECOND);
        }
        *at = next;
        Ok(())
    }
    /// Gives back a request of `address` that [`Limiter::take`] took and that was right. Never more than the allowance.
    pub fn give_back(&self, address: IpAddr, now: Time) {
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = full_at.get_mut(&network(address)) {
            *at = at.plus(-REFILL).max(now);
        }
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
        assert_eq!(limiter.take(address, later), Err(6));
        assert_eq!(limiter.take(address, later.plus(2 * time::SECOND)), Err(4));
        let much_later = start.plus(time::DAY);
        for _ in 0..BURST {
            assert_eq!(limiter.take(address, much_later), Ok(()));
        }
        assert!(limiter.take(address, much_later).is_err());
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_and_nothing_more() {
        let (limiter, now) = (Limiter::default(), Time::from_unix(1_790_000_000));
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..5 * BURST {
            assert_eq!(limiter.take(address, now), Ok(()));
            limiter.give_back(address, now);
        }
        limiter.give_back(address, now);
        limiter.give_back("192.0.2.2".parse().unwrap(), now);
        for _ in 0..BURST {
            assert_eq!(limiter.take(address, now), Ok(()));
        }
        assert_eq!(limiter.take(address, now), Err(6));
        limiter.give_back(address, now);
        assert_eq!(limiter.take(address, now), Ok(()));
        assert_eq!(limiter.take(address, now), Err(6));
    }

    #[test]
    fn one_household_has_one_allowance_and_the_map_is_bounded() {
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
