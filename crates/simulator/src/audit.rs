//! Holds the store against the books, at any moment: `prove`; what was acknowledged is there; what is there was
//! asked for; the ledger is what the books and the bank come to, to the cent.

use crate::{
    bank::Matter,
    books::{Received, number},
    refunds::effects,
    world::{Step, World, broken},
};
use domain::{
    merchant::Product,
    notification::{Notification, NotificationState},
    order::{Order, OrderState},
    payment::{Payment, PaymentState},
    refund::{Refund, RefundState},
};
use engine::prove::prove;
use ledger::{Account, AccountId, Side, Transfer, TransferKind};
use std::collections::BTreeMap;
use types::{Currency, OrderId, PaymentId, RefundId, Shard};

/// What the store holds, by id.
#[derive(Default)]
struct Held {
    orders: BTreeMap<OrderId, Order>,
    payments: BTreeMap<PaymentId, Payment>,
    refunds: BTreeMap<RefundId, Refund>,
    notifications: Vec<Notification>,
    accounts: Vec<Account>,
    /// Between shards: sent and received.
    moves: Vec<Transfer>,
}

impl World {
    /// Everything that must hold at any moment.
    pub(crate) fn inspect(&mut self) -> Step {
        self.count("inspection");
        let proof = prove(&*self.queries)?;
        if let Some(first) = proof.failures.first() {
            let more = proof.failures.len() - 1;
            return broken(format!(
                "prove: {first}{}",
                if more > 0 { format!(" (and {more} more)") } else { String::new() }
            ));
        }
        let mut held = Held::default();
        self.queries.each_order(&mut |row| drop(held.orders.insert(row.id, row)))?;
        self.queries.each_payment(&mut |row| drop(held.payments.insert(row.id, row)))?;
        self.queries.each_refund(&mut |row| drop(held.refunds.insert(row.id, row)))?;
        self.queries.each_notification(&mut |row| held.notifications.push(row))?;
        self.queries.each_account(&mut |row| held.accounts.push(row))?;
        self.queries.each_transfer(&mut |row| {
            let between = matches!(row.kind, TransferKind::ShardSend | TransferKind::ShardReceive);
            let shared =
                matches!(row.kind, TransferKind::Share | TransferKind::ShareReturn | TransferKind::Unfreeze);
            if between || shared || self.days.wanted > 0 && crate::days::is_of_days(row.kind) {
                held.moves.push(row);
            }
        })?;
        self.acknowledged_is_there(&held)?;
        let mut numbers = BTreeMap::new();
        for order in held.orders.values() {
            self.was_asked_for(order)?;
            if let Some(other) = numbers.insert(number(&order.terms), order.id) {
                return broken(format!(
                    "orders {other} and {} have one number, {}",
                    order.id, order.terms.number
                ));
            }
        }
        self.payments_are_the_banks(&held)?;
        self.combined_are_true()?;
        self.refunds_are_true(&held.refunds, &held.orders)?;
        self.notifications_are_true(&held)?;
        if self.days.wanted > 0 {
            self.transfers_are_true()?;
            self.days_hold()?;
        }
        self.ledger_is_the_books(&held)
    }

    fn acknowledged_is_there(&self, held: &Held) -> Step {
        let books = &self.books;
        for (id, terms) in &books.orders {
            let Some(order) = held.orders.get(id) else {
                return broken(format!("order {id} ({}) was acknowledged and is not there", terms.number));
            };
            if order.terms != *terms {
                return broken(format!("order {id} was acknowledged as {terms:?}, it is {:?}", order.terms));
            }
        }
        for (id, (payer, at)) in &books.paid {
            let order = held.orders.get(id);
            let same = order.is_some_and(|order| {
                order.payer == Some(*payer)
                    && order.paid_at == Some(*at)
                    && matches!(order.state, OrderState::Paid | OrderState::Revoked)
            });
            if !same {
                return broken(format!(
                    "payer {payer} was told that order {id} is paid, at {at}; it is {order:?}"
                ));
            }
        }
        for id in &books.refused {
            let state = held.orders.get(id).map(|order| order.state);
            let ended = [OrderState::Failed, OrderState::Closed, OrderState::Revoked];
            if !state.is_some_and(|state| ended.contains(&state)) {
                return broken(format!("payment-code order {id} was refused by its payer; it is {state:?}"));
            }
        }
        for order in held.orders.values() {
            let number = number(&order.terms);
            let closed = books.closed.contains(&number) && order.state != OrderState::Closed;
            let ended = [OrderState::Closed, OrderState::Revoked];
            let reversed = books.reversed.contains(&number) && !ended.contains(&order.state);
            if closed || reversed {
                let told = if closed { "closed" } else { "reversed" };
                return broken(format!(
                    "order {} was acknowledged as {told}; it is {}",
                    order.id,
                    order.state.name()
                ));
            }
        }
        for (id, told) in &books.waiting {
            let same = held.payments.get(id).is_some_and(|kept| {
                (kept.order, kept.payer, kept.card, kept.amount)
                    == (told.order, told.payer, told.card, told.amount)
            });
            if !same {
                return broken(format!(
                    "payment {id} was acknowledged as {told:?}; it is {:?}",
                    held.payments.get(id)
                ));
            }
        }
        for (id, state) in &books.ended {
            let kept = held.payments.get(id).map(|payment| payment.state);
            if kept != Some(*state) {
                return broken(format!("payment {id} was acknowledged as {state:?}; it is {kept:?}"));
            }
        }
        Ok(())
    }

    /// An order was placed by its merchant, and if it is paid, its payer said so with the right PIN and amount, or
    /// showed the code it was paid with.
    fn was_asked_for(&self, order: &Order) -> Step {
        let (books, terms, id) = (&self.books, &order.terms, order.id);
        let placed = books.terms.get(&number(terms)).is_some_and(|asked| asked.contains(terms));
        if !placed {
            return broken(format!("order {id} was never asked for: {terms:?}"));
        }
        if order.paid_at.is_none() {
            return Ok(());
        }
        let Some(payer) = order.payer else { return broken(format!("order {id} is paid by nobody")) };
        let pin = books.pins.get(&payer).copied();
        let fee = books.fees.get(&terms.merchant).into_iter().flatten();
        let mut fee = fee.filter_map(|rate| rate.of(terms.amount).ok());
        let plain = fee.any(|fee| fee.minor == order.fee);
        if !self.days_fee(order).unwrap_or(plain) {
            return broken(format!(
                "order {id} of ¥{} took a fee of {} fen, no rate gives that",
                terms.amount, order.fee
            ));
        }
        let whole = self.agreed_to_whole(order, payer)?;
        let agreed = if let Some(agreed) = whole {
            agreed
        } else if terms.product == Product::Code {
            let shown = books.scanned.get(&number(terms)).into_iter().flatten();
            let mut shown = shown.filter_map(|code| books.codes.get(code));
            let pinned = books.pinned.get(&id).into_iter().flatten();
            let mut pinned = pinned.filter(|(by, with)| *by == payer && with.is_some() && *with == pin);
            let free = self.town.free_most >= terms.amount.minor;
            shown.any(|by| *by == payer) && (free || pinned.next().is_some())
        } else {
            let asked = books.confirmations.get(&id).into_iter().flatten();
            let mut asked = asked.filter(|asked| {
                let same = (asked.payer, asked.card, asked.shown) == (payer, order.card, terms.amount);
                same && Some(asked.pin) == pin && asked.entry.product == terms.product
            });
            asked.next().is_some() && terms.payer.is_none_or(|bound| bound == payer)
        };
        if agreed {
            Ok(())
        } else {
            broken(format!("order {id} is paid, but payer {payer} never agreed: {order:?}"))
        }
    }

    /// Every channel payment was asked for, and ended only as the bank said.
    fn payments_are_the_banks(&self, held: &Held) -> Step {
        let mut topped_up: BTreeMap<_, usize> = BTreeMap::new();
        for payment in held.payments.values() {
            let id = payment.id;
            let whole =
                payment.order.map(|order| self.agreed_to_whole_by_card(payment, order)).transpose()?;
            let agreed = match payment.order {
                Some(_) if whole.flatten().is_some() => whole.flatten() == Some(true),
                Some(order) => {
                    let asked = self.books.confirmations.get(&order).into_iter().flatten();
                    let mut same = asked.filter(|asked| {
                        (asked.payer, asked.card, asked.shown)
                            == (payment.payer, Some(payment.card), payment.amount)
                    });
                    same.next().is_some()
                }
                None => {
                    let key = (payment.payer, payment.card, payment.amount.minor);
                    let times = topped_up.entry(key).or_default();
                    *times += 1;
                    *times <= self.books.top_ups.get(&key).copied().unwrap_or(0)
                }
            };
            if !agreed {
                return broken(format!("payment {id} was not asked for, or not as often: {payment:?}"));
            }
            if !self.bank_said(id, payment.state) {
                return broken(format!(
                    "payment {id} is {}, which the bank never said",
                    payment.state.name()
                ));
            }
            let took = self.bank.fate(Matter::Payment(id)).filter(|fate| !fate.lies).map(|fate| fate.pays);
            let ended = matches!(payment.state, PaymentState::Succeeded | PaymentState::Declined);
            let booked = payment.state == PaymentState::Succeeded;
            if ended && took.is_some_and(|took| took != booked) {
                return broken(format!("payment {id} is {}, the bank did otherwise", payment.state.name()));
            }
        }
        Ok(())
    }

    fn notifications_are_true(&self, held: &Held) -> Step {
        for owed in &held.notifications {
            let Some(order) = owed.about.order() else {
                if owed.state == NotificationState::Delivered && !self.books.echoed.contains(&owed.id) {
                    return broken(format!(
                        "echo or refund notification {} counts as delivered, its merchant never said so",
                        owed.id
                    ));
                }
                continue;
            };
            let got = self.books.inbox.get(&order);
            if got.is_some_and(|Received { id, .. }| *id != owed.id) {
                return broken(format!(
                    "order {order} was notified as {got:?}, its notification is {}",
                    owed.id
                ));
            }
            if owed.state == NotificationState::Delivered && !got.is_some_and(|got| got.acknowledged) {
                return broken(format!(
                    "notification {} counts as delivered, its merchant never said so",
                    owed.id
                ));
            }
        }
        for id in self.books.inbox.keys() {
            if held.orders.get(id).is_none_or(|order| order.paid_at.is_none()) {
                return broken(format!("a merchant was told that order {id} is paid; it is not"));
            }
        }
        Ok(())
    }

    /// Every account's balance follows from the orders as asked and the bank's payments.
    fn ledger_is_the_books(&self, held: &Held) -> Step {
        const CNY: Currency = Currency::CNY;
        let mut wanted: BTreeMap<AccountId, i128> = BTreeMap::new();
        let mut add = |account: AccountId, fen: i64| *wanted.entry(account).or_default() += i128::from(fen);
        for payment in held.payments.values().filter(|payment| payment.state == PaymentState::Succeeded) {
            let channel = AccountId::channel_receivable(crate::town::CHANNEL, CNY);
            add(channel.at(Shard::of_id(payment.id.0)), payment.amount.minor);
            if payment.order.is_none() {
                add(AccountId::payer_balance(payment.payer, CNY), payment.amount.minor);
            }
        }
        for order in held.orders.values().filter(|order| order.paid_at.is_some()) {
            let (Some(payer), amount) = (order.payer, order.terms.amount.minor) else { continue };
            let returned = order.state == OrderState::Revoked;
            if order.card.is_none() && !returned {
                add(AccountId::payer_balance(payer, CNY), -amount);
            }
            if !returned {
                let takings = if order.terms.sharing {
                    AccountId::merchant_sharing(order.terms.merchant, CNY)
                } else {
                    AccountId::merchant_unsettled(order.terms.merchant, CNY)
                };
                add(takings.at(order.shard), amount - order.fee);
                add(AccountId::platform_fee(CNY).at(order.shard), order.fee);
            }
        }
        for moved in &held.moves {
            for (account, fen) in [(moved.debit, -moved.amount), (moved.credit, moved.amount)] {
                add(account, if account.kind().side() == Side::Debit { -fen } else { fen });
            }
        }
        let mut holds: BTreeMap<AccountId, i128> = BTreeMap::new();
        for refund in held.refunds.values().filter(|refund| refund.state != RefundState::Closed) {
            let Some(order) = held.orders.get(&refund.order) else { continue };
            // A shared order's refund is paid by what is left of it, as long as that is enough.
            let aside = order.terms.sharing
                && self
                    .queries
                    .transfer(types::TransferId(refund.id.0 + 1))?
                    .is_some_and(|part| part.debit.kind() == ledger::AccountKind::MerchantSharing);
            for (account, fen, pending) in effects(refund, order, aside) {
                let sums = if pending { &mut holds } else { &mut wanted };
                *sums.entry(account).or_default() += i128::from(fen);
            }
        }
        for account in &held.accounts {
            let wanted = wanted.remove(&account.id).unwrap_or(0);
            if i128::from(account.balance().minor) != wanted {
                return broken(format!(
                    "{} holds {} fen, the books say {wanted}",
                    account.id,
                    account.balance().minor
                ));
            }
            // A hold leaves on one side or arrives on the other; each account has one side of a refund only.
            let (leaves, arrives) = match account.id.kind().side() {
                Side::Credit => (account.debits_pending, account.credits_pending),
                Side::Debit => (account.credits_pending, account.debits_pending),
            };
            let pending = i128::from(arrives) - i128::from(leaves);
            let hold = holds.remove(&account.id).unwrap_or(0);
            if pending != hold {
                return broken(format!("{} holds {pending} fen for refunds, they say {hold}", account.id));
            }
        }
        match wanted.into_iter().find(|(_, fen)| *fen != 0) {
            Some((account, fen)) => broken(format!("{account} is not there, the books say {fen} fen")),
            None => Ok(()),
        }
    }
}
