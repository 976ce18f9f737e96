//! MT940, the statement of banks that do not speak ISO 20022 yet.
//!
//! ```text
//! :20:STMT20261121            reference
//! :25:6222020200001234        account
//! :28C:325/1                  statement and page
//! :60F:C261121CNY1000,00      opening balance
//! :61:2611211121D12,34NTRFFQP1//SIM1     value and entry day, debit, amount, type, reference, bank's reference
//! :86:/EREF/FQP1/REMI/货款
//! :62F:C261121CNY987,66       closing balance
//! ```

use crate::{
    party::AccountNumber,
    reason::Reason,
    statement::{Detail, Direction, End, Entry, Head, Part, Remittance, Statements, provided},
};
use intake::{Encoding, Fault, Limits, Lines, fault::quoted};
use std::io::BufRead;
use types::{BusinessDay, Currency, Money};

const ASK: &str = "ask the bank for a correct statement; nothing of this one is to be used";
/// Most lines of one field.
const FIELD_LINES_MAX: usize = 20;

/// Reads MT940 statements from front to back.
pub struct Reader<R> {
    lines: Lines<R>,
    /// The first line of the next field, read to see that the one before was over.
    ahead: Option<Field>,
    /// A whole field that belongs to what comes next.
    back: Option<Field>,
    current: Option<Current>,
    entries_max: u64,
    count: u64,
}

struct Field {
    tag: String,
    value: String,
    line: u64,
}

struct Current {
    id: String,
    balance: Money,
    entries: u64,
}

impl<R: BufRead> Reader<R> {
    /// Opens `input`, which messages call `file`.
    #[must_use]
    pub fn open(input: R, file: &str, encoding: Encoding, limits: crate::Limits) -> Self {
        let line_limits = Limits { bytes: limits.bytes, line: 4 << 10, ..Limits::default() };
        let lines = Lines::new(input, file, encoding, line_limits);
        Self { lines, ahead: None, back: None, current: None, entries_max: limits.entries, count: 0 }
    }

    /// The next field with its continuation lines; `None` at the end of the file.
    fn field(&mut self) -> Result<Option<Field>, Fault> {
        if self.back.is_some() {
            return Ok(self.back.take());
        }
        let mut field = self.ahead.take();
        let mut more = 0;
        while let Some(text) = self.lines.next_line()? {
            // Blocks of the envelope stand around the text block.
            let body = text.rsplit_once("{4:").map_or(text, |(_, body)| body).trim_end();
            if body.is_empty() || body == "-" || body.starts_with("-}") || body.starts_with("{1:") {
                continue;
            }
            let tagged = body.strip_prefix(':').and_then(|rest| rest.split_once(':'));
            let known = |tag: &str| {
                (2..=3).contains(&tag.len()) && tag.as_bytes()[..2].iter().all(u8::is_ascii_digit)
            };
            if let Some((tag, value)) = tagged.filter(|(tag, _)| known(tag)) {
                let (tag, value) = (tag.to_owned(), value.to_owned());
                let next = Field { tag, value, line: self.lines.number() };
                if field.is_none() {
                    field = Some(next);
                    continue;
                }
                self.ahead = Some(next);
                return Ok(field);
            }
            let body = body.to_owned();
            let Some(field) = &mut field else {
                return Err(self.lines.fault(format!("{} is no field of an MT940", quoted(&body)), ASK));
            };
            more += 1;
            if more == FIELD_LINES_MAX {
                let problem = format!("field {} has more than {FIELD_LINES_MAX} lines", field.tag);
                return Err(self.lines.fault(problem, ASK));
            }
            field.value.push('\n');
            field.value.push_str(&body);
        }
        Ok(field)
    }

    fn fault(&self, field: &Field, problem: String) -> Fault {
        Fault::format(self.lines.file(), field.line, problem, ASK).at(format!(":{}:", field.tag))
    }

    fn need(&mut self, tags: &[&str]) -> Result<Field, Fault> {
        match self.field()? {
            Some(field) if tags.contains(&field.tag.as_str()) => Ok(field),
            Some(field) => {
                let problem = format!("field {} is expected here", tags.join(" or "));
                Err(self.fault(&field, problem))
            }
            None => Err(self.lines.fault(format!("the file ends before field {}", tags.join(" or ")), ASK)),
        }
    }

    fn head(&mut self, first: Field) -> Result<Head, Fault> {
        if first.tag != "20" {
            return Err(self.fault(&first, "a statement begins with field 20".into()));
        }
        let id: String = first.value.trim().chars().take(35).collect();
        let mut account = self.need(&["25", "21"])?;
        if account.tag == "21" {
            account = self.need(&["25"])?;
        }
        // `bank/account`, or the account alone; some add the currency.
        let number = account.value.trim().rsplit('/').next().unwrap_or_default().trim_end_matches("CNY");
        let number = AccountNumber::parse(number)
            .ok_or_else(|| self.fault(&account, "is no account number".into()))?;
        let sequence = self.need(&["28C", "28"])?;
        let page = sequence.value.trim().split('/').next().and_then(|number| number.parse().ok());
        let opening = self.need(&["60F", "60M"])?;
        if opening.tag == "60M"
            || sequence.value.trim().split('/').nth(1).is_some_and(|p| p.trim_start_matches('0') != "1")
        {
            let problem =
                "the statement is one page of several; ask the bank for whole statements".to_owned();
            return Err(self.fault(&opening, problem));
        }
        let (day, balance) = self.balance(&opening)?;
        self.current = Some(Current { id: id.clone(), balance, entries: 0 });
        Ok(Head { id, sequence: page, account: number, days: Some((day, day)), opening: Some(balance) })
    }

    /// `C261121CNY1000,00`.
    fn balance(&self, field: &Field) -> Result<(BusinessDay, Money), Fault> {
        let bad = || self.fault(field, format!("{} is no balance", quoted(&field.value)));
        let text = field.value.trim();
        let sign = match text.get(..1).ok_or_else(bad)? {
            "C" => 1,
            "D" => -1,
            _ => return Err(bad()),
        };
        let day = text.get(1..7).and_then(short_day).ok_or_else(bad)?;
        let currency = text.get(7..10).and_then(Currency::from_code).ok_or_else(bad)?;
        let amount = text.get(10..).and_then(|text| amount(text, currency)).ok_or_else(bad)?;
        Ok((day, Money::new(sign * amount.minor, currency)))
    }

    /// `2611211121D12,34NTRFreference//bank`, then text.
    fn entry(&mut self, field: &Field) -> Result<Entry, Fault> {
        self.count += 1;
        if self.count > self.entries_max {
            let problem = format!("more than {} entries", self.entries_max);
            return Err(Fault::limit(
                self.lines.file(),
                field.line,
                problem,
                "ask for smaller files or raise the limit",
            ));
        }
        let bad = |what: &str| self.fault(field, format!("{} has no {what}", quoted(&field.value)));
        let first = field.value.lines().next().unwrap_or_default();
        let value = first.get(..6).and_then(short_day).ok_or_else(|| bad("value day YYMMDD"))?;
        let mut rest = &first[6..];
        let booked = match rest.get(..4).filter(|text| text.bytes().all(|b| b.is_ascii_digit())) {
            Some(month_day) => {
                rest = &rest[4..];
                near(value, month_day).ok_or_else(|| bad("entry day MMDD"))?
            }
            None => value,
        };
        // RC takes a credit back, so it is a debit; RD the other way round.
        let marks = [
            ("RC", Direction::Debit, true),
            ("RD", Direction::Credit, true),
            ("C", Direction::Credit, false),
            ("D", Direction::Debit, false),
        ];
        let mark = marks
            .into_iter()
            .find(|(mark, ..)| rest.starts_with(mark))
            .ok_or_else(|| bad("mark C, D, RC or RD"))?;
        rest = &rest[mark.0.len()..];
        // The third letter of the currency may follow.
        rest = rest.strip_prefix(|c: char| c.is_ascii_uppercase()).unwrap_or(rest);
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ',').unwrap_or(rest.len());
        let currency = self.current.as_ref().map_or(Currency::CNY, |current| current.balance.currency);
        let amount = amount(&rest[..end], currency).ok_or_else(|| bad("amount with a comma"))?;
        let kind = rest.get(end..end + 4).filter(|kind| kind.starts_with(['N', 'F', 'S']));
        kind.ok_or_else(|| bad("type such as NTRF"))?;
        let references = rest.get(end + 4..).unwrap_or_default();
        let (own, bank) = references.split_once("//").unwrap_or((references, ""));
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let mut entry = Entry {
            amount,
            direction: mark.1,
            reversal: mark.2,
            pending: false,
            booked,
            value,
            bank_reference: some(bank),
            details: vec![Detail { end_to_end: provided(some(own)), ..Detail::default() }],
            text: some(&field.value.lines().skip(1).collect::<Vec<_>>().join(" ")),
        };
        if let Some(info) = self.information()? {
            informed(&mut entry.details[0], &info.value);
        }
        let Some(current) = &mut self.current else { return Ok(entry) };
        current.entries += 1;
        let balance = entry.direction.apply(current.balance, entry.amount);
        current.balance = balance.map_err(|error| {
            Fault::format(self.lines.file(), field.line, error.to_string(), ASK).at(":61:")
        })?;
        Ok(entry)
    }

    /// The field 86 that follows an entry, if one does.
    fn information(&mut self) -> Result<Option<Field>, Fault> {
        match self.field()? {
            Some(field) if field.tag == "86" => Ok(Some(field)),
            Some(other) => {
                self.back = Some(other);
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// The closing balance, and what may follow it.
    fn end(&mut self, field: &Field) -> Result<End, Fault> {
        let (_, closing) = self.balance(field)?;
        let Some(current) = self.current.take() else {
            return Err(self.fault(field, "no statement is open".into()));
        };
        if closing != current.balance {
            let problem = format!(
                "statement {} closes with {closing}, opening balance and entries give {}",
                quoted(&current.id),
                current.balance,
            );
            return Err(self.fault(field, problem));
        }
        while let Some(field) = self.field()? {
            // Available balances, and text on the statement as a whole.
            if !matches!(field.tag.as_str(), "64" | "65" | "86") {
                self.back = Some(field);
                break;
            }
        }
        Ok(End { closing: Some(closing), entries: current.entries })
    }
}

impl<R: BufRead> Statements for Reader<R> {
    fn next_part(&mut self) -> Result<Option<Part>, Fault> {
        let field = self.field()?;
        match (field, self.current.is_some()) {
            (None, false) if self.lines.number() == 0 => Err(self.lines.fault("the file is empty", ASK)),
            (None, false) => Ok(None),
            (None, true) => {
                let problem = "the file ends without the closing balance 62F; it was cut off";
                Err(self.lines.fault(problem, ASK))
            }
            (Some(field), false) => Ok(Some(Part::Head(Box::new(self.head(field)?)))),
            (Some(field), true) => match field.tag.as_str() {
                "61" => Ok(Some(Part::Entry(Box::new(self.entry(&field)?)))),
                "62F" => Ok(Some(Part::End(self.end(&field)?))),
                "62M" => {
                    let problem = "the statement goes on in another page; ask the bank for whole statements";
                    Err(self.fault(&field, problem.into()))
                }
                _ => Err(self.fault(&field, "field 61 or 62F is expected here".into())),
            },
        }
    }
}

/// An amount with a comma before its decimals: `12,34`, `12,3`, `12,`.
fn amount(text: &str, currency: Currency) -> Option<Money> {
    let (whole, part) = text.split_once(',')?;
    let text = if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") };
    Money::parse(&text, currency).ok()
}

/// `YYMMDD` of this century.
fn short_day(text: &str) -> Option<BusinessDay> {
    let digits = text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| BusinessDay::parse(&format!("20{}-{}-{}", &text[..2], &text[2..4], &text[4..])))?
}

/// The day `MMDD` nearest to `day`, across a turn of the year.
fn near(day: BusinessDay, month_day: &str) -> Option<BusinessDay> {
    let of =
        |year: i16| BusinessDay::parse(&format!("{year:04}-{}-{}", month_day.get(..2)?, month_day.get(2..)?));
    let year = day.year();
    let days = [of(year - 1), of(year), of(year + 1)];
    days.into_iter().flatten().min_by_key(|other| (i64::from(other.0) - i64::from(day.0)).abs())
}

/// Takes the named parts of field 86 over: `/EREF/end to end/REMI/text/RTRN/reason/NAME/party/ACCT/account/`. Other
/// text is what the payment is for.
fn informed(detail: &mut Detail, text: &str) {
    let text = text.replace('\n', "");
    let part = |name: &str| {
        let (_, rest) = text.split_once(&format!("/{name}/"))?;
        let value = rest.split('/').next().unwrap_or_default().trim();
        Some(value.to_owned()).filter(|value| !value.is_empty())
    };
    if let Some(id) = provided(part("EREF")) {
        detail.end_to_end = Some(id);
    }
    detail.returned = part("RTRN").map(|code| Reason::parse(&code).unwrap_or(Reason::UNSPECIFIED));
    detail.party = part("NAME").and_then(|name| crate::Name::parse(&name));
    detail.party_account = part("ACCT").and_then(|number| AccountNumber::parse(&number));
    let told =
        part("REMI").or_else(|| Some(text.clone()).filter(|text| !text.starts_with('/') && !text.is_empty()));
    detail.remittance =
        Remittance { text: told.map(|text| text.chars().take(1_400).collect()), ..Remittance::default() };
}
