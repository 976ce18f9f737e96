//! Combined orders (合单, wire §3.9): several merchants' orders that one payer pays at once, placed, asked for and
//! closed by whoever combines them. Each of them is refunded, and can be asked for, as any other order.

use crate::{
    errors, notify_url, orders,
    transport::{Answer, Call, Outcome},
};
use domain::{
    Command, Reply,
    combined::{CombinedTerms, Part},
    order::ByPartner,
};
use protocol::{
    ApiError, Code, Location, field,
    order::{Combine, CombineClose, CombinePayer, Product, SubOrder},
};
use service::wire;
use std::sync::Arc;
use types::{CombinedId, OrderId, PayerId};

/// The member that holds who signs.
const SIGNER: (&str, &str) = ("combine_mchid", "/combine_mchid");

/// `POST /v3/combine-transactions/{jsapi,app,h5,native}`.
pub(crate) async fn prepay(call: Call, product: Product) -> Outcome {
    let service = call.service();
    let asked = Combine::read(product, service.settings.combine_most, &call.body)?;
    call.signed_as(asked.mchid, SIGNER, Location::Body)?;
    if asked.identity {
        return Err(orders::not_offered("/combine_payer_info/identity"));
    }
    if !asked.limit_pay.is_empty() {
        return Err(orders::not_offered("/limit_pay"));
    }
    for (order, at) in asked.orders.iter().zip(0..) {
        if order.subsidy_amount > 0 {
            return Err(orders::not_offered(&format!("/sub_orders/{at}/settle_info/subsidy_amount")));
        }
        orders::check_amount_at(order.amount, &format!("/sub_orders/{at}/amount/total_amount"))?;
    }
    notify_url::check(&asked.notify_url, service.settings.sandbox)?;
    let kind = orders::domain_product(product);
    // An openid can be opened only with an appid that is the right merchant's: say first which of the two is wrong.
    call.merchant.merchant.may(kind, asked.appid).map_err(|why| errors::rejection(&why))?;
    let terms = CombinedTerms {
        merchant: asked.mchid,
        app: asked.appid,
        digest: orders::content(&asked.canonical()),
        payer: payer(&call, &asked)?,
        parts: asked.orders.iter().map(|order| part(&asked, order)).collect(),
        number: asked.out_trade_no.into(),
        product: kind,
        notify_url: asked.notify_url.into(),
        device: asked.device_id.unwrap_or_default().into(),
        extra: asked.extra.unwrap_or_default().into(),
    };
    let command = Command::CreateCombined { terms: Arc::new(terms), expires_at: asked.time_expire };
    let id = match service.engine.run(command, call.caller()).await {
        Ok(Reply::Combined(id)) => id,
        Ok(other) => {
            return Err(errors::broken("a combined order was placed without an id", &format!("{other:?}")));
        }
        Err(why) => return Err(errors::combined(&why)),
    };
    Ok(Answer::ok(orders::link(&call, product, door(id)).body()))
}

/// What a prepay_id, link or code names: no id is given out twice, so an order's place in it serves a combined order.
const fn door(id: CombinedId) -> OrderId {
    OrderId(id.0)
}

fn part(asked: &Combine, order: &SubOrder) -> Part {
    Part {
        merchant: order.sub.as_ref().map_or(order.mchid, |sub| sub.mchid),
        partner: order.sub.as_ref().map(|sub| ByPartner { id: order.mchid, sub_app: sub.appid }),
        number: order.out_trade_no.as_str().into(),
        amount: order.amount,
        description: order.description.as_str().into(),
        attach: order.attach.as_str().into(),
        sharing: order.profit_sharing,
        extra: order.extra.as_deref().unwrap_or_default().into(),
        digest: orders::content(&asked.canonical_order(order)),
    }
}

fn payer(call: &Call, asked: &Combine) -> Result<Option<PayerId>, ApiError> {
    let (app, openid) = match &asked.payer {
        None => return Ok(None),
        Some(CombinePayer::Own(openid)) => (asked.appid, openid),
        Some(CombinePayer::Sub(app, openid)) => (*app, openid),
    };
    let payer = call.service().vault.tokens().open_openid(app, openid);
    payer.map(Some).ok_or_else(|| ApiError::new(Code::OpenidMismatch))
}

/// `GET /v3/combine-transactions/out-trade-no/{combine_out_trade_no}`.
pub(crate) async fn by_out_trade_no(call: Call) -> Outcome {
    let number = field::path_out_trade_no(call.path("combine_out_trade_no"))?;
    let service = call.service();
    let found = service.queries.combined_by_number(call.mchid(), number);
    let whole = found.map_err(|fault| errors::fault(&fault))?;
    let whole = whole.ok_or_else(|| ApiError::new(Code::OrderNotExist))?;
    let view = wire::combined_now(&whole, &*service.queries, service.vault.tokens());
    Ok(Answer::ok(view.map_err(|fault| errors::fault(&fault))?.body()))
}

/// `POST /v3/combine-transactions/out-trade-no/{combine_out_trade_no}/close`.
pub(crate) async fn close(call: Call) -> Outcome {
    let number = field::path_out_trade_no(call.path("combine_out_trade_no"))?.into();
    let asked = CombineClose::read(call.service().settings.combine_most, &call.body)?;
    let parts = asked.orders.into_iter().map(|(merchant, number)| (merchant, number.into())).collect();
    let command = Command::CloseCombined { merchant: call.mchid(), app: asked.appid, number, parts };
    call.service().engine.run(command, call.caller()).await.map_err(|why| errors::combined(&why))?;
    Ok(Answer::empty())
}
