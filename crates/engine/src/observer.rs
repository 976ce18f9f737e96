//! What somebody who measures hears from the engine.

use crate::engine::Refusal;
use domain::{Batch, Reply};
use std::time::Duration;

/// Hears how the engine works. Called a few times a batch, on the engine's own threads, so it must take
/// microseconds and never block.
pub trait Observer: Send + Sync {
    /// Commands were taken from the queue; the one that came first had waited so long.
    fn taken(&self, longest_wait: Duration);
    /// Commands were applied, loads of missing records included.
    fn applied(&self, took: Duration);
    /// A batch is durable. `answers` are those of its commands, in the order of its journal.
    fn committed(
        &self,
        batch: &Batch,
        took: Duration,
        answers: &mut dyn Iterator<Item = &Result<Reply, Refusal>>,
    );
    /// A batch did not go through; those who asked are told to try again.
    fn fault(&self, batch: &Batch, took: Duration);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn taken(&self, _: Duration) {}
    fn applied(&self, _: Duration) {}
    fn committed(&self, _: &Batch, _: Duration, _: &mut dyn Iterator<Item = &Result<Reply, Refusal>>) {}
    fn fault(&self, _: &Batch, _: Duration) {}
}
