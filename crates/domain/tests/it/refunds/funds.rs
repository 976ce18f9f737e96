//! From which of the merchant's money a refund is paid.

use super::{FEN, asking, made, sold, terms};
use crate::world::{World, make::succeeded};
use domain::{
    Rejection, Reply,
    refund::{Funds, RefundState, RefundTerms},
};

/// What a merchant has not got can't be refunded; what is held for one refund is not there for another.
#[test]
fn a_refund_needs_the_merchants_money_and_holds_it() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(0));
    let first = world.card_sale(&shop, &buyer, "order-0001", FEN);
    world.card_sale(&shop, &buyer, "order-0002", FEN);
    world.raise_fee(&shop, first, FEN - 60); // the takings of the first order are gone
    let held = made(world.refund(&shop, "order-0002", "refund-2", 60_00));
    let account = world.unsettled(&shop);
    assert_eq!((account.held().minor, account.available().minor), (60_00 - 36, 40_00 - 24));
    world.later();
    // The first order's fee is its whole amount by hand, so its refund would cost the merchant nothing: take the other.
    assert_eq!(world.refund(&shop, "order-0002", "refund-3", 40_00).map(|_| ()), Ok(()));
    assert_eq!(world.unsettled(&shop).available().minor, 0);
    world.later();
    let available = RefundTerms { funds: Funds::Available, ..terms(&shop, "refund-4", 1_00) };
    let (mut poor, poor_shop, ..) = sold();
    let new = asking(&poor_shop, "order-0001", FEN, RefundTerms { merchant: poor_shop.id, ..available });
    assert_eq!(poor.ask_refund(new), Err(Rejection::NotEnough), "nothing is settled yet");
    assert_eq!(world.bank_says(held, 1, succeeded()), Ok(Reply::RefundState(RefundState::Succeeded)));
}

#[test]
fn a_refund_pays_from_settled_money_when_asked() {
    let (mut world, shop, buyer, _) = sold();
    world.next_morning();
    assert_eq!((world.unsettled(&shop).available().minor, world.available(&shop)), (0, FEN - 60));
    assert_eq!(
        world.refund(&shop, "order-0001", "refund-1", 1_00),
        Err(Rejection::NotEnough),
        "unsettled is empty"
    );
    let settled = RefundTerms { funds: Funds::Available, ..terms(&shop, "refund-2", FEN) };
    let id = made(world.ask_refund(asking(&shop, "order-0001", FEN, settled)));
    assert_eq!(world.refund_record(id).state, RefundState::Succeeded);
    assert_eq!((world.available(&shop), world.balance(&buyer)), (0, FEN));
}
