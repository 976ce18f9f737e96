//! Transfers to users: receives one as its user would, and gives a payer a real name, as an identity check does.

use super::{Named, json, problem::Problem, read};
use crate::{errors, transport::caller};
use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Actor, Command, Rejection, records::Digest};
use serde::{Deserialize, Serialize};
use service::Service;
use std::sync::Arc;
use types::{TransferBillNo, UserTransferId};

/// Which transfer: by its number, or by what the merchant would hand to the user's phone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    transfer_bill_no: Option<String>,
    package_info: Option<String>,
}

impl Which {
    fn id(&self, service: &Service) -> Result<UserTransferId, Problem> {
        let numbered = self.transfer_bill_no.as_deref().and_then(|text| text.parse().ok());
        let numbered = numbered.map(|number: TransferBillNo| number.0);
        let tokens = service.vault.tokens();
        let opened = self.package_info.as_deref().and_then(|text| tokens.open_package_info(text));
        numbered.or(opened).ok_or_else(|| {
            let detail = "Give transfer_bill_no or package_info of a transfer made here.";
            Problem::new(StatusCode::BAD_REQUEST, detail).coded("PARAM_ERROR")
        })
    }
}

/// `POST /sandbox/v1/transfers/confirm`. Answers the transfer as it stands then.
pub(super) async fn confirm(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let (which, parts) = read::<Which>(request).await?;
    let id = which.id(&service)?;
    let find = || service.queries.user_transfer(id).map_err(|fault| errors::fault(&fault));
    let missing = || errors::rejection(&Rejection::UserTransferNotFound);
    let terms = find()?.ok_or_else(missing)?.terms;
    let payer = terms.payer;
    let command = Command::ConfirmUserTransfer { transfer: id, payer, shown: terms.amount };
    service.engine.run(command, caller(Actor::Payer(payer), &parts)).await?;
    let transfer = find()?.ok_or_else(missing)?;
    let body = service::user_transfer::bill(&transfer, service.vault.tokens()).body(None);
    Ok(([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response())
}

/// A payer and the name an identity check would have found.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    openid: String,
    appid: Option<String>,
    name: String,
}

#[derive(Serialize)]
struct Kept {
    openid: String,
}

/// `POST /sandbox/v1/payers/name`.
pub(super) async fn name(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let (asked, parts) = read::<Name>(request).await?;
    let named = Named { openid: asked.openid, appid: asked.appid };
    let payer = named.payer(&service)?;
    let text = asked.name.trim();
    if text.is_empty() || text.chars().count() > 64 {
        let detail = "name has 1 to 64 characters.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail).coded("PARAM_ERROR"));
    }
    let name = Digest(*service.vault.hasher().name(text).as_bytes());
    service.engine.run(Command::SetRealName(payer, name), caller(Actor::Payer(payer), &parts)).await?;
    Ok(json(StatusCode::OK, &Kept { openid: named.openid }))
}
