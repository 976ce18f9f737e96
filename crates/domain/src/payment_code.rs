//! Payment codes (付款码): 18 digits a payer shows, good for one payment within a minute.

use crate::{Context, Rejection, Stop, Tx, journal::Subject, payer, payer::Payer};
use serde::{Deserialize, Serialize};
use types::{OrderId, PayerId, Time, time};

/// A payment code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentCode {
    /// The 18 digits.
    pub code: i64,
    /// Who shows it.
    pub payer: PayerId,
    /// Until when it is good, grace included.
    pub expires_at: Time,
    /// The order it was used for.
    pub used_by: Option<OrderId>,
}

/// How long a code is shown.
pub const SHOWN: i64 = 60 * time::SECOND;
/// How much longer it is accepted (rules §3: 60 s and 10 s grace).
pub const GRACE: i64 = 10 * time::SECOND;

/// Keeps a code that is about to be shown. The payer must have a PIN, so that a larger payment can be
/// confirmed. Errors: `PinNotSet`, `CodeInvalid` when the code is taken (make another), or does
/// not lead to the payer's shard (see [`types::Shards::of_code`]).
pub(crate) fn issue(code: i64, payer: PayerId, ctx: &Context, tx: &mut Tx<'_>) -> Result<Time, Stop> {
    tx.expect::<PaymentCode>(&code);
    let payer = payer::active(payer, tx)?;
    tx.about(Subject::Payer(payer.id), Some(payer.journal));
    if payer.pin.is_none() {
        return Err(Rejection::PinNotSet.into());
    }
    let fits = ctx.place.shards.of_code(code) == ctx.place.shard;
    if !fits || tx.get::<PaymentCode>(&code)?.is_some() {
        return Err(Rejection::CodeInvalid.into());
    }
    let shown_until = ctx.now.plus(SHOWN);
    let expires_at = shown_until.plus(GRACE);
    tx.put(PaymentCode { code, payer: payer.id, expires_at, used_by: None });
    tx.put(Payer { journal: ctx.journal, ..payer });
    Ok(shown_until)
}
