//! Refunds that wait for approval, and people to approve them: a sandbox needs no console.

use super::{json, problem::Problem, read};
use crate::{errors, refunds, transport::caller};
use axum::{
    extract::{Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    Actor, Caller, Command, Reply,
    staff::{NewStaff, Role},
};
use engine::Fault;
use protocol::field;
use serde::{Deserialize, Serialize};
use service::Service;
use std::sync::Arc;
use types::{OperatorId, PageRequest, RefundId, RefundNumber, Secret};

/// Refunds listed at most.
const LISTED_MAX: usize = 200;

#[derive(Serialize)]
struct Listed {
    refunds: Vec<Waiting>,
}

#[derive(Serialize)]
struct Waiting {
    refund_id: String,
    out_refund_no: String,
    mchid: String,
    /// Fen.
    amount: i64,
    approvals: usize,
    approvals_needed: u8,
    create_time: String,
}

/// `GET /sandbox/v1/refunds`: those that wait, oldest first.
pub(super) async fn waiting(State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    let page = service.queries.refunds_waiting(PageRequest::new(LISTED_MAX, None));
    let page = page.map_err(|fault: Fault| errors::fault(&fault))?;
    let row = |refund: &domain::refund::Refund| Waiting {
        refund_id: RefundNumber(refund.id).to_string(),
        out_refund_no: refund.terms.number.to_string(),
        mchid: refund.terms.merchant.to_string(),
        amount: refund.terms.amount.minor,
        approvals: refund.approvals.len(),
        approvals_needed: refund.approvals_needed,
        create_time: refund.created_at.rfc3339(),
    };
    Ok(json(StatusCode::OK, &Listed { refunds: page.rows.iter().map(row).collect() }))
}

/// Operators that a sandbox knows.
const OPERATORS: i64 = 9;

/// Who decides: an operator's number, 1 to 9, 1 when left out. Two approvals need two numbers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    #[serde(default = "first")]
    operator: i64,
    reason: Option<String>,
}

const fn first() -> i64 {
    1
}

/// `POST /sandbox/v1/refunds/{refund_id}/approve`.
pub(super) async fn approve(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    decide(service, &id, request, |id, _| Command::ApproveRefund(id)).await
}

/// `POST /sandbox/v1/refunds/{refund_id}/reject`.
pub(super) async fn reject(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    decide(service, &id, request, |refund, reason| Command::RejectRefund { refund, reason }).await
}

/// A person of that number, hired when first named: may approve, and can't sign in.
async fn operator(service: &Service, number: i64) -> Result<OperatorId, Problem> {
    if !(1..=OPERATORS).contains(&number) {
        let detail = format!("operator is {number}, must be 1 to {OPERATORS}.");
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail).coded("PARAM_ERROR"));
    }
    let name = format!("sandbox-{number}");
    if let Some(known) = service.queries.staff_by_name(&name).map_err(|fault| errors::fault(&fault))? {
        return Ok(known.id);
    }
    // No password has this hash.
    let password = Secret::new("$argon2id$".to_owned());
    let new = NewStaff { name: name.into(), merchant: None, role: Role::Finance, password };
    match service.engine.run(Command::CreateStaff(Box::new(new)), Caller::platform()).await? {
        Reply::Staff(id) => Ok(id),
        other => Err(errors::broken("a person was hired without a number", &format!("{other:?}")).into()),
    }
}

/// Answers the refund object as it stands then.
async fn decide(
    service: Arc<Service>,
    id: &str,
    request: Request,
    command: impl FnOnce(RefundId, Box<str>) -> Command,
) -> Result<Response, Problem> {
    let id = field::path_refund_id(id)?.0;
    let (decision, parts) = read::<Decision>(request).await?;
    let actor = Actor::Operator(operator(&service, decision.operator).await?);
    let reason = decision.reason.unwrap_or_default().chars().take(200).collect::<String>();
    service.engine.run(command(id, reason.into()), caller(actor, &parts)).await?;
    let body = refunds::body(&service, id)?;
    Ok(([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response())
}
