//! The journal: one line a command, rejected ones too (who, from where, what, on which record, outcome).
//!
//! A line links to the line before it on the same record, and the record keeps the newest link, so a record's
//! timeline is read by following links; no index is kept.

use crate::Caller;
use serde::{Deserialize, Serialize};
use std::fmt;
use types::{CardId, JournalId, MerchantId, NotificationId, OrderId, PayerId, PaymentId, Time, TransferId};

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
    Notification(NotificationId),
    Transfer(TransferId),
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
            Self::Notification(id) => write!(f, "notification:{id}"),
            Self::Transfer(id) => write!(f, "transfer:{id}"),
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
