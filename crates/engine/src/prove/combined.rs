//! What must hold of combined orders: each against its orders, the channel payments that name one of them, and its
//! notification.

use crate::{query::Queries, store::Fault};
use domain::{
    combined::Combined,
    notification::About,
    order::{Order, OrderState},
    payment::Payment,
};
use std::collections::HashMap;
use types::{CardId, CombinedId, OrderId, PayerId, PaymentId, Time};

/// What was seen so far. Memory grows with combined orders only.
#[derive(Default)]
pub(super) struct Seen {
    wholes: HashMap<CombinedId, Combined>,
    /// The order that payments of a combined order name.
    firsts: HashMap<OrderId, CombinedId>,
    parts: HashMap<CombinedId, Vec<(OrderId, i64, Stand)>>,
    told: HashMap<CombinedId, u32>,
}

/// Where an order stands, as far as all orders of a combined one stand alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stand {
    state: OrderState,
    expires_at: Time,
    payer: Option<PayerId>,
    card: Option<CardId>,
    paid_at: Option<Time>,
    payment: Option<PaymentId>,
}

impl Seen {
    /// Before anything else.
    pub(super) fn read(store: &dyn Queries, fail: &mut dyn FnMut(String)) -> Result<Self, Fault> {
        let mut seen = Self::default();
        let mut double = Vec::new();
        store.each_combined(&mut |whole| {
            if let Some(first) = whole.orders.first()
                && let Some(other) = seen.firsts.insert(*first, whole.id)
            {
                double.push(format!("combined order {}: begins with an order of {other}", whole.id));
            }
            seen.wholes.insert(whole.id, whole);
        })?;
        double.into_iter().for_each(fail);
        Ok(seen)
    }
    pub(super) fn notification(&mut self, about: About) {
        if let Some(id) = about.combined() {
            *self.told.entry(id).or_default() += 1;
        }
    }
    /// A payment of a combined order is of its total.
    pub(super) fn payment(&self, payment: &Payment, fail: &mut dyn FnMut(String)) {
        let whole = payment.order.and_then(|first| self.firsts.get(&first));
        if let Some(whole) = whole.and_then(|id| self.wholes.get(id))
            && whole.total != payment.amount
        {
            let (id, total) = (whole.id, whole.total);
            fail(format!(
                "payment {}: of {}, but combined order {id} is of {total}",
                payment.id, payment.amount
            ));
        }
    }
    /// The order that payments of this one name.
    pub(super) fn named(&self, order: &Order) -> OrderId {
        let whole = order.whole().and_then(|id| self.wholes.get(&id));
        whole.and_then(|whole| whole.orders.first()).copied().unwrap_or(order.id)
    }
    /// Whether payments name it for several orders.
    pub(super) fn is_first(&self, order: i64) -> bool {
        self.firsts.contains_key(&OrderId(order))
    }
    pub(super) fn order(&mut self, order: &Order, fail: &mut dyn FnMut(String)) {
        let Some(id) = order.combined else { return };
        let Order { state, expires_at, payer, card, paid_at, payment, .. } = *order;
        let Some(whole) = order.whole() else {
            if paid_at.is_some() || payment.is_some() {
                fail(format!("order {}: paid as a claim for a combined order that is not made", order.id));
            }
            return;
        };
        if !self.wholes.contains_key(&whole) {
            fail(format!("order {}: is of combined order {id}, which does not exist", order.id));
        }
        let stand = Stand { state, expires_at, payer, card, paid_at, payment };
        self.parts.entry(whole).or_default().push((order.id, order.terms.amount.minor, stand));
    }
    /// After all orders and notifications.
    pub(super) fn finish(mut self, fail: &mut dyn FnMut(String)) {
        for (id, whole) in self.wholes {
            let mut parts = self.parts.remove(&id).unwrap_or_default();
            let mut orders: Vec<OrderId> = parts.iter().map(|(order, ..)| *order).collect();
            let mut wanted = whole.orders.clone();
            orders.sort_unstable();
            wanted.sort_unstable();
            if orders != wanted {
                fail(format!(
                    "combined order {id}: is of {wanted:?}, but orders {orders:?} say they are its own"
                ));
            }
            let sum: i128 = parts.iter().map(|(_, amount, _)| i128::from(*amount)).sum();
            if sum != i128::from(whole.total.minor) {
                fail(format!("combined order {id}: of {}, but its orders add up to {sum}", whole.total));
            }
            let Some((_, _, first)) = parts.pop() else { continue };
            if let Some((order, _, other)) = parts.iter().find(|(_, _, stand)| *stand != first) {
                fail(format!(
                    "combined order {id}: its orders part: {first:?}, but order {order} is {other:?}"
                ));
            }
            let owed = u32::from(first.paid_at.is_some() && !whole.notify_url.is_empty());
            let told = self.told.remove(&id).unwrap_or(0);
            if told != owed {
                fail(format!("combined order {id}: {told} notifications, {owed} owed"));
            }
        }
        for id in self.told.into_keys() {
            fail(format!("a notification names combined order {id}, which does not exist"));
        }
    }
}
