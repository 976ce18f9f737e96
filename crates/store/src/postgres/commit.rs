//! Commits batches: the fence, every changed record and the journal row, in one transaction.
//!
//! **The fence.** The table `shards` has a row for each shard: its epoch, its owner and the number of its last
//! batch. A batch begins with `UPDATE shards SET batch = n WHERE epoch = mine AND batch = n - 1`, which must change
//! one row. [`PostgresCommitter::recover`] raises the epoch. It waits for a transaction that still holds the row,
//! such as one whose client lost its connection during COMMIT, so what it reads is final; and every commit under
//! an older epoch fails from then on, whoever sends it and however late it arrives.
//!
//! The first recovery of an executor takes the shard over from whoever had it. A later one, after a fault of its
//! own, raises the epoch only while the row still names it as owner: an executor that was replaced says so
//! ([`Fault::Fenced`]) and commits never again, instead of taking the shard back and so on in turn.
//!
//! **Outcomes.** Until COMMIT is sent nothing can have been written: every trouble is [`Fault::Failed`]. From then
//! on everything but a clean answer is [`Fault::Unknown`], also a warning: a server that stops waiting for its
//! standby answers COMMIT with success and a warning. Recovery is itself a write, so with a synchronous standby it
//! answers only when the batch it found is on the standby too.

use super::{
    link::{Link, Purpose, Server, Trouble},
    partition::Ahead,
    sql::{Op, Rows, Schema, each_table},
    wait::Sent,
};
use crate::{columns::Stored, journal};
use domain::{Batch, world::Change};
use engine::{Committer, Fault, Recovered};
use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};
use tokio_postgres::{
    Statement,
    types::{ToSql, Type},
};
use types::Time;

const FENCE: &str =
    "UPDATE shards SET batch = $1, at = $2 WHERE shard = $3 AND epoch = $4 AND batch = $1 - 1";
const JOURNAL: &str = "INSERT INTO journal (shard, batch, at, lines) VALUES ($1, $2, $3, $4)";
/// Sent behind COMMIT: a COMMIT of a transaction that had failed is answered with success and rolls back.
const THERE: &str = "SELECT 1 FROM shards WHERE shard = $1 AND epoch = $2 AND batch = $3";

pub(super) struct PostgresCommitter {
    server: Arc<Server>,
    schema: Arc<Schema>,
    link: Option<Link>,
    shard: i16,
    /// Names this executor in `shards`.
    owner: String,
    /// The epoch under which it commits, and the last batch committed; none until known.
    stands: Option<(i64, i64)>,
    /// Whether the shard was taken over: from then on it is never taken from somebody else again.
    taken: bool,
    /// Set once somebody else has the shard, with what is said of it.
    fenced: Option<Fault>,
    ahead: Ahead,
}

impl PostgresCommitter {
    /// `claimed` names an executor that has the shard already; otherwise the first recovery takes it.
    pub(super) fn new(
        server: &Arc<Server>,
        schema: &Arc<Schema>,
        ahead: Ahead,
        claimed: Option<&str>,
    ) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let random = RandomState::new().hash_one(std::time::SystemTime::now());
        let own = || format!("{} process {} {random:016x}", host.trim(), std::process::id());
        Self {
            server: Arc::clone(server),
            schema: Arc::clone(schema),
            link: None,
            shard: server.options.place.shard.number().into(),
            owner: claimed.map_or_else(own, str::to_owned),
            stands: None,
            taken: claimed.is_some(),
            fenced: None,
            ahead,
        }
    }

    /// The connection, opened anew when there is none of use. It is put back only when all went well.
    fn take_link(&mut self) -> Result<Link, Fault> {
        match self.link.take().filter(|link| !link.is_lost()) {
            Some(link) => Ok(link),
            None => self.server.connect(Purpose::Commit),
        }
    }

    /// Raises the epoch; none when the shard has another owner.
    fn raise(&self, link: &mut Link) -> Result<Option<(i64, Recovered)>, Trouble> {
        let (shard, owner, taken) = (self.shard, &self.owner, self.taken);
        let make = "INSERT INTO shards (shard, epoch, batch, at, owner) VALUES ($1, 0, 0, 0, '')
                    ON CONFLICT (shard) DO NOTHING";
        let take =
            "UPDATE shards SET epoch = epoch + 1, owner = $2 WHERE shard = $1 RETURNING epoch, batch, at";
        let keep =
            "UPDATE shards SET epoch = epoch + 1 WHERE shard = $1 AND owner = $2 RETURNING epoch, batch, at";
        if !taken {
            link.rows(make, &[&shard])?;
        }
        link.take_warning();
        let rows = link.rows(if taken { keep } else { take }, &[&shard, owner])?;
        if let Some(warning) = link.take_warning() {
            return Err(Trouble::Wrong(warning));
        }
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some((row.try_get(0)?, Recovered { batch: row.try_get(1)?, at: Time(row.try_get(2)?) })))
    }

    /// Says who has the shard now.
    fn replaced(&self, link: &mut Link) -> Fault {
        let shard = self.shard;
        let rows = link.rows("SELECT owner FROM shards WHERE shard = $1", &[&shard]).unwrap_or_default();
        let owner = rows.first().and_then(|row| row.try_get::<_, String>(0).ok());
        Fault::Fenced(format!(
            "{}: shard {shard} was taken over by {}; this process commits no more: stop it, or stop the other and \
             start this one again",
            self.server.name(),
            owner.as_deref().unwrap_or("another executor")
        ))
    }
}

impl Committer for PostgresCommitter {
    fn recover(&mut self) -> Result<Recovered, Fault> {
        if let Some(fenced) = &self.fenced {
            return Err(fenced.clone());
        }
        self.stands = None;
        let mut link = self.take_link()?;
        let raised =
            self.raise(&mut link).map_err(|trouble| Fault::Unknown(format!("where it stands: {trouble}")))?;
        let Some((epoch, recovered)) = raised else {
            let fenced = self.replaced(&mut link);
            self.fenced = Some(fenced.clone());
            return Err(fenced);
        };
        (self.stands, self.taken) = (Some((epoch, recovered.batch)), true);
        self.link = Some(link);
        Ok(recovered)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), Fault> {
        if let Some(fenced) = &self.fenced {
            return Err(fenced.clone());
        }
        let Some((epoch, _)) = self.stands.filter(|(_, last)| *last == batch.number - 1) else {
            return Err(Fault::Failed(format!("batch {} does not follow {:?}", batch.number, self.stands)));
        };
        let schema = Arc::clone(&self.schema);
        let rows = collect(&schema, batch).map_err(|why| self.server.failed(why))?;
        let mut lines = String::new();
        journal::write(&batch.journal, batch.at, &mut lines);
        let mut link = self.take_link()?;
        if let Err(trouble) = write(&mut link, &rows, (self.shard, epoch, batch.number, batch.at.0), &lines) {
            // Whatever it was, the transaction ends with the connection at the latest.
            if !link.is_lost() && link.simple("ROLLBACK").is_ok() {
                self.link = Some(link);
            }
            return Err(self.server.failed(trouble));
        }
        // From here on only the database can tell whether the batch is in it.
        self.stands = None;
        finish(&mut link, self.shard, epoch, batch.number)
            .map_err(|trouble| Fault::Unknown(format!("COMMIT: {trouble}")))?;
        self.stands = Some((epoch, batch.number));
        self.link = Some(link);
        self.ahead.reached(batch.at);
        Ok(())
    }
}

/// The batch's changes, a statement for each table and kind of change.
fn collect<'s>(schema: &'s Schema, batch: &Batch) -> Result<Vec<Rows<'s>>, String> {
    let mut all = Vec::new();
    macro_rules! add {
        ($($field:ident: $record:ty,)*) => { $(add(schema, &batch.$field, &mut all)?;)* };
    }
    each_table!(add);
    // `phones`, `order_numbers` and `refund_numbers` are the unique indexes of payers, orders and refunds.
    Ok(all)
}

fn add<'s, E: Stored>(
    schema: &'s Schema,
    changes: &[Change<E>],
    all: &mut Vec<Rows<'s>>,
) -> Result<(), String> {
    if changes.is_empty() {
        return Ok(());
    }
    let table = schema.of::<E>();
    let [mut delete, mut update, mut insert] =
        [Op::Delete, Op::Update, Op::Insert].map(|op| Rows::new(table, op));
    for change in changes {
        match (&change.value, change.existed) {
            (None, _) => delete.push(|put| E::key_values(&change.key, put))?,
            (Some(record), true) => update.push(|put| record.values(put))?,
            (Some(record), false) => insert.push(|put| record.values(put))?,
        }
    }
    all.extend([delete, update, insert].into_iter().filter(|rows| rows.count > 0));
    Ok(())
}

type Fence = (i16, i64, i64, i64);

/// Sends the whole batch without waiting in between, then checks every answer.
fn write(link: &mut Link, rows: &[Rows<'_>], fence: Fence, lines: &str) -> Result<(), Trouble> {
    let begin = link.prepare("BEGIN", &[])?;
    let fenced = link.prepare(FENCE, &[Type::INT8, Type::INT8, Type::INT2, Type::INT8])?;
    let journal = link.prepare(JOURNAL, &[])?;
    let mut statements: Vec<Statement> = Vec::with_capacity(rows.len());
    for rows in rows {
        statements.push(link.prepare(&rows.sql.text, &rows.sql.types)?);
    }
    // Prepared above: what it says to send behind the transaction must not wait for a round trip.
    link.prepare("COMMIT", &[])?;
    link.prepare(THERE, &[])?;
    let (shard, epoch, number, at) = fence;
    let client = &link.client;
    let fence: [&(dyn ToSql + Sync); 4] = [&number, &at, &shard, &epoch];
    let line: [&(dyn ToSql + Sync); 4] = [&shard, &number, &at, &lines];
    link.wait(async {
        let begin = Sent::new(client.execute(&begin, &[])).await;
        let fenced = Sent::new(client.execute(&fenced, &fence)).await;
        let mut sent = Vec::with_capacity(rows.len());
        for (rows, statement) in rows.iter().zip(&statements) {
            sent.push(Sent::new(client.execute_raw(statement, &rows.columns)).await);
        }
        let journal = Sent::new(client.execute(&journal, &line)).await;
        begin.answer().await?;
        let fenced = fenced.answer().await?;
        if fenced != 1 {
            return Ok(Err(Trouble::Wrong(format!(
                "batch {number} under epoch {epoch} does not follow what shard {shard} holds: it was taken over, or \
                 the batch in doubt before was written"
            ))));
        }
        for (rows, sent) in rows.iter().zip(sent) {
            let changed = sent.answer().await?;
            if changed != rows.count {
                // The working set and the database disagree: nothing of this batch may be kept.
                return Ok(Err(Trouble::Wrong(format!(
                    "{changed} rows changed where {} must: {}",
                    rows.count, rows.sql.text
                ))));
            }
        }
        journal.answer().await?;
        Ok(Ok(()))
    })?
}

/// Sends COMMIT and makes sure of it.
fn finish(link: &mut Link, shard: i16, epoch: i64, number: i64) -> Result<(), Trouble> {
    let commit = link.prepare("COMMIT", &[])?;
    let there = link.prepare(THERE, &[])?;
    link.take_warning();
    let client = &link.client;
    let place: [&(dyn ToSql + Sync); 3] = [&shard, &epoch, &number];
    let found = link.wait(async {
        let commit = Sent::new(client.execute(&commit, &[])).await;
        let there = Sent::new(client.query(&there, &place)).await;
        commit.answer().await?;
        there.answer().await
    })?;
    if let Some(warning) = link.take_warning() {
        return Err(Trouble::Wrong(warning));
    }
    if found.is_empty() {
        return Err(Trouble::Wrong("the batch is not there, or the shard was taken over since".into()));
    }
    Ok(())
}
