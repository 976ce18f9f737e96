//! Whether a form was posted from a page of ours.

use axum::http::{HeaderMap, Method};

/// Whether the method changes nothing, so that it does not matter whose page led here.
#[must_use]
pub const fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// True unless another site had the browser send this. `bases` are the origins under which we are reached, besides
/// the host that was asked.
///
/// `Sec-Fetch-Site` decides where the browser sends it, `Origin` elsewhere. A request with neither is not from a
/// browser that another site could use: those send one of them, and only what has the form token passes further on.
#[must_use]
pub fn is_ours<'b>(headers: &HeaderMap, bases: impl IntoIterator<Item = &'b String>) -> bool {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (header("sec-fetch-site"), header("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = header("host").unwrap_or_default();
            let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
            (!host.is_empty() && authority.eq_ignore_ascii_case(host))
                || bases.into_iter().any(|base| base.eq_ignore_ascii_case(origin))
        }
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_pages_of_ours_post_forms() {
        let base = "https://pay.example".to_owned();
        for (headers, ours) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://pay.example")], false),
            (&[("origin", "https://pay.example")], true),
            (&[("origin", "http://10.0.0.1:8080"), ("host", "10.0.0.1:8080")], true),
            (&[("origin", "https://evil.example"), ("host", "pay.example")], false),
            (&[("origin", "null"), ("host", "")], false),
            (&[], true),
        ] {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
                .collect();
            assert_eq!(is_ours(&map, [&base]), ours, "{headers:?}");
        }
    }
}
