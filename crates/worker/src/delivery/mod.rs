//! Notifications to merchants (wire §5): sent as soon as they are owed, again on the schedule of
//! [`domain::notification::RETRY_S`], with the same id every time.
//!
//! Two things bring a notification here. The event of the commit brings it at once; the scan of what is due
//! brings retries, and whatever an event was lost for: at the start, after a crash, after a lag. What is being
//! sent is known (`lanes.rs`), so nothing is sent twice at a time. A try that was made but not recorded, because
//! the program ended between the two, is made again: merchants expect duplicates, the id tells them.

mod attempt;
mod client;
mod guard;
mod lanes;
mod scan;

pub use client::ClientError;
pub use guard::{Allow, Forbidden, Target};
pub use lanes::Bounds;

use crate::insist::insist;
use attempt::{Prepared, prepare};
use client::{Said, Sender};
use domain::{
    Caller, Command, Event,
    combined::Combined,
    echo::Echo,
    notification::{About, Attempt, Notification, NotificationState},
    order::Order,
    refund::Refund,
    user_transfer::{TransferBatch, UserTransfer},
};
use engine::Fault;
use lanes::{Item, Lanes, Offer};
use protocol::{
    notification::{Event as Told, RefundEnd},
    sharing::ShareNotice,
};
use scan::Walk;
use service::{Service, metrics::Attempted};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use types::{MerchantId, NotificationId, RefundId};
use url::Url;

/// How notifications are sent.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How long a merchant has for its whole answer (wire §5: 5 s).
    pub answer_within: Duration,
    /// How long until a merchant counts as slow (see [`Bounds::per_slow_host`]).
    pub prompt_within: Duration,
    /// How often the store is asked for what is due.
    pub scan_every: Duration,
    /// Rows of one read of a scan.
    pub scan_page: usize,
    /// Reads of one scan.
    pub scan_pages: usize,
    /// How much at once.
    pub bounds: Bounds,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            answer_within: Duration::from_secs(protocol::notification::ANSWER_SECONDS_MAX),
            prompt_within: Duration::from_secs(2),
            scan_every: Duration::from_secs(1),
            scan_page: 500,
            scan_pages: 24,
            bounds: Bounds::default(),
        }
    }
}

/// What is carried from the offer to the try: what to send and where, or why nothing can be sent.
#[derive(Clone, Debug)]
pub(crate) enum Load {
    /// To be sent there.
    Ready(Content, Url),
    /// Nothing can be sent, for this reason.
    Impossible(String),
}

/// The record that a notification's clear text is made of.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// A paid order.
    Paid(Arc<Order>),
    /// A combined order, all of it paid.
    CombinedPaid(Arc<Combined>),
    /// A refund with its order, and what happened to it.
    Refund(Arc<Refund>, Arc<Order>, RefundEnd),
    /// A transfer to a user that has ended.
    UserTransfer(Arc<UserTransfer>),
    /// A batch of transfers whose details have ended.
    TransferBatch(Arc<TransferBatch>),
    /// What a receiver of shares is told, and of what.
    Shared(Told, Arc<ShareNotice>),
    /// A message that was asked for.
    Echo(Arc<Echo>),
}

type Parcel = Item<NotificationId, MerchantId, Load>;

/// Sends notifications.
pub(crate) struct Delivery {
    service: Arc<Service>,
    sender: Sender,
    setup: Setup,
    allow: Allow,
    lanes: Mutex<Lanes<NotificationId, MerchantId, Load>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Stepping over a backlog of a million rows takes a second: scans take at most one part in so many of the time.
const SCAN_SHARE: u32 = 10;
/// The lane of what has nowhere to go.
const NO_HOST: &str = "(none)";
/// Why an echo that was still owed after its time, such as after a long stop of the platform, is not sent.
const GONE: &str = "what it tells of is no longer kept; an echo is kept two days, ask for a new one";
/// Events looked up in one go.
const TOGETHER_MAX: usize = 256;

impl Delivery {
    /// Starts listening and scanning on `tasks`, until `stop`.
    pub(crate) fn start(
        service: &Arc<Service>,
        setup: Setup,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<(), ClientError> {
        let allow = Allow { loopback: service.settings.sandbox };
        let delivery = Arc::new(Self {
            service: Arc::clone(service),
            sender: Sender::new(allow, setup.answer_within)?,
            setup,
            allow,
            lanes: Mutex::new(Lanes::new(setup.bounds)),
            tasks: tasks.clone(),
            stop: stop.clone(),
        });
        // Listening begins before the first scan, so that nothing falls between the two.
        let events = service.events.listen();
        tasks.spawn(stop.clone().run_until_cancelled_owned(Arc::clone(&delivery).listen(events)));
        tasks.spawn(stop.clone().run_until_cancelled_owned(delivery.scan()));
        Ok(())
    }

    async fn listen(self: Arc<Self>, mut events: Receiver<Event>) {
        let mut due = Vec::new();
        loop {
            match events.recv().await {
                Ok(Event::NotificationDue(id)) => due.push(id),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
            while due.len() < TOGETHER_MAX
                && let Ok(event) = events.try_recv()
            {
                if let Event::NotificationDue(id) = event {
                    due.push(id);
                }
            }
            if due.is_empty() {
                continue;
            }
            let (ids, delivery) = (std::mem::take(&mut due), Arc::clone(&self));
            let looked_up = tokio::task::spawn_blocking(move || delivery.take_in(&ids)).await;
            // What could not be looked up now is found by the scan.
            if let Ok(Err(fault)) = looked_up {
                tracing::warn!(%fault, "notifications can't be looked up");
            }
            self.pump();
        }
    }

    async fn scan(self: Arc<Self>) {
        let mut walk = Walk::default();
        loop {
            let (delivery, started) = (Arc::clone(&self), Instant::now());
            let scanned = tokio::task::spawn_blocking(move || {
                let found = walk.scan(&delivery);
                (walk, found)
            });
            walk = match scanned.await {
                Ok((walk, Ok(()))) => walk,
                Ok((walk, Err(fault))) => {
                    tracing::warn!(%fault, "due notifications can't be read");
                    walk
                }
                Err(_) => Walk::default(),
            };
            self.pump();
            let pause = self.setup.scan_every.max(started.elapsed() * SCAN_SHARE);
            tokio::time::sleep(pause).await;
        }
    }

    fn take_in(&self, ids: &[NotificationId]) -> Result<(), Fault> {
        for id in ids {
            if let Some(notification) = self.service.queries.notification(*id)? {
                self.offer(&notification)?;
            }
        }
        Ok(())
    }

    /// Offers a notification to its host's lane. Blocks for a read of the store.
    fn offer(&self, notification: &Notification) -> Result<Offer, Fault> {
        if notification.state != NotificationState::Pending || self.lanes().knows(&notification.id) {
            return Ok(Offer::Known);
        }
        let (host, load) = match self.content(notification)? {
            Some((content, url)) => match Target::parse(&url, self.allow) {
                Ok(target) => (target.host, Load::Ready(content, target.url)),
                Err(forbidden) => (NO_HOST.into(), Load::Impossible(forbidden.to_string())),
            },
            None => (NO_HOST.into(), Load::Impossible(GONE.to_owned())),
        };
        let item = Item { id: notification.id, merchant: notification.merchant, host, load };
        Ok(self.lanes().offer(item))
    }

    /// What a notification is made of, and its address; none when the record is no longer kept.
    fn content(&self, notification: &Notification) -> Result<Option<(Content, Box<str>)>, Fault> {
        let queries = &self.service.queries;
        Ok(match notification.about {
            About::Paid(order) => queries.order(order)?.map(|order| {
                let url = order.terms.notify_url.clone();
                (Content::Paid(Arc::new(order)), url)
            }),
            About::CombinedPaid(id) => queries.combined(id)?.map(|whole| {
                let url = whole.notify_url.clone();
                (Content::CombinedPaid(Arc::new(whole)), url)
            }),
            About::RefundSucceeded(id) => self.refund(id, RefundEnd::Success)?,
            About::RefundAbnormal(id) => self.refund(id, RefundEnd::Abnormal)?,
            About::RefundClosed(id) => self.refund(id, RefundEnd::Closed)?,
            About::UserTransferEnded(id) => queries.user_transfer(id)?.map(|transfer| {
                let url = transfer.terms.notify_url.clone();
                (Content::UserTransfer(Arc::new(transfer)), url)
            }),
            About::TransferBatchEnded(id) => queries.transfer_batch(id)?.map(|batch| {
                let url = batch.terms.notify_url.clone();
                (Content::TransferBatch(Arc::new(batch)), url)
            }),
            About::ShareReceived(id) => {
                self.shared(notification, Told::ShareReceived, service::sharing::received(id, &**queries)?)?
            }
            About::ShareReturned(id) => {
                self.shared(notification, Told::ShareReturned, service::sharing::returned(id, &**queries)?)?
            }
            About::Echo(echo) => queries.echo(echo)?.map(|echo| {
                let url = echo.notify_url.clone();
                (Content::Echo(Arc::new(echo)), url)
            }),
        })
    }

    /// What a receiver of shares is told, at the address that is set for it now.
    fn shared(
        &self,
        notification: &Notification,
        event: Told,
        notice: Option<ShareNotice>,
    ) -> Result<Option<(Content, Box<str>)>, Fault> {
        let receiver = self.service.queries.merchant(notification.merchant)?;
        Ok(notice.zip(receiver).map(|(notice, receiver)| {
            (Content::Shared(event, Arc::new(notice)), receiver.sharing.notify_url)
        }))
    }

    fn refund(&self, id: RefundId, end: RefundEnd) -> Result<Option<(Content, Box<str>)>, Fault> {
        let queries = &self.service.queries;
        let Some(refund) = queries.refund(id)? else { return Ok(None) };
        let Some(order) = queries.order(refund.order)? else { return Ok(None) };
        let url = refund.terms.notify_url.clone();
        Ok(Some((Content::Refund(Arc::new(refund), Arc::new(order), end), url)))
    }

    /// Sends what may be sent now.
    fn pump(self: &Arc<Self>) {
        while !self.stop.is_cancelled() {
            let Some(parcel) = self.lanes().next() else { return };
            self.tasks.spawn(Arc::clone(self).deliver(parcel));
        }
    }

    /// Makes one try and records it.
    async fn deliver(self: Arc<Self>, parcel: Parcel) {
        let Item { id, merchant, host, load } = parcel;
        let prompt = self.try_once(id, merchant, load).await;
        self.lanes().done(id, merchant, &host, prompt);
        self.pump();
    }

    /// None when the merchant was not asked, else whether it answered soon.
    async fn try_once(&self, id: NotificationId, merchant: MerchantId, load: Load) -> Option<bool> {
        let service = Arc::clone(&self.service);
        let prepared = tokio::task::spawn_blocking(move || prepare(&service, id, merchant, &load)).await;
        let (said, took, prompt) = match prepared {
            Ok(Ok(Prepared::NotDue)) | Err(_) => return None,
            Ok(Err(fault)) => {
                tracing::warn!(notification = %id, %fault, "it can't be prepared now");
                return None;
            }
            Ok(Ok(Prepared::Impossible(reason))) => (Said::nothing(&reason), Duration::ZERO, None),
            Ok(Ok(Prepared::Ready { url, body })) => {
                let (headers, body) = match attempt::sign(&self.service, merchant, body).await {
                    Ok(signed) => signed,
                    Err(error) => {
                        tracing::warn!(notification = %id, %error, "it can't be signed now");
                        return None;
                    }
                };
                let started = Instant::now();
                let said = self.sender.post(url, headers, body).await;
                let took = started.elapsed();
                let prompt = said.status != 0 && took <= self.setup.prompt_within;
                (said, took, Some(prompt))
            }
        };
        let outcome = match prompt {
            _ if said.acknowledged => Attempted::Delivered,
            None => Attempted::Impossible,
            Some(_) if said.status == 0 => Attempted::NoAnswer,
            Some(_) => Attempted::Refused,
        };
        self.service.metrics.attempt(outcome, took);
        tracing::info!(
            notification = %id, %merchant, status = said.status, took_ms = took.as_millis(), error = said.error,
            "{}", if said.acknowledged { "notification delivered" } else { "notification not delivered" }
        );
        let attempt = Attempt {
            acknowledged: said.acknowledged,
            status: said.status,
            took_ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
            error: said.error.into(),
        };
        let recorded =
            insist(&self.service.engine, &Command::RecordAttempt(id, attempt), &Caller::platform()).await;
        if let Err(refusal) = recorded {
            tracing::error!(notification = %id, %refusal, "the try is not recorded; it will be made again");
        }
        prompt
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes<NotificationId, MerchantId, Load>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
