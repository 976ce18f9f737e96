//! Payment codes as a payer shows them, and the PIN they type when one is needed.

use super::{Named, json, payments::wrong_pin, pin, problem::Problem, read, transaction};
use crate::{codepay, errors, transport::caller};
use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use crypto::random;
use domain::{Actor, Command, Rejection, Reply, payment::Paid};
use engine::Refusal;
use protocol::qr::PaymentCode;
use serde::{Deserialize, Serialize};
use service::Service;
use std::sync::Arc;
use types::{Masked, MerchantId};

#[derive(Serialize)]
struct Shown<'a> {
    auth_code: &'a str,
    expires_at: String,
}

/// Codes drawn before giving up; a quadrillion are possible.
const DRAWS_MAX: usize = 4096;

/// `POST /sandbox/v1/payment-codes`: 200 with a code and until when it is shown.
pub(super) async fn issue(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let (named, parts) = read::<Named>(request).await?;
    let payer = named.payer(&service)?;
    let prefix = codepay::prefix(&service);
    for _ in 0..DRAWS_MAX {
        let drawn = random::bytes().map_err(|error| errors::broken("no payment code", &error))?;
        let body = PaymentCode::body_of(u64::from_be_bytes(drawn));
        let Some(code) = body.and_then(|body| PaymentCode::new(prefix, body)) else { continue };
        let Ok(number) = code.expose().parse() else { continue };
        // Any node knows the shard of a code by its number: it must be its payer's.
        let shards = service.engine.shards();
        if shards.of_code(number) != shards.of_payer(payer) {
            continue;
        }
        let command = Command::IssuePaymentCode(payer, number);
        match service.engine.run(command, caller(Actor::Payer(payer), &parts)).await {
            Ok(Reply::ShownUntil(until)) => {
                let shown = Shown { auth_code: code.expose(), expires_at: until.rfc3339() };
                return Ok(json(StatusCode::OK, &shown));
            }
            // Taken by another payer just now.
            Err(Refusal::Rejected(Rejection::CodeInvalid)) => {}
            Ok(other) => {
                return Err(errors::broken("a code had another answer", &format!("{other:?}")).into());
            }
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "No free payment code was found; try again."))
}

/// Which order the payer decides about.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    out_trade_no: String,
    mchid: String,
    #[serde(default)]
    refuse: bool,
}

/// `POST /sandbox/v1/payment-codes/confirm`: the payer of a `USERPAYING` order types the PIN, or refuses.
pub(super) async fn confirm(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let (asked, parts) = read::<Decision>(request).await?;
    let merchant: MerchantId = asked.mchid.parse().map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, format!("mchid: {error}.")).coded("PARAM_ERROR")
    })?;
    let found = || service.queries.order_by_number(merchant, &asked.out_trade_no);
    let order = found().map_err(|fault| errors::fault(&fault))?;
    let order = order.ok_or_else(|| Problem::from(Refusal::from(Rejection::OrderNotFound)))?;
    let payer = order.payer.ok_or_else(|| {
        let detail = "Nobody's payment code was scanned for this order, so nobody can confirm it.";
        Problem::new(StatusCode::BAD_REQUEST, detail).coded("INVALID_REQUEST")
    })?;
    let command = Command::ConfirmCodePay {
        order: order.id,
        payer,
        pin: (!asked.refuse).then(|| pin(&service, payer)),
    };
    match service.engine.run(command, caller(Actor::Payer(payer), &parts)).await? {
        Reply::Paid(Paid::Pin(outcome)) => Err(wrong_pin(outcome)),
        _ => transaction(&service, &found().map_err(|fault| errors::fault(&fault))?.unwrap_or(order)),
    }
}
