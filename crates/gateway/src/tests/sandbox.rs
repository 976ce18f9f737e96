//! The sandbox's own endpoints.

use super::door::{APPID, Door, MCHID, NATIVE};
use domain::{Command, notification::Attempt};
use serde_json::{Value, json};
use service::{Message, Messenger};
use types::{NotificationId, Phone};

const PAYMENTS: &str = "/sandbox/v1/payments";

#[tokio::test]
async fn nobody_from_elsewhere_sees_that_a_sandbox_is_there() {
    let door = Door::new();
    let url = door.place("local-0001", 100).await;
    let asked = json!({ "openid": door.openid(), "code_url": url });
    for peer in [Some("192.0.2.7:4000"), Some("10.0.0.1:4000"), None] {
        let answer = door.local("POST", PAYMENTS, &asked).from(peer).send().await;
        assert_eq!(answer.status, 404, "{peer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
    let proxied = door.local("POST", PAYMENTS, &asked).header("x-forwarded-for", "127.0.0.1").send().await;
    assert_eq!(proxied.status, 404);
    for site in ["cross-site", "same-site"] {
        let page = door.local("POST", PAYMENTS, &asked).header("sec-fetch-site", site).send().await;
        assert_eq!(page.status, 403);
    }
    assert_eq!(door.state("local-0001").await, "NOTPAY");
    let own = door.local("POST", PAYMENTS, &asked).header("sec-fetch-site", "same-origin").send().await;
    assert_eq!(own.expect(200)["trade_state"], "SUCCESS");
}

#[tokio::test]
async fn a_payment_that_can_not_be_understood_is_a_problem_that_says_why() {
    let door = Door::new();
    let url = door.place("asked-0001", 100).await;
    let openid = door.openid();
    let app = door.fixture.vault().tokens().openid(types::AppId(7), door.fixture.payer);
    for asked in [
        Value::Null,
        json!({}),
        json!([]),
        json!({ "openid": 1 }),
        json!({ "openid": openid }),
        json!({ "openid": openid, "code_url": url, "prepay_id": "x" }),
        json!({ "openid": openid, "code_url": "weixin://wxpay/bizpayurl?pr=x" }),
        json!({ "openid": openid, "prepay_id": url }),
        json!({ "openid": openid, "h5_url": "http://127.0.0.1/pay/h5" }),
        json!({ "openid": openid, "code_url": url, "colour": "jade" }),
        json!({ "openid": "nobody", "code_url": url }),
        json!({ "openid": app, "code_url": url }),
    ] {
        let answer = door.local("POST", PAYMENTS, &asked).send().await;
        let problem = answer.expect(400);
        assert_eq!((&problem["status"], &problem["code"]), (&json!(400), &json!("PARAM_ERROR")), "{asked}");
        assert!(!problem["detail"].as_str().unwrap().is_empty());
    }
    let long = json!({ "openid": "x".repeat(20_000), "code_url": url });
    door.local("POST", PAYMENTS, &long).send().await.expect(413);
    door.local("GET", PAYMENTS, &Value::Null).send().await.expect(405);
    door.local("GET", "/sandbox/v1/nowhere", &Value::Null).send().await.expect(404);
    assert_eq!(door.state("asked-0001").await, "NOTPAY");
}

#[tokio::test]
async fn an_order_for_one_payer_is_not_paid_by_another() {
    let door = Door::new();
    let other =
        door.local("POST", "/sandbox/v1/payers", &json!({ "balance": 10_000 })).send().await.expect(200);
    let order = door.order("whose-0002", 100, &json!({ "payer": { "openid": door.openid() } }));
    let placed = door.post("/v3/pay/transactions/jsapi", &order).send().await.expect(200);
    let asked = json!({ "openid": other["openid"], "prepay_id": placed["prepay_id"] });
    let refused = door.local("POST", PAYMENTS, &asked).send().await.refused(400, "INVALID_REQUEST");
    assert_eq!(refused["reason"], "wrong_payer");
    door.pay("prepay_id", placed["prepay_id"].as_str().unwrap()).await.expect(200);
}

#[tokio::test]
async fn a_new_payer_has_money_a_card_and_a_phone() {
    let door = Door::new();
    let asked = json!({ "balance": 7_500_000, "appid": APPID });
    let made = door.local("POST", "/sandbox/v1/payers", &asked).send().await.expect(200);
    assert_eq!((&made["balance"], &made["pin"]), (&json!(7_500_000), &json!("123456")));
    let openid = made["openid"].as_str().unwrap();
    let payer = door.fixture.vault().tokens().open_openid(door.fixture.app, openid).unwrap();
    let service = &door.fixture.service;
    let account = ledger::AccountId::payer_balance(payer, types::Currency::CNY);
    assert_eq!(service.queries.account(account).unwrap().available().minor, 7_500_000);
    assert_eq!(service.queries.cards(payer).unwrap().len(), 1);
    let phone = Phone::parse(made["phone"].as_str().unwrap()).unwrap();
    let hash = domain::records::Digest(*service.vault.hasher().phone(&phone).as_bytes());
    assert_eq!(service.queries.payer_by_phone(hash).unwrap(), Some(payer));
    door.local("POST", "/sandbox/v1/payers", &json!({})).send().await.expect(200);
    for bad in [json!({ "balance": -1 }), json!({ "balance": 100_000_001 }), json!({ "appid": "wx" })] {
        door.local("POST", "/sandbox/v1/payers", &bad).send().await.expect(400);
    }
    door.fixture.prove();
}

#[tokio::test]
async fn the_pin_of_the_wallet_is_not_guessed() {
    let door = Door::new();
    let (old, new) = (door.fixture.pin("123456"), door.fixture.pin("654321"));
    door.fixture.run(Command::SetPin { payer: door.fixture.payer, new, old: Some(old) });
    let url = door.place("pin-000001", 100).await;
    let refused = door.pay("code_url", &url).await.expect(403);
    assert!(refused["detail"].as_str().unwrap().contains("PIN"));
}

#[tokio::test]
async fn notifications_are_listed_newest_first_and_sent_again() {
    let door = Door::new();
    for number in ["heard-0001", "heard-0002", "heard-0003"] {
        let url = door.place(number, 100).await;
        door.pay("code_url", &url).await.expect(200);
    }
    let list = |query: &str| door.local("GET", format!("/sandbox/v1/notifications{query}"), &Value::Null);
    let all = list("").send().await.expect(200);
    let rows = all["notifications"].as_array().unwrap();
    let numbers: Vec<&str> = rows.iter().map(|row| row["out_trade_no"].as_str().unwrap()).collect();
    assert_eq!(numbers, ["heard-0003", "heard-0002", "heard-0001"]);
    let first = &rows[0];
    assert_eq!((&first["state"], &first["attempts"]), (&json!("pending"), &json!(0)));
    assert_eq!((&first["last_status"], &first["event_type"]), (&Value::Null, &json!("TRANSACTION.SUCCESS")));
    assert_eq!(first["url"], "http://127.0.0.1:9/notify");
    let order = door.by_number("heard-0003").send().await.expect(200);
    assert_eq!(first["transaction_id"], order["transaction_id"]);

    let page = list("?limit=2").send().await.expect(200);
    let next = page["next"].as_str().unwrap();
    let rest = list(&format!("?limit=2&after={next}&mchid={MCHID}")).send().await.expect(200);
    assert_eq!(rest["notifications"].as_array().unwrap().len(), 1);
    assert!(rest.get("next").is_none());
    assert_eq!(list("?mchid=1900000002").send().await.expect(200)["notifications"], json!([]));
    for bad in ["?limit=x", "?mchid=me", "?after=-1", "?limit=1&limit=2"] {
        list(bad).send().await.expect(400);
    }

    let id = first["id"].as_str().unwrap();
    let attempt = Attempt { acknowledged: true, status: 204, took_ms: 3, error: "".into() };
    let kept = NotificationId::from_wire(id).expect("the id that the merchant receives");
    door.fixture.run(Command::RecordAttempt(kept, attempt));
    let row = || async { list("?limit=1").send().await.expect(200)["notifications"][0].clone() };
    let delivered = row().await;
    assert_eq!((&delivered["state"], &delivered["last_status"]), (&json!("delivered"), &json!(204)));
    assert_eq!((&delivered["attempts"], &delivered["next_at"]), (&json!(1), &Value::Null));
    let resend =
        |id: &str| door.local("POST", format!("/sandbox/v1/notifications/{id}/resend"), &Value::Null);
    let again = resend(id).send().await.expect(200);
    assert_eq!((&again["id"], &again["state"]), (&json!(id), &json!("pending")));
    assert_eq!(again, row().await);
    resend(&NotificationId(1).wire()).send().await.refused(404, "RESOURCE_NOT_EXISTS");
    resend("1").send().await.expect(400);
}

#[tokio::test]
async fn messages_of_a_phone_are_read() {
    let door = Door::new();
    let phone = Phone::parse("13900000001").unwrap();
    for text in ["one", "two"] {
        let message = Message { phone: phone.clone(), at: fixture::START, text: text.into() };
        door.fixture.inbox.send(message).unwrap();
    }
    let read = |phone: &str| door.local("GET", format!("/sandbox/v1/messages?phone={phone}"), &Value::Null);
    let expected = json!({ "messages": [
        { "at": "2026-01-05T10:00:00+08:00", "text": "two" },
        { "at": "2026-01-05T10:00:00+08:00", "text": "one" },
    ] });
    assert_eq!(read("13900000001").send().await.expect(200), expected);
    assert_eq!(read("13900000002").send().await.expect(200), json!({ "messages": [] }));
    read("139").send().await.expect(400);
}

#[tokio::test]
async fn a_card_whose_bank_is_silent_is_accepted_and_one_that_declines_is_refused() {
    let door = Door::new();
    let url = door.place("bank-00001", 100).await;
    let asked = json!({ "openid": door.openid(), "code_url": url, "card": true });
    let pay = || door.local("POST", PAYMENTS, &asked).send();
    let answer = |said: domain::payment::ChannelAnswer| {
        let queries = &door.fixture.service.queries;
        let found = || queries.order_by_number(door.fixture.merchant, "bank-00001").unwrap().unwrap();
        let fixture = &door.fixture;
        async move {
            let payment = loop {
                match found().payment {
                    Some(payment) => break payment,
                    None => tokio::task::yield_now().await,
                }
            };
            fixture.run(Command::AnswerPayment(payment, said));
        }
    };
    let (declined, ()) = tokio::join!(pay(), answer(domain::payment::ChannelAnswer::Declined("51".into())));
    let problem = declined.refused(403, "TRADE_ERROR");
    assert!(problem["detail"].as_str().unwrap().contains("51"));
    tokio::time::pause();
    let waiting = pay().await.expect(202);
    assert_eq!(waiting["state"], "authorising");
    assert!(waiting["payment_id"].is_string());
    let busy = pay().await.refused(400, "INVALID_REQUEST");
    assert_eq!(busy["reason"], "order_busy");
    let again = door.order("bank-00001", 100, &json!({}));
    door.post(NATIVE, &again).send().await.expect(200);
    let target = "/v3/pay/transactions/out-trade-no/bank-00001/close";
    door.post(target, &json!({ "mchid": MCHID })).send().await.refused(400, "INVALID_REQUEST");
}
