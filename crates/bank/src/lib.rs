//! Files exchanged with banks: payment orders out, reports and statements in (reference §4).
//!
//! | File | Module | Direction |
//! | --- | --- | --- |
//! | pain.001.001.09, payment order | [`pain001`] | to the bank |
//! | pain.002.001.10, status report | [`pain002`] | from the bank |
//! | camt.053.001.08, statement of a day | [`camt`] | from the bank |
//! | camt.054.001.08, notice of entries | [`camt`] | from the bank |
//! | MT940, statement of older banks | [`mt940`] | from the bank |
//! | CSV statement of a declared format | [`csv`] | from the bank |
//!
//! Readers take a stream and give parts of it, so a statement of any length needs the memory of one entry. Files
//! are foreign: size, depth and number of entries are bounded ([`Limits`]), control sums are checked, and a refusal
//! ([`intake::Fault`]) names file, line, element and value. A file is good only once its reader has said so at the
//! end. Writers put elements in the schema's order. No reader or writer opens a file; only [`simulated`], the bank
//! of the sandbox, works on a folder.

pub mod camt;
pub mod csv;
pub mod mt940;
pub mod pain001;
pub mod pain002;
pub mod party;
pub mod rail;
pub mod reason;
pub mod simulated;
pub mod statement;
mod xml;

pub use party::{AccountNumber, BankNumber, Name, Party};
pub use rail::Rail;
pub use reason::Reason;
pub use statement::{Detail, Direction, Entry, Part, Remittance, Statements};
pub use xml::Limits;
