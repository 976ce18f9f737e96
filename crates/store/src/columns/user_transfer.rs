//! Columns of transfers to users, their batches, merchants' plans and what users have received.

use super::{Corrupt, Row as _, Value, currency, json};
use Value::{Blob, Int, Text};
use domain::{
    limit::BillEntry,
    user_transfer::{
        BatchState, BatchTerms, FailReason, GivenName, Recipient, TransferBatch, TransferBatchNumber,
        TransferPlan, TransferTerms, UserTransfer, UserTransferNumber, UserTransferState,
    },
};
use std::sync::Arc;
use types::{
    AppId, BusinessDay, JournalId, MerchantId, Money, PayerId, Shard, Time, TransferBatchId, TransferId,
    UserTransferId,
};

const DIGEST: &str = "a digest has 16 bytes";

stored!(UserTransfer, "user_transfers", keys 1 |key, put| { put(Int(key.0)) },
columns {
    id, state, shard, fail, updated_at, due_at, tries, hold, crossing, end_transfer, bill_previous, journal,
    mchid, out_bill_no, batch, appid, payer, amount, currency, scene, remark, perception, reports, notify_url,
    name, name_hash, created_at, digest,
}
mutable { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 },
write |r, put| {
    let terms = &*r.terms;
    put(Int(r.id.0));
    put(Int(r.state as i64));
    put(Int(r.shard.number().into()));
    put(r.fail.map(|v| v as i64).into());
    put(Int(r.updated_at.0));
    put(r.due_at.map(|v| v.0).into());
    put(Int(r.tries.into()));
    put(r.hold.map(|v| v.0).into());
    put(r.crossing.map(|v| v.0).into());
    put(r.end.map(|v| v.0).into());
    put(r.bill_previous.map(|v| v.0).into());
    put(Int(r.journal.0));
    put(Int(terms.merchant.0));
    put(Text(&terms.number));
    put(r.batch.map(|v| v.0).into());
    put(Int(terms.app.0));
    put(Int(terms.payer.0));
    put(Int(terms.amount.minor));
    put(Int(terms.amount.currency.numeric().into()));
    put(Int(terms.scene.into()));
    put(Text(&terms.remark));
    put(Text(&terms.perception));
    put(Text(&json(&terms.reports)));
    put(Text(&terms.notify_url));
    put(terms.name.as_ref().map_or(Value::Null, |name| Blob(&name.sealed)));
    put(terms.name.as_ref().map_or(Value::Null, |name| Blob(&name.hash.0)));
    put(Int(r.created_at.0));
    put(Blob(&terms.digest));
},
read |row| {
    let digest = row.blob(27)?.unwrap_or_default();
    let name = match (row.blob(24)?, row.digest(25)?) {
        (Some(sealed), Some(hash)) => Some(GivenName { sealed: sealed.into(), hash }),
        _ => None,
    };
    let terms = TransferTerms {
        merchant: MerchantId(row.need(12)?),
        number: row.boxed(13)?,
        app: AppId(row.need(15)?),
        payer: PayerId(row.need(16)?),
        amount: Money::new(row.need(17)?, currency(row, 18)?),
        scene: row.small(19)?,
        remark: row.boxed(20)?,
        perception: row.boxed(21)?,
        reports: row.json(22)?,
        notify_url: row.boxed(23)?,
        name,
        digest: digest.try_into().map_err(|_| Corrupt { column: 27, problem: DIGEST })?,
    };
    Ok(Self {
        id: UserTransferId(row.need(0)?),
        shard: row.known(2, |number| u8::try_from(number).ok().and_then(Shard::new))?,
        terms: Arc::new(terms),
        batch: row.int(14)?.map(TransferBatchId),
        state: row.known(1, UserTransferState::from_number)?,
        fail: match row.int(3)? {
            None => None,
            Some(_) => Some(row.known(3, FailReason::from_number)?),
        },
        created_at: Time(row.need(26)?),
        updated_at: Time(row.need(4)?),
        due_at: row.time(5)?,
        tries: row.small(6)?,
        hold: row.int(7)?.map(TransferId),
        crossing: row.int(8)?.map(TransferId),
        end: row.int(9)?.map(TransferId),
        bill_previous: row.int(10)?.map(BillEntry),
        journal: JournalId(row.need(11)?),
    })
});

stored!(TransferBatch, "transfer_batches", keys 1 |key, put| { put(Int(key.0)) },
columns {
    id, state, updated_at, due_at, begun, ended, succeeded, success_amount, fail_amount, journal,
    mchid, out_batch_no, appid, name, remark, scene, notify_url, details, created_at, digest,
}
mutable { 1, 2, 3, 4, 5, 6, 7, 8, 9 },
write |r, put| {
    let terms = &*r.terms;
    put(Int(r.id.0));
    put(Int(r.state as i64));
    put(Int(r.updated_at.0));
    put(r.due_at.map(|v| v.0).into());
    put(Int(r.begun.into()));
    put(Int(r.ended.into()));
    put(Int(r.succeeded.into()));
    put(Int(r.success_amount));
    put(Int(r.fail_amount));
    put(Int(r.journal.0));
    put(Int(terms.merchant.0));
    put(Text(&terms.number));
    put(Int(terms.app.0));
    put(Text(&terms.name));
    put(Text(&terms.remark));
    put(Int(terms.scene.into()));
    put(Text(&terms.notify_url));
    put(Text(&json(&terms.details)));
    put(Int(r.created_at.0));
    put(Blob(&terms.digest));
},
read |row| {
    let digest = row.blob(19)?.unwrap_or_default();
    let terms = BatchTerms {
        merchant: MerchantId(row.need(10)?),
        number: row.boxed(11)?,
        app: AppId(row.need(12)?),
        name: row.boxed(13)?,
        remark: row.boxed(14)?,
        scene: row.small(15)?,
        notify_url: row.boxed(16)?,
        details: row.json(17)?,
        digest: digest.try_into().map_err(|_| Corrupt { column: 19, problem: DIGEST })?,
    };
    Ok(Self {
        id: TransferBatchId(row.need(0)?),
        terms: Arc::new(terms),
        state: row.known(1, BatchState::from_number)?,
        created_at: Time(row.need(18)?),
        updated_at: Time(row.need(2)?),
        due_at: row.time(3)?,
        begun: row.small(4)?,
        ended: row.small(5)?,
        succeeded: row.small(6)?,
        success_amount: row.need(7)?,
        fail_amount: row.need(8)?,
        journal: JournalId(row.need(9)?),
    })
});

stored!(TransferPlan, "transfer_plans", keys 1 |key, put| { put(Int(key.0)) },
columns { mchid, scenes, day, day_total, journal } mutable { 1, 2, 3, 4 },
write |r, put| {
    put(Int(r.merchant.0));
    put(Text(&json(&r.scenes)));
    put(Int(r.day.0.into()));
    put(Int(r.day_total));
    put(Int(r.journal.0));
},
read |row| {
    Ok(Self {
        merchant: MerchantId(row.need(0)?),
        scenes: row.json(1)?,
        day: BusinessDay(row.small(2)?),
        day_total: row.need(3)?,
        journal: JournalId(row.need(4)?),
    })
});

stored!(Recipient, "recipients", keys 1 |key, put| { put(Int(key.0)) },
columns { payer, name_hash, day, day_total, year, year_total, lifetime_total } mutable { 1, 2, 3, 4, 5, 6 },
write |r, put| {
    put(Int(r.payer.0));
    put(r.name.as_ref().map_or(Value::Null, |name| Blob(&name.0)));
    put(Int(r.day.0.into()));
    put(Int(r.day_total));
    put(Int(r.year.into()));
    put(Int(r.year_total));
    put(Int(r.lifetime_total));
},
read |row| {
    Ok(Self {
        payer: PayerId(row.need(0)?),
        name: row.digest(1)?,
        day: BusinessDay(row.small(2)?),
        day_total: row.need(3)?,
        year: row.small(4)?,
        year_total: row.need(5)?,
        lifetime_total: row.need(6)?,
    })
});

stored!(UserTransferNumber, "user_transfer_numbers", keys 2 |key, put| { put(Int(key.0.0)); put(Text(&key.1)) },
columns { mchid, out_bill_no, transfer } mutable { 2 },
write |r, put| {
    put(Int(r.merchant.0));
    put(Text(&r.number));
    put(Int(r.transfer.0));
},
read |row| {
    let (merchant, transfer) = (MerchantId(row.need(0)?), UserTransferId(row.need(2)?));
    Ok(Self { merchant, number: row.boxed(1)?, transfer })
});

stored!(TransferBatchNumber, "transfer_batch_numbers", keys 2 |key, put| { put(Int(key.0.0)); put(Text(&key.1)) },
columns { mchid, out_batch_no, batch } mutable { 2 },
write |r, put| {
    put(Int(r.merchant.0));
    put(Text(&r.number));
    put(Int(r.batch.0));
},
read |row| {
    let (merchant, batch) = (MerchantId(row.need(0)?), TransferBatchId(row.need(2)?));
    Ok(Self { merchant, number: row.boxed(1)?, batch })
});
