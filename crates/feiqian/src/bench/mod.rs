//! Load: payments in process, orders over HTTP, and the references beside which the figures are read.

mod bare;
mod closing;
mod console;
mod endurance;
pub(crate) mod floor;
pub(crate) mod hand_sql;
pub(crate) mod http;
pub(crate) mod in_process;
pub(crate) mod load;
pub(crate) mod machine;
pub(crate) mod nodes;
pub(crate) mod pace;
pub(crate) mod pay;
pub(crate) mod server;
pub(crate) mod stats;

use crate::{cli, config::Config, database, home::Home};
pub(crate) use in_process::LoadProduct;
use serde::Serialize;
use std::{fs, io::Write};

#[derive(Serialize)]
struct Report {
    machine: machine::Machine,
    /// A bare log under the same callers.
    floor: floor::Floor,
    in_process: in_process::InProcess,
    /// The same payment written by hand, on the same PostgreSQL.
    hand_sql: Vec<hand_sql::HandSql>,
    /// None with `--no-http`.
    http_rsa: Option<http::HttpRsa>,
    /// None with `--no-http`, and on PostgreSQL, whose one database is not empty by then.
    http_pay: Option<pay::HttpPay>,
}

/// Merchants that are paid.
const MERCHANTS: i64 = 100;
/// Connections that place orders: enough for whole batches and for threads that sign without a pause.
const ORDER_CONNECTIONS: u64 = 128;
/// Connections that pay: an answer takes far less work, so more must be under way to keep the cores at work.
const PAY_CONNECTIONS: u64 = 256;

/// Runs both loads on fresh stores in a temporary folder.
pub(crate) async fn run(options: &cli::Bench) -> Result<(), Box<dyn std::error::Error>> {
    if let (Some(nodes), Some(one), Some(several)) =
        (options.nodes, &options.database, &options.nodes_database)
    {
        return nodes::run(options, nodes, (one, several)).await;
    }
    let folder = std::env::temp_dir().join(format!("feiqian-bench-{}", std::process::id()));
    if options.close {
        return closing::run(options, &folder).await;
    }
    if options.console {
        return console::run(options, &folder).await;
    }
    if options.payments.is_some() || options.rate.is_some() {
        return endurance::run(options, &folder).await;
    }
    fs::create_dir_all(&folder)?;
    let progress = |text: &str| {
        if !options.json {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    };
    let (callers, payers) = (usize::try_from(options.callers)?, usize::try_from(options.payers)?);
    progress(&format!("1/5 a bare log: {} s", options.seconds.min(5)));
    let floor = floor::run(&folder.join("floor"), options.seconds.min(5), callers).await?;
    progress(&format!("2/5 in process: {} s after preparing {payers} payers", options.seconds));
    let config = Config::default().with_database(options.database.as_deref());
    database::must_be_empty(&config)?;
    let (name, store) = if options.database.is_some() {
        ("postgresql", database::open(&Home::new(&folder), &config)?)
    } else {
        ("sqlite", store::sqlite(&folder.join("in-process.db"), store::Options::default())?)
    };
    let load = in_process::Load {
        seconds: options.seconds,
        callers,
        payers,
        merchants: MERCHANTS,
        round: 0,
        keyed: false,
        product: options.product,
    };
    let in_process = in_process::run(name, store, load).await?;
    let hand_sql = match &options.database {
        Some(url) => {
            progress(&format!(
                "3/5 the same payment in SQL by pgbench: 3 times {} s",
                options.seconds.min(10)
            ));
            hand_sql::run(url, &folder, options.seconds.min(10))?
        }
        None => Vec::new(),
    };
    let http_rsa = if options.no_http {
        None
    } else {
        progress(&format!("4/5 over HTTP: about {} s", options.seconds * 7 / 2 + 15));
        let connections = usize::try_from(options.connections.unwrap_or(ORDER_CONNECTIONS))?;
        Some(http::run(&folder.join("http"), &config, options.seconds, connections).await?)
    };
    let http_pay = if options.no_http || options.database.is_some() {
        None
    } else {
        progress("5/5 payers pay over HTTP, after preparing their pages");
        let connections = usize::try_from(options.connections.unwrap_or(PAY_CONNECTIONS))?;
        Some(pay::run(&folder.join("pay"), &config, options.seconds, connections).await?)
    };
    fs::remove_dir_all(&folder)?;
    let report = Report { machine: machine::machine(), floor, in_process, hand_sql, http_rsa, http_pay };
    let mut out = std::io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
        return Ok(());
    }
    let (machine, pay) = (&report.machine, &report.in_process);
    writeln!(
        out,
        "machine     {} x {}, {} MiB, kernel {}",
        machine.cores, machine.cpu, machine.memory_mib, machine.kernel
    )?;
    writeln!(
        out,
        "a bare log  {} payments/s durable, {} us CPU each, p99 {} ms",
        report.floor.payments_per_s, report.floor.cpu_us_per_payment, report.floor.p99_ms
    )?;
    writeln!(
        out,
        "in process  {} payments/s durable on {}, {} us CPU each, {} callers",
        pay.payments_per_s, pay.store, pay.cpu_us_per_payment, pay.callers
    )?;
    writeln!(
        out,
        "            pay p50 {} ms, p99 {} ms, {} commands a batch, {} errors",
        pay.p50_ms, pay.p99_ms, pay.batch, pay.errors
    )?;
    writeln!(
        out,
        "            {} refunds/s ({} % of payments), {} us CPU each, p99 {} ms",
        pay.refunds_per_s,
        pay.refunds_per_s * 100 / pay.payments_per_s.max(1),
        pay.cpu_us_per_refund,
        pay.refund_p99_ms
    )?;
    for sql in &report.hand_sql {
        writeln!(
            out,
            "by hand     {} payments/s as SQL, {}, {} clients, {} us CPU of the machine each",
            sql.payments_per_s, sql.way, sql.clients, sql.machine_cpu_us_per_payment
        )?;
    }
    let Some(http) = &report.http_rsa else { return Ok(()) };
    writeln!(
        out,
        "over HTTP   {} orders/s, RSA alone {}/s, {} us CPU each; by rounds {} % of RSA alone, half of them {} - {} %",
        http.orders_per_s,
        http.rsa_limit_per_s,
        http.cpu_us_per_order,
        http.share_permille / 10,
        http.share_lower_permille / 10,
        http.share_upper_permille / 10
    )?;
    writeln!(
        out,
        "            bare HTTP that only verifies and signs: {}/s, {} us CPU each, {} % of RSA alone; orders {} % of it",
        http.bare_per_s,
        http.bare_cpu_us,
        http.bare_share_permille / 10,
        http.share_of_bare_permille / 10
    )?;
    writeln!(
        out,
        "            p50 {} ms, p99 {} ms; at half load p50 {} ms, p99 {} ms; {} errors",
        http.p50_ms, http.p99_ms, http.half_load_p50_ms, http.half_load_p99_ms, http.errors
    )?;
    let Some(pay) = &report.http_pay else { return Ok(()) };
    writeln!(
        out,
        "payers pay  {} payments/s over HTTP, {} us CPU each, p50 {} ms, p99 {} ms, {} errors",
        pay.payments_per_s, pay.cpu_us_per_payment, pay.p50_ms, pay.p99_ms, pay.errors
    )?;
    Ok(())
}
