//! Random commands, run by one engine core over the store under test and by another over the store in memory:
//! answers, batches and in the end every record must be the same, and the money proved.

mod world;

use super::Open;
use crate::Memory;
use domain::{Batch, Event, Key};
use engine::{
    Queries, Store,
    core::{Asked, Core, Outcome},
};
use std::collections::HashSet;
use types::{PageRequest, Time, time};
use world::World;

const SEEDS: std::ops::Range<u64> = 1..4;
const ROUNDS: usize = 120;
const COMMANDS_MAX: u64 = 24;

pub(super) fn it_behaves_as_the_store_in_memory(open: Open<'_>) {
    let memory = Memory::default();
    for seed in SEEDS {
        run(seed, open, &|| memory.open());
    }
}

/// A store with a core over it.
struct Side<'a> {
    open: Open<'a>,
    store: Store,
    core: Core,
}

impl<'a> Side<'a> {
    fn new(open: Open<'a>) -> Self {
        let mut store = open();
        let recovered = store.committer.recover().expect("the store tells where it stands");
        Self { open, core: Core::new(recovered, types::Place::ONLY), store }
    }
    fn run(&mut self, now: Time, jobs: &[&Asked]) -> Vec<Outcome> {
        let mut outcomes = vec![None; jobs.len()];
        let ran = self.core.run(now, jobs, &mut *self.store.loader, |place, outcome| {
            outcomes[place] = Some(outcome);
        });
        ran.expect("the store loads");
        outcomes.into_iter().map(|outcome| outcome.expect("every command is answered")).collect()
    }
    fn commit(&mut self) -> (Batch, Vec<Event>) {
        let closed = self.core.close().expect("commands were run");
        self.store.committer.commit(&closed.batch).expect("the batch is committed");
        self.core.turn(closed.batch.number);
        (closed.batch, closed.events)
    }
}

fn run(seed: u64, open: Open<'_>, memory: Open<'_>) {
    let (mut ours, mut theirs) = (Side::new(open), Side::new(memory));
    let mut world = World::new(seed);
    let mut keys = HashSet::new();
    for round in 0..ROUNDS {
        if world.chance.below(4) == 0 {
            // As after a crash: nothing is cached, all is read from the store.
            ours = Side::new(ours.open);
            theirs = Side::new(theirs.open);
        }
        world.step();
        let many = 1 + world.chance.below(COMMANDS_MAX);
        let asked: Vec<Asked> = (0..many).map(|_| world.asked(&*theirs.store.queries)).collect();
        let jobs: Vec<&Asked> = asked.iter().collect();
        let outcomes = ours.run(world.now, &jobs);
        let wanted = theirs.run(world.now, &jobs);
        for ((outcome, wanted), asked) in outcomes.iter().zip(&wanted).zip(&asked) {
            assert_eq!(outcome, wanted, "seed {seed}, round {round}: {:?}", asked.command);
            world.learn(&asked.command, outcome);
        }
        let (batch, events) = ours.commit();
        let (wanted, _) = theirs.commit();
        assert_eq!(batch, wanted, "seed {seed}, round {round}: what is written");
        world.hear(&events);
        note_keys(&batch, &mut keys);
    }
    let mut keys: Vec<Key> = keys.into_iter().collect();
    keys.sort_by_key(|key| format!("{key:?}"));
    let (mut ours, mut theirs) = (Side::new(open), Side::new(memory));
    let found = ours.store.loader.load(&keys).expect("the store loads");
    let wanted = theirs.store.loader.load(&keys).expect("the store loads");
    for ((key, found), wanted) in keys.iter().zip(found).zip(wanted) {
        assert_eq!(found, wanted, "seed {seed}: {key:?} at the end");
    }
    compare(&world, &*ours.store.queries, &*theirs.store.queries);
    let proof = engine::prove::prove(&*ours.store.queries).expect("the store reads");
    assert!(proof.holds(), "seed {seed}: {:#?}", proof.failures);
    assert!(proof.orders > 20 && proof.transfers > 20, "seed {seed}: too little happened: {proof:?}");
}

fn note_keys(batch: &Batch, keys: &mut HashSet<Key>) {
    macro_rules! note {
        ($($field:ident: $variant:ident,)*) => {
            $(keys.extend(batch.$field.iter().map(|change| Key::$variant(change.key.clone())));)*
        };
    }
    note! {
        merchants: Merchant, certificates: Certificate, applications: Application, payers: Payer, phones: Phone,
        one_time_codes: OneTimeCode, sessions: Session, oauth_codes: OauthCode, cards: Card, orders: Order,
        order_numbers: OrderNumber, combined: Combined, combined_numbers: CombinedNumber,
        payments: Payment, payment_codes: PaymentCode, usage: Usage, limits: Limits,
        notifications: Notification, echoes: Echo, key_rings: KeyRing, counters: Counter, requests: Request, accounts: Account,
        transfers: Transfer,
    }
}

/// The read sides, list by list.
fn compare(world: &World, ours: &dyn Queries, theirs: &dyn Queries) {
    assert_eq!(ours.merchants(), theirs.merchants());
    assert_eq!(all(|take| ours.each_account(take)), all(|take| theirs.each_account(take)));
    assert_eq!(all(|take| ours.each_transfer(take)), all(|take| theirs.each_transfer(take)));
    assert_eq!(all(|take| ours.each_order(take)), all(|take| theirs.each_order(take)));
    assert_eq!(all(|take| ours.each_payment(take)), all(|take| theirs.each_payment(take)));
    assert_eq!(all(|take| ours.each_refund(take)), all(|take| theirs.each_refund(take)));
    assert_eq!(all(|take| ours.each_notification(take)), all(|take| theirs.each_notification(take)));
    for payer in &world.payers {
        assert_eq!(ours.bill(*payer, None, 1000), theirs.bill(*payer, None, 1000), "bill of {payer:?}");
        assert_eq!(ours.cards(*payer), theirs.cards(*payer));
        assert_eq!(ours.orders_to_confirm(*payer), theirs.orders_to_confirm(*payer));
        let head = theirs.payer(*payer).expect("the store reads").expect("the payer is there").journal;
        assert_eq!(ours.timeline(head, 1000), theirs.timeline(head, 1000), "timeline of {payer:?}");
    }
    for later in [0, time::MINUTE, 2 * time::DAY, 100 * time::DAY] {
        let now = world.now.plus(later);
        assert_eq!(
            ours.due_notifications(types::ShardSet::ONLY, now, 50),
            theirs.due_notifications(types::ShardSet::ONLY, now, 50)
        );
        assert_eq!(
            ours.due_payments(types::ShardSet::ONLY, now, 50),
            theirs.due_payments(types::ShardSet::ONLY, now, 50)
        );
        assert_eq!(
            ours.due_orders(types::ShardSet::ONLY, now, 50),
            theirs.due_orders(types::ShardSet::ONLY, now, 50)
        );
        let all = types::ShardSet::ONLY;
        assert_eq!(ours.due_refunds(all, now, 50), theirs.due_refunds(all, now, 50));
        let sorted = |queries: &dyn Queries| {
            let mut keys = queries.stale(types::ShardSet::ONLY, now, 100_000).expect("the store reads");
            // `Debug` shows the beginning of a hash only.
            keys.sort_by_key(|key| serde_json::to_string(key).unwrap_or_default());
            keys
        };
        assert_eq!(sorted(ours), sorted(theirs));
    }
    let mut after = None;
    loop {
        let page = PageRequest::new(150, after);
        let (found, wanted) = (ours.journal(page), theirs.journal(page));
        assert_eq!(found, wanted, "the journal after {after:?}");
        after = found.expect("the store reads").next;
        if after.is_none() {
            return;
        }
    }
}

fn all<T>(read: impl Fn(&mut dyn FnMut(T)) -> Result<(), engine::Fault>) -> Vec<T> {
    let mut rows = Vec::new();
    read(&mut |row| rows.push(row)).expect("the store reads");
    rows
}
