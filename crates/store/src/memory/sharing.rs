//! Reads of profit sharing.

use super::Memory;
use domain::sharing::{Aside, Share, ShareReturn, Sharing};
use engine::{Fault, SharingQueries};
use std::collections::BTreeMap;
use types::{MerchantId, OrderId, Shard, ShardSet, ShareId, ShareReturnId, Time};

type Answer<T> = Result<T, Fault>;

/// The keys of what is due at `now` in these shards, earliest first.
fn due<K: Ord + Copy>(
    rows: impl Iterator<Item = (Option<Time>, K, Shard)>,
    of: ShardSet,
    now: Time,
    limit: usize,
) -> Vec<K> {
    let mut found: Vec<(Time, K)> = rows
        .filter(|(_, _, shard)| of.is_all() || of.contains(*shard))
        .filter_map(|(at, key, _)| Some((at.filter(|at| *at <= now)?, key)))
        .collect();
    found.sort_unstable();
    found.into_iter().take(limit).map(|(_, key)| key).collect()
}

impl SharingQueries for Memory {
    fn due_shares(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<ShareId>> {
        let held = self.held();
        let rows = held.rows.shares.values().map(|row| (row.due_at, row.id, Shard::of_id(row.id.0)));
        Ok(due(rows, of, now, limit))
    }
    fn due_share_returns(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<ShareReturnId>> {
        let held = self.held();
        let rows = held.rows.share_returns.values().map(|row| (row.due_at, row.id, Shard::of_id(row.id.0)));
        Ok(due(rows, of, now, limit))
    }
    fn due_sharings(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<OrderId>> {
        let held = self.held();
        let rows = held.rows.sharings.values().map(|row| (row.due_at, row.order, row.shard));
        Ok(due(rows, of, now, limit))
    }
    fn sharing_aside(&self, merchant: MerchantId, limit: usize) -> Answer<Vec<Aside>> {
        let held = self.held();
        let mut open: Vec<&Sharing> = held
            .rows
            .sharings
            .values()
            .filter(|row| row.merchant == merchant && row.due_at.is_some())
            .collect();
        open.sort_unstable_by_key(|row| row.due_at);
        let mut days: BTreeMap<i32, Aside> = BTreeMap::new();
        for row in open.into_iter().take(limit) {
            let due_at = row.due_at.unwrap_or(row.since);
            let none = Aside { orders: 0, amount: 0, since: row.since, due_at };
            let day = days.entry(due_at.business_day().0).or_insert(none);
            day.orders += 1;
            day.amount += row.aside();
            day.since = day.since.min(row.since);
            day.due_at = day.due_at.max(due_at);
        }
        Ok(days.into_values().collect())
    }
    fn each_sharing(&self, take: &mut dyn FnMut(Sharing)) -> Answer<()> {
        let rows: Vec<_> = self.held().rows.sharings.values().cloned().collect();
        rows.into_iter().for_each(take);
        Ok(())
    }
    fn each_share(&self, take: &mut dyn FnMut(Share)) -> Answer<()> {
        let rows: Vec<_> = self.held().rows.shares.values().cloned().collect();
        rows.into_iter().for_each(take);
        Ok(())
    }
    fn each_share_return(&self, take: &mut dyn FnMut(ShareReturn)) -> Answer<()> {
        let rows: Vec<_> = self.held().rows.share_returns.values().cloned().collect();
        rows.into_iter().for_each(take);
        Ok(())
    }
}
