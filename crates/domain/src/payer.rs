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
    let (shard, shards) = (ctx.place.shard.number(), ctx.place.shards.count());
    let name = if shard == 0 { "payer".into() } else { format!("payer:{shard}") };
    // The number leads back to this shard; with one shard it is the count.
    let id = PayerId(sweep::next(&name, tx)? * i64::from(shards) + i64::from(shard));
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

#[cfg(test)]
mod tests {
    use super::*;
    use types::time;

    const NOW: Time = Time::from_unix(1_767_585_600);
    const RIGHT: Digest = Digest([1; 32]);

    /// Every set of channels: one, three, five; face to face gives III (rules §1.1).
    #[test]
    fn a_class_follows_from_the_channels_passed() {
        for channels in 0..=0b111_1111_u8 {
            let face = channels & 0b100_0000 != 0;
            let wanted = match (face, channels.count_ones()) {
                (true, _) | (false, 5..) => AccountClass::Three,
                (false, 3..=4) => AccountClass::Two,
                (false, 0..=2) => AccountClass::One,
            };
            assert_eq!(class_of(channels), wanted, "{channels:07b}");
        }
        assert_eq!(AccountClass::from_number(0), None);
        for class in [AccountClass::One, AccountClass::Two, AccountClass::Three] {
            assert_eq!(AccountClass::from_number(class as i64), Some(class));
        }
    }

    fn payer(pin_failures: u8, pin_locked_until: Option<Time>) -> Payer {
        Payer {
            id: PayerId(1),
            phone: Digest([0; 32]),
            phone_sealed: Box::from([]),
            active: true,
            channels: 1,
            pin: Some(RIGHT),
            pin_failures,
            pin_locked_until,
            free_pay: true,
            created_at: NOW,
            journal: JournalId(1),
        }
    }

    /// From failures and lock, a PIN leads to an outcome, failures and lock.
    #[test]
    fn a_pin_is_checked_by_count_and_by_time() {
        let (right, wrong) = (RIGHT, Digest([2; 32]));
        let locked_for = |micros: i64| Some(NOW.plus(micros));
        let until = NOW.plus(3 * time::HOUR);
        let locked = |until| Err(Rejection::PinLocked(until));
        let left = |left| Ok(PinOutcome::Wrong { left });
        for (failures, lock, given, wanted, failures_then, lock_then) in [
            (0, None, right, Ok(PinOutcome::Right), 0, None),
            (0, None, wrong, left(4), 1, None),
            (3, None, wrong, left(1), 4, None),
            (4, None, right, Ok(PinOutcome::Right), 0, None),
            (4, None, wrong, Ok(PinOutcome::Locked { until }), 5, Some(until)),
            (5, locked_for(1), right, locked(NOW.plus(1)), 5, locked_for(1)),
            (5, locked_for(1), wrong, locked(NOW.plus(1)), 5, locked_for(1)),
            (5, locked_for(0), right, Ok(PinOutcome::Right), 0, None),
            (5, locked_for(0), wrong, left(4), 1, None),
            (5, locked_for(-1), wrong, left(4), 1, None),
            // More failures than the table allows, as after the operator lowered it: the next one locks.
            (200, None, wrong, Ok(PinOutcome::Locked { until }), 201, Some(until)),
            (255, None, wrong, Ok(PinOutcome::Locked { until }), 255, Some(until)),
        ] {
            let mut payer = payer(failures, lock);
            let outcome = check_pin(&mut payer, given, &LimitTable::of_law(), NOW);
            let case = format!("{failures} failures, lock {lock:?}, {given:?}");
            assert_eq!(outcome, wanted, "{case}");
            assert_eq!((payer.pin_failures, payer.pin_locked_until), (failures_then, lock_then), "{case}");
        }
        let mut bare = Payer { pin: None, ..payer(0, None) };
        assert_eq!(check_pin(&mut bare, right, &LimitTable::of_law(), NOW), Err(Rejection::PinNotSet));
    }

    #[test]
    fn the_operator_sets_how_many_failures_and_how_long() {
        for (pin_failures, pin_lock_s) in [(1, 60), (3, 1), (10, 86_400)] {
            let table = LimitTable { pin_failures, pin_lock_s, ..LimitTable::of_law() };
            let mut payer = payer(0, None);
            for failure in 1..=pin_failures {
                let outcome = check_pin(&mut payer, Digest([2; 32]), &table, NOW);
                let until = NOW.plus(pin_lock_s * time::SECOND);
                let wanted = match pin_failures - failure {
                    0 => PinOutcome::Locked { until },
                    left => PinOutcome::Wrong { left },
                };
                assert_eq!(outcome, Ok(wanted));
            }
        }
    }
}
