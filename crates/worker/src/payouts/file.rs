//! What stands in the files that go to the bank and come from it, without the folder they lie in, the engine and the clock:
//! `payouts` puts it to disk and to the engine, the simulator does the same with a crash between any two steps.

use super::Trouble;
use bank::{Direction, Entry, Limits, Party, Remittance, Statements, camt, pain001, pain002, statement};
use domain::{
    Command,
    payout::{BankAnswer, FILE_MAX, Payout, PayoutState, Rail},
};
use engine::{Fault, Queries};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::BufRead,
};
use types::{Masked, Money, PageRequest, PayoutId};

/// What the bank says of payouts, and of which amount; the payout's own when it names none.
pub type Answers = Vec<(PayoutId, Option<Money>, BankAnswer)>;

/// A file of the bank that says something of payouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A status report, pain.002.
    Report,
    /// A notice of entries, camt.054.
    Notice,
}

impl Kind {
    /// What a file is, by its name; none for one that says nothing of payouts.
    #[must_use]
    pub fn of(file: &str) -> Option<Self> {
        match () {
            () if file.starts_with("pain002") => Some(Self::Report),
            () if file.starts_with("camt054") => Some(Self::Notice),
            () => None,
        }
    }
    /// Reads a file; `name` is told in errors.
    ///
    /// # Errors
    /// [`Trouble::File`] when it is not what it should be, [`Trouble::Store`].
    pub fn read(self, queries: &dyn Queries, name: &str, input: impl BufRead) -> Result<Answers, Trouble> {
        match self {
            Self::Report => report(queries, name, input),
            Self::Notice => notice(name, input),
        }
    }
}

/// The command that puts what is to be sent of a page of open payouts into one file, and how many those are; none when
/// nothing is.
#[must_use]
pub fn to_send(open: &[Payout]) -> Option<(Command, usize)> {
    let created = open.iter().filter(|payout| payout.state == PayoutState::Created);
    let payouts: Vec<PayoutId> = created.map(|payout| payout.id).take(FILE_MAX).collect();
    let (first, count) = (*payouts.first()?, payouts.len());
    Some((Command::SendPayouts { file: format!("FQ{first}").into(), payouts }, count))
}

/// Payouts that are sent and whose file is not written, by file.
///
/// # Errors
/// The store's fault.
pub fn unwritten(
    queries: &dyn Queries,
    is_written: &mut dyn FnMut(&str) -> bool,
) -> Result<BTreeMap<Box<str>, Vec<Payout>>, Fault> {
    let mut missing: BTreeMap<Box<str>, Vec<Payout>> = BTreeMap::new();
    let mut there: BTreeSet<Box<str>> = BTreeSet::new();
    let mut page = PageRequest::new(PageRequest::MAX, None);
    loop {
        let read = queries.payouts_open(None, page)?;
        for payout in read.rows.into_iter().filter(|payout| payout.state == PayoutState::Sent) {
            if there.contains(&payout.file) {
                continue;
            }
            if !missing.contains_key(&payout.file) && is_written(&payout.file) {
                there.insert(payout.file.clone());
                continue;
            }
            missing.entry(payout.file.clone()).or_default().push(payout);
        }
        match read.next {
            Some(next) => page.after = Some(next),
            None => return Ok(missing),
        }
    }
}

/// The payment order `file`, byte for byte the same whenever it is made of the same payouts. `creditor` says whom a payout
/// goes to.
///
/// # Errors
/// [`Trouble`] of `creditor`, [`Trouble::File`] when something does not fit.
pub fn order(
    file: &str,
    payouts: &[Payout],
    debtor: &Party,
    creditor: &mut dyn FnMut(&Payout) -> Result<Party, Trouble>,
) -> Result<Vec<u8>, Trouble> {
    let mut batches: BTreeMap<(Rail, bool), Vec<pain001::Payment>> = BTreeMap::new();
    for payout in payouts {
        batches.entry((payout.rail, payout.urgent)).or_default().push(payment(payout, creditor(payout)?));
    }
    // The same after a crash: the day on which the first of them was asked for.
    let created = payouts.iter().map(|payout| payout.created_at).min().unwrap_or_default();
    let orders: Vec<pain001::Order> = batches
        .into_iter()
        .map(|((rail, urgent), payments)| pain001::Order {
            id: batch_id(file, rail, urgent),
            rail: wire_rail(rail),
            urgent,
            day: created.business_day(),
            debtor: debtor.clone(),
            payments,
        })
        .collect();
    Ok(pain001::write(Vec::new(), file, created, debtor.name.expose(), &orders)?)
}

/// What tells the engine of an answer.
///
/// # Errors
/// The store's fault.
pub fn command(
    queries: &dyn Queries,
    (payout, amount, answer): (PayoutId, Option<Money>, BankAnswer),
) -> Result<Command, Fault> {
    let amount = match amount {
        Some(amount) => amount,
        None => queries.payout(payout)?.map_or(Money::cny(0), |known| known.amount),
    };
    Ok(Command::AnswerPayout { payout, amount, answer })
}

/// A batch's id: its file, rail and urgency, at most 33 characters.
fn batch_id(file: &str, rail: Rail, urgent: bool) -> String {
    format!("{file}-{}-{}", rail.name(), if urgent { 'u' } else { 'n' })
}

const fn wire_rail(rail: Rail) -> bank::Rail {
    match rail {
        Rail::Hvps => bank::Rail::Hvps,
        Rail::Beps => bank::Rail::Beps,
        Rail::Netsunion => bank::Rail::Netsunion,
        Rail::Unionpay => bank::Rail::Unionpay,
    }
}

fn payment(payout: &Payout, creditor: Party) -> pain001::Payment {
    let end_to_end = Payout::end_to_end(payout.id);
    let text = Some(format!("settlement of merchant {}", payout.merchant));
    pain001::Payment {
        instruction: end_to_end.clone(),
        end_to_end,
        amount: payout.amount,
        creditor,
        remittance: Remittance { text, ..Remittance::default() },
    }
}

/// Reads a status report (pain.002).
fn report(queries: &dyn Queries, name: &str, input: impl BufRead) -> Result<Answers, Trouble> {
    let mut reader = pain002::Reader::open(input, name, Limits::default())?;
    let mut answers = Answers::new();
    let mut named = BTreeSet::new();
    // What is said of the whole order or of a batch holds for every payout that is not named.
    let (original, mut whole) = (reader.head().original.clone(), Vec::new());
    if let Some(status) = reader.head().status {
        whole.push((None, said(status, reader.head().reason, None)));
    }
    while let Some(part) = reader.next_part()? {
        match part {
            pain002::Part::Batch { id, status, reason } => whole.push((Some(id), said(status, reason, None))),
            pain002::Part::Payment(told) => {
                if let Some(id) = Payout::from_end_to_end(&told.end_to_end) {
                    named.insert(id);
                    let answer = said(told.status, told.reason, told.bank_reference.as_deref());
                    answers.extend(answer.map(|answer| (id, told.amount, answer)));
                }
            }
        }
    }
    if whole.iter().any(|(_, answer)| answer.is_some()) {
        for payout in of_file(queries, &original)?.into_iter().filter(|payout| !named.contains(&payout.id)) {
            let batch = batch_id(&payout.file, payout.rail, payout.urgent);
            let of = |id: &Option<String>| id.as_ref().is_none_or(|id| *id == batch);
            let answer = whole.iter().rev().find(|(id, _)| of(id)).and_then(|(_, answer)| answer.clone());
            answers.extend(answer.map(|answer| (payout.id, None, answer)));
        }
    }
    Ok(answers)
}

/// The open payouts of a file.
fn of_file(queries: &dyn Queries, file: &str) -> Result<Vec<Payout>, Fault> {
    let mut found = Vec::new();
    let mut page = PageRequest::new(PageRequest::MAX, None);
    loop {
        let read = queries.payouts_open(None, page)?;
        found.extend(read.rows.into_iter().filter(|payout| &*payout.file == file));
        match read.next {
            Some(next) => page.after = Some(next),
            None => return Ok(found),
        }
    }
}

fn said(
    status: pain002::Status,
    reason: Option<bank::Reason>,
    reference: Option<&str>,
) -> Option<BankAnswer> {
    use pain002::Status;
    match status {
        // A repeat was refused, not the payout: what became of the first is still to be told.
        Status::Rejected if reason == Some(bank::Reason::DUPLICATE) => None,
        Status::Settled | Status::Credited => Some(BankAnswer::Settled(reference.unwrap_or_default().into())),
        Status::Rejected => {
            Some(BankAnswer::Rejected(reason.unwrap_or(bank::Reason::UNSPECIFIED).as_str().into()))
        }
        Status::Formal | Status::Checked | Status::InProcess | Status::Pending => Some(BankAnswer::Accepted),
        // Received says nothing yet, and what is partly so is told by its parts.
        Status::Received | Status::Partly => None,
    }
}

/// Reads a notice of entries (camt.054).
fn notice(name: &str, input: impl BufRead) -> Result<Answers, Trouble> {
    let mut reader = camt::Reader::open(input, name, camt::Kind::Notice, Limits::default())?;
    let mut answers = Answers::new();
    while let Some(part) = reader.next_part()? {
        if let statement::Part::Entry(entry) = part
            && !entry.pending
        {
            booked(&entry, &mut answers);
        }
    }
    Ok(answers)
}

/// What a booked entry says of payouts: a debit paid them, a credit brought them back.
fn booked(entry: &Entry, answers: &mut Answers) {
    let single = entry.details.len() == 1;
    for detail in &entry.details {
        let Some(id) = detail.end_to_end.as_deref().and_then(Payout::from_end_to_end) else { continue };
        let amount = detail.amount.or(single.then_some(entry.amount));
        let reference = entry.bank_reference.clone().unwrap_or_default();
        let answer = match (entry.direction, detail.returned) {
            (Direction::Debit, None) if !entry.reversal => BankAnswer::Settled(reference.into()),
            (Direction::Credit, reason) => {
                BankAnswer::Returned(reason.unwrap_or(bank::Reason::UNSPECIFIED).as_str().into())
            }
            _ => continue,
        };
        answers.push((id, amount, answer));
    }
}
