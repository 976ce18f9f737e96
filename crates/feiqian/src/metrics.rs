//! `/metrics` on a listener of its own, and what is only known when it is read: the queue, the store's files, the
//! process. Never on the listener that payers and merchants reach.

use crate::{
    bench::machine,
    home::Home,
    ready::{Readiness, disk_free, disk_size},
};
use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, Version, header},
    response::{IntoResponse, Response},
    routing::get,
};
use cluster::NodeStatus;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, family::Family, gauge::ConstGauge, gauge::Gauge},
};
use service::{Metrics, Service, metrics::CONTENT_TYPE};
use std::{
    convert::Infallible,
    fmt, fs,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpListener, sync::Mutex};
use tokio_util::sync::CancellationToken;

/// Serves `/metrics` on `listen` until `stop`. Gives the address in use.
pub(crate) async fn listen(
    service: &Arc<Service>,
    home: &Home,
    queue_max: usize,
    listen: SocketAddr,
    stop: CancellationToken,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        io::Error::new(error.kind(), format!("metrics_listen {listen}: {error}; choose another address"))
    })?;
    let address = listener.local_addr()?;
    service.metrics.collect(Box::new(Readings {
        service: Arc::downgrade(service),
        home: home.clone(),
        queue_max,
        started: SystemTime::now(),
    }));
    // One reading at a time: it looks at files and the store.
    let state = Arc::new((service.metrics.clone(), Mutex::new(())));
    let router = Router::new().route("/metrics", get(metrics)).with_state(state);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
        {
            tracing::error!(%error, "metrics are not served any more");
        }
    });
    Ok(address)
}

async fn metrics(State(state): State<Arc<(Metrics, Mutex<()>)>>) -> Response {
    let _one = state.1.lock().await;
    let metrics = state.0.clone();
    match tokio::task::spawn_blocking(move || metrics.text()).await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "the readings could not be written\n").into_response(),
    }
}

/// Counts and times every request of the main listener; while the server is stopping, answers ask to close. Around the
/// router and not a layer of it: a layer is copied for each request, with the route that it is around.
#[derive(Clone)]
pub(crate) struct Watched {
    router: Router,
    readiness: Arc<Readiness>,
}

impl Watched {
    pub(crate) fn new(router: Router, readiness: Arc<Readiness>) -> Self {
        Self { router, readiness }
    }
}

impl tower::Service<Request> for Watched {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        tower::Service::<Request>::poll_ready(&mut self.router, context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (started, version) = (Instant::now(), request.version());
        let door = door(request.uri().path());
        let readiness = Arc::clone(&self.readiness);
        let answer = tower::Service::call(&mut self.router, request);
        Box::pin(async move {
            let mut response = answer.await?;
            readiness.metrics().request(door, response.status().as_u16(), started.elapsed());
            if readiness.stopping() && version < Version::HTTP_2 {
                response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
            }
            Ok(response)
        })
    }
}

/// By whom an address is used: one of a few words, whatever was asked for.
fn door(path: &str) -> &'static str {
    match path.split('/').nth(1).unwrap_or_default() {
        "v3" | "sns" => "merchant",
        "wallet" | "pay" | "connect" => "payer",
        "sandbox" => "sandbox",
        "healthz" | "readyz" => "probe",
        _ => "other",
    }
}

/// What is only known when it is read.
struct Readings {
    /// Not held: the service holds the metrics, which hold this.
    service: Weak<Service>,
    home: Home,
    queue_max: usize,
    started: SystemTime,
}

impl fmt::Debug for Readings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readings")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

impl Collector for Readings {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut to = Writer(encoder);
        if let Some(service) = self.service.upgrade() {
            self.engine(&service, &mut to)?;
            shards(&service.engine.status().unwrap_or_else(NodeStatus::alone), &mut to)?;
            self.records(&service, &mut to)?;
        }
        self.files(&mut to)?;
        self.process(&mut to)
    }
}

#[expect(clippy::float_arithmetic, reason = "Prometheus counts in seconds")]
impl Readings {
    fn engine(&self, service: &Service, to: &mut Writer<'_>) -> fmt::Result {
        let stats = service.engine.stats();
        to.gauge("feiqian_queue_depth", "Commands that wait", stats.queued as u64)?;
        to.gauge("feiqian_queue_bound", "Commands that may wait (queue_max)", self.queue_max as u64)?;
        to.gauge("feiqian_working_set_records", "Records in the working set", stats.cached as u64)?;
        to.counter("feiqian_working_set_hits", "Reads that the working set answered", stats.found)?;
        let help = "Batches begun while the one before was being committed (PostgreSQL)";
        to.counter("feiqian_batches_ahead", help, stats.ahead)?;
        let trouble = service.metrics.health().trouble().is_some();
        to.gauge("feiqian_store_trouble", "1 while the store can't be written", u64::from(trouble))
    }
    fn records(&self, service: &Service, to: &mut Writer<'_>) -> fmt::Result {
        let (now, owned) = (service.now(), service.engine.owned());
        // What can't be read now is left out; the gap is seen, and feiqian_store_trouble or readyz say why.
        if let Ok(due) = service.queries.due_notifications(owned, now, 1) {
            let lag = due.first().and_then(|first| first.next_at).map_or(0, |at| now.since(at).max(0));
            let help = "Age of the notification that has been due longest";
            to.gauge("feiqian_notification_lag_seconds", help, lag as f64 / 1e6)?;
        }
        if let Ok(due) = service.queries.due_payments(owned, now, 1) {
            let lag = due.first().and_then(|first| first.ask_at).map_or(0, |at| now.since(at).max(0));
            let help = "Age of the card payment that should have been asked about longest";
            to.gauge("feiqian_channel_lag_seconds", help, lag as f64 / 1e6)?;
        }
        if let Ok((open, oldest)) = exceptions(&*service.queries) {
            let help = "Exceptions of reconciliation that people have to decide";
            to.gauge("feiqian_exceptions_open", help, open)?;
            let age = oldest.map_or(0, |day| now.since(day.next().start()).max(0));
            let help = "Time since the end of the day on which the oldest open exception was first seen";
            to.gauge("feiqian_exception_oldest_seconds", help, age as f64 / 1e6)?;
        }
        if let Ok(counts) = service.queries.counts() {
            to.gauge("feiqian_store_bytes", "Bytes of the store, its log included", counts.bytes)?;
            to.gauge("feiqian_store_batch", "Number of the last batch", counts.batch)?;
        }
        let keys = service.keys();
        let end = keys.certificates().iter().map(crypto::platform::PlatformCertificate::not_after).max();
        let help = "When the platform's newest certificate lapses, Unix time";
        to.gauge("feiqian_certificate_expiry_timestamp_seconds", help, end.map_or(0, types::Time::unix))
    }
    fn files(&self, to: &mut Writer<'_>) -> fmt::Result {
        let bills = worker::reconcile::Bills::new(self.home.channel());
        if let Ok(days) = bills.days() {
            let refused = days.into_iter().filter(|day| bills.refused(*day).is_some()).count();
            to.gauge("feiqian_bills_refused", "Bills of the channel that could not be read", refused as u64)?;
        }
        let refused = worker::reconcile::statement::files::refused_in(&self.home.statements());
        to.gauge("feiqian_statements_refused", "Statements of the bank that could not be read", refused)?;
        let help = "Bytes of SQLite's write-ahead log";
        to.gauge("feiqian_store_log_bytes", help, self.home.log_bytes())?;
        let folder = self.home.path();
        if let (Some(free), Some(size)) = (disk_free(folder), disk_size(folder)) {
            to.gauge("feiqian_disk_free_bytes", "Bytes free for the data directory", free)?;
            to.gauge("feiqian_disk_bytes", "Bytes of the data directory's disk", size)?;
        }
        Ok(())
    }
    fn process(&self, to: &mut Writer<'_>) -> fmt::Result {
        let build = Family::<Build, Gauge>::default();
        build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
        let described = to.0.encode_descriptor("feiqian_build_info", "Version", None, MetricType::Gauge)?;
        build.encode(described)?;
        to.counter("process_cpu_seconds", "CPU used, user and system", machine::cpu_us() as f64 / 1e6)?;
        to.gauge("process_resident_memory_bytes", "Resident memory", machine::resident_kib() * 1024)?;
        let open = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        to.gauge("process_open_fds", "Open files", open as u64)?;
        to.gauge("process_max_fds", "Files that may be open", files_max())?;
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        to.gauge("process_start_time_seconds", "When it started, Unix time", started.as_secs())
    }
}

/// Open exceptions, and the day since when the oldest of them is known. Beyond a few thousand it does not matter how many.
fn exceptions(queries: &dyn engine::Queries) -> Result<(u64, Option<types::BusinessDay>), engine::Fault> {
    let mut page = types::PageRequest::new(types::PageRequest::MAX, None);
    let (mut open, mut oldest) = (0, None);
    for _ in 0..EXCEPTION_PAGES {
        let read = queries.exceptions_open(page)?;
        open += read.rows.len() as u64;
        oldest = read.rows.iter().map(|one| one.since).chain(oldest).min();
        page.after = read.next;
        if read.next.is_none() {
            break;
        }
    }
    Ok((open, oldest))
}

/// Pages of open exceptions that a reading counts.
const EXCEPTION_PAGES: usize = 20;

/// This node among the others.
fn shards(node: &NodeStatus, to: &mut Writer<'_>) -> fmt::Result {
    to.gauge("feiqian_shards", "Shards of the database", u64::from(node.shards))?;
    to.gauge("feiqian_shards_owned", "Shards that this node commits to", node.owned.len() as u64)?;
    let help = "Shards of which this node knows no owner that answers";
    to.gauge("feiqian_shards_without_owner", help, node.without_owner.len() as u64)?;
    to.gauge("feiqian_nodes_live", "Nodes seen in the last seconds", node.live.len() as u64)?;
    to.gauge(
        "feiqian_commands_waiting_for_owner",
        "Commands that wait for a shard's owner",
        node.waiting as u64,
    )?;
    to.counter("feiqian_commands_forwarded", "Commands that other nodes answered", node.forwarded)?;
    let help = "Orders that shards here heard of from others and need not load";
    to.counter("feiqian_orders_heard", help, node.heard)?;
    let help = "Times a command was sent again because its shard moved or its owner fell silent";
    to.counter("feiqian_commands_sent_again", help, node.sent_again)?;
    to.counter("feiqian_shards_taken", "Shards this node took over, left or given", node.taken)?;
    to.counter("feiqian_shards_given", "Shards this node gave away", node.given)?;
    to.counter("feiqian_shards_lost", "Shards other nodes took from this one", node.lost)
}

/// Files this process may have open; 0 when that is not said.
fn files_max() -> u64 {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

struct Writer<'a>(DescriptorEncoder<'a>);

impl Writer<'_> {
    fn gauge<N: EncodeGaugeValue>(&mut self, name: &str, help: &str, value: N) -> fmt::Result
    where
        ConstGauge<N>: EncodeMetric,
    {
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }
    fn counter<N: EncodeCounterValue>(&mut self, name: &str, help: &str, value: N) -> fmt::Result
    where
        ConstCounter<N>: EncodeMetric,
    {
        ConstCounter::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_is_one_of_a_few_words() {
        assert_eq!(door("/v3/pay/transactions/native"), "merchant");
        assert_eq!(door("/wallet/bills/2026"), "payer");
        assert_eq!(door("/readyz"), "probe");
        assert_eq!(door("/anything?an=attacker"), "other");
        assert_eq!(door(""), "other");
    }
}
