//! Columns of payments and payment codes.

use super::{Row as _, Value, currency};
use Value::{Int, Text};
use domain::{
    limit::BillEntry,
    payment::{Payment, PaymentState},
    payment_code::PaymentCode,
};
use types::{CardId, JournalId, Money, OrderId, PayerId, PaymentId, Time};

stored!(Payment, "payments", keys 1 |key, put| { put(Int(key.0)) },
columns {
    id, order_id, payer, card, amount, currency, state, created_at, ask_at, asked, channel_code,
    bill_previous, journal,
}
mutable { 6, 8, 9, 10, 11, 12 },
write |r, put| {
    put(Int(r.id.0));
    put(r.order.map(|v| v.0).into());
    put(Int(r.payer.0));
    put(Int(r.card.0));
    put(Int(r.amount.minor));
    put(Int(r.amount.currency.numeric().into()));
    put(Int(r.state as i64));
    put(Int(r.created_at.0));
    put(r.ask_at.map(|v| v.0).into());
    put(Int(r.asked.into()));
    put(Text(&r.channel_code));
    put(r.bill_previous.map(|v| v.0).into());
    put(Int(r.journal.0));
},
read |row| {
    Ok(Self {
        id: PaymentId(row.need(0)?),
        order: row.int(1)?.map(OrderId),
        payer: PayerId(row.need(2)?),
        card: CardId(row.need(3)?),
        amount: Money::new(row.need(4)?, currency(row, 5)?),
        state: row.known(6, PaymentState::from_number)?,
        created_at: Time(row.need(7)?),
        ask_at: row.time(8)?,
        asked: row.small(9)?,
        channel_code: row.boxed(10)?,
        bill_previous: row.int(11)?.map(BillEntry),
        journal: JournalId(row.need(12)?),
    })
});

stored!(PaymentCode, "payment_codes", keys 1 |key, put| { put(Int(*key)) },
columns { code, payer, expires_at, used_by } mutable { 1, 2, 3 },
write |r, put| {
    put(Int(r.code));
    put(Int(r.payer.0));
    put(Int(r.expires_at.0));
    put(r.used_by.map(|v| v.0).into());
},
read |row| {
    Ok(Self {
        code: row.need(0)?,
        payer: PayerId(row.need(1)?),
        expires_at: Time(row.need(2)?),
        used_by: row.int(3)?.map(OrderId),
    })
});
