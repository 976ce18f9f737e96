//! Exceptions of reconciliation against the transfers that resolved them, `platform.suspense` against both, and what channels
//! paid to the bank against its statements.

use super::Proof;
use crate::{query::Queries, store::Fault};
use domain::exception::{Exception, State};
use ledger::{AccountKind, Transfer, TransferKind, TransferState};
use std::collections::{BTreeMap, HashMap};

/// What corrections have brought into suspense, less what they took out.
#[derive(Default)]
pub(super) struct Seen {
    /// By exception: the sum, and the number of transfers.
    booked: HashMap<i64, (i128, u32)>,
    /// By clearing: what came to the bank, less what left it, and the number of transfers.
    cleared: HashMap<i64, (i128, u32)>,
}

impl Seen {
    /// Takes in a row. True when it is a correction or a channel's payment and belongs to nothing else.
    pub(super) fn transfer(&mut self, transfer: &Transfer) -> bool {
        if transfer.kind == TransferKind::ChannelSettled {
            let amount = i128::from(transfer.amount);
            let came = transfer.debit.kind() == AccountKind::BankCash;
            let sums = self.cleared.entry(transfer.subject).or_default();
            sums.0 += if came { amount } else { -amount };
            sums.1 += 1;
            return true;
        }
        if transfer.kind != TransferKind::Correction {
            return false;
        }
        if transfer.state == TransferState::Posted {
            let amount = i128::from(transfer.amount);
            let into = transfer.credit.kind() == AccountKind::PlatformSuspense;
            let sums = self.booked.entry(transfer.subject).or_default();
            sums.0 += if into { amount } else { -amount };
            sums.1 += 1;
        }
        true
    }

    /// Compares with the records and the accounts.
    pub(super) fn finish(mut self, store: &dyn Queries, proof: &mut Proof) -> Result<(), Fault> {
        let mut suspense: BTreeMap<u16, i128> = BTreeMap::new();
        store.each_exception(&mut |exception: Exception| {
            proof.exceptions += 1;
            let (booked, rows) = self.booked.remove(&exception.id.0).unwrap_or_default();
            *suspense.entry(exception.against.currency().numeric()).or_default() += booked;
            if booked != i128::from(exception.booked) {
                proof.fail(format!(
                    "exception {}: booked {}, its transfers say {booked}",
                    exception.reference, exception.booked
                ));
            }
            let resolved = exception.state == State::Resolved;
            if resolved && (rows == 0 || exception.maker.is_none() || exception.maker == exception.approver) {
                proof.fail(format!(
                    "exception {}: resolved by {rows} transfers, suggested by {:?}, approved by {:?}",
                    exception.reference, exception.maker, exception.approver
                ));
            }
            if exception.state.is_open() == exception.ended_at.is_some() {
                proof.fail(format!(
                    "exception {}: {} and ended",
                    exception.reference,
                    exception.state.name()
                ));
            }
        })?;
        store.each_clearing(&mut |clearing| {
            proof.clearings += 1;
            let (moved, rows) = self.cleared.remove(&clearing.id.0).unwrap_or_default();
            let said = clearing.received.map_or((0, 0), |received| (i128::from(received), 1));
            if (moved, rows) != said {
                let said = clearing.received;
                proof.fail(format!(
                    "clearing {}: received {said:?}, but {rows} transfers of {moved}",
                    clearing.reference
                ));
            }
        })?;
        for (id, (moved, _)) in self.cleared {
            proof.fail(format!("a channel's payment of {moved} names clearing {id}, which does not exist"));
        }
        for (id, (booked, _)) in self.booked {
            proof.fail(format!("a correction of {booked} names exception {id}, which does not exist"));
        }
        store.each_account(&mut |account| {
            if account.id.kind() == AccountKind::PlatformSuspense {
                let explained = suspense.remove(&account.id.currency().numeric()).unwrap_or(0);
                if i128::from(account.balance().minor) != explained {
                    let balance = account.balance().minor;
                    proof.fail(format!("{} holds {balance}, exceptions say {explained}", account.id));
                }
            }
        })?;
        for (currency, booked) in suspense.into_iter().filter(|(_, booked)| *booked != 0) {
            proof
                .fail(format!("exceptions of {booked} in currency {currency:03} without a suspense account"));
        }
        Ok(())
    }
}
