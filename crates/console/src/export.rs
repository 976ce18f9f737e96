//! Lists as CSV: the same filters as the page, written while they are read.

use crate::{
    app::App,
    body::Pieces,
    list::List,
    orders,
    problem::{Fail, Problem},
    query::{Query, scope},
    visit::SignedIn,
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use domain::{order::Order, staff::Permission};
use engine::{
    Queries,
    query::{OrderFilter, Past},
};
use std::{future::Future, io};
use types::TransactionId;

/// Rows of a file: what a spreadsheet opens without complaint.
const ROWS_MAX: usize = 100_000;
/// Orders gone through at most, of everybody.
const EXAMINED_MAX: usize = 20_000_000;
/// Rows of a piece.
const PIECE: usize = 1_000;
const HEAD: &str = "\u{feff}id,transaction_id,merchant,number,created,paid,product,description,currency,amount,fee,refunded,state\r\n";

/// `GET /console/orders.csv`.
pub(crate) async fn orders(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    let merchant = scope(signed_in.staff(), Permission::SeeOrders, &query)?;
    let (past, filter) = (orders::past(&query, merchant), orders::filter(&query));
    let place = app.exports().try_acquire_owned().map_err(|_| Problem::busy())?;
    let (send, body) = Pieces::new(place);
    let queries = app.reader();
    tokio::task::spawn_blocking(move || {
        let outcome = write(&*queries, past, filter, |piece| send.blocking_send(Ok(piece.into())).is_ok());
        if let Err(error) = outcome {
            tracing::error!(%error, "an export broke off");
            let _ = send.blocking_send(Err(io::Error::other(error)));
        }
    });
    Ok(file("orders", &signed_in, body))
}

fn file(name: &str, signed_in: &SignedIn, body: Pieces) -> Response {
    let name = format!("attachment; filename=\"{name}-{}.csv\"", signed_in.visit.now.business_day());
    let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], Body::new(body)).into_response()
}

/// Pages that a file is put together from at most.
const PAGES_MAX: usize = 1_000;
/// Rows of such a page.
const ROWS_OF_PAGE: usize = 200;

/// A list as a file: `build` makes the list of an address with so many rows, and is called again where it goes on.
pub(crate) fn csv<F, Fut>(name: &'static str, build: F) -> MethodRouter<App>
where
    F: Fn(App, SignedIn, Query, usize) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<List, Fail>> + Send + 'static,
{
    get(move |State(app): State<App>, signed_in: SignedIn, query: Query| async move {
        let place = app.exports().try_acquire_owned().map_err(|_| Problem::busy())?;
        // The first rows are read before anything is answered, so that a refusal is a page.
        let first = build(app.clone(), signed_in.clone(), query.clone(), ROWS_OF_PAGE).await?;
        let (send, body) = Pieces::new(place);
        let visitor = signed_in.clone();
        tokio::spawn(async move {
            let (mut list, mut rows) = (first, 0);
            let mut piece = format!("\u{feff}{}\r\n", list.names.join(","));
            for page in 1.. {
                rows += list.rows.len();
                for row in &list.rows {
                    record(row.iter().map(|cell| cell.plain.as_str()), &mut piece);
                }
                let over = rows >= ROWS_MAX || page >= PAGES_MAX;
                if over && list.cursor.is_some() {
                    piece.push_str("# cut off: choose fewer days\r\n");
                }
                if send.send(Ok(std::mem::take(&mut piece).into())).await.is_err() {
                    return;
                }
                let Some(cursor) = list.cursor.filter(|_| !over) else { return };
                match build(app.clone(), visitor.clone(), query.going_on(cursor), ROWS_OF_PAGE).await {
                    Ok(next) => list = next,
                    Err(_) => {
                        tracing::error!(name, "an export broke off");
                        let _ = send.send(Err(io::Error::other("a list can't be read"))).await;
                        return;
                    }
                }
            }
        });
        Ok::<_, Fail>(file(name, &signed_in, body))
    })
}

/// Gives the file piece by piece until `take` says that nobody wants more. A file that is cut off by a bound says so in
/// its last line.
fn write(
    queries: &dyn Queries,
    mut past: Past,
    filter: OrderFilter,
    mut take: impl FnMut(String) -> bool,
) -> Result<(), engine::Fault> {
    past.take = PIECE;
    let (mut rows, mut examined) = (0, 0);
    let mut piece = HEAD.to_owned();
    loop {
        let found = queries.orders_back(past, filter)?;
        rows += found.rows.len();
        examined += past.examine;
        for order in &found.rows {
            line(order, &mut piece);
        }
        let over = rows >= ROWS_MAX || examined >= EXAMINED_MAX;
        if let (true, Some(next)) = (over, found.next) {
            let at = types::id_time(next).local();
            piece.push_str(&format!("# cut off at {at}: choose fewer days\r\n"));
        }
        if !piece.is_empty() && !take(std::mem::take(&mut piece)) {
            return Ok(());
        }
        match found.next {
            Some(next) if !over => past.before = next,
            _ => return Ok(()),
        }
    }
}

fn line(order: &Order, out: &mut String) {
    let terms = &order.terms;
    let money = |minor| types::Money::new(minor, terms.amount.currency).to_string();
    let paid = order.paid_at.map(types::Time::local).unwrap_or_default();
    let wire = order.paid_at.map(|_| TransactionId(order.id).to_string()).unwrap_or_default();
    let fields = [
        order.id.to_string(),
        wire,
        terms.merchant.to_string(),
        terms.number.to_string(),
        types::id_time(order.id.0).local(),
        paid,
        orders::product_name(terms.product).to_owned(),
        terms.description.to_string(),
        terms.amount.currency.code().to_owned(),
        terms.amount.to_string(),
        money(order.fee),
        money(order.refunded.sum),
        order.state.name().to_owned(),
    ];
    record(fields.iter().map(String::as_str), out);
}

/// A line of fields.
fn record<'a>(fields: impl Iterator<Item = &'a str>, out: &mut String) {
    for (place, field) in fields.enumerate() {
        if place > 0 {
            out.push(',');
        }
        quoted(field, out);
    }
    out.push_str("\r\n");
}

/// A field in quotes. What a spreadsheet would take for a formula gets an apostrophe in front.
fn quoted(field: &str, out: &mut String) {
    out.push('"');
    if field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        out.push('\'');
    }
    out.push_str(&field.replace('"', "\"\""));
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_can_neither_break_its_line_nor_become_a_formula() {
        for (field, wanted) in [
            ("tea", "\"tea\""),
            ("a \"b\", c", "\"a \"\"b\"\", c\""),
            ("=HYPERLINK(1)", "\"'=HYPERLINK(1)\""),
            ("-5.00", "\"'-5.00\""),
            ("", "\"\""),
        ] {
            let mut out = String::new();
            quoted(field, &mut out);
            assert_eq!(out, wanted);
        }
    }
}
