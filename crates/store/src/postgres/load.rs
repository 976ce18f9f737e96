//! Loads records for the working set: one statement a kind of record, all sent at once.

use super::{
    link::{Link, Purpose, Server, Trouble},
    sql::{Op, Rows, Schema, each_table, read},
    wait::Sent,
};
use crate::columns::{Corrupt, Row as _, RowDyn, Stored, Value};
use domain::{
    Key, Record,
    application::Application,
    calendar::Calendar,
    card::Card,
    claim::NumberClaim,
    clearing::Clearing,
    combined::{Combined, CombinedNumber},
    crossing::Crossing,
    echo::Echo,
    exception::Exception,
    fee::Fees,
    hold::Hold,
    keyring::KeyRing,
    limit::{Limits, Usage},
    merchant::{Certificate, Merchant},
    notification::Notification,
    order::{Order, OrderNumber},
    payer::{Payer, PhoneOwner},
    payment::Payment,
    payment_code::PaymentCode,
    payout::{BankAccount, Payout, PayoutNumber},
    records::Request,
    refund::{Refund, RefundNumber},
    session::{OauthCode, OneTimeCode, Session},
    settlement::{Day, Plan, Settlement},
    sharing::{Receiver, Share, ShareReturn, Sharing, SharingNumber},
    staff::{Staff, StaffName, StaffSession},
    sweep::Counter,
    user_transfer::{
        Recipient, TransferBatch, TransferBatchNumber, TransferPlan, UserTransfer, UserTransferNumber,
    },
    world::Entity as _,
};
use engine::{Fault, Loader};
use ledger::{Account, Transfer};
use std::{
    collections::HashMap,
    mem::{Discriminant, discriminant},
    sync::Arc,
};
use tokio_postgres::{Row, types::ToSql};
use types::{MerchantId, OrderId, PayerId, RefundId};

pub(super) struct PostgresLoader {
    server: Arc<Server>,
    schema: Arc<Schema>,
    link: Option<Link>,
}

impl PostgresLoader {
    pub(super) fn new(server: &Arc<Server>, schema: &Arc<Schema>) -> Self {
        Self { server: Arc::clone(server), schema: Arc::clone(schema), link: None }
    }

    /// Asks the server. A connection that was lost while idle is found out by using it: once more with a new one.
    fn ask<T>(&mut self, ask: impl Fn(&mut Link) -> Result<T, Trouble>) -> Result<T, Fault> {
        let old = self.link.take().filter(|link| !link.is_lost());
        if let Some(mut link) = old {
            match ask(&mut link) {
                Err(_) if link.is_lost() => {}
                answer => {
                    self.link = Some(link);
                    return answer.map_err(|why| self.server.failed(why));
                }
            }
        }
        let mut link = self.server.connect(Purpose::Load)?;
        let answer = ask(&mut link);
        self.link = Some(link);
        answer.map_err(|why| self.server.failed(why))
    }
}

impl Loader for PostgresLoader {
    fn load(&mut self, keys: &[Key]) -> Result<Vec<Option<Record>>, Fault> {
        let schema = Arc::clone(&self.schema);
        self.ask(|link| load(link, &schema, keys))
    }

    fn largest_number(&mut self, merchant: MerchantId) -> Result<Option<Box<str>>, Fault> {
        // The column compares byte by byte, whatever the database does by default.
        let sql = "SELECT out_trade_no FROM orders WHERE mchid = $1 ORDER BY out_trade_no DESC LIMIT 1";
        self.ask(|link| {
            let rows = link.rows(sql, &[&merchant.0])?;
            let number = rows.first().map(|row| row.try_get::<_, &str>(0).map(Into::into)).transpose();
            number.map_err(|error| Trouble::Wrong(error.to_string()))
        })
    }
}

/// What a row says: whose record it is, and the record.
type Read = fn(&Row) -> Result<(Key, Record), Fault>;

/// The keys of one kind.
struct Ask {
    kind: Discriminant<Key>,
    rows: Rows,
    read: Read,
}

/// The records under `keys`, in order.
pub(super) fn load(link: &mut Link, schema: &Schema, keys: &[Key]) -> Result<Vec<Option<Record>>, Trouble> {
    let mut asks: Vec<Ask> = Vec::new();
    for key in keys {
        let kind = discriminant(key);
        let place = asks.iter().position(|ask| ask.kind == kind).unwrap_or_else(|| {
            let (rows, read) = request(schema, key);
            asks.push(Ask { kind, rows, read });
            asks.len() - 1
        });
        asks[place].rows.push(|put| put_key(key, put)).map_err(Trouble::Wrong)?;
    }
    let mut statements = Vec::with_capacity(asks.len());
    for ask in &asks {
        statements.push(link.prepare(&ask.rows.sql.text, &ask.rows.sql.types)?);
    }
    let client = &link.client;
    let answers = link.wait(async {
        let mut sent = Vec::with_capacity(asks.len());
        for (ask, statement) in asks.iter().zip(&statements) {
            let values: Vec<&(dyn ToSql + Sync)> = ask.rows.columns.iter().map(|c| c as _).collect();
            sent.push(Sent::new(async move { client.query(statement, &values).await }).await);
        }
        let mut answers = Vec::with_capacity(sent.len());
        for sent in sent {
            answers.push(sent.answer().await?);
        }
        Ok::<_, Trouble>(answers)
    })?;
    let mut found = HashMap::with_capacity(keys.len());
    for (ask, rows) in asks.iter().zip(answers) {
        for row in &rows {
            let (key, record) = (ask.read)(row).map_err(|fault| Trouble::Wrong(fault.to_string()))?;
            found.insert(key, record);
        }
    }
    Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
}

/// The empty request for keys of this key's kind, and how its rows are read.
fn request(schema: &Schema, key: &Key) -> (Rows, Read) {
    macro_rules! request {
        ($($field:ident: $record:ident,)*) => {
            match key {
                $(Key::$record(_) => (Rows::new(schema.of::<$record>(), Op::Load), |row| {
                    read::<$record>(row).map(|found| (Key::$record(found.key()), Record::$record(found)))
                }),)*
                Key::OrderNumber(_) => (Rows::by_order_number(schema), read_order_number),
                Key::RefundNumber(_) => (Rows::by_refund_number(schema), read_refund_number),
                Key::Phone(_) => (Rows::by_phone(schema), read_phone),
            }
        };
    }
    each_table!(request)
}

fn put_key(key: &Key, put: &mut dyn FnMut(Value<'_>)) {
    macro_rules! put_key {
        ($($field:ident: $record:ident,)*) => {
            match key {
                $(Key::$record(key) => <$record as Stored>::key_values(key, put),)*
                Key::OrderNumber((merchant, number)) | Key::RefundNumber((merchant, number)) => {
                    put(Value::Int(merchant.0));
                    put(Value::Text(number));
                }
                Key::Phone(phone) => put(Value::Blob(&phone.0)),
            }
        };
    }
    each_table!(put_key);
}

fn read_order_number(row: &Row) -> Result<(Key, Record), Fault> {
    let row: &dyn RowDyn = row;
    let read = || {
        let (merchant, order) = (MerchantId(row.need(0)?), OrderId(row.need(2)?));
        Ok::<_, Corrupt>(OrderNumber { merchant, number: row.boxed(1)?, order })
    };
    let found = read().map_err(|corrupt| Fault::Failed(format!("table orders: {corrupt}")))?;
    Ok((Key::OrderNumber(found.key()), Record::OrderNumber(found)))
}

fn read_refund_number(row: &Row) -> Result<(Key, Record), Fault> {
    let row: &dyn RowDyn = row;
    let read = || {
        let (merchant, refund) = (MerchantId(row.need(0)?), RefundId(row.need(2)?));
        Ok::<_, Corrupt>(RefundNumber { merchant, number: row.boxed(1)?, refund })
    };
    let found = read().map_err(|corrupt| Fault::Failed(format!("table refunds: {corrupt}")))?;
    Ok((Key::RefundNumber(found.key()), Record::RefundNumber(found)))
}

fn read_phone(row: &Row) -> Result<(Key, Record), Fault> {
    let row: &dyn RowDyn = row;
    let read = || {
        let (phone, payer) = (row.need_digest(0)?, PayerId(row.need(1)?));
        Ok::<_, Corrupt>(PhoneOwner { phone, payer })
    };
    let found = read().map_err(|corrupt| Fault::Failed(format!("table payers: {corrupt}")))?;
    Ok((Key::Phone(found.key()), Record::Phone(found)))
}
