//! Secrets and personal data that cannot be printed by accident (JR/T 0171 classes C2 and C3).

use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroize;

/// A value that `Debug` and `Display` never show. Read it with [`Secret::expose`], on purpose.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a secret.
    pub const fn new(value: T) -> Self {
        Self(value)
    }
    /// The secret itself; the call names the intent.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Text whose `Display` is its masked form; the clear form needs [`Masked::expose`].
pub trait Masked {
    /// The clear value.
    fn expose(&self) -> &str;
    /// What a page or log line may show.
    fn masked(&self) -> String;
}

/// A mainland mobile number: 11 digits starting with 1. Shows as `138****5678`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

impl Phone {
    /// Reads a mobile number; spaces and hyphens between digits and a leading `+86` are accepted.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix("+86").unwrap_or(text);
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let valid = digits.len() == 11
            && digits.bytes().all(|b| b.is_ascii_digit())
            && digits.starts_with('1')
            && digits.as_bytes()[1] >= b'3';
        valid.then_some(Self(digits))
    }
}

impl Masked for Phone {
    fn expose(&self) -> &str {
        &self.0
    }
    fn masked(&self) -> String {
        format!("{}****{}", &self.0[..3], &self.0[7..])
    }
}

impl TryFrom<String> for Phone {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a mobile number of 11 digits")
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_never_prints_in_clear() {
        let phone = Phone::parse("+86 138-1234-5678").unwrap();
        assert_eq!(phone.to_string(), "138****5678");
        assert_eq!(format!("{phone:?}"), "138****5678");
        assert_eq!(phone.expose(), "13812345678");
        for bad in ["", "1381234567", "23812345678", "12812345678", "138123456789", "1381234567a"] {
            assert!(Phone::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_secret_never_prints() {
        assert_eq!(format!("{:?}", Secret::new(String::from("k"))), "***");
    }
}
