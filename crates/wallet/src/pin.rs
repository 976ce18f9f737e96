//! The payment PIN: six digits, set once, changed with the old one.

use crate::{
    app::App,
    form::Posted,
    page::{self, Page, Tab},
    problem::{Fail, Problem},
    session::Member,
    signin,
    text::{Phrase, refusal},
    visit::{SignedIn, Visit},
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use domain::{Command, Rejection, Reply, payer::PinOutcome, records::Digest};
use engine::Refusal;
use serde::Deserialize;
use types::{Masked, PayerId, Phone};

/// Digits of a PIN.
pub(crate) const DIGITS: usize = 6;

/// The keyed hash of a typed PIN; none unless it is six digits.
pub(crate) fn hash(app: &App, payer: PayerId, typed: &str) -> Option<Digest> {
    is_pin(typed).then(|| Digest(*app.service().vault.hasher().pin(payer, typed).as_bytes()))
}

fn is_pin(typed: &str) -> bool {
    typed.len() == DIGITS && typed.bytes().all(|byte| byte.is_ascii_digit())
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    next: String,
    #[serde(default)]
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "pin.html")]
struct PinPage<'a> {
    p: Page,
    next: &'a str,
    /// A PIN is set: the old one is asked first.
    change: bool,
    done: bool,
    error: Option<String>,
}

/// Asks for a new PIN.
pub(crate) async fn ask(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<Response, Fail> {
    let (change, done) = (member.payer.pin.is_some(), asked.done.is_some());
    let p = Page::new(&app, &visit, Tab::None);
    page::show(&PinPage { p, next: page::own_page(&asked.next), change, done, error: None })
}

fn again(app: &App, visit: &Visit, member: &Member, next: &str, error: Phrase) -> Result<Response, Fail> {
    let p = Page::new(app, visit, Tab::None).at(web::link::to("/wallet/pin", &[("next", next)]));
    let error = Some(error.say(visit.language).into_owned());
    let page = PinPage { p, next, change: member.payer.pin.is_some(), done: false, error };
    page::show_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// Sets or changes the PIN.
pub(crate) async fn set(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    posted: Posted,
) -> Result<Response, Fail> {
    let next = page::own_page(posted.text("next"));
    let id = member.payer.id;
    let fresh = posted.text("new");
    let phone = signin::open_phone(&app.service().vault, &member.payer);
    let Some(new) = hash(&app, id, fresh) else {
        return again(&app, &visit, &member, next, Phrase::new("pin-malformed"));
    };
    if is_trivial(fresh, phone.as_ref()) {
        return again(&app, &visit, &member, next, Phrase::new("pin-trivial"));
    }
    if fresh != posted.text("again") {
        return again(&app, &visit, &member, next, Phrase::new("pin-differs"));
    }
    let old = hash(&app, id, posted.text("old"));
    if member.payer.pin.is_some() && old.is_none() {
        return again(&app, &visit, &member, next, Phrase::new("pin-old-malformed"));
    }
    match app.run(&visit, Command::SetPin { payer: id, new, old }).await {
        Ok(Reply::Pin(PinOutcome::Right)) if member.payer.pin.is_some() => {
            Ok(page::see_other(&web::link::to("/wallet/pin", &[("next", next), ("done", "1")])))
        }
        Ok(Reply::Pin(PinOutcome::Right)) => page::go_on(&app, &visit, next),
        Ok(Reply::Pin(outcome)) => {
            let words = refusal::of_pin(outcome).ok_or_else(|| Problem::fault("a right PIN was refused"))?;
            again(&app, &visit, &member, next, words.what)
        }
        Ok(other) => Err(Problem::fault(&format!("setting a PIN answered {other:?}")).into()),
        Err(refused @ Refusal::Rejected(Rejection::PinLocked(_) | Rejection::PinAlreadySet)) => {
            again(&app, &visit, &member, next, refusal::of(&refused).what)
        }
        Err(other) => Err(other.into()),
    }
}

/// Whether a PIN is among the first that someone would try: one digit, a row up or down, a short pattern
/// repeated, pairs, or the end of the phone number.
fn is_trivial(pin: &str, phone: Option<&Phone>) -> bool {
    let digits: Vec<u8> = pin.bytes().map(|byte| byte.wrapping_sub(b'0')).collect();
    let steps_by = |step: u8| digits.windows(2).all(|pair| (pair[0] + step) % 10 == pair[1]);
    let repeats = |length: usize| digits.chunks(length).all(|chunk| chunk == &digits[..length]);
    let pairs = digits.chunks(2).all(|pair| pair[0] == pair[1]);
    let tail = phone.is_some_and(|phone| phone.expose().ends_with(pin));
    steps_by(0) || steps_by(1) || steps_by(9) || repeats(2) || repeats(3) || pairs || tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_that_anyone_would_try_are_refused() {
        let phone = Phone::parse("13800258369").unwrap();
        for trivial in [
            "000000", "666666", "123456", "654321", "012345", "567890", "987654", "121212", "123123",
            "112233", "258369",
        ] {
            assert!(is_trivial(trivial, Some(&phone)), "{trivial}");
        }
        for fine in ["258370", "135792", "102938", "147258", "121213"] {
            assert!(!is_trivial(fine, Some(&phone)), "{fine}");
        }
        assert!(!is_trivial("258369", None));
    }

    #[test]
    fn a_pin_is_six_plain_digits() {
        assert!(is_pin("012345"));
        for bad in ["", "12345", "1234567", "12345a", "１２３４５６", " 12345"] {
            assert!(!is_pin(bad), "{bad}");
        }
    }
}
