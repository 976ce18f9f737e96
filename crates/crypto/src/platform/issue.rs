//! The internal authority: issues platform and merchant certificates.

use super::PlatformError;
use crate::{PrivateKey, random};
use data_encoding::HEXUPPER;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, IsCa, Issuer,
    KeyUsagePurpose, PKCS_RSA_SHA256, PublicKeyData, SerialNumber, SignatureAlgorithm, SigningKey,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use types::{
    MerchantId, Time,
    time::{DAY, HOUR, SECOND},
};

/// Five years with a leap day, the life of platform and merchant certificates (wire §1.8).
const LIFE: i64 = 1826 * DAY;
/// The authority outlives what it issues.
const AUTHORITY_LIFE: i64 = 20 * 365 * DAY;
/// Certificates begin a little in the past: a merchant's clock may be behind, and the Python SDK drops
/// certificates that are not valid yet.
const BACKDATED: i64 = HOUR;
const ORGANIZATION: &str = "Feiqian";
/// Characters of a merchant's name in its certificate (RFC 5280, ub-organizational-unit-name).
const NAME_MAX: usize = 64;

/// A platform certificate with its key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlatformCertificate {
    pub(super) serial: String,
    pub(super) pem: String,
    #[serde(with = "key_pem")]
    pub(super) key: PrivateKey,
    pub(super) not_before: Time,
    pub(super) not_after: Time,
    pub(super) active_from: Time,
}

impl PlatformCertificate {
    /// Upper-case hex, 40 digits, the first of them 1–7.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.serial
    }
    /// The certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }
    /// Start of validity.
    #[must_use]
    pub const fn not_before(&self) -> Time {
        self.not_before
    }
    /// End of validity.
    #[must_use]
    pub const fn not_after(&self) -> Time {
        self.not_after
    }
    /// From when on it signs.
    #[must_use]
    pub const fn active_from(&self) -> Time {
        self.active_from
    }
    /// True within the validity, both ends included.
    #[must_use]
    pub fn valid_at(&self, now: Time) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

/// A merchant's API certificate with its key, to be handed over once.
#[derive(Clone, Debug)]
pub struct MerchantIdentity {
    serial: String,
    certificate_pem: String,
    key: PrivateKey,
}

impl MerchantIdentity {
    /// Upper-case hex, 40 digits.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.serial
    }
    /// The certificate, PEM; the platform keeps it, too, to encrypt fields for the merchant (wire §1.9).
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }
    /// The private key; the platform keeps no copy.
    #[must_use]
    pub const fn key(&self) -> &PrivateKey {
        &self.key
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Authority {
    pem: String,
    #[serde(with = "key_pem")]
    key: PrivateKey,
}

impl Authority {
    pub(super) fn generate(now: Time) -> Result<Self, PlatformError> {
        let key = PrivateKey::generate()?;
        let draft = Draft::new("Feiqian Root CA", None, now, AUTHORITY_LIFE)?;
        let mut params = draft.params;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&CertificateKey(&key)).map_err(issue)?;
        Ok(Self { pem: certificate.pem(), key })
    }

    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    pub(super) fn platform_certificate(
        &self,
        now: Time,
        active_from: Time,
    ) -> Result<PlatformCertificate, PlatformError> {
        let key = PrivateKey::generate()?;
        let draft = Draft::new("Feiqian platform", None, now, LIFE)?;
        let pem = self.sign(&draft, &key)?.pem();
        let Draft { serial, not_before, not_after, .. } = draft;
        Ok(PlatformCertificate { serial, pem, key, not_before, not_after, active_from })
    }

    pub(super) fn merchant(
        &self,
        mchid: MerchantId,
        name: &str,
        now: Time,
    ) -> Result<MerchantIdentity, PlatformError> {
        let key = PrivateKey::generate()?;
        let draft = Draft::new(&mchid.to_string(), Some(name), now, LIFE)?;
        let certificate_pem = self.sign(&draft, &key)?.pem();
        Ok(MerchantIdentity { serial: draft.serial, certificate_pem, key })
    }

    fn sign(&self, draft: &Draft, key: &PrivateKey) -> Result<Certificate, PlatformError> {
        let issuer = Issuer::from_ca_cert_pem(&self.pem, CertificateKey(&self.key)).map_err(issue)?;
        draft.params.signed_by(&CertificateKey(key), &issuer).map_err(issue)
    }
}

/// A certificate before it is signed.
struct Draft {
    serial: String,
    not_before: Time,
    not_after: Time,
    params: CertificateParams,
}

impl Draft {
    fn new(common_name: &str, unit: Option<&str>, now: Time, life: i64) -> Result<Self, PlatformError> {
        let mut serial = random::bytes::<20>()?;
        // First hex digit 1–7: SDKs disagree about leading zeros, and a high bit would add a byte (wire §1.8).
        serial[0] = 0x10 + serial[0] % 0x70;
        let not_before = Time(now.plus(-BACKDATED).0.div_euclid(SECOND) * SECOND);
        let not_after = not_before.plus(life);
        let mut names = DistinguishedName::new();
        names.push(DnType::CountryName, "CN");
        names.push(DnType::OrganizationName, ORGANIZATION);
        if let Some(unit) = unit.map(str::trim).filter(|unit| !unit.is_empty()) {
            names.push(DnType::OrganizationalUnitName, unit.chars().take(NAME_MAX).collect::<String>());
        }
        names.push(DnType::CommonName, common_name);
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.not_before = date(not_before)?;
        params.not_after = date(not_after)?;
        params.distinguished_name = names;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.use_authority_key_identifier_extension = true;
        Ok(Self { serial: HEXUPPER.encode(&serial), not_before, not_after, params })
    }
}

fn date(time: Time) -> Result<OffsetDateTime, PlatformError> {
    let wrong = |_| PlatformError::Issue(format!("{} s is no date of a certificate", time.unix()));
    OffsetDateTime::from_unix_timestamp(time.unix()).map_err(wrong)
}

fn issue(error: rcgen::Error) -> PlatformError {
    PlatformError::Issue(error.to_string())
}

/// A key as the certificate writer wants it.
struct CertificateKey<'a>(&'a PrivateKey);

impl PublicKeyData for CertificateKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key_rfc8017()
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

impl SigningKey for CertificateKey<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0.sign_block(&[message]).map(Vec::from).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// A private key as PEM text inside the sealed record.
pub(super) mod key_pem {
    use crate::PrivateKey;
    use serde::{Deserialize, Deserializer, Serializer, de, ser};
    use zeroize::Zeroizing;

    pub(in crate::platform) fn serialize<S: Serializer>(key: &PrivateKey, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(key.to_pem().map_err(ser::Error::custom)?.expose())
    }

    pub(in crate::platform) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<PrivateKey, D::Error> {
        let text = Zeroizing::new(String::deserialize(from)?);
        PrivateKey::from_pem(&text).map_err(de::Error::custom)
    }
}
