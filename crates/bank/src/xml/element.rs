//! One entry of a message as a small tree, with getters that say precisely what is wrong.

use super::{ASK, pull::Tag};
use intake::{Fault, fault::quoted};
use std::sync::Arc;
use types::{BusinessDay, Currency, Money, Time};

/// An element and everything in it.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) name: String,
    file: Arc<str>,
    line: u64,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    pub(super) fn new(file: &Arc<str>, tag: Tag) -> Self {
        let Tag { name, line, attributes } = tag;
        Self { name, file: Arc::clone(file), line, attributes, text: String::new(), children: Vec::new() }
    }

    pub(super) fn add_text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn add(&mut self, child: Self) {
        self.children.push(child);
    }

    pub(super) const fn len(&self) -> usize {
        self.children.len()
    }

    /// An element holds text or elements, never both.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.children.is_empty() || self.text.trim().is_empty() {
            return Ok(());
        }
        Err(self.fault("", format!("text {} stands between elements", quoted(self.text.trim()))))
    }

    /// A refusal of this element or of what lies at `path` in it.
    pub(crate) fn fault(&self, path: &str, problem: impl Into<String>) -> Fault {
        let place = if path.is_empty() { self.name.clone() } else { format!("{}/{path}", self.name) };
        Fault::format(&self.file, self.line, problem, ASK).at(place)
    }

    /// Children of this name.
    pub(crate) fn all<'e, 'n>(&'e self, name: &'n str) -> impl Iterator<Item = &'e Self> + use<'e, 'n> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// What lies at `path`, names parted by `/`, if it is there.
    pub(crate) fn get<'e>(&'e self, path: &str) -> Result<Option<&'e Self>, Fault> {
        let mut at = self;
        for name in path.split('/') {
            let mut found = at.all(name);
            let Some(first) = found.next() else { return Ok(None) };
            if let Some(again) = found.next() {
                return Err(again.fault("", format!("{name} appears twice in {}", at.name)));
            }
            at = first;
        }
        Ok(Some(at))
    }

    pub(crate) fn need(&self, path: &str) -> Result<&Self, Fault> {
        self.get(path)?.ok_or_else(|| self.fault(path, "is missing"))
    }

    /// Text of 1 to `most` characters, without the spaces around it.
    pub(crate) fn text(&self, path: &str, most: usize) -> Result<String, Fault> {
        self.need(path)?.own_text(most)
    }

    /// As [`Element::text`], where the element may be missing.
    pub(crate) fn text_if(&self, path: &str, most: usize) -> Result<Option<String>, Fault> {
        self.get(path)?.map(|element| element.own_text(most)).transpose()
    }

    pub(crate) fn own_text(&self, most: usize) -> Result<String, Fault> {
        let text = self.text.trim();
        if !self.children.is_empty() || text.is_empty() {
            return Err(self.fault("", "holds no text"));
        }
        if text.chars().nth(most).is_some() {
            return Err(self.fault("", format!("{} is longer than {most} characters", quoted(text))));
        }
        Ok(text.to_owned())
    }

    /// An amount with its currency.
    pub(crate) fn money(&self, path: &str) -> Result<Money, Fault> {
        let element = self.need(path)?;
        let code = element.attributes.iter().find(|(name, _)| name == "Ccy").map_or("", |(_, code)| code);
        let currency = Currency::from_code(code)
            .ok_or_else(|| element.fault("", format!("currency {} is not an ISO 4217 code", quoted(code))))?;
        let text = element.own_text(20)?;
        Money::parse(&text, currency).map_err(|error| element.fault("", error.to_string()))
    }

    /// A number without currency, such as a control sum, read in `currency`.
    pub(crate) fn sum(&self, path: &str, currency: Currency) -> Result<Option<Money>, Fault> {
        let Some(element) = self.get(path)? else { return Ok(None) };
        let text = element.own_text(20)?;
        Money::parse(&text, currency).map(Some).map_err(|error| element.fault("", error.to_string()))
    }

    /// A number of entries.
    pub(crate) fn count(&self, path: &str) -> Result<Option<u64>, Fault> {
        let Some(element) = self.get(path)? else { return Ok(None) };
        let text = element.own_text(15)?;
        let digits = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        digits.map(Some).ok_or_else(|| element.fault("", format!("{} is not a count", quoted(&text))))
    }

    /// A calendar day, given as `Dt` or as `DtTm` inside `path`.
    pub(crate) fn day(&self, path: &str) -> Result<BusinessDay, Fault> {
        let element = self.need(path)?;
        if let Some(day) = element.text_if("Dt", 10)? {
            let bad = || element.fault("Dt", format!("{} is not a day yyyy-MM-dd", quoted(&day)));
            return BusinessDay::parse(&day).ok_or_else(bad);
        }
        Ok(element.time("DtTm")?.business_day())
    }

    /// An instant. Without an offset it is in the business zone, as mainland banks write it.
    pub(crate) fn time(&self, path: &str) -> Result<Time, Fault> {
        let element = self.need(path)?;
        let text = element.own_text(40)?;
        let at = Time::parse_rfc3339(&text).or_else(|| Time::parse_rfc3339(&format!("{text}+08:00")));
        at.ok_or_else(|| element.fault("", format!("{} is not a time yyyy-MM-ddTHH:mm:ss", quoted(&text))))
    }

    pub(crate) fn flag(&self, path: &str) -> Result<bool, Fault> {
        match self.text_if(path, 5)?.as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(other) => Err(self.fault(path, format!("{} is not true or false", quoted(other)))),
        }
    }
}
