//! The working set that commands read, and the writes they make.

use crate::{
    context::Event,
    journal::Subject,
    records::{Key, Tables, Writes},
    rejection::Rejection,
};
use ledger::{Account, AccountId, Book, Refused, Transfer};
use rustc_hash::FxHashMap;
use std::hash::Hash;
use types::{JournalId, TransferId};

/// Why `apply` stopped before an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// A record is not loaded; [`Tx::missing`] names it. Nothing was decided.
    Missing,
    /// The rules say no. Nothing changed.
    Rejected(Rejection),
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Rejected(Rejection::Ledger(refused))
    }
}

/// A kind of record: its key, and its place in the working set and in a command's writes.
pub trait Entity: Clone + Sized {
    /// What identifies it.
    type Key: Clone + Eq + Hash;
    /// This record's key.
    fn key(&self) -> Self::Key;
    /// The key as one of all kinds.
    fn any_key(key: &Self::Key) -> Key;
    /// Its table.
    fn table(tables: &Tables) -> &Table<Self>;
    /// Its writes.
    fn writes(writes: &Writes) -> &Vec<(Self::Key, Option<Self>)>;
    /// Its writes, to add to.
    fn writes_mut(writes: &mut Writes) -> &mut Vec<(Self::Key, Option<Self>)>;
    /// What tells this value from those that a shard may have been told of by another one; none for kinds that shards
    /// don't tell each other.
    fn version(&self) -> Option<i64> {
        None
    }
}

/// A cached record: known to exist with this value, or known to be absent.
#[derive(Debug, Clone)]
struct Slot<E> {
    value: Option<E>,
    /// The batch that last changed it; 0 for none since it was loaded.
    batch: i64,
}

/// The cached records of one kind, in two generations: a full young one becomes the old one, and what was not
/// asked for since falls out. Bounded; a record of a batch in flight never falls out (see [`Table::turn`]).
#[derive(Debug)]
pub struct Table<E: Entity> {
    young: FxHashMap<E::Key, Slot<E>>,
    old: FxHashMap<E::Key, Slot<E>>,
    /// What the open batch changed.
    changed: Vec<Changed<E::Key>>,
}

/// A record that the open batch changed, and what there was before.
#[derive(Debug)]
struct Changed<K> {
    key: K,
    existed: bool,
    after: i64,
    before: Option<i64>,
}

impl<E: Entity> Default for Table<E> {
    fn default() -> Self {
        Self { young: FxHashMap::default(), old: FxHashMap::default(), changed: Vec::new() }
    }
}

/// One record's change in a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<E: Entity> {
    /// Which record.
    pub key: E::Key,
    /// Its new value; none when deleted.
    pub value: Option<E>,
    /// Whether the store held it before the batch: an update rather than an insert.
    pub existed: bool,
    /// The batch that changed or deleted it before this one; 0 for none since it was loaded. Once that batch is
    /// durable, this change can be written.
    pub after: i64,
    /// The [version](Entity::version) that it was made from, if its kind has one: the store keeps no change of another.
    pub before: Option<i64>,
}

impl<E: Entity> Table<E> {
    fn slot(&self, key: &E::Key) -> Option<&Slot<E>> {
        self.young.get(key).or_else(|| self.old.get(key))
    }
    /// The record as far as known: `None` when not loaded, `Some(None)` when known to be absent.
    #[must_use]
    pub fn peek(&self, key: &E::Key) -> Option<Option<&E>> {
        self.slot(key).map(|slot| slot.value.as_ref())
    }
    /// Takes in what the store holds under `key`. Never overwrites what is known already.
    pub fn load(&mut self, key: E::Key, value: Option<E>) {
        if self.slot(&key).is_none() {
            self.young.insert(key, Slot { value, batch: 0 });
        }
    }
    /// Takes in an accepted command's write.
    pub fn merge(&mut self, key: E::Key, value: Option<E>, batch: i64) {
        let before = self.young.remove(&key).or_else(|| self.old.remove(&key));
        let open = before.as_ref().is_some_and(|slot| slot.batch == batch);
        if !open {
            let after = before.as_ref().map_or(0, |slot| slot.batch);
            let value = before.and_then(|slot| slot.value);
            let (existed, before) = (value.is_some(), value.and_then(|value| value.version()));
            self.changed.push(Changed { key: key.clone(), existed, after, before });
        }
        self.young.insert(key, Slot { value, batch });
    }
    /// The open batch's changes, one a record, in first-change order.
    pub fn take_changes(&mut self) -> Vec<Change<E>> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .into_iter()
            .map(|Changed { key, existed, after, before }| {
                let value = self.slot(&key).and_then(|slot| slot.value.clone());
                Change { key, value, existed, after, before }
            })
            .filter(|change| change.existed || change.value.is_some())
            .collect()
    }
    /// Moves to a new generation when the young one holds more than `bound` records. The caller makes sure
    /// that at most one turn happens while a batch is in flight, so that its records stay in reach.
    pub fn turn(&mut self, bound: usize) -> bool {
        if self.young.len() < bound {
            return false;
        }
        std::mem::swap(&mut self.old, &mut self.young);
        self.young.clear(); // keeps its memory: growing anew would cost more than what is put into it
        true
    }
    /// Forgets a record that no batch after `durable` changed; false when it must stay or is not there.
    pub fn forget(&mut self, key: &E::Key, durable: i64) -> bool {
        let free = self.slot(key).is_some_and(|slot| slot.batch <= durable);
        if free {
            self.young.remove(key);
            self.old.remove(key);
        }
        free
    }
    /// Forgets all records. Only for kinds that this executor never writes.
    pub fn forget_all(&mut self) {
        debug_assert!(self.changed.is_empty(), "what is written is not forgotten");
        self.young.clear();
        self.old.clear();
    }
    /// Records held now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
    /// True when nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }
}

/// One command's view: the working set, and over it the command's own writes.
#[derive(Debug)]
pub struct Tx<'a> {
    tables: &'a Tables,
    writes: &'a mut Writes,
    missing: &'a mut Vec<Key>,
    events: Vec<Event>,
    subject: Subject,
    previous: Option<JournalId>,
    note: Option<Box<str>>,
    found: u32,
    elsewhere: Vec<Key>,
    blocks: i64,
}

/// What a command says of itself besides its writes.
#[derive(Debug)]
pub struct Told {
    /// The record it was about.
    pub subject: Subject,
    /// The line before on that record.
    pub previous: Option<JournalId>,
    /// What a reader should know beyond the outcome.
    pub note: Option<Box<str>>,
    /// What workers should hear after the commit.
    pub events: Vec<Event>,
    /// Reads that the working set answered.
    pub found: u32,
    /// The records for which the command was sent to another shard. What is cached of them may be old.
    pub elsewhere: Vec<Key>,
    /// Blocks of ids it used.
    pub blocks: i64,
}

impl<'a> Tx<'a> {
    /// A view over `tables`; writes go to `writes`, records that are not loaded to `missing`.
    pub fn new(tables: &'a Tables, writes: &'a mut Writes, missing: &'a mut Vec<Key>) -> Self {
        Self {
            tables,
            writes,
            missing,
            events: Vec::new(),
            subject: Subject::Platform,
            previous: None,
            note: None,
            found: 0,
            elsewhere: Vec::new(),
            blocks: 1,
        }
    }
    /// The record under `key`, or none.
    ///
    /// # Errors
    /// [`Stop::Missing`] when it is not loaded.
    pub fn get<E: Entity>(&mut self, key: &E::Key) -> Result<Option<&E>, Stop> {
        if let Some(at) = E::writes(self.writes).iter().rposition(|(written, _)| written == key) {
            return Ok(E::writes(self.writes)[at].1.as_ref());
        }
        if let Some(known) = E::table(self.tables).peek(key) {
            self.found += 1;
            return Ok(known);
        }
        self.missing.push(E::any_key(key));
        Err(Stop::Missing)
    }
    /// The record under `key`, or `otherwise`.
    ///
    /// # Errors
    /// [`Stop::Missing`] when it is not loaded; `otherwise` when there is none.
    pub fn need<E: Entity>(&mut self, key: &E::Key, otherwise: Rejection) -> Result<&E, Stop> {
        self.get(key)?.ok_or(Stop::Rejected(otherwise))
    }
    /// Says that `key` will be read soon, so that one load brings all a command needs.
    pub fn expect<E: Entity>(&mut self, key: &E::Key) {
        if E::table(self.tables).peek(key).is_none() {
            self.missing.push(E::any_key(key));
        }
    }
    /// Stops when anything expected so far is not loaded.
    ///
    /// # Errors
    /// [`Stop::Missing`].
    pub fn loaded(&self) -> Result<(), Stop> {
        if self.missing.is_empty() { Ok(()) } else { Err(Stop::Missing) }
    }
    /// Keeps a record.
    pub fn put<E: Entity>(&mut self, value: E) {
        self.write(value.key(), Some(value));
    }
    /// Removes a record.
    pub fn delete<E: Entity>(&mut self, key: E::Key) {
        self.write::<E>(key, None);
    }
    fn write<E: Entity>(&mut self, key: E::Key, value: Option<E>) {
        let writes = E::writes_mut(self.writes);
        match writes.iter_mut().find(|(written, _)| *written == key) {
            Some(slot) => slot.1 = value,
            None => writes.push((key, value)),
        }
    }
    /// Tells workers something once the command is committed.
    pub fn tell(&mut self, event: Event) {
        self.events.push(event);
    }
    /// Names the record the command is about, and the newest journal line on it.
    pub fn about(&mut self, subject: Subject, previous: Option<JournalId>) {
        self.subject = subject;
        self.previous = previous;
    }
    /// Adds what a reader of the journal should know. No personal data.
    pub fn note(&mut self, note: impl Into<Box<str>>) {
        self.note = Some(note.into());
    }
    /// What the command said of itself.
    #[must_use]
    pub fn told(self) -> Told {
        let Self { subject, previous, note, events, found, elsewhere, blocks, .. } = self;
        Told { subject, previous, note, events, found, elsewhere, blocks }
    }
    /// Says that another shard decides about this record.
    pub fn elsewhere(&mut self, key: Key) {
        self.elsewhere.push(key);
    }
    /// Says that ids of so many blocks are used, the command's own counted: at least one, [`types::IdBlock::MOST`] at
    /// most.
    pub fn blocks(&mut self, used: usize) {
        let used = i64::try_from(used).unwrap_or(i64::MAX);
        debug_assert!(used <= types::IdBlock::MOST, "so many blocks were not kept free");
        self.blocks = self.blocks.max(used);
    }
}

impl Book for Tx<'_> {
    type Error = Stop;
    fn account(&mut self, id: AccountId) -> Result<Account, Stop> {
        Ok(self.get::<Account>(&id)?.copied().unwrap_or(Account::new(id)))
    }
    fn set_account(&mut self, account: Account) {
        self.put(account);
    }
    fn transfer(&mut self, id: TransferId) -> Result<Option<Transfer>, Stop> {
        Ok(self.get::<Transfer>(&id)?.copied())
    }
    fn set_transfer(&mut self, transfer: Transfer) {
        self.put(transfer);
    }
}
