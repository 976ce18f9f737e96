//! What a sandbox offers on top: paying, showing a payment code, reading notifications and messages without a
//! phone at hand. Nothing of it exists outside a sandbox, and within one only for requests made on this machine:
//! anybody else is told that there is no such address.
//!
//! These endpoints are ours, not of the WeChat Pay wire: unsigned JSON, errors as RFC 9457 problems whose `code`
//! is the merchant API's where it has one.

mod codes;
mod inbox;
mod payers;
mod payments;
mod problem;
mod refunds;
mod transfers;

use crate::{errors, transport::plain};
use axum::{
    Router,
    extract::Request,
    http::{StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use domain::{order::Order, records::Digest};
use problem::Problem;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use service::Service;
use std::sync::Arc;
use types::{AppId, PayerId};

/// The payment PIN of every payer that a sandbox makes.
pub(crate) const PIN: &str = "123456";
/// The largest body.
const BODY_BYTES_MAX: usize = 16 * 1024;

pub(crate) fn router(service: Arc<Service>) -> Router {
    if !service.settings.sandbox {
        return Router::new();
    }
    let router = Router::new()
        .route("/sandbox/v1/payments", post(payments::pay))
        .route("/sandbox/v1/payers", post(payers::make))
        .route("/sandbox/v1/payment-codes", post(codes::issue))
        .route("/sandbox/v1/payment-codes/confirm", post(codes::confirm))
        .route("/sandbox/v1/notifications", get(inbox::notifications))
        .route("/sandbox/v1/notifications/{id}/resend", post(inbox::resend))
        .route("/sandbox/v1/refunds", get(refunds::waiting))
        .route("/sandbox/v1/refunds/{refund_id}/approve", post(refunds::approve))
        .route("/sandbox/v1/refunds/{refund_id}/reject", post(refunds::reject))
        .route("/sandbox/v1/transfers/confirm", post(transfers::confirm))
        .route("/sandbox/v1/payers/name", post(transfers::name))
        .route("/sandbox/v1/messages", get(inbox::messages))
        .route("/sandbox/{*rest}", any(problem::nowhere))
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(middleware::from_fn(guard))
        .with_state(service);
    plain::wrap(router, problem::CONTENT_TYPE, problem::PANICKED)
}

/// Lets requests through that were made on this machine, but not by a web page of somebody else: browsers say so.
async fn guard(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if !web::address::is_local(&parts.extensions, &parts.headers) {
        return problem::nowhere(parts.method, parts.uri).await;
    }
    let site = parts.headers.get("sec-fetch-site").map(|value| value.as_bytes());
    if matches!(site, Some(b"cross-site" | b"same-site")) {
        return Problem::new(
            StatusCode::FORBIDDEN,
            "A page of another site may not use the sandbox; call it from a program or from its own pages.",
        )
        .into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}

/// The body as JSON, and where it came from. Members we do not know are refused, so that a slip of the pen is not
/// ignored.
async fn read<T: DeserializeOwned>(request: Request) -> Result<(T, Parts), Problem> {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| {
        let detail = format!("The body did not arrive whole, or has more than {BODY_BYTES_MAX} bytes.");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    })?;
    let value = serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, format!("The body is not the JSON asked for: {error}."))
            .coded("PARAM_ERROR")
    })?;
    Ok((value, parts))
}

/// A JSON answer of ours.
fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    match serde_json::to_vec(value) {
        Ok(body) => (status, headers, body).into_response(),
        Err(error) => Problem::from(errors::broken("an answer can't be written", &error)).into_response(),
    }
}

/// The transaction object, as a merchant's query would answer it.
fn transaction(service: &Service, order: &Order) -> Result<Response, Problem> {
    let body = crate::query::transaction(service, order)?.body();
    Ok(([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response())
}

/// The hash of the sandbox PIN for a payer.
fn pin(service: &Service, payer: PayerId) -> Digest {
    Digest(*service.vault.hasher().pin(payer, PIN).as_bytes())
}

/// A payer as an application knows them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    openid: String,
    appid: Option<String>,
}

impl Named {
    /// The payer, found with the appid given, else with every application bound to a merchant.
    fn payer(&self, service: &Service) -> Result<PayerId, Problem> {
        let apps = match &self.appid {
            Some(text) => vec![app(text)?],
            None => apps(service)?,
        };
        let tokens = service.vault.tokens();
        let found = apps.into_iter().find_map(|app| tokens.open_openid(app, &self.openid));
        found.ok_or_else(|| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "The openid belongs to no application of a merchant here; take payer_openid of merchant.json, \
                 or make a payer by POST /sandbox/v1/payers.",
            )
            .coded("PARAM_ERROR")
        })
    }
}

fn app(text: &str) -> Result<AppId, Problem> {
    text.parse().map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, format!("appid: {error}.")).coded("PARAM_ERROR")
    })
}

/// The applications bound to merchants, each once.
fn apps(service: &Service) -> Result<Vec<AppId>, Problem> {
    let merchants = service.queries.merchants().map_err(|fault| errors::fault(&fault))?;
    let mut apps: Vec<AppId> = merchants.into_iter().flat_map(|merchant| merchant.apps).collect();
    apps.sort_unstable();
    apps.dedup();
    Ok(apps)
}
