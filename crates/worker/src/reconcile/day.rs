//! One day: both sides into a run, what comes of it out as commands.

use super::{
    SCHEME, Trouble,
    files::Bills,
    ledger::{self, Booked},
    pool::Pool,
};
use ::ledger::AccountId;
use ::reconcile::{
    Bill, Carried, Class, Exception, Folder, Format, Kind, Memory, Outcome, Plan, Run, Side, Status,
    Suspense, Totals,
};
use domain::{Command, exception};
use engine::Queries;
use std::{collections::HashSet, fs::File, io::BufReader, path::Path};
use types::{BusinessDay, ShardSet, Time};

/// Bytes of entries kept in memory; the rest of a day lies in the scratch folder.
const MEMORY: usize = 16 << 20;
/// Bytes for looking again at a few.
const LITTLE: usize = 1 << 16;
/// Commands handed over at once.
const PIECE: usize = 200;
/// Exceptions of one day; a bill that differs in more is not this day's.
const EXCEPTIONS_MAX: u64 = 50_000;
/// How many days back a payment that came late is looked for in the channel's bills.
const BILLS_BACK: i32 = 7;

/// What is to be matched.
pub(super) struct Work<'w> {
    pub(super) queries: &'w dyn Queries,
    pub(super) owned: ShardSet,
    pub(super) channel: i64,
    pub(super) bills: &'w Bills,
    pub(super) day: BusinessDay,
    /// Whether the bill of the day before was matched.
    pub(super) previous: bool,
}

/// Hands commands on; an error ends the run.
pub(super) type Hand<'h> = &'h mut dyn FnMut(Vec<Command>) -> Result<(), Trouble>;

/// Matches the day. Nothing is handed on before the bill was read to its end and found whole.
pub(super) fn run(work: &Work<'_>, hand: Hand<'_>) -> Result<Totals, Trouble> {
    let plan = Plan::two_way(SCHEME, work.day);
    let mut pool = Pool::load(work.queries, SCHEME, work.day)?;
    let mut run = Run::new(plan.clone(), Folder::new(work.bills.scratch()?), MEMORY)?;
    let (start, end) = (work.day.start(), work.day.next().start());
    let window = start.plus(-plan.timing.window);
    let late = late_rows(work, &mut run, &mut pool, start, end)?;
    if work.previous {
        carry_ledger(work, &mut run, &mut pool, window, start)?;
    }
    carry_bills(work, &mut run, &mut pool, &late, window)?;
    let file = work.bills.bill(work.day);
    each_row(&file, &mut |entry| {
        pool.told(Side::Channel, &entry, true);
        Ok(run.add(Side::Channel, &entry)?)
    })?;
    let (silent, over) = pool.silent(work.queries)?;
    for carried in &silent {
        run.carry(carried)?;
    }
    let mut out = Out {
        work,
        plan: &plan,
        pool,
        hand,
        commands: Vec::new(),
        longs: Vec::new(),
        trouble: None,
        elsewhere: 0,
        again: [0; 7],
        opened: 0,
    };
    let first = if work.previous { end } else { window };
    let totals = run.finish(|outcome| {
        let done = out.take(outcome, first);
        done.map_err(|trouble| {
            let said = trouble.to_string();
            out.trouble = Some(trouble);
            said
        })
    });
    if let Some(trouble) = out.trouble.take() {
        return Err(trouble);
    }
    let mut totals = totals?;
    out.look_again(first)?;
    // What the next day's ledger has is no long any more: it agrees, or it is of another class.
    let long = &mut totals.classes[Class::Long as usize];
    *long = long.saturating_sub(out.elsewhere + out.again.iter().sum::<u64>());
    totals.classes.iter_mut().zip(out.again).for_each(|(count, more)| *count += more);
    totals.in_exceptions = totals.in_exceptions.saturating_sub(out.elsewhere);
    totals.matched += out.elsewhere;
    let settled = out.pool.settled();
    let gone: Vec<Box<str>> = out.pool.of_day.drain().collect();
    totals.cleared += (settled.len() + gone.len() + over.len()) as u64;
    for reference in over.into_iter().chain(settled).chain(gone) {
        out.put(Command::ClearException(reference))?;
    }
    out.flush()?;
    Ok(totals)
}

/// What the channel may have counted to an earlier day: kind and key, with the earliest such day.
#[derive(Default)]
struct Late {
    keys: HashSet<(Kind, String)>,
    first: Option<BusinessDay>,
}

/// The ledger's own rows of the day, and payments and refunds of it whose end nobody knows.
fn late_rows(
    work: &Work<'_>,
    run: &mut Run<Folder>,
    pool: &mut Pool,
    start: Time,
    end: Time,
) -> Result<Late, Trouble> {
    let mut late = Late::default();
    ledger::each(work.queries, work.channel, (start, end), &mut |Booked { entry, asked_at }| {
        pool.told(Side::Ledger, &entry, true);
        run.add(Side::Ledger, &entry)?;
        if asked_at < start {
            let day = asked_at.business_day();
            late.first = Some(late.first.map_or(day, |first| first.min(day)));
            late.keys.insert((entry.kind, entry.key));
        }
        Ok(())
    })?;
    for open in ledger::open(work.queries, work.owned, end)? {
        if open.created_at() >= start {
            let entry = open.booked().entry;
            pool.told(Side::Ledger, &entry, true);
            run.add(Side::Ledger, &entry)?;
        }
    }
    Ok(late)
}

/// The ledger's last rows of the day before.
fn carry_ledger(
    work: &Work<'_>,
    run: &mut Run<Folder>,
    pool: &mut Pool,
    from: Time,
    to: Time,
) -> Result<(), Trouble> {
    let mut carry = |Booked { entry, .. }: Booked| {
        let since = pool.told(Side::Ledger, &entry, false);
        let (reported, since) = (since.is_some(), since.unwrap_or(work.day.previous()));
        Ok(run.carry(&Carried { side: Side::Ledger, entry, since, reported })?)
    };
    ledger::each(work.queries, work.channel, (from, to), &mut carry)?;
    for open in ledger::open(work.queries, work.owned, to)? {
        if open.created_at() >= from {
            carry(open.booked())?;
        }
    }
    Ok(())
}

/// The last rows of the bill of the day before, and rows of earlier bills whose partner came late into the ledger.
fn carry_bills(
    work: &Work<'_>,
    run: &mut Run<Folder>,
    pool: &mut Pool,
    late: &Late,
    window: Time,
) -> Result<(), Trouble> {
    let before = work.day.previous();
    let first = late.first.map_or(before, |first| first.clamp(work.day.plus(-BILLS_BACK), before));
    let mut day = first;
    while day < work.day {
        if work.bills.matched(day) && (day < before || work.previous) {
            each_row(&work.bills.bill(day), &mut |entry| {
                let last = day == before && entry.at >= window;
                if !last && !late.keys.contains(&(entry.kind, entry.key.clone())) {
                    return Ok(());
                }
                let since = pool.told(Side::Channel, &entry, false);
                let (reported, since) = (since.is_some(), since.unwrap_or(day));
                Ok(run.carry(&Carried { side: Side::Channel, entry, since, reported })?)
            })?;
        }
        day = day.next();
    }
    Ok(())
}

/// Every row of a bill; it is whole once this returns.
pub(super) fn each_row(
    path: &Path,
    take: &mut dyn FnMut(::reconcile::Entry) -> Result<(), Trouble>,
) -> Result<u64, Trouble> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| Trouble::Io(name.clone(), error))?;
    let format = Format::card_channel();
    let mut bill = Bill::open(BufReader::new(file), &name, &format, intake::Limits::default())?;
    while let Some(entry) = bill.next_entry()? {
        take(entry)?;
    }
    Ok(bill.rows())
}

/// Where outcomes become commands.
struct Out<'o, 'w, 'h> {
    work: &'o Work<'w>,
    plan: &'o Plan,
    pool: Pool,
    hand: Hand<'h>,
    commands: Vec<Command>,
    /// What the channel has and the day's ledger lacks: it may be in the ledger of a later day.
    longs: Vec<Exception>,
    trouble: Option<Trouble>,
    /// How many of them were, and agree.
    elsewhere: u64,
    /// How many of them were and do not, by class.
    again: [u64; 7],
    opened: u64,
}

impl Out<'_, '_, '_> {
    fn take(&mut self, outcome: Outcome, first: Time) -> Result<(), Trouble> {
        match outcome {
            Outcome::Exception(exception) if exception.class == Class::Long => {
                self.longs.push(*exception);
                if self.longs.len() >= ledger::PIECE { self.look_again(first) } else { Ok(()) }
            }
            Outcome::Exception(exception) => self.open(&exception),
            Outcome::Held(held) => {
                self.pool.heard(held.entry.kind, &held.entry.key);
                Ok(())
            }
            Outcome::Cleared(reference) => match self.pool.heard_of(SCHEME, &reference) {
                Some(known) => self.put(Command::ClearException(known)),
                None => Ok(()),
            },
        }
    }

    /// Looks for partners in the ledger from `first` on: a payment that the channel confirmed on this day may have come
    /// to the ledger on a later one, such as when its answer was lost.
    fn look_again(&mut self, first: Time) -> Result<(), Trouble> {
        let longs = std::mem::take(&mut self.longs);
        let named: Vec<(Kind, &str)> = longs.iter().map(|long| (long.kind, long.key.as_str())).collect();
        let known = ledger::known(self.work.queries, &named)?;
        for (long, known) in longs.into_iter().zip(known) {
            let later =
                |booked: &Booked| booked.entry.status == Status::Succeeded && booked.entry.at >= first;
            let (Some(Booked { entry, .. }), Some(channel)) = (known.filter(later), &long.channel) else {
                self.open(&long)?;
                continue;
            };
            let mut again = Run::new(self.plan.clone(), Memory::default(), LITTLE)?;
            again.add(Side::Channel, channel)?;
            again.add(Side::Ledger, &entry)?;
            let mut found = None;
            again.finish(|outcome| {
                if let Outcome::Exception(exception) = outcome {
                    found = Some(exception);
                }
                Ok(())
            })?;
            match found {
                Some(exception) => {
                    self.again[exception.class as usize] += 1;
                    self.open(&exception)?;
                }
                None => {
                    self.pool.heard(long.kind, &long.key);
                    self.elsewhere += 1;
                }
            }
        }
        Ok(())
    }

    fn open(&mut self, found: &Exception) -> Result<(), Trouble> {
        self.opened += 1;
        if self.opened > EXCEPTIONS_MAX {
            return Err(Trouble::TooManyDifferences(self.work.day, EXCEPTIONS_MAX));
        }
        self.pool.of_day.remove(found.id.as_str());
        let was = match found.class {
            Class::Duplicate => None, // beside what the sides agree on or not
            _ => self.pool.heard(found.kind, &found.key).filter(|was| **was != *found.id),
        };
        let new = record(found, self.work.channel, was)?;
        self.put(Command::OpenException(Box::new(new)))
    }

    fn put(&mut self, command: Command) -> Result<(), Trouble> {
        self.commands.push(command);
        if self.commands.len() >= PIECE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Trouble> {
        if self.commands.is_empty() {
            return Ok(());
        }
        (self.hand)(std::mem::take(&mut self.commands))
    }
}

/// A difference as the domain keeps it.
fn record(
    found: &Exception,
    channel: i64,
    replaces: Option<Box<str>>,
) -> Result<exception::NewException, Trouble> {
    let sides = [&found.ledger, &found.channel, &found.bank];
    let Some(any) = sides.into_iter().flatten().next() else {
        return Err(Trouble::Nobody(found.id.clone()));
    };
    let minor = |entry: &Option<::reconcile::Entry>| entry.as_ref().map(|entry| entry.amount.minor);
    Ok(exception::NewException {
        reference: found.id.as_str().into(),
        class: class(found.class),
        day: found.day,
        since: found.since,
        ledger: minor(&found.ledger),
        channel: minor(&found.channel),
        bank: minor(&found.bank),
        against: AccountId::channel_receivable(channel, any.amount.currency),
        question: found.suspense.map(|suspense| match suspense {
            Suspense::Owed(money) => money.minor,
            Suspense::Missing(money) => -money.minor,
        }),
        note: note(found).into(),
        replaces,
    })
}

const fn class(class: Class) -> exception::Class {
    match class {
        Class::Long => exception::Class::Long,
        Class::Short => exception::Class::Short,
        Class::Amount => exception::Class::Amount,
        Class::Currency => exception::Class::Currency,
        Class::Status => exception::Class::Status,
        Class::Fee => exception::Class::Fee,
        Class::Duplicate => exception::Class::Duplicate,
    }
}

/// What each side says, in a line. What comes from a file is cut, and nothing in it can break the line.
fn note(found: &Exception) -> String {
    let mut note = String::new();
    for (name, entry) in [("ledger", &found.ledger), ("channel", &found.channel), ("bank", &found.bank)] {
        let Some(entry) = entry else { continue };
        let status = match entry.status {
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::Reversed => "reversed",
            Status::Unknown => "unknown",
        };
        let number: String = entry.reference.chars().filter(|c| !c.is_control()).take(40).collect();
        let amount = entry.amount;
        let part =
            format!("{name}: {amount} {} {status} {} {number}", amount.currency.code(), entry.at.local());
        if !note.is_empty() {
            note.push_str("; ");
        }
        note.push_str(part.trim_end());
    }
    let missing = found.missing.iter().map(|side| match side {
        Side::Ledger => "; the ledger lacks it",
        Side::Channel => "; the channel lacks it",
        Side::Bank => "; the bank lacks it",
    });
    note.extend(missing);
    note.chars().take(exception::NOTE_MAX).collect()
}
