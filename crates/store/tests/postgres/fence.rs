//! Two executors on one shard: the later one commits, the earlier one never again, and nothing confirmed is lost.

use crate::{
    load::{self, Load, must_be_paid},
    place::Place,
};
use domain::{Batch, Caller, Command, JournalLine, Subject};
use engine::{Committer, Fault, Recovered, Refusal};
use types::JournalId;

pub(crate) fn batch(stands: Recovered) -> Batch {
    let (number, at) = (stands.batch + 1, stands.at.plus(1));
    let line = JournalLine {
        id: JournalId(number * 4096),
        at,
        caller: Caller::platform(),
        command: "sweep",
        subject: Subject::Platform,
        outcome: "ok",
        note: None,
        previous: None,
    };
    Batch { number, at, journal: vec![line], ..Batch::default() }
}

pub(crate) fn commits(committer: &mut dyn Committer, stands: &mut Recovered) -> Result<(), Fault> {
    let batch = batch(*stands);
    committer.commit(&batch)?;
    *stands = Recovered { batch: batch.number, at: batch.at };
    Ok(())
}

fn key_ring(byte: u8) -> Command {
    Command::ReplaceKeyRing { name: "platform".into(), sealed: Box::from([byte]) }
}

#[test]
fn an_executor_that_was_replaced_never_commits_again() {
    let Some(place) = Place::new() else { return };
    let mut first = place.open().committer;
    let mut stands = first.recover().unwrap();
    commits(&mut *first, &mut stands).unwrap();

    let mut second = place.open().committer;
    commits(&mut *first, &mut stands).expect("opening alone takes nothing");
    let mut seen = second.recover().unwrap();
    assert_eq!(seen, stands, "the second goes on where the first stood");
    assert!(matches!(commits(&mut *first, &mut stands), Err(Fault::Failed(_))), "nothing was written");
    for _ in 0..3 {
        let refused = first.recover().unwrap_err();
        assert!(matches!(&refused, Fault::Fenced(why) if why.contains("was taken over by")), "{refused}");
        assert_eq!(commits(&mut *first, &mut stands), Err(refused), "for good");
        commits(&mut *second, &mut seen).expect("the second was not disturbed");
    }

    // A restart is a new executor: it takes over in its turn.
    let mut third = place.open().committer;
    assert_eq!(third.recover(), Ok(seen));
    assert!(commits(&mut *second, &mut seen.clone()).is_err());
    assert!(matches!(second.recover(), Err(Fault::Fenced(_))));
    commits(&mut *third, &mut seen).unwrap();
}

#[test]
fn a_batch_that_arrives_late_under_an_old_epoch_is_refused() {
    let Some(place) = Place::new() else { return };
    let mut old = place.open().committer;
    let mut stands = old.recover().unwrap();
    commits(&mut *old, &mut stands).unwrap();
    let number = |place: &Place| place.sql("SELECT batch, epoch FROM shards")[0].clone();
    assert_eq!(number(&place), ["1", "1"]);
    let mut new = place.open().committer;
    assert_eq!(new.recover(), Ok(stands));
    assert!(commits(&mut *old, &mut stands.clone()).is_err());
    assert_eq!(number(&place), ["1", "2"], "nothing of it was kept");
    assert_eq!(place.sql("SELECT count(*) FROM journal")[0], ["1"]);
    // Its own faults raise the epoch too: what it sent before can't arrive any more.
    assert_eq!(new.recover(), Ok(stands));
    assert_eq!(number(&place), ["1", "3"]);
    commits(&mut *new, &mut stands).unwrap();
}

#[test]
fn what_the_first_of_two_engines_confirmed_is_there_for_the_second() {
    let Some(place) = Place::new() else { return };
    let mut first = Load::new(place.open());
    first.go();
    first.pays_on(40);
    // While the first one pays on, another process starts on the same shard.
    let second = load::start(place.open());
    let answer = second.handle().run_blocking(key_ring(1), Caller::platform());
    assert!(answer.is_ok(), "the second takes over: {answer:?}");
    // Every caller of the first one has an answer, and so has who comes now; then it stops.
    while !first.handle().stats().fenced {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let late = first.handle().run_blocking(key_ring(2), Caller::platform());
    let says = |why: &str| why.contains("was taken over by") && !why.contains("unknown");
    assert!(matches!(&late, Err(Refusal::Unavailable(why)) if says(why)), "{late:?}");
    let (confirmed, refused) = first.end();
    assert!(confirmed.len() >= 40 && refused > 0, "{} confirmed, {refused} refused", confirmed.len());
    let answer = second.handle().run_blocking(key_ring(3), Caller::platform());
    assert!(answer.is_ok(), "the second goes on: {answer:?}");
    second.stop();
    must_be_paid(&*place.queries(), &confirmed);
    let paid = place.sql("SELECT count(*) FROM orders WHERE state = 2")[0][0].clone();
    // No commit was in doubt, so there is nothing that nobody was told of.
    assert_eq!(paid, confirmed.len().to_string(), "paid and confirmed");
    place.prove();
}
