//! Columns of staff, their names and their sessions.

use super::{Row as _, Value};
use Value::{Blob, Int, Null, Text};
use domain::staff::{Role, Staff, StaffName, StaffSession};
use types::{JournalId, MerchantId, OperatorId, Secret, Time};

stored!(Staff, "staff", keys 1 |key, put| { put(Int(key.0)) },
columns { id, name, mchid, role, active, password, must_change, totp, totp_step, failures, locked_until, sessions_from,
    signed_in_at, created_at, journal }
mutable { 4, 5, 6, 7, 8, 9, 10, 11, 12, 14 },
write |r, put| {
    put(Int(r.id.0));
    put(Text(&r.name));
    put(r.merchant.map(|m| m.0).into());
    put(Int(r.role as i64));
    put(Int(r.active.into()));
    put(Text(r.password.expose()));
    put(Int(r.must_change.into()));
    put(r.totp.as_deref().map_or(Null, Blob));
    put(Int(r.totp_step));
    put(Int(r.failures.into()));
    put(r.locked_until.map(|t| t.0).into());
    put(Int(r.sessions_from.0));
    put(r.signed_in_at.map(|t| t.0).into());
    put(Int(r.created_at.0));
    put(Int(r.journal.0));
},
read |row| {
    Ok(Self {
        id: OperatorId(row.need(0)?),
        name: row.boxed(1)?,
        merchant: row.int(2)?.map(MerchantId),
        role: row.known(3, Role::from_number)?,
        active: row.bool(4)?,
        password: Secret::new(row.text(5)?.to_owned()),
        must_change: row.bool(6)?,
        totp: row.blob(7)?.map(Into::into),
        totp_step: row.need(8)?,
        failures: row.small(9)?,
        locked_until: row.time(10)?,
        sessions_from: Time(row.need(11)?),
        signed_in_at: row.time(12)?,
        created_at: Time(row.need(13)?),
        journal: JournalId(row.need(14)?),
    })
});

stored!(StaffName, "staff_names", keys 1 |key, put| { put(Text(key)) },
columns { name, staff } mutable { 1 },
write |r, put| {
    put(Text(&r.name));
    put(Int(r.staff.0));
},
read |row| {
    Ok(Self { name: row.boxed(0)?, staff: OperatorId(row.need(1)?) })
});

stored!(StaffSession, "staff_sessions", keys 1 |key, put| { put(Blob(&key.0)) },
columns { token, staff, whole, created_at, seen_at, expires_at, device, address, stepped_up_at }
mutable { 1, 2, 3, 4, 5, 6, 7, 8 },
write |r, put| {
    put(Blob(&r.token.0));
    put(Int(r.staff.0));
    put(Int(r.whole.into()));
    put(Int(r.created_at.0));
    put(Int(r.seen_at.0));
    put(Int(r.expires_at.0));
    put(Text(&r.device));
    put(Text(&r.address));
    put(r.stepped_up_at.map(|t| t.0).into());
},
read |row| {
    Ok(Self {
        token: row.need_digest(0)?,
        staff: OperatorId(row.need(1)?),
        whole: row.bool(2)?,
        created_at: Time(row.need(3)?),
        seen_at: Time(row.need(4)?),
        expires_at: Time(row.need(5)?),
        device: row.boxed(6)?,
        address: row.boxed(7)?,
        stepped_up_at: row.time(8)?,
    })
});
