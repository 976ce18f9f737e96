//! Month partitions of the tables that only grow, so that an old month can be archived, detached or dropped as
//! one file. They are made ahead; a row for whose month there is none goes to the table's `…_other`.

use super::{
    link::{Link, Purpose, Server, Trouble},
    migrate::LOCK,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use types::{Time, first_id_at, time};

/// Tables with their key: an id that carries its time, or the time itself.
const TABLES: [(&str, bool); 4] =
    [("transfers", true), ("notifications", true), ("payments", true), ("journal", false)];

/// Months that are there besides the current one.
const MONTHS_AHEAD: u8 = 2;
/// When the last month is nearer than this, more are made.
const LEAD: i64 = 40 * time::DAY;
/// Between two tries.
const AGAIN: Duration = Duration::from_secs(3600);

/// A month that has, or should have, partitions.
struct Month {
    name: String,
    from: Time,
    to: Time,
}

/// A partition to be made.
struct Missing {
    table: &'static str,
    name: String,
    from: i64,
    to: i64,
}

/// Makes what is missing for the month of `at` and those after it. Gives the time up to which there are
/// partitions. A month whose rows are in `…_other` already is told of and left out.
pub(super) fn make(link: &mut Link, at: Time) -> Result<Time, Trouble> {
    let months = months(link, at)?;
    if !missing(link, &months)?.is_empty() {
        // Nodes that start together make them one after the other.
        link.simple(&format!("SELECT pg_advisory_lock({LOCK})"))?;
        for missing in missing(link, &months)? {
            let Missing { table, name, from, to } = &missing;
            // Attached rather than made in place: that locks out neither readers nor the committer.
            let script = format!(
                "BEGIN; SET LOCAL lock_timeout = '3s';
                 CREATE TABLE {name} (LIKE {table} INCLUDING ALL);
                 ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({to});
                 COMMIT"
            );
            if let Err(trouble) = link.simple(&script) {
                link.simple("ROLLBACK")?;
                tracing::warn!(partition = name, %trouble, "not made; rows of its month go to {table}_other");
            }
        }
        link.simple(&format!("SELECT pg_advisory_unlock({LOCK})"))?;
    }
    Ok(months.last().map_or(at, |month| month.to))
}

fn missing(link: &Link, months: &[Month]) -> Result<Vec<Missing>, Trouble> {
    let there = "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
                 WHERE relnamespace = current_schema()::regnamespace";
    let there: Vec<String> = link.simple(there)?.into_iter().flatten().flatten().collect();
    let mut missing = Vec::new();
    for (month, (table, by_id)) in months.iter().flat_map(|month| TABLES.map(|table| (month, table))) {
        let name = format!("{table}_{}", month.name);
        if there.contains(&name) {
            continue;
        }
        let (column, bound): (_, fn(Time) -> i64) =
            if by_id { ("id", first_id_at) } else { ("at", |at| at.0) };
        let (from, to) = (bound(month.from), bound(month.to));
        let early =
            format!("SELECT 1 FROM {table}_other WHERE {column} >= {from} AND {column} < {to} LIMIT 1");
        if link.simple(&early)?.is_empty() {
            missing.push(Missing { table, name, from, to });
        } else {
            tracing::warn!(partition = name, "not made: rows of its month are in {table}_other already");
        }
    }
    Ok(missing)
}

fn months(link: &Link, at: Time) -> Result<Vec<Month>, Trouble> {
    let sql = format!(
        "SELECT to_char(m, 'YYYYMM'), (extract(epoch FROM m) * 1000000)::int8,
                (extract(epoch FROM m + interval '1 month') * 1000000)::int8
         FROM (SELECT date_trunc('month', to_timestamp({}) AT TIME ZONE 'UTC') AS now) AS first,
              generate_series(now, now + interval '{MONTHS_AHEAD} month', interval '1 month') AS m",
        at.unix()
    );
    let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok()).map(Time);
    let read = |row: &Vec<Option<String>>| {
        Some(Month { name: row[0].clone()?, from: number(&row[1])?, to: number(&row[2])? })
    };
    let months: Option<Vec<Month>> = link.simple(&sql)?.iter().map(read).collect();
    months.ok_or_else(|| Trouble::Wrong("the server does not count months".into()))
}

/// Keeps partitions ahead of the batches, on a thread of its own when some are missing.
pub(super) struct Ahead {
    server: Arc<Server>,
    until: Arc<AtomicI64>,
    busy: Arc<AtomicBool>,
    tried: Option<Instant>,
}

impl Ahead {
    /// `until` is the time up to which there are partitions.
    pub(super) fn new(server: &Arc<Server>, until: Time) -> Self {
        let (until, busy) = (Arc::new(AtomicI64::new(until.0)), Arc::new(AtomicBool::new(false)));
        Self { server: Arc::clone(server), until, busy, tried: None }
    }

    /// To be told the time of each batch. Costs a comparison, unless partitions are missing.
    pub(super) fn reached(&mut self, at: Time) {
        if self.until.load(Ordering::Acquire) > at.plus(LEAD).0
            || self.tried.is_some_and(|tried| tried.elapsed() < AGAIN)
            || self.busy.swap(true, Ordering::AcqRel)
        {
            return;
        }
        self.tried = Some(Instant::now());
        let (server, until, busy) =
            (Arc::clone(&self.server), Arc::clone(&self.until), Arc::clone(&self.busy));
        let made = thread::Builder::new().name("partitions".into()).spawn(move || {
            let made = server
                .connect(Purpose::Schema)
                .and_then(|mut link| make(&mut link, at).map_err(|trouble| server.failed(trouble)));
            match made {
                Ok(made) => until.store(made.0, Ordering::Release),
                Err(fault) => tracing::warn!(%fault, "partitions are made later"),
            }
            busy.store(false, Ordering::Release);
        });
        if made.is_err() {
            self.busy.store(false, Ordering::Release);
        }
    }
}
