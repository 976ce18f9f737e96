//! Where the SQL stores find short-lived records whose time is over: each is a key below a bound.

use domain::{Key, echo, records::Digest, sweep};
use types::{EchoId, Time, time};

/// The keys of one kind whose `at` lies before a moment.
pub(crate) struct Stale {
    pub(crate) table: &'static str,
    /// The key's column.
    pub(crate) key: &'static str,
    /// The column compared.
    pub(crate) at: &'static str,
    /// What is below it, is over.
    pub(crate) before: i64,
    pub(crate) make: Make,
    pub(crate) home: Home,
}

/// By which column a record's shard is known.
#[derive(Clone, Copy)]
pub(crate) enum Home {
    /// The id, which says it.
    Id,
    /// `payer`.
    Payer,
    /// `code`, as the payer's number.
    Code,
    /// `phone`, by its first two bytes.
    Phone,
    /// `key`, by the low 6 bits of its last byte.
    Key,
    /// The first, for all of them.
    First,
}

/// How a key is made of its column.
#[derive(Clone, Copy)]
pub(crate) enum Make {
    Number(fn(i64) -> Key),
    Digest(fn(Digest) -> Key),
}

/// What is over at `now`.
pub(crate) fn stale(now: Time) -> [Stale; 7] {
    let over = now.plus(-sweep::KEPT);
    let (day, kept_day) = (now.plus(-time::DAY).0, over.plus(-time::DAY).0);
    let of = |table, key, at, before, make, home| Stale { table, key, at, before, make, home };
    [
        of("payment_codes", "code", "expires_at", over.0, Make::Number(Key::PaymentCode), Home::Code),
        of("sessions", "token", "expires_at", over.0, Make::Digest(Key::Session), Home::Payer),
        of("staff_sessions", "token", "expires_at", over.0, Make::Digest(Key::StaffSession), Home::First),
        of("one_time_codes", "phone", "sent_at", day, Make::Digest(Key::OneTimeCode), Home::Phone),
        of("oauth_codes", "code", "expires_at", over.0, Make::Digest(Key::OauthCode), Home::Payer),
        of("requests", "key", "at", kept_day, Make::Digest(Key::Request), Home::Key),
        of(
            "echoes",
            "id",
            "id",
            echo::oldest_kept(now).0,
            Make::Number(|id| Key::Echo(EchoId(id))),
            Home::Id,
        ),
    ]
}
