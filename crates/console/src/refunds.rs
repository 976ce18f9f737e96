//! Refunds, and the approvals that large ones wait for (R-FIN-53).

use crate::{
    app::App,
    approval::{self, Asked},
    form::Posted,
    list::{Cell, List, ROWS},
    order, orders, page,
    page::Page,
    problem::{Fail, Problem},
    query::{Query, scope},
    record::Record,
    visit::SignedIn,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    Command,
    refund::{Refund, RefundState},
    staff::Permission,
};
use types::{Money, PageRequest, RefundId};

const PATH: &str = "/console/refunds";

/// `GET /console/refunds`.
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    build(app, signed_in, query, ROWS).await?.show()
}

pub(crate) async fn build(app: App, signed_in: SignedIn, query: Query, rows: usize) -> Result<List, Fail> {
    let merchant = scope(signed_in.staff(), Permission::SeeOrders, &query)?;
    let past = engine::query::Past { take: rows, ..orders::past(&query, merchant) };
    let state = query.get("state");
    let state = RefundState::ALL.into_iter().find(|known| Some(known.name()) == state);
    // What waits for everybody's approval is kept in a list of its own, oldest first.
    let queue = state == Some(RefundState::Waiting) && merchant.is_none();
    let found = app
        .read(move |queries| {
            if !queue {
                return queries.refunds_back(past, state);
            }
            let rows = queries.refunds_waiting(PageRequest::new(PageRequest::MAX, None))?.rows;
            Ok(engine::query::Found { rows, next: None })
        })
        .await?;
    let p = Page::new(&app, &signed_in.visit).of(merchant);
    let columns =
        ["col-time", "col-refund", "col-merchant", "col-order", "col-amount", "col-reason", "col-state"];
    let mut list = List::new(p, "menu-refunds", PATH, &columns, "empty-refunds");
    list.by_merchant(signed_in.staff(), merchant);
    let states = RefundState::ALL.map(RefundState::name);
    list.by_state(&query, states);
    list.by_days(&query);
    let mut sum = 0_i128;
    for refund in &found.rows {
        sum += i128::from(refund.terms.amount.minor);
        let p = &list.p;
        list.rows.push(vec![
            Cell::time(p, refund.created_at),
            Cell::link(&refund.terms.number, &format!("{PATH}/{}", refund.id)),
            Cell::merchant(PATH, refund.terms.merchant),
            Cell::link(&refund.order.to_string(), &orders::path(refund.order)),
            Cell::money(p, refund.terms.amount),
            Cell::text(&refund.terms.reason),
            Cell::state(p, "state", refund.state.name()),
        ]);
    }
    list.sum(&[("col-amount", sum)]);
    list.searched(&query, found.next);
    list.exported(&query, "/console/refunds.csv");
    Ok(list)
}

fn find(app: &App, signed_in: &SignedIn, id: i64) -> Result<Refund, Fail> {
    let refund = app.queries().refund(RefundId(id))?.ok_or_else(Problem::not_found)?;
    let (signer, owner) = (refund.terms.signer(), refund.terms.merchant);
    signed_in.must(Permission::SeeOrders, crate::partners::seen_as(signed_in, signer, owner))?;
    Ok(refund)
}

/// `GET /console/refunds/{id}`.
pub(crate) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, Fail> {
    let refund = find(&app, &signed_in, id)?;
    record(&app, &signed_in, &refund).await?.show()
}

async fn record(app: &App, signed_in: &SignedIn, refund: &Refund) -> Result<Record, Fail> {
    let terms = &refund.terms;
    let here = format!("{PATH}/{}", refund.id);
    let p = Page::new(app, &signed_in.visit).at(&here).of(Some(terms.merchant));
    let state = Cell::state(&p, "state", refund.state.name());
    let mut record = Record::new(p, "refund-of", terms.number.to_string(), ("menu-refunds", PATH), state);
    let p = &record.p;
    let facts = [
        ("fact-refund-id", Some(Cell::code(&order::wire(refund)))),
        ("col-order", Some(Cell::link(&refund.order.to_string(), &orders::path(refund.order)))),
        ("col-merchant", Some(Cell::code(&terms.merchant.to_string()))),
        ("fact-created", Some(Cell::time(p, refund.created_at))),
        ("fact-ended", refund.ended_at.map(|at| Cell::time(p, at))),
        ("fact-fee-returned", Some(Cell::money(p, Money::new(refund.fee, terms.amount.currency)))),
        ("fact-funds", Some(Cell::text(&p.word("funds", terms.funds.name())))),
        ("fact-attempt", (refund.attempt > 0).then(|| Cell::number(refund.attempt))),
    ];
    for (key, cell) in facts {
        if let Some(cell) = cell {
            record.fact(key, cell);
        }
    }
    record.text("col-reason", &terms.reason);
    record.text("fact-channel", &refund.channel_code);
    record.amount = Some(record.p.money(Money::new(-terms.amount.minor, terms.amount.currency)));
    let may = signed_in.may(Permission::ApproveRefund, terms.merchant);
    let asked = Asked {
        amount: terms.amount,
        maker: refund.maker,
        given: &refund.approvals,
        needed: refund.approvals_needed,
        decides: refund.state == RefundState::Waiting && may,
        effects: ["effect-approve-refund", "effect-reject-refund"],
    };
    asked.put(app, signed_in, &here, &mut record)?;
    record.with_timeline(app, refund.journal).await
}

/// `POST /console/refunds/{id}/approve`.
pub(crate) async fn approve(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
    posted: Posted,
) -> Result<Response, Fail> {
    let refund = find(&app, &signed_in, id)?;
    let command = Command::ApproveRefund(refund.id);
    let refused = approval::approve(&app, &signed_in, &posted, refund.terms.amount, command).await?;
    decided(&app, &signed_in, &refund, "approve", refused).await
}

/// `POST /console/refunds/{id}/reject`.
pub(crate) async fn reject(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
    posted: Posted,
) -> Result<Response, Fail> {
    let refund = find(&app, &signed_in, id)?;
    let command = Command::RejectRefund { refund: refund.id, reason: approval::reason(&posted) };
    let refused = approval::decide(&app, &signed_in, command).await?;
    decided(&app, &signed_in, &refund, "reject", refused).await
}

async fn decided(
    app: &App,
    signed_in: &SignedIn,
    refund: &Refund,
    action: &str,
    refused: Option<String>,
) -> Result<Response, Fail> {
    match refused {
        None => Ok(page::see_other(&format!("{PATH}/{}", refund.id))),
        Some(why) => record(app, signed_in, refund).await?.refused(action, why),
    }
}
