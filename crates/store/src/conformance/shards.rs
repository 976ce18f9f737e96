//! Several shards in one store: each has its batches, all share the records.

use super::{OpenAt, START, Scribe, added, line, samples};
use domain::{
    JournalLine, Key, Subject,
    notification::{Notification, NotificationState},
    order::{Order, OrderState},
    payment::Payment,
    records::{Digest, Request},
    session::{OauthCode, Session},
};
use engine::{Fault, query::JournalRow};
use std::collections::BTreeSet;
use types::{
    EchoId, IdBlock, JournalId, OrderId, PageRequest, PayerId, Place, Shard, ShardSet, Shards, Time, time,
};

const MERCHANT: i64 = 1_900_000_001;

fn places() -> [Place; 3] {
    let shards = Shards::new(3).unwrap_or_default();
    [0, 1, 2].map(|number| Place { shard: Shard::new(number).unwrap_or_default(), shards })
}

fn scribes(open: OpenAt<'_>) -> [Scribe; 3] {
    places().map(|place| Scribe::over(open(place), place.shard))
}

/// An id that a shard made.
fn made(shard: u8, at: Time, place: i64) -> i64 {
    IdBlock::new(at, shard, place).id(0)
}

pub(super) fn each_shard_has_its_own_batches(open: OpenAt<'_>) {
    let mut scribes = scribes(open);
    for round in 0..3 {
        for (n, scribe) in scribes.iter_mut().enumerate().skip(round) {
            let id = i64::try_from(n * 10 + round).unwrap_or(0);
            scribe.write(|batch| batch.payments.push(added(samples::payment(100 + id, false))));
        }
    }
    for (place, wanted) in places().into_iter().zip([1, 2, 3]) {
        let mut store = open(place);
        assert_eq!(store.queries.counts().map(|counts| counts.batch), Ok(wanted), "{place:?}");
        assert_eq!(store.committer.recover().map(|stands| stands.batch), Ok(wanted), "{place:?}");
        let key = Key::Payment(types::PaymentId(120));
        assert!(store.loader.load(&[key]).is_ok_and(|found| found[0].is_some()), "records are shared");
    }
    // All three were taken over just now.
    for scribe in &mut scribes {
        let batch = scribe.draft();
        assert!(
            matches!(scribe.try_commit(&batch), Err(Fault::Fenced(_) | Fault::Failed(_))),
            "it was replaced"
        );
        assert!(matches!(scribe.store.committer.recover(), Err(Fault::Fenced(_))));
    }
    // Whoever takes one shard leaves the others alone.
    let mut scribes = self::scribes(open);
    drop(Scribe::over(open(places()[1]), places()[1].shard));
    for (n, scribe) in scribes.iter_mut().enumerate() {
        let batch = scribe.draft();
        assert_eq!(scribe.try_commit(&batch).is_ok(), n != 1, "shard {n}");
    }
}

pub(super) fn the_journal_is_that_of_all_shards(open: OpenAt<'_>) {
    let mut scribes = scribes(open);
    let mut wanted: Vec<(Time, JournalRow)> = Vec::new();
    let mut head = None;
    // Turns of unequal length, batches of the same time in two shards, one to three lines each.
    for turn in 0..24_i64 {
        let scribe = &mut scribes[[0, 1, 1, 2, 0, 2, 2][usize::try_from(turn % 7).unwrap_or(0)]];
        let mut batch = scribe.draft();
        batch.at = scribe.stands.at.max(START.plus(turn / 3 * time::SECOND));
        batch.journal.clear();
        for place in 0..=turn % 3 {
            let id = JournalId::new(scribe.shard, batch.number, place);
            let subject = Subject::Order(OrderId(7));
            batch.journal.push(JournalLine { id, subject, previous: head, ..line(1, 0, batch.at) });
            head = Some(id);
        }
        let rows = batch.journal.iter().map(|line| (batch.at, super::journal::row(line)));
        wanted.extend(rows);
        scribe.commit(&batch);
    }
    let along: Vec<JournalId> = wanted.iter().rev().map(|(_, row)| row.id).collect();
    wanted.sort_by_key(|(at, row)| std::cmp::Reverse((*at, row.id)));
    let wanted: Vec<JournalRow> = wanted.into_iter().map(|(_, row)| row).collect();
    for place in places() {
        let queries = open(place).queries;
        for limit in [1, 2, 7, 200] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = queries.journal(PageRequest::new(limit, after)).expect("the store reads");
                assert!(page.rows.len() <= limit, "a page of {limit}");
                found.extend(page.rows);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found, wanted, "in pages of {limit}, newest first");
        }
    }
    let timeline = scribes[0].queries().timeline(head.expect("lines were written"), 100);
    let timeline: Vec<JournalId> = timeline.expect("the store reads").iter().map(|row| row.id).collect();
    assert_eq!(timeline, along, "links lead from shard to shard");
}

pub(super) fn what_is_due_is_due_in_one_shard(open: OpenAt<'_>) {
    let [mut scribe, ..] = scribes(open);
    let (early, late) = (START.plus(-time::HOUR), START.plus(time::HOUR));
    scribe.write(|batch| {
        for n in 0..24_i64 {
            let shard = u8::try_from(n % 3).unwrap_or(0);
            let id = made(shard, early, n);
            let at = if n < 18 { early.plus(n % 5) } else { late };
            batch.payments.push(added(Payment { ask_at: Some(at), ..samples::payment(id, false) }));
            let state = NotificationState::Pending;
            let notification = samples::notification(id, MERCHANT + n % 2, false);
            batch.notifications.push(added(Notification { next_at: Some(at), state, ..notification }));
            // Every other order has moved on to the next shard.
            let shard = Shard::new(u8::try_from((n + n % 2) % 3).unwrap_or(0)).unwrap_or_default();
            let order = Order {
                shard,
                state: OrderState::Open,
                payment: None,
                expires_at: at,
                ..samples::order(id, MERCHANT, &format!("pen-{n:06}"), false)
            };
            batch.order_numbers.push(added(samples::order_number(&order)));
            batch.orders.push(added(order));
            batch.crossings.push(added(samples::crossing(id, n % 2 == 0)));
        }
    });
    let queries = scribe.queries();
    let sets: Vec<ShardSet> = places().map(ShardSet::only).into();
    let none = ShardSet::none(places()[0].shards);
    for limit in [3, 1000] {
        let mut seen = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
        for of in sets.iter().copied() {
            let home = |shard: Shard| assert!(of.contains(shard), "{shard} is not in {of:?}");
            for row in queries.due_payments(of, START, limit).expect("the store reads") {
                home(Shard::of_id(row.id.0));
                assert!(seen[0].insert(row.id.0));
            }
            let rows = queries.due_notifications(of, START, limit).expect("the store reads");
            assert_eq!(queries.due_notifications_past(of, START, None, &[], limit), Ok(rows.clone()));
            for row in rows {
                home(Shard::of_id(row.id.0));
                assert!(seen[1].insert(row.id.0));
            }
            for id in queries.due_orders(of, START, limit).expect("the store reads") {
                let order = queries.order(id).expect("the store reads").expect("it is there");
                home(order.shard);
                assert!(seen[2].insert(id.0));
            }
            for row in queries.crossings(of, limit).expect("the store reads") {
                home(Shard::of_id(row.id.0));
                assert!(seen[3].insert(row.id.0));
            }
        }
        let few = limit == 3;
        assert_eq!(seen.map(|ids| ids.len()), if few { [9; 4] } else { [18, 18, 18, 24] });
    }
    let (two, all) = (
        {
            let mut two = sets[0];
            two.insert(places()[2].shard);
            two
        },
        ShardSet::all(places()[0].shards),
    );
    for (of, wanted) in [(none, 0), (two, 12), (all, 18), (ShardSet::ONLY, 18)] {
        assert_eq!(queries.due_payments(of, START, 100).map(|rows| rows.len()), Ok(wanted), "{of:?}");
        assert_eq!(queries.due_notifications(of, START, 100).map(|rows| rows.len()), Ok(wanted), "{of:?}");
        assert_eq!(queries.due_orders(of, START, 100).map(|rows| rows.len()), Ok(wanted), "{of:?}");
    }
    let mut every = 0;
    queries.each_crossing(&mut |_| every += 1).expect("the store reads");
    assert_eq!(every, 24);
}

pub(super) fn what_is_stale_is_swept_by_one_shard(open: OpenAt<'_>) {
    let [mut scribe, ..] = scribes(open);
    let shards = places()[0].shards;
    let long_ago = START.plus(-30 * time::DAY);
    let mut wanted: [BTreeSet<String>; 3] = Default::default();
    let mut file = |shard: Shard, key: Key| wanted[usize::from(shard.number())].insert(format!("{key:?}"));
    scribe.write(|batch| {
        for n in 0..30_i64 {
            let byte = u8::try_from(n).unwrap_or(0);
            let mut digest = samples::digest(byte);
            (digest.0[0], digest.0[1]) = (byte, byte.wrapping_mul(7));
            let payer = PayerId(n + 1);
            let code = samples::payment_code(100 + n, long_ago, false);
            file(shards.of_code(code.code), Key::PaymentCode(code.code));
            batch.payment_codes.push(added(code));
            let session = Session { token: digest, ..samples::session(byte, payer.0, long_ago) };
            file(shards.of_payer(payer), Key::Session(digest));
            batch.sessions.push(added(Session { expires_at: long_ago, ..session }));
            let oauth = OauthCode { code: digest, payer, ..samples::oauth_code(byte, long_ago, false) };
            file(shards.of_payer(payer), Key::OauthCode(digest));
            batch.oauth_codes.push(added(OauthCode { expires_at: long_ago, ..oauth }));
            let mut sent = samples::one_time_code(byte, false);
            (sent.phone, sent.sent_at) = (digest, long_ago);
            file(shards.of_phone(&digest.0), Key::OneTimeCode(digest));
            batch.one_time_codes.push(added(sent));
            let shard = Shard::new(byte % 3).unwrap_or_default();
            let mut key: Digest = digest;
            key.0[31] = 0b0100_0000 | shard.number();
            file(shard, Key::Request(key));
            batch.requests.push(added(Request { key, ..samples::request(byte, long_ago) }));
            let mut echo = samples::echo(n, false);
            echo.id = EchoId(made(shard.number(), long_ago, n));
            file(shard, Key::Echo(echo.id));
            batch.echoes.push(added(echo));
        }
    });
    let queries = scribe.queries();
    let stale = |of| -> BTreeSet<String> {
        let keys = queries.stale(of, START, 1000).expect("the store reads");
        keys.iter().map(|key| format!("{key:?}")).collect()
    };
    for (place, wanted) in places().into_iter().zip(&wanted) {
        assert_eq!(stale(ShardSet::only(place)), *wanted, "{place:?}");
        assert!(wanted.len() > 30, "{place:?} has some of each kind");
    }
    assert_eq!(stale(ShardSet::all(shards)).len(), 180);
    assert_eq!(stale(ShardSet::none(shards)).len(), 0);
}
