//! Housekeeping: counters, and the removal of records whose time is over.

use crate::{
    Context, Key, Stop, Tx,
    echo::{self, Echo},
    payment_code::PaymentCode,
    records::Request,
    session::{OauthCode, OneTimeCode, Session},
    staff::StaffSession,
};
use serde::{Deserialize, Serialize};
use types::{Place, Shard, Time, time};

/// A counter that gives out small numbers, such as payer numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// What it counts.
    pub name: Box<str>,
    /// The last number given out.
    pub last: i64,
}

/// The next number of a counter, from 1.
pub(crate) fn next(name: &str, tx: &mut Tx<'_>) -> Result<i64, Stop> {
    let last = tx.get::<Counter>(&name.into())?.map_or(0, |counter| counter.last) + 1;
    tx.put(Counter { name: name.into(), last });
    Ok(last)
}

/// How long after its end a short-lived record is kept, so that a late repeat is still told why it failed.
pub const KEPT: i64 = time::HOUR;

/// Removes those of `keys` whose time is over; others, and those of other shards, stay.
pub(crate) fn sweep(keys: &[Key], ctx: &Context, tx: &mut Tx<'_>) -> Result<usize, Stop> {
    for key in keys {
        match key {
            Key::PaymentCode(key) => tx.expect::<PaymentCode>(key),
            Key::Session(key) => tx.expect::<Session>(key),
            Key::StaffSession(key) => tx.expect::<StaffSession>(key),
            Key::OneTimeCode(key) => tx.expect::<OneTimeCode>(key),
            Key::OauthCode(key) => tx.expect::<OauthCode>(key),
            Key::Echo(key) => tx.expect::<Echo>(key),
            Key::Request(key) => tx.expect::<Request>(key),
            _ => {}
        }
    }
    tx.loaded()?;
    let over = |end: Time| end.plus(KEPT) < ctx.now;
    let Place { shard, shards } = ctx.place;
    let mut removed = 0;
    for key in keys {
        let gone = match key {
            Key::PaymentCode(key) => {
                shards.of_code(*key) == shard
                    && tx.get::<PaymentCode>(key)?.is_some_and(|r| over(r.expires_at))
            }
            Key::Session(key) => {
                let ours = |r: &&Session| shards.of_payer(r.payer) == shard;
                tx.get::<Session>(key)?.filter(ours).is_some_and(|r| over(r.expires_at))
            }
            Key::StaffSession(key) => {
                shard == Shard::FIRST && tx.get::<StaffSession>(key)?.is_some_and(|r| over(r.expires_at))
            }
            Key::OneTimeCode(key) => {
                shards.of_phone(&key.0) == shard
                    && tx.get::<OneTimeCode>(key)?.is_some_and(|r| r.sent_at.plus(time::DAY) < ctx.now)
            }
            Key::OauthCode(key) => {
                let ours = |r: &&OauthCode| shards.of_payer(r.payer) == shard;
                tx.get::<OauthCode>(key)?.filter(ours).is_some_and(|r| over(r.expires_at))
            }
            Key::Echo(key) => {
                ctx.place.made(key.0)
                    && tx.get::<Echo>(key)?.is_some_and(|r| r.id < echo::oldest_kept(ctx.now))
            }
            Key::Request(key) => {
                // The low bits of a key's last byte say whose it is.
                ctx.place.made(i64::from(key.0[31]) << 16)
                    && tx.get::<Request>(key)?.is_some_and(|r| over(r.at.plus(time::DAY)))
            }
            _ => false,
        };
        if !gone {
            continue;
        }
        removed += 1;
        match key {
            Key::PaymentCode(key) => tx.delete::<PaymentCode>(*key),
            Key::Session(key) => tx.delete::<Session>(*key),
            Key::StaffSession(key) => tx.delete::<StaffSession>(*key),
            Key::OneTimeCode(key) => tx.delete::<OneTimeCode>(*key),
            Key::OauthCode(key) => tx.delete::<OauthCode>(*key),
            Key::Echo(key) => tx.delete::<Echo>(*key),
            Key::Request(key) => tx.delete::<Request>(*key),
            _ => {}
        }
    }
    tx.note(format!("{removed} removed"));
    Ok(removed)
}
