//! Large payouts wait for people: maker and checkers are different (R-FIN-53).

use super::{Payout, PayoutState, find, give_back, in_transit};
use crate::{Context, Rejection, Stop, Tx, approval, context::Actor};
use types::PayoutId;

/// Approves a payout in the caller's name; the last approval lets it go. Approving again changes nothing.
///
/// Errors: `NotAllowed` for anybody but an operator, `PayoutNotFound`, `OwnPayout` for the maker, `PayoutNotWaiting`.
pub(crate) fn approve(id: PayoutId, ctx: &Context, tx: &mut Tx<'_>) -> Result<PayoutState, Stop> {
    let by = approval::person(ctx)?;
    let mut payout = find(id, tx)?;
    approval::by_another(payout.maker, by, Rejection::OwnPayout)?;
    if approval::has_given(&payout.approvals, by) {
        return Ok(payout.state);
    }
    check_waiting(&payout)?;
    if approval::give(&mut payout.approvals, payout.approvals_needed, by, ctx, tx) {
        payout.state = PayoutState::Created;
        payout.due_at = None;
    }
    payout.journal = ctx.journal;
    let state = payout.state;
    tx.put(payout);
    Ok(state)
}

/// Rejects a payout that waits, or withdraws one's own: the money goes back. Again changes nothing.
///
/// Errors: `NotAllowed` for anybody but an operator or the merchant itself, `PayoutNotFound`, `PayoutNotWaiting`.
pub(crate) fn reject(
    id: PayoutId,
    reason: &str,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<PayoutState, Stop> {
    let payout = find(id, tx)?;
    match ctx.caller.actor {
        Actor::Operator(_) => {}
        Actor::Merchant(merchant) if merchant == payout.merchant => {}
        _ => return Err(Rejection::NotAllowed.into()),
    }
    if payout.state == PayoutState::Cancelled {
        return Ok(payout.state);
    }
    check_waiting(&payout)?;
    tx.note(format!("rejected: {reason}"));
    cancel(payout, ctx, tx)
}

/// Cancels a payout that nobody approved in time; does nothing to any other. Errors: `PayoutNotFound`.
pub(crate) fn expire(id: PayoutId, ctx: &Context, tx: &mut Tx<'_>) -> Result<PayoutState, Stop> {
    let payout = find(id, tx)?;
    if payout.state != PayoutState::Waiting || payout.due_at.is_none_or(|due| ctx.now < due) {
        return Ok(payout.state);
    }
    tx.note("not approved in time");
    cancel(payout, ctx, tx)
}

fn cancel(payout: Payout, ctx: &Context, tx: &mut Tx<'_>) -> Result<PayoutState, Stop> {
    give_back(&payout, in_transit(&payout), ctx, tx)?;
    tx.put(Payout {
        state: PayoutState::Cancelled,
        ended_at: Some(ctx.now),
        due_at: None,
        journal: ctx.journal,
        ..payout
    });
    Ok(PayoutState::Cancelled)
}

fn check_waiting(payout: &Payout) -> Result<(), Rejection> {
    if payout.state == PayoutState::Waiting {
        return Ok(());
    }
    Err(Rejection::PayoutNotWaiting(payout.state))
}
