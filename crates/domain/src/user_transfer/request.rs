//! A transfer is asked for, and its money set aside.

use super::{
    TransferPlan, TransferTerms, UserTransfer, UserTransferNumber, UserTransferState, advance, plan::plan_of,
    scene,
};
use crate::{
    Context, Rejection, Stop, Tx,
    context::Actor,
    crossing::{self, Wanted},
    journal::Subject,
    limit::{self, Limits},
    merchant::Merchant,
    payer::{self, Payer},
};
use ledger::{Account, AccountId, Draft, Refused, TransferKind};
use std::sync::Arc;
use types::{AppId, Currency, MerchantId, Money, Shard, Time, TransferId, UserTransferId, time};

/// Seconds until the merchant's money is looked for again, by tries so far; the last repeats until the time is over.
const AGAIN_S: [i64; 6] = [5, 15, 60, 300, 900, 1800];

/// Asks for a transfer. The same number with the same parameters gives the same transfer, however it stands by now.
/// When the merchant's money is too short, the transfer is kept and goes on as soon as there is enough.
///
/// Errors: `NotAllowed` for anybody but the merchant, `UserTransferNumberUsed`, `MerchantNotFound`,
/// `MerchantSuspended`, `AppNotBound`, `SceneUnknown`, `SceneClosed`, `SceneReports`, `ScenePerception`,
/// `CurrencyUnsupported`, `TransferAmount`, `TransferNameMissing`, `TransferDay`, `PayerNotFound`, `PayerSuspended`.
pub(crate) fn request(
    terms: &Arc<TransferTerms>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<UserTransferId, Stop> {
    if ctx.caller.actor != Actor::Merchant(terms.merchant) {
        return Err(Rejection::NotAllowed.into());
    }
    let key = (terms.merchant, terms.number.clone());
    tx.expect::<UserTransferNumber>(&key);
    tx.expect::<TransferPlan>(&terms.merchant);
    tx.expect::<Limits>(&());
    tx.expect::<Payer>(&terms.payer);
    tx.expect::<Account>(&AccountId::merchant_available(terms.merchant, Currency::CNY));
    tx.expect::<Account>(&AccountId::transfer_in_transit(terms.merchant, Currency::CNY));
    if let Some(known) = tx.get::<UserTransferNumber>(&key)? {
        let id = known.transfer;
        // What was asked never changes, whichever shard decides by now.
        let kept = tx.need::<UserTransfer>(&id, Rejection::UserTransferNotFound)?;
        let (same, journal) = (kept.terms.digest == terms.digest, kept.journal);
        tx.about(Subject::UserTransfer(id), Some(journal));
        return if same { Ok(id) } else { Err(Rejection::UserTransferNumberUsed.into()) };
    }
    check_merchant(terms.merchant, terms.app, tx)?;
    let plan = plan_of(terms.merchant, ctx, tx)?;
    check_scene(&plan, terms)?;
    let rules = limit::in_force(ctx, tx)?.user_transfer;
    if terms.amount.currency != Currency::CNY {
        return Err(Rejection::CurrencyUnsupported.into());
    }
    rules.check(terms.amount, terms.name.is_some())?;
    let plan = plan.count(terms.amount.minor, ctx.now.business_day(), &rules)?;
    payer::active(terms.payer, tx)?;
    tx.loaded()?;
    let id = UserTransferId(ctx.ids.id(0));
    tx.about(Subject::UserTransfer(id), None);
    tx.put(UserTransferNumber { merchant: terms.merchant, number: terms.number.clone(), transfer: id });
    tx.put(plan);
    let mut transfer = UserTransfer {
        id,
        shard: Shard::FIRST,
        terms: Arc::clone(terms),
        batch: None,
        state: UserTransferState::Processing,
        fail: None,
        created_at: ctx.now,
        updated_at: ctx.now,
        due_at: Some(ctx.now),
        tries: 0,
        hold: None,
        crossing: None,
        end: None,
        bill_previous: None,
        journal: ctx.journal,
    };
    advance::begin(&mut transfer, ctx, tx)?;
    tx.note(format!("{}, {}", terms.amount, transfer.state.name()));
    tx.put(transfer);
    Ok(id)
}

/// A merchant that may transfer with this application. Errors: `MerchantNotFound`, `MerchantSuspended`, `AppNotBound`.
pub(super) fn check_merchant(id: MerchantId, app: AppId, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let merchant = tx.need::<Merchant>(&id, Rejection::MerchantNotFound(id))?;
    if !merchant.active {
        return Err(Rejection::MerchantSuspended(id).into());
    }
    if !merchant.apps.contains(&app) {
        return Err(Rejection::AppNotBound(app, id).into());
    }
    Ok(())
}

fn check_scene(plan: &TransferPlan, terms: &TransferTerms) -> Result<(), Rejection> {
    let scene = scene::find(terms.scene).ok_or(Rejection::SceneUnknown(terms.scene))?;
    plan.check_open(terms.scene)?;
    let types: Vec<&str> = terms.reports.iter().map(|(kind, _)| &**kind).collect();
    if !scene.takes(&types) {
        return Err(Rejection::SceneReports(terms.scene));
    }
    if scene.told(&terms.perception).is_none() {
        return Err(Rejection::ScenePerception(terms.scene));
    }
    Ok(())
}

/// Sets a merchant's money aside for `subject`; none when it is too short or frozen.
pub(super) fn set_aside(
    merchant: MerchantId,
    amount: Money,
    subject: i64,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<Option<TransferId>, Stop> {
    let id = TransferId(ctx.ids.id(1));
    let available = AccountId::merchant_available(merchant, amount.currency);
    crossing::gather(available, Wanted::Whole(amount.minor), ctx, tx)?;
    let draft = Draft {
        id,
        debit: available,
        credit: AccountId::transfer_in_transit(merchant, amount.currency),
        amount: amount.minor,
        kind: TransferKind::UserTransferHold,
        subject,
        at: ctx.now,
    };
    match ledger::transfer(tx, draft) {
        Ok(_) => Ok(Some(id)),
        Err(Stop::Rejected(Rejection::Ledger(Refused::NotEnough { .. } | Refused::Frozen(_)))) => Ok(None),
        Err(stop) => Err(stop),
    }
}

/// When a merchant's money is looked for again after so many tries.
pub(super) fn again_at(tries: u32, now: Time) -> Time {
    let place = usize::try_from(tries).unwrap_or(usize::MAX).min(AGAIN_S.len() - 1);
    now.plus(AGAIN_S[place] * time::SECOND)
}
