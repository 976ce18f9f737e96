//! What a batch sends: a statement for each table and kind of change, all without waiting in between, and then the
//! check that each changed what it must.

use super::{
    link::{Link, Trouble},
    sql::{Op, Rows, Schema, each_table},
    wait::Sent,
};
use crate::columns::Stored;
use domain::{Batch, world::Change};
use tokio_postgres::{
    Client, Statement,
    types::{ToSql, Type},
};

const FENCE: &str =
    "UPDATE shards SET batch = $1, at = $2 WHERE shard = $3 AND epoch = $4 AND batch = $1 - 1";
const JOURNAL: &str = "INSERT INTO journal (shard, batch, at, lines) VALUES ($1, $2, $3, $4)";

/// The rows of a batch.
pub(super) struct Changed {
    /// Those that can be written while the batch before is not durable yet.
    pub(super) early: Vec<Rows>,
    /// Those that the batch before changes too, or whose row it makes.
    pub(super) late: Vec<Rows>,
}

impl Changed {
    /// Sorts the changes of a batch; all up to batch `durable` is durable. Values of unique indexes besides the keys
    /// are never set free, so that no row of `early` can collide with what the batch before takes away.
    ///
    /// # Errors
    /// Which column can't hold its value, and why.
    pub(super) fn of(schema: &Schema, batch: &Batch, durable: i64) -> Result<Self, String> {
        let mut all = Self { early: Vec::new(), late: Vec::new() };
        macro_rules! add {
            ($($field:ident: $record:ty,)*) => { $(all.add(schema, &batch.$field, durable)?;)* };
        }
        each_table!(add);
        // `phones`, `order_numbers` and `refund_numbers` are the unique indexes of payers, orders and refunds.
        Ok(all)
    }

    fn add<E: Stored>(&mut self, schema: &Schema, changes: &[Change<E>], durable: i64) -> Result<(), String> {
        if changes.is_empty() {
            return Ok(());
        }
        let table = schema.of::<E>();
        let rows = || [Op::Delete, Op::Update, Op::Insert].map(|op| Rows::new(table, op));
        let [mut early, mut late] = [rows(), rows()];
        for change in changes {
            let [delete, update, insert] = if change.after <= durable { &mut early } else { &mut late };
            match (&change.value, change.existed) {
                (None, _) => delete.push(|put| E::key_values(&change.key, put))?,
                (Some(record), true) => update.push(|put| {
                    record.values(put);
                    put(change.before.into());
                })?,
                (Some(record), false) => insert.push(|put| record.values(put))?,
            }
        }
        self.early.extend(early.into_iter().filter(|rows| rows.count > 0));
        self.late.extend(late.into_iter().filter(|rows| rows.count > 0));
        Ok(())
    }
}

/// Where a batch stands: shard, epoch, number and time.
#[derive(Clone, Copy)]
pub(super) struct Fence {
    pub(super) shard: i16,
    pub(super) epoch: i64,
    pub(super) number: i64,
    pub(super) at: i64,
}

/// Statements in the order in which they are sent, prepared on the connection that will send them.
pub(super) struct Script {
    begin: Option<Statement>,
    fence: Option<(Statement, Fence)>,
    rows: Vec<(Statement, Rows)>,
    journal: Option<(Statement, i16, i64, i64, String)>,
}

impl Script {
    pub(super) const fn new() -> Self {
        Self { begin: None, fence: None, rows: Vec::new(), journal: None }
    }

    /// Begins a transaction. As all of these, it asks `prepare` for its statement.
    pub(super) fn begin<E>(&mut self, mut prepare: impl Prepare<E>) -> Result<(), E> {
        self.begin = Some(prepare("BEGIN", &[])?);
        Ok(())
    }

    /// Takes the shard's next batch.
    pub(super) fn fence<E>(&mut self, fence: Fence, mut prepare: impl Prepare<E>) -> Result<(), E> {
        let types = [Type::INT8, Type::INT8, Type::INT2, Type::INT8];
        self.fence = Some((prepare(FENCE, &types)?, fence));
        Ok(())
    }

    pub(super) fn rows<E>(&mut self, rows: Vec<Rows>, mut prepare: impl Prepare<E>) -> Result<(), E> {
        for rows in rows {
            self.rows.push((prepare(&rows.sql.text, &rows.sql.types)?, rows));
        }
        Ok(())
    }

    pub(super) fn journal<E>(
        &mut self,
        shard: i16,
        batch: &Batch,
        lines: String,
        mut prepare: impl Prepare<E>,
    ) -> Result<(), E> {
        self.journal = Some((prepare(JOURNAL, &[])?, shard, batch.number, batch.at.0, lines));
        Ok(())
    }

    /// Sends all, then checks every answer.
    pub(super) async fn run(&self, client: &Client) -> Result<(), Trouble> {
        let mut begun = None;
        if let Some(begin) = &self.begin {
            begun = Some(Sent::new(client.execute_raw(begin, NOTHING)).await);
        }
        let mut fenced = None;
        if let Some((statement, Fence { shard, epoch, number, at })) = &self.fence {
            let values: [&(dyn ToSql + Sync); 4] = [number, at, shard, epoch];
            fenced = Some(Sent::new(client.execute_raw(statement, values)).await);
        }
        let mut changed = Vec::with_capacity(self.rows.len());
        for (statement, rows) in &self.rows {
            changed.push(Sent::new(client.execute_raw(statement, &rows.columns)).await);
        }
        let mut written = None;
        if let Some((statement, shard, number, at, lines)) = &self.journal {
            let values: [&(dyn ToSql + Sync); 4] = [shard, number, at, lines];
            written = Some(Sent::new(client.execute_raw(statement, values)).await);
        }
        if let Some(begun) = begun {
            begun.answer().await?;
        }
        if let (Some(fenced), Some((_, fence))) = (fenced, &self.fence)
            && fenced.answer().await? != 1
        {
            return Err(Trouble::Wrong(format!(
                "batch {} under epoch {} does not follow what shard {} holds: it was taken over, or the batch in \
                 doubt before was written",
                fence.number, fence.epoch, fence.shard
            )));
        }
        for ((_, rows), changed) in self.rows.iter().zip(changed) {
            let changed = changed.answer().await?;
            if changed != rows.count {
                // The working set and the database disagree: nothing of this batch may be kept.
                return Err(Trouble::Wrong(format!(
                    "{changed} rows changed where {} must: {}",
                    rows.count, rows.sql.text
                )));
            }
        }
        if let Some(written) = written {
            written.answer().await?;
        }
        Ok(())
    }
}

const NOTHING: [&(dyn ToSql + Sync); 0] = [];

/// Gives a statement, prepared on the connection at hand.
pub(super) trait Prepare<E>: FnMut(&str, &[Type]) -> Result<Statement, E> {}
impl<E, F: FnMut(&str, &[Type]) -> Result<Statement, E>> Prepare<E> for F {}

/// Prepares what this connection does not know yet; that waits for the server.
pub(super) fn preparing(link: &mut Link) -> impl Prepare<Trouble> {
    |sql, types| link.prepare(sql, types)
}

/// Only what this connection knows already.
pub(super) fn prepared(link: &Link) -> impl Prepare<()> {
    |sql, _| link.prepared(sql).ok_or(())
}
