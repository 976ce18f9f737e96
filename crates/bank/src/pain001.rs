//! pain.001.001.09, the payment order: what is to be paid, from which account, by which rail.

use crate::{
    party::Party,
    rail::Rail,
    statement::Remittance,
    xml::{Element, Limits, Pull, Writer},
};
use intake::Fault;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use types::{BusinessDay, Currency, Money, MoneyError, Time};

/// The message's name.
pub const KIND: &str = "pain.001.001.09";
const ROOT: &str = "CstmrCdtTrfInitn";

/// The head of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The file's id, 1 to 35 characters. A repeat under the same id is the same order, not another one.
    pub message: String,
    /// When it was made.
    pub created: Time,
    /// Who sends it, 1 to 140 characters.
    pub sender: String,
    /// Number of payments.
    pub count: u64,
    /// Sum of their amounts.
    pub sum: Money,
}

/// Payments from one account, by one rail, on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The batch's id, 1 to 35 characters, unlike any other in the file.
    pub id: String,
    /// By which rail.
    pub rail: Rail,
    /// Whether it is to go before others.
    pub urgent: bool,
    /// The day on which the bank shall pay.
    pub day: BusinessDay,
    /// Whose account is debited.
    pub debtor: Party,
    /// Number of payments.
    pub count: u64,
    /// Sum of their amounts.
    pub sum: Money,
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Our id towards our bank, 1 to 35 characters.
    pub instruction: String,
    /// The id that stays with the payment to its end, 1 to 35 characters.
    pub end_to_end: String,
    /// How much; above zero.
    pub amount: Money,
    /// Who is paid.
    pub creditor: Party,
    /// What for.
    pub remittance: Remittance,
}

/// A part of an order, as its reader gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A batch begins.
    Batch(Box<Batch>),
    /// A payment of the current batch.
    Payment(Box<Payment>),
}

/// A batch with its payments, for writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The batch's id.
    pub id: String,
    /// By which rail.
    pub rail: Rail,
    /// Whether it is to go before others.
    pub urgent: bool,
    /// The day on which the bank shall pay.
    pub day: BusinessDay,
    /// Whose account is debited.
    pub debtor: Party,
    /// The payments; all of one currency, at least one.
    pub payments: Vec<Payment>,
}

/// Writes an order. Counts and sums are computed.
///
/// # Errors
/// There is no payment, ids repeat, amounts are not positive or of several currencies, a text does not fit, or
/// `out` fails. What was written until then is no order: write to a file beside and rename it.
pub fn write<W: Write>(
    out: W,
    message: &str,
    created: Time,
    sender: &str,
    orders: &[Order],
) -> Result<W, Fault> {
    let wrong = |problem: String| {
        Fault::format(message, 0, problem, "correct the payments and write the order again")
    };
    let money = |error: MoneyError| wrong(error.to_string());
    let first = orders.iter().find_map(|order| order.payments.first());
    let currency = first.ok_or_else(|| wrong("there is no payment".into()))?.amount.currency;
    let mut sums = Vec::with_capacity(orders.len());
    let (mut count, mut total) = (0, Money::zero(currency));
    let mut ids = std::collections::BTreeSet::new();
    for order in orders {
        let mut sum = Money::zero(currency);
        if order.payments.is_empty() {
            return Err(wrong(format!("batch `{}` has no payment", order.id)));
        }
        for payment in &order.payments {
            if !payment.amount.is_positive() {
                return Err(wrong(format!("payment `{}` is of {}", payment.end_to_end, payment.amount)));
            }
            if !ids.insert(payment.end_to_end.as_str()) {
                return Err(wrong(format!("end-to-end id `{}` appears twice", payment.end_to_end)));
            }
            sum = sum.plus(payment.amount).map_err(money)?;
        }
        count += order.payments.len();
        total = total.plus(sum).map_err(money)?;
        sums.push(sum);
    }
    let mut out = Writer::new(out, message, KIND)?;
    out.open(ROOT)?;
    out.open("GrpHdr")?;
    out.text("MsgId", message, 35)?;
    out.text("CreDtTm", &created.rfc3339(), 40)?;
    out.text("NbOfTxs", &count.to_string(), 15)?;
    out.text("CtrlSum", &total.to_string(), 20)?;
    out.text("InitgPty/Nm", sender, 140)?;
    out.close(1)?;
    for (order, sum) in orders.iter().zip(sums) {
        out.open("PmtInf")?;
        out.text("PmtInfId", &order.id, 35)?;
        out.text("PmtMtd", "TRF", 3)?;
        out.text("NbOfTxs", &order.payments.len().to_string(), 15)?;
        out.text("CtrlSum", &sum.to_string(), 20)?;
        out.open("PmtTpInf")?;
        out.text("InstrPrty", if order.urgent { "HIGH" } else { "NORM" }, 4)?;
        out.text("LclInstrm/Prtry", order.rail.code(), 35)?;
        out.close(1)?;
        out.text("ReqdExctnDt/Dt", &order.day.to_string(), 10)?;
        out.text("Dbtr/Nm", expose(&order.debtor.name), 140)?;
        out.text("DbtrAcct/Id/Othr/Id", expose(&order.debtor.account), 34)?;
        order.debtor.write_agent(&mut out, "DbtrAgt")?;
        out.text("ChrgBr", "DEBT", 4)?;
        for payment in &order.payments {
            write_payment(&mut out, payment)?;
        }
        out.close(1)?;
    }
    out.finish()
}

fn expose(masked: &impl types::Masked) -> &str {
    masked.expose()
}

fn write_payment<W: Write>(out: &mut Writer<W>, payment: &Payment) -> Result<(), Fault> {
    out.open("CdtTrfTxInf")?;
    out.open("PmtId")?;
    out.text("InstrId", &payment.instruction, 35)?;
    out.text("EndToEndId", &payment.end_to_end, 35)?;
    out.close(1)?;
    out.open("Amt")?;
    out.money("InstdAmt", payment.amount)?;
    out.close(1)?;
    payment.creditor.write_agent(out, "CdtrAgt")?;
    out.text("Cdtr/Nm", expose(&payment.creditor.name), 140)?;
    out.text("CdtrAcct/Id/Othr/Id", expose(&payment.creditor.account), 34)?;
    payment.remittance.write(out)?;
    out.close(1)
}

/// Reads an order from front to back.
pub struct Reader<R> {
    pull: Pull<R>,
    head: Head,
    batch: Option<Batch>,
    /// The payment that ended the batch's head.
    first: Option<Payment>,
    in_batch: (u64, Money),
    total: (u64, Money),
    done: bool,
}

impl<R: BufRead> Reader<R> {
    /// Opens `input`, which messages call `file`, and reads its head.
    ///
    /// # Errors
    /// It is not a pain.001.001.09, or its head is not right.
    pub fn open(input: R, file: &str, limits: Limits) -> Result<Self, Fault> {
        let mut pull = Pull::open(input, file, limits, KIND, ROOT)?;
        let head = match pull.next_child()? {
            Some(tag) if tag.name == "GrpHdr" => pull.subtree(tag)?,
            _ => return Err(pull.fault("GrpHdr is missing")),
        };
        // A control sum has no currency of its own; the mainland's is meant until a payment says another.
        let zero = Money::zero(Currency::CNY);
        let head = Head {
            message: head.text("MsgId", 35)?,
            created: head.time("CreDtTm")?,
            sender: head.text("InitgPty/Nm", 140)?,
            count: head.count("NbOfTxs")?.ok_or_else(|| head.fault("NbOfTxs", "is missing"))?,
            sum: head.sum("CtrlSum", Currency::CNY)?.ok_or_else(|| head.fault("CtrlSum", "is missing"))?,
        };
        let (batch, first) = (None, None);
        Ok(Self { pull, head, batch, first, in_batch: (0, zero), total: (0, zero), done: false })
    }

    /// The order's head.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The next part, or `None` once the order has ended and its counts and sums agree.
    ///
    /// # Errors
    /// An element is missing or wrong, a limit is passed, or counts or sums do not agree.
    pub fn next_part(&mut self) -> Result<Option<Part>, Fault> {
        if self.done {
            return Ok(None);
        }
        if self.batch.is_none() {
            return match self.pull.next_child()? {
                Some(tag) if tag.name == "PmtInf" => {
                    let batch = self.batch_head(tag.line)?;
                    self.batch = Some(batch.clone());
                    Ok(Some(Part::Batch(Box::new(batch))))
                }
                Some(tag) => Err(self.pull.fault(&format!("{} is not expected here", tag.name))),
                None => self.end(),
            };
        }
        if let Some(first) = self.first.take() {
            return Ok(Some(Part::Payment(Box::new(first))));
        }
        match self.pull.next_child()? {
            Some(tag) if tag.name == "CdtTrfTxInf" => {
                let element = self.pull.subtree(tag)?;
                let payment = self.payment(&element)?;
                Ok(Some(Part::Payment(Box::new(payment))))
            }
            Some(tag) => Err(self.pull.fault(&format!("{} follows the payments of a batch", tag.name))),
            None => {
                if let Some(batch) = self.batch.take() {
                    self.agree("batch", &batch.id, (batch.count, batch.sum), self.in_batch)?;
                }
                self.next_part()
            }
        }
    }

    fn batch_head(&mut self, line: u64) -> Result<Batch, Fault> {
        self.in_batch = (0, Money::zero(Currency::CNY));
        let mut head = self.pull.element("PmtInf", line);
        let first = loop {
            let Some(tag) = self.pull.next_child()? else {
                return Err(self.pull.fault("a batch has no payment"));
            };
            if tag.name == "CdtTrfTxInf" {
                break self.pull.subtree(tag)?;
            }
            self.pull.add_to(&mut head, tag)?;
        };
        let method = head.text("PmtMtd", 3)?;
        if method != "TRF" {
            return Err(head.fault("PmtMtd", format!("`{method}` is not TRF")));
        }
        let rail = head.text("PmtTpInf/LclInstrm/Prtry", 35)?;
        let known = || {
            head.fault(
                "PmtTpInf/LclInstrm/Prtry",
                format!("`{rail}` is none of HVPS, BEPS, NETSUNION, UNIONPAY"),
            )
        };
        let batch = Batch {
            id: head.text("PmtInfId", 35)?,
            rail: Rail::from_code(&rail).ok_or_else(known)?,
            urgent: head.text_if("PmtTpInf/InstrPrty", 4)?.as_deref() == Some("HIGH"),
            day: head.day("ReqdExctnDt")?,
            debtor: Party::read(&head, "Dbtr", "DbtrAcct", "DbtrAgt")?,
            count: head.count("NbOfTxs")?.ok_or_else(|| head.fault("NbOfTxs", "is missing"))?,
            sum: head.sum("CtrlSum", Currency::CNY)?.ok_or_else(|| head.fault("CtrlSum", "is missing"))?,
        };
        let first = self.payment(&first)?;
        self.first = Some(first);
        Ok(batch)
    }

    fn payment(&mut self, from: &Element) -> Result<Payment, Fault> {
        if self.total.0 >= self.pull.limits().entries {
            return Err(self.pull.too_many());
        }
        let amount = from.money("Amt/InstdAmt")?;
        if !amount.is_positive() {
            return Err(from.fault("Amt/InstdAmt", format!("`{amount}` is not above zero")));
        }
        if amount.currency != Currency::CNY {
            let problem = format!("`{}` is not CNY, in which control sums are read", amount.currency.code());
            return Err(from.fault("Amt/InstdAmt", problem));
        }
        for sum in [&mut self.in_batch, &mut self.total] {
            sum.0 += 1;
            sum.1 = sum.1.plus(amount).map_err(|error| from.fault("Amt/InstdAmt", error.to_string()))?;
        }
        Ok(Payment {
            instruction: from.text("PmtId/InstrId", 35)?,
            end_to_end: from.text("PmtId/EndToEndId", 35)?,
            amount,
            creditor: Party::read(from, "Cdtr", "CdtrAcct", "CdtrAgt")?,
            remittance: Remittance::read(from)?,
        })
    }

    fn end(&mut self) -> Result<Option<Part>, Fault> {
        self.agree("order", &self.head.message, (self.head.count, self.head.sum), self.total)?;
        self.pull.close()?;
        self.done = true;
        Ok(None)
    }

    fn agree(&self, what: &str, id: &str, said: (u64, Money), found: (u64, Money)) -> Result<(), Fault> {
        if said == found {
            return Ok(());
        }
        let ((said, said_sum), (found, found_sum)) = (said, found);
        Err(self.pull.fault(&format!(
            "{what} `{id}` says {said} payments of {said_sum}, it has {found} of {found_sum}"
        )))
    }
}
