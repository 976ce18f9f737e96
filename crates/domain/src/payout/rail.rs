//! Rails: by which system a payout goes, chosen by amount and urgency (D13, R-OPS-13).

use crate::approval;
use serde::{Deserialize, Serialize};

/// A system that moves money between banks. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Rail {
    /// The central bank's large-value system: one by one, at once, any amount.
    Hvps = 0,
    /// The central bank's small-value system: in batches.
    Beps = 1,
    /// NetsUnion (网联), at once.
    Netsunion = 2,
    /// UnionPay (银联), at once.
    Unionpay = 3,
}

impl Rail {
    /// Every rail, in stored order.
    pub const ALL: [Self; 4] = [Self::Hvps, Self::Beps, Self::Netsunion, Self::Unionpay];
    /// The rail stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|rail| *rail as i64 == number)
    }
    /// The name used in files, pages and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hvps => "hvps",
            Self::Beps => "beps",
            Self::Netsunion => "netsunion",
            Self::Unionpay => "unionpay",
        }
    }
}

/// What a rail takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RailRule {
    /// Which.
    pub rail: Rail,
    /// The smallest payment, fen.
    pub least: i64,
    /// The largest payment, fen; 0 switches the rail off.
    pub most: i64,
    /// Whether it pays at once.
    pub at_once: bool,
}

/// The operator's rules on payouts, a part of [`crate::limit::LimitTable`]. Amounts are fen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutRules {
    /// The rails, the one preferred first.
    pub rails: [RailRule; 4],
    /// Up to this a payout goes by itself.
    pub automatic: i64,
    /// Above this it needs two approvals (R-FIN-53).
    pub two_approvals: i64,
    /// Above this it needs three (R-FIN-53).
    pub three_approvals: i64,
    /// Seconds until a payout that nobody approved is cancelled.
    pub approval_s: i64,
}

impl PayoutRules {
    /// Batches up to a million yuan by the small-value system and single payments above it by the large-value one; in a
    /// hurry NetsUnion up to 200 000, UnionPay up to 50 000, else the large-value system. Approvals as R-FIN-53 has them:
    /// one above 20 000 yuan, two above 50 000, three above 500 000; a week to approve.
    #[must_use]
    pub const fn of_rules() -> Self {
        const fn rule(rail: Rail, most: i64, at_once: bool) -> RailRule {
            RailRule { rail, least: 1, most, at_once }
        }
        Self {
            rails: [
                rule(Rail::Beps, 1_000_000_00, false),
                rule(Rail::Netsunion, 200_000_00, true),
                rule(Rail::Unionpay, 50_000_00, true),
                rule(Rail::Hvps, crate::order::AMOUNT_MAX, true),
            ],
            automatic: 20_000_00,
            two_approvals: 50_000_00,
            three_approvals: 500_000_00,
            approval_s: 7 * 24 * 3600,
        }
    }
    /// The rail for `fen`: the first that takes it; one that pays at once when it is urgent, and when not, preferably one
    /// that does not. None when no rail takes so much.
    #[must_use]
    pub fn rail(&self, fen: i64, urgent: bool) -> Option<Rail> {
        let takes = |rule: &&RailRule| (rule.least..=rule.most).contains(&fen);
        let fitting = |at_once: bool| self.rails.iter().filter(takes).find(|rule| rule.at_once == at_once);
        // What is large goes one by one, not by whatever is quickest.
        let any = || self.rails.iter().rev().find(takes);
        let found = if urgent { fitting(true) } else { fitting(false).or_else(any) };
        found.map(|rule| rule.rail)
    }
    /// Approvals that a payout of `fen` needs.
    #[must_use]
    pub const fn approvals(&self, fen: i64) -> u8 {
        approval::needed(fen, [self.automatic, self.two_approvals, self.three_approvals])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D13: the large-value system is not for bulk.
    #[test]
    fn r_ops_13_amount_and_urgency_choose_the_rail() {
        let rules = PayoutRules::of_rules();
        for (fen, urgent, rail) in [
            (1, false, Some(Rail::Beps)),
            (1_000_000_00, false, Some(Rail::Beps)),
            (1_000_000_01, false, Some(Rail::Hvps)),
            (1, true, Some(Rail::Netsunion)),
            (200_000_00, true, Some(Rail::Netsunion)),
            (200_000_01, true, Some(Rail::Hvps)),
            (crate::order::AMOUNT_MAX + 1, true, None),
            (crate::order::AMOUNT_MAX + 1, false, None),
            (0, false, None),
        ] {
            assert_eq!(rules.rail(fen, urgent), rail, "{fen} {urgent}");
        }
        let mut without = rules.clone();
        without.rails[1].most = 0;
        assert_eq!(without.rail(50_000_00, true), Some(Rail::Unionpay));
    }

    #[test]
    fn r_fin_53_approvals_grow_with_the_amount() {
        let rules = PayoutRules::of_rules();
        for (fen, needed) in
            [(20_000_00, 0), (20_000_01, 1), (50_000_00, 1), (50_000_01, 2), (500_000_00, 2), (500_000_01, 3)]
        {
            assert_eq!(rules.approvals(fen), needed, "{fen}");
        }
    }
}
