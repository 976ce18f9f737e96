//! Writes what no command of today writes, so that rules about it can be tested.

use super::{Shop, World};
use domain::{
    Batch, Caller, JournalLine, Subject,
    world::{Change, Entity},
};
use ledger::{Account, AccountId, TransferKind};
use types::{Currency, JournalId, OrderId};

impl World {
    /// Commits changes made by hand in a batch of their own.
    pub(crate) fn write(&mut self, fill: impl FnOnce(&mut Batch)) {
        let (number, at) = (self.core.number(), self.core.at().max(self.now));
        let line = JournalLine {
            id: JournalId(number * 4096),
            at,
            caller: Caller::platform(),
            command: "by_hand",
            subject: Subject::Platform,
            outcome: "ok",
            note: None,
            previous: None,
        };
        let mut batch = Batch { number, at, journal: vec![line], ..Batch::default() };
        fill(&mut batch);
        self.committer.commit(&batch).unwrap();
        self.last = batch;
        self.restart();
    }

    /// Takes so much more as the fee of a paid order: money leaves the shop's takings, as it will by settlement.
    pub(crate) fn raise_fee(&mut self, shop: &Shop, order: OrderId, fen: i64) {
        let mut order = self.stored(order);
        let account = |id| self.queries.account(id).unwrap();
        let mut from = account(AccountId::merchant_unsettled(shop.id, Currency::CNY).at(order.shard));
        let mut to = account(AccountId::platform_fee(Currency::CNY).at(order.shard));
        let mut fee = None;
        let wanted = order.id.0;
        self.queries
            .each_transfer(&mut |transfer| {
                if transfer.subject == wanted && transfer.kind == TransferKind::Fee {
                    fee = Some(transfer);
                }
            })
            .unwrap();
        let mut fee = fee.unwrap();
        fee.amount += fen;
        order.fee += fen;
        from.debits_posted += fen;
        to.credits_posted += fen;
        self.write(|batch| {
            batch.orders.push(changed(order));
            batch.transfers.push(changed(fee));
            batch.accounts.extend([changed(from), changed(to)]);
        });
    }

    /// Freezes an account in all shards, or lets it go.
    pub(crate) fn freeze(&mut self, account: AccountId, frozen: bool) {
        let mut accounts = Vec::new();
        self.queries.each_account(&mut |kept| accounts.push(kept)).unwrap();
        accounts.retain(|kept| kept.id.at(account.shard()) == account);
        assert!(!accounts.is_empty(), "{account} is not there");
        self.write(|batch| {
            let frozen = accounts.iter().map(|kept| changed(Account { frozen, ..*kept }));
            batch.accounts.extend(frozen);
        });
    }
}

/// A record that was stored before.
pub(crate) fn changed<E: Entity>(value: E) -> Change<E> {
    Change { key: value.key(), value: Some(value), existed: true, after: 0, before: None }
}

/// A record that is new.
pub(crate) fn added<E: Entity>(value: E) -> Change<E> {
    Change { key: value.key(), value: Some(value), existed: false, after: 0, before: None }
}
