//! `feiqian bench`, made small: that it runs and tells what it should. What it measures belongs to no test.

use front_door::{database_on_postgres, run};
use serde_json::Value;

/// Bytes of the store and, of those, of its log, after some payments that are counted and proved.
fn stored(database: Option<&str>) -> (u64, u64) {
    let mut arguments = vec!["bench", "--payments", "200", "--payers", "20", "--callers", "20", "--json"];
    arguments.extend(database.iter().flat_map(|url| ["--database", url]));
    let ended = run(&arguments);
    assert!(ended.ok(), "{ended}");
    let report: Value = serde_json::from_str(&ended.stdout()).expect("one JSON object");
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("no number: {value}, {ended}"));
    assert_eq!((number(&report["payments"]), number(&report["errors"])), (200, 0));
    assert!(number(&report["bytes_per_payment"]) > 100, "{ended}");
    let last = report["intervals"].as_array().and_then(|all| all.last()).expect("an interval");
    (number(&last["store_bytes"]), number(&last["log_bytes"]))
}

#[test]
fn a_load_of_so_many_payments_is_proved_and_tells_the_log_apart_from_the_store() {
    let (store, log) = stored(None);
    assert!(0 < log && log < store, "{store} bytes, of them {log} of the log");
}

#[test]
fn a_load_tells_what_a_store_on_postgresql_takes() {
    let Some(url) = database_on_postgres() else { return };
    let (store, log) = stored(Some(&url));
    assert!(store > 200 * 100 && log == 0, "{store} bytes, {log} of a log that is the server's affair");
}
