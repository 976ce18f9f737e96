//! A combined order (wire §3.9, §5): told once, of the whole; from a card paid by one question to the bank.

use crate::{eventually, merchant::Merchant, work};
use domain::{notification::NotificationState, order::OrderState, payment::Paid};
use fixture::{APIV3_KEY, Fixture};
use std::time::Duration;
use types::{CombineTransactionId, PageRequest};

#[tokio::test(flavor = "multi_thread")]
async fn a_combined_order_is_told_once_in_its_own_shape() {
    let fixture = Fixture::new();
    let merchant = Merchant::open().await;
    let worker = work(&fixture);
    let other = fixture.another_merchant(1_900_000_301, None);
    let parts = [(fixture.merchant, 100), (other, 250)];
    let id = fixture.combined("whole-0001", &parts, &format!("{}?mall=1", merchant.url()));
    assert!(matches!(fixture.pay_combined(id, None), Paid::Done(_)));
    let owed = || fixture.service.queries.notifications(None, PageRequest::new(10, None)).unwrap().rows;
    eventually("delivered", || {
        owed().iter().all(|one| one.state == NotificationState::Delivered).then_some(())
    })
    .await;
    assert_eq!((owed().len(), merchant.got().len()), (1, 1), "one notification of all of it");
    let got = &merchant.got()[0];
    assert_eq!(got.path, "/notify?mall=1");
    assert_eq!(got.json()["event_type"], "TRANSACTION.SUCCESS");
    assert_eq!(got.json()["resource"]["original_type"], "transaction");
    let clear = got.open(&fixture, APIV3_KEY, fixture.service.wall_now());
    assert_eq!(clear["combine_out_trade_no"], "whole-0001");
    assert_eq!(clear["combine_transaction_id"], CombineTransactionId(id).to_string());
    let amounts: Vec<_> =
        clear["sub_orders"].as_array().unwrap().iter().map(|part| &part["amount"]).collect();
    assert_eq!((&amounts[0]["payer_amount"], &amounts[1]["payer_amount"]), (&100.into(), &250.into()));
    assert!(clear.get("out_trade_no").is_none());
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_answer_of_the_bank_pays_or_frees_every_order() {
    let fixture = Fixture::new();
    let worker = work(&fixture);
    let other = fixture.another_merchant(1_900_000_301, None);
    let parts = [(fixture.merchant, 100), (other, 250), (fixture.merchant, 7)];
    let states = |id| {
        let whole = fixture.combined_record(id);
        let orders = whole.orders.iter().map(|order| fixture.order_record(*order));
        orders.map(|order| (order.state, order.payment.is_some())).collect::<Vec<_>>()
    };
    let id = fixture.combined("whole-0001", &parts, "");
    fixture.pay_combined(id, Some(fixture.card));
    eventually("paid", || (states(id) == [(OrderState::Paid, true); 3]).then_some(())).await;
    let declining = fixture.another_card("0005");
    let id = fixture.combined("whole-0002", &parts, "");
    let Paid::Waiting(payment) = fixture.pay_combined(id, Some(declining)) else { panic!("it waits") };
    assert_eq!(fixture.payment_record(payment).amount.minor, 357);
    eventually("freed", || (states(id) == [(OrderState::Open, false); 3]).then_some(())).await;
    assert!(matches!(fixture.pay_combined(id, None), Paid::Done(_)));
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}
