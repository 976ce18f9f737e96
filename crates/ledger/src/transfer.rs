//! Transfers: one row per movement, pending or posted, tied to one business record.

use crate::AccountId;
use serde::{Deserialize, Serialize};
use types::{Money, Time, TransferId};

/// Why money moves. The number is stored; it never changes meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum TransferKind {
    /// Payer or channel to merchant, for an order.
    Payment = 1,
    /// Merchant to platform, for a payment.
    Fee = 2,
    /// Channel to payer's balance.
    TopUp = 3,
    /// Merchant back to payer or channel: a reversed payment-code order.
    Reversal = 4,
    /// Platform to merchant: the fee of a reversed payment.
    FeeReturn = 5,
    /// Merchant to payer or channel: the merchant's part of a refund, which is the refund less the fee returned.
    Refund = 6,
    /// Platform to payer or channel: the fee returned by a refund, as a part of the refund. What exceeds the refund goes
    /// to the merchant. Held, posted and voided together with [`TransferKind::Refund`].
    RefundFee = 7,
    /// A merchant's takings to its settled money, for a settlement.
    Settle = 8,
    /// A merchant's takings to its reserve, for a settlement.
    Reserve = 9,
    /// A merchant's reserve to its settled money, when its time is over.
    ReserveRelease = 10,
    /// A merchant's settled money set aside.
    Hold = 11,
    /// What was set aside back to the merchant's settled money.
    HoldRelease = 12,
    /// A merchant's settled money on its way to a bank account.
    Payout = 13,
    /// The platform's bank has paid a payout.
    PayoutSettled = 14,
    /// A payout that was refused or sent back, to the merchant's settled money.
    PayoutReturned = 15,
    /// What is left of a shared order, to a receiver: a merchant's settled money, or a payer's balance.
    Share = 16,
    /// A share that a receiver gives back, to what is left of the order or, once that is unfrozen, to the takings.
    ShareReturn = 17,
    /// What was not shared of an order, to the merchant's takings.
    Unfreeze = 18,
    /// A merchant's settled money set aside for a transfer to a user, or for a batch of them.
    UserTransferHold = 19,
    /// What was set aside for a user, to the user's balance.
    UserTransfer = 20,
    /// What was set aside for a user, back to the merchant's settled money.
    UserTransferReturn = 21,
    /// What a channel pays to the platform's bank, or takes back from it, for a batch of its bill.
    ChannelSettled = 22,
    /// Between suspense and what the outside holds: an approved correction of reconciliation.
    Correction = 30,
    /// Out of an account of one shard, on the way to another.
    ShardSend = 40,
    /// Into an account of a shard, from another.
    ShardReceive = 41,
}

impl TransferKind {
    /// Every kind, in stored order.
    pub const ALL: [Self; 25] = [
        Self::Payment,
        Self::Fee,
        Self::TopUp,
        Self::Reversal,
        Self::FeeReturn,
        Self::Refund,
        Self::RefundFee,
        Self::Settle,
        Self::Reserve,
        Self::ReserveRelease,
        Self::Hold,
        Self::HoldRelease,
        Self::Payout,
        Self::PayoutSettled,
        Self::PayoutReturned,
        Self::Share,
        Self::ShareReturn,
        Self::Unfreeze,
        Self::UserTransferHold,
        Self::UserTransfer,
        Self::UserTransferReturn,
        Self::ChannelSettled,
        Self::Correction,
        Self::ShardSend,
        Self::ShardReceive,
    ];
    /// Whether it only brings money from one shard to another, to the same owner. The two transfers of a crossing may
    /// lie on different days.
    #[must_use]
    pub const fn is_crossing(self) -> bool {
        matches!(self, Self::ShardSend | Self::ShardReceive)
    }
    /// The name used in pages, files and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Fee => "fee",
            Self::TopUp => "top_up",
            Self::Reversal => "reversal",
            Self::FeeReturn => "fee_return",
            Self::Refund => "refund",
            Self::RefundFee => "refund_fee",
            Self::Settle => "settle",
            Self::Reserve => "reserve",
            Self::ReserveRelease => "reserve_release",
            Self::Hold => "hold",
            Self::HoldRelease => "hold_release",
            Self::Payout => "payout",
            Self::PayoutSettled => "payout_settled",
            Self::PayoutReturned => "payout_returned",
            Self::Share => "share",
            Self::ShareReturn => "share_return",
            Self::Unfreeze => "unfreeze",
            Self::UserTransferHold => "user_transfer_hold",
            Self::UserTransfer => "user_transfer",
            Self::UserTransferReturn => "user_transfer_return",
            Self::ChannelSettled => "channel_settled",
            Self::Correction => "correction",
            Self::ShardSend => "shard_send",
            Self::ShardReceive => "shard_receive",
        }
    }
    /// The kind stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as i64 == number)
    }
}

/// Where a transfer stands. `Posted` and `Voided` are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum TransferState {
    /// A hold: the amount is set aside on both sides.
    Pending = 0,
    /// The money has moved.
    Posted = 1,
    /// The hold was released; nothing moved.
    Voided = 2,
}

impl TransferState {
    /// The state stored as `number`.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Pending),
            1 => Some(Self::Posted),
            2 => Some(Self::Voided),
            _ => None,
        }
    }
}

/// One movement of money. A hold that is posted or voided stays the same row; its journal lines tell when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its id, time-ordered.
    pub id: TransferId,
    /// Account debited.
    pub debit: AccountId,
    /// Account credited.
    pub credit: AccountId,
    /// Minor units, above zero, in the accounts' currency.
    pub amount: i64,
    /// Why.
    pub kind: TransferKind,
    /// Pending, posted or voided.
    pub state: TransferState,
    /// The business record it belongs to: an order id for payments, a payment id for top-ups, a
    /// refund id for refunds, a settlement, hold or payout id for a merchant's settled money, the id of a request to share
    /// or of a return for shares; an order id for what is unfrozen of it.
    pub subject: i64,
    /// When it was posted or voided; its creation time while pending.
    pub at: Time,
}

/// A transfer the ledger would not make. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refused {
    /// The amount is zero or negative.
    #[error("an amount must be above zero, not {0}")]
    Amount(i64),
    /// Both sides are one account.
    #[error("{0} can't pay itself")]
    SameAccount(AccountId),
    /// The two accounts hold different currencies.
    #[error("{0} and {1} hold different currencies; convert first")]
    Currency(AccountId, AccountId),
    /// The paying account has too little.
    #[error("{account} has {available}, {needed} is needed")]
    NotEnough {
        /// The paying account.
        account: AccountId,
        /// What may leave.
        available: Money,
        /// What was asked.
        needed: Money,
    },
    /// Nothing may leave the account while it is frozen.
    #[error("{0} is frozen")]
    Frozen(AccountId),
    /// A counter would pass 2^63.
    #[error("a counter of {0} would overflow")]
    Overflow(AccountId),
    /// The hold is unknown, or was posted or voided before.
    #[error("transfer {0} is not an open hold")]
    NotPending(TransferId),
}
