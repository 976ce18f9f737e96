//! What pages, files and workers read. Reads see committed batches only; none of them decides about money.

use crate::store::Fault;
use domain::{
    Key, Record,
    application::Application,
    card::Card,
    combined::Combined,
    crossing::Crossing,
    echo::Echo,
    keyring::KeyRing,
    limit::{BillEntry, Limits, Usage},
    merchant::{Certificate, Merchant},
    notification::Notification,
    order::Order,
    payer::Payer,
    payment::Payment,
    payment_code::PaymentCode,
    records::Digest,
    refund::Refund,
    session::{OauthCode, Session},
    user_transfer::UserTransfer,
};
use ledger::{Account, AccountId, Transfer};
use types::{
    AppId, CardId, CombinedId, EchoId, JournalId, MerchantId, NotificationId, OrderId, Page, PageRequest,
    PayerId, PaymentId, RefundId, ShardSet, Shards, Time, TransferId,
};

/// A journal line as read back.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct JournalRow {
    /// Its place.
    pub id: JournalId,
    /// When.
    pub at: Time,
    /// Who, as `merchant:1900000001`.
    pub actor: String,
    /// From which address.
    pub address: Option<String>,
    /// With which device.
    pub device: Option<String>,
    /// The command.
    pub command: String,
    /// On which record, as `order:123`.
    pub subject: String,
    /// `ok` or a rejection's code.
    pub outcome: String,
    /// More.
    pub note: Option<String>,
    /// The line before on the same record.
    pub previous: Option<JournalId>,
}

/// An entry of a payer's bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bill {
    /// An order paid (or paid and reversed).
    Order(Box<Order>),
    /// A top-up received.
    TopUp(Box<Payment>),
    /// A merchant's transfer received.
    UserTransfer(Box<UserTransfer>),
}

/// A count of rows of each kind, for the status page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// The last batch.
    pub batch: i64,
    /// Bytes the store takes.
    pub bytes: i64,
}

mod console;
mod settlement;
mod sharing;
mod user_transfer;

pub use console::{ConsoleQueries, ExceptionFilter, Found, OrderFilter, Past};
pub use settlement::SettlementQueries;
pub use sharing::SharingQueries;
pub use user_transfer::{TO_CONFIRM_MAX, UserTransferQueries};

type Answer<T> = Result<T, Fault>;

/// The read side of a store. Calls block for microseconds (a row) to milliseconds (a list); async callers of
/// lists use a blocking thread. Every method fails only with [`Fault::Failed`].
#[expect(clippy::missing_errors_doc, reason = "said once above")]
pub trait Queries: ConsoleQueries + SharingQueries + UserTransferQueries + Send + Sync {
    /// A merchant.
    fn merchant(&self, id: MerchantId) -> Answer<Option<Merchant>>;
    /// All merchants, by number.
    fn merchants(&self) -> Answer<Vec<Merchant>>;
    /// Merchants that are or were last sub-merchants of a partner, by number, after `past`.
    fn sub_merchants(
        &self,
        partner: MerchantId,
        past: Option<MerchantId>,
        limit: usize,
    ) -> Answer<Vec<Merchant>>;
    /// A certificate by serial (upper-case hex).
    fn certificate(&self, serial: &str) -> Answer<Option<Certificate>>;
    /// A merchant's certificates, newest first.
    fn certificates(&self, merchant: MerchantId) -> Answer<Vec<Certificate>>;
    /// An application.
    fn application(&self, id: AppId) -> Answer<Option<Application>>;
    /// A key ring by name.
    fn key_ring(&self, name: &str) -> Answer<Option<KeyRing>>;
    /// The limits, all versions.
    fn limits(&self) -> Answer<Option<Limits>>;
    /// A payer.
    fn payer(&self, id: PayerId) -> Answer<Option<Payer>>;
    /// The payer of a phone, by keyed hash.
    fn payer_by_phone(&self, phone: Digest) -> Answer<Option<PayerId>>;
    /// A session by token hash; the caller checks that it has not ended.
    fn session(&self, token: Digest) -> Answer<Option<Session>>;
    /// A session by token hash, and whose it is; the caller checks that it has not ended.
    fn member(&self, token: Digest) -> Answer<Option<(Session, Payer)>>;
    /// An authorization code by its hash.
    fn oauth_code(&self, code: Digest) -> Answer<Option<OauthCode>>;
    /// A card.
    fn card(&self, id: CardId) -> Answer<Option<Card>>;
    /// A payer's cards, newest first.
    fn cards(&self, payer: PayerId) -> Answer<Vec<Card>>;
    /// What a payer (or card) has used of its limits.
    fn usage(&self, id: i64) -> Answer<Option<Usage>>;
    /// An account; new and empty when nothing moved through it.
    fn account(&self, id: AccountId) -> Answer<Account>;
    /// How many shards the database has.
    fn shards(&self) -> Answer<Shards>;
    /// What there is of an account in all shards: the sum of its sub-accounts, which only payers do not have.
    fn account_in_all(&self, id: AccountId) -> Answer<Account> {
        let mut sum = self.account(id)?;
        for shard in self.shards()?.all().filter(|shard| *shard != id.shard()) {
            let part = self.account(id.at(shard))?;
            let add = |one: &mut i64, other: i64| *one = one.saturating_add(other);
            add(&mut sum.debits_pending, part.debits_pending);
            add(&mut sum.debits_posted, part.debits_posted);
            add(&mut sum.credits_pending, part.credits_pending);
            add(&mut sum.credits_posted, part.credits_posted);
            sum.frozen |= part.frozen;
        }
        Ok(sum)
    }
    /// A transfer.
    fn transfer(&self, id: TransferId) -> Answer<Option<Transfer>>;
    /// An order.
    fn order(&self, id: OrderId) -> Answer<Option<Order>>;
    /// An order by the merchant's own number.
    fn order_by_number(&self, merchant: MerchantId, number: &str) -> Answer<Option<Order>>;
    /// A combined order.
    fn combined(&self, id: CombinedId) -> Answer<Option<Combined>> {
        Ok(match self.records(&[Key::Combined(id)])?.pop() {
            Some(Some(Record::Combined(whole))) => Some(whole),
            _ => None,
        })
    }
    /// A combined order by its merchant's own number.
    fn combined_by_number(&self, merchant: MerchantId, number: &str) -> Answer<Option<Combined>> {
        match self.records(&[Key::CombinedNumber((merchant, number.into()))])?.pop() {
            Some(Some(Record::CombinedNumber(taken))) => self.combined(taken.combined),
            _ => Ok(None),
        }
    }
    /// The orders of a combined order, in its order.
    fn orders_of(&self, whole: &Combined) -> Answer<Vec<Order>> {
        let keys: Vec<Key> = whole.orders.iter().map(|id| Key::Order(*id)).collect();
        let found = self.records(&keys)?.into_iter().filter_map(|record| match record {
            Some(Record::Order(order)) => Some(order),
            _ => None,
        });
        Ok(found.collect())
    }
    /// Payment-code orders waiting for this payer's PIN, newest first, at most 10.
    fn orders_to_confirm(&self, payer: PayerId) -> Answer<Vec<Order>>;
    /// A channel payment.
    fn payment(&self, id: PaymentId) -> Answer<Option<Payment>>;
    /// A refund.
    fn refund(&self, id: RefundId) -> Answer<Option<Refund>>;
    /// A refund by the merchant's own number.
    fn refund_by_number(&self, merchant: MerchantId, number: &str) -> Answer<Option<Refund>>;
    /// Refunds that wait for approval, oldest first.
    fn refunds_waiting(&self, page: PageRequest) -> Answer<Page<Refund>>;
    /// The refunds of an order, newest first. One row is read for each.
    fn refunds_of(&self, order: &Order) -> Answer<Vec<Refund>> {
        let mut found: Vec<Refund> = Vec::new();
        let mut next = order.refunded.newest;
        while let Some(id) = next
            && let Some(refund) = self.refund(id)?
        {
            // A link leads back in time, so a damaged one can't lead in a circle.
            next = refund.previous.filter(|previous| *previous < id);
            found.push(refund);
        }
        Ok(found)
    }
    /// A payment code.
    fn payment_code(&self, code: i64) -> Answer<Option<PaymentCode>>;
    /// A payer's bill from `from` back, newest first; from the newest when none.
    fn bill(&self, payer: PayerId, from: Option<BillEntry>, limit: usize) -> Answer<Vec<Bill>>;
    /// A notification.
    fn notification(&self, id: NotificationId) -> Answer<Option<Notification>>;
    /// Notifications, newest first; of one merchant when given.
    fn notifications(&self, merchant: Option<MerchantId>, page: PageRequest) -> Answer<Page<Notification>>;
    /// A message to be echoed, while it is kept.
    fn echo(&self, id: EchoId) -> Answer<Option<Echo>>;
    /// Journal lines from `head` back along one record, newest first.
    fn timeline(&self, head: JournalId, limit: usize) -> Answer<Vec<JournalRow>>;
    /// The newest journal lines, of all shards by the time of their batch. The cursor is a line's id.
    fn journal(&self, page: PageRequest) -> Answer<Page<JournalRow>>;

    /// Notifications of these shards whose time has come, earliest first.
    fn due_notifications(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<Notification>>;
    /// As [`Queries::due_notifications`] (ordered by `next_at`, then id), but only those after `past` in that
    /// order and of other merchants than `except` (at most a few hundred): so that a dead merchant's thousands
    /// of due rows can be stepped over without reading them.
    fn due_notifications_past(
        &self,
        of: ShardSet,
        now: Time,
        past: Option<(Time, NotificationId)>,
        except: &[MerchantId],
        limit: usize,
    ) -> Answer<Vec<Notification>>;
    /// Channel payments of these shards that must be asked (again), earliest first.
    fn due_payments(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<Payment>>;
    /// Refunds of these shards that must be asked of their channel (again), or waited for approval for too long, earliest
    /// first.
    fn due_refunds(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<Refund>>;
    /// Orders of these shards that can be paid no more: the deadline has passed and no payment is under way. Earliest first.
    fn due_orders(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<OrderId>>;
    /// Keys of short-lived records of these shards whose time is over.
    fn stale(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<Key>>;
    /// Money that left these shards and was not reported to have arrived, oldest first.
    fn crossings(&self, of: ShardSet, limit: usize) -> Answer<Vec<Crossing>>;

    /// Every account.
    fn each_account(&self, take: &mut dyn FnMut(Account)) -> Answer<()>;
    /// Every transfer, in id order.
    fn each_transfer(&self, take: &mut dyn FnMut(Transfer)) -> Answer<()>;
    /// Every order, in id order.
    fn each_order(&self, take: &mut dyn FnMut(Order)) -> Answer<()>;
    /// Every combined order, in id order.
    fn each_combined(&self, take: &mut dyn FnMut(Combined)) -> Answer<()>;
    /// Every channel payment, in id order.
    fn each_payment(&self, take: &mut dyn FnMut(Payment)) -> Answer<()>;
    /// Every refund, in id order.
    fn each_refund(&self, take: &mut dyn FnMut(Refund)) -> Answer<()>;
    /// Every notification, in id order.
    fn each_notification(&self, take: &mut dyn FnMut(Notification)) -> Answer<()>;
    /// Every crossing, in id order.
    fn each_crossing(&self, take: &mut dyn FnMut(Crossing)) -> Answer<()>;
    /// The transfers with ids from `from` up to, not including, `to`, in id order. Ids are ordered by time, so this is
    /// how a day is read; a piece at a time, so that neither memory nor a snapshot grows with the day.
    fn transfers_between(
        &self,
        from: TransferId,
        to: TransferId,
        take: &mut dyn FnMut(Transfer),
    ) -> Answer<()>;
    /// The refunds with ids from `from` up to, not including, `to`, in id order, as [`Queries::transfers_between`].
    fn refunds_between(&self, from: RefundId, to: RefundId, take: &mut dyn FnMut(Refund)) -> Answer<()>;
    /// The records under `keys`, in order; none where there is no such record. For hundreds at once.
    fn records(&self, keys: &[Key]) -> Answer<Vec<Option<Record>>>;
    /// Holds that were voided from `from` up to, not including, `to`, in the order of that time. They are few.
    fn transfers_voided(&self, from: Time, to: Time, take: &mut dyn FnMut(Transfer)) -> Answer<()>;
    /// The balance of every account of merchants' own money just before `at`, all of one moment's state. A hold counts
    /// in full on both sides from the time of its id on, whether it is posted or not, until it is voided. Accounts that
    /// nothing ever moved through are left out.
    fn merchant_balances(&self, at: Time) -> Answer<Vec<(AccountId, i64)>>;
    /// Size of the store.
    fn counts(&self) -> Answer<Counts>;
}
