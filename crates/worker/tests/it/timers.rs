//! What happens by time alone, and what is cached.

use crate::{a_while, eventually, work};
use domain::{Command, Key, merchant::MerchantChange, order::OrderState};
use fixture::Fixture;
use std::{sync::Arc, time::Duration};
use types::{OrderId, time};

#[tokio::test(flavor = "multi_thread")]
async fn r_fin_61_an_order_ends_at_its_deadline_and_not_before() {
    let fixture = Fixture::new();
    let worker = work(&fixture);
    let place = |number: &str, minutes: i64| {
        let terms = Arc::new(fixture.terms(number, 100));
        let expires_at = Some(fixture.service.now().plus(minutes * time::MINUTE));
        match fixture.run(Command::CreateOrder { terms, expires_at }) {
            domain::Reply::Order(order) => order,
            other => panic!("{other:?}"),
        }
    };
    let (soon, later) = (place("soon-000001", 5), place("later-000001", 6));
    let state = |order: OrderId| fixture.order_record(order).state;
    fixture.clock.advance(5 * time::MINUTE - 1);
    a_while().await;
    assert_eq!((state(soon), state(later)), (OrderState::Open, OrderState::Open));
    fixture.clock.advance(1);
    eventually("the first ends", || (state(soon) == OrderState::Expired).then_some(())).await;
    assert_eq!(state(later), OrderState::Open);
    fixture.clock.advance(time::MINUTE);
    eventually("the second ends", || (state(later) == OrderState::Expired).then_some(())).await;
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

/// More than one go takes, after a long downtime, behind orders that a payment locks.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_downtime_is_caught_up() {
    let fixture = Fixture::new();
    let never_knows = fixture.another_card("0135");
    let locked: Vec<OrderId> = (0..30)
        .map(|n| {
            let order = fixture.order(&format!("held-{n:06}"), 100);
            fixture.pay_by_card(order, never_knows);
            order
        })
        .collect();
    let orders: Vec<OrderId> = (0..1200).map(|n| fixture.order(&format!("pen-{n:06}"), 100)).collect();
    fixture.clock.advance(8 * time::DAY);
    let worker = work(&fixture);
    let expired = |order: &OrderId| fixture.order_record(*order).state == OrderState::Expired;
    eventually("all ended", || orders.iter().all(expired).then_some(())).await;
    assert!(!locked.iter().any(expired), "an order with an unknown outcome does not end");
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn short_lived_records_are_swept() {
    let fixture = Fixture::new();
    let code = 134_567_890_123_456_789;
    fixture.run(Command::IssuePaymentCode(fixture.payer, code));
    fixture.clock.advance(time::MINUTE);
    let session = fixture.service.token_hash(&fixture.session());
    let worker = work(&fixture);
    a_while().await;
    assert!(fixture.service.queries.payment_code(code).unwrap().is_some(), "kept for an hour after its end");
    fixture.clock.advance(2 * time::HOUR);
    eventually("the code is gone", || {
        fixture.service.queries.payment_code(code).unwrap().is_none().then_some(())
    })
    .await;
    assert!(fixture.service.queries.session(session).unwrap().is_some());
    fixture.clock.advance(31 * time::DAY);
    eventually("all is gone", || {
        fixture
            .service
            .queries
            .stale(types::ShardSet::ONLY, fixture.service.now(), 10)
            .unwrap()
            .is_empty()
            .then_some(())
    })
    .await;
    assert!(fixture.service.queries.session(session).unwrap().is_none());
    let mut store = fixture.memory.open();
    assert_eq!(store.loader.load(&[Key::Session(session)]), Ok(vec![None]));
    assert!(worker.stop(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_merchant_and_new_keys_are_noticed() {
    let fixture = Fixture::new();
    let worker = work(&fixture);
    let service = &fixture.service;
    let active = || service.directory.find(fixture.merchant).unwrap().unwrap().merchant.active;
    assert!(active());
    // Straight to the engine: the fixture's own way would refresh the cache itself.
    let change = Box::new(MerchantChange { active: Some(false), ..MerchantChange::default() });
    service
        .engine
        .run(Command::ChangeMerchant(fixture.merchant, change), domain::Caller::platform())
        .await
        .unwrap();
    eventually("the change shows", || (!active()).then_some(())).await;

    let mut keys = crypto::PlatformKeys::clone(&service.keys());
    keys.rotate(service.now(), service.now()).unwrap();
    let command = service::keep_keys(&keys, &service.vault).unwrap();
    service.engine.run(command, domain::Caller::platform()).await.unwrap();
    eventually("the new keys are used", || (service.keys().certificates().len() == 2).then_some(())).await;
    assert!(worker.stop(Duration::from_secs(5)).await);
}
