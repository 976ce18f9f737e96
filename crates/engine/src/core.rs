//! The heart without threads: applies commands to the working set and closes batches. The engine drives it
//! with a real clock and store, the simulator with its own.

use crate::{
    heard::Heard,
    numbers::LargestNumbers,
    store::{Fault, Loader, Recovered},
};
use domain::{
    Batch, Caller, Command, Context, Event, JournalLine, Key, Record, Rejection, Reply, Stop, Tables, Tx,
    Writes, apply, home,
    order::{Order, OrderNumber},
    records::{Digest, Effect, Request},
    world::Entity as _,
};
use rustc_hash::FxHashSet;
use types::{IdBlock, JournalId, MerchantId, Place, Shard, Time, id_time, time};

/// Commands in one batch at most; also the places a batch has in the journal.
pub const BATCH_MAX: usize = 1000;
/// Times one command may ask for more records before it is refused as a fault.
const LOADS_MAX: usize = 24;

/// How long a shard that is not the first goes by what it read of merchants, applications and limits.
const SHARED_FOR: i64 = 2 * time::SECOND;

/// A command with who asks for it, and the key under which its answer is kept.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The command.
    pub command: Command,
    /// Who asks.
    pub caller: Caller,
    /// Key and content hash, when the caller wants repeats answered alike.
    pub request: Option<(Digest, Digest)>,
}

/// What came of one command.
pub type Outcome = Result<Reply, Rejection>;

/// The working set and the open batch.
#[derive(Debug)]
pub struct Core {
    tables: Tables,
    writes: Writes,
    missing: Vec<Key>,
    place: Place,
    /// Number of the open batch.
    number: i64,
    /// Time of the open batch: never earlier than any before.
    at: Time,
    /// Millisecond and place of the next id block.
    ids: (i64, i64),
    journal: Vec<JournalLine>,
    events: Vec<Event>,
    /// The batch that was open when the working set last turned.
    turned_in: i64,
    /// Reads of decided commands that the working set answered.
    found: u64,
    /// The last batch known to be durable.
    durable: i64,
    /// When what only the first shard writes is read anew.
    shared_until: Time,
    /// Keys read in this run that other shards decide about.
    foreign: Vec<Key>,
    numbers: LargestNumbers,
    heard: Heard,
}

/// A closed batch with what workers should hear once it is durable.
#[derive(Debug)]
pub struct Closed {
    /// The transaction.
    pub batch: Batch,
    /// For workers.
    pub events: Vec<Event>,
    /// Orders of which other shards decide from this batch on. Once it is durable they may be told, see [`Core::hear`].
    pub handed: Vec<Order>,
}

impl Core {
    /// An empty working set over a store in which this shard stands at `recovered`.
    #[must_use]
    pub fn new(recovered: Recovered, place: Place) -> Self {
        Self {
            tables: Tables::default(),
            writes: Writes::default(),
            missing: Vec::new(),
            place,
            number: recovered.batch + 1,
            // Ids carry their millisecond: the next one must lie after every id given out before.
            at: recovered.at.plus(1000),
            ids: (0, 0),
            journal: Vec::new(),
            events: Vec::new(),
            turned_in: 0,
            found: 0,
            durable: recovered.batch,
            shared_until: Time(i64::MIN),
            foreign: Vec::new(),
            numbers: LargestNumbers::default(),
            heard: Heard::from(recovered.at.plus(1000)),
        }
    }
    /// The number of the open batch.
    #[must_use]
    pub const fn number(&self) -> i64 {
        self.number
    }
    /// The time of the open batch.
    #[must_use]
    pub const fn at(&self) -> Time {
        self.at
    }
    /// Commands in the open batch.
    #[must_use]
    pub fn open(&self) -> usize {
        self.journal.len()
    }
    /// Records in the working set.
    #[must_use]
    pub fn cached(&self) -> usize {
        self.tables.len()
    }

    /// Reads that the working set answered, since the start, of commands that were decided.
    #[must_use]
    pub const fn found(&self) -> u64 {
        self.found
    }

    /// Applies `jobs` in order to the open batch and gives their outcomes. `now` may repeat or go back; the
    /// batch's time does not. A command that needs records not loaded lets the others go first.
    ///
    /// # Errors
    /// The loader's fault. The open batch then holds the commands that were decided before.
    ///
    /// # Panics
    /// When the batch would pass [`BATCH_MAX`].
    pub fn run(
        &mut self,
        now: Time,
        jobs: &[&Asked],
        loader: &mut dyn Loader,
        mut answered: impl FnMut(usize, Outcome),
    ) -> Result<(), Fault> {
        assert!(self.open() + jobs.len() <= BATCH_MAX, "a batch holds {BATCH_MAX} commands");
        self.at = self.at.max(now);
        self.begin(self.at);
        let done = self.run_all(jobs, loader, &mut answered);
        self.end();
        done
    }

    fn run_all(
        &mut self,
        jobs: &[&Asked],
        loader: &mut dyn Loader,
        answered: &mut dyn FnMut(usize, Outcome),
    ) -> Result<(), Fault> {
        for asked in jobs {
            if let Command::CreateOrder { terms, .. } = &asked.command {
                self.foresee(terms.signer(), &terms.number);
            }
        }
        let mut waiting: Vec<usize> = (0..jobs.len()).collect();
        for _ in 0..LOADS_MAX {
            let mut wanted = Vec::new();
            waiting.retain(|&place| match self.decide(jobs[place], &mut wanted) {
                Some(outcome) => {
                    answered(place, outcome);
                    false
                }
                None => true,
            });
            if waiting.is_empty() {
                return Ok(());
            }
            let mut seen = FxHashSet::default();
            wanted.retain(|key| seen.insert(key.clone()));
            self.load(wanted, loader)?;
        }
        Err(Fault::Failed(format!("a command asked for records {LOADS_MAX} times")))
    }

    /// Applies a command and drops its writes: what would happen, and to which records.
    ///
    /// # Errors
    /// The loader's fault.
    pub fn dry_run(
        &mut self,
        now: Time,
        asked: &Asked,
        loader: &mut dyn Loader,
    ) -> Result<(Outcome, Vec<Effect>), Fault> {
        self.begin(self.at.max(now));
        let ran = self.dry_run_once(now, asked, loader);
        self.end();
        ran
    }

    fn dry_run_once(
        &mut self,
        now: Time,
        asked: &Asked,
        loader: &mut dyn Loader,
    ) -> Result<(Outcome, Vec<Effect>), Fault> {
        for _ in 0..LOADS_MAX {
            let ctx = self.context(asked, now.max(self.at));
            let mut tx = Tx::new(&self.tables, &mut self.writes, &mut self.missing);
            let stop = apply(&asked.command, &ctx, &mut tx);
            let mut elsewhere = tx.told().elsewhere;
            let effects = if stop.is_ok() { self.writes.effects(&self.tables) } else { Vec::new() };
            self.writes.clear();
            let wanted = std::mem::take(&mut self.missing);
            if stop != Err(Stop::Missing) {
                elsewhere.retain(|key| self.outdated(key));
                if !elsewhere.is_empty() {
                    self.load(elsewhere, loader)?;
                    continue;
                }
            }
            match stop {
                Ok(reply) => return Ok((Ok(reply), effects)),
                Err(Stop::Rejected(rejection)) => return Ok((Err(rejection), effects)),
                Err(Stop::Missing) => self.load(wanted, loader)?,
            }
        }
        Err(Fault::Failed(format!("a command asked for records {LOADS_MAX} times")))
    }

    /// Closes the open batch; none when no command came.
    pub fn close(&mut self) -> Option<Closed> {
        if self.journal.is_empty() {
            return None;
        }
        // Ids run ahead of a clock that stands or went back. The batch's time never lies before an id in it, so
        // that a core that starts from this batch gives out later ones.
        self.at = self.at.max(Time(self.ids.0 * 1000));
        let journal = std::mem::take(&mut self.journal);
        let batch = self.tables.take_batch(self.number, self.at, journal);
        self.number += 1;
        let orders = batch.orders.iter().filter_map(|change| change.value.as_ref());
        let handed = orders.filter(|order| order.shard != self.place.shard).cloned().collect();
        Some(Closed { batch, events: std::mem::take(&mut self.events), handed })
    }

    /// Takes in orders as another shard handed them over to this one, in a batch that is durable: they need not be
    /// loaded. Such word may come late, twice, or never. What this shard may have changed since is not taken, as far as
    /// it can know; and should an order slip through, the store keeps no change that was made from it
    /// ([`Change::before`](domain::Change::before)). Gives how many were taken.
    pub fn hear(&mut self, orders: Vec<Order>) -> u64 {
        let mut taken = 0;
        for order in orders {
            let known = self.tables.orders.peek(&order.id).is_some();
            if order.shard == self.place.shard && !known && self.heard.is_news(order.id) {
                self.tables.orders.load(order.id, Some(order));
                taken += 1;
            }
        }
        taken
    }

    /// Lets records fall out of the working set, as far as the batches not yet durable allow: `durable` is the
    /// last one that is.
    pub fn turn(&mut self, durable: i64) {
        self.durable = durable;
        if durable >= self.turned_in && self.tables.turn() {
            self.turned_in = self.number;
            self.heard.turn();
        }
    }

    fn load(&mut self, mut wanted: Vec<Key>, loader: &mut dyn Loader) -> Result<(), Fault> {
        self.numbers.learn(&wanted, loader)?;
        wanted.retain(|key| match key {
            Key::OrderNumber((merchant, number)) => !self.foresee(*merchant, number),
            _ => true,
        });
        if wanted.is_empty() {
            return Ok(());
        }
        let found = loader.load(&wanted)?;
        assert_eq!(found.len(), wanted.len(), "a loader answers every key");
        for (key, record) in wanted.into_iter().zip(found) {
            if !self.place.is_only() && foreign(&key, record.as_ref(), self.place) {
                self.foreign.push(key.clone());
            }
            self.tables.load(key, record);
        }
        Ok(())
    }

    /// Takes a number for free without asking the store, if it surely is. Gives whether it is.
    fn foresee(&mut self, merchant: MerchantId, number: &str) -> bool {
        let free = self.numbers.is_free(merchant, number, self.place);
        if free {
            self.tables.order_numbers.load((merchant, number.into()), None);
        }
        free
    }

    /// Before commands run: what only the first shard writes is read anew from time to time.
    fn begin(&mut self, now: Time) {
        if self.place.shard != Shard::FIRST && now >= self.shared_until {
            self.forget_shared();
            self.shared_until = now.plus(SHARED_FOR);
        }
    }

    /// After commands ran: forgets what other shards decide about, as they may change it at any time. What this run
    /// itself changed stays.
    fn end(&mut self) {
        for key in std::mem::take(&mut self.foreign) {
            match key {
                Key::Order(id) => drop(self.tables.orders.forget(&id, 0)),
                Key::OrderNumber(number) => drop(self.tables.order_numbers.forget(&number, 0)),
                Key::Combined(id) => drop(self.tables.combined.forget(&id, 0)),
                Key::CombinedNumber(number) => drop(self.tables.combined_numbers.forget(&number, 0)),
                Key::Payer(id) => drop(self.tables.payers.forget(&id, 0)),
                Key::Crossing(id) => drop(self.tables.crossings.forget(&id, 0)),
                Key::UserTransfer(id) => drop(self.tables.user_transfers.forget(&id, 0)),
                Key::Account(id) => drop(self.tables.accounts.forget(&id, 0)),
                Key::NumberClaim(number) => drop(self.tables.number_claims.forget(&number, 0)),
                Key::SharingNumber(number) => drop(self.tables.sharing_numbers.forget(&number, 0)),
                Key::RefundNumber(number) => drop(self.tables.refund_numbers.forget(&number, 0)),
                _ => {}
            }
        }
    }

    /// Whether what is cached of a record may be old: then it is forgotten, to be read anew. This shard wrote it last
    /// when it handed the record over; other shards may have done so since.
    fn outdated(&mut self, key: &Key) -> bool {
        !self.foreign.contains(key)
            && match key {
                Key::Order(id) => {
                    let forgotten = self.tables.orders.forget(id, self.durable);
                    if forgotten {
                        self.heard.forgot(*id);
                    }
                    forgotten
                }
                Key::UserTransfer(id) => self.tables.user_transfers.forget(id, self.durable),
                _ => false,
            }
    }

    /// Reads anew what only the first shard writes: merchants, certificates, applications, limits, keys. It happens
    /// every two seconds; whoever knows of a change may have it happen at once. Nothing in the first shard itself.
    pub fn forget_shared(&mut self) {
        if self.place.shard != Shard::FIRST {
            self.tables.forget_shared();
        }
    }

    fn context(&mut self, asked: &Asked, now: Time) -> Context {
        let (millisecond, place) = self.ids;
        let current = id_time(IdBlock::new(now, 0, 0).id(0)).0 / 1000;
        let (millisecond, place) = if current > millisecond {
            (current, 0)
        } else if place + IdBlock::MOST <= IdBlock::PER_MS {
            (millisecond, place)
        } else {
            (millisecond + 1, 0)
        };
        self.ids = (millisecond, place);
        let place_in_batch = i64::try_from(self.journal.len()).unwrap_or(0);
        Context {
            now,
            ids: IdBlock::new(Time(millisecond * 1000), self.place.shard.number(), place),
            journal: JournalId::new(self.place.shard, self.number, place_in_batch),
            caller: asked.caller.clone(),
            place: self.place,
        }
    }

    /// Applies one command; none when it needs records, which go to `wanted`.
    fn decide(&mut self, asked: &Asked, wanted: &mut Vec<Key>) -> Option<Outcome> {
        let ctx = self.context(asked, self.at);
        let mut tx = Tx::new(&self.tables, &mut self.writes, &mut self.missing);
        let stop = with_request(asked, &ctx, &mut tx);
        let told = tx.told();
        if stop == Err(Stop::Missing) {
            self.writes.clear();
            wanted.append(&mut self.missing);
            return None;
        }
        let mut outdated = told.elsewhere;
        outdated.retain(|key| self.outdated(key));
        if !outdated.is_empty() {
            self.writes.clear();
            self.missing.clear();
            wanted.append(&mut outdated);
            return None;
        }
        self.found += u64::from(told.found);
        self.missing.clear(); // expected but, as it turned out, not needed
        self.ids.1 += told.blocks; // also of a rejected command: its journal line may name an id
        let outcome = match stop {
            Ok(reply) => {
                for ((merchant, number), _) in OrderNumber::writes(&self.writes) {
                    self.numbers.take(*merchant, number);
                }
                for (order, _) in Order::writes(&self.writes) {
                    self.heard.changed(*order);
                }
                self.tables.merge(&mut self.writes, self.number);
                self.events.extend(told.events);
                Ok(reply)
            }
            Err(Stop::Rejected(rejection)) => {
                self.writes.clear();
                Err(rejection)
            }
            Err(Stop::Missing) => unreachable!("handled above"),
        };
        self.journal.push(JournalLine {
            id: ctx.journal,
            at: ctx.now,
            caller: ctx.caller,
            command: asked.command.name(),
            subject: told.subject,
            outcome: outcome.as_ref().err().map_or("ok", Rejection::code),
            note: told.note,
            previous: told.previous,
        });
        Some(outcome)
    }
}

/// The key under which a shard keeps the first answer. Of several each keeps its own, and the low 6 bits of the last
/// byte say whose it is.
fn request_key(mut key: Digest, place: Place) -> Digest {
    if !place.is_only() {
        key.0[31] = key.0[31] & !63 | place.shard.number();
    }
    key
}

/// Whether another shard may change what is stored, or not, under a key. Asked of the kinds that a command may come
/// across without being at home there. That a number is taken and that a payer exists stays true once it is.
fn foreign(key: &Key, record: Option<&Record>, place: Place) -> bool {
    let home = match (key, record) {
        (Key::Order(_), Some(Record::Order(order))) => order.shard,
        (Key::Order(id), _) => Shard::of_id(id.0),
        (Key::UserTransfer(_), Some(Record::UserTransfer(transfer))) => transfer.shard,
        (Key::UserTransfer(id), _) => Shard::of_id(id.0),
        (Key::Crossing(id), _) => Shard::of_id(id.0),
        (Key::Account(id), _) => home::of_account(*id, place.shards),
        // What a combined order is made of never changes once it is there.
        (Key::Combined(id), None) => Shard::of_id(id.0),
        (Key::OrderNumber((merchant, number)) | Key::CombinedNumber((merchant, number)), None) => {
            place.shards.of_number(*merchant, number)
        }
        (Key::Payer(payer), None) => place.shards.of_payer(*payer),
        (Key::NumberClaim((_, signer, number)), None) => place.shards.of_number(*signer, number),
        // Any shard takes one, where the order is.
        (Key::RefundNumber(_) | Key::SharingNumber(_), None) => return true,
        _ => return false,
    };
    home != place.shard
}

/// Answers a repeated request as the first time; keeps the first answer.
fn with_request(asked: &Asked, ctx: &Context, tx: &mut Tx<'_>) -> Result<Reply, Stop> {
    let Some((key, content)) = asked.request else {
        return apply(&asked.command, ctx, tx);
    };
    let key = request_key(key, ctx.place);
    if let Some(first) = tx.get::<Request>(&key)? {
        if first.content != content {
            return Err(Rejection::RequestKeyReused.into());
        }
        let reply = serde_json::from_str(&first.answer);
        tx.note("answered as the first time");
        return reply.map_err(|_| Rejection::RequestKeyReused.into());
    }
    let reply = apply(&asked.command, ctx, tx)?;
    let answer = serde_json::to_string(&reply).unwrap_or_default().into();
    tx.put(Request { key, content, answer, at: ctx.now });
    Ok(reply)
}
