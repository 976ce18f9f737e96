//! Every refusal an order can meet: its code, its place, and nothing changed.

use super::door::{Door, MCHID, NATIVE};
use domain::merchant::{MerchantChange, Product, Products};
use serde_json::{Value, json};
use service::{Parts, Service, Settings, SigningThreads};
use std::sync::Arc;
use store::memory::Break;

#[tokio::test]
async fn a_wrong_member_is_named_and_no_order_is_made() {
    let door = Door::new();
    let cases = [
        (json!({ "amount": { "total": 0 } }), "/amount/total"),
        (json!({ "amount": { "total": 1_000_000_000_001_i64 } }), "/amount/total"),
        (json!({ "amount": { "total": i64::MAX } }), "/amount/total"),
        (json!({ "amount": { "total": 1.5 } }), "/amount/total"),
        (json!({ "amount": { "total": "1" } }), "/amount/total"),
        (json!({ "amount": { "total": 1, "currency": "USD" } }), "/amount/currency"),
        (json!({ "description": "" }), "/description"),
        (json!({ "description": "茶".repeat(128) }), "/description"),
        (json!({ "description": "tea 🍵" }), "/description"),
        (json!({ "attach": "a".repeat(129) }), "/attach"),
        (json!({ "appid": "wx1" }), "/appid"),
        (json!({ "mchid": null }), "/mchid"),
        (json!({ "notify_url": "http://127.0.0.1:9/n?x=1" }), "/notify_url"),
        (json!({ "time_expire": "tomorrow" }), "/time_expire"),
        (json!({ "limit_pay": ["no_credit"] }), "/limit_pay"),
        (json!({ "settle_info": { "subsidy_amount": 5 } }), "/settle_info/subsidy_amount"),
        (
            json!({ "payer": { "identity": { "type": "IDCARD", "number": "x", "name": "y" } } }),
            "/payer/identity",
        ),
    ];
    for (changes, field) in cases {
        let order = door.order("wrong-0001", 100, &changes);
        let refused = door.post(NATIVE, &order).send().await.refused(400, "PARAM_ERROR");
        assert_eq!(
            (&refused["detail"]["field"], &refused["detail"]["location"]),
            (&json!(field), &json!("body"))
        );
        assert!(refused["message"].as_str().unwrap().chars().count() <= 256);
    }
    door.by_number("wrong-0001").send().await.refused(404, "ORDER_NOT_EXIST");
    let order = door.order("wrong-0001", 100, &json!({ "limit_pay": [], "colour": "jade" }));
    door.post(NATIVE, &order).send().await.expect(200);
}

#[tokio::test]
async fn what_the_merchant_may_not_do_is_refused_by_its_code() {
    let door = Door::new();
    let order = |changes: Value| door.order("may-000001", 100, &changes);
    let native = |order: Value| door.post(NATIVE, &order);
    native(order(json!({ "appid": "wx0000000000000bad" })))
        .send()
        .await
        .refused(400, "APPID_MCHID_NOT_MATCH");
    let refused = native(order(json!({ "mchid": "1900000999" }))).send().await.refused(403, "NO_AUTH");
    assert_eq!(refused["detail"]["field"], "/mchid");
    let shared = json!({ "settle_info": { "profit_sharing": true } });
    native(order(shared)).send().await.refused(403, "NO_AUTH");
    native(order(json!({ "settle_info": { "profit_sharing": false } }))).send().await.expect(200);

    let products = Some(Products::ALL.with(Product::Native, false));
    door.change(MerchantChange { products, ..Default::default() });
    native(order(json!({ "out_trade_no": "may-000002" }))).send().await.refused(403, "NO_AUTH");
    door.change(MerchantChange { products: Some(Products::ALL), active: Some(false), ..Default::default() });
    native(order(json!({ "out_trade_no": "may-000002" }))).send().await.refused(403, "NO_AUTH");
    // A merchant that may not trade may still look and close.
    assert_eq!(door.state("may-000001").await, "NOTPAY");
}

#[tokio::test]
async fn an_openid_is_good_for_its_application_only() {
    let door = Door::new();
    let order = |openid: &str| door.order("whose-0001", 100, &json!({ "payer": { "openid": openid } }));
    let other = door.fixture.vault().tokens().openid(types::AppId(7), door.fixture.payer);
    let nobody = door.fixture.vault().tokens().openid(door.fixture.app, types::PayerId(4_000_000));
    for openid in ["oNobodyKnowsThisOpenidAtAll0", &other, &nobody] {
        let asked = door.post("/v3/pay/transactions/jsapi", &order(openid));
        asked.send().await.refused(500, "OPENID_MISMATCH");
    }
    // With a foreign appid, that is what is told: no openid of it could be right.
    let mut foreign = order(&door.openid());
    foreign["appid"] = "wx0000000000000bad".into();
    let asked = door.post("/v3/pay/transactions/jsapi", &foreign);
    asked.send().await.refused(400, "APPID_MCHID_NOT_MATCH");
}

#[tokio::test]
async fn queries_name_the_merchant_that_signs() {
    let door = Door::new();
    door.place("query-0001", 100).await;
    let by = |query: &str| door.get(format!("/v3/pay/transactions/out-trade-no/query-0001{query}"));
    let refused = by("?mchid=1900000999").send().await.refused(403, "NO_AUTH");
    assert_eq!(
        (&refused["detail"]["field"], &refused["detail"]["location"]),
        (&json!("mchid"), &json!("query"))
    );
    for query in ["", "?", "?mchid=", "?mchid=me", "?mchid=1&mchid=2", "?mchid=%zz", "?mchid=%00", "?=1"] {
        by(query).send().await.refused(400, "PARAM_ERROR");
    }
    by(&format!("?mchid={}", "1".repeat(4096))).send().await.refused(400, "PARAM_ERROR");
    by(&format!("?&mchid={MCHID}&more=x")).send().await.expect(200);
    let target = format!("/v3/pay/transactions/id/4200?mchid={MCHID}");
    let refused = door.get(target).send().await.refused(400, "PARAM_ERROR");
    assert_eq!(refused["detail"]["location"], "path");
}

#[tokio::test]
async fn a_payer_with_too_little_or_over_a_limit_is_told_so() {
    let door = Door::new();
    let url = door.place("dear-00001", 2_000_000).await;
    door.pay("code_url", &url).await.refused(403, "RULE_LIMIT");
    let poor = door.local("POST", "/sandbox/v1/payers", &json!({ "balance": 99 })).send().await.expect(200);
    let url = door.place("poor-00001", 100).await;
    let asked = json!({ "openid": poor["openid"], "code_url": url });
    let refused = door.local("POST", "/sandbox/v1/payments", &asked).send().await.refused(403, "NOT_ENOUGH");
    assert_eq!(refused["reason"], "not_enough");
    door.pay("code_url", &url).await.expect(200);
    door.fixture.prove();
}

#[tokio::test]
async fn a_store_that_fails_is_a_system_error_and_the_same_request_again_is_right() {
    let door = Door::new();
    let order = door.order("retry-0001", 100, &json!({}));
    door.fixture.memory.break_commit(Break::Refused);
    let refused =
        door.post(NATIVE, &order).header("accept-language", "en").send().await.refused(500, "SYSTEM_ERROR");
    assert!(refused["message"].as_str().unwrap().contains("same number"));
    door.post(NATIVE, &order).send().await.expect(200);
}

#[tokio::test]
async fn an_engine_that_stopped_is_unavailable() {
    let mut door = Door::new();
    door.fixture.stop_engine();
    let order = door.order("stop-00001", 100, &json!({}));
    let refused = door.post(NATIVE, &order).send().await;
    refused.refused(503, "SERVICE_UNAVAILABLE");
    assert_eq!(refused.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn production_names_public_https_addresses_only() {
    let door = Door::new();
    let (_, router) = Door::router(&door.fixture, &Arc::new(production(&door)));
    let order = |url: &str| door.order("public-001", 100, &json!({ "notify_url": url }));
    for url in ["http://shop.example.com/n", "https://localhost/n", "https://10.0.0.1/n"] {
        let refused =
            door.post(NATIVE, &order(url)).send_to(router.clone()).await.refused(400, "PARAM_ERROR");
        assert_eq!(refused["detail"]["field"], "/notify_url");
        let body = json!({ "echo_message": "x", "notify_url": url });
        let echo = door.post("/v3/security/echo", &body).send_to(router.clone()).await;
        assert_eq!(echo.refused(400, "PARAM_ERROR")["detail"]["field"], "/notify_url");
    }
    door.post(NATIVE, &order("https://shop.example.com/n")).send_to(router.clone()).await.expect(200);
    let asked = door.local("GET", "/sandbox/v1/notifications", &Value::Null).send_to(router).await;
    assert_eq!(asked.status, 404, "no sandbox outside a sandbox");
}

/// The fixture's service as it would be outside a sandbox.
fn production(door: &Door) -> Service {
    let known = &door.fixture.service;
    Service::new(Parts {
        engine: known.engine.clone(),
        queries: Arc::clone(&known.queries),
        clock: Arc::clone(&known.clock),
        wall: Arc::clone(&known.clock),
        vault: Arc::clone(&known.vault),
        platform: crypto::PlatformKeys::clone(&known.keys()),
        events: known.events.clone(),
        messenger: Arc::clone(&known.messenger),
        settings: Settings { sandbox: false, ..known.settings.clone() },
        metrics: known.metrics.clone(),
        signing: SigningThreads::start(1, known.metrics.clone(), None),
        under_way: Arc::default(),
        bills: std::env::temp_dir().join("feiqian-no-bills"),
    })
}
