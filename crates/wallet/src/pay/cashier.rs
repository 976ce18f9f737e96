//! The page that asks: how much, to whom, for what, from where, and the PIN.

use super::{
    demand::{Demand, Part, Shown},
    door::{Door, Outcome},
};
use crate::{
    app::App,
    cards::CardView,
    once,
    page::{self, Page, Tab},
    problem::{Fail, Problem},
    session::Member,
    text::{Phrase, refusal::Words},
    visit::{Anyone, Visit},
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use domain::{Rejection, order::OrderState};
use ledger::AccountId;
use serde::Deserialize;
use std::collections::HashSet;
use types::{CardId, Money};

/// A sealed door in an address.
#[derive(Deserialize)]
pub(crate) struct Sealed {
    #[serde(default)]
    pub(crate) d: String,
}

/// Where the money is to come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Balance,
    Card(CardId),
}

impl Source {
    /// Reads the form's value, `balance` or `card-` and the card's id.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("card-") {
            Some(id) => id.parse().ok().map(Self::Card),
            None => (text == "balance").then_some(Self::Balance),
        }
    }
    pub(crate) const fn card(self) -> Option<CardId> {
        match self {
            Self::Balance => None,
            Self::Card(id) => Some(id),
        }
    }
}

#[derive(Template)]
#[template(path = "cashier.html")]
struct CashierPage {
    p: Page,
    shown: Shown,
    payee: String,
    description: String,
    /// What each merchant gets; none when there is one only.
    parts: Vec<Part>,
    door: String,
    nonce: String,
    balance: Money,
    enough: bool,
    cards: Vec<CardView>,
    chosen: Option<Source>,
    /// Where the payer is sent back to, as host.
    back_host: Option<String>,
    here: String,
    leave: String,
    error: Option<Said>,
}

/// An error put into words.
struct Said {
    what: String,
    money: String,
    next: String,
}

impl CashierPage {
    fn on_balance(&self) -> bool {
        self.chosen == Some(Source::Balance)
    }
    fn on_card(&self, id: &CardId) -> bool {
        self.chosen == Some(Source::Card(*id))
    }
    fn top_up(&self) -> String {
        web::link::to("/wallet/top-up", &[("next", &self.here)])
    }
    fn bind(&self) -> String {
        web::link::to("/wallet/cards/new", &[("next", &self.here)])
    }
}

/// The cashier behind a sealed door: coming back from topping up, binding a card, or an error.
pub(crate) async fn show(
    State(app): State<App>,
    Anyone(visit): Anyone,
    Query(Sealed { d }): Query<Sealed>,
) -> Result<Response, Fail> {
    open(&app, &visit, &Door::open(&app, &d)?).await
}

/// The form's address opened by hand: there is nothing to confirm.
pub(crate) async fn back() -> Response {
    page::see_other("/wallet")
}

/// Shows the order behind a door; whoever is not signed in or has no PIN does that first and comes back.
///
/// # Errors
/// A page that says why this order can't be paid here and now.
pub(crate) async fn open(app: &App, visit: &Visit, door: &Door) -> Result<Response, Fail> {
    let here = door.link(app, "/pay/order");
    let Some(member) = visit.member() else {
        return Err(Fail::Go(web::link::to("/wallet/sign-in", &[("next", &here)])));
    };
    if !member.payer.active {
        return Err(Problem::suspended().into());
    }
    let demand = payable(app, visit, member, door)?;
    if member.payer.pin.is_none() {
        return Err(Fail::Go(web::link::to("/wallet/pin", &[("next", &here)])));
    }
    ask(app, visit, member, door, &demand, Asked::default()).await
}

/// The order behind a door, if this payer can pay it now. The engine decides again when it is paid; this says
/// it before anyone types a PIN.
///
/// # Errors
/// The order's state as a page, or the page where its story goes on.
pub(super) fn payable(app: &App, visit: &Visit, member: &Member, door: &Door) -> Result<Demand, Fail> {
    let mine = Some(member.payer.id);
    let demand = Demand::find(app.queries(), door.order)?.ok_or(Rejection::OrderNotFound)?;
    let order = demand.first();
    if order.terms.payer.is_some() && order.terms.payer != mine {
        return Err(Rejection::WrongPayer.into());
    }
    let refused = match order.state {
        OrderState::Paid | OrderState::Revoked if order.payer == mine => {
            return Err(Fail::Go(door.link(app, "/pay/result")));
        }
        OrderState::Paid => Rejection::OrderPaid,
        OrderState::Revoked => Rejection::OrderRevoked,
        OrderState::Closed => Rejection::OrderClosed,
        OrderState::Failed => Rejection::OrderFailed,
        OrderState::Paying => Rejection::EntryMismatch,
        OrderState::Open | OrderState::Expired => match order.payment {
            Some(payment) if order.payer == mine => {
                return Err(Fail::Go(door.link(app, &format!("/pay/waiting/{payment}"))));
            }
            Some(_) => Rejection::OrderBusy,
            None if order.state == OrderState::Expired || visit.now >= order.expires_at => {
                Rejection::OrderExpired(order.expires_at)
            }
            None if door.is_over(visit.now) => Rejection::EntryExpired,
            None if order.terms.product != door.product => Rejection::EntryMismatch,
            None if demand.is_part() => Rejection::OrderCombined,
            None => return Ok(demand),
        },
    };
    let problem = Problem::rejected(refused);
    Err(match door.way_back(Outcome::Fail) {
        Some((address, _)) => problem.leading_to(address, "back-to-merchant").into(),
        None => problem.into(),
    })
}

/// What the payer chose before, and what was wrong.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) source: Option<Source>,
    pub(super) error: Option<Words>,
}

/// Asks for the PIN.
///
/// # Errors
/// The store's fault.
pub(super) async fn ask(
    app: &App,
    visit: &Visit,
    member: &Member,
    door: &Door,
    demand: &Demand,
    asked: Asked,
) -> Result<Response, Fail> {
    let (payer, terms, amount) = (member.payer.id, &demand.first().terms, demand.amount());
    let (merchant, currency) = (terms.merchant, amount.currency);
    let parts = demand.parts(app.queries())?;
    let read = app.read(move |queries| {
        let account = queries.account(AccountId::payer_balance(payer, currency))?;
        Ok((account, queries.cards(payer)?, queries.merchant(merchant)?))
    });
    let (account, cards, merchant) = read.await?;
    let merchant = merchant.ok_or(Rejection::MerchantNotFound(terms.merchant))?;
    let balance = account.available();
    let enough = balance.minor >= amount.minor;
    let first = if enough { Some(Source::Balance) } else { cards.first().map(|card| Source::Card(card.id)) };
    let kept = asked.source.filter(|source| enough || *source != Source::Balance);
    let here = door.link(app, "/pay/order");
    let say = |phrase: &Phrase| phrase.say(visit.language).into_owned();
    let error = asked.error.map(|words| Said {
        what: say(&words.what),
        money: say(&words.money),
        next: say(&words.next),
    });
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = CashierPage {
        p: Page::new(app, visit, Tab::None).at(here.clone()),
        shown: demand.shown(),
        payee: payee(&merchant.name, &parts, visit),
        description: if parts.is_empty() { terms.description.to_string() } else { String::new() },
        parts,
        door: door.seal(app),
        nonce: once::nonce(visit.now)?,
        balance,
        enough,
        cards: cards.iter().map(|card| CardView::of(card, visit)).collect(),
        chosen: kept.or(first),
        back_host: door.back().map(|back| back.host().to_owned()),
        leave: door.link(app, "/pay/leave"),
        here,
        error,
    };
    page::show_as(status, &page)
}

/// Whom the payer pays: a merchant by name, or how many.
pub(super) fn payee(merchant: &str, parts: &[Part], visit: &Visit) -> String {
    if parts.is_empty() {
        return merchant.to_owned();
    }
    let merchants: HashSet<_> = parts.iter().map(|part| part.merchant).collect();
    if let ([first, ..], 1) = (parts, merchants.len()) {
        return first.payee.clone();
    }
    Phrase::new("pay-to-merchants").with("count", merchants.len()).say(visit.language).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_reads_as_the_form_writes_it() {
        assert_eq!(Source::parse("balance"), Some(Source::Balance));
        assert_eq!(Source::parse("card-12"), Some(Source::Card(CardId(12))));
        for bad in ["", "card-", "card--1", "card-x", "Balance", "12"] {
            assert_eq!(Source::parse(bad), None, "{bad}");
        }
    }
}
