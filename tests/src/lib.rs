//! Helpers for tests through the front door.
//!
//! Everything here speaks to the `feiqian` program from outside: it starts it ([`Server`]), calls it as a
//! merchant would with signed requests ([`Merchant`]), pays as a payer would ([`Server::pay`]) and receives
//! notifications as a merchant's server would ([`Receiver`]). Signatures are made and checked with the
//! cryptography library itself, not with our `crypto` crate, so that one mistake cannot hide the other.
//!
//! Helpers panic with a sentence that says what was expected: in a test that is the error report.

mod data;
pub mod fuzz;
mod http;
mod merchant;
mod receiver;
mod server;

pub use data::{DataDir, Sandbox, database_on_postgres};
pub use http::Answer;
pub use merchant::Merchant;
pub use receiver::Receiver;
pub use server::{Ended, Server, binary, free_address, run};

/// The value of `result`, or a panic that says what was attempted and why it failed.
#[track_caller]
pub(crate) fn must<T, E: std::fmt::Display>(result: Result<T, E>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(why) => panic!("{what}: {why}"),
    }
}
