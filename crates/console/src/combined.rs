//! One combined order (合单): who combined it, what it is made of, what its merchant was told. Whoever combined it and the
//! platform's people see it; a merchant of one of its orders sees that order alone.

use crate::{
    app::App,
    list::Cell,
    orders,
    page::Page,
    problem::{Fail, Problem},
    record::{Record, Section},
    visit::SignedIn,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    combined::Combined,
    notification::{About, Notification},
    order::Order,
    staff::Permission,
};
use types::{CombineTransactionId, CombinedId, IdBlock, NotificationId, id_time};

/// The path of a combined order's page.
pub(crate) fn path(id: CombinedId) -> String {
    format!("/console/combined/{id}")
}

/// What an order's page says of the combined order it is one of: a link for who may see the whole.
pub(crate) fn cell(app: &App, signed_in: &SignedIn, order: &Order) -> Result<Option<Cell>, Fail> {
    let Some(whole) = order.whole().map(|id| app.queries().combined(id)).transpose()?.flatten() else {
        return Ok(None);
    };
    let number = CombineTransactionId(whole.id).to_string();
    let may = signed_in.may(Permission::SeeOrders, whole.merchant);
    Ok(Some(if may { Cell::link(&number, &path(whole.id)) } else { Cell::code(&number) }))
}

/// `GET /console/combined/{id}`.
pub(crate) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, Fail> {
    let whole = app.queries().combined(CombinedId(id))?.ok_or_else(Problem::not_found)?;
    signed_in.must(Permission::SeeOrders, whole.merchant)?;
    let orders = app.queries().orders_of(&whole)?;
    let first = orders.first().cloned().ok_or_else(Problem::not_found)?;
    let p = Page::new(&app, &signed_in.visit).at(&path(whole.id)).of(Some(whole.merchant));
    let state = Cell::state(&p, "state", first.state.name());
    let back = ("menu-orders", orders::PATH);
    let mut record = Record::new(p, "combined-order", whole.number.to_string(), back, state);
    record.amount = Some(record.p.money(whole.total));
    let p = &record.p;
    let facts = [
        ("fact-id", Some(Cell::code(&whole.id.to_string()))),
        ("fact-combined", first.paid_at.map(|_| Cell::code(&CombineTransactionId(whole.id).to_string()))),
        (
            "fact-combined-by",
            Some(Cell::link(&whole.merchant.to_string(), &crate::merchant::path(whole.merchant))),
        ),
        ("fact-app", Some(Cell::code(&whole.app.to_string()))),
        ("col-product", Some(Cell::text(&p.word("product", orders::product_name(whole.product))))),
        ("fact-created", Some(Cell::time(p, id_time(whole.id.0)))),
        ("fact-paid", first.paid_at.map(|at| Cell::time(p, at))),
        ("fact-payer", first.payer.map(|payer| Cell::code(&payer.to_string()))),
    ];
    let facts: Vec<_> = facts.into_iter().filter_map(|(key, cell)| Some((key, cell?))).collect();
    let parts = parts(p, &signed_in, &orders);
    let told = told(&app, &whole, &first)?.map(|told| {
        let columns = ["col-time", "col-notification", "col-tries", "col-state"];
        let mut section = Section::new(p, "menu-notifications", &columns);
        section.rows.push(vec![
            Cell::time(p, told.created_at),
            Cell::link(&told.id.to_string(), &format!("/console/notifications/{}", told.id)),
            Cell::number(told.attempts),
            Cell::state(p, "state", told.state.name()),
        ]);
        section
    });
    record.sections = [Some(parts), told].into_iter().flatten().collect();
    facts.into_iter().for_each(|(key, cell)| record.fact(key, cell));
    record.text("fact-notify", &whole.notify_url);
    record.with_timeline(&app, first.journal).await?.show()
}

/// Its orders; those of others' are named to a merchant that combined them, their pages are their merchants'.
fn parts(p: &Page, signed_in: &SignedIn, orders: &[Order]) -> Section {
    let columns = ["col-merchant", "order", "col-description", "col-amount", "col-state"];
    let mut section = Section::new(p, "menu-orders", &columns);
    let row = |order: &Order| {
        let seen = signed_in.may(Permission::SeeOrders, crate::partners::order_seen_as(signed_in, order));
        let number = &order.terms.number;
        vec![
            Cell::code(&order.terms.merchant.to_string()),
            if seen { Cell::link(number, &orders::path(order.id)) } else { Cell::code(number) },
            Cell::text(&order.terms.description),
            Cell::money(p, order.terms.amount),
            Cell::state(p, "state", order.state.name()),
        ]
    };
    section.rows = orders.iter().map(row).collect();
    section
}

/// What its merchant was told: made by the command that paid it, so it is of the block of the first order's transfer.
fn told(app: &App, whole: &Combined, first: &Order) -> Result<Option<Notification>, Fail> {
    let Some(transfer) = first.transfer else { return Ok(None) };
    let block = transfer.0 - transfer.0 % IdBlock::SIZE;
    for id in block..block + IdBlock::SIZE {
        if let Some(found) = app.queries().notification(NotificationId(id))?
            && found.about == About::CombinedPaid(whole.id)
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
