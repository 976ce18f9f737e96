//! Money of a merchant that is set aside: why, until when, by whom. It stays the merchant's and can't be spent.

use crate::{
    Context, Rejection, Stop, Tx,
    context::Actor,
    crossing::{self, Wanted},
    journal::Subject,
    merchant::Merchant,
};
use ledger::{Account, AccountId, Draft, Refused, TransferKind};
use serde::{Deserialize, Serialize};
use types::{Currency, HoldId, JournalId, MerchantId, Money, Time, TransferId};

/// Money set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id; the transfer that made it is the next, the one that ends it is named.
    pub id: HoldId,
    /// Whose money.
    pub merchant: MerchantId,
    /// How much, fen.
    pub amount: i64,
    /// Why.
    pub reason: HoldReason,
    /// What the merchant is told, at most 120 characters, without personal data.
    pub note: Box<str>,
    /// Since when.
    pub since: Time,
    /// Until when; until it is released when none.
    pub until: Option<Time>,
    /// The transfer that released it.
    pub released_by: Option<TransferId>,
    /// When something happens by itself next.
    pub due_at: Option<Time>,
    /// Newest journal line.
    pub journal: JournalId,
}

/// Why money is set aside (rules §7.5). The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum HoldReason {
    /// A payer disputes payments.
    Dispute = 0,
    /// The platform's risk control asks for it.
    Risk = 1,
    /// A court or authority ordered it.
    Judicial = 2,
    /// A clerk was unbound and open trades must end first (R-CLERK-22).
    Clerk = 3,
    /// Another reason, told in the note.
    Other = 4,
}

impl HoldReason {
    /// Every reason, in stored order.
    pub const ALL: [Self; 5] = [Self::Dispute, Self::Risk, Self::Judicial, Self::Clerk, Self::Other];
    /// The reason stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| *reason as i64 == number)
    }
    /// The word used in APIs, pages and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dispute => "dispute",
            Self::Risk => "risk",
            Self::Judicial => "judicial",
            Self::Clerk => "clerk",
            Self::Other => "other",
        }
    }
}

/// Money to be set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewHold {
    /// Whose.
    pub merchant: MerchantId,
    /// How much, fen, of the settled money.
    pub amount: i64,
    /// Why.
    pub reason: HoldReason,
    /// What the merchant is told.
    pub note: Box<str>,
    /// Until when.
    pub until: Option<Time>,
}

/// Characters of a note at most.
const NOTE_MAX: usize = 120;

/// Whether the caller acts for the platform. Errors: `NotAllowed`.
fn staff(ctx: &Context) -> Result<(), Rejection> {
    match ctx.caller.actor {
        Actor::Operator(_) | Actor::Platform => Ok(()),
        _ => Err(Rejection::NotAllowed),
    }
}

/// Sets settled money aside. Errors: `NotAllowed` for anybody but the platform's people, `MerchantNotFound`,
/// `AmountOutOfRange`, also for a note that is too long or a time that has passed; `NotEnough`.
pub(crate) fn make(new: &NewHold, ctx: &Context, tx: &mut Tx<'_>) -> Result<HoldId, Stop> {
    staff(ctx)?;
    let (from, to) = (
        AccountId::merchant_available(new.merchant, Currency::CNY),
        AccountId::merchant_held(new.merchant, Currency::CNY),
    );
    tx.expect::<Account>(&from);
    tx.expect::<Account>(&to);
    tx.need::<Merchant>(&new.merchant, Rejection::MerchantNotFound(new.merchant))?;
    let past = new.until.is_some_and(|until| until <= ctx.now);
    if past || new.note.chars().count() > NOTE_MAX {
        return Err(Rejection::AmountOutOfRange.into());
    }
    crossing::gather(from, Wanted::Whole(new.amount), ctx, tx)?;
    let id = HoldId(ctx.ids.id(0));
    tx.about(Subject::Hold(id), None);
    let draft = Draft {
        id: TransferId(ctx.ids.id(1)),
        debit: from,
        credit: to,
        amount: new.amount,
        kind: TransferKind::Hold,
        subject: id.0,
        at: ctx.now,
    };
    ledger::transfer(tx, draft).map_err(not_enough)?;
    tx.note(format!("{} held: {}", Money::cny(new.amount), new.reason.name()));
    tx.put(Hold {
        id,
        merchant: new.merchant,
        amount: new.amount,
        reason: new.reason,
        note: new.note.clone(),
        since: ctx.now,
        until: new.until,
        released_by: None,
        due_at: new.until,
        journal: ctx.journal,
    });
    Ok(id)
}

/// Releases what was set aside; again changes nothing. By itself when its time is over, by the platform's people at any
/// time. Errors: `NotAllowed`, `HoldNotFound`.
pub(crate) fn release(id: HoldId, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    staff(ctx)?;
    let hold = tx.need::<Hold>(&id, Rejection::HoldNotFound)?.clone();
    tx.about(Subject::Hold(id), Some(hold.journal));
    if hold.released_by.is_some() {
        return Ok(());
    }
    let transfer = TransferId(ctx.ids.id(1));
    let draft = Draft {
        id: transfer,
        debit: AccountId::merchant_held(hold.merchant, Currency::CNY),
        credit: AccountId::merchant_available(hold.merchant, Currency::CNY),
        amount: hold.amount,
        kind: TransferKind::HoldRelease,
        subject: id.0,
        at: ctx.now,
    };
    ledger::transfer(tx, draft)?;
    tx.note(format!("{} released", Money::cny(hold.amount)));
    tx.put(Hold { released_by: Some(transfer), due_at: None, journal: ctx.journal, ..hold });
    Ok(())
}

/// Too little money is told in plain words; an amount that is none is out of range.
pub(crate) fn not_enough(stop: Stop) -> Stop {
    match stop {
        Stop::Rejected(Rejection::Ledger(Refused::NotEnough { .. })) => Rejection::NotEnough.into(),
        Stop::Rejected(Rejection::Ledger(Refused::Amount(_))) => Rejection::AmountOutOfRange.into(),
        other => other,
    }
}
