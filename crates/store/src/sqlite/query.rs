//! Committed reads over a small pool of read-only connections.

use super::{
    load::{load, one, order_id, payer_of, refund_id},
    row::{bind, failed, read, select},
};
use crate::{
    columns::{Stored, Value, read_member, select_member},
    journal,
    pool::Pool,
    stale::{Make, stale},
};
use domain::{
    Key, Record,
    application::Application,
    card::Card,
    combined::Combined,
    crossing::Crossing,
    echo::Echo,
    keyring::KeyRing,
    limit::{BillEntry, Limits, Usage},
    merchant::{Certificate, Merchant},
    notification::Notification,
    order::Order,
    payer::Payer,
    payment::Payment,
    payment_code::PaymentCode,
    records::Digest,
    refund::Refund,
    session::{OauthCode, Session},
    user_transfer::UserTransfer,
};
use engine::{
    Fault, Queries,
    query::{Bill, Counts, JournalRow},
};
use ledger::{Account, AccountId, Transfer};
use rusqlite::Connection;
use std::{
    path::PathBuf,
    sync::{MutexGuard, OnceLock},
};
use types::{
    AppId, CardId, EchoId, JournalId, MerchantId, NotificationId, OrderId, Page, PageRequest, PayerId,
    PaymentId, RefundId, Shard, ShardSet, Shards, Time, TransferId, UserTransferId, first_id_at,
};

pub(super) type Answer<T> = Result<T, Fault>;

/// Rows read at once when a long range is gone through.
const STEP: i64 = 5_000;

pub(super) struct SqliteQueries {
    pool: Pool<Connection>,
    path: PathBuf,
}

impl SqliteQueries {
    pub(super) fn new(pool: Vec<Connection>, path: PathBuf) -> Self {
        Self { pool: Pool::new(pool), path }
    }
    pub(super) fn get(&self) -> MutexGuard<'_, Connection> {
        self.pool.get()
    }
    fn find<E: Stored>(&self, key: &E::Key) -> Answer<Option<E>> {
        one(&self.get(), key)
    }
    pub(super) fn list<E: Stored>(&self, rest: &str, values: &[Value<'_>]) -> Answer<Vec<E>> {
        let db = self.get();
        let mut found = Vec::new();
        each(&db, &select(&E::TABLE, rest), values, |row| {
            found.push(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }
    /// Rows of a range of ids, a piece at a time: while a statement is open, the write-ahead log can't be taken over.
    fn between<E: Stored>(
        &self,
        mut from: i64,
        to: i64,
        id: impl Fn(&E) -> i64,
        take: &mut dyn FnMut(E),
    ) -> Answer<()> {
        let sql = select(&E::TABLE, "WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3");
        loop {
            let (mut rows, mut last) = (0, from);
            each(&self.get(), &sql, &[Value::Int(from), Value::Int(to), Value::Int(STEP)], |row| {
                let found: E = read(row)?;
                (rows, last) = (rows + 1, id(&found));
                take(found);
                Ok(())
            })?;
            if rows < STEP {
                return Ok(());
            }
            from = last + 1;
        }
    }
    pub(super) fn every<E: Stored>(&self, take: &mut dyn FnMut(E)) -> Answer<()> {
        each(&self.get(), &select(&E::TABLE, "ORDER BY 1"), &[], |row| {
            take(read(row)?);
            Ok(())
        })
    }
}

pub(super) fn each(
    db: &Connection,
    sql: &str,
    values: &[Value<'_>],
    mut take: impl FnMut(&rusqlite::Row<'_>) -> Answer<()>,
) -> Answer<()> {
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    for (place, value) in values.iter().enumerate() {
        bind(&mut statement, place + 1, *value).map_err(failed)?;
    }
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(failed)? {
        take(row)?;
    }
    Ok(())
}

pub(super) fn count(limit: usize) -> Value<'static> {
    Value::Int(i64::try_from(limit).unwrap_or(i64::MAX))
}

/// A file holds one shard: whichever are asked for are that one.
impl Queries for SqliteQueries {
    fn shards(&self) -> Answer<Shards> {
        Ok(Shards::ONE)
    }
    fn merchant(&self, id: MerchantId) -> Answer<Option<Merchant>> {
        self.find(&id)
    }
    fn merchants(&self) -> Answer<Vec<Merchant>> {
        self.list("ORDER BY id", &[])
    }
    fn sub_merchants(
        &self,
        partner: MerchantId,
        past: Option<MerchantId>,
        limit: usize,
    ) -> Answer<Vec<Merchant>> {
        let past = past.map_or(i64::MIN, |id| id.0);
        self.list(
            "WHERE partner = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            &[Value::Int(partner.0), Value::Int(past), count(limit)],
        )
    }
    fn certificate(&self, serial: &str) -> Answer<Option<Certificate>> {
        self.find(&serial.into())
    }
    fn certificates(&self, merchant: MerchantId) -> Answer<Vec<Certificate>> {
        self.list("WHERE mchid = ?1 ORDER BY not_before DESC, serial", &[Value::Int(merchant.0)])
    }
    fn application(&self, id: AppId) -> Answer<Option<Application>> {
        self.find(&id)
    }
    fn key_ring(&self, name: &str) -> Answer<Option<KeyRing>> {
        self.find(&name.into())
    }
    fn limits(&self) -> Answer<Option<Limits>> {
        self.find(&())
    }
    fn payer(&self, id: PayerId) -> Answer<Option<Payer>> {
        self.find(&id)
    }
    fn payer_by_phone(&self, phone: Digest) -> Answer<Option<PayerId>> {
        payer_of(&self.get(), &phone.0)
    }
    fn session(&self, token: Digest) -> Answer<Option<Session>> {
        self.find(&token)
    }
    fn member(&self, token: Digest) -> Answer<Option<(Session, Payer)>> {
        static SQL: OnceLock<String> = OnceLock::new();
        let mut found = None;
        each(&self.get(), SQL.get_or_init(|| select_member("?1")), &[Value::Blob(&token.0)], |row| {
            found = Some(read_member(row).map_err(|corrupt| failed(format!("a session: {corrupt}")))?);
            Ok(())
        })?;
        Ok(found)
    }
    fn oauth_code(&self, code: Digest) -> Answer<Option<OauthCode>> {
        self.find(&code)
    }
    fn card(&self, id: CardId) -> Answer<Option<Card>> {
        self.find(&id)
    }
    fn cards(&self, payer: PayerId) -> Answer<Vec<Card>> {
        self.list("WHERE payer = ?1 ORDER BY id DESC", &[Value::Int(payer.0)])
    }
    fn usage(&self, id: i64) -> Answer<Option<Usage>> {
        self.find(&id)
    }
    fn account(&self, id: AccountId) -> Answer<Account> {
        Ok(self.find(&id)?.unwrap_or(Account::new(id)))
    }
    fn transfer(&self, id: TransferId) -> Answer<Option<Transfer>> {
        self.find(&id)
    }
    fn order(&self, id: OrderId) -> Answer<Option<Order>> {
        self.find(&id)
    }
    fn order_by_number(&self, merchant: MerchantId, number: &str) -> Answer<Option<Order>> {
        let db = self.get();
        match order_id(&db, merchant.0, number)? {
            Some(id) => one(&db, &id),
            None => Ok(None),
        }
    }
    fn orders_to_confirm(&self, payer: PayerId) -> Answer<Vec<Order>> {
        self.list("WHERE payer = ?1 AND state = 1 ORDER BY id DESC LIMIT 10", &[Value::Int(payer.0)])
    }
    fn payment(&self, id: PaymentId) -> Answer<Option<Payment>> {
        self.find(&id)
    }
    fn refund(&self, id: RefundId) -> Answer<Option<Refund>> {
        self.find(&id)
    }
    fn refund_by_number(&self, merchant: MerchantId, number: &str) -> Answer<Option<Refund>> {
        let db = self.get();
        match refund_id(&db, merchant.0, number)? {
            Some(id) => one(&db, &id),
            None => Ok(None),
        }
    }
    fn refunds_waiting(&self, page: PageRequest) -> Answer<Page<Refund>> {
        let after = Value::Int(page.after.map_or(i64::MIN, |cursor| cursor.0));
        let rows =
            self.list("WHERE id > ?1 AND state = 0 ORDER BY id LIMIT ?2", &[after, count(page.limit + 1)])?;
        Ok(Page::of(rows, page.limit, |row: &Refund| row.id.0))
    }
    fn payment_code(&self, code: i64) -> Answer<Option<PaymentCode>> {
        self.find(&code)
    }
    fn bill(&self, payer: PayerId, from: Option<BillEntry>, limit: usize) -> Answer<Vec<Bill>> {
        let db = self.get();
        let newest = || Ok::<_, Fault>(one::<Usage>(&db, &payer.0)?.and_then(|usage| usage.newest));
        let mut at = match from {
            Some(from) => Some(from),
            None => newest()?,
        };
        let mut bill = Vec::new();
        while let (Some(entry), true) = (at, bill.len() < limit) {
            if let Some(order) = one::<Order>(&db, &OrderId(entry.0))? {
                if order.payer != Some(payer) {
                    break; // a made-up starting point
                }
                at = order.bill_previous;
                bill.push(Bill::Order(Box::new(order)));
            } else if let Some(payment) = one::<Payment>(&db, &PaymentId(entry.0))? {
                if payment.payer != payer {
                    break;
                }
                at = payment.bill_previous;
                bill.push(Bill::TopUp(Box::new(payment)));
            } else if let Some(transfer) = one::<UserTransfer>(&db, &UserTransferId(entry.0))? {
                if transfer.terms.payer != payer {
                    break;
                }
                at = transfer.bill_previous;
                bill.push(Bill::UserTransfer(Box::new(transfer)));
            } else {
                break;
            }
        }
        Ok(bill)
    }
    fn notification(&self, id: NotificationId) -> Answer<Option<Notification>> {
        self.find(&id)
    }
    fn notifications(&self, merchant: Option<MerchantId>, page: PageRequest) -> Answer<Page<Notification>> {
        let after = Value::Int(page.after.map_or(i64::MAX, |cursor| cursor.0));
        let rows = match merchant {
            None => self.list("WHERE id < ?1 ORDER BY id DESC LIMIT ?2", &[after, count(page.limit + 1)])?,
            Some(merchant) => self.list(
                "WHERE id < ?1 AND mchid = ?3 ORDER BY id DESC LIMIT ?2",
                &[after, count(page.limit + 1), Value::Int(merchant.0)],
            )?,
        };
        Ok(Page::of(rows, page.limit, |row: &Notification| row.id.0))
    }
    fn echo(&self, id: EchoId) -> Answer<Option<Echo>> {
        self.find(&id)
    }
    fn timeline(&self, head: JournalId, limit: usize) -> Answer<Vec<JournalRow>> {
        let db = self.get();
        let mut lines: Vec<JournalRow> = Vec::new();
        let mut next = Some(head);
        while let (Some(id), true) = (next, lines.len() < limit) {
            let Some(line) = journal_line(&db, id)? else { break };
            next = line.previous.filter(|previous| *previous < id);
            lines.push(line);
        }
        Ok(lines)
    }
    fn journal(&self, page: PageRequest) -> Answer<Page<JournalRow>> {
        let db = self.get();
        let before = page.after.map_or(i64::MAX, |cursor| cursor.0);
        let mut lines: Vec<JournalRow> = Vec::new();
        let mut batch = JournalId(before).batch();
        while lines.len() <= page.limit {
            let Some((number, rows)) = journal_batch(&db, "batch <= ?1 ORDER BY batch DESC LIMIT 1", batch)?
            else {
                break;
            };
            lines.extend(rows.into_iter().rev().filter(|row| row.id.0 < before));
            batch = number - 1;
        }
        lines.truncate(page.limit + 1);
        Ok(Page::of(lines, page.limit, |row| row.id.0))
    }

    fn due_notifications(&self, _: ShardSet, now: Time, limit: usize) -> Answer<Vec<Notification>> {
        self.list("WHERE next_at <= ?1 ORDER BY next_at LIMIT ?2", &[Value::Int(now.0), count(limit)])
    }
    fn due_notifications_past(
        &self,
        _: ShardSet,
        now: Time,
        past: Option<(Time, NotificationId)>,
        except: &[MerchantId],
        limit: usize,
    ) -> Answer<Vec<Notification>> {
        let (at, id) = past.map_or((i64::MIN, i64::MIN), |(at, id)| (at.0, id.0));
        let except: Vec<String> = except.iter().map(ToString::to_string).collect();
        self.list(
            "WHERE next_at <= ?1 AND (next_at, id) > (?2, ?3)
               AND mchid NOT IN (SELECT value FROM json_each(?4))
             ORDER BY next_at, id LIMIT ?5",
            &[
                Value::Int(now.0),
                Value::Int(at),
                Value::Int(id),
                Value::Text(&format!("[{}]", except.join(","))),
                count(limit),
            ],
        )
    }
    fn due_payments(&self, _: ShardSet, now: Time, limit: usize) -> Answer<Vec<Payment>> {
        self.list("WHERE ask_at <= ?1 ORDER BY ask_at LIMIT ?2", &[Value::Int(now.0), count(limit)])
    }
    fn due_refunds(&self, _: ShardSet, now: Time, limit: usize) -> Answer<Vec<Refund>> {
        self.list("WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2", &[Value::Int(now.0), count(limit)])
    }
    fn due_orders(&self, _: ShardSet, now: Time, limit: usize) -> Answer<Vec<OrderId>> {
        let sql = "SELECT id FROM orders WHERE expires_at <= ?1 AND state IN (0, 1) AND payment IS NULL
                   ORDER BY expires_at LIMIT ?2";
        let mut found = Vec::new();
        each(&self.get(), sql, &[Value::Int(now.0), count(limit)], |row| {
            found.push(OrderId(row.get(0).map_err(failed)?));
            Ok(())
        })?;
        Ok(found)
    }
    fn stale(&self, _: ShardSet, now: Time, limit: usize) -> Answer<Vec<Key>> {
        let db = self.get();
        let mut keys = Vec::new();
        for of in stale(now) {
            let sql = format!("SELECT {} FROM {} WHERE {} < ?1 LIMIT ?2", of.key, of.table, of.at);
            each(&db, &sql, &[Value::Int(of.before), count(limit)], |row| {
                keys.push(match of.make {
                    Make::Number(make) => make(row.get(0).map_err(failed)?),
                    Make::Digest(make) => make(row.get(0).map(Digest).map_err(failed)?),
                });
                Ok(())
            })?;
        }
        keys.truncate(limit);
        Ok(keys)
    }

    fn crossings(&self, _: ShardSet, limit: usize) -> Answer<Vec<Crossing>> {
        self.list("ORDER BY id LIMIT ?1", &[count(limit)])
    }

    fn each_account(&self, take: &mut dyn FnMut(Account)) -> Answer<()> {
        self.every(take)
    }
    fn each_transfer(&self, take: &mut dyn FnMut(Transfer)) -> Answer<()> {
        self.every(take)
    }
    fn each_order(&self, take: &mut dyn FnMut(Order)) -> Answer<()> {
        self.every(take)
    }
    fn each_payment(&self, take: &mut dyn FnMut(Payment)) -> Answer<()> {
        self.every(take)
    }
    fn each_refund(&self, take: &mut dyn FnMut(Refund)) -> Answer<()> {
        self.every(take)
    }
    fn each_notification(&self, take: &mut dyn FnMut(Notification)) -> Answer<()> {
        self.every(take)
    }
    fn each_combined(&self, take: &mut dyn FnMut(Combined)) -> Answer<()> {
        self.every(take)
    }
    fn each_crossing(&self, take: &mut dyn FnMut(Crossing)) -> Answer<()> {
        self.every(take)
    }
    fn transfers_between(
        &self,
        from: TransferId,
        to: TransferId,
        take: &mut dyn FnMut(Transfer),
    ) -> Answer<()> {
        self.between(from.0, to.0, |transfer: &Transfer| transfer.id.0, take)
    }
    fn refunds_between(&self, from: RefundId, to: RefundId, take: &mut dyn FnMut(Refund)) -> Answer<()> {
        self.between(from.0, to.0, |refund: &Refund| refund.id.0, take)
    }
    fn transfers_voided(&self, from: Time, to: Time, take: &mut dyn FnMut(Transfer)) -> Answer<()> {
        let sql = select(&Transfer::TABLE, "WHERE state = 2 AND at >= ?1 AND at < ?2 ORDER BY at, id");
        each(&self.get(), &sql, &[Value::Int(from.0), Value::Int(to.0)], |row| {
            take(read(row)?);
            Ok(())
        })
    }
    fn records(&self, keys: &[Key]) -> Answer<Vec<Option<Record>>> {
        // One snapshot and one lock for all. The connection may stand in a transaction already.
        let db = self.get();
        let run =
            |sql| db.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map_err(failed);
        run("SAVEPOINT records")?;
        let found = keys.iter().map(|key| load(&db, key)).collect();
        run("RELEASE records")?;
        found
    }
    fn merchant_balances(&self, at: Time) -> Answer<Vec<(AccountId, i64)>> {
        let values = [Value::Int(first_id_at(at)), Value::Int(at.0)];
        let mut found = Vec::new();
        each(&self.get(), &crate::balances::sql(["?1", "?2"]), &values, |row| {
            found.push(crate::balances::read(row.get(0).map_err(failed)?, row.get(1).map_err(failed)?)?);
            Ok(())
        })?;
        Ok(found)
    }
    fn counts(&self) -> Answer<Counts> {
        let batch = "SELECT coalesce(max(batch), 0) FROM journal";
        let batch = self.get().query_row(batch, [], |row| row.get(0)).map_err(failed)?;
        let mut bytes = 0;
        for suffix in ["", "-wal"] {
            let mut name = self.path.clone().into_os_string();
            name.push(suffix);
            bytes += std::fs::metadata(name).map_or(0, |file| i64::try_from(file.len()).unwrap_or(i64::MAX));
        }
        Ok(Counts { batch, bytes })
    }
}

fn journal_batch(db: &Connection, rest: &str, batch: i64) -> Answer<Option<(i64, Vec<JournalRow>)>> {
    let mut found = None;
    each(db, &format!("SELECT batch, at, lines FROM journal WHERE {rest}"), &[Value::Int(batch)], |row| {
        let number: i64 = row.get(0).map_err(failed)?;
        let lines = row.get_ref(2).map_err(failed)?.as_str().map_err(failed)?;
        let rows =
            journal::read(Shard::FIRST, number, row.get(1).map_err(failed)?, lines).map_err(Fault::Failed)?;
        found = Some((number, rows));
        Ok(())
    })?;
    Ok(found)
}

fn journal_line(db: &Connection, id: JournalId) -> Answer<Option<JournalRow>> {
    if Shard::of_journal(id) != Shard::FIRST {
        return Ok(None); // a file has one shard
    }
    let rows = journal_batch(db, "batch = ?1", id.batch())?;
    let place = usize::try_from(id.place()).unwrap_or(usize::MAX);
    Ok(rows.and_then(|(_, rows)| rows.into_iter().nth(place)))
}
