//! A merchant's money, described.
#![expect(dead_code, reason = "the fields are read by the derive only")]

use super::endpoint::{Caller, Describe, Endpoint};
use protocol::Code;
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::{
    ToSchema,
    openapi::{HttpMethod, RefOr, schema::Schema},
};

type Schemas = BTreeMap<String, RefOr<Schema>>;

/// A merchant's balance, fen.
#[derive(ToSchema)]
pub(super) struct FundBalance {
    /// Settled and free: can be paid out and used for refunds.
    #[schema(minimum = 0)]
    available_amount: i64,
    /// The merchant's, but not usable yet; `GET /v3/feiqian/held` explains every fen of it.
    #[schema(minimum = 0)]
    pending_amount: i64,
}

/// A merchant's money with every part that it can't use now. `held` sums to `held_amount`, and with
/// `available_amount` to `total_amount`.
#[derive(ToSchema)]
pub(super) struct HeldMoney {
    #[schema(pattern = "^[0-9]{1,32}$")]
    mchid: String,
    /// When it was read, RFC 3339.
    query_time: String,
    /// CNY.
    currency: String,
    #[schema(minimum = 0)]
    available_amount: i64,
    #[schema(minimum = 0)]
    held_amount: i64,
    #[schema(minimum = 0)]
    total_amount: i64,
    /// Soonest release first; what time does not release comes last.
    held: Vec<HeldPart>,
}

/// A part of a merchant's money that it can't use now.
#[derive(ToSchema)]
pub(super) struct HeldPart {
    reason: HeldReason,
    /// Fen.
    #[schema(minimum = 1)]
    amount: i64,
    /// Since when; absent for the day under way.
    since: Option<String>,
    /// When it is released by itself; absent when that takes somebody's decision or a bank's answer.
    release_time: Option<String>,
    /// The record behind it, such as `settlement:1900000001-2026-11-22`, `hold:…` or `payout:…`.
    subject: String,
    /// More, where there is more to say.
    note: Option<String>,
}

/// Why money is held.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum HeldReason {
    /// A day that is over waits for T+n.
    Settlement,
    /// Takings of a day that is not closed yet.
    OpenDay,
    /// Held for refunds that are not final.
    Refund,
    /// The reserve of a settlement.
    Reserve,
    /// A payer disputes payments.
    Dispute,
    /// The platform's risk control.
    Risk,
    /// An order of a court or authority.
    Judicial,
    /// A clerk was unbound.
    Clerk,
    /// Another reason, told in the note.
    Other,
    /// On its way to the bank account.
    Payout,
    /// A payout that waits for approval.
    Approval,
    /// Set aside for transfers to users.
    UserTransfer,
    /// The account is frozen.
    Frozen,
    /// No record explains it: a fault of the platform; tell it.
    Unexplained,
}

pub(super) fn endpoints(schemas: &mut Schemas) -> Vec<Endpoint> {
    vec![balance(schemas), held(schemas)]
}

fn get<'a>(path: &'static str, id: &str, schemas: &'a mut Schemas) -> Describe<'a> {
    Describe::new(Caller::Merchant, HttpMethod::Get, path, "funds", id, schemas)
}

fn balance(schemas: &mut Schemas) -> Endpoint {
    get("/v3/merchant/fund/balance/{account_type}", "fund_balance", schemas)
        .text(
            "查询账户实时余额 · The merchant's balance now",
            "Takings become available on T+n: n working days after the day, at 9:00 unless agreed otherwise. \
             OPERATION and FEES accounts do not exist here: 404 RESOURCE_NOT_EXISTS.",
        )
        .variable("account_type", "BASIC, OPERATION or FEES.", "^(BASIC|OPERATION|FEES)$")
        .answer::<FundBalance>(
            "200",
            "The balance.",
            json!({ "available_amount": 14_910, "pending_amount": 9_940 }),
        )
        .codes(&[Code::ResourceNotExists])
        .end()
}

fn held(schemas: &mut Schemas) -> Endpoint {
    get("/v3/feiqian/held", "held_money", schemas)
        .text(
            "查询不可用资金及原因 · Every fen that can't be used yet, and why",
            "An endpoint of Feiqian's own. Each part has its reason and, where time releases it, the time.",
        )
        .answer::<HeldMoney>(
            "200",
            "The merchant's money.",
            json!({
                "mchid": "1900000001",
                "query_time": "2026-11-21T17:00:00+08:00",
                "currency": "CNY",
                "available_amount": 14_910,
                "held_amount": 9_940,
                "total_amount": 24_850,
                "held": [{
                    "reason": "settlement",
                    "amount": 9_940,
                    "since": "2026-11-21T00:00:05+08:00",
                    "release_time": "2026-11-23T09:00:00+08:00",
                    "subject": "settlement:1900000001-2026-11-20"
                }]
            }),
        )
        .end()
}
