//! Why a payment was refused or sent back (ISO 20022 external reason codes, reference §4).

use serde::{Deserialize, Serialize};
use std::fmt;

/// A reason code of four letters and digits. Banks add codes of their own, so any of this form is taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason([u8; 4]);

impl Reason {
    /// The account number is wrong.
    pub const ACCOUNT_WRONG: Self = Self(*b"AC01");
    /// The account is closed.
    pub const ACCOUNT_CLOSED: Self = Self(*b"AC04");
    /// The account is blocked.
    pub const ACCOUNT_BLOCKED: Self = Self(*b"AC06");
    /// The currency is not taken.
    pub const CURRENCY: Self = Self(*b"AM03");
    /// Not enough money.
    pub const FUNDS: Self = Self(*b"AM04");
    /// Sent before.
    pub const DUPLICATE: Self = Self(*b"AM05");
    /// The amount is wrong.
    pub const AMOUNT: Self = Self(*b"AM09");
    /// Control sum or count is wrong.
    pub const CONTROL_SUM: Self = Self(*b"AM10");
    /// Name and account do not belong together.
    pub const NAME: Self = Self(*b"BE01");
    /// The file is not what it should be.
    pub const FORMAT: Self = Self(*b"FF01");
    /// Fraud.
    pub const FRAUD: Self = Self(*b"FRAD");
    /// Not said.
    pub const UNSPECIFIED: Self = Self(*b"MS03");
    /// Rules of the supervisor.
    pub const REGULATORY: Self = Self(*b"RR04");
    /// After the cut-off.
    pub const CUTOFF: Self = Self(*b"TM01");

    /// Reads a code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 4] = text.as_bytes().try_into().ok()?;
        code.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()).then_some(Self(code))
    }

    /// The four characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("MS03")
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Reason {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a reason code of four capital letters and digits")
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.to_string()
    }
}
