//! `POST /v3/security/echo`: a merchant tests signature, encryption and callback in one call (wire §1.11).

use crate::error::ApiError;
use crate::field::is_notify_url;
use crate::issue;
use crate::json::{self, Fields, FromFields};
use crate::order::NOTIFY_URL;
use serde::Serialize;

/// The most characters of an echoed message. The wire names no limit; this is ours.
pub const MESSAGE_MAX: usize = 512;
/// The most characters of an encrypted field: Base64 of one RSA-4096 block fits.
pub const CIPHERTEXT_MAX: usize = 1024;

/// What to echo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    /// Where to send a `SECURITY_ECHO.SUCCESS` notification, if anywhere.
    pub notify_url: Option<String>,
    /// Answered as it came; 1 to [`MESSAGE_MAX`] characters.
    pub echo_message: String,
    /// Base64, encrypted for the platform key that `Wechatpay-Serial` names.
    pub encrypted_echo_message: Option<String>,
}

impl Echo {
    /// Reads the request.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the member.
    pub fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        json::read(bytes)
    }

    /// The answer; `encrypted_echo_message` is the clear text sealed again, for the merchant's certificate.
    #[must_use]
    pub fn answer(&self, encrypted_echo_message: Option<&str>) -> Vec<u8> {
        crate::body(&Answer { echo_message: &self.echo_message, encrypted_echo_message })
    }
}

impl FromFields for Echo {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let url = |text: &str| is_notify_url(text).then(|| text.to_owned());
        Ok(Self {
            notify_url: fields
                .parsed("notify_url", 1..=255, url, || issue::form(NOTIFY_URL.zh, NOTIFY_URL.en))?,
            echo_message: fields.need_text("echo_message", 1..=MESSAGE_MAX)?.to_owned(),
            encrypted_echo_message: fields
                .hidden()
                .text("encrypted_echo_message", 1..=CIPHERTEXT_MAX)?
                .map(str::to_owned),
        })
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    echo_message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypted_echo_message: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_as_it_went() {
        let echo =
            Echo::read(r#"{"echo_message":"你好","encrypted_echo_message":"YWJj"}"#.as_bytes()).unwrap();
        assert_eq!(echo.encrypted_echo_message.as_deref(), Some("YWJj"));
        let answer = String::from_utf8(echo.answer(Some("ZGVm"))).unwrap();
        assert_eq!(answer, r#"{"echo_message":"你好","encrypted_echo_message":"ZGVm"}"#);
        assert_eq!(String::from_utf8(echo.answer(None)).unwrap(), r#"{"echo_message":"你好"}"#);
    }

    #[test]
    fn limits_name_their_member() {
        let long = "x".repeat(MESSAGE_MAX + 1);
        let cases = [
            ("{}".to_owned(), "/echo_message"),
            (format!(r#"{{"echo_message":"{long}"}}"#), "/echo_message"),
            (r#"{"echo_message":"x","notify_url":"/callback"}"#.to_owned(), "/notify_url"),
            (r#"{"echo_message":"x","encrypted_echo_message":1}"#.to_owned(), "/encrypted_echo_message"),
        ];
        for (body, field) in cases {
            assert_eq!(Echo::read(body.as_bytes()).unwrap_err().detail.unwrap().field, field, "{body}");
        }
    }
}
