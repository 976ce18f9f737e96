//! Decimal numbers of bills, exact: fees are written with five decimals of a yuan.

use std::fmt;
use types::{Currency, Money};

/// A number in units of 10⁻⁸. Range ±1.7 × 10³⁰, so sums of a bill cannot overflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(i128);

const PLACES: usize = 8;
/// Most digits before the point.
const WHOLE_MAX: usize = 15;

impl Decimal {
    /// Reads a number with exactly `decimals` (0 to 8) digits after the point and an optional minus. Another
    /// number of decimals is refused: a bill that goes over from yuan to fen looks just so.
    #[must_use]
    pub fn parse(text: &str, decimals: u8) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, part) = match decimals {
            0 => (digits, ""),
            _ => digits.split_once('.')?,
        };
        let all = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || whole.len() > WHOLE_MAX || !all(whole) || !all(part) {
            return None;
        }
        if part.len() != usize::from(decimals) || part.len() > PLACES {
            return None;
        }
        let mut value: i128 = 0;
        for digit in whole.bytes().chain(part.bytes()) {
            value = value * 10 + i128::from(digit - b'0');
        }
        for _ in part.len()..PLACES {
            value *= 10;
        }
        Some(Self(if negative { -value } else { value }))
    }

    /// The sum. Bills have fewer rows than it would take to overflow.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// As money; `None` when it is finer than the currency's minor unit or does not fit.
    #[must_use]
    pub fn money(self, currency: Currency) -> Option<Money> {
        let places = PLACES.checked_sub(usize::from(Money::decimals(currency)))?;
        let unit = 10_i128.pow(u32::try_from(places).ok()?);
        (self.0 % unit == 0).then_some(())?;
        Some(Money::new(i64::try_from(self.0 / unit).ok()?, currency))
    }

    /// An amount of money.
    #[must_use]
    pub fn of(money: Money) -> Self {
        let places = PLACES.saturating_sub(usize::from(Money::decimals(money.currency)));
        let unit = 10_i128.pow(u32::try_from(places).unwrap_or(0));
        Self(i128::from(money.minor) * unit)
    }

    /// Written with this many decimals; further digits are not shown.
    #[must_use]
    pub fn text(self, decimals: u8) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let unit = 10_u128.pow(8);
        let (whole, part) = (self.0.unsigned_abs() / unit, self.0.unsigned_abs() % unit);
        let part = format!("{part:08}");
        match decimals.min(8) {
            0 => format!("{sign}{whole}"),
            n => format!("{sign}{whole}.{}", &part[..usize::from(n)]),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text(8);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_and_their_decimals_are_declared() {
        let money = |text, decimals| Decimal::parse(text, decimals).and_then(|d| d.money(Currency::CNY));
        assert_eq!(money("12.34", 2), Some(Money::cny(12_34)));
        assert_eq!(money("-0.06000", 5), Some(Money::cny(-6)));
        assert_eq!(money("7", 0), Some(Money::cny(7_00)));
        assert_eq!(money("0.00600", 5), None, "finer than a fen");
        for (text, decimals) in [
            ("1234", 2),
            ("12.3", 2),
            ("12.345", 2),
            ("", 2),
            (".12", 2),
            ("1.", 0),
            ("+1.00", 2),
            ("1e2.00", 2),
        ] {
            assert_eq!(Decimal::parse(text, decimals), None, "{text}");
        }
        assert_eq!(Decimal::parse("9999999999999999.00", 2), None);
        assert_eq!(Decimal::of(Money::cny(-6)).text(5), "-0.06000");
        assert_eq!(Decimal::of(Money::cny(12_30)).to_string(), "12.3");
        assert_eq!(Decimal::of(Money::new(5, Currency::JPY)).to_string(), "5");
    }
}
