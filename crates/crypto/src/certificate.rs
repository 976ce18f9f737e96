//! An X.509 certificate read back: of a merchant or of the platform.

use crate::{
    pem,
    rsa::{KeyError, PublicKey},
};
use data_encoding::HEXUPPER;
use types::Time;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

/// What the platform needs of a certificate. No chain is checked: a certificate is trusted because an operator
/// or the platform itself put it on file for that merchant, not because of who signed it.
///
/// ```
/// use crypto::{Certificate, PlatformKeys};
/// use types::{MerchantId, Time};
/// let now = Time::from_unix(1_790_000_000);
/// let platform = PlatformKeys::generate(now)?;
/// let issued = platform.issue_merchant(MerchantId(1_900_000_001), "Tea house", now)?;
/// let certificate = Certificate::from_pem(issued.certificate_pem())?;
/// assert_eq!(certificate.serial(), issued.serial());
/// assert!(certificate.valid_at(now));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    serial: String,
    not_before: Time,
    not_after: Time,
    subject: String,
    public_key: PublicKey,
}

impl Certificate {
    /// The longest serial, in bytes (RFC 5280 §4.1.2.2).
    pub const SERIAL_BYTES_MAX: usize = 20;

    /// Reads the first `CERTIFICATE` block of a PEM text.
    ///
    /// # Errors
    /// [`KeyError::Pem`], [`KeyError::Certificate`], [`KeyError::Rejected`], [`KeyError::Size`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let der =
            pem::decode("CERTIFICATE", text).map_err(|e| KeyError::Pem(e.to_string(), "certificate"))?;
        Self::from_der(&der)
    }

    /// Reads the DER form; bytes after the certificate are refused.
    ///
    /// # Errors
    /// [`KeyError::Certificate`], [`KeyError::Rejected`], [`KeyError::Size`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let (rest, x509) =
            X509Certificate::from_der(der).map_err(|e| KeyError::Certificate(e.to_string()))?;
        if !rest.is_empty() {
            return Err(KeyError::Certificate(format!("{} bytes follow it", rest.len())));
        }
        let serial = x509.tbs_certificate.serial.to_bytes_be();
        if serial.is_empty() || serial.len() > Self::SERIAL_BYTES_MAX {
            return Err(KeyError::Certificate(format!("its serial has {} bytes, not 1–20", serial.len())));
        }
        Ok(Self {
            serial: HEXUPPER.encode(&serial),
            not_before: Time::from_unix(x509.validity().not_before.timestamp()),
            not_after: Time::from_unix(x509.validity().not_after.timestamp()),
            subject: x509.subject().to_string(),
            public_key: PublicKey::from_spki(x509.public_key().raw)?,
        })
    }

    /// The serial in upper-case hex, whole bytes, as in `Wechatpay-Serial` and `serial_no`.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.serial
    }
    /// The first instant of validity.
    #[must_use]
    pub const fn not_before(&self) -> Time {
        self.not_before
    }
    /// The last instant of validity.
    #[must_use]
    pub const fn not_after(&self) -> Time {
        self.not_after
    }
    /// The subject in one line, for people.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }
    /// The key it certifies.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }
    /// True within the validity, both ends included.
    #[must_use]
    pub fn valid_at(&self, now: Time) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}
