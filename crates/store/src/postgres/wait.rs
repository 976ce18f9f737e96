//! Waiting for the network without a runtime: connections live on the store's own I/O thread, and whoever asks
//! parks until the answer is there. That is safe on the engine's plain threads and inside another runtime,
//! where blocking on a runtime would panic.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
};

struct Parked {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

/// Runs a future on this thread; none when it is not done after `limit`. On a runtime's thread the other tasks go on
/// elsewhere meanwhile: there may be only one such thread.
pub(super) fn wait<F: Future>(future: F, limit: Duration) -> Option<F::Output> {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(|| park(future, limit)),
        _ => park(future, limit),
    }
}

fn park<F: Future>(future: F, limit: Duration) -> Option<F::Output> {
    let end = Instant::now() + limit;
    let parked = Arc::new(Parked { thread: thread::current(), woken: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&parked));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        while !parked.woken.swap(false, Ordering::AcqRel) {
            let left = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            thread::park_timeout(left);
        }
    }
}

/// A request that is on its way while others are still being made: the client sends when first polled.
pub(super) struct Sent<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + Send + 'a>>,
    early: Option<T>,
}

impl<'a, T> Sent<'a, T> {
    /// Sends it.
    pub(super) async fn new(future: impl Future<Output = T> + Send + 'a) -> Self {
        let mut future: Pin<Box<dyn Future<Output = T> + Send + 'a>> = Box::pin(future);
        let early = poll_fn(|context| {
            Poll::Ready(match future.as_mut().poll(context) {
                Poll::Ready(output) => Some(output),
                Poll::Pending => None,
            })
        })
        .await;
        Self { future, early }
    }
    /// Its answer.
    pub(super) async fn answer(self) -> T {
        match self.early {
            Some(output) => output,
            None => self.future.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_from_another_thread_wakes_the_waiter_also_inside_a_runtime() {
        let ask = || {
            let (tell, told) = tokio::sync::oneshot::channel();
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(5));
                let _ = tell.send(7);
            });
            wait(told, Duration::from_secs(20))
        };
        assert_eq!(ask(), Some(Ok(7)));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(async { ask() }), Some(Ok(7)));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (asked, ticked) = runtime.block_on(async {
            let (tell, told) = tokio::sync::oneshot::channel();
            let asked = tokio::spawn(async move { wait(told, Duration::from_secs(20)) });
            // On the only thread, which waits for exactly this.
            let ticked = tokio::spawn(async move { tell.send(7).is_ok() });
            (asked.await.unwrap(), ticked.await.unwrap())
        });
        assert_eq!((asked, ticked), (Some(Ok(7)), true));
    }

    #[test]
    fn waiting_ends() {
        assert_eq!(wait(std::future::pending::<()>(), Duration::from_millis(5)), None);
    }
}
