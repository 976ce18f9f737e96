//! The cashier: through whichever door a payer comes, one page that asks, one that answers.
//!
//! ```text
//! entry (code, h5) ─┐
//! bridge (JSAPI, APP) ┴─▶ Door ─▶ cashier ─PIN─▶ confirm ─▶ result
//! scan ─▶ entry                                     └─▶ waiting ─▶ result
//! ```

pub(crate) mod back;
pub(crate) mod bridge;
pub(crate) mod cashier;
pub(crate) mod confirm;
pub(crate) mod demand;
pub(crate) mod door;
pub(crate) mod entry;
pub(crate) mod outcome;
pub(crate) mod scan;
