//! Refunds: merchants ask for them, again, too much and wrongly; people approve and reject large ones; the bank brings
//! the money, or can't, and merchants name another card.

use crate::{
    bank::Matter,
    books::Number,
    talk::Who,
    world::{Alive, Step, World, broken},
};
use domain::{
    Command,
    order::Order,
    refund::{Funds, NewRefund, Receiver, Refund, RefundState, RefundTerms},
};
use ledger::AccountId;
use std::{collections::BTreeMap, sync::Arc};
use types::{Currency, Money, OperatorId, OrderId, PageRequest, RefundId, Shard};

/// People who approve.
pub(crate) const OPERATORS: i64 = 4;

/// Terms with the digest of their content, as the gateway makes it.
fn sealed(new: NewRefund) -> NewRefund {
    let content = format!("{:?} {}", RefundTerms { digest: [0; 16], ..(*new.terms).clone() }, new.total);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&crate::digest::hash(&content).to_le_bytes());
    NewRefund { terms: Arc::new(RefundTerms { digest: bytes, ..(*new.terms).clone() }), ..new }
}

fn changed(new: &NewRefund, change: impl FnOnce(&mut RefundTerms)) -> NewRefund {
    let mut terms = (*new.terms).clone();
    change(&mut terms);
    sealed(NewRefund { terms: Arc::new(terms), ..new.clone() })
}

impl World {
    /// A merchant has to do with refunds.
    pub(crate) fn merchant_refunds(&mut self, place: usize) -> Step {
        let who = Who::Merchant(self.town.shops[place].id);
        match self.dice.below(20) {
            0..=9 => {
                let Some(new) = self.new_refund(place)? else { return Ok(()) };
                let times = if self.dice.chance(150) { 2 } else { 1 };
                for _ in 0..times {
                    self.ask_refund(who, &new, None);
                }
            }
            10 => {
                // The same number with other content, at once: at most one of them becomes the refund.
                let Some(new) = self.new_refund(place)? else { return Ok(()) };
                let other = changed(&new, |terms| terms.reason = "something else".into());
                self.ask_refund(who, &new, None);
                self.ask_refund(who, &other, None);
            }
            11 | 12 => {
                let asked = self.town.shops[place].refunds.len();
                let lately = self.dice.below(asked.min(12));
                let Some(old) = self.town.shops[place].refunds.iter().rev().nth(lately).cloned() else {
                    return Ok(());
                };
                self.ask_refund(who, &old, None);
            }
            13 | 14 => self.refund_wrongly(place)?,
            15..=17 => self.decide(),
            _ => self.another_card(place)?,
        }
        Ok(())
    }

    fn ask_refund(&mut self, who: Who, new: &NewRefund, wrong: Option<&'static str>) {
        let who = if matches!(who, Who::Merchant(_)) { Who::Merchant(new.terms.signer()) } else { who };
        self.ask(who, Command::CreateRefund(Box::new(new.clone())), false, wrong);
    }

    /// A refund of one of the merchant's later orders, mostly a paid one.
    fn new_refund(&mut self, place: usize) -> Result<Option<NewRefund>, crate::world::Broken> {
        let mut found = None;
        for _ in 0..4 {
            let placed = self.town.shops[place].placed.len();
            let lately = self.dice.below(placed.min(40));
            let Some(terms) = self.town.shops[place].placed.iter().rev().nth(lately).cloned() else { break };
            let order = self.queries.order_by_number(terms.signer(), &terms.number)?;
            let paid = order.as_ref().is_some_and(|order| order.paid_at.is_some());
            found = Some((terms, order));
            if paid {
                break;
            }
        }
        let Some((terms, order)) = found else { return Ok(None) };
        let left = terms.amount.minor - order.map_or(0, |order| order.refunded.sum);
        let whole = self.dice.chance(350);
        let fen = if whole { left } else { self.dice.between(1, terms.amount.minor.max(2)) };
        let shop = &mut self.town.shops[place];
        let number = format!("refund-{place}-{:05}", shop.refunds.len()).into();
        let quiet = self.dice.chance(100);
        // Takings are settled money the day after.
        let settled = self.days.wanted > 0 && self.dice.chance(600);
        let new = sealed(NewRefund {
            terms: Arc::new(RefundTerms {
                partner: terms.principal().partner,
                merchant: shop.id,
                number,
                amount: Money::cny(fen.max(1)),
                reason: "sold out".into(),
                notify_url: if quiet { "" } else { "https://tea.example/refund" }.into(),
                funds: if settled { Funds::Available } else { Funds::Unsettled },
                extra: "".into(),
                digest: [0; 16],
            }),
            order: None,
            order_number: Some(terms.number.clone()),
            total: terms.amount.minor,
        });
        self.town.shops[place].refunds.push(new.clone());
        Ok(Some(new))
    }

    /// Refunds that must be refused, whatever else happens.
    fn refund_wrongly(&mut self, place: usize) -> Step {
        let Some(good) = self.new_refund(place)? else { return Ok(()) };
        let own = Who::Merchant(self.town.shops[place].id);
        let (who, bad, why) = match self.dice.below(7) {
            0 => {
                let much = Money::cny(good.total.saturating_add(1));
                (own, changed(&good, |terms| terms.amount = much), "a refund of more than was paid")
            }
            1 => {
                let all = Money::cny(i64::MAX);
                (own, changed(&good, |terms| terms.amount = all), "a refund of 2^63 - 1")
            }
            2 => (own, changed(&good, |terms| terms.amount = Money::cny(0)), "a refund of nothing"),
            3 => {
                let dollars = Money::new(1, Currency::USD);
                (own, changed(&good, |terms| terms.amount = dollars), "a refund in another currency")
            }
            4 => {
                let total = good.total + 1;
                (own, sealed(NewRefund { total, ..good }), "a refund with another total")
            }
            5 => (Who::Operator, good, "a refund that neither merchant nor operator asked for"),
            _ => {
                let order = Some(OrderId(1));
                (own, sealed(NewRefund { order, order_number: None, ..good }), "a refund of no order")
            }
        };
        self.ask_refund(who, &bad, Some(why));
        Ok(())
    }

    /// Somebody looks at a refund that waits.
    pub(crate) fn decide(&mut self) {
        let Ok(page) = self.queries.refunds_waiting(PageRequest::new(10, None)) else { return };
        let Some(refund) = page.rows.get(self.dice.below(page.rows.len())).map(|refund| refund.id) else {
            return;
        };
        let who = Who::Checker(OperatorId(self.dice.between(1, OPERATORS)));
        if self.dice.chance(250) {
            self.ask(who, Command::RejectRefund { refund, reason: "looks wrong".into() }, false, None);
        } else {
            self.ask(who, Command::ApproveRefund(refund), false, None);
        }
        if self.dice.chance(50) {
            let wrong = Some("an approval by nobody in particular");
            self.ask(Who::Operator, Command::ApproveRefund(refund), false, wrong);
        }
    }

    /// A merchant finds a refund abnormal and names another card.
    fn another_card(&mut self, place: usize) -> Step {
        let asked = self.town.shops[place].refunds.len();
        for _ in 0..6 {
            let lately = self.dice.below(asked.min(20));
            let Some(new) = self.town.shops[place].refunds.iter().rev().nth(lately) else { return Ok(()) };
            let (number, signer) = (new.terms.number.clone(), new.terms.signer());
            let Some(refund) = self.queries.refund_by_number(signer, &number)? else { continue };
            if refund.state != RefundState::Abnormal {
                continue;
            }
            let token = format!("card {}", self.talks.len());
            let (bank, tail) = ("ICBC_DEBIT".into(), "1111".into());
            let to = Box::new(Receiver { merchant: self.dice.chance(300), bank, tail, token: token.into() });
            let command =
                Command::RetryRefund { by: refund.terms.principal(), refund: refund.id, number, to };
            self.ask(Who::Merchant(signer), command, false, None);
            return Ok(());
        }
        Ok(())
    }

    /// The worker asks about a refund, or closes one that nobody approved.
    pub(crate) fn begin_refund(&mut self, node: usize, id: RefundId) -> Step {
        if !self.nodes[node].refunding.insert(id) {
            return Ok(());
        }
        let now = self.clock(node);
        let due = self.queries.refund(id)?.filter(|refund| refund.due_at.is_some_and(|at| at <= now));
        let alive: Alive = self.this(node);
        match due {
            Some(refund) if refund.state == RefundState::Waiting => {
                self.ask(Who::Worker(alive), Command::ExpireRefund(id), false, None);
            }
            Some(refund) if matches!(refund.state, RefundState::Processing | RefundState::Unknown) => {
                self.question(alive, Matter::Refund(id, refund.attempt), refund.asked == 0);
            }
            _ => drop(self.nodes[node].refunding.remove(&id)),
        }
        Ok(())
    }

    /// Every refund was asked for and approved by whoever had to, and ended only as the bank or an operator said.
    pub(crate) fn refunds_are_true(
        &self,
        refunds: &BTreeMap<RefundId, Refund>,
        orders: &BTreeMap<OrderId, Order>,
    ) -> Step {
        let books = &self.books;
        for (id, number) in &books.refunds_kept {
            let there = refunds.get(id).is_some_and(|refund| refund_number(refund) == *number);
            if !there {
                return broken(format!(
                    "refund {id} ({number:?}) was acknowledged; it is {:?}",
                    refunds.get(id)
                ));
            }
        }
        for (id, state) in &books.refunds_ended {
            let kept = refunds.get(id).map(|refund| refund.state);
            if kept != Some(*state) {
                return broken(format!("refund {id} was acknowledged as {state:?}; it is {kept:?}"));
            }
        }
        let mut numbers = BTreeMap::new();
        for (id, refund) in refunds {
            if let Some(other) = numbers.insert(refund_number(refund), *id) {
                return broken(format!("refunds {other} and {id} have one number, {}", refund.terms.number));
            }
            let total = orders.get(&refund.order).map(|order| order.terms.amount.minor);
            let name = orders.get(&refund.order).map(|order| order.terms.number.clone());
            let asked = books.refunds_asked.get(&refund_number(refund)).into_iter().flatten();
            let mut asked = asked.filter(|asked| {
                asked.terms == refund.terms && Some(asked.total) == total && asked.order_number == name
            });
            if asked.next().is_none() {
                return broken(format!("refund {id} was never asked for: {refund:?}"));
            }
            for approval in &refund.approvals {
                if !books.approvals.contains(&(*id, approval.by)) {
                    return broken(format!("refund {id}: operator {} never approved it", approval.by));
                }
            }
            self.refund_ended_as_said(refund)?;
        }
        Ok(())
    }

    fn refund_ended_as_said(&self, refund: &Refund) -> Step {
        let (id, state) = (refund.id, refund.state);
        let said = |attempt| self.bank.fate(Matter::Refund(id, attempt));
        let to_card = refund.attempt > 0;
        let sound = match state {
            RefundState::Succeeded => {
                !to_card || said(refund.attempt).is_some_and(|fate| fate.said_yes && (fate.pays || fate.lies))
            }
            RefundState::Abnormal => {
                said(refund.attempt).is_some_and(|fate| fate.said_no && (!fate.pays || fate.lies))
            }
            RefundState::Closed => {
                let late = self.nodes.iter().map(|node| self.now.plus(node.skew)).max();
                let over = refund.ended_at.is_some_and(|at| {
                    at >= refund.created_at.plus(self.town.approval_life)
                        && late.is_some_and(|late| at <= late)
                });
                self.books.rejections.contains(&id) || over
            }
            RefundState::Waiting | RefundState::Processing | RefundState::Unknown => true,
        };
        let failed = (1..refund.attempt).all(|attempt| said(attempt).is_some_and(|fate| fate.said_no));
        if sound && failed {
            return Ok(());
        }
        let fate = said(refund.attempt);
        broken(format!("refund {id} is {}, which nobody said; the bank: {fate:?}: {refund:?}", state.name()))
    }
}

/// The merchant's number of a refund.
pub(crate) fn refund_number(refund: &Refund) -> Number {
    (refund.terms.signer(), refund.terms.number.clone())
}

/// What a refund moves on each account, and what it holds there, fen; holds are positive on the side they leave. `aside`
/// when what is left of a shared order pays the merchant's part.
pub(crate) fn effects(refund: &Refund, order: &Order, aside: bool) -> Vec<(AccountId, i64, bool)> {
    const CNY: Currency = Currency::CNY;
    let (amount, fee) = (refund.terms.amount.minor, refund.fee);
    let shop = refund.terms.funds.account(refund.terms.merchant, CNY).at(order.shard);
    let fees = AccountId::platform_fee(CNY).at(order.shard);
    let back = match (order.card, order.payer) {
        (None, Some(payer)) => (AccountId::payer_balance(payer, CNY), amount),
        _ => {
            let shard = order.payment.map_or(order.shard, |payment| Shard::of_id(payment.0));
            (AccountId::channel_receivable(crate::town::CHANNEL, CNY).at(shard), -amount)
        }
    };
    let held = refund.state.is_held();
    let own = amount - fee.min(amount);
    let payer =
        if aside { AccountId::merchant_sharing(refund.terms.merchant, CNY).at(order.shard) } else { shop };
    vec![(payer, -own, held), (shop, fee - fee.min(amount), held), (fees, -fee, held), (back.0, back.1, held)]
}
