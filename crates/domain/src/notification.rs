//! Notifications to merchants: owed when something has happened, tried on a schedule, the same id on every try.

use crate::{Context, Rejection, Stop, Tx, context::Event, echo::Echo, journal::Subject};
use serde::{Deserialize, Serialize};
use types::{
    CombinedId, EchoId, JournalId, MerchantId, NotificationId, OrderId, RefundId, ShareReturnId, Time,
    TransferBatchId, TransferId, UserTransferId, time,
};

/// A notification. Its content is built from the record it is about, which keeps what it was when the event
/// happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Its id, the same on every try.
    pub id: NotificationId,
    /// To whom.
    pub merchant: MerchantId,
    /// What happened, to which record.
    pub about: About,
    /// Where it stands.
    pub state: NotificationState,
    /// When the event happened.
    pub created_at: Time,
    /// When it is tried next; none when delivered or given up.
    pub next_at: Option<Time>,
    /// Tries made.
    pub attempts: u32,
    /// HTTP status of the last try; 0 when there was no answer.
    pub last_status: u16,
    /// Newest journal line; the tries are read by following it.
    pub journal: JournalId,
}

/// What a notification tells, with the record that its content and address come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// The order was paid.
    Paid(OrderId),
    /// The payer has the money of the refund.
    RefundSucceeded(RefundId),
    /// The refund's card could not take the money; once for each card that could not.
    RefundAbnormal(RefundId),
    /// The refund was closed; nothing moved.
    RefundClosed(RefundId),
    /// The transfer to a user has ended.
    UserTransferEnded(UserTransferId),
    /// Every transfer of the batch has ended.
    TransferBatchEnded(TransferBatchId),
    /// The combined order was paid, all of it.
    CombinedPaid(CombinedId),
    /// The merchant received a share, by this transfer.
    ShareReceived(TransferId),
    /// The merchant gave back of what it had received.
    ShareReturned(ShareReturnId),
    /// The merchant asked for an echo. Its record goes when its time is over, the notification stays.
    Echo(EchoId),
}

impl About {
    /// What happened and the record's id, as two numbers that are stored.
    #[must_use]
    pub const fn numbers(self) -> (i64, i64) {
        match self {
            Self::Paid(order) => (0, order.0),
            Self::Echo(echo) => (1, echo.0),
            Self::RefundSucceeded(refund) => (2, refund.0),
            Self::RefundAbnormal(refund) => (3, refund.0),
            Self::RefundClosed(refund) => (4, refund.0),
            Self::UserTransferEnded(transfer) => (8, transfer.0),
            Self::TransferBatchEnded(batch) => (9, batch.0),
            Self::ShareReceived(transfer) => (16, transfer.0),
            Self::ShareReturned(id) => (17, id.0),
            Self::CombinedPaid(combined) => (5, combined.0),
        }
    }
    /// What is stored as these numbers.
    #[must_use]
    pub const fn from_numbers(event: i64, subject: i64) -> Option<Self> {
        match event {
            0 => Some(Self::Paid(OrderId(subject))),
            1 => Some(Self::Echo(EchoId(subject))),
            2 => Some(Self::RefundSucceeded(RefundId(subject))),
            3 => Some(Self::RefundAbnormal(RefundId(subject))),
            4 => Some(Self::RefundClosed(RefundId(subject))),
            8 => Some(Self::UserTransferEnded(UserTransferId(subject))),
            9 => Some(Self::TransferBatchEnded(TransferBatchId(subject))),
            16 => Some(Self::ShareReceived(TransferId(subject))),
            17 => Some(Self::ShareReturned(ShareReturnId(subject))),
            5 => Some(Self::CombinedPaid(CombinedId(subject))),
            _ => None,
        }
    }
    /// Seconds until the next try when so many have failed after the first; none when that was the last (wire §5).
    #[must_use]
    pub fn retry_s(self, failed: u32) -> Option<i64> {
        match self {
            Self::UserTransferEnded(_) | Self::TransferBatchEnded(_) => match failed {
                0..10 => Some(15),
                10..20 => Some(300),
                20..64 => Some(1800),
                _ => None,
            },
            _ => RETRY_S.get(usize::try_from(failed).ok()?).copied(),
        }
    }
    /// The order it is about, if it is about one.
    #[must_use]
    pub const fn order(self) -> Option<OrderId> {
        match self {
            Self::Paid(order) => Some(order),
            _ => None,
        }
    }
    /// The combined order it is about, if it is about one.
    #[must_use]
    pub const fn combined(self) -> Option<CombinedId> {
        match self {
            Self::CombinedPaid(combined) => Some(combined),
            _ => None,
        }
    }
    /// The refund it is about, if it is about one.
    #[must_use]
    pub const fn refund(self) -> Option<RefundId> {
        match self {
            Self::RefundSucceeded(refund) | Self::RefundAbnormal(refund) | Self::RefundClosed(refund) => {
                Some(refund)
            }
            _ => None,
        }
    }
}

/// Where a notification stands. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum NotificationState {
    /// To be tried.
    Pending = 0,
    /// The merchant acknowledged it.
    Delivered = 1,
    /// Every try failed; it can be sent again by hand.
    GivenUp = 2,
}

impl NotificationState {
    /// The state stored as `number`.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Pending),
            1 => Some(Self::Delivered),
            2 => Some(Self::GivenUp),
            _ => None,
        }
    }
    /// The word used in pages, files and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }
}

/// Seconds from each failed try to the next (wire §5): 15 retries, 24 h 4 min in all.
pub const RETRY_S: [i64; 15] =
    [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10_800, 10_800, 10_800, 21_600, 21_600];

/// What a try came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The merchant acknowledged.
    pub acknowledged: bool,
    /// HTTP status, 0 when there was no answer.
    pub status: u16,
    /// Milliseconds it took.
    pub took_ms: u32,
    /// Why it failed, at most 200 characters.
    pub error: Box<str>,
}

/// Owes the merchant a notification of what has just happened.
pub(crate) fn owe(merchant: MerchantId, about: About, ctx: &Context, tx: &mut Tx<'_>) -> NotificationId {
    let id = NotificationId(ctx.ids.id(3));
    tx.put(Notification {
        id,
        merchant,
        about,
        state: NotificationState::Pending,
        created_at: ctx.now,
        next_at: Some(ctx.now),
        attempts: 0,
        last_status: 0,
        journal: ctx.journal,
    });
    tx.tell(Event::NotificationDue(id));
    id
}

/// Takes in what a try came to, and plans the next. Errors: `NotificationNotFound`.
pub(crate) fn attempted(
    id: NotificationId,
    attempt: &Attempt,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let mut kept = *tx.need::<Notification>(&id, Rejection::NotificationNotFound)?;
    tx.about(Subject::Notification(id), Some(kept.journal));
    kept.attempts = kept.attempts.saturating_add(1);
    kept.last_status = attempt.status;
    kept.journal = ctx.journal;
    let retry = kept.about.retry_s(kept.attempts - 1);
    if attempt.acknowledged {
        kept.state = NotificationState::Delivered;
        kept.next_at = None;
    } else if kept.state == NotificationState::Pending {
        kept.next_at = retry.map(|delay_s| ctx.now.plus(delay_s * time::SECOND));
        if retry.is_none() {
            kept.state = NotificationState::GivenUp;
        }
    }
    let reason = if attempt.error.is_empty() { "" } else { ": " };
    tx.note(format!("{} in {} ms{reason}{}", attempt.status, attempt.took_ms, attempt.error));
    tx.put(kept);
    Ok(())
}

/// Sends a notification again now, whatever its state. Errors: `NotificationNotFound`, also for an echo whose
/// message is gone.
pub(crate) fn resend(id: NotificationId, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let mut kept = *tx.need::<Notification>(&id, Rejection::NotificationNotFound)?;
    tx.about(Subject::Notification(id), Some(kept.journal));
    if let About::Echo(echo) = kept.about {
        tx.need::<Echo>(&echo, Rejection::NotificationNotFound)?;
    }
    kept.state = NotificationState::Pending;
    kept.next_at = Some(ctx.now);
    kept.journal = ctx.journal;
    tx.put(kept);
    tx.tell(Event::NotificationDue(id));
    Ok(())
}
