//! The end of a world: faults are over, and everything due must come to its end in bounded time.

use crate::{
    node::other,
    talk::Who,
    weather::Weather,
    world::{Step, World, broken},
};
use domain::{
    Command,
    notification::{About, NotificationState},
    order::OrderState,
    payment::PaymentState,
    refund::RefundState,
};
use types::{PageRequest, ShardSet, Time, time};

/// By then every retry of a notification (six hours at most, wire §5) and every question to a bank (15 minutes) is
/// due once more, whatever clocks differ by.
const SETTLES: i64 = 14 * time::HOUR;
/// By then every deadline has passed (90 days at most).
const EXPIRES: i64 = 92 * time::DAY;

impl World {
    pub(crate) fn come_to_rest(&mut self) -> Step {
        self.say(|_| "faults are over".into());
        self.calm = true;
        self.left = 0;
        self.weather = Weather::default();
        for shard in self.shards.all() {
            let (primary, other) = (self.primary(shard), other(self.primary(shard)));
            if !self.is_up(primary) {
                if self.is_up(other) {
                    self.route_to(other);
                } else if ![primary, other].iter().any(|node| self.nodes[*node].starting) {
                    self.start_in(time::SECOND, primary);
                }
            }
        }
        self.until(self.now.plus(SETTLES))?;
        self.settled()?;
        // What was given up while an endpoint was dead is sent again by hand, and arrives.
        let mut given_up = Vec::new();
        self.queries.each_notification(&mut |row| {
            if row.state == NotificationState::GivenUp {
                given_up.push(row.id);
            }
        })?;
        for id in given_up {
            self.ask(Who::Operator, Command::Resend(id), false, None);
        }
        self.until(self.now.plus(time::HOUR))?;
        self.delivered()?;
        self.until(self.now.plus(EXPIRES))?;
        for shard in self.shards.all() {
            self.scan_in(0, self.primary(shard));
        }
        self.until(self.now.plus(time::HOUR))?;
        self.over()?;
        self.inspect()
    }

    /// Lets everything happen that is to happen until then.
    fn until(&mut self, end: Time) -> Step {
        const EVENTS_MAX: u32 = 400_000;
        let mut events = 0;
        while self.agenda.next_at().is_some_and(|at| at <= end) {
            let Some((at, event)) = self.agenda.next() else { break };
            self.now = self.now.max(at);
            self.happen(event)?;
            events += 1;
            if events > EVENTS_MAX {
                return broken(format!("without faults the world is still busy after {EVENTS_MAX} events"));
            }
        }
        self.now = self.now.max(end);
        Ok(())
    }

    fn settled(&self) -> Step {
        let waiting = self.waiting();
        if !waiting.is_empty() {
            return broken(format!("requests are still without an answer: {}", waiting.join(", ")));
        }
        for shard in self.shards.all() {
            let primary = self.primary(shard);
            if !self.is_up(primary) || !self.idle(primary) {
                return broken(format!("no executor serves shard {shard}, or it does not come to rest"));
            }
        }
        self.transfers_are_settled()?;
        if let Some(left) = self.queries.crossings(ShardSet::all(self.shards), 1)?.first() {
            return broken(format!("money is still on its way from shard to shard: {left:?}"));
        }
        let mut stuck = None;
        self.queries.each_payment(&mut |row| {
            if matches!(row.state, PaymentState::Authorising | PaymentState::Unknown) {
                stuck = Some(row);
            }
        })?;
        let mut refund = None;
        self.queries.each_refund(&mut |row| {
            if matches!(row.state, RefundState::Processing | RefundState::Unknown) {
                refund = Some(row);
            }
        })?;
        if let Some(refund) = refund {
            return broken(format!("the bank has answered, but a refund is still open: {refund:?}"));
        }
        match stuck {
            Some(payment) => {
                broken(format!("the bank has answered, but a payment is still open: {payment:?}"))
            }
            None => Ok(()),
        }
    }

    fn delivered(&self) -> Step {
        let mut open = Vec::new();
        self.queries.each_notification(&mut |row| {
            if row.state != NotificationState::Delivered {
                open.push(row);
            }
        })?;
        let mut stuck = None;
        for row in open {
            // An echo's message is kept for two days; one that was put off for longer can't be delivered any more.
            let gone = match row.about {
                About::Paid(_)
                | About::CombinedPaid(_)
                | About::RefundSucceeded(_)
                | About::RefundAbnormal(_)
                | About::UserTransferEnded(_)
                | About::TransferBatchEnded(_)
                | About::ShareReceived(_)
                | About::ShareReturned(_)
                | About::RefundClosed(_) => false,
                About::Echo(echo) => self.queries.echo(echo)?.is_none(),
            };
            stuck = stuck.or((!gone).then_some(row));
        }
        match stuck {
            Some(row) => {
                broken(format!("the endpoint is well again, but a notification is not delivered: {row:?}"))
            }
            None => Ok(()),
        }
    }

    fn over(&self) -> Step {
        let mut stuck = None;
        self.queries.each_order(&mut |row| {
            if matches!(row.state, OrderState::Open | OrderState::Paying) {
                stuck = Some(row);
            }
        })?;
        if let Some(order) = stuck {
            return broken(format!("its deadline has long passed, but an order is still open: {order:?}"));
        }
        let waiting = self.queries.refunds_waiting(PageRequest::new(1, None))?.rows;
        if let Some(refund) = waiting.first() {
            return broken(format!("nobody approved it in time, but a refund still waits: {refund:?}"));
        }
        for shard in self.shards.all() {
            let primary = self.primary(shard);
            let stale = self.queries.stale(ShardSet::only(self.place(primary)), self.clock(primary), 10)?;
            if !stale.is_empty() {
                return broken(format!("records whose time is over are still there: {stale:?}"));
            }
        }
        Ok(())
    }
}
