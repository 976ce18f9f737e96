//! What a user has received by transfers, and the name that transfers are checked against.

use super::{FailReason, TransferTerms, UserTransferRules};
use crate::{
    Context, Rejection, Stop, Tx,
    journal::Subject,
    limit::LimitTable,
    payer::{self, AccountClass, Payer},
    records::Digest,
};
use serde::{Deserialize, Serialize};
use types::{BusinessDay, PayerId};

/// What a user has received. Kept in the user's shard, apart from what payments count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Who.
    pub payer: PayerId,
    /// Keyed hash of the real name, once an identity check has given one.
    pub name: Option<Digest>,
    /// The day counted.
    pub day: BusinessDay,
    /// Received that day, fen.
    pub day_total: i64,
    /// The year counted.
    pub year: i16,
    /// Received that year, fen.
    pub year_total: i64,
    /// Received since opening, fen.
    pub lifetime_total: i64,
}

impl Recipient {
    /// Nothing received, no name known.
    #[must_use]
    pub const fn none(payer: PayerId) -> Self {
        Self {
            payer,
            name: None,
            day: BusinessDay(0),
            day_total: 0,
            year: 0,
            year_total: 0,
            lifetime_total: 0,
        }
    }
    /// True when the user's real name is known and is not the one that the merchant gave.
    #[must_use]
    pub fn is_another(&self, terms: &TransferTerms) -> bool {
        terms.name.as_ref().zip(self.name).is_some_and(|(given, known)| given.hash != known)
    }
    /// Counts what is received on `day`, or says why it can't be: the name given is another, the day is full, or the
    /// account class allows no more: class I in all, classes II and III in a year, as for what is paid from the balance
    /// (rules §1.1).
    ///
    /// # Errors
    /// Why not.
    pub fn receive(
        mut self,
        terms: &TransferTerms,
        class: AccountClass,
        table: &LimitTable,
        day: BusinessDay,
    ) -> Result<Self, FailReason> {
        if self.is_another(terms) {
            return Err(FailReason::Name);
        }
        if self.day != day {
            (self.day, self.day_total) = (day, 0);
        }
        if self.year != day.year() {
            (self.year, self.year_total) = (day.year(), 0);
        }
        let amount = terms.amount.minor;
        let add =
            |total: i64, most: i64, why| total.checked_add(amount).filter(|sum| *sum <= most).ok_or(why);
        let rules: UserTransferRules = table.user_transfer;
        let (year, lifetime) = match class {
            AccountClass::One => (i64::MAX, table.class_1_lifetime),
            AccountClass::Two => (table.class_2_year, i64::MAX),
            AccountClass::Three => (table.class_3_year, i64::MAX),
        };
        self.day_total = add(self.day_total, rules.payer_day, FailReason::Day)?;
        self.year_total = add(self.year_total, year, FailReason::Class)?;
        self.lifetime_total = add(self.lifetime_total, lifetime, FailReason::Class)?;
        Ok(self)
    }
}

/// What a user has received.
pub(super) fn of(payer: PayerId, tx: &mut Tx<'_>) -> Result<Recipient, Stop> {
    Ok(tx.get::<Recipient>(&payer)?.copied().unwrap_or(Recipient::none(payer)))
}

/// Keeps the real name that an identity check gave. Errors: `PayerNotFound`, `PayerSuspended`.
pub(crate) fn set_name(id: PayerId, name: Digest, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    tx.expect::<Recipient>(&id);
    let payer = payer::active(id, tx)?;
    tx.about(Subject::Payer(id), Some(payer.journal));
    let kept = of(id, tx)?;
    tx.put(Recipient { name: Some(name), ..kept });
    tx.put(Payer { journal: ctx.journal, ..payer });
    Ok(())
}

/// A user who does not exist or may not act receives nothing.
pub(super) fn account(id: PayerId, tx: &mut Tx<'_>) -> Result<Result<Payer, FailReason>, Stop> {
    match payer::active(id, tx) {
        Ok(payer) => Ok(Ok(payer)),
        Err(Stop::Rejected(Rejection::PayerNotFound | Rejection::PayerSuspended)) => {
            Ok(Err(FailReason::Account))
        }
        Err(stop) => Err(stop),
    }
}
