//! Bills (wire §6): a merchant's day as a text table, row in, bytes out, and back again.
//!
//! A file is UTF-8 with a byte order mark. One header line, the detail rows, one summary header, one summary row;
//! every line ends with CR LF. Values are joined by `,` and each begins with a back-tick, so that the separator seen
//! by a reader is `` ,` `` and a spreadsheet takes no long number for a float; header lines have neither.
//!
//! | Bill | Rows |
//! | --- | --- |
//! | [`trade`] | orders paid and money returned, one row each |
//! | [`sharing`] | what was shared, returned and unfrozen, one row a receiver |
//! | [`fund`] | what came to a merchant's money and left it, with the balance after each |
//!
//! Amounts are yuan with two decimals, fees with five, written from integers of fen and read back to them: no value
//! ever becomes a float. Only CNY is billed.
//!
//! Choices where the wire is silent:
//!
//! | Point | Choice |
//! | --- | --- |
//! | line ends | CR LF, after every line, the last one too |
//! | a back-tick, tab or line end inside a merchant's own text | replaced: `'` for the back-tick, a space for the others |
//! | money returned by a reversal (codepay) | a row of its own on its own day, state `REVOKED`, under the order's own numbers |
//! | a payment's row | always `SUCCESS`: what became of the order later stands in later rows |

pub mod ask;
pub mod fund;
pub mod sharing;
mod sheet;
pub mod trade;

pub use sheet::{BillError, LINE_END, MARK};

#[cfg(test)]
mod tests;
