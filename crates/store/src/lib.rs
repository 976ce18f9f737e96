//! Stores: where batches are made durable and records are read back.
//!
//! Each implements the engine's [`engine::Loader`], [`engine::Committer`] and [`engine::Queries`]. A record's
//! columns are defined once, in `columns`. No rule lives here.

mod columns;
#[doc(hidden)]
pub mod conformance;
mod journal;
pub mod memory;
mod sqlite;

pub use memory::{Memory, memory};
pub use sqlite::{Options, SQLITE_OLDEST, sqlite, sqlite_queries};
