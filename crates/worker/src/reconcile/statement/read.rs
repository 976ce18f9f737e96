//! A statement, whatever form it has, as lines: each says what money it is.

use super::{
    super::Trouble,
    files::{Form, Statements, form_of},
};
use ::reconcile::Kind;
use bank::{Detail, Direction, Entry, Limits, Part, Reason, camt, csv, mt940, statement};
use domain::payout::{BankAnswer, Payout};
use intake::{Cause, Encoding, Fault};
use std::{fs::File, io::BufReader, path::Path};
use types::{BusinessDay, Money, PayoutId};

/// One payment of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) kind: Kind,
    pub(super) key: String,
    pub(super) amount: Money,
    /// The bank's own number.
    pub(super) reference: String,
    /// The payout that it is about, and what it says of it.
    pub(super) payout: Option<(PayoutId, BankAnswer)>,
}

/// What a statement comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Whole {
    pub(super) opening: Option<Money>,
    pub(super) closing: Option<Money>,
    pub(super) lines: u64,
}

const ASK: &str = "ask the bank for the right statement; nothing of this one was used";

/// Reads a statement of `day` to its end. `before` is the day and closing balance of the statement before it, where that
/// is known: this one has to go on from there. It is good once this returns.
pub(super) fn read(
    statements: &Statements,
    day: BusinessDay,
    path: &Path,
    before: Option<(BusinessDay, Money)>,
    take: &mut dyn FnMut(Line) -> Result<(), Trouble>,
) -> Result<Whole, Trouble> {
    let file = path.display().to_string();
    let input = BufReader::new(File::open(path).map_err(|error| Trouble::Io(file.clone(), error))?);
    let limits = Limits::default();
    let wrong = |problem: String| Trouble::Bill(Fault::format(&file, 0, problem, ASK));
    let mut reader: Box<dyn statement::Statements> = match form_of(path)? {
        Form::Camt => Box::new(camt::Reader::open(input, &file, camt::Kind::Statement, limits)?),
        Form::Mt940 => Box::new(mt940::Reader::open(input, &file, Encoding::Utf8, limits)),
        Form::Csv => {
            let (account, opening) = (statements.account.clone(), before.map(|(_, closing)| closing));
            Box::new(csv::Reader::open(input, &file, account, opening, &statements.format, limits)?)
        }
    };
    let mut whole: Option<Whole> = None;
    let mut entries = 0_u64;
    while let Some(part) = reader.next_part()? {
        match part {
            Part::Head(head) => {
                if whole.is_some() {
                    return Err(wrong("holds more than one statement".into()));
                }
                if head.account != statements.account {
                    let (found, ours) = (head.account.tail(), statements.account.tail());
                    return Err(wrong(format!("is of the account that ends in {found}, not in {ours}")));
                }
                if let Some((from, to)) = head.days.filter(|days| *days != (day, day)) {
                    return Err(wrong(format!("is of {from} to {to}, not of {day}")));
                }
                if let (Some(opening), Some((previous, closed))) = (head.opening, before)
                    && opening != closed
                {
                    return Err(wrong(format!(
                        "opens with {opening}, and the statement of {previous} closed with {closed}: one between them is \
                         missing, or one of them was changed"
                    )));
                }
                whole = Some(Whole { opening: head.opening, ..Whole::default() });
            }
            Part::Entry(entry) => {
                entries += 1;
                if entry.pending {
                    continue;
                }
                if entry.booked > day {
                    let booked = entry.booked;
                    return Err(wrong(format!(
                        "entry {entries} is booked on {booked}, after the statement's day"
                    )));
                }
                let lines = lines(statements, day, entries, &entry).map_err(&wrong)?;
                if let Some(whole) = &mut whole {
                    whole.lines += lines.len() as u64;
                }
                lines.into_iter().try_for_each(&mut *take)?;
            }
            Part::End(end) => {
                if let Some(whole) = &mut whole {
                    whole.closing = end.closing;
                }
            }
        }
    }
    whole.ok_or_else(|| wrong("holds no statement".into()))
}

/// Whether a refusal is about the file, and not about the disk that it lies on.
pub(super) fn is_of_the_file(fault: &Fault) -> bool {
    fault.cause != Cause::Io
}

/// The payments of an entry. Errors: in words, when it does not say what each is of.
fn lines(statements: &Statements, day: BusinessDay, number: u64, entry: &Entry) -> Result<Vec<Line>, String> {
    let nothing = [Detail::default()];
    let details = if entry.details.is_empty() { &nothing[..] } else { &entry.details };
    let reference = entry.bank_reference.clone().unwrap_or_default();
    let mut lines = Vec::with_capacity(details.len());
    for (nth, detail) in details.iter().enumerate() {
        let amount = detail.amount.or((details.len() == 1).then_some(entry.amount));
        let amount = amount.ok_or_else(|| {
            format!("entry {number} is of {} payments and does not say of what amount each is", details.len())
        })?;
        if amount.minor == 0 {
            continue;
        }
        let payout = detail.end_to_end.as_deref().and_then(Payout::from_end_to_end);
        let credit = entry.direction == Direction::Credit;
        let (kind, key, payout) = match (payout, batch(statements, entry, detail)) {
            // A credit brings a payout back, also one that takes an earlier debit back.
            (Some(id), _) if credit => {
                let reason = detail.returned.unwrap_or(Reason::UNSPECIFIED);
                let said = BankAnswer::Returned(reason.as_str().into());
                (Kind::Return, Payout::end_to_end(id), Some((id, said)))
            }
            (Some(id), _) if !entry.reversal => {
                let said = BankAnswer::Settled(reference.clone().into());
                (Kind::Payout, Payout::end_to_end(id), Some((id, said)))
            }
            (None, Some(batch)) => (if credit { Kind::Settlement } else { Kind::Reclaim }, batch, None),
            _ => {
                let kind = if credit { Kind::Credit } else { Kind::Debit };
                let name = if reference.is_empty() { format!("entry {number}") } else { reference.clone() };
                let part = if details.len() > 1 { format!(":{}", nth + 1) } else { String::new() };
                let name: String = name.chars().filter(|c| !c.is_control() && *c != '/').collect();
                (kind, format!("{day}:{name}{part}"), None)
            }
        };
        lines.push(Line { kind, key, amount, reference: reference.clone(), payout });
    }
    Ok(lines)
}

/// Letters and digits of a batch's name at most.
const BATCH_MAX: usize = 40;

/// The channel's batch that an entry names in its end-to-end id, references or text.
fn batch(statements: &Statements, entry: &Entry, detail: &Detail) -> Option<String> {
    let told = [
        detail.end_to_end.as_deref(),
        detail.remittance.reference.as_deref(),
        detail.remittance.document.as_deref(),
        detail.remittance.text.as_deref(),
        entry.text.as_deref(),
    ];
    let word = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let words = told.into_iter().flatten().flat_map(|text| text.split(word));
    let prefix = statements.channel_prefix.as_str();
    let mut named = words.filter_map(|word| word.strip_prefix(prefix));
    named.find(|batch| (1..=BATCH_MAX).contains(&batch.len())).map(str::to_owned)
}
