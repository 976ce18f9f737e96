//! `POST /sandbox/v1/payers`: a new payer with a card and money, ready to pay.

use super::{PIN, app, apps, json, pin, problem::Problem, read};
use crate::{errors, transport::caller};
use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use crypto::{Purpose, random, token};
use domain::{
    Actor, Caller, Command, Reply,
    card::NewCard,
    payer::IdentityChannel,
    payment::{ChannelAnswer, Paid},
    records::Digest,
    session::SignIn,
};
use serde::{Deserialize, Serialize};
use service::Service;
use std::sync::Arc;
use types::{CardId, Masked, Money, PayerId, Phone};

/// What is asked; everything may be left out.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Fen.
    #[serde(default)]
    balance: i64,
    appid: Option<String>,
}

/// The payer, with what is needed to sign in to the wallet as them.
#[derive(Serialize)]
struct Made {
    openid: String,
    appid: String,
    phone: String,
    pin: &'static str,
    balance: i64,
}

/// The most a payer is given, fen: twenty top-ups.
const BALANCE_MAX: i64 = 20 * TOP_UP_MAX;
/// One top-up, ¥50,000; the limits allow no more.
const TOP_UP_MAX: i64 = 5_000_000;
/// New numbers drawn before giving up; ten million are left.
const NUMBERS_MAX: usize = 8;

/// 200 with the payer: class III, PIN 123456, one card that its bank always accepts.
pub(super) async fn make(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let (asked, parts) = read::<Asked>(request).await?;
    if !(0..=BALANCE_MAX).contains(&asked.balance) {
        let detail = format!("balance is fen, from 0 to {BALANCE_MAX}.");
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail).coded("PARAM_ERROR"));
    }
    let app = match &asked.appid {
        Some(text) => app(text)?,
        None => *apps(&service)?.first().ok_or_else(|| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "No merchant has an application; bind one, or give an appid.",
            )
        })?,
    };
    let visitor = caller(Actor::Visitor, &parts);
    let (payer, phone) = sign_up(&service, &visitor).await?;
    let own = caller(Actor::Payer(payer), &parts);
    let engine = &service.engine;
    engine.run(Command::SetPin { payer, new: pin(&service, payer), old: None }, own.clone()).await?;
    engine.run(Command::ConfirmIdentity(payer, IdentityChannel::FaceToFace), own.clone()).await?;
    let card = bind_card(&service, payer, own.clone()).await?;
    let mut missing = asked.balance;
    while missing > 0 {
        let amount = Money::cny(missing.min(TOP_UP_MAX));
        top_up(&service, payer, card, amount, own.clone()).await?;
        missing -= amount.minor;
    }
    let made = Made {
        openid: service.vault.tokens().openid(app, payer),
        appid: app.to_string(),
        phone: phone.expose().to_owned(),
        pin: PIN,
        balance: asked.balance,
    };
    Ok(json(StatusCode::OK, &made))
}

/// Signs up under a number that nobody has.
async fn sign_up(service: &Service, caller: &Caller) -> Result<(PayerId, Phone), Problem> {
    let (hasher, engine) = (service.vault.hasher(), &service.engine);
    for _ in 0..NUMBERS_MAX {
        let number = random::digits(8).map_err(|error| errors::broken("no number", &error))?;
        let Some(phone) = Phone::parse(&format!("170{number}")) else { continue };
        let hash = Digest(*hasher.phone(&phone).as_bytes());
        let known = service.queries.payer_by_phone(hash).map_err(|fault| errors::fault(&fault))?;
        if known.is_some() {
            continue;
        }
        let session = token::session().map_err(|error| errors::broken("no session", &error))?;
        let session = service.token_hash(session.expose());
        let code = Digest(*hasher.code("sandbox", &number).as_bytes());
        // Bound to the phone's hash, as the wallet binds it.
        let binding = service::phone_binding(hash);
        let sealed = service.vault.seal(Purpose::PersonalData, &binding, phone.expose().as_bytes());
        let sealed = sealed.map_err(|error| errors::broken("a phone can't be sealed", &error))?;
        engine.run(Command::SendCode { phone: hash, code }, caller.clone()).await?;
        let phone_sealed = sealed.as_bytes().into();
        let sign_in = Command::SignIn { phone: hash, phone_sealed, code, token: session };
        if let Reply::SignedIn(SignIn::Welcome { payer, new: true }) =
            engine.run(sign_in, caller.clone()).await?
        {
            engine.run(Command::SignOut(payer, session), caller.clone()).await?;
            return Ok((payer, phone));
        }
    }
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "No free phone number was found; try again."))
}

/// Binds a card that ends in 0000: the simulated bank accepts every payment from it.
async fn bind_card(service: &Service, payer: PayerId, caller: Caller) -> Result<CardId, Problem> {
    let new = NewCard {
        payer,
        bank: "ICBC_DEBIT".into(),
        tail: "0000".into(),
        token: format!("sandbox-{payer}-0000").into(),
        channel: 1,
        bound: 0,
    };
    match service.engine.run(Command::BindCard(Box::new(new)), caller).await? {
        Reply::Card(card) => Ok(card),
        other => Err(errors::broken("binding a card had another answer", &format!("{other:?}")).into()),
    }
}

/// Tops up, and answers for the card's bank.
async fn top_up(
    service: &Service,
    payer: PayerId,
    card: CardId,
    amount: Money,
    caller: Caller,
) -> Result<(), Problem> {
    let asked = Command::TopUp { card, payer, amount, pin: pin(service, payer) };
    match service.engine.run(asked, caller).await? {
        Reply::Paid(Paid::Waiting(payment)) => {
            let said = Command::AnswerPayment(payment, ChannelAnswer::Succeeded("sandbox".into()));
            service.engine.run(said, Caller::of(Actor::Channel)).await?;
            Ok(())
        }
        other => Err(errors::broken("a top-up had another answer", &format!("{other:?}")).into()),
    }
}
