//! What the worker does, as events: it looks for what is due with the very queries of `feiqian-worker`, asks the
//! bank, posts to endpoints, records what came of it. When something is due is the domain's to say.

use crate::{
    Sabotage,
    bank::Matter,
    talk::Who,
    world::{Alive, Event, Step, World, broken},
};
use domain::{
    Command,
    notification::{About, Attempt, NotificationState},
    payment::{ChannelAnswer, PaymentState},
    refund::RefundState,
};
use ledger::AccountId;
use types::{Currency, NotificationId, PaymentId, ShardSet, Time, time};

/// Rows read in one look, as `feiqian-worker` does.
const DUE_MAX: usize = 1024;
const TOGETHER_MAX: usize = 500;
const FOR_EVER: Time = Time(i64::MAX);

impl World {
    /// Plans a look at what is due, unless an earlier one is planned.
    pub(crate) fn scan_in(&mut self, micros: i64, node: usize) {
        let at = self.now.plus(micros);
        let it = &mut self.nodes[node];
        if it.scan_at.is_none_or(|planned| planned > at) {
            it.scan_at = Some(at);
            let alive = self.this(node);
            self.agenda.enter(at, Event::Scan(alive));
        }
    }

    pub(crate) fn scan(&mut self, alive: Alive) -> Step {
        let node = alive.0;
        let planned = self.nodes[node].scan_at.is_some_and(|at| at <= self.now);
        if !self.alive(alive) || !self.is_up(node) || !planned {
            return Ok(());
        }
        self.nodes[node].scan_at = None;
        let (now, of) = (self.clock(node), ShardSet::only(self.place(node)));
        for payment in self.queries.due_payments(of, now, DUE_MAX)? {
            self.begin_asking(node, payment.id)?;
        }
        for refund in self.queries.due_refunds(of, now, DUE_MAX)? {
            self.begin_refund(node, refund.id)?;
        }
        for notification in self.queries.due_notifications(of, now, DUE_MAX)? {
            self.begin_sending(node, notification.id)?;
        }
        let worker = Who::Worker(alive);
        for order in self.queries.due_orders(of, now, TOGETHER_MAX)? {
            if self.nodes[node].expiring.insert(order) {
                self.ask(worker, Command::ExpireOrder(order), false, None);
            }
        }
        let stale = self.queries.stale(of, now, TOGETHER_MAX)?;
        if !stale.is_empty() && !self.nodes[node].sweeping {
            self.nodes[node].sweeping = true;
            self.ask(worker, Command::Sweep(self.shard(node), stale), false, None);
        }
        self.bring_transfers_on(alive)?;
        self.bring_shares_on(alive)?;
        self.carry_on(alive)?;
        self.plan_scan(node)
    }

    /// The worker looks every second; looks that would find nothing are left out.
    fn plan_scan(&mut self, node: usize) -> Step {
        let of = ShardSet::only(self.place(node));
        let payment = self.queries.due_payments(of, FOR_EVER, 1)?.first().and_then(|row| row.ask_at);
        let notification =
            self.queries.due_notifications(of, FOR_EVER, 1)?.first().and_then(|row| row.next_at);
        let order = match self.queries.due_orders(of, FOR_EVER, 1)?.first() {
            Some(id) => self.queries.order(*id)?.map(|order| order.expires_at),
            None => None,
        };
        let refund = self.queries.due_refunds(of, FOR_EVER, 1)?.first().and_then(|row| row.due_at);
        let crossing = self.queries.crossings(of, 1)?.first().map(|row| row.sent_at);
        let transfer = self.next_transfer(node)?;
        let share = self.next_share(node)?;
        if let Some(next) =
            [payment, refund, notification, order, crossing, transfer, share].into_iter().flatten().min()
        {
            let wait = next.since(self.clock(node)).clamp(time::SECOND, 100 * time::DAY);
            self.scan_in(wait, node);
        }
        Ok(())
    }

    /// Brings money on that left for other shards, and now and then sends some.
    fn carry_on(&mut self, alive: Alive) -> Step {
        if self.shards.is_one() {
            return Ok(());
        }
        let (node, of) = (alive.0, ShardSet::only(self.place(alive.0)));
        for crossing in self.queries.crossings(of, TOGETHER_MAX)? {
            if self.nodes[node].carrying.insert(crossing.id) {
                if self.sabotage == Some(Sabotage::ArrivesUnheard) {
                    self.ask(Who::Worker(alive), Command::Arrived(crossing.id), false, None);
                }
                self.ask(Who::Courier(alive), Command::Receive(Box::new(crossing)), false, None);
            }
        }
        if self.calm || self.nodes[node].gathering || !self.dice.chance(200) {
            return Ok(());
        }
        let (here, to) = (self.shard(node), self.some_shard());
        let shop = self.dice.below(self.town.shops.len());
        let takings = AccountId::merchant_unsettled(self.town.shops[shop].id, Currency::CNY);
        let account = if self.dice.chance(300) { AccountId::platform_fee(Currency::CNY) } else { takings };
        let most = if self.dice.chance(500) { None } else { Some(self.dice.between(1, 50_00)) };
        if to != here {
            self.nodes[node].gathering = true;
            let send = Command::SendToShard { from: account.at(here), to, most };
            self.ask(Who::Worker(alive), send, false, None);
        }
        Ok(())
    }

    /// Another shard has booked the money of a crossing, or it is not known whether it has.
    pub(crate) fn carried(&mut self, alive: Alive, command: &Command, arrived: bool) {
        let Command::Receive(crossing) = command else { return };
        if !self.alive(alive) {
            return;
        }
        if arrived {
            self.count("money arrived in another shard");
            self.ask(Who::Worker(alive), Command::Arrived(crossing.id), false, None);
        } else {
            self.nodes[alive.0].carrying.remove(&crossing.id);
            self.scan_in(time::SECOND, alive.0);
        }
    }

    pub(crate) fn begin_asking(&mut self, node: usize, id: PaymentId) -> Step {
        if !self.nodes[node].asking.insert(id) {
            return Ok(());
        }
        let due = self.queries.payment(id)?.filter(|payment| {
            let open = matches!(payment.state, PaymentState::Authorising | PaymentState::Unknown);
            open && payment.ask_at.is_some_and(|at| at <= self.clock(node))
        });
        let Some(payment) = due else {
            self.nodes[node].asking.remove(&id);
            return Ok(());
        };
        let alive = self.this(node);
        self.question(alive, Matter::Payment(id), payment.asked == 0);
        Ok(())
    }

    /// The bank's answer, or the end of the worker's patience with it.
    pub(crate) fn bank_says(&mut self, alive: Alive, id: Matter, said: ChannelAnswer) {
        if self.alive(alive) {
            self.ask(Who::Worker(alive), id.answered(said), false, None);
        }
    }

    /// The bank calls of itself.
    pub(crate) fn bank_calls(&mut self, id: Matter, said: ChannelAnswer) {
        self.ask(Who::Bank, id.answered(said), false, None);
    }

    pub(crate) fn begin_sending(&mut self, node: usize, id: NotificationId) -> Step {
        if !self.nodes[node].sending.insert(id) {
            return Ok(());
        }
        let due = self.queries.notification(id)?.filter(|owed| {
            let open = owed.state == NotificationState::Pending;
            open && owed.next_at.is_some_and(|at| at <= self.clock(node))
        });
        let Some(owed) = due else {
            self.nodes[node].sending.remove(&id);
            return Ok(());
        };
        // What the merchant will read is built now, from the order as it was paid (Hyperswitch 9278).
        let paid = match owed.about {
            About::Paid(order) => match self.queries.order(order)? {
                Some(order) if order.paid_at.is_some() => Some(order),
                other => {
                    return broken(format!(
                        "notification {id} would tell of an order as paid, it is {other:?}"
                    ));
                }
            },
            About::RefundSucceeded(id) | About::RefundAbnormal(id) | About::RefundClosed(id) => {
                let state = self.queries.refund(id)?.map(|refund| refund.state);
                let true_once = match owed.about {
                    About::RefundSucceeded(_) => state == Some(RefundState::Succeeded),
                    About::RefundClosed(_) => state == Some(RefundState::Closed),
                    _ => state
                        .is_some_and(|state| !matches!(state, RefundState::Waiting | RefundState::Closed)),
                };
                if !true_once {
                    return broken(format!("notification {id} would tell {:?}, it is {state:?}", owed.about));
                }
                None
            }
            About::CombinedPaid(id) => {
                let whole = self.queries.combined(id)?;
                let orders =
                    whole.map(|whole| self.queries.orders_of(&whole)).transpose()?.unwrap_or_default();
                if orders.is_empty() || orders.iter().any(|order| order.paid_at.is_none()) {
                    return broken(format!(
                        "notification {id} would tell that all is paid, it is {orders:?}"
                    ));
                }
                None
            }
            About::UserTransferEnded(id) => {
                let kept = self.queries.user_transfer(id)?;
                if !kept.as_ref().is_some_and(|kept| kept.state.is_final()) {
                    return broken(format!("notification {id} would tell of an end, it is {kept:?}"));
                }
                None
            }
            About::TransferBatchEnded(id) => {
                let kept = self.queries.transfer_batch(id)?;
                if kept.as_ref().is_none_or(|kept| kept.due_at.is_some()) {
                    return broken(format!("notification {id} would tell of an end, it is {kept:?}"));
                }
                None
            }
            About::ShareReceived(id) => {
                let kept = self.queries.transfer(id)?;
                if !kept.is_some_and(|kept| kept.kind == ledger::TransferKind::Share) {
                    return broken(format!("notification {id} would tell of a share, it is {kept:?}"));
                }
                None
            }
            About::ShareReturned(id) => {
                let kept = self.queries.share_return(id)?.map(|kept| kept.state);
                if !matches!(kept, Some(domain::sharing::ReturnState::Succeeded(_))) {
                    return broken(format!("notification {id} would tell of a return, it is {kept:?}"));
                }
                None
            }
            About::Echo(echo) => {
                if self.queries.echo(echo)?.is_none() {
                    // Its message is gone: that counts as a try, so that it ends.
                    let attempt =
                        Attempt { acknowledged: false, status: 0, took_ms: 0, error: "gone".into() };
                    let alive = self.this(node);
                    self.enter_in(0, Event::Posted(alive, id, attempt));
                    return Ok(());
                }
                None
            }
        };
        let shop = self.town.shops.iter().position(|shop| shop.id == owed.merchant);
        let dead = shop.is_some_and(|shop| self.town.shops[shop].dead_until > self.now) && !self.calm;
        let fails = if self.calm { 0 } else { self.weather.endpoint };
        let quick = self.dice.between(5_000, 900_000);
        let slow = self.dice.between(time::SECOND, 5 * time::SECOND);
        let (received, status, took) = match self.dice.chance(fails) {
            _ if dead => (false, 0, 5 * time::SECOND),
            false => (true, 200, quick),
            true => self.dice.pick(&[
                (false, 0, 5 * time::SECOND), // lost on the way
                (false, 500, quick),
                (true, 0, 5 * time::SECOND), // taken, but its answer is lost
                (true, 200, slow),
            ]),
        };
        if received {
            match &paid {
                Some(order) => self.books.received(id, order, status == 200)?,
                None if status == 200 => drop(self.books.echoed.insert(id)),
                None => {}
            }
        }
        self.count(if status == 200 { "notification acknowledged" } else { "notification failed" });
        let once = self.sabotage == Some(Sabotage::OneTryOnly);
        let attempt = Attempt {
            acknowledged: status == 200 || once,
            status,
            took_ms: u32::try_from(took / 1000).unwrap_or(u32::MAX),
            error: if status == 200 { "".into() } else { "no luck".into() },
        };
        let alive = self.this(node);
        self.enter_in(took, Event::Posted(alive, id, attempt));
        Ok(())
    }

    pub(crate) fn posted(&mut self, alive: Alive, id: NotificationId, attempt: Attempt) {
        if self.alive(alive) {
            self.ask(Who::Worker(alive), Command::RecordAttempt(id, attempt), false, None);
        }
    }

    /// What the worker was at is recorded, or given up: it may begin with it again.
    pub(crate) fn recorded(&mut self, alive: Alive, command: &Command) {
        if !self.alive(alive) {
            return;
        }
        let it = &mut self.nodes[alive.0];
        match command {
            Command::AnswerPayment(id, _) => drop(it.asking.remove(id)),
            Command::AnswerRefund { refund, .. } | Command::ExpireRefund(refund) => {
                it.refunding.remove(refund);
            }
            Command::RecordAttempt(id, _) => drop(it.sending.remove(id)),
            Command::ExpireOrder(id) => drop(it.expiring.remove(id)),
            Command::Sweep(..) => it.sweeping = false,
            Command::Arrived(id) => drop(it.carrying.remove(id)),
            Command::SendToShard { .. } => it.gathering = false,
            _ => return,
        }
        self.scan_in(time::SECOND, alive.0);
    }
}
