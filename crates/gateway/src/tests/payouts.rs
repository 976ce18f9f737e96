//! Payouts over HTTP: asked for once whatever repeats, looked up, listed, refused.

use super::door::Door;
use domain::{Command, settlement::SettlementId};
use serde_json::{Value, json};
use service::payout::ClearAccount;
use std::sync::Arc;
use types::{Secret, TransferId};

const PAYOUTS: &str = "/v3/feiqian/payouts";

/// A merchant with 994.00 of settled money.
fn settled(door: &Door) {
    let fixture = &door.fixture;
    let day = fixture.service.now().business_day();
    fixture.paid_order("tea-00001", 1_000_00, "");
    fixture.clock.advance(day.next().start().since(fixture.service.now()));
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
    let id = SettlementId::new(fixture.merchant, day);
    let settlement = fixture.service.queries.settlement(id).unwrap().unwrap();
    fixture.clock.advance(settlement.release_at.since(fixture.service.now()));
    fixture.run(Command::ReleaseSettlement(id));
}

fn bank_account(door: &Door) {
    let clear = ClearAccount {
        holder: Secret::new("杭州茶叶有限公司".into()),
        number: Secret::new("6222021234567890002".into()),
        bank: "102100099996".into(),
        bank_name: "中国工商银行".into(),
    };
    let sealed = service::payout::seal(door.fixture.vault(), door.fixture.merchant, &clear).unwrap();
    door.fixture.run(Command::SetBankAccount(door.fixture.merchant, Arc::new(sealed)));
}

fn asked(number: &str, total: i64) -> Value {
    json!({ "out_payout_no": number, "amount": { "total": total, "currency": "CNY" } })
}

#[tokio::test]
async fn a_payout_is_asked_for_once_and_looked_up() {
    let door = Door::new();
    settled(&door);
    door.post(PAYOUTS, &asked("P-1", 300_00)).send().await.refused(400, "INVALID_REQUEST");
    bank_account(&door);
    let made = door.post(PAYOUTS, &asked("P-1", 300_00)).send().await;
    let first = made.expect(200);
    made.verified(&door);
    assert_eq!((&first["status"], &first["rail"]), (&json!("CREATED"), &json!("BEPS")));
    assert_eq!(first["account"], json!({ "bank_name": "中国工商银行", "tail": "0002" }));
    assert_eq!(door.post(PAYOUTS, &asked("P-1", 300_00)).send().await.expect(200), first, "again the same");
    for other in [asked("P-1", 300_01), json!({ "out_payout_no": "P-1" })] {
        door.post(PAYOUTS, &other).send().await.refused(400, "INVALID_REQUEST");
    }
    door.post(PAYOUTS, &asked("P-2", 900_00)).send().await.refused(403, "NOT_ENOUGH");
    let urgent = json!({ "out_payout_no": "P-3", "urgent": true });
    let rest = door.post(PAYOUTS, &urgent).send().await.expect(200);
    assert_eq!((&rest["amount"]["total"], &rest["rail"]), (&json!(694_00), &json!("NETSUNION")));
    assert_eq!(door.post(PAYOUTS, &urgent).send().await.expect(200), rest, "all there was, once");
    assert_eq!(door.get(format!("{PAYOUTS}/P-1")).send().await.expect(200), first);
    door.get(format!("{PAYOUTS}/P-9")).send().await.refused(404, "RESOURCE_NOT_EXISTS");
    door.get(format!("{PAYOUTS}/P%209")).send().await.refused(400, "PARAM_ERROR");
    let newest = door.get(format!("{PAYOUTS}?limit=1")).send().await.expect(200);
    assert_eq!(newest, json!({ "data": [rest], "has_more": true }));
    let before = rest["payout_id"].as_str().unwrap();
    let older = door.get(format!("{PAYOUTS}?before={before}")).send().await.expect(200);
    assert_eq!(older, json!({ "data": [first], "has_more": false }));
    for bad in ["limit=0", "limit=101", "limit=x", "before=x", "before=-1"] {
        door.get(format!("{PAYOUTS}?{bad}")).send().await.refused(400, "PARAM_ERROR");
    }
    door.fixture.prove();
}

#[tokio::test]
async fn what_is_no_payout_is_refused() {
    let door = Door::new();
    for bad in [
        json!({}),
        json!({ "out_payout_no": "" }),
        json!({ "out_payout_no": "飞" }),
        asked("P-1", 0),
        json!({ "out_payout_no": "P-1", "amount": { "total": 1, "currency": "USD" } }),
    ] {
        door.post(PAYOUTS, &bad).send().await.refused(400, "PARAM_ERROR");
    }
}
