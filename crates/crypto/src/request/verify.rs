//! Verification over the forms of the request target that real SDKs sign (wire §1.3, §15).

use super::Credentials;
use crate::rsa::{PublicKey, block};
use serde::Serialize;
use std::borrow::Cow;

/// A request as it arrived. Raw means raw: verify before anything is decoded, trimmed or serialised again.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// Path and query as sent.
    pub target: &'a str,
    /// The `Host` header or `:authority`.
    pub host: Option<&'a str>,
    /// Public base URLs of this server, `https://pay.example.com`; the first [`Received::BASES_MAX`] count.
    pub bases: &'a [String],
    /// The raw body; of a multipart upload the exact text of its `meta` part (wire §1.9).
    pub body: &'a [u8],
}

impl Received<'_> {
    /// Base URLs tried at most: each costs a check of the signature when a request is wrong.
    pub const BASES_MAX: usize = 4;
}

/// Which text the caller had signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatchedForm {
    /// The form of the second line.
    pub target: TargetForm,
    /// False when the last line was left out altogether: a caller without body on a verb other than GET.
    pub body_line: bool,
}

/// The second line of the signed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetForm {
    /// Path and query as sent: what the rule says.
    Raw,
    /// Percent-decoded: the Python SDK signs before its HTTP layer escapes.
    Decoded,
    /// With scheme and host: node-v3 takes off the official host only.
    Absolute,
}

/// A signature that fits no form of the request. Carries what the answer shows to make it debuggable (wire §1.5).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the signature does not match: sign `{}…` ({} bytes) with the key of the certificate that serial_no names",
    .0.truncated_sign_message.escape_debug(),
    .0.sign_message_length
)]
pub struct SignatureError(pub SignInformation);

/// `detail.sign_information` of a SIGN_ERROR (wire §1.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignInformation {
    /// The method as received.
    pub method: String,
    /// Path and query as received.
    pub url: String,
    /// The start of the message that should have been signed, at most [`SignInformation::TRUNCATED_MAX`] bytes.
    pub truncated_sign_message: String,
    /// Bytes of that message in full.
    pub sign_message_length: usize,
}

impl SignInformation {
    /// Bytes of the message shown: the four lines before the body and a little of it.
    pub const TRUNCATED_MAX: usize = 256;
    /// Bytes of method and url shown.
    const FIELD_MAX: usize = 1024;

    fn of(received: &Received<'_>, credentials: &Credentials) -> Self {
        let (method, target) = (received.method, received.target);
        let head = format!("{method}\n{target}\n{}\n{}\n", credentials.timestamp, credentials.nonce);
        let mut shown = head.as_bytes()[..head.len().min(Self::TRUNCATED_MAX)].to_vec();
        let room = Self::TRUNCATED_MAX - shown.len();
        shown.extend(received.body.iter().chain(b"\n").take(room));
        Self {
            method: whole_characters(method.as_bytes(), Self::FIELD_MAX),
            url: whole_characters(target.as_bytes(), Self::FIELD_MAX),
            truncated_sign_message: whole_characters(&shown, Self::TRUNCATED_MAX),
            sign_message_length: head.len() + received.body.len() + 1,
        }
    }
}

/// At most `limit` bytes as text; a character cut in half is left out, other foreign bytes become U+FFFD.
fn whole_characters(bytes: &[u8], limit: usize) -> String {
    let bytes = &bytes[..bytes.len().min(limit)];
    let end = match str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Checks a request against the merchant's key: the raw target first, then the percent-decoded one, then
/// absolute URLs; each also without the last line where a body-less verb other than GET may lack it.
///
/// A right request costs one check; a wrong one at most 16 (2 targets, 4 bases, the host under two schemes, each
/// with and without last line), which is why callers limit failures by address.
///
/// # Errors
/// [`SignatureError`] when no form matches.
pub fn verify(
    key: &PublicKey,
    received: &Received<'_>,
    credentials: &Credentials,
) -> Result<MatchedForm, SignatureError> {
    let failed = || SignatureError(SignInformation::of(received, credentials));
    let signature = block(&credentials.signature).ok_or_else(failed)?;
    let tail = ["\n", &credentials.timestamp.to_string(), "\n", &credentials.nonce, "\n"].concat();
    let may_lack_line = received.body.is_empty() && received.method != "GET";
    for (form, target) in targets(received) {
        let parts: [&[u8]; 6] =
            [received.method.as_bytes(), b"\n", &target, tail.as_bytes(), received.body, b"\n"];
        if key.verify_block(&parts, &signature).is_ok() {
            return Ok(MatchedForm { target: form, body_line: true });
        }
        if may_lack_line && key.verify_block(&parts[..4], &signature).is_ok() {
            return Ok(MatchedForm { target: form, body_line: false });
        }
    }
    Err(failed())
}

/// The texts that may stand in the second line, likeliest first, each once; made only as far as asked for.
fn targets<'a>(received: &Received<'a>) -> impl Iterator<Item = (TargetForm, Cow<'a, [u8]>)> + use<'a> {
    let target = received.target;
    let raw = std::iter::once((TargetForm::Raw, Cow::Borrowed(target.as_bytes())));
    let decoded = std::iter::once_with(move || decoded(target))
        .flatten()
        .map(|bytes| (TargetForm::Decoded, Cow::Owned(bytes)));
    let origins = received.bases.iter().take(Received::BASES_MAX).map(|base| base.trim_end_matches('/'));
    let mut origins: Vec<Cow<'a, str>> = origins.map(Cow::Borrowed).collect();
    for scheme in ["https", "http"] {
        if let Some(host) = received.host {
            let origin = Cow::Owned(format!("{scheme}://{host}"));
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
    }
    let absolute = origins.into_iter().map(move |origin| {
        (TargetForm::Absolute, Cow::Owned([origin.as_bytes(), target.as_bytes()].concat()))
    });
    raw.chain(decoded).chain(absolute)
}

/// The target with its escapes undone; none when that changes nothing. `+` stays: it is literal (wire §1.3).
///
/// A target that decodes to a control character has no decoded form, because a line feed in the second line
/// would let one signed message be read as two different requests.
fn decoded(target: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(target.len());
    let mut rest = target.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escape = if first == b'%' { after.first_chunk::<2>().and_then(hex_pair) } else { None };
        let (byte, left) = escape.map_or((first, after), |byte| (byte, &after[2..]));
        if byte.is_ascii_control() {
            return None;
        }
        bytes.push(byte);
        rest = left;
    }
    (bytes.len() < target.len()).then_some(bytes)
}

fn hex_pair(pair: &[u8; 2]) -> Option<u8> {
    let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? * 16 + low?).ok()
}
