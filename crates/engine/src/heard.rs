//! What of other shards' word about orders is still news, see [`crate::core::Core::hear`].

use types::{IdBlock, OrderId, Time};

/// Up to which order this shard may have changed and forgotten orders. What falls out of the working set was not asked
/// for during a whole generation, so it was changed before the turn before the last one.
#[derive(Debug)]
pub(crate) struct Heard {
    forgotten: OrderId,
    /// The newest order changed before the last turn.
    before: OrderId,
    /// The newest order changed at all.
    newest: OrderId,
}

impl Heard {
    /// Of a shard whose batches up to `at` were made by others: they may have changed any order of that time.
    pub(crate) fn from(at: Time) -> Self {
        let last = OrderId(IdBlock::new(at, 0, 0).id(0));
        Self { forgotten: last, before: last, newest: last }
    }
    pub(crate) fn is_news(&self, order: OrderId) -> bool {
        order > self.forgotten
    }
    pub(crate) fn changed(&mut self, order: OrderId) {
        self.newest = self.newest.max(order);
    }
    pub(crate) fn forgot(&mut self, order: OrderId) {
        self.forgotten = self.forgotten.max(order);
    }
    pub(crate) fn turn(&mut self) {
        self.forgotten = self.forgotten.max(self.before);
        self.before = self.newest;
    }
}
