//! Orders move to the shard of whoever pays them; numbers are taken in one place.

use crate::world::{Buyer, Shop, World, make::placed, sealed};
use domain::{
    Caller, Command, Rejection, Reply,
    merchant::{MerchantChange, Product},
    order::{OrderState, Terms},
    payment::{Confirmation, Entry, Paid},
};
use types::{OrderId, Shard, time};

/// A payer of that shard.
pub(crate) fn buyer_in(world: &mut World, shard: Shard, fen: i64) -> Buyer {
    loop {
        let buyer = world.buyer(fen);
        if world.shards.of_payer(buyer.id) == shard {
            return buyer;
        }
    }
}

/// A merchant's number that is taken in that shard.
pub(crate) fn number_in(world: &World, shop: &Shop, shard: Shard) -> String {
    let numbers = (0..).map(|n| format!("order-{n:04}"));
    numbers.into_iter().find(|number| world.shards.of_number(shop.id, number) == shard).unwrap()
}

pub(crate) fn shards() -> [Shard; 3] {
    [0, 1, 2].map(|number| Shard::new(number).unwrap())
}

pub(crate) fn confirmed(world: &World, order: OrderId, buyer: &Buyer) -> Command {
    Command::PayOrder(world.confirmation(order, buyer))
}

#[test]
fn a_payer_lives_where_its_phone_signed_in() {
    let mut world = World::new();
    let mut seen = [false; 3];
    for n in 0..30 {
        let phone = format!("{n} of many phones");
        let payer = world.sign_up(&phone);
        let home = world.shards.of_phone(&crate::world::digest(&phone).0);
        assert_eq!(world.shards.of_payer(payer), home, "{phone}");
        seen[usize::from(home.number())] = true;
    }
    assert_eq!(seen, [true; 3], "the numbers of three shards differ, and there are payers in each");
}

#[test]
fn an_order_moves_to_its_payer_and_both_steps_may_be_repeated() {
    let mut world = World::new();
    let (shop, [a, b, _]) = (world.shop(), shards());
    let buyer = buyer_in(&mut world, b, 100_00);
    let number = number_in(&world, &shop, a);
    let order = world.order(&shop, &number, Product::Native, 10_00);
    assert_eq!(world.stored(order).shard, a);
    let pay = confirmed(&world, order, &buyer);
    let moves = Command::MoveOrder { order, to: b };

    assert_eq!(world.run_in(b, pay.clone()), Err(Rejection::Elsewhere(a)), "it is not here yet");
    assert_eq!(world.run_in(a, pay.clone()), Err(Rejection::Elsewhere(b)), "nor is the payer there");
    assert_eq!(world.run_in(b, moves.clone()), Err(Rejection::Elsewhere(a)), "only its owner hands it over");
    for _ in 0..2 {
        assert_eq!(world.run_in(a, moves.clone()), Ok(Reply::Done));
        assert_eq!(world.stored(order).shard, b);
    }
    assert_eq!(world.run_in(a, shop.close(&number)), Err(Rejection::Elsewhere(b)));
    let done = Ok(Reply::Paid(Paid::Done(world.now)));
    assert_eq!(world.run_in(b, pay.clone()), done);
    assert_eq!(world.run_in(b, pay), Err(Rejection::OrderPaid), "paid once");
    assert_eq!(world.run_in(a, moves), Ok(Reply::Done), "it is there");
    let back = Command::MoveOrder { order, to: a };
    assert_eq!(world.run_in(b, back), Err(Rejection::OrderPaid), "a paid order stays with its payer");
    assert_eq!(world.ok(shop.create(&format!("{number}-other"), Product::Native, 1_00)), {
        Reply::Order(world.numbered(&shop, &format!("{number}-other")).id)
    });
}

/// What one payer tried and left, another one may pay: the order moves on, and back, and no shard goes by what it
/// knew of it before.
#[test]
fn an_order_moves_on_and_back() {
    let mut world = World::new();
    let (shop, [a, b, c]) = (world.shop(), shards());
    let buyers = [a, b, c].map(|shard| buyer_in(&mut world, shard, 100_00));
    let number = number_in(&world, &shop, a);
    let order = world.order(&shop, &number, Product::Native, 10_00);
    let wrong = |world: &World, buyer: &Buyer| {
        let asked = Confirmation { pin: crate::world::digest("wrong"), ..world.confirmation(order, buyer) };
        Command::PayOrder(asked)
    };
    for round in 0..3 {
        for buyer in &buyers {
            let tried = wrong(&world, buyer);
            assert!(matches!(world.ok(tried), Reply::Paid(Paid::Pin(_))), "round {round}");
            assert_eq!(world.stored(order).shard, world.shards.of_payer(buyer.id));
        }
    }
    for shard in shards() {
        let answer = world.run_in(shard, Command::ExpireOrder(order));
        let here = shard == c;
        assert_eq!(answer, if here { Ok(Reply::Done) } else { Err(Rejection::Elsewhere(c)) }, "{shard}");
    }
    assert_eq!(world.pay(order, &buyers[1]), Ok(Reply::Paid(Paid::Done(world.now))));
    assert_eq!(
        world.pay(order, &buyers[0]),
        Err(Rejection::OrderPaid),
        "another payer hears it from the owner"
    );
    assert_eq!(world.no(shop.close(&number)), Rejection::OrderPaid, "so does the merchant");
    assert_eq!(world.no(shop.create(&number, Product::Native, 10_00)), Rejection::OrderPaid);
    assert_eq!(world.stored(order).payer, Some(buyers[1].id));
}

#[test]
fn an_order_that_is_under_way_does_not_move() {
    let mut world = World::new();
    let (shop, [a, b, c]) = (world.shop(), shards());
    let (buyer, other) = (buyer_in(&mut world, b, 100_00), buyer_in(&mut world, c, 100_00));
    let order = world.order(&shop, &number_in(&world, &shop, a), Product::Native, 10_00);
    let payment = crate::world::make::waiting(world.pay_by_card(order, &buyer).unwrap());
    assert_eq!(world.pay(order, &other), Err(Rejection::OrderBusy));
    world.answer(payment, crate::world::make::declined());
    assert_eq!(world.stored(order).shard, b);
    assert_eq!(world.pay(order, &other), Ok(Reply::Paid(Paid::Done(world.now))));
    assert_eq!(world.stored(order).shard, c);
    for to in [3, 63] {
        let nowhere = Command::MoveOrder { order, to: Shard::new(to).unwrap() };
        assert_eq!(world.run_in(c, nowhere), Err(Rejection::NotAllowed));
    }
}

/// An order that one payer alone may pay is placed with that payer at once.
#[test]
fn an_order_for_one_payer_begins_there() {
    let mut world = World::new();
    let (shop, [a, b, c]) = (world.shop(), shards());
    let buyer = buyer_in(&mut world, b, 100_00);
    let number = number_in(&world, &shop, a);
    let terms = Terms { payer: Some(buyer.id), ..shop.terms(&number, Product::Jsapi, 10_00) };
    let create = Command::CreateOrder { terms: sealed(terms), expires_at: None };
    let order = placed(world.ok(create.clone()));
    assert_eq!(world.stored(order).shard, b);
    assert_eq!(world.ok(create.clone()), Reply::Order(order), "the same again");
    assert_eq!(world.run_in(b, Command::MoveOrder { order, to: c }), Err(Rejection::WrongPayer));
    let pay = confirmed(&world, order, &buyer);
    assert_eq!(world.run_in(b, pay), Ok(Reply::Paid(Paid::Done(world.now))), "without a move");
    assert_eq!(world.no(create), Rejection::OrderPaid);
}

#[test]
fn only_the_shard_that_would_know_says_that_there_is_no_order() {
    let mut world = World::new();
    let (shop, [a, b, _]) = (world.shop(), shards());
    let number = number_in(&world, &shop, a);
    assert_eq!(world.run_in(b, shop.close(&number)), Err(Rejection::Elsewhere(a)));
    assert_eq!(world.run_in(a, shop.close(&number)), Err(Rejection::OrderNotFound));
    // What b looked for in vain is made by a: b finds it.
    let order = world.order(&shop, &number, Product::Native, 1_00);
    assert_eq!(world.run_in(b, shop.close(&number)), Err(Rejection::Elsewhere(a)));
    let buyer = buyer_in(&mut world, b, 100_00);
    let later = OrderId(order.0 + (1 << 22));
    let unknown = Confirmation {
        order: later,
        payer: buyer.id,
        entry: Entry { product: Product::Native, issued_at: world.now },
        shown: types::Money::cny(1),
        card: None,
        pin: buyer.pin,
    };
    assert_eq!(world.run_in(b, Command::PayOrder(unknown)), Err(Rejection::Elsewhere(a)));
    assert_eq!(world.no(Command::PayOrder(unknown)), Rejection::OrderNotFound);
    let made_nowhere = Confirmation { order: OrderId(order.0 | 63 << 16), ..unknown };
    assert_eq!(world.no(Command::PayOrder(made_nowhere)), Rejection::OrderNotFound);
}

/// A code leads to its payer; the number is taken where numbers are taken, and only for a payment that goes through.
#[test]
fn a_code_payment_claims_its_number() {
    let mut world = World::new();
    let (shop, [a, b, c]) = (world.shop(), shards());
    let buyer = buyer_in(&mut world, b, 100_00);
    let number = number_in(&world, &shop, a);
    let code = world.shown_code(&buyer);
    assert_eq!(world.no(shop.code_pay(&number, 200_00, code)), Rejection::NotEnough);
    assert_eq!(world.queries.order_by_number(shop.id, &number), Ok(None), "refused: the number is free");

    let pay = shop.code_pay(&number, 10_00, code);
    let Command::CodePay { terms, .. } = &pay else { unreachable!() };
    let claim = |to| Command::ClaimOrder { terms: terms.clone(), to };
    assert_eq!(world.run_in(b, pay.clone()), Err(Rejection::Elsewhere(a)));
    assert_eq!(world.run_in(b, claim(b)), Err(Rejection::Elsewhere(a)));
    assert_eq!(world.run_in(a, claim(b)), Ok(Reply::Done));
    assert_eq!(world.run_in(a, claim(b)), Err(Rejection::Elsewhere(b)), "claimed: b has it");
    assert_eq!(world.run_in(b, claim(b)), Ok(Reply::Done));
    let claimed = world.numbered(&shop, &number);
    assert_eq!((claimed.shard, claimed.state, claimed.payer), (b, OrderState::Open, None));
    let by_hand = Confirmation {
        entry: Entry { product: Product::Code, issued_at: world.now },
        ..world.confirmation(claimed.id, &buyer)
    };
    assert_eq!(world.no(Command::PayOrder(by_hand)), Rejection::EntryMismatch, "only with a code");

    // Another payer's code, as when the till scanned again: the number goes there.
    let other = buyer_in(&mut world, c, 100_00);
    let second = world.shown_code(&other);
    assert_eq!(world.ok(shop.code_pay(&number, 10_00, second)), Reply::Order(claimed.id));
    let paid = world.stored(claimed.id);
    assert_eq!((paid.shard, paid.state, paid.payer), (c, OrderState::Paid, Some(other.id)));
    assert_eq!(world.ok(pay), Reply::Order(claimed.id), "the same request again, with the first code");
    assert_eq!(world.balance(&buyer), 100_00);
    let third = world.shown_code(&buyer);
    assert_eq!(world.no(shop.code_pay(&number, 11_00, third)), Rejection::OrderNumberUsed);
    world.ok(shop.reverse(&number));
    assert_eq!((world.balance(&other), world.takings(&shop), world.fees()), (100_00, 0, 0));
}

/// A number that was claimed and left, because the node died then, can be paid after its time, and closed.
#[test]
fn a_number_that_was_only_claimed_stays_of_use() {
    let mut world = World::new();
    let (shop, [a, b, _]) = (world.shop(), shards());
    let buyer = buyer_in(&mut world, b, 100_00);
    let number = number_in(&world, &shop, a);
    let terms = sealed(shop.terms(&number, Product::Code, 10_00));
    assert_eq!(world.run_in(a, Command::ClaimOrder { terms, to: b }), Ok(Reply::Done));
    let order = world.numbered(&shop, &number).id;
    world.advance(time::HOUR);
    assert_eq!(world.ok(Command::ExpireOrder(order)), Reply::Done);
    assert_eq!(world.state(order), OrderState::Expired);
    let code = world.shown_code(&buyer);
    assert_eq!(world.ok(shop.code_pay(&number, 10_00, code)), Reply::Order(order));
    assert_eq!(world.state(order), OrderState::Paid);

    let number =
        (0..).map(|n| format!("again-{n:04}")).find(|n| world.shards.of_number(shop.id, n) == a).unwrap();
    let terms = sealed(shop.terms(&number, Product::Code, 10_00));
    assert_eq!(world.run_in(a, Command::ClaimOrder { terms, to: b }), Ok(Reply::Done));
    assert_eq!(world.ok(shop.close(&number)), Reply::Done);
    let code = world.shown_code(&buyer);
    let closed = world.numbered(&shop, &number).id;
    assert_eq!(world.ok(shop.code_pay(&number, 10_00, code)), Reply::Order(closed), "as it stands");
    assert_eq!(world.state(closed), OrderState::Closed);
}

/// What only the first shard writes is known elsewhere within two seconds.
#[test]
fn a_merchants_change_is_known_everywhere_within_two_seconds() {
    let mut world = World::new();
    let (shop, [_, b, _]) = (world.shop(), shards());
    let number = number_in(&world, &shop, b);
    world.order(&shop, &number, Product::Native, 1_00);
    let suspend = shop.change(MerchantChange { active: Some(false), ..MerchantChange::default() });
    assert_eq!(world.run_in(b, suspend.clone()), Err(Rejection::Elsewhere(Shard::FIRST)));
    assert_eq!(world.run_in(Shard::FIRST, suspend), Ok(Reply::Done));
    let create = shop.create(&number, Product::Native, 1_00);
    assert!(world.run_in(b, create.clone()).is_ok(), "not yet");
    world.advance(2 * time::SECOND);
    assert_eq!(world.run_in(b, create), Err(Rejection::MerchantSuspended(shop.id)));
}

/// Each shard keeps its own first answers, and says so in the key.
#[test]
fn a_request_key_belongs_to_its_shard() {
    let mut world = World::new();
    let [a, b, _] = shards();
    let buyers = [a, b].map(|shard| buyer_in(&mut world, shard, 0));
    let key = crate::world::digest("a request key of thirty-2 bytes.");
    for buyer in &buyers {
        let mut job = crate::world::asked(Caller::platform(), Command::SetFreePay(buyer.id, true));
        job.request = Some((key, domain::records::Digest([0; 32])));
        for _ in 0..2 {
            assert_eq!(world.ask(&[&job]), [Ok(Reply::Done)]);
        }
        assert!(world.last.requests.is_empty(), "the second time it was kept already");
    }
}
