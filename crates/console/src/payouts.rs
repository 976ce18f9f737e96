//! Payouts to merchants' bank accounts, and the approvals that large ones wait for.

use crate::{
    app::{App, is_nonce},
    approval::{self, Asked},
    balance,
    form::Posted,
    list::{Cell, List, ROWS},
    page::{self, Page},
    problem::{Fail, Problem, words_of},
    query::{Query, scope},
    record::Record,
    visit::SignedIn,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    Command, Rejection, Reply,
    payout::{NewPayout, Payout, PayoutState},
    staff::Permission,
};
use engine::Refusal;
use types::{Currency, Cursor, MerchantId, Money, PageRequest, PayoutId};

pub(crate) const PATH: &str = "/console/payouts";

/// `GET /console/payouts`.
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    build(app, signed_in, query, ROWS).await?.show()
}

pub(crate) async fn build(app: App, signed_in: SignedIn, query: Query, rows: usize) -> Result<List, Fail> {
    let merchant = scope(signed_in.staff(), Permission::SeeMoney, &query)?;
    let open = query.get("state") == Some("in_transit");
    let request = PageRequest::new(rows, query.id("before").map(Cursor));
    let found = app
        .read(move |queries| match open {
            true => queries.payouts_open(merchant, request),
            false => queries.payouts(merchant, request),
        })
        .await?;
    let p = Page::new(&app, &signed_in.visit).of(merchant);
    let columns =
        ["col-time", "col-payout", "col-merchant", "col-account", "col-rail", "col-amount", "col-state"];
    let mut list = List::new(p, "menu-payouts", PATH, &columns, "empty-payouts");
    list.by_merchant(signed_in.staff(), merchant);
    list.by_state(&query, ["in_transit"]);
    let mut sum = 0_i128;
    for payout in &found.rows {
        sum += i128::from(payout.amount.minor);
        let p = &list.p;
        list.rows.push(vec![
            Cell::time(p, payout.created_at),
            Cell::link(&payout.id.to_string(), &format!("{PATH}/{}", payout.id)),
            Cell::merchant(PATH, payout.merchant),
            Cell::text(&account(payout)),
            Cell::word(p, "rail", payout.rail.name()),
            Cell::money(p, payout.amount),
            Cell::state(p, "state", payout.state.name()),
        ]);
    }
    list.sum(&[("col-amount", sum)]);
    list.goes_on(&query, found.next.map(|cursor| cursor.0));
    list.exported(&query, "/console/payouts.csv");
    Ok(list)
}

/// The bank account, masked: holder and number are sealed.
fn account(payout: &Payout) -> String {
    format!("{} **** {}", payout.to.bank_name, payout.to.tail)
}

fn find(app: &App, signed_in: &SignedIn, id: i64) -> Result<Payout, Fail> {
    let payout = app.queries().payout(PayoutId(id))?.ok_or_else(Problem::not_found)?;
    signed_in.must(Permission::SeeMoney, payout.merchant)?;
    Ok(payout)
}

/// `GET /console/payouts/{id}`.
pub(crate) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, Fail> {
    let payout = find(&app, &signed_in, id)?;
    record(&app, &signed_in, &payout).await?.show()
}

async fn record(app: &App, signed_in: &SignedIn, payout: &Payout) -> Result<Record, Fail> {
    let here = format!("{PATH}/{}", payout.id);
    let p = Page::new(app, &signed_in.visit).at(&here).of(Some(payout.merchant));
    let state = Cell::state(&p, "state", payout.state.name());
    let mut record = Record::new(p, "payout", payout.id.to_string(), ("menu-payouts", PATH), state);
    let p = &record.p;
    let facts = [
        ("fact-end-to-end", Some(Cell::code(&Payout::end_to_end(payout.id)))),
        ("col-merchant", Some(Cell::code(&payout.merchant.to_string()))),
        ("col-account", Some(Cell::text(&account(payout)))),
        ("col-rail", Some(Cell::word(p, "rail", payout.rail.name()))),
        ("fact-out-payout-no", (!payout.number.is_empty()).then(|| Cell::code(&payout.number))),
        ("fact-created", Some(Cell::time(p, payout.created_at))),
        ("fact-ended", payout.ended_at.map(|at| Cell::time(p, at))),
        ("fact-file", (!payout.file.is_empty()).then(|| Cell::code(&payout.file))),
        ("fact-channel", (!payout.bank_code.is_empty()).then(|| Cell::code(&payout.bank_code))),
    ];
    for (key, cell) in facts {
        if let Some(cell) = cell {
            record.fact(key, cell);
        }
    }
    record.amount = Some(record.p.money(payout.amount));
    let may = signed_in.may(Permission::ApprovePayout, payout.merchant);
    let asked = Asked {
        amount: payout.amount,
        maker: payout.maker,
        given: &payout.approvals,
        needed: payout.approvals_needed,
        decides: payout.state == PayoutState::Waiting && may,
        effects: ["effect-approve-payout", "effect-reject-payout"],
    };
    asked.put(app, signed_in, &here, &mut record)?;
    record.with_timeline(app, payout.journal).await
}

/// `POST /console/payouts/{id}/approve`.
pub(crate) async fn approve(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
    posted: Posted,
) -> Result<Response, Fail> {
    let payout = find(&app, &signed_in, id)?;
    let command = Command::ApprovePayout(payout.id);
    let refused = approval::approve(&app, &signed_in, &posted, payout.amount, command).await?;
    decided(&app, &signed_in, &payout, "approve", refused).await
}

/// `POST /console/payouts/{id}/reject`.
pub(crate) async fn reject(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
    posted: Posted,
) -> Result<Response, Fail> {
    let payout = find(&app, &signed_in, id)?;
    let command = Command::RejectPayout { payout: payout.id, reason: approval::reason(&posted) };
    let refused = approval::decide(&app, &signed_in, command).await?;
    decided(&app, &signed_in, &payout, "reject", refused).await
}

async fn decided(
    app: &App,
    signed_in: &SignedIn,
    payout: &Payout,
    action: &str,
    refused: Option<String>,
) -> Result<Response, Fail> {
    match refused {
        None => Ok(page::see_other(&format!("{PATH}/{}", payout.id))),
        Some(why) => record(app, signed_in, payout).await?.refused(action, why),
    }
}

/// `POST /console/balance/payout`. The form's nonce is the payout's number: sent twice, it is one payout.
pub(crate) async fn request(
    State(app): State<App>,
    signed_in: SignedIn,
    posted: Posted,
) -> Result<Response, Fail> {
    let merchant: MerchantId = posted.trimmed("merchant").parse().map_err(|_| Problem::malformed())?;
    signed_in.must(Permission::RequestPayout, merchant)?;
    let nonce = posted.text("nonce");
    if !is_nonce(nonce) {
        return Err(Problem::malformed().into());
    }
    let amount = Money::parse(&posted.trimmed("amount").replace([',', '¥'], ""), Currency::CNY);
    let refused = match amount {
        Err(_) => Page::new(&app, &signed_in.visit).t("error-amount").into_owned(),
        Ok(amount) => {
            let urgent = posted.text("urgent") == "yes";
            let number = Some(format!("C{nonce}").into());
            let new = NewPayout { merchant, amount: Some(amount.minor), urgent, number };
            match app.run(&signed_in.visit, Command::RequestPayout(new)).await {
                Ok(Reply::Payout(id)) => return Ok(page::see_other(&format!("{PATH}/{id}"))),
                Ok(other) => return Err(Problem::fault(&format!("a payout: {other:?}")).into()),
                Err(Refusal::Rejected(why)) if why != Rejection::NotAllowed => {
                    words_of(signed_in.visit.language, &why)
                }
                Err(why) => return Err(why.into()),
            }
        }
    };
    balance::record(&app, &signed_in, merchant).await?.refused("payout", refused)
}
