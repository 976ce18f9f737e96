//! The thread that commits: one batch at a time, each answered once its outcome is certain.

use super::{Listener, Outgoing, Refusal, Shared, Told, withdraw};
use crate::{
    core::Closed,
    observer::Observer,
    store::{Committer, Fault, Recovered},
};
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::PoisonError,
    thread,
    time::{Duration, Instant},
};

/// Longest wait between tries to learn where a faulty store stands.
const RECOVER_WAIT_MAX: Duration = Duration::from_secs(2);

/// What became of a batch.
enum Outcome {
    Durable,
    /// It is not there: why, and where the store stands.
    Withdrawn(String, Recovered),
    /// Another executor has the shard. What those of the batch are told, and what everybody else.
    Fenced {
        batch: Refusal,
        others: String,
    },
}

/// Commits what the applier hands over, until that ends or another executor has the shard.
pub(super) fn commit_all(
    shared: &Shared,
    committer: &mut dyn Committer,
    listener: &Listener,
    observer: &dyn Observer,
    tell: &dyn Fn(Vec<Told>),
) {
    loop {
        let Outgoing { mut closed, told, begun } = {
            let mut inbox = shared.lock();
            loop {
                if let Some(outgoing) = inbox.outgoing.take() {
                    inbox.committing = true;
                    if inbox.full {
                        // The batch behind can be begun now, and no command may come that would wake the applier.
                        shared.applier.notify_one();
                    }
                    break outgoing;
                }
                if inbox.applier_done {
                    return;
                }
                inbox = shared.committer.wait(inbox).unwrap_or_else(PoisonError::into_inner);
            }
        };
        let started = Instant::now();
        let outcome = commit_one(&closed, begun, committer);
        let took = started.elapsed();
        let behind = {
            let mut inbox = shared.lock();
            inbox.committing = false;
            inbox.stats.commit_us += u64::try_from(took.as_micros()).unwrap_or(0);
            match &outcome {
                Outcome::Durable => {
                    inbox.durable = closed.batch.number;
                    inbox.stats.batches += 1;
                    inbox.stats.commands += u64::try_from(told.len()).unwrap_or(0);
                }
                Outcome::Withdrawn(reason, recovered) => {
                    inbox.durable = recovered.batch;
                    inbox.stats.faults += 1;
                    inbox.fault = Some((reason.clone(), *recovered));
                }
                Outcome::Fenced { others, .. } => {
                    inbox.stats.faults += 1;
                    inbox.fenced = Some(others.clone());
                }
            }
            // A batch that follows one that is not there goes with it.
            if matches!(outcome, Outcome::Durable) { None } else { inbox.outgoing.take() }
        };
        shared.applier.notify_one();
        match &outcome {
            Outcome::Durable => {
                observer.committed(&closed.batch, took, &mut told.iter().map(|(_, answer)| answer));
            }
            Outcome::Withdrawn(..) | Outcome::Fenced { .. } => observer.fault(&closed.batch, took),
        }
        match outcome {
            Outcome::Durable => {
                // Before the answers: what is asked for next is then there. Whoever is not told loads it.
                let handed = std::mem::take(&mut closed.handed);
                if let Some(teller) = shared.teller.get().filter(|_| !handed.is_empty())
                    && catch_unwind(AssertUnwindSafe(|| teller(handed))).is_err()
                {
                    tracing::error!(batch = closed.batch.number, "telling other shards panicked");
                }
                tell(told);
                // The commit stands whatever a listener does; what it misses is found again by its due time.
                if catch_unwind(AssertUnwindSafe(|| listener(&closed.events))).is_err() {
                    tracing::error!(batch = closed.batch.number, "the listener panicked");
                }
            }
            Outcome::Withdrawn(reason, _) => {
                let told = told.into_iter().chain(behind.into_iter().flat_map(|behind| behind.told));
                withdraw(told, &Refusal::Unavailable(reason));
            }
            Outcome::Fenced { batch, others } => {
                withdraw(told.into_iter(), &batch);
                let behind = behind.into_iter().flat_map(|behind| behind.told);
                withdraw(behind, &Refusal::Unavailable(others));
                return;
            }
        }
    }
}

/// Commits a batch. When the store does not say whether it did, it is asked where it stands until it answers:
/// a batch that is there counts as committed, whatever the first answer was.
///
/// Once another executor has the shard, the number of its last batch says nothing of ours: it may have given our
/// number to a batch of its own. So a commit that was in doubt by then stays in doubt, and is told as such.
fn commit_one(closed: &Closed, begun: Option<Box<dyn Any + Send>>, committer: &mut dyn Committer) -> Outcome {
    // A store that panics may have written: it is asked, as after a lost answer.
    let tried = catch_unwind(AssertUnwindSafe(|| match begun {
        Some(begun) => committer.commit_begun(&closed.batch, begun),
        None => committer.commit(&closed.batch),
    }));
    let fault = match tried.unwrap_or_else(|_| Err(Fault::Unknown("it panicked".into()))) {
        Ok(()) => return Outcome::Durable,
        Err(fault @ Fault::Fenced(_)) => return fenced(closed, &fault, false),
        Err(fault) => fault,
    };
    tracing::error!(batch = closed.batch.number, %fault, "commit failed; asking the store where it stands");
    let mut wait = Duration::from_millis(10);
    loop {
        match committer.recover() {
            Ok(recovered) if recovered.batch >= closed.batch.number => return Outcome::Durable,
            Ok(recovered) => return Outcome::Withdrawn(fault.to_string(), recovered),
            Err(end @ Fault::Fenced(_)) => return fenced(closed, &end, matches!(fault, Fault::Unknown(_))),
            Err(again) => {
                tracing::error!(%again, wait_ms = wait.as_millis(), "the store does not answer; trying again");
                thread::sleep(wait);
                wait = (wait * 2).min(RECOVER_WAIT_MAX);
            }
        }
    }
}

/// The end of an executor that was replaced; `doubt` when its last batch may have been written before that.
fn fenced(closed: &Closed, fault: &Fault, doubt: bool) -> Outcome {
    tracing::error!(batch = closed.batch.number, doubt, %fault, "commits have ended; every command is refused");
    let others = fault.to_string();
    let batch = if doubt { Refusal::Unknown(others.clone()) } else { Refusal::Unavailable(others.clone()) };
    Outcome::Fenced { batch, others }
}
