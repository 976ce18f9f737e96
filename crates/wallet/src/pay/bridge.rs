//! The bridge for JSAPI pages and apps: what WeChat's own client does inside, done by a page of ours.
//!
//! A merchant's front end has what its server signed (wire §3.3) and hands it over by GET or POST:
//!
//! | Page | Fields |
//! | --- | --- |
//! | `/pay/jsapi` | `appId, timeStamp, nonceStr, package` (`prepay_id=…`)`, signType` (`RSA`)`, paySign` |
//! | `/pay/app` | `appid, partnerid, prepayid, package` (`Sign=WXPay`)`, noncestr, timestamp, sign` |
//!
//! and either of
//!
//! - `redirect_url`: the payer comes back there with `result=ok`, `cancel` or `fail` added to the query;
//! - `origin`: the bridge was opened in a window of its own by a page of that origin, which is told
//!   `{feiqian: "pay", result}` by `postMessage`. `/assets/jsapi.js` does this behind
//!   `WeixinJSBridge.invoke('getBrandWCPayRequest', …)`.
//!
//! The result is a hint for the front end. Whether the order is paid is for the notification or the query API
//! to say, as everywhere in the wire reference.

use super::{back::Back, cashier, demand::Demand, door::Outcome, entry};
use crate::{
    app::App,
    page,
    problem::{Fail, Problem},
    text::refusal::Words,
    visit::{Anyone, Visit},
};
use axum::{
    body::Bytes,
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use crypto::pay_sign::{Invoke, Scene};
use domain::{Rejection, merchant::Product};
use serde::Deserialize;
use url::form_urlencoded;

/// Characters a handed-over call may have as a query.
const CALL_CHARS_MAX: usize = 4096;

/// What a JSAPI page hands over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JsapiCall {
    app_id: String,
    time_stamp: String,
    nonce_str: String,
    package: String,
    #[serde(default)]
    sign_type: String,
    pay_sign: String,
    #[serde(rename = "redirect_url")]
    redirect_url: Option<String>,
    origin: Option<String>,
}

/// What an app hands over.
#[derive(Deserialize)]
pub(crate) struct AppCall {
    #[serde(alias = "appId")]
    appid: String,
    #[serde(alias = "partnerId")]
    partnerid: String,
    #[serde(alias = "prepayId")]
    prepayid: String,
    #[serde(alias = "packageValue")]
    package: String,
    #[serde(alias = "nonceStr")]
    noncestr: String,
    #[serde(alias = "timeStamp")]
    timestamp: String,
    sign: String,
    redirect_url: Option<String>,
    origin: Option<String>,
}

/// The way back of a call.
struct Return {
    back: Option<Back>,
    opener: Option<String>,
}

impl Return {
    fn of(app: &App, redirect_url: Option<&str>, origin: Option<&str>) -> Result<Self, Fail> {
        let back = entry::back(app, redirect_url)?;
        Ok(Self { back, opener: entry::back(app, origin)?.map(|origin| origin.origin()) })
    }
    /// A page that says what is wrong with the call, with the way back where one was given.
    fn refuse(&self, what: &'static str) -> Fail {
        let words = Words { what: what.into(), money: "money-unmoved".into(), next: "next-merchant".into() };
        let problem = Problem::new(StatusCode::BAD_REQUEST, words);
        match &self.back {
            Some(back) => {
                let address = back.with(&[("result", Outcome::Fail.word())]);
                problem.leading_to(address, "back-to-merchant").into()
            }
            None => problem.into(),
        }
    }
}

/// A call from a JSAPI or mini-program page.
pub(crate) async fn jsapi(
    State(app): State<App>,
    Anyone(visit): Anyone,
    Query(call): Query<JsapiCall>,
) -> Result<Response, Fail> {
    let way = Return::of(&app, call.redirect_url.as_deref(), call.origin.as_deref())?;
    let Some(prepay_id) = call.package.strip_prefix("prepay_id=") else {
        return Err(way.refuse("why-bad-package"));
    };
    if call.sign_type != "RSA" {
        return Err(way.refuse("why-bad-sign-type"));
    }
    let invoke = Invoke {
        scene: Scene::Jsapi,
        app_id: &call.app_id,
        timestamp: &call.time_stamp,
        nonce: &call.nonce_str,
        prepay_id,
    };
    open(&app, &visit, &invoke, &call.pay_sign, None, way).await
}

/// A call from a merchant's app.
pub(crate) async fn app(
    State(app): State<App>,
    Anyone(visit): Anyone,
    Query(call): Query<AppCall>,
) -> Result<Response, Fail> {
    let way = Return::of(&app, call.redirect_url.as_deref(), call.origin.as_deref())?;
    if call.package != "Sign=WXPay" {
        return Err(way.refuse("why-bad-package"));
    }
    let invoke = Invoke {
        scene: Scene::App,
        app_id: &call.appid,
        timestamp: &call.timestamp,
        nonce: &call.noncestr,
        prepay_id: &call.prepayid,
    };
    open(&app, &visit, &invoke, &call.sign, Some(&call.partnerid), way).await
}

/// The same by POST: the call goes on as GET, so that signing in can come back to it.
pub(crate) async fn jsapi_post(body: Bytes) -> Result<Response, Fail> {
    as_get("/pay/jsapi", &body)
}

/// The same by POST.
pub(crate) async fn app_post(body: Bytes) -> Result<Response, Fail> {
    as_get("/pay/app", &body)
}

fn as_get(path: &str, body: &[u8]) -> Result<Response, Fail> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(form_urlencoded::parse(body));
    let query = query.finish();
    if query.len() > CALL_CHARS_MAX {
        return Err(Problem::too_large().into());
    }
    Ok(page::see_other(&format!("{path}?{query}")))
}

/// Checks the merchant's signature as the real client does, and opens the cashier.
async fn open(
    app: &App,
    visit: &Visit,
    invoke: &Invoke<'_>,
    signature: &str,
    partner: Option<&str>,
    way: Return,
) -> Result<Response, Fail> {
    let digits = !invoke.timestamp.is_empty() && invoke.timestamp.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || invoke.timestamp.len() > 12 || invoke.nonce.is_empty() || invoke.nonce.len() > 64 {
        return Err(way.refuse("why-bad-call"));
    }
    let tokens = app.service().vault.tokens();
    let Some(token) = tokens.open_prepay_id(invoke.prepay_id) else {
        return Err(way.refuse("why-no-prepay"));
    };
    let demand = Demand::find(app.queries(), token.order)?.ok_or(Rejection::OrderNotFound)?;
    let order = demand.first();
    // For a sub-merchant's order the app names either of the two as `partnerid`; the partner signs, with the
    // sub-merchant's appid when the order was placed with one (wire §3.3).
    let signer = demand.signer();
    let merchant = if demand.is_whole() { signer } else { order.terms.merchant };
    if partner.is_some_and(|partner| partner != merchant.to_string() && partner != signer.to_string()) {
        return Err(way.refuse("why-wrong-partner"));
    }
    if demand.app().to_string() != invoke.app_id {
        return Err(way.refuse("why-wrong-app"));
    }
    let directory = &app.service().directory;
    let known = directory.find(signer)?.ok_or(Rejection::MerchantNotFound(signer))?;
    let mut certificates = known.certificates.iter().filter(|certificate| certificate.valid_at(visit.now));
    if !certificates.any(|certificate| invoke.verify(certificate.public_key(), signature).is_ok()) {
        tracing::warn!(merchant = %signer, order = %order.id, scene = ?invoke.scene, "a paySign does not verify");
        return Err(way.refuse("why-bad-pay-sign"));
    }
    let product = match invoke.scene {
        Scene::Jsapi => Product::Jsapi,
        Scene::App => Product::App,
    };
    let door = entry::door(token, product).with_back(way.back.as_ref()).with_opener(way.opener);
    cashier::open(app, visit, &door).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header;

    #[test]
    fn a_posted_call_goes_on_by_get() {
        let response = as_get("/pay/jsapi", b"appId=wx1&package=prepay_id%3Dwx2&paySign=a%2Bb%3D").unwrap();
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(
            response.headers()[header::LOCATION],
            "/pay/jsapi?appId=wx1&package=prepay_id%3Dwx2&paySign=a%2Bb%3D"
        );
        assert!(as_get("/pay/jsapi", &b"a".repeat(CALL_CHARS_MAX + 1)).is_err());
    }
}
