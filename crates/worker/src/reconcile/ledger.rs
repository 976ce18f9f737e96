//! The ledger's side: what moved between a channel and the platform, by the number that the channel knows it by.
//!
//! A day is a range of transfer ids, read in slices so that memory stays flat. Money that a channel brings moves in the
//! command that hears of it, so its transfer lies on that day. A refund's transfers lie where it was asked for, and the
//! channel's day is the day on which it ended: refunds are found by their records, some weeks back.

use super::Trouble;
use ::ledger::{AccountKind, Transfer, TransferKind, TransferState};
use ::reconcile::{Entry, Kind, Status};
use domain::{
    Key, Record,
    order::Order,
    payment::{Payment, PaymentState},
    refund::{Refund, RefundState},
};
use engine::{Fault, Queries};
use std::collections::HashMap;
use types::{
    Money, OrderId, PaymentId, RefundId, ShardSet, Time, TransferId, first_id_at,
    time::{DAY, HOUR, MINUTE},
};

/// What the ledger says of a payment or refund.
#[derive(Clone, Debug)]
pub(super) struct Booked {
    /// It.
    pub(super) entry: Entry,
    /// When it was asked for: the channel may have counted it to that day.
    pub(super) asked_at: Time,
}

/// How far back a refund that ended on a day may have been asked for. Older ones are found when the bill names them.
const REFUND_LIFE: i64 = 35 * DAY;
/// Transfers are read a minute, refunds an hour at a time.
const SLICE: i64 = MINUTE;
const REFUND_SLICE: i64 = HOUR;
/// Records read at once.
pub(super) const PIECE: usize = 500;
/// Payments and refunds that may be open at once; beyond it the day waits.
const OPEN_MAX: usize = 200_000;

/// Everything that moved from `from` up to, not including, `to` between `channel` and the platform.
pub(super) fn each(
    queries: &dyn Queries,
    channel: i64,
    (from, to): (Time, Time),
    take: &mut dyn FnMut(Booked) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut at = from;
    while at < to {
        let end = at.plus(SLICE).min(to);
        let mut rows: Vec<Transfer> = Vec::new();
        let (first, last) = (TransferId(first_id_at(at)), TransferId(first_id_at(end)));
        queries.transfers_between(first, last, &mut |row| {
            if comes_in(&row, channel) {
                rows.push(row);
            }
        })?;
        let mut last: Option<Booked> = None;
        for piece in rows.chunks(PIECE) {
            received(queries, piece, &mut |booked| together(&mut last, booked, take))?;
        }
        last.map(&mut *take).transpose()?;
        at = end;
    }
    let mut at = from.plus(-REFUND_LIFE);
    while at < to {
        let end = at.plus(REFUND_SLICE).min(to);
        let mut found: Vec<Refund> = Vec::new();
        let (first, last) = (RefundId(first_id_at(at)), RefundId(first_id_at(end)));
        queries.refunds_between(first, last, &mut |refund| {
            let ended = refund.ended_at.is_some_and(|ended| (from..to).contains(&ended));
            if refund.attempt > 0 && refund.state == RefundState::Succeeded && ended {
                found.push(refund);
            }
        })?;
        for piece in found.chunks(PIECE) {
            returned(queries, piece, take)?;
        }
        at = end;
    }
    Ok(())
}

/// Puts what one payment brought into one entry: that of a combined order moves money to each of its merchants, one
/// transfer after the other, and the channel knows of one payment only.
fn together(
    last: &mut Option<Booked>,
    booked: Booked,
    take: &mut dyn FnMut(Booked) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    if let Some(known) = last
        && known.entry.key == booked.entry.key
        && let Ok(sum) = known.entry.amount.plus(booked.entry.amount)
    {
        known.entry.amount = sum;
        return Ok(());
    }
    last.replace(booked).map_or(Ok(()), take)
}

/// Whether the transfer is money that a channel owes for a payment or top-up. Corrections are no business of the channel's.
fn comes_in(row: &Transfer, channel: i64) -> bool {
    let kind = matches!(row.kind, TransferKind::Payment | TransferKind::TopUp);
    let from = row.debit.kind() == AccountKind::ChannelReceivable && row.debit.owner() == channel;
    kind && from && row.state == TransferState::Posted
}

fn received(
    queries: &dyn Queries,
    rows: &[Transfer],
    take: &mut dyn FnMut(Booked) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let orders = rows.iter().filter(|row| row.kind == TransferKind::Payment);
    let keys: Vec<Key> = orders.map(|row| Key::Order(OrderId(row.subject))).collect();
    let found = queries.records(&keys)?.into_iter().flatten();
    let paid: HashMap<OrderId, PaymentId> = found
        .filter_map(|record| match record {
            Record::Order(Order { id, payment: Some(payment), .. }) => Some((id, payment)),
            _ => None,
        })
        .collect();
    for row in rows {
        let payment = match row.kind {
            TransferKind::Payment => paid.get(&OrderId(row.subject)).copied(),
            _ => Some(PaymentId(row.subject)),
        };
        // An order without its payment can't be matched by anything; it is told rather than left out.
        let key = payment.map_or_else(|| format!("order {}", row.subject), |payment| payment.to_string());
        let asked_at = payment.map_or(row.at, |payment| types::id_time(payment.0));
        let amount = Money::new(row.amount, row.debit.currency());
        let entry = Entry {
            reference: row.id.to_string(),
            ..Entry::new(&key, Kind::Payment, amount, Status::Succeeded, row.at)
        };
        take(Booked { entry, asked_at })?;
    }
    Ok(())
}

/// Refunds that a channel has brought to a card, with what their transfers add up to.
fn returned(
    queries: &dyn Queries,
    refunds: &[Refund],
    take: &mut dyn FnMut(Booked) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let parts = refunds.iter().flat_map(Refund::parts).filter(|part| !part.to_merchant);
    let keys: Vec<Key> = parts.map(|part| Key::Transfer(part.id)).collect();
    let mut sums: HashMap<i64, i64> = HashMap::new();
    for record in queries.records(&keys)?.into_iter().flatten() {
        if let Record::Transfer(row) = record
            && row.state == TransferState::Posted
            && row.credit.kind() == AccountKind::ChannelReceivable
        {
            let sum = sums.entry(row.subject).or_default();
            *sum = sum.saturating_add(row.amount);
        }
    }
    for refund in refunds {
        let sum = sums.get(&refund.id.0).copied().unwrap_or(0);
        let amount = Money::new(sum, refund.terms.amount.currency);
        let at = refund.ended_at.unwrap_or(refund.created_at);
        let entry = Entry {
            reference: format!("{}-{}", refund.id, refund.attempt),
            ..Entry::new(&refund.id.to_string(), Kind::Refund, amount, Status::Succeeded, at)
        };
        take(Booked { entry, asked_at: refund.created_at })?;
    }
    Ok(())
}

/// A payment or refund whose end only the channel knows.
#[derive(Clone, Debug)]
pub enum Open {
    /// A payment.
    Payment(Box<Payment>),
    /// A refund.
    Refund(Box<Refund>),
}

impl Open {
    pub(super) const fn created_at(&self) -> Time {
        match self {
            Self::Payment(payment) => payment.created_at,
            Self::Refund(refund) => refund.created_at,
        }
    }
    pub(super) fn booked(&self) -> Booked {
        match self {
            Self::Payment(payment) => of_payment(payment, payment.created_at),
            Self::Refund(refund) => of_refund(refund),
        }
    }
}

/// Payments and refunds asked for before `before` whose end is not known.
///
/// # Errors
/// The store's fault, [`Trouble::TooManyOpen`].
pub fn open(queries: &dyn Queries, of: ShardSet, before: Time) -> Result<Vec<Open>, Trouble> {
    let ever = Time(i64::MAX);
    let payments = queries.due_payments(of, ever, OPEN_MAX)?;
    let refunds = queries.due_refunds(of, ever, OPEN_MAX)?;
    if payments.len() >= OPEN_MAX || refunds.len() >= OPEN_MAX {
        return Err(Trouble::TooManyOpen(OPEN_MAX));
    }
    let unknown = |refund: &Refund| matches!(refund.state, RefundState::Processing | RefundState::Unknown);
    let payments = payments.into_iter().map(|payment| Open::Payment(Box::new(payment)));
    let refunds = refunds.into_iter().filter(unknown).map(|refund| Open::Refund(Box::new(refund)));
    Ok(payments.chain(refunds).filter(|open| open.created_at() < before).collect())
}

/// What is known by now of the payments and refunds that a channel names, in order; none where there is no such one, or
/// where no channel has to do with it.
pub(super) fn known(queries: &dyn Queries, named: &[(Kind, &str)]) -> Result<Vec<Option<Booked>>, Fault> {
    let number = |key: &str| key.parse::<i64>().ok().filter(|id| id.to_string() == key);
    let mut keys = Vec::new();
    let mut places = Vec::new();
    for (place, (kind, key)) in named.iter().enumerate() {
        let key = match (kind, number(key)) {
            (Kind::Payment, Some(id)) => Key::Payment(PaymentId(id)),
            (Kind::Refund, Some(id)) => Key::Refund(RefundId(id)),
            _ => continue,
        };
        keys.push(key);
        places.push(place);
    }
    let mut known = vec![None; named.len()];
    for (record, place) in queries.records(&keys)?.into_iter().zip(places) {
        known[place] = match record {
            Some(Record::Payment(payment)) => {
                // A top-up's record does not say when it ended; its newest line in the journal does.
                let line = queries.timeline(payment.journal, 1)?.into_iter().next();
                Some(of_payment(&payment, line.map_or(payment.created_at, |line| line.at)))
            }
            Some(Record::Refund(refund)) if refund.attempt > 0 => Some(of_refund(&refund)),
            _ => None,
        };
    }
    Ok(known)
}

fn of_payment(payment: &Payment, ended_at: Time) -> Booked {
    let (status, at) = match payment.state {
        PaymentState::Succeeded => (Status::Succeeded, ended_at),
        PaymentState::Declined => (Status::Failed, ended_at),
        PaymentState::Authorising | PaymentState::Unknown => (Status::Unknown, payment.created_at),
    };
    let entry = Entry::new(&payment.id.to_string(), Kind::Payment, payment.amount, status, at);
    Booked { entry, asked_at: payment.created_at }
}

fn of_refund(refund: &Refund) -> Booked {
    let status = match refund.state {
        RefundState::Succeeded => Status::Succeeded,
        RefundState::Processing | RefundState::Unknown => Status::Unknown,
        RefundState::Waiting | RefundState::Abnormal | RefundState::Closed => Status::Failed,
    };
    let at = refund.ended_at.unwrap_or(refund.created_at);
    let entry = Entry::new(&refund.id.to_string(), Kind::Refund, refund.terms.amount, status, at);
    Booked { entry, asked_at: refund.created_at }
}
