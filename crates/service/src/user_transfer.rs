//! Transfers to users, from records to wire objects; and users' names, sealed.

use crypto::{Purpose, Sealed, Tokens, Vault, vault::VaultError};
use domain::{
    records::Digest,
    user_transfer::{BatchState as Kept, GivenName, TransferBatch, UserTransfer, UserTransferState as State},
};
use protocol::user_transfer::{BatchState, BatchView, BillState, DetailState, DetailView, TransferView};
use types::{MerchantId, Money, Secret, TransferBatchNo, TransferBillNo};

fn binding(merchant: MerchantId) -> String {
    format!("user-name:{merchant}")
}

/// Seals the name that a merchant gave of a user, and hashes it for comparing.
///
/// # Errors
/// [`VaultError`] when it is too long or nothing can be sealed.
pub fn seal_name(vault: &Vault, merchant: MerchantId, name: &str) -> Result<GivenName, VaultError> {
    let sealed = vault.seal(Purpose::PersonalData, &binding(merchant), name.trim().as_bytes())?;
    let hash = Digest(*vault.hasher().name(name).as_bytes());
    Ok(GivenName { sealed: sealed.as_bytes().into(), hash })
}

/// Opens it again; none for bytes that were never sealed here.
#[must_use]
pub fn open_name(vault: &Vault, merchant: MerchantId, name: &GivenName) -> Option<Secret<String>> {
    let sealed = Sealed::from_bytes(&name.sealed)?;
    vault.open_text(Purpose::PersonalData, &binding(merchant), &sealed).ok()
}

/// The wire's state of a transfer. One that waits in another shard for its money waits for the user already; one that
/// failed is settling until its money is back.
#[must_use]
pub fn bill_state(transfer: &UserTransfer) -> BillState {
    match transfer.state {
        _ if transfer.is_for_user() => BillState::WaitUserConfirm,
        State::Processing | State::Waiting => BillState::Processing,
        State::Succeeded => BillState::Success,
        State::Returning if transfer.fail.is_some() => BillState::Transferring,
        State::Returning => BillState::Canceling,
        State::Failed => BillState::Fail,
        State::Cancelled => BillState::Cancelled,
    }
}

/// A transfer as it is now.
#[must_use]
pub fn bill(transfer: &UserTransfer, tokens: &Tokens) -> TransferView {
    let terms = &transfer.terms;
    TransferView {
        mchid: terms.merchant,
        out_bill_no: terms.number.to_string(),
        transfer_bill_no: TransferBillNo(transfer.id),
        appid: terms.app,
        state: bill_state(transfer),
        amount: terms.amount,
        remark: terms.remark.to_string(),
        fail_reason: transfer.fail.map(domain::user_transfer::FailReason::name),
        openid: tokens.openid(terms.app, terms.payer),
        create_time: transfer.created_at,
        update_time: transfer.updated_at,
    }
}

/// A batch as it is now.
#[must_use]
pub fn batch(batch: &TransferBatch) -> BatchView {
    let terms = &batch.terms;
    let begun = batch.state != Kept::Accepted;
    BatchView {
        mchid: terms.merchant,
        out_batch_no: terms.number.to_string(),
        batch_id: TransferBatchNo(batch.id),
        appid: terms.app,
        state: match batch.state {
            Kept::Accepted => BatchState::Accepted,
            Kept::Processing => BatchState::Processing,
            Kept::Finished => BatchState::Finished,
        },
        name: terms.name.to_string(),
        remark: terms.remark.to_string(),
        total: Money::cny(terms.total().unwrap_or(0)),
        count: terms.details.len(),
        succeeded: begun.then_some((batch.success_amount, batch.succeeded)),
        failed: begun.then_some((batch.fail_amount, batch.ended - batch.succeeded)),
        scene: Some(terms.scene).filter(|scene| *scene != 0),
        create_time: batch.created_at,
        update_time: batch.updated_at,
    }
}

/// The number of a detail on the wire: the batch's and the place in it, 32 digits.
#[must_use]
pub fn detail_id(batch: &TransferBatch, place: usize) -> String {
    format!("{}{place:04}", TransferBatchNo(batch.id))
}

/// The place behind a detail's number; none when it is none of this batch.
#[must_use]
pub fn place_of(batch: &TransferBatch, text: &str) -> Option<usize> {
    let place: usize = text.get(28..).filter(|rest| rest.len() == 4)?.parse().ok()?;
    (place < batch.terms.details.len() && detail_id(batch, place) == text).then_some(place)
}

/// A detail of a batch as it is now: `transfer` is none while its turn has not come.
///
/// # Panics
/// When the batch has no such place.
#[must_use]
pub fn detail(
    batch: &TransferBatch,
    place: usize,
    transfer: Option<&UserTransfer>,
    tokens: &Tokens,
) -> DetailView {
    let asked = &batch.terms.details[place];
    DetailView {
        detail_id: detail_id(batch, place),
        out_detail_no: asked.number.to_string(),
        state: match transfer.map(|transfer| transfer.state) {
            None => DetailState::Init,
            Some(State::Succeeded) => DetailState::Success,
            Some(State::Failed | State::Cancelled) => DetailState::Fail,
            Some(_) => DetailState::Processing,
        },
        amount: asked.amount,
        remark: asked.remark.to_string(),
        fail_reason: transfer
            .filter(|transfer| transfer.state.is_final())
            .and_then(|transfer| transfer.fail)
            .map(domain::user_transfer::FailReason::name),
        openid: tokens.openid(batch.terms.app, asked.payer),
        initiate_time: transfer.map_or(batch.created_at, |transfer| transfer.created_at),
        update_time: transfer.map_or(batch.updated_at, |transfer| transfer.updated_at),
    }
}
