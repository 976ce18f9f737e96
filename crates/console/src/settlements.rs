//! Settlements: what a merchant took in a day, and what became of it.

use crate::{
    app::App,
    balance,
    chart::{WIDTH, line, line_height},
    list::{Cell, List, ROWS},
    page::Page,
    problem::{Fail, Problem},
    query::{Query, scope},
    record::Record,
    text::show::{escape, money},
    visit::SignedIn,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    settlement::{Settlement, SettlementId},
    staff::Permission,
};
use types::{Cursor, Money, PageRequest};

const PATH: &str = "/console/settlements";

/// `GET /console/settlements`: a merchant's, newest first.
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    if scope(signed_in.staff(), Permission::SeeMoney, &query)?.is_none() {
        return balance::choose(&app, &signed_in, PATH, "menu-settlements").await;
    }
    build(app, signed_in, query, ROWS).await?.show()
}

pub(crate) async fn build(app: App, signed_in: SignedIn, query: Query, rows: usize) -> Result<List, Fail> {
    let merchant = scope(signed_in.staff(), Permission::SeeMoney, &query)?.ok_or_else(Problem::malformed)?;
    let request = PageRequest::new(rows, query.id("before").map(Cursor));
    let found = app.read(move |queries| queries.settlements(merchant, request)).await?;
    let p = Page::new(&app, &signed_in.visit).of(Some(merchant));
    let columns = [
        "col-day",
        "col-gross",
        "menu-refunds",
        "fact-fee",
        "col-net",
        "col-released",
        "account-reserve",
        "col-release",
        "col-state",
    ];
    let mut list = List::new(p, "menu-settlements", PATH, &columns, "empty-settlements");
    list.by_merchant(signed_in.staff(), Some(merchant));
    for one in &found.rows {
        let p = &list.p;
        let fen = |fen| Cell::money(p, Money::cny(fen));
        list.rows.push(vec![
            Cell::link(&one.id.day().to_string(), &format!("{PATH}/{}", one.id)),
            fen(one.totals.gross),
            fen(-one.totals.refunds),
            fen(one.totals.fees_returned - one.totals.fees),
            fen(one.totals.net()),
            fen(one.released),
            fen(one.reserve),
            Cell::time(p, one.release_at),
            Cell::state(p, "state", one.state.name()),
        ]);
    }
    let released: i128 = found.rows.iter().map(|one| i128::from(one.released)).sum();
    list.sum(&[("col-released", released)]);
    list.goes_on(&query, found.next.map(|cursor| cursor.0));
    list.exported(&query, "/console/settlements.csv");
    Ok(list)
}

/// `GET /console/settlements/{id}`.
pub(crate) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fail> {
    let id: SettlementId = id.parse().map_err(|_| Problem::not_found())?;
    signed_in.must(Permission::SeeMoney, id.merchant())?;
    let one = app.queries().settlement(id)?.ok_or_else(Problem::not_found)?;
    let p = Page::new(&app, &signed_in.visit).of(Some(id.merchant()));
    let state = Cell::state(&p, "state", one.state.name());
    let mut record = Record::new(p, "settlement", id.to_string(), ("menu-settlements", PATH), state);
    let p = &record.p;
    let steps = steps(&one);
    let mut facts: Vec<_> =
        steps.iter().map(|(key, fen)| (p.t(key), Cell::money(p, Money::cny(*fen)))).collect();
    facts.extend([
        (p.t("fact-payments"), Cell::number(one.totals.count)),
        (p.t("fact-refunds"), Cell::number(one.totals.refund_count)),
        (p.t("fact-closed"), Cell::time(p, one.closed_at)),
        (p.t("col-release"), Cell::time(p, one.release_at)),
        (p.t("fact-released"), Cell::time_or_none(p, one.released_at)),
        (p.t("fact-reserve-until"), Cell::time_or_none(p, one.reserve_until)),
    ]);
    let chart = waterfall(p, &steps);
    record.facts = facts;
    record.amount = Some(record.p.money(Money::cny(one.released)));
    record.chart = Some(chart);
    record.with_timeline(&app, one.journal).await?.show()
}

/// From what was taken to what was released: each line is signed, and the last is what is left.
fn steps(one: &Settlement) -> Vec<(&'static str, i64)> {
    let totals = &one.totals;
    let all = [
        ("col-gross", totals.gross),
        ("menu-refunds", -totals.refunds),
        ("fact-fee", totals.fees_returned - totals.fees),
        ("fact-shared", -totals.shared),
        ("fact-other", totals.other),
        ("fact-brought", one.brought),
        ("account-reserve", -one.reserve),
        ("fact-carried", -one.carried),
        ("col-released", one.released),
    ];
    let always = ["col-gross", "col-released"];
    all.into_iter().filter(|(key, fen)| *fen != 0 || always.contains(key)).collect()
}

/// The steps as a waterfall; the facts beside it say the same in words.
fn waterfall(p: &Page, steps: &[(&str, i64)]) -> String {
    let (mut at, mut low, mut high) = (0_i128, 0_i128, 1_i128);
    let mut bars = Vec::new();
    let last = steps.len().saturating_sub(1);
    for (place, (key, fen)) in steps.iter().enumerate() {
        let fen = i128::from(*fen);
        // The last one stands from the ground up.
        let (from, to) = if place == last { (0, fen) } else { (at, at + fen) };
        at = to;
        (low, high) = (low.min(from).min(to), high.max(from).max(to));
        bars.push((*key, fen, from.min(to), from.max(to)));
    }
    let scale = |value: i128| (value - low) * WIDTH / (high - low).max(1);
    let (title, height) = (escape(&p.t("waterfall")), line_height(steps.len()));
    let mut out = format!(
        "<h2>{title}</h2><svg class=\"chart\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">"
    );
    for (place, (key, fen, from, to)) in bars.into_iter().enumerate() {
        let tone = match fen {
            _ if place == last => "total",
            ..0 => "",
            _ => "good",
        };
        let amount = money(Money::cny(i64::try_from(fen).unwrap_or(i64::MAX)));
        let width = if fen == 0 { 0 } else { (scale(to) - scale(from)).max(2) };
        line(&mut out, place, (&p.t(key), &amount), tone, (scale(from).min(WIDTH - 2), width));
    }
    out.push_str("</svg>");
    out
}
