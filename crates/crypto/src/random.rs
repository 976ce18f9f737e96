//! Randomness of the operating system, in the forms the wire uses.

use aws_lc_rs::rand;

/// The operating system gave no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no randomness; nothing secret can be made until it does")]
pub struct NoRandomness;

/// `N` random bytes.
///
/// # Errors
/// [`NoRandomness`].
pub fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// `length` characters of `0-9A-Za-z`, each equally likely: nonces and keys a person may have to copy.
///
/// # Errors
/// [`NoRandomness`].
pub fn alphanumeric(length: usize) -> Result<String, NoRandomness> {
    from_alphabet(ALPHANUMERIC, length)
}

const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// As [`alphanumeric`], out of bytes that are random already; shorter when they do not suffice.
pub(crate) fn alphanumeric_of(bytes: &[u8], length: usize) -> String {
    fair(ALPHANUMERIC, bytes).take(length).collect()
}

/// `length` decimal digits, each equally likely.
///
/// # Errors
/// [`NoRandomness`].
pub fn digits(length: usize) -> Result<String, NoRandomness> {
    from_alphabet(b"0123456789", length)
}

/// A nonce for the signature headers: 32 characters, the length the official service sends (wire §1.6).
///
/// # Errors
/// [`NoRandomness`].
pub fn nonce() -> Result<String, NoRandomness> {
    alphanumeric(32)
}

fn from_alphabet(alphabet: &[u8], length: usize) -> Result<String, NoRandomness> {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        text.extend(fair(alphabet, &bytes::<64>()?).take(length - text.len()));
    }
    Ok(text)
}

/// Letters out of random bytes. Bytes at or above the last whole multiple of the alphabet are thrown away, else its
/// first letters would come more often.
fn fair(alphabet: &[u8], bytes: &[u8]) -> impl Iterator<Item = char> {
    let end = 256 - 256 % alphabet.len();
    let values = bytes.iter().map(|byte| usize::from(*byte)).filter(move |value| *value < end);
    values.map(|value| char::from(alphabet[value % alphabet.len()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_comes_about_equally_often() {
        let text = digits(20_000).unwrap();
        for digit in '0'..='9' {
            let times = text.chars().filter(|&c| c == digit).count();
            assert!((1_700..2_300).contains(&times), "{digit} came {times} times of 20000");
        }
    }

    #[test]
    fn a_nonce_is_32_letters_or_digits_and_never_repeats() {
        let (one, two) = (nonce().unwrap(), nonce().unwrap());
        assert_eq!(one.len(), 32);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(one, two);
    }
}
