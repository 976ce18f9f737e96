//! Orders on the wire: prepay of four products, 付款码 (codepay), close and reverse, with every limit of wire
//! §3.2 and §3.8, in the form of a merchant and in that of a partner ([`Mode`]).
//!
//! What comes out is checked in form only. Whether the appid belongs to the merchant, the URL may be called
//! or the time makes sense is for the rooms that know.

mod codepay;
mod combine;
mod end;
mod party;
mod prepay;
pub(crate) mod shape;

pub use codepay::CodePay;
pub use combine::{Combine, CombineClose, CombinePayer, SubOrder};
pub use end::{Close, Reverse};
pub use party::{Mode, Sub};
pub use prepay::{Identity, IdentityKind, Prepay, PrepayAnswer};

use crate::error::ApiError;
use crate::field::{self, OUT_TRADE_NO};
use crate::issue;
use crate::json::{self, Fields, Members, Node, canonical};
use crate::language::Text;
use crate::transaction::TradeType;
use types::{Currency, Money, Secret, Time};

/// How the payer is brought to the cashier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Product {
    /// JSAPI or mini-program: inside the wallet, by `prepay_id`.
    Jsapi,
    /// A merchant's own app, by `prepay_id`.
    App,
    /// A mobile browser, by `h5_url`.
    H5,
    /// The payer scans a `code_url`.
    Native,
    /// 付款码: the merchant scans the payer.
    CodePay,
}

impl Product {
    /// The products placed by a prepay call.
    pub const PREPAY: [Product; 4] = [Product::Jsapi, Product::App, Product::H5, Product::Native];

    /// The last part of the path `/v3/pay/transactions/…` (wire §3.1).
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Jsapi => "jsapi",
            Self::App => "app",
            Self::H5 => "h5",
            Self::Native => "native",
            Self::CodePay => "codepay",
        }
    }

    /// The `trade_type` of its transactions.
    #[must_use]
    pub const fn trade_type(self) -> TradeType {
        match self {
            Self::Jsapi => TradeType::Jsapi,
            Self::App => TradeType::App,
            Self::H5 => TradeType::Mweb,
            Self::Native => TradeType::Native,
            Self::CodePay => TradeType::Micropay,
        }
    }
}

/// The words of `limit_pay` (wire §3.2).
const LIMIT_PAY: [&str; 4] = ["no_balance", "no_credit", "no_debit", "balance_only"];
/// What `notify_url` must be.
pub(crate) const NOTIFY_URL: Text =
    Text::fixed("不带参数的 http(s) 绝对地址", "an absolute http or https URL without query string");
const TIME: Text = Text::fixed(
    "RFC 3339 时间，如 2026-11-21T10:00:00+08:00",
    "an RFC 3339 time such as 2026-11-21T10:00:00+08:00",
);

fn out_trade_no(fields: &Fields<'_>) -> Result<String, ApiError> {
    let read = |text: &str| field::is_out_trade_no(text).then(|| text.to_owned());
    fields.need_parsed("out_trade_no", 6..=32, read, || field::form(OUT_TRADE_NO))
}

fn notify_url(fields: &Fields<'_>) -> Result<String, ApiError> {
    let read = |text: &str| field::is_notify_url(text).then(|| text.to_owned());
    fields.need_parsed("notify_url", 1..=255, read, || field::form(NOTIFY_URL))
}

fn time(name: &str, fields: &Fields<'_>) -> Result<Option<Time>, ApiError> {
    fields.parsed(name, 1..=64, field::time, || field::form(TIME))
}

/// `amount`: `total` at least 1 fen; `currency` CNY, also when left out.
fn amount(fields: &Fields<'_>) -> Result<Money, ApiError> {
    let amount = fields.need_object("amount")?;
    let total = amount.need_integer("total", 1..=i64::MAX)?;
    let cny = |text: &str| (text == "CNY").then_some(Currency::CNY);
    let currency = amount.parsed("currency", 1..=16, cny, || issue::one_of(&["CNY"]))?;
    Ok(Money::new(total, currency.unwrap_or(Currency::CNY)))
}

pub(crate) fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

/// Gathers the parameters of a request for its canonical form. Absent and default values are left out, so a
/// parameter added in a later version does not change the form of requests that lack it.
///
/// Each value is written down at once; only their order is found at the end.
#[derive(Default)]
pub(crate) struct Parameters {
    /// Name, and where its value ends in `values`, which is where the next begins.
    members: Vec<(&'static str, usize)>,
    /// Canonical texts, one after the other.
    values: String,
}

impl Parameters {
    /// Adds a parameter that no earlier one is named like; none for [`Node::Null`].
    pub(crate) fn put(&mut self, name: &'static str, value: &Node) {
        if !matches!(value, Node::Null) {
            self.value(name, |out| json::write(value, out));
        }
    }
    pub(crate) fn text(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(text) = value {
            self.value(name, |out| json::quote(text, out));
        }
    }
    fn flag(&mut self, name: &'static str, value: bool) {
        if value {
            self.value(name, |out| out.push_str("true"));
        }
    }
    pub(crate) fn money(&mut self, value: Money) {
        self.put("total", &Node::Integer(value.minor));
        self.text("currency", Some(value.currency.code()));
    }
    fn object(&mut self, name: &'static str, value: Parameters) {
        self.value(name, |out| value.write(out));
    }
    fn objects(&mut self, name: &'static str, values: impl Iterator<Item = Parameters>) {
        self.value(name, |out| {
            out.push('[');
            for (at, value) in values.enumerate() {
                if at > 0 {
                    out.push(',');
                }
                value.write(out);
            }
            out.push(']');
        });
    }
    fn value(&mut self, name: &'static str, write: impl FnOnce(&mut String)) {
        debug_assert!(self.members.iter().all(|(other, _)| *other != name), "{name} twice");
        write(&mut self.values);
        self.members.push((name, self.values.len()));
    }
    /// One object, as [`json::canonical`] writes one of these members.
    fn write(self, out: &mut String) {
        let mut start = 0;
        let values = self.members.iter().map(|&(name, end)| (name, std::mem::replace(&mut start, end)..end));
        let mut members: Vec<_> = values.collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        out.push('{');
        for (at, (name, value)) in members.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            json::quote(name, out);
            out.push(':');
            out.push_str(&self.values[value]);
        }
        out.push('}');
    }
    pub(crate) fn bytes(self) -> Secret<Vec<u8>> {
        let mut out = String::with_capacity(2 * self.values.len() + 32 * self.members.len());
        self.write(&mut out);
        Secret::new(out.into_bytes())
    }
}

/// The canonical text of what is only kept for the record, none when there is nothing.
pub(crate) fn extra(members: Members) -> Option<String> {
    (!members.is_empty()).then(|| canonical(&Node::Object(members)))
}

#[cfg(test)]
mod tests;
