//! A running engine over a store that can be held up, lied to and made to panic.

use domain::{Batch, Caller, Command, Event, Key, Record, Reply, sweep::Counter};
use engine::{
    Committer, Engine, Fault, Handle, Job, Loader, ManualClock, Pending, Recovered, Refusal, Store,
    WriteAhead, engine::Setup,
};
use std::{
    any::Any,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};
use types::{MerchantId, Time};

/// A place in a store where its thread can be made to wait, or to do worse.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<Post>, Condvar)>);

#[derive(Default)]
struct Post {
    closed: bool,
    /// One may pass although it is closed.
    one: bool,
    waiting: bool,
    trick: Option<Trick>,
}

/// What a store does once instead of what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trick {
    /// Answers a key with a record of another kind: the working set stops with a panic.
    Lie,
    /// Panics and has done nothing.
    PanicBefore,
    /// Panics and has done all.
    PanicAfter,
}

impl Gate {
    fn post(&self) -> MutexGuard<'_, Post> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(crate) fn close(&self) {
        self.post().closed = true;
    }
    pub(crate) fn open(&self) {
        self.post().closed = false;
        self.0.1.notify_all();
    }
    /// Lets whoever stands there pass, and stays closed.
    pub(crate) fn let_one_pass(&self) {
        self.post().one = true;
        self.0.1.notify_all();
    }
    /// Plays a trick on the next one who passes.
    pub(crate) fn play(&self, trick: Trick) {
        self.post().trick = Some(trick);
    }
    /// Waits until someone stands at the closed gate.
    pub(crate) fn reached(&self) {
        let mut post = self.post();
        while !post.waiting {
            post = self.0.1.wait(post).unwrap();
        }
    }
    fn pass(&self) -> Option<Trick> {
        let mut post = self.post();
        while post.closed && !std::mem::take(&mut post.one) {
            post.waiting = true;
            self.0.1.notify_all();
            post = self.0.1.wait(post).unwrap();
        }
        post.waiting = false;
        post.trick.take()
    }
}

struct GatedLoader(Box<dyn Loader>, Gate);

impl Loader for GatedLoader {
    fn load(&mut self, keys: &[Key]) -> Result<Vec<Option<Record>>, Fault> {
        let trick = self.1.pass();
        let mut found = self.0.load(keys)?;
        if trick == Some(Trick::Lie) {
            found[0] = Some(Record::Counter(Counter { name: "a lie".into(), last: 1 }));
        }
        Ok(found)
    }
    fn largest_number(&mut self, merchant: MerchantId) -> Result<Option<Box<str>>, Fault> {
        self.0.largest_number(merchant)
    }
}

struct GatedCommitter(Box<dyn Committer>, Gate);

impl Committer for GatedCommitter {
    fn recover(&mut self) -> Result<Recovered, Fault> {
        self.0.recover()
    }
    fn commit(&mut self, batch: &Batch) -> Result<(), Fault> {
        let trick = self.1.pass();
        assert_ne!(trick, Some(Trick::PanicBefore), "played on purpose");
        let done = self.0.commit(batch);
        assert_ne!(trick, Some(Trick::PanicAfter), "played on purpose");
        done
    }
    fn writes_ahead(&self) -> Option<Box<dyn WriteAhead>> {
        self.0.writes_ahead()
    }
    fn commit_begun(&mut self, batch: &Batch, begun: Box<dyn Any + Send>) -> Result<(), Fault> {
        assert_eq!(self.1.pass(), None, "no tricks here");
        self.0.commit_begun(batch, begun)
    }
}

/// A running engine with a hand on its store and its listener.
pub(crate) struct Rig {
    engine: Option<Engine>,
    pub(crate) handle: Handle,
    pub(crate) load: Gate,
    pub(crate) commit: Gate,
    pub(crate) heard: Arc<Mutex<Vec<Event>>>,
}

impl Rig {
    pub(crate) fn start(store: Store, now: Time) -> Self {
        Self::with(store, now, eager())
    }

    pub(crate) fn with(store: Store, now: Time, setup: Setup) -> Self {
        let (load, commit) = (Gate::default(), Gate::default());
        let store = Store {
            loader: Box::new(GatedLoader(store.loader, load.clone())),
            committer: Box::new(GatedCommitter(store.committer, commit.clone())),
            queries: store.queries,
        };
        let clock = Arc::new(ManualClock::standing(now));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        let listener = Box::new(move |events: &[Event]| ears.lock().unwrap().extend_from_slice(events));
        let engine = Engine::start(store, clock, setup, listener).unwrap();
        Self { handle: engine.handle(), engine: Some(engine), load, commit, heard }
    }

    /// Puts a command in the queue.
    pub(crate) fn submit(&self, command: Command) -> Result<Pending, Refusal> {
        self.handle.submit(Job { command, caller: Caller::platform(), request: None })
    }

    /// Runs a command and waits for it.
    pub(crate) fn run(&self, command: Command) -> Result<Reply, Refusal> {
        self.handle.run_blocking(command, Caller::platform())
    }

    /// Stops after what is queued.
    pub(crate) fn stop(mut self) {
        self.engine.take().unwrap().stop();
    }
}

/// A test that fails while a gate is closed ends all the same.
impl Drop for Rig {
    fn drop(&mut self) {
        self.load.open();
        self.commit.open();
    }
}

/// The queue of a rig that holds so many commands.
pub(crate) fn queue(queue_max: usize) -> Setup {
    Setup { queue_max, ..eager() }
}

/// Applies each command as soon as it comes, also while a batch is being committed.
pub(crate) fn eager() -> Setup {
    Setup { apply_ahead: 1, ..Setup::default() }
}
