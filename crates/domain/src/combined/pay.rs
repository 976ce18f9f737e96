//! A combined order is paid: one PIN, one count against the limits, and every order of it, or none.

use super::{Combined, CombinedConfirmation, check_payable, known, orders};
use crate::{
    Context, Rejection, Stop, Tx,
    card::Card,
    fee,
    journal::Subject,
    limit::{self, Limits, Source, Usage, Verification},
    merchant::Merchant,
    notification::{self, About},
    order::Order,
    payer::{self, Payer, PinOutcome},
    payment::{self, Entry, Paid, Payment},
    sharing,
};
use ledger::{Account, AccountId, Draft, TransferKind};
use types::{CombinedId, Shard, Time, TransferId, time};

/// Pays a combined order the payer has confirmed with the PIN: from the balance at once, from a card by one channel
/// payment of the total, whose confirmation pays every order.
///
/// Errors: `OrderNotFound`, the orders' state, `EntryExpired`, `EntryMismatch`, `WrongPayer`, `WrongAmount`, the payer's
/// and PIN's, `CardNotFound`, `MerchantSuspended` for any of the merchants, `LimitExceeded`, `NotEnough`.
pub(crate) fn pay(asked: &CombinedConfirmation, ctx: &Context, tx: &mut Tx<'_>) -> Result<Paid, Stop> {
    if !AccountId::can_own(asked.payer.0) {
        return Err(Rejection::PayerNotFound.into()); // no payer ever got such a number
    }
    let source = asked.card.map_or(asked.payer.0, |card| card.0);
    tx.expect::<Combined>(&asked.combined);
    tx.expect::<Payer>(&asked.payer);
    tx.expect::<Limits>(&());
    tx.expect::<Usage>(&source);
    tx.expect::<Usage>(&asked.payer.0);
    match &asked.card {
        None => tx.expect::<Account>(&AccountId::payer_balance(asked.payer, asked.shown.currency)),
        Some(card) => tx.expect::<Card>(card),
    }
    let whole = known(asked.combined, tx)?;
    tx.about(Subject::Combined(whole.id), None);
    let orders = orders(&whole, ctx, tx)?;
    tx.about(Subject::Combined(whole.id), orders.first().map(|order| order.journal));
    check_payable(&orders, ctx)?;
    check_confirmed(asked, &whole, ctx.now)?;
    let mut payer = payer::active(asked.payer, tx)?;
    let table = limit::in_force(ctx, tx)?;
    for order in &orders {
        expect(order, ctx, tx);
    }
    tx.loaded()?;
    let outcome = payer::check_pin(&mut payer, asked.pin, &table, ctx.now)?;
    if outcome != PinOutcome::Right {
        tx.note("pin refused");
        orders.into_iter().take(1).for_each(|first| tx.put(Order { journal: ctx.journal, ..first }));
        tx.put(payer);
        return Ok(Paid::Pin(outcome));
    }
    for order in &orders {
        payment::trading(order, tx)?;
    }
    let how = (Verification::TwoFactors, payment::barcode_of(whole.product));
    tx.note(format!("{} in {} orders", whole.total, orders.len()));
    let count = |from: Source, id: i64, tx: &mut Tx<'_>| {
        let used = tx.get::<Usage>(&id)?.copied().unwrap_or(Usage::none(id));
        tx.put(limit::count(used, &table, from, how, whole.total, ctx.now)?);
        Ok::<_, Stop>(())
    };
    let Some(card) = asked.card else {
        count(Source::Balance(payer.class()), payer.id.0, tx)?;
        let from = AccountId::payer_balance(payer.id, whole.total.currency);
        for (order, n) in orders.into_iter().zip(0..) {
            let part = Context { ids: ctx.ids.block(n), ..ctx.clone() };
            payment::hold_and_post(&order, from, &part, tx)?;
            payment::complete(order, payer.id, None, &part, tx)?;
        }
        told(&whole, ctx, tx);
        payment::forget_failures(payer, tx)?;
        return Ok(Paid::Done(ctx.now));
    };
    let card = tx.need::<Card>(&card, Rejection::CardNotFound)?.clone();
    if card.payer != payer.id {
        return Err(Rejection::CardNotFound.into());
    }
    count(Source::Card, card.id.0, tx)?;
    // A payment names one order; that it is one of several is known from there.
    let id = payment::ask_channel(&card, whole.orders.first().copied(), whole.total, ctx, tx);
    for order in orders {
        tx.put(Order { payment: Some(id), payer: Some(payer.id), journal: ctx.journal, ..order });
    }
    payment::forget_failures(payer, tx)?;
    Ok(Paid::Waiting(id))
}

/// What paying an order reads beside itself.
fn expect(order: &Order, ctx: &Context, tx: &mut Tx<'_>) {
    let (merchant, currency) = (order.terms.merchant, order.terms.amount.currency);
    tx.expect::<Account>(&sharing::account_of(order, ctx));
    tx.expect::<Account>(&AccountId::platform_fee(currency).at(ctx.place.shard));
    tx.expect::<Merchant>(&merchant);
    fee::expect(merchant, tx);
}

fn check_confirmed(asked: &CombinedConfirmation, whole: &Combined, now: Time) -> Result<(), Rejection> {
    if whole.product != asked.entry.product {
        return Err(Rejection::EntryMismatch);
    }
    let life = Entry::life_s(asked.entry.product) * time::SECOND;
    if now >= asked.entry.issued_at.plus(life) {
        return Err(Rejection::EntryExpired);
    }
    if whole.payer.is_some_and(|bound| bound != asked.payer) {
        return Err(Rejection::WrongPayer);
    }
    if whole.total != asked.shown {
        return Err(Rejection::WrongAmount { wanted: whole.total, confirmed: asked.shown });
    }
    Ok(())
}

/// All of it has just been paid: ids of as many blocks are used, and who asked for it is owed one notification.
fn told(whole: &Combined, ctx: &Context, tx: &mut Tx<'_>) {
    tx.blocks(whole.orders.len());
    if !whole.notify_url.is_empty() {
        notification::owe(whole.merchant, About::CombinedPaid(whole.id), ctx, tx);
    }
}

/// Books the money that a channel has confirmed for a combined order: what each of its orders gets.
pub(crate) fn receive(id: CombinedId, payment: &Payment, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let whole = known(id, tx)?;
    let orders = orders(&whole, ctx, tx)?;
    let currency = whole.total.currency;
    tx.expect::<Usage>(&payment.payer.0);
    for order in &orders {
        expect(order, ctx, tx);
    }
    let channel = tx.need::<Card>(&payment.card, Rejection::CardNotFound)?.channel;
    let from = AccountId::channel_receivable(channel, currency).at(ctx.place.shard);
    tx.expect::<Account>(&from);
    tx.loaded()?;
    for (order, n) in orders.into_iter().zip(0..) {
        let part = Context { ids: ctx.ids.block(n), ..ctx.clone() };
        let draft = Draft {
            id: TransferId(part.ids.id(1)),
            debit: from,
            credit: sharing::account_of(&order, ctx),
            amount: order.terms.amount.minor,
            kind: TransferKind::Payment,
            subject: order.id.0,
            at: ctx.now,
        };
        ledger::transfer(tx, draft)?;
        payment::complete(order, payment.payer, Some(payment.card), &part, tx)?;
    }
    told(&whole, ctx, tx);
    Ok(())
}

/// A channel has declined: the orders can be paid again.
pub(crate) fn declined(id: CombinedId, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let whole = known(id, tx)?;
    for order in orders(&whole, ctx, tx)? {
        tx.put(Order { payment: None, payer: order.terms.payer, journal: ctx.journal, ..order });
    }
    Ok(())
}

/// Hands a combined order that can be paid to another shard with all its orders, for a payer of that shard; nothing
/// else changes, and again is the same. Errors: `OrderNotFound`, `Elsewhere`, the orders' state, `WrongPayer` when only
/// a payer of another shard may pay it, `NotAllowed` for a shard that does not exist.
pub(crate) fn hand_over(id: CombinedId, to: Shard, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    if !ctx.place.shards.contains(to) {
        return Err(Rejection::NotAllowed.into());
    }
    let whole = known(id, tx)?;
    tx.about(Subject::Combined(id), None);
    for order in &whole.orders {
        tx.expect::<Order>(order);
    }
    tx.loaded()?;
    let mut there = true;
    for order in &whole.orders {
        there &= tx.get::<Order>(order)?.is_some_and(|order| order.shard == to);
    }
    if there {
        return Ok(());
    }
    let orders = orders(&whole, ctx, tx)?;
    tx.about(Subject::Combined(id), orders.first().map(|order| order.journal));
    check_payable(&orders, ctx)?;
    if whole.payer.is_some_and(|bound| ctx.place.shards.of_payer(bound) != to) {
        return Err(Rejection::WrongPayer.into());
    }
    tx.note(format!("to shard {to}"));
    for order in orders {
        tx.put(Order { shard: to, journal: ctx.journal, ..order });
    }
    Ok(())
}
