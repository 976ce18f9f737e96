//! One day: both sides into a run, what comes of it out as commands.

use super::{
    SCHEME, Trouble,
    files::Bills,
    found::record,
    ledger::{self, Booked},
    pool::Pool,
};
use ::ledger::AccountId;
use ::reconcile::{
    Bill, Carried, Class, Entry, Exception, Expectations, Folder, Format, Kind, Memory, Outcome, Plan, Run,
    Side, Status, Totals,
};
use domain::{Command, clearing};
use engine::Queries;
use std::{collections::HashSet, fs::File, io::BufReader, path::Path};
use types::{BusinessDay, Currency, ShardSet, Time};

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
pub struct Work<'w> {
    /// The ledger.
    pub queries: &'w dyn Queries,
    /// The shards whose open payments are looked at.
    pub owned: ShardSet,
    /// Whose bills these are.
    pub channel: i64,
    /// The bills.
    pub bills: &'w Bills,
    /// The day, closed.
    pub day: BusinessDay,
    /// Whether the bill of the day before was matched.
    pub previous: bool,
}

impl std::fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Work({})", self.day)
    }
}

/// Hands commands on; an error ends the run.
pub type Hand<'h> = &'h mut dyn FnMut(Vec<Command>) -> Result<(), Trouble>;

/// Matches the day. Nothing is handed on before the bill was read to its end and found whole.
///
/// # Errors
/// [`Trouble`], also that of `hand`.
pub fn run(work: &Work<'_>, hand: Hand<'_>) -> Result<Totals, Trouble> {
    let plan = Plan::two_way(SCHEME, work.day);
    let mut pool = Pool::load(work.queries, SCHEME, work.day)?;
    let mut run = Run::new(plan.clone(), Folder::new(work.bills.scratch()?), MEMORY)?;
    let (start, end) = (work.day.start(), work.day.next().start());
    let window = start.plus(-plan.timing.window);
    let mut late = late_rows(work, &mut run, &mut pool, start, end)?;
    if work.previous {
        carry_ledger(work, &mut run, &mut pool, &mut late, (window, start))?;
    }
    carry_bills(work, &mut run, &mut pool, &late, window)?;
    let file = work.bills.bill(work.day);
    let mut sums = Expectations::new(Currency::CNY);
    each_row(&file, &mut |entry| {
        pool.told(Side::Channel, &entry, true);
        run.add(Side::Channel, &entry)?;
        expect(&mut sums, entry, work.day)
    })?;
    let (silent, over) = pool.silent(Side::Channel, &|named| {
        let status = |known: Option<Booked>| known.map(|known| known.entry.status);
        Ok(ledger::known(work.queries, named)?.into_iter().map(status).collect())
    })?;
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
    for told in expected(work, &sums)? {
        out.put(Command::ExpectClearing(Box::new(told)))?;
    }
    out.flush()?;
    Ok(totals)
}

/// Adds a row of a bill to what the channel is to pay for its batch: a batch is all of one bill. The bank account holds one
/// currency; others are not expected on it.
pub(crate) fn expect(sums: &mut Expectations, mut entry: Entry, day: BusinessDay) -> Result<(), Trouble> {
    if entry.amount.currency != Currency::CNY {
        return Ok(());
    }
    entry.batch.get_or_insert_with(|| day.to_string().replace('-', ""));
    Ok(sums.add(&entry)?)
}

/// What the bank's statement of the next day is to show, by this bill, and batches of an earlier bill of the day that this
/// one does not have any more.
fn expected(work: &Work<'_>, sums: &Expectations) -> Result<Vec<clearing::Told>, Trouble> {
    let receivable = AccountId::channel_receivable(work.channel, Currency::CNY);
    let day = work.day.next();
    let told = |reference: String, amount| clearing::Told {
        reference: reference.into(),
        receivable,
        amount,
        day,
        bank_reference: "".into(),
    };
    let entries = sums.entries(|at| at);
    let mut expected: Vec<clearing::Told> = entries
        .into_iter()
        .map(|entry| {
            let sign = if entry.kind == Kind::Reclaim { -1 } else { 1 };
            told(format!("{SCHEME}/{}", entry.key), sign * entry.amount.minor)
        })
        .collect();
    let mut gone = Vec::new();
    work.queries.each_clearing(&mut |known| {
        let named = expected.iter().any(|told| told.reference == known.reference);
        if known.due == Some(day) && known.receivable == receivable && !named {
            gone.push(told(known.reference.into(), 0));
        }
    })?;
    expected.extend(gone);
    Ok(expected)
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

/// The ledger's last rows of the day before. The bill may have them from before: they were matched then, and are again.
fn carry_ledger(
    work: &Work<'_>,
    run: &mut Run<Folder>,
    pool: &mut Pool,
    late: &mut Late,
    (from, to): (Time, Time),
) -> Result<(), Trouble> {
    let mut carry = |Booked { entry, asked_at }: Booked| {
        let day = asked_at.business_day();
        late.first = Some(late.first.map_or(day, |first| first.min(day)));
        late.keys.insert((entry.kind, entry.key.clone()));
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

/// The last rows of the bill of the day before, and rows of earlier bills whose partner came late into the ledger. A partner
/// that the ledger has from before was matched the day before, and comes along.
fn carry_bills(
    work: &Work<'_>,
    run: &mut Run<Folder>,
    pool: &mut Pool,
    late: &Late,
    window: Time,
) -> Result<(), Trouble> {
    let before = work.day.previous();
    let first = late.first.map_or(before, |first| first.clamp(work.day.plus(-BILLS_BACK), before));
    let mut alone: Vec<(Kind, String)> = Vec::new();
    let mut day = first;
    while day < work.day {
        if work.bills.matched(day) && (day < before || work.previous) {
            each_row(&work.bills.bill(day), &mut |entry| {
                let last = day == before && entry.at >= window;
                let named = (entry.kind, entry.key.clone());
                match (last, late.keys.contains(&named)) {
                    (false, false) => return Ok(()),
                    (true, false) => alone.push(named),
                    _ => {}
                }
                let since = pool.told(Side::Channel, &entry, false);
                let (reported, since) = (since.is_some(), since.unwrap_or(day));
                Ok(run.carry(&Carried { side: Side::Channel, entry, since, reported })?)
            })?;
        }
        day = day.next();
    }
    for piece in alone.chunks(ledger::PIECE) {
        let named: Vec<(Kind, &str)> = piece.iter().map(|(kind, key)| (*kind, key.as_str())).collect();
        for Booked { entry, .. } in ledger::known(work.queries, &named)?.into_iter().flatten() {
            if entry.status == Status::Succeeded && entry.at < window {
                let since = pool.told(Side::Ledger, &entry, false);
                let (reported, since) = (since.is_some(), since.unwrap_or(before));
                run.carry(&Carried { side: Side::Ledger, entry, since, reported })?;
            }
        }
    }
    Ok(())
}

/// Every row of a bill; it is whole once this returns.
pub(crate) fn each_row(
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
        let side = |side| found.side(side).map(|entry| entry.amount.currency);
        let currency = Side::ALL.into_iter().find_map(side).unwrap_or(Currency::CNY);
        let against = AccountId::channel_receivable(self.work.channel, currency);
        let new = record(found, against, was)?;
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
