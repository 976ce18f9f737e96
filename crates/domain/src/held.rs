//! Every cent of a merchant that it can't use now, with the reason and the time of its release.
//!
//! The list is worked out from records, and sums to the accounts exactly: what no record explains would be told as
//! such, and `prove` fails on it.

use crate::user_transfer::UserTransfer;
use crate::{
    calendar::Calendar,
    hold::Hold,
    payout::{Payout, PayoutState},
    settlement::{Settlement, SettlementState, Terms},
    sharing::Aside,
};
use ledger::Account;
use serde::Serialize;
use types::{BusinessDay, Money, Time};

/// A part of a merchant's money that it can't use now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Why.
    pub reason: Reason,
    /// How much.
    pub amount: Money,
    /// Since when; none for the day under way.
    pub since: Option<Time>,
    /// When it is released by itself; none when that takes somebody's decision or a bank's answer.
    pub release_at: Option<Time>,
    /// The record that explains it: `settlement:1900000001-2026-11-22`, `hold:…`, `payout:…`.
    pub subject: String,
    /// More, for the merchant to read: a hold's note.
    pub note: Box<str>,
}

/// Why money is held. Serialised by [`Reason::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A day that is over waits for T+n.
    Settlement,
    /// Takings of the day that is not closed yet.
    OpenDay,
    /// What is left of orders that are shared, until it is shared or unfrozen.
    Sharing,
    /// Held for refunds that are not final.
    Refund,
    /// The reserve of a settlement.
    Reserve,
    /// Set aside; the hold says why.
    Hold(crate::hold::HoldReason),
    /// On its way to the bank account.
    Payout,
    /// A payout that waits for approval.
    Approval,
    /// Transferred to users who have not confirmed yet, or on its way to or from them.
    UserTransfer,
    /// Settled money of an account that is frozen.
    Frozen,
    /// Money that no record explains: a fault.
    Unexplained,
}

impl Reason {
    /// The word used in APIs, pages and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settlement => "settlement",
            Self::OpenDay => "open_day",
            Self::Sharing => "sharing",
            Self::Refund => "refund",
            Self::Reserve => "reserve",
            Self::Hold(reason) => reason.name(),
            Self::Payout => "payout",
            Self::Approval => "approval",
            Self::UserTransfer => "user_transfer",
            Self::Frozen => "frozen",
            Self::Unexplained => "unexplained",
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A merchant's money as its records say, read at one moment.
#[derive(Clone, Debug)]
pub struct Position {
    /// `merchant.unsettled`.
    pub unsettled: Account,
    /// `merchant.available`.
    pub available: Account,
    /// `merchant.reserve`.
    pub reserve: Account,
    /// `merchant.held`.
    pub held: Account,
    /// `payout.in_transit`.
    pub in_transit: Account,
    /// Settlements for which something is still to happen, by day.
    pub settlements: Vec<Settlement>,
    /// What the last settlement before these carried.
    pub carried: i64,
    /// Open holds.
    pub holds: Vec<Hold>,
    /// Payouts in transit.
    pub payouts: Vec<Payout>,
    /// `merchant.sharing`.
    pub sharing: Account,
    /// What is left of shared orders, by the day of its release.
    pub shared: Vec<Aside>,
    /// `transfer.in_transit`.
    pub transferring: Account,
    /// Transfers to users under way, without those of batches.
    pub user_transfers: Vec<UserTransfer>,
    /// The terms in force.
    pub terms: Terms,
    /// The calendar in force.
    pub calendar: Calendar,
    /// The last day closed or closing, of the platform.
    pub last_day: Option<BusinessDay>,
}

impl Position {
    /// What the merchant can use now.
    #[must_use]
    pub fn free(&self) -> Money {
        if self.available.frozen {
            Money::zero(self.available.id.currency())
        } else {
            self.available.available()
        }
    }
    /// All that is the merchant's, usable or not.
    #[must_use]
    pub fn total(&self) -> i64 {
        let accounts = [
            &self.unsettled,
            &self.sharing,
            &self.available,
            &self.reserve,
            &self.held,
            &self.in_transit,
            &self.transferring,
        ];
        accounts.iter().map(|account| account.balance().minor).sum()
    }
    /// Every part that can't be used, soonest release first, then what has no time. Their sum and [`Position::free`] are
    /// [`Position::total`].
    #[must_use]
    pub fn list(&self, now: Time) -> Vec<Held> {
        let mut list = Vec::new();
        self.takings(now, &mut list);
        self.shared(&mut list);
        self.reserves(&mut list);
        self.set_aside(&mut list);
        if self.available.frozen {
            self.add(
                &mut list,
                Reason::Frozen,
                self.available.available().minor,
                None,
                None,
                String::new(),
                "",
            );
        }
        let pending = self.available.held().minor;
        self.add(&mut list, Reason::Refund, pending, None, None, "refunds of settled money".into(), "");
        list.sort_by_key(|held| (held.release_at.is_none(), held.release_at, held.reason));
        list
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of what it makes")]
    fn add(
        &self,
        list: &mut Vec<Held>,
        reason: Reason,
        minor: i64,
        since: Option<Time>,
        release_at: Option<Time>,
        subject: String,
        note: &str,
    ) {
        if minor != 0 {
            let amount = Money::new(minor, self.available.id.currency());
            list.push(Held { reason, amount, since, release_at, subject, note: note.into() });
        }
    }

    /// Takings, day by day as they will be released if nothing more happens.
    fn takings(&self, now: Time, list: &mut Vec<Held>) {
        let mut left = self.unsettled.available().minor;
        let mut carried = self.carried;
        for settlement in self.settlements.iter().filter(|one| one.state == SettlementState::Waiting) {
            let due = carried.saturating_add(settlement.totals.net());
            let part = due.min(left).max(0);
            (left, carried) = (left - part, due - part);
            let subject = format!("settlement:{}", settlement.id);
            let (since, at) = (Some(settlement.closed_at), Some(settlement.release_at));
            self.add(list, Reason::Settlement, part, since, at, subject, "");
        }
        let today = self.calendar.day_of(now);
        let day = self.last_day.map_or(today, |last| today.max(last.next()));
        let at = self.calendar.release_of(day, self.terms.delay);
        let at = self.settlements.iter().map(|one| one.release_at).fold(at, Time::max);
        self.add(list, Reason::OpenDay, left, None, Some(at), format!("day:{day}"), "");
        let pending = self.unsettled.held().minor;
        self.add(list, Reason::Refund, pending, None, None, "refunds of takings".into(), "");
    }

    /// What is left of shared orders, by the day on which it is released if nothing more happens.
    fn shared(&self, list: &mut Vec<Held>) {
        let mut left = self.sharing.available().minor;
        for aside in &self.shared {
            left -= aside.amount;
            let (since, until) = (Some(aside.since), Some(aside.due_at));
            let subject = format!("orders:{}", aside.orders);
            self.add(list, Reason::Sharing, aside.amount, since, until, subject, "");
        }
        self.add(list, Reason::Unexplained, left, None, None, "merchant.sharing".into(), "");
        let pending = self.sharing.held().minor;
        self.add(list, Reason::Refund, pending, None, None, "refunds of shared orders".into(), "");
    }

    fn reserves(&self, list: &mut Vec<Held>) {
        let mut left = self.reserve.balance().minor;
        for settlement in self.settlements.iter().filter(|one| one.state == SettlementState::Released) {
            left -= settlement.reserve;
            let subject = format!("settlement:{}", settlement.id);
            let (since, until) = (settlement.released_at, settlement.reserve_until);
            self.add(list, Reason::Reserve, settlement.reserve, since, until, subject, "");
        }
        self.add(list, Reason::Unexplained, left, None, None, "merchant.reserve".into(), "");
    }

    fn set_aside(&self, list: &mut Vec<Held>) {
        let mut left = self.held.balance().minor;
        for hold in &self.holds {
            left -= hold.amount;
            let subject = format!("hold:{}", hold.id);
            self.add(
                list,
                Reason::Hold(hold.reason),
                hold.amount,
                Some(hold.since),
                hold.until,
                subject,
                &hold.note,
            );
        }
        self.add(list, Reason::Unexplained, left, None, None, "merchant.held".into(), "");
        let mut left = self.in_transit.balance().minor;
        for payout in &self.payouts {
            left -= payout.amount.minor;
            let reason = if payout.state == PayoutState::Waiting { Reason::Approval } else { Reason::Payout };
            let (since, subject) = (Some(payout.created_at), format!("payout:{}", payout.id));
            self.add(list, reason, payout.amount.minor, since, None, subject, payout.state.name());
        }
        self.add(list, Reason::Unexplained, left, None, None, "payout.in_transit".into(), "");
        let mut left = self.transferring.balance().minor;
        for transfer in self.user_transfers.iter().filter(|transfer| transfer.hold.is_some()) {
            left -= transfer.terms.amount.minor;
            let (since, until) = (Some(transfer.created_at), transfer.confirm_until());
            let (amount, subject) = (transfer.terms.amount.minor, format!("user_transfer:{}", transfer.id));
            self.add(list, Reason::UserTransfer, amount, since, until, subject, transfer.state.name());
        }
        // What batches have set aside is told as one sum.
        self.add(list, Reason::UserTransfer, left, None, None, "transfer_batches".into(), "");
    }
}
