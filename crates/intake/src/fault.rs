//! Why a file was refused.

/// A refused file: where, what, and what to do next.
///
/// ```
/// let fault = intake::Fault::format("bill.csv", 3, "`1.234` is not an amount", "ask the channel for the bill again");
/// assert_eq!(
///     fault.at("订单金额").to_string(),
///     "bill.csv, line 3, 订单金额: `1.234` is not an amount; ask the channel for the bill again",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}{}{place}: {problem}; {next}", if place.is_empty() { "" } else { ", " })]
pub struct Fault {
    /// What kind of trouble it is.
    pub cause: Cause,
    /// The file as its reader was told it is called.
    pub file: String,
    /// The line, counted from 1; 0 before the first.
    pub line: u64,
    /// Column or element; empty when the whole line is meant.
    pub place: String,
    /// What is wrong, with the value.
    pub problem: String,
    /// What to do next.
    pub next: String,
}

/// What kind of trouble a file made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The storage under the file failed; the same file may be read later.
    Io,
    /// The file is larger than it may be.
    Limit,
    /// The file is not what was declared; reading it again brings the same.
    Format,
}

impl Fault {
    /// A file that is not what was declared.
    pub fn format(file: &str, line: u64, problem: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Cause::Format, file, line, problem, next)
    }

    /// A file beyond a limit.
    pub fn limit(file: &str, line: u64, problem: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Cause::Limit, file, line, problem, next)
    }

    /// Storage that failed.
    #[must_use]
    pub fn io(file: &str, line: u64, error: &std::io::Error) -> Self {
        Self::new(
            Cause::Io,
            file,
            line,
            format!("cannot read or write: {error}"),
            "look at the disk, then run again",
        )
    }

    fn new(cause: Cause, file: &str, line: u64, problem: impl Into<String>, next: impl Into<String>) -> Self {
        let (problem, next) = (problem.into(), next.into());
        Self { cause, file: file.to_owned(), line, place: String::new(), problem, next }
    }

    /// The same at a column or element.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }
}

/// A value as a message may quote it: at most 60 characters, none that could break a log line.
#[must_use]
pub fn quoted(value: &str) -> String {
    let mut text: String =
        value.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(60).collect();
    if value.chars().nth(60).is_some() {
        text.push('…');
    }
    format!("`{text}`")
}
