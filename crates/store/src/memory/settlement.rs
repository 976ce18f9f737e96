//! Reads of fees, settlement, holds and payouts.

use super::Memory;
use crate::columns::ids_of;
use domain::{
    Key, Record,
    clearing::Clearing,
    exception::Exception,
    hold::Hold,
    payout::Payout,
    settlement::{Day, Settlement, SettlementId},
};
use engine::{Fault, SettlementQueries};
use types::{BusinessDay, HoldId, MerchantId, Page, PageRequest, PayoutId, Time};

type Answer<T> = Result<T, Fault>;

/// The keys of what is due at `now`, earliest first.
fn due<K: Ord + Copy>(rows: impl Iterator<Item = (Option<Time>, K)>, now: Time, limit: usize) -> Vec<K> {
    let mut found: Vec<(Time, K)> =
        rows.filter_map(|(at, key)| Some((at.filter(|at| *at <= now)?, key))).collect();
    found.sort_unstable();
    found.into_iter().take(limit).map(|(_, key)| key).collect()
}

impl SettlementQueries for Memory {
    fn record(&self, key: Key) -> Answer<Option<Record>> {
        Ok(self.held().rows.get(&key))
    }
    fn days(&self, page: PageRequest) -> Answer<Page<Day>> {
        let held = self.held();
        let before = page.after.map_or(i64::MAX, |cursor| cursor.0);
        let rows = held.rows.days.values().rev().filter(|row| i64::from(row.day.0) < before);
        Ok(Page::of(rows.take(page.limit + 1).cloned().collect(), page.limit, |row| row.day.0.into()))
    }
    fn settlements(&self, merchant: MerchantId, page: PageRequest) -> Answer<Page<Settlement>> {
        let (first, last) = ids_of(merchant);
        let before = page.after.map_or(last, |cursor| last.min(cursor.0)).max(first);
        let held = self.held();
        let rows = held.rows.settlements.range(SettlementId(first)..SettlementId(before)).rev();
        let rows = rows.take(page.limit + 1).map(|(_, row)| row.clone()).collect();
        Ok(Page::of(rows, page.limit, |row: &Settlement| row.id.0))
    }
    fn settlements_of_day(&self, day: BusinessDay, page: PageRequest) -> Answer<Page<Settlement>> {
        let after = page.after.map_or(i64::MIN, |cursor| SettlementId(cursor.0).merchant().0);
        let held = self.held();
        let of_day = |row: &&Settlement| row.id.day() == day && row.id.merchant().0 > after;
        let rows = held.rows.settlements.values().filter(of_day).take(page.limit + 1).cloned().collect();
        Ok(Page::of(rows, page.limit, |row: &Settlement| row.id.0))
    }
    fn settlements_open(&self, merchant: MerchantId, limit: usize) -> Answer<Vec<Settlement>> {
        let held = self.held();
        let open = |row: &&Settlement| row.id.merchant() == merchant && row.due_at.is_some();
        Ok(held.rows.settlements.values().filter(open).take(limit).cloned().collect())
    }
    fn due_settlements(&self, now: Time, limit: usize) -> Answer<Vec<SettlementId>> {
        let held = self.held();
        Ok(due(held.rows.settlements.values().map(|row| (row.due_at, row.id)), now, limit))
    }
    fn due_plans(&self, now: Time, limit: usize) -> Answer<Vec<MerchantId>> {
        let held = self.held();
        Ok(due(held.rows.plans.values().map(|row| (row.payout_at, row.merchant)), now, limit))
    }
    fn holds_open(&self, merchant: MerchantId, limit: usize) -> Answer<Vec<Hold>> {
        let held = self.held();
        let open = |row: &&Hold| row.merchant == merchant && row.released_by.is_none();
        Ok(held.rows.holds.values().filter(open).take(limit).cloned().collect())
    }
    fn due_holds(&self, now: Time, limit: usize) -> Answer<Vec<HoldId>> {
        let held = self.held();
        Ok(due(held.rows.holds.values().map(|row| (row.due_at, row.id)), now, limit))
    }
    fn payouts(&self, merchant: Option<MerchantId>, page: PageRequest) -> Answer<Page<Payout>> {
        let held = self.held();
        let before = page.after.map_or(i64::MAX, |cursor| cursor.0);
        let wanted =
            |row: &&Payout| row.id.0 < before && merchant.is_none_or(|merchant| row.merchant == merchant);
        let rows = held.rows.payouts.values().rev().filter(wanted).take(page.limit + 1).cloned().collect();
        Ok(Page::of(rows, page.limit, |row: &Payout| row.id.0))
    }
    fn payouts_open(&self, merchant: Option<MerchantId>, page: PageRequest) -> Answer<Page<Payout>> {
        let held = self.held();
        let after = page.after.map_or(i64::MIN, |cursor| cursor.0);
        let of = |row: &Payout| merchant.is_none_or(|merchant| row.merchant == merchant);
        let wanted = |row: &&Payout| row.state.is_open() && row.id.0 > after && of(row);
        let rows = held.rows.payouts.values().filter(wanted).take(page.limit + 1).cloned().collect();
        Ok(Page::of(rows, page.limit, |row: &Payout| row.id.0))
    }
    fn due_payouts(&self, now: Time, limit: usize) -> Answer<Vec<PayoutId>> {
        let held = self.held();
        Ok(due(held.rows.payouts.values().map(|row| (row.due_at, row.id)), now, limit))
    }
    fn exceptions(&self, page: PageRequest) -> Answer<Page<Exception>> {
        let held = self.held();
        let before = page.after.map_or(i64::MAX, |cursor| cursor.0);
        let mut rows: Vec<Exception> =
            held.rows.exceptions.values().filter(|row| row.id.0 < before).cloned().collect();
        rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.id));
        rows.truncate(page.limit + 1);
        Ok(Page::of(rows, page.limit, |row: &Exception| row.id.0))
    }
    fn exceptions_open(&self, page: PageRequest) -> Answer<Page<Exception>> {
        let held = self.held();
        let after = page.after.map_or(i64::MIN, |cursor| cursor.0);
        let wanted = |row: &&Exception| row.state.is_open() && row.id.0 > after;
        let mut rows: Vec<Exception> = held.rows.exceptions.values().filter(wanted).cloned().collect();
        rows.sort_unstable_by_key(|row| row.id);
        rows.truncate(page.limit + 1);
        Ok(Page::of(rows, page.limit, |row: &Exception| row.id.0))
    }
    fn each_exception(&self, take: &mut dyn FnMut(Exception)) -> Answer<()> {
        let rows: Vec<_> = self.held().rows.exceptions.values().cloned().collect();
        rows.into_iter().for_each(take);
        Ok(())
    }
    fn each_clearing(&self, take: &mut dyn FnMut(Clearing)) -> Answer<()> {
        let mut rows: Vec<_> = self.held().rows.clearings.values().cloned().collect();
        rows.sort_unstable_by_key(|row| row.id);
        rows.into_iter().for_each(take);
        Ok(())
    }
    fn each_settlement(&self, take: &mut dyn FnMut(Settlement)) -> Answer<()> {
        let rows: Vec<_> = self.held().rows.settlements.values().cloned().collect();
        rows.into_iter().for_each(take);
        Ok(())
    }
    fn each_day(&self, take: &mut dyn FnMut(Day)) -> Answer<()> {
        let rows: Vec<_> = self.held().rows.days.values().cloned().collect();
        rows.into_iter().for_each(take);
        Ok(())
    }
    fn each_hold(&self, take: &mut dyn FnMut(Hold)) -> Answer<()> {
        let rows: Vec<_> = self.held().rows.holds.values().cloned().collect();
        rows.into_iter().for_each(take);
        Ok(())
    }
    fn each_payout(&self, take: &mut dyn FnMut(Payout)) -> Answer<()> {
        let rows: Vec<_> = self.held().rows.payouts.values().cloned().collect();
        rows.into_iter().for_each(take);
        Ok(())
    }
}
