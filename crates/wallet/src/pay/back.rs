//! Where a payer is sent back to: the merchant's own page.

use std::fmt;
use url::{Position, Url};

/// Characters of an address; more is refused.
const CHARS_MAX: usize = 2048;

/// A merchant's page that a payer may be sent back to: http or https, a host, no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Back(Url);

/// Why an address is not one a payer is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadBack;

impl Back {
    /// Reads an absolute address. `https_only` in production.
    pub(crate) fn parse(text: &str, https_only: bool) -> Result<Self, BadBack> {
        // The parser forgives spaces and control characters; an address that needs that is no honest one.
        let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\');
        if !plain || text.len() > CHARS_MAX {
            return Err(BadBack);
        }
        let url = Url::parse(text).map_err(|_| BadBack)?;
        let scheme = url.scheme() == "https" || (url.scheme() == "http" && !https_only);
        let named = url.username().is_empty() && url.password().is_none();
        if scheme && named && url.has_host() { Ok(Self(url)) } else { Err(BadBack) }
    }
    /// Host, and port when it is not the scheme's own, as the payer is shown it. A name in another script
    /// stands in its ASCII form, so that it can't look like another's.
    pub(crate) fn host(&self) -> &str {
        &self.0[Position::BeforeHost..Position::AfterPort]
    }
    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
    /// The address with these pairs added to its query.
    pub(crate) fn with(&self, pairs: &[(&str, &str)]) -> String {
        let mut url = self.0.clone();
        url.query_pairs_mut().extend_pairs(pairs);
        url.into()
    }
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Back {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merchants_pages_are_gone_back_to() {
        let back = Back::parse("https://shop.example/pay/done?id=1#top", true).unwrap();
        assert_eq!((back.host(), back.origin().as_str()), ("shop.example", "https://shop.example"));
        assert_eq!(back.with(&[("result", "ok")]), "https://shop.example/pay/done?id=1&result=ok#top");
        let back = Back::parse("http://127.0.0.1:3000/", false).unwrap();
        assert_eq!(back.host(), "127.0.0.1:3000");
        assert_eq!(
            back.with(&[("code", "a&b"), ("state", "飞")]),
            "http://127.0.0.1:3000/?code=a%26b&state=%E9%A3%9E"
        );
        assert_eq!(Back::parse("https://商店.example", true).unwrap().host(), "xn--czrs0t.example");
    }

    #[test]
    fn nothing_else_is() {
        for bad in [
            "",
            "shop.example",
            "/wallet",
            "//shop.example",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "java\nscript:alert(1)",
            " https://shop.example",
            "https:\\\\shop.example",
            "data:text/html,x",
            "ftp://shop.example",
            "file:///etc/passwd",
            "https://user@shop.example",
            "https://bank.example:x@shop.example",
            "https://",
        ] {
            assert_eq!(Back::parse(bad, false), Err(BadBack), "{bad}");
        }
        assert_eq!(Back::parse("http://shop.example", true), Err(BadBack));
        assert_eq!(Back::parse(&format!("https://a.example/{}", "x".repeat(CHARS_MAX)), true), Err(BadBack));
    }
}
