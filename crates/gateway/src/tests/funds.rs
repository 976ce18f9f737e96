//! A merchant's money over HTTP: the balance, and what is held with its reasons.

use super::door::Door;
use domain::{Command, settlement::SettlementId};
use serde_json::{Value, json};
use types::{TransferId, time};

const BALANCE: &str = "/v3/merchant/fund/balance/BASIC";
const HELD: &str = "/v3/feiqian/held";

async fn get(door: &Door, target: &str) -> Value {
    let answer = door.get(target).send().await;
    let body = answer.expect(200);
    answer.verified(door);
    body
}

/// Closes the day that is over, as the worker does.
fn close_day(door: &Door, day: types::BusinessDay) {
    let fixture = &door.fixture;
    fixture.run(Command::BeginDay(day));
    let begun = fixture.service.queries.day(day).unwrap().unwrap();
    let mut tally = domain::settlement::Tally::default();
    let (from, to) = (TransferId(begun.from), TransferId(begun.to));
    fixture.service.queries.transfers_between(from, to, &mut |row| tally.take(&row)).unwrap();
    let (merchants, totals) = tally.finish().unwrap();
    let count = u32::try_from(merchants.len()).unwrap();
    for (merchant, totals) in merchants {
        fixture.run(Command::CloseMerchantDay(merchant, day, Box::new(totals)));
    }
    fixture.run(Command::EndDay { day, merchants: count, totals: Box::new(totals) });
}

#[tokio::test]
async fn balance_and_held_money_are_told_to_the_cent() {
    let door = Door::new();
    assert_eq!(get(&door, BALANCE).await, json!({ "available_amount": 0, "pending_amount": 0 }));
    let day = door.fixture.service.now().business_day();
    door.fixture.paid_order("tea-00001", 100_00, "");
    assert_eq!(get(&door, BALANCE).await, json!({ "available_amount": 0, "pending_amount": 99_40 }));
    let open = get(&door, HELD).await;
    assert_eq!((&open["held"][0]["reason"], &open["held"][0]["amount"]), (&json!("open_day"), &json!(99_40)));
    assert!(open["held"][0]["release_time"].is_string(), "{open}");

    door.fixture.clock.advance(day.next().start().since(door.fixture.service.now()));
    close_day(&door, day);
    door.fixture.paid_order("tea-00002", 50_00, "");
    let id = SettlementId::new(door.fixture.merchant, day);
    let settlement = door.fixture.service.queries.settlement(id).unwrap().unwrap();
    let held = get(&door, HELD).await;
    assert_eq!(held["held"][0]["subject"], json!(format!("settlement:{id}")));
    assert_eq!(held["held"][0]["release_time"], json!(settlement.release_at.rfc3339()));
    assert_eq!((&held["held_amount"], &held["total_amount"]), (&json!(149_10), &json!(149_10)));
    let until = settlement.release_at.since(door.fixture.service.now());
    door.fixture.clock.advance(until);
    door.fixture.run(Command::ReleaseSettlement(id));
    assert_eq!(get(&door, BALANCE).await, json!({ "available_amount": 99_40, "pending_amount": 49_70 }));
    let held = get(&door, HELD).await;
    assert_eq!((&held["available_amount"], &held["held_amount"]), (&json!(99_40), &json!(49_70)));
    door.fixture.clock.advance(time::SECOND);
    door.fixture.prove();
}

#[tokio::test]
async fn an_account_that_does_not_exist_is_refused() {
    let door = Door::new();
    for (account, status, code) in [
        ("OPERATION", 404, "RESOURCE_NOT_EXISTS"),
        ("FEES", 404, "RESOURCE_NOT_EXISTS"),
        ("basic", 400, "PARAM_ERROR"),
        ("SAVINGS", 400, "PARAM_ERROR"),
    ] {
        let target = format!("/v3/merchant/fund/balance/{account}");
        door.get(&target).send().await.refused(status, code);
    }
}
