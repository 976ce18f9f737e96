//! The master key and what hangs on it: sealed secrets, keyed hashes, the key of tokens.
//!
//! From each 32-byte master key HKDF-SHA-256 (RFC 5869) derives one AES-256-GCM key per [`Purpose`]; a sealed
//! record names its key version in the first byte and is bound to its place by associated data. Hash and token
//! keys derive from the *lowest* version held, because hashes are looked up and cannot be sealed anew: keep the
//! first master key for as long as hashes or tokens made under it are in use.

mod hash;
mod master;
mod sealed;

pub use hash::{Hasher, KeyedHash, same};
pub use master::MasterKey;
pub(crate) use master::expand;
pub use sealed::Sealed;

use crate::{Tokens, random, random::NoRandomness};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use std::fmt;
use types::Secret;
use zeroize::{Zeroize, Zeroizing};

/// The longest secret that is sealed, in bytes.
pub const SECRET_BYTES_MAX: usize = 64 * 1024;
/// Master keys held at once.
pub const VERSIONS_MAX: usize = 16;

/// What a sealed record holds; each has its own key, so one kind can never be opened as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// APIv3 keys, v2 keys and other secrets of a merchant.
    MerchantSecret,
    /// The platform's private keys.
    PlatformKeys,
    /// Phone numbers, names, identity numbers of payers (JR/T 0171 C2, C3).
    PersonalData,
    /// Card numbers and what goes with them.
    CardData,
    /// Credentials for channels, mail and messages.
    ChannelSecret,
    /// What staff share with their authenticator apps.
    StaffSecret,
}

impl Purpose {
    const ALL: [Self; 6] = [
        Self::MerchantSecret,
        Self::PlatformKeys,
        Self::PersonalData,
        Self::CardData,
        Self::ChannelSecret,
        Self::StaffSecret,
    ];

    /// Part of the derivation: never change one that has been used.
    const fn label(self) -> &'static str {
        match self {
            Self::MerchantSecret => "seal/merchant-secret",
            Self::PlatformKeys => "seal/platform-keys",
            Self::PersonalData => "seal/personal-data",
            Self::CardData => "seal/card-data",
            Self::ChannelSecret => "seal/channel-secret",
            Self::StaffSecret => "seal/staff-secret",
        }
    }
}

/// [`Generation`] finds a key by its purpose's number.
const _: () = {
    let mut place = 0;
    while place < Purpose::ALL.len() {
        assert!(Purpose::ALL[place] as usize == place);
        place += 1;
    }
};

/// Why something could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// A master key text of the wrong form.
    #[error("a master key is 32 bytes as 64 hex digits or as Base64; this text is neither")]
    MasterKey,
    /// No master keys, too many, or one version twice.
    #[error("a vault takes 1 to {VERSIONS_MAX} master keys with different versions")]
    Versions,
    /// More than [`SECRET_BYTES_MAX`].
    #[error("the secret has {0} bytes; at most {SECRET_BYTES_MAX} are sealed")]
    TooLong(usize),
    /// The record was sealed under a master key that is not held.
    #[error("the record is sealed under master key version {0}, which is not configured; add that key")]
    UnknownVersion(u8),
    /// Truncated, changed, of another record or purpose, or another master key under the same version.
    #[error("the sealed record does not open: it is damaged, of another record, or of another master key")]
    Unopenable,
    /// The opened secret is no text.
    #[error("the opened secret is not text")]
    NotText,
    /// The provider failed.
    #[error("the cryptographic provider could not seal")]
    Provider,
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// Seals and opens small secrets, and hashes with a key.
///
/// ```
/// use crypto::{MasterKey, Purpose, Vault};
/// let vault = Vault::new(1, &MasterKey::generate()?);
/// let sealed = vault.seal(Purpose::MerchantSecret, "1900000001/apiv3", b"0123456789abcdef")?;
/// let opened = vault.open(Purpose::MerchantSecret, "1900000001/apiv3", &sealed)?;
/// assert_eq!(opened.expose(), b"0123456789abcdef");
/// // Bound to its place: copied to another merchant's row it does not open.
/// assert!(vault.open(Purpose::MerchantSecret, "1900000002/apiv3", &sealed).is_err());
/// # Ok::<(), crypto::vault::VaultError>(())
/// ```
pub struct Vault {
    /// Highest version first: that one seals.
    generations: Vec<Generation>,
    hasher: Hasher,
    tokens: Tokens,
}

struct Generation {
    version: u8,
    keys: [LessSafeKey; Purpose::ALL.len()],
}

impl Vault {
    /// A vault with one master key.
    #[must_use]
    pub fn new(version: u8, key: &MasterKey) -> Self {
        Self {
            generations: vec![Generation::derive(version, key)],
            hasher: Hasher::derive(key),
            tokens: Tokens::derive(key),
        }
    }

    /// A vault during or after rotation: the highest version seals, all of them open.
    ///
    /// # Errors
    /// [`VaultError::Versions`].
    pub fn with_keys(keys: &[(u8, MasterKey)]) -> Result<Self, VaultError> {
        let (_, first) = keys.iter().min_by_key(|(version, _)| *version).ok_or(VaultError::Versions)?;
        let mut generations: Vec<Generation> =
            keys.iter().take(VERSIONS_MAX + 1).map(|(v, key)| Generation::derive(*v, key)).collect();
        generations.sort_by_key(|generation| std::cmp::Reverse(generation.version));
        let repeated = generations.windows(2).any(|pair| pair[0].version == pair[1].version);
        if repeated || generations.len() > VERSIONS_MAX {
            return Err(VaultError::Versions);
        }
        Ok(Self { generations, hasher: Hasher::derive(first), tokens: Tokens::derive(first) })
    }

    /// Seals `secret`. `binding` names the record and field it will stand in, and must be given again to open it.
    /// Nonces are random, so one purpose under one master key should seal fewer than 2³² times (NIST SP 800-38D).
    ///
    /// # Errors
    /// [`VaultError::TooLong`], [`VaultError::Randomness`], [`VaultError::Provider`].
    pub fn seal(&self, purpose: Purpose, binding: &str, secret: &[u8]) -> Result<Sealed, VaultError> {
        if secret.len() > SECRET_BYTES_MAX {
            return Err(VaultError::TooLong(secret.len()));
        }
        let generation = &self.generations[0];
        let nonce = random::bytes::<12>()?;
        let mut body = Zeroizing::new(Vec::with_capacity(secret.len() + AES_256_GCM.tag_len()));
        body.extend_from_slice(secret);
        generation
            .key(purpose)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                associated(generation.version, binding),
                &mut *body,
            )
            .map_err(|_| VaultError::Provider)?;
        Ok(Sealed::of(generation.version, &nonce, &body))
    }

    /// Opens a sealed record.
    ///
    /// # Errors
    /// [`VaultError::UnknownVersion`], [`VaultError::Unopenable`].
    pub fn open(
        &self,
        purpose: Purpose,
        binding: &str,
        sealed: &Sealed,
    ) -> Result<Secret<Vec<u8>>, VaultError> {
        let (version, nonce, body) = sealed.parts().ok_or(VaultError::Unopenable)?;
        let known = self.generations.iter().find(|generation| generation.version == version);
        let generation = known.ok_or(VaultError::UnknownVersion(version))?;
        let mut bytes = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let length = generation
            .key(purpose)
            .open_in_place(nonce, associated(version, binding), &mut bytes)
            .map_err(|_| VaultError::Unopenable)?
            .len();
        bytes.truncate(length);
        Ok(Secret::new(bytes))
    }

    /// Opens a sealed text.
    ///
    /// # Errors
    /// As [`Self::open`], and [`VaultError::NotText`].
    pub fn open_text(
        &self,
        purpose: Purpose,
        binding: &str,
        sealed: &Sealed,
    ) -> Result<Secret<String>, VaultError> {
        let bytes = self.open(purpose, binding, sealed)?;
        let text = str::from_utf8(bytes.expose()).map_err(|_| VaultError::NotText)?;
        Ok(Secret::new(text.to_owned()))
    }

    /// The record under the newest master key; none when it is there already. For the walk that ends a rotation.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::seal`].
    pub fn reseal(
        &self,
        purpose: Purpose,
        binding: &str,
        sealed: &Sealed,
    ) -> Result<Option<Sealed>, VaultError> {
        let clear = self.open(purpose, binding, sealed)?;
        if sealed.version() == Some(self.generations[0].version) {
            return Ok(None);
        }
        self.seal(purpose, binding, clear.expose()).map(Some)
    }

    /// The keyed hashes.
    #[must_use]
    pub const fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// The token key.
    #[must_use]
    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<u8> = self.generations.iter().map(|generation| generation.version).collect();
        f.debug_struct("Vault").field("versions", &versions).finish_non_exhaustive()
    }
}

impl Generation {
    fn derive(version: u8, master: &MasterKey) -> Self {
        Self { version, keys: Purpose::ALL.map(|purpose| aead_key(master, purpose)) }
    }

    fn key(&self, purpose: Purpose) -> &LessSafeKey {
        &self.keys[purpose as usize]
    }
}

fn aead_key(master: &MasterKey, purpose: Purpose) -> LessSafeKey {
    let mut bytes: [u8; 32] = master.derive(purpose.label());
    let key = UnboundKey::new(&AES_256_GCM, &bytes).expect("32 bytes are an AES-256 key");
    bytes.zeroize();
    LessSafeKey::new(key)
}

/// The version stands in the associated data, too: a record cannot be passed off as one of another version.
fn associated(version: u8, binding: &str) -> Aad<Vec<u8>> {
    let mut bytes = Vec::with_capacity(1 + binding.len());
    bytes.push(version);
    bytes.extend_from_slice(binding.as_bytes());
    Aad::from(bytes)
}
