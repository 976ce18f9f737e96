//! Classes, money in question and suggestions, case by case.

use reconcile::{
    Action, Carried, Class, Entry, Exception, Field, Kind, Memory, Outcome, Plan, Run, RunError, Side,
    Status, Suspense, Timing,
};
use types::{BusinessDay, Money, Time, time};

const DAY: BusinessDay = BusinessDay(20_778);

fn noon() -> Time {
    DAY.start().plus(12 * time::HOUR)
}

fn paid(fen: i64) -> Entry {
    Entry::new("42000001", Kind::Payment, Money::cny(fen), Status::Succeeded, noon())
}

fn run(plan: Plan, entries: &[(Side, Entry)], pool: &[Carried]) -> Vec<Outcome> {
    let mut run = Run::new(plan, Memory::default(), 0).unwrap();
    pool.iter().for_each(|carried| run.carry(carried).unwrap());
    entries.iter().for_each(|(side, entry)| run.add(*side, entry).unwrap());
    let mut outcomes = Vec::new();
    run.finish(|outcome| {
        outcomes.push(outcome);
        Ok(())
    })
    .unwrap();
    outcomes
}

fn two(entries: &[(Side, Entry)]) -> Vec<Exception> {
    exceptions(run(Plan::two_way("card", DAY), entries, &[]))
}

fn exceptions(outcomes: Vec<Outcome>) -> Vec<Exception> {
    outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Outcome::Exception(e) => *e,
            other => panic!("{other:?}"),
        })
        .collect()
}

use Side::{Bank, Channel, Ledger};

#[test]
fn each_class_names_the_money_and_what_to_do() {
    let refund = |fen| Entry { kind: Kind::Refund, ..paid(fen) };
    let with = |status| Entry { status, ..paid(5) };
    let fee = |fee| Entry { fee: Some(Money::cny(fee)), ..paid(5) };
    let owed = |fen| Some(Suspense::Owed(Money::cny(fen)));
    let missing = |fen| Some(Suspense::Missing(Money::cny(fen)));
    let cases = [
        (vec![(Channel, paid(5))], Class::Long, owed(5), Action::CompleteOrRefund),
        (vec![(Channel, refund(5))], Class::Long, missing(5), Action::Explain),
        (vec![(Ledger, paid(5))], Class::Short, missing(5), Action::Query),
        (vec![(Ledger, refund(5))], Class::Short, owed(5), Action::Query),
        (vec![(Ledger, paid(5)), (Channel, paid(7))], Class::Amount, owed(2), Action::BookDifference),
        (vec![(Ledger, refund(5)), (Channel, refund(7))], Class::Amount, missing(2), Action::BookDifference),
        (vec![(Ledger, paid(5)), (Channel, with(Status::Failed))], Class::Status, missing(5), Action::Query),
        (vec![(Ledger, with(Status::Failed)), (Channel, paid(5))], Class::Status, owed(5), Action::Query),
        (vec![(Ledger, with(Status::Unknown)), (Channel, paid(5))], Class::Status, None, Action::Query),
        (vec![(Ledger, with(Status::Unknown))], Class::Status, None, Action::Query),
        (vec![(Ledger, fee(1)), (Channel, fee(3))], Class::Fee, missing(2), Action::BookDifference),
        (
            vec![(Ledger, paid(5)), (Channel, paid(5)), (Channel, paid(5))],
            Class::Duplicate,
            owed(5),
            Action::ReverseDuplicate,
        ),
        (
            vec![(Ledger, paid(5)), (Ledger, paid(5)), (Channel, paid(5))],
            Class::Duplicate,
            missing(5),
            Action::ReverseDuplicate,
        ),
    ];
    for (entries, class, suspense, action) in cases {
        let found = two(&entries);
        assert_eq!(found.len(), 1, "{entries:?}");
        assert_eq!(
            (found[0].class, found[0].suspense, found[0].action),
            (class, suspense, action),
            "{entries:?}"
        );
        assert_eq!(found[0].id, format!("card/{}/42000001/{}", found[0].kind.name(), class.name()));
    }
}

#[test]
fn what_moved_no_money_is_no_difference() {
    let with = |status| Entry { status, ..paid(5) };
    for entries in [
        vec![(Ledger, with(Status::Failed))],
        vec![(Channel, with(Status::Reversed))],
        vec![(Ledger, with(Status::Failed)), (Channel, with(Status::Reversed))],
        // Two attempts failed before the one that went through.
        vec![
            (Channel, with(Status::Failed)),
            (Channel, with(Status::Failed)),
            (Channel, paid(5)),
            (Ledger, paid(5)),
        ],
    ] {
        assert_eq!(two(&entries), [], "{entries:?}");
    }
}

#[test]
fn the_one_that_agrees_speaks_for_a_doubled_side() {
    let found = two(&[(Channel, paid(9)), (Channel, paid(5)), (Ledger, paid(5))]);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].class, found[0].twice), (Class::Duplicate, Some(Channel)));
    assert_eq!(found[0].channel.as_ref().unwrap().amount, Money::cny(9), "the odd one is the one too many");
}

#[test]
fn a_key_repeated_beyond_bounds_is_all_duplicates() {
    let mut entries = vec![(Ledger, paid(5))];
    entries.extend((0..500).map(|_| (Channel, paid(5))));
    let found = two(&entries);
    assert_eq!(found.len(), 499);
    let mut ids: Vec<&str> = found.iter().map(|e| e.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 499);
}

#[test]
fn the_gravest_difference_is_the_class_and_all_are_named() {
    let other = Entry { fee: Some(Money::cny(1)), status: Status::Unknown, ..paid(9) };
    let found = two(&[(Ledger, Entry { fee: Some(Money::cny(2)), ..paid(5) }), (Channel, other)]);
    assert_eq!(found[0].class, Class::Status);
    assert_eq!(found[0].differs, [Field::Amount, Field::Status, Field::Fee]);
}

#[test]
fn three_sides_say_who_lacks_it() {
    let three = |entries: &[(Side, Entry)]| exceptions(run(Plan::three_way("payout", DAY), entries, &[]));
    assert_eq!(three(&[(Ledger, paid(5)), (Channel, paid(5)), (Bank, paid(5))]), []);
    let no_bank = three(&[(Ledger, paid(5)), (Channel, paid(5))]);
    assert_eq!((no_bank[0].class, &no_bank[0].missing[..]), (Class::Short, &[Bank][..]));
    assert_eq!(no_bank[0].suspense, Some(Suspense::Missing(Money::cny(5))));
    // The money is there; only the bill is incomplete, and nothing is to be booked.
    let no_bill = three(&[(Ledger, paid(5)), (Bank, paid(5))]);
    assert_eq!((no_bill[0].suspense, no_bill[0].action), (None, Action::Explain));
    let unknown_to_us = three(&[(Channel, paid(5)), (Bank, paid(5))]);
    assert_eq!(
        (unknown_to_us[0].class, unknown_to_us[0].suspense),
        (Class::Long, Some(Suspense::Owed(Money::cny(5))))
    );
    // The bank decides, whatever the channel says.
    let bank_less = three(&[(Ledger, paid(5)), (Channel, paid(5)), (Bank, paid(4))]);
    assert_eq!(
        (bank_less[0].class, bank_less[0].suspense),
        (Class::Amount, Some(Suspense::Missing(Money::cny(1))))
    );
}

/// The wait is bounded: window, days, and never for what was reported.
#[test]
fn entries_wait_only_near_the_end_of_the_day_and_at_most_their_days() {
    let late = |before: i64| Entry { at: BusinessDay(DAY.0 + 1).start().plus(-before), ..paid(5) };
    let held = |entry: Entry| {
        matches!(run(Plan::two_way("card", DAY), &[(Ledger, entry)], &[])[0], Outcome::Held(_))
    };
    assert!(held(late(1)) && held(late(10 * time::MINUTE)) && held(late(-time::MINUTE)));
    assert!(!held(late(10 * time::MINUTE + 1)), "outside the window");
    assert!(!held(Entry { at: DAY.start(), ..paid(5) }), "its partner would have come yesterday");

    let waited = |day, hold_days| {
        let plan = Plan {
            timing: Timing { hold_days, ..Timing::default() },
            ..Plan::two_way("card", BusinessDay(day))
        };
        let pool = [Carried { side: Ledger, entry: late(1), since: DAY, reported: false }];
        matches!(run(plan, &[], &pool)[0], Outcome::Held(_))
    };
    assert!(waited(DAY.0 + 1, 3) && waited(DAY.0 + 2, 3));
    assert!(!waited(DAY.0 + 3, 3) && !waited(DAY.0 + 1, 1) && !waited(DAY.0 + 1, 0));
}

#[test]
fn a_late_partner_that_differs_replaces_the_exception() {
    let short = two(&[(Ledger, paid(5))]);
    let pool = short[0].carried();
    let next = BusinessDay(DAY.0 + 1);
    assert_eq!(run(Plan::two_way("card", next), &[], &pool), [], "nothing new: it stays open, unreported");
    let found = exceptions(run(Plan::two_way("card", next), &[(Channel, paid(7))], &pool));
    assert_eq!((found[0].class, found[0].since), (Class::Amount, DAY));
    assert_eq!(found[0].replaces.as_deref(), Some("card/payment/42000001/short"));
}

#[test]
fn what_is_missing_is_chased_from_t_plus_2() {
    let short = &two(&[(Ledger, paid(5))])[0];
    let on = |days| short.action_on(BusinessDay(DAY.0 + days));
    assert_eq!([on(0), on(1), on(2), on(9)], [Action::Query, Action::Query, Action::Chase, Action::Chase]);
    // Time never ends what is unknown (accident: time alone turned "unknown" into "failed").
    let unknown = &two(&[(Ledger, Entry { status: Status::Unknown, ..paid(5) })])[0];
    assert_eq!(unknown.action_on(BusinessDay(DAY.0 + 400)), Action::Query);
}

#[test]
fn what_cannot_be_taken_is_refused() {
    let plan = |f: fn(&mut Plan)| {
        let mut plan = Plan::two_way("card", DAY);
        f(&mut plan);
        matches!(Run::new(plan, Memory::default(), 0), Err(RunError::Plan(..)))
    };
    assert!(plan(|p| p.scheme = "Card".into()));
    assert!(plan(|p| p.scheme.clear()));
    assert!(plan(|p| p.sides = vec![Channel, Bank]));
    assert!(plan(|p| p.sides = vec![Ledger, Ledger]));
    assert!(plan(|p| p.timing.hold_days = 4));
    let mut run = Run::new(Plan::two_way("card", DAY), Memory::default(), 0).unwrap();
    for (side, entry) in [
        (Ledger, Entry { key: String::new(), ..paid(1) }),
        (Ledger, Entry { key: "k".repeat(129), ..paid(1) }),
        (Ledger, Entry { reference: "r".repeat(129), ..paid(1) }),
        (Ledger, paid(-1)),
        (Bank, paid(1)),
    ] {
        assert!(matches!(run.add(side, &entry), Err(RunError::Entry { .. })), "{entry:?}");
    }
    let later = Carried { side: Ledger, entry: paid(1), since: BusinessDay(DAY.0 + 1), reported: false };
    assert!(run.carry(&later).is_err());
    assert_eq!(run.finish(|_| Ok(())).unwrap().entries, [0; 3]);
    let mut full = Run::new(Plan::two_way("card", DAY), Memory::default(), 0).unwrap();
    full.add(Ledger, &paid(1)).unwrap();
    assert!(matches!(full.finish(|_| Err("disk full".into())), Err(RunError::Sink(_))));
}
