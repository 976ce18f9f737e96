//! Two nodes: the one that hands an order over tells the one that decides about it from then on.

use domain::{Caller, Command, Reply, order::Terms};
use fixture::Fixture;
use std::{
    thread,
    time::{Duration, Instant},
};
use types::{Shard, time};

#[test]
fn a_node_hears_of_the_orders_that_it_decides_about_from_now_on() {
    let fixture = Fixture::of_shards(2);
    let node = fixture.another_node("b");
    let shards = fixture.service.engine.shards();
    let heard = || {
        let nodes = [&fixture.service.engine, &node.service.engine];
        nodes.iter().map(|engine| engine.status().unwrap().heard).sum::<u64>()
    };
    let number_in = |name: &str, shard: Shard| {
        let numbers = (0..).map(|n| format!("{name}-{n:04}"));
        let mut there = numbers.filter(|number| shards.of_number(fixture.merchant, number) == shard);
        there.next().unwrap()
    };
    // An engine takes in what it heard when it gets something to do.
    let until = |shard: Shard, times: u64| {
        let since = Instant::now();
        loop {
            assert_eq!(fixture.run(Command::Sweep(shard, Vec::new())), Reply::Count(0));
            if heard() >= times {
                return assert_eq!(heard(), times);
            }
            assert!(since.elapsed() < Duration::from_secs(20), "{} of {times} heard of", heard());
            thread::sleep(Duration::from_millis(5));
        }
    };
    let mut times = heard();
    for (from, to) in [(0, 1), (1, 0)].map(|(from, to)| (Shard::new(from).unwrap(), Shard::new(to).unwrap()))
    {
        let payer = fixture.payer_in(to);
        // Later than whatever was done before the shard changed hands.
        fixture.clock.advance(10 * time::SECOND);
        let moved = fixture.order(&number_in("moved", from), 1_00);
        assert_eq!(heard(), times, "an order that stays is told to nobody");
        let moves = fixture.attempt(Command::MoveOrder { order: moved, to }, Caller::platform());
        assert_eq!(moves, Ok(Reply::Done));
        until(to, times + 1);
        fixture.pay_as(payer, moved, false);
        let terms = fixture.terms(&number_in("for-one", from), 2_00);
        let placed = fixture.place(Terms { payer: Some(payer), ..terms });
        times += 2;
        until(to, times);
        assert_eq!(fixture.order_record(placed).shard, to);
    }
    fixture.prove();
}
