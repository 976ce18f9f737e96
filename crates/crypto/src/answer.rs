//! What the platform signs: every 2xx answer, 204 included, and every callback (wire §1.6, §5).

use crate::{
    platform::Signer,
    random::{self, NoRandomness},
    request::{SCHEME, WINDOW_SECONDS},
    rsa::{BadSignature, PublicKey, SignFailed},
};
use types::Time;

/// Names of the five headers, lower-case as HTTP/2 needs them.
pub const HEADER_NAMES: [&str; 5] = [
    "wechatpay-timestamp",
    "wechatpay-nonce",
    "wechatpay-signature",
    "wechatpay-serial",
    "wechatpay-signature-type",
];

/// What the value of a deliberately wrong signature starts with (wire §1.7).
pub const PROBE_PREFIX: &str = "WECHATPAY/SIGNTEST/";

/// The five signature headers of an answer or callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHeaders {
    /// `Wechatpay-Timestamp`: Unix seconds.
    pub timestamp: String,
    /// `Wechatpay-Nonce`.
    pub nonce: String,
    /// `Wechatpay-Signature`: Base64.
    pub signature: String,
    /// `Wechatpay-Serial`: certificate serial or public-key id.
    pub serial: String,
    /// `Wechatpay-Signature-Type`: always sent, the Python SDK insists.
    pub signature_type: String,
}

/// Why an answer could not be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// No nonce could be drawn.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The provider failed.
    #[error(transparent)]
    Sign(#[from] SignFailed),
}

/// Why a client must not believe an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DistrustError {
    /// Another signature type.
    #[error("Wechatpay-Signature-Type is `{0}`; only `{SCHEME}` is known")]
    Type(String),
    /// The timestamp is no number, or too far away.
    #[error("Wechatpay-Timestamp `{0}` is not within {WINDOW_SECONDS} s of this clock")]
    Timestamp(String),
    /// The signature does not match.
    #[error(transparent)]
    Signature(#[from] BadSignature),
}

impl SignedHeaders {
    /// Signs `body`, empty for 204, at `now`, with a fresh nonce.
    ///
    /// ```
    /// use crypto::{PlatformKeys, answer::SignedHeaders, platform::KeyMode};
    /// use types::Time;
    /// let now = Time::from_unix(1_790_000_000);
    /// let platform = PlatformKeys::generate(now)?;
    /// let signer = platform.answer_signer(None, KeyMode::Certificate, now)?;
    /// let headers = SignedHeaders::sign(&signer, b"", now)?;
    /// headers.verify(signer.key.public_key(), b"", now)?;
    /// assert!(headers.verify(signer.key.public_key(), b"{}", now).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`AnswerError`].
    pub fn sign(signer: &Signer<'_>, body: &[u8], now: Time) -> Result<Self, AnswerError> {
        Ok(Self::sign_with_nonce(signer, body, now, random::nonce()?)?)
    }

    /// Signs with a nonce of the caller's, for runs that must repeat exactly.
    ///
    /// # Errors
    /// [`SignFailed`].
    pub fn sign_with_nonce(
        signer: &Signer<'_>,
        body: &[u8],
        now: Time,
        nonce: String,
    ) -> Result<Self, SignFailed> {
        let timestamp = now.unix().to_string();
        let signature = signer.key.sign_parts(&message(&timestamp, &nonce, body))?;
        let (serial, signature_type) = (signer.serial.to_owned(), SCHEME.to_owned());
        Ok(Self { timestamp, nonce, signature, serial, signature_type })
    }

    /// The same headers with a signature that is wrong on purpose and says so (wire §1.7). A right merchant
    /// refuses it; never use it on the only attempt to deliver something.
    #[must_use]
    pub fn into_probe(mut self) -> Self {
        self.signature.replace_range(..PROBE_PREFIX.len().min(self.signature.len()), PROBE_PREFIX);
        self
    }

    /// Name and value of each header, in the order of [`HEADER_NAMES`].
    #[must_use]
    pub fn pairs(&self) -> [(&'static str, &str); 5] {
        let [timestamp, nonce, signature, serial, signature_type] = HEADER_NAMES;
        [
            (timestamp, &self.timestamp),
            (nonce, &self.nonce),
            (signature, &self.signature),
            (serial, &self.serial),
            (signature_type, &self.signature_type),
        ]
    }

    /// Checks the headers of a received answer, as a merchant does, with the key that `serial` names.
    ///
    /// # Errors
    /// [`DistrustError`].
    pub fn verify(&self, key: &PublicKey, body: &[u8], now: Time) -> Result<(), DistrustError> {
        if self.signature_type != SCHEME {
            return Err(DistrustError::Type(self.signature_type.chars().take(64).collect()));
        }
        let seconds: Option<i64> = self.timestamp.parse().ok();
        if seconds.is_none_or(|s| s.abs_diff(now.unix()) > WINDOW_SECONDS.unsigned_abs()) {
            return Err(DistrustError::Timestamp(self.timestamp.chars().take(64).collect()));
        }
        Ok(key.verify_parts(&message(&self.timestamp, &self.nonce, body), &self.signature)?)
    }
}

fn message<'a>(timestamp: &'a str, nonce: &'a str, body: &'a [u8]) -> [&'a [u8]; 6] {
    [timestamp.as_bytes(), b"\n", nonce.as_bytes(), b"\n", body, b"\n"]
}
