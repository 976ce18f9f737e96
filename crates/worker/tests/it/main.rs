//! The worker beside a running service: merchants are servers on loopback, the bank is the simulated one.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod bank;
mod combined;
mod delivery;
mod echo;
mod fairness;
mod merchant;
mod orders_told;
mod payouts;
mod reconcile;
mod refunds;
mod refused;
mod settlement;
mod several_shards;
mod sharing;
mod statements;
mod timers;
mod user_transfers;

use fixture::Fixture;
use service::Service;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use worker::{SimulatedBank, Worker};

/// As in production, but the store is scanned every few milliseconds and merchants have less time.
fn setup() -> worker::Setup {
    let every = Duration::from_millis(10);
    let mut setup = worker::Setup::default();
    setup.delivery.scan_every = every;
    setup.delivery.answer_within = Duration::from_millis(1500);
    setup.delivery.prompt_within = Duration::from_millis(600);
    setup.channel.scan_every = every;
    setup.channel.answer_within = Duration::from_millis(300);
    setup.timers.orders_every = every;
    setup.timers.stale_every = every;
    setup.settlement.every = every;
    setup.user_transfers.scan_every = every;
    setup.sharing.scan_every = every;
    setup
}

/// A worker over the fixture's service, with the simulated bank.
fn work(fixture: &Fixture) -> Worker {
    let bank = SimulatedBank::new(Arc::clone(&fixture.service.vault));
    Worker::start(&fixture.service, Arc::new(bank), setup()).unwrap()
}

/// A second is an eternity here; only a test that fails waits it out.
const LONG: Duration = Duration::from_secs(20);

/// Waits until `what` holds.
#[track_caller]
fn eventually<T>(what: &str, mut holds: impl FnMut() -> Option<T>) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    let what = what.to_owned();
    async move {
        let started = Instant::now();
        loop {
            if let Some(value) = holds() {
                return value;
            }
            assert!(started.elapsed() < LONG, "{place}: never came true: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Long enough for several scans: what has not happened by then is not going to.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(80)).await;
}

/// The newest journal line on a record, as its note.
fn note(service: &Service, head: types::JournalId) -> String {
    let rows = service.queries.timeline(head, 1).unwrap();
    rows[0].note.clone().unwrap_or_default()
}
