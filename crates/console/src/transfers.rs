//! Transfers to users: what waits for the user, what ended how, and cancelling.

use crate::form::Posted;
use crate::{
    app::App,
    approval,
    list::{Cell, List, ROWS},
    orders, page,
    page::Page,
    problem::{Fail, Problem},
    query::{Query, scope},
    record::{Action, Record},
    visit::SignedIn,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    Command,
    staff::Permission,
    user_transfer::{UserTransfer, UserTransferState, scene},
};
use protocol::Language;
use types::{TransferBatchNo, TransferBillNo, UserTransferId};

const PATH: &str = "/console/transfers";

/// `GET /console/transfers`.
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    build(app, signed_in, query, ROWS).await?.show()
}

pub(crate) async fn build(app: App, signed_in: SignedIn, query: Query, rows: usize) -> Result<List, Fail> {
    let merchant = scope(signed_in.staff(), Permission::SeeMoney, &query)?;
    let past = engine::query::Past { take: rows, ..orders::past(&query, merchant) };
    let state = query.get("state");
    let state = UserTransferState::ALL.into_iter().find(|known| Some(known.name()) == state);
    let found = app.read(move |queries| queries.user_transfers_back(past, state)).await?;
    let p = Page::new(&app, &signed_in.visit).of(merchant);
    let columns =
        ["col-time", "col-transfer", "col-merchant", "col-scene", "col-remark", "col-amount", "col-state"];
    let mut list = List::new(p, "menu-transfers", PATH, &columns, "empty-transfers");
    list.by_merchant(signed_in.staff(), merchant);
    list.by_state(&query, UserTransferState::ALL.map(UserTransferState::name));
    list.by_days(&query);
    let mut sum = 0_i128;
    for transfer in &found.rows {
        let terms = &transfer.terms;
        sum += i128::from(terms.amount.minor);
        let p = &list.p;
        list.rows.push(vec![
            Cell::time(p, transfer.created_at),
            Cell::link(&terms.number, &format!("{PATH}/{}", transfer.id)),
            Cell::merchant(PATH, terms.merchant),
            Cell::text(&scene_name(terms.scene, p.language)),
            Cell::text(&terms.remark),
            Cell::money(p, terms.amount),
            Cell::state(p, "state", transfer.state.name()),
        ]);
    }
    list.sum(&[("col-amount", sum)]);
    list.searched(&query, found.next);
    list.exported(&query, "/console/transfers.csv");
    Ok(list)
}

/// A scene's number and name; nothing for a batch that named none.
fn scene_name(id: u16, language: Language) -> String {
    match scene::find(id) {
        None if id == 0 => String::new(),
        None => id.to_string(),
        Some(scene) => match language {
            Language::Zh => format!("{id} {}", scene.name),
            Language::En => format!("{id} {}", scene.name_en),
        },
    }
}

fn find(app: &App, signed_in: &SignedIn, id: i64) -> Result<UserTransfer, Fail> {
    let transfer = app.queries().user_transfer(UserTransferId(id))?.ok_or_else(Problem::not_found)?;
    signed_in.must(Permission::SeeMoney, transfer.terms.merchant)?;
    Ok(transfer)
}

/// `GET /console/transfers/{id}`.
pub(crate) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, Fail> {
    let transfer = find(&app, &signed_in, id)?;
    record(&app, &signed_in, &transfer).await?.show()
}

async fn record(app: &App, signed_in: &SignedIn, transfer: &UserTransfer) -> Result<Record, Fail> {
    let terms = &transfer.terms;
    let here = format!("{PATH}/{}", transfer.id);
    let p = Page::new(app, &signed_in.visit).at(&here).of(Some(terms.merchant));
    let state = Cell::state(&p, "state", transfer.state.name());
    let back = ("menu-transfers", PATH);
    let mut record = Record::new(p, "transfer-of", terms.number.to_string(), back, state);
    let p = &record.p;
    let batch = transfer.batch.map(|batch| Cell::code(&TransferBatchNo(batch).to_string()));
    let facts = [
        ("fact-transfer-bill-no", Some(Cell::code(&TransferBillNo(transfer.id).to_string()))),
        ("fact-batch", batch),
        ("col-merchant", Some(Cell::code(&terms.merchant.to_string()))),
        ("fact-appid", Some(Cell::code(&terms.app.to_string()))),
        ("fact-payer", Some(Cell::code(&terms.payer.to_string()))),
        ("col-scene", Some(Cell::text(&scene_name(terms.scene, p.language)))),
        ("fact-perception", (!terms.perception.is_empty()).then(|| Cell::text(&terms.perception))),
        ("col-remark", Some(Cell::text(&terms.remark))),
        ("fact-created", Some(Cell::time(p, transfer.created_at))),
        ("fact-confirm-until", transfer.confirm_until().map(|at| Cell::time(p, at))),
        ("fact-ended", transfer.state.is_final().then(|| Cell::time(p, transfer.updated_at))),
        ("fact-fail-reason", transfer.fail.map(|why| Cell::code(why.name()))),
        ("fact-hold-transfer", transfer.hold.map(|id| Cell::code(&id.to_string()))),
        ("fact-end-transfer", transfer.end.map(|id| Cell::code(&id.to_string()))),
    ];
    for (key, cell) in facts {
        if let Some(cell) = cell {
            record.fact(key, cell);
        }
    }
    for (kind, text) in &terms.reports {
        record.facts.push((kind.to_string().into(), Cell::text(text)));
    }
    record.amount = Some(record.p.money(terms.amount));
    let open = matches!(transfer.state, UserTransferState::Processing | UserTransferState::Waiting);
    let may = signed_in.may(Permission::CancelTransfer, terms.merchant);
    if open && may && transfer.batch.is_none() {
        let mut action = Action::new(&record.p, "cancel", "do-cancel-transfer", format!("{here}/cancel"));
        action.effect = Some(record.p.t("effect-cancel-transfer").into_owned());
        record.actions.push(action);
    }
    record.with_timeline(app, transfer.journal).await
}

/// `POST /console/transfers/{id}/cancel`.
pub(crate) async fn cancel(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
    _: Posted,
) -> Result<Response, Fail> {
    let transfer = find(&app, &signed_in, id)?;
    let command = Command::CancelUserTransfer { merchant: transfer.terms.merchant, transfer: transfer.id };
    match approval::decide(&app, &signed_in, command).await? {
        None => Ok(page::see_other(&format!("{PATH}/{}", transfer.id))),
        Some(why) => record(&app, &signed_in, &transfer).await?.refused("cancel", why),
    }
}
