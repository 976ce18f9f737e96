//! Addresses of our own pages.

use axum::http::Uri;
use url::form_urlencoded;

/// A path with a query of those pairs.
#[must_use]
pub fn to(path: &str, pairs: &[(&str, &str)]) -> String {
    if pairs.is_empty() {
        return path.to_owned();
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    format!("{path}?{}", query.finish())
}

/// A piece of a path as it may stand between two slashes.
#[must_use]
pub fn encoded(piece: &str) -> String {
    let mut out = String::with_capacity(piece.len());
    for byte in piece.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Path and query asked for, without `lang`.
#[must_use]
pub fn here(uri: &Uri) -> String {
    let Some(query) = uri.query() else { return uri.path().to_owned() };
    let kept = query.split('&').filter(|pair| !pair.starts_with("lang=") && !pair.is_empty());
    let query = kept.collect::<Vec<_>>().join("&");
    if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) }
}

/// An address to come back to: `next` when it starts as one of our pages does, is plain and has at most `most`
/// characters, else `home`. Never an open redirect.
#[must_use]
pub fn back<'a>(next: &'a str, starts: &[&str], most: usize, home: &'a str) -> &'a str {
    let ours = starts.iter().any(|start| next.starts_with(start));
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if ours && plain && !next.contains("/../") && next.len() <= most { next } else { home }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_escape_their_values() {
        assert_eq!(
            to("/a", &[("next", "/b?c=d&e=飞"), ("x", "")]),
            "/a?next=%2Fb%3Fc%3Dd%26e%3D%E9%A3%9E&x="
        );
        assert_eq!(to("/a", &[]), "/a");
        assert_eq!(encoded("a-Z_0.~/ ?#%飞"), "a-Z_0.~%2F%20%3F%23%25%E9%A3%9E");
    }

    #[test]
    fn the_language_parameter_is_taken_out_of_the_address() {
        for (given, kept) in [
            ("/wallet", "/wallet"),
            ("/wallet?lang=en", "/wallet"),
            ("/pay/code?pr=a%26b&lang=en", "/pay/code?pr=a%26b"),
            ("/pay/code?lang=zh&pr=a&slang=x", "/pay/code?pr=a&slang=x"),
        ] {
            assert_eq!(here(&given.parse().unwrap()), kept);
        }
    }

    #[test]
    fn only_plain_addresses_of_ours_are_come_back_to() {
        let back = |next| back(next, &["/wallet", "/pay/"], 40, "/home");
        for own in ["/wallet", "/wallet/bills?from=1", "/pay/code?pr=a%2Fb#x"] {
            assert_eq!(back(own), own);
        }
        for foreign in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/wallet\\..\\x",
            "/wallet\r\nSet-Cookie: a=b",
            "/pay/\u{0}",
            "javascript:alert(1)",
            "/wallet/../v3",
        ] {
            assert_eq!(back(foreign), "/home", "{foreign}");
        }
        assert_eq!(back(&format!("/wallet?{}", "x".repeat(40))), "/home");
    }
}
