//! What became of it: paid, waiting for the bank, declined, left.

use super::{
    cashier::Sealed,
    door::{Door, Outcome},
};
use crate::{
    app::App,
    cards::CardView,
    page::{self, Page, Tab},
    problem::Fail,
    text::names,
    visit::{Anyone, SignedIn, Visit},
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use domain::{
    Rejection,
    order::OrderState,
    payment::{Payment, PaymentState},
};
use types::{Money, PaymentId, Time, TransactionId, time};

/// A card payment or top-up under way, in numbers that are true.
pub(crate) struct BankWait {
    pub(crate) number: PaymentId,
    state: PaymentState,
    /// Times the bank was asked.
    pub(crate) asked: u32,
    /// Seconds since it began.
    pub(crate) elapsed_s: i64,
    /// When the bank is asked next.
    pub(crate) ask_at: Option<Time>,
    /// The bank's reason, when it declined.
    pub(crate) reason: String,
    pub(crate) started_at: Time,
    /// It pays an order; else it is a top-up.
    pub(crate) pays_order: bool,
}

impl BankWait {
    pub(crate) fn of(payment: &Payment, visit: &Visit) -> Self {
        let now = visit.now;
        Self {
            number: payment.id,
            state: payment.state,
            asked: payment.asked,
            elapsed_s: now.since(payment.created_at).max(0) / time::SECOND,
            ask_at: payment.ask_at.filter(|at| *at > now),
            reason: names::decline(&payment.channel_code, visit.language),
            started_at: payment.created_at,
            pays_order: payment.order.is_some(),
        }
    }
    pub(crate) const fn state(&self) -> &'static str {
        self.state.name()
    }
    pub(crate) fn is_asking(&self) -> bool {
        self.state == PaymentState::Authorising
    }
    pub(crate) fn is_unknown(&self) -> bool {
        self.state == PaymentState::Unknown
    }
    pub(crate) fn is_open(&self) -> bool {
        self.is_asking() || self.is_unknown()
    }
    pub(crate) fn is_declined(&self) -> bool {
        self.state == PaymentState::Declined
    }
    pub(crate) fn is_done(&self) -> bool {
        self.state == PaymentState::Succeeded
    }
}

#[derive(Template)]
#[template(path = "pay_wait.html")]
struct WaitPage {
    p: Page,
    amount: Money,
    payee: String,
    card: String,
    bank: BankWait,
    again: String,
    back: Option<(String, String)>,
    tell: Option<Tell>,
}

/// What the bridge's script tells the window that opened this one.
struct Tell {
    origin: Box<str>,
    outcome: &'static str,
}

impl Tell {
    fn of(door: &Door, outcome: Outcome) -> Option<Self> {
        door.opener.clone().map(|origin| Self { origin, outcome: outcome.word() })
    }
}

/// Waits for the bank, and says so when it declined.
pub(crate) async fn waiting(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    Path(payment): Path<String>,
    Query(Sealed { d }): Query<Sealed>,
) -> Result<Response, Fail> {
    let door = Door::open(&app, &d)?;
    let id: PaymentId = payment.parse().map_err(|_| Rejection::PaymentNotFound)?;
    let payment = app.queries().payment(id)?;
    let payment = payment.filter(|p| p.payer == member.payer.id && p.order == Some(door.order));
    let payment = payment.ok_or(Rejection::PaymentNotFound)?;
    if payment.state == PaymentState::Succeeded {
        return Err(Fail::Go(door.link(&app, "/pay/result")));
    }
    let order = app.queries().order(door.order)?.ok_or(Rejection::OrderNotFound)?;
    let card = app.queries().card(payment.card)?.ok_or(Rejection::CardNotFound)?;
    let merchant = app.queries().merchant(order.terms.merchant)?;
    let declined = payment.state == PaymentState::Declined;
    page::show(&WaitPage {
        p: Page::new(&app, &visit, Tab::None),
        amount: payment.amount,
        payee: merchant.map(|merchant| merchant.name.into_string()).unwrap_or_default(),
        card: CardView::of(&card, &visit).name,
        bank: BankWait::of(&payment, &visit),
        again: door.link(&app, "/pay/order"),
        back: door.way_back(Outcome::Fail).filter(|_| declined),
        tell: Tell::of(&door, Outcome::Fail).filter(|_| declined),
    })
}

#[derive(Template)]
#[template(path = "pay_result.html")]
struct ResultPage {
    p: Page,
    amount: Money,
    payee: String,
    description: String,
    paid_at: Time,
    number: String,
    merchant_number: String,
    card: Option<String>,
    bill: i64,
    reversed: bool,
    back: Option<(String, String)>,
    tell: Option<Tell>,
}

/// The receipt.
pub(crate) async fn result(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    Query(Sealed { d }): Query<Sealed>,
) -> Result<Response, Fail> {
    let door = Door::open(&app, &d)?;
    let order = app.queries().order(door.order)?.filter(|order| order.payer == Some(member.payer.id));
    let order = order.ok_or(Rejection::OrderNotFound)?;
    let Some(paid_at) = order.paid_at else { return Err(Fail::Go(door.link(&app, "/pay/order"))) };
    let merchant = app.queries().merchant(order.terms.merchant)?;
    let card = order.card.map(|card| app.queries().card(card)).transpose()?.flatten();
    page::show(&ResultPage {
        p: Page::new(&app, &visit, Tab::None),
        amount: order.terms.amount,
        payee: merchant.map(|merchant| merchant.name.into_string()).unwrap_or_default(),
        description: order.terms.description.to_string(),
        paid_at,
        number: TransactionId(order.id).to_string(),
        merchant_number: order.terms.number.to_string(),
        card: card.map(|card| names::card(&card.bank, &card.tail, visit.language)),
        bill: order.id.0,
        reversed: order.state == OrderState::Revoked,
        back: door.way_back(Outcome::Ok),
        tell: Tell::of(&door, Outcome::Ok),
    })
}

#[derive(Template)]
#[template(path = "pay_left.html")]
struct LeftPage {
    p: Page,
    again: String,
    back: Option<(String, String)>,
    tell: Option<Tell>,
}

/// The payer left without paying. Nothing changes: the order can be paid until its deadline.
pub(crate) async fn leave(
    State(app): State<App>,
    Anyone(visit): Anyone,
    Query(Sealed { d }): Query<Sealed>,
) -> Result<Response, Fail> {
    let door = Door::open(&app, &d)?;
    let order = app.queries().order(door.order)?.ok_or(Rejection::OrderNotFound)?;
    if order.paid_at.is_some() && order.payer.is_some() && order.payer == visit.member().map(|m| m.payer.id) {
        return Err(Fail::Go(door.link(&app, "/pay/result")));
    }
    page::show(&LeftPage {
        p: Page::new(&app, &visit, Tab::None),
        again: door.link(&app, "/pay/order"),
        back: door.way_back(Outcome::Cancel),
        tell: Tell::of(&door, Outcome::Cancel),
    })
}
