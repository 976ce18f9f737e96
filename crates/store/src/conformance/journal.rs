//! The journal: every line as it was written, and along one record.

use super::{Open, START, Scribe, line};
use domain::{Actor, Caller, JournalLine, Subject};
use engine::query::JournalRow;
use types::{
    CardId, Cursor, JournalId, MerchantId, NotificationId, OrderId, PageRequest, PayerId, PaymentId, Time,
};

fn told(at: Time, actor: Actor, subject: Subject) -> JournalLine {
    JournalLine {
        at,
        subject,
        caller: Caller {
            address: "2001:db8::7".parse().ok(),
            device: Some("Mozilla \"5.0\" \\ 微信\u{1F4F1}".into()),
            ..Caller::of(actor)
        },
        command: "pay_order",
        outcome: "not_enough",
        note: Some("12.34, 'quoted'\nsecond line".into()),
        previous: Some(JournalId(4097)),
        ..line(1, 0, at)
    }
}

pub(super) fn the_journal_reads_back(open: Open<'_>) {
    let subjects = [
        Subject::Platform,
        Subject::Merchant(MerchantId(1_900_000_001)),
        Subject::Payer(PayerId(3)),
        Subject::Card(CardId(i64::MAX)),
        Subject::Order(OrderId(5)),
        Subject::Payment(PaymentId(6)),
        Subject::Refund(types::RefundId(8)),
        Subject::Notification(NotificationId(7)),
    ];
    let actors = [
        Actor::Platform,
        Actor::Merchant(MerchantId(1_900_000_001)),
        Actor::Payer(PayerId(3)),
        Actor::Visitor,
        Actor::Channel,
    ];
    let mut wanted = Vec::new();
    for number in 1..=4 {
        let mut scribe = Scribe::open(open);
        let mut batch = scribe.draft();
        batch.journal.clear();
        for (place, subject) in (0_usize..).zip(subjects) {
            // The time of a batch is that of its last command.
            let at = batch.at.plus(-i64::try_from(subjects.len() - place).unwrap_or(0));
            let full = told(at, actors[place % actors.len()], subject);
            let bare = JournalLine { subject, ..line(number, 0, at) };
            let id = JournalId(number * 4096 + i64::try_from(place).unwrap_or(0));
            let line = JournalLine { id, ..if (number + id.0) % 2 == 0 { bare } else { full } };
            wanted.push(line.clone());
            batch.journal.push(line);
        }
        scribe.commit(&batch);
    }
    let wanted: Vec<JournalRow> = wanted.iter().rev().map(row).collect();
    let queries = open().queries;
    for limit in [1, 3, 7, 200] {
        let mut found = Vec::new();
        let mut after = None;
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
    let past = queries.journal(PageRequest::new(5, Some(Cursor(0)))).expect("the store reads");
    assert_eq!((past.rows, past.next), (Vec::new(), None));
}

pub(super) fn row(line: &JournalLine) -> JournalRow {
    JournalRow {
        id: line.id,
        at: line.at,
        actor: line.caller.actor.to_string(),
        address: line.caller.address.map(|address| address.to_string()),
        device: line.caller.device.as_deref().map(str::to_owned),
        command: line.command.to_owned(),
        subject: line.subject.to_string(),
        outcome: line.outcome.to_owned(),
        note: line.note.as_deref().map(str::to_owned),
        previous: line.previous,
    }
}

/// Two records in turn, one line a batch: each timeline has its own lines only.
pub(super) fn a_timeline_follows_its_links(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    let mut heads: [Option<JournalId>; 2] = [None, None];
    for round in 0..10_usize {
        let mut batch = scribe.draft();
        let id = JournalId(batch.number * 4096);
        let subject = Subject::Order(OrderId(if round % 2 == 0 { 1 } else { 2 }));
        let head = &mut heads[round % 2];
        batch.journal = vec![JournalLine { subject, previous: *head, ..line(batch.number, 0, START) }];
        *head = Some(id);
        scribe.commit(&batch);
    }
    let queries = scribe.queries();
    let head = heads[0].expect("a line was written");
    let along = queries.timeline(head, 100).expect("the store reads");
    assert_eq!(along.len(), 5);
    assert!(along.iter().all(|row| row.subject == "order:1"), "{along:?}");
    assert!(along.windows(2).all(|pair| pair[0].previous == Some(pair[1].id)), "newest first");
    assert_eq!(queries.timeline(head, 2).expect("the store reads"), along[..2]);
    assert_eq!(queries.timeline(JournalId(1), 2), Ok(Vec::new()), "no such line");
}
