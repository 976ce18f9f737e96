//! Payouts, described: Feiqian's own. The reader of a request is [`protocol::payout`].
#![expect(dead_code, reason = "the fields are read by the derive only")]

use super::endpoint::{Caller, Describe, Endpoint};
use protocol::Code;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::{
    ToSchema,
    openapi::{HttpMethod, RefOr, schema::Schema},
};

type Schemas = BTreeMap<String, RefOr<Schema>>;

const NUMBER: &str = r"^[0-9A-Za-z_\-|*@]{1,64}$";
const PATH: &str = "/v3/feiqian/payouts";

/// A payout to be made.
#[derive(ToSchema)]
pub(super) struct PayoutRequest {
    /// The merchant's own number of it. The same with the same content again is the same payout.
    #[schema(pattern = r"^[0-9A-Za-z_\-|*@]{1,64}$")]
    out_payout_no: String,
    /// How much; all of the settled money when left out.
    amount: Option<PayoutAmount>,
    /// Whether it has to be there at once: another rail, which may take less at a time.
    urgent: Option<bool>,
}

/// An amount.
#[derive(ToSchema)]
pub(super) struct PayoutAmount {
    /// Fen.
    #[schema(minimum = 1)]
    total: i64,
    /// CNY.
    currency: Option<String>,
}

/// A payout as it stands.
#[derive(ToSchema)]
pub(super) struct Payout {
    /// The platform's number.
    #[schema(pattern = "^[0-9]{1,19}$")]
    payout_id: String,
    /// The merchant's own number; absent for automatic payouts.
    out_payout_no: Option<String>,
    amount: PayoutAmount,
    status: PayoutStatus,
    /// HVPS, BEPS, NETSUNION or UNIONPAY.
    rail: String,
    urgent: bool,
    account: PayoutAccount,
    /// RFC 3339.
    create_time: String,
    /// When it ended, RFC 3339; absent before.
    end_time: Option<String>,
    /// The bank's reference when it paid, its reason when it did not.
    bank_code: Option<String>,
}

/// Where a payout stands.
#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum PayoutStatus {
    /// Waits for approval.
    Waiting,
    /// To be sent to the bank.
    Created,
    /// Sent to the bank.
    Sent,
    /// The bank has taken it in and not paid it yet.
    Accepted,
    /// The bank did not say; only its answer ends this.
    Unknown,
    /// Paid; final unless it comes back.
    Settled,
    /// Sent back by the receiving bank; the money is available again.
    Returned,
    /// Refused by the bank; the money is available again.
    Rejected,
    /// Not approved; the money is available again.
    Cancelled,
}

/// The bank account, masked.
#[derive(ToSchema)]
pub(super) struct PayoutAccount {
    bank_name: String,
    /// The last characters of the number.
    tail: String,
}

/// A page of payouts, newest first.
#[derive(ToSchema)]
pub(super) struct PayoutList {
    data: Vec<Payout>,
    /// Whether older ones follow: ask with the last `payout_id` as `before`.
    has_more: bool,
}

pub(super) fn endpoints(schemas: &mut Schemas) -> Vec<Endpoint> {
    vec![create(schemas), list(schemas), by_number(schemas)]
}

fn example() -> Value {
    json!({
        "payout_id": "4500000000000001",
        "out_payout_no": "PAYOUT_20261121",
        "amount": { "total": 149_100, "currency": "CNY" },
        "status": "CREATED",
        "rail": "BEPS",
        "urgent": false,
        "account": { "bank_name": "中国工商银行", "tail": "5678" },
        "create_time": "2026-11-21T10:05:00+08:00"
    })
}

fn create(schemas: &mut Schemas) -> Endpoint {
    Describe::new(Caller::Merchant, HttpMethod::Post, PATH, "funds", "payout", schemas)
        .text(
            "申请出款 · Ask for a payout to the bank account",
            "An endpoint of Feiqian's own. Settled money goes to the bank account that the platform has registered. The \
             same `out_payout_no` with the same parameters is the same payout: after any error of status 429 or 5xx look \
             it up, or repeat the same request. With other parameters it is 400 INVALID_REQUEST. A large payout waits for \
             approval.",
        )
        .body::<PayoutRequest>(json!({
            "out_payout_no": "PAYOUT_20261121", "amount": { "total": 149_100, "currency": "CNY" }
        }))
        .answer::<Payout>("200", "The payout as it stands.", example())
        .codes(&[Code::InvalidRequest, Code::NotEnough])
        .end()
}

fn list(schemas: &mut Schemas) -> Endpoint {
    Describe::new(Caller::Merchant, HttpMethod::Get, PATH, "funds", "payouts", schemas)
        .text("查询出款列表 · List payouts, newest first", "An endpoint of Feiqian's own.")
        .query("limit", "How many, 1 to 100; 20 when left out.", "^[0-9]{1,3}$", false)
        .query("before", "The `payout_id` to go on from.", "^[0-9]{1,19}$", false)
        .answer::<PayoutList>("200", "A page.", json!({ "data": [example()], "has_more": false }))
        .end()
}

fn by_number(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/feiqian/payouts/{out_payout_no}";
    Describe::new(Caller::Merchant, HttpMethod::Get, path, "funds", "payout_by_number", schemas)
        .text("查询单笔出款 · Look a payout up", "An endpoint of Feiqian's own.")
        .variable("out_payout_no", "The merchant's own number.", NUMBER)
        .answer::<Payout>("200", "The payout as it stands.", example())
        .codes(&[Code::ResourceNotExists])
        .end()
}
