//! The language a visitor reads: chosen by `?lang=` and kept in a cookie, else the browser's.

use crate::{answer, cookie, link};
use axum::{
    http::{HeaderMap, Method, Uri, header},
    response::Response,
};
use protocol::Language;
use url::form_urlencoded;

/// Cookie that holds the language chosen, for all our pages.
const COOKIE: &str = "feiqian-lang";
/// A year, seconds.
const KEPT_S: i64 = 31_536_000;

/// The language chosen, else the browser's.
#[must_use]
pub fn of(headers: &HeaderMap) -> Language {
    cookie::find(headers, COOKIE).and_then(named).unwrap_or_else(|| {
        Language::of(headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()))
    })
}

/// Answers a page asked for with `?lang=` by the same page without it, and a cookie; none for any other request.
#[must_use]
pub fn switch(method: &Method, uri: &Uri, https: bool) -> Option<Response> {
    if method != Method::GET {
        return None;
    }
    let wanted = form_urlencoded::parse(uri.query()?.as_bytes()).find(|(name, _)| name == "lang")?.1;
    let cookie = cookie::set(COOKIE, short(named(&wanted)?), KEPT_S, https)?;
    let mut response = answer::see_other(&link::here(uri))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Some(response)
}

/// The other language: its own name, its tag, and the address of the page `here` in it.
#[must_use]
pub fn other(language: Language, here: &str) -> (&'static str, &'static str, String) {
    let (name, other) = match language {
        Language::Zh => ("English", Language::En),
        Language::En => ("中文", Language::Zh),
    };
    let joint = if here.contains('?') { '&' } else { '?' };
    (name, tag(other), format!("{here}{joint}lang={}", short(other)))
}

/// The language's tag for the `lang` attribute.
#[must_use]
pub const fn tag(language: Language) -> &'static str {
    match language {
        Language::Zh => "zh-CN",
        Language::En => "en",
    }
}

/// The language with that short name.
fn named(name: &str) -> Option<Language> {
    [Language::Zh, Language::En].into_iter().find(|language| short(*language) == name)
}

/// The short name of a language, as in the cookie and `?lang=`.
const fn short(language: Language) -> &'static str {
    match language {
        Language::Zh => "zh",
        Language::En => "en",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_choice_goes_before_the_browsers_language() {
        let mut headers = HeaderMap::new();
        assert_eq!(of(&headers), Language::Zh);
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("en-GB,en;q=0.9"));
        assert_eq!(of(&headers), Language::En);
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; feiqian-lang=zh"));
        assert_eq!(of(&headers), Language::Zh);
        headers.insert(header::COOKIE, HeaderValue::from_static("feiqian-lang=xx"));
        assert_eq!(of(&headers), Language::En);
    }

    #[test]
    fn a_choice_is_kept_and_leads_back_to_the_page() {
        let switched = switch(&Method::GET, &"/a?x=1&lang=en".parse().unwrap(), true).unwrap();
        assert_eq!(switched.headers()[header::LOCATION], "/a?x=1");
        let kept = "feiqian-lang=en; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(switched.headers()[header::SET_COOKIE], kept);
        for (method, address) in
            [(Method::POST, "/a?lang=en"), (Method::GET, "/a?lang=xx"), (Method::GET, "/a")]
        {
            assert!(switch(&method, &address.parse().unwrap(), true).is_none(), "{method} {address}");
        }
        assert_eq!(other(Language::En, "/a?x=1"), ("中文", "zh-CN", "/a?x=1&lang=zh".into()));
    }
}
