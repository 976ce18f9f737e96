//! The bank account that a merchant is paid to.

use crate::{Context, Rejection, Stop, Tx, context::Actor, journal::Subject, merchant::Merchant};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};
use types::{JournalId, MerchantId, Time};

/// A merchant's bank account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankAccount {
    /// Whose.
    pub merchant: MerchantId,
    /// The account.
    pub account: Arc<Beneficiary>,
    /// Since when.
    pub since: Time,
    /// Newest journal line.
    pub journal: JournalId,
}

/// Whom a bank pays. Holder and number are sealed by the vault; what is left says which account is meant.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beneficiary {
    /// The holder's name, sealed.
    pub holder: Box<[u8]>,
    /// The account number, sealed.
    pub number: Box<[u8]>,
    /// Last four characters of the number.
    pub tail: Box<str>,
    /// The bank's number in the payment system (联行号), 12 digits.
    pub bank: Box<str>,
    /// The bank's name, 1 to 60 characters.
    pub bank_name: Box<str>,
}

impl fmt::Debug for Beneficiary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Beneficiary({} …{})", self.bank, self.tail)
    }
}

impl Beneficiary {
    /// Sealed bytes of a name or number at most.
    const SEALED_MAX: usize = 1_024;

    fn check(&self) -> Result<(), Rejection> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let sealed = |bytes: &[u8]| (1..=Self::SEALED_MAX).contains(&bytes.len());
        let fits = self.bank.len() == 12
            && digits(&self.bank)
            && (1..=60).contains(&self.bank_name.chars().count())
            && (1..=4).contains(&self.tail.len())
            && self.tail.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && sealed(&self.holder)
            && sealed(&self.number);
        if fits { Ok(()) } else { Err(Rejection::BankAccountWrong) }
    }
}

/// Sets or replaces a merchant's bank account; payouts under way go to the old one. Errors: `NotAllowed` for anybody but
/// the platform's people, who have checked that holder and merchant are the same (rules §1.5), `BankAccountWrong`,
/// `MerchantNotFound`.
pub(crate) fn set(
    merchant: MerchantId,
    account: &Arc<Beneficiary>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    if !matches!(ctx.caller.actor, Actor::Operator(_) | Actor::Platform) {
        return Err(Rejection::NotAllowed.into());
    }
    account.check()?;
    tx.expect::<BankAccount>(&merchant);
    tx.need::<Merchant>(&merchant, Rejection::MerchantNotFound(merchant))?;
    let previous = tx.get::<BankAccount>(&merchant)?.map(|known| known.journal);
    tx.about(Subject::BankAccount(merchant), previous);
    tx.note(format!("{} …{}", account.bank, account.tail));
    tx.put(BankAccount { merchant, account: Arc::clone(account), since: ctx.now, journal: ctx.journal });
    Ok(())
}
