//! Partner mode (服务商), described: orders for a sub-merchant, and the sub-merchant's fund-flow bill.

use super::{
    endpoint::{Caller, Describe, Endpoint, extended},
    order_schemas::{CodeUrl, Error, H5Url, PrepayId},
    partner_schemas as schema,
};
use protocol::Code;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::openapi::{HttpMethod, RefOr, schema::Schema};

type Schemas = BTreeMap<String, RefOr<Schema>>;

const NUMBER: &str = r"^[0-9A-Za-z_\-|*]{6,32}$";
const MCHID: &str = "^[1-9][0-9]{0,18}$";
const PREPAY: &[Code] = &[Code::AppidMchidNotMatch, Code::OrderClosed, Code::NoAuth, Code::OutTradeNoUsed];
const FOR_WHOM: &str = "The money is the sub-merchant's, with its fees and settlement; the number is unique per partner \
    and notifications go to the partner. 403 NO_AUTH when the partner may not do this for the sub-merchant.";

pub(super) fn endpoints(schemas: &mut Schemas) -> Vec<Endpoint> {
    let mut all: Vec<Endpoint> =
        ["jsapi", "app", "h5", "native"].into_iter().map(|product| prepay(product, schemas)).collect();
    all.extend([
        codepay(schemas),
        by_transaction_id(schemas),
        by_out_trade_no(schemas),
        close(schemas),
        reverse(schemas),
        fund_flow_bill(schemas),
    ]);
    all
}

fn signed<'a>(
    method: HttpMethod,
    path: &'static str,
    tag: &str,
    id: &str,
    schemas: &'a mut Schemas,
) -> Describe<'a> {
    Describe::new(Caller::Merchant, method, path, tag, id, schemas)
}

fn parties(more: Value) -> Value {
    let parties = json!({
        "sp_appid": "wx8888888888888888",
        "sp_mchid": "1900000100",
        "sub_mchid": "1900000109"
    });
    extended(parties, more)
}

fn order_example(more: Value) -> Value {
    let order = parties(json!({
        "description": "一壶龙井",
        "out_trade_no": "BRANCH_20261121_0001",
        "notify_url": "https://office.example.com/notify",
        "amount": { "total": 1280, "currency": "CNY" }
    }));
    extended(order, more)
}

fn prepay(product: &'static str, schemas: &mut Schemas) -> Endpoint {
    let (path, id, summary) = match product {
        "jsapi" => (
            "/v3/pay/partner/transactions/jsapi",
            "partner_prepay_jsapi",
            "服务商 JSAPI 下单 · Place a JSAPI order for a sub-merchant",
        ),
        "app" => (
            "/v3/pay/partner/transactions/app",
            "partner_prepay_app",
            "服务商 APP 下单 · Place an APP order for a sub-merchant",
        ),
        "h5" => (
            "/v3/pay/partner/transactions/h5",
            "partner_prepay_h5",
            "服务商 H5 下单 · Place an H5 order for a sub-merchant",
        ),
        _ => (
            "/v3/pay/partner/transactions/native",
            "partner_prepay_native",
            "服务商 Native 下单 · Place a Native order for a sub-merchant",
        ),
    };
    let prepay_id = json!({ "prepay_id": "wx20261121170325000000000000038f9555452f8ae534c2bd9a017c" });
    let placed = "Placed, or placed before.";
    let asked = signed(HttpMethod::Post, path, "partner", id, schemas).text(summary, FOR_WHOM).codes(PREPAY);
    let described = match product {
        "jsapi" => asked
            .body::<schema::PartnerJsapiOrder>(order_example(json!({
                "payer": { "sp_openid": "oRq_5JNAXed0iNT83GlDaQnWliGA" }
            })))
            .answer::<PrepayId>("200", placed, prepay_id)
            .codes(&[Code::OpenidMismatch]),
        "app" => asked
            .body::<schema::PartnerOrder>(order_example(json!({})))
            .answer::<PrepayId>("200", placed, prepay_id),
        "h5" => asked
            .body::<schema::PartnerH5Order>(order_example(json!({
                "scene_info": { "payer_client_ip": "203.0.113.7", "h5_info": { "type": "Wap" } }
            })))
            .answer::<H5Url>(
                "200",
                placed,
                json!({
                    "h5_url": "https://pay.example.com/pay/h5?token=AAAAAAAAA49lU_EA5bj98qVxu3NK6V1M"
                }),
            ),
        _ => asked
            .body::<schema::PartnerOrder>(order_example(json!({ "attach": "table 7" })))
            .answer::<CodeUrl>(
                "200",
                placed,
                json!({
                    "code_url": "weixin://wxpay/bizpayurl?pr=AAAAAAAAA49lU_EA37XB4LQrSTV-8DZm"
                }),
            ),
    };
    described.end()
}

fn transaction_example() -> Value {
    parties(json!({
        "out_trade_no": "BRANCH_20261121_0001",
        "transaction_id": "4202611210911234567890123456",
        "trade_type": "NATIVE",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": "table 7",
        "success_time": "2026-11-21T17:03:25+08:00",
        "payer": { "sp_openid": "oRq_5JNAXed0iNT83GlDaQnWliGA" },
        "amount": { "total": 1280, "payer_total": 1280, "currency": "CNY", "payer_currency": "CNY" }
    }))
}

fn codepay(schemas: &mut Schemas) -> Endpoint {
    let asked = parties(json!({
        "description": "一壶龙井",
        "out_trade_no": "BRANCH_20261121_0001",
        "payer": { "auth_code": "889855292164868957" },
        "amount": { "total": 1280 },
        "scene_info": { "device_id": "till-1", "store_info": { "id": "0001" } }
    }));
    let waiting = json!({ "code": "USERPAYING", "message": "需要用户输入支付密码，请稍后查询订单" });
    signed(HttpMethod::Post, "/v3/pay/partner/transactions/codepay", "partner", "partner_codepay", schemas)
        .text("服务商付款码支付 · Take a payment code for a sub-merchant", FOR_WHOM)
        .body::<schema::PartnerCodePayOrder>(asked)
        .answer::<schema::PartnerTransaction>(
            "200",
            "Decided; `trade_state` says how.",
            transaction_example(),
        )
        .answer::<Error>("202", "`USERPAYING`: the payer must type the PIN. Signed like any 2xx.", waiting)
        .codes(PREPAY)
        .codes(&[Code::RuleLimit, Code::NotEnough, Code::AccountError])
        .end()
}

fn query<'a>(describe: Describe<'a>) -> Describe<'a> {
    describe
        .query("sp_mchid", "The partner; must be the one that signs.", MCHID, true)
        .query("sub_mchid", "Whose order it is.", MCHID, true)
        .answer::<schema::PartnerTransaction>("200", "The order as it is now.", transaction_example())
        .codes(&[Code::NoAuth, Code::OrderNotExist])
}

fn by_transaction_id(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/pay/partner/transactions/id/{transaction_id}";
    query(signed(HttpMethod::Get, path, "partner", "partner_query_by_transaction_id", schemas))
        .text(
            "服务商按支付订单号查询 · Query a sub-merchant's order by transaction_id",
            "Only orders that this partner placed for this sub-merchant are found.",
        )
        .variable("transaction_id", "28 digits, from a notification or query.", "^[0-9]{28}$")
        .end()
}

fn by_out_trade_no(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/pay/partner/transactions/out-trade-no/{out_trade_no}";
    query(signed(HttpMethod::Get, path, "partner", "partner_query_by_out_trade_no", schemas))
        .text(
            "服务商按商户订单号查询 · Query a sub-merchant's order by out_trade_no",
            "Only orders that this partner placed for this sub-merchant are found.",
        )
        .variable("out_trade_no", "The partner's order number, percent-encoded where needed.", NUMBER)
        .end()
}

fn close(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/pay/partner/transactions/out-trade-no/{out_trade_no}/close";
    signed(HttpMethod::Post, path, "partner", "partner_close", schemas)
        .text(
            "服务商关闭订单 · Close a sub-merchant's order",
            "Closing again is 204 again. A paid order, or one whose payment's outcome is not known yet, is 400 \
             INVALID_REQUEST.",
        )
        .variable("out_trade_no", "The partner's order number, percent-encoded where needed.", NUMBER)
        .body::<schema::PartnerClose>(json!({ "sp_mchid": "1900000100", "sub_mchid": "1900000109" }))
        .empty("204", "Closed. Signed over an empty body.")
        .codes(&[Code::NoAuth, Code::OrderNotExist])
        .end()
}

fn reverse(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/pay/partner/transactions/out-trade-no/{out_trade_no}/reverse";
    signed(HttpMethod::Post, path, "partner", "partner_reverse", schemas)
        .text(
            "服务商撤销付款码订单 · Reverse a sub-merchant's payment-code order",
            "An unpaid order ends, a paid one is returned in full out of the sub-merchant's money, within 7 days.",
        )
        .variable("out_trade_no", "The partner's order number, percent-encoded where needed.", NUMBER)
        .body::<schema::PartnerReverse>(parties(json!({})))
        .answer::<schema::PartnerReversed>(
            "200",
            "Reversed.",
            parties(json!({ "out_trade_no": "BRANCH_20261121_0001" })),
        )
        .codes(&[Code::NoAuth, Code::OrderNotExist, Code::NotEnough])
        .end()
}

fn fund_flow_bill(schemas: &mut Schemas) -> Endpoint {
    let day = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";
    let example = json!({
        "download_bill_count": 1,
        "download_bill_list": [{
            "bill_sequence": 1,
            "download_url": "https://pay.example.com/v3/billdownload/file?token=AAAAAHE_DIEAAE_qaVs",
            "encrypt_key": "bm90IHJlYWw=",
            "hash_type": "SHA1",
            "hash_value": "a9993e364706816aba3e25717850c26c9cd0d89d",
            "nonce": "pT9xAq81LmZd"
        }]
    });
    let path = "/v3/bill/sub-merchant-fundflowbill";
    signed(HttpMethod::Get, path, "bills", "sub_merchant_fund_flow_bill", schemas)
        .text(
            "申请特约商户资金账单 · Ask for a sub-merchant's fund-flow bill",
            "Every movement of the sub-merchant's money on the day, whoever caused it, in encrypted pieces. \
             `encrypt_key` is the piece's key, 32 letters or digits, under RSA-OAEP (SHA-1) with the API certificate \
             that signed the request. Decrypt the file with AES-256-GCM: these 32 characters are the key, the 12 \
             characters of `nonce` the nonce, no associated data, the tag at the end. Then decompress it if GZIP was \
             asked for, compare the hash, and put the pieces one after the other in order of `bill_sequence`.",
        )
        .query("sub_mchid", "Whose money.", MCHID, true)
        .query("bill_date", "The day, `yyyy-MM-dd` in Beijing time: yesterday to 92 days ago.", day, true)
        .query("account_type", "BASIC, OPERATION or FEES.", "^(BASIC|OPERATION|FEES)$", true)
        .query("algorithm", "AEAD_AES_256_GCM; SM4_GCM is not offered.", "^AEAD_AES_256_GCM$", true)
        .query("tar_type", "GZIP for compressed pieces; the hash stays that of the plain one.", "^GZIP$", false)
        .answer::<schema::SealedBill>("200", "Where the pieces are.", example)
        .codes(&[Code::NoStatementExist, Code::StatementCreating, Code::NoAuth])
        .end()
}
