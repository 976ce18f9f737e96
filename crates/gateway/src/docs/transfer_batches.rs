//! Batches of transfers, described (wire §8.2).
#![expect(dead_code, reason = "the fields are read by the derive only")]

use super::{
    endpoint::{Caller, Describe, Endpoint},
    user_transfers::NUMBER,
};
use protocol::Code;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::{
    ToSchema,
    openapi::{HttpMethod, RefOr, schema::Schema},
};

type Schemas = BTreeMap<String, RefOr<Schema>>;

const ID: &str = "^7[0-9]{27}$";
const DETAIL_ID: &str = "^7[0-9]{31}$";
const ABOUT: &str = "With `need_query_detail=true` the details of one page, those of `detail_status` only.";

pub(super) fn endpoints(schemas: &mut Schemas) -> Vec<Endpoint> {
    vec![
        create(schemas),
        by_id(schemas),
        by_number(schemas),
        detail_by_id(schemas),
        detail_by_number(schemas),
    ]
}

fn describe<'a>(method: HttpMethod, path: &'static str, id: &str, schemas: &'a mut Schemas) -> Describe<'a> {
    Describe::new(Caller::Merchant, method, path, "transfers", id, schemas)
}

fn batch() -> Value {
    json!({
        "transfer_batch": {
            "mchid": "1900000001", "out_batch_no": "WAGES202607", "batch_id": "7202611210852437000000000000",
            "appid": "wx8888888888888888", "batch_status": "FINISHED", "batch_type": "API",
            "batch_name": "七月工资", "batch_remark": "七月工资", "total_amount": 300, "total_num": 2,
            "create_time": "2026-11-21T10:05:00+08:00", "update_time": "2026-11-21T10:05:02+08:00",
            "success_amount": 300, "success_num": 2, "fail_amount": 0, "fail_num": 0,
            "transfer_scene_id": "1005"
        },
        "transfer_detail_list": [{
            "detail_id": "72026112108524370000000000000000", "out_detail_no": "W1", "detail_status": "SUCCESS"
        }],
        "offset": 0,
        "limit": 20
    })
}

fn detail() -> Value {
    json!({
        "mchid": "1900000001", "out_batch_no": "WAGES202607", "batch_id": "7202611210852437000000000000",
        "appid": "wx8888888888888888", "out_detail_no": "W1",
        "detail_id": "72026112108524370000000000000000", "detail_status": "SUCCESS", "transfer_amount": 100,
        "transfer_remark": "七月工资", "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA",
        "initiate_time": "2026-11-21T10:05:01+08:00", "update_time": "2026-11-21T10:05:01+08:00"
    })
}

fn create(schemas: &mut Schemas) -> Endpoint {
    describe(HttpMethod::Post, "/v3/transfer/batches", "transfer_batch", schemas)
        .text(
            "发起批量转账 · Transfer to users in a batch",
            "Up to 1 000 transfers, paid one after the other without the users' confirmation. The whole sum is set aside \
             at once: with too little money nothing is kept (403 NOT_ENOUGH). What a user can't receive fails by itself \
             and its money comes back. The same `out_batch_no` with the same parameters is the same batch, with others \
             it is 400 ALREADY_EXISTS. 100 requests a second.",
        )
        .header("Wechatpay-Serial", "The platform key that encrypted user_name.")
        .body::<TransferBatch>(json!({
            "appid": "wx8888888888888888", "out_batch_no": "WAGES202607", "batch_name": "七月工资",
            "batch_remark": "七月工资", "total_amount": 300, "total_num": 2, "transfer_scene_id": "1005",
            "transfer_detail_list": [
                {
                    "out_detail_no": "W1", "transfer_amount": 100, "transfer_remark": "七月工资",
                    "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA"
                },
                {
                    "out_detail_no": "W2", "transfer_amount": 200, "transfer_remark": "七月工资",
                    "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA"
                }
            ]
        }))
        .answer::<TransferBatchMade>(
            "200",
            "Taken.",
            json!({
                "out_batch_no": "WAGES202607", "batch_id": "7202611210852437000000000000",
                "create_time": "2026-11-21T10:05:00+08:00", "batch_status": "ACCEPTED"
            }),
        )
        .codes(&[
            Code::NoAuth,
            Code::AppidMchidNotMatch,
            Code::OpenidMismatch,
            Code::NotEnough,
            Code::AlreadyExists,
        ])
        .end()
}

fn asked(describe: Describe<'_>) -> Describe<'_> {
    describe
        .query("need_query_detail", "Whether details are listed.", "^(true|false)$", true)
        .query("offset", "Details before are left out; 0 when left out.", "^[0-9]{1,4}$", false)
        .query("limit", "Details at most, 20 to 100; 20 when left out.", "^[0-9]{2,3}$", false)
        .query(
            "detail_status",
            "Which details; needed when they are listed. None waits for the merchant here.",
            "^(ALL|SUCCESS|FAIL|WAIT_PAY)$",
            false,
        )
}

fn by_id(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/transfer/batches/batch-id/{batch_id}";
    asked(describe(HttpMethod::Get, path, "transfer_batch_by_id", schemas))
        .text("微信批次单号查询批次 · Look a batch up by the platform's number", ABOUT)
        .variable("batch_id", "The platform's number.", ID)
        .answer::<TransferBatchView>("200", "The batch.", batch())
        .codes(&[Code::NotFound])
        .end()
}

fn by_number(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/transfer/batches/out-batch-no/{out_batch_no}";
    asked(describe(HttpMethod::Get, path, "transfer_batch_by_out_batch_no", schemas))
        .text("商家批次单号查询批次 · Look a batch up by the merchant's number", ABOUT)
        .variable("out_batch_no", "The merchant's number.", NUMBER)
        .answer::<TransferBatchView>("200", "The batch.", batch())
        .codes(&[Code::NotFound])
        .end()
}

fn detail_by_id(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/transfer/batches/batch-id/{batch_id}/details/detail-id/{detail_id}";
    describe(HttpMethod::Get, path, "transfer_detail_by_id", schemas)
        .text("微信明细单号查询明细 · Look a detail up by the platform's number", "As it stands now.")
        .variable("batch_id", "The platform's number of the batch.", ID)
        .variable("detail_id", "The platform's number of the detail.", DETAIL_ID)
        .answer::<TransferDetailView>("200", "The detail.", detail())
        .codes(&[Code::NotFound])
        .end()
}

fn detail_by_number(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/transfer/batches/out-batch-no/{out_batch_no}/details/out-detail-no/{out_detail_no}";
    describe(HttpMethod::Get, path, "transfer_detail_by_out_detail_no", schemas)
        .text("商家明细单号查询明细 · Look a detail up by the merchant's number", "As it stands now.")
        .variable("out_batch_no", "The merchant's number of the batch.", NUMBER)
        .variable("out_detail_no", "The merchant's number of the detail.", NUMBER)
        .answer::<TransferDetailView>("200", "The detail.", detail())
        .codes(&[Code::NotFound])
        .end()
}

/// A batch of transfers. The sums must be those of the details.
#[derive(ToSchema)]
struct TransferBatch {
    #[schema(pattern = "^wx[0-9a-f]{16}$")]
    appid: String,
    /// The merchant's number, unique per merchant.
    #[schema(pattern = "^[0-9A-Za-z]{1,32}$")]
    out_batch_no: String,
    #[schema(min_length = 1, max_length = 32)]
    batch_name: String,
    #[schema(min_length = 1, max_length = 32)]
    batch_remark: String,
    /// Fen.
    #[schema(minimum = 1)]
    total_amount: i64,
    #[schema(minimum = 1, maximum = 1000)]
    total_num: i64,
    #[schema(min_items = 1, max_items = 1000)]
    transfer_detail_list: Vec<TransferBatchDetail>,
    /// A scene that is open for the merchant.
    #[schema(nullable = false, pattern = "^[0-9]{1,5}$")]
    transfer_scene_id: Option<String>,
    /// Where the end of the batch is told.
    #[schema(nullable = false, max_length = 256)]
    notify_url: Option<String>,
}

/// One transfer of a batch.
#[derive(ToSchema)]
struct TransferBatchDetail {
    /// The merchant's number, unique in the batch.
    #[schema(pattern = "^[0-9A-Za-z]{1,32}$")]
    out_detail_no: String,
    /// Fen.
    #[schema(minimum = 1)]
    transfer_amount: i64,
    #[schema(min_length = 1, max_length = 32)]
    transfer_remark: String,
    #[schema(min_length = 1, max_length = 64)]
    openid: String,
    /// Encrypted; needed from 2 000 yuan on.
    #[schema(nullable = false, max_length = 1024)]
    user_name: Option<String>,
}

/// Where a batch stands. FINISHED is final.
#[derive(ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum TransferBatchStatus {
    Accepted,
    Processing,
    Finished,
}

/// A batch that was taken.
#[derive(ToSchema)]
struct TransferBatchMade {
    out_batch_no: String,
    #[schema(pattern = "^7[0-9]{27}$")]
    batch_id: String,
    /// RFC 3339.
    create_time: String,
    batch_status: TransferBatchStatus,
}

/// A batch as it stands, with a page of its details.
#[derive(ToSchema)]
struct TransferBatchView {
    transfer_batch: TransferBatchFacts,
    /// When details were asked for.
    #[schema(nullable = false)]
    transfer_detail_list: Option<Vec<TransferBatchLine>>,
    #[schema(nullable = false)]
    offset: Option<i64>,
    #[schema(nullable = false)]
    limit: Option<i64>,
}

/// A batch.
#[derive(ToSchema)]
struct TransferBatchFacts {
    mchid: String,
    out_batch_no: String,
    batch_id: String,
    appid: String,
    batch_status: TransferBatchStatus,
    /// API.
    batch_type: String,
    batch_name: String,
    batch_remark: String,
    /// Fen.
    total_amount: i64,
    total_num: i64,
    create_time: String,
    update_time: String,
    /// Fen, as far as it is counted; absent before the first detail is paid.
    #[schema(nullable = false)]
    success_amount: Option<i64>,
    #[schema(nullable = false)]
    success_num: Option<i64>,
    #[schema(nullable = false)]
    fail_amount: Option<i64>,
    #[schema(nullable = false)]
    fail_num: Option<i64>,
    #[schema(nullable = false)]
    transfer_scene_id: Option<String>,
}

/// Where a detail stands. SUCCESS and FAIL are final.
#[derive(ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum TransferDetailStatus {
    Init,
    Processing,
    Success,
    Fail,
}

/// A detail in a list.
#[derive(ToSchema)]
struct TransferBatchLine {
    #[schema(pattern = "^7[0-9]{31}$")]
    detail_id: String,
    out_detail_no: String,
    detail_status: TransferDetailStatus,
}

/// A detail of a batch as it stands.
#[derive(ToSchema)]
struct TransferDetailView {
    mchid: String,
    out_batch_no: String,
    batch_id: String,
    appid: String,
    out_detail_no: String,
    detail_id: String,
    detail_status: TransferDetailStatus,
    /// Fen.
    transfer_amount: i64,
    transfer_remark: String,
    /// Of FAIL, as in a transfer.
    #[schema(nullable = false)]
    fail_reason: Option<String>,
    openid: String,
    /// The name as it was given, encrypted for the certificate that signed this request.
    #[schema(nullable = false)]
    user_name: Option<String>,
    initiate_time: String,
    update_time: String,
}
