//! Where the bank's statements lie, and what was done with each.
//!
//! ```text
//! BANK/out/camt053-2026-11-22.xml      the statement as the bank gave it: camt.053,
//! BANK/out/mt940-2026-11-22.sta        or MT940 (.sta, .mt940, .txt),
//! BANK/out/statement-2026-11-22.csv    or CSV of the declared format
//! MARKS/2026-11-22.done                it was matched, and what came of that
//! MARKS/2026-11-22.refused             why it could not be read
//! ```
//!
//! The first day in a name says whose statement it is. A mark names the file it is about, so a statement that is replaced
//! is matched again. Marks can be deleted at any time.

use super::super::{
    Trouble,
    marks::{Marks, print},
};
use bank::{AccountNumber, csv};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use types::BusinessDay;

/// The statements of the platform's bank account.
#[derive(Clone, Debug)]
pub struct Statements {
    /// The folder shared with the bank; statements are in `out`.
    pub folder: PathBuf,
    /// What was done with them; ours alone.
    pub marks: PathBuf,
    /// The account.
    pub account: AccountNumber,
    /// What the bank's CSV looks like.
    pub format: csv::Format,
    /// What an end-to-end id or text begins with where a channel pays a batch; the batch follows.
    pub channel_prefix: String,
}

/// What the sandbox's channel writes before a batch, and what is looked for unless something else is configured.
pub const CHANNEL_PREFIX: &str = "CARD-";

/// Which form a statement has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// camt.053.
    Camt,
    /// MT940.
    Mt940,
    /// CSV of the declared format.
    Csv,
}

impl Form {
    /// The form of a file by its name; none for other files.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match Path::new(name).extension()?.to_str()? {
            "xml" if name.starts_with("camt053") => Some(Self::Camt),
            "sta" | "mt940" | "txt" => Some(Self::Mt940),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
    /// The name under which a statement of `day` is kept.
    #[must_use]
    pub fn name(self, day: BusinessDay) -> String {
        match self {
            Self::Camt => format!("camt053-{day}.xml"),
            Self::Mt940 => format!("mt940-{day}.sta"),
            Self::Csv => format!("statement-{day}.csv"),
        }
    }
}

/// The CSV statement that is read unless another is declared: UTF-8, yuan, a balance after each entry.
#[must_use]
pub fn csv_format() -> csv::Format {
    let columns =
        ["记账日期", "银行流水号", "收入", "支出", "余额", "端到端标识", "对方户名", "对方账号", "摘要"];
    let named = |at: usize| columns[at].to_owned();
    csv::Format {
        name: "bank-statement/1".into(),
        encoding: intake::Encoding::Utf8,
        columns: columns.map(str::to_owned).to_vec(),
        day: named(0),
        amounts: csv::Amounts::Split { credit: named(2), debit: named(3) },
        unit: csv::Unit::Major,
        currency: "CNY".into(),
        balance: Some(named(4)),
        reference: named(1),
        end_to_end: Some(named(5)),
        party: Some(named(6)),
        party_account: Some(named(7)),
        text: Some(named(8)),
        total: "合计".into(),
    }
}

impl Statements {
    /// Days with a statement, earliest first, and where it is.
    ///
    /// # Errors
    /// [`Trouble::Io`], [`Trouble::TwoStatements`].
    pub fn all(&self) -> Result<Vec<(BusinessDay, PathBuf)>, Trouble> {
        let out = self.folder.join("out");
        let failed = |error| Trouble::Io(out.display().to_string(), error);
        let mut all = Vec::new();
        let listed = match fs::read_dir(&out) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(all),
            listed => listed.map_err(failed)?,
        };
        for entry in listed {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if Form::of(name).is_some()
                && let Some(day) = day_in(name)
            {
                all.push((day, path));
            }
        }
        all.sort();
        if let Some(two) = all.windows(2).find(|two| two[0].0 == two[1].0) {
            let name = |path: &PathBuf| path.display().to_string();
            return Err(Trouble::TwoStatements(two[0].0, name(&two[0].1), name(&two[1].1)));
        }
        Ok(all)
    }

    /// Why statements that are there now were refused.
    ///
    /// # Errors
    /// As [`Statements::all`].
    pub fn refused(&self) -> Result<Vec<String>, Trouble> {
        let marks = self.marks();
        let why = |(day, path): &(BusinessDay, PathBuf)| {
            let (about, why) = marks.refusal(*day)?;
            (about.split(' ').next() == print(path).as_deref()).then_some(why)
        };
        Ok(self.all()?.iter().filter_map(why).collect())
    }

    pub(super) fn marks(&self) -> Marks {
        Marks::new(&self.marks)
    }

    /// Takes a statement over into the folder, in place of an earlier one of the day.
    ///
    /// # Errors
    /// [`Trouble::NotAStatement`] for a name of no form, [`Trouble::Io`].
    pub fn keep(&self, day: BusinessDay, from: &Path) -> Result<PathBuf, Trouble> {
        let form = form_of(from)?;
        let out = self.folder.join("out");
        let to = out.join(form.name(day));
        let part = to.with_extension("part");
        let copied = fs::create_dir_all(&out).and_then(|()| {
            fs::copy(from, &part)?;
            fs::File::open(&part)?.sync_all()?;
            for (known, old) in self.all().unwrap_or_default() {
                if known == day && old != to {
                    fs::remove_file(old)?;
                }
            }
            fs::rename(&part, &to)
        });
        copied.map_err(|error| Trouble::Io(to.display().to_string(), error))?;
        Ok(to)
    }
}

/// The form of a file that is said to be a statement, whatever comes before its extension.
pub(super) fn form_of(path: &Path) -> Result<Form, Trouble> {
    let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    Form::of(&format!("camt053.{kind}")).ok_or_else(|| Trouble::NotAStatement(path.display().to_string()))
}

/// How many statements are marked as refused in the folder `marks`; one that is matched after all loses its mark.
#[must_use]
pub fn refused_in(marks: &Path) -> u64 {
    let Ok(listed) = fs::read_dir(marks) else { return 0 };
    let refused =
        listed.filter_map(Result::ok).filter(|entry| entry.path().extension() == Some("refused".as_ref()));
    refused.count() as u64
}

/// Size and time of a file.
pub(super) fn print_of(path: &Path) -> Option<String> {
    print(path)
}

/// The first `yyyy-MM-dd` in a name.
fn day_in(name: &str) -> Option<BusinessDay> {
    (0..name.len()).find_map(|at| BusinessDay::parse(name.get(at..at + 10)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_form_and_day() {
        let day = BusinessDay::parse("2026-11-22").unwrap();
        for form in [Form::Camt, Form::Mt940, Form::Csv] {
            let name = form.name(day);
            assert_eq!((Form::of(&name), day_in(&name)), (Some(form), Some(day)));
        }
        for other in ["camt054-2026-11-22.xml", "pain002-000001.xml", "notes", ".part"] {
            assert_eq!(Form::of(other), None, "{other}");
        }
        assert_eq!(day_in("statement-12.csv"), None);
        assert_eq!(day_in("建行2026-11-22.csv"), Some(day));
    }
}
