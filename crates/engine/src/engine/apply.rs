//! The thread that applies: it takes what waits into the open batch, and hands the batch over as soon as the committer
//! can do something with it.

use super::{Busy, Inbox, Outgoing, Refusal, Shared, Told, Work, withdraw};
use crate::{
    clock::Clock,
    core::{Asked, BATCH_MAX, Core},
    observer::Observer,
    store::{Fault, Loader, Recovered, WriteAhead},
};
use domain::order::Order;
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use types::Place;

pub(super) struct Applier {
    pub(super) shared: Arc<Shared>,
    pub(super) core: Core,
    pub(super) loader: Box<dyn Loader>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) place: Place,
    pub(super) told: Vec<Told>,
    pub(super) ahead: Option<Box<dyn WriteAhead>>,
    pub(super) ahead_from: usize,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) busy: Option<Busy>,
    pub(super) patience: Duration,
    pub(super) enough: usize,
    pub(super) waited: Waited,
}

/// How long the next batch has waited for more commands.
pub(super) enum Waited {
    No,
    Since(Instant),
    /// It goes next.
    Over,
}

/// What is taken from the inbox at once.
struct Taken {
    heard: Vec<Order>,
    /// With the moment each came.
    work: Vec<(Instant, Work)>,
}

impl Applier {
    /// Runs until the engine stops, or this executor was replaced.
    pub(super) fn run(mut self) {
        while let Some(Taken { heard, work }) = self.next() {
            let started = Instant::now();
            let heard = self.core.hear(heard);
            self.observer.taken(work.first().map_or(Duration::ZERO, |(came, _)| came.elapsed()));
            let found = self.core.found();
            self.apply(work);
            let took = started.elapsed();
            self.observer.applied(took);
            // A fault may have started the core over in between, with its count at nothing.
            let found = self.core.found().saturating_sub(found);
            let cached = self.core.cached();
            let mut inbox = self.shared.lock();
            inbox.stats.apply_us += u64::try_from(took.as_micros()).unwrap_or(0);
            inbox.stats.cached = cached;
            inbox.stats.found += found;
            inbox.stats.heard += heard;
        }
        self.shared.lock().applier_done = true;
        self.shared.committer.notify_all();
    }

    /// Waits for work that fits into the open batch; hands the batch over as soon as the committer is idle.
    /// None when stopping and all is handed over, or when this executor was replaced and all is refused.
    fn next(&mut self) -> Option<Taken> {
        let shared = Arc::clone(&self.shared);
        let mut inbox = shared.lock();
        loop {
            if let Some(reason) = &inbox.fenced {
                let (reason, waiting) = (reason.clone(), std::mem::take(&mut inbox.work));
                drop(inbox);
                self.refuse(&reason, waiting);
                return None;
            }
            if let Some((reason, recovered)) = inbox.fault.take() {
                self.start_over(&reason, recovered);
            }
            let room = BATCH_MAX - self.core.open();
            let idle = !inbox.committing && inbox.outgoing.is_none();
            let patient = if idle { self.patient(&inbox) } else { None };
            if let Some(lasts) = patient {
                inbox.patient = Some(self.enough.saturating_sub(self.core.open()));
                let waited = shared.applier.wait_timeout(inbox, lasts);
                inbox = waited.unwrap_or_else(PoisonError::into_inner).0;
                inbox.patient = None;
                continue;
            }
            // What came while the batch waited belongs to it.
            let joins = matches!(self.waited, Waited::Since(_)) && room > 0 && !inbox.work.is_empty();
            if idle && joins {
                self.waited = Waited::Over;
            } else if idle {
                self.waited = Waited::No;
                self.core.turn(inbox.durable);
                if let Some(closed) = self.core.close() {
                    inbox.outgoing =
                        Some(Outgoing { closed, told: std::mem::take(&mut self.told), begun: None });
                    shared.committer.notify_one();
                }
            } else if self.can_begin() && inbox.outgoing.is_none() {
                inbox = self.begin(&shared, inbox);
                continue;
            }
            let room = BATCH_MAX - self.core.open();
            if room > 0 && !inbox.work.is_empty() {
                let take = room.min(inbox.work.len());
                let heard = std::mem::take(&mut inbox.heard);
                return Some(Taken { heard, work: inbox.work.drain(..take).collect() });
            }
            if inbox.stopping && inbox.work.is_empty() && self.core.open() == 0 {
                return None;
            }
            inbox.full = self.can_begin();
            inbox = shared.applier.wait(inbox).unwrap_or_else(PoisonError::into_inner);
            inbox.full = false;
        }
    }

    /// Whether the open batch is worth a head start, and the store gives one.
    fn can_begin(&self) -> bool {
        self.ahead.is_some() && self.core.open() >= self.ahead_from
    }

    /// Hands a batch over while the one before is being committed, begun as far as the store can.
    fn begin<'s>(&mut self, shared: &'s Shared, mut inbox: MutexGuard<'s, Inbox>) -> MutexGuard<'s, Inbox> {
        let durable = inbox.durable;
        self.core.turn(durable);
        let Some(closed) = self.core.close() else { return inbox };
        drop(inbox);
        let ahead = &mut self.ahead;
        let begun = catch_unwind(AssertUnwindSafe(|| ahead.as_mut()?.begin(&closed.batch, durable)));
        let begun = begun.unwrap_or_else(|_| {
            tracing::error!("writing ahead panicked; batches are written one after the other");
            *ahead = None;
            None
        });
        inbox = shared.lock();
        if inbox.fault.is_none() && inbox.fenced.is_none() {
            inbox.stats.ahead += u64::from(begun.is_some());
            inbox.outgoing = Some(Outgoing { closed, told: std::mem::take(&mut self.told), begun });
            shared.committer.notify_one();
        }
        // Otherwise it follows a batch that is not there; those who asked are told as the core starts over.
        inbox
    }

    /// For how long the next batch, small as it is, had better wait, see [`super::Setup::busy`]; none when it goes.
    fn patient(&mut self, inbox: &Inbox) -> Option<Duration> {
        let commands = self.core.open() + inbox.work.len();
        if commands == 0 || commands >= self.enough || inbox.stopping {
            return None;
        }
        let lasts = self.busy.as_ref()?(commands)?;
        let left = match self.waited {
            Waited::No => {
                self.waited = Waited::Since(Instant::now());
                self.patience
            }
            Waited::Since(start) => self.patience.saturating_sub(start.elapsed()),
            Waited::Over => return None,
        };
        (!left.is_zero()).then(|| lasts.min(left))
    }

    fn apply(&mut self, work: Vec<(Instant, Work)>) {
        let mut asked = Vec::with_capacity(work.len());
        let mut tell = Vec::with_capacity(work.len());
        let now = self.clock.now();
        for (_, item) in work {
            match item {
                Work::Command(command, sender) => {
                    asked.push(command);
                    tell.push(Some(sender));
                }
                Work::DryRun(command, sender) => {
                    let (core, loader) = (&mut self.core, &mut *self.loader);
                    let ran = catch_unwind(AssertUnwindSafe(|| core.dry_run(now, &command, loader)));
                    let ran = ran.unwrap_or_else(|_| Err(Fault::Failed(self.after_panic())));
                    drop(sender.send(ran.map_err(|fault| Refusal::Unavailable(fault.to_string()))));
                }
            }
        }
        let jobs: Vec<&Asked> = asked.iter().collect();
        let (core, loader, told) = (&mut self.core, &mut *self.loader, &mut self.told);
        let ran = catch_unwind(AssertUnwindSafe(|| {
            core.run(now, &jobs, loader, |place, outcome| {
                if let Some(sender) = tell[place].take() {
                    told.push((sender, outcome.map_err(Refusal::Rejected)));
                }
            })
        }));
        let reason = match ran {
            Ok(Ok(())) => return,
            Ok(Err(fault)) => fault.to_string(),
            Err(_) => self.after_panic(),
        };
        for sender in tell.into_iter().flatten() {
            drop(sender.send(Err(Refusal::Unavailable(reason.clone()))));
        }
    }

    /// After a panic nothing of the open batch may be kept, and the working set is in doubt: starts over from
    /// the store once it is idle. Gives the reason to tell.
    fn after_panic(&mut self) -> String {
        let reason = "a command broke an invariant";
        tracing::error!("{reason}; starting over from the store");
        let shared = Arc::clone(&self.shared);
        let mut inbox = shared.lock();
        while inbox.committing || inbox.outgoing.is_some() {
            inbox = shared.applier.wait(inbox).unwrap_or_else(PoisonError::into_inner);
        }
        let recovered = match inbox.fault.take() {
            Some((_, recovered)) => recovered,
            None => Recovered { batch: inbox.durable, at: self.core.at() },
        };
        inbox.stats.faults += 1;
        drop(inbox);
        self.start_over(reason, recovered);
        reason.to_owned()
    }

    /// Drops the working set and everything not durable; those who asked are told to try again.
    fn start_over(&mut self, reason: &str, recovered: Recovered) {
        withdraw(self.told.drain(..), &Refusal::Unavailable(reason.to_owned()));
        self.core = Core::new(recovered, self.place);
    }

    /// Refuses the commands of the open batch and those that wait.
    fn refuse(&mut self, reason: &str, waiting: VecDeque<(Instant, Work)>) {
        withdraw(self.told.drain(..), &Refusal::Unavailable(reason.to_owned()));
        for (_, work) in waiting {
            let refusal = Refusal::Unavailable(reason.to_owned());
            match work {
                Work::Command(_, sender) => drop(sender.send(Err(refusal))),
                Work::DryRun(_, sender) => drop(sender.send(Err(refusal))),
            }
        }
    }
}
