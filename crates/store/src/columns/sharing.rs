//! Columns of profit sharing: receivers, what is left of orders, requests, returns, and their numbers.

use super::{Corrupt, Row as _, RowDyn, Value, json};
use Value::{Blob, Int, Null, Text};
use domain::sharing::{
    FailReason, Party, Receiver, Relation, ReturnState, Share, ShareReturn, Sharing, SharingNumber,
};
use types::{JournalId, MerchantId, OrderId, Shard, ShareId, ShareReturnId, Time, TransferId};

fn party(row: &&dyn RowDyn, at: usize) -> Result<Party, Corrupt> {
    let number = row.need(at + 1)?;
    row.known(at, |kind| Party::from_numbers(kind, number))
}

fn digest(row: &&dyn RowDyn, at: usize) -> Result<[u8; 16], Corrupt> {
    let digest = row.blob(at)?.unwrap_or_default();
    digest.try_into().map_err(|_| Corrupt { column: at, problem: "a digest has 16 bytes" })
}

stored!(Receiver, "sharing_receivers", keys 3 |key, put| {
    let (kind, number) = key.1.numbers();
    put(Int(key.0.0));
    put(Int(kind));
    put(Int(number));
},
columns { mchid, party, party_id, relation, custom_relation, since } mutable { 3, 4, 5 },
write |r, put| {
    let (kind, number) = r.party.numbers();
    put(Int(r.merchant.0));
    put(Int(kind));
    put(Int(number));
    put(Int(r.relation as i64));
    put(Text(&r.custom));
    put(Int(r.since.0));
},
read |row| {
    Ok(Self {
        merchant: MerchantId(row.need(0)?),
        party: party(row, 1)?,
        relation: row.known(3, Relation::from_number)?,
        custom: row.boxed(4)?,
        since: Time(row.need(5)?),
    })
});

stored!(Sharing, "sharings", keys 1 |key, put| { put(Int(key.0)) },
columns {
    order_id, unsplit, reserved, shared, shares, newest, newest_return, ended_at, due_at, mchid, since, shard,
}
mutable { 1, 2, 3, 4, 5, 6, 7, 8 },
write |r, put| {
    put(Int(r.order.0));
    put(Int(r.unsplit));
    put(Int(r.reserved));
    put(Int(r.shared));
    put(Int(r.shares.into()));
    put(r.newest.map(|v| v.0).into());
    put(r.newest_return.map(|v| v.0).into());
    put(r.ended_at.map(|v| v.0).into());
    put(r.due_at.map(|v| v.0).into());
    put(Int(r.merchant.0));
    put(Int(r.since.0));
    put(Int(r.shard.number().into()));
},
read |row| {
    Ok(Self {
        order: OrderId(row.need(0)?),
        shard: row.known(11, |number| u8::try_from(number).ok().and_then(Shard::new))?,
        merchant: MerchantId(row.need(9)?),
        unsplit: row.need(1)?,
        reserved: row.need(2)?,
        shared: row.need(3)?,
        shares: row.small(4)?,
        newest: row.int(5)?.map(ShareId),
        newest_return: row.int(6)?.map(ShareReturnId),
        since: Time(row.need(10)?),
        ended_at: row.time(7)?,
        due_at: row.time(8)?,
    })
});

stored!(Share, "shares", keys 1 |key, put| { put(Int(key.0)) },
columns {
    id, parts, finished_at, due_at, journal, order_id, mchid, partner, out_order_no, previous, created_at, digest,
}
mutable { 1, 2, 3, 4 },
write |r, put| {
    put(Int(r.id.0));
    put(Text(&json(&r.parts)));
    put(r.finished_at.map(|v| v.0).into());
    put(r.due_at.map(|v| v.0).into());
    put(Int(r.journal.0));
    put(Int(r.order.0));
    put(Int(r.merchant.0));
    put(r.partner.map(|v| v.0).into());
    put(Text(&r.number));
    put(r.previous.map(|v| v.0).into());
    put(Int(r.created_at.0));
    put(Blob(&r.digest));
},
read |row| {
    Ok(Self {
        id: ShareId(row.need(0)?),
        order: OrderId(row.need(5)?),
        merchant: MerchantId(row.need(6)?),
        partner: row.int(7)?.map(MerchantId),
        number: row.boxed(8)?,
        parts: row.json(1)?,
        previous: row.int(9)?.map(ShareId),
        created_at: Time(row.need(10)?),
        finished_at: row.time(2)?,
        due_at: row.time(3)?,
        digest: digest(row, 11)?,
        journal: JournalId(row.need(4)?),
    })
});

stored!(ShareReturn, "share_returns", keys 1 |key, put| { put(Int(key.0)) },
columns {
    id, transfer, fail, ended_at, due_at, journal, share, order_id, mchid, partner, out_return_no, from_mchid, amount,
    description, previous, created_at, digest,
}
mutable { 1, 2, 3, 4, 5 },
write |r, put| {
    let (transfer, fail) = match r.state {
        ReturnState::Processing => (Null, Null),
        ReturnState::Succeeded(transfer) => (Int(transfer.0), Null),
        ReturnState::Failed(why) => (Null, Int(why as i64)),
    };
    put(Int(r.id.0));
    put(transfer);
    put(fail);
    put(r.ended_at.map(|v| v.0).into());
    put(r.due_at.map(|v| v.0).into());
    put(Int(r.journal.0));
    put(Int(r.share.0));
    put(Int(r.order.0));
    put(Int(r.merchant.0));
    put(r.partner.map(|v| v.0).into());
    put(Text(&r.number));
    put(Int(r.from.0));
    put(Int(r.amount));
    put(Text(&r.description));
    put(r.previous.map(|v| v.0).into());
    put(Int(r.created_at.0));
    put(Blob(&r.digest));
},
read |row| {
    let state = match (row.int(1)?, row.int(2)?) {
        (None, None) => ReturnState::Processing,
        (Some(transfer), _) => ReturnState::Succeeded(TransferId(transfer)),
        (None, Some(_)) => ReturnState::Failed(row.known(2, FailReason::from_number)?),
    };
    Ok(Self {
        id: ShareReturnId(row.need(0)?),
        share: ShareId(row.need(6)?),
        order: OrderId(row.need(7)?),
        merchant: MerchantId(row.need(8)?),
        partner: row.int(9)?.map(MerchantId),
        number: row.boxed(10)?,
        from: MerchantId(row.need(11)?),
        amount: row.need(12)?,
        description: row.boxed(13)?,
        state,
        previous: row.int(14)?.map(ShareReturnId),
        created_at: Time(row.need(15)?),
        ended_at: row.time(3)?,
        due_at: row.time(4)?,
        digest: digest(row, 16)?,
        journal: JournalId(row.need(5)?),
    })
});

stored!(SharingNumber, "sharing_numbers", keys 3 |key, put| {
    put(Int(key.0.0));
    put(Int(key.1.into()));
    put(Text(&key.2));
},
columns { mchid, of_return, number, id } mutable { 3 },
write |r, put| {
    put(Int(r.signer.0));
    put(Int(r.of_return.into()));
    put(Text(&r.number));
    put(Int(r.id));
},
read |row| {
    Ok(Self {
        signer: MerchantId(row.need(0)?),
        of_return: row.bool(1)?,
        number: row.boxed(2)?,
        id: row.need(3)?,
    })
});
