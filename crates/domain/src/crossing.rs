//! Money on its way from one shard to another.
//!
//! Two shards commit apart, so money crosses in steps that may each be repeated: the source books it out of an account
//! into what is in transit and keeps a [`Crossing`]; the destination books it from there into the account, once,
//! under the transfer number next to the source's; then the source forgets the crossing. What dies in between is
//! found by its record and goes on where it stopped. At every instant the two accounts in transit of a pair differ by
//! exactly what is under way.

use crate::{Context, Rejection, Stop, Tx, context::Event, home, journal::Subject};
use ledger::{Account, AccountId, AccountKind, Book, Draft, TransferKind};
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

/// What was sent to another shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The transfer by which it left.
    pub id: TransferId,
    /// How much, minor units.
    pub amount: i64,
}

/// Whether money of such an account may lie in any shard: then where it lies means nothing, and it is brought to where
/// it is needed.
#[must_use]
pub const fn is_divided(kind: AccountKind) -> bool {
    matches!(kind, AccountKind::MerchantUnsettled | AccountKind::MerchantAvailable | AccountKind::PlatformFee)
}

/// Brings money of a merchant or the platform from its sub-account here to that in another shard: all there is, or as
/// far as it is there what was asked for. With nothing to bring, nothing happens. Errors: `NotAllowed` for another kind of
/// account or a shard that does not exist, `AmountOutOfRange`, `Frozen`.
pub(crate) fn send(
    from: AccountId,
    to: Shard,
    most: Option<i64>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<Option<Sent>, Stop> {
    let here = ctx.place.shard;
    if !is_divided(from.kind()) || from.shard() != here || to == here || !ctx.place.shards.contains(to) {
        return Err(Rejection::NotAllowed.into());
    }
    if most.is_some_and(|most| most <= 0) {
        return Err(Rejection::AmountOutOfRange.into());
    }
    let in_transit = AccountId::in_transit(here, to, from.currency());
    tx.expect::<Account>(&in_transit);
    let there = tx.get::<Account>(&from)?.map_or(0, |account| account.available().minor);
    tx.loaded()?;
    let amount = most.map_or(there, |most| most.min(there));
    if amount <= 0 {
        tx.note("nothing to bring");
        return Ok(None);
    }
    let id = TransferId(ctx.ids.id(1));
    tx.about(Subject::Transfer(id), None);
    let (kind, at) = (TransferKind::ShardSend, ctx.now);
    ledger::transfer(tx, Draft { id, debit: from, credit: in_transit, amount, kind, subject: id.0, at })?;
    tx.put(Crossing { id, from, to: from.at(to), amount, sent_at: ctx.now });
    tx.note(format!("{amount} from {from} to shard {to}"));
    tx.tell(Event::MoneySent(id));
    Ok(Some(Sent { id, amount }))
}

/// Sends money of an account here to the same account in another shard, under the transfer number `id`; the number after
/// it is that of the arrival and must be kept free. Errors: those of the ledger.
pub(crate) fn leave(
    id: TransferId,
    from: AccountId,
    to: Shard,
    amount: i64,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let credit = AccountId::in_transit(ctx.place.shard, to, from.currency());
    let (kind, at) = (TransferKind::ShardSend, ctx.now);
    ledger::transfer(tx, Draft { id, debit: from, credit, amount, kind, subject: id.0, at })?;
    tx.put(Crossing { id, from, to: from.at(to), amount, sent_at: ctx.now });
    tx.tell(Event::MoneySent(id));
    Ok(())
}

/// Keeps the crossing of money that left an account here by transfer `id`, whose credit is what is in transit to the
/// shard of `to`. The next transfer number stays free for its arrival.
pub(crate) fn keep(
    id: TransferId,
    from: AccountId,
    to: AccountId,
    amount: i64,
    ctx: &Context,
    tx: &mut Tx<'_>,
) {
    tx.put(Crossing { id, from, to, amount, sent_at: ctx.now });
    tx.tell(Event::MoneySent(id));
}

/// How much of an account's money in other shards a command wants here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// So much must be able to leave the sub-account here, minor units. When all shards together do not have it,
    /// nothing is brought and the ledger says what is missing.
    Whole(i64),
    /// So much, or as far as it is there.
    UpTo(i64),
    /// All there is.
    All,
}

/// Makes sure that money of `account`, a sub-account here, is here as far as it is wanted. It may lie in any shard, and
/// where it lies means nothing. With one shard, or when it is here, nothing is read and nothing happens. What is frozen stays.
///
/// Errors: `MoneyElsewhere` with the shard that has most of what is missing: whoever routes commands brings it and asks
/// again; `MoneyUnderWay` when no more is to be found, but some is on its way to here.
pub(crate) fn gather(account: AccountId, wanted: Wanted, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    if ctx.place.is_only() {
        return Ok(());
    }
    let here = ctx.place.shard;
    let own = tx.account(account)?;
    let missing = match wanted {
        Wanted::Whole(wanted) | Wanted::UpTo(wanted) => wanted.saturating_sub(own.available().minor),
        Wanted::All => i64::MAX,
    };
    if missing <= 0 || own.frozen {
        return Ok(());
    }
    let others = || ctx.place.shards.all().filter(|shard| *shard != here);
    let (sent_here, taken_in) = (
        |shard| AccountId::in_transit(shard, here, account.currency()),
        |shard| AccountId::in_transit(here, shard, account.currency()),
    );
    for shard in others() {
        for account in [account.at(shard), sent_here(shard), taken_in(shard)] {
            tx.expect::<Account>(&account);
        }
    }
    tx.loaded()?;
    let (mut most, mut sum, mut under_way) = ((0, here), 0_i64, false);
    for shard in others() {
        let there = tx.account(account.at(shard))?;
        let free = if there.frozen { 0 } else { there.available().minor.max(0) };
        sum = sum.saturating_add(free);
        if free > most.0 {
            most = (free, shard);
        }
        let sent = tx.account(sent_here(shard))?.credits_posted;
        under_way |= sent > tx.account(taken_in(shard))?.debits_posted;
    }
    let in_vain = matches!(wanted, Wanted::Whole(_)) && sum < missing;
    match most {
        (free, shard) if free > 0 && !in_vain => {
            let (from, amount) = (account.at(shard), free.min(missing));
            Err(Rejection::MoneyElsewhere { from, amount }.into())
        }
        _ if under_way => Err(Rejection::MoneyUnderWay.into()),
        _ => Ok(()),
    }
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
    // When it left is told, not compared: whoever brings it on at once knows the number only.
    let same = |kept: &Crossing| (kept.from, kept.to, kept.amount) == (sent.from, sent.to, sent.amount);
    if !tx.get::<Crossing>(&sent.id)?.is_some_and(same) {
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
