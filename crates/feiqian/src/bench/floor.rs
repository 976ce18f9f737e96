//! The floor: the same callers over a bare log, two records a payment, each awaited until it is on disk. No rules,
//! no tables, no way to read anything back: what is left is the disk, the queue and the load generator.

use super::{
    machine::cpu_us,
    stats::{percentile_ms, rate},
};
use serde::Serialize;
use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Floor {
    /// Payments a second: two records, both durable.
    pub(crate) payments_per_s: u64,
    /// CPU of the whole process a payment, load generator included.
    pub(crate) cpu_us_per_payment: u64,
    /// Latency of the second record, 99th percentile.
    pub(crate) p99_ms: f64,
}

/// Bytes of a record: half of what the SQLite store takes for a payment.
const RECORD: usize = 283;
/// As an engine's batch.
const BATCH_MAX: usize = 1000;

#[derive(Default)]
struct Inbox {
    waiting: Vec<oneshot::Sender<()>>,
    over: bool,
}

#[derive(Default)]
struct Log {
    inbox: Mutex<Inbox>,
    wake: Condvar,
}

impl Log {
    /// Puts a record in the queue; the receiver hears when it is on disk.
    fn append(&self) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.waiting.push(tell);
        if inbox.waiting.len() == 1 {
            self.wake.notify_one();
        }
        told
    }

    fn write(&self, file: &mut File) -> std::io::Result<()> {
        let record = [b'x'; RECORD];
        let mut bytes = Vec::new();
        loop {
            let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
            while inbox.waiting.is_empty() {
                if inbox.over {
                    return Ok(());
                }
                inbox = self.wake.wait(inbox).unwrap_or_else(PoisonError::into_inner);
            }
            let take = inbox.waiting.len().min(BATCH_MAX);
            let batch: Vec<_> = inbox.waiting.drain(..take).collect();
            drop(inbox);
            bytes.clear();
            batch.iter().for_each(|_| bytes.extend_from_slice(&record));
            file.write_all(&bytes)?;
            file.sync_data()?;
            for tell in batch {
                let _ = tell.send(());
            }
        }
    }
}

/// Runs `callers` over a log in `path` for `seconds`.
pub(crate) async fn run(path: &Path, seconds: u64, callers: usize) -> std::io::Result<Floor> {
    let mut file = File::create(path)?;
    let log = Arc::new(Log::default());
    let writer = Arc::clone(&log);
    let thread = thread::Builder::new().name("floor".into()).spawn(move || writer.write(&mut file))?;
    let (started, cpu) = (Instant::now(), cpu_us());
    let until = started + Duration::from_secs(seconds);
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while Instant::now() < until && log.append().await.is_ok() {
                    let started = Instant::now();
                    if log.append().await.is_ok() {
                        latencies.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
                    }
                }
                latencies
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.unwrap_or_default());
    }
    let (elapsed, cpu) = (started.elapsed(), cpu_us() - cpu);
    log.inbox.lock().unwrap_or_else(PoisonError::into_inner).over = true;
    log.wake.notify_one();
    let written = tokio::task::spawn_blocking(move || thread.join()).await?;
    written.unwrap_or_else(|_| Err(std::io::Error::other("the log's thread panicked")))?;
    latencies.sort_unstable();
    let payments = latencies.len() as u64;
    Ok(Floor {
        payments_per_s: rate(payments, elapsed),
        cpu_us_per_payment: cpu / payments.max(1),
        p99_ms: percentile_ms(&latencies, 99),
    })
}
