//! The engine, by the behaviour it promises: idempotency, batches, faults of the store, panics, clocks, and
//! random histories. Every test ends with the proof of the money invariants.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

#[path = "../../../domain/tests/it/world/mod.rs"]
mod world;

mod ahead;
mod cache;
mod clock;
mod concurrency;
mod crash;
mod dry_run;
mod faults;
mod fenced;
mod journal;
mod numbers;
mod panics;
mod patience;
mod prove;
mod random;
mod requests;
mod rig;
mod summary;
mod told;

/// Shards of the worlds here.
pub(crate) const SHARDS: u8 = 1;
