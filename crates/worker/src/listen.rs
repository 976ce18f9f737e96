//! Keeps what is cached in step with what was committed: merchants and the platform's keys.

use domain::Event;
use service::Service;
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Starts listening on `tasks`, until `stop`.
pub(crate) fn start(service: &Arc<Service>, tasks: &TaskTracker, stop: &CancellationToken) {
    let events = service.events.listen();
    tasks.spawn(stop.clone().run_until_cancelled_owned(listen(Arc::clone(service), events)));
    // Another node may own the shard where merchants and keys are changed: its events are not heard here.
    if service.engine.status().is_some() {
        tasks.spawn(stop.clone().run_until_cancelled_owned(renew(Arc::clone(service))));
    }
}

/// How old what is cached of merchants and keys may be, when another node may change them.
const RENEW_EVERY: Duration = Duration::from_secs(2);

async fn renew(service: Arc<Service>) {
    let mut timer = tokio::time::interval(RENEW_EVERY);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        service.directory.forget();
        aside(&service, reload_keys).await;
    }
}

async fn listen(service: Arc<Service>, mut events: Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(event @ Event::MerchantChanged(_)) => service.directory.hear(&[event]),
            Ok(Event::KeysChanged) => aside(&service, reload_keys).await,
            Ok(
                Event::NotificationDue(_)
                | Event::AuthorisationDue(_)
                | Event::RefundDue(_)
                | Event::ShareDue(_)
                | Event::ShareReturnDue(_)
                | Event::MoneySent(_),
            ) => {}
            // Some events are gone: whatever is cached may be old.
            Err(RecvError::Lagged(_)) => aside(&service, renew_all).await,
            Err(RecvError::Closed) => return,
        }
    }
}

async fn aside(service: &Arc<Service>, work: fn(&Service)) {
    let service = Arc::clone(service);
    if tokio::task::spawn_blocking(move || work(&service)).await.is_err() {
        tracing::error!("refreshing what is cached failed; restart if settings or keys look old");
    }
}

fn reload_keys(service: &Service) {
    if let Err(error) = service.reload_keys() {
        tracing::error!(%error, "the platform's keys can't be read again; the old ones stay in use");
    }
}

fn renew_all(service: &Service) {
    match service.queries.merchants() {
        Ok(merchants) => {
            let events: Vec<Event> = merchants.iter().map(|m| Event::MerchantChanged(m.id)).collect();
            service.directory.hear(&events);
        }
        Err(fault) => {
            tracing::error!(%fault, "merchants can't be read; their settings may be old for a while")
        }
    }
    reload_keys(service);
}
