//! Commits batches: the fence, every changed record and the journal row, in one transaction.
//!
//! **The fence.** The table `shards` has a row for each shard: its epoch, its owner and the number of its last
//! batch. A batch begins with `UPDATE shards SET batch = n WHERE epoch = mine AND batch = n - 1`, which must change
//! one row. (A batch whose rows were sent [ahead](super::ahead) does so behind them.)
//! [`PostgresCommitter::recover`] raises the epoch. It waits for a transaction that still holds the row,
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
    ahead::{Begun, Idle, PostgresAhead},
    link::{Link, Purpose, Server, Trouble},
    partition::Ahead,
    sql::{Rows, Schema},
    wait::Sent,
    write::{Changed, Fence, Script, preparing},
};
use crate::journal;
use domain::Batch;
use engine::{Committer, Fault, Recovered, WriteAhead};
use std::{
    any::Any,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};
use tokio_postgres::types::ToSql;
use types::Time;

/// Sent behind COMMIT: a COMMIT of a transaction that had failed is answered with success and rolls back.
const THERE: &str = "SELECT 1 FROM shards WHERE shard = $1 AND epoch = $2 AND batch = $3";

pub(super) struct PostgresCommitter {
    server: Arc<Server>,
    schema: Arc<Schema>,
    idle: Arc<Idle>,
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
            idle: Arc::default(),
            shard: server.options.place.shard.number().into(),
            owner: claimed.map_or_else(own, str::to_owned),
            stands: None,
            taken: claimed.is_some(),
            fenced: None,
            ahead,
        }
    }

    /// A connection, opened when there is none of use. It is put back only when all went well.
    fn take_link(&self) -> Result<Link, Fault> {
        self.idle.take().map_or_else(|| self.server.connect(Purpose::Commit), Ok)
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
        self.idle.lost(); // what made this necessary may have cost a connection
        let mut link = self.take_link()?;
        let raised =
            self.raise(&mut link).map_err(|trouble| Fault::Unknown(format!("where it stands: {trouble}")))?;
        let Some((epoch, recovered)) = raised else {
            let fenced = self.replaced(&mut link);
            self.fenced = Some(fenced.clone());
            return Err(fenced);
        };
        (self.stands, self.taken) = (Some((epoch, recovered.batch)), true);
        self.idle.put(link);
        Ok(recovered)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), Fault> {
        let fence = self.fence(batch)?;
        let Changed { early, .. } =
            Changed::of(&self.schema, batch, i64::MAX).map_err(|why| self.server.failed(why))?;
        let mut lines = String::new();
        journal::write(&batch.journal, batch.at, &mut lines);
        let mut link = self.take_link()?;
        let mut script = Script::new();
        let prepared = prepare_all(&mut link, &mut script, fence, early).and_then(|()| {
            script.begin(preparing(&mut link))?;
            script.journal(self.shard, batch, lines, preparing(&mut link))
        });
        let written = prepared.and_then(|()| link.wait(script.run(&link.client)));
        if let Err(trouble) = written {
            // Whatever it was, the transaction ends with the connection at the latest.
            if !link.is_lost() && link.simple("ROLLBACK").is_ok() {
                self.idle.put(link);
            }
            return Err(self.server.failed(trouble));
        }
        self.finish(link, fence)
    }

    fn writes_ahead(&self) -> Option<Box<dyn WriteAhead>> {
        Some(Box::new(PostgresAhead::new(&self.server, &self.schema, &self.idle)))
    }

    fn commit_begun(&mut self, batch: &Batch, begun: Box<dyn Any + Send>) -> Result<(), Fault> {
        let fence = self.fence(batch)?;
        let begun = begun.downcast::<Begun>().map_err(|_| Trouble::Wrong("begun by another store".into()));
        let ready = begun.and_then(|begun| begun.ready()).and_then(|(mut link, late)| {
            let mut script = Script::new();
            prepare_all(&mut link, &mut script, fence, late)
                .and_then(|()| link.wait(script.run(&link.client)))
                .inspect_err(|_| self.idle.lost())?;
            Ok(link)
        });
        match ready {
            Ok(link) => self.finish(link, fence),
            Err(trouble) => {
                // The connection is gone, and the transaction with it.
                tracing::warn!(%trouble, "what was sent ahead came to nothing; the batch is written anew");
                self.commit(batch)
            }
        }
    }
}

impl PostgresCommitter {
    /// Where a batch stands, if it is the next one.
    fn fence(&self, batch: &Batch) -> Result<Fence, Fault> {
        if let Some(fenced) = &self.fenced {
            return Err(fenced.clone());
        }
        let Some((epoch, _)) = self.stands.filter(|(_, last)| *last == batch.number - 1) else {
            return Err(Fault::Failed(format!("batch {} does not follow {:?}", batch.number, self.stands)));
        };
        Ok(Fence { shard: self.shard, epoch, number: batch.number, at: batch.at.0 })
    }

    /// Commits what is written.
    fn finish(&mut self, mut link: Link, fence: Fence) -> Result<(), Fault> {
        // From here on only the database can tell whether the batch is in it.
        self.stands = None;
        let Fence { shard, epoch, number, at } = fence;
        finish(&mut link, shard, epoch, number)
            .map_err(|trouble| Fault::Unknown(format!("COMMIT: {trouble}")))?;
        self.stands = Some((epoch, number));
        self.idle.put(link);
        self.idle.grow(&self.server);
        self.ahead.reached(Time(at));
        Ok(())
    }
}

/// What is written under the fence. Also prepared here is what is sent behind the transaction: that must not wait
/// for a round trip.
fn prepare_all(link: &mut Link, script: &mut Script, fence: Fence, rows: Vec<Rows>) -> Result<(), Trouble> {
    script.fence(fence, preparing(link))?;
    script.rows(rows, preparing(link))?;
    link.prepare("COMMIT", &[])?;
    link.prepare(THERE, &[]).map(drop)
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
