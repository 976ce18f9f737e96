//! Columns of merchants, their certificates and their applications.

use super::{Corrupt, Row as _, Value, json};
use Value::{Blob, Int, Null, Text};
use domain::{
    application::Application,
    merchant::{Certificate, Merchant, Products},
    partner::{Partnership, Permissions},
    sharing::Participation,
};
use types::{AppId, JournalId, MerchantId, Time};

stored!(Merchant, "merchants", keys 1 |key, put| { put(Int(key.0)) },
columns { id, name, active, apps, products, apiv3_key, public_key_mode, rate_per_s, created_at, journal, refund_days,
    partner, partner_permissions, partner_since, partner_ended_at, combined_by, sharing }
mutable { 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16 },
write |r, put| {
    put(Int(r.id.0));
    put(Text(&r.name));
    put(Int(r.active.into()));
    put(Text(&json(&r.apps.iter().map(ToString::to_string).collect::<Vec<_>>())));
    put(Int(r.products.0.into()));
    put(r.apiv3_key.as_deref().map_or(Null, Blob));
    put(Int(r.public_key_mode.into()));
    put(Int(r.rate_per_s.into()));
    put(Int(r.created_at.0));
    put(Int(r.journal.0));
    put(Int(r.refund_days.into()));
    let partnership = r.partnership.as_ref();
    put(partnership.map(|known| known.partner.0).into());
    put(partnership.map(|known| known.permissions.0.into()).into());
    put(partnership.map(|known| known.since.0).into());
    put(partnership.and_then(|known| known.ended_at).map(|at| at.0).into());
    put(Text(&json(&r.combined_by)));
    let shares = r.sharing != Participation::default();
    put(Text(&if shares { json(&r.sharing) } else { String::new() }));
},
read |row| {
    let apps: Vec<String> = row.json(3)?;
    let apps: Result<Vec<AppId>, _> = apps.iter().map(|app| app.parse()).collect();
    Ok(Self {
        id: MerchantId(row.need(0)?),
        name: row.boxed(1)?,
        active: row.bool(2)?,
        apps: apps.map_err(|_| Corrupt { column: 3, problem: "not appids" })?,
        products: Products(row.small(4)?),
        apiv3_key: row.blob(5)?.map(Into::into),
        public_key_mode: row.bool(6)?,
        rate_per_s: row.small(7)?,
        created_at: Time(row.need(8)?),
        journal: JournalId(row.need(9)?),
        combined_by: row.json(15)?,
        refund_days: row.small(10)?,
        sharing: if row.text(16)?.is_empty() { Participation::default() } else { row.json(16)? },
        partnership: match row.int(11)? {
            None => None,
            Some(partner) => Some(Partnership {
                partner: MerchantId(partner),
                permissions: Permissions(row.small(12)?),
                since: Time(row.need(13)?),
                ended_at: row.time(14)?,
            }),
        },
    })
});

stored!(Certificate, "certificates", keys 1 |key, put| { put(Text(key)) },
columns { serial, mchid, pem, not_before, not_after, revoked_at } mutable { 1, 2, 3, 4, 5 },
write |r, put| {
    put(Text(&r.serial));
    put(Int(r.merchant.0));
    put(Text(&r.pem));
    put(Int(r.not_before.0));
    put(Int(r.not_after.0));
    put(r.revoked_at.map(|t| t.0).into());
},
read |row| {
    Ok(Self {
        serial: row.boxed(0)?,
        merchant: MerchantId(row.need(1)?),
        pem: row.boxed(2)?,
        not_before: Time(row.need(3)?),
        not_after: Time(row.need(4)?),
        revoked_at: row.time(5)?,
    })
});

stored!(Application, "applications", keys 1 |key, put| { put(Int(key.0)) },
columns { id, name, redirect_hosts, secret } mutable { 1, 2, 3 },
write |r, put| {
    put(Int(r.id.0));
    put(Text(&r.name));
    put(Text(&json(&r.redirect_hosts)));
    put(r.secret.as_ref().map_or(Null, |d| Blob(&d.0)));
},
read |row| {
    Ok(Self {
        id: AppId(row.need(0)?),
        name: row.boxed(1)?,
        redirect_hosts: row.json(2)?,
        secret: row.digest(3)?,
    })
});
