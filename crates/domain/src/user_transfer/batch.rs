//! Batches of transfers (商家转账到零钱): paid without confirmation, one detail a command.

use super::{
    GivenName, TransferPlan, TransferTerms, UserTransfer, UserTransferNumber, UserTransferState, advance,
    plan::plan_of, request as asked, scene,
};
use crate::{
    Context, Rejection, Stop, Tx,
    context::Actor,
    journal::Subject,
    limit::{self, Limits},
    notification::{self, About},
};
use ledger::{Account, AccountId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use types::{
    AppId, Currency, JournalId, MerchantId, Money, PayerId, Shard, Time, TransferBatchId, TransferId,
    UserTransferId, time,
};

/// Details of one batch at most (wire §8.2).
pub const DETAILS_MAX: usize = 1000;
/// Details looked at by one command when their ends are counted.
const COUNTED_MAX: usize = 50;
/// Seconds until details that have not ended are looked at again.
const COUNT_AGAIN_S: i64 = 1;

/// A batch of transfers. Only the first shard decides about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferBatch {
    /// Its id. The transfer that set its sum aside is the next id.
    pub id: TransferBatchId,
    /// What was asked.
    pub terms: Arc<BatchTerms>,
    /// Where it stands.
    pub state: BatchState,
    /// When it was asked for.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// When the next step is due; none once it has ended.
    pub due_at: Option<Time>,
    /// Details that have become transfers: the first so many.
    pub begun: u32,
    /// Details whose ends are counted: the first so many.
    pub ended: u32,
    /// Of them succeeded.
    pub succeeded: u32,
    /// What succeeded, fen.
    pub success_amount: i64,
    /// What failed, fen.
    pub fail_amount: i64,
    /// Newest journal line.
    pub journal: JournalId,
}

/// What a merchant asks for with a batch. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchTerms {
    /// Whose money.
    pub merchant: MerchantId,
    /// The merchant's number, `out_batch_no`.
    pub number: Box<str>,
    /// The application whose users they are.
    pub app: AppId,
    /// `batch_name`, 1 to 32 characters.
    pub name: Box<str>,
    /// `batch_remark`, 1 to 32 characters.
    pub remark: Box<str>,
    /// The scene; 0 when none was named.
    pub scene: u16,
    /// Where the end is told; nowhere when empty.
    pub notify_url: Box<str>,
    /// 1 to [`DETAILS_MAX`].
    pub details: Vec<BatchDetail>,
    /// Digest of all parameters.
    pub digest: [u8; 16],
}

/// One of a batch's transfers, as asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchDetail {
    /// The merchant's number, `out_detail_no`, unique in the batch.
    pub number: Box<str>,
    /// To whom.
    pub payer: PayerId,
    /// How much, fen.
    pub amount: i64,
    /// What the user is told, 1 to 32 characters.
    pub remark: Box<str>,
    /// The user's name, when the merchant gave one.
    pub name: Option<GivenName>,
}

/// Which batch a merchant's own number belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferBatchNumber {
    /// Whose.
    pub merchant: MerchantId,
    /// The merchant's number.
    pub number: Box<str>,
    /// The batch.
    pub batch: TransferBatchId,
}

/// Where a batch stands. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum BatchState {
    /// Its sum is set aside; nothing is paid yet.
    Accepted = 0,
    /// Its details are being paid.
    Processing = 1,
    /// Every detail has ended; final.
    Finished = 2,
}

impl BatchState {
    /// Every state, in stored order.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Processing, Self::Finished];
    /// The state stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as i64 == number)
    }
    /// The word used in pages, files and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Processing => "processing",
            Self::Finished => "finished",
        }
    }
}

impl BatchTerms {
    /// The sum of its details, fen; none when it passes 64 bits.
    #[must_use]
    pub fn total(&self) -> Option<i64> {
        self.details.iter().try_fold(0_i64, |sum, detail| sum.checked_add(detail.amount))
    }
}

impl TransferBatch {
    /// The transfer that set its sum aside.
    #[must_use]
    pub const fn hold(&self) -> TransferId {
        TransferId(self.id.0 + 1)
    }
    /// The number under which a detail is kept as a transfer. No merchant's own number has such a form.
    #[must_use]
    pub fn detail_number(id: TransferBatchId, place: usize) -> Box<str> {
        format!("{id}/{place}").into()
    }
}

/// Asks for a batch and sets its sum aside. The same number with the same parameters gives the same batch.
///
/// Errors: `NotAllowed` for anybody but the merchant, `TransferBatchNumberUsed`, `MerchantNotFound`,
/// `MerchantSuspended`, `AppNotBound`, `SceneUnknown`, `SceneClosed`, `AmountOutOfRange` for no or too many details,
/// `TransferAmount`, `TransferNameMissing`, `TransferDay`, `NotEnough`.
pub(crate) fn request(
    terms: &Arc<BatchTerms>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<TransferBatchId, Stop> {
    if ctx.caller.actor != Actor::Merchant(terms.merchant) {
        return Err(Rejection::NotAllowed.into());
    }
    let key = (terms.merchant, terms.number.clone());
    tx.expect::<TransferBatchNumber>(&key);
    tx.expect::<TransferPlan>(&terms.merchant);
    tx.expect::<Limits>(&());
    tx.expect::<Account>(&AccountId::merchant_available(terms.merchant, Currency::CNY));
    tx.expect::<Account>(&AccountId::transfer_in_transit(terms.merchant, Currency::CNY));
    if let Some(known) = tx.get::<TransferBatchNumber>(&key)? {
        let id = known.batch;
        let kept = tx.need::<TransferBatch>(&id, Rejection::TransferBatchNotFound)?;
        let (same, journal) = (kept.terms.digest == terms.digest, kept.journal);
        tx.about(Subject::TransferBatch(id), Some(journal));
        return if same { Ok(id) } else { Err(Rejection::TransferBatchNumberUsed.into()) };
    }
    asked::check_merchant(terms.merchant, terms.app, tx)?;
    let plan = plan_of(terms.merchant, ctx, tx)?;
    if terms.scene != 0 {
        scene::find(terms.scene).ok_or(Rejection::SceneUnknown(terms.scene))?;
        plan.check_open(terms.scene)?;
    } else if plan.scenes.is_empty() {
        return Err(Rejection::SceneClosed(0).into());
    }
    let rules = limit::in_force(ctx, tx)?.user_transfer;
    let total = terms.total().ok_or(Rejection::AmountOutOfRange)?;
    if !(1..=DETAILS_MAX).contains(&terms.details.len()) {
        return Err(Rejection::AmountOutOfRange.into());
    }
    for detail in &terms.details {
        rules.check(Money::cny(detail.amount), detail.name.is_some())?;
    }
    let plan = plan.count(total, ctx.now.business_day(), &rules)?;
    tx.loaded()?;
    let id = TransferBatchId(ctx.ids.id(0));
    tx.about(Subject::TransferBatch(id), None);
    if asked::set_aside(terms.merchant, Money::cny(total), id.0, ctx, tx)?.is_none() {
        return Err(Rejection::NotEnough.into());
    }
    tx.note(format!("{} in {} transfers", Money::cny(total), terms.details.len()));
    tx.put(plan);
    tx.put(TransferBatchNumber { merchant: terms.merchant, number: terms.number.clone(), batch: id });
    tx.put(TransferBatch {
        id,
        terms: Arc::clone(terms),
        state: BatchState::Accepted,
        created_at: ctx.now,
        updated_at: ctx.now,
        due_at: Some(ctx.now),
        begun: 0,
        ended: 0,
        succeeded: 0,
        success_amount: 0,
        fail_amount: 0,
        journal: ctx.journal,
    });
    Ok(id)
}

/// Takes a batch's next step: pays the next detail, or counts ends of details and finishes. Gives how many details went
/// on; 0 when nothing is to be done now. Errors: `NotAllowed` for anybody but the platform, `TransferBatchNotFound`.
pub(crate) fn pay(id: TransferBatchId, ctx: &Context, tx: &mut Tx<'_>) -> Result<usize, Stop> {
    if ctx.caller.actor != Actor::Platform {
        return Err(Rejection::NotAllowed.into());
    }
    tx.expect::<Limits>(&());
    let mut batch = tx.need::<TransferBatch>(&id, Rejection::TransferBatchNotFound)?.clone();
    tx.about(Subject::TransferBatch(id), Some(batch.journal));
    if batch.due_at.is_none_or(|at| ctx.now < at) {
        return Ok(0);
    }
    let place = usize::try_from(batch.begun).unwrap_or(usize::MAX);
    let went = match batch.terms.details.get(place) {
        Some(detail) => {
            begin(&batch, detail, place, ctx, tx)?;
            batch.begun += 1;
            batch.state = BatchState::Processing;
            1
        }
        None => count(&mut batch, ctx, tx)?,
    };
    batch.updated_at = ctx.now;
    batch.journal = ctx.journal;
    tx.put(batch);
    Ok(went)
}

/// Makes a detail a transfer and lets it go.
fn begin(
    batch: &TransferBatch,
    detail: &BatchDetail,
    place: usize,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let terms = &batch.terms;
    let number = TransferBatch::detail_number(batch.id, place);
    let id = UserTransferId(ctx.ids.id(0));
    let mut transfer = UserTransfer {
        id,
        shard: Shard::FIRST,
        terms: Arc::new(TransferTerms {
            merchant: terms.merchant,
            number: number.clone(),
            app: terms.app,
            payer: detail.payer,
            amount: Money::cny(detail.amount),
            scene: terms.scene,
            remark: detail.remark.clone(),
            perception: "".into(),
            reports: Vec::new(),
            notify_url: "".into(),
            name: detail.name.clone(),
            digest: terms.digest,
        }),
        batch: Some(batch.id),
        state: UserTransferState::Processing,
        fail: None,
        created_at: ctx.now,
        updated_at: ctx.now,
        due_at: None,
        tries: 0,
        hold: Some(batch.hold()),
        crossing: None,
        end: None,
        bill_previous: None,
        journal: ctx.journal,
    };
    advance::go_to_user(&mut transfer, ctx, tx)?;
    tx.note(format!("detail {place}: {}", transfer.state.name()));
    tx.put(UserTransferNumber { merchant: terms.merchant, number, transfer: id });
    tx.put(transfer);
    Ok(())
}

/// Counts ends of details in their order, as far as they have ended.
fn count(batch: &mut TransferBatch, ctx: &Context, tx: &mut Tx<'_>) -> Result<usize, Stop> {
    let all = batch.terms.details.len();
    let from = usize::try_from(batch.ended).unwrap_or(all);
    let places = from..all.min(from + COUNTED_MAX);
    let mut ids = Vec::with_capacity(places.len());
    for place in places.clone() {
        tx.expect::<UserTransferNumber>(&(
            batch.terms.merchant,
            TransferBatch::detail_number(batch.id, place),
        ));
    }
    for place in places {
        let key = (batch.terms.merchant, TransferBatch::detail_number(batch.id, place));
        let id = tx.need::<UserTransferNumber>(&key, Rejection::UserTransferNotFound)?.transfer;
        tx.expect::<UserTransfer>(&id);
        ids.push(id);
    }
    tx.loaded()?;
    let mut went = 0;
    for id in ids {
        let transfer = tx.need::<UserTransfer>(&id, Rejection::UserTransferNotFound)?;
        let amount = transfer.terms.amount.minor;
        match transfer.state {
            UserTransferState::Succeeded => {
                batch.succeeded += 1;
                batch.success_amount += amount;
            }
            state if state.is_final() => batch.fail_amount += amount,
            _ => break,
        }
        batch.ended += 1;
        went += 1;
    }
    if usize::try_from(batch.ended) == Ok(all) {
        batch.state = BatchState::Finished;
        batch.due_at = None;
        if !batch.terms.notify_url.is_empty() {
            notification::owe(batch.terms.merchant, About::TransferBatchEnded(batch.id), ctx, tx);
        }
    } else if went == 0 {
        batch.due_at = Some(ctx.now.plus(COUNT_AGAIN_S * time::SECOND));
    }
    tx.note(format!("{} of {all} have ended", batch.ended));
    Ok(went)
}
