//! Echoes: a merchant's own message, notified as an order is, and removed when its time is over (wire §1.11).

use crate::world::{Shop, World};
use domain::{
    Command, Event, Key, Rejection, Reply,
    echo::{self, Echo, NewEcho},
    notification::{About, Attempt, Notification, NotificationState, RETRY_S},
};
use types::{EchoId, MerchantId, NotificationId, PageRequest, ShardSet, Time, time};

const MESSAGE: &str = r#"{"echo_message":"hello"}"#;

fn ask(merchant: MerchantId) -> Command {
    let (notify_url, message) = ("https://tea.example/echo".into(), MESSAGE.into());
    Command::Echo(Box::new(NewEcho { merchant, notify_url, message }))
}

/// Asks for an echo: what is owed, and what is kept.
fn asked(world: &mut World, shop: &Shop) -> (Notification, Echo) {
    world.ok(ask(shop.id));
    let page = world.queries.notifications(Some(shop.id), PageRequest::new(1, None)).unwrap();
    let About::Echo(echo) = page.rows[0].about else { panic!("{page:?}") };
    (page.rows[0], world.queries.echo(echo).unwrap().unwrap())
}

fn tried(world: &mut World, id: NotificationId, status: u16) -> Notification {
    let attempt = Attempt { acknowledged: status == 204, status, took_ms: 1, error: "".into() };
    world.ok(Command::RecordAttempt(id, attempt));
    world.queries.notification(id).unwrap().unwrap()
}

#[test]
fn an_echo_is_owed_at_once_to_who_asked() {
    let mut world = World::new();
    let shop = world.shop();
    let (owed, kept) = asked(&mut world, &shop);
    assert_eq!(world.events, [Event::NotificationDue(owed.id)]);
    assert_eq!((owed.merchant, owed.state), (shop.id, NotificationState::Pending));
    assert_eq!((owed.next_at, owed.attempts), (Some(world.now), 0));
    let wanted = (shop.id, "https://tea.example/echo", MESSAGE);
    assert_eq!((kept.merchant, &*kept.notify_url, &*kept.message), wanted);
    assert_eq!(world.timeline(owed.journal), ["echo"]);
    let (again, other) = asked(&mut world, &shop);
    assert!(again.id != owed.id && other.id != kept.id, "asked twice, sent twice");
    assert_eq!(world.no(ask(MerchantId(1))), Rejection::MerchantNotFound(MerchantId(1)));
}

#[test]
fn an_echo_is_tried_as_an_order_is_and_its_message_outlives_the_tries() {
    let mut world = World::new();
    let shop = world.shop();
    let (owed, kept) = asked(&mut world, &shop);
    for wait_s in RETRY_S {
        let next = world.now.plus(wait_s * time::SECOND);
        assert_eq!(tried(&mut world, owed.id, 500).next_at, Some(next));
        world.now = next;
        assert_eq!(world.queries.due_notifications(ShardSet::ONLY, world.now, 9).unwrap().len(), 1);
    }
    assert_eq!(tried(&mut world, owed.id, 0).state, NotificationState::GivenUp);
    assert!(!world.queries.stale(ShardSet::ONLY, world.now, 99).unwrap().contains(&Key::Echo(kept.id)));
    world.ok(Command::Resend(owed.id));
    assert_eq!(tried(&mut world, owed.id, 204).state, NotificationState::Delivered);
}

#[test]
fn a_message_is_swept_after_two_days_and_not_sent_again() {
    let mut world = World::new();
    let shop = world.shop();
    let (owed, kept) = asked(&mut world, &shop);
    tried(&mut world, owed.id, 204);
    let sweep = |world: &mut World| {
        world.ok(Command::Sweep(types::Shard::of_id(kept.id.0), vec![Key::Echo(kept.id)]))
    };
    world.advance(echo::KEPT - time::SECOND);
    assert_eq!(sweep(&mut world), Reply::Count(0));
    world.advance(2 * time::SECOND);
    assert_eq!(world.queries.stale(ShardSet::ONLY, world.now, 99).unwrap().last(), Some(&Key::Echo(kept.id)));
    assert_eq!(sweep(&mut world), Reply::Count(1));
    assert_eq!(world.queries.echo(kept.id), Ok(None));
    assert_eq!(world.queries.notification(owed.id).unwrap().unwrap().about, About::Echo(kept.id));
    assert_eq!(world.no(Command::Resend(owed.id)), Rejection::NotificationNotFound);
}

#[test]
fn what_a_notification_is_about_is_kept_as_two_numbers() {
    let refund = types::RefundId(5);
    for about in [
        About::Paid(types::OrderId(5)),
        About::Echo(EchoId(5)),
        About::RefundSucceeded(refund),
        About::RefundAbnormal(refund),
        About::RefundClosed(refund),
        About::UserTransferEnded(types::UserTransferId(5)),
        About::TransferBatchEnded(types::TransferBatchId(5)),
    ] {
        let (event, subject) = about.numbers();
        assert_eq!(About::from_numbers(event, subject), Some(about));
    }
    assert_eq!(About::from_numbers(255, 5), None);
    assert!(echo::oldest_kept(Time(0)) <= EchoId(0), "before there were ids nothing is old");
}
