//! A few connections for reading, each used by one at a time.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

/// The connections.
pub(crate) struct Pool<C> {
    places: Vec<Mutex<C>>,
    next: AtomicUsize,
}

impl<C> Pool<C> {
    /// At least one.
    pub(crate) fn new(connections: impl IntoIterator<Item = C>) -> Self {
        Self { places: connections.into_iter().map(Mutex::new).collect(), next: AtomicUsize::new(0) }
    }
    /// The first that is free, so that as few as possible read anew what a commit has changed; when all are in use, waits
    /// for one, for each in turn.
    pub(crate) fn get(&self) -> MutexGuard<'_, C> {
        if let Some(free) = self.places.iter().find_map(|place| place.try_lock().ok()) {
            return free;
        }
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        self.places[next % self.places.len()].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
