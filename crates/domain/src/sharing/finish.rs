//! The parts of a request go, one by one.

use super::{FailReason, Outcome, Part, Party, Receiver, Share, Sharing, of, receiver::takes, unfreeze};
use crate::{
    Context, Rejection, Stop, Tx,
    context::Event,
    crossing,
    journal::Subject,
    merchant::Merchant,
    notification::{self, About},
    payer::Payer,
};
use ledger::{Account, AccountId, Draft, TransferKind};
use types::{Currency, Money, ShareId, TransferId, time};

const CNY: Currency = Currency::CNY;
/// When a part is tried again that can't leave because the merchant's money is frozen.
const FROZEN_AGAIN: i64 = 10 * time::MINUTE;

/// Brings the next part of a request to its receiver, or closes it when the receiver can't take it: then the money is
/// back in what is left of the order, or in the takings when the rest was unfrozen. True when the request is finished;
/// a finished one stays as it is. While the merchant's money is frozen nothing leaves, and the part is tried later.
///
/// Errors: `ShareNotFound`.
pub(crate) fn finish(id: ShareId, ctx: &Context, tx: &mut Tx<'_>) -> Result<bool, Stop> {
    let mut share = tx.need::<Share>(&id, Rejection::ShareNotFound)?.clone();
    tx.about(Subject::Share(id), Some(share.journal));
    let Some(place) = share.parts.iter().position(|part| part.outcome == Outcome::Pending) else {
        return Ok(true);
    };
    let (party, amount) = (share.parts[place].party, share.parts[place].amount);
    let from = AccountId::merchant_sharing(share.merchant, CNY).at(ctx.place.shard);
    let own = party == Party::Merchant(share.merchant);
    tx.expect::<Sharing>(&share.order);
    tx.expect::<Account>(&from);
    tx.expect::<Receiver>(&(share.merchant, party));
    match &party {
        Party::Merchant(id) => tx.expect::<Merchant>(id),
        Party::Payer(id) => tx.expect::<Payer>(id),
    }
    tx.expect::<Account>(&credited(party, own, ctx));
    tx.loaded()?;
    if tx.get::<Account>(&from)?.is_some_and(|account| account.frozen) {
        tx.note("the merchant's money is frozen");
        tx.put(Share { due_at: Some(ctx.now.plus(FROZEN_AGAIN)), journal: ctx.journal, ..share });
        return Ok(false);
    }
    let mut sharing = of(share.order, tx)?;
    sharing.reserved -= amount;
    let transfer = TransferId(ctx.ids.id(1));
    let outcome = if own {
        unfreeze(&sharing, amount, transfer, ctx, tx)?;
        Outcome::Succeeded(transfer)
    } else if tx.get::<Receiver>(&(share.merchant, party))?.is_none() {
        Outcome::Closed(FailReason::NoRelation)
    } else if takes(party, tx)? {
        bring(&share, &share.parts[place], transfer, ctx, tx)?;
        Outcome::Succeeded(transfer)
    } else {
        Outcome::Closed(FailReason::AccountAbnormal)
    };
    if let Outcome::Closed(_) = outcome {
        sharing.shared -= amount;
        if sharing.is_open() {
            sharing.unsplit += amount;
        } else {
            unfreeze(&sharing, amount, transfer, ctx, tx)?;
        }
    }
    tx.note(match outcome {
        Outcome::Closed(why) => format!("{} to {party}: {why:?}", Money::cny(amount)),
        _ => format!("{} to {party}", Money::cny(amount)),
    });
    let part = &mut share.parts[place];
    (part.outcome, part.ended_at) = (outcome, Some(ctx.now));
    let finished = share.parts.iter().all(|part| part.outcome != Outcome::Pending);
    share.finished_at = finished.then_some(ctx.now);
    share.due_at = (!finished).then_some(ctx.now);
    share.journal = ctx.journal;
    if !finished {
        tx.tell(Event::ShareDue(id));
    }
    tx.put(sharing.settled());
    tx.put(share);
    Ok(finished)
}

/// The account of this shard that a part is credited to, as far as it is of this shard.
fn credited(party: Party, own: bool, ctx: &Context) -> AccountId {
    let here = ctx.place.shard;
    match party {
        Party::Merchant(id) if own => AccountId::merchant_unsettled(id, CNY).at(here),
        Party::Merchant(id) => AccountId::merchant_available(id, CNY).at(here),
        Party::Payer(id) => match ctx.place.shards.of_payer(id) {
            there if there == here => AccountId::payer_balance(id, CNY),
            there => AccountId::in_transit(here, there, CNY),
        },
    }
}

/// Moves a part to its receiver and tells a merchant that asked to be told. What goes to a payer of another shard is on
/// its way there; a merchant gets it in this shard's sub-account.
fn bring(share: &Share, part: &Part, id: TransferId, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let from = AccountId::merchant_sharing(share.merchant, CNY).at(ctx.place.shard);
    let credit = credited(part.party, false, ctx);
    let (kind, subject, at) = (TransferKind::Share, share.id.0, ctx.now);
    ledger::transfer(tx, Draft { id, debit: from, credit, amount: part.amount, kind, subject, at })?;
    match part.party {
        Party::Payer(payer) => {
            let to = AccountId::payer_balance(payer, CNY);
            if credit != to {
                crossing::keep(id, from, to, part.amount, ctx, tx);
            }
        }
        Party::Merchant(merchant) => {
            let known = tx.need::<Merchant>(&merchant, Rejection::MerchantNotFound(merchant))?;
            if !known.sharing.notify_url.is_empty() {
                notification::owe(merchant, About::ShareReceived(id), ctx, tx);
            }
        }
    }
    Ok(())
}
