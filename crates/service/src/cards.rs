//! Card numbers, as the channel that brings money to cards takes them.

use types::Secret;

/// What may be kept of a card (PCI DSS 3.4: never the number).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCard {
    /// The bank's code on the wire, such as `ICBC_DEBIT`.
    pub bank: Box<str>,
    /// Last four digits.
    pub tail: Box<str>,
    /// What the channel knows the card by.
    pub token: Box<str>,
}

/// Makes a token of a card number.
pub trait CardNumbers: Send + Sync {
    /// The card behind `number`; none when it can't be a card's number. The number is forgotten.
    fn known(&self, number: &Secret<String>) -> Option<KnownCard>;
}
