//! Notifications to merchants: owed when an order is paid, tried on a schedule, the same id on every try.

use crate::{Context, Rejection, Stop, Tx, context::Event, journal::Subject, order::Order};
use serde::{Deserialize, Serialize};
use types::{JournalId, MerchantId, NotificationId, OrderId, Time, time};

/// A notification. Its content is built from the order as it was when the event happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Its id, the same on every try.
    pub id: NotificationId,
    /// To whom.
    pub merchant: MerchantId,
    /// About which order.
    pub order: OrderId,
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

/// Owes the merchant a notification that the order is paid.
pub(crate) fn owe(order: &Order, ctx: &Context, tx: &mut Tx<'_>) {
    let id = NotificationId(ctx.ids.id(3));
    tx.put(Notification {
        id,
        merchant: order.terms.merchant,
        order: order.id,
        state: NotificationState::Pending,
        created_at: ctx.now,
        next_at: Some(ctx.now),
        attempts: 0,
        last_status: 0,
        journal: ctx.journal,
    });
    tx.tell(Event::NotificationDue(id));
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
    let retry = usize::try_from(kept.attempts - 1).ok().and_then(|made| RETRY_S.get(made));
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

/// Sends a notification again now, whatever its state. Errors: `NotificationNotFound`.
pub(crate) fn resend(id: NotificationId, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let mut kept = *tx.need::<Notification>(&id, Rejection::NotificationNotFound)?;
    tx.about(Subject::Notification(id), Some(kept.journal));
    kept.state = NotificationState::Pending;
    kept.next_at = Some(ctx.now);
    kept.journal = ctx.journal;
    tx.put(kept);
    tx.tell(Event::NotificationDue(id));
    Ok(())
}
