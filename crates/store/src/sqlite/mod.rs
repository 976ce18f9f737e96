//! The default store: one SQLite file, WAL, `synchronous=FULL`, one writer, read-only connections beside it.

mod backup;
mod commit;
mod console;
mod load;
mod migrate;
mod query;
mod row;
mod settlement;
mod sharing;
mod user_transfer;

pub use backup::{
    Copied, Standing, sqlite_backup, sqlite_check, sqlite_migrate, sqlite_settle, sqlite_standing,
};

use engine::{Fault, Queries, Store};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// The oldest SQLite that may be used: older ones can lose committed transactions when the write-ahead log is
/// reset while another connection reads.
pub const SQLITE_OLDEST: i32 = 3_051_003;

/// How long a statement waits for another connection's lock.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// How the store is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// False trades durability for speed: a power cut may lose the last batches, though never half of one.
    pub durable: bool,
    /// Kibibytes of pages the writer keeps.
    pub writer_cache_kib: i64,
    /// Read-only connections.
    pub readers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { durable: true, writer_cache_kib: 64 * 1024, readers: 4 }
    }
}

/// Opens or creates the store in `path`, migrating an older one.
///
/// # Errors
/// [`Fault::Failed`] when the file can't be opened, is not ours, is newer than this version, or SQLite is too
/// old.
pub fn sqlite(path: &Path, options: Options) -> Result<Store, Fault> {
    check_version()?;
    let mut writer = open(path, options, true)?;
    migrate::migrate(&mut writer).map_err(|e| Fault::Failed(format!("{}: {e}", path.display())))?;
    let reader = open(path, options, false)?;
    let mut pool = Vec::new();
    for _ in 0..options.readers.max(1) {
        pool.push(open(path, options, false)?);
    }
    Ok(Store {
        loader: Box::new(load::SqliteLoader::new(reader)),
        committer: Box::new(commit::SqliteCommitter::start(writer, path, options)?),
        queries: Arc::new(query::SqliteQueries::new(pool, PathBuf::from(path))),
    })
}

/// Opens an existing store for reading only, also while another process writes it.
///
/// # Errors
/// [`Fault::Failed`] when the file can't be opened, is not ours, has another schema than this version's, or SQLite
/// is too old.
pub fn sqlite_queries(path: &Path) -> Result<Arc<dyn Queries>, Fault> {
    check_version()?;
    let connection = open(path, Options::default(), false)?;
    migrate::check_readable(&connection).map_err(|e| Fault::Failed(format!("{}: {e}", path.display())))?;
    Ok(Arc::new(query::SqliteQueries::new(vec![connection], PathBuf::from(path))))
}

/// As [`sqlite_queries`], but every read sees the state of this moment, whatever is committed meanwhile: what is
/// compared with each other must be of one state. To be dropped soon, since the write-ahead log grows as long as it
/// is held.
///
/// # Errors
/// As [`sqlite_queries`].
pub fn sqlite_snapshot(path: &Path) -> Result<Arc<dyn Queries>, Fault> {
    check_version()?;
    let connection = open(path, Options::default(), false)?;
    // The first read takes the snapshot, the open transaction keeps it.
    connection.execute_batch("BEGIN").map_err(row::failed)?;
    migrate::check_readable(&connection).map_err(|e| Fault::Failed(format!("{}: {e}", path.display())))?;
    Ok(Arc::new(query::SqliteQueries::new(vec![connection], PathBuf::from(path))))
}

fn check_version() -> Result<(), Fault> {
    let version = rusqlite::version_number();
    if version < SQLITE_OLDEST {
        return Err(Fault::Failed(format!(
            "SQLite {} is in use; 3.51.3 or newer is needed, older ones can lose committed data",
            rusqlite::version()
        )));
    }
    Ok(())
}

fn open(path: &Path, options: Options, write: bool) -> Result<Connection, Fault> {
    let fault = |error: rusqlite::Error| Fault::Failed(format!("{}: {error}", path.display()));
    let mode = if write {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    } else {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    };
    let connection =
        Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(fault)?;
    connection.busy_timeout(BUSY_WAIT).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(128);
    // A plan that depends on what is bound is made anew at each use: 50 µs for a session, and for every list with a
    // limit.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(fault)?;
    if write {
        // Checkpoints run on a thread of their own (see `commit`), not inside somebody's commit.
        let synchronous = if options.durable { "FULL" } else { "NORMAL" };
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA wal_autocheckpoint = 0;
                 PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{};",
                options.writer_cache_kib
            ))
            .map_err(fault)?;
    } else {
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4096;").map_err(fault)?;
    }
    Ok(connection)
}
