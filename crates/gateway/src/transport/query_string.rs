//! Query strings as SDKs really send them (wire §1.3, §15).
//!
//! Percent escapes are undone; `+` is literal, because values that are Base64 come unescaped; a piece that is
//! empty (`?&mchid=1`) is skipped; a name without `=` has an empty value; unknown names are tolerated. Refused are
//! a name given twice (two readers could disagree on which counts), escapes that are none, text that is not
//! UTF-8, control characters, and anything beyond the bounds.

use protocol::{ApiError, Location, Text, issue};

/// The longest query read, in bytes.
pub const QUERY_BYTES_MAX: usize = 4096;
/// The most parameters of a query.
pub const PAIRS_MAX: usize = 64;

/// Why a query can't be read. Each names the parameter where there is one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// More than [`QUERY_BYTES_MAX`].
    #[error("the query has {0} bytes; at most {QUERY_BYTES_MAX} are read")]
    TooLong(usize),
    /// More than [`PAIRS_MAX`].
    #[error("the query has more than {PAIRS_MAX} parameters")]
    TooMany,
    /// A value without a name.
    #[error("the query has a parameter without a name")]
    Nameless,
    /// The same name twice.
    #[error("the query has `{0}` more than once")]
    Duplicate(String),
    /// A `%` that two hex digits do not follow, bytes that are not UTF-8, or a control character.
    #[error("the query has a `{0}` that is not percent-encoded UTF-8 without control characters")]
    Encoding(String),
}

/// Reads a query (what follows `?`): names and values in the order they came.
///
/// ```
/// let pairs = gateway::query_pairs("&mchid=1900000001&mobile=a+b%2F%3D").unwrap();
/// assert_eq!(pairs, [("mchid".into(), "1900000001".into()), ("mobile".into(), "a+b/=".into())]);
/// assert!(gateway::query_pairs("mchid=1&mchid=2").is_err());
/// ```
///
/// # Errors
/// [`QueryError`], whatever the text; never panics.
pub fn query_pairs(query: &str) -> Result<Vec<(String, String)>, QueryError> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(QueryError::TooLong(query.len()));
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    for piece in query.split('&').filter(|piece| !piece.is_empty()) {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        let raw_name = || QueryError::Encoding(name.chars().take(64).collect());
        let name = decoded(name).ok_or_else(raw_name)?;
        if name.is_empty() {
            return Err(QueryError::Nameless);
        }
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(QueryError::Duplicate(name.chars().take(64).collect()));
        }
        if pairs.len() == PAIRS_MAX {
            return Err(QueryError::TooMany);
        }
        let value = decoded(value).ok_or_else(|| QueryError::Encoding(name.chars().take(64).collect()))?;
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// The text with its escapes undone.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            let [high, low] = after.first_chunk::<2>()?.map(|digit| char::from(digit).to_digit(16));
            bytes.push(u8::try_from(high? * 16 + low?).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

/// A query that has been read.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: &str) -> Result<Self, QueryError> {
        query_pairs(query).map(Self)
    }
    /// The value under a name; none when absent or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        let name = match &error {
            QueryError::Duplicate(name) | QueryError::Encoding(name) => name.clone(),
            QueryError::TooLong(_) | QueryError::TooMany | QueryError::Nameless => "query".into(),
        };
        let issue = match &error {
            QueryError::TooLong(bytes) => issue::length(0, QUERY_BYTES_MAX, *bytes),
            QueryError::TooMany => Text::new(
                format!("参数过多，上限 {PAIRS_MAX} 个"),
                format!("has too many parameters: at most {PAIRS_MAX}"),
            ),
            QueryError::Nameless => Text::fixed("含无名称的参数", "has a parameter without a name"),
            QueryError::Duplicate(_) => Text::fixed("重复出现", "occurs twice"),
            QueryError::Encoding(_) => issue::form(
                "合法的百分号编码 UTF-8，且不含控制字符",
                "percent-encoded UTF-8 without control characters",
            ),
        };
        Self::param(name, None, issue, Location::Query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_sdks_send_is_read() {
        let cases: [(&str, &[(&str, &str)]); 9] = [
            ("", &[]),
            ("&", &[]),
            ("mchid=1", &[("mchid", "1")]),
            ("&mchid=1&", &[("mchid", "1")]),
            ("mchid", &[("mchid", "")]),
            ("a=b=c", &[("a", "b=c")]),
            ("mobile=Zm9v+YmFy/A==", &[("mobile", "Zm9v+YmFy/A==")]),
            ("name=%E5%BC%A0%20x&n=a|b", &[("name", "张 x"), ("n", "a|b")]),
            ("%6dchid=1", &[("mchid", "1")]),
        ];
        for (query, expected) in cases {
            assert_eq!(query_pairs(query), Ok(pairs(expected)), "{query}");
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let duplicate = |name: &str| Err(QueryError::Duplicate(name.into()));
        let encoding = |name: &str| Err(QueryError::Encoding(name.into()));
        for (query, expected) in [
            ("mchid=1&mchid=2", duplicate("mchid")),
            ("mchid=1&%6Dchid=1", duplicate("mchid")),
            ("mchid&mchid", duplicate("mchid")),
            ("mchid=%", encoding("mchid")),
            ("mchid=%1", encoding("mchid")),
            ("mchid=%zz", encoding("mchid")),
            ("mchid=%+1", encoding("mchid")),
            ("mchid=%00", encoding("mchid")),
            ("mchid=%0a", encoding("mchid")),
            ("mchid=%c2%85", encoding("mchid")),
            ("mchid=%ff", encoding("mchid")),
            ("%ff=1", encoding("%ff")),
            ("=1", Err(QueryError::Nameless)),
        ] {
            assert_eq!(query_pairs(query), expected, "{query}");
        }
    }

    #[test]
    fn bounds_hold() {
        let many = |count: usize| (0..count).map(|n| format!("p{n}=")).collect::<Vec<_>>().join("&");
        assert_eq!(query_pairs(&many(PAIRS_MAX)).map(|p| p.len()), Ok(PAIRS_MAX));
        assert_eq!(query_pairs(&many(PAIRS_MAX + 1)), Err(QueryError::TooMany));
        let long = |length: usize| format!("p={}", "1".repeat(length - 2));
        assert!(query_pairs(&long(QUERY_BYTES_MAX)).is_ok());
        assert_eq!(query_pairs(&long(QUERY_BYTES_MAX + 1)), Err(QueryError::TooLong(QUERY_BYTES_MAX + 1)));
    }

    proptest! {
        #[test]
        fn any_text_is_answered_and_what_is_read_has_unique_names(query in "[ -~é%&=+]{0,200}") {
            if let Ok(pairs) = query_pairs(&query) {
                for (place, (name, value)) in pairs.iter().enumerate() {
                    prop_assert!(!name.is_empty());
                    prop_assert!(pairs[..place].iter().all(|(known, _)| known != name));
                    prop_assert!(!value.contains(char::is_control));
                }
            }
        }

        #[test]
        fn an_escaped_value_reads_back(value in "\\PC{0,40}") {
            let escaped: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let read = query_pairs(&format!("v={escaped}"));
            prop_assert_eq!(read, Ok(vec![("v".to_owned(), value)]));
        }
    }
}
