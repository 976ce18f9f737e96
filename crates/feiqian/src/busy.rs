//! Whether the other threads have so much else to do that a small batch had better wait for more commands
//! ([`engine::engine::Setup::busy`]).

use engine::engine::Busy;
use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};
use tokio::runtime::RuntimeMetrics;

/// Signed requests a core must have to work on before a commit may wait: they outlast the commit, so that no core
/// runs dry meanwhile.
const SIGNATURES_AHEAD: usize = 5;

/// For one engine. `under_way` counts signed requests from the check of their signature to the answer: beyond those that
/// wait for the commit there are signatures to make. Who reads requests has enough to do when it has not rested since
/// it was asked the last time.
///
/// `runtime` is that which reads requests; an engine may be started on a thread of no runtime.
pub(crate) fn busy(under_way: &Arc<AtomicUsize>, runtime: &RuntimeMetrics) -> Busy {
    let (under_way, ahead) = (Arc::clone(under_way), SIGNATURES_AHEAD * crate::cores());
    let readers = Readers { metrics: runtime.clone(), rests: AtomicU64::new(0) };
    Arc::new(move |waiting| {
        // Both are asked each time: a moment not looked at counts as rest.
        let restless = readers.restless();
        restless || under_way.load(Ordering::Relaxed) >= waiting + ahead
    })
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
    use std::time::{Duration, Instant};

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
        let busy = busy(&Arc::default(), &runtime.metrics());
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
    fn signatures_beyond_the_commands_that_wait_are_work() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let under_way = Arc::new(AtomicUsize::new(0));
        let busy = busy(&under_way, &runtime.metrics());
        let enough = 3 + SIGNATURES_AHEAD * crate::cores();
        under_way.store(enough, Ordering::Relaxed);
        assert!(busy(3));
        under_way.store(enough - 1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(50));
        assert!(!busy(3));
    }
}
