//! What channels pay to the bank: expected moves nothing, received is booked once, in either direction.

use crate::world::World;
use domain::{Actor, Caller, Command, Rejection, Reply, clearing::Clearing, clearing::Told};
use ledger::{AccountId, AccountKind};
use types::{BusinessDay, Currency};

const REFERENCE: &str = "card/20261121";

fn told(amount: i64, day: i32) -> Box<Told> {
    Box::new(Told {
        reference: REFERENCE.into(),
        receivable: AccountId::channel_receivable(1, Currency::CNY),
        amount,
        day: BusinessDay(day),
        bank_reference: "SIM000000001".into(),
    })
}

fn expect(amount: i64) -> Command {
    Command::ExpectClearing(told(amount, 20_779))
}

fn receive(amount: i64) -> Command {
    Command::ReceiveClearing(told(amount, 20_780))
}

impl World {
    fn clearing(&self) -> Clearing {
        self.queries.clearing(REFERENCE).unwrap().unwrap()
    }

    fn at(&self, account: AccountId) -> i64 {
        self.queries.account(account).unwrap().balance().minor
    }
}

#[test]
fn r_fin_12_what_the_statement_shows_is_booked_once_whatever_was_expected() {
    for expected in [Some(50_00), Some(49_00), None] {
        let mut world = World::new();
        let receivable = AccountId::channel_receivable(1, Currency::CNY);
        let before = world.at(receivable);
        if let Some(amount) = expected {
            assert_eq!(world.ok(expect(amount)), Reply::Count(1));
            assert_eq!(world.ok(expect(amount)), Reply::Count(0), "the same again changes nothing");
        }
        assert_eq!(world.at(receivable), before, "what is expected moves nothing");
        assert_eq!(world.ok(receive(50_00)), Reply::Count(1));
        // The same statement again, and a second entry of another amount: reconciliation tells of it.
        assert_eq!(world.ok(receive(50_00)), Reply::Count(0));
        assert_eq!(world.ok(receive(7)), Reply::Count(0));
        assert_eq!(world.at(AccountId::bank_cash(Currency::CNY)), 50_00);
        assert_eq!(world.at(receivable), before - 50_00);
        let known = world.clearing();
        assert_eq!((known.expected, known.received), (expected, Some(50_00)));
        assert_eq!(
            (known.due, known.statement),
            (expected.map(|_| BusinessDay(20_779)), Some(BusinessDay(20_780)))
        );
        assert_eq!(known.agrees(), expected == Some(50_00));
        world.prove();
    }
}

#[test]
fn a_channel_that_takes_money_back_is_booked_the_other_way() {
    let mut world = World::new();
    assert_eq!(world.ok(expect(-5_00)), Reply::Count(1));
    assert_eq!(world.ok(receive(-5_00)), Reply::Count(1));
    assert_eq!(world.at(AccountId::bank_cash(Currency::CNY)), -5_00);
    assert!(world.clearing().agrees());
    world.prove();
}

#[test]
fn a_replaced_bill_replaces_what_is_expected_and_keeps_the_day() {
    let mut world = World::new();
    assert_eq!(world.ok(expect(0)), Reply::Count(0), "nothing is expected of nothing");
    assert!(world.queries.clearing(REFERENCE).unwrap().is_none());
    world.ok(expect(5_00));
    assert_eq!(world.ok(Command::ExpectClearing(told(0, 20_800))), Reply::Count(1));
    let known = world.clearing();
    assert_eq!((known.expected, known.due), (Some(0), Some(BusinessDay(20_779))));
    assert!(known.agrees());
    world.prove();
}

#[test]
fn only_the_platform_tells_and_only_of_a_channel() {
    let mut world = World::new();
    for command in [expect(5_00), receive(5_00)] {
        for actor in [Actor::Operator(types::OperatorId(1)), Actor::Channel] {
            assert_eq!(world.run_as(Caller::of(actor), command.clone()), Err(Rejection::NotAllowed));
        }
    }
    let wrong = |change: &dyn Fn(&mut Told)| {
        let mut told = told(5_00, 20_780);
        change(&mut told);
        Command::ReceiveClearing(told)
    };
    for command in [
        receive(0),
        receive(i64::MIN),
        wrong(&|told| told.reference = "".into()),
        wrong(&|told| told.reference = "x".repeat(81).into()),
        wrong(&|told| told.bank_reference = "x".repeat(141).into()),
        wrong(&|told| told.receivable = AccountId::bank_cash(Currency::CNY)),
    ] {
        assert_eq!(world.run_as(Caller::platform(), command), Err(Rejection::AmountOutOfRange));
    }
    world.ok(receive(5_00));
    let other = AccountId::new(AccountKind::ChannelReceivable, 2, Currency::CNY);
    let command = wrong(&|told| told.receivable = other);
    assert_eq!(
        world.run_as(Caller::platform(), command),
        Err(Rejection::AmountOutOfRange),
        "another channel's"
    );
    world.prove();
}
