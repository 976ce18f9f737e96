//! The double-entry ledger: accounts with four counters, two-phase transfers, balance rules, trial balance.
//!
//! Pure: it reads and writes through [`Book`], knows no order, no clock and no storage. Every movement of
//! money is one [`Transfer`] row that names both sides, so an unbalanced entry can't be written down.
//! No other place in the project keeps a balance.

mod account;
mod book;
mod transfer;
mod trial;

pub use account::{Account, AccountId, AccountKind, Side};
pub use book::{Book, Draft, hold, post, transfer, void};
pub use transfer::{Refused, Transfer, TransferKind, TransferState};
pub use trial::{Imbalance, TrialBalance};
