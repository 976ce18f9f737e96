//! Payment-code orders (wire §3.8): the merchant scans the payer's code; small ones are paid at once, others
//! wait for the payer's PIN; the merchant may reverse either.

use crate::{
    Context, Key, Rejection, Stop, Tx,
    crossing::{self, Wanted},
    journal::Subject,
    limit::{self, Barcode, Limits, Usage, Verification},
    merchant::Product,
    order::{self, Order, OrderState, Placed, Terms},
    partner::Principal,
    payer::{self, Payer, PinOutcome},
    payment::{self, Paid},
    payment_code::PaymentCode,
    records::Digest,
    sharing,
};
use ledger::{Account, AccountId, Draft, TransferKind};
use std::sync::Arc;
use types::{AppId, OrderId, PayerId, Shard, TransferId, time};

/// How long the payer may take to confirm.
const CONFIRM_LIFE: i64 = 5 * time::MINUTE;
/// How long after the payment a reversal is taken.
const REVERSE_LIFE: i64 = 7 * time::DAY;

/// Places an order with a payment code and pays it if no PIN is needed. The same request again gives the
/// order as it stands. Errors: as placing; `EntryMismatch` for another product; `CodeInvalid`, `CodeUsed`,
/// `CodeExpired`, the payer's, `LimitExceeded`, `NotEnough`.
pub(crate) fn place(terms: &Arc<Terms>, code: i64, ctx: &Context, tx: &mut Tx<'_>) -> Result<OrderId, Stop> {
    if terms.product != Product::Code {
        return Err(Rejection::EntryMismatch.into());
    }
    tx.expect::<PaymentCode>(&code);
    tx.expect::<Limits>(&());
    let expires_at = ctx.now.plus(CONFIRM_LIFE);
    let (mut order, number) = match order::place(terms, Some(expires_at), ctx, tx)? {
        Placed::Again(order) if !claimed(&order) => return Ok(order.id),
        Placed::Again(order) => {
            (Order { expires_at, state: OrderState::Open, journal: ctx.journal, ..order }, None)
        }
        Placed::New(order, taken_in) => (Order { shard: ctx.place.shard, ..order }, Some(taken_in)),
    };
    let shown = *tx.need::<PaymentCode>(&code, Rejection::CodeInvalid)?;
    tx.expect::<Payer>(&shown.payer);
    tx.expect::<Usage>(&shown.payer.0);
    tx.expect::<Account>(&AccountId::payer_balance(shown.payer, terms.amount.currency));
    tx.loaded()?;
    if shown.used_by.is_some() {
        return Err(Rejection::CodeUsed.into());
    }
    if ctx.now >= shown.expires_at {
        return Err(Rejection::CodeExpired.into());
    }
    let payer = payer::active(shown.payer, tx)?;
    let table = limit::in_force(ctx, tx)?;
    let used = tx.get::<Usage>(&payer.id.0)?.copied().unwrap_or(Usage::none(payer.id.0));
    let today = used.on(ctx.now.business_day());
    let id = order.id;
    let free = payer.free_pay
        && terms.amount.minor <= table.free_amount
        && today.day_free_count < table.free_count
        && today.day_one_factor.saturating_add(terms.amount.minor) <= table.balance_day_one_factor
        && today.day_barcode_c.saturating_add(terms.amount.minor) <= table.barcode_c_day;
    tx.put(PaymentCode { used_by: Some(id), ..shown });
    order.payer = Some(payer.id);
    if !free {
        order.state = OrderState::Paying;
    }
    tx.put(order.clone());
    if free {
        let how = (Verification::OneFactor, Barcode::Dynamic);
        payment::from_balance(order.clone(), &payer, &table, how, ctx, tx)?;
    }
    // Last of all: a number is claimed in another shard only for a payment that nothing else stands against.
    if let Some(taken_in) = number {
        order::number(&order, taken_in, ctx, tx)?;
    }
    Ok(id)
}

/// Whether an order is only a number taken for a payer's shard: a payment-code order of which no payer is known.
pub(crate) fn claimed(order: &Order) -> bool {
    order.terms.product == Product::Code
        && order.payer.is_none()
        && matches!(order.state, OrderState::Open | OrderState::Expired)
}

/// Takes an order number for a payment-code order that the payer's shard is about to place, where such numbers are
/// taken; or hands a number taken before to another payer's shard. The answer is none then. An order that stands
/// already is the answer to the whole request. Errors: as placing, `Elsewhere`.
pub(crate) fn claim(
    terms: &Arc<Terms>,
    to: Shard,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<Option<OrderId>, Stop> {
    if terms.product != Product::Code {
        return Err(Rejection::EntryMismatch.into());
    }
    if !ctx.place.shards.contains(to) {
        return Err(Rejection::NotAllowed.into());
    }
    tx.note(format!("for shard {to}"));
    let expires_at = ctx.now.plus(CONFIRM_LIFE);
    match order::place(terms, Some(expires_at), ctx, tx)? {
        Placed::New(order, taken_in) => order::keep_new(Order { shard: to, ..order }, taken_in, ctx, tx)?,
        Placed::Again(order) if !claimed(&order) => return Ok(Some(order.id)),
        Placed::Again(order) if order.shard == to => {}
        Placed::Again(order) => tx.put(Order { shard: to, journal: ctx.journal, ..order }),
    }
    Ok(None)
}

/// The payer confirms with the PIN, or refuses when none is given. Errors: `OrderNotFound`, `WrongPayer`, the
/// order's state, the PIN's, `MerchantSuspended`, `LimitExceeded`, `NotEnough`.
pub(crate) fn confirm(
    id: OrderId,
    payer: PayerId,
    pin: Option<Digest>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<Paid, Stop> {
    tx.expect::<Payer>(&payer);
    tx.expect::<Limits>(&());
    let order = tx.need::<Order>(&id, Rejection::OrderNotFound)?.clone();
    tx.about(Subject::Order(id), Some(order.journal));
    let ours = order.shard == ctx.place.shard;
    if !ours {
        tx.elsewhere(Key::Order(id)); // one that waits for a payer's PIN is where the payer is
    }
    if !ours || order.payer != Some(payer) {
        return Err(Rejection::WrongPayer.into());
    }
    order.check_payable(ctx.now)?;
    if order.state != OrderState::Paying {
        return Err(Rejection::EntryMismatch.into());
    }
    let Some(pin) = pin else {
        tx.note("refused by the payer");
        tx.put(Order { state: OrderState::Failed, journal: ctx.journal, ..order });
        return Ok(Paid::Done(ctx.now));
    };
    let mut payer = payer::active(payer, tx)?;
    let table = limit::in_force(ctx, tx)?;
    let outcome = payer::check_pin(&mut payer, pin, &table, ctx.now)?;
    if outcome != PinOutcome::Right {
        tx.note("pin refused");
        tx.put(Order { journal: ctx.journal, ..order });
        tx.put(payer);
        return Ok(Paid::Pin(outcome));
    }
    let how = (Verification::TwoFactors, Barcode::Dynamic);
    payment::from_balance(order, &payer, &table, how, ctx, tx)?;
    tx.put(payer);
    Ok(Paid::Done(ctx.now))
}

/// Reverses a payment-code order: an unpaid one ends, a paid one is returned in full with its fee. Again, or
/// after a close, changes nothing. Errors: `OrderNotFound`, `WrongApp`, `NotReversible`, `OrderRefunded`, `OrderShared`, `ReverseTooLate`, `NotEnough` when the
/// merchant's unsettled money is spent.
pub(crate) fn reverse(
    by: Principal,
    app: Option<AppId>,
    number: &str,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let order = order::by_number(by, number, ctx, tx)?;
    if order.terms.product != Product::Code {
        return Err(Rejection::NotReversible.into());
    }
    if app.is_some_and(|named| named != order.terms.app) {
        return Err(Rejection::WrongApp.into());
    }
    match order.state {
        OrderState::Revoked | OrderState::Closed => return Ok(()), // ended unpaid, or returned before
        OrderState::Paid if order.refunded.sum > 0 => return Err(Rejection::OrderRefunded.into()),
        OrderState::Paid => give_back(&order, ctx, tx)?,
        _ => {}
    }
    let paid = order.state == OrderState::Paid;
    let reversal = paid.then(|| TransferId(ctx.ids.id(1)));
    tx.put(Order { state: OrderState::Revoked, reversal, journal: ctx.journal, ..order });
    Ok(())
}

fn give_back(order: &Order, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let (Some(payer), Some(paid_at)) = (order.payer, order.paid_at) else {
        return Err(Rejection::OrderFailed.into());
    };
    if ctx.now >= paid_at.plus(REVERSE_LIFE) {
        return Err(Rejection::ReverseTooLate.into());
    }
    let amount = order.terms.amount;
    sharing::reversed(order, ctx, tx)?;
    let merchant = sharing::account_of(order, ctx);
    let fees = AccountId::platform_fee(amount.currency).at(ctx.place.shard);
    let balance = AccountId::payer_balance(payer, amount.currency);
    for account in [merchant, fees, balance] {
        tx.expect::<Account>(&account);
    }
    tx.loaded()?;
    let (subject, at) = (order.id.0, ctx.now);
    if order.fee > 0 {
        let (id, kind) = (TransferId(ctx.ids.id(2)), TransferKind::FeeReturn);
        let draft = Draft { id, debit: fees, credit: merchant, amount: order.fee, kind, subject, at };
        ledger::transfer(tx, draft)?;
    }
    // What is aside of a shared order is all there, where the sale was.
    if !order.terms.sharing {
        crossing::gather(merchant, Wanted::Whole(amount.minor), ctx, tx)?;
    }
    let (id, kind) = (TransferId(ctx.ids.id(1)), TransferKind::Reversal);
    let draft = Draft { id, debit: merchant, credit: balance, amount: amount.minor, kind, subject, at };
    ledger::transfer(tx, draft).map_err(|stop| match stop {
        Stop::Rejected(Rejection::Ledger(ledger::Refused::NotEnough { .. })) => Rejection::NotEnough.into(),
        other => other,
    })?;
    Ok(())
}
