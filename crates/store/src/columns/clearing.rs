//! Columns of clearings.

use super::{Row as _, Value};
use Value::{Int, Text};
use domain::clearing::Clearing;
use ledger::AccountId;
use types::{BusinessDay, ClearingId, JournalId, Time};

stored!(Clearing, "clearings", keys 1 |key, put| { put(Text(key)) },
columns {
    reference, expected, due, received, statement, bank_reference, journal, id, receivable, opened_at,
}
mutable { 1, 2, 3, 4, 5, 6 },
write |r, put| {
    put(Text(&r.reference));
    put(r.expected.into());
    put(r.due.map(|day| i64::from(day.0)).into());
    put(r.received.into());
    put(r.statement.map(|day| i64::from(day.0)).into());
    put(Text(&r.bank_reference));
    put(Int(r.journal.0));
    put(Int(r.id.0));
    put(Int(r.receivable.0));
    put(Int(r.opened_at.0));
},
read |row| {
    let day = |number: Option<i64>| number.and_then(|day| i32::try_from(day).ok()).map(BusinessDay);
    Ok(Self {
        reference: row.boxed(0)?,
        expected: row.int(1)?,
        due: day(row.int(2)?),
        received: row.int(3)?,
        statement: day(row.int(4)?),
        bank_reference: row.boxed(5)?,
        journal: JournalId(row.need(6)?),
        id: ClearingId(row.need(7)?),
        receivable: row.known(8, AccountId::from_stored)?,
        opened_at: Time(row.need(9)?),
    })
});
