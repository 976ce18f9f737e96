//! The grammar of the `Authorization` header (wire §1.3).

use super::{HEADER_BYTES_MAX, NONCE_MAX, SCHEME, WINDOW_SECONDS};
use crate::{Certificate, rsa::BLOCK_TEXT};
use types::{MerchantId, Time};

/// What a request says about its sender. Nothing here is proved until [`super::verify()`] succeeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The calling merchant.
    pub mchid: MerchantId,
    /// Serial of the merchant API certificate, upper-case hex.
    pub serial: String,
    /// 1–32 visible characters, chosen by the caller.
    pub nonce: String,
    /// Unix seconds by the caller's clock.
    pub timestamp: i64,
    /// Base64, 344 characters by length; whether it decodes is found out by [`super::verify()`].
    pub signature: String,
}

/// Why an `Authorization` header cannot be read. Each names the parameter, so that the answer can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Longer than [`HEADER_BYTES_MAX`].
    #[error("Authorization has {0} bytes; at most {HEADER_BYTES_MAX} are read")]
    TooLong(usize),
    /// A byte that is not visible ASCII, space or tab, and where.
    #[error("Authorization holds the byte 0x{byte:02x} at position {at}; only ASCII text is allowed")]
    Byte {
        /// The byte.
        byte: u8,
        /// Its position from 0.
        at: usize,
    },
    /// Another scheme, or none.
    #[error("Authorization starts with `{0}`; it must start with `{SCHEME}`")]
    Scheme(String),
    /// Not `name="value"` parted by commas, and where.
    #[error("Authorization is not a list of name=\"value\" at position {0}")]
    Syntax(usize),
    /// A parameter that the scheme does not have.
    #[error(
        "Authorization has the unknown parameter `{0}`; use mchid, nonce_str, timestamp, serial_no, signature"
    )]
    Unknown(String),
    /// The same parameter twice.
    #[error("Authorization has `{0}` more than once")]
    Duplicate(&'static str),
    /// A parameter is not there.
    #[error("Authorization lacks `{0}`")]
    Missing(&'static str),
    /// A parameter whose value cannot be.
    #[error("Authorization has a wrong `{name}`: {must}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// What it must be.
        must: &'static str,
    },
}

const NAMES: [&str; 5] = ["mchid", "nonce_str", "timestamp", "serial_no", "signature"];

impl Credentials {
    /// Reads a header value. The five parameters come in any order, each exactly once; spaces around commas are
    /// skipped.
    ///
    /// # Errors
    /// [`HeaderError`], whatever the bytes; never panics.
    pub fn parse(header: &[u8]) -> Result<Self, HeaderError> {
        let text = ascii(header)?;
        let (scheme, list) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        // The name of a scheme has no case (RFC 9110 §11.1).
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(HeaderError::Scheme(shortened(scheme)));
        }
        let [mchid, nonce, timestamp, serial, signature] = parameters(list, text.len() - list.len())?;
        Ok(Self {
            mchid: merchant(mchid)?,
            serial: serial_no(serial)?,
            nonce: nonce_str(nonce)?,
            timestamp: unix_seconds(timestamp)?,
            signature: signature_text(signature)?,
        })
    }

    /// True when the timestamp lies within [`WINDOW_SECONDS`] of `now`, before or after (wire §1.4).
    #[must_use]
    pub const fn fresh(&self, now: Time) -> bool {
        now.unix().abs_diff(self.timestamp) <= WINDOW_SECONDS.unsigned_abs()
    }
}

fn ascii(header: &[u8]) -> Result<&str, HeaderError> {
    if header.len() > HEADER_BYTES_MAX {
        return Err(HeaderError::TooLong(header.len()));
    }
    let right = |b: u8| matches!(b, b' '..=b'~' | b'\t');
    if !all(header, right)
        && let Some(at) = header.iter().position(|&b| !right(b))
    {
        return Err(HeaderError::Byte { byte: header[at], at });
    }
    str::from_utf8(header).map_err(|e| HeaderError::Syntax(e.valid_up_to()))
}

/// Whether all bytes are `right`. It looks at each, whatever those before: several at once, which takes less than asking
/// after each whether to go on.
fn all(bytes: &[u8], right: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |all, &byte| all & right(byte))
}

/// The five values in the order of [`NAMES`]. `start` is where the list begins in the header, for messages.
fn parameters(list: &str, start: usize) -> Result<[&str; 5], HeaderError> {
    let mut values: [Option<&str>; 5] = [None; 5];
    let mut rest = skip_blank(list);
    let at = |rest: &str| HeaderError::Syntax(start + list.len() - rest.len());
    loop {
        let (name, after) = rest.split_once('=').ok_or_else(|| at(rest))?;
        let after = after.strip_prefix('"').ok_or_else(|| at(rest))?;
        let Some(place) = NAMES.iter().position(|&known| known == name) else {
            let word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            return Err(if word { HeaderError::Unknown(shortened(name)) } else { at(rest) });
        };
        let (value, after) = after.split_once('"').ok_or_else(|| at(after))?;
        if values[place].replace(value).is_some() {
            return Err(HeaderError::Duplicate(NAMES[place]));
        }
        rest = skip_blank(after);
        if rest.is_empty() {
            break;
        }
        rest = skip_blank(rest.strip_prefix(',').ok_or_else(|| at(rest))?);
    }
    let mut complete = [""; 5];
    for (place, value) in values.into_iter().enumerate() {
        complete[place] = value.ok_or(HeaderError::Missing(NAMES[place]))?;
    }
    Ok(complete)
}

fn skip_blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

fn merchant(text: &str) -> Result<MerchantId, HeaderError> {
    let must = "a merchant number, digits only";
    text.parse().map_err(|_| HeaderError::Value { name: "mchid", must })
}

fn serial_no(text: &str) -> Result<String, HeaderError> {
    let must = "the hex serial of the merchant API certificate, 1–40 digits";
    let longest = 2 * Certificate::SERIAL_BYTES_MAX;
    let hex = !text.is_empty() && text.len() <= longest && all(text.as_bytes(), |b| b.is_ascii_hexdigit());
    if hex { Ok(text.to_ascii_uppercase()) } else { Err(HeaderError::Value { name: "serial_no", must }) }
}

fn nonce_str(text: &str) -> Result<String, HeaderError> {
    // SDKs send from 11 to 32 characters, so only the documented upper bound holds (wire §1.3).
    let must = "1–32 visible characters";
    let fits = !text.is_empty() && text.len() <= NONCE_MAX && all(text.as_bytes(), |b| b.is_ascii_graphic());
    if fits { Ok(text.to_owned()) } else { Err(HeaderError::Value { name: "nonce_str", must }) }
}

fn unix_seconds(text: &str) -> Result<i64, HeaderError> {
    // A leading zero is refused because the number is signed in its shortest form.
    let must = "Unix seconds, digits only, without leading zero";
    let digits = (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let canonical = digits && (text == "0" || !text.starts_with('0'));
    let value = if canonical { text.parse().ok() } else { None };
    value.ok_or(HeaderError::Value { name: "timestamp", must })
}

fn signature_text(text: &str) -> Result<String, HeaderError> {
    let must = "the Base64 of an RSA-2048 signature, 344 characters";
    let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    let fits = text.len() == BLOCK_TEXT && all(text.as_bytes(), base64);
    if fits { Ok(text.to_owned()) } else { Err(HeaderError::Value { name: "signature", must }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn signature() -> String {
        format!("{}==", "A".repeat(342))
    }

    fn fields() -> [(&'static str, String); 5] {
        [
            ("mchid", "1900000001".into()),
            ("nonce_str", "593BEC0C930BF1AF".into()),
            ("timestamp", "1554208460".into()),
            ("serial_no", "1dDE55AD98ED71d6".into()),
            ("signature", signature()),
        ]
    }

    fn header(fields: &[(&str, String)], comma: &str) -> String {
        let list: Vec<String> = fields.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        format!("{SCHEME} {}", list.join(comma))
    }

    fn with(name: &str, value: &str) -> Result<Credentials, HeaderError> {
        let fields = fields().map(|(n, v)| if n == name { (n, value.to_owned()) } else { (n, v) });
        Credentials::parse(header(&fields, ",").as_bytes())
    }

    #[test]
    fn the_five_parameters_come_in_any_order() {
        let expected = Credentials {
            mchid: MerchantId(1_900_000_001),
            serial: "1DDE55AD98ED71D6".into(),
            nonce: "593BEC0C930BF1AF".into(),
            timestamp: 1_554_208_460,
            signature: signature(),
        };
        for turn in 0..5 {
            for comma in [",", ", ", " ,\t "] {
                let mut fields = fields();
                fields.rotate_left(turn);
                let text = header(&fields, comma);
                assert_eq!(Credentials::parse(text.as_bytes()).as_ref(), Ok(&expected), "{text}");
            }
        }
    }

    #[test]
    fn each_parameter_comes_exactly_once() {
        for (place, (name, value)) in fields().into_iter().enumerate() {
            let mut twice = fields().to_vec();
            twice.push((name, value));
            assert_eq!(
                Credentials::parse(header(&twice, ",").as_bytes()),
                Err(HeaderError::Duplicate(NAMES[place]))
            );
            let mut lacking = fields().to_vec();
            lacking.remove(place);
            assert_eq!(
                Credentials::parse(header(&lacking, ",").as_bytes()),
                Err(HeaderError::Missing(NAMES[place]))
            );
        }
        let mut more = fields().to_vec();
        more.push(("extra", "1".into()));
        assert_eq!(
            Credentials::parse(header(&more, ",").as_bytes()),
            Err(HeaderError::Unknown("extra".into()))
        );
    }

    #[test]
    fn values_are_bounded_and_typed() {
        let long = "a".repeat(33);
        for (name, value) in [
            ("mchid", ""),
            ("mchid", "01"),
            ("mchid", "-1"),
            ("mchid", "9223372036854775808"),
            ("nonce_str", ""),
            ("nonce_str", "a b"),
            ("nonce_str", &long),
            ("timestamp", ""),
            ("timestamp", "-1"),
            ("timestamp", "01554208460"),
            ("timestamp", "1554208460.5"),
            ("timestamp", "1000000000000"),
            ("serial_no", ""),
            ("serial_no", "PUB_KEY_ID_1"),
            ("serial_no", &long[..32].replace('a', "g")),
            ("serial_no", &"a".repeat(41)),
            ("signature", ""),
            ("signature", "abcd"),
            ("signature", &"A".repeat(345)),
            ("signature", &"-".repeat(344)),
        ] {
            let error = with(name, value).unwrap_err();
            assert!(
                matches!(error, HeaderError::Value { name: n, .. } if n == name),
                "{name}={value}: {error}"
            );
        }
        assert_eq!(with("nonce_str", &long[..32]).unwrap().nonce.len(), 32);
        assert_eq!(with("nonce_str", "k").unwrap().nonce, "k");
    }

    #[test]
    fn broken_headers_are_refused_with_the_place() {
        let good = header(&fields(), ",");
        for (text, expected) in [
            (String::new(), HeaderError::Scheme(String::new())),
            ("Bearer abc".into(), HeaderError::Scheme("Bearer".into())),
            (
                "WECHATPAY2-SM2-WITH-SM3 mchid=\"1\"".into(),
                HeaderError::Scheme("WECHATPAY2-SM2-WITH-SM3".into()),
            ),
            (SCHEME.into(), HeaderError::Syntax(25)),
            (format!("{SCHEME} mchid=1900000001"), HeaderError::Syntax(26)),
            (format!("{SCHEME} mchid=\"1\";timestamp=\"1\""), HeaderError::Syntax(35)),
            (format!("{good},"), HeaderError::Syntax(good.len() + 1)),
            (format!("{SCHEME} mch\u{e9}id=\"1\""), HeaderError::Byte { byte: 0xc3, at: 29 }),
            (format!("{SCHEME} mchid=\"1\n\""), HeaderError::Byte { byte: b'\n', at: 34 }),
            ("x".repeat(2049), HeaderError::TooLong(2049)),
        ] {
            assert_eq!(Credentials::parse(text.as_bytes()), Err(expected), "{text}");
        }
        let lower = good.replacen(SCHEME, &SCHEME.to_lowercase(), 1);
        assert!(Credentials::parse(lower.as_bytes()).is_ok());
    }

    #[test]
    fn the_window_is_five_minutes_on_both_sides() {
        let credentials = with("timestamp", "1000").unwrap();
        for (now, fresh) in [(699, false), (700, true), (1000, true), (1300, true), (1301, false)] {
            assert_eq!(credentials.fresh(Time::from_unix(now)), fresh, "{now}");
        }
        assert!(!credentials.fresh(Time(i64::MIN)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2200)) {
            let _ = Credentials::parse(&bytes);
        }

        #[test]
        fn any_text_after_the_scheme_is_answered(list in "[a-z_=\",; \\\\é]{0,200}") {
            let parsed = Credentials::parse(format!("{SCHEME} {list}").as_bytes());
            prop_assert!(parsed.is_err());
        }

        #[test]
        fn what_parses_keeps_its_bounds(
            order in Just(fields().to_vec()).prop_shuffle(),
            nonce in "[!#-~]{1,32}",
            timestamp in 0_i64..=999_999_999_999,
            mchid in 0_i64..,
            cut in 0_usize..600,
        ) {
            let fields: Vec<(&str, String)> = order.into_iter().map(|(name, value)| match name {
                "nonce_str" => (name, nonce.clone()),
                "timestamp" => (name, timestamp.to_string()),
                "mchid" => (name, mchid.to_string()),
                _ => (name, value),
            }).collect();
            let text = header(&fields, ",");
            let parsed = Credentials::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(&parsed.nonce, &nonce);
            prop_assert_eq!(parsed.timestamp, timestamp);
            prop_assert_eq!(parsed.mchid, MerchantId(mchid));
            // Any true prefix is refused: the last quote is missing, or a parameter.
            prop_assert!(Credentials::parse(&text.as_bytes()[..cut.min(text.len() - 1)]).is_err());
        }
    }
}
