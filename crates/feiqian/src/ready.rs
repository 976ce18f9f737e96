//! Readiness: whether requests should be sent here, and if not, why (`/readyz`).

use crate::{config::Config, home::Home};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{Caller, Command};
use engine::{Refusal, Stats, query::Counts};
use serde::Serialize;
use service::Service;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// How long the store and the engine have to answer.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// How long a finding is given again, so that asking often costs nothing.
const FRESH: Duration = Duration::from_millis(250);
/// Tenths of the queue that may be taken.
const QUEUE_TENTHS: usize = 9;

/// Looks whether this process can take payments.
pub(crate) struct Readiness {
    service: Arc<Service>,
    folder: PathBuf,
    queue_max: usize,
    disk_free_min: u64,
    stopping: AtomicBool,
    last: Mutex<Option<(Instant, Finding)>>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Wrong {
    /// `stopping`, `fenced`, `store`, `engine`, `queue`, `node` or `disk`.
    pub(crate) check: &'static str,
    /// What, and what to do.
    pub(crate) problem: String,
}

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Finding {
    status: &'static str,
    /// What is wrong; empty when ready.
    pub(crate) wrong: Vec<Wrong>,
    engine: Stats,
    store: Option<Counts>,
    disk_free_bytes: Option<u64>,
    /// This node among the others; none when it runs alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<cluster::NodeStatus>,
}

/// The address.
pub(crate) async fn readyz(State(readiness): State<Arc<Readiness>>) -> Response {
    let finding = readiness.look().await;
    let status = if finding.wrong.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(finding)).into_response()
}

impl Readiness {
    pub(crate) fn new(service: &Arc<Service>, home: &Home, config: &Config) -> Self {
        Self {
            service: Arc::clone(service),
            folder: home.path().to_owned(),
            queue_max: config.queue_max,
            disk_free_min: config.disk_free_min_mib.saturating_mul(1024 * 1024),
            stopping: AtomicBool::new(false),
            last: Mutex::new(None),
        }
    }
    /// From now on the answer is no: the server is about to stop.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }
    /// True once [`Readiness::stop`] was called.
    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
    /// For who serves the requests.
    pub(crate) fn metrics(&self) -> &service::Metrics {
        &self.service.metrics
    }
    /// Looks, at most every quarter of a second.
    pub(crate) async fn look(&self) -> Finding {
        let mut last = self.last.lock().await;
        let known = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, finding)| finding.clone());
        let mut finding = match known {
            Some(finding) => finding,
            None => {
                let finding = self.examine().await;
                *last = Some((Instant::now(), finding.clone()));
                finding
            }
        };
        if self.stopping() {
            finding.status = "stopping";
            let problem = "the server is stopping; send requests elsewhere".into();
            finding.wrong.insert(0, Wrong { check: "stopping", problem });
        }
        finding
    }

    async fn examine(&self) -> Finding {
        let mut wrong = Vec::new();
        let mut say = |check, problem: String| wrong.push(Wrong { check, problem });
        let service = Arc::clone(&self.service);
        let read = tokio::task::spawn_blocking(move || service.queries.counts());
        let store = match tokio::time::timeout(ANSWER_MAX, read).await {
            Ok(Ok(Ok(counts))) => Some(counts),
            Ok(Ok(Err(fault))) => {
                say("store", format!("it can't be read: {fault}"));
                None
            }
            Ok(Err(_)) => {
                say("store", "reading it panicked; see the log".into());
                None
            }
            Err(_) => {
                say(
                    "store",
                    format!("it did not answer within {} s; look at the disk", ANSWER_MAX.as_secs()),
                );
                None
            }
        };
        let health = self.service.metrics.health();
        // A sweep of nothing goes through the queue and is applied, and changes nothing. After a refused batch it is
        // committed too, a line in the journal: otherwise one that nobody sends requests to would never be ready.
        let service = &self.service.engine;
        // Any of the shards here; with none there is no engine to try, and commands go to other nodes.
        let shard = service.owned().iter().next();
        let (nothing, nobody) = (Command::Sweep(shard.unwrap_or_default(), Vec::new()), Caller::platform());
        let tried = async {
            if shard.is_none() {
                Ok(())
            } else if health.refused() {
                service.run(nothing, nobody).await.map(drop)
            } else {
                service.dry_run(nothing, nobody).await.map(drop)
            }
        };
        let tried = tokio::time::timeout(ANSWER_MAX, tried).await;
        let engine = self.service.engine.stats();
        match tried {
            // Nothing is wrong with the store itself then.
            Ok(Err(refusal)) if engine.fenced => {
                say("fenced", format!("another process has the shard: {refusal}"));
            }
            Ok(Ok(()) | Err(Refusal::Rejected(_))) => {}
            Ok(Err(refusal)) => say("engine", format!("it takes no commands: {refusal}")),
            Err(_) => say("engine", format!("no answer within {} s; see the log", ANSWER_MAX.as_secs())),
        }
        let node = self.service.engine.status();
        if let Some(node) = node.as_ref().filter(|node| !node.live.contains(&node.node)) {
            say(
                "node",
                format!("{} is not in the list of nodes; does another process use its name?", node.node),
            );
        }
        if let Some(trouble) = health.trouble().filter(|_| !engine.fenced) {
            say("store", format!("it can't be written: {trouble}; look at disk space and disk health"));
        }
        if engine.queued * 10 > self.queue_max * QUEUE_TENTHS {
            let text = format!(
                "{} of {} commands wait; send fewer, or look at the disk",
                engine.queued, self.queue_max
            );
            say("queue", text);
        }
        let disk_free_bytes = disk_free(&self.folder);
        match disk_free_bytes {
            Some(free) if free >= self.disk_free_min => {}
            Some(free) => say(
                "disk",
                format!(
                    "{} MiB are free in {}, {} are wanted; make room, or lower disk_free_min_mib",
                    free >> 20,
                    self.folder.display(),
                    self.disk_free_min >> 20
                ),
            ),
            None => say("disk", format!("{} can't be looked at", self.folder.display())),
        }
        let status = if wrong.is_empty() { "ready" } else { "not ready" };
        Finding { status, wrong, engine, store, disk_free_bytes, node }
    }
}

/// Bytes that this user may still write where `folder` is; none when that can't be told.
pub(crate) fn disk_free(folder: &std::path::Path) -> Option<u64> {
    let seen = rustix::fs::statvfs(folder).ok()?;
    Some(seen.f_bavail.saturating_mul(seen.f_frsize))
}

/// Bytes of the disk where `folder` is; none when that can't be told.
pub(crate) fn disk_size(folder: &std::path::Path) -> Option<u64> {
    let seen = rustix::fs::statvfs(folder).ok()?;
    Some(seen.f_blocks.saturating_mul(seen.f_frsize))
}
