//! Load: payments in process, orders over HTTP, and the references beside which the figures are read.

pub(crate) mod http;
pub(crate) mod in_process;
pub(crate) mod machine;
pub(crate) mod stats;

use crate::cli;
use serde::Serialize;
use std::{fs, io::Write};

#[derive(Serialize)]
struct Report {
    machine: machine::Machine,
    in_process: in_process::InProcess,
    http_rsa: http::HttpRsa,
}

/// Payers that pay in turn, and merchants that are paid.
const PAYERS: usize = 20_000;
const MERCHANTS: i64 = 100;

/// Runs both loads on fresh stores in a temporary folder.
pub(crate) async fn run(options: &cli::Bench) -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("feiqian-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let progress = |text: &str| {
        if !options.json {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    };
    progress(&format!("1/2 in process: {} s after preparing {PAYERS} payers", options.seconds));
    let store = store::sqlite(&folder.join("in-process.db"), store::Options::default())?;
    let callers = usize::try_from(options.callers)?;
    let load = in_process::Load { seconds: options.seconds, callers, payers: PAYERS, merchants: MERCHANTS };
    let in_process = in_process::run("sqlite", store, load).await?;
    progress(&format!("2/2 over HTTP: about {} s", options.seconds * 3 + 10));
    let connections = usize::try_from(options.connections)?;
    let http_rsa = http::run(&folder.join("http"), options.seconds, connections).await?;
    fs::remove_dir_all(&folder)?;
    let report = Report { machine: machine::machine(), in_process, http_rsa };
    let mut out = std::io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
        return Ok(());
    }
    let (machine, pay, http) = (&report.machine, &report.in_process, &report.http_rsa);
    writeln!(
        out,
        "machine     {} x {}, {} MiB, kernel {}",
        machine.cores, machine.cpu, machine.memory_mib, machine.kernel
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
        "over HTTP   {} orders/s, RSA alone {}/s ({} %), {} us CPU each",
        http.orders_per_s,
        http.rsa_limit_per_s,
        http.orders_per_s * 100 / http.rsa_limit_per_s.max(1),
        http.cpu_us_per_order
    )?;
    writeln!(
        out,
        "            p50 {} ms, p99 {} ms; at half load p50 {} ms, p99 {} ms; {} errors",
        http.p50_ms, http.p99_ms, http.half_load_p50_ms, http.half_load_p99_ms, http.errors
    )?;
    Ok(())
}
