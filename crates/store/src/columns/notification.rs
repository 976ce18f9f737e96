//! Columns of notifications and echoes.

use super::{Row as _, Value};
use Value::{Int, Text};
use domain::{
    echo::Echo,
    notification::{About, Notification, NotificationState},
};
use types::{EchoId, JournalId, MerchantId, NotificationId, Time};

stored!(Notification, "notifications", keys 1 |key, put| { put(Int(key.0)) },
columns { id, mchid, subject, state, created_at, next_at, attempts, last_status, journal, event }
mutable { 3, 5, 6, 7, 8 },
write |r, put| {
    let (event, subject) = r.about.numbers();
    put(Int(r.id.0));
    put(Int(r.merchant.0));
    put(Int(subject));
    put(Int(r.state as i64));
    put(Int(r.created_at.0));
    put(r.next_at.map(|v| v.0).into());
    put(Int(r.attempts.into()));
    put(Int(r.last_status.into()));
    put(Int(r.journal.0));
    put(Int(event));
},
read |row| {
    let subject = row.need(2)?;
    Ok(Self {
        id: NotificationId(row.need(0)?),
        merchant: MerchantId(row.need(1)?),
        about: row.known(9, |event| About::from_numbers(event, subject))?,
        state: row.known(3, NotificationState::from_number)?,
        created_at: Time(row.need(4)?),
        next_at: row.time(5)?,
        attempts: row.small(6)?,
        last_status: row.small(7)?,
        journal: JournalId(row.need(8)?),
    })
});

stored!(Echo, "echoes", keys 1 |key, put| { put(Int(key.0)) },
columns { id, mchid, notify_url, message } mutable { 1, 2, 3 },
write |r, put| {
    put(Int(r.id.0));
    put(Int(r.merchant.0));
    put(Text(&r.notify_url));
    put(Text(&r.message));
},
read |row| {
    Ok(Self {
        id: EchoId(row.need(0)?),
        merchant: MerchantId(row.need(1)?),
        notify_url: row.boxed(2)?,
        message: row.boxed(3)?,
    })
});
