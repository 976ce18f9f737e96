//! The fields of an address or a posted form.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::header,
};
use url::form_urlencoded;

/// Pairs an address or a form may have.
const PAIRS_MAX: usize = 64;

/// Names and values, as sent. Of a name that comes twice the first counts.
#[derive(Clone, Debug, Default)]
pub struct Pairs(Vec<(String, String)>);

/// Why what was posted is no form of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// Not a form, or one with too many fields.
    Malformed,
    /// Its body is larger than the route allows.
    TooLarge,
}

impl Pairs {
    /// Reads `a=1&b=2`; none when there are more than 64 pairs.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let pairs = form_urlencoded::parse(bytes).take(PAIRS_MAX + 1);
        let pairs: Vec<(String, String)> = pairs.map(|(name, value)| (name.into(), value.into())).collect();
        (pairs.len() <= PAIRS_MAX).then_some(Self(pairs))
    }
    /// Pairs made by us.
    #[must_use]
    pub fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
    /// Reads the body of a posted form.
    ///
    /// # Errors
    /// Any [`Unread`].
    pub async fn posted<S: Send + Sync>(request: Request, state: &S) -> Result<Self, Unread> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Unread::Malformed);
        }
        let body = Bytes::from_request(request, state).await.map_err(|_| Unread::TooLarge)?;
        Self::parse(&body).ok_or(Unread::Malformed)
    }
    /// A value as it was sent; none when absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
    /// Every pair, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn the_first_of_two_fields_counts_and_their_number_is_bounded() {
        let pairs = Pairs::parse(b"a=1&a=2&b=%20x+&c").unwrap();
        assert_eq!((pairs.get("a"), pairs.get("b"), pairs.get("c")), (Some("1"), Some(" x "), Some("")));
        assert_eq!(pairs.get("d"), None);
        let many: String = (0..PAIRS_MAX).map(|n| format!("f{n}=&")).collect();
        assert!(Pairs::parse(many.as_bytes()).is_some());
        assert!(Pairs::parse(format!("{many}z=").as_bytes()).is_none());
    }

    #[tokio::test]
    async fn only_a_form_is_read() {
        let post = |kind: &'static str| {
            Request::post("/").header(header::CONTENT_TYPE, kind).body(Body::from("a=1")).unwrap()
        };
        let read = Pairs::posted(post("application/x-www-form-urlencoded; charset=utf-8"), &()).await;
        assert_eq!(read.unwrap().get("a"), Some("1"));
        for kind in ["text/plain", "application/json", ""] {
            assert_eq!(Pairs::posted(post(kind), &()).await.unwrap_err(), Unread::Malformed, "{kind}");
        }
    }
}
