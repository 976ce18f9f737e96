//! Columns of combined orders. What they are made of, and where they stand, is in their orders.

use super::{Corrupt, Row as _, Value, currency, json};
use Value::{Blob, Int, Text};
use domain::{
    combined::{Combined, CombinedNumber},
    merchant::Product,
};
use types::{AppId, CombinedId, MerchantId, Money, OrderId, PayerId};

stored!(Combined, "combined_orders", keys 1 |key, put| { put(Int(key.0)) },
columns {
    id, mchid, out_trade_no, appid, product, total, currency, orders, notify_url, bound_payer, device, extra, digest,
}
mutable {},
write |r, put| {
    put(Int(r.id.0));
    put(Int(r.merchant.0));
    put(Text(&r.number));
    put(Int(r.app.0));
    put(Int(r.product as i64));
    put(Int(r.total.minor));
    put(Int(r.total.currency.numeric().into()));
    put(Text(&json(&r.orders)));
    put(Text(&r.notify_url));
    put(r.payer.map(|v| v.0).into());
    put(Text(&r.device));
    put(Text(&r.extra));
    put(Blob(&r.digest));
},
read |row| {
    let digest = row.blob(12)?.unwrap_or_default();
    Ok(Self {
        id: CombinedId(row.need(0)?),
        merchant: MerchantId(row.need(1)?),
        number: row.boxed(2)?,
        app: AppId(row.need(3)?),
        product: row.known(4, Product::from_number)?,
        total: Money::new(row.need(5)?, currency(row, 6)?),
        orders: row.json::<Vec<OrderId>>(7)?,
        notify_url: row.boxed(8)?,
        payer: row.int(9)?.map(PayerId),
        device: row.boxed(10)?,
        extra: row.boxed(11)?,
        digest: digest.try_into().map_err(|_| Corrupt { column: 12, problem: "a digest has 16 bytes" })?,
    })
});

stored!(CombinedNumber, "combined_numbers", keys 2 |key, put| { put(Int(key.0.0)); put(Text(&key.1)) },
columns { mchid, out_trade_no, combined } mutable {},
write |r, put| {
    put(Int(r.merchant.0));
    put(Text(&r.number));
    put(Int(r.combined.0));
},
read |row| {
    Ok(Self {
        merchant: MerchantId(row.need(0)?),
        number: row.boxed(1)?,
        combined: CombinedId(row.need(2)?),
    })
});
