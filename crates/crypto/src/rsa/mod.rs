//! RSA-2048 keys: signatures by RSASSA-PKCS1-v1_5 with SHA-256 (wire §1.3, §1.6) and field encryption by
//! RSAES-OAEP with SHA-1 and MGF1-SHA-1 (wire §1.9).
//!
//! Keys are parsed once and cloned cheaply; no call parses again.

mod private;
mod public;

pub use private::PrivateKey;
pub use public::PublicKey;

use crate::{pem::PemError, random::NoRandomness};
use aws_lc_rs::digest::{Context, Digest, SHA256};
use data_encoding::BASE64;

/// Bits of every key here: the scheme is called `WECHATPAY2-SHA256-RSA2048`.
pub const KEY_BITS: usize = 2048;
/// Bytes of a signature and of an encrypted field.
pub const BLOCK_BYTES: usize = KEY_BITS / 8;
/// Characters of a signature or an encrypted field in Base64.
pub const BLOCK_TEXT: usize = 344;
/// The longest field that OAEP with SHA-1 takes under a 2048-bit key, in bytes of UTF-8 (wire §1.9).
pub const FIELD_BYTES_MAX: usize = BLOCK_BYTES - 2 * 20 - 2;

/// Why a key could not be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text holds no PEM block of the kind asked for.
    #[error("{0}; give the {1} as PEM text")]
    Pem(String, &'static str),
    /// The bytes are no acceptable RSA key.
    #[error("the {0} was refused: {1}; give an RSA key of {KEY_BITS} bits")]
    Rejected(&'static str, String),
    /// An RSA key of another size.
    #[error("the {0} has {1} bits; the signature scheme needs {KEY_BITS}")]
    Size(&'static str, usize),
    /// The bytes are no X.509 certificate.
    #[error("the certificate could not be read: {0}")]
    Certificate(String),
    /// No randomness to make a key.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl KeyError {
    fn pem(error: &PemError, what: &'static str) -> Self {
        Self::Pem(error.to_string(), what)
    }
}

/// Signing failed inside the provider; with a key that was accepted this means memory ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic provider could not sign")]
pub struct SignFailed;

/// A signature that does not belong to the message and key. Says no more on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match the message under this key")]
pub struct BadSignature;

/// Why a sensitive field could not be encrypted or decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Plain text above [`FIELD_BYTES_MAX`].
    #[error("the field has {0} bytes; RSA-OAEP takes at most {FIELD_BYTES_MAX}")]
    TooLong(usize),
    /// Not Base64 of one block, encrypted under another key, or changed on the way. Not told apart, so that an
    /// answer reveals nothing about the padding.
    #[error("the field could not be decrypted: encrypt it with the key that Wechatpay-Serial names")]
    Undecryptable,
    /// The provider failed to encrypt.
    #[error("the cryptographic provider could not encrypt the field")]
    Provider,
}

/// SHA-256 over parts, without joining them first: bodies may be large.
fn digest(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    context.finish()
}

/// One block from its Base64 text; none when the text is anything else.
pub(crate) fn block(text: &str) -> Option<[u8; BLOCK_BYTES]> {
    if text.len() != BLOCK_TEXT {
        return None;
    }
    BASE64.decode(text.as_bytes()).ok()?.try_into().ok()
}
