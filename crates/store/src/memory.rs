//! A store in memory: for tests, simulations and trials. It holds what was committed for as long as a
//! [`Memory`] of it lives, so a crash is a new engine over the same one.
//!
//! It checks what it is given harder than a database would: batch numbers without a gap, inserts of records
//! that are new, updates of records that exist. Lists are found by looking at every row.

mod console;
mod queries;
mod settlement;
mod sharing;
mod user_transfer;

use domain::{
    Batch, JournalLine, Key, Record,
    application::Application,
    calendar::Calendar,
    card::Card,
    claim::NumberClaim,
    clearing::Clearing,
    combined::{Combined, CombinedNumber},
    crossing::Crossing,
    echo::Echo,
    exception::Exception,
    fee::Fees,
    hold::Hold,
    keyring::KeyRing,
    limit::{Limits, Usage},
    merchant::{Certificate, Merchant},
    notification::Notification,
    order::{Order, OrderNumber},
    payer::{Payer, PhoneOwner},
    payment::Payment,
    payment_code::PaymentCode,
    payout::{BankAccount, Payout, PayoutNumber},
    records::Request,
    refund::{Refund, RefundNumber},
    session::{OauthCode, OneTimeCode, Session},
    settlement::{Day, Plan, Settlement},
    sharing::{Receiver, Share, ShareReturn, Sharing, SharingNumber},
    staff::{Staff, StaffName, StaffSession},
    sweep::Counter,
    user_transfer::{
        Recipient, TransferBatch, TransferBatchNumber, TransferPlan, UserTransfer, UserTransferNumber,
    },
    world::{Change, Entity},
};
use engine::{Committer, Fault, Loader, Recovered, Store, query::JournalRow};
use ledger::{Account, Transfer};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use types::{JournalId, MerchantId, Place, Shard, Time};

/// A new store in memory.
#[must_use]
pub fn memory() -> Store {
    Memory::default().open()
}

/// What is held, to be opened again after an engine has ended, and to be made to fail on purpose.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    held: Arc<Mutex<Held>>,
    place: Place,
}

/// Writes one shard.
#[derive(Debug)]
struct Seat {
    memory: Memory,
    fences: bool,
    /// The epoch under which it commits, once it has recovered.
    epoch: Option<u64>,
}

/// How a commit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Nothing is written, and the store says so.
    Refused,
    /// Nothing is written, and the store does not answer.
    LostBefore,
    /// All is written, and the store does not answer.
    LostAfter,
}

impl Memory {
    /// Opens what is held. Only one engine of a shard may commit at a time.
    #[must_use]
    pub fn open(&self) -> Store {
        self.opened(false)
    }
    /// Opens what is held as several executors do that may have the shard in turn: the first recovery takes it over,
    /// and whoever had it is fenced.
    #[must_use]
    pub fn open_fenced(&self) -> Store {
        self.opened(true)
    }
    fn opened(&self, fences: bool) -> Store {
        Store {
            loader: Box::new(self.clone()),
            committer: Box::new(Seat { memory: self.clone(), fences, epoch: None }),
            queries: Arc::new(self.clone()),
        }
    }
    /// The same, seen from one of several shards: each has its own batches and journal, all share the records.
    #[must_use]
    pub fn at(&self, place: Place) -> Self {
        Self { held: Arc::clone(&self.held), place }
    }
    /// Makes the next commit fail; several calls break as many commits, in order.
    pub fn break_commit(&self, how: Break) {
        self.held().breaks.push_back(how);
    }
    /// Makes the next `times` calls of [`Committer::recover`] fail.
    pub fn break_recover(&self, times: usize) {
        self.held().recover_faults = times;
    }
    /// Makes the next `times` loads fail.
    pub fn break_load(&self, times: usize) {
        self.held().load_faults = times;
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Held {
    shards: BTreeMap<Shard, Standing>,
    rows: Rows,
    /// With the time of the line's batch.
    journal: BTreeMap<JournalId, (Time, JournalRow)>,
    breaks: VecDeque<Break>,
    recover_faults: usize,
    load_faults: usize,
}

/// Where a shard stands.
#[derive(Debug, Default)]
struct Standing {
    stands: Recovered,
    /// Raised by whoever takes the shard over.
    epoch: u64,
}

macro_rules! kinds {
    ($($field:ident: $variant:ident($record:ty);)*) => {
        /// Every record, by kind and key.
        #[derive(Debug, Default)]
        struct Rows { $($field: BTreeMap<<$record as Entity>::Key, $record>,)* }

        impl Rows {
            fn get(&self, key: &Key) -> Option<Record> {
                match key { $(Key::$variant(key) => self.$field.get(key).cloned().map(Record::$variant),)* }
            }
            /// Stops before the first write when a change does not fit what is held.
            fn check(&self, batch: &Batch) {
                $(for change in &batch.$field { check(&self.$field, change); })*
            }
            /// A change of a record that was made from another version than what is held.
            fn outdated(&self, batch: &Batch) -> Option<Key> {
                $(for change in &batch.$field {
                    let held = self.$field.get(&change.key).and_then(Entity::version);
                    if change.before.is_some() && change.before != held {
                        return Some(Key::$variant(change.key.clone()));
                    }
                })*
                None
            }
            fn take(&mut self, batch: &Batch) {
                $(for change in &batch.$field { take(&mut self.$field, change); })*
            }
            /// Records of every kind, and about how many bytes they take.
            fn size(&self) -> usize {
                0 $(+ self.$field.len() * size_of::<$record>())*
            }
        }
    };
}

kinds! {
    merchants: Merchant(Merchant);
    certificates: Certificate(Certificate);
    applications: Application(Application);
    payers: Payer(Payer);
    phones: Phone(PhoneOwner);
    one_time_codes: OneTimeCode(OneTimeCode);
    sessions: Session(Session);
    oauth_codes: OauthCode(OauthCode);
    cards: Card(Card);
    orders: Order(Order);
    order_numbers: OrderNumber(OrderNumber);
    combined: Combined(Combined);
    combined_numbers: CombinedNumber(CombinedNumber);
    payments: Payment(Payment);
    refunds: Refund(Refund);
    refund_numbers: RefundNumber(RefundNumber);
    payment_codes: PaymentCode(PaymentCode);
    usage: Usage(Usage);
    limits: Limits(Limits);
    fees: Fees(Fees);
    calendars: Calendar(Calendar);
    plans: Plan(Plan);
    days: Day(Day);
    settlements: Settlement(Settlement);
    holds: Hold(Hold);
    bank_accounts: BankAccount(BankAccount);
    payouts: Payout(Payout);
    payout_numbers: PayoutNumber(PayoutNumber);
    user_transfers: UserTransfer(UserTransfer);
    user_transfer_numbers: UserTransferNumber(UserTransferNumber);
    transfer_batches: TransferBatch(TransferBatch);
    transfer_batch_numbers: TransferBatchNumber(TransferBatchNumber);
    transfer_plans: TransferPlan(TransferPlan);
    recipients: Recipient(Recipient);
    receivers: Receiver(Receiver);
    sharings: Sharing(Sharing);
    shares: Share(Share);
    share_returns: ShareReturn(ShareReturn);
    sharing_numbers: SharingNumber(SharingNumber);
    exceptions: Exception(Exception);
    clearings: Clearing(Clearing);
    staff: Staff(Staff);
    staff_names: StaffName(StaffName);
    staff_sessions: StaffSession(StaffSession);
    notifications: Notification(Notification);
    echoes: Echo(Echo);
    key_rings: KeyRing(KeyRing);
    counters: Counter(Counter);
    requests: Request(Request);
    accounts: Account(Account);
    transfers: Transfer(Transfer);
    crossings: Crossing(Crossing);
    number_claims: NumberClaim(NumberClaim);
}

fn check<E>(rows: &BTreeMap<E::Key, E>, change: &Change<E>)
where
    E: Entity + std::fmt::Debug,
    E::Key: Ord + std::fmt::Debug,
{
    let held = rows.contains_key(&change.key);
    assert_eq!(held, change.existed, "{:?}: the batch is wrong about whether it was stored", change.key);
    assert!(change.existed || change.value.is_some(), "{:?}: nothing becomes nothing", change.key);
    if let Some(value) = &change.value {
        assert!(value.key() == change.key, "{value:?} is filed under {:?}", change.key);
    }
}

fn take<E: Entity>(rows: &mut BTreeMap<E::Key, E>, change: &Change<E>)
where
    E::Key: Ord,
{
    match &change.value {
        Some(value) => drop(rows.insert(change.key.clone(), value.clone())),
        None => drop(rows.remove(&change.key)),
    }
}

impl Loader for Memory {
    fn load(&mut self, keys: &[Key]) -> Result<Vec<Option<Record>>, Fault> {
        let mut held = self.held();
        if held.load_faults > 0 {
            held.load_faults -= 1;
            return Err(Fault::Failed("a load was broken on purpose".into()));
        }
        Ok(keys.iter().map(|key| held.rows.get(key)).collect())
    }
    fn largest_number(&mut self, merchant: MerchantId) -> Result<Option<Box<str>>, Fault> {
        let held = self.held();
        let of_merchant = held.rows.order_numbers.keys().filter(|(of, _)| *of == merchant);
        Ok(of_merchant.map(|(_, number)| number).max().cloned())
    }
}

impl Seat {
    fn fenced(&self) -> Fault {
        Fault::Fenced(format!("shard {} was taken over in memory", self.memory.place.shard))
    }
}

impl Committer for Seat {
    fn recover(&mut self) -> Result<Recovered, Fault> {
        let mut held = self.memory.held();
        if held.recover_faults > 0 {
            held.recover_faults -= 1;
            return Err(Fault::Unknown("recovery was broken on purpose".into()));
        }
        let standing = held.shards.entry(self.memory.place.shard).or_default();
        match self.epoch {
            _ if !self.fences => {}
            None => {
                standing.epoch += 1;
                self.epoch = Some(standing.epoch);
            }
            Some(epoch) if epoch == standing.epoch => {}
            Some(_) => return Err(self.fenced()),
        }
        Ok(standing.stands)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), Fault> {
        let mut held = self.memory.held();
        let epoch = held.shards.entry(self.memory.place.shard).or_default().epoch;
        if self.epoch.is_some_and(|mine| mine != epoch) {
            return Err(self.fenced());
        }
        let broken = held.breaks.pop_front();
        match broken {
            Some(Break::Refused) => return Err(Fault::Failed("a commit was broken on purpose".into())),
            Some(Break::LostBefore) => return Err(Fault::Unknown("the way there was cut on purpose".into())),
            Some(Break::LostAfter) | None => {}
        }
        if let Some(key) = held.rows.outdated(batch) {
            return Err(Fault::Failed(format!("{key:?} was changed from what is not held")));
        }
        held.write(self.memory.place.shard, batch);
        if broken.is_some() {
            return Err(Fault::Unknown("the way back was cut on purpose".into()));
        }
        Ok(())
    }
}

impl Held {
    fn write(&mut self, shard: Shard, batch: &Batch) {
        let stands = self.shards.entry(shard).or_default().stands;
        assert_eq!(batch.number, stands.batch + 1, "batches follow each other without a gap");
        assert!(batch.at >= stands.at, "batch {}: time went back", batch.number);
        assert!(!batch.journal.is_empty(), "batch {}: no command has no batch", batch.number);
        self.rows.check(batch);
        self.rows.take(batch);
        for line in &batch.journal {
            assert_eq!(Shard::of_journal(line.id), shard, "journal line {}", line.id);
            let before = self.journal.insert(line.id, (batch.at, row(line)));
            assert!(before.is_none(), "journal line {} was written before", line.id);
        }
        let standing = self.shards.entry(shard).or_default();
        standing.stands = Recovered { batch: batch.number, at: batch.at };
    }
}

fn row(line: &JournalLine) -> JournalRow {
    JournalRow {
        id: line.id,
        at: line.at,
        actor: line.caller.actor.to_string(),
        address: line.caller.address.map(|address| address.to_string()),
        device: line.caller.device.as_deref().map(str::to_owned),
        command: line.command.to_owned(),
        subject: line.subject.to_string(),
        outcome: line.outcome.to_owned(),
        note: line.note.as_deref().map(str::to_owned),
        previous: line.previous,
    }
}
