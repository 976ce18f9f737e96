//! What earlier days left: the exceptions that a late partner may end. Nothing of it is kept beside the exceptions
//! themselves, so a day can be matched again at any time.

use super::{Trouble, ledger};
use ::reconcile::{Carried, Entry, Kind, Side, Status};
use domain::exception::{Class, Exception};
use engine::{Fault, Queries};
use std::collections::{HashMap, HashSet};
use types::{BusinessDay, Money, time::DAY};

/// Exceptions kept in mind; beyond it a day waits until people have decided some.
const MOST: usize = 200_000;
/// How long an exception that people decided still waits for a late partner.
const DECIDED_LIFE: i64 = 30 * DAY;

/// The ledger's present status of each of what is named; none of what it does not know.
type Known<'a> = dyn Fn(&[(Kind, &str)]) -> Result<Vec<Option<Status>>, Fault> + 'a;

/// Exceptions by what they are about.
pub(super) struct Pool {
    earlier: HashMap<(Kind, String), Earlier>,
    /// Open exceptions that a run of this same day has opened: those it does not find again are over.
    pub(super) of_day: HashSet<Box<str>>,
}

struct Earlier {
    exception: Exception,
    ledger_told: bool,
    outside_told: bool,
    /// A row of the day itself is about it, and no outcome has come of that yet.
    news: bool,
}

/// Kind, key and class of a reference `scheme/kind/key/class`, if it is of this scheme.
fn parts<'r>(scheme: &str, reference: &'r str) -> Option<(Kind, &'r str, &'r str)> {
    let rest = reference.strip_prefix(scheme)?.strip_prefix('/')?;
    let (kind, rest) = rest.split_once('/')?;
    let (key, class) = rest.rsplit_once('/')?;
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
    Some((kind, key, class))
}

impl Pool {
    /// What matters to a run of `day`.
    pub(super) fn load(queries: &dyn Queries, scheme: &str, day: BusinessDay) -> Result<Self, Trouble> {
        let (start, end) = (day.start(), day.next().start());
        let mut pool = Self { earlier: HashMap::new(), of_day: HashSet::new() };
        queries.each_exception(&mut |exception| {
            let Some((kind, key, _)) = parts(scheme, &exception.reference) else { return };
            let open = exception.state.is_open();
            if exception.day == day && open {
                pool.of_day.insert(exception.reference);
                return;
            }
            // One that ended after this day was open on it: a second run has to hear of it as the first did.
            let then = exception.ended_at.is_some_and(|at| at >= end);
            let decided = exception.approver.is_some()
                && exception.ended_at.is_some_and(|at| at >= start.plus(-DECIDED_LIFE));
            let waits =
                exception.class != Class::Duplicate && exception.day < day && (open || then || decided);
            if waits && pool.earlier.len() < MOST {
                let key = (kind, key.to_owned());
                let newer = |known: &Earlier| known.exception.id > exception.id;
                if !pool.earlier.get(&key).is_some_and(newer) {
                    let earlier = Earlier { exception, ledger_told: false, outside_told: false, news: false };
                    pool.earlier.insert(key, earlier);
                }
            }
        })?;
        if pool.earlier.len() >= MOST || pool.of_day.len() >= MOST {
            return Err(Trouble::TooManyOpen(MOST));
        }
        Ok(pool)
    }

    /// Notes that `side` speaks of it by a row, one of the day itself when `new`, and gives the day since when an
    /// exception is about it.
    pub(super) fn told(&mut self, side: Side, entry: &Entry, new: bool) -> Option<BusinessDay> {
        if self.earlier.is_empty() {
            return None;
        }
        let earlier = self.earlier.get_mut(&(entry.kind, entry.key.clone()))?;
        match side {
            Side::Ledger => earlier.ledger_told = true,
            _ => earlier.outside_told = true,
        }
        earlier.news |= new;
        Some(earlier.exception.since)
    }

    /// Whether an exception is about it.
    pub(super) fn is_about(&self, kind: Kind, key: &str) -> bool {
        self.earlier.contains_key(&(kind, key.to_owned()))
    }

    /// Notes that an outcome is about this, and gives the reference of the exception that was.
    pub(super) fn heard(&mut self, kind: Kind, key: &str) -> Option<Box<str>> {
        let earlier = self.earlier.get_mut(&(kind, key.to_owned()))?;
        earlier.news = false;
        Some(earlier.exception.reference.clone())
    }

    /// As [`Pool::heard`], by a reference that a run made of what it knows.
    pub(super) fn heard_of(&mut self, scheme: &str, reference: &str) -> Option<Box<str>> {
        let (kind, key, _) = parts(scheme, reference)?;
        self.heard(kind, key)
    }

    /// References of exceptions with news of which nothing came: the sides agree now.
    pub(super) fn settled(&self) -> Vec<Box<str>> {
        let settled = self.earlier.values().filter(|earlier| earlier.news);
        settled.map(|earlier| earlier.exception.reference.clone()).collect()
    }

    /// Entries of exceptions of which no row has told, as they stand now, and references of those that are over because
    /// nobody says any more that money moved.
    ///
    /// `outside` is the side that the ledger is matched with; `known` tells the ledger's present status of what is named.
    pub(super) fn silent(
        &self,
        outside: Side,
        known: &Known<'_>,
    ) -> Result<(Vec<Carried>, Vec<Box<str>>), Trouble> {
        let (mut carried, mut over) = (Vec::new(), Vec::new());
        let other = |exception: &Exception| match outside {
            Side::Bank => exception.bank,
            _ => exception.channel,
        };
        let silent: Vec<(&(Kind, String), &Earlier)> = self
            .earlier
            .iter()
            .filter(|(_, earlier)| earlier.exception.ledger.is_none() || other(&earlier.exception).is_none())
            .collect();
        for piece in silent.chunks(ledger::PIECE) {
            let named: Vec<(Kind, &str)> =
                piece.iter().map(|((kind, key), _)| (*kind, key.as_str())).collect();
            let known = known(&named)?;
            for (((kind, key), earlier), known) in piece.iter().zip(known) {
                let exception = &earlier.exception;
                let amount = |minor| Money::new(minor, exception.against.currency());
                let since = exception.since;
                let status = known.unwrap_or(Status::Succeeded);
                let nobody = exception.class == Class::Status && other(exception).is_none();
                if nobody && !earlier.outside_told && status == Status::Failed {
                    over.push(exception.reference.clone());
                    continue;
                }
                let mut carry = |side, minor, status| {
                    let entry = Entry::new(key, *kind, amount(minor), status, since.start());
                    carried.push(Carried { side, entry, since, reported: true });
                };
                if let Some(minor) = exception.ledger.filter(|_| !earlier.ledger_told) {
                    carry(Side::Ledger, minor, status);
                }
                if let Some(minor) = other(exception).filter(|_| !earlier.outside_told) {
                    let unknown = exception.class == Class::Status;
                    carry(outside, minor, if unknown { Status::Unknown } else { Status::Succeeded });
                }
            }
        }
        Ok((carried, over))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_tells_what_it_is_about() {
        assert_eq!(parts("card", "card/refund/a/b/long"), Some((Kind::Refund, "a/b", "long")));
        for other in ["cards/refund/1/long", "card/gift/1/long", "card/refund/1", "card", ""] {
            assert_eq!(parts("card", other), None, "{other}");
        }
    }
}
