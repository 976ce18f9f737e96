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

/// Connections to commit with, at most.
const LINKS: usize = 2;
/// Between two tries to open the second one.
const AGAIN: Duration = Duration::from_secs(60);

/// The connections that commit, while they are idle. The second is opened once a batch could have used it.
#[derive(Default)]
pub(super) struct Idle(Mutex<Links>);

#[derive(Default)]
struct Links {
    idle: Vec<Link>,
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

    /// Between two batches: opens the second connection if one was wanted. Without it all goes on as before.
    pub(super) fn grow(&self, server: &Server) {
        let due = self.with(|links| {
            let due = std::mem::take(&mut links.wanted)
                && links.idle.len() < LINKS
                && links.tried.is_none_or(|tried| tried.elapsed() > AGAIN);
            if due {
                links.tried = Some(Instant::now());
            }
            due
        });
        if due {
            match server.connect(Purpose::Commit) {
                Ok(link) => self.put(link),
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
    task: JoinHandle<(Link, Result<(), Trouble>)>,
    limit: Duration,
    late: Vec<Rows>,
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
        let Some(link) = self.idle.take() else {
            self.idle.with(|links| links.wanted = true);
            return None;
        };
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
        Some(Box::new(Begun { task, limit, late }))
    }
}

impl Begun {
    /// Waits for the answers. Gives the connection with the open transaction, and the rows that are still to be
    /// written. After an error nothing of it is left.
    pub(super) fn ready(mut self) -> Result<(Link, Vec<Rows>), Trouble> {
        let late = std::mem::take(&mut self.late);
        let (link, sent) = match wait(&mut self.task, self.limit) {
            None => return Err(Trouble::Late(self.limit)),
            Some(Err(ended)) => return Err(Trouble::Wrong(ended.to_string())),
            Some(Ok(done)) => done,
        };
        sent.map(|()| (link, late))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.task.abort(); // closes the connection, which rolls back
    }
}
