//! A transfer goes on: to the user's shard, to the user, or back to the merchant.

use super::{FailReason, UserTransfer, UserTransferState as State, here, recipient, request};
use crate::{
    Context, Rejection, Stop, Tx,
    context::Actor,
    crossing,
    limit::{self, Limits, Usage},
    payer::Payer,
    payment,
};
use ledger::{Account, AccountId, Transfer, TransferKind};
use types::{MerchantId, Money, PayerId, Shard, TransferId, UserTransferId, time};

/// Seconds until it is looked whether money from another shard has arrived.
const ARRIVES_S: i64 = 1;

/// Sets a transfer's money aside and goes on; while there is too little, it is tried again until its time is over.
pub(super) fn begin(transfer: &mut UserTransfer, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let (merchant, amount) = (transfer.terms.merchant, transfer.terms.amount);
    if let Some(id) = request::set_aside(merchant, amount, transfer.id.0, ctx, tx)? {
        transfer.hold = Some(id);
        return go_to_user(transfer, ctx, tx);
    }
    let until = transfer.created_at.plus(limit::in_force(ctx, tx)?.user_transfer.confirm_s * time::SECOND);
    if ctx.now >= until {
        transfer.fail = Some(FailReason::Overdue);
        return give_back(transfer, ctx, tx);
    }
    transfer.due_at = Some(request::again_at(transfer.tries, ctx.now).min(until));
    transfer.tries = transfer.tries.saturating_add(1);
    transfer.becomes(State::Processing, ctx);
    Ok(())
}

/// With the money set aside here: on to the user's shard, or, when that is this one, to the user. A detail of a batch is
/// received at once, others wait for the user; what was meant for somebody of another name goes back.
pub(super) fn go_to_user(transfer: &mut UserTransfer, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let home = ctx.place.shards.of_payer(transfer.terms.payer);
    if home != ctx.place.shard {
        return send(transfer, home, ctx, tx);
    }
    if transfer.batch.is_none() {
        if recipient::of(transfer.terms.payer, tx)?.is_another(&transfer.terms) {
            transfer.fail = Some(FailReason::Name);
            return give_back(transfer, ctx, tx);
        }
        let table = limit::in_force(ctx, tx)?;
        let seconds = table.user_transfer.confirm_s;
        transfer.due_at = Some(transfer.created_at.plus(seconds * time::SECOND));
        transfer.becomes(State::Waiting, ctx);
        return Ok(());
    }
    let received = match recipient::account(transfer.terms.payer, tx)? {
        Ok(payer) => receive(transfer, &payer, ctx, tx)?,
        Err(why) => Err(why),
    };
    if let Err(why) = received {
        transfer.fail = Some(why);
        return give_back(transfer, ctx, tx);
    }
    Ok(())
}

/// Moves a transfer's money and record to another shard. From the commit on that shard decides.
fn send(transfer: &mut UserTransfer, to: Shard, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let id = TransferId(ctx.ids.id(5)); // the sixth is that of the arrival
    crossing::leave(id, transfer.in_transit(), to, transfer.terms.amount.minor, ctx, tx)?;
    transfer.crossing = Some(id);
    transfer.shard = to;
    transfer.due_at = Some(ctx.now.plus(ARRIVES_S * time::SECOND));
    transfer.updated_at = ctx.now;
    transfer.journal = ctx.journal;
    Ok(())
}

/// Brings the money to the user's balance, as the newest entry of the user's bill; or says why it can't be.
fn receive(
    transfer: &mut UserTransfer,
    payer: &Payer,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<Result<(), FailReason>, Stop> {
    let balance = AccountId::payer_balance(payer.id, transfer.terms.amount.currency);
    tx.expect::<Account>(&balance);
    tx.expect::<Usage>(&payer.id.0);
    let table = limit::in_force(ctx, tx)?;
    let kept = recipient::of(payer.id, tx)?;
    let day = ctx.now.business_day();
    let counted = match kept.receive(&transfer.terms, payer.class(), &table, day) {
        Ok(counted) => counted,
        Err(why) => return Ok(Err(why)),
    };
    transfer.pay_out(TransferKind::UserTransfer, balance, ctx, tx)?;
    transfer.bill_previous = payment::enter_bill(payer.id, transfer.id.0, tx)?;
    tx.put(counted);
    transfer.becomes(State::Succeeded, ctx);
    if transfer.batch.is_none() {
        transfer.tell(ctx, tx);
    }
    Ok(Ok(()))
}

/// Gives the money back to the merchant and ends the transfer: at once in the first shard, where the merchant's settled
/// money is, otherwise once it has come there.
fn give_back(transfer: &mut UserTransfer, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    if transfer.hold.is_some() {
        if transfer.shard != Shard::FIRST {
            transfer.becomes(State::Returning, ctx);
            return send(transfer, Shard::FIRST, ctx, tx);
        }
        let to = AccountId::merchant_available(transfer.terms.merchant, transfer.terms.amount.currency);
        transfer.pay_out(TransferKind::UserTransferReturn, to, ctx, tx)?;
    }
    transfer.becomes(if transfer.fail.is_some() { State::Failed } else { State::Cancelled }, ctx);
    if transfer.batch.is_none() {
        transfer.tell(ctx, tx);
    }
    Ok(())
}

/// Receives a transfer in the user's name; again gives the same answer.
///
/// Errors: `NotAllowed` for anybody but the user, `UserTransferNotFound`, also for another user's;
/// `UserTransferNotWaiting`, `UserTransferOverdue`, `MoneyUnderWay` for one that comes from another shard at this moment,
/// `WrongAmount`, `PayerSuspended`, `TransferRefused` when the user can't receive it now; it goes on waiting then.
pub(crate) fn confirm(
    id: UserTransferId,
    payer: PayerId,
    shown: Money,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<State, Stop> {
    if !matches!(ctx.caller.actor, Actor::Platform) && ctx.caller.actor != Actor::Payer(payer) {
        return Err(Rejection::NotAllowed.into());
    }
    tx.expect::<Limits>(&());
    let mut transfer = here(id, ctx, tx)?;
    if transfer.terms.payer != payer {
        return Err(Rejection::UserTransferNotFound.into());
    }
    if let (State::Processing, Some(left)) = (transfer.state, transfer.crossing) {
        if tx.get::<Transfer>(&crossing::arrival(left))?.is_none() {
            return Err(Rejection::MoneyUnderWay.into()); // whoever routes commands waits for it
        }
        transfer.crossing = None;
        go_to_user(&mut transfer, ctx, tx)?;
    }
    match (transfer.state, transfer.due_at) {
        (State::Succeeded, _) => return Ok(State::Succeeded),
        (State::Waiting, Some(until)) if ctx.now >= until => {
            return Err(Rejection::UserTransferOverdue(until).into());
        }
        (State::Waiting, _) => {}
        (state, _) => return Err(Rejection::UserTransferNotWaiting(state).into()),
    }
    if transfer.terms.amount != shown {
        return Err(Rejection::WrongAmount { wanted: transfer.terms.amount, confirmed: shown }.into());
    }
    let known = crate::payer::active(payer, tx)?;
    receive(&mut transfer, &known, ctx, tx)?.map_err(Rejection::TransferRefused)?;
    tx.note(transfer.terms.amount.to_string());
    tx.put(transfer);
    Ok(State::Succeeded)
}

/// Cancels a transfer that the user has not confirmed; again gives the state. Its money may still be on its way.
///
/// Errors: `NotAllowed` for anybody but the merchant and the people allowed to, `UserTransferNotFound`, also for another
/// merchant's and for a detail of a batch; `UserTransferNotWaiting`.
pub(crate) fn cancel(
    merchant: MerchantId,
    id: UserTransferId,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<State, Stop> {
    match ctx.caller.actor {
        Actor::Merchant(caller) if caller == merchant => {}
        Actor::Operator(_) => {} // the table of roles was asked
        _ => return Err(Rejection::NotAllowed.into()),
    }
    let mut transfer = here(id, ctx, tx)?;
    if transfer.terms.merchant != merchant || transfer.batch.is_some() {
        return Err(Rejection::UserTransferNotFound.into());
    }
    match transfer.state {
        State::Cancelled => return Ok(State::Cancelled),
        State::Returning if transfer.fail.is_none() => return Ok(State::Returning),
        State::Processing | State::Waiting => {}
        state => return Err(Rejection::UserTransferNotWaiting(state).into()),
    }
    if transfer.crossing.is_some() {
        transfer.becomes(State::Returning, ctx); // it turns round where its money arrives
    } else {
        give_back(&mut transfer, ctx, tx)?;
    }
    let state = transfer.state;
    tx.note(state.name());
    tx.put(transfer);
    Ok(state)
}

/// Does what is due of a transfer; nothing when nothing is. Errors: `NotAllowed` for anybody but the platform,
/// `UserTransferNotFound`.
pub(crate) fn advance(id: UserTransferId, ctx: &Context, tx: &mut Tx<'_>) -> Result<State, Stop> {
    if ctx.caller.actor != Actor::Platform {
        return Err(Rejection::NotAllowed.into());
    }
    tx.expect::<Limits>(&());
    let mut transfer = here(id, ctx, tx)?;
    if transfer.due_at.is_none_or(|at| ctx.now < at) {
        return Ok(transfer.state);
    }
    if let Some(left) = transfer.crossing {
        if tx.get::<Transfer>(&crossing::arrival(left))?.is_none() {
            transfer.due_at = Some(ctx.now.plus(ARRIVES_S * time::SECOND));
            transfer.journal = ctx.journal;
            tx.note("its money has not arrived yet");
            let state = transfer.state;
            tx.put(transfer);
            return Ok(state);
        }
        transfer.crossing = None;
    }
    match transfer.state {
        State::Processing if transfer.hold.is_none() => begin(&mut transfer, ctx, tx)?,
        State::Processing => go_to_user(&mut transfer, ctx, tx)?,
        State::Waiting => {
            transfer.fail = Some(FailReason::Overdue);
            give_back(&mut transfer, ctx, tx)?;
        }
        State::Returning => give_back(&mut transfer, ctx, tx)?,
        State::Succeeded | State::Failed | State::Cancelled => transfer.due_at = None,
    }
    let state = transfer.state;
    tx.note(state.name());
    tx.put(transfer);
    Ok(state)
}
