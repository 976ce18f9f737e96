//! What time releases, and what a merchant is told of what is aside.

use super::{NET, asking, made, to_shop};
use crate::world::World;
use domain::{Command, Reply, held::Reason};
use types::{ShardSet, time};

/// Thirty days after the payment the rest goes to the takings by itself, and is settled with that day's.
#[test]
fn the_rest_is_released_after_thirty_days() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    world.share(&shop, order, "share-1", vec![to_shop(&friend, 10_00)], false);
    let due = world.left(order).due_at.unwrap();
    let all = ShardSet::all(world.shards);
    assert_eq!(world.queries.due_sharings(all, due.plus(-1), 9).unwrap(), []);
    assert_eq!(world.queries.due_sharings(all, due, 9).unwrap(), [order]);
    assert_eq!(world.ok(Command::ReleaseSharing(order)), Reply::Done);
    assert_eq!(world.left(order).ended_at, None, "not before its time");
    world.next_morning();
    assert_eq!(world.available(&shop), 0, "what is aside is not settled");
    world.now = due;
    world.ok(Command::ReleaseSharing(order));
    assert_eq!((world.aside(&shop), world.takings(&shop)), (0, NET - 10_00));
    let left = world.left(order);
    assert_eq!((left.unsplit, left.ended_at, left.due_at), (0, Some(due), None));
    world.ok(Command::ReleaseSharing(order));
    world.next_morning();
    assert_eq!(world.available(&shop), NET - 10_00);
}

/// A request under way when time is over: its parts still go.
#[test]
fn a_request_under_way_outlives_the_release() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    let id = made(world.ask_share(asking(shop.id, order, "share-1", vec![to_shop(&friend, 10_00)], false)));
    world.advance(30 * time::DAY);
    world.ok(Command::ReleaseSharing(order));
    let left = world.left(order);
    assert_eq!((left.unsplit, left.reserved, left.due_at), (0, 10_00, Some(world.now.plus(time::HOUR))));
    world.finish(id);
    assert_eq!((world.left(order).due_at, world.available(&friend)), (None, 10_00));
}

/// Every fen that is aside is told with its reason and the time of its release.
#[test]
fn what_is_aside_is_told_with_its_reason_and_time() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let first = world.shared_sale(&shop, &buyer, "order-0001");
    let since = world.now;
    world.advance(time::HOUR);
    world.shared_sale(&shop, &buyer, "order-0002");
    world.advance(time::DAY);
    world.shared_sale(&shop, &buyer, "order-0003");
    made(world.ask_share(asking(shop.id, first, "share-1", vec![to_shop(&friend, 1_00)], false)));
    let parts: Vec<_> = world.held(&shop).into_iter().filter(|part| part.reason == Reason::Sharing).collect();
    let told: Vec<_> =
        parts.iter().map(|part| (part.amount.minor, part.since, part.release_at, &*part.subject)).collect();
    let month = 30 * time::DAY;
    assert_eq!(
        told,
        [
            (2 * NET, Some(since), Some(since.plus(time::HOUR + month)), "orders:2"),
            (NET, Some(world.now), Some(world.now.plus(month)), "orders:1")
        ]
    );
    let share = world.queries.share_by_number(shop.id, "share-1").unwrap().unwrap();
    world.finish(share.id);
}
