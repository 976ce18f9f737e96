//! Money between shards: each step once, whatever is repeated, and the proof holds at every instant.

use crate::world::{Buyer, Shop, World};
use domain::{
    Command, Event, Rejection, Reply,
    crossing::{Crossing, Sent},
    merchant::Product,
};
use ledger::{AccountId, Transfer, TransferKind, TransferState};
use types::{Currency, OrderId, Shard, ShardSet, TransferId};

/// A shop with takings in several shards, and who paid them.
fn takings() -> (World, Shop, Vec<(Buyer, OrderId)>) {
    let mut world = World::new();
    let shop = world.shop();
    let mut sales = Vec::new();
    for n in 0..6 {
        let buyer = world.buyer(100_00);
        sales.push((buyer, world.sale(&shop, &buyer, &format!("order-{n:04}"), 10_00)));
    }
    (world, shop, sales)
}

fn there(world: &World, account: AccountId) -> i64 {
    world.queries.account(account).unwrap().balance().minor
}

fn on_its_way(world: &World) -> Vec<Crossing> {
    world.queries.crossings(ShardSet::all(world.shards), 100).unwrap()
}

#[test]
fn takings_come_together_in_the_merchants_own_shard() {
    let (mut world, shop, _) = takings();
    let account = AccountId::merchant_unsettled(shop.id, Currency::CNY);
    let (all, home) = (world.takings(&shop), world.shards.of_merchant(shop.id));
    let mut left = 0;
    for shard in world.shards.all().filter(|shard| *shard != home) {
        let (from, before) = (account.at(shard), there(&world, account.at(shard)));
        let send = Command::SendToShard { from, to: home, most: None };
        let answer = world.ok(send.clone());
        if before == 0 {
            assert_eq!((answer, &*world.events), (Reply::Done, &[][..]), "nothing to bring");
            continue;
        }
        left += 1;
        let [Event::MoneySent(id)] = world.events[..] else { panic!("{:?}", world.events) };
        let [crossing] = on_its_way(&world)[..] else { panic!("{:?}", on_its_way(&world)) };
        assert_eq!(answer, Reply::Sent(Sent { id, amount: before }));
        assert_eq!((crossing.id, crossing.from, crossing.to), (id, from, account.at(home)));
        assert_eq!((crossing.amount, there(&world, from)), (before, 0));
        assert_eq!(world.takings(&shop), all - before, "it is under way");
        world.prove();
        for _ in 0..3 {
            assert_eq!(world.ok(Command::Receive(Box::new(crossing))), Reply::Done, "booked once");
            assert_eq!(world.takings(&shop), all);
            world.prove();
        }
        for _ in 0..2 {
            assert_eq!(world.ok(Command::Arrived(id)), Reply::Done);
            assert_eq!(on_its_way(&world), []);
            world.prove();
        }
        assert_eq!(world.ok(Command::Receive(Box::new(crossing))), Reply::Done, "a late repeat");
        assert_eq!(world.takings(&shop), all);
        assert_eq!(world.ok(send), Reply::Done, "nothing is left to bring");
    }
    assert!(left > 0, "some takings were elsewhere");
    assert_eq!(there(&world, account.at(home)), all);
}

#[test]
fn what_a_crossing_refuses() {
    let (mut world, shop, sales) = takings();
    let account = AccountId::merchant_unsettled(shop.id, Currency::CNY);
    let from = world.shards.all().map(|shard| account.at(shard)).find(|at| there(&world, *at) > 0).unwrap();
    let [here, to] = [from.shard(), world.shards.all().find(|shard| *shard != from.shard()).unwrap()];
    let send = |from, to, most| Command::SendToShard { from, to, most };
    let nowhere = Shard::new(3).unwrap();
    let payer = AccountId::payer_balance(sales[0].0.id, Currency::CNY);
    let elsewhere = world.shards.all().find(|s| *s != world.shards.of_payer(sales[0].0.id)).unwrap();
    world.refuses([
        ("to itself", send(from, here, None), Rejection::NotAllowed),
        ("to a shard that is not", send(from, nowhere, None), Rejection::NotAllowed),
        ("a payer's balance", send(payer, elsewhere, None), Rejection::NotAllowed),
        ("nothing", send(from, to, Some(0)), Rejection::AmountOutOfRange),
        ("less than nothing", send(from, to, Some(-1)), Rejection::AmountOutOfRange),
    ]);
    world.ok(send(from, to, Some(1)));
    let crossing = on_its_way(&world)[0];
    assert_eq!(crossing.amount, 1);
    world.ok(Command::Receive(Box::new(crossing)));
    let other = |amount, to| Command::Receive(Box::new(Crossing { amount, to, ..crossing }));
    let fees = AccountId::platform_fee(Currency::CNY).at(to);
    world.refuses([
        ("another amount under its number", other(2, crossing.to), Rejection::TransferMismatch),
        ("another account under its number", other(1, fees), Rejection::TransferMismatch),
        ("to where it came from", other(1, from), Rejection::NotAllowed),
    ]);
    let third = world.shards.all().find(|shard| *shard != here && *shard != to).unwrap();
    assert_eq!(world.run_in(third, Command::Receive(Box::new(crossing))), Err(Rejection::Elsewhere(to)));
    let made_nowhere = Crossing { id: TransferId(crossing.id.0 | 63 << 16), ..crossing };
    assert_eq!(world.no(Command::Receive(Box::new(made_nowhere))), Rejection::NotAllowed);
    let never_sent = Crossing { id: TransferId(crossing.id.0 + 8), ..crossing };
    assert_eq!(world.no(Command::Receive(Box::new(never_sent))), Rejection::TransferMismatch);
    // The second time it is asked for it has been sent: what was looked for in vain is found.
    world.ok(send(from, to, Some(2)));
    let second = on_its_way(&world)[1];
    let more = Crossing { amount: 3, ..second };
    assert_eq!(world.no(Command::Receive(Box::new(more))), Rejection::TransferMismatch);
    for _ in 0..2 {
        assert_eq!(world.ok(Command::Receive(Box::new(second))), Reply::Done);
    }
    world.ok(Command::Arrived(second.id));
    assert_eq!(
        world.ok(Command::Receive(Box::new(second))),
        Reply::Done,
        "it has arrived, and its record is gone"
    );
    world.ok(Command::Arrived(crossing.id));
}

/// Fees are swept too; what is returned later may put the sub-account below zero, and the sum is right.
#[test]
fn fees_are_swept_and_returned() {
    let mut world = World::new();
    let shop = world.shop();
    let away = Shard::new(1).unwrap();
    let buyer = loop {
        let buyer = world.buyer(100_00);
        if world.shards.of_payer(buyer.id) == away {
            break buyer;
        }
    };
    let code = world.shown_code(&buyer);
    world.ok(shop.code_pay("order-0001", 50_00, code));
    let fees = AccountId::platform_fee(Currency::CNY);
    assert_eq!(there(&world, fees.at(away)), 30);
    world.ok(Command::SendToShard { from: fees.at(away), to: Shard::FIRST, most: None });
    let crossing = on_its_way(&world)[0];
    // The sale is reversed while its fee is under way.
    world.ok(shop.reverse("order-0001"));
    assert_eq!((there(&world, fees.at(away)), world.balance(&buyer)), (-30, 100_00));
    world.prove();
    world.ok(Command::Receive(Box::new(crossing)));
    world.ok(Command::Arrived(crossing.id));
    assert_eq!((there(&world, fees), world.fees()), (30, 0));
    let nothing = Command::SendToShard { from: fees.at(away), to: Shard::FIRST, most: None };
    assert_eq!(world.ok(nothing), Reply::Done, "there is nothing to bring");
    assert_eq!(on_its_way(&world), []);
    let order = world.order(&shop, "order-0002", Product::Native, 10_00);
    assert!(world.pay(order, &buyer).is_ok());
}

/// The proof sees money that vanished between shards, that came twice, and that nobody brings on.
#[test]
fn the_proof_sees_what_is_lost_between_shards() {
    type Break = fn(&mut World, Crossing);
    let cases: [(&str, &str, Break); 3] = [
        ("no record", "nothing brings it on", |world, crossing| {
            world.write(|batch| {
                let change = domain::world::Change {
                    key: crossing.id,
                    value: None,
                    existed: true,
                    after: 0,
                    before: None,
                };
                batch.crossings.push(change);
            });
        }),
        ("came from nowhere", "was sent", |world, crossing| arrive(world, crossing.id.0 + 8, &crossing)),
        ("another amount arrived", "was sent", |world, crossing| {
            arrive(world, crossing.id.0, &Crossing { amount: crossing.amount + 1, ..crossing });
        }),
    ];
    for (what, told, spoil) in cases {
        let (mut world, shop, _) = takings();
        let account = AccountId::merchant_unsettled(shop.id, Currency::CNY);
        let from =
            world.shards.all().map(|shard| account.at(shard)).find(|at| there(&world, *at) > 0).unwrap();
        let to = world.shards.all().find(|shard| *shard != from.shard()).unwrap();
        world.ok(Command::SendToShard { from, to, most: None });
        let crossing = on_its_way(&world)[0];
        spoil(&mut world, crossing);
        world.sound = false;
        let proof = engine::prove::prove(&*world.queries).unwrap();
        let failures = proof.failures.join("\n");
        assert!(failures.contains(told), "{what}: {failures:?}");
    }
}

/// Writes that money arrived, as no command would.
fn arrive(world: &mut World, sent: i64, crossing: &Crossing) {
    let (source, here) = (crossing.from.shard(), crossing.to.shard());
    let transfer = Transfer {
        id: TransferId(sent + 1),
        debit: AccountId::in_transit(here, source, Currency::CNY),
        credit: crossing.to,
        amount: crossing.amount,
        kind: TransferKind::ShardReceive,
        state: TransferState::Posted,
        subject: sent,
        at: world.now,
    };
    world.write(|batch| batch.transfers.push(crate::world::hand::added(transfer)));
}
