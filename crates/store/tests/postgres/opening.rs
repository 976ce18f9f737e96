//! Opening: what is refused, what is migrated, and by whom.

use crate::place::{self, Place, options};
use engine::Fault;
use ledger::AccountId;
use std::thread;
use store::{PostgresOptions, PostgresTarget, postgres, postgres_queries};
use types::{Currency, MerchantId, OrderId, Shard};

#[track_caller]
fn refused(url: &str, options: PostgresOptions) -> String {
    let target: PostgresTarget = url.parse().unwrap();
    match postgres(&target, options) {
        Err(Fault::Failed(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nodes_that_start_together_migrate_once() {
    let Some(place) = Place::new() else { return };
    thread::scope(|scope| {
        let opening: Vec<_> = (0..6).map(|_| scope.spawn(|| place.open().queries.counts())).collect();
        for opened in opening {
            assert_eq!(opened.join().unwrap().map(|counts| counts.batch), Ok(0));
        }
    });
    let twice =
        place.sql("SELECT count(*), count(DISTINCT version) FROM schema_version WHERE version IN (1, 2)");
    assert_eq!(twice[0], ["2", "2"]);
}

/// A store as version 1 left it: its script run by hand, and a row in each table that changed since.
#[test]
fn a_store_of_version_1_is_taken_over() {
    let (Some(new), Some(old)) = (Place::new(), Place::new()) else { return };
    drop(new.open());
    let checksum = new.sql("SELECT checksum FROM schema_version WHERE version = 1")[0][0].clone();
    old.sql("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, checksum BIGINT NOT NULL)");
    old.sql(include_str!("../../src/postgres/schema-1.sql"));
    old.sql(&format!("INSERT INTO schema_version VALUES (1, {checksum})"));
    old.sql(
        "INSERT INTO orders
             (id, state, expires_at, fee, journal, mchid, out_trade_no, appid, product, amount, currency, description,
              attach, notify_url, device, extra, digest)
             VALUES (5, 0, 900, 0, 4096, 1900000001, 'pen-000001', 1, 3, 100, 156, 'a pen', '', '', '', '',
                     decode(repeat('00', 16), 'hex'));
         INSERT INTO accounts VALUES ((2::BIGINT << 56) | (156::BIGINT << 46) | 1900000001, 0, 0, 0, 5000, 0);
         INSERT INTO shards VALUES (0, 3, 7, 100, 'somebody')",
    );
    let mut store = old.open();
    assert_eq!(store.committer.recover().map(|stands| stands.batch), Ok(7));
    let order = store.queries.order(OrderId(5)).unwrap().unwrap();
    assert_eq!((order.shard, &*order.terms.number), (Shard::FIRST, "pen-000001"));
    let takings = AccountId::merchant_unsettled(MerchantId(1_900_000_001), Currency::CNY);
    assert_eq!(store.queries.account(takings).unwrap().balance().minor, 5000, "its number is what it was");
    let view = old.sql("SELECT kind, owner, shard, balance FROM account_balances");
    assert_eq!(view, [["merchant.unsettled", "1900000001", "0", "5000"]]);
    let tables = |place: &Place| {
        place.sql(
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name !~ '_[0-9]{4}_?[0-9]{2}$' ORDER BY 1, 2",
        )
    };
    assert_eq!(tables(&old), tables(&new), "an old store becomes what a new one is");
}

#[test]
fn a_database_that_is_not_ours_or_too_new_is_left_alone() {
    let Some(place) = Place::new() else { return };
    let read = || postgres_queries(&place.target(), options()).map(drop).unwrap_err().to_string();
    assert!(read().contains("no Feiqian store"), "{}", read());
    place.sql("CREATE TABLE somebody_elses (id INT)");
    let why = refused(&place.url, options());
    assert!(why.contains("other tables"), "{why}");
    place.sql("DROP TABLE somebody_elses");
    drop(place.open());
    place.sql("INSERT INTO schema_version SELECT max(version) + 1, 1 FROM schema_version");
    assert!(refused(&place.url, options()).contains("use a newer feiqian"));
    assert!(read().contains("use a newer feiqian"));
    place.sql("DELETE FROM schema_version WHERE checksum = 1; UPDATE schema_version SET checksum = 7");
    assert!(refused(&place.url, options()).contains("differs from the one"));
}

#[test]
fn a_server_that_may_lose_what_it_confirmed_is_refused() {
    let Some(place) = Place::new() else { return };
    let lax = format!("{}?options=-csynchronous_commit%3Doff", place.url);
    let why = refused(&lax, options());
    assert!(why.contains("synchronous_commit = off") && why.contains("loses payments"), "{why}");
    let experiment = PostgresOptions { durable: false, ..options() };
    assert!(postgres(&lax.parse().unwrap(), experiment).is_ok());
    for setting in ["fsync = off", "full_page_writes = off"] {
        let Some(cluster) = place::cluster(&[setting]) else { return };
        let why = refused(&cluster.url("postgres"), options());
        assert!(why.contains(setting), "{why}");
    }
}

#[test]
fn an_unreachable_database_is_named_without_its_password() {
    let why = refused("postgres://pay:s3cret@127.0.0.1:1/feiqian", options());
    assert!(why.contains("postgres://pay:***@127.0.0.1:1/feiqian"), "{why}");
    assert!(why.contains("refused") && !why.contains("s3cret"), "{why}");
    let Some(place) = Place::new() else { return };
    let why = refused(&format!("{}x", place.url), options());
    assert!(why.contains("does not exist"), "{why}");
}

/// An auditor reads the views with words in them.
#[test]
fn the_views_read_as_the_manual_says() {
    let Some(place) = Place::new() else { return };
    let mut load = crate::load::Load::new(place.open());
    load.go();
    load.pays_on(1);
    let (confirmed, _) = load.end();
    let order =
        place.sql(&format!("SELECT state, amount, product FROM order_list WHERE id = {}", confirmed[0]));
    assert_eq!(order, [["paid", "200", "native"]]);
    let lines = place.sql(&format!(
        "SELECT command, outcome, previous IS NOT NULL FROM audit WHERE subject = 'order:{}' ORDER BY id",
        confirmed[0]
    ));
    assert_eq!(lines, [["create_order", "ok", "f"], ["pay_order", "ok", "t"]]);
    let kinds = place.sql("SELECT DISTINCT kind FROM account_balances ORDER BY kind");
    assert_eq!(kinds, [["channel.receivable"], ["merchant.unsettled"], ["payer.balance"], ["platform.fee"]]);
    let sum = place.sql("SELECT sum(CASE kind WHEN 'channel.receivable' THEN balance ELSE -balance END) FROM account_balances");
    assert_eq!(sum, [["0"]]);
    let undescribed = place.sql(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
           AND NOT relispartition AND obj_description(oid) IS NULL AND relname <> 'schema_version'",
    );
    assert_eq!(undescribed, Vec::<Vec<String>>::new(), "every table says what it holds");
}

/// `prove` beside a server that takes payments must see one moment, not several.
#[test]
fn a_proof_beside_payments_under_way_sees_one_moment() {
    let Some(place) = Place::new() else { return };
    let mut load = crate::load::Load::new(place.open());
    load.go();
    for _ in 0..8 {
        load.pays_on(10);
        place.prove();
    }
    load.end();
}

/// What `prove` is for: books that somebody changed.
#[test]
fn changed_books_are_found_out() {
    let Some(place) = Place::new() else { return };
    let mut load = crate::load::Load::new(place.open());
    load.go();
    load.pays_on(3);
    load.end();
    place.prove();
    for (change, back) in [
        (
            "UPDATE accounts SET credits_posted = credits_posted + 1 WHERE id >> 56 = 2",
            "UPDATE accounts SET credits_posted = credits_posted - 1 WHERE id >> 56 = 2",
        ),
        ("UPDATE orders SET state = 3 WHERE state = 2", "UPDATE orders SET state = 2 WHERE state = 3"),
    ] {
        place.sql(change);
        assert!(!engine::prove::prove(&*place.queries()).unwrap().holds(), "{change}");
        place.sql(back);
        place.prove();
    }
}
