//! Payouts: a merchant's settled money goes to its bank account.
//!
//! ```text
//! request ─large─▶ Waiting ──approved──▶ Created ──in a file──▶ Sent ──▶ Accepted ──▶ Settled ──▶ Returned
//!     │               └─ rejected, too late ─▶ Cancelled          ├──────────────────▶ Settled
//!     └─small──────────────────────────▶ Created                  ├─▶ Rejected
//!                                                                 └─▶ Unknown ──▶ any of them
//! ```
//!
//! The money leaves the merchant's settled money when the payout is asked for and stands in `payout.in_transit` until the
//! bank answers. Time alone ends nothing: an unknown payout ends by the bank's answer only (Hyperswitch 2380).

mod account;
mod answer;
mod approve;
mod rail;
mod request;

pub use account::{BankAccount, Beneficiary};
pub use answer::{BankAnswer, FILE_MAX};
pub use rail::{PayoutRules, Rail, RailRule};
pub use request::{NewPayout, PayoutNumber, is_number};

pub(crate) use account::set as set_account;
pub(crate) use answer::{answer, send};
pub(crate) use approve::{approve, expire, reject};
pub(crate) use request::{pay_out_due, request};

use crate::{Context, Rejection, Stop, Tx, approval::Approval, journal::Subject};
use ledger::{AccountId, Draft, TransferKind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use types::{JournalId, MerchantId, Money, OperatorId, PayoutId, Time, TransferId};

/// A payout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    /// Its id; the bank knows it by [`Payout::end_to_end`]. The transfer that set its money aside is the next id.
    pub id: PayoutId,
    /// Whose money.
    pub merchant: MerchantId,
    /// The account it goes to, as it was when the payout was asked for.
    pub to: Arc<Beneficiary>,
    /// How much.
    pub amount: Money,
    /// By which rail.
    pub rail: Rail,
    /// Whether it was asked for at once.
    pub urgent: bool,
    /// The asker's own number of it; empty for one that has none, such as an automatic one.
    pub number: Box<str>,
    /// Where it stands.
    pub state: PayoutState,
    /// When it was asked for.
    pub created_at: Time,
    /// When it was settled, rejected, returned or cancelled.
    pub ended_at: Option<Time>,
    /// When an approval comes too late; none once it needs none.
    pub due_at: Option<Time>,
    /// The message id of the file that carried it; empty before.
    pub file: Box<str>,
    /// The bank's reference when it paid, its reason when it did not.
    pub bank_code: Box<str>,
    /// Who asked for it; none for the merchant's signed request and for automatic ones.
    pub maker: Option<OperatorId>,
    /// Approvals it needs (R-FIN-53).
    pub approvals_needed: u8,
    /// Who has approved it, each a different person than the maker.
    pub approvals: Vec<Approval>,
    /// Newest journal line.
    pub journal: JournalId,
}

/// Where a payout stands. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum PayoutState {
    /// Waits for approvals.
    Waiting = 0,
    /// To be sent to the bank.
    Created = 1,
    /// In a file for the bank.
    Sent = 2,
    /// The bank has taken it in and not paid it yet.
    Accepted = 3,
    /// The bank did not say; only its answer ends this.
    Unknown = 4,
    /// Paid; final unless it comes back.
    Settled = 5,
    /// Paid and sent back by the merchant's bank; final.
    Returned = 6,
    /// Refused by the bank; final.
    Rejected = 7,
    /// Not approved; nothing left; final.
    Cancelled = 8,
}

impl PayoutState {
    /// Every state, in stored order.
    pub const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Created,
        Self::Sent,
        Self::Accepted,
        Self::Unknown,
        Self::Settled,
        Self::Returned,
        Self::Rejected,
        Self::Cancelled,
    ];
    /// The state stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as i64 == number)
    }
    /// The word used in pages, files and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Created => "created",
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Unknown => "unknown",
            Self::Settled => "settled",
            Self::Returned => "returned",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }
    /// Whether its money is in transit.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Created | Self::Sent | Self::Accepted | Self::Unknown)
    }
}

/// What [`Payout::end_to_end`] begins with.
const PREFIX: &str = "FQP";

impl Payout {
    /// The end-to-end id on ISO 20022 messages: `FQP` and the payout's number, at most 22 of 35 characters.
    #[must_use]
    pub fn end_to_end(id: PayoutId) -> String {
        format!("{PREFIX}{id}")
    }
    /// The payout behind an end-to-end id; none for anything [`Payout::end_to_end`] does not give.
    #[must_use]
    pub fn from_end_to_end(text: &str) -> Option<PayoutId> {
        text.strip_prefix(PREFIX)?.parse().ok()
    }
}

/// Moves a payout's money; each command moves at most once.
fn transfer(
    payout: &Payout,
    kind: TransferKind,
    (debit, credit): (AccountId, AccountId),
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let (amount, subject, at) = (payout.amount.minor, payout.id.0, ctx.now);
    ledger::transfer(tx, Draft { id: TransferId(ctx.ids.id(1)), debit, credit, amount, kind, subject, at })?;
    Ok(())
}

/// Gives a payout's money back to the merchant: from transit, or from the bank when it had been paid.
fn give_back(payout: &Payout, from: AccountId, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let to = AccountId::merchant_available(payout.merchant, payout.amount.currency);
    transfer(payout, TransferKind::PayoutReturned, (from, to), ctx, tx)
}

fn in_transit(payout: &Payout) -> AccountId {
    AccountId::payout_in_transit(payout.merchant, payout.amount.currency)
}

/// The payout, as the command's subject. Errors: `PayoutNotFound`.
fn find(id: PayoutId, tx: &mut Tx<'_>) -> Result<Payout, Stop> {
    let payout = tx.need::<Payout>(&id, Rejection::PayoutNotFound)?.clone();
    tx.about(Subject::Payout(id), Some(payout.journal));
    Ok(payout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_to_end_id_leads_back_and_nothing_else_does() {
        let id = PayoutId(i64::MAX);
        let wire = Payout::end_to_end(id);
        assert!(wire.len() <= 35);
        assert_eq!(Payout::from_end_to_end(&wire), Some(id));
        for other in ["", "FQP", "FQP01", "fqp1", "1", "FQP1 "] {
            assert_eq!(Payout::from_end_to_end(other), None, "{other}");
        }
    }
}
