//! What the simulated bank knows, and how it is kept.

use super::{Fate, fault, wrong};
use crate::{Reason, pain001::Payment, pain002, statement::Entry};
use intake::Fault;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Write},
    path::Path,
};
use types::{BusinessDay, Money, Time, time};

/// What the bank knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) now: Time,
    /// Everything booked.
    pub(super) balance: Money,
    /// What statements have told so far.
    pub(super) told_balance: Money,
    /// The first day without a statement.
    pub(super) statement_day: Option<BusinessDay>,
    pub(super) statements: u64,
    /// Numbers files and entries.
    pub(super) serial: u64,
    /// Orders taken, by message id, with the report that answered them.
    pub(super) messages: BTreeMap<String, Answered>,
    /// Names of order files taken, so that one that a crash left in `in` is not taken again.
    pub(super) files: BTreeSet<String>,
    /// Payments by end-to-end id.
    pub(super) payments: BTreeMap<String, Known>,
    /// Deposits booked, by end-to-end id.
    #[serde(default)]
    pub(super) deposits: BTreeMap<String, Time>,
    /// Entries that no statement holds yet.
    pub(super) booked: Vec<Booked>,
    /// Files to write.
    pub(super) outbox: Vec<OutFile>,
}

/// How an order was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) at: Time,
    pub(super) status: pain002::Status,
    pub(super) reason: Option<Reason>,
    pub(super) told: Vec<pain002::Told>,
}

/// A payment and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) message: String,
    pub(super) batch: String,
    pub(super) payment: Payment,
    pub(super) fate: Fate,
    pub(super) stage: Stage,
    /// When its next step is due.
    pub(super) due: Option<Time>,
    /// When nothing more was to come.
    pub(super) ended: Option<Time>,
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    Taken,
    Rejected,
    Booked,
    Returned,
}

/// An entry and the day whose statement holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Booked {
    pub(super) on: BusinessDay,
    pub(super) entry: Entry,
}

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OutFile {
    pub(super) name: String,
    pub(super) text: String,
}

impl Known {
    pub(super) fn told(
        &self,
        id: &str,
        status: pain002::Status,
        reason: Option<Reason>,
        reference: Option<String>,
    ) -> pain002::Told {
        pain002::Told {
            batch: self.batch.clone(),
            instruction: Some(self.payment.instruction.clone()),
            end_to_end: id.to_owned(),
            status,
            reason,
            bank_reference: reference,
            amount: Some(self.payment.amount),
        }
    }
}

const FILE: &str = "state.json";
/// Days for which ended payments and answered orders are remembered, to tell a repeat.
const REMEMBERED_DAYS: i64 = 60;

impl State {
    pub(super) const fn new(opening: Money) -> Self {
        Self {
            now: Time(i64::MIN),
            balance: opening,
            told_balance: opening,
            statement_day: None,
            statements: 0,
            serial: 0,
            messages: BTreeMap::new(),
            files: BTreeSet::new(),
            payments: BTreeMap::new(),
            deposits: BTreeMap::new(),
            booked: Vec::new(),
            outbox: Vec::new(),
        }
    }

    pub(super) fn load(folder: &Path, opening: Money) -> Result<Self, Fault> {
        let path = folder.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| wrong(&path.display().to_string(), &format!("no state: {error}"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::new(opening)),
            Err(error) => Err(fault(&path, &error)),
        }
    }

    pub(super) fn save(&self, folder: &Path) -> Result<(), Fault> {
        let path = folder.join(FILE);
        let bytes = serde_json::to_vec(self)
            .map_err(|error| wrong(&path.display().to_string(), &error.to_string()))?;
        write_atomically(&path, &bytes).map_err(|error| fault(&path, &error))
    }

    /// The name of the next file.
    pub(super) fn name(&mut self, kind: &str) -> String {
        self.serial += 1;
        format!("{kind}-{:06}", self.serial)
    }

    pub(super) fn put(&mut self, name: String, bytes: Vec<u8>) {
        // Our own writers give UTF-8.
        let text = String::from_utf8(bytes).unwrap_or_default();
        self.outbox.push(OutFile { name, text });
    }

    /// Drops what nobody will ask for any more.
    pub(super) fn forget(&mut self, now: Time) {
        let old = now.plus(-REMEMBERED_DAYS * time::DAY);
        self.payments.retain(|_, known| known.ended.is_none_or(|at| at > old));
        self.messages.retain(|_, answered| answered.at > old);
        self.deposits.retain(|_, at| *at > old);
    }
}

/// Writes beside, makes it durable, and renames: whoever looks sees nothing or all of it.
pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.part"));
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    // The name is durable once its folder is.
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
