//! Reads of profit sharing.

use super::{
    query::{Answer, SqliteQueries, count, each},
    row::failed,
};
use crate::columns::Value;
use domain::sharing::{Aside, Share, ShareReturn, Sharing};
use engine::SharingQueries;
use types::{MerchantId, OrderId, ShardSet, ShareId, ShareReturnId, Time};

impl SharingQueries for SqliteQueries {
    fn due_shares(&self, _: ShardSet, now: Time, limit: usize) -> Answer<Vec<ShareId>> {
        self.due::<Share>("due_at", now, limit)
    }
    fn due_share_returns(&self, _: ShardSet, now: Time, limit: usize) -> Answer<Vec<ShareReturnId>> {
        self.due::<ShareReturn>("due_at", now, limit)
    }
    fn due_sharings(&self, _: ShardSet, now: Time, limit: usize) -> Answer<Vec<OrderId>> {
        self.due::<Sharing>("due_at", now, limit)
    }
    fn sharing_aside(&self, merchant: MerchantId, limit: usize) -> Answer<Vec<Aside>> {
        let sql = "SELECT count(*), sum(unsplit + reserved), min(since), max(due_at)
                   FROM (SELECT * FROM sharings WHERE mchid = ?1 AND due_at IS NOT NULL ORDER BY due_at LIMIT ?2)
                   GROUP BY (due_at + 28800000000) / 86400000000 ORDER BY 4";
        let mut found = Vec::new();
        each(&self.get(), sql, &[Value::Int(merchant.0), count(limit)], |row| {
            let get = |at| row.get::<_, i64>(at).map_err(failed);
            found.push(Aside {
                orders: get(0)?.unsigned_abs(),
                amount: get(1)?,
                since: Time(get(2)?),
                due_at: Time(get(3)?),
            });
            Ok(())
        })?;
        Ok(found)
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
