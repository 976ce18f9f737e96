//! Refunds, described: endpoints and shapes. The reader of a request is [`protocol::refund`]; limits are those of
//! wire §4.
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
const ID: &str = "^5[0-9]{27}$";

pub(super) fn endpoints(schemas: &mut Schemas) -> Vec<Endpoint> {
    vec![create(schemas), by_out_refund_no(schemas), apply_abnormal(schemas)]
}

pub(super) fn example(status: &str) -> Value {
    json!({
        "refund_id": "5202611210852437000000000000",
        "out_refund_no": "TEA_REFUND_0001",
        "transaction_id": "4202611210852436000000000000",
        "out_trade_no": "TEA_20261121_0001",
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "success_time": "2026-11-21T10:05:00+08:00",
        "create_time": "2026-11-21T10:05:00+08:00",
        "status": status,
        "funds_account": "UNSETTLED",
        "amount": {
            "total": 1280, "refund": 500, "payer_total": 1280, "payer_refund": 500, "settlement_refund": 500,
            "settlement_total": 1280, "discount_refund": 0, "currency": "CNY", "refund_fee": 3
        }
    })
}

fn create(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/refund/domestic/refunds";
    Describe::new(Caller::Merchant, HttpMethod::Post, path, "refunds", "refund", schemas)
        .text(
            "申请退款 · Refund an order",
            "In up to 50 parts, at least a minute apart, within 180 days of the payment or as agreed, up to 365. The \
             same `out_refund_no` with the same parameters is the same refund: after any error of status 429 or 5xx \
             look it up, or repeat the same request. With other parameters it is 400 INVALID_REQUEST. Money goes back \
             to where it came from: to the balance at once, to a card when the bank has answered. A large refund waits \
             for approval and is PROCESSING until then. 150 requests a second, of which 6 may fail.",
        )
        .body::<Refund>(json!({
            "out_trade_no": "TEA_20261121_0001",
            "out_refund_no": "TEA_REFUND_0001",
            "reason": "商品已售完",
            "notify_url": "https://shop.example.com/refunds",
            "amount": { "refund": 500, "total": 1280, "currency": "CNY" }
        }))
        .answer::<RefundView>("200", "The refund as it stands.", example("SUCCESS"))
        .codes(&[Code::NoAuth, Code::NotEnough, Code::UserAccountAbnormal, Code::ResourceNotExists])
        .end()
}

fn by_out_refund_no(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/refund/domestic/refunds/{out_refund_no}";
    Describe::new(Caller::Merchant, HttpMethod::Get, path, "refunds", "refund_by_out_refund_no", schemas)
        .text(
            "查询退款 · Look a refund up",
            "The same object as the request's answer, as the refund stands now.",
        )
        .variable("out_refund_no", "The signer's refund number, percent-encoded where needed.", NUMBER)
        .query("sub_mchid", "Whose refund it is, when a partner asks.", "^[1-9][0-9]{0,18}$", false)
        .answer::<RefundView>("200", "The refund.", example("SUCCESS"))
        .codes(&[Code::ResourceNotExists])
        .end()
}

fn apply_abnormal(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund";
    Describe::new(Caller::Merchant, HttpMethod::Post, path, "refunds", "apply_abnormal_refund", schemas)
        .text(
            "异常退款 · Send an abnormal refund to another card",
            "When the bank could not take the money back (`status` ABNORMAL), it stays held until another card takes \
             it. Card number and name are encrypted with the platform key that `Wechatpay-Serial` names; the number \
             is not kept. The same request again, while the bank is asked, changes nothing.",
        )
        .header("Wechatpay-Serial", "The platform key that encrypted bank_account and real_name.")
        .variable("refund_id", "The platform's refund number.", ID)
        .body::<AbnormalRefund>(json!({
            "out_refund_no": "TEA_REFUND_0001",
            "type": "USER_BANK_CARD",
            "bank_type": "ICBC_DEBIT",
            "bank_account": "bm90IHJlYWw=",
            "real_name": "bm90IHJlYWw="
        }))
        .answer::<RefundView>("200", "On its way again.", example("PROCESSING"))
        .codes(&[Code::ResourceNotExists])
        .end()
}

/// A refund. The order is named by one of its numbers, or by both when they agree.
#[derive(ToSchema)]
struct Refund {
    /// The order, by the platform's number.
    #[schema(pattern = "^4[0-9]{27}$")]
    transaction_id: Option<String>,
    /// The order, by the merchant's number.
    #[schema(pattern = r"^[0-9A-Za-z_\-|*]{6,32}$")]
    out_trade_no: Option<String>,
    /// The merchant's refund number, unique per merchant.
    #[schema(pattern = r"^[0-9A-Za-z_\-|*@]{1,64}$", example = "TEA_REFUND_0001")]
    out_refund_no: String,
    /// Shown to the payer; at most 80 bytes of UTF-8.
    #[schema(max_length = 80)]
    reason: Option<String>,
    /// Where the notification goes: https, a public host, no query. A sandbox also takes http and any host.
    #[schema(max_length = 256)]
    notify_url: Option<String>,
    funds_account: Option<RefundFunds>,
    amount: RefundAmount,
    /// Kept for the record.
    #[schema(min_items = 1, max_items = 6000)]
    goods_detail: Option<Vec<RefundGoods>>,
}

/// Which of the merchant's money pays; takings before settlement when left out.
#[derive(ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum RefundFunds {
    Available,
    Unsettled,
}

/// How much goes back.
#[derive(ToSchema)]
struct RefundAmount {
    /// Fen, a JSON integer.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64)]
    refund: i64,
    /// The order's whole amount, fen.
    #[schema(minimum = 1)]
    total: i64,
    #[schema(pattern = "^CNY$", example = "CNY")]
    currency: String,
    /// One account that pays all of it; amounts sum to `refund`. Several are not offered yet.
    #[schema(min_items = 1, max_items = 2)]
    from: Option<Vec<RefundFrom>>,
}

/// An account that pays.
#[derive(ToSchema)]
struct RefundFrom {
    account: RefundAccount,
    /// Fen.
    #[schema(minimum = 1)]
    amount: i64,
}

/// AVAILABLE is settled money, UNAVAILABLE takings before settlement.
#[derive(ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum RefundAccount {
    Available,
    Unavailable,
}

/// Goods that come back.
#[derive(ToSchema)]
struct RefundGoods {
    #[schema(min_length = 1, max_length = 32)]
    merchant_goods_id: String,
    #[schema(max_length = 32)]
    wechatpay_goods_id: Option<String>,
    #[schema(max_length = 256)]
    goods_name: Option<String>,
    /// Fen.
    #[schema(minimum = 0)]
    unit_price: i64,
    /// Fen.
    #[schema(minimum = 0)]
    refund_amount: i64,
    #[schema(minimum = 1)]
    refund_quantity: i64,
}

/// A refund as it stands.
#[derive(ToSchema)]
pub(super) struct RefundView {
    /// The platform's number.
    #[schema(pattern = "^5[0-9]{27}$")]
    refund_id: String,
    out_refund_no: String,
    transaction_id: String,
    out_trade_no: String,
    channel: RefundChannel,
    /// Where the money goes, in words, always Chinese.
    user_received_account: String,
    /// When the payer had it, RFC 3339.
    #[schema(nullable = false)]
    success_time: Option<String>,
    /// RFC 3339.
    create_time: String,
    status: RefundStatus,
    funds_account: RefundFunds,
    amount: RefundViewAmount,
}

/// ORIGINAL: back to where it came from. OTHER_BANKCARD: to another card.
#[derive(ToSchema)]
enum RefundChannel {
    #[serde(rename = "ORIGINAL")]
    Original,
    #[serde(rename = "OTHER_BANKCARD")]
    OtherBankCard,
}

/// PROCESSING: under way, also while it waits for approval. ABNORMAL: the card could not take it.
#[derive(ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum RefundStatus {
    Processing,
    Success,
    Closed,
    Abnormal,
}

/// Amounts of a refund, fen.
#[derive(ToSchema)]
struct RefundViewAmount {
    total: i64,
    refund: i64,
    /// As asked for.
    #[schema(nullable = false)]
    from: Option<Vec<RefundFrom>>,
    payer_total: i64,
    payer_refund: i64,
    settlement_refund: i64,
    settlement_total: i64,
    discount_refund: i64,
    currency: String,
    /// The fee returned.
    refund_fee: i64,
}

/// The card that takes an abnormal refund.
#[derive(ToSchema)]
struct AbnormalRefund {
    out_refund_no: String,
    #[serde(rename = "type")]
    kind: AbnormalKind,
    /// The user's bank.
    bank_type: Option<AbnormalBank>,
    /// The card's number: Base64 of RSAES-OAEP (SHA-1, MGF1-SHA-1).
    #[schema(max_length = 1024)]
    bank_account: Option<String>,
    /// The holder's name, encrypted likewise.
    #[schema(max_length = 1024)]
    real_name: Option<String>,
}

/// Whose card. A merchant's own card must be named like a user's.
#[derive(ToSchema)]
enum AbnormalKind {
    #[serde(rename = "USER_BANK_CARD")]
    User,
    #[serde(rename = "MERCHANT_BANK_CARD")]
    Merchant,
}

/// Banks whose cards take it.
#[derive(ToSchema)]
enum AbnormalBank {
    #[serde(rename = "CMB_DEBIT")]
    Cmb,
    #[serde(rename = "COMM_DEBIT")]
    Comm,
    #[serde(rename = "ABC_DEBIT")]
    Abc,
    #[serde(rename = "CCB_DEBIT")]
    Ccb,
    #[serde(rename = "ICBC_DEBIT")]
    Icbc,
    #[serde(rename = "BOC_DEBIT")]
    Boc,
    #[serde(rename = "PAB_DEBIT")]
    Pab,
    #[serde(rename = "SPDB_DEBIT")]
    Spdb,
    #[serde(rename = "CITIC_DEBIT")]
    Citic,
    #[serde(rename = "CEB_DEBIT")]
    Ceb,
    #[serde(rename = "CMBC_DEBIT")]
    Cmbc,
    #[serde(rename = "CIB_DEBIT")]
    Cib,
    #[serde(rename = "GDB_DEBIT")]
    Gdb,
    #[serde(rename = "PSBC_DEBIT")]
    Psbc,
    #[serde(rename = "NBCB_DEBIT")]
    Nbcb,
}
