//! The signed endpoints, described.

use super::{
    endpoint::{Caller, Describe, Endpoint, extended},
    order_schemas as schema,
};
use protocol::Code;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::openapi::{HttpMethod, RefOr, schema::Schema};

type Schemas = BTreeMap<String, RefOr<Schema>>;

const NUMBER: &str = r"^[0-9A-Za-z_\-|*]{6,32}$";
const MCHID: &str = "^[1-9][0-9]{0,18}$";

/// Codes of every order by prepay.
const PREPAY: &[Code] = &[Code::AppidMchidNotMatch, Code::OrderClosed, Code::NoAuth, Code::OutTradeNoUsed];

pub(super) fn endpoints(schemas: &mut Schemas) -> Vec<Endpoint> {
    vec![
        jsapi(schemas),
        app(schemas),
        h5(schemas),
        native(schemas),
        codepay(schemas),
        by_transaction_id(schemas),
        by_out_trade_no(schemas),
        close(schemas),
        reverse(schemas),
        certificates(schemas),
        echo(schemas),
    ]
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

fn order_example(more: Value) -> Value {
    let order = json!({
        "appid": "wx8888888888888888",
        "mchid": "1900000001",
        "description": "一壶龙井",
        "out_trade_no": "TEA_20261121_0001",
        "notify_url": "https://shop.example.com/notify",
        "amount": { "total": 1280, "currency": "CNY" }
    });
    extended(order, more)
}

fn jsapi(schemas: &mut Schemas) -> Endpoint {
    let payer = json!({ "payer": { "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA" } });
    signed(HttpMethod::Post, "/v3/pay/transactions/jsapi", "orders", "prepay_jsapi", schemas)
        .text(
            "JSAPI 与小程序下单 · Place a JSAPI or mini-program order",
            "The payer is named by openid (from `/sns/oauth2/access_token`) and nobody else can pay. The page then \
             opens the cashier with `paySign`: RSA-SHA256 with the merchant's key over four lines, each ended by \
             LF: appId, timeStamp, nonceStr, `prepay_id=…`; signType RSA. The wallet verifies it. Repeating the \
             same request gives a fresh `prepay_id`.",
        )
        .body::<schema::JsapiOrder>(order_example(payer))
        .answer::<schema::PrepayId>(
            "200",
            "Placed, or placed before.",
            json!({ "prepay_id": "wx20261121170325000000000000038f9555452f8ae534c2bd9a017c" }),
        )
        .codes(PREPAY)
        .codes(&[Code::OpenidMismatch])
        .end()
}

fn app(schemas: &mut Schemas) -> Endpoint {
    signed(HttpMethod::Post, "/v3/pay/transactions/app", "orders", "prepay_app", schemas)
        .text(
            "APP 下单 · Place an APP order",
            "The app opens the cashier with `sign`: RSA-SHA256 with the merchant's key over four lines, each \
             ended by LF: appid, timestamp, noncestr, prepayid (the bare value). Repeating the same request gives \
             a fresh `prepay_id`.",
        )
        .body::<schema::Order>(order_example(json!({})))
        .answer::<schema::PrepayId>(
            "200",
            "Placed, or placed before.",
            json!({ "prepay_id": "wx20261121170325000000000000038f9555452f8ae534c2bd9a017c" }),
        )
        .codes(PREPAY)
        .end()
}

fn h5(schemas: &mut Schemas) -> Endpoint {
    let scene = json!({ "scene_info": { "payer_client_ip": "203.0.113.7", "h5_info": { "type": "Wap" } } });
    signed(HttpMethod::Post, "/v3/pay/transactions/h5", "orders", "prepay_h5", schemas)
        .text(
            "H5 下单 · Place an H5 order",
            "Send the payer's browser to `h5_url`; append `&redirect_url=` with an escaped address to have it \
             sent back. Repeating the same request gives a fresh `h5_url`.",
        )
        .body::<schema::H5Order>(order_example(scene))
        .answer::<schema::H5Url>(
            "200",
            "Placed, or placed before.",
            json!({ "h5_url": "https://pay.example.com/pay/h5?token=AAAAAAAAA49lU_EA5bj98qVxu3NK6V1M" }),
        )
        .codes(PREPAY)
        .end()
}

fn native(schemas: &mut Schemas) -> Endpoint {
    signed(HttpMethod::Post, "/v3/pay/transactions/native", "orders", "prepay_native", schemas)
        .text(
            "Native 下单 · Place a Native order",
            "Show `code_url` as a QR code; the payer scans it. Repeating the same request gives a fresh \
             `code_url`.",
        )
        .body::<schema::Order>(order_example(json!({ "attach": "table 7" })))
        .answer::<schema::CodeUrl>(
            "200",
            "Placed, or placed before.",
            json!({ "code_url": "weixin://wxpay/bizpayurl?pr=AAAAAAAAA49lU_EA37XB4LQrSTV-8DZm" }),
        )
        .codes(PREPAY)
        .end()
}

fn transaction_example() -> Value {
    json!({
        "appid": "wx8888888888888888",
        "mchid": "1900000001",
        "out_trade_no": "TEA_20261121_0001",
        "transaction_id": "4202611210911234567890123456",
        "trade_type": "NATIVE",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": "table 7",
        "success_time": "2026-11-21T17:03:25+08:00",
        "payer": { "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA" },
        "amount": { "total": 1280, "payer_total": 1280, "currency": "CNY", "payer_currency": "CNY" }
    })
}

fn codepay(schemas: &mut Schemas) -> Endpoint {
    let asked = json!({
        "appid": "wx8888888888888888",
        "mchid": "1900000001",
        "description": "一壶龙井",
        "out_trade_no": "TILL_20261121_0001",
        "payer": { "auth_code": "889855292164868957" },
        "amount": { "total": 1280 },
        "scene_info": { "device_id": "till-1", "store_info": { "id": "0001" } }
    });
    let mut paid = transaction_example();
    if let Some(paid) = paid.as_object_mut() {
        paid.insert("out_trade_no".into(), "TILL_20261121_0001".into());
        paid.insert("trade_type".into(), "MICROPAY".into());
        paid.remove("attach");
    }
    let waiting = json!({ "code": "USERPAYING", "message": "需要用户输入支付密码，请稍后查询订单" });
    signed(HttpMethod::Post, "/v3/pay/transactions/codepay", "orders", "codepay", schemas)
        .text(
            "付款码支付 · Take a payment code",
            "The merchant scans the payer's code. Above 1,000 yuan, after ten payments without PIN that day, or \
             when a limit of the law would be passed, the payer must type the PIN: 202 USERPAYING; then query \
             every few seconds and, if nothing comes, reverse. The same request again tells how the order stands.",
        )
        .body::<schema::CodePayOrder>(asked)
        .answer::<schema::Transaction>("200", "Decided; `trade_state` says how.", paid)
        .answer::<schema::Error>("202", "`USERPAYING`: the payer must type the PIN. Signed like any 2xx.", waiting)
        .codes(PREPAY)
        .codes(&[Code::RuleLimit, Code::NotEnough, Code::AccountError])
        .end()
}

fn by_transaction_id(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/pay/transactions/id/{transaction_id}";
    signed(HttpMethod::Get, path, "orders", "query_by_transaction_id", schemas)
        .text(
            "按支付订单号查询 · Query by transaction_id",
            "Only an order that was paid has a transaction_id.",
        )
        .variable("transaction_id", "28 digits, from a notification or query.", "^[0-9]{28}$")
        .query("mchid", "The merchant that signs.", MCHID, true)
        .answer::<schema::Transaction>("200", "The order as it is now.", transaction_example())
        .codes(&[Code::NoAuth, Code::OrderNotExist])
        .end()
}

fn by_out_trade_no(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/pay/transactions/out-trade-no/{out_trade_no}";
    signed(HttpMethod::Get, path, "orders", "query_by_out_trade_no", schemas)
        .text(
            "按商户订单号查询 · Query by out_trade_no",
            "An unpaid order lacks transaction_id, bank_type, success_time, attach, payer and payer_total.",
        )
        .variable("out_trade_no", "The merchant's order number, percent-encoded where needed.", NUMBER)
        .query("mchid", "The merchant that signs.", MCHID, true)
        .answer::<schema::Transaction>("200", "The order as it is now.", transaction_example())
        .codes(&[Code::NoAuth, Code::OrderNotExist])
        .end()
}

fn close(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/pay/transactions/out-trade-no/{out_trade_no}/close";
    signed(HttpMethod::Post, path, "orders", "close", schemas)
        .text(
            "关闭订单 · Close an order",
            "Closing again is 204 again. A paid order, or one whose payment's outcome is not known yet, is 400 \
             INVALID_REQUEST.",
        )
        .variable("out_trade_no", "The merchant's order number, percent-encoded where needed.", NUMBER)
        .body::<schema::Close>(json!({ "mchid": "1900000001" }))
        .empty("204", "Closed. Signed over an empty body.")
        .codes(&[Code::NoAuth, Code::OrderNotExist])
        .end()
}

fn reverse(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/pay/transactions/out-trade-no/{out_trade_no}/reverse";
    signed(HttpMethod::Post, path, "orders", "reverse", schemas)
        .text(
            "撤销付款码订单 · Reverse a payment-code order",
            "An unpaid order ends, a paid one is returned in full, within 7 days. Reversing again is 200 again. \
             400 INVALID_REQUEST for orders of other products.",
        )
        .variable("out_trade_no", "The merchant's order number, percent-encoded where needed.", NUMBER)
        .body::<schema::Reverse>(json!({ "appid": "wx8888888888888888", "mchid": "1900000001" }))
        .answer::<schema::Reversed>(
            "200",
            "Reversed.",
            json!({ "appid": "wx8888888888888888", "mchid": "1900000001", "out_trade_no": "TILL_20261121_0001" }),
        )
        .codes(&[Code::NoAuth, Code::OrderNotExist, Code::NotEnough])
        .end()
}

fn certificates(schemas: &mut Schemas) -> Endpoint {
    let example = json!({ "data": [{
        "serial_no": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
        "effective_time": "2026-11-21T10:00:00+08:00",
        "expire_time": "2031-11-21T10:00:00+08:00",
        "encrypt_certificate": {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": "61f9c719728a",
            "associated_data": "certificate",
            "ciphertext": "c2VjcmV0"
        }
    }] });
    signed(HttpMethod::Get, "/v3/certificates", "keys", "certificates", schemas)
        .text(
            "下载平台证书 · List the platform's certificates",
            "Every certificate that is valid now, also one that will sign later: fetch the list every 12 hours. \
             Each is encrypted with the merchant's APIv3 key.",
        )
        .query("algorithm_type", "RSA, also when left out, or ALL. SM2 is not offered.", "^(RSA|ALL)$", false)
        .answer::<schema::CertificateList>("200", "The certificates.", example)
        .codes(&[Code::ResourceNotExists])
        .end()
}

fn echo(schemas: &mut Schemas) -> Endpoint {
    let cipher = "bm90IHJlYWw=";
    signed(HttpMethod::Post, "/v3/security/echo", "keys", "echo", schemas)
        .text(
            "安全自测 · Test your keys",
            "Answers the message as it came, and the encrypted one decrypted and encrypted anew for you: one call \
             tests signing, verifying, encrypting and decrypting. With `notify_url` the same is sent there as a \
             notification: `event_type` SECURITY_ECHO.SUCCESS, `original_type` security, and the decrypted \
             resource is this answer's body. It is signed, repeated and acknowledged as that of an order.",
        )
        .header("Wechatpay-Serial", "The platform key that encrypted; required with encrypted_echo_message.")
        .body::<schema::EchoRequest>(json!({ "echo_message": "你好", "encrypted_echo_message": cipher }))
        .answer::<schema::EchoAnswer>(
            "200",
            "The echo.",
            json!({ "echo_message": "你好", "encrypted_echo_message": cipher }),
        )
        .end()
}
