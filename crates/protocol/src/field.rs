//! Single values of the wire: numbers, addresses, times, and those that come in a path or query.

use crate::error::{ApiError, Location};
use crate::issue;
use crate::language::Text;
use std::fmt;
use types::{Masked, MerchantId, RefundNumber, Secret, Time, TransactionId};

/// What `out_trade_no` must be (wire §3.2).
pub(crate) const OUT_TRADE_NO: Text =
    Text::fixed("由 6 至 32 个数字、大小写字母或 _ - | * 组成", "6 to 32 of digits, letters and _ - | *");

/// True for a merchant's order number: 6 to 32 of digits, letters and `_ - | *` (wire §3.2).
#[must_use]
pub fn is_out_trade_no(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'|' | b'*');
    (6..=32).contains(&text.len()) && text.bytes().all(known)
}

/// A merchant's order number from the path, already percent-decoded.
///
/// # Errors
/// `PARAM_ERROR` with `field` `out_trade_no` and `location` `path`.
pub fn path_out_trade_no(text: &str) -> Result<&str, ApiError> {
    if is_out_trade_no(text) {
        return Ok(text);
    }
    Err(ApiError::param("out_trade_no", Some(text.to_owned()), form(OUT_TRADE_NO), Location::Path))
}

/// What `out_refund_no` must be (wire §4).
pub(crate) const OUT_REFUND_NO: Text =
    Text::fixed("由 1 至 64 个数字、大小写字母或 _ - | * @ 组成", "1 to 64 of digits, letters and _ - | * @");

/// True for a merchant's refund number: 1 to 64 of digits, letters and `_ - | * @` (wire §4).
#[must_use]
pub fn is_out_refund_no(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'|' | b'*' | b'@');
    (1..=64).contains(&text.len()) && text.bytes().all(known)
}

/// A merchant's refund number from the path, already percent-decoded.
///
/// # Errors
/// `PARAM_ERROR` with `field` `out_refund_no` and `location` `path`.
pub fn path_out_refund_no(text: &str) -> Result<&str, ApiError> {
    if is_out_refund_no(text) {
        return Ok(text);
    }
    Err(ApiError::param("out_refund_no", Some(text.to_owned()), form(OUT_REFUND_NO), Location::Path))
}

/// A `refund_id` from the path.
///
/// # Errors
/// `PARAM_ERROR` with `field` `refund_id` and `location` `path`.
pub fn path_refund_id(text: &str) -> Result<RefundNumber, ApiError> {
    let issue =
        || issue::form("本平台生成的 28 位数字退款单号", "a refund number of this platform, 28 digits");
    text.parse().map_err(|_| ApiError::param("refund_id", Some(text.to_owned()), issue(), Location::Path))
}

/// A `transaction_id` from the path.
///
/// # Errors
/// `PARAM_ERROR` with `field` `transaction_id` and `location` `path`.
pub fn path_transaction_id(text: &str) -> Result<TransactionId, ApiError> {
    let issue = || issue::form("本平台生成的 28 位数字订单号", "an order number of this platform, 28 digits");
    text.parse()
        .map_err(|_| ApiError::param("transaction_id", Some(text.to_owned()), issue(), Location::Path))
}

/// A merchant number of a query string: `mchid`, `sp_mchid` or `sub_mchid`.
///
/// # Errors
/// `PARAM_ERROR` with `field` the name and `location` `query`, when it is absent or no merchant number.
pub fn query_mchid(name: &'static str, value: Option<&str>) -> Result<MerchantId, ApiError> {
    let found = optional_mchid(name, value, Location::Query)?;
    found.ok_or_else(|| ApiError::param(name, None, issue::missing(), Location::Query))
}

/// A merchant number that may be left out, such as the `sub_mchid` of a partner's request; empty counts as left out.
/// `field` is a JSON pointer in a body, a name in a query.
///
/// # Errors
/// `PARAM_ERROR` when it is no merchant number.
pub fn optional_mchid(
    field: &'static str,
    value: Option<&str>,
    location: Location,
) -> Result<Option<MerchantId>, ApiError> {
    let Some(text) = value.filter(|text| !text.is_empty()) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let issue = issue::form("商户号数字", "a merchant number");
        ApiError::param(field, Some(text.chars().take(32).collect()), issue, location)
    })
}

/// True for an absolute `http` or `https` URL with a host, without query, fragment or user (wire §3.2).
/// Whether plain `http` or a private host may be called is decided where the call is made.
#[must_use]
pub fn is_notify_url(text: &str) -> bool {
    let Some(rest) = strip_scheme(text) else { return false };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let visible =
        path.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#' | b'\\' | b'"' | b'<' | b'>'));
    visible && is_authority(authority)
}

fn strip_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let known = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    known.then_some(rest)
}

fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else { return false };
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("v6", port)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let host_ok = !host.is_empty()
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    let port_ok = match port.strip_prefix(':') {
        Some(digits) => {
            digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|p| p > 0)
        }
        None => port.is_empty(),
    };
    host_ok && port_ok
}

/// Reads a time of the wire: RFC 3339 with or without a fraction, `Z` or a numeric offset (wire §1.1). Years
/// 1970 to 9999.
#[must_use]
pub fn time(text: &str) -> Option<Time> {
    let bytes = text.as_bytes();
    let shape = |pattern: &[u8], at: usize| {
        pattern.iter().enumerate().all(|(i, p)| match bytes.get(at + i) {
            Some(b) if *p == b'0' => b.is_ascii_digit(),
            Some(b) => b == p,
            None => false,
        })
    };
    if !shape(b"0000-00-00T00:00:00", 0) {
        return None;
    }
    let mut at = 19;
    if bytes.get(at) == Some(&b'.') {
        let digits = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        at += 1 + digits;
    }
    let zone = match bytes.get(at) {
        Some(b'Z') => bytes.len() == at + 1,
        Some(b'+' | b'-') => shape(b"00:00", at + 1) && bytes.len() == at + 6,
        _ => false,
    };
    if !zone {
        return None;
    }
    Time::parse_rfc3339(text).filter(|time| time.0 >= 0)
}

/// A payment code as a merchant's scanner read it: 18 digits (wire §3.8). Any first two digits are accepted
/// here; whether the code is one of ours is known only to its issuer. `Debug` shows the last four digits.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthCode(Secret<String>);

impl AuthCode {
    /// Digits in a code.
    pub const DIGITS: usize = 18;
    /// Reads a code; no spaces.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == Self::DIGITS && text.bytes().all(|b| b.is_ascii_digit());
        valid.then(|| Self(Secret::new(text.to_owned())))
    }
}

impl Masked for AuthCode {
    fn expose(&self) -> &str {
        self.0.expose()
    }
    fn masked(&self) -> String {
        format!("**************{}", &self.expose()[Self::DIGITS - 4..])
    }
}

impl fmt::Debug for AuthCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

pub(crate) fn form(expected: Text) -> Text {
    issue::form(expected.zh, expected.en)
}

#[cfg(test)]
#[path = "field_tests.rs"]
mod tests;
