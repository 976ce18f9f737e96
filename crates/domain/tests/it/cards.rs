//! Paying and topping up by card: the channel decides, and until it has, nothing else does.

use crate::world::{
    Buyer, Shop, World, make,
    make::{declined, placed, succeeded, waiting},
    sealed,
};
use domain::{
    Command, Event, Rejection, Reply,
    card::{CARDS_MAX, NewCard},
    merchant::Product,
    order::{OrderState, Terms},
    payment::{ChannelAnswer, PaymentState},
    rejection::Cap,
};
use types::{CardId, Currency, Money, OrderId, PayerId, PaymentId, ShardSet, time};

const FEN: i64 = 50_00;

/// An order that waits for the channel's answer.
fn asked() -> (World, Shop, Buyer, OrderId, PaymentId) {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    let order = world.order(&shop, "order-0001", Product::Native, FEN);
    let payment = waiting(world.pay_by_card(order, &buyer).unwrap());
    (world, shop, buyer, order, payment)
}

/// An order whose payment the channel was asked for and did not say.
fn unknown() -> (World, Shop, Buyer, OrderId, PaymentId) {
    let (mut world, shop, buyer, order, payment) = asked();
    assert_eq!(world.answer(payment, ChannelAnswer::Unknown), Reply::Payment(PaymentState::Unknown));
    (world, shop, buyer, order, payment)
}

#[test]
fn the_channel_authorises_and_the_order_is_paid() {
    let (mut world, shop, buyer, order, payment) = asked();
    assert_eq!(world.events, [Event::AuthorisationDue(payment)]);
    assert_eq!(world.queries.due_payments(ShardSet::ONLY, world.now, 10).unwrap().len(), 1);
    assert_eq!((world.balance(&buyer), world.takings(&shop)), (100_00, 0), "asking moves nothing");

    assert_eq!(world.answer(payment, succeeded()), Reply::Payment(PaymentState::Succeeded));
    let stored = world.stored(order);
    assert_eq!(
        (stored.state, stored.payer, stored.card),
        (OrderState::Paid, Some(buyer.id), Some(buyer.card))
    );
    assert_eq!((world.balance(&buyer), world.takings(&shop), world.fees()), (100_00, FEN - 30, 30));
    assert_eq!(world.receivable(), 100_00 + FEN);
    assert_eq!(world.notifications(order).len(), 1);
    let kept = world.payment(payment);
    assert_eq!((kept.state, kept.ask_at, &*kept.channel_code), (PaymentState::Succeeded, None, "REF1"));
    let told = world.timeline(stored.journal);
    assert_eq!(told, ["answer_payment", "pay_order", "create_order"]);
}

/// While an outcome is unknown no second payment starts, by whomever, from whatever source.
#[test]
fn accident_killbill_1015_second_payment_while_unknown() {
    for make in [asked, unknown] {
        let (mut world, shop, buyer, order, payment) = make();
        let other = world.buyer(100_00);
        for payer in [&buyer, &other] {
            assert_eq!(world.pay(order, payer), Err(Rejection::OrderBusy));
            assert_eq!(world.pay_by_card(order, payer), Err(Rejection::OrderBusy));
        }
        assert_eq!(world.no(shop.close("order-0001")), Rejection::OrderBusy, "nor is it closed");
        world.answer(payment, succeeded());
        assert_eq!(world.pay(order, &other), Err(Rejection::OrderPaid));
        assert_eq!((world.balance(&buyer), world.balance(&other)), (100_00, 100_00), "paid once, by card");
        assert_eq!((world.receivable(), world.notifications(order).len()), (200_00 + FEN, 1));
    }
}

/// Time asks again, ever more slowly; it never decides.
#[test]
fn accident_hyperswitch_2380_time_alone_never_ends_unknown() {
    let (mut world, shop, _, order, payment) = asked();
    for (n, wait_s) in [2, 5, 15, 60, 300, 900, 900, 900].into_iter().enumerate() {
        world.answer(payment, ChannelAnswer::Unknown);
        let kept = world.payment(payment);
        let again = world.now.plus(wait_s * time::SECOND);
        assert_eq!((kept.state, kept.ask_at), (PaymentState::Unknown, Some(again)), "answer {n}");
        assert_eq!(kept.asked, u32::try_from(n).unwrap() + 1);
        assert!(world.queries.due_payments(ShardSet::ONLY, again.plus(-1), 10).unwrap().is_empty());
        assert_eq!(world.queries.due_payments(ShardSet::ONLY, again, 10).unwrap().len(), 1);
        world.now = again;
    }
    world.advance(365 * time::DAY);
    assert_eq!(world.queries.due_orders(ShardSet::ONLY, world.now, 10).unwrap(), [], "no timer is due");
    world.ok(Command::ExpireOrder(order));
    assert_eq!((world.state(order), world.stored(order).payment), (OrderState::Open, Some(payment)));
    assert_eq!(world.no(shop.close("order-0001")), Rejection::OrderBusy);
    assert_eq!(world.payment(payment).state, PaymentState::Unknown);

    // The money has left the card: a late success pays, long after the deadline.
    world.answer(payment, succeeded());
    assert_eq!((world.state(order), world.takings(&shop)), (OrderState::Paid, FEN - 30));
}

/// R-OPS-26: an answer that comes late breaks nothing, and until it comes the channel is polled. An order is paid
/// by it after its deadline, a top-up arrives a year later, and the same answer twice moves nothing twice.
#[test]
fn r_ops_26_a_late_answer_breaks_nothing() {
    let (mut world, shop, buyer, order, payment) = unknown();
    let top_up = waiting(world.ok(buyer.top_up(FEN)));
    world.advance(365 * time::DAY);
    let polled = world.queries.due_payments(ShardSet::ONLY, world.now, 10).unwrap();
    assert_eq!(polled.iter().map(|due| due.id).collect::<Vec<_>>(), [top_up, payment], "earliest first");
    for _ in 0..2 {
        world.answer(payment, succeeded());
        world.answer(top_up, succeeded());
        assert_eq!((world.state(order), world.takings(&shop)), (OrderState::Paid, FEN - 30));
        assert_eq!((world.balance(&buyer), world.receivable()), (100_00 + FEN, 100_00 + 2 * FEN));
        assert_eq!((world.notifications(order).len(), world.bill(&buyer).len()), (1, 3));
    }
    assert!(world.queries.due_payments(ShardSet::ONLY, world.now, 10).unwrap().is_empty());
}

#[test]
fn a_decline_opens_the_order_again() {
    for make in [asked, unknown] {
        let (mut world, _, buyer, order, payment) = make();
        let other = world.buyer(100_00);
        world.answer(payment, declined());
        let stored = world.stored(order);
        assert_eq!((stored.state, stored.payment, stored.payer), (OrderState::Open, None, None));
        assert_eq!(world.balance(&buyer), 100_00);
        world.pay(order, &other).unwrap();
        assert_eq!(world.stored(order).payer, Some(other.id));
        assert_eq!(world.no(Command::AnswerPayment(payment, succeeded())), Rejection::PaymentFinal);
    }
    // A second try by card after a decline is a payment of its own.
    let (mut world, shop, buyer, order, first) = asked();
    world.answer(first, declined());
    let second = waiting(world.pay_by_card(order, &buyer).unwrap());
    assert_ne!(first, second);
    world.answer(second, succeeded());
    assert_eq!((world.stored(order).payment, world.takings(&shop)), (Some(second), FEN - 30));
}

#[test]
fn a_declined_order_keeps_its_payer_and_its_deadline() {
    let mut world = World::new();
    let (shop, buyer, other) = (world.shop(), world.buyer(FEN), world.buyer(FEN));
    let terms = Terms { payer: Some(buyer.id), ..shop.terms("order-0001", Product::Jsapi, FEN) };
    let order = placed(world.ok(Command::CreateOrder { terms: sealed(terms), expires_at: None }));
    let payment = waiting(world.pay_by_card(order, &buyer).unwrap());
    world.advance(7 * time::DAY);
    world.ok(Command::ExpireOrder(order));
    world.answer(payment, declined());
    assert_eq!(world.stored(order).payer, Some(buyer.id));
    assert_eq!(world.pay(order, &other).unwrap_err().code(), "order_expired");
    assert_eq!(
        world.queries.due_orders(ShardSet::ONLY, world.now, 10).unwrap(),
        [order],
        "now the timer may end it"
    );
    world.ok(Command::ExpireOrder(order));
    assert_eq!(world.state(order), OrderState::Expired);
}

/// A final answer stays; the same again, or a lost one, changes nothing.
#[test]
fn a_final_answer_is_final() {
    let state = Reply::Payment;
    let (yes, no) = (PaymentState::Succeeded, PaymentState::Declined);
    for (first, second, wanted) in [
        (succeeded(), succeeded(), Ok(state(yes))),
        (succeeded(), ChannelAnswer::Succeeded("REF2".into()), Ok(state(yes))),
        (succeeded(), ChannelAnswer::Unknown, Ok(state(yes))),
        (succeeded(), declined(), Err(Rejection::PaymentFinal)),
        (declined(), declined(), Ok(state(no))),
        (declined(), ChannelAnswer::Unknown, Ok(state(no))),
        (declined(), succeeded(), Err(Rejection::PaymentFinal)),
    ] {
        let (mut world, _, buyer, order, payment) = unknown();
        let top_up = waiting(world.ok(buyer.top_up(FEN)));
        for payment in [payment, top_up] {
            world.answer(payment, first.clone());
            let before = (world.payment(payment), world.stored(order), world.receivable());
            let again = world.run(Command::AnswerPayment(payment, second.clone()));
            assert_eq!(again, wanted, "{first:?}, then {second:?}");
            assert_eq!((world.payment(payment), world.stored(order), world.receivable()), before);
            assert!(world.last.transfers.is_empty() && world.last.payments.is_empty());
        }
    }
    let (mut world, ..) = asked();
    assert_eq!(world.no(Command::AnswerPayment(PaymentId(7), succeeded())), Rejection::PaymentNotFound);
}

#[test]
fn a_top_up_arrives_when_the_channel_says_so() {
    let mut world = World::new();
    let buyer = world.buyer(0);
    for (said, added) in [(succeeded(), FEN), (declined(), 0), (ChannelAnswer::Unknown, 0)] {
        let before = world.balance(&buyer);
        let payment = waiting(world.ok(buyer.top_up(FEN)));
        assert_eq!(world.events, [Event::AuthorisationDue(payment)]);
        assert_eq!(world.balance(&buyer), before, "asking moves nothing");
        world.answer(payment, said.clone());
        assert_eq!(world.balance(&buyer), before + added, "{said:?}");
        assert_eq!(world.bill(&buyer).contains(&payment.0), added > 0, "{said:?}");
    }
    assert_eq!(world.receivable(), FEN);
}

/// A top-up's story is its own, from the request to the channel's word.
#[test]
fn a_top_ups_timeline_tells_its_life() {
    let mut world = World::new();
    let buyer = world.buyer(0);
    let payment = waiting(world.ok(buyer.top_up(FEN)));
    world.answer(payment, ChannelAnswer::Unknown);
    world.answer(payment, succeeded());
    let lines = world.lines(world.payment(payment).journal);
    let told: Vec<_> =
        lines.iter().map(|line| (&*line.command, line.note.as_deref().unwrap_or(""))).collect();
    let wanted = [("answer_payment", "REF1"), ("answer_payment", "outcome unknown"), ("top_up", "50.00")];
    assert_eq!(told, wanted);
    assert!(lines.iter().all(|line| line.subject == format!("payment:{payment}")));
}

#[test]
fn what_a_top_up_refuses() {
    let mut world = World::new();
    let (buyer, other) = (world.buyer(0), world.buyer(0));
    let top_up = |card, payer, amount| Command::TopUp { card, payer, amount, pin: buyer.pin };
    let of = |amount| top_up(buyer.card, buyer.id, amount);
    let left = Money::cny(50_000_00);
    world.refuses([
        ("nothing", of(Money::cny(0)), Rejection::AmountOutOfRange),
        ("less than nothing", of(Money::cny(-1)), Rejection::AmountOutOfRange),
        ("too much", of(Money::cny(50_000_01)), Rejection::LimitExceeded { limit: Cap::TopUp, left }),
        ("dollars", of(Money::new(1, Currency::USD)), Rejection::CurrencyUnsupported),
        ("no card", top_up(CardId(7), buyer.id, left), Rejection::CardNotFound),
        ("another's card", top_up(other.card, buyer.id, left), Rejection::CardNotFound),
        ("nobody", top_up(buyer.card, PayerId(99), left), Rejection::PayerNotFound),
    ]);
    world.ok(of(left));
}

#[test]
fn a_payer_binds_so_many_cards() {
    let mut world = World::new();
    let buyer = world.buyer(0);
    let bind = |payer, bound| {
        let (bank, tail, token) = ("CMB_DEBIT".into(), "4242".into(), "t".into());
        Command::BindCard(Box::new(NewCard { payer, bank, tail, token, channel: make::CHANNEL, bound }))
    };
    world.refuses([
        ("one too many", bind(buyer.id, CARDS_MAX), Rejection::TooManyCards(CARDS_MAX)),
        ("nobody's", bind(PayerId(99), 0), Rejection::PayerNotFound),
    ]);
    world.ok(bind(buyer.id, CARDS_MAX - 1));
    assert_eq!(world.queries.cards(buyer.id).unwrap().len(), 2);
}
