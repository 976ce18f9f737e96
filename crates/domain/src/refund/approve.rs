//! Large refunds wait for people: maker and checkers are different (R-FIN-53, R-FIN-68).

use super::{Approval, Refund, RefundState, close, find, go};
use crate::{Context, Rejection, Stop, Tx, context::Actor, order::Order};
use types::{OperatorId, RefundId};

/// Approves a refund in the caller's name; the last approval lets it go. Approving again changes nothing.
///
/// Errors: `NotAllowed` for anybody but an operator, `RefundNotFound`, `RefundNotWaiting`, `OwnRefund` for the maker.
pub(crate) fn approve(id: RefundId, ctx: &Context, tx: &mut Tx<'_>) -> Result<RefundState, Stop> {
    let by = checker(ctx)?;
    let mut refund = find(id, tx)?;
    if refund.maker == Some(by) {
        return Err(Rejection::OwnRefund.into());
    }
    if refund.approvals.iter().any(|approval| approval.by == by) {
        return Ok(refund.state);
    }
    check_waiting(&refund)?;
    refund.approvals.push(Approval { by, at: ctx.now });
    tx.note(format!("approval {} of {}", refund.approvals.len(), refund.approvals_needed));
    if refund.approvals.len() >= usize::from(refund.approvals_needed) {
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
    checker(ctx)?;
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

fn checker(ctx: &Context) -> Result<OperatorId, Rejection> {
    match ctx.caller.actor {
        Actor::Operator(operator) => Ok(operator),
        _ => Err(Rejection::NotAllowed),
    }
}

fn check_waiting(refund: &Refund) -> Result<(), Rejection> {
    if refund.state == RefundState::Waiting {
        return Ok(());
    }
    Err(Rejection::RefundNotWaiting(refund.state))
}
