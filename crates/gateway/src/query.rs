//! Asking for an order by either number (wire §3.1, §3.4), a merchant its own, a partner one it placed.

use crate::{
    errors, partner,
    transport::{Answer, Call, Outcome},
};
use domain::{
    order::Order,
    partner::{Permission, Principal},
};
use protocol::{ApiError, Code, Location, field, order::Mode, transaction::TransactionView};
use service::{Service, wire};

/// `GET /v3/pay/transactions/id/{transaction_id}?mchid=`. Only an order that was paid has that number.
pub(crate) async fn by_transaction_id(call: Call, mode: Mode) -> Outcome {
    let by = principal(&call, mode)?;
    let id = field::path_transaction_id(call.path("transaction_id"))?.0;
    let order = call.service().queries.order(id).map_err(|fault| errors::fault(&fault))?;
    answer(&call, by, order.filter(|order| order.paid_at.is_some()))
}

/// `GET /v3/pay/transactions/out-trade-no/{out_trade_no}?mchid=`.
pub(crate) async fn by_out_trade_no(call: Call, mode: Mode) -> Outcome {
    let by = principal(&call, mode)?;
    let number = field::path_out_trade_no(call.path("out_trade_no"))?;
    let order = call.service().queries.order_by_number(by.signer(), number);
    answer(&call, by, order.map_err(|fault| errors::fault(&fault))?)
}

fn principal(call: &Call, mode: Mode) -> Result<Principal, ApiError> {
    let (query, (name, _)) = (call.query()?, mode.signer());
    call.signed_by(field::query_mchid(name, query.get(name))?, mode, Location::Query)?;
    let sub = match mode {
        Mode::Merchant => None,
        Mode::Partner => Some(field::query_mchid("sub_mchid", query.get("sub_mchid"))?),
    };
    partner::principal(call, sub, Permission::Pay)
}

/// Another merchant's order is answered as if it did not exist.
fn answer(call: &Call, by: Principal, order: Option<Order>) -> Outcome {
    let own = order.filter(|order| order.terms.principal() == by);
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
