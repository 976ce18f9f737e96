//! Refunds through the router, with real signatures: what is asked, answered and refused.

use super::door::{Answer, Door, MCHID};
use domain::{
    Actor, Caller, Command, merchant::MerchantChange, notification::About, payment::ChannelAnswer,
    refund::RefundState,
};
use serde_json::{Value, json};
use types::{PageRequest, RefundId, RefundNumber, TransactionId, time};

const REFUNDS: &str = "/v3/refund/domestic/refunds";

fn asked(order: &str, number: &str, refund: i64, total: i64) -> Value {
    json!({
        "out_trade_no": order, "out_refund_no": number, "reason": "商品已售完",
        "notify_url": "http://127.0.0.1:9/refunds",
        "amount": { "refund": refund, "total": total, "currency": "CNY" },
    })
}

impl Door {
    async fn refund(&self, body: &Value) -> Answer {
        self.post(REFUNDS, body).send().await
    }
    async fn look(&self, number: &str) -> Answer {
        self.get(format!("{REFUNDS}/{number}")).send().await
    }
    /// A paid order of so much.
    fn sale(&self, number: &str, fen: i64) {
        let order = self.fixture.order(number, fen);
        self.fixture.pay(order);
    }
    /// An order paid by card.
    fn card_sale(&self, number: &str, fen: i64) {
        let order = self.fixture.order(number, fen);
        let payment = self.fixture.pay_by_card(order, self.fixture.card);
        self.fixture.run(Command::AnswerPayment(payment, ChannelAnswer::Succeeded("REF1".into())));
    }
    fn bank_says(&self, id: RefundId, attempt: u32, answer: ChannelAnswer) {
        let command = Command::AnswerRefund { refund: id, attempt, answer };
        self.fixture.attempt(command, Caller::of(Actor::Channel)).expect("the answer is taken");
    }
}

fn id_of(refund: &Value) -> RefundId {
    refund["refund_id"].as_str().unwrap().parse::<RefundNumber>().unwrap().0
}

#[tokio::test]
async fn a_refund_goes_back_to_the_balance_and_is_looked_up() {
    let door = Door::new();
    door.sale("pen-000001", 1234);
    let before = door.fixture.balance();
    let answer = door.refund(&asked("pen-000001", "R@1|2*3", 234, 1234)).await;
    answer.verified(&door);
    let refund = answer.expect(200);
    for (member, value) in [
        ("out_refund_no", "R@1|2*3"),
        ("out_trade_no", "pen-000001"),
        ("channel", "ORIGINAL"),
        ("user_received_account", "支付用户零钱"),
        ("status", "SUCCESS"),
        ("funds_account", "UNSETTLED"),
    ] {
        assert_eq!(refund[member], value, "{member}");
    }
    assert_eq!((&refund["amount"]["refund"], &refund["amount"]["total"]), (&json!(234), &json!(1234)));
    assert_eq!(refund["amount"]["refund_fee"], 1, "0.6 % of 2.34");
    assert!(refund["success_time"].is_string() && refund["create_time"].is_string());
    assert_eq!(door.fixture.balance(), before + 234);
    assert_eq!(door.state("pen-000001").await, "REFUND");
    let found = door.look("R@1%7C2*3").await;
    found.verified(&door);
    assert_eq!(found.expect(200), refund);
    // By the platform's number, and both at once.
    door.fixture.clock.advance(time::MINUTE);
    let mut by_id = asked("pen-000001", "R2", 1000, 1234);
    by_id["transaction_id"] = refund["transaction_id"].clone();
    door.refund(&by_id).await.expect(200);
    assert_eq!(door.fixture.balance(), before + 1234);
    door.fixture.prove();
}

#[tokio::test]
async fn the_same_number_is_the_same_refund() {
    let door = Door::new();
    door.sale("pen-000001", 1234);
    let first = door.refund(&asked("pen-000001", "R1", 234, 1234)).await.expect(200);
    let balance = door.fixture.balance();
    assert_eq!(door.refund(&asked("pen-000001", "R1", 234, 1234)).await.expect(200), first);
    let mut by_id = asked("pen-000001", "R1", 234, 1234);
    by_id.as_object_mut().unwrap().remove("out_trade_no");
    by_id["transaction_id"] = first["transaction_id"].clone();
    assert_eq!(door.refund(&by_id).await.expect(200), first);
    assert_eq!(door.fixture.balance(), balance);
    let other = door.refund(&asked("pen-000001", "R1", 235, 1234)).await;
    other.refused(400, "INVALID_REQUEST");
    door.fixture.prove();
}

#[tokio::test]
async fn refusals_carry_the_codes_of_the_wire() {
    let door = Door::new();
    door.sale("pen-000001", 1234);
    let _open = door.fixture.order("pen-000002", 1234);
    let ok = asked("pen-000001", "R1", 234, 1234);
    let with = |pointer: &str, value: Value| {
        let mut body = ok.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        body
    };
    let other = TransactionId(types::OrderId(1 << 50)).to_string();
    let cases = [
        (with("/out_trade_no", "no-such-order".into()), 404, "RESOURCE_NOT_EXISTS"),
        (with("/out_trade_no", "pen-000002".into()), 404, "RESOURCE_NOT_EXISTS"),
        (with("/transaction_id", other.into()), 400, "INVALID_REQUEST"),
        (with("/amount/refund", 1235.into()), 400, "INVALID_REQUEST"),
        (with("/amount/total", 1233.into()), 400, "INVALID_REQUEST"),
        (with("/amount/refund", (1_000_000_000_001_i64).into()), 400, "PARAM_ERROR"),
        (with("/amount/currency", "USD".into()), 400, "PARAM_ERROR"),
        (with("/out_refund_no", "a b".into()), 400, "PARAM_ERROR"),
        (with("/sub_mchid", "1900000002".into()), 403, "NO_AUTH"),
        (with("/sub_mchid", "no number".into()), 400, "PARAM_ERROR"),
        (with("/funds_account", "AVAILABLE".into()), 403, "NOT_ENOUGH"),
        (with("/amount/from", json!([{"account": "AVAILABLE", "amount": 234}])), 403, "NOT_ENOUGH"),
        (
            with(
                "/amount/from",
                json!([{"account": "AVAILABLE", "amount": 1}, {"account": "UNAVAILABLE", "amount": 233}]),
            ),
            400,
            "PARAM_ERROR",
        ),
    ];
    for (body, status, code) in cases {
        // Six failures a second are let through, and no more.
        tokio::time::sleep(std::time::Duration::from_millis(210)).await;
        let answer = door.refund(&body).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (status, Some(code)),
            "{body}: {}",
            answer.json()
        );
    }
    let pause = std::time::Duration::from_millis(1_100);
    tokio::time::sleep(pause).await;
    door.refund(&ok).await.expect(200);
    let soon = door.refund(&asked("pen-000001", "R2", 1, 1234)).await;
    soon.refused(429, "FREQUENCY_LIMITED");
    door.look("R9").await.refused(404, "RESOURCE_NOT_EXISTS");
    door.look("a%20b").await.refused(400, "PARAM_ERROR");
    door.fixture.clock.advance(180 * time::DAY);
    let late = door.refund(&asked("pen-000001", "R2", 1, 1234)).await;
    late.refused(400, "INVALID_REQUEST");
    door.change(MerchantChange { refund_days: Some(365), ..Default::default() });
    door.refund(&asked("pen-000001", "R2", 1, 1234)).await.expect(200);
    door.fixture.prove();
}

#[tokio::test]
async fn one_too_many_failures_stop_the_merchant_for_the_second() {
    let door = Door::new();
    let started = std::time::Instant::now();
    let mut codes = Vec::new();
    while started.elapsed() < std::time::Duration::from_millis(700) && codes.len() < 30 {
        codes.push(door.refund(&asked("no-such-order", "R1", 1, 1)).await.status);
    }
    // However slow the machine is, what came within the second was six failures at most.
    assert!(codes.iter().filter(|status| **status == 404).count() <= 6, "{codes:?}");
    assert!(codes.len() <= 6 || codes.contains(&429), "{codes:?}");
}

#[tokio::test]
async fn r_fin_68_a_large_refund_is_processing_until_it_is_approved() {
    let door = Door::new();
    door.sale("pen-000001", 600_00);
    let refund = door.refund(&asked("pen-000001", "R1", 600_00, 600_00)).await.expect(200);
    assert_eq!((&refund["status"], refund.get("success_time")), (&json!("PROCESSING"), None));
    assert_eq!(door.state("pen-000001").await, "REFUND");
    let listed = door.local("GET", "/sandbox/v1/refunds", &Value::Null).send().await.expect(200);
    assert_eq!(listed["refunds"][0]["refund_id"], refund["refund_id"]);
    assert_eq!(
        (&listed["refunds"][0]["approvals"], &listed["refunds"][0]["approvals_needed"]),
        (&json!(0), &json!(1))
    );
    let path = format!("/sandbox/v1/refunds/{}", refund["refund_id"].as_str().unwrap());
    let approved = door.local("POST", format!("{path}/approve"), &json!({ "operator": 4 })).send().await;
    assert_eq!(approved.expect(200)["status"], "SUCCESS");
    let late = door.local("POST", format!("{path}/reject"), &json!({})).send().await;
    assert_eq!(late.expect(400)["reason"], "refund_not_waiting");
    assert_eq!(door.look("R1").await.expect(200)["status"], "SUCCESS");
    door.fixture.prove();
}

#[tokio::test]
async fn a_rejected_refund_is_closed() {
    let door = Door::new();
    door.sale("pen-000001", 600_00);
    let refund = door.refund(&asked("pen-000001", "R1", 600_00, 600_00)).await.expect(200);
    let path = format!("/sandbox/v1/refunds/{}/reject", refund["refund_id"].as_str().unwrap());
    let rejected =
        door.local("POST", path, &json!({ "operator": 2, "reason": "no" })).send().await.expect(200);
    assert_eq!(rejected["status"], "CLOSED");
    let page = door.fixture.service.queries.notifications(None, PageRequest::new(10, None)).unwrap();
    let id = id_of(&refund);
    assert!(page.rows.iter().any(|row| row.about == About::RefundClosed(id)), "{page:?}");
    door.fixture.prove();
}

#[tokio::test]
async fn an_abnormal_refund_is_sent_to_another_card() {
    let door = Door::new();
    door.card_sale("pen-000001", 1234);
    let refund = door.refund(&asked("pen-000001", "R1", 1234, 1234)).await.expect(200);
    assert_eq!(
        (&refund["status"], &refund["user_received_account"]),
        (&json!("PROCESSING"), &json!("工商银行借记卡0000"))
    );
    let id = id_of(&refund);
    door.bank_says(id, 1, ChannelAnswer::Declined("14".into()));
    assert_eq!(door.look("R1").await.expect(200)["status"], "ABNORMAL");

    let keys = door.fixture.service.keys();
    let (serial, key) = (keys.public_key_id().to_owned(), keys.public_key());
    let sealed = |text: &str| key.encrypt_field(text).unwrap();
    let path = format!("{REFUNDS}/{}/apply-abnormal-refund", refund["refund_id"].as_str().unwrap());
    let good = json!({
        "out_refund_no": "R1", "type": "USER_BANK_CARD", "bank_type": "ICBC_DEBIT",
        "bank_account": sealed("6222020000000001111"), "real_name": sealed("张三"),
    });
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let field = |answer: &Answer| answer.json()["detail"]["field"].as_str().unwrap_or_default().to_owned();
    let send = async |body: &Value, serial: &str| {
        door.post(path.clone(), body).header("wechatpay-serial", serial).send().await
    };
    for (body, wanted) in [
        (with("bank_account", "AAAA".into()), "/bank_account"),
        (with("bank_account", sealed("6222").into()), "/bank_account"),
        (with("bank_type", "CMB_DEBIT".into()), "/bank_type"),
        (with("real_name", sealed(" ").into()), "/real_name"),
        (with("type", "NOBODYS_CARD".into()), "/type"),
    ] {
        let answer = send(&body, &serial).await;
        answer.refused(400, "PARAM_ERROR");
        assert_eq!(field(&answer), wanted);
        assert!(!String::from_utf8_lossy(&answer.body).contains("6222"), "no card number in an answer");
    }
    assert_eq!(field(&send(&good, "PUB_KEY_ID_0000").await), "Wechatpay-Serial");
    send(&with("out_refund_no", "R2".into()), &serial).await.refused(400, "INVALID_REQUEST");
    let own = json!({ "out_refund_no": "R1", "type": "MERCHANT_BANK_CARD" });
    send(&own, &serial).await.refused(400, "INVALID_REQUEST");

    let sent = send(&good, &serial).await;
    sent.verified(&door);
    let sent = sent.expect(200);
    assert_eq!((&sent["status"], &sent["channel"]), (&json!("PROCESSING"), &json!("OTHER_BANKCARD")));
    assert_eq!(sent["user_received_account"], "工商银行借记卡1111");
    door.bank_says(id, 2, ChannelAnswer::Succeeded("REF2".into()));
    let done = door.look("R1").await.expect(200);
    assert_eq!((&done["status"], &done["channel"]), (&json!("SUCCESS"), &json!("OTHER_BANKCARD")));
    send(&with("bank_account", sealed("6222020000000002222").into()), &serial)
        .await
        .refused(400, "INVALID_REQUEST");
    let kept = door.fixture.service.queries.refund(id).unwrap().unwrap();
    assert_eq!(kept.state, RefundState::Succeeded);
    let receiver = format!("{:?}", kept.receiver);
    assert!(receiver.contains("1111") && !receiver.contains("62220200"), "{receiver}");
    door.fixture.prove();
}

#[tokio::test]
async fn another_merchants_refund_is_not_there() {
    let door = Door::new();
    door.card_sale("pen-000001", 1234);
    let refund = door.refund(&asked("pen-000001", "R1", 1234, 1234)).await.expect(200);
    let other = door.fixture.another_merchant(1_900_000_002, None);
    assert_eq!(door.fixture.service.queries.refund_by_number(other, "R1").unwrap(), None);
    assert_eq!(MCHID.parse::<i64>().unwrap(), door.fixture.merchant.0);
    let unknown = format!("{REFUNDS}/{}/apply-abnormal-refund", RefundNumber(RefundId(1 << 50)));
    let own = json!({ "out_refund_no": "R1", "type": "MERCHANT_BANK_CARD" });
    door.post(unknown, &own).send().await.refused(400, "INVALID_REQUEST");
    let _ = refund;
    door.bank_says(id_of(&door.look("R1").await.expect(200)), 1, ChannelAnswer::Succeeded("REF".into()));
    door.fixture.prove();
}
