//! Load: payments in process, orders over HTTP, and the references beside which the figures are read.

pub(crate) mod in_process;
pub(crate) mod machine;
pub(crate) mod stats;
