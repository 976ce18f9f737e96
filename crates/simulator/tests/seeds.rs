//! Worlds that must be good: a bounded number of seeds in every test run. `cargo xtask simulate` runs more.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use simulator::{Disk, Report, Setup, simulate};
use std::{collections::BTreeMap, rc::Rc};
use store::{Memory, Options, sqlite};
use types::Shards;

fn memory() -> Disk {
    let memory = Memory::default();
    Box::new(move |place| memory.at(place).open())
}

const NETWORKED: Setup<'static> =
    Setup { disk: &memory, networked: true, shards: Shards::ONE, sabotage: None };

fn good(seed: u64, setup: &Setup<'_>) -> Report {
    let report = simulate(seed, setup);
    if let Some(failure) = &report.failure {
        panic!("{failure}");
    }
    report
}

/// Runs seeds and gives what happened in all of them together.
fn run(seeds: std::ops::Range<u64>) -> BTreeMap<String, u64> {
    let mut happened = BTreeMap::new();
    for seed in seeds {
        for (what, times) in good(seed, &NETWORKED).happened {
            *happened.entry(what).or_insert(0) += times;
        }
    }
    happened
}

// In six tests, so that they share the cores.
#[test]
fn seeds_1_to_10() {
    run(1..11);
}
#[test]
fn seeds_11_to_20() {
    run(11..21);
}
#[test]
fn seeds_21_to_30() {
    run(21..31);
}
#[test]
fn seeds_51_to_60() {
    run(51..61);
}

/// As the others, of several shards, each with two executors.
fn run_sharded(seeds: std::ops::Range<u64>, shards: u8) -> BTreeMap<String, u64> {
    let setup = Setup { shards: Shards::new(shards).unwrap(), ..NETWORKED };
    let mut happened = BTreeMap::new();
    for seed in seeds {
        for (what, times) in good(seed, &setup).happened {
            *happened.entry(what).or_insert(0) += times;
        }
    }
    happened
}

#[test]
fn seeds_1_to_6_with_two_shards() {
    run_sharded(1..7, 2);
}

/// Orders move, numbers are taken elsewhere, money crosses, and all of it while executors die.
#[test]
fn seeds_11_to_22_with_three_shards_meet_every_kind_of_crossing() {
    let happened = run_sharded(11..23, 3);
    for what in [
        "arrived: ok",
        "claim_order: elsewhere",
        "claim_order: ok",
        "close_order: elsewhere",
        "code_pay: elsewhere",
        "create_order: elsewhere",
        "create_refund: money_elsewhere",
        "create_refund: number_elsewhere",
        "commit fenced",
        "died after a commit, before its answer",
        "died at any moment",
        "executor fenced",
        "fail-over from a dead executor",
        "fail-over from a living executor",
        "money arrived in another shard",
        "money asked for",
        "move_order: ok",
        "move_order: order_busy",
        "move_order: order_paid",
        "order heard of",
        "pay_order: elsewhere",
        "receive: ok",
        "reverse_order: elsewhere",
        "reverse_order: money_elsewhere",
        "send_to_shard: ok",
        "stray write fenced",
        "word of an order came to nothing",
        "word of an order lost",
    ] {
        assert!(happened.get(what).is_some_and(|times| *times > 0), "`{what}` never happened: {happened:#?}");
    }
}

#[test]
fn the_same_seed_of_three_shards_comes_to_the_same_bytes() {
    let setup = Setup { shards: Shards::new(3).unwrap(), ..NETWORKED };
    let [first, again] = [good(5, &setup), good(5, &setup)];
    assert_eq!(
        (first.digest, first.operations, &first.happened),
        (again.digest, again.operations, &again.happened)
    );
    assert_ne!(first.digest, good(5, &NETWORKED).digest);
}

/// A simulator that never does what it is for would find nothing either.
#[test]
fn seeds_31_to_50_meet_every_kind_of_fault() {
    let happened = run(31..51);
    for what in [
        "answer lost",
        "answer_refund: ok",
        "approve_refund: ok",
        "asked again",
        "bank: answer doubled",
        "bank: answer late",
        "bank: answer lost",
        "bank: lie",
        "bank: question lost",
        "batch of several",
        "caller gave up",
        "clock back",
        "clock forward",
        "commit fenced",
        "commit found to be lost",
        "commit found to be there",
        "commit on a full disk",
        "commit refused",
        "commit unknown, not written",
        "commit unknown, written",
        "confirm_code_pay: ok",
        "create_order: order_number_used",
        "create_refund: ok",
        "create_refund: order_not_paid",
        "create_refund: refund_number_used",
        "create_refund: refund_too_much",
        "create_refund: refund_too_soon",
        "died after a commit, before its answer",
        "died at a start",
        "died at any moment",
        "died before a commit",
        "died while recovering",
        "disk full",
        "disk slow",
        "endpoint dead",
        "event unheard",
        "executor fenced",
        "expire_order: ok",
        "expire_refund: ok",
        "fail-over from a dead executor",
        "fail-over from a living executor",
        "load failed",
        "notification failed",
        "pay_order: order_busy",
        "pay_order: order_paid",
        "pay_order: wrong_amount",
        "request doubled",
        "reject_refund: ok",
        "request lost",
        "retry_refund: ok",
        "reverse_order: order_refunded",
        "reverse_order: ok",
        "store silent after a fault",
        "stray write arrived",
        "stray write fenced",
        "sweep: ok",
        "time jumps",
        "top_up: ok",
    ] {
        assert!(happened.get(what).is_some_and(|times| *times > 0), "`{what}` never happened: {happened:#?}");
    }
}

#[test]
fn the_same_seed_comes_to_the_same_bytes() {
    for seed in [3, 8, 21] {
        let [first, again] = [good(seed, &NETWORKED), good(seed, &NETWORKED)];
        assert_ne!(first.digest, 0);
        assert_eq!(
            (first.digest, first.operations, first.lived),
            (again.digest, again.operations, again.lived)
        );
        assert_eq!(first.happened, again.happened, "seed {seed}");
    }
    assert_ne!(good(3, &NETWORKED).digest, good(8, &NETWORKED).digest);
}

/// The same worlds over SQLite, where a crash drops the connections and a start opens the file again: they come to
/// the same bytes as over the store in memory.
#[test]
fn sqlite_comes_to_the_same_bytes_as_memory() {
    let sqlite_disk = || -> Disk {
        let folder = Rc::new(tempfile::tempdir().unwrap());
        Box::new(move |_| {
            let options = Options { durable: false, writer_cache_kib: 2_048, readers: 1 };
            sqlite(&folder.path().join("feiqian.db"), options).unwrap()
        })
    };
    for seed in [5, 9, 12] {
        let in_memory =
            good(seed, &Setup { disk: &memory, networked: false, shards: Shards::ONE, sabotage: None });
        let in_file =
            good(seed, &Setup { disk: &sqlite_disk, networked: false, shards: Shards::ONE, sabotage: None });
        assert!(in_file.happened.contains_key("start"));
        assert_eq!(in_file.happened, in_memory.happened, "seed {seed}");
        assert_eq!(in_file.digest, in_memory.digest, "seed {seed}");
    }
}
