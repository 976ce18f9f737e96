//! `feiqian sandbox init`: a merchant with keys and a funded payer, written as files for an integrator's SDK.

use crate::{
    app::App,
    config::Config,
    home::{Home, HomeError, write_private},
    seed::{self, MerchantSeed, SeedError},
};
use crypto::ApiV3Key;
use domain::{payer::IdentityChannel, records::Digest};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use types::{AppId, MerchantId, Money, Rate, Secret};

/// The sandbox's merchant.
pub(crate) const MERCHANT: MerchantId = MerchantId(1_900_000_001);
/// The sandbox's application.
pub(crate) const APP: AppId = AppId(0x8888_8888_8888_8888_u64.cast_signed());
/// The phone of the sandbox's payer.
pub(crate) const PAYER_PHONE: &str = "13800138000";
const PAYER_CARD: &str = "6212345678901232";
const BALANCE: Money = Money::cny(10_000_00);

/// What an integrator's SDK needs; `merchant.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MerchantFile {
    pub(crate) base_url: String,
    pub(crate) mchid: String,
    pub(crate) appid: String,
    pub(crate) app_secret: String,
    pub(crate) merchant_serial_no: String,
    pub(crate) merchant_private_key_path: PathBuf,
    pub(crate) merchant_certificate_path: PathBuf,
    pub(crate) apiv3_key: String,
    pub(crate) platform_public_key_id: String,
    pub(crate) platform_public_key_path: PathBuf,
    pub(crate) platform_certificate_serial: String,
    pub(crate) platform_certificate_path: PathBuf,
    pub(crate) payer_openid: String,
    pub(crate) payer_phone: String,
    pub(crate) payer_pin: String,
}

/// Why a sandbox could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SandboxError {
    #[error(transparent)]
    Seed(#[from] SeedError),
    #[error("the simulated bank refuses the sandbox's card: {0}")]
    Card(String),
    #[error(transparent)]
    Home(#[from] HomeError),
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
    #[error("{0}: a sandbox is there already; remove the directory, or use another --data")]
    Exists(PathBuf),
}

/// Makes the sandbox's merchant, application and payer, and writes their files.
pub(crate) async fn init(app: &App, home: &Home, config: &Config) -> Result<MerchantFile, SandboxError> {
    let folder = home.sandbox();
    if folder.join("merchant.json").exists() {
        return Err(SandboxError::Exists(folder));
    }
    std::fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let service = &app.service;
    let (engine, vault, now) = (&service.engine, &service.vault, service.now());
    let secret = crypto::random::alphanumeric(32)?;
    let hash = vault.hasher().code(&format!("app_secret:{APP}"), &secret);
    let hosts = ["127.0.0.1", "localhost"];
    let ports = ["", ":3000", ":5173", ":8000", ":8080", ":9000"];
    let hosts: Vec<String> =
        hosts.iter().flat_map(|h| ports.iter().map(move |p| format!("{h}{p}"))).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    seed::application(engine, APP, "沙箱公众号 Sandbox account", &hosts, Some(Digest(*hash.as_bytes())))
        .await?;
    let merchant = MerchantSeed {
        id: MERCHANT,
        name: "飞钱咖啡 Feiqian Coffee",
        app: APP,
        fee: Rate(6_000),
        rate_per_s: 600,
    };
    seed::merchant(engine, &merchant).await?;
    let keys = service.keys();
    let identity = keys.issue_merchant(MERCHANT, "Feiqian Coffee", now)?;
    let apiv3_key = crypto::random::alphanumeric(32)?;
    ApiV3Key::parse(&apiv3_key)?;
    let clear = Secret::new(apiv3_key.clone());
    seed::merchant_keys(engine, vault, MERCHANT, identity.certificate_pem(), &clear).await?;
    // With the phone and the bank card bound below these are five channels: class III.
    let channels =
        [IdentityChannel::IdentityCard, IdentityChannel::Education, IdentityChannel::SocialSecurity];
    let bank = worker::SimulatedBank::new(std::sync::Arc::clone(vault));
    let card = bank.verify_card(PAYER_CARD).map_err(|refused| SandboxError::Card(refused.to_string()))?;
    let payer =
        seed::payer(engine, vault, PAYER_PHONE, &channels, (&card.token, &card.tail, card.channel), BALANCE)
            .await?;
    let platform = keys.current_certificate(now)?;
    let file = |name: &str| folder.join(name);
    write_private(&file("merchant_key.pem"), identity.key().to_pem()?.expose().as_bytes())?;
    write_private(&file("merchant_cert.pem"), identity.certificate_pem().as_bytes())?;
    write_private(&file("platform_public_key.pem"), keys.public_key().to_pem().as_bytes())?;
    write_private(&file("platform_cert.pem"), platform.pem().as_bytes())?;
    let written = MerchantFile {
        base_url: config.base(),
        mchid: MERCHANT.to_string(),
        appid: APP.to_string(),
        app_secret: secret,
        merchant_serial_no: identity.serial().to_owned(),
        merchant_private_key_path: file("merchant_key.pem"),
        merchant_certificate_path: file("merchant_cert.pem"),
        apiv3_key,
        platform_public_key_id: keys.public_key_id().to_owned(),
        platform_public_key_path: file("platform_public_key.pem"),
        platform_certificate_serial: platform.serial().to_owned(),
        platform_certificate_path: file("platform_cert.pem"),
        payer_openid: vault.tokens().openid(APP, payer.id),
        payer_phone: PAYER_PHONE.to_owned(),
        payer_pin: seed::SANDBOX_PIN.to_owned(),
    };
    write_private(&file("merchant.json"), &serde_json::to_vec_pretty(&written)?)?;
    Ok(written)
}
