//! Values into statements and rows out of them.

use crate::columns::{Corrupt, RowDyn, Stored, Table, Value};
use engine::Fault;
use rusqlite::{
    Row, Statement,
    types::{ToSqlOutput, ValueRef},
};

impl RowDyn for Row<'_> {
    fn get_int(&self, at: usize) -> Result<Option<i64>, Corrupt> {
        match self.get_ref(at) {
            Ok(ValueRef::Integer(value)) => Ok(Some(value)),
            Ok(ValueRef::Null) => Ok(None),
            _ => Err(Corrupt { column: at, problem: "not a number" }),
        }
    }
    fn get_text(&self, at: usize) -> Result<&str, Corrupt> {
        let text = self.get_ref(at).ok().and_then(|value| value.as_str().ok());
        text.ok_or(Corrupt { column: at, problem: "not text" })
    }
    fn get_blob(&self, at: usize) -> Result<Option<&[u8]>, Corrupt> {
        match self.get_ref(at) {
            Ok(ValueRef::Blob(value)) => Ok(Some(value)),
            Ok(ValueRef::Null) => Ok(None),
            _ => Err(Corrupt { column: at, problem: "not bytes" }),
        }
    }
}

/// Binds the value of parameter `at`, counted from 1.
pub(super) fn bind(statement: &mut Statement<'_>, at: usize, value: Value<'_>) -> rusqlite::Result<()> {
    let value = match value {
        Value::Null => ValueRef::Null,
        Value::Int(value) => ValueRef::Integer(value),
        Value::Text(value) => ValueRef::Text(value.as_bytes()),
        Value::Blob(value) => ValueRef::Blob(value),
    };
    statement.raw_bind_parameter(at, ToSqlOutput::Borrowed(value))
}

/// `SELECT` of all columns in order, from the table.
pub(super) fn select(table: &Table, rest: &str) -> String {
    format!("SELECT {} FROM {} {rest}", table.columns.join(", "), table.name)
}

/// `column = ?1 AND …` over the key.
pub(super) fn by_key(table: &Table) -> String {
    let terms: Vec<String> =
        table.columns[..table.keys].iter().enumerate().map(|(n, c)| format!("{c} = ?{}", n + 1)).collect();
    terms.join(" AND ")
}

/// A store's own error as a fault.
pub(super) fn failed(error: impl std::fmt::Display) -> Fault {
    Fault::Failed(error.to_string())
}

/// Reads a whole row.
pub(super) fn read<E: Stored>(row: &Row<'_>) -> Result<E, Fault> {
    E::read(row).map_err(|corrupt| Fault::Failed(format!("table {}: {corrupt}", E::TABLE.name)))
}
