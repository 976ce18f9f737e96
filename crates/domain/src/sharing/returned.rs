//! A merchant that received a share gives of it back, so that the order can be refunded (wire §7).

use super::{FailReason, Outcome, Part, Party, Share, Sharing, SharingNumber, authorise, of};
use crate::{
    Context, Rejection, Stop, Tx,
    claim::{self, NumberClaim, NumberOf},
    context::Event,
    crossing::{self, Wanted},
    journal::Subject,
    merchant::Merchant,
    notification::{self, About},
    order::{self, Order},
    partner::Principal,
};
use ledger::{Account, AccountId, Draft, TransferKind};
use serde::{Deserialize, Serialize};
use types::{
    Currency, JournalId, MerchantId, Money, OrderId, ShareId, ShareReturnId, Time, TransferId, time,
};

const CNY: Currency = Currency::CNY;
/// How long after a share it can be returned (wire §7).
const RETURN_LIFE: i64 = 180 * time::DAY;

/// A return of what was shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareReturn {
    /// Its id; `return_id` on the wire is computed from it.
    pub id: ShareReturnId,
    /// Of which request to share.
    pub share: ShareId,
    /// Of which order.
    pub order: OrderId,
    /// Who shared, and gets it back.
    pub merchant: MerchantId,
    /// The partner that asked, if one did.
    pub partner: Option<MerchantId>,
    /// The signer's own number, 1 to 64 characters, unique per signer.
    pub number: Box<str>,
    /// Who returns.
    pub from: MerchantId,
    /// How much, minor units.
    pub amount: i64,
    /// Why, 1 to 80 characters.
    pub description: Box<str>,
    /// Where it stands.
    pub state: ReturnState,
    /// The return of the same order before this one.
    pub previous: Option<ShareReturnId>,
    /// When it was asked for.
    pub created_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// When it is to be done; none once it ended.
    pub due_at: Option<Time>,
    /// Hash over all parameters: the same number with another digest is another return.
    pub digest: [u8; 16],
    /// Newest journal line.
    pub journal: JournalId,
}

impl ShareReturn {
    /// Whose it is, and which partner asked.
    #[must_use]
    pub const fn principal(&self) -> Principal {
        Principal { merchant: self.merchant, partner: self.partner }
    }
}

/// Where a return stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnState {
    /// The money has not moved yet.
    Processing,
    /// It came back by this transfer; final.
    Succeeded(TransferId),
    /// It could not; final.
    Failed(FailReason),
}

/// A return asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewReturn {
    /// Who gets it back, at whose request.
    pub by: Principal,
    /// Of which request to share.
    pub share: ShareId,
    /// The signer's number of the return.
    pub number: Box<str>,
    /// Who returns.
    pub from: MerchantId,
    /// How much, minor units.
    pub amount: i64,
    /// Why.
    pub description: Box<str>,
    /// Hash over all parameters.
    pub digest: [u8; 16],
}

/// Asks a receiver that agreed to returns for money back; it moves afterwards. The same number with the same content
/// gives the same return, however it stands by now.
///
/// Errors: `NotAllowed`, the partner's, `ShareNotFound`, `ShareNumberUsed`, `NoSuchShare` when that merchant got nothing
/// by this request, `MerchantNotFound`, `ReturnsOff`, `ReturnTooLate`, `AmountOutOfRange`, `ShareTooMuch` when more is
/// asked than is left of the share.
pub(crate) fn give_back(new: &NewReturn, ctx: &Context, tx: &mut Tx<'_>) -> Result<ShareReturnId, Stop> {
    let key = (new.by.signer(), true, new.number.clone());
    tx.expect::<SharingNumber>(&key);
    tx.expect::<Merchant>(&new.from);
    authorise(new.by, ctx, tx)?;
    let mut share = tx.need::<Share>(&new.share, Rejection::ShareNotFound)?.clone();
    if share.principal() != new.by {
        return Err(Rejection::ShareNotFound.into());
    }
    let order = order::here(share.order, ctx, tx)?;
    tx.about(Subject::Order(order.id), Some(order.journal));
    if let Some(known) = tx.get::<SharingNumber>(&key)? {
        let id = ShareReturnId(known.id);
        let same = tx.need::<ShareReturn>(&id, Rejection::ShareReturnNotFound)?.digest == new.digest;
        return if same { Ok(id) } else { Err(Rejection::ShareNumberUsed.into()) };
    }
    let returner = tx.need::<Merchant>(&new.from, Rejection::MerchantNotFound(new.from))?;
    if !returner.sharing.returns {
        return Err(Rejection::ReturnsOff(new.from).into());
    }
    let sharing = of(order.id, tx)?;
    let part = part_mut(&mut share, new.from).ok_or(Rejection::NoSuchShare(new.from))?;
    let end = part.ended_at.unwrap_or(ctx.now).plus(RETURN_LIFE);
    if ctx.now >= end {
        return Err(Rejection::ReturnTooLate(end).into());
    }
    if new.amount <= 0 {
        return Err(Rejection::AmountOutOfRange.into());
    }
    let left = part.amount - part.returned;
    if new.amount > left {
        return Err(Rejection::ShareTooMuch { left: Money::cny(left) }.into());
    }
    part.returned += new.amount;
    let id = ShareReturnId(ctx.ids.id(0));
    tx.note(format!("return {id} of {} from {}", Money::cny(new.amount), new.from));
    tx.put(ShareReturn {
        id,
        share: share.id,
        order: order.id,
        merchant: share.merchant,
        partner: share.partner,
        number: new.number.clone(),
        from: new.from,
        amount: new.amount,
        description: new.description.clone(),
        state: ReturnState::Processing,
        previous: sharing.newest_return,
        created_at: ctx.now,
        ended_at: None,
        due_at: Some(ctx.now),
        digest: new.digest,
        journal: ctx.journal,
    });
    let (of, signer) = (NumberOf::ShareReturn, new.by.signer());
    claim::take(NumberClaim { of, signer, number: new.number.clone(), order: order.id }, ctx, tx)?;
    tx.put(SharingNumber { signer: new.by.signer(), of_return: true, number: new.number.clone(), id: id.0 });
    tx.put(Sharing { newest_return: Some(id), ..sharing });
    tx.put(Share { journal: ctx.journal, ..share });
    tx.put(Order { journal: ctx.journal, ..order });
    tx.tell(Event::ShareReturnDue(id));
    Ok(id)
}

/// Moves the money of a return: into what is left of the order, or into the takings once that is unfrozen. It fails when
/// the receiver has too little or may not pay now. A return that ended stays as it is.
///
/// Errors: `ShareReturnNotFound`; as [`crossing::gather`] while the receiver's money is in other shards.
pub(crate) fn finish(id: ShareReturnId, ctx: &Context, tx: &mut Tx<'_>) -> Result<ReturnState, Stop> {
    let known = tx.need::<ShareReturn>(&id, Rejection::ShareReturnNotFound)?.clone();
    tx.about(Subject::ShareReturn(id), Some(known.journal));
    if known.state != ReturnState::Processing {
        return Ok(known.state);
    }
    let here = ctx.place.shard;
    let from = AccountId::merchant_available(known.from, CNY).at(here);
    let aside = AccountId::merchant_sharing(known.merchant, CNY).at(here);
    let takings = AccountId::merchant_unsettled(known.merchant, CNY).at(here);
    for account in [from, aside, takings] {
        tx.expect::<Account>(&account);
    }
    tx.expect::<Share>(&known.share);
    tx.expect::<Sharing>(&known.order);
    tx.expect::<Merchant>(&known.from);
    tx.loaded()?;
    let returner = tx.need::<Merchant>(&known.from, Rejection::MerchantNotFound(known.from))?.clone();
    crossing::gather(from, Wanted::Whole(known.amount), ctx, tx)?;
    let account = tx.get::<Account>(&from)?.copied().unwrap_or(Account::new(from));
    let sharing = of(known.order, tx)?;
    let state = if account.frozen || !returner.active {
        ReturnState::Failed(FailReason::AccountAbnormal)
    } else if account.available().minor < known.amount {
        ReturnState::Failed(FailReason::BalanceNotEnough)
    } else {
        let transfer = TransferId(ctx.ids.id(1));
        let credit = if sharing.is_open() { aside } else { takings };
        let (amount, kind, at) = (known.amount, TransferKind::ShareReturn, ctx.now);
        ledger::transfer(tx, Draft { id: transfer, debit: from, credit, amount, kind, subject: id.0, at })?;
        if !returner.sharing.notify_url.is_empty() {
            notification::owe(known.from, About::ShareReturned(id), ctx, tx);
        }
        ReturnState::Succeeded(transfer)
    };
    match state {
        ReturnState::Succeeded(_) => {
            let back = if sharing.is_open() { known.amount } else { 0 };
            let (unsplit, shared) = (sharing.unsplit + back, sharing.shared - known.amount);
            tx.put(Sharing { unsplit, shared, ..sharing });
        }
        _ => {
            let mut share = tx.need::<Share>(&known.share, Rejection::ShareNotFound)?.clone();
            if let Some(part) = part_mut(&mut share, known.from) {
                part.returned -= known.amount;
            }
            tx.put(share);
        }
    }
    tx.note(format!("{} from {}: {state:?}", Money::cny(known.amount), known.from));
    tx.put(ShareReturn { state, ended_at: Some(ctx.now), due_at: None, journal: ctx.journal, ..known });
    Ok(state)
}

/// The part of a request that a merchant received.
fn part_mut(share: &mut Share, from: MerchantId) -> Option<&mut Part> {
    let own = share.merchant;
    let received = |part: &&mut Part| {
        from != own && part.party == Party::Merchant(from) && matches!(part.outcome, Outcome::Succeeded(_))
    };
    share.parts.iter_mut().find(received)
}
