//! What others pay into the account, or take from it: the simulated bank is told by a file, as if the other bank had sent
//! it.

use super::{ACCOUNT, Bank, Core, fault, state, state::Booked, wrong};
use crate::{
    party::Name,
    statement::{Detail, Direction, Entry, Remittance},
};
use intake::Fault;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use types::{Money, Time};

/// Money that comes to the account, or that somebody is entitled to take from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deposit {
    /// The end-to-end id that the statement shows, at most 35 characters. Another deposit of the same id is passed over.
    pub end_to_end: String,
    /// How much, above zero.
    pub amount: Money,
    /// Which way it goes.
    pub direction: Direction,
    /// It is booked on no earlier day than this is on.
    pub not_before: Time,
    /// Who pays or takes.
    pub party: Name,
    /// What for.
    pub text: Option<String>,
}

impl Deposit {
    /// Puts it where the bank of `folder` finds it, whole or not at all. Again is the same once more.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn put(&self, folder: &Path) -> Result<(), Fault> {
        let sub = folder.join("deposits");
        std::fs::create_dir_all(&sub).map_err(|error| fault(&sub, &error))?;
        let safe = |byte: char| if byte.is_ascii_alphanumeric() || byte == '-' { byte } else { '_' };
        let name: String = self.end_to_end.chars().map(safe).collect();
        let path = sub.join(format!("{name}.json"));
        let bytes =
            serde_json::to_vec_pretty(self).map_err(|error| wrong(&self.end_to_end, &error.to_string()))?;
        state::write_atomically(&path, &bytes).map_err(|error| fault(&path, &error))
    }
}

/// Most deposits of one run; more wait for the next.
const MOST: usize = 1_000;

impl Bank {
    /// Books the deposits that are there and whose time has come; gives the files to remove once that is kept.
    pub(super) fn book_deposits(&mut self, now: Time) -> Result<Vec<PathBuf>, Fault> {
        let folder = self.folder.join("deposits");
        let listed = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            listed => listed.map_err(|error| fault(&folder, &error))?,
        };
        let mut paths = Vec::new();
        for entry in listed {
            let path = entry.map_err(|error| fault(&folder, &error))?.path();
            if path.extension().is_some_and(|kind| kind == "json") {
                paths.push(path);
            }
        }
        paths.sort();
        paths.truncate(MOST);
        let mut taken = Vec::new();
        for path in paths {
            let bytes = std::fs::read(&path).map_err(|error| fault(&path, &error))?;
            let name = path.display().to_string();
            let deposit: Deposit =
                serde_json::from_slice(&bytes).map_err(|error| wrong(&name, &error.to_string()))?;
            if deposit.not_before <= now {
                self.core.deposit(&deposit, now)?;
                taken.push(path);
            }
        }
        Ok(taken)
    }
}

impl Core {
    /// Books a deposit at `now`, unless one of its id was booked before. True when it was booked.
    ///
    /// # Errors
    /// The balance does not fit.
    pub fn deposit(&mut self, deposit: &Deposit, now: Time) -> Result<bool, Fault> {
        let now = now.max(self.state.now);
        if self.state.deposits.contains_key(&deposit.end_to_end) || deposit.amount.minor <= 0 {
            return Ok(false);
        }
        let balance = deposit.direction.apply(self.state.balance, deposit.amount);
        self.state.balance = balance.map_err(|error| wrong(ACCOUNT, &error.to_string()))?;
        self.state.deposits.insert(deposit.end_to_end.clone(), now);
        self.state.serial += 1;
        let day = now.business_day();
        let detail = Detail {
            end_to_end: Some(deposit.end_to_end.clone()),
            amount: Some(deposit.amount),
            party: Some(deposit.party.clone()),
            remittance: Remittance { text: deposit.text.clone(), ..Remittance::default() },
            ..Detail::default()
        };
        let entry = Entry {
            amount: deposit.amount,
            direction: deposit.direction,
            reversal: false,
            pending: false,
            booked: day,
            value: day,
            bank_reference: Some(format!("SIM{:09}", self.state.serial)),
            details: vec![detail],
            text: None,
        };
        self.state.booked.push(Booked { on: day, entry });
        Ok(true)
    }
}
