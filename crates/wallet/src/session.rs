//! The session cookie and who it belongs to.

use crate::{app::App, problem::Fail};
use axum::http::{HeaderMap, HeaderValue, header};
use domain::{
    payer::Payer,
    session::{SESSION_LIFE, Session},
};
use types::{Secret, Time, time};

/// A signed-in payer.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) session: Session,
    pub(crate) payer: Payer,
    /// What every form of this session carries; another site can't know it.
    pub(crate) form_token: String,
}

/// `__Host-` binds the cookie to this host and https; on a sandbox's plain http a browser would drop that name.
const fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-feiqian" } else { "feiqian" }
}

/// Characters of a session token: 32 bytes in Base64.
const TOKEN_CHARS: usize = 43;

/// Who the cookie says is asking; none when it is absent, unknown or over.
///
/// # Errors
/// The store's fault.
pub(crate) fn member(app: &App, headers: &HeaderMap, now: Time) -> Result<Option<Member>, Fail> {
    let Some(token) = cookie(headers, cookie_name(app.https())).filter(|t| t.len() == TOKEN_CHARS) else {
        return Ok(None);
    };
    let Some(session) = app.queries().session(app.service().token_hash(token))? else { return Ok(None) };
    if now >= session.expires_at {
        return Ok(None);
    }
    let Some(payer) = app.queries().payer(session.payer)? else { return Ok(None) };
    let form_token = app.service().vault.hasher().code("wallet/form", token).to_hex();
    Ok(Some(Member { session, payer, form_token }))
}

/// A cookie of the request.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The header that starts a session in the browser.
pub(crate) fn start(https: bool, token: &Secret<String>) -> Option<HeaderValue> {
    set(https, token.expose(), SESSION_LIFE / time::SECOND)
}

/// The header that ends a session in the browser.
pub(crate) fn end(https: bool) -> Option<HeaderValue> {
    set(https, "", 0)
}

fn set(https: bool, value: &str, life_s: i64) -> Option<HeaderValue> {
    let secure = if https { "; Secure" } else { "" };
    let name = cookie_name(https);
    let text = format!("{name}={value}; Path=/; Max-Age={life_s}; HttpOnly; SameSite=Lax{secure}");
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_bound_to_host_and_https_where_there_is_https() {
        let token = Secret::new("x".repeat(TOKEN_CHARS));
        let https = start(true, &token).unwrap();
        assert!(https.is_sensitive());
        let expected = format!(
            "__Host-feiqian={}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure",
            "x".repeat(43)
        );
        assert_eq!(https.to_str().unwrap(), expected);
        assert_eq!(
            end(false).unwrap().to_str().unwrap(),
            "feiqian=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; feiqian=xyz;b=2"));
        headers.append(header::COOKIE, HeaderValue::from_static("c=3"));
        assert_eq!(cookie(&headers, "feiqian"), Some("xyz"));
        assert_eq!(cookie(&headers, "c"), Some("3"));
        assert_eq!(cookie(&headers, "xfeiqian"), None);
    }
}
