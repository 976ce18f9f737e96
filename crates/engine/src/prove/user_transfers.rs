//! What must hold of transfers to users: each against its ledger transfers and its notification, each batch against its
//! details, and all of them against the accounts in transit.

use super::Proof;
use crate::{query::Queries, store::Fault};
use domain::{
    crossing::arrival,
    notification::About,
    user_transfer::{BatchState, TransferBatch, UserTransfer, UserTransferState},
};
use ledger::{Account, AccountId, AccountKind, Transfer, TransferKind};
use std::collections::{HashMap, HashSet};
use types::{Currency, TransferBatchId, TransferId};

/// What was seen so far. Memory grows with transfers to users only.
#[derive(Default)]
pub(super) struct Seen {
    /// Ledger transfers by what they are for: a transfer to a user or a batch.
    moved: HashMap<i64, Vec<Transfer>>,
    /// Money in transit that came from another shard.
    arrived: HashSet<TransferId>,
    /// Notifications of ends.
    told: HashMap<About, u32>,
    /// What accounts in transit should hold.
    expected: HashMap<AccountId, i64>,
    /// What they hold.
    kept: HashMap<AccountId, i64>,
    batches: HashMap<TransferBatchId, Details>,
}

/// The transfers of a batch.
#[derive(Default, Clone, Copy)]
struct Details {
    count: u32,
    amount: i64,
    success: i64,
    fail: i64,
}

impl Seen {
    pub(super) fn account(&mut self, account: &Account) {
        if account.id.kind() == AccountKind::TransferInTransit {
            self.kept.insert(account.id, account.balance().minor);
        }
    }

    /// Takes in a ledger transfer; true when it belongs to a transfer to a user or a batch and to nothing else.
    pub(super) fn transfer(&mut self, transfer: &Transfer) -> bool {
        if transfer.kind == TransferKind::ShardReceive
            && transfer.credit.kind() == AccountKind::TransferInTransit
        {
            self.arrived.insert(transfer.id);
        }
        let ours = matches!(
            transfer.kind,
            TransferKind::UserTransferHold | TransferKind::UserTransfer | TransferKind::UserTransferReturn
        );
        if ours {
            self.moved.entry(transfer.subject).or_default().push(*transfer);
        }
        ours
    }

    pub(super) fn notification(&mut self, about: About) {
        if matches!(about, About::UserTransferEnded(_) | About::TransferBatchEnded(_)) {
            *self.told.entry(about).or_default() += 1;
        }
    }

    /// After all transfers and notifications: compares with the records.
    pub(super) fn finish(mut self, store: &dyn Queries, proof: &mut Proof) -> Result<(), Fault> {
        store.each_user_transfer(&mut |transfer| {
            proof.user_transfers += 1;
            self.user_transfer(&transfer, proof);
        })?;
        store.each_transfer_batch(&mut |batch| self.batch(&batch, proof))?;
        for batch in self.batches.into_keys() {
            proof.fail(format!("a transfer names batch {batch}, which does not exist"));
        }
        for (subject, moved) in self.moved {
            proof.fail(format!("{} transfers name {subject}, which is no transfer to a user", moved.len()));
        }
        for about in self.told.into_keys() {
            proof.fail(format!("a notification tells {about:?}, of which there is nothing"));
        }
        for (account, kept) in self.kept {
            let records = self.expected.remove(&account).unwrap_or(0);
            if kept != records {
                proof.fail(format!("{account} holds {kept}, the transfers under way say {records}"));
            }
        }
        for (account, amount) in self.expected {
            proof.fail(format!("{account} does not exist, the transfers under way say {amount}"));
        }
        Ok(())
    }

    fn user_transfer(&mut self, transfer: &UserTransfer, proof: &mut Proof) {
        use UserTransferState as State;
        let (id, state, amount) = (transfer.id, transfer.state, transfer.terms.amount.minor);
        let mut moved = self.moved.remove(&id.0).unwrap_or_default();
        let mut take = |kind, id: Option<TransferId>, sides: &dyn Fn(&Transfer) -> bool| {
            let at = moved.iter().position(|found| {
                found.kind == kind && Some(found.id) == id && found.amount == amount && sides(found)
            });
            at.map(|at| moved.swap_remove(at)).is_some()
        };
        let set_aside = match transfer.batch {
            Some(batch) => transfer.hold == Some(TransferId(batch.0 + 1)),
            None if transfer.hold.is_some() => {
                take(TransferKind::UserTransferHold, transfer.hold, &|found| {
                    found.debit.kind() == AccountKind::MerchantAvailable
                        && found.credit.kind() == AccountKind::TransferInTransit
                })
            }
            None => matches!(state, State::Processing | State::Failed | State::Cancelled),
        };
        let in_transit = transfer.in_transit();
        let ended = match state {
            State::Succeeded => take(TransferKind::UserTransfer, transfer.end, &|found| {
                let to = AccountId::payer_balance(transfer.terms.payer, transfer.terms.amount.currency);
                (found.debit, found.credit) == (in_transit, to)
            }),
            State::Failed | State::Cancelled if transfer.hold.is_some() => {
                take(TransferKind::UserTransferReturn, transfer.end, &|found| {
                    found.debit == in_transit && found.credit.kind() == AccountKind::MerchantAvailable
                })
            }
            _ => transfer.end.is_none(),
        };
        if !set_aside || !ended || !moved.is_empty() {
            proof.fail(format!(
                "transfer to a user {id}: {} of {amount}, set aside by {:?} and ended by {:?}, which does not fit its \
                 ledger transfers; left over are {moved:?}",
                state.name(),
                transfer.hold,
                transfer.end
            ));
        }
        let timed = state.is_final() != transfer.due_at.is_some()
            && !(state.is_final() && transfer.crossing.is_some());
        let reasoned = match state {
            State::Failed => transfer.fail.is_some(),
            State::Returning => true,
            _ => transfer.fail.is_none(),
        };
        if !timed || !reasoned {
            proof.fail(format!(
                "transfer to a user {id}: {} with reason {:?}, due at {:?}, under way by {:?}",
                state.name(),
                transfer.fail,
                transfer.due_at,
                transfer.crossing
            ));
        }
        let owed =
            u32::from(state.is_final() && transfer.batch.is_none() && !transfer.terms.notify_url.is_empty());
        self.check_told(About::UserTransferEnded(id), owed, proof);
        let here = transfer.crossing.is_none_or(|left| self.arrived.contains(&arrival(left)));
        if !state.is_final() && transfer.hold.is_some() && here {
            *self.expected.entry(in_transit).or_default() += amount;
        }
        if let Some(batch) = transfer.batch {
            let details = self.batches.entry(batch).or_default();
            details.count += 1;
            details.amount += amount;
            match state {
                State::Succeeded => details.success += amount,
                state if state.is_final() => details.fail += amount,
                _ => {}
            }
        }
    }

    fn batch(&mut self, batch: &TransferBatch, proof: &mut Proof) {
        let (id, terms) = (batch.id, &batch.terms);
        let total = terms.total().unwrap_or(0);
        let moved = self.moved.remove(&id.0).unwrap_or_default();
        let in_transit = AccountId::transfer_in_transit(terms.merchant, Currency::CNY);
        let set_aside = matches!(&moved[..], [hold] if hold.id == batch.hold()
            && hold.kind == TransferKind::UserTransferHold
            && (hold.amount, hold.credit) == (total, in_transit));
        if !set_aside {
            proof.fail(format!("batch {id}: {total} in all, but its transfers are {moved:?}"));
        }
        let details = self.batches.remove(&id).unwrap_or_default();
        let begun = usize::try_from(batch.begun).unwrap_or(usize::MAX);
        let asked: i64 = terms.details.iter().take(begun).map(|detail| detail.amount).sum();
        if (details.count, details.amount) != (batch.begun, asked) {
            proof.fail(format!(
                "batch {id}: {begun} details of {asked} have begun, but there are {} of {}",
                details.count, details.amount
            ));
        }
        let finished = batch.state == BatchState::Finished;
        let sums = (batch.success_amount, batch.fail_amount);
        let counted = if finished {
            sums == (details.success, details.fail) && usize::try_from(batch.ended) == Ok(terms.details.len())
        } else {
            sums.0 <= details.success && sums.1 <= details.fail
        };
        if !counted || finished == batch.due_at.is_some() {
            proof.fail(format!(
                "batch {id}: {} with {sums:?} succeeded and failed, due at {:?}; its details say {} and {}",
                batch.state.name(),
                batch.due_at,
                details.success,
                details.fail
            ));
        }
        self.check_told(
            About::TransferBatchEnded(id),
            u32::from(finished && !terms.notify_url.is_empty()),
            proof,
        );
        if total > asked {
            *self.expected.entry(in_transit).or_default() += total - asked;
        }
    }

    fn check_told(&mut self, about: About, owed: u32, proof: &mut Proof) {
        let told = self.told.remove(&about).unwrap_or(0);
        if told != owed {
            proof.fail(format!("{about:?}: {told} notifications, {owed} owed"));
        }
    }
}
