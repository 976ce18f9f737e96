//! Rows sent ahead, while the batch before is being committed: they are there with their batch, or not at all.

use crate::{
    fence::{batch, commits},
    load::{Load, must_be_paid},
    place::Place,
};
use domain::{Batch, sweep::Counter, world::Change};
use engine::{Committer, Fault, Recovered};
use std::{any::Any, time::Duration};

/// The next batch, with a row that is new or, `after` a batch, changed.
fn counting(stands: Recovered, last: i64, after: Option<i64>) -> Batch {
    let value = Counter { name: "ahead".into(), last };
    let counter = Change {
        key: value.name.clone(),
        value: Some(value),
        existed: after.is_some(),
        after: after.unwrap_or(0),
        before: None,
    };
    Batch { counters: vec![counter], ..batch(stands) }
}

fn after(batch: &Batch) -> Recovered {
    Recovered { batch: batch.number, at: batch.at }
}

/// A committer whose two connections know the statements, and where it stands.
fn warm(place: &Place) -> (Box<dyn Committer>, Recovered) {
    let mut committer = place.open().committer;
    let mut stands = committer.recover().unwrap();
    let mut ahead = committer.writes_ahead().unwrap();
    for round in 0..4 {
        let next = counting(stands, round, (round > 0).then_some(stands.batch));
        committer.commit(&next).unwrap();
        stands = after(&next);
        if round == 0 {
            // The only connection is the committer's; now that a second is wanted, the next commit opens it.
            assert!(ahead.begin(&batch(stands), stands.batch).is_none());
        }
    }
    commits(&mut *committer, &mut stands).unwrap();
    commits(&mut *committer, &mut stands).unwrap();
    (committer, stands)
}

fn begin(committer: &dyn Committer, batch: &Batch, durable: i64) -> Box<dyn Any + Send> {
    let begun = committer.writes_ahead().unwrap().begin(batch, durable);
    begun.expect("a connection is idle and knows the statements")
}

fn counter(place: &Place) -> String {
    place.sql("SELECT last FROM counters WHERE name = 'ahead'")[0][0].clone()
}

#[test]
fn a_batch_begun_is_committed_after_the_one_before_it() {
    let Some(place) = Place::new() else { return };
    let (mut committer, stands) = warm(&place);
    let one = counting(stands, 100, Some(0));
    let two = counting(after(&one), 200, Some(one.number));
    let begun = begin(&*committer, &two, stands.batch);
    committer.commit(&one).unwrap();
    assert_eq!(counter(&place), "100", "what is begun is not seen");
    committer.commit_begun(&two, begun).unwrap();
    assert_eq!(counter(&place), "200", "the row that both change was changed by the second last");
    let mut stands = after(&two);
    commits(&mut *committer, &mut stands).unwrap();
    assert_eq!(place.sql("SELECT batch FROM shards")[0][0], stands.batch.to_string());
}

#[test]
fn a_batch_begun_does_not_pass_the_one_before_it() {
    let Some(place) = Place::new() else { return };
    let (mut committer, stands) = warm(&place);
    let one = batch(stands);
    let two = counting(after(&one), 200, Some(0));
    let begun = begin(&*committer, &two, stands.batch);
    assert!(
        matches!(committer.commit_begun(&two, begun), Err(Fault::Failed(_))),
        "the one before is not there"
    );
    assert_eq!(counter(&place), "3");
    committer.commit(&one).unwrap();
    committer.commit(&two).unwrap();
    assert_eq!(counter(&place), "200");
}

/// Also the same rows can be written at once by whoever comes next.
#[test]
fn a_batch_begun_and_given_up_leaves_nothing() {
    let Some(place) = Place::new() else { return };
    let (mut committer, stands) = warm(&place);
    let withdrawn = counting(stands, 200, Some(0));
    drop(begin(&*committer, &withdrawn, stands.batch));
    let next = counting(stands, 300, Some(0));
    committer.commit(&next).unwrap();
    assert_eq!(counter(&place), "300");
}

/// The server ends a transaction that waits too long; a batch that changed nothing it should is no success either.
#[test]
fn a_head_start_that_came_to_nothing_is_made_up_for() {
    let Some(place) = Place::new() else { return };
    let (mut committer, stands) = warm(&place);
    let next = counting(stands, 200, Some(0));
    let begun = begin(&*committer, &next, stands.batch);
    while place.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in \
                     transaction'",
    )[0][0]
        == "0"
    {
        std::thread::sleep(Duration::from_millis(2));
    }
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = \
               'idle in transaction'";
    assert_eq!(place.sql(end).len(), 1);
    committer.commit_begun(&next, begun).unwrap();
    assert_eq!(counter(&place), "200");
}

/// What it begins with can't be: the row is not there before the batch before, which makes it.
#[test]
fn a_head_start_that_the_server_refused_is_made_up_for() {
    let Some(place) = Place::new() else { return };
    let (mut committer, stands) = warm(&place);
    place.sql("DELETE FROM counters");
    let one = counting(stands, 1, None);
    let two = counting(after(&one), 2, Some(0));
    let begun = begin(&*committer, &two, stands.batch);
    committer.commit(&one).unwrap();
    committer.commit_begun(&two, begun).expect("now it is there");
    assert_eq!(counter(&place), "2");
    let mut stands = after(&two);
    commits(&mut *committer, &mut stands).unwrap();
}

#[test]
fn an_executor_that_was_replaced_does_not_commit_what_it_began() {
    let Some(place) = Place::new() else { return };
    let (mut old, stands) = warm(&place);
    let lost = counting(stands, 200, Some(0));
    let begun = begin(&*old, &lost, stands.batch);
    let mut new = place.open().committer;
    assert_eq!(new.recover(), Ok(stands));
    assert!(matches!(old.commit_begun(&lost, begun), Err(Fault::Failed(_))), "fenced");
    assert!(matches!(old.recover(), Err(Fault::Fenced(_))));
    let next = counting(stands, 300, Some(0));
    new.commit(&next).unwrap();
    assert_eq!(counter(&place), "300");
}

#[test]
fn payments_confirmed_by_batches_begun_ahead_are_there() {
    let Some(place) = Place::new() else { return };
    let mut load = Load::new(place.open());
    load.go();
    load.pays_on(400);
    let stats = load.handle().stats();
    let (confirmed, refused) = load.end();
    assert!(stats.ahead > stats.batches / 10, "{stats:?}");
    assert_eq!(refused, 0);
    must_be_paid(&*place.queries(), &confirmed);
    let paid = place.sql("SELECT count(*) FROM orders WHERE state = 2")[0][0].clone();
    assert_eq!(paid, confirmed.len().to_string());
    place.prove();
}
