//! Sandbox-only steering that needs the whole process: more payers, and the clock. Loopback callers only.

use crate::seed;
use axum::{
    Json, Router,
    extract::{ConnectInfo, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use domain::payer::IdentityChannel;
use engine::ManualClock;
use serde::Deserialize;
use service::Service;
use std::{net::SocketAddr, sync::Arc};
use types::Money;

#[derive(Clone)]
struct Steering {
    service: Arc<Service>,
    clock: Option<Arc<ManualClock>>,
}

/// The routes; the caller mounts them in sandboxes only.
pub(crate) fn router(service: Arc<Service>, clock: Option<Arc<ManualClock>>) -> Router {
    Router::new()
        .route("/sandbox/v1/payers", post(new_payer))
        .route("/sandbox/v1/clock", post(move_clock))
        .with_state(Steering { service, clock })
}

fn problem(status: StatusCode, code: &str, detail: String) -> Response {
    let body = serde_json::json!({ "status": status.as_u16(), "code": code, "detail": detail });
    (status, [("content-type", "application/problem+json")], body.to_string()).into_response()
}

/// The largest balance a new payer may get: one top-up of the law's table.
const BALANCE_MAX: i64 = 50_000_00;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPayer {
    /// Fen, 1 to 5,000,000.
    balance: i64,
}

async fn new_payer(
    State(steering): State<Steering>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    body: axum::body::Bytes,
) -> Response {
    if !peer.ip().is_loopback() {
        return problem(StatusCode::NOT_FOUND, "NOT_FOUND", "no such page".into());
    }
    let asked: NewPayer = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "PARAM_ERROR", format!("body: {error}")),
    };
    if !(1..=BALANCE_MAX).contains(&asked.balance) {
        let text = format!("balance is {}, must be 1 to {BALANCE_MAX} fen", asked.balance);
        return problem(StatusCode::BAD_REQUEST, "PARAM_ERROR", text);
    }
    let service = &steering.service;
    let digits = match crypto::random::digits(8) {
        Ok(digits) => digits,
        Err(error) => return problem(StatusCode::INTERNAL_SERVER_ERROR, "SYSTEM_ERROR", error.to_string()),
    };
    let phone = format!("199{digits}");
    let channels =
        [IdentityChannel::IdentityCard, IdentityChannel::Education, IdentityChannel::SocialSecurity];
    let card = worker::bank::verify_card("6212345678901232");
    let (token, tail, channel) = match &card {
        Ok(card) => (card.token.as_ref(), card.tail.as_ref(), card.channel),
        Err(_) => ("sandbox", "1232", 1),
    };
    let balance = Money::cny(asked.balance);
    let made =
        seed::payer(&service.engine, &service.vault, &phone, &channels, (token, tail, channel), balance).await;
    match made {
        Ok(payer) => {
            let openid = service.vault.tokens().openid(crate::sandbox::APP, payer.id);
            Json(serde_json::json!({ "openid": openid, "phone": phone, "pin": seed::SANDBOX_PIN }))
                .into_response()
        }
        Err(error) => problem(StatusCode::CONFLICT, "INVALID_REQUEST", error.to_string()),
    }
}

/// The farthest one call moves the clock: a year.
const ADVANCE_MAX_S: i64 = 366 * 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// Seconds forward, 1 to 31,622,400.
    advance_seconds: i64,
}

async fn move_clock(
    State(steering): State<Steering>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    body: axum::body::Bytes,
) -> Response {
    let Some(clock) = steering.clock.as_ref().filter(|_| peer.ip().is_loopback()) else {
        return problem(StatusCode::NOT_FOUND, "NOT_FOUND", "no such page".into());
    };
    let asked: Advance = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "PARAM_ERROR", format!("body: {error}")),
    };
    if !(1..=ADVANCE_MAX_S).contains(&asked.advance_seconds) {
        let text = format!("advance_seconds is {}, must be 1 to {ADVANCE_MAX_S}", asked.advance_seconds);
        return problem(StatusCode::BAD_REQUEST, "PARAM_ERROR", text);
    }
    clock.advance(asked.advance_seconds * types::time::SECOND);
    Json(serde_json::json!({ "now": steering.service.now().rfc3339() })).into_response()
}
