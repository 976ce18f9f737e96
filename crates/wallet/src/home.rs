//! The wallet's first page: the balance, what can be done, what came last.

use crate::{
    app::App,
    bills::{self, Entry},
    page::{self, Page, Tab},
    problem::Fail,
    visit::SignedIn,
};
use askama::Template;
use axum::{extract::State, response::Response};
use domain::{order::Order, user_transfer::UserTransfer};
use ledger::AccountId;
use types::{Currency, Money};

/// Bill entries shown.
const RECENT: usize = 3;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    p: Page,
    balance: Money,
    held: Option<Money>,
    has_pin: bool,
    has_card: bool,
    /// Payment-code orders that wait for the PIN.
    to_confirm: Vec<Order>,
    /// Transfers of merchants that wait to be received.
    to_receive: Vec<UserTransfer>,
    recent: Vec<Entry>,
}

/// The first page.
pub(crate) async fn show(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
) -> Result<Response, Fail> {
    let payer = member.payer.id;
    let read = app.read(move |queries| {
        let account = queries.account(AccountId::payer_balance(payer, Currency::CNY))?;
        let bill = queries.bill(payer, None, RECENT)?;
        let to_receive = queries.user_transfers_to_confirm(payer)?;
        Ok((
            account,
            to_receive,
            queries.cards(payer)?,
            queries.orders_to_confirm(payer)?,
            bills::named(queries, bill)?,
        ))
    });
    let (account, to_receive, cards, to_confirm, recent) = read.await?;
    let held = Some(account.held()).filter(|held| held.is_positive());
    page::show(&HomePage {
        p: Page::new(&app, &visit, Tab::Home),
        balance: account.balance(),
        held,
        has_pin: member.payer.pin.is_some(),
        has_card: !cards.is_empty(),
        to_confirm,
        to_receive,
        recent: recent.into_iter().map(|named| Entry::of(named, visit.language)).collect(),
    })
}
