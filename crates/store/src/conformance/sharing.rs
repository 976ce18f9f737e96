//! Profit sharing: samples, and what is due.

use super::{Open, START, Scribe, added};
use domain::sharing::{
    FailReason, Outcome, Part, Party, Receiver, Relation, ReturnState, Share, ShareReturn, Sharing,
    SharingNumber,
};
use types::{
    AppId, JournalId, MerchantId, OrderId, PayerId, Shard, ShardSet, ShareId, ShareReturnId, Time,
    TransferId, time,
};

/// The largest id there can be.
const LAST: i64 = i64::MAX - 7;

pub(super) fn receiver(merchant: i64, full: bool) -> Receiver {
    Receiver {
        merchant: MerchantId(merchant),
        party: Party::Payer(PayerId(3)),
        relation: if full { Relation::Custom } else { Relation::Staff },
        custom: if full { "O'Brien \u{1F375}".into() } else { "".into() },
        since: START,
    }
}

pub(super) fn sharing(order: i64, merchant: i64, full: bool) -> Sharing {
    Sharing {
        order: OrderId(order),
        shard: Shard::new(63).unwrap_or_default(),
        merchant: MerchantId(merchant),
        unsplit: if full { i64::MAX } else { 0 },
        reserved: if full { 1 } else { 0 },
        shared: if full { i64::MAX - 1 } else { 0 },
        shares: if full { u32::MAX } else { 0 },
        newest: full.then_some(ShareId(LAST)),
        newest_return: full.then_some(ShareReturnId(LAST)),
        since: START,
        ended_at: full.then_some(START.plus(1)),
        due_at: (!full).then_some(START),
    }
}

fn part(party: Party, outcome: Outcome) -> Part {
    Part {
        party,
        app: matches!(party, Party::Payer(_)).then_some(AppId(i64::MIN)),
        amount: i64::MAX,
        description: "龙井 \"best\" 'tea'; -- \\ \u{1F375}".into(),
        outcome,
        ended_at: (outcome != Outcome::Pending).then_some(START),
        returned: 7,
    }
}

pub(super) fn share(id: i64, merchant: i64, full: bool) -> Share {
    let parts = vec![
        part(
            Party::Merchant(MerchantId(9)),
            if full { Outcome::Succeeded(TransferId(LAST)) } else { Outcome::Pending },
        ),
        part(
            Party::Payer(PayerId(3)),
            if full { Outcome::Closed(FailReason::NoRelation) } else { Outcome::Pending },
        ),
    ];
    Share {
        id: ShareId(id),
        order: OrderId(5),
        merchant: MerchantId(merchant),
        partner: (id % 2 == 0).then_some(MerchantId(LAST)),
        number: "P-1|*@".into(),
        parts,
        previous: (id % 2 == 0).then_some(ShareId(1)),
        created_at: START,
        finished_at: full.then_some(START.plus(1)),
        due_at: (!full).then_some(START),
        digest: std::array::from_fn(|place| u8::try_from(255 - place).unwrap_or(0)),
        journal: JournalId(if full { LAST } else { 4096 }),
    }
}

pub(super) fn share_return(id: i64, merchant: i64, full: bool) -> ShareReturn {
    ShareReturn {
        id: ShareReturnId(id),
        share: ShareId(20),
        order: OrderId(5),
        merchant: MerchantId(merchant),
        partner: (id % 2 == 1).then_some(MerchantId(LAST)),
        number: "R-1|*@".into(),
        from: MerchantId(9),
        amount: i64::MAX,
        description: "退 'all'".into(),
        state: match (full, id % 2) {
            (false, _) => ReturnState::Processing,
            (true, 0) => ReturnState::Failed(FailReason::BalanceNotEnough),
            (true, _) => ReturnState::Succeeded(TransferId(LAST)),
        },
        previous: (id % 2 == 0).then_some(ShareReturnId(1)),
        created_at: START,
        ended_at: full.then_some(START.plus(1)),
        due_at: (!full).then_some(START),
        digest: [1; 16],
        journal: JournalId(if full { LAST } else { 4096 }),
    }
}

pub(super) fn number(merchant: i64, of_return: bool) -> SharingNumber {
    SharingNumber { signer: MerchantId(merchant), of_return, number: "P-1|*@".into(), id: 20 }
}

const MERCHANT: i64 = 1_900_000_001;

pub(super) fn what_is_left_of_shared_orders_is_listed_and_due(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    // Orders 1 to 6 of one merchant, released every 9 hours; 7 ended, 8 another merchant's. 10:00 of the first day on.
    let due = |n: i64| START.plus(n * 9 * time::HOUR);
    scribe.write(|batch| {
        for id in 1..=8 {
            let merchant = if id == 8 { 2 } else { MERCHANT };
            batch.sharings.push(added(Sharing {
                shard: Shard::FIRST,
                since: START.plus(id),
                unsplit: id * 10,
                reserved: 1,
                due_at: (id != 7).then_some(due(id)),
                ..sharing(id, merchant, false)
            }));
            let due_at = (id != 3).then_some(due(9 - id));
            batch.shares.push(added(Share { due_at, ..share(id, MERCHANT, false) }));
            batch.share_returns.push(added(ShareReturn { due_at, ..share_return(id, MERCHANT, false) }));
        }
    });
    let queries = scribe.queries();
    let of = ShardSet::ONLY;
    let read = "the store reads";
    let orders = |now, limit| -> Vec<i64> {
        queries.due_sharings(of, now, limit).expect(read).iter().map(|id| id.0).collect()
    };
    assert_eq!(orders(due(1), 9), [1]);
    assert_eq!(orders(due(4), 3), [1, 2, 3]);
    assert_eq!(orders(due(99), 9), [1, 2, 3, 4, 5, 6, 8]);
    let shares: Vec<i64> = queries.due_shares(of, due(5), 9).expect(read).iter().map(|id| id.0).collect();
    assert_eq!(shares, [8, 7, 6, 5, 4]);
    let returns: Vec<i64> =
        queries.due_share_returns(of, due(5), 2).expect(read).iter().map(|id| id.0).collect();
    assert_eq!(returns, [8, 7]);
    // 19:00 of the first day; 04:00, 13:00, 22:00 of the second; 07:00, 16:00 of the third.
    let days = |limit| -> Vec<(u64, i64, i64, Time)> {
        let days = queries.sharing_aside(MerchantId(MERCHANT), limit).expect(read);
        days.iter().map(|day| (day.orders, day.amount, day.since.0 - START.0, day.due_at)).collect()
    };
    assert_eq!(days(99), [(1, 11, 1, due(1)), (3, 93, 2, due(4)), (2, 112, 5, due(6))]);
    assert_eq!(days(2), [(1, 11, 1, due(1)), (1, 21, 2, due(2))]);
    let (mut sharings, mut requests, mut back) = (0, 0, 0);
    queries.each_sharing(&mut |_| sharings += 1).expect(read);
    queries.each_share(&mut |_| requests += 1).expect(read);
    queries.each_share_return(&mut |_| back += 1).expect(read);
    assert_eq!((sharings, requests, back), (8, 8, 8));
}
