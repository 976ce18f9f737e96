//! Threads that sign. An RSA-2048 signature costs 0.3 to 0.7 ms of CPU, so it never runs on the async runtime.

use crate::metrics::{Metrics, Stage};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tokio::{runtime::Handle, sync::oneshot};

/// Work; what it returns tells its caller.
type Task = Box<dyn FnOnce() -> Tell + Send>;
type Tell = Box<dyn FnOnce() + Send>;

/// Tasks that may wait; one more is refused.
const WAITING_MAX: usize = 8192;
/// Results told together while more tasks wait. Telling wakes a thread of the runtime, which takes the core from a
/// signature; with one wake-up for several, all that follows (sockets, the client's next request) comes in groups
/// too. A result waits for no other when nothing else is to be done.
const TOLD_TOGETHER: usize = 16;
/// The longest that a result waits for others to be told with, apart from the one task then under way.
const TOLD_WITHIN: Duration = Duration::from_millis(6);

/// A fixed set of threads for CPU work with a bounded queue. They end when the last handle is dropped.
#[derive(Clone)]
pub struct SigningThreads(Arc<Ends>, Metrics);

impl std::fmt::Debug for SigningThreads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningThreads")
    }
}

/// What the handles share with each other; the last one dropped ends the threads.
struct Ends(Arc<Queue>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.wake.notify_all();
    }
}

/// One lock and one wake-up a task: a channel behind a lock would wake a thread twice.
#[derive(Default)]
struct Queue {
    inside: Mutex<Inside>,
    wake: Condvar,
}

#[derive(Default)]
struct Inside {
    waiting: VecDeque<Task>,
    /// Threads with nothing to do: only those need waking.
    asleep: usize,
    over: bool,
}

/// Results of one thread that nobody was told yet.
#[derive(Default)]
struct Done {
    results: Vec<Tell>,
    /// When the first of them was there.
    since: Option<Instant>,
}

impl Done {
    fn add(&mut self, result: Option<Tell>) {
        self.results.extend(result);
        if self.since.is_none() && !self.results.is_empty() {
            self.since = Some(Instant::now());
        }
    }
    /// Whether they are to be told now; `rests` when there is nothing else to do.
    fn due(&self, rests: bool) -> bool {
        let Some(since) = self.since else { return false };
        rests || self.results.len() >= TOLD_TOGETHER || since.elapsed() >= TOLD_WITHIN
    }
    fn tell(&mut self, runtime: Option<&Handle>) {
        self.since = None;
        let results = std::mem::take(&mut self.results);
        let tell = || results.into_iter().for_each(|tell| tell());
        match runtime {
            Some(runtime) => drop(runtime.spawn(async { tell() })),
            None => tell(),
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn work(&self, runtime: Option<&Handle>) {
        let mut done = Done::default();
        let mut inside = self.lock();
        loop {
            if done.due(inside.waiting.is_empty()) {
                drop(inside);
                done.tell(runtime);
                inside = self.lock();
            } else if let Some(task) = inside.waiting.pop_front() {
                drop(inside);
                // One that panicked dropped its caller's channel, which is told so; the thread goes on.
                done.add(catch_unwind(AssertUnwindSafe(task)).ok());
                inside = self.lock();
            } else if inside.over {
                return;
            } else {
                inside.asleep += 1;
                inside = self.wake.wait(inside).unwrap_or_else(PoisonError::into_inner);
                inside.asleep -= 1;
            }
        }
    }
}

/// The queue is full, or a task panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many signatures are waiting")]
pub struct Overloaded;

impl SigningThreads {
    /// Starts `threads` (at least one); `metrics` hears how long signatures take. `runtime` is that which callers wait
    /// on: results are told there, which wakes its threads once for all that are told together, and not once for each.
    /// It must last as long as there are callers; the threads tell them when none is given.
    #[must_use]
    pub fn start(threads: usize, metrics: Metrics, runtime: Option<&Handle>) -> Self {
        let queue = Arc::new(Queue::default());
        for number in 0..threads.max(1) {
            let (queue, runtime) = (Arc::clone(&queue), runtime.cloned());
            let thread = thread::Builder::new().name(format!("sign-{number}"));
            if let Err(error) = thread.spawn(move || queue.work(runtime.as_ref())) {
                tracing::error!(%error, "no signing thread");
            }
        }
        Self(Arc::new(Ends(queue)), metrics)
    }
    /// Signatures that no thread has begun.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.0.lock().waiting.len()
    }
    /// Runs `work` on a signing thread.
    ///
    /// # Errors
    /// [`Overloaded`] when the queue is full.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let (tell, told) = oneshot::channel();
        let (metrics, came) = (self.1.clone(), Instant::now());
        let task: Task = Box::new(move || {
            let worked = work();
            metrics.stage(Stage::Sign, came.elapsed());
            Box::new(move || drop(tell.send(worked))) as Tell
        });
        let queue = &self.0.0;
        let asleep = {
            let mut inside = queue.lock();
            if inside.waiting.len() >= WAITING_MAX {
                return Err(Overloaded);
            }
            inside.waiting.push_back(task);
            inside.asleep > 0
        };
        if asleep {
            queue.wake.notify_one();
        }
        told.await.map_err(|_| Overloaded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_caller_is_told_also_after_a_panic() {
        let threads = SigningThreads::start(1, Metrics::default(), Some(&Handle::current()));
        assert_eq!(threads.run(|| -> () { panic!("a bad key") }).await, Err(Overloaded));
        let many: Vec<_> = (0..50)
            .map(|number| {
                let threads = threads.clone();
                tokio::spawn(async move { threads.run(move || number * 2).await })
            })
            .collect();
        for (number, told) in many.into_iter().enumerate() {
            assert_eq!(told.await.unwrap(), Ok(number * 2));
        }
    }

    /// One thread has one task after the other; those that are done are told long before the last.
    #[tokio::test]
    async fn nobody_waits_for_all_the_others() {
        let threads = SigningThreads::start(1, Metrics::default(), Some(&Handle::current()));
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let mut first: Vec<_> = (0..TOLD_TOGETHER)
            .map(|number| {
                tokio::spawn({
                    let threads = threads.clone();
                    async move { threads.run(move || number).await }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        let last = tokio::spawn({
            let threads = threads.clone();
            async move { threads.run(move || wait.recv().is_ok()).await }
        });
        for (number, told) in first.drain(..).enumerate() {
            assert_eq!(told.await.unwrap(), Ok(number), "told while the last is under way");
        }
        go.send(()).unwrap();
        assert_eq!(last.await.unwrap(), Ok(true));
        assert_eq!(threads.waiting(), 0);
    }

    #[test]
    fn results_are_told_in_groups_that_do_not_grow_old() {
        let result = || Some(Box::new(|| {}) as Tell);
        let mut done = Done::default();
        assert!(!done.due(true), "there is nothing to tell");
        done.add(None);
        assert!(!done.due(true), "a panic has nobody to tell");
        done.add(result());
        assert!(done.due(true) && !done.due(false), "alone it waits only while there is work");
        done.since = Instant::now().checked_sub(TOLD_WITHIN);
        assert!(done.due(false), "but not for ever");
        done.tell(None);
        assert!(!done.due(true));
        (0..TOLD_TOGETHER).for_each(|_| done.add(result()));
        assert!(done.due(false));
    }
}
