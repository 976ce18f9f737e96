//! Codes of an authenticator app: TOTP (RFC 6238) with SHA-1, 30 seconds and six digits, which every app knows.

use crate::{random, vault::same};
use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use std::fmt;
use types::{Time, time};
use zeroize::Zeroize;

/// Length of a step.
const STEP: i64 = 30 * time::SECOND;
/// Steps before and after the present one that are taken: clocks differ, people type.
const AROUND: i64 = 1;
/// Bytes of a secret (RFC 4226 §4: 160 bits recommended).
const BYTES: usize = 20;

/// The secret that an authenticator app shares.
#[derive(Clone)]
pub struct TotpSecret([u8; BYTES]);

impl TotpSecret {
    /// A fresh secret.
    ///
    /// # Errors
    /// [`random::NoRandomness`].
    pub fn generate() -> Result<Self, random::NoRandomness> {
        random::bytes().map(Self)
    }
    /// From the bytes that [`TotpSecret::as_bytes`] gave.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
    /// From the text that [`TotpSecret::to_text`] gave.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_bytes(&BASE32_NOPAD.decode(text.as_bytes()).ok()?)
    }
    /// The bytes to seal.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
    /// Base32 as people type it into an app.
    #[must_use]
    pub fn to_text(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }
    /// The address that an authenticator app reads from a QR code. `issuer` and `account` are plain words; what has a
    /// meaning in an address is escaped.
    #[must_use]
    pub fn address(&self, issuer: &str, account: &str) -> String {
        let escape = |text: &str| -> String {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
            text.bytes()
                .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
                .collect()
        };
        let (issuer, account, secret) = (escape(issuer), escape(account), self.to_text());
        format!("otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}")
    }
    /// The code of the step in which `at` lies.
    #[must_use]
    pub fn code(&self, at: Time) -> String {
        self.code_of(step(at))
    }
    /// The step that a code belongs to, if it is one of now, the step before or the one after. Whoever asks keeps the
    /// step and takes none twice.
    #[must_use]
    pub fn step_of(&self, code: &str, now: Time) -> Option<i64> {
        let present = step(now);
        // All are compared, so that the time taken tells nothing.
        (present - AROUND..=present + AROUND)
            .filter(|step| same(self.code_of(*step).as_bytes(), code.as_bytes()))
            .max()
    }
    fn code_of(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        format!("{:06}", truncate(tag.as_ref()) % 1_000_000)
    }
}

/// RFC 4226 §5.3.
fn truncate(tag: &[u8]) -> u32 {
    let at = usize::from(tag[tag.len() - 1] & 0xf);
    u32::from_be_bytes([tag[at], tag[at + 1], tag[at + 2], tag[at + 3]]) & 0x7fff_ffff
}

const fn step(at: Time) -> i64 {
    at.0.div_euclid(STEP)
}

impl Drop for TotpSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B: the last six of its eight digits.
    #[test]
    fn the_published_vectors_hold() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        for (unix, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let at = Time::from_unix(unix);
            assert_eq!(secret.code(at), code);
            assert_eq!(secret.step_of(code, at), Some(unix / 30));
        }
    }

    #[test]
    fn a_code_is_good_one_step_before_and_after() {
        let secret = TotpSecret::generate().unwrap();
        let at = Time::from_unix(1_790_000_010);
        let code = secret.code(at);
        for (later_s, taken) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            let found = secret.step_of(&code, at.plus(later_s * time::SECOND));
            // By chance the code of a neighbour is the same once in a million.
            assert_eq!(found.is_some_and(|found| found == step(at)), taken, "{later_s}");
        }
        for wrong in ["", "28708", "2870822", "abcdef"] {
            assert_eq!(secret.step_of(wrong, at), None);
        }
    }

    #[test]
    fn an_app_reads_the_address() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        assert_eq!(secret.to_text(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(TotpSecret::parse(&secret.to_text()).unwrap().as_bytes(), secret.as_bytes());
        assert_eq!(
            secret.address("Feiqian 飞", "kim@shop"),
            "otpauth://totp/Feiqian%20%E9%A3%9E:kim%40shop?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Feiqian%20%E9%A3%9E"
        );
        assert_eq!(format!("{secret:?}"), "TotpSecret(***)");
    }
}
