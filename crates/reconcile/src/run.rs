//! A run: all entries of one day in, every difference out.

use crate::{
    entry::{Carried, Entry, Row, Side, TEXT_MAX},
    exception::Class,
    judge::{Group, Outcome, Plan, Tally, Timing},
    sort::{Scratch, Sorter},
};
use std::io;
use types::MoneyError;

/// Matches the entries of one day. Entries come in any order; memory stays within the budget, whatever is
/// beyond lies on the scratch.
pub struct Run<S: Scratch> {
    plan: Plan,
    sorter: Sorter<S>,
    totals: Totals,
}

/// What a run did, so that nothing is lost on the way: every entry given is matched, held, in an exception, or
/// without effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Entries given, by side: ledger, channel, bank; carried ones included.
    pub entries: [u64; 3],
    /// Keys judged.
    pub keys: u64,
    /// Entries whose sides agree.
    pub matched: u64,
    /// Entries that wait for the next day.
    pub held: u64,
    /// Entries in exceptions.
    pub in_exceptions: u64,
    /// Entries said twice by carry, attempts that moved no money beside one that did, and open exceptions of
    /// which nothing new was heard.
    pub without_effect: u64,
    /// Exceptions by class, in the order of [`Class::ALL`].
    pub classes: [u64; 7],
    /// Exceptions of earlier days that a late partner ended.
    pub cleared: u64,
}

impl Totals {
    /// Exceptions of all classes.
    #[must_use]
    pub fn exceptions(&self) -> u64 {
        self.classes.iter().sum()
    }

    /// Exceptions of a class.
    #[must_use]
    pub const fn of(&self, class: Class) -> u64 {
        self.classes[class as usize]
    }

    fn count(&mut self, tally: Tally) {
        self.keys += 1;
        self.matched += tally.matched;
        self.held += tally.held;
        self.in_exceptions += tally.in_exceptions;
        self.without_effect += tally.without_effect;
    }
}

/// Why a run ended early. It says nothing about the day then: run it again.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The plan cannot be run.
    #[error("plan `{0}`: {1}")]
    Plan(String, &'static str),
    /// An entry cannot be taken.
    #[error("entry `{key}` of the {side:?} side: {problem}; correct the source and run the day again")]
    Entry {
        /// The entry's key, cut.
        key: String,
        /// Who gave it.
        side: Side,
        /// What is wrong.
        problem: &'static str,
    },
    /// The scratch failed.
    #[error("scratch for sorting: {0}; check space and rights of the folder and run the day again")]
    Scratch(#[from] io::Error),
    /// Amounts do not fit 64 bits.
    #[error("difference of key `{0}`: {1}; correct the source and run the day again")]
    Money(String, MoneyError),
    /// Whoever takes the outcomes refused one.
    #[error("an outcome could not be kept: {0}")]
    Sink(String),
}

impl<S: Scratch> Run<S> {
    /// A run of `plan` that keeps at most about `memory` bytes of entries (64 KiB to 2 GiB), the rest on
    /// `scratch`.
    ///
    /// # Errors
    /// [`RunError::Plan`].
    pub fn new(plan: Plan, scratch: S, memory: usize) -> Result<Self, RunError> {
        let wrong = |problem| Err(RunError::Plan(plan.scheme.chars().take(60).collect(), problem));
        let letter =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if plan.scheme.is_empty() || plan.scheme.len() > 40 || !plan.scheme.bytes().all(letter) {
            return wrong("the scheme's name is 1 to 40 of a-z, 0-9, - and _");
        }
        if !plan.sides.contains(&Side::Ledger) || plan.sides.len() < 2 {
            return wrong("the ledger and at least one other side are matched");
        }
        if (1..plan.sides.len()).any(|at| plan.sides[..at].contains(&plan.sides[at])) {
            return wrong("a side is named twice");
        }
        if plan.timing.hold_days > Timing::HOLD_DAYS_MAX {
            return wrong("entries are held at most 3 days");
        }
        let day = types::time::DAY;
        if !(0..=day).contains(&plan.timing.window) || !(-day..=day).contains(&plan.timing.cutoff) {
            return wrong("window and cut-off are at most a day");
        }
        Ok(Self { plan, sorter: Sorter::new(scratch, memory), totals: Totals::default() })
    }

    /// Adds an entry of the day.
    ///
    /// # Errors
    /// [`RunError::Entry`], [`RunError::Scratch`].
    pub fn add(&mut self, side: Side, entry: &Entry) -> Result<(), RunError> {
        let since = self.plan.day;
        self.push(Row { side, entry: entry.clone(), since, carried: false, reported: false })
    }

    /// Adds an entry that an earlier day left: the pool of held entries, and what open exceptions carry.
    ///
    /// # Errors
    /// [`RunError::Entry`], [`RunError::Scratch`].
    pub fn carry(&mut self, carried: &Carried) -> Result<(), RunError> {
        let Carried { side, entry, since, reported } = carried.clone();
        self.push(Row { side, entry, since, carried: true, reported })
    }

    fn push(&mut self, row: Row) -> Result<(), RunError> {
        let entry = &row.entry;
        let problem = match () {
            () if entry.key.is_empty() => "the key is empty",
            () if entry.key.len() > TEXT_MAX => "the key is longer than 128 bytes",
            () if entry.reference.len() > TEXT_MAX => "the reference is longer than 128 bytes",
            () if entry.batch.as_ref().is_some_and(|b| b.len() > TEXT_MAX) => {
                "the batch is longer than 128 bytes"
            }
            () if entry.amount.minor < 0 => "the amount is negative",
            () if entry.amount.currency.numeric() == 0 => "the currency has no number",
            () if row.since > self.plan.day => "it was carried from a later day",
            () if !self.plan.sides.contains(&row.side) => "the plan has no such side",
            () => {
                self.totals.entries[row.side as usize] += 1;
                return Ok(self.sorter.push(|out| row.encode(out))?);
            }
        };
        Err(RunError::Entry { key: entry.key.chars().take(60).collect(), side: row.side, problem })
    }

    /// Judges every key, in order of key and kind, and hands what came of it to `take`. Agreement is counted
    /// only.
    ///
    /// # Errors
    /// [`RunError::Scratch`], [`RunError::Money`], and [`RunError::Sink`] with what `take` said.
    pub fn finish(self, mut take: impl FnMut(Outcome) -> Result<(), String>) -> Result<Totals, RunError> {
        let Self { plan, sorter, mut totals } = self;
        let mut sorted = sorter.finish()?;
        let mut group = Group::default();
        let mut outcomes = Vec::new();
        let mut key = String::new();
        let money = |key: &str| {
            let key = key.to_owned();
            move |error| RunError::Money(key, error)
        };
        while let Some(row) = sorted.next(Row::decode)? {
            let broken = || RunError::Scratch(io::Error::new(io::ErrorKind::InvalidData, "a row is damaged"));
            let row = row.ok_or_else(broken)?;
            if !group.takes(&row) {
                totals.count(group.judge(&plan, &mut outcomes).map_err(money(&key))?);
            }
            key.clone_from(&row.entry.key);
            if let Some(beyond) = group.push(row) {
                totals.in_exceptions += 1;
                outcomes.push(group.one_too_many(&plan, beyond).map_err(money(&key))?);
            }
            emit(&mut outcomes, &mut totals, &mut take)?;
        }
        if totals.entries != [0; 3] {
            totals.count(group.judge(&plan, &mut outcomes).map_err(money(&key))?);
            emit(&mut outcomes, &mut totals, &mut take)?;
        }
        let given: u64 = totals.entries.iter().sum();
        let told = totals.matched + totals.held + totals.in_exceptions + totals.without_effect;
        // Both ends of the pipe are counted: an entry lost between them would be money nobody looks at.
        if given != told {
            let problem = format!("{given} entries went in and {told} came out");
            return Err(RunError::Scratch(io::Error::new(io::ErrorKind::InvalidData, problem)));
        }
        Ok(totals)
    }
}

fn emit(
    outcomes: &mut Vec<Outcome>,
    totals: &mut Totals,
    take: &mut impl FnMut(Outcome) -> Result<(), String>,
) -> Result<(), RunError> {
    for outcome in outcomes.drain(..) {
        match &outcome {
            Outcome::Exception(exception) => totals.classes[exception.class as usize] += 1,
            Outcome::Cleared(_) => totals.cleared += 1,
            Outcome::Held(_) => {}
        }
        take(outcome).map_err(RunError::Sink)?;
    }
    Ok(())
}
