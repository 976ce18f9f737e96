//! Worlds of business days that must be good: a bounded number of seeds in every test run. `cargo xtask simulate --days 60`
//! runs more and longer ones.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use simulator::{BusinessDays, Disk, Folder, Report, STEPS, Setup, simulate_days};
use std::collections::BTreeMap;
use store::Memory;
use types::Shards;

fn memory() -> Disk {
    let memory = Memory::default();
    Box::new(move |place| memory.at(place).open())
}

const SETUP: Setup<'static> = Setup { disk: &memory, networked: true, shards: Shards::ONE, sabotage: None };

fn folder() -> Folder {
    Box::new(tempfile::tempdir().unwrap())
}

fn good(seed: u64, count: u16) -> Report {
    let report = simulate_days(seed, &SETUP, &BusinessDays { count, folder: &folder });
    if let Some(failure) = &report.failure {
        panic!("{failure}");
    }
    report
}

fn run(seeds: std::ops::Range<u64>, days: u16) -> BTreeMap<String, u64> {
    let mut happened = BTreeMap::new();
    for seed in seeds {
        for (what, times) in good(seed, days).happened {
            *happened.entry(what).or_insert(0) += times;
        }
    }
    happened
}

/// Sixty business days: the whole of the money's day, with everything that breaks, and `prove` and the books after it.
#[test]
fn sixty_business_days_of_one_seed() {
    let happened = run(1..2, 60);
    assert_eq!(happened.get("business day"), Some(&60));
    for what in [
        "approve_payout: ok",
        "channel: bill written",
        "channel: difference put into a bill",
        "exchange started twice at once",
        "exchange: file of the bank read",
        "exchange: file written",
        "hold_money: ok",
        "open_exception: ok",
        "own_payout",
        "reconciliation: a run matched a day",
        "release_hold: ok",
        "release_settlement: ok",
        "request_payout: ok",
        "set_fees: ok",
        "settlement started a second time over the network",
        "settlement started twice at once",
        "settlement: a run closed a day",
    ] {
        let times: u64 =
            happened.iter().filter(|(known, _)| known.contains(what)).map(|(_, times)| times).sum();
        assert!(times > 0, "`{what}` never happened: {happened:#?}");
    }
}

/// Short worlds, in which executors die at most of the steps of the jobs. A long run meets all of them (docs/reliability.md).
#[test]
fn executors_die_at_the_steps_of_every_job() {
    let happened = run(31..36, 8);
    let died = |step: &&&str| happened.contains_key(&format!("died at step: {step}"));
    let met: Vec<&&str> = STEPS.iter().filter(died).collect();
    for job in ["settlement", "exchange", "reconciliation"] {
        assert!(met.iter().filter(|step| step.starts_with(job)).count() >= 2, "{job}: {met:?}");
    }
    assert!(met.len() >= 10, "{met:?}");
}

#[test]
fn the_same_seed_of_business_days_comes_to_the_same_bytes() {
    let [first, again] = [good(5, 6), good(5, 6)];
    assert_ne!(first.digest, 0);
    assert_eq!(
        (first.digest, first.operations, &first.happened),
        (again.digest, again.operations, &again.happened)
    );
    assert_ne!(first.digest, good(6, 6).digest);
}
