//! `POST /sandbox/v1/payments`: pays an order or a combined order as a payer, with the sandbox PIN, by the door that was handed out.

use super::{PIN, json, pin, problem::Problem, read, transaction};
use crate::{
    errors,
    transport::{caller, query_string::Query},
};
use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use crypto::token::{OrderToken, TokenKind};
use domain::{
    Actor, Command, Reply,
    combined::{Combined, CombinedConfirmation},
    merchant::Product,
    order::Order,
    payer::PinOutcome,
    payment::{Confirmation, Entry, Paid, PaymentState},
};
use serde::{Deserialize, Serialize};
use service::{Service, wire};
use std::{sync::Arc, time::Duration};
use types::{AppId, CombinedId, OrderId, PaymentId};

/// What is asked: who pays, by exactly one door, from the balance or from the newest card.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    openid: String,
    code_url: Option<String>,
    prepay_id: Option<String>,
    h5_url: Option<String>,
    #[serde(default)]
    card: bool,
}

/// A card payment whose outcome is not known yet.
#[derive(Serialize)]
struct Waiting {
    payment_id: String,
    state: &'static str,
}

/// How long a card's bank is waited for, and how often it is looked at.
const BANK_WAIT: Duration = Duration::from_secs(10);
const BANK_LOOK: Duration = Duration::from_millis(50);

/// 200 with the transaction once paid; 202 when the card's bank has not answered in 10 s.
pub(super) async fn pay(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let (asked, parts) = read::<Asked>(request).await?;
    let token = door(&service, &asked)?;
    let demand = Demand::find(&service, token.order)?;
    let (order, app) = demand.first();
    // The payer of a sub-merchant's order may be named by the sub-merchant's application as well.
    let sub_app = order.terms.partner.and_then(|partner| partner.sub_app);
    let tokens = service.vault.tokens();
    let payer = std::iter::once(app).chain(sub_app).find_map(|app| tokens.open_openid(app, &asked.openid));
    let payer = payer.ok_or_else(|| {
        let detail = format!("The openid is none of application {app}, which placed the order.");
        Problem::new(StatusCode::BAD_REQUEST, detail).coded("PARAM_ERROR")
    })?;
    let card = match asked.card {
        false => None,
        true => {
            let cards = service.queries.cards(payer).map_err(|fault| errors::fault(&fault))?;
            let none =
                || Problem::new(StatusCode::BAD_REQUEST, "The payer has no card; bind one in the wallet.");
            Some(cards.first().ok_or_else(none)?.id)
        }
    };
    let entry = Entry { product: product(token.kind, order), issued_at: token.issued_at };
    let pin = pin(&service, payer);
    let command = match &demand {
        Demand::One(order) => {
            let (order, shown) = (order.id, order.terms.amount);
            Command::PayOrder(Confirmation { order, payer, entry, shown, card, pin })
        }
        Demand::Several(whole, _) => {
            let (combined, shown) = (whole.id, whole.total);
            Command::PayCombined(CombinedConfirmation { combined, payer, entry, shown, card, pin })
        }
    };
    let caller = caller(Actor::Payer(payer), &parts);
    match service.engine.run(command, caller).await? {
        Reply::Paid(Paid::Done(_)) => demand.answer(&service),
        Reply::Paid(Paid::Waiting(payment)) => wait(&service, &demand, payment).await,
        Reply::Paid(Paid::Pin(outcome)) => Err(wrong_pin(outcome)),
        other => Err(errors::broken("a payment had another answer", &format!("{other:?}")).into()),
    }
}

/// What a token names: an order, or a combined order with its first order, which tells for all.
enum Demand {
    One(Box<Order>),
    Several(Box<Combined>, Box<Order>),
}

impl Demand {
    fn find(service: &Service, id: OrderId) -> Result<Self, Problem> {
        let fault = |fault: engine::Fault| Problem::from(errors::fault(&fault));
        if let Some(order) = service.queries.order(id).map_err(fault)? {
            return Ok(Self::One(Box::new(order)));
        }
        let whole = service.queries.combined(CombinedId(id.0)).map_err(fault)?;
        let first = match &whole {
            Some(whole) => service.queries.orders_of(whole).map_err(fault)?.into_iter().next(),
            None => None,
        };
        let (Some(whole), Some(first)) = (whole, first) else {
            return Err(errors::rejection(&domain::Rejection::OrderNotFound).into());
        };
        Ok(Self::Several(Box::new(whole), Box::new(first)))
    }
    /// The order, or the first of them, and the application it was placed with.
    fn first(&self) -> (&Order, AppId) {
        match self {
            Self::One(order) => (order, order.terms.app),
            Self::Several(whole, first) => (first, whole.app),
        }
    }
    /// The object of it as it is now.
    fn answer(&self, service: &Service) -> Result<Response, Problem> {
        match self {
            Self::One(before) => transaction(service, &order(service, before.id)?),
            Self::Several(whole, _) => {
                let view = wire::combined_now(whole, &*service.queries, service.vault.tokens());
                let body = view.map_err(|fault| errors::fault(&fault))?.body();
                Ok(([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response())
            }
        }
    }
}

/// What the link, id or code says; it must be ours.
fn door(service: &Service, asked: &Asked) -> Result<OrderToken, Problem> {
    let tokens = service.vault.tokens();
    let (name, opened) = match (&asked.code_url, &asked.prepay_id, &asked.h5_url) {
        (Some(text), None, None) => ("code_url", tokens.open_code(text)),
        (None, Some(text), None) => ("prepay_id", tokens.open_prepay_id(text)),
        (None, None, Some(text)) => ("h5_url", h5_token(text).and_then(|token| tokens.open_h5(&token))),
        _ => {
            let detail = "Give exactly one of code_url, prepay_id and h5_url.";
            return Err(Problem::new(StatusCode::BAD_REQUEST, detail).coded("PARAM_ERROR"));
        }
    };
    opened.ok_or_else(|| {
        let detail = format!("{name} was not made by this server; pass it as the order's answer gave it.");
        Problem::new(StatusCode::BAD_REQUEST, detail).coded("PARAM_ERROR")
    })
}

/// The token in an `h5_url`, also when the merchant has appended `redirect_url` to it.
fn h5_token(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    Query::parse(query).ok()?.get("token").map(str::to_owned)
}

/// The product a door belongs to. A prepay_id serves two; which, the order knows.
fn product(kind: TokenKind, order: &Order) -> Product {
    match (kind, order.terms.product) {
        (TokenKind::Prepay, Product::App) => Product::App,
        (TokenKind::Prepay, _) => Product::Jsapi,
        (TokenKind::Code, _) => Product::Native,
        (TokenKind::H5, _) => Product::H5,
    }
}

/// An order that a token of ours names.
pub(super) fn order(service: &Service, id: OrderId) -> Result<Order, Problem> {
    let order = service.queries.order(id).map_err(|fault| errors::fault(&fault))?;
    order.ok_or_else(|| errors::rejection(&domain::Rejection::OrderNotFound).into())
}

pub(super) fn wrong_pin(outcome: PinOutcome) -> Problem {
    let then = match outcome {
        PinOutcome::Locked { until } => format!("; the PIN is locked until {until}"),
        PinOutcome::Right | PinOutcome::Wrong { .. } => String::new(),
    };
    let detail = format!("The payer's PIN is not the sandbox's {PIN}{then}. Pay in the wallet instead.");
    Problem::new(StatusCode::FORBIDDEN, detail).coded("ACCOUNT_ERROR")
}

/// Waits for the card's bank.
async fn wait(service: &Service, demand: &Demand, payment: PaymentId) -> Result<Response, Problem> {
    let deadline = tokio::time::Instant::now() + BANK_WAIT;
    loop {
        let kept = service.queries.payment(payment).map_err(|fault| errors::fault(&fault))?;
        let state = kept.as_ref().map_or(PaymentState::Authorising, |kept| kept.state);
        match state {
            PaymentState::Succeeded => return demand.answer(service),
            PaymentState::Declined => {
                let code = kept.map(|kept| kept.channel_code).unwrap_or_default();
                let detail = format!("The card's bank declined: {code}. The order can be paid again.");
                return Err(Problem::new(StatusCode::FORBIDDEN, detail).coded("TRADE_ERROR"));
            }
            PaymentState::Authorising | PaymentState::Unknown if tokio::time::Instant::now() >= deadline => {
                let waiting = Waiting { payment_id: payment.to_string(), state: state.name() };
                return Ok(json(StatusCode::ACCEPTED, &waiting));
            }
            PaymentState::Authorising | PaymentState::Unknown => tokio::time::sleep(BANK_LOOK).await,
        }
    }
}
