//! Committed reads over a few connections.

use super::{
    link::{Link, Purpose, Server, Trouble},
    load::load,
    sql::{Schema, read},
};
use crate::{
    columns::{Stored, read_member, select_member},
    journal,
    pool::Pool,
    stale::{Home, Make, stale},
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
    payer::{Payer, PhoneOwner},
    payment::Payment,
    payment_code::PaymentCode,
    records::Digest,
    refund::Refund,
    session::{OauthCode, Session},
};
use engine::{
    Fault, Queries,
    query::{Bill, Counts, JournalRow},
};
use ledger::{Account, AccountId, Transfer};
use std::sync::{Arc, OnceLock};
use tokio_postgres::{Row, types::ToSql};
use types::{
    AppId, CardId, EchoId, JournalId, MerchantId, NotificationId, OrderId, Page, PageRequest, PayerId,
    PaymentId, RefundId, Shard, ShardSet, Shards, Time, TransferId, UserTransferId, first_id_at,
};

pub(super) type Answer<T> = Result<T, Fault>;

/// Rows read at once when a whole table is gone through.
const STEP: i64 = 5_000;
/// Batches of the journal read at once.
const BATCHES: i64 = 8;

pub(super) struct PostgresQueries {
    server: Arc<Server>,
    schema: Arc<Schema>,
    /// Opened when first used.
    pool: Pool<Option<Link>>,
    /// Read when first asked for.
    shards: OnceLock<Shards>,
    /// Set when the only connection stands in a transaction that sees one moment: it can't be replaced.
    one_moment: bool,
}

impl PostgresQueries {
    pub(super) fn new(server: &Arc<Server>, schema: &Arc<Schema>) -> Self {
        let pool = Pool::new((0..server.options.readers.max(1)).map(|_| None));
        let (server, schema) = (Arc::clone(server), Arc::clone(schema));
        Self { server, schema, pool, shards: OnceLock::new(), one_moment: false }
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

    pub(super) fn load(&self, key: Key) -> Answer<Option<Record>> {
        Ok(self.ask(|link| load(link, &self.schema, std::slice::from_ref(&key)))?.pop().flatten())
    }

    pub(super) fn list<E: Stored>(&self, rest: &str, values: &[&(dyn ToSql + Sync)]) -> Answer<Vec<E>> {
        let sql = format!("SELECT {} FROM {} {rest}", E::TABLE.columns.join(", "), E::TABLE.name);
        self.ask(|link| link.rows(&sql, values))?.iter().map(read).collect()
    }

    pub(super) fn rows(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Answer<Vec<Row>> {
        self.ask(|link| link.rows(sql, values))
    }

    /// A whole table in the order of its id, its first column where none is named so, a piece at a time.
    pub(super) fn every<E: Stored>(&self, take: &mut dyn FnMut(E)) -> Answer<()> {
        let mut past = i64::MIN;
        let columns = E::TABLE.columns;
        let at = columns.iter().position(|column| *column == "id").unwrap_or(0);
        let (id, table) = (columns[at], E::TABLE.name);
        let sql =
            format!("SELECT {} FROM {table} WHERE {id} > $1 ORDER BY {id} LIMIT {STEP}", columns.join(", "));
        loop {
            let rows = self.rows(&sql, &[&past])?;
            for row in &rows {
                take(read(row)?);
            }
            let Some(last) = rows.last().filter(|_| rows.len() as i64 == STEP) else { return Ok(()) };
            past = int(last, at)?;
        }
    }

    /// Rows of a range of ids, a piece at a time.
    fn between<E: Stored>(
        &self,
        mut from: i64,
        to: i64,
        id: impl Fn(&E) -> i64,
        take: &mut dyn FnMut(E),
    ) -> Answer<()> {
        loop {
            let rest = "WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3";
            let rows: Vec<E> = self.list(rest, &[&from, &to, &STEP])?;
            let last = rows.last().map(&id).filter(|_| rows.len() as i64 == STEP);
            rows.into_iter().for_each(&mut *take);
            let Some(last) = last else { return Ok(()) };
            from = last + 1;
        }
    }

    /// The newest batches of a shard up to a number and a time. The time is part of the key.
    fn batches(&self, shard: Shard, (batch, at): (i64, i64), limit: i64) -> Answer<Vec<Lines>> {
        let number = i16::from(shard.number());
        let sql = "SELECT batch, at, lines FROM journal WHERE shard = $1 AND batch <= $2 AND at <= $3
                   ORDER BY batch DESC LIMIT $4";
        let rows = self.rows(sql, &[&number, &batch, &at, &limit])?;
        let read = |row: &Row| {
            let (batch, at) = (int(row, 0)?, int(row, 1)?);
            let lines: &str =
                row.try_get(2).map_err(|error| Fault::Failed(format!("table journal: {error}")))?;
            let rows = journal::read(shard, batch, at, lines).map_err(Fault::Failed)?;
            Ok(Lines { batch, at, rows })
        };
        rows.iter().map(read).collect()
    }

    fn journal_line(&self, id: JournalId) -> Answer<Option<JournalRow>> {
        let place = usize::try_from(id.place()).unwrap_or(usize::MAX);
        Ok(self.batch_of(id)?.and_then(|lines| lines.rows.into_iter().nth(place)))
    }

    /// The batch that a line is in.
    fn batch_of(&self, id: JournalId) -> Answer<Option<Lines>> {
        let found = self.batches(Shard::of_journal(id), (id.batch(), i64::MAX), 1)?;
        Ok(found.into_iter().find(|lines| lines.batch == id.batch()))
    }

    /// The newest lines of one shard before `before`, and some more of the same batch.
    fn journal_of(&self, shard: Shard, before: JournalId, limit: usize) -> Answer<Vec<JournalRow>> {
        let mut lines: Vec<JournalRow> = Vec::new();
        let mut batch = before.batch();
        while lines.len() < limit {
            let found = self.batches(shard, (batch, i64::MAX), BATCHES)?;
            let Some(last) = found.last() else { break };
            batch = last.batch - 1;
            for found in found {
                lines.extend(found.rows.into_iter().rev().filter(|row| row.id < before));
            }
        }
        lines.truncate(limit);
        Ok(lines)
    }

    /// The newest lines of every shard before `after`, in the order of their batches' times. Each shard gives as many
    /// as may be needed; all but one page of them are thrown away.
    fn journal_of_all(&self, after: Option<JournalId>, limit: usize) -> Answer<Vec<JournalRow>> {
        let mut at = i64::MAX;
        if let Some(after) = after {
            // A line that is not there, such as one of an archived month, has nothing before it.
            let Some(lines) = self.batch_of(after)? else { return Ok(Vec::new()) };
            at = lines.at;
        }
        let mut lines: Vec<(i64, JournalRow)> = Vec::new();
        for shard in self.shards()?.all() {
            let (mut found, mut until) = (0, i64::MAX);
            while found < limit {
                let batches = self.batches(shard, (until, at), BATCHES)?;
                let Some(last) = batches.last() else { break };
                until = last.batch - 1;
                for batch in batches {
                    let past = |row: &JournalRow| after.is_none_or(|after| (batch.at, row.id) < (at, after));
                    let before = lines.len();
                    lines.extend(batch.rows.into_iter().filter(past).map(|row| (batch.at, row)));
                    found += lines.len() - before;
                }
            }
        }
        lines.sort_by_key(|(at, row)| std::cmp::Reverse((*at, row.id)));
        lines.truncate(limit);
        Ok(lines.into_iter().map(|(_, row)| row).collect())
    }
}

/// The lines of one batch, oldest first.
struct Lines {
    batch: i64,
    at: i64,
    rows: Vec<JournalRow>,
}

/// The shard that an id says.
pub(super) const BY_ID: &str = "(id >> 16) & 63";

/// A condition that keeps to rows of these shards, where `shard` says a row's; nothing for all of them.
pub(super) fn within(of: ShardSet, shard: &str) -> String {
    if of.is_all() {
        return String::new();
    }
    let numbers: Vec<String> = of.iter().map(|shard| shard.to_string()).collect();
    if numbers.is_empty() {
        " AND false".into()
    } else {
        format!(" AND ({shard}) IN ({})", numbers.join(", "))
    }
}

pub(super) fn int(row: &Row, at: usize) -> Answer<i64> {
    row.try_get(at).map_err(|error| Fault::Failed(format!("column {at}: {error}")))
}

pub(super) fn count(limit: usize) -> i64 {
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
    fn shards(&self) -> Answer<Shards> {
        let place = self.server.options.place;
        if let Some(known) = Some(&place.shards).filter(|_| !place.is_only()).or_else(|| self.shards.get()) {
            return Ok(*known);
        }
        // Fixed once there is a batch, and whoever asks before that is told again what it is.
        let rows =
            self.rows("SELECT shards, EXISTS (SELECT 1 FROM shards WHERE batch > 0) FROM installation", &[])?;
        let found = rows.first().map_or(Ok((1, false)), |row| Ok((row.try_get(0)?, row.try_get(1)?)));
        let (count, fixed): (i16, bool) =
            found.map_err(|error: tokio_postgres::Error| self.server.failed(error))?;
        let shards = u8::try_from(count).ok().and_then(Shards::new);
        let shards = shards.ok_or_else(|| self.server.failed(format!("installation.shards is {count}")))?;
        if fixed {
            let _ = self.shards.set(shards); // another reader may have been quicker
        }
        Ok(shards)
    }
    fn merchant(&self, id: MerchantId) -> Answer<Option<Merchant>> {
        find!(self, Merchant, id)
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
        self.list("WHERE partner = $1 AND id > $2 ORDER BY id LIMIT $3", &[&partner.0, &past, &count(limit)])
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
    fn member(&self, token: Digest) -> Answer<Option<(Session, Payer)>> {
        static SQL: OnceLock<String> = OnceLock::new();
        let rows = self.rows(SQL.get_or_init(|| select_member("$1")), &[&token.0.as_slice()])?;
        let read = |row| read_member(row).map_err(|corrupt| Fault::Failed(format!("a session: {corrupt}")));
        rows.first().map(|row| read(row)).transpose()
    }
    fn oauth_code(&self, code: Digest) -> Answer<Option<OauthCode>> {
        find!(self, OauthCode, code)
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
    fn refund(&self, id: RefundId) -> Answer<Option<Refund>> {
        find!(self, Refund, id)
    }
    fn refund_by_number(&self, merchant: MerchantId, number: &str) -> Answer<Option<Refund>> {
        let found = self.list("WHERE mchid = $1 AND out_refund_no = $2", &[&merchant.0, &number])?;
        Ok(found.into_iter().next())
    }
    fn refunds_waiting(&self, page: PageRequest) -> Answer<Page<Refund>> {
        let after = page.after.map_or(i64::MIN, |cursor| cursor.0);
        let rows =
            self.list("WHERE id > $1 AND state = 0 ORDER BY id LIMIT $2", &[&after, &count(page.limit + 1)])?;
        Ok(Page::of(rows, page.limit, |row: &Refund| row.id.0))
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
            // An entry is one of them; all are asked for at once.
            let keys = [
                Key::Order(OrderId(entry.0)),
                Key::Payment(PaymentId(entry.0)),
                Key::UserTransfer(UserTransferId(entry.0)),
            ];
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
                Some(Record::UserTransfer(transfer)) if transfer.terms.payer == payer => {
                    at = transfer.bill_previous;
                    bill.push(Bill::UserTransfer(Box::new(transfer)));
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
            // Within a shard a link leads back; one to another shard, from which the record came, may be any.
            let shard = Shard::of_journal(id);
            next = line.previous.filter(|to| *to < id || Shard::of_journal(*to) != shard);
            lines.push(line);
        }
        Ok(lines)
    }
    fn journal(&self, page: PageRequest) -> Answer<Page<JournalRow>> {
        let (after, limit) = (page.after.map(|cursor| JournalId(cursor.0)), page.limit + 1);
        let lines = if self.shards()?.is_one() {
            self.journal_of(Shard::FIRST, after.unwrap_or(JournalId(i64::MAX)), limit)?
        } else {
            self.journal_of_all(after, limit)?
        };
        Ok(Page::of(lines, page.limit, |row| row.id.0))
    }

    fn due_notifications(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<Notification>> {
        let rest = format!("WHERE next_at <= $1{} ORDER BY next_at, id LIMIT $2", within(of, BY_ID));
        self.list(&rest, &[&now.0, &count(limit)])
    }
    fn due_notifications_past(
        &self,
        of: ShardSet,
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
        let rest = format!(
            "WHERE next_at <= $1 AND (next_at, id) > ($2, $3) AND mchid <> ALL ($4){}
             ORDER BY next_at, id LIMIT $5",
            within(of, BY_ID)
        );
        self.list(&rest, &[&now.0, &at, &id, &merchants, &count(limit)])
    }
    fn due_payments(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<Payment>> {
        let rest = format!("WHERE ask_at <= $1{} ORDER BY ask_at, id LIMIT $2", within(of, BY_ID));
        self.list(&rest, &[&now.0, &count(limit)])
    }
    fn due_refunds(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<Refund>> {
        let rest = format!("WHERE due_at <= $1{} ORDER BY due_at, id LIMIT $2", within(of, BY_ID));
        self.list(&rest, &[&now.0, &count(limit)])
    }
    fn due_orders(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<OrderId>> {
        let sql = format!(
            "SELECT id FROM orders WHERE expires_at <= $1 AND state IN (0, 1) AND payment IS NULL{}
             ORDER BY expires_at, id LIMIT $2",
            within(of, &format!("coalesce(shard, {BY_ID})"))
        );
        self.rows(&sql, &[&now.0, &count(limit)])?.iter().map(|row| int(row, 0).map(OrderId)).collect()
    }
    fn stale(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<Key>> {
        let mut keys = Vec::new();
        let shards = of.shards().count();
        for over in stale(now) {
            let shard = match over.home {
                Home::Id => BY_ID.into(),
                Home::Payer => format!("payer % {shards}"),
                Home::Code => format!("code % {shards}"),
                Home::Phone => format!("(get_byte(phone, 0) * 256 + get_byte(phone, 1)) % {shards}"),
                Home::Key => "get_byte(key, 31) & 63".into(),
                Home::First => "0".into(),
            };
            let (key, table, at, within) = (over.key, over.table, over.at, within(of, &shard));
            let sql = format!("SELECT {key} FROM {table} WHERE {at} < $1{within} LIMIT $2");
            for row in &self.rows(&sql, &[&over.before, &count(limit)])? {
                keys.push(match over.make {
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

    fn crossings(&self, of: ShardSet, limit: usize) -> Answer<Vec<Crossing>> {
        self.list(&format!("WHERE true{} ORDER BY id LIMIT $1", within(of, BY_ID)), &[&count(limit)])
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
        let rest = "WHERE state = 2 AND at >= $1 AND at < $2 ORDER BY at, id";
        self.list(rest, &[&from.0, &to.0])?.into_iter().for_each(take);
        Ok(())
    }
    fn records(&self, keys: &[Key]) -> Answer<Vec<Option<Record>>> {
        self.ask(|link| load(link, &self.schema, keys))
    }
    fn merchant_balances(&self, at: Time) -> Answer<Vec<(AccountId, i64)>> {
        let rows = self.rows(&crate::balances::sql(["$1", "$2"]), &[&first_id_at(at), &at.0])?;
        rows.iter().map(|row| crate::balances::read(int(row, 0)?, int(row, 1)?)).collect()
    }
    fn counts(&self) -> Answer<Counts> {
        let sql = "SELECT coalesce((SELECT batch FROM shards WHERE shard = $1), 0),
                          pg_database_size(current_database())";
        let rows = self.rows(sql, &[&i16::from(self.server.options.place.shard.number())])?;
        let row = rows.first().ok_or_else(|| Fault::Failed("no answer".into()))?;
        Ok(Counts { batch: int(row, 0)?, bytes: int(row, 1)? })
    }
}
