//! One day's statement against the books: payouts one by one, channels by batch.
//!
//! The ledger's side of a payout is looked up by what the statement names, so nothing on it waits; what only the ledger has
//! waits for the next statement. A statement that named a payout before the ledger heard of it is read again.

use super::{
    super::{Trouble, found::record, ledger::PIECE, pool::Pool},
    files::Statements,
    read::{Line, read},
};
use ::ledger::{AccountId, AccountKind, Transfer, TransferKind, TransferState};
use ::reconcile::{
    Carried, Class, Entry, Exception, Folder, Kind, Outcome, Plan, Run, Side, Status, Timing, Totals,
};
use domain::{Command, Key, Record, clearing::Clearing, payout::Payout, payout::PayoutState};
use engine::Queries;
use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};
use types::{
    BusinessDay, Currency, PayoutId, Time, TransferId, first_id_at, id_time,
    time::{DAY, HOUR, MINUTE, SECOND},
};

/// Name of the bank in references of exceptions.
pub const SCHEME: &str = "bank";
/// Bytes of entries kept in memory; the rest lies in the scratch folder.
const MEMORY: usize = 16 << 20;
/// Commands handed over at once.
const COMMANDS: usize = 200;
/// Exceptions of one statement; one that differs in more is not this account's.
const EXCEPTIONS_MAX: u64 = 50_000;
/// How many days back a payout that the ledger heard of late is looked for in statements.
const STATEMENTS_BACK: i32 = 31;
/// Payouts read at once.
pub(super) const PIECE_OF_PAYOUTS: usize = PIECE;
/// Transfers are read so much at a time.
const SLICE: i64 = 10 * MINUTE;

/// What is to be matched.
pub struct Work<'w> {
    /// The ledger.
    pub queries: &'w dyn Queries,
    /// The card channel.
    pub channel: i64,
    /// The statements.
    pub statements: &'w Statements,
    /// The day, closed.
    pub day: BusinessDay,
    /// Its statement.
    pub file: PathBuf,
    /// Earlier days with a statement that was matched, and where those are; the latest last.
    pub earlier: Vec<(BusinessDay, PathBuf)>,
    /// Now.
    pub now: Time,
}

impl std::fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Work({})", self.day)
    }
}

/// Hands commands on; an error ends the run.
pub type Hand<'h> = &'h mut dyn FnMut(Vec<Command>) -> Result<(), Trouble>;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// What was given and what came of it.
    pub totals: Totals,
    /// What payouts moved on `bank.cash` that no statement shows yet, minor units: below zero for what left.
    pub unshown: i64,
}

type Named = (Kind, String);

/// Matches a statement that was read to its end before, and whose payouts and channels were booked.
///
/// # Errors
/// [`Trouble`], also that of `hand`.
pub fn run(work: &Work<'_>, hand: Hand<'_>) -> Result<Done, Trouble> {
    // What has the time of the day may wait for the next statement; entries of a statement have its first instant.
    let timing = Timing { cutoff: 0, window: DAY - SECOND, hold_days: 1 };
    let sides = vec![Side::Ledger, Side::Bank];
    let plan = Plan { scheme: SCHEME.to_owned(), day: work.day, sides, timing };
    let mut pool = Pool::load(work.queries, SCHEME, work.day)?;
    let mut run = Run::new(plan, Folder::new(work.statements.marks().scratch()?), MEMORY)?;
    let mut given = Given {
        work,
        late: HashMap::new(),
        unshown: HashMap::new(),
        batches: HashSet::new(),
        given: HashSet::new(),
    };
    given.ledger(&mut run, &mut pool)?;
    given.statement(&mut run, &mut pool)?;
    given.earlier(&mut run, &mut pool)?;
    given.clearings(&mut run, &mut pool)?;
    let (silent, over) = pool.silent(Side::Bank, &|named| Ok(vec![None; named.len()]))?;
    for carried in &silent {
        run.carry(carried)?;
    }
    let mut out = Out { work, pool, hand, commands: Vec::new(), trouble: None, opened: 0 };
    let totals = run.finish(|outcome| {
        out.take(outcome).map_err(|trouble| {
            let said = trouble.to_string();
            out.trouble = Some(trouble);
            said
        })
    });
    if let Some(trouble) = out.trouble.take() {
        return Err(trouble);
    }
    let mut totals = totals?;
    let settled = out.pool.settled();
    let gone: Vec<Box<str>> = out.pool.of_day.drain().collect();
    totals.cleared += (settled.len() + gone.len() + over.len()) as u64;
    for reference in over.into_iter().chain(settled).chain(gone) {
        out.put(Command::ClearException(reference))?;
    }
    out.flush()?;
    let unshown = given.unshown.values().fold(0_i64, |sum, minor| sum.saturating_add(*minor));
    Ok(Done { totals, unshown })
}

/// What both sides give.
struct Given<'g, 'w> {
    work: &'g Work<'w>,
    /// What an earlier statement may show, with the day on which it was asked for.
    late: HashMap<Named, BusinessDay>,
    /// What the ledger has moved and no statement has shown so far.
    unshown: HashMap<Named, i64>,
    /// The channel's batches on this statement.
    batches: HashSet<String>,
    /// What the ledger's side was given of.
    given: HashSet<Named>,
}

impl Given<'_, '_> {
    /// Payouts that the ledger has paid or taken back: since the statement before, to be matched; and after this day, which
    /// are only counted.
    fn ledger(&mut self, run: &mut Run<Folder>, pool: &mut Pool) -> Result<(), Trouble> {
        let work = self.work;
        let from = work.earlier.last().map_or(work.day, |(day, _)| *day);
        let (mut at, to) = (from.start(), work.now.plus(SECOND));
        while at < to {
            let end = at.plus(SLICE).min(to);
            let mut rows: Vec<(Transfer, Kind)> = Vec::new();
            let (first, last) = (TransferId(first_id_at(at)), TransferId(first_id_at(end)));
            work.queries.transfers_between(first, last, &mut |row| {
                rows.extend(moved(&row).map(|kind| (row, kind)));
            })?;
            for piece in rows.chunks(PIECE) {
                let ids: Vec<PayoutId> = piece.iter().map(|(row, _)| PayoutId(row.subject)).collect();
                for ((row, kind), payout) in piece.iter().zip(payouts(work.queries, &ids)?) {
                    let Some(payout) = payout else { continue };
                    let entry = booked(&payout, *kind);
                    let sign = if kind.comes_in() { 1 } else { -1 };
                    let name = (*kind, entry.key.clone());
                    let since = id_time(row.id.0).business_day();
                    // What is older is on a statement by now, or in an exception.
                    if since >= work.day {
                        self.unshown.insert(name.clone(), sign * row.amount);
                    }
                    let asked = payout.created_at.business_day();
                    if asked < work.day {
                        self.late.insert(name, asked.max(work.day.plus(-STATEMENTS_BACK)));
                    }
                    if since <= work.day {
                        self.given.insert((*kind, entry.key.clone()));
                        carry(run, pool, Side::Ledger, entry, since, since == work.day)?;
                    }
                }
            }
            at = end;
        }
        Ok(())
    }

    /// The statement itself, and what the ledger says of what it names.
    fn statement(&mut self, run: &mut Run<Folder>, pool: &mut Pool) -> Result<(), Trouble> {
        let work = self.work;
        let start = work.day.start();
        let mut named: Vec<(PayoutId, Kind)> = Vec::new();
        let before = None; // that it goes on from the one before was seen when it was read to its end
        read(work.statements, work.day, &work.file, before, &mut |line| {
            let Line { kind, key, amount, reference, payout } = line;
            self.unshown.remove(&(kind, key.clone()));
            if matches!(kind, Kind::Settlement | Kind::Reclaim) {
                self.batches.insert(key.clone());
            }
            let entry = Entry { reference, ..Entry::new(&key, kind, amount, Status::Succeeded, start) };
            pool.told(Side::Bank, &entry, true);
            run.add(Side::Bank, &entry)?;
            named.extend(payout.filter(|_| !self.given.contains(&(kind, key))).map(|(id, _)| (id, kind)));
            if named.len() >= PIECE { known(work, run, pool, &mut named) } else { Ok(()) }
        })?;
        known(work, run, pool, &mut named)
    }

    /// Earlier statements' entries of payouts that the ledger heard of late.
    fn earlier(&mut self, run: &mut Run<Folder>, pool: &mut Pool) -> Result<(), Trouble> {
        let Some(first) = self.late.values().min().copied() else { return Ok(()) };
        let work = self.work;
        for (day, path) in work.earlier.iter().filter(|(day, _)| *day >= first) {
            read(work.statements, *day, path, None, &mut |line| {
                let name = (line.kind, line.key);
                self.unshown.remove(&name);
                if !self.late.contains_key(&name) {
                    return Ok(());
                }
                let entry = Entry::new(&name.1, name.0, line.amount, Status::Succeeded, day.start());
                let entry = Entry { reference: line.reference, ..entry };
                carry(run, pool, Side::Bank, entry, *day, false)
            })?;
        }
        Ok(())
    }

    /// What channels are to pay and have paid: batches of this statement, those on which bill and statements do not agree,
    /// and those that exceptions are about.
    fn clearings(&mut self, run: &mut Run<Folder>, pool: &mut Pool) -> Result<(), Trouble> {
        let work = self.work;
        let receivable = AccountId::channel_receivable(work.channel, Currency::CNY);
        let mut all: Vec<Clearing> = Vec::new();
        work.queries.each_clearing(&mut |clearing| {
            let batch = batch_of(&clearing.reference);
            let told = self.batches.contains(batch)
                || !clearing.agrees()
                || pool.is_about(Kind::Settlement, batch)
                || pool.is_about(Kind::Reclaim, batch);
            if clearing.receivable == receivable && told {
                all.push(clearing);
            }
        })?;
        for clearing in all {
            let batch = batch_of(&clearing.reference);
            let here = self.batches.contains(batch);
            // Nothing new is heard of what differs as it did.
            let new = here || clearing.agrees();
            let entry = |minor: i64| {
                let kind = if minor < 0 { Kind::Reclaim } else { Kind::Settlement };
                let amount = types::Money::new(minor.saturating_abs(), receivable.currency());
                Entry::new(batch, kind, amount, Status::Succeeded, work.day.start().plus(12 * HOUR))
            };
            // A bill that came late makes nothing late that could not be known before.
            let due = clearing.due.map(|due| due.max(clearing.opened_at.business_day()));
            if let (Some(minor), Some(due)) = (clearing.expected.filter(|minor| *minor != 0), due)
                && (due <= work.day || here || clearing.received.is_some())
            {
                carry(run, pool, Side::Ledger, entry(minor), due.min(work.day), new)?;
            }
            if let (false, Some(minor), Some(day)) = (here, clearing.received, clearing.statement) {
                carry(run, pool, Side::Bank, entry(minor), day.min(work.day), new)?;
            }
        }
        Ok(())
    }
}

/// Gives a row of another day, or of the ledger.
fn carry(
    run: &mut Run<Folder>,
    pool: &mut Pool,
    side: Side,
    entry: Entry,
    since: BusinessDay,
    new: bool,
) -> Result<(), Trouble> {
    let told = pool.told(side, &entry, new);
    let (reported, since) = (told.is_some() && !new, told.map_or(since, |told| told.min(since)));
    Ok(run.carry(&Carried { side, entry, since, reported })?)
}

/// What the ledger says of payouts that the statement names.
fn known(
    work: &Work<'_>,
    run: &mut Run<Folder>,
    pool: &mut Pool,
    named: &mut Vec<(PayoutId, Kind)>,
) -> Result<(), Trouble> {
    let ids: Vec<PayoutId> = named.iter().map(|(id, _)| *id).collect();
    for ((_, kind), payout) in named.drain(..).zip(payouts(work.queries, &ids)?) {
        if let Some(payout) = payout {
            carry(run, pool, Side::Ledger, booked(&payout, kind), work.day, true)?;
        }
    }
    Ok(())
}

/// Payouts by id, in order.
pub(super) fn payouts(
    queries: &dyn Queries,
    ids: &[PayoutId],
) -> Result<Vec<Option<Box<Payout>>>, engine::Fault> {
    let keys: Vec<Key> = ids.iter().copied().map(Key::Payout).collect();
    let found = queries.records(&keys)?.into_iter();
    let payout =
        |record| if let Some(Record::Payout(payout)) = record { Some(Box::new(payout)) } else { None };
    Ok(found.map(payout).collect())
}

/// What the ledger says of a payout's payment or return: whether it moved `bank.cash`. One that came back without ever
/// having been settled moved nothing in the end, as at the bank.
fn booked(payout: &Payout, kind: Kind) -> Entry {
    let moved = match kind {
        Kind::Return => payout.state == PayoutState::Returned,
        _ => matches!(payout.state, PayoutState::Settled | PayoutState::Returned),
    };
    let status = if moved { Status::Succeeded } else { Status::Failed };
    Entry::new(&Payout::end_to_end(payout.id), kind, payout.amount, status, payout.created_at)
}

/// What a transfer moved at the bank for a payout; none for others.
fn moved(row: &Transfer) -> Option<Kind> {
    let bank = |account: AccountId| account.kind() == AccountKind::BankCash;
    match row.kind {
        _ if row.state != TransferState::Posted => None,
        TransferKind::PayoutSettled if bank(row.credit) => Some(Kind::Payout),
        TransferKind::PayoutReturned if bank(row.debit) => Some(Kind::Return),
        _ => None,
    }
}

/// The batch in a clearing's reference.
fn batch_of(reference: &str) -> &str {
    reference.split_once('/').map_or(reference, |(_, batch)| batch)
}

/// Where outcomes become commands.
struct Out<'o, 'w, 'h> {
    work: &'o Work<'w>,
    pool: Pool,
    hand: Hand<'h>,
    commands: Vec<Command>,
    trouble: Option<Trouble>,
    opened: u64,
}

impl Out<'_, '_, '_> {
    fn take(&mut self, outcome: Outcome) -> Result<(), Trouble> {
        match outcome {
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

    fn open(&mut self, found: &Exception) -> Result<(), Trouble> {
        self.opened += 1;
        if self.opened > EXCEPTIONS_MAX {
            return Err(Trouble::TooManyDifferences(self.work.day, EXCEPTIONS_MAX));
        }
        self.pool.of_day.remove(found.id.as_str());
        let was = match found.class {
            Class::Duplicate => None,
            _ => self.pool.heard(found.kind, &found.key).filter(|was| **was != *found.id),
        };
        let side = |side| found.side(side).map(|entry| entry.amount.currency);
        let currency = Side::ALL.into_iter().find_map(side).unwrap_or(Currency::CNY);
        // What a statement shows of a channel's batch is in `bank.cash`, once: what differs is between us and the channel.
        let channels = matches!(found.kind, Kind::Settlement | Kind::Reclaim);
        let against = if channels && found.class != Class::Duplicate {
            AccountId::channel_receivable(self.work.channel, currency)
        } else {
            AccountId::bank_cash(currency)
        };
        self.put(Command::OpenException(Box::new(record(found, against, was)?)))
    }

    fn put(&mut self, command: Command) -> Result<(), Trouble> {
        self.commands.push(command);
        if self.commands.len() >= COMMANDS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Trouble> {
        if self.commands.is_empty() {
            return Ok(());
        }
        (self.hand)(std::mem::take(&mut self.commands))
    }
}
