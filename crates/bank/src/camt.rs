//! camt.053.001.08, the statement of an account's day, and camt.054.001.08, the notice of single entries.

use crate::{
    party::{AccountNumber, Name, number},
    reason::Reason,
    statement::{Detail, Direction, End, Entry, Head, Part, Remittance, Statements, provided},
    xml::{Element, Limits, Pull, Writer},
};
use intake::Fault;
use std::io::{BufRead, Write};
use types::{Currency, Masked, Money, Time};

/// Which of the two messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// camt.053: with balances.
    Statement,
    /// camt.054: entries as they happen, without balances.
    Notice,
}

impl Kind {
    /// The message's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Statement => "camt.053.001.08",
            Self::Notice => "camt.054.001.08",
        }
    }

    const fn root(self) -> &'static str {
        match self {
            Self::Statement => "BkToCstmrStmt",
            Self::Notice => "BkToCstmrDbtCdtNtfctn",
        }
    }

    const fn body(self) -> &'static str {
        match self {
            Self::Statement => "Stmt",
            Self::Notice => "Ntfctn",
        }
    }
}

/// Most details of one entry.
pub const DETAILS_MAX: usize = 1_000;

/// Writes a message about one account. With an opening balance in `head` it is a statement, without one a notice;
/// the closing balance is computed.
///
/// # Errors
/// Currencies mix, balances do not fit, a text does not fit, or `out` fails.
pub fn write<W: Write>(
    out: W,
    message: &str,
    created: Time,
    head: &Head,
    entries: &[Entry],
) -> Result<W, Fault> {
    let kind = if head.opening.is_some() { Kind::Statement } else { Kind::Notice };
    let wrong = |problem: String| {
        Fault::format(message, 0, problem, "correct the entries and write the message again")
    };
    let mut out = Writer::new(out, message, kind.name())?;
    out.open(kind.root())?;
    out.open("GrpHdr")?;
    out.text("MsgId", message, 35)?;
    out.text("CreDtTm", &created.rfc3339(), 40)?;
    out.close(1)?;
    out.open(kind.body())?;
    out.text("Id", &head.id, 35)?;
    out.text_if("ElctrncSeqNb", head.sequence.map(|n| n.to_string()).as_deref(), 18)?;
    out.text("CreDtTm", &created.rfc3339(), 40)?;
    if let Some((from, to)) = head.days {
        out.open("FrToDt")?;
        out.text("FrDtTm", &from.start().rfc3339(), 40)?;
        out.text("ToDtTm", &to.next().start().plus(-types::time::SECOND).rfc3339(), 40)?;
        out.close(1)?;
    }
    out.open("Acct")?;
    out.text("Id/Othr/Id", head.account.expose(), 34)?;
    let currency =
        head.opening.map(|money| money.currency).or_else(|| entries.first().map(|e| e.amount.currency));
    out.text_if("Ccy", currency.map(|currency| currency.code()), 3)?;
    out.close(1)?;
    if let Some(opening) = head.opening {
        let mut closing = opening;
        for entry in entries.iter().filter(|entry| !entry.pending) {
            closing =
                entry.direction.apply(closing, entry.amount).map_err(|error| wrong(error.to_string()))?;
        }
        let Some((from, to)) = head.days else { return Err(wrong("a statement names its days".into())) };
        for (code, balance, day) in [("OPBD", opening, from), ("CLBD", closing, to)] {
            out.open("Bal")?;
            out.text("Tp/CdOrPrtry/Cd", code, 4)?;
            let amount = Money::new(balance.minor.checked_abs().unwrap_or(i64::MAX), balance.currency);
            out.money("Amt", amount)?;
            let direction = if balance.minor < 0 { Direction::Debit } else { Direction::Credit };
            out.text("CdtDbtInd", direction.code(), 4)?;
            out.text("Dt/Dt", &day.to_string(), 10)?;
            out.close(1)?;
        }
    }
    for entry in entries {
        write_entry(&mut out, entry)?;
    }
    out.finish()
}

fn write_entry<W: Write>(out: &mut Writer<W>, entry: &Entry) -> Result<(), Fault> {
    out.open("Ntry")?;
    out.money("Amt", entry.amount)?;
    out.text("CdtDbtInd", entry.direction.code(), 4)?;
    if entry.reversal {
        out.text("RvslInd", "true", 5)?;
    }
    out.text("Sts/Cd", if entry.pending { "PDNG" } else { "BOOK" }, 4)?;
    out.text("BookgDt/Dt", &entry.booked.to_string(), 10)?;
    out.text("ValDt/Dt", &entry.value.to_string(), 10)?;
    out.text_if("AcctSvcrRef", entry.bank_reference.as_deref(), 35)?;
    let returned = entry.details.iter().any(|detail| detail.returned.is_some());
    out.open("BkTxCd/Domn")?;
    out.text("Cd", "PMNT", 4)?;
    out.open("Fmly")?;
    let sent = entry.direction == Direction::Debit;
    out.text("Cd", if sent || returned { "ICDT" } else { "RCDT" }, 4)?;
    out.text("SubFmlyCd", if returned { "RRTN" } else { "DMCT" }, 4)?;
    out.close(3)?;
    if !entry.details.is_empty() {
        out.open("NtryDtls")?;
        for detail in &entry.details {
            write_detail(out, entry.direction, detail)?;
        }
        out.close(1)?;
    }
    out.text_if("AddtlNtryInf", entry.text.as_deref(), 500)?;
    out.close(1)
}

fn write_detail<W: Write>(out: &mut Writer<W>, direction: Direction, detail: &Detail) -> Result<(), Fault> {
    out.open("TxDtls")?;
    out.open("Refs")?;
    out.text_if("MsgId", detail.message.as_deref(), 35)?;
    out.text_if("PmtInfId", detail.batch.as_deref(), 35)?;
    out.text_if("InstrId", detail.instruction.as_deref(), 35)?;
    out.text("EndToEndId", detail.end_to_end.as_deref().unwrap_or("NOTPROVIDED"), 35)?;
    out.close(1)?;
    if let Some(amount) = detail.amount {
        out.money("Amt", amount)?;
        out.text("CdtDbtInd", direction.code(), 4)?;
    }
    if detail.party.is_some() || detail.party_account.is_some() {
        // The other side of a debit is the creditor; of a payment that came back it is still the creditor.
        let creditor = direction == Direction::Debit || detail.returned.is_some();
        out.open("RltdPties")?;
        let (name, account) = if creditor {
            ("Cdtr/Pty/Nm", "CdtrAcct/Id/Othr/Id")
        } else {
            ("Dbtr/Pty/Nm", "DbtrAcct/Id/Othr/Id")
        };
        out.text_if(name, detail.party.as_ref().map(Masked::expose), 140)?;
        out.text_if(account, detail.party_account.as_ref().map(Masked::expose), 34)?;
        out.close(1)?;
    }
    detail.remittance.write(out)?;
    if let Some(reason) = &detail.returned {
        out.text("RtrInf/Rsn/Cd", reason.as_str(), 4)?;
    }
    out.close(1)
}

/// Reads a statement or notice from front to back.
pub struct Reader<R> {
    pull: Pull<R>,
    kind: Kind,
    message: String,
    created: Time,
    current: Option<Current>,
    /// The entry that ended the statement's head.
    first: Option<Entry>,
    count: u64,
    done: bool,
}

/// The statement being read.
struct Current {
    currency: Option<Currency>,
    balance: Option<Money>,
    closing: Option<Money>,
    id: String,
    entries: u64,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// Opens `input`, which messages call `file`.
    ///
    /// # Errors
    /// It is not a message of `kind`, or its head is not right.
    pub fn open(input: R, file: &str, kind: Kind, limits: Limits) -> Result<Self, Fault> {
        let mut pull = Pull::open(input, file, limits, kind.name(), kind.root())?;
        let head = match pull.next_child()? {
            Some(tag) if tag.name == "GrpHdr" => pull.subtree(tag)?,
            _ => return Err(pull.fault("GrpHdr is missing")),
        };
        if let Some(false) = head.get("MsgPgntn")?.map(|pages| pages.flag("LastPgInd")).transpose()? {
            return Err(
                head.fault("MsgPgntn", "the message is one page of several; ask the bank for whole messages")
            );
        }
        let (message, created) = (head.text("MsgId", 35)?, head.time("CreDtTm")?);
        Ok(Self { pull, kind, message, created, current: None, first: None, count: 0, done: false })
    }

    /// The message's id.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// When it was made.
    #[must_use]
    pub const fn created(&self) -> Time {
        self.created
    }

    /// Reads a statement's head up to its first entry.
    fn head(&mut self, line: u64) -> Result<Head, Fault> {
        let mut head = self.pull.element(self.kind.body(), line);
        let mut first = None;
        let mut ended = true;
        while let Some(tag) = self.pull.next_child()? {
            if tag.name == "Ntry" {
                first = Some(self.pull.subtree(tag)?);
                ended = false;
                break;
            }
            self.pull.add_to(&mut head, tag)?;
        }
        let (account, place) = number(&head, "Acct")?;
        let currency = match head.text_if("Acct/Ccy", 3)? {
            Some(code) => Some(
                Currency::from_code(&code)
                    .ok_or_else(|| head.fault("Acct/Ccy", format!("`{code}` is not an ISO 4217 code")))?,
            ),
            None => None,
        };
        let balance = |codes: &[&str]| -> Result<Option<Money>, Fault> {
            for bal in head.all("Bal") {
                let code = bal.text("Tp/CdOrPrtry/Cd", 4)?;
                if codes.contains(&code.as_str()) {
                    let amount = bal.money("Amt")?;
                    return Ok(Some(match direction(bal)? {
                        Direction::Credit => amount,
                        Direction::Debit => Money::new(-amount.minor, amount.currency),
                    }));
                }
            }
            Ok(None)
        };
        let (opening, closing) = match self.kind {
            Kind::Notice => (None, None),
            Kind::Statement => {
                let need = |balance: Option<Money>, code: &str| {
                    balance.ok_or_else(|| head.fault("Bal", format!("balance {code} is missing")))
                };
                (Some(need(balance(&["OPBD", "PRCD"])?, "OPBD")?), Some(need(balance(&["CLBD"])?, "CLBD")?))
            }
        };
        let days = match head.get("FrToDt")? {
            Some(days) => Some((days.time("FrDtTm")?.business_day(), days.time("ToDtTm")?.business_day())),
            None => None,
        };
        let parsed = Head {
            id: head.text("Id", 35)?,
            sequence: head.count("ElctrncSeqNb")?,
            account: account.ok_or_else(|| head.fault(&place, "is missing"))?,
            days,
            opening,
        };
        let currency = currency.or(opening.map(|money| money.currency));
        self.current =
            Some(Current { currency, balance: opening, closing, id: parsed.id.clone(), entries: 0, ended });
        if let Some(first) = first {
            self.first = Some(self.entry(&first)?);
        }
        Ok(parsed)
    }

    fn entry(&mut self, from: &Element) -> Result<Entry, Fault> {
        self.count += 1;
        if self.count > self.pull.limits().entries {
            return Err(self.pull.too_many());
        }
        let entry = entry(from)?;
        let Some(current) = &mut self.current else { return Ok(entry) };
        if current.currency.is_some_and(|currency| currency != entry.amount.currency) {
            return Err(from
                .fault("Amt", format!("`{}` is not the account's currency", entry.amount.currency.code())));
        }
        current.entries += 1;
        if let Some(balance) = current.balance.filter(|_| !entry.pending) {
            let balance = entry.direction.apply(balance, entry.amount);
            current.balance = Some(balance.map_err(|error| from.fault("Amt", error.to_string()))?);
        }
        Ok(entry)
    }

    fn end(&mut self) -> Result<Option<Part>, Fault> {
        let Some(current) = self.current.take() else { return Ok(None) };
        if current.balance != current.closing {
            let told = |money: Option<Money>| money.map_or_else(|| "none".into(), |money| money.to_string());
            return Err(self.pull.fault(&format!(
                "statement `{}` closes with {}, opening balance and entries give {}",
                current.id,
                told(current.closing),
                told(current.balance),
            )));
        }
        Ok(Some(Part::End(End { closing: current.closing, entries: current.entries })))
    }
}

impl<R: BufRead> Statements for Reader<R> {
    fn next_part(&mut self) -> Result<Option<Part>, Fault> {
        if self.done {
            return Ok(None);
        }
        if let Some(first) = self.first.take() {
            return Ok(Some(Part::Entry(Box::new(first))));
        }
        match &self.current {
            None => match self.pull.next_child()? {
                Some(tag) if tag.name == self.kind.body() => {
                    let head = self.head(tag.line)?;
                    Ok(Some(Part::Head(Box::new(head))))
                }
                Some(tag) => Err(self.pull.fault(&format!("{} is not expected here", tag.name))),
                None => {
                    self.pull.close()?;
                    self.done = true;
                    Ok(None)
                }
            },
            Some(current) if current.ended => self.end(),
            Some(_) => loop {
                match self.pull.next_child()? {
                    Some(tag) if tag.name == "Ntry" => {
                        let element = self.pull.subtree(tag)?;
                        return Ok(Some(Part::Entry(Box::new(self.entry(&element)?))));
                    }
                    // Free text of the bank at the statement's end.
                    Some(tag) if tag.name.starts_with("Addtl") => {
                        self.pull.subtree(tag)?;
                    }
                    Some(tag) => return Err(self.pull.fault(&format!("{} follows the entries", tag.name))),
                    None => return self.end(),
                }
            },
        }
    }
}

fn direction(from: &Element) -> Result<Direction, Fault> {
    match from.text("CdtDbtInd", 4)?.as_str() {
        "CRDT" => Ok(Direction::Credit),
        "DBIT" => Ok(Direction::Debit),
        other => Err(from.fault("CdtDbtInd", format!("`{other}` is neither CRDT nor DBIT"))),
    }
}

fn entry(from: &Element) -> Result<Entry, Fault> {
    let status = from.text("Sts/Cd", 4)?;
    let pending = match status.as_str() {
        "BOOK" => false,
        "PDNG" | "INFO" | "FUTR" => true,
        other => return Err(from.fault("Sts/Cd", format!("`{other}` is none of BOOK, PDNG, INFO, FUTR"))),
    };
    let amount = from.money("Amt")?;
    let direction = direction(from)?;
    let booked = from.day("BookgDt")?;
    let mut details = Vec::new();
    for element in from.all("NtryDtls").flat_map(|details| details.all("TxDtls")) {
        if details.len() == DETAILS_MAX {
            return Err(from.fault("NtryDtls", format!("holds more than {DETAILS_MAX} payments")));
        }
        details.push(detail(element, direction)?);
    }
    // Where every payment of an entry names its amount, they make up the entry's.
    if let Some(amounts) =
        details.iter().map(|d| d.amount).collect::<Option<Vec<Money>>>().filter(|a| !a.is_empty())
    {
        let sum = amounts.into_iter().try_fold(Money::zero(amount.currency), Money::plus);
        if sum.as_ref() != Ok(&amount) {
            let sum = sum.map_or_else(|error| error.to_string(), |sum| format!("`{sum}`"));
            return Err(
                from.fault("NtryDtls", format!("its payments add up to {sum}, the entry is of `{amount}`"))
            );
        }
    }
    Ok(Entry {
        amount,
        direction,
        reversal: from.flag("RvslInd")?,
        pending,
        booked,
        value: if from.get("ValDt")?.is_some() { from.day("ValDt")? } else { booked },
        bank_reference: from.text_if("AcctSvcrRef", 35)?,
        details,
        text: from.text_if("AddtlNtryInf", 500)?,
    })
}

fn detail(from: &Element, direction: Direction) -> Result<Detail, Fault> {
    let returned = match from.get("RtrInf/Rsn/Cd")? {
        Some(_) => {
            let code = from.text("RtrInf/Rsn/Cd", 4)?;
            let bad = || from.fault("RtrInf/Rsn/Cd", format!("`{code}` is no reason code"));
            Some(Reason::parse(&code).ok_or_else(bad)?)
        }
        // Some banks return without saying why.
        None => from.get("RtrInf")?.map(|_| Reason::UNSPECIFIED),
    };
    let creditor = direction == Direction::Debit || returned.is_some();
    let (name, account) = if creditor {
        ("RltdPties/Cdtr", "RltdPties/CdtrAcct")
    } else {
        ("RltdPties/Dbtr", "RltdPties/DbtrAcct")
    };
    let name = from.text_if(&format!("{name}/Pty/Nm"), 140)?;
    let party_account: Option<AccountNumber> = number(from, account)?.0;
    Ok(Detail {
        message: provided(from.text_if("Refs/MsgId", 35)?),
        batch: provided(from.text_if("Refs/PmtInfId", 35)?),
        instruction: provided(from.text_if("Refs/InstrId", 35)?),
        end_to_end: provided(from.text_if("Refs/EndToEndId", 35)?),
        amount: if from.get("Amt")?.is_some() { Some(from.money("Amt")?) } else { None },
        party: name.and_then(|name| Name::parse(&name)),
        party_account,
        remittance: Remittance::read(from)?,
        returned,
    })
}
