//! PEM (RFC 7468): the one text block that holds a key or certificate.

use data_encoding::BASE64;
use zeroize::Zeroizing;

/// The longest PEM text read; a 4096-bit key is about 3.3 KiB, a certificate chain is not expected.
const LONGEST: usize = 16 * 1024;

/// Why a text is not the PEM block asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PemError {
    #[error("the PEM text has {0} bytes; at most {LONGEST} are read")]
    TooLong(usize),
    #[error("no `-----BEGIN {0}-----` … `-----END {0}-----` block found")]
    NoBlock(&'static str),
    #[error("the text inside the PEM block is not Base64")]
    Base64,
}

/// The bytes of the first block of `label`; text around the block is skipped.
pub(crate) fn decode(label: &'static str, text: &str) -> Result<Zeroizing<Vec<u8>>, PemError> {
    if text.len() > LONGEST {
        return Err(PemError::TooLong(text.len()));
    }
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    let (_, rest) = text.split_once(&begin).ok_or(PemError::NoBlock(label))?;
    let (inside, _) = rest.split_once(&end).ok_or(PemError::NoBlock(label))?;
    let mut packed = Zeroizing::new(Vec::with_capacity(inside.len()));
    packed.extend(inside.bytes().filter(|b| !b.is_ascii_whitespace()));
    BASE64.decode(&packed).map(Zeroizing::new).map_err(|_| PemError::Base64)
}

/// A block of `label`, 64 characters a line, LF after each.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let body = Zeroizing::new(BASE64.encode(der));
    let mut text = String::with_capacity(body.len() + body.len() / 64 + 64);
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for start in (0..body.len()).step_by(64) {
        text.push_str(&body[start..body.len().min(start + 64)]);
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_reads_back_whatever_surrounds_it() {
        for length in [0, 1, 47, 48, 49, 300] {
            let bytes: Vec<u8> = (0..length).map(|i: i32| u8::try_from(i % 251).unwrap()).collect();
            let text = encode("THING", &bytes);
            assert!(text.lines().all(|line| line.len() <= 64));
            assert_eq!(decode("THING", &text).unwrap().as_slice(), bytes);
            let wild = format!("Bag Attributes\n{}trailing", text.replace('\n', "\r\n"));
            assert_eq!(decode("THING", &wild).unwrap().as_slice(), bytes);
        }
    }

    #[test]
    fn what_is_no_block_is_refused() {
        let text = encode("THING", b"abc");
        assert_eq!(decode("OTHER", &text), Err(PemError::NoBlock("OTHER")));
        assert_eq!(decode("THING", &text[..text.len() - 3]), Err(PemError::NoBlock("THING")));
        assert_eq!(decode("THING", &text.replace("YWJj", "YW*j")), Err(PemError::Base64));
        assert_eq!(decode("THING", &"x".repeat(LONGEST + 1)), Err(PemError::TooLong(LONGEST + 1)));
    }
}
