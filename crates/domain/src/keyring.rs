//! Sealed key material that must live and die with the ledger: the platform's signing keys.

use crate::{Stop, Tx, context::Event};
use serde::{Deserialize, Serialize};

/// A named set of keys, sealed by the vault. The domain never opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRing {
    /// Its name, such as `platform`.
    pub name: Box<str>,
    /// Sealed bytes.
    pub sealed: Box<[u8]>,
    /// Counts replacements.
    pub version: i64,
}

/// Replaces a key ring.
pub(crate) fn replace(name: &str, sealed: &[u8], tx: &mut Tx<'_>) -> Result<(), Stop> {
    let version = tx.get::<KeyRing>(&name.into())?.map_or(1, |known| known.version + 1);
    tx.put(KeyRing { name: name.into(), sealed: sealed.into(), version });
    tx.note(name);
    tx.tell(Event::KeysChanged);
    Ok(())
}
