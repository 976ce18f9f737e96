//! The folder of the channel's bills, and what was done with each.
//!
//! ```text
//! channel/2026-11-21.csv       the bill, as the channel gave it
//! channel/2026-11-21.done      it was matched, and what came of that
//! channel/2026-11-21.refused   why it could not be read
//! ```
//!
//! A mark names the bill it is about, so a bill that is replaced is matched again. Marks can be deleted at any time.

use super::Trouble;
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};
use types::BusinessDay;

/// The folder.
#[derive(Clone, Debug)]
pub struct Bills(PathBuf);

impl Bills {
    /// The folder at `path`, which is made when it is used.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where the bill of `day` is, or would be.
    #[must_use]
    pub fn bill(&self, day: BusinessDay) -> PathBuf {
        self.0.join(format!("{day}.csv"))
    }

    /// Why the bill of `day` was refused, if it was.
    #[must_use]
    pub fn refused(&self, day: BusinessDay) -> Option<String> {
        let text = fs::read_to_string(self.mark(day, REFUSED)).ok()?;
        let (about, why) = text.split_once('\n')?;
        (about == self.about(day, false)?).then(|| why.trim_end().to_owned())
    }

    /// Whether the bill of `day` that is there now was matched.
    pub(super) fn matched(&self, day: BusinessDay) -> bool {
        let Some(print) = self.print(day) else { return false };
        let done = fs::read_to_string(self.mark(day, DONE)).unwrap_or_default();
        done.split([' ', '\n']).next() == Some(&print)
    }

    /// Whether nothing is left to be done for `day` now.
    pub(super) fn is_done(&self, day: BusinessDay, previous: bool) -> bool {
        let Some(about) = self.about(day, previous) else { return true };
        let done = fs::read_to_string(self.mark(day, DONE)).unwrap_or_default();
        done.lines().next() == Some(&about) || self.refused(day).is_some()
    }

    /// Notes that the day was matched. `about` is what the bills were before it began.
    pub(super) fn keep_done(&self, day: BusinessDay, about: &str, said: &str) -> Result<(), Trouble> {
        self.keep(&self.mark(day, DONE), about, said)?;
        self.forget(&self.mark(day, REFUSED))
    }

    /// Notes that the bill was refused.
    pub(super) fn keep_refused(&self, day: BusinessDay, why: &str) -> Result<(), Trouble> {
        let about = self.about(day, false).unwrap_or_default();
        self.keep(&self.mark(day, REFUSED), &about, why)?;
        self.forget(&self.mark(day, DONE))
    }

    /// Which bills a matching of `day` is about; none when its bill is not there.
    pub(super) fn about(&self, day: BusinessDay, previous: bool) -> Option<String> {
        let before = if previous { self.print(day.previous()) } else { None };
        Some(format!("{} {}", self.print(day)?, before.unwrap_or_else(|| "-".to_owned())))
    }

    /// Days with a bill, earliest first.
    ///
    /// # Errors
    /// [`Trouble::Io`].
    pub fn days(&self) -> Result<Vec<BusinessDay>, Trouble> {
        let failed = |error| Trouble::Io(self.0.display().to_string(), error);
        let mut days = Vec::new();
        let listed = match fs::read_dir(&self.0) {
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
        self.folder(&self.0)
    }

    /// An empty folder for sorting. One run at a time uses it.
    pub(super) fn scratch(&self) -> Result<PathBuf, Trouble> {
        let path = self.0.join(".run");
        self.folder(&path)?;
        Ok(path)
    }

    fn folder(&self, path: &Path) -> Result<(), Trouble> {
        use std::os::unix::fs::DirBuilderExt;
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| Trouble::Io(path.display().to_string(), error))
    }

    /// Size and time of a bill.
    fn print(&self, day: BusinessDay) -> Option<String> {
        let about = fs::metadata(self.bill(day)).ok()?;
        let changed = about.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Some(format!("{}:{}", about.len(), changed.as_micros()))
    }

    fn mark(&self, day: BusinessDay, kind: &str) -> PathBuf {
        self.0.join(format!("{day}.{kind}"))
    }

    fn keep(&self, path: &Path, about: &str, said: &str) -> Result<(), Trouble> {
        let part = path.with_extension("part");
        let written = fs::write(&part, format!("{about}\n{said}\n")).and_then(|()| fs::rename(&part, path));
        written.map_err(|error| Trouble::Io(path.display().to_string(), error))
    }

    fn forget(&self, path: &Path) -> Result<(), Trouble> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Trouble::Io(path.display().to_string(), error))
            }
            _ => Ok(()),
        }
    }
}

const DONE: &str = "done";
const REFUSED: &str = "refused";
