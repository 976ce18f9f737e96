//! Typed ids. Every id is a positive `i64` inside, so that rows stay narrow, and prints in its wire form.

use crate::{shard::Shard, time::Time};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {kind}")]
pub struct IdError {
    /// What was expected, with its form.
    pub kind: &'static str,
    /// The first characters of what came.
    pub text: String,
}

impl IdError {
    pub(crate) fn new(kind: &'static str, text: &str) -> Self {
        Self { kind, text: text.chars().take(64).collect() }
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $form:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    )*
        $(decimal_id!($name, $form);)*
    };
}

macro_rules! decimal_id {
    ($name:ident, $form:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let canonical = !text.is_empty()
                    && text.bytes().all(|b| b.is_ascii_digit())
                    && !(text.len() > 1 && text.starts_with('0'));
                let value = if canonical { text.parse().ok() } else { None };
                value.map(Self).ok_or_else(|| IdError::new($form, text))
            }
        }
    };
}

ids! {
    /// A merchant, `mchid` on the wire.
    MerchantId: "a merchant number (digits)";
    /// A payer.
    PayerId: "a payer number (digits)";
    /// An order; its wire form once paid is [`crate::TransactionId`].
    OrderId: "an order number (digits)";
    /// A combined order: several merchants' orders that are paid as one. Its wire form is [`crate::CombineTransactionId`].
    CombinedId: "a combined order's number (digits)";
    /// One attempt to pay an order by a channel, or one top-up.
    PaymentId: "a payment number (digits)";
    /// A refund, `refund_id` on the wire as [`crate::RefundNumber`].
    RefundId: "a refund number (digits)";
    /// A person who signs in to a console: of the platform or of a merchant.
    OperatorId: "an operator number (digits)";
    /// Money of a merchant that is set aside for a reason.
    HoldId: "a hold number (digits)";
    /// A payout to a merchant's bank account.
    PayoutId: "a payout number (digits)";
    /// A transfer of a merchant to a user, `transfer_bill_no` on the wire as [`crate::TransferBillNo`].
    UserTransferId: "a user transfer number (digits)";
    /// A batch of transfers to users, `batch_id` on the wire as [`crate::TransferBatchNo`].
    TransferBatchId: "a transfer batch number (digits)";
    /// A request to share the money of an order, `order_id` of profit sharing on the wire as [`crate::ShareNumber`].
    ShareId: "a share number (digits)";
    /// A return of what was shared, `return_id` on the wire as [`crate::ShareReturnNumber`].
    ShareReturnId: "a share return number (digits)";
    /// A difference found by reconciliation.
    ExceptionId: "an exception number (digits)";
    /// What a channel pays to the platform's bank for a batch of its bill.
    ClearingId: "a clearing number (digits)";
    /// A ledger transfer.
    TransferId: "a transfer number (digits)";
    /// A bank card bound by a payer.
    CardId: "a card number id (digits)";
    /// A notification to a merchant, the same on every attempt.
    NotificationId: "a notification number (digits)";
    /// A message that a merchant asked to be echoed to its notify address.
    EchoId: "an echo number (digits)";
    /// A line of the journal: its shard, batch and place in the batch, see [`JournalId::new`].
    JournalId: "a journal number (digits)";
    /// A payer's or operator's signed-in session.
    SessionId: "a session number (digits)";
    /// A command waiting for its time.
    TimerId: "a timer number (digits)";
}

/// An application, `appid` on the wire: `wx` and 16 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppId(pub i64);

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wx{:016x}", self.0)
    }
}
impl fmt::Debug for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
impl FromStr for AppId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let bad = || IdError::new("an appid (wx and 16 lower-case hex digits)", text);
        let hex = text.strip_prefix("wx").ok_or_else(bad)?;
        let lower = hex.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
        if hex.len() != 16 || !lower {
            return Err(bad());
        }
        u64::from_str_radix(hex, 16).map(|v| Self(v.cast_signed())).map_err(|_| bad())
    }
}

impl JournalId {
    /// Places that a batch has.
    pub const PLACES: i64 = 4096;
    /// The bit from which on the shard stands.
    pub const SHARD_AT: u32 = 57;
    /// Line `place` (0..[`Self::PLACES`]) of a shard's batch (0..2⁴⁵): 6 bits of shard, 45 of batch, 12 of place.
    /// The lines of the first shard are batch × 4096 + place.
    #[must_use]
    pub const fn new(shard: Shard, batch: i64, place: i64) -> Self {
        Self(((shard.number() as i64) << Self::SHARD_AT) | (batch * Self::PLACES + place))
    }
    /// The batch it is in, of its own shard.
    #[must_use]
    pub const fn batch(self) -> i64 {
        (self.0 & ((1 << Self::SHARD_AT) - 1)) / Self::PLACES
    }
    /// Its place in the batch.
    #[must_use]
    pub const fn place(self) -> i64 {
        self.0 % Self::PLACES
    }
}

impl NotificationId {
    /// The id on the wire: a UUID of version 8 (RFC 9562 §5.8), 36 characters. It is computed from the number and
    /// back, so every try carries the same one and no row stores it. Wire ids sort by time as the numbers do.
    ///
    /// ```
    /// use types::NotificationId;
    /// let id = NotificationId(806_596_116_480_000_003);
    /// assert_eq!(id.wire(), "0b319ae4-f800-8000-8dca-08a0bb9996b7");
    /// assert_eq!(NotificationId::from_wire(&id.wire()), Some(id));
    /// ```
    #[must_use]
    pub fn wire(self) -> String {
        let value = self.0.cast_unsigned();
        let (upper, middle, lower) = (value >> 16, (value >> 4) & 0xfff, value & 0xf);
        let high = (upper << 16) | 0x8000 | middle;
        let low = (0b10 << 62) | (lower << 58) | (mixed(value) >> 6);
        let text = format!("{high:016x}{low:016x}");
        format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
    }
    /// The id behind a wire id; none unless [`NotificationId::wire`] gives exactly this text for it.
    #[must_use]
    pub fn from_wire(text: &str) -> Option<Self> {
        if text.len() != 36 || !text.is_ascii() {
            return None;
        }
        let part = |from: usize, to: usize| u64::from_str_radix(&text[from..to], 16).ok();
        let upper = (part(0, 8)? << 16) | part(9, 13)?;
        let (middle, lower) = (part(15, 18)?, ((part(19, 20)? & 0b11) << 2) | (part(20, 21)? >> 2));
        let id = Self(((upper << 16) | (middle << 4) | lower).cast_signed());
        (id.wire() == text).then_some(id)
    }
}

/// Spreads a value over 64 bits (the finisher of splitmix64): the rest of the UUID only has to look different.
const fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Time-ordered ids: 41 bits of milliseconds since 2020-01-01T00:00:00Z, 6 bits of shard, 16 bits of sequence.
/// A command gets a block of [`IdBlock::SIZE`] consecutive ids, so what it creates sorts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdBlock(i64);

const ID_EPOCH_MS: i64 = 1_577_836_800_000;

impl IdBlock {
    /// Ids in one block.
    pub const SIZE: i64 = 8;
    /// Blocks that one millisecond of one shard holds.
    pub const PER_MS: i64 = (1 << 16) / Self::SIZE;
    /// Blocks that one command may use, its own and those after it: enough for each part of the largest combined order
    /// to have one. Whoever gives out blocks keeps so many free in the millisecond.
    pub const MOST: i64 = 64;
    /// The block `index` (0..[`Self::PER_MS`]) of a millisecond of a shard (0..64).
    #[must_use]
    pub fn new(at: Time, shard: u8, index: i64) -> Self {
        let ms = (at.0.div_euclid(1000) - ID_EPOCH_MS).clamp(0, (1 << 41) - 1);
        Self((ms << 22) | (i64::from(shard & 63) << 16) | ((index * Self::SIZE) & 0xffff))
    }
    /// The id at place `n` of the block, `n < SIZE`.
    #[must_use]
    pub fn id(self, n: i64) -> i64 {
        debug_assert!((0..Self::SIZE).contains(&n));
        self.0 + n
    }
    /// The block `n` (0..[`Self::MOST`]) places after this one. A command that uses others than its own says how many,
    /// so that no other command gets them.
    #[must_use]
    pub fn block(self, n: i64) -> Self {
        debug_assert!((0..Self::MOST).contains(&n));
        Self(self.0 + n * Self::SIZE)
    }
    /// Rebuilds a block from its first id, for replay and tests.
    #[must_use]
    pub const fn from_first(id: i64) -> Self {
        Self(id)
    }
}

/// The millisecond in which an id was made.
#[must_use]
pub const fn id_time(id: i64) -> Time {
    Time(((id >> 22) + ID_EPOCH_MS) * 1000)
}

/// The smallest id that can be made at `at` or later: the start of a time range over ids.
#[must_use]
pub fn first_id_at(at: Time) -> i64 {
    IdBlock::new(at, 0, 0).0
}

/// The shard that made an id.
#[must_use]
pub const fn id_shard(id: i64) -> i64 {
    (id >> 16) & 63
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wire_forms_read_back() {
        let app: AppId = "wx8888888888888888".parse().unwrap();
        assert_eq!(app.to_string(), "wx8888888888888888");
        for bad in ["wx", "wx888888888888888", "WX8888888888888888", "wx888888888888888G", ""] {
            assert!(bad.parse::<AppId>().is_err(), "{bad}");
        }
        assert_eq!("1900000001".parse::<MerchantId>().unwrap().0, 1_900_000_001);
        for bad in ["", "01", "-1", "1 ", "9223372036854775808", "x"] {
            assert!(bad.parse::<MerchantId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_sort_by_time() {
        let early = IdBlock::new(Time::from_unix(1_700_000_000), 3, IdBlock::PER_MS - 1);
        let late = IdBlock::new(Time::from_unix(1_700_000_001), 0, 0);
        assert!(early.id(7) < late.id(0));
        assert_eq!(id_time(early.id(7)), Time::from_unix(1_700_000_000));
        assert_eq!(id_shard(early.id(7)), 3);
    }
    #[test]
    fn a_notifications_wire_id_leads_back_and_nothing_else_does() {
        for id in [0, 1, 15, 16, 0xffff, 0x1_0000, 806_596_116_480_000_003, i64::MAX, -1] {
            let (id, wire) = (NotificationId(id), NotificationId(id).wire());
            assert_eq!((wire.len(), &wire[14..15]), (36, "8"), "{wire}");
            assert_eq!(NotificationId::from_wire(&wire), Some(id));
            for changed in [wire.to_uppercase(), wire.replace('-', "+"), wire[1..].into(), format!("{wire} ")]
            {
                assert!(changed == wire || NotificationId::from_wire(&changed).is_none(), "{changed}");
            }
        }
        assert_eq!(NotificationId::from_wire("é".repeat(18).as_str()), None);
    }

    proptest! {
        #[test]
        fn a_wire_id_is_a_uuid_that_leads_back(id in any::<i64>(), other in any::<i64>()) {
            let text = NotificationId(id).wire();
            prop_assert_eq!(text.len(), 36);
            let form = text.bytes().enumerate().all(|(place, byte)| match place {
                8 | 13 | 18 | 23 => byte == b'-',
                14 => byte == b'8',
                19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
                _ => byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'),
            });
            prop_assert!(form, "{}", text);
            prop_assert_eq!(NotificationId::from_wire(&text), Some(NotificationId(id)));
            if other != id {
                prop_assert_ne!(NotificationId(other).wire(), text);
            }
        }

        #[test]
        fn another_text_is_nobody(place in 0_usize..36, new in "[0-9a-fA-F-]", text in "\\PC{0,40}") {
            let known = NotificationId(1).wire();
            let mut changed = known.clone();
            changed.replace_range(place..=place, &new);
            prop_assert_eq!(NotificationId::from_wire(&changed).is_some_and(|id| id.wire() != changed), false);
            if changed != known {
                prop_assert_ne!(NotificationId::from_wire(&changed), Some(NotificationId(1)));
            }
            prop_assert!(NotificationId::from_wire(&text).is_none_or(|id| id.wire() == text));
        }
    }
}
