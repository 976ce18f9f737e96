//! How bills read a day: a range of transfers, records in bulk, balances of an instant.

use super::{Open, START, Scribe, added, changed, samples};
use domain::{Key, Record};
use ledger::{Account, AccountId, AccountKind, Transfer, TransferKind, TransferState};
use types::{
    Currency, IdBlock, MerchantId, OrderId, PayerId, Shard, Time, TransferId, first_id_at,
    time::{HOUR, SECOND},
};

const MERCHANT: MerchantId = MerchantId(1_900_000_001);

fn of(kind: AccountKind) -> AccountId {
    AccountId::new(kind, MERCHANT.0, Currency::CNY)
}

fn transfer(at: Time, debit: AccountId, credit: AccountId, amount: i64) -> Transfer {
    let id = TransferId(IdBlock::new(at, 0, 0).id(1));
    let (kind, state) = (TransferKind::Payment, TransferState::Posted);
    Transfer { id, debit, credit, amount, kind, state, subject: 7, at }
}

/// More than stores read at once, so that pieces must join without a gap or a repeat.
pub(super) fn a_days_transfers_are_a_range_of_ids(open: Open<'_>) {
    const ROWS: i64 = 12_000;
    let mut scribe = Scribe::open(open);
    let payer = AccountId::payer_balance(PayerId(3), Currency::CNY);
    let at = |n: i64| START.plus(n * 1000);
    for from in (0..ROWS).step_by(1000) {
        scribe.write(|batch| {
            batch.transfers.extend(
                (from..from + 1000)
                    .map(|n| added(transfer(at(n), payer, of(AccountKind::MerchantUnsettled), n + 1))),
            );
        });
    }
    scribe.write(|batch| {
        for id in [4, 9] {
            let order = samples::order(id, MERCHANT.0, &format!("pen-{id:06}"), true);
            batch.order_numbers.push(added(samples::order_number(&order)));
            batch.orders.push(added(order));
        }
    });
    let queries = scribe.queries();
    let between = |from: i64, to: i64| {
        let (from, to) = (TransferId(first_id_at(at(from))), TransferId(first_id_at(at(to))));
        let mut amounts = Vec::new();
        queries.transfers_between(from, to, &mut |row| amounts.push(row.amount)).expect("the store reads");
        amounts
    };
    assert_eq!(between(0, ROWS), (1..=ROWS).collect::<Vec<_>>(), "each once, in order");
    assert_eq!(between(-5, 10_000), (1..=10_000).collect::<Vec<_>>(), "exactly two pieces");
    assert_eq!(between(3, 5), [4, 5], "the end is left out");
    assert_eq!(between(5, 5), [] as [i64; 0]);
    assert_eq!(between(9, 3), [] as [i64; 0]);

    let first = TransferId(IdBlock::new(at(0), 0, 0).id(1));
    let keys = [Key::Order(OrderId(9)), Key::Transfer(first), Key::Order(OrderId(5)), Key::Order(OrderId(4))];
    let found = queries.records(&keys).expect("the store reads");
    let order = |record: &Option<Record>| match record {
        Some(Record::Order(order)) => Some(order.id.0),
        _ => None,
    };
    assert_eq!(found.iter().map(order).collect::<Vec<_>>(), [Some(9), None, None, Some(4)], "in order");
    assert!(matches!(&found[1], Some(Record::Transfer(row)) if row.amount == 1));
    assert_eq!(queries.records(&[]), Ok(Vec::new()));
}

pub(super) fn balances_of_an_instant_leave_later_transfers_out(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    assert_eq!(scribe.queries().merchant_balances(START), Ok(Vec::new()));
    let payer = AccountId::payer_balance(PayerId(3), Currency::CNY);
    let (unsettled, available) = (of(AccountKind::MerchantUnsettled), of(AccountKind::MerchantAvailable));
    let fees = AccountId::platform_fee(Currency::CNY);
    let held = |state, at: Time, made: Time, amount| Transfer {
        state,
        at,
        ..transfer(made, unsettled, payer, amount)
    };
    let steps = [
        transfer(START, payer, unsettled, 1000),
        transfer(START.plus(HOUR - 1000), unsettled, fees, 6),
        transfer(START.plus(HOUR), payer, unsettled, 500),
        transfer(START.plus(2 * HOUR), unsettled, available, 1000),
        // Held in the second hour: one still is, one was posted and one voided in the fifth.
        held(TransferState::Pending, START.plus(HOUR + SECOND), START.plus(HOUR + SECOND), 70),
        held(TransferState::Posted, START.plus(5 * HOUR), START.plus(HOUR + 2 * SECOND), 20),
        held(TransferState::Voided, START.plus(5 * HOUR), START.plus(HOUR + 3 * SECOND), 30),
        held(TransferState::Voided, START.plus(5 * HOUR + 1), START.plus(5 * HOUR), 3),
        // To the merchant, held: it counts as well.
        Transfer {
            state: TransferState::Pending,
            ..transfer(START.plus(HOUR + 4 * SECOND), fees, unsettled, 9)
        },
    ];
    scribe.write(|batch| batch.transfers.extend(steps.map(added)));
    let account = |id, debits_posted, credits_posted, debits_pending, credits_pending| Account {
        debits_posted,
        credits_posted,
        debits_pending,
        credits_pending,
        ..Account::new(id)
    };
    scribe.write(|batch| {
        batch.accounts.extend([
            added(account(payer, 1500, 2000, 0, 70)),
            added(account(unsettled, 1026, 1500, 70, 9)),
            added(account(available, 0, 1000, 0, 0)),
            added(account(fees, 0, 6, 9, 0)),
        ]);
    });
    let queries = scribe.queries();
    let at = |time: Time| queries.merchant_balances(time).expect("the store reads");
    assert_eq!(at(START.plus(6 * HOUR)), [(unsettled, 413), (available, 1000)], "as it is now");
    assert_eq!(
        at(START.plus(4 * HOUR)),
        [(unsettled, 383), (available, 1000)],
        "a hold is gone until it is voided"
    );
    assert_eq!(at(START.plus(2 * HOUR)), [(unsettled, 1383), (available, 0)]);
    assert_eq!(at(START.plus(HOUR + SECOND)), [(unsettled, 1494), (available, 0)]);
    assert_eq!(at(START.plus(HOUR)), [(unsettled, 994), (available, 0)], "that instant is left out");
    assert_eq!(at(START), [(unsettled, 0), (available, 0)]);

    let voided = |from: Time, to: Time| {
        let mut amounts = Vec::new();
        queries.transfers_voided(from, to, &mut |row| amounts.push(row.amount)).expect("the store reads");
        amounts
    };
    assert_eq!(voided(START, START.plus(6 * HOUR)), [30, 3]);
    assert_eq!(voided(START.plus(5 * HOUR), START.plus(5 * HOUR + 1)), [30], "the end is left out");
    assert_eq!(voided(START, START.plus(5 * HOUR)), [] as [i64; 0]);
    // What comes later does not change what was.
    scribe.write(|batch| {
        batch.transfers.push(added(transfer(START.plus(7 * HOUR), available, payer, 900)));
        batch.accounts.push(changed(account(available, 900, 1000, 0, 0)));
    });
    assert_eq!(at(START.plus(4 * HOUR)), [(unsettled, 383), (available, 1000)]);
    // What is on its way to another shard now was here then.
    let away = Shard::new(1).expect("a shard's number");
    let away = AccountId::in_transit(Shard::FIRST, away, Currency::CNY);
    let kind = TransferKind::ShardSend;
    scribe.write(|batch| {
        let sent = transfer(START.plus(8 * HOUR), unsettled, away, 100);
        batch.transfers.push(added(Transfer { kind, ..sent }));
        batch.accounts.push(changed(account(unsettled, 1126, 1500, 70, 9)));
        batch.accounts.push(added(account(away, 0, 100, 0, 0)));
    });
    assert_eq!(at(START.plus(9 * HOUR)), [(unsettled, 313), (available, 100)]);
    assert_eq!(at(START.plus(4 * HOUR)), [(unsettled, 383), (available, 1000)]);
}
