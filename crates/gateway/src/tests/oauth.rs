//! Authorization codes.

use super::door::{APPID, Door};
use domain::{Command, application::Application, records::Digest};
use serde_json::Value;
use types::time::MINUTE;

const SECRET: &str = "fedcba9876543210fedcba9876543210";

/// The application with a secret, and a code the payer has agreed to.
fn agree(door: &Door, code: &str) {
    let hasher = door.fixture.vault().hasher();
    let digest = |subject: &str, text: &str| Digest(*hasher.code(subject, text).as_bytes());
    door.fixture.run(Command::RegisterApplication(Box::new(Application {
        id: door.fixture.app,
        name: "Tea".into(),
        redirect_hosts: vec![fixture::REDIRECT_HOST.into()],
        secret: Some(digest(&format!("app_secret:{APPID}"), SECRET)),
    })));
    door.fixture.run(Command::Authorise {
        app: door.fixture.app,
        payer: door.fixture.payer,
        code: digest("oauth", code),
        redirect_host: fixture::REDIRECT_HOST.into(),
    });
}

async fn exchange(door: &Door, query: &str) -> Value {
    let answer = door.local("GET", format!("/sns/oauth2/access_token?{query}"), &Value::Null).send().await;
    assert!(answer.header("request-id").is_some());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.expect(200)
}

fn query(code: &str) -> String {
    format!("appid={APPID}&secret={SECRET}&code={code}&grant_type=authorization_code")
}

#[tokio::test]
async fn a_code_is_exchanged_for_the_openid_once() {
    let door = Door::new();
    agree(&door, "code+1/=");
    let granted = exchange(&door, &query("code+1%2F=")).await;
    assert_eq!(granted["openid"], door.openid());
    assert_eq!((&granted["expires_in"], &granted["scope"]), (&7200.into(), &"snsapi_base".into()));
    assert_ne!(granted["access_token"], granted["refresh_token"]);
    assert_eq!(exchange(&door, &query("code+1%2F=")).await["errcode"], 40029);
}

#[tokio::test]
async fn what_is_wrong_has_the_classic_number() {
    let door = Door::new();
    agree(&door, "right");
    let good = query("right");
    for (query, errcode) in [
        (good.replace(APPID, "wx0000000000000bad"), 40013),
        (good.replace(APPID, "me"), 40013),
        (good.replace(SECRET, "wrong"), 40125),
        (good.replace("right", "wrong"), 40029),
        (good.replace("authorization_code", "password"), 40002),
        (good.replace("&grant_type=authorization_code", ""), 40002),
        (good.replace("&code=right", ""), 41008),
        (good.replace("&secret=", "&secret2="), 41004),
        (good.replace("appid=", "app="), 41002),
        (format!("{good}&code=right"), 47001),
    ] {
        let refused = exchange(&door, &query).await;
        assert_eq!(refused["errcode"], errcode, "{query}: {refused}");
        assert!(refused.get("openid").is_none());
    }
    door.fixture.clock.advance(5 * MINUTE);
    assert_eq!(exchange(&door, &good).await["errcode"], 40029);
}

#[tokio::test]
async fn codes_and_secrets_can_not_be_tried_out() {
    let door = Door::new();
    let address = "127.0.0.1".parse().unwrap();
    let soon = std::time::Instant::now() + std::time::Duration::from_secs(60);
    for _ in 0..crate::oauth::PER_SECOND {
        door.gateway.exchanges.count(address, soon);
    }
    assert_eq!(exchange(&door, &query("x")).await["errcode"], 45011);
}
