//! Money: an integer of minor units with its currency, and rates that never touch a float.

use serde::{Deserialize, Serialize};
use std::fmt;

pub use iso_currency::Currency;

/// An amount of money: `minor` units (fen for CNY) of `currency`.
///
/// All arithmetic is checked; two currencies never mix.
///
/// ```
/// use types::{Currency, Money};
/// let price = Money::new(12_34, Currency::CNY);
/// assert_eq!(price.to_string(), "12.34");
/// assert!(price.plus(Money::new(1, Currency::USD)).is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units; negative only where a balance may be (platform accounts).
    pub minor: i64,
    /// ISO 4217 currency.
    pub currency: Currency,
}

/// Why an amount could not be computed or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two amounts of different currencies met.
    #[error("currencies differ: {0} and {1}; convert one first")]
    Currency(&'static str, &'static str),
    /// The result does not fit 64 bits.
    #[error("amount overflows 64 bits")]
    Overflow,
    /// Text was not an amount of this currency.
    #[error("`{0}` is not an amount in {1}: digits with at most {2} decimals")]
    Text(String, &'static str, u16),
}

impl Money {
    /// `minor` units of `currency`.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }
    /// Fen of CNY, the default currency.
    #[must_use]
    pub const fn cny(fen: i64) -> Self {
        Self::new(fen, Currency::CNY)
    }
    /// Nothing of `currency`.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }
    /// True above zero.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }
    fn same(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::Currency(self.currency.code(), other.currency.code()))
        }
    }
    /// Sum.
    ///
    /// # Errors
    /// [`MoneyError::Currency`], [`MoneyError::Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }
    /// Difference.
    ///
    /// # Errors
    /// [`MoneyError::Currency`], [`MoneyError::Overflow`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }
    /// Digits after the point that `currency` has.
    #[must_use]
    pub fn decimals(currency: Currency) -> u16 {
        currency.exponent().unwrap_or(0)
    }
    /// Reads `12`, `12.3` or `12.34` (no sign, no grouping, no exponent) exactly.
    ///
    /// # Errors
    /// [`MoneyError::Text`] when the text is no such amount, [`MoneyError::Overflow`] when it is too large.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let decimals = Self::decimals(currency);
        let bad = || MoneyError::Text(text.chars().take(40).collect(), currency.code(), decimals);
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > usize::from(decimals) {
            return Err(bad());
        }
        if text.ends_with('.') {
            return Err(bad());
        }
        let mut minor: i64 = 0;
        let padding = usize::from(decimals) - part.len();
        for digit in whole.bytes().chain(part.bytes()).chain(std::iter::repeat_n(b'0', padding)) {
            minor = minor
                .checked_mul(10)
                .and_then(|m| m.checked_add(i64::from(digit - b'0')))
                .ok_or(MoneyError::Overflow)?;
        }
        Ok(Self { minor, currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = usize::from(Self::decimals(self.currency));
        let sign = if self.minor < 0 { "-" } else { "" };
        let digits = self.minor.unsigned_abs();
        if decimals == 0 {
            return write!(f, "{sign}{digits}");
        }
        let unit = 10_u64.pow(u32::try_from(decimals).unwrap_or(0));
        write!(f, "{sign}{}.{:0decimals$}", digits / unit, digits % unit)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {}", self.currency.code())
    }
}

/// A proportion in millionths, so 0.60 % is `Rate(6_000)`. Range 0 to 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rate(pub u32);

impl Rate {
    /// The whole, 100 %.
    pub const WHOLE: Rate = Rate(1_000_000);
    /// `amount` times the rate, rounded half up to the minor unit.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the rate is above 100 % and the result does not fit.
    pub fn of(self, amount: Money) -> Result<Money, MoneyError> {
        let product = i128::from(amount.minor) * i128::from(self.0);
        let half = if product < 0 { -500_000 } else { 500_000 };
        let minor = i64::try_from((product + half) / 1_000_000).map_err(|_| MoneyError::Overflow)?;
        Ok(Money { minor, ..amount })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}%", self.0 / 10_000, self.0 % 10_000 / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_and_print_exactly() {
        for (text, minor) in [("0", 0), ("0.01", 1), ("12", 1200), ("12.3", 1230), ("12.34", 1234)] {
            assert_eq!(Money::parse(text, Currency::CNY).unwrap().minor, minor, "{text}");
        }
        for text in ["", ".", "1.", ".5", "1.234", "-1", "+1", "1e3", "1,000", "１", "92233720368547758.08"]
        {
            assert!(Money::parse(text, Currency::CNY).is_err(), "{text}");
        }
        assert_eq!(Money::new(-5, Currency::CNY).to_string(), "-0.05");
        assert_eq!(Money::new(7, Currency::JPY).to_string(), "7");
        assert_eq!(Money::parse("1.234", Currency::KWD).unwrap().minor, 1234);
    }

    #[test]
    fn arithmetic_is_checked() {
        assert_eq!(Money::cny(i64::MAX).plus(Money::cny(1)), Err(MoneyError::Overflow));
        assert!(Money::cny(1).minus(Money::new(1, Currency::USD)).is_err());
    }

    #[test]
    fn rates_round_half_up() {
        assert_eq!(Rate(6_000).of(Money::cny(100)).unwrap().minor, 1); // 0.6 fen
        assert_eq!(Rate(6_000).of(Money::cny(83)).unwrap().minor, 0); // 0.498 fen
        assert_eq!(Rate(5_000).of(Money::cny(100)).unwrap().minor, 1); // 0.5 fen
        assert_eq!(Rate::WHOLE.of(Money::cny(i64::MAX)).unwrap().minor, i64::MAX);
        assert_eq!(Rate(6_000).to_string(), "0.60%");
    }
}
