//! By which door a payer came: the order, the product whose code or link was used, and the way back. Verified
//! once, then carried through forms and addresses under a keyed hash.

use super::back::Back;
use crate::{app::App, problem::Fail};
use crypto::vault::same;
use domain::{Rejection, merchant::Product, payment::Entry};
use serde::{Deserialize, Serialize};
use types::{OrderId, Time, time};

/// A door that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Door {
    /// The order, or the combined order: one number is never given to both.
    #[serde(rename = "o")]
    pub(crate) order: OrderId,
    #[serde(rename = "p")]
    pub(crate) product: Product,
    #[serde(rename = "t")]
    pub(crate) issued_at: Time,
    /// The merchant's page to go back to.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    back: Option<Box<str>>,
    /// The origin of the page that opened this one in a window of its own and waits for the outcome.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub(crate) opener: Option<Box<str>>,
}

/// What became of a visit to the cashier, as the bridge tells the merchant's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    Cancel,
    Fail,
}

impl Outcome {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Cancel => "cancel",
            Self::Fail => "fail",
        }
    }
}

const SUBJECT: &str = "wallet/door";
const MAC_CHARS: usize = 64;

impl Door {
    pub(crate) const fn new(order: OrderId, product: Product, issued_at: Time) -> Self {
        Self { order, product, issued_at, back: None, opener: None }
    }
    pub(crate) fn with_back(mut self, back: Option<&Back>) -> Self {
        self.back = back.map(|back| back.as_str().into());
        self
    }
    pub(crate) fn with_opener(mut self, origin: Option<String>) -> Self {
        self.opener = origin.map(Into::into);
        self
    }
    /// The text that forms and addresses carry: a keyed hash and the content.
    pub(crate) fn seal(&self, app: &App) -> String {
        let content = serde_json::to_string(self).unwrap_or_default();
        let hash = app.service().vault.hasher().code(SUBJECT, &content);
        format!("{}{content}", hash.to_hex())
    }
    /// Reads a text made by [`Door::seal`].
    ///
    /// # Errors
    /// `OrderNotFound` when it is none of ours.
    pub(crate) fn open(app: &App, text: &str) -> Result<Self, Fail> {
        let parts = text.split_at_checked(MAC_CHARS);
        let (mac, content) = parts.ok_or(Rejection::OrderNotFound)?;
        let right = app.service().vault.hasher().code(SUBJECT, content);
        if !same(right.to_hex().as_bytes(), mac.as_bytes()) {
            return Err(Rejection::OrderNotFound.into());
        }
        Ok(serde_json::from_str(content).map_err(|_| Rejection::OrderNotFound)?)
    }
    /// An address of ours that carries this door.
    pub(crate) fn link(&self, app: &App, path: &str) -> String {
        web::link::to(path, &[("d", &self.seal(app))])
    }
    /// The merchant's page, if it gave one.
    pub(crate) fn back(&self) -> Option<Back> {
        Back::parse(self.back.as_deref()?, false).ok()
    }
    /// The way back with the outcome. An H5 page gets its address as it gave it (wire §3.2): it asks for the
    /// order's state itself.
    pub(crate) fn way_back(&self, outcome: Outcome) -> Option<(String, String)> {
        let back = self.back()?;
        let address = match self.product {
            Product::H5 => back.to_string(),
            _ => back.with(&[("result", outcome.word())]),
        };
        Some((address, back.host().to_owned()))
    }
    /// Whether the code, id or link has outlived its time (wire §3.2).
    pub(crate) const fn is_over(&self, now: Time) -> bool {
        now.0 >= self.issued_at.plus(Entry::life_s(self.product) * time::SECOND).0
    }
}
