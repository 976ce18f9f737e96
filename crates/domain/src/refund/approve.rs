//! Large refunds wait for people: maker and checkers are different (R-FIN-53, R-FIN-68).

use super::{Refund, RefundState, close, find, go};
use crate::{Context, Rejection, Stop, Tx, approval, order::Order};
use types::RefundId;

/// Approves a refund in the caller's name; the last approval lets it go. Approving again changes nothing.
///
/// Errors: `NotAllowed` for anybody but an operator, `RefundNotFound`, `RefundNotWaiting`, `OwnRefund` for the maker.
pub(crate) fn approve(id: RefundId, ctx: &Context, tx: &mut Tx<'_>) -> Result<RefundState, Stop> {
    let by = approval::person(ctx)?;
    let mut refund = find(id, tx)?;
    approval::by_another(refund.maker, by, Rejection::OwnRefund)?;
    if approval::has_given(&refund.approvals, by) {
        return Ok(refund.state);
    }
    check_waiting(&refund)?;
    if approval::give(&mut refund.approvals, refund.approvals_needed, by, ctx, tx) {
        let to_card = tx.need::<Order>(&refund.order, Rejection::OrderNotFound)?.card.is_some();
        go(&mut refund, to_card, ctx, tx)?;
    }
    refund.journal = ctx.journal;
    let state = refund.state;
    tx.put(refund);
    Ok(state)
}

/// Rejects a refund that waits, or withdraws one's own: it is closed and the money released. Again changes nothing.
///
/// Errors: `NotAllowed` for anybody but an operator, `RefundNotFound`, `RefundNotWaiting`.
pub(crate) fn reject(
    id: RefundId,
    reason: &str,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<RefundState, Stop> {
    approval::person(ctx)?;
    let mut refund = find(id, tx)?;
    if refund.state == RefundState::Closed {
        return Ok(refund.state);
    }
    check_waiting(&refund)?;
    tx.note(format!("rejected: {reason}"));
    end(&mut refund, ctx, tx)
}

/// Closes a refund that nobody approved in time; does nothing to any other. Errors: `RefundNotFound`.
pub(crate) fn expire(id: RefundId, ctx: &Context, tx: &mut Tx<'_>) -> Result<RefundState, Stop> {
    let mut refund = find(id, tx)?;
    if refund.state != RefundState::Waiting || refund.due_at.is_none_or(|due| ctx.now < due) {
        return Ok(refund.state);
    }
    tx.note("not approved in time");
    end(&mut refund, ctx, tx)
}

fn end(refund: &mut Refund, ctx: &Context, tx: &mut Tx<'_>) -> Result<RefundState, Stop> {
    close(refund, ctx, tx)?;
    refund.journal = ctx.journal;
    tx.put(refund.clone());
    Ok(refund.state)
}

fn check_waiting(refund: &Refund) -> Result<(), Rejection> {
    if refund.state == RefundState::Waiting {
        return Ok(());
    }
    Err(Rejection::RefundNotWaiting(refund.state))
}
