//! Passwords of consoles: argon2id (RFC 9106), kept in PHC form.

use crate::random;
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use types::Secret;

/// Characters of a password.
pub const CHARS: std::ops::RangeInclusive<usize> = 12..=128;

/// KiB, passes and lanes: some 20 ms and 19 MiB a try, the least that OWASP recommends for argon2id.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Why there is no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short or too long.
    #[error("a password has {} to {} characters", CHARS.start(), CHARS.end())]
    Length,
    /// No randomness for the salt.
    #[error(transparent)]
    Randomness(#[from] random::NoRandomness),
    /// The algorithm failed.
    #[error("the password could not be hashed: {0}")]
    Algorithm(String),
}

/// A password's hash with a fresh salt. Takes long on purpose: call it on a thread that may wait.
///
/// # Errors
/// Any [`PasswordError`].
///
/// ```
/// use types::Secret;
/// let hash = crypto::password::hash(&Secret::new("correct horse battery".to_owned()))?;
/// assert!(crypto::password::matches(&Secret::new("correct horse battery".to_owned()), hash.expose()));
/// assert!(!crypto::password::matches(&Secret::new("correct horse".to_owned()), hash.expose()));
/// # Ok::<(), crypto::password::PasswordError>(())
/// ```
pub fn hash(password: &Secret<String>) -> Result<Secret<String>, PasswordError> {
    if !CHARS.contains(&password.expose().chars().count()) {
        return Err(PasswordError::Length);
    }
    let failed = |error: String| PasswordError::Algorithm(error);
    let params = Params::new(COST.0, COST.1, COST.2, None).map_err(|e| failed(e.to_string()))?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let salt: [u8; 16] = random::bytes()?;
    let hash = argon.hash_password_with_salt(password.expose().as_bytes(), &salt);
    Ok(Secret::new(hash.map_err(|e| failed(e.to_string()))?.to_string()))
}

/// Whether a password has that hash. Takes long on purpose; a hash that can't be read has no password.
#[must_use]
pub fn matches(password: &Secret<String>, hash: &str) -> bool {
    // What is too long is not worth the time.
    if password.expose().chars().count() > *CHARS.end() {
        return false;
    }
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok()
}

/// A password for somebody's first sign-in: 20 letters and digits, 119 bits.
///
/// # Errors
/// [`random::NoRandomness`].
pub fn generate() -> Result<Secret<String>, random::NoRandomness> {
    random::alphanumeric(20).map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn hashes_differ_and_say_how_they_were_made() {
        let [one, two] = [hash(&secret("twelve chars")), hash(&secret("twelve chars"))].map(Result::unwrap);
        assert_ne!(one, two, "the salt is fresh");
        assert!(one.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.expose());
        assert!(matches(&secret("twelve chars"), two.expose()));
        for (password, kept) in
            [("twelve chars ", one.expose().as_str()), ("twelve chars", "$argon2id$v=19$x"), ("", "")]
        {
            assert!(!matches(&secret(password), kept), "{password:?} {kept:?}");
        }
    }

    #[test]
    fn too_short_and_too_long_are_refused() {
        for length in [0, 11, 129] {
            assert_eq!(hash(&secret(&"龙".repeat(length))), Err(PasswordError::Length), "{length}");
        }
        assert!(hash(&secret(&"龙".repeat(12))).is_ok());
        assert_eq!(generate().unwrap().expose().len(), 20);
    }
}
