//! The one key an operator keeps outside the store.

use super::VaultError;
use crate::random;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use std::fmt;
use types::Secret;
use zeroize::{Zeroize, Zeroizing};

/// Thirty-two random bytes from which every other key of the server derives. Lost means: nothing sealed opens.
///
/// ```
/// use crypto::MasterKey;
/// let key = MasterKey::generate()?;
/// let again = MasterKey::parse(key.to_text().expose())?;
/// assert_eq!(key.to_text().expose(), again.to_text().expose());
/// assert_eq!(format!("{key:?}"), "MasterKey(***)");
/// # Ok::<(), crypto::vault::VaultError>(())
/// ```
#[derive(Clone)]
pub struct MasterKey(Secret<[u8; 32]>);

impl MasterKey {
    /// Draws a new key.
    ///
    /// # Errors
    /// [`VaultError::Randomness`].
    pub fn generate() -> Result<Self, VaultError> {
        Ok(Self(Secret::new(random::bytes()?)))
    }

    /// A key whose bytes the caller drew.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// Reads a key file or variable: 64 hex digits, or Base64 in either alphabet; blanks around it are skipped.
    ///
    /// # Errors
    /// [`VaultError::MasterKey`], which does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let text = text.trim().as_bytes();
        let decoded = match text.len() {
            64 => HEXLOWER_PERMISSIVE.decode(text),
            44 => BASE64.decode(text),
            43 => BASE64URL_NOPAD.decode(text),
            _ => return Err(VaultError::MasterKey),
        };
        let bytes = Zeroizing::new(decoded.map_err(|_| VaultError::MasterKey)?);
        let bytes = bytes.as_slice().try_into().map_err(|_| VaultError::MasterKey)?;
        Ok(Self(Secret::new(bytes)))
    }

    /// 64 hex digits, for the key file.
    #[must_use]
    pub fn to_text(&self) -> Secret<String> {
        Secret::new(HEXLOWER.encode(self.0.expose()))
    }

    /// `N` bytes that only this key and `label` give. The key is uniformly random, so HKDF needs no extract step
    /// (RFC 5869 §3.3).
    pub(crate) fn derive<const N: usize>(&self, label: &str) -> [u8; N] {
        expand(&Prk::new_less_safe(HKDF_SHA256, self.0.expose()), &[b"feiqian/1/", label.as_bytes()])
            .expect("a short HKDF output")
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

/// HKDF-Expand to `N` bytes; none above 8160.
pub(crate) fn expand<const N: usize>(key: &Prk, info: &[&[u8]]) -> Option<[u8; N]> {
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut bytes = [0; N];
    if key.expand(info, Length(N)).ok()?.fill(&mut bytes).is_err() {
        bytes.zeroize();
        return None;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_in_every_text_form_and_nothing_else() {
        let bytes: [u8; 32] = std::array::from_fn(|i| u8::try_from(i * 8).unwrap());
        let hex = MasterKey::from_bytes(bytes).to_text();
        for text in [
            hex.expose().clone(),
            hex.expose().to_uppercase(),
            format!("\n {} \r\n", hex.expose()),
            BASE64.encode(&bytes),
            BASE64URL_NOPAD.encode(&bytes),
        ] {
            assert_eq!(MasterKey::parse(&text).unwrap().to_text(), hex);
        }
        for bad in ["", "00", &hex.expose()[1..], &"g".repeat(64), &"!".repeat(44), &"A".repeat(44)] {
            assert_eq!(MasterKey::parse(bad).unwrap_err(), VaultError::MasterKey, "{bad}");
        }
    }

    #[test]
    fn labels_and_keys_give_different_bytes_and_always_the_same() {
        let key = MasterKey::from_bytes([7; 32]);
        let one: [u8; 32] = key.derive("a");
        assert_eq!(one, key.derive("a"));
        assert_ne!(one, key.derive("b"));
        assert_ne!(one, MasterKey::from_bytes([8; 32]).derive("a"));
    }

    #[test]
    fn expand_is_the_hkdf_of_the_standard() {
        // RFC 5869 appendix A.1.
        let prk = "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5";
        let okm = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
        let prk = Prk::new_less_safe(HKDF_SHA256, &HEXLOWER.decode(prk.as_bytes()).unwrap());
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let out: [u8; 42] = expand(&prk, &[&info]).unwrap();
        assert_eq!(HEXLOWER.encode(&out), okm);
        assert_eq!(expand::<8161>(&prk, &[&info]), None);
    }
}
