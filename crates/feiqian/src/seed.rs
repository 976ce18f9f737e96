//! Makes merchants, applications and payers through the same commands that operators and payers use: for the
//! sandbox, the demo and the benchmark.

use cluster::Router;
use crypto::Vault;
use domain::{
    Caller, Command, Reply,
    application::Application,
    card::NewCard,
    merchant::{Certificate, MerchantChange, NewMerchant, Products},
    payer::IdentityChannel,
    payment::{ChannelAnswer, Paid},
    records::Digest,
    session::SignIn,
};
use engine::Refusal;
use std::sync::Arc;
use types::{AppId, MerchantId, Money, PayerId, Phone, Rate, Secret, Time};

/// The payment PIN of every payer made here. Sandboxes only.
pub(crate) const SANDBOX_PIN: &str = "123456";

/// Why something could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SeedError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("sealing: {0}")]
    Vault(#[from] crypto::vault::VaultError),
    #[error("`{0}` is no phone number")]
    Phone(String),
    #[error("unexpected answer: {0:?}")]
    Answer(Reply),
}

/// A merchant to be made.
pub(crate) struct MerchantSeed<'a> {
    pub(crate) id: MerchantId,
    pub(crate) name: &'a str,
    pub(crate) app: AppId,
    pub(crate) fee: Rate,
    pub(crate) rate_per_s: u32,
}

/// Registers a merchant with all products and binds its application.
pub(crate) async fn merchant(engine: &Router, seed: &MerchantSeed<'_>) -> Result<(), SeedError> {
    let new = NewMerchant {
        id: seed.id,
        name: seed.name.into(),
        products: Products::ALL,
        fee: seed.fee,
        rate_per_s: seed.rate_per_s,
    };
    engine.run(Command::RegisterMerchant(new), Caller::platform()).await?;
    let change = MerchantChange { bind: Some(seed.app), ..MerchantChange::default() };
    engine.run(Command::ChangeMerchant(seed.id, Box::new(change)), Caller::platform()).await?;
    let scenes = domain::user_transfer::scene::SCENES.iter().map(|scene| scene.id).collect();
    engine.run(Command::SetTransferScenes(seed.id, scenes), Caller::platform()).await?;
    Ok(())
}

/// Gives a merchant its API certificate and APIv3 key.
pub(crate) async fn merchant_keys(
    engine: &Router,
    vault: &Vault,
    merchant: MerchantId,
    certificate_pem: &str,
    apiv3_key: &Secret<String>,
) -> Result<(), SeedError> {
    let binding = service::directory::apiv3_binding(merchant);
    let sealed = vault.seal(crypto::Purpose::MerchantSecret, &binding, apiv3_key.expose().as_bytes())?;
    let change = MerchantChange { apiv3_key: Some(sealed.as_bytes().into()), ..MerchantChange::default() };
    engine.run(Command::ChangeMerchant(merchant, Box::new(change)), Caller::platform()).await?;
    if let Ok(read) = crypto::Certificate::from_pem(certificate_pem) {
        let certificate = Certificate {
            serial: read.serial().into(),
            merchant,
            pem: certificate_pem.into(),
            not_before: read.not_before(),
            not_after: read.not_after(),
            revoked_at: None,
        };
        engine.run(Command::AddCertificate(Box::new(certificate)), Caller::platform()).await?;
    }
    Ok(())
}

/// Registers an application.
pub(crate) async fn application(
    engine: &Router,
    id: AppId,
    name: &str,
    redirect_hosts: &[&str],
    secret: Option<Digest>,
) -> Result<(), SeedError> {
    let redirect_hosts = redirect_hosts.iter().map(|host| Box::from(*host)).collect();
    let new = Application { id, name: name.into(), redirect_hosts, secret };
    engine.run(Command::RegisterApplication(Box::new(new)), Caller::platform()).await?;
    Ok(())
}

/// A payer made here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeededPayer {
    pub(crate) id: PayerId,
    pub(crate) pin: Digest,
}

/// Signs a payer up, sets the sandbox PIN, passes `channels`, binds a card and tops up `balance`.
pub(crate) async fn payer(
    engine: &Router,
    vault: &Vault,
    phone: &str,
    channels: &[IdentityChannel],
    card_token: (&str, &str, i64),
    balance: Money,
) -> Result<SeededPayer, SeedError> {
    let number = Phone::parse(phone).ok_or_else(|| SeedError::Phone(phone.into()))?;
    let hasher = vault.hasher();
    let phone_hash = Digest(*hasher.phone(&number).as_bytes());
    let code = Digest(*hasher.code("seed", phone).as_bytes());
    let token = Digest(*hasher.token(&format!("seed:{phone}")).as_bytes());
    engine.run(Command::SendCode { phone: phone_hash, code }, Caller::platform()).await?;
    let binding = service::phone_binding(phone_hash);
    let sealed =
        vault.seal(crypto::Purpose::PersonalData, &binding, types::Masked::expose(&number).as_bytes())?;
    let phone_sealed = sealed.as_bytes().into();
    let sign_in = Command::SignIn { phone: phone_hash, phone_sealed, code, token };
    let id = match engine.run(sign_in, Caller::platform()).await? {
        Reply::SignedIn(SignIn::Welcome { payer, .. }) => payer,
        other => return Err(SeedError::Answer(other)),
    };
    engine.run(Command::SignOut(id, token), Caller::platform()).await?;
    let pin = Digest(*hasher.pin(id, SANDBOX_PIN).as_bytes());
    engine.run(Command::SetPin { payer: id, new: pin, old: None }, Caller::platform()).await?;
    for channel in channels {
        engine.run(Command::ConfirmIdentity(id, *channel), Caller::platform()).await?;
    }
    let (token, tail, channel) = card_token;
    let card = NewCard {
        payer: id,
        bank: "ICBC_DEBIT".into(),
        tail: tail.into(),
        token: token.into(),
        channel,
        bound: 0,
    };
    let card = match engine.run(Command::BindCard(Box::new(card)), Caller::platform()).await? {
        Reply::Card(card) => card,
        other => return Err(SeedError::Answer(other)),
    };
    let top_up = Command::TopUp { card, payer: id, amount: balance, pin };
    let payment = match engine.run(top_up, Caller::platform()).await? {
        Reply::Paid(Paid::Waiting(payment)) => payment,
        other => return Err(SeedError::Answer(other)),
    };
    let answer = Command::AnswerPayment(payment, ChannelAnswer::Succeeded("seed".into()));
    engine.run(answer, Caller::platform()).await?;
    Ok(SeededPayer { id, pin })
}

/// Terms of a small order, for load.
pub(crate) fn load_terms(
    merchant: MerchantId,
    app: AppId,
    number: &str,
    fen: i64,
) -> Arc<domain::order::Terms> {
    let mut digest = [0_u8; 16];
    for (place, byte) in number.bytes().enumerate() {
        digest[place % 16] ^= byte.rotate_left(u32::try_from(place / 16).unwrap_or(0));
    }
    Arc::new(domain::order::Terms {
        partner: None,
        merchant,
        app,
        number: number.into(),
        product: domain::merchant::Product::Native,
        amount: Money::cny(fen),
        description: "咖啡 coffee".into(),
        attach: "".into(),
        notify_url: "https://merchant.example/notify".into(),
        payer: None,
        sharing: false,
        device: "".into(),
        extra: "".into(),
        digest,
    })
}

/// Now, for ids in benchmarks.
pub(crate) fn unix_now() -> Time {
    engine::Clock::now(&engine::SystemClock)
}
