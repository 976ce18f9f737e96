//! Refunds to cards: what the channel says, and what is done when it can't.

use super::{Receiver, Refund, RefundState, find, succeed, tell};
use crate::{
    Context, Rejection, Stop, Tx,
    context::Event,
    notification::About,
    partner::{self, Permission, Principal},
    payment::{ASK_AGAIN_S, ChannelAnswer},
};
use types::{RefundId, time};

/// Takes in what a channel says of an attempt. A final answer ends the attempt, the same one again changes nothing,
/// and time alone ends none (Hyperswitch 2380).
///
/// Errors: `RefundNotFound`, `RefundFinal` when it contradicts an earlier final answer.
pub(crate) fn answer(
    id: RefundId,
    attempt: u32,
    answer: &ChannelAnswer,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<RefundState, Stop> {
    let mut refund = find(id, tx)?;
    let open = matches!(refund.state, RefundState::Processing | RefundState::Unknown);
    if !open || attempt != refund.attempt {
        // An attempt before the present one has failed, and so has one whose refund is abnormal.
        let failed = attempt < refund.attempt || refund.state == RefundState::Abnormal;
        let same = match answer {
            ChannelAnswer::Unknown => true,
            ChannelAnswer::Succeeded(_) => {
                attempt == refund.attempt && refund.state == RefundState::Succeeded
            }
            ChannelAnswer::Declined(_) => failed,
        };
        return if same { Ok(refund.state) } else { Err(Rejection::RefundFinal.into()) };
    }
    refund.asked = refund.asked.saturating_add(1);
    match answer {
        ChannelAnswer::Succeeded(code) => {
            refund.channel_code = code.clone();
            tx.note(code.clone());
            succeed(&mut refund, ctx, tx)?;
        }
        ChannelAnswer::Declined(code) => {
            refund.channel_code = code.clone();
            tx.note(code.clone());
            refund.state = RefundState::Abnormal;
            refund.due_at = None;
            tell(&refund, About::RefundAbnormal(id), ctx, tx);
        }
        ChannelAnswer::Unknown => {
            refund.state = RefundState::Unknown;
            let place = usize::try_from(refund.asked - 1).unwrap_or(usize::MAX).min(ASK_AGAIN_S.len() - 1);
            refund.due_at = Some(ctx.now.plus(ASK_AGAIN_S[place] * time::SECOND));
            tx.note("outcome unknown");
        }
    }
    refund.journal = ctx.journal;
    let state = refund.state;
    tx.put(refund);
    Ok(state)
}

/// Has the channel asked now about a refund whose outcome is not known. Only its answer ends the attempt. Again changes
/// nothing. Errors: `RefundNotFound`, `RefundFinal` when nothing is to be asked.
pub(crate) fn ask_again(id: RefundId, ctx: &Context, tx: &mut Tx<'_>) -> Result<RefundState, Stop> {
    let refund = find(id, tx)?;
    let state = refund.state;
    if !matches!(state, RefundState::Processing | RefundState::Unknown) || refund.due_at.is_none() {
        return Err(Rejection::RefundFinal.into());
    }
    tx.tell(Event::RefundDue(id));
    tx.put(Refund { due_at: refund.due_at.min(Some(ctx.now)), journal: ctx.journal, ..refund });
    Ok(state)
}

/// Sends an abnormal refund to another card (wire §4). The same card again, while that attempt runs or after it
/// succeeded, changes nothing.
///
/// Errors: as [`partner::authorise`]; `RefundNotFound`, also for another merchant's; `RefundNumberUsed` when the number is another refund's;
/// `RefundNotAbnormal`.
pub(crate) fn retry(
    by: Principal,
    id: RefundId,
    number: &str,
    to: &Receiver,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<RefundState, Stop> {
    partner::authorise(by, Permission::Refund, ctx, tx)?;
    let mut refund = find(id, tx)?;
    if refund.terms.principal() != by {
        return Err(Rejection::RefundNotFound.into());
    }
    if &*refund.terms.number != number {
        return Err(Rejection::RefundNumberUsed.into());
    }
    if refund.state != RefundState::Abnormal {
        let again = refund.receiver.as_ref() == Some(to) && refund.state != RefundState::Closed;
        return if again { Ok(refund.state) } else { Err(Rejection::RefundNotAbnormal(refund.state).into()) };
    }
    refund.state = RefundState::Processing;
    refund.attempt = refund.attempt.saturating_add(1);
    refund.asked = 0;
    refund.due_at = Some(ctx.now);
    refund.receiver = Some(to.clone());
    refund.journal = ctx.journal;
    tx.note(format!("to {} {}", to.bank, to.tail));
    tx.tell(Event::RefundDue(id));
    tx.put(refund);
    Ok(RefundState::Processing)
}
