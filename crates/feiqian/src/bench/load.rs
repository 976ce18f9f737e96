//! The load generator: a thread of its own that writes requests made before and reads the answers.

use super::machine::cpu_us;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What a load came to.
#[derive(Default)]
pub(crate) struct Loaded {
    /// Answers of the status expected.
    pub(crate) done: u64,
    /// Other answers, and connections that broke.
    pub(crate) errors: u64,
    /// Microseconds, sorted, of each answer expected.
    pub(crate) latencies: Vec<u32>,
}

/// What several rounds came to.
#[derive(Default)]
pub(crate) struct Sum {
    pub(crate) done: u64,
    pub(crate) elapsed: Duration,
    pub(crate) cpu_us: u64,
}

impl Sum {
    /// Adds a round that began at `started`, when the process had used `cpu_before`.
    pub(crate) fn add(&mut self, done: u64, started: Instant, cpu_before: u64) {
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
    /// The status that counts as done.
    status: u16,
}

/// How a load is shaped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// It ends then, or when all requests are answered.
    pub(crate) lasts: Duration,
    pub(crate) connections: usize,
    /// Arrivals a second; as fast as answers come when none.
    pub(crate) rate_per_s: Option<u64>,
    /// The status that counts as done.
    pub(crate) status: u16,
}

/// Sends the requests. With a rate, each has its own time to be sent, and its latency counts
/// from that time, so that a stall is not hidden by sending less.
pub(crate) async fn load(address: SocketAddr, requests: Arc<Vec<Vec<u8>>>, shape: Shape) -> Loaded {
    let Shape { lasts, connections, rate_per_s, status } = shape;
    let started = Instant::now();
    let work = Arc::new(Work {
        requests,
        next: AtomicUsize::new(0),
        errors: AtomicU64::new(0),
        started,
        until: started + lasts,
        gap_ns: rate_per_s.map(|rate| 1_000_000_000 / rate.max(1)),
        status,
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
            Some(status) if status == work.status => {
                latencies.push(u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX))
            }
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
