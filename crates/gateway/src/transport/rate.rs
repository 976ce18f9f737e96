//! How often a merchant may call, and how much trouble an address may make.

use domain::merchant::Merchant;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};
use types::MerchantId;
use web::address::network;

/// Merchants and addresses remembered at most; beyond it the memory starts anew.
const REMEMBERED_MAX: usize = 10_000;

/// A limiter for each merchant: `rate_per_s` requests a second, bursts of the same size.
#[derive(Default)]
pub(super) struct Rates(RwLock<HashMap<MerchantId, (u32, DefaultDirectRateLimiter)>>);

impl Rates {
    /// Counts a request. False when it is one too many; a rate of zero lets none pass. A merchant whose rate was
    /// changed starts with a full burst.
    pub(super) fn pass(&self, merchant: &Merchant) -> bool {
        let rate = merchant.rate_per_s;
        if let Some((known, limiter)) =
            self.0.read().unwrap_or_else(PoisonError::into_inner).get(&merchant.id)
            && *known == rate
        {
            return limiter.check().is_ok();
        }
        let Some(quota) = NonZeroU32::new(rate).map(Quota::per_second) else { return false };
        let mut limiters = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if limiters.len() >= REMEMBERED_MAX {
            limiters.clear();
        }
        let (known, limiter) =
            limiters.entry(merchant.id).or_insert_with(|| (rate, RateLimiter::direct(quota)));
        // Another request may have come first.
        if *known != rate {
            (*known, *limiter) = (rate, RateLimiter::direct(quota));
        }
        limiter.check().is_ok()
    }
}

/// Refunds a second that each merchant may ask for (wire §4).
const REFUNDS_PER_SECOND: u32 = 150;
/// Refunds a second that may fail (wire §4): a merchant whose requests fail is not let through for the second.
const FAILED_REFUNDS_PER_SECOND: u32 = 6;
/// Refunds a minute of orders older than a month (wire §4).
const OLD_REFUNDS_PER_MINUTE: u32 = 5000;

/// The most of one call a second and merchant (wire §8.1).
const PER_CALL: u32 = 100;

/// Counts calls by merchant and kind of call.
#[derive(Default)]
pub(crate) struct PerCall(Mutex<HashMap<(MerchantId, &'static str), Windowed>>);

impl PerCall {
    /// Counts a call; false when there were too many this second.
    pub(crate) fn pass(&self, merchant: MerchantId, call: &'static str, now: Instant) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= REMEMBERED_MAX {
            counts.clear();
        }
        counts.entry((merchant, call)).or_default().count(WINDOW, now) <= PER_CALL
    }
}

/// Counts refunds by merchant.
#[derive(Default)]
pub(crate) struct Refunds(Mutex<HashMap<MerchantId, RefundCounts>>);

#[derive(Default)]
struct RefundCounts {
    asked: Windowed,
    failed: Windowed,
    old: Windowed,
}

/// A count in a window that starts with the first one counted.
#[derive(Clone, Copy, Default)]
struct Windowed(Option<Instant>, u32);

impl Windowed {
    fn count(&mut self, window: Duration, now: Instant) -> u32 {
        if self.0.is_none_or(|since| now.saturating_duration_since(since) >= window) {
            *self = Self(Some(now), 0);
        }
        self.1 = self.1.saturating_add(1);
        self.1
    }
    fn so_far(&self, window: Duration, now: Instant) -> u32 {
        if self.0.is_some_and(|since| now.saturating_duration_since(since) < window) { self.1 } else { 0 }
    }
}

impl Refunds {
    /// Counts a request. False when it is one too many, or too many have failed lately.
    pub(crate) fn pass(&self, merchant: MerchantId, now: Instant) -> bool {
        self.with(merchant, |counts| {
            counts.failed.so_far(WINDOW, now) < FAILED_REFUNDS_PER_SECOND
                && counts.asked.count(WINDOW, now) <= REFUNDS_PER_SECOND
        })
    }
    /// Counts a refund of an order older than a month. False when it is one too many.
    pub(crate) fn pass_old(&self, merchant: MerchantId, now: Instant) -> bool {
        const MINUTE: Duration = Duration::from_secs(60);
        self.with(merchant, |counts| counts.old.count(MINUTE, now) <= OLD_REFUNDS_PER_MINUTE)
    }
    /// Counts a request that failed.
    pub(crate) fn failed(&self, merchant: MerchantId, now: Instant) {
        self.with(merchant, |counts| counts.failed.count(WINDOW, now));
    }
    fn with<T>(&self, merchant: MerchantId, count: impl FnOnce(&mut RefundCounts) -> T) -> T {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= REMEMBERED_MAX {
            counts.clear();
        }
        count(counts.entry(merchant).or_default())
    }
}

/// Counts by address, in windows of a second: for what costs us more than it costs the caller.
pub(crate) struct Addresses {
    per_second: u32,
    counts: Mutex<HashMap<IpAddr, (Instant, u32)>>,
}

const WINDOW: Duration = Duration::from_secs(1);

impl Addresses {
    /// Allows `per_second` counts a second to each address.
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second, counts: Mutex::default() }
    }
    /// True while the address has not used its second up.
    pub(crate) fn free(&self, address: IpAddr, now: Instant) -> bool {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&network(address)).is_none_or(|(since, count)| {
            now.saturating_duration_since(*since) >= WINDOW || *count < self.per_second
        })
    }
    /// Counts one for the address.
    pub(crate) fn count(&self, address: IpAddr, now: Instant) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= REMEMBERED_MAX {
            counts.clear();
        }
        let entry = counts.entry(network(address)).or_insert((now, 0));
        if now.saturating_duration_since(entry.0) >= WINDOW {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::merchant::Products;
    use types::{JournalId, Time};

    fn merchant(id: i64, rate_per_s: u32) -> Merchant {
        Merchant {
            partnership: None,
            combined_by: Vec::new(),
            sharing: domain::sharing::Participation::default(),
            id: MerchantId(id),
            name: "Tea house".into(),
            active: true,
            apps: Vec::new(),
            products: Products::ALL,
            apiv3_key: None,
            public_key_mode: true,
            rate_per_s,
            refund_days: 180,
            created_at: Time(0),
            journal: JournalId(0),
        }
    }

    #[test]
    fn each_merchant_has_its_own_rate_and_a_change_counts_at_once() {
        let rates = Rates::default();
        // A burst of the rate, and what comes back while the test runs, however slow the machine is.
        let check = |id, rate: u32| {
            let started = Instant::now();
            let passed = (0..1000).filter(|_| rates.pass(&merchant(id, rate))).count();
            let most = u128::from(rate) * (2 + started.elapsed().as_millis() / 500);
            assert!(passed >= usize::try_from(rate).unwrap(), "{passed} of {rate}");
            assert!(u128::try_from(passed).unwrap() <= most, "{passed} of {rate}");
        };
        for (id, rate) in [(1, 5), (2, 7), (1, 20), (3, 0)] {
            check(id, rate);
        }
    }

    #[test]
    fn refunds_are_counted_by_merchant_and_those_that_fail_apart() {
        let (refunds, now, one, other) = (Refunds::default(), Instant::now(), MerchantId(1), MerchantId(2));
        assert_eq!((0..200).filter(|_| refunds.pass(one, now)).count(), 150);
        assert!(refunds.pass(other, now));
        assert!(refunds.pass(one, now + WINDOW));
        for _ in 0..6 {
            assert!(refunds.pass(other, now));
            refunds.failed(other, now);
        }
        assert!(!refunds.pass(other, now), "six have failed");
        assert!(refunds.pass(other, now + WINDOW));
        assert_eq!((0..6000).filter(|_| refunds.pass_old(one, now)).count(), 5000);
        assert!(refunds.pass_old(one, now + Duration::from_secs(60)));
    }

    #[test]
    fn each_call_of_a_merchant_is_counted_apart() {
        let (calls, now, one, other) = (PerCall::default(), Instant::now(), MerchantId(1), MerchantId(2));
        assert_eq!((0..150).filter(|_| calls.pass(one, "transfer", now)).count(), 100);
        assert!(calls.pass(one, "query", now) && calls.pass(other, "transfer", now));
        assert!(calls.pass(one, "transfer", now + WINDOW));
    }

    #[test]
    fn an_address_is_counted_by_the_second() {
        let addresses = Addresses::new(2);
        let (now, one, other): (_, IpAddr, IpAddr) =
            (Instant::now(), "192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..2 {
            assert!(addresses.free(one, now));
            addresses.count(one, now);
        }
        assert!(!addresses.free(one, now));
        assert!(!addresses.free("::ffff:192.0.2.1".parse().unwrap(), now), "the same address, mapped");
        assert!(addresses.free(other, now));
        assert!(addresses.free(one, now + WINDOW));
        addresses.count(one, now + WINDOW);
        assert!(addresses.free(one, now + WINDOW));
    }

    #[test]
    fn one_ipv6_network_is_one_caller_and_the_memory_is_bounded() {
        let addresses = Addresses::new(1);
        let now = Instant::now();
        addresses.count("2001:db8::1".parse().unwrap(), now);
        assert!(!addresses.free("2001:db8::ffff:1".parse().unwrap(), now));
        assert!(addresses.free("2001:db8:0:1::1".parse().unwrap(), now));
        for number in 0..3 * u32::try_from(REMEMBERED_MAX).unwrap() {
            addresses.count(IpAddr::from(number.to_be_bytes()), now);
        }
        assert!(addresses.counts.lock().unwrap().len() <= REMEMBERED_MAX);
    }
}
