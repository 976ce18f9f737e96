//! The trial balance: what must hold over all accounts and transfers at any instant.

use crate::{Account, AccountId, Transfer, TransferState};
use std::collections::BTreeMap;

/// Sums accounts against transfers; both are fed row by row, so memory grows with accounts only.
#[derive(Default, Debug)]
pub struct TrialBalance {
    kept: BTreeMap<AccountId, [i128; 4]>,
    moved: BTreeMap<AccountId, [i128; 4]>,
    overdrawn: Vec<Imbalance>,
}

/// A broken invariant, with the rows that show it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Imbalance {
    /// Per currency, debits and credits over all accounts differ (invariant 1).
    #[error("{currency}: debits {debits}, credits {credits} over all accounts ({counter})")]
    Currency {
        /// ISO 4217 code.
        currency: &'static str,
        /// `posted` or `pending`.
        counter: &'static str,
        /// Sum of debits.
        debits: i128,
        /// Sum of credits.
        credits: i128,
    },
    /// An account's counters are not the sum of its transfers (invariants 2 and 3).
    #[error(
        "{account}: counters {kept:?}, transfers say {moved:?} (debits pending, posted, credits pending, posted)"
    )]
    Account {
        /// The account.
        account: AccountId,
        /// As kept.
        kept: [i128; 4],
        /// As its transfers sum.
        moved: [i128; 4],
    },
    /// An account that may not is below zero (invariant 4).
    #[error("{account} has {available} available, below zero")]
    Overdrawn {
        /// The account.
        account: AccountId,
        /// Minor units.
        available: i64,
    },
}

impl TrialBalance {
    /// Takes in an account row.
    pub fn account(&mut self, account: &Account) {
        let counters =
            [account.debits_pending, account.debits_posted, account.credits_pending, account.credits_posted];
        self.kept.insert(account.id, counters.map(i128::from));
        let available = account.available().minor;
        if available < 0 && !account.id.kind().may_go_negative() {
            self.overdrawn.push(Imbalance::Overdrawn { account: account.id, available });
        }
    }
    /// Takes in a transfer row.
    pub fn transfer(&mut self, transfer: &Transfer) {
        let place = match transfer.state {
            TransferState::Pending => 0,
            TransferState::Posted => 1,
            TransferState::Voided => return,
        };
        let amount = i128::from(transfer.amount);
        self.moved.entry(transfer.debit).or_default()[place] += amount;
        self.moved.entry(transfer.credit).or_default()[place + 2] += amount;
    }
    /// Every imbalance, worst first; empty when the books balance.
    #[must_use]
    pub fn finish(mut self) -> Vec<Imbalance> {
        let mut found = Vec::new();
        let mut totals: BTreeMap<&'static str, [i128; 4]> = BTreeMap::new();
        for (id, kept) in &self.kept {
            let total = totals.entry(id.currency().code()).or_default();
            for (sum, counter) in total.iter_mut().zip(kept) {
                *sum += counter;
            }
        }
        for (currency, [debits_pending, debits, credits_pending, credits]) in totals {
            if debits != credits {
                found.push(Imbalance::Currency { currency, counter: "posted", debits, credits });
            }
            if debits_pending != credits_pending {
                let (debits, credits) = (debits_pending, credits_pending);
                found.push(Imbalance::Currency { currency, counter: "pending", debits, credits });
            }
        }
        for account in self.moved.keys() {
            self.kept.entry(*account).or_default();
        }
        for (account, kept) in self.kept {
            let moved = self.moved.get(&account).copied().unwrap_or_default();
            if kept != moved {
                found.push(Imbalance::Account { account, kept, moved });
            }
        }
        found.append(&mut self.overdrawn);
        found
    }
}
