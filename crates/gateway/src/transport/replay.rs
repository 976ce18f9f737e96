//! What was signed lately: the same nonce does not stand for two requests (wire §1.4).
//!
//! An entry is keyed by (mchid, serial, timestamp, nonce) and remembers the signature. RSASSA-PKCS1-v1_5 is
//! deterministic, so an equal signature that verified means an equal method, target and body: such a repeat is
//! a proxy's or a client's retry and passes. Another signature means another request under an old nonce.
//!
//! An entry is kept until its timestamp is outside the window ([`WINDOW_SECONDS`]), after which the clock check
//! refuses the request: 5 minutes for a right clock, 10 at most. Entries lie in buckets of one minute of their
//! timestamp; a shard that is full drops its oldest bucket. That loses nothing of worth: only the holder of the
//! merchant's key can sign another request under an old nonce, so this memory finds faulty clients, while
//! refusing requests when it is full would stop right ones.

use crypto::request::{Credentials, WINDOW_SECONDS};
use rustc_hash::FxHashMap;
use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::{Mutex, PoisonError},
};

const SHARDS: usize = 16;
/// Entries of one shard: half a million in all, about 16 MiB, five minutes of 1,700 requests a second.
const SHARD_MAX: usize = 32_768;
const BUCKET_SECONDS: i64 = 60;

/// The memory. Keys are 64-bit hashes under a secret of the process, so no client can aim at another's entry.
pub(super) struct ReplayMemory {
    secret: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    shard_max: usize,
}

#[derive(Default)]
struct Shard {
    /// Minute of the timestamp → key → hash of the signature.
    minutes: BTreeMap<i64, FxHashMap<u64, u64>>,
    entries: usize,
}

/// What a request is to the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Not seen before; remembered now.
    New,
    /// The same request again.
    Again,
    /// The nonce was used for another request.
    Other,
}

impl Default for ReplayMemory {
    fn default() -> Self {
        Self::with_room(SHARD_MAX)
    }
}

impl ReplayMemory {
    fn with_room(shard_max: usize) -> Self {
        Self { secret: RandomState::new(), shards: Default::default(), shard_max }
    }

    /// Looks a verified request up and remembers it. `now` is Unix seconds of the clock that checked its
    /// timestamp.
    pub(super) fn remember(&self, credentials: &Credentials, now: i64) -> Seen {
        let key = self.hash(|to| {
            credentials.mchid.hash(to);
            credentials.serial.hash(to);
            credentials.timestamp.hash(to);
            credentials.nonce.hash(to);
        });
        let signature = self.hash(|to| credentials.signature.hash(to));
        let place = usize::try_from(key % SHARDS as u64).unwrap_or(0);
        let mut shard = self.shards[place].lock().unwrap_or_else(PoisonError::into_inner);
        shard.forget_before((now - WINDOW_SECONDS).div_euclid(BUCKET_SECONDS));
        let minute = credentials.timestamp.div_euclid(BUCKET_SECONDS);
        if let Some(known) = shard.minutes.get(&minute).and_then(|bucket| bucket.get(&key)) {
            return if *known == signature { Seen::Again } else { Seen::Other };
        }
        if shard.entries >= self.shard_max
            && let Some((_, oldest)) = shard.minutes.pop_first()
        {
            shard.entries -= oldest.len();
            tracing::warn!(
                dropped = oldest.len(),
                "the replay memory is full; its oldest minute was dropped"
            );
        }
        shard.minutes.entry(minute).or_default().insert(key, signature);
        shard.entries += 1;
        Seen::New
    }

    fn hash(&self, feed: impl FnOnce(&mut <RandomState as BuildHasher>::Hasher)) -> u64 {
        let mut hasher = self.secret.build_hasher();
        feed(&mut hasher);
        hasher.finish()
    }
}

impl Shard {
    fn forget_before(&mut self, minute: i64) {
        while let Some(oldest) = self.minutes.first_entry()
            && *oldest.key() < minute
        {
            self.entries -= oldest.remove().len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::MerchantId;

    const NOW: i64 = 1_790_000_000;

    fn signed(nonce: &str, timestamp: i64, signature: &str) -> Credentials {
        Credentials {
            mchid: MerchantId(1_900_000_001),
            serial: "5A".into(),
            nonce: nonce.into(),
            timestamp,
            signature: signature.into(),
        }
    }

    fn entries(memory: &ReplayMemory) -> usize {
        memory.shards.iter().map(|shard| shard.lock().unwrap().entries).sum()
    }

    #[test]
    fn a_repeat_passes_and_another_request_under_the_nonce_does_not() {
        let memory = ReplayMemory::default();
        assert_eq!(memory.remember(&signed("n", NOW, "one"), NOW), Seen::New);
        assert_eq!(memory.remember(&signed("n", NOW, "one"), NOW + 300), Seen::Again);
        assert_eq!(memory.remember(&signed("n", NOW, "two"), NOW + 300), Seen::Other);
        assert_eq!(memory.remember(&signed("m", NOW, "two"), NOW), Seen::New);
        assert_eq!(memory.remember(&signed("n", NOW + 1, "two"), NOW), Seen::New);
        let other = Credentials { mchid: MerchantId(2), ..signed("n", NOW, "two") };
        assert_eq!(memory.remember(&other, NOW), Seen::New);
        let other = Credentials { serial: "5B".into(), ..signed("n", NOW, "two") };
        assert_eq!(memory.remember(&other, NOW), Seen::New);
    }

    #[test]
    fn an_entry_lives_as_long_as_its_timestamp_is_taken_and_then_goes() {
        let memory = ReplayMemory::default();
        // A clock ahead by the whole window: the request could come again for ten minutes.
        let ahead = signed("n", NOW + WINDOW_SECONDS, "one");
        assert_eq!(memory.remember(&ahead, NOW), Seen::New);
        assert_eq!(memory.remember(&ahead, NOW + 2 * WINDOW_SECONDS), Seen::Again);
        for minute in 0..20 {
            for nonce in 0..100 {
                let now = NOW + 3600 + minute * 60;
                memory.remember(&signed(&nonce.to_string(), now, "one"), now);
            }
        }
        // Six minutes of 100 each at most, and what lies in shards that were not asked for since.
        assert!(entries(&memory) <= 8 * 100, "{}", entries(&memory));
    }

    #[test]
    fn a_full_memory_drops_its_oldest_minute_and_goes_on() {
        let memory = ReplayMemory::with_room(8);
        for number in 0..10_000_i64 {
            let now = NOW + number / 20;
            assert_eq!(memory.remember(&signed(&number.to_string(), now, "one"), now), Seen::New);
            assert!(entries(&memory) <= 8 * SHARDS);
        }
    }
}
