//! Requests as merchants sign them: the `Authorization` header, the message under the signature, and the forms
//! of that message which real SDKs produce (wire §1.3, §15, §16).

mod header;
mod verify;

pub use header::{Credentials, HeaderError};
pub use verify::{MatchedForm, Received, SignInformation, SignatureError, TargetForm, verify};

use crate::rsa::{PrivateKey, SignFailed};
use types::{MerchantId, Time};

/// The one scheme spoken here.
pub const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";
/// The longest `Authorization` value read, in bytes; real ones have about 560.
pub const HEADER_BYTES_MAX: usize = 2048;
/// The longest nonce, in characters (wire §1.3).
pub const NONCE_MAX: usize = 32;
/// Seconds that a request's timestamp may lie away from the platform's clock (wire §1.4).
pub const WINDOW_SECONDS: i64 = 300;

/// The message under a request's signature: five lines, each ended by LF.
///
/// ```
/// use crypto::request::signing_message;
/// let message = signing_message("GET", "/v3/certificates", 1_554_208_460, "593BEC0C930BF1AFEB40B4A08C8FB242", b"");
/// assert_eq!(message, b"GET\n/v3/certificates\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\n\n");
/// ```
#[must_use]
pub fn signing_message(method: &str, target: &str, timestamp: i64, nonce: &str, body: &[u8]) -> Vec<u8> {
    let mut message = format!("{method}\n{target}\n{timestamp}\n{nonce}\n").into_bytes();
    message.extend_from_slice(body);
    message.push(b'\n');
    message
}

/// A merchant as the client side sees itself: the command line, the load generator and tests sign with it.
///
/// ```
/// use crypto::{PrivateKey, request::{Caller, Credentials, Received, verify}};
/// use types::{MerchantId, Time};
/// let key = PrivateKey::generate()?;
/// let caller = Caller { mchid: MerchantId(1_900_000_001), serial: "5A0B".into(), key: key.clone() };
/// let now = Time::from_unix(1_790_000_000);
/// let header = caller.authorization("GET", "/v3/certificates", b"", now, "nonce-1")?;
///
/// let credentials = Credentials::parse(header.as_bytes())?;
/// assert!(credentials.fresh(now));
/// let received = Received { method: "GET", target: "/v3/certificates", host: None, bases: &[], body: b"" };
/// verify(key.public_key(), &received, &credentials)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Caller {
    /// The merchant that calls.
    pub mchid: MerchantId,
    /// Serial of its API certificate, hex.
    pub serial: String,
    /// The key of that certificate.
    pub key: PrivateKey,
}

impl Caller {
    /// The value of the `Authorization` header for one request. `target` is path and query as sent; `nonce` has
    /// 1–32 visible characters other than `"`, and must not repeat ([`crate::random::nonce`]).
    ///
    /// # Errors
    /// [`SignFailed`].
    pub fn authorization(
        &self,
        method: &str,
        target: &str,
        body: &[u8],
        now: Time,
        nonce: &str,
    ) -> Result<String, SignFailed> {
        let timestamp = now.unix();
        let head = format!("{method}\n{target}\n{timestamp}\n{nonce}\n");
        let signature = self.key.sign_parts(&[head.as_bytes(), body, b"\n"])?;
        let (mchid, serial) = (self.mchid, &self.serial);
        Ok(format!(
            "{SCHEME} mchid=\"{mchid}\",nonce_str=\"{nonce}\",timestamp=\"{timestamp}\",\
             serial_no=\"{serial}\",signature=\"{signature}\""
        ))
    }
}
