//! The session cookie and who it belongs to.

use crate::{app::App, problem::Fail};
use axum::http::{HeaderMap, HeaderValue};
use domain::{
    payer::Payer,
    session::{SESSION_LIFE, Session},
};
use types::{Secret, Time, time};
use web::cookie;

/// A signed-in payer.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) session: Session,
    pub(crate) payer: Payer,
    /// What every form of this session carries; another site can't know it.
    pub(crate) form_token: String,
}

/// The cookie that holds the session.
const COOKIE: &str = "feiqian";
/// Characters of a session token: 32 bytes in Base64.
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
    let found = app.queries().member(app.service().token_hash(token))?;
    let Some((session, payer)) = found.filter(|(session, _)| now < session.expires_at) else {
        return Ok(None);
    };
    let form_token = app.service().vault.hasher().code("wallet/form", token).to_hex();
    Ok(Some(Member { session, payer, form_token }))
}

/// The header that starts a session in the browser.
pub(crate) fn start(https: bool, token: &Secret<String>) -> Option<HeaderValue> {
    cookie::session(COOKIE, token.expose(), SESSION_LIFE / time::SECOND, https)
}

/// The header that ends a session in the browser.
pub(crate) fn end(https: bool) -> Option<HeaderValue> {
    cookie::session(COOKIE, "", 0, https)
}
