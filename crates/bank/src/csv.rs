//! CSV statements. Every bank has its own columns, so a format is declared, and anything else is refused.
//!
//! A file is a header, one row an entry, and a total row, without which a whole file cannot be told from a cut one.
//! Where the bank sends a checksum beside it, hold [`Reader::sha256`] against it before using the entries.

use crate::{
    party::{AccountNumber, Name},
    statement::{Detail, Direction, End, Entry, Head, Part, Remittance, Statements, provided},
};
use intake::{Encoding, Fault, Limits, Lines, Quoting, fault::quoted, fields, header};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, io::BufRead};
use types::{BusinessDay, Currency, Money};

const ASK: &str = "ask the bank for the file again; if it changed its format, declare the new one";

/// What a bank promises of its CSV statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// What messages call it.
    pub name: String,
    /// Encoding of the file.
    #[serde(default)]
    pub encoding: Encoding,
    /// Columns, all of them, in order.
    pub columns: Vec<String>,
    /// Column of the booking day, `yyyy-MM-dd`.
    pub day: String,
    /// How amounts and directions stand in columns.
    pub amounts: Amounts,
    /// Unit of amounts.
    pub unit: Unit,
    /// Currency of the account, an ISO 4217 code.
    pub currency: String,
    /// Column of the balance after the entry; it is held against the entries.
    #[serde(default)]
    pub balance: Option<String>,
    /// Column of the bank's own number.
    pub reference: String,
    /// Column of the end-to-end id.
    #[serde(default)]
    pub end_to_end: Option<String>,
    /// Column of the other side's name.
    #[serde(default)]
    pub party: Option<String>,
    /// Column of the other side's account.
    #[serde(default)]
    pub party_account: Option<String>,
    /// Column of the purpose.
    #[serde(default)]
    pub text: Option<String>,
    /// What the first field of the total row says, such as `合计`. Its second field is the number of entries; its
    /// amount columns are their sums.
    pub total: String,
}

/// How amounts and directions stand in columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Amounts {
    /// A column for credits and one for debits; one of them is empty.
    Split {
        /// Credits.
        credit: String,
        /// Debits.
        debit: String,
    },
    /// One column, debits with a minus.
    Signed(String),
}

/// Unit of amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Yuan with exactly the currency's decimals.
    Major,
    /// Fen, without a point.
    Minor,
}

/// Reads a CSV statement from front to back.
pub struct Reader<'f, R> {
    lines: Lines<Digesting<R>>,
    format: &'f Format,
    places: Places,
    head: Option<Head>,
    balance: Option<Money>,
    credits: Money,
    debits: Money,
    count: u64,
    entries_max: u64,
    state: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Rows,
    Done,
}

/// Columns by place.
struct Places {
    currency: Currency,
    day: usize,
    credit: usize,
    debit: Option<usize>,
    balance: Option<usize>,
    reference: usize,
    end_to_end: Option<usize>,
    party: Option<usize>,
    party_account: Option<usize>,
    text: Option<usize>,
}

impl Format {
    fn places(&self) -> Result<Places, String> {
        let place = |name: &String| {
            let at = self.columns.iter().position(|column| column == name);
            at.ok_or_else(|| format!("format `{}`: column `{name}` is used and not declared", self.name))
        };
        let maybe = |name: &Option<String>| name.as_ref().map(place).transpose();
        let (credit, debit) = match &self.amounts {
            Amounts::Split { credit, debit } => (place(credit)?, Some(place(debit)?)),
            Amounts::Signed(column) => (place(column)?, None),
        };
        let currency = Currency::from_code(&self.currency);
        if self.total.is_empty() || credit < 2 || debit.is_some_and(|at| at < 2) {
            return Err(format!(
                "format `{}`: the total row needs a label, and amounts stand behind it",
                self.name
            ));
        }
        Ok(Places {
            currency: currency
                .ok_or_else(|| format!("format `{}`: `{}` is no currency", self.name, self.currency))?,
            day: place(&self.day)?,
            credit,
            debit,
            balance: maybe(&self.balance)?,
            reference: place(&self.reference)?,
            end_to_end: maybe(&self.end_to_end)?,
            party: maybe(&self.party)?,
            party_account: maybe(&self.party_account)?,
            text: maybe(&self.text)?,
        })
    }
}

impl<'f, R: BufRead> Reader<'f, R> {
    /// Opens `input`, which messages call `file`, the statement of `account`. The opening balance is what the last
    /// statement closed with; without it balances are checked from the first row that tells one.
    ///
    /// # Errors
    /// The format is declared wrongly, or the header is another.
    pub fn open(
        input: R,
        file: &str,
        account: AccountNumber,
        opening: Option<Money>,
        format: &'f Format,
        limits: crate::Limits,
    ) -> Result<Self, Fault> {
        let declared = "correct the declaration of the bank's format";
        let places = format.places().map_err(|problem| Fault::format(file, 0, problem, declared))?;
        let line_limits = Limits { bytes: limits.bytes, ..Limits::default() };
        let mut lines = Lines::new(Digesting::new(input), file, format.encoding, line_limits);
        if lines.next_line()?.is_none() {
            return Err(Fault::format(file, 0, "the file is empty", ASK));
        }
        let found = fields::split(lines.text(), ',', Quoting::Double);
        let found = found.map_err(|broken| lines.fault(format!("header: {broken}"), ASK))?;
        if let Some(drift) = header::drift(&format.columns, &found) {
            let problem = format!("the header is not that of format `{}`: {drift}", format.name);
            return Err(lines.fault(problem, ASK));
        }
        let zero = Money::zero(places.currency);
        let head = Head { id: file.chars().take(35).collect(), sequence: None, account, days: None, opening };
        let (head, entries_max) = (Some(head), limits.entries);
        let (count, state) = (0, Stage::Rows);
        Ok(Self {
            lines,
            format,
            places,
            head,
            balance: opening,
            credits: zero,
            debits: zero,
            count,
            entries_max,
            state,
        })
    }

    /// SHA-256 of the file as lower-case hexadecimals, once the whole file has been read.
    #[must_use]
    pub fn sha256(&self) -> Option<String> {
        (self.state == Stage::Done).then(|| self.lines.input().hex())
    }

    fn row(&mut self) -> Result<Part, Fault> {
        while fields::split(self.lines.text(), ',', Quoting::Double) == Err(fields::Broken::Open) {
            self.lines.join_line()?;
        }
        let text = self.lines.text().to_owned();
        let fields = fields::split(&text, ',', Quoting::Double);
        let fields =
            fields.map_err(|broken| self.lines.fault(format!("{broken}: {}", quoted(&text)), ASK))?;
        if fields.len() != self.format.columns.len() {
            let problem = format!("{} fields instead of {}", fields.len(), self.format.columns.len());
            return Err(self.lines.fault(problem, ASK));
        }
        if fields[0] == self.format.total { self.total(&fields) } else { self.entry(&fields) }
    }

    fn bad(&self, place: usize, problem: String) -> Fault {
        self.lines.fault(problem, ASK).at(self.format.columns[place].clone())
    }

    /// The amount in a column; `None` where it is empty.
    fn amount(&self, fields: &[Cow<'_, str>], place: usize) -> Result<Option<Money>, Fault> {
        let text = fields[place].trim();
        if text.is_empty() {
            return Ok(None);
        }
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let currency = self.places.currency;
        let decimals = usize::from(Money::decimals(currency));
        let minor = match self.format.unit {
            // Exactly so many decimals: a file that went over to fen looks just so.
            Unit::Major => {
                let part = digits.split_once('.').map_or(0, |(_, part)| part.len());
                Money::parse(digits, currency).ok().filter(|_| part == decimals).map(|money| money.minor)
            }
            Unit::Minor => digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten(),
        };
        let unit = match self.format.unit {
            Unit::Major => format!("with {decimals} decimals"),
            Unit::Minor => "in minor units".to_owned(),
        };
        let minor: i64 =
            minor.ok_or_else(|| self.bad(place, format!("{} is not an amount {unit}", quoted(text))))?;
        Ok(Some(Money::new(sign * minor, currency)))
    }

    fn entry(&mut self, fields: &[Cow<'_, str>]) -> Result<Part, Fault> {
        if self.count == self.entries_max {
            let problem = format!("more than {} entries", self.entries_max);
            let next = "ask for smaller files or raise the limit";
            return Err(Fault::limit(self.lines.file(), self.lines.number(), problem, next));
        }
        let places = &self.places;
        let day = BusinessDay::parse(&fields[places.day]).ok_or_else(|| {
            self.bad(places.day, format!("{} is not a day yyyy-MM-dd", quoted(&fields[places.day])))
        })?;
        let credit = self.amount(fields, places.credit)?;
        let debit = places.debit.map(|place| self.amount(fields, place)).transpose()?.flatten();
        let zero = Money::zero(places.currency);
        let (amount, direction) = match (places.debit, credit, debit) {
            (None, Some(money), None) if money.minor < 0 => (zero.minus(money), Direction::Debit),
            (None, Some(money), None) => (Ok(money), Direction::Credit),
            (Some(_), Some(money), other) if other.is_none_or(|m| m.minor == 0) => {
                (Ok(money), Direction::Credit)
            }
            (Some(_), None, Some(money)) => (Ok(money), Direction::Debit),
            (Some(_), Some(zero), Some(money)) if zero.minor == 0 => (Ok(money), Direction::Debit),
            _ => return Err(self.bad(places.credit, "exactly one amount is expected in the row".into())),
        };
        let overflow = |error: types::MoneyError| self.lines.fault(error.to_string(), ASK);
        let amount = amount.map_err(overflow)?;
        if amount.minor < 0 {
            return Err(self.bad(places.credit, format!("`{amount}` is negative")));
        }
        if let Some(balance) = self.balance {
            self.balance = Some(direction.apply(balance, amount).map_err(overflow)?);
        }
        let (credits, debits) = match direction {
            Direction::Credit => (self.credits.plus(amount).map_err(overflow)?, self.debits),
            Direction::Debit => (self.credits, self.debits.plus(amount).map_err(overflow)?),
        };
        if let Some(place) = places.balance {
            let told = self.amount(fields, place)?.ok_or_else(|| self.bad(place, "is empty".into()))?;
            if let Some(balance) = self.balance.filter(|balance| *balance != told) {
                return Err(self.bad(place, format!("says `{told}`, the entries give `{balance}`")));
            }
            self.balance = Some(told);
        }
        let some = |place: Option<usize>, most: usize| {
            let text = place.map(|place| fields[place].trim().chars().take(most).collect::<String>());
            text.filter(|text| !text.is_empty())
        };
        let places = &self.places;
        let detail = Detail {
            end_to_end: provided(some(places.end_to_end, 35)),
            party: some(places.party, 140).and_then(|name| Name::parse(&name)),
            party_account: some(places.party_account, 34).and_then(|number| AccountNumber::parse(&number)),
            remittance: Remittance { text: some(places.text, 140), ..Remittance::default() },
            ..Detail::default()
        };
        let bank_reference = some(Some(places.reference), 35);
        (self.credits, self.debits) = (credits, debits);
        self.count += 1;
        Ok(Part::Entry(Box::new(Entry {
            amount,
            direction,
            reversal: false,
            pending: false,
            booked: day,
            value: day,
            bank_reference,
            details: vec![detail],
            text: None,
        })))
    }

    fn total(&mut self, fields: &[Cow<'_, str>]) -> Result<Part, Fault> {
        if fields[1].trim() != self.count.to_string() {
            let problem =
                format!("the total says {} entries, there are `{}`", quoted(&fields[1]), self.count);
            return Err(self.bad(1, problem));
        }
        let net =
            self.credits.minus(self.debits).map_err(|error| self.lines.fault(error.to_string(), ASK))?;
        let sums = match self.places.debit {
            Some(debit) => vec![(self.places.credit, self.credits), (debit, self.debits)],
            None => vec![(self.places.credit, net)],
        };
        for (place, sum) in sums {
            let told = self.amount(fields, place)?;
            if told != Some(sum) {
                let problem = format!("the total says {}, the entries give `{sum}`", quoted(&fields[place]));
                return Err(self.bad(place, problem));
            }
        }
        while let Some(line) = self.lines.next_line()? {
            if !line.is_empty() {
                let problem = format!("{} follows the total", quoted(line));
                return Err(self.lines.fault(problem, ASK));
            }
        }
        self.state = Stage::Done;
        Ok(Part::End(End { closing: self.balance, entries: self.count }))
    }
}

impl<R: BufRead> Statements for Reader<'_, R> {
    fn next_part(&mut self) -> Result<Option<Part>, Fault> {
        if let Some(head) = self.head.take() {
            return Ok(Some(Part::Head(Box::new(head))));
        }
        if self.state == Stage::Done {
            return Ok(None);
        }
        if self.lines.next_line()?.is_none() {
            let problem =
                format!("the file ends without the total row `{}`; it was cut off", self.format.total);
            return Err(self.lines.fault(problem, ASK));
        }
        self.row().map(Some)
    }
}

/// Computes a checksum of what passes.
struct Digesting<R> {
    input: R,
    hash: sha2::Sha256,
}

impl<R> Digesting<R> {
    fn new(input: R) -> Self {
        Self { input, hash: sha2::Digest::new() }
    }

    fn hex(&self) -> String {
        use sha2::Digest as _;
        self.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl<R: BufRead> std::io::Read for Digesting<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(into)?;
        sha2::Digest::update(&mut self.hash, &into[..read]);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Digesting<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What is consumed was shown by `fill_buf` before, and is shown again until then.
        if let Ok(buffer) = self.input.fill_buf() {
            sha2::Digest::update(&mut self.hash, &buffer[..amount.min(buffer.len())]);
        }
        self.input.consume(amount);
    }
}
