//! Profit sharing, described: endpoints and shapes. The reader of a request is [`protocol::sharing`]; limits are those of
//! wire §7.
#![expect(dead_code, reason = "the fields are read by the derive only")]

use super::{
    bills::{BillLink, asked, link},
    endpoint::{Caller, Describe, Endpoint},
};
use protocol::Code;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::{
    ToSchema,
    openapi::{HttpMethod, RefOr, schema::Schema},
};

type Schemas = BTreeMap<String, RefOr<Schema>>;

const NUMBER: &str = r"^[0-9A-Za-z_\-|*@]{1,64}$";
const MERCHANT: &str = "^[1-9][0-9]{0,18}$";
const ORDER: &str = "^4[0-9]{27}$";

/// Who a receiver is.
#[derive(ToSchema)]
enum SharingReceiverType {
    #[serde(rename = "MERCHANT_ID")]
    Merchant,
    #[serde(rename = "PERSONAL_OPENID")]
    Person,
    #[serde(rename = "PERSONAL_SUB_OPENID")]
    SubPerson,
}

/// What a receiver is to the merchant.
#[derive(ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum SharingRelation {
    ServiceProvider,
    Store,
    Staff,
    StoreOwner,
    Partner,
    Headquarter,
    Brand,
    Distributor,
    User,
    Supplier,
    Custom,
}

/// A receiver to be agreed on.
#[derive(ToSchema)]
struct SharingReceiverAdd {
    /// Whose receiver, when a partner asks.
    #[schema(pattern = "^[1-9][0-9]{0,18}$")]
    sub_mchid: Option<String>,
    #[schema(pattern = "^wx[0-9a-f]{16}$")]
    appid: String,
    #[schema(pattern = "^wx[0-9a-f]{16}$")]
    sub_appid: Option<String>,
    r#type: SharingReceiverType,
    /// The merchant number, or the openid.
    #[schema(min_length = 1, max_length = 64)]
    account: String,
    /// The full name, encrypted with the platform key that `Wechatpay-Serial` names: needed for a merchant, to be left
    /// out for a person.
    #[schema(max_length = 1024)]
    name: Option<String>,
    relation_type: SharingRelation,
    /// The relation's name, for CUSTOM only.
    #[schema(min_length = 1, max_length = 10)]
    custom_relation: Option<String>,
}

/// A receiver that was agreed on.
#[derive(ToSchema)]
struct SharingReceiverAdded {
    sub_mchid: Option<String>,
    r#type: SharingReceiverType,
    account: String,
    relation_type: SharingRelation,
    custom_relation: Option<String>,
}

/// A receiver to be removed.
#[derive(ToSchema)]
struct SharingReceiverDelete {
    #[schema(pattern = "^[1-9][0-9]{0,18}$")]
    sub_mchid: Option<String>,
    #[schema(pattern = "^wx[0-9a-f]{16}$")]
    appid: String,
    #[schema(pattern = "^wx[0-9a-f]{16}$")]
    sub_appid: Option<String>,
    r#type: SharingReceiverType,
    #[schema(min_length = 1, max_length = 64)]
    account: String,
}

/// A receiver that was removed.
#[derive(ToSchema)]
struct SharingReceiverDeleted {
    sub_mchid: Option<String>,
    r#type: SharingReceiverType,
    account: String,
}

/// A request to share an order.
#[derive(ToSchema)]
struct SharingRequest {
    #[schema(pattern = "^[1-9][0-9]{0,18}$")]
    sub_mchid: Option<String>,
    /// Needed where an openid of it is named.
    #[schema(pattern = "^wx[0-9a-f]{16}$")]
    appid: Option<String>,
    #[schema(pattern = "^wx[0-9a-f]{16}$")]
    sub_appid: Option<String>,
    #[schema(pattern = "^4[0-9]{27}$")]
    transaction_id: String,
    #[schema(pattern = r"^[0-9A-Za-z_\-|*@]{1,64}$")]
    out_order_no: String,
    #[schema(min_items = 1, max_items = 50)]
    receivers: Vec<SharingPartRequest>,
    /// Whether what is left is unfrozen: then nothing more of the order can be shared.
    unfreeze_unsplit: bool,
}

/// Who gets what.
#[derive(ToSchema)]
struct SharingPartRequest {
    r#type: SharingReceiverType,
    #[schema(min_length = 1, max_length = 64)]
    account: String,
    /// To be compared, encrypted as when the receiver was added.
    #[schema(max_length = 1024)]
    name: Option<String>,
    /// Fen.
    #[schema(minimum = 1)]
    amount: i64,
    #[schema(min_length = 1, max_length = 80)]
    description: String,
}

/// A request to share as it stands.
#[derive(ToSchema)]
struct SharingOrder {
    sub_mchid: Option<String>,
    #[schema(pattern = "^4[0-9]{27}$")]
    transaction_id: String,
    out_order_no: String,
    /// The platform's number.
    #[schema(pattern = "^6[0-9]{27}$")]
    order_id: String,
    state: SharingState,
    /// What was unfrozen is a part of the merchant's own.
    receivers: Vec<SharingPart>,
}

#[derive(ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum SharingState {
    Processing,
    Finished,
}

/// A part as it stands.
#[derive(ToSchema)]
struct SharingPart {
    amount: i64,
    description: String,
    r#type: SharingReceiverType,
    account: String,
    result: SharingResult,
    /// ACCOUNT_ABNORMAL or NO_RELATION, when it was closed: the money is back with the order.
    fail_reason: Option<String>,
    detail_id: String,
    create_time: String,
    /// 1970-01-01T08:00:00+08:00 until it ended.
    finish_time: String,
}

#[derive(ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum SharingResult {
    Pending,
    Success,
    Closed,
}

/// A request to unfreeze what is left.
#[derive(ToSchema)]
struct SharingUnfreeze {
    #[schema(pattern = "^[1-9][0-9]{0,18}$")]
    sub_mchid: Option<String>,
    #[schema(pattern = "^4[0-9]{27}$")]
    transaction_id: String,
    #[schema(pattern = r"^[0-9A-Za-z_\-|*@]{1,64}$")]
    out_order_no: String,
    #[schema(min_length = 1, max_length = 80)]
    description: String,
}

/// What is left of an order.
#[derive(ToSchema)]
struct SharingAmounts {
    transaction_id: String,
    /// Fen.
    unsplit_amount: i64,
}

/// A return to be asked for, of a share named by either number.
#[derive(ToSchema)]
struct SharingReturnRequest {
    #[schema(pattern = "^[1-9][0-9]{0,18}$")]
    sub_mchid: Option<String>,
    #[schema(pattern = "^6[0-9]{27}$")]
    order_id: Option<String>,
    #[schema(pattern = r"^[0-9A-Za-z_\-|*@]{1,64}$")]
    out_order_no: Option<String>,
    #[schema(pattern = r"^[0-9A-Za-z_\-|*@]{1,64}$")]
    out_return_no: String,
    /// The merchant that received.
    #[schema(pattern = "^[1-9][0-9]{0,18}$")]
    return_mchid: String,
    /// Fen.
    #[schema(minimum = 1)]
    amount: i64,
    #[schema(min_length = 1, max_length = 80)]
    description: String,
}

/// A return as it stands.
#[derive(ToSchema)]
struct SharingReturn {
    sub_mchid: Option<String>,
    #[schema(pattern = "^6[0-9]{27}$")]
    order_id: String,
    out_order_no: String,
    out_return_no: String,
    #[schema(pattern = "^7[0-9]{27}$")]
    return_id: String,
    return_mchid: String,
    amount: i64,
    description: String,
    result: SharingReturnResult,
    /// ACCOUNT_ABNORMAL or BALANCE_NOT_ENOUGH, when it failed.
    fail_reason: Option<String>,
    create_time: String,
    /// 1970-01-01T08:00:00+08:00 until it ended.
    finish_time: String,
}

#[derive(ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum SharingReturnResult {
    Processing,
    Success,
    Failed,
}

/// How much of an order may be shared.
#[derive(ToSchema)]
struct SharingConfig {
    sub_mchid: String,
    /// Of ten thousand.
    #[schema(minimum = 1, maximum = 10000)]
    max_ratio: i64,
}

pub(super) fn endpoints(schemas: &mut Schemas) -> Vec<Endpoint> {
    vec![
        add_receiver(schemas),
        remove_receiver(schemas),
        share(schemas),
        unfreeze(schemas),
        by_out_order_no(schemas),
        amounts(schemas),
        give_back(schemas),
        by_out_return_no(schemas),
        config(schemas),
        bill(schemas),
    ]
}

fn post<'a>(path: &'static str, id: &str, schemas: &'a mut Schemas) -> Describe<'a> {
    Describe::new(Caller::Merchant, HttpMethod::Post, path, "sharing", id, schemas)
}

fn get<'a>(path: &'static str, id: &str, schemas: &'a mut Schemas) -> Describe<'a> {
    Describe::new(Caller::Merchant, HttpMethod::Get, path, "sharing", id, schemas)
}

fn order(state: &str, result: &str) -> Value {
    json!({
        "transaction_id": "4202611210852436000000000000",
        "out_order_no": "TEA_SHARE_0001",
        "order_id": "6202611210852437000000000000",
        "state": state,
        "receivers": [{
            "amount": 300, "description": "门店提成", "type": "MERCHANT_ID", "account": "1900000002",
            "result": result, "detail_id": "620261121085243700000000000000",
            "create_time": "2026-11-21T10:05:00+08:00", "finish_time": "1970-01-01T08:00:00+08:00"
        }]
    })
}

fn returned(result: &str) -> Value {
    json!({
        "order_id": "6202611210852437000000000000",
        "out_order_no": "TEA_SHARE_0001",
        "out_return_no": "TEA_RETURN_0001",
        "return_id": "7202611210852438000000000000",
        "return_mchid": "1900000002",
        "amount": 100,
        "description": "用户退款",
        "result": result,
        "create_time": "2026-11-21T11:05:00+08:00",
        "finish_time": "1970-01-01T08:00:00+08:00"
    })
}

fn add_receiver(schemas: &mut Schemas) -> Endpoint {
    post("/v3/profitsharing/receivers/add", "sharing_add_receiver", schemas)
        .text(
            "添加分账接收方 · Agree on a receiver",
            "A merchant must be named with its full name, encrypted; of persons no names are kept, so one that is given \
             is refused. At most 20 000 receivers. The same again changes nothing.",
        )
        .header("Wechatpay-Serial", "The platform key that encrypted the name.")
        .body::<SharingReceiverAdd>(json!({
            "appid": "wx8888888888888888", "type": "MERCHANT_ID", "account": "1900000002",
            "name": "bm90IHJlYWw=", "relation_type": "STORE"
        }))
        .answer::<SharingReceiverAdded>(
            "200",
            "Agreed.",
            json!({ "type": "MERCHANT_ID", "account": "1900000002", "relation_type": "STORE" }),
        )
        .codes(&[Code::NoAuth, Code::AppidMchidNotMatch, Code::OpenidMismatch, Code::RuleLimit])
        .end()
}

fn remove_receiver(schemas: &mut Schemas) -> Endpoint {
    post("/v3/profitsharing/receivers/delete", "sharing_delete_receiver", schemas)
        .text(
            "删除分账接收方 · Remove a receiver",
            "What was asked for and has not gone yet is closed with NO_RELATION. Again changes nothing.",
        )
        .body::<SharingReceiverDelete>(
            json!({ "appid": "wx8888888888888888", "type": "MERCHANT_ID", "account": "1900000002" }),
        )
        .answer::<SharingReceiverDeleted>(
            "200",
            "Removed.",
            json!({ "type": "MERCHANT_ID", "account": "1900000002" }),
        )
        .codes(&[Code::NoAuth, Code::AppidMchidNotMatch, Code::OpenidMismatch])
        .end()
}

fn share(schemas: &mut Schemas) -> Endpoint {
    post("/v3/profitsharing/orders", "sharing_order", schemas)
        .text(
            "请求分账 · Share an order",
            "The order was placed with `settle_info.profit_sharing`: what it brought, its fee taken, stays aside until it \
             is shared, unfrozen, refunded, or 30 days are over. Up to 50 requests an order and 50 receivers a request; \
             all that goes to others is at most `max_ratio` of the order. The answer says PROCESSING; the parts go one by \
             one, within seconds. The same `out_order_no` with the same parameters is the same request, with others 400 \
             INVALID_REQUEST.",
        )
        .header("Wechatpay-Serial", "The platform key that encrypted names, where some are given.")
        .body::<SharingRequest>(json!({
            "appid": "wx8888888888888888",
            "transaction_id": "4202611210852436000000000000",
            "out_order_no": "TEA_SHARE_0001",
            "receivers": [{
                "type": "MERCHANT_ID", "account": "1900000002", "amount": 300, "description": "门店提成"
            }],
            "unfreeze_unsplit": false
        }))
        .answer::<SharingOrder>("200", "The request as it stands.", order("PROCESSING", "PENDING"))
        .codes(&[
            Code::NoAuth,
            Code::NotEnough,
            Code::AppidMchidNotMatch,
            Code::OpenidMismatch,
            Code::ResourceNotExists,
        ])
        .end()
}

fn unfreeze(schemas: &mut Schemas) -> Endpoint {
    post("/v3/profitsharing/orders/unfreeze", "sharing_unfreeze", schemas)
        .text(
            "解冻剩余资金 · Unfreeze what is left",
            "Ends the sharing of the order. What is left goes to the merchant's takings and is settled with the day's.",
        )
        .body::<SharingUnfreeze>(json!({
            "transaction_id": "4202611210852436000000000000",
            "out_order_no": "TEA_SHARE_0002",
            "description": "分账完结"
        }))
        .answer::<SharingOrder>("200", "The request as it stands.", order("PROCESSING", "PENDING"))
        .codes(&[Code::NoAuth, Code::NotEnough, Code::ResourceNotExists])
        .end()
}

fn by_out_order_no(schemas: &mut Schemas) -> Endpoint {
    get("/v3/profitsharing/orders/{out_order_no}", "sharing_order_by_out_order_no", schemas)
        .text("查询分账结果 · Look a request up", "As it stands now, of a request to share or to unfreeze.")
        .variable("out_order_no", "The signer's number, percent-encoded where needed.", NUMBER)
        .query("transaction_id", "The order.", ORDER, true)
        .query("sub_mchid", "Whose order it is, when a partner asks.", MERCHANT, false)
        .answer::<SharingOrder>("200", "The request.", order("FINISHED", "SUCCESS"))
        .codes(&[Code::NoAuth, Code::ResourceNotExists])
        .end()
}

fn amounts(schemas: &mut Schemas) -> Endpoint {
    get("/v3/profitsharing/transactions/{transaction_id}/amounts", "sharing_amounts", schemas)
        .text(
            "查询剩余待分金额 · What is left to share",
            "Of an order that was paid; what requests have set aside is not in it.",
        )
        .variable("transaction_id", "The order.", ORDER)
        .answer::<SharingAmounts>(
            "200",
            "What is left.",
            json!({ "transaction_id": "4202611210852436000000000000", "unsplit_amount": 972 }),
        )
        .codes(&[Code::ResourceNotExists])
        .end()
}

fn give_back(schemas: &mut Schemas) -> Endpoint {
    post("/v3/profitsharing/return-orders", "sharing_return", schemas)
        .text(
            "请求分账回退 · Ask for a share back",
            "From a merchant that agreed to returns, within 180 days of the share, up to what it got. The money goes back \
             to what is left of the order, or to the takings once that is unfrozen. The same `out_return_no` with the same \
             parameters is the same return.",
        )
        .body::<SharingReturnRequest>(json!({
            "out_order_no": "TEA_SHARE_0001",
            "out_return_no": "TEA_RETURN_0001",
            "return_mchid": "1900000002",
            "amount": 100,
            "description": "用户退款"
        }))
        .answer::<SharingReturn>("200", "The return as it stands.", returned("PROCESSING"))
        .codes(&[Code::NoAuth, Code::NotEnough, Code::ResourceNotExists])
        .end()
}

fn by_out_return_no(schemas: &mut Schemas) -> Endpoint {
    get("/v3/profitsharing/return-orders/{out_return_no}", "sharing_return_by_out_return_no", schemas)
        .text("查询分账回退结果 · Look a return up", "As it stands now.")
        .variable("out_return_no", "The signer's number, percent-encoded where needed.", NUMBER)
        .query("out_order_no", "The signer's number of the request to share.", NUMBER, true)
        .query("sub_mchid", "Whose order it is, when a partner asks.", MERCHANT, false)
        .answer::<SharingReturn>("200", "The return.", returned("SUCCESS"))
        .codes(&[Code::NoAuth, Code::ResourceNotExists])
        .end()
}

fn config(schemas: &mut Schemas) -> Endpoint {
    get("/v3/profitsharing/merchant-configs/{sub_mchid}", "sharing_config", schemas)
        .text("查询最大分账比例 · How much may be shared", "Of a sub-merchant for its partner, or one's own.")
        .variable("sub_mchid", "The merchant.", MERCHANT)
        .answer::<SharingConfig>("200", "The ratio.", json!({ "sub_mchid": "1900000001", "max_ratio": 3000 }))
        .codes(&[Code::NoAuth])
        .end()
}

fn bill(schemas: &mut Schemas) -> Endpoint {
    asked(get("/v3/profitsharing/bills", "sharing_bill", schemas))
        .query("sub_mchid", "Whose bill, when a partner asks: what that partner shared.", MERCHANT, false)
        .text(
            "申请分账账单 · Ask for a profit-sharing bill",
            "What moved on the day: shares, returns and what was unfrozen, a row a receiver, of what the merchant shared \
             and of what others shared with it. Not ready or too long ago is 400 INVALID_REQUEST here. Columns: \
             分账时间, 分账发起方, 分账方, 微信订单号, 微信分账/回退单号, 分账明细单号, 商户分账/回退单号, 订单金额, 分账接收方, \
             分账金额, 业务类型 (分账, 分账回退, 解冻资金), 处理状态, 分账描述, 备注.",
        )
        .answer::<BillLink>("200", "Where the file is.", link())
        .codes(&[Code::NoStatementExist, Code::NoAuth])
        .end()
}
