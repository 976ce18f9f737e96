//! What every signed request goes through.

use super::door::{Door, LOCAL, MCHID, NATIVE};
use crypto::{PrivateKey, request::Caller};
use domain::{Command, merchant::MerchantChange};
use serde_json::{Value, json};
use types::time::SECOND;

const CERTIFICATES: &str = "/v3/certificates";

/// The header of a request signed over other texts than it is sent with.
fn signed(door: &Door, method: &str, target: &str, body: &[u8], seconds: i64, nonce: &str) -> String {
    let now = door.fixture.service.now().plus(seconds * SECOND);
    door.fixture.signer.authorization(method, target, body, now, nonce).unwrap()
}

#[tokio::test]
async fn both_key_modes_follow_the_request_and_the_switch() {
    let door = Door::new();
    let keys = door.fixture.service.keys();
    let (id, certificate) = (keys.public_key_id(), keys.certificates()[0].serial());
    let serial = |requested: Option<&str>| {
        let ask = door.get(CERTIFICATES);
        match requested {
            Some(serial) => ask.header("wechatpay-serial", serial),
            None => ask,
        }
    };
    for (requested, expected) in [
        (None, certificate),
        (Some(id), id),
        (Some(certificate), certificate),
        (Some("PUB_KEY_ID_0"), certificate),
    ] {
        let answer = serial(requested).send().await;
        answer.expect(200);
        assert_eq!(answer.verified(&door), expected, "{requested:?}");
        assert_eq!(answer.header("wechatpay-signature-type"), Some("WECHATPAY2-SHA256-RSA2048"));
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    }
    door.change(MerchantChange { public_key_mode: Some(false), ..Default::default() });
    assert_eq!(serial(Some(id)).send().await.verified(&door), certificate);
}

#[tokio::test]
async fn the_forms_that_sdks_sign_are_taken() {
    let door = Door::new();
    door.place("form|0001", 100).await;
    let wire = format!("/v3/pay/transactions/out-trade-no/form%7C0001?mchid={MCHID}");
    let decoded = format!("/v3/pay/transactions/out-trade-no/form|0001?mchid={MCHID}");
    for target in [
        wire.clone(),
        decoded,
        format!("http://127.0.0.1:8080{wire}"),
        format!("https://127.0.0.1:8080{wire}"),
    ] {
        let header = signed(&door, "GET", &target, b"", 0, &crypto::random::nonce().unwrap());
        door.get(&wire).authorization(header).send().await.expect(200);
    }
    let foreign = signed(&door, "GET", &format!("https://api.example.com{wire}"), b"", 0, "n-foreign");
    door.get(&wire).authorization(foreign).send().await.refused(401, "SIGN_ERROR");
}

#[tokio::test]
async fn a_verb_without_body_may_leave_the_last_line_out() {
    let door = Door::new();
    let target = "/v3/pay/transactions/out-trade-no/lines-0001/close";
    let now = door.fixture.service.now().unix();
    let message = format!("POST\n{target}\n{now}\nn-four-lines\n");
    let signature = door.fixture.signer.key.sign(message.as_bytes()).unwrap();
    let header = format!(
        "WECHATPAY2-SHA256-RSA2048 serial_no=\"{}\", mchid=\"{MCHID}\", signature=\"{signature}\", \
         nonce_str=\"n-four-lines\", timestamp=\"{now}\"",
        door.fixture.signer.serial.to_lowercase()
    );
    // It is the signer's, so the body is what is wrong.
    door.raw("POST", target, "").authorization(header).send().await.refused(400, "PARAM_ERROR");
}

#[tokio::test]
async fn r_ops_22_a_signature_over_anything_else_is_refused_and_shows_what_was_verified() {
    let door = Door::new();
    let body = door.order("sign-00001", 100, &json!({})).to_string();
    let right = |nonce| signed(&door, "POST", NATIVE, body.as_bytes(), 0, nonce);
    let changed =
        door.raw("POST", NATIVE, body.replace("100", "200")).authorization(right("n1")).send().await;
    let refused = changed.refused(401, "SIGN_ERROR");
    let detail = &refused["detail"];
    assert_eq!((&detail["field"], &detail["location"]), (&json!("signature"), &json!("authorization")));
    let information = &detail["sign_information"];
    assert_eq!((&information["method"], &information["url"]), (&json!("POST"), &json!(NATIVE)));
    let shown = information["truncated_sign_message"].as_str().unwrap();
    assert!(shown.starts_with(&format!("POST\n{NATIVE}\n")) && shown.contains("\nn1\n"), "{shown}");
    assert!(!shown.contains("out_trade_no"), "of the body only the ends");
    let expected = format!("POST\n{NATIVE}\n{}\nn1\n{body}\n", door.fixture.service.now().unix());
    assert_eq!(information["sign_message_length"], expected.len());
    assert_eq!(changed.header("www-authenticate"), Some("WECHATPAY2-SHA256-RSA2048"));

    let app = "/v3/pay/transactions/app";
    door.raw("POST", app, body.clone()).authorization(right("n2")).send().await.refused(401, "SIGN_ERROR");
    let spaced = format!("{body}\n");
    door.raw("POST", NATIVE, spaced).authorization(right("n3")).send().await.refused(401, "SIGN_ERROR");
    door.by_number("sign-00001").send().await.refused(404, "ORDER_NOT_EXIST");
    // Raw bytes are verified: a body with a line feed at its end is fine when it was signed so.
    let spaced = format!("{body}\n");
    door.raw("POST", NATIVE, spaced).send().await.expect(200);
}

#[tokio::test]
async fn a_foreign_key_a_foreign_merchant_and_a_foreign_certificate_are_refused() {
    let door = Door::new();
    let now = door.fixture.service.now();
    let signer = &door.fixture.signer;
    let foreign = Caller { key: PrivateKey::generate().unwrap(), ..signer.clone() };
    let unknown = Caller { mchid: types::MerchantId(1_900_000_999), ..signer.clone() };
    let serial = Caller { serial: "7".repeat(40), ..signer.clone() };
    for (number, caller) in [foreign, unknown, serial].into_iter().enumerate() {
        let header = caller.authorization("GET", CERTIFICATES, b"", now, &format!("n{number}")).unwrap();
        let refused = door.get(CERTIFICATES).authorization(header).send().await.refused(401, "SIGN_ERROR");
        assert_eq!(refused["detail"]["sign_information"].is_object(), number == 0, "{refused}");
    }
    door.get(CERTIFICATES).send().await.expect(200);
    door.fixture.run(Command::RevokeCertificate(signer.serial.as_str().into()));
    door.get(CERTIFICATES).send().await.refused(401, "SIGN_ERROR");
}

#[tokio::test]
async fn a_header_that_is_none_is_a_signature_error() {
    let door = Door::new();
    door.get(CERTIFICATES).unsigned().send().await.refused(401, "SIGN_ERROR");
    let good = signed(&door, "GET", CERTIFICATES, b"", 0, "n0");
    for bad in [
        String::new(),
        "Bearer abc".into(),
        good.replace('"', ""),
        good[..good.len() / 2].into(),
        format!("{good},mchid=\"1\""),
        format!("{good}{}", ",".repeat(10_000)),
        good.replace("mchid=\"19", "mchid=\"x9"),
    ] {
        door.get(CERTIFICATES).authorization(bad).send().await.refused(401, "SIGN_ERROR");
    }
    let twice = door.get(CERTIFICATES).header("authorization", good);
    twice.send().await.refused(401, "SIGN_ERROR");
}

#[tokio::test]
async fn the_clock_may_be_five_minutes_off_on_both_sides() {
    let door = Door::new();
    for (seconds, taken) in [(-3600, false), (-301, false), (-300, true), (300, true), (301, false)] {
        let header = signed(&door, "GET", CERTIFICATES, b"", seconds, &format!("n{seconds}"));
        let answer = door.get(CERTIFICATES).authorization(header).send().await;
        if taken {
            answer.expect(200);
        } else {
            answer.refused(401, "SIGN_ERROR");
        }
    }
}

#[tokio::test]
async fn a_nonce_stands_for_one_request_which_may_come_again() {
    let door = Door::new();
    let (one, two) = (door.order("nonce-0001", 1, &json!({})), door.order("nonce-0002", 1, &json!({})));
    let ask = |order: &Value| {
        let body = order.to_string();
        let header = signed(&door, "POST", NATIVE, body.as_bytes(), 0, "one-nonce");
        door.raw("POST", NATIVE, body).authorization(header)
    };
    ask(&one).send().await.expect(200);
    ask(&one).send().await.expect(200);
    ask(&two).send().await.refused(401, "SIGN_ERROR");
    let header = signed(&door, "GET", CERTIFICATES, b"", 0, "one-nonce");
    door.get(CERTIFICATES).authorization(header).send().await.refused(401, "SIGN_ERROR");
    door.by_number("nonce-0002").send().await.refused(404, "ORDER_NOT_EXIST");
}

#[tokio::test]
async fn r_ops_22_a_merchant_over_its_rate_is_told_to_wait() {
    let door = Door::new();
    door.change(MerchantChange { rate_per_s: Some(2), ..Default::default() });
    let mut refused = 0;
    for _ in 0..12 {
        let answer = door.get(CERTIFICATES).send().await;
        if answer.status == 429 {
            answer.refused(429, "FREQUENCY_LIMITED");
            assert_eq!(answer.header("retry-after"), Some("1"));
            refused += 1;
        }
    }
    assert!(refused > 0, "twelve requests at once are over a rate of two a second");
    // Only requests that were proved count: nobody else can use a merchant's rate up.
    door.change(MerchantChange { rate_per_s: Some(1), ..Default::default() });
    for _ in 0..20 {
        door.get(CERTIFICATES).unsigned().send().await.refused(401, "SIGN_ERROR");
    }
    door.get(CERTIFICATES).send().await.expect(200);
}

#[tokio::test]
async fn a_body_over_the_bound_is_refused_before_it_is_read() {
    let door = Door::new();
    let long = " ".repeat(1 << 20);
    let order = door.order("long-00001", 100, &json!({})).to_string();
    let fits = format!("{order}{}", &long[order.len()..]);
    door.raw("POST", NATIVE, fits.clone()).send().await.expect(200);
    let refused = door.raw("POST", NATIVE, fits + " ").send().await;
    refused.refused(413, "PARAM_ERROR");
}

#[tokio::test]
async fn addresses_and_methods_that_do_not_exist_have_bodies() {
    let door = Door::new();
    for target in ["/v3", "/v3/", "/v3/nowhere", "/v3/pay/transactions/nowhere", "/v3/pay/transactions/id/"] {
        let answer = door.get(target).send().await;
        if target.starts_with("/v3/") && target != "/v3/" {
            answer.refused(404, "NOT_FOUND");
        } else {
            assert_eq!(answer.status, 404, "{target}");
        }
    }
    for (method, target, allow) in
        [("PUT", NATIVE, "POST"), ("GET", NATIVE, "POST"), ("POST", CERTIFICATES, "GET,HEAD")]
    {
        let answer = door.raw(method, target, "").unsigned().send().await;
        answer.refused(405, "NOT_FOUND");
        assert_eq!(answer.header("allow"), Some(allow));
    }
}

#[tokio::test]
async fn messages_come_in_the_language_asked_for_and_each_answer_has_its_id() {
    let door = Door::new();
    let mut ids = Vec::new();
    for (language, ascii) in [("en", true), ("zh-CN", false), ("fr", false)] {
        for ask in
            [door.raw("POST", NATIVE, "{}"), door.get(CERTIFICATES).unsigned(), door.get("/v3/nowhere")]
        {
            let answer = ask.header("accept-language", language).send().await;
            assert_eq!(answer.json()["message"].as_str().unwrap().is_ascii(), ascii, "{language}");
            ids.push(answer.header("request-id").unwrap().to_owned());
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[tokio::test]
async fn a_request_without_user_agent_passes_and_one_with_is_in_the_journal() {
    let door = Door::new();
    let order = |number: &str| door.order(number, 5, &json!({}));
    door.post(NATIVE, &order("agent-0001")).send().await.expect(200);
    let long = format!("sdk/1.0 {}", "x".repeat(200));
    let ask = door.post(NATIVE, &order("agent-0002")).header("user-agent", &long);
    ask.from(Some(LOCAL)).header("x-forwarded-for", "198.51.100.1, 203.0.113.9").send().await.expect(200);
    let line = |number: &str| {
        let queries = &door.fixture.service.queries;
        let order = queries.order_by_number(door.fixture.merchant, number).unwrap().unwrap();
        queries.timeline(order.journal, 1).unwrap().remove(0)
    };
    assert_eq!(line("agent-0001").actor, format!("merchant:{MCHID}"));
    assert_eq!(line("agent-0001").address.as_deref(), Some("192.0.2.7"));
    assert_eq!(line("agent-0001").device, None);
    assert_eq!(line("agent-0002").address.as_deref(), Some("203.0.113.9"));
    assert_eq!(line("agent-0002").device.as_deref(), Some(&long[..120]));
}

#[tokio::test]
async fn an_address_that_often_fails_is_spared_the_costly_forms_only() {
    let door = Door::new();
    let absolute = || {
        let target = format!("http://127.0.0.1:8080{CERTIFICATES}");
        let header = signed(&door, "GET", &target, b"", 0, &crypto::random::nonce().unwrap());
        door.get(CERTIFICATES).authorization(header)
    };
    absolute().send().await.expect(200);
    let address = "192.0.2.7".parse().unwrap();
    // Counted ahead of time, so that the second is not over however slow the machine is.
    let soon = std::time::Instant::now() + std::time::Duration::from_secs(60);
    for _ in 0..crate::transport::FAILURES_PER_SECOND {
        door.gateway.failures.count(address, soon);
    }
    absolute().send().await.refused(401, "SIGN_ERROR");
    door.get(CERTIFICATES).send().await.expect(200);
    absolute().from(Some("198.51.100.1:5")).send().await.expect(200);
}
