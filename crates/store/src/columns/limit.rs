//! Columns of limits and of what payers have used of them.

use super::{Row as _, Value, json};
use Value::{Int, Text};
use domain::limit::{BillEntry, Limits, Usage};
use types::BusinessDay;

stored!(Usage, "usage", keys 1 |key, put| { put(Int(*key)) },
columns {
    id, day, day_two_factors, day_barcode_b, day_one_factor, day_free_count, year, year_total, lifetime_total, newest,
    day_barcode_c, day_barcode_d,
}
mutable { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 },
write |r, put| {
    put(Int(r.id));
    put(Int(r.day.0.into()));
    put(Int(r.day_two_factors));
    put(Int(r.day_barcode_b));
    put(Int(r.day_one_factor));
    put(Int(r.day_free_count.into()));
    put(Int(r.year.into()));
    put(Int(r.year_total));
    put(Int(r.lifetime_total));
    put(r.newest.map(|v| v.0).into());
    put(Int(r.day_barcode_c));
    put(Int(r.day_barcode_d));
},
read |row| {
    Ok(Self {
        id: row.need(0)?,
        day: BusinessDay(row.small(1)?),
        day_two_factors: row.need(2)?,
        day_barcode_b: row.need(3)?,
        day_one_factor: row.need(4)?,
        day_free_count: row.small(5)?,
        year: row.small(6)?,
        year_total: row.need(7)?,
        lifetime_total: row.need(8)?,
        newest: row.int(9)?.map(BillEntry),
        day_barcode_c: row.need(10)?,
        day_barcode_d: row.need(11)?,
    })
});

stored!(Limits, "limits", keys 1 |_key, put| { put(Int(0)) },
    columns { id, versions } mutable { 1 },
    write |r, put| {
        put(Int(0));
        put(Text(&json(&r.versions)));
    },
    read |row| { Ok(Self { versions: row.json(1)? }) });
