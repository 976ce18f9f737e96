//! Refunds, and the approvals that large ones wait for (R-FIN-53).

use crate::{
    app::App,
    form::Posted,
    list::{Cell, Field, List},
    order, orders, page,
    page::Page,
    problem::{Fail, Problem, words_of},
    query::{Query, scope},
    record::{Action, Record, Section},
    visit::SignedIn,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    Command,
    refund::{Approval, Funds, Refund, RefundState},
    staff::Permission,
};
use engine::Refusal;
use types::{Money, PageRequest, RefundId};

const PATH: &str = "/console/refunds";

/// `GET /console/refunds`.
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    let merchant = scope(signed_in.staff(), Permission::SeeOrders, &query)?;
    let past = orders::past(&query, merchant);
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
    list.fields.push(Field::select(&list.p, ("state", "col-state"), "state", states, query.get("state")));
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
    let sum = list.p.money(Money::cny(i64::try_from(sum).unwrap_or(i64::MAX)));
    list.sums = vec![(list.p.t("sum-rows"), found.rows.len().to_string()), (list.p.t("col-amount"), sum)];
    list.searched(&query, found.next);
    list.show()
}

fn find(app: &App, signed_in: &SignedIn, id: i64) -> Result<Refund, Fail> {
    let refund = app.queries().refund(RefundId(id))?.ok_or_else(Problem::not_found)?;
    signed_in.must(Permission::SeeOrders, refund.terms.merchant)?;
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
        ("fact-funds", Some(Cell::text(&p.word("funds", funds_name(terms.funds))))),
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
    if refund.approvals_needed > 0 {
        let section = approvals(app, &record.p, refund.maker, &refund.approvals, refund.approvals_needed)?;
        record.sections.push(section);
    }
    let may = signed_in.may(Permission::ApproveRefund, terms.merchant);
    if refund.state == RefundState::Waiting && may {
        record.actions =
            decide(&record.p, &here, terms.amount, "effect-approve-refund", "effect-reject-refund");
        if refund.maker == Some(signed_in.staff().id) {
            record.notes.push(record.p.t("note-own"));
            record.actions.remove(0);
        }
    }
    record.with_timeline(app, refund.journal).await
}

/// Who asked, who approved, and how many are missing.
pub(crate) fn approvals(
    app: &App,
    p: &Page,
    maker: Option<types::OperatorId>,
    given: &[Approval],
    needed: u8,
) -> Result<Section, Fail> {
    let name = |id: types::OperatorId| -> Result<Cell, Fail> {
        let staff = app.queries().staff(id)?;
        Ok(staff.map_or_else(|| Cell::code(&id.to_string()), |staff| Cell::text(&staff.name)))
    };
    let mut section = Section::new(p, "approvals", &["col-what", "col-who", "col-time"]);
    if let Some(maker) = maker {
        section.rows.push(vec![Cell::text(&p.t("asked-for")), name(maker)?, Cell::none()]);
    }
    for approval in given {
        let row = vec![Cell::text(&p.t("approved")), name(approval.by)?, Cell::time(p, approval.at)];
        section.rows.push(row);
    }
    let missing = usize::from(needed).saturating_sub(given.len());
    if missing > 0 {
        let row = vec![Cell::text(&p.t("approval-missing")), Cell::number(missing), Cell::none()];
        section.rows.push(row);
    }
    Ok(section)
}

/// The two forms of whoever decides: to approve, the amount is typed.
pub(crate) fn decide(p: &Page, here: &str, amount: Money, yes: &str, no: &str) -> Vec<Action> {
    let shown = crate::text::show::money(amount);
    let mut approve = Action::new(p, "approve", "approve", format!("{here}/approve"));
    approve.effect = Some(p.t1(yes, "amount", &shown).into_owned());
    approve.fields = vec![
        Field::new(p, "text", "typed", "field-typed", "")
            .hint(p, "hint-typed")
            .more("inputmode=\"decimal\" autocomplete=\"off\" required"),
    ];
    approve.primary = true;
    let mut reject = Action::new(p, "reject", "reject", format!("{here}/reject"));
    reject.effect = Some(p.t1(no, "amount", &shown).into_owned());
    reject.fields = vec![
        Field::new(p, "text", "reason", "field-reason", "")
            .more("maxlength=\"80\" autocomplete=\"off\" required"),
    ];
    vec![approve, reject]
}

/// Whether the amount typed is the one that is decided on.
pub(crate) fn typed(posted: &Posted, amount: Money) -> bool {
    let text = posted.trimmed("typed").replace([',', '¥', ' '], "");
    Money::parse(&text, amount.currency).is_ok_and(|typed| typed == amount)
}

/// `POST /console/refunds/{id}/approve`.
pub(crate) async fn approve(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
    posted: Posted,
) -> Result<Response, Fail> {
    let refund = find(&app, &signed_in, id)?;
    if !typed(&posted, refund.terms.amount) {
        let record = record(&app, &signed_in, &refund).await?;
        let error = record.p.t("error-typed").into_owned();
        return record.refused("approve", error);
    }
    decided(&app, &signed_in, &refund, Command::ApproveRefund(refund.id), "approve").await
}

/// `POST /console/refunds/{id}/reject`.
pub(crate) async fn reject(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
    posted: Posted,
) -> Result<Response, Fail> {
    let refund = find(&app, &signed_in, id)?;
    let reason: String = posted.trimmed("reason").chars().take(80).collect();
    let command = Command::RejectRefund { refund: refund.id, reason: reason.into() };
    decided(&app, &signed_in, &refund, command, "reject").await
}

async fn decided(
    app: &App,
    signed_in: &SignedIn,
    refund: &Refund,
    command: Command,
    action: &str,
) -> Result<Response, Fail> {
    match app.run(&signed_in.visit, command).await {
        Ok(_) => Ok(page::see_other(&format!("{PATH}/{}", refund.id))),
        Err(Refusal::Rejected(why)) if why != domain::Rejection::NotAllowed => {
            let error = words_of(signed_in.visit.language, &why);
            record(app, signed_in, refund).await?.refused(action, error)
        }
        Err(why) => Err(why.into()),
    }
}

const fn funds_name(funds: Funds) -> &'static str {
    match funds {
        Funds::Unsettled => "unsettled",
        Funds::Available => "available",
    }
}
