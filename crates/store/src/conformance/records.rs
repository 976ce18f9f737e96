//! Every kind of record, written and read back; each look is through a store opened anew.

use super::{
    Open, START, Scribe, added, changed, exception, removed, samples, settlement, sharing, staff,
    user_transfer,
};
use domain::{Batch, Key, Record, world::Entity};
use ledger::{Account, AccountId};
use types::{AppId, BusinessDay, Currency, MerchantId, OrderId, PayerId};

const MERCHANT: i64 = 1_900_000_001;

/// One record of each kind, bare or full. Those of the same kind have the same key either way.
fn all(full: bool) -> Vec<(Key, Record)> {
    let payer = samples::payer(3, 10, full);
    let order = samples::order(5, MERCHANT, "pen-000001", full);
    let refund = samples::refund(11, MERCHANT, "pen-000001", full);
    let account = AccountId::payer_balance(PayerId(3), Currency::CNY);
    vec![
        filed(samples::merchant(MERCHANT, full), Record::Merchant),
        filed(samples::certificate(MERCHANT, "5A0B", full), Record::Certificate),
        filed(samples::application(i64::MIN, full), Record::Application),
        filed(samples::phone_owner(&payer), Record::Phone),
        filed(payer, Record::Payer),
        filed(samples::one_time_code(10, full), Record::OneTimeCode),
        filed(samples::session(20, 3, START), Record::Session),
        filed(samples::oauth_code(30, START, full), Record::OauthCode),
        filed(samples::card(4, 3), Record::Card),
        filed(samples::order_number(&order), Record::OrderNumber),
        filed(order, Record::Order),
        filed(samples::combined(19, MERCHANT), Record::Combined),
        filed(samples::combined_number(19, MERCHANT), Record::CombinedNumber),
        filed(samples::payment(6, full), Record::Payment),
        filed(samples::refund_number(&refund), Record::RefundNumber),
        filed(refund, Record::Refund),
        filed(samples::payment_code(134_567_890_123_456_789, START, full), Record::PaymentCode),
        filed(samples::usage(3, full), Record::Usage),
        filed(samples::limits(full), Record::Limits),
        filed(settlement::fees(MERCHANT, full), Record::Fees),
        filed(settlement::calendar(full), Record::Calendar),
        filed(settlement::plan(MERCHANT, full), Record::Plan),
        filed(settlement::day(BusinessDay(20_458), full), Record::Day),
        filed(settlement::settlement(MERCHANT, BusinessDay(20_458), full), Record::Settlement),
        filed(settlement::hold(12, full), Record::Hold),
        filed(settlement::bank_account(MERCHANT, full), Record::BankAccount),
        filed(settlement::payout(14, MERCHANT, full), Record::Payout),
        filed(settlement::payout(15, MERCHANT, full), Record::Payout),
        filed(settlement::payout_number(MERCHANT), Record::PayoutNumber),
        filed(user_transfer::user_transfer(20, MERCHANT, full), Record::UserTransfer),
        filed(user_transfer::user_transfer(23, MERCHANT, full), Record::UserTransfer),
        filed(user_transfer::number(MERCHANT), Record::UserTransferNumber),
        filed(user_transfer::batch(21, MERCHANT, full), Record::TransferBatch),
        filed(user_transfer::batch(24, MERCHANT, full), Record::TransferBatch),
        filed(user_transfer::batch_number(MERCHANT), Record::TransferBatchNumber),
        filed(user_transfer::plan(MERCHANT, full), Record::TransferPlan),
        filed(user_transfer::recipient(3, full), Record::Recipient),
        filed(sharing::receiver(MERCHANT, full), Record::Receiver),
        filed(sharing::sharing(5, MERCHANT, full), Record::Sharing),
        filed(sharing::share(20, MERCHANT, full), Record::Share),
        filed(sharing::share_return(21, MERCHANT, full), Record::ShareReturn),
        filed(sharing::number(MERCHANT, true), Record::SharingNumber),
        filed(exception::exception(16, full), Record::Exception),
        filed(exception::clearing(17, full), Record::Clearing),
        filed(staff::staff(15, full), Record::Staff),
        filed(staff::name("kim@shop"), Record::StaffName),
        filed(staff::session(50, START, full), Record::StaffSession),
        filed(samples::notification(7, MERCHANT, full), Record::Notification),
        filed(samples::echo(9, full), Record::Echo),
        filed(samples::key_ring(full), Record::KeyRing),
        filed(samples::counter(i64::from(full) + 1), Record::Counter),
        filed(samples::request(40, START), Record::Request),
        filed(samples::account(account, full), Record::Account),
        filed(samples::transfer(8, full), Record::Transfer),
        filed(samples::crossing(18, full), Record::Crossing),
        filed(samples::number_claim(MERCHANT), Record::NumberClaim),
    ]
}

fn filed<E: Entity>(value: E, record: fn(E) -> Record) -> (Key, Record) {
    (E::any_key(&value.key()), record(value))
}

/// Puts a record into a batch, as new or as known before.
fn put(batch: &mut Batch, record: Record, existed: bool) {
    macro_rules! by_kind {
        ($($variant:ident: $field:ident,)*) => {
            match record {
                $(Record::$variant(value) => {
                    batch.$field.push(if existed { changed(value) } else { added(value) });
                })*
            }
        };
    }
    by_kind! {
        Merchant: merchants, Certificate: certificates, Application: applications, Payer: payers, Phone: phones,
        OneTimeCode: one_time_codes, Session: sessions, OauthCode: oauth_codes, Card: cards, Order: orders,
        OrderNumber: order_numbers, Combined: combined, CombinedNumber: combined_numbers, Payment: payments, Refund: refunds, RefundNumber: refund_numbers,
        PaymentCode: payment_codes, Usage: usage, Limits: limits,
        Fees: fees, Calendar: calendars, Plan: plans, Day: days, Settlement: settlements, Hold: holds,
        BankAccount: bank_accounts, Payout: payouts, PayoutNumber: payout_numbers,
        UserTransfer: user_transfers, UserTransferNumber: user_transfer_numbers,
        TransferBatch: transfer_batches, TransferBatchNumber: transfer_batch_numbers,
        TransferPlan: transfer_plans, Recipient: recipients,
        Receiver: receivers, Sharing: sharings, Share: shares, ShareReturn: share_returns,
        SharingNumber: sharing_numbers,
        Exception: exceptions, Clearing: clearings,
        Staff: staff, StaffName: staff_names, StaffSession: staff_sessions,
        Notification: notifications, Echo: echoes, KeyRing: key_rings, Counter: counters, Request: requests,
        Account: accounts, Transfer: transfers, Crossing: crossings, NumberClaim: number_claims,
    }
}

/// Kinds that are written once and never changed.
fn never_changes(record: &Record) -> bool {
    matches!(
        record,
        Record::Phone(_)
            | Record::Session(_)
            | Record::Card(_)
            | Record::OrderNumber(_)
            | Record::RefundNumber(_)
            | Record::NumberClaim(_)
            | Record::Combined(_)
            | Record::CombinedNumber(_)
            | Record::StaffName(_)
            | Record::PayoutNumber(_)
            | Record::UserTransferNumber(_)
            | Record::TransferBatchNumber(_)
            | Record::Request(_)
    )
}

#[track_caller]
fn holds(open: Open<'_>, wanted: &[(Key, Record)]) {
    let mut scribe = Scribe::open(open);
    let keys: Vec<Key> = wanted.iter().map(|(key, _)| key.clone()).collect();
    for (found, (key, record)) in scribe.load(&keys).iter().zip(wanted) {
        assert_eq!(found.as_ref(), Some(record), "{key:?} as loaded");
    }
    for (key, record) in wanted {
        assert_eq!(read(&mut scribe, key).as_ref(), Some(record), "{key:?} as read by queries");
    }
}

/// The record as the read side gives it; kinds that have no such method are loaded.
fn read(scribe: &mut Scribe, key: &Key) -> Option<Record> {
    let queries = scribe.queries();
    let found = match key {
        Key::Merchant(id) => queries.merchant(*id).map(|found| found.map(Record::Merchant)),
        Key::Certificate(serial) => queries.certificate(serial).map(|found| found.map(Record::Certificate)),
        Key::Application(id) => queries.application(*id).map(|found| found.map(Record::Application)),
        Key::Payer(id) => queries.payer(*id).map(|found| found.map(Record::Payer)),
        Key::Phone(phone) => queries.payer_by_phone(*phone).map(|found| {
            found.map(|payer| Record::Phone(domain::payer::PhoneOwner { phone: *phone, payer }))
        }),
        Key::Session(token) => queries.session(*token).map(|found| found.map(Record::Session)),
        Key::Card(id) => queries.card(*id).map(|found| found.map(Record::Card)),
        Key::Order(id) => queries.order(*id).map(|found| found.map(Record::Order)),
        Key::OrderNumber((merchant, number)) => queries
            .order_by_number(*merchant, number)
            .map(|found| found.map(|order| Record::OrderNumber(samples::order_number(&order)))),
        Key::Combined(id) => queries.combined(*id).map(|found| found.map(Record::Combined)),
        Key::CombinedNumber((merchant, number)) => queries
            .combined_by_number(*merchant, number)
            .map(|found| found.map(|whole| Record::CombinedNumber(samples::number_of(&whole)))),
        Key::Payment(id) => queries.payment(*id).map(|found| found.map(Record::Payment)),
        Key::Refund(id) => queries.refund(*id).map(|found| found.map(Record::Refund)),
        Key::RefundNumber((merchant, number)) => queries
            .refund_by_number(*merchant, number)
            .map(|found| found.map(|refund| Record::RefundNumber(samples::refund_number(&refund)))),
        Key::PaymentCode(code) => queries.payment_code(*code).map(|found| found.map(Record::PaymentCode)),
        Key::Usage(id) => queries.usage(*id).map(|found| found.map(Record::Usage)),
        Key::Limits(()) => queries.limits().map(|found| found.map(Record::Limits)),
        Key::Notification(id) => queries.notification(*id).map(|found| found.map(Record::Notification)),
        Key::Echo(id) => queries.echo(*id).map(|found| found.map(Record::Echo)),
        Key::KeyRing(name) => queries.key_ring(name).map(|found| found.map(Record::KeyRing)),
        Key::Account(id) => queries.account(*id).map(|found| Some(Record::Account(found))),
        Key::Transfer(id) => queries.transfer(*id).map(|found| found.map(Record::Transfer)),
        Key::OauthCode(code) => queries.oauth_code(*code).map(|found| found.map(Record::OauthCode)),
        Key::Fees(_)
        | Key::Calendar(())
        | Key::Plan(_)
        | Key::Day(_)
        | Key::Settlement(_)
        | Key::Hold(_)
        | Key::BankAccount(_)
        | Key::Payout(_)
        | Key::PayoutNumber(_)
        | Key::UserTransfer(_)
        | Key::UserTransferNumber(_)
        | Key::TransferBatch(_)
        | Key::TransferBatchNumber(_)
        | Key::TransferPlan(_)
        | Key::Recipient(_)
        | Key::Receiver(_)
        | Key::Sharing(_)
        | Key::Share(_)
        | Key::ShareReturn(_)
        | Key::SharingNumber(_)
        | Key::NumberClaim(_)
        | Key::Exception(_)
        | Key::Clearing(_)
        | Key::Staff(_)
        | Key::StaffName(_)
        | Key::StaffSession(_) => queries.record(key.clone()),
        Key::OneTimeCode(_) | Key::Counter(_) | Key::Request(_) | Key::Crossing(_) => {
            return scribe.load(std::slice::from_ref(key)).pop().flatten();
        }
    };
    found.expect("the store reads")
}

/// Writes one record of each kind.
fn write(open: Open<'_>, records: Vec<(Key, Record)>, existed: bool) {
    Scribe::open(open).write(|batch| {
        for (_, record) in records {
            if !(existed && never_changes(&record)) {
                put(batch, record, existed);
            }
        }
    });
}

pub(super) fn every_bare_record_reads_back(open: Open<'_>) {
    let wanted = all(false);
    let mut scribe = Scribe::open(open);
    let keys: Vec<Key> = wanted.iter().map(|(key, _)| key.clone()).collect();
    assert!(scribe.load(&keys).iter().all(Option::is_none), "a new store holds nothing");
    for key in &keys {
        let new = if let Key::Account(id) = key { Some(Record::Account(Account::new(*id))) } else { None };
        assert_eq!(read(&mut scribe, key), new, "{key:?} before it was written");
    }
    write(open, all(false), false);
    holds(open, &wanted);
}

pub(super) fn every_full_record_reads_back(open: Open<'_>) {
    write(open, all(true), false);
    holds(open, &all(true));
}

pub(super) fn every_update_reads_back(open: Open<'_>) {
    write(open, all(false), false);
    for full in [true, false, true] {
        write(open, all(full), true);
        holds(open, &all(full));
    }
}

/// A record written twice in one batch arrives as one change; written, removed and written again over several
/// batches it is new each time.
pub(super) fn short_lived_records_can_be_removed(open: Open<'_>) {
    let code = samples::payment_code(134_567_890_123_456_789, START, false);
    let session = samples::session(20, 3, START);
    let sent = samples::one_time_code(10, true);
    let oauth = samples::oauth_code(30, START, false);
    let echo = samples::echo(9, false);
    let request = samples::request(40, START);
    let crossing = samples::crossing(18, false);
    let keys = [
        Key::PaymentCode(code.code),
        Key::Session(session.token),
        Key::OneTimeCode(sent.phone),
        Key::OauthCode(oauth.code),
        Key::Echo(echo.id),
        Key::Request(request.key),
        Key::Crossing(crossing.id),
    ];
    for _ in 0..2 {
        Scribe::open(open).write(|batch| {
            batch.payment_codes.push(added(code));
            batch.sessions.push(added(session.clone()));
            batch.one_time_codes.push(added(sent.clone()));
            batch.oauth_codes.push(added(oauth.clone()));
            batch.echoes.push(added(echo.clone()));
            batch.requests.push(added(request.clone()));
            batch.crossings.push(added(crossing));
        });
        assert!(Scribe::open(open).load(&keys).iter().all(Option::is_some), "they are there");
        Scribe::open(open).write(|batch| {
            batch.payment_codes.push(removed(&code));
            batch.sessions.push(removed(&session));
            batch.one_time_codes.push(removed(&sent));
            batch.oauth_codes.push(removed(&oauth));
            batch.echoes.push(removed(&echo));
            batch.requests.push(removed(&request));
            batch.crossings.push(removed(&crossing));
        });
        let mut scribe = Scribe::open(open);
        assert!(scribe.load(&keys).iter().all(Option::is_none), "they are gone");
        assert_eq!(scribe.queries().session(session.token), Ok(None));
        assert_eq!(scribe.queries().member(session.token), Ok(None));
        assert_eq!(scribe.queries().payment_code(code.code), Ok(None));
        assert_eq!(scribe.queries().echo(echo.id), Ok(None));
    }
}

/// A record swept and made anew by a later command of the same batch arrives as an update of every member.
pub(super) fn a_record_made_anew_in_its_batch_reads_back(open: Open<'_>) {
    let old = all(false);
    let is_swept = |record: &Record| {
        matches!(
            record,
            Record::PaymentCode(_)
                | Record::Session(_)
                | Record::OneTimeCode(_)
                | Record::OauthCode(_)
                | Record::Echo(_)
                | Record::Request(_)
                | Record::Crossing(_)
        )
    };
    let old: Vec<_> = old.into_iter().filter(|(_, record)| is_swept(record)).collect();
    let new: Vec<(Key, Record)> = old
        .iter()
        .cloned()
        .map(|(key, mut record)| {
            let later = START.plus(1);
            let digest = samples::digest(123);
            match &mut record {
                Record::PaymentCode(code) => {
                    (code.payer, code.expires_at, code.used_by) = (PayerId(9), later, Some(OrderId(9)));
                }
                Record::Session(session) => {
                    (session.payer, session.device) = (PayerId(9), "another".into());
                    (session.created_at, session.expires_at) = (later, later);
                }
                Record::OneTimeCode(sent) => {
                    (sent.code, sent.sent_at, sent.tries, sent.sent_today) = (Some(digest), later, 1, 2);
                }
                Record::OauthCode(code) => {
                    (code.app, code.payer, code.expires_at, code.used) = (AppId(9), PayerId(9), later, true);
                }
                Record::Echo(echo) => {
                    (echo.merchant, echo.message) = (MerchantId(9), "another".into());
                    echo.notify_url = "https://other.example/n".into();
                }
                Record::Request(request) => {
                    (request.content, request.answer, request.at) = (digest, "{}".into(), later);
                }
                Record::Crossing(crossing) => {
                    (crossing.to, crossing.amount, crossing.sent_at) = (crossing.from, 5, later);
                }
                other => unreachable!("{other:?} is not swept"),
            }
            (key, record)
        })
        .collect();
    write(open, old, false);
    Scribe::open(open).write(|batch| {
        for (_, record) in new.clone() {
            put(batch, record, true);
        }
    });
    holds(open, &new);
}

pub(super) fn a_session_is_read_with_whose_it_is(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    let (session, orphan) = (samples::session(20, 3, START), samples::session(21, 4, START));
    let payer = samples::payer(3, 30, true);
    scribe.write(|batch| {
        batch.payers.push(added(payer.clone()));
        batch.payers.push(added(samples::payer(5, 31, false)));
        batch.sessions.extend([added(session.clone()), added(orphan.clone())]);
    });
    let queries = scribe.queries();
    assert_eq!(queries.member(session.token), Ok(Some((session, payer))));
    assert_eq!(queries.member(orphan.token), Ok(None), "of nobody");
    assert_eq!(queries.member(samples::digest(22)), Ok(None));
}
