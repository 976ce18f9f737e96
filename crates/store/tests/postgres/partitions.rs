//! Month partitions: made ahead, used, and never in the way.

use crate::place::Place;
use domain::{Batch, Caller, JournalLine, Subject, world::Change};
use ledger::{AccountId, Transfer, TransferKind, TransferState};
use std::{
    thread,
    time::{Duration, Instant},
};
use types::{Currency, IdBlock, JournalId, MerchantId, PayerId, Time, TransferId};

fn batch(number: i64, at: Time) -> Batch {
    let id = TransferId(IdBlock::new(at, 0, 0).id(0));
    let transfer = Transfer {
        id,
        debit: AccountId::payer_balance(PayerId(1), Currency::CNY),
        credit: AccountId::merchant_unsettled(MerchantId(1), Currency::CNY),
        amount: 1,
        kind: TransferKind::Payment,
        state: TransferState::Posted,
        subject: 1,
        at,
    };
    let line = JournalLine {
        id: JournalId(number * 4096),
        at,
        caller: Caller::platform(),
        command: "sweep",
        subject: Subject::Platform,
        outcome: "ok",
        note: None,
        previous: None,
    };
    let transfers = vec![Change { key: id, value: Some(transfer), existed: false, after: 0, before: None }];
    Batch { number, at, journal: vec![line], transfers, ..Batch::default() }
}

fn places(place: &Place) -> Vec<Vec<String>> {
    place.sql("SELECT tableoid::regclass FROM transfers ORDER BY id")
}

#[test]
fn rows_go_to_their_month_and_later_months_are_made_in_time() {
    let Some(place) = Place::new() else { return };
    let mut store = place.open();
    let now = engine::Clock::now(&engine::SystemClock);
    store.committer.recover().unwrap();
    store.committer.commit(&batch(1, now)).unwrap();
    let month = place.sql("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')")[0][0].clone();
    assert_eq!(places(&place), [[format!("transfers_{month}")]]);
    assert_eq!(place.sql("SELECT tableoid::regclass FROM journal"), [[format!("journal_{month}")]]);

    // A clock that jumps years ahead: the first rows find no month of their own, and no payment fails for it.
    let far = Time::parse_rfc3339("2040-02-29T12:00:00Z").unwrap();
    store.committer.commit(&batch(2, far)).unwrap();
    assert_eq!(places(&place)[1], ["transfers_other"]);
    let since = Instant::now();
    let made =
        "SELECT to_regclass('transfers_204003') IS NOT NULL AND to_regclass('journal_204004') IS NOT NULL";
    while place.sql(made) != [["t"]] {
        assert!(since.elapsed() < Duration::from_secs(20), "no months were made for the new time");
        thread::sleep(Duration::from_millis(20));
    }
    let next = Time::parse_rfc3339("2040-03-01T00:00:00Z").unwrap();
    store.committer.commit(&batch(3, next)).unwrap();
    assert_eq!(places(&place)[2], ["transfers_204003"], "a month begins at midnight UTC");
    store.committer.commit(&batch(4, next.plus(1000))).unwrap();
    let found: Vec<i64> = {
        let mut found = Vec::new();
        store.queries.each_transfer(&mut |transfer| found.push(transfer.at.0)).unwrap();
        found
    };
    assert_eq!(found, [now.0, far.0, next.0, next.plus(1000).0], "all of them, in order");
}

/// Rows are found by their key in one partition: no statement of the write path looks into all of them.
#[test]
fn a_row_is_looked_for_in_its_own_month_only() {
    let Some(place) = Place::new() else { return };
    drop(place.open());
    let plan = place.sql(
        "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
         SET plan_cache_mode = force_generic_plan;
         PREPARE load AS SELECT t.amount FROM unnest($1::int8[]) AS u (id) JOIN transfers AS t ON t.id = u.id;
         EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE load ('{5, 6, 7}')",
    );
    let plan: Vec<String> = plan.into_iter().flatten().collect();
    let looked: Vec<&String> = plan
        .iter()
        .filter(|line| line.contains("Scan using transfers") && !line.contains("never executed"))
        .collect();
    assert_eq!(looked.len(), 1, "{plan:#?}");
}
