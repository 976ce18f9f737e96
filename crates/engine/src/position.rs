//! A merchant's money at one moment, read from a store that goes on committing.

use crate::{query::Queries, store::Fault};
use domain::{
    fee::PLATFORM,
    held::Position,
    settlement::{SettlementId, Terms},
};
use ledger::AccountId;
use types::{Currency, MerchantId, PageRequest};

/// Records of one kind that a position takes in: open settlements (T+30 and a year's reserve), holds, payouts.
const RECORDS_MAX: usize = 2_000;
/// Times it is read again because money moved meanwhile.
const TRIES: usize = 20;

/// A merchant's money at one moment: accounts and the records that explain them.
///
/// The rows are read one after the other. An account's counters only grow, so when they are the same before and after,
/// nothing moved in between; takings are read last, for they move all the time and no record depends on them.
///
/// # Errors
/// [`Fault::Failed`] of the store, or when money of this merchant moved during every try.
pub fn position(store: &dyn Queries, merchant: MerchantId) -> Result<Position, Fault> {
    let account = |make: fn(MerchantId, Currency) -> AccountId| store.account(make(merchant, Currency::CNY));
    let read = || -> Result<_, Fault> {
        Ok((
            account(AccountId::merchant_available)?,
            account(AccountId::merchant_reserve)?,
            account(AccountId::merchant_held)?,
            account(AccountId::payout_in_transit)?,
        ))
    };
    for _ in 0..TRIES {
        let before = read()?;
        let settlements = store.settlements_open(merchant, RECORDS_MAX)?;
        let holds = store.holds_open(merchant, RECORDS_MAX)?;
        let page = PageRequest { limit: RECORDS_MAX, after: None };
        let payouts = store.payouts_open(Some(merchant), page)?.rows;
        let plan = store.plan(merchant)?;
        let first_waiting = settlements.iter().find(|one| one.released_at.is_none());
        let released = match first_waiting {
            Some(waiting) => waiting.previous,
            None => plan.as_ref().and_then(|plan| plan.newest),
        };
        let carried = match released {
            Some(day) => store.settlement(SettlementId::new(merchant, day))?.map_or(0, |one| one.carried),
            None => 0,
        };
        let last_day = store.days(PageRequest { limit: 1, after: None })?.rows.first().map(|day| day.day);
        let calendar = store.calendar()?;
        let default = || -> Result<Terms, Fault> {
            Ok(store.plan(PLATFORM)?.and_then(|plan| plan.terms).unwrap_or(Terms::DEFAULT))
        };
        let terms = match plan.as_ref().and_then(|plan| plan.terms) {
            Some(terms) => terms,
            None => default()?,
        };
        let unsettled = account(AccountId::merchant_unsettled)?;
        if read()? != before {
            continue;
        }
        let (available, reserve, held, in_transit) = before;
        return Ok(Position {
            unsettled,
            available,
            reserve,
            held,
            in_transit,
            settlements,
            carried,
            holds,
            payouts,
            terms,
            calendar,
            last_day,
        });
    }
    Err(Fault::Failed(format!("the money of merchant {merchant} moves too fast to be read; ask again")))
}
