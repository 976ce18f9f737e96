//! Columns of refunds, and of numbers claimed for orders.

use super::{Corrupt, Row as _, Value, currency, json};
use Value::{Blob, Int, Text};
use domain::{
    claim::{NumberClaim, NumberOf},
    refund::{Funds, Refund, RefundState, RefundTerms},
};
use std::sync::Arc;
use types::{JournalId, MerchantId, Money, OperatorId, OrderId, RefundId, Time};

stored!(Refund, "refunds", keys 1 |key, put| { put(Int(key.0)) },
columns {
    id, state, ended_at, due_at, asked, attempt, channel_code, receiver, approvals, journal,
    order_id, mchid, out_refund_no, amount, currency, fee, previous, created_at, maker, approvals_needed,
    reason, notify_url, funds, extra, digest, sub_mchid,
}
mutable { 1, 2, 3, 4, 5, 6, 7, 8, 9 },
write |r, put| {
    let terms = &*r.terms;
    put(Int(r.id.0));
    put(Int(r.state as i64));
    put(r.ended_at.map(|v| v.0).into());
    put(r.due_at.map(|v| v.0).into());
    put(Int(r.asked.into()));
    put(Int(r.attempt.into()));
    put(Text(&r.channel_code));
    put(Text(&r.receiver.as_ref().map(json).unwrap_or_default()));
    put(Text(&json(&r.approvals)));
    put(Int(r.journal.0));
    put(Int(r.order.0));
    put(Int(terms.signer().0)); // as in orders
    put(Text(&terms.number));
    put(Int(terms.amount.minor));
    put(Int(terms.amount.currency.numeric().into()));
    put(Int(r.fee));
    put(r.previous.map(|v| v.0).into());
    put(Int(r.created_at.0));
    put(r.maker.map(|v| v.0).into());
    put(Int(r.approvals_needed.into()));
    put(Text(&terms.reason));
    put(Text(&terms.notify_url));
    put(Int(terms.funds as i64));
    put(Text(&terms.extra));
    put(Blob(&terms.digest));
    put(terms.partner.map(|_| terms.merchant.0).into());
},
read |row| {
    let digest = row.blob(24)?.unwrap_or_default();
    let (signer, sub_merchant) = (MerchantId(row.need(11)?), row.int(25)?.map(MerchantId));
    let terms = RefundTerms {
        merchant: sub_merchant.unwrap_or(signer),
        partner: sub_merchant.map(|_| signer),
        number: row.boxed(12)?,
        amount: Money::new(row.need(13)?, currency(row, 14)?),
        reason: row.boxed(20)?,
        notify_url: row.boxed(21)?,
        funds: row.known(22, Funds::from_number)?,
        extra: row.boxed(23)?,
        digest: digest.try_into().map_err(|_| Corrupt { column: 24, problem: "a digest has 16 bytes" })?,
    };
    Ok(Self {
        id: RefundId(row.need(0)?),
        order: OrderId(row.need(10)?),
        terms: Arc::new(terms),
        state: row.known(1, RefundState::from_number)?,
        fee: row.need(15)?,
        previous: row.int(16)?.map(RefundId),
        created_at: Time(row.need(17)?),
        ended_at: row.time(2)?,
        due_at: row.time(3)?,
        asked: row.small(4)?,
        attempt: row.small(5)?,
        channel_code: row.boxed(6)?,
        receiver: if row.text(7)?.is_empty() { None } else { Some(row.json(7)?) },
        maker: row.int(18)?.map(OperatorId),
        approvals_needed: row.small(19)?,
        approvals: row.json(8)?,
        journal: JournalId(row.need(9)?),
    })
});

stored!(NumberClaim, "number_claims", keys 3 |key, put| {
    put(Int(key.0 as i64));
    put(Int(key.1.0));
    put(Text(&key.2));
},
columns { kind, mchid, number, order_id } mutable { },
write |r, put| {
    put(Int(r.of as i64));
    put(Int(r.signer.0));
    put(Text(&r.number));
    put(Int(r.order.0));
},
read |row| {
    Ok(Self {
        of: row.known(0, NumberOf::from_number)?,
        signer: MerchantId(row.need(1)?),
        number: row.boxed(2)?,
        order: OrderId(row.need(3)?),
    })
});
