//! The merchant API through its router, with real signatures, over a store in memory.

mod bills;
mod codepay;
mod docs;
pub(crate) mod door;
mod funds;
mod keys;
mod oauth;
mod orders;
mod refunds;
mod refusals;
mod sandbox;
mod transport;
