//! Clocks that stand, jump and go back, and starts over what others left: numbers only ever grow.

use crate::world::{START, World, asked};
use domain::{Caller, Command, merchant::Product};
use engine::core::BATCH_MAX;
use types::{OrderId, Time, TransactionId, id_time, time};

/// The clock goes back by a second, an hour, a year, to the beginning of time: batches, lines and ids go on.
#[test]
fn time_does_not_go_back_with_the_clock() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    let mut latest: (OrderId, i64, Time) = (OrderId(0), 0, Time(0));
    let back = [0, time::SECOND, time::HOUR, 365 * time::DAY, START.0];
    for (n, back) in back.into_iter().enumerate() {
        world.now = START.plus(-back);
        let order = world.order(&shop, &format!("order-{n:04}"), Product::Jsapi, 1_00);
        let made = (order, world.last.journal[0].id.0, world.last.at);
        assert!(made.0 > latest.0 && made.1 > latest.1 && made.2 >= latest.2, "{back} µs back");
        assert_eq!(world.last.journal[0].at, world.last.at, "the line has the batch's time");
        latest = made;
        // What was placed "later" than the clock says can be paid: the engine's time went on.
        let mut confirmed = world.confirmation(order, &buyer);
        confirmed.entry.issued_at = world.last.at;
        world.ok(Command::PayOrder(confirmed));
        let stored = world.stored(order);
        assert!(stored.paid_at.unwrap() >= START, "{back} µs back");
        assert!(stored.expires_at > stored.paid_at.unwrap());
    }
    world.now = START.plus(time::DAY);
    let next = world.order(&shop, "order-0099", Product::Jsapi, 1_00);
    assert_eq!(id_time(next.0), world.now, "a clock that has caught up is followed again");
}

/// More commands in one instant than ids fit into a millisecond: ids run ahead of the clock, and a core that
/// starts over the same store with the same clock runs ahead of them.
#[test]
fn ids_do_not_repeat_after_a_start_at_the_same_instant() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(0));
    let switch: Vec<_> = (0..BATCH_MAX)
        .map(|n| asked(Caller::platform(), Command::SetFreePay(buyer.id, n % 2 == 0)))
        .collect();
    let switch: Vec<_> = switch.iter().collect();
    let mut ids = Vec::new();
    for start in 0..3 {
        for n in 0..9 {
            world.ask(&switch);
            ids.push(world.order(&shop, &format!("order-{start}-{n}"), Product::Jsapi, 1_00));
        }
        let ahead = id_time(ids.last().unwrap().0);
        assert!(ahead > START, "9,009 commands do not fit into one millisecond");
        assert!(world.last.at >= ahead, "the batch's time covers its ids");
        world.restart();
        world.now = START;
    }
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    let wire = TransactionId(ids[0]).to_string();
    assert_eq!(wire.parse::<TransactionId>().unwrap().0, ids[0]);
}

/// A new process goes on where the last one stopped: batch, line and id numbers, whatever its clock says.
#[test]
fn a_start_goes_on_from_the_last_batch() {
    let mut world = World::new();
    let shop = world.shop();
    let mut before = (world.last.number, OrderId(0), Time(0));
    for n in 0..5 {
        let order = world.order(&shop, &format!("order-{n:04}"), Product::Jsapi, 1_00);
        let last = &world.last;
        assert_eq!(last.number, before.0 + 1, "no gap");
        assert_eq!(last.journal[0].id.0, last.number * 4096);
        assert!(order > before.1 && last.at > before.2, "start {n}");
        before = (last.number, order, last.at);
        world.restart();
        world.now = START.plus(-time::HOUR);
    }
}

/// A clock before the ids' own beginning (2020) makes ids all the same, and they grow.
#[test]
fn a_dead_clock_still_gives_ids() {
    let mut world = World::new();
    world.now = Time(0);
    let shop = world.shop();
    let first = world.order(&shop, "order-0001", Product::Jsapi, 1_00);
    let second = world.order(&shop, "order-0002", Product::Jsapi, 1_00);
    assert!(OrderId(0) < first && first < second);
}
