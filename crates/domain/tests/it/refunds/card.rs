//! Refunds to a card: the channel ends them, and nothing else.

use super::{FEN, made, sold_by_card};
use crate::world::make::{declined, succeeded};
use domain::{
    Command, Event, Rejection, Reply,
    notification::About,
    payment::ChannelAnswer,
    refund::{Receiver, RefundState},
};
use ledger::TransferState;
use types::{Money, time};

#[test]
fn a_refund_to_a_card_waits_for_the_channel() {
    let (mut world, shop, _, order) = sold_by_card();
    let id = made(world.refund(&shop, "order-0001", "refund-1", 40_00));
    assert_eq!(world.events, [Event::RefundDue(id)]);
    let refund = world.refund_record(id);
    assert_eq!((refund.state, refund.attempt, refund.due_at), (RefundState::Processing, 1, Some(world.now)));
    assert_eq!(world.told(id), []);
    assert_eq!(
        world.queries.due_refunds(types::ShardSet::ONLY, world.now, 10).unwrap(),
        std::slice::from_ref(&refund)
    );
    let states: Vec<_> =
        refund.parts().map(|part| world.queries.transfer(part.id).unwrap().unwrap().state).collect();
    assert_eq!(states, [TransferState::Pending; 2]);
    let said = world.bank_says(id, 1, succeeded());
    assert_eq!(said, Ok(Reply::RefundState(RefundState::Succeeded)));
    assert_eq!((world.takings(&shop), world.fees(), world.receivable()), (60_00 - 36, 36, 60_00));
    let refund = world.refund_record(id);
    assert_eq!((&*refund.channel_code, refund.due_at, refund.ended_at), ("REF1", None, Some(world.now)));
    assert_eq!(world.told(id), [About::RefundSucceeded(id)]);
    for (answer, outcome) in [
        (succeeded(), Ok(Reply::RefundState(RefundState::Succeeded))),
        (ChannelAnswer::Unknown, Ok(Reply::RefundState(RefundState::Succeeded))),
        (declined(), Err(Rejection::RefundFinal)),
    ] {
        assert_eq!(world.bank_says(id, 1, answer), outcome);
    }
    assert_eq!((world.refund_record(id), world.stored(order).refunded.sum), (refund, 40_00));
}

/// Time asks again, ever more slowly; it never decides.
#[test]
fn accident_hyperswitch_2380_time_alone_never_ends_an_unknown_refund() {
    let (mut world, shop, ..) = sold_by_card();
    let id = made(world.refund(&shop, "order-0001", "refund-1", 40_00));
    for wait_s in [2, 5, 15, 60, 300, 900, 900, 900] {
        let said = world.bank_says(id, 1, ChannelAnswer::Unknown);
        assert_eq!(said, Ok(Reply::RefundState(RefundState::Unknown)));
        assert_eq!(world.refund_record(id).due_at, Some(world.now.plus(wait_s * time::SECOND)));
        world.advance(wait_s * time::SECOND);
    }
    world.advance(300 * time::DAY);
    assert_eq!(world.run(Command::ExpireRefund(id)), Ok(Reply::RefundState(RefundState::Unknown)));
    assert_eq!(world.unsettled(&shop).held().minor, 40_00 - 24, "still held");
    world.bank_says(id, 1, succeeded()).unwrap();
}

#[test]
fn an_abnormal_refund_goes_to_another_card() {
    let (mut world, shop, _, order) = sold_by_card();
    let id = made(world.refund(&shop, "order-0001", "refund-1", FEN));
    assert_eq!(world.bank_says(id, 1, declined()), Ok(Reply::RefundState(RefundState::Abnormal)));
    let refund = world.refund_record(id);
    assert_eq!((refund.state, refund.due_at, refund.ended_at), (RefundState::Abnormal, None, None));
    assert_eq!(world.told(id), [About::RefundAbnormal(id)]);
    assert_eq!(world.unsettled(&shop).held().minor, FEN - 60, "it can't be spent, nor refunded again");
    world.later();
    let again = world.refund(&shop, "order-0001", "refund-2", 1);
    assert_eq!(again, Err(Rejection::RefundTooMuch { left: Money::cny(0) }));

    let card = |tail: &str| Receiver {
        merchant: false,
        bank: "ICBC_DEBIT".into(),
        tail: tail.into(),
        token: format!("token {tail}").into(),
    };
    let retry = |to: Receiver| Command::RetryRefund {
        by: shop.id.into(),
        refund: id,
        number: "refund-1".into(),
        to: Box::new(to),
    };
    let stranger = world.shop();
    let (merchant, to) = (shop.id, Box::new(card("1111")));
    world.refuses([
        (
            "another merchant's",
            Command::RetryRefund {
                by: stranger.id.into(),
                refund: id,
                number: "refund-1".into(),
                to: to.clone(),
            },
            Rejection::RefundNotFound,
        ),
        (
            "another number",
            Command::RetryRefund { by: merchant.into(), refund: id, number: "refund-2".into(), to },
            Rejection::RefundNumberUsed,
        ),
    ]);
    assert_eq!(world.ok(retry(card("1111"))), Reply::RefundState(RefundState::Processing));
    assert_eq!(world.events, [Event::RefundDue(id)]);
    assert_eq!(world.ok(retry(card("1111"))), Reply::RefundState(RefundState::Processing), "the same again");
    let not_now = Rejection::RefundNotAbnormal(RefundState::Processing);
    assert_eq!(world.no(retry(card("2222"))), not_now, "not to two cards at once");
    // What the channel says of the first card, late and again, is not about the second.
    assert_eq!(world.bank_says(id, 1, declined()), Ok(Reply::RefundState(RefundState::Processing)));
    assert_eq!(world.bank_says(id, 1, succeeded()), Err(Rejection::RefundFinal));
    assert_eq!(world.bank_says(id, 2, declined()), Ok(Reply::RefundState(RefundState::Abnormal)));
    assert_eq!(world.told(id).len(), 2, "each card that could not is told");
    world.ok(retry(card("2222")));
    assert_eq!(world.bank_says(id, 3, succeeded()), Ok(Reply::RefundState(RefundState::Succeeded)));
    let refund = world.refund_record(id);
    assert_eq!((refund.attempt, refund.receiver), (3, Some(card("2222"))));
    assert_eq!((world.takings(&shop), world.fees(), world.receivable()), (0, 0, 0));
    assert_eq!(world.told(id).len(), 3);
    let ended = Rejection::RefundNotAbnormal(RefundState::Succeeded);
    assert_eq!(world.no(retry(card("3333"))), ended);
    assert_eq!(world.stored(order).refunded.sum, FEN);
}
