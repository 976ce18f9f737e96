//! The session cookie and who it belongs to.

use crate::{app::App, problem::Fail};
use axum::http::{HeaderMap, HeaderValue, header};
use domain::{
    records::Digest,
    staff::{SESSION_LIFE, Staff, StaffSession},
};
use types::{Secret, Time, time};

/// Somebody who has given a password, and the code too when [`StaffSession::whole`].
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) session: StaffSession,
    pub(crate) staff: Staff,
    /// What every form of this session carries; another site can't know it.
    pub(crate) form_token: String,
}

/// `__Host-` binds the cookie to this host and https; on a sandbox's plain http a browser would drop that name.
const fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-feiqian-console" } else { "feiqian-console" }
}

/// Characters of a session token.
const TOKEN_CHARS: usize = 43;

/// Who the cookie says is asking; none when it is absent, unknown or over.
///
/// # Errors
/// The store's fault.
pub(crate) fn member(app: &App, headers: &HeaderMap, now: Time) -> Result<Option<Member>, Fail> {
    let Some(token) = cookie(headers, cookie_name(app.https())).filter(|t| t.len() == TOKEN_CHARS) else {
        return Ok(None);
    };
    let Some(session) = app.queries().staff_session(hash(app, token))? else { return Ok(None) };
    let Some(staff) = app.queries().staff(session.staff)? else { return Ok(None) };
    if !session.holds(&staff, now) {
        return Ok(None);
    }
    let form_token = app.service().vault.hasher().code("console/form", token).to_hex();
    Ok(Some(Member { session, staff, form_token }))
}

/// A fresh token and its hash as it is kept.
///
/// # Errors
/// No randomness.
pub(crate) fn fresh(app: &App) -> Result<(Secret<String>, Digest), Fail> {
    let token = crypto::random::alphanumeric(TOKEN_CHARS)?;
    let hash = hash(app, &token);
    Ok((Secret::new(token), hash))
}

fn hash(app: &App, token: &str) -> Digest {
    // Not as payers' tokens are hashed: one is never taken for the other.
    Digest(*app.service().vault.hasher().code("console/token", token).as_bytes())
}

/// A cookie of the request.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The header that starts a session in the browser.
pub(crate) fn start(app: &App, token: &Secret<String>) -> Option<HeaderValue> {
    set(app.https(), token.expose(), SESSION_LIFE / time::SECOND)
}

/// The header that ends a session in the browser.
pub(crate) fn end(app: &App) -> Option<HeaderValue> {
    set(app.https(), "", 0)
}

fn set(https: bool, value: &str, life_s: i64) -> Option<HeaderValue> {
    let secure = if https { "; Secure" } else { "" };
    let name = cookie_name(https);
    let text = format!("{name}={value}; Path=/; Max-Age={life_s}; HttpOnly; SameSite=Lax{secure}");
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}
