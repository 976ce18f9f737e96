//! Money on its way from one shard to another.
//!
//! Two shards commit apart, so money crosses in steps that may each be repeated: the source books it out of an account
//! into what is in transit and keeps a [`Crossing`]; the destination books it from there into the account, once,
//! under the transfer number next to the source's; then the source forgets the crossing. What dies in between is
//! found by its record and goes on where it stopped. At every instant the two accounts in transit of a pair differ by
//! exactly what is under way.

use crate::{Context, Rejection, Stop, Tx, context::Event, home, journal::Subject};
use ledger::{Account, AccountId, AccountKind, Draft, TransferKind};
use serde::{Deserialize, Serialize};
use types::{Shard, Time, TransferId};

/// Money that left a shard and was not yet reported to have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossing {
    /// The transfer by which it left; the one by which it arrives has the next id.
    pub id: TransferId,
    /// The account it left.
    pub from: AccountId,
    /// The account it goes to.
    pub to: AccountId,
    /// How much, minor units of the accounts' currency.
    pub amount: i64,
    /// When it left.
    pub sent_at: Time,
}

impl Crossing {
    /// The transfer by which it arrives.
    #[must_use]
    pub const fn arrival(&self) -> TransferId {
        arrival(self.id)
    }
}

/// The transfer by which money arrives that left by `sent`. The source keeps that number free for it.
#[must_use]
pub const fn arrival(sent: TransferId) -> TransferId {
    TransferId(sent.0 + 1)
}

/// Brings money of a merchant or the platform from its sub-account here to that in another shard: a stated amount, or
/// all there is. With nothing to bring, nothing happens. Errors: `NotAllowed` for another kind of account or a
/// shard that does not exist, `AmountOutOfRange`, `NotEnough`.
pub(crate) fn send(
    from: AccountId,
    to: Shard,
    amount: Option<i64>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let here = ctx.place.shard;
    let divided = matches!(from.kind(), AccountKind::MerchantUnsettled | AccountKind::PlatformFee);
    if !divided || from.shard() != here || to == here || !ctx.place.shards.contains(to) {
        return Err(Rejection::NotAllowed.into());
    }
    if amount.is_some_and(|amount| amount <= 0) {
        return Err(Rejection::AmountOutOfRange.into());
    }
    let in_transit = AccountId::in_transit(here, to, from.currency());
    tx.expect::<Account>(&in_transit);
    let there = tx.get::<Account>(&from)?.map_or(0, |account| account.available().minor);
    tx.loaded()?;
    if amount.is_some_and(|amount| amount > there) {
        return Err(Rejection::NotEnough.into());
    }
    let amount = amount.unwrap_or(there);
    if amount <= 0 {
        tx.note("nothing to bring");
        return Ok(());
    }
    let id = TransferId(ctx.ids.id(1));
    tx.about(Subject::Transfer(id), None);
    let (kind, at) = (TransferKind::ShardSend, ctx.now);
    ledger::transfer(tx, Draft { id, debit: from, credit: in_transit, amount, kind, subject: id.0, at })?;
    tx.put(Crossing { id, from, to: from.at(to), amount, sent_at: ctx.now });
    tx.note(format!("{amount} from {from} to shard {to}"));
    tx.tell(Event::MoneySent(id));
    Ok(())
}

/// Books money that another shard sent, once. The source's own record is read, so nobody can bring what was never sent.
/// Errors: `TransferMismatch` when it was not sent, or otherwise, or its number was used for another; `NotAllowed` when
/// it was not sent here.
pub(crate) fn receive(sent: &Crossing, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let (here, source) = (ctx.place.shard, Shard::of_id(sent.id.0));
    let ours = home::of_account(sent.to, ctx.place.shards) == here && source != here;
    if !ours || !ctx.place.shards.contains(source) {
        return Err(Rejection::NotAllowed.into());
    }
    let id = sent.arrival();
    tx.about(Subject::Transfer(sent.id), None);
    let in_transit = AccountId::in_transit(here, source, sent.to.currency());
    tx.expect::<ledger::Transfer>(&id);
    tx.expect::<Crossing>(&sent.id);
    tx.expect::<Account>(&in_transit);
    tx.expect::<Account>(&sent.to);
    tx.loaded()?;
    if let Some(kept) = tx.get::<ledger::Transfer>(&id)? {
        let same = (kept.debit, kept.credit, kept.amount) == (in_transit, sent.to, sent.amount);
        return if same { Ok(()) } else { Err(Rejection::TransferMismatch.into()) };
    }
    if tx.get::<Crossing>(&sent.id)? != Some(sent) {
        return Err(Rejection::TransferMismatch.into());
    }
    let (kind, at) = (TransferKind::ShardReceive, ctx.now);
    let draft =
        Draft { id, debit: in_transit, credit: sent.to, amount: sent.amount, kind, subject: sent.id.0, at };
    ledger::transfer(tx, draft)?;
    Ok(())
}

/// Forgets a crossing that has arrived; again is the same. Only whoever saw the answer of [`receive`] says so.
pub(crate) fn arrived(id: TransferId, tx: &mut Tx<'_>) -> Result<(), Stop> {
    tx.about(Subject::Transfer(id), None);
    if tx.get::<Crossing>(&id)?.is_some() {
        tx.delete::<Crossing>(id);
    }
    Ok(())
}
