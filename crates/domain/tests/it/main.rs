//! The rules, by the behaviour they protect: every command runs through the engine's core on a store in memory,
//! and every test ends with the proof of the money invariants.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

mod cards;
mod codepay;
mod echoes;
mod exceptions;
mod fees;
mod limits;
mod merchants;
mod notifications;
mod numbers;
mod orders;
mod payments;
mod payouts;
mod pin;
mod refunds;
mod sessions;
mod settlements;
mod staff;
mod world;

/// Shards of the worlds here.
pub(crate) const SHARDS: u8 = 1;
