//! The one place where a record's columns are defined: table, key, order of columns, how a record becomes
//! values and back. Every SQL store builds its statements from it; the DDL of each is checked against it.

use domain::{
    application::Application,
    card::Card,
    crossing::Crossing,
    echo::Echo,
    keyring::KeyRing,
    limit::{BillEntry, Limits, Usage},
    merchant::{Certificate, Merchant, Product, Products},
    notification::{About, Notification, NotificationState},
    order::{Order, OrderState, Terms},
    payer::Payer,
    payment::{Payment, PaymentState},
    payment_code::PaymentCode,
    records::{Digest, Request},
    refund::{Funds, Refund, RefundState, RefundTerms, Refunded},
    session::{OauthCode, OneTimeCode, Session},
    sweep::Counter,
    world::Entity,
};
use ledger::{Account, AccountId, Transfer, TransferKind, TransferState};
use std::sync::{Arc, OnceLock};
use types::{
    AppId, BusinessDay, CardId, Currency, EchoId, JournalId, MerchantId, Money, NotificationId, OperatorId,
    OrderId, PayerId, PaymentId, RefundId, Shard, Time, TransferId,
};

/// A value on its way to a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl From<Option<i64>> for Value<'_> {
    fn from(value: Option<i64>) -> Self {
        value.map_or(Value::Null, Value::Int)
    }
}

/// A row on its way back. Columns are asked for in order, by position.
pub(crate) trait Row {
    fn int(&self, at: usize) -> Result<Option<i64>, Corrupt>;
    fn text(&self, at: usize) -> Result<&str, Corrupt>;
    fn blob(&self, at: usize) -> Result<Option<&[u8]>, Corrupt>;

    fn need(&self, at: usize) -> Result<i64, Corrupt> {
        self.int(at)?.ok_or(Corrupt { column: at, problem: "null where a number must be" })
    }
    fn bool(&self, at: usize) -> Result<bool, Corrupt> {
        Ok(self.need(at)? != 0)
    }
    fn boxed(&self, at: usize) -> Result<Box<str>, Corrupt> {
        Ok(self.text(at)?.into())
    }
    fn time(&self, at: usize) -> Result<Option<Time>, Corrupt> {
        Ok(self.int(at)?.map(Time))
    }
    fn small<T: TryFrom<i64>>(&self, at: usize) -> Result<T, Corrupt> {
        T::try_from(self.need(at)?).map_err(|_| Corrupt { column: at, problem: "number out of range" })
    }
    fn known<T>(&self, at: usize, read: impl Fn(i64) -> Option<T>) -> Result<T, Corrupt> {
        read(self.need(at)?).ok_or(Corrupt { column: at, problem: "unknown number" })
    }
    fn digest(&self, at: usize) -> Result<Option<Digest>, Corrupt> {
        let bytes = self.blob(at)?;
        let digest = bytes.map(|bytes| bytes.try_into().map(Digest)).transpose();
        digest.map_err(|_| Corrupt { column: at, problem: "a hash has 32 bytes" })
    }
    fn need_digest(&self, at: usize) -> Result<Digest, Corrupt> {
        self.digest(at)?.ok_or(Corrupt { column: at, problem: "null where a hash must be" })
    }
    fn json<T: serde::de::DeserializeOwned>(&self, at: usize) -> Result<T, Corrupt> {
        serde_json::from_str(self.text(at)?).map_err(|_| Corrupt { column: at, problem: "unreadable JSON" })
    }
}

/// A row that can't be read back: it was changed by other hands, or by a newer version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub(crate) struct Corrupt {
    pub(crate) column: usize,
    pub(crate) problem: &'static str,
}

/// A table: its key columns come first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Columns of the key.
    pub(crate) keys: usize,
    pub(crate) columns: &'static [&'static str],
    /// Columns that an update may change. A record that can be deleted may come back with any other content in
    /// the same batch; of the others some columns never change once written.
    pub(crate) mutable: &'static [usize],
}

/// `SELECT` of all columns in order, by the whole key.
fn select_one(table: &Table) -> String {
    let keys = table.columns[..table.keys].iter().zip(1..);
    let terms: Vec<String> = keys.map(|(column, place)| format!("{column} = ?{place}")).collect();
    format!("SELECT {} FROM {} WHERE {}", table.columns.join(", "), table.name, terms.join(" AND "))
}

/// A record kept in a table of its own.
pub(crate) trait Stored: Entity {
    const TABLE: Table;
    /// The statement that reads the record of a key.
    fn select_one() -> &'static str;
    /// The key's values.
    fn key_values(key: &Self::Key, put: &mut dyn FnMut(Value<'_>));
    /// All values, in column order, key first.
    fn values(&self, put: &mut dyn FnMut(Value<'_>));
    /// The record of a row with all columns in order.
    fn read(row: &dyn RowDyn) -> Result<Self, Corrupt>;
}

/// `Row` for trait objects; every `Row` is one.
pub(crate) trait RowDyn {
    fn get_int(&self, at: usize) -> Result<Option<i64>, Corrupt>;
    fn get_text(&self, at: usize) -> Result<&str, Corrupt>;
    fn get_blob(&self, at: usize) -> Result<Option<&[u8]>, Corrupt>;
}

impl Row for &dyn RowDyn {
    fn int(&self, at: usize) -> Result<Option<i64>, Corrupt> {
        self.get_int(at)
    }
    fn text(&self, at: usize) -> Result<&str, Corrupt> {
        self.get_text(at)
    }
    fn blob(&self, at: usize) -> Result<Option<&[u8]>, Corrupt> {
        self.get_blob(at)
    }
}

/// Implements [`Stored`]: for each column its name, whether it changes, and the value it takes.
macro_rules! stored {
    ($record:ty, $name:literal, keys $keys:literal |$key:ident, $kput:ident| $bind:block,
     columns { $($column:ident),* $(,)? } mutable { $($mutable:literal),* $(,)? },
     write |$this:ident, $put:ident| $write:block, read |$row:ident| $read:block) => {
        impl Stored for $record {
            const TABLE: Table = Table {
                name: $name,
                keys: $keys,
                columns: &[$(stringify!($column)),*],
                mutable: &[$($mutable),*],
            };
            fn select_one() -> &'static str {
                static SQL: OnceLock<String> = OnceLock::new();
                SQL.get_or_init(|| select_one(&Self::TABLE))
            }
            fn key_values($key: &Self::Key, $kput: &mut dyn FnMut(Value<'_>)) $bind
            fn values(&self, $put: &mut dyn FnMut(Value<'_>)) { let $this = self; $write }
            fn read($row: &dyn RowDyn) -> Result<Self, Corrupt> { let $row = &$row; $read }
        }
    };
}

mod exception;
mod settlement;
mod staff;

pub(crate) use settlement::ids_of;

use Value::{Blob, Int, Null, Text};

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

stored!(Merchant, "merchants", keys 1 |key, put| { put(Int(key.0)) },
columns { id, name, active, apps, products, apiv3_key, public_key_mode, rate_per_s, created_at, journal, refund_days }
mutable { 1, 2, 3, 4, 5, 6, 7, 9, 10 },
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
        refund_days: row.small(10)?,
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

stored!(Order, "orders", keys 1 |key, put| { put(Int(key.0)) },
columns {
    id, state, expires_at, payer, card, paid_at, fee, payment, transfer, reversal, bill_previous, journal,
    mchid, out_trade_no, appid, product, amount, currency, description, attach, notify_url, bound_payer,
    device, extra, digest, shard, refunded, fee_refunded, refunds, newest_refund,
}
mutable { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 25, 26, 27, 28, 29 },
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
    put(Int(terms.merchant.0));
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
},
read |row| {
    let digest = row.blob(24)?.unwrap_or_default();
    let terms = Terms {
        merchant: MerchantId(row.need(12)?),
        number: row.boxed(13)?,
        app: AppId(row.need(14)?),
        product: row.known(15, Product::from_number)?,
        amount: Money::new(row.need(16)?, currency(row, 17)?),
        description: row.boxed(18)?,
        attach: row.boxed(19)?,
        notify_url: row.boxed(20)?,
        payer: row.int(21)?.map(PayerId),
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
        bill_previous: row.int(10)?.map(BillEntry),
        journal: JournalId(row.need(11)?),
    })
});

fn currency(row: &impl Row, at: usize) -> Result<Currency, Corrupt> {
    row.known(at, |number| u16::try_from(number).ok().and_then(Currency::from_numeric))
}

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

stored!(Refund, "refunds", keys 1 |key, put| { put(Int(key.0)) },
columns {
    id, state, ended_at, due_at, asked, attempt, channel_code, receiver, approvals, journal,
    order_id, mchid, out_refund_no, amount, currency, fee, previous, created_at, maker, approvals_needed,
    reason, notify_url, funds, extra, digest,
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
    put(Int(terms.merchant.0));
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
},
read |row| {
    let digest = row.blob(24)?.unwrap_or_default();
    let terms = RefundTerms {
        merchant: MerchantId(row.need(11)?),
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

stored!(Usage, "usage", keys 1 |key, put| { put(Int(*key)) },
columns {
    id, day, day_two_factors, day_barcode_b, day_one_factor, day_free_count, year, year_total, lifetime_total, newest,
    day_barcode_c, day_barcode_d,
}
mutable { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 },
write |r, put| {
    put(Int(r.id));
    put(Int(r.day.0.into()));
    put(Int(r.day_two_factors));
    put(Int(r.day_barcode_b));
    put(Int(r.day_one_factor));
    put(Int(r.day_free_count.into()));
    put(Int(r.year.into()));
    put(Int(r.year_total));
    put(Int(r.lifetime_total));
    put(r.newest.map(|v| v.0).into());
    put(Int(r.day_barcode_c));
    put(Int(r.day_barcode_d));
},
read |row| {
    Ok(Self {
        id: row.need(0)?,
        day: BusinessDay(row.small(1)?),
        day_two_factors: row.need(2)?,
        day_barcode_b: row.need(3)?,
        day_one_factor: row.need(4)?,
        day_free_count: row.small(5)?,
        year: row.small(6)?,
        year_total: row.need(7)?,
        lifetime_total: row.need(8)?,
        newest: row.int(9)?.map(BillEntry),
        day_barcode_c: row.need(10)?,
        day_barcode_d: row.need(11)?,
    })
});

stored!(Limits, "limits", keys 1 |_key, put| { put(Int(0)) },
    columns { id, versions } mutable { 1 },
    write |r, put| {
        put(Int(0));
        put(Text(&json(&r.versions)));
    },
    read |row| { Ok(Self { versions: row.json(1)? }) });

stored!(Notification, "notifications", keys 1 |key, put| { put(Int(key.0)) },
columns { id, mchid, subject, state, created_at, next_at, attempts, last_status, journal, event }
mutable { 3, 5, 6, 7, 8 },
write |r, put| {
    let (event, subject) = r.about.numbers();
    put(Int(r.id.0));
    put(Int(r.merchant.0));
    put(Int(subject));
    put(Int(r.state as i64));
    put(Int(r.created_at.0));
    put(r.next_at.map(|v| v.0).into());
    put(Int(r.attempts.into()));
    put(Int(r.last_status.into()));
    put(Int(r.journal.0));
    put(Int(event));
},
read |row| {
    let subject = row.need(2)?;
    Ok(Self {
        id: NotificationId(row.need(0)?),
        merchant: MerchantId(row.need(1)?),
        about: row.known(9, |event| About::from_numbers(event, subject))?,
        state: row.known(3, NotificationState::from_number)?,
        created_at: Time(row.need(4)?),
        next_at: row.time(5)?,
        attempts: row.small(6)?,
        last_status: row.small(7)?,
        journal: JournalId(row.need(8)?),
    })
});

stored!(Echo, "echoes", keys 1 |key, put| { put(Int(key.0)) },
columns { id, mchid, notify_url, message } mutable { 1, 2, 3 },
write |r, put| {
    put(Int(r.id.0));
    put(Int(r.merchant.0));
    put(Text(&r.notify_url));
    put(Text(&r.message));
},
read |row| {
    Ok(Self {
        id: EchoId(row.need(0)?),
        merchant: MerchantId(row.need(1)?),
        notify_url: row.boxed(2)?,
        message: row.boxed(3)?,
    })
});

stored!(KeyRing, "key_rings", keys 1 |key, put| { put(Text(key)) },
columns { name, sealed, version } mutable { 1, 2 },
write |r, put| {
    put(Text(&r.name));
    put(Blob(&r.sealed));
    put(Int(r.version));
},
read |row| {
    let sealed = row.blob(1)?.unwrap_or_default().into();
    Ok(Self { name: row.boxed(0)?, sealed, version: row.need(2)? })
});

stored!(Counter, "counters", keys 1 |key, put| { put(Text(key)) },
    columns { name, last } mutable { 1 },
    write |r, put| {
        put(Text(&r.name));
        put(Int(r.last));
    },
    read |row| { Ok(Self { name: row.boxed(0)?, last: row.need(1)? }) });

stored!(Request, "requests", keys 1 |key, put| { put(Blob(&key.0)) },
columns { key, content, answer, at } mutable { 1, 2, 3 },
write |r, put| {
    put(Blob(&r.key.0));
    put(Blob(&r.content.0));
    put(Text(&r.answer));
    put(Int(r.at.0));
},
read |row| {
    Ok(Self {
        key: row.need_digest(0)?,
        content: row.need_digest(1)?,
        answer: row.boxed(2)?,
        at: Time(row.need(3)?),
    })
});

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
