//! Combined orders through the router, with real signatures (wire §3.9).

use super::door::{APPID, Door, MCHID};
use domain::{Command, merchant::MerchantChange};
use serde_json::{Value, json};
use types::MerchantId;

const BASE: &str = "/v3/combine-transactions";
const TEA: &str = "1900000201";
const BOOKS: &str = "1900000202";

/// The fixture's merchant as a mall of two shops that let it combine their orders.
struct Mall {
    door: Door,
}

impl Mall {
    fn new() -> Self {
        let door = Door::new();
        for shop in [1_900_000_201, 1_900_000_202] {
            let shop = door.fixture.another_merchant(shop, None);
            Self::change(&door, shop, true);
        }
        Self { door }
    }
    fn change(door: &Door, shop: MerchantId, allow: bool) {
        let mall = Some(door.fixture.merchant);
        let change = MerchantChange {
            allow_combine: mall.filter(|_| allow),
            forbid_combine: mall.filter(|_| !allow),
            ..MerchantChange::default()
        };
        door.fixture.run(Command::ChangeMerchant(shop, Box::new(change)));
        door.fixture.service.directory.forget();
    }
    /// A good order of `fen` for tea and twice as much for books; `changes` replace members.
    fn order(&self, number: &str, fen: i64, changes: &Value) -> Value {
        let part = |mchid: &str, number: String, fen: i64| {
            json!({
                "mchid": mchid, "out_trade_no": number, "description": "一壶龙井", "attach": "table 7",
                "amount": { "total_amount": fen, "currency": "CNY" },
            })
        };
        let mut order = json!({
            "combine_appid": APPID, "combine_mchid": MCHID, "combine_out_trade_no": number,
            "notify_url": "http://127.0.0.1:9/notify",
            "sub_orders": [part(TEA, format!("{number}-t"), fen), part(BOOKS, format!("{number}-b"), 2 * fen)],
        });
        order.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        order
    }
    fn members(&self, product: &str) -> Value {
        match product {
            "jsapi" => json!({ "combine_payer_info": { "openid": self.door.openid() } }),
            "h5" => json!({
                "scene_info": {
                    "payer_client_ip": "203.0.113.7", "device_id": "till-1", "h5_info": { "type": "Wap" }
                }
            }),
            _ => json!({}),
        }
    }
    async fn place(&self, number: &str, fen: i64) -> String {
        let order = self.order(number, fen, &json!({}));
        let placed = self.door.post(format!("{BASE}/native"), &order).send().await.expect(200);
        placed["code_url"].as_str().unwrap().to_owned()
    }
    async fn query(&self, number: &str) -> Value {
        let answer = self.door.get(format!("{BASE}/out-trade-no/{number}")).send().await;
        let whole = answer.expect(200);
        answer.verified(&self.door);
        whole
    }
    fn closing(number: &str, parts: &[(&str, &str)]) -> Value {
        let parts: Vec<Value> = parts
            .iter()
            .map(|(mchid, end)| json!({ "mchid": mchid, "out_trade_no": format!("{number}-{end}") }))
            .collect();
        json!({ "combine_appid": APPID, "sub_orders": parts })
    }
}

#[tokio::test]
async fn a_combined_order_of_each_product_is_placed_and_paid_as_one() {
    let mall = Mall::new();
    for (product, link, trade_type) in [
        ("native", "code_url", "NATIVE"),
        ("jsapi", "prepay_id", "JSAPI"),
        ("app", "prepay_id", "APP"),
        ("h5", "h5_url", "MWEB"),
    ] {
        let number = format!("{product}-whole");
        let order = mall.order(&number, 100, &mall.members(product));
        let answer = mall.door.post(format!("{BASE}/{product}"), &order).send().await;
        let placed = answer.expect(200);
        answer.verified(&mall.door);
        let way = placed[link].as_str().unwrap();
        if link == "prepay_id" {
            assert!(way.len() <= 64);
        }

        let before = mall.query(&number).await;
        assert_eq!((&before["combine_appid"], &before["combine_mchid"]), (&json!(APPID), &json!(MCHID)));
        assert!(before.get("combine_transaction_id").is_none() && before.get("combine_payer_info").is_none());
        assert_eq!(before["sub_orders"][1]["trade_state"], "NOTPAY");
        assert_eq!(before["sub_orders"][1]["amount"], json!({ "total_amount": 200, "currency": "CNY" }));

        let paid = mall.door.pay(link, way).await.expect(200);
        let after = mall.query(&number).await;
        assert_eq!(paid, after, "the sandbox answers what a query answers");
        assert_eq!(after["combine_transaction_id"].as_str().map(str::len), Some(28));
        assert_eq!(after["combine_payer_info"]["openid"], mall.door.openid());
        let device = if product == "h5" { json!("till-1") } else { Value::Null };
        assert_eq!(after["scene_info"]["device_id"], device);
        for (part, (mchid, end, fen)) in
            after["sub_orders"].as_array().unwrap().iter().zip([(TEA, "t", 100), (BOOKS, "b", 200)])
        {
            assert_eq!((&part["mchid"], &part["trade_state"]), (&json!(mchid), &json!("SUCCESS")));
            assert_eq!(part["out_trade_no"], format!("{number}-{end}"));
            assert_eq!((&part["trade_type"], &part["attach"]), (&json!(trade_type), &json!("table 7")));
            let amount = json!({ "total_amount": fen, "currency": "CNY", "payer_amount": fen, "payer_currency": "CNY" });
            assert_eq!(part["amount"], amount);
            assert!(part["transaction_id"].as_str().is_some_and(|id| id.len() == 28));
        }
    }
    mall.door.fixture.prove();
}

#[tokio::test]
async fn the_same_request_again_gives_the_same_and_another_is_refused() {
    let mall = Mall::new();
    let order = mall.order("same-00001", 100, &json!({}));
    mall.door.post(format!("{BASE}/native"), &order).send().await.expect(200);
    mall.door.post(format!("{BASE}/native"), &order).send().await.expect(200);
    let mut other = order.clone();
    other["sub_orders"][0]["amount"]["total_amount"] = 101.into();
    let changed = [
        mall.order("same-00001", 100, &json!({ "notify_url": "http://127.0.0.1:9/other" })),
        mall.order("same-00001", 100, &json!({ "time_start": "2026-01-05T09:00:00+08:00" })),
        other,
    ];
    for changed in changed {
        mall.door.post(format!("{BASE}/native"), &changed).send().await.refused(403, "OUT_TRADE_NO_USED");
    }
    mall.door.post(format!("{BASE}/app"), &order).send().await.refused(403, "OUT_TRADE_NO_USED");
    // The number of an order stands for itself elsewhere, too.
    let alone = mall.order("same-00002", 100, &json!({}));
    let mut taken = alone.clone();
    taken["sub_orders"][0]["out_trade_no"] = "same-00001-t".into();
    mall.door.post(format!("{BASE}/native"), &taken).send().await.refused(403, "OUT_TRADE_NO_USED");
    mall.door.post(format!("{BASE}/native"), &alone).send().await.expect(200);
    mall.door.fixture.prove();
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let mall = Mall::new();
    let change = |pointer: &str, value: Value| {
        let mut order = mall.order("wrong-0001", 100, &json!({}));
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        order.pointer_mut(parent).unwrap()[name] = value;
        order
    };
    let part = mall.order("wrong-0001", 100, &json!({}))["sub_orders"][0].clone();
    let eleven: Vec<Value> = (0..11)
        .map(|n| {
            let mut part = part.clone();
            part["out_trade_no"] = format!("eleven-{n:03}").into();
            part
        })
        .collect();
    for (pointer, body) in [
        ("/combine_appid", change("/combine_appid", json!("wx1"))),
        ("/combine_out_trade_no", change("/combine_out_trade_no", json!("短"))),
        ("/sub_orders", change("/sub_orders", json!([part]))),
        ("/sub_orders", change("/sub_orders", json!(eleven))),
        ("/sub_orders", change("/sub_orders", json!([part, part]))),
        (
            "/sub_orders/1/attach",
            change(
                "/sub_orders",
                json!([part, {
                    "mchid": TEA, "out_trade_no": "no-attach", "description": "x",
                    "amount": { "total_amount": 1, "currency": "CNY" },
                }]),
            ),
        ),
        ("/sub_orders/0/amount/total_amount", {
            let mut order = mall.order("wrong-0001", 100, &json!({}));
            order["sub_orders"][0]["amount"]["total_amount"] = 0.into();
            order
        }),
        ("/sub_orders/0/amount/currency", {
            let mut order = mall.order("wrong-0001", 100, &json!({}));
            order["sub_orders"][0]["amount"]["currency"] = "USD".into();
            order
        }),
        ("/notify_url", change("/notify_url", json!("ftp://x"))),
        ("/limit_pay", change("/limit_pay", json!(["no_credit"]))),
        ("/combine_payer_info/identity", change("/combine_payer_info", json!({ "identity": {} }))),
        (
            "/time_expire",
            mall.order(
                "wrong-0001",
                100,
                &json!({
                    "time_start": "2026-01-05T10:00:00+08:00", "time_expire": "2026-01-05T09:00:00+08:00",
                }),
            ),
        ),
    ] {
        let answer = mall.door.post(format!("{BASE}/native"), &body).send().await;
        let error = answer.refused(400, "PARAM_ERROR");
        assert_eq!(error["detail"]["field"], pointer, "{body}");
    }
    mall.door
        .post(format!("{BASE}/jsapi"), &mall.order("wrong-0001", 100, &json!({})))
        .send()
        .await
        .refused(400, "PARAM_ERROR");
    mall.door
        .post(format!("{BASE}/h5"), &mall.order("wrong-0001", 100, &json!({})))
        .send()
        .await
        .refused(400, "PARAM_ERROR");
    let stranger = change("/combine_mchid", json!(TEA));
    mall.door.post(format!("{BASE}/native"), &stranger).send().await.refused(403, "NO_AUTH");
    let unknown = {
        let mut order = mall.order("wrong-0001", 100, &json!({}));
        order["sub_orders"][0]["mchid"] = "1900000999".into();
        order
    };
    mall.door.post(format!("{BASE}/native"), &unknown).send().await.refused(400, "MCH_NOT_EXISTS");
    Mall::change(&mall.door, MerchantId(1_900_000_202), false);
    let order = mall.order("wrong-0001", 100, &json!({}));
    mall.door.post(format!("{BASE}/native"), &order).send().await.refused(403, "NO_AUTH");
    mall.door.get(format!("{BASE}/out-trade-no/wrong-0001")).send().await.refused(404, "ORDER_NOT_EXIST");
}

#[tokio::test]
async fn closing_names_every_order() {
    let mall = Mall::new();
    mall.place("close-0001", 100).await;
    let close = format!("{BASE}/out-trade-no/close-0001/close");
    let one = Mall::closing("close-0001", &[(TEA, "t"), (TEA, "b")]);
    let error = mall.door.post(close.clone(), &one).send().await.refused(400, "PARAM_ERROR");
    assert_eq!(error["detail"]["field"], "/sub_orders");
    let all = Mall::closing("close-0001", &[(BOOKS, "b"), (TEA, "t")]);
    for _ in 0..2 {
        let answer = mall.door.post(close.clone(), &all).send().await;
        assert_eq!(answer.status, 204);
        answer.verified(&mall.door);
    }
    let whole = mall.query("close-0001").await;
    assert_eq!(whole["sub_orders"][0]["trade_state"], "CLOSED");
    let other_app = json!({ "combine_appid": "wx1234567890abcdef", "sub_orders": all["sub_orders"] });
    let error = mall.door.post(close.clone(), &other_app).send().await.refused(400, "PARAM_ERROR");
    assert_eq!(error["detail"]["field"], "/combine_appid");
    mall.place("close-0002", 100).await;
    let way = mall.place("close-0002", 100).await;
    mall.door.pay("code_url", &way).await.expect(200);
    let all = Mall::closing("close-0002", &[(BOOKS, "b"), (TEA, "t")]);
    let close = format!("{BASE}/out-trade-no/close-0002/close");
    mall.door.post(close, &all).send().await.refused(400, "INVALID_REQUEST");
}

/// Each order is one of its merchant like any other: asked for and refunded by its own number.
#[tokio::test]
async fn the_mall_s_own_order_is_found_and_refunded_by_itself() {
    let mall = Mall::new();
    let mut order = mall.order("own-000001", 100, &json!({}));
    order["sub_orders"][0]["mchid"] = MCHID.into();
    let placed = mall.door.post(format!("{BASE}/native"), &order).send().await.expect(200);
    // Alone it can be neither closed nor paid.
    let close = "/v3/pay/transactions/out-trade-no/own-000001-t/close";
    mall.door.post(close, &json!({ "mchid": MCHID })).send().await.refused(400, "INVALID_REQUEST");
    mall.door.pay("code_url", placed["code_url"].as_str().unwrap()).await.expect(200);
    let own = mall.door.by_number("own-000001-t").send().await.expect(200);
    assert_eq!((&own["trade_state"], &own["amount"]["total"]), (&json!("SUCCESS"), &json!(100)));
    let refund = json!({
        "out_trade_no": "own-000001-t", "out_refund_no": "back-000001",
        "amount": { "refund": 40, "total": 100, "currency": "CNY" },
    });
    mall.door.post("/v3/refund/domestic/refunds", &refund).send().await.expect(200);
    let whole = mall.query("own-000001").await;
    let states: Vec<&Value> = [0, 1].map(|n| &whole["sub_orders"][n]["trade_state"]).into();
    assert_eq!(states, ["REFUND", "SUCCESS"]);
    mall.door.fixture.prove();
}
