//! The merchant API through its router, with real signatures, over a store in memory.

mod codepay;
mod docs;
mod door;
mod keys;
mod oauth;
mod orders;
mod refusals;
mod sandbox;
mod transport;
