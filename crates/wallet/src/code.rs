//! The payment code a till scans: shown for a minute, then a new one; and confirming a larger payment.

use crate::{
    app::App,
    form::Posted,
    once,
    page::{self, Page, Tab},
    pay::door::Door,
    pin,
    problem::{Fail, Problem},
    session::Member,
    settings,
    text::{
        Phrase,
        refusal::{self, Words},
        show,
    },
    visit::{SignedIn, Visit},
};
use askama::Template;
use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use domain::{
    Command, Rejection, Reply,
    merchant::Product,
    order::{Order, OrderState},
    payment::Paid,
    payment_code::SHOWN,
};
use engine::{Fault, Queries, Refusal};
use protocol::qr::{self, PaymentCode, Prefix};
use serde::{Deserialize, Serialize};
use types::{Masked, Money, OrderId, PayerId, Shards, Time, time};

/// Codes issued before giving up; two alike are already rarer than anything else that can fail.
const DRAWS_MAX: usize = 5;
/// Codes drawn for one that leads to its payer's shard: with the most shards one of 64 does.
const FITTING_MAX: usize = 4096;

#[derive(Deserialize)]
pub(crate) struct Since {
    /// The newest bill entry when the code was first shown.
    since: Option<i64>,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    p: Page,
    /// Markup made by `protocol::qr`.
    symbol: String,
    /// Markup made by `protocol::qr`.
    bars: String,
    grouped: String,
    shown_s: i64,
    until: Time,
    since: i64,
    free_amount: Option<Money>,
}

/// Draws a code from 64 random bits, none of the few values that would favour some codes, and its number. Any node
/// knows the shard of a code by its number, so only one that leads to the payer's is taken.
fn draw(prefix: Prefix, payer: PayerId, shards: Shards) -> Result<(PaymentCode, i64), Fail> {
    for _ in 0..FITTING_MAX {
        let random = u64::from_be_bytes(crypto::random::bytes()?);
        let drawn = PaymentCode::body_of(random).and_then(|body| PaymentCode::new(prefix, body));
        let Some(code) = drawn else { continue };
        let number = code.expose().parse().map_err(|_| Problem::fault("a payment code is no number"))?;
        if shards.of_code(number) == shards.of_payer(payer) {
            return Ok((code, number));
        }
    }
    Err(Problem::fault("no payment code could be drawn").into())
}

/// Issues a code; one that is taken is drawn anew.
async fn issue(app: &App, visit: &Visit, payer: PayerId) -> Result<(PaymentCode, Time), Fail> {
    let prefix = app.service().settings.payment_code_prefix;
    for _ in 0..DRAWS_MAX {
        let (code, digits) = draw(prefix, payer, app.service().engine.shards())?;
        match app.run(visit, Command::IssuePaymentCode(payer, digits)).await {
            Ok(Reply::ShownUntil(until)) => return Ok((code, until)),
            Ok(other) => return Err(Problem::fault(&format!("issuing a code answered {other:?}")).into()),
            Err(Refusal::Rejected(Rejection::CodeInvalid)) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(Problem::fault("every payment code drawn was taken").into())
}

/// What a till has done since the code was shown.
enum Found {
    /// Nothing.
    Nothing,
    /// A payment waits for the PIN.
    Confirm(OrderId),
    /// A small payment went through.
    Paid(Door),
}

/// Looks for what happened to this payer's codes; also gives the newest bill entry. Without `since` there is
/// nothing to compare with, and only a payment that waits is found.
fn look(queries: &dyn Queries, payer: PayerId, since: Option<i64>, now: Time) -> Result<(Found, i64), Fault> {
    let waiting = queries.orders_to_confirm(payer)?;
    let newest = queries.usage(payer.0)?.and_then(|usage| usage.newest).map_or(0, |entry| entry.0);
    if let Some(order) = waiting.iter().find(|order| now < order.expires_at) {
        return Ok((Found::Confirm(order.id), newest));
    }
    if since.is_some_and(|since| since != newest) {
        let order = queries.order(OrderId(newest))?.filter(|order| order.payer == Some(payer));
        if let Some(order) = order.filter(|order| order.terms.product == Product::Code) {
            return Ok((Found::Paid(Door::new(order.id, order.terms.product, now)), newest));
        }
    }
    Ok((Found::Nothing, newest))
}

/// Where that leads, if anywhere.
fn leads_to(app: &App, found: &Found) -> Option<String> {
    match found {
        Found::Nothing => None,
        Found::Confirm(order) => Some(format!("/wallet/code/confirm/{order}")),
        Found::Paid(door) => Some(door.link(app, "/pay/result")),
    }
}

/// Shows a fresh code, or first what a till did with the last one.
pub(crate) async fn show(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    Query(Since { since }): Query<Since>,
) -> Result<Response, Fail> {
    let payer = member.payer.id;
    if member.payer.pin.is_none() {
        return Err(Fail::Go(web::link::to("/wallet/pin", &[("next", "/wallet/code")])));
    }
    let now = visit.now;
    let (found, newest, limits) = app
        .read(move |queries| {
            let (found, newest) = look(queries, payer, since, now)?;
            Ok((found, newest, queries.limits()?))
        })
        .await?;
    if let Some(to) = leads_to(&app, &found) {
        return Ok(page::see_other(&to));
    }
    let (code, until) = issue(&app, &visit, payer).await?;
    let p = Page::new(&app, &visit, Tab::None);
    let symbol = qr::svg(code.expose(), &p.t("code-qr-title")).map_err(|e| Problem::fault(&e.to_string()))?;
    let bars =
        qr::code128(code.expose(), &p.t("code-bar-title")).map_err(|e| Problem::fault(&e.to_string()))?;
    let limits = settings::limits_at(limits, now);
    page::show(&CodePage {
        p,
        symbol,
        bars,
        grouped: code.grouped(),
        shown_s: SHOWN / time::SECOND,
        until,
        since: newest,
        free_amount: member.payer.free_pay.then(|| Money::cny(limits.free_amount)),
    })
}

/// What the code's page asks every two seconds.
#[derive(Serialize)]
pub(crate) struct Pending {
    /// The page to go to; none while nothing happened.
    go: Option<String>,
    /// To be sent with the next question.
    since: i64,
}

/// Whether a till did something with a code.
pub(crate) async fn pending(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    Query(Since { since }): Query<Since>,
) -> Result<Json<Pending>, Fail> {
    let (payer, now) = (member.payer.id, visit.now);
    let (found, newest) = app.read(move |queries| look(queries, payer, since, now)).await?;
    Ok(Json(Pending { go: leads_to(&app, &found), since: newest }))
}

#[derive(Template)]
#[template(path = "code_confirm.html")]
struct ConfirmPage {
    p: Page,
    order: OrderId,
    amount: Money,
    payee: String,
    description: String,
    until: Time,
    /// Minutes and seconds left.
    left: String,
    nonce: String,
    error: Option<String>,
}

/// The order that waits for this payer's PIN, or the page where its story went on.
fn waiting(app: &App, visit: &Visit, payer: PayerId, id: &str) -> Result<Order, Fail> {
    let id: OrderId = id.parse().map_err(|_| Rejection::OrderNotFound)?;
    let order = app.queries().order(id)?.filter(|order| order.payer == Some(payer));
    let order = order.ok_or(Rejection::OrderNotFound)?;
    match order.state {
        OrderState::Paying if visit.now < order.expires_at => Ok(order),
        OrderState::Paying => Err(Rejection::OrderExpired(order.expires_at).into()),
        OrderState::Paid | OrderState::Revoked if order.paid_at.is_some() => {
            let door = Door::new(order.id, order.terms.product, visit.now);
            Err(Fail::Go(door.link(app, "/pay/result")))
        }
        _ => Err(Rejection::OrderFailed.into()),
    }
}

fn ask_again(app: &App, visit: &Visit, order: &Order, error: Option<Phrase>) -> Result<Response, Fail> {
    let merchant = app.queries().merchant(order.terms.merchant)?;
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = ConfirmPage {
        p: Page::new(app, visit, Tab::None),
        order: order.id,
        amount: order.terms.amount,
        payee: merchant.map(|merchant| merchant.name.into_string()).unwrap_or_default(),
        description: order.terms.description.to_string(),
        until: order.expires_at,
        left: show::countdown(order.expires_at.since(visit.now)),
        nonce: once::nonce(visit.now)?,
        error: error.map(|phrase| phrase.say(visit.language).into_owned()),
    };
    page::show_as(status, &page)
}

/// Asks for the PIN of a larger payment.
pub(crate) async fn ask(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fail> {
    let order = waiting(&app, &visit, member.payer.id, &id)?;
    ask_again(&app, &visit, &order, None)
}

/// Pays, or refuses.
pub(crate) async fn confirm(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, Fail> {
    let payer = member.payer.id;
    let order: OrderId = id.parse().map_err(|_| Rejection::OrderNotFound)?;
    if posted.text("do") == "refuse" {
        app.run(&visit, Command::ConfirmCodePay { order, payer, pin: None }).await?;
        return Ok(page::see_other("/wallet"));
    }
    let Some(pin) = pin::hash(&app, payer, posted.text("pin")) else {
        let order = waiting(&app, &visit, payer, &id)?;
        return ask_again(&app, &visit, &order, Some(Phrase::new("pin-malformed")));
    };
    let command = Command::ConfirmCodePay { order, payer, pin: Some(pin) };
    pay(&app, &visit, &member, &posted, command, &id).await
}

async fn pay(
    app: &App,
    visit: &Visit,
    member: &Member,
    posted: &Posted,
    command: Command,
    id: &str,
) -> Result<Response, Fail> {
    let request = once::key(app, member, posted, &command)?;
    let payer = member.payer.id;
    let again = |words: Words| {
        let order = waiting(app, visit, payer, id)?;
        ask_again(app, visit, &order, Some(words.what))
    };
    match app.run_once(visit, request, command).await {
        Ok(Reply::Paid(Paid::Done(_))) => match waiting(app, visit, payer, id) {
            Ok(_) => Err(Problem::fault("a confirmed order still waits").into()),
            Err(paid) => Err(paid),
        },
        Ok(Reply::Paid(Paid::Pin(outcome))) => match refusal::of_pin(outcome) {
            Some(words) => again(words),
            None => Err(Problem::fault("a right PIN was refused").into()),
        },
        Ok(other) => Err(Problem::fault(&format!("confirming answered {other:?}")).into()),
        Err(
            refused @ Refusal::Rejected(
                Rejection::NotEnough
                | Rejection::LimitExceeded { .. }
                | Rejection::PinLocked(_)
                | Rejection::RequestKeyReused,
            ),
        ) => again(refusal::of(&refused)),
        Err(other) => {
            // Paid by the first of two clicks, or ended meanwhile: say which.
            waiting(app, visit, payer, id)?;
            Err(other.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_codes_are_ours_differ_and_lead_to_their_payer() {
        for count in [1, 2, 64] {
            let (shards, payer) = (Shards::new(count).unwrap(), PayerId(1_000_037));
            let draw = || draw(Prefix::DEFAULT, payer, shards).unwrap();
            let ((one, number), (other, _)) = (draw(), draw());
            assert_eq!(PaymentCode::parse(Prefix::DEFAULT, one.expose()).as_ref(), Ok(&one));
            assert_eq!(
                (number.to_string().as_str(), shards.of_code(number)),
                (one.expose(), shards.of_payer(payer))
            );
            assert_ne!(one, other);
        }
    }
}
