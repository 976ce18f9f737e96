//! The load generator: a thread of its own that writes requests made before and reads the answers.

use super::{machine::cpu_us, pace::Pace};
use std::{
    cell::Cell,
    net::SocketAddr,
    rc::Rc,
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

/// What a load came to, between its ramp and its end.
#[derive(Default)]
pub(crate) struct Loaded {
    /// Answers of the status expected.
    pub(crate) done: u64,
    /// Other answers, and connections that broke; from the first moment on.
    pub(crate) errors: u64,
    /// Microseconds, sorted, of each answer expected.
    pub(crate) latencies: Vec<u32>,
    /// How long it was measured.
    pub(crate) elapsed: Duration,
    /// CPU of the whole process in that time.
    pub(crate) cpu_us: u64,
}

/// What several rounds came to.
#[derive(Default)]
pub(crate) struct Sum {
    pub(crate) done: u64,
    pub(crate) elapsed: Duration,
    pub(crate) cpu_us: u64,
}

impl Sum {
    /// Adds a round.
    pub(crate) fn add(&mut self, done: u64, elapsed: Duration, cpu_us: u64) {
        self.done += done;
        self.elapsed += elapsed;
        self.cpu_us += cpu_us;
    }
}

struct Work {
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    next: AtomicUsize,
    errors: AtomicU64,
    /// When requests are to be sent; as fast as answers come when none.
    pace: Option<Pace>,
    /// From then on answers count.
    steady: Instant,
    until: Instant,
    /// The status that counts as done.
    status: u16,
}

/// How a load is shaped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// It ends then, or when all requests are answered.
    pub(crate) lasts: Duration,
    /// How long it runs before it is measured: connections open and queues fill meanwhile. What is answered after
    /// the end of a measured load does not count either, when the queues run empty.
    pub(crate) ramp: Duration,
    pub(crate) connections: usize,
    /// Arrivals a second; as fast as answers come when none.
    pub(crate) rate_per_s: Option<u64>,
    /// The status that counts as done.
    pub(crate) status: u16,
}

/// Sends the requests. With a rate, each has its own time to be sent, and its latency counts
/// from that time, so that a stall is not hidden by sending less.
pub(crate) async fn load(address: SocketAddr, requests: Arc<Vec<Vec<u8>>>, shape: Shape) -> Loaded {
    let Shape { lasts, ramp, connections, rate_per_s, status } = shape;
    let started = Instant::now();
    let work = Arc::new(Work {
        address,
        requests,
        next: AtomicUsize::new(0),
        errors: AtomicU64::new(0),
        pace: rate_per_s.map(|rate| Pace::new(started, rate)),
        steady: started + ramp,
        until: started + lasts,
        status,
    });
    let generator = Arc::clone(&work);
    // A thread of its own, so that it and the server's threads do not run each other's tasks.
    let thread = thread::Builder::new().name("load".into()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok::<_, std::io::Error>(
            tokio::task::LocalSet::new().block_on(&runtime, generate(generator, connections)),
        )
    });
    let joined = tokio::task::spawn_blocking(move || thread.ok()?.join().ok()?.ok());
    let mut loaded = joined.await.ok().flatten().unwrap_or_default();
    loaded.latencies.sort_unstable();
    Loaded { done: loaded.latencies.len() as u64, errors: work.errors.load(Ordering::Relaxed), ..loaded }
}

/// Runs the connections, and measures from the ramp to the end of the time, or of the requests if that is sooner.
async fn generate(work: Arc<Work>, connections: usize) -> Loaded {
    let moment = || (Instant::now(), cpu_us());
    let (from, to) = (Rc::new(Cell::new(moment())), Rc::new(Cell::new(None)));
    let watch = tokio::task::spawn_local({
        let (work, from, to) = (Arc::clone(&work), Rc::clone(&from), Rc::clone(&to));
        async move {
            tokio::time::sleep_until(work.steady.into()).await;
            from.set(moment());
            tokio::time::sleep_until(work.until.into()).await;
            to.set(Some(moment()));
        }
    });
    let tasks: Vec<_> =
        (0..connections).map(|_| tokio::task::spawn_local(connection(Arc::clone(&work)))).collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.unwrap_or_default());
    }
    watch.abort();
    let (from, to) = (from.get(), to.get().unwrap_or_else(moment));
    Loaded { latencies, elapsed: to.0 - from.0, cpu_us: to.1 - from.1, ..Loaded::default() }
}

async fn connection(work: Arc<Work>) -> Vec<u32> {
    let mut latencies = Vec::new();
    let Ok(mut stream) = TcpStream::connect(work.address).await else {
        work.errors.fetch_add(1, Ordering::Relaxed);
        return latencies;
    };
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::with_capacity(8192);
    while Instant::now() < work.until {
        let place = work.next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = work.requests.get(place) else { break };
        let mut due = Instant::now();
        if let Some(pace) = work.pace {
            due = pace.due(place as u64);
            if due >= work.until {
                break;
            }
            tokio::time::sleep_until(due.into()).await;
        }
        match exchange(&mut stream, request, &mut buffer).await {
            Some(status) if status == work.status => {
                let now = Instant::now();
                if now >= work.steady && now < work.until {
                    latencies.push(u32::try_from((now - due).as_micros()).unwrap_or(u32::MAX));
                }
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
        if let Some((status, length)) = answered(buffer)?
            && buffer.len() >= length
        {
            return Some(status);
        }
    }
}

/// Status and length of an answer, head and body; none while its head is not whole. Fails on what is no HTTP.
fn answered(bytes: &[u8]) -> Option<Option<(u16, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = answer.parse(bytes).ok()? else { return Some(None) };
    let length = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.map_or(Some(0), |header| std::str::from_utf8(header.value).ok()?.parse().ok());
    Some(Some((answer.code?, head.checked_add(length?)?)))
}
