//! Committed reads over a few connections.

use super::{
    link::{Link, Purpose, Server, Trouble},
    load::load,
    sql::{Schema, read},
};
use crate::{
    columns::Stored,
    journal,
    pool::Pool,
    stale::{Make, stale},
};
use domain::{
    Key, Record,
    application::Application,
    card::Card,
    echo::Echo,
    keyring::KeyRing,
    limit::{BillEntry, Limits, Usage},
    merchant::{Certificate, Merchant},
    notification::Notification,
    order::Order,
    payer::{Payer, PhoneOwner},
    payment::Payment,
    payment_code::PaymentCode,
    records::Digest,
    session::Session,
};
use engine::{
    Fault, Queries,
    query::{Bill, Counts, JournalRow},
};
use ledger::{Account, AccountId, Transfer};
use std::sync::Arc;
use tokio_postgres::{Row, types::ToSql};
use types::{
    AppId, CardId, EchoId, JournalId, MerchantId, NotificationId, OrderId, Page, PageRequest, PayerId,
    PaymentId, Time, TransferId,
};

type Answer<T> = Result<T, Fault>;

/// Rows read at once when a whole table is gone through.
const STEP: i64 = 5_000;
/// Batches of the journal read at once.
const BATCHES: i64 = 8;

pub(super) struct PostgresQueries {
    server: Arc<Server>,
    schema: Arc<Schema>,
    /// Opened when first used.
    pool: Pool<Option<Link>>,
    /// Set when the only connection stands in a transaction that sees one moment: it can't be replaced.
    one_moment: bool,
}

impl PostgresQueries {
    pub(super) fn new(server: &Arc<Server>, schema: &Arc<Schema>) -> Self {
        let pool = Pool::new((0..server.options.readers.max(1)).map(|_| None));
        let (server, schema) = (Arc::clone(server), Arc::clone(schema));
        Self { server, schema, pool, one_moment: false }
    }

    pub(super) fn at_one_moment(server: &Arc<Server>, schema: &Arc<Schema>, link: Link) -> Answer<Self> {
        let begin = "SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0;
                     BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        link.simple(begin).map_err(|trouble| server.failed(trouble))?;
        let pool = Pool::new([Some(link)]);
        Ok(Self { pool, one_moment: true, ..Self::new(server, schema) })
    }

    /// Reads on one connection. One that was lost while idle is found out by using it: once more with a new one.
    fn ask<T>(&self, read: impl Fn(&mut Link) -> Result<T, Trouble>) -> Answer<T> {
        let mut place = self.pool.get();
        if let Some(link) = place.as_mut()
            && (self.one_moment || !link.is_lost())
        {
            let answer = read(link);
            if self.one_moment || answer.is_ok() || !link.is_lost() {
                return answer.map_err(|trouble| self.server.failed(trouble));
            }
        }
        *place = None;
        let link = place.insert(self.server.connect(Purpose::Query)?);
        read(link).map_err(|trouble| self.server.failed(trouble))
    }

    fn load(&self, key: Key) -> Answer<Option<Record>> {
        Ok(self.ask(|link| load(link, &self.schema, std::slice::from_ref(&key)))?.pop().flatten())
    }

    fn list<E: Stored>(&self, rest: &str, values: &[&(dyn ToSql + Sync)]) -> Answer<Vec<E>> {
        let sql = format!("SELECT {} FROM {} {rest}", E::TABLE.columns.join(", "), E::TABLE.name);
        self.ask(|link| link.rows(&sql, values))?.iter().map(read).collect()
    }

    fn rows(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Answer<Vec<Row>> {
        self.ask(|link| link.rows(sql, values))
    }

    /// A whole table in the order of its id, a piece at a time.
    fn every<E: Stored>(&self, take: &mut dyn FnMut(E)) -> Answer<()> {
        let mut past = i64::MIN;
        let sql = format!(
            "SELECT {} FROM {} WHERE id > $1 ORDER BY id LIMIT {STEP}",
            E::TABLE.columns.join(", "),
            E::TABLE.name
        );
        loop {
            let rows = self.rows(&sql, &[&past])?;
            for row in &rows {
                take(read(row)?);
            }
            let Some(last) = rows.last().filter(|_| rows.len() as i64 == STEP) else { return Ok(()) };
            past = int(last, 0)?;
        }
    }

    fn batches(&self, rest: &str, batch: i64, limit: i64) -> Answer<Vec<(i64, Vec<JournalRow>)>> {
        let shard = i16::from(self.server.options.shard);
        let sql = format!("SELECT batch, at, lines FROM journal WHERE shard = $1 AND {rest} LIMIT $3");
        let rows = self.rows(&sql, &[&shard, &batch, &limit])?;
        let read = |row: &Row| {
            let (batch, at) = (int(row, 0)?, int(row, 1)?);
            let lines: &str =
                row.try_get(2).map_err(|error| Fault::Failed(format!("table journal: {error}")))?;
            Ok((batch, journal::read(batch, at, lines).map_err(Fault::Failed)?))
        };
        rows.iter().map(read).collect()
    }

    fn journal_line(&self, id: JournalId) -> Answer<Option<JournalRow>> {
        let found = self.batches("batch = $2", id.0 / journal::PLACES, 1)?;
        let place = usize::try_from(id.0 % journal::PLACES).unwrap_or(usize::MAX);
        Ok(found.into_iter().next().and_then(|(_, rows)| rows.into_iter().nth(place)))
    }
}

fn int(row: &Row, at: usize) -> Answer<i64> {
    row.try_get(at).map_err(|error| Fault::Failed(format!("column {at}: {error}")))
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A record by its key.
macro_rules! find {
    ($this:expr, $record:ident, $key:expr) => {
        match $this.load(Key::$record($key))? {
            Some(Record::$record(found)) => Ok(Some(found)),
            _ => Ok(None),
        }
    };
}

impl Queries for PostgresQueries {
    fn merchant(&self, id: MerchantId) -> Answer<Option<Merchant>> {
        find!(self, Merchant, id)
    }
    fn merchants(&self) -> Answer<Vec<Merchant>> {
        self.list("ORDER BY id", &[])
    }
    fn certificate(&self, serial: &str) -> Answer<Option<Certificate>> {
        find!(self, Certificate, serial.into())
    }
    fn certificates(&self, merchant: MerchantId) -> Answer<Vec<Certificate>> {
        self.list("WHERE mchid = $1 ORDER BY not_before DESC, serial", &[&merchant.0])
    }
    fn application(&self, id: AppId) -> Answer<Option<Application>> {
        find!(self, Application, id)
    }
    fn key_ring(&self, name: &str) -> Answer<Option<KeyRing>> {
        find!(self, KeyRing, name.into())
    }
    fn limits(&self) -> Answer<Option<Limits>> {
        find!(self, Limits, ())
    }
    fn payer(&self, id: PayerId) -> Answer<Option<Payer>> {
        find!(self, Payer, id)
    }
    fn payer_by_phone(&self, phone: Digest) -> Answer<Option<PayerId>> {
        let found: Option<PhoneOwner> = find!(self, Phone, phone)?;
        Ok(found.map(|owner| owner.payer))
    }
    fn session(&self, token: Digest) -> Answer<Option<Session>> {
        find!(self, Session, token)
    }
    fn card(&self, id: CardId) -> Answer<Option<Card>> {
        find!(self, Card, id)
    }
    fn cards(&self, payer: PayerId) -> Answer<Vec<Card>> {
        self.list("WHERE payer = $1 ORDER BY id DESC", &[&payer.0])
    }
    fn usage(&self, id: i64) -> Answer<Option<Usage>> {
        find!(self, Usage, id)
    }
    fn account(&self, id: AccountId) -> Answer<Account> {
        let found: Option<Account> = find!(self, Account, id)?;
        Ok(found.unwrap_or(Account::new(id)))
    }
    fn transfer(&self, id: TransferId) -> Answer<Option<Transfer>> {
        find!(self, Transfer, id)
    }
    fn order(&self, id: OrderId) -> Answer<Option<Order>> {
        find!(self, Order, id)
    }
    fn order_by_number(&self, merchant: MerchantId, number: &str) -> Answer<Option<Order>> {
        let found = self.list("WHERE mchid = $1 AND out_trade_no = $2", &[&merchant.0, &number])?;
        Ok(found.into_iter().next())
    }
    fn orders_to_confirm(&self, payer: PayerId) -> Answer<Vec<Order>> {
        self.list("WHERE payer = $1 AND state = 1 ORDER BY id DESC LIMIT 10", &[&payer.0])
    }
    fn payment(&self, id: PaymentId) -> Answer<Option<Payment>> {
        find!(self, Payment, id)
    }
    fn payment_code(&self, code: i64) -> Answer<Option<PaymentCode>> {
        find!(self, PaymentCode, code)
    }
    fn bill(&self, payer: PayerId, from: Option<BillEntry>, limit: usize) -> Answer<Vec<Bill>> {
        let mut at = match from {
            Some(from) => Some(from),
            None => self.usage(payer.0)?.and_then(|usage| usage.newest),
        };
        let mut bill = Vec::new();
        while let (Some(entry), true) = (at, bill.len() < limit) {
            // An entry is one or the other; both are asked for at once.
            let keys = [Key::Order(OrderId(entry.0)), Key::Payment(PaymentId(entry.0))];
            let mut found = self.ask(|link| load(link, &self.schema, &keys))?.into_iter().flatten();
            match found.next() {
                // Another payer's: a made-up starting point.
                Some(Record::Order(order)) if order.payer == Some(payer) => {
                    at = order.bill_previous;
                    bill.push(Bill::Order(Box::new(order)));
                }
                Some(Record::Payment(payment)) if payment.payer == payer => {
                    at = payment.bill_previous;
                    bill.push(Bill::TopUp(Box::new(payment)));
                }
                _ => break,
            }
        }
        Ok(bill)
    }
    fn notification(&self, id: NotificationId) -> Answer<Option<Notification>> {
        find!(self, Notification, id)
    }
    fn notifications(&self, merchant: Option<MerchantId>, page: PageRequest) -> Answer<Page<Notification>> {
        let after = page.after.map_or(i64::MAX, |cursor| cursor.0);
        let limit = count(page.limit + 1);
        let rows = match merchant {
            None => self.list("WHERE id < $1 ORDER BY id DESC LIMIT $2", &[&after, &limit])?,
            Some(merchant) => self.list(
                "WHERE id < $1 AND mchid = $3 ORDER BY id DESC LIMIT $2",
                &[&after, &limit, &merchant.0],
            )?,
        };
        Ok(Page::of(rows, page.limit, |row: &Notification| row.id.0))
    }
    fn echo(&self, id: EchoId) -> Answer<Option<Echo>> {
        find!(self, Echo, id)
    }
    fn timeline(&self, head: JournalId, limit: usize) -> Answer<Vec<JournalRow>> {
        let mut lines: Vec<JournalRow> = Vec::new();
        let mut next = Some(head);
        while let (Some(id), true) = (next, lines.len() < limit) {
            let Some(line) = self.journal_line(id)? else { break };
            next = line.previous.filter(|previous| *previous < id);
            lines.push(line);
        }
        Ok(lines)
    }
    fn journal(&self, page: PageRequest) -> Answer<Page<JournalRow>> {
        let before = page.after.map_or(i64::MAX, |cursor| cursor.0);
        let mut lines: Vec<JournalRow> = Vec::new();
        let mut batch = before / journal::PLACES;
        while lines.len() <= page.limit {
            let batches = self.batches("batch <= $2 ORDER BY batch DESC", batch, BATCHES)?;
            let Some((number, _)) = batches.last() else { break };
            batch = number - 1;
            for (_, rows) in batches {
                lines.extend(rows.into_iter().rev().filter(|row| row.id.0 < before));
            }
        }
        lines.truncate(page.limit + 1);
        Ok(Page::of(lines, page.limit, |row| row.id.0))
    }

    fn due_notifications(&self, now: Time, limit: usize) -> Answer<Vec<Notification>> {
        self.list("WHERE next_at <= $1 ORDER BY next_at, id LIMIT $2", &[&now.0, &count(limit)])
    }
    fn due_notifications_past(
        &self,
        now: Time,
        past: Option<(Time, NotificationId)>,
        except: &[MerchantId],
        limit: usize,
    ) -> Answer<Vec<Notification>> {
        let (at, id) = past.map_or((i64::MIN, i64::MIN), |(at, id)| (at.0, id.0));
        let mut merchants = super::array::Column::new(super::array::Kind::Big);
        for merchant in except {
            merchants
                .push(crate::columns::Value::Int(merchant.0))
                .map_err(|why| Fault::Failed(why.into()))?;
        }
        self.list(
            "WHERE next_at <= $1 AND (next_at, id) > ($2, $3) AND mchid <> ALL ($4)
             ORDER BY next_at, id LIMIT $5",
            &[&now.0, &at, &id, &merchants, &count(limit)],
        )
    }
    fn due_payments(&self, now: Time, limit: usize) -> Answer<Vec<Payment>> {
        self.list("WHERE ask_at <= $1 ORDER BY ask_at, id LIMIT $2", &[&now.0, &count(limit)])
    }
    fn due_orders(&self, now: Time, limit: usize) -> Answer<Vec<OrderId>> {
        let sql = "SELECT id FROM orders WHERE expires_at <= $1 AND state IN (0, 1) AND payment IS NULL
                   ORDER BY expires_at, id LIMIT $2";
        self.rows(sql, &[&now.0, &count(limit)])?.iter().map(|row| int(row, 0).map(OrderId)).collect()
    }
    fn stale(&self, now: Time, limit: usize) -> Answer<Vec<Key>> {
        let mut keys = Vec::new();
        for of in stale(now) {
            let sql = format!("SELECT {} FROM {} WHERE {} < $1 LIMIT $2", of.key, of.table, of.at);
            for row in &self.rows(&sql, &[&of.before, &count(limit)])? {
                keys.push(match of.make {
                    Make::Number(make) => make(int(row, 0)?),
                    Make::Digest(make) => {
                        let bytes: Option<&[u8]> = row.try_get(0).ok();
                        let digest = bytes.and_then(|bytes| bytes.try_into().ok()).map(Digest);
                        make(digest.ok_or_else(|| Fault::Failed("a hash has 32 bytes".into()))?)
                    }
                });
            }
        }
        keys.truncate(limit);
        Ok(keys)
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
    fn each_notification(&self, take: &mut dyn FnMut(Notification)) -> Answer<()> {
        self.every(take)
    }
    fn counts(&self) -> Answer<Counts> {
        let sql = "SELECT coalesce((SELECT batch FROM shards WHERE shard = $1), 0),
                          pg_database_size(current_database())";
        let rows = self.rows(sql, &[&i16::from(self.server.options.shard)])?;
        let row = rows.first().ok_or_else(|| Fault::Failed("no answer".into()))?;
        Ok(Counts { batch: int(row, 0)?, bytes: int(row, 1)? })
    }
}
