//! Requests to share: what they may ask, and what becomes of it.

use super::{FEN, NET, asking, made, switch, terms_on, to_payer, to_shop, went};
use crate::world::World;
use domain::{
    Actor, Caller, Command, Rejection, Reply,
    merchant::Product,
    notification::About,
    sharing::{Outcome, Participation, Party, Unfit},
};
use types::{MerchantId, Money, PageRequest, time};

/// Parts go one by one after the request is answered; each moves by its own transfer, and who agreed is told.
#[test]
fn receivers_get_their_parts_and_are_told() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    world.agree(&shop, Party::Payer(buyer.id));
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    let parts = vec![to_shop(&friend, 20_00), to_payer(&shop, &buyer, 5_00)];
    let id = made(world.ask_share(asking(shop.id, order, "share-1", parts, false)));
    let left = world.left(order);
    assert_eq!((left.unsplit, left.reserved, left.shared), (NET - 25_00, 25_00, 25_00));
    assert_eq!((world.aside(&shop), world.available(&friend)), (NET, 0), "nothing has moved yet");
    assert_eq!(world.share_record(id).finished_at, None);
    assert_eq!(world.ok(Command::FinishShare(id)), Reply::Finished(false));
    assert_eq!((world.aside(&shop), world.available(&friend)), (NET - 20_00, 20_00));
    let share = world.finish(id);
    assert_eq!((went(&share), share.finished_at), (vec![true, true], Some(world.now)));
    assert_eq!(world.balance(&buyer), 1_000_00 - FEN + 5_00);
    let left = world.left(order);
    assert_eq!((left.unsplit, left.reserved, left.shared), (NET - 25_00, 0, 25_00));
    assert_eq!(world.ok(Command::FinishShare(id)), Reply::Finished(true), "again changes nothing");
    let page = world.queries.notifications(Some(friend.id), PageRequest::new(9, None)).unwrap();
    let told: Vec<About> = page.rows.iter().map(|row| row.about).collect();
    let Outcome::Succeeded(transfer) = share.parts[0].outcome else { panic!("{share:?}") };
    assert_eq!(told, [About::ShareReceived(transfer)]);
}

#[test]
fn the_same_number_is_the_same_request() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    let ask = asking(shop.id, order, "share-1", vec![to_shop(&friend, 1_00)], false);
    let id = made(world.ask_share(ask.clone()));
    assert_eq!(made(world.ask_share(ask.clone())), id);
    world.finish(id);
    world.advance(40 * time::DAY);
    world.ok(Command::ReleaseSharing(order));
    assert_eq!(made(world.ask_share(ask)), id, "also after all has ended");
    let other = asking(shop.id, order, "share-1", vec![to_shop(&friend, 1_01)], false);
    assert_eq!(world.ask_share(other), Err(Rejection::ShareNumberUsed));
}

#[test]
fn no_more_than_is_left_and_agreed_can_be_shared() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    let ask = |number: &str, fen| asking(shop.id, order, number, vec![to_shop(&friend, fen)], false);
    assert_eq!(world.ask_share(ask("share-1", 30_01)), Err(Rejection::ShareAboveRatio(3_000)));
    let id = made(world.ask_share(ask("share-1", 29_00)));
    assert_eq!(world.ask_share(ask("share-2", 1_01)), Err(Rejection::ShareAboveRatio(3_000)), "in sum");
    made(world.ask_share(ask("share-2", 1_00)));
    world.ok(switch(&shop, Participation { max_ratio: Some(10_000), ..terms_on() }));
    let left = Money::cny(NET - 30_00);
    let too_much = ask("share-3", NET - 30_00 + 1);
    assert_eq!(world.ask_share(too_much), Err(Rejection::ShareTooMuch { left }));
    let all = made(world.ask_share(ask("share-3", NET - 30_00)));
    let nothing = Money::cny(0);
    assert_eq!(world.ask_share(ask("share-4", 1)), Err(Rejection::ShareTooMuch { left: nothing }));
    let unfreeze = asking(shop.id, order, "share-4", Vec::new(), true);
    assert_eq!(world.ask_share(unfreeze), Err(Rejection::ShareTooMuch { left: nothing }), "of nothing");
    for id in [id, all] {
        world.finish(id);
    }
    let second = world.queries.share_by_number(shop.id, "share-2").unwrap().unwrap();
    world.finish(second.id);
    assert_eq!((world.aside(&shop), world.available(&friend)), (0, NET));
}

#[test]
fn what_a_request_may_be() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    let plain = world.sale(&shop, &buyer, "order-0002", FEN);
    let open = world.ready_to_share(&shop, "order-0003");
    let to = |fen| vec![to_shop(&friend, fen)];
    let many: Vec<_> = (0..51).map(|_| to_shop(&friend, 1)).collect();
    let another = MerchantId(1_900_000_999);
    let cases = [
        ("nothing", asking(shop.id, order, "s", Vec::new(), false), Rejection::ReceiverWrong(Unfit::Count)),
        ("51", asking(shop.id, order, "s", many, false), Rejection::ReceiverWrong(Unfit::Count)),
        (
            "twice",
            asking(shop.id, order, "s", [to(1), to(2)].concat(), false),
            Rejection::ReceiverWrong(Unfit::Twice),
        ),
        ("zero", asking(shop.id, order, "s", to(0), false), Rejection::AmountOutOfRange),
        ("below zero", asking(shop.id, order, "s", to(-1), false), Rejection::AmountOutOfRange),
        ("an order that is not shared", asking(shop.id, plain, "s", to(1), false), Rejection::NotSharing),
        ("an order that is not paid", asking(shop.id, open, "s", to(1), false), Rejection::OrderNotPaid),
        ("another's order", asking(friend.id, order, "s", to(1), false), Rejection::OrderNotFound),
        (
            "no relation",
            asking(shop.id, order, "s", vec![super::part(Party::Merchant(another), 1)], false),
            Rejection::NoRelation(Party::Merchant(another)),
        ),
    ];
    for (what, ask, wanted) in cases {
        assert_eq!(world.ask_share(ask), Err(wanted), "{what}");
    }
    let ask = asking(shop.id, order, "s", to(1), false);
    for caller in [Actor::Platform, Actor::Merchant(friend.id), Actor::Payer(buyer.id)] {
        let asked = world.run_as(Caller::of(caller), Command::Share(Box::new(ask.clone())));
        assert_eq!(asked, Err(Rejection::NotAllowed), "{caller}");
    }
    assert_eq!(world.state(open), domain::order::OrderState::Open);
    assert_eq!(world.stored(plain).terms.product, Product::Jsapi);
}

#[test]
fn an_order_takes_fifty_requests() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    for n in 0..50 {
        world.share(&shop, order, &format!("share-{n}"), vec![to_shop(&friend, 1)], false);
    }
    let ask = asking(shop.id, order, "share-50", vec![to_shop(&friend, 1)], false);
    assert_eq!(world.ask_share(ask), Err(Rejection::SharesTooMany(50)));
    let sharing = world.left(order);
    let shares = world.queries.shares_of(&sharing).unwrap();
    assert_eq!((shares.len(), &*shares[0].number, &*shares[49].number), (50, "share-49", "share-0"));
    assert_eq!((sharing.shared, world.available(&friend)), (50, 50));
}

/// The last request unfreezes the rest: it is the merchant's own part, and goes to the takings.
#[test]
fn the_rest_is_unfrozen_with_the_last_request() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    let share = world.share(&shop, order, "share-1", vec![to_shop(&friend, 10_00)], true);
    assert_eq!(went(&share), [true, true]);
    let own = &share.parts[1];
    assert_eq!(
        (own.party, own.amount, &*own.description),
        (Party::Merchant(shop.id), NET - 10_00, "the rest")
    );
    assert_eq!((world.aside(&shop), world.takings(&shop)), (0, NET - 10_00));
    let left = world.left(order);
    assert_eq!((left.unsplit, left.reserved, left.due_at), (0, 0, None));
    let ask = asking(shop.id, order, "share-2", vec![to_shop(&friend, 1)], false);
    assert_eq!(world.ask_share(ask), Err(Rejection::SharingEnded));
}

/// A part that fails after the rest was unfrozen follows it to the takings.
#[test]
fn a_part_that_fails_after_the_unfreeze_goes_to_the_takings() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    let ask = asking(shop.id, order, "share-1", vec![to_shop(&friend, 10_00)], true);
    let id = made(world.ask_share(ask));
    let remove = Command::RemoveReceiver { by: shop.id.into(), party: Party::Merchant(friend.id), app: None };
    world.signed(&shop, remove).unwrap();
    assert_eq!(went(&world.finish(id)), [false, true]);
    assert_eq!((world.aside(&shop), world.takings(&shop), world.available(&friend)), (0, NET, 0));
}

/// Nothing leaves while the merchant's money is frozen; afterwards the same parts go.
#[test]
fn parts_wait_while_the_money_is_frozen() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    let ask = asking(shop.id, order, "share-1", vec![to_shop(&friend, 10_00)], true);
    let id = made(world.ask_share(ask));
    let aside = ledger::AccountId::merchant_sharing(shop.id, types::Currency::CNY);
    world.freeze(aside, true);
    assert_eq!(world.ok(Command::FinishShare(id)), Reply::Finished(false));
    assert_eq!(world.share_record(id).due_at, Some(world.now.plus(10 * time::MINUTE)));
    world.freeze(aside, false);
    assert_eq!(went(&world.finish(id)), [true, true]);
}
