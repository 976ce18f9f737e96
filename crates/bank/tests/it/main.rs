//! Bank files as their users see them: written, read back, broken, and exchanged with the simulated bank.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

mod broken;
mod camt;
mod csv;
mod given;
mod golden;
mod mt940;
mod pain;
mod simulated;
