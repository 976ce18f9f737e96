//! SHA-256, and SHA-1 where the wire asks for it, over bytes that come in pieces, such as a file's.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use std::fmt::Write;

/// A checksum under way.
///
/// ```
/// let mut sum = crypto::Checksum::new();
/// sum.add(b"ab");
/// sum.add(b"c");
/// assert_eq!(sum.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
/// ```
#[derive(Clone)]
pub struct Checksum(Context);

impl std::fmt::Debug for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Checksum")
    }
}

impl Default for Checksum {
    fn default() -> Self {
        Self::new()
    }
}

impl Checksum {
    /// Over nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }
    /// SHA-1 over nothing yet: the `hash_value` of bills (wire §6), which tells a broken download and no attacker.
    ///
    /// ```
    /// let mut sum = crypto::Checksum::sha1();
    /// sum.add(b"abc");
    /// assert_eq!(sum.hex(), "a9993e364706816aba3e25717850c26c9cd0d89d");
    /// ```
    #[must_use]
    pub fn sha1() -> Self {
        Self(Context::new(&SHA1_FOR_LEGACY_USE_ONLY))
    }
    /// Takes in the next bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
    /// The checksum as lower-case hex digits: 64, of SHA-1 40.
    #[must_use]
    pub fn hex(self) -> String {
        self.0.finish().as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // into a String: never fails
            text
        })
    }
}
