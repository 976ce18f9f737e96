//! Reads of transfers to users.

use super::{
    Memory,
    console::back,
    queries::{earliest, within},
};
use domain::user_transfer::{TransferBatch, UserTransfer, UserTransferState};
use engine::{
    Fault, UserTransferQueries,
    query::{Found, Past, TO_CONFIRM_MAX},
};
use types::{MerchantId, PayerId, ShardSet, Time, TransferBatchId, UserTransferId};

type Answer<T> = Result<T, Fault>;

impl UserTransferQueries for Memory {
    fn due_user_transfers(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<UserTransferId>> {
        let held = self.held();
        let due = |row: &&UserTransfer| row.due_at.is_some_and(|at| at <= now) && within(of, row.shard);
        let rows: Vec<_> =
            held.rows.user_transfers.values().filter(due).map(|row| (row.due_at, row.id)).collect();
        Ok(earliest(rows, limit, |row| *row).into_iter().map(|(_, id)| id).collect())
    }
    fn due_transfer_batches(&self, now: Time, limit: usize) -> Answer<Vec<TransferBatchId>> {
        let held = self.held();
        let due = |row: &&TransferBatch| row.due_at.is_some_and(|at| at <= now);
        let rows: Vec<_> =
            held.rows.transfer_batches.values().filter(due).map(|row| (row.due_at, row.id)).collect();
        Ok(earliest(rows, limit, |row| *row).into_iter().map(|(_, id)| id).collect())
    }
    fn user_transfers_to_confirm(&self, payer: PayerId) -> Answer<Vec<UserTransfer>> {
        let held = self.held();
        let waits = |row: &&UserTransfer| row.terms.payer == payer && row.state == UserTransferState::Waiting;
        Ok(held.rows.user_transfers.values().rev().filter(waits).take(TO_CONFIRM_MAX).cloned().collect())
    }
    fn user_transfers_open(&self, merchant: MerchantId, limit: usize) -> Answer<Vec<UserTransfer>> {
        let held = self.held();
        let open = |row: &&UserTransfer| {
            row.terms.merchant == merchant && row.due_at.is_some() && row.batch.is_none()
        };
        Ok(held.rows.user_transfers.values().filter(open).take(limit).cloned().collect())
    }
    fn user_transfers_back(
        &self,
        past: Past,
        state: Option<UserTransferState>,
    ) -> Answer<Found<UserTransfer>> {
        let held = self.held();
        let ids = UserTransferId(past.from)..UserTransferId(past.before);
        Ok(back(
            &held.rows.user_transfers,
            ids,
            past,
            |row| row.id.0,
            |row| {
                past.merchant.is_none_or(|merchant| row.terms.merchant == merchant)
                    && state.is_none_or(|state| row.state == state)
            },
        ))
    }
    fn each_user_transfer(&self, take: &mut dyn FnMut(UserTransfer)) -> Answer<()> {
        let rows: Vec<_> = self.held().rows.user_transfers.values().cloned().collect();
        rows.into_iter().for_each(take);
        Ok(())
    }
    fn each_transfer_batch(&self, take: &mut dyn FnMut(TransferBatch)) -> Answer<()> {
        let rows: Vec<_> = self.held().rows.transfer_batches.values().cloned().collect();
        rows.into_iter().for_each(take);
        Ok(())
    }
}
