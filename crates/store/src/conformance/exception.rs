//! Exceptions: a sample, and their lists.

use super::{Open, START, Scribe, added};
use domain::{
    clearing::Clearing,
    exception::{Class, Exception, State},
};
use engine::query::{ExceptionFilter, Past};
use ledger::AccountId;
use types::{
    BusinessDay, ClearingId, Currency, Cursor, ExceptionId, JournalId, OperatorId, Page, PageRequest,
};

pub(super) fn exception(id: i64, full: bool) -> Exception {
    Exception {
        reference: format!("card/payment/42000{id}/short").into(),
        id: ExceptionId(id),
        class: Class::Short,
        day: BusinessDay(20_458),
        since: BusinessDay(20_457),
        ledger: Some(i64::MAX),
        channel: None,
        bank: Some(0),
        against: AccountId::channel_receivable(1, Currency::CNY),
        question: full.then_some(-i64::MAX),
        note: "短款 \"O'Brien\" \\ \u{1F375}".into(),
        state: if full { State::Resolved } else { State::Open },
        correction: if full { -i64::MAX } else { 0 },
        why: if full { "渠道已确认".into() } else { "".into() },
        maker: full.then_some(OperatorId(1)),
        approver: full.then_some(OperatorId(2)),
        booked: if full { -i64::MAX } else { 0 },
        opened_at: START,
        ended_at: full.then_some(START.plus(1)),
        journal: JournalId(if full { i64::MAX - 7 } else { 4096 }),
    }
}

pub(super) fn clearing(id: i64, full: bool) -> Clearing {
    Clearing {
        reference: format!("card/202611{id}").into(),
        id: ClearingId(id),
        receivable: AccountId::channel_receivable(1, Currency::CNY),
        expected: Some(if full { -i64::MAX } else { 1 }),
        due: Some(BusinessDay(20_459)),
        received: full.then_some(i64::MAX),
        statement: full.then_some(BusinessDay(-1)),
        bank_reference: if full { "SIM\u{1F375}'1".into() } else { "".into() },
        opened_at: START,
        journal: JournalId(if full { i64::MAX - 7 } else { 4096 }),
    }
}

pub(super) fn exceptions_are_listed_open_ones_apart(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    scribe.write(|batch| {
        for id in 1..=7 {
            let state = State::ALL[usize::try_from(id % 4).unwrap_or(0)];
            batch.exceptions.push(added(Exception { state, ..exception(id, false) }));
        }
    });
    let queries = scribe.queries();
    let page = |limit, after: Option<i64>| PageRequest::new(limit, after.map(Cursor));
    let ids = |page: Result<Page<Exception>, engine::Fault>| {
        let page = page.expect("the store reads");
        (page.rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), page.next.map(|cursor| cursor.0))
    };
    assert_eq!(ids(queries.exceptions(page(3, None))), (vec![7, 6, 5], Some(5)));
    assert_eq!(ids(queries.exceptions(page(9, Some(5)))), (vec![4, 3, 2, 1], None));
    // Open (4) and suggested (1, 5), the oldest first.
    assert_eq!(ids(queries.exceptions_open(page(2, None))), (vec![1, 4], Some(4)));
    assert_eq!(ids(queries.exceptions_open(page(2, Some(4)))), (vec![5], None));
    let mut seen = 0;
    queries.each_exception(&mut |_| seen += 1).expect("the store reads");
    assert_eq!(seen, 7);
    let past = Past { merchant: None, before: i64::MAX, from: 0, examine: 100, take: 3 };
    let search = |past, filter| {
        let found = queries.exceptions_back(past, filter).expect("the store reads");
        (found.rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), found.next)
    };
    let any = ExceptionFilter::default();
    assert_eq!(search(past, any), (vec![7, 6, 5], Some(5)));
    assert_eq!(search(Past { before: 5, ..past }, any), (vec![4, 3, 2], Some(2)));
    let open = ExceptionFilter { open: true, ..any };
    assert_eq!(search(past, open), (vec![5, 4, 1], None));
    assert_eq!(
        search(Past { examine: 3, ..past }, open),
        (vec![5], Some(5)),
        "bounded by what is gone through"
    );
    assert_eq!(search(past, ExceptionFilter { state: Some(State::Suggested), ..any }).0, [5, 1]);
    let one = exception(1, false);
    for (filter, all) in [
        (ExceptionFilter { class: Some(one.class), ..open }, true),
        (ExceptionFilter { since: Some(one.since), ..open }, true),
        (ExceptionFilter { since: Some(one.since.previous()), ..open }, false),
        (ExceptionFilter { maker: Some(OperatorId(1)), ..open }, false),
        (ExceptionFilter { not_maker: Some(OperatorId(1)), ..open }, false),
    ] {
        assert_eq!(search(past, filter).0.len(), if all { 3 } else { 0 }, "{filter:?}");
    }
    scribe.write(|batch| batch.exceptions.push(added(exception(8, true))));
    let queries = scribe.queries();
    let ids = |filter| {
        let found = queries.exceptions_back(past, filter).expect("the store reads");
        found.rows.iter().map(|row| row.id.0).collect::<Vec<_>>()
    };
    assert_eq!(ids(ExceptionFilter { maker: Some(OperatorId(1)), ..any }), [8]);
    assert_eq!(ids(ExceptionFilter { not_maker: Some(OperatorId(2)), ..any }), [8]);
    assert!(ids(ExceptionFilter { maker: Some(OperatorId(2)), ..any }).is_empty());
}
