//! What time and size do to a store: payments at full speed until so many are made (`--payments`), or at an even rate
//! for so long (`--rate`, `--seconds`). Both tell rate, latency, memory and size interval by interval, open the store
//! anew at the end, and prove it.

use super::{
    in_process::{self, Load, World},
    machine::{Machine, cpu_us, machine, resident_kib},
    pace::{Pace, since_us},
    stats::{percentile_ms, rate},
};
use crate::{cli, config::Config, database, home::Home, seed};
use cluster::Router;
use crypto::{MasterKey, Vault};
use domain::{Caller, Command};
use engine::{Engine, Queries, Refusal, SystemClock, engine::Setup};
use serde::Serialize;
use service::{Metrics, metrics::metered};
use std::{
    fs,
    io::Write,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use types::MerchantId;

type Error = Box<dyn std::error::Error>;

/// Intervals that a load of so many payments is told in.
const TENTHS: u64 = 10;
/// The interval of a load by the clock.
const MINUTE: Duration = Duration::from_secs(60);
/// How often it is looked whether an interval is over.
const LOOK: Duration = Duration::from_millis(20);

/// What was measured.
#[derive(Debug, Serialize)]
struct Report {
    machine: Machine,
    /// Which store.
    store: &'static str,
    callers: usize,
    /// Payments that were to arrive a second; as many as went when none.
    rate_per_s: Option<u64>,
    intervals: Vec<Interval>,
    /// The last interval's rate in percent of the first's.
    last_to_first_percent: u64,
    payments: u64,
    errors: u64,
    /// Bytes of the store a payment at the end, SQLite's write-ahead log included: the last payments may be only there.
    bytes_per_payment: u64,
    /// From opening the store to its first answer, milliseconds.
    start_ms: u64,
    /// How long the proof took, milliseconds.
    prove_ms: u64,
}

/// One stretch of the load.
#[derive(Debug, Clone, Serialize)]
struct Interval {
    /// Payments made until its end.
    payments: u64,
    /// Order and pay, both durable.
    payments_per_s: u64,
    /// CPU of the process a payment, load generator included.
    cpu_us_per_payment: u64,
    /// Of order and pay together, from the moment the payment was due.
    p50_ms: f64,
    p99_ms: f64,
    resident_kib: u64,
    /// What the store takes, SQLite's write-ahead log included.
    store_bytes: u64,
    /// Of that the write-ahead log; a server's is its own affair and not in the size.
    log_bytes: u64,
    /// Commands that did not succeed.
    errors: u64,
}

/// How long, and how fast.
#[derive(Debug, Clone, Copy)]
enum Until {
    Payments(u64),
    Time { per_s: u64, lasts: Duration },
}

struct Shared {
    world: World,
    until: Until,
    began: Instant,
    /// Payments begun.
    next: AtomicU64,
    done: AtomicU64,
    errors: AtomicU64,
    /// Of the interval, microseconds.
    latencies: Mutex<Vec<u32>>,
}

/// Measures and prints.
pub(super) async fn run(options: &cli::Bench, folder: &Path) -> Result<(), Error> {
    let until = match (options.payments, options.rate) {
        (Some(payments), None) => Until::Payments(payments),
        (None, Some(per_s)) => Until::Time { per_s, lasts: Duration::from_secs(options.seconds) },
        _ => return Err("--payments or --rate; both only with --close".into()),
    };
    let config = Config::default().with_database(options.database.as_deref());
    database::must_be_empty(&config)?;
    fs::create_dir_all(folder)?;
    let home = Home::new(folder);
    let name = if options.database.is_some() { "postgresql" } else { "sqlite" };
    let (callers, payers) = (usize::try_from(options.callers)?, usize::try_from(options.payers)?);
    let payments = match until {
        Until::Payments(payments) => payments,
        Until::Time { per_s, lasts } => per_s.saturating_mul(lasts.as_secs()),
    };
    // A payer may pay so often and no more: with fewer the rest of the load would be refusals.
    let payers = payers.max(usize::try_from(payments.div_ceil(in_process::PAYMENTS_OF_ONE))?);
    let load = Load {
        seconds: 0,
        callers,
        payers,
        merchants: super::MERCHANTS,
        round: 0,
        keyed: false,
        product: in_process::LoadProduct::default(),
    };
    let tell = |text: &str| {
        if !options.json {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    };
    tell(&format!("preparing {payers} payers"));
    let (engine, queries) = start(&home, &config)?;
    let router = Router::from(engine.handle());
    let vault = Arc::new(Vault::new(1, &MasterKey::generate()?));
    let world = in_process::prepare(&router, &vault, load).await?;
    let shared = Arc::new(Shared {
        world,
        until,
        began: Instant::now(),
        next: AtomicU64::new(0),
        done: AtomicU64::new(0),
        errors: AtomicU64::new(0),
        latencies: Mutex::default(),
    });
    let tasks: Vec<_> =
        (0..callers).map(|_| tokio::spawn(call(router.clone(), Arc::clone(&shared)))).collect();
    let mut intervals: Vec<Interval> = Vec::new();
    while let Some(interval) = interval(&shared, &intervals, &tasks, || Size::of(&*queries, &home)).await? {
        tell(&format!(
            "{:>10} payments: {:>6}/s, {:>3} us CPU, p50 {} ms, p99 {} ms, {} MiB resident, {} MiB stored, {} errors",
            interval.payments,
            interval.payments_per_s,
            interval.cpu_us_per_payment,
            interval.p50_ms,
            interval.p99_ms,
            interval.resident_kib >> 10,
            interval.store_bytes >> 20,
            interval.errors
        ));
        intervals.push(interval);
    }
    for task in tasks {
        task.await?;
    }
    engine.stop();
    tell("opening the store anew, and proving it");
    let opened = Instant::now();
    let (again, queries) = start(&home, &config)?;
    // Refused, but only an engine that stands answers that there is no such order.
    let unknown = Command::CloseOrder(MerchantId(1).into(), "no-such-order".into());
    let answer = Router::from(again.handle()).run(unknown, Caller::platform()).await;
    let start_ms = u64::try_from(opened.elapsed().as_millis())?;
    if !matches!(answer, Err(Refusal::Rejected(_))) {
        return Err(format!("the store opened anew answers {answer:?}").into());
    }
    again.stop();
    let payments = shared.done.load(Ordering::Relaxed);
    let bytes_per_payment = Size::of(&*queries, &home)?.store / payments.max(1);
    let proving = Instant::now();
    let queries = database::snapshot(&home, &config)?;
    let proof = tokio::task::spawn_blocking(move || engine::prove::prove(&*queries)).await??;
    if !proof.holds() {
        return Err(format!("an invariant is broken: {:?}", proof.failures.first()).into());
    }
    let prove_ms = u64::try_from(proving.elapsed().as_millis())?;
    let per_s = |interval: Option<&Interval>| interval.map_or(0, |interval| interval.payments_per_s);
    let report = Report {
        machine: machine(),
        store: name,
        callers,
        rate_per_s: options.rate,
        last_to_first_percent: per_s(intervals.last()) * 100 / per_s(intervals.first()).max(1),
        payments,
        errors: shared.errors.load(Ordering::Relaxed),
        intervals,
        bytes_per_payment,
        start_ms,
        prove_ms,
    };
    fs::remove_dir_all(folder)?;
    let mut out = std::io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
        return Ok(());
    }
    writeln!(
        out,
        "{} payments, {} errors; the last interval at {} % of the first's rate; {} bytes a payment; start {} ms; \
         proved in {} ms",
        report.payments,
        report.errors,
        report.last_to_first_percent,
        report.bytes_per_payment,
        report.start_ms,
        report.prove_ms
    )?;
    Ok(())
}

fn start(home: &Home, config: &Config) -> Result<(Engine, Arc<dyn Queries>), Error> {
    let metrics = Metrics::default();
    let store = metered(database::open(home, config)?, &metrics);
    let queries = Arc::clone(&store.queries);
    let setup = Setup {
        observer: Arc::new(metrics),
        runtime: Some(tokio::runtime::Handle::current()),
        ..Setup::default()
    };
    Ok((Engine::start(store, Arc::new(SystemClock), setup, Box::new(|_| {}))?, queries))
}

/// Waits for the next interval to end; none once all callers have ended before it began.
async fn interval(
    shared: &Shared,
    before: &[Interval],
    tasks: &[tokio::task::JoinHandle<()>],
    size: impl Fn() -> Result<Size, Error>,
) -> Result<Option<Interval>, Error> {
    let ended = || tasks.iter().all(tokio::task::JoinHandle::is_finished);
    if ended() {
        return Ok(None);
    }
    let first = before.last().map_or(0, |last| last.payments);
    let errors: u64 = before.iter().map(|interval| interval.errors).sum();
    let (began, cpu) = (Instant::now(), cpu_us());
    let over = || match shared.until {
        Until::Payments(all) => shared.done.load(Ordering::Relaxed) >= first + all.div_ceil(TENTHS),
        Until::Time { .. } => began.elapsed() >= MINUTE,
    };
    while !over() && !ended() {
        tokio::time::sleep(LOOK).await;
    }
    let mut latencies = std::mem::take(&mut *shared.latencies.lock().unwrap_or_else(PoisonError::into_inner));
    latencies.sort_unstable();
    let (payments, elapsed) = (shared.done.load(Ordering::Relaxed), began.elapsed());
    let (made, size) = (payments - first, size()?);
    Ok(Some(Interval {
        payments,
        payments_per_s: rate(made, elapsed),
        cpu_us_per_payment: (cpu_us() - cpu) / made.max(1),
        p50_ms: percentile_ms(&latencies, 50),
        p99_ms: percentile_ms(&latencies, 99),
        resident_kib: resident_kib(),
        store_bytes: size.store,
        log_bytes: size.log,
        errors: shared.errors.load(Ordering::Relaxed) - errors,
    }))
}

/// One caller: takes the next payment, waits until it is due, and makes it.
async fn call(engine: Router, shared: Arc<Shared>) {
    loop {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let mut due = Instant::now();
        match shared.until {
            Until::Payments(all) if number >= all => return,
            Until::Payments(_) => {}
            Until::Time { per_s, lasts } => {
                due = Pace::new(shared.began, per_s).due(number);
                if due >= shared.began + lasts {
                    return;
                }
                tokio::time::sleep_until(due.into()).await;
            }
        }
        let (payer, merchant) = shared.world.scattered(number);
        let (number, now) = (format!("E{number:012}"), seed::unix_now());
        if in_process::one(&engine, payer, merchant, in_process::Asks::plain(&number, now)).await.is_none() {
            shared.errors.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        shared.done.fetch_add(1, Ordering::Relaxed);
        let took = since_us(due);
        shared.latencies.lock().unwrap_or_else(PoisonError::into_inner).push(took);
    }
}

/// What a store takes, bytes.
struct Size {
    /// In all, SQLite's write-ahead log included.
    store: u64,
    /// That log.
    log: u64,
}

impl Size {
    fn of(queries: &dyn Queries, home: &Home) -> Result<Self, Error> {
        let store = u64::try_from(queries.counts()?.bytes)?;
        // The log may have grown since it was counted in.
        Ok(Self { store, log: home.log_bytes().min(store) })
    }
}
