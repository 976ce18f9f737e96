//! Exceptions of reconciliation: a difference between the ledger, a channel's bill and a bank's statement, until people
//! have decided it (R-FIN-69; reference §4).
//!
//! ```text
//! found ─▶ Open ──suggested──▶ Suggested ──another approves──▶ Resolved (a transfer through platform.suspense)
//!           │ ▲                   │  │                          │
//!           │ └─────rejected──────┘  └─approved without money─▶ Cleared
//!           ├──a late partner came─────────────────────────────▶ Cleared
//!           └◀──a late partner came after all─────────────────── Resolved: the booking is to be undone
//! ```
//!
//! Finding is pure code elsewhere; it names a difference by a reference that is the same in every run, so a day that is
//! reconciled twice opens nothing twice. Money moves only when a person suggests it and another approves what was suggested.

use crate::{Context, Rejection, Stop, Tx, approval, context::Actor, journal::Subject};
use ledger::{AccountId, Draft, TransferKind};
use serde::{Deserialize, Serialize};
use types::{BusinessDay, ExceptionId, JournalId, Money, OperatorId, Time, TransferId};

/// A difference between what sides say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// `scheme/kind/key/class`, the same in every run.
    pub reference: Box<str>,
    /// Its number; the subject of its transfers.
    pub id: ExceptionId,
    /// What is wrong.
    pub class: Class,
    /// The business day whose run found it.
    pub day: BusinessDay,
    /// The business day on which an entry of it was first seen; its age counts from here.
    pub since: BusinessDay,
    /// What the ledger says, minor units; none when it has nothing.
    pub ledger: Option<i64>,
    /// What the channel's bill says.
    pub channel: Option<i64>,
    /// What the bank's statement says.
    pub bank: Option<i64>,
    /// Where the money in question is: the platform's account that a correction is booked against.
    pub against: AccountId,
    /// What `platform.suspense` would hold, minor units: above zero when the outside has more than the books, below when it
    /// has less; none while it can't be known, because a side does not know yet.
    pub question: Option<i64>,
    /// What was found, in words, without personal data.
    pub note: Box<str>,
    /// Where it stands.
    pub state: State,
    /// What was suggested last: minor units into suspense, below zero out of it; zero to close it without money.
    pub correction: i64,
    /// Why, in the suggester's words.
    pub why: Box<str>,
    /// Who suggested it.
    pub maker: Option<OperatorId>,
    /// Who approved it, another person.
    pub approver: Option<OperatorId>,
    /// What its transfers have brought into suspense, less what they took out.
    pub booked: i64,
    /// When it was opened.
    pub opened_at: Time,
    /// When it was resolved or cleared.
    pub ended_at: Option<Time>,
    /// Newest journal line.
    pub journal: JournalId,
}

/// What is wrong. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Class {
    /// 长款: others have it, the ledger lacks it.
    Long = 0,
    /// 短款: the ledger has it, another side lacks it.
    Short = 1,
    /// Other amounts.
    Amount = 2,
    /// Other currencies.
    Currency = 3,
    /// Sides differ on whether money moved, or one does not know.
    Status = 4,
    /// Another fee.
    Fee = 5,
    /// One side has it more than once.
    Duplicate = 6,
}

impl Class {
    /// Every class, in stored order.
    pub const ALL: [Self; 7] =
        [Self::Long, Self::Short, Self::Amount, Self::Currency, Self::Status, Self::Fee, Self::Duplicate];
    /// The class stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|class| *class as i64 == number)
    }
    /// The word used in references, pages and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
            Self::Amount => "amount",
            Self::Currency => "currency",
            Self::Status => "status",
            Self::Fee => "fee",
            Self::Duplicate => "duplicate",
        }
    }
}

/// Where an exception stands. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum State {
    /// Somebody has to look at it.
    Open = 0,
    /// A correction waits for another person.
    Suggested = 1,
    /// Booked through suspense.
    Resolved = 2,
    /// Over without a booking: a late entry came, or it was explained.
    Cleared = 3,
}

impl State {
    /// Every state, in stored order.
    pub const ALL: [Self; 4] = [Self::Open, Self::Suggested, Self::Resolved, Self::Cleared];
    /// The state stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as i64 == number)
    }
    /// The word used in pages, files and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Suggested => "suggested",
            Self::Resolved => "resolved",
            Self::Cleared => "cleared",
        }
    }
    /// Whether somebody still has to act.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Suggested)
    }
}

/// A difference that a run has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewException {
    /// The same in every run, 1 to [`REFERENCE_MAX`] bytes.
    pub reference: Box<str>,
    /// What is wrong.
    pub class: Class,
    /// The day reconciled.
    pub day: BusinessDay,
    /// The day on which an entry of it was first seen.
    pub since: BusinessDay,
    /// What the ledger says, minor units.
    pub ledger: Option<i64>,
    /// What the channel's bill says.
    pub channel: Option<i64>,
    /// What the bank's statement says.
    pub bank: Option<i64>,
    /// The platform's account where the money in question is.
    pub against: AccountId,
    /// What suspense would hold; none while it can't be known.
    pub question: Option<i64>,
    /// What was found, at most [`NOTE_MAX`] characters, without personal data.
    pub note: Box<str>,
    /// An exception that this one takes the place of, because a late entry changed what is wrong.
    pub replaces: Option<Box<str>>,
}

/// Bytes of a reference at most.
pub const REFERENCE_MAX: usize = 220;
/// Characters of a note or reason at most.
pub const NOTE_MAX: usize = 300;

/// Opens an exception; the same reference again changes nothing. Gives 1 for a new one, else 0.
///
/// Errors: `NotAllowed` for anybody but the platform, `CorrectionOutOfRange` for texts that do not fit or an account that is
/// not the platform's at a channel or bank.
pub(crate) fn open(new: &NewException, ctx: &Context, tx: &mut Tx<'_>) -> Result<usize, Stop> {
    platform(ctx)?;
    let kind = new.against.kind();
    let outside = matches!(kind, ledger::AccountKind::ChannelReceivable | ledger::AccountKind::BankCash);
    if !outside
        || !(1..=REFERENCE_MAX).contains(&new.reference.len())
        || new.note.chars().count() > NOTE_MAX
        || new.question == Some(i64::MIN)
    {
        return Err(Rejection::CorrectionOutOfRange.into());
    }
    tx.expect::<Exception>(&new.reference);
    if let Some(old) = &new.replaces {
        tx.expect::<Exception>(old);
    }
    tx.loaded()?;
    if let Some(known) = tx.get::<Exception>(&new.reference)? {
        let (id, journal) = (known.id, known.journal);
        tx.about(Subject::Exception(id), Some(journal));
        return Ok(0);
    }
    if let Some(old) = &new.replaces
        && let Some(old) = tx.get::<Exception>(old)?.filter(|old| old.state.is_open()).cloned()
    {
        tx.put(Exception { state: State::Cleared, ended_at: Some(ctx.now), journal: ctx.journal, ..old });
    }
    let id = ExceptionId(ctx.ids.id(0));
    tx.about(Subject::Exception(id), None);
    tx.note(new.reference.to_string());
    tx.put(Exception {
        reference: new.reference.clone(),
        id,
        class: new.class,
        day: new.day,
        since: new.since,
        ledger: new.ledger,
        channel: new.channel,
        bank: new.bank,
        against: new.against,
        question: new.question,
        note: new.note.clone(),
        state: State::Open,
        correction: 0,
        why: "".into(),
        maker: None,
        approver: None,
        booked: 0,
        opened_at: ctx.now,
        ended_at: None,
        journal: ctx.journal,
    });
    Ok(1)
}

/// A late entry came and the sides agree. What was booked for it is to be undone then: the exception opens again with that.
/// Again changes nothing.
///
/// Errors: `NotAllowed` for anybody but the platform, `ExceptionNotFound`.
pub(crate) fn clear(reference: &str, ctx: &Context, tx: &mut Tx<'_>) -> Result<State, Stop> {
    platform(ctx)?;
    let known = find(reference, tx)?;
    let undone = known.booked == 0;
    let state = if undone { State::Cleared } else { State::Open };
    let same = known.state == State::Cleared || (!undone && known.question == Some(-known.booked));
    if same {
        return Ok(known.state);
    }
    tx.put(Exception {
        state,
        question: Some(-known.booked),
        correction: 0,
        ended_at: undone.then_some(ctx.now),
        journal: ctx.journal,
        ..known
    });
    Ok(state)
}

/// Suggests what to book, or with zero to close it without money; a later suggestion takes the place of an earlier one.
///
/// Errors: `NotAllowed` for anybody but a person, `ExceptionNotFound`, `ExceptionNotOpen`, `CorrectionOutOfRange` for more
/// than is in question, the other way round, an amount while nobody knows what is in question, or no reason.
pub(crate) fn suggest(
    reference: &str,
    correction: i64,
    why: &str,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<State, Stop> {
    let maker = approval::person(ctx)?;
    let known = find(reference, tx)?;
    if !known.state.is_open() {
        return Err(Rejection::ExceptionNotOpen(known.state).into());
    }
    let question = known.question.unwrap_or(0);
    let within = correction == 0
        || (correction.signum() == question.signum() && correction.unsigned_abs() <= question.unsigned_abs());
    if !within || !(1..=NOTE_MAX).contains(&why.trim().chars().count()) {
        return Err(Rejection::CorrectionOutOfRange.into());
    }
    tx.note(format!("{} suggested", Money::new(correction, known.against.currency())));
    tx.put(Exception {
        state: State::Suggested,
        correction,
        why: why.trim().into(),
        maker: Some(maker),
        approver: None,
        journal: ctx.journal,
        ..known
    });
    Ok(State::Suggested)
}

/// Approves what was suggested and books it. `correction` is what the approver was shown.
///
/// Errors: `NotAllowed` for anybody but a person, `ExceptionNotFound`, `ExceptionNotOpen` unless something is suggested,
/// `OwnCorrection`, `CorrectionOutOfRange` when another amount was shown.
pub(crate) fn approve(
    reference: &str,
    correction: i64,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<State, Stop> {
    let approver = approval::person(ctx)?;
    let known = find(reference, tx)?;
    if known.state != State::Suggested {
        return Err(Rejection::ExceptionNotOpen(known.state).into());
    }
    approval::by_another(known.maker, approver, Rejection::OwnCorrection)?;
    if known.correction != correction {
        return Err(Rejection::CorrectionOutOfRange.into());
    }
    if correction != 0 {
        let suspense = AccountId::platform_suspense(known.against.currency());
        // More outside than in the books: the platform has it there and owes it to somebody.
        let (debit, credit) =
            if correction > 0 { (known.against, suspense) } else { (suspense, known.against) };
        let amount = correction.checked_abs().ok_or(Rejection::CorrectionOutOfRange)?;
        let (id, kind, subject) = (TransferId(ctx.ids.id(1)), TransferKind::Correction, known.id.0);
        ledger::transfer(tx, Draft { id, debit, credit, amount, kind, subject, at: ctx.now })?;
    }
    let booked = known.booked.checked_add(correction).ok_or(Rejection::CorrectionOutOfRange)?;
    let state = if correction == 0 { State::Cleared } else { State::Resolved };
    tx.note(format!("{} booked", Money::new(correction, known.against.currency())));
    tx.put(Exception {
        state,
        approver: Some(approver),
        booked,
        ended_at: Some(ctx.now),
        journal: ctx.journal,
        ..known
    });
    Ok(state)
}

/// Rejects what was suggested, or takes one's own suggestion back; the exception is open again.
///
/// Errors: `NotAllowed` for anybody but a person, `ExceptionNotFound`, `ExceptionNotOpen` unless something is suggested.
pub(crate) fn reject(reference: &str, why: &str, ctx: &Context, tx: &mut Tx<'_>) -> Result<State, Stop> {
    approval::person(ctx)?;
    let known = find(reference, tx)?;
    if known.state != State::Suggested {
        return Err(Rejection::ExceptionNotOpen(known.state).into());
    }
    tx.note(why.chars().take(NOTE_MAX).collect::<String>());
    tx.put(Exception { state: State::Open, correction: 0, journal: ctx.journal, ..known });
    Ok(State::Open)
}

fn platform(ctx: &Context) -> Result<(), Rejection> {
    if ctx.caller.actor == Actor::Platform { Ok(()) } else { Err(Rejection::NotAllowed) }
}

/// The exception, as the command's subject. Errors: `ExceptionNotFound`.
fn find(reference: &str, tx: &mut Tx<'_>) -> Result<Exception, Stop> {
    let known = tx.need::<Exception>(&reference.into(), Rejection::ExceptionNotFound)?.clone();
    tx.about(Subject::Exception(known.id), Some(known.journal));
    Ok(known)
}
