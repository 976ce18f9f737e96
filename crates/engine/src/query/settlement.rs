//! Reads of fees, settlement, holds and payouts.

use super::Answer;
use domain::{
    Key, Record,
    calendar::Calendar,
    clearing::Clearing,
    exception::Exception,
    fee::Fees,
    hold::Hold,
    payout::{BankAccount, Payout, PayoutNumber},
    settlement::{Day, Plan, Settlement, SettlementId},
};
use types::{BusinessDay, HoldId, MerchantId, Page, PageRequest, PayoutId, Time};

/// What a store reads of merchants' money after the payment. A part of [`super::Queries`]; calls block and fail as its
/// do.
#[expect(clippy::missing_errors_doc, reason = "said once at Queries")]
pub trait SettlementQueries {
    /// The record under `key`; none where there is no such record.
    fn record(&self, key: Key) -> Answer<Option<Record>>;
    /// Days that have begun to close, newest first; the page's cursor is a [`BusinessDay`].
    fn days(&self, page: PageRequest) -> Answer<Page<Day>>;
    /// A merchant's settlements, newest first; the page's cursor is a [`SettlementId`].
    fn settlements(&self, merchant: MerchantId, page: PageRequest) -> Answer<Page<Settlement>>;
    /// The settlements of a day by merchant; the page's cursor is a [`SettlementId`].
    fn settlements_of_day(&self, day: BusinessDay, page: PageRequest) -> Answer<Page<Settlement>>;
    /// A merchant's settlements for which something is still to happen, by day, at most `limit`.
    fn settlements_open(&self, merchant: MerchantId, limit: usize) -> Answer<Vec<Settlement>>;
    /// Settlements whose release, or the release of whose reserve, is due: earliest first, a merchant's by day.
    fn due_settlements(&self, now: Time, limit: usize) -> Answer<Vec<SettlementId>>;
    /// Merchants for whom an automatic payout is due, earliest first.
    fn due_plans(&self, now: Time, limit: usize) -> Answer<Vec<MerchantId>>;
    /// A merchant's open holds, oldest first, at most `limit`.
    fn holds_open(&self, merchant: MerchantId, limit: usize) -> Answer<Vec<Hold>>;
    /// Holds whose time is over, earliest first.
    fn due_holds(&self, now: Time, limit: usize) -> Answer<Vec<HoldId>>;
    /// Payouts, newest first; of one merchant when given. The page's cursor is a [`PayoutId`].
    fn payouts(&self, merchant: Option<MerchantId>, page: PageRequest) -> Answer<Page<Payout>>;
    /// Payouts in transit, oldest first; of one merchant when given. The page's cursor is a [`PayoutId`].
    fn payouts_open(&self, merchant: Option<MerchantId>, page: PageRequest) -> Answer<Page<Payout>>;
    /// Payouts that waited for approval for too long, earliest first.
    fn due_payouts(&self, now: Time, limit: usize) -> Answer<Vec<PayoutId>>;
    /// Exceptions of reconciliation, newest first. The page's cursor is an [`types::ExceptionId`].
    fn exceptions(&self, page: PageRequest) -> Answer<Page<Exception>>;
    /// Exceptions that somebody has to decide, oldest first. The page's cursor is an [`types::ExceptionId`].
    fn exceptions_open(&self, page: PageRequest) -> Answer<Page<Exception>>;
    /// Every exception.
    fn each_exception(&self, take: &mut dyn FnMut(Exception)) -> Answer<()>;
    /// Every clearing, in id order: one for each batch of a channel, so about one a day.
    fn each_clearing(&self, take: &mut dyn FnMut(Clearing)) -> Answer<()>;
    /// Every settlement, a merchant's by day.
    fn each_settlement(&self, take: &mut dyn FnMut(Settlement)) -> Answer<()>;
    /// Every day that has begun to close, in order.
    fn each_day(&self, take: &mut dyn FnMut(Day)) -> Answer<()>;
    /// Every hold, in id order.
    fn each_hold(&self, take: &mut dyn FnMut(Hold)) -> Answer<()>;
    /// Every payout, in id order.
    fn each_payout(&self, take: &mut dyn FnMut(Payout)) -> Answer<()>;

    /// A fee schedule; `MerchantId(0)` is the platform's default.
    fn fees(&self, merchant: MerchantId) -> Answer<Option<Fees>> {
        Ok(match self.record(Key::Fees(merchant))? {
            Some(Record::Fees(found)) => Some(found),
            _ => None,
        })
    }
    /// The calendar in force.
    fn calendar(&self) -> Answer<Calendar> {
        Ok(match self.record(Key::Calendar(()))? {
            Some(Record::Calendar(found)) => found,
            _ => Calendar::china(),
        })
    }
    /// How a merchant is settled; `MerchantId(0)` is the platform's default.
    fn plan(&self, merchant: MerchantId) -> Answer<Option<Plan>> {
        Ok(match self.record(Key::Plan(merchant))? {
            Some(Record::Plan(found)) => Some(found),
            _ => None,
        })
    }
    /// A day that has begun to close.
    fn day(&self, day: BusinessDay) -> Answer<Option<Day>> {
        Ok(match self.record(Key::Day(day))? {
            Some(Record::Day(found)) => Some(found),
            _ => None,
        })
    }
    /// What a channel pays for a batch, by `scheme/batch`.
    fn clearing(&self, reference: &str) -> Answer<Option<Clearing>> {
        Ok(match self.record(Key::Clearing(reference.into()))? {
            Some(Record::Clearing(found)) => Some(found),
            _ => None,
        })
    }
    /// A settlement.
    fn settlement(&self, id: SettlementId) -> Answer<Option<Settlement>> {
        Ok(match self.record(Key::Settlement(id))? {
            Some(Record::Settlement(found)) => Some(found),
            _ => None,
        })
    }
    /// A hold.
    fn hold(&self, id: HoldId) -> Answer<Option<Hold>> {
        Ok(match self.record(Key::Hold(id))? {
            Some(Record::Hold(found)) => Some(found),
            _ => None,
        })
    }
    /// A merchant's bank account.
    fn bank_account(&self, merchant: MerchantId) -> Answer<Option<BankAccount>> {
        Ok(match self.record(Key::BankAccount(merchant))? {
            Some(Record::BankAccount(found)) => Some(found),
            _ => None,
        })
    }
    /// The payout under a merchant's own number.
    fn payout_by_number(&self, merchant: MerchantId, number: &str) -> Answer<Option<Payout>> {
        match self.record(Key::PayoutNumber((merchant, number.into())))? {
            Some(Record::PayoutNumber(PayoutNumber { payout, .. })) => self.payout(payout),
            _ => Ok(None),
        }
    }
    /// A payout.
    fn payout(&self, id: PayoutId) -> Answer<Option<Payout>> {
        Ok(match self.record(Key::Payout(id))? {
            Some(Record::Payout(found)) => Some(found),
            _ => None,
        })
    }
}
