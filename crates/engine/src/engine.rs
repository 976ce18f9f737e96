//! The engine's threads: a bounded queue in front, one thread that applies, one that commits.

mod apply;
mod commit;

use crate::{
    clock::Clock,
    core::{Asked, Closed, Core},
    observer::{Observer, Unobserved},
    store::{Fault, Recovered, Store},
};
use apply::{Applier, Waited};
use domain::{
    Caller, Command, Event, Rejection, Reply,
    order::Order,
    records::{Digest, Effect},
};
use std::{
    any::Any,
    collections::VecDeque,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{self, Poll},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use types::Place;

/// Key and content hash of a request whose answer is repeated.
pub type RequestKey = (Digest, Digest);

/// A command for the engine.
#[derive(Debug)]
pub struct Job {
    /// The command.
    pub command: Command,
    /// Who asks.
    pub caller: Caller,
    /// Set when a repeat must get the first answer (R: every state change is idempotent).
    pub request: Option<RequestKey>,
}

/// Why a command has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The rules say no. Nothing changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The queue is full. Nothing changed; try again in a moment.
    #[error("too many commands are waiting; try again in a moment")]
    Busy,
    /// The store can't be written. Nothing of this command is kept; try again.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// This executor was replaced while its commit was in doubt: the command may be kept or not. Query it.
    #[error("the outcome is unknown, query it before trying again: {0}")]
    Unknown(String),
    /// The engine is shutting down. Nothing changed.
    #[error("shutting down")]
    Stopped,
}

impl Refusal {
    /// A stable code for metrics and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejection.code(),
            Self::Busy => "busy",
            Self::Unavailable(_) => "unavailable",
            Self::Unknown(_) => "unknown",
            Self::Stopped => "stopped",
        }
    }
}

type Answer = Result<Reply, Refusal>;

/// An answer to come; it comes once the command is durable.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Answer>);

impl Future for Pending {
    type Output = Answer;
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Answer> {
        Pin::new(&mut self.0).poll(cx).map(|got| got.unwrap_or(Err(Refusal::Stopped)))
    }
}

impl Pending {
    /// Waits on this thread. Not for async code.
    ///
    /// # Errors
    /// Any [`Refusal`].
    pub fn wait(self) -> Answer {
        self.0.blocking_recv().unwrap_or(Err(Refusal::Stopped))
    }
}

/// What a dry run found, or why it did not run.
type DryRun = Result<(Result<Reply, Rejection>, Vec<Effect>), Refusal>;

enum Work {
    Command(Asked, oneshot::Sender<Answer>),
    DryRun(Asked, oneshot::Sender<DryRun>),
}

/// Called after each commit with what workers should hear. Must not block.
pub type Listener = Box<dyn Fn(&[Event]) + Send>;

/// Called after a commit with the orders of which other shards decide from then on, to tell them. Must not block.
pub type Teller = Box<dyn Fn(Vec<Order>) + Send + Sync>;

/// Orders heard of that wait for the applier, at most; what comes then is loaded when it is asked for.
const HEARD_MAX: usize = 8192;

/// Counters since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Batches committed.
    pub batches: u64,
    /// Batches begun while the one before was being committed.
    pub ahead: u64,
    /// Commands answered, rejected ones too.
    pub commands: u64,
    /// Microseconds spent committing.
    pub commit_us: u64,
    /// Microseconds spent applying.
    pub apply_us: u64,
    /// Commands waiting now.
    pub queued: usize,
    /// Records in the working set.
    pub cached: usize,
    /// Reads that the working set answered.
    pub found: u64,
    /// Orders taken in as other shards told of them.
    pub heard: u64,
    /// Faults of the store.
    pub faults: u64,
    /// The shard belongs to another executor: every command is refused, for good.
    pub fenced: bool,
}

struct Inbox {
    /// With the moment each came.
    work: VecDeque<(Instant, Work)>,
    /// Orders that other shards handed over.
    heard: Vec<Order>,
    /// While the applier waits for more work although it has some: with how many commands it is woken.
    patient: Option<usize>,
    /// The open batch could be begun, and waits for the committer to take the one before.
    full: bool,
    /// The next batch to be committed, until the committer takes it.
    outgoing: Option<Outgoing>,
    committing: bool,
    /// The last durable batch.
    durable: i64,
    /// Set by the committer when a batch did not go through; the applier starts over from the store.
    fault: Option<(String, Recovered)>,
    /// Set by the committer when this executor was replaced, with what everybody is told; both threads end.
    fenced: Option<String>,
    stopping: bool,
    applier_done: bool,
    stats: Stats,
    queue_max: usize,
    apply_ahead: usize,
}

type Told = (oneshot::Sender<Answer>, Answer);

/// A closed batch on its way to the committer.
struct Outgoing {
    closed: Closed,
    told: Vec<Told>,
    /// What the store has begun of it.
    begun: Option<Box<dyn Any + Send>>,
}

struct Shared {
    inbox: Mutex<Inbox>,
    /// The applier waits on this for work, an idle committer or a fault.
    applier: Condvar,
    /// The committer waits on this for a batch.
    committer: Condvar,
    teller: OnceLock<Teller>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Submits commands. Cheap to clone.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

impl Handle {
    /// Puts a command in the queue.
    ///
    /// # Errors
    /// [`Refusal::Busy`], [`Refusal::Stopped`], [`Refusal::Unavailable`] once another executor has the shard; the
    /// rest comes with the answer.
    pub fn submit(&self, job: Job) -> Result<Pending, Refusal> {
        let (tell, told) = oneshot::channel();
        let Job { command, caller, request } = job;
        self.push(Work::Command(Asked { command, caller, request }, tell))?;
        Ok(Pending(told))
    }
    fn push(&self, work: Work) -> Result<(), Refusal> {
        let mut inbox = self.0.lock();
        if inbox.stopping {
            return Err(Refusal::Stopped);
        }
        if let Some(reason) = &inbox.fenced {
            return Err(Refusal::Unavailable(reason.clone()));
        }
        if inbox.work.len() >= inbox.queue_max {
            return Err(Refusal::Busy);
        }
        inbox.work.push_back((Instant::now(), work));
        let waits = inbox.committing || inbox.outgoing.is_some();
        let wake = inbox.work.len() == inbox.patient.unwrap_or(if waits { inbox.apply_ahead } else { 1 });
        drop(inbox);
        if wake {
            self.0.applier.notify_one();
        }
        Ok(())
    }
    /// Takes in orders that another shard handed over to this one, see [`Core::hear`].
    pub fn hear(&self, orders: Vec<Order>) {
        let mut inbox = self.0.lock();
        if inbox.heard.len() + orders.len() <= HEARD_MAX {
            inbox.heard.extend(orders);
        }
    }
    /// Says who tells other shards of orders that this one handed over. The first to be named does; nobody need.
    pub fn tell_by(&self, teller: Teller) {
        drop(self.0.teller.set(teller));
    }
    /// Runs a command for `caller` and waits for it to be durable.
    ///
    /// # Errors
    /// Any [`Refusal`].
    pub async fn run(&self, command: Command, caller: Caller) -> Answer {
        self.submit(Job { command, caller, request: None })?.await
    }
    /// As [`Handle::run`], on this thread. Not for async code.
    ///
    /// # Errors
    /// Any [`Refusal`].
    pub fn run_blocking(&self, command: Command, caller: Caller) -> Answer {
        self.submit(Job { command, caller, request: None })?.wait()
    }
    /// What a command would do, without doing it: its answer, and each record before and after.
    ///
    /// # Errors
    /// [`Refusal::Rejected`] with what the rules say; the others as for any command.
    pub async fn dry_run(&self, command: Command, caller: Caller) -> Result<(Reply, Vec<Effect>), Refusal> {
        let (tell, told) = oneshot::channel();
        self.push(Work::DryRun(Asked { command, caller, request: None }, tell))?;
        let (outcome, effects) = told.await.map_err(|_| Refusal::Stopped)??;
        Ok((outcome?, effects))
    }
    /// Counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let inbox = self.0.lock();
        Stats { queued: inbox.work.len(), fenced: inbox.fenced.is_some(), ..inbox.stats }
    }
}

/// The running engine. Dropping it stops it after the commands already queued.
#[derive(Debug)]
pub struct Engine {
    handle: Handle,
    threads: Vec<JoinHandle<()>>,
}

/// Tells, given how many commands wait to be committed, for how long other threads have so much else to do that a
/// commit gains nothing by hurrying; it is asked again then. None when they have not.
pub type Busy = Arc<dyn Fn(usize) -> Option<Duration> + Send + Sync>;

/// How the engine is set up.
#[derive(Clone)]
pub struct Setup {
    /// Commands that may wait, 1 or more; one more is refused as busy.
    pub queue_max: usize,
    /// The shard it commits, of how many.
    pub place: Place,
    /// While this gives a time, a batch of few commands waits for more: a commit costs some 250 µs of CPU whatever is in
    /// it, which the busy threads would lose. Never when none is given.
    pub busy: Option<Busy>,
    /// Longest wait of a batch for more commands.
    pub patience: Duration,
    /// Commands with which a batch waits no longer.
    pub enough: usize,
    /// Commands that are worth applying while a batch is being committed, 1 or more. The next batch can't go
    /// meanwhile and the committer's end starts it anyway, so that waking the applier for each command would cost
    /// more than applying it.
    pub apply_ahead: usize,
    /// Commands with which a batch is closed and begun while the one before is being committed, 1 or more, if the
    /// store [writes ahead](crate::store::WriteAhead). Fewer wait: what a batch costs whatever is in it would not pay.
    pub ahead_from: usize,
    /// Hears how the engine works.
    pub observer: Arc<dyn Observer>,
    /// The runtime that callers wait on: those of a batch are told there, which wakes its threads once for all of them,
    /// and not once for each. It must last as long as there are callers. The committing thread tells them when none.
    pub runtime: Option<tokio::runtime::Handle>,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("queue_max", &self.queue_max).field("place", &self.place).finish()
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            queue_max: 20_000,
            place: Place::ONLY,
            busy: None,
            patience: Duration::from_millis(8),
            enough: 96,
            apply_ahead: 32,
            ahead_from: 500,
            observer: Arc::new(Unobserved),
            runtime: None,
        }
    }
}

impl Engine {
    /// Starts over a store.
    ///
    /// # Errors
    /// The store's fault when it can't tell where it stands; an operating-system refusal of a thread.
    pub fn start(
        store: Store,
        clock: Arc<dyn Clock>,
        setup: Setup,
        listener: Listener,
    ) -> Result<Self, Fault> {
        let Store { loader, mut committer, .. } = store;
        let recovered = committer.recover()?;
        let inbox = Inbox {
            work: VecDeque::new(),
            heard: Vec::new(),
            patient: None,
            full: false,
            outgoing: None,
            committing: false,
            durable: recovered.batch,
            fault: None,
            fenced: None,
            stopping: false,
            applier_done: false,
            stats: Stats::default(),
            queue_max: setup.queue_max.max(1),
            apply_ahead: setup.apply_ahead.max(1),
        };
        let shared = Arc::new(Shared {
            inbox: Mutex::new(inbox),
            applier: Condvar::new(),
            committer: Condvar::new(),
            teller: OnceLock::new(),
        });
        let handle = Handle(Arc::clone(&shared));
        let core = Core::new(recovered, setup.place);
        let applier = Applier {
            shared: Arc::clone(&shared),
            core,
            loader,
            clock,
            place: setup.place,
            told: Vec::new(),
            ahead: committer.writes_ahead(),
            ahead_from: setup.ahead_from.max(1),
            busy: setup.busy,
            waited: Waited::No,
            patience: setup.patience,
            enough: setup.enough,
            observer: Arc::clone(&setup.observer),
        };
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let thread = thread::Builder::new().name(name.into()).spawn(run);
            thread.map_err(|error| Fault::Failed(format!("no thread: {error}")))
        };
        let threads = vec![
            spawn("engine-apply", Box::new(move || applier.run()))?,
            spawn(
                "engine-commit",
                Box::new(move || {
                    let tell = |told| tell(setup.runtime.as_ref(), told);
                    commit::commit_all(&shared, &mut *committer, &listener, &*setup.observer, &tell);
                }),
            )?,
        ];
        Ok(Self { handle, threads })
    }
    /// For submitting.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
    /// Stops after the commands already queued are answered.
    pub fn stop(mut self) {
        self.end();
    }
    fn end(&mut self) {
        self.handle.0.lock().stopping = true;
        self.handle.0.applier.notify_all();
        self.handle.0.committer.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("an engine thread panicked");
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end();
    }
}

/// Tells those whose answers are durable.
fn tell(runtime: Option<&tokio::runtime::Handle>, told: Vec<Told>) {
    let tell = || told.into_iter().for_each(|(sender, answer)| drop(sender.send(answer)));
    match runtime {
        Some(runtime) => drop(runtime.spawn(async { tell() })),
        None => tell(),
    }
}

/// Tells those whose answers were never durable.
fn withdraw(told: impl Iterator<Item = Told>, refusal: &Refusal) {
    for (sender, _) in told {
        drop(sender.send(Err(refusal.clone())));
    }
}
