//! What merchants were told: tries, and sending again.

use crate::{
    app::App,
    form::Posted,
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
    notification::{About, Notification, NotificationState},
    staff::Permission,
};
use types::NotificationId;

const PATH: &str = "/console/notifications";

/// What happened, by name, and the page of the record it happened to.
fn about(about: About) -> (&'static str, Option<String>) {
    let refund = |id: types::RefundId| Some(format!("/console/refunds/{id}"));
    match about {
        About::Paid(id) => ("paid", Some(orders::path(id))),
        About::CombinedPaid(id) => ("paid", Some(crate::combined::path(id))),
        About::RefundSucceeded(id) => ("refund-succeeded", refund(id)),
        About::RefundAbnormal(id) => ("refund-abnormal", refund(id)),
        About::RefundClosed(id) => ("refund-closed", refund(id)),
        About::ShareReceived(_) => ("share-received", None),
        About::ShareReturned(_) => ("share-returned", None),
        About::UserTransferEnded(id) => ("user-transfer", Some(format!("/console/transfers/{id}"))),
        About::TransferBatchEnded(_) => ("transfer-batch", None),
        _ => ("echo", None),
    }
}

fn about_cell(p: &Page, notification: &Notification) -> Cell {
    let (name, href) = about(notification.about);
    let word = p.word("event", name);
    match href {
        None => Cell::text(&word),
        Some(href) => {
            let html = format!("<a href=\"{href}\">{}</a>", crate::text::show::escape(&word));
            Cell { html, plain: name.to_owned(), ..Cell::default() }
        }
    }
}

/// `GET /console/notifications`.
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
    let states = [NotificationState::Pending, NotificationState::Delivered, NotificationState::GivenUp];
    let state = states.into_iter().find(|known| Some(known.name()) == query.get("state"));
    let found = app.read(move |queries| queries.notifications_back(past, state)).await?;
    let p = Page::new(&app, &signed_in.visit).of(merchant);
    let columns = [
        "col-time",
        "col-notification",
        "col-merchant",
        "col-event",
        "col-tries",
        "col-status",
        "col-next",
        "col-state",
    ];
    let mut list = List::new(p, "menu-notifications", PATH, &columns, "empty-notifications");
    list.by_merchant(signed_in.staff(), merchant);
    let names = states.map(NotificationState::name);
    list.by_state(&query, names);
    list.by_days(&query);
    for told in &found.rows {
        let p = &list.p;
        list.rows.push(vec![
            Cell::time(p, told.created_at),
            Cell::link(&told.id.to_string(), &format!("{PATH}/{}", told.id)),
            Cell::merchant(PATH, told.merchant),
            about_cell(p, told),
            Cell::number(told.attempts),
            if told.last_status == 0 { Cell::none() } else { Cell::number(told.last_status) },
            Cell::time_or_none(p, told.next_at),
            Cell::state(p, "state", told.state.name()),
        ]);
    }
    list.sum(&[]);
    list.searched(&query, found.next);
    list.exported(&query, "/console/notifications.csv");
    Ok(list)
}

fn find(app: &App, signed_in: &SignedIn, id: i64) -> Result<Notification, Fail> {
    let found = app.queries().notification(NotificationId(id))?.ok_or_else(Problem::not_found)?;
    signed_in.must(Permission::SeeOrders, found.merchant)?;
    Ok(found)
}

/// `GET /console/notifications/{id}`. The timeline holds the tries.
pub(crate) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, Fail> {
    let told = find(&app, &signed_in, id)?;
    let here = format!("{PATH}/{}", told.id);
    let p = Page::new(&app, &signed_in.visit).at(&here).of(Some(told.merchant));
    let state = Cell::state(&p, "state", told.state.name());
    let mut record = Record::new(p, "notification", told.id.to_string(), ("menu-notifications", PATH), state);
    let p = &record.p;
    let facts = [
        ("col-event", about_cell(p, &told)),
        ("fact-wire-id", Cell::code(&told.id.wire())),
        ("col-merchant", Cell::code(&told.merchant.to_string())),
        ("fact-created", Cell::time(p, told.created_at)),
        ("col-tries", Cell::number(told.attempts)),
        ("col-status", if told.last_status == 0 { Cell::none() } else { Cell::number(told.last_status) }),
        ("col-next", Cell::time_or_none(p, told.next_at)),
    ];
    for (key, cell) in facts {
        record.fact(key, cell);
    }
    if signed_in.may(Permission::Resend, told.merchant) {
        let mut action = Action::new(&record.p, "resend", "resend", format!("{here}/resend"));
        action.effect = Some(record.p.t("effect-resend").into_owned());
        record.actions.push(action);
    }
    record.with_timeline(&app, told.journal).await?.show()
}

/// `POST /console/notifications/{id}/resend`.
pub(crate) async fn resend(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
    _posted: Posted,
) -> Result<Response, Fail> {
    let told = find(&app, &signed_in, id)?;
    app.run(&signed_in.visit, Command::Resend(told.id)).await?;
    Ok(page::see_other(&format!("{PATH}/{}", told.id)))
}
