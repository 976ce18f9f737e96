//! Placing orders by JSAPI, APP, H5 and Native, and closing them (wire §3.1–§3.6).

use crate::{
    errors, notify_url, partner,
    transport::{Answer, Call, Outcome},
};
use aws_lc_rs::digest::{SHA256, digest};
use domain::{Command, Reply, merchant, order::Terms, partner::Permission};
use protocol::{
    ApiError, Code, Location, Text, field, issue,
    order::{Close, Mode, Prepay, PrepayAnswer, Product},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use types::{Money, OrderId, PayerId, Secret};

/// The largest order, in minor units: ten billion yuan. The wire names no limit; this one keeps sums of orders
/// far away from 64 bits.
pub(crate) const AMOUNT_MAX: i64 = 1_000_000_000_000;

/// `POST /v3/pay/transactions/{jsapi,app,h5,native}`, and the same under `/v3/pay/partner`.
pub(crate) async fn prepay(call: Call, product: Product, mode: Mode) -> Outcome {
    let asked = Prepay::read(product, mode, &call.body)?;
    call.signed_by(asked.mchid, mode, Location::Body)?;
    if asked.identity.is_some() {
        return Err(not_offered("/payer/identity"));
    }
    check_amount(asked.amount)?;
    let service = call.service();
    notify_url::check(&asked.notify_url, service.settings.sandbox)?;
    let kind = domain_product(product);
    // An openid can be opened only with an appid that is the right merchant's: say first which of the two is wrong.
    let by = partner::may_place(&call, kind, asked.appid, asked.sub.as_ref())?;
    let extra = Extra::read(asked.extra.as_deref())?;
    let terms = Terms {
        merchant: by.merchant,
        partner: partner::placed(asked.mchid, asked.sub.as_ref()),
        app: asked.appid,
        digest: content(&asked.canonical()),
        payer: payer(&call, &asked)?,
        sharing: asked.profit_sharing,
        number: asked.out_trade_no.into(),
        product: kind,
        amount: asked.amount,
        description: asked.description.into(),
        attach: asked.attach.unwrap_or_default().into(),
        notify_url: asked.notify_url.into(),
        device: extra.device.into(),
        extra: recorded(asked.extra, asked.goods_tag, asked.support_fapiao),
    };
    let command = Command::CreateOrder { terms: Arc::new(terms), expires_at: asked.time_expire };
    let order = place(&call, command).await?;
    Ok(Answer::ok(link(&call, product, order).body()))
}

/// `POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close`, and the same under `/v3/pay/partner`.
pub(crate) async fn close(call: Call, mode: Mode) -> Outcome {
    let number = field::path_out_trade_no(call.path("out_trade_no"))?.into();
    let asked = Close::read(mode, &call.body)?;
    call.signed_by(asked.mchid, mode, Location::Body)?;
    let by = partner::principal(&call, asked.sub_mchid, Permission::Pay)?;
    let command = Command::CloseOrder(by, number);
    call.service().engine.run(command, call.caller()).await.map_err(|why| errors::refusal(&why))?;
    Ok(Answer::empty())
}

/// Runs a command that places an order.
pub(crate) async fn place(call: &Call, command: Command) -> Result<OrderId, ApiError> {
    match call.service().engine.run(command, call.caller()).await {
        Ok(Reply::Order(id)) => Ok(id),
        Ok(other) => Err(errors::broken("an order was placed without an id", &format!("{other:?}"))),
        Err(why) => Err(errors::refusal(&why)),
    }
}

/// The way to the cashier, fresh on every call (wire §3.6): `prepay_id` and `code_url` live 2 hours, `h5_url`
/// 5 minutes.
pub(crate) fn link(call: &Call, product: Product, order: OrderId) -> PrepayAnswer {
    let (service, now) = (call.service(), call.now());
    let tokens = service.vault.tokens();
    match product {
        Product::Native => PrepayAnswer::CodeUrl(tokens.code_url(order, now)),
        Product::H5 => {
            let (base, token) = (&service.settings.public_base, tokens.h5(order, now));
            PrepayAnswer::H5Url(format!("{base}/pay/h5?token={token}"))
        }
        Product::Jsapi | Product::App | Product::CodePay => {
            PrepayAnswer::PrepayId(tokens.prepay_id(order, now))
        }
    }
}

/// The payer behind an openid of either application.
fn payer(call: &Call, asked: &Prepay) -> Result<Option<PayerId>, ApiError> {
    let own = asked.openid.as_deref().map(|openid| (asked.appid, openid));
    let named = own.or_else(|| {
        let sub = asked.sub.as_ref()?;
        sub.appid.zip(sub.openid.as_deref())
    });
    let Some((app, openid)) = named else { return Ok(None) };
    let payer = call.service().vault.tokens().open_openid(app, openid);
    payer.map(Some).ok_or_else(|| ApiError::new(Code::OpenidMismatch))
}

pub(crate) const fn domain_product(product: Product) -> merchant::Product {
    match product {
        Product::Jsapi => merchant::Product::Jsapi,
        Product::App => merchant::Product::App,
        Product::H5 => merchant::Product::H5,
        Product::Native => merchant::Product::Native,
        Product::CodePay => merchant::Product::Code,
    }
}

/// What tells two requests under one number apart: the first 16 bytes of SHA-256 over the canonical parameters.
pub(crate) fn content(canonical: &Secret<Vec<u8>>) -> [u8; 16] {
    let hash = digest(&SHA256, canonical.expose());
    std::array::from_fn(|place| hash.as_ref()[place])
}

/// Refuses an amount beyond [`AMOUNT_MAX`]; the lower bound is the reader's.
pub(crate) fn check_amount(amount: Money) -> Result<(), ApiError> {
    check_amount_at(amount, "/amount/total")
}

/// As [`check_amount`], of the amount at `pointer`.
pub(crate) fn check_amount_at(amount: Money, pointer: &str) -> Result<(), ApiError> {
    if amount.minor <= AMOUNT_MAX {
        return Ok(());
    }
    let value = Some(amount.minor.to_string());
    Err(ApiError::param(pointer, value, issue::range(1, AMOUNT_MAX), Location::Body))
}

/// A member that steers money or identity and is not built yet is refused, never ignored.
pub(crate) fn not_offered(pointer: &str) -> ApiError {
    ApiError::param(
        pointer,
        None,
        Text::fixed("暂不支持，请勿传", "is not offered yet; leave it out"),
        Location::Body,
    )
}

/// What the gateway needs of the members that are only kept.
struct Extra {
    device: String,
}

#[derive(Deserialize)]
struct Kept {
    #[serde(default)]
    limit_pay: Vec<String>,
    subsidy_amount: Option<i64>,
    #[serde(default)]
    scene_info: Scene,
}

#[derive(Default, Deserialize)]
struct Scene {
    #[serde(default)]
    device_id: String,
}

impl Extra {
    fn read(extra: Option<&str>) -> Result<Self, ApiError> {
        let Some(text) = extra else { return Ok(Self { device: String::new() }) };
        let kept: Kept = serde_json::from_str(text)
            .map_err(|error| errors::broken("the kept members of an order can't be read back", &error))?;
        if !kept.limit_pay.is_empty() {
            return Err(not_offered("/limit_pay"));
        }
        if kept.subsidy_amount.is_some_and(|amount| amount > 0) {
            return Err(not_offered("/settle_info/subsidy_amount"));
        }
        Ok(Self { device: kept.scene_info.device_id })
    }
}

/// The parameters kept for the record: what the reader kept, the goods tag, and whether an invoice entry was
/// asked for. Nothing acts on the last two yet.
pub(crate) fn recorded(extra: Option<String>, goods_tag: Option<String>, support_fapiao: bool) -> Box<str> {
    if goods_tag.is_none() && !support_fapiao {
        return extra.unwrap_or_default().into();
    }
    let mut members: Map<String, Value> =
        extra.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    if let Some(tag) = goods_tag {
        members.insert("goods_tag".into(), Value::String(tag));
    }
    if support_fapiao {
        members.insert("support_fapiao".into(), Value::Bool(true));
    }
    Value::Object(members).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_one_canonical_object() {
        let kept = |extra: Option<&str>, tag: Option<&str>, fapiao| {
            recorded(extra.map(str::to_owned), tag.map(str::to_owned), fapiao)
        };
        assert_eq!(&*kept(None, None, false), "");
        assert_eq!(&*kept(Some(r#"{"detail":{}}"#), None, false), r#"{"detail":{}}"#);
        assert_eq!(&*kept(None, Some("tea"), true), r#"{"goods_tag":"tea","support_fapiao":true}"#);
        assert_eq!(
            &*kept(Some(r#"{"detail":{},"scene_info":{}}"#), Some("tea"), false),
            r#"{"detail":{},"goods_tag":"tea","scene_info":{}}"#
        );
    }

    #[test]
    fn members_that_are_not_built_are_refused_by_name() {
        let field = |extra: &str| {
            Extra::read(Some(extra)).err().and_then(|error| error.detail).map(|detail| detail.field)
        };
        assert_eq!(field(r#"{"limit_pay":["no_credit"]}"#).as_deref(), Some("/limit_pay"));
        assert_eq!(field(r#"{"subsidy_amount":1}"#).as_deref(), Some("/settle_info/subsidy_amount"));
        assert_eq!(field(r#"{"limit_pay":[],"subsidy_amount":0,"detail":{"cost_price":1}}"#), None);
        let read = Extra::read(Some(r#"{"scene_info":{"device_id":"till-1","payer_client_ip":"::1"}}"#));
        assert_eq!(read.ok().map(|extra| extra.device).as_deref(), Some("till-1"));
    }

    #[test]
    fn an_amount_has_an_upper_bound() {
        assert!(check_amount(Money::cny(AMOUNT_MAX)).is_ok());
        let refused = check_amount(Money::cny(AMOUNT_MAX + 1)).unwrap_err();
        assert_eq!((refused.code, refused.detail.unwrap().field), (Code::ParamError, "/amount/total".into()));
    }
}
