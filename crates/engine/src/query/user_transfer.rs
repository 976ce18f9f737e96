//! Reads of transfers to users and their batches.

use super::{Answer, Found, Past, SettlementQueries};
use domain::{
    Key, Record,
    user_transfer::{Recipient, TransferBatch, TransferPlan, UserTransfer, UserTransferState},
};
use types::{MerchantId, PayerId, ShardSet, Time, TransferBatchId, UserTransferId};

/// Transfers that a user is shown as waiting at once.
pub const TO_CONFIRM_MAX: usize = 10;

/// What a store reads of transfers to users. A part of [`super::Queries`]; calls block and fail as its do.
#[expect(clippy::missing_errors_doc, reason = "said once at Queries")]
pub trait UserTransferQueries: SettlementQueries {
    /// Transfers of these shards for which something is due, earliest first.
    fn due_user_transfers(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<UserTransferId>>;
    /// Batches whose next step is due, earliest first. The first shard decides about them.
    fn due_transfer_batches(&self, now: Time, limit: usize) -> Answer<Vec<TransferBatchId>>;
    /// Transfers that wait for this user, newest first, at most [`TO_CONFIRM_MAX`].
    fn user_transfers_to_confirm(&self, payer: PayerId) -> Answer<Vec<UserTransfer>>;
    /// A merchant's transfers under way, oldest first, at most `limit`; without details of batches.
    fn user_transfers_open(&self, merchant: MerchantId, limit: usize) -> Answer<Vec<UserTransfer>>;
    /// Transfers, newest first.
    fn user_transfers_back(
        &self,
        past: Past,
        state: Option<UserTransferState>,
    ) -> Answer<Found<UserTransfer>>;
    /// Every transfer, in id order.
    fn each_user_transfer(&self, take: &mut dyn FnMut(UserTransfer)) -> Answer<()>;
    /// Every batch, in id order.
    fn each_transfer_batch(&self, take: &mut dyn FnMut(TransferBatch)) -> Answer<()>;

    /// A transfer.
    fn user_transfer(&self, id: UserTransferId) -> Answer<Option<UserTransfer>> {
        Ok(match self.record(Key::UserTransfer(id))? {
            Some(Record::UserTransfer(found)) => Some(found),
            _ => None,
        })
    }
    /// A transfer by the merchant's own number.
    fn user_transfer_by_number(&self, merchant: MerchantId, number: &str) -> Answer<Option<UserTransfer>> {
        match self.record(Key::UserTransferNumber((merchant, number.into())))? {
            Some(Record::UserTransferNumber(found)) => self.user_transfer(found.transfer),
            _ => Ok(None),
        }
    }
    /// A batch.
    fn transfer_batch(&self, id: TransferBatchId) -> Answer<Option<TransferBatch>> {
        Ok(match self.record(Key::TransferBatch(id))? {
            Some(Record::TransferBatch(found)) => Some(found),
            _ => None,
        })
    }
    /// A batch by the merchant's own number.
    fn transfer_batch_by_number(&self, merchant: MerchantId, number: &str) -> Answer<Option<TransferBatch>> {
        match self.record(Key::TransferBatchNumber((merchant, number.into())))? {
            Some(Record::TransferBatchNumber(found)) => self.transfer_batch(found.batch),
            _ => Ok(None),
        }
    }
    /// What a merchant may transfer; none when nothing was ever opened for it.
    fn transfer_plan(&self, merchant: MerchantId) -> Answer<Option<TransferPlan>> {
        Ok(match self.record(Key::TransferPlan(merchant))? {
            Some(Record::TransferPlan(found)) => Some(found),
            _ => None,
        })
    }
    /// What a user has received.
    fn recipient(&self, payer: PayerId) -> Answer<Option<Recipient>> {
        Ok(match self.record(Key::Recipient(payer))? {
            Some(Record::Recipient(found)) => Some(found),
            _ => None,
        })
    }
}
