use super::*;
use crate::sealed::Algorithm;
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn the_body_is_that_of_the_wire() {
    let notification = Notification {
        id: "EV-2018022511223320873".into(),
        create_time: Time::from_unix(1_700_000_000),
        event: Event::TransactionSuccess,
        resource: Sealed {
            algorithm: Algorithm::Aes256Gcm,
            nonce: "fdasflkja484".into(),
            associated_data: "transaction".into(),
            ciphertext: "c2VhbGVk".into(),
        },
    };
    let body: Value = serde_json::from_slice(&notification.body()).unwrap();
    assert_eq!(
        body,
        json!({
            "id": "EV-2018022511223320873",
            "create_time": "2023-11-15T06:13:20+08:00",
            "event_type": "TRANSACTION.SUCCESS",
            "resource_type": "encrypt-resource",
            "summary": "支付成功",
            "resource": {
                "original_type": "transaction",
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": "c2VhbGVk",
                "associated_data": "transaction",
                "nonce": "fdasflkja484",
            }
        })
    );
    for event in [Event::TransactionSuccess, Event::SecurityEcho] {
        assert!(event.wire().len() <= 32 && event.summary().chars().count() <= 64);
    }
}

#[test]
fn answers_are_read_by_both_rules() {
    let long = format!(r#"{{"code":"FAIL","message":"{}"}}"#, "x".repeat(ANSWER_BYTES_MAX));
    let long_reason = format!(r#"{{"code":"FAIL","message":"{}"}}"#, "x".repeat(500));
    let cases: Vec<(u16, &str, Option<&str>)> = vec![
        (200, "", None),
        (204, "", None),
        (204, r#"{"code":"FAIL"}"#, None),
        (200, r#"{"code":"SUCCESS","message":"成功"}"#, None),
        (200, r#"{"code":"success"}"#, None),
        (200, "success", None),
        (200, "<html>", None),
        (200, r#"{"code":0,"message":"ok"}"#, None),
        (200, r#"{"return_code":"x"}"#, None),
        (200, r#"["FAIL"]"#, None),
        (200, &long, None),
        (200, r#"{"code":"FAIL","message":"数据库不可用"}"#, Some("HTTP 200 FAIL 数据库不可用")),
        (200, r#"{"code":"ERROR"}"#, Some("HTTP 200 ERROR ")),
        (201, "", Some("HTTP 201")),
        (202, r#"{"code":"SUCCESS"}"#, None),
        (202, r#"{"code":"FAIL"}"#, Some("HTTP 202 FAIL ")),
        (301, r#"{"code":"SUCCESS"}"#, Some("HTTP 301")),
        (400, r#"{"code":"SUCCESS"}"#, Some("HTTP 400")),
        (500, r#"{"code":"FAIL","message":"x"}"#, Some("HTTP 500")),
        (0, "", Some("HTTP 0")),
    ];
    for (status, body, reason) in cases {
        let expected = match reason {
            None => Acknowledgement::Received,
            Some(reason) => Acknowledgement::Refused(reason.into()),
        };
        assert_eq!(acknowledgement(status, body.as_bytes()), expected, "{status} {:.80}", body);
    }
    let Acknowledgement::Refused(reason) = acknowledgement(200, long_reason.as_bytes()) else {
        panic!("a refusal with a long reason is a refusal")
    };
    assert_eq!(reason.chars().count(), 128);
}

proptest! {
    #[test]
    fn no_answer_panics(status in any::<u16>(), body in prop::collection::vec(any::<u8>(), 0..120)) {
        let answer = acknowledgement(status, &body);
        prop_assert!((200..300).contains(&status) || answer != Acknowledgement::Received);
    }

    #[test]
    fn a_refusal_by_code_is_never_taken_for_received(code in "[A-Z_]{1,20}", message in "\\PC{0,20}") {
        prop_assume!(code != "SUCCESS");
        let body = json!({"code": code, "message": message}).to_string();
        // Supplementary characters make the object unreadable; then the status decides.
        if message.chars().all(|c| c <= '\u{ffff}') {
            prop_assert_ne!(acknowledgement(200, body.as_bytes()), Acknowledgement::Received);
        }
    }
}
