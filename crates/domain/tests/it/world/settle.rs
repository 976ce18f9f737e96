//! Closes days and releases what is due, as the worker does.

use super::{Shop, World};
use domain::{
    Caller, Command, Rejection, Reply,
    held::{Held, Position},
    settlement::{Day, Settlement, SettlementId, Tally, next_day},
};
use engine::core::Outcome;
use ledger::AccountId;
use types::{BusinessDay, Currency, PageRequest, TransferId, time};

impl World {
    /// The day that would be closed next, if one is over.
    pub(crate) fn day_to_close(&self) -> Option<BusinessDay> {
        let last = self.queries.days(PageRequest::new(1, None)).unwrap().rows.into_iter().next();
        let last = last.map(|day| (day.day, day.closed_at.is_some()));
        next_day(last, self.queries.calendar().unwrap().day_of(self.now))
    }

    /// The commands that close a day that has begun to close.
    pub(crate) fn closing(&self, day: &Day) -> Vec<Command> {
        let mut tally = Tally::default();
        let (from, to) = day.times();
        self.queries
            .transfers_between(TransferId(day.from), TransferId(day.to), &mut |transfer| {
                tally.take(&transfer)
            })
            .unwrap();
        self.queries.transfers_voided(from, to, &mut |transfer| tally.take_voided(&transfer)).unwrap();
        let (merchants, all) = tally.finish().unwrap();
        let count = u32::try_from(merchants.len()).unwrap();
        let day = day.day;
        let close = |(merchant, totals)| Command::CloseMerchantDay(merchant, day, Box::new(totals));
        let mut commands: Vec<Command> = merchants.into_iter().map(close).collect();
        commands.push(Command::EndDay { day, merchants: count, totals: Box::new(all) });
        commands
    }

    /// Closes every day that is over.
    pub(crate) fn close_days(&mut self) {
        while let Some(day) = self.day_to_close() {
            self.ok(Command::BeginDay(day));
            let begun = self.queries.day(day).unwrap().unwrap();
            for shard in self.shards.all() {
                self.ok(Command::PassDay { shard, day, end: begun.times().1 });
            }
            for command in self.closing(&begun) {
                self.ok(command);
            }
        }
    }

    /// Does everything that is due: releases, reserves, holds, payouts.
    pub(crate) fn settle_due(&mut self) {
        loop {
            let mut due: Vec<Command> = self
                .queries
                .due_settlements(self.now, 500)
                .unwrap()
                .into_iter()
                .map(Command::ReleaseSettlement)
                .collect();
            due.extend(self.queries.due_holds(self.now, 500).unwrap().into_iter().map(Command::ReleaseHold));
            due.extend(
                self.queries.due_payouts(self.now, 500).unwrap().into_iter().map(Command::ExpirePayout),
            );
            if due.is_empty() {
                due.extend(
                    self.queries.due_plans(self.now, 500).unwrap().into_iter().map(Command::PayOutDue),
                );
            }
            if due.is_empty() {
                return;
            }
            for command in due {
                self.ok(command);
            }
        }
    }

    /// To nine in the morning of the next day: closes what is over and releases what is due.
    pub(crate) fn next_morning(&mut self) {
        let tomorrow = self.now.business_day().next().start().plus(9 * time::HOUR);
        self.now = self.now.max(tomorrow);
        self.close_days();
        self.settle_due();
    }

    pub(crate) fn settlement(&self, shop: &Shop, day: BusinessDay) -> Settlement {
        self.queries.settlement(SettlementId::new(shop.id, day)).unwrap().unwrap()
    }

    pub(crate) fn money(&self, id: fn(types::MerchantId, Currency) -> AccountId, shop: &Shop) -> i64 {
        self.queries.account_in_all(id(shop.id, Currency::CNY)).unwrap().balance().minor
    }

    /// A shop's settled money.
    pub(crate) fn available(&self, shop: &Shop) -> i64 {
        self.money(AccountId::merchant_available, shop)
    }

    pub(crate) fn position(&self, shop: &Shop) -> Position {
        engine::position(&*self.queries, shop.id).unwrap()
    }

    /// What a shop can't use, which with the rest makes up all it has.
    #[track_caller]
    pub(crate) fn held(&self, shop: &Shop) -> Vec<Held> {
        let position = self.position(shop);
        let list = position.list(self.now);
        let held: i64 = list.iter().map(|held| held.amount.minor).sum();
        assert_eq!(held + position.free().minor, position.total(), "{list:#?}");
        list
    }

    /// Runs a command as one of the platform's people.
    pub(crate) fn run_by(&mut self, operator: i64, command: Command) -> Outcome {
        self.run_as(Caller::of(domain::Actor::Operator(types::OperatorId(operator))), command)
    }

    /// Sets a shop's terms.
    pub(crate) fn set_terms(&mut self, shop: &Shop, terms: domain::settlement::Terms) {
        assert_eq!(self.ok(Command::SetSettlementTerms(shop.id, Some(terms))), Reply::Done);
    }

    /// Runs a command that must be refused, as one of the platform's people.
    #[track_caller]
    pub(crate) fn no_by(&mut self, operator: i64, command: Command) -> Rejection {
        self.run_by(operator, command).expect_err("a refusal")
    }
}
