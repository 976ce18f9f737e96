//! An encrypted part of an answer or notification, already sealed by `crypto`.

use serde::Serialize;

/// The cipher, by its wire name (wire §1.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Algorithm {
    /// AES-256-GCM under the merchant's APIv3 key.
    #[serde(rename = "AEAD_AES_256_GCM")]
    Aes256Gcm,
    /// SM4-GCM under a key derived from the merchant's APIv3 key.
    #[serde(rename = "AEAD_SM4_128_GCM")]
    Sm4Gcm,
}

/// Cipher text with what is needed to open it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sealed {
    /// The cipher.
    pub algorithm: Algorithm,
    /// 12 characters, used as bytes.
    pub nonce: String,
    /// Authenticated, not encrypted. Never left out and not empty for certificates: some SDKs fail without it
    /// (wire §2, §5).
    pub associated_data: String,
    /// Base64 of cipher text and 16-byte tag.
    pub ciphertext: String,
}
