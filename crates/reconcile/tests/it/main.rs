//! Reconciliation as its users see it: bills in, exceptions out.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

mod bill;
mod judge;
mod planted;
mod world;
