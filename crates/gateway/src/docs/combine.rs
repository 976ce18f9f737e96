//! The endpoints of combined orders, described.

use super::{
    combine_schemas as schema,
    endpoint::{Caller, Describe, Endpoint, extended},
    order_schemas,
};
use protocol::Code;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::openapi::{HttpMethod, RefOr, schema::Schema};

type Schemas = BTreeMap<String, RefOr<Schema>>;

const NUMBER: &str = r"^[0-9A-Za-z_\-|*]{6,32}$";

/// Codes of every combined order.
const PREPAY: &[Code] =
    &[Code::AppidMchidNotMatch, Code::MchNotExists, Code::OrderClosed, Code::NoAuth, Code::OutTradeNoUsed];

pub(super) fn endpoints(schemas: &mut Schemas) -> Vec<Endpoint> {
    vec![jsapi(schemas), app(schemas), h5(schemas), native(schemas), by_out_trade_no(schemas), close(schemas)]
}

fn describe<'a>(method: HttpMethod, path: &'static str, id: &str, schemas: &'a mut Schemas) -> Describe<'a> {
    Describe::new(Caller::Merchant, method, path, "combine", id, schemas)
}

fn example(more: Value) -> Value {
    let order = json!({
        "combine_appid": "wx8888888888888888",
        "combine_mchid": "1900000001",
        "combine_out_trade_no": "MALL_20261121_0001",
        "notify_url": "https://mall.example.com/notify",
        "sub_orders": [
            {
                "mchid": "1900000002",
                "out_trade_no": "TEA_20261121_0001",
                "description": "一壶龙井",
                "attach": "table 7",
                "amount": { "total_amount": 1280, "currency": "CNY" }
            },
            {
                "mchid": "1900000003",
                "out_trade_no": "BOOK_20261121_0001",
                "description": "茶经",
                "attach": "shelf 3",
                "amount": { "total_amount": 4200, "currency": "CNY" }
            }
        ]
    });
    extended(order, more)
}

fn jsapi(schemas: &mut Schemas) -> Endpoint {
    let payer = json!({ "combine_payer_info": { "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA" } });
    describe(HttpMethod::Post, "/v3/combine-transactions/jsapi", "combine_jsapi", schemas)
        .text(
            "合单 JSAPI 与小程序下单 · Place a combined JSAPI or mini-program order",
            "Several merchants' orders that one payer pays with one confirmation: all of them are paid, or none. Each \
             merchant has to have allowed `combine_mchid` to combine its orders; a merchant always may combine its own. \
             The page opens the cashier as for any JSAPI order, signed by `combine_mchid` with `combine_appid`. \
             Afterwards each order is refunded, and can be asked for, by its own number.",
        )
        .body::<schema::CombinedJsapiOrder>(example(payer))
        .answer::<order_schemas::PrepayId>(
            "200",
            "Placed, or placed before.",
            json!({ "prepay_id": "wx20261121170325000000000000038f9555452f8ae534c2bd9a017c" }),
        )
        .codes(PREPAY)
        .codes(&[Code::OpenidMismatch])
        .end()
}

fn app(schemas: &mut Schemas) -> Endpoint {
    describe(HttpMethod::Post, "/v3/combine-transactions/app", "combine_app", schemas)
        .text(
            "合单 APP 下单 · Place a combined APP order",
            "As combined JSAPI orders; the app opens the cashier as for any APP order, with `combine_mchid` as \
             partnerid.",
        )
        .body::<schema::CombinedOrder>(example(json!({})))
        .answer::<order_schemas::PrepayId>(
            "200",
            "Placed, or placed before.",
            json!({ "prepay_id": "wx20261121170325000000000000038f9555452f8ae534c2bd9a017c" }),
        )
        .codes(PREPAY)
        .end()
}

fn h5(schemas: &mut Schemas) -> Endpoint {
    let scene = json!({ "scene_info": { "payer_client_ip": "203.0.113.7", "h5_info": { "type": "Wap" } } });
    describe(HttpMethod::Post, "/v3/combine-transactions/h5", "combine_h5", schemas)
        .text(
            "合单 H5 下单 · Place a combined H5 order",
            "As combined JSAPI orders, for any payer; send the payer's browser to `h5_url`.",
        )
        .body::<schema::CombinedH5Order>(example(scene))
        .answer::<order_schemas::H5Url>(
            "200",
            "Placed, or placed before.",
            json!({ "h5_url": "https://pay.example.com/pay/h5?token=AAAAAAAAA49lU_EA5bj98qVxu3NK6V1M" }),
        )
        .codes(PREPAY)
        .end()
}

fn native(schemas: &mut Schemas) -> Endpoint {
    describe(HttpMethod::Post, "/v3/combine-transactions/native", "combine_native", schemas)
        .text(
            "合单 Native 下单 · Place a combined Native order",
            "As combined JSAPI orders, for any payer; show `code_url` as a QR code.",
        )
        .body::<schema::CombinedOrder>(example(json!({})))
        .answer::<order_schemas::CodeUrl>(
            "200",
            "Placed, or placed before.",
            json!({ "code_url": "weixin://wxpay/bizpayurl?pr=AAAAAAAAA49lU_EA37XB4LQrSTV-8DZm" }),
        )
        .codes(PREPAY)
        .end()
}

fn by_out_trade_no(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/combine-transactions/out-trade-no/{combine_out_trade_no}";
    let part = |mchid: &str, number: &str, fen: i64, transaction_id: &str| {
        json!({
            "mchid": mchid,
            "trade_type": "NATIVE",
            "trade_state": "SUCCESS",
            "bank_type": "OTHERS",
            "attach": "table 7",
            "success_time": "2026-11-21T17:03:25+08:00",
            "transaction_id": transaction_id,
            "out_trade_no": number,
            "amount": { "total_amount": fen, "currency": "CNY", "payer_amount": fen, "payer_currency": "CNY" }
        })
    };
    let whole = json!({
        "combine_appid": "wx8888888888888888",
        "combine_mchid": "1900000001",
        "combine_out_trade_no": "MALL_20261121_0001",
        "combine_transaction_id": "8202611210911234567890123450",
        "sub_orders": [
            part("1900000002", "TEA_20261121_0001", 1280, "4202611210911234567890123458"),
            part("1900000003", "BOOK_20261121_0001", 4200, "4202611210911234567890123466")
        ],
        "combine_payer_info": { "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA" }
    });
    describe(HttpMethod::Get, path, "combine_query", schemas)
        .text(
            "查询合单订单 · Query a combined order",
            "Only who combined the orders asks for the whole; each merchant asks for its own order by its own number.",
        )
        .variable("combine_out_trade_no", "The number of the whole, percent-encoded where needed.", NUMBER)
        .answer::<schema::Combined>("200", "The combined order as it is now.", whole)
        .codes(&[Code::OrderNotExist])
        .end()
}

fn close(schemas: &mut Schemas) -> Endpoint {
    let path = "/v3/combine-transactions/out-trade-no/{combine_out_trade_no}/close";
    let body = json!({
        "combine_appid": "wx8888888888888888",
        "sub_orders": [
            { "mchid": "1900000002", "out_trade_no": "TEA_20261121_0001" },
            { "mchid": "1900000003", "out_trade_no": "BOOK_20261121_0001" }
        ]
    });
    describe(HttpMethod::Post, path, "combine_close", schemas)
        .text(
            "关闭合单订单 · Close a combined order",
            "Closes all of it; the body names every order. Closing again is 204 again. A paid one, or one whose \
             payment's outcome is not known yet, is 400 INVALID_REQUEST.",
        )
        .variable("combine_out_trade_no", "The number of the whole, percent-encoded where needed.", NUMBER)
        .body::<schema::CombinedClose>(body)
        .empty("204", "Closed. Signed over an empty body.")
        .codes(&[Code::OrderNotExist])
        .end()
}
