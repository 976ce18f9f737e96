//! Schema versions: numbered scripts, each applied once, with a checksum that is compared at every start.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::cmp::Ordering;

/// The scripts, oldest first. A released script never changes.
const SCRIPTS: [&str; 4] = [
    include_str!("schema-1.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
];

/// The newest schema this version knows.
pub(super) fn known() -> i64 {
    i64::try_from(SCRIPTS.len()).unwrap_or(i64::MAX)
}

/// The schema a store has, read without changing it.
pub(super) fn found(connection: &Connection) -> Result<i64, MigrateError> {
    let ours = "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'";
    if connection.query_row(ours, [], |row| row.get::<_, i64>(0))? == 0 {
        return Err(MigrateError::Foreign);
    }
    Ok(connection.query_row("SELECT count(*) FROM schema_version", [], |row| row.get(0))?)
}

/// Checks that a store can be read as it is, without bringing it to the newest schema.
pub(super) fn check_readable(connection: &Connection) -> Result<(), MigrateError> {
    let (found, known) = (found(connection)?, known());
    match found.cmp(&known) {
        Ordering::Equal => Ok(()),
        Ordering::Less => Err(MigrateError::Older { found, known }),
        Ordering::Greater => Err(MigrateError::Newer { found, known }),
    }
}

/// Why a store can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum MigrateError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("the store has schema {found}, this version knows {known}; use a newer feiqian")]
    Newer { found: i64, known: i64 },
    #[error(
        "the store has schema {found}, reading needs {known}; run `feiqian migrate` or `feiqian serve` first"
    )]
    Older { found: i64, known: i64 },
    #[error("schema script {0} differs from the one that made this store; restore the original version")]
    Changed(i64),
    #[error("the file holds another database")]
    Foreign,
}

/// Brings the store to the newest schema.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), MigrateError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let marked = "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'";
    let ours: i64 = tx.query_row(marked, [], |row| row.get(0))?;
    if ours == 0 {
        let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables > 0 {
            return Err(MigrateError::Foreign);
        }
        tx.execute_batch(
            "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, checksum INTEGER NOT NULL) STRICT",
        )?;
    }
    let found: i64 = tx.query_row("SELECT count(*) FROM schema_version", [], |row| row.get(0))?;
    let known = known();
    if found > known {
        return Err(MigrateError::Newer { found, known });
    }
    for (script, version) in SCRIPTS.iter().zip(1_i64..) {
        let checksum = checksum(script);
        let applied: Option<i64> = tx
            .query_row("SELECT checksum FROM schema_version WHERE version = ?1", [version], |row| row.get(0))
            .optional()?;
        match applied {
            Some(applied) if applied == checksum => {}
            Some(_) => return Err(MigrateError::Changed(version)),
            None => {
                tx.execute_batch(script)?;
                tx.execute("INSERT INTO schema_version VALUES (?1, ?2)", params![version, checksum])?;
            }
        }
    }
    tx.commit()?;
    Ok(())
}

/// FNV-1a over the script without carriage returns: it tells an edited script, not an attacker.
fn checksum(script: &str) -> i64 {
    let bytes = script.bytes().filter(|byte| *byte != b'\r');
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash.cast_signed()
}
