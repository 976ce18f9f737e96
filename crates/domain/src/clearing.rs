//! Clearings: what a card channel pays to the platform's bank for a batch of its bill, less what it took back
//! (reference §4).
//!
//! ```text
//! the channel's bill was matched ─▶ expected ┐
//!                                            ├─▶ the same: over; else an exception against channel.receivable
//! the bank's statement shows it ──▶ received ┘   (a transfer between channel.receivable and bank.cash)
//! ```
//!
//! What is expected moves nothing. What the statement shows is booked, whether it was expected or not: `bank.cash` follows
//! the bank, and a difference stays on `channel.receivable` until people have decided it.

use crate::{Context, Rejection, Stop, Tx, context::Actor, journal::Subject};
use ledger::{AccountId, AccountKind, Draft, TransferKind};
use serde::{Deserialize, Serialize};
use types::{BusinessDay, ClearingId, JournalId, Money, Time, TransferId};

/// A batch between a channel and the platform's bank. Amounts are minor units, below zero where the channel takes money
/// back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clearing {
    /// `scheme/batch`, as `card/20261121`.
    pub reference: Box<str>,
    /// Its number; the subject of its transfer.
    pub id: ClearingId,
    /// The channel's account in the first shard.
    pub receivable: AccountId,
    /// What the channel's bill comes to; none while its bill was not matched.
    pub expected: Option<i64>,
    /// The day on whose statement it is expected.
    pub due: Option<BusinessDay>,
    /// What the bank's statement shows; none until one does.
    pub received: Option<i64>,
    /// The day of that statement.
    pub statement: Option<BusinessDay>,
    /// The bank's own number of the entry; empty before.
    pub bank_reference: Box<str>,
    /// When it was first heard of.
    pub opened_at: Time,
    /// Newest journal line.
    pub journal: JournalId,
}

impl Clearing {
    /// Whether bill and statement agree, nothing being the same as nothing at all.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.expected.unwrap_or(0) == self.received.unwrap_or(0)
    }
}

/// What is expected by a bill, or shown by a statement, of one batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// `scheme/batch`, 1 to [`REFERENCE_MAX`] bytes.
    pub reference: Box<str>,
    /// The channel's account.
    pub receivable: AccountId,
    /// Minor units in that account's currency, below zero where the channel takes money back.
    pub amount: i64,
    /// When expected: the day on whose statement; when received: the day of the statement.
    pub day: BusinessDay,
    /// The bank's own number of the entry, at most [`BANK_REFERENCE_MAX`] bytes; empty when expected.
    pub bank_reference: Box<str>,
}

/// Bytes of a reference at most.
pub const REFERENCE_MAX: usize = 80;
/// Bytes of a bank's number at most.
pub const BANK_REFERENCE_MAX: usize = 140;

/// Keeps what a matched bill comes to; again, or with a bill that was replaced, takes the place of what was kept. Gives 1
/// when something changed, else 0.
///
/// Errors: `NotAllowed` for anybody but the platform, `AmountOutOfRange` for texts or an account that do not fit.
pub(crate) fn expect(told: &Told, ctx: &Context, tx: &mut Tx<'_>) -> Result<usize, Stop> {
    let known = find(told, ctx, tx)?;
    let due = known.due.unwrap_or(told.day);
    if known.expected.unwrap_or(0) == told.amount {
        return Ok(0);
    }
    let receivable = told.receivable;
    tx.note(format!("{} expected", Money::new(told.amount, receivable.currency())));
    tx.put(Clearing { expected: Some(told.amount), due: Some(due), journal: ctx.journal, ..known });
    Ok(1)
}

/// Books what a statement shows. A batch is booked once: a second entry of it changes nothing, and reconciliation tells of
/// it. Gives how many were booked.
///
/// Errors: as [`expect`], and `AmountOutOfRange` for nothing at all.
pub(crate) fn receive(told: &Told, ctx: &Context, tx: &mut Tx<'_>) -> Result<usize, Stop> {
    if told.amount == 0 {
        return Err(Rejection::AmountOutOfRange.into());
    }
    let known = find(told, ctx, tx)?;
    if known.received.is_some() {
        return Ok(0);
    }
    let receivable = told.receivable.at(ctx.place.shard);
    let bank = AccountId::bank_cash(receivable.currency()).at(ctx.place.shard);
    let (debit, credit) = if told.amount > 0 { (bank, receivable) } else { (receivable, bank) };
    let amount = told.amount.checked_abs().ok_or(Rejection::AmountOutOfRange)?;
    let (id, kind, subject) = (TransferId(ctx.ids.id(1)), TransferKind::ChannelSettled, known.id.0);
    ledger::transfer(tx, Draft { id, debit, credit, amount, kind, subject, at: ctx.now })?;
    tx.note(format!("{} received", Money::new(told.amount, receivable.currency())));
    tx.put(Clearing {
        received: Some(told.amount),
        statement: Some(told.day),
        bank_reference: told.bank_reference.clone(),
        journal: ctx.journal,
        ..known
    });
    Ok(1)
}

/// The clearing, new when nothing was heard of it, as the command's subject.
fn find(told: &Told, ctx: &Context, tx: &mut Tx<'_>) -> Result<Clearing, Stop> {
    if ctx.caller.actor != Actor::Platform {
        return Err(Rejection::NotAllowed.into());
    }
    let fits = (1..=REFERENCE_MAX).contains(&told.reference.len())
        && told.bank_reference.len() <= BANK_REFERENCE_MAX
        && told.receivable.kind() == AccountKind::ChannelReceivable;
    if !fits {
        return Err(Rejection::AmountOutOfRange.into());
    }
    if let Some(known) = tx.get::<Clearing>(&told.reference)?.cloned() {
        if known.receivable != told.receivable {
            return Err(Rejection::AmountOutOfRange.into());
        }
        tx.about(Subject::Clearing(known.id), Some(known.journal));
        return Ok(known);
    }
    let id = ClearingId(ctx.ids.id(0));
    tx.about(Subject::Clearing(id), None);
    Ok(Clearing {
        reference: told.reference.clone(),
        id,
        receivable: told.receivable,
        expected: None,
        due: None,
        received: None,
        statement: None,
        bank_reference: "".into(),
        opened_at: ctx.now,
        journal: ctx.journal,
    })
}
