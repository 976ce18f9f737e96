//! Transfers to users and batches: samples, and their lists.

use super::{Open, OpenAt, START, Scribe, added, samples};
use domain::{
    limit::{BillEntry, Usage},
    user_transfer::{
        BatchDetail, BatchState, BatchTerms, FailReason, GivenName, Recipient, TransferBatch,
        TransferBatchNumber, TransferPlan, TransferTerms, UserTransfer, UserTransferNumber,
        UserTransferState,
    },
};
use engine::query::{Bill, Past};
use std::sync::Arc;
use types::{
    AppId, BusinessDay, JournalId, MerchantId, Money, PayerId, Place, Shard, ShardSet, Shards,
    TransferBatchId, TransferId, UserTransferId,
};

const LAST: i64 = i64::MAX - 7;
const MERCHANT: i64 = 1_900_000_001;

fn name(full: bool) -> Option<GivenName> {
    full.then(|| GivenName { sealed: Box::from([9, 8, 7]), hash: samples::digest(77) })
}

pub(super) fn user_transfer(id: i64, merchant: i64, full: bool) -> UserTransfer {
    // Terms never change.
    let rich = id % 2 == 0;
    let terms = TransferTerms {
        merchant: MerchantId(merchant),
        number: format!("T{id}").into(),
        app: AppId(-1),
        payer: PayerId(3),
        amount: Money::cny(if rich { i64::MAX } else { 1 }),
        scene: if rich { u16::MAX } else { 0 },
        remark: "谢谢".into(),
        perception: if rich { "现金奖励" } else { "" }.into(),
        reports: if rich { vec![("活动名称".into(), "\"茶\"".into())] } else { Vec::new() },
        notify_url: if rich { "https://tea.example/t" } else { "" }.into(),
        name: name(rich),
        digest: [if rich { 255 } else { 0 }; 16],
    };
    UserTransfer {
        id: UserTransferId(id),
        shard: if full { Shard::new(63).unwrap_or_default() } else { Shard::FIRST },
        terms: Arc::new(terms),
        batch: rich.then_some(TransferBatchId(LAST)),
        state: if full { UserTransferState::Cancelled } else { UserTransferState::Processing },
        fail: full.then_some(FailReason::Class),
        created_at: START,
        updated_at: START.plus(1),
        due_at: full.then_some(START),
        tries: if full { u32::MAX } else { 0 },
        hold: full.then_some(TransferId(LAST)),
        crossing: full.then_some(TransferId(5)),
        end: full.then_some(TransferId(6)),
        bill_previous: full.then_some(BillEntry(7)),
        journal: JournalId(if full { LAST } else { 1 }),
    }
}

pub(super) fn number(merchant: i64) -> UserTransferNumber {
    UserTransferNumber {
        merchant: MerchantId(merchant),
        number: "7000/12".into(),
        transfer: UserTransferId(20),
    }
}

pub(super) fn batch(id: i64, merchant: i64, full: bool) -> TransferBatch {
    let rich = id % 2 == 0;
    let detail = |place: i64| BatchDetail {
        number: format!("d{place}").into(),
        payer: PayerId(place),
        amount: if rich { i64::MAX } else { 1 },
        remark: "七月".into(),
        name: name(rich),
    };
    let terms = BatchTerms {
        merchant: MerchantId(merchant),
        number: "B1".into(),
        app: AppId(8),
        name: "七月工资".into(),
        remark: "“七月”".into(),
        scene: if rich { 1000 } else { 0 },
        notify_url: if rich { "https://tea.example/b" } else { "" }.into(),
        details: (1..=if rich { 3 } else { 1 }).map(detail).collect(),
        digest: [3; 16],
    };
    TransferBatch {
        id: TransferBatchId(id),
        terms: Arc::new(terms),
        state: if full { BatchState::Finished } else { BatchState::Accepted },
        created_at: START,
        updated_at: START.plus(2),
        due_at: full.then_some(START),
        begun: if full { 1000 } else { 0 },
        ended: if full { 999 } else { 0 },
        succeeded: if full { 998 } else { 0 },
        success_amount: if full { i64::MAX } else { 0 },
        fail_amount: if full { 1 } else { 0 },
        journal: JournalId(if full { LAST } else { 2 }),
    }
}

pub(super) fn batch_number(merchant: i64) -> TransferBatchNumber {
    TransferBatchNumber { merchant: MerchantId(merchant), number: "B1".into(), batch: TransferBatchId(21) }
}

pub(super) fn plan(merchant: i64, full: bool) -> TransferPlan {
    TransferPlan {
        merchant: MerchantId(merchant),
        scenes: if full { vec![1000, 1013] } else { Vec::new() },
        day: BusinessDay(if full { 20_458 } else { 0 }),
        day_total: if full { i64::MAX } else { 0 },
        journal: JournalId(if full { LAST } else { 1 }),
    }
}

pub(super) fn recipient(payer: i64, full: bool) -> Recipient {
    let none = Recipient::none(PayerId(payer));
    if !full {
        return none;
    }
    Recipient {
        name: Some(samples::digest(78)),
        day: BusinessDay(20_458),
        day_total: i64::MAX,
        year: 2026,
        year_total: i64::MAX,
        lifetime_total: i64::MAX,
        ..none
    }
}

/// A transfer in a state, due then, of a shard.
fn one(id: i64, state: UserTransferState, due: Option<i64>, shard: u8) -> UserTransfer {
    UserTransfer {
        state,
        due_at: due.map(|late| START.plus(late)),
        shard: Shard::new(shard).unwrap_or_default(),
        ..user_transfer(id, MERCHANT + id % 2, false)
    }
}

pub(super) fn transfers_to_users_are_listed(open: Open<'_>) {
    use UserTransferState as State;
    let mut scribe = Scribe::open(open);
    scribe.write(|batch| {
        batch.user_transfers.extend(
            [
                one(1, State::Waiting, Some(9), 0),
                one(2, State::Waiting, Some(5), 1),
                one(3, State::Processing, Some(1), 2),
                one(4, State::Succeeded, None, 0),
                UserTransfer {
                    batch: Some(TransferBatchId(30)),
                    bill_previous: Some(BillEntry(4)),
                    ..one(5, State::Processing, Some(7), 0)
                },
                UserTransfer {
                    terms: Arc::new(TransferTerms {
                        payer: PayerId(4),
                        ..(*user_transfer(6, MERCHANT, false).terms).clone()
                    }),
                    ..one(6, State::Waiting, Some(8), 0)
                },
            ]
            .map(added),
        );
        for (id, due) in [(30, Some(3)), (31, None), (32, Some(2))] {
            let due_at = due.map(|late| START.plus(late));
            batch.transfer_batches.push(added(TransferBatch { due_at, ..self::batch(id, MERCHANT, false) }));
        }
        batch.usage.push(added(Usage { newest: Some(BillEntry(5)), ..Usage::none(3) }));
    });
    let queries = scribe.queries();
    let ids = |rows: Vec<UserTransfer>| rows.iter().map(|row| row.id.0).collect::<Vec<_>>();
    let due = |late, limit| {
        let found =
            queries.due_user_transfers(ShardSet::ONLY, START.plus(late), limit).expect("the store reads");
        found.into_iter().map(|id| id.0).collect::<Vec<_>>()
    };
    assert_eq!(due(8, 9), [3, 2, 5, 6], "earliest first");
    assert_eq!(due(8, 2), [3, 2]);
    assert_eq!(due(0, 9), [0_i64; 0]);
    let batches = queries.due_transfer_batches(START.plus(9), 9).expect("the store reads");
    assert_eq!(batches, [TransferBatchId(32), TransferBatchId(30)]);
    let waiting = queries.user_transfers_to_confirm(PayerId(3)).expect("the store reads");
    assert_eq!(ids(waiting), [2, 1], "newest first");
    let open = queries.user_transfers_open(MerchantId(MERCHANT + 1), 9).expect("the store reads");
    assert_eq!(ids(open), [1, 3], "oldest first, without details of batches");
    let past = |before, take| Past { merchant: None, before, from: 0, examine: 100, take };
    let found = queries.user_transfers_back(past(6, 2), None).expect("the store reads");
    assert_eq!((ids(found.rows), found.next), (vec![5, 4], Some(4)));
    let found = queries.user_transfers_back(past(i64::MAX, 9), Some(State::Waiting)).expect("it reads");
    assert_eq!((ids(found.rows), found.next), (vec![6, 2, 1], None));
    let bill = queries.bill(PayerId(3), None, 9).expect("the store reads");
    let entry = |entry: &Bill| match entry {
        Bill::UserTransfer(transfer) => transfer.id.0,
        other => panic!("{other:?}"),
    };
    assert_eq!(bill.iter().map(entry).collect::<Vec<_>>(), [5, 4]);
    let mut seen = (0, 0);
    queries.each_user_transfer(&mut |_| seen.0 += 1).expect("the store reads");
    queries.each_transfer_batch(&mut |_| seen.1 += 1).expect("the store reads");
    assert_eq!(seen, (6, 3));
}

pub(super) fn due_transfers_are_of_the_shards_asked_for(open: OpenAt<'_>) {
    let shards = Shards::new(3).unwrap_or_default();
    let at = |number| Place { shard: Shard::new(number).unwrap_or_default(), shards };
    let mut scribe = Scribe::over(open(at(0)), Shard::FIRST);
    scribe.write(|batch| {
        let each = (1..=6).map(|id| {
            one(id, UserTransferState::Waiting, Some(id), u8::try_from(id % 3).unwrap_or_default())
        });
        batch.user_transfers.extend(each.map(added));
    });
    for (shard, wanted) in [(0, [3, 6]), (1, [1, 4]), (2, [2, 5])] {
        let due = scribe.queries().due_user_transfers(ShardSet::only(at(shard)), START.plus(9), 9);
        assert_eq!(due, Ok(wanted.map(UserTransferId).to_vec()), "shard {shard}");
    }
}
