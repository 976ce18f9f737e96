//! A store that is watched: its loads are timed, and a commit that does not come back is seen.

use super::{Metrics, Stage};
use domain::{Batch, Key, Record};
use engine::{Committer, Fault, Loader, Recovered, Store, WriteAhead};
use std::{
    any::Any,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use types::MerchantId;

/// How long a commit may take before the store counts as stuck.
const COMMIT_MAX: Duration = Duration::from_secs(10);

/// Whether the store takes batches.
#[derive(Debug, Default)]
pub struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When the commit under way began.
    committing: Option<Instant>,
    /// Why the store does not tell where it stands, since it last did.
    silent: Option<String>,
    /// Why the last batch was refused; none when it was taken.
    refused: Option<String>,
}

impl Health {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// What is wrong with writing to the store; none when nothing is.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let state = self.lock();
        if let Some(reason) = &state.silent {
            return Some(format!("it does not say where it stands: {reason}"));
        }
        if let Some(reason) = &state.refused {
            return Some(format!("it refused the last batch: {reason}"));
        }
        let stuck = state.committing.map(|began| began.elapsed()).filter(|since| *since > COMMIT_MAX);
        stuck.map(|since| format!("a commit has been under way for {} s", since.as_secs()))
    }
    /// True when the last batch was refused and the store is not at work on another: whether it takes batches again
    /// is only learnt by giving it one.
    #[must_use]
    pub fn refused(&self) -> bool {
        let state = self.lock();
        state.refused.is_some() && state.silent.is_none() && state.committing.is_none()
    }
}

/// `store`, watched by `metrics`.
#[must_use]
pub fn metered(store: Store, metrics: &Metrics) -> Store {
    let Store { loader, committer, queries } = store;
    Store {
        loader: Box::new(watched(loader, metrics)),
        committer: Box::new(watched(committer, metrics)),
        queries,
    }
}

pub(super) fn watched<T>(inner: T, metrics: &Metrics) -> Metered<T> {
    Metered { inner, metrics: metrics.clone() }
}

pub(super) struct Metered<T> {
    inner: T,
    metrics: Metrics,
}

impl Loader for Metered<Box<dyn Loader>> {
    fn load(&mut self, keys: &[Key]) -> Result<Vec<Option<Record>>, Fault> {
        let started = Instant::now();
        let loaded = self.inner.load(keys);
        self.metrics.stage(Stage::Load, started.elapsed());
        self.metrics.0.misses.inc_by(keys.len() as u64);
        loaded
    }
    fn largest_number(&mut self, merchant: MerchantId) -> Result<Option<Box<str>>, Fault> {
        self.inner.largest_number(merchant)
    }
}

impl Committer for Metered<Box<dyn Committer>> {
    fn recover(&mut self) -> Result<Recovered, Fault> {
        let recovered = self.inner.recover();
        self.metrics.health().lock().silent = recovered.as_ref().err().map(Fault::to_string);
        recovered
    }
    fn commit(&mut self, batch: &Batch) -> Result<(), Fault> {
        self.committing(|inner| inner.commit(batch))
    }
    fn writes_ahead(&self) -> Option<Box<dyn WriteAhead>> {
        self.inner.writes_ahead()
    }
    fn commit_begun(&mut self, batch: &Batch, begun: Box<dyn Any + Send>) -> Result<(), Fault> {
        self.committing(|inner| inner.commit_begun(batch, begun))
    }
}

impl Metered<Box<dyn Committer>> {
    fn committing(
        &mut self,
        commit: impl FnOnce(&mut dyn Committer) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.metrics.health().lock().committing = Some(Instant::now());
        let committed = commit(&mut *self.inner);
        let mut health = self.metrics.health().lock();
        (health.committing, health.refused) = (None, committed.as_ref().err().map(Fault::to_string));
        committed
    }
}
