//! Statements, whatever file they came in.

use crate::{
    party::{AccountNumber, Name},
    reason::Reason,
    xml::{Element, Writer},
};
use intake::Fault;
use serde::{Deserialize, Serialize};
use std::io::Write;
use types::{BusinessDay, Money, MoneyError};

/// A statement read from front to back.
pub trait Statements {
    /// The next part, or `None` once the file has ended and everything in it agrees.
    ///
    /// # Errors
    /// Something is missing or wrong, a limit is passed, or balances and entries do not agree. The entries given
    /// before are not to be used then.
    fn next_part(&mut self) -> Result<Option<Part>, Fault>;
}

/// A part of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// An account's statement or notice begins.
    Head(Box<Head>),
    /// An entry of it.
    Entry(Box<Entry>),
    /// It ends, and opening balance and booked entries give the closing one.
    End(End),
}

/// The head of a statement or notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The statement's id or reference.
    pub id: String,
    /// Its number in the account's sequence, where the bank counts them: a gap is a missing statement.
    pub sequence: Option<u64>,
    /// The account.
    pub account: AccountNumber,
    /// First and last day, where they are said.
    pub days: Option<(BusinessDay, BusinessDay)>,
    /// Balance before the first entry; `None` for a notice. Negative when overdrawn.
    pub opening: Option<Money>,
}

/// The end of a statement or notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Balance after the last entry; `None` for a notice.
    pub closing: Option<Money>,
    /// Number of entries, pending ones included.
    pub entries: u64,
}

/// Which way money went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To the account.
    Credit,
    /// From the account.
    Debit,
}

impl Direction {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Credit => "CRDT",
            Self::Debit => "DBIT",
        }
    }

    /// `balance` after `amount` went this way.
    ///
    /// # Errors
    /// Another currency, or the balance does not fit.
    pub fn apply(self, balance: Money, amount: Money) -> Result<Money, MoneyError> {
        match self {
            Self::Credit => balance.plus(amount),
            Self::Debit => balance.minus(amount),
        }
    }
}

/// One line of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Amount, never negative.
    pub amount: Money,
    /// Which way it went.
    pub direction: Direction,
    /// True when it takes an earlier entry back.
    pub reversal: bool,
    /// True while it is announced and not booked; it counts in no balance.
    pub pending: bool,
    /// The day it was booked.
    pub booked: BusinessDay,
    /// The day from which it bears interest.
    pub value: BusinessDay,
    /// The bank's own number for it.
    pub bank_reference: Option<String>,
    /// What it is made of: one detail for a single payment, several for a batch, none where the bank says nothing.
    pub details: Vec<Detail>,
    /// Further text.
    pub text: Option<String>,
}

/// One payment in an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// Id of the order's file.
    pub message: Option<String>,
    /// Id of the order's batch.
    pub batch: Option<String>,
    /// Our id towards our bank.
    pub instruction: Option<String>,
    /// The id that stays with a payment to its end. `NOTPROVIDED` and `NONREF` are read as none.
    pub end_to_end: Option<String>,
    /// Its amount, where it is said apart.
    pub amount: Option<Money>,
    /// The other side's name.
    pub party: Option<Name>,
    /// The other side's account.
    pub party_account: Option<AccountNumber>,
    /// What for.
    pub remittance: Remittance,
    /// Why it was sent back; present on returned payments only.
    pub returned: Option<Reason>,
}

/// What a payment is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remittance {
    /// Free text, at most 140 characters.
    pub text: Option<String>,
    /// The creditor's reference, at most 35 characters.
    pub reference: Option<String>,
    /// Number of the document that is paid, such as a settlement's, at most 35 characters.
    pub document: Option<String>,
}

impl Remittance {
    pub(crate) fn write<W: Write>(&self, out: &mut Writer<W>) -> Result<(), Fault> {
        if *self == Self::default() {
            return Ok(());
        }
        out.open("RmtInf")?;
        out.text_if("Ustrd", self.text.as_deref(), 140)?;
        if self.reference.is_some() || self.document.is_some() {
            out.open("Strd")?;
            out.text_if("RfrdDocInf/Nb", self.document.as_deref(), 35)?;
            out.text_if("CdtrRefInf/Ref", self.reference.as_deref(), 35)?;
            out.close(1)?;
        }
        out.close(1)
    }

    pub(crate) fn read(from: &Element) -> Result<Self, Fault> {
        let Some(info) = from.get("RmtInf")? else { return Ok(Self::default()) };
        // Banks part long texts into several; they are one text.
        let parts: Result<Vec<String>, Fault> = info.all("Ustrd").map(|part| part.own_text(140)).collect();
        let text = Some(parts?.concat()).filter(|text| !text.is_empty());
        if text.as_ref().is_some_and(|text| text.chars().count() > 1_400) {
            return Err(info.fault("Ustrd", "is longer than 1,400 characters in all"));
        }
        Ok(Self {
            text,
            reference: info.text_if("Strd/CdtrRefInf/Ref", 35)?,
            document: info.text_if("Strd/RfrdDocInf/Nb", 35)?,
        })
    }
}

/// An id as given, or none where the bank writes that there is none.
pub(crate) fn provided(id: Option<String>) -> Option<String> {
    id.filter(|id| !matches!(id.as_str(), "NOTPROVIDED" | "NONREF"))
}
