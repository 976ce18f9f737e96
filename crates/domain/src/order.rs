//! Orders: a merchant's demand for one payment, and its state machine.
//!
//! ```text
//!           ┌──────────────▶ Expired ──close──▶ Closed
//! create ─▶ Open ──pay────▶ Paid ──reverse (codes only)──▶ Revoked
//!            │ └──close───▶ Closed
//! codepay ─▶ Paying ──PIN─▶ Paid
//!            └─ refused, too late ─▶ Failed;  reversed ─▶ Revoked
//! ```

use crate::{
    Context, Key, Rejection, Stop, Tx, combined,
    journal::Subject,
    limit::BillEntry,
    merchant::{Merchant, Product},
    partner::{self, Permission, Principal},
    payer::Payer,
    refund::Refunded,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use types::{
    AppId, CardId, CombinedId, Currency, JournalId, MerchantId, Money, OrderId, PayerId, PaymentId, Shard,
    Time, TransferId, time,
};

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id; `transaction_id` on the wire once paid.
    pub id: OrderId,
    /// The shard that decides about it: where its number is taken, until it moves to that of a payer.
    pub shard: Shard,
    /// What the merchant asked for; never changes.
    pub terms: Arc<Terms>,
    /// Where it stands.
    pub state: OrderState,
    /// Until when it can be paid (wire §3.5: a payment deadline, not a close).
    pub expires_at: Time,
    /// Who paid, or must confirm a payment code.
    pub payer: Option<PayerId>,
    /// The card it was paid with; the balance when none.
    pub card: Option<CardId>,
    /// When it was paid.
    pub paid_at: Option<Time>,
    /// The fee taken, minor units.
    pub fee: i64,
    /// The channel payment under way, or the one that succeeded. While the order is not paid, it locks it.
    pub payment: Option<PaymentId>,
    /// The transfer that paid it; the fee's transfer is the next id.
    pub transfer: Option<TransferId>,
    /// The transfer that gave the money back; the fee's return is the next id.
    pub reversal: Option<TransferId>,
    /// The combined order it is one of, see [`crate::combined`].
    pub combined: Option<CombinedId>,
    /// What its refunds have come to.
    pub refunded: Refunded,
    /// The entry before this one in the payer's bill: an order or a top-up.
    pub bill_previous: Option<BillEntry>,
    /// Newest journal line.
    pub journal: JournalId,
}

/// What the merchant asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Whose order: who gets the money.
    pub merchant: MerchantId,
    /// The partner that placed it for the merchant; none for the merchant's own order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<ByPartner>,
    /// The application it was placed with, of whoever signed: `appid` or `sp_appid`.
    pub app: AppId,
    /// The signer's own number, 6 to 32 characters, unique per signer.
    pub number: Box<str>,
    /// How it is to be paid.
    pub product: Product,
    /// How much.
    pub amount: Money,
    /// Shown in the payer's bill.
    pub description: Box<str>,
    /// Echoed to the merchant once paid.
    pub attach: Box<str>,
    /// Where the notification goes; empty for none.
    pub notify_url: Box<str>,
    /// The only payer who may pay it (JSAPI).
    pub payer: Option<PayerId>,
    /// Whether its money stays aside to be shared (wire §7).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sharing: bool,
    /// The terminal, where one is named.
    pub device: Box<str>,
    /// Other wire parameters, canonical JSON, kept for the record.
    pub extra: Box<str>,
    /// Hash over all parameters: the same number with another digest is another order.
    pub digest: [u8; 16],
}

/// What an order has beside when a partner placed it (wire §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByPartner {
    /// The partner, `sp_mchid`.
    pub id: MerchantId,
    /// The sub-merchant's own application, where one was named: `sub_appid`.
    pub sub_app: Option<AppId>,
}

impl Terms {
    /// Whose order it is, and which partner placed it.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal { merchant: self.merchant, partner: self.partner.map(|partner| partner.id) }
    }
    /// Who signed it: in whose name its number is, and who is notified.
    #[must_use]
    pub fn signer(&self) -> MerchantId {
        self.principal().signer()
    }
}

/// Where an order stands. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum OrderState {
    /// Can be paid.
    Open = 0,
    /// A payment code was shown and the payer must confirm with the PIN.
    Paying = 1,
    /// Paid; final but for refunds and reversal.
    Paid = 2,
    /// Closed by the merchant; final.
    Closed = 3,
    /// A payment-code order was reversed; final.
    Revoked = 4,
    /// A payment-code order failed; final but for reversal and close.
    Failed = 5,
    /// The deadline passed unpaid. Still NOTPAY on the wire.
    Expired = 6,
}

impl OrderState {
    /// Every state, in stored order.
    pub const ALL: [Self; 7] =
        [Self::Open, Self::Paying, Self::Paid, Self::Closed, Self::Revoked, Self::Failed, Self::Expired];
    /// The state stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as i64 == number)
    }
    /// The word used in pages, files and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paying => "paying",
            Self::Paid => "paid",
            Self::Closed => "closed",
            Self::Revoked => "revoked",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }
}

/// Which order a signer's own number belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderNumber {
    /// In whose name: [`Terms::signer`].
    pub merchant: MerchantId,
    /// The signer's number.
    pub number: Box<str>,
    /// The order.
    pub order: OrderId,
}

/// How long an order can be paid when the merchant says nothing.
pub const LIFE: i64 = 7 * time::DAY;
const LIFE_LEAST: i64 = time::MINUTE;
const LIFE_MOST: i64 = 90 * time::DAY;
/// The largest order, in minor units: ten billion yuan. It keeps sums of orders far away from 64 bits, so that
/// money a channel has confirmed can always be booked.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000;

impl Order {
    /// Checks that the order can be paid now. Errors: one per state, `OrderBusy`, `OrderExpired`.
    pub(crate) fn check_payable(&self, now: Time) -> Result<(), Rejection> {
        match self.state {
            OrderState::Open | OrderState::Paying if self.payment.is_some() => Err(Rejection::OrderBusy),
            OrderState::Open | OrderState::Paying | OrderState::Expired => {
                let late = self.state == OrderState::Expired || now >= self.expires_at;
                if late { Err(Rejection::OrderExpired(self.expires_at)) } else { Ok(()) }
            }
            OrderState::Paid => Err(Rejection::OrderPaid),
            OrderState::Closed => Err(Rejection::OrderClosed),
            OrderState::Revoked => Err(Rejection::OrderRevoked),
            OrderState::Failed => Err(Rejection::OrderFailed),
        }
    }
}

/// An order of this shard. Errors: `Elsewhere` for one of another, `OrderNotFound`.
pub(crate) fn here(id: OrderId, ctx: &Context, tx: &mut Tx<'_>) -> Result<Order, Stop> {
    let shard = match tx.get::<Order>(&id)? {
        Some(order) if order.shard == ctx.place.shard => return Ok(order.clone()),
        Some(order) => order.shard,
        // Only the shard that would have made it can say that there is none.
        None => Shard::of_id(id.0),
    };
    if shard == ctx.place.shard || !ctx.place.shards.contains(shard) {
        return Err(Rejection::OrderNotFound.into());
    }
    tx.elsewhere(Key::Order(id));
    Err(Rejection::Elsewhere(shard).into())
}

/// The order under a merchant's own number, of this shard, or the shard where such a number is taken while it is free.
/// Errors: `Elsewhere` for an order of another shard.
fn numbered(
    key: &(MerchantId, Box<str>),
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<Result<Order, Shard>, Stop> {
    if let Some(known) = tx.get::<OrderNumber>(key)? {
        let id = known.order;
        let order = here(id, ctx, tx)?;
        tx.about(Subject::Order(id), Some(order.journal));
        return Ok(Ok(order));
    }
    Ok(Err(ctx.place.shards.of_number(key.0, &key.1)))
}

/// The order under a signer's own number. One of another merchant than the principal's is not found.
/// Errors: as [`partner::authorise`], `OrderNotFound`, `Elsewhere`.
pub(crate) fn by_number(by: Principal, number: &str, ctx: &Context, tx: &mut Tx<'_>) -> Result<Order, Stop> {
    partner::authorise(by, Permission::Pay, ctx, tx)?;
    let key = (by.signer(), Box::from(number));
    let order = numbered(&key, ctx, tx)?.map_err(|taken_in| {
        let here = taken_in == ctx.place.shard;
        Stop::from(if here { Rejection::OrderNotFound } else { Rejection::Elsewhere(taken_in) })
    })?;
    if order.terms.principal() == by { Ok(order) } else { Err(Rejection::OrderNotFound.into()) }
}

/// Hands an order that can be paid to another shard, for a payer of that shard; nothing else changes, and again is
/// the same. Errors: `OrderNotFound`, `Elsewhere`, the order's state, `EntryMismatch` while it waits for a payer's PIN,
/// `OrderCombined` for one that moves with others only,
/// `WrongPayer` when only a payer of another shard may pay it, `NotAllowed` for a shard that does not exist.
pub(crate) fn hand_over(id: OrderId, to: Shard, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    if !ctx.place.shards.contains(to) {
        return Err(Rejection::NotAllowed.into());
    }
    if tx.get::<Order>(&id)?.is_some_and(|order| order.shard == to) {
        tx.about(Subject::Order(id), None);
        return Ok(());
    }
    let order = here(id, ctx, tx)?;
    tx.about(Subject::Order(id), Some(order.journal));
    if order.state == OrderState::Paying {
        return Err(Rejection::EntryMismatch.into());
    }
    if order.combined.is_some() {
        return Err(Rejection::OrderCombined.into());
    }
    order.check_payable(ctx.now)?;
    if order.terms.payer.is_some_and(|bound| ctx.place.shards.of_payer(bound) != to) {
        return Err(Rejection::WrongPayer.into());
    }
    tx.note(format!("to shard {to}"));
    tx.put(Order { shard: to, journal: ctx.journal, ..order });
    Ok(())
}

/// What a new number met.
pub(crate) enum Placed {
    /// Nothing: the order is new and not kept yet. Its number is to be taken in that shard.
    New(Order, Shard),
    /// The same order, placed before.
    Again(Order),
}

/// Checks terms against the merchant and earlier orders of the same number. The caller keeps a new order.
/// Errors: the merchant's and the partner's, `OrderNumberUsed`, `AmountOutOfRange`, `CurrencyUnsupported`,
/// `OpenidMismatch`, `Elsewhere`.
pub(crate) fn place(
    terms: &Arc<Terms>,
    expires_at: Option<Time>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<Placed, Stop> {
    let key = (terms.signer(), terms.number.clone());
    tx.expect::<OrderNumber>(&key);
    if let Some(payer) = &terms.payer {
        tx.expect::<Payer>(payer);
    }
    check_parties(terms, ctx, tx)?;
    if terms.amount.currency != Currency::CNY {
        return Err(Rejection::CurrencyUnsupported.into());
    }
    if !(1..=AMOUNT_MAX).contains(&terms.amount.minor) {
        return Err(Rejection::AmountOutOfRange.into());
    }
    let taken_in = match numbered(&key, ctx, tx)? {
        Ok(order) if order.terms.digest == terms.digest && order.combined.is_none() => {
            return Ok(Placed::Again(order));
        }
        Ok(_) => return Err(Rejection::OrderNumberUsed.into()),
        Err(taken_in) => taken_in,
    };
    if let Some(payer) = terms.payer {
        tx.need::<Payer>(&payer, Rejection::OpenidMismatch)?;
    }
    let id = OrderId(ctx.ids.id(0));
    tx.about(Subject::Order(id), None);
    let order = new(id, Arc::clone(terms), deadline(expires_at, ctx), ctx);
    Ok(Placed::New(order, taken_in))
}

/// Until when an order can be paid, of what was asked for (wire §3.5).
pub(crate) fn deadline(asked: Option<Time>, ctx: &Context) -> Time {
    asked.unwrap_or(ctx.now.plus(LIFE)).clamp(ctx.now.plus(LIFE_LEAST), ctx.now.plus(LIFE_MOST))
}

/// An order that nobody has paid.
pub(crate) fn new(id: OrderId, terms: Arc<Terms>, expires_at: Time, ctx: &Context) -> Order {
    Order {
        id,
        // An order that one payer alone may pay need not move: it begins where that payer is.
        shard: terms.payer.map_or(ctx.place.shard, |payer| ctx.place.shards.of_payer(payer)),
        terms,
        state: OrderState::Open,
        expires_at,
        payer: None,
        card: None,
        paid_at: None,
        fee: 0,
        payment: None,
        transfer: None,
        reversal: None,
        combined: None,
        refunded: Refunded::default(),
        bill_previous: None,
        journal: ctx.journal,
    }
}

/// Checks that the merchant sells, and whoever signed may place an order with these applications: an ordinary merchant
/// with its own, a partner with its own and the sub-merchant's.
/// Errors: `MerchantNotFound`, `MerchantSuspended`, `SharingOff`, `AppNotBound`, `ProductOff`, as
/// [`partner::authorise`].
fn check_parties(terms: &Terms, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    partner::authorise(terms.principal(), Permission::Pay, ctx, tx)?;
    let id = terms.merchant;
    let merchant = tx.need::<Merchant>(&id, Rejection::MerchantNotFound(id))?;
    if terms.sharing && merchant.sharing.max_ratio.is_none() {
        return Err(Rejection::SharingOff(id).into());
    }
    let Some(partner) = terms.partner else { return Ok(merchant.may(terms.product, terms.app)?) };
    merchant.sells_by(terms.product)?;
    if let Some(app) = partner.sub_app {
        merchant.has_app(app)?;
    }
    let signer = tx.need::<Merchant>(&partner.id, Rejection::MerchantNotFound(partner.id))?;
    Ok(signer.has_app(terms.app)?)
}

/// Takes a new order's number. Errors: `Elsewhere` when it is to be taken in another shard.
pub(crate) fn number(order: &Order, taken_in: Shard, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    if taken_in != ctx.place.shard {
        return Err(Rejection::Elsewhere(taken_in).into());
    }
    let (merchant, number) = (order.terms.signer(), order.terms.number.clone());
    tx.put(OrderNumber { merchant, number, order: order.id });
    Ok(())
}

/// Keeps a new order and its number. Errors: as [`number`].
pub(crate) fn keep_new(order: Order, taken_in: Shard, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    number(&order, taken_in, ctx, tx)?;
    tx.put(order);
    Ok(())
}

/// Places an order to be paid later. The same number with the same content gives the same order while it can
/// be paid. Errors: as [`place`]; `EntryMismatch` for a payment-code order, which needs a code; `OrderPaid`,
/// `OrderClosed`, `OrderExpired` for an earlier order that ended.
pub(crate) fn create(
    terms: &Arc<Terms>,
    expires_at: Option<Time>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<OrderId, Stop> {
    if terms.product == Product::Code {
        return Err(Rejection::EntryMismatch.into());
    }
    match place(terms, expires_at, ctx, tx)? {
        Placed::New(order, taken_in) => {
            let id = order.id;
            keep_new(order, taken_in, ctx, tx)?;
            Ok(id)
        }
        Placed::Again(order) => match order.check_payable(ctx.now) {
            Ok(()) | Err(Rejection::OrderBusy) => Ok(order.id),
            Err(ended) => Err(ended.into()),
        },
    }
}

/// Closes an unpaid order; closing again is the same. Errors: `OrderNotFound`, `OrderPaid`, `OrderBusy` while
/// a payment's outcome is unknown, `OrderRevoked`, `OrderCombined` for one of a combined order; as [`by_number`].
pub(crate) fn close(by: Principal, number: &str, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let mut order = by_number(by, number, ctx, tx)?;
    if order.whole().is_some() {
        return Err(Rejection::OrderCombined.into());
    }
    match order.state {
        OrderState::Closed => return Ok(()),
        OrderState::Paid => return Err(Rejection::OrderPaid.into()),
        OrderState::Revoked => return Err(Rejection::OrderRevoked.into()),
        _ if order.payment.is_some() => return Err(Rejection::OrderBusy.into()),
        _ => {}
    }
    order.state = OrderState::Closed;
    order.journal = ctx.journal;
    tx.put(order);
    Ok(())
}

/// Ends the payable time of an order whose deadline has passed; does nothing to any other.
pub(crate) fn expire(id: OrderId, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let mut order = here(id, ctx, tx)?;
    tx.about(Subject::Order(id), Some(order.journal));
    if let Some(whole) = order.whole() {
        return combined::expire(whole, ctx, tx);
    }
    let open = matches!(order.state, OrderState::Open | OrderState::Paying);
    if !open || order.payment.is_some() || ctx.now < order.expires_at {
        return Ok(());
    }
    let paying = order.state == OrderState::Paying;
    order.state = if paying { OrderState::Failed } else { OrderState::Expired };
    order.journal = ctx.journal;
    tx.put(order);
    Ok(())
}
