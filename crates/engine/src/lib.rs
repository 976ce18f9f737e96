//! The engine: it takes commands from a bounded queue, applies them in batches, commits each batch in one
//! transaction, and only then answers.
//!
//! One thread applies ([`core::Core`]), one commits; while a batch is being made durable the next is applied.
//! It knows no rule, no SQL and no HTTP. Stores implement [`store::Loader`], [`store::Committer`] and
//! [`query::Queries`].

pub mod clock;
pub mod core;
pub mod engine;
mod heard;
pub mod nodes;
mod numbers;
pub mod observer;
pub mod position;
pub mod prove;
pub mod query;
pub mod store;

pub use clock::{Clock, ManualClock, SystemClock};
pub use engine::{Engine, Handle, Job, Pending, Refusal, RequestKey, Stats};
pub use observer::Observer;
pub use position::position;
pub use query::{ConsoleQueries, Queries, SettlementQueries, SharingQueries, UserTransferQueries};
pub use store::{Committer, Fault, Loader, Recovered, Store, WriteAhead};
