//! The rules with three shards: the same tests as with one, where every command finds its way to its shard, and those
//! that only several shards need.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

#[path = "../it/cards.rs"]
mod cards;
#[path = "../it/codepay.rs"]
mod codepay;
#[path = "../it/combined.rs"]
mod combined;
#[path = "../it/echoes.rs"]
mod echoes;
#[path = "../it/limits.rs"]
mod limits;
#[path = "../it/merchants.rs"]
mod merchants;
#[path = "../it/notifications.rs"]
mod notifications;
#[path = "../it/numbers.rs"]
mod numbers;
#[path = "../it/orders.rs"]
mod orders;
#[path = "../it/payments.rs"]
mod payments;
#[path = "../it/payouts.rs"]
mod payouts;
#[path = "../it/pin.rs"]
mod pin;
#[path = "../it/refunds/mod.rs"]
mod refunds;
#[path = "../it/sessions.rs"]
mod sessions;
#[path = "../it/settlements.rs"]
mod settlements;
#[path = "../it/sharing/mod.rs"]
mod sharing;
#[path = "../it/user_transfers.rs"]
mod user_transfers;
#[path = "../it/world/mod.rs"]
mod world;

mod combined_parts;
mod crossings;
mod homes;
mod money_comes_together;
mod numbers_claimed;
mod orders_move;
mod orders_told;

/// Shards of the worlds here.
pub(crate) const SHARDS: u8 = 3;
