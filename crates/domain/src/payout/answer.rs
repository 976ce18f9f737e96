//! Payouts leave in a file, and the bank answers.

use super::{Payout, PayoutState, find, give_back, in_transit, transfer};
use crate::{Context, Rejection, Stop, Tx, context::Actor};
use ledger::{AccountId, TransferKind};
use serde::{Deserialize, Serialize};
use types::{Money, PayoutId};

/// What a bank says of a payout, by a status report or a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BankAnswer {
    /// Taken in, not paid yet (ACTC, ACCP, ACSP, PDNG).
    Accepted,
    /// Paid, under this reference (ACSC, ACCC, a booked debit).
    Settled(Box<str>),
    /// Refused for this reason (RJCT).
    Rejected(Box<str>),
    /// Paid and sent back for this reason (pacs.004, a booked return).
    Returned(Box<str>),
    /// The bank does not know, or can't be asked.
    Unknown,
}

/// Payouts of one file at most.
pub const FILE_MAX: usize = 500;
/// Characters of a message id at most (ISO 20022 Max35Text).
const FILE_ID_MAX: usize = 35;

/// Marks payouts as sent in the file of message id `file`. It is done before the file is written, and the file is written
/// again under the same id after a crash: the bank tells a repeat by it, and no payout is ever in two files.
///
/// Payouts sent before stay in their file, and a file never grows: once one of `payouts` is in it, it may be at the bank
/// already, and the others wait for a file of their own. Gives how many go into this one. Errors: `NotAllowed` for anybody but the
/// platform, `AmountOutOfRange` for no message id or more than [`FILE_MAX`] payouts, `PayoutNotFound`.
pub(crate) fn send(file: &str, payouts: &[PayoutId], ctx: &Context, tx: &mut Tx<'_>) -> Result<usize, Stop> {
    if ctx.caller.actor != Actor::Platform {
        return Err(Rejection::NotAllowed.into());
    }
    if !(1..=FILE_ID_MAX).contains(&file.len()) || payouts.len() > FILE_MAX {
        return Err(Rejection::AmountOutOfRange.into());
    }
    for id in payouts {
        tx.expect::<Payout>(id);
    }
    tx.loaded()?;
    let mut known = Vec::with_capacity(payouts.len());
    for id in payouts {
        known.push(tx.need::<Payout>(id, Rejection::PayoutNotFound)?.clone());
    }
    let is_there = known.iter().any(|payout| &*payout.file == file);
    let mut sent = 0;
    for payout in known {
        if payout.state == PayoutState::Created && !is_there {
            sent += 1;
            tx.put(Payout { state: PayoutState::Sent, file: file.into(), journal: ctx.journal, ..payout });
        }
    }
    tx.note(format!("{sent} in {file}"));
    Ok(sent)
}

/// Takes in what the bank says. The same again, or something older that comes late, changes nothing.
///
/// Errors: `PayoutNotFound`, `PayoutNotSent`, `WrongAmount` when the bank speaks of another amount (Jeepay 106),
/// `PayoutFinal` when it contradicts what it said before: money would move twice.
pub(crate) fn answer(
    id: PayoutId,
    amount: Money,
    said: &BankAnswer,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<PayoutState, Stop> {
    use BankAnswer as Said;
    use PayoutState as State;
    if !matches!(ctx.caller.actor, Actor::Platform | Actor::Channel) {
        return Err(Rejection::NotAllowed.into());
    }
    let payout = find(id, tx)?;
    if payout.amount != amount {
        return Err(Rejection::WrongAmount { wanted: payout.amount, confirmed: amount }.into());
    }
    let bank = AccountId::bank_cash(amount.currency);
    let transit = in_transit(&payout);
    let (state, code) = match (payout.state, said) {
        (State::Waiting | State::Created | State::Cancelled, _) => {
            return Err(Rejection::PayoutNotSent(payout.state).into());
        }
        (State::Sent | State::Unknown, Said::Accepted) => (State::Accepted, None),
        (State::Sent | State::Accepted, Said::Unknown) => (State::Unknown, None),
        (State::Sent | State::Accepted | State::Unknown, Said::Settled(code)) => {
            transfer(&payout, TransferKind::PayoutSettled, (transit, bank), ctx, tx)?;
            (State::Settled, Some(code))
        }
        (State::Sent | State::Accepted | State::Unknown, Said::Rejected(code)) => {
            give_back(&payout, transit, ctx, tx)?;
            (State::Rejected, Some(code))
        }
        (State::Sent | State::Accepted | State::Unknown, Said::Returned(code)) => {
            give_back(&payout, transit, ctx, tx)?;
            (State::Returned, Some(code))
        }
        (State::Settled, Said::Returned(code)) => {
            give_back(&payout, bank, ctx, tx)?;
            (State::Returned, Some(code))
        }
        (State::Settled | State::Returned, Said::Rejected(_))
        | (State::Rejected, Said::Settled(_) | Said::Returned(_)) => {
            return Err(Rejection::PayoutFinal(payout.state).into());
        }
        (state, _) => return Ok(state), // said before, or overtaken
    };
    tx.note(match code {
        Some(code) => format!("{}: {code}", state.name()),
        None => state.name().into(),
    });
    let ended = !state.is_open();
    tx.put(Payout {
        state,
        bank_code: code.unwrap_or(&payout.bank_code).clone(),
        ended_at: if ended { Some(ctx.now) } else { payout.ended_at },
        journal: ctx.journal,
        ..payout
    });
    Ok(state)
}
