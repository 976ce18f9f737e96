//! Staff, and what their pages read.

use super::{Open, START, Scribe, added, samples};
use domain::{
    order::OrderState,
    staff::{Role, Staff, StaffName, StaffSession},
};
use engine::query::{Found, OrderFilter, Past};
use types::{JournalId, MerchantId, OperatorId, Secret, Time};

pub(super) fn staff(id: i64, full: bool) -> Staff {
    Staff {
        id: OperatorId(id),
        name: "kim@shop".into(),
        merchant: (id % 2 == 0).then_some(MerchantId(1_900_000_001)),
        role: if id % 2 == 0 { Role::Clerk } else { Role::Auditor },
        active: full,
        password: Secret::new(if full { "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA" } else { "" }.into()),
        must_change: full,
        totp: full.then(|| Box::from([0, 255, 39, 34])),
        totp_step: if full { i64::MAX } else { 0 },
        failures: if full { u8::MAX } else { 0 },
        locked_until: full.then_some(START.plus(1)),
        sessions_from: START.plus(i64::from(full)),
        signed_in_at: full.then_some(START.plus(2)),
        created_at: START,
        journal: JournalId(if full { i64::MAX - 7 } else { 4096 }),
    }
}

pub(super) fn name(name: &str) -> StaffName {
    StaffName { name: name.into(), staff: OperatorId(15) }
}

pub(super) fn session(token: u8, expires_at: Time, full: bool) -> StaffSession {
    StaffSession {
        token: samples::digest(token),
        staff: OperatorId(15),
        whole: full,
        created_at: START,
        seen_at: START.plus(i64::from(full)),
        expires_at,
        device: if full { "龙井 \"browser\" '1'" } else { "" }.into(),
        address: if full { "2001:db8::1" } else { "" }.into(),
        stepped_up_at: full.then_some(START.plus(3)),
    }
}

pub(super) fn the_past_is_searched_in_bounded_steps(open: Open<'_>) {
    let (ours, theirs) = (1_900_000_001, 1_900_000_002);
    let mut scribe = Scribe::open(open);
    scribe.write(|batch| {
        for id in 1..=20 {
            let merchant = if id % 5 == 0 { ours } else { theirs };
            let order = samples::order(id, merchant, &format!("order-{id:06}"), false);
            batch.orders.push(added(domain::order::Order {
                state: if id % 10 == 0 { OrderState::Expired } else { order.state },
                ..order
            }));
            batch.notifications.push(added(samples::notification(100 + id, merchant, false)));
            batch.refunds.push(added(samples::refund(200 + id, merchant, &format!("r-{id}"), false)));
            batch.staff.push(added(staff(id, false)));
        }
    });
    let queries = scribe.queries();
    let any = OrderFilter::default();
    let past = Past { merchant: Some(MerchantId(ours)), before: i64::MAX, from: 0, examine: 10, take: 2 };
    let orders = |past, filter| {
        let Found { rows, next } = queries.orders_back(past, filter).expect("the store reads");
        (rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), next)
    };
    assert_eq!(orders(past, any), (vec![20, 15], Some(11)), "two of ours among the newest ten");
    assert_eq!(orders(Past { take: 1, ..past }, any), (vec![20], Some(20)), "more than was taken");
    assert_eq!(orders(Past { before: 9, ..past }, any), (vec![5], None), "to the beginning");
    assert_eq!(orders(Past { before: 9, from: 6, ..past }, any), (vec![], None));
    assert_eq!(orders(Past { before: 9, from: 9, ..past }, any), (vec![], None));
    assert_eq!(orders(Past { examine: 2, before: 15, ..past }, any), (vec![], Some(13)), "go on");
    assert_eq!(orders(Past { merchant: None, ..past }, any), (vec![20, 19], Some(19)));
    let expired = OrderFilter { state: Some(OrderState::Expired), ..any };
    assert_eq!(orders(Past { examine: 20, ..past }, expired), (vec![20, 10], None));
    let one = queries.order(types::OrderId(20)).expect("the store reads").expect("it was written");
    let amount = one.terms.amount.minor;
    for (least, most, found) in [(amount, amount, 2), (0, amount - 1, 0)] {
        let filter =
            OrderFilter { least: Some(least), most: Some(most), product: Some(one.terms.product), ..expired };
        assert_eq!(orders(Past { examine: 20, ..past }, filter).0.len(), found, "{least} to {most}");
    }
    let found = queries.notifications_back(past, None).expect("the store reads");
    assert_eq!(found.rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), [120, 115]);
    assert_eq!(found.next, Some(111));
    let found = queries.refunds_back(past, None).expect("the store reads");
    assert_eq!(found.rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), [220, 215]);
    let state = Some(found.rows[0].state);
    assert_eq!(queries.refunds_back(past, state).expect("the store reads"), found);
    let people = |merchant, limit| {
        let found = queries.staff_of(merchant, limit).expect("the store reads");
        found.iter().map(|row| row.id.0).collect::<Vec<_>>()
    };
    assert_eq!(people(Some(MerchantId(ours)), 3), [2, 4, 6]);
    assert_eq!(people(None, 2), [1, 3]);
}
