//! Pages as answers, with their security headers.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// A page made of a template.
///
/// # Errors
/// What the template says when it can't be rendered.
pub fn page(status: StatusCode, template: &impl askama::Template) -> Result<Response, askama::Error> {
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    Ok((status, [(header::CONTENT_TYPE, html)], template.render()?).into_response())
}

/// Sends the browser to another address by GET; none when it is no address.
#[must_use]
pub fn see_other(to: &str) -> Option<Response> {
    let to = HeaderValue::from_str(to).ok()?;
    Some((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response())
}

/// The status of an error without a page of its own, such as those that axum makes: a method, a body too large.
#[must_use]
pub fn bare_error(response: &Response) -> Option<StatusCode> {
    let kind = response.headers().get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    let dressed = kind.starts_with(b"text/html") || kind.starts_with(b"application/json");
    let status = response.status();
    (!dressed && (status.is_client_error() || status.is_server_error())).then_some(status)
}

const FIXED: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`: that would make browsers send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Pages show money and people; nobody keeps a copy.
    (header::CACHE_CONTROL, "no-store"),
];

/// Adds the headers of every page, keeping those the response has. `content` is the content security policy,
/// `permissions` the permissions policy; with `https` browsers are told to stay with it.
pub fn secure(response: &mut Response, content: &str, permissions: &'static str, https: bool) {
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    let permissions = HeaderValue::from_static(permissions);
    headers.entry(HeaderName::from_static("permissions-policy")).or_insert(permissions);
    if let Ok(content) = HeaderValue::from_str(content) {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(content);
    }
    if https {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(year);
    }
}
