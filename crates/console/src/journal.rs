//! The journal: who did what, from where, with what outcome.

use crate::{
    app::App,
    list::{Cell, List, ROWS},
    page::Page,
    problem::{Fail, Problem},
    query::Query,
    visit::SignedIn,
};
use axum::{extract::State, response::Response};
use domain::staff::Permission;
use types::{Cursor, PageRequest};

const PATH: &str = "/console/journal";

/// `GET /console/journal`.
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    if !signed_in.staff().may(Permission::SeeJournal, None) {
        return Err(Problem::forbidden().into());
    }
    let request = PageRequest::new(ROWS, query.id("before").map(Cursor));
    let found = app.read(move |queries| queries.journal(request)).await?;
    let p = Page::new(&app, &signed_in.visit);
    let columns = ["col-time", "col-what", "col-record", "col-who", "col-address", "col-outcome", "col-note"];
    let mut list = List::new(p, "menu-journal", PATH, &columns, "empty-journal");
    for line in &found.rows {
        let p = &list.p;
        list.rows.push(vec![
            Cell::time(p, line.at),
            Cell::text(&p.word("command", &line.command)),
            Cell::code(&line.subject),
            Cell::code(&line.actor),
            Cell::text(line.address.as_deref().unwrap_or_default()),
            Cell::text(&line.outcome),
            Cell::text(line.note.as_deref().unwrap_or_default()),
        ]);
    }
    list.goes_on(&query, found.next.map(|cursor| cursor.0));
    list.show()
}
