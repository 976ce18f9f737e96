//! Reads of the consoles: staff, and searches of the past.

use super::{
    query::{Answer, SqliteQueries, count},
    row::{bind, failed},
};
use crate::columns::{OWNER, Stored, Value, asks, of_merchant};
use domain::{
    exception::{self, Exception},
    notification::{Notification, NotificationState},
    order::Order,
    refund::{Refund, RefundState},
    staff::Staff,
};
use engine::{
    ConsoleQueries,
    query::{ExceptionFilter, Found, OrderFilter, Past},
};
use types::MerchantId;

impl SqliteQueries {
    pub(super) fn back<E: Stored>(
        &self,
        past: Past,
        filters: &[(&str, Option<i64>)],
        id: impl Fn(&E) -> i64,
    ) -> Answer<Found<E>> {
        let (before, from) = (Value::Int(past.before), Value::Int(past.from));
        let unseen = {
            let db = self.get();
            let table = E::TABLE.name;
            // Steps over rows without reading them.
            let sql = format!(
                "SELECT id FROM {table} WHERE id < ?1 AND id >= ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3"
            );
            let mut statement = db.prepare_cached(&sql).map_err(failed)?;
            for (place, value) in [before, from, count(past.examine)].into_iter().enumerate() {
                bind(&mut statement, place + 1, value).map_err(failed)?;
            }
            let mut rows = statement.raw_query();
            let row = rows.next().map_err(failed)?;
            row.map(|row| row.get::<_, i64>(0)).transpose().map_err(failed)?
        };
        let from = unseen.map_or(from, |id| Value::Int(id + 1));
        let mut rest = "WHERE id < ?1 AND id >= ?2".to_owned();
        let mut values = vec![before, from, count(past.take + 1)];
        let merchant = [(of_merchant(&E::TABLE), past.merchant.map(|id| id.0))];
        for (term, value) in merchant.iter().chain(filters) {
            if let Some(value) = value {
                values.push(Value::Int(*value));
                rest.push_str(&asks(term, &format!("?{}", values.len())));
            }
        }
        rest.push_str(" ORDER BY id DESC LIMIT ?3");
        Ok(Found::of(self.list(&rest, &values)?, past.take, unseen, id))
    }
}

impl ConsoleQueries for SqliteQueries {
    fn staff_of(&self, merchant: Option<MerchantId>, limit: usize) -> Answer<Vec<Staff>> {
        let merchant = Value::from(merchant.map(|id| id.0));
        self.list("WHERE mchid IS ?1 ORDER BY id LIMIT ?2", &[merchant, count(limit)])
    }
    fn orders_back(&self, past: Past, filter: OrderFilter) -> Answer<Found<Order>> {
        let filters = [
            ("state =", filter.state.map(|state| state as i64)),
            ("product =", filter.product.map(|product| product as i64)),
            ("amount >=", filter.least),
            ("amount <=", filter.most),
            (OWNER, filter.owner.map(|id| id.0)),
        ];
        self.back(past, &filters, |row: &Order| row.id.0)
    }
    fn refunds_back(&self, past: Past, state: Option<RefundState>) -> Answer<Found<Refund>> {
        self.back(past, &[("state =", state.map(|state| state as i64))], |row: &Refund| row.id.0)
    }
    fn notifications_back(
        &self,
        past: Past,
        state: Option<NotificationState>,
    ) -> Answer<Found<Notification>> {
        self.back(past, &[("state =", state.map(|state| state as i64))], |row: &Notification| row.id.0)
    }
    fn exceptions_back(&self, past: Past, filter: ExceptionFilter) -> Answer<Found<Exception>> {
        let filters = [
            ("state <", filter.open.then_some(exception::State::Resolved as i64)),
            ("state =", filter.state.map(|state| state as i64)),
            ("class =", filter.class.map(|class| class as i64)),
            ("since <=", filter.since.map(|day| day.0.into())),
            ("maker =", filter.maker.map(|id| id.0)),
            ("maker <>", filter.not_maker.map(|id| id.0)),
        ];
        self.back(Past { merchant: None, ..past }, &filters, |row: &Exception| row.id.0)
    }
}
