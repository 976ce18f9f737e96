//! What becomes of a payment at the simulated bank.

use crate::Reason;
use serde::{Deserialize, Serialize};

/// What becomes of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is paid.
    Pays,
    /// It is refused.
    Rejected(Reason),
    /// It waits (PDNG) and is paid days later.
    Late {
        /// After how many days.
        days: u8,
    },
    /// The bank never says anything of it, and never pays.
    Silent,
    /// It is paid with another amount.
    WrongAmount,
    /// It is paid twice.
    Duplicate,
    /// It is paid and sent back.
    Returned {
        /// After how many days.
        days: u8,
        /// Why.
        reason: Reason,
    },
    /// It is paid, but stands in the next day's statement only.
    MissingInStatement,
}

/// How many of a thousand payments meet each fate by chance. The rest is paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Refused, for any reason.
    pub rejected: u16,
    /// Paid one to five days later.
    pub late: u16,
    /// Never answered.
    pub silent: u16,
    /// Paid with another amount.
    pub wrong_amount: u16,
    /// Paid twice.
    pub duplicate: u16,
    /// Sent back after one to five days.
    pub returned: u16,
    /// Missing in the day's statement.
    pub missing: u16,
}

impl Faults {
    /// Everything is paid.
    pub const NONE: Self =
        Self { rejected: 0, late: 0, silent: 0, wrong_amount: 0, duplicate: 0, returned: 0, missing: 0 };
}

const REFUSALS: [Reason; 4] =
    [Reason::ACCOUNT_WRONG, Reason::ACCOUNT_CLOSED, Reason::ACCOUNT_BLOCKED, Reason::NAME];

impl Fate {
    /// The fate that the last four digits of the paid account ask for; what a sandbox offers to try.
    ///
    /// | Digits | Fate | | Digits | Fate |
    /// | --- | --- | --- | --- | --- |
    /// | 0002 | refused, AC01 | | 0110 | never answered |
    /// | 0005 | refused, AC04 | | 0119 | one yuan less is paid |
    /// | 0006 | refused, AC06 | | 0127 | paid twice |
    /// | 0010 | refused, BE01 | | 0135 | sent back after two days, AC04 |
    /// | 0101 | paid two days later | | 0143 | missing in the day's statement |
    #[must_use]
    pub fn of_tail(tail: &str) -> Option<Self> {
        Some(match tail {
            "0002" => Self::Rejected(Reason::ACCOUNT_WRONG),
            "0005" => Self::Rejected(Reason::ACCOUNT_CLOSED),
            "0006" => Self::Rejected(Reason::ACCOUNT_BLOCKED),
            "0010" => Self::Rejected(Reason::NAME),
            "0101" => Self::Late { days: 2 },
            "0110" => Self::Silent,
            "0119" => Self::WrongAmount,
            "0127" => Self::Duplicate,
            "0135" => Self::Returned { days: 2, reason: Reason::ACCOUNT_CLOSED },
            "0143" => Self::MissingInStatement,
            _ => return None,
        })
    }

    /// The fate of payment `end_to_end`: always the same under the same seed.
    pub(super) fn by_chance(seed: u64, end_to_end: &str, faults: &Faults) -> Self {
        // FNV-1a: only to spread seeds, not to withstand anybody.
        let hash = end_to_end.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        let mut dice = fastrand::Rng::with_seed(seed ^ hash);
        let mut thrown = dice.u16(0..1000);
        let mut hit = |per_mille: u16| {
            let hit = thrown < per_mille;
            thrown = if hit { u16::MAX } else { thrown - per_mille };
            hit
        };
        let hits = [
            hit(faults.rejected),
            hit(faults.late),
            hit(faults.silent),
            hit(faults.wrong_amount),
            hit(faults.duplicate),
            hit(faults.returned),
            hit(faults.missing),
        ];
        let reason = REFUSALS[dice.usize(0..REFUSALS.len())];
        let days = dice.u8(1..=5);
        match hits.iter().position(|hit| *hit) {
            Some(0) => Self::Rejected(reason),
            Some(1) => Self::Late { days },
            Some(2) => Self::Silent,
            Some(3) => Self::WrongAmount,
            Some(4) => Self::Duplicate,
            Some(5) => Self::Returned { days, reason },
            Some(6) => Self::MissingInStatement,
            _ => Self::Pays,
        }
    }
}
