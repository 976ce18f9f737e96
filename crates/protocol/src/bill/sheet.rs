//! The table that every bill is: marks, lines, values, and the reader that takes nothing else.

use std::fmt::{self, Write};
use types::{Rate, Time};

/// The byte order mark in front of a file; some readers drop exactly three bytes unseen.
pub const MARK: &str = "\u{feff}";
/// What ends every line.
pub const LINE_END: &str = "\r\n";

/// Fen to the fifth decimal of a yuan.
const FEE_UNIT: i64 = 1_000;

/// Why a text is no bill of the kind asked for. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BillError {
    /// The header has other columns than the bill's format.
    #[error("line {line}: not the columns of this bill: {problem}")]
    Columns {
        /// Where.
        line: u64,
        /// The first column that is missing, surplus or renamed.
        problem: String,
    },
    /// A row has another number of values than columns.
    #[error("line {line}: {found} values, {wanted} columns")]
    Values {
        /// Where.
        line: u64,
        /// Values of the row.
        found: usize,
        /// Columns of the bill.
        wanted: usize,
    },
    /// A value can't be read.
    #[error("line {line}: {column} is `{value}`, which is no {wanted}")]
    Value {
        /// Where.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// The value as it came, cut to 64 characters.
        value: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// The summary row says something else than the rows add up to.
    #[error("the summary says {column} {said}, but the rows come to {counted}")]
    Summary {
        /// The summary's column.
        column: &'static str,
        /// As it stands in the file.
        said: String,
        /// As the rows add up.
        counted: String,
    },
    /// The file ends before its summary row, or goes on after it.
    #[error("line {0}: the file must end with one summary row")]
    End(u64),
}

/// Writes one line of values.
pub(super) struct Line<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Line<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, first: true }
    }
    fn begin(&mut self) {
        self.out.extend_from_slice(if self.first { b"`" } else { b",`" });
        self.first = false;
    }
    /// A text of ours: ASCII words and numbers.
    pub(super) fn word(&mut self, text: &str) {
        self.begin();
        self.out.extend_from_slice(text.as_bytes());
    }
    /// A text of others, which must not look like the end of a value or line.
    pub(super) fn text(&mut self, text: &str) {
        self.begin();
        if text.bytes().all(|byte| byte >= b' ' && byte != b'`' && byte != 0x7f) {
            self.out.extend_from_slice(text.as_bytes());
            return;
        }
        for character in text.chars() {
            let kept = match character {
                '`' => '\'',
                other if other.is_control() => ' ',
                other => other,
            };
            self.out.extend_from_slice(kept.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    pub(super) fn show(&mut self, value: impl fmt::Display) {
        self.begin();
        let _ = write!(Bytes(self.out), "{value}"); // into a Vec: never fails
    }
    /// Yuan with two decimals, from fen.
    pub(super) fn yuan(&mut self, fen: i128) {
        self.show(Decimal { value: fen, decimals: 2 });
    }
    /// Yuan with five decimals, from fen.
    pub(super) fn fee(&mut self, fen: i128) {
        self.show(Decimal { value: fen.saturating_mul(FEE_UNIT.into()), decimals: 5 });
    }
    /// A proportion in percent: two decimals, more where they are not zero.
    pub(super) fn rate(&mut self, rate: Rate) {
        let mut text = Decimal { value: rate.0.into(), decimals: 4 }.to_string();
        for _ in 0..2 {
            if text.ends_with('0') {
                text.pop();
            }
        }
        self.show(format_args!("{text}%"));
    }
    pub(super) fn end(self) {
        self.out.extend_from_slice(LINE_END.as_bytes());
    }
}

struct Bytes<'a>(&'a mut Vec<u8>);

impl Write for Bytes<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// An integer with its last digits behind a point.
struct Decimal {
    value: i128,
    decimals: usize,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10_u128.pow(u32::try_from(self.decimals).unwrap_or(0));
        let (sign, digits) = (if self.value < 0 { "-" } else { "" }, self.value.unsigned_abs());
        // Division of 64 bits is several times faster, and nearly every amount fits.
        match (u64::try_from(digits), u64::try_from(unit)) {
            (Ok(digits), Ok(unit)) => {
                write!(f, "{sign}{}.{:0places$}", digits / unit, digits % unit, places = self.decimals)
            }
            _ => write!(f, "{sign}{}.{:0places$}", digits / unit, digits % unit, places = self.decimals),
        }
    }
}

pub(super) fn header(columns: &[&str], out: &mut Vec<u8>) {
    for (place, column) in columns.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(column.as_bytes());
    }
    out.extend_from_slice(LINE_END.as_bytes());
}

/// Follows a bill line by line.
#[derive(Debug)]
pub(super) struct Sheet {
    columns: &'static [&'static str],
    summary: &'static [&'static str],
    line: u64,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Rows,
    Summary,
    Over,
}

impl Sheet {
    pub(super) const fn new(columns: &'static [&'static str], summary: &'static [&'static str]) -> Self {
        Self { columns, summary, line: 0, place: Place::Start }
    }
    /// The number of the line read last.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }
    /// Takes in the next line, with or without its end: the values of a detail row, none of a header. The summary row is
    /// held against `totals`, which writes what a summary column must say after the rows so far.
    pub(super) fn read<'a>(
        &mut self,
        line: &'a str,
        totals: impl Fn(&str, &mut Line<'_>),
    ) -> Result<Option<Values<'a>>, BillError> {
        self.line += 1;
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        match self.place {
            Place::Start => {
                self.expect(line.strip_prefix(MARK).unwrap_or(line), self.columns)?;
                self.place = Place::Rows;
                Ok(None)
            }
            Place::Rows if line.starts_with('`') => self.values(line, self.columns).map(Some),
            Place::Rows => {
                self.expect(line, self.summary)?;
                self.place = Place::Summary;
                Ok(None)
            }
            Place::Summary => {
                let values = self.values(line, self.summary)?;
                self.place = Place::Over;
                for column in self.summary {
                    values.check(column, &written(|line| totals(column, line)))?;
                }
                Ok(None)
            }
            Place::Over => Err(BillError::End(self.line)),
        }
    }
    /// Checks that the summary row was the last line.
    pub(super) fn finish(&self) -> Result<(), BillError> {
        if self.place == Place::Over { Ok(()) } else { Err(BillError::End(self.line + 1)) }
    }

    fn expect(&self, line: &str, columns: &'static [&'static str]) -> Result<(), BillError> {
        let mut found = line.split(',');
        for (place, wanted) in (1..).zip(columns) {
            let problem = match found.next() {
                Some(name) if name == *wanted => continue,
                Some(name) => {
                    let name: String = name.chars().take(40).collect();
                    format!("column {place} is `{name}`, {wanted} is wanted")
                }
                None => format!("column {place}, {wanted}, is missing"),
            };
            return Err(BillError::Columns { line: self.line, problem });
        }
        match found.next() {
            None => Ok(()),
            Some(name) => {
                let name: String = name.chars().take(40).collect();
                let problem = format!("`{name}` stands after the last column");
                Err(BillError::Columns { line: self.line, problem })
            }
        }
    }
    fn values<'a>(&self, line: &'a str, columns: &'static [&'static str]) -> Result<Values<'a>, BillError> {
        let values: Vec<&str> = line.strip_prefix('`').unwrap_or(line).split(",`").collect();
        let (found, wanted) = (values.len(), columns.len());
        if found != wanted || !line.starts_with('`') {
            return Err(BillError::Values { line: self.line, found, wanted });
        }
        Ok(Values { columns, values, line: self.line })
    }
}

/// A row's values, taken in order.
#[derive(Debug)]
pub(super) struct Values<'a> {
    columns: &'static [&'static str],
    values: Vec<&'a str>,
    line: u64,
}

impl<'a> Values<'a> {
    /// The value of a column of the bill's format.
    pub(super) fn get(&self, column: &'static str) -> &'a str {
        let place = self.columns.iter().position(|known| *known == column);
        place.map_or("", |place| self.values[place])
    }
    pub(super) fn known<T>(
        &self,
        column: &'static str,
        wanted: &'static str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, BillError> {
        let value = self.get(column);
        read(value).ok_or_else(|| BillError::Value {
            line: self.line,
            column,
            value: value.chars().take(64).collect(),
            wanted,
        })
    }
    pub(super) fn parse<T: std::str::FromStr>(
        &self,
        column: &'static str,
        wanted: &'static str,
    ) -> Result<T, BillError> {
        self.known(column, wanted, |value| value.parse().ok())
    }
    pub(super) fn time(&self, column: &'static str) -> Result<Time, BillError> {
        self.known(column, "time such as 2026-11-21 17:03:25", local)
    }
    /// Fen, from yuan with two decimals.
    pub(super) fn yuan(&self, column: &'static str) -> Result<i64, BillError> {
        self.known(column, "amount with two decimals", |value| decimal(value, 2))
    }
    /// Fen, from yuan with five decimals. The platform's fees are whole fen.
    pub(super) fn fee(&self, column: &'static str) -> Result<i64, BillError> {
        self.known(column, "fee of whole fen with five decimals", |value| {
            decimal(value, 5).filter(|value| value % FEE_UNIT == 0).map(|value| value / FEE_UNIT)
        })
    }
    /// A proportion in percent with two to four decimals.
    pub(super) fn rate(&self, column: &'static str) -> Result<Rate, BillError> {
        self.known(column, "proportion such as 0.60%", |value| {
            let digits = value.strip_suffix('%')?;
            let decimals = digits.split_once('.')?.1.len();
            let scale = match decimals {
                2 => 100,
                3 => 10,
                4 => 1,
                _ => return None,
            };
            let rate = u32::try_from(decimal(digits, decimals)?).ok()?.checked_mul(scale)?;
            (rate <= Rate::WHOLE.0).then_some(Rate(rate))
        })
    }
    /// Compares a value of the summary row with what the rows add up to.
    pub(super) fn check(&self, column: &'static str, counted: &str) -> Result<(), BillError> {
        let said = self.get(column);
        if said == counted {
            return Ok(());
        }
        Err(BillError::Summary { column, said: said.chars().take(64).collect(), counted: counted.to_owned() })
    }
}

/// One value as [`Line`] writes it, for comparing a summary.
pub(super) fn written(write: impl FnOnce(&mut Line<'_>)) -> String {
    let mut out = Vec::new();
    let mut line = Line::new(&mut out);
    write(&mut line);
    String::from_utf8_lossy(out.get(1..).unwrap_or_default()).into_owned()
}

/// Reads `yyyy-MM-dd HH:mm:ss` of the business zone.
fn local(text: &str) -> Option<Time> {
    let (day, clock) = text.split_once(' ')?;
    let time = Time::parse_rfc3339(&format!("{day}T{clock}+08:00"))?;
    (time.local() == text).then_some(time)
}

/// An amount with exactly so many decimals, in units of the last.
fn decimal(text: &str, decimals: usize) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.')?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(part) || part.len() != decimals || (whole.len() > 1 && whole.starts_with('0'))
    {
        return None;
    }
    let value: i64 = format!("{whole}{part}").parse().ok()?;
    if digits.len() < text.len() { (value != 0).then_some(-value) } else { Some(value) }
}
