//! Columns of accounts, transfers and crossings.

use super::{Row as _, Value::Int};
use domain::crossing::Crossing;
use ledger::{Account, AccountId, Transfer, TransferKind, TransferState};
use types::{Time, TransferId};

stored!(Account, "accounts", keys 1 |key, put| { put(Int(key.0)) },
columns { id, debits_pending, debits_posted, credits_pending, credits_posted, frozen }
mutable { 1, 2, 3, 4, 5 },
write |r, put| {
    put(Int(r.id.0));
    put(Int(r.debits_pending));
    put(Int(r.debits_posted));
    put(Int(r.credits_pending));
    put(Int(r.credits_posted));
    put(Int(r.frozen.into()));
},
read |row| {
    Ok(Self {
        id: row.known(0, AccountId::from_stored)?,
        debits_pending: row.need(1)?,
        debits_posted: row.need(2)?,
        credits_pending: row.need(3)?,
        credits_posted: row.need(4)?,
        frozen: row.bool(5)?,
    })
});

stored!(Transfer, "transfers", keys 1 |key, put| { put(Int(key.0)) },
columns { id, debit, credit, amount, kind, state, subject, at } mutable { 5, 7 },
write |r, put| {
    put(Int(r.id.0));
    put(Int(r.debit.0));
    put(Int(r.credit.0));
    put(Int(r.amount));
    put(Int(r.kind as i64));
    put(Int(r.state as i64));
    put(Int(r.subject));
    put(Int(r.at.0));
},
read |row| {
    Ok(Self {
        id: TransferId(row.need(0)?),
        debit: row.known(1, AccountId::from_stored)?,
        credit: row.known(2, AccountId::from_stored)?,
        amount: row.need(3)?,
        kind: row.known(4, TransferKind::from_number)?,
        state: row.known(5, TransferState::from_number)?,
        subject: row.need(6)?,
        at: Time(row.need(7)?),
    })
});

stored!(Crossing, "crossings", keys 1 |key, put| { put(Int(key.0)) },
columns { id, from_account, to_account, amount, sent_at } mutable { 1, 2, 3, 4 },
write |r, put| {
    put(Int(r.id.0));
    put(Int(r.from.0));
    put(Int(r.to.0));
    put(Int(r.amount));
    put(Int(r.sent_at.0));
},
read |row| {
    Ok(Self {
        id: TransferId(row.need(0)?),
        from: row.known(1, AccountId::from_stored)?,
        to: row.known(2, AccountId::from_stored)?,
        amount: row.need(3)?,
        sent_at: Time(row.need(4)?),
    })
});
