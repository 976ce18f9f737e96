//! What must hold between shards: money leaves one exactly as it arrives in the other, and what is under way has a
//! record that brings it on.

use domain::crossing::{Crossing, arrival};
use ledger::{Account, AccountId, AccountKind, Transfer, TransferKind};
use std::collections::BTreeMap;
use types::{Currency, Shard, TransferId};

/// From which shard to which, in which currency (ISO 4217 number).
type Way = (Shard, Shard, u16);

/// Sums accounts in transit, transfers and crossings of all shards. Memory grows with what is under way only, when
/// transfers come in the order of their ids.
#[derive(Default)]
pub(super) struct Between {
    /// What accounts in transit say: sent and received.
    kept: BTreeMap<Way, (i128, i128)>,
    /// Left and not arrived, by the transfer that sent.
    under_way: BTreeMap<TransferId, Transfer>,
    failures: Vec<String>,
}

fn way(from: Shard, to: Shard, currency: Currency) -> Way {
    (from, to, currency.numeric())
}

impl Between {
    pub(super) fn account(&mut self, account: &Account) {
        if account.id.kind() != AccountKind::ShardInTransit {
            return;
        }
        let other = u8::try_from(account.id.owner()).ok().and_then(Shard::new);
        let Some(other) = other.filter(|other| *other != account.id.shard()) else {
            self.failures.push(format!("{} is between no two shards", account.id));
            return;
        };
        let (here, currency) = (account.id.shard(), account.id.currency());
        self.kept.entry(way(here, other, currency)).or_default().0 += i128::from(account.credits_posted);
        self.kept.entry(way(other, here, currency)).or_default().1 += i128::from(account.debits_posted);
    }

    /// Takes any transfer: its sub-accounts are in the shard that made it, or to which it was sent.
    pub(super) fn stays(&mut self, transfer: &Transfer) {
        let made = if transfer.kind == TransferKind::ShardReceive {
            transfer.debit.shard()
        } else {
            Shard::of_id(transfer.id.0)
        };
        // A payer's account says nothing of a shard.
        let away = |id: AccountId| id.kind() != AccountKind::PayerBalance && id.shard() != made;
        if away(transfer.debit) || away(transfer.credit) {
            let Transfer { id, debit, credit, .. } = transfer;
            self.failures.push(format!("transfer {id} of shard {made} moves money from {debit} to {credit}"));
        }
    }

    /// Takes a transfer that sends or receives.
    pub(super) fn transfer(&mut self, transfer: &Transfer) {
        if transfer.credit.kind() == AccountKind::ShardInTransit {
            self.under_way.insert(transfer.id, *transfer);
            return;
        }
        let sent = self.under_way.remove(&TransferId(transfer.subject));
        let same = sent.as_ref().is_some_and(|sent| {
            let (source, here) = (sent.credit.shard(), transfer.debit.shard());
            transfer.id == arrival(sent.id)
                && transfer.amount == sent.amount
                && sent.credit == AccountId::in_transit(source, here, sent.credit.currency())
                && transfer.debit == AccountId::in_transit(here, source, sent.credit.currency())
        });
        if !same {
            self.failures.push(format!("transfer {} arrived, but {sent:?} was sent", transfer.id));
        }
    }

    /// Takes a crossing, once all transfers were given.
    pub(super) fn crossing(&mut self, crossing: &Crossing) {
        // One whose money arrived a moment ago may still have its record.
        let Some(sent) = self.under_way.get_mut(&crossing.id) else { return };
        if (sent.debit, sent.amount) != (crossing.from, crossing.amount) {
            self.failures.push(format!("crossing {} says {crossing:?}, but {sent:?} was sent", crossing.id));
        }
        sent.subject = 0; // it has its record
    }

    pub(super) fn finish(self) -> Vec<String> {
        let Self { kept, under_way, mut failures } = self;
        let mut left: BTreeMap<Way, i128> = BTreeMap::new();
        for sent in under_way.values() {
            let to = u8::try_from(sent.credit.owner()).ok().and_then(Shard::new).unwrap_or_default();
            *left.entry(way(sent.credit.shard(), to, sent.credit.currency())).or_default() +=
                i128::from(sent.amount);
            if sent.subject != 0 {
                failures.push(format!("transfer {} left for shard {to}, but nothing brings it on", sent.id));
            }
        }
        for way in kept.keys().chain(left.keys()).collect::<std::collections::BTreeSet<_>>() {
            let (sent, received) = kept.get(way).copied().unwrap_or_default();
            let under_way = left.get(way).copied().unwrap_or(0);
            if sent - received != under_way {
                let (from, to, currency) = way;
                failures.push(format!(
                    "shard {from} to {to}, currency {currency}: {sent} sent, {received} received, {under_way} under way"
                ));
            }
        }
        failures
    }
}
