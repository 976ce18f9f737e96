//! Columns of orders.

use super::{Corrupt, Row as _, Value, currency};
use Value::{Blob, Int, Text};
use domain::{
    limit::BillEntry,
    merchant::Product,
    order::{ByPartner, Order, OrderState, Terms},
    refund::Refunded,
};
use std::sync::Arc;
use types::{
    AppId, CardId, CombinedId, JournalId, MerchantId, Money, OrderId, PayerId, PaymentId, RefundId, Shard,
    Time, TransferId,
};

stored!(Order, "orders", keys 1 |key, put| { put(Int(key.0)) },
columns {
    id, state, expires_at, payer, card, paid_at, fee, payment, transfer, reversal, bill_previous, journal,
    mchid, out_trade_no, appid, product, amount, currency, description, attach, notify_url, bound_payer,
    device, extra, digest, shard, refunded, fee_refunded, refunds, newest_refund, sub_mchid, sub_appid, combined,
    profit_sharing,
}
mutable { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 25, 26, 27, 28, 29, 32 } version 11,
write |r, put| {
    let terms = &*r.terms;
    put(Int(r.id.0));
    put(Int(r.state as i64));
    put(Int(r.expires_at.0));
    put(r.payer.map(|v| v.0).into());
    put(r.card.map(|v| v.0).into());
    put(r.paid_at.map(|v| v.0).into());
    put(Int(r.fee));
    put(r.payment.map(|v| v.0).into());
    put(r.transfer.map(|v| v.0).into());
    put(r.reversal.map(|v| v.0).into());
    put(r.bill_previous.map(|v| v.0).into());
    put(Int(r.journal.0));
    // As on the wire: `mchid` is who signed, so that the unique index of numbers is per partner, too.
    put(Int(terms.signer().0));
    put(Text(&terms.number));
    put(Int(terms.app.0));
    put(Int(terms.product as i64));
    put(Int(terms.amount.minor));
    put(Int(terms.amount.currency.numeric().into()));
    put(Text(&terms.description));
    put(Text(&terms.attach));
    put(Text(&terms.notify_url));
    put(terms.payer.map(|v| v.0).into());
    put(Text(&terms.device));
    put(Text(&terms.extra));
    put(Blob(&terms.digest));
    // Most stay in the shard that made them, and then the column takes no room.
    put(Some(i64::from(r.shard.number())).filter(|_| r.shard != Shard::of_id(r.id.0)).into());
    // Null in nearly every order, which takes no room.
    let refunded = r.refunded;
    let any = |value: i64| refunded.newest.map(|_| value).into();
    put(any(refunded.sum));
    put(any(refunded.fee));
    put(any(refunded.count.into()));
    put(refunded.newest.map(|v| v.0).into());
    put(terms.partner.map(|_| terms.merchant.0).into());
    put(terms.partner.and_then(|partner| partner.sub_app).map(|app| app.0).into());
    put(r.combined.map(|v| v.0).into());
    put(terms.sharing.then_some(1).into());
},
read |row| {
    let digest = row.blob(24)?.unwrap_or_default();
    let (signer, sub_merchant) = (MerchantId(row.need(12)?), row.int(30)?.map(MerchantId));
    let sub_app = row.int(31)?.map(AppId);
    let terms = Terms {
        merchant: sub_merchant.unwrap_or(signer),
        partner: sub_merchant.map(|_| ByPartner { id: signer, sub_app }),
        number: row.boxed(13)?,
        app: AppId(row.need(14)?),
        product: row.known(15, Product::from_number)?,
        amount: Money::new(row.need(16)?, currency(row, 17)?),
        description: row.boxed(18)?,
        attach: row.boxed(19)?,
        notify_url: row.boxed(20)?,
        payer: row.int(21)?.map(PayerId),
        sharing: row.int(33)?.is_some(),
        device: row.boxed(22)?,
        extra: row.boxed(23)?,
        digest: digest.try_into().map_err(|_| Corrupt { column: 24, problem: "a digest has 16 bytes" })?,
    };
    let id = OrderId(row.need(0)?);
    let shard = match row.int(25)? {
        None => Shard::of_id(id.0),
        Some(_) => row.known(25, |number| u8::try_from(number).ok().and_then(Shard::new))?,
    };
    Ok(Self {
        id,
        shard,
        terms: Arc::new(terms),
        state: row.known(1, OrderState::from_number)?,
        expires_at: Time(row.need(2)?),
        payer: row.int(3)?.map(PayerId),
        card: row.int(4)?.map(CardId),
        paid_at: row.time(5)?,
        fee: row.need(6)?,
        payment: row.int(7)?.map(PaymentId),
        transfer: row.int(8)?.map(TransferId),
        reversal: row.int(9)?.map(TransferId),
        refunded: Refunded {
            sum: row.int(26)?.unwrap_or(0),
            fee: row.int(27)?.unwrap_or(0),
            count: u32::try_from(row.int(28)?.unwrap_or(0))
                .map_err(|_| Corrupt { column: 28, problem: "number out of range" })?,
            newest: row.int(29)?.map(RefundId),
        },
        combined: row.int(32)?.map(CombinedId),
        bill_previous: row.int(10)?.map(BillEntry),
        journal: JournalId(row.need(11)?),
    })
});
