//! Reads of the consoles: staff, and searches of the past.

use super::Memory;
use domain::{
    exception::Exception,
    notification::{Notification, NotificationState},
    order::Order,
    refund::{Refund, RefundState},
    staff::Staff,
};
use engine::{
    ConsoleQueries, Fault,
    query::{ExceptionFilter, Found, OrderFilter, Past},
};
use std::{collections::BTreeMap, ops::Range};
use types::{MerchantId, NotificationId, OrderId, RefundId};

type Answer<T> = Result<T, Fault>;

pub(super) fn back<K: Ord, E: Clone>(
    rows: &BTreeMap<K, E>,
    ids: Range<K>,
    past: Past,
    id: impl Fn(&E) -> i64,
    wanted: impl Fn(&E) -> bool,
) -> Found<E> {
    if ids.start >= ids.end {
        return Found { rows: Vec::new(), next: None };
    }
    let mut all = rows.range(ids).rev().map(|(_, row)| row);
    let seen: Vec<&E> = all.by_ref().take(past.examine).collect();
    let unseen = all.next().map(&id);
    let found = seen.into_iter().filter(|row| wanted(row)).take(past.take + 1).cloned().collect();
    Found::of(found, past.take, unseen, id)
}

fn of(past: Past, merchant: MerchantId) -> bool {
    past.merchant.is_none_or(|wanted| wanted == merchant)
}

impl ConsoleQueries for Memory {
    fn staff_of(&self, merchant: Option<MerchantId>, limit: usize) -> Answer<Vec<Staff>> {
        let held = self.held();
        Ok(held.rows.staff.values().filter(|row| row.merchant == merchant).take(limit).cloned().collect())
    }
    fn orders_back(&self, past: Past, filter: OrderFilter) -> Answer<Found<Order>> {
        let held = self.held();
        let ids = OrderId(past.from)..OrderId(past.before);
        Ok(back(
            &held.rows.orders,
            ids,
            past,
            |row| row.id.0,
            |row| {
                let minor = row.terms.amount.minor;
                (of(past, row.terms.merchant) || of(past, row.terms.signer()))
                    && filter.owner.is_none_or(|owner| row.terms.merchant == owner)
                    && filter.state.is_none_or(|state| row.state == state)
                    && filter.product.is_none_or(|product| row.terms.product == product)
                    && filter.least.is_none_or(|least| minor >= least)
                    && filter.most.is_none_or(|most| minor <= most)
            },
        ))
    }
    fn refunds_back(&self, past: Past, state: Option<RefundState>) -> Answer<Found<Refund>> {
        let held = self.held();
        let ids = RefundId(past.from)..RefundId(past.before);
        Ok(back(
            &held.rows.refunds,
            ids,
            past,
            |row| row.id.0,
            |row| {
                (of(past, row.terms.merchant) || of(past, row.terms.signer()))
                    && state.is_none_or(|state| row.state == state)
            },
        ))
    }
    fn notifications_back(
        &self,
        past: Past,
        state: Option<NotificationState>,
    ) -> Answer<Found<Notification>> {
        let held = self.held();
        let ids = NotificationId(past.from)..NotificationId(past.before);
        Ok(back(
            &held.rows.notifications,
            ids,
            past,
            |row| row.id.0,
            |row| of(past, row.merchant) && state.is_none_or(|state| row.state == state),
        ))
    }
    fn exceptions_back(&self, past: Past, filter: ExceptionFilter) -> Answer<Found<Exception>> {
        let held = self.held();
        // Kept by reference; there are few in a test.
        let rows: BTreeMap<i64, Exception> =
            held.rows.exceptions.values().map(|row| (row.id.0, row.clone())).collect();
        Ok(back(
            &rows,
            past.from..past.before,
            past,
            |row| row.id.0,
            |row| {
                (!filter.open || row.state.is_open())
                    && filter.state.is_none_or(|state| row.state == state)
                    && filter.class.is_none_or(|class| row.class == class)
                    && filter.since.is_none_or(|day| row.since <= day)
                    && filter.maker.is_none_or(|by| row.maker == Some(by))
                    && filter.not_maker.is_none_or(|by| row.maker.is_some_and(|maker| maker != by))
            },
        ))
    }
}
