//! Settlement T+n: what a merchant took in a day becomes its own (R-FIN-11).
//!
//! ```text
//! day:         (open) ──begin, once it is over──▶ Closing ──every merchant closed──▶ Closed
//! settlement:  close ──▶ Waiting ──release time──▶ Released ──reserve time──▶ Done      (Done at once without reserve)
//! money:       unsettled ─────────────────────────▶ available, and a part ▶ reserve ──▶ available
//! ```
//!
//! A day is a range of transfer ids: ids rise with time, and once a day has begun to close, and every shard has passed its
//! end, no id of it is given out any more, so its sums never change. Whoever closes reads the transfers once for all merchants and sends one command a
//! merchant; a repeat finds the settlement there, with the same sums or not at all.

mod day;
mod plan;
mod release;
mod tally;
mod totals;

pub use day::{Day, DayState};
pub use plan::{Payouts, Plan, Terms};
pub use tally::{Tally, next_day};
pub use totals::Totals;

pub(crate) use day::{begin, close, end, pass};
pub(crate) use plan::{set as set_plan, terms_of};
pub(crate) use release::release;

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use types::{BusinessDay, JournalId, MerchantId, Time, TransferId};

/// A merchant's settlement of a day: the merchant's number and the day in one integer, so that it is a row key by
/// itself, a merchant's settlements lie together, and transfers name it. Prints as `1900000001-2026-11-22`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SettlementId(pub i64);

const DAY_BITS: u32 = 17;
const DAY_MASK: i64 = (1 << DAY_BITS) - 1;

impl SettlementId {
    /// The settlement of `merchant` for `day`; days beyond 2328 are kept as the last one that fits.
    #[must_use]
    pub fn new(merchant: MerchantId, day: BusinessDay) -> Self {
        Self(merchant.0 << DAY_BITS | i64::from(day.0).clamp(0, DAY_MASK))
    }
    /// Whose.
    #[must_use]
    pub const fn merchant(self) -> MerchantId {
        MerchantId(self.0 >> DAY_BITS)
    }
    /// Of which day.
    #[must_use]
    pub const fn day(self) -> BusinessDay {
        BusinessDay((self.0 & DAY_MASK) as i32)
    }
}

impl fmt::Display for SettlementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.merchant(), self.day())
    }
}

impl FromStr for SettlementId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not a settlement such as 1900000001-2026-11-22");
        let (merchant, day) = text.split_once('-').ok_or_else(bad)?;
        let merchant: MerchantId = merchant.parse().map_err(|_| bad())?;
        let day = BusinessDay::parse(day).ok_or_else(bad)?;
        if ledger::AccountId::can_own(merchant.0) { Ok(Self::new(merchant, day)) } else { Err(bad()) }
    }
}

/// What a merchant took in a day, and what became of it. Amounts are fen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// Which merchant and day.
    pub id: SettlementId,
    /// The day's payments, refunds and fees.
    pub totals: Totals,
    /// Where it stands.
    pub state: SettlementState,
    /// The merchant's settlement before this one: its rest is carried here.
    pub previous: Option<BusinessDay>,
    /// When the day was closed for this merchant.
    pub closed_at: Time,
    /// When the money is released: T+n, never before the merchant's settlement before this one.
    pub release_at: Time,
    /// When it was.
    pub released_at: Option<Time>,
    /// Carried in from the settlement before: money it could not release because later refunds had used it, or, below
    /// zero, refunds that later takings have paid.
    pub brought: i64,
    /// Released to the merchant's settled money.
    pub released: i64,
    /// Kept back as reserve.
    pub reserve: i64,
    /// Carried to the next settlement: `brought + net - released - reserve`.
    pub carried: i64,
    /// When the reserve is released.
    pub reserve_until: Option<Time>,
    /// When something happens by itself next.
    pub due_at: Option<Time>,
    /// The transfer that released it; the reserve's is the next id.
    pub transfer: Option<TransferId>,
    /// Newest journal line.
    pub journal: JournalId,
}

/// Where a settlement stands. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum SettlementState {
    /// Waits for its release time.
    Waiting = 0,
    /// Released but for the reserve.
    Released = 1,
    /// Nothing is left to happen.
    Done = 2,
}

impl SettlementState {
    /// Every state, in stored order.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Released, Self::Done];
    /// The state stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as i64 == number)
    }
    /// The word used in pages, files and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Released => "released",
            Self::Done => "done",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settlement_id_holds_merchant_and_day() {
        for (merchant, day) in [(1, 0), (1_900_000_001, 20_779), (ledger::AccountId::OWNER_MAX, 131_071)] {
            let id = SettlementId::new(MerchantId(merchant), BusinessDay(day));
            assert!(id.0 > 0);
            assert_eq!((id.merchant(), id.day()), (MerchantId(merchant), BusinessDay(day)));
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for bad in ["", "1", "1-", "0-2026-11-22", "x-2026-11-22", "1-2026-11-32"] {
            assert!(bad.parse::<SettlementId>().is_err(), "{bad}");
        }
    }
}
