//! Order numbers that ascend, more or less, are known to be free without asking the store; the rule that each is taken
//! once holds for all.

use crate::world::{Shop, World, asked};
use domain::{Caller, Key, Record, Rejection, merchant::Product};
use engine::{
    Fault, Loader, Store,
    core::{Asked, Core, Outcome},
};
use types::{MerchantId, Place};

/// Counts the numbers it is asked for.
struct Counted(Box<dyn Loader>, usize);

impl Loader for Counted {
    fn load(&mut self, keys: &[Key]) -> Result<Vec<Option<Record>>, Fault> {
        self.1 += keys.iter().filter(|key| matches!(key, Key::OrderNumber(_))).count();
        self.0.load(keys)
    }
    fn largest_number(&mut self, merchant: MerchantId) -> Result<Option<Box<str>>, Fault> {
        self.0.largest_number(merchant)
    }
}

/// A core over a store that counts; each call is a durable batch.
struct Bench {
    core: Core,
    store: Store,
    loader: Counted,
}

impl Bench {
    fn over(world: &World) -> Self {
        let mut store = world.memory.open();
        let stands = store.committer.recover().unwrap();
        let loader = Counted(world.memory.open().loader, 0);
        Self { core: Core::new(stands, Place::ONLY), store, loader }
    }
    /// Places orders of these numbers; how many the store was asked for.
    fn place(&mut self, world: &World, shop: &Shop, numbers: &[&str], amount: i64) -> (Vec<Outcome>, usize) {
        let jobs: Vec<Asked> = numbers
            .iter()
            .map(|number| asked(Caller::platform(), shop.create(number, Product::Native, amount)))
            .collect();
        let (before, mut outcomes) = (self.loader.1, vec![Err(Rejection::NotAllowed); jobs.len()]);
        let jobs: Vec<&Asked> = jobs.iter().collect();
        self.core.run(world.now, &jobs, &mut self.loader, |at, outcome| outcomes[at] = outcome).unwrap();
        let closed = self.core.close().unwrap();
        self.store.committer.commit(&closed.batch).unwrap();
        self.core.turn(closed.batch.number);
        (outcomes, self.loader.1 - before)
    }
}

#[test]
fn the_store_is_not_asked_about_numbers_beyond_the_largest() {
    let mut world = World::new();
    let shop = world.shop();
    let mut bench = Bench::over(&world);
    let mut place = |numbers: &[&str], amount| {
        let (outcomes, asked) = bench.place(&world, &shop, numbers, amount);
        let refused: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
        (refused, asked)
    };
    assert_eq!(place(&["20261122-001", "20261122-002"], 1), (vec![], 0), "nothing stands there yet");
    assert_eq!(place(&["20261122-004", "20261122-005"], 1), (vec![], 0));
    assert_eq!(place(&["20261122-003", "20261121-009"], 1), (vec![], 0), "between others, and before them");
    assert_eq!(place(&["20261122-006", "20261122-006"], 1), (vec![], 0), "the same order twice in one batch");
    let used = Rejection::OrderNumberUsed;
    assert_eq!(place(&["20261122-004", "20261122-007"], 2), (vec![used.clone()], 0));
    assert_eq!(
        place(&["20261122-007", "20261122-001"], 1),
        (vec![used.clone()], 0),
        "taken by another amount above"
    );
    assert_eq!(place(&["20261122-003", "20261121-009"], 2), (vec![used; 2], 0), "taken out of order");
    world.prove();
}

/// A core that takes over knows of none, and asks for the largest before it takes the first.
#[test]
fn a_new_core_goes_by_what_the_store_holds() {
    let mut world = World::new();
    let shop = world.shop();
    assert_eq!(Bench::over(&world).place(&world, &shop, &["20261122-005"], 1).0.len(), 1);
    for (number, amount, taken) in [
        ("20261122-005", 2, true),
        ("20261122-004", 2, false),
        ("20261122-005", 1, false),
        ("20261122-006", 2, false),
    ] {
        let (outcomes, _) = Bench::over(&world).place(&world, &shop, &[number], amount);
        assert_eq!(outcomes[0] == Err(Rejection::OrderNumberUsed), taken, "{number}: {outcomes:?}");
    }
}

/// What fell out of the working set is not beyond the largest.
#[test]
fn a_number_that_fell_out_is_still_taken() {
    let mut world = World::new();
    let shop = world.shop();
    let mut bench = Bench::over(&world);
    bench.place(&world, &shop, &["first-000001"], 1);
    for batch in 0..70 {
        let numbers: Vec<String> = (0..1000).map(|n| format!("x-{:06}", batch * 1000 + n)).collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        assert_eq!(bench.place(&world, &shop, &numbers, 1).1, 0, "ascending");
    }
    let (outcomes, asked) = bench.place(&world, &shop, &["first-000001", "x-000000"], 2);
    assert_eq!((outcomes, asked), (vec![Err(Rejection::OrderNumberUsed); 2], 2));
}
