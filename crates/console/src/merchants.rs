//! Merchants: found by number or name.

use crate::{
    app::App,
    list::{Cell, Field, List, ROWS},
    merchant, page,
    page::Page,
    problem::{Fail, Problem},
    query::Query,
    visit::SignedIn,
};
use axum::{extract::State, response::Response};
use domain::{merchant::Merchant, staff::Permission};

pub(crate) const PATH: &str = "/console/merchants";

/// `GET /console/merchants`; a merchant's own people go straight to theirs.
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    match signed_in.staff().merchant {
        Some(own) => Ok(page::see_other(&merchant::path(own))),
        None => build(app, signed_in, query, ROWS).await?.show(),
    }
}

pub(crate) async fn build(app: App, signed_in: SignedIn, query: Query, rows: usize) -> Result<List, Fail> {
    if !signed_in.staff().may(Permission::SeeMerchants, None) {
        return Err(Problem::forbidden().into());
    }
    let text = query.trimmed("q").unwrap_or_default().to_lowercase();
    let active = match query.get("state") {
        Some("active") => Some(true),
        Some("inactive") => Some(false),
        _ => None,
    };
    let after = query.id("before").unwrap_or(-1);
    let wanted = move |known: &Merchant| {
        let named = text.is_empty()
            || known.id.to_string().starts_with(&text)
            || known.name.to_lowercase().contains(&text);
        named && active.is_none_or(|active| known.active == active) && known.id.0 > after
    };
    let found: Vec<Merchant> = app
        .read(move |queries| Ok(queries.merchants()?.into_iter().filter(wanted).take(rows + 1).collect()))
        .await?;
    let p = Page::new(&app, &signed_in.visit);
    let columns = ["col-merchant", "col-name", "fact-created", "fact-refund-days", "col-state"];
    let mut list = List::new(p, "menu-merchants", PATH, &columns, "empty-merchants");
    list.fields.push(Field::new(
        &list.p,
        "search",
        "q",
        "field-merchant-search",
        query.trimmed("q").unwrap_or_default(),
    ));
    list.by_state(&query, ["active", "inactive"]);
    for known in found.iter().take(rows) {
        let p = &list.p;
        list.rows.push(vec![
            Cell::link(&known.id.to_string(), &merchant::path(known.id)),
            Cell::text(&known.name),
            Cell::time(p, known.created_at),
            Cell::number(known.refund_days),
            Cell::state(p, "state", if known.active { "active" } else { "inactive" }),
        ]);
    }
    list.sum(&[]);
    let next = (found.len() > rows).then(|| found[rows - 1].id.0);
    list.goes_on(&query, next);
    list.exported(&query, "/console/merchants.csv");
    Ok(list)
}
