//! Orders: found by searching the past.

use crate::{
    app::App,
    list::{Cell, Field, List, ROWS},
    page::{self, Page},
    problem::Fail,
    query::{Query, scope},
    visit::SignedIn,
};
use axum::{extract::State, response::Response};
use domain::{
    merchant::Product,
    order::{Order, OrderState},
    staff::Permission,
};
use engine::query::{OrderFilter, Past};
use types::{MerchantId, Money, OrderId, RefundNumber, TransactionId};

/// Orders gone through for one page: some 50 ms of a cold file, far below what a reader notices.
pub(crate) const EXAMINE: usize = 50_000;
pub(crate) const PATH: &str = "/console/orders";

/// What the address asks for.
pub(crate) fn filter(query: &Query) -> OrderFilter {
    let state = query.get("state");
    let product = query.get("product");
    OrderFilter {
        state: OrderState::ALL.into_iter().find(|known| Some(known.name()) == state),
        product: Product::ALL.into_iter().find(|known| Some(product_name(*known)) == product),
        least: query.amount("least").map(|amount| amount.minor),
        most: query.amount("most").map(|amount| amount.minor),
        owner: query.get("sub").and_then(|sub| sub.parse().ok()),
    }
}

/// Where the address has the search begin and end.
pub(crate) fn past(query: &Query, merchant: Option<MerchantId>) -> Past {
    let (from, to) = query.ids();
    let before = query.id("before").map_or(to, |before| before.min(to));
    Past { merchant, before, from, examine: EXAMINE, take: ROWS }
}

pub(crate) const fn product_name(product: Product) -> &'static str {
    match product {
        Product::Jsapi => "jsapi",
        Product::App => "app",
        Product::H5 => "h5",
        Product::Native => "native",
        Product::Code => "code",
    }
}

/// `GET /console/orders`.
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    let merchant = scope(signed_in.staff(), Permission::SeeOrders, &query)?;
    let (asked, wanted) = (past(&query, merchant), filter(&query));
    let number = query.trimmed("number").map(str::to_owned);
    let found = match number.clone() {
        None => app.read(move |queries| queries.orders_back(asked, wanted)).await?,
        Some(number) => {
            let rows = by_number(&app, merchant, &number)?.into_iter().collect();
            engine::query::Found { rows, next: None }
        }
    };
    let p = Page::new(&app, &signed_in.visit).of(merchant);
    // A partner's list holds the orders of many merchants, too.
    let partner = crate::partners::is_partner(&app, merchant)?;
    let everybody = merchant.is_none() || partner;
    let mut columns = vec!["col-time", "col-number"];
    if everybody {
        columns.push("col-merchant");
    }
    columns.extend(["col-product", "col-description", "col-amount", "col-refunded", "col-state"]);
    let mut list = List::new(p, "menu-orders", PATH, &columns, "empty-orders");
    list.by_merchant(signed_in.staff(), merchant);
    list.fields.push(Field::new(
        &list.p,
        "text",
        "number",
        "field-number",
        number.as_deref().unwrap_or_default(),
    ));
    if partner {
        let value = query.get("sub").unwrap_or_default();
        let field = Field::new(&list.p, "text", "sub", "field-sub-merchant", value);
        list.fields.push(field.more("inputmode=\"numeric\""));
    }
    let states = OrderState::ALL.map(OrderState::name);
    list.by_state(&query, states);
    let products = Product::ALL.map(product_name);
    list.fields.push(Field::select(
        &list.p,
        ("product", "col-product"),
        "product",
        products,
        query.get("product"),
    ));
    for (name, key) in [("least", "field-least"), ("most", "field-most")] {
        let value = query.get(name).unwrap_or_default();
        list.fields.push(Field::new(&list.p, "text", name, key, value).more("inputmode=\"decimal\""));
    }
    list.by_days(&query);
    let (mut amount, mut refunded) = (0_i128, 0_i128);
    for order in &found.rows {
        amount += i128::from(order.terms.amount.minor);
        refunded += i128::from(order.refunded.sum);
        list.rows.push(row(&list.p, order, everybody));
    }
    list.sum(&[("col-amount", amount), ("col-refunded", refunded)]);
    list.searched(&query, found.next);
    list.export = number.is_none().then(|| query.with("/console/orders.csv", "before", None));
    if merchant.is_none() && found.next.is_some() && number.is_none() {
        list.notes.push(list.p.t("note-choose-merchant"));
    }
    list.show()
}

fn row(p: &Page, order: &Order, everybody: bool) -> Vec<Cell> {
    let mut row =
        vec![Cell::time(p, types::id_time(order.id.0)), Cell::link(&order.terms.number, &path(order.id))];
    if everybody {
        row.push(Cell::merchant(PATH, order.terms.merchant));
    }
    let back = order.refunded.sum;
    row.extend([
        Cell::text(&p.word("product", product_name(order.terms.product))),
        Cell::text(&order.terms.description),
        Cell::money(p, order.terms.amount),
        if back == 0 {
            Cell { class: "money", ..Cell::none() }
        } else {
            Cell::money(p, Money::new(back, order.terms.amount.currency))
        },
        Cell::state(p, "state", order.state.name()),
    ]);
    row
}

/// The page of an order.
pub(crate) fn path(order: OrderId) -> String {
    format!("{PATH}/{order}")
}

/// The order that a number names: the platform's of 28 digits, its id, or the merchant's own. Only what `merchant` may see.
fn by_number(app: &App, merchant: Option<MerchantId>, number: &str) -> Result<Option<Order>, Fail> {
    let queries = app.queries();
    let mut found = None;
    if let Some(merchant) = merchant {
        found = queries.order_by_number(merchant, number)?;
    }
    if found.is_none() {
        let id = number.parse::<TransactionId>().map(|id| id.0).or_else(|_| number.parse::<OrderId>());
        if let Ok(id) = id {
            found = queries.order(id)?;
        }
    }
    if found.is_none()
        && let Ok(refund) = number.parse::<RefundNumber>()
        && let Some(refund) = queries.refund(refund.0)?
    {
        found = queries.order(refund.order)?;
    }
    let has_part = |order: &Order, own| order.terms.merchant == own || order.terms.signer() == own;
    Ok(found.filter(|order| merchant.is_none_or(|own| has_part(order, own))))
}

/// `GET /console/search`: a number leads to its order; words such as `paid amount:>100 day:2026-11-20` become filters.
pub(crate) async fn search(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    let merchant = scope(signed_in.staff(), Permission::SeeOrders, &query)?;
    let text = query.trimmed("q").unwrap_or_default();
    if let Some(order) = by_number(&app, merchant, text)? {
        return Ok(page::see_other(&path(order.id)));
    }
    let own = merchant.map(|id| id.to_string());
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    if signed_in.staff().merchant.is_none()
        && let Some(own) = &own
    {
        pairs.push(("merchant", own));
    }
    for word in text.split_whitespace().take(8) {
        match word.split_once(':') {
            Some(("amount", value)) => match value.strip_prefix('>').or_else(|| value.strip_prefix('<')) {
                Some(bound) if value.starts_with('>') => pairs.push(("least", bound)),
                Some(bound) => pairs.push(("most", bound)),
                None => pairs.extend([("least", value), ("most", value)]),
            },
            Some(("day", value)) => pairs.extend([("from", value), ("to", value)]),
            Some((name @ ("state" | "product" | "merchant"), value)) => pairs.push((name, value)),
            _ if OrderState::ALL.iter().any(|state| state.name() == word) => pairs.push(("state", word)),
            _ => pairs.push(("number", word)),
        }
    }
    Ok(page::see_other(&web::link::to(PATH, &pairs)))
}
