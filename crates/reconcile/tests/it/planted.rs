//! Every planted difference is found and classed, and none is invented.

use crate::world::{Planted, World};
use intake::Limits;
use proptest::prelude::*;
use reconcile::{
    Bill, Carried, Class, Exception, Folder, Memory, Outcome, Plan, Run, Scratch, Side, Totals,
    format::Format,
};
use std::collections::BTreeMap;
use types::{BusinessDay, time};

struct Found {
    exceptions: BTreeMap<String, Vec<Exception>>,
    held: Vec<Carried>,
    cleared: Vec<String>,
    totals: Totals,
}

fn reconcile<S: Scratch>(world: &World, scratch: S, pool: &[Carried]) -> Found {
    let format = Format::card_channel();
    let bill = world.write_bill(Vec::new(), &format).unwrap();
    let mut run = Run::new(Plan::two_way("card", world.day), scratch, 1 << 16).unwrap();
    pool.iter().for_each(|carried| run.carry(carried).unwrap());
    for nth in world.order(Side::Ledger) {
        world.said(Side::Ledger, nth).iter().for_each(|entry| run.add(Side::Ledger, entry).unwrap());
    }
    let mut bill = Bill::open(&bill[..], "bill.csv", &format, Limits::default()).unwrap();
    while let Some(entry) = bill.next_entry().unwrap() {
        run.add(Side::Channel, &entry).unwrap();
    }
    finish(run)
}

fn finish<S: Scratch>(run: Run<S>) -> Found {
    let (mut exceptions, mut held, mut cleared) =
        (BTreeMap::<String, Vec<Exception>>::new(), Vec::new(), Vec::new());
    let totals = run.finish(|outcome| {
        match outcome {
            Outcome::Exception(e) => exceptions.entry(e.key.clone()).or_default().push(*e),
            Outcome::Held(carried) => held.push(carried),
            Outcome::Cleared(id) => cleared.push(id),
        }
        Ok(())
    });
    Found { exceptions, held, cleared, totals: totals.unwrap() }
}

/// Holds what was found against what was planted.
fn check(world: &World, found: &Found) {
    let mut expected = BTreeMap::new();
    let mut held = 0;
    for nth in 0..world.count {
        let (entry, planted) = world.movement(nth);
        held += usize::from(planted == Planted::AcrossMidnight);
        if let Some(class) = planted.class() {
            expected.insert(entry.key.clone(), class);
        }
    }
    let classes: BTreeMap<String, Class> =
        found.exceptions.iter().map(|(key, all)| (key.clone(), all[0].class)).collect();
    assert_eq!(classes, expected);
    assert!(found.exceptions.values().all(|all| all.len() == 1), "one exception a difference");
    assert_eq!(found.held.len(), held);
    assert_eq!(found.totals.exceptions(), expected.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_planted_difference_is_found_and_none_invented(
        seed in any::<u64>(), count in 1_u64..1_500, per_mille in prop_oneof![Just(0), Just(10), Just(500), Just(1000)],
    ) {
        let world = World { seed, count, per_mille, day: BusinessDay(20_778) };
        let found = reconcile(&world, Memory::default(), &[]);
        check(&world, &found);
        prop_assert!(found.cleared.is_empty());
    }
}

#[test]
fn a_day_larger_than_memory_gives_the_same_through_files() {
    let world = World { seed: 1, count: 20_000, per_mille: 30, day: BusinessDay(20_778) };
    let folder = tempfile::tempdir().unwrap();
    let found = reconcile(&world, Folder::new(folder.path()), &[]);
    check(&world, &found);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let memory = reconcile(&world, Memory::default(), &[]);
    assert_eq!(found.exceptions, memory.exceptions);
    assert_eq!(found.held, memory.held);
}

/// A day run twice finds the same, under the same ids, so nothing is opened twice.
#[test]
fn a_day_run_twice_finds_the_same_ids() {
    let world = World { seed: 2, count: 3_000, per_mille: 100, day: BusinessDay(20_778) };
    let first = reconcile(&world, Memory::default(), &[]);
    let second = reconcile(&world, Memory::default(), &[]);
    assert_eq!(first.exceptions, second.exceptions);
    // With the exceptions handed back in, as a real second run does, only their open state is confirmed.
    let pool: Vec<Carried> = first.exceptions.values().flatten().flat_map(Exception::carried).collect();
    assert!(!pool.is_empty());
    let third = reconcile(&world, Memory::default(), &pool);
    let open = |found: &Found| found.totals.of(Class::Long) + found.totals.of(Class::Short);
    assert_eq!(open(&third), 0);
    assert_eq!(third.totals.exceptions() + open(&first), first.totals.exceptions());
}

/// What lies on both sides of midnight matches on the next day; what does not come by then is an exception.
#[test]
fn r_fin_69_midnight_is_no_difference_and_a_late_bill_clears() {
    let day = BusinessDay(20_778);
    let world = World { seed: 3, count: 4_000, per_mille: 200, day };
    let today = reconcile(&world, Memory::default(), &[]);
    assert!(today.held.len() > 20);

    // The next day brings the partner of every second held entry.
    let mut run =
        Run::new(Plan::two_way("card", BusinessDay(day.0 + 1)), Memory::default(), 1 << 16).unwrap();
    today.held.iter().for_each(|carried| run.carry(carried).unwrap());
    for (nth, carried) in today.held.iter().enumerate().filter(|(nth, _)| nth % 2 == 0) {
        let other = if carried.side == Side::Ledger { Side::Channel } else { Side::Ledger };
        let mut entry = carried.entry.clone();
        entry.at = entry.at.plus(time::MINUTE * (nth as i64 % 9));
        run.add(other, &entry).unwrap();
    }
    let tomorrow = finish(run);
    assert_eq!(tomorrow.held, [], "one day is the limit");
    assert_eq!(tomorrow.totals.exceptions() as usize, today.held.len() / 2);
    assert!(tomorrow.exceptions.values().flatten().all(|e| e.since == day && e.day.0 == day.0 + 1));
    assert_eq!(tomorrow.cleared, Vec::<String>::new());

    // On the third day the rest comes: the exceptions end without a correction.
    let open: Vec<&Exception> = tomorrow.exceptions.values().flatten().collect();
    let mut run =
        Run::new(Plan::two_way("card", BusinessDay(day.0 + 2)), Memory::default(), 1 << 16).unwrap();
    for exception in &open {
        let carried = exception.carried();
        let other = if carried[0].side == Side::Ledger { Side::Channel } else { Side::Ledger };
        carried.iter().for_each(|carried| run.carry(carried).unwrap());
        run.add(other, &carried[0].entry).unwrap();
    }
    let third = finish(run);
    assert_eq!(third.exceptions.len(), 0);
    let mut ids: Vec<String> = open.iter().map(|e| e.id.clone()).collect();
    ids.sort();
    let mut cleared = third.cleared;
    cleared.sort();
    assert_eq!(cleared, ids);
}
