//! Exceptions of reconciliation: opened once, corrected by two people, booked through suspense.

use crate::world::World;
use domain::{
    Actor, Caller, Command, Rejection, Reply,
    exception::{Class, Exception, NewException, State},
};
use engine::core::Outcome;
use ledger::AccountId;
use types::{BusinessDay, Currency, OperatorId};

const MAKER: i64 = 1;
const CHECKER: i64 = 2;
const REFERENCE: &str = "card/payment/42000001/short";

fn found(question: Option<i64>) -> NewException {
    NewException {
        reference: REFERENCE.into(),
        class: Class::Short,
        day: BusinessDay(20_778),
        since: BusinessDay(20_778),
        ledger: Some(12_34),
        channel: None,
        bank: None,
        against: AccountId::channel_receivable(1, Currency::CNY),
        question,
        note: "the channel lacks it".into(),
        replaces: None,
    }
}

fn open(new: NewException) -> Command {
    Command::OpenException(Box::new(new))
}

fn suggest(correction: i64) -> Command {
    Command::SuggestCorrection {
        exception: REFERENCE.into(), correction, why: "渠道确认未收到".into()
    }
}

fn approve(correction: i64) -> Command {
    Command::ApproveCorrection { exception: REFERENCE.into(), correction }
}

impl World {
    fn by(&mut self, person: i64, command: Command) -> Outcome {
        self.run_as(Caller::of(Actor::Operator(OperatorId(person))), command)
    }

    fn exception(&self, reference: &str) -> Exception {
        let mut found = None;
        let mut take = |exception: Exception| {
            if &*exception.reference == reference {
                found = Some(exception);
            }
        };
        self.queries.each_exception(&mut take).unwrap();
        found.unwrap()
    }

    fn suspense(&self) -> i64 {
        self.queries.account(AccountId::platform_suspense(Currency::CNY)).unwrap().balance().minor
    }
}

fn state(state: State) -> Outcome {
    Ok(Reply::Exception(state))
}

#[test]
fn a_day_reconciled_twice_opens_nothing_twice() {
    let mut world = World::new();
    assert_eq!(world.ok(open(found(Some(-12_34)))), Reply::Count(1));
    let first = world.exception(REFERENCE);
    assert_eq!(world.ok(open(found(Some(-12_34)))), Reply::Count(0));
    assert_eq!(world.exception(REFERENCE), first);
    // Both at once, in one batch.
    let other = NewException { reference: "card/payment/2/short".into(), ..found(None) };
    let asked = crate::world::asked(Caller::platform(), open(other));
    assert_eq!(world.ask(&[&asked, &asked]), [Ok(Reply::Count(1)), Ok(Reply::Count(0))]);
    world.prove();
}

#[test]
fn r_fin_69_a_correction_takes_two_people_and_moves_money_through_suspense() {
    let mut world = World::new();
    world.ok(open(found(Some(-12_34))));
    assert_eq!(world.by(MAKER, suggest(-12_34)), state(State::Suggested));
    assert_eq!(world.by(MAKER, approve(-12_34)), Err(Rejection::OwnCorrection));
    assert_eq!(
        world.by(CHECKER, approve(-12_00)),
        Err(Rejection::CorrectionOutOfRange),
        "another amount was shown"
    );
    assert_eq!(world.suspense(), 0, "nothing moves before the approval");
    assert_eq!(world.by(CHECKER, approve(-12_34)), state(State::Resolved));
    assert_eq!(world.suspense(), -12_34);
    assert_eq!(world.by(CHECKER, approve(-12_34)), Err(Rejection::ExceptionNotOpen(State::Resolved)));
    let done = world.exception(REFERENCE);
    assert_eq!((done.maker, done.approver), (Some(OperatorId(MAKER)), Some(OperatorId(CHECKER))));
    assert_eq!((done.booked, done.ended_at), (-12_34, Some(world.now)));
    world.prove();
}

#[test]
fn money_that_is_too_much_goes_the_other_way() {
    let mut world = World::new();
    world.ok(open(NewException { class: Class::Long, ledger: None, channel: Some(5), ..found(Some(5)) }));
    world.by(MAKER, suggest(5)).unwrap();
    world.by(CHECKER, approve(5)).unwrap();
    assert_eq!(world.suspense(), 5);
    world.prove();
}

#[test]
fn a_suggestion_stays_within_what_is_in_question() {
    let mut world = World::new();
    world.ok(open(found(Some(-12_34))));
    for correction in [12_34, -12_35, 1, i64::MIN, i64::MAX] {
        let outcome = world.by(MAKER, suggest(correction));
        assert_eq!(outcome, Err(Rejection::CorrectionOutOfRange), "{correction}");
    }
    let silent = Command::SuggestCorrection { exception: REFERENCE.into(), correction: -1, why: " ".into() };
    assert_eq!(world.by(MAKER, silent), Err(Rejection::CorrectionOutOfRange));
    // What nobody knows yet is not booked, only closed once it was explained.
    let unknown = NewException { reference: "card/payment/2/status".into(), ..found(None) };
    world.ok(open(unknown));
    let suggest = |correction| Command::SuggestCorrection {
        exception: "card/payment/2/status".into(),
        correction,
        why: "x".into(),
    };
    assert_eq!(world.by(MAKER, suggest(-1)), Err(Rejection::CorrectionOutOfRange));
    world.by(MAKER, suggest(0)).unwrap();
    let approve = Command::ApproveCorrection { exception: "card/payment/2/status".into(), correction: 0 };
    assert_eq!(world.by(CHECKER, approve), state(State::Cleared));
    assert_eq!(world.suspense(), 0);
    world.prove();
}

#[test]
fn a_rejected_suggestion_leaves_it_open() {
    let mut world = World::new();
    world.ok(open(found(Some(-12_34))));
    let reject =
        || Command::RejectCorrection { exception: REFERENCE.into(), why: "ask the channel first".into() };
    assert_eq!(world.by(CHECKER, reject()), Err(Rejection::ExceptionNotOpen(State::Open)));
    world.by(MAKER, suggest(-12_34)).unwrap();
    assert_eq!(world.by(CHECKER, reject()), state(State::Open));
    assert_eq!(world.by(CHECKER, approve(-12_34)), Err(Rejection::ExceptionNotOpen(State::Open)));
    // A new suggestion takes the place of the old one; its maker counts.
    world.by(MAKER, suggest(-1)).unwrap();
    world.by(CHECKER, suggest(-2)).unwrap();
    assert_eq!(world.by(CHECKER, approve(-2)), Err(Rejection::OwnCorrection));
    assert_eq!(world.by(MAKER, approve(-2)), state(State::Resolved));
    assert_eq!(world.suspense(), -2);
    world.prove();
}

#[test]
fn a_late_entry_clears_it_and_asks_to_undo_what_was_booked() {
    let mut world = World::new();
    let clear = || Command::ClearException(REFERENCE.into());
    world.ok(open(found(Some(-12_34))));
    assert_eq!(world.ok(clear()), Reply::Exception(State::Cleared));
    assert_eq!(world.ok(clear()), Reply::Exception(State::Cleared));
    assert_eq!(world.by(MAKER, suggest(-12_34)), Err(Rejection::ExceptionNotOpen(State::Cleared)));

    let mut world = World::new();
    world.ok(open(found(Some(-12_34))));
    world.by(MAKER, suggest(-12_34)).unwrap();
    world.by(CHECKER, approve(-12_34)).unwrap();
    assert_eq!(world.ok(clear()), Reply::Exception(State::Open));
    assert_eq!(world.exception(REFERENCE).question, Some(12_34));
    world.prove();
    world.by(CHECKER, suggest(12_34)).unwrap();
    world.by(MAKER, approve(12_34)).unwrap();
    assert_eq!((world.suspense(), world.exception(REFERENCE).booked), (0, 0));
    world.prove();
}

#[test]
fn another_difference_takes_its_place() {
    let mut world = World::new();
    world.ok(open(found(Some(-12_34))));
    let amount = NewException {
        reference: "card/payment/42000001/amount".into(),
        class: Class::Amount,
        channel: Some(12_00),
        replaces: Some(REFERENCE.into()),
        ..found(Some(-34))
    };
    world.ok(open(amount));
    assert_eq!(world.exception(REFERENCE).state, State::Cleared);
    assert_eq!(world.exception("card/payment/42000001/amount").state, State::Open);
    world.prove();
}

#[test]
fn only_the_platform_finds_and_only_people_decide() {
    let mut world = World::new();
    assert_eq!(world.by(MAKER, open(found(None))), Err(Rejection::NotAllowed));
    assert_eq!(world.by(MAKER, suggest(0)), Err(Rejection::ExceptionNotFound));
    world.ok(open(found(Some(-1))));
    for command in [suggest(-1), approve(-1)] {
        assert_eq!(world.run(command.clone()), Err(Rejection::NotAllowed), "{command:?}");
    }
    assert_eq!(world.by(MAKER, Command::ClearException(REFERENCE.into())), Err(Rejection::NotAllowed));
    for wrong in [
        NewException { reference: "".into(), ..found(None) },
        NewException { reference: "x".repeat(221).into(), ..found(None) },
        NewException { note: "x".repeat(301).into(), ..found(None) },
        NewException { question: Some(i64::MIN), ..found(None) },
        NewException { against: AccountId::platform_fee(Currency::CNY), ..found(None) },
    ] {
        assert_eq!(world.run(open(wrong)), Err(Rejection::CorrectionOutOfRange));
    }
    world.prove();
}
