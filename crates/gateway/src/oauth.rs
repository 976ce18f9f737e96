//! `GET /sns/oauth2/access_token`: a merchant's server exchanges an authorization code for the payer's openid,
//! in the classic form: always 200, an `errcode` when it failed.
//!
//! The payer agrees in the wallet (`/connect/oauth2/authorize`), which keeps the code's hash. `access_token` and
//! `refresh_token` are random, because clients expect the members; nothing here takes them, and there is no
//! `userinfo` or `refresh_token` endpoint: an openid is all that JSAPI needs.

use crate::transport::{Gateway, Shared, caller, query_string::Query};
use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use crypto::token;
use domain::{Actor, Command, Rejection, Reply, records::Digest};
use engine::Refusal;
use serde::Serialize;
use std::time::Instant;
use types::{AppId, PayerId};

/// Seconds that the tokens are said to live, as in the classic answer.
const EXPIRES_IN: u32 = 7200;
/// Exchanges a second and address: codes and secrets can't be tried out.
pub(crate) const PER_SECOND: u32 = 50;
/// What hashes of authorization codes are bound to; the wallet uses the same.
const CODE_SUBJECT: &str = "oauth";

#[derive(Serialize)]
struct Granted {
    access_token: String,
    expires_in: u32,
    refresh_token: String,
    openid: String,
    scope: &'static str,
}

/// An `errcode` with the text that goes with it. The numbers are the classic ones.
#[derive(Serialize, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    errcode: i32,
    errmsg: &'static str,
}

/// Every error the endpoint answers.
pub(crate) mod refused {
    use super::Refused;
    const fn new(errcode: i32, errmsg: &'static str) -> Refused {
        Refused { errcode, errmsg }
    }
    pub(crate) const BUSY: Refused = new(-1, "system busy, try again");
    pub(crate) const GRANT: Refused = new(40002, "invalid grant_type, use authorization_code");
    pub(crate) const APPID: Refused = new(40013, "invalid appid");
    pub(crate) const CODE: Refused = new(40029, "invalid code: unknown, used or older than 5 minutes");
    pub(crate) const SECRET: Refused = new(40125, "invalid appsecret");
    pub(crate) const NO_APPID: Refused = new(41002, "appid missing");
    pub(crate) const NO_SECRET: Refused = new(41004, "appsecret missing");
    pub(crate) const NO_CODE: Refused = new(41008, "missing code");
    pub(crate) const TOO_OFTEN: Refused = new(45011, "too many exchanges from this address, slow down");
    pub(crate) const QUERY: Refused = new(47001, "the query can't be read: a name twice, or a bad escape");
}

/// The body after a fault of ours.
pub(crate) const PANICKED: &str = r#"{"errcode":-1,"errmsg":"system busy, try again"}"#;

/// Exchanges a code.
pub(crate) async fn access_token(State(gateway): Shared, request: Request) -> Response {
    let outcome = exchange(&gateway, request).await;
    let body = match &outcome {
        Ok(granted) => serde_json::to_vec(granted),
        Err(refused) => serde_json::to_vec(refused),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body.unwrap_or_default()).into_response()
}

async fn exchange(gateway: &Gateway, request: Request) -> Result<Granted, Refused> {
    let (parts, _) = request.into_parts();
    let caller = caller(Actor::Visitor, &parts);
    if let Some(address) = caller.address {
        let now = Instant::now();
        if !gateway.exchanges.free(address, now) {
            return Err(refused::TOO_OFTEN);
        }
        gateway.exchanges.count(address, now);
    }
    let query = Query::parse(parts.uri.query().unwrap_or_default()).map_err(|_| refused::QUERY)?;
    let need = |name, absent| query.get(name).ok_or(absent);
    let app: AppId = need("appid", refused::NO_APPID)?.parse().map_err(|_| refused::APPID)?;
    let secret = need("secret", refused::NO_SECRET)?;
    let code = need("code", refused::NO_CODE)?;
    if query.get("grant_type") != Some("authorization_code") {
        return Err(refused::GRANT);
    }
    let service = &gateway.service;
    let hasher = service.vault.hasher();
    let command = Command::RedeemOauthCode {
        code: Digest(*hasher.code(CODE_SUBJECT, code).as_bytes()),
        app,
        secret: Digest(*hasher.code(&format!("app_secret:{app}"), secret).as_bytes()),
    };
    match service.engine.run(command, caller).await {
        Ok(Reply::Payer(payer)) => granted(gateway, app, payer),
        Ok(_) => Err(refused::BUSY),
        Err(Refusal::Rejected(Rejection::AppNotFound(_))) => Err(refused::APPID),
        Err(Refusal::Rejected(Rejection::NotAllowed)) => Err(refused::SECRET),
        Err(Refusal::Rejected(_)) => Err(refused::CODE),
        Err(error) => {
            tracing::error!(%error, "an authorization code was not exchanged");
            Err(refused::BUSY)
        }
    }
}

fn granted(gateway: &Gateway, app: AppId, payer: PayerId) -> Result<Granted, Refused> {
    let random = || token::session().map(|text| text.expose().clone()).map_err(|_| refused::BUSY);
    Ok(Granted {
        access_token: random()?,
        expires_in: EXPIRES_IN,
        refresh_token: random()?,
        openid: gateway.service.vault.tokens().openid(app, payer),
        scope: "snsapi_base",
    })
}
