//! What every page shows: band, head, language switch, navigation; and answers made of templates.

use crate::{
    app::App,
    assets, icons,
    problem::{Fail, Problem},
    text::{
        self, Fill,
        show::{money, time},
    },
    visit::Visit,
};
use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use protocol::Language;
use std::borrow::Cow;
use types::{Money, Time};
use web::{answer, language, link};

/// The entry of the navigation a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    Home,
    Bills,
    Cards,
    Me,
    /// A step of something: no navigation, nothing to lead astray.
    None,
}

/// What templates know of the visit.
pub(crate) struct Page {
    language: Language,
    here: String,
    form_token: String,
    signed_in: bool,
    sandbox: Option<String>,
    now: Time,
    tab: Tab,
}

impl Page {
    pub(crate) fn new(app: &App, visit: &Visit, tab: Tab) -> Self {
        let settings = &app.service().settings;
        let base = &settings.public_base;
        let host = base.split_once("://").map_or(base.as_str(), |(_, host)| host);
        Self {
            language: visit.language,
            here: visit.here.clone(),
            form_token: visit.member().map(|member| member.form_token.clone()).unwrap_or_default(),
            signed_in: visit.member().is_some(),
            sandbox: settings.sandbox.then(|| host.to_owned()),
            now: visit.now,
            tab,
        }
    }
    /// For a page that answers a post: the address that shows the same by GET.
    pub(crate) fn at(mut self, here: String) -> Self {
        self.here = here;
        self
    }
    pub(crate) const fn lang(&self) -> &'static str {
        language::tag(self.language)
    }
    pub(crate) fn t(&self, key: &str) -> Cow<'static, str> {
        text::text(self.language, key, None)
    }
    pub(crate) fn t1(&self, key: &str, name: &str, value: impl Fill) -> Cow<'static, str> {
        text::filled(self.language, key, &[(name, &value.fill())])
    }
    pub(crate) fn t2(
        &self,
        key: &str,
        name: &str,
        value: impl Fill,
        other: &str,
        and: impl Fill,
    ) -> Cow<'static, str> {
        text::filled(self.language, key, &[(name, &value.fill()), (other, &and.fill())])
    }
    pub(crate) fn money(&self, amount: &Money) -> String {
        money(*amount)
    }
    /// Markup; templates mark it safe.
    pub(crate) fn time(&self, at: &Time) -> String {
        time(*at, self.language)
    }
    /// Markup; templates mark it safe.
    pub(crate) fn icon(&self, name: &str) -> &'static str {
        icons::icon(name)
    }
    pub(crate) fn asset(&self, name: &str) -> &'static str {
        assets::path(name)
    }
    pub(crate) fn form_token(&self) -> &str {
        &self.form_token
    }
    /// The sandbox's name; none in production.
    pub(crate) const fn sandbox(&self) -> Option<&String> {
        self.sandbox.as_ref()
    }
    pub(crate) const fn now(&self) -> &Time {
        &self.now
    }
    pub(crate) fn shows_tabs(&self) -> bool {
        self.signed_in && self.tab != Tab::None
    }
    pub(crate) fn on(&self, tab: &str) -> bool {
        matches!(
            (self.tab, tab),
            (Tab::Home, "home") | (Tab::Bills, "bills") | (Tab::Cards, "cards") | (Tab::Me, "me")
        )
    }
    /// The other language's own name, its tag, and the address of this page in it.
    pub(crate) fn other_language(&self) -> (&'static str, &'static str, String) {
        language::other(self.language, &self.here)
    }
}

/// An answer made of a template.
///
/// # Errors
/// [`Fail::Problem`] when the template can't be rendered.
pub(crate) fn show(template: &impl askama::Template) -> Result<Response, Fail> {
    show_as(StatusCode::OK, template)
}

/// As [`show`], with another status.
///
/// # Errors
/// As [`show`].
pub(crate) fn show_as(status: StatusCode, template: &impl askama::Template) -> Result<Response, Fail> {
    answer::page(status, template).map_err(|error| Problem::fault(&error.to_string()).into())
}

/// Sends the browser to another address by GET.
pub(crate) fn see_other(to: &str) -> Response {
    answer::see_other(to).unwrap_or_else(|| Fail::from(Problem::malformed()).into_response())
}

#[derive(Template)]
#[template(path = "go_on.html")]
struct GoOnPage<'a> {
    p: Page,
    to: &'a str,
}

/// Goes on to one of our pages after a post. A page under `/connect/` may redirect to a merchant, and browsers
/// hold the redirects after a post against `form-action`; so the post ends at a page of ours that moves on by
/// itself.
///
/// # Errors
/// As [`show`].
pub(crate) fn go_on(app: &App, visit: &Visit, to: &str) -> Result<Response, Fail> {
    if to.starts_with("/connect/") {
        return show(&GoOnPage { p: Page::new(app, visit, Tab::None).at(to.to_owned()), to });
    }
    Ok(see_other(to))
}

/// Characters an address to come back to may have.
const NEXT_CHARS_MAX: usize = 4096;

/// An address to come back to, if it is one of our own pages: never an open redirect. Else the wallet's home.
pub(crate) fn own_page(next: &str) -> &str {
    link::back(next, &["/wallet", "/pay/", "/connect/"], NEXT_CHARS_MAX, "/wallet")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_pages_are_come_back_to() {
        for own in
            ["/wallet", "/wallet/bills?from=1", "/pay/code?pr=a%2Fb", "/connect/oauth2/authorize?a=b#x"]
        {
            assert_eq!(own_page(own), own);
        }
        for foreign in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/wallet\\..\\x",
            "/wallet\r\nSet-Cookie: a=b",
            "/pay/\u{0}",
            "javascript:alert(1)",
            "/sandbox/v1/payments",
            "/wallet/../v3",
        ] {
            assert_eq!(own_page(foreign), "/wallet", "{foreign}");
        }
        assert_eq!(own_page(&format!("/wallet?{}", "x".repeat(NEXT_CHARS_MAX))), "/wallet");
    }
}
