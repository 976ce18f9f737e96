//! What must hold of refunds: each against its transfers and notifications, all of an order against the order.

use domain::{
    notification::About,
    order::{Order, OrderState},
    refund::{Refund, RefundState, Refunded},
};
use ledger::{AccountId, Transfer, TransferKind, TransferState};
use std::collections::HashMap;
use types::{RefundId, Shard};

/// What was seen so far. Memory grows with refunds only.
#[derive(Default)]
pub(super) struct Seen {
    transfers: HashMap<i64, Vec<Transfer>>,
    told: HashMap<RefundId, Told>,
    orders: HashMap<i64, Refunded>,
}

/// Notifications of a refund, by what they tell.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    succeeded: u32,
    abnormal: u32,
    closed: u32,
}

impl Seen {
    /// Takes in a transfer; false when it is none of a refund.
    pub(super) fn transfer(&mut self, transfer: &Transfer) -> bool {
        let ours = matches!(transfer.kind, TransferKind::Refund | TransferKind::RefundFee);
        if ours {
            self.transfers.entry(transfer.subject).or_default().push(*transfer);
        }
        ours
    }

    pub(super) fn notification(&mut self, about: About) {
        let Some(refund) = about.refund() else { return };
        let told = self.told.entry(refund).or_default();
        match about {
            About::RefundSucceeded(_) => told.succeeded += 1,
            About::RefundAbnormal(_) => told.abnormal += 1,
            About::RefundClosed(_) => told.closed += 1,
            _ => {}
        }
    }

    /// After all transfers and notifications: a refund's state against them.
    pub(super) fn refund(&mut self, refund: &Refund, fail: &mut dyn FnMut(String)) {
        let (id, state) = (refund.id, refund.state);
        let wanted_state = match state {
            RefundState::Succeeded => TransferState::Posted,
            RefundState::Closed => TransferState::Voided,
            _ => TransferState::Pending,
        };
        let found = self.transfers.remove(&id.0).unwrap_or_default();
        // Made where the order is, which moves no more once it is paid.
        let merchant = refund.terms.funds.account(refund.terms.merchant, refund.terms.amount.currency);
        let here = Shard::of_id(id.0);
        let merchant = merchant.at(here);
        let aside = AccountId::merchant_sharing(refund.terms.merchant, refund.terms.amount.currency).at(here);
        let same = refund.parts().count() == found.len()
            && refund.parts().all(|part| {
                found.iter().any(|transfer| {
                    (transfer.id, transfer.kind, transfer.amount, transfer.state)
                        == (part.id, part.kind, part.amount, wanted_state)
                        && (part.kind != TransferKind::Refund || [merchant, aside].contains(&transfer.debit))
                        && part.to_merchant == (transfer.credit == merchant)
                })
            });
        if !same {
            fail(format!(
                "refund {id}: {} of {} with fee {}, but its transfers are {found:?}",
                state.name(),
                refund.terms.amount,
                refund.fee
            ));
        }
        let ended = matches!(state, RefundState::Succeeded | RefundState::Closed);
        if ended != refund.ended_at.is_some() {
            fail(format!("refund {id}: {} but ended at {:?}", state.name(), refund.ended_at));
        }
        let due = matches!(state, RefundState::Waiting | RefundState::Processing | RefundState::Unknown);
        if due != refund.due_at.is_some() {
            fail(format!("refund {id}: {} but due at {:?}", state.name(), refund.due_at));
        }
        let approved = refund.approvals.len() >= usize::from(refund.approvals_needed);
        let own = refund.approvals.iter().any(|approval| Some(approval.by) == refund.maker);
        if own || !approved && !matches!(state, RefundState::Waiting | RefundState::Closed) {
            fail(format!(
                "refund {id}: {} with {} of {} approvals, its maker's among them: {own}",
                state.name(),
                refund.approvals.len(),
                refund.approvals_needed
            ));
        }
        let failed = if state == RefundState::Abnormal { refund.attempt } else { refund.attempt.max(1) - 1 };
        let wanted = if refund.terms.notify_url.is_empty() {
            Told::default()
        } else {
            let one = |of| u32::from(state == of);
            Told {
                succeeded: one(RefundState::Succeeded),
                abnormal: failed,
                closed: one(RefundState::Closed),
            }
        };
        let told = self.told.remove(&id).unwrap_or_default();
        if told != wanted {
            fail(format!("refund {id}: {} notified as {told:?}, {wanted:?} owed", state.name()));
        }
        let of = self.orders.entry(refund.order.0).or_default();
        of.count += 1;
        if of.newest != refund.previous {
            fail(format!("refund {id}: follows {:?}, but {:?} was before it", refund.previous, of.newest));
        }
        of.newest = Some(id);
        if state != RefundState::Closed {
            of.sum = of.sum.saturating_add(refund.terms.amount.minor);
            of.fee = of.fee.saturating_add(refund.fee);
        }
    }

    /// After all refunds: an order against its own.
    pub(super) fn order(&mut self, order: &Order, fail: &mut dyn FnMut(String)) {
        let of = self.orders.remove(&order.id.0).unwrap_or_default();
        if of != order.refunded {
            fail(format!("order {}: keeps {:?}, its refunds say {of:?}", order.id, order.refunded));
        }
        let paid = order.terms.amount.minor;
        if of.sum > paid || of.fee > order.fee || of.count > 0 && order.paid_at.is_none() {
            fail(format!(
                "order {}: {} of {paid} paid at {:?} with fee {} is refunded as {of:?}",
                order.id,
                order.state.name(),
                order.paid_at,
                order.fee
            ));
        }
        if order.state == OrderState::Revoked && of.sum > 0 {
            fail(format!("order {}: reversed, and refunded as {of:?}", order.id));
        }
    }

    /// What belongs to no record.
    pub(super) fn rest(self, fail: &mut dyn FnMut(String)) {
        for (refund, transfers) in self.transfers {
            fail(format!("{} transfers name refund {refund}, which does not exist", transfers.len()));
        }
        for refund in self.told.into_keys() {
            fail(format!("a notification names refund {refund}, which does not exist"));
        }
        for (order, of) in self.orders {
            fail(format!("{} refunds name order {order}, which does not exist", of.count));
        }
    }
}
