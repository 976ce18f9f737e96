//! `feiqian sandbox init`: a merchant with keys and a funded payer, written as files for an integrator's SDK.

use crate::{
    app::App,
    config::Config,
    home::{Home, HomeError, write_private},
    onboard::{self, MerchantFile, NewMerchant, OnboardError},
    people,
    seed::{self, MerchantSeed, SeedError},
};
use domain::payer::IdentityChannel;
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc};
use types::{AppId, MerchantId, Money, Rate};

/// The sandbox's merchant.
pub(crate) const MERCHANT: MerchantId = MerchantId(1_900_000_001);
/// The sandbox's application.
pub(crate) const APP: AppId = AppId(0x8888_8888_8888_8888_u64.cast_signed());
/// The phone of the sandbox's payer.
pub(crate) const PAYER_PHONE: &str = "13800138000";
const PAYER_CARD: &str = "6212345678901232";
const BALANCE: Money = Money::cny(10_000_00);

/// The sandbox's `merchant.json`: what an SDK needs, and a payer to pay with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SandboxFile {
    #[serde(flatten)]
    pub(crate) merchant: MerchantFile,
    pub(crate) payer_openid: String,
    pub(crate) payer_phone: String,
    pub(crate) payer_pin: String,
}

/// Why a sandbox could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SandboxError {
    #[error(transparent)]
    Onboard(#[from] OnboardError),
    #[error(transparent)]
    Seed(#[from] SeedError),
    #[error("console accounts: {0}")]
    People(String),
    #[error("the simulated bank refuses the sandbox's card: {0}")]
    Card(String),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}: a sandbox is there already; remove the directory, or use another --data")]
    Exists(PathBuf),
}

/// Makes the sandbox's merchant, application and payer, and writes their files.
pub(crate) async fn init(app: &App, home: &Home, config: &Config) -> Result<SandboxFile, SandboxError> {
    let folder = home.sandbox();
    if folder.join("merchant.json").exists() {
        return Err(SandboxError::Exists(folder));
    }
    let service = &app.service;
    let (engine, vault) = (&service.engine, &service.vault);
    let hosts = ["127.0.0.1", "localhost"];
    let ports = ["", ":3000", ":5173", ":8000", ":8080", ":9000"];
    let hosts = hosts.iter().flat_map(|host| ports.iter().map(move |port| format!("{host}{port}"))).collect();
    let asked = NewMerchant {
        seed: MerchantSeed {
            id: MERCHANT,
            name: "飞钱咖啡 Feiqian Coffee",
            app: APP,
            fee: Rate(6_000),
            rate_per_s: 600,
        },
        app_name: "沙箱公众号 Sandbox account",
        subject: "Feiqian Coffee",
        redirect_hosts: hosts,
    };
    let merchant = onboard::merchant(service, &folder, &config.base(), &asked).await?;
    // With the phone and the bank card bound below these are five channels: class III.
    let channels =
        [IdentityChannel::IdentityCard, IdentityChannel::Education, IdentityChannel::SocialSecurity];
    let bank = worker::SimulatedBank::new(Arc::clone(vault));
    let card = bank.verify_card(PAYER_CARD).map_err(|refused| SandboxError::Card(refused.to_string()))?;
    let card = (card.token.as_str(), card.tail.as_str(), card.channel);
    let payer = seed::payer(engine, vault, PAYER_PHONE, &channels, card, BALANCE).await?;
    let written = SandboxFile {
        merchant,
        payer_openid: vault.tokens().openid(APP, payer.id),
        payer_phone: PAYER_PHONE.to_owned(),
        payer_pin: seed::SANDBOX_PIN.to_owned(),
    };
    people::sandbox(service, home, MERCHANT)
        .await
        .map_err(|error| SandboxError::People(error.to_string()))?;
    write_private(&folder.join("merchant.json"), &serde_json::to_vec_pretty(&written)?)?;
    Ok(written)
}
