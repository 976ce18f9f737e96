//! The part of XML that bank messages use, and nothing of what makes XML dangerous: no document types, no entities
//! but the five predefined ones, no includes.

mod element;
mod pull;
mod write;

pub(crate) use element::Element;
pub(crate) use pull::Pull;
pub(crate) use write::Writer;

/// How much of a message is read before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole file.
    pub bytes: u64,
    /// Elements inside one another.
    pub depth: usize,
    /// Payments, statuses or entries.
    pub entries: u64,
    /// Bytes of one payment, status or entry with everything in it.
    pub element: usize,
}

impl Default for Limits {
    /// 4 GiB, 24 levels, 1,000,000 entries, 256 KiB an entry.
    fn default() -> Self {
        Self { bytes: 4 << 30, depth: 24, entries: 1_000_000, element: 256 << 10 }
    }
}

/// What a refused message calls for.
pub(crate) const ASK: &str = "ask the bank for a correct message; nothing of this one is to be used";

/// A character that XML 1.0 text may hold.
pub(crate) const fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
