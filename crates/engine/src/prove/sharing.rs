//! Profit sharing: what is left of each order against its transfers, each part and return against its own, and
//! `merchant.sharing` against the orders.

use super::Proof;
use crate::{query::Queries, store::Fault};
use domain::{
    order::Order,
    refund::Refund,
    sharing::{Outcome, Party, ReturnState, Share, ShareReturn, Sharing},
};
use ledger::{AccountId, AccountKind, Transfer, TransferKind, TransferState};
use std::collections::HashMap;
use types::{Currency, OrderId, Shard, ShareId, TransferId};

/// What was seen so far. Memory grows with shared orders and what became of them only.
#[derive(Default)]
pub(super) struct Seen {
    /// Into `merchant.sharing` less out of it, by subject: an order, a refund, a request or a return.
    moved: HashMap<i64, i64>,
    /// The same by order.
    of_order: HashMap<OrderId, i64>,
    /// Transfers of these kinds, by number.
    transfers: HashMap<TransferId, Transfer>,
    /// Paid orders that are to be shared.
    orders: HashMap<OrderId, Shard>,
    /// What requests and returns of an order come to: set aside, shared, how many.
    requests: HashMap<OrderId, Requests>,
    /// Returned or about to be, by request and merchant.
    returned: HashMap<(ShareId, i64), i64>,
}

#[derive(Default, Clone, Copy)]
struct Requests {
    pending: i64,
    shared: i64,
    count: u32,
}

impl Seen {
    /// Takes in a row that may touch what is left of orders. True when it belongs to profit sharing and nothing else.
    pub(super) fn transfer(&mut self, transfer: &Transfer) -> bool {
        if transfer.state != TransferState::Voided {
            let aside = |account: AccountId| account.kind() == AccountKind::MerchantSharing;
            let side = i64::from(aside(transfer.credit)) - i64::from(aside(transfer.debit));
            // A refund's return of fees goes elsewhere, so nothing but a posted row comes in.
            if side != 0 {
                *self.moved.entry(transfer.subject).or_default() += side * transfer.amount;
            }
        }
        let ours =
            matches!(transfer.kind, TransferKind::Share | TransferKind::ShareReturn | TransferKind::Unfreeze);
        if ours {
            self.transfers.insert(transfer.id, *transfer);
        }
        ours
    }

    pub(super) fn refund(&mut self, refund: &Refund) {
        self.belongs(refund.id.0, refund.order);
    }

    /// What moved under a subject belongs to an order.
    fn belongs(&mut self, subject: i64, order: OrderId) {
        if let Some(moved) = self.moved.remove(&subject) {
            *self.of_order.entry(order).or_default() += moved;
        }
    }

    pub(super) fn order(&mut self, order: &Order) {
        if order.terms.sharing && order.paid_at.is_some() {
            self.orders.insert(order.id, order.shard);
            self.belongs(order.id.0, order.id);
        }
    }

    /// Compares with the records, after all transfers, refunds and orders.
    pub(super) fn finish(mut self, store: &dyn Queries, proof: &mut Proof) -> Result<(), Fault> {
        store.each_share_return(&mut |one| self.share_return(&one, proof))?;
        store.each_share(&mut |share| {
            proof.shares += 1;
            self.share(&share, proof);
        })?;
        let mut aside: HashMap<AccountId, i64> = HashMap::new();
        store.each_sharing(&mut |sharing| {
            let account = AccountId::merchant_sharing(sharing.merchant, Currency::CNY).at(sharing.shard);
            *aside.entry(account).or_default() += sharing.aside();
            self.sharing(&sharing, proof);
        })?;
        store.each_account(&mut |account| {
            if account.id.kind() == AccountKind::MerchantSharing {
                let records = aside.remove(&account.id).unwrap_or(0);
                let there = account.available().minor;
                if there != records {
                    proof
                        .fail(format!("{} has {there}, what is left of its orders is {records}", account.id));
                }
            }
        })?;
        for (account, records) in aside.into_iter().filter(|(_, records)| *records != 0) {
            proof.fail(format!("{account} does not exist, what is left of its orders is {records}"));
        }
        for order in self.orders.into_keys() {
            proof.fail(format!("order {order} is to be shared, but nothing says what is left of it"));
        }
        for (subject, moved) in self.moved {
            proof.fail(format!(
                "{moved} moved to or from merchant.sharing for {subject}, which is no shared order"
            ));
        }
        for order in self.requests.into_keys() {
            proof.fail(format!("a request shares order {order}, of which nothing is left to be shared"));
        }
        for transfer in self.transfers.into_values() {
            // What time or a closed refund unfroze is named by its order alone.
            if transfer.kind != TransferKind::Unfreeze {
                proof.fail(format!("transfer {} shares or returns what no record knows", transfer.id));
            }
        }
        for ((share, merchant), amount) in self.returned {
            proof.fail(format!(
                "merchant {merchant} returns {amount} of share {share}, of which it got nothing"
            ));
        }
        Ok(())
    }

    fn share_return(&mut self, one: &ShareReturn, proof: &mut Proof) {
        self.belongs(one.id.0, one.order);
        let ended = one.state != ReturnState::Processing;
        if ended != one.ended_at.is_some() || ended != one.due_at.is_none() {
            proof.fail(format!(
                "return {}: {:?}, ended {:?}, due {:?}",
                one.id, one.state, one.ended_at, one.due_at
            ));
        }
        if !matches!(one.state, ReturnState::Failed(_)) {
            *self.returned.entry((one.share, one.from.0)).or_default() += one.amount;
        }
        let ReturnState::Succeeded(transfer) = one.state else { return };
        self.requests.entry(one.order).or_default().shared -= one.amount;
        let here = Shard::of_id(one.id.0);
        let from = AccountId::merchant_available(one.from, Currency::CNY).at(here);
        let found = self.transfers.remove(&transfer);
        let same = found.is_some_and(|found| {
            let to = [AccountKind::MerchantSharing, AccountKind::MerchantUnsettled];
            (found.kind, found.amount, found.debit, found.subject)
                == (TransferKind::ShareReturn, one.amount, from, one.id.0)
                && found.credit.owner() == one.merchant.0
                && to.contains(&found.credit.kind())
        });
        if !same {
            proof.fail(format!(
                "return {} of {} from {}, but its transfer is {found:?}",
                one.id, one.amount, one.from
            ));
        }
    }

    fn share(&mut self, share: &Share, proof: &mut Proof) {
        self.belongs(share.id.0, share.order);
        let mut sums = self.requests.get(&share.order).copied().unwrap_or_default();
        sums.count += 1;
        for part in &share.parts {
            let own = part.party == Party::Merchant(share.merchant);
            match part.outcome {
                Outcome::Pending => sums.pending += part.amount,
                Outcome::Closed(_) => continue,
                Outcome::Succeeded(transfer) => {
                    let kind = if own { TransferKind::Unfreeze } else { TransferKind::Share };
                    let subject = if own { share.order.0 } else { share.id.0 };
                    let found = self.transfers.remove(&transfer);
                    let same = found.is_some_and(|found| {
                        (found.kind, found.amount, found.subject) == (kind, part.amount, subject)
                            && found.debit.kind() == AccountKind::MerchantSharing
                            && found.debit.owner() == share.merchant.0
                            && reaches(found.credit, part.party, own)
                    });
                    if !same {
                        proof.fail(format!(
                            "share {}: {} to {}, but its transfer is {found:?}",
                            share.id, part.amount, part.party
                        ));
                    }
                }
            }
            if !own {
                sums.shared += part.amount;
            }
            let claimed = match part.party {
                Party::Merchant(merchant) if !own => {
                    self.returned.remove(&(share.id, merchant.0)).unwrap_or(0)
                }
                _ => 0,
            };
            if part.returned != claimed || claimed > part.amount {
                proof.fail(format!(
                    "share {}: {} of {} to {} returned, its returns are {claimed}",
                    share.id, part.returned, part.amount, part.party
                ));
            }
        }
        let finished = share.parts.iter().all(|part| part.outcome != Outcome::Pending);
        if finished != share.finished_at.is_some() || finished != share.due_at.is_none() {
            proof.fail(format!(
                "share {}: due {:?}, finished {:?}",
                share.id, share.due_at, share.finished_at
            ));
        }
        self.requests.insert(share.order, sums);
    }

    fn sharing(&mut self, sharing: &Sharing, proof: &mut Proof) {
        let order = sharing.order;
        let sums = self.requests.remove(&order).unwrap_or_default();
        let said = (sharing.reserved, sharing.shared, sharing.shares);
        if said != (sums.pending, sums.shared, sums.count) {
            proof.fail(format!(
                "order {order}: {said:?} set aside, shared, requests, but they are {:?}",
                (sums.pending, sums.shared, sums.count)
            ));
        }
        let moved = self.of_order.remove(&order).unwrap_or(0);
        if moved != sharing.aside() || sharing.unsplit < 0 || sharing.reserved < 0 {
            proof.fail(format!(
                "order {order}: {} to share and {} set aside, its transfers leave {moved}",
                sharing.unsplit, sharing.reserved
            ));
        }
        let over = sharing.ended_at.is_some() && sharing.reserved == 0;
        if over != sharing.due_at.is_none() || (sharing.ended_at.is_some() && sharing.unsplit != 0) {
            proof.fail(format!(
                "order {order}: sharing ended {:?}, due {:?}, {} left",
                sharing.ended_at, sharing.due_at, sharing.unsplit
            ));
        }
        if self.orders.remove(&order) != Some(sharing.shard) {
            proof.fail(format!(
                "order {order} is shared in shard {}, but was not paid there so",
                sharing.shard
            ));
        }
    }
}

/// Whether a credit brings money to a receiver: at once, or by what is in transit to a payer's shard.
fn reaches(credit: AccountId, party: Party, own: bool) -> bool {
    match party {
        Party::Merchant(id) => {
            let kind = if own { AccountKind::MerchantUnsettled } else { AccountKind::MerchantAvailable };
            (credit.kind(), credit.owner()) == (kind, id.0)
        }
        Party::Payer(id) => {
            (credit.kind(), credit.owner()) == (AccountKind::PayerBalance, id.0)
                || credit.kind() == AccountKind::ShardInTransit
        }
    }
}
