//! The page of a list: filters in the address, a table, what it sums to, where it goes on.

use crate::{
    page::{self, Page},
    problem::Fail,
    query::{Query, presets},
    text::show::escape,
};
use askama::Template;
use axum::response::Response;
use std::borrow::Cow;
use types::{MerchantId, Money};

/// Rows of a page.
pub(crate) const ROWS: usize = 50;

/// A value of a row or a fact: markup, made of escaped text only by the functions below.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) class: &'static str,
    pub(crate) html: String,
    /// The same for a file: bare text, amounts without sign of currency, states by name.
    pub(crate) plain: String,
}

impl Cell {
    pub(crate) fn text(text: &str) -> Self {
        Self { class: "", html: escape(text), plain: text.to_owned() }
    }
    /// An id or number: monospaced, to be copied.
    pub(crate) fn code(text: &str) -> Self {
        Self { class: "code", html: format!("<code>{}</code>", escape(text)), plain: text.to_owned() }
    }
    /// A word for a name of ours; a file has the name.
    pub(crate) fn word(p: &Page, kind: &str, name: &str) -> Self {
        Self { class: "", html: escape(&p.word(kind, name)), plain: name.to_owned() }
    }
    /// Why something was refused, by a rejection's code.
    pub(crate) fn refusal(p: &Page, code: &str) -> Self {
        let word = escape(&p.word("why", code));
        Self { class: "", html: format!("<span class=\"state bad\">{word}</span>"), plain: code.to_owned() }
    }
    /// An id that leads to its page.
    pub(crate) fn link(text: &str, href: &str) -> Self {
        let html = format!("<a href=\"{}\"><code>{}</code></a>", escape(href), escape(text));
        Self { class: "code", html, plain: text.to_owned() }
    }
    pub(crate) fn money(p: &Page, amount: Money) -> Self {
        Self { class: "money", html: p.money(amount), plain: amount.to_string() }
    }
    pub(crate) fn time(p: &Page, at: types::Time) -> Self {
        Self { class: "time", html: p.time(at), plain: at.local() }
    }
    pub(crate) fn time_or_none(p: &Page, at: Option<types::Time>) -> Self {
        at.map_or_else(Self::none, |at| Self::time(p, at))
    }
    pub(crate) fn number(number: impl ToString) -> Self {
        let number = number.to_string();
        Self { class: "money", html: escape(&number), plain: number }
    }
    pub(crate) fn none() -> Self {
        Self { class: "", html: "<span class=\"none\">–</span>".to_owned(), plain: String::new() }
    }
    /// A merchant's number, leading to the same list of it.
    pub(crate) fn merchant(path: &str, id: MerchantId) -> Self {
        let id = id.to_string();
        Self::link(&id, &web::link::to(path, &[("merchant", &id)]))
    }
    /// A state: a word and a shape, and a colour beside them. `kind` names the list of words.
    pub(crate) fn state(p: &Page, kind: &str, name: &str) -> Self {
        let tone = tone(name);
        let word = escape(&p.word(kind, name));
        let html = format!("<span class=\"state {tone}\">{word}</span>");
        Self { class: "", html, plain: name.to_owned() }
    }
}

/// How a state looks: done, under way, not known, or gone wrong.
fn tone(name: &str) -> &'static str {
    match name {
        "paid" | "succeeded" | "settled" | "delivered" | "released" | "done" | "resolved" | "cleared"
        | "ok" | "active" | "in_force" => "good",
        "open" | "paying" | "waiting" | "processing" | "pending" | "created" | "sent" | "accepted"
        | "suggested" | "held" | "planned" | "invited" | "authorising" => "wait",
        "unknown" => "unknown",
        "failed" | "abnormal" | "given_up" | "returned" | "rejected" | "declined" | "locked" => "bad",
        _ => "over",
    }
}

/// A filter or a field of a form.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: Cow<'static, str>,
    pub(crate) value: String,
    /// `text`, `date`, `select`, `hidden`, `password`, ….
    pub(crate) kind: &'static str,
    /// Value and label of each choice.
    pub(crate) options: Vec<(String, Cow<'static, str>)>,
    pub(crate) hint: Option<Cow<'static, str>>,
    pub(crate) more: &'static str,
}

impl Field {
    pub(crate) fn new(p: &Page, kind: &'static str, name: &'static str, key: &str, value: &str) -> Self {
        let (label, value) = (p.t(key), value.to_owned());
        Self { name, label, value, kind, options: Vec::new(), hint: None, more: "" }
    }
    pub(crate) fn hint(mut self, p: &Page, key: &str) -> Self {
        self.hint = Some(p.t(key));
        self
    }
    /// Attributes that the browser checks by.
    pub(crate) fn more(mut self, more: &'static str) -> Self {
        self.more = more;
        self
    }
    /// A choice among `names`, worded as `kind`; the empty one stands for all.
    pub(crate) fn select<'a>(
        p: &Page,
        (name, key): (&'static str, &str),
        kind: &str,
        names: impl IntoIterator<Item = &'a str>,
        value: Option<&str>,
    ) -> Self {
        let mut field = Self::new(p, "select", name, key, value.unwrap_or_default());
        field.options.push((String::new(), p.t("all")));
        field.options.extend(names.into_iter().map(|name| (name.to_owned(), p.word(kind, name))));
        field
    }
}

/// A list's page.
#[derive(Template)]
#[template(path = "list.html")]
pub(crate) struct List {
    pub(crate) p: Page,
    pub(crate) title: Cow<'static, str>,
    /// Where the filters lead.
    pub(crate) path: &'static str,
    pub(crate) fields: Vec<Field>,
    /// Stretches of days: label, address, whether it is the present one.
    pub(crate) presets: Vec<(Cow<'static, str>, String, bool)>,
    pub(crate) columns: Vec<Cow<'static, str>>,
    /// The columns' names in a file, from the keys of their words.
    pub(crate) names: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
    /// What the rows shown sum to.
    pub(crate) sums: Vec<(Cow<'static, str>, String)>,
    /// What was gone through, when that is not everything.
    pub(crate) reached: Option<String>,
    pub(crate) next: Option<String>,
    /// The cursor in `next`.
    pub(crate) cursor: Option<i64>,
    pub(crate) first: Option<String>,
    pub(crate) export: Option<String>,
    /// What stands where no row is: what it means, and the next step.
    pub(crate) empty: Cow<'static, str>,
    /// Beside the title.
    pub(crate) notes: Vec<Cow<'static, str>>,
    pub(crate) actions: Vec<crate::record::Action>,
}

impl List {
    pub(crate) fn new(p: Page, title: &str, path: &'static str, columns: &[&str], empty: &str) -> Self {
        Self {
            title: p.t(title),
            path,
            fields: Vec::new(),
            presets: Vec::new(),
            columns: columns.iter().map(|key| p.t(key)).collect(),
            names: columns.iter().map(|key| name_of(key)).collect(),
            rows: Vec::new(),
            sums: Vec::new(),
            reached: None,
            next: None,
            cursor: None,
            first: None,
            export: None,
            empty: p.t(empty),
            notes: Vec::new(),
            actions: Vec::new(),
            p,
        }
    }
    /// Adds the choice of a merchant, for the platform's people.
    pub(crate) fn by_merchant(&mut self, staff: &domain::staff::Staff, merchant: Option<MerchantId>) {
        if staff.merchant.is_none() {
            let value = merchant.map(|id| id.to_string()).unwrap_or_default();
            self.fields.push(
                Field::new(&self.p, "text", "merchant", "field-merchant", &value)
                    .more("inputmode=\"numeric\""),
            );
        }
    }
    /// Adds the choice among states, by their names.
    pub(crate) fn by_state<'a>(&mut self, query: &Query, names: impl IntoIterator<Item = &'a str>) {
        let field = Field::select(&self.p, ("state", "col-state"), "state", names, query.get("state"));
        self.fields.push(field);
    }
    /// Says how many rows are shown, and what they sum to: keys of columns with fen.
    pub(crate) fn sum(&mut self, amounts: &[(&str, i128)]) {
        self.sums = vec![(self.p.t("sum-rows"), self.rows.len().to_string())];
        for (key, fen) in amounts {
            let fen = i64::try_from(*fen).unwrap_or(i64::MAX);
            self.sums.push((self.p.t(key), self.p.money(Money::cny(fen))));
        }
    }
    /// Adds the filters by day and the stretches to choose from.
    pub(crate) fn by_days(&mut self, query: &Query) {
        for (name, key) in [("from", "field-from"), ("to", "field-to")] {
            let value = query.day(name).map(|day| day.to_string()).unwrap_or_default();
            self.fields.push(Field::new(&self.p, "date", name, key, &value));
        }
        for (key, from, to) in presets(self.p.now) {
            let (from, to) = (from.to_string(), to.to_string());
            let present = query.get("from") == Some(&from) && query.get("to") == Some(&to);
            let plain = Query::parse(
                query
                    .with(self.path, "before", None)
                    .split_once('?')
                    .map_or(b"".as_slice(), |q| q.1.as_bytes()),
            );
            let Ok(plain) = plain else { continue };
            let with_from = plain.with("", "from", Some(&from));
            let Ok(with_from) = Query::parse(with_from.trim_start_matches('?').as_bytes()) else { continue };
            self.presets.push((self.p.t(key), with_from.with(self.path, "to", Some(&to)), present));
        }
    }
    /// Sets where the list goes on, and the way back to its beginning.
    pub(crate) fn goes_on(&mut self, query: &Query, next: Option<i64>) {
        self.cursor = next;
        self.next = next.map(|next| query.with(self.path, "before", Some(&next.to_string())));
        self.first = query.get("before").map(|_| query.with(self.path, "before", None));
    }
    /// As [`List::goes_on`] for a search of the past: says how far back it went when there may be more.
    pub(crate) fn searched(&mut self, query: &Query, next: Option<i64>) {
        self.goes_on(query, next);
        if let Some(next) = next
            && self.rows.len() < ROWS
        {
            let back_to = types::id_time(next).local();
            self.reached = Some(self.p.t1("searched-back", "time", &back_to).into_owned());
        }
    }
    /// Offers the same rows as a file at `path`; see [`crate::export::csv`].
    pub(crate) fn exported(&mut self, query: &Query, path: &str) {
        self.export = Some(query.with(path, "before", None));
    }
    pub(crate) fn show(&self) -> Result<Response, Fail> {
        page::show(self)
    }
}

/// `col-merchant` is `merchant`, `fact-signed-in` is `signed_in`.
fn name_of(key: &str) -> String {
    key.split_once('-').map_or(key, |(_, name)| name).replace('-', "_")
}
