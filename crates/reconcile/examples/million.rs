//! How long it takes to match a million ledger entries with a million rows of a bill, one in a hundred different.
//!
//! `cargo run --release -p feiqian-reconcile --example million -- [ROWS] [MEMORY_MIB]`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring tool")]

#[path = "../tests/it/world.rs"]
mod world;

use reconcile::{Bill, Folder, Outcome, Plan, Run, Side, format::Format};
use std::{
    fs::File,
    io::{BufReader, BufWriter},
    time::Instant,
};
use types::BusinessDay;
use world::World;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<u64>().unwrap());
    let count = arguments.next().unwrap_or(1_000_000);
    let memory = arguments.next().unwrap_or(64) << 20;
    let world = World { seed: 42, count, per_mille: 10, day: BusinessDay(20_778) };
    let format = Format::card_channel();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bill.csv");
    let made = Instant::now();
    world.write_bill(BufWriter::new(File::create(&path).unwrap()), &format).unwrap();
    let bytes = path.metadata().unwrap().len();
    println!("bill: {count} movements, {} MB, written in {:.1?}", bytes / 1_000_000, made.elapsed());
    // The ledger's side is made on the way, so what it costs to make is taken off.
    let made = Instant::now();
    let said: usize = world.order(Side::Ledger).map(|nth| world.said(Side::Ledger, nth).len()).sum();
    let making = made.elapsed();

    let began = Instant::now();
    let plan = Plan::two_way("card", world.day);
    let mut run = Run::new(plan, Folder::new(folder.path()), usize::try_from(memory).unwrap()).unwrap();
    for nth in world.order(Side::Ledger) {
        world.said(Side::Ledger, nth).iter().for_each(|entry| run.add(Side::Ledger, entry).unwrap());
    }
    println!("ledger: {said} entries taken in {:.2?}, {making:.2?} of it making them", began.elapsed());
    let reading = Instant::now();
    let input = BufReader::with_capacity(1 << 16, File::open(&path).unwrap());
    let mut bill = Bill::open(input, "bill.csv", &format, intake::Limits::default()).unwrap();
    while let Some(entry) = bill.next_entry().unwrap() {
        run.add(Side::Channel, &entry).unwrap();
    }
    println!("bill: {} rows read and checked in {:.2?}", bill.rows(), reading.elapsed());
    let merging = Instant::now();
    let mut found = std::collections::BTreeMap::new();
    let mut held = 0_u64;
    let totals = run.finish(|outcome| {
        match outcome {
            Outcome::Exception(e) => {
                found.insert(e.key, e.class);
            }
            Outcome::Held(_) => held += 1,
            Outcome::Cleared(_) => {}
        }
        Ok(())
    });
    let totals = totals.unwrap();
    println!("matched in {:.2?}", merging.elapsed());
    println!(
        "total: {:.2?}; with the making of the ledger's side taken off {:.2?}",
        began.elapsed(),
        began.elapsed() - making
    );
    println!("{totals:?}");

    let mut planted = std::collections::BTreeMap::new();
    let mut across = 0;
    for nth in 0..count {
        let (entry, what) = world.movement(nth);
        across += u64::from(what == world::Planted::AcrossMidnight);
        if let Some(class) = what.class() {
            planted.insert(entry.key, class);
        }
    }
    assert_eq!(found, planted, "every planted difference found and classed, none invented");
    assert_eq!(held, across);
    println!(
        "{} planted differences found and classed, none invented; {held} held over midnight",
        planted.len()
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("peak memory unknown"));
}
