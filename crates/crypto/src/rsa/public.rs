//! The public half.

use super::{BLOCK_BYTES, BadSignature, FIELD_BYTES_MAX, FieldError, KEY_BITS, KeyError, block, digest};
use crate::{Certificate, pem};
use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey},
    signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256},
};
use data_encoding::BASE64;
use std::{fmt, sync::Arc};

const WHAT: &str = "public key";

/// A public key of 2048 bits: verifies and encrypts. Cloning shares it.
///
/// ```
/// use crypto::{PrivateKey, PublicKey};
/// let private = PrivateKey::generate()?;
/// let public = PublicKey::from_pem(&private.public_key().to_pem())?;
/// let field = public.encrypt_field("13800000000")?;
/// assert_eq!(private.decrypt_field(&field)?.expose(), "13800000000");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    verifier: ParsedPublicKey,
    encryptor: OaepPublicEncryptingKey,
    spki: Box<[u8]>,
}

impl PublicKey {
    /// Reads PEM: a `PUBLIC KEY` (SPKI) or a `CERTIFICATE`, whichever the text holds.
    ///
    /// # Errors
    /// [`KeyError`] when it holds neither, or a key that is not RSA of 2048 bits.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        if text.contains("-----BEGIN CERTIFICATE-----") {
            return Ok(Certificate::from_pem(text)?.public_key().clone());
        }
        let der = pem::decode("PUBLIC KEY", text).map_err(|e| KeyError::pem(&e, WHAT))?;
        Self::from_spki(&der)
    }

    /// Reads the DER of a `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`KeyError::Rejected`], [`KeyError::Size`].
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_encrypting(PublicEncryptingKey::from_der(der).map_err(rejected)?)
    }

    pub(super) fn from_encrypting(key: PublicEncryptingKey) -> Result<Self, KeyError> {
        if key.key_size_bits() != KEY_BITS {
            return Err(KeyError::Size(WHAT, key.key_size_bits()));
        }
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(&key).map_err(rejected)?;
        let spki = Box::from(der.as_ref());
        let verifier = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der.as_ref()).map_err(rejected)?;
        let encryptor = OaepPublicEncryptingKey::new(key).map_err(rejected)?;
        Ok(Self(Arc::new(Inner { verifier, encryptor, spki })))
    }

    /// The SPKI PEM text, as merchants download the platform's public key.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.0.spki)
    }

    /// Checks a Base64 signature of `message`.
    ///
    /// # Errors
    /// [`BadSignature`] when it does not match, or is not Base64 of 256 bytes.
    pub fn verify(&self, message: &[u8], signature: &str) -> Result<(), BadSignature> {
        self.verify_parts(&[message], signature)
    }

    /// Checks a Base64 signature of the concatenation of `parts`.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify_parts(&self, parts: &[&[u8]], signature: &str) -> Result<(), BadSignature> {
        self.verify_block(parts, &block(signature).ok_or(BadSignature)?)
    }

    pub(crate) fn verify_block(
        &self,
        parts: &[&[u8]],
        signature: &[u8; BLOCK_BYTES],
    ) -> Result<(), BadSignature> {
        self.0.verifier.verify_digest_sig(&digest(parts), signature).map_err(|_| BadSignature)
    }

    /// Encrypts a sensitive field by OAEP-SHA-1: 344 characters of Base64 (wire §1.9).
    ///
    /// # Errors
    /// [`FieldError::TooLong`] above 214 bytes, [`FieldError::Provider`].
    pub fn encrypt_field(&self, plain: &str) -> Result<String, FieldError> {
        if plain.len() > FIELD_BYTES_MAX {
            return Err(FieldError::TooLong(plain.len()));
        }
        let mut room = [0; BLOCK_BYTES];
        let block = self
            .0
            .encryptor
            .encrypt(&OAEP_SHA1_MGF1SHA1, plain.as_bytes(), &mut room, None)
            .map_err(|_| FieldError::Provider)?;
        Ok(BASE64.encode(block))
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki == other.0.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({KEY_BITS} bits)")
    }
}

fn rejected(error: impl fmt::Display) -> KeyError {
    KeyError::Rejected(WHAT, error.to_string())
}
