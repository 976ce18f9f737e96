//! The platform's own keys, in both modes (wire §1.8, §2): certificates that are rotated, and one public-key pair
//! that is not.

mod issue;
mod ramp;

pub use issue::{MerchantIdentity, PlatformCertificate};
pub use ramp::callback_share;

use crate::{
    ApiV3Key, PrivateKey, PublicKey, Purpose, Sealed, Vault,
    aead::{AeadError, Encrypted},
    random::{self, NoRandomness},
    rsa::{FieldError, KeyError},
    vault::{SECRET_BYTES_MAX, VaultError},
};
use issue::Authority;
use serde::{Deserialize, Serialize};
use types::{MerchantId, Secret, Time};
use zeroize::Zeroizing;

/// What the id of a public key starts with; certificates have hex serials instead.
pub const PUBLIC_KEY_ID_PREFIX: &str = "PUB_KEY_ID_";
/// Certificates held at once: an old and a new one, with room for a rotation gone wrong.
pub const CERTIFICATES_MAX: usize = 8;
const ID_DIGITS: usize = 28;
const ASSOCIATED_DATA: &str = "certificate";

/// Why the platform's keys could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    /// No certificate is active and valid.
    #[error("no platform certificate is active and valid at {0}; rotate the platform certificate")]
    NoCertificate(Time),
    /// `Wechatpay-Serial` names no key of the platform.
    #[error(
        "Wechatpay-Serial `{0}` names no key of this platform; fetch the current certificates or public key"
    )]
    UnknownSerial(String),
    /// [`CERTIFICATES_MAX`] are held already.
    #[error("{CERTIFICATES_MAX} platform certificates are held; retire the lapsed ones first")]
    TooManyCertificates,
    /// A certificate could not be made.
    #[error("the certificate could not be issued: {0}")]
    Issue(String),
    /// The stored keys cannot be read.
    #[error("the stored platform keys cannot be read: {0}")]
    Stored(String),
    /// A key could not be made or read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A sensitive field could not be decrypted.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A certificate could not be encrypted for a merchant.
    #[error(transparent)]
    Aead(#[from] AeadError),
    /// Sealing or opening failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// How one merchant takes the platform's signatures (wire §1.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyMode {
    /// Always by certificate: a merchant that has not switched the public key on.
    #[default]
    Certificate,
    /// Both are held: answers follow the request's `Wechatpay-Serial`, callbacks a ramp.
    Both,
    /// Always by public key: a merchant without platform certificates, the default of new ones.
    PublicKey,
}

/// The key that signs an answer or callback, with the name clients know it by.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// Value of `Wechatpay-Serial`.
    pub serial: &'a str,
    /// The key.
    pub key: &'a PrivateKey,
}

/// One entry of GET /v3/certificates; members as on the wire (wire §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateEntry {
    /// Upper-case hex.
    pub serial_no: String,
    /// Start of validity, RFC 3339.
    pub effective_time: String,
    /// End of validity, RFC 3339.
    pub expire_time: String,
    /// The PEM text under the merchant's APIv3 key.
    pub encrypt_certificate: Encrypted,
}

/// All private keys of the platform. Kept in memory while serving, sealed everywhere else.
///
/// ```
/// use crypto::{MasterKey, PlatformKeys, Vault, platform::KeyMode};
/// use types::Time;
/// let now = Time::from_unix(1_790_000_000);
/// let vault = Vault::new(1, &MasterKey::generate()?);
/// let platform = PlatformKeys::generate(now)?;
/// let sealed = platform.seal(&vault)?;
/// let platform = PlatformKeys::open(&vault, &sealed)?;
///
/// let id = platform.public_key_id();
/// assert_eq!(platform.answer_signer(Some(id), KeyMode::Both, now)?.serial, id);
/// assert_ne!(platform.answer_signer(None, KeyMode::Both, now)?.serial, id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PlatformKeys(Stored);

/// What is sealed. Kept apart, so that no one can serialise private keys in clear by accident.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    authority: Authority,
    /// Oldest activation first; never empty.
    certificates: Vec<PlatformCertificate>,
    public: PublicPair,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct PublicPair {
    id: String,
    #[serde(with = "issue::key_pem")]
    key: PrivateKey,
}

impl PlatformKeys {
    /// Makes everything new: an internal authority, one certificate active at once, and a public-key pair. Takes
    /// about half a second.
    ///
    /// # Errors
    /// [`PlatformError::Key`], [`PlatformError::Issue`], [`PlatformError::Randomness`].
    pub fn generate(now: Time) -> Result<Self, PlatformError> {
        let authority = Authority::generate(now)?;
        let certificates = vec![authority.platform_certificate(now, now)?];
        let id = format!("{PUBLIC_KEY_ID_PREFIX}{}", random::digits(ID_DIGITS)?);
        let public = PublicPair { id, key: PrivateKey::generate()? };
        Ok(Self(Stored { authority, certificates, public }))
    }

    /// The key that signs the answer to a request whose `Wechatpay-Serial` header was `requested`: the public-key
    /// pair when the request names it and the merchant has it on, else the newest active certificate.
    ///
    /// # Errors
    /// [`PlatformError::NoCertificate`].
    pub fn answer_signer(
        &self,
        requested: Option<&str>,
        mode: KeyMode,
        now: Time,
    ) -> Result<Signer<'_>, PlatformError> {
        let named = requested.is_some_and(|serial| serial == self.public_key_id());
        self.signer(mode == KeyMode::PublicKey || (mode == KeyMode::Both && named), now)
    }

    /// The key that signs a callback. `ramped` says that this callback falls into the share which
    /// [`callback_share`] gives the public key; it counts only while the merchant holds both keys.
    ///
    /// # Errors
    /// [`PlatformError::NoCertificate`].
    pub fn callback_signer(
        &self,
        mode: KeyMode,
        ramped: bool,
        now: Time,
    ) -> Result<Signer<'_>, PlatformError> {
        self.signer(mode == KeyMode::PublicKey || (mode == KeyMode::Both && ramped), now)
    }

    fn signer(&self, public: bool, now: Time) -> Result<Signer<'_>, PlatformError> {
        if public {
            return Ok(Signer { serial: &self.0.public.id, key: &self.0.public.key });
        }
        let certificate = self.current_certificate(now)?;
        Ok(Signer { serial: &certificate.serial, key: &certificate.key })
    }

    /// The certificate that signs at `now`: of those whose activation has come, the one activated last.
    ///
    /// # Errors
    /// [`PlatformError::NoCertificate`].
    pub fn current_certificate(&self, now: Time) -> Result<&PlatformCertificate, PlatformError> {
        let active = |c: &&PlatformCertificate| c.active_from <= now && c.valid_at(now);
        self.0.certificates.iter().rev().find(active).ok_or(PlatformError::NoCertificate(now))
    }

    /// Decrypts a sensitive field of a request with the key its `Wechatpay-Serial` names (wire §1.9). A lapsed
    /// certificate decrypts no more; one not yet active does, merchants hold it already.
    ///
    /// # Errors
    /// [`PlatformError::UnknownSerial`], [`PlatformError::Field`]; both are PARAM_ERROR to the merchant.
    pub fn decrypt_field(
        &self,
        serial: &str,
        text: &str,
        now: Time,
    ) -> Result<Secret<String>, PlatformError> {
        Ok(self.key_named(serial, now)?.decrypt_field(text)?)
    }

    fn key_named(&self, serial: &str, now: Time) -> Result<&PrivateKey, PlatformError> {
        if serial == self.0.public.id {
            return Ok(&self.0.public.key);
        }
        let named = |c: &&PlatformCertificate| c.serial.eq_ignore_ascii_case(serial) && c.valid_at(now);
        let unknown = || PlatformError::UnknownSerial(serial.chars().take(64).collect());
        self.0.certificates.iter().find(named).map(|c| &c.key).ok_or_else(unknown)
    }

    /// The answer of GET /v3/certificates: every certificate valid at `now`, active or not yet, encrypted with the
    /// merchant's APIv3 key under a fresh nonce.
    ///
    /// # Errors
    /// [`PlatformError::Aead`].
    pub fn certificate_list(
        &self,
        key: &ApiV3Key,
        now: Time,
    ) -> Result<Vec<CertificateEntry>, PlatformError> {
        let valid = self.0.certificates.iter().filter(|c| c.valid_at(now));
        let entry = |c: &PlatformCertificate| {
            Ok(CertificateEntry {
                serial_no: c.serial.clone(),
                effective_time: c.not_before.rfc3339(),
                expire_time: c.not_after.rfc3339(),
                encrypt_certificate: key.encrypt(ASSOCIATED_DATA, c.pem.as_bytes())?,
            })
        };
        valid.map(entry).collect()
    }

    /// Adds a new certificate beside the old ones. It is listed at once and signs from `active_from` on, so that
    /// merchants can fetch it first; they refresh every 12 to 24 hours (wire §2).
    ///
    /// # Errors
    /// [`PlatformError::TooManyCertificates`], [`PlatformError::Issue`], [`PlatformError::Key`],
    /// [`PlatformError::Randomness`].
    pub fn rotate(&mut self, now: Time, active_from: Time) -> Result<&PlatformCertificate, PlatformError> {
        if self.0.certificates.len() >= CERTIFICATES_MAX {
            return Err(PlatformError::TooManyCertificates);
        }
        let certificate = self.0.authority.platform_certificate(now, active_from.max(now))?;
        let place = self.0.certificates.partition_point(|c| c.active_from <= certificate.active_from);
        self.0.certificates.insert(place, certificate);
        Ok(&self.0.certificates[place])
    }

    /// Drops certificates that lapsed before `now`; the newest stays in any case. Returns how many went.
    pub fn retire(&mut self, now: Time) -> usize {
        let before = self.0.certificates.len();
        let newest = self.0.certificates.last().map(|c| c.serial.clone());
        self.0.certificates.retain(|c| c.not_after >= now || Some(&c.serial) == newest.as_ref());
        before - self.0.certificates.len()
    }

    /// Issues a merchant API certificate with a new key, valid five years, subject the merchant number.
    ///
    /// # Errors
    /// [`PlatformError::Issue`], [`PlatformError::Key`], [`PlatformError::Randomness`].
    pub fn issue_merchant(
        &self,
        mchid: MerchantId,
        name: &str,
        now: Time,
    ) -> Result<MerchantIdentity, PlatformError> {
        self.0.authority.merchant(mchid, name, now)
    }

    /// All certificates, oldest activation first.
    #[must_use]
    pub fn certificates(&self) -> &[PlatformCertificate] {
        &self.0.certificates
    }

    /// `PUB_KEY_ID_` and 28 digits.
    #[must_use]
    pub fn public_key_id(&self) -> &str {
        &self.0.public.id
    }

    /// The key behind [`Self::public_key_id`]; it does not lapse.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        self.0.public.key.public_key()
    }

    /// The certificate of the internal authority, PEM.
    #[must_use]
    pub fn authority_pem(&self) -> &str {
        self.0.authority.pem()
    }

    /// Everything, sealed for the store.
    ///
    /// # Errors
    /// [`PlatformError::Key`], [`PlatformError::Vault`].
    pub fn seal(&self, vault: &Vault) -> Result<Sealed, PlatformError> {
        // Room for the whole from the start: a vector that grows leaves copies of keys behind.
        let mut clear = Zeroizing::new(Vec::with_capacity(SECRET_BYTES_MAX));
        serde_json::to_writer(&mut *clear, &self.0).map_err(|e| PlatformError::Stored(e.to_string()))?;
        Ok(vault.seal(Purpose::PlatformKeys, BINDING, &clear)?)
    }

    /// Reads back what [`Self::seal`] made.
    ///
    /// # Errors
    /// [`PlatformError::Vault`] with another master key, [`PlatformError::Stored`].
    pub fn open(vault: &Vault, sealed: &Sealed) -> Result<Self, PlatformError> {
        let clear = vault.open(Purpose::PlatformKeys, BINDING, sealed)?;
        let stored: Stored =
            serde_json::from_slice(clear.expose()).map_err(|e| PlatformError::Stored(e.to_string()))?;
        if stored.certificates.is_empty() || stored.certificates.len() > CERTIFICATES_MAX {
            let count = stored.certificates.len();
            return Err(PlatformError::Stored(format!("{count} certificates, not 1–{CERTIFICATES_MAX}")));
        }
        Ok(Self(stored))
    }
}

/// There is one record of platform keys, so its binding is a constant.
const BINDING: &str = "platform";
