//! Channel bills, read and written by a declared [`Format`].
//!
//! A bill is a header, rows, a header of the summary, and the summary. It is taken whole or not at all: only
//! when the summary agrees with the rows has the bill been read, and a run that took its entries before that is
//! thrown away. Whatever differs from the declaration is refused with file, line, column and value, because a
//! shifted column matches money against the wrong numbers (accident: a bill with fewer columns than expected).

use crate::{
    decimal::Decimal,
    entry::{Entry, Kind, TEXT_MAX},
    format::{AMOUNTS_MAX, Check, Format, Layout, Places, TimeForm, currency},
};
use intake::{Fault, Limits, Lines, Quoting, fault::quoted, fields, header};
use std::{
    borrow::Cow,
    io::{self, BufRead, Write},
};
use types::Time;

const ASK: &str = "ask the channel for the bill again; if it changed its format, declare the new one";

/// Reads a bill.
pub struct Bill<'f, R> {
    lines: Lines<R>,
    format: &'f Format,
    layout: Layout<'f>,
    summary_header: String,
    sums: Sums,
    done: bool,
}

/// What the rows add up to.
#[derive(Clone, Debug, Default)]
struct Sums {
    rows: u64,
    rows_of: [u64; 5],
    /// By amount column, then kind.
    amounts: Vec<[Decimal; 5]>,
}

impl<'f, R: BufRead> Bill<'f, R> {
    /// Opens `input`, which messages call `file`, and checks its header.
    ///
    /// # Errors
    /// The format is declared wrongly, or the header is another.
    pub fn open(input: R, file: &str, format: &'f Format, limits: Limits) -> Result<Self, Fault> {
        let declared = "correct the declaration of the channel's format";
        let layout = format.layout().map_err(|problem| Fault::format(file, 0, problem, declared))?;
        let mut lines = Lines::new(input, file, format.encoding, limits);
        let Some(line) = lines.next_line()? else {
            return Err(Fault::format(file, 0, "the file is empty", ASK));
        };
        // Headers are quoted like RFC 4180 rows or not at all; back-ticks stand before data only.
        let quoting = if format.quoting == Quoting::Double { Quoting::Double } else { Quoting::Plain };
        let found = fields::split(line, format.separator, quoting);
        let found: Vec<String> = match found {
            Ok(found) => found.into_iter().map(Cow::into_owned).collect(),
            Err(broken) => return Err(lines.fault(format!("header: {broken}"), ASK)),
        };
        if let Some(drift) = header::drift(&format.columns, &found) {
            let problem = format!("the header is not that of format `{}`: {drift}", format.name);
            return Err(lines.fault(problem, ASK));
        }
        let names: Vec<&str> = format.summary.iter().map(|s| s.column.as_str()).collect();
        let summary_header = names.join(&format.separator.to_string());
        let sums = Sums { amounts: vec![Default::default(); layout.amounts.len()], ..Sums::default() };
        Ok(Self { lines, format, layout, summary_header, sums, done: false })
    }

    /// The next entry; `None` once the summary was read and agrees.
    ///
    /// # Errors
    /// A row is not as declared, the summary is missing or says something else than the rows, or there is more
    /// after it.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, Fault> {
        if self.done {
            return Ok(None);
        }
        if self.lines.next_line()?.is_none() {
            let problem = format!(
                "the file ends after {} rows without the summary `{}`; it was cut off or its format changed",
                self.sums.rows, self.summary_header
            );
            return Err(self.lines.fault(problem, ASK));
        }
        if self.lines.text() == self.summary_header {
            self.check_summary()?;
            self.done = true;
            return Ok(None);
        }
        self.row().map(Some)
    }

    /// Rows read so far.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.sums.rows
    }

    fn row(&mut self) -> Result<Entry, Fault> {
        join(&mut self.lines, self.format)?;
        let lines = &self.lines;
        let fields = split_row(lines, self.format)?;
        if fields.len() != self.format.columns.len() {
            if let Some(drift) = looks_like_summary(&self.format.summary, lines.text(), self.format.separator)
            {
                let problem = format!("the summary is not that of format `{}`: {drift}", self.format.name);
                return Err(lines.fault(problem, ASK));
            }
            let problem = format!("{} fields instead of {}", fields.len(), self.format.columns.len());
            return Err(lines.fault(problem, ASK));
        }
        let bad = |column: usize, problem: String| {
            lines.fault(problem, ASK).at(self.format.columns.get(column).cloned().unwrap_or_default())
        };
        let applies = |rule: &&Places<'_>| {
            rule.when.iter().all(|(column, values)| values.iter().any(|value| *value == fields[*column]))
        };
        let Some(rule) = self.layout.rules.iter().find(applies) else {
            let (column, values) = self.layout.rules[0].when.first().map_or((0, &[][..]), |(c, v)| (*c, *v));
            let problem = format!(
                "no rule of format `{}` takes {} (the first takes {})",
                self.format.name,
                quoted(&fields[column]),
                values.join(", "),
            );
            return Err(bad(column, problem));
        };
        let mut amounts = [Decimal::default(); AMOUNTS_MAX];
        for (nth, (column, decimals)) in self.layout.amounts.iter().enumerate() {
            let amount = Decimal::parse(&fields[*column], *decimals).ok_or_else(|| {
                let value = quoted(&fields[*column]);
                bad(*column, format!("{value} is not an amount with exactly {decimals} decimals"))
            })?;
            if let Some(slot) = amounts.get_mut(nth) {
                *slot = amount;
            }
        }
        let text = |column: usize| {
            let value = &fields[column];
            if value.len() > TEXT_MAX {
                return Err(bad(column, format!("{} is longer than {TEXT_MAX} bytes", quoted(value))));
            }
            Ok(value.as_ref())
        };
        let key = text(rule.key)?;
        if key.is_empty() {
            return Err(bad(rule.key, "is empty".into()));
        }
        let code = text(rule.currency)?;
        let currency = currency(code).ok_or_else(|| {
            bad(rule.currency, format!("{} is not an ISO 4217 currency code", quoted(code)))
        })?;
        let money = |nth: usize| {
            let amount = amounts.get(nth).copied().unwrap_or_default();
            let column = self.layout.amounts[nth].0;
            amount
                .money(currency)
                .ok_or_else(|| bad(column, format!("`{amount}` is not an amount in {code}")))
        };
        let amount = money(rule.amount)?;
        if amount.minor < 0 {
            return Err(bad(self.layout.amounts[rule.amount].0, format!("`{amount}` is negative")));
        }
        let fee = rule.fee.map(money).transpose()?;
        let (column, meanings) = rule.status;
        let status = meanings.iter().find(|(value, _)| *value == fields[column]).map(|(_, status)| *status);
        let status = status.ok_or_else(|| {
            let known: Vec<&str> = meanings.iter().map(|(value, _)| value.as_str()).collect();
            bad(column, format!("{} is none of {}", quoted(&fields[column]), known.join(", ")))
        })?;
        let at = time(&fields[rule.time], self.format.time).ok_or_else(|| {
            bad(rule.time, format!("{} is not a time as declared", quoted(&fields[rule.time])))
        })?;
        let batch = rule.batch.map(text).transpose()?.filter(|b| !b.is_empty()).map(str::to_owned);
        let reference = text(rule.reference)?.to_owned();
        let entry = Entry { key: key.to_owned(), kind: rule.kind, amount, fee, status, at, reference, batch };
        self.sums.add(rule.kind, &amounts);
        Ok(entry)
    }

    fn check_summary(&mut self) -> Result<(), Fault> {
        if self.lines.next_line()?.is_none() {
            return Err(self.lines.fault("the file ends before the summary's values", ASK));
        }
        let fields = split_row(&self.lines, self.format)?;
        if fields.len() != self.format.summary.len() {
            let problem = format!("{} summary values instead of {}", fields.len(), self.format.summary.len());
            return Err(self.lines.fault(problem, ASK));
        }
        for ((declared, check), value) in self.format.summary.iter().zip(&self.layout.summary).zip(&fields) {
            let (found, expected) = match *check {
                Check::Rows(kind) => {
                    let expected = kind.map_or(self.sums.rows, |kind| self.sums.rows_of[kind as usize]);
                    // Some bills print counts like `20.0`.
                    let digits = value.strip_suffix(".0").unwrap_or(value);
                    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
                    (plain && digits.parse() == Ok(expected), expected.to_string())
                }
                Check::Sum(nth, kind) => {
                    let decimals = self.layout.amounts[nth].1;
                    let expected = self.sums.sum(nth, kind);
                    (Decimal::parse(value, decimals) == Some(expected), expected.text(decimals))
                }
            };
            if !found {
                let problem = format!("the summary says {}, the rows add up to `{expected}`", quoted(value));
                return Err(self.lines.fault(problem, ASK).at(&declared.column));
            }
        }
        drop(fields);
        while let Some(line) = self.lines.next_line()? {
            if !line.is_empty() {
                let problem = format!("{} follows the summary", quoted(line));
                return Err(self.lines.fault(problem, ASK));
            }
        }
        Ok(())
    }
}

impl Sums {
    fn add(&mut self, kind: Kind, amounts: &[Decimal]) {
        self.rows += 1;
        self.rows_of[kind as usize] += 1;
        for (sum, amount) in self.amounts.iter_mut().zip(amounts) {
            sum[kind as usize] = sum[kind as usize].plus(*amount);
        }
    }

    fn sum(&self, nth: usize, kind: Option<Kind>) -> Decimal {
        let by_kind = self.amounts.get(nth).copied().unwrap_or_default();
        kind.map_or_else(
            || by_kind.into_iter().fold(Decimal::default(), Decimal::plus),
            |kind| by_kind[kind as usize],
        )
    }
}

/// A quoted field may hold line breaks: lines are joined until it is closed.
fn join<R: BufRead>(lines: &mut Lines<R>, format: &Format) -> Result<(), Fault> {
    if format.quoting == Quoting::Double {
        while fields::split(lines.text(), format.separator, format.quoting) == Err(fields::Broken::Open) {
            lines.join_line()?;
        }
    }
    Ok(())
}

fn split_row<'l, R: BufRead>(lines: &'l Lines<R>, format: &Format) -> Result<Vec<Cow<'l, str>>, Fault> {
    fields::split(lines.text(), format.separator, format.quoting)
        .map_err(|broken| lines.fault(format!("{broken}: {}", quoted(lines.text())), ASK))
}

/// How a line that shares at least half of its names with the summary's header differs from it.
fn looks_like_summary(declared: &[crate::format::Summary], line: &str, separator: char) -> Option<String> {
    let names: Vec<&str> = declared.iter().map(|s| s.column.as_str()).collect();
    let found: Vec<&str> = line.split(separator).collect();
    let known = found.iter().filter(|name| names.contains(name)).count();
    (known * 2 >= names.len()).then(|| header::drift(&names, &found)).flatten()
}

/// Reads a time in the business zone. Local forms are +08:00, as mainland bills are since 1991.
fn time(text: &str, form: TimeForm) -> Option<Time> {
    let digits =
        |range: std::ops::Range<usize>| text.get(range).filter(|t| t.bytes().all(|b| b.is_ascii_digit()));
    match form {
        TimeForm::Rfc3339 => Time::parse_rfc3339(text),
        TimeForm::Local => {
            let (day, clock) = text.split_once(' ')?;
            (day.len() == 10 && clock.len() == 8).then_some(())?;
            Time::parse_rfc3339(&format!("{day}T{clock}+08:00"))
        }
        TimeForm::Compact => {
            (text.len() == 14).then_some(())?;
            let (year, month, day) = (digits(0..4)?, digits(4..6)?, digits(6..8)?);
            let (hour, minute, second) = (digits(8..10)?, digits(10..12)?, digits(12..14)?);
            Time::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}+08:00"))
        }
    }
}

/// Writes a bill of a declared format: what the simulated channel hands out.
pub struct BillWriter<'f, W> {
    out: W,
    format: &'f Format,
    layout: Layout<'f>,
    sums: Sums,
}

impl<'f, W: Write> BillWriter<'f, W> {
    /// Writes the header, with a byte order mark where the encoding is UTF-8 and fields have back-ticks (wire §6).
    ///
    /// # Errors
    /// Those of `out`; [`io::ErrorKind::InvalidInput`] for a format that is declared wrongly or not in UTF-8.
    pub fn new(mut out: W, format: &'f Format) -> io::Result<Self> {
        let invalid = |problem: String| io::Error::new(io::ErrorKind::InvalidInput, problem);
        if format.encoding != intake::Encoding::Utf8 {
            return Err(invalid(format!("format `{}`: bills are written in UTF-8 only", format.name)));
        }
        let layout = format.layout().map_err(invalid)?;
        if format.quoting == Quoting::Backtick {
            out.write_all("\u{feff}".as_bytes())?;
        }
        writeln!(out, "{}", format.columns.join(&format.separator.to_string()))?;
        let sums = Sums { amounts: vec![Default::default(); layout.amounts.len()], ..Sums::default() };
        Ok(Self { out, format, layout, sums })
    }

    /// Writes a row; `value` gives the text of each column.
    ///
    /// # Errors
    /// Those of `out`; [`io::ErrorKind::InvalidInput`] for a row that the format's reader would refuse.
    pub fn row(&mut self, value: impl Fn(&str) -> String) -> io::Result<()> {
        let fields: Vec<String> = self.format.columns.iter().map(|column| value(column)).collect();
        let applies =
            |rule: &&Places<'_>| rule.when.iter().all(|(column, values)| values.contains(&fields[*column]));
        let kind = self.layout.rules.iter().find(applies).map(|rule| rule.kind);
        let parse = |(column, decimals): &(usize, u8)| Decimal::parse(&fields[*column], *decimals);
        let amounts: Option<Vec<Decimal>> = self.layout.amounts.iter().map(parse).collect();
        let (Some(kind), Some(amounts)) = (kind, amounts) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "no rule takes the row, or an amount is none",
            ));
        };
        self.sums.add(kind, &amounts);
        self.line(&fields)
    }

    /// Writes the summary and gives the sink back.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn finish(mut self) -> io::Result<W> {
        let names: Vec<&str> = self.format.summary.iter().map(|s| s.column.as_str()).collect();
        writeln!(self.out, "{}", names.join(&self.format.separator.to_string()))?;
        let value = |check: &Check| match *check {
            Check::Rows(None) => self.sums.rows.to_string(),
            Check::Rows(Some(kind)) => self.sums.rows_of[kind as usize].to_string(),
            Check::Sum(nth, kind) => self.sums.sum(nth, kind).text(self.layout.amounts[nth].1),
        };
        let values: Vec<String> = self.layout.summary.iter().map(value).collect();
        self.line(&values)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn line(&mut self, fields: &[String]) -> io::Result<()> {
        for (nth, field) in fields.iter().enumerate() {
            if nth > 0 {
                write!(self.out, "{}", self.format.separator)?;
            }
            match self.format.quoting {
                Quoting::Backtick => write!(self.out, "`{field}")?,
                Quoting::Plain => write!(self.out, "{field}")?,
                Quoting::Double => write!(self.out, "\"{}\"", field.replace('"', "\"\""))?,
            }
        }
        writeln!(self.out)
    }
}
