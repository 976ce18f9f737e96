//! Columns of payers, their codes, sessions and cards.

use super::{Row as _, Value};
use Value::{Blob, Int, Null, Text};
use domain::{
    card::Card,
    payer::Payer,
    session::{OauthCode, OneTimeCode, Session},
};
use types::{AppId, CardId, JournalId, PayerId, Time};

stored!(Payer, "payers", keys 1 |key, put| { put(Int(key.0)) },
columns { id, phone, phone_sealed, active, channels, pin, pin_failures, pin_locked_until, free_pay, created_at, journal }
mutable { 1, 2, 3, 4, 5, 6, 7, 8, 10 },
write |r, put| {
    put(Int(r.id.0));
    put(Blob(&r.phone.0));
    put(Blob(&r.phone_sealed));
    put(Int(r.active.into()));
    put(Int(r.channels.into()));
    put(r.pin.as_ref().map_or(Null, |d| Blob(&d.0)));
    put(Int(r.pin_failures.into()));
    put(r.pin_locked_until.map(|t| t.0).into());
    put(Int(r.free_pay.into()));
    put(Int(r.created_at.0));
    put(Int(r.journal.0));
},
read |row| {
    Ok(Self {
        id: PayerId(row.need(0)?),
        phone: row.need_digest(1)?,
        phone_sealed: row.blob(2)?.unwrap_or_default().into(),
        active: row.bool(3)?,
        channels: row.small(4)?,
        pin: row.digest(5)?,
        pin_failures: row.small(6)?,
        pin_locked_until: row.time(7)?,
        free_pay: row.bool(8)?,
        created_at: Time(row.need(9)?),
        journal: JournalId(row.need(10)?),
    })
});

stored!(OneTimeCode, "one_time_codes", keys 1 |key, put| { put(Blob(&key.0)) },
columns { phone, code, sent_at, tries, sent_today } mutable { 1, 2, 3, 4 },
write |r, put| {
    put(Blob(&r.phone.0));
    put(r.code.as_ref().map_or(Null, |d| Blob(&d.0)));
    put(Int(r.sent_at.0));
    put(Int(r.tries.into()));
    put(Int(r.sent_today.into()));
},
read |row| {
    Ok(Self {
        phone: row.need_digest(0)?,
        code: row.digest(1)?,
        sent_at: Time(row.need(2)?),
        tries: row.small(3)?,
        sent_today: row.small(4)?,
    })
});

stored!(Session, "sessions", keys 1 |key, put| { put(Blob(&key.0)) },
columns { token, payer, created_at, expires_at, device } mutable { 1, 2, 3, 4 },
write |r, put| {
    put(Blob(&r.token.0));
    put(Int(r.payer.0));
    put(Int(r.created_at.0));
    put(Int(r.expires_at.0));
    put(Text(&r.device));
},
read |row| {
    Ok(Self {
        token: row.need_digest(0)?,
        payer: PayerId(row.need(1)?),
        created_at: Time(row.need(2)?),
        expires_at: Time(row.need(3)?),
        device: row.boxed(4)?,
    })
});

stored!(OauthCode, "oauth_codes", keys 1 |key, put| { put(Blob(&key.0)) },
columns { code, appid, payer, expires_at, used } mutable { 1, 2, 3, 4 },
write |r, put| {
    put(Blob(&r.code.0));
    put(Int(r.app.0));
    put(Int(r.payer.0));
    put(Int(r.expires_at.0));
    put(Int(r.used.into()));
},
read |row| {
    Ok(Self {
        code: row.need_digest(0)?,
        app: AppId(row.need(1)?),
        payer: PayerId(row.need(2)?),
        expires_at: Time(row.need(3)?),
        used: row.bool(4)?,
    })
});

stored!(Card, "cards", keys 1 |key, put| { put(Int(key.0)) },
columns { id, payer, bank, tail, token, channel, bound_at } mutable { 1, 2, 3, 4, 5, 6 },
write |r, put| {
    put(Int(r.id.0));
    put(Int(r.payer.0));
    put(Text(&r.bank));
    put(Text(&r.tail));
    put(Text(&r.token));
    put(Int(r.channel));
    put(Int(r.bound_at.0));
},
read |row| {
    Ok(Self {
        id: CardId(row.need(0)?),
        payer: PayerId(row.need(1)?),
        bank: row.boxed(2)?,
        tail: row.boxed(3)?,
        token: row.boxed(4)?,
        channel: row.need(5)?,
        bound_at: Time(row.need(6)?),
    })
});
