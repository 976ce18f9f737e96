//! What a run finds, as the domain keeps it.

use super::Trouble;
use ::ledger::AccountId;
use ::reconcile::{Class, Exception, Side, Status, Suspense};
use domain::exception::{self, NewException};

/// A difference as the domain keeps it, with the account that its correction is booked against.
pub(super) fn record(
    found: &Exception,
    against: AccountId,
    replaces: Option<Box<str>>,
) -> Result<NewException, Trouble> {
    if [&found.ledger, &found.channel, &found.bank].into_iter().flatten().next().is_none() {
        return Err(Trouble::Nobody(found.id.clone()));
    }
    let minor = |entry: &Option<::reconcile::Entry>| entry.as_ref().map(|entry| entry.amount.minor);
    Ok(NewException {
        reference: found.id.as_str().into(),
        class: class(found.class),
        day: found.day,
        since: found.since,
        ledger: minor(&found.ledger),
        channel: minor(&found.channel),
        bank: minor(&found.bank),
        against,
        question: found.suspense.map(|suspense| match suspense {
            Suspense::Owed(money) => money.minor,
            Suspense::Missing(money) => -money.minor,
        }),
        note: note(found).into(),
        replaces,
    })
}

const fn class(class: Class) -> exception::Class {
    match class {
        Class::Long => exception::Class::Long,
        Class::Short => exception::Class::Short,
        Class::Amount => exception::Class::Amount,
        Class::Currency => exception::Class::Currency,
        Class::Status => exception::Class::Status,
        Class::Fee => exception::Class::Fee,
        Class::Duplicate => exception::Class::Duplicate,
    }
}

/// What each side says, in a line. What comes from a file is cut, and nothing in it can break the line.
fn note(found: &Exception) -> String {
    let mut note = String::new();
    for (name, entry) in [("ledger", &found.ledger), ("channel", &found.channel), ("bank", &found.bank)] {
        let Some(entry) = entry else { continue };
        let status = match entry.status {
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::Reversed => "reversed",
            Status::Unknown => "unknown",
        };
        let number: String = entry.reference.chars().filter(|c| !c.is_control()).take(40).collect();
        let amount = entry.amount;
        let part =
            format!("{name}: {amount} {} {status} {} {number}", amount.currency.code(), entry.at.local());
        if !note.is_empty() {
            note.push_str("; ");
        }
        note.push_str(part.trim_end());
    }
    let missing = found.missing.iter().map(|side| match side {
        Side::Ledger => "; the ledger lacks it",
        Side::Channel => "; the channel lacks it",
        Side::Bank => "; the bank lacks it",
    });
    note.extend(missing);
    note.chars().take(exception::NOTE_MAX).collect()
}
