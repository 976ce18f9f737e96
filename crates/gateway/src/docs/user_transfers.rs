//! Transfers to users, described: endpoints and shapes. The reader of a request is [`protocol::user_transfer`]; limits are
//! those of wire §8.1.
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

pub(super) const NUMBER: &str = "^[0-9A-Za-z]{1,32}$";
const ID: &str = "^6[0-9]{27}$";
const BILLS: &str = "/v3/fund-app/mch-transfer/transfer-bills";

pub(super) fn endpoints(schemas: &mut Schemas) -> Vec<Endpoint> {
    vec![create(schemas), cancel(schemas), by_number(schemas), by_id(schemas)]
}

pub(super) fn example(state: &str) -> Value {
    json!({
        "mch_id": "1900000001",
        "out_bill_no": "TEAGIFT0001",
        "transfer_bill_no": "6202611210852437000000000000",
        "appid": "wx8888888888888888",
        "state": state,
        "transfer_amount": 300,
        "transfer_remark": "新会员有礼",
        "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA",
        "create_time": "2026-11-21T10:05:00+08:00",
        "update_time": "2026-11-21T10:06:00+08:00"
    })
}

fn describe<'a>(method: HttpMethod, path: &'static str, id: &str, schemas: &'a mut Schemas) -> Describe<'a> {
    Describe::new(Caller::Merchant, method, path, "transfers", id, schemas)
}

fn create(schemas: &mut Schemas) -> Endpoint {
    describe(HttpMethod::Post, BILLS, "transfer", schemas)
        .text(
            "发起转账 · Transfer to a user",
            "From the merchant's available money to the user's balance, once the user has confirmed, within 24 hours. \
             While the money is too short `state` is PROCESSING and the transfer goes on by itself; look it up for its \
             state, never ask under another number. `package_info` leads the user to the page of confirmation: \
             `/pay/transfer?package_info=…`. The same `out_bill_no` with the same parameters is the same transfer. The \
             scene must be open for the merchant, and asks for its own reports, each once. 100 requests a second.",
        )
        .header("Wechatpay-Serial", "The platform key that encrypted user_name.")
        .body::<TransferBill>(json!({
            "appid": "wx8888888888888888",
            "out_bill_no": "TEAGIFT0001",
            "transfer_scene_id": "1000",
            "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA",
            "transfer_amount": 300,
            "transfer_remark": "新会员有礼",
            "notify_url": "https://shop.example.com/transfers",
            "user_recv_perception": "现金奖励",
            "transfer_scene_report_infos": [
                { "info_type": "活动名称", "info_content": "新会员有礼" },
                { "info_type": "奖励说明", "info_content": "注册会员抽奖一等奖" }
            ]
        }))
        .answer::<TransferBillMade>(
            "200",
            "The transfer as it stands.",
            json!({
                "out_bill_no": "TEAGIFT0001",
                "transfer_bill_no": "6202611210852437000000000000",
                "create_time": "2026-11-21T10:05:00+08:00",
                "state": "WAIT_USER_CONFIRM",
                "package_info": "CzGa5PgAAAMyNjAxMTIxMDg1MjQzNzAw"
            }),
        )
        .codes(&[Code::NoAuth, Code::AppidMchidNotMatch, Code::OpenidMismatch])
        .end()
}

fn cancel(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}/cancel";
    describe(HttpMethod::Post, path, "transfer_cancel", schemas)
        .text(
            "撤销转账 · Cancel a transfer",
            "Until the user has confirmed. CANCELING while the money is on its way back, CANCELLED once it is there; \
             again is the same. The body is empty or `{}`.",
        )
        .variable("out_bill_no", "The merchant's number.", NUMBER)
        .answer::<TransferBillCancelled>(
            "200",
            "Cancelled, or about to be.",
            json!({
                "out_bill_no": "TEAGIFT0001",
                "transfer_bill_no": "6202611210852437000000000000",
                "state": "CANCELLED",
                "update_time": "2026-11-21T10:06:00+08:00"
            }),
        )
        .codes(&[Code::NotFound])
        .end()
}

fn by_number(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}";
    describe(HttpMethod::Get, path, "transfer_by_out_bill_no", schemas)
        .text("商户单号查询转账单 · Look a transfer up by the merchant's number", "For 30 days.")
        .variable("out_bill_no", "The merchant's number.", NUMBER)
        .answer::<TransferBillView>("200", "The transfer.", example("SUCCESS"))
        .codes(&[Code::NotFound])
        .end()
}

fn by_id(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/fund-app/mch-transfer/transfer-bills/transfer-bill-no/{transfer_bill_no}";
    describe(HttpMethod::Get, path, "transfer_by_transfer_bill_no", schemas)
        .text("微信单号查询转账单 · Look a transfer up by the platform's number", "For 30 days.")
        .variable("transfer_bill_no", "The platform's number.", ID)
        .answer::<TransferBillView>("200", "The transfer.", example("SUCCESS"))
        .codes(&[Code::NotFound])
        .end()
}

/// A transfer to a user.
#[derive(ToSchema)]
struct TransferBill {
    #[schema(pattern = "^wx[0-9a-f]{16}$")]
    appid: String,
    /// The merchant's number, unique per merchant.
    #[schema(pattern = "^[0-9A-Za-z]{1,32}$")]
    out_bill_no: String,
    /// A scene that is open for the merchant: 1000, 1002, 1004, 1005, 1006, 1009, 1010, 1011 or 1013.
    #[schema(pattern = "^[0-9]{1,5}$", example = "1000")]
    transfer_scene_id: String,
    /// The user, as the application knows them.
    #[schema(min_length = 1, max_length = 64)]
    openid: String,
    /// The user's name, encrypted with the platform key that `Wechatpay-Serial` names. Needed from 2 000 yuan on, and
    /// compared where the user's real name is known.
    #[schema(nullable = false, max_length = 1024)]
    user_name: Option<String>,
    /// Fen; at least 10, and at most what the platform allows.
    #[schema(minimum = 1)]
    transfer_amount: i64,
    /// Shown to the user.
    #[schema(min_length = 1, max_length = 32)]
    transfer_remark: String,
    /// Where the end is told: https, a public host, no query. A sandbox also takes http and any host.
    #[schema(nullable = false, max_length = 256)]
    notify_url: Option<String>,
    /// What the user is told it is; one of the scene's texts.
    #[schema(nullable = false, max_length = 32)]
    user_recv_perception: Option<String>,
    /// What the scene asks for.
    #[schema(min_items = 1, max_items = 10)]
    transfer_scene_report_infos: Vec<TransferReport>,
    user_recv_style: Option<TransferStyle>,
}

/// A piece of information that a scene asks for.
#[derive(ToSchema)]
struct TransferReport {
    /// Such as 活动名称; one of the scene's.
    #[schema(min_length = 1, max_length = 15)]
    info_type: String,
    #[schema(min_length = 1, max_length = 32)]
    info_content: String,
}

/// How the user sees it. Accepted and compared with repeats; the page is the same.
#[derive(ToSchema)]
struct TransferStyle {
    /// CONFIRM_PAGE or RED_PACKET.
    #[serde(rename = "type")]
    #[schema(nullable = false, pattern = "^(CONFIRM_PAGE|RED_PACKET)$")]
    kind: Option<String>,
}

/// Where a transfer stands. SUCCESS, FAIL and CANCELLED are final. TRANSFERING is spelt as on the wire.
#[derive(ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum TransferState {
    Accepted,
    Processing,
    WaitUserConfirm,
    Transfering,
    Success,
    Fail,
    Canceling,
    Cancelled,
}

/// A transfer that was taken.
#[derive(ToSchema)]
struct TransferBillMade {
    out_bill_no: String,
    #[schema(pattern = "^6[0-9]{27}$")]
    transfer_bill_no: String,
    /// RFC 3339.
    create_time: String,
    state: TransferState,
    /// Of FAIL, such as OVERDUE_CLOSE.
    #[schema(nullable = false)]
    fail_reason: Option<String>,
    /// While the user can confirm.
    #[schema(nullable = false, pattern = "^[0-9A-Za-z_-]{32}$")]
    package_info: Option<String>,
}

/// A transfer that was cancelled.
#[derive(ToSchema)]
struct TransferBillCancelled {
    out_bill_no: String,
    #[schema(pattern = "^6[0-9]{27}$")]
    transfer_bill_no: String,
    state: TransferState,
    /// RFC 3339.
    update_time: String,
}

/// A transfer as it stands. The merchant is `mch_id` here and `mchid` in the notification.
#[derive(ToSchema)]
pub(super) struct TransferBillView {
    mch_id: String,
    out_bill_no: String,
    #[schema(pattern = "^6[0-9]{27}$")]
    transfer_bill_no: String,
    appid: String,
    state: TransferState,
    /// Fen.
    transfer_amount: i64,
    transfer_remark: String,
    /// OVERDUE_CLOSE, PAYEE_ACCOUNT_ABNORMAL, NAME_NOT_CORRECT, DAY_RECEIVED_QUOTA_EXCEED or
    /// REALNAME_ACCOUNT_RECEIVED_QUOTA_EXCEED.
    #[schema(nullable = false)]
    fail_reason: Option<String>,
    openid: String,
    /// The name as it was given, encrypted for the certificate that signed this request.
    #[schema(nullable = false)]
    user_name: Option<String>,
    /// RFC 3339.
    create_time: String,
    /// RFC 3339.
    update_time: String,
}
