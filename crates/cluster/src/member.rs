//! This node among the others: it announces itself once a second, takes shards that nobody has, gives away what it
//! has too many of, and starts and stops the engines of its shards. One thread, which never waits for an engine.

use crate::{
    nodes::{Nodes, Owner, View},
    peer::Peer,
    share::{self, Wish},
    tls::Identity,
};
use engine::{
    Engine, Fault,
    nodes::{Node, Registry, Role, Standing},
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, atomic::Ordering, mpsc},
    thread,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use types::{Place, Shard};

/// Between two announcements.
const BEAT: Duration = Duration::from_secs(1);
/// An announcement that comes later after the one before is late.
const LATE: Duration = Duration::from_millis(2500);
/// Between two looks at the list that somebody asked for.
const LOOK_LEAST: Duration = Duration::from_millis(20);

/// Starts the engine of a shard that was claimed for the executor of that name.
pub type Start = Arc<dyn Fn(Place, &str) -> Result<Engine, Fault> + Send + Sync>;

/// What the member is told.
pub(crate) enum Word {
    /// Look at the list.
    Look,
    Started(Shard, String, Result<Engine, Fault>),
    Stopped(Shard, String),
    /// Give everything away, as far as there is somebody to take it, and say when that is done.
    HandOver(oneshot::Sender<()>),
    /// Stop what is left, give it back, and leave.
    End(oneshot::Sender<()>),
}

/// A shard that this node has claimed.
struct Own {
    /// The executor that has it.
    owner: String,
    state: State,
}

enum State {
    Starting,
    Running(Engine),
    Ending,
}

pub(crate) struct Member {
    pub(crate) nodes: Arc<Nodes>,
    pub(crate) registry: Box<dyn Registry>,
    pub(crate) me: Node,
    pub(crate) identity: Arc<Identity>,
    pub(crate) start: Start,
    pub(crate) tell: mpsc::Sender<Word>,
    own: HashMap<Shard, Own>,
    peers: HashMap<String, Arc<Peer>>,
    /// Since when this node has seen a shard without an owner.
    free: HashMap<Shard, Instant>,
    claims: u64,
    standing: Standing,
    handed: Option<oneshot::Sender<()>>,
    /// When this node last announced itself, and from when on it may take others for dead: not while it was silent
    /// itself, since what kept it may have kept all of them.
    beaten: Instant,
    judges: Instant,
    /// What the others were last told of: changes only are told.
    shape: Vec<(String, bool)>,
}

impl Member {
    pub(crate) fn new(
        nodes: Arc<Nodes>,
        registry: Box<dyn Registry>,
        (me, identity): (Node, Arc<Identity>),
        start: Start,
        tell: mpsc::Sender<Word>,
    ) -> Self {
        Self {
            nodes,
            registry,
            me,
            identity,
            start,
            tell,
            own: HashMap::new(),
            peers: HashMap::new(),
            free: HashMap::new(),
            claims: 0,
            standing: Standing::default(),
            handed: None,
            beaten: Instant::now(),
            judges: Instant::now(),
            shape: Vec::new(),
        }
    }

    pub(crate) fn run(mut self, words: &mpsc::Receiver<Word>) {
        let mut beat_at = Instant::now();
        let mut looked = Instant::now();
        let mut wanted = false;
        loop {
            let next = if wanted { beat_at.min(looked + LOOK_LEAST) } else { beat_at };
            match words.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(Word::End(done)) => {
                    self.end();
                    let _ = done.send(()); // nobody may wait any more
                    return;
                }
                Ok(word) => {
                    if self.hear(word) {
                        beat_at = Instant::now();
                    }
                    wanted = true;
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.end(),
            }
            let now = Instant::now();
            let beats = now >= beat_at;
            let looks = beats || wanted && now >= looked + LOOK_LEAST;
            if !looks {
                continue;
            }
            self.nodes.asked.store(false, Ordering::Release);
            (wanted, looked) = (false, now);
            if beats {
                beat_at = now + BEAT;
            }
            self.look(beats);
        }
    }

    /// Takes a word in; true when the others must be told at once.
    fn hear(&mut self, word: Word) -> bool {
        match word {
            Word::Look | Word::End(_) => false,
            Word::Started(shard, owner, started) => {
                self.started(shard, &owner, started);
                false
            }
            Word::Stopped(shard, owner) => {
                self.stopped(shard, &owner);
                false
            }
            Word::HandOver(done) => {
                self.me.role = Role::Leaving;
                self.handed = Some(done);
                true
            }
        }
    }

    fn look(&mut self, beats: bool) {
        let looked = if beats { self.registry.beat(&self.me) } else { self.registry.look().map(Some) };
        match looked {
            Ok(Some(standing)) => {
                self.standing = standing;
                if beats {
                    let now = Instant::now();
                    if now.duration_since(self.beaten) > LATE {
                        self.judges = now + LATE;
                    }
                    self.beaten = now;
                }
            }
            Ok(None) => {
                tracing::error!(
                    node = self.me.name,
                    "another process runs under this node's name; give each its own"
                );
                self.standing = Standing::default();
            }
            Err(fault) => {
                // What is known stays in force: the fences guard whatever has changed meanwhile.
                tracing::warn!(%fault, "the list of nodes can't be reached");
                return;
            }
        }
        self.drop_lost();
        self.know_peers();
        self.publish();
        self.act();
    }

    /// Lets go of engines whose shards others have taken.
    fn drop_lost(&mut self) {
        let held: HashMap<Shard, &str> =
            self.standing.shards.iter().map(|held| (held.shard, held.owner.as_str())).collect();
        let lost: Vec<Shard> = self
            .own
            .iter()
            .filter(|(shard, own)| {
                let fenced = matches!(&own.state, State::Running(engine) if engine.handle().stats().fenced);
                fenced || held.get(shard).is_none_or(|owner| *owner != own.owner)
            })
            .map(|(shard, _)| *shard)
            .collect();
        for shard in lost {
            // One that is being stopped tells when it has ended.
            let Some(Own { state: State::Running(engine), .. }) = self.own.remove(&shard) else { continue };
            tracing::error!(%shard, "another node has taken this shard; it took this one for dead");
            self.nodes.counters.lost.fetch_add(1, Ordering::Relaxed);
            spawn("shard-lost", move || engine.stop());
        }
    }

    fn know_peers(&mut self) {
        let live = self.standing.nodes.iter().filter(|seen| seen.lives() && seen.node.name != self.me.name);
        let mut known = HashSet::new();
        for seen in live {
            known.insert(seen.node.instance.clone());
            if self.peers.contains_key(&seen.node.instance) {
                continue;
            }
            let (nodes, identity) = (&self.nodes, &self.identity);
            match Peer::new(&seen.node, &self.me, nodes.shards, identity, &nodes.runtime) {
                Ok(peer) => {
                    tracing::info!(
                        node = seen.node.name,
                        address = seen.node.address,
                        "another node is there"
                    );
                    self.peers.insert(seen.node.instance.clone(), Arc::new(peer));
                }
                Err(error) => tracing::error!(node = seen.node.name, %error, "no way to this node"),
            }
        }
        self.peers.retain(|instance, peer| {
            let stays = known.contains(instance);
            if !stays {
                tracing::warn!(node = peer.node.name, "this node is gone");
            }
            stays
        });
    }

    /// Tells router and door how everything stands.
    fn publish(&mut self) {
        let nodes = &self.standing.nodes;
        let mut owners = Vec::with_capacity(usize::from(self.nodes.shards.count()));
        let mut shape = Vec::with_capacity(owners.capacity() + nodes.len());
        for shard in self.nodes.shards.all() {
            let held = self.standing.shards.iter().find(|held| held.shard == shard);
            let owner = match self.own.get(&shard) {
                Some(Own { state: State::Running(engine), owner }) => {
                    shape.push((owner.clone(), true));
                    Owner::Here(engine.handle())
                }
                Some(own) => {
                    shape.push((own.owner.clone(), false));
                    Owner::Nobody
                }
                None => {
                    let seen = held.and_then(|held| self.standing.owner(held)).filter(|seen| seen.lives());
                    let peer = seen.and_then(|seen| self.peers.get(&seen.node.instance));
                    let name = held.map_or("", |held| held.owner.as_str());
                    shape.push((name.to_owned(), peer.is_some()));
                    peer.map_or(Owner::Nobody, |peer| Owner::There(Arc::clone(peer)))
                }
            };
            owners.push(owner);
        }
        shape.extend(nodes.iter().map(|seen| (seen.node.instance.clone(), seen.lives())));
        if shape == self.shape {
            return;
        }
        self.shape = shape;
        let certificates = nodes.iter().map(|seen| (seen.node.fingerprint.clone(), seen.node.name.clone()));
        let live = nodes.iter().filter(|seen| seen.lives()).map(|seen| seen.node.name.clone());
        let view = View { owners, certificates: certificates.collect(), live: live.collect() };
        let before = self.nodes.view.send_replace(view);
        let after = self.nodes.view.borrow();
        for (shard, (before, after)) in self.nodes.shards.all().zip(before.owners.iter().zip(&after.owners)) {
            let Owner::There(peer) = before else { continue };
            if !matches!(after, Owner::There(same) if Arc::ptr_eq(same, peer)) {
                peer.give_up(shard);
            }
        }
    }

    /// Takes what is free, gives what is too much.
    fn act(&mut self) {
        let has = |shard: &Shard| self.own.contains_key(shard);
        let judges = Instant::now() >= self.judges;
        let free: Vec<Shard> = self
            .standing
            .shards
            .iter()
            .filter(|held| !has(&held.shard))
            .filter(|held| match self.standing.owner(held) {
                // Ours by name and not by us: a claim whose answer was lost, or an engine that did not start.
                Some(seen) => seen.node.instance == self.me.instance || !seen.lives() && judges,
                None => true,
            })
            .map(|held| held.shard)
            .collect();
        self.free.retain(|shard, _| free.contains(shard));
        for shard in &free {
            self.free.entry(*shard).or_insert_with(Instant::now);
        }
        let settled = self.own.values().all(|own| matches!(own.state, State::Running(_)));
        let running = self.own.values().filter(|own| !matches!(own.state, State::Ending)).count();
        match share::wish(&self.standing, &self.me, running, &self.free, settled) {
            Wish::Take(shards) => shards.into_iter().for_each(|shard| self.take(shard)),
            Wish::Give(count) => self.give(count),
            Wish::Nothing => {}
        }
        let nobody = share::heirs(&self.standing, &self.me) == 0;
        if self.handed.is_some() && (self.own.is_empty() || nobody) {
            self.handed.take().map(|done| done.send(()));
        }
    }

    fn take(&mut self, shard: Shard) {
        let Some(place) = Place::new(shard, self.nodes.shards) else { return };
        let Some(held) = self.standing.shards.iter().find(|held| held.shard == shard) else { return };
        self.claims += 1;
        let owner = format!("{}{:x}", self.me.mark(), self.claims);
        match self.registry.claim(shard, held.epoch, &owner) {
            Ok(true) => {}
            Ok(false) => return, // another node was faster
            Err(fault) => return tracing::warn!(%shard, %fault, "the shard can't be claimed"),
        }
        let from = if held.owner.is_empty() { "nobody" } else { &held.owner };
        tracing::info!(%shard, from, "taking a shard over");
        self.own.insert(shard, Own { owner: owner.clone(), state: State::Starting });
        let (start, tell) = (Arc::clone(&self.start), self.tell.clone());
        spawn("shard-start", move || {
            let started = start(place, &owner);
            drop(tell.send(Word::Started(shard, owner, started)));
        });
    }

    fn started(&mut self, shard: Shard, owner: &str, started: Result<Engine, Fault>) {
        let ours = self.own.get_mut(&shard).filter(|own| own.owner == owner);
        match (started, ours) {
            (Ok(engine), Some(own)) => {
                let nodes = Arc::downgrade(&self.nodes);
                engine.handle().tell_by(Box::new(move |orders| {
                    if let Some(nodes) = nodes.upgrade() {
                        nodes.tell(orders);
                    }
                }));
                own.state = State::Running(engine);
                self.nodes.counters.taken.fetch_add(1, Ordering::Relaxed);
                self.publish();
                self.peers.values().for_each(|peer| peer.nudge());
            }
            (Ok(engine), None) => spawn("shard-lost", move || engine.stop()),
            (Err(fault), ours) => {
                tracing::error!(%shard, %fault, "the shard's engine did not start; trying again");
                if ours.is_some() {
                    self.own.remove(&shard);
                }
            }
        }
    }

    /// Gives `count` running shards away, the last ones first.
    fn give(&mut self, count: usize) {
        let mut running: Vec<Shard> = self
            .own
            .iter()
            .filter(|(_, own)| matches!(own.state, State::Running(_)))
            .map(|(shard, _)| *shard)
            .collect();
        running.sort_unstable_by(|a, b| b.cmp(a));
        for shard in running.into_iter().take(count) {
            let Some(own) = self.own.get_mut(&shard) else { continue };
            let State::Running(engine) = std::mem::replace(&mut own.state, State::Ending) else { continue };
            tracing::info!(%shard, "giving a shard away");
            let (owner, tell) = (own.owner.clone(), self.tell.clone());
            spawn("shard-end", move || {
                engine.stop();
                drop(tell.send(Word::Stopped(shard, owner)));
            });
        }
        // From here on commands wait for the next owner; those in the engine's queue are still answered.
        self.publish();
    }

    fn stopped(&mut self, shard: Shard, owner: &str) {
        if let Err(fault) = self.registry.release(shard, owner) {
            tracing::warn!(%shard, %fault, "the shard can't be given back; the others wait until this node is silent");
        }
        if self.own.get(&shard).is_some_and(|own| own.owner == owner) {
            self.own.remove(&shard);
            self.nodes.counters.given.fetch_add(1, Ordering::Relaxed);
        }
        self.peers.values().for_each(|peer| peer.nudge());
    }

    fn end(&mut self) {
        let mut ending = Vec::new();
        for (shard, own) in self.own.drain() {
            if let State::Running(engine) = own.state {
                let ended = thread::Builder::new().name("shard-end".into()).spawn(move || engine.stop());
                ending.push((shard, own.owner, ended));
            }
        }
        for (shard, owner, ended) in ending {
            if let Ok(ended) = ended {
                drop(ended.join()); // an engine that panicked has said so
            }
            if let Err(fault) = self.registry.release(shard, &owner) {
                tracing::warn!(%shard, %fault, "the shard can't be given back; the others wait until this node is silent");
            }
        }
        if let Err(fault) = self.registry.leave(&self.me) {
            tracing::warn!(%fault, "this node stays in the list of nodes until it is taken for dead");
        }
        self.publish();
        self.peers.values().for_each(|peer| peer.nudge());
    }
}

/// A thread of its own: engines start and stop in their own time.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(work) {
        tracing::error!(%error, name, "no thread");
    }
}
