//! The book of nodes and shards: who is there by the database's clock, and who owns which shard.
//!
//! A claim raises the shard's epoch, so it is the fence itself: whoever committed before fails from then on, and of
//! several that claim the same shard one changes its row.

use super::{
    PostgresOptions,
    link::{Link, Purpose, Server, Trouble},
    migrate,
    target::PostgresTarget,
};
use engine::{
    Fault,
    nodes::{DEAD_AFTER, Held, Node, Registry, Role, Seen, Standing},
};
use std::{sync::Arc, time::Duration};
use tokio_postgres::Row;
use types::{Shard, Shards, time};

/// The database's time, microseconds.
const NOW: &str = "(extract(epoch from clock_timestamp()) * 1000000)::bigint";
/// Dead nodes are listed for so long.
const KEPT: i64 = time::DAY;
/// A statement of the book takes a millisecond; one that takes longer than this is tried again.
const STATEMENT_MAX: Duration = Duration::from_secs(2);

/// How many shards the database has. Of a database that holds nothing yet, `asked` decides for good.
///
/// # Errors
/// [`Fault::Failed`] when `asked` is another number than the database was made with, and as
/// [`postgres`](super::postgres).
pub fn postgres_shards(
    target: &PostgresTarget,
    options: PostgresOptions,
    asked: Option<Shards>,
) -> Result<Shards, Fault> {
    let server = Server::new(target, options)?;
    let mut link = server.connect(Purpose::Schema)?;
    migrate::migrate(&mut link, super::machine_now()).map_err(|trouble| server.failed(trouble))?;
    let found = settle(&mut link, asked).map_err(|trouble| server.failed(trouble))?;
    if let Some(asked) = asked.filter(|asked| *asked != found) {
        return Err(server.failed(format!(
            "the database was made with {} shards and can't change to {}; leave --shards out, or start with an empty \
             database",
            found.count(),
            asked.count()
        )));
    }
    Ok(found)
}

/// How many shards an existing database has; changes nothing.
///
/// # Errors
/// [`Fault::Failed`] when it can't be reached, or holds no store of this version.
pub fn postgres_shards_found(target: &PostgresTarget, options: PostgresOptions) -> Result<Shards, Fault> {
    let server = Server::new(target, options)?;
    let mut link = server.connect(Purpose::Query)?;
    migrate::check(&mut link).map_err(|trouble| server.failed(trouble))?;
    read_shards(&mut link).map_err(|trouble| server.failed(trouble))
}

fn settle(link: &mut Link, asked: Option<Shards>) -> Result<Shards, Trouble> {
    if let Some(asked) = asked {
        // Only before the first batch: the places of payers and orders follow from the number.
        let set = "UPDATE installation SET shards = $1
                   WHERE shards <> $1 AND NOT EXISTS (SELECT 1 FROM shards WHERE batch > 0)";
        link.execute(set, &[&i16::from(asked.count())])?;
    }
    let shards = read_shards(link)?;
    let make = "INSERT INTO shards (shard, epoch, batch, at, owner) SELECT s, 0, 0, 0, ''
                FROM generate_series(0, $1::integer - 1) AS s ON CONFLICT (shard) DO NOTHING";
    link.execute(make, &[&i32::from(shards.count())])?;
    Ok(shards)
}

fn read_shards(link: &mut Link) -> Result<Shards, Trouble> {
    let rows = link.rows("SELECT shards FROM installation", &[])?;
    let count: i16 = rows.first().map_or(Ok(1), |row| row.try_get(0))?;
    let shards = u8::try_from(count).ok().and_then(Shards::new);
    shards.ok_or_else(|| Trouble::Wrong(format!("installation.shards is {count}; it must be 1 to 64")))
}

/// Opens the book of nodes of a database whose shards are settled ([`postgres_shards`]).
///
/// # Errors
/// [`Fault::Failed`].
pub fn postgres_registry(
    target: &PostgresTarget,
    options: PostgresOptions,
) -> Result<Box<dyn Registry>, Fault> {
    let options = PostgresOptions { statement_timeout: STATEMENT_MAX, ..options };
    let server = Server::new(target, options)?;
    let mut link = server.connect(Purpose::Nodes)?;
    migrate::check(&mut link).map_err(|trouble| server.failed(trouble))?;
    Ok(Box::new(Book { server, link: Some(link) }))
}

struct Book {
    server: Arc<Server>,
    link: Option<Link>,
}

impl Book {
    /// Asks on the connection, which is opened anew when it was lost.
    fn ask<T>(&mut self, ask: impl FnOnce(&mut Link) -> Result<T, Trouble>) -> Result<T, Fault> {
        let mut link = match self.link.take().filter(|link| !link.is_lost()) {
            Some(link) => link,
            None => self.server.connect(Purpose::Nodes)?,
        };
        let answer = ask(&mut link).map_err(|trouble| self.server.failed(trouble));
        if answer.is_ok() {
            self.link = Some(link);
        }
        answer
    }
}

impl Registry for Book {
    fn beat(&mut self, me: &Node) -> Result<Option<Standing>, Fault> {
        let announce = format!(
            "INSERT INTO nodes (node, instance, address, fingerprint, version, role, started_at, seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, {NOW}, {NOW})
             ON CONFLICT (node) DO UPDATE SET instance = excluded.instance, address = excluded.address,
               fingerprint = excluded.fingerprint, version = excluded.version, role = excluded.role,
               started_at = CASE WHEN nodes.instance = excluded.instance THEN nodes.started_at
                                 ELSE excluded.started_at END,
               seen_at = excluded.seen_at
             WHERE nodes.instance = excluded.instance OR nodes.seen_at < excluded.seen_at - {DEAD_AFTER}"
        );
        let role = me.role as i16;
        self.ask(|link| {
            let said = link.execute(
                &announce,
                &[&me.name, &me.instance, &me.address, &me.fingerprint, &me.version, &role],
            )?;
            if said == 0 { Ok(None) } else { look(link).map(Some) }
        })
    }

    fn look(&mut self) -> Result<Standing, Fault> {
        self.ask(look)
    }

    fn claim(&mut self, shard: Shard, epoch: i64, owner: &str) -> Result<bool, Fault> {
        let claim = "UPDATE shards SET epoch = epoch + 1, owner = $3 WHERE shard = $1 AND epoch = $2";
        let number = i16::from(shard.number());
        // An executor that hangs inside a transaction holds the shard's row; the server would give it 15 s. Ended here
        // are only sessions that have waited for their client for longer than a committer at work ever does. A server
        // that knows no such thing says so, and the claim waits.
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
             AND application_name = '{}' AND state <> 'idle' AND wait_event_type = 'Client'
             AND state_change < clock_timestamp() - interval '2 seconds'",
            Purpose::Commit.name(shard)
        );
        match self.ask(|link| link.simple(&end)) {
            Ok(ended) if ended.is_empty() => {}
            Ok(_) => tracing::warn!(%shard, "a hanging transaction of the owner before was ended"),
            Err(fault) => tracing::warn!(%shard, %fault, "hanging transactions can't be looked for"),
        }
        self.ask(|link| link.execute(claim, &[&number, &epoch, &owner])).map(|changed| changed == 1)
    }

    fn release(&mut self, shard: Shard, owner: &str) -> Result<(), Fault> {
        let release = "UPDATE shards SET owner = '' WHERE shard = $1 AND owner = $2";
        let number = i16::from(shard.number());
        self.ask(|link| link.execute(release, &[&number, &owner])).map(drop)
    }

    fn leave(&mut self, me: &Node) -> Result<(), Fault> {
        let leave = "DELETE FROM nodes WHERE node = $1 AND instance = $2";
        let forget = format!("DELETE FROM nodes WHERE seen_at < {NOW} - {KEPT}");
        self.ask(|link| {
            link.execute(leave, &[&me.name, &me.instance])?;
            link.execute(&forget, &[])
        })
        .map(drop)
    }
}

fn look(link: &mut Link) -> Result<Standing, Trouble> {
    let nodes = format!(
        "SELECT node, instance, address, fingerprint, version, role, {NOW} - seen_at FROM nodes ORDER BY node"
    );
    let nodes = link.rows(&nodes, &[])?.iter().map(node).collect::<Result<_, _>>()?;
    // Rows of shards that this database does not have are none of ours.
    let shards = "SELECT shard, epoch, owner, batch FROM shards
                  WHERE shard < (SELECT shards FROM installation) ORDER BY shard";
    let shards = link.rows(shards, &[])?.iter().map(held).collect::<Result<_, _>>()?;
    Ok(Standing { nodes, shards })
}

fn node(row: &Row) -> Result<Seen, Trouble> {
    let role: i16 = row.try_get(5)?;
    // A later version may know more roles: it takes no shards from us then.
    let role = Role::from_number(i64::from(role)).unwrap_or(Role::Guest);
    let node = Node {
        name: row.try_get(0)?,
        instance: row.try_get(1)?,
        address: row.try_get(2)?,
        fingerprint: row.try_get(3)?,
        version: row.try_get(4)?,
        role,
    };
    Ok(Seen { node, silent: row.try_get(6)? })
}

fn held(row: &Row) -> Result<Held, Trouble> {
    let number: i16 = row.try_get(0)?;
    let shard = u8::try_from(number).ok().and_then(Shard::new);
    let shard =
        shard.ok_or_else(|| Trouble::Wrong(format!("shards.shard is {number}; it must be 0 to 63")))?;
    Ok(Held { shard, epoch: row.try_get(1)?, owner: row.try_get(2)?, batch: row.try_get(3)? })
}
