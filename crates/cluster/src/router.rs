//! The way of a command to the engine that decides it.

use crate::{
    member::Word,
    nodes::{NodeStatus, Nodes},
    way,
};
use domain::{Caller, Command, Reply, records::Effect};
use engine::{Handle, Job, Refusal, Stats};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::oneshot;
use types::{ShardSet, Shards};

pub(crate) type Answer = Result<Reply, Refusal>;

/// Takes commands to the engine that decides them. Cheap to clone.
#[derive(Clone)]
pub struct Router(Way);

#[derive(Clone)]
enum Way {
    /// One node, one shard: straight to its engine.
    Direct(Handle),
    /// To the owner of the command's shard, here or elsewhere.
    Nodes(Arc<Nodes>),
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Way::Direct(_) => f.write_str("Router(direct)"),
            Way::Nodes(nodes) => write!(f, "Router({}, {:?})", nodes.name, nodes.owned()),
        }
    }
}

impl From<Handle> for Router {
    fn from(engine: Handle) -> Self {
        Self(Way::Direct(engine))
    }
}

/// An answer to come; it comes once the command is durable.
pub struct Pending(Coming);

enum Coming {
    Direct(engine::Pending),
    Nodes(way::Under),
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}

impl Future for Pending {
    type Output = Answer;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        match &mut self.0 {
            Coming::Direct(pending) => Pin::new(pending).poll(cx),
            Coming::Nodes(under) => Pin::new(under).poll(cx),
        }
    }
}

impl Router {
    pub(crate) const fn nodes(nodes: Arc<Nodes>) -> Self {
        Self(Way::Nodes(nodes))
    }
    /// Sends a command on its way.
    ///
    /// # Errors
    /// [`Refusal::Busy`], [`Refusal::Stopped`], [`Refusal::Unavailable`] when that is known at once; the rest comes
    /// with the answer.
    pub fn submit(&self, job: Job) -> Result<Pending, Refusal> {
        match &self.0 {
            Way::Direct(engine) => engine.submit(job).map(Coming::Direct).map(Pending),
            Way::Nodes(nodes) => way::Under::submit(nodes, job).map(Coming::Nodes).map(Pending),
        }
    }
    /// Runs a command for `caller` and waits for it to be durable.
    ///
    /// # Errors
    /// Any [`Refusal`].
    pub async fn run(&self, command: Command, caller: Caller) -> Answer {
        match &self.0 {
            Way::Direct(engine) => engine.run(command, caller).await,
            Way::Nodes(nodes) => way::Under::submit(nodes, Job { command, caller, request: None })?.await,
        }
    }
    /// As [`Router::run`], on this thread. Not for async code.
    ///
    /// # Errors
    /// Any [`Refusal`].
    pub fn run_blocking(&self, command: Command, caller: Caller) -> Answer {
        match &self.0 {
            Way::Direct(engine) => engine.run_blocking(command, caller),
            Way::Nodes(nodes) => nodes.runtime.block_on(self.run(command, caller)),
        }
    }
    /// What a command would do, without doing it: its answer, and each record before and after. With several nodes
    /// only where the command's shard is.
    ///
    /// # Errors
    /// [`Refusal::Rejected`] with what the rules say; [`Refusal::Unavailable`] on another node than the owner's; the
    /// others as for any command.
    pub async fn dry_run(&self, command: Command, caller: Caller) -> Result<(Reply, Vec<Effect>), Refusal> {
        match &self.0 {
            Way::Direct(engine) => engine.dry_run(command, caller).await,
            Way::Nodes(nodes) => way::owner_here(nodes, &command).await?.dry_run(command, caller).await,
        }
    }
    /// Counters of the engines here.
    #[must_use]
    pub fn stats(&self) -> Stats {
        match &self.0 {
            Way::Direct(engine) => engine.stats(),
            Way::Nodes(nodes) => nodes.stats(),
        }
    }
    /// The shards that this node commits to now: what is due in them is its work.
    #[must_use]
    pub fn owned(&self) -> ShardSet {
        match &self.0 {
            Way::Direct(_) => ShardSet::ONLY,
            Way::Nodes(nodes) => nodes.owned(),
        }
    }
    /// How many shards the database has.
    #[must_use]
    pub fn shards(&self) -> Shards {
        match &self.0 {
            Way::Direct(_) => Shards::ONE,
            Way::Nodes(nodes) => nodes.shards,
        }
    }
    /// Gives all shards to the other nodes, if there are any, and takes none from then on. Commands go on: they are sent
    /// to the new owners. False when it took longer than `limit`.
    pub async fn hand_over(&self, limit: Duration) -> bool {
        let Way::Nodes(nodes) = &self.0 else { return true };
        let (done, over) = oneshot::channel();
        nodes.say(Word::HandOver(done));
        tokio::time::timeout(limit, over).await.is_ok_and(|over| over.is_ok())
    }
    /// How many commands wait for an owner, to make a crowd of them.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> Option<&std::sync::atomic::AtomicUsize> {
        match &self.0 {
            Way::Direct(_) => None,
            Way::Nodes(nodes) => Some(&nodes.waiting),
        }
    }
    /// How this node stands among the others; none when it is the only one there can be.
    #[must_use]
    pub fn status(&self) -> Option<NodeStatus> {
        match &self.0 {
            Way::Direct(_) => None,
            Way::Nodes(nodes) => Some(nodes.status()),
        }
    }
}
