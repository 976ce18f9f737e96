//! What every page shows: band, head, menu, language switch; and answers made of templates.

use crate::{
    app::App,
    assets,
    problem::{Fail, Problem},
    text::{
        self,
        show::{escape, money},
    },
    visit::Visit,
};
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::staff::{Permission, Staff};
use protocol::Language;
use std::borrow::Cow;
use types::{MerchantId, Money, Time};
use web::{answer, language, link};

/// Entries of the menu: the text's key, the address, and what somebody must be allowed to see it.
const MENU: &[(&str, &str, Permission)] = &[
    ("menu-start", "/console", Permission::SeeOrders),
    ("menu-orders", "/console/orders", Permission::SeeOrders),
    ("menu-refunds", "/console/refunds", Permission::SeeOrders),
    ("menu-notifications", "/console/notifications", Permission::SeeOrders),
    ("menu-balance", "/console/balance", Permission::SeeMoney),
    ("menu-holds", "/console/holds", Permission::SeeMoney),
    ("menu-settlements", "/console/settlements", Permission::SeeMoney),
    ("menu-payouts", "/console/payouts", Permission::SeeMoney),
    ("menu-transfers", "/console/transfers", Permission::SeeMoney),
    ("menu-bills", "/console/bills", Permission::SeeMoney),
    ("menu-exceptions", "/console/exceptions", Permission::Reconcile),
    ("menu-merchants", "/console/merchants", Permission::SeeMerchants),
    ("menu-people", "/console/people", Permission::SeeStaff),
    ("menu-journal", "/console/journal", Permission::SeeJournal),
];

/// An entry of the menu as shown.
pub(crate) struct Entry {
    pub(crate) text: Cow<'static, str>,
    pub(crate) href: String,
    pub(crate) current: bool,
}

/// What templates know of the visit.
pub(crate) struct Page {
    pub(crate) language: Language,
    here: String,
    form_token: String,
    staff: Option<Staff>,
    merchant: Option<MerchantId>,
    sandbox: Option<String>,
    pub(crate) now: Time,
}

impl Page {
    pub(crate) fn new(app: &App, visit: &Visit) -> Self {
        let settings = &app.service().settings;
        let base = &settings.public_base;
        let host = base.split_once("://").map_or(base.as_str(), |(_, host)| host);
        let member = visit.member();
        let whole = member.filter(|member| member.session.whole);
        Self {
            language: visit.language,
            here: visit.here.clone(),
            form_token: member.map(|member| member.form_token.clone()).unwrap_or_default(),
            staff: whole.map(|member| member.staff.clone()),
            merchant: None,
            sandbox: settings.sandbox.then(|| host.to_owned()),
            now: visit.now,
        }
    }
    /// The merchant chosen; the menu keeps it.
    pub(crate) fn of(mut self, merchant: Option<MerchantId>) -> Self {
        self.merchant = merchant;
        self
    }
    /// For a page that answers a post: the address that shows the same by GET.
    pub(crate) fn at(mut self, here: &str) -> Self {
        here.clone_into(&mut self.here);
        self
    }
    pub(crate) const fn lang(&self) -> &'static str {
        language::tag(self.language)
    }
    pub(crate) fn t(&self, key: &str) -> Cow<'static, str> {
        text::text(self.language, key, &[])
    }
    pub(crate) fn t1(&self, key: &str, name: &str, value: &str) -> Cow<'static, str> {
        text::text(self.language, key, &[(name, value)])
    }
    /// As [`Page::t`] with values for its placeholders.
    pub(crate) fn with(&self, key: &str, values: &[(&str, &str)]) -> String {
        text::text(self.language, key, values).into_owned()
    }
    /// A word that may be missing in our lists, such as a command's name of tomorrow: then itself.
    pub(crate) fn word(&self, kind: &str, name: &str) -> Cow<'static, str> {
        let key = format!("{kind}-{}", name.replace('_', "-"));
        text::find(self.language, &key, &[]).unwrap_or_else(|| name.to_owned().into())
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
    /// A point in the business zone, as markup; the zone's name shows on hover.
    pub(crate) fn time(&self, at: Time) -> String {
        let zone = self.t("zone");
        format!(r#"<time datetime="{}" title="{zone}">{}</time>"#, at.rfc3339(), at.local())
    }
    pub(crate) fn clock(&self) -> String {
        self.time(self.now)
    }
    pub(crate) fn money(&self, amount: Money) -> String {
        escape(&money(amount))
    }
    /// Who is signed in: name, and what as.
    pub(crate) fn who(&self) -> Option<String> {
        let staff = self.staff.as_ref()?;
        let place = staff.merchant.map_or_else(|| self.t("platform").into_owned(), |id| id.to_string());
        Some(format!("{} · {} · {place}", staff.name, self.word("role", staff.role.name())))
    }
    pub(crate) fn menu(&self) -> Vec<Entry> {
        let Some(staff) = &self.staff else { return Vec::new() };
        let own = staff.merchant;
        let may = |what| staff.may(what, own);
        let entry = |(key, path, _): &(&str, &'static str, Permission)| {
            let merchant = self.merchant.filter(|_| own.is_none()).map(|id| id.to_string());
            let pairs: Vec<(&str, &str)> = merchant.iter().map(|id| ("merchant", id.as_str())).collect();
            let path_here = self.here.split('?').next().unwrap_or_default();
            let below = *path != "/console" && path_here.starts_with(&format!("{path}/"));
            let current = path_here == *path || below;
            Entry { text: self.t(key), href: web::link::to(path, &pairs), current }
        };
        MENU.iter().filter(|(_, _, what)| may(*what)).map(entry).collect()
    }
    /// The merchant chosen, for the search box.
    pub(crate) fn merchant(&self) -> Option<String> {
        self.merchant.map(|id| id.to_string())
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

/// Characters an address to come back to may have.
const NEXT_CHARS_MAX: usize = 2048;

/// An address to come back to, if it is one of the console's own pages: never an open redirect.
pub(crate) fn own_page(next: &str) -> &str {
    link::back(next, &["/console/", "/console?"], NEXT_CHARS_MAX, "/console")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_pages_are_come_back_to() {
        for own in ["/console", "/console/orders?state=paid", "/console?x=1"] {
            assert_eq!(own_page(own), own);
        }
        for foreign in [
            "",
            "//evil.example",
            "/consolex",
            "/console/../v3",
            "/console/\\x",
            "/console/a\r\nb",
            "/wallet",
        ] {
            assert_eq!(own_page(foreign), "/console", "{foreign}");
        }
    }
}
