//! A merchant's money: its balance, and every cent it can't use now with the reason.

use crate::{
    errors,
    transport::{Answer, Call, Outcome},
};
use domain::held::Position;
use protocol::{ApiError, Code, Location, issue};
use serde::Serialize;
use std::sync::Arc;
use types::Money;

/// The accounts of the wire. Only BASIC exists here.
const ACCOUNTS: [&str; 3] = ["BASIC", "OPERATION", "FEES"];

#[derive(Serialize)]
struct Balance {
    available_amount: i64,
    pending_amount: i64,
}

/// `GET /v3/merchant/fund/balance/{account_type}`: what can be used, and what can't be used yet.
pub(crate) async fn balance(call: Call) -> Outcome {
    let asked = call.path("account_type");
    if !ACCOUNTS.contains(&asked) {
        let value = Some(asked.chars().take(32).collect());
        return Err(ApiError::param("account_type", value, issue::one_of(&ACCOUNTS), Location::Path));
    }
    if asked != "BASIC" {
        return Err(ApiError::new(Code::ResourceNotExists));
    }
    let position = position(&call).await?;
    let available_amount = position.free().minor;
    answer(&Balance { available_amount, pending_amount: position.total() - available_amount })
}

#[derive(Serialize)]
struct HeldMoney {
    mchid: String,
    query_time: String,
    currency: &'static str,
    available_amount: i64,
    held_amount: i64,
    total_amount: i64,
    held: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    reason: &'static str,
    amount: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    release_time: Option<String>,
    subject: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: Box<str>,
}

/// `GET /v3/feiqian/held`: Feiqian's own. Every part of the merchant's money that it can't use now, with the reason and,
/// where time releases it, the time. The parts and what is available make up the total, to the cent.
pub(crate) async fn held(call: Call) -> Outcome {
    let position = position(&call).await?;
    let now = call.now();
    let parts: Vec<Part> = position
        .list(now)
        .into_iter()
        .map(|held| Part {
            reason: held.reason.name(),
            amount: held.amount.minor,
            since: held.since.map(|at| at.rfc3339()),
            release_time: held.release_at.map(|at| at.rfc3339()),
            subject: held.subject,
            note: held.note,
        })
        .collect();
    let Money { minor: available_amount, currency } = position.free();
    answer(&HeldMoney {
        mchid: call.mchid().to_string(),
        query_time: now.rfc3339(),
        currency: currency.code(),
        available_amount,
        held_amount: parts.iter().map(|part| part.amount).sum(),
        total_amount: position.total(),
        held: parts,
    })
}

async fn position(call: &Call) -> Result<Position, ApiError> {
    let (queries, merchant) = (Arc::clone(&call.service().queries), call.mchid());
    let read = tokio::task::spawn_blocking(move || engine::position(&*queries, merchant)).await;
    let read = read.map_err(|error| errors::broken("a merchant's money can't be read", &error))?;
    read.map_err(|fault| errors::fault(&fault))
}

fn answer<T: Serialize>(body: &T) -> Outcome {
    let body = serde_json::to_vec(body);
    body.map(Answer::ok).map_err(|error| errors::broken("an answer can't be written", &error))
}
