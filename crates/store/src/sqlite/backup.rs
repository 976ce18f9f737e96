//! Copies of a store that is in use, and what a store file says of itself.
//!
//! A backup copies the pages of one snapshot: a read transaction is held while SQLite's backup interface copies a
//! few megabytes at a time. The writer never waits for it, and whatever is committed meanwhile is not in the copy,
//! so the work is bounded by the file's size. (Without the transaction the copy would start over at every commit.)
//! `VACUUM INTO` reads one state, too; it costs more CPU, syncs nothing and does not tell how far it is (measured in
//! docs/capacity.md).
//!
//! What a backup costs is the write-ahead log: it can't be started over while a snapshot is held, so it grows by what
//! is written meanwhile.

use super::{Options, migrate, open, row::failed};
use engine::{Fault, Recovered};
use rusqlite::{
    Connection, OptionalExtension,
    backup::{Backup, StepResult},
};
use std::{path::Path, thread, time::Duration};
use types::Time;

/// Pages copied between two looks at the caller's progress: 4 MiB.
const STEP_PAGES: i32 = 1024;
/// Pause when the file is locked for a moment, and the tries before that is a fault: ten seconds.
const LOCKED_PAUSE: Duration = Duration::from_millis(50);
const LOCKED_MAX: u32 = 200;
/// Findings of an integrity check that are read.
const FINDINGS_MAX: usize = 20;

/// What a store file says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its schema.
    pub schema: i64,
    /// The newest schema this version knows.
    pub known: i64,
    /// The last batch in it.
    pub last: Recovered,
}

/// How far a copy is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Copied so far.
    pub done: u64,
    /// To be copied in all.
    pub total: u64,
}

/// Reads what the store in `path` says of itself. It may be in use, and of an older or newer schema.
///
/// # Errors
/// [`Fault::Failed`] when the file can't be read or is no store.
pub fn sqlite_standing(path: &Path) -> Result<Standing, Fault> {
    standing(&open(path, Options::default(), false)?, path)
}

/// Copies one consistent state of the store in `from`, which may be in use, to the new file `to`. `progress` hears
/// how far it is after every few megabytes. The copy is not yet synced to the disk.
///
/// # Errors
/// [`Fault::Failed`] when either file can't be used; what was written of `to` is then of no use.
pub fn sqlite_backup(from: &Path, to: &Path, progress: &mut dyn FnMut(Copied)) -> Result<Standing, Fault> {
    let source = open(from, Options::default(), false)?;
    // The first read takes the snapshot, the open transaction keeps it.
    source.execute_batch("BEGIN").map_err(failed)?;
    let copied = standing(&source, from)?;
    let page_bytes: u32 = source.query_row("PRAGMA page_size", [], |row| row.get(0)).map_err(failed)?;
    let fault = |error: rusqlite::Error| Fault::Failed(format!("{}: {error}", to.display()));
    let mut target = Connection::open(to).map_err(fault)?;
    // A copy that is interrupted is thrown away, so nothing needs to undo or to sync it half-way.
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;").map_err(fault)?;
    copy(&source, &mut target, page_bytes, progress).map_err(fault)?;
    target.close().map_err(|(_, error)| fault(error))?;
    source.execute_batch("COMMIT").map_err(failed)?;
    Ok(copied)
}

fn copy(
    source: &Connection,
    target: &mut Connection,
    page_bytes: u32,
    progress: &mut dyn FnMut(Copied),
) -> rusqlite::Result<()> {
    let backup = Backup::new(source, target)?;
    let mut locked = 0;
    loop {
        let step = backup.step(STEP_PAGES)?;
        let pages = backup.progress();
        let bytes = |pages: i32| u64::try_from(pages).unwrap_or(0) * u64::from(page_bytes);
        progress(Copied { done: bytes(pages.pagecount - pages.remaining), total: bytes(pages.pagecount) });
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => locked = 0,
            _ if locked < LOCKED_MAX => {
                locked += 1;
                thread::sleep(LOCKED_PAUSE);
            }
            _ => {
                let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
                return Err(rusqlite::Error::SqliteFailure(busy, Some("locked for too long".into())));
            }
        }
    }
}

/// Reads every page of the store in `path`: what SQLite finds wrong with it, at most twenty findings; none when it
/// is whole. Seconds to minutes for gigabytes.
///
/// # Errors
/// [`Fault::Failed`] when the file can't be read at all.
pub fn sqlite_check(path: &Path) -> Result<Vec<String>, Fault> {
    let connection = open(path, Options::default(), false)?;
    let sql = format!("PRAGMA integrity_check({FINDINGS_MAX})");
    let mut statement = connection.prepare(&sql).map_err(failed)?;
    let found = statement.query_map([], |row| row.get::<_, String>(0)).map_err(failed)?;
    let found: Vec<String> = found.collect::<Result<_, _>>().map_err(failed)?;
    Ok(if found == ["ok"] { Vec::new() } else { found })
}

/// Brings the store in `path` to the newest schema, whole or not at all. Doing it again changes nothing.
///
/// # Errors
/// [`Fault::Failed`] when the file is no store, is newer than this version, or can't be written.
pub fn sqlite_migrate(path: &Path) -> Result<Standing, Fault> {
    let mut writer = open(path, Options::default(), true)?;
    migrate::migrate(&mut writer).map_err(|e| Fault::Failed(format!("{}: {e}", path.display())))?;
    standing(&writer, path)
}

/// Copies what stands in the write-ahead log of the store in `path` into the file itself, so that the file alone is
/// the store. Nobody else may have it open.
///
/// # Errors
/// [`Fault::Failed`] when it can't be written, or is in use.
pub fn sqlite_settle(path: &Path) -> Result<(), Fault> {
    let writer = open(path, Options::default(), true)?;
    let busy: i64 =
        writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(failed)?;
    if busy != 0 {
        return Err(Fault::Failed(format!("{}: it is in use by another process", path.display())));
    }
    Ok(())
}

fn standing(connection: &Connection, path: &Path) -> Result<Standing, Fault> {
    let fault = |error: migrate::MigrateError| Fault::Failed(format!("{}: {error}", path.display()));
    let schema = migrate::found(connection).map_err(fault)?;
    let sql = "SELECT batch, at FROM journal ORDER BY batch DESC LIMIT 1";
    let last = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional();
    let (batch, at) = last.map_err(failed)?.unwrap_or((0, 0));
    Ok(Standing { schema, known: migrate::known(), last: Recovered { batch, at: Time(at) } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A store whose committer is driven by hand: empty batches, one after another.
    fn commit(committer: &mut dyn engine::Committer, number: i64) {
        let batch = domain::Tables::default().take_batch(number, Time(number), Vec::new());
        committer.commit(&batch).unwrap();
    }

    #[test]
    fn a_backup_under_writes_is_one_state_and_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feiqian.db");
        let mut store =
            super::super::sqlite(&path, Options { durable: false, ..Options::default() }).unwrap();
        store.committer.recover().unwrap();
        for number in 1..=500 {
            commit(&mut *store.committer, number);
        }
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 501.. {
                    commit(&mut *store.committer, number);
                    if over.load(Ordering::SeqCst) {
                        return;
                    }
                }
            });
            for round in 0..5 {
                let to = folder.path().join(format!("copy-{round}.db"));
                let mut heard = 0;
                let copied = sqlite_backup(&path, &to, &mut |_| heard += 1).unwrap();
                assert!(heard > 0 && copied.last.batch >= 500, "{copied:?}");
                // The copy stands exactly where the snapshot stood: no batch more, none less, no gap.
                assert_eq!(sqlite_standing(&to).unwrap(), copied);
                assert_eq!(sqlite_check(&to).unwrap(), Vec::<String>::new());
                let rows = open(&to, Options::default(), false).unwrap();
                let rows: i64 = rows.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).unwrap();
                assert_eq!(rows, copied.last.batch);
            }
            over.store(true, Ordering::SeqCst);
        });
    }

    #[test]
    fn a_damaged_copy_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feiqian.db");
        let mut store = super::super::sqlite(&path, Options::default()).unwrap();
        store.committer.recover().unwrap();
        for number in 1..=300 {
            commit(&mut *store.committer, number);
        }
        let to = folder.path().join("copy.db");
        sqlite_backup(&path, &to, &mut |_| {}).unwrap();
        let mut bytes = std::fs::read(&to).unwrap();
        let middle = bytes.len() - 2 * 4096;
        bytes[middle..].fill(0xA5);
        std::fs::write(&to, bytes).unwrap();
        assert!(sqlite_check(&to).map_or(true, |found| !found.is_empty()));
        assert!(sqlite_standing(&folder.path().join("none.db")).is_err());
    }

    #[test]
    fn migrating_twice_changes_nothing_and_another_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feiqian.db");
        drop(super::super::sqlite(&path, Options::default()).unwrap());
        let first = sqlite_migrate(&path).unwrap();
        assert_eq!((first.schema, first), (first.known, sqlite_migrate(&path).unwrap()));
        let newer = Connection::open(&path).unwrap();
        newer.execute("INSERT INTO schema_version VALUES (?1, 0)", [first.known + 1]).unwrap();
        let refused = sqlite_migrate(&path).unwrap_err().to_string();
        assert!(refused.contains("use a newer feiqian"), "{refused}");
        let other = folder.path().join("other.db");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        assert!(sqlite_standing(&other).unwrap_err().to_string().contains("another database"));
    }
}
