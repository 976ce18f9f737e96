//! Records, commands and rules. Pure: no clock, randomness, I/O, SQL, HTTP or JSON wire name.
//!
//! A [`Command`] is plain data. [`apply`] reads records through a [`Tx`], decides, and writes records to it;
//! time, ids and the caller come in [`Context`]. A record that is not loaded stops the command with
//! [`Stop::Missing`]; the engine loads it and applies the command again, so `apply` is cheap to repeat.
//!
//! One file a noun. Each holds the record, what its commands carry, and the rules that decide them.

pub mod application;
pub mod approval;
pub mod calendar;
pub mod card;
pub mod claim;
pub mod clearing;
pub mod codepay;
pub mod combined;
pub mod command;
pub mod context;
pub mod crossing;
pub mod echo;
pub mod exception;
pub mod fee;
pub mod held;
pub mod hold;
pub mod home;
pub mod journal;
pub mod keyring;
pub mod limit;
pub mod merchant;
pub mod notification;
pub mod order;
pub mod partner;
pub mod payer;
pub mod payment;
pub mod payment_code;
pub mod payout;
pub mod records;
pub mod refund;
pub mod rejection;
pub mod session;
pub mod settlement;
pub mod sharing;
pub mod staff;
pub mod sweep;
pub mod user_transfer;
pub mod world;

pub use command::{Command, Reply, apply};
pub use context::{Actor, Caller, Context, Event};
pub use home::Home;
pub use journal::{JournalLine, Subject};
pub use records::{Batch, Key, Record, Tables, Writes};
pub use rejection::Rejection;
pub use world::{Change, Entity, Stop, Table, Tx};
