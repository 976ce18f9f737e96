//! How old open exceptions are.

use crate::exception::{Class, Exception, Suspense};
use serde::{Deserialize, Serialize};
use types::{BusinessDay, Currency, Money, MoneyError};

/// Upper ends of the age bands in days; the last band is open. From T+3 on an exception is overdue
/// (reference §4).
pub const BANDS: [u32; 4] = [2, 7, 30, 90];

/// Open exceptions of one currency by age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ageing {
    /// The currency of the sums.
    pub currency: Currency,
    /// Bands: up to 2 days, 3–7, 8–30, 31–90, over 90.
    pub bands: [Band; 5],
}

/// Exceptions of one age band.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// How many, by class in the order of [`Class::ALL`].
    pub count: [u64; 7],
    /// Money that the outside has and our books lack.
    pub owed: Money,
    /// Money that our books have and the outside lacks.
    pub missing: Money,
}

impl Ageing {
    /// Empty bands.
    #[must_use]
    pub const fn new(currency: Currency) -> Self {
        const fn band(currency: Currency) -> Band {
            Band { count: [0; 7], owed: Money::zero(currency), missing: Money::zero(currency) }
        }
        let bands = [band(currency), band(currency), band(currency), band(currency), band(currency)];
        Self { currency, bands }
    }

    /// Counts an open exception of this class, first seen on `since`, on `today`. Money of another currency is
    /// counted, not summed.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn add(
        &mut self,
        class: Class,
        suspense: Option<Suspense>,
        since: BusinessDay,
        today: BusinessDay,
    ) -> Result<(), MoneyError> {
        let age = u32::try_from(i64::from(today.0) - i64::from(since.0)).unwrap_or(0);
        let at = BANDS.iter().position(|end| age <= *end).unwrap_or(BANDS.len());
        let band = &mut self.bands[at];
        band.count[class as usize] += 1;
        match suspense {
            Some(Suspense::Owed(money)) if money.currency == self.currency => {
                band.owed = band.owed.plus(money)?
            }
            Some(Suspense::Missing(money)) if money.currency == self.currency => {
                band.missing = band.missing.plus(money)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Counts an exception found by a run.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn add_exception(&mut self, exception: &Exception, today: BusinessDay) -> Result<(), MoneyError> {
        self.add(exception.class, exception.suspense, exception.since, today)
    }

    /// Exceptions older than T+2.
    #[must_use]
    pub fn overdue(&self) -> u64 {
        self.bands[1..].iter().flat_map(|band| band.count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_fall_into_bands() {
        let mut ageing = Ageing::new(Currency::CNY);
        let today = BusinessDay(100);
        for (since, band) in
            [(101, 0), (100, 0), (98, 0), (97, 1), (93, 1), (92, 2), (70, 2), (69, 3), (10, 3), (9, 4)]
        {
            let before = ageing.bands[band].clone();
            ageing.add(Class::Long, Some(Suspense::Owed(Money::cny(7))), BusinessDay(since), today).unwrap();
            let after = &ageing.bands[band];
            assert_eq!(after.count[0], before.count[0] + 1, "{since}");
            assert_eq!(after.owed, before.owed.plus(Money::cny(7)).unwrap());
        }
        let dollars = Some(Suspense::Missing(Money::new(5, Currency::USD)));
        ageing.add(Class::Fee, dollars, today, today).unwrap();
        assert_eq!(ageing.bands[0].missing, Money::cny(0));
        assert_eq!(ageing.overdue(), 7);
    }
}
