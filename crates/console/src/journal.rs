//! The journal: who did what, from where, with what outcome; searched.

use crate::{
    app::App,
    list::{Cell, Field, List, ROWS},
    page::Page,
    problem::{Fail, Problem},
    query::Query,
    record::path_of,
    visit::SignedIn,
};
use axum::{extract::State, response::Response};
use domain::staff::Permission;
use engine::{
    Fault, Queries,
    query::{Found, JournalRow},
};
use types::{Cursor, PageRequest, Time};

const PATH: &str = "/console/journal";
/// Lines gone through for one page: some 30 ms.
const EXAMINE: usize = 5_000;

/// What is wanted of the journal. What is absent does not matter.
struct Wanted {
    who: Option<String>,
    command: Option<String>,
    record: Option<String>,
    refused: Option<bool>,
    from: Option<Time>,
    to: Option<Time>,
}

impl Wanted {
    fn of(app: &App, query: &Query) -> Result<Self, Fail> {
        // A sign-in name stands for its number.
        let who = match query.trimmed("who") {
            Some(name) if domain::staff::is_name(name) && !name.contains(':') => {
                let staff = app.queries().staff_by_name(name)?;
                Some(staff.map_or_else(|| name.to_owned(), |staff| format!("operator:{}", staff.id)))
            }
            other => other.map(str::to_owned),
        };
        Ok(Self {
            who,
            command: query.trimmed("command").map(str::to_lowercase),
            record: query.trimmed("record").map(str::to_owned),
            refused: match query.get("outcome") {
                Some("done") => Some(false),
                Some("refused") => Some(true),
                _ => None,
            },
            from: query.day("from").map(|day| day.start()),
            to: query.day("to").map(|day| day.next().start()),
        })
    }
    fn has(&self, line: &JournalRow) -> bool {
        let whole = |wanted: &Option<String>, text: &str| {
            wanted.as_deref().is_none_or(|wanted| {
                text == wanted
                    || text.split_once(':').is_some_and(|(kind, id)| kind == wanted || id == wanted)
            })
        };
        whole(&self.who, &line.actor)
            && whole(&self.record, &line.subject)
            && self.command.as_deref().is_none_or(|wanted| line.command.contains(wanted))
            && self.refused.is_none_or(|refused| refused == (line.outcome != "ok"))
            && self.to.is_none_or(|to| line.at < to)
    }
}

/// Goes back from `before`: a bounded number of lines, until a page is full or the days asked for are over.
fn back(
    queries: &dyn Queries,
    wanted: &Wanted,
    mut before: Option<Cursor>,
    take: usize,
) -> Result<(Found<JournalRow>, Option<Time>), Fault> {
    let (mut rows, mut examined, mut reached) = (Vec::new(), 0, None);
    loop {
        let page = queries.journal(PageRequest::new(PageRequest::MAX, before))?;
        examined += page.rows.len();
        for line in page.rows {
            if wanted.from.is_some_and(|from| line.at < from) {
                return Ok((Found { rows, next: None }, reached));
            }
            let (id, at) = (line.id.0, line.at);
            reached = Some(at);
            if wanted.has(&line) {
                rows.push(line);
                if rows.len() == take {
                    return Ok((Found { rows, next: Some(id) }, reached));
                }
            }
        }
        match page.next {
            Some(next) if examined < EXAMINE => before = Some(next),
            next => return Ok((Found { rows, next: next.map(|cursor| cursor.0) }, reached)),
        }
    }
}

/// `GET /console/journal`.
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    build(app, signed_in, query, ROWS).await?.show()
}

pub(crate) async fn build(app: App, signed_in: SignedIn, query: Query, rows: usize) -> Result<List, Fail> {
    if !signed_in.staff().may(Permission::SeeJournal, None) {
        return Err(Problem::forbidden().into());
    }
    let wanted = Wanted::of(&app, &query)?;
    let before = query.id("before").map(Cursor);
    let (found, reached) = app.read(move |queries| back(queries, &wanted, before, rows)).await?;
    let p = Page::new(&app, &signed_in.visit);
    let columns = ["col-time", "col-what", "col-record", "col-who", "col-address", "col-outcome", "col-note"];
    let mut list = List::new(p, "menu-journal", PATH, &columns, "empty-journal");
    for (name, key) in [("who", "field-who"), ("command", "field-command"), ("record", "field-record")] {
        let value = query.trimmed(name).unwrap_or_default();
        list.fields.push(Field::new(&list.p, "text", name, key, value).more("autocapitalize=\"none\""));
    }
    list.fields.push(Field::select(
        &list.p,
        ("outcome", "col-outcome"),
        "outcome",
        ["done", "refused"],
        query.get("outcome"),
    ));
    list.by_days(&query);
    for line in &found.rows {
        let p = &list.p;
        list.rows.push(vec![
            Cell::time(p, line.at),
            Cell::word(p, "command", &line.command),
            match path_of(&line.subject) {
                Some(href) => Cell::link(&line.subject, &href),
                None => Cell::code(&line.subject),
            },
            Cell::code(&line.actor),
            Cell::text(line.address.as_deref().unwrap_or_default()),
            if line.outcome == "ok" { Cell::text("ok") } else { Cell::refusal(p, &line.outcome) },
            Cell::text(line.note.as_deref().unwrap_or_default()),
        ]);
    }
    list.sum(&[]);
    list.goes_on(&query, found.next);
    if found.next.is_some()
        && found.rows.len() < rows
        && let Some(reached) = reached
    {
        list.reached = Some(list.p.t1("searched-back", "time", &reached.local()).into_owned());
    }
    list.exported(&query, "/console/journal.csv");
    Ok(list)
}
