//! Worlds of business days: the town lives through weeks of the money's day. Days close, settlements are released, money
//! is held, reserved and paid out, the bank answers by files, the card channel by bills, and people approve, correct and
//! change terms, while everything breaks that breaks in other worlds too.
//!
//! Three jobs of the worker are played, each in steps between which its executor may die, as often as it likes in two
//! executors at once, and started a second time beside itself:
//!
//! | Job | What is the worker's own | What is played here |
//! | --- | --- | --- |
//! | settlement (`jobs`) | `worker::settlement::{next, add_up, due}` | the loop of `close_next` and `do_due`: the same commands in the same order, in waves of a few instead of a hundred |
//! | exchange with the bank (`exchange`) | `worker::payouts::file`, all of it | the folder, in memory, one write at a time; the bank is `bank::simulated::Core` |
//! | reconciliation (`reconcile`) | `worker::reconcile::{day, ledger, Bills, is_closed}` on a real folder | the questions before it, from the town's own bank; commands go once the run has ended, not while it reads |
//!
//! The books of a world (`books`) know what people asked for, what the banks did, and the arithmetic of fees, working days
//! and reserves anew, in their own words. What a merchant must have is worked out of that, to the cent.

mod books;
mod exchange;
mod jobs;
mod people;
mod reconcile;

pub(crate) use books::is_of_days;
pub use jobs::STEPS;

use crate::{
    node::{Condition, name},
    talk::Who,
    world::{Alive, Event, Step, World, broken},
};
use domain::{
    Command,
    calendar::{Calendar, MIDNIGHT},
    limit::LimitTable,
    merchant::MerchantChange,
    settlement::{Payouts, Terms},
};
use jobs::{Job, Kind};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};
use types::{BusinessDay, Rate, Time, time};

/// A folder for the bills of one world, gone when it is dropped.
pub type Folder = Box<dyn AsRef<Path>>;

/// The money's days of a world.
#[derive(Clone, Copy)]
pub struct BusinessDays<'a> {
    /// Working days to live through, 1 to 250.
    pub count: u16,
    /// Gives an empty folder; asked for once or, to tell how a world failed, twice.
    pub folder: &'a dyn Fn() -> Folder,
}

/// What a world of business days has besides. An ordinary world has none of it, and `wanted` is 0.
#[derive(Default)]
pub(crate) struct Days {
    /// Working days to live through.
    pub(crate) wanted: u16,
    folder: Option<Folder>,
    jobs: BTreeMap<u32, Job>,
    jobs_made: u32,
    /// For whom a request was made.
    of_talk: BTreeMap<usize, u32>,
    /// Steps at which an executor has died.
    died_at: BTreeSet<&'static str>,
    bank: exchange::Desk,
    channel: reconcile::Channel,
    books: books::Books,
    /// From when on faults are over.
    calm_at: Time,
}

impl Days {
    pub(crate) fn new(days: &BusinessDays<'_>) -> Self {
        Self { wanted: days.count.clamp(1, 250), folder: Some((days.folder)()), ..Self::default() }
    }
}

/// What happens in worlds of days only.
pub(crate) enum Tick {
    /// The executors' jobs look for work.
    Jobs,
    /// A job goes on.
    Go(u32),
    /// The bank looks at its folder.
    Bank,
    /// A file of the bank arrives.
    Deliver(String, Vec<u8>),
    /// The channel writes the bill of a day.
    Bill(BusinessDay),
    /// Somebody at the platform or a merchant does something.
    People,
    /// Something breaks.
    Storm,
}

/// How far a clock is from the bank's at most: reconciliation looks ten minutes over midnight.
pub(crate) const APART_MAX: i64 = 4 * time::MINUTE;
/// Days between two looks at everything.
const LOOK_EVERY: u16 = 12;
/// Events between two midnights at most.
const EVENTS_MAX: u32 = 400_000;

impl World {
    pub(crate) fn live_days(&mut self) -> Step {
        self.left = u32::MAX;
        self.pace = self.dice.pick(&[20 * time::SECOND, 2 * time::MINUTE, 15 * time::MINUTE]);
        self.rest = self.dice.between(3 * time::HOUR, 7 * time::HOUR);
        self.found_days()?;
        for place in 0..self.town.shops.len() {
            self.enter_in(0, Event::Merchant(place));
        }
        for place in 0..self.town.payers.len() {
            self.enter_in(0, Event::Payer(place));
        }
        for tick in [Tick::Jobs, Tick::Bank, Tick::People, Tick::Storm] {
            self.tick_in(time::MINUTE, tick);
        }
        let mut day = self.began.business_day();
        self.tick_at(day.next().start().plus(9 * time::HOUR), Tick::Bill(day));
        let mut worked = 0;
        while worked < self.days.wanted {
            self.through(day)?;
            self.days_hold()?;
            if self.days.books.is_working(day) {
                worked += 1;
                self.count("business day");
                if worked % LOOK_EVERY == 0 {
                    self.inspect()?;
                }
            }
            day = day.next();
        }
        self.days.calm_at = self.now;
        self.inspect()?;
        self.come_to_rest()?;
        self.days_over()
    }

    /// Everything of a calendar day.
    fn through(&mut self, day: BusinessDay) -> Step {
        let end = day.next().start();
        let mut events = 0;
        while self.agenda.next_at().is_some_and(|at| at < end) {
            let Some((at, event)) = self.agenda.next() else { break };
            self.now = self.now.max(at);
            self.happen(event)?;
            events += 1;
            if events > EVENTS_MAX {
                return broken(format!("{day} is still busy after {EVENTS_MAX} events"));
            }
        }
        self.now = self.now.max(end);
        Ok(())
    }

    pub(crate) fn tick_in(&mut self, micros: i64, tick: Tick) {
        self.enter_in(micros, Event::Days(tick));
    }
    fn tick_at(&mut self, at: Time, tick: Tick) {
        self.agenda.enter(at, Event::Days(tick));
    }

    pub(crate) fn tick(&mut self, tick: Tick) -> Step {
        match tick {
            Tick::Jobs => {
                self.begin_jobs();
                let next = self.next_jobs();
                self.tick_in(next, Tick::Jobs);
            }
            Tick::Go(job) => return self.job_goes(job),
            Tick::Bank => return self.bank_works(),
            Tick::Deliver(name, content) => self.delivered_by_bank(name, content),
            Tick::Bill(day) => return self.channel_bills(day),
            Tick::People if self.calm => {}
            Tick::People => {
                self.somebody_acts()?;
                let next = self.dice.between(20 * time::MINUTE, 5 * time::HOUR);
                self.tick_in(next, Tick::People);
            }
            Tick::Storm if self.calm => {}
            Tick::Storm => {
                self.days_storm();
                let next = self.dice.between(time::HOUR, 16 * time::HOUR);
                self.tick_in(next, Tick::Storm);
            }
        }
        Ok(())
    }

    /// Jobs begin in every executor that lives, now and then twice, or from the other one.
    fn begin_jobs(&mut self) {
        let gone: Vec<u32> =
            self.days.jobs.iter().filter(|(_, job)| !self.alive(job.alive)).map(|(id, _)| *id).collect();
        gone.iter().for_each(|id| drop(self.days.jobs.remove(id)));
        for node in 0..self.nodes.len() {
            if !self.is_up(node) {
                continue;
            }
            let alive = self.this(node);
            for kind in [Kind::Settlement, Kind::Exchange, Kind::Reconciliation] {
                // A bill comes once a day and is looked for less often than the rest.
                if kind == Kind::Reconciliation && !self.calm && !self.dice.chance(250) {
                    continue;
                }
                let at_it = self.days.jobs.values().any(|job| (job.alive, job.kind()) == (alive, kind));
                if at_it {
                    continue; // a job looks again only when it has ended
                }
                self.begin_job(kind, alive, false);
                let again = if self.calm { 0 } else { 120 };
                if self.dice.chance(again) {
                    self.count(kind.twice());
                    self.begin_job(kind, alive, false);
                }
                if self.dice.chance(again) {
                    self.count(kind.elsewhere());
                    self.begin_job(kind, alive, true);
                }
            }
        }
    }

    /// When jobs look for work next: every few hours, often right when a day ends. Without faults once a day, hours away
    /// from the moments at which a world is looked at.
    fn next_jobs(&mut self) -> i64 {
        if self.calm {
            let since = self.now.since(self.days.calm_at).rem_euclid(time::DAY);
            let next = 7 * time::HOUR - since;
            return if next > time::MINUTE { next } else { next + time::DAY };
        }
        let soon = self.dice.between(10 * time::MINUTE, 4 * time::HOUR);
        let end = self.days.books.end_of(self.days.books.day_of(self.now));
        let to_end = end.since(self.now);
        if to_end < soon && self.dice.chance(600) {
            return (to_end + self.dice.between(-2 * time::SECOND, 20 * time::SECOND)).max(1);
        }
        soon
    }

    /// What breaks by itself in a world of days.
    fn days_storm(&mut self) {
        let victim = self.primary(types::Shard::FIRST);
        let lasts = self.dice.between(time::SECOND, 40 * time::MINUTE);
        match self.dice.below(16) {
            0..=2 => {
                self.count("disk full");
                self.say(|_| format!("the disk is full for {} s", lasts / time::SECOND));
                self.weather.full_until = self.now.plus(lasts);
            }
            3 => {
                self.count("disk slow");
                self.weather.slow_until = self.now.plus(lasts);
            }
            4..=7 if self.nodes[victim].condition == Condition::Up => {
                self.crash(victim, "died at any moment");
            }
            8..=10 => self.take_over(victim),
            11 | 12 => {
                let skew = self.dice.between(-APART_MAX, APART_MAX);
                let forward = skew > self.nodes[victim].skew;
                self.count(if forward { "clock forward" } else { "clock back" });
                self.say(|_| format!("the clock of {} steps to {skew:+} µs", name(victim)));
                self.nodes[victim].skew = skew;
                self.scan_in(time::SECOND, victim);
            }
            13 => {
                let gone = self.dice.between(time::HOUR, 40 * time::HOUR);
                self.count("time jumps");
                self.say(|_| format!("{} minutes pass in which nothing runs", gone / time::MINUTE));
                self.now = self.now.plus(gone);
            }
            14 => {
                let shop = self.dice.below(self.town.shops.len());
                self.count("endpoint dead");
                self.town.shops[shop].dead_until = self.now.plus(30 * time::HOUR);
            }
            _ => {
                // Settlement goes on whether a merchant may sell or not.
                let shop = self.dice.below(self.town.shops.len());
                let active = Some(self.dice.chance(700));
                let change = MerchantChange { active, ..MerchantChange::default() };
                let id = self.town.shops[shop].id;
                self.ask(Who::Operator, Command::ChangeMerchant(id, Box::new(change)), false, None);
            }
        }
    }

    /// Limits, calendar, terms and bank accounts, before anything breaks.
    fn found_days(&mut self) -> Step {
        let weather = std::mem::take(&mut self.weather);
        (self.calm, self.bank.generous) = (true, true);
        let mut table = LimitTable::of_law();
        let wide = 100_000_000_00;
        (table.class_1_lifetime, table.balance_day_two_factors, table.barcode_b_day) = (wide, wide, wide);
        table.refund.automatic = self.dice.pick(&[500_00, 20_00]);
        table.refund.apart_s = 0;
        table.payout.automatic = self.dice.pick(&[100_00, 2_000_00]);
        table.payout.two_approvals = 5_000_00;
        table.payout.three_approvals = 20_000_00;
        table.payout.approval_s = 2 * 24 * 3600;
        table.effective_from = Time(2);
        self.town.free_most = table.free_amount;
        self.town.approval_life = table.refund.approval_s * time::SECOND;
        self.days.books.approval_life = table.payout.approval_s * time::SECOND;
        self.must(Who::Operator, Command::SetLimits(Box::new(table)))?;
        let calendar = self.some_calendar();
        self.days.books.calendars.push(calendar.clone());
        self.must(Who::Operator, Command::SetCalendar(Box::new(calendar)))?;
        for place in 0..self.town.shops.len() {
            let id = self.town.shops[place].id;
            let terms = Some(self.some_terms());
            self.days.books.terms.entry(id).or_default().push(terms);
            self.must(Who::Operator, Command::SetSettlementTerms(id, terms))?;
            let account = self.some_account(id);
            self.must(Who::Operator, Command::SetBankAccount(id, account))?;
        }
        self.weather = weather;
        (self.calm, self.bank.generous) = (false, false);
        self.days.bank = exchange::Desk::new(self.dice.between(1, i64::from(i32::MAX)))?;
        if let Some(folder) = &self.days.folder {
            self.days.channel = reconcile::Channel::new((**folder).as_ref());
        }
        Ok(())
    }

    fn some_calendar(&mut self) -> Calendar {
        let cut_off = self.dice.pick(&[MIDNIGHT, MIDNIGHT, 23 * 60, 20 * 60 + 30]);
        let release = self.dice.pick(&[9 * 60, 0, 13 * 60]);
        let mut calendar = Calendar { cut_off, release, ..Calendar::china() };
        // A storm closes the town on some weekdays to come.
        for _ in 0..self.dice.below(4) {
            let day = self.now.business_day().plus(i32::try_from(self.dice.between(2, 90)).unwrap_or(2));
            if day.weekday() <= 5 && !calendar.holidays.contains(&day) {
                calendar.holidays.push(day);
            }
        }
        calendar.holidays.sort_unstable();
        calendar
    }

    fn some_terms(&mut self) -> Terms {
        Terms {
            delay: self.dice.pick(&[0, 1, 1, 1, 2, 7]),
            reserve: Rate(self.dice.pick(&[0, 0, 50_000, 333_333, 1_000_000])),
            reserve_days: self.dice.pick(&[0, 3, 10]),
            payouts: self.dice.pick(&[Payouts::OnRequest, Payouts::Automatic]),
            payout_least: self.dice.pick(&[1, 1_00, 500_00]),
        }
    }

    /// A step of a job is reached. True when its executor dies right there.
    fn step(&mut self, alive: Alive, at: &'static str) -> bool {
        debug_assert!(STEPS.contains(&at), "{at} is no step");
        if self.calm {
            return false;
        }
        // Often at a step that was not tried in this world, seldom at one that was.
        let odds = if self.days.died_at.contains(at) { 3 } else { 150 };
        if !self.dice.chance(odds) {
            return false;
        }
        self.days.died_at.insert(at);
        self.count(&format!("died at step: {at}"));
        self.crash(alive.0, "died at a step of a job");
        true
    }
}
