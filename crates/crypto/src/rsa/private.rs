//! The private half.

use super::{BLOCK_BYTES, FieldError, KEY_BITS, KeyError, PublicKey, SignFailed, block, digest};
use crate::pem;
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use data_encoding::BASE64;
use std::{fmt, sync::Arc};
use types::Secret;
use zeroize::{Zeroize, Zeroizing};

const WHAT: &str = "private key";

/// A private key of 2048 bits: signs and decrypts. Cloning shares it; `Debug` shows nothing of it.
///
/// ```
/// use crypto::PrivateKey;
/// let key = PrivateKey::generate()?;
/// let signature = key.sign(b"GET\n/v3/certificates\n1554208460\nnonce\n\n")?;
/// assert_eq!(signature.len(), 344);
/// key.public_key().verify(b"GET\n/v3/certificates\n1554208460\nnonce\n\n", &signature)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PrivateKey(Arc<Inner>);

struct Inner {
    signer: KeyPair,
    decryptor: OaepPrivateDecryptingKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a new key; takes about a tenth of a second.
    ///
    /// # Errors
    /// [`KeyError::Rejected`] when the provider cannot make one.
    pub fn generate() -> Result<Self, KeyError> {
        Self::from_key_pair(KeyPair::generate(KeySize::Rsa2048).map_err(rejected)?)
    }

    /// Reads PEM: PKCS#8 (`PRIVATE KEY`, as merchants download it) or PKCS#1 (`RSA PRIVATE KEY`).
    ///
    /// # Errors
    /// [`KeyError::Pem`], [`KeyError::Rejected`], [`KeyError::Size`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        if text.contains("-----BEGIN RSA PRIVATE KEY-----") {
            let der = pem::decode("RSA PRIVATE KEY", text).map_err(|e| KeyError::pem(&e, WHAT))?;
            return Self::from_key_pair(KeyPair::from_der(&der).map_err(rejected)?);
        }
        let der = pem::decode("PRIVATE KEY", text).map_err(|e| KeyError::pem(&e, WHAT))?;
        Self::from_key_pair(KeyPair::from_pkcs8(&der).map_err(rejected)?)
    }

    fn from_key_pair(signer: KeyPair) -> Result<Self, KeyError> {
        let bits = signer.public_modulus_len() * 8;
        if bits != KEY_BITS {
            return Err(KeyError::Size(WHAT, bits));
        }
        let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&signer).map_err(rejected)?;
        let decrypting = PrivateDecryptingKey::from_pkcs8(pkcs8.as_ref()).map_err(rejected)?;
        let public = PublicKey::from_encrypting(decrypting.public_key())?;
        let decryptor = OaepPrivateDecryptingKey::new(decrypting).map_err(rejected)?;
        Ok(Self(Arc::new(Inner { signer, decryptor, public })))
    }

    /// The PKCS#8 PEM text, for files given to a merchant and for sealing.
    ///
    /// # Errors
    /// [`KeyError::Rejected`] when the provider cannot write it.
    pub fn to_pem(&self) -> Result<Secret<String>, KeyError> {
        let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&self.0.signer).map_err(rejected)?;
        Ok(Secret::new(pem::encode("PRIVATE KEY", pkcs8.as_ref())))
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public
    }

    /// Signs `message`: 344 characters of Base64.
    ///
    /// # Errors
    /// [`SignFailed`].
    pub fn sign(&self, message: &[u8]) -> Result<String, SignFailed> {
        self.sign_parts(&[message])
    }

    /// Signs the concatenation of `parts` without joining them.
    ///
    /// # Errors
    /// [`SignFailed`].
    pub fn sign_parts(&self, parts: &[&[u8]]) -> Result<String, SignFailed> {
        Ok(BASE64.encode(&self.sign_block(parts)?))
    }

    /// The signature as bytes, which certificates hold.
    pub(crate) fn sign_block(&self, parts: &[&[u8]]) -> Result<[u8; BLOCK_BYTES], SignFailed> {
        let mut signature = [0; BLOCK_BYTES];
        self.0
            .signer
            .sign_digest(&RSA_PKCS1_SHA256, &digest(parts), &mut signature)
            .map_err(|_| SignFailed)?;
        Ok(signature)
    }

    /// Decrypts a sensitive field: Base64 of one OAEP-SHA-1 block, UTF-8 inside (wire §1.9).
    ///
    /// # Errors
    /// [`FieldError::Undecryptable`] for anything else.
    pub fn decrypt_field(&self, text: &str) -> Result<Secret<String>, FieldError> {
        let block = block(text).ok_or(FieldError::Undecryptable)?;
        let mut room = Zeroizing::new([0; BLOCK_BYTES]);
        let plain = self
            .0
            .decryptor
            .decrypt(&OAEP_SHA1_MGF1SHA1, &block, room.as_mut_slice(), None)
            .map_err(|_| FieldError::Undecryptable)?;
        match String::from_utf8(plain.to_vec()) {
            Ok(text) => Ok(Secret::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                Err(FieldError::Undecryptable)
            }
        }
    }

    /// The RFC 8017 form of the public half, which certificates are made of.
    pub(crate) fn public_key_rfc8017(&self) -> &[u8] {
        self.0.signer.public_key().as_ref()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(***)")
    }
}

fn rejected(error: impl fmt::Display) -> KeyError {
    KeyError::Rejected(WHAT, error.to_string())
}
