//! Several nodes beside one, in turns on the same server: the same payments, each node's callers asking their own
//! node, which sends on what belongs elsewhere over TLS on the loopback address. All nodes are in this process, so the
//! CPU of a payment is that of all of them.

use super::{
    in_process::{self, Load, Turn, World},
    machine,
    stats::{percentile_ms, rate},
};
use crate::{cli, config::Config, database};
use cluster::{Cluster, NodeStatus, Router};
use crypto::{MasterKey, Vault};
use engine::{Engine, SystemClock, engine::Setup};
use serde::Serialize;
use service::{Metrics, metrics::metered};
use std::{
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};
use types::Shards;

type Error = Box<dyn std::error::Error>;

/// Turns of one node and of several: on a shared machine both then meet the same neighbours.
const ROUNDS: u64 = 4;
/// How long shards may take to spread.
const SPREAD_MAX: Duration = Duration::from_secs(60);

/// One node, or several.
#[derive(Debug, Clone, Serialize)]
struct Measured {
    nodes: usize,
    payments_per_s: u64,
    cpu_us_per_payment: u64,
    machine_cpu_us_per_payment: u64,
    p50_ms: f64,
    p99_ms: f64,
    /// Commands a batch, on average of the turns.
    batch: u64,
    errors: u64,
    /// Payments made by the callers of each node.
    by_node: Vec<u64>,
}

#[derive(Serialize)]
struct Report {
    machine: machine::Machine,
    callers: usize,
    product: super::LoadProduct,
    one: Measured,
    several: Measured,
    /// Rate of several nodes in percent of one node's.
    percent: u64,
    /// Each node at the end.
    nodes: Vec<NodeStatus>,
}

#[derive(Default)]
struct Sum {
    turns: Vec<Turn>,
}

impl Sum {
    fn measured(mut self, nodes: usize) -> Measured {
        let payments: u64 = self.turns.iter().map(|turn| turn.measured.payments).sum();
        let elapsed: Duration = self.turns.iter().map(|turn| turn.elapsed).sum();
        let cpu = |of: fn(&Turn) -> u64| self.turns.iter().map(of).sum::<u64>() / payments.max(1);
        let (own, whole) = (cpu(|turn| turn.cpu_us.0), cpu(|turn| turn.cpu_us.1));
        let batch = self.turns.iter().map(|turn| turn.measured.batch).sum::<u64>();
        let mut by_node = vec![0; nodes];
        for turn in &self.turns {
            by_node.iter_mut().zip(&turn.by_engine).for_each(|(sum, more)| *sum += more);
        }
        let errors = self.turns.iter().map(|turn| turn.measured.errors).sum();
        let batch = batch / (self.turns.len() as u64).max(1);
        let mut latencies: Vec<u32> =
            self.turns.iter_mut().flat_map(|turn| std::mem::take(&mut turn.latencies)).collect();
        latencies.sort_unstable();
        Measured {
            nodes,
            payments_per_s: rate(payments, elapsed),
            cpu_us_per_payment: own,
            machine_cpu_us_per_payment: whole,
            p50_ms: percentile_ms(&latencies, 50),
            p99_ms: percentile_ms(&latencies, 99),
            batch,
            errors,
            by_node,
        }
    }
}

/// Nodes of this process on one database, one shard each.
struct Nodes(Vec<Cluster>);

impl Nodes {
    async fn join(config: &Config, count: u8) -> Result<Self, Error> {
        let shards = Shards::new(count).ok_or("1 to 64 nodes")?;
        let target = database::target(config)?.ok_or("--nodes-database")?;
        let options = database::options(config);
        store::postgres_shards(&target, options, Some(shards))?;
        let mut nodes = Vec::new();
        for number in 0..count {
            let metrics = Metrics::default();
            let traffic = Arc::new(metrics.clone());
            let (target, own) = (target.clone(), metrics);
            let queries = store::postgres(&target, options)?.queries;
            let registry = store::postgres_registry(&target, options)?;
            let runtime = Some(tokio::runtime::Handle::current());
            let start = Arc::new(move |place, owner: &str| {
                let options = store::PostgresOptions { place, ..options };
                let store = store::postgres_claimed(&target, options, owner)?;
                let observer = Arc::new(own.clone());
                let setup = Setup { place, observer, runtime: runtime.clone(), ..Setup::default() };
                Engine::start(metered(store, &own), Arc::new(SystemClock), setup, Box::new(|_| {}))
            });
            let setup = cluster::Setup {
                name: format!("bench-{number}"),
                listen: ([127, 0, 0, 1], 0).into(),
                advertise: String::new(),
                guest: false,
                shards,
                version: env!("CARGO_PKG_VERSION"),
            };
            nodes.push(Cluster::join(setup, registry, queries, start, traffic).await?);
        }
        let nodes = Self(nodes);
        let since = Instant::now();
        while nodes.status().iter().any(|node| node.owned.len() != 1 || !node.without_owner.is_empty()) {
            if since.elapsed() > SPREAD_MAX {
                return Err(format!("the shards did not spread: {:?}", nodes.status()).into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(nodes)
    }
    fn routers(&self) -> Vec<Router> {
        self.0.iter().map(Cluster::router).collect()
    }
    fn status(&self) -> Vec<NodeStatus> {
        self.0.iter().filter_map(|node| node.router().status()).collect()
    }
}

/// Measures and prints.
pub(super) async fn run(options: &cli::Bench, count: u8, (one, several): (&str, &str)) -> Result<(), Error> {
    let progress = |text: &str| {
        if !options.json {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    };
    let config = Config::default().with_database(Some(one));
    let node_config = Config::default().with_database(Some(several));
    database::must_be_empty(&config)?;
    database::must_be_empty(&node_config)?;
    let (callers, payers) = (usize::try_from(options.callers)?, usize::try_from(options.payers)?);
    let load = Load {
        seconds: 1,
        callers,
        payers,
        merchants: super::MERCHANTS,
        round: 0,
        keyed: true,
        product: options.product,
    };
    let vault = Arc::new(Vault::new(1, &MasterKey::generate()?));
    progress(&format!("1/3 preparing {payers} payers for one node, and for {count}"));
    let metrics = Metrics::default();
    let store =
        store::postgres(&database::target(&config)?.ok_or("--database")?, database::options(&config))?;
    let setup = Setup {
        observer: Arc::new(metrics.clone()),
        runtime: Some(tokio::runtime::Handle::current()),
        ..Setup::default()
    };
    let engine = Engine::start(metered(store, &metrics), Arc::new(SystemClock), setup, Box::new(|_| {}))?;
    let alone = [Router::from(engine.handle())];
    let alone_world: Arc<World> = Arc::new(in_process::prepare(&alone[0], &vault, load).await?);
    let nodes = Nodes::join(&node_config, count).await?;
    let routers = nodes.routers();
    let world = Arc::new(in_process::prepare(&routers[0], &vault, load).await?);
    progress(&format!("2/3 warming up, then {ROUNDS} turns each: {} s", options.seconds * 2 + 4));
    let warm = Load { seconds: 2, round: 99, ..load };
    in_process::measure("postgresql", &alone, &alone_world, warm).await;
    in_process::measure("postgresql", &routers, &world, warm).await;
    let (mut by_one, mut by_several) = (Sum::default(), Sum::default());
    for round in 0..ROUNDS {
        let load = Load { seconds: (options.seconds / ROUNDS).max(1), round, ..load };
        by_one.turns.push(in_process::measure("postgresql", &alone, &alone_world, load).await);
        by_several.turns.push(in_process::measure("postgresql", &routers, &world, load).await);
    }
    let status = nodes.status();
    engine.stop();
    tokio::task::spawn_blocking(move || nodes.0.into_iter().for_each(Cluster::leave)).await?;
    progress("3/3 proving the books of both");
    for config in [&config, &node_config] {
        let queries = database::snapshot(&crate::home::Home::new("."), config)?;
        let proof = engine::prove::prove(&*queries)?;
        if !proof.holds() {
            return Err(
                format!("{}: an invariant is broken: {:?}", config.database, proof.failures.first()).into()
            );
        }
    }
    let (one, several) = (by_one.measured(1), by_several.measured(usize::from(count)));
    let percent = several.payments_per_s * 100 / one.payments_per_s.max(1);
    let report = Report {
        machine: machine::machine(),
        callers,
        product: options.product,
        one,
        several,
        percent,
        nodes: status,
    };
    let mut out = std::io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
        return Ok(());
    }
    for measured in [&report.one, &report.several] {
        writeln!(
            out,
            "{:>2} node(s)  {} payments/s durable, {} us CPU each ({} us of the machine), pay p50 {} ms, p99 {} ms, {} \
             commands a batch, {} errors; by node {:?}",
            measured.nodes,
            measured.payments_per_s,
            measured.cpu_us_per_payment,
            measured.machine_cpu_us_per_payment,
            measured.p50_ms,
            measured.p99_ms,
            measured.batch,
            measured.errors,
            measured.by_node
        )?;
    }
    writeln!(out, "{count} nodes make {percent} % of one node's rate")?;
    for node in &report.nodes {
        writeln!(
            out,
            "{}: shards {:?}, {} commands answered by other nodes, {} sent again, {} orders heard of",
            node.node, node.owned, node.forwarded, node.sent_again, node.heard
        )?;
    }
    Ok(())
}
