//! Transfers to users go on: money that was too short is looked for again, money from another shard arrives, the user's
//! time ends; batches are paid detail by detail. Every command may be repeated, and what is open is found again by its due
//! time.

use domain::{Caller, Command, Reply};
use engine::{Fault, Job, Refusal};
use service::Service;
use std::{sync::Arc, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use types::Shard;

/// How it is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How often the store is asked.
    pub scan_every: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self { scan_every: Duration::from_secs(1) }
    }
}

/// Transfers read in one go, and steps of a batch asked for at once.
const TOGETHER_MAX: usize = 200;
/// Steps of one batch that are under way at once.
const STEPS: usize = 50;
/// Goes in a row, so that what a long downtime left is caught up without crowding out payments.
const GOES_MAX: usize = 20;

/// Starts on `tasks`, until `stop`.
pub(crate) fn start(service: &Arc<Service>, setup: Setup, tasks: &TaskTracker, stop: &CancellationToken) {
    tasks.spawn(stop.clone().run_until_cancelled_owned(go_on(Arc::clone(service), setup)));
}

async fn go_on(service: Arc<Service>, setup: Setup) {
    let mut timer = tokio::time::interval(setup.scan_every);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        for _ in 0..GOES_MAX {
            match scan(&service).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(Refusal::Stopped) => return,
                Err(refusal) => {
                    tracing::warn!(%refusal, "a transfer to a user waits; trying again");
                    break;
                }
            }
        }
    }
}

/// Does what is due; true when there is more.
async fn scan(service: &Arc<Service>) -> Result<bool, Refusal> {
    let reader = Arc::clone(service);
    let read = move || {
        let (queries, of, now) = (&reader.queries, reader.engine.owned(), reader.now());
        let transfers = queries.due_user_transfers(of, now, TOGETHER_MAX)?;
        // Batches are decided in the first shard; who has it asks.
        let batches = if of.contains(Shard::FIRST) {
            queries.due_transfer_batches(now, TOGETHER_MAX / STEPS)?
        } else {
            Vec::new()
        };
        Ok::<_, Fault>((transfers, batches))
    };
    let (transfers, batches) = match tokio::task::spawn_blocking(read).await {
        Ok(Ok(due)) => due,
        Ok(Err(fault)) => {
            tracing::warn!(%fault, "transfers to users can't be read");
            return Ok(false);
        }
        Err(_) => return Ok(false),
    };
    let found = transfers.len();
    decided(service, transfers.into_iter().map(Command::AdvanceUserTransfer).collect()).await?;
    let mut went = 0;
    for batch in batches {
        went += decided(service, vec![Command::PayTransferBatch(batch); STEPS]).await?;
    }
    Ok(found == TOGETHER_MAX || went > 0)
}

/// Has commands decided together; gives how many details of batches went on.
async fn decided(service: &Service, commands: Vec<Command>) -> Result<usize, Refusal> {
    let submit = |command| service.engine.submit(Job { command, caller: Caller::platform(), request: None });
    let pending: Vec<_> = commands.into_iter().map(submit).collect();
    let (mut went, mut refused) = (0, None);
    for answer in pending {
        let answer = match answer {
            Ok(pending) => pending.await,
            Err(refusal) => Err(refusal),
        };
        match answer {
            Ok(Reply::Count(count)) => went += count,
            Ok(_) => {}
            Err(refusal) => refused = refused.or(Some(refusal)),
        }
    }
    refused.map_or(Ok(went), Err)
}
