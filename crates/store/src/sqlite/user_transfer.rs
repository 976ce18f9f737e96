//! Reads of transfers to users.

use super::query::{Answer, SqliteQueries, count};
use crate::columns::Value;
use domain::user_transfer::{TransferBatch, UserTransfer, UserTransferState};
use engine::{
    UserTransferQueries,
    query::{Found, Past, TO_CONFIRM_MAX},
};
use types::{MerchantId, PayerId, ShardSet, Time, TransferBatchId, UserTransferId};

impl UserTransferQueries for SqliteQueries {
    fn due_user_transfers(&self, _: ShardSet, now: Time, limit: usize) -> Answer<Vec<UserTransferId>> {
        self.due::<UserTransfer>("due_at", now, limit)
    }
    fn due_transfer_batches(&self, now: Time, limit: usize) -> Answer<Vec<TransferBatchId>> {
        self.due::<TransferBatch>("due_at", now, limit)
    }
    fn user_transfers_to_confirm(&self, payer: PayerId) -> Answer<Vec<UserTransfer>> {
        let rest = "WHERE payer = ?1 AND state = 1 ORDER BY id DESC LIMIT ?2";
        self.list(rest, &[Value::Int(payer.0), count(TO_CONFIRM_MAX)])
    }
    fn user_transfers_open(&self, merchant: MerchantId, limit: usize) -> Answer<Vec<UserTransfer>> {
        let rest = "WHERE mchid = ?1 AND due_at IS NOT NULL AND batch IS NULL ORDER BY id LIMIT ?2";
        self.list(rest, &[Value::Int(merchant.0), count(limit)])
    }
    fn user_transfers_back(
        &self,
        past: Past,
        state: Option<UserTransferState>,
    ) -> Answer<Found<UserTransfer>> {
        self.back(past, &[("state =", state.map(|state| state as i64))], |row: &UserTransfer| row.id.0)
    }
    fn each_user_transfer(&self, take: &mut dyn FnMut(UserTransfer)) -> Answer<()> {
        self.every(take)
    }
    fn each_transfer_batch(&self, take: &mut dyn FnMut(TransferBatch)) -> Answer<()> {
        self.every(take)
    }
}
