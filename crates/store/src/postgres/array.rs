//! Columns of a batch as PostgreSQL arrays, written in wire form as values come, without a copy in between.

use crate::columns::Value;
use bytes::{BufMut, BytesMut};
use std::{error::Error, fmt};
use tokio_postgres::types::{IsNull, ToSql, Type};

/// What a column holds, as the database's catalogue says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Small,
    Int,
    Big,
    Text,
    Bytes,
}

impl Kind {
    /// The kind of a type named as in `information_schema.columns`.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "smallint" => Self::Small,
            "integer" => Self::Int,
            "bigint" => Self::Big,
            "text" | "character varying" => Self::Text,
            "bytea" => Self::Bytes,
            _ => return None,
        })
    }
    /// Its name in SQL.
    pub(super) const fn sql(self) -> &'static str {
        match self {
            Self::Small => "int2",
            Self::Int => "int4",
            Self::Big => "int8",
            Self::Text => "text",
            Self::Bytes => "bytea",
        }
    }
    const fn element(self) -> Type {
        match self {
            Self::Small => Type::INT2,
            Self::Int => Type::INT4,
            Self::Big => Type::INT8,
            Self::Text => Type::TEXT,
            Self::Bytes => Type::BYTEA,
        }
    }
    /// The type of an array of it.
    pub(super) const fn array(self) -> Type {
        match self {
            Self::Small => Type::INT2_ARRAY,
            Self::Int => Type::INT4_ARRAY,
            Self::Big => Type::INT8_ARRAY,
            Self::Text => Type::TEXT_ARRAY,
            Self::Bytes => Type::BYTEA_ARRAY,
        }
    }
}

/// Values of one column of the rows of a statement.
pub(super) struct Column {
    kind: Kind,
    count: i32,
    nulls: bool,
    body: BytesMut,
}

impl Column {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, count: 0, nulls: false, body: BytesMut::new() }
    }

    /// Appends a value.
    ///
    /// # Errors
    /// Why the column can't hold it.
    pub(super) fn push(&mut self, value: Value<'_>) -> Result<(), &'static str> {
        self.count = self.count.checked_add(1).ok_or("more rows than one statement takes")?;
        let body = &mut self.body;
        match (self.kind, value) {
            (_, Value::Null) => {
                self.nulls = true;
                body.put_i32(-1);
            }
            (Kind::Big, Value::Int(value)) => {
                body.put_i32(8);
                body.put_i64(value);
            }
            (Kind::Int, Value::Int(value)) => {
                body.put_i32(4);
                body.put_i32(i32::try_from(value).map_err(|_| "number out of the column's range")?);
            }
            (Kind::Small, Value::Int(value)) => {
                body.put_i32(2);
                body.put_i16(i16::try_from(value).map_err(|_| "number out of the column's range")?);
            }
            (Kind::Text, Value::Text(value)) => {
                // The server would refuse it, and with it everybody's batch, only less clearly.
                if value.as_bytes().contains(&0) {
                    return Err("text with the character U+0000, which PostgreSQL can't keep");
                }
                put_bytes(body, value.as_bytes())?;
            }
            (Kind::Bytes, Value::Blob(value)) => put_bytes(body, value)?,
            _ => return Err("a value of another type than the column's"),
        }
        Ok(())
    }
}

fn put_bytes(body: &mut BytesMut, bytes: &[u8]) -> Result<(), &'static str> {
    body.put_i32(i32::try_from(bytes.len()).map_err(|_| "value too long")?);
    body.put_slice(bytes);
    Ok(())
}

/// Never shows values.
impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.kind.sql(), self.count)
    }
}

impl ToSql for Column {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.reserve(20 + self.body.len());
        out.put_i32(i32::from(self.count > 0)); // dimensions
        out.put_i32(self.nulls.into());
        out.put_u32(self.kind.element().oid());
        if self.count > 0 {
            out.put_i32(self.count);
            out.put_i32(1); // the first index
            out.put_slice(&self.body);
        }
        Ok(IsNull::No)
    }
    fn accepts(_: &Type) -> bool {
        true // `to_sql_checked` compares with the kind
    }
    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        if *ty != self.kind.array() {
            return Err(format!("{self:?} is no {ty}").into());
        }
        self.to_sql(ty, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(kind: Kind, value: Value<'_>) -> Result<(), &'static str> {
        Column::new(kind).push(value)
    }

    #[test]
    fn what_a_column_cannot_hold_is_refused_before_anything_is_sent() {
        assert_eq!(pushed(Kind::Small, Value::Int(32_767)), Ok(()));
        assert!(pushed(Kind::Small, Value::Int(32_768)).is_err());
        assert!(pushed(Kind::Int, Value::Int(-2_147_483_649)).is_err());
        assert!(pushed(Kind::Text, Value::Text("a\0b")).unwrap_err().contains("U+0000"));
        assert_eq!(pushed(Kind::Bytes, Value::Blob(&[0, 1])), Ok(()));
        assert!(pushed(Kind::Text, Value::Int(1)).is_err());
        assert!(pushed(Kind::Big, Value::Text("1")).is_err());
    }

    #[test]
    fn an_array_is_written_as_the_protocol_says() {
        let mut column = Column::new(Kind::Small);
        column.push(Value::Int(5)).unwrap();
        column.push(Value::Null).unwrap();
        let mut out = BytesMut::new();
        assert!(column.to_sql_checked(&Type::INT2_ARRAY, &mut out).is_ok());
        let words = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 21, 0, 0, 0, 2, 0, 0, 0, 1];
        assert_eq!(out[..20], words, "dimensions, nulls, type, count, first index");
        assert_eq!(out[20..], [0, 0, 0, 2, 0, 5, 255, 255, 255, 255]);
        assert!(column.to_sql_checked(&Type::INT8_ARRAY, &mut out).is_err());
    }
}
