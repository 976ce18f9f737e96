//! Batches: numbered, whole, and there again.

use super::{Open, START, Scribe, added, changed, samples};
use domain::{Batch, Key, Record, world::Change};
use engine::{Recovered, query::Counts};
use std::panic::{AssertUnwindSafe, catch_unwind};
use types::{MerchantId, OrderId, Page, PageRequest, TransferId};

pub(super) fn a_new_store_is_empty(open: Open<'_>) {
    let mut store = open();
    assert_eq!(store.committer.recover(), Ok(Recovered::default()));
    let queries = &store.queries;
    assert_eq!(queries.counts().map(|counts: Counts| counts.batch), Ok(0));
    assert_eq!(queries.merchants(), Ok(Vec::new()));
    let none = Page { rows: Vec::new(), next: None };
    assert_eq!(queries.journal(PageRequest::new(10, None)), Ok(none));
    assert_eq!(queries.stale(types::ShardSet::ONLY, START, 10), Ok(Vec::new()));
    assert_eq!(store.loader.load(&[]), Ok(Vec::new()));
    assert!(engine::prove::prove(&**queries).expect("the store reads").holds());
}

pub(super) fn where_it_stands_survives_opening(open: Open<'_>) {
    for number in 1..=3 {
        let mut scribe = Scribe::open(open);
        assert_eq!(scribe.stands.batch, number - 1);
        let batch = scribe.draft();
        scribe.commit(&batch);
        let stands = Recovered { batch: number, at: batch.at };
        assert_eq!(scribe.store.committer.recover(), Ok(stands), "asked again after a commit");
        assert_eq!(open().committer.recover(), Ok(stands), "asked after opening");
        assert_eq!(scribe.queries().counts().map(|counts| counts.batch), Ok(number));
    }
}

/// A batch that can't be written as it says leaves nothing behind, and the store goes on.
pub(super) fn a_batch_is_written_whole_or_not_at_all(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    let order = samples::order(5, 1_900_000_001, "pen-000001", false);
    scribe.write(|batch| {
        batch.order_numbers.push(added(samples::order_number(&order)));
        batch.orders.push(added(order.clone()));
    });
    let stands = scribe.stands;

    let fine = |batch: &mut Batch| {
        batch.merchants.push(added(samples::merchant(1_900_000_001, true)));
        batch.transfers.push(added(samples::transfer(8, false)));
    };
    let again: fn(&mut Batch) = |batch| {
        batch.orders.push(added(samples::order(5, 1_900_000_001, "pen-000001", false)));
    };
    let nobody: fn(&mut Batch) = |batch| batch.notifications.push(changed(samples::notification(7, 1, true)));
    let later = || samples::order(5, 1_900_000_001, "pen-000001", true);
    let from = |version: i64| {
        move |batch: &mut Batch| {
            batch.orders.push(Change { before: Some(version), ..changed(later()) });
        }
    };
    let (outdated, current) = (from(order.journal.0 + 1), from(order.journal.0));
    type Wrong<'a> = (&'a str, &'a dyn Fn(&mut Batch));
    let cases: [Wrong<'_>; 3] = [
        ("an order that was there", &again),
        ("a change of what is not there", &nobody),
        ("a change made from another version", &outdated),
    ];
    for (what, wrong) in cases {
        let mut batch = scribe.draft();
        fine(&mut batch);
        wrong(&mut batch);
        // A store may refuse or stop the program: it must not go on as if all were well.
        let tried = catch_unwind(AssertUnwindSafe(|| scribe.try_commit(&batch)));
        assert!(!matches!(tried, Ok(Ok(()))), "{what} was taken");
        drop(scribe);
        scribe = Scribe::open(open);
        assert_eq!(scribe.stands, stands, "{what}: where it stands");
        let keys = [Key::Merchant(MerchantId(1_900_000_001)), Key::Transfer(TransferId(8))];
        assert_eq!(scribe.load(&keys), [None, None], "{what}: half of it was kept");
        assert_eq!(scribe.load(&[Key::Order(OrderId(5))]), [Some(Record::Order(order.clone()))]);
    }
    scribe.write(|batch| {
        fine(batch);
        current(batch);
    });
    assert_eq!(scribe.load(&[Key::Order(OrderId(5))]), [Some(Record::Order(later()))]);
    assert_eq!(
        scribe.load(&[Key::Transfer(TransferId(8))]),
        [Some(Record::Transfer(samples::transfer(8, false)))]
    );
}

/// More keys than any one statement takes, of several kinds, known and unknown, mixed.
pub(super) fn many_keys_are_answered_in_order(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    let ids: Vec<i64> = (1..=3000).collect();
    let all = |id: &i64| {
        let order = samples::order(*id, 1_900_000_001, &format!("pen-{id:06}"), id % 5 == 0);
        (samples::transfer(*id, id % 3 == 0), order)
    };
    scribe.write(|batch| {
        for (transfer, order) in ids.iter().filter(|id| *id % 2 == 0).map(all) {
            batch.transfers.push(added(transfer));
            batch.order_numbers.push(added(samples::order_number(&order)));
            batch.orders.push(added(order));
        }
    });
    let mut keys = Vec::new();
    let mut wanted = Vec::new();
    for id in ids.iter().rev() {
        let (transfer, order) = all(id);
        let there = id % 2 == 0;
        let number = samples::order_number(&order);
        keys.extend([
            Key::Transfer(transfer.id),
            Key::OrderNumber((number.merchant, number.number.clone())),
            Key::Order(order.id),
        ]);
        wanted.extend([
            there.then_some(Record::Transfer(transfer)),
            there.then_some(Record::OrderNumber(number)),
            there.then_some(Record::Order(order)),
        ]);
    }
    let found = scribe.load(&keys);
    for ((key, found), wanted) in keys.iter().zip(found).zip(wanted) {
        assert_eq!(found, wanted, "{key:?}");
    }
}

/// Whatever order the database's language puts letters in, and of the one merchant.
pub(super) fn the_largest_number_is_that_of_bytes(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    let (merchant, other) = (MerchantId(1_900_000_001), MerchantId(1_900_000_002));
    assert_eq!(scribe.store.loader.largest_number(merchant), Ok(None));
    let mut largest = String::new();
    let numbers = ["B-0001", "a-0001", "_b-0001", "Z-0001", "a-0000", "|c-0001", "0-0001", "|c"];
    for (id, number) in (10..).zip(numbers) {
        scribe.write(|batch| {
            for (id, merchant) in [(id, merchant), (id + 100, other)] {
                let prefix = if merchant == other { "~" } else { "" };
                let order = samples::order(id, merchant.0, &format!("{prefix}{number}"), false);
                batch.order_numbers.push(added(samples::order_number(&order)));
                batch.orders.push(added(order));
            }
        });
        largest = largest.max(number.to_owned());
        assert_eq!(scribe.store.loader.largest_number(merchant), Ok(Some(largest.as_str().into())));
    }
    assert_eq!(largest, "|c-0001");
    assert_eq!(scribe.store.loader.largest_number(MerchantId(1_900_000_003)), Ok(None));
}
