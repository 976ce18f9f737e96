//! The folder of the channel's bills, and what was done with each.
//!
//! ```text
//! channel/2026-11-21.csv       the bill, as the channel gave it
//! channel/2026-11-21.done      it was matched, and what came of that
//! channel/2026-11-21.refused   why it could not be read
//! channel/2026-11-21.paid      a sandbox's channel has paid its bank by it
//! ```
//!
//! A mark names the bill it is about, so a bill that is replaced is matched again. Marks can be deleted at any time.

use super::{Trouble, marks::Marks, marks::print};
use std::{fs, io, path::PathBuf};
use types::BusinessDay;

/// The folder.
#[derive(Clone, Debug)]
pub struct Bills(Marks);

impl Bills {
    /// The folder at `path`, which is made when it is used.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(Marks::new(path))
    }

    /// Where the bill of `day` is, or would be.
    #[must_use]
    pub fn bill(&self, day: BusinessDay) -> PathBuf {
        self.0.mark(day, "csv")
    }

    /// Why the bill of `day` was refused, if it was.
    #[must_use]
    pub fn refused(&self, day: BusinessDay) -> Option<String> {
        self.0.refused(day, &self.about(day, false)?)
    }

    /// Whether the bill of `day` that is there now was matched.
    #[must_use]
    pub fn matched(&self, day: BusinessDay) -> bool {
        let Some(print) = print(&self.bill(day)) else { return false };
        let done = self.0.done(day);
        done.is_some_and(|(about, _)| about.split(' ').next() == Some(&print))
    }

    /// Whether nothing is left to be done for `day` now. `previous`: whether the bill of the day before was matched.
    #[must_use]
    pub fn is_done(&self, day: BusinessDay, previous: bool) -> bool {
        let Some(about) = self.about(day, previous) else { return true };
        self.0.done(day).is_some_and(|(done, _)| done == about) || self.refused(day).is_some()
    }

    /// Notes that the day was matched. `about` is what the bills were before it began.
    ///
    /// # Errors
    /// [`Trouble::Io`].
    pub fn keep_done(&self, day: BusinessDay, about: &str, said: &str) -> Result<(), Trouble> {
        self.0.keep_done(day, about, said)
    }

    /// Notes that the bill was refused.
    pub(super) fn keep_refused(&self, day: BusinessDay, why: &str) -> Result<(), Trouble> {
        let about = self.about(day, false).unwrap_or_default();
        self.0.keep_refused(day, &about, why)
    }

    /// Which bills a matching of `day` is about; none when its bill is not there.
    #[must_use]
    pub fn about(&self, day: BusinessDay, previous: bool) -> Option<String> {
        let before = if previous { print(&self.bill(day.previous())) } else { None };
        Some(format!("{} {}", print(&self.bill(day))?, before.unwrap_or_else(|| "-".to_owned())))
    }

    /// Days with a bill, earliest first.
    ///
    /// # Errors
    /// [`Trouble::Io`].
    pub fn days(&self) -> Result<Vec<BusinessDay>, Trouble> {
        let folder = self.0.folder();
        let failed = |error| Trouble::Io(folder.display().to_string(), error);
        let mut days = Vec::new();
        let listed = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(days),
            listed => listed.map_err(failed)?,
        };
        for entry in listed {
            let name = entry.map_err(failed)?.file_name();
            let day = name.to_str().and_then(|name| name.strip_suffix(".csv")).and_then(BusinessDay::parse);
            days.extend(day);
        }
        days.sort_unstable();
        Ok(days)
    }

    /// Makes the folder, for the owner only.
    pub(super) fn make(&self) -> Result<(), Trouble> {
        self.0.make()
    }

    /// An empty folder for sorting. One run at a time uses it.
    pub(super) fn scratch(&self) -> Result<PathBuf, Trouble> {
        self.0.scratch()
    }

    /// Whether the simulated channel has paid by the bill of `day`.
    pub(super) fn is_paid(&self, day: BusinessDay) -> bool {
        self.0.mark(day, PAID).exists()
    }

    /// Notes that it has.
    pub(super) fn keep_paid(&self, day: BusinessDay, said: &str) -> Result<(), Trouble> {
        super::marks::keep(&self.0.mark(day, PAID), "paid to the simulated bank", said)
    }
}

const PAID: &str = "paid";
