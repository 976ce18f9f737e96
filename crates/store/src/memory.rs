//! A store in memory: for tests, simulations and trials. It holds what was committed for as long as a
//! [`Memory`] of it lives, so a crash is a new engine over the same one.
//!
//! It checks what it is given harder than a database would: batch numbers without a gap, inserts of records
//! that are new, updates of records that exist. Lists are found by looking at every row.

mod queries;

use domain::{
    Batch, JournalLine, Key, Record,
    application::Application,
    card::Card,
    echo::Echo,
    keyring::KeyRing,
    limit::{Limits, Usage},
    merchant::{Certificate, Merchant},
    notification::Notification,
    order::{Order, OrderNumber},
    payer::{Payer, PhoneOwner},
    payment::Payment,
    payment_code::PaymentCode,
    records::Request,
    session::{OauthCode, OneTimeCode, Session},
    sweep::Counter,
    world::{Change, Entity},
};
use engine::{Committer, Fault, Loader, Recovered, Store, query::JournalRow};
use ledger::{Account, Transfer};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use types::JournalId;

/// A new store in memory.
#[must_use]
pub fn memory() -> Store {
    Memory::default().open()
}

/// What is held, to be opened again after an engine has ended, and to be made to fail on purpose.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Held>>);

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
    /// Opens what is held. Only one engine may commit at a time.
    #[must_use]
    pub fn open(&self) -> Store {
        Store {
            loader: Box::new(self.clone()),
            committer: Box::new(self.clone()),
            queries: Arc::new(self.clone()),
        }
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Held {
    stands: Recovered,
    rows: Rows,
    journal: BTreeMap<JournalId, JournalRow>,
    breaks: VecDeque<Break>,
    recover_faults: usize,
    load_faults: usize,
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
    payments: Payment(Payment);
    payment_codes: PaymentCode(PaymentCode);
    usage: Usage(Usage);
    limits: Limits(Limits);
    notifications: Notification(Notification);
    echoes: Echo(Echo);
    key_rings: KeyRing(KeyRing);
    counters: Counter(Counter);
    requests: Request(Request);
    accounts: Account(Account);
    transfers: Transfer(Transfer);
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
}

impl Committer for Memory {
    fn recover(&mut self) -> Result<Recovered, Fault> {
        let mut held = self.held();
        if held.recover_faults > 0 {
            held.recover_faults -= 1;
            return Err(Fault::Unknown("recovery was broken on purpose".into()));
        }
        Ok(held.stands)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), Fault> {
        let mut held = self.held();
        let broken = held.breaks.pop_front();
        match broken {
            Some(Break::Refused) => return Err(Fault::Failed("a commit was broken on purpose".into())),
            Some(Break::LostBefore) => return Err(Fault::Unknown("the way there was cut on purpose".into())),
            Some(Break::LostAfter) | None => {}
        }
        held.write(batch);
        if broken.is_some() {
            return Err(Fault::Unknown("the way back was cut on purpose".into()));
        }
        Ok(())
    }
}

impl Held {
    fn write(&mut self, batch: &Batch) {
        assert_eq!(batch.number, self.stands.batch + 1, "batches follow each other without a gap");
        assert!(batch.at >= self.stands.at, "batch {}: time went back", batch.number);
        assert!(!batch.journal.is_empty(), "batch {}: no command has no batch", batch.number);
        self.rows.check(batch);
        self.rows.take(batch);
        for line in &batch.journal {
            let before = self.journal.insert(line.id, row(line));
            assert!(before.is_none(), "journal line {} was written before", line.id);
        }
        self.stands = Recovered { batch: batch.number, at: batch.at };
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
