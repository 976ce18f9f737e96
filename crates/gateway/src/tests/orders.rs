//! Orders: placed by four products, asked for, paid, closed, repeated.

use super::door::{APPID, Door, MCHID, NATIVE};
use serde_json::{Value, json};
use types::time::{DAY, MINUTE};

fn members(product: &str, door: &Door) -> Value {
    match product {
        "jsapi" => json!({ "payer": { "openid": door.openid() } }),
        "h5" => json!({
            "scene_info": { "payer_client_ip": "203.0.113.7", "device_id": "till-1", "h5_info": { "type": "Wap" } }
        }),
        _ => json!({}),
    }
}

#[tokio::test]
async fn an_order_of_each_product_is_placed_paid_and_found_by_both_numbers() {
    let door = Door::new();
    for (product, link, trade_type) in [
        ("native", "code_url", "NATIVE"),
        ("jsapi", "prepay_id", "JSAPI"),
        ("app", "prepay_id", "APP"),
        ("h5", "h5_url", "MWEB"),
    ] {
        let number = format!("{product}-0001");
        let more = members(product, &door);
        let mut order = door.order(&number, 137, &more);
        order["attach"] = "table 5".into();
        let answer = door.post(format!("/v3/pay/transactions/{product}"), &order).send().await;
        let placed = answer.expect(200);
        answer.verified(&door);
        assert_eq!(placed.as_object().unwrap().keys().collect::<Vec<_>>(), [link]);
        let way = placed[link].as_str().unwrap();
        match product {
            "native" => assert!(way.starts_with("weixin://wxpay/bizpayurl?pr=")),
            "h5" => assert!(way.starts_with("http://127.0.0.1:8080/pay/h5?token=") && way.len() <= 512),
            _ => assert!(way.len() <= 64),
        }

        let before = door.by_number(&number).send().await.expect(200);
        assert_eq!(before["trade_state"], "NOTPAY");
        for absent in ["transaction_id", "bank_type", "success_time", "payer", "attach"] {
            assert!(before.get(absent).is_none(), "{absent}");
        }
        let paid = door.pay(link, way).await.expect(200);
        let after = door.by_number(&number).send().await.expect(200);
        assert_eq!(paid, after, "the sandbox answers what a query answers");
        assert_eq!((&after["trade_state"], &after["trade_type"]), (&json!("SUCCESS"), &json!(trade_type)));
        assert_eq!((&after["appid"], &after["mchid"]), (&json!(APPID), &json!(MCHID)));
        assert_eq!((&after["attach"], &after["bank_type"]), (&json!("table 5"), &json!("OTHERS")));
        assert_eq!(after["payer"]["openid"], door.openid());
        assert_eq!(after["amount"]["payer_total"], 137);
        let device = if product == "h5" { json!("till-1") } else { Value::Null };
        assert_eq!(after["scene_info"]["device_id"], device);

        let id = after["transaction_id"].as_str().unwrap();
        let target = format!("/v3/pay/transactions/id/{id}?mchid={MCHID}");
        assert_eq!(door.get(target).send().await.expect(200), after);
    }
    door.fixture.prove();
}

#[tokio::test]
async fn an_h5_link_with_the_merchants_redirect_appended_still_pays() {
    let door = Door::new();
    let order = door.order("h5-000001", 5, &members("h5", &door));
    let placed = door.post("/v3/pay/transactions/h5", &order).send().await.expect(200);
    let url =
        format!("{}&redirect_url=https%3A%2F%2Fshop.example%2Fback", placed["h5_url"].as_str().unwrap());
    assert_eq!(door.pay("h5_url", &url).await.expect(200)["trade_state"], "SUCCESS");
}

#[tokio::test]
async fn a_card_payment_shows_the_banks_code() {
    let door = Door::new();
    let url = door.place("card-000001", 900).await;
    let asked = json!({ "openid": door.openid(), "code_url": url, "card": true });
    let pay = door.local("POST", "/sandbox/v1/payments", &asked).send();
    let bank = async {
        // The bank answers while the sandbox waits.
        let order = loop {
            let order = door.fixture.service.queries.order_by_number(door.fixture.merchant, "card-000001");
            match order.unwrap().unwrap().payment {
                Some(payment) => break payment,
                None => tokio::task::yield_now().await,
            }
        };
        let said = domain::payment::ChannelAnswer::Succeeded("bank-1".into());
        door.fixture.run(domain::Command::AnswerPayment(order, said));
    };
    let (paid, ()) = tokio::join!(pay, bank);
    assert_eq!(paid.expect(200)["bank_type"], "ICBC_DEBIT");
    assert_eq!(door.by_number("card-000001").send().await.expect(200)["bank_type"], "ICBC_DEBIT");
}

#[tokio::test]
async fn the_same_request_again_gives_the_same_order_and_another_is_refused() {
    let door = Door::new();
    let order = door.order("same-0001", 100, &json!({ "attach": "a" }));
    door.post(NATIVE, &order).send().await.expect(200);
    let first = door.fixture.service.queries.order_by_number(door.fixture.merchant, "same-0001").unwrap();
    door.fixture.clock.advance(MINUTE);
    let other_spelling =
        order.to_string().replace("\":", "\" :\n ").replace("一壶龙井", "\\u4e00\\u58f6\\u9f99\\u4e95");
    door.raw("POST", NATIVE, other_spelling).send().await.expect(200);
    let again = door.fixture.service.queries.order_by_number(door.fixture.merchant, "same-0001").unwrap();
    assert_eq!(first.unwrap().id, again.unwrap().id);
    for changes in [
        json!({ "amount": { "total": 101 } }),
        json!({ "description": "two" }),
        json!({ "attach": "b" }),
        json!({ "notify_url": "http://127.0.0.1:9/other" }),
        json!({ "goods_tag": "x" }),
        json!({ "time_expire": "2026-01-06T10:00:00+08:00" }),
    ] {
        let mut changed = order.clone();
        changed.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        door.post(NATIVE, &changed).send().await.refused(403, "OUT_TRADE_NO_USED");
    }
    door.post("/v3/pay/transactions/app", &order).send().await.refused(403, "OUT_TRADE_NO_USED");
}

#[tokio::test]
async fn closing_is_a_signed_204_again_and_again_and_ends_the_order() {
    let door = Door::new();
    let url = door.place("close-0001", 100).await;
    let target = "/v3/pay/transactions/out-trade-no/close-0001/close";
    for _ in 0..2 {
        let closed = door.post(target, &json!({ "mchid": MCHID })).send().await;
        assert_eq!((closed.status, closed.body.len()), (204, 0));
        assert!(closed.header("content-type").is_none());
        assert!(closed.header("request-id").is_some());
        closed.verified(&door);
    }
    assert_eq!(door.state("close-0001").await, "CLOSED");
    door.pay("code_url", &url).await.refused(400, "ORDER_CLOSED");
    let again = door.order("close-0001", 100, &json!({}));
    door.post(NATIVE, &again).send().await.refused(400, "ORDER_CLOSED");
}

#[tokio::test]
async fn a_paid_order_is_neither_closed_nor_paid_nor_placed_again() {
    let door = Door::new();
    let url = door.place("paid-00001", 100).await;
    door.pay("code_url", &url).await.expect(200);
    door.pay("code_url", &url).await.refused(400, "INVALID_REQUEST");
    let target = "/v3/pay/transactions/out-trade-no/paid-00001/close";
    door.post(target, &json!({ "mchid": MCHID })).send().await.refused(400, "INVALID_REQUEST");
    let again = door.order("paid-00001", 100, &json!({}));
    door.post(NATIVE, &again).send().await.refused(400, "INVALID_REQUEST");
    assert_eq!(door.state("paid-00001").await, "SUCCESS");
}

#[tokio::test]
async fn a_deadline_ends_paying_and_the_order_stays_unpaid() {
    let door = Door::new();
    let changes = json!({ "time_expire": "2020-01-01T00:00:00Z" });
    let order = door.order("late-00001", 100, &changes);
    let placed = door.post(NATIVE, &order).send().await.expect(200);
    door.fixture.clock.advance(2 * MINUTE);
    door.pay("code_url", placed["code_url"].as_str().unwrap()).await.refused(400, "INVALID_REQUEST");
    door.post(NATIVE, &order).send().await.refused(400, "INVALID_REQUEST");
    assert_eq!(door.state("late-00001").await, "NOTPAY");
    // A link has a life of its own, and asking again gives a fresh one.
    let old = door.place("link-00001", 100).await;
    door.fixture.clock.advance(3 * 60 * MINUTE);
    door.pay("code_url", &old).await.refused(400, "INVALID_REQUEST");
    let fresh = door.place("link-00001", 100).await;
    door.pay("code_url", &fresh).await.expect(200);
}

#[tokio::test]
async fn what_is_not_there_or_not_ones_own_is_not_found() {
    let door = Door::new();
    door.by_number("none-00001").send().await.refused(404, "ORDER_NOT_EXIST");
    let target = "/v3/pay/transactions/out-trade-no/none-00001/close";
    door.post(target, &json!({ "mchid": MCHID })).send().await.refused(404, "ORDER_NOT_EXIST");
    let unpaid = door.fixture.order("unpaid-001", 5);
    let id = types::TransactionId(unpaid);
    let target = format!("/v3/pay/transactions/id/{id}?mchid={MCHID}");
    door.get(target).send().await.refused(404, "ORDER_NOT_EXIST");

    // Another merchant's order, asked for by the number that only a paid order has.
    let other = types::MerchantId(1_900_000_002);
    door.fixture.run(domain::Command::RegisterMerchant(domain::merchant::NewMerchant {
        id: other,
        name: "Other".into(),
        products: domain::merchant::Products::ALL,
        fee: types::Rate(0),
        rate_per_s: 10,
    }));
    let bind = domain::merchant::MerchantChange { bind: Some(door.fixture.app), ..Default::default() };
    door.fixture.run(domain::Command::ChangeMerchant(other, Box::new(bind)));
    let terms = domain::order::Terms { merchant: other, ..door.fixture.terms("other-0001", 5) };
    let theirs = door.fixture.place(terms);
    door.fixture.pay(theirs);
    let target = format!("/v3/pay/transactions/id/{}?mchid={MCHID}", types::TransactionId(theirs));
    door.get(target).send().await.refused(404, "ORDER_NOT_EXIST");
}

#[tokio::test]
async fn a_number_with_a_bar_is_one_number_however_it_is_written() {
    let door = Door::new();
    door.place("a|b*c-_d", 100).await;
    for written in ["a|b*c-_d", "a%7Cb*c-_d", "a%7cb%2ac-_d"] {
        assert_eq!(door.by_number(written).send().await.expect(200)["out_trade_no"], "a|b*c-_d", "{written}");
    }
    door.by_number("a%ffb*c-_d").send().await.refused(400, "PARAM_ERROR");
    door.by_number("short").send().await.refused(400, "PARAM_ERROR");
}

#[tokio::test]
async fn an_order_lives_seven_days_when_nothing_is_said() {
    let door = Door::new();
    door.place("week-00001", 100).await;
    let order =
        door.fixture.service.queries.order_by_number(door.fixture.merchant, "week-00001").unwrap().unwrap();
    assert_eq!(order.expires_at.since(door.fixture.service.now()), 7 * DAY);
}
