//! Bills: a merchant's files of the days that are over.

use crate::{
    app::App,
    balance,
    list::{Cell, List},
    page::Page,
    problem::{Fail, Problem},
    query::{Query, scope},
    visit::SignedIn,
};
use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use domain::staff::Permission;
use protocol::bill::ask::Bill;
use service::bills::{BillProblem, Which};
use std::{
    fs::File,
    io::{self, Read},
    time::Duration,
};
use tokio::sync::OwnedSemaphorePermit;
use types::BusinessDay;
use web::FileBody;

const PATH: &str = "/console/bills";
/// Days of a page.
const DAYS: i32 = 31;
/// How long a page waits for a file that must be made first.
const PATIENCE: Duration = Duration::from_secs(15);

/// `GET /console/bills`: the days that are over, with a file of each kind.
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    let Some(merchant) = scope(signed_in.staff(), Permission::SeeMoney, &query)? else {
        return balance::choose(&app, &signed_in, PATH, "menu-bills").await;
    };
    let since = app.queries().merchant(merchant)?.ok_or_else(Problem::not_found)?.created_at.business_day();
    let p = Page::new(&app, &signed_in.visit).of(Some(merchant));
    let mut list =
        List::new(p, "menu-bills", PATH, &["col-day", "col-trade-bills", "col-fund-bills"], "empty-bills");
    list.by_merchant(signed_in.staff(), Some(merchant));
    list.notes.push(list.p.t("note-bills"));
    let newest = signed_in.visit.now.business_day().previous();
    let first = query.day("before").map_or(newest, |day| day.previous().min(newest));
    let id = merchant.to_string();
    for back in 0..DAYS {
        let day = first.plus(-back);
        if day < since {
            break;
        }
        let link = |bill: &Bill| {
            let href = web::link::to(&format!("{PATH}/{day}/{}", bill.name()), &[("merchant", &id)]);
            let word = list.p.word("bill", bill.name());
            format!("<a href=\"{}\" download>{word}</a>", crate::text::show::escape(&href))
        };
        let cell = |trade: bool| {
            let of = |bill: &&Bill| matches!(bill, Bill::Trade(_)) == trade;
            let html = Bill::ALL.iter().filter(of).map(link).collect::<Vec<_>>().join(" · ");
            Cell { html, ..Cell::default() }
        };
        let row = vec![Cell::code(&day.to_string()), cell(true), cell(false)];
        list.rows.push(row);
    }
    let last = first.plus(1 - DAYS);
    list.next = (last > since).then(|| query.with(PATH, "before", Some(&last.to_string())));
    list.first = query.get("before").map(|_| query.with(PATH, "before", None));
    list.show()
}

/// `GET /console/bills/{day}/{bill}`: the file, gzip.
pub(crate) async fn download(
    State(app): State<App>,
    signed_in: SignedIn,
    Path((day, bill)): Path<(String, String)>,
    query: Query,
) -> Result<Response, Fail> {
    let merchant = scope(signed_in.staff(), Permission::SeeMoney, &query)?.ok_or_else(Problem::malformed)?;
    let day = BusinessDay::parse(&day).ok_or_else(Problem::not_found)?;
    let bill = Bill::ALL.into_iter().find(|known| known.name() == bill).ok_or_else(Problem::not_found)?;
    let which = Which { merchant, partner: None, bill, day };
    let file =
        app.service().bills.get(which, signed_in.visit.now, PATIENCE).await.map_err(|why| match why {
            BillProblem::Early(_) => Problem::early(),
            BillProblem::Making | BillProblem::Busy => Problem::busy(),
            BillProblem::Failed(cause) => Problem::fault(&cause),
            _ => Problem::not_found(),
        })?;
    let place = app.exports().try_acquire_owned().map_err(|_| Problem::busy())?;
    let open = move || {
        let file = File::open(&file.path)?;
        let length = file.metadata()?.len();
        Ok::<_, io::Error>(FileBody::new(Placed { file, _place: place }, length))
    };
    let opened = tokio::task::spawn_blocking(open).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    let body = opened.map_err(|error| Problem::fault(&error.to_string()))?;
    let name = format!("attachment; filename=\"{merchant}-{day}-{}.csv.gz\"", bill.name());
    let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static("application/gzip");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], Body::new(body)).into_response())
}

/// A file being read, and its place among the downloads at once.
struct Placed {
    file: File,
    _place: OwnedSemaphorePermit,
}

impl Read for Placed {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        self.file.read(piece)
    }
}
