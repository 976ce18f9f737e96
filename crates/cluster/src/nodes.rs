//! What this node knows: who owns which shard now, and how to reach them.

use crate::{frame::Hello, member::Word, peer::Peer};
use domain::order::Order;
use engine::{Handle, Queries, Stats};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};
use tokio::sync::watch;
use types::{Shard, ShardSet, Shards};

/// Hears how commands travel. Must take microseconds and never block.
pub trait Traffic: Send + Sync {
    /// A command was answered by another node after so long.
    fn forwarded(&self, took: Duration);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unheard;

impl Traffic for Unheard {
    fn forwarded(&self, _: Duration) {}
}

/// Where a shard is.
#[derive(Clone)]
pub(crate) enum Owner {
    /// Nobody has it, it is being taken or given away, or its node is silent.
    Nobody,
    Here(Handle),
    There(Arc<Peer>),
}

/// How everything stands, as far as this node knows: at most a second old.
#[derive(Default)]
pub(crate) struct View {
    /// By shard.
    pub(crate) owners: Vec<Owner>,
    /// Names of nodes by the fingerprints of their certificates.
    pub(crate) certificates: HashMap<String, String>,
    /// Nodes that were seen lately, this one too.
    pub(crate) live: Vec<String>,
}

impl View {
    pub(crate) fn node_of(&self, fingerprint: &str) -> Option<&str> {
        self.certificates.get(fingerprint).map(String::as_str)
    }
}

/// What this node did with shards and commands since it started.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) forwarded: AtomicU64,
    pub(crate) again: AtomicU64,
    pub(crate) taken: AtomicU64,
    pub(crate) given: AtomicU64,
    pub(crate) lost: AtomicU64,
}

/// This node, for people and probes.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct NodeStatus {
    /// Its name.
    pub node: String,
    /// Shards of the database.
    pub shards: u8,
    /// Those that this node commits to.
    pub owned: Vec<u8>,
    /// Those of which this node knows no owner that answers.
    pub without_owner: Vec<u8>,
    /// Nodes that were seen lately, this one too.
    pub live: Vec<String>,
    /// Commands that other nodes answered.
    pub forwarded: u64,
    /// Times a command was sent again because its shard had moved or its owner did not answer.
    pub sent_again: u64,
    /// Shards taken over, whether left or given.
    pub taken: u64,
    /// Shards given away.
    pub given: u64,
    /// Shards lost to another node that took this one for dead.
    pub lost: u64,
    /// Orders that its shards heard of from others, and need not load.
    pub heard: u64,
    /// Commands waiting for an owner now.
    pub waiting: usize,
}

impl NodeStatus {
    /// What a process says of itself that runs alone.
    #[must_use]
    pub fn alone() -> Self {
        let (owned, live) = (vec![0], vec![String::new()]);
        Self { shards: 1, owned, live, ..Self::default() }
    }
}

/// One node's knowledge, shared by its router, its door and its member.
pub(crate) struct Nodes {
    pub(crate) name: String,
    pub(crate) instance: String,
    pub(crate) shards: Shards,
    pub(crate) queries: Arc<dyn Queries>,
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) traffic: Arc<dyn Traffic>,
    pub(crate) counters: Counters,
    /// Commands waiting for an owner.
    pub(crate) waiting: AtomicUsize,
    pub(crate) view: watch::Sender<View>,
    words: mpsc::Sender<Word>,
    /// The member was asked to look and has not begun.
    pub(crate) asked: AtomicBool,
}

impl Nodes {
    pub(crate) fn new(
        (name, instance): (String, String),
        shards: Shards,
        queries: Arc<dyn Queries>,
        runtime: tokio::runtime::Handle,
        traffic: Arc<dyn Traffic>,
        words: mpsc::Sender<Word>,
    ) -> Self {
        let nobody = shards.all().map(|_| Owner::Nobody).collect();
        let view = watch::Sender::new(View { owners: nobody, ..View::default() });
        let (counters, waiting, asked) = (Counters::default(), AtomicUsize::new(0), AtomicBool::new(false));
        Self { name, instance, shards, queries, runtime, traffic, counters, waiting, view, words, asked }
    }
    pub(crate) fn hello(&self) -> Hello {
        Hello::new(self.name.clone(), self.instance.clone(), self.shards)
    }
    pub(crate) fn watch(&self) -> watch::Receiver<View> {
        self.view.subscribe()
    }
    pub(crate) fn owner(&self, shard: Shard) -> Owner {
        let view = self.view.borrow();
        view.owners.get(usize::from(shard.number())).cloned().unwrap_or(Owner::Nobody)
    }
    /// The shard's engine, when it is here.
    pub(crate) fn engine(&self, shard: Shard) -> Option<Handle> {
        match self.owner(shard) {
            Owner::Here(engine) => Some(engine),
            Owner::Nobody | Owner::There(_) => None,
        }
    }
    /// Tells the shards of these orders that they decide about them now. Who owns a shard may have changed, or be
    /// silent: then it loads them.
    pub(crate) fn tell(&self, mut orders: Vec<Order>) {
        orders.sort_unstable_by_key(|order| order.shard);
        for of_shard in orders.chunk_by(|one, next| one.shard == next.shard) {
            match self.owner(of_shard[0].shard) {
                Owner::Nobody => {}
                Owner::Here(engine) => engine.hear(of_shard.to_vec()),
                Owner::There(peer) => peer.tell(of_shard),
            }
        }
    }
    /// Has an engine here hear of orders of its shard; nobody, when it is another node's by now.
    pub(crate) fn hear(&self, orders: Vec<Order>) {
        if let Some(engine) = orders.first().and_then(|order| self.engine(order.shard)) {
            engine.hear(orders);
        }
    }
    /// Has the list looked at soon: what this node knows turned out to be old.
    pub(crate) fn look(&self) {
        if !self.asked.swap(true, Ordering::AcqRel) {
            self.say(Word::Look);
        }
    }
    /// As [`Nodes::look`], unless the certificate is known.
    pub(crate) fn look_for(&self, fingerprint: &str) {
        let known = self.view.borrow().node_of(fingerprint).is_some();
        if !known {
            self.look();
        }
    }
    /// Tells the member; nothing once it has ended.
    pub(crate) fn say(&self, word: Word) {
        drop(self.words.send(word));
    }
    pub(crate) fn owned(&self) -> ShardSet {
        let view = self.view.borrow();
        let mut owned = ShardSet::none(self.shards);
        for (shard, owner) in self.shards.all().zip(&view.owners) {
            if matches!(owner, Owner::Here(_)) {
                owned.insert(shard);
            }
        }
        owned
    }
    /// Sums over the engines here. Fenced ones are not counted: their shards have moved, and so do commands.
    pub(crate) fn stats(&self) -> Stats {
        let view = self.view.borrow();
        let mut sum = Stats::default();
        for owner in &view.owners {
            let Owner::Here(engine) = owner else { continue };
            let stats = engine.stats();
            sum.batches += stats.batches;
            sum.ahead += stats.ahead;
            sum.commands += stats.commands;
            sum.commit_us += stats.commit_us;
            sum.apply_us += stats.apply_us;
            sum.queued += stats.queued;
            sum.cached += stats.cached;
            sum.found += stats.found;
            sum.heard += stats.heard;
            sum.faults += stats.faults;
        }
        sum
    }
    pub(crate) fn status(&self) -> NodeStatus {
        let heard = self.stats().heard;
        let view = self.view.borrow();
        let of = |wanted: fn(&Owner) -> bool| {
            let all = self.shards.all().zip(&view.owners);
            all.filter(|(_, owner)| wanted(owner)).map(|(shard, _)| shard.number()).collect()
        };
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        NodeStatus {
            node: self.name.clone(),
            shards: self.shards.count(),
            owned: of(|owner| matches!(owner, Owner::Here(_))),
            without_owner: of(|owner| matches!(owner, Owner::Nobody)),
            live: view.live.clone(),
            forwarded: count(&self.counters.forwarded),
            sent_again: count(&self.counters.again),
            taken: count(&self.counters.taken),
            given: count(&self.counters.given),
            lost: count(&self.counters.lost),
            heard,
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }
}
