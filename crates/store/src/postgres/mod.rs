//! PostgreSQL: for more than one machine, and where a database is run and backed up already.
//!
//! ```text
//! committer ─ BEGIN, fence, one statement a table and kind of change, journal ─▶ all answers checked ─ COMMIT ─▶
//! ahead     ─ under load: the rows of the next batch meanwhile, on a second connection ─▶
//! loader    ─ one statement a kind of key, all sent at once ─▶ records in order
//! queries   ─ one of a few connections, a statement at a time
//!              each waits on its own thread; sockets are driven by the store's one I/O thread
//! ```
//!
//! Rows travel as arrays, a column each (`array`), in statements made from `columns` and the catalogue (`sql`, `write`).
//! `commit` explains the fence that keeps two executors of one shard apart, and which outcomes are unknown.

mod ahead;
mod array;
mod commit;
mod console;
mod link;
mod load;
mod migrate;
mod nodes;
mod partition;
mod query;
mod settlement;
mod sharing;
mod sql;
mod target;
mod tls;
mod user_transfer;
mod wait;
mod write;

pub use nodes::{postgres_registry, postgres_shards, postgres_shards_found};
pub use target::{BadTarget, PostgresTarget};

use engine::{Fault, Queries, Store};
use link::{Purpose, Server};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use types::{Place, Time};

/// How the store is opened.
#[derive(Debug, Clone, Copy)]
pub struct PostgresOptions {
    /// The shard that this store commits, of how many.
    pub place: Place,
    /// Connections for queries, 1 or more; besides them there is one to load and one to commit, two under load.
    pub readers: usize,
    /// How long a statement may take, also while it waits for a lock. Afterwards the batch has failed, or its
    /// outcome is unknown.
    pub statement_timeout: Duration,
    /// How long reaching one address of the server may take.
    pub connect_timeout: Duration,
    /// False also accepts a server that may lose committed batches (`fsync`, `full_page_writes` or
    /// `synchronous_commit` off). For experiments only.
    pub durable: bool,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            place: Place::ONLY,
            readers: 4,
            statement_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            durable: true,
        }
    }
}

/// Opens the store in a database, migrating an older one; the database itself must exist.
///
/// Opening takes nothing from another process: its first [`engine::Committer::recover`] takes the shard over.
///
/// # Errors
/// [`Fault::Failed`] when the database can't be reached, holds something else, is newer than this version, or
/// could lose committed batches.
pub fn postgres(target: &PostgresTarget, options: PostgresOptions) -> Result<Store, Fault> {
    open(target, options, None)
}

/// As [`postgres`], for the executor `owner` that has claimed its shard already ([`engine::nodes::Registry::claim`]):
/// it takes nothing from anybody, and is fenced from the start when the shard was claimed again meanwhile.
///
/// # Errors
/// As [`postgres`].
pub fn postgres_claimed(
    target: &PostgresTarget,
    options: PostgresOptions,
    owner: &str,
) -> Result<Store, Fault> {
    open(target, options, Some(owner))
}

fn machine_now() -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Time::from_unix(i64::try_from(now).unwrap_or(0))
}

fn open(target: &PostgresTarget, options: PostgresOptions, claimed: Option<&str>) -> Result<Store, Fault> {
    let server = Server::new(target, options)?;
    let mut link = server.connect(Purpose::Schema)?;
    let until = migrate::migrate(&mut link, machine_now()).map_err(|trouble| server.failed(trouble))?;
    let schema = migrate::schema(&mut link).map_err(|trouble| server.failed(trouble))?;
    drop(link);
    // Refuses a server that is not durable before anything else happens.
    drop(server.connect(Purpose::Commit)?);
    let schema = Arc::new(schema);
    let ahead = partition::Ahead::new(&server, until);
    Ok(Store {
        loader: Box::new(load::PostgresLoader::new(&server, &schema)),
        committer: Box::new(commit::PostgresCommitter::new(&server, &schema, ahead, claimed)),
        queries: Arc::new(query::PostgresQueries::new(&server, &schema)),
    })
}

/// Opens an existing store for reading only, also while another process writes it. All reads see one moment: that
/// of the first.
///
/// # Errors
/// [`Fault::Failed`] when the database can't be reached, or holds no store of this version.
pub fn postgres_queries(
    target: &PostgresTarget,
    options: PostgresOptions,
) -> Result<Arc<dyn Queries>, Fault> {
    let server = Server::new(target, options)?;
    let mut link = server.connect(Purpose::Query)?;
    migrate::check(&mut link).map_err(|trouble| server.failed(trouble))?;
    let schema = migrate::schema(&mut link).map_err(|trouble| server.failed(trouble))?;
    let queries = query::PostgresQueries::at_one_moment(&server, &Arc::new(schema), link)?;
    Ok(Arc::new(queries))
}
