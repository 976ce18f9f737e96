//! Profit sharing through the router, with real signatures: what is asked, answered and refused (wire §7).

use super::door::{APPID, Answer, Door, MCHID, NATIVE};
use domain::{Command, Reply, merchant::MerchantChange, sharing::Participation};
use serde_json::{Value, json};
use types::{MerchantId, ShareNumber, ShareReturnNumber, TransactionId};

const FRIEND: i64 = 1_900_000_007;
const ORDERS: &str = "/v3/profitsharing/orders";
const RETURNS: &str = "/v3/profitsharing/return-orders";

impl Door {
    /// Two merchants that share and give back.
    fn sharing() -> Self {
        let door = Self::new();
        let _ = door.fixture.another_merchant(FRIEND, None);
        let sharing = Participation { max_ratio: Some(3_000), returns: true, notify_url: "".into() };
        for merchant in [door.fixture.merchant, MerchantId(FRIEND)] {
            let change = MerchantChange { sharing: Some(sharing.clone()), ..Default::default() };
            door.fixture.run(Command::ChangeMerchant(merchant, Box::new(change)));
        }
        door
    }
    /// A paid order of 100.00 that is to be shared: its `transaction_id`.
    async fn to_share(&self, number: &str) -> String {
        let order = self.order(number, 100_00, &json!({ "settle_info": { "profit_sharing": true } }));
        self.post(NATIVE, &order).send().await.expect(200);
        let found = self.fixture.service.queries.order_by_number(self.fixture.merchant, number);
        let id = found.unwrap().unwrap().id;
        self.fixture.pay(id);
        TransactionId(id).to_string()
    }
    /// A name sealed as SDKs do.
    fn sealed_name(&self, name: &str) -> (String, String) {
        let keys = self.fixture.service.keys();
        (keys.public_key_id().to_owned(), keys.public_key().encrypt_field(name).unwrap())
    }
    async fn add(&self, name: &str) -> Answer {
        let (serial, name) = self.sealed_name(name);
        let body = json!({
            "appid": APPID, "type": "MERCHANT_ID", "account": FRIEND.to_string(), "name": name,
            "relation_type": "STORE",
        });
        let ask = self.post("/v3/profitsharing/receivers/add", &body);
        ask.header("wechatpay-serial", serial).send().await
    }
    fn friend_name(&self) -> String {
        self.fixture.service.queries.merchant(MerchantId(FRIEND)).unwrap().unwrap().name.into()
    }
    /// Brings every part of a request, as the worker does.
    fn brought(&self, order: &Value) {
        let id = order["order_id"].as_str().unwrap().parse::<ShareNumber>().unwrap().0;
        while self.fixture.run(Command::FinishShare(id)) != Reply::Finished(true) {}
    }
}

fn share(transaction: &str, number: &str, fen: i64, last: bool) -> Value {
    json!({
        "appid": APPID, "transaction_id": transaction, "out_order_no": number, "unfreeze_unsplit": last,
        "receivers": [{
            "type": "MERCHANT_ID", "account": FRIEND.to_string(), "amount": fen, "description": "门店提成",
        }],
    })
}

#[tokio::test]
async fn an_order_is_shared_and_looked_up() {
    let door = Door::sharing();
    let added = door.add(&door.friend_name()).await.expect(200);
    assert_eq!(
        added,
        json!({ "type": "MERCHANT_ID", "account": FRIEND.to_string(), "relation_type": "STORE" })
    );
    let transaction = door.to_share("share-0001").await;
    let amounts = format!("/v3/profitsharing/transactions/{transaction}/amounts");
    let left = door.get(&*amounts).send().await.expect(200);
    assert_eq!(left, json!({ "transaction_id": transaction, "unsplit_amount": 99_40 }));
    let answer = door.post(ORDERS, &share(&transaction, "S@1", 20_00, false)).send().await;
    answer.verified(&door);
    let asked = answer.expect(200);
    assert_eq!(
        (&asked["state"], &asked["receivers"][0]["result"]),
        (&json!("PROCESSING"), &json!("PENDING"))
    );
    assert_eq!(asked["receivers"][0]["finish_time"], "1970-01-01T08:00:00+08:00");
    door.brought(&asked);
    let path = format!("{ORDERS}/S%401?transaction_id={transaction}");
    let done = door.get(&*path).send().await.expect(200);
    assert_eq!((&done["state"], &done["order_id"]), (&json!("FINISHED"), &asked["order_id"]));
    let part = &done["receivers"][0];
    assert_eq!((&part["result"], &part["account"]), (&json!("SUCCESS"), &json!(FRIEND.to_string())));
    assert_eq!(part["detail_id"], format!("{}00", asked["order_id"].as_str().unwrap()));
    assert_eq!(door.post(ORDERS, &share(&transaction, "S@1", 20_00, false)).send().await.expect(200), done);
    door.post(ORDERS, &share(&transaction, "S@1", 20_01, false)).send().await.refused(400, "INVALID_REQUEST");
    assert_eq!(door.get(amounts).send().await.expect(200)["unsplit_amount"], 79_40);
    // Another order's number does not find it.
    let other = door.to_share("share-0002").await;
    door.get(format!("{ORDERS}/S%401?transaction_id={other}"))
        .send()
        .await
        .refused(404, "RESOURCE_NOT_EXISTS");
    let none = door.get(format!("{ORDERS}/S%401")).send().await.refused(400, "PARAM_ERROR");
    assert_eq!(none["detail"]["field"], "transaction_id");
    door.fixture.prove();
}

#[tokio::test]
async fn the_rest_is_unfrozen_and_the_order_shared_no_more() {
    let door = Door::sharing();
    door.add(&door.friend_name()).await.expect(200);
    let transaction = door.to_share("share-0001").await;
    let body = json!({ "transaction_id": transaction, "out_order_no": "S2", "description": "分账完结" });
    let asked = door.post(format!("{ORDERS}/unfreeze"), &body).send().await.expect(200);
    door.brought(&asked);
    let done = door.get(format!("{ORDERS}/S2?transaction_id={transaction}")).send().await.expect(200);
    let part = &done["receivers"][0];
    assert_eq!(
        (&part["account"], &part["amount"], &part["description"]),
        (&json!(MCHID), &json!(99_40), &json!("分账完结"))
    );
    let refused = door.post(ORDERS, &share(&transaction, "S3", 1, false)).send().await;
    refused.refused(400, "INVALID_REQUEST");
    door.fixture.prove();
}

#[tokio::test]
async fn a_share_is_returned_and_looked_up_with_an_empty_first_parameter() {
    let door = Door::sharing();
    door.add(&door.friend_name()).await.expect(200);
    let transaction = door.to_share("share-0001").await;
    let asked = door.post(ORDERS, &share(&transaction, "S1", 20_00, true)).send().await.expect(200);
    door.brought(&asked);
    let body = |fen: i64| {
        json!({
            "out_order_no": "S1", "out_return_no": "R1", "return_mchid": FRIEND.to_string(), "amount": fen,
            "description": "用户退款",
        })
    };
    let back = door.post(RETURNS, &body(5_00)).send().await.expect(200);
    assert_eq!((&back["result"], &back["order_id"]), (&json!("PROCESSING"), &asked["order_id"]));
    let id = back["return_id"].as_str().unwrap().parse::<ShareReturnNumber>().unwrap().0;
    door.fixture.run(Command::FinishReturn(id));
    // As the Python SDK sends it.
    let done = door.get(format!("{RETURNS}/R1?&out_order_no=S1")).send().await.expect(200);
    assert_eq!((&done["result"], &done["amount"]), (&json!("SUCCESS"), &json!(5_00)));
    door.get(format!("{RETURNS}/R1?out_order_no=S9")).send().await.refused(404, "RESOURCE_NOT_EXISTS");
    // By the other number of the same request it is the same return.
    let mut other = body(5_00);
    other.as_object_mut().unwrap().remove("out_order_no");
    other["order_id"] = asked["order_id"].clone();
    assert_eq!(door.post(RETURNS, &other).send().await.expect(200), done);
    door.post(RETURNS, &body(6_00)).send().await.refused(400, "INVALID_REQUEST");
    let mut more = body(15_01);
    more["out_return_no"] = json!("R2");
    door.post(RETURNS, &more).send().await.refused(403, "NOT_ENOUGH");
    door.fixture.prove();
}

#[tokio::test]
async fn what_is_refused_says_which_member() {
    let door = Door::sharing();
    let refused = door.add("another name").await.refused(400, "PARAM_ERROR");
    assert_eq!(refused["detail"]["field"], "/name");
    let transaction = door.to_share("share-0001").await;
    let send = |body: Value| door.post(ORDERS, &body).send();
    let refused = door.post(ORDERS, &share(&transaction, "S1", 1, false)).send().await;
    refused.refused(400, "INVALID_REQUEST"); // not agreed on
    door.add(&door.friend_name()).await.expect(200);
    let with = |pointer: &str, value: Value| {
        let mut body = share(&transaction, "S1", 1, false);
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (pointer, value, field) in [
        ("/transaction_id", json!("4"), "/transaction_id"),
        ("/out_order_no", json!("a b"), "/out_order_no"),
        ("/receivers", json!([]), "/receivers"),
        ("/receivers/0/type", json!("SOMEBODY"), "/receivers/0/type"),
        ("/receivers/0/account", json!("x"), "/receivers/0/account"),
        ("/receivers/0/amount", json!(0), "/receivers/0/amount"),
        ("/receivers/0/description", json!(""), "/receivers/0/description"),
        ("/unfreeze_unsplit", json!("yes"), "/unfreeze_unsplit"),
    ] {
        let refused = send(with(pointer, value)).await.refused(400, "PARAM_ERROR");
        assert_eq!(refused["detail"]["field"], field);
    }
    send(with("/receivers/0/amount", json!(99_41))).await.refused(403, "NOT_ENOUGH");
    send(with("/receivers/0/amount", json!(30_01))).await.refused(400, "INVALID_REQUEST");
    let person =
        json!([{ "type": "PERSONAL_OPENID", "account": "oNobody", "amount": 1, "description": "x" }]);
    send(with("/receivers", person)).await.refused(500, "OPENID_MISMATCH");
    // An order that is not for sharing, one that is not there.
    let plain = TransactionId(door.fixture.paid_order("plain-0001", 100, "http://127.0.0.1:9/n")).to_string();
    send(with("/transaction_id", json!(plain))).await.refused(400, "INVALID_REQUEST");
    let amounts = |number: &str| door.get(format!("/v3/profitsharing/transactions/{number}/amounts")).send();
    amounts(&plain).await.refused(400, "INVALID_REQUEST");
    amounts("4202611210852436000000000000").await.refused(400, "PARAM_ERROR");
    let config = |id: &str| door.get(format!("/v3/profitsharing/merchant-configs/{id}")).send();
    assert_eq!(config(MCHID).await.expect(200), json!({ "sub_mchid": MCHID, "max_ratio": 3000 }));
    config(&FRIEND.to_string()).await.refused(403, "NO_AUTH");
    config("x").await.refused(400, "PARAM_ERROR");
    let early = door.get("/v3/profitsharing/bills?bill_date=2020-01-01").send().await;
    assert_eq!(early.status, 400);
}

#[tokio::test]
async fn a_person_gets_a_share_by_openid() {
    let door = Door::sharing();
    let (openid, before) = (door.openid(), door.fixture.balance());
    let body = json!({
        "appid": APPID, "type": "PERSONAL_OPENID", "account": openid, "relation_type": "CUSTOM",
        "custom_relation": "茶友",
    });
    let added = door.post("/v3/profitsharing/receivers/add", &body).send().await.expect(200);
    assert_eq!((&added["account"], &added["custom_relation"]), (&json!(openid), &json!("茶友")));
    let transaction = door.to_share("share-0001").await;
    let mut ask = share(&transaction, "S1", 5_00, false);
    ask["receivers"][0]["type"] = json!("PERSONAL_OPENID");
    ask["receivers"][0]["account"] = json!(openid);
    let asked = door.post(ORDERS, &ask).send().await.expect(200);
    door.brought(&asked);
    assert_eq!(door.fixture.balance(), before - 100_00 + 5_00);
    let body = json!({ "appid": APPID, "type": "PERSONAL_OPENID", "account": openid });
    let gone = door.post("/v3/profitsharing/receivers/delete", &body).send().await.expect(200);
    assert_eq!(gone, json!({ "type": "PERSONAL_OPENID", "account": openid }));
    ask["out_order_no"] = json!("S2");
    door.post(ORDERS, &ask).send().await.refused(400, "INVALID_REQUEST");
    door.fixture.prove();
}
