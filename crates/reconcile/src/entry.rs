//! Entries: what one side says about one movement of money.

use serde::{Deserialize, Serialize};
use types::{BusinessDay, Currency, Money, Time};

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The platform's own ledger.
    Ledger,
    /// The channel's bill.
    Channel,
    /// The bank's statement.
    Bank,
}

impl Side {
    /// All sides, the ledger first.
    pub const ALL: [Self; 3] = [Self::Ledger, Self::Channel, Self::Bank];
}

/// What kind of movement it is. Part of the identity: a refund never matches a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Money of a payer comes in.
    Payment,
    /// Money goes back to a payer.
    Refund,
    /// Money goes to a merchant's bank account.
    Payout,
    /// A payout that the bank sent back.
    Return,
    /// A batch of payments that a channel settles as one sum.
    Settlement,
    /// A batch in which a channel takes more back than it pays.
    Reclaim,
    /// Money on a statement that nobody here has to do with, coming in.
    Credit,
    /// The same, going out, such as the bank's fee.
    Debit,
}

impl Kind {
    /// Every kind, in the order of their stored codes.
    pub const ALL: [Self; 8] = [
        Self::Payment,
        Self::Refund,
        Self::Payout,
        Self::Return,
        Self::Settlement,
        Self::Reclaim,
        Self::Credit,
        Self::Debit,
    ];

    /// Its name in ids, files and pages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Payout => "payout",
            Self::Return => "return",
            Self::Settlement => "settlement",
            Self::Reclaim => "reclaim",
            Self::Credit => "credit",
            Self::Debit => "debit",
        }
    }

    /// True when the platform receives the money.
    #[must_use]
    pub const fn comes_in(self) -> bool {
        matches!(self, Self::Payment | Self::Return | Self::Settlement | Self::Credit)
    }
}

/// What a side says became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The money moved.
    Succeeded,
    /// It did not.
    Failed,
    /// It moved and moved back.
    Reversed,
    /// Not known yet. Time alone never ends this.
    Unknown,
}

impl Status {
    /// Every status, in the order of their stored codes.
    pub const ALL: [Self; 4] = [Self::Succeeded, Self::Failed, Self::Reversed, Self::Unknown];

    /// Whether money stayed moved; `None` where it is not known.
    #[must_use]
    pub const fn moved(self) -> Option<bool> {
        match self {
            Self::Succeeded => Some(true),
            Self::Failed | Self::Reversed => Some(false),
            Self::Unknown => None,
        }
    }
}

/// What one side says about one movement of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The number both sides know it by, such as the payment's or the payout's; at most [`TEXT_MAX`] bytes.
    pub key: String,
    /// What it is.
    pub kind: Kind,
    /// Amount, never negative; the kind says which way it goes.
    pub amount: Money,
    /// What the channel keeps of it; negative when it gives a fee back. `None` where the side does not say.
    pub fee: Option<Money>,
    /// What became of it.
    pub status: Status,
    /// When, by that side's clock.
    pub at: Time,
    /// The side's own number: a transfer, a channel's serial, a statement's line; at most [`TEXT_MAX`] bytes.
    pub reference: String,
    /// The batch in which the channel settles it, where it says; at most [`TEXT_MAX`] bytes.
    pub batch: Option<String>,
}

/// Most bytes of a key, reference or batch.
pub const TEXT_MAX: usize = 128;

impl Entry {
    /// An entry without fee, reference and batch.
    #[must_use]
    pub fn new(key: &str, kind: Kind, amount: Money, status: Status, at: Time) -> Self {
        Self {
            key: key.to_owned(),
            kind,
            amount,
            fee: None,
            status,
            at,
            reference: String::new(),
            batch: None,
        }
    }
}

/// An entry that found no partner on its day and waits for one: the pool for differences of timing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Who says it.
    pub side: Side,
    /// What is said.
    pub entry: Entry,
    /// The business day of the run that saw it first.
    pub since: BusinessDay,
    /// True once an exception was made of it; it stays in the pool so that a late partner closes the exception.
    pub reported: bool,
}

/// An entry as the sort keeps it: the key first, everything else after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) side: Side,
    pub(crate) entry: Entry,
    pub(crate) since: BusinessDay,
    pub(crate) carried: bool,
    pub(crate) reported: bool,
}

impl Row {
    /// Appends the stored form: `key length, key, kind, side`, by which rows are ordered, then the rest.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let entry = &self.entry;
        text(&entry.key, out);
        out.extend([entry.kind as u8, self.side as u8]);
        out.extend([entry.status as u8, u8::from(self.carried) | u8::from(self.reported) << 1]);
        out.extend(self.since.0.to_le_bytes());
        out.extend(entry.amount.minor.to_le_bytes());
        out.extend(entry.amount.currency.numeric().to_le_bytes());
        out.extend(entry.at.0.to_le_bytes());
        match entry.fee {
            Some(fee) => {
                out.push(1);
                out.extend(fee.minor.to_le_bytes());
                out.extend(fee.currency.numeric().to_le_bytes());
            }
            None => out.push(0),
        }
        text(&entry.reference, out);
        match &entry.batch {
            Some(batch) => {
                out.push(1);
                text(batch, out);
            }
            None => out.push(0),
        }
    }

    /// Reads the stored form; `None` when the bytes are not one.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let from = &mut bytes;
        let key = take_text(from)?;
        let [kind, side, status, flags] = take(from)?;
        let since = BusinessDay(i32::from_le_bytes(take(from)?));
        let amount = take_money(from)?;
        let at = Time(i64::from_le_bytes(take(from)?));
        let fee = match take(from)? {
            [0] => None,
            _ => Some(take_money(from)?),
        };
        let reference = take_text(from)?;
        let batch = match take(from)? {
            [0] => None,
            _ => Some(take_text(from)?),
        };
        let kind = *Kind::ALL.get(usize::from(kind))?;
        let status = *Status::ALL.get(usize::from(status))?;
        let entry = Entry { key, kind, amount, fee, status, at, reference, batch };
        let side = *Side::ALL.get(usize::from(side))?;
        let row = Self { side, entry, since, carried: flags & 1 != 0, reported: flags & 2 != 0 };
        from.is_empty().then_some(row)
    }
}

/// What rows are ordered by: key, kind, side.
pub(crate) fn order(row: &[u8]) -> (&[u8], [u8; 2]) {
    let (length, rest) = row.split_first_chunk::<2>().unwrap_or((&[0, 0], &[]));
    let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
    let (key, rest) = rest.split_at(length);
    (key, rest.first_chunk().copied().unwrap_or_default())
}

fn text(text: &str, out: &mut Vec<u8>) {
    // Texts are checked against TEXT_MAX before they come here.
    out.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend(text.as_bytes());
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = from.split_first_chunk::<N>()?;
    *from = rest;
    Some(*head)
}

fn take_text(from: &mut &[u8]) -> Option<String> {
    let length = usize::from(u16::from_le_bytes(take(from)?));
    let (head, rest) = from.split_at_checked(length)?;
    *from = rest;
    String::from_utf8(head.to_vec()).ok()
}

fn take_money(from: &mut &[u8]) -> Option<Money> {
    let minor = i64::from_le_bytes(take(from)?);
    let currency = Currency::from_numeric(u16::from_le_bytes(take(from)?))?;
    Some(Money::new(minor, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_back_and_its_order_is_key_kind_side() {
        let mut entry = Entry::new("订单1", Kind::Refund, Money::cny(-5), Status::Reversed, Time(-7));
        for (fee, batch) in [(None, None), (Some(Money::new(3, Currency::JPY)), Some("B1".to_owned()))] {
            (entry.fee, entry.batch) = (fee, batch);
            let row = Row {
                side: Side::Bank,
                entry: entry.clone(),
                since: BusinessDay(9),
                carried: true,
                reported: false,
            };
            let mut bytes = Vec::new();
            row.encode(&mut bytes);
            assert_eq!(Row::decode(&bytes), Some(row));
            assert_eq!(order(&bytes), ("订单1".as_bytes(), [1, 2]));
            for cut in 0..bytes.len() {
                assert_eq!(Row::decode(&bytes[..cut]), None);
                let _ = order(&bytes[..cut]);
            }
        }
    }
}
