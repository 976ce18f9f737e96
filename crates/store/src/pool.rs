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
    /// A free one, or the next in turn.
    pub(crate) fn get(&self) -> MutexGuard<'_, C> {
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        for step in 0..self.places.len() {
            if let Ok(free) = self.places[(start + step) % self.places.len()].try_lock() {
                return free;
            }
        }
        self.places[start % self.places.len()].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
