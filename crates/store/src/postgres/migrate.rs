//! Schema versions: numbered scripts, each applied once, with a checksum that is compared at every start. Nodes
//! that start together wait for each other.

use super::{
    link::{Link, Trouble},
    partition,
    sql::Schema,
};
use types::Time;

/// The scripts, oldest first. A released script never changes.
const SCRIPTS: [&str; 3] =
    [include_str!("schema-1.sql"), include_str!("schema-2.sql"), include_str!("schema-3.sql")];

/// The number of the advisory lock that is held while the schema changes: `feiqian` in ASCII.
pub(super) const LOCK: i64 = 0x66_6569_7169_616e;

/// Brings the database to the newest schema, with partitions for the months from `now` on; gives the time up to
/// which there are some.
pub(super) fn migrate(link: &mut Link, now: Time) -> Result<Time, Trouble> {
    if applied(link)?.is_none_or(|applied| applied.len() < SCRIPTS.len()) {
        link.simple("BEGIN")?;
        let done = apply(link).and_then(|()| link.simple("COMMIT"));
        if let Err(trouble) = done {
            let _ = link.simple("ROLLBACK"); // the first trouble is the one to tell
            return Err(trouble);
        }
    }
    check(link)?;
    // A sandbox's clock may be ahead of the machine's.
    let newest = link.simple("SELECT coalesce(max(at), 0) FROM shards")?;
    let newest = Time(first(&newest).parse().unwrap_or(0));
    partition::make(link, now.max(newest))
}

fn apply(link: &mut Link) -> Result<(), Trouble> {
    link.simple(&format!("SELECT pg_advisory_xact_lock({LOCK})"))?;
    let known = match applied(link)? {
        Some(applied) => applied.len(),
        None => {
            let tables =
                "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()";
            if first(&link.simple(tables)?) != "0" {
                return Err(Trouble::Wrong(
                    "the database holds other tables; make one for Feiqian alone: CREATE DATABASE feiqian"
                        .into(),
                ));
            }
            link.simple(
                "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, checksum BIGINT NOT NULL)",
            )?;
            0
        }
    };
    for (script, version) in SCRIPTS.iter().zip(1..).skip(known) {
        link.simple(script)?;
        let checksum = checksum(script);
        link.simple(&format!("INSERT INTO schema_version VALUES ({version}, {checksum})"))?;
    }
    Ok(())
}

/// Compares what was applied with the scripts.
pub(super) fn check(link: &mut Link) -> Result<(), Trouble> {
    let Some(applied) = applied(link)? else {
        return Err(Trouble::Wrong("the database holds no Feiqian store".into()));
    };
    let (found, known) = (applied.len(), SCRIPTS.len());
    if found > known {
        return Err(Trouble::Wrong(format!(
            "the store has schema {found}, this version knows {known}; use a newer feiqian"
        )));
    }
    if found < known {
        return Err(Trouble::Wrong(format!(
            "the store has schema {found}, this version needs {known}; start `feiqian serve` once to migrate it"
        )));
    }
    for ((version, script), applied) in (1..).zip(SCRIPTS).zip(applied) {
        if applied != checksum(script).to_string() {
            return Err(Trouble::Wrong(format!(
                "schema script {version} differs from the one that made this store; restore the original version"
            )));
        }
    }
    Ok(())
}

/// The checksums of applied scripts, oldest first; none without a store.
fn applied(link: &mut Link) -> Result<Option<Vec<String>>, Trouble> {
    let there = "SELECT count(*) FROM information_schema.tables
                 WHERE table_schema = current_schema() AND table_name = 'schema_version'";
    if first(&link.simple(there)?) == "0" {
        return Ok(None);
    }
    let rows = link.simple("SELECT checksum FROM schema_version ORDER BY version")?;
    Ok(Some(rows.into_iter().flatten().flatten().collect()))
}

fn first(rows: &[Vec<Option<String>>]) -> &str {
    rows.first().and_then(|row| row.first()?.as_deref()).unwrap_or("")
}

/// The statements for the tables as the database has them.
pub(super) fn schema(link: &mut Link) -> Result<Schema, Trouble> {
    let columns = "SELECT table_name, column_name, data_type FROM information_schema.columns
                   WHERE table_schema = current_schema()";
    Schema::new(&link.simple(columns)?).map_err(Trouble::Wrong)
}

/// FNV-1a over the script without carriage returns: it tells an edited script, not an attacker.
fn checksum(script: &str) -> i64 {
    let bytes = script.bytes().filter(|byte| *byte != b'\r');
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash.cast_signed()
}
