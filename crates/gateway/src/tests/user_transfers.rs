//! Transfers to users through the router: single ones, batches, names, and what is refused.

use super::door::{APPID, Answer, Door, MCHID};
use domain::{Actor, Caller, Command};
use serde_json::{Value, json};
use types::{TransferBillNo, UserTransferId, time};

const BILLS: &str = "/v3/fund-app/mch-transfer/transfer-bills";
const BATCHES: &str = "/v3/transfer/batches";

/// A door whose merchant has settled money and every scene.
fn giver(fen: i64) -> Door {
    let door = Door::new();
    door.fixture.open_scenes();
    door.fixture.settled_sale("gift-00001", fen);
    door
}

impl Door {
    fn gift(&self, number: &str, fen: i64) -> Value {
        json!({
            "appid": APPID, "out_bill_no": number, "transfer_scene_id": "1000", "openid": self.openid(),
            "transfer_amount": fen, "transfer_remark": "新会员有礼",
            "notify_url": "http://127.0.0.1:9/transfers", "user_recv_perception": "现金奖励",
            "transfer_scene_report_infos": [
                { "info_type": "活动名称", "info_content": "新会员有礼" },
                { "info_type": "奖励说明", "info_content": "注册会员抽奖一等奖" },
            ],
        })
    }
    async fn transfer(&self, body: &Value) -> Answer {
        self.post(BILLS, body).send().await
    }
    async fn bill(&self, number: &str) -> Answer {
        self.get(format!("{BILLS}/out-bill-no/{number}")).send().await
    }
    async fn receive(&self, bill: &Value) -> Answer {
        let which = json!({ "transfer_bill_no": bill["transfer_bill_no"] });
        self.local("POST", "/sandbox/v1/transfers/confirm", &which).send().await
    }
    /// A field encrypted for the platform, and the key it names.
    fn sealed(&self, text: &str) -> (String, String) {
        let keys = self.fixture.service.keys();
        (keys.public_key().encrypt_field(text).unwrap(), keys.public_key_id().to_owned())
    }
}

fn with(mut body: Value, name: &str, value: impl Into<Value>) -> Value {
    body[name] = value.into();
    body
}

fn field(answer: &Value) -> &str {
    answer["detail"]["field"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_transfer_is_asked_for_confirmed_and_looked_up_by_both_numbers() {
    let door = giver(1_000_00);
    let before = door.fixture.balance();
    let answer = door.transfer(&door.gift("GIFT1", 300)).await;
    answer.verified(&door);
    let made = answer.expect(200);
    assert_eq!((&made["out_bill_no"], &made["state"]), (&json!("GIFT1"), &json!("WAIT_USER_CONFIRM")));
    let package = made["package_info"].as_str().unwrap();
    let id = door.fixture.vault().tokens().open_package_info(package).unwrap();
    assert_eq!(made["transfer_bill_no"], TransferBillNo(id).to_string());
    assert_eq!(door.transfer(&door.gift("GIFT1", 300)).await.expect(200), made, "the same again");
    door.transfer(&door.gift("GIFT1", 301)).await.refused(400, "INVALID_REQUEST");

    let waiting = door.bill("GIFT1").await;
    waiting.verified(&door);
    let waiting = waiting.expect(200);
    assert_eq!((&waiting["mch_id"], &waiting["mchid"]), (&json!(MCHID), &Value::Null));
    assert_eq!((&waiting["state"], &waiting["transfer_amount"]), (&json!("WAIT_USER_CONFIRM"), &json!(300)));
    assert_eq!(waiting["openid"], door.openid());
    let done = door.receive(&made).await.expect(200);
    assert_eq!(done["state"], "SUCCESS");
    assert_eq!(door.fixture.balance(), before + 300);
    let number = made["transfer_bill_no"].as_str().unwrap();
    let found = door.get(format!("{BILLS}/transfer-bill-no/{number}")).send().await.expect(200);
    assert_eq!(found, door.bill("GIFT1").await.expect(200));
    assert_eq!(found["state"], "SUCCESS");
    let again = door.transfer(&door.gift("GIFT1", 300)).await.expect(200);
    assert_eq!((&again["state"], again.get("package_info")), (&json!("SUCCESS"), None));
    door.post(format!("{BILLS}/out-bill-no/GIFT1/cancel"), &json!({}))
        .send()
        .await
        .refused(400, "INVALID_REQUEST");
    // For 30 days.
    door.fixture.clock.advance(31 * time::DAY);
    door.bill("GIFT1").await.refused(404, "NOT_FOUND");
    door.fixture.prove();
}

#[tokio::test]
async fn a_transfer_is_cancelled_with_or_without_a_body_and_ends_by_itself() {
    let door = giver(1_000_00);
    let before = door.fixture.balance();
    for (number, body) in [("C1", ""), ("C2", "{}")] {
        door.transfer(&door.gift(number, 300)).await.expect(200);
        let cancel = || door.raw("POST", format!("{BILLS}/out-bill-no/{number}/cancel"), body).send();
        let cancelled = cancel().await.expect(200);
        assert_eq!((&cancelled["out_bill_no"], &cancelled["state"]), (&json!(number), &json!("CANCELLED")));
        assert!(cancelled["update_time"].is_string());
        assert_eq!(cancel().await.expect(200), cancelled, "again");
    }
    let made = door.transfer(&door.gift("C3", 300)).await.expect(200);
    door.fixture.clock.advance(time::DAY);
    door.receive(&made).await.refused(400, "INVALID_REQUEST");
    door.fixture.advance_transfers();
    let over = door.bill("C3").await.expect(200);
    assert_eq!((&over["state"], &over["fail_reason"]), (&json!("FAIL"), &json!("OVERDUE_CLOSE")));
    assert_eq!(door.fixture.balance(), before);
    door.fixture.prove();
}

#[tokio::test]
async fn a_transfer_goes_on_when_the_merchants_money_comes() {
    let door = giver(1_00);
    // Money of the next day is released within the transfers' 24 hours.
    door.fixture.clock.advance(8 * time::HOUR);
    let made = door.transfer(&door.gift("P1", 500)).await.expect(200);
    assert_eq!((&made["state"], made.get("package_info")), (&json!("PROCESSING"), None));
    let cancelled = door.transfer(&door.gift("P2", 500)).await.expect(200);
    assert_eq!(cancelled["state"], "PROCESSING");
    door.raw("POST", format!("{BILLS}/out-bill-no/P2/cancel"), "").send().await.expect(200);
    door.fixture.settled_sale("gift-00002", 50_00);
    door.fixture.advance_transfers();
    let again = door.transfer(&door.gift("P1", 500)).await.expect(200);
    assert_eq!(again["state"], "WAIT_USER_CONFIRM");
    door.receive(&again).await.expect(200);
    door.fixture.prove();
}

/// A name is read, kept sealed, compared, and answered only to the merchant that gave it.
#[tokio::test]
async fn a_users_name_is_asked_for_compared_and_given_back_encrypted() {
    let door = giver(4_900_00);
    let big = door.gift("N1", 2_000_00);
    let refused = door.transfer(&big).await.refused(400, "PARAM_ERROR");
    assert_eq!(field(&refused), "/user_name");
    let named = |number: &str, text: &str| {
        let (cipher, serial) = door.sealed(text);
        (with(with(big.clone(), "user_name", cipher), "out_bill_no", number), serial)
    };
    let send = |body: Value, serial: String| {
        let ask = door.post(BILLS, &body).header("wechatpay-serial", serial);
        ask.send()
    };
    let (body, serial) = named("N1", "张三");
    let refused = door.transfer(&body).await.refused(400, "PARAM_ERROR");
    assert_eq!(field(&refused), "Wechatpay-Serial");
    let made = send(body, serial).await.expect(200);
    let (again, serial) = named("N1", " 张三 ");
    assert_eq!(send(again, serial).await.expect(200), made, "another cipher text");
    let (other, serial) = named("N1", "李四");
    send(other, serial).await.refused(400, "INVALID_REQUEST");
    let looked = door.bill("N1").await.expect(200);
    let cipher = looked["user_name"].as_str().unwrap();
    assert!(!cipher.contains("张三") && cipher.len() == 344);
    // The real name is another: the user can't receive it, and is told so; the transfer goes on waiting.
    let openid = door.openid();
    let name = json!({ "openid": openid, "name": "李四" });
    door.local("POST", "/sandbox/v1/payers/name", &name).send().await.expect(200);
    door.receive(&made).await.refused(403, "RULE_LIMIT");
    let (another, serial) = named("N2", "张三");
    let ended = send(another, serial).await.expect(200);
    assert_eq!(ended["state"], "FAIL", "the name was known to be another");
    let ended = door.bill("N2").await.expect(200);
    assert_eq!(ended["fail_reason"], "NAME_NOT_CORRECT");
    let name = json!({ "openid": openid, "name": "张三" });
    door.local("POST", "/sandbox/v1/payers/name", &name).send().await.expect(200);
    assert_eq!(door.receive(&made).await.expect(200)["state"], "SUCCESS");
    door.fixture.prove();
}

#[tokio::test]
async fn what_is_wrong_with_a_transfer_is_said_where_it_is() {
    let door = giver(1_000_00);
    let good = || door.gift("X1", 300);
    let report = |kind: &str| json!([{ "info_type": kind, "info_content": "x" }]);
    for (body, wanted) in [
        (with(good(), "transfer_scene_id", "999"), "/transfer_scene_id"),
        (with(good(), "transfer_scene_report_infos", report("活动名称")), "/transfer_scene_report_infos"),
        (with(good(), "transfer_scene_report_infos", json!([])), "/transfer_scene_report_infos"),
        (with(good(), "out_bill_no", "a-b"), "/out_bill_no"),
        (with(good(), "transfer_amount", 0), "/transfer_amount"),
        (with(good(), "notify_url", "nowhere"), "/notify_url"),
    ] {
        let refused = door.transfer(&body).await.refused(400, "PARAM_ERROR");
        assert_eq!(field(&refused), wanted, "{refused}");
    }
    for (body, status, code) in [
        (with(good(), "transfer_amount", 9), 400, "INVALID_REQUEST"),
        (with(good(), "user_recv_perception", "劳务报酬"), 400, "INVALID_REQUEST"),
        (with(good(), "openid", "o-nobody"), 500, "OPENID_MISMATCH"),
        (with(good(), "appid", "wx0000000000000009"), 400, "APPID_MCHID_NOT_MATCH"),
    ] {
        door.transfer(&body).await.refused(status, code);
    }
    door.fixture.run(Command::SetTransferScenes(door.fixture.merchant, vec![1005]));
    door.transfer(&good()).await.refused(403, "NO_AUTH");
    for number in ["NOSUCH", "a-b"] {
        let answer = door.bill(number).await;
        assert!(matches!(answer.status, 400 | 404), "{number}");
    }
    door.get(format!("{BILLS}/transfer-bill-no/{}", TransferBillNo(UserTransferId(1 << 50))))
        .send()
        .await
        .refused(404, "NOT_FOUND");
    door.get(format!("{BILLS}/transfer-bill-no/123")).send().await.refused(400, "PARAM_ERROR");
    // Another merchant's is not there.
    door.fixture.open_scenes();
    door.transfer(&good()).await.expect(200);
    let kept = door.fixture.service.queries.user_transfer_by_number(door.fixture.merchant, "X1");
    let id = kept.unwrap().unwrap().id;
    let stranger = door.fixture.another_merchant(1_900_000_009, None);
    let cancel = Command::CancelUserTransfer { merchant: stranger, transfer: id };
    assert!(door.fixture.attempt(cancel, Caller::of(Actor::Merchant(stranger))).is_err());
    door.fixture.prove();
}

#[tokio::test]
async fn a_batch_is_paid_and_told_detail_by_detail() {
    let door = giver(1_000_00);
    let before = door.fixture.balance();
    let detail = |place: i64| {
        json!({
            "out_detail_no": format!("W{place}"), "transfer_amount": 100 + place, "transfer_remark": "七月工资",
            "openid": door.openid(),
        })
    };
    let body = |count: i64| {
        let details: Vec<Value> = (0..count).map(detail).collect();
        json!({
            "appid": APPID, "out_batch_no": "WAGES1", "batch_name": "七月工资", "batch_remark": "七月工资",
            "total_amount": (0..count).map(|place| 100 + place).sum::<i64>(), "total_num": count,
            "transfer_detail_list": details, "transfer_scene_id": "1005",
        })
    };
    let made = door.post(BATCHES, &body(25)).send().await.expect(200);
    assert_eq!((&made["out_batch_no"], &made["batch_status"]), (&json!("WAGES1"), &json!("ACCEPTED")));
    assert_eq!(door.post(BATCHES, &body(25)).send().await.expect(200), made, "the same again");
    door.post(BATCHES, &body(24)).send().await.refused(400, "ALREADY_EXISTS");
    let id = made["batch_id"].as_str().unwrap().to_owned();
    let plain = door.get(format!("{BATCHES}/batch-id/{id}?need_query_detail=false")).send().await.expect(200);
    assert_eq!(plain["transfer_batch"]["total_num"], 25);
    assert!(plain.get("transfer_detail_list").is_none());
    let first =
        door.get(format!("{BATCHES}/out-batch-no/WAGES1/details/out-detail-no/W0")).send().await.expect(200);
    assert_eq!(first["detail_status"], "INIT");
    door.fixture.advance_transfers();
    let page = |offset: usize, status: &str| {
        let query = format!("need_query_detail=true&offset={offset}&limit=20&detail_status={status}");
        door.get(format!("{BATCHES}/out-batch-no/WAGES1?{query}")).send()
    };
    let all = page(0, "ALL").await.expect(200);
    let batch = &all["transfer_batch"];
    assert_eq!((&batch["batch_status"], &batch["success_num"]), (&json!("FINISHED"), &json!(25)));
    assert_eq!((&batch["success_amount"], &batch["fail_amount"]), (&json!(2800), &json!(0)));
    assert_eq!(all["transfer_detail_list"].as_array().unwrap().len(), 20);
    let rest = page(20, "SUCCESS").await.expect(200);
    let lines = rest["transfer_detail_list"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[4]["out_detail_no"]), (5, &json!("W24")));
    assert_eq!(page(0, "FAIL").await.expect(200)["transfer_detail_list"], json!([]));
    let detail_id = lines[4]["detail_id"].as_str().unwrap();
    let one =
        door.get(format!("{BATCHES}/batch-id/{id}/details/detail-id/{detail_id}")).send().await.expect(200);
    assert_eq!((&one["detail_status"], &one["transfer_amount"]), (&json!("SUCCESS"), &json!(124)));
    assert_eq!((&one["out_detail_no"], &one["batch_id"]), (&json!("W24"), &json!(id)));
    assert_eq!(door.fixture.balance(), before + 2800);
    let wrong = |tail: &str| door.get(format!("{BATCHES}/batch-id/{id}{tail}")).send();
    wrong("").await.refused(400, "PARAM_ERROR");
    wrong("?need_query_detail=true&detail_status=ALL&limit=19").await.refused(400, "PARAM_ERROR");
    wrong(&format!("/details/detail-id/{id}0099")).await.refused(404, "NOT_FOUND");
    wrong("/details/detail-id/é").await.refused(404, "NOT_FOUND");
    let poor = with(body(25), "out_batch_no", "WAGES2");
    let mut poor = with(poor, "total_amount", 2_000_00 + 2800 - 124 - 1);
    poor["transfer_detail_list"][24]["transfer_amount"] = json!(1_999_99);
    door.post(BATCHES, &poor).send().await.refused(403, "NOT_ENOUGH");
    door.fixture.prove();
}
