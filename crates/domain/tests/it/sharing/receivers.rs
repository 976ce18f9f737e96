//! With whom a merchant may share.

use super::{asking, made, switch, terms_on, to_payer, to_shop, went};
use crate::world::World;
use domain::{
    Command, Rejection, Reply,
    sharing::{NewReceiver, Participation, Party, Relation, Unfit},
};
use types::{AppId, MerchantId, PayerId, Secret};

#[test]
fn a_receiver_is_agreed_on_before_it_gets_anything() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    let ask = asking(shop.id, order, "share-1", vec![to_payer(&shop, &buyer, 1_00)], false);
    assert_eq!(world.ask_share(ask.clone()), Err(Rejection::NoRelation(Party::Payer(buyer.id))));
    world.agree(&shop, Party::Payer(buyer.id));
    world.agree(&shop, Party::Payer(buyer.id));
    let id = made(world.ask_share(ask));
    assert_eq!(went(&world.finish(id)), [true]);
    assert_eq!(world.balance(&buyer), 1_000_00 - super::FEN + 1_00);
    let remove = |party, app| Command::RemoveReceiver { by: shop.id.into(), party, app };
    for _ in 0..2 {
        assert_eq!(world.signed(&shop, remove(Party::Merchant(friend.id), None)), Ok(Reply::Done));
    }
    let ask = asking(shop.id, order, "share-2", vec![to_shop(&friend, 1_00)], false);
    assert_eq!(world.ask_share(ask), Err(Rejection::NoRelation(Party::Merchant(friend.id))));
    let receiver = world.queries.receiver(shop.id, Party::Payer(buyer.id)).unwrap().unwrap();
    assert_eq!((receiver.relation, &*receiver.custom), (Relation::Store, ""));
}

#[test]
fn a_receiver_is_who_it_is_said_to_be() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let merchant = world.new_receiver(&shop, Party::Merchant(friend.id));
    let person = world.new_receiver(&shop, Party::Payer(buyer.id));
    let name = |text: &str| Some(Secret::new(text.to_owned()));
    let unfit = |why| Rejection::ReceiverWrong(why);
    let own = Party::Merchant(shop.id);
    let cases: [(&str, NewReceiver, Rejection); 11] = [
        ("no name", NewReceiver { name: None, ..merchant.clone() }, unfit(Unfit::NameMissing)),
        ("another name", NewReceiver { name: name("shop x"), ..merchant.clone() }, unfit(Unfit::NameDiffers)),
        ("itself", world.new_receiver(&shop, own), unfit(Unfit::Itself)),
        (
            "nobody",
            NewReceiver { party: Party::Merchant(MerchantId(5)), ..merchant.clone() },
            Rejection::MerchantNotFound(MerchantId(5)),
        ),
        ("a person's name", NewReceiver { name: name("李四"), ..person.clone() }, unfit(Unfit::NameUnknown)),
        ("no appid", NewReceiver { app: None, ..person.clone() }, unfit(Unfit::AppMissing)),
        (
            "another's appid",
            NewReceiver { app: Some(friend.app), ..person.clone() },
            Rejection::AppNotBound(friend.app, shop.id),
        ),
        (
            "an unknown appid",
            NewReceiver { app: Some(AppId(999)), ..merchant.clone() },
            Rejection::AppNotBound(AppId(999), shop.id),
        ),
        (
            "no payer",
            NewReceiver { party: Party::Payer(PayerId(999)), ..person.clone() },
            Rejection::PayerNotFound,
        ),
        (
            "a custom relation without a name",
            NewReceiver { relation: Relation::Custom, ..person.clone() },
            unfit(Unfit::RelationName),
        ),
        (
            "a name for a relation that has one",
            NewReceiver { custom: "茶友".into(), ..person.clone() },
            unfit(Unfit::RelationName),
        ),
    ];
    for (what, new, wanted) in cases {
        assert_eq!(world.signed(&shop, Command::AddReceiver(Box::new(new))), Err(wanted), "{what}");
    }
    let custom =
        NewReceiver {
            relation: Relation::Custom, custom: "茶友茶友茶友茶友茶友".into(), ..person.clone()
        };
    assert_eq!(world.signed(&shop, Command::AddReceiver(Box::new(custom.clone()))), Ok(Reply::Done));
    let long = NewReceiver { custom: "茶友茶友茶友茶友茶友茶".into(), ..custom };
    assert_eq!(world.signed(&shop, Command::AddReceiver(Box::new(long))), Err(unfit(Unfit::RelationName)));
    let caller = world.signed(&friend, Command::AddReceiver(Box::new(merchant.clone())));
    assert_eq!(caller, Err(Rejection::NotAllowed), "another merchant's request");
    world.ok(switch(&shop, Participation { max_ratio: None, ..terms_on() }));
    let off = world.signed(&shop, Command::AddReceiver(Box::new(merchant)));
    assert_eq!(off, Err(Rejection::SharingOff(shop.id)));
}

/// A receiver that is no longer agreed on, or can't take money, when its part goes: the money stays with the order.
#[test]
fn a_part_that_can_t_be_taken_comes_back_to_the_order() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let other = world.shop();
    world.agree(&shop, Party::Merchant(other.id));
    world.agree(&shop, Party::Payer(buyer.id));
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    let parts = vec![to_shop(&friend, 1_00), to_shop(&other, 2_00), to_payer(&shop, &buyer, 3_00)];
    let id = made(world.ask_share(asking(shop.id, order, "share-1", parts, false)));
    let remove = Command::RemoveReceiver { by: shop.id.into(), party: Party::Merchant(friend.id), app: None };
    world.signed(&shop, remove).unwrap();
    let stop = domain::merchant::MerchantChange { active: Some(false), ..Default::default() };
    world.ok(other.change(stop));
    let share = world.finish(id);
    use domain::sharing::{FailReason, Outcome};
    assert_eq!(share.parts[0].outcome, Outcome::Closed(FailReason::NoRelation));
    assert_eq!(share.parts[1].outcome, Outcome::Closed(FailReason::AccountAbnormal));
    assert_eq!(went(&share), [false, false, true]);
    let left = world.left(order);
    assert_eq!((left.unsplit, left.reserved, left.shared), (super::NET - 3_00, 0, 3_00));
}
