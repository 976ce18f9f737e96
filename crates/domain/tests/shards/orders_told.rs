//! A shard that hands an order over tells the one that decides about it from then on, which need not load it then. Such
//! word may come late, twice or never; nothing is decided for good by what was true once.

use crate::{
    orders_move::{buyer_in, confirmed, number_in, shards},
    world::{Buyer, Shop, World, asked, make::placed, sealed},
};
use domain::{
    Caller, Command, Rejection, Reply,
    merchant::Product,
    order::{Order, Terms},
    payment::Paid,
};
use types::{OrderId, Shard, time};

/// A world in which nobody is told anything by itself, and a payer of `b` that has paid before.
fn quiet(b: Shard) -> (World, Shop, Buyer) {
    let mut world = World::new();
    let shop = world.shop();
    let buyer = buyer_in(&mut world, b, 1_000_00);
    world.tells = false;
    let order = jsapi(&mut world, &shop, &buyer, "-before");
    assert_eq!(pay(&mut world, b, order.id, &buyer), Ok(Ok(Reply::Paid(Paid::Done(world.now)))));
    (world, shop, buyer)
}

/// An order for one payer alone, whose number is taken in the first shard; what is told of it.
fn jsapi(world: &mut World, shop: &Shop, buyer: &Buyer, name: &str) -> Order {
    let numbers = (0..).map(|n| format!("order{name}-{n:04}"));
    let mut free =
        numbers.into_iter().filter(|number| world.shards.of_number(shop.id, number) == Shard::FIRST);
    let terms = Terms { payer: Some(buyer.id), ..shop.terms(&free.next().unwrap(), Product::Jsapi, 10_00) };
    drop(free);
    let order = placed(world.ok(Command::CreateOrder { terms: sealed(terms), expires_at: None }));
    let told = world.handed.pop().unwrap();
    assert_eq!((told.id, &told), (order, &world.stored(order)), "what is told is what is stored");
    told
}

fn pay(
    world: &mut World,
    shard: Shard,
    order: OrderId,
    buyer: &Buyer,
) -> Result<engine::core::Outcome, engine::Fault> {
    let pay = confirmed(world, order, buyer);
    world.try_in(shard, pay)
}

#[test]
fn an_order_that_was_told_of_needs_no_load() {
    let [_, b, _] = shards();
    let (mut world, shop, buyer) = quiet(b);
    let told = jsapi(&mut world, &shop, &buyer, "-told");
    let untold = jsapi(&mut world, &shop, &buyer, "-untold");
    assert_eq!(world.core_of(b).hear(vec![told.clone()]), 1);
    assert_eq!(world.core_of(b).hear(vec![told.clone()]), 0, "told twice, heard once");
    let now = world.now;
    for (order, loads) in [(untold.id, true), (told.id, false)] {
        let job = asked(Caller::platform(), confirmed(&world, order, &buyer));
        let mut loader = world.memory.open().loader;
        world.memory.break_load(1);
        let mut outcomes = Vec::new();
        let ran = world.core_of(b).run(now, &[&job], &mut *loader, |_, outcome| outcomes.push(outcome));
        assert_eq!(ran.is_err(), loads, "{order}");
        if !loads {
            assert_eq!(outcomes, [Ok(Reply::Paid(Paid::Done(now)))]);
        }
    }
}

/// A moved order is told of, too, and told again when it moves on.
#[test]
fn an_order_that_moves_is_told_of() {
    let mut world = World::new();
    let (shop, [a, b, _]) = (world.shop(), shards());
    let buyer = buyer_in(&mut world, b, 100_00);
    let number = number_in(&world, &shop, a);
    let order = world.order(&shop, &number, Product::Native, 10_00);
    assert_eq!(world.handed, [], "it stays where it is");
    assert_eq!(world.run_in(a, Command::MoveOrder { order, to: b }), Ok(Reply::Done));
    assert_eq!(world.handed, [world.stored(order)]);
    assert_eq!(world.run_in(b, confirmed(&world, order, &buyer)), Ok(Reply::Paid(Paid::Done(world.now))));
    assert_eq!(world.handed, []);
}

#[test]
fn late_word_is_not_taken() {
    let [a, b, c] = shards();
    let (mut world, shop, buyer) = quiet(b);
    let late = jsapi(&mut world, &shop, &buyer, "-late");
    for other in [a, c] {
        assert_eq!(world.core_of(other).hear(vec![late.clone()]), 0, "{other} does not decide about it");
    }
    assert_eq!(pay(&mut world, b, late.id, &buyer), Ok(Ok(Reply::Paid(Paid::Done(world.now)))));
    assert_eq!(world.core_of(b).hear(vec![late.clone()]), 0, "it is known");

    // So many orders of later that this one falls out of the working set, in two turns.
    let core = world.core_of(b);
    let durable = core.number() - 1;
    for turn in 1..=2 {
        let of_later = |n: i64| Order { id: OrderId(late.id.0 + (turn << 44) + (n << 22)), ..late.clone() };
        assert_eq!(core.hear((0..30_000).map(of_later).collect()), 30_000);
        core.turn(durable);
        assert_eq!(core.hear(vec![late.clone()]), 0, "turn {turn}");
    }
    assert_eq!(pay(&mut world, b, late.id, &buyer), Ok(Err(Rejection::OrderPaid)));
}

/// Whoever takes a shard over does not know what was changed before. Where clocks are apart, it may take late word for
/// news; what it makes of that is kept by no store.
#[test]
fn a_change_made_from_late_word_is_not_kept() {
    let [_, b, _] = shards();
    let (mut world, shop, buyer) = quiet(b);
    let old = jsapi(&mut world, &shop, &buyer, "-old");
    let now = world.now;
    world.advance(time::MINUTE);
    let ahead = jsapi(&mut world, &shop, &buyer, "-ahead");
    world.now = now;
    for order in [&old, &ahead] {
        assert_eq!(pay(&mut world, b, order.id, &buyer), Ok(Ok(Reply::Paid(Paid::Done(world.now)))));
    }
    let paid = world.stored(ahead.id);
    world.restart();
    assert_eq!(world.core_of(b).hear(vec![old]), 0, "the shard's last batch is not older");
    assert_eq!(
        world.core_of(b).hear(vec![ahead.clone()]),
        1,
        "of a clock that is ahead by more than a second"
    );
    let fault = pay(&mut world, b, ahead.id, &buyer).unwrap_err();
    assert!(fault.to_string().contains("changed from what is not held"), "{fault}");
    assert_eq!(world.stored(ahead.id), paid, "nothing of it was kept");
    assert_eq!(pay(&mut world, b, ahead.id, &buyer), Ok(Err(Rejection::OrderPaid)), "it is read anew");
}
