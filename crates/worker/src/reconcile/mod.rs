//! Reconciliation: a day that is closed is matched with the channel's bill of it (R-FIN-12, R-FIN-69).
//!
//! ```text
//! closed day + channel/DAY.csv ─▶ ask the channel about what is unknown ─▶ match ─▶ exceptions opened and cleared
//! ```
//!
//! The matching itself is the crate `reconcile`; here it gets both sides. Nothing is remembered between runs but the
//! exceptions: a day that is matched twice, or was left half-way by a crash, ends with the same ones, and those that a
//! second run does not find again are cleared. Money moves only when people suggest and approve it.
//!
//! A channel's day is the calendar's, midnight to midnight.

mod ask;
pub mod day;
mod files;
mod found;
pub mod ledger;
mod marks;
mod pool;
pub mod statement;

pub use files::Bills;
pub use statement::{Position, files::Statements};

use crate::{
    bank::{self, BillError, Channel},
    settlement,
};
use ::reconcile::{Class, RunError, Side, Totals};
use domain::{Command, settlement::DayState};
use engine::{Fault, Queries, Refusal};
use service::Service;
use std::{io, path::Path, sync::Arc, time::Duration};
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};
use types::{BusinessDay, PageRequest, ShardSet, first_id_at};

/// Name of the card channel in references of exceptions.
pub const SCHEME: &str = "card";
/// Days whose bill the simulated channel still writes.
const BILLS_MAX: usize = 40;

/// The desk at which a channel's bills come in.
pub struct Desk {
    bills: Bills,
    channel: Arc<dyn Channel>,
    every: Duration,
    simulated: bool,
    statements: Option<Statements>,
    /// A run has the scratch folder to itself.
    busy: Arc<Mutex<()>>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Desk({:?})", self.bills)
    }
}

/// Why a day could not be matched; nothing is wrong with what was done by then, and the next run does it again.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The engine refused a command.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Exceptions could not be opened or cleared.
    #[error(transparent)]
    Commands(#[from] settlement::Trouble),
    /// What a statement says of payouts could not be taken in.
    #[error(transparent)]
    Payouts(#[from] crate::payouts::Trouble),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] Fault),
    /// The bill is not what its format declares.
    #[error(transparent)]
    Bill(#[from] intake::Fault),
    /// What the channel is to pay by its bill can't be added up.
    #[error(transparent)]
    Expected(#[from] ::reconcile::expect::ExpectError),
    /// The simulated channel could not write its bill.
    #[error(transparent)]
    Simulated(#[from] BillError),
    /// The run itself.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A file can't be written or read.
    #[error("{0}: {1}")]
    Io(String, io::Error),
    /// The day is not closed.
    #[error("{0} is not closed yet; it closes by itself once it is over (`feiqian settle`)")]
    NotClosed(BusinessDay),
    /// The bill is not there.
    #[error("there is no bill of {0}: put it at {1}")]
    NoBill(BusinessDay, String),
    /// The statement is not there.
    #[error("there is no statement of {0}: put it at {1}")]
    NoStatement(BusinessDay, String),
    /// A day has two.
    #[error("{0} has two statements, {1} and {2}: take one away")]
    TwoStatements(BusinessDay, String, String),
    /// A file of no form that a statement has.
    #[error("{0}: a statement is camt.053 (.xml), MT940 (.sta, .mt940, .txt) or the declared CSV (.csv)")]
    NotAStatement(String),
    /// No bank is configured.
    #[error("no bank_folder is set: there are no statements")]
    NoBank,
    /// More is open than is kept in mind.
    #[error("more than {0} payments, refunds or exceptions are open; decide some first")]
    TooManyOpen(usize),
    /// The bill differs in so much that it can't be this day's.
    #[error(
        "{0}: more than {1} differences; that is the bill of another day or channel, or an outage: no more exceptions were \
         opened, put the right bill there"
    )]
    TooManyDifferences(BusinessDay, u64),
    /// A difference of no side.
    #[error("exception {0} names no side")]
    Nobody(String),
    /// The reader of the store was stopped.
    #[error("the day could not be read to the end")]
    Stopped,
}

/// What matching a day came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The day.
    pub day: BusinessDay,
    /// What the ledger was matched with: the channel's bill or the bank's statement.
    pub side: Side,
    /// What was given and what came of it.
    pub totals: Totals,
    /// Payments and refunds that the channel ended when it was asked.
    pub repaired: usize,
}

impl std::fmt::Display for Matched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Totals { entries: [ledger, channel, bank], held, cleared, .. } = self.totals;
        let (with, theirs) = if self.side == Side::Bank { ("statement", bank) } else { ("bill", channel) };
        write!(f, "{}: ledger {ledger}, {with} {theirs}, held for the next day {held}", self.day)?;
        write!(
            f,
            ", repaired by asking {}, cleared {cleared}, exceptions {}",
            self.repaired,
            self.totals.exceptions()
        )?;
        for class in Class::ALL.into_iter().filter(|class| self.totals.of(*class) > 0) {
            write!(f, ", {} {}", class.name(), self.totals.of(class))?;
        }
        Ok(())
    }
}

impl Desk {
    /// Bills of `channel` come into the folder `bills`, looked at every now and then. `simulated`: the sandbox's bank
    /// writes them itself.
    #[must_use]
    pub fn new(bills: Bills, channel: Arc<dyn Channel>, every: Duration, simulated: bool) -> Self {
        Self { bills, channel, every, simulated, statements: None, busy: Arc::default() }
    }

    /// The same, with the bank's statements as the third side. A sandbox's channel pays into the simulated bank there.
    #[must_use]
    pub fn with_statements(self, statements: Statements) -> Self {
        Self { statements: Some(statements), ..self }
    }

    /// The bank's statements, if there is a bank.
    #[must_use]
    pub const fn statements(&self) -> Option<&Statements> {
        self.statements.as_ref()
    }

    async fn alone(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.busy).lock_owned().await
    }

    /// The folder.
    #[must_use]
    pub const fn bills(&self) -> &Bills {
        &self.bills
    }
}

/// Matches days as they close and their bills come, until the task is dropped.
pub(crate) async fn run(service: Arc<Service>, desk: Arc<Desk>) {
    let mut timer = tokio::time::interval(desk.every);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        if !settlement::is_ours(&service) {
            continue; // another node has the first shard, where exceptions are
        }
        match all_due(&service, &desk).await {
            Ok(done) => done.iter().for_each(|matched| {
                tracing::info!(day = %matched.day, exceptions = matched.totals.exceptions(), "reconciled: {matched}");
            }),
            Err(Trouble::Refused(Refusal::Stopped) | Trouble::Stopped) => return,
            Err(trouble) => tracing::error!(%trouble, "a day could not be reconciled; trying again"),
        }
    }
}

/// Lets the simulated channel write the bills that are due, and matches every closed day whose bill is there and was not
/// matched. A bill that is refused is told and keeps no other day from being matched.
///
/// # Errors
/// [`Trouble`]; what was done by then stays.
pub async fn all_due(service: &Arc<Service>, desk: &Arc<Desk>) -> Result<Vec<Matched>, Trouble> {
    if desk.simulated {
        let (reader, at) = (Arc::clone(service), Arc::clone(desk));
        blocking(move || write_bills(&reader, &at)).await?;
    }
    let mut done = Vec::new();
    for day in desk.bills.days()? {
        let previous = desk.bills.matched(day.previous());
        if desk.bills.is_done(day, previous) {
            continue;
        }
        match reconcile(service, desk, day).await {
            Ok(matched) => done.push(matched),
            Err(Trouble::NotClosed(_)) => break,
            Err(fault @ (Trouble::Bill(_) | Trouble::TooManyDifferences(..))) => {
                tracing::error!(%day, %fault, "the channel's bill was refused");
            }
            Err(trouble) => return Err(trouble),
        }
    }
    done.extend(statement::all_due(service, desk).await?);
    Ok(done)
}

/// Matches one day's bill, whether it was before or not.
///
/// # Errors
/// [`Trouble`]. A bill that is refused opens nothing, and why it was is kept beside it.
pub async fn reconcile(
    service: &Arc<Service>,
    desk: &Arc<Desk>,
    day: BusinessDay,
) -> Result<Matched, Trouble> {
    let alone = Arc::clone(&desk.busy).lock_owned().await;
    let reader = Arc::clone(service);
    if !blocking(move || is_closed(&*reader.queries, day)).await? {
        return Err(Trouble::NotClosed(day));
    }
    let previous = desk.bills.matched(day.previous());
    let Some(about) = desk.bills.about(day, previous) else {
        return Err(Trouble::NoBill(day, desk.bills.bill(day).display().to_string()));
    };
    let reader = Arc::clone(service);
    let end = day.next().start();
    let of = ShardSet::all(service.engine.shards());
    let open = blocking(move || ledger::open(&*reader.queries, of, end)).await?;
    let repaired = ask::all(service, &desk.channel, open).await?;
    match match_day(service, desk, day, previous, alone).await {
        Ok(totals) => {
            let matched = Matched { day, side: Side::Channel, totals, repaired };
            desk.bills.keep_done(day, &about, &matched.to_string())?;
            Ok(matched)
        }
        Err(Trouble::Bill(fault)) if fault.cause != intake::Cause::Io => {
            desk.bills.keep_refused(day, &fault.to_string())?;
            Err(Trouble::Bill(fault))
        }
        Err(trouble @ Trouble::TooManyDifferences(..)) => {
            desk.bills.keep_refused(day, &trouble.to_string())?;
            Err(trouble)
        }
        Err(trouble) => Err(trouble),
    }
}

/// Reads a bill to its end, as it would be for matching; gives its rows.
///
/// # Errors
/// [`Trouble::Bill`], [`Trouble::Io`].
pub fn check(bill: &Path) -> Result<u64, Trouble> {
    day::each_row(bill, &mut |_| Ok(()))
}

/// Commands on their way from the run to the engine.
const ON_THE_WAY: usize = 2;

async fn match_day(
    service: &Arc<Service>,
    desk: &Arc<Desk>,
    day: BusinessDay,
    previous: bool,
    alone: OwnedMutexGuard<()>,
) -> Result<Totals, Trouble> {
    let (reader, at) = (Arc::clone(service), Arc::clone(desk));
    let matching = move |hand: day::Hand<'_>| {
        let work = day::Work {
            queries: &*reader.queries,
            owned: ShardSet::all(reader.engine.shards()),
            channel: bank::SIMULATED,
            bills: &at.bills,
            day,
            previous,
        };
        day::run(&work, hand)
    };
    handing(service, alone, matching).await
}

/// Runs a matching on a thread of its own, and gives the engine what it hands on.
async fn handing<T: Send + 'static>(
    service: &Arc<Service>,
    alone: OwnedMutexGuard<()>,
    matching: impl FnOnce(day::Hand<'_>) -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let (send, mut receive) = mpsc::channel::<Vec<Command>>(ON_THE_WAY);
    let matching = tokio::task::spawn_blocking(move || {
        let _alone = alone; // also when nobody waits for the end any more
        matching(&mut |commands| send.blocking_send(commands).map_err(|_| Trouble::Stopped))
    });
    let mut told = Ok(());
    while let Some(commands) = receive.recv().await {
        told = settlement::all(service, commands.into_iter()).await;
        if told.is_err() {
            break;
        }
    }
    drop(receive);
    let totals = matching.await.map_err(|_| Trouble::Stopped)?;
    told?;
    totals
}

/// Whether no transfer of the calendar's day can be made any more.
///
/// # Errors
/// The store's fault.
pub fn is_closed(queries: &dyn Queries, day: BusinessDay) -> Result<bool, Trouble> {
    let end = first_id_at(day.next().start());
    let days = queries.days(PageRequest::new(2, None))?.rows;
    Ok(days.iter().any(|closed| closed.state == DayState::Closed && closed.to >= end))
}

/// Writes the bills of the newest closed days that have none, and pays the bank by those that were not matched.
fn write_bills(service: &Service, desk: &Desk) -> Result<(), Trouble> {
    let bills = &desk.bills;
    let days = service.queries.days(PageRequest::new(BILLS_MAX, None))?.rows;
    let newest = days.iter().filter(|closed| closed.state == DayState::Closed).map(|closed| closed.to).max();
    for day in days.iter().map(|closed| closed.day).rev() {
        let over = newest.is_some_and(|to| to >= first_id_at(day.next().start()));
        let path = bills.bill(day);
        if over && !path.exists() {
            bills.make()?;
            let rows = bank::write_bill(&*service.queries, day, service.now(), &path)?;
            tracing::info!(%day, rows, "the simulated channel has written its bill");
        }
        // Paid before it is matched, so a crash in between leaves it to be paid again under the same id.
        if let Some(statements) = desk.statements.as_ref().filter(|_| over && path.exists())
            && !bills.is_paid(day)
            && !bills.matched(day)
        {
            let prefix = &statements.channel_prefix;
            let deposits = bank::deposits(&*service.queries, day, &path, prefix, service.now())?;
            for deposit in &deposits {
                deposit.put(&statements.folder)?;
            }
            bills.keep_paid(day, &format!("{} deposits", deposits.len()))?;
        }
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(read).await.map_err(|_| Trouble::Stopped)?
}
