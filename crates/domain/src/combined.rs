//! Combined orders (合单, wire §3.9): orders of several merchants that one payer pays with one confirmation.
//!
//! ```text
//! create ─▶ every order Open ─pay──▶ every order Paid ─▶ each is refunded by itself
//!                │    └──close─────▶ every order Closed
//!                └─deadline────────▶ every order Expired ──close──▶ Closed
//! ```
//!
//! What a combined order adds to its orders is one immutable record, which says what was asked and which orders it is
//! made of. Where it stands is where its orders stand: they are placed, paid, closed and expire in one command, and
//! none of them alone. An order keeps its own merchant, number, fee, settlement and refunds, so nothing behind a payment
//! needs to know that it was one of several.
//!
//! **Several shards.** The orders of a combined order are always in one shard: at first where the combined number is
//! taken, then where its payer is ([`Command::MoveCombined`](crate::Command::MoveCombined)). The record itself never
//! changes, so every shard may remember it. A number of an order is taken where such numbers are taken, which may be
//! elsewhere: when nothing else stands against the combined order, the shards of its numbers are asked to claim them
//! ([`Command::ClaimParts`](crate::Command::ClaimParts)), and then it is made in one command. A claim that is left over,
//! because a node died in between or another number was taken meanwhile, is an order without a whole: the same request
//! takes it up, it ends after five minutes, and its merchant can close it.

mod create;
mod end;
mod pay;

pub(crate) use create::{claim, create};
pub(crate) use end::{close, expire};
pub(crate) use pay::{declined, hand_over, pay, receive};

use crate::{
    Context, Key, Rejection, Stop, Tx,
    merchant::Product,
    order::{ByPartner, Order, Terms},
    partner::Principal,
    payment::Entry,
    records::Digest,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use types::{AppId, CardId, CombinedId, MerchantId, Money, OrderId, PayerId};

/// A combined order. It never changes; where it stands, its orders say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Combined {
    /// Its id; `combine_transaction_id` on the wire once paid.
    pub id: CombinedId,
    /// Who asked for it, `combine_mchid`: told of the payment, once.
    pub merchant: MerchantId,
    /// The application it was placed with, `combine_appid`.
    pub app: AppId,
    /// Its number, `combine_out_trade_no`, 6 to 32 characters, unique per merchant among combined orders.
    pub number: Box<str>,
    /// How it is to be paid; that of all its orders.
    pub product: Product,
    /// What its orders add up to.
    pub total: Money,
    /// Its orders, as asked for.
    pub orders: Vec<OrderId>,
    /// Where the notification goes; empty for none.
    pub notify_url: Box<str>,
    /// The only payer who may pay it (JSAPI).
    pub payer: Option<PayerId>,
    /// The terminal, where one is named.
    pub device: Box<str>,
    /// Other wire parameters, canonical JSON, kept for the record.
    pub extra: Box<str>,
    /// Hash over all parameters: the same number with another digest is another combined order.
    pub digest: [u8; 16],
}

/// Which combined order a merchant's own number belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CombinedNumber {
    /// Whose.
    pub merchant: MerchantId,
    /// The merchant's number.
    pub number: Box<str>,
    /// The combined order.
    pub combined: CombinedId,
}

/// What a merchant asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CombinedTerms {
    /// Who asks, `combine_mchid`.
    pub merchant: MerchantId,
    /// The application, `combine_appid`.
    pub app: AppId,
    /// The merchant's own number for it.
    pub number: Box<str>,
    /// How it is to be paid; never by payment code.
    pub product: Product,
    /// Where the notification goes; empty for none.
    pub notify_url: Box<str>,
    /// The only payer who may pay it (JSAPI).
    pub payer: Option<PayerId>,
    /// The terminal, where one is named.
    pub device: Box<str>,
    /// Other wire parameters, canonical JSON, kept for the record.
    pub extra: Box<str>,
    /// Hash over all parameters.
    pub digest: [u8; 16],
    /// Its orders, 2 to [`PARTS_MAX`].
    pub parts: Vec<Part>,
}

impl CombinedTerms {
    /// The terms of one of its orders. Nobody is notified of it alone.
    #[must_use]
    pub fn terms(&self, part: &Part) -> Arc<Terms> {
        Arc::new(Terms {
            merchant: part.merchant,
            partner: part.partner,
            app: self.app,
            number: part.number.clone(),
            product: self.product,
            amount: part.amount,
            description: part.description.clone(),
            attach: part.attach.clone(),
            notify_url: "".into(),
            payer: self.payer,
            sharing: part.sharing,
            device: self.device.clone(),
            extra: part.extra.clone(),
            digest: part.digest,
        })
    }
}

/// One order of a combined order, as asked for. What it lacks beside [`crate::order::Terms`] is said once for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Who gets the money: `sub_mchid` where one is named, else `mchid`.
    pub merchant: MerchantId,
    /// The partner in whose name the number is, `mchid`, when `sub_mchid` is another merchant.
    pub partner: Option<ByPartner>,
    /// The number of the order, 6 to 32 characters, one among all orders of its signer.
    pub number: Box<str>,
    /// How much.
    pub amount: Money,
    /// Shown in the payer's bill.
    pub description: Box<str>,
    /// Echoed once paid.
    pub attach: Box<str>,
    /// Whether its takings are kept to be shared (wire §7).
    pub sharing: bool,
    /// Other wire parameters of this order, canonical JSON.
    pub extra: Box<str>,
    /// Hash over the parameters of this order together with whose combined order of which number it is for. A claim of
    /// its number is taken up by what has the same.
    pub digest: [u8; 16],
}

impl Part {
    /// Whose money, at whose request.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal { merchant: self.merchant, partner: self.partner.map(|partner| partner.id) }
    }
    /// In whose name its number is: `mchid` on the wire.
    #[must_use]
    pub fn signer(&self) -> MerchantId {
        self.principal().signer()
    }
    fn key(&self) -> (MerchantId, Box<str>) {
        (self.signer(), self.number.clone())
    }
}

/// Orders of a combined order at least.
pub const PARTS_MIN: usize = 2;
/// Orders of a combined order at most. Who offers the interface may offer fewer ([`PARTS_USUAL`]).
pub const PARTS_MAX: usize = 50;
/// Orders of a combined order at most unless configured otherwise (wire §3.9: 2 to 10).
pub const PARTS_USUAL: usize = 10;
/// Merchants at most that one merchant lets combine its orders.
pub const COMBINERS_MAX: usize = 50;

/// What an order says of its whole while it is only a number claimed for one that is not made yet.
pub const UNMADE: CombinedId = CombinedId(0);

/// What a payer confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CombinedConfirmation {
    /// The combined order.
    pub combined: CombinedId,
    /// Who pays.
    pub payer: PayerId,
    /// The door used.
    pub entry: Entry,
    /// The total that was shown.
    pub shown: Money,
    /// The card, or the balance when none.
    pub card: Option<CardId>,
    /// Keyed hash of the PIN given.
    pub pin: Digest,
}

impl Order {
    /// The combined order it is one of; none also while its number is only claimed for one.
    #[must_use]
    pub fn whole(&self) -> Option<CombinedId> {
        self.combined.filter(|id| *id != UNMADE)
    }
    /// Whether it is only a number claimed for a combined order that is not made yet.
    pub(crate) fn is_claim(&self) -> bool {
        self.combined == Some(UNMADE)
    }
}

/// A combined order that must be there. Errors: `OrderNotFound`.
pub(crate) fn known(id: CombinedId, tx: &mut Tx<'_>) -> Result<Combined, Stop> {
    Ok(tx.need::<Combined>(&id, Rejection::OrderNotFound)?.clone())
}

/// The orders of a combined order, all of this shard. Errors: `Elsewhere` when they are in another.
pub(crate) fn orders(whole: &Combined, ctx: &Context, tx: &mut Tx<'_>) -> Result<Vec<Order>, Stop> {
    for id in &whole.orders {
        tx.expect::<Order>(id);
    }
    tx.loaded()?;
    let mut found = Vec::with_capacity(whole.orders.len());
    for id in &whole.orders {
        found.push(tx.need::<Order>(id, Rejection::OrderNotFound)?.clone());
    }
    let away = |order: &&Order| order.shard != ctx.place.shard;
    if let Some(other) = found.iter().find(away).map(|order| order.shard) {
        // They moved together, but what is remembered of some may be older than of others.
        found.iter().filter(away).for_each(|order| tx.elsewhere(Key::Order(order.id)));
        return Err(Rejection::Elsewhere(other).into());
    }
    Ok(found)
}

/// Checks that all of a combined order can be paid now. Errors: one per state, `OrderBusy`, `OrderExpired`.
fn check_payable(orders: &[Order], ctx: &Context) -> Result<(), Rejection> {
    orders.iter().try_for_each(|order| order.check_payable(ctx.now))
}
