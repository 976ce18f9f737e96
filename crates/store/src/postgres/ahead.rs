//! Writing ahead: the rows of a batch are sent while the batch before it is being committed on another connection,
//! so that the server works on both.
//!
//! ```text
//! batch n     ─ fence, rows ─▶ checked ─ COMMIT ─▶ durable
//! batch n + 1      BEGIN, rows that n leaves alone, journal ─▶ checked … rows that n changes, fence ─▶ checked ─ COMMIT ─▶
//! ```
//!
//! It is a head start and nothing else. COMMIT is only ever sent behind a fence that follows a durable batch, by
//! [`super::commit`]; when the head start came to nothing, that writes all rows itself. A batch that is withdrawn takes
//! its [`Begun`] with it, and with that the connection and the transaction.

use super::{
    link::{Link, Purpose, Server, Trouble},
    sql::{Rows, Schema},
    wait::wait,
    write::{Changed, Script, prepared},
};
use crate::journal;
use domain::Batch;
use engine::WriteAhead;
use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// Between two tries to open the second one.
const AGAIN: Duration = Duration::from_secs(60);

/// The connections that commit, while they are idle: one, and a second once a batch could have used it.
#[derive(Default)]
pub(super) struct Idle(Mutex<Links>);

#[derive(Default)]
struct Links {
    idle: Vec<Link>,
    /// There are two, idle or not: one may be taken for a head start, and the committer still has one.
    pair: bool,
    wanted: bool,
    tried: Option<Instant>,
}

impl Idle {
    fn with<T>(&self, work: impl FnOnce(&mut Links) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The one that has been idle the longest, so that both get to know every statement.
    pub(super) fn take(&self) -> Option<Link> {
        self.with(|links| {
            links.idle.retain(|link| !link.is_lost());
            if links.idle.is_empty() { None } else { Some(links.idle.remove(0)) }
        })
    }

    pub(super) fn put(&self, link: Link) {
        self.with(|links| links.idle.push(link));
    }

    /// For a head start: never the committer's only one.
    fn take_spare(&self) -> Option<Link> {
        self.with(|links| {
            links.idle.retain(|link| !link.is_lost());
            links.pair &= !links.idle.is_empty();
            links.wanted |= !links.pair;
            if links.pair { Some(links.idle.remove(0)) } else { None }
        })
    }

    /// One of them may be gone: none is taken for a head start until there are two again.
    pub(super) fn lost(&self) {
        self.with(|links| links.pair = false);
    }

    /// Between two batches: opens the second connection if one was wanted. Without it all goes on as before.
    pub(super) fn grow(&self, server: &Server) {
        let due = self.with(|links| {
            if !std::mem::take(&mut links.wanted) {
                return false;
            }
            // Of less than a pair none is taken for a head start: all there are lie here.
            links.pair = links.idle.len() > 1;
            let due = !links.pair && links.tried.is_none_or(|tried| tried.elapsed() > AGAIN);
            if due {
                links.tried = Some(Instant::now());
            }
            due
        });
        if due {
            match server.connect(Purpose::Commit) {
                Ok(link) => self.with(|links| {
                    links.idle.push(link);
                    links.pair = true;
                }),
                Err(fault) => tracing::warn!(%fault, "batches are written one after the other"),
            }
        }
    }
}

/// Sends rows ahead.
pub(super) struct PostgresAhead {
    server: Arc<Server>,
    schema: Arc<Schema>,
    idle: Arc<Idle>,
    shard: i16,
}

/// A transaction with the first rows of a batch.
pub(super) struct Begun {
    idle: Arc<Idle>,
    task: JoinHandle<(Link, Result<(), Trouble>)>,
    limit: Duration,
    /// None once the connection was handed on.
    late: Option<Vec<Rows>>,
}

impl PostgresAhead {
    pub(super) fn new(server: &Arc<Server>, schema: &Arc<Schema>, idle: &Arc<Idle>) -> Self {
        let shard = server.options.place.shard.number().into();
        Self { server: Arc::clone(server), schema: Arc::clone(schema), idle: Arc::clone(idle), shard }
    }

    fn script(&self, link: &Link, batch: &Batch, durable: i64) -> Option<(Script, Vec<Rows>)> {
        // What can't be written is told when the batch is committed.
        let Changed { early, late } = Changed::of(&self.schema, batch, durable).ok()?;
        let mut lines = String::new();
        journal::write(&batch.journal, batch.at, &mut lines);
        let mut script = Script::new();
        script.begin(prepared(link)).ok()?;
        script.rows(early, prepared(link)).ok()?;
        script.journal(self.shard, batch, lines, prepared(link)).ok()?;
        Some((script, late))
    }
}

impl WriteAhead for PostgresAhead {
    fn begin(&mut self, batch: &Batch, durable: i64) -> Option<Box<dyn Any + Send>> {
        let link = self.idle.take_spare()?;
        let Some((script, late)) = self.script(&link, batch, durable) else {
            // The next batch committed on this connection prepares what it lacks.
            self.idle.put(link);
            return None;
        };
        let limit = link.limit();
        let task = self.server.spawn(async move {
            let sent = script.run(&link.client).await;
            (link, sent)
        });
        Some(Box::new(Begun { idle: Arc::clone(&self.idle), task, limit, late: Some(late) }))
    }
}

impl Begun {
    /// Waits for the answers. Gives the connection with the open transaction, and the rows that are still to be
    /// written. After an error nothing of it is left.
    pub(super) fn ready(mut self) -> Result<(Link, Vec<Rows>), Trouble> {
        let (link, sent) = match wait(&mut self.task, self.limit) {
            None => return Err(Trouble::Late(self.limit)),
            Some(Err(ended)) => return Err(Trouble::Wrong(ended.to_string())),
            Some(Ok(done)) => done,
        };
        sent?;
        Ok((link, self.late.take().unwrap_or_default()))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if self.late.is_some() {
            self.task.abort(); // closes the connection, which rolls back
            self.idle.lost();
        }
    }
}
