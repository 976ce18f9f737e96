//! The journal: one line a command, rejected ones too (who, from where, what, on which record, outcome).
//!
//! A line links to the line before it on the same record, and the record keeps the newest link, so a record's
//! timeline is read by following links; no index is kept.

use crate::{Caller, settlement::SettlementId};
use serde::{Deserialize, Serialize};
use std::fmt;
use types::{
    BusinessDay, CardId, ClearingId, CombinedId, ExceptionId, HoldId, JournalId, MerchantId, NotificationId,
    OperatorId, OrderId, PayerId, PaymentId, PayoutId, RefundId, ShareId, ShareReturnId, Time,
    TransferBatchId, TransferId, UserTransferId,
};

/// The record a command is about. Prints as `order:123`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Subject {
    Platform,
    Merchant(MerchantId),
    Payer(PayerId),
    Card(CardId),
    Order(OrderId),
    Payment(PaymentId),
    Combined(CombinedId),
    Refund(RefundId),
    Fees(MerchantId),
    Calendar,
    Plan(MerchantId),
    Day(BusinessDay),
    Settlement(SettlementId),
    Hold(HoldId),
    BankAccount(MerchantId),
    Payout(PayoutId),
    Exception(ExceptionId),
    Clearing(ClearingId),
    Notification(NotificationId),
    Transfer(TransferId),
    Staff(OperatorId),
    UserTransfer(UserTransferId),
    TransferBatch(TransferBatchId),
    Share(ShareId),
    ShareReturn(ShareReturnId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("platform"),
            Self::Merchant(id) => write!(f, "merchant:{id}"),
            Self::Payer(id) => write!(f, "payer:{id}"),
            Self::Card(id) => write!(f, "card:{id}"),
            Self::Order(id) => write!(f, "order:{id}"),
            Self::Payment(id) => write!(f, "payment:{id}"),
            Self::Combined(id) => write!(f, "combined:{id}"),
            Self::Refund(id) => write!(f, "refund:{id}"),
            Self::Fees(id) => write!(f, "fees:{id}"),
            Self::Calendar => f.write_str("calendar"),
            Self::Plan(id) => write!(f, "settlement_plan:{id}"),
            Self::Day(day) => write!(f, "day:{day}"),
            Self::Settlement(id) => write!(f, "settlement:{id}"),
            Self::Hold(id) => write!(f, "hold:{id}"),
            Self::BankAccount(id) => write!(f, "bank_account:{id}"),
            Self::Payout(id) => write!(f, "payout:{id}"),
            Self::Exception(id) => write!(f, "exception:{id}"),
            Self::Clearing(id) => write!(f, "clearing:{id}"),
            Self::Notification(id) => write!(f, "notification:{id}"),
            Self::Transfer(id) => write!(f, "transfer:{id}"),
            Self::Staff(id) => write!(f, "staff:{id}"),
            Self::UserTransfer(id) => write!(f, "user_transfer:{id}"),
            Self::TransferBatch(id) => write!(f, "transfer_batch:{id}"),
            Self::Share(id) => write!(f, "share:{id}"),
            Self::ShareReturn(id) => write!(f, "share_return:{id}"),
        }
    }
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalLine {
    /// Its place.
    pub id: JournalId,
    /// When the command was applied.
    pub at: Time,
    /// Who asked, from where.
    pub caller: Caller,
    /// The command's name.
    pub command: &'static str,
    /// The record it is about.
    pub subject: Subject,
    /// `ok`, or the rejection's code.
    pub outcome: &'static str,
    /// What a reader should know beyond the outcome, without personal data: an amount, a channel's code.
    pub note: Option<Box<str>>,
    /// The line before this one on the same record.
    pub previous: Option<JournalId>,
}
