//! The books: what was asked, and what was acknowledged. They know nothing of the store and nothing of the rules,
//! so that both can be held against them.

use crate::{
    combined::CombinedBooks,
    talk::Who,
    world::{Step, broken},
};
use domain::{
    Batch, Command, Reply,
    order::{Order, Terms},
    payment::{Confirmation, Paid, PaymentState},
    records::Digest,
    refund::{NewRefund, RefundState},
    user_transfer::UserTransferState,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use types::{
    CardId, MerchantId, Money, NotificationId, OperatorId, OrderId, PayerId, PaymentId, Rate, RefundId,
    Shard, Time, UserTransferId,
};

/// A merchant's own number.
pub(crate) type Number = (MerchantId, Box<str>);

#[derive(Debug, Default)]
pub(crate) struct Books {
    /// The last batch of each shard that somebody was told of.
    durable: BTreeMap<Shard, i64>,
    /// Where ids, times and journal lines of the batches written have come to, for each shard.
    last: BTreeMap<Shard, (i64, Time, i64)>,

    /// Asked, whatever came of it.
    pub(crate) terms: BTreeMap<Number, Vec<Arc<Terms>>>,
    pub(crate) codes: BTreeMap<i64, PayerId>,
    pub(crate) scanned: BTreeMap<Number, BTreeSet<i64>>,
    pub(crate) confirmations: BTreeMap<OrderId, Vec<Confirmation>>,
    pub(crate) pinned: BTreeMap<OrderId, Vec<(PayerId, Option<Digest>)>>,
    pub(crate) top_ups: BTreeMap<(PayerId, CardId, i64), usize>,
    pub(crate) fees: BTreeMap<MerchantId, Vec<Rate>>,
    pub(crate) pins: BTreeMap<PayerId, Digest>,

    pub(crate) combined: CombinedBooks,
    pub(crate) refunds_asked: BTreeMap<Number, Vec<NewRefund>>,
    pub(crate) approvals: BTreeSet<(RefundId, OperatorId)>,
    pub(crate) rejections: BTreeSet<RefundId>,

    /// Acknowledged.
    pub(crate) orders: BTreeMap<OrderId, Arc<Terms>>,
    numbers: BTreeMap<Number, OrderId>,
    pub(crate) paid: BTreeMap<OrderId, (PayerId, Time)>,
    pub(crate) refused: BTreeSet<OrderId>,
    pub(crate) closed: BTreeSet<Number>,
    pub(crate) reversed: BTreeSet<Number>,
    pub(crate) waiting: BTreeMap<PaymentId, Waiting>,
    pub(crate) ended: BTreeMap<PaymentId, PaymentState>,
    pub(crate) refunds_kept: BTreeMap<RefundId, Number>,
    refund_numbers: BTreeMap<Number, RefundId>,
    pub(crate) refunds_ended: BTreeMap<RefundId, RefundState>,
    transfer_numbers: BTreeMap<Number, UserTransferId>,
    /// Final states of transfers to users that callers were told.
    pub(crate) transfers_ended: BTreeMap<UserTransferId, UserTransferState>,

    /// What merchants have received: under which id, how often, and whether they said so.
    pub(crate) inbox: BTreeMap<OrderId, Received>,
    /// Echoes and notifications of refunds that merchants have acknowledged.
    pub(crate) echoed: BTreeSet<NotificationId>,
}

/// A channel payment somebody was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) order: Option<OrderId>,
    pub(crate) payer: PayerId,
    pub(crate) card: CardId,
    pub(crate) amount: Money,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) id: NotificationId,
    pub(crate) acknowledged: bool,
    amount: Money,
    paid_at: Option<Time>,
}

impl Books {
    /// Keeps what is asked, before anybody knows what comes of it.
    pub(crate) fn asked(&mut self, who: Who, command: &Command) {
        if let Some(whole) = self.combined.asked(command) {
            whole.parts.iter().for_each(|part| self.terms(&whole.terms(part)));
        }
        match command {
            Command::CreateRefund(new) => {
                let number = (new.terms.signer(), new.terms.number.clone());
                self.refunds_asked.entry(number).or_default().push((**new).clone());
            }
            Command::ApproveRefund(id) => {
                if let Who::Checker(by) = who {
                    self.approvals.insert((*id, by));
                }
            }
            Command::RejectRefund { refund, .. } => drop(self.rejections.insert(*refund)),
            Command::CreateOrder { terms, .. } => self.terms(terms),
            Command::CodePay { terms, code } => {
                self.terms(terms);
                self.scanned.entry(number(terms)).or_default().insert(*code);
            }
            Command::IssuePaymentCode(payer, code) => drop(self.codes.insert(*code, *payer)),
            Command::PayOrder(asked) => self.confirmations.entry(asked.order).or_default().push(*asked),
            Command::ConfirmCodePay { order, payer, pin } => {
                self.pinned.entry(*order).or_default().push((*payer, *pin));
            }
            Command::TopUp { card, payer, amount, .. } => {
                *self.top_ups.entry((*payer, *card, amount.minor)).or_default() += 1;
            }
            Command::RegisterMerchant(new) => self.fees.entry(new.id).or_default().push(new.fee),
            Command::ChangeMerchant(id, change) => {
                self.fees.entry(*id).or_default().extend(change.fee);
            }
            _ => {}
        }
    }

    fn terms(&mut self, terms: &Arc<Terms>) {
        let asked = self.terms.entry(number(terms)).or_default();
        if !asked.contains(terms) {
            asked.push(Arc::clone(terms));
        }
    }

    /// Keeps what a caller was told; stops at an answer that contradicts an earlier one.
    pub(crate) fn acknowledged(&mut self, command: &Command, reply: Reply) -> Step {
        self.combined.acknowledged(command, reply)?;
        match (command, reply) {
            (Command::CreateOrder { terms, .. } | Command::CodePay { terms, .. }, Reply::Order(id)) => {
                self.order(id, terms)
            }
            (Command::PayOrder(asked), Reply::Paid(Paid::Done(at))) => {
                self.payment(asked.order, asked.payer, at)
            }
            (Command::PayOrder(asked), Reply::Paid(Paid::Waiting(id))) => {
                let Some(card) = asked.card else {
                    return broken(format!("order {} paid from the balance waits for a bank", asked.order));
                };
                let (payer, amount) = (asked.payer, asked.shown);
                self.waits(id, Waiting { order: Some(asked.order), payer, card, amount })
            }
            (Command::TopUp { card, payer, amount, .. }, Reply::Paid(Paid::Waiting(id))) => {
                self.waits(id, Waiting { order: None, payer: *payer, card: *card, amount: *amount })
            }
            (Command::ConfirmCodePay { order, payer, pin }, Reply::Paid(Paid::Done(at))) => {
                if pin.is_some() {
                    return self.payment(*order, *payer, at);
                }
                self.refused.insert(*order);
                Ok(())
            }
            (Command::CloseOrder(by, number), Reply::Done) => {
                self.closed.insert((by.signer(), number.clone()));
                Ok(())
            }
            (Command::ReverseOrder { by, number, .. }, Reply::Done) => {
                self.reversed.insert((by.signer(), number.clone()));
                Ok(())
            }
            (Command::CreateRefund(new), Reply::Refund(id)) => {
                let number = (new.terms.signer(), new.terms.number.clone());
                match self.refund_numbers.insert(number.clone(), id) {
                    Some(first) if first != id => {
                        return broken(format!("number {} has two refunds, {first} and {id}", number.1));
                    }
                    _ => drop(self.refunds_kept.insert(id, number)),
                }
                Ok(())
            }
            (
                Command::AnswerRefund { refund, .. }
                | Command::ApproveRefund(refund)
                | Command::RejectRefund { refund, .. }
                | Command::ExpireRefund(refund),
                Reply::RefundState(state),
            ) => self.refund_ends(*refund, state),
            (Command::RequestUserTransfer(terms), Reply::UserTransfer(id)) => {
                let number = (terms.merchant, terms.number.clone());
                match self.transfer_numbers.insert(number, id) {
                    Some(first) if first != id => {
                        broken(format!("number {} has two transfers, {first} and {id}", terms.number))
                    }
                    _ => Ok(()),
                }
            }
            (
                Command::ConfirmUserTransfer { transfer, .. }
                | Command::CancelUserTransfer { transfer, .. }
                | Command::AdvanceUserTransfer(transfer),
                Reply::UserTransferState(state),
            ) if state.is_final() => match self.transfers_ended.insert(*transfer, state) {
                Some(first) if first != state => {
                    broken(format!("transfer {transfer} ended as {first:?} and as {state:?}"))
                }
                _ => Ok(()),
            },
            (Command::AnswerPayment(id, _), Reply::Payment(state)) => self.ends(*id, state),
            _ => Ok(()),
        }
    }

    fn order(&mut self, id: OrderId, terms: &Arc<Terms>) -> Step {
        let known = self.orders.entry(id).or_insert_with(|| Arc::clone(terms));
        if known != terms {
            return broken(format!("order {id} stands for {known:?} and for {terms:?}"));
        }
        match self.numbers.insert(number(terms), id) {
            Some(first) if first != id => {
                broken(format!("number {} has two orders, {first} and {id}", terms.number))
            }
            _ => Ok(()),
        }
    }

    fn payment(&mut self, order: OrderId, payer: PayerId, at: Time) -> Step {
        match self.paid.insert(order, (payer, at)) {
            Some(first) if first != (payer, at) => broken(format!(
                "order {order} was paid twice: by payer {} at {} and by payer {payer} at {at}",
                first.0, first.1
            )),
            _ => Ok(()),
        }
    }

    fn waits(&mut self, id: PaymentId, new: Waiting) -> Step {
        match self.waiting.insert(id, new) {
            Some(first) => broken(format!("payment {id} stands for two requests; the first is {first:?}")),
            None => Ok(()),
        }
    }

    fn ends(&mut self, id: PaymentId, state: PaymentState) -> Step {
        if !matches!(state, PaymentState::Succeeded | PaymentState::Declined) {
            return Ok(());
        }
        match self.ended.insert(id, state) {
            Some(first) if first != state => {
                broken(format!("payment {id} ended as {first:?} and as {state:?}"))
            }
            _ => Ok(()),
        }
    }

    fn refund_ends(&mut self, id: RefundId, state: RefundState) -> Step {
        if !matches!(state, RefundState::Succeeded | RefundState::Closed) {
            return Ok(());
        }
        match self.refunds_ended.insert(id, state) {
            Some(first) if first != state => {
                broken(format!("refund {id} ended as {first:?} and as {state:?}"))
            }
            _ => Ok(()),
        }
    }

    /// A merchant receives a notification.
    pub(crate) fn received(&mut self, id: NotificationId, order: &Order, acknowledges: bool) -> Step {
        let (amount, paid_at) = (order.terms.amount, order.paid_at);
        let got = self.inbox.entry(order.id).or_insert(Received { id, acknowledged: false, amount, paid_at });
        got.acknowledged |= acknowledges;
        if (got.id, got.amount, got.paid_at) != (id, amount, paid_at) {
            return broken(format!(
                "order {} is notified as {} ¥{amount} at {paid_at:?}, before as {got:?}",
                order.id, id
            ));
        }
        Ok(())
    }

    /// The last batch of a shard that somebody was told of.
    pub(crate) fn durable(&self, shard: Shard) -> i64 {
        self.durable.get(&shard).copied().unwrap_or(0)
    }
    /// Somebody is told of a batch.
    pub(crate) fn is_durable(&mut self, shard: Shard, batch: i64) {
        let last = self.durable.entry(shard).or_default();
        *last = (*last).max(batch);
    }

    /// A batch is in the store: neither its ids nor its times may lie before those of an earlier one.
    pub(crate) fn written(&mut self, shard: Shard, batch: &Batch) -> Step {
        let new = batch.orders.iter().filter(|c| !c.existed).map(|c| c.key.0);
        let new = new.chain(batch.payments.iter().filter(|c| !c.existed).map(|c| c.key.0));
        let new = new.chain(batch.refunds.iter().filter(|c| !c.existed).map(|c| c.key.0));
        // What arrives from another shard has a number that the other one gave it.
        let ours = |id: i64| Shard::of_id(id) == shard;
        let transfers = batch.transfers.iter().filter(|c| !c.existed && ours(c.key.0));
        let new = new.chain(transfers.map(|c| c.key.0));
        let new = new.chain(batch.notifications.iter().filter(|c| !c.existed).map(|c| c.key.0));
        let ids: Vec<i64> = new.chain(batch.cards.iter().filter(|c| !c.existed).map(|c| c.key.0)).collect();
        let last = self.last.entry(shard).or_insert((0, Time(0), 0));
        let (last_id, last_at, last_line) = *last;
        if let Some(back) = ids.iter().find(|id| **id <= last_id) {
            return broken(format!("batch {} gives out id {back} after {last_id}", batch.number));
        }
        let mut line_at = (last_line, last_at);
        for line in &batch.journal {
            if line.id.0 <= line_at.0 || line.at < line_at.1 {
                return broken(format!(
                    "journal line {} of {} follows line {} of {}",
                    line.id, line.at, line_at.0, line_at.1
                ));
            }
            line_at = (line.id.0, line.at);
        }
        if batch.at < line_at.1 {
            return broken(format!("batch {} of {} holds a line of {}", batch.number, batch.at, line_at.1));
        }
        *last = (ids.into_iter().max().unwrap_or(last_id), batch.at, line_at.0);
        Ok(())
    }
}

/// The number that terms carry, in its signer's name.
pub(crate) fn number(terms: &Terms) -> Number {
    (terms.signer(), terms.number.clone())
}
