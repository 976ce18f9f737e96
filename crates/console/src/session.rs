//! The session cookie and who it belongs to.

use crate::{app::App, problem::Fail};
use axum::http::{HeaderMap, HeaderValue};
use domain::{
    records::Digest,
    staff::{SESSION_LIFE, Staff, StaffSession},
};
use types::{Secret, Time, time};
use web::cookie;

/// Somebody who has given a password, and the code too when [`StaffSession::whole`].
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) session: StaffSession,
    pub(crate) staff: Staff,
    /// What every form of this session carries; another site can't know it.
    pub(crate) form_token: String,
}

/// The cookie that holds the session.
const COOKIE: &str = "feiqian-console";
/// Characters of a session token.
const TOKEN_CHARS: usize = 43;

/// Who the cookie says is asking; none when it is absent, unknown or over.
///
/// # Errors
/// The store's fault.
pub(crate) fn member(app: &App, headers: &HeaderMap, now: Time) -> Result<Option<Member>, Fail> {
    let Some(token) = cookie::session_token(headers, COOKIE, app.https()).filter(|t| t.len() == TOKEN_CHARS)
    else {
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

/// The header that starts a session in the browser.
pub(crate) fn start(app: &App, token: &Secret<String>) -> Option<HeaderValue> {
    cookie::session(COOKIE, token.expose(), SESSION_LIFE / time::SECOND, app.https())
}

/// The header that ends a session in the browser.
pub(crate) fn end(app: &App) -> Option<HeaderValue> {
    cookie::session(COOKIE, "", 0, app.https())
}
