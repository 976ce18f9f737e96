//! Durable payments without HTTP: callers place an order and pay it, each step awaited until it is on disk; then they
//! refund what they paid, each refund whole and awaited likewise.

use super::{
    machine::{cpu_us, machine_cpu_us, resident_kib},
    stats::{percentile_ms, rate},
};
use crate::seed::{self, MerchantSeed, SeedError, SeededPayer};
use cluster::Router;
use crypto::{MasterKey, Vault};
use domain::{
    Caller, Command, Reply,
    merchant::Product,
    payment::{Confirmation, Entry, Paid},
    records::Digest,
    refund::{Funds, NewRefund, RefundTerms},
};
use engine::{Engine, Job, RequestKey, Store, SystemClock, engine::Setup};
use serde::Serialize;
use service::{Metrics, metrics::metered};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use types::{AppId, MerchantId, Money, OrderId, Rate, Time};

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct InProcess {
    /// Which store.
    pub(crate) store: &'static str,
    /// How payers came to their orders.
    pub(crate) product: LoadProduct,
    /// Callers at once.
    pub(crate) callers: usize,
    /// Payments a second: order and pay, both durable.
    pub(crate) payments_per_s: u64,
    /// CPU of the whole process a payment, load generator included.
    pub(crate) cpu_us_per_payment: u64,
    /// CPU of the whole machine a payment: with the database's server.
    pub(crate) machine_cpu_us_per_payment: u64,
    /// Latency of pay, median.
    pub(crate) p50_ms: f64,
    /// Latency of pay, 99th percentile.
    pub(crate) p99_ms: f64,
    /// Commands a batch, on average.
    pub(crate) batch: u64,
    /// Resident memory afterwards, KiB, load generator included.
    pub(crate) resident_kib: u64,
    /// Payments made in all.
    pub(crate) payments: u64,
    /// Refunds a second: of those payments, to the balance, durable.
    pub(crate) refunds_per_s: u64,
    /// CPU of the whole process a refund, load generator included.
    pub(crate) cpu_us_per_refund: u64,
    /// Latency of a refund, 99th percentile.
    pub(crate) refund_p99_ms: f64,
    /// Refunds made in all.
    pub(crate) refunds: u64,
    /// Commands that did not succeed.
    pub(crate) errors: u64,
}

/// How the load is shaped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) seconds: u64,
    pub(crate) callers: usize,
    pub(crate) payers: usize,
    pub(crate) merchants: i64,
    /// Which turn of several on the same store: order numbers never repeat.
    pub(crate) round: u64,
    /// Whether each payment comes under a request key, as the wallet's do: a row more.
    pub(crate) keyed: bool,
    /// How payers come to their orders.
    pub(crate) product: LoadProduct,
}

/// How payers come to their orders. It says when the payer of an order is known, and with several nodes where the order
/// begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LoadProduct {
    /// The merchant's code is scanned: nobody knows the payer when the order is placed.
    #[default]
    Native,
    /// A mini-program's order, which names its payer.
    Jsapi,
}

const APP: AppId = AppId(0x0bec_0bec_0bec_0bec);
pub(super) const FIRST_MERCHANT: i64 = 1_800_000_000;
/// Large enough that the fee of 2.4 % is not rounded to nothing: every payment makes two transfers. No larger, since what
/// a payer of class I may pay in a lifetime is bounded.
const AMOUNT_FEN: i64 = 25;
/// What each payer has.
const FUNDS_FEN: i64 = 900_00;
/// Payments that one payer can make.
pub(super) const PAYMENTS_OF_ONE: u64 = (FUNDS_FEN / AMOUNT_FEN).unsigned_abs();

/// A world for the load: merchants and funded payers.
pub(crate) struct World {
    payers: Vec<SeededPayer>,
    merchants: i64,
}

impl World {
    /// Who makes payment `number` of a row, and to whom: as [`World::pick`], payers in no order, so that those of a batch
    /// lie far apart in the store.
    pub(super) fn scattered(&self, number: u64) -> (SeededPayer, MerchantId) {
        self.pick(usize::try_from(number).unwrap_or(0).wrapping_mul(104_729))
    }

    /// Who makes payment `place`, and to whom: a tenth of the payments go to one merchant.
    pub(super) fn pick(&self, place: usize) -> (SeededPayer, MerchantId) {
        let payer = self.payers[place % self.payers.len()];
        // One in ten is left out, and the others' turns still reach every merchant.
        let turn = place / 10 * 9 + place % 10;
        let other = i64::try_from(turn).unwrap_or(0) % self.merchants;
        (payer, MerchantId(FIRST_MERCHANT + if place.is_multiple_of(10) { 0 } else { other }))
    }
}

/// Makes the world over `engine`.
pub(crate) async fn prepare(engine: &Router, vault: &Arc<Vault>, load: Load) -> Result<World, SeedError> {
    seed::application(engine, APP, "bench", &[], None).await?;
    for number in 0..load.merchants {
        let id = MerchantId(FIRST_MERCHANT + number);
        let fee = Rate(24_000);
        seed::merchant(engine, &MerchantSeed { id, name: "bench", app: APP, fee, rate_per_s: 1_000_000 })
            .await?;
    }
    let mut payers = Vec::with_capacity(load.payers);
    let mut made = 0;
    while made < load.payers {
        let upto = (made + 1000).min(load.payers);
        let tasks: Vec<_> = (made..upto)
            .map(|number| {
                let (engine, vault) = (engine.clone(), Arc::clone(vault));
                tokio::spawn(async move {
                    let phone = format!("139{number:08}");
                    let card = ("bench-token", "0000", 1);
                    seed::payer(&engine, &vault, &phone, &[], card, Money::cny(FUNDS_FEN)).await
                })
            })
            .collect();
        for task in tasks {
            payers.push(task.await.map_err(|_| SeedError::Phone("task".into()))??);
        }
        made = upto;
    }
    Ok(World { payers, merchants: load.merchants })
}

struct Shared {
    world: Arc<World>,
    round: u64,
    keyed: bool,
    product: LoadProduct,
    done: AtomicU64,
    errors: AtomicU64,
    started: Instant,
    until: Instant,
}

/// Runs the load and measures it.
pub(crate) async fn run(
    store: &'static str,
    opened: Store,
    load: Load,
) -> Result<InProcess, Box<dyn std::error::Error>> {
    let vault = Arc::new(Vault::new(1, &MasterKey::generate()?));
    // Counted and timed as a server's: what that costs is part of the figure.
    let metrics = Metrics::default();
    let opened = metered(opened, &metrics);
    let setup = Setup {
        observer: Arc::new(metrics),
        runtime: Some(tokio::runtime::Handle::current()),
        ..Setup::default()
    };
    let engine = Engine::start(opened, Arc::new(SystemClock), setup, Box::new(|_| {}))?;
    let handle = Router::from(engine.handle());
    let world = prepare(&handle, &vault, load).await?;
    let measured = measure(store, &[handle], &Arc::new(world), load).await.measured;
    engine.stop();
    Ok(measured)
}

/// A turn of the load.
pub(crate) struct Turn {
    pub(crate) measured: InProcess,
    /// Payments made by the callers of each engine.
    pub(crate) by_engine: Vec<u64>,
    /// CPU of the process, and of the whole machine, microseconds.
    pub(crate) cpu_us: (u64, u64),
    pub(crate) elapsed: Duration,
    /// Of each payment, microseconds, ascending.
    pub(crate) latencies: Vec<u32>,
}

/// Runs the load, its callers spread over `engines`, and measures it.
pub(crate) async fn measure(store: &'static str, engines: &[Router], world: &Arc<World>, load: Load) -> Turn {
    let started = Instant::now();
    let shared = Arc::new(Shared {
        world: Arc::clone(world),
        round: load.round,
        keyed: load.keyed,
        product: load.product,
        done: AtomicU64::new(0),
        errors: AtomicU64::new(0),
        started,
        until: started + Duration::from_secs(load.seconds),
    });
    let stats = || {
        engines
            .iter()
            .map(Router::stats)
            .fold((0, 0), |(commands, batches), stats| (commands + stats.commands, batches + stats.batches))
    };
    let before = stats();
    let (cpu, machine_cpu) = (cpu_us(), machine_cpu_us());
    let tasks: Vec<_> = (0..load.callers)
        .map(|caller| {
            tokio::spawn(call(engines[caller % engines.len()].clone(), Arc::clone(&shared), caller))
        })
        .collect();
    let (mut latencies, mut by_engine) = (Vec::new(), vec![0; engines.len()]);
    let mut sold = Vec::new();
    for (caller, task) in tasks.into_iter().enumerate() {
        let (took, orders) = task.await.unwrap_or_default();
        by_engine[caller % engines.len()] += took.len() as u64;
        latencies.extend(took);
        sold.push(orders);
    }
    let (elapsed, cpu) = (started.elapsed(), cpu_us() - cpu);
    let machine_cpu = machine_cpu_us() - machine_cpu;
    let after = stats();
    let payments = shared.done.load(Ordering::Relaxed);
    latencies.sort_unstable();
    let refunded = refund_all(&engines[0], sold, &shared, load).await;
    let measured = InProcess {
        store,
        product: load.product,
        callers: load.callers,
        payments_per_s: rate(payments, elapsed),
        cpu_us_per_payment: cpu / payments.max(1),
        machine_cpu_us_per_payment: machine_cpu / payments.max(1),
        p50_ms: percentile_ms(&latencies, 50),
        p99_ms: percentile_ms(&latencies, 99),
        batch: (after.0 - before.0) / (after.1 - before.1).max(1),
        resident_kib: resident_kib(),
        payments,
        refunds_per_s: rate(refunded.done, refunded.elapsed),
        cpu_us_per_refund: refunded.cpu_us / refunded.done.max(1),
        refund_p99_ms: percentile_ms(&refunded.latencies, 99),
        refunds: refunded.done,
        errors: shared.errors.load(Ordering::Relaxed),
    };
    Turn { measured, by_engine, cpu_us: (cpu, machine_cpu), elapsed, latencies }
}

/// What the refunds came to.
struct Refunded {
    done: u64,
    elapsed: Duration,
    cpu_us: u64,
    latencies: Vec<u32>,
}

/// Every caller refunds its own payments, until the time is over or none is left.
async fn refund_all(engine: &Router, sold: Vec<Vec<Sold>>, shared: &Arc<Shared>, load: Load) -> Refunded {
    let until = Instant::now() + Duration::from_secs(load.seconds);
    let (started, cpu) = (Instant::now(), cpu_us());
    let tasks: Vec<_> = sold
        .into_iter()
        .map(|orders| {
            let (engine, shared) = (engine.clone(), Arc::clone(shared));
            tokio::spawn(async move {
                let mut latencies = Vec::with_capacity(orders.len());
                for sold in orders {
                    if Instant::now() >= until {
                        break;
                    }
                    match refund(&engine, sold).await {
                        Some(us) => latencies.push(us),
                        None => drop(shared.errors.fetch_add(1, Ordering::Relaxed)),
                    }
                }
                latencies
            })
        })
        .collect();
    let mut latencies: Vec<u32> = Vec::new();
    for task in tasks {
        latencies.extend(task.await.unwrap_or_default());
    }
    latencies.sort_unstable();
    let done = u64::try_from(latencies.len()).unwrap_or(u64::MAX);
    Refunded { done, elapsed: started.elapsed(), cpu_us: cpu_us() - cpu, latencies }
}

async fn refund(engine: &Router, Sold { order, merchant }: Sold) -> Option<u32> {
    let terms = RefundTerms {
        partner: None,
        merchant,
        number: format!("R{order}").into(),
        amount: Money::cny(AMOUNT_FEN),
        reason: "".into(),
        notify_url: "http://127.0.0.1:9/notify".into(),
        funds: Funds::Unsettled,
        extra: "".into(),
        digest: [0; 16],
    };
    let new = NewRefund { terms: Arc::new(terms), order: Some(order), order_number: None, total: AMOUNT_FEN };
    let caller = Caller::of(domain::Actor::Merchant(merchant));
    let started = Instant::now();
    let done = engine.run(Command::CreateRefund(Box::new(new)), caller).await;
    let done = matches!(done, Ok(Reply::Refund(_)));
    done.then(|| u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX))
}

/// A payment to be refunded.
#[derive(Clone, Copy)]
struct Sold {
    order: OrderId,
    merchant: MerchantId,
}

/// One caller: places an order and pays it, until the time is over.
async fn call(engine: Router, shared: Arc<Shared>, caller: usize) -> (Vec<u32>, Vec<Sold>) {
    let (mut latencies, mut sold) = (Vec::with_capacity(256), Vec::with_capacity(256));
    let mut turn = 0_usize;
    while Instant::now() < shared.until {
        turn += 1;
        let place = caller.wrapping_mul(7919).wrapping_add(turn.wrapping_mul(104_729));
        let (payer, merchant) = shared.world.pick(place);
        // As merchants' numbers are that begin with date and time.
        let number = format!("B{:02}{:011}{caller:06}", shared.round, shared.started.elapsed().as_micros());
        let request = shared.keyed.then(|| key(shared.round, caller, turn));
        let asks = Asks { number: &number, request, product: shared.product, now: seed::unix_now() };
        match one(&engine, payer, merchant, asks).await {
            Some((us, order)) => {
                shared.done.fetch_add(1, Ordering::Relaxed);
                latencies.push(us);
                sold.push(Sold { order, merchant });
            }
            None => {
                shared.errors.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    (latencies, sold)
}

/// A request key that nobody else has.
fn key(round: u64, caller: usize, turn: usize) -> RequestKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&round.to_be_bytes());
    bytes[8..16].copy_from_slice(&(caller as u64).to_be_bytes());
    bytes[16..24].copy_from_slice(&(turn as u64).to_be_bytes());
    (Digest(bytes), Digest(bytes))
}

/// A payment to make.
pub(super) struct Asks<'a> {
    pub(super) number: &'a str,
    /// The key under which it is paid, if any.
    pub(super) request: Option<RequestKey>,
    pub(super) product: LoadProduct,
    pub(super) now: Time,
}

impl<'a> Asks<'a> {
    /// A scanned code, without a key.
    pub(super) const fn plain(number: &'a str, now: Time) -> Self {
        Self { number, request: None, product: LoadProduct::Native, now }
    }
}

/// Places an order and pays it: how long paying took, in microseconds.
pub(super) async fn one(
    engine: &Router,
    payer: SeededPayer,
    merchant: MerchantId,
    asks: Asks<'_>,
) -> Option<(u32, OrderId)> {
    let mut terms = seed::load_terms(merchant, APP, asks.number, AMOUNT_FEN);
    let mut product = Product::Native;
    if asks.product == LoadProduct::Jsapi {
        product = Product::Jsapi;
        let terms = Arc::make_mut(&mut terms);
        (terms.product, terms.payer) = (product, Some(payer.id));
    }
    let amount = terms.amount;
    let create = Command::CreateOrder { terms, expires_at: None };
    let Ok(Reply::Order(order)) = engine.run(create, Caller::of(domain::Actor::Merchant(merchant))).await
    else {
        return None;
    };
    let entry = Entry { product, issued_at: asks.now };
    let pay = Confirmation { order, payer: payer.id, entry, shown: amount, card: None, pin: payer.pin };
    let started = Instant::now();
    let caller = Caller::of(domain::Actor::Payer(payer.id));
    match engine.submit(Job { command: Command::PayOrder(pay), caller, request: asks.request }).ok()?.await {
        Ok(Reply::Paid(Paid::Done(_))) => {
            Some((u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX), order))
        }
        _ => None,
    }
}
