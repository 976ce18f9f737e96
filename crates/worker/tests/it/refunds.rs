//! Refunds to cards: the simulated bank's menu, outcomes that only the channel ends, and what merchants are told.

use crate::{a_while, eventually, merchant::Merchant, work};
use crypto::{ApiV3Key, aead::Encrypted};
use domain::{
    Actor, Caller, Command, Reply,
    order::Terms,
    payment::PaymentState,
    refund::{Funds, NewRefund, Receiver, Refund, RefundState, RefundTerms},
};
use fixture::Fixture;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use types::{Money, OrderId, RefundId, time};

const FEN: i64 = 1234;

/// An order paid from a card with this tail.
async fn sold(fixture: &Fixture, number: &str, tail: &str) -> OrderId {
    let order = fixture.place(Terms { notify_url: "".into(), ..fixture.terms(number, FEN) });
    let payment = fixture.pay_by_card(order, fixture.another_card(tail));
    eventually("paid", || {
        let paid = fixture.payment_record(payment).state == PaymentState::Succeeded;
        if !paid {
            fixture.clock.advance(time::SECOND);
        }
        paid.then_some(())
    })
    .await;
    order
}

/// Refunds all of it, and tells `url`.
fn refund(fixture: &Fixture, order: OrderId, fen: i64, url: &str) -> RefundId {
    let terms = RefundTerms {
        partner: None,
        merchant: fixture.merchant,
        number: format!("R{order}").into(),
        amount: Money::cny(fen),
        reason: "".into(),
        notify_url: url.into(),
        funds: Funds::Unsettled,
        extra: "".into(),
        digest: [0; 16],
    };
    let total = fixture.order_record(order).terms.amount.minor;
    let new = NewRefund { terms: Arc::new(terms), order: Some(order), order_number: None, total };
    let caller = Caller::of(Actor::Merchant(fixture.merchant));
    match fixture.attempt(Command::CreateRefund(Box::new(new)), caller) {
        Ok(Reply::Refund(id)) => id,
        other => panic!("the refund answered {other:?}"),
    }
}

fn record(fixture: &Fixture, id: RefundId) -> Refund {
    fixture.service.queries.refund(id).unwrap().unwrap()
}

async fn becomes(fixture: &Fixture, id: RefundId, state: RefundState) -> Refund {
    eventually(state.name(), || Some(record(fixture, id)).filter(|refund| refund.state == state)).await
}

/// What the merchant was told, decrypted: type and clear text.
fn opened(body: &[u8]) -> (String, Value) {
    let body: Value = serde_json::from_slice(body).unwrap();
    let sealed: Encrypted = serde_json::from_value(body["resource"].clone()).unwrap();
    assert_eq!(
        (&body["resource"]["original_type"], &body["resource"]["associated_data"]),
        (&json!("refund"), &json!("refund"))
    );
    let clear = ApiV3Key::parse(fixture::APIV3_KEY).unwrap().decrypt(&sealed).unwrap();
    (body["event_type"].as_str().unwrap().to_owned(), serde_json::from_slice(clear.expose()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn r_fin_68_a_refund_to_a_card_succeeds_and_is_told_once() {
    let (fixture, merchant) = (Fixture::new(), Merchant::open().await);
    let worker = work(&fixture);
    let order = sold(&fixture, "pen-000001", "4242").await;
    let id = refund(&fixture, order, FEN, &merchant.url());
    let done = becomes(&fixture, id, RefundState::Succeeded).await;
    assert_eq!(&*done.channel_code, format!("SR{id}-1"));
    let got = eventually("told", || merchant.got().first().cloned()).await;
    let (event, told) = opened(&got.body);
    assert_eq!((event.as_str(), &told["refund_status"]), ("REFUND.SUCCESS", &json!("SUCCESS")));
    assert_eq!(told["user_received_account"], "工商银行借记卡4242");
    assert_eq!(told["amount"], json!({"total": FEN, "refund": FEN, "payer_total": FEN, "payer_refund": FEN}));
    a_while().await;
    assert_eq!(merchant.got().len(), 1);
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

/// 0150: the card can't take it. Another card can.
#[tokio::test(flavor = "multi_thread")]
async fn an_abnormal_refund_is_told_and_goes_to_another_card() {
    let (fixture, merchant) = (Fixture::new(), Merchant::open().await);
    let worker = work(&fixture);
    let order = sold(&fixture, "pen-000001", "0150").await;
    let id = refund(&fixture, order, FEN, &merchant.url());
    let failed = becomes(&fixture, id, RefundState::Abnormal).await;
    assert_eq!(&*failed.channel_code, "invalid card number (14)");
    let got = eventually("told", || merchant.got().first().cloned()).await;
    let (event, told) = opened(&got.body);
    assert_eq!((event.as_str(), told.get("success_time")), ("REFUND.ABNORMAL", None));
    let to = Receiver {
        merchant: false,
        bank: "CMB_DEBIT".into(),
        tail: "8888".into(),
        token: "0123456789abcdef0123456789abcdef8888".into(),
    };
    let number = record(&fixture, id).terms.number.clone();
    fixture.run(Command::RetryRefund { by: fixture.merchant.into(), refund: id, number, to: Box::new(to) });
    let done = becomes(&fixture, id, RefundState::Succeeded).await;
    assert_eq!((done.attempt, &*done.channel_code), (2, &*format!("SR{id}-2")));
    let got = eventually("told", || merchant.got().get(1).cloned()).await;
    let (event, told) = opened(&got.body);
    assert_eq!(
        (event.as_str(), &told["user_received_account"]),
        ("REFUND.SUCCESS", &json!("招商银行借记卡8888"))
    );
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

/// 0168 and 0110: unknown for a while, and an answer that was lost; asking again brings the end.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_refund_ends_when_the_bank_knows() {
    for tail in ["0168", "0110"] {
        let fixture = Fixture::new();
        let worker = work(&fixture);
        let order = sold(&fixture, "pen-000001", tail).await;
        let id = refund(&fixture, order, FEN, "");
        let unknown = becomes(&fixture, id, RefundState::Unknown).await;
        assert_eq!(unknown.asked, 1, "{tail}");
        for _ in 0..3 {
            fixture.clock.advance(31 * time::SECOND);
            a_while().await;
        }
        becomes(&fixture, id, RefundState::Succeeded).await;
        assert!(worker.stop(Duration::from_secs(5)).await);
        fixture.prove();
    }
}

/// 0176: time alone ends nothing (Hyperswitch 2380).
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_the_bank_never_knows_stays_unknown() {
    let fixture = Fixture::new();
    let worker = work(&fixture);
    let order = sold(&fixture, "pen-000001", "0176").await;
    let id = refund(&fixture, order, FEN, "");
    for _ in 0..6 {
        fixture.clock.advance(30 * time::DAY);
        a_while().await;
    }
    let kept = record(&fixture, id);
    assert_eq!(kept.state, RefundState::Unknown);
    assert!(kept.asked > 2, "{kept:?}");
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn r_fin_53_a_refund_nobody_approves_is_closed_and_told() {
    let (fixture, merchant) = (Fixture::new(), Merchant::open().await);
    let worker = work(&fixture);
    let order = fixture.place(Terms { notify_url: "".into(), ..fixture.terms("pen-000001", 600_00) });
    fixture.pay(order);
    let id = refund(&fixture, order, 600_00, &merchant.url());
    assert_eq!(record(&fixture, id).state, RefundState::Waiting);
    a_while().await;
    assert_eq!(record(&fixture, id).state, RefundState::Waiting);
    fixture.clock.advance(8 * time::DAY);
    becomes(&fixture, id, RefundState::Closed).await;
    let got = eventually("told", || merchant.got().first().cloned()).await;
    assert_eq!(opened(&got.body).0, "REFUND.CLOSED");
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}
