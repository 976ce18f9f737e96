//! Statements of every table, generated from its columns and the types that the database's catalogue gives.
//!
//! Rows travel as one array a column, so a statement changes any number of rows in one round trip. The write path
//! uses nothing that only PostgreSQL itself knows.

use super::array::{Column, Kind};
use crate::columns::{Corrupt, RowDyn, Stored, Table, Value};
use domain::{
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
    order::Order,
    payer::Payer,
    payment::Payment,
    payment_code::PaymentCode,
    payout::{BankAccount, Payout, PayoutNumber},
    records::Request,
    refund::Refund,
    session::{OauthCode, OneTimeCode, Session},
    settlement::{Day, Plan, Settlement},
    sharing::{Receiver, Share, ShareReturn, Sharing, SharingNumber},
    staff::{Staff, StaffName, StaffSession},
    sweep::Counter,
    user_transfer::{
        Recipient, TransferBatch, TransferBatchNumber, TransferPlan, UserTransfer, UserTransferNumber,
    },
};
use engine::Fault;
use ledger::{Account, Transfer};
use std::{collections::HashMap, sync::Arc};
use tokio_postgres::{
    Row,
    types::{FromSql, Type},
};

/// Runs a macro over every record that has a table of its own: the batch's field and the record.
macro_rules! each_table {
    ($with:ident) => {
        $with! {
            merchants: Merchant, certificates: Certificate, applications: Application, payers: Payer,
            one_time_codes: OneTimeCode, sessions: Session, oauth_codes: OauthCode, cards: Card, orders: Order,
            combined: Combined, combined_numbers: CombinedNumber,
            payments: Payment, refunds: Refund, payment_codes: PaymentCode, usage: Usage, limits: Limits,
            fees: Fees, calendars: Calendar, plans: Plan, days: Day, settlements: Settlement, holds: Hold,
            bank_accounts: BankAccount, payouts: Payout, payout_numbers: PayoutNumber,
            user_transfers: UserTransfer, user_transfer_numbers: UserTransferNumber,
            transfer_batches: TransferBatch, transfer_batch_numbers: TransferBatchNumber,
            transfer_plans: TransferPlan, recipients: Recipient,
            receivers: Receiver, sharings: Sharing, shares: Share, share_returns: ShareReturn,
            sharing_numbers: SharingNumber, number_claims: NumberClaim,
            exceptions: Exception, clearings: Clearing,
            staff: Staff, staff_names: StaffName, staff_sessions: StaffSession,
            notifications: Notification, echoes: Echo, key_rings: KeyRing, counters: Counter, requests: Request,
            accounts: Account, transfers: Transfer, crossings: Crossing,
        }
    };
}
pub(super) use each_table;

/// What is done with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Delete,
    Update,
    Insert,
    /// Reads the rows of keys, in no order; a key without a row gives none.
    Load,
}

/// A statement over arrays.
#[derive(Debug)]
pub(super) struct Sql {
    pub(super) text: String,
    /// The types of its arrays.
    pub(super) types: Vec<Type>,
    /// For each of the table's columns, and behind them for the version before, whether its values are sent.
    takes: Vec<Option<Kind>>,
}

/// The statements of one table.
#[derive(Debug)]
pub(super) struct TableSql {
    name: &'static str,
    columns: &'static [&'static str],
    delete: Arc<Sql>,
    update: Arc<Sql>,
    insert: Arc<Sql>,
    load: Arc<Sql>,
}

/// Every table's statements.
#[derive(Debug)]
pub(super) struct Schema {
    tables: HashMap<&'static str, TableSql>,
    by_order_number: Arc<Sql>,
    by_refund_number: Arc<Sql>,
    by_phone: Arc<Sql>,
}

impl Schema {
    /// Reads table, column and type of each column, as in `information_schema.columns`.
    ///
    /// # Errors
    /// What the database lacks.
    pub(super) fn new(catalogue: &[Vec<Option<String>>]) -> Result<Self, String> {
        let mut known = HashMap::new();
        for row in catalogue {
            if let [Some(table), Some(column), Some(kind)] = row.as_slice() {
                known.insert((table.as_str(), column.as_str()), kind.as_str());
            }
        }
        let mut tables = HashMap::new();
        let mut add = |table: Table| -> Result<(), String> {
            let kind = |column: &&'static str| {
                let name = known.get(&(table.name, *column)).copied();
                let kind = name.and_then(Kind::named);
                kind.ok_or_else(|| {
                    format!("column {}.{column} is {}", table.name, name.unwrap_or("not there"))
                })
            };
            let kinds = table.columns.iter().map(kind).collect::<Result<Vec<Kind>, String>>()?;
            tables.insert(table.name, TableSql::of(&table, &kinds));
            Ok(())
        };
        macro_rules! add {
            ($($field:ident: $record:ty,)*) => { $(add(<$record as Stored>::TABLE)?;)* };
        }
        each_table!(add);
        let own = |text: &str, kinds: &[Kind]| {
            Arc::new(Sql {
                text: text.to_owned(),
                types: kinds.iter().map(|kind| kind.array()).collect(),
                takes: kinds.iter().copied().map(Some).collect(),
            })
        };
        Ok(Self {
            tables,
            by_order_number: own(
                "SELECT t.mchid, t.out_trade_no, t.id FROM unnest($1::int8[], $2::text[]) AS u (mchid, number)
                 JOIN orders AS t ON t.mchid = u.mchid AND t.out_trade_no = u.number",
                &[Kind::Big, Kind::Text],
            ),
            by_refund_number: own(
                "SELECT t.mchid, t.out_refund_no, t.id FROM unnest($1::int8[], $2::text[]) AS u (mchid, number)
                 JOIN refunds AS t ON t.mchid = u.mchid AND t.out_refund_no = u.number",
                &[Kind::Big, Kind::Text],
            ),
            by_phone: own(
                "SELECT t.phone, t.id FROM unnest($1::bytea[]) AS u (phone) JOIN payers AS t ON t.phone = u.phone",
                &[Kind::Bytes],
            ),
        })
    }

    /// The statements of a record's table.
    pub(super) fn of<E: Stored>(&self) -> &TableSql {
        &self.tables[E::TABLE.name]
    }
}

impl TableSql {
    fn of(table: &Table, kinds: &[Kind]) -> Self {
        let (name, all) = (table.name, table.columns);
        let keys: Vec<String> = all[..table.keys].iter().map(|key| format!("t.{key} = u.{key}")).collect();
        let keys = keys.join(" AND ");
        let sql = |takes: &dyn Fn(usize) -> bool, write: &dyn Fn(&str, &str) -> String| {
            let all = all.iter().chain(&["was"]);
            let kinds = kinds.iter().chain(&[Kind::Big]).enumerate();
            let takes: Vec<Option<Kind>> = kinds.map(|(at, kind)| takes(at).then_some(*kind)).collect();
            let taken = || all.clone().zip(&takes).filter_map(|(name, kind)| Some((*name, (*kind)?)));
            let names: Vec<&str> = taken().map(|(name, _)| name).collect();
            let arrays: Vec<String> =
                taken().zip(1..).map(|((_, kind), place)| format!("${place}::{}[]", kind.sql())).collect();
            let types = taken().map(|(_, kind)| kind.array()).collect();
            Arc::new(Sql { text: write(&names.join(", "), &arrays.join(", ")), types, takes })
        };
        let is_key = |at: usize| at < table.keys;
        let sets: Vec<String> = table.mutable.iter().map(|at| format!("{0} = u.{0}", all[*at])).collect();
        let sets = sets.join(", ");
        let same = table
            .version
            .map_or(String::new(), |at| format!(" AND (u.was IS NULL OR t.{} = u.was)", all[at]));
        let select: Vec<String> = all.iter().map(|column| format!("t.{column}")).collect();
        let select = select.join(", ");
        Self {
            name,
            columns: all,
            delete: sql(&is_key, &|names, arrays| {
                format!("DELETE FROM {name} AS t USING unnest({arrays}) AS u ({names}) WHERE {keys}")
            }),
            update: sql(
                &|at| {
                    is_key(at) || table.mutable.contains(&at) || (at == all.len() && table.version.is_some())
                },
                &|names, arrays| {
                    format!(
                        "UPDATE {name} AS t SET {sets} FROM unnest({arrays}) AS u ({names}) WHERE {keys}{same}"
                    )
                },
            ),
            insert: sql(&|at| at < all.len(), &|names, arrays| {
                format!("INSERT INTO {name} ({names}) SELECT {names} FROM unnest({arrays}) AS u ({names})")
            }),
            // A join and not `= ANY`, which would look into every partition.
            load: sql(&is_key, &|names, arrays| {
                format!("SELECT {select} FROM unnest({arrays}) AS u ({names}) JOIN {name} AS t ON {keys}")
            }),
        }
    }

    pub(super) const fn sql(&self, op: Op) -> &Arc<Sql> {
        match op {
            Op::Delete => &self.delete,
            Op::Update => &self.update,
            Op::Insert => &self.insert,
            Op::Load => &self.load,
        }
    }
}

/// The rows of one statement.
pub(super) struct Rows {
    table: &'static str,
    names: &'static [&'static str],
    pub(super) sql: Arc<Sql>,
    pub(super) columns: Vec<Column>,
    pub(super) count: u64,
}

impl Rows {
    pub(super) fn new(table: &TableSql, op: Op) -> Self {
        Self::of(table.name, table.columns, table.sql(op))
    }
    /// Finds orders by merchant and its own number.
    pub(super) fn by_order_number(schema: &Schema) -> Self {
        Self::of("orders", &["mchid", "out_trade_no"], &schema.by_order_number)
    }
    /// Finds refunds by merchant and its own number.
    pub(super) fn by_refund_number(schema: &Schema) -> Self {
        Self::of("refunds", &["mchid", "out_refund_no"], &schema.by_refund_number)
    }
    /// Finds payers by phone.
    pub(super) fn by_phone(schema: &Schema) -> Self {
        Self::of("payers", &["phone"], &schema.by_phone)
    }
    fn of(table: &'static str, names: &'static [&'static str], sql: &Arc<Sql>) -> Self {
        let columns = sql.takes.iter().flatten().map(|kind| Column::new(*kind)).collect();
        Self { table, names, sql: Arc::clone(sql), columns, count: 0 }
    }

    /// Appends a row: `fill` puts values in the order of the table's columns, of all or of the key only.
    ///
    /// # Errors
    /// Which column can't hold its value, and why.
    pub(super) fn push(&mut self, fill: impl FnOnce(&mut dyn FnMut(Value<'_>))) -> Result<(), String> {
        let (mut at, mut next) = (0, 0);
        let mut wrong = None;
        fill(&mut |value| {
            if self.sql.takes[at].is_some() {
                if let Err(why) = self.columns[next].push(value) {
                    wrong.get_or_insert((at, why));
                }
                next += 1;
            }
            at += 1;
        });
        self.count += 1;
        match wrong {
            None => Ok(()),
            Some((at, why)) => Err(format!("{}.{}: {why}", self.table, self.names.get(at).unwrap_or(&"was"))),
        }
    }
}

impl RowDyn for Row {
    fn get_int(&self, at: usize) -> Result<Option<i64>, Corrupt> {
        let kind = self.columns().get(at).map(tokio_postgres::Column::type_);
        if kind == Some(&Type::INT2) {
            return Ok(value::<Option<i16>>(self, at)?.map(i64::from));
        }
        if kind == Some(&Type::INT4) {
            return Ok(value::<Option<i32>>(self, at)?.map(i64::from));
        }
        value(self, at)
    }
    fn get_text(&self, at: usize) -> Result<&str, Corrupt> {
        value(self, at)
    }
    fn get_blob(&self, at: usize) -> Result<Option<&[u8]>, Corrupt> {
        value(self, at)
    }
}

fn value<'r, T: FromSql<'r>>(row: &'r Row, at: usize) -> Result<T, Corrupt> {
    row.try_get(at).map_err(|_| Corrupt { column: at, problem: "of another type than expected" })
}

/// Reads a whole row.
pub(super) fn read<E: Stored>(row: &Row) -> Result<E, Fault> {
    E::read(row).map_err(|corrupt| Fault::Failed(format!("table {}: {corrupt}", E::TABLE.name)))
}
