//! Stores: where batches are made durable and records are read back.
//!
//! Each implements the engine's [`engine::Loader`], [`engine::Committer`] and [`engine::Queries`]. A record's
//! columns are defined once, in `columns`. No rule lives here.

mod balances;
mod columns;
#[doc(hidden)]
#[cfg(feature = "testing")]
pub mod conformance;
mod journal;
#[cfg(feature = "testing")]
pub mod memory;
mod pool;
mod postgres;
mod sqlite;
mod stale;

#[cfg(feature = "testing")]
pub use memory::{Memory, memory};
pub use postgres::{
    BadTarget, PostgresOptions, PostgresTarget, postgres, postgres_claimed, postgres_queries,
    postgres_registry, postgres_shards, postgres_shards_found,
};
pub use sqlite::{
    Copied, Options, SQLITE_OLDEST, Standing, sqlite, sqlite_backup, sqlite_check, sqlite_migrate,
    sqlite_queries, sqlite_settle, sqlite_snapshot, sqlite_standing,
};
