//! Reads of the consoles: staff, and searches of the past.

use super::{Answer, SettlementQueries};
use domain::{
    Key, Record,
    exception::{self, Exception},
    merchant::Product,
    notification::{Notification, NotificationState},
    order::{Order, OrderState},
    records::Digest,
    refund::{Refund, RefundState},
    staff::{Staff, StaffSession},
};
use types::{BusinessDay, MerchantId, OperatorId};

/// A search of the past, newest first. Ids are ordered by time, so a stretch of time is a stretch of ids, and no list
/// by merchant has to be kept by every payment: the rows of everybody are gone through, a bounded number of them, and
/// whoever asks goes on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// Only this merchant's; of orders and refunds also those that it made as a partner.
    pub merchant: Option<MerchantId>,
    /// Only ids below this.
    pub before: i64,
    /// Only ids from this on.
    pub from: i64,
    /// Rows gone through at most, of everybody.
    pub examine: usize,
    /// Rows found at most.
    pub take: usize,
}

/// What is wanted of orders. What is absent does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Where they stand.
    pub state: Option<OrderState>,
    /// How they were to be paid.
    pub product: Option<Product>,
    /// The smallest amount, minor units.
    pub least: Option<i64>,
    /// The largest amount, minor units.
    pub most: Option<i64>,
    /// Whose money it is: one of a partner's sub-merchants.
    pub owner: Option<MerchantId>,
}

/// What is wanted of exceptions. What is absent does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExceptionFilter {
    /// Only those that somebody has to decide.
    pub open: bool,
    /// Where they stand.
    pub state: Option<exception::State>,
    /// What is wrong.
    pub class: Option<exception::Class>,
    /// First seen on this business day or before.
    pub since: Option<BusinessDay>,
    /// Suggested last by this person.
    pub maker: Option<OperatorId>,
    /// Suggested last by somebody else than this person.
    pub not_maker: Option<OperatorId>,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// The rows, newest first.
    pub rows: Vec<T>,
    /// Where to go on, as [`Past::before`]; none when everything was gone through.
    pub next: Option<i64>,
}

impl<T> Found<T> {
    /// From up to `take + 1` rows; `unseen` is the first id that was not gone through.
    pub fn of(mut rows: Vec<T>, take: usize, unseen: Option<i64>, id: impl Fn(&T) -> i64) -> Self {
        let more = rows.len() > take;
        rows.truncate(take);
        let next = if more { rows.last().map(id) } else { unseen.map(|id| id + 1) };
        Self { rows, next }
    }
}

/// What the consoles read. A part of [`super::Queries`]; calls block and fail as its do.
#[expect(clippy::missing_errors_doc, reason = "said once at Queries")]
pub trait ConsoleQueries: SettlementQueries {
    /// The people of a merchant, or of the platform, by number.
    fn staff_of(&self, merchant: Option<MerchantId>, limit: usize) -> Answer<Vec<Staff>>;
    /// Orders, newest first.
    fn orders_back(&self, past: Past, filter: OrderFilter) -> Answer<Found<Order>>;
    /// Refunds, newest first.
    fn refunds_back(&self, past: Past, state: Option<RefundState>) -> Answer<Found<Refund>>;
    /// Notifications, newest first.
    fn notifications_back(&self, past: Past, state: Option<NotificationState>)
    -> Answer<Found<Notification>>;
    /// Exceptions of reconciliation, newest first; they belong to no merchant.
    fn exceptions_back(&self, past: Past, filter: ExceptionFilter) -> Answer<Found<Exception>>;

    /// Somebody who signs in to a console.
    fn staff(&self, id: OperatorId) -> Answer<Option<Staff>> {
        Ok(match self.record(Key::Staff(id))? {
            Some(Record::Staff(found)) => Some(found),
            _ => None,
        })
    }
    /// Whoever signs in with that name.
    fn staff_by_name(&self, name: &str) -> Answer<Option<Staff>> {
        match self.record(Key::StaffName(name.into()))? {
            Some(Record::StaffName(found)) => self.staff(found.staff),
            _ => Ok(None),
        }
    }
    /// A session by token hash; the caller checks that it holds.
    fn staff_session(&self, token: Digest) -> Answer<Option<StaffSession>> {
        Ok(match self.record(Key::StaffSession(token))? {
            Some(Record::StaffSession(found)) => Some(found),
            _ => None,
        })
    }
}
