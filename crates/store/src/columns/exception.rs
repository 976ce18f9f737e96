//! Columns of exceptions.

use super::{Row as _, Value};
use Value::{Int, Text};
use domain::exception::{Class, Exception, State};
use ledger::AccountId;
use types::{BusinessDay, ExceptionId, JournalId, OperatorId, Time};

stored!(Exception, "exceptions", keys 1 |key, put| { put(Text(key)) },
columns {
    reference, state, question, correction, why, maker, approver, booked, ended_at, journal,
    id, class, day, since, ledger, channel, bank, against, note, opened_at,
}
mutable { 1, 2, 3, 4, 5, 6, 7, 8, 9 },
write |r, put| {
    put(Text(&r.reference));
    put(Int(r.state as i64));
    put(r.question.into());
    put(Int(r.correction));
    put(Text(&r.why));
    put(r.maker.map(|id| id.0).into());
    put(r.approver.map(|id| id.0).into());
    put(Int(r.booked));
    put(r.ended_at.map(|t| t.0).into());
    put(Int(r.journal.0));
    put(Int(r.id.0));
    put(Int(r.class as i64));
    put(Int(r.day.0.into()));
    put(Int(r.since.0.into()));
    put(r.ledger.into());
    put(r.channel.into());
    put(r.bank.into());
    put(Int(r.against.0));
    put(Text(&r.note));
    put(Int(r.opened_at.0));
},
read |row| {
    Ok(Self {
        reference: row.boxed(0)?,
        state: row.known(1, State::from_number)?,
        question: row.int(2)?,
        correction: row.need(3)?,
        why: row.boxed(4)?,
        maker: row.int(5)?.map(OperatorId),
        approver: row.int(6)?.map(OperatorId),
        booked: row.need(7)?,
        ended_at: row.time(8)?,
        journal: JournalId(row.need(9)?),
        id: ExceptionId(row.need(10)?),
        class: row.known(11, Class::from_number)?,
        day: BusinessDay(row.small(12)?),
        since: BusinessDay(row.small(13)?),
        ledger: row.int(14)?,
        channel: row.int(15)?,
        bank: row.int(16)?,
        against: row.known(17, AccountId::from_stored)?,
        note: row.boxed(18)?,
        opened_at: Time(row.need(19)?),
    })
});
