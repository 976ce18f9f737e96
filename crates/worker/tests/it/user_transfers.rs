//! Transfers to users beside a running worker: money that comes late, time that runs out, batches, and what the merchant is
//! told of each end (wire §5, §8).

use crate::{eventually, merchant::Merchant, work};
use domain::{
    Actor, Caller, Command, Reply,
    user_transfer::{BatchDetail, BatchState, BatchTerms, TransferTerms, UserTransfer, UserTransferState},
};
use fixture::{APIV3_KEY, Fixture};
use std::{sync::Arc, time::Duration};
use types::{Money, PayerId, TransferBatchId, TransferBillNo, UserTransferId, time};

fn giver(fen: i64) -> Fixture {
    let fixture = Fixture::new();
    fixture.open_scenes();
    fixture.settled_sale("sale-00001", fen);
    fixture
}

fn ask(fixture: &Fixture, merchant: &Merchant, number: &str, fen: i64) -> UserTransferId {
    let terms = TransferTerms {
        merchant: fixture.merchant,
        number: number.into(),
        app: fixture.app,
        payer: fixture.payer,
        amount: Money::cny(fen),
        scene: 1000,
        remark: "thank you".into(),
        perception: "现金奖励".into(),
        reports: vec![("活动名称".into(), "tea week".into()), ("奖励说明".into(), "first prize".into())],
        notify_url: merchant.url().into(),
        name: None,
        digest: [u8::try_from(number.len()).unwrap(); 16],
    };
    let caller = Caller::of(Actor::Merchant(fixture.merchant));
    match fixture.attempt(Command::RequestUserTransfer(Arc::new(terms)), caller) {
        Ok(Reply::UserTransfer(id)) => id,
        other => panic!("no transfer: {other:?}"),
    }
}

async fn becomes(fixture: &Fixture, id: UserTransferId, state: UserTransferState) -> UserTransfer {
    let queries = Arc::clone(&fixture.service.queries);
    eventually(&format!("{state:?}"), move || {
        queries.user_transfer(id).unwrap().filter(|one| one.state == state)
    })
    .await
}

/// The newest of so many notifications, and what it holds.
async fn told(
    fixture: &Fixture,
    merchant: &Merchant,
    count: usize,
) -> (serde_json::Value, serde_json::Value) {
    eventually("the merchant is told", || (merchant.got().len() >= count).then_some(())).await;
    let got = merchant.got();
    assert_eq!(got.len(), count);
    let newest = &got[count - 1];
    (newest.json(), newest.open(fixture, APIV3_KEY, fixture.service.wall_now()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_is_short_of_money_goes_on_when_it_comes_and_is_received() {
    let (fixture, merchant) = (giver(500_00), Merchant::open().await);
    let worker = work(&fixture);
    let other = ask(&fixture, &merchant, "T0", 300_00);
    let id = ask(&fixture, &merchant, "T1", 300_00);
    becomes(&fixture, id, UserTransferState::Processing).await;
    let command = Command::CancelUserTransfer { merchant: fixture.merchant, transfer: other };
    fixture.attempt(command, Caller::of(Actor::Merchant(fixture.merchant))).unwrap();
    let (_, clear) = told(&fixture, &merchant, 1).await;
    assert_eq!((clear["out_bill_no"].as_str(), clear["state"].as_str()), (Some("T0"), Some("CANCELLED")));
    fixture.clock.advance(time::HOUR);
    becomes(&fixture, id, UserTransferState::Waiting).await;
    let before = fixture.balance();
    let payer = fixture.payer;
    let command = Command::ConfirmUserTransfer { transfer: id, payer, shown: Money::cny(300_00) };
    fixture.attempt(command, Caller::of(Actor::Payer(payer))).unwrap();
    assert_eq!(fixture.balance(), before + 300_00);
    let (json, clear) = told(&fixture, &merchant, 2).await;
    assert_eq!(json["event_type"], "MCHTRANSFER.BILL.FINISHED");
    assert_eq!((clear["state"].as_str(), clear["transfer_amount"].as_i64()), (Some("SUCCESS"), Some(300_00)));
    assert_eq!(clear["transfer_bill_no"], TransferBillNo(id).to_string());
    assert_eq!(clear["mchid"], fixture.merchant.to_string());
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_nobody_confirms_ends_after_a_day_and_its_money_is_back() {
    let (fixture, merchant) = (giver(500_00), Merchant::open().await);
    let worker = work(&fixture);
    let id = ask(&fixture, &merchant, "T1", 300_00);
    becomes(&fixture, id, UserTransferState::Waiting).await;
    fixture.clock.advance(time::DAY + time::SECOND);
    becomes(&fixture, id, UserTransferState::Failed).await;
    let (_, clear) = told(&fixture, &merchant, 1).await;
    assert_eq!(
        (clear["state"].as_str(), clear["fail_reason"].as_str()),
        (Some("FAIL"), Some("OVERDUE_CLOSE"))
    );
    let queries = &fixture.service.queries;
    assert!(queries.user_transfers_open(fixture.merchant, 10).unwrap().is_empty());
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

fn batch(fixture: &Fixture, merchant: &Merchant, payers: &[PayerId]) -> TransferBatchId {
    let detail = |(place, payer): (usize, &PayerId)| BatchDetail {
        number: format!("d{place}").into(),
        payer: *payer,
        amount: 1_00,
        remark: "wages".into(),
        name: None,
    };
    let terms = BatchTerms {
        merchant: fixture.merchant,
        number: "july".into(),
        app: fixture.app,
        name: "July".into(),
        remark: "wages of July".into(),
        scene: 1000,
        notify_url: merchant.url().into(),
        details: payers.iter().enumerate().map(detail).collect(),
        digest: [1; 16],
    };
    let caller = Caller::of(Actor::Merchant(fixture.merchant));
    match fixture.attempt(Command::RequestTransferBatch(Arc::new(terms)), caller) {
        Ok(Reply::TransferBatch(id)) => id,
        other => panic!("no batch: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_paid_to_users_in_every_shard_and_told_once() {
    let (fixture, merchant) = (Fixture::of_shards(3), Merchant::open().await);
    fixture.open_scenes();
    fixture.settled_sale("sale-00001", 500_00);
    let all: Vec<_> = fixture.service.engine.shards().all().map(|shard| fixture.payer_in(shard)).collect();
    let worker = work(&fixture);
    let payers: Vec<_> = all.iter().copied().cycle().take(120).collect();
    let id = batch(&fixture, &merchant, &payers);
    let finished = || {
        fixture.clock.advance(time::SECOND); // money from another shard is looked for every second
        let batch = fixture.service.queries.transfer_batch(id).unwrap();
        batch.filter(|batch| batch.state == BatchState::Finished)
    };
    let done = eventually("finished", finished).await;
    assert_eq!((done.succeeded, done.success_amount, done.fail_amount), (120, 120_00, 0));
    let (json, clear) = told(&fixture, &merchant, 1).await;
    assert_eq!(json["event_type"], "MCHTRANSFER.BATCH.FINISHED");
    assert_eq!((clear["success_num"].as_i64(), clear["success_amount"].as_i64()), (Some(120), Some(120_00)));
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}
