//! Commits batches: every changed record, then the journal row, in one transaction.

use super::{
    Options, open,
    row::{bind, by_key, failed},
};
use crate::{
    columns::{Stored, Table},
    journal,
};
use domain::{Batch, world::Change};
use engine::{Committer, Fault, Recovered};
use rusqlite::{Connection, OptionalExtension};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};
use types::Time;

/// Changed rows since the write-ahead log was started over that begin a checkpoint beside the writer. A row
/// touches one page of 4 KiB, or less when it shares it, so the log stays around 32 MiB.
const CHECKPOINT_ROWS: usize = 12_000;
/// Rows that stand for what a commit writes besides its records: the journal, the tree above the leaves.
const COMMIT_ROWS: usize = 16;
/// How long starting the log over may wait for readers; when they take longer it is tried again.
const RESTART_WAIT: Duration = Duration::from_millis(20);

pub(super) struct SqliteCommitter {
    connection: Connection,
    sql: HashMap<&'static str, Sql>,
    /// The last batch committed, once known.
    last: Option<i64>,
    checkpoint: Checkpoint,
    lines: String,
}

/// The write-ahead log is copied into the file by a thread of its own, so that no commit waits for the copying.
/// Under steady load that thread never reaches the end of a growing log, so when it has copied most of it the
/// committer copies the rest between two commits and starts the log over.
struct Checkpoint {
    ask: mpsc::SyncSender<()>,
    copied: Arc<AtomicBool>,
    /// Rows changed since the log was started over.
    rows: usize,
}

struct Sql {
    insert: String,
    update: String,
    delete: String,
}

impl Sql {
    fn of(table: &Table) -> Self {
        let places: Vec<String> = (1..=table.columns.len()).map(|n| format!("?{n}")).collect();
        let sets: Vec<String> =
            table.mutable.iter().map(|n| format!("{} = ?{}", table.columns[*n], n + 1)).collect();
        let same = table.version.map_or(String::new(), |at| {
            let before = table.columns.len() + 1;
            format!(" AND (?{before} IS NULL OR {} = ?{before})", table.columns[at])
        });
        Self {
            insert: format!(
                "INSERT INTO {} ({}) VALUES ({})",
                table.name,
                table.columns.join(", "),
                places.join(", ")
            ),
            update: format!("UPDATE {} SET {} WHERE {}{same}", table.name, sets.join(", "), by_key(table)),
            delete: format!("DELETE FROM {} WHERE {}", table.name, by_key(table)),
        }
    }
}

impl SqliteCommitter {
    /// Takes over the writing connection and starts the checkpoint thread, which ends with it.
    pub(super) fn start(connection: Connection, path: &Path, options: Options) -> Result<Self, Fault> {
        let (ask, asked) = mpsc::sync_channel(1);
        let copied = Arc::new(AtomicBool::new(false));
        let keeper = open(path, options, true)?;
        let (done, name) = (Arc::clone(&copied), PathBuf::from(path));
        thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || {
                while asked.recv().is_ok() {
                    match keeper.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
                        Ok(()) => done.store(true, Ordering::Release),
                        Err(error) => tracing::warn!(file = %name.display(), %error, "checkpoint"),
                    }
                }
            })
            .map_err(failed)?;
        let checkpoint = Checkpoint { ask, copied, rows: 0 };
        Ok(Self { connection, sql: HashMap::new(), last: None, checkpoint, lines: String::new() })
    }

    /// Keeps the write-ahead log short. A failure costs time only; it is tried again later.
    fn tend_log(&mut self, rows: usize) {
        if self.checkpoint.copied.swap(false, Ordering::Acquire) {
            let connection = &self.connection;
            let restart = || -> rusqlite::Result<()> {
                connection.busy_timeout(RESTART_WAIT)?;
                connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))?;
                connection.busy_timeout(super::BUSY_WAIT)
            };
            match restart() {
                Ok(()) => self.checkpoint.rows = 0,
                Err(error) => tracing::warn!(%error, "starting the write-ahead log over"),
            }
        }
        self.checkpoint.rows += rows + COMMIT_ROWS;
        if self.checkpoint.rows >= CHECKPOINT_ROWS {
            let _ = self.checkpoint.ask.try_send(()); // one is already asked for
        }
    }

    fn write<E: Stored>(&mut self, changes: &[Change<E>]) -> rusqlite::Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let table = &E::TABLE;
        let sql = self.sql.entry(table.name).or_insert_with(|| Sql::of(table));
        let (mut insert, mut update, mut delete) = (None, None, None);
        for change in changes {
            let mut at = 0;
            let mut bound = Ok(());
            let changed = match (&change.value, change.existed) {
                (Some(record), false) => {
                    let statement = prepared(&mut insert, &self.connection, &sql.insert)?;
                    record.values(&mut |value| {
                        at += 1;
                        if bound.is_ok() {
                            bound = bind(statement, at, value);
                        }
                    });
                    bound?;
                    statement.raw_execute()?
                }
                (Some(record), true) => {
                    let statement = prepared(&mut update, &self.connection, &sql.update)?;
                    record.values(&mut |value| {
                        let used = at < table.keys || table.mutable.contains(&at);
                        at += 1;
                        if bound.is_ok() && used {
                            bound = bind(statement, at, value);
                        }
                    });
                    bound?;
                    if table.version.is_some() {
                        bind(statement, at + 1, change.before.into())?;
                    }
                    statement.raw_execute()?
                }
                (None, _) => {
                    let statement = prepared(&mut delete, &self.connection, &sql.delete)?;
                    E::key_values(&change.key, &mut |value| {
                        at += 1;
                        if bound.is_ok() {
                            bound = bind(statement, at, value);
                        }
                    });
                    bound?;
                    statement.raw_execute()?
                }
            };
            if changed != 1 {
                // The working set and the file disagree: nothing of this batch may be kept.
                return Err(rusqlite::Error::StatementChangedRows(changed));
            }
        }
        Ok(())
    }

    fn write_all(&mut self, batch: &Batch) -> rusqlite::Result<()> {
        self.write(&batch.merchants)?;
        self.write(&batch.certificates)?;
        self.write(&batch.applications)?;
        self.write(&batch.payers)?;
        self.write(&batch.one_time_codes)?;
        self.write(&batch.sessions)?;
        self.write(&batch.oauth_codes)?;
        self.write(&batch.cards)?;
        self.write(&batch.orders)?;
        self.write(&batch.combined)?;
        self.write(&batch.combined_numbers)?;
        self.write(&batch.payments)?;
        self.write(&batch.refunds)?;
        self.write(&batch.payment_codes)?;
        self.write(&batch.usage)?;
        self.write(&batch.limits)?;
        self.write(&batch.fees)?;
        self.write(&batch.calendars)?;
        self.write(&batch.plans)?;
        self.write(&batch.days)?;
        self.write(&batch.settlements)?;
        self.write(&batch.holds)?;
        self.write(&batch.bank_accounts)?;
        self.write(&batch.payouts)?;
        self.write(&batch.payout_numbers)?;
        self.write(&batch.user_transfers)?;
        self.write(&batch.user_transfer_numbers)?;
        self.write(&batch.transfer_batches)?;
        self.write(&batch.transfer_batch_numbers)?;
        self.write(&batch.transfer_plans)?;
        self.write(&batch.recipients)?;
        self.write(&batch.receivers)?;
        self.write(&batch.sharings)?;
        self.write(&batch.shares)?;
        self.write(&batch.share_returns)?;
        self.write(&batch.sharing_numbers)?;
        self.write(&batch.number_claims)?;
        self.write(&batch.exceptions)?;
        self.write(&batch.clearings)?;
        self.write(&batch.staff)?;
        self.write(&batch.staff_names)?;
        self.write(&batch.staff_sessions)?;
        self.write(&batch.notifications)?;
        self.write(&batch.echoes)?;
        self.write(&batch.key_rings)?;
        self.write(&batch.counters)?;
        self.write(&batch.requests)?;
        self.write(&batch.accounts)?;
        self.write(&batch.transfers)?;
        self.write(&batch.crossings)?;
        // `phones`, `order_numbers` and `refund_numbers` are the unique indexes of payers, orders and refunds.
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        journal::write(&batch.journal, batch.at, &mut lines);
        let sql = "INSERT INTO journal (batch, at, lines) VALUES (?1, ?2, ?3)";
        let inserted = self.connection.prepare_cached(sql)?.execute((batch.number, batch.at.0, &lines));
        self.lines = lines;
        inserted.map(|_| ())
    }
}

fn prepared<'c, 's>(
    slot: &'s mut Option<rusqlite::CachedStatement<'c>>,
    connection: &'c Connection,
    sql: &str,
) -> rusqlite::Result<&'s mut rusqlite::CachedStatement<'c>> {
    match slot {
        Some(statement) => Ok(statement),
        None => Ok(slot.insert(connection.prepare_cached(sql)?)),
    }
}

impl Committer for SqliteCommitter {
    fn recover(&mut self) -> Result<Recovered, Fault> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK").map_err(failed)?;
        }
        let sql = "SELECT batch, at FROM journal ORDER BY batch DESC LIMIT 1";
        let found = self.connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
        let (batch, at) = found.optional().map_err(failed)?.unwrap_or((0, 0));
        self.last = Some(batch);
        Ok(Recovered { batch, at: Time(at) })
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), Fault> {
        if self.last != Some(batch.number - 1) {
            return Err(Fault::Failed(format!("batch {} does not follow {:?}", batch.number, self.last)));
        }
        self.connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut s| s.execute([])).map_err(failed)?;
        if let Err(error) = self.write_all(batch) {
            let rolled_back = self.connection.execute_batch("ROLLBACK");
            return Err(match rolled_back {
                Ok(()) => failed(error),
                Err(again) => Fault::Unknown(format!("{error}; then {again}")),
            });
        }
        // From here on only the file can tell whether the batch is in it.
        let commit = self.connection.prepare_cached("COMMIT").and_then(|mut s| s.execute([]));
        commit.map_err(|error| Fault::Unknown(error.to_string()))?;
        self.last = Some(batch.number);
        self.tend_log(batch.changes());
        Ok(())
    }
}
