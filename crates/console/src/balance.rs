//! A merchant's money: what is there, what is held, and why, to the cent.

use crate::{
    app::App,
    list::{Cell, Field},
    page::Page,
    payouts,
    problem::Fail,
    query::{Query, scope},
    record::{Action, Record, Section},
    text::show::escape,
    visit::SignedIn,
};
use axum::{extract::State, response::Response};
use domain::{
    held::{Held, Position, Reason},
    staff::Permission,
};
use types::{MerchantId, Money};

pub(crate) const PATH: &str = "/console/balance";

/// `GET /console/balance`.
pub(crate) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    match scope(signed_in.staff(), Permission::SeeMoney, &query)? {
        None => choose(&app, &signed_in, PATH, "menu-balance").await,
        Some(merchant) => record(&app, &signed_in, merchant).await?.show(),
    }
}

/// A list of merchants to choose from, for pages that are about one.
pub(crate) async fn choose(
    app: &App,
    signed_in: &SignedIn,
    path: &'static str,
    title: &str,
) -> Result<Response, Fail> {
    let merchants = app.read(|queries| queries.merchants()).await?;
    let p = Page::new(app, &signed_in.visit);
    let mut list =
        crate::list::List::new(p, title, path, &["col-merchant", "col-name", "col-state"], "empty-merchants");
    list.by_merchant(signed_in.staff(), None);
    list.notes.push(list.p.t("note-choose"));
    for merchant in merchants.iter().take(500) {
        let state = if merchant.active { "active" } else { "inactive" };
        list.rows.push(vec![
            Cell::merchant(path, merchant.id),
            Cell::text(&merchant.name),
            Cell::state(&list.p, "state", state),
        ]);
    }
    list.show()
}

pub(crate) async fn record(app: &App, signed_in: &SignedIn, merchant: MerchantId) -> Result<Record, Fail> {
    let position: Position = app.read(move |queries| engine::position::position(queries, merchant)).await?;
    let known = app.queries().merchant(merchant)?;
    let id = merchant.to_string();
    let here = web::link::to(PATH, &[("merchant", &id)]);
    let p = Page::new(app, &signed_in.visit).at(&here).of(Some(merchant));
    let active = known.as_ref().is_some_and(|known| known.active);
    let state = Cell::state(&p, "state", if active { "active" } else { "inactive" });
    let mut record = Record::new(p, "menu-balance", id, ("menu-orders", crate::orders::PATH), state);
    let p = &record.p;
    let free = position.free();
    let accounts = [
        ("account-free", free),
        ("account-unsettled", position.unsettled.balance()),
        ("account-available", position.available.balance()),
        ("account-reserve", position.reserve.balance()),
        ("account-held", position.held.balance()),
        ("account-transit", position.in_transit.balance()),
    ];
    let facts: Vec<_> = accounts.map(|(key, amount)| (p.t(key), Cell::money(p, amount))).into();
    let mut held =
        Section::new(p, "held", &["col-why", "col-amount", "col-since", "col-release", "col-record"]);
    for one in position.list(signed_in.visit.now) {
        held.rows.push(vec![
            Cell::text(&p.word("held", one.reason.name())),
            Cell::money(p, one.amount),
            Cell::time_or_none(p, one.since),
            Cell::time_or_none(p, one.release_at),
            subject(p, merchant, &one),
        ]);
    }
    record.facts = facts;
    record.amount = Some(record.p.money(free));
    record.notes.push(record.p.t("note-balance"));
    record.sections.push(held);
    if signed_in.may(Permission::RequestPayout, merchant) && free.minor > 0 {
        record.actions.push(payout_form(&record.p, merchant, free)?);
    }
    Ok(record)
}

/// The page of a merchant's balance.
pub(crate) fn path(merchant: MerchantId) -> String {
    web::link::to(PATH, &[("merchant", &merchant.to_string())])
}

/// The record that explains an amount, or the list of those that do, as a link.
fn subject(p: &Page, merchant: MerchantId, one: &Held) -> Cell {
    let (kind, id) = one.subject.split_once(':').unwrap_or((&one.subject, ""));
    let merchant = merchant.to_string();
    let found = |path: &str, key: &str, pairs: &[(&str, &str)]| {
        let pairs: Vec<_> =
            std::iter::once(("merchant", merchant.as_str())).chain(pairs.iter().copied()).collect();
        let (href, text) = (web::link::to(path, &pairs), p.t(key));
        Cell {
            html: format!("<a href=\"{}\">{}</a>", escape(&href), escape(&text)),
            plain: one.subject.clone(),
            ..Cell::default()
        }
    };
    let mut cell = match kind {
        "hold" => Cell::link(id, &format!("{}/{id}", crate::holds::PATH)),
        "day" => found(crate::orders::PATH, "orders-of-day", &[("from", id), ("to", id), ("state", "paid")]),
        _ if one.reason == Reason::Refund => found("/console/refunds", "menu-refunds", &[]),
        "settlement" => Cell::link(id, &format!("/console/settlements/{id}")),
        "payout" => Cell::link(id, &format!("{}/{id}", payouts::PATH)),
        "refund" => Cell::link(id, &format!("/console/refunds/{id}")),
        _ => Cell::code(&one.subject),
    };
    if matches!(one.reason, Reason::Hold(_)) && !one.note.is_empty() {
        cell.html.push_str(&format!(" {}", escape(&one.note)));
    }
    cell
}

fn payout_form(p: &Page, merchant: MerchantId, free: Money) -> Result<Action, Fail> {
    let mut action = Action::new(p, "payout", "request-payout", format!("{PATH}/payout"));
    action.effect = Some(p.t1("effect-payout", "free", &crate::text::show::money(free)).into_owned());
    let mut urgent = Field::new(p, "select", "urgent", "field-urgent", "");
    urgent.options =
        [("", "urgent-no"), ("yes", "urgent-yes")].map(|(value, key)| (value.to_owned(), p.t(key))).into();
    action.fields = vec![
        Field::new(p, "text", "amount", "field-amount", &free.to_string())
            .more("inputmode=\"decimal\" autocomplete=\"off\" required"),
        Field::new(p, "hidden", "merchant", "col-merchant", &merchant.to_string()),
        urgent,
        Field::new(p, "hidden", "nonce", "col-merchant", &crypto::random::alphanumeric(crate::app::NONCE)?),
    ];
    Ok(action)
}
