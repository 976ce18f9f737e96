//! Payment codes: 18 digits = 2 of prefix, 15 random, 1 check digit (rules §3).

use crate::field::AuthCode;
use std::fmt;
use types::{Masked, Secret};

/// The first two digits of our codes, so that a till with several wallets knows whom to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix(u8);

impl Prefix {
    /// The prefix of a fresh installation, in no other wallet's range.
    pub const DEFAULT: Prefix = Prefix(88);
    /// `digits` 1 to 99, outside the ranges of other wallets: 10–15, 25–30 and 62 (rules §3).
    #[must_use]
    pub const fn new(digits: u8) -> Option<Self> {
        match digits {
            0 | 10..=15 | 25..=30 | 62 | 100.. => None,
            _ => Some(Self(digits)),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// Why a text is none of our payment codes. The text is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PaymentCodeError {
    /// Not 18 digits.
    #[error("a payment code has 18 digits")]
    Form,
    /// Another wallet's code.
    #[error("the payment code does not start with {0}")]
    Prefix(Prefix),
    /// A digit was mistyped.
    #[error("the last digit of the payment code is wrong; read it again")]
    Check,
}

/// A payment code of this platform. `Debug` shows the last four digits.
///
/// ```
/// use protocol::qr::{PaymentCode, Prefix};
/// use types::Masked;
/// let body = PaymentCode::body_of(0x0123_4567_89ab_cdef).unwrap();
/// let code = PaymentCode::new(Prefix::DEFAULT, body).unwrap();
/// assert_eq!(code.grouped(), "8898 5529 2164 8689 57");
/// assert_eq!(PaymentCode::parse(Prefix::DEFAULT, code.expose()).unwrap(), code);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentCode(Secret<String>);

impl PaymentCode {
    /// How many different codes a prefix has: 15 digits.
    pub const BODIES: u64 = 1_000_000_000_000_000;

    /// A body below [`PaymentCode::BODIES`] from 64 random bits, every body equally likely; none for the few
    /// values that would favour some, then draw again.
    #[must_use]
    pub const fn body_of(random: u64) -> Option<u64> {
        const USABLE: u64 = u64::MAX / PaymentCode::BODIES * PaymentCode::BODIES;
        if random < USABLE { Some(random % Self::BODIES) } else { None }
    }

    /// The code of a body; none at [`PaymentCode::BODIES`] or above.
    #[must_use]
    pub fn new(prefix: Prefix, body: u64) -> Option<Self> {
        if body >= Self::BODIES {
            return None;
        }
        let digits = format!("{prefix}{body:015}");
        let check = luhn(&digits);
        Some(Self(Secret::new(format!("{digits}{check}"))))
    }

    /// Reads a code as scanned or typed; spaces between digits are ignored.
    ///
    /// # Errors
    /// [`PaymentCodeError`] saying what is wrong.
    pub fn parse(prefix: Prefix, text: &str) -> Result<Self, PaymentCodeError> {
        if text.len() > 64 {
            return Err(PaymentCodeError::Form);
        }
        let digits: Secret<String> = Secret::new(text.chars().filter(|c| *c != ' ').collect());
        Self::of(prefix, &AuthCode::parse(digits.expose()).ok_or(PaymentCodeError::Form)?)
    }

    /// Our code in what a merchant's scanner read.
    ///
    /// # Errors
    /// [`PaymentCodeError`] saying what is wrong.
    pub fn of(prefix: Prefix, scanned: &AuthCode) -> Result<Self, PaymentCodeError> {
        let digits = scanned.expose();
        if !digits.starts_with(&prefix.to_string()) {
            return Err(PaymentCodeError::Prefix(prefix));
        }
        let (rest, check) = digits.split_at(AuthCode::DIGITS - 1);
        if luhn(rest).to_string() != check {
            return Err(PaymentCodeError::Check);
        }
        Ok(Self(Secret::new(digits.to_owned())))
    }

    /// For reading aloud: `1234 5678 9012 3456 78`.
    #[must_use]
    pub fn grouped(&self) -> String {
        let digits = self.expose();
        [&digits[..4], &digits[4..8], &digits[8..12], &digits[12..16], &digits[16..]].join(" ")
    }
}

impl Masked for PaymentCode {
    fn expose(&self) -> &str {
        self.0.expose()
    }
    fn masked(&self) -> String {
        format!("**************{}", &self.expose()[AuthCode::DIGITS - 4..])
    }
}

impl fmt::Debug for PaymentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// The Luhn check digit of a row of digits (ISO/IEC 7812-1 annex B).
fn luhn(digits: &str) -> u32 {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, byte)| {
            let digit = u32::from(byte.saturating_sub(b'0'));
            if at % 2 == 0 { doubled(digit) } else { digit }
        })
        .sum();
    (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_check_digits() {
        // 7992739871-3 is the sample of ISO/IEC 7812; the others are public test card numbers.
        for (digits, check) in [("7992739871", 3), ("411111111111111", 1), ("37828224631000", 5), ("0", 0)] {
            assert_eq!(luhn(digits), check, "{digits}");
        }
    }

    #[test]
    fn a_code_reads_back_and_one_wrong_digit_is_noticed() {
        let prefix = Prefix::DEFAULT;
        for body in [0, 1, 123_456_789_012_345, PaymentCode::BODIES - 1] {
            let code = PaymentCode::new(prefix, body).unwrap();
            assert_eq!(code.expose().len(), 18);
            assert_eq!(code.grouped().len(), 22);
            assert_eq!(PaymentCode::parse(prefix, &code.grouped()).unwrap(), code);
            for at in 2..18 {
                let mut digits = code.expose().as_bytes().to_vec();
                digits[at] = b'0' + (digits[at] - b'0' + 1) % 10;
                let wrong = String::from_utf8(digits).unwrap();
                assert_eq!(PaymentCode::parse(prefix, &wrong), Err(PaymentCodeError::Check), "{wrong}");
            }
        }
        assert!(PaymentCode::new(prefix, PaymentCode::BODIES).is_none());
    }

    #[test]
    fn foreign_and_malformed_codes_are_told_apart() {
        let parse = |text| PaymentCode::parse(Prefix::DEFAULT, text);
        assert_eq!(parse("130061098828009406"), Err(PaymentCodeError::Prefix(Prefix::DEFAULT)));
        for bad in ["", "88", "88006109882800940", "8800610988280094061", "88006109882800940x", "８８"] {
            assert_eq!(parse(bad), Err(PaymentCodeError::Form), "{bad}");
        }
    }

    #[test]
    fn prefixes_of_other_wallets_are_not_ours() {
        for taken in [0, 10, 15, 25, 30, 62, 100, 255] {
            assert!(Prefix::new(taken).is_none(), "{taken}");
        }
        for free in [1, 9, 16, 24, 31, 61, 63, 99] {
            assert_eq!(Prefix::new(free).unwrap().to_string(), format!("{free:02}"));
        }
        assert_eq!(Prefix::new(Prefix::DEFAULT.0), Some(Prefix::DEFAULT));
    }

    #[test]
    fn bodies_are_drawn_without_favour() {
        let whole = u64::MAX / PaymentCode::BODIES * PaymentCode::BODIES;
        assert_eq!(PaymentCode::body_of(whole - 1), Some(PaymentCode::BODIES - 1));
        assert_eq!(PaymentCode::body_of(whole), None);
        assert_eq!(PaymentCode::body_of(u64::MAX), None);
    }

    #[test]
    fn a_code_never_prints_in_clear() {
        let code = PaymentCode::new(Prefix::DEFAULT, 123_456_789_012_345).unwrap();
        let shown = format!("{code:?}");
        assert!(shown.starts_with("**************") && shown.len() == 18);
        assert!(code.expose().ends_with(&shown[14..]));
    }
}
