//! What every store must do, as one suite that runs on each of them.
//!
//! A check gets a place where a new store can be opened, as often as it likes; what was committed is there again
//! each time. It panics on the first thing that is not as it must be.

mod batches;
mod days;
mod exception;
mod journal;
mod lists;
mod partner;
mod random;
mod records;
mod samples;
mod settlement;
mod shards;
mod sharing;
mod staff;
mod user_transfer;

use domain::{
    Batch, Caller, JournalLine, Key, Record, Subject,
    world::{Change, Entity},
};
use engine::{Fault, Queries, Recovered, Store};
use std::sync::Arc;
use types::{JournalId, Place, Shard, Time};

/// Opens the store at one place.
pub type Open<'a> = &'a dyn Fn() -> Store;

/// A check: panics when the store does not do what it must.
pub type Check = fn(Open<'_>);

/// The checks by name.
pub const CHECKS: [(&str, Check); 30] = [
    ("a new store is empty", batches::a_new_store_is_empty),
    ("where it stands survives opening", batches::where_it_stands_survives_opening),
    ("a batch is written whole or not at all", batches::a_batch_is_written_whole_or_not_at_all),
    ("many keys are answered in order", batches::many_keys_are_answered_in_order),
    ("the largest number is that of bytes", batches::the_largest_number_is_that_of_bytes),
    ("a session is read with whose it is", records::a_session_is_read_with_whose_it_is),
    ("every bare record reads back", records::every_bare_record_reads_back),
    ("every full record reads back", records::every_full_record_reads_back),
    ("every update reads back", records::every_update_reads_back),
    ("short-lived records can be removed", records::short_lived_records_can_be_removed),
    ("a record made anew in its batch reads back", records::a_record_made_anew_in_its_batch_reads_back),
    ("lists are in order", lists::lists_are_in_order),
    ("a bill follows its links", lists::a_bill_follows_its_links),
    ("notifications come in pages", lists::notifications_come_in_pages),
    ("due notifications can be stepped over", lists::due_notifications_can_be_stepped_over),
    ("refunds are found by number, state and time", lists::refunds_are_found_by_number_state_and_time),
    ("due payments and orders come earliest first", lists::due_payments_and_orders_come_earliest_first),
    ("stale records are those the sweep removes", lists::stale_records_are_those_the_sweep_removes),
    ("a day's transfers are a range of ids", days::a_days_transfers_are_a_range_of_ids),
    (
        "balances of an instant leave later transfers out",
        days::balances_of_an_instant_leave_later_transfers_out,
    ),
    (
        "settlements are listed by merchant, day and time",
        settlement::settlements_are_listed_by_merchant_day_and_time,
    ),
    ("holds and payouts are listed while open", settlement::holds_and_payouts_are_listed_while_open),
    ("transfers to users are listed", user_transfer::transfers_to_users_are_listed),
    ("exceptions are listed, open ones apart", exception::exceptions_are_listed_open_ones_apart),
    (
        "what is left of shared orders is listed and due",
        sharing::what_is_left_of_shared_orders_is_listed_and_due,
    ),
    ("partners find their sub-merchants and orders", partner::partners_find_their_sub_merchants_and_orders),
    ("the past is searched in bounded steps", staff::the_past_is_searched_in_bounded_steps),
    ("the journal reads back", journal::the_journal_reads_back),
    ("a timeline follows its links", journal::a_timeline_follows_its_links),
    ("it behaves as the store in memory", random::it_behaves_as_the_store_in_memory),
];

/// Runs every check, each on a new place that `fresh` makes.
///
/// # Panics
/// On the first check that fails; the line before on standard error names it.
pub fn suite<P: Fn() -> Store>(fresh: impl Fn() -> P) {
    for (name, check) in CHECKS {
        eprintln!("conformance: {name}");
        let open = fresh();
        check(&open);
    }
}

/// Opens one of a database's shards.
pub type OpenAt<'a> = &'a dyn Fn(Place) -> Store;

/// A check of a store that holds several shards.
pub type ShardCheck = fn(OpenAt<'_>);

/// What a store must do that holds several shards, by name.
pub const SHARD_CHECKS: [(&str, ShardCheck); 5] = [
    ("each shard has its own batches", shards::each_shard_has_its_own_batches),
    ("the journal is that of all shards", shards::the_journal_is_that_of_all_shards),
    ("what is due is due in one shard", shards::what_is_due_is_due_in_one_shard),
    ("due transfers are of the shards asked for", user_transfer::due_transfers_are_of_the_shards_asked_for),
    ("what is stale is swept by one shard", shards::what_is_stale_is_swept_by_one_shard),
];

/// Runs every check of a store with several shards, each on a new place that `fresh` makes.
///
/// # Panics
/// On the first check that fails; the line before on standard error names it.
pub fn shard_suite<P: Fn(Place) -> Store>(fresh: impl Fn() -> P) {
    for (name, check) in SHARD_CHECKS {
        eprintln!("conformance: {name}");
        let open = fresh();
        check(&open);
    }
}

/// 2026-01-05T10:00:00+08:00, the time of the first batch.
const START: Time = Time::from_unix(1_767_578_400);

/// Writes batches by hand, as an engine would.
struct Scribe {
    shard: Shard,
    store: Store,
    stands: Recovered,
}

impl Scribe {
    fn open(open: Open<'_>) -> Self {
        Self::over(open(), Shard::FIRST)
    }

    fn over(mut store: Store, shard: Shard) -> Self {
        let stands = store.committer.recover().expect("the store tells where it stands");
        Self { shard, store, stands }
    }

    fn queries(&self) -> Arc<dyn Queries> {
        Arc::clone(&self.store.queries)
    }

    /// The next batch, with one journal line and no change yet.
    fn draft(&self) -> Batch {
        let number = self.stands.batch + 1;
        let at = START.max(self.stands.at.plus(1));
        let id = JournalId::new(self.shard, number, 0);
        Batch { number, at, journal: vec![JournalLine { id, ..line(number, 0, at) }], ..Batch::default() }
    }

    #[track_caller]
    fn commit(&mut self, batch: &Batch) {
        self.try_commit(batch).expect("the batch is committed");
    }

    fn try_commit(&mut self, batch: &Batch) -> Result<(), Fault> {
        self.store.committer.commit(batch)?;
        self.stands = Recovered { batch: batch.number, at: batch.at };
        Ok(())
    }

    /// Fills the next batch and commits it.
    #[track_caller]
    fn write(&mut self, fill: impl FnOnce(&mut Batch)) {
        let mut batch = self.draft();
        fill(&mut batch);
        self.commit(&batch);
    }

    #[track_caller]
    fn load(&mut self, keys: &[Key]) -> Vec<Option<Record>> {
        let found = self.store.loader.load(keys).expect("the store loads");
        assert_eq!(found.len(), keys.len(), "every key is answered");
        found
    }
}

/// A line without anything special.
fn line(batch: i64, place: i64, at: Time) -> JournalLine {
    JournalLine {
        id: JournalId(batch * 4096 + place),
        at,
        caller: Caller::platform(),
        command: "sweep",
        subject: Subject::Platform,
        outcome: "ok",
        note: None,
        previous: None,
    }
}

fn added<E: Entity>(value: E) -> Change<E> {
    Change { key: value.key(), value: Some(value), existed: false, after: 0, before: None }
}

fn changed<E: Entity>(value: E) -> Change<E> {
    Change { key: value.key(), value: Some(value), existed: true, after: 0, before: None }
}

fn removed<E: Entity>(value: &E) -> Change<E> {
    Change { key: value.key(), value: None, existed: true, after: 0, before: None }
}
