//! The notification of an echo: as that of an order, with the merchant's own message (wire §1.11).

use crate::{eventually, merchant::Merchant, note, work};
use domain::{
    Command, Key,
    echo::{self, NewEcho},
    notification::{About, Notification, NotificationState},
};
use engine::ManualClock;
use fixture::{APIV3_KEY, Fixture, START};
use serde_json::json;
use std::time::Duration;
use types::{PageRequest, time};

fn ask(fixture: &Fixture, url: &str) {
    let message = r#"{"echo_message":"明文","encrypted_echo_message":"Y2lwaGVy"}"#.into();
    let new = NewEcho { merchant: fixture.merchant, notify_url: url.into(), message };
    fixture.run(Command::Echo(Box::new(new)));
}

fn owed(fixture: &Fixture) -> Notification {
    fixture.service.queries.notifications(None, PageRequest::new(1, None)).unwrap().rows[0]
}

async fn tried(fixture: &Fixture, times: u32) -> Notification {
    eventually("tried", || Some(owed(fixture)).filter(|owed| owed.attempts == times)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_echo_is_signed_encrypted_and_tried_again_under_its_id() {
    let fixture = Fixture::new();
    let merchant = Merchant::open().await;
    let worker = work(&fixture);
    merchant.answers(500, "");
    ask(&fixture, &merchant.url());
    let first = tried(&fixture, 1).await;
    assert_eq!((first.last_status, first.state), (500, NotificationState::Pending));
    fixture.clock.advance(15 * time::SECOND);
    let last = tried(&fixture, 2).await;
    assert_eq!((last.last_status, last.state, last.next_at), (204, NotificationState::Delivered, None));
    let got = merchant.got();
    assert_eq!(got.len(), 2);
    for got in &got {
        let json = got.json();
        assert_eq!(json["id"], last.id.wire());
        assert_eq!(json["event_type"], "SECURITY_ECHO.SUCCESS");
        assert_eq!(json["resource_type"], "encrypt-resource");
        assert_eq!(json["resource"]["original_type"], "security");
        let clear = got.open(&fixture, APIV3_KEY, fixture.service.wall_now());
        assert_eq!(clear, json!({ "echo_message": "明文", "encrypted_echo_message": "Y2lwaGVy" }));
    }
    assert_ne!(got[0].header("wechatpay-nonce"), got[1].header("wechatpay-nonce"));
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_a_sandbox_no_echo_reaches_this_machine() {
    let merchant = Merchant::open().await;
    let fixture = Fixture::with(ManualClock::standing(START), |settings| settings.sandbox = false);
    let worker = work(&fixture);
    ask(&fixture, &merchant.url());
    let kept = tried(&fixture, 1).await;
    let why = note(&fixture.service, kept.journal);
    assert!(why.contains("127.0.0.1 is not a public address"), "{why}");
    assert_eq!(merchant.got().len(), 0);
    assert!(worker.stop(Duration::from_secs(5)).await);
}

/// The platform stood still for days: the message was swept before it was sent, and the merchant finds why.
#[tokio::test(flavor = "multi_thread")]
async fn an_echo_whose_message_is_gone_is_given_up_with_a_reason() {
    let fixture = Fixture::new();
    let merchant = Merchant::open().await;
    ask(&fixture, &merchant.url());
    let About::Echo(id) = owed(&fixture).about else { panic!("an echo is owed") };
    fixture.clock.advance(echo::KEPT + time::SECOND);
    fixture.run(Command::Sweep(types::Shard::FIRST, vec![Key::Echo(id)]));
    let worker = work(&fixture);
    for times in 1..=16 {
        let kept = tried(&fixture, times).await;
        let why = note(&fixture.service, kept.journal);
        assert!(why.contains("no longer kept"), "{why}");
        fixture.clock.advance(6 * time::HOUR);
    }
    assert_eq!(owed(&fixture).state, NotificationState::GivenUp);
    assert_eq!(merchant.got().len(), 0);
    assert!(worker.stop(Duration::from_secs(5)).await);
}
