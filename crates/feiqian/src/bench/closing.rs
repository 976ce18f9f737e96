//! What closing a day does to payments (`--close`): a day of many payments is made, payments go on arriving at an even
//! rate, and under them the day is closed and settled by the job that a server runs.

use super::{
    console,
    in_process::{self, Load, World},
    machine::{Machine, machine, resident_kib},
    pace::{Pace, since_us},
    stats::percentile_ms,
};
use crate::{
    app::App,
    cli,
    config::{Config, Mode},
    database,
    home::Home,
    nodes,
};
use serde::Serialize;
use service::Service;
use std::{
    fs,
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

type Error = Box<dyn std::error::Error>;

/// Payments of the day when none are asked for.
const PAYMENTS: u64 = 1_000_000;
/// Payments that arrive a second meanwhile, when none are asked for.
const RATE: u64 = 5_000;
/// Merchants that are paid.
const MERCHANTS: i64 = 1_000;
/// How long payments are watched before the day closes.
const QUIET: Duration = Duration::from_secs(20);
/// Callers that the payments beside it are spread over.
const CALLERS: usize = 500;
/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(20);

#[derive(Debug, Serialize)]
struct Report {
    machine: Machine,
    store: &'static str,
    /// Of the day.
    payments: u64,
    merchants: i64,
    /// Payments that were to arrive a second meanwhile.
    rate_per_s: u64,
    /// Before the day was over, and while it was closed and settled.
    before: Beside,
    closing: Beside,
    /// From the end of the day until every merchant's money was settled, milliseconds.
    closed_ms: u128,
    /// Of it, reading and adding up the day's transfers.
    reading_ms: u128,
    /// The most resident memory before and meanwhile, payers and load generator included.
    before_kib: u64,
    most_kib: u64,
}

/// The payments beside it.
#[derive(Debug, Serialize)]
struct Beside {
    payments: u64,
    /// Of order and pay together, from the moment the payment was due.
    p50_ms: f64,
    p99_ms: f64,
    most_ms: f64,
    errors: u64,
}

/// Measures and prints.
pub(super) async fn run(options: &cli::Bench, folder: &Path) -> Result<(), Error> {
    let (payments, per_s) = (options.payments.unwrap_or(PAYMENTS), options.rate.unwrap_or(RATE));
    let tell = |text: &str| {
        if !options.json {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    };
    let config =
        Config { mode: Mode::Sandbox, ..Config::default().with_database(options.database.as_deref()) };
    database::must_be_empty(&config)?;
    fs::create_dir_all(folder)?;
    let app = App::open(&Home::new(folder), &config, nodes::As::Server).await?;
    let service = Arc::clone(&app.service);
    let clock = app.sandbox_clock.clone().ok_or("no clock that can be moved")?;
    let load = Load {
        seconds: 0,
        callers: usize::try_from(options.callers)?,
        payers: usize::try_from(options.payers)?,
        merchants: MERCHANTS,
        round: 0,
        keyed: false,
        product: in_process::LoadProduct::default(),
    };
    tell(&format!("making {payments} payments"));
    let world = console::pay(&service, load, payments).await?;
    let stream = |prefix| Stream::start(&service, &world, per_s, prefix);
    tell(&format!("{per_s} payments/s for {} s", QUIET.as_secs()));
    let quiet = stream('Q');
    tokio::time::sleep(QUIET).await;
    let before = quiet.stop().await?;
    let before_kib = resident_kib();
    tell("the day is over and closes");
    let now = service.now();
    let monday = now.business_day().plus(4).start().plus(10 * types::time::HOUR);
    clock.advance(monday.since(now));
    let beside = stream('D');
    let most = Most::watch();
    let began = Instant::now();
    let mut reading = Duration::ZERO;
    while let Some(closed) = worker::settlement::close_next(&service).await? {
        reading += closed.reading;
    }
    while worker::settlement::do_due(&service).await? > 0 {}
    let closed = began.elapsed();
    let closing = beside.stop().await?;
    let most_kib = most.stop().await?;
    for merchant in 0..MERCHANTS {
        console::settled(&service, in_process::FIRST_MERCHANT + merchant)?
            .then_some(())
            .ok_or_else(|| format!("merchant {merchant} was not settled"))?;
    }
    drop(service);
    app.close();
    let queries = database::snapshot(&Home::new(folder), &config)?;
    let proof = tokio::task::spawn_blocking(move || engine::prove::prove(&*queries)).await??;
    if !proof.holds() {
        return Err(format!("an invariant is broken: {:?}", proof.failures.first()).into());
    }
    fs::remove_dir_all(folder)?;
    let report = Report {
        machine: machine(),
        store: if options.database.is_some() { "postgresql" } else { "sqlite" },
        payments,
        merchants: MERCHANTS,
        rate_per_s: per_s,
        before,
        closing,
        closed_ms: closed.as_millis(),
        reading_ms: reading.as_millis(),
        before_kib,
        most_kib,
    };
    let mut out = std::io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
        return Ok(());
    }
    let Report { closed_ms, reading_ms, before, closing, .. } = &report;
    writeln!(
        out,
        "a day of {payments} payments over {MERCHANTS} merchants closed and settled in {closed_ms} ms, {reading_ms} of \
         them reading; {} MiB resident at most, {} before",
        most_kib >> 10,
        before_kib >> 10
    )?;
    for (when, Beside { payments, p50_ms, p99_ms, most_ms, errors }) in
        [("before", before), ("meanwhile", closing)]
    {
        writeln!(
            out,
            "{when:<10} {payments} payments at {per_s}/s: p50 {p50_ms} ms, p99 {p99_ms} ms, most {most_ms} ms, \
             {errors} errors"
        )?;
    }
    Ok(())
}

/// Payments that arrive at an even rate until told to stop.
struct Stream {
    stop: Arc<AtomicBool>,
    calls: Vec<tokio::task::JoinHandle<(Vec<u32>, u64)>>,
}

impl Stream {
    fn start(service: &Arc<Service>, world: &Arc<World>, per_s: u64, prefix: char) -> Self {
        let (stop, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let pace = Pace::new(Instant::now(), per_s);
        let call = |_| {
            let (service, world) = (Arc::clone(service), Arc::clone(world));
            let (stop, next) = (Arc::clone(&stop), Arc::clone(&next));
            tokio::spawn(async move {
                let (mut latencies, mut errors) = (Vec::new(), 0);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let due = pace.due(number);
                    tokio::time::sleep_until(due.into()).await;
                    if stop.load(Ordering::Relaxed) {
                        return (latencies, errors);
                    }
                    let (payer, merchant) = world.scattered(number);
                    let number = format!("{prefix}{number:012}");
                    let made = in_process::one(
                        &service.engine,
                        payer,
                        merchant,
                        in_process::Asks::plain(&number, service.now()),
                    )
                    .await;
                    errors += u64::from(made.is_none());
                    latencies.push(since_us(due));
                }
            })
        };
        let calls = (0..CALLERS).map(call).collect();
        Self { stop, calls }
    }

    async fn stop(self) -> Result<Beside, Error> {
        self.stop.store(true, Ordering::Relaxed);
        let (mut latencies, mut errors) = (Vec::new(), 0);
        for call in self.calls {
            let (took, failed) = call.await?;
            latencies.extend(took);
            errors += failed;
        }
        latencies.sort_unstable();
        let [p50_ms, p99_ms, most_ms] = [50, 99, 100].map(|percent| percentile_ms(&latencies, percent));
        Ok(Beside { payments: latencies.len() as u64, p50_ms, p99_ms, most_ms, errors })
    }
}

/// The most memory that was resident while it watched.
struct Most {
    stop: Arc<AtomicBool>,
    watch: tokio::task::JoinHandle<u64>,
}

impl Most {
    fn watch() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&stop);
        let watch = tokio::spawn(async move {
            let mut most = 0;
            while !ends.load(Ordering::Relaxed) {
                most = most.max(resident_kib());
                tokio::time::sleep(LOOK).await;
            }
            most
        });
        Self { stop, watch }
    }

    async fn stop(self) -> Result<u64, Error> {
        self.stop.store(true, Ordering::Relaxed);
        Ok(self.watch.await?)
    }
}
