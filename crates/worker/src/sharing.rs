//! Profit sharing goes on: parts of requests are brought to their receivers, returns are moved, and what nobody shared in
//! time is released. All three are commands that may be repeated; what is open is found again by its due time.

use domain::{Caller, Command, Event};
use engine::{Job, Refusal};
use service::Service;
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How it is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How often the store is asked, besides at once when something was asked for.
    pub scan_every: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self { scan_every: Duration::from_secs(5) }
    }
}

/// Requests, returns or orders read in one go.
const TOGETHER_MAX: usize = 200;
/// Goes in a row, so that what a long downtime left is caught up without crowding out payments.
const GOES_MAX: usize = 20;

/// Starts on `tasks`, until `stop`.
pub(crate) fn start(service: &Arc<Service>, setup: Setup, tasks: &TaskTracker, stop: &CancellationToken) {
    let events = service.events.listen();
    tasks.spawn(stop.clone().run_until_cancelled_owned(go_on(Arc::clone(service), setup, events)));
}

async fn go_on(service: Arc<Service>, setup: Setup, mut events: Receiver<Event>) {
    let mut timer = tokio::time::interval(setup.scan_every);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let goes_on = tokio::select! {
            _ = timer.tick() => scan(&service).await,
            event = events.recv() => match event {
                Ok(event) => {
                    let mut commands: Vec<Command> = command_of(event).into_iter().collect();
                    // What came meanwhile goes along; what is lost here is found by its due time.
                    while commands.len() < TOGETHER_MAX && let Ok(event) = events.try_recv() {
                        commands.extend(command_of(event));
                    }
                    decided(&service, commands).await
                }
                Err(RecvError::Lagged(_)) => scan(&service).await,
                Err(RecvError::Closed) => false,
            },
        };
        if !goes_on {
            return;
        }
    }
}

const fn command_of(event: Event) -> Option<Command> {
    match event {
        Event::ShareDue(id) => Some(Command::FinishShare(id)),
        Event::ShareReturnDue(id) => Some(Command::FinishReturn(id)),
        _ => None,
    }
}

/// Does what is due; false when the engine has stopped.
async fn scan(service: &Arc<Service>) -> bool {
    for _ in 0..GOES_MAX {
        let reader = Arc::clone(service);
        let read = move || {
            let (queries, of, now) = (&reader.queries, reader.engine.owned(), reader.now());
            let shares = queries.due_shares(of, now, TOGETHER_MAX)?;
            let returns = queries.due_share_returns(of, now, TOGETHER_MAX)?;
            let orders = queries.due_sharings(of, now, TOGETHER_MAX)?;
            let commands = shares.into_iter().map(Command::FinishShare);
            let commands = commands.chain(returns.into_iter().map(Command::FinishReturn));
            let commands: Vec<_> = commands.chain(orders.into_iter().map(Command::ReleaseSharing)).collect();
            Ok::<_, engine::Fault>(commands)
        };
        let commands = match tokio::task::spawn_blocking(read).await {
            Ok(Ok(commands)) => commands,
            Ok(Err(fault)) => {
                tracing::warn!(%fault, "what is to be shared can't be read");
                return true;
            }
            Err(_) => return true,
        };
        let found = commands.len();
        if !decided(service, commands).await {
            return false;
        }
        if found < TOGETHER_MAX {
            return true;
        }
    }
    true
}

/// Has commands decided, all at once; false when the engine has stopped.
async fn decided(service: &Service, commands: Vec<Command>) -> bool {
    let submit = |command: Command| {
        (command.name(), service.engine.submit(Job { command, caller: Caller::platform(), request: None }))
    };
    let pending: Vec<_> = commands.into_iter().map(submit).collect();
    for (command, answer) in pending {
        let answer = match answer {
            Ok(pending) => pending.await,
            Err(refusal) => Err(refusal),
        };
        match answer {
            Ok(_) => {}
            Err(Refusal::Stopped) => return false,
            Err(refusal) => tracing::warn!(command, %refusal, "profit sharing waits; trying again"),
        }
    }
    true
}
