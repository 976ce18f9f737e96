//! Expectations: what a channel should pay to the bank, computed from single entries.
//!
//! A channel does not pay each payment; it pays a batch: payments less refunds less fees. [`Expectations`] adds
//! up a side's entries by batch. Made from the ledger's entries and from the bill's, and matched three-way with
//! the bank's credits by batch, they say who is wrong when the sum on the account is.

use crate::entry::{Entry, Kind, Status};
use std::collections::BTreeMap;
use types::{Currency, Money, MoneyError, Time};

/// Sums of one side's entries by settlement batch.
#[derive(Debug)]
pub struct Expectations {
    currency: Currency,
    most: usize,
    batches: BTreeMap<String, Batch>,
}

#[derive(Debug)]
struct Batch {
    net: Money,
    fee: Money,
    count: u64,
    last: Time,
}

/// Why an entry could not be added up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpectError {
    /// The entry names no batch.
    #[error("entry `{0}` names no settlement batch; the bill's format has to declare the column")]
    NoBatch(String),
    /// More batches than a day can have.
    #[error("more than {0} settlement batches; check that the batch column is the right one")]
    Many(usize),
    /// Sums do not fit, or currencies mix.
    #[error("batch `{0}`: {1}")]
    Money(String, MoneyError),
}

impl Expectations {
    /// Most batches of one day.
    pub const BATCHES_MAX: usize = 100_000;

    /// Sums in `currency`.
    #[must_use]
    pub const fn new(currency: Currency) -> Self {
        Self { currency, most: Self::BATCHES_MAX, batches: BTreeMap::new() }
    }

    /// Adds an entry: what comes in adds, what goes out subtracts, fees subtract. Only what succeeded counts.
    ///
    /// # Errors
    /// See [`ExpectError`].
    pub fn add(&mut self, entry: &Entry) -> Result<(), ExpectError> {
        if entry.status != Status::Succeeded {
            return Ok(());
        }
        let no_batch = || ExpectError::NoBatch(entry.key.chars().take(60).collect());
        let name = entry.batch.as_ref().ok_or_else(no_batch)?;
        let zero = Money::zero(self.currency);
        if !self.batches.contains_key(name) {
            if self.batches.len() >= self.most {
                return Err(ExpectError::Many(self.most));
            }
            let batch = Batch { net: zero, fee: zero, count: 0, last: Time(i64::MIN) };
            self.batches.insert(name.clone(), batch);
        }
        let Some(batch) = self.batches.get_mut(name) else { return Ok(()) };
        let fee = entry.fee.unwrap_or(zero);
        let add = |batch: &mut Batch| {
            let net = batch.net;
            let net = if entry.kind.comes_in() { net.plus(entry.amount)? } else { net.minus(entry.amount)? };
            batch.net = net.minus(fee)?;
            batch.fee = batch.fee.plus(fee)?;
            batch.count += 1;
            batch.last = batch.last.max(entry.at);
            Ok(())
        };
        add(batch).map_err(|error| ExpectError::Money(name.clone(), error))
    }

    /// What the bank should credit, or debit where more was refunded than paid ([`Kind::Reclaim`]): one entry a batch,
    /// key = batch, amount = net, at `due`. A batch of nothing is left out, because no bank credits nothing.
    #[must_use]
    pub fn entries(&self, due: impl Fn(Time) -> Time) -> Vec<Entry> {
        let entry = |(name, batch): (&String, &Batch)| {
            let kind = if batch.net.minor < 0 { Kind::Reclaim } else { Kind::Settlement };
            // A sum of amounts that are not negative is above i64::MIN.
            let amount = Money::new(batch.net.minor.saturating_abs(), batch.net.currency);
            let reference = format!("{} entries", batch.count);
            let entry = Entry::new(name, kind, amount, Status::Succeeded, due(batch.last));
            (batch.net.minor != 0).then_some(Entry { reference, ..entry })
        };
        self.batches.iter().filter_map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: Kind, fen: i64, fee: i64, batch: &str) -> Entry {
        let fee = Some(Money::cny(fee));
        let batch = Some(batch.to_owned());
        Entry { fee, batch, ..Entry::new("k", kind, Money::cny(fen), Status::Succeeded, Time(fen)) }
    }

    #[test]
    fn a_batch_is_payments_less_refunds_less_fees() {
        let mut sums = Expectations::new(Currency::CNY);
        for e in [
            entry(Kind::Payment, 100_00, 60, "B1"),
            entry(Kind::Refund, 10_00, -6, "B1"),
            entry(Kind::Payment, 5_00, 0, "B2"),
            entry(Kind::Refund, 5_00, 0, "B2"),
            Entry { status: Status::Failed, ..entry(Kind::Payment, 9_00, 0, "B3") },
        ] {
            sums.add(&e).unwrap();
        }
        let all = sums.entries(|at| at.plus(1));
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].key.as_str(), all[0].amount, all[0].at), ("B1", Money::cny(89_46), Time(100_01)));
        sums.add(&entry(Kind::Refund, 1, 0, "B2")).unwrap();
        let back = &sums.entries(|at| at)[1];
        assert_eq!((back.key.as_str(), back.kind, back.amount), ("B2", Kind::Reclaim, Money::cny(1)));
        let no_batch = Entry { batch: None, ..entry(Kind::Payment, 1, 0, "") };
        assert_eq!(sums.add(&no_batch), Err(ExpectError::NoBatch("k".into())));
        let dollars =
            Entry { amount: Money::new(1, Currency::USD), fee: None, ..entry(Kind::Payment, 1, 0, "B1") };
        assert!(matches!(sums.add(&dollars), Err(ExpectError::Money(..))));
    }
}
