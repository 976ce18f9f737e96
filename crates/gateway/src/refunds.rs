//! Refunds: asked for, looked up, and sent to another card when the first could not take them (wire §4).

use crate::{
    errors, notify_url, orders, partner,
    transport::{Answer, Call, Outcome},
};
use domain::{
    Command, Reply,
    order::Order,
    partner::Permission,
    refund::{Funds, NewRefund, Receiver, Refund, RefundTerms},
};
use protocol::{
    ApiError, Code, Location, Text, field, issue,
    refund::{AbnormalRequest, FromAccount, FundsRequest, ReceiverKind, RefundRequest, RefundView},
};
use serde_json::{Map, Value, json};
use service::{KnownCard, Service, wire};
use std::{sync::Arc, time::Instant};
use types::{RefundId, Secret, id_time, time};

/// Orders of this age count against a limit of their own (wire §4).
const OLD: i64 = 30 * time::DAY;

/// `POST /v3/refund/domestic/refunds`. The same number with the same content again answers the refund as it stands.
pub(crate) async fn create(call: Call) -> Outcome {
    let (refunds, merchant) = (&call.gateway.refunds, call.mchid());
    if !refunds.pass(merchant, Instant::now()) {
        return Err(ApiError::new(Code::FrequencyLimited));
    }
    let outcome = create_one(&call).await;
    if outcome.is_err() {
        refunds.failed(merchant, Instant::now());
    }
    outcome
}

async fn create_one(call: &Call) -> Outcome {
    let asked = RefundRequest::read(&call.body)?;
    let service = call.service();
    let sub = field::optional_mchid("/sub_mchid", asked.sub_mchid.as_deref(), Location::Body)?;
    let by = partner::principal(call, sub, Permission::Refund)?;
    if let Some(url) = &asked.notify_url {
        notify_url::check(url, service.settings.sandbox)?;
    }
    if asked.refund.minor > orders::AMOUNT_MAX {
        let value = Some(asked.refund.minor.to_string());
        let issue = issue::range(1, orders::AMOUNT_MAX);
        return Err(ApiError::param("/amount/refund", value, issue, Location::Body));
    }
    check_age(call, &asked)?;
    let terms = RefundTerms {
        merchant: by.merchant,
        partner: by.partner,
        digest: orders::content(&asked.canonical()),
        amount: asked.refund,
        reason: asked.reason.clone().unwrap_or_default().into(),
        notify_url: asked.notify_url.clone().unwrap_or_default().into(),
        funds: funds(&asked)?,
        extra: recorded(&asked),
        number: asked.out_refund_no.into(),
    };
    let new = NewRefund {
        terms: Arc::new(terms),
        order: asked.transaction_id.map(|id| id.0),
        order_number: asked.out_trade_no.map(Into::into),
        total: asked.total,
    };
    match service.engine.run(Command::CreateRefund(Box::new(new)), call.caller()).await {
        Ok(Reply::Refund(id)) => answer(service, id),
        Ok(other) => Err(errors::broken("a refund was created without an id", &format!("{other:?}"))),
        Err(why) => Err(errors::refund(&why)),
    }
}

/// `GET /v3/refund/domestic/refunds/{out_refund_no}`. Another merchant's refund is answered as if it did not exist.
pub(crate) async fn by_out_refund_no(call: Call) -> Outcome {
    let number = field::path_out_refund_no(call.path("out_refund_no"))?;
    let sub = field::optional_mchid("sub_mchid", call.query()?.get("sub_mchid"), Location::Query)?;
    let by = partner::principal(&call, sub, Permission::Refund)?;
    let service = call.service();
    let found =
        service.queries.refund_by_number(by.signer(), number).map_err(|fault| errors::fault(&fault))?;
    let own = found.filter(|refund| refund.terms.principal() == by);
    let refund = own.ok_or_else(|| ApiError::new(Code::ResourceNotExists))?;
    Ok(Answer::ok(view(service, &refund)?.body()))
}

/// `POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund`.
pub(crate) async fn apply_abnormal(call: Call) -> Outcome {
    let id = field::path_refund_id(call.path("refund_id"))?.0;
    let asked = AbnormalRequest::read(&call.body)?;
    let sub = field::optional_mchid("/sub_mchid", asked.sub_mchid.as_deref(), Location::Body)?;
    let by = partner::principal(&call, sub, Permission::Refund)?;
    let to = receiver(&call, &asked).await?;
    let service = call.service();
    let number = asked.out_refund_no.into();
    let command = Command::RetryRefund { by, refund: id, number, to: Box::new(to) };
    service.engine.run(command, call.caller()).await.map_err(|why| errors::refund(&why))?;
    answer(service, id)
}

fn answer(service: &Service, id: RefundId) -> Outcome {
    body(service, id).map(Answer::ok)
}

/// The refund object of a refund that must be there.
pub(crate) fn body(service: &Service, id: RefundId) -> Result<Vec<u8>, ApiError> {
    let refund = service.queries.refund(id).map_err(|fault| errors::fault(&fault))?;
    let refund = refund.ok_or_else(|| errors::broken("a refund that was just kept is not there", &id))?;
    Ok(view(service, &refund)?.body())
}

/// The refund object as it is now.
fn view(service: &Service, refund: &Refund) -> Result<RefundView, ApiError> {
    let queries = &service.queries;
    let order = queries.order(refund.order).map_err(|fault| errors::fault(&fault))?;
    let order: Order = order.ok_or_else(|| errors::broken("a refund's order is not there", &refund.id))?;
    let card =
        order.card.map(|card| queries.card(card)).transpose().map_err(|fault| errors::fault(&fault))?;
    let card = card.flatten();
    Ok(wire::refund(refund, &order, card.as_ref().map(|card| (&*card.bank, &*card.tail))))
}

fn check_age(call: &Call, asked: &RefundRequest) -> Result<(), ApiError> {
    let order = match (asked.transaction_id, &asked.out_trade_no) {
        (Some(id), _) => Some(id.0),
        (None, Some(number)) => {
            let found = call.service().queries.order_by_number(call.mchid(), number);
            found.map_err(|fault| errors::fault(&fault))?.map(|order| order.id)
        }
        (None, None) => None,
    };
    let old = order.is_some_and(|order| id_time(order.0).plus(OLD) < call.now());
    if old && !call.gateway.refunds.pass_old(call.mchid(), Instant::now()) {
        return Err(ApiError::new(Code::FrequencyLimited));
    }
    Ok(())
}

/// Which money pays. `amount.from` may say it, too, for all of the refund; a refund from two accounts is not built.
fn funds(asked: &RefundRequest) -> Result<Funds, ApiError> {
    let named = asked.funds.map(|funds| match funds {
        FundsRequest::Available => Funds::Available,
        FundsRequest::Unsettled => Funds::Unsettled,
    });
    let from = match asked.from.as_slice() {
        [] => None,
        [(FromAccount::Available, _)] => Some(Funds::Available),
        [(FromAccount::Unavailable, _)] => Some(Funds::Unsettled),
        _ => {
            let issue = Text::fixed("暂不支持由多个账户出资", "can't name several accounts yet");
            return Err(ApiError::param("/amount/from", None, issue, Location::Body));
        }
    };
    if let (Some(named), Some(from)) = (named, from)
        && named != from
    {
        let issue = Text::fixed("与 funds_account 不一致", "contradicts funds_account");
        return Err(ApiError::param("/amount/from", None, issue, Location::Body));
    }
    Ok(from.or(named).unwrap_or(Funds::Unsettled))
}

/// Parameters kept for the record: goods, and `amount.from`, which the refund object repeats.
fn recorded(asked: &RefundRequest) -> Box<str> {
    let kept = asked.extra.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let mut members: Map<String, Value> = kept.unwrap_or_default();
    if !asked.from.is_empty() {
        let from =
            asked.from.iter().map(|(account, amount)| json!({"account": account.wire(), "amount": amount}));
        members.insert("from".into(), from.collect());
    }
    if members.is_empty() { "".into() } else { Value::Object(members).to_string().into() }
}

/// What a notification of a refund tells.
pub(crate) const fn end(about: domain::notification::About) -> protocol::notification::RefundEnd {
    use domain::notification::About;
    use protocol::notification::RefundEnd;
    match about {
        About::RefundAbnormal(_) => RefundEnd::Abnormal,
        About::RefundClosed(_) => RefundEnd::Closed,
        _ => RefundEnd::Success,
    }
}

/// The card that an abnormal refund goes to.
async fn receiver(call: &Call, asked: &AbnormalRequest) -> Result<Receiver, ApiError> {
    let (Some(bank), Some(account), Some(name)) = (asked.bank_type, &asked.bank_account, &asked.real_name)
    else {
        // To the merchant's settlement account. None is registered before payouts are set up.
        return Err(ApiError::because(
            Code::InvalidRequest,
            Text::fixed(
                "商户未登记收款银行卡，请填写 bank_type、bank_account 与 real_name",
                "No card of the merchant is registered; give bank_type, bank_account and real_name",
            ),
        ));
    };
    let number = opened(call, account, "/bank_account").await?;
    let holder = opened(call, name, "/real_name").await?;
    if holder.expose().trim().is_empty() {
        return Err(ApiError::param("/real_name", None, issue::missing(), Location::Body));
    }
    let known = call.gateway.cards.known(&number).ok_or_else(|| {
        let issue = Text::fixed("不是有效的银行卡号", "is no valid card number");
        ApiError::param("/bank_account", None, issue, Location::Body)
    })?;
    let KnownCard { bank: found, tail, token } = known;
    if &*found != bank && &*found != "OTHERS" {
        let issue = Text::fixed("与银行卡号的发卡行不一致", "is not the bank of the card");
        return Err(ApiError::param("/bank_type", Some(bank.to_owned()), issue, Location::Body));
    }
    Ok(Receiver { merchant: asked.kind == ReceiverKind::Merchant, bank: bank.into(), tail, token })
}

/// A sensitive field in clear text. An RSA decryption costs as much as a signature, so it runs where signatures do.
pub(crate) async fn opened(
    call: &Call,
    sealed: &Secret<String>,
    field: &'static str,
) -> Result<Secret<String>, ApiError> {
    let Some(serial) = call.header("wechatpay-serial").map(str::to_owned) else {
        return Err(ApiError::param("Wechatpay-Serial", None, issue::missing(), Location::Header));
    };
    let (keys, sealed, now) = (call.service().keys(), sealed.clone(), call.wall_now());
    let work = move || {
        keys.decrypt_field(&serial, sealed.expose(), now)
            .map_err(|error| errors::field_error(&error, &serial, field))
    };
    let clear = call.service().signing.run(work).await;
    clear.map_err(|error| errors::broken("a field can't be decrypted", &error))?
}
