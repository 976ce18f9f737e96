//! Reads of profit sharing.

use super::query::{Answer, BY_ID, PostgresQueries, count, int, within};
use crate::columns::Stored;
use domain::{
    sharing::{Aside, Share, ShareReturn, Sharing},
    world::Entity,
};
use engine::SharingQueries;
use types::{MerchantId, OrderId, ShardSet, ShareId, ShareReturnId, Time};

impl PostgresQueries {
    /// The keys of records of these shards whose `due_at` has come, earliest first; `shard` says a row's shard.
    fn due_of<E: Stored>(&self, of: ShardSet, shard: &str, now: Time, limit: usize) -> Answer<Vec<E::Key>> {
        let key = E::TABLE.columns[0];
        let rest = format!("WHERE due_at <= $1{} ORDER BY due_at, {key} LIMIT $2", within(of, shard));
        let rows: Vec<E> = self.list(&rest, &[&now.0, &count(limit)])?;
        Ok(rows.iter().map(Entity::key).collect())
    }
}

impl SharingQueries for PostgresQueries {
    fn due_shares(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<ShareId>> {
        self.due_of::<Share>(of, BY_ID, now, limit)
    }
    fn due_share_returns(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<ShareReturnId>> {
        self.due_of::<ShareReturn>(of, BY_ID, now, limit)
    }
    fn due_sharings(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<OrderId>> {
        self.due_of::<Sharing>(of, "shard", now, limit)
    }
    fn sharing_aside(&self, merchant: MerchantId, limit: usize) -> Answer<Vec<Aside>> {
        let sql = "SELECT count(*), sum(unsplit + reserved)::BIGINT, min(since), max(due_at)
                   FROM (SELECT * FROM sharings WHERE mchid = $1 AND due_at IS NOT NULL ORDER BY due_at LIMIT $2) AS open
                   GROUP BY (due_at + 28800000000) / 86400000000 ORDER BY 4";
        let read = |row: &tokio_postgres::Row| {
            Ok(Aside {
                orders: int(row, 0)?.unsigned_abs(),
                amount: int(row, 1)?,
                since: Time(int(row, 2)?),
                due_at: Time(int(row, 3)?),
            })
        };
        self.rows(sql, &[&merchant.0, &count(limit)])?.iter().map(read).collect()
    }
    fn each_sharing(&self, take: &mut dyn FnMut(Sharing)) -> Answer<()> {
        self.every(take)
    }
    fn each_share(&self, take: &mut dyn FnMut(Share)) -> Answer<()> {
        self.every(take)
    }
    fn each_share_return(&self, take: &mut dyn FnMut(ShareReturn)) -> Answer<()> {
        self.every(take)
    }
}
