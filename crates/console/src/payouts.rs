//! Payouts to merchants' bank accounts, and the approvals that large ones wait for.

use crate::{
    app::App,
    balance,
    form::Posted,
    list::{Cell, Field, List, ROWS},
    page::{self, Page},
    problem::{Fail, Problem, words_of},
    query::{Query, scope},
    record::Record,
    refunds,
    visit::SignedIn,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    Command, Rejection, Reply,
    payout::{NewPayout, Payout, PayoutState},
    records::Digest,
    staff::Permission,
};
use engine::{Job, Refusal};
use types::{Currency, Cursor, MerchantId, Money, PageRequest, PayoutId};

pub(crate) const PATH: &str = "/console/payouts";

/// `GET /console/payouts`.
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    let merchant = scope(signed_in.staff(), Permission::SeeMoney, &query)?;
    let open = query.get("state") == Some("in_transit");
    let request = PageRequest::new(ROWS, query.id("before").map(Cursor));
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
    list.fields.push(Field::select(
        &list.p,
        ("state", "col-state"),
        "state",
        ["in_transit"],
        query.get("state"),
    ));
    let mut sum = 0_i128;
    for payout in &found.rows {
        sum += i128::from(payout.amount.minor);
        let p = &list.p;
        list.rows.push(vec![
            Cell::time(p, payout.created_at),
            Cell::link(&payout.id.to_string(), &format!("{PATH}/{}", payout.id)),
            Cell::merchant(PATH, payout.merchant),
            Cell::text(&account(payout)),
            Cell::text(payout.rail.name()),
            Cell::money(p, payout.amount),
            Cell::state(p, "state", payout.state.name()),
        ]);
    }
    let sum = list.p.money(Money::cny(i64::try_from(sum).unwrap_or(i64::MAX)));
    list.sums = vec![(list.p.t("sum-rows"), found.rows.len().to_string()), (list.p.t("col-amount"), sum)];
    list.goes_on(&query, found.next.map(|cursor| cursor.0));
    list.show()
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
        ("col-rail", Some(Cell::text(payout.rail.name()))),
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
    if payout.approvals_needed > 0 {
        let (maker, given) = (payout.maker, &payout.approvals);
        record.sections.push(refunds::approvals(app, &record.p, maker, given, payout.approvals_needed)?);
    }
    let may = signed_in.may(Permission::ApprovePayout, payout.merchant);
    if payout.state == PayoutState::Waiting && may {
        record.actions =
            refunds::decide(&record.p, &here, payout.amount, "effect-approve-payout", "effect-reject-payout");
        if payout.maker == Some(signed_in.staff().id) {
            record.notes.push(record.p.t("note-own"));
            record.actions.remove(0);
        }
    }
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
    if !refunds::typed(&posted, payout.amount) {
        let record = record(&app, &signed_in, &payout).await?;
        let error = record.p.t("error-typed").into_owned();
        return record.refused("approve", error);
    }
    decided(&app, &signed_in, &payout, Command::ApprovePayout(payout.id), "approve").await
}

/// `POST /console/payouts/{id}/reject`.
pub(crate) async fn reject(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
    posted: Posted,
) -> Result<Response, Fail> {
    let payout = find(&app, &signed_in, id)?;
    let reason: String = posted.trimmed("reason").chars().take(80).collect();
    let command = Command::RejectPayout { payout: payout.id, reason: reason.into() };
    decided(&app, &signed_in, &payout, command, "reject").await
}

async fn decided(
    app: &App,
    signed_in: &SignedIn,
    payout: &Payout,
    command: Command,
    action: &str,
) -> Result<Response, Fail> {
    match app.run(&signed_in.visit, command).await {
        Ok(_) => Ok(page::see_other(&format!("{PATH}/{}", payout.id))),
        Err(Refusal::Rejected(why)) if why != Rejection::NotAllowed => {
            let error = words_of(signed_in.visit.language, &why);
            record(app, signed_in, payout).await?.refused(action, error)
        }
        Err(why) => Err(why.into()),
    }
}

/// `POST /console/balance/payout`. Sent twice, it is one payout: the form's nonce is the request's key.
pub(crate) async fn request(
    State(app): State<App>,
    signed_in: SignedIn,
    posted: Posted,
) -> Result<Response, Fail> {
    let merchant: MerchantId = posted.trimmed("merchant").parse().map_err(|_| Problem::malformed())?;
    signed_in.must(Permission::RequestPayout, merchant)?;
    let nonce = posted.text("nonce");
    if nonce.len() != 24 || !nonce.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Problem::malformed().into());
    }
    let amount = Money::parse(&posted.trimmed("amount").replace([',', '¥'], ""), Currency::CNY);
    let refused = match amount {
        Err(_) => Page::new(&app, &signed_in.visit).t("error-amount").into_owned(),
        Ok(amount) => {
            let new = NewPayout { merchant, amount: Some(amount.minor), urgent: false };
            let hasher = app.service().vault.hasher();
            let hash = |subject: &str, text: &str| Digest(*hasher.code(subject, text).as_bytes());
            let key = hash("console/request", &format!("{}/{nonce}", signed_in.staff().id));
            let content = hash("console/content", &format!("payout {merchant} {}", amount.minor));
            let command = Command::RequestPayout(new);
            let job = Job { command, caller: signed_in.visit.caller(), request: Some((key, content)) };
            let outcome = match app.service().engine.submit(job) {
                Ok(answer) => answer.await,
                Err(refusal) => Err(refusal),
            };
            match outcome {
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
