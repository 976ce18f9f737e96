//! `feiqian sandbox init`: a merchant and a partner with keys, a sub-merchant without, and a funded payer, written as
//! files for an integrator's SDK.

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
use types::{AppId, MerchantId, Money, PayerId, Rate};

/// The sandbox's merchant.
pub(crate) const MERCHANT: MerchantId = MerchantId(1_900_000_001);
/// The sandbox's application.
pub(crate) const APP: AppId = AppId(0x8888_8888_8888_8888_u64.cast_signed());
/// The phone of the sandbox's payer.
pub(crate) const PAYER_PHONE: &str = "13800138000";
/// The sandbox's partner (服务商), its application, and its sub-merchant (特约商户) with one of its own. The numbers of
/// these applications are above the merchant's: helpers that are told no appid take the lowest.
pub(crate) const PARTNER: MerchantId = MerchantId(1_900_000_100);
const PARTNER_APP: AppId = AppId(0x9999_9999_9999_9100_u64.cast_signed());
pub(crate) const SUB_MERCHANT: MerchantId = MerchantId(1_900_000_109);
const SUB_APP: AppId = AppId(0x9999_9999_9999_9109_u64.cast_signed());
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

/// The sandbox's `partner.json`: what a partner's SDK needs, and the payer by both applications.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PartnerFile {
    #[serde(flatten)]
    pub(crate) partner: MerchantFile,
    pub(crate) sub_mchid: String,
    pub(crate) sub_appid: String,
    pub(crate) payer_sp_openid: String,
    pub(crate) payer_sub_openid: String,
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
    #[error(transparent)]
    Refused(#[from] engine::Refusal),
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
        redirect_hosts: hosts(),
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
    write_private(
        &folder.join("partner.json"),
        &serde_json::to_vec_pretty(&partner(app, home, config, payer.id).await?)?,
    )?;
    write_private(&folder.join("merchant.json"), &serde_json::to_vec_pretty(&written)?)?;
    Ok(written)
}

/// Makes a partner with a certificate in a folder of its own, and a sub-merchant that has none.
async fn partner(
    app: &App,
    home: &Home,
    config: &Config,
    payer: PayerId,
) -> Result<PartnerFile, SandboxError> {
    let (service, tokens) = (&app.service, app.service.vault.tokens());
    let asked = NewMerchant {
        seed: MerchantSeed {
            id: PARTNER,
            name: "飞钱连锁总部 Feiqian Head Office",
            app: PARTNER_APP,
            fee: Rate(6_000),
            rate_per_s: 600,
        },
        app_name: "总部公众号 Head office account",
        subject: "Feiqian Head Office",
        redirect_hosts: hosts(),
    };
    let made = onboard::merchant(service, &home.sandbox().join("partner"), &config.base(), &asked).await?;
    let branch = domain::merchant::NewMerchant {
        id: SUB_MERCHANT,
        name: "飞钱咖啡望江店 Feiqian Coffee, Riverside".into(),
        products: domain::merchant::Products::ALL,
        fee: Rate(3_800),
        rate_per_s: 150,
    };
    crate::partner::seed(app, branch, PARTNER).await?;
    seed::application(&service.engine, SUB_APP, "望江店公众号 Riverside account", &[], None).await?;
    let bind = domain::merchant::MerchantChange { bind: Some(SUB_APP), ..Default::default() };
    let bind = domain::Command::ChangeMerchant(SUB_MERCHANT, Box::new(bind));
    service.engine.run(bind, domain::Caller::platform()).await?;
    // All three share orders, and give back what they received.
    let sharing = domain::sharing::Participation {
        max_ratio: Some(domain::sharing::RATIO_DEFAULT),
        returns: true,
        notify_url: "".into(),
    };
    for shop in [MERCHANT, PARTNER, SUB_MERCHANT] {
        let change =
            domain::merchant::MerchantChange { sharing: Some(sharing.clone()), ..Default::default() };
        let change = domain::Command::ChangeMerchant(shop, Box::new(change));
        service.engine.run(change, domain::Caller::platform()).await?;
    }
    let permissions = domain::partner::Permissions::USUAL.and(domain::partner::Permission::Sharing);
    let share = domain::Command::AddSubMerchant { merchant: SUB_MERCHANT, partner: PARTNER, permissions };
    service.engine.run(share, domain::Caller::platform()).await?;
    // So that the sandbox's merchant can try combined orders (合单) with all three.
    for shop in [PARTNER, SUB_MERCHANT] {
        let allow = domain::merchant::MerchantChange { allow_combine: Some(MERCHANT), ..Default::default() };
        let allow = domain::Command::ChangeMerchant(shop, Box::new(allow));
        service.engine.run(allow, domain::Caller::platform()).await?;
    }
    Ok(PartnerFile {
        partner: made,
        sub_mchid: SUB_MERCHANT.to_string(),
        sub_appid: SUB_APP.to_string(),
        payer_sp_openid: tokens.openid(PARTNER_APP, payer),
        payer_sub_openid: tokens.openid(SUB_APP, payer),
        payer_phone: PAYER_PHONE.to_owned(),
        payer_pin: seed::SANDBOX_PIN.to_owned(),
    })
}

/// Where the sandbox's applications may send payers back to: this machine, on the ports that tools usually take.
fn hosts() -> Vec<String> {
    let hosts = ["127.0.0.1", "localhost"];
    let ports = ["", ":3000", ":5173", ":8000", ":8080", ":9000"];
    hosts.iter().flat_map(|host| ports.iter().map(move |port| format!("{host}{port}"))).collect()
}
