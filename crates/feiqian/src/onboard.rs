//! Onboarding a merchant: application, API certificate, APIv3 key, and the files its developers get.

use crate::{
    home::{HomeError, write_private},
    seed::{self, MerchantSeed, SeedError},
};
use crypto::ApiV3Key;
use domain::records::Digest;
use serde::{Deserialize, Serialize};
use service::Service;
use std::path::{Path, PathBuf};
use types::Secret;

/// What a merchant's SDK needs; `merchant.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MerchantFile {
    pub(crate) base_url: String,
    pub(crate) mchid: String,
    pub(crate) appid: String,
    /// Empty when the application was there before.
    pub(crate) app_secret: String,
    pub(crate) merchant_serial_no: String,
    pub(crate) merchant_private_key_path: PathBuf,
    pub(crate) merchant_certificate_path: PathBuf,
    pub(crate) apiv3_key: String,
    pub(crate) platform_public_key_id: String,
    pub(crate) platform_public_key_path: PathBuf,
    pub(crate) platform_certificate_serial: String,
    pub(crate) platform_certificate_path: PathBuf,
}

/// A merchant to be taken on.
pub(crate) struct NewMerchant<'a> {
    pub(crate) seed: MerchantSeed<'a>,
    /// Name of the application, should it be new.
    pub(crate) app_name: &'a str,
    /// Name in the certificate, ASCII.
    pub(crate) subject: &'a str,
    pub(crate) redirect_hosts: Vec<String>,
}

/// Why a merchant could not be taken on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OnboardError {
    #[error(transparent)]
    Seed(#[from] SeedError),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("store: {0}")]
    Store(#[from] engine::Fault),
    #[error("keys: {0}")]
    Platform(#[from] crypto::platform::PlatformError),
    #[error("keys: {0}")]
    Key(#[from] crypto::rsa::KeyError),
    #[error("keys: {0}")]
    Aead(#[from] crypto::aead::AeadError),
    #[error("{0}")]
    Random(#[from] crypto::random::NoRandomness),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

/// Registers everything and writes the files into `folder`, for its owner only.
pub(crate) async fn merchant(
    service: &Service,
    folder: &Path,
    base: &str,
    asked: &NewMerchant<'_>,
) -> Result<MerchantFile, OnboardError> {
    std::fs::create_dir_all(folder)?;
    let folder = folder.canonicalize()?;
    let (engine, vault, now) = (&service.engine, &service.vault, service.now());
    let (merchant, app) = (asked.seed.id, asked.seed.app);
    let mut secret = String::new();
    if service.queries.application(app)?.is_none() {
        secret = crypto::random::alphanumeric(32)?;
        let hash = Digest(*vault.hasher().code(&format!("app_secret:{app}"), &secret).as_bytes());
        let hosts: Vec<&str> = asked.redirect_hosts.iter().map(String::as_str).collect();
        seed::application(engine, app, asked.app_name, &hosts, Some(hash)).await?;
    }
    seed::merchant(engine, &asked.seed).await?;
    let keys = service.keys();
    let identity = keys.issue_merchant(merchant, asked.subject, now)?;
    let apiv3_key = crypto::random::alphanumeric(32)?;
    ApiV3Key::parse(&apiv3_key)?;
    let clear = Secret::new(apiv3_key.clone());
    seed::merchant_keys(engine, vault, merchant, identity.certificate_pem(), &clear).await?;
    let platform = keys.current_certificate(now)?;
    let file = |name: &str| folder.join(name);
    write_private(&file("merchant_key.pem"), identity.key().to_pem()?.expose().as_bytes())?;
    write_private(&file("merchant_cert.pem"), identity.certificate_pem().as_bytes())?;
    write_private(&file("platform_public_key.pem"), keys.public_key().to_pem().as_bytes())?;
    write_private(&file("platform_cert.pem"), platform.pem().as_bytes())?;
    let written = MerchantFile {
        base_url: base.to_owned(),
        mchid: merchant.to_string(),
        appid: app.to_string(),
        app_secret: secret,
        merchant_serial_no: identity.serial().to_owned(),
        merchant_private_key_path: file("merchant_key.pem"),
        merchant_certificate_path: file("merchant_cert.pem"),
        apiv3_key,
        platform_public_key_id: keys.public_key_id().to_owned(),
        platform_public_key_path: file("platform_public_key.pem"),
        platform_certificate_serial: platform.serial().to_owned(),
        platform_certificate_path: file("platform_cert.pem"),
    };
    write_private(&file("merchant.json"), &serde_json::to_vec_pretty(&written)?)?;
    Ok(written)
}
