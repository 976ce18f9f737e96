//! Releasing a settlement when its time has come, and later its reserve.

use super::{Payouts, Plan, Settlement, SettlementId, SettlementState, terms_of};
use crate::{
    Context, Rejection, Stop, Tx,
    crossing::{self, Wanted},
    fee::PLATFORM,
    journal::Subject,
};
use ledger::{Account, AccountId, Book, Draft, TransferKind};
use types::{Currency, Money, TransferId, time};

const CNY: Currency = Currency::CNY;

/// Does what is due of a settlement: the release, or the end of its reserve. Does nothing before its time.
///
/// What is released is the day's net and what was carried in, as far as it is still there: refunds of later days may
/// have used some of it. The rest is carried to the next settlement, whose net these refunds have made smaller.
///
/// Of several shards the first releases, with money that was brought from where the takings are.
///
/// Errors: `SettlementNotFound`, `SettlementOutOfOrder` while the settlement before it waits, `MoneyElsewhere`,
/// `MoneyUnderWay`.
pub(crate) fn release(id: SettlementId, ctx: &Context, tx: &mut Tx<'_>) -> Result<SettlementState, Stop> {
    let merchant = id.merchant();
    let (takings, available, reserve) = (
        AccountId::merchant_unsettled(merchant, CNY),
        AccountId::merchant_available(merchant, CNY),
        AccountId::merchant_reserve(merchant, CNY),
    );
    tx.expect::<Settlement>(&id);
    tx.expect::<Plan>(&merchant);
    tx.expect::<Plan>(&PLATFORM);
    for account in [takings, available, reserve] {
        tx.expect::<Account>(&account);
    }
    let known = tx.need::<Settlement>(&id, Rejection::SettlementNotFound)?.clone();
    tx.about(Subject::Settlement(id), Some(known.journal));
    tx.loaded()?;
    if known.due_at.is_none_or(|due| ctx.now < due) {
        return Ok(known.state);
    }
    let (plan, terms) = terms_of(merchant, tx)?;
    let next = match known.state {
        SettlementState::Waiting => {
            let brought = brought(&known, tx)?;
            let due = brought.saturating_add(known.totals.net());
            crossing::gather(takings, Wanted::UpTo(due), ctx, tx)?;
            let takings_now = tx.account(takings)?;
            // What is frozen stays, and is carried to whatever is released once it is not.
            let there = if takings_now.frozen { 0 } else { takings_now.available().minor };
            let moved = due.min(there).max(0);
            let kept = if terms.reserve_days == 0 {
                0
            } else {
                terms.reserve.of(Money::new(moved, CNY)).map_err(|_| Rejection::AmountOutOfRange)?.minor
            };
            let parts = [
                (1, available, moved - kept, TransferKind::Settle),
                (2, reserve, kept, TransferKind::Reserve),
            ];
            for (place, credit, amount, kind) in parts {
                if amount > 0 {
                    let draft = Draft {
                        id: TransferId(ctx.ids.id(place)),
                        debit: takings,
                        credit,
                        amount,
                        kind,
                        subject: id.0,
                        at: ctx.now,
                    };
                    ledger::transfer(tx, draft)?;
                }
            }
            let until = (kept > 0).then(|| ctx.now.plus(i64::from(terms.reserve_days) * time::DAY));
            Settlement {
                state: if kept > 0 { SettlementState::Released } else { SettlementState::Done },
                released_at: Some(ctx.now),
                brought,
                released: moved - kept,
                reserve: kept,
                carried: brought + known.totals.net() - moved,
                reserve_until: until,
                due_at: until,
                transfer: (moved > 0).then(|| TransferId(ctx.ids.id(1))),
                ..known
            }
        }
        SettlementState::Released => {
            let draft = Draft {
                id: TransferId(ctx.ids.id(1)),
                debit: reserve,
                credit: available,
                amount: known.reserve,
                kind: TransferKind::ReserveRelease,
                subject: id.0,
                at: ctx.now,
            };
            ledger::transfer(tx, draft)?;
            Settlement { state: SettlementState::Done, due_at: None, ..known }
        }
        SettlementState::Done => return Ok(known.state),
    };
    tx.note(format!(
        "{} released, {} reserve, {} carried",
        Money::new(next.released, CNY),
        Money::new(next.reserve, CNY),
        Money::new(next.carried, CNY)
    ));
    let state = next.state;
    tx.put(Settlement { journal: ctx.journal, ..next });
    if terms.payouts == Payouts::Automatic && plan.payout_at.is_none() {
        tx.put(Plan { payout_at: Some(ctx.now), ..plan });
    }
    Ok(state)
}

/// What the settlement before carries in. Errors: `SettlementOutOfOrder`.
fn brought(settlement: &Settlement, tx: &mut Tx<'_>) -> Result<i64, Stop> {
    let Some(previous) = settlement.previous else { return Ok(0) };
    let id = SettlementId::new(settlement.id.merchant(), previous);
    let before = tx.need::<Settlement>(&id, Rejection::SettlementNotFound)?;
    if before.state == SettlementState::Waiting {
        return Err(Rejection::SettlementOutOfOrder(id).into());
    }
    Ok(before.carried)
}
