//! The queue of reconciliation: where ledger, channel and bank differ.

use crate::{
    app::App,
    list::{Cell, Field, List, ROWS},
    page::Page,
    problem::{Fail, Problem},
    query::Query,
    visit::SignedIn,
};
use axum::{extract::State, response::Response};
use domain::staff::Permission;
use types::{Cursor, Money, PageRequest};

const PATH: &str = "/console/exceptions";

/// `GET /console/exceptions`.
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    if !signed_in.staff().may(Permission::Reconcile, None) {
        return Err(Problem::forbidden().into());
    }
    let all = query.get("state") == Some("every");
    let request = PageRequest::new(ROWS, query.id("before").map(Cursor));
    let found = app
        .read(move |queries| if all { queries.exceptions(request) } else { queries.exceptions_open(request) })
        .await?;
    let p = Page::new(&app, &signed_in.visit);
    let columns = [
        "col-day",
        "col-exception",
        "col-class",
        "col-ledger",
        "col-channel",
        "col-bank",
        "col-correction",
        "col-note",
        "col-state",
    ];
    let mut list = List::new(p, "menu-exceptions", PATH, &columns, "empty-exceptions");
    let mut field =
        Field::new(&list.p, "select", "state", "col-state", query.get("state").unwrap_or_default());
    field.options = vec![(String::new(), list.p.t("state-open-only")), ("every".to_owned(), list.p.t("all"))];
    list.fields.push(field);
    for one in &found.rows {
        let p = &list.p;
        let side = |fen: Option<i64>| fen.map_or_else(Cell::none, |fen| Cell::money(p, Money::cny(fen)));
        list.rows.push(vec![
            Cell::code(&one.day.to_string()),
            Cell::code(&one.reference),
            Cell::text(&p.word("class", one.class.name())),
            side(one.ledger),
            side(one.channel),
            side(one.bank),
            side((one.correction != 0).then_some(one.correction)),
            Cell::text(&one.note),
            Cell::state(p, "state", one.state.name()),
        ]);
    }
    list.sum(&[]);
    list.goes_on(&query, found.next.map(|cursor| cursor.0));
    list.show()
}
