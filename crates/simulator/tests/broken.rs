//! Proof that the simulator can fail: engines, workers and stores with a mistake in them, each of which some seed
//! must find, with a report that a person can act on.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use domain::{Batch, Key, Record};
use engine::{Committer, Fault, Loader, Recovered, Store};
use ledger::{Account, AccountId};
use simulator::{Disk, Failure, Sabotage, Setup, simulate};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use store::Memory;
use types::{MerchantId, Shards};

/// Seeds that a mistake may take to be found.
const SEEDS: u64 = 60;

fn memory() -> Disk {
    let memory = Memory::default();
    Box::new(move |place| memory.at(place).open())
}

/// The first seed that finds it. The same seed finds the same again.
fn found(disk: &dyn Fn() -> Disk, sabotage: Option<Sabotage>) -> Failure {
    found_among(disk, Shards::ONE, sabotage)
}

fn found_among(disk: &dyn Fn() -> Disk, shards: Shards, sabotage: Option<Sabotage>) -> Failure {
    let setup = Setup { disk, networked: true, shards, sabotage };
    let first = (1..=SEEDS).find_map(|seed| simulate(seed, &setup).failure);
    let Some(failure) = first else { panic!("{sabotage:?}: none of {SEEDS} seeds found it") };
    let told = failure.to_string();
    assert!(told.contains(&format!("cargo xtask simulate --seed {}", failure.seed)), "{told}");
    assert!((2..=40).contains(&failure.tail.len()), "{told}");
    assert!(failure.invariant.len() > 20, "{told}");
    let again = simulate(failure.seed, &setup).failure.map(|again| (again.invariant, again.tail));
    assert_eq!(again, Some((failure.invariant.clone(), failure.tail.clone())), "it plays again exactly");
    failure
}

#[track_caller]
fn says(failure: &Failure, any: &[&str]) {
    assert!(any.iter().any(|text| failure.invariant.contains(text)), "{failure}");
}

#[test]
fn answers_before_the_commit_are_found() {
    let failure = found(&memory, Some(Sabotage::AnswersBeforeCommit));
    says(
        &failure,
        &["was acknowledged", "was told that", "stands for", "was answered", "has two orders", "ended as"],
    );
}

#[test]
fn a_commit_of_unknown_outcome_taken_for_done_is_found() {
    let failure = found(&memory, Some(Sabotage::UnknownIsDone));
    says(&failure, &["was acknowledged", "was told that", "without a gap"]);
}

#[test]
fn a_channel_timeout_taken_for_declined_is_found() {
    says(&found(&memory, Some(Sabotage::TimeoutIsDeclined)), &["is declined, which the bank never said"]);
}

#[test]
fn a_notification_dropped_after_its_first_failure_is_found() {
    says(&found(&memory, Some(Sabotage::OneTryOnly)), &["counts as delivered, its merchant never said so"]);
}

#[test]
fn a_store_without_a_fence_is_found() {
    says(
        &found(&memory, Some(Sabotage::NoFence)),
        &["without a gap", "time went back", "gives out id", "was acknowledged"],
    );
}

#[test]
fn an_executor_that_takes_its_place_back_is_found() {
    let failure = found(&memory, Some(Sabotage::TakesItsPlaceBack));
    says(&failure, &["was acknowledged", "was told that", "without a gap", "time went back", "accepted as"]);
}

#[test]
fn forgotten_request_keys_are_found() {
    let failure = found(&memory, Some(Sabotage::NoRequestKeys));
    says(&failure, &["then its repeat came to", "not as often", "stands for two requests"]);
}

#[test]
fn an_executor_that_trusts_its_own_clock_is_found() {
    says(
        &found(&memory, Some(Sabotage::TrustsItsClock)),
        &["time went back", "gives out id", "journal line"],
    );
}

#[test]
fn money_that_counts_as_arrived_before_it_has_is_found() {
    let failure = found_among(&memory, Shards::new(3).unwrap(), Some(Sabotage::ArrivesUnheard));
    says(&failure, &["but nothing brings it on"]);
    assert!(failure.to_string().ends_with("--shards 3"), "{failure}");
}

#[test]
fn an_order_with_two_owners_is_found() {
    let failure = found_among(&memory, Shards::new(2).unwrap(), Some(Sabotage::OwnsWhatItReads));
    says(
        &failure,
        &[
            "prove: ",
            "was acknowledged",
            "was told that",
            "the books say",
            "would tell of an order",
            "was paid twice",
        ],
    );
}

/// A new executor whose clock is behind takes late word for news; the store must not keep what it makes of it.
#[test]
fn a_change_made_from_late_word_is_found() {
    let failure = found_among(&memory, Shards::new(2).unwrap(), Some(Sabotage::BelievesWhatItHears));
    says(&failure, &["prove: ", "was acknowledged", "the books say", "was paid twice"]);
}

#[test]
fn every_sabotage_has_a_test() {
    assert_eq!(Sabotage::ALL.len(), 11, "a new one needs a test in this file");
}

/// A store that plays a trick on every `n`th batch or load.
#[derive(Clone)]
struct Tricky {
    memory: Memory,
    trick: Trick,
    every: u64,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Trick {
    /// Says that it committed and did not.
    Loses,
    /// Moves the money of a batch a second time.
    Doubles,
    /// Drops the second record of an account: half of a transfer.
    Halves,
    /// Loads an account as it was before its last change (Blnk 238, 239).
    Stale,
}

#[derive(Default)]
struct Seen {
    calls: u64,
    /// Each account before its last change, and after.
    accounts: HashMap<AccountId, [Account; 2]>,
}

fn tricky(trick: Trick, every: u64) -> impl Fn() -> Disk {
    move || {
        let it = Tricky { memory: Memory::default(), trick, every, seen: Arc::default() };
        Box::new(move |place| {
            let store = it.memory.at(place).open();
            Store {
                loader: Box::new(TrickyLoader(it.clone(), store.loader)),
                committer: Box::new(TrickyCommitter(it.clone(), store.committer)),
                queries: store.queries,
            }
        })
    }
}

struct TrickyLoader(Tricky, Box<dyn Loader>);

impl Loader for TrickyLoader {
    fn load(&mut self, keys: &[Key]) -> Result<Vec<Option<Record>>, Fault> {
        let mut found = self.1.load(keys)?;
        if self.0.trick == Trick::Stale {
            let mut seen = self.0.seen.lock().unwrap();
            seen.calls += 1;
            if seen.calls.is_multiple_of(self.0.every) {
                for record in found.iter_mut().flatten() {
                    if let Record::Account(account) = record
                        && let Some([before, _]) = seen.accounts.get(&account.id)
                    {
                        *account = *before;
                    }
                }
            }
        }
        Ok(found)
    }
    fn largest_number(&mut self, merchant: MerchantId) -> Result<Option<Box<str>>, Fault> {
        self.1.largest_number(merchant)
    }
}

struct TrickyCommitter(Tricky, Box<dyn Committer>);

impl Committer for TrickyCommitter {
    fn recover(&mut self) -> Result<Recovered, Fault> {
        self.1.recover()
    }
    fn commit(&mut self, batch: &Batch) -> Result<(), Fault> {
        let mut seen = self.0.seen.lock().unwrap();
        if self.0.trick != Trick::Stale {
            seen.calls += 1;
        }
        let mut batch = batch.clone();
        let now = seen.calls.is_multiple_of(self.0.every) && !batch.transfers.is_empty();
        match self.0.trick {
            Trick::Loses if now => return Ok(()),
            Trick::Doubles if now => {
                for change in &mut batch.accounts {
                    if let Some(account) = &mut change.value {
                        let before = seen
                            .accounts
                            .get(&account.id)
                            .map_or(Account::new(account.id), |[_, last]| *last);
                        account.debits_posted += account.debits_posted - before.debits_posted;
                        account.credits_posted += account.credits_posted - before.credits_posted;
                    }
                }
            }
            Trick::Halves if now => drop(batch.accounts.pop()),
            _ => {}
        }
        for change in &batch.accounts {
            if let Some(account) = change.value {
                let last = seen.accounts.get(&account.id).map_or(Account::new(account.id), |[_, last]| *last);
                seen.accounts.insert(account.id, [last, account]);
            }
        }
        self.1.commit(&batch)
    }
}

#[test]
fn a_store_that_loses_a_commit_is_found() {
    says(&found(&tricky(Trick::Loses, 20), None), &["without a gap", "was acknowledged", "was told that"]);
}

#[test]
fn a_store_that_moves_money_twice_is_found() {
    says(&found(&tricky(Trick::Doubles, 20), None), &["prove: ", "overflow"]);
}

#[test]
fn a_store_that_writes_half_a_transfer_is_found() {
    says(&found(&tricky(Trick::Halves, 20), None), &["prove: ", "wrong about whether"]);
}

#[test]
fn a_balance_read_before_its_last_change_is_found() {
    says(&found(&tricky(Trick::Stale, 5), None), &["prove: ", "wrong about whether"]);
}
