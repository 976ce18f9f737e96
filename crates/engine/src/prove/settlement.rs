//! Settlements, holds and payouts against the transfers they stand for.

use super::Proof;
use crate::{query::Queries, store::Fault};
use domain::{
    hold::Hold,
    payout::{Payout, PayoutState},
    settlement::{Day, DayState, Settlement, SettlementId, SettlementState, Totals},
};
use ledger::{AccountId, AccountKind, Transfer, TransferKind, TransferState};
use std::collections::{BTreeMap, HashMap};
use types::{Currency, MerchantId};

/// What is claimed by days and settlements, and what their transfers say, row by row.
#[derive(Default)]
pub(super) struct Seen {
    days: Vec<Day>,
    /// What settlements claim, and what transfers say.
    sums: HashMap<SettlementId, (Option<Totals>, Totals)>,
    /// Released, reserve, reserve released; by settlement.
    moved: HashMap<i64, [i64; 3]>,
    /// Set aside and released again; by hold.
    held: HashMap<i64, [i64; 2]>,
    /// Left, settled, given back from transit, given back from the bank; by payout.
    paid: HashMap<i64, [i64; 4]>,
}

impl Seen {
    /// Reads the days and what settlements claim.
    pub(super) fn read(store: &dyn Queries) -> Result<Self, Fault> {
        let mut seen = Self::default();
        store.each_day(&mut |day| seen.days.push(day))?;
        store.each_settlement(&mut |settlement| {
            seen.sums.entry(settlement.id).or_default().0 = Some(settlement.totals);
        })?;
        Ok(seen)
    }

    /// Takes in a row. True when it belongs to a settlement, hold or payout and to nothing else.
    pub(super) fn transfer(&mut self, transfer: &Transfer) -> bool {
        for (account, credit) in [(transfer.debit, false), (transfer.credit, true)] {
            if account.kind() == AccountKind::MerchantUnsettled {
                self.takings(transfer, account, credit);
            }
        }
        if transfer.state != TransferState::Posted {
            return false;
        }
        let (amount, subject) = (transfer.amount, transfer.subject);
        match transfer.kind {
            TransferKind::Settle => self.moved.entry(subject).or_default()[0] += amount,
            TransferKind::Reserve => self.moved.entry(subject).or_default()[1] += amount,
            TransferKind::ReserveRelease => self.moved.entry(subject).or_default()[2] += amount,
            TransferKind::Hold => self.held.entry(subject).or_default()[0] += amount,
            TransferKind::HoldRelease => self.held.entry(subject).or_default()[1] += amount,
            TransferKind::Payout => self.paid.entry(subject).or_default()[0] += amount,
            TransferKind::PayoutSettled => self.paid.entry(subject).or_default()[1] += amount,
            TransferKind::PayoutReturned => {
                let from_bank = transfer.debit.kind() == AccountKind::BankCash;
                self.paid.entry(subject).or_default()[2 + usize::from(from_bank)] += amount;
            }
            _ => return false,
        }
        true
    }

    /// Counts a row of a merchant's takings on the day of its id, and a hold that was released on that of its end.
    fn takings(&mut self, transfer: &Transfer, account: AccountId, credit: bool) {
        let merchant = MerchantId(account.owner());
        let at = self.days.partition_point(|day| day.to <= transfer.id.0);
        if let Some(day) = self.days.get(at) {
            let sums = self.sums.entry(SettlementId::new(merchant, day.day)).or_default();
            sums.1.take(transfer, credit);
        }
        if transfer.state == TransferState::Voided {
            let at = self.days.partition_point(|day| day.times().1 <= transfer.at);
            if let Some(day) = self.days.get(at) {
                let sums = self.sums.entry(SettlementId::new(merchant, day.day)).or_default();
                sums.1.give_back(transfer, credit);
            }
        }
    }

    /// Compares with the records.
    pub(super) fn finish(mut self, store: &dyn Queries, proof: &mut Proof) -> Result<(), Fault> {
        self.check_days(proof);
        let mut reserves: BTreeMap<i64, i64> = BTreeMap::new();
        let mut before: Option<Settlement> = None;
        store.each_settlement(&mut |settlement| {
            proof.settlements += 1;
            let moved = self.moved.remove(&settlement.id.0).unwrap_or_default();
            check_settlement(&settlement, before.as_ref(), moved, proof);
            if settlement.state == SettlementState::Released {
                *reserves.entry(settlement.id.merchant().0).or_default() += settlement.reserve;
            }
            before = Some(settlement);
        })?;
        for (id, _) in self.moved {
            proof.fail(format!("a transfer names settlement {}, which does not exist", SettlementId(id)));
        }
        let mut held: BTreeMap<i64, i64> = BTreeMap::new();
        store.each_hold(&mut |hold: Hold| {
            let [set_aside, released] = self.held.remove(&hold.id.0).unwrap_or_default();
            let open = hold.released_by.is_none();
            let want = [hold.amount, if open { 0 } else { hold.amount }];
            if [set_aside, released] != want {
                proof.fail(format!(
                    "hold {}: transfers {set_aside} and {released} back, but {want:?}",
                    hold.id
                ));
            }
            if open {
                *held.entry(hold.merchant.0).or_default() += hold.amount;
            }
        })?;
        for (id, _) in self.held {
            proof.fail(format!("a transfer names hold {id}, which does not exist"));
        }
        let mut transit: BTreeMap<i64, i64> = BTreeMap::new();
        store.each_payout(&mut |payout: Payout| {
            proof.payouts += 1;
            check_payout(&payout, self.paid.remove(&payout.id.0).unwrap_or_default(), proof);
            if payout.state.is_open() {
                *transit.entry(payout.merchant.0).or_default() += payout.amount.minor;
            }
        })?;
        for (id, _) in self.paid {
            proof.fail(format!("a transfer names payout {id}, which does not exist"));
        }
        store.each_account(&mut |account| {
            let explained = match account.id.kind() {
                AccountKind::MerchantReserve => &mut reserves,
                AccountKind::MerchantHeld => &mut held,
                AccountKind::PayoutInTransit => &mut transit,
                _ => return,
            };
            if account.id.currency() != Currency::CNY {
                return;
            }
            let records = explained.remove(&account.id.owner()).unwrap_or(0);
            if account.balance().minor != records {
                proof.fail(format!(
                    "{} holds {}, its records say {records}",
                    account.id,
                    account.balance().minor
                ));
            }
        })?;
        for (kind, left) in [("reserve", reserves), ("holds", held), ("payouts", transit)] {
            for (merchant, amount) in left.into_iter().filter(|(_, amount)| *amount != 0) {
                proof.fail(format!("merchant {merchant}: {kind} of {amount} without an account"));
            }
        }
        Ok(())
    }

    /// Each settlement equals its payments, each day its settlements, and days leave no gap.
    fn check_days(&mut self, proof: &mut Proof) {
        let mut of_day: HashMap<i32, (u32, Totals)> = HashMap::new();
        for (id, (claimed, said)) in &self.sums {
            match claimed {
                Some(claimed) => {
                    let sums = of_day.entry(id.day().0).or_default();
                    sums.0 += 1;
                    sums.1 = sums.1.plus(claimed).unwrap_or_default();
                    if claimed != said {
                        proof
                            .fail(format!("settlement {id}: claims {claimed:?}, its transfers say {said:?}"));
                    }
                }
                None if said.is_empty() => {}
                None => {
                    let day = self.days.iter().find(|day| day.day == id.day());
                    if day.is_some_and(|day| day.state == DayState::Closed) {
                        proof.fail(format!(
                            "{id}: the day is closed, this merchant has no settlement of {said:?}"
                        ));
                    }
                }
            }
        }
        let mut ended = 0;
        for day in &self.days {
            let (merchants, totals) = of_day.remove(&day.day.0).unwrap_or_default();
            if (day.merchants, day.totals) != (merchants, totals) {
                proof.fail(format!(
                    "day {}: claims {} merchants and {:?}, its settlements are {merchants} and {totals:?}",
                    day.day, day.merchants, day.totals
                ));
            }
            if day.from != ended || day.to < day.from {
                proof.fail(format!(
                    "day {}: from id {}, but the day before ended at {ended}",
                    day.day, day.from
                ));
            }
            ended = day.to;
        }
        for day in of_day.into_keys() {
            proof.fail(format!("settlements name day {}, which was never closed", types::BusinessDay(day)));
        }
    }
}

fn check_settlement(
    settlement: &Settlement,
    before: Option<&Settlement>,
    moved: [i64; 3],
    proof: &mut Proof,
) {
    let id = settlement.id;
    let before = before.filter(|before| before.id.merchant() == id.merchant());
    if settlement.previous != before.map(|before| before.id.day()) {
        proof
            .fail(format!("settlement {id}: names {:?} before it, that is not the one", settlement.previous));
    }
    let waiting = settlement.state == SettlementState::Waiting;
    let (released, reserve) = (settlement.released, settlement.reserve);
    let freed = if settlement.state == SettlementState::Done { reserve } else { 0 };
    if moved != [released, reserve, freed] {
        proof.fail(format!(
            "settlement {id}: {} with {released} released and {reserve} reserve, its transfers moved {moved:?}",
            settlement.state.name()
        ));
    }
    if waiting {
        if (released, reserve, settlement.brought, settlement.carried) != (0, 0, 0, 0) {
            proof.fail(format!("settlement {id}: waits but has moved money"));
        }
        return;
    }
    let brought = before.map_or(0, |before| before.carried);
    let early = before.is_some_and(|before| before.state == SettlementState::Waiting);
    let carried = brought + settlement.totals.net() - released - reserve;
    if early || (settlement.brought, settlement.carried) != (brought, carried) {
        proof.fail(format!(
            "settlement {id}: brought {} and carries {}, but {brought} was carried to it and {carried} is left",
            settlement.brought, settlement.carried
        ));
    }
}

fn check_payout(payout: &Payout, moved: [i64; 4], proof: &mut Proof) {
    let amount = payout.amount.minor;
    let want: &[[i64; 4]] = match payout.state {
        state if state.is_open() => &[[amount, 0, 0, 0]],
        PayoutState::Settled => &[[amount, amount, 0, 0]],
        // Sent back before or after the bank had said that it paid.
        PayoutState::Returned => &[[amount, 0, amount, 0], [amount, amount, 0, amount]],
        _ => &[[amount, 0, amount, 0]],
    };
    if !want.contains(&moved) {
        proof.fail(format!(
            "payout {}: {} of {amount}, its transfers moved {moved:?} (left, settled, back from transit, from the bank)",
            payout.id,
            payout.state.name()
        ));
    }
}
