//! The page of one record: amount and state first, then facts, timeline, related rows, and what can be done.

use crate::{
    app::App,
    list::{Cell, Field},
    page::{self, Page},
    problem::Fail,
};
use askama::Template;
use axum::response::Response;
use std::borrow::Cow;
use types::JournalId;

/// Lines of a timeline at most.
const LINES: usize = 100;

/// Something that can be done: a form of its own.
pub(crate) struct Action {
    pub(crate) path: String,
    /// For tests and scripts.
    pub(crate) id: &'static str,
    pub(crate) label: Cow<'static, str>,
    /// What will change, before it changes.
    pub(crate) effect: Option<String>,
    pub(crate) fields: Vec<Field>,
    /// The page's main action is the only one in the accent's colour.
    pub(crate) primary: bool,
    pub(crate) error: Option<String>,
    /// Whether it only asks: sent by GET, nothing changes.
    pub(crate) get: bool,
}

impl Action {
    pub(crate) fn new(p: &Page, id: &'static str, key: &str, path: String) -> Self {
        let label = p.t(key);
        Self { path, id, label, effect: None, fields: Vec::new(), primary: false, error: None, get: false }
    }
}

/// Related rows.
pub(crate) struct Section {
    pub(crate) title: Cow<'static, str>,
    pub(crate) columns: Vec<Cow<'static, str>>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Section {
    pub(crate) fn new(p: &Page, title: &str, columns: &[&str]) -> Self {
        Self { title: p.t(title), columns: columns.iter().map(|key| p.t(key)).collect(), rows: Vec::new() }
    }
}

/// One line of a timeline.
pub(crate) struct Line {
    pub(crate) at: String,
    pub(crate) what: String,
    pub(crate) outcome: Option<String>,
    pub(crate) who: String,
    pub(crate) note: Option<String>,
}

/// The page of the record that a journal line is about: `order:123`; none where there is no page.
pub(crate) fn path_of(subject: &str) -> Option<String> {
    let (kind, id) = subject.split_once(':')?;
    let id = web::link::encoded(id);
    Some(match kind {
        "order" => format!("/console/orders/{id}"),
        "combined" => format!("/console/combined/{id}"),
        "refund" => format!("/console/refunds/{id}"),
        "notification" => format!("/console/notifications/{id}"),
        "settlement" => format!("/console/settlements/{id}"),
        "payout" => format!("/console/payouts/{id}"),
        "user_transfer" => format!("/console/transfers/{id}"),
        "hold" => format!("/console/holds/{id}"),
        "staff" => format!("/console/people/{id}"),
        "merchant" | "fees" | "settlement_plan" | "bank_account" => format!("/console/merchants/{id}"),
        _ => return None,
    })
}

/// A record's page.
#[derive(Template)]
#[template(path = "record.html")]
pub(crate) struct Record {
    pub(crate) p: Page,
    pub(crate) title: Cow<'static, str>,
    pub(crate) number: String,
    /// The list it is from.
    pub(crate) back: (Cow<'static, str>, &'static str),
    pub(crate) amount: Option<String>,
    pub(crate) state: Cell,
    pub(crate) notes: Vec<Cow<'static, str>>,
    pub(crate) facts: Vec<(Cow<'static, str>, Cell)>,
    pub(crate) sections: Vec<Section>,
    pub(crate) timeline: Vec<Line>,
    pub(crate) actions: Vec<Action>,
    /// A picture of the same, drawn here: markup.
    pub(crate) chart: Option<String>,
}

impl Record {
    pub(crate) fn new(p: Page, title: &str, number: String, back: (&str, &'static str), state: Cell) -> Self {
        Self {
            title: p.t(title),
            number,
            back: (p.t(back.0), back.1),
            amount: None,
            state,
            notes: Vec::new(),
            facts: Vec::new(),
            sections: Vec::new(),
            timeline: Vec::new(),
            actions: Vec::new(),
            chart: None,
            p,
        }
    }
    pub(crate) fn fact(&mut self, key: &str, cell: Cell) {
        self.facts.push((self.p.t(key), cell));
    }
    /// As [`Record::fact`]; leaves out what is empty.
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.fact(key, Cell::text(text));
        }
    }
    /// Reads what happened to the record, newest first: the journal's lines along its links.
    pub(crate) async fn with_timeline(mut self, app: &App, head: JournalId) -> Result<Self, Fail> {
        let lines = app.read(move |queries| queries.timeline(head, LINES)).await?;
        for line in lines {
            let failed = (line.outcome != "ok").then(|| self.p.word("why", &line.outcome).into_owned());
            let (kind, id) = line.actor.split_once(':').unwrap_or((&line.actor, ""));
            let kind = self.p.word("actor", kind);
            let who = [&*kind, id, line.address.as_deref().unwrap_or_default()];
            self.timeline.push(Line {
                at: self.p.time(line.at),
                what: self.p.word("command", &line.command).into_owned(),
                outcome: failed,
                who: who.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "),
                note: line.note.filter(|note| !note.is_empty()),
            });
        }
        Ok(self)
    }
    pub(crate) fn show(&self) -> Result<Response, Fail> {
        page::show(self)
    }
    /// With the error of an action that was refused, and the status that says so.
    pub(crate) fn refused(mut self, id: &str, error: String) -> Result<Response, Fail> {
        if let Some(action) = self.actions.iter_mut().find(|action| action.id == id) {
            action.error = Some(error);
        }
        page::show_as(axum::http::StatusCode::CONFLICT, &self)
    }
}
