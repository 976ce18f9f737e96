//! 付款码: scanned, paid at once or after the PIN, reversed.

use super::door::{APPID, Answer, Door, MCHID};
use serde_json::{Value, json};
use types::time::{DAY, MINUTE};

const CODEPAY: &str = "/v3/pay/transactions/codepay";

async fn shown(door: &Door) -> String {
    let asked = json!({ "openid": door.openid() });
    let shown = door.local("POST", "/sandbox/v1/payment-codes", &asked).send().await.expect(200);
    assert!(shown["expires_at"].as_str().unwrap().ends_with("+08:00"));
    shown["auth_code"].as_str().unwrap().to_owned()
}

fn order(number: &str, fen: i64, code: &str) -> Value {
    json!({
        "appid": APPID,
        "mchid": MCHID,
        "description": "一壶龙井",
        "out_trade_no": number,
        "payer": { "auth_code": code },
        "amount": { "total": fen },
        "scene_info": { "device_id": "till-1", "store_info": { "id": "0001" } },
    })
}

async fn scan(door: &Door, number: &str, fen: i64, code: &str) -> Answer {
    door.post(CODEPAY, &order(number, fen, code)).send().await
}

async fn reverse(door: &Door, number: &str) -> Answer {
    let target = format!("/v3/pay/transactions/out-trade-no/{number}/reverse");
    door.post(target, &json!({ "appid": APPID, "mchid": MCHID })).send().await
}

async fn decide(door: &Door, number: &str, refuse: bool) -> Answer {
    let asked = json!({ "out_trade_no": number, "mchid": MCHID, "refuse": refuse });
    door.local("POST", "/sandbox/v1/payment-codes/confirm", &asked).send().await
}

#[tokio::test]
async fn a_small_payment_is_paid_at_once_and_the_same_request_again_tells_so() {
    let door = Door::new();
    let code = shown(&door).await;
    let answer = scan(&door, "till-00001", 350, &code).await;
    let paid = answer.expect(200);
    answer.verified(&door);
    assert_eq!((&paid["trade_state"], &paid["trade_type"]), (&json!("SUCCESS"), &json!("MICROPAY")));
    assert_eq!(
        (&paid["amount"]["payer_total"], &paid["scene_info"]["device_id"]),
        (&json!(350), &json!("till-1"))
    );
    assert_eq!(scan(&door, "till-00001", 350, &code).await.expect(200), paid);
    assert_eq!(door.by_number("till-00001").send().await.expect(200), paid);
    scan(&door, "till-00001", 351, &code).await.refused(403, "OUT_TRADE_NO_USED");
    scan(&door, "till-00002", 350, &code).await.refused(400, "INVALID_REQUEST");
    door.by_number("till-00002").send().await.refused(404, "ORDER_NOT_EXIST");
    door.fixture.prove();
}

#[tokio::test]
async fn a_code_that_is_none_of_ours_or_too_old_is_refused() {
    let door = Door::new();
    for code in ["", "1", "12345678901234567", "1234567890123456789", "13456789012345678x"] {
        scan(&door, "till-00003", 100, code).await.refused(400, "PARAM_ERROR");
    }
    let code = shown(&door).await;
    let last = code.as_bytes()[17];
    let mistyped = format!("{}{}", &code[..17], if last == b'0' { '1' } else { '0' });
    let english =
        |code: &str| door.post(CODEPAY, &order("till-00003", 100, code)).header("accept-language", "en");
    for (code, says) in [("999999999999999999", "wallet"), (mistyped.as_str(), "last digit")] {
        let refused = english(code).send().await.refused(400, "INVALID_REQUEST");
        assert!(refused["message"].as_str().unwrap().contains(says), "{refused}");
        assert!(!refused.to_string().contains(code));
    }
    door.fixture.clock.advance(MINUTE + 11_000_000);
    let refused = english(&code).send().await.refused(400, "INVALID_REQUEST");
    assert!(refused["message"].as_str().unwrap().contains("expired"), "{refused}");
    door.by_number("till-00003").send().await.refused(404, "ORDER_NOT_EXIST");
}

#[tokio::test]
async fn a_large_payment_waits_for_the_pin() {
    let door = Door::new();
    let (code, dear) = (shown(&door).await, 100_001);
    for _ in 0..2 {
        let waiting = scan(&door, "till-00004", dear, &code).await;
        waiting.refused(202, "USERPAYING");
        waiting.verified(&door);
    }
    assert_eq!(door.state("till-00004").await, "USERPAYING");
    let paid = decide(&door, "till-00004", false).await.expect(200);
    assert_eq!(paid["trade_state"], "SUCCESS");
    assert_eq!(scan(&door, "till-00004", dear, &code).await.expect(200), paid);

    let code = shown(&door).await;
    scan(&door, "till-00005", dear, &code).await.refused(202, "USERPAYING");
    assert_eq!(decide(&door, "till-00005", true).await.expect(200)["trade_state"], "PAYERROR");
    decide(&door, "till-00005", false).await.refused(403, "TRADE_ERROR");
    assert_eq!(scan(&door, "till-00005", dear, &code).await.expect(200)["trade_state"], "PAYERROR");
    door.fixture.prove();
}

#[tokio::test]
async fn an_order_is_reversed_paid_or_not_again_and_again() {
    let door = Door::new();
    let before = door.fixture.balance();
    for (number, fen) in [("till-00006", 200), ("till-00007", 100_001)] {
        scan(&door, number, fen, &shown(&door).await).await;
        for _ in 0..2 {
            let reversed = reverse(&door, number).await;
            let expected = json!({ "appid": APPID, "mchid": MCHID, "out_trade_no": number });
            assert_eq!(reversed.expect(200), expected);
            reversed.verified(&door);
        }
        assert_eq!(door.state(number).await, "REVOKED");
    }
    assert_eq!(door.fixture.balance(), before);
    door.fixture.prove();
}

#[tokio::test]
async fn what_can_not_be_reversed_says_why() {
    let door = Door::new();
    reverse(&door, "till-00008").await.refused(404, "ORDER_NOT_EXIST");
    door.place("till-00009", 100).await;
    reverse(&door, "till-00009").await.refused(400, "INVALID_REQUEST");
    scan(&door, "till-00010", 200, &shown(&door).await).await.expect(200);
    let target = "/v3/pay/transactions/out-trade-no/till-00010/reverse";
    let other = json!({ "appid": "wx0000000000000bad", "mchid": MCHID });
    let refused = door.post(target, &other).send().await.refused(400, "PARAM_ERROR");
    assert_eq!(refused["detail"]["field"], "/appid");
    door.fixture.clock.advance(7 * DAY);
    reverse(&door, "till-00010").await.refused(400, "INVALID_REQUEST");
    assert_eq!(door.state("till-00010").await, "SUCCESS");
}

#[tokio::test]
async fn sharing_and_amounts_are_bounded_as_for_other_orders() {
    let door = Door::new();
    let code = shown(&door).await;
    let mut shared = order("till-00011", 100, &code);
    shared["settle_info"] = json!({ "profit_sharing": true });
    door.post(CODEPAY, &shared).send().await.refused(403, "NO_AUTH");
    let refused = scan(&door, "till-00011", 1_000_000_000_001, &code).await.refused(400, "PARAM_ERROR");
    assert_eq!(refused["detail"]["field"], "/amount/total");
    scan(&door, "till-00011", 100, &code).await.expect(200);
}
