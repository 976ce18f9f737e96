//! AEAD_AES_256_GCM under the merchant's APIv3 key: notification resources and platform certificates (wire §2, §5).

use crate::random::{self, NoRandomness};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};
use types::Secret;
use zeroize::Zeroize;

/// The name of the algorithm on the wire.
pub const ALGORITHM: &str = "AEAD_AES_256_GCM";
/// Characters, and bytes, of a nonce.
pub const NONCE_CHARS: usize = 12;
/// Bytes of the tag at the end of a ciphertext.
pub const TAG_BYTES: usize = 16;

/// Why something could not be encrypted or decrypted under an APIv3 key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AeadError {
    /// The key is not 32 letters or digits.
    #[error("an APIv3 key has 32 letters or digits; set one of that form")]
    Key,
    /// The nonce is not 12 bytes.
    #[error("the nonce has {0} bytes; it must have {NONCE_CHARS}")]
    Nonce(usize),
    /// Not Base64, too short, changed, or encrypted under another key, nonce or associated data.
    #[error("the ciphertext cannot be decrypted with this APIv3 key, nonce and associated data")]
    Undecryptable,
    /// The provider failed to encrypt.
    #[error("the cryptographic provider could not encrypt")]
    Provider,
    /// No nonce or key could be drawn.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// A merchant's APIv3 key: 32 ASCII letters or digits, used as bytes.
///
/// ```
/// use crypto::ApiV3Key;
/// let key = ApiV3Key::parse("0123456789abcdef0123456789abcdef")?;
/// let sealed = key.seal("abcdefghijkl", "transaction", b"{\"a\":1}")?;
/// assert_eq!(sealed, "Eu6onfHUEIuHuUJ2U2443mIzhnIIlMg=");
/// assert_eq!(key.open("abcdefghijkl", "transaction", &sealed)?.expose(), b"{\"a\":1}");
/// # Ok::<(), crypto::aead::AeadError>(())
/// ```
#[derive(Clone)]
pub struct ApiV3Key {
    text: Secret<String>,
    key: Arc<LessSafeKey>,
}

/// An encrypted text with what decrypts it, beside the key; members as on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encrypted {
    /// [`ALGORITHM`].
    pub algorithm: String,
    /// Twelve characters.
    pub nonce: String,
    /// What the text is, bound to it; never absent (node-v3 needs it).
    pub associated_data: String,
    /// Base64 of cipher and tag.
    pub ciphertext: String,
}

impl ApiV3Key {
    /// Characters of a key.
    pub const CHARS: usize = 32;

    /// Reads a key as the merchant set it.
    ///
    /// # Errors
    /// [`AeadError::Key`].
    pub fn parse(text: &str) -> Result<Self, AeadError> {
        if text.len() != Self::CHARS || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(AeadError::Key);
        }
        let key = UnboundKey::new(&AES_256_GCM, text.as_bytes()).map_err(|_| AeadError::Key)?;
        Ok(Self { text: Secret::new(text.to_owned()), key: Arc::new(LessSafeKey::new(key)) })
    }

    /// Draws a new key.
    ///
    /// # Errors
    /// [`AeadError::Randomness`].
    pub fn generate() -> Result<Self, AeadError> {
        let mut text = random::alphanumeric(Self::CHARS)?;
        let key = Self::parse(&text);
        text.zeroize();
        key
    }

    /// The key itself, for showing it once and for sealing it.
    #[must_use]
    pub const fn text(&self) -> &Secret<String> {
        &self.text
    }

    /// Encrypts: Base64 of cipher and tag. `nonce` must never repeat under one key; see [`Self::encrypt`].
    ///
    /// # Errors
    /// [`AeadError::Nonce`], [`AeadError::Provider`].
    pub fn seal(&self, nonce: &str, associated_data: &str, plain: &[u8]) -> Result<String, AeadError> {
        let mut bytes = Vec::with_capacity(plain.len() + TAG_BYTES);
        bytes.extend_from_slice(plain);
        Ok(BASE64.encode(&self.seal_bytes(nonce, associated_data, bytes)?))
    }

    /// As [`Self::seal`], in place and as bytes: for files.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_bytes(
        &self,
        nonce: &str,
        associated_data: &str,
        mut plain: Vec<u8>,
    ) -> Result<Vec<u8>, AeadError> {
        self.key
            .seal_in_place_append_tag(nonce_of(nonce)?, Aad::from(associated_data.as_bytes()), &mut plain)
            .map_err(|_| AeadError::Provider)?;
        Ok(plain)
    }

    /// Encrypts under a fresh random nonce of 12 letters or digits (71 bits).
    ///
    /// # Errors
    /// [`AeadError::Randomness`], [`AeadError::Provider`].
    pub fn encrypt(&self, associated_data: &str, plain: &[u8]) -> Result<Encrypted, AeadError> {
        let nonce = random::alphanumeric(NONCE_CHARS)?;
        let ciphertext = self.seal(&nonce, associated_data, plain)?;
        let (algorithm, associated_data) = (ALGORITHM.to_owned(), associated_data.to_owned());
        Ok(Encrypted { algorithm, nonce, associated_data, ciphertext })
    }

    /// Decrypts what [`Self::seal`] made.
    ///
    /// # Errors
    /// [`AeadError::Nonce`], [`AeadError::Undecryptable`].
    pub fn open(
        &self,
        nonce: &str,
        associated_data: &str,
        ciphertext: &str,
    ) -> Result<Secret<Vec<u8>>, AeadError> {
        let mut bytes = BASE64.decode(ciphertext.as_bytes()).map_err(|_| AeadError::Undecryptable)?;
        let plain = self
            .key
            .open_in_place(nonce_of(nonce)?, Aad::from(associated_data.as_bytes()), &mut bytes)
            .map_err(|_| AeadError::Undecryptable)?
            .len();
        bytes.truncate(plain);
        Ok(Secret::new(bytes))
    }

    /// Decrypts what [`Self::encrypt`] made.
    ///
    /// # Errors
    /// [`AeadError::Nonce`], [`AeadError::Undecryptable`], also for another algorithm.
    pub fn decrypt(&self, encrypted: &Encrypted) -> Result<Secret<Vec<u8>>, AeadError> {
        if encrypted.algorithm != ALGORITHM {
            return Err(AeadError::Undecryptable);
        }
        self.open(&encrypted.nonce, &encrypted.associated_data, &encrypted.ciphertext)
    }
}

impl fmt::Debug for ApiV3Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiV3Key(***)")
    }
}

fn nonce_of(text: &str) -> Result<Nonce, AeadError> {
    Nonce::try_assume_unique_for_key(text.as_bytes()).map_err(|_| AeadError::Nonce(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const NONCE: &str = "abcdefghijkl";

    #[test]
    fn the_reference_vector_holds() {
        let key = ApiV3Key::parse(KEY).unwrap();
        let sealed = key.seal(NONCE, "transaction", b"{\"a\":1}").unwrap();
        assert_eq!(sealed, "Eu6onfHUEIuHuUJ2U2443mIzhnIIlMg=");
        assert_eq!(key.open(NONCE, "transaction", &sealed).unwrap().expose(), b"{\"a\":1}");
    }

    #[test]
    fn every_change_is_noticed() {
        let key = ApiV3Key::parse(KEY).unwrap();
        let sealed = key.seal(NONCE, "transaction", b"{\"a\":1}").unwrap();
        let undecryptable = |nonce, aad, text: &str| {
            assert_eq!(key.open(nonce, aad, text).unwrap_err(), AeadError::Undecryptable, "{text}");
        };
        undecryptable("abcdefghijkm", "transaction", &sealed);
        undecryptable(NONCE, "refund", &sealed);
        undecryptable(NONCE, "", &sealed);
        undecryptable(NONCE, "transaction", "");
        undecryptable(NONCE, "transaction", "????");
        for length in 0..sealed.len() {
            undecryptable(NONCE, "transaction", &sealed[..length]);
        }
        let bytes = BASE64.decode(sealed.as_bytes()).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            undecryptable(NONCE, "transaction", &BASE64.encode(&changed));
        }
        let other = ApiV3Key::generate().unwrap();
        assert_eq!(other.open(NONCE, "transaction", &sealed).unwrap_err(), AeadError::Undecryptable);
        assert_eq!(key.seal("short", "", b"").unwrap_err(), AeadError::Nonce(5));
        assert_eq!(key.open("", "", &sealed).unwrap_err(), AeadError::Nonce(0));
    }

    #[test]
    fn only_32_letters_or_digits_are_a_key() {
        for bad in ["", &KEY[1..], "0123456789abcdef0123456789abcde!", "0123456789abcdef0123456789abcdé"] {
            assert_eq!(ApiV3Key::parse(bad).unwrap_err(), AeadError::Key, "{bad}");
        }
        let key = ApiV3Key::generate().unwrap();
        assert_eq!(format!("{key:?} {:?}", key.text()), "ApiV3Key(***) ***");
        assert!(ApiV3Key::parse(key.text().expose()).is_ok());
    }

    #[test]
    fn a_fresh_nonce_each_time_and_the_algorithm_is_checked() {
        let key = ApiV3Key::parse(KEY).unwrap();
        let one = key.encrypt("certificate", b"text").unwrap();
        assert_ne!(one, key.encrypt("certificate", b"text").unwrap());
        assert_eq!(key.decrypt(&one).unwrap().expose(), b"text");
        let other = Encrypted { algorithm: "AEAD_SM4_128_GCM".into(), ..one };
        assert_eq!(key.decrypt(&other).unwrap_err(), AeadError::Undecryptable);
    }
}
