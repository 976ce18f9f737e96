//! What every handler has at hand.

use crate::{cards::CardLookup, visit::Visit};
use domain::{Command, Reply};
use engine::{Fault, Job, Queries, Refusal, RequestKey};
use service::Service;
use std::sync::Arc;
use types::Time;
use web::Limiter;

/// The service, the card channel, and the limiter of sign-ins. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

struct Parts {
    service: Arc<Service>,
    channel: Arc<dyn CardLookup>,
    limiter: Limiter,
}

impl App {
    pub(crate) fn new(service: Arc<Service>, channel: Arc<dyn CardLookup>) -> Self {
        Self(Arc::new(Parts { service, channel, limiter: Limiter::default() }))
    }
    pub(crate) fn service(&self) -> &Service {
        &self.0.service
    }
    pub(crate) fn channel(&self) -> &dyn CardLookup {
        &*self.0.channel
    }
    pub(crate) fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }
    pub(crate) fn now(&self) -> Time {
        self.0.service.now()
    }
    /// Whether this installation is reached by https only, so that cookies and links can insist on it.
    pub(crate) fn https(&self) -> bool {
        self.0.service.settings.public_base.starts_with("https://")
    }
    /// Reads one row or a few on this thread: microseconds.
    pub(crate) fn queries(&self) -> &dyn Queries {
        &*self.0.service.queries
    }
    /// Reads a list on a blocking thread.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Queries) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let queries = Arc::clone(&self.0.service.queries);
        let read = tokio::task::spawn_blocking(move || read(&*queries)).await;
        read.unwrap_or_else(|error| Err(Fault::Failed(format!("a reading thread ended: {error}"))))
    }
    /// Runs a command as the visitor and waits until it is durable.
    pub(crate) async fn run(&self, visit: &Visit, command: Command) -> Result<Reply, Refusal> {
        self.0.service.engine.run(command, visit.caller()).await
    }
    /// As [`App::run`]; the same request again gets the first answer.
    pub(crate) async fn run_once(
        &self,
        visit: &Visit,
        request: RequestKey,
        command: Command,
    ) -> Result<Reply, Refusal> {
        let job = Job { command, caller: visit.caller(), request: Some(request) };
        self.0.service.engine.submit(job)?.await
    }
}
