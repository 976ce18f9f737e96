//! Reconciliation: what the platform's ledger says against what a channel's bill and a bank's statement say
//! (R-FIN-12, R-FIN-69; reference §4, reconciliation outcomes).
//!
//! Every side is a stream of [`Entry`]. A [`Run`] takes the entries of one business day in any order, sorts them
//! within a memory budget over a [`Scratch`], and judges each key once: the sides agree, or the difference may be
//! one of timing and is [`Carried`] to the next day, or there is an [`Exception`] with its class, both sides'
//! values, the money in question and what to do. Nothing here books: a correction is a command of the domain,
//! suggested here and approved by a person.
//!
//! ```
//! use reconcile::{Entry, Kind, Memory, Outcome, Plan, Run, Side, Status};
//! use types::{BusinessDay, Money, Time};
//! let day = BusinessDay(20_000);
//! let noon = Time(day.start().0 + 12 * types::time::HOUR);
//! let entry = Entry::new("4200001", Kind::Payment, Money::cny(12_00), Status::Succeeded, noon);
//! let mut run = Run::new(Plan::two_way("card", day), Memory::default(), 1 << 20)?;
//! run.add(Side::Ledger, &entry)?;
//! let mut found = Vec::new();
//! let totals = run.finish(|outcome| { found.push(outcome); Ok(()) })?;
//! assert_eq!(totals.exceptions(), 1);
//! let Outcome::Exception(short) = &found[0] else { panic!() };
//! assert_eq!(short.id, "card/payment/4200001/short");
//! # Ok::<(), reconcile::RunError>(())
//! ```
//!
//! Channel bills are read by a declared [`Format`]; a bill of another format is refused, see [`bill`].

pub mod ageing;
pub mod bill;
pub mod decimal;
pub mod entry;
pub mod exception;
pub mod expect;
pub mod format;
pub mod judge;
pub mod run;
pub mod sort;

pub use ageing::Ageing;
pub use bill::Bill;
pub use entry::{Carried, Entry, Kind, Side, Status};
pub use exception::{Action, Class, Exception, Field, Suspense};
pub use expect::Expectations;
pub use format::Format;
pub use judge::{Outcome, Plan, Timing};
pub use run::{Run, RunError, Totals};
pub use sort::{Folder, Memory, Scratch};
