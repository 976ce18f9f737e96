//! The third side: the bank's statement is matched with the books, so that `bank.cash` is what the statement says
//! (R-FIN-12, R-FIN-69).
//!
//! ```text
//! statement ─▶ read to its end ─▶ payouts answered, channels' payments booked ─▶ match ─▶ exceptions opened and cleared
//! ```
//!
//! A statement is the bank's own answer: what it shows of a payout whose end is not known ends it. What it shows of a
//! channel's batch moves `channel.receivable → bank.cash`, whatever was expected. Everything else that differs is an
//! exception, and moves only when people decide it.

pub mod day;
pub mod files;
mod read;

use super::{Desk, Matched, SCHEME as CARD, Trouble, blocking, handing, is_closed};
use crate::{bank, payouts, settlement};
use ::ledger::{AccountId, AccountKind};
use ::reconcile::{Kind, Side};
use day::PIECE_OF_PAYOUTS;
use domain::{
    Command, clearing,
    exception::State,
    payout::{BankAnswer, PayoutState},
};
use engine::Queries;
use files::Statements;
use read::{Whole, read};
use serde::{Deserialize, Serialize};
use service::Service;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};
use types::{BusinessDay, Currency, Money};

/// How the bank's statement stands to `bank.cash`. Amounts are minor units.
///
/// `closing = brought + cash - unshown + open + unexplained`, so with nothing under way and nothing open the statement says
/// what the ledger says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The statement's day.
    pub day: BusinessDay,
    /// What it closes with.
    pub closing: i64,
    /// What was on the account before the books began: the operator's own money.
    pub brought: i64,
    /// `bank.cash` when the statement was matched.
    pub cash: i64,
    /// What payouts moved in the books that no statement shows yet; below zero for what left.
    pub unshown: i64,
    /// What exceptions say that the bank has more than the books, those closed without a booking included.
    pub open: i64,
    /// What nothing explains; none when money moved while it was counted, or a later statement was matched before.
    pub unexplained: Option<i64>,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let yuan = Money::cny;
        write!(
            f,
            "the statement of {} closes with {}: bank.cash {}, brought forward {}, not shown yet {}, open exceptions {}",
            self.day,
            yuan(self.closing),
            yuan(self.cash),
            yuan(self.brought),
            yuan(self.unshown.saturating_neg()),
            yuan(self.open),
        )?;
        match self.unexplained {
            Some(0) => Ok(()),
            Some(minor) => write!(f, ", UNEXPLAINED {}", yuan(minor)),
            None => f.write_str(", still moving"),
        }
    }
}

impl Statements {
    /// How the newest statement that was matched stands to the books.
    ///
    /// # Errors
    /// As [`Statements::all`].
    pub fn position(&self) -> Result<Option<Position>, Trouble> {
        let newest = self.matched_before(BusinessDay(i32::MAX))?.into_iter().next_back();
        Ok(newest.and_then(|(day, _)| self.position_of(day)))
    }

    fn position_of(&self, day: BusinessDay) -> Option<Position> {
        let (_, said) = self.marks().done(day)?;
        serde_json::from_str(said.lines().nth(1)?).ok()
    }

    /// The newest days before `day` whose statement was matched and is still the same, and where it is; the latest last.
    fn matched_before(&self, day: BusinessDay) -> Result<Vec<(BusinessDay, PathBuf)>, Trouble> {
        let marks = self.marks();
        let mut all = self.all()?;
        all.truncate(all.partition_point(|(known, _)| *known < day));
        let recent = all.split_off(all.len().saturating_sub(RECENT));
        let same = |(day, path): &(BusinessDay, PathBuf)| {
            let done = marks.done(*day);
            done.is_some_and(|(about, _)| about.split(' ').next() == files::print_of(path).as_deref())
        };
        Ok(recent.into_iter().filter(same).collect())
    }
}

/// Statements that are looked at again: what is older was done, or is done when it is asked for.
const RECENT: usize = 40;

/// Matches every closed day whose statement is there and was not matched. One that is refused is told; those after it go on
/// from it, so they wait.
///
/// # Errors
/// [`Trouble`]; what was done by then stays.
pub(super) async fn all_due(service: &Arc<Service>, desk: &Arc<Desk>) -> Result<Vec<Matched>, Trouble> {
    let Some(statements) = desk.statements() else { return Ok(Vec::new()) };
    let mut done = Vec::new();
    let (marks, mut all) = (statements.marks(), statements.all()?);
    let mut previous: Option<(BusinessDay, PathBuf)> = None;
    for (day, path) in all.split_off(all.len().saturating_sub(RECENT)) {
        if previous.is_none() {
            previous = statements.matched_before(day)?.into_iter().next_back();
        }
        let about = about(&path, previous.as_ref().map(|(_, path)| path.as_path()));
        previous = Some((day, path.clone()));
        if marks.done(day).is_some_and(|(known, _)| known == about) {
            continue;
        }
        if marks.refused(day, &about).is_some() {
            break;
        }
        match reconcile(service, desk, day).await {
            Ok(matched) => done.push(matched),
            Err(Trouble::NotClosed(_)) => break,
            Err(fault @ (Trouble::Bill(_) | Trouble::TooManyDifferences(..))) => {
                tracing::error!(%day, %fault, "the bank's statement was refused");
                break;
            }
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(done)
}

/// Matches one day's statement, whether it was before or not.
///
/// # Errors
/// [`Trouble`]. A statement that is refused opens and books nothing, and why it was is kept.
pub async fn reconcile(
    service: &Arc<Service>,
    desk: &Arc<Desk>,
    day: BusinessDay,
) -> Result<Matched, Trouble> {
    let alone = desk.alone().await;
    let Some(statements) = desk.statements().cloned() else { return Err(Trouble::NoBank) };
    let reader = Arc::clone(service);
    if !blocking(move || is_closed(&*reader.queries, day)).await? {
        return Err(Trouble::NotClosed(day));
    }
    let Some((_, file)) = statements.all()?.into_iter().find(|(known, _)| *known == day) else {
        let place = statements.folder.join("out").join(files::Form::Camt.name(day));
        return Err(Trouble::NoStatement(day, place.display().to_string()));
    };
    let earlier = statements.matched_before(day)?;
    let about = about(&file, earlier.last().map(|(_, path)| path.as_path()));
    match one(service, &statements, day, &file, earlier, alone).await {
        Ok((matched, position)) => {
            let position = position.and_then(|position| serde_json::to_string(&position).ok());
            let said = format!("{matched}\n{}", position.unwrap_or_default());
            statements.marks().keep_done(day, &about, &said)?;
            Ok(matched)
        }
        Err(trouble) => {
            let refused = match &trouble {
                Trouble::Bill(fault) => read::is_of_the_file(fault),
                Trouble::TooManyDifferences(..) => true,
                _ => false,
            };
            if refused {
                // With another statement before it, it may be right after all.
                statements.marks().keep_refused(day, &about, &trouble.to_string())?;
            }
            Err(trouble)
        }
    }
}

/// Reads a statement to its end, as it would be for matching; gives its payments.
///
/// # Errors
/// [`Trouble::Bill`], [`Trouble::Io`].
pub fn check(statements: &Statements, day: BusinessDay, file: &Path) -> Result<u64, Trouble> {
    let before = before(statements, day)?;
    Ok(read(statements, day, file, before, &mut |_| Ok(()))?.lines)
}

async fn one(
    service: &Arc<Service>,
    statements: &Statements,
    day: BusinessDay,
    file: &Path,
    earlier: Vec<(BusinessDay, PathBuf)>,
    alone: tokio::sync::OwnedMutexGuard<()>,
) -> Result<(Matched, Option<Position>), Trouble> {
    let (reader, of, path) = (Arc::clone(service), statements.clone(), file.to_owned());
    let seen = blocking(move || look(&*reader.queries, &of, day, &path)).await?;
    let answers = seen.answers.len();
    let refused = payouts::take_in(service, seen.answers).await?;
    let booked = seen.clearings.into_values().map(|told| Command::ReceiveClearing(Box::new(told)));
    settlement::all(service, booked).await?;
    let before_run = cash(service).await?;
    let known = earlier.last().and_then(|(known, _)| statements.position_of(*known));
    let (reader, of, file) = (Arc::clone(service), statements.clone(), file.to_owned());
    let done = handing(service, alone, move |hand| {
        let now = reader.now();
        let (queries, channel) = (&*reader.queries, bank::SIMULATED);
        day::run(&day::Work { queries, channel, statements: &of, day, file, earlier, now }, hand)
    })
    .await?;
    let cash = cash(service).await?;
    let reader = Arc::clone(service);
    let (open, unshown) = (blocking(move || open(&*reader.queries)).await?, done.unshown);
    // Of an older statement that is matched again the books know more than it does.
    let newest = statements.matched_before(BusinessDay(i32::MAX))?.into_iter().next_back();
    let later =
        newest.filter(|(newest, _)| *newest > day).and_then(|(newest, _)| statements.position_of(newest));
    let position = seen.whole.closing.map(|closing| {
        let rest = i128::from(closing.minor) - i128::from(cash) + i128::from(unshown) - i128::from(open);
        let rest = i64::try_from(rest).unwrap_or(i64::MAX);
        let brought = known.or(later).map_or(rest, |one| one.brought);
        let counted = cash == before_run && later.is_none();
        let unexplained = counted.then_some(rest.saturating_sub(brought));
        Position { day, closing: closing.minor, brought, cash, unshown, open, unexplained }
    });
    if let Some(minor) = position.and_then(|one| one.unexplained).filter(|minor| *minor != 0) {
        tracing::error!(%day, minor, "the bank's statement and bank.cash differ by what nothing explains");
    }
    let matched = Matched { day, side: Side::Bank, totals: done.totals, repaired: answers - refused };
    Ok((matched, position))
}

async fn cash(service: &Arc<Service>) -> Result<i64, Trouble> {
    let reader = Arc::clone(service);
    let account = AccountId::bank_cash(Currency::CNY);
    blocking(move || Ok(reader.queries.account_in_all(account)?.balance().minor)).await
}

/// What a first reading of a statement shows to be done, once all of it was read and found right.
struct Seen {
    whole: Whole,
    answers: payouts::file::Answers,
    /// By reference; the first entry of each batch.
    clearings: BTreeMap<Box<str>, clearing::Told>,
}

/// Payouts that one statement may end; beyond it something is wrong with the bank's reports.
const ANSWERS_MAX: usize = 200_000;

fn look(queries: &dyn Queries, of: &Statements, day: BusinessDay, file: &Path) -> Result<Seen, Trouble> {
    let (mut answers, mut clearings) = (payouts::file::Answers::new(), BTreeMap::new());
    let mut piece: Vec<(types::PayoutId, Money, BankAnswer)> = Vec::new();
    let receivable = AccountId::channel_receivable(bank::SIMULATED, Currency::CNY);
    let whole = read(of, day, file, before(of, day)?, &mut |line| {
        let sign = match line.kind {
            Kind::Settlement => 1,
            Kind::Reclaim => -1,
            _ => 0,
        };
        if sign != 0 && line.amount.currency == receivable.currency() {
            let reference: Box<str> = format!("{CARD}/{}", line.key).into();
            clearings.entry(reference.clone()).or_insert_with(|| clearing::Told {
                reference,
                receivable,
                amount: sign * line.amount.minor,
                day,
                bank_reference: line.reference.clone().into(),
            });
        }
        piece.extend(line.payout.map(|(id, said)| (id, line.amount, said)));
        if piece.len() >= PIECE_OF_PAYOUTS {
            ends(queries, &mut piece, &mut answers)?;
        }
        if answers.len() > ANSWERS_MAX { Err(Trouble::TooManyOpen(ANSWERS_MAX)) } else { Ok(()) }
    })?;
    ends(queries, &mut piece, &mut answers)?;
    Ok(Seen { whole, answers, clearings })
}

/// Keeps what ends a payout or brings it back; what contradicts the books is left to the matching.
fn ends(
    queries: &dyn Queries,
    piece: &mut Vec<(types::PayoutId, Money, BankAnswer)>,
    answers: &mut payouts::file::Answers,
) -> Result<(), Trouble> {
    use PayoutState::{Accepted, Sent, Settled, Unknown};
    let ids: Vec<types::PayoutId> = piece.iter().map(|(id, ..)| *id).collect();
    for ((id, amount, said), known) in piece.drain(..).zip(day::payouts(queries, &ids)?) {
        let Some(known) = known.filter(|known| known.amount == amount) else { continue };
        let new = match said {
            BankAnswer::Returned(_) => matches!(known.state, Sent | Accepted | Unknown | Settled),
            _ => matches!(known.state, Sent | Accepted | Unknown),
        };
        if new {
            answers.push((id, Some(amount), said));
        }
    }
    Ok(())
}

/// The day and closing balance of the newest statement before `day` that was matched, as its mark has it.
fn before(statements: &Statements, day: BusinessDay) -> Result<Option<(BusinessDay, Money)>, Trouble> {
    let known = statements.matched_before(day)?.into_iter().next_back();
    let position = known.and_then(|(known, _)| statements.position_of(known));
    Ok(position.map(|one| (one.day, Money::cny(one.closing))))
}

/// What a matching is about: the statement, and the one before that was matched.
fn about(path: &Path, earlier: Option<&Path>) -> String {
    let print = |path: &Path| files::print_of(path).unwrap_or_else(|| "-".to_owned());
    format!("{} {}", print(path), earlier.map_or_else(|| "-".to_owned(), print))
}

/// How much more the bank has than the books, by exceptions that nobody has booked.
fn open(queries: &dyn Queries) -> Result<i64, Trouble> {
    let mut sum = 0_i64;
    queries.each_exception(&mut |one| {
        let ours = one.reference.starts_with("bank/") && one.against.kind() == AccountKind::BankCash;
        let unbooked =
            one.state.is_open() || (one.state == State::Cleared && one.approver.is_some() && one.booked == 0);
        if ours && unbooked {
            sum = sum.saturating_add(one.question.unwrap_or(0));
        }
    })?;
    Ok(sum)
}
