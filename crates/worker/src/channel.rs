//! Card payments: asks the channel, hands its answers to the engine.
//!
//! A payment that was never asked is authorised, any other is queried; nobody ends it but the channel's own
//! answer. After a crash between the channel's answer and its record a payment counts as never asked, and is
//! authorised again: channels are idempotent by the payment's id ([`crate::bank::Channel`]), so that is the
//! question, not the money, repeated.

use crate::{bank::Channel, insist::insist};
use domain::{
    Actor, Caller, Command, Event, Rejection,
    payment::{ChannelAnswer, Payment, PaymentState},
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
use types::PaymentId;

/// How the channel is asked.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How long the channel has to answer; after that the outcome is unknown.
    pub answer_within: Duration,
    /// How often the store is asked for what is due.
    pub scan_every: Duration,
    /// Payments asked at once.
    pub asking: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self { answer_within: Duration::from_secs(10), scan_every: Duration::from_secs(1), asking: 512 }
    }
}

/// Pause in which more places become free before the store is read again.
const GATHER: Duration = Duration::from_millis(20);

/// Asks the channel.
pub(crate) struct Asker {
    service: Arc<Service>,
    channel: Arc<dyn Channel>,
    setup: Setup,
    asking: Mutex<HashSet<PaymentId>>,
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
                Ok(Event::AuthorisationDue(id)) => self.begin(id),
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
            let due = tokio::task::spawn_blocking(move || {
                service.queries.due_payments(service.engine.owned(), service.now(), most)
            });
            match due.await {
                Ok(Ok(due)) => due.iter().for_each(|payment| self.begin(payment.id)),
                Ok(Err(fault)) => tracing::warn!(%fault, "due payments can't be read"),
                Err(_) => {}
            }
        }
    }

    /// Asks about a payment, unless that is under way or there is no room; then the scan comes back to it.
    fn begin(self: &Arc<Self>, id: PaymentId) {
        let mut asking = self.asking();
        let begins = !self.stop.is_cancelled() && asking.len() < self.setup.asking && asking.insert(id);
        drop(asking);
        if begins {
            let asker = Arc::clone(self);
            self.tasks.spawn(async move {
                asker.ask(id).await;
                asker.end(id);
            });
        }
    }

    fn end(&self, id: PaymentId) {
        let mut asking = self.asking();
        let was_full = asking.len() >= self.setup.asking;
        asking.remove(&id);
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
        let began = Instant::now();
        let answer = tokio::time::timeout(self.setup.answer_within, asking).await;
        let answer = answer.unwrap_or(ChannelAnswer::Unknown);
        let outcome = match answer {
            ChannelAnswer::Succeeded(_) => "succeeded",
            ChannelAnswer::Declined(_) => "declined",
            ChannelAnswer::Unknown => "unknown",
        };
        self.service.metrics.channel(outcome, began.elapsed());
        let command = Command::AnswerPayment(id, answer);
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

    fn asking(&self) -> MutexGuard<'_, HashSet<PaymentId>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
