//! Echoes: a merchant tests its notify address with a message of its own (wire §1.11).
//!
//! The message is kept beside the notification that carries it, only as long as that is tried, and some time
//! more: a test is worth no row for good.

use crate::{Context, Rejection, Stop, Tx, journal::Subject, merchant::Merchant, notification};
use serde::{Deserialize, Serialize};
use types::{EchoId, MerchantId, Time, first_id_at, time};

/// A message to be sent to the merchant that asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Echo {
    /// Its id, made when it was asked for.
    pub id: EchoId,
    /// Who asked, and is sent it.
    pub merchant: MerchantId,
    /// Where to.
    pub notify_url: Box<str>,
    /// What is sent, as the merchant was answered: the part that came encrypted is encrypted again
    /// for the merchant, so nothing here needs sealing.
    pub message: Box<str>,
}

/// A message to be echoed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEcho {
    /// Who asks.
    pub merchant: MerchantId,
    /// Where to.
    pub notify_url: Box<str>,
    /// What.
    pub message: Box<str>,
}

/// How long a message is kept: its notification is tried for 24 h 4 min ([`notification::RETRY_S`]), and a
/// merchant may ask for it again by hand for as long again.
pub const KEPT: i64 = 2 * time::DAY;

/// The oldest echo that is still kept at `now`; whatever has a smaller id is swept.
#[must_use]
pub fn oldest_kept(now: Time) -> EchoId {
    EchoId(first_id_at(now.plus(-KEPT)))
}

/// Keeps a message and owes it to the merchant. Errors: `MerchantNotFound`.
pub(crate) fn ask(new: &NewEcho, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    tx.need::<Merchant>(&new.merchant, Rejection::MerchantNotFound(new.merchant))?;
    let NewEcho { merchant, notify_url, message } = new.clone();
    let echo = Echo { id: EchoId(ctx.ids.id(0)), merchant, notify_url, message };
    let notification = notification::owe(merchant, notification::About::Echo(echo.id), ctx, tx);
    tx.about(Subject::Notification(notification), None);
    tx.put(echo);
    Ok(())
}
