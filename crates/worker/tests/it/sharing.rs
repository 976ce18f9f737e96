//! Profit sharing is brought on by the worker: parts arrive, receivers are told, what nobody shared is released.

use crate::{eventually, merchant::Merchant, work};
use crypto::{ApiV3Key, aead::Encrypted};
use domain::{
    Actor, Caller, Command, Reply,
    merchant::MerchantChange,
    order::Terms,
    sharing::{NewPart, NewReceiver, NewReturn, NewShare, Participation, Party, Relation, ReturnState},
};
use fixture::Fixture;
use ledger::AccountId;
use serde_json::{Value, json};
use std::time::Duration;
use types::{Currency, MerchantId, OrderId, Secret, time};

const FRIEND: i64 = 1_900_000_007;
const FEN: i64 = 100_00;

/// Two merchants that share; the second is told at `url`. An order that is to be shared.
fn shared(fixture: &Fixture, url: &str) -> OrderId {
    let friend = fixture.another_merchant(FRIEND, Some(fixture::APIV3_KEY));
    for (merchant, notify_url) in [(fixture.merchant, ""), (friend, url)] {
        let sharing = Participation { max_ratio: Some(3_000), returns: true, notify_url: notify_url.into() };
        let change = MerchantChange { sharing: Some(sharing), ..MerchantChange::default() };
        fixture.run(Command::ChangeMerchant(merchant, Box::new(change)));
    }
    let name = fixture.service.queries.merchant(friend).unwrap().unwrap().name;
    let new = NewReceiver {
        by: fixture.merchant.into(),
        party: Party::Merchant(friend),
        app: None,
        name: Some(Secret::new(name.into())),
        relation: Relation::Store,
        custom: "".into(),
    };
    signed(fixture, Command::AddReceiver(Box::new(new)));
    let order =
        fixture.place(Terms { notify_url: "".into(), sharing: true, ..fixture.terms("pen-000001", FEN) });
    fixture.pay(order);
    order
}

fn signed(fixture: &Fixture, command: Command) -> Reply {
    fixture.attempt(command, Caller::of(Actor::Merchant(fixture.merchant))).unwrap()
}

fn fen(fixture: &Fixture, account: fn(MerchantId, Currency) -> AccountId, merchant: MerchantId) -> i64 {
    fixture.service.queries.account(account(merchant, Currency::CNY)).unwrap().balance().minor
}

/// What the merchant was told, decrypted: type and clear text.
fn opened(body: &[u8]) -> (String, Value) {
    let body: Value = serde_json::from_slice(body).unwrap();
    let sealed: Encrypted = serde_json::from_value(body["resource"].clone()).unwrap();
    assert_eq!(body["resource"]["original_type"], "profitsharing");
    let clear = ApiV3Key::parse(fixture::APIV3_KEY).unwrap().decrypt(&sealed).unwrap();
    (body["event_type"].as_str().unwrap().to_owned(), serde_json::from_slice(clear.expose()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_and_returns_are_brought_and_told() {
    let (fixture, merchant) = (Fixture::new(), Merchant::open().await);
    let worker = work(&fixture);
    let order = shared(&fixture, &merchant.url());
    let part = NewPart {
        party: Party::Merchant(MerchantId(FRIEND)),
        app: None,
        name: None,
        amount: 20_00,
        description: "门店提成".into(),
    };
    let new = NewShare {
        by: fixture.merchant.into(),
        order,
        number: "S1".into(),
        parts: vec![part],
        unfreeze: Some("the rest".into()),
        digest: [1; 16],
    };
    let Reply::Share(share) = signed(&fixture, Command::Share(Box::new(new))) else { panic!() };
    let record = || fixture.service.queries.share(share).unwrap().unwrap();
    eventually("finished", || record().finished_at).await;
    assert_eq!(fen(&fixture, AccountId::merchant_available, MerchantId(FRIEND)), 20_00);
    assert_eq!(fen(&fixture, AccountId::merchant_unsettled, fixture.merchant), FEN - 60 - 20_00);
    let got = eventually("told", || merchant.got().first().cloned()).await;
    let (event, told) = opened(&got.body);
    assert_eq!((event.as_str(), &told["out_order_no"]), ("PROFITSHARING.SUCCESS", &json!("S1")));
    assert_eq!(
        told["receiver"],
        json!({ "type": "MERCHANT_ID", "account": "1900000007", "amount": 20_00, "description": "门店提成" })
    );
    assert_eq!(told["mchid"], fixture.merchant.to_string());
    let new = NewReturn {
        by: fixture.merchant.into(),
        share,
        number: "R1".into(),
        from: MerchantId(FRIEND),
        amount: 5_00,
        description: "taken back".into(),
        digest: [2; 16],
    };
    let Reply::ShareReturn(back) = signed(&fixture, Command::ReturnShare(Box::new(new))) else { panic!() };
    eventually("returned", || {
        let state = fixture.service.queries.share_return(back).unwrap().unwrap().state;
        matches!(state, ReturnState::Succeeded(_)).then_some(())
    })
    .await;
    let got = eventually("told", || merchant.got().get(1).cloned()).await;
    let (event, told) = opened(&got.body);
    assert_eq!((event.as_str(), &told["receiver"]["amount"]), ("PROFITSHARING.RETURN", &json!(5_00)));
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_shared_is_released_by_time() {
    let fixture = Fixture::new();
    let worker = work(&fixture);
    let order = shared(&fixture, "");
    assert_eq!(fen(&fixture, AccountId::merchant_sharing, fixture.merchant), FEN - 60);
    fixture.clock.advance(30 * time::DAY);
    eventually("released", || fixture.service.queries.sharing(order).unwrap().unwrap().ended_at).await;
    assert_eq!(fen(&fixture, AccountId::merchant_sharing, fixture.merchant), 0);
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}
