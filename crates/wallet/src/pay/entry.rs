//! Entries by code_url and h5_url.

use super::{back::Back, cashier, door::Door};
use crate::{
    app::App,
    problem::{Fail, Problem},
    text::refusal::Words,
    visit::Anyone,
};
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use crypto::token::{OrderToken, TokenKind};
use domain::{Rejection, merchant::Product};
use serde::Deserialize;

/// `pr` of a code_url, or the whole code_url.
#[derive(Deserialize)]
pub(crate) struct Code {
    #[serde(default)]
    pr: String,
}

/// A scanned or pasted code_url.
pub(crate) async fn code(
    State(app): State<App>,
    Anyone(visit): Anyone,
    Query(Code { pr }): Query<Code>,
) -> Result<Response, Fail> {
    let token = app.service().vault.tokens().open_code(&pr).ok_or(Rejection::OrderNotFound)?;
    cashier::open(&app, &visit, &door(token, Product::Native)).await
}

/// The query of an h5_url, with what the merchant appends to it (wire §3.2).
#[derive(Deserialize)]
pub(crate) struct H5 {
    #[serde(default)]
    token: String,
    redirect_url: Option<String>,
}

/// An opened h5_url.
pub(crate) async fn h5(
    State(app): State<App>,
    Anyone(visit): Anyone,
    Query(asked): Query<H5>,
) -> Result<Response, Fail> {
    let token = app.service().vault.tokens().open_h5(&asked.token).ok_or(Rejection::OrderNotFound)?;
    let back = back(&app, asked.redirect_url.as_deref())?;
    cashier::open(&app, &visit, &door(token, Product::H5).with_back(back.as_ref())).await
}

/// The door that a token opens.
pub(super) const fn door(token: OrderToken, product: Product) -> Door {
    debug_assert!(
        matches!(
            (token.kind, product),
            (TokenKind::Code, Product::Native)
                | (TokenKind::H5, Product::H5)
                | (TokenKind::Prepay, Product::Jsapi | Product::App)
        ),
        "each kind of token opens its own products"
    );
    Door::new(token.order, product, token.issued_at)
}

/// The merchant's page to go back to, if one is given.
///
/// # Errors
/// A page that says which addresses are taken.
pub(super) fn back(app: &App, text: Option<&str>) -> Result<Option<Back>, Fail> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let https_only = !app.service().settings.sandbox;
    Back::parse(text, https_only).map(Some).map_err(|_| {
        let words = Words {
            what: "why-bad-back".into(),
            money: "money-unmoved".into(),
            next: "next-merchant".into(),
        };
        Problem::new(StatusCode::BAD_REQUEST, words).into()
    })
}
