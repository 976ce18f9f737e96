//! OAuth and the sandbox, described.

use super::{
    endpoint::{Caller, Describe, Endpoint},
    order_schemas::Transaction,
    other_schemas as schema,
};
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::openapi::{HttpMethod, RefOr, schema::Schema};

type Schemas = BTreeMap<String, RefOr<Schema>>;

pub(super) fn endpoints(schemas: &mut Schemas) -> Vec<Endpoint> {
    vec![
        access_token(schemas),
        payments(schemas),
        payers(schemas),
        payment_codes(schemas),
        confirm(schemas),
        notifications(schemas),
        resend(schemas),
        refunds(schemas),
        approve_refund(schemas),
        reject_refund(schemas),
        confirm_transfer(schemas),
        name_payer(schemas),
        messages(schemas),
    ]
}

fn access_token(schemas: &mut Schemas) -> Endpoint {
    let path = "/sns/oauth2/access_token";
    Describe::new(Caller::Application, HttpMethod::Get, path, "oauth", "oauth_access_token", schemas)
        .text(
            "网页授权换取 openid · Exchange an authorization code for the openid",
            "The payer agrees at `/connect/oauth2/authorize?appid=…&redirect_uri=…&response_type=code&\
             scope=snsapi_base&state=…` in the wallet, which sends the browser to `redirect_uri` with `code`. A \
             code is good once, for 5 minutes. The tokens in the answer are there because clients expect them; \
             no endpoint takes them.",
        )
        .query("appid", "The application.", "^wx[0-9a-f]{16}$", true)
        .query("secret", "The application's secret. Call from a server only.", "^.{1,128}$", true)
        .query("code", "The authorization code.", "^.{1,512}$", true)
        .query("grant_type", "authorization_code.", "^authorization_code$", true)
        .answer::<schema::AccessToken>(
            "200",
            "The openid, or an `errcode`.",
            json!({
                "access_token": "b3BhcXVl",
                "expires_in": 7200,
                "refresh_token": "b3BhcXVl",
                "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA",
                "scope": "snsapi_base"
            }),
        )
        .end()
}

fn sandbox<'a>(method: HttpMethod, path: &'static str, id: &str, schemas: &'a mut Schemas) -> Describe<'a> {
    Describe::new(Caller::Local, method, path, "sandbox", id, schemas)
}

fn transaction_example() -> serde_json::Value {
    json!({
        "appid": "wx8888888888888888",
        "mchid": "1900000001",
        "out_trade_no": "TEA_20261121_0001",
        "transaction_id": "4202611210911234567890123456",
        "trade_type": "NATIVE",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "success_time": "2026-11-21T17:03:25+08:00",
        "payer": { "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA" },
        "amount": { "total": 1280, "payer_total": 1280, "currency": "CNY", "payer_currency": "CNY" }
    })
}

fn payments(schemas: &mut Schemas) -> Endpoint {
    let asked = json!({
        "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA",
        "code_url": "weixin://wxpay/bizpayurl?pr=AAAAAAAAA49lU_EA37XB4LQrSTV-8DZm"
    });
    sandbox(HttpMethod::Post, "/sandbox/v1/payments", "sandbox_pay", schemas)
        .text(
            "沙箱付款 · Pay an order as a payer",
            "With the sandbox PIN, from the balance or the newest card.",
        )
        .body::<schema::SandboxPayment>(asked)
        .answer::<Transaction>("200", "Paid.", transaction_example())
        .answer::<schema::SandboxWaiting>(
            "202",
            "The card's bank has not answered in 10 seconds; query the order.",
            json!({ "payment_id": "911234567890123456", "state": "unknown" }),
        )
        .end()
}

fn payers(schemas: &mut Schemas) -> Endpoint {
    sandbox(HttpMethod::Post, "/sandbox/v1/payers", "sandbox_make_payer", schemas)
        .text(
            "沙箱新用户 · Make a payer",
            "Signs a new phone up, sets the PIN 123456, binds a card and tops the balance up.",
        )
        .body::<schema::SandboxNewPayer>(json!({ "balance": 100_000 }))
        .answer::<schema::SandboxPayer>(
            "200",
            "The payer.",
            json!({
                "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA",
                "appid": "wx8888888888888888",
                "phone": "17012345678",
                "pin": "123456",
                "balance": 100_000
            }),
        )
        .end()
}

fn payment_codes(schemas: &mut Schemas) -> Endpoint {
    sandbox(HttpMethod::Post, "/sandbox/v1/payment-codes", "sandbox_show_code", schemas)
        .text("沙箱付款码 · Show a payment code", "The 18 digits that a payer's phone would show.")
        .body::<schema::SandboxCodeRequest>(json!({ "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA" }))
        .answer::<schema::SandboxCode>(
            "200",
            "The code.",
            json!({ "auth_code": "889855292164868957", "expires_at": "2026-11-21T17:04:25+08:00" }),
        )
        .end()
}

fn confirm(schemas: &mut Schemas) -> Endpoint {
    sandbox(HttpMethod::Post, "/sandbox/v1/payment-codes/confirm", "sandbox_confirm_code", schemas)
        .text("沙箱输入密码 · Type the PIN of a USERPAYING order", "Or refuse, with `refuse`.")
        .body::<schema::SandboxDecision>(
            json!({ "out_trade_no": "TILL_20261121_0001", "mchid": "1900000001" }),
        )
        .answer::<Transaction>("200", "Decided; `trade_state` says how.", transaction_example())
        .end()
}

fn notification_example() -> serde_json::Value {
    json!({
        "id": "0b319ae4-f800-8000-8dca-08a0bb9996b7",
        "url": "https://shop.example.com/notify",
        "event_type": "TRANSACTION.SUCCESS",
        "state": "delivered",
        "attempts": 1,
        "last_status": 204,
        "next_at": null,
        "created_at": "2026-11-21T17:03:25+08:00",
        "out_trade_no": "TEA_20261121_0001",
        "transaction_id": "4202611210911234567890123456"
    })
}

fn notifications(schemas: &mut Schemas) -> Endpoint {
    sandbox(HttpMethod::Get, "/sandbox/v1/notifications", "sandbox_notifications", schemas)
        .text("沙箱通知列表 · List notifications", "Newest first.")
        .query("mchid", "Of this merchant only.", "^[1-9][0-9]{0,18}$", false)
        .query("limit", "At most so many; 200 when left out and at most.", "^[0-9]{1,4}$", false)
        .query("after", "`next` of the page before.", "^[1-9][0-9]{0,18}$", false)
        .answer::<schema::SandboxNotifications>(
            "200",
            "The notifications.",
            json!({ "notifications": [notification_example()] }),
        )
        .end()
}

fn resend(schemas: &mut Schemas) -> Endpoint {
    sandbox(HttpMethod::Post, "/sandbox/v1/notifications/{id}/resend", "sandbox_resend", schemas)
        .text("沙箱重发通知 · Send a notification again", "Now, whatever its state.")
        .variable("id", "The notification, as listed or as received.", "^[0-9a-f-]{36}$")
        .answer::<schema::SandboxNotification>("200", "To be sent.", notification_example())
        .end()
}

fn refunds(schemas: &mut Schemas) -> Endpoint {
    let waiting = json!({ "refunds": [{
        "refund_id": "5202611210852437000000000000",
        "out_refund_no": "TEA_REFUND_0001",
        "mchid": "1900000001",
        "amount": 60_000,
        "approvals": 0,
        "approvals_needed": 1,
        "create_time": "2026-11-21T10:05:00+08:00"
    }] });
    sandbox(HttpMethod::Get, "/sandbox/v1/refunds", "sandbox_refunds", schemas)
        .text("沙箱待审批退款 · List refunds that wait for approval", "Oldest first, at most 200.")
        .answer::<schema::SandboxRefunds>("200", "The refunds.", waiting)
        .end()
}

fn approve_refund(schemas: &mut Schemas) -> Endpoint {
    let path = "/sandbox/v1/refunds/{refund_id}/approve";
    sandbox(HttpMethod::Post, path, "sandbox_approve_refund", schemas)
        .text("沙箱审批退款 · Approve a refund", "In an operator's name; whoever asked for it can't.")
        .variable("refund_id", "The platform's refund number.", "^5[0-9]{27}$")
        .body::<schema::SandboxRefundDecision>(json!({ "operator": 1 }))
        .answer::<super::refunds::RefundView>(
            "200",
            "The refund as it stands.",
            super::refunds::example("SUCCESS"),
        )
        .end()
}

fn reject_refund(schemas: &mut Schemas) -> Endpoint {
    let path = "/sandbox/v1/refunds/{refund_id}/reject";
    sandbox(HttpMethod::Post, path, "sandbox_reject_refund", schemas)
        .text("沙箱驳回退款 · Reject a refund", "It is closed; its money is the merchant's again.")
        .variable("refund_id", "The platform's refund number.", "^5[0-9]{27}$")
        .body::<schema::SandboxRefundDecision>(json!({ "operator": 1, "reason": "wrong amount" }))
        .answer::<super::refunds::RefundView>("200", "The refund, closed.", super::refunds::example("CLOSED"))
        .end()
}

fn confirm_transfer(schemas: &mut Schemas) -> Endpoint {
    sandbox(HttpMethod::Post, "/sandbox/v1/transfers/confirm", "sandbox_confirm_transfer", schemas)
        .text(
            "沙箱确认收款 · Receive a transfer",
            "As its user would on the confirm page. By number or package_info.",
        )
        .body::<schema::SandboxTransfer>(json!({ "transfer_bill_no": "6202611210852437000000000000" }))
        .answer::<super::user_transfers::TransferBillView>(
            "200",
            "The transfer as it stands.",
            super::user_transfers::example("SUCCESS"),
        )
        .end()
}

fn name_payer(schemas: &mut Schemas) -> Endpoint {
    sandbox(HttpMethod::Post, "/sandbox/v1/payers/name", "sandbox_name_payer", schemas)
        .text(
            "沙箱实名 · Give a payer a real name",
            "As an identity check would; transfers that name the user are compared with it. Only a keyed hash is kept.",
        )
        .body::<schema::SandboxName>(json!({ "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA", "name": "张三" }))
        .answer::<schema::SandboxNamed>(
            "200",
            "Kept.",
            json!({ "openid": "oRq_5JNAXed0iNT83GlDaQnWliGA" }),
        )
        .end()
}

fn messages(schemas: &mut Schemas) -> Endpoint {
    sandbox(HttpMethod::Get, "/sandbox/v1/messages", "sandbox_messages", schemas)
        .text("沙箱短信 · Read the messages of a phone", "Sign-in codes among them. Newest first.")
        .query("phone", "A mobile number of 11 digits.", "^1[3-9][0-9]{9}$", true)
        .answer::<schema::SandboxMessages>(
            "200",
            "The messages.",
            json!({ "messages": [{ "at": "2026-11-21T17:03:25+08:00", "text": "…" }] }),
        )
        .end()
}
