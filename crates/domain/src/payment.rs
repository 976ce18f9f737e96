//! Payments: how an order becomes paid, from the balance at once or from a card through a channel.
//!
//! From the balance, one command holds, posts and takes the fee. From a card, the command leaves an
//! authorisation to be asked of the channel, and the order is locked until the channel's final answer: an
//! unknown outcome is a state of its own that time never ends (Kill Bill 1015, Hyperswitch 2380).

use crate::{
    Context, Rejection, Stop, Tx,
    card::Card,
    codepay, combined,
    context::Event,
    fee,
    journal::Subject,
    limit::{self, Barcode, BillEntry, LimitTable, Limits, Source, Usage, Verification},
    merchant::{Merchant, Product},
    notification::{self, About},
    order::{self, Order, OrderState},
    partner::Permission,
    payer::{self, Payer, PinOutcome},
    records::Digest,
    sharing,
};
use ledger::{Account, AccountId, Draft, Refused, TransferKind};
use serde::{Deserialize, Serialize};
use types::{CardId, Currency, JournalId, Money, OrderId, PayerId, PaymentId, Time, TransferId, time};

/// A card payment or a top-up: what was asked of the channel and what it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Its id; also the reference the channel knows it by.
    pub id: PaymentId,
    /// The order it pays; a top-up when none.
    pub order: Option<OrderId>,
    /// Who pays.
    pub payer: PayerId,
    /// From which card.
    pub card: CardId,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub state: PaymentState,
    /// When it was started.
    pub created_at: Time,
    /// When the channel must be asked (again); none once the outcome is final.
    pub ask_at: Option<Time>,
    /// Times the channel was asked.
    pub asked: u32,
    /// The channel's code: its reference when authorised, its reason when declined.
    pub channel_code: Box<str>,
    /// The entry before this one in the payer's bill, once a top-up is received.
    pub bill_previous: Option<BillEntry>,
    /// Newest journal line.
    pub journal: JournalId,
}

/// Where a channel payment stands. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum PaymentState {
    /// Asked of the channel, or about to be.
    Authorising = 0,
    /// The channel did not say; only its answer ends this.
    Unknown = 1,
    /// Authorised and confirmed; the money moved.
    Succeeded = 2,
    /// Declined; nothing moved.
    Declined = 3,
}

impl PaymentState {
    /// The state stored as `number`.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Authorising),
            1 => Some(Self::Unknown),
            2 => Some(Self::Succeeded),
            3 => Some(Self::Declined),
            _ => None,
        }
    }
    /// The word used in pages, files and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorising => "authorising",
            Self::Unknown => "unknown",
            Self::Succeeded => "succeeded",
            Self::Declined => "declined",
        }
    }
}

/// What a channel says of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelAnswer {
    /// Authorised and confirmed, under this reference.
    Succeeded(Box<str>),
    /// Declined for this reason.
    Declined(Box<str>),
    /// Not known yet: no answer in time, or the channel itself waits.
    Unknown,
}

/// By which door the payer came, and when that door was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The product whose code, id or link was used.
    pub product: Product,
    /// When it was issued.
    pub issued_at: Time,
}

impl Entry {
    /// Seconds a door stays open (wire §3.2): `prepay_id` and `code_url` 2 hours, `h5_url` 5 minutes.
    #[must_use]
    pub const fn life_s(product: Product) -> i64 {
        match product {
            Product::H5 => 5 * 60,
            Product::Jsapi | Product::App | Product::Native | Product::Code => 2 * 3600,
        }
    }
}

/// What a payer confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The order.
    pub order: OrderId,
    /// Who pays.
    pub payer: PayerId,
    /// The door used.
    pub entry: Entry,
    /// The amount that was shown.
    pub shown: Money,
    /// The card, or the balance when none.
    pub card: Option<CardId>,
    /// Keyed hash of the PIN given.
    pub pin: Digest,
}

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paid {
    /// Paid, at that time.
    Done(Time),
    /// The channel was asked; the outcome comes later.
    Waiting(PaymentId),
    /// The PIN was not right; nothing was paid.
    Pin(PinOutcome),
}

/// Pays an order the payer has confirmed with the PIN.
///
/// Errors: the order's state, `OrderCombined` for one that is paid with others only, `EntryExpired`, `EntryMismatch`,
/// `WrongPayer`, `WrongAmount`, the payer's and PIN's, `CardNotFound`, `MerchantSuspended`, `LimitExceeded`, `NotEnough`.
pub(crate) fn pay(asked: &Confirmation, ctx: &Context, tx: &mut Tx<'_>) -> Result<Paid, Stop> {
    if !AccountId::can_own(asked.payer.0) {
        return Err(Rejection::PayerNotFound.into()); // no payer ever got such a number
    }
    let source = asked.card.map_or(asked.payer.0, |card| card.0);
    tx.expect::<Order>(&asked.order);
    tx.expect::<Payer>(&asked.payer);
    tx.expect::<Limits>(&());
    tx.expect::<Usage>(&source);
    match &asked.card {
        None => tx.expect::<Account>(&AccountId::payer_balance(asked.payer, asked.shown.currency)),
        Some(card) => tx.expect::<Card>(card),
    }
    let order = order::here(asked.order, ctx, tx)?;
    tx.about(Subject::Order(order.id), Some(order.journal));
    if order.state == OrderState::Paying || codepay::claimed(&order) {
        return Err(Rejection::EntryMismatch.into());
    }
    if order.combined.is_some() {
        return Err(Rejection::OrderCombined.into());
    }
    order.check_payable(ctx.now)?;
    check_confirmed(asked, &order, ctx.now)?;
    let mut payer = payer::active(asked.payer, tx)?;
    let table = limit::in_force(ctx, tx)?;
    tx.loaded()?;
    let outcome = payer::check_pin(&mut payer, asked.pin, &table, ctx.now)?;
    if outcome != PinOutcome::Right {
        tx.note("pin refused");
        tx.put(Order { journal: ctx.journal, ..order });
        tx.put(payer);
        return Ok(Paid::Pin(outcome));
    }
    let how = (Verification::TwoFactors, barcode_of(order.terms.product));
    let Some(card) = asked.card else {
        from_balance(order, &payer, &table, how, ctx, tx)?;
        forget_failures(payer, tx)?;
        return Ok(Paid::Done(ctx.now));
    };
    let card = tx.need::<Card>(&card, Rejection::CardNotFound)?.clone();
    if card.payer != payer.id {
        return Err(Rejection::CardNotFound.into());
    }
    trading(&order, tx)?;
    let used = tx.get::<Usage>(&card.id.0)?.copied().unwrap_or(Usage::none(card.id.0));
    tx.put(limit::count(used, &table, Source::Card, how, order.terms.amount, ctx.now)?);
    let id = ask_channel(&card, Some(order.id), order.terms.amount, ctx, tx);
    tx.put(Order { payment: Some(id), payer: Some(payer.id), journal: ctx.journal, ..order });
    forget_failures(payer, tx)?;
    Ok(Paid::Waiting(id))
}

/// The code a payer scanned to come to an order of this product: it counts against the barcode limits.
pub(crate) const fn barcode_of(product: Product) -> Barcode {
    match product {
        Product::Native => Barcode::Dynamic,
        _ => Barcode::None,
    }
}

/// Checks that the order's merchant may still trade, and that the partner that placed it still acts for it: one that
/// does not could neither ask for the order nor give it back. Errors: `MerchantSuspended`, `NotSubMerchant`.
pub(crate) fn trading(order: &Order, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let id = order.terms.merchant;
    let merchant = tx.need::<Merchant>(&id, Rejection::MerchantNotFound(id))?;
    if !merchant.active {
        return Err(Rejection::MerchantSuspended(id).into());
    }
    match order.terms.partner {
        None => Ok(()),
        Some(partner) => Ok(merchant.partner_may(partner.id, Permission::Pay)?),
    }
}

/// Keeps a payer whose wrong PINs were forgotten by a right one, if there were any.
pub(crate) fn forget_failures(payer: Payer, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let kept = tx.need::<Payer>(&payer.id, Rejection::PayerNotFound)?;
    if *kept != payer {
        tx.put(payer);
    }
    Ok(())
}

fn check_confirmed(asked: &Confirmation, order: &Order, now: Time) -> Result<(), Rejection> {
    let terms = &order.terms;
    if terms.product != asked.entry.product {
        return Err(Rejection::EntryMismatch);
    }
    let life = Entry::life_s(asked.entry.product) * time::SECOND;
    if now >= asked.entry.issued_at.plus(life) {
        return Err(Rejection::EntryExpired);
    }
    if terms.payer.is_some_and(|bound| bound != asked.payer) {
        return Err(Rejection::WrongPayer);
    }
    if terms.amount != asked.shown {
        return Err(Rejection::WrongAmount { wanted: terms.amount, confirmed: asked.shown });
    }
    Ok(())
}

/// Pays from stored value: hold, post, fee, in this command. Errors: `MerchantSuspended`, `LimitExceeded`,
/// `NotEnough`.
pub(crate) fn from_balance(
    order: Order,
    payer: &Payer,
    table: &LimitTable,
    how: (Verification, Barcode),
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let terms = &order.terms;
    let amount = terms.amount;
    let from = AccountId::payer_balance(payer.id, amount.currency);
    tx.expect::<Account>(&sharing::account_of(&order, ctx));
    tx.expect::<Account>(&AccountId::platform_fee(amount.currency).at(ctx.place.shard));
    tx.expect::<Merchant>(&terms.merchant);
    fee::expect(terms.merchant, tx);
    let used = tx.get::<Usage>(&payer.id.0)?.copied().unwrap_or(Usage::none(payer.id.0));
    tx.loaded()?;
    trading(&order, tx)?;
    tx.put(limit::count(used, table, Source::Balance(payer.class()), how, amount, ctx.now)?);
    hold_and_post(&order, from, ctx, tx)?;
    complete(order, payer.id, None, ctx, tx)
}

/// Moves an order's money from the payer's balance to its merchant. Errors: `NotEnough`.
pub(crate) fn hold_and_post(
    order: &Order,
    from: AccountId,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let terms = &order.terms;
    let hold = Draft {
        id: TransferId(ctx.ids.id(1)),
        debit: from,
        credit: sharing::account_of(order, ctx),
        amount: terms.amount.minor,
        kind: TransferKind::Payment,
        subject: order.id.0,
        at: ctx.now,
    };
    let held = ledger::hold(tx, hold).map_err(not_enough)?;
    ledger::post(tx, held.id, ctx.now)?;
    Ok(())
}

/// A payer with too little hears so in plain words; any other refusal passes as it is.
fn not_enough(stop: Stop) -> Stop {
    match stop {
        Stop::Rejected(Rejection::Ledger(Refused::NotEnough { .. })) => Rejection::NotEnough.into(),
        other => other,
    }
}

/// Takes the fee, marks the order paid, and owes whoever placed it a notification. The money has just moved.
pub(crate) fn complete(
    order: Order,
    payer: PayerId,
    card: Option<CardId>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let terms = &order.terms;
    let fee = fee::of(terms.merchant, terms.product, terms.amount, ctx.now, tx)?;
    if fee.is_positive() {
        ledger::transfer(
            tx,
            Draft {
                id: TransferId(ctx.ids.id(2)),
                debit: sharing::account_of(&order, ctx),
                credit: AccountId::platform_fee(fee.currency).at(ctx.place.shard),
                amount: fee.minor,
                kind: TransferKind::Fee,
                subject: order.id.0,
                at: ctx.now,
            },
        )?;
    }
    if terms.product != Product::Code && !terms.notify_url.is_empty() {
        notification::owe(terms.signer(), About::Paid(order.id), ctx, tx);
    }
    sharing::begin(&order, fee.minor, ctx, tx);
    let bill_previous = enter_bill(payer, order.id.0, tx)?;
    tx.put(Order {
        state: OrderState::Paid,
        payer: Some(payer),
        card,
        paid_at: Some(ctx.now),
        fee: fee.minor,
        transfer: Some(TransferId(ctx.ids.id(1))),
        bill_previous,
        journal: ctx.journal,
        ..order
    });
    Ok(())
}

/// Makes an order or top-up the newest entry of the payer's bill and gives the one before.
pub(crate) fn enter_bill(payer: PayerId, entry: i64, tx: &mut Tx<'_>) -> Result<Option<BillEntry>, Stop> {
    let mut usage = tx.get::<Usage>(&payer.0)?.copied().unwrap_or(Usage::none(payer.0));
    let previous = usage.newest.replace(BillEntry(entry));
    tx.put(usage);
    Ok(previous)
}

/// Leaves a payment to be asked of the card's channel.
pub(crate) fn ask_channel(
    card: &Card,
    order: Option<OrderId>,
    amount: Money,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> PaymentId {
    let id = PaymentId(ctx.ids.id(4));
    tx.put(Payment {
        id,
        order,
        payer: card.payer,
        card: card.id,
        amount,
        state: PaymentState::Authorising,
        created_at: ctx.now,
        ask_at: Some(ctx.now),
        asked: 0,
        channel_code: "".into(),
        bill_previous: None,
        journal: ctx.journal,
    });
    tx.tell(Event::AuthorisationDue(id));
    id
}

/// Starts a top-up of the balance from a card, verified by the PIN. Errors: `CurrencyUnsupported`,
/// `AmountOutOfRange`, `CardNotFound`, `LimitExceeded`, the payer's and PIN's.
pub(crate) fn top_up(
    card: CardId,
    payer: PayerId,
    amount: Money,
    pin: Digest,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<Paid, Stop> {
    tx.expect::<Card>(&card);
    tx.expect::<Limits>(&());
    let mut payer = payer::active(payer, tx)?;
    tx.about(Subject::Payer(payer.id), Some(payer.journal));
    let table = limit::in_force(ctx, tx)?;
    if amount.currency != Currency::CNY {
        return Err(Rejection::CurrencyUnsupported.into());
    }
    if !amount.is_positive() {
        return Err(Rejection::AmountOutOfRange.into());
    }
    if amount.minor > table.top_up {
        let left = Money::new(table.top_up, amount.currency);
        return Err(Rejection::LimitExceeded { limit: crate::rejection::Cap::TopUp, left }.into());
    }
    let card = tx.need::<Card>(&card, Rejection::CardNotFound)?.clone();
    if card.payer != payer.id {
        return Err(Rejection::CardNotFound.into());
    }
    let outcome = payer::check_pin(&mut payer, pin, &table, ctx.now)?;
    if outcome != PinOutcome::Right {
        tx.note("pin refused");
        tx.put(Payer { journal: ctx.journal, ..payer });
        return Ok(Paid::Pin(outcome));
    }
    forget_failures(payer, tx)?;
    let id = ask_channel(&card, None, amount, ctx, tx);
    tx.about(Subject::Payment(id), None);
    tx.note(amount.to_string());
    Ok(Paid::Waiting(id))
}

/// Seconds until the channel is asked again, by times asked so far; the last repeats.
pub(crate) const ASK_AGAIN_S: [i64; 6] = [2, 5, 15, 60, 300, 900];

/// Takes in what a channel says. A final answer ends the payment, the same one again changes nothing.
/// Errors: `PaymentNotFound`, `PaymentFinal` when it contradicts an earlier final answer.
pub(crate) fn answer(
    id: PaymentId,
    answer: &ChannelAnswer,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<PaymentState, Stop> {
    let mut payment = tx.need::<Payment>(&id, Rejection::PaymentNotFound)?.clone();
    tx.about(Subject::Payment(id), Some(payment.journal));
    tx.expect::<Card>(&payment.card);
    tx.expect::<Usage>(&payment.payer.0);
    if let Some(order) = &payment.order {
        tx.expect::<Order>(order);
    }
    let said = match answer {
        ChannelAnswer::Succeeded(_) => PaymentState::Succeeded,
        ChannelAnswer::Declined(_) => PaymentState::Declined,
        ChannelAnswer::Unknown => PaymentState::Unknown,
    };
    if matches!(payment.state, PaymentState::Succeeded | PaymentState::Declined) {
        let same = payment.state == said || said == PaymentState::Unknown;
        return if same { Ok(payment.state) } else { Err(Rejection::PaymentFinal.into()) };
    }
    payment.state = said;
    payment.asked = payment.asked.saturating_add(1);
    payment.journal = ctx.journal;
    if let ChannelAnswer::Succeeded(code) | ChannelAnswer::Declined(code) = answer {
        payment.ask_at = None;
        payment.channel_code = code.clone();
        tx.note(code.clone());
    } else {
        let place = usize::try_from(payment.asked - 1).unwrap_or(usize::MAX).min(ASK_AGAIN_S.len() - 1);
        payment.ask_at = Some(ctx.now.plus(ASK_AGAIN_S[place] * time::SECOND));
        tx.note("outcome unknown");
    }
    if said == PaymentState::Succeeded {
        receive(&mut payment, ctx, tx)?;
    } else if said == PaymentState::Declined
        && let Some(order) = payment.order
    {
        let order = tx.need::<Order>(&order, Rejection::OrderNotFound)?.clone();
        if barcode_of(order.terms.product) != Barcode::None {
            limit::give_back(payment.card.0, payment.created_at, payment.amount, tx)?;
        }
        match order.whole() {
            None => tx.put(Order { payment: None, payer: order.terms.payer, journal: ctx.journal, ..order }),
            Some(whole) => combined::declined(whole, ctx, tx)?,
        }
    }
    tx.put(payment);
    Ok(said)
}

/// Has the channel asked now about a payment whose outcome is not known, instead of at the next of [`ASK_AGAIN_S`].
/// Only its answer ends the payment. Again changes nothing. Errors: `PaymentNotFound`, `PaymentFinal` when it has ended.
pub(crate) fn ask_again(id: PaymentId, ctx: &Context, tx: &mut Tx<'_>) -> Result<PaymentState, Stop> {
    let payment = tx.need::<Payment>(&id, Rejection::PaymentNotFound)?.clone();
    tx.about(Subject::Payment(id), Some(payment.journal));
    if payment.ask_at.is_none() {
        return Err(Rejection::PaymentFinal.into());
    }
    let state = payment.state;
    tx.tell(Event::AuthorisationDue(id));
    tx.put(Payment { ask_at: payment.ask_at.min(Some(ctx.now)), journal: ctx.journal, ..payment });
    Ok(state)
}

/// Books the money a channel has confirmed.
fn receive(payment: &mut Payment, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    if let Some(order) = payment.order
        && let Some(whole) = tx.need::<Order>(&order, Rejection::OrderNotFound)?.whole()
    {
        return combined::receive(whole, payment, ctx, tx);
    }
    let card = tx.need::<Card>(&payment.card, Rejection::CardNotFound)?;
    let currency = payment.amount.currency;
    let from = AccountId::channel_receivable(card.channel, currency).at(ctx.place.shard);
    let (credit, kind, subject) = match payment.order {
        None => (AccountId::payer_balance(payment.payer, currency), TransferKind::TopUp, payment.id.0),
        Some(id) => {
            let order = tx.need::<Order>(&id, Rejection::OrderNotFound)?;
            (sharing::account_of(order, ctx), TransferKind::Payment, id.0)
        }
    };
    let (id, amount, at) = (TransferId(ctx.ids.id(1)), payment.amount.minor, ctx.now);
    ledger::transfer(tx, Draft { id, debit: from, credit, amount, kind, subject, at })?;
    match payment.order {
        None => {
            payment.bill_previous = enter_bill(payment.payer, payment.id.0, tx)?;
            Ok(())
        }
        Some(id) => {
            let order = tx.need::<Order>(&id, Rejection::OrderNotFound)?.clone();
            complete(order, payment.payer, Some(payment.card), ctx, tx)
        }
    }
}
