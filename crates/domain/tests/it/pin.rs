//! The payment PIN: wrong ones are counted wherever they are given, and too many lock it for a while.

use crate::world::{Buyer, Shop, World, digest, make::placed};
use domain::{
    Command, Rejection, Reply,
    merchant::Product,
    order::OrderState,
    payer::PinOutcome,
    payment::{Confirmation, Paid},
};
use types::{OrderId, PayerId, time};

/// Where a PIN can be given.
#[derive(Clone, Copy, Debug)]
enum Door {
    Pay,
    PayByCard,
    TopUp,
    ConfirmCode,
    SetPin,
}

const DOORS: [Door; 5] = [Door::Pay, Door::PayByCard, Door::TopUp, Door::ConfirmCode, Door::SetPin];

struct Place {
    world: World,
    shop: Shop,
    buyer: Buyer,
    open: OrderId,
    scanned: OrderId,
}

impl Place {
    fn new() -> Self {
        let mut world = World::new();
        let (shop, buyer) = (world.shop(), world.buyer(5_000_00));
        let open = world.order(&shop, "order-0001", Product::Jsapi, 10_00);
        let code = world.shown_code(&buyer);
        let scanned = placed(world.ok(shop.code_pay("order-0002", 1_000_01, code)));
        Self { world, shop, buyer, open, scanned }
    }

    fn right(&self) -> domain::records::Digest {
        self.buyer.pin
    }

    /// Gives a PIN at a door.
    fn give(&mut self, door: Door, pin: domain::records::Digest) -> Result<PinOutcome, Rejection> {
        let Self { world, buyer, .. } = self;
        let given = Buyer { pin, ..*buyer };
        let paying = world.confirmation(self.open, &given);
        let command = match door {
            Door::Pay => Command::PayOrder(paying),
            Door::PayByCard => Command::PayOrder(Confirmation { card: Some(buyer.card), ..paying }),
            Door::TopUp => given.top_up(10_00),
            Door::ConfirmCode => given.confirm(self.scanned),
            Door::SetPin => Command::SetPin { payer: buyer.id, new: buyer.pin, old: Some(pin) },
        };
        match world.run(command)? {
            Reply::Paid(Paid::Pin(outcome)) | Reply::Pin(outcome) => Ok(outcome),
            Reply::Paid(Paid::Done(_) | Paid::Waiting(_)) => Ok(PinOutcome::Right),
            other => panic!("{door:?}: {other:?}"),
        }
    }

    fn wrong(&mut self, door: Door) -> Result<PinOutcome, Rejection> {
        self.give(door, digest("wrong"))
    }
}

/// All doors share one count: four wrong ones leave less and less, the fifth locks for three hours.
#[test]
fn five_wrong_pins_lock_it_through_whatever_door_they_come() {
    for first in 0..DOORS.len() {
        let mut place = Place::new();
        let door = |n: usize| DOORS[(first + n) % DOORS.len()];
        for n in 0..4 {
            let left = 4 - u8::try_from(n).unwrap();
            assert_eq!(place.wrong(door(n)), Ok(PinOutcome::Wrong { left }), "{:?}", door(n));
            assert_eq!(place.world.payer(place.buyer.id).pin_failures, 5 - left, "counted");
        }
        let until = place.world.now.plus(3 * time::HOUR);
        assert_eq!(place.wrong(door(4)), Ok(PinOutcome::Locked { until }), "{:?}", door(4));
        for door in DOORS {
            let right = place.right();
            assert_eq!(place.give(door, right), Err(Rejection::PinLocked(until)), "right, at {door:?}");
            assert_eq!(place.wrong(door), Err(Rejection::PinLocked(until)), "wrong, at {door:?}");
        }
    }
}

/// A wrong PIN pays nothing, but it is counted, and the order can be paid afterwards.
#[test]
fn a_wrong_pin_is_counted_although_nothing_is_paid() {
    for door in DOORS {
        let mut place = Place::new();
        let before = (place.world.balance(&place.buyer), place.world.takings(&place.shop));
        place.wrong(door).unwrap();
        assert_eq!((place.world.balance(&place.buyer), place.world.takings(&place.shop)), before);
        assert_eq!(place.world.payer(place.buyer.id).pin_failures, 1, "{door:?}");
        assert_eq!(place.world.state(place.open), OrderState::Open);
        assert_eq!(place.world.state(place.scanned), OrderState::Paying);
        assert_eq!(place.world.stored(place.open).payment, None);
        assert_eq!(place.world.last.transfers.len(), 0);
        assert_eq!(place.world.last.journal[0].note.as_deref(), Some("pin refused"));
        let right = place.right();
        assert_eq!(place.give(door, right), Ok(PinOutcome::Right), "{door:?}");
    }
}

#[test]
fn a_lock_ends_by_time_to_the_microsecond() {
    for (left_us, open) in [(1, false), (0, true), (-1, true)] {
        let mut place = Place::new();
        for _ in 0..5 {
            place.wrong(Door::TopUp).unwrap();
        }
        place.world.advance(3 * time::HOUR - left_us);
        let right = place.right();
        let given = place.give(Door::TopUp, right);
        assert_eq!(given.is_ok(), open, "{left_us} µs left: {given:?}");
        if open {
            let payer = place.world.payer(place.buyer.id);
            assert_eq!((payer.pin_failures, payer.pin_locked_until), (0, None));
        }
    }
    // After the lock the count starts again.
    let mut place = Place::new();
    for _ in 0..5 {
        place.wrong(Door::TopUp).unwrap();
    }
    place.world.advance(3 * time::HOUR);
    assert_eq!(place.wrong(Door::TopUp), Ok(PinOutcome::Wrong { left: 4 }));
}

#[test]
fn a_right_pin_forgets_the_wrong_ones_before_it() {
    for door in DOORS {
        let mut place = Place::new();
        for _ in 0..4 {
            place.wrong(Door::TopUp).unwrap();
        }
        let right = place.right();
        assert_eq!(place.give(door, right), Ok(PinOutcome::Right), "{door:?}");
        assert_eq!(place.world.payer(place.buyer.id).pin_failures, 0, "{door:?}");
        assert_eq!(place.wrong(Door::TopUp), Ok(PinOutcome::Wrong { left: 4 }), "{door:?}");
    }
}

/// A right PIN of a payment that is refused for another reason changes nothing at all.
#[test]
fn a_refused_payment_does_not_forget_wrong_pins() {
    let mut place = Place::new();
    place.wrong(Door::Pay).unwrap();
    let dear = place.world.order(&place.shop, "order-0003", Product::Jsapi, 5_000_00);
    place.world.sale(&place.shop, &place.buyer, "order-0004", 1_00);
    place.wrong(Door::Pay).unwrap();
    let buyer = place.buyer;
    assert!(matches!(place.world.pay(dear, &buyer), Err(Rejection::LimitExceeded { .. })));
    assert_eq!(place.world.payer(buyer.id).pin_failures, 1);
}

#[test]
fn a_pin_is_replaced_only_with_the_old_one() {
    let mut place = Place::new();
    let (payer, new) = (place.buyer.id, digest("new pin"));
    let set = |payer, new, old| Command::SetPin { payer, new, old };
    place.world.refuses([
        ("without the old one", set(payer, new, None), Rejection::PinAlreadySet),
        ("nobody's", set(PayerId(99), new, None), Rejection::PayerNotFound),
    ]);
    let wrong = place.world.ok(set(payer, new, Some(digest("wrong"))));
    assert_eq!(wrong, Reply::Pin(PinOutcome::Wrong { left: 4 }));
    assert_eq!(place.world.payer(payer).pin, Some(place.buyer.pin), "kept");
    let replaced = place.world.ok(set(payer, new, Some(place.buyer.pin)));
    assert_eq!(replaced, Reply::Pin(PinOutcome::Right));
    assert_eq!(place.world.payer(payer).pin, Some(new));
    let right = place.right();
    assert_eq!(place.give(Door::TopUp, right), Ok(PinOutcome::Wrong { left: 4 }), "the old one is wrong now");
}

/// The payer's story holds what was done to the PIN.
#[test]
fn a_payers_timeline_tells_of_refused_pins() {
    let mut place = Place::new();
    place.wrong(Door::SetPin).unwrap();
    place.wrong(Door::TopUp).unwrap();
    let lines = place.world.lines(place.world.payer(place.buyer.id).journal);
    let told: Vec<_> = lines.iter().take(2).map(|line| (&*line.command, line.note.as_deref())).collect();
    assert_eq!(told, [("top_up", Some("pin refused")), ("set_pin", Some("pin refused"))]);
}
