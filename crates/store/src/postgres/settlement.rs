//! Reads of fees, settlement, holds and payouts.

use super::query::{Answer, PostgresQueries, count};
use crate::columns::{Stored, ids_of};
use domain::{
    Key, Record,
    clearing::Clearing,
    exception::Exception,
    hold::Hold,
    payout::Payout,
    settlement::{Day, Plan, Settlement, SettlementId},
    world::Entity,
};
use engine::SettlementQueries;
use types::{BusinessDay, HoldId, MerchantId, Page, PageRequest, PayoutId, Time};

impl PostgresQueries {
    /// The keys of records whose `at` has come, earliest first.
    fn due<E: Stored>(&self, at: &str, now: Time, limit: usize) -> Answer<Vec<E::Key>> {
        let key = E::TABLE.columns[0];
        let rest = format!("WHERE {at} <= $1 ORDER BY {at}, {key} LIMIT $2");
        let rows: Vec<E> = self.list(&rest, &[&now.0, &count(limit)])?;
        Ok(rows.iter().map(Entity::key).collect())
    }
}

impl SettlementQueries for PostgresQueries {
    fn record(&self, key: Key) -> Answer<Option<Record>> {
        self.load(key)
    }
    fn days(&self, page: PageRequest) -> Answer<Page<Day>> {
        let before = page.after.map_or(i64::MAX, |cursor| cursor.0);
        let rows =
            self.list("WHERE id < $1 ORDER BY id DESC LIMIT $2", &[&before, &count(page.limit + 1)])?;
        Ok(Page::of(rows, page.limit, |row: &Day| row.day.0.into()))
    }
    fn settlements(&self, merchant: MerchantId, page: PageRequest) -> Answer<Page<Settlement>> {
        let (first, last) = ids_of(merchant);
        let before = page.after.map_or(last, |cursor| last.min(cursor.0));
        let rows = self.list(
            "WHERE id >= $1 AND id < $2 ORDER BY id DESC LIMIT $3",
            &[&first, &before, &count(page.limit + 1)],
        )?;
        Ok(Page::of(rows, page.limit, |row: &Settlement| row.id.0))
    }
    fn settlements_of_day(&self, day: BusinessDay, page: PageRequest) -> Answer<Page<Settlement>> {
        let after = page.after.map_or(i64::MIN, |cursor| SettlementId(cursor.0).merchant().0);
        let rows = self.list(
            "WHERE day = $1 AND mchid > $2 ORDER BY mchid LIMIT $3",
            &[&day.0, &after, &count(page.limit + 1)],
        )?;
        Ok(Page::of(rows, page.limit, |row: &Settlement| row.id.0))
    }
    fn settlements_open(&self, merchant: MerchantId, limit: usize) -> Answer<Vec<Settlement>> {
        let rest = "WHERE mchid = $1 AND due_at IS NOT NULL ORDER BY id LIMIT $2";
        self.list(rest, &[&merchant.0, &count(limit)])
    }
    fn due_settlements(&self, now: Time, limit: usize) -> Answer<Vec<SettlementId>> {
        self.due::<Settlement>("due_at", now, limit)
    }
    fn due_plans(&self, now: Time, limit: usize) -> Answer<Vec<MerchantId>> {
        self.due::<Plan>("payout_at", now, limit)
    }
    fn holds_open(&self, merchant: MerchantId, limit: usize) -> Answer<Vec<Hold>> {
        let rest = "WHERE mchid = $1 AND released_by IS NULL ORDER BY id LIMIT $2";
        self.list(rest, &[&merchant.0, &count(limit)])
    }
    fn due_holds(&self, now: Time, limit: usize) -> Answer<Vec<HoldId>> {
        self.due::<Hold>("due_at", now, limit)
    }
    fn payouts(&self, merchant: Option<MerchantId>, page: PageRequest) -> Answer<Page<Payout>> {
        let before = page.after.map_or(i64::MAX, |cursor| cursor.0);
        let limit = count(page.limit + 1);
        let rows = match merchant {
            None => self.list("WHERE id < $1 ORDER BY id DESC LIMIT $2", &[&before, &limit])?,
            Some(merchant) => self.list(
                "WHERE mchid = $3 AND id < $1 ORDER BY id DESC LIMIT $2",
                &[&before, &limit, &merchant.0],
            )?,
        };
        Ok(Page::of(rows, page.limit, |row: &Payout| row.id.0))
    }
    fn payouts_open(&self, merchant: Option<MerchantId>, page: PageRequest) -> Answer<Page<Payout>> {
        let after = page.after.map_or(i64::MIN, |cursor| cursor.0);
        let limit = count(page.limit + 1);
        let rows = match merchant {
            None => self.list("WHERE state < 5 AND id > $1 ORDER BY id LIMIT $2", &[&after, &limit])?,
            Some(merchant) => self.list(
                "WHERE state < 5 AND id > $1 AND mchid = $3 ORDER BY id LIMIT $2",
                &[&after, &limit, &merchant.0],
            )?,
        };
        Ok(Page::of(rows, page.limit, |row: &Payout| row.id.0))
    }
    fn due_payouts(&self, now: Time, limit: usize) -> Answer<Vec<PayoutId>> {
        self.due::<Payout>("due_at", now, limit)
    }
    fn exceptions(&self, page: PageRequest) -> Answer<Page<Exception>> {
        let before = page.after.map_or(i64::MAX, |cursor| cursor.0);
        let rest = "WHERE id < $1 ORDER BY id DESC LIMIT $2";
        let rows = self.list(rest, &[&before, &count(page.limit + 1)])?;
        Ok(Page::of(rows, page.limit, |row: &Exception| row.id.0))
    }
    fn exceptions_open(&self, page: PageRequest) -> Answer<Page<Exception>> {
        let after = page.after.map_or(i64::MIN, |cursor| cursor.0);
        let rest = "WHERE state < 2 AND id > $1 ORDER BY id LIMIT $2";
        let rows = self.list(rest, &[&after, &count(page.limit + 1)])?;
        Ok(Page::of(rows, page.limit, |row: &Exception| row.id.0))
    }
    fn each_exception(&self, take: &mut dyn FnMut(Exception)) -> Answer<()> {
        self.every(take)
    }
    fn each_clearing(&self, take: &mut dyn FnMut(Clearing)) -> Answer<()> {
        self.list("ORDER BY id", &[])?.into_iter().for_each(take);
        Ok(())
    }
    fn each_settlement(&self, take: &mut dyn FnMut(Settlement)) -> Answer<()> {
        self.every(take)
    }
    fn each_day(&self, take: &mut dyn FnMut(Day)) -> Answer<()> {
        self.every(take)
    }
    fn each_hold(&self, take: &mut dyn FnMut(Hold)) -> Answer<()> {
        self.every(take)
    }
    fn each_payout(&self, take: &mut dyn FnMut(Payout)) -> Answer<()> {
        self.every(take)
    }
}
