//! Lists: in their order, in pages, along links, and what is due.

use super::{Open, START, Scribe, added, changed, samples, staff};
use domain::{
    Caller, Command, Context, Key, Tables, Tx, Writes,
    limit::{BillEntry, Usage},
    notification::{Notification, NotificationState},
    order::{Order, OrderState},
    payment::Payment,
    records::Digest,
    refund::{Refund, RefundState},
};
use engine::query::Bill;

use types::{
    EchoId, IdBlock, JournalId, MerchantId, NotificationId, PageRequest, PayerId, PaymentId, Place, RefundId,
    ShardSet, Time,
    time::{self, SECOND},
};

const MERCHANT: i64 = 1_900_000_001;

pub(super) fn lists_are_in_order(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    scribe.write(|batch| {
        for id in [MERCHANT + 2, MERCHANT, MERCHANT + 1] {
            batch.merchants.push(added(samples::merchant(id, true)));
        }
        for (serial, days) in [("5A", 2), ("6B", 3), ("4C", 1)] {
            let mut certificate = samples::certificate(MERCHANT, serial, days == 3);
            certificate.not_before = START.plus(days * time::DAY);
            batch.certificates.push(added(certificate));
        }
        batch.certificates.push(added(samples::certificate(MERCHANT + 1, "7D", false)));
        for (id, payer) in [(12, 3), (11, 3), (13, 4), (14, 3)] {
            batch.cards.push(added(samples::card(id, payer)));
        }
        for id in 1..=30 {
            let mut order = samples::order(id, MERCHANT, &format!("pen-{id:06}"), false);
            order.payer = Some(PayerId(3 + id % 2));
            order.state = if id <= 26 { OrderState::Paying } else { OrderState::Failed };
            batch.order_numbers.push(added(samples::order_number(&order)));
            batch.orders.push(added(order));
        }
    });
    let queries = scribe.queries();
    let merchants = queries.merchants().expect("the store reads");
    assert_eq!(merchants.iter().map(|m| m.id.0 - MERCHANT).collect::<Vec<_>>(), [0, 1, 2]);
    let certificates = queries.certificates(MerchantId(MERCHANT)).expect("the store reads");
    let serials: Vec<&str> = certificates.iter().map(|c| &*c.serial).collect();
    assert_eq!(serials, ["6B", "5A", "4C"], "newest first, revoked ones too");
    assert_eq!(queries.certificates(MerchantId(1)), Ok(Vec::new()));
    let cards = queries.cards(PayerId(3)).expect("the store reads");
    assert_eq!(cards.iter().map(|card| card.id.0).collect::<Vec<_>>(), [14, 12, 11], "newest first");
    let waiting = queries.orders_to_confirm(PayerId(3)).expect("the store reads");
    let ids: Vec<i64> = waiting.iter().map(|order| order.id.0).collect();
    assert_eq!(ids, [26, 24, 22, 20, 18, 16, 14, 12, 10, 8], "the ten newest that wait for this payer");
    assert_eq!(queries.orders_to_confirm(PayerId(5)), Ok(Vec::new()));

    let mut seen = (Vec::new(), 0);
    queries.each_order(&mut |order| seen.0.push(order.id.0)).expect("the store reads");
    queries.each_account(&mut |_| seen.1 += 1).expect("the store reads");
    assert_eq!(seen, ((1..=30).collect(), 0));
}

/// Orders and top-ups in one chain; `from` names the entry to start at.
pub(super) fn a_bill_follows_its_links(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    scribe.write(|batch| {
        for id in 1..=20_i64 {
            let previous = (id > 1).then_some(BillEntry(id - 1));
            if id % 4 == 0 {
                batch.payments.push(added(Payment { bill_previous: previous, ..samples::payment(id, true) }));
            } else {
                let number = format!("pen-{id:06}");
                let order = Order { bill_previous: previous, ..samples::order(id, MERCHANT, &number, true) };
                batch.order_numbers.push(added(samples::order_number(&order)));
                batch.orders.push(added(order));
            }
        }
        batch.usage.push(added(Usage { newest: Some(BillEntry(20)), ..Usage::none(3) }));
        batch.usage.push(added(Usage::none(4)));
    });
    let queries = scribe.queries();
    let ids = |from, limit| -> Vec<i64> {
        let entries = queries.bill(PayerId(3), from, limit).expect("the store reads");
        entries
            .iter()
            .map(|entry| match entry {
                Bill::Order(order) => order.id.0,
                Bill::TopUp(payment) => -payment.id.0,
                Bill::UserTransfer(transfer) => transfer.id.0,
            })
            .collect()
    };
    assert_eq!(ids(None, 5), [-20, 19, 18, 17, -16]);
    assert_eq!(ids(Some(BillEntry(4)), 100), [-4, 3, 2, 1]);
    assert_eq!(ids(None, 100).len(), 20);
    assert_eq!(queries.bill(PayerId(4), None, 5), Ok(Vec::new()), "nothing paid yet");
    assert_eq!(queries.bill(PayerId(5), None, 5), Ok(Vec::new()), "never seen");
}

pub(super) fn notifications_come_in_pages(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    scribe.write(|batch| {
        for id in 1..=25 {
            let notification = samples::notification(id, MERCHANT + id % 2, id % 3 == 0);
            batch.notifications.push(added(notification));
        }
    });
    let queries = scribe.queries();
    for (merchant, wanted) in [
        (None, (1..=25).rev().collect::<Vec<i64>>()),
        (Some(MerchantId(MERCHANT)), (1..=25).rev().filter(|id| id % 2 == 0).collect()),
        (Some(MerchantId(MERCHANT + 1)), (1..=25).rev().filter(|id| id % 2 == 1).collect()),
        (Some(MerchantId(1)), Vec::new()),
    ] {
        for limit in [1, 5, 12, 200] {
            let mut found = Vec::new();
            let mut after = None;
            loop {
                let page = queries.notifications(merchant, PageRequest::new(limit, after)).expect("it reads");
                assert!(page.rows.len() <= limit);
                found.extend(page.rows.iter().map(|row| row.id.0));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found, wanted, "{merchant:?} in pages of {limit}");
        }
    }
}

pub(super) fn due_notifications_can_be_stepped_over(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    // Merchant 0 has most of the rows, and the earliest.
    let all: Vec<Notification> = (1..=60_i64)
        .map(|id| {
            let merchant = if id <= 40 { 0 } else { 1 + id % 3 };
            let next_at = if id % 10 == 0 { None } else { Some(START.plus(id * 7 % 50 + merchant * 30)) };
            let state =
                if next_at.is_some() { NotificationState::Pending } else { NotificationState::GivenUp };
            Notification { next_at, state, ..samples::notification(id, MERCHANT + merchant, false) }
        })
        .collect();
    scribe.write(|batch| batch.notifications.extend(all.iter().map(|n| added(*n))));
    let queries = scribe.queries();
    let due = |now: Time, past: Option<(Time, NotificationId)>, except: &[MerchantId], limit| {
        let mut rows: Vec<_> = all.iter().filter_map(|row| Some(((row.next_at?, row.id), *row))).collect();
        rows.retain(|(place, row)| {
            place.0 <= now && past.is_none_or(|past| *place > past) && !except.contains(&row.merchant)
        });
        rows.sort_by_key(|(place, _)| *place);
        rows.into_iter().map(|(_, row)| row).take(limit).collect::<Vec<_>>()
    };
    let late = START.plus(1000);
    for now in [START.plus(-1), START.plus(20), START.plus(70), late] {
        for limit in [1, 7, 1000] {
            assert_eq!(queries.due_notifications(ShardSet::ONLY, now, limit), Ok(due(now, None, &[], limit)));
            for except in
                [vec![], vec![MerchantId(MERCHANT)], (0..4).map(|n| MerchantId(MERCHANT + n)).collect()]
            {
                let mut past = None;
                loop {
                    let found = queries
                        .due_notifications_past(ShardSet::ONLY, now, past, &except, limit)
                        .expect("it reads");
                    assert_eq!(found, due(now, past, &except, limit), "now {now}, past {past:?}");
                    let Some(last) = found.last() else { break };
                    past = last.next_at.map(|at| (at, last.id));
                }
            }
        }
    }
    let first = due(late, None, &[], 1)[0];
    let later = Notification { next_at: Some(late.plus(1)), attempts: 1, ..first };
    scribe.write(|batch| batch.notifications.push(changed(later)));
    let found = scribe.queries().due_notifications(ShardSet::ONLY, late, 1000).expect("the store reads");
    assert_eq!(found, due(late, None, &[], 1000)[1..], "a row that was put off is not due");
}

pub(super) fn due_payments_and_orders_come_earliest_first(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    let states = OrderState::ALL;
    scribe.write(|batch| {
        for id in 1..=28_i64 {
            let ask_at = (id % 4 != 0).then_some(START.plus(id * 11 % 29));
            batch.payments.push(added(Payment { ask_at, ..samples::payment(id, false) }));
            let number = format!("pen-{id:06}");
            let order = Order {
                state: states[usize::try_from(id).unwrap_or(0) % states.len()],
                payment: (id % 9 == 0).then_some(PaymentId(id)),
                expires_at: START.plus(id * 11 % 29),
                ..samples::order(id, MERCHANT, &number, false)
            };
            batch.order_numbers.push(added(samples::order_number(&order)));
            batch.orders.push(added(order));
        }
    });
    let queries = scribe.queries();
    for now in [START.plus(-1), START.plus(14), START.plus(100)] {
        let after = |id: i64| START.plus(id * 11 % 29);
        let mut asked: Vec<i64> = (1..=28).filter(|id| id % 4 != 0 && after(*id) <= now).collect();
        asked.sort_by_key(|id| (after(*id), *id));
        let mut ended: Vec<i64> =
            (1..=28).filter(|id| id % 7 < 2 && id % 9 != 0 && after(*id) <= now).collect();
        ended.sort_by_key(|id| (after(*id), *id));
        for limit in [0, 1, 5, 100] {
            let payments = queries.due_payments(ShardSet::ONLY, now, limit).expect("the store reads");
            let found: Vec<i64> = payments.iter().map(|payment| payment.id.0).collect();
            assert_eq!(found, asked[..limit.min(asked.len())], "payments at {now}");
            let found: Vec<i64> = queries
                .due_orders(ShardSet::ONLY, now, limit)
                .expect("the store reads")
                .iter()
                .map(|id| id.0)
                .collect();
            let wanted = &ended[..limit.min(ended.len())];
            assert_eq!(found, wanted, "orders at {now}: open or paying, and not locked by a payment");
        }
    }
}

pub(super) fn refunds_are_found_by_number_state_and_time(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    let states = RefundState::ALL;
    let state = |id: i64| states[usize::try_from(id).unwrap_or(0) % states.len()];
    let due = |id: i64| (id % 5 != 0).then_some(START.plus(id * 11 % 29));
    scribe.write(|batch| {
        for id in 1..=28_i64 {
            let number = format!("refund|*@-{id:06}");
            let refund = Refund {
                state: state(id),
                due_at: due(id),
                previous: (id > 1).then_some(RefundId(id - 1)),
                ..samples::refund(id, MERCHANT, &number, false)
            };
            batch.refund_numbers.push(added(samples::refund_number(&refund)));
            batch.refunds.push(added(refund));
        }
    });
    let queries = scribe.queries();
    for now in [START.plus(-1), START.plus(14), START.plus(100)] {
        let mut wanted: Vec<i64> = (1..=28).filter(|id| due(*id).is_some_and(|at| at <= now)).collect();
        wanted.sort_by_key(|id| (due(*id), *id));
        for limit in [0, 1, 5, 100] {
            let found = queries.due_refunds(ShardSet::ONLY, now, limit).expect("the store reads");
            let found: Vec<i64> = found.iter().map(|refund| refund.id.0).collect();
            assert_eq!(found, wanted[..limit.min(wanted.len())], "refunds due at {now}");
        }
    }
    let wanted: Vec<i64> = (1..=28).filter(|id| state(*id) == RefundState::Waiting).collect();
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = queries.refunds_waiting(PageRequest::new(3, after)).expect("the store reads");
        found.extend(page.rows.iter().map(|refund| refund.id.0));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, wanted, "those that wait, oldest first");
    let of = |merchant: i64, number: &str| {
        let found = queries.refund_by_number(MerchantId(merchant), number).expect("the store reads");
        found.map(|refund| refund.id.0)
    };
    assert_eq!(of(MERCHANT, "refund|*@-000007"), Some(7));
    assert_eq!((of(MERCHANT + 1, "refund|*@-000007"), of(MERCHANT, "REFUND|*@-000007")), (None, None));
    let mut order = samples::order(5, MERCHANT, "pen-000001", true);
    for (newest, count) in
        [(None, 0), (Some(RefundId(28)), 28), (Some(RefundId(3)), 3), (Some(RefundId(99)), 0)]
    {
        order.refunded.newest = newest;
        let chain = queries.refunds_of(&order).expect("the store reads");
        let ids: Vec<i64> = chain.iter().map(|refund| refund.id.0).collect();
        assert_eq!(ids, (1..=count).rev().collect::<Vec<i64>>(), "the chain from {newest:?}");
    }
}

pub(super) fn stale_records_are_those_the_sweep_removes(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    let hours = [-50, -49, -48, -47, -30, -26, -25, -24, -23, -2, -1, 0, 1];
    scribe.write(|batch| {
        for (n, hour) in (0_u8..).zip(hours) {
            let at = START.plus(hour * time::HOUR + SECOND);
            batch.payment_codes.push(added(samples::payment_code(100 + i64::from(n), at, false)));
            batch.sessions.push(added(samples::session(n, 3, at)));
            batch.oauth_codes.push(added(samples::oauth_code(n, at, false)));
            batch.staff_sessions.push(added(staff::session(n, at, false)));
            batch.requests.push(added(samples::request(n, at)));
            batch.echoes.push(added(samples::echo(made_at(at), false)));
            let mut sent = samples::one_time_code(n, true);
            sent.sent_at = at;
            batch.one_time_codes.push(added(sent));
        }
    });
    let mut everything = Vec::new();
    for (n, hour) in (0_u8..).zip(hours) {
        let at = START.plus(hour * time::HOUR + SECOND);
        let digest: Digest = samples::digest(n);
        everything.extend([
            Key::PaymentCode(100 + i64::from(n)),
            Key::Session(digest),
            Key::OauthCode(digest),
            Key::StaffSession(digest),
            Key::Request(digest),
            Key::OneTimeCode(digest),
            Key::Echo(EchoId(made_at(at))),
        ]);
    }
    let removed = swept(&mut scribe, &everything, START);
    let mut found = scribe.queries().stale(ShardSet::ONLY, START, 1000).expect("the store reads");
    for key in &removed {
        let place = found.iter().position(|other| other == key);
        assert!(place.is_some(), "{key:?} would be swept but is not listed");
        found.swap_remove(place.unwrap_or(0));
    }
    assert_eq!(found, Vec::new(), "listed, but not to be swept");
    assert!(removed.len() > 10, "{removed:?}");
    for limit in [0, 1, 4] {
        assert_eq!(
            scribe.queries().stale(ShardSet::ONLY, START, limit).expect("the store reads").len(),
            limit
        );
    }
}

/// An id that was made then.
fn made_at(at: Time) -> i64 {
    IdBlock::new(at, 3, 5).id(0)
}

/// The keys that the sweep command would remove at `now`.
fn swept(scribe: &mut Scribe, keys: &[Key], now: Time) -> Vec<Key> {
    let mut tables = Tables::default();
    for (key, record) in keys.iter().zip(scribe.load(keys)) {
        tables.load(key.clone(), record);
    }
    let context = Context {
        now,
        ids: IdBlock::new(now, 0, 0),
        journal: JournalId(1),
        caller: Caller::platform(),
        place: Place::ONLY,
    };
    keys.iter()
        .filter(|key| {
            let (mut writes, mut missing) = (Writes::default(), Vec::new());
            let mut tx = Tx::new(&tables, &mut writes, &mut missing);
            let reply =
                domain::apply(&Command::Sweep(types::Shard::FIRST, vec![(*key).clone()]), &context, &mut tx);
            reply == Ok(domain::Reply::Count(1))
        })
        .cloned()
        .collect()
}
