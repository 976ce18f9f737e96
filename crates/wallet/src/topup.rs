//! Topping up the balance from a card: ask, wait for the bank, say what came of it.

use crate::{
    app::App,
    cards::CardView,
    form::Posted,
    once,
    page::{self, Page, Tab},
    pay::outcome::BankWait,
    pin,
    problem::{Fail, Problem},
    session::Member,
    settings,
    text::{Phrase, refusal},
    visit::{SignedIn, Visit},
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use domain::{
    Command, Rejection, Reply,
    payment::{Paid, PaymentState},
};
use engine::Refusal;
use ledger::AccountId;
use serde::Deserialize;
use types::{CardId, Currency, Money, PaymentId};

/// Where to go once topped up.
#[derive(Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "top_up.html")]
struct TopUpPage<'a> {
    p: Page,
    cards: Vec<CardView>,
    chosen: Option<CardId>,
    amount: &'a str,
    most: Money,
    nonce: String,
    next: &'a str,
    error: Option<String>,
}

/// What was typed, to be shown again beside an error.
#[derive(Default)]
struct Typed {
    amount: String,
    card: Option<CardId>,
    error: Option<Phrase>,
}

async fn form(app: &App, visit: &Visit, member: &Member, next: &str, typed: Typed) -> Result<Response, Fail> {
    let back = web::link::to("/wallet/top-up", &[("next", next)]);
    if member.payer.pin.is_none() {
        return Err(Fail::Go(web::link::to("/wallet/pin", &[("next", &back)])));
    }
    let payer = member.payer.id;
    let (cards, limits) = app.read(move |queries| Ok((queries.cards(payer)?, queries.limits()?))).await?;
    if cards.is_empty() {
        return Err(Fail::Go(web::link::to("/wallet/cards/new", &[("next", &back)])));
    }
    let status = if typed.error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = TopUpPage {
        p: Page::new(app, visit, Tab::None).at(back),
        chosen: typed.card.or_else(|| cards.first().map(|card| card.id)),
        cards: cards.iter().map(|card| CardView::of(card, visit)).collect(),
        amount: &typed.amount,
        most: Money::cny(settings::limits_at(limits, visit.now).top_up),
        nonce: once::nonce(visit.now)?,
        next,
        error: typed.error.map(|phrase| phrase.say(visit.language).into_owned()),
    };
    page::show_as(status, &page)
}

/// Asks for card, amount and PIN.
pub(crate) async fn ask(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    Query(Next { next }): Query<Next>,
) -> Result<Response, Fail> {
    form(&app, &visit, &member, page::own_page(&next), Typed::default()).await
}

/// Starts the top-up.
pub(crate) async fn start(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    posted: Posted,
) -> Result<Response, Fail> {
    let next = page::own_page(posted.text("next")).to_owned();
    let card: Option<CardId> = posted.text("card").parse().ok();
    let amount: String = posted.trimmed("amount").chars().take(20).collect();
    let again = |error: Phrase| {
        let typed = Typed { amount: amount.clone(), card, error: Some(error) };
        form(&app, &visit, &member, &next, typed)
    };
    let Some(card) = card else { return again(Phrase::new("why-no-card")).await };
    let plain = amount.trim_start_matches(['¥', '￥']).replace([',', ' '], "");
    let Some(money) = Money::parse(&plain, Currency::CNY).ok().filter(|money| money.is_positive()) else {
        return again(Phrase::new("amount-malformed")).await;
    };
    let payer = member.payer.id;
    let Some(pin) = pin::hash(&app, payer, posted.text("pin")) else {
        return again(Phrase::new("pin-malformed")).await;
    };
    let command = Command::TopUp { card, payer, amount: money, pin };
    let request = once::key(&app, &member, &posted, &command)?;
    match app.run_once(&visit, request, command).await {
        Ok(Reply::Paid(Paid::Waiting(payment))) => {
            let wait = format!("/wallet/top-up/{payment}");
            Ok(page::see_other(&web::link::to(&wait, &[("next", &next)])))
        }
        Ok(Reply::Paid(Paid::Pin(outcome))) => match refusal::of_pin(outcome) {
            Some(words) => again(words.what).await,
            None => Err(Problem::fault("a right PIN was refused").into()),
        },
        Ok(other) => Err(Problem::fault(&format!("a top-up answered {other:?}")).into()),
        Err(
            refused @ Refusal::Rejected(
                Rejection::LimitExceeded { .. }
                | Rejection::AmountOutOfRange
                | Rejection::CardNotFound
                | Rejection::PinLocked(_)
                | Rejection::RequestKeyReused,
            ),
        ) => again(refusal::of(&refused).what).await,
        Err(other) => Err(other.into()),
    }
}

#[derive(Template)]
#[template(path = "top_up_wait.html")]
struct WaitPage<'a> {
    p: Page,
    amount: Money,
    card: String,
    bank: BankWait,
    balance: Money,
    next: &'a str,
}

/// Waits for the bank, and says what came of it.
pub(crate) async fn wait(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    Path(payment): Path<String>,
    Query(Next { next }): Query<Next>,
) -> Result<Response, Fail> {
    let id: PaymentId = payment.parse().map_err(|_| Rejection::PaymentNotFound)?;
    let payment = app.queries().payment(id)?.filter(|payment| payment.payer == member.payer.id);
    let payment = payment.filter(|payment| payment.order.is_none()).ok_or(Rejection::PaymentNotFound)?;
    let card = app.queries().card(payment.card)?.ok_or(Rejection::CardNotFound)?;
    let account = app.queries().account(AccountId::payer_balance(member.payer.id, Currency::CNY))?;
    let tab = if payment.state == PaymentState::Authorising { Tab::None } else { Tab::Home };
    page::show(&WaitPage {
        p: Page::new(&app, &visit, tab),
        amount: payment.amount,
        card: CardView::of(&card, &visit).name,
        bank: BankWait::of(&payment, &visit),
        balance: account.balance(),
        next: page::own_page(&next),
    })
}
