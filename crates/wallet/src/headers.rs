//! The security headers of every page.

use crate::app::App;
use axum::{
    http::{HeaderName, HeaderValue, header},
    response::Response,
};

/// A page whose form leads to another origin says so with this extension of its response; browsers apply
/// `form-action` to redirects after a post too.
#[derive(Clone, Debug)]
pub(crate) struct FormLeadsTo(pub(crate) String);

const FIXED: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`: that would make browsers send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    ),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Pages show balances; nobody keeps a copy.
    (header::CACHE_CONTROL, "no-store"),
];

/// Adds the headers to a response, keeping those it has.
pub(crate) fn secure(app: &App, mut response: Response) -> Response {
    let leads_to = response.extensions_mut().remove::<FormLeadsTo>();
    let extra = leads_to.map(|FormLeadsTo(origin)| format!(" {origin}")).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'{extra}; frame-ancestors 'none'; base-uri 'none'"
    );
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if app.https() {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(year);
    }
    response
}
