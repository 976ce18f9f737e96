//! The one place where a record's columns are defined: table, key, order of columns, how a record becomes
//! values and back. Every SQL store builds its statements from it; the DDL of each is checked against it.

use domain::{payer::Payer, records::Digest, session::Session, world::Entity};
use types::{Currency, Time};

/// A value on its way to a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl From<Option<i64>> for Value<'_> {
    fn from(value: Option<i64>) -> Self {
        value.map_or(Value::Null, Value::Int)
    }
}

/// A row on its way back. Columns are asked for in order, by position.
pub(crate) trait Row {
    fn int(&self, at: usize) -> Result<Option<i64>, Corrupt>;
    fn text(&self, at: usize) -> Result<&str, Corrupt>;
    fn blob(&self, at: usize) -> Result<Option<&[u8]>, Corrupt>;

    fn need(&self, at: usize) -> Result<i64, Corrupt> {
        self.int(at)?.ok_or(Corrupt { column: at, problem: "null where a number must be" })
    }
    fn bool(&self, at: usize) -> Result<bool, Corrupt> {
        Ok(self.need(at)? != 0)
    }
    fn boxed(&self, at: usize) -> Result<Box<str>, Corrupt> {
        Ok(self.text(at)?.into())
    }
    fn time(&self, at: usize) -> Result<Option<Time>, Corrupt> {
        Ok(self.int(at)?.map(Time))
    }
    fn small<T: TryFrom<i64>>(&self, at: usize) -> Result<T, Corrupt> {
        T::try_from(self.need(at)?).map_err(|_| Corrupt { column: at, problem: "number out of range" })
    }
    fn known<T>(&self, at: usize, read: impl Fn(i64) -> Option<T>) -> Result<T, Corrupt> {
        read(self.need(at)?).ok_or(Corrupt { column: at, problem: "unknown number" })
    }
    fn digest(&self, at: usize) -> Result<Option<Digest>, Corrupt> {
        let bytes = self.blob(at)?;
        let digest = bytes.map(|bytes| bytes.try_into().map(Digest)).transpose();
        digest.map_err(|_| Corrupt { column: at, problem: "a hash has 32 bytes" })
    }
    fn need_digest(&self, at: usize) -> Result<Digest, Corrupt> {
        self.digest(at)?.ok_or(Corrupt { column: at, problem: "null where a hash must be" })
    }
    fn json<T: serde::de::DeserializeOwned>(&self, at: usize) -> Result<T, Corrupt> {
        serde_json::from_str(self.text(at)?).map_err(|_| Corrupt { column: at, problem: "unreadable JSON" })
    }
}

/// A row that can't be read back: it was changed by other hands, or by a newer version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub(crate) struct Corrupt {
    pub(crate) column: usize,
    pub(crate) problem: &'static str,
}

/// A table: its key columns come first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Columns of the key.
    pub(crate) keys: usize,
    pub(crate) columns: &'static [&'static str],
    /// Columns that an update may change. A record that can be deleted may come back with any other content in
    /// the same batch; of the others some columns never change once written.
    pub(crate) mutable: &'static [usize],
    /// The column of [`Entity::version`], which an update compares.
    pub(crate) version: Option<usize>,
}

/// A record kept in a table of its own.
pub(crate) trait Stored: Entity {
    const TABLE: Table;
    /// The statement that reads the record of a key.
    fn select_one() -> &'static str;
    /// The key's values.
    fn key_values(key: &Self::Key, put: &mut dyn FnMut(Value<'_>));
    /// All values, in column order, key first.
    fn values(&self, put: &mut dyn FnMut(Value<'_>));
    /// The record of a row with all columns in order.
    fn read(row: &dyn RowDyn) -> Result<Self, Corrupt>;
}

/// `Row` for trait objects; every `Row` is one.
pub(crate) trait RowDyn {
    fn get_int(&self, at: usize) -> Result<Option<i64>, Corrupt>;
    fn get_text(&self, at: usize) -> Result<&str, Corrupt>;
    fn get_blob(&self, at: usize) -> Result<Option<&[u8]>, Corrupt>;
}

/// What stands in a row behind so many columns of another record.
pub(crate) struct Behind<'a>(pub(crate) &'a dyn RowDyn, pub(crate) usize);

impl RowDyn for Behind<'_> {
    fn get_int(&self, at: usize) -> Result<Option<i64>, Corrupt> {
        self.0.get_int(self.1 + at)
    }
    fn get_text(&self, at: usize) -> Result<&str, Corrupt> {
        self.0.get_text(self.1 + at)
    }
    fn get_blob(&self, at: usize) -> Result<Option<&[u8]>, Corrupt> {
        self.0.get_blob(self.1 + at)
    }
}

impl Row for &dyn RowDyn {
    fn int(&self, at: usize) -> Result<Option<i64>, Corrupt> {
        self.get_int(at)
    }
    fn text(&self, at: usize) -> Result<&str, Corrupt> {
        self.get_text(at)
    }
    fn blob(&self, at: usize) -> Result<Option<&[u8]>, Corrupt> {
        self.get_blob(at)
    }
}

macro_rules! version {
    () => {
        None
    };
    ($column:literal) => {
        Some($column)
    };
}
pub(crate) use version;

/// Implements [`Stored`]: for each column its name, whether it changes, and the value it takes.
macro_rules! stored {
    ($record:ty, $name:literal, keys $keys:literal |$key:ident, $kput:ident| $bind:block,
     columns { $($column:ident),* $(,)? } mutable { $($mutable:literal),* $(,)? } $(version $version:literal)?,
     write |$this:ident, $put:ident| $write:block, read |$row:ident| $read:block) => {
        impl $crate::columns::Stored for $record {
            const TABLE: $crate::columns::Table = $crate::columns::Table {
                name: $name,
                keys: $keys,
                columns: &[$(stringify!($column)),*],
                mutable: &[$($mutable),*],
                version: $crate::columns::version!($($version)?),
            };
            fn select_one() -> &'static str {
                static SQL: std::sync::OnceLock<String> = std::sync::OnceLock::new();
                SQL.get_or_init(|| $crate::columns::select_one(&Self::TABLE))
            }
            fn key_values($key: &Self::Key, $kput: &mut dyn FnMut($crate::columns::Value<'_>)) $bind
            fn values(&self, $put: &mut dyn FnMut($crate::columns::Value<'_>)) { let $this = self; $write }
            fn read($row: &dyn $crate::columns::RowDyn) -> Result<Self, $crate::columns::Corrupt> {
                let $row = &$row;
                $read
            }
        }
    };
}

mod clearing;
mod combined;
mod exception;
mod ledger;
mod limit;
mod merchant;
mod notification;
mod order;
mod payer;
mod payment;
mod refund;
mod settlement;
mod sharing;
mod staff;
mod system;
mod user_transfer;

pub(crate) use settlement::ids_of;

/// Whose money an order or refund is about: `mchid` is who signed. `#` stands for the value.
pub(crate) const OWNER: &str = "coalesce(sub_mchid, mchid) = #";

/// Which rows a merchant has a part in. A partner's orders and refunds are also of the sub-merchant.
pub(crate) fn of_merchant(table: &Table) -> &'static str {
    if table.columns.contains(&"sub_mchid") { "(mchid = # OR sub_mchid = #)" } else { "mchid = #" }
}

/// A condition of a search with its value's place in it: where `#` stands, else at the end.
pub(crate) fn asks(term: &str, place: &str) -> String {
    if term.contains('#') {
        format!(" AND {}", term.replace('#', place))
    } else {
        format!(" AND {term} {place}")
    }
}

/// `SELECT` of all columns in order, by the whole key.
fn select_one(table: &Table) -> String {
    let keys = table.columns[..table.keys].iter().zip(1..);
    let terms: Vec<String> = keys.map(|(column, place)| format!("{column} = ?{place}")).collect();
    format!("SELECT {} FROM {} WHERE {}", table.columns.join(", "), table.name, terms.join(" AND "))
}

/// `SELECT` of a session and whose it is, by the session's token as parameter `token`: the columns of both in order.
pub(crate) fn select_member(token: &str) -> String {
    let (session, payer) = (Session::TABLE, Payer::TABLE);
    let of = |table: &Table| table.columns.iter().map(|c| format!("{}.{c}", table.name)).collect::<Vec<_>>();
    let columns = [of(&session), of(&payer)].concat().join(", ");
    format!(
        "SELECT {columns} FROM sessions JOIN payers ON payers.id = sessions.payer WHERE sessions.token = {token}"
    )
}

/// A row of [`select_member`].
pub(crate) fn read_member(row: &dyn RowDyn) -> Result<(Session, Payer), Corrupt> {
    Ok((Session::read(row)?, Payer::read(&Behind(row, Session::TABLE.columns.len()))?))
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn currency(row: &impl Row, at: usize) -> Result<Currency, Corrupt> {
    row.known(at, |number| u16::try_from(number).ok().and_then(Currency::from_numeric))
}
