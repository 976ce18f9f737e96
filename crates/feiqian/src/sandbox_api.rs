//! Sandbox-only steering of what the gateway can't reach: the clock and the platform's certificates. Loopback
//! callers only.

use axum::{
    Json, Router,
    extract::{ConnectInfo, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use engine::ManualClock;
use serde::Deserialize;
use service::Service;
use std::{net::SocketAddr, sync::Arc};

#[derive(Clone)]
struct Steering {
    service: Arc<Service>,
    clock: Option<Arc<ManualClock>>,
}

/// The routes; the caller mounts them in sandboxes only.
pub(crate) fn router(service: Arc<Service>, clock: Option<Arc<ManualClock>>) -> Router {
    Router::new()
        .route("/sandbox/v1/clock", post(move_clock))
        .route("/sandbox/v1/certificates/rotate", post(rotate))
        .with_state(Steering { service, clock })
}

fn problem(status: StatusCode, code: &str, detail: String) -> Response {
    let body = serde_json::json!({ "status": status.as_u16(), "code": code, "detail": detail });
    (status, [("content-type", "application/problem+json")], body.to_string()).into_response()
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotate {
    /// Seconds until the new certificate signs, 0 to 31,622,400; it is listed at once.
    active_in_seconds: i64,
}

async fn rotate(
    State(steering): State<Steering>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    body: axum::body::Bytes,
) -> Response {
    if !peer.ip().is_loopback() {
        return problem(StatusCode::NOT_FOUND, "NOT_FOUND", "no such page".into());
    }
    let asked: Rotate = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "PARAM_ERROR", format!("body: {error}")),
    };
    if !(0..=ADVANCE_MAX_S).contains(&asked.active_in_seconds) {
        let text = format!("active_in_seconds is {}, must be 0 to {ADVANCE_MAX_S}", asked.active_in_seconds);
        return problem(StatusCode::BAD_REQUEST, "PARAM_ERROR", text);
    }
    let service = &steering.service;
    let active_from = service.wall_now().plus(asked.active_in_seconds * types::time::SECOND);
    match service.rotate_certificate(active_from).await {
        Ok(()) => {
            let keys = service.keys();
            let serials: Vec<&str> = keys.certificates().iter().map(|c| c.serial()).collect();
            Json(serde_json::json!({ "serials": serials, "active_from": active_from.rfc3339() }))
                .into_response()
        }
        Err(error) => problem(StatusCode::CONFLICT, "INVALID_REQUEST", error.to_string()),
    }
}
