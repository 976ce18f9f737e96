//! A notification's life: sent, tried again, recorded, never lost (wire §5).

use crate::{a_while, eventually, merchant::Merchant, note, work};
use domain::{
    Batch, Caller, Command, JournalLine, Subject,
    merchant::MerchantChange,
    notification::{Notification, NotificationState, RETRY_S},
    order::{Order, OrderState},
    world::Change,
};
use fixture::{APIV3_KEY, Fixture};
use std::{collections::HashSet, time::Duration};
use store::memory::Break;
use types::{JournalId, NotificationId, PageRequest, time};

/// The notifications on record, newest first.
fn owed(fixture: &Fixture) -> Vec<Notification> {
    fixture.service.queries.notifications(None, PageRequest::new(200, None)).unwrap().rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_is_told_at_once() {
    let fixture = Fixture::new();
    let merchant = Merchant::open().await;
    let worker = work(&fixture);
    let order = fixture.paid_order("pen-000001", 1234, &format!("{}?shop=7", merchant.url()));
    let sent = eventually("delivered", || {
        Some(owed(&fixture)[0]).filter(|owed| owed.state == NotificationState::Delivered)
    })
    .await;
    assert_eq!((sent.attempts, sent.last_status, sent.next_at), (1, 204, None));
    let got = &merchant.got()[..];
    assert_eq!(got.len(), 1);
    let got = &got[0];
    assert_eq!(got.path, "/notify?shop=7");
    assert_eq!(got.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(got.header("request-id").len(), 32);

    let json = got.json();
    assert_eq!(json["id"], sent.id.wire());
    assert_eq!(NotificationId::from_wire(&got.id()), Some(sent.id));
    assert_eq!(json["create_time"], "2026-01-05T10:00:00+08:00");
    assert_eq!(json["event_type"], "TRANSACTION.SUCCESS");
    assert_eq!(json["resource"]["original_type"], "transaction");
    assert_eq!(json["resource"]["associated_data"], "transaction");
    let clear = got.open(&fixture, APIV3_KEY, fixture.service.wall_now());
    assert_eq!(clear["trade_state"], "SUCCESS");
    assert_eq!(clear["transaction_id"], types::TransactionId(order).to_string());
    assert_eq!(clear["amount"]["total"], 1234);
    assert_eq!(clear["bank_type"], "OTHERS");
    let openid = fixture.service.vault.tokens().openid(fixture.app, fixture.payer);
    assert_eq!(clear["payer"]["openid"], openid);
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

/// Wire §1.8: with the public key switched on it signs, so that an SDK set up with it alone can check; with it
/// switched off the certificate does.
#[tokio::test(flavor = "multi_thread")]
async fn the_merchants_switch_chooses_the_signing_key() {
    let fixture = Fixture::new();
    let merchant = Merchant::open().await;
    let worker = work(&fixture);
    for (place, on) in [true, false].into_iter().enumerate() {
        let change = MerchantChange { public_key_mode: Some(on), ..MerchantChange::default() };
        fixture.run(Command::ChangeMerchant(fixture.merchant, Box::new(change)));
        fixture.paid_order(&format!("key-00000{place}"), 100, &merchant.url());
        eventually("delivered", || (merchant.got().len() == place + 1).then_some(())).await;
        let got = merchant.got()[place].clone();
        let keys = fixture.service.keys();
        let named = got.header("wechatpay-serial");
        assert_eq!(named == keys.public_key_id(), on, "{named}");
        got.open(&fixture, APIV3_KEY, fixture.service.wall_now());
    }
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

/// R-less fact of the wire: 15 retries on their schedule, the same id, everything else fresh; then it is given up
/// and can be sent again by hand.
#[tokio::test(flavor = "multi_thread")]
async fn retries_keep_the_schedule_and_the_id() {
    let fixture = Fixture::new();
    let merchant = Merchant::open().await;
    let worker = work(&fixture);
    for _ in 0..=RETRY_S.len() {
        merchant.answers(500, r#"{"code":"FAIL","message":"later"}"#);
    }
    fixture.paid_order("pen-000001", 1234, &merchant.url());
    let recorded = async |times: u32| {
        eventually("recorded", || Some(owed(&fixture)[0]).filter(|owed| owed.attempts == times)).await
    };
    let mut tries = 1;
    for delay_s in RETRY_S {
        let kept = recorded(tries).await;
        assert_eq!(
            kept.next_at,
            Some(fixture.service.now().plus(delay_s * time::SECOND)),
            "after try {tries}"
        );
        assert_eq!(note(&fixture.service, kept.journal).split(" in ").next(), Some("500"));
        fixture.clock.advance(delay_s * time::SECOND - 1);
        a_while().await;
        assert_eq!(merchant.got().len(), usize::try_from(tries).unwrap(), "nothing before its time");
        fixture.clock.advance(1);
        tries += 1;
    }
    let kept = recorded(tries).await;
    assert_eq!((tries, kept.state, kept.next_at), (16, NotificationState::GivenUp, None));
    fixture.clock.advance(30 * time::DAY);
    a_while().await;
    assert_eq!(merchant.got().len(), 16, "given up is given up");

    fixture.run(Command::Resend(kept.id));
    let kept = recorded(17).await;
    assert_eq!((kept.state, kept.last_status), (NotificationState::Delivered, 204));

    let got = merchant.got();
    assert!(got.iter().all(|got| got.id() == kept.id.wire()), "the same id every time");
    assert!(got.iter().all(|got| got.json()["create_time"] == got.json()["create_time"]));
    for member in ["wechatpay-nonce", "wechatpay-signature", "request-id"] {
        let seen: HashSet<String> = got.iter().map(|got| got.header(member)).collect();
        assert_eq!(seen.len(), got.len(), "{member} is fresh every time");
    }
    let nonces: HashSet<String> = got.iter().map(|got| got.json()["resource"]["nonce"].to_string()).collect();
    assert_eq!(nonces.len(), got.len(), "the resource is encrypted under a fresh nonce every time");
    let clear: HashSet<String> = got
        .iter()
        .map(|got| {
            let at = got.header("wechatpay-timestamp").parse().unwrap();
            got.open(&fixture, APIV3_KEY, types::Time::from_unix(at)).to_string()
        })
        .collect();
    assert_eq!(clear.len(), 1, "and says the same every time");
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_events_were_lost_for_is_found_by_the_scan() {
    let fixture = Fixture::new();
    let merchant = Merchant::open().await;
    for n in 0..100 {
        fixture.paid_order(&format!("pen-{n:06}"), 1, &merchant.url());
    }
    a_while().await;
    let worker = work(&fixture); // it heard of none of them
    eventually("all delivered", || {
        owed(&fixture).iter().all(|owed| owed.state == NotificationState::Delivered).then_some(())
    })
    .await;
    let ids: HashSet<String> = merchant.got().iter().map(crate::merchant::Got::id).collect();
    assert_eq!((ids.len(), merchant.got().len()), (100, 100), "each once");
    assert!(worker.stop(Duration::from_secs(5)).await);
}

/// The program ends after the merchant got the notification and before that is on record.
#[tokio::test(flavor = "multi_thread")]
async fn a_try_that_was_not_recorded_is_made_again_with_the_same_id() {
    let mut fixture = Fixture::new();
    let merchant = Merchant::open().await;
    merchant.takes(Duration::from_millis(200));
    let worker = work(&fixture);
    fixture.paid_order("pen-000001", 1234, &merchant.url());
    eventually("sent", || (merchant.got().len() == 1).then_some(())).await;
    fixture.stop_engine();
    assert!(worker.stop(Duration::from_secs(5)).await);
    assert_eq!((owed(&fixture)[0].attempts, owed(&fixture)[0].state), (0, NotificationState::Pending));

    let fixture = fixture.restart();
    let worker = work(&fixture);
    eventually("delivered", || {
        Some(owed(&fixture)[0]).filter(|owed| owed.state == NotificationState::Delivered)
    })
    .await;
    let got = merchant.got();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].id(), got[1].id());
    assert_ne!(got[0].header("wechatpay-signature"), got[1].header("wechatpay-signature"));
    assert_eq!(owed(&fixture)[0].attempts, 1);
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_is_recorded_though_the_store_fails_for_a_moment() {
    let fixture = Fixture::new();
    let merchant = Merchant::open().await;
    merchant.takes(Duration::from_millis(100));
    let worker = work(&fixture);
    fixture.paid_order("pen-000001", 1234, &merchant.url());
    for how in [Break::Refused, Break::LostBefore, Break::LostAfter] {
        fixture.memory.break_commit(how);
    }
    eventually("delivered", || {
        Some(owed(&fixture)[0]).filter(|owed| owed.state == NotificationState::Delivered)
    })
    .await;
    assert!(worker.stop(Duration::from_secs(5)).await);
    assert_eq!((merchant.got().len(), owed(&fixture)[0].attempts), (1, 1));
}

/// Hyperswitch 9278: a notification that comes late says what happened, not how the order stands by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_notification_never_carries_a_later_state() {
    let mut fixture = Fixture::new();
    let merchant = Merchant::open().await;
    let order = fixture.paid_order("pen-000001", 1234, &merchant.url());
    fixture.stop_engine();
    write_by_hand(&fixture, Order { state: OrderState::Revoked, ..fixture.order_record(order) });
    let fixture = fixture.restart();
    let worker = work(&fixture);
    let got = eventually("sent", || merchant.got().pop()).await;
    let clear = got.open(&fixture, APIV3_KEY, fixture.service.wall_now());
    assert_eq!(clear["trade_state"], "SUCCESS");
    assert!(worker.stop(Duration::from_secs(5)).await);
}

/// No command of today changes a paid order that is owed a notification, so the test does.
fn write_by_hand(fixture: &Fixture, order: Order) {
    let mut store = fixture.memory.open();
    let stands = store.committer.recover().unwrap();
    let (number, at) = (stands.batch + 1, fixture.service.now().max(stands.at));
    let line = JournalLine {
        id: JournalId(number * 4096),
        at,
        caller: Caller::platform(),
        command: "by_hand",
        subject: Subject::Order(order.id),
        outcome: "ok",
        note: None,
        previous: None,
    };
    let orders = vec![Change { key: order.id, value: Some(order), existed: true, after: 0, before: None }];
    store.committer.commit(&Batch { number, at, journal: vec![line], orders, ..Batch::default() }).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_lets_a_try_end_and_be_recorded() {
    let fixture = Fixture::new();
    let merchant = Merchant::open().await;
    merchant.takes(Duration::from_millis(300));
    let worker = work(&fixture);
    fixture.paid_order("pen-000001", 1234, &merchant.url());
    eventually("sent", || (merchant.got().len() == 1).then_some(())).await;
    assert!(worker.stop(Duration::from_secs(5)).await, "it ended in time");
    assert_eq!(owed(&fixture)[0].state, NotificationState::Delivered);
    fixture.paid_order("pen-000002", 1234, &merchant.url());
    a_while().await;
    assert_eq!(merchant.got().len(), 1, "nothing begins after the stop");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_does_not_wait_longer_than_told() {
    let fixture = Fixture::new();
    let merchant = Merchant::open().await;
    merchant.takes(Duration::from_secs(60));
    let worker = work(&fixture);
    fixture.paid_order("pen-000001", 1234, &merchant.url());
    eventually("sent", || (merchant.got().len() == 1).then_some(())).await;
    let started = std::time::Instant::now();
    assert!(!worker.stop(Duration::from_millis(100)).await);
    assert!(started.elapsed() < Duration::from_secs(1));
}
