//! pain.002.001.10, the status report: what the bank does with an order.

use crate::{
    reason::Reason,
    xml::{Element, Limits, Pull, Writer},
};
use intake::Fault;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use types::{Money, Time};

/// The message's name.
pub const KIND: &str = "pain.002.001.10";
const ROOT: &str = "CstmrPmtStsRpt";

/// What the bank says of an order, a batch or a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// RCVD: received, not looked at.
    Received,
    /// ACTC: of the right form.
    Formal,
    /// ACCP: the customer's side is checked.
    Checked,
    /// ACSP: under way.
    InProcess,
    /// ACSC: debited.
    Settled,
    /// ACCC: credited to the creditor.
    Credited,
    /// PDNG: waits.
    Pending,
    /// PART: some payments are accepted and some are not; for orders and batches only.
    Partly,
    /// RJCT: refused.
    Rejected,
}

impl Status {
    const CODES: [(Self, &'static str); 9] = [
        (Self::Received, "RCVD"),
        (Self::Formal, "ACTC"),
        (Self::Checked, "ACCP"),
        (Self::InProcess, "ACSP"),
        (Self::Settled, "ACSC"),
        (Self::Credited, "ACCC"),
        (Self::Pending, "PDNG"),
        (Self::Partly, "PART"),
        (Self::Rejected, "RJCT"),
    ];

    /// The code in messages.
    #[must_use]
    pub fn code(self) -> &'static str {
        Self::CODES.into_iter().find(|(status, _)| *status == self).map_or("", |(_, code)| code)
    }

    /// The status of this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::CODES.into_iter().find(|(_, known)| *known == code).map(|(status, _)| status)
    }
}

/// The report on a whole order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The report's own id.
    pub message: String,
    /// When it was made.
    pub created: Time,
    /// Id of the order.
    pub original: String,
    /// What becomes of the order; `None` where only its payments are told.
    pub status: Option<Status>,
    /// Why.
    pub reason: Option<Reason>,
    /// Further text of the bank, at most 105 characters.
    pub text: Option<String>,
}

/// The report on one payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Id of its batch.
    pub batch: String,
    /// Our id towards our bank.
    pub instruction: Option<String>,
    /// The id that stays with it.
    pub end_to_end: String,
    /// What becomes of it.
    pub status: Status,
    /// Why.
    pub reason: Option<Reason>,
    /// The bank's number for it.
    pub bank_reference: Option<String>,
    /// The amount the bank speaks of.
    pub amount: Option<Money>,
}

/// Writes a report; `told` in order of batches.
///
/// # Errors
/// A text does not fit, or `out` fails.
pub fn write<W: Write>(out: W, head: &Head, told: &[Told]) -> Result<W, Fault> {
    let mut out = Writer::new(out, &head.message, KIND)?;
    out.open(ROOT)?;
    out.open("GrpHdr")?;
    out.text("MsgId", &head.message, 35)?;
    out.text("CreDtTm", &head.created.rfc3339(), 40)?;
    out.close(1)?;
    out.open("OrgnlGrpInfAndSts")?;
    out.text("OrgnlMsgId", &head.original, 35)?;
    out.text("OrgnlMsgNmId", crate::pain001::KIND, 35)?;
    out.text_if("GrpSts", head.status.map(Status::code), 4)?;
    write_reason(&mut out, head.reason, head.text.as_deref())?;
    out.close(1)?;
    for batch in told.chunk_by(|a, b| a.batch == b.batch) {
        out.open("OrgnlPmtInfAndSts")?;
        out.text("OrgnlPmtInfId", &batch[0].batch, 35)?;
        for told in batch {
            out.open("TxInfAndSts")?;
            out.text_if("OrgnlInstrId", told.instruction.as_deref(), 35)?;
            out.text("OrgnlEndToEndId", &told.end_to_end, 35)?;
            out.text("TxSts", told.status.code(), 4)?;
            write_reason(&mut out, told.reason, None)?;
            out.text_if("AcctSvcrRef", told.bank_reference.as_deref(), 35)?;
            if let Some(amount) = told.amount {
                out.open("OrgnlTxRef/Amt")?;
                out.money("InstdAmt", amount)?;
                out.close(2)?;
            }
            out.close(1)?;
        }
        out.close(1)?;
    }
    out.finish()
}

fn write_reason<W: Write>(
    out: &mut Writer<W>,
    reason: Option<Reason>,
    text: Option<&str>,
) -> Result<(), Fault> {
    if reason.is_none() && text.is_none() {
        return Ok(());
    }
    out.open("StsRsnInf")?;
    out.text_if("Rsn/Cd", reason.as_ref().map(Reason::as_str), 4)?;
    out.text_if("AddtlInf", text, 105)?;
    out.close(1)
}

/// A part of a report, as its reader gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// What becomes of a whole batch; payments told apart come after it and count more.
    Batch {
        /// Id of the batch.
        id: String,
        /// What becomes of it.
        status: Status,
        /// Why.
        reason: Option<Reason>,
    },
    /// What becomes of one payment.
    Payment(Box<Told>),
}

/// Reads a report from front to back.
pub struct Reader<R> {
    pull: Pull<R>,
    head: Head,
    batch: Option<String>,
    /// The payment that ended the batch's own status.
    first: Option<Told>,
    count: u64,
    done: bool,
}

impl<R: BufRead> Reader<R> {
    /// Opens `input`, which messages call `file`, and reads what it says of the order as a whole.
    ///
    /// # Errors
    /// It is not a pain.002.001.10 on a pain.001, or its head is not right.
    pub fn open(input: R, file: &str, limits: Limits) -> Result<Self, Fault> {
        let mut pull = Pull::open(input, file, limits, KIND, ROOT)?;
        let mut part = |name: &str| match pull.next_child()? {
            Some(tag) if tag.name == name => pull.subtree(tag),
            _ => Err(pull.fault(&format!("{name} is missing"))),
        };
        let (group, order) = (part("GrpHdr")?, part("OrgnlGrpInfAndSts")?);
        let about = order.text("OrgnlMsgNmId", 35)?;
        if !about.starts_with("pain.001") {
            return Err(order.fault("OrgnlMsgNmId", format!("`{about}` is not a pain.001")));
        }
        let status = order.get("GrpSts")?.is_some().then(|| status(&order, "GrpSts")).transpose()?;
        let (reason, text) = reason(&order)?;
        let head = Head {
            message: group.text("MsgId", 35)?,
            created: group.time("CreDtTm")?,
            original: order.text("OrgnlMsgId", 35)?,
            status,
            reason,
            text,
        };
        Ok(Self { pull, head, batch: None, first: None, count: 0, done: false })
    }

    /// What it says of the order as a whole.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// What it says of the next batch or payment, or `None` at its end. Payments it does not name share the status
    /// of their batch, and batches that of the order.
    ///
    /// # Errors
    /// An element is missing or wrong, or a limit is passed.
    pub fn next_part(&mut self) -> Result<Option<Part>, Fault> {
        if let Some(told) = self.first.take() {
            return Ok(Some(Part::Payment(Box::new(told))));
        }
        while !self.done {
            let Some(tag) = self.pull.next_child()? else {
                if self.batch.take().is_none() {
                    self.pull.close()?;
                    self.done = true;
                }
                continue;
            };
            match (self.batch.clone(), tag.name.as_str()) {
                (None, "OrgnlPmtInfAndSts") => {
                    if let Some(part) = self.batch_head(tag.line)? {
                        return Ok(Some(part));
                    }
                    if let Some(told) = self.first.take() {
                        return Ok(Some(Part::Payment(Box::new(told))));
                    }
                }
                (Some(batch), "TxInfAndSts") => {
                    let element = self.pull.subtree(tag)?;
                    return Ok(Some(Part::Payment(Box::new(self.told(batch, &element)?))));
                }
                (_, other) => return Err(self.pull.fault(&format!("{other} is not expected here"))),
            }
        }
        Ok(None)
    }

    /// Reads a batch up to its first payment; what is said of the batch, if anything.
    fn batch_head(&mut self, line: u64) -> Result<Option<Part>, Fault> {
        let mut head = self.pull.element("OrgnlPmtInfAndSts", line);
        let mut first = None;
        while let Some(tag) = self.pull.next_child()? {
            if tag.name == "TxInfAndSts" {
                first = Some(self.pull.subtree(tag)?);
                break;
            }
            self.pull.add_to(&mut head, tag)?;
        }
        let id = head.text("OrgnlPmtInfId", 35)?;
        if let Some(first) = first {
            self.first = Some(self.told(id.clone(), &first)?);
            self.batch = Some(id.clone());
        }
        if head.get("PmtInfSts")?.is_none() {
            return Ok(None);
        }
        Ok(Some(Part::Batch { id, status: status(&head, "PmtInfSts")?, reason: reason(&head)?.0 }))
    }

    fn told(&mut self, batch: String, from: &Element) -> Result<Told, Fault> {
        self.count += 1;
        if self.count > self.pull.limits().entries {
            return Err(self.pull.too_many());
        }
        told(batch, from)
    }
}

fn told(batch: String, from: &Element) -> Result<Told, Fault> {
    Ok(Told {
        batch,
        instruction: from.text_if("OrgnlInstrId", 35)?,
        end_to_end: from.text("OrgnlEndToEndId", 35)?,
        status: status(from, "TxSts")?,
        reason: reason(from)?.0,
        bank_reference: from.text_if("AcctSvcrRef", 35)?,
        amount: match from.get("OrgnlTxRef/Amt/InstdAmt")? {
            Some(_) => Some(from.money("OrgnlTxRef/Amt/InstdAmt")?),
            None => None,
        },
    })
}

fn status(from: &Element, path: &str) -> Result<Status, Fault> {
    let code = from.text(path, 4)?;
    Status::from_code(&code).ok_or_else(|| from.fault(path, format!("`{code}` is no status")))
}

/// Reason and text of the first status reason.
fn reason(from: &Element) -> Result<(Option<Reason>, Option<String>), Fault> {
    let Some(first) = from.all("StsRsnInf").next() else { return Ok((None, None)) };
    let code = first.text_if("Rsn/Cd", 4)?;
    let parse = |code: String| {
        Reason::parse(&code).ok_or_else(|| first.fault("Rsn/Cd", format!("`{code}` is no reason code")))
    };
    let text = first.all("AddtlInf").next().map(|text| text.own_text(105)).transpose()?;
    Ok((code.map(parse).transpose()?, text))
}
