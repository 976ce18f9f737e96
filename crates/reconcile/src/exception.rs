//! Exceptions: differences that only a person or the channel's answer ends.

use crate::entry::{Carried, Entry, Kind, Side, Status};
use serde::{Deserialize, Serialize};
use types::{BusinessDay, Money};

/// What is wrong (reference §4, reconciliation outcomes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// 长款: others have it, our ledger lacks it.
    Long,
    /// 短款: our ledger has it, another side lacks it.
    Short,
    /// Both have it, of different amounts.
    Amount,
    /// Both have it in different currencies.
    Currency,
    /// Both have it and differ on whether money moved, or one does not know.
    Status,
    /// The channel kept another fee than the ledger says.
    Fee,
    /// One side has it more than once.
    Duplicate,
}

impl Class {
    /// Every class, in the order of a report.
    pub const ALL: [Self; 7] =
        [Self::Long, Self::Short, Self::Amount, Self::Currency, Self::Status, Self::Fee, Self::Duplicate];

    /// Its name in ids, files and pages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
            Self::Amount => "amount",
            Self::Currency => "currency",
            Self::Status => "status",
            Self::Fee => "fee",
            Self::Duplicate => "duplicate",
        }
    }
}

/// A field in which sides differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// The amount.
    Amount,
    /// The currency.
    Currency,
    /// Whether money moved.
    Status,
    /// The fee.
    Fee,
}

/// What to do next. A suggestion: a person decides, another approves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Ask the channel for this one's state and take its answer (R-FIN-69).
    Query,
    /// Query first; complete the order if it is still wanted, else refund the payer.
    CompleteOrRefund,
    /// The channel has had its time (T+2): chase it with the bill and our record.
    Chase,
    /// Ask the other side to explain or correct its file; nothing is to be booked yet.
    Explain,
    /// Book the difference against `platform.suspense`, then settle it with the other side.
    BookDifference,
    /// Reverse the one too many on the side that has it.
    ReverseDuplicate,
}

/// The money in question, as `platform.suspense` would hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "direction", content = "amount")]
pub enum Suspense {
    /// The outside holds or sent more than our books say: we owe it to somebody until it is explained.
    Owed(Money),
    /// The outside holds or sent less than our books say: it is missing until it is explained.
    Missing(Money),
}

/// A difference found, with everything needed to decide it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// `scheme/kind/key/class`, with `#2`, `#3` … for further duplicates of one key. The same difference has the
    /// same id in every run, so a day that is run twice opens nothing twice.
    pub id: String,
    /// The plan's scheme, such as `card`.
    pub scheme: String,
    /// Business day of the run that found it.
    pub day: BusinessDay,
    /// Business day of the run that first saw an entry of it; ageing counts from here.
    pub since: BusinessDay,
    /// The number the sides share.
    pub key: String,
    /// What it is.
    pub kind: Kind,
    /// What is wrong.
    pub class: Class,
    /// What the ledger says.
    pub ledger: Option<Entry>,
    /// What the channel's bill says.
    pub channel: Option<Entry>,
    /// What the bank's statement says.
    pub bank: Option<Entry>,
    /// Sides of the plan that have nothing.
    pub missing: Vec<Side>,
    /// Fields in which the sides differ; all of them, while the class names the gravest.
    pub differs: Vec<Field>,
    /// The side that has it twice; for [`Class::Duplicate`] only.
    pub twice: Option<Side>,
    /// The money in question; `None` where it is nothing or cannot be known yet.
    pub suspense: Option<Suspense>,
    /// What to do next, as of `day`.
    pub action: Action,
    /// The exception that this one replaces, because a late entry changed what is wrong.
    pub replaces: Option<String>,
}

impl Exception {
    /// What this side says.
    #[must_use]
    pub const fn side(&self, side: Side) -> Option<&Entry> {
        match side {
            Side::Ledger => self.ledger.as_ref(),
            Side::Channel => self.channel.as_ref(),
            Side::Bank => self.bank.as_ref(),
        }
    }

    /// What to hand to the runs of later days, so that a late partner closes or changes this exception. Empty
    /// for a duplicate, which no partner closes.
    #[must_use]
    pub fn carried(&self) -> Vec<Carried> {
        if self.class == Class::Duplicate || self.missing.is_empty() {
            return Vec::new();
        }
        let carry =
            |side| Some(Carried { side, entry: self.side(side)?.clone(), since: self.since, reported: true });
        Side::ALL.into_iter().filter_map(carry).collect()
    }

    /// Days since an entry of it was first seen; never negative.
    #[must_use]
    pub fn age(&self, today: BusinessDay) -> u32 {
        u32::try_from(i64::from(today.0) - i64::from(self.since.0)).unwrap_or(0)
    }

    /// What to do on `today`; what is to be queried first is chased from T+2 on.
    #[must_use]
    pub fn action_on(&self, today: BusinessDay) -> Action {
        let unknown = Side::ALL.iter().any(|s| self.side(*s).is_some_and(|e| e.status == Status::Unknown));
        suggest(self.class, self.kind, self.suspense, unknown, self.age(today))
    }
}

/// Days after which a missing entry is chased: the channel's file of T+2 should have brought it.
pub const CHASE_AFTER_DAYS: u32 = 2;

/// What to do about a difference of this age in days.
pub(crate) fn suggest(
    class: Class,
    kind: Kind,
    suspense: Option<Suspense>,
    unknown: bool,
    age: u32,
) -> Action {
    match class {
        // Nobody but the channel ends what is unknown, however old it is.
        _ if unknown => Action::Query,
        Class::Long if kind == Kind::Payment => Action::CompleteOrRefund,
        // Money that left without a record of ours is explained before anything is booked.
        Class::Long | Class::Currency => Action::Explain,
        // Every side that moves money agrees; only a file is incomplete.
        Class::Short if suspense.is_none() => Action::Explain,
        Class::Short if age < CHASE_AFTER_DAYS => Action::Query,
        Class::Short => Action::Chase,
        Class::Status => Action::Query,
        Class::Amount | Class::Fee => Action::BookDifference,
        Class::Duplicate => Action::ReverseDuplicate,
    }
}

/// The id of a difference; `ordinal` counts duplicates from 1.
pub(crate) fn id(scheme: &str, kind: Kind, key: &str, class: Class, ordinal: usize) -> String {
    let more = if ordinal > 1 { format!("#{ordinal}") } else { String::new() };
    format!("{scheme}/{}/{key}/{}{more}", kind.name(), class.name())
}
