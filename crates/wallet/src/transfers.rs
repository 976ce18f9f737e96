//! Transfers from merchants: what waits for the payer's confirmation, and each transfer's story.

use crate::{
    app::App,
    bills::{self, Step},
    form::Posted,
    page::{self, Page, Tab},
    problem::{Fail, Problem},
    text::{names, refusal},
    visit::{SignedIn, Visit},
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use domain::{
    Command, Rejection,
    user_transfer::{UserTransfer, UserTransferState, scene},
};
use engine::Refusal;
use protocol::Language;
use serde::Deserialize;
use types::{Money, PayerId, Time, TransferBillNo, UserTransferId};

#[derive(Deserialize)]
pub(crate) struct Opened {
    package_info: Option<String>,
}

/// `GET /pay/transfer?package_info=`: where a merchant's page or app sends its user.
pub(crate) async fn open(
    State(app): State<App>,
    SignedIn { member, .. }: SignedIn,
    Query(Opened { package_info }): Query<Opened>,
) -> Result<Response, Fail> {
    let text = package_info.unwrap_or_default();
    let id = app.service().vault.tokens().open_package_info(&text).ok_or_else(Problem::not_found)?;
    own(&app, member.payer.id, id)?;
    Ok(page::see_other(&path(id)))
}

/// The page of a transfer.
pub(crate) fn path(id: UserTransferId) -> String {
    format!("/wallet/transfers/{id}")
}

/// The payer's own transfer; another's is not there.
fn own(app: &App, payer: PayerId, id: UserTransferId) -> Result<UserTransfer, Fail> {
    let found = app.queries().user_transfer(id)?.filter(|transfer| transfer.terms.payer == payer);
    found.ok_or_else(|| Problem::rejected(Rejection::UserTransferNotFound).into())
}

#[derive(Template)]
#[template(path = "transfer.html")]
struct TransferPage {
    p: Page,
    id: UserTransferId,
    payee: String,
    amount: Money,
    /// What the merchant says it is for.
    perception: &'static str,
    scene: Option<String>,
    remark: String,
    reports: Vec<(String, String)>,
    /// Still to be confirmed.
    waits: bool,
    until: Option<Time>,
    state: &'static str,
    good: bool,
    /// Why it was not received, in words.
    why: Option<&'static str>,
    received_at: Option<Time>,
    created_at: Time,
    number: String,
    out_number: Option<String>,
    steps: Vec<Step>,
    error: Option<String>,
}

const fn state(transfer: &UserTransfer) -> &'static str {
    match transfer.state {
        UserTransferState::Processing | UserTransferState::Waiting => "transfer-waiting",
        UserTransferState::Succeeded => "transfer-received",
        UserTransferState::Returning | UserTransferState::Failed => "transfer-failed",
        UserTransferState::Cancelled => "transfer-cancelled",
    }
}

fn why(transfer: &UserTransfer) -> Option<&'static str> {
    transfer.fail.map(names::transfer_refused)
}

async fn show_it(
    app: &App,
    visit: &Visit,
    payer: PayerId,
    transfer: UserTransfer,
    error: Option<String>,
) -> Result<Response, Fail> {
    let (merchant, journal) = (transfer.terms.merchant, transfer.journal);
    let read = app.read(move |queries| {
        Ok((queries.merchant(merchant)?, queries.timeline(journal, bills::TIMELINE_MAX)?))
    });
    let (merchant, rows) = read.await?;
    let terms = &transfer.terms;
    let of = scene::find(terms.scene);
    let scene = of.map(|scene| match visit.language {
        Language::Zh => scene.name,
        Language::En => scene.name_en,
    });
    let until = transfer.confirm_until();
    let waits = transfer.is_for_user() && until.is_none_or(|until| visit.now < until);
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let received = transfer.state == UserTransferState::Succeeded;
    let page = TransferPage {
        p: Page::new(app, visit, if waits { Tab::None } else { Tab::Bills }).at(path(transfer.id)),
        id: transfer.id,
        payee: merchant.map(|merchant| merchant.name.into_string()).unwrap_or_default(),
        amount: terms.amount,
        perception: of.and_then(|scene| scene.told(&terms.perception)).unwrap_or_default(),
        scene: scene.map(str::to_owned),
        remark: terms.remark.to_string(),
        reports: terms.reports.iter().map(|(kind, text)| (kind.to_string(), text.to_string())).collect(),
        waits,
        until,
        state: if transfer.is_for_user() && !waits { "transfer-failed" } else { state(&transfer) },
        good: received,
        why: why(&transfer),
        received_at: received.then_some(transfer.updated_at),
        created_at: transfer.created_at,
        number: TransferBillNo(transfer.id).to_string(),
        out_number: transfer.batch.is_none().then(|| terms.number.to_string()),
        steps: bills::steps(&rows, payer, visit.language),
        error,
    };
    page::show_as(status, &page)
}

/// `GET /wallet/transfers/{id}`: who sends what, and why; with the button while it waits.
pub(crate) async fn show(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fail> {
    let payer = member.payer.id;
    let id: UserTransferId = id.parse().map_err(|_| Problem::not_found())?;
    let transfer = own(&app, payer, id)?;
    show_it(&app, &visit, payer, transfer, None).await
}

/// `POST /wallet/transfers/{id}`: receives it.
pub(crate) async fn confirm(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    Path(id): Path<String>,
    _: Posted,
) -> Result<Response, Fail> {
    let payer = member.payer.id;
    let id: UserTransferId = id.parse().map_err(|_| Problem::not_found())?;
    let shown = own(&app, payer, id)?.terms.amount;
    match app.run(&visit, Command::ConfirmUserTransfer { transfer: id, payer, shown }).await {
        // What ended meanwhile is told by the page itself.
        Ok(_) | Err(Refusal::Rejected(Rejection::UserTransferNotWaiting(_))) => {
            Ok(page::see_other(&path(id)))
        }
        Err(
            refused @ Refusal::Rejected(
                Rejection::TransferRefused(_) | Rejection::UserTransferOverdue(_) | Rejection::MoneyUnderWay,
            ),
        ) => {
            let said = refusal::of(&refused).what.say(visit.language).into_owned();
            let transfer = own(&app, payer, id)?;
            show_it(&app, &visit, payer, transfer, Some(said)).await
        }
        Err(other) => Err(other.into()),
    }
}
