//! Signing in with a code sent to the phone; a phone that is new signs up.
//!
//! What is public here makes the same hashes and seals as the pages do, for a sandbox that creates payers
//! beside them.

use crate::{
    app::App,
    form::Posted,
    page::{self, Page, Tab},
    problem::{Fail, Problem},
    session,
    text::{
        Phrase,
        refusal::{self, Words},
    },
    visit::{Anyone, Visit},
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::{StatusCode, header},
    response::Response,
};
use crypto::{
    Purpose, Sealed, Vault,
    vault::{KeyedHash, VaultError},
};
use domain::{Command, Rejection, Reply, payer::Payer, records::Digest, session::SignIn};
use engine::Refusal;
use serde::Deserialize;
use service::Message;
use types::{Masked, Phone};

/// Digits of a sign-in code (rules §7.3).
const CODE_DIGITS: usize = 6;

/// Hash of a phone as commands carry it.
#[must_use]
pub fn phone_hash(vault: &Vault, phone: &Phone) -> Digest {
    digest(&vault.hasher().phone(phone))
}

/// Hash of a sign-in code as commands carry it. The subject is `sign-in/` and the phone, so a code sent to one
/// phone fits no other and nothing but signing in.
#[must_use]
pub fn sign_in_code_hash(vault: &Vault, phone: &Phone, code: &str) -> Digest {
    digest(&vault.hasher().code(&format!("sign-in/{}", phone.expose()), code))
}

/// A phone sealed as personal data, bound to its own hash.
///
/// # Errors
/// [`VaultError`] when the vault can't seal.
pub fn seal_phone(vault: &Vault, phone: &Phone) -> Result<Box<[u8]>, VaultError> {
    let binding = service::phone_binding(phone_hash(vault, phone));
    Ok(vault.seal(Purpose::PersonalData, &binding, phone.expose().as_bytes())?.as_bytes().into())
}

/// The phone of a payer; none when it can't be opened, which the log tells.
#[must_use]
pub fn open_phone(vault: &Vault, payer: &Payer) -> Option<Phone> {
    let sealed = Sealed::from_bytes(&payer.phone_sealed)?;
    match vault.open_text(Purpose::PersonalData, &service::phone_binding(payer.phone), &sealed) {
        Ok(text) => Phone::parse(text.expose()),
        Err(error) => {
            tracing::error!(payer = %payer.id, %error, "a phone can't be opened; was the master key changed?");
            None
        }
    }
}

fn digest(hash: &KeyedHash) -> Digest {
    Digest(*hash.as_bytes())
}

/// Where to go once signed in.
#[derive(Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct PhonePage<'a> {
    p: Page,
    next: &'a str,
    phone: &'a str,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct CodePage<'a> {
    p: Page,
    next: &'a str,
    phone: &'a str,
    masked: String,
    digits: usize,
    error: Option<String>,
    /// Where a sandbox keeps what would be a text message.
    inbox: Option<String>,
}

/// Asks for the phone.
pub(crate) async fn ask_phone(
    State(app): State<App>,
    Anyone(visit): Anyone,
    Query(Next { next }): Query<Next>,
) -> Result<Response, Fail> {
    let next = page::own_page(&next);
    if visit.member().is_some() {
        return Ok(page::see_other(next));
    }
    phone_page(&app, &visit, next, "", None)
}

/// The second step was opened by its address; it starts with the phone.
pub(crate) async fn start_over() -> Response {
    page::see_other("/wallet/sign-in")
}

fn phone_page(
    app: &App,
    visit: &Visit,
    next: &str,
    phone: &str,
    error: Option<Phrase>,
) -> Result<Response, Fail> {
    let p = Page::new(app, visit, Tab::None).at(web::link::to("/wallet/sign-in", &[("next", next)]));
    let error = error.map(|phrase| phrase.say(visit.language).into_owned());
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page::show_as(status, &PhonePage { p, next, phone, error })
}

fn code_page(
    app: &App,
    visit: &Visit,
    next: &str,
    phone: &Phone,
    error: Option<Phrase>,
) -> Result<Response, Fail> {
    let p = Page::new(app, visit, Tab::None).at(web::link::to("/wallet/sign-in", &[("next", next)]));
    let error = error.map(|phrase| phrase.say(visit.language).into_owned());
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let sandbox = app.service().settings.sandbox;
    let inbox = sandbox.then(|| web::link::to("/sandbox/v1/messages", &[("phone", phone.expose())]));
    let (masked, phone) = (phone.masked(), phone.expose());
    page::show_as(status, &CodePage { p, next, phone, masked, digits: CODE_DIGITS, error, inbox })
}

/// Refuses an address that asks too often. A sandbox does not count its own machine, where tests sign in.
fn limit(app: &App, visit: &Visit) -> Result<(), Fail> {
    let Some(address) = visit.address else { return Ok(()) };
    if app.service().settings.sandbox && address.is_loopback() {
        return Ok(());
    }
    app.limiter().take(address, visit.now).map_err(|seconds| Problem::too_often(seconds).into())
}

/// What [`limit`] took is given back: the code was right. Sending it still counts: it costs the operator a message.
fn was_right(app: &App, visit: &Visit) {
    if let Some(address) = visit.address {
        app.limiter().give_back(address, visit.now);
    }
}

/// Sends a code and asks for it.
pub(crate) async fn send_code(
    State(app): State<App>,
    Anyone(visit): Anyone,
    posted: Posted,
) -> Result<Response, Fail> {
    limit(&app, &visit)?;
    let next = page::own_page(posted.text("next"));
    let Some(phone) = Phone::parse(posted.text("phone")) else {
        let typed: String = posted.trimmed("phone").chars().take(20).collect();
        return phone_page(&app, &visit, next, &typed, Some(Phrase::new("phone-malformed")));
    };
    let service = app.service();
    let code = crypto::random::digits(CODE_DIGITS)?;
    let hashes = (phone_hash(&service.vault, &phone), sign_in_code_hash(&service.vault, &phone, &code));
    let command = Command::SendCode { phone: hashes.0, code: hashes.1 };
    match app.run(&visit, command).await {
        Ok(_) => {}
        // The code sent before is still good: let it be typed.
        Err(refused @ Refusal::Rejected(Rejection::CodeTooSoon(_))) => {
            return code_page(&app, &visit, next, &phone, Some(refusal::of(&refused).what));
        }
        Err(refused @ Refusal::Rejected(Rejection::CodeTooMany)) => {
            return phone_page(&app, &visit, next, phone.expose(), Some(refusal::of(&refused).what));
        }
        Err(other) => return Err(other.into()),
    }
    let text = Phrase::new("sms-sign-in").with("code", code.as_str()).say(visit.language).into_owned();
    if let Err(cause) = service.messenger.send(Message { phone: phone.clone(), at: visit.now, text }) {
        tracing::error!(%phone, cause, "a sign-in code could not be sent");
        return code_page(&app, &visit, next, &phone, Some(Phrase::new("code-not-sent")));
    }
    code_page(&app, &visit, next, &phone, None)
}

/// Checks the code and starts a session.
pub(crate) async fn enter(
    State(app): State<App>,
    Anyone(visit): Anyone,
    posted: Posted,
) -> Result<Response, Fail> {
    limit(&app, &visit)?;
    let next = page::own_page(posted.text("next"));
    let Some(phone) = Phone::parse(posted.text("phone")) else {
        return Err(Fail::Go(web::link::to("/wallet/sign-in", &[("next", next)])));
    };
    let code: String = posted.text("code").chars().filter(|c| !c.is_whitespace()).take(12).collect();
    if code.len() != CODE_DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        let phrase = Phrase::new("code-malformed").with("digits", CODE_DIGITS);
        return code_page(&app, &visit, next, &phone, Some(phrase));
    }
    let service = app.service();
    let token = crypto::token::session()?;
    let command = Command::SignIn {
        phone: phone_hash(&service.vault, &phone),
        phone_sealed: seal_phone(&service.vault, &phone).map_err(|e| Problem::fault(&e.to_string()))?,
        code: sign_in_code_hash(&service.vault, &phone, &code),
        token: service.token_hash(token.expose()),
    };
    let signed_in = match app.run(&visit, command).await {
        Ok(Reply::SignedIn(signed_in)) => signed_in,
        Ok(other) => return Err(Problem::fault(&format!("signing in answered {other:?}")).into()),
        Err(refused @ Refusal::Rejected(Rejection::CodeMissing)) => {
            let Words { what, .. } = refusal::of(&refused);
            return phone_page(&app, &visit, next, phone.expose(), Some(what));
        }
        Err(other) => return Err(other.into()),
    };
    match signed_in {
        SignIn::WrongCode { left: 0 } => {
            phone_page(&app, &visit, next, phone.expose(), Some(Phrase::new("code-wrong-last")))
        }
        SignIn::WrongCode { left } => {
            code_page(&app, &visit, next, &phone, Some(Phrase::new("code-wrong").with("left", left)))
        }
        SignIn::Welcome { new, .. } => {
            was_right(&app, &visit);
            let first = web::link::to("/wallet/pin", &[("next", next)]);
            let mut response = page::go_on(&app, &visit, if new { &first } else { next })?;
            let cookie = session::start(app.https(), &token);
            let cookie = cookie.ok_or_else(|| Problem::fault("a session token is no header value"))?;
            response.headers_mut().append(header::SET_COOKIE, cookie);
            Ok(response)
        }
    }
}

/// Ends the session. A suspended payer can do that too.
pub(crate) async fn leave(
    State(app): State<App>,
    Anyone(visit): Anyone,
    _posted: Posted,
) -> Result<Response, Fail> {
    if let Some(member) = visit.member() {
        app.run(&visit, Command::SignOut(member.session.payer, member.session.token)).await?;
    }
    let mut response = page::see_other("/wallet/sign-in");
    if let Some(cookie) = session::end(app.https()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::MasterKey;

    fn vault() -> Vault {
        Vault::new(1, &MasterKey::from_bytes([7; 32]))
    }

    #[test]
    fn a_code_fits_its_phone_and_its_purpose_only() {
        let (vault, phone) = (vault(), Phone::parse("13800000000").unwrap());
        let other = Phone::parse("13800000001").unwrap();
        let hash = sign_in_code_hash(&vault, &phone, "123456");
        assert_eq!(hash, sign_in_code_hash(&vault, &Phone::parse("+86 138 0000 0000").unwrap(), "123456"));
        assert_ne!(hash, sign_in_code_hash(&vault, &other, "123456"));
        assert_ne!(hash, sign_in_code_hash(&vault, &phone, "123457"));
        assert_ne!(hash, digest(&vault.hasher().code("oauth", "123456")));
    }

    #[test]
    fn a_sealed_phone_opens_for_its_payer_only() {
        let (vault, phone) = (vault(), Phone::parse("13812345678").unwrap());
        let sealed = seal_phone(&vault, &phone).unwrap();
        let binding = |phone: &str| service::phone_binding(phone_hash(&vault, &Phone::parse(phone).unwrap()));
        let open = |binding: &str| {
            let sealed = Sealed::from_bytes(&sealed).unwrap();
            vault.open_text(Purpose::PersonalData, binding, &sealed).map(|text| text.expose().clone())
        };
        assert_eq!(open(&binding("13812345678")).unwrap(), "13812345678");
        assert!(open(&binding("13812345679")).is_err());
    }
}
