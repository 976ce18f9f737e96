//! Asking for an order by either number (wire §3.1, §3.4).

use crate::{
    errors,
    transport::{Answer, Call, Outcome},
};
use domain::order::Order;
use protocol::{ApiError, Code, Location, field, transaction::TransactionView};
use service::{Service, wire};

/// `GET /v3/pay/transactions/id/{transaction_id}?mchid=`. Only an order that was paid has that number.
pub(crate) async fn by_transaction_id(call: Call) -> Outcome {
    check_mchid(&call)?;
    let id = field::path_transaction_id(call.path("transaction_id"))?.0;
    let order = call.service().queries.order(id).map_err(|fault| errors::fault(&fault))?;
    answer(&call, order.filter(|order| order.paid_at.is_some()))
}

/// `GET /v3/pay/transactions/out-trade-no/{out_trade_no}?mchid=`.
pub(crate) async fn by_out_trade_no(call: Call) -> Outcome {
    check_mchid(&call)?;
    let number = field::path_out_trade_no(call.path("out_trade_no"))?;
    let order = call.service().queries.order_by_number(call.mchid(), number);
    answer(&call, order.map_err(|fault| errors::fault(&fault))?)
}

fn check_mchid(call: &Call) -> Result<(), ApiError> {
    let named = field::query_mchid(call.query()?.get("mchid"))?;
    call.signed_by(named, Location::Query)
}

/// Another merchant's order is answered as if it did not exist.
fn answer(call: &Call, order: Option<Order>) -> Outcome {
    let own = order.filter(|order| order.terms.merchant == call.mchid());
    let order = own.ok_or_else(|| ApiError::new(Code::OrderNotExist))?;
    Ok(Answer::ok(transaction(call.service(), &order)?.body()))
}

/// The transaction object of an order as it is now.
pub(crate) fn transaction(service: &Service, order: &Order) -> Result<TransactionView, ApiError> {
    let card = match order.card {
        Some(card) => service.queries.card(card).map_err(|fault| errors::fault(&fault))?,
        None => None,
    };
    Ok(wire::transaction(order, card.as_ref().map(|card| &*card.bank), service.vault.tokens()))
}
