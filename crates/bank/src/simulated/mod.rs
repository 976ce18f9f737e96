//! The bank of the sandbox: takes payment orders from a folder, answers with reports, notices and statements.
//!
//! ```text
//! FOLDER/in/*.xml        pain.001 put here, written beside and renamed
//! FOLDER/in/done/        the same once taken
//! FOLDER/deposits/*.json what others pay in or take out, such as a card channel ([`Deposit`])
//! FOLDER/out/            pain002-000001.xml, camt054-000002.xml, camt053-2026-11-21.xml
//! FOLDER/state.json      what the bank knows
//! ```
//!
//! A bank has no clock: [`Bank::run`] is told the time, does what is due by then, and with the same seed, orders and
//! times writes the same files. It can be slow, silent, partial and wrong, by chance ([`Faults`]) or by the last four
//! digits of the paid account ([`Fate::of_tail`]). Every file is written once: the state that holds what is to be
//! written is saved first, so a crash at any point loses and doubles nothing. It works on weekends too.
//!
//! [`Core`] is the same bank without a folder, for whoever plays the files too.

mod deposits;
mod fate;
mod orders;
mod state;

pub use deposits::Deposit;
pub use fate::{Fate, Faults};

use crate::{
    camt, pain002,
    party::{AccountNumber, Name},
    statement::{Detail, Direction, Entry, Head},
};
use intake::Fault;
use state::{Booked, Known, Stage, State};
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};
use types::{BusinessDay, Money, Time, time};

/// How a simulated bank is set up. Keep it the same over the life of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Decides every chance.
    pub seed: u64,
    /// The account it keeps.
    pub account: AccountNumber,
    /// Whose it is.
    pub holder: Name,
    /// What is on it at first.
    pub opening: Money,
    /// What goes wrong by chance.
    pub faults: Faults,
    /// Microseconds from an order to its booking by HVPS, NetsUnion and UnionPay.
    pub at_once: i64,
    /// Microseconds from an order to its booking by BEPS.
    pub in_batches: i64,
}

impl Setup {
    /// A faultless bank that books at once after two seconds, in batches after thirty minutes.
    #[must_use]
    pub const fn new(seed: u64, account: AccountNumber, holder: Name, opening: Money) -> Self {
        let (at_once, in_batches) = (2 * time::SECOND, 30 * time::MINUTE);
        Self { seed, account, holder, opening, faults: Faults::NONE, at_once, in_batches }
    }
}

/// A simulated bank on a folder. One process at a time.
#[derive(Debug)]
pub struct Bank {
    folder: PathBuf,
    core: Core,
}

/// A simulated bank without a folder: orders go in, files come out, nothing is read or written.
#[derive(Debug)]
pub struct Core {
    setup: Setup,
    state: State,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Names of the order files taken.
    pub taken: Vec<String>,
    /// Names of the files written to `out`.
    pub written: Vec<String>,
}

/// Where a fault of the account itself is told to be.
const ACCOUNT: &str = "the simulated account";
/// Most order files of one run; more wait for the next.
const FILES_MAX: usize = 100;

impl Bank {
    /// Opens the bank on `folder`, which is made if it is not there. Files that a crash kept back are written now.
    ///
    /// # Errors
    /// The folder cannot be used, or its state is not one.
    pub fn open(setup: Setup, folder: impl Into<PathBuf>) -> Result<Self, Fault> {
        let folder = folder.into();
        for sub in ["in/done", "out"] {
            std::fs::create_dir_all(folder.join(sub)).map_err(|error| fault(&folder, &error))?;
        }
        let state = State::load(&folder, setup.opening)?;
        let mut bank = Self { folder, core: Core { setup, state } };
        bank.deliver()?;
        Ok(bank)
    }

    /// Takes new orders and does everything that is due at `now`. Time never runs back: an earlier `now` counts as
    /// the latest one.
    ///
    /// # Errors
    /// The folder fails. A bad order is no error: it is answered with a refusal.
    pub fn run(&mut self, now: Time) -> Result<Done, Fault> {
        let files = self.orders()?;
        let folder = self.folder.join("in");
        let mut open = |name: &str| {
            let path = folder.join(name);
            File::open(&path).map(BufReader::new).map_err(|error| fault(&path, &error))
        };
        // Past days are closed first; then what comes in is there before anything is paid out of it.
        self.core.close_days(now)?;
        let deposits = self.book_deposits(now)?;
        self.core.work(&files, now, &mut open)?;
        let written = self.core.state.outbox.iter().map(|file| file.name.clone()).collect();
        self.core.state.save(&self.folder)?;
        self.deliver()?;
        for path in &deposits {
            std::fs::remove_file(path).map_err(|error| fault(path, &error))?;
        }
        for name in &files {
            let (from, to) = (self.folder.join("in").join(name), self.folder.join("in/done").join(name));
            std::fs::rename(&from, to).map_err(|error| fault(&from, &error))?;
        }
        Ok(Done { taken: files, written })
    }

    /// What is on the account, as the bank's own books have it: everything booked, whatever a statement says.
    #[must_use]
    pub const fn balance(&self) -> Money {
        self.core.balance()
    }
    /// Order files waiting in `in`, in order of their names.
    fn orders(&self) -> Result<Vec<String>, Fault> {
        let path = self.folder.join("in");
        let list = std::fs::read_dir(&path).map_err(|error| fault(&path, &error))?;
        let mut names = Vec::new();
        for entry in list {
            let entry = entry.map_err(|error| fault(&path, &error))?;
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            if let Ok(name) = entry.file_name().into_string()
                && is_file
                && name.ends_with(".xml")
                && !name.starts_with('.')
            {
                names.push(name);
            }
        }
        names.sort();
        names.truncate(FILES_MAX);
        Ok(names)
    }

    /// Writes what is in the outbox, then forgets it.
    fn deliver(&mut self) -> Result<(), Fault> {
        if self.core.state.outbox.is_empty() {
            return Ok(());
        }
        for file in &self.core.state.outbox {
            let path = self.folder.join("out").join(&file.name);
            state::write_atomically(&path, file.text.as_bytes()).map_err(|error| fault(&path, &error))?;
        }
        self.core.state.outbox.clear();
        self.core.state.save(&self.folder)
    }
}

impl Core {
    /// A bank of which nobody has asked anything yet.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let state = State::new(setup.opening);
        Self { setup, state }
    }

    /// Takes order files, each a name and its content, does everything that is due at `now`, and gives the files it
    /// writes, by name. A file of a name that was taken before is passed over.
    ///
    /// # Errors
    /// None but that amounts do not fit.
    pub fn run(&mut self, orders: &[(String, Vec<u8>)], now: Time) -> Result<Vec<(String, Vec<u8>)>, Fault> {
        let names: Vec<String> = orders.iter().map(|(name, _)| name.clone()).collect();
        self.work(&names, now, &mut |name| {
            let found = orders.iter().find(|(known, _)| known == name);
            Ok(found.map_or(&[][..], |(_, content)| content))
        })?;
        let written = std::mem::take(&mut self.state.outbox);
        Ok(written.into_iter().map(|file| (file.name, file.text.into_bytes())).collect())
    }

    /// What is on the account, as the bank's own books have it: everything booked, whatever a statement says.
    #[must_use]
    pub const fn balance(&self) -> Money {
        self.state.balance
    }

    /// What becomes of a payment that it has taken; none of one it does not know.
    #[must_use]
    pub fn fate(&self, end_to_end: &str) -> Option<Fate> {
        self.state.payments.get(end_to_end).map(|known| known.fate)
    }

    /// Takes the orders `names` and does what is due; what is to be written is in the outbox then.
    fn work<R: BufRead>(
        &mut self,
        names: &[String],
        now: Time,
        open: &mut dyn FnMut(&str) -> Result<R, Fault>,
    ) -> Result<(), Fault> {
        let now = self.close_days(now)?;
        for name in names {
            self.take(name, now, open)?;
        }
        self.book_due(now, now)
    }

    /// Closes the days that are over by `now`, and gives the time that it is: never an earlier one than before.
    fn close_days(&mut self, now: Time) -> Result<Time, Fault> {
        let now = now.max(self.state.now);
        let today = now.business_day();
        let state_day = self.state.statement_day.unwrap_or(today);
        self.state.now = now;
        // Statements of past days are closed before anything of today is booked; what was due on a past day is
        // booked on it.
        for day in state_day.0..today.0 {
            let day = BusinessDay(day);
            self.book_due(day.next().start().plus(-1), now)?;
            self.close_day(day, now)?;
        }
        self.state.statement_day = Some(today);
        Ok(now)
    }

    /// Books every payment and return that is due by `until`, and tells of it.
    fn book_due(&mut self, until: Time, now: Time) -> Result<(), Fault> {
        let mut due: Vec<(Time, String)> = Vec::new();
        for (id, known) in &self.state.payments {
            due.extend(known.due.filter(|at| *at <= until).map(|at| (at, id.clone())));
        }
        due.sort();
        let mut told: Vec<(String, pain002::Told)> = Vec::new();
        let mut entries = Vec::new();
        for (at, id) in due {
            let Some(known) = self.state.payments.get_mut(&id) else { continue };
            let returning = known.stage == Stage::Booked;
            self.state.serial += 1;
            let reference = format!("SIM{:09}", self.state.serial);
            let entry = entry(&id, known, at.business_day(), &reference, returning);
            let copies = if !returning && known.fate == Fate::Duplicate { 2 } else { 1 };
            for _ in 0..copies {
                let balance = entry.direction.apply(self.state.balance, entry.amount);
                self.state.balance = balance.map_err(|error| wrong(ACCOUNT, &error.to_string()))?;
                let late = known.fate == Fate::MissingInStatement && !returning;
                let on = if late { at.business_day().next() } else { at.business_day() };
                self.state.booked.push(Booked { on, entry: entry.clone() });
                entries.push(entry.clone());
            }
            (known.stage, known.due) = match (known.stage, known.fate) {
                (Stage::Taken, Fate::Returned { days, .. }) => {
                    (Stage::Booked, Some(at.plus(i64::from(days) * time::DAY)))
                }
                (Stage::Taken, _) => (Stage::Booked, None),
                _ => (Stage::Returned, None),
            };
            known.ended = known.due.is_none().then_some(at);
            if !returning {
                let status = pain002::Status::Settled;
                told.push((known.message.clone(), known.told(&id, status, None, Some(reference))));
            }
        }
        told.sort_by(|a, b| (&a.0, &a.1.batch).cmp(&(&b.0, &b.1.batch)));
        for group in told.chunk_by(|a, b| a.0 == b.0) {
            let told: Vec<pain002::Told> = group.iter().map(|(_, told)| told.clone()).collect();
            self.report(&group[0].0, None, None, None, &told, now)?;
        }
        if !entries.is_empty() {
            let name = self.state.name("camt054");
            let head = Head {
                id: name.clone(),
                sequence: None,
                account: self.setup.account.clone(),
                days: None,
                opening: None,
            };
            let bytes = camt::write(Vec::new(), &name, now, &head, &entries)?;
            self.state.put(format!("{name}.xml"), bytes);
        }
        Ok(())
    }

    /// Writes the statement of a day that is over.
    fn close_day(&mut self, day: BusinessDay, now: Time) -> Result<(), Fault> {
        let (of_day, later): (Vec<Booked>, Vec<Booked>) =
            std::mem::take(&mut self.state.booked).into_iter().partition(|booked| booked.on <= day);
        self.state.booked = later;
        let entries: Vec<Entry> = of_day.into_iter().map(|booked| booked.entry).collect();
        self.state.statements += 1;
        let head = Head {
            id: format!("STMT-{day}"),
            sequence: Some(self.state.statements),
            account: self.setup.account.clone(),
            days: Some((day, day)),
            opening: Some(self.state.told_balance),
        };
        for entry in &entries {
            let balance = entry.direction.apply(self.state.told_balance, entry.amount);
            self.state.told_balance = balance.map_err(|error| wrong(ACCOUNT, &error.to_string()))?;
        }
        let bytes = camt::write(Vec::new(), &format!("SIM-STMT-{day}"), now, &head, &entries)?;
        self.state.put(format!("camt053-{day}.xml"), bytes);
        self.state.forget(now);
        Ok(())
    }

    /// Writes a status report.
    fn report(
        &mut self,
        original: &str,
        status: Option<pain002::Status>,
        reason: Option<crate::Reason>,
        text: Option<String>,
        told: &[pain002::Told],
        now: Time,
    ) -> Result<(), Fault> {
        let message = self.state.name("pain002");
        let name = format!("{message}.xml");
        let head =
            pain002::Head { message, created: now, original: original.to_owned(), status, reason, text };
        let bytes = pain002::write(Vec::new(), &head, told)?;
        self.state.put(name, bytes);
        Ok(())
    }
}

/// The entry for a payment, or for its return.
fn entry(id: &str, known: &Known, day: BusinessDay, reference: &str, returning: bool) -> Entry {
    let payment = &known.payment;
    let amount = match known.fate {
        // A slip of one yuan, or of half where there is less.
        Fate::WrongAmount => {
            let less = if payment.amount.minor > 1_00 { 1_00 } else { payment.amount.minor / 2 };
            Money::new(payment.amount.minor - less, payment.amount.currency)
        }
        _ => payment.amount,
    };
    let returned = match known.fate {
        Fate::Returned { reason, .. } if returning => Some(reason),
        _ => None,
    };
    let detail = Detail {
        message: Some(known.message.clone()),
        batch: Some(known.batch.clone()),
        instruction: Some(payment.instruction.clone()),
        end_to_end: Some(id.to_owned()),
        amount: Some(amount),
        party: Some(payment.creditor.name.clone()),
        party_account: Some(payment.creditor.account.clone()),
        remittance: payment.remittance.clone(),
        returned,
    };
    Entry {
        amount,
        direction: if returning { Direction::Credit } else { Direction::Debit },
        reversal: false,
        pending: false,
        booked: day,
        value: day,
        bank_reference: Some(reference.to_owned()),
        details: vec![detail],
        text: None,
    }
}

fn fault(path: &Path, error: &std::io::Error) -> Fault {
    Fault::io(&path.display().to_string(), 0, error)
}

fn wrong(place: &str, problem: &str) -> Fault {
    Fault::format(place, 0, problem, "give the simulated bank a fresh folder")
}
