//! Transfers to users (商家转账): a merchant's settled money goes to a payer's balance.
//!
//! ```text
//! request ─short of money─▶ Processing ──money comes──┐
//!    └──────────────────────────┬─────────────────────┴▶ Waiting ──the user confirms──▶ Succeeded
//!                               │                           └─ cancelled, 24 h over ─▶ Returning ─▶ Failed, Cancelled
//!                               └─ cancelled, 24 h over ─▶ Failed, Cancelled
//! ```
//!
//! The money leaves the merchant's settled money when it is set aside and stands in `transfer.in_transit` until the
//! transfer ends. Numbers are taken and money is set aside in the first shard, where a merchant's settled money is. When
//! the user lives in another shard, the record moves there together with its money, as an order moves to its payer, so
//! that the user's confirmation is one command with the user's balance, limits and bill; what is not confirmed comes
//! back the same way. One shard decides at any time: [`UserTransfer::shard`].
//!
//! A [`TransferBatch`] is the older product: its sum is set aside at once, and its details are paid one after the other
//! without anybody's confirmation.

mod advance;
mod batch;
mod plan;
mod recipient;
mod request;
pub mod scene;

pub use batch::{BatchDetail, BatchState, BatchTerms, DETAILS_MAX, TransferBatch, TransferBatchNumber};
pub use plan::{TransferPlan, UserTransferRules};
pub use recipient::Recipient;

pub(crate) use advance::{advance, cancel, confirm};
pub(crate) use batch::{pay as pay_batch, request as request_batch};
pub(crate) use plan::set_scenes;
pub(crate) use recipient::set_name;
pub(crate) use request::request;

use crate::{
    Context, Rejection, Stop, Tx,
    journal::Subject,
    limit::BillEntry,
    notification::{self, About},
    records::Digest,
};
use ledger::{AccountId, Draft, TransferKind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use types::{
    AppId, JournalId, MerchantId, Money, PayerId, Shard, Time, TransferBatchId, TransferId, UserTransferId,
};

/// A transfer to a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserTransfer {
    /// Its id.
    pub id: UserTransferId,
    /// The shard that decides about it, and in whose `transfer.in_transit` its money is or arrives.
    pub shard: Shard,
    /// What was asked.
    pub terms: Arc<TransferTerms>,
    /// The batch it is a detail of.
    pub batch: Option<TransferBatchId>,
    /// Where it stands.
    pub state: UserTransferState,
    /// Why it failed, or is about to.
    pub fail: Option<FailReason>,
    /// When it was asked for.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// When something happens by itself next: the money is tried again, has arrived, or the user's time is over. None
    /// once it has ended.
    pub due_at: Option<Time>,
    /// Times the merchant's money was too short.
    pub tries: u32,
    /// The transfer by which the money was set aside; that of the batch for a detail.
    pub hold: Option<TransferId>,
    /// The transfer by which the money left for [`UserTransfer::shard`], until it is known to have arrived.
    pub crossing: Option<TransferId>,
    /// The transfer by which the money went to the user or back to the merchant.
    pub end: Option<TransferId>,
    /// The entry before this one in the user's bill, once the money was received.
    pub bill_previous: Option<BillEntry>,
    /// Newest journal line.
    pub journal: JournalId,
}

/// What a merchant asks for. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferTerms {
    /// Whose money.
    pub merchant: MerchantId,
    /// The merchant's number, `out_bill_no`; `batch/place` for a detail of a batch.
    pub number: Box<str>,
    /// The application whose user it is.
    pub app: AppId,
    /// To whom.
    pub payer: PayerId,
    /// How much.
    pub amount: Money,
    /// The scene: see [`scene::find`]. 0 for a batch that named none.
    pub scene: u16,
    /// What the merchant tells the user, 1 to 32 characters.
    pub remark: Box<str>,
    /// What the user is told it is, such as 现金奖励; empty for the scene's first.
    pub perception: Box<str>,
    /// What the scene asks for: type and content, in the order given.
    pub reports: Vec<(Box<str>, Box<str>)>,
    /// Where the end is told; nowhere when empty.
    pub notify_url: Box<str>,
    /// The user's name, when the merchant gave one.
    pub name: Option<GivenName>,
    /// Digest of all parameters, for telling a repeat from another request.
    pub digest: [u8; 16],
}

/// A user's name as a merchant gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenName {
    /// Sealed by the vault.
    pub sealed: Box<[u8]>,
    /// Keyed hash, to be compared.
    pub hash: Digest,
}

/// Which transfer a merchant's own number belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserTransferNumber {
    /// Whose.
    pub merchant: MerchantId,
    /// The merchant's number.
    pub number: Box<str>,
    /// The transfer.
    pub transfer: UserTransferId,
}

/// Where a transfer to a user stands. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum UserTransferState {
    /// The merchant's money is being set aside, or is too short so far.
    Processing = 0,
    /// Waits for the user.
    Waiting = 1,
    /// The user has the money; final.
    Succeeded = 2,
    /// Ended without the user; its money is on its way back.
    Returning = 3,
    /// Ended for a reason; the merchant has its money; final.
    Failed = 4,
    /// Cancelled; the merchant has its money; final.
    Cancelled = 5,
}

impl UserTransferState {
    /// Every state, in stored order.
    pub const ALL: [Self; 6] =
        [Self::Processing, Self::Waiting, Self::Succeeded, Self::Returning, Self::Failed, Self::Cancelled];
    /// The state stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as i64 == number)
    }
    /// The word used in pages, files and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Returning => "returning",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
    /// Whether nothing more happens to it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// Why a transfer failed (wire §8.2, `fail_reason`). The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum FailReason {
    /// The user did not confirm in time, or the merchant's money stayed too short.
    Overdue = 0,
    /// The user's account can't receive.
    Account = 1,
    /// The name given is not the user's.
    Name = 2,
    /// The user has received too much today.
    Day = 3,
    /// The user's account class allows no more.
    Class = 4,
}

impl FailReason {
    /// Every reason, in stored order.
    pub const ALL: [Self; 5] = [Self::Overdue, Self::Account, Self::Name, Self::Day, Self::Class];
    /// The reason stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| *reason as i64 == number)
    }
    /// The word of the wire, pages and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overdue => "OVERDUE_CLOSE",
            Self::Account => "PAYEE_ACCOUNT_ABNORMAL",
            Self::Name => "NAME_NOT_CORRECT",
            Self::Day => "DAY_RECEIVED_QUOTA_EXCEED",
            Self::Class => "REALNAME_ACCOUNT_RECEIVED_QUOTA_EXCEED",
        }
    }
}

impl UserTransfer {
    /// Where its money is while it is under way.
    #[must_use]
    pub fn in_transit(&self) -> AccountId {
        AccountId::transfer_in_transit(self.terms.merchant, self.terms.amount.currency).at(self.shard)
    }
    /// Whether the user can confirm it, or can as soon as its money has come from another shard.
    #[must_use]
    pub fn is_for_user(&self) -> bool {
        let comes = self.state == UserTransferState::Processing && self.hold.is_some();
        self.batch.is_none() && (self.state == UserTransferState::Waiting || comes)
    }
    /// Until when the user can confirm; none unless it waits for that.
    #[must_use]
    pub fn confirm_until(&self) -> Option<Time> {
        self.due_at.filter(|_| self.state == UserTransferState::Waiting)
    }
    /// Changes the state at `ctx.now`.
    fn becomes(&mut self, state: UserTransferState, ctx: &Context) {
        self.state = state;
        self.updated_at = ctx.now;
        self.journal = ctx.journal;
        if state.is_final() {
            self.due_at = None;
        }
    }
    /// Moves its money out of transit, which ends it.
    fn pay_out(
        &mut self,
        kind: TransferKind,
        credit: AccountId,
        ctx: &Context,
        tx: &mut Tx<'_>,
    ) -> Result<(), Stop> {
        let id = TransferId(ctx.ids.id(2));
        let (amount, subject, at) = (self.terms.amount.minor, self.id.0, ctx.now);
        ledger::transfer(tx, Draft { id, debit: self.in_transit(), credit, amount, kind, subject, at })?;
        self.end = Some(id);
        Ok(())
    }
    /// Owes the merchant a notification of the end, if it named an address.
    fn tell(&self, ctx: &Context, tx: &mut Tx<'_>) {
        if !self.terms.notify_url.is_empty() {
            notification::owe(self.terms.merchant, About::UserTransferEnded(self.id), ctx, tx);
        }
    }
}

/// The transfer, as the command's subject, when this shard decides about it. Errors: `UserTransferNotFound`, `Elsewhere`.
fn here(id: UserTransferId, ctx: &Context, tx: &mut Tx<'_>) -> Result<UserTransfer, Stop> {
    let shard = match tx.get::<UserTransfer>(&id)? {
        Some(transfer) if transfer.shard == ctx.place.shard => {
            let transfer = transfer.clone();
            tx.about(Subject::UserTransfer(id), Some(transfer.journal));
            return Ok(transfer);
        }
        Some(transfer) => transfer.shard,
        // Only the shard that would have made it can say that there is none.
        None => Shard::of_id(id.0),
    };
    if shard == ctx.place.shard || !ctx.place.shards.contains(shard) {
        return Err(Rejection::UserTransferNotFound.into());
    }
    tx.elsewhere(crate::Key::UserTransfer(id));
    Err(Rejection::Elsewhere(shard).into())
}
