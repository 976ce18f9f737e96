//! Columns of what the system keeps for itself: sealed key rings, counters, the answers to requests.

use super::{Row as _, Value};
use Value::{Blob, Int, Text};
use domain::{keyring::KeyRing, records::Request, sweep::Counter};
use types::Time;

stored!(KeyRing, "key_rings", keys 1 |key, put| { put(Text(key)) },
columns { name, sealed, version } mutable { 1, 2 },
write |r, put| {
    put(Text(&r.name));
    put(Blob(&r.sealed));
    put(Int(r.version));
},
read |row| {
    let sealed = row.blob(1)?.unwrap_or_default().into();
    Ok(Self { name: row.boxed(0)?, sealed, version: row.need(2)? })
});

stored!(Counter, "counters", keys 1 |key, put| { put(Text(key)) },
    columns { name, last } mutable { 1 },
    write |r, put| {
        put(Text(&r.name));
        put(Int(r.last));
    },
    read |row| { Ok(Self { name: row.boxed(0)?, last: row.need(1)? }) });

stored!(Request, "requests", keys 1 |key, put| { put(Blob(&key.0)) },
columns { key, content, answer, at } mutable { 1, 2, 3 },
write |r, put| {
    put(Blob(&r.key.0));
    put(Blob(&r.content.0));
    put(Text(&r.answer));
    put(Int(r.at.0));
},
read |row| {
    Ok(Self {
        key: row.need_digest(0)?,
        content: row.need_digest(1)?,
        answer: row.boxed(2)?,
        at: Time(row.need(3)?),
    })
});
