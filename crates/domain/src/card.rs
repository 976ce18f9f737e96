//! Bank cards bound by a payer. A card number is never kept: only its last four digits and a token.

use crate::{Context, Rejection, Stop, Tx, journal::Subject, payer};
use ledger::AccountId;
use serde::{Deserialize, Serialize};
use types::{CardId, PayerId, Time};

/// A bound card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Its id.
    pub id: CardId,
    /// Whose.
    pub payer: PayerId,
    /// The bank's code on the wire, such as `CMB_DEBIT`.
    pub bank: Box<str>,
    /// Last four digits.
    pub tail: Box<str>,
    /// The number, tokenised by the channel: what is sent to it instead.
    pub token: Box<str>,
    /// The channel that serves it; owner of its `channel.receivable` account.
    pub channel: i64,
    /// When it was bound.
    pub bound_at: Time,
}

/// Cards one payer may bind.
pub const CARDS_MAX: usize = 15;

/// A card that the channel has verified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewCard {
    /// Whose.
    pub payer: PayerId,
    /// The bank's code.
    pub bank: Box<str>,
    /// Last four digits.
    pub tail: Box<str>,
    /// The channel's token.
    pub token: Box<str>,
    /// The channel.
    pub channel: i64,
    /// Cards the payer has bound already, as the caller read them; bounds their number.
    pub bound: usize,
}

/// Binds a card. Errors: `TooManyCards`, `NumberOutOfRange` for the channel, `PayerNotFound`, `PayerSuspended`.
pub(crate) fn bind(new: &NewCard, ctx: &Context, tx: &mut Tx<'_>) -> Result<CardId, Stop> {
    if new.bound >= CARDS_MAX {
        return Err(Rejection::TooManyCards(CARDS_MAX).into());
    }
    if !AccountId::can_own(new.channel) {
        return Err(Rejection::NumberOutOfRange(new.channel).into());
    }
    let payer = payer::active(new.payer, tx)?;
    tx.about(Subject::Payer(payer.id), Some(payer.journal));
    let id = CardId(ctx.ids.id(0));
    tx.put(Card {
        id,
        payer: payer.id,
        bank: new.bank.clone(),
        tail: new.tail.clone(),
        token: new.token.clone(),
        channel: new.channel,
        bound_at: ctx.now,
    });
    tx.note(format!("{} {}", new.bank, new.tail));
    let channels = payer.channels | 1 << payer::IdentityChannel::BankCard as u8;
    tx.put(payer::Payer { journal: ctx.journal, channels, ..payer });
    Ok(id)
}
