//! For how long the other threads have so much else to do that a small batch had better wait for more commands
//! ([`engine::engine::Setup::busy`]).

use engine::engine::Busy;
use service::SigningThreads;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::runtime::RuntimeMetrics;

/// Signatures that must wait for each core while a commit does: they outlast the commit, so that no core runs dry
/// meanwhile. Who waits for the commit loses nothing: its signature would be made after those.
const SIGNATURES_AHEAD: usize = 8;
/// How long a signature takes at least.
const SIGNATURE: Duration = Duration::from_micros(250);
/// How long readers that had no rest are taken to have none.
const RESTLESS: Duration = Duration::from_micros(1500);

/// For one engine. Enough signatures that wait in `signing` are enough to do. So is reading requests, when who reads them
/// has not rested since it was asked the last time; yet where the commands that wait are of signed requests, which
/// `under_way` counts from the check of their signature to the answer, only while there is a signature to make too:
/// without one, cores would lie idle for the readers' sake.
///
/// `runtime` is that which reads requests; an engine may be started on a thread of no runtime.
pub(crate) fn busy(signing: &SigningThreads, under_way: &Arc<AtomicUsize>, runtime: &RuntimeMetrics) -> Busy {
    let (signing, under_way) = (signing.clone(), Arc::clone(under_way));
    let readers = Readers { metrics: runtime.clone(), rests: AtomicU64::new(0) };
    Arc::new(move |waiting| {
        // Both are asked each time: a moment not looked at counts as rest.
        let restless = readers.restless();
        let unsigned = under_way.load(Ordering::Relaxed) < waiting;
        let queued = signing.waiting();
        signatures(queued).or((restless && (unsigned || queued > 0)).then_some(RESTLESS))
    })
}

/// How long it takes until only so many are left as a commit needs.
fn signatures(waiting: usize) -> Option<Duration> {
    let spare = waiting.checked_sub(SIGNATURES_AHEAD * crate::cores())?;
    let each = u32::try_from(spare / crate::cores()).unwrap_or(u32::MAX).saturating_add(1);
    Some(SIGNATURE.saturating_mul(each))
}

/// The runtime's threads.
struct Readers {
    metrics: RuntimeMetrics,
    /// How often they had lain down and got up when last asked.
    rests: AtomicU64,
}

impl Readers {
    /// Whether all are at work, and have been since the last time this was asked.
    fn restless(&self) -> bool {
        let counts =
            (0..self.metrics.num_workers()).map(|thread| self.metrics.worker_park_unpark_count(thread));
        // An odd count is of a thread that rests.
        let (rests, resting) =
            counts.fold((0, false), |(sum, any), count| (sum + count, any || count % 2 == 1));
        self.rests.swap(rests, Ordering::Relaxed) == rests && !resting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use service::Metrics;
    use std::time::Instant;

    fn work(lasts: Duration) {
        let until = Instant::now() + lasts;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn a_runtime_at_rest_is_not_busy_and_one_that_never_rests_is() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let signing = SigningThreads::start(1, Metrics::default(), None);
        let busy = busy(&signing, &Arc::default(), &runtime.metrics());
        let busy = |waiting| busy(waiting).is_some();
        let started = Instant::now();
        while busy(1) {
            assert!(started.elapsed() < Duration::from_secs(30), "its thread has not even lain down");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!((0..5).all(|_| !busy(1)), "nothing wakes it");
        runtime.spawn(async { work(Duration::from_secs(1)) });
        std::thread::sleep(Duration::from_millis(100));
        assert!(!busy(1), "it has begun since it was asked the last time");
        // How soon the thread's first work is seen depends on the machine; that it is seen does not.
        let seen = Instant::now();
        while !busy(1) {
            assert!(seen.elapsed() < Duration::from_secs(30), "never seen at work");
            runtime.spawn(async { work(Duration::from_millis(200)) });
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn readers_without_rest_do_not_hold_up_signed_commands() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let signing = SigningThreads::start(1, Metrics::default(), None);
        let under_way = Arc::new(AtomicUsize::new(1));
        let busy = busy(&signing, &under_way, &runtime.metrics());
        let at_work = runtime.spawn(async { work(Duration::from_secs(2)) });
        let seen = Instant::now();
        while busy(2).is_none() {
            assert!(seen.elapsed() < Duration::from_secs(30) && !at_work.is_finished(), "never seen at work");
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(busy(1), None, "the one command is of the signed request, and no signature waits");
    }

    #[test]
    fn signatures_beyond_those_that_a_commit_needs_are_work() {
        let needed = SIGNATURES_AHEAD * crate::cores();
        assert_eq!(signatures(0), None);
        assert_eq!(signatures(needed - 1), None);
        assert_eq!(signatures(needed), Some(SIGNATURE));
        assert_eq!(signatures(needed + 3 * crate::cores()), Some(4 * SIGNATURE));
        assert!(signatures(usize::MAX).is_some(), "however many");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn signatures_that_wait_are_asked_for() {
        let signing = SigningThreads::start(1, Metrics::default(), None);
        let under_way = Arc::new(AtomicUsize::new(usize::MAX));
        let busy = busy(&signing, &under_way, &tokio::runtime::Handle::current().metrics());
        assert_eq!(busy(1), None);
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let wait = Arc::new(std::sync::Mutex::new(wait));
        let tasks: Vec<_> = (0..=SIGNATURES_AHEAD * crate::cores())
            .map(|_| {
                let (signing, wait) = (signing.clone(), Arc::clone(&wait));
                tokio::spawn(
                    async move { signing.run(move || wait.lock().map(|go| go.recv()).is_ok()).await },
                )
            })
            .collect();
        let seen = Instant::now();
        while busy(1).is_none() {
            assert!(seen.elapsed() < Duration::from_secs(30), "never asked for");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(go);
        for task in tasks {
            assert_eq!(task.await.unwrap(), Ok(true));
        }
        assert_eq!(busy(1), None);
    }
}
