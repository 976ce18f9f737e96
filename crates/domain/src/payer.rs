//! Payers: the wallet's owner, its account class, its payment PIN.

use crate::{
    Context, Rejection, Stop, Tx,
    journal::Subject,
    limit::{self, LimitTable},
    records::Digest,
    sweep,
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use types::{JournalId, PayerId, Time};

/// Personal payment account class (No. 43 of 2015; rules §1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum AccountClass {
    /// At least one outside identity channel.
    One = 1,
    /// At least three, or face to face.
    Two = 2,
    /// At least five, or face to face.
    Three = 3,
}

impl AccountClass {
    /// The class stored as `number`.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            3 => Some(Self::Three),
            _ => None,
        }
    }
}

/// An independent way of checking who the payer is. The number is a bit position and is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[expect(missing_docs, reason = "the names say it")]
pub enum IdentityChannel {
    Phone = 0,
    IdentityCard = 1,
    BankCard = 2,
    Education = 3,
    SocialSecurity = 4,
    Tax = 5,
    FaceToFace = 6,
}

/// The class that a set of identity channels gives (rules §1.1: one, three, five; face to face gives III).
#[must_use]
pub const fn class_of(channels: u8) -> AccountClass {
    if channels & (1 << IdentityChannel::FaceToFace as u8) != 0 || channels.count_ones() >= 5 {
        AccountClass::Three
    } else if channels.count_ones() >= 3 {
        AccountClass::Two
    } else {
        AccountClass::One
    }
}

/// A payer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payer {
    /// Its number.
    pub id: PayerId,
    /// Keyed hash of the phone.
    pub phone: Digest,
    /// The phone, sealed by the vault.
    pub phone_sealed: Box<[u8]>,
    /// May pay.
    pub active: bool,
    /// Identity channels passed, one bit each.
    pub channels: u8,
    /// Keyed hash of the payment PIN; none until set.
    pub pin: Option<Digest>,
    /// Wrong PINs in a row.
    pub pin_failures: u8,
    /// Until when the PIN is locked.
    pub pin_locked_until: Option<Time>,
    /// Small payment-code payments go without PIN.
    pub free_pay: bool,
    /// When the payer signed up.
    pub created_at: Time,
    /// Newest journal line.
    pub journal: JournalId,
}

impl Payer {
    /// The account class.
    #[must_use]
    pub const fn class(&self) -> AccountClass {
        class_of(self.channels)
    }
}

/// Which payer a phone belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneOwner {
    /// Keyed hash of the phone.
    pub phone: Digest,
    /// The payer.
    pub payer: PayerId,
}

/// What became of a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinOutcome {
    /// Right.
    Right,
    /// Wrong; so many tries are left.
    Wrong {
        /// Tries left before the PIN locks.
        left: u8,
    },
    /// Wrong, and locked until then.
    Locked {
        /// When it opens again.
        until: Time,
    },
}

/// Reads a payer who may act. Errors: `PayerNotFound`, `PayerSuspended`.
pub(crate) fn active(id: PayerId, tx: &mut Tx<'_>) -> Result<Payer, Stop> {
    let payer = tx.need::<Payer>(&id, Rejection::PayerNotFound)?;
    if payer.active { Ok(payer.clone()) } else { Err(Rejection::PayerSuspended.into()) }
}

/// Makes a payer for a phone that has none.
pub(crate) fn create(
    phone: Digest,
    phone_sealed: &[u8],
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<PayerId, Stop> {
    let id = PayerId(sweep::next("payer", tx)?);
    tx.put(Payer {
        id,
        phone,
        phone_sealed: phone_sealed.into(),
        active: true,
        channels: 1 << IdentityChannel::Phone as u8,
        pin: None,
        pin_failures: 0,
        pin_locked_until: None,
        free_pay: true,
        created_at: ctx.now,
        journal: ctx.journal,
    });
    tx.put(PhoneOwner { phone, payer: id });
    Ok(id)
}

/// Checks a PIN and counts a wrong one. The caller keeps the payer and must not go on unless it is right.
/// Errors: `PinNotSet`, `PinLocked`.
pub(crate) fn check_pin(
    payer: &mut Payer,
    given: Digest,
    table: &LimitTable,
    now: Time,
) -> Result<PinOutcome, Rejection> {
    let kept = payer.pin.ok_or(Rejection::PinNotSet)?;
    if let Some(until) = payer.pin_locked_until {
        if now < until {
            return Err(Rejection::PinLocked(until));
        }
        payer.pin_locked_until = None;
        payer.pin_failures = 0;
    }
    if bool::from(kept.0.ct_eq(&given.0)) {
        payer.pin_failures = 0;
        return Ok(PinOutcome::Right);
    }
    payer.pin_failures = payer.pin_failures.saturating_add(1);
    if payer.pin_failures >= table.pin_failures {
        let until = now.plus(table.pin_lock_s * types::time::SECOND);
        payer.pin_locked_until = Some(until);
        return Ok(PinOutcome::Locked { until });
    }
    Ok(PinOutcome::Wrong { left: table.pin_failures - payer.pin_failures })
}

/// Sets the first PIN, or replaces it with the old one as proof. Errors: `PinAlreadySet` when a PIN is set
/// and no old one is given, `PinLocked`.
pub(crate) fn set_pin(
    id: PayerId,
    new: Digest,
    old: Option<Digest>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<PinOutcome, Stop> {
    tx.expect::<limit::Limits>(&());
    let mut payer = active(id, tx)?;
    tx.about(Subject::Payer(id), Some(payer.journal));
    let outcome = match (payer.pin, old) {
        (None, _) => PinOutcome::Right,
        (Some(_), None) => return Err(Rejection::PinAlreadySet.into()),
        (Some(_), Some(old)) => check_pin(&mut payer, old, &limit::in_force(ctx, tx)?, ctx.now)?,
    };
    if outcome == PinOutcome::Right {
        payer.pin = Some(new);
        payer.pin_failures = 0;
    } else {
        tx.note("pin refused");
    }
    payer.journal = ctx.journal;
    tx.put(payer);
    Ok(outcome)
}

/// Records that an identity channel confirmed the payer; the class may rise (rules §1.1).
pub(crate) fn confirm_identity(
    id: PayerId,
    channel: IdentityChannel,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let mut payer = active(id, tx)?;
    tx.about(Subject::Payer(id), Some(payer.journal));
    payer.channels |= 1 << channel as u8;
    payer.journal = ctx.journal;
    tx.note(format!("{channel:?}, class {}", payer.class() as u8));
    tx.put(payer);
    Ok(())
}

/// Switches payments without PIN on or off.
pub(crate) fn set_free_pay(id: PayerId, on: bool, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let mut payer = active(id, tx)?;
    tx.about(Subject::Payer(id), Some(payer.journal));
    payer.free_pay = on;
    payer.journal = ctx.journal;
    tx.put(payer);
    Ok(())
}
