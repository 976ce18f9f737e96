//! Looks at what is stored.

use super::{World, make::CHANNEL};
use crate::world::{Buyer, Shop};
use domain::{
    notification::About,
    order::{Order, OrderState},
    payer::Payer,
    payment::Payment,
};
use engine::query::{Bill, JournalRow};
use ledger::AccountId;
use types::{Currency, JournalId, NotificationId, OrderId, PageRequest, PayerId, PaymentId};

impl World {
    pub(crate) fn stored(&self, order: OrderId) -> Order {
        self.queries.order(order).unwrap().unwrap()
    }

    pub(crate) fn state(&self, order: OrderId) -> OrderState {
        self.stored(order).state
    }

    /// The order under a shop's number.
    pub(crate) fn numbered(&self, shop: &Shop, number: &str) -> Order {
        self.queries.order_by_number(shop.id, number).unwrap().unwrap()
    }

    pub(crate) fn payment(&self, payment: PaymentId) -> Payment {
        self.queries.payment(payment).unwrap().unwrap()
    }

    pub(crate) fn payer(&self, payer: PayerId) -> Payer {
        self.queries.payer(payer).unwrap().unwrap()
    }

    /// Fen on an account in all shards; nothing may be held between commands.
    #[track_caller]
    fn fen(&self, account: AccountId) -> i64 {
        let account = self.queries.account_in_all(account).unwrap();
        assert_eq!(account.held().minor, 0, "{}: a command leaves no hold", account.id);
        account.balance().minor
    }

    #[track_caller]
    pub(crate) fn balance(&self, buyer: &Buyer) -> i64 {
        let account = self.queries.account(AccountId::payer_balance(buyer.id, Currency::CNY)).unwrap();
        assert_eq!(account.held().minor, 0, "{}: a command leaves no hold", account.id);
        account.balance().minor
    }

    #[track_caller]
    pub(crate) fn takings(&self, shop: &Shop) -> i64 {
        self.fen(AccountId::merchant_unsettled(shop.id, Currency::CNY))
    }

    #[track_caller]
    pub(crate) fn fees(&self) -> i64 {
        self.fen(AccountId::platform_fee(Currency::CNY))
    }

    /// What the channel owes.
    #[track_caller]
    pub(crate) fn receivable(&self) -> i64 {
        self.fen(AccountId::channel_receivable(CHANNEL, Currency::CNY))
    }

    /// Notifications about an order, newest first.
    pub(crate) fn notifications(&self, order: OrderId) -> Vec<NotificationId> {
        let page = self.queries.notifications(None, PageRequest::new(200, None)).unwrap();
        page.rows.iter().filter(|row| row.about == About::Paid(order)).map(|row| row.id).collect()
    }

    /// A payer's bill, newest first: ids of orders and top-ups.
    pub(crate) fn bill(&self, buyer: &Buyer) -> Vec<i64> {
        let entries = self.queries.bill(buyer.id, None, 100).unwrap();
        let id = |entry: Bill| match entry {
            Bill::Order(order) => order.id.0,
            Bill::TopUp(payment) => payment.id.0,
            Bill::UserTransfer(transfer) => transfer.id.0,
        };
        entries.into_iter().map(id).collect()
    }

    /// Commands that touched a record, newest first, from its newest line.
    pub(crate) fn timeline(&self, head: JournalId) -> Vec<String> {
        // An order that moves to its payer has a line of that, which only several shards have.
        let moves = |line: &JournalRow| {
            ["move_order", "claim_order", "move_combined", "claim_parts"].contains(&line.command.as_str())
        };
        self.lines(head).into_iter().filter(|line| !moves(line)).map(|line| line.command).collect()
    }

    pub(crate) fn lines(&self, head: JournalId) -> Vec<JournalRow> {
        self.queries.timeline(head, 100).unwrap()
    }
}
