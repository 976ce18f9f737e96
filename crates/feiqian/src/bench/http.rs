//! Orders over HTTP with RSA-2048 verified and signed, and RSA alone on the same machine in the same run.
//!
//! Requests are signed before the clock starts, so that the generator's own signatures do not compete with the
//! server's; the generator then only writes bytes and reads answers.

use super::{
    machine::cpu_us,
    stats::{percentile_ms, rate},
};
use crate::{
    app::App,
    config::{Config, Mode},
    home::Home,
    sandbox::{self, APP, MERCHANT},
    seed, serve,
};
use crypto::{Certificate, PrivateKey, request::Caller};
use serde::Serialize;
use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

type Error = Box<dyn std::error::Error>;

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct HttpRsa {
    /// Connections at once.
    pub(crate) connections: usize,
    /// Orders placed a second at full load: verified, durable, answered and signed.
    pub(crate) orders_per_s: u64,
    /// Verify and sign alone, all cores, a second.
    pub(crate) rsa_limit_per_s: u64,
    /// Orders a batch at full load, on average.
    pub(crate) batch: u64,
    /// CPU of the whole process an order, load generator included.
    pub(crate) cpu_us_per_order: u64,
    /// CPU of one verification and one signature alone.
    pub(crate) rsa_cpu_us: u64,
    /// Latency at full load, median.
    pub(crate) p50_ms: f64,
    /// Latency at full load, 99th percentile.
    pub(crate) p99_ms: f64,
    /// Latency when half as many orders arrive, evenly spaced: median.
    pub(crate) half_load_p50_ms: f64,
    /// Latency when half as many orders arrive, evenly spaced: 99th percentile.
    pub(crate) half_load_p99_ms: f64,
    /// Answers that were not 200.
    pub(crate) errors: u64,
    /// Resident memory before the load, KiB.
    pub(crate) fresh_resident_kib: u64,
}

/// Verifies and signs on every core for that long: how often.
fn rsa_alone(key: &PrivateKey, lasts: Duration) -> Result<u64, Error> {
    let message = [b'x'; 300];
    let signature = key.sign(&message)?;
    let until = Instant::now() + lasts;
    let threads: Vec<_> = (0..crate::cores())
        .map(|_| {
            let (key, signature) = (key.clone(), signature.clone());
            thread::spawn(move || {
                let mut done = 0_u64;
                while Instant::now() < until {
                    if key.public_key().verify(&message, &signature).is_err() || key.sign(&message).is_err() {
                        return 0;
                    }
                    done += 1;
                }
                done
            })
        })
        .collect();
    Ok(threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum())
}

/// Rounds of RSA alone and orders in turn: on a shared machine both then meet the same neighbours.
const ROUNDS: u64 = 4;

/// Starts a server in this process, and loads it.
pub(crate) async fn run(
    folder: &Path,
    config: &Config,
    seconds: u64,
    connections: usize,
) -> Result<HttpRsa, Error> {
    let home = Home::new(folder);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let config = Config { mode: Mode::Sandbox, listen: address, ..config.clone() };
    let app = App::open(&home, &config, crate::nodes::As::Server).await?;
    let made = sandbox::init(&app, &home, &config).await?;
    let change = domain::merchant::MerchantChange { rate_per_s: Some(1_000_000), ..Default::default() };
    let change = domain::Command::ChangeMerchant(MERCHANT, Box::new(change));
    app.service.engine.run(change, domain::Caller::platform()).await?;
    let (engine, stop) = (app.service.engine.clone(), CancellationToken::new());
    let server = {
        let (config, stop) = (config.clone(), stop.clone());
        tokio::spawn(async move { serve::serve(app, listener, &config, stop).await })
    };
    let fresh_resident_kib = super::machine::resident_kib();
    let certificate = Certificate::from_pem(&fs::read_to_string(&made.merchant.merchant_certificate_path)?)?;
    let key = PrivateKey::from_pem(&fs::read_to_string(&made.merchant.merchant_private_key_path)?)?;
    let started = Instant::now();
    let probe = rsa_alone(&key, Duration::from_secs(1))?;
    let probe_per_s = rate(probe, started.elapsed());
    let caller = Caller { mchid: MERCHANT, serial: certificate.serial().to_owned(), key: key.clone() };
    let warm = sign_requests(&caller, &made.merchant.platform_public_key_id, "W", probe_per_s / 2);
    load(address, Arc::new(warm), Duration::from_secs(1), connections, None).await;
    let slice = Duration::from_secs(seconds) / u32::try_from(ROUNDS)?;
    let before = engine.stats();
    let (mut rsa, mut full) = (Sum::default(), Loaded::default());
    let mut orders = Sum::default();
    for round in 0..ROUNDS {
        let count = probe_per_s * seconds / ROUNDS;
        let signed =
            sign_requests(&caller, &made.merchant.platform_public_key_id, &format!("F{round}"), count);
        let (started, cpu) = (Instant::now(), cpu_us());
        let done = rsa_alone(&key, slice / 2)?;
        rsa.add(done, started, cpu);
        let (started, cpu) = (Instant::now(), cpu_us());
        let loaded = load(address, Arc::new(signed), slice, connections, None).await;
        orders.add(loaded.done, started, cpu);
        full.latencies.extend(loaded.latencies);
        full.errors += loaded.errors;
    }
    let after = engine.stats();
    full.latencies.sort_unstable();
    let (orders_per_s, rsa_limit_per_s) = (rate(orders.done, orders.elapsed), rate(rsa.done, rsa.elapsed));
    let half_rate = (orders_per_s / 2).max(1);
    let half = sign_requests(&caller, &made.merchant.platform_public_key_id, "H", half_rate * seconds);
    let half =
        load(address, Arc::new(half), Duration::from_secs(seconds), connections, Some(half_rate)).await;
    stop.cancel();
    server.await??;
    Ok(HttpRsa {
        connections,
        orders_per_s,
        rsa_limit_per_s,
        batch: (after.commands - before.commands) / (after.batches - before.batches).max(1),
        cpu_us_per_order: orders.cpu_us / orders.done.max(1),
        rsa_cpu_us: rsa.cpu_us / rsa.done.max(1),
        p50_ms: percentile_ms(&full.latencies, 50),
        p99_ms: percentile_ms(&full.latencies, 99),
        half_load_p50_ms: percentile_ms(&half.latencies, 50),
        half_load_p99_ms: percentile_ms(&half.latencies, 99),
        errors: full.errors + half.errors,
        fresh_resident_kib,
    })
}

/// Whole requests, signed now, one order each.
fn sign_requests(caller: &Caller, platform_id: &str, prefix: &str, count: u64) -> Vec<Vec<u8>> {
    let cores = crate::cores() as u64;
    let share = count.div_ceil(cores);
    let threads: Vec<_> = (0..cores)
        .map(|part| {
            let (caller, platform_id, prefix) = (caller.clone(), platform_id.to_owned(), prefix.to_owned());
            thread::spawn(move || {
                let numbers = part * share..((part + 1) * share).min(count);
                numbers
                    .filter_map(|number| request(&caller, &platform_id, &prefix, number))
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
}

fn request(caller: &Caller, platform_id: &str, prefix: &str, number: u64) -> Option<Vec<u8>> {
    let target = "/v3/pay/transactions/native";
    let body = format!(
        "{{\"appid\":\"{APP}\",\"mchid\":\"{MERCHANT}\",\"description\":\"coffee\",\"out_trade_no\":\
         \"{prefix}{number:012}\",\"notify_url\":\"http://127.0.0.1:9/notify\",\"amount\":{{\"total\":1}}}}"
    );
    let now = seed::unix_now();
    let nonce = crypto::random::nonce().ok()?;
    let authorization = caller.authorization("POST", target, body.as_bytes(), now, &nonce).ok()?;
    let head = format!(
        "POST {target} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {authorization}\r\naccept: application/json\r\n\
         content-type: application/json\r\nwechatpay-serial: {platform_id}\r\nuser-agent: feiqian-bench\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    Some(head.into_bytes())
}

#[derive(Default)]
struct Loaded {
    done: u64,
    errors: u64,
    latencies: Vec<u32>,
}

/// What several rounds came to.
#[derive(Default)]
struct Sum {
    done: u64,
    elapsed: Duration,
    cpu_us: u64,
}

impl Sum {
    fn add(&mut self, done: u64, started: Instant, cpu_before: u64) {
        self.done += done;
        self.elapsed += started.elapsed();
        self.cpu_us += cpu_us() - cpu_before;
    }
}

struct Work {
    requests: Arc<Vec<Vec<u8>>>,
    next: AtomicUsize,
    errors: AtomicU64,
    started: Instant,
    until: Instant,
    /// Nanoseconds between arrivals; as fast as answers come when none.
    gap_ns: Option<u64>,
}

/// Sends the requests over `connections`. With a rate, each has its own time to be sent, and its latency counts
/// from that time, so that a stall is not hidden by sending less.
async fn load(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    lasts: Duration,
    connections: usize,
    rate_per_s: Option<u64>,
) -> Loaded {
    let started = Instant::now();
    let work = Arc::new(Work {
        requests,
        next: AtomicUsize::new(0),
        errors: AtomicU64::new(0),
        started,
        until: started + lasts,
        gap_ns: rate_per_s.map(|rate| 1_000_000_000 / rate.max(1)),
    });
    let generator = Arc::clone(&work);
    // A thread of its own, so that it and the server's threads do not run each other's tasks.
    let thread = thread::Builder::new().name("load".into()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let local = tokio::task::LocalSet::new();
            let tasks: Vec<_> = (0..connections)
                .map(|_| local.spawn_local(connection(address, Arc::clone(&generator))))
                .collect();
            local.await;
            let mut latencies = Vec::new();
            for task in tasks {
                latencies.extend(task.await.unwrap_or_default());
            }
            Ok::<_, std::io::Error>(latencies)
        })
    });
    let joined = tokio::task::spawn_blocking(move || thread.ok()?.join().ok()?.ok());
    let mut latencies = joined.await.ok().flatten().unwrap_or_default();
    latencies.sort_unstable();
    let errors = work.errors.load(Ordering::Relaxed);
    Loaded { done: latencies.len() as u64, errors, latencies }
}

async fn connection(address: SocketAddr, work: Arc<Work>) -> Vec<u32> {
    let mut latencies = Vec::new();
    let Ok(mut stream) = TcpStream::connect(address).await else {
        work.errors.fetch_add(1, Ordering::Relaxed);
        return latencies;
    };
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::with_capacity(8192);
    while Instant::now() < work.until {
        let place = work.next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = work.requests.get(place) else { break };
        let mut due = Instant::now();
        if let Some(gap) = work.gap_ns {
            due = work.started + Duration::from_nanos(gap * place as u64);
            if due >= work.until {
                break;
            }
            tokio::time::sleep_until(due.into()).await;
        }
        match exchange(&mut stream, request, &mut buffer).await {
            Some(200) => latencies.push(u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX)),
            Some(_) => {
                work.errors.fetch_add(1, Ordering::Relaxed);
            }
            None => {
                work.errors.fetch_add(1, Ordering::Relaxed);
                break;
            }
        }
    }
    latencies
}

/// Writes a request and reads its whole answer; the status, or none when the connection broke.
async fn exchange(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> Option<u16> {
    stream.write_all(request).await.ok()?;
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
        let Some(head) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head]).ok()?;
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if buffer.len() >= head + 4 + length.unwrap_or(0) {
            return text.split(' ').nth(1)?.parse().ok();
        }
    }
}
