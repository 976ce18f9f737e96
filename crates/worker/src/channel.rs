//! Card payments and refunds to cards: asks the channel, hands its answers to the engine.
//!
//! A payment that was never asked is authorised, any other is queried; nobody ends it but the channel's own
//! answer. After a crash between the channel's answer and its record a payment counts as never asked, and is
//! authorised again: channels are idempotent by the payment's id ([`crate::bank::Channel`]), so that is the
//! question, not the money, repeated. A refund is asked in the same way, by its id and attempt. Refunds that nobody
//! approved in time are found by the same scan, and closed.

use crate::{
    bank::{Answering, Channel},
    insist::insist,
};
use domain::{
    Actor, Caller, Command, Event, Rejection,
    payment::{ChannelAnswer, Payment, PaymentState},
    refund::{Refund, RefundState},
};
use engine::{Fault, Refusal};
use service::Service;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{
    Notify,
    broadcast::{Receiver, error::RecvError},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use types::{PaymentId, RefundId};

/// How the channel is asked.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How long the channel has to answer; after that the outcome is unknown.
    pub answer_within: Duration,
    /// How often the store is asked for what is due.
    pub scan_every: Duration,
    /// Payments and refunds asked at once.
    pub asking: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self { answer_within: Duration::from_secs(10), scan_every: Duration::from_secs(1), asking: 512 }
    }
}

/// Pause in which more places become free before the store is read again.
const GATHER: Duration = Duration::from_millis(20);

/// What the channel is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Payment(PaymentId),
    Refund(RefundId),
}

/// Asks the channel.
pub(crate) struct Asker {
    service: Arc<Service>,
    channel: Arc<dyn Channel>,
    setup: Setup,
    asking: Mutex<HashSet<Subject>>,
    /// Rung when there was no room and some has become free.
    room: Notify,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Asker {
    /// Starts listening and scanning on `tasks`, until `stop`.
    pub(crate) fn start(
        service: &Arc<Service>,
        channel: Arc<dyn Channel>,
        setup: Setup,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) {
        let asker = Arc::new(Self {
            service: Arc::clone(service),
            channel,
            setup,
            asking: Mutex::default(),
            room: Notify::new(),
            tasks: tasks.clone(),
            stop: stop.clone(),
        });
        let events = service.events.listen();
        tasks.spawn(stop.clone().run_until_cancelled_owned(Arc::clone(&asker).listen(events)));
        tasks.spawn(stop.clone().run_until_cancelled_owned(asker.scan()));
    }

    async fn listen(self: Arc<Self>, mut events: Receiver<Event>) {
        loop {
            match events.recv().await {
                Ok(Event::AuthorisationDue(id)) => self.begin(Subject::Payment(id)),
                Ok(Event::RefundDue(id)) => self.begin(Subject::Refund(id)),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    async fn scan(self: Arc<Self>) {
        let mut timer = tokio::time::interval(self.setup.scan_every);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = timer.tick() => {}
                () = self.room.notified() => tokio::time::sleep(GATHER).await,
            }
            let service = Arc::clone(&self.service);
            // Those asked now may still be due in the store, so as many more are read.
            let most = self.setup.asking * 2;
            let due = tokio::task::spawn_blocking(move || due(&service, most));
            match due.await {
                Ok(Ok(due)) => due.into_iter().for_each(|subject| self.begin(subject)),
                Ok(Err(fault)) => tracing::warn!(%fault, "due payments and refunds can't be read"),
                Err(_) => {}
            }
        }
    }

    /// Asks about a payment or refund, unless that is under way or there is no room; then the scan comes back to it.
    fn begin(self: &Arc<Self>, subject: Subject) {
        let mut asking = self.asking();
        let begins = !self.stop.is_cancelled() && asking.len() < self.setup.asking && asking.insert(subject);
        drop(asking);
        if begins {
            let asker = Arc::clone(self);
            self.tasks.spawn(async move {
                match subject {
                    Subject::Payment(id) => asker.ask(id).await,
                    Subject::Refund(id) => asker.ask_refund(id).await,
                }
                asker.end(subject);
            });
        }
    }

    fn end(&self, subject: Subject) {
        let mut asking = self.asking();
        let was_full = asking.len() >= self.setup.asking;
        asking.remove(&subject);
        if was_full {
            self.room.notify_one();
        }
    }

    async fn ask(&self, id: PaymentId) {
        let service = Arc::clone(&self.service);
        let (payment, token) = match tokio::task::spawn_blocking(move || read(&service, id)).await {
            Ok(Ok(Some(found))) => found,
            Ok(Err(fault)) => return tracing::warn!(payment = %id, %fault, "it can't be read now"),
            Ok(Ok(None)) | Err(_) => return,
        };
        let now = self.service.now();
        let asking = if payment.asked == 0 {
            self.channel.authorise(&payment, &token, now)
        } else {
            self.channel.query(&payment, &token, now)
        };
        let command =
            Command::AnswerPayment(id, answer(&self.service, self.setup.answer_within, asking).await);
        match insist(&self.service.engine, &command, &Caller::of(Actor::Channel)).await {
            Ok(_) => {}
            Err(Refusal::Rejected(Rejection::PaymentFinal)) => {
                tracing::error!(payment = %id, "the channel contradicts its own final answer; ask it, nothing was changed");
            }
            Err(refusal) => {
                tracing::error!(payment = %id, %refusal, "the channel's answer is not recorded; it will be asked again")
            }
        }
    }

    async fn ask_refund(&self, id: RefundId) {
        let service = Arc::clone(&self.service);
        let due = match tokio::task::spawn_blocking(move || read_refund(&service, id)).await {
            Ok(Ok(Some(due))) => due,
            Ok(Err(fault)) => return tracing::warn!(refund = %id, %fault, "it can't be read now"),
            Ok(Ok(None)) | Err(_) => return,
        };
        let (command, caller) = match due {
            DueRefund::Expired => (Command::ExpireRefund(id), Caller::platform()),
            DueRefund::Ask(refund, token) => {
                let now = self.service.now();
                let asking = if refund.asked == 0 {
                    self.channel.refund(&refund, &token, now)
                } else {
                    self.channel.query_refund(&refund, &token, now)
                };
                let (attempt, answer) =
                    (refund.attempt, answer(&self.service, self.setup.answer_within, asking).await);
                let command = Command::AnswerRefund { refund: id, attempt, answer };
                (command, Caller::of(Actor::Channel))
            }
        };
        match insist(&self.service.engine, &command, &caller).await {
            Ok(_) => {}
            Err(Refusal::Rejected(Rejection::RefundFinal)) => {
                tracing::error!(refund = %id, "the channel contradicts its own final answer; ask it, nothing was changed");
            }
            Err(refusal) => {
                tracing::error!(refund = %id, %refusal, "what came of the refund is not recorded; it is tried again")
            }
        }
    }

    fn asking(&self) -> MutexGuard<'_, HashSet<Subject>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The channel's answer, within the time it has.
pub(crate) async fn answer(service: &Service, within: Duration, asking: Answering<'_>) -> ChannelAnswer {
    let began = Instant::now();
    let answer = tokio::time::timeout(within, asking).await;
    let answer = answer.unwrap_or(ChannelAnswer::Unknown);
    let outcome = match answer {
        ChannelAnswer::Succeeded(_) => "succeeded",
        ChannelAnswer::Declined(_) => "declined",
        ChannelAnswer::Unknown => "unknown",
    };
    service.metrics.channel(outcome, began.elapsed());
    answer
}

/// What is due now, half of `most` of each kind at least.
fn due(service: &Service, most: usize) -> Result<Vec<Subject>, Fault> {
    let now = service.now();
    let mut due: Vec<Subject> = Vec::new();
    due.extend(
        service
            .queries
            .due_refunds(service.engine.owned(), now, most / 2)?
            .iter()
            .map(|refund| Subject::Refund(refund.id)),
    );
    let left = most - due.len();
    due.extend(
        service
            .queries
            .due_payments(service.engine.owned(), now, left)?
            .iter()
            .map(|payment| Subject::Payment(payment.id)),
    );
    Ok(due)
}

/// What is to be done about a refund.
enum DueRefund {
    /// Nobody approved it in time.
    Expired,
    /// The channel is asked about it, with the token of the card it goes to.
    Ask(Box<Refund>, Box<str>),
}

/// None when nothing is to be done now.
fn read_refund(service: &Service, id: RefundId) -> Result<Option<DueRefund>, Fault> {
    let Some(refund) = service.queries.refund(id)? else { return Ok(None) };
    if refund.due_at.is_none_or(|at| at > service.now()) {
        return Ok(None);
    }
    match refund.state {
        RefundState::Waiting => return Ok(Some(DueRefund::Expired)),
        RefundState::Processing | RefundState::Unknown => {}
        _ => return Ok(None),
    }
    if let Some(receiver) = &refund.receiver {
        let token = receiver.token.clone();
        return Ok(Some(DueRefund::Ask(Box::new(refund), token)));
    }
    let card = service.queries.order(refund.order)?.and_then(|order| order.card);
    let Some(card) = card.map(|card| service.queries.card(card)).transpose()?.flatten() else {
        tracing::error!(refund = %id, "the card it goes to is not there");
        return Ok(None);
    };
    Ok(Some(DueRefund::Ask(Box::new(refund), card.token)))
}

/// The payment and its card's token; none when it is not to be asked now.
fn read(service: &Service, id: PaymentId) -> Result<Option<(Payment, Box<str>)>, Fault> {
    let Some(payment) = service.queries.payment(id)? else { return Ok(None) };
    let open = matches!(payment.state, PaymentState::Authorising | PaymentState::Unknown);
    if !open || payment.ask_at.is_none_or(|at| at > service.now()) {
        return Ok(None);
    }
    let Some(card) = service.queries.card(payment.card)? else {
        tracing::error!(payment = %id, card = %payment.card, "its card is not there");
        return Ok(None);
    };
    Ok(Some((payment, card.token)))
}
