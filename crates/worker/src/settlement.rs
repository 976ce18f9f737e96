//! The money's day: days close once they are over, settlements are released when their time has come, reserves and holds
//! end, released money is paid out, payouts that nobody approved are cancelled.
//!
//! Everything is found by its record and done by commands that do nothing twice, so it may stop at any step, start again
//! or run twice at once. Of several nodes the owner of the first shard does it.

use crate::insist::insist;
use domain::{
    Caller, Command, Rejection, Reply,
    settlement::{Day, DayState, Tally, Totals, next_day},
};
use engine::{Fault, Job, Queries, Refusal};
use service::Service;
use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use types::{BusinessDay, MerchantId, PageRequest, Shard, Time, TransferId};

/// How often the clock is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How often what is due is looked for.
    pub every: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self { every: Duration::from_secs(5) }
    }
}

/// Commands sent to the engine at once: few, so that payments do not wait behind them.
const TOGETHER: usize = 100;
/// Days closed in a row before what is due is looked for again.
const DAYS_MAX: usize = 400;
/// How late the clock of a shard's owner may be before the day's closing is left for the next time.
const CLOCK_LATE_MAX: Duration = Duration::from_secs(5);
/// Commands of one kind in one go.
const DUE_MAX: usize = 100_000;

/// Why a day could not be closed or something due could not be done; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The engine refused a command.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] Fault),
    /// The sums of a day pass 64 bits.
    #[error("the sums of {0} are too large to be kept")]
    Overflow(BusinessDay),
    /// The reader of the store was stopped.
    #[error("the day's transfers could not be read to the end")]
    Stopped,
}

/// What closing a day came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// The day.
    pub day: BusinessDay,
    /// Merchants with a settlement.
    pub merchants: usize,
    /// Their sums.
    pub totals: Totals,
    /// How long the transfers took to read.
    pub reading: Duration,
    /// How long all of it took.
    pub took: Duration,
}

/// Starts the task, until `stop`.
pub(crate) fn start(service: &Arc<Service>, setup: Setup, tasks: &TaskTracker, stop: &CancellationToken) {
    tasks.spawn(stop.clone().run_until_cancelled_owned(run(Arc::clone(service), setup.every)));
}

async fn run(service: Arc<Service>, every: Duration) {
    let mut timer = tokio::time::interval(every);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        if !is_ours(&service) {
            continue;
        }
        for _ in 0..DAYS_MAX {
            match close_next(&service).await {
                Ok(None) => break,
                Ok(Some(closed)) => {
                    let (day, payments) = (closed.day, closed.totals.count);
                    tracing::info!(%day, merchants = closed.merchants, payments, took = ?closed.took, "day closed");
                }
                Err(Trouble::Refused(Refusal::Stopped)) => return,
                Err(trouble) => {
                    tracing::error!(%trouble, "a day could not be closed; trying again");
                    break;
                }
            }
        }
        match do_due(&service).await {
            Ok(_) => {}
            Err(Trouble::Refused(Refusal::Stopped)) => return,
            Err(trouble) => tracing::warn!(%trouble, "money that is due could not be released; trying again"),
        }
    }
}

/// Whether the money's day is this node's work now: of whoever owns the first shard, where merchants' settled money is. In a
/// take-over two nodes may think so for a moment, which is harmless.
pub(crate) fn is_ours(service: &Service) -> bool {
    service.engine.owned().contains(Shard::FIRST)
}

/// Closes the next day that is over; none when there is none.
///
/// # Errors
/// [`Trouble`]; what was done by then stays, and the next call goes on from there.
pub async fn close_next(service: &Arc<Service>) -> Result<Option<Closed>, Trouble> {
    let begun = Instant::now();
    let reader = Arc::clone(service);
    let next = blocking(move || next(&*reader.queries, reader.now())).await?;
    let Some(day) = next else { return Ok(None) };
    let platform = Caller::platform();
    // Once this is committed, and all shards have passed the day, no transfer of it can be made any more, and every one that
    // was made can be read.
    insist(&service.engine, &Command::BeginDay(day), &platform).await?;
    pass(service, day).await?;
    let reading = Instant::now();
    let reader = Arc::clone(service);
    let (merchants, totals) = blocking(move || add_up(&*reader.queries, day)).await??;
    let reading = reading.elapsed();
    let count = u32::try_from(merchants.len()).map_err(|_| Trouble::Overflow(day))?;
    let close = |(merchant, totals)| Command::CloseMerchantDay(merchant, day, Box::new(totals));
    all(service, merchants.into_iter().map(close)).await?;
    let end = Command::EndDay { day, merchants: count, totals: Box::new(totals) };
    insist(&service.engine, &end, &platform).await?;
    Ok(Some(Closed { day, merchants: count as usize, totals, reading, took: begun.elapsed() }))
}

/// Has every other shard pass a day that has begun to close. A shard whose owner's clock is a little late is waited for.
async fn pass(service: &Arc<Service>, day: BusinessDay) -> Result<(), Trouble> {
    let shards = service.engine.shards();
    if shards.is_one() {
        return Ok(());
    }
    let reader = Arc::clone(service);
    let begun = blocking(move || reader.queries.day(day)).await?;
    let end = begun.ok_or_else(|| Fault::Failed(format!("day {day} was begun but is not there")))?.times().1;
    for shard in shards.all().filter(|shard| *shard != Shard::FIRST) {
        let since = Instant::now();
        while let Err(refused) =
            insist(&service.engine, &Command::PassDay { shard, day, end }, &Caller::platform()).await
        {
            let late = matches!(refused, Refusal::Rejected(Rejection::DayNotOver { .. }));
            if !late || since.elapsed() > CLOCK_LATE_MAX {
                return Err(refused.into());
            }
            tokio::time::sleep(CLOCK_LATE_MAX / 20).await;
        }
    }
    Ok(())
}

/// Merchants with their sums of a day, by number, and the sums of all.
pub type Sums = (Vec<(MerchantId, Totals)>, Totals);

/// The day that is to be closed next; none while none is over.
///
/// # Errors
/// The store's fault.
pub fn next(queries: &dyn Queries, now: Time) -> Result<Option<BusinessDay>, Fault> {
    let last = queries.days(PageRequest::new(1, None))?.rows.into_iter().next();
    let last = last.map(|day| (day.day, day.state == DayState::Closed));
    Ok(next_day(last, queries.calendar()?.day_of(now)))
}

/// Reads the transfers of a day that has begun to close once, for all merchants.
///
/// # Errors
/// The store's fault, and within [`Trouble::Overflow`].
pub fn add_up(queries: &dyn Queries, day: BusinessDay) -> Result<Result<Sums, Trouble>, Fault> {
    let Some(Day { from, to, .. }) = queries.day(day)? else {
        return Err(Fault::Failed(format!("day {day} was begun but is not there")));
    };
    let times = (if from == 0 { Time(i64::MIN) } else { types::id_time(from) }, types::id_time(to));
    let mut tally = Tally::default();
    queries.transfers_between(TransferId(from), TransferId(to), &mut |row| tally.take(&row))?;
    queries.transfers_voided(times.0, times.1, &mut |row| tally.take_voided(&row))?;
    Ok(tally.finish().ok_or(Trouble::Overflow(day)))
}

/// Does all that is due now: releases and ends of reserves, holds and approvals, then payouts. Gives how many commands it
/// took.
///
/// # Errors
/// [`Trouble`]; what was done by then stays.
pub async fn do_due(service: &Arc<Service>) -> Result<usize, Trouble> {
    let mut done = 0;
    while done < DUE_MAX {
        let reader = Arc::clone(service);
        let due = blocking(move || due(&*reader.queries, reader.now())).await?;
        if due.is_empty() {
            break;
        }
        done += due.len();
        all(service, due.into_iter()).await?;
    }
    Ok(done)
}

/// What is due: payouts only once nothing else is, so that a morning's releases leave together.
///
/// # Errors
/// The store's fault.
pub fn due(queries: &dyn Queries, now: Time) -> Result<Vec<Command>, Fault> {
    let limit = TOGETHER * 5;
    let mut settlements = queries.due_settlements(now, limit)?;
    // A merchant's one by one, by day: those sent together may reach several shards' engine in any order.
    let mut merchants = HashSet::new();
    settlements.retain(|id| merchants.insert(id.merchant()));
    let mut due: Vec<Command> = settlements.into_iter().map(Command::ReleaseSettlement).collect();
    due.extend(queries.due_holds(now, limit)?.into_iter().map(Command::ReleaseHold));
    due.extend(queries.due_payouts(now, limit)?.into_iter().map(Command::ExpirePayout));
    if due.is_empty() {
        due.extend(queries.due_plans(now, limit)?.into_iter().map(Command::PayOutDue));
    }
    Ok(due)
}

/// Runs commands, some at once. What is refused keeps nobody else's from being done; the first refusal is told at the end.
pub(crate) async fn all(
    service: &Arc<Service>,
    commands: impl Iterator<Item = Command>,
) -> Result<(), Trouble> {
    let mut refused = None;
    let mut commands = commands.peekable();
    while commands.peek().is_some() {
        let wave: Vec<Command> = commands.by_ref().take(TOGETHER).collect();
        let sent: Vec<_> = wave
            .iter()
            .map(|command| {
                let (command, caller) = (command.clone(), Caller::platform());
                service.engine.submit(Job { command, caller, request: None })
            })
            .collect();
        for (sent, command) in sent.into_iter().zip(&wave) {
            let answer: Result<Reply, Refusal> = match sent {
                Ok(pending) => pending.await,
                Err(refusal) => Err(refusal),
            };
            match answer {
                Ok(_) => {}
                Err(Refusal::Busy | Refusal::Unavailable(_) | Refusal::Unknown(_)) => {
                    insist(&service.engine, command, &Caller::platform()).await?;
                }
                Err(Refusal::Rejected(why)) => {
                    tracing::error!(command = command.name(), %why, "refused; the others go on");
                    refused.get_or_insert(Refusal::Rejected(why));
                }
                Err(refusal) => return Err(refusal.into()),
            }
        }
    }
    refused.map_or(Ok(()), |refusal| Err(refusal.into()))
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Trouble> {
    Ok(tokio::task::spawn_blocking(read).await.map_err(|_| Trouble::Stopped)??)
}
