//! Commands that must get through: recording what has already happened outside.

use cluster::Router;
use domain::{Caller, Command, Reply};
use engine::{Job, Refusal};
use std::time::Duration;

/// Waits between tries: about half a minute in all. What is not recorded then is found again by its due time.
const WAIT_FIRST: Duration = Duration::from_millis(20);
const WAIT_MAX: Duration = Duration::from_secs(4);
const TRIES: u32 = 16;

/// Submits a command again while the engine is busy or its store away.
///
/// # Errors
/// [`Refusal::Rejected`], [`Refusal::Stopped`] and whatever an engine says that was replaced at once, the others after
/// the last try.
pub(crate) async fn insist(engine: &Router, command: &Command, caller: &Caller) -> Result<Reply, Refusal> {
    let mut wait = WAIT_FIRST;
    for _ in 1..TRIES {
        let job = Job { command: command.clone(), caller: caller.clone(), request: None };
        let answer = match engine.submit(job) {
            Ok(pending) => pending.await,
            Err(refusal) => Err(refusal),
        };
        match answer {
            // An engine that was replaced never says anything else; the one that replaced it finds the work by its
            // due time.
            Err(Refusal::Busy | Refusal::Unavailable(_) | Refusal::Unknown(_)) if !engine.stats().fenced => {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(WAIT_MAX);
            }
            answered => return answered,
        }
    }
    engine.run(command.clone(), caller.clone()).await
}
