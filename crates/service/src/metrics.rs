//! What is counted and timed, and how Prometheus reads it.
//!
//! A payment costs a few integer additions: the engine's numbers are recorded once a batch, on its own threads.
//! Labels are names that the program knows (a command, an outcome, a stage), never a merchant, payer or order, so
//! the number of series is bounded and no personal datum can be among them (R-FIN-64, R-FIN-65).

mod metered;

pub use metered::{Health, metered};

use domain::{Batch, Reply, payer::PinOutcome, payment::Paid, payment::PaymentState};
use engine::{Observer, Refusal};
use prometheus_client::{
    collector::Collector,
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// The content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper ends of the buckets of every duration, in seconds: from RSA (30 µs) to a merchant that does not answer.
const SECONDS: [f64; 18] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0,
];
/// Upper ends of the buckets of commands a batch.
const COMMANDS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0];

/// A step of a request that is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Proving who signed a request.
    Verify,
    /// From the queue's door to being taken into a batch: the longest wait of those taken together.
    Queue,
    /// Applying what was taken together, loads included.
    Apply,
    /// Reading records that the working set lacks, once for all that were taken together.
    Load,
    /// Making a batch durable.
    Commit,
    /// Signing an answer or a notification, the wait for a signing thread included.
    Sign,
    /// From sending a command to another node until its answer is here.
    Forward,
}

/// How a try to deliver a notification ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempted {
    /// The merchant acknowledged it.
    Delivered,
    /// The merchant answered something else.
    Refused,
    /// The merchant did not answer in time, or could not be reached.
    NoAnswer,
    /// It could not be sent: a forbidden address, no key.
    Impossible,
}

impl Attempted {
    const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::NoAnswer => "no_answer",
            Self::Impossible => "impossible",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CommandOutcome {
    command: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageName {
    stage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Door {
    door: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DoorStatus {
    door: &'static str,
    status: u16,
}

/// Counts and times; cheap to clone, every clone is the same.
#[derive(Clone)]
pub struct Metrics(Arc<Instruments>);

struct Instruments {
    registry: RwLock<Registry>,
    orders: Counter,
    payments: Family<Outcome, Counter>,
    commands: Family<CommandOutcome, Counter>,
    batch: Histogram,
    faults: Counter,
    misses: Counter,
    attempts: Family<Outcome, Counter>,
    attempt_seconds: Histogram,
    channel: Family<Outcome, Counter>,
    channel_seconds: Histogram,
    requests: Family<DoorStatus, Counter>,
    request_seconds: Family<Door, Histogram>,
    stages: [Histogram; 7],
    health: Health,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let r = registry.sub_registry_with_prefix("feiqian");
        let stages = Family::<StageName, Histogram>::new_with_constructor(seconds);
        r.register_with_unit("stage", "Time of a step of a request", Unit::Seconds, stages.clone());
        let stages = ["verify", "queue", "apply", "load", "commit", "sign", "forward"]
            .map(|stage| stages.get_or_create_owned(&StageName { stage }));
        let made = Instruments {
            orders: Counter::default(),
            payments: Family::default(),
            commands: Family::default(),
            batch: Histogram::new(COMMANDS),
            faults: Counter::default(),
            misses: Counter::default(),
            attempts: Family::default(),
            attempt_seconds: seconds(),
            channel: Family::default(),
            channel_seconds: seconds(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds),
            stages,
            health: Health::default(),
            registry: RwLock::default(),
        };
        // What rules and panels divide by must be there from the start, at nothing.
        for outcome in ["paid", "declined", "pin_wrong", "unavailable"] {
            drop(made.payments.get_or_create(&Outcome { outcome }));
        }
        for outcome in [Attempted::Delivered, Attempted::Refused, Attempted::NoAnswer, Attempted::Impossible]
        {
            drop(made.attempts.get_or_create(&Outcome { outcome: outcome.name() }));
        }
        for outcome in ["succeeded", "declined", "unknown"] {
            drop(made.channel.get_or_create(&Outcome { outcome }));
        }
        r.register("orders_placed", "Orders accepted, a repeat of the same order too", made.orders.clone());
        r.register(
            "payments",
            "Payments that ended: paid, or why not; `unavailable` and `busy` are ours to answer for",
            made.payments.clone(),
        );
        r.register("commands", "Commands decided, by name and outcome", made.commands.clone());
        r.register("batch_commands", "Commands a batch", made.batch.clone());
        r.register("store_faults", "Batches that the store did not take", made.faults.clone());
        r.register("working_set_misses", "Records read from the store for a command", made.misses.clone());
        r.register("notification_attempts", "Tries to deliver a notification", made.attempts.clone());
        let help = "How long merchants take to answer a notification";
        r.register_with_unit("notification_answer", help, Unit::Seconds, made.attempt_seconds.clone());
        r.register("channel_answers", "Answers of card channels, silence included", made.channel.clone());
        let help = "How long card channels take to answer";
        r.register_with_unit("channel_answer", help, Unit::Seconds, made.channel_seconds.clone());
        r.register("requests", "HTTP requests answered", made.requests.clone());
        let help = "HTTP request, from its head to the head of its answer";
        r.register_with_unit("request", help, Unit::Seconds, made.request_seconds.clone());
        *made.registry.write().unwrap_or_else(PoisonError::into_inner) = registry;
        Self(Arc::new(made))
    }
}

impl Metrics {
    /// Has `collector` asked at every reading, for what is only known then.
    pub fn collect(&self, collector: Box<dyn Collector>) {
        let mut registry = self.0.registry.write().unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(collector);
    }
    /// Everything, as [`CONTENT_TYPE`]. Collectors may read the store, so it blocks.
    ///
    /// # Errors
    /// When a collector can't write what it knows.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut into = String::with_capacity(16 * 1024);
        text::encode(&mut into, &self.0.registry.read().unwrap_or_else(PoisonError::into_inner))?;
        Ok(into)
    }
    /// How the store is doing.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.0.health
    }
    /// A step took so long.
    pub fn stage(&self, stage: Stage, took: Duration) {
        self.0.stages[stage as usize].observe(took.as_secs_f64());
    }
    /// A request was answered. `door` is a word that the program knows, such as `merchant`.
    pub fn request(&self, door: &'static str, status: u16, took: Duration) {
        self.0.requests.get_or_create(&DoorStatus { door, status }).inc();
        self.0.request_seconds.get_or_create(&Door { door }).observe(took.as_secs_f64());
    }
    /// A notification was tried; `took` is the merchant's time.
    pub fn attempt(&self, outcome: Attempted, took: Duration) {
        self.0.attempts.get_or_create(&Outcome { outcome: outcome.name() }).inc();
        if outcome != Attempted::Impossible {
            self.0.attempt_seconds.observe(took.as_secs_f64());
        }
    }
    /// A card channel was asked: `succeeded`, `declined` or `unknown`.
    pub fn channel(&self, outcome: &'static str, took: Duration) {
        self.0.channel.get_or_create(&Outcome { outcome }).inc();
        self.0.channel_seconds.observe(took.as_secs_f64());
    }
    fn payments(&self, outcome: &'static str, more: u64) {
        self.0.payments.get_or_create(&Outcome { outcome }).inc_by(more);
    }
}

/// Commands that try to pay an order.
const PAYING: [&str; 3] = ["pay_order", "code_pay", "confirm_code_pay"];

/// Why a try to pay ended without money, when it did.
fn unpaid(command: &'static str, answer: &Result<Reply, Refusal>) -> Option<&'static str> {
    match answer {
        Err(refusal) if PAYING.contains(&command) => Some(refusal.code()),
        Ok(Reply::Paid(Paid::Pin(PinOutcome::Wrong { .. }))) => Some("pin_wrong"),
        Ok(Reply::Paid(Paid::Pin(PinOutcome::Locked { .. }))) => Some("pin_locked"),
        Ok(Reply::Payment(PaymentState::Declined)) if command == "answer_payment" => Some("declined"),
        _ => None,
    }
}

impl cluster::Traffic for Metrics {
    fn forwarded(&self, took: Duration) {
        self.stage(Stage::Forward, took);
    }
}

impl Observer for Metrics {
    fn taken(&self, longest_wait: Duration) {
        self.stage(Stage::Queue, longest_wait);
    }
    fn applied(&self, took: Duration) {
        self.stage(Stage::Apply, took);
    }
    fn committed(
        &self,
        batch: &Batch,
        took: Duration,
        answers: &mut dyn Iterator<Item = &Result<Reply, Refusal>>,
    ) {
        self.stage(Stage::Commit, took);
        self.0.batch.observe(f64::from(u32::try_from(batch.journal.len()).unwrap_or(u32::MAX)));
        // A batch holds few different commands and outcomes: a short list beats a lookup a command.
        let mut seen: Vec<(CommandOutcome, u64)> = Vec::with_capacity(16);
        for (line, answer) in batch.journal.iter().zip(answers) {
            let labels = CommandOutcome { command: line.command, outcome: line.outcome };
            match seen.iter_mut().find(|(known, _)| *known == labels) {
                Some((_, count)) => *count += 1,
                None => seen.push((labels, 1)),
            }
            if let Some(reason) = unpaid(line.command, answer) {
                self.payments(reason, 1);
            }
        }
        for (labels, count) in seen {
            if labels.outcome == "ok" && matches!(labels.command, "create_order" | "code_pay") {
                self.0.orders.inc_by(count);
            }
            self.0.commands.get_or_create(&labels).inc_by(count);
        }
        // An order that became paid owes one notification, by whichever command it was paid.
        let owed = batch.notifications.iter().filter(|change| !change.existed);
        let paid = owed.filter(|new| new.value.as_ref().is_some_and(|owed| owed.about.order().is_some()));
        self.payments("paid", paid.count() as u64);
    }
    fn fault(&self, batch: &Batch, took: Duration) {
        self.stage(Stage::Commit, took);
        self.0.faults.inc();
        let lost = batch.journal.iter().filter(|line| PAYING.contains(&line.command)).count();
        self.payments("unavailable", lost as u64);
    }
}

#[cfg(test)]
mod tests;
