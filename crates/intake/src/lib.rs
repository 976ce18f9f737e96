//! Text files that others made: bills of channels, statements of banks.
//!
//! Such a file is never trusted. [`Lines`] reads it line by line within [`Limits`] and in a declared
//! [`Encoding`]; [`fields`] takes a line apart; [`header`] holds its columns against those that were declared,
//! because a file with one column more or fewer must be refused, not read shifted. Every refusal is a [`Fault`]
//! that names file, line, place, problem and what to do next.

pub mod fault;
pub mod fields;
pub mod header;
pub mod lines;

pub use fault::{Cause, Fault};
pub use fields::{Quoting, split};
pub use lines::{Encoding, Limits, Lines};
