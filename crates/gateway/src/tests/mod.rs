//! The merchant API through its router, with real signatures, over a store in memory.

mod bills;
mod codepay;
mod combine;
mod docs;
pub(crate) mod door;
mod funds;
mod keys;
mod oauth;
mod orders;
mod partner;
mod payouts;
mod refunds;
mod refusals;
mod sandbox;
mod sharing;
mod transport;
mod user_transfers;
