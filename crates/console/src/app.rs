//! What every handler has at hand.

use crate::{
    problem::{Fail, Problem},
    visit::{SignedIn, Visit},
};
use domain::{Command, Rejection, Reply, records::Digest};
use engine::{Fault, Job, Queries, Refusal};
use service::Service;
use std::sync::Arc;
use tokio::sync::Semaphore;
use types::{Secret, Time};
use web::Limiter;

/// Passwords compared at once; each takes 19 MiB and some 20 ms.
const PASSWORDS_AT_ONCE: usize = 2;
/// Characters of a form's nonce.
pub(crate) const NONCE: usize = 24;
/// Exports written at once.
const EXPORTS_AT_ONCE: usize = 2;

/// Whether a text can be a nonce of ours.
pub(crate) fn is_nonce(text: &str) -> bool {
    text.len() == NONCE && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The service, the limiter of sign-ins, and places for what takes long. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

struct Parts {
    service: Arc<Service>,
    limiter: Limiter,
    passwords: Semaphore,
    exports: Arc<Semaphore>,
}

impl App {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self(Arc::new(Parts {
            service,
            limiter: Limiter::default(),
            passwords: Semaphore::new(PASSWORDS_AT_ONCE),
            exports: Arc::new(Semaphore::new(EXPORTS_AT_ONCE)),
        }))
    }
    pub(crate) fn service(&self) -> &Service {
        &self.0.service
    }
    pub(crate) fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }
    pub(crate) fn exports(&self) -> Arc<Semaphore> {
        Arc::clone(&self.0.exports)
    }
    pub(crate) fn now(&self) -> Time {
        self.0.service.now()
    }
    pub(crate) fn https(&self) -> bool {
        self.0.service.settings.public_base.starts_with("https://")
    }
    /// Reads one row or a few on this thread: microseconds.
    pub(crate) fn queries(&self) -> &dyn Queries {
        &*self.0.service.queries
    }
    /// The read side, to take along to another thread.
    pub(crate) fn reader(&self) -> Arc<dyn Queries> {
        Arc::clone(&self.0.service.queries)
    }
    /// Reads a list on a blocking thread.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Queries) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let queries = self.reader();
        let read = tokio::task::spawn_blocking(move || read(&*queries)).await;
        read.unwrap_or_else(|error| Err(Fault::Failed(format!("a reading thread ended: {error}"))))
    }
    /// Runs a command in the visitor's name and waits until it is durable.
    pub(crate) async fn run(&self, visit: &Visit, command: Command) -> Result<Reply, Refusal> {
        self.0.service.engine.run(command, visit.caller()).await
    }
    /// As [`App::run`] for a form that may be sent twice: under the form's nonce the first answer is repeated, and other
    /// content is refused.
    pub(crate) async fn run_once(
        &self,
        signed_in: &SignedIn,
        nonce: &str,
        content: &str,
        command: Command,
    ) -> Result<Reply, Refusal> {
        if !is_nonce(nonce) {
            return Err(Refusal::Rejected(Rejection::RequestKeyReused));
        }
        let hasher = self.service().vault.hasher();
        let hash = |subject: &str, text: &str| Digest(*hasher.code(subject, text).as_bytes());
        let key = hash("console/request", &format!("{}/{nonce}", signed_in.staff().id));
        let content = hash("console/content", content);
        let job = Job { command, caller: signed_in.visit.caller(), request: Some((key, content)) };
        self.0.service.engine.submit(job)?.await
    }
    /// Whether a password has that hash, on a thread that may take its time.
    pub(crate) async fn compare(
        &self,
        password: &Secret<String>,
        hash: &Secret<String>,
    ) -> Result<bool, Fail> {
        let (password, hash) = (password.clone(), hash.clone());
        self.slow(move || crypto::password::matches(&password, hash.expose())).await
    }
    /// A password's hash; none for one that is too short or too long.
    pub(crate) async fn hash(&self, password: Secret<String>) -> Result<Option<Secret<String>>, Fail> {
        use crypto::password::PasswordError;
        match self.slow(move || crypto::password::hash(&password)).await? {
            Ok(hash) => Ok(Some(hash)),
            Err(PasswordError::Length) => Ok(None),
            Err(error) => Err(Problem::fault(&error.to_string()).into()),
        }
    }
    async fn slow<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fail> {
        let place = self.0.passwords.acquire().await;
        let done = tokio::task::spawn_blocking(work).await;
        drop(place);
        done.map_err(|error| Problem::fault(&error.to_string()).into())
    }
}
