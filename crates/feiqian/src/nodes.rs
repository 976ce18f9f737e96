//! This process as one node of several on a PostgreSQL database, and `feiqian nodes`.

use crate::{
    cli,
    config::{Config, NODE_TOOL},
    database,
    home::Home,
};
use cluster::{Cluster, JoinError, Start, Traffic};
use engine::{Fault, Queries, nodes::Standing};
use serde::Serialize;
use std::{io::Write, net::SocketAddr, sync::Arc};
use store::PostgresTarget;
use types::{Place, Shard, Shards};

/// Who opens the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum As {
    /// A server, which takes requests.
    Server,
    /// A command that runs a few commands and ends.
    Tool,
}

/// A database that several nodes may run on.
pub(crate) struct Shared {
    pub(crate) target: PostgresTarget,
    pub(crate) shards: Shards,
    guest: bool,
}

/// How this process runs on the configured database: as one of several nodes, or, when none, alone.
///
/// # Errors
/// [`Fault::Failed`] when the settings contradict each other or the database.
pub(crate) fn shared(config: &Config, opens: As) -> Result<Option<Shared>, Fault> {
    let fail = |text: &str| Err(Fault::Failed(text.to_owned()));
    let named = !config.node.is_empty();
    let Some(target) = database::target(config)? else {
        return match named || config.shards > 1 {
            true => fail(
                "several nodes or shards need PostgreSQL; give --database postgres://…, or leave --node and --shards out",
            ),
            false => Ok(None),
        };
    };
    let asked = Shards::new(config.shards);
    let shards = store::postgres_shards(&target, database::options(config), asked)?;
    if opens == As::Tool {
        let mut book = store::postgres_registry(&target, database::options(config))?;
        let anybody = book.look()?.nodes.iter().any(engine::nodes::Seen::lives);
        return Ok((anybody || !shards.is_one()).then_some(Shared { target, shards, guest: true }));
    }
    match named {
        true => Ok(Some(Shared { target, shards, guest: false })),
        false if shards.is_one() => Ok(None),
        false => fail(
            "the database has several shards, so this process is one of several nodes: give it a name with \
                       --node and an address for the others with --cluster-listen",
        ),
    }
}

impl Shared {
    /// Committed reads, from any shard.
    pub(crate) fn queries(&self, config: &Config) -> Result<Arc<dyn Queries>, Fault> {
        Ok(store::postgres(&self.target, database::options(config))?.queries)
    }
    /// Joins the other nodes. `start` makes an engine over a store that its executor has claimed.
    pub(crate) async fn join(
        &self,
        config: &Config,
        queries: Arc<dyn Queries>,
        start: impl Fn(engine::Store, Place) -> Result<engine::Engine, Fault> + Send + Sync + 'static,
        traffic: Arc<dyn Traffic>,
    ) -> Result<Cluster, JoinError> {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let setup = cluster::Setup {
            name: if self.guest {
                format!("{NODE_TOOL}{}-{:04x}", std::process::id(), fastrand::u16(..))
            } else {
                config.node.clone()
            },
            listen: config.cluster_address().filter(|_| !self.guest).unwrap_or(loopback),
            advertise: if self.guest { String::new() } else { config.cluster_advertise.clone() },
            guest: self.guest,
            shards: self.shards,
            version: env!("CARGO_PKG_VERSION"),
        };
        let registry = store::postgres_registry(&self.target, database::options(config))?;
        let (target, options) = (self.target.clone(), database::options(config));
        let start: Start = Arc::new(move |place, owner| {
            let store = store::postgres_claimed(&target, store::PostgresOptions { place, ..options }, owner)?;
            start(store, place)
        });
        Cluster::join(setup, registry, queries, start, traffic).await
    }
}

#[derive(Serialize)]
struct NodeRow {
    node: String,
    role: &'static str,
    address: String,
    version: String,
    seen_ms_ago: i64,
    lives: bool,
    shards: Vec<u8>,
}

#[derive(Serialize)]
struct Listed {
    shards: usize,
    nodes: Vec<NodeRow>,
    /// Shards whose owner is not alive, or that have none.
    without_owner: Vec<u8>,
}

fn listed(standing: &Standing) -> Listed {
    let of = |node: &engine::nodes::Node| {
        let mark = node.mark();
        let held = standing.shards.iter().filter(|held| held.owner.starts_with(&mark));
        held.map(|held| held.shard.number()).collect()
    };
    let nodes = standing.nodes.iter().map(|seen| NodeRow {
        node: seen.node.name.clone(),
        role: seen.node.role.name(),
        address: seen.node.address.clone(),
        version: seen.node.version.clone(),
        seen_ms_ago: seen.silent / 1000,
        lives: seen.lives(),
        shards: of(&seen.node),
    });
    let lost = standing.shards.iter().filter(|held| standing.owner(held).is_none_or(|seen| !seen.lives()));
    let without_owner = lost.map(|held| held.shard).map(Shard::number).collect();
    Listed { shards: standing.shards.len(), nodes: nodes.collect(), without_owner }
}

/// `feiqian nodes`; false when a shard has no live owner.
pub(crate) fn run(options: &cli::Nodes) -> Result<bool, Box<dyn std::error::Error>> {
    let home = Home::new(&options.data.data);
    let config = Config::load(&home, options.data.config.as_deref())?;
    let config = config.with_database(options.data.database.as_deref());
    let Some(target) = database::target(&config)? else {
        return Err(
            "the store is a file, which one process serves; several nodes need PostgreSQL (--database)"
                .into(),
        );
    };
    let listed = listed(&store::postgres_registry(&target, database::options(&config))?.look()?);
    let mut out = std::io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&listed)?)?;
        return Ok(listed.without_owner.is_empty());
    }
    writeln!(out, "{} shards", listed.shards)?;
    for node in &listed.nodes {
        let state = if node.lives { node.role } else { "dead" };
        let shards: Vec<String> = node.shards.iter().map(u8::to_string).collect();
        writeln!(
            out,
            "{:<16} {state:<8} {:<24} version {}, seen {} ms ago, shards {}",
            node.node,
            node.address,
            node.version,
            node.seen_ms_ago,
            if shards.is_empty() { "none".to_owned() } else { shards.join(" ") }
        )?;
    }
    if !listed.without_owner.is_empty() {
        let shards: Vec<String> = listed.without_owner.iter().map(u8::to_string).collect();
        writeln!(
            out,
            "without a node that is listed and alive: shards {}; a live node takes them within seconds, otherwise start \
             one (a server without --node is not listed)",
            shards.join(" ")
        )?;
    }
    Ok(listed.without_owner.is_empty())
}
