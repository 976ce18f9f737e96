//! A dead or slow endpoint delays nobody else.

use crate::{a_while, eventually, merchant::Merchant, setup};
use domain::{notification::NotificationState, order::Terms};
use fixture::{APIV3_KEY, Fixture};
use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::net::TcpListener;
use types::{MerchantId, OrderId, PageRequest};
use worker::{SimulatedBank, Worker, delivery::Bounds};

/// A server that takes connections and never says a word.
async fn dead() -> (String, Arc<TcpListener>) {
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
    let url = format!("http://127.0.0.1:{}/notify", listener.local_addr().unwrap().port());
    let accepting = Arc::clone(&listener);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = accepting.accept().await {
            held.push(connection);
        }
    });
    (url, listener)
}

fn paid(fixture: &Fixture, merchant: MerchantId, number: &str, url: &str) -> OrderId {
    let terms = Terms { merchant, notify_url: url.into(), ..fixture.terms(number, 1) };
    let order = fixture.place(terms);
    fixture.pay(order);
    order
}

/// A house small enough to be filled.
fn small_house() -> worker::Setup {
    let mut setup = setup();
    setup.delivery.bounds = Bounds {
        sending: 12,
        per_host: 4,
        per_new_host: 2,
        per_slow_host: 1,
        slow: 4,
        per_merchant: 8,
        waiting_per_host: 16,
        waiting_per_slow_host: 2,
        waiting: 400,
    };
    setup
}

fn work(fixture: &Fixture, setup: worker::Setup) -> Worker {
    let bank = SimulatedBank::new(Arc::clone(&fixture.service.vault));
    Worker::start(&fixture.service, Arc::new(bank), setup).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_merchant_delays_no_other() {
    let fixture = Fixture::new();
    let other = fixture.another_merchant(1_900_000_002, Some(APIV3_KEY));
    let (silent, _listener) = dead().await;
    let live = Merchant::open().await;
    let worker = work(&fixture, small_house());
    for n in 0..60 {
        paid(&fixture, fixture.merchant, &format!("dead-{n:06}"), &silent);
    }
    let started = Instant::now();
    for n in 0..20 {
        paid(&fixture, other, &format!("live-{n:06}"), &live.url());
    }
    eventually("the live merchant got all", || (live.got().len() == 20).then_some(())).await;
    let took = started.elapsed();
    assert!(took < setup().delivery.answer_within, "20 notifications took {took:?} beside a dead merchant");
    drop(worker);
}

/// After a long outage thousands of rows of the dead merchant are due, all earlier than the others'; no event
/// tells of any.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_the_dead_hides_nobody_from_the_scan() {
    let fixture = Fixture::new();
    let other = fixture.another_merchant(1_900_000_002, Some(APIV3_KEY));
    let (silent, _listener) = dead().await;
    let (live, second) = (Merchant::open().await, Merchant::open().await);
    for n in 0..800 {
        paid(&fixture, fixture.merchant, &format!("dead-{n:06}"), &silent);
    }
    // The dead merchant's own second address, and another merchant, behind all of that.
    paid(&fixture, fixture.merchant, "second-000001", &second.url());
    paid(&fixture, other, "live-000001", &live.url());
    let mut setup = small_house();
    (setup.delivery.scan_page, setup.delivery.scan_pages) = (50, 4); // one scan reads a quarter of that
    setup.delivery.scan_every = Duration::from_millis(200);
    a_while().await; // the last event has passed, unheard
    let started = Instant::now();
    let worker = work(&fixture, setup);
    eventually("the other merchant is reached", || (live.got().len() == 1).then_some(())).await;
    let took = started.elapsed();
    assert!(took < setup.delivery.answer_within, "reached after {took:?}");
    eventually("the second address is reached", || (second.got().len() == 1).then_some(())).await;
    let took = started.elapsed();
    assert!(took < 30 * setup.delivery.scan_every, "its own second address after {took:?}");
    drop(worker);
}

/// Each dead host has few places, and all of them together only some.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_dead_hosts_delays_nobody() {
    let fixture = Fixture::new();
    let other = fixture.another_merchant(1_900_000_999, Some(APIV3_KEY));
    let live = Merchant::open().await;
    let mut crowd = Vec::new();
    for n in 0..10 {
        let merchant = fixture.another_merchant(1_900_000_100 + n, Some(APIV3_KEY));
        let (url, listener) = dead().await;
        for row in 0..6 {
            paid(&fixture, merchant, &format!("dead-{n:03}-{row:03}"), &url);
        }
        crowd.push(listener);
    }
    let worker = work(&fixture, small_house());
    // Long enough for the first rounds: six new hosts fill the house, then they are known.
    tokio::time::sleep(setup().delivery.answer_within * 2).await;
    let started = Instant::now();
    for n in 0..20 {
        paid(&fixture, other, &format!("live-{n:06}"), &live.url());
    }
    eventually("the live merchant got all", || (live.got().len() == 20).then_some(())).await;
    let took = started.elapsed();
    assert!(took < setup().delivery.answer_within, "20 notifications took {took:?} beside ten dead hosts");
    drop(worker);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_host_gets_a_few_at_once_and_each_once() {
    let fixture = Fixture::new();
    let merchant = Merchant::open().await;
    merchant.takes(Duration::from_millis(20));
    let mut setup = setup();
    setup.delivery.scan_every = Duration::from_millis(1); // scans and events compete for every row
    let worker = work(&fixture, setup);
    for n in 0..150 {
        fixture.paid_order(&format!("pen-{n:06}"), 1, &merchant.url());
    }
    let all = PageRequest::new(200, None);
    eventually("all delivered", || {
        let owed = fixture.service.queries.notifications(None, all).unwrap().rows;
        owed.iter().all(|owed| owed.state == NotificationState::Delivered).then_some(())
    })
    .await;
    let ids: HashSet<String> = merchant.got().iter().map(crate::merchant::Got::id).collect();
    assert_eq!((merchant.got().len(), ids.len()), (150, 150), "each exactly once");
    let most = merchant.most_at_once();
    assert!((2..=setup.delivery.bounds.per_host).contains(&most), "{most} at once");
    assert!(worker.stop(Duration::from_secs(5)).await);
}
