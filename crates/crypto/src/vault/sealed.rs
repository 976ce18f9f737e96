//! The bytes of a sealed secret.

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

const NONCE: usize = 12;
const TAG: usize = 16;
/// The longest record: version, nonce, secret, tag.
const LONGEST: usize = 1 + NONCE + super::SECRET_BYTES_MAX + TAG;

/// A sealed secret: key version (1 byte), nonce (12), cipher and tag. Safe to store and to print; in text formats
/// Base64, in binary ones bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Box<[u8]>);

impl Sealed {
    pub(super) fn of(version: u8, nonce: &[u8; NONCE], body: &[u8]) -> Self {
        Self([&[version], nonce.as_slice(), body].concat().into())
    }

    /// From stored bytes; none when they are too few or too many to be a record.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (1 + NONCE + TAG..=LONGEST).contains(&bytes.len()).then(|| Self(bytes.into()))
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The version of the master key it is sealed under.
    #[must_use]
    pub fn version(&self) -> Option<u8> {
        self.0.first().copied()
    }

    pub(super) fn parts(&self) -> Option<(u8, [u8; NONCE], &[u8])> {
        let (&version, rest) = self.0.split_first()?;
        let (nonce, body) = rest.split_first_chunk::<NONCE>()?;
        Some((version, *nonce, body))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            to.serialize_str(&BASE64.encode(&self.0))
        } else {
            to.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() { from.deserialize_str(Reader) } else { from.deserialize_bytes(Reader) }
    }
}

struct Reader;

impl de::Visitor<'_> for Reader {
    type Value = Sealed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a sealed secret of {} to {LONGEST} bytes", 1 + NONCE + TAG)
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Sealed, E> {
        let bytes = BASE64.decode(text.as_bytes()).map_err(|_| E::custom("a sealed secret is Base64"))?;
        self.visit_bytes(&bytes)
    }
    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Sealed, E> {
        Sealed::from_bytes(bytes).ok_or_else(|| E::invalid_length(bytes.len(), &self))
    }
}
