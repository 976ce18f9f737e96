//! Loads records for the working set, through a read-only connection of its own.

use super::row::{bind, failed, read};
use crate::columns::{Stored, Value};
use domain::{
    Key, Record,
    order::{Order, OrderNumber},
    payer::PhoneOwner,
    refund::RefundNumber,
};
use engine::{Fault, Loader};
use rusqlite::{Connection, OptionalExtension};
use types::{MerchantId, OrderId, PayerId, RefundId};

pub(super) struct SqliteLoader(Connection);

impl SqliteLoader {
    pub(super) fn new(connection: Connection) -> Self {
        Self(connection)
    }
}

impl Loader for SqliteLoader {
    fn load(&mut self, keys: &[Key]) -> Result<Vec<Option<Record>>, Fault> {
        // One read transaction for all: one snapshot, one lock.
        let run =
            |sql| self.0.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map_err(failed);
        run("BEGIN")?;
        let found = keys.iter().map(|key| load(&self.0, key)).collect();
        run("COMMIT")?;
        found
    }

    fn largest_number(&mut self, merchant: MerchantId) -> Result<Option<Box<str>>, Fault> {
        let sql = "SELECT out_trade_no FROM orders WHERE mchid = ?1 ORDER BY out_trade_no DESC LIMIT 1";
        let found = self.0.prepare_cached(sql).and_then(|mut statement| {
            statement.query_row([merchant.0], |row| row.get::<_, Box<str>>(0)).optional()
        });
        found.map_err(failed)
    }
}

/// The record under `key`.
pub(super) fn one<E: Stored>(connection: &Connection, key: &E::Key) -> Result<Option<E>, Fault> {
    let mut statement = connection.prepare_cached(E::select_one()).map_err(failed)?;
    let mut place = 0;
    let mut bound = Ok(());
    E::key_values(key, &mut |value| {
        place += 1;
        if bound.is_ok() {
            bound = bind(&mut statement, place, value);
        }
    });
    bound.map_err(failed)?;
    let mut rows = statement.raw_query();
    rows.next().map_err(failed)?.map(read).transpose()
}

/// The order under a merchant's number.
pub(super) fn order_id(
    connection: &Connection,
    merchant: i64,
    number: &str,
) -> Result<Option<OrderId>, Fault> {
    let sql = "SELECT id FROM orders WHERE mchid = ?1 AND out_trade_no = ?2";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    bind(&mut statement, 1, Value::Int(merchant)).map_err(failed)?;
    bind(&mut statement, 2, Value::Text(number)).map_err(failed)?;
    let mut rows = statement.raw_query();
    let id = rows.next().map_err(failed)?.map(|row| row.get(0).map(OrderId));
    id.transpose().map_err(failed)
}

/// The refund under a merchant's number.
pub(super) fn refund_id(
    connection: &Connection,
    merchant: i64,
    number: &str,
) -> Result<Option<RefundId>, Fault> {
    let sql = "SELECT id FROM refunds WHERE mchid = ?1 AND out_refund_no = ?2";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    bind(&mut statement, 1, Value::Int(merchant)).map_err(failed)?;
    bind(&mut statement, 2, Value::Text(number)).map_err(failed)?;
    let mut rows = statement.raw_query();
    let id = rows.next().map_err(failed)?.map(|row| row.get(0).map(RefundId));
    id.transpose().map_err(failed)
}

/// The payer of a phone.
pub(super) fn payer_of(connection: &Connection, phone: &[u8]) -> Result<Option<PayerId>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM payers WHERE phone = ?1").map_err(failed)?;
    bind(&mut statement, 1, Value::Blob(phone)).map_err(failed)?;
    let mut rows = statement.raw_query();
    let id = rows.next().map_err(failed)?.map(|row| row.get(0).map(PayerId));
    id.transpose().map_err(failed)
}

/// The record under a key of any kind.
pub(super) fn load(db: &Connection, key: &Key) -> Result<Option<Record>, Fault> {
    Ok(match key {
        Key::Merchant(key) => one(db, key)?.map(Record::Merchant),
        Key::Certificate(key) => one(db, key)?.map(Record::Certificate),
        Key::Application(key) => one(db, key)?.map(Record::Application),
        Key::Payer(key) => one(db, key)?.map(Record::Payer),
        Key::Phone(key) => {
            payer_of(db, &key.0)?.map(|payer| Record::Phone(PhoneOwner { phone: *key, payer }))
        }
        Key::OneTimeCode(key) => one(db, key)?.map(Record::OneTimeCode),
        Key::Session(key) => one(db, key)?.map(Record::Session),
        Key::OauthCode(key) => one(db, key)?.map(Record::OauthCode),
        Key::Card(key) => one(db, key)?.map(Record::Card),
        Key::Order(key) => one::<Order>(db, key)?.map(Record::Order),
        Key::OrderNumber((merchant, number)) => order_id(db, merchant.0, number)?.map(|order| {
            Record::OrderNumber(OrderNumber { merchant: *merchant, number: number.clone(), order })
        }),
        Key::Combined(key) => one(db, key)?.map(Record::Combined),
        Key::CombinedNumber(key) => one(db, key)?.map(Record::CombinedNumber),
        Key::Payment(key) => one(db, key)?.map(Record::Payment),
        Key::Refund(key) => one(db, key)?.map(Record::Refund),
        Key::RefundNumber((merchant, number)) => refund_id(db, merchant.0, number)?.map(|refund| {
            Record::RefundNumber(RefundNumber { merchant: *merchant, number: number.clone(), refund })
        }),
        Key::PaymentCode(key) => one(db, key)?.map(Record::PaymentCode),
        Key::Usage(key) => one(db, key)?.map(Record::Usage),
        Key::Limits(key) => one(db, key)?.map(Record::Limits),
        Key::Fees(key) => one(db, key)?.map(Record::Fees),
        Key::Calendar(key) => one(db, key)?.map(Record::Calendar),
        Key::Plan(key) => one(db, key)?.map(Record::Plan),
        Key::Day(key) => one(db, key)?.map(Record::Day),
        Key::Settlement(key) => one(db, key)?.map(Record::Settlement),
        Key::Hold(key) => one(db, key)?.map(Record::Hold),
        Key::BankAccount(key) => one(db, key)?.map(Record::BankAccount),
        Key::Payout(key) => one(db, key)?.map(Record::Payout),
        Key::PayoutNumber(key) => one(db, key)?.map(Record::PayoutNumber),
        Key::UserTransfer(key) => one(db, key)?.map(Record::UserTransfer),
        Key::UserTransferNumber(key) => one(db, key)?.map(Record::UserTransferNumber),
        Key::TransferBatch(key) => one(db, key)?.map(Record::TransferBatch),
        Key::TransferBatchNumber(key) => one(db, key)?.map(Record::TransferBatchNumber),
        Key::TransferPlan(key) => one(db, key)?.map(Record::TransferPlan),
        Key::Recipient(key) => one(db, key)?.map(Record::Recipient),
        Key::Receiver(key) => one(db, key)?.map(Record::Receiver),
        Key::Sharing(key) => one(db, key)?.map(Record::Sharing),
        Key::Share(key) => one(db, key)?.map(Record::Share),
        Key::ShareReturn(key) => one(db, key)?.map(Record::ShareReturn),
        Key::SharingNumber(key) => one(db, key)?.map(Record::SharingNumber),
        Key::NumberClaim(key) => one(db, key)?.map(Record::NumberClaim),
        Key::Exception(key) => one(db, key)?.map(Record::Exception),
        Key::Clearing(key) => one(db, key)?.map(Record::Clearing),
        Key::Staff(key) => one(db, key)?.map(Record::Staff),
        Key::StaffName(key) => one(db, key)?.map(Record::StaffName),
        Key::StaffSession(key) => one(db, key)?.map(Record::StaffSession),
        Key::Notification(key) => one(db, key)?.map(Record::Notification),
        Key::Echo(key) => one(db, key)?.map(Record::Echo),
        Key::KeyRing(key) => one(db, key)?.map(Record::KeyRing),
        Key::Counter(key) => one(db, key)?.map(Record::Counter),
        Key::Request(key) => one(db, key)?.map(Record::Request),
        Key::Account(key) => one(db, key)?.map(Record::Account),
        Key::Transfer(key) => one(db, key)?.map(Record::Transfer),
        Key::Crossing(key) => one(db, key)?.map(Record::Crossing),
    })
}
