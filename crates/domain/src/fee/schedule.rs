//! One rule of a fee schedule: arithmetic only.

use crate::{Rejection, order};
use serde::{Deserialize, Serialize};
use std::fmt;
use types::{Currency, Money, Rate, Time};

/// How a fee is worked out of a payment's amount. Amounts are minor units of the payment's currency.
///
/// ```text
/// fee = round(amount × rate) + fixed       rate and fixed of the promotion, else of the tier, else of the rule
/// fee = at least `least`, at most `most`, and never more than the amount
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Proportion of the amount.
    pub rate: Rate,
    /// Added to every payment.
    #[serde(default)]
    pub fixed: i64,
    /// The least fee.
    #[serde(default)]
    pub least: i64,
    /// The largest fee; no cap when none.
    #[serde(default)]
    pub most: Option<i64>,
    /// Other rates for larger payments, by rising amount. The tier of a payment's amount holds for all of it.
    #[serde(default)]
    pub tiers: Vec<Tier>,
    /// A rate for a time.
    #[serde(default)]
    pub promotion: Option<Promotion>,
    /// How a part of a minor unit is rounded.
    #[serde(default)]
    pub rounding: Rounding,
    /// What of the fee goes back when the payment is refunded.
    #[serde(default)]
    pub returns: Return,
}

/// Rate and fixed part of payments of at least some amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// The smallest amount of the tier, minor units.
    pub from: i64,
    /// Proportion of the amount.
    pub rate: Rate,
    /// Added to every payment of the tier.
    #[serde(default)]
    pub fixed: i64,
}

/// Rate and fixed part for a time; least fee and cap hold as ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// The first instant.
    pub from: Time,
    /// The first instant after it.
    pub until: Time,
    /// Proportion of the amount.
    pub rate: Rate,
    /// Added to every payment.
    #[serde(default)]
    pub fixed: i64,
}

/// How a part of a minor unit is rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Half and more up, less down.
    #[default]
    HalfUp,
    /// Always up, for the platform.
    Up,
    /// Always down, for the merchant.
    Down,
}

/// What of a fee goes back when its payment is refunded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Return {
    /// The same part as of the payment; the last refund brings the rest.
    #[default]
    ProRata,
    /// Nothing.
    None,
    /// All of it once the whole payment is refunded, nothing before.
    WhenFull,
}

/// An amount with the fee on it: of a payment, or of its refunds so far. Minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charged {
    /// What was paid, or refunded.
    pub amount: i64,
    /// The fee taken, or returned.
    pub fee: i64,
}

impl Return {
    /// What of the fee goes back with a refund of `refund`, after `before` was refunded of the payment `paid`. Over all
    /// refunds it is exact: what a partial refund rounds, a later one makes up for, and no more than the fee returns.
    ///
    /// ```
    /// use domain::fee::{Charged, Return};
    /// let paid = Charged { amount: 100, fee: 1 };
    /// assert_eq!(Return::ProRata.returned(paid, Charged::default(), 49), 0);
    /// assert_eq!(Return::ProRata.returned(paid, Charged { amount: 49, fee: 0 }, 51), 1);
    /// ```
    #[must_use]
    pub fn returned(self, paid: Charged, before: Charged, refund: i64) -> i64 {
        let refunded = i128::from(before.amount) + i128::from(refund);
        let (amount, fee) = (i128::from(paid.amount), i128::from(paid.fee));
        let due = match self {
            Self::None => 0,
            _ if refunded >= amount => fee,
            Self::WhenFull => 0,
            Self::ProRata => (fee * refunded * 2 + amount) / (amount * 2),
        };
        i64::try_from(due).unwrap_or(paid.fee).saturating_sub(before.fee).max(0)
    }
}

impl Rounding {
    /// `amount` times `rate`, in whole minor units; amounts up to [`order::AMOUNT_MAX`].
    fn of(self, amount: i64, rate: Rate) -> i64 {
        let product = i128::from(amount) * i128::from(rate.0);
        let whole = match self {
            Self::HalfUp => (product + 500_000) / 1_000_000,
            Self::Up => (product + 999_999) / 1_000_000,
            Self::Down => product / 1_000_000,
        };
        i64::try_from(whole).unwrap_or(i64::MAX)
    }
}

impl Rule {
    /// A plain rate, rounded half up, returned pro rata.
    #[must_use]
    pub fn plain(rate: Rate) -> Self {
        Self {
            rate,
            fixed: 0,
            least: 0,
            most: None,
            tiers: Vec::new(),
            promotion: None,
            rounding: Rounding::HalfUp,
            returns: Return::ProRata,
        }
    }
    /// Rate and fixed part of a payment of `amount` minor units made at `at`.
    #[must_use]
    pub fn rate_at(&self, amount: i64, at: Time) -> (Rate, i64) {
        let tier = self.tiers.iter().rev().find(|tier| tier.from <= amount);
        match self.promotion {
            Some(promotion) if (promotion.from..promotion.until).contains(&at) => {
                (promotion.rate, promotion.fixed)
            }
            _ => tier.map_or((self.rate, self.fixed), |tier| (tier.rate, tier.fixed)),
        }
    }
    /// The fee of a payment of `amount` minor units (1 to [`order::AMOUNT_MAX`]) made at `at`: 0 to `amount`.
    #[must_use]
    pub fn fee(&self, amount: i64, at: Time) -> i64 {
        let (rate, fixed) = self.rate_at(amount, at);
        let fee = self.rounding.of(amount, rate).saturating_add(fixed);
        fee.max(self.least).min(self.most.unwrap_or(i64::MAX)).clamp(0, amount)
    }
    /// Checks a rule. Errors: `FeeRule`, saying what contradicts.
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        let wrong = |why: &str| Err(Rejection::FeeRule(why.into()));
        let promotion = self.promotion.iter().map(|promotion| (promotion.rate, promotion.fixed));
        let parts = std::iter::once((self.rate, self.fixed))
            .chain(self.tiers.iter().map(|tier| (tier.rate, tier.fixed)))
            .chain(promotion);
        for (rate, fixed) in parts {
            if rate > Rate::WHOLE {
                return wrong("a rate is at most 100 %");
            }
            if !(0..=order::AMOUNT_MAX).contains(&fixed) {
                return wrong("a fixed part is not below zero and not above the largest payment");
            }
        }
        if self.least < 0 || self.most.is_some_and(|most| most < self.least) {
            return wrong("the least fee is not below zero and not above the largest fee");
        }
        if self.tiers.len() > TIERS_MAX {
            return wrong("at most 16 tiers");
        }
        if self.tiers.iter().any(|tier| tier.from <= 0) || !self.tiers.is_sorted_by(|a, b| a.from < b.from) {
            return wrong("tiers begin above zero, each above the one before");
        }
        if self.promotion.is_some_and(|promotion| promotion.from >= promotion.until) {
            return wrong("a promotion ends after it begins");
        }
        Ok(())
    }
}

/// Tiers of a rule at most.
const TIERS_MAX: usize = 16;

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yuan = |minor: i64| Money::new(minor, Currency::CNY);
        write!(f, "{}", self.rate)?;
        if self.fixed > 0 {
            write!(f, " + {}", yuan(self.fixed))?;
        }
        for tier in &self.tiers {
            write!(f, "; from {}: {}", yuan(tier.from), tier.rate)?;
            if tier.fixed > 0 {
                write!(f, " + {}", yuan(tier.fixed))?;
            }
        }
        if self.least > 0 {
            write!(f, "; at least {}", yuan(self.least))?;
        }
        if let Some(most) = self.most {
            write!(f, "; at most {}", yuan(most))?;
        }
        if let Some(promotion) = self.promotion {
            write!(f, "; {} from {} until {}", promotion.rate, promotion.from, promotion.until)?;
        }
        match self.rounding {
            Rounding::HalfUp => f.write_str("; rounded half up")?,
            Rounding::Up => f.write_str("; rounded up")?,
            Rounding::Down => f.write_str("; rounded down")?,
        }
        f.write_str(match self.returns {
            Return::ProRata => "; returned pro rata",
            Return::None => "; not returned",
            Return::WhenFull => "; returned when all is refunded",
        })
    }
}
