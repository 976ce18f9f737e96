//! Cookies as they are read and set.

use axum::http::{HeaderMap, HeaderValue, header};

/// A cookie of the request.
#[must_use]
pub fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The header that sets a cookie for `life_s` seconds, or removes it with 0: out of reach of scripts and of other
/// sites' posts, and where we are reached by https, never sent without it. None when the value is no header value.
#[must_use]
pub fn set(name: &str, value: &str, life_s: i64, https: bool) -> Option<HeaderValue> {
    let secure = if https { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={life_s}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).ok()
}

/// A cookie that stands for a person: as [`set`], and logs don't show it.
///
/// `__Host-` binds it to this host and https; on a sandbox's plain http a browser would drop that name.
#[must_use]
pub fn session(name: &str, token: &str, life_s: i64, https: bool) -> Option<HeaderValue> {
    let mut header = set(&session_name(name, https), token, life_s, https)?;
    header.set_sensitive(true);
    Some(header)
}

/// The token of a cookie set by [`session`].
#[must_use]
pub fn session_token<'a>(headers: &'a HeaderMap, name: &str, https: bool) -> Option<&'a str> {
    find(headers, &session_name(name, https))
}

fn session_name(name: &str, https: bool) -> String {
    if https { format!("__Host-{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_bound_to_host_and_https_where_there_is_https() {
        let token = "x".repeat(43);
        let https = session("feiqian", &token, 2_592_000, true).unwrap();
        assert!(https.is_sensitive());
        let expected =
            format!("__Host-feiqian={token}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(https.to_str().unwrap(), expected);
        let end = session("feiqian", "", 0, false).unwrap();
        assert_eq!(end.to_str().unwrap(), "feiqian=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; feiqian=xyz;b=2"));
        headers.append(header::COOKIE, HeaderValue::from_static("c=3; __Host-feiqian=h"));
        assert_eq!(find(&headers, "feiqian"), Some("xyz"));
        assert_eq!(find(&headers, "c"), Some("3"));
        assert_eq!(find(&headers, "xfeiqian"), None);
        assert_eq!(session_token(&headers, "feiqian", true), Some("h"));
    }
}
