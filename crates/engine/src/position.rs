//! A merchant's money at one moment, read from a store that goes on committing.

use crate::{query::Queries, store::Fault};
use domain::{
    crossing::is_divided,
    fee::PLATFORM,
    held::Position,
    settlement::{SettlementId, Terms},
    sharing::Aside,
};
use ledger::{Account, AccountId};
use types::{Currency, MerchantId, PageRequest, Shard, ShardSet};

/// Records of one kind that a position takes in: open settlements (T+30 and a year's reserve), holds, payouts.
const RECORDS_MAX: usize = 2_000;
/// Crossings that are looked through for a merchant's.
const CROSSINGS_MAX: usize = 1_000;
/// Shared orders that are gone through, those first that are released first.
const SHARED_MAX: usize = 50_000;
/// Times it is read again because money moved meanwhile.
const TRIES: usize = 20;

/// What there is of an account in all shards and on its way between them: it is the owner's all the time.
fn everywhere(store: &dyn Queries, id: AccountId) -> Result<Account, Fault> {
    let mut sum = store.account_in_all(id)?;
    let shards = store.shards()?;
    let crosses = is_divided(id.kind()) || id.kind() == ledger::AccountKind::TransferInTransit;
    if shards.is_one() || !crosses {
        return Ok(sum);
    }
    for crossing in store.crossings(ShardSet::all(shards), CROSSINGS_MAX)? {
        if crossing.to.at(Shard::FIRST) == id && store.transfer(crossing.arrival())?.is_none() {
            sum.credits_posted = sum.credits_posted.saturating_add(crossing.amount);
        }
    }
    Ok(sum)
}

/// A merchant's money at one moment: accounts and the records that explain them.
///
/// The rows are read one after the other. An account's counters only grow, so when they are the same before and after,
/// nothing moved in between; takings are read last, for they move all the time and no record depends on them.
///
/// # Errors
/// [`Fault::Failed`] of the store, or when money of this merchant moved during every try.
pub fn position(store: &dyn Queries, merchant: MerchantId) -> Result<Position, Fault> {
    let account =
        |make: fn(MerchantId, Currency) -> AccountId| everywhere(store, make(merchant, Currency::CNY));
    let read = || -> Result<_, Fault> {
        Ok((
            account(AccountId::merchant_available)?,
            account(AccountId::merchant_reserve)?,
            account(AccountId::merchant_held)?,
            account(AccountId::payout_in_transit)?,
            account(AccountId::transfer_in_transit)?,
        ))
    };
    for _ in 0..TRIES {
        let before = read()?;
        let settlements = store.settlements_open(merchant, RECORDS_MAX)?;
        let holds = store.holds_open(merchant, RECORDS_MAX)?;
        let page = PageRequest { limit: RECORDS_MAX, after: None };
        let payouts = store.payouts_open(Some(merchant), page)?.rows;
        let user_transfers = store.user_transfers_open(merchant, RECORDS_MAX)?;
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
        let (sharing, shared) = aside(store, merchant)?;
        let unsettled = account(AccountId::merchant_unsettled)?;
        if read()? != before {
            continue;
        }
        let (available, reserve, held, in_transit, transferring) = before;
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
            sharing,
            shared,
            transferring,
            user_transfers,
            terms,
            calendar,
            last_day,
        });
    }
    Err(Fault::Failed(format!("the money of merchant {merchant} moves too fast to be read; ask again")))
}

/// What is aside of a merchant's shared orders, as the account and as the orders say. Where payments come all the time the
/// two may not be seen to agree; then the last reading is what there is, and the difference is seen as under way.
fn aside(store: &dyn Queries, merchant: MerchantId) -> Result<(Account, Vec<Aside>), Fault> {
    let id = AccountId::merchant_sharing(merchant, Currency::CNY);
    let mut account = store.account_in_all(id)?;
    for _ in 0..TRIES {
        let days = store.sharing_aside(merchant, SHARED_MAX)?;
        let again = store.account_in_all(id)?;
        let orders: u64 = days.iter().map(|day| day.orders).sum();
        if again == account && orders < SHARED_MAX as u64 {
            return Ok((account, days));
        }
        account = again;
        if orders >= SHARED_MAX as u64 {
            break; // those that were not gone through are released last
        }
    }
    let mut days = store.sharing_aside(merchant, SHARED_MAX)?;
    let sum: i64 = days.iter().map(|day| day.amount).sum();
    if let Some(last) = days.last_mut() {
        last.amount += account.available().minor - sum;
    }
    Ok((account, days))
}
