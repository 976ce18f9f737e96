//! Adds a day's transfers up, for all merchants in one pass.

use super::Totals;
use ledger::{AccountKind, Transfer};
use std::collections::HashMap;
use types::{BusinessDay, Currency, MerchantId};

/// The sums of a day as its transfers are read. Memory grows with merchants only, about 150 bytes each.
#[derive(Debug, Default)]
pub struct Tally {
    merchants: HashMap<i64, Totals>,
}

impl Tally {
    /// Takes in a transfer whose id lies in the day, held, posted or voided.
    pub fn take(&mut self, transfer: &Transfer) {
        self.each_side(transfer, Totals::take);
    }
    /// Takes in a transfer that was voided during the day, whenever it was made.
    pub fn take_voided(&mut self, transfer: &Transfer) {
        self.each_side(transfer, Totals::give_back);
    }
    fn each_side(&mut self, transfer: &Transfer, add: impl Fn(&mut Totals, &Transfer, bool)) {
        for (account, credit) in [(transfer.debit, false), (transfer.credit, true)] {
            let takings = account.kind() == AccountKind::MerchantUnsettled;
            if takings && account.currency() == Currency::CNY {
                add(self.merchants.entry(account.owner()).or_default(), transfer, credit);
            }
        }
    }
    /// The merchants whose takings moved, by number, with their sums, and the sums of all. None when a sum passes 64 bits.
    #[must_use]
    pub fn finish(self) -> Option<(Vec<(MerchantId, Totals)>, Totals)> {
        let moved = self.merchants.into_iter().filter(|(_, totals)| !totals.is_empty());
        let mut merchants: Vec<_> = moved.map(|(id, totals)| (MerchantId(id), totals)).collect();
        merchants.sort_unstable_by_key(|(merchant, _)| *merchant);
        let all = merchants.iter().try_fold(Totals::default(), |sum, (_, totals)| sum.plus(totals))?;
        Some((merchants, all))
    }
}

/// The day that is closed next, when `last` is the newest one begun with whether it is closed, and `today` is under way.
/// None when that day is not over.
#[must_use]
pub fn next_day(last: Option<(BusinessDay, bool)>, today: BusinessDay) -> Option<BusinessDay> {
    let next = match last {
        None => today.previous(),
        Some((day, true)) => day.next(),
        Some((day, false)) => day,
    };
    (next < today).then_some(next)
}
