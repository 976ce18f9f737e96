//! Marks beside files of others: what was done with the file of a day, and about which file that was.

use super::Trouble;
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};
use types::BusinessDay;

/// A folder of marks, `DAY.done` and `DAY.refused`. They can be deleted at any time: then it is done again.
#[derive(Clone, Debug)]
pub(super) struct Marks(PathBuf);

impl Marks {
    pub(super) fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// What the day was done about, and what was said of it.
    pub(super) fn done(&self, day: BusinessDay) -> Option<(String, String)> {
        let text = fs::read_to_string(self.mark(day, DONE)).ok()?;
        let (about, said) = text.split_once('\n')?;
        Some((about.to_owned(), said.trim_end().to_owned()))
    }

    /// Why the file of `day` was refused, if that was said about `about`.
    pub(super) fn refused(&self, day: BusinessDay, about: &str) -> Option<String> {
        self.refusal(day).filter(|(told, _)| told == about).map(|(_, why)| why)
    }

    /// What the file of `day` was refused about, and why.
    pub(super) fn refusal(&self, day: BusinessDay) -> Option<(String, String)> {
        let text = fs::read_to_string(self.mark(day, REFUSED)).ok()?;
        let (about, why) = text.split_once('\n')?;
        Some((about.to_owned(), why.trim_end().to_owned()))
    }

    pub(super) fn keep_done(&self, day: BusinessDay, about: &str, said: &str) -> Result<(), Trouble> {
        self.make()?;
        keep(&self.mark(day, DONE), about, said)?;
        forget(&self.mark(day, REFUSED))
    }

    pub(super) fn keep_refused(&self, day: BusinessDay, about: &str, why: &str) -> Result<(), Trouble> {
        self.make()?;
        keep(&self.mark(day, REFUSED), about, why)?;
        forget(&self.mark(day, DONE))
    }

    /// Makes the folder, for the owner only.
    pub(super) fn make(&self) -> Result<(), Trouble> {
        make(&self.0)
    }

    /// An empty folder for sorting. One run at a time uses it.
    pub(super) fn scratch(&self) -> Result<PathBuf, Trouble> {
        let path = self.0.join(".run");
        make(&path)?;
        Ok(path)
    }

    /// A mark of a kind of its own.
    pub(super) fn mark(&self, day: BusinessDay, kind: &str) -> PathBuf {
        self.0.join(format!("{day}.{kind}"))
    }
}

/// Size and time of a file; none when it is not there.
pub(super) fn print(path: &Path) -> Option<String> {
    let about = fs::metadata(path).ok()?;
    let changed = about.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(format!("{}:{}", about.len(), changed.as_micros()))
}

/// Writes a mark, whole or not at all.
pub(super) fn keep(path: &Path, about: &str, said: &str) -> Result<(), Trouble> {
    let part = path.with_extension("part");
    let written = fs::write(&part, format!("{about}\n{said}\n")).and_then(|()| fs::rename(&part, path));
    written.map_err(|error| Trouble::Io(path.display().to_string(), error))
}

fn make(path: &Path) -> Result<(), Trouble> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| Trouble::Io(path.display().to_string(), error))
}

fn forget(path: &Path) -> Result<(), Trouble> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Trouble::Io(path.display().to_string(), error))
        }
        _ => Ok(()),
    }
}

const DONE: &str = "done";
const REFUSED: &str = "refused";
