//! What became of it: paid, waiting for the bank, declined, left.

use super::{
    cashier::{self, Sealed},
    demand::{Demand, Part},
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
    payment::{Payment, PaymentState},
};
use types::{Money, PaymentId, Time, time};

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
    let demand = Demand::find(app.queries(), door.order)?.ok_or(Rejection::OrderNotFound)?;
    let payment = payment.filter(|p| p.payer == member.payer.id && demand.is_paid_by(p.order));
    let payment = payment.ok_or(Rejection::PaymentNotFound)?;
    if payment.state == PaymentState::Succeeded {
        return Err(Fail::Go(door.link(&app, "/pay/result")));
    }
    let card = app.queries().card(payment.card)?.ok_or(Rejection::CardNotFound)?;
    let merchant = app.queries().merchant(demand.first().terms.merchant)?;
    let merchant = merchant.map(|merchant| merchant.name).unwrap_or_default();
    let declined = payment.state == PaymentState::Declined;
    page::show(&WaitPage {
        p: Page::new(&app, &visit, Tab::None),
        amount: payment.amount,
        payee: cashier::payee(&merchant, &demand.parts(app.queries())?, &visit),
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
    parts: Vec<Part>,
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
    let demand = Demand::find(app.queries(), door.order)?;
    let demand = demand.filter(|demand| demand.first().payer == Some(member.payer.id));
    let demand = demand.ok_or(Rejection::OrderNotFound)?;
    let order = demand.first();
    let Some(paid_at) = order.paid_at else { return Err(Fail::Go(door.link(&app, "/pay/order"))) };
    let merchant = app.queries().merchant(order.terms.merchant)?;
    let card = order.card.map(|card| app.queries().card(card)).transpose()?.flatten();
    let merchant = merchant.map(|merchant| merchant.name).unwrap_or_default();
    let parts = demand.parts(app.queries())?;
    page::show(&ResultPage {
        p: Page::new(&app, &visit, Tab::None),
        amount: demand.amount(),
        payee: cashier::payee(&merchant, &parts, &visit),
        description: order.terms.description.to_string(),
        parts,
        paid_at,
        number: demand.number(),
        merchant_number: demand.merchant_number().to_owned(),
        card: card.map(|card| names::card(&card.bank, &card.tail, visit.language)),
        bill: order.id.0,
        reversed: demand.reversed(),
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
    let demand = Demand::find(app.queries(), door.order)?.ok_or(Rejection::OrderNotFound)?;
    let order = demand.first();
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
