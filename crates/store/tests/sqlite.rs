//! The SQLite store conforms, and takes over what an older version wrote.

use domain::{
    limit::Usage,
    notification::{About, NotificationState},
};
use ledger::AccountId;
use store::{Options, conformance, sqlite, sqlite_queries};
use types::{BusinessDay, Currency, MerchantId, NotificationId, OrderId, Shard, Time};

#[test]
fn sqlite_conforms() {
    conformance::suite(|| {
        let folder = tempfile::tempdir().unwrap();
        move || sqlite(&folder.path().join("feiqian.db"), Options::default()).unwrap()
    });
}

/// The checksum that stores made by version 1 carry. Should this ever differ, they would be refused.
const CHECKSUM_1: i64 = -2_609_381_590_614_362_188;

/// A store as version 1 left it: its script run by hand, and rows in the tables that changed since.
#[test]
fn a_store_of_version_1_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feiqian.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(
        "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, checksum INTEGER NOT NULL) STRICT",
    )
    .unwrap();
    old.execute_batch(include_str!("../src/sqlite/schema-1.sql")).unwrap();
    old.execute("INSERT INTO schema_version VALUES (1, ?1)", [CHECKSUM_1]).unwrap();
    old.execute_batch(
        "INSERT INTO notifications
             (id, mchid, order_id, state, created_at, next_at, attempts, last_status, journal)
             VALUES (7, 1900000001, 5, 0, 100, 200, 3, 500, 4096);
         INSERT INTO usage
             (id, day, day_total, day_barcode, day_one_factor, day_free_count, year, year_total, lifetime_total, newest)
             VALUES (3, 20458, 1000, 600, 400, 2, 2026, 5000, 9000, 5);
         INSERT INTO orders
             (id, state, expires_at, fee, journal, mchid, out_trade_no, appid, product, amount, currency, description,
              attach, notify_url, device, extra, digest)
             VALUES (5, 0, 900, 0, 4096, 1900000001, 'pen-000001', 1, 3, 100, 156, 'a pen', '', '', '', '', zeroblob(16));
         INSERT INTO accounts VALUES ((2 << 56) | (156 << 46) | 1900000001, 0, 0, 0, 5000, 0);
         INSERT INTO journal VALUES (1, 100, '[]');",
    )
    .unwrap();
    drop(old);

    let refused = sqlite_queries(&path).err().map(|fault| fault.to_string()).unwrap();
    assert!(refused.contains("schema 1") && refused.contains("feiqian migrate"), "{refused}");

    for opening in 0..2 {
        let mut store = sqlite(&path, Options::default()).unwrap();
        assert_eq!(store.committer.recover().unwrap().batch, 1, "opening {opening}");
        let queries = store.queries;
        let row = queries.notification(NotificationId(7)).unwrap().unwrap();
        assert_eq!((row.about, row.state), (About::Paid(OrderId(5)), NotificationState::Pending));
        assert_eq!((row.next_at, row.attempts, row.last_status), (Some(Time(200)), 3, 500));
        assert_eq!(
            queries.due_notifications(types::ShardSet::ONLY, Time(200), 9).unwrap(),
            [row],
            "it is still due"
        );
        let order = queries.order(OrderId(5)).unwrap().unwrap();
        assert_eq!((order.shard, &*order.terms.number), (Shard::FIRST, "pen-000001"));
        let takings = AccountId::merchant_unsettled(MerchantId(1_900_000_001), Currency::CNY);
        assert_eq!(queries.account(takings).unwrap().balance().minor, 5000, "its number is what it was");
        let used = queries.usage(3).unwrap().unwrap();
        let sums = (used.day_two_factors, used.day_barcode_b, used.day_one_factor, used.day_free_count);
        assert_eq!((used.day, sums), (BusinessDay(20_458), (1000, 600, 400, 2)));
        assert_eq!((used.day_barcode_c, used.day_barcode_d), (0, 0));
        assert_eq!((used.year_total, used.lifetime_total), (5000, 9000));
        assert!(used.newest.is_some() && used != Usage::none(3));
    }
    assert!(sqlite_queries(&path).is_ok());
    let check = rusqlite::Connection::open(&path).unwrap();
    let found: String = check.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
}
