//! One command, from its node to the owner of its shard and back, whatever happens in between.
//!
//! A shard that nobody has, or whose owner falls silent, is waited for: in a takeover a few seconds, in a hand-over a
//! few tenths. What was sent and not answered is sent again under the same key, so that it is done once. What an
//! engine here or there says that is final goes back as it is.

use crate::{
    frame::Said,
    nodes::{Nodes, Owner},
    peer::{NotSent, Told},
    router::Answer,
};
use aws_lc_rs::rand;
use domain::{
    Caller, Command, Rejection, Reply,
    home::{self, After, Home, Next},
    records::Digest,
};
use engine::{Handle, Job, Refusal, RequestKey};
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use types::Shard;

/// How long a command waits for an owner.
const OWNER_WITHIN: Duration = Duration::from_secs(15);
/// Commands that wait for an owner at once; one more is refused as busy.
pub(crate) const WAITING_MAX: usize = 20_000;
/// Pauses between tries, unless the owners change before.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// A command on its way. Most are answered by the first owner that is asked, and need no task of their own; what needs
/// more gets one. It goes on when nobody waits for it any more, as in an engine's queue.
pub(crate) enum Under {
    /// None once it is answered.
    First(Option<Box<First>>),
    Sent(oneshot::Receiver<Answer>),
}

/// The first try of a command.
pub(crate) struct First {
    nodes: Arc<Nodes>,
    job: Job,
    at: Shard,
    asked: Asked,
    until: Instant,
}

/// What became of a try that gave no answer.
enum Tried {
    Refused(Rejection),
    /// The owner is the owner no more, or what it said was lost.
    Lost,
}

impl Under {
    /// Sends a command on its way.
    pub(crate) fn submit(nodes: &Arc<Nodes>, mut job: Job) -> Result<Self, Refusal> {
        let known = first_known(nodes, &job.command).ok();
        if let Some(at) = known.filter(|at| home::ahead(&job.command, *at, nodes.shards).is_none())
            && let Some(asked) = Asked::ask(nodes, at, &job.command, &job.caller, &mut job.request)
        {
            let (nodes, asked, until) = (Arc::clone(nodes), asked?, Instant::now() + OWNER_WITHIN);
            return Ok(Self::First(Some(Box::new(First { nodes, job, at, asked, until }))));
        }
        let route = Arc::clone(nodes);
        Ok(Self::spawn(nodes, async move { run(&route, job).await }))
    }

    fn spawn(nodes: &Nodes, work: impl Future<Output = Answer> + Send + 'static) -> Self {
        let (tell, told) = oneshot::channel();
        nodes.runtime.spawn(async move { drop(tell.send(work.await)) });
        Self::Sent(told)
    }
}

impl Future for Under {
    type Output = Answer;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        loop {
            match &mut *self {
                Self::First(open) => {
                    let Some(first) = open else { return Poll::Ready(Err(Refusal::Stopped)) };
                    let answer = ready!(first.poll(context));
                    let Some(first) = open.take() else { return Poll::Ready(Err(Refusal::Stopped)) };
                    match first.settles(answer) {
                        Ok(answer) => return Poll::Ready(answer),
                        Err(tried) => {
                            let nodes = Arc::clone(&first.nodes);
                            *self = Self::spawn(&nodes, first.go_on(tried));
                        }
                    }
                }
                Self::Sent(told) => {
                    return Pin::new(told).poll(context).map(|got| got.unwrap_or(Err(Refusal::Stopped)));
                }
            }
        }
    }
}

impl Drop for Under {
    fn drop(&mut self) {
        if let Self::First(open) = self
            && let Some(first) = open.take()
        {
            let runtime = first.nodes.runtime.clone();
            runtime.spawn(first.finish());
        }
    }
}

impl First {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Answer>> {
        self.asked.poll(&self.nodes, context)
    }

    /// The answer, if that is one; or else what the command goes on from.
    fn settles(&self, answer: Option<Answer>) -> Result<Answer, Tried> {
        match answer {
            None => Err(Tried::Lost),
            Some(Err(Refusal::Rejected(refused)))
                if home::next(&self.job.command, self.at, &refused).is_some() =>
            {
                Err(Tried::Refused(refused))
            }
            Some(answer) => Ok(answer),
        }
    }

    async fn go_on(self: Box<Self>, tried: Tried) -> Answer {
        let Self { nodes, job, at, until, .. } = *self;
        let errand = Errand::of(&nodes, &job.caller, until);
        errand.decide(&job.command, job.request, at, Some(tried)).await
    }

    async fn finish(mut self: Box<Self>) {
        let answer = poll_fn(|context| self.poll(context)).await;
        if let Err(tried) = self.settles(answer) {
            drop(self.go_on(tried).await);
        }
    }
}

/// Whatever a command needs until it is decided.
struct Errand<'a> {
    nodes: &'a Nodes,
    caller: &'a Caller,
    until: Instant,
    hops: u16,
    /// The last pause for money under way.
    pause: Duration,
}

/// Has a command decided where it belongs.
async fn run(nodes: &Arc<Nodes>, job: Job) -> Answer {
    let mut errand = Errand::of(nodes, &job.caller, Instant::now() + OWNER_WITHIN);
    let at = first(nodes, &job.command).await?;
    if let Some((shard, before)) = home::ahead(&job.command, at, nodes.shards) {
        match errand.before(shard, before, at).await {
            // The order may be refused and the command's first answer still be known where it belongs.
            Ok(_) | Err(Refusal::Rejected(_)) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    errand.decide(&job.command, job.request, at, None).await
}

/// The engine here that a command belongs to.
pub(crate) async fn owner_here(nodes: &Arc<Nodes>, command: &Command) -> Result<Handle, Refusal> {
    let shard = first(nodes, command).await?;
    nodes.engine(shard).ok_or_else(|| {
        Refusal::Unavailable(format!(
            "shard {shard} is on another node; `feiqian nodes` says where; ask there"
        ))
    })
}

/// The shard to ask first, or the authorization code that tells.
fn first_known(nodes: &Nodes, command: &Command) -> Result<Shard, Digest> {
    let home = command.home(nodes.shards);
    match (home.first(nodes.shards), home) {
        (Some(shard), _) => Ok(shard),
        (None, Home::OauthCode(code)) => Err(code),
        (None, _) => Ok(Shard::FIRST),
    }
}

/// The shard to ask first.
async fn first(nodes: &Arc<Nodes>, command: &Command) -> Result<Shard, Refusal> {
    let code = match first_known(nodes, command) {
        Ok(shard) => return Ok(shard),
        Err(code) => code,
    };
    let queries = Arc::clone(&nodes.queries);
    let found = tokio::task::spawn_blocking(move || queries.oauth_code(code)).await;
    let found = found.map_err(|_| Refusal::Unavailable("reading an authorization code panicked".into()))?;
    let found = found.map_err(|fault| Refusal::Unavailable(fault.to_string()))?;
    Ok(found.map_or(Shard::FIRST, |code| nodes.shards.of_payer(code.payer)))
}

impl<'a> Errand<'a> {
    fn of(nodes: &'a Nodes, caller: &'a Caller, until: Instant) -> Self {
        Self { nodes, caller, until, hops: 0, pause: PAUSE_FIRST }
    }

    /// Has a command decided that belongs to `at`, as far as is known, and may have been tried there.
    async fn decide(
        mut self,
        command: &Command,
        mut request: Option<RequestKey>,
        mut at: Shard,
        mut tried: Option<Tried>,
    ) -> Answer {
        loop {
            let answer = match tried.take() {
                Some(Tried::Refused(refused)) => Err(Refusal::Rejected(refused)),
                tried => self.ask(at, command, &mut request, tried.is_some()).await,
            };
            let Err(Refusal::Rejected(refused)) = answer else { return answer };
            match home::next(command, at, &refused) {
                None => return Err(Refusal::Rejected(refused)),
                Some(Next::Send(other)) => {
                    self.hop()?;
                    at = other;
                }
                Some(Next::First(other, before)) => {
                    self.hop()?;
                    if let Some(answer) = self.before(other, *before, at).await? {
                        return Ok(answer);
                    }
                }
                Some(Next::Wait) => self.wait().await?,
            }
        }
    }

    fn hop(&mut self) -> Result<(), Refusal> {
        self.hops += 1;
        if self.hops > home::hops_max(self.nodes.shards) {
            let text = "records and money moved to and fro while they were looked for; try again";
            return Err(Refusal::Unavailable(text.into()));
        }
        Ok(())
    }

    /// Lets money arrive that is on its way: the nodes that own its shards see to that.
    async fn wait(&mut self) -> Result<(), Refusal> {
        let now = Instant::now();
        if now >= self.until {
            let text =
                "money of this merchant is on its way between shards and did not arrive in time; try again";
            return Err(Refusal::Unavailable(text.into()));
        }
        tokio::time::sleep(self.pause.min(self.until - now)).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Ok(())
    }

    /// Has `command` decided for one that waits at `back`, following its record. None when that can go on; an answer
    /// when this is the answer of both.
    async fn before(
        &mut self,
        mut at: Shard,
        mut command: Command,
        back: Shard,
    ) -> Result<Option<Reply>, Refusal> {
        let mut request = None;
        loop {
            match self.ask(at, &command, &mut request, false).await {
                Ok(answer) => match home::after(&command, answer) {
                    After::Again => return Ok(None),
                    After::First(shard, then) => (at, command, request) = (shard, *then, None),
                    After::Answer(answer) => return Ok(Some(answer)),
                },
                Err(Refusal::Rejected(Rejection::Elsewhere(other))) if other == back => return Ok(None),
                Err(Refusal::Rejected(Rejection::Elsewhere(other))) => {
                    self.hop()?;
                    at = other;
                }
                Err(refusal) => return Err(refusal),
            }
        }
    }

    /// The answer of the owner of `shard`, whoever that is by the time; of the next one when a first try was `lost`.
    async fn ask(
        &self,
        shard: Shard,
        command: &Command,
        request: &mut Option<RequestKey>,
        mut lost: bool,
    ) -> Answer {
        let mut pause = PAUSE_FIRST;
        let mut waits = None;
        loop {
            if !std::mem::take(&mut lost)
                && let Some(answer) = self.try_once(shard, command, request).await
            {
                return answer;
            }
            if waits.is_none() {
                waits = Some(Waits::enter(self.nodes).ok_or(Refusal::Busy)?);
            }
            let now = Instant::now();
            if now >= self.until {
                let text = format!(
                    "shard {shard} had no owner that answers for {} s; look at `feiqian nodes`",
                    OWNER_WITHIN.as_secs()
                );
                // What was sent under a key may have been done.
                return Err(if request.is_some() {
                    Refusal::Unknown(text)
                } else {
                    Refusal::Unavailable(text)
                });
            }
            self.nodes.counters.again.fetch_add(1, Ordering::Relaxed);
            self.nodes.look();
            let mut view = self.nodes.watch();
            let spread =
                Duration::from_millis(fastrand::u64(0..=u64::try_from(pause.as_millis()).unwrap_or(0)));
            let rest = (pause / 2 + spread).min(self.until - now);
            drop(tokio::time::timeout(rest, view.changed()).await);
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// One try; none when the shard has another owner now, or nobody answers for it.
    async fn try_once(
        &self,
        shard: Shard,
        command: &Command,
        request: &mut Option<RequestKey>,
    ) -> Option<Answer> {
        match Asked::ask(self.nodes, shard, command, self.caller, request)? {
            Err(refusal) => Some(Err(refusal)),
            Ok(mut asked) => poll_fn(|context| asked.poll(self.nodes, context)).await,
        }
    }
}

/// A command that was given to the owner of its shard.
enum Asked {
    Here {
        engine: Handle,
        pending: engine::Pending,
        /// Whether it may be given again when nobody knows what became of it.
        repeats: bool,
    },
    There {
        told: Told,
        since: Instant,
    },
}

impl Asked {
    /// Gives a command to whoever owns `shard`; none when nobody does. What travels gets a key.
    fn ask(
        nodes: &Nodes,
        shard: Shard,
        command: &Command,
        caller: &Caller,
        request: &mut Option<RequestKey>,
    ) -> Option<Result<Self, Refusal>> {
        let platform = Caller::platform();
        let caller = if command.is_between_shards() { &platform } else { caller };
        let alike = command.repeats_alike();
        match nodes.owner(shard) {
            Owner::Nobody => None,
            Owner::Here(engine) => {
                let job = Job { command: command.clone(), caller: caller.clone(), request: *request };
                match engine.submit(job) {
                    Ok(pending) => {
                        Some(Ok(Self::Here { engine, pending, repeats: request.is_some() || alike }))
                    }
                    // Nothing of it was kept.
                    Err(Refusal::Stopped) => None,
                    Err(Refusal::Unavailable(_)) if engine.stats().fenced => None,
                    Err(refusal) => Some(Err(refusal)),
                }
            }
            Owner::There(peer) => {
                if request.is_none() && !alike {
                    match new_key() {
                        Ok(key) => *request = Some(key),
                        Err(refusal) => return Some(Err(refusal)),
                    }
                }
                let since = Instant::now();
                Some(match peer.ask(shard, caller, *request, command) {
                    Ok(told) => Ok(Self::There { told, since }),
                    Err(NotSent::Busy) => Err(Refusal::Busy),
                    Err(NotSent::TooLarge(error)) => Err(Refusal::Unavailable(error.to_string())),
                })
            }
        }
    }

    /// What the owner says; none when it is the owner no more, or its answer was lost.
    fn poll(&mut self, nodes: &Nodes, context: &mut Context<'_>) -> Poll<Option<Answer>> {
        Poll::Ready(match self {
            Self::Here { engine, pending, repeats } => match ready!(Pin::new(pending).poll(context)) {
                // Nothing of it was kept.
                Err(Refusal::Stopped) => None,
                Err(Refusal::Unavailable(_)) if engine.stats().fenced => None,
                // It may be kept: only a key tells.
                Err(Refusal::Unknown(_)) if *repeats && engine.stats().fenced => None,
                answer => Some(answer),
            },
            Self::There { told, since } => {
                let Ok(said) = ready!(Pin::new(told).poll(context)) else { return Poll::Ready(None) };
                nodes.counters.forwarded.fetch_add(1, Ordering::Relaxed);
                nodes.traffic.forwarded(since.elapsed());
                match said {
                    Said::Reply(reply) => Some(Ok(reply)),
                    Said::Rejected(rejection) => Some(Err(Refusal::Rejected(rejection))),
                    Said::Busy => Some(Err(Refusal::Busy)),
                    Said::Unavailable(why) => Some(Err(Refusal::Unavailable(why))),
                    Said::Unknown(why) => Some(Err(Refusal::Unknown(why))),
                    Said::NotOwner => None,
                }
            }
        })
    }
}

/// A key that no other command has.
fn new_key() -> Result<RequestKey, Refusal> {
    let mut bytes = [0; 32];
    let filled = rand::fill(&mut bytes);
    filled.map_err(|_| Refusal::Unavailable("the operating system gave no randomness".into()))?;
    // Nobody else knows the key, so its content need not be compared.
    Ok((Digest(bytes), Digest(bytes)))
}

/// Counts a command that waits for an owner.
struct Waits<'a>(&'a Nodes);

impl<'a> Waits<'a> {
    fn enter(nodes: &'a Nodes) -> Option<Self> {
        let before = nodes.waiting.fetch_add(1, Ordering::AcqRel);
        let waits = Self(nodes);
        (before < WAITING_MAX).then_some(waits)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}
