//! Payouts to the merchant's bank account, an interface of Feiqian's own: asked for and looked up.

use crate::error::{ApiError, Location};
use crate::field;
use crate::issue;
use crate::json::{self, Fields, FromFields};
use crate::language::Text;
use serde::Serialize;
use types::{Currency, Money};

/// The most payouts of a page.
pub const LIST_MAX: usize = 100;

/// A payout request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutRequest {
    /// The merchant's own number of it; 1 to 64 of digits, letters, `_ - | * @`.
    pub out_payout_no: String,
    /// How much, CNY; all of the settled money when none.
    pub amount: Option<Money>,
    /// Whether it has to be there at once.
    pub urgent: bool,
}

impl PayoutRequest {
    /// Reads a payout request.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong.
    pub fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        json::read(bytes)
    }
}

const NUMBER: Text = Text::fixed("1 到 64 个数字、字母或 _-|*@", "1 to 64 of digits, letters and _ - | * @");

impl FromFields for PayoutRequest {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let number = |text: &str| field::is_out_refund_no(text).then(|| text.to_owned());
        let amount = match fields.object("amount")? {
            None => None,
            Some(amount) => {
                let cny = |text: &str| (text == "CNY").then_some(Currency::CNY);
                let minor = amount.need_integer("total", 1..=i64::MAX)?;
                let currency = amount.parsed("currency", 1..=16, cny, || issue::one_of(&["CNY"]))?;
                Some(Money::new(minor, currency.unwrap_or(Currency::CNY)))
            }
        };
        Ok(Self {
            out_payout_no: fields.need_parsed("out_payout_no", 1..=64, number, || field::form(NUMBER))?,
            amount,
            urgent: fields.boolean("urgent")?.unwrap_or(false),
        })
    }
}

/// Checks `out_payout_no` of a path.
///
/// # Errors
/// `PARAM_ERROR`.
pub fn path_number(text: &str) -> Result<&str, ApiError> {
    if field::is_out_refund_no(text) {
        return Ok(text);
    }
    let value = Some(text.chars().take(64).collect());
    Err(ApiError::param("out_payout_no", value, field::form(NUMBER), Location::Path))
}

/// A payout as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct PayoutView {
    /// The platform's number, digits.
    pub payout_id: String,
    /// The merchant's own number; absent for payouts that have none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub out_payout_no: String,
    /// How much.
    pub amount: Amount,
    /// `WAITING`, `CREATED`, `SENT`, `ACCEPTED`, `UNKNOWN`, `SETTLED`, `RETURNED`, `REJECTED` or `CANCELLED`.
    pub status: String,
    /// `HVPS`, `BEPS`, `NETSUNION` or `UNIONPAY`.
    pub rail: String,
    /// Whether it was asked for at once.
    pub urgent: bool,
    /// The account, masked.
    pub account: Account,
    /// When it was asked for, RFC 3339.
    pub create_time: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
    /// What the bank said: its reference, or its reason.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bank_code: String,
}

/// An amount of a payout.
#[derive(Clone, Debug, Serialize)]
pub struct Amount {
    /// Fen.
    pub total: i64,
    /// `CNY`.
    pub currency: &'static str,
}

/// The account of a payout, masked.
#[derive(Clone, Debug, Serialize)]
pub struct Account {
    /// The bank's name.
    pub bank_name: String,
    /// The last characters of the number.
    pub tail: String,
}

impl PayoutView {
    /// The answer's bytes.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        // Strings, numbers and booleans: writing them can't fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// A page of payouts, newest first.
#[derive(Clone, Debug, Serialize)]
pub struct PayoutList {
    /// The payouts.
    pub data: Vec<PayoutView>,
    /// Whether older ones follow.
    pub has_more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_with_every_limit() {
        let read = |text: &str| PayoutRequest::read(text.as_bytes());
        let all = read(r#"{"out_payout_no":"P-1"}"#).unwrap();
        assert_eq!((all.amount, all.urgent), (None, false));
        let one = read(r#"{"out_payout_no":"P-1","amount":{"total":1200,"currency":"CNY"},"urgent":true}"#);
        assert_eq!(one.unwrap(), PayoutRequest { amount: Some(Money::cny(1_200)), urgent: true, ..all });
        for bad in [
            "{}",
            r#"{"out_payout_no":""}"#,
            r#"{"out_payout_no":"飞"}"#,
            r#"{"out_payout_no":"P","amount":{"total":0}}"#,
            r#"{"out_payout_no":"P","amount":{"total":1.5}}"#,
            r#"{"out_payout_no":"P","amount":{"total":1,"currency":"USD"}}"#,
            r#"{"out_payout_no":"P","amount":7}"#,
            r#"{"out_payout_no":"P","urgent":"yes"}"#,
        ] {
            assert_eq!(read(bad).unwrap_err().code, crate::Code::ParamError, "{bad}");
        }
        assert_eq!(path_number("P|1").unwrap(), "P|1");
        assert!(path_number("a b").is_err());
    }
}
