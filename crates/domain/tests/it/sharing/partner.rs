//! A partner shares what its sub-merchant took, for the sub-merchant (R-FIN-13).

use super::{FEN, NET, asking, made, part, switch, terms_on, went};
use crate::world::{World, sealed};
use domain::{
    Command, Rejection, Reply,
    merchant::Product,
    order::{ByPartner, Terms},
    partner::{Permission, Permissions, Principal},
    sharing::{NewReceiver, Party},
};

#[test]
fn r_fin_13_a_head_office_shares_a_branchs_takings_if_it_may() {
    let mut world = World::new();
    let (office, branch, buyer) = (world.shop(), world.shop(), world.buyer(FEN));
    world.ok(switch(&branch, terms_on()));
    let add = |permissions| Command::AddSubMerchant { merchant: branch.id, partner: office.id, permissions };
    world.ok(add(Permissions::USUAL));
    let by = Principal::by_partner(branch.id, office.id);
    let terms = Terms {
        merchant: branch.id,
        partner: Some(ByPartner { id: office.id, sub_app: None }),
        sharing: true,
        ..office.terms("order-0001", Product::Native, FEN)
    };
    let order = world.signed(&office, Command::CreateOrder { terms: sealed(terms), expires_at: None });
    let order = crate::world::make::placed(order.unwrap());
    world.pay(order, &buyer).unwrap();
    assert_eq!(world.aside(&branch), NET, "the money is the branch's");
    let receiver = world.new_receiver(&branch, Party::Merchant(office.id));
    let receiver = Command::AddReceiver(Box::new(NewReceiver { by, ..receiver }));
    let ask = asking(by, order, "share-1", vec![part(Party::Merchant(office.id), 5_00)], true);
    let may_not =
        Rejection::PartnerMayNot { merchant: branch.id, partner: office.id, permission: Permission::Sharing };
    assert_eq!(world.signed(&office, receiver.clone()), Err(may_not.clone()));
    assert_eq!(world.ask_share(ask.clone()), Err(may_not));
    world.ok(add(Permissions::USUAL.and(Permission::Sharing)));
    assert_eq!(world.signed(&office, receiver), Ok(Reply::Done));
    let own = asking(branch.id, order, "share-1", vec![part(Party::Merchant(office.id), 5_00)], true);
    assert_eq!(world.ask_share(own), Err(Rejection::OrderNotFound), "the order is in the partner's name");
    let id = made(world.ask_share(ask));
    assert_eq!(went(&world.finish(id)), [true, true]);
    assert_eq!((world.available(&office), world.takings(&branch)), (5_00, NET - 5_00));
    assert_eq!(world.queries.share_by_number(office.id, "share-1").unwrap().map(|share| share.id), Some(id));
}
