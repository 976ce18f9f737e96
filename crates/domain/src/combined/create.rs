//! A combined order is asked for: every rule first, then its numbers, then all of it at once.

use super::{Combined, CombinedNumber, CombinedTerms, PARTS_MAX, PARTS_MIN, Part, UNMADE, known, orders};
use crate::{
    Context, Rejection, Stop, Tx,
    journal::Subject,
    merchant::{Merchant, Product},
    order::{self, AMOUNT_MAX, Order, OrderNumber, OrderState},
    partner::Permission,
    payer::Payer,
};
use std::collections::HashSet;
use types::{CombinedId, Currency, MerchantId, Money, OrderId, Shard, Time, time};

/// How long a number is kept for a combined order that is not made.
const CLAIM_LIFE: i64 = 5 * time::MINUTE;

/// Makes a combined order and its orders, all or nothing. The same number with the same content gives the same one
/// while it can be paid.
///
/// Errors: `EntryMismatch` for a payment code, `PartsOutOfRange`, `PartTwice`, `MerchantNotFound`,
/// `MerchantSuspended`, `ProductOff`, `AppNotBound`, `SharingOff`, `MayNotCombine`, `NotSubMerchant`, `PartnerMayNot`,
/// `CurrencyUnsupported`, `AmountOutOfRange` for an order or for the total, `OpenidMismatch`; `OrderNumberUsed` for any
/// of the numbers; `OrderPaid`, `OrderClosed`, `OrderExpired` for an earlier one that ended; `Elsewhere` when its
/// numbers have to be claimed there, or it is there.
pub(crate) fn create(
    terms: &CombinedTerms,
    expires_at: Option<Time>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<CombinedId, Stop> {
    expect(terms, tx);
    tx.loaded()?;
    if let Some(stands) = standing(terms, ctx, tx)? {
        return Ok(stands);
    }
    let taken_in = ctx.place.shards.of_number(terms.merchant, &terms.number);
    if taken_in != ctx.place.shard {
        return Err(Rejection::Elsewhere(taken_in).into());
    }
    let id = CombinedId(ctx.ids.id(0));
    tx.about(Subject::Combined(id), None);
    let total = check(terms, tx)?;
    let mut claims = Vec::with_capacity(terms.parts.len());
    let mut away = None;
    for part in &terms.parts {
        let claim = claimed(part, tx)?;
        let number_in = ctx.place.shards.of_number(part.signer(), &part.number);
        if claim.is_none() && number_in != ctx.place.shard {
            away.get_or_insert(number_in);
        }
        claims.push(claim);
    }
    // Last of all: numbers are claimed in other shards only for what nothing else stands against.
    if let Some(shard) = away {
        return Err(Rejection::Elsewhere(shard).into());
    }
    let expires_at = order::deadline(expires_at, ctx);
    // An order that one payer alone may pay need not move: it begins where that payer is.
    let shard = terms.payer.map_or(ctx.place.shard, |payer| ctx.place.shards.of_payer(payer));
    let mut made = Vec::with_capacity(terms.parts.len());
    for ((part, claim), n) in terms.parts.iter().zip(claims).zip(1..) {
        let order = match claim {
            Some(claim) => {
                Order { shard, state: OrderState::Open, expires_at, journal: ctx.journal, ..claim }
            }
            None => {
                let id = OrderId(ctx.ids.block(n).id(0));
                tx.put(OrderNumber { merchant: part.signer(), number: part.number.clone(), order: id });
                Order { shard, ..order::new(id, terms.terms(part), expires_at, ctx) }
            }
        };
        made.push(order.id);
        tx.put(Order { combined: Some(id), ..order });
    }
    tx.blocks(1 + made.len());
    tx.note(format!("{total} in {} orders", made.len()));
    tx.put(CombinedNumber { merchant: terms.merchant, number: terms.number.clone(), combined: id });
    tx.put(Combined {
        id,
        merchant: terms.merchant,
        app: terms.app,
        number: terms.number.clone(),
        product: terms.product,
        total,
        orders: made,
        notify_url: terms.notify_url.clone(),
        payer: terms.payer,
        device: terms.device.clone(),
        extra: terms.extra.clone(),
        digest: terms.digest,
    });
    Ok(id)
}

/// Takes those numbers that are taken here for a combined order that shard `to` is about to make. One that stands
/// already is the answer to the whole request. Errors: as [`create`], `NotAllowed` for another shard than where the
/// combined order's number is taken.
pub(crate) fn claim(
    terms: &CombinedTerms,
    to: Shard,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<Option<CombinedId>, Stop> {
    let shards = ctx.place.shards;
    if to != shards.of_number(terms.merchant, &terms.number) {
        return Err(Rejection::NotAllowed.into());
    }
    tx.note(format!("for shard {to}"));
    expect(terms, tx);
    tx.loaded()?;
    if let Some(stands) = standing(terms, ctx, tx)? {
        return Ok(Some(stands));
    }
    check(terms, tx)?;
    let expires_at = ctx.now.plus(CLAIM_LIFE);
    let ours = |part: &&Part| shards.of_number(part.signer(), &part.number) == ctx.place.shard;
    for (part, n) in terms.parts.iter().filter(ours).zip(0..) {
        if claimed(part, tx)?.is_some() {
            continue;
        }
        let id = OrderId(ctx.ids.block(n).id(0));
        tx.blocks(usize::try_from(n).unwrap_or(0) + 1);
        tx.put(OrderNumber { merchant: part.signer(), number: part.number.clone(), order: id });
        let new = order::new(id, terms.terms(part), expires_at, ctx);
        tx.put(Order { shard: to, combined: Some(UNMADE), ..new });
    }
    Ok(None)
}

/// Names what both commands read, so that one load brings it.
fn expect(terms: &CombinedTerms, tx: &mut Tx<'_>) {
    tx.expect::<CombinedNumber>(&(terms.merchant, terms.number.clone()));
    tx.expect::<Merchant>(&terms.merchant);
    if let Some(payer) = &terms.payer {
        tx.expect::<Payer>(payer);
    }
    for part in &terms.parts {
        tx.expect::<OrderNumber>(&part.key());
        tx.expect::<Merchant>(&part.merchant);
        if let Some(partner) = &part.partner {
            tx.expect::<Merchant>(&partner.id);
        }
    }
}

/// The combined order that stands under this number already. Errors: `OrderNumberUsed` when it is another one, its
/// state when it ended, `Elsewhere`.
fn standing(terms: &CombinedTerms, ctx: &Context, tx: &mut Tx<'_>) -> Result<Option<CombinedId>, Stop> {
    let Some(number) = tx.get::<CombinedNumber>(&(terms.merchant, terms.number.clone()))? else {
        return Ok(None);
    };
    let whole = known(number.combined, tx)?;
    tx.about(Subject::Combined(whole.id), None);
    if whole.digest != terms.digest {
        return Err(Rejection::OrderNumberUsed.into());
    }
    let orders = orders(&whole, ctx, tx)?;
    tx.about(Subject::Combined(whole.id), orders.first().map(|order| order.journal));
    match super::check_payable(&orders, ctx) {
        Ok(()) | Err(Rejection::OrderBusy) => Ok(Some(whole.id)),
        Err(ended) => Err(ended.into()),
    }
}

/// What a number is taken for: nothing yet, or a claim for just this part. Errors: `OrderNumberUsed`.
fn claimed(part: &Part, tx: &mut Tx<'_>) -> Result<Option<Order>, Stop> {
    let Some(taken) = tx.get::<OrderNumber>(&part.key())? else { return Ok(None) };
    let id = taken.order;
    let order = tx.need::<Order>(&id, Rejection::OrderNumberUsed)?;
    let same = order.is_claim() && order.terms.digest == part.digest;
    let open = matches!(order.state, OrderState::Open | OrderState::Expired);
    if same && open { Ok(Some(order.clone())) } else { Err(Rejection::OrderNumberUsed.into()) }
}

/// Goes through every rule but those about numbers, and gives the total.
fn check(terms: &CombinedTerms, tx: &mut Tx<'_>) -> Result<Money, Stop> {
    if terms.product == Product::Code {
        return Err(Rejection::EntryMismatch.into());
    }
    if !(PARTS_MIN..=PARTS_MAX).contains(&terms.parts.len()) {
        return Err(Rejection::PartsOutOfRange.into());
    }
    let mut seen = HashSet::with_capacity(terms.parts.len());
    if !terms.parts.iter().all(|part| seen.insert((part.signer(), &*part.number))) {
        return Err(Rejection::PartTwice.into());
    }
    let missing = Rejection::MerchantNotFound(terms.merchant);
    tx.need::<Merchant>(&terms.merchant, missing)?.may(terms.product, terms.app)?;
    let mut total: i64 = 0;
    for part in &terms.parts {
        check_merchant(terms, part, tx)?;
        if part.amount.currency != Currency::CNY {
            return Err(Rejection::CurrencyUnsupported.into());
        }
        if !(1..=AMOUNT_MAX).contains(&part.amount.minor) {
            return Err(Rejection::AmountOutOfRange.into());
        }
        total += part.amount.minor; // 50 times the largest order is far from 64 bits
    }
    if total > AMOUNT_MAX {
        return Err(Rejection::AmountOutOfRange.into());
    }
    if let Some(payer) = terms.payer {
        tx.need::<Payer>(&payer, Rejection::OpenidMismatch)?;
    }
    Ok(Money::cny(total))
}

/// Checks that the order's merchant sells, and lets this merchant combine its orders.
fn check_merchant(terms: &CombinedTerms, part: &Part, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let get =
        |id: MerchantId, tx: &mut Tx<'_>| tx.need::<Merchant>(&id, Rejection::MerchantNotFound(id)).cloned();
    let merchant = get(part.merchant, tx)?;
    merchant.sells_by(terms.product)?;
    if part.sharing && merchant.sharing.max_ratio.is_none() {
        return Err(Rejection::SharingOff(merchant.id).into());
    }
    let signer = match part.partner {
        None => merchant,
        Some(partner) => {
            merchant.partner_may(partner.id, Permission::Pay)?;
            if let Some(app) = partner.sub_app {
                merchant.has_app(app)?;
            }
            let signer = get(partner.id, tx)?;
            if !signer.active {
                return Err(Rejection::MerchantSuspended(signer.id).into());
            }
            signer
        }
    };
    if signer.id == terms.merchant || signer.combined_by.contains(&terms.merchant) {
        return Ok(());
    }
    Err(Rejection::MayNotCombine { merchant: signer.id, by: terms.merchant }.into())
}
