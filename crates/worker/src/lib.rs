//! What runs beside requests: notifications are sent, card channels asked, deadlines kept, caches renewed.
//!
//! Everything here can be lost at any moment and started again: what is to be done is read from the store, what
//! was done is recorded by commands, and doing it twice is harmless. It decides nothing about money.

pub mod bank;
pub mod channel;
pub mod crossings;
pub mod delivery;
mod insist;
mod listen;
pub mod payouts;
pub mod reconcile;
pub mod settlement;
pub mod sharing;
pub mod timers;
pub mod user_transfers;

pub use bank::{Channel, SimulatedBank};
pub use delivery::ClientError;

use channel::Asker;
use delivery::Delivery;
use service::Service;
use std::{sync::Arc, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How the work is done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup {
    /// Notifications.
    pub delivery: delivery::Setup,
    /// Card payments.
    pub channel: channel::Setup,
    /// Deadlines.
    pub timers: timers::Setup,
    /// Money between shards.
    pub crossings: crossings::Setup,
    /// Settlement.
    pub settlement: settlement::Setup,
    /// Profit sharing.
    pub sharing: sharing::Setup,
    /// Transfers to users.
    pub user_transfers: user_transfers::Setup,
}

/// The running work. Dropping it lets nothing new begin and waits for nothing; see [`Worker::stop`].
#[derive(Debug)]
pub struct Worker {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Worker {
    /// Starts on the current async runtime.
    ///
    /// # Errors
    /// [`ClientError`] when the client for notifications can't be set up.
    ///
    /// # Panics
    /// Outside an async runtime.
    pub fn start(service: &Arc<Service>, bank: Arc<dyn Channel>, setup: Setup) -> Result<Self, ClientError> {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        Delivery::start(service, setup.delivery, &tasks, &stop)?;
        listen::start(service, &tasks, &stop);
        Asker::start(service, bank, setup.channel, &tasks, &stop);
        timers::start(service, setup.timers, &tasks, &stop);
        crossings::start(service, setup.crossings, &tasks, &stop);
        settlement::start(service, setup.settlement, &tasks, &stop);
        sharing::start(service, setup.sharing, &tasks, &stop);
        user_transfers::start(service, setup.user_transfers, &tasks, &stop);
        tasks.spawn(
            stop.clone().run_until_cancelled_owned(end_when_replaced(Arc::clone(service), stop.clone())),
        );
        Ok(Self { tasks, stop })
    }

    /// Exchanges payouts with a bank from now on, until the worker stops.
    pub fn serve_payouts(&self, service: &Arc<Service>, desk: payouts::Desk) {
        let work = payouts::run(Arc::clone(service), Arc::new(desk));
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(work));
    }

    /// Matches days with the bills of a channel from now on, until the worker stops.
    pub fn serve_reconciliation(&self, service: &Arc<Service>, desk: Arc<reconcile::Desk>) {
        let work = reconcile::run(Arc::clone(service), desk);
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(work));
    }

    /// Lets nothing new begin and waits up to `limit` for what is under way. True when all of it ended; what did
    /// not is done again at the next start.
    pub async fn stop(self, limit: Duration) -> bool {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(limit, self.tasks.wait()).await.is_ok()
    }
}

/// How often it is asked whether another process has the shard.
const FENCED_EVERY: Duration = Duration::from_secs(1);

/// Lets nothing new begin once another process has the shard: it does the work now, and what is done here could not
/// be recorded, so that it would be done again and again.
async fn end_when_replaced(service: Arc<Service>, stop: CancellationToken) {
    while !service.engine.stats().fenced {
        tokio::time::sleep(FENCED_EVERY).await;
    }
    tracing::error!("another process has the shard; notifications, channels and deadlines are left to it");
    stop.cancel();
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
