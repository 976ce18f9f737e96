//! What nobody shared is released by itself.

use super::{Sharing, of, unfreeze};
use crate::{Context, Stop, Tx, journal::Subject, order};
use ledger::{Account, AccountId};
use types::{Currency, Money, OrderId, TransferId, time};

/// When it is tried again: money is frozen, or a request is not finished.
const AGAIN: i64 = time::HOUR;

/// Ends the sharing of an order whose time is over, 30 days after the payment: the rest goes to the takings. Does nothing
/// before that time.
///
/// Errors: `OrderNotFound`, `Elsewhere`, `NotSharing`.
pub(crate) fn release(id: OrderId, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let order = order::here(id, ctx, tx)?;
    tx.about(Subject::Order(id), Some(order.journal));
    let sharing = of(id, tx)?;
    if sharing.due_at.is_none_or(|due| ctx.now < due) {
        return Ok(());
    }
    let from = AccountId::merchant_sharing(sharing.merchant, Currency::CNY).at(ctx.place.shard);
    let frozen = tx.get::<Account>(&from)?.is_some_and(|account| account.frozen);
    if frozen && sharing.unsplit > 0 {
        tx.note("the merchant's money is frozen");
        tx.put(Sharing { due_at: Some(ctx.now.plus(AGAIN)), ..sharing });
        return Ok(());
    }
    if sharing.unsplit > 0 {
        unfreeze(&sharing, sharing.unsplit, TransferId(ctx.ids.id(1)), ctx, tx)?;
    }
    tx.note(format!("{} unfrozen by time", Money::cny(sharing.unsplit)));
    let ended_at = sharing.ended_at.or(Some(ctx.now));
    tx.put(Sharing { unsplit: 0, ended_at, due_at: Some(ctx.now.plus(AGAIN)), ..sharing }.settled());
    tx.put(order::Order { journal: ctx.journal, ..order });
    Ok(())
}
