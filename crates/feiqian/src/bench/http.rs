//! Orders over HTTP with RSA-2048 verified and signed, and RSA alone on the same machine in the same run.
//!
//! Requests are signed before the clock starts, so that the generator's own signatures do not compete with the
//! server's; the generator then only writes bytes and reads answers. A round is measured once its connections are
//! open and the queues are full. Beside them runs a server that answers with a signature and does nothing else
//! ([`super::bare`]): how much of RSA alone is left to any server on this machine.

use super::{
    bare::Bare,
    load::{Loaded, Shape, Sum, load},
    machine::cpu_us,
    server::Server,
    stats::{in_that_time, percentile, percentile_ms, rate},
};
use crate::{
    config::Config,
    sandbox::{APP, MERCHANT},
    seed,
};
use crypto::{Certificate, PrivateKey, request::Caller};
use serde::Serialize;
use std::{
    fs,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

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
    /// Orders beside RSA alone, in thousandths: the median of the rounds, each beside the RSA right before it.
    pub(crate) share_permille: u64,
    /// The same, the quarter of rounds with the lowest shares is at most there.
    pub(crate) share_lower_permille: u64,
    /// The same, the quarter of rounds with the highest shares is at least there.
    pub(crate) share_upper_permille: u64,
    /// Requests a second of a server that only verifies and signs, load generator included.
    pub(crate) bare_per_s: u64,
    /// That beside RSA alone, in thousandths: the median of the rounds.
    pub(crate) bare_share_permille: u64,
    /// Orders beside those bare requests, in thousandths: the median of the rounds.
    pub(crate) share_of_bare_permille: u64,
    /// CPU of the whole process a bare request.
    pub(crate) bare_cpu_us: u64,
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

/// Rounds of RSA alone, bare requests and orders in turn. A neighbour on a shared machine comes and goes within a second or two, so
/// rounds are shorter than that: all parts of one then meet the same neighbours, and the median leaves out the rounds
/// in the middle of which one came or went.
const ROUNDS: u64 = 20;
/// How long connections open and queues fill before a round counts: several times what an order waits at full load.
const RAMP: Duration = Duration::from_millis(150);

/// Starts a server in this process, and loads it.
pub(crate) async fn run(
    folder: &Path,
    config: &Config,
    seconds: u64,
    connections: usize,
) -> Result<HttpRsa, Error> {
    let server = Server::start(folder, config).await?;
    let (address, made, engine) = (server.address, &server.made, server.service.engine.clone());
    let fresh_resident_kib = super::machine::resident_kib();
    let certificate = Certificate::from_pem(&fs::read_to_string(&made.merchant.merchant_certificate_path)?)?;
    let key = PrivateKey::from_pem(&fs::read_to_string(&made.merchant.merchant_private_key_path)?)?;
    let started = Instant::now();
    let probe = rsa_alone(&key, Duration::from_secs(1))?;
    let probe_per_s = rate(probe, started.elapsed());
    let caller = Caller { mchid: MERCHANT, serial: certificate.serial().to_owned(), key: key.clone() };
    let warm = sign_requests(&caller, &made.merchant.platform_public_key_id, "W", probe_per_s / 2);
    let shape =
        Shape { lasts: Duration::from_secs(1), ramp: RAMP, connections, rate_per_s: None, status: 200 };
    load(address, Arc::new(warm), shape).await;
    let bare = Bare::start(key.clone(), config.signing()).await?;
    let slice = Duration::from_secs(seconds) / u32::try_from(ROUNDS)?;
    let before = engine.stats();
    let (mut rsa, mut full) = (Sum::default(), Loaded::default());
    let (mut orders, mut alone) = (Sum::default(), Sum::default());
    let (mut shares, mut bare_shares, mut of_bare) = (Vec::new(), Vec::new(), Vec::new());
    // More than a round can be answered, even if RSA alone is a third faster by then.
    let count = in_that_time(probe_per_s * 4 / 3, slice + RAMP);
    for round in 0..ROUNDS {
        let signed =
            sign_requests(&caller, &made.merchant.platform_public_key_id, &format!("F{round}"), count);
        let (started, cpu) = (Instant::now(), cpu_us());
        let done = rsa_alone(&key, slice / 2)?;
        let (elapsed, cpu) = (started.elapsed(), cpu_us() - cpu);
        rsa.add(done, elapsed, cpu);
        let limit = rate(done, elapsed).max(1);
        let signed = Arc::new(signed);
        let shape = Shape { lasts: slice / 2 + RAMP, ..shape };
        let loaded = load(bare.address, Arc::clone(&signed), shape).await;
        let bare_rate = rate(loaded.done, loaded.elapsed);
        bare_shares.push(bare_rate * 1_000 / limit);
        alone.add(loaded.done, loaded.elapsed, loaded.cpu_us);
        full.errors += loaded.errors;
        let loaded = load(address, signed, Shape { lasts: slice + RAMP, ..shape }).await;
        shares.push(rate(loaded.done, loaded.elapsed) * 1_000 / limit);
        of_bare.push(rate(loaded.done, loaded.elapsed) * 1_000 / bare_rate.max(1));
        orders.add(loaded.done, loaded.elapsed, loaded.cpu_us);
        full.latencies.extend(loaded.latencies);
        full.errors += loaded.errors;
    }
    let after = engine.stats();
    full.latencies.sort_unstable();
    [&mut shares, &mut bare_shares, &mut of_bare].into_iter().for_each(|shares| shares.sort_unstable());
    bare.stop().await??;
    let (orders_per_s, rsa_limit_per_s) = (rate(orders.done, orders.elapsed), rate(rsa.done, rsa.elapsed));
    let half_rate = (orders_per_s / 2).max(1);
    let half = sign_requests(&caller, &made.merchant.platform_public_key_id, "H", half_rate * seconds);
    let shape = Shape { lasts: Duration::from_secs(seconds), rate_per_s: Some(half_rate), ..shape };
    let half = load(address, Arc::new(half), shape).await;
    server.stop().await?;
    Ok(HttpRsa {
        connections,
        orders_per_s,
        rsa_limit_per_s,
        share_permille: percentile(&shares, 50),
        share_lower_permille: percentile(&shares, 25),
        share_upper_permille: percentile(&shares, 75),
        bare_per_s: rate(alone.done, alone.elapsed),
        bare_share_permille: percentile(&bare_shares, 50),
        share_of_bare_permille: percentile(&of_bare, 50),
        bare_cpu_us: alone.cpu_us / alone.done.max(1),
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
