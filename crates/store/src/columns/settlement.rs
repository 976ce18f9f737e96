//! Columns of fees, the calendar, settlement, holds and payouts.

use super::{Corrupt, Row, Value, currency, json};
use Value::{Blob, Int, Null, Text};
use domain::{
    calendar::Calendar,
    fee::Fees,
    hold::{Hold, HoldReason},
    payout::{BankAccount, Beneficiary, Payout, PayoutNumber, PayoutState, Rail},
    settlement::{Day, DayState, Payouts, Plan, Settlement, SettlementId, SettlementState, Terms, Totals},
};
use std::sync::Arc;
use types::{
    BusinessDay, HoldId, JournalId, MerchantId, Money, OperatorId, PayoutId, Rate, Time, TransferId,
};

stored!(Fees, "fees", keys 1 |key, put| { put(Int(key.0)) },
columns { mchid, versions, journal } mutable { 1, 2 },
write |r, put| {
    put(Int(r.merchant.0));
    put(Text(&json(&r.versions)));
    put(Int(r.journal.0));
},
read |row| {
    Ok(Self {
        merchant: MerchantId(row.need(0)?),
        versions: row.json(1)?,
        journal: JournalId(row.need(2)?),
    })
});

stored!(Calendar, "calendars", keys 1 |_key, put| { put(Int(0)) },
columns { id, holidays, make_up, covers_to, cut_off, release_at, journal } mutable { 1, 2, 3, 4, 5, 6 },
write |r, put| {
    let dates = |days: &[BusinessDay]| json(&days.iter().map(ToString::to_string).collect::<Vec<_>>());
    put(Int(0));
    put(Text(&dates(&r.holidays)));
    put(Text(&dates(&r.make_up)));
    put(Int(r.covers_to.0.into()));
    put(Int(r.cut_off.into()));
    put(Int(r.release.into()));
    put(Int(r.journal.0));
},
read |row| {
    let days = |at: usize| -> Result<Vec<BusinessDay>, Corrupt> {
        let dates: Vec<String> = row.json(at)?;
        let days = dates.iter().map(|date| BusinessDay::parse(date)).collect::<Option<Vec<_>>>();
        days.ok_or(Corrupt { column: at, problem: "not dates" })
    };
    Ok(Self {
        holidays: days(1)?,
        make_up: days(2)?,
        covers_to: BusinessDay(row.small(3)?),
        cut_off: row.small(4)?,
        release: row.small(5)?,
        journal: JournalId(row.need(6)?),
    })
});

stored!(Plan, "settlement_plans", keys 1 |key, put| { put(Int(key.0)) },
columns { mchid, delay, reserve_ppm, reserve_days, payouts, payout_least, newest, payout_at, journal }
mutable { 1, 2, 3, 4, 5, 6, 7, 8 },
write |r, put| {
    put(Int(r.merchant.0));
    match &r.terms {
        None => (0..5).for_each(|_| put(Null)),
        Some(terms) => {
            put(Int(terms.delay.into()));
            put(Int(terms.reserve.0.into()));
            put(Int(terms.reserve_days.into()));
            put(Int(terms.payouts as i64));
            put(Int(terms.payout_least));
        }
    }
    put(r.newest.map(|day| day.0.into()).into());
    put(r.payout_at.map(|t| t.0).into());
    put(Int(r.journal.0));
},
read |row| {
    let terms = match row.int(1)? {
        None => None,
        Some(_) => Some(Terms {
            delay: row.small(1)?,
            reserve: Rate(row.small(2)?),
            reserve_days: row.small(3)?,
            payouts: row.known(4, Payouts::from_number)?,
            payout_least: row.need(5)?,
        }),
    };
    Ok(Self {
        merchant: MerchantId(row.need(0)?),
        terms,
        newest: row.int(6)?.map(|_| row.small(6)).transpose()?.map(BusinessDay),
        payout_at: row.time(7)?,
        journal: JournalId(row.need(8)?),
    })
});

/// Puts the sums of a day; they take eight columns.
fn put_totals(totals: &Totals, put: &mut dyn FnMut(Value<'_>)) {
    put(Int(totals.gross));
    put(Int(totals.count.into()));
    put(Int(totals.refunds));
    put(Int(totals.refund_count.into()));
    put(Int(totals.fees));
    put(Int(totals.fees_returned));
    put(Int(totals.shared));
    put(Int(totals.other));
}

/// Reads the sums of a day from column `at` on.
fn totals(row: &impl Row, at: usize) -> Result<Totals, Corrupt> {
    Ok(Totals {
        gross: row.need(at)?,
        count: row.small(at + 1)?,
        refunds: row.need(at + 2)?,
        refund_count: row.small(at + 3)?,
        fees: row.need(at + 4)?,
        fees_returned: row.need(at + 5)?,
        shared: row.need(at + 6)?,
        other: row.need(at + 7)?,
    })
}

stored!(Day, "settlement_days", keys 1 |key, put| { put(Int(key.0.into())) },
columns {
    id, from_id, to_id, state, begun_at, closed_at, merchants, journal,
    gross, payments, refunds, refund_count, fees, fees_returned, shared, other,
}
mutable { 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
write |r, put| {
    put(Int(r.day.0.into()));
    put(Int(r.from));
    put(Int(r.to));
    put(Int(r.state as i64));
    put(Int(r.begun_at.0));
    put(r.closed_at.map(|t| t.0).into());
    put(Int(r.merchants.into()));
    put(Int(r.journal.0));
    put_totals(&r.totals, put);
},
read |row| {
    Ok(Self {
        day: BusinessDay(row.small(0)?),
        from: row.need(1)?,
        to: row.need(2)?,
        state: row.known(3, DayState::from_number)?,
        begun_at: Time(row.need(4)?),
        closed_at: row.time(5)?,
        merchants: row.small(6)?,
        journal: JournalId(row.need(7)?),
        totals: totals(row, 8)?,
    })
});

stored!(Settlement, "settlements", keys 1 |key, put| { put(Int(key.0)) },
columns {
    id, state, released_at, brought, released, reserve, carried, reserve_until, due_at, transfer, journal,
    mchid, day, previous, closed_at, release_at,
    gross, payments, refunds, refund_count, fees, fees_returned, shared, other, net,
}
mutable { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 },
write |r, put| {
    put(Int(r.id.0));
    put(Int(r.state as i64));
    put(r.released_at.map(|t| t.0).into());
    put(Int(r.brought));
    put(Int(r.released));
    put(Int(r.reserve));
    put(Int(r.carried));
    put(r.reserve_until.map(|t| t.0).into());
    put(r.due_at.map(|t| t.0).into());
    put(r.transfer.map(|id| id.0).into());
    put(Int(r.journal.0));
    put(Int(r.id.merchant().0));
    put(Int(r.id.day().0.into()));
    put(r.previous.map(|day| day.0.into()).into());
    put(Int(r.closed_at.0));
    put(Int(r.release_at.0));
    put_totals(&r.totals, put);
    put(Int(r.totals.net()));
},
read |row| {
    Ok(Self {
        id: SettlementId(row.need(0)?),
        state: row.known(1, SettlementState::from_number)?,
        released_at: row.time(2)?,
        brought: row.need(3)?,
        released: row.need(4)?,
        reserve: row.need(5)?,
        carried: row.need(6)?,
        reserve_until: row.time(7)?,
        due_at: row.time(8)?,
        transfer: row.int(9)?.map(TransferId),
        journal: JournalId(row.need(10)?),
        previous: row.int(13)?.map(|_| row.small(13)).transpose()?.map(BusinessDay),
        closed_at: Time(row.need(14)?),
        release_at: Time(row.need(15)?),
        totals: totals(row, 16)?,
    })
});

stored!(Hold, "holds", keys 1 |key, put| { put(Int(key.0)) },
columns { id, released_by, due_at, journal, mchid, amount, reason, since, until, note } mutable { 1, 2, 3 },
write |r, put| {
    put(Int(r.id.0));
    put(r.released_by.map(|id| id.0).into());
    put(r.due_at.map(|t| t.0).into());
    put(Int(r.journal.0));
    put(Int(r.merchant.0));
    put(Int(r.amount));
    put(Int(r.reason as i64));
    put(Int(r.since.0));
    put(r.until.map(|t| t.0).into());
    put(Text(&r.note));
},
read |row| {
    Ok(Self {
        id: HoldId(row.need(0)?),
        released_by: row.int(1)?.map(TransferId),
        due_at: row.time(2)?,
        journal: JournalId(row.need(3)?),
        merchant: MerchantId(row.need(4)?),
        amount: row.need(5)?,
        reason: row.known(6, HoldReason::from_number)?,
        since: Time(row.need(7)?),
        until: row.time(8)?,
        note: row.boxed(9)?,
    })
});

/// Puts whom a bank pays; it takes five columns.
fn put_beneficiary(to: &Beneficiary, put: &mut dyn FnMut(Value<'_>)) {
    put(Blob(&to.holder));
    put(Blob(&to.number));
    put(Text(&to.tail));
    put(Text(&to.bank));
    put(Text(&to.bank_name));
}

/// Reads whom a bank pays from column `at` on.
fn beneficiary(row: &impl Row, at: usize) -> Result<Arc<Beneficiary>, Corrupt> {
    Ok(Arc::new(Beneficiary {
        holder: row.blob(at)?.unwrap_or_default().into(),
        number: row.blob(at + 1)?.unwrap_or_default().into(),
        tail: row.boxed(at + 2)?,
        bank: row.boxed(at + 3)?,
        bank_name: row.boxed(at + 4)?,
    }))
}

stored!(BankAccount, "bank_accounts", keys 1 |key, put| { put(Int(key.0)) },
columns { mchid, holder, number, tail, bank, bank_name, since, journal } mutable { 1, 2, 3, 4, 5, 6, 7 },
write |r, put| {
    put(Int(r.merchant.0));
    put_beneficiary(&r.account, put);
    put(Int(r.since.0));
    put(Int(r.journal.0));
},
read |row| {
    Ok(Self {
        merchant: MerchantId(row.need(0)?),
        account: beneficiary(row, 1)?,
        since: Time(row.need(6)?),
        journal: JournalId(row.need(7)?),
    })
});

stored!(Payout, "payouts", keys 1 |key, put| { put(Int(key.0)) },
columns {
    id, state, ended_at, due_at, file, bank_code, approvals, journal,
    mchid, amount, currency, rail, urgent, created_at, maker, approvals_needed, holder, number, tail, bank, bank_name,
    out_payout_no,
}
mutable { 1, 2, 3, 4, 5, 6, 7 },
write |r, put| {
    put(Int(r.id.0));
    put(Int(r.state as i64));
    put(r.ended_at.map(|t| t.0).into());
    put(r.due_at.map(|t| t.0).into());
    put(Text(&r.file));
    put(Text(&r.bank_code));
    put(Text(&json(&r.approvals)));
    put(Int(r.journal.0));
    put(Int(r.merchant.0));
    put(Int(r.amount.minor));
    put(Int(r.amount.currency.numeric().into()));
    put(Int(r.rail as i64));
    put(Int(r.urgent.into()));
    put(Int(r.created_at.0));
    put(r.maker.map(|id| id.0).into());
    put(Int(r.approvals_needed.into()));
    put_beneficiary(&r.to, put);
    put(Text(&r.number));
},
read |row| {
    Ok(Self {
        id: PayoutId(row.need(0)?),
        state: row.known(1, PayoutState::from_number)?,
        ended_at: row.time(2)?,
        due_at: row.time(3)?,
        file: row.boxed(4)?,
        bank_code: row.boxed(5)?,
        approvals: row.json(6)?,
        journal: JournalId(row.need(7)?),
        merchant: MerchantId(row.need(8)?),
        amount: Money::new(row.need(9)?, currency(row, 10)?),
        rail: row.known(11, Rail::from_number)?,
        urgent: row.bool(12)?,
        created_at: Time(row.need(13)?),
        maker: row.int(14)?.map(OperatorId),
        approvals_needed: row.small(15)?,
        to: beneficiary(row, 16)?,
        number: row.boxed(21)?,
    })
});

stored!(PayoutNumber, "payout_numbers", keys 2 |key, put| { put(Int(key.0.0)); put(Text(&key.1)) },
columns { mchid, out_payout_no, payout, all_there_was } mutable { 2, 3 },
write |r, put| {
    put(Int(r.merchant.0));
    put(Text(&r.number));
    put(Int(r.payout.0));
    put(Int(r.all.into()));
},
read |row| {
    Ok(Self {
        merchant: MerchantId(row.need(0)?),
        number: row.boxed(1)?,
        payout: PayoutId(row.need(2)?),
        all: row.bool(3)?,
    })
});

/// The first id that a merchant's settlements can have, and the first after them.
pub(crate) fn ids_of(merchant: MerchantId) -> (i64, i64) {
    let first = SettlementId::new(merchant, BusinessDay(0)).0;
    (first, SettlementId::new(merchant, BusinessDay(i32::MAX)).0.saturating_add(1))
}
