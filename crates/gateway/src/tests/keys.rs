//! Platform certificates and the self-test of keys.

use super::door::Door;
use crypto::{ApiV3Key, Certificate, PublicKey, aead::Encrypted};
use domain::notification::About;
use serde_json::{Value, json};
use types::time::DAY;

const ECHO: &str = "/v3/security/echo";

#[tokio::test]
async fn the_certificates_open_with_the_apiv3_key_and_verify_the_answer() {
    let door = Door::new();
    let key = ApiV3Key::parse(fixture::APIV3_KEY).unwrap();
    let answer = door.get("/v3/certificates").send().await;
    let serial = answer.verified(&door);
    let list = answer.expect(200)["data"].as_array().unwrap().clone();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["serial_no"], serial);
    let sealed = &list[0]["encrypt_certificate"];
    assert_eq!(sealed["associated_data"], "certificate");
    let sealed: Encrypted = serde_json::from_value(sealed.clone()).unwrap();
    let pem = key.decrypt(&sealed).unwrap();
    let certificate = Certificate::from_pem(str::from_utf8(pem.expose()).unwrap()).unwrap();
    assert_eq!(certificate.serial(), serial);
    let now = door.fixture.service.now();
    answer.signed().verify(certificate.public_key(), &answer.body, now).unwrap();
}

#[tokio::test]
async fn a_new_certificate_is_listed_before_it_signs() {
    let door = Door::new();
    let service = &door.fixture.service;
    let old = door.get("/v3/certificates").send().await.verified(&door);
    service.rotate_certificate(service.now().plus(DAY)).await.unwrap();
    let answer = door.get("/v3/certificates").send().await;
    assert_eq!(answer.expect(200)["data"].as_array().unwrap().len(), 2);
    assert_eq!(answer.verified(&door), old);
    door.fixture.clock.advance(DAY);
    let new = door.get("/v3/certificates").send().await.verified(&door);
    assert_ne!(new, old);
}

#[tokio::test]
async fn only_rsa_certificates_are_offered() {
    let door = Door::new();
    for (kind, status) in [("RSA", 200), ("ALL", 200), ("SM2", 400), ("x", 400)] {
        let answer = door.get(format!("/v3/certificates?algorithm_type={kind}")).send().await;
        answer.expect(status);
    }
}

fn echo<'a>(door: &'a Door, body: &Value, serial: Option<&str>) -> super::door::Ask<'a> {
    let ask = door.post(ECHO, body);
    match serial {
        Some(serial) => ask.header("wechatpay-serial", serial),
        None => ask,
    }
}

#[tokio::test]
async fn r_ops_22_an_encrypted_message_comes_back_encrypted_for_the_merchant() {
    let door = Door::new();
    let keys = door.fixture.service.keys();
    let certificate = keys.certificates()[0].clone();
    let by_certificate = Certificate::from_pem(certificate.pem()).unwrap().public_key().clone();
    let platform: [(&str, &PublicKey); 2] =
        [(keys.public_key_id(), keys.public_key()), (certificate.serial(), &by_certificate)];
    for (serial, key) in platform {
        let sealed = key.encrypt_field("暗号 42").unwrap();
        let body = json!({ "echo_message": "明文", "encrypted_echo_message": sealed });
        let answer = echo(&door, &body, Some(serial)).send().await;
        let echoed = answer.expect(200);
        assert_eq!(answer.verified(&door), serial);
        assert_eq!(echoed["echo_message"], "明文");
        let again = echoed["encrypted_echo_message"].as_str().unwrap();
        assert_ne!(again, sealed);
        assert_eq!(door.fixture.signer.key.decrypt_field(again).unwrap().expose(), "暗号 42");
    }
    let plain = echo(&door, &json!({ "echo_message": "明文" }), None).send().await.expect(200);
    assert_eq!(plain, json!({ "echo_message": "明文" }));
}

#[tokio::test]
async fn a_message_that_can_not_be_read_names_what_is_wrong() {
    let door = Door::new();
    let keys = door.fixture.service.keys();
    let sealed = keys.public_key().encrypt_field("x").unwrap();
    let foreign = door.fixture.signer.key.public_key().encrypt_field("x").unwrap();
    let id = keys.public_key_id();
    for (sealed, serial, field, location) in [
        (&sealed, None, "Wechatpay-Serial", "header"),
        (&sealed, Some("PUB_KEY_ID_0"), "Wechatpay-Serial", "header"),
        (&foreign, Some(id), "/encrypted_echo_message", "body"),
        (&"YWJj".to_owned(), Some(id), "/encrypted_echo_message", "body"),
    ] {
        let body = json!({ "echo_message": "x", "encrypted_echo_message": sealed });
        let refused = echo(&door, &body, serial).send().await.refused(400, "PARAM_ERROR");
        assert_eq!(
            (&refused["detail"]["field"], &refused["detail"]["location"]),
            (&json!(field), &json!(location))
        );
    }
    let body = json!({ "echo_message": "x", "notify_url": "ftp://127.0.0.1/n" });
    let refused = echo(&door, &body, None).send().await.refused(400, "PARAM_ERROR");
    assert_eq!(refused["detail"]["field"], "/notify_url");
    assert_eq!(owed(&door), Vec::new(), "a refused request owes nothing");
}

/// The notifications on record, newest first.
fn owed(door: &Door) -> Vec<domain::notification::Notification> {
    let page = types::PageRequest::new(200, None);
    door.fixture.service.queries.notifications(Some(door.fixture.merchant), page).unwrap().rows
}

/// Wire §1.11: what is answered is owed to the notify address, too; without one nothing is.
#[tokio::test]
async fn an_echo_with_an_address_owes_the_answer_there() {
    let door = Door::new();
    let queries = &door.fixture.service.queries;
    let keys = door.fixture.service.keys();
    let sealed = keys.public_key().encrypt_field("暗号 42").unwrap();
    let url = "http://127.0.0.1:9/echo";
    echo(&door, &json!({ "echo_message": "明文" }), None).send().await.expect(200);
    assert_eq!(owed(&door), Vec::new());
    for body in [
        json!({ "echo_message": "明文 \"1\"", "notify_url": url }),
        json!({ "echo_message": "明文", "encrypted_echo_message": sealed, "notify_url": url }),
    ] {
        let echoed = echo(&door, &body, Some(keys.public_key_id())).send().await.expect(200);
        assert!(echoed.get("notify_url").is_none());
        let About::Echo(id) = owed(&door)[0].about else { panic!("an echo is owed") };
        let kept = queries.echo(id).unwrap().unwrap();
        assert_eq!((kept.merchant, &*kept.notify_url), (door.fixture.merchant, url));
        assert_eq!(serde_json::from_str::<Value>(&kept.message).unwrap(), echoed);
    }
    let listed = door.local("GET", "/sandbox/v1/notifications", &Value::Null).send().await.expect(200);
    let row = &listed["notifications"][0];
    assert_eq!((&row["event_type"], &row["url"]), (&json!("SECURITY_ECHO.SUCCESS"), &json!(url)));
    assert_eq!((&row["out_trade_no"], &row["transaction_id"]), (&Value::Null, &Value::Null));
    assert_eq!(listed["notifications"].as_array().unwrap().len(), 2);
}
