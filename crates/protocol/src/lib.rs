//! Wire formats without I/O: bodies and errors of the merchant API (WeChat Pay API v3), notification bodies,
//! bills, QR and bar codes, EMVCo payloads.
//!
//! Knows only `types`. No HTTP server, no clock, no keys, no randomness: what a module needs of those is a
//! parameter. Nothing here panics on any input.

pub mod bill;
pub mod certificates;
pub mod combine;
pub mod echo;
pub mod emv;
pub mod error;
pub mod field;
pub mod issue;
pub mod json;
pub mod language;
pub mod notification;
pub mod order;
pub mod payout;
pub mod qr;
pub mod refund;
pub mod sealed;
pub mod sharing;
pub mod transaction;
pub mod user_transfer;

pub use error::{ApiError, Code, Detail, Location, SignInformation};
pub use language::{Language, Text};
pub use sealed::{Algorithm, Sealed};

/// The bytes of an answer or notification body.
///
/// Our own structs of text, integers and lists always serialise, so this cannot fail.
fn body<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("text, integers and lists always serialise")
}
