//! Connections and servers that die: before, during and after COMMIT, idle and under load.

use crate::{
    load::{self, Load, must_be_paid},
    place::{self, Place, sql, try_sql},
};
use domain::{Caller, Command};
use engine::{Fault, Recovered, Refusal};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

const KILL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name LIKE 'feiqian %'";

fn key_ring(byte: u8) -> Command {
    Command::ReplaceKeyRing { name: "platform".into(), sealed: Box::from([byte]) }
}

fn version(place: &Place) -> Option<i64> {
    place.queries().key_ring("platform").unwrap().map(|ring| ring.version)
}

#[test]
fn connections_lost_while_idle_are_replaced() {
    let Some(place) = Place::new() else { return };
    let store = place.open();
    let queries = std::sync::Arc::clone(&store.queries);
    let engine = load::start(store);
    for round in 1..=3 {
        engine.handle().run_blocking(key_ring(1), Caller::platform()).unwrap();
        assert_eq!(queries.key_ring("platform").unwrap().map(|ring| ring.version), Some(round));
        assert!(!place.sql(KILL).is_empty());
        thread::sleep(Duration::from_millis(100)); // until the ends have arrived
    }
    assert_eq!(queries.merchants().unwrap(), []);
    assert_eq!(engine.handle().stats().faults, 0, "an idle connection that ends costs nobody an answer");
    engine.stop();
}

#[test]
fn a_connection_killed_before_commit_leaves_nothing_and_says_so() {
    let Some(place) = Place::new() else { return };
    let engine = load::start(place.open());
    engine.handle().run_blocking(key_ring(1), Caller::platform()).unwrap();
    // Another transaction holds the row, so the batch waits inside its own.
    let url = place.url.clone();
    let holder = thread::spawn(move || {
        sql(&url, "BEGIN; SELECT 1 FROM key_rings FOR UPDATE; SELECT pg_sleep(1.5); COMMIT")
    });
    thread::sleep(Duration::from_millis(300));
    let handle = engine.handle();
    let waiting = thread::spawn(move || handle.run_blocking(key_ring(2), Caller::platform()));
    thread::sleep(Duration::from_millis(400));
    let killed = place.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'feiqian commit 0'",
    );
    assert_eq!(killed, [["t"]]);
    let answer = waiting.join().unwrap();
    assert!(matches!(answer, Err(Refusal::Unavailable(_))), "{answer:?}");
    holder.join().unwrap();
    assert_eq!(version(&place), Some(1), "nothing of the batch was kept");
    engine.handle().run_blocking(key_ring(3), Caller::platform()).unwrap();
    assert_eq!(version(&place), Some(2), "and it goes on by itself");
    engine.stop();
}

/// COMMIT hangs because no standby answers. Whatever ends the waiting, nobody may be told success before the
/// batch is as safe as the server promises.
#[test]
fn a_commit_of_unknown_outcome_is_settled_before_anybody_is_told() {
    let Some(cluster) = place::cluster(&[]) else { return };
    let place = Place::on(&cluster.url("postgres"));
    let find =
        "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'feiqian commit 0'";
    for (byte, end) in (1..).zip(["pg_terminate_backend", "pg_cancel_backend"]) {
        let engine = load::start(place.open());
        cluster.reload(&["synchronous_standby_names = 'nobody'"]).unwrap();
        thread::sleep(Duration::from_millis(200));
        let handle = engine.handle();
        let waiting = thread::spawn(move || handle.run_blocking(key_ring(byte), Caller::platform()));
        thread::sleep(Duration::from_millis(500));
        let hangs = place.sql(&format!("SELECT wait_event {find}"));
        assert_eq!(hangs, [["SyncRep"]], "COMMIT waits for the standby");
        assert_eq!(place.sql(&format!("SELECT {end}(pid) {find}")), [["t"]]);
        thread::sleep(Duration::from_millis(700));
        // The batch can be read on this server by now, but on no standby.
        assert_eq!(version(&place), Some(i64::from(byte)), "{end}");
        assert!(!waiting.is_finished(), "{end}: confirmed although it is on one server only");
        cluster.reload(&["synchronous_standby_names = ''"]).unwrap();
        let answer = waiting.join().unwrap();
        assert!(answer.is_ok(), "{end}: it is there, so it counts as done: {answer:?}");
        engine.stop();
    }
    place.prove();
}

#[test]
fn connections_killed_at_random_under_load_lose_nothing() {
    let Some(place) = Place::new() else { return };
    let mut load = Load::new(place.open());
    load.go();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0_u64.. {
                if over.load(Ordering::Acquire) {
                    return;
                }
                place.sql(KILL);
                thread::sleep(Duration::from_micros(40_000 + round * 7_919 % 60_000));
            }
        });
        // A kill between two commits hurts nobody: on until one hits.
        for _ in 0..40 {
            load.pays_on(150);
            if load.handle().stats().faults > 0 {
                break;
            }
        }
        over.store(true, Ordering::Release);
    });
    load.pays_on(20);
    let faults = load.handle().stats().faults;
    let (confirmed, refused) = load.end();
    assert!(faults > 0, "no connection was killed at a moment that mattered");
    println!("{} confirmed, {refused} refused, {faults} faults", confirmed.len());
    must_be_paid(&*place.queries(), &confirmed);
    place.prove();
}

#[test]
fn a_server_killed_and_restarted_under_load_loses_nothing() {
    let Some(cluster) = place::cluster(&[]) else { return };
    let place = Place::on(&cluster.url("postgres"));
    let mut load = Load::new(place.open());
    load.go();
    for round in 0..3 {
        load.pays_on(30);
        thread::sleep(Duration::from_millis(37 * round));
        cluster.kill().unwrap();
        assert!(try_sql(&place.url, "SELECT 1").is_err());
        cluster.up().unwrap();
    }
    load.pays_on(30);
    let (confirmed, refused) = load.end();
    println!("{} confirmed, {refused} refused", confirmed.len());
    must_be_paid(&*place.queries(), &confirmed);
    place.prove();
}

#[test]
fn text_that_the_database_cannot_keep_is_refused_clearly() {
    let Some(place) = Place::new() else { return };
    let mut store = place.open();
    let stands = store.committer.recover().unwrap();
    let mut change = domain::Batch { number: 1, at: stands.at.plus(1), ..domain::Batch::default() };
    let counter = domain::sweep::Counter { name: "a\0b".into(), last: 1 };
    change.counters.push(domain::world::Change {
        key: counter.name.clone(),
        value: Some(counter),
        existed: false,
        after: 0,
        before: None,
    });
    let fault = store.committer.commit(&change).unwrap_err();
    assert!(
        matches!(&fault, Fault::Failed(why) if why.contains("counters.name") && why.contains("U+0000")),
        "{fault}"
    );
    assert_eq!(store.committer.recover(), Ok(Recovered { batch: 0, at: stands.at }));
}
