//! The consoles of the platform's and the merchants' people: server-rendered pages, in Chinese and English, wide and
//! dense on a desk, usable on a phone.
//!
//! A page is a GET whose filters stand in its address; every change is a form that is posted with the session's form
//! token, and a command that asks for the person's right itself ([`domain::staff`]). The console decides nothing about
//! money, writes nothing to the store, and never keeps or logs a password or a code. Merchants' people see their
//! merchant only.
//!
//! | Module | Noun |
//! | --- | --- |
//! | `signin`, `session` | password, code, the session cookie |
//! | `start`, `chart` | what waits for somebody, and how trade goes |
//! | `orders`, `order`, `export` | orders found by searching the past, one order with its timeline, CSV of every list |
//! | `refunds`, `payouts`, `settlements`, `balance`, `bills` | the money day |
//! | `holds` | money set aside, and released before its time |
//! | `approval`, `stepup` | what waits for other people; the code given again before something dangerous |
//! | `notifications` | what merchants were told, tries, sending again |
//! | `exceptions`, `exception` | the queue of reconciliation, and deciding one |
//! | `merchants`, `merchant` | merchants, their terms, fees and bank accounts |
//! | `people`, `journal` | who may sign in; who did what |
//! | `visit`, `form`, `query` | who asks, what was posted, what the address says |
//! | `list`, `record`, `page`, `problem`, `text`, `assets` | the two kinds of page, words, errors, embedded files |

mod app;
mod approval;
mod assets;
mod balance;
mod bills;
mod body;
mod chart;
mod combined;
mod exception;
mod exceptions;
mod export;
mod form;
mod headers;
mod holds;
mod journal;
mod list;
mod merchant;
mod merchants;
mod notifications;
mod order;
mod orders;
mod page;
mod partners;
mod payouts;
mod people;
mod problem;
mod query;
mod record;
mod refunds;
mod session;
mod settlements;
mod sharing;
mod signin;
mod start;
mod stepup;
mod text;
mod transfers;
mod visit;

#[cfg(test)]
mod tests;

use crate::app::App;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{any, get, post},
};
use service::Service;
use std::sync::Arc;

/// Bytes a posted form may have.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The console's pages under `/console`.
///
/// Serve it with connection info ([`axum::extract::ConnectInfo`] of a socket address): sign-in is limited per address,
/// and the address goes to the journal. Behind a proxy on the same machine the last address of `X-Forwarded-For` is
/// taken.
pub fn router(service: Arc<Service>) -> Router {
    let app = App::new(service);
    let pages = Router::new()
        .route("/console", get(start::show))
        .route("/console/sign-in", get(signin::ask).post(signin::enter))
        .route("/console/sign-in/password", get(signin::ask_password).post(signin::change_password))
        .route("/console/sign-in/enrol", get(signin::ask_enrol).post(signin::enrol))
        .route("/console/sign-in/code", get(signin::ask_code).post(signin::confirm))
        .route("/console/sign-out", post(signin::leave))
        .route("/console/search", get(orders::search))
        .route("/console/orders", get(orders::list))
        .route("/console/orders.csv", get(export::orders))
        .route("/console/orders/{id}", get(order::show))
        .route("/console/orders/{id}/refund", post(order::refund))
        .route("/console/combined/{id}", get(combined::show))
        .route("/console/refunds", get(refunds::list))
        .route("/console/refunds.csv", export::csv("refunds", refunds::build))
        .route("/console/refunds/{id}", get(refunds::show))
        .route("/console/refunds/{id}/approve", post(refunds::approve))
        .route("/console/refunds/{id}/reject", post(refunds::reject))
        .route("/console/notifications", get(notifications::list))
        .route("/console/notifications.csv", export::csv("notifications", notifications::build))
        .route("/console/notifications/{id}", get(notifications::show))
        .route("/console/notifications/{id}/resend", post(notifications::resend))
        .route("/console/balance", get(balance::show))
        .route("/console/balance/payout", post(payouts::request))
        .route("/console/holds", get(holds::list).post(holds::make))
        .route("/console/holds.csv", export::csv("holds", holds::build))
        .route("/console/holds/{id}", get(holds::show))
        .route("/console/holds/{id}/release", post(holds::let_go))
        .route("/console/settlements", get(settlements::list))
        .route("/console/settlements.csv", export::csv("settlements", settlements::build))
        .route("/console/settlements/{id}", get(settlements::show))
        .route("/console/transfers", get(transfers::list))
        .route("/console/transfers.csv", export::csv("transfers", transfers::build))
        .route("/console/transfers/{id}", get(transfers::show))
        .route("/console/transfers/{id}/cancel", post(transfers::cancel))
        .route("/console/payouts", get(payouts::list))
        .route("/console/payouts.csv", export::csv("payouts", payouts::build))
        .route("/console/payouts/{id}", get(payouts::show))
        .route("/console/payouts/{id}/approve", post(payouts::approve))
        .route("/console/payouts/{id}/reject", post(payouts::reject))
        .route("/console/bills", get(bills::list))
        .route("/console/bills/{day}/{bill}", get(bills::download))
        .route("/console/exceptions", get(exceptions::list))
        .route("/console/exceptions.csv", export::csv("exceptions", exceptions::build))
        .route("/console/exceptions/of/{*reference}", get(exception::show))
        .route("/console/exceptions/suggest", post(exception::suggest))
        .route("/console/exceptions/approve", post(exception::approve))
        .route("/console/exceptions/reject", post(exception::reject))
        .route("/console/exceptions/ask-channel", post(exception::ask))
        .route("/console/merchants", get(merchants::list))
        .route("/console/merchants.csv", export::csv("merchants", merchants::build))
        .route("/console/merchants/{id}", get(merchant::show))
        .route("/console/merchants/{id}/bank-account", post(merchant::set_bank_account))
        .route("/console/people", get(people::list).post(people::create))
        .route("/console/people.csv", export::csv("people", people::build))
        .route("/console/people/{id}", get(people::show))
        .route("/console/people/{id}/reset", post(people::reset))
        .route("/console/people/{id}/active", post(people::set_active))
        .route("/console/journal", get(journal::list))
        .route("/console/journal.csv", export::csv("journal", journal::build))
        .route("/console/{*rest}", any(problem::not_found))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(app.clone(), visit::attend))
        .with_state(app);
    pages.merge(assets::router())
}
