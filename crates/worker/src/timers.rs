//! What happens by time alone: orders whose deadline has passed end, short-lived records are removed.

use domain::{Caller, Command, Reply};
use engine::{Job, Refusal};
use service::Service;
use std::{sync::Arc, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use types::{Place, ShardSet};

/// How often the clock is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How often orders past their deadline are looked for.
    pub orders_every: Duration,
    /// How often stale records are looked for.
    pub stale_every: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self { orders_every: Duration::from_secs(1), stale_every: Duration::from_secs(10) }
    }
}

/// Orders ended in one go, and records swept by one command.
const TOGETHER_MAX: usize = 500;
/// Goes in a row, so that a long downtime is caught up without crowding out payments.
const GOES_MAX: usize = 20;

/// Starts the timers on `tasks`, until `stop`.
pub(crate) fn start(service: &Arc<Service>, setup: Setup, tasks: &TaskTracker, stop: &CancellationToken) {
    tasks.spawn(
        stop.clone().run_until_cancelled_owned(expire_orders(Arc::clone(service), setup.orders_every)),
    );
    tasks.spawn(stop.clone().run_until_cancelled_owned(sweep(Arc::clone(service), setup.stale_every)));
}

fn timer(every: Duration) -> tokio::time::Interval {
    let mut timer = tokio::time::interval(every);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    timer
}

async fn expire_orders(service: Arc<Service>, every: Duration) {
    let mut timer = timer(every);
    loop {
        timer.tick().await;
        for _ in 0..GOES_MAX {
            let reader = Arc::clone(&service);
            let due = move || reader.queries.due_orders(reader.engine.owned(), reader.now(), TOGETHER_MAX);
            let due = match tokio::task::spawn_blocking(due).await {
                Ok(Ok(due)) => due,
                Ok(Err(fault)) => {
                    tracing::warn!(%fault, "orders past their deadline can't be read");
                    break;
                }
                Err(_) => break,
            };
            let pending: Vec<_> = due
                .iter()
                .map(|id| {
                    let (command, caller) = (Command::ExpireOrder(*id), Caller::platform());
                    service.engine.submit(Job { command, caller, request: None })
                })
                .collect();
            let mut refused = None;
            for answer in pending {
                let answer = match answer {
                    Ok(pending) => pending.await,
                    Err(refusal) => Err(refusal),
                };
                refused = refused.or(answer.err());
            }
            match refused {
                Some(Refusal::Stopped) => return,
                Some(refusal) => {
                    tracing::warn!(%refusal, "an order past its deadline could not be ended; trying again");
                    break;
                }
                None if due.len() < TOGETHER_MAX => break,
                None => {}
            }
        }
    }
}

async fn sweep(service: Arc<Service>, every: Duration) {
    let mut timer = timer(every);
    loop {
        timer.tick().await;
        let owned = service.engine.owned();
        for shard in owned.iter() {
            let Some(place) = Place::new(shard, owned.shards()) else { continue };
            if let Err(Refusal::Stopped) = sweep_shard(&service, place).await {
                return;
            }
        }
    }
}

/// Removes what is stale in one shard.
async fn sweep_shard(service: &Arc<Service>, place: Place) -> Result<(), Refusal> {
    for _ in 0..GOES_MAX {
        let reader = Arc::clone(service);
        let stale = move || reader.queries.stale(ShardSet::only(place), reader.now(), TOGETHER_MAX);
        let stale = match tokio::task::spawn_blocking(stale).await {
            Ok(Ok(stale)) => stale,
            Ok(Err(fault)) => {
                tracing::warn!(%fault, "stale records can't be read");
                break;
            }
            Err(_) => break,
        };
        if stale.is_empty() {
            break;
        }
        let found = stale.len();
        match service.engine.run(Command::Sweep(place.shard, stale), Caller::platform()).await {
            // When none went, the next read would only find the same again.
            Ok(Reply::Count(0)) => break,
            Ok(_) if found < TOGETHER_MAX => break,
            Ok(_) => {}
            Err(Refusal::Stopped) => return Err(Refusal::Stopped),
            Err(refusal) => {
                tracing::warn!(%refusal, "stale records could not be removed; trying again");
                break;
            }
        }
    }
    Ok(())
}
