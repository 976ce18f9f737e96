//! Signing in: codes sent to a phone, sessions, and OAuth authorization codes.

use crate::{
    Context, Rejection, Stop, Tx,
    application::Application,
    journal::Subject,
    payer::{self, Payer, PhoneOwner},
    records::Digest,
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use types::{AppId, PayerId, Time, time};

/// A code sent to a phone (rules §7.3: 5 minutes, 3 tries, 60 s apart, 10 a day).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimeCode {
    /// Keyed hash of the phone.
    pub phone: Digest,
    /// Keyed hash of the code; none once used or tried too often.
    pub code: Option<Digest>,
    /// When it was sent.
    pub sent_at: Time,
    /// Wrong tries.
    pub tries: u8,
    /// Codes sent on the day of `sent_at`.
    pub sent_today: u8,
}

const CODE_LIFE: i64 = 5 * time::MINUTE;
const CODE_GAP: i64 = time::MINUTE;
const CODE_TRIES: u8 = 3;
const CODES_A_DAY: u8 = 10;
/// How long a payer stays signed in.
pub const SESSION_LIFE: i64 = 30 * time::DAY;
/// How long an authorization code lives.
pub const OAUTH_CODE_LIFE: i64 = 5 * time::MINUTE;

/// A signed-in session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Hash of the session token.
    pub token: Digest,
    /// Who is signed in.
    pub payer: PayerId,
    /// Since when.
    pub created_at: Time,
    /// Until when.
    pub expires_at: Time,
    /// The device that signed in, as it named itself.
    pub device: Box<str>,
}

/// An OAuth authorization code: single use, 5 minutes, for one application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OauthCode {
    /// Hash of the code.
    pub code: Digest,
    /// The application it was given for.
    pub app: AppId,
    /// The payer who agreed.
    pub payer: PayerId,
    /// Until when.
    pub expires_at: Time,
    /// Exchanged already.
    pub used: bool,
}

/// What became of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignIn {
    /// Signed in.
    Welcome {
        /// Who.
        payer: PayerId,
        /// Signed up just now.
        new: bool,
    },
    /// Wrong code; so many tries are left.
    WrongCode {
        /// Tries left with this code.
        left: u8,
    },
}

/// Keeps a code that is about to be sent. Errors: `CodeTooSoon`, `CodeTooMany`.
pub(crate) fn send_code(phone: Digest, code: Digest, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let mut sent_today = 0;
    if let Some(last) = tx.get::<OneTimeCode>(&phone)? {
        // A code that signed somebody in is spent: the next one is no resend.
        let spent = last.code.is_none() && last.tries < CODE_TRIES;
        let next = last.sent_at.plus(CODE_GAP);
        if !spent && ctx.now < next {
            return Err(Rejection::CodeTooSoon(next).into());
        }
        if last.sent_at.business_day() == ctx.now.business_day() {
            sent_today = last.sent_today;
        }
    }
    if sent_today >= CODES_A_DAY {
        return Err(Rejection::CodeTooMany.into());
    }
    let sent_today = sent_today + 1;
    tx.put(OneTimeCode { phone, code: Some(code), sent_at: ctx.now, tries: 0, sent_today });
    Ok(())
}

/// Signs in with a code, signing up a phone that is new. Errors: `CodeMissing`, `PayerSuspended`.
pub(crate) fn sign_in(
    phone: Digest,
    phone_sealed: &[u8],
    code: Digest,
    token: Digest,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<SignIn, Stop> {
    tx.expect::<PhoneOwner>(&phone);
    tx.expect::<Session>(&token);
    let mut sent = tx.need::<OneTimeCode>(&phone, Rejection::CodeMissing)?.clone();
    let kept = sent.code.filter(|_| ctx.now < sent.sent_at.plus(CODE_LIFE));
    let kept = kept.ok_or(Rejection::CodeMissing)?;
    if !bool::from(kept.0.ct_eq(&code.0)) {
        sent.tries += 1;
        let left = CODE_TRIES.saturating_sub(sent.tries);
        if left == 0 {
            sent.code = None;
        }
        tx.put(sent);
        tx.note("wrong code");
        return Ok(SignIn::WrongCode { left });
    }
    if tx.get::<Session>(&token)?.is_some() {
        return Err(Rejection::CodeMissing.into()); // signed in with this token before; a repeat needs a new one
    }
    let owner = tx.get::<PhoneOwner>(&phone)?.map(|owner| owner.payer);
    let (payer, new) = match owner {
        Some(id) => {
            let known = payer::active(id, tx)?;
            tx.about(Subject::Payer(id), Some(known.journal));
            tx.put(Payer { journal: ctx.journal, ..known });
            (id, false)
        }
        None => {
            let id = payer::create(phone, phone_sealed, ctx, tx)?;
            tx.about(Subject::Payer(id), None);
            (id, true)
        }
    };
    tx.put(OneTimeCode { code: None, ..sent });
    let device = ctx.caller.device.as_deref().unwrap_or_default().into();
    let expires_at = ctx.now.plus(SESSION_LIFE);
    tx.put(Session { token, payer, created_at: ctx.now, expires_at, device });
    Ok(SignIn::Welcome { payer, new })
}

/// Ends a payer's session; an unknown one is ended already.
pub(crate) fn sign_out(payer: PayerId, token: Digest, tx: &mut Tx<'_>) -> Result<(), Stop> {
    if tx.get::<Session>(&token)?.is_some_and(|session| session.payer == payer) {
        tx.about(Subject::Payer(payer), None);
        tx.delete::<Session>(token);
    }
    Ok(())
}

/// Keeps an authorization code for a payer who agreed. Errors: `AppNotFound`, `RedirectNotAllowed`.
pub(crate) fn authorise(
    app: AppId,
    payer: PayerId,
    code: Digest,
    redirect_host: &str,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    tx.expect::<Payer>(&payer);
    tx.expect::<OauthCode>(&code);
    let known = tx.need::<Application>(&app, Rejection::AppNotFound(app))?;
    if !known.redirect_hosts.iter().any(|host| &**host == redirect_host) {
        return Err(Rejection::RedirectNotAllowed.into());
    }
    let payer = payer::active(payer, tx)?;
    tx.about(Subject::Payer(payer.id), Some(payer.journal));
    tx.note(app.to_string());
    tx.get::<OauthCode>(&code)?; // one that is there is replaced, not inserted
    let expires_at = ctx.now.plus(OAUTH_CODE_LIFE);
    tx.put(OauthCode { code, app, payer: payer.id, expires_at, used: false });
    tx.put(Payer { journal: ctx.journal, ..payer });
    Ok(())
}

/// Exchanges an authorization code, once. Errors: `OauthCodeInvalid`, `NotAllowed` on a wrong secret.
pub(crate) fn redeem(
    code: Digest,
    app: AppId,
    secret: Digest,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<PayerId, Stop> {
    tx.expect::<OauthCode>(&code);
    let known = tx.need::<Application>(&app, Rejection::AppNotFound(app))?;
    let right = known.secret.is_some_and(|kept| bool::from(kept.0.ct_eq(&secret.0)));
    if !right {
        return Err(Rejection::NotAllowed.into());
    }
    let kept = tx.need::<OauthCode>(&code, Rejection::OauthCodeInvalid)?.clone();
    if kept.used || kept.app != app || ctx.now >= kept.expires_at {
        return Err(Rejection::OauthCodeInvalid.into());
    }
    let payer = kept.payer;
    tx.about(Subject::Payer(payer), None);
    tx.put(OauthCode { used: true, ..kept });
    Ok(payer)
}
