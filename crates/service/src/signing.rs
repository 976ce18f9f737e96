//! Threads that sign. An RSA-2048 signature costs about 0.7 ms of CPU, so it never runs on the async runtime.

use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};
use tokio::sync::oneshot;

type Task = Box<dyn FnOnce() + Send>;

/// Tasks that may wait; one more is refused.
const WAITING_MAX: usize = 8192;

/// A fixed set of threads for CPU work with a bounded queue. They end when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct SigningThreads(Arc<mpsc::SyncSender<Task>>);

/// The queue is full, or a task panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many signatures are waiting")]
pub struct Overloaded;

impl SigningThreads {
    /// Starts `threads` (at least one).
    #[must_use]
    pub fn start(threads: usize) -> Self {
        let (sender, receiver) = mpsc::sync_channel::<Task>(WAITING_MAX);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..threads.max(1) {
            let receiver = Arc::clone(&receiver);
            let run = move || {
                loop {
                    let task = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    match task {
                        Ok(task) => task(),
                        Err(_) => return,
                    }
                }
            };
            if let Err(error) = thread::Builder::new().name(format!("sign-{number}")).spawn(run) {
                tracing::error!(%error, "no signing thread");
            }
        }
        Self(Arc::new(sender))
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
        let task: Task = Box::new(move || drop(tell.send(work())));
        self.0.try_send(task).map_err(|_| Overloaded)?;
        told.await.map_err(|_| Overloaded)
    }
}
