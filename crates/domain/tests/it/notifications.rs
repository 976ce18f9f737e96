//! Notifications: the schedule of wire §5, and what ends or restarts it.

use crate::world::World;
use domain::{
    Command, Event, Rejection, Reply,
    notification::{Attempt, Notification, NotificationState, RETRY_S},
};
use types::{NotificationId, OrderId, ShardSet, time};

fn owed() -> (World, OrderId, NotificationId) {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    let order = world.sale(&shop, &buyer, "order-0001", 50_00);
    let id = world.notifications(order)[0];
    (world, order, id)
}

fn attempt(status: u16) -> Attempt {
    let acknowledged = status == 200 || status == 204;
    let error = if acknowledged { "" } else { "refused" }.into();
    Attempt { acknowledged, status, took_ms: 12, error }
}

/// Tries once and tells where the notification stands.
fn attempted(world: &mut World, id: NotificationId, status: u16) -> Notification {
    world.ok(Command::RecordAttempt(id, attempt(status)));
    seen(world, id)
}

fn seen(world: &World, id: NotificationId) -> Notification {
    world.queries.notification(id).unwrap().unwrap()
}

#[test]
fn the_schedule_takes_twenty_four_hours_and_four_minutes() {
    assert_eq!(RETRY_S.len(), 15);
    assert_eq!(RETRY_S.iter().sum::<i64>(), 24 * 3600 + 4 * 60);
}

/// Every try fails: each is due when the schedule says, under the same id, and after sixteen it is given up.
/// Nothing is lost after the first failure (Hyperswitch 3408).
#[test]
fn accident_hyperswitch_3408_a_failed_notification_is_tried_again() {
    let (mut world, order, id) = owed();
    let first = world.now;
    for (n, wait_s) in RETRY_S.into_iter().enumerate() {
        let due = |world: &World, at| {
            let rows = world.queries.due_notifications(ShardSet::ONLY, at, 10).unwrap();
            rows.iter().map(|row| row.id).collect::<Vec<_>>()
        };
        assert_eq!(due(&world, world.now), [id], "try {n}");
        assert!(due(&world, world.now.plus(-1)).is_empty(), "not before");
        let kept = attempted(&mut world, id, 500);
        let next = world.now.plus(wait_s * time::SECOND);
        assert_eq!((kept.state, kept.next_at), (NotificationState::Pending, Some(next)), "try {n}");
        assert_eq!((kept.attempts, kept.last_status), (u32::try_from(n).unwrap() + 1, 500));
        world.now = next;
    }
    assert_eq!(world.now.since(first), (24 * 3600 + 4 * 60) * time::SECOND);
    let last = attempted(&mut world, id, 0);
    assert_eq!((last.state, last.next_at, last.attempts), (NotificationState::GivenUp, None, 16));
    assert_eq!(world.notifications(order), [id], "one notification, one id");
    assert_eq!(world.timeline(last.journal).len(), 16 + 2, "tries, payment, order");
}

#[test]
fn an_acknowledgement_ends_it_at_any_try() {
    for failures in [0, 1, 15] {
        for status in [200, 204] {
            let (mut world, _, id) = owed();
            for _ in 0..failures {
                attempted(&mut world, id, 500);
            }
            let kept = attempted(&mut world, id, status);
            assert_eq!((kept.state, kept.next_at), (NotificationState::Delivered, None), "after {failures}");
            assert!(
                world
                    .queries
                    .due_notifications(ShardSet::ONLY, world.now.plus(time::DAY), 10)
                    .unwrap()
                    .is_empty()
            );
        }
    }
}

/// Two tries crossed: the failure that is reported late does not undo the delivery.
#[test]
fn a_late_failure_does_not_undo_a_delivery() {
    let (mut world, _, id) = owed();
    attempted(&mut world, id, 200);
    let kept = attempted(&mut world, id, 500);
    assert_eq!((kept.state, kept.next_at), (NotificationState::Delivered, None));
    assert_eq!((kept.attempts, kept.last_status), (2, 500), "it is told all the same");
}

#[test]
fn a_late_acknowledgement_ends_what_was_given_up() {
    let (mut world, _, id) = owed();
    for _ in 0..16 {
        attempted(&mut world, id, 500);
    }
    assert_eq!(seen(&world, id).state, NotificationState::GivenUp);
    assert_eq!(attempted(&mut world, id, 200).state, NotificationState::Delivered);
}

/// By hand it is sent again at once, whatever became of it, and told to the worker.
#[test]
fn it_can_be_sent_again_from_any_state() {
    for (statuses, then, after) in [
        (&[][..], 500, NotificationState::Pending),
        (&[200], 200, NotificationState::Delivered),
        (&[200], 500, NotificationState::Pending),
        (&[500; 16], 200, NotificationState::Delivered),
        (&[500; 16], 500, NotificationState::GivenUp),
    ] {
        let (mut world, _, id) = owed();
        for status in statuses {
            attempted(&mut world, id, *status);
        }
        world.advance(time::HOUR);
        assert_eq!(world.ok(Command::Resend(id)), Reply::Done);
        assert_eq!(world.events, [Event::NotificationDue(id)]);
        let kept = seen(&world, id);
        assert_eq!((kept.state, kept.next_at), (NotificationState::Pending, Some(world.now)));
        assert_eq!(attempted(&mut world, id, then).state, after, "{statuses:?}, then {then}");
    }
}

/// The tries of an order's notification do not touch the order: it says what it said when it was paid.
#[test]
fn tries_leave_the_order_alone() {
    let (mut world, order, id) = owed();
    let before = world.stored(order);
    attempted(&mut world, id, 500);
    world.ok(Command::Resend(id));
    attempted(&mut world, id, 200);
    assert_eq!(world.stored(order), before);
}

#[test]
fn an_unknown_notification_is_refused() {
    let mut world = World::new();
    let id = NotificationId(7);
    world.refuses([
        ("a try", Command::RecordAttempt(id, attempt(200)), Rejection::NotificationNotFound),
        ("again", Command::Resend(id), Rejection::NotificationNotFound),
    ]);
}
