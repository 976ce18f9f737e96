//! The sums of a merchant's day.

use ledger::{Transfer, TransferKind};
use serde::{Deserialize, Serialize};

/// What moved through a merchant's takings in a day. Fen.
///
/// A row counts on the day of its id, in full: money that is held for a refund is set aside and is not settled. What is
/// released of a hold comes back on the day on which it is released.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Payments.
    pub gross: i64,
    /// How many.
    pub count: u32,
    /// The merchant's part of refunds and reversals, above zero.
    pub refunds: i64,
    /// How many.
    pub refund_count: u32,
    /// Fees taken, above zero.
    pub fees: i64,
    /// Fees returned, above zero.
    pub fees_returned: i64,
    /// Shared with others and not come back, above zero. Orders are shared before their money is a part of the takings, so
    /// this is what came back after the rest was unfrozen, below zero.
    pub shared: i64,
    /// Anything else, such as refunds that were closed and what was unfrozen of shared orders: above zero what came in.
    pub other: i64,
}

impl Totals {
    /// What is left for the merchant.
    #[must_use]
    pub fn net(&self) -> i64 {
        self.gross - self.refunds - self.fees + self.fees_returned - self.shared + self.other
    }
    /// True when nothing moved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
    /// Counts a row on one of whose sides the takings stand: `credit` says which.
    pub fn take(&mut self, transfer: &Transfer, credit: bool) {
        let signed = if credit { transfer.amount } else { -transfer.amount };
        match transfer.kind {
            TransferKind::Settle | TransferKind::Reserve => {} // what a settlement itself moves
            kind if kind.is_crossing() => {}                   // to the same merchant, in another shard
            TransferKind::Payment if credit => {
                self.gross += signed;
                self.count += 1;
            }
            TransferKind::Reversal | TransferKind::Refund if !credit => {
                self.refunds -= signed;
                self.refund_count += 1;
            }
            TransferKind::Fee if !credit => self.fees -= signed,
            TransferKind::FeeReturn if credit => self.fees_returned += signed,
            TransferKind::Share | TransferKind::ShareReturn => self.shared -= signed,
            _ => self.other += signed,
        }
    }
    /// Takes a row back whose hold was released.
    pub fn give_back(&mut self, transfer: &Transfer, credit: bool) {
        self.other += if credit { -transfer.amount } else { transfer.amount };
    }
    /// Adds another's sums; none when one passes 64 bits.
    #[must_use]
    pub fn plus(&self, more: &Self) -> Option<Self> {
        Some(Self {
            gross: self.gross.checked_add(more.gross)?,
            count: self.count.checked_add(more.count)?,
            refunds: self.refunds.checked_add(more.refunds)?,
            refund_count: self.refund_count.checked_add(more.refund_count)?,
            fees: self.fees.checked_add(more.fees)?,
            fees_returned: self.fees_returned.checked_add(more.fees_returned)?,
            shared: self.shared.checked_add(more.shared)?,
            other: self.other.checked_add(more.other)?,
        })
    }
}
