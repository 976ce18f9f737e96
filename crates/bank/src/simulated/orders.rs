//! How the simulated bank takes an order.

use super::{
    Core, Fate,
    state::{Answered, Known, Stage},
};
use crate::{
    Limits, Rail, Reason,
    pain001::{self, Batch, Part, Payment},
    pain002::{Status, Told},
};
use intake::{Cause, Fault};
use std::io::BufRead;
use types::{Time, time};

/// An order as read.
struct Order {
    message: String,
    payments: Vec<(Batch, Payment)>,
}

impl Core {
    /// Takes the order in file `name` and answers it.
    pub(super) fn take<R: BufRead>(
        &mut self,
        name: &str,
        now: Time,
        open: &mut dyn FnMut(&str) -> Result<R, Fault>,
    ) -> Result<(), Fault> {
        if !self.state.files.insert(name.to_owned()) {
            return Ok(());
        }
        let mut message = None;
        let order = match read(open(name)?, name, &mut message) {
            Ok(order) => order,
            Err(refused) if refused.cause == Cause::Io => return Err(refused),
            Err(refused) => {
                let sums = refused.problem.contains(" says ");
                let reason = if sums { Reason::CONTROL_SUM } else { Reason::FORMAT };
                let text: String =
                    format!("{}: {}", refused.place, refused.problem).chars().take(105).collect();
                let original = message.unwrap_or_else(|| "NOTPROVIDED".into());
                return self.report(&original, Some(Status::Rejected), Some(reason), Some(text), &[], now);
            }
        };
        // The same order again, perhaps because its sender crashed: it is answered again and paid once.
        if let Some(answered) = self.state.messages.get(&order.message).cloned() {
            let text = Some("sent before; answered again, not paid again".to_owned());
            let (status, reason) = (Some(answered.status), answered.reason);
            return self.report(&order.message, status, reason, text, &answered.told, now);
        }
        let mut told = Vec::new();
        let mut silent = 0;
        for (batch, payment) in order.payments {
            match self.accept(&order.message, batch, payment, now) {
                Some(answer) => told.push(answer),
                None => silent += 1,
            }
        }
        told.sort_by(|a: &Told, b| a.batch.cmp(&b.batch));
        let rejected = told.iter().filter(|told| told.status == Status::Rejected).count();
        let status = match rejected {
            0 if silent == 0 => Status::Checked,
            all if all == told.len() && silent == 0 => Status::Rejected,
            _ => Status::Partly,
        };
        let answered = Answered { at: now, status, reason: None, told: told.clone() };
        self.state.messages.insert(order.message.clone(), answered);
        self.report(&order.message, Some(status), None, None, &told, now)
    }

    /// Takes one payment in; what the bank says of it, if anything.
    fn accept(&mut self, message: &str, batch: Batch, payment: Payment, now: Time) -> Option<Told> {
        let id = payment.end_to_end.clone();
        let repeated = self.state.payments.contains_key(&id);
        let reserved = self.state.payments.values().filter(|known| known.stage == Stage::Taken);
        let enough = reserved
            .map(|known| known.payment.amount)
            .try_fold(payment.amount, |sum, amount| sum.plus(amount))
            .is_ok_and(|sum| {
                sum.minor <= self.state.balance.minor && sum.currency == self.state.balance.currency
            });
        let fate = match () {
            () if repeated => Fate::Rejected(Reason::DUPLICATE),
            () if batch.debtor.account != self.setup.account => Fate::Rejected(Reason::ACCOUNT_WRONG),
            () if !enough => Fate::Rejected(Reason::FUNDS),
            () => Fate::of_tail(payment.creditor.account.tail())
                .unwrap_or_else(|| Fate::by_chance(self.setup.seed, &id, &self.setup.faults)),
        };
        let delay = if batch.rail == Rail::Beps { self.setup.in_batches } else { self.setup.at_once };
        let begins = now.max(batch.day.start());
        let (stage, due, status) = match fate {
            Fate::Rejected(_) => (Stage::Rejected, None, Some(Status::Rejected)),
            Fate::Silent => (Stage::Taken, None, None),
            Fate::Late { days } => {
                (Stage::Taken, Some(begins.plus(delay + i64::from(days) * time::DAY)), Some(Status::Pending))
            }
            _ => (Stage::Taken, Some(begins.plus(delay)), Some(Status::InProcess)),
        };
        let reason = match fate {
            Fate::Rejected(reason) => Some(reason),
            _ => None,
        };
        let ended = (stage == Stage::Rejected).then_some(now);
        let known = Known { message: message.to_owned(), batch: batch.id, payment, fate, stage, due, ended };
        let told = status.map(|status| known.told(&id, status, reason, None));
        // A refused repeat does not touch the payment it repeats.
        if !repeated {
            self.state.payments.insert(id, known);
        }
        told
    }
}

/// Reads the whole order. `told` becomes the message's id as soon as it is known, so that a refusal can name it.
fn read(input: impl BufRead, name: &str, told: &mut Option<String>) -> Result<Order, Fault> {
    // What one run keeps in memory: the sandbox's orders are small.
    let limits = Limits { bytes: 64 << 20, entries: 100_000, ..Limits::default() };
    let mut reader = pain001::Reader::open(input, name, limits)?;
    let message = reader.head().message.clone();
    *told = Some(message.clone());
    let mut payments = Vec::new();
    let mut batch = None;
    while let Some(part) = reader.next_part()? {
        match part {
            Part::Batch(next) => batch = Some(*next),
            Part::Payment(payment) => payments.extend(batch.clone().map(|batch| (batch, *payment))),
        }
    }
    Ok(Order { message, payments })
}
