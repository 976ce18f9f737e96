//! Fields of a line.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How fields are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quoting {
    /// The separator alone; a field cannot hold it.
    Plain,
    /// Double quotes where needed (RFC 4180).
    #[default]
    Double,
    /// A back-tick before every field (wire §6), so that a comma in a name is no separator.
    Backtick,
}

/// A line that is not made of fields as declared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A quoted field goes on in the next line.
    #[error("a quoted field is not closed")]
    Open,
    /// Text after a closing quote.
    #[error("text follows the closing quote of field {0}")]
    AfterQuote(usize),
    /// No back-tick where a field begins.
    #[error("the line does not begin with a back-tick")]
    NoBacktick,
}

/// The fields of `line`.
///
/// # Errors
/// See [`Broken`].
pub fn split(line: &str, separator: char, quoting: Quoting) -> Result<Vec<Cow<'_, str>>, Broken> {
    match quoting {
        Quoting::Plain => Ok(line.split(separator).map(Cow::Borrowed).collect()),
        Quoting::Double => double(line, separator),
        Quoting::Backtick => {
            let rest = line.strip_prefix('`').ok_or(Broken::NoBacktick)?;
            let mut mark = [0; 8];
            let length = separator.encode_utf8(&mut mark).len();
            mark[length] = b'`';
            let mark = std::str::from_utf8(&mark[..=length]).unwrap_or(",`");
            Ok(rest.split(mark).map(Cow::Borrowed).collect())
        }
    }
}

fn double(line: &str, separator: char) -> Result<Vec<Cow<'_, str>>, Broken> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            let Some((field, after)) = rest.split_once(separator) else {
                fields.push(Cow::Borrowed(rest));
                return Ok(fields);
            };
            fields.push(Cow::Borrowed(field));
            rest = after;
            continue;
        };
        let (field, after) = unquote(quoted).ok_or(Broken::Open)?;
        fields.push(field);
        if after.is_empty() {
            return Ok(fields);
        }
        rest = after.strip_prefix(separator).ok_or(Broken::AfterQuote(fields.len()))?;
    }
}

/// The text up to the closing quote, and what follows it.
fn unquote(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let (first, mut after) = text.split_once('"')?;
    let mut field = Cow::Borrowed(first);
    while let Some(more) = after.strip_prefix('"') {
        let (next, rest) = more.split_once('"')?;
        let owned = field.to_mut();
        owned.push('"');
        owned.push_str(next);
        after = rest;
    }
    Some((field, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_are_told_apart_in_each_way() {
        let plain = |line, quoting| split(line, ',', quoting).unwrap().join("|");
        assert_eq!(plain("a,b,", Quoting::Plain), "a|b|");
        assert_eq!(plain(r#"a,"b,""c""",d"#, Quoting::Double), r#"a|b,"c"|d"#);
        assert_eq!(plain(r#""",x"#, Quoting::Double), "|x");
        assert_eq!(plain("`a,b,`c,`", Quoting::Backtick), "a,b|c|");
        assert_eq!(split(r#"a,"b"#, ',', Quoting::Double), Err(Broken::Open));
        assert_eq!(split(r#"a,"b"c"#, ',', Quoting::Double), Err(Broken::AfterQuote(2)));
        assert_eq!(split("a,b", ',', Quoting::Backtick), Err(Broken::NoBacktick));
    }

    proptest! {
        #[test]
        fn what_was_quoted_is_read_back(fields in proptest::collection::vec(".{0,12}", 1..8)) {
            let quoted: Vec<String> = fields.iter().map(|f| format!("\"{}\"", f.replace('"', "\"\""))).collect();
            let line = quoted.join(";");
            prop_assert_eq!(split(&line, ';', Quoting::Double).unwrap(), fields);
        }

        #[test]
        fn no_line_breaks_the_reader(line in ".{0,80}") {
            for quoting in [Quoting::Plain, Quoting::Double, Quoting::Backtick] {
                let _ = split(&line, ',', quoting);
            }
        }
    }
}
