//! Worlds over PostgreSQL: with several shards, where executors share its tables and a takeover is the database's.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use simulator::{Disk, Setup, simulate};
use std::{rc::Rc, time::Duration};
use store::{Memory, PostgresOptions, postgres};
use types::Shards;
use xtask::postgres::{Cluster, VARIABLE};

fn memory() -> Disk {
    let memory = Memory::default();
    Box::new(move |place| memory.at(place).open())
}

/// A server of its own, which may be quick rather than safe: here a crash is one of executors.
fn server() -> Disk {
    let settings = ["fsync = off", "full_page_writes = off", "synchronous_commit = off"];
    let cluster = Rc::new(Cluster::start(&settings).unwrap());
    Box::new(move |place| {
        let statement_timeout = Duration::from_secs(20);
        let options = PostgresOptions {
            place,
            readers: 1,
            durable: false,
            statement_timeout,
            ..PostgresOptions::default()
        };
        postgres(&cluster.url("postgres").parse().unwrap(), options).unwrap()
    })
}

/// Worlds of three shards come to the same bytes as over the store in memory: the same orders have moved, the same
/// money has crossed, and what was fenced wrote nothing.
#[test]
fn postgres_comes_to_the_same_bytes_as_memory_with_three_shards() {
    if std::env::var(VARIABLE).unwrap_or_default().is_empty() {
        eprintln!("SKIPPED: {VARIABLE} names no server; `cargo xtask test` starts one");
        return;
    }
    let setup = |disk| Setup { disk, networked: true, shards: Shards::new(3).unwrap(), sabotage: None };
    let mut met = std::collections::BTreeSet::new();
    for seed in [5, 12, 31] {
        let reports = [simulate(seed, &setup(&memory)), simulate(seed, &setup(&server))];
        for report in &reports {
            if let Some(failure) = &report.failure {
                panic!("{failure}");
            }
        }
        let [in_memory, in_postgres] = reports;
        assert_eq!(in_postgres.happened, in_memory.happened, "seed {seed}");
        assert_eq!(in_postgres.digest, in_memory.digest, "seed {seed}");
        met.extend(in_memory.happened.into_keys());
    }
    for what in ["move_order: ok", "claim_order: ok", "arrived: ok", "executor fenced", "start"] {
        assert!(met.contains(what), "`{what}` never happened: {met:#?}");
    }
}
