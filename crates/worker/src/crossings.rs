//! Money on its way from one shard to another: booked where it goes, then forgotten where it came from. Both are
//! commands that may be repeated, so what a crash leaves open is found again and done again. Now and then it sends
//! the platform's fees to the first shard.

use domain::{Caller, Command, Event, crossing::Crossing};
use engine::Refusal;
use ledger::AccountId;
use service::Service;
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use types::{Currency, Shard};

/// How it is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How often the store is asked, besides at once when something was sent.
    pub scan_every: Duration,
    /// How often the platform's fees are brought to the first shard.
    pub sweep_every: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self { scan_every: Duration::from_secs(3), sweep_every: Duration::from_secs(3600) }
    }
}

/// Crossings read in one go.
const TOGETHER_MAX: usize = 200;

/// Starts on `tasks`, until `stop`; nothing to do with one shard.
pub(crate) fn start(service: &Arc<Service>, setup: Setup, tasks: &TaskTracker, stop: &CancellationToken) {
    if !service.engine.shards().is_one() {
        let events = service.events.listen();
        tasks.spawn(stop.clone().run_until_cancelled_owned(carry(Arc::clone(service), setup, events)));
    }
}

async fn carry(service: Arc<Service>, setup: Setup, mut events: Receiver<Event>) {
    let mut timer = tokio::time::interval(setup.scan_every);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut sweep = tokio::time::interval(setup.sweep_every);
    sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = timer.tick() => {}
            _ = sweep.tick() => sweep_fees(&service).await,
            sent = sent(&mut events) => if !sent { return },
        }
        while go(&service).await {}
    }
}

/// Sends what the platform has earned in shards of this node to the first one, where it is read and settled. A
/// merchant's takings stay: a reversal is paid out of the sub-account where the sale was.
async fn sweep_fees(service: &Arc<Service>) {
    let to = Shard::FIRST;
    for shard in service.engine.owned().iter().filter(|shard| *shard != to) {
        let from = AccountId::platform_fee(Currency::CNY).at(shard);
        let reader = Arc::clone(service);
        let there = tokio::task::spawn_blocking(move || reader.queries.account(from)).await;
        let Ok(Ok(account)) = there else { continue }; // the next time will do
        if account.available().is_positive() {
            let send = Command::SendToShard { from, to, most: None };
            if let Err(refusal) = service.engine.run(send, Caller::platform()).await {
                tracing::warn!(account = %from, %refusal, "fees stay where they are for now");
            }
        }
    }
}

/// Waits until something was sent; false when no more events come.
async fn sent(events: &mut Receiver<Event>) -> bool {
    loop {
        match events.recv().await {
            Ok(Event::MoneySent(_)) | Err(RecvError::Lagged(_)) => return true,
            Ok(_) => {}
            Err(RecvError::Closed) => return false,
        }
    }
}

/// Carries what is under way; true when there is more, and all so far went.
async fn go(service: &Arc<Service>) -> bool {
    let reader = Arc::clone(service);
    let read = move || reader.queries.crossings(reader.engine.owned(), TOGETHER_MAX);
    let open = match tokio::task::spawn_blocking(read).await {
        Ok(Ok(open)) => open,
        Ok(Err(fault)) => {
            tracing::warn!(%fault, "money between shards can't be looked for");
            return false;
        }
        Err(_) => return false,
    };
    let (found, mut went) = (open.len(), true);
    for crossing in open {
        went &= carry_one(service, crossing).await;
    }
    went && found == TOGETHER_MAX
}

async fn carry_one(service: &Service, crossing: Crossing) -> bool {
    let id = crossing.id;
    let receive = Command::Receive(Box::new(crossing));
    let carried = match service.engine.run(receive, Caller::platform()).await {
        Ok(_) => service.engine.run(Command::Arrived(id), Caller::platform()).await,
        refused => refused,
    };
    match carried {
        Ok(_) => true,
        Err(Refusal::Rejected(rejection)) => {
            tracing::error!(transfer = %id, %rejection, "money between shards is not accepted; it stays in transit until somebody looks: run `feiqian prove`");
            false
        }
        Err(refusal) => {
            tracing::warn!(transfer = %id, %refusal, "money between shards waits; trying again");
            false
        }
    }
}
