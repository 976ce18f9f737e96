//! How a merchant is settled: T+n, reserve, payout. Of its own, or the platform's default.

use crate::{
    Context, Rejection, Stop, Tx, calendar::DELAY_MAX, fee::PLATFORM, journal::Subject, merchant::Merchant,
};
use serde::{Deserialize, Serialize};
use types::{BusinessDay, JournalId, MerchantId, Rate, Time};

/// A merchant's place in settlement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Whose; [`PLATFORM`] for the default.
    pub merchant: MerchantId,
    /// The terms; the platform's default when none.
    pub terms: Option<Terms>,
    /// The newest day settled; each settlement names the one before.
    pub newest: Option<BusinessDay>,
    /// When settled money is to be paid out; set by a release, cleared by the payout.
    pub payout_at: Option<Time>,
    /// Newest journal line of a change of the terms.
    pub journal: JournalId,
}

/// Terms of settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// n of T+n, in working days: 0 to [`DELAY_MAX`].
    pub delay: u16,
    /// The part of each release that is kept back.
    pub reserve: Rate,
    /// Natural days that it is kept: 0 to 365.
    pub reserve_days: u16,
    /// When settled money goes to the bank account.
    pub payouts: Payouts,
    /// The least automatic payout, fen; what is less waits for the next.
    pub payout_least: i64,
}

impl Terms {
    /// T+1, nothing kept back, paid out on request.
    pub const DEFAULT: Self =
        Self { delay: 1, reserve: Rate(0), reserve_days: 0, payouts: Payouts::OnRequest, payout_least: 1_00 };
}

/// When settled money goes to the bank account. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Payouts {
    /// When the merchant asks.
    OnRequest = 0,
    /// As soon as it is released.
    Automatic = 1,
}

impl Payouts {
    /// Stored as `number`.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::OnRequest),
            1 => Some(Self::Automatic),
            _ => None,
        }
    }
}

impl Plan {
    /// A merchant that was never settled, by the platform's default.
    pub(crate) const fn none(merchant: MerchantId) -> Self {
        Self { merchant, terms: None, newest: None, payout_at: None, journal: JournalId(0) }
    }
}

/// The merchant's plan, and the terms in force. Errors: none but [`Stop::Missing`].
pub(crate) fn terms_of(merchant: MerchantId, tx: &mut Tx<'_>) -> Result<(Plan, Terms), Stop> {
    let plan = tx.get::<Plan>(&merchant)?.cloned().unwrap_or(Plan::none(merchant));
    let terms = match plan.terms {
        Some(terms) => terms,
        None => tx.get::<Plan>(&PLATFORM)?.and_then(|plan| plan.terms).unwrap_or(Terms::DEFAULT),
    };
    Ok((plan, terms))
}

/// Sets a merchant's terms, or the platform's; none lets the default hold again. Days closed before keep their release
/// times. Errors: `MerchantNotFound`, `AmountOutOfRange` for a term outside its range.
pub(crate) fn set(
    merchant: MerchantId,
    terms: Option<Terms>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    tx.expect::<Plan>(&merchant);
    if merchant != PLATFORM {
        tx.need::<Merchant>(&merchant, Rejection::MerchantNotFound(merchant))?;
    }
    let known = tx.get::<Plan>(&merchant)?.cloned();
    tx.about(Subject::Plan(merchant), known.as_ref().map(|plan| plan.journal));
    if let Some(terms) = terms {
        let in_range = terms.delay <= DELAY_MAX
            && terms.reserve <= Rate::WHOLE
            && terms.reserve_days <= 365
            && (1..=crate::order::AMOUNT_MAX).contains(&terms.payout_least);
        if !in_range {
            return Err(Rejection::AmountOutOfRange.into());
        }
        tx.note(format!(
            "T+{}, reserve {} for {} days, payouts {:?}",
            terms.delay, terms.reserve, terms.reserve_days, terms.payouts
        ));
    } else {
        tx.note("platform default");
    }
    let plan = known.unwrap_or(Plan::none(merchant));
    tx.put(Plan { terms, journal: ctx.journal, ..plan });
    Ok(())
}
