//! A combined order ends unpaid: closed by who asked for it, or by its deadline. All of it, or nothing.

use super::{CombinedNumber, known, orders};
use crate::{
    Context, Rejection, Stop, Tx,
    journal::Subject,
    order::{Order, OrderState},
};
use std::collections::HashSet;
use types::{AppId, CombinedId, MerchantId};

/// Closes an unpaid combined order; closing again is the same. Every order is to be named, by signer and number
/// (wire §3.9), so that nobody closes what they do not know of.
///
/// Errors: `OrderNotFound`, `WrongApp`, `PartsDiffer`, `OrderPaid`, `OrderBusy` while a payment's outcome is unknown,
/// `Elsewhere`.
pub(crate) fn close(
    merchant: MerchantId,
    app: AppId,
    number: &str,
    parts: &[(MerchantId, Box<str>)],
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let Some(taken) = tx.get::<CombinedNumber>(&(merchant, number.into()))? else {
        let taken_in = ctx.place.shards.of_number(merchant, number);
        let here = taken_in == ctx.place.shard;
        return Err(if here { Rejection::OrderNotFound } else { Rejection::Elsewhere(taken_in) }.into());
    };
    let whole = known(taken.combined, tx)?;
    tx.about(Subject::Combined(whole.id), None);
    let orders = orders(&whole, ctx, tx)?;
    tx.about(Subject::Combined(whole.id), orders.first().map(|order| order.journal));
    if whole.app != app {
        return Err(Rejection::WrongApp.into());
    }
    let named: HashSet<(MerchantId, &str)> = parts.iter().map(|(of, number)| (*of, &**number)).collect();
    let all = orders.iter().all(|order| named.contains(&(order.terms.signer(), &*order.terms.number)));
    if !all || named.len() != orders.len() {
        return Err(Rejection::PartsDiffer.into());
    }
    for order in &orders {
        match order.state {
            OrderState::Paid => return Err(Rejection::OrderPaid.into()),
            _ if order.payment.is_some() => return Err(Rejection::OrderBusy.into()),
            _ => {}
        }
    }
    end(orders, OrderState::Closed, ctx, tx);
    Ok(())
}

/// Ends the payable time of a combined order whose deadline has passed; does nothing to any other.
pub(crate) fn expire(id: CombinedId, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let whole = known(id, tx)?;
    tx.about(Subject::Combined(id), None);
    let orders = orders(&whole, ctx, tx)?;
    tx.about(Subject::Combined(id), orders.first().map(|order| order.journal));
    let over = |order: &Order| {
        order.state == OrderState::Open && order.payment.is_none() && ctx.now >= order.expires_at
    };
    if orders.iter().all(over) {
        end(orders, OrderState::Expired, ctx, tx);
    }
    Ok(())
}

/// Puts every order into `state` that is not there.
fn end(orders: Vec<Order>, state: OrderState, ctx: &Context, tx: &mut Tx<'_>) {
    for order in orders.into_iter().filter(|order| order.state != state) {
        tx.put(Order { state, journal: ctx.journal, ..order });
    }
}
