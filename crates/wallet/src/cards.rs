//! Bank cards: the list, and binding one. The number that a payer types goes to the channel and nowhere else:
//! it is never stored, shown again or logged.

use crate::{
    app::App,
    form::Posted,
    page::{self, Page, Tab},
    problem::Fail,
    session::Member,
    text::{Phrase, names, refusal},
    visit::{SignedIn, Visit},
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use domain::{
    Command, Rejection,
    card::{CARDS_MAX, Card, NewCard},
};
use engine::Refusal;
use serde::Deserialize;
use std::{fmt, future::Future, pin::Pin};
use types::{CardId, Masked, PayerId, Secret, Time};

/// A card number that passed its check digit (ISO/IEC 7812-1): 12 to 19 digits, as banks issue them. Prints masked.
#[derive(Clone, PartialEq, Eq)]
pub struct CardNumber(Secret<String>);

impl CardNumber {
    /// Reads a number as typed; spaces and hyphens between digits are ignored. None when it is no card number.
    ///
    /// ```
    /// use types::Masked;
    /// use wallet::CardNumber;
    /// let number = CardNumber::parse("6212 3456 7890 1232").unwrap();
    /// assert_eq!((number.tail(), number.masked().as_str()), ("1232", "**** 1232"));
    /// assert!(CardNumber::parse("6212 3456 7890 1233").is_none());
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 64 {
            return None;
        }
        let digits = Secret::new(text.chars().filter(|c| !matches!(c, ' ' | '-')).collect::<String>());
        let plain = digits.expose().bytes().all(|byte| byte.is_ascii_digit());
        let fits = (12..=19).contains(&digits.expose().len());
        (plain && fits && passes_luhn(digits.expose())).then_some(Self(digits))
    }
    /// The last four digits: what may be shown and kept.
    #[must_use]
    pub fn tail(&self) -> &str {
        let digits = self.0.expose();
        &digits[digits.len() - 4..]
    }
}

impl Masked for CardNumber {
    fn expose(&self) -> &str {
        self.0.expose()
    }
    fn masked(&self) -> String {
        format!("**** {}", self.tail())
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// The check of ISO/IEC 7812-1 annex B over all digits, the check digit last.
fn passes_luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte.saturating_sub(b'0'));
            match (place % 2, digit) {
                (0, _) => digit,
                (_, 0..=4) => digit * 2,
                _ => digit * 2 - 9,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// What a channel says of a card it accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCard {
    /// The bank's code on the wire, such as `CMB_DEBIT`.
    pub bank: Box<str>,
    /// Last four digits.
    pub tail: Box<str>,
    /// What is sent to the channel instead of the number.
    pub token: Box<str>,
    /// The channel's number, owner of its `channel.receivable` account.
    pub channel: i64,
}

/// Why a channel does not take a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardRefusal {
    /// Such a number can't be a card's.
    Malformed,
    /// No bank it knows issued such a number.
    UnknownBank,
    /// The bank refuses; its reason, shown to the payer.
    Declined(String),
    /// It did not answer; the cause, for the log.
    Unavailable(String),
}

/// A channel's answer to come.
pub type Looked<'a> = Pin<Box<dyn Future<Output = Result<VerifiedCard, CardRefusal>> + Send + 'a>>;

/// Verifies the card numbers that payers type, and tokenises them. Implemented by the card channel; it must not
/// keep or log the number.
pub trait CardLookup: Send + Sync {
    /// Verifies that `number` is a card in use that `payer` may bind.
    fn verify<'a>(&'a self, payer: PayerId, number: &'a CardNumber) -> Looked<'a>;
}

/// A card for people.
pub(crate) struct CardView {
    pub(crate) id: CardId,
    pub(crate) name: String,
    pub(crate) bound_at: Time,
}

impl CardView {
    pub(crate) fn of(card: &Card, visit: &Visit) -> Self {
        let name = names::card(&card.bank, &card.tail, visit.language);
        Self { id: card.id, name, bound_at: card.bound_at }
    }
}

#[derive(Template)]
#[template(path = "cards.html")]
struct CardsPage {
    p: Page,
    cards: Vec<CardView>,
    most: usize,
}

/// The cards bound.
pub(crate) async fn list(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
) -> Result<Response, Fail> {
    let payer = member.payer.id;
    let cards = app.read(move |queries| queries.cards(payer)).await?;
    let cards = cards.iter().map(|card| CardView::of(card, &visit)).collect();
    page::show(&CardsPage { p: Page::new(&app, &visit, Tab::Cards), cards, most: CARDS_MAX })
}

#[derive(Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "card_new.html")]
struct NewPage<'a> {
    p: Page,
    next: &'a str,
    error: Option<String>,
    /// Numbers that a sandbox's bank knows.
    test_numbers: &'static [&'static str],
}

/// Test numbers that pass the check digit (rules §4); shown in sandboxes only.
const TEST_NUMBERS: [&str; 3] = ["6212 3456 7890 1232", "6212 3456 7890 1234 569", "4111 1111 1111 1111"];

fn new_page(app: &App, visit: &Visit, next: &str, error: Option<Phrase>) -> Result<Response, Fail> {
    let test_numbers: &[&str] = if app.service().settings.sandbox { &TEST_NUMBERS } else { &[] };
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let error = error.map(|phrase| phrase.say(visit.language).into_owned());
    let p = Page::new(app, visit, Tab::None).at(web::link::to("/wallet/cards/new", &[("next", next)]));
    page::show_as(status, &NewPage { p, next, error, test_numbers })
}

/// Where to go once a card is bound.
fn after(next: &str) -> &str {
    if next.is_empty() { "/wallet/cards" } else { page::own_page(next) }
}

/// Asks for a card number.
pub(crate) async fn ask(
    State(app): State<App>,
    SignedIn { visit, .. }: SignedIn,
    Query(Next { next }): Query<Next>,
) -> Result<Response, Fail> {
    new_page(&app, &visit, after(next.as_deref().unwrap_or_default()), None)
}

/// Binds a card once the channel has verified it.
pub(crate) async fn bind(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    posted: Posted,
) -> Result<Response, Fail> {
    let next = after(posted.text("next")).to_owned();
    let Some(number) = CardNumber::parse(posted.trimmed("number")) else {
        return new_page(&app, &visit, &next, Some(Phrase::new("card-malformed")));
    };
    let card = match app.channel().verify(member.payer.id, &number).await {
        Ok(card) => card,
        Err(CardRefusal::Malformed) => {
            return new_page(&app, &visit, &next, Some(Phrase::new("card-malformed")));
        }
        Err(CardRefusal::UnknownBank) => {
            return new_page(&app, &visit, &next, Some(Phrase::new("card-unknown-bank")));
        }
        Err(CardRefusal::Declined(reason)) => {
            let reason: String = names::decline(&reason, visit.language).chars().take(80).collect();
            return new_page(&app, &visit, &next, Some(Phrase::new("card-declined").with("reason", reason)));
        }
        Err(CardRefusal::Unavailable(cause)) => {
            tracing::error!(payer = %member.payer.id, cause, "a card channel did not answer");
            return new_page(&app, &visit, &next, Some(Phrase::new("card-no-answer")));
        }
    };
    keep(&app, &visit, &member, card, &next).await
}

async fn keep(
    app: &App,
    visit: &Visit,
    member: &Member,
    card: VerifiedCard,
    next: &str,
) -> Result<Response, Fail> {
    let payer = member.payer.id;
    let bound = app.read(move |queries| queries.cards(payer)).await?;
    if bound.iter().any(|known| known.channel == card.channel && known.token == card.token) {
        return new_page(app, visit, next, Some(Phrase::new("card-bound-already")));
    }
    let VerifiedCard { bank, tail, token, channel } = card;
    let new = NewCard { payer, bank, tail, token, channel, bound: bound.len() };
    match app.run(visit, Command::BindCard(Box::new(new))).await {
        Ok(_) => page::go_on(app, visit, next),
        Err(refused @ Refusal::Rejected(Rejection::TooManyCards(_))) => {
            new_page(app, visit, next, Some(refusal::of(&refused).what))
        }
        Err(other) => Err(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn test_numbers_are_card_numbers() {
        for number in TEST_NUMBERS {
            assert!(CardNumber::parse(number).is_some(), "{number}");
        }
    }

    #[test]
    fn what_is_no_card_number_is_refused() {
        for bad in [
            "",
            "0",
            "1234567",
            "18",
            "62123456782",
            "6212345678901233",
            "62123456789012345678",
            "6212a45678901232",
            "６２１２",
        ] {
            assert!(CardNumber::parse(bad).is_none(), "{bad}");
        }
        assert!(CardNumber::parse(&" ".repeat(100)).is_none());
    }

    #[test]
    fn a_number_never_prints_in_clear() {
        let number = CardNumber::parse("6212345678901232").unwrap();
        assert_eq!(format!("{number:?}"), "**** 1232");
    }

    proptest! {
        #[test]
        fn any_one_wrong_digit_is_noticed(place in 0_usize..16, by in 1_u8..10) {
            let mut digits = b"6212345678901232".to_vec();
            digits[place] = b'0' + (digits[place] - b'0' + by) % 10;
            prop_assert!(CardNumber::parse(std::str::from_utf8(&digits).unwrap()).is_none());
        }
    }
}
