//! The proof: every money invariant over a whole store, for `feiqian prove` and for every money test's end.

mod combined;
mod exceptions;
mod refunds;
mod reserve;
mod settlement;
mod shards;
mod sharing;
mod user_transfers;

pub use reserve::Reserve;

use crate::prove::shards::Between;
use crate::{query::Queries, store::Fault};
use domain::{
    notification::NotificationState,
    order::{Order, OrderState},
    payment::{Payment, PaymentState},
};
use ledger::{AccountKind, Transfer, TransferKind, TransferState, TrialBalance};
use std::collections::HashMap;
use types::PaymentId;

/// What was found: how much was checked, and every row that breaks an invariant.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Proof {
    /// Accounts checked.
    pub accounts: u64,
    /// Transfers checked.
    pub transfers: u64,
    /// Orders checked.
    pub orders: u64,
    /// Channel payments checked.
    pub payments: u64,
    /// Refunds checked.
    pub refunds: u64,
    /// Settlements checked.
    pub settlements: u64,
    /// Payouts checked.
    pub payouts: u64,
    /// Exceptions of reconciliation checked.
    pub exceptions: u64,
    /// Clearings checked.
    pub clearings: u64,
    /// Requests to share checked.
    pub shares: u64,
    /// Transfers to users checked.
    pub user_transfers: u64,
    /// Notifications checked.
    pub notifications: u64,
    /// The reserve equation of each currency.
    pub reserves: Vec<Reserve>,
    /// Invariants checked, by name.
    pub invariants: Vec<&'static str>,
    /// Failures, each naming its rows; at most [`FAILURES_MAX`].
    pub failures: Vec<String>,
    /// Failures beyond those listed.
    pub more: u64,
}

/// Failures that are listed.
pub const FAILURES_MAX: usize = 200;

impl Proof {
    /// True when every invariant holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.failures.is_empty()
    }
    fn fail(&mut self, text: String) {
        if self.failures.len() < FAILURES_MAX {
            self.failures.push(text);
        } else {
            self.more += 1;
        }
    }
}

#[derive(Default, Clone, Copy)]
struct Moved {
    payment: i64,
    fee: i64,
    reversal: i64,
    fee_return: i64,
    rows: u32,
}

/// Checks a store. Memory grows with orders (about 60 bytes each) and accounts.
///
/// # Errors
/// A fault of the store while reading.
pub fn prove(store: &dyn Queries) -> Result<Proof, Fault> {
    let mut proof = Proof {
        invariants: vec![
            "conservation: debits equal credits per currency",
            "accounts equal the sum of their transfers, pending and posted",
            "no overdraft where the account forbids it",
            "every order state has exactly its transfers",
            "every transfer belongs to one order, top-up or refund",
            "every refund state has exactly its transfers, and refunds never exceed what was paid",
            "every settlement equals its payments, every day its settlements, and what is carried goes on",
            "reserve, holds and payouts in transit equal their records",
            "what is aside of shared orders is what is left of them, every part and return has its transfer, and no return exceeds its share",
            "every exception is open, cleared, or resolved by its transfers, and suspense holds just these",
            "what channels paid to the bank is what its statements show, each batch once",
            "every transfer to a user has exactly its ledger transfers and tells its end once, and in transit is what is under way",
            "every refund that ended has one notification of its end",
            "one success per order, and an open payment exactly while it locks the order",
            "every paid order with a notify address has one notification",
            "the orders of a combined order are paid together by one payer, or none is; they add up to it, and it has one notification",
            "reserve equation: payers' and merchants' money + in transit + the platform's own = bank + channel receivables, per currency",
            "every transfer stays in the shard that made it",
            "the two accounts in transit of each pair of shards differ by exactly what is under way",
        ],
        ..Proof::default()
    };
    let mut trial = TrialBalance::default();
    let mut between = Between::default();
    let mut users = user_transfers::Seen::default();
    let mut reserves = reserve::Seen::default();
    store.each_account(&mut |account| {
        proof.accounts += 1;
        reserves.account(&account);
        between.account(&account);
        users.account(&account);
        trial.account(&account);
    })?;
    let mut moved: HashMap<i64, Moved> = HashMap::new();
    let mut top_ups: HashMap<i64, i64> = HashMap::new();
    let mut doubled = Vec::new();
    let mut refunds = refunds::Seen::default();
    let mut combined = combined::Seen::read(store, &mut |failure| proof.fail(failure))?;
    let mut settled = settlement::Seen::read(store)?;
    let mut corrections = exceptions::Seen::default();
    let mut shared = sharing::Seen::default();
    store.each_transfer(&mut |transfer: Transfer| {
        proof.transfers += 1;
        trial.transfer(&transfer);
        between.stays(&transfer);
        let shares = shared.transfer(&transfer);
        if transfer.kind == TransferKind::Share && transfer.credit.kind() == AccountKind::ShardInTransit {
            between.transfer(&transfer); // to a payer of another shard
        }
        if users.transfer(&transfer)
            || corrections.transfer(&transfer)
            || settled.transfer(&transfer)
            || refunds.transfer(&transfer)
            || shares
            || transfer.state == TransferState::Voided
        {
            return;
        }
        if matches!(transfer.kind, TransferKind::ShardSend | TransferKind::ShardReceive) {
            between.transfer(&transfer);
            return;
        }
        if transfer.kind == TransferKind::TopUp {
            let posted = transfer.state == TransferState::Posted;
            if posted && top_ups.insert(transfer.subject, transfer.amount).is_some() {
                doubled.push(transfer.subject);
            }
            return;
        }
        let sums = moved.entry(transfer.subject).or_default();
        sums.rows += 1;
        if transfer.state == TransferState::Pending {
            return; // no order state has an open hold: the row that brings no money shows it
        }
        match transfer.kind {
            TransferKind::Payment => sums.payment += transfer.amount,
            TransferKind::Fee => sums.fee += transfer.amount,
            TransferKind::Reversal => sums.reversal += transfer.amount,
            TransferKind::FeeReturn => sums.fee_return += transfer.amount,
            _ => {}
        }
    })?;
    for failure in trial.finish() {
        proof.fail(failure.to_string());
    }
    store.each_crossing(&mut |crossing| between.crossing(&crossing))?;
    for failure in between.finish() {
        proof.fail(failure);
    }
    for subject in doubled {
        proof.fail(format!("payment {subject}: topped up twice"));
    }
    proof.reserves = reserves.finish(&mut |failure| proof.fail(failure));
    let mut notify = HashMap::new();
    store.each_notification(&mut |notification| {
        proof.notifications += 1;
        refunds.notification(notification.about);
        users.notification(notification.about);
        combined.notification(notification.about);
        if let Some(order) = notification.about.order() {
            *notify.entry(order).or_insert(0_u32) += 1;
        }
        let open = notification.next_at.is_some();
        if open != (notification.state == NotificationState::Pending) {
            proof.fail(format!(
                "notification {}: {:?} but next try {:?}",
                notification.id, notification.state, notification.next_at
            ));
        }
    })?;
    let mut succeeded: HashMap<i64, u32> = HashMap::new();
    let mut open: HashMap<i64, Vec<PaymentId>> = HashMap::new();
    store.each_payment(&mut |payment: Payment| {
        proof.payments += 1;
        combined.payment(&payment, &mut |failure| proof.fail(failure));
        let done = payment.state == PaymentState::Succeeded;
        match payment.order {
            Some(order) if done => *succeeded.entry(order.0).or_default() += 1,
            Some(_) if payment.state == PaymentState::Declined => {}
            Some(order) => open.entry(order.0).or_default().push(payment.id),
            None => {
                let booked = top_ups.remove(&payment.id.0);
                if booked != done.then_some(payment.amount.minor) {
                    proof.fail(format!("top-up {}: {:?}, booked {booked:?}", payment.id, payment.state));
                }
            }
        }
    })?;
    store.each_refund(&mut |refund| {
        proof.refunds += 1;
        shared.refund(&refund);
        refunds.refund(&refund, &mut |failure| proof.fail(failure));
    })?;
    store.each_order(&mut |order: Order| {
        proof.orders += 1;
        refunds.order(&order, &mut |failure| proof.fail(failure));
        shared.order(&order);
        let sums = moved.remove(&order.id.0).unwrap_or_default();
        let (amount, fee) = (order.terms.amount.minor, order.fee);
        let fee_rows = u32::from(fee > 0);
        let want = match order.state {
            OrderState::Paid => Moved { payment: amount, fee, rows: 1 + fee_rows, ..Moved::default() },
            OrderState::Revoked if order.paid_at.is_some() => {
                let rows = 2 + 2 * fee_rows;
                Moved { payment: amount, fee, reversal: amount, fee_return: fee, rows }
            }
            _ => Moved::default(),
        };
        let same = (sums.payment, sums.fee, sums.reversal, sums.fee_return, sums.rows)
            == (want.payment, want.fee, want.reversal, want.fee_return, want.rows);
        if !same {
            proof.fail(format!(
                "order {}: {} of {amount} with fee {fee}, but transfers say paid {}, fee {}, returned {}, fee returned {} in {} rows",
                order.id, order.state.name(), sums.payment, sums.fee, sums.reversal, sums.fee_return, sums.rows
            ));
        }
        combined.order(&order, &mut |failure| proof.fail(failure));
        let named = combined.named(&order).0;
        let asked = open.get(&named).cloned().unwrap_or_default();
        let locked_by = order.payment.filter(|_| order.paid_at.is_none());
        if asked != Vec::from_iter(locked_by) {
            proof.fail(format!(
                "order {}: open card payments {asked:?}, but it waits for {locked_by:?}",
                order.id
            ));
        }
        let by_card = succeeded.get(&named).copied().unwrap_or(0);
        // Of several orders each asks; of one nobody asks again.
        if !combined.is_first(named) {
            open.remove(&named);
            succeeded.remove(&named);
        }
        if by_card > 1 || (by_card == 1) != (order.card.is_some()) {
            proof.fail(format!("order {}: {by_card} successful card payments, card {:?}", order.id, order.card));
        }
        let owed = u32::from(
            order.paid_at.is_some()
                && order.terms.product != domain::merchant::Product::Code
                && !order.terms.notify_url.is_empty(),
        );
        let kept = notify.remove(&order.id).unwrap_or(0);
        if kept != owed {
            proof.fail(format!("order {}: {kept} notifications, {owed} owed", order.id));
        }
    })?;
    open.retain(|order, _| !combined.is_first(*order));
    succeeded.retain(|order, _| !combined.is_first(*order));
    combined.finish(&mut |failure| proof.fail(failure));
    settled.finish(store, &mut proof)?;
    users.finish(store, &mut proof)?;
    shared.finish(store, &mut proof)?;
    corrections.finish(store, &mut proof)?;
    refunds.rest(&mut |failure| proof.fail(failure));
    for (order, sums) in moved {
        proof.fail(format!("{} transfers name order {order}, which does not exist", sums.rows));
    }
    for payment in top_ups.into_keys() {
        proof.fail(format!("a top-up transfer names payment {payment}, which does not exist"));
    }
    for order in open.into_keys().chain(succeeded.into_keys()) {
        proof.fail(format!("a card payment names order {order}, which does not exist"));
    }
    for order in notify.into_keys() {
        proof.fail(format!("a notification names order {order}, which does not exist"));
    }
    Ok(proof)
}
