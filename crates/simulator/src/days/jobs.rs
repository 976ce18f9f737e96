//! The worker's jobs, step by step, and the settlement job itself.

use super::{Tick, exchange::Exchange, reconcile::Reconciliation};
use crate::{
    talk::Who,
    world::{Alive, Broken, Step, World, broken},
};
use domain::{Command, Rejection, settlement::Totals};
use std::collections::VecDeque;
use types::{BusinessDay, Shard, time};
use worker::settlement;

/// Where a job's executor may die: between any two commands or writes of it. Deaths with a command in flight, before, in
/// and after its commit, come on top and are counted by command.
pub const STEPS: [&str; 24] = [
    "settlement: a day is over, nothing begun",
    "settlement: day begun, not added up",
    "settlement: added up, no merchant closed",
    "settlement: some merchants closed",
    "settlement: every merchant closed, day not ended",
    "settlement: day ended",
    "settlement: work due, none done",
    "settlement: some of the work due done",
    "settlement: all the work due done",
    "exchange: payouts to send, none marked",
    "exchange: marked as sent, file not written",
    "exchange: file half written",
    "exchange: file at the bank, copy not kept",
    "exchange: copy kept",
    "exchange: file of the bank there, not read",
    "exchange: file of the bank read, nothing taken in",
    "exchange: some answers taken in",
    "exchange: every answer taken in, file not put aside",
    "reconciliation: bill there, nothing asked",
    "reconciliation: some of the unknown asked",
    "reconciliation: asked, not matched",
    "reconciliation: matched, nothing kept",
    "reconciliation: some exceptions kept",
    "reconciliation: every exception kept, day not marked",
];

/// Which job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Settlement,
    Exchange,
    Reconciliation,
}

impl Kind {
    pub(super) const fn twice(self) -> &'static str {
        match self {
            Self::Settlement => "settlement started twice at once",
            Self::Exchange => "exchange started twice at once",
            Self::Reconciliation => "reconciliation started twice at once",
        }
    }
    pub(super) const fn elsewhere(self) -> &'static str {
        match self {
            Self::Settlement => "settlement started a second time over the network",
            Self::Exchange => "exchange started a second time over the network",
            Self::Reconciliation => "reconciliation started a second time over the network",
        }
    }
}

/// A job under way.
pub(super) struct Job {
    pub(super) alive: Alive,
    /// Its commands go over the network: lost, doubled, late.
    remote: bool,
    pub(super) phase: Phase,
    /// What it has asked and waits for.
    sent: Vec<usize>,
    /// What it will ask, a few at a time.
    pub(super) pending: VecDeque<Command>,
    pub(super) wave: usize,
    /// Where it stands before the first of `pending` and between them.
    pub(super) between: &'static str,
    /// Something was refused.
    pub(super) refused: bool,
}

pub(super) enum Phase {
    Settlement(Settling),
    Exchange(Exchange),
    Reconciliation(Reconciliation),
}

/// Where a settlement run stands.
pub(super) enum Settling {
    Look,
    Begin(BusinessDay),
    Begun(BusinessDay),
    Passed(BusinessDay),
    Closing(BusinessDay, u32, Box<Totals>),
    Ending,
    Due(u32),
}

/// What a job does next.
pub(super) enum Goes {
    /// It goes on, at once or when it is answered.
    On,
    Over,
}

/// Looks at what is due in one run.
const ROUNDS_MAX: u32 = 200;

impl Job {
    pub(super) const fn kind(&self) -> Kind {
        match self.phase {
            Phase::Settlement(_) => Kind::Settlement,
            Phase::Exchange(_) => Kind::Exchange,
            Phase::Reconciliation(_) => Kind::Reconciliation,
        }
    }
    /// Asks these, at most `wave` at once.
    pub(super) fn ask(
        &mut self,
        commands: impl IntoIterator<Item = Command>,
        wave: usize,
        between: &'static str,
    ) {
        (self.pending, self.wave, self.between) = (commands.into_iter().collect(), wave, between);
    }
}

impl World {
    pub(super) fn begin_job(&mut self, kind: Kind, alive: Alive, remote: bool) {
        let phase = match kind {
            Kind::Settlement => Phase::Settlement(Settling::Look),
            Kind::Exchange => Phase::Exchange(Exchange::default()),
            Kind::Reconciliation => Phase::Reconciliation(Reconciliation::Look),
        };
        let job = Job {
            alive,
            remote,
            phase,
            sent: Vec::new(),
            pending: VecDeque::new(),
            wave: 1,
            between: "",
            refused: false,
        };
        self.days.jobs_made += 1;
        let id = self.days.jobs_made;
        self.days.jobs.insert(id, job);
        // Two that begin together are seldom in step.
        let late =
            if self.calm { 0 } else { self.dice.pick(&[0, time::SECOND, 20 * time::MINUTE, 2 * time::HOUR]) };
        let begins = self.dice.between(0, late);
        self.tick_in(begins, Tick::Go(id));
    }

    fn go_soon(&mut self, id: u32) {
        // Now and then a job hangs, and the world goes on meanwhile.
        let hangs = !self.calm && self.dice.chance(40);
        let late = self.dice.between(0, if hangs { 6 * time::HOUR } else { 500_000 });
        self.tick_in(late, Tick::Go(id));
    }

    /// A request was answered or given up: a job may go on, and the books take note.
    pub(crate) fn days_hear(&mut self, place: usize) -> Step {
        let talk = &self.talks[place];
        if let Some(outcome) = talk.heard.clone() {
            let asked = std::sync::Arc::clone(&talk.asked);
            self.days.books.heard(&asked.command, &outcome, self.now)?;
        }
        let Some(id) = self.days.of_talk.remove(&place) else { return Ok(()) };
        let waits = |job: &Job| job.sent.iter().any(|talk| !self.talks[*talk].is_over());
        if self.days.jobs.get(&id).is_some_and(|job| !waits(job)) {
            self.go_soon(id);
        }
        Ok(())
    }

    /// An executor dies: what its jobs had in flight is counted.
    pub(crate) fn days_cut(&mut self, talks: &[usize], when: &str) {
        for talk in talks {
            if self.days.of_talk.contains_key(talk) {
                let name = self.talks[*talk].asked.command.name();
                self.count(&format!("died {when}: {name}"));
            }
        }
    }

    pub(super) fn job_goes(&mut self, id: u32) -> Step {
        let Some(mut job) = self.days.jobs.remove(&id) else { return Ok(()) };
        if !self.alive(job.alive) || !self.is_up(job.alive.0) {
            return Ok(());
        }
        for talk in std::mem::take(&mut job.sent) {
            let talk = &self.talks[talk];
            let command = &talk.asked.command;
            match &talk.heard {
                Some(Ok(_)) => {}
                Some(Err(why)) => {
                    if !self.may_be_refused(command, why) {
                        return broken(format!("a job's {command:?} was refused: {why}"));
                    }
                    job.refused = true;
                    let counted = format!("a job's {} refused: {}", command.name(), why.code());
                    self.count(&counted);
                }
                None => return Ok(()), // given up: this run ends, the next begins anew
            }
        }
        if !job.pending.is_empty() {
            if self.step(job.alive, job.between) {
                return Ok(());
            }
            let wave = job.wave.min(job.pending.len());
            let wave: Vec<Command> = job.pending.drain(..wave).collect();
            for command in wave {
                let here = self.first_shard(&command) == self.shard(job.alive.0);
                let away = job.remote || !here;
                let who = if away { Who::Courier(job.alive) } else { Who::Worker(job.alive) };
                let talk = self.ask(who, command, false, None);
                self.days.of_talk.insert(talk, id);
                job.sent.push(talk);
            }
            if let Some(between) = later(job.between) {
                job.between = between;
            }
            self.days.jobs.insert(id, job);
            return Ok(());
        }
        let goes = match &mut job.phase {
            Phase::Settlement(_) => self.settle(&mut job)?,
            Phase::Exchange(_) => self.exchange(&mut job)?,
            Phase::Reconciliation(_) => self.reconcile(&mut job)?,
        };
        if let Goes::On = goes
            && self.alive(job.alive)
        {
            self.days.jobs.insert(id, job);
            self.go_soon(id);
        }
        Ok(())
    }

    /// What a job may be told for good reasons.
    fn may_be_refused(&self, command: &Command, why: &Rejection) -> bool {
        match (command, why) {
            // The job's clock was ahead of the executor that decided.
            (Command::BeginDay(_) | Command::PassDay { .. }, Rejection::DayNotOver { .. }) => true,
            // Two settlements of a merchant were due at once and the later one was decided first.
            (Command::ReleaseSettlement(_), Rejection::SettlementOutOfOrder(_)) => true,
            // The bank has paid another amount than it was told to.
            (Command::AnswerPayout { payout, .. }, Rejection::WrongAmount { .. }) => {
                self.pays_other_amount(*payout)
            }
            // The channel contradicts itself.
            (Command::AnswerPayment(..), Rejection::PaymentFinal)
            | (Command::AnswerRefund { .. }, Rejection::RefundFinal) => true,
            _ => false,
        }
    }

    /// The settlement job, as `worker::settlement::close_next` and `do_due` go.
    fn settle(&mut self, job: &mut Job) -> Result<Goes, Broken> {
        let now = self.clock(job.alive.0);
        let Phase::Settlement(phase) = &job.phase else { return Ok(Goes::Over) };
        let next = match phase {
            Settling::Look => match settlement::next(&*self.queries, now)? {
                Some(day) => Settling::Begin(day),
                None => Settling::Due(0),
            },
            Settling::Begin(day) => {
                let day = *day;
                job.ask([Command::BeginDay(day)], 1, "settlement: a day is over, nothing begun");
                Settling::Begun(day)
            }
            Settling::Begun(_) | Settling::Passed(_) if job.refused => return Ok(Goes::Over),
            Settling::Begun(day) => {
                let day = *day;
                let Some(begun) = self.queries.day(day)? else {
                    return broken(format!("{day} was begun and is not there"));
                };
                let end = begun.times().1;
                let others = self.shards.all().filter(|shard| *shard != Shard::FIRST);
                let pass = others.map(|shard| Command::PassDay { shard, day, end });
                job.ask(pass.collect::<Vec<_>>(), 2, "settlement: day begun, not added up");
                Settling::Passed(day)
            }
            Settling::Passed(day) => {
                let day = *day;
                if self.step(job.alive, "settlement: day begun, not added up") {
                    return Ok(Goes::Over);
                }
                let (merchants, totals) = match settlement::add_up(&*self.queries, day)? {
                    Ok(sums) => sums,
                    Err(trouble) => return broken(format!("{day} can't be added up: {trouble}")),
                };
                let count = u32::try_from(merchants.len()).unwrap_or(u32::MAX);
                let close = |(merchant, totals)| Command::CloseMerchantDay(merchant, day, Box::new(totals));
                let wave = 1 + self.dice.below(3);
                job.ask(merchants.into_iter().map(close), wave, "settlement: added up, no merchant closed");
                Settling::Closing(day, count, Box::new(totals))
            }
            Settling::Closing(day, merchants, totals) => {
                let end = Command::EndDay { day: *day, merchants: *merchants, totals: totals.clone() };
                job.ask([end], 1, "settlement: every merchant closed, day not ended");
                Settling::Ending
            }
            Settling::Ending => {
                self.count("settlement: a run closed a day");
                if self.step(job.alive, "settlement: day ended") {
                    return Ok(Goes::Over);
                }
                Settling::Look
            }
            Settling::Due(round) => {
                let round = *round;
                let due = settlement::due(&*self.queries, now)?;
                if due.is_empty() || round > ROUNDS_MAX || job.refused {
                    let done = round > 0 && self.step(job.alive, "settlement: all the work due done");
                    let _ = done; // dead or not, the run is over
                    return Ok(Goes::Over);
                }
                let wave = 1 + self.dice.below(5);
                job.ask(due, wave, "settlement: work due, none done");
                Settling::Due(round + 1)
            }
        };
        job.phase = Phase::Settlement(next);
        Ok(Goes::On)
    }

    /// When the platform last looked: a moment no executor's clock has passed.
    pub(super) fn latest(&self) -> types::Time {
        let ahead = self.nodes.iter().map(|node| node.skew).max().unwrap_or(0).max(0);
        self.now.plus(ahead + 2 * time::HOUR)
    }
}

/// Where a job stands once the first of several commands is answered.
fn later(between: &'static str) -> Option<&'static str> {
    match between {
        "settlement: added up, no merchant closed" => Some("settlement: some merchants closed"),
        "settlement: work due, none done" => Some("settlement: some of the work due done"),
        "exchange: file of the bank read, nothing taken in" => Some("exchange: some answers taken in"),
        "reconciliation: bill there, nothing asked" => Some("reconciliation: some of the unknown asked"),
        "reconciliation: matched, nothing kept" => Some("reconciliation: some exceptions kept"),
        _ => None,
    }
}
