//! The queue of reconciliation: where ledger, channel and bank differ.

use crate::{
    app::App,
    exception,
    list::{Cell, Field, List, ROWS},
    orders,
    page::Page,
    problem::{Fail, Problem},
    query::Query,
    visit::SignedIn,
};
use axum::{extract::State, response::Response};
use domain::{
    exception::{Class, Exception, State as Stands},
    staff::Permission,
};
use engine::query::{ExceptionFilter, Past};
use types::{BusinessDay, Money, OperatorId};

pub(crate) const PATH: &str = "/console/exceptions";
/// Ages to choose from, days.
const AGES: [i32; 4] = [1, 3, 7, 30];

/// Stops who may not look at reconciliation.
pub(crate) fn must(signed_in: &SignedIn) -> Result<(), Fail> {
    let may = signed_in.staff().may(Permission::Reconcile, None);
    if may { Ok(()) } else { Err(Problem::forbidden().into()) }
}

/// Days since it was first seen.
pub(crate) fn age(one: &Exception, today: BusinessDay) -> i32 {
    (today.0 - one.since.0).max(0)
}

/// What the address asks for; without a state, what somebody has to decide.
fn filter(query: &Query, today: BusinessDay, me: OperatorId) -> ExceptionFilter {
    let state = query.get("state");
    let age = query.get("age").and_then(|days| days.parse::<i32>().ok()).filter(|days| AGES.contains(days));
    let who = query.get("who");
    let by_others = who == Some("to-decide");
    ExceptionFilter {
        open: state.is_none(),
        state: if by_others {
            Some(Stands::Suggested)
        } else {
            Stands::ALL.into_iter().find(|known| Some(known.name()) == state)
        },
        class: Class::ALL.into_iter().find(|known| Some(known.name()) == query.get("class")),
        since: age.map(|days| today.plus(-days)),
        maker: (who == Some("mine")).then_some(me),
        not_maker: by_others.then_some(me),
    }
}

/// `GET /console/exceptions`.
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    build(app, signed_in, query, ROWS).await?.show()
}

pub(crate) async fn build(app: App, signed_in: SignedIn, query: Query, rows: usize) -> Result<List, Fail> {
    must(&signed_in)?;
    let today = signed_in.visit.now.business_day();
    let filter = filter(&query, today, signed_in.staff().id);
    let past = Past { take: rows, ..orders::past(&query, None) };
    let found = app.read(move |queries| queries.exceptions_back(past, filter)).await?;
    let p = Page::new(&app, &signed_in.visit);
    let columns = [
        "col-day",
        "col-exception",
        "col-class",
        "col-ledger",
        "col-channel",
        "col-bank",
        "col-question",
        "col-age",
        "col-note",
        "col-state",
    ];
    let mut list = List::new(p, "menu-exceptions", PATH, &columns, "empty-exceptions");
    let p = &list.p;
    let mut state = Field::select(
        p,
        ("state", "col-state"),
        "exception-state",
        Stands::ALL.map(Stands::name),
        query.get("state"),
    );
    state.options[0].1 = p.t("state-open-only");
    state.options.push(("every".to_owned(), p.t("all")));
    let class =
        Field::select(p, ("class", "col-class"), "class", Class::ALL.map(Class::name), query.get("class"));
    let mut age = Field::new(p, "select", "age", "field-age", query.get("age").unwrap_or_default());
    age.options.push((String::new(), p.t("all")));
    age.options.extend(AGES.map(|days| (days.to_string(), p.t1("age-from", "days", &days.to_string()))));
    let who = Field::select(p, ("who", "field-whose"), "whose", ["mine", "to-decide"], query.get("who"));
    list.fields = vec![state, class, age, who];
    list.by_days(&query);
    let mut question = 0_i128;
    for one in &found.rows {
        question += i128::from(one.question.unwrap_or(0));
        list.rows.push(row(&list.p, one, today));
    }
    list.sum(&[("col-question", question)]);
    list.searched(&query, found.next);
    list.exported(&query, "/console/exceptions.csv");
    Ok(list)
}

fn row(p: &Page, one: &Exception, today: BusinessDay) -> Vec<Cell> {
    let side = |fen: Option<i64>| {
        fen.map_or_else(
            || Cell { class: "money", ..Cell::none() },
            |fen| Cell::money(p, Money::new(fen, one.against.currency())),
        )
    };
    vec![
        Cell::code(&one.day.to_string()),
        Cell::link(&one.reference, &exception::path(&one.reference)),
        Cell::word(p, "class", one.class.name()),
        side(one.ledger),
        side(one.channel),
        side(one.bank),
        side(one.question),
        Cell::number(age(one, today)),
        Cell::text(&one.note),
        Cell::state(p, "exception-state", one.state.name()),
    ]
}
