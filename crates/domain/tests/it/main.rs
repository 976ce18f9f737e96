//! The rules, by the behaviour they protect: every command runs through the engine's core on a store in memory,
//! and every test ends with the proof of the money invariants.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

mod between_nodes;
mod cards;
mod clearings;
mod codepay;
mod combined;
mod echoes;
mod exceptions;
mod fees;
mod limits;
mod merchants;
mod notifications;
mod numbers;
mod orders;
mod partners;
mod payments;
mod payouts;
mod pin;
mod refunds;
mod sessions;
mod settlements;
mod sharing;
mod staff;
mod user_transfers;
mod world;

/// Shards of the worlds here.
pub(crate) const SHARDS: u8 = 1;
