//! One command, from its node to the owner of its shard and back, whatever happens in between.
//!
//! A shard that nobody has, or whose owner falls silent, is waited for: in a takeover a few seconds, in a hand-over a
//! few tenths. What was sent and not answered is sent again under the same key, so that it is done once. What an
//! engine here or there says that is final goes back as it is.

use crate::{
    frame::Said,
    nodes::{Nodes, Owner},
    peer::NotSent,
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
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use types::Shard;

/// How long a command waits for an owner.
const OWNER_WITHIN: Duration = Duration::from_secs(15);
/// Commands that wait for an owner at once; one more is refused as busy.
const WAITING_MAX: usize = 20_000;
/// Pauses between tries, unless the owners change before.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// A command on its way.
struct Errand<'a> {
    nodes: &'a Nodes,
    caller: &'a Caller,
    until: Instant,
    hops: u16,
    /// The last pause for money under way.
    pause: Duration,
}

/// Has a command decided where it belongs.
pub(crate) async fn run(nodes: &Arc<Nodes>, job: Job) -> Answer {
    let Job { command, caller, mut request } = job;
    let until = Instant::now() + OWNER_WITHIN;
    let mut errand = Errand { nodes, caller: &caller, until, hops: 0, pause: PAUSE_FIRST };
    let mut at = first(nodes, &command).await?;
    if let Some((shard, before)) = home::ahead(&command, at, nodes.shards) {
        match errand.before(shard, before, at).await {
            // The order may be refused and the command's first answer still be known where it belongs.
            Ok(_) | Err(Refusal::Rejected(_)) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    loop {
        let refused = match errand.ask(at, &command, &mut request).await {
            Err(Refusal::Rejected(refused)) => refused,
            answer => return answer,
        };
        match home::next(&command, at, &refused) {
            None => return Err(Refusal::Rejected(refused)),
            Some(Next::Send(other)) => {
                errand.hop()?;
                at = other;
            }
            Some(Next::First(other, before)) => {
                errand.hop()?;
                if let Some(answer) = errand.before(other, *before, at).await? {
                    return Ok(answer);
                }
            }
            Some(Next::Wait) => errand.wait().await?,
        }
    }
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

/// The shard to ask first.
async fn first(nodes: &Arc<Nodes>, command: &Command) -> Result<Shard, Refusal> {
    let home = command.home(nodes.shards);
    if let Some(shard) = home.first(nodes.shards) {
        return Ok(shard);
    }
    let Home::OauthCode(code) = home else { return Ok(Shard::FIRST) };
    let queries = Arc::clone(&nodes.queries);
    let found = tokio::task::spawn_blocking(move || queries.oauth_code(code)).await;
    let found = found.map_err(|_| Refusal::Unavailable("reading an authorization code panicked".into()))?;
    let found = found.map_err(|fault| Refusal::Unavailable(fault.to_string()))?;
    Ok(found.map_or(Shard::FIRST, |code| nodes.shards.of_payer(code.payer)))
}

impl Errand<'_> {
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
            match self.ask(at, &command, &mut request).await {
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

    /// The answer of the owner of `shard`, whoever that is by the time.
    async fn ask(&self, shard: Shard, command: &Command, request: &mut Option<RequestKey>) -> Answer {
        let mut pause = PAUSE_FIRST;
        let mut waits = None;
        loop {
            if let Some(answer) = self.try_once(shard, command, request).await {
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
        let platform = Caller::platform();
        let caller = if command.is_between_shards() { &platform } else { self.caller };
        match self.nodes.owner(shard) {
            Owner::Nobody => None,
            Owner::Here(engine) => {
                let job = Job { command: command.clone(), caller: caller.clone(), request: *request };
                let answer = match engine.submit(job) {
                    Ok(pending) => pending.await,
                    Err(refusal) => Err(refusal),
                };
                match answer {
                    // Nothing of it was kept.
                    Err(Refusal::Stopped) => None,
                    Err(Refusal::Unavailable(_)) if engine.stats().fenced => None,
                    // It may be kept: only a key tells.
                    Err(Refusal::Unknown(_))
                        if (request.is_some() || command.repeats_alike()) && engine.stats().fenced =>
                    {
                        None
                    }
                    answer => Some(answer),
                }
            }
            Owner::There(peer) => {
                if request.is_none() && !command.repeats_alike() {
                    match new_key() {
                        Ok(key) => *request = Some(key),
                        Err(refusal) => return Some(Err(refusal)),
                    }
                }
                let started = Instant::now();
                let told = match peer.ask(shard, caller, *request, command) {
                    Ok(told) => told,
                    Err(NotSent::Busy) => return Some(Err(Refusal::Busy)),
                    Err(NotSent::TooLarge(error)) => {
                        return Some(Err(Refusal::Unavailable(error.to_string())));
                    }
                };
                let said = told.await.ok()?;
                self.nodes.counters.forwarded.fetch_add(1, Ordering::Relaxed);
                self.nodes.traffic.forwarded(started.elapsed());
                Some(match said {
                    Said::Reply(reply) => Ok(reply),
                    Said::Rejected(rejection) => Err(Refusal::Rejected(rejection)),
                    Said::Busy => Err(Refusal::Busy),
                    Said::Unavailable(why) => Err(Refusal::Unavailable(why)),
                    Said::Unknown(why) => Err(Refusal::Unknown(why)),
                    Said::NotOwner => return None,
                })
            }
        }
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
