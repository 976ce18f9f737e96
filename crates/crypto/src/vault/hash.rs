//! Keyed hashes: HMAC-SHA-256 (RFC 2104) with a key per kind.

use super::MasterKey;
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use std::fmt;
use types::{Masked, PayerId, Phone};
use zeroize::Zeroize;

/// True when both are equal; takes the same time wherever they differ.
///
/// ```
/// assert!(crypto::vault::same(b"123456", b"123456"));
/// assert!(!crypto::vault::same(b"123456", b"123457"));
/// ```
#[must_use]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    verify_slices_are_equal(one, other).is_ok()
}

/// Thirty-two bytes that stand for a value which is not stored. `==` takes constant time; `Debug` shows nothing,
/// because short values (a PIN) could be tried out by whoever also had the key.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyedHash([u8; 32]);

impl KeyedHash {
    /// From stored bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    /// The bytes to store or look up.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
    /// Lower-case hex, for keys that must be text.
    #[must_use]
    pub fn to_hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }
}

impl PartialEq for KeyedHash {
    fn eq(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}

impl Eq for KeyedHash {}

impl std::hash::Hash for KeyedHash {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash(***)")
    }
}

/// Hashes values that must be compared or looked up but never read back.
///
/// ```
/// use crypto::{MasterKey, Vault};
/// use types::PayerId;
/// let vault = Vault::new(1, &MasterKey::from_bytes([7; 32]));
/// let stored = vault.hasher().pin(PayerId(42), "258369");
/// assert_eq!(vault.hasher().pin(PayerId(42), "258369"), stored);
/// assert_ne!(vault.hasher().pin(PayerId(43), "258369"), stored);
/// ```
pub struct Hasher {
    pin: hmac::Key,
    phone: hmac::Key,
    code: hmac::Key,
    token: hmac::Key,
    name: hmac::Key,
}

impl Hasher {
    pub(super) fn derive(master: &MasterKey) -> Self {
        let key = |label: &str| {
            let mut bytes: [u8; 32] = master.derive(label);
            let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
            bytes.zeroize();
            key
        };
        Self {
            pin: key("hash/pin"),
            phone: key("hash/phone"),
            code: key("hash/code"),
            token: key("hash/token"),
            name: key("hash/name"),
        }
    }

    /// A payment PIN. The payer is part of it, so equal PINs of two payers differ. A PIN has a million values:
    /// the secrecy of the key and the lock-out protect it, not the hash alone.
    #[must_use]
    pub fn pin(&self, payer: PayerId, pin: &str) -> KeyedHash {
        hash(&self.pin, &[&payer.0.to_be_bytes(), pin.as_bytes()])
    }

    /// A phone number, for finding its payer.
    #[must_use]
    pub fn phone(&self, phone: &Phone) -> KeyedHash {
        hash(&self.phone, &[phone.expose().as_bytes()])
    }

    /// A code sent to someone; `subject` says to whom and for what (`sign-in/13800000000`), so that it fits
    /// nothing else.
    #[must_use]
    pub fn code(&self, subject: &str, code: &str) -> KeyedHash {
        hash(&self.code, &[subject.as_bytes(), code.as_bytes()])
    }

    /// A person's name, to be compared with another without keeping either. Spaces around it don't count.
    #[must_use]
    pub fn name(&self, name: &str) -> KeyedHash {
        hash(&self.name, &[name.trim().as_bytes()])
    }

    /// A session token ([`crate::token::session`]): the store keeps this, the browser the token.
    #[must_use]
    pub fn token(&self, token: &str) -> KeyedHash {
        hash(&self.token, &[token.as_bytes()])
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher(***)")
    }
}

/// Each part is preceded by its length, so that no two lists of parts read alike.
fn hash(key: &hmac::Key, parts: &[&[u8]]) -> KeyedHash {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.sign().as_ref());
    KeyedHash(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(seed: u8) -> Hasher {
        Hasher::derive(&MasterKey::from_bytes([seed; 32]))
    }

    #[test]
    fn kind_subject_value_and_key_all_count() {
        let (one, other) = (hasher(1), hasher(2));
        let phone = Phone::parse("13800000000").unwrap();
        let all = [
            one.pin(PayerId(1), "258369"),
            one.pin(PayerId(2), "258369"),
            one.pin(PayerId(1), "258368"),
            other.pin(PayerId(1), "258369"),
            one.phone(&phone),
            other.phone(&phone),
            one.token("13800000000"),
            one.code("a", "bc"),
            one.code("ab", "c"),
            one.code("", "abc"),
            one.token("abc"),
        ];
        for (i, left) in all.iter().enumerate() {
            for (j, right) in all.iter().enumerate() {
                assert_eq!(left == right, i == j, "{i} and {j}");
            }
        }
        assert_eq!(one.pin(PayerId(1), "258369"), hasher(1).pin(PayerId(1), "258369"));
    }

    #[test]
    fn hashes_are_stable_across_releases_and_never_printed() {
        // A change here would lock every payer out. The value was computed apart, from another program's HMAC.
        let hash = hasher(7).pin(PayerId(42), "258369");
        assert_eq!(hash.to_hex(), "a8e3b7956b3a435105cd4b8b9429475eb3d5bd5d0e8ba4062e83e362147b1c71");
        assert_eq!(format!("{hash:?} {:?}", hasher(7)), "KeyedHash(***) Hasher(***)");
        assert_eq!(KeyedHash::from_bytes(*hash.as_bytes()), hash);
    }
}
