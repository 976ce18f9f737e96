//! The payer's wallet: server-rendered pages made for a phone, in Chinese and English.
//!
//! A page is a GET; every change is a form that is posted with the session's form token. Everything works
//! without scripts but the camera. The wallet translates between a browser and [`service::Service`]; it decides
//! nothing about money, writes nothing to the store, and never keeps or logs a card number, PIN or code.
//!
//! | Module | Noun |
//! | --- | --- |
//! | [`signin`], `session` | codes sent to a phone, the session cookie |
//! | `home`, `bills`, `settings`, `identity`, `pin` | the payer's own pages |
//! | [`cards`], `topup` | bank cards and top-ups from them |
//! | `pay` | the cashier: scanned codes, H5, the JSAPI and APP bridge |
//! | `code` | the payment code a till scans |
//! | `oauth` | a payer agrees to be known to an application |
//! | `visit`, `form`, `once` | who asks, what was posted, pay once however often it is posted |
//! | `text`, `page`, `problem`, `assets` | words, what every page shows, errors, embedded files |

mod app;
mod assets;
mod bills;
pub mod cards;
mod code;
mod form;
mod headers;
mod home;
mod icons;
mod identity;
mod oauth;
mod once;
mod page;
mod pay;
mod pin;
mod problem;
mod session;
mod settings;
pub mod signin;
mod text;
mod topup;
mod transfers;
mod visit;

#[cfg(test)]
mod tests;

pub use cards::{CardLookup, CardNumber, CardRefusal, Looked, VerifiedCard};

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

/// The wallet's pages under `/wallet`, `/pay`, `/connect` and `/assets`. `channel` verifies the card numbers
/// that payers enter.
///
/// Serve it with connection info ([`axum::extract::ConnectInfo`] of a socket address): sign-in is limited per
/// address, and the address goes to the journal. Behind a proxy on the same machine the last address of
/// `X-Forwarded-For` is taken.
pub fn router(service: Arc<Service>, channel: Arc<dyn CardLookup>) -> Router {
    let app = App::new(service, channel);
    let pages = Router::new()
        .route("/wallet", get(home::show))
        .route("/wallet/sign-in", get(signin::ask_phone).post(signin::enter))
        .route("/wallet/sign-in/code", get(signin::start_over).post(signin::send_code))
        .route("/wallet/sign-out", post(signin::leave))
        .route("/wallet/pin", get(pin::ask).post(pin::set))
        .route("/wallet/cards", get(cards::list))
        .route("/wallet/cards/new", get(cards::ask).post(cards::bind))
        .route("/wallet/top-up", get(topup::ask).post(topup::start))
        .route("/wallet/top-up/{payment}", get(topup::wait))
        .route("/wallet/identity", get(identity::show).post(identity::confirm))
        .route("/wallet/settings", get(settings::show))
        .route("/wallet/settings/free-pay", get(settings::back).post(settings::free_pay))
        .route("/wallet/bills", get(bills::list))
        .route("/wallet/bills/{id}", get(bills::detail))
        .route("/wallet/code", get(code::show))
        .route("/wallet/code/pending", get(code::pending))
        .route("/wallet/code/confirm/{order}", get(code::ask).post(code::confirm))
        .route("/pay/scan", get(pay::scan::show))
        .route("/pay/code", get(pay::entry::code))
        .route("/pay/h5", get(pay::entry::h5))
        .route("/pay/jsapi", get(pay::bridge::jsapi).post(pay::bridge::jsapi_post))
        .route("/pay/app", get(pay::bridge::app).post(pay::bridge::app_post))
        .route("/pay/order", get(pay::cashier::show))
        .route("/pay/confirm", get(pay::cashier::back).post(pay::confirm::confirm))
        .route("/pay/waiting/{payment}", get(pay::outcome::waiting))
        .route("/pay/result", get(pay::outcome::result))
        .route("/wallet/transfers/{id}", get(transfers::show).post(transfers::confirm))
        .route("/pay/transfer", get(transfers::open))
        .route("/pay/leave", get(pay::outcome::leave))
        .route("/connect/oauth2/authorize", get(oauth::ask).post(oauth::agree))
        .route("/wallet/{*rest}", any(problem::not_found))
        .route("/pay/{*rest}", any(problem::not_found))
        .route("/connect/{*rest}", any(problem::not_found))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(app.clone(), visit::attend))
        .with_state(app);
    pages.merge(assets::router())
}
