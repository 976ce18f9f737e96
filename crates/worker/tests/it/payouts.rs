//! Payouts over a folder: files out, reports and notices in, with a bank that is right, wrong, silent or slow.

use bank::{AccountNumber, BankNumber, Name, Party, simulated};
use domain::{
    Actor, Caller, Command, Reply,
    payment::ChannelAnswer,
    payout::{NewPayout, PayoutState},
};
use fixture::Fixture;
use ledger::AccountId;
use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use types::{Currency, Money, PayoutId, Secret, time};
use worker::{
    payouts::{Desk, Exchanged, exchange},
    settlement::{close_next, do_due},
};

fn desk(folder: &Path) -> Arc<Desk> {
    let account = AccountNumber::parse("3301040160012345678").unwrap();
    let holder = Name::parse("Feiqian Pay").unwrap();
    let setup = simulated::Setup::new(7, account.clone(), holder.clone(), Money::cny(1_000_000_00));
    let bank = simulated::Bank::open(setup, folder).unwrap();
    let debtor =
        Party { name: holder, account, bank: BankNumber::parse("104331000018").unwrap(), bank_name: None };
    Arc::new(Desk {
        folder: folder.to_owned(),
        debtor,
        every: Duration::from_millis(10),
        simulated: Some(Mutex::new(bank)),
    })
}

/// A fixture whose merchant has ¥9,940 of settled money and an account that ends in `tail`, which decides what the
/// simulated bank does with payouts to it.
async fn rich(tail: &str) -> Fixture {
    let fixture = Fixture::new();
    close_next(&fixture.service).await.unwrap();
    let app = domain::merchant::Product::App;
    let order =
        fixture.place(domain::order::Terms { product: app, ..fixture.terms("pen-000001", 10_000_00) });
    let payment = fixture.pay_by_card(order, fixture.card);
    fixture.run(Command::AnswerPayment(payment, ChannelAnswer::Succeeded("REF1".into())));
    set_account(&fixture, tail);
    fixture.clock.advance(10 * time::DAY);
    while close_next(&fixture.service).await.unwrap().is_some() {}
    do_due(&fixture.service).await.unwrap();
    assert_eq!(available(&fixture), 9_940_00);
    fixture
}

fn set_account(fixture: &Fixture, tail: &str) {
    let clear = service::payout::ClearAccount {
        holder: Secret::new("杭州茶叶有限公司".into()),
        number: Secret::new(format!("622202123456789{tail}")),
        bank: "102100099996".into(),
        bank_name: "中国工商银行".into(),
    };
    let account = service::payout::seal(fixture.vault(), fixture.merchant, &clear).unwrap();
    fixture.run(Command::SetBankAccount(fixture.merchant, Arc::new(account)));
}

fn balance(fixture: &Fixture, id: AccountId) -> i64 {
    fixture.service.queries.account(id).unwrap().balance().minor
}
fn available(fixture: &Fixture) -> i64 {
    balance(fixture, AccountId::merchant_available(fixture.merchant, Currency::CNY))
}

fn ask(fixture: &Fixture, fen: i64, urgent: bool) -> PayoutId {
    let new = NewPayout { merchant: fixture.merchant, amount: Some(fen), urgent, number: None };
    let caller = Caller::of(Actor::Merchant(fixture.merchant));
    match fixture.attempt(Command::RequestPayout(new), caller) {
        Ok(Reply::Payout(id)) => id,
        other => panic!("no payout: {other:?}"),
    }
}

fn state(fixture: &Fixture, id: PayoutId) -> PayoutState {
    fixture.service.queries.payout(id).unwrap().unwrap().state
}

#[tokio::test(flavor = "multi_thread")]
async fn r_ops_13_payouts_go_to_the_bank_and_its_answers_come_back() {
    let (fixture, folder) = (rich("0000").await, tempfile::tempdir().unwrap());
    let desk = desk(folder.path());
    let (slow, urgent) = (ask(&fixture, 1_000_00, false), ask(&fixture, 2_000_00, true));
    let done = exchange(&fixture.service, &desk).await.unwrap();
    assert_eq!((done.sent, done.written, done.refused), (2, 1, 0));
    assert_ne!(state(&fixture, slow), PayoutState::Created);
    fixture.clock.advance(3 * time::SECOND);
    exchange(&fixture.service, &desk).await.unwrap();
    assert_eq!(state(&fixture, urgent), PayoutState::Settled, "at once");
    assert_ne!(state(&fixture, slow), PayoutState::Settled, "in a batch");
    fixture.clock.advance(31 * time::MINUTE);
    exchange(&fixture.service, &desk).await.unwrap();
    assert_eq!(state(&fixture, slow), PayoutState::Settled);
    assert_eq!(balance(&fixture, AccountId::bank_cash(Currency::CNY)), -3_000_00);
    let bank = desk.simulated.as_ref().unwrap().lock().unwrap().balance();
    assert_eq!(bank, Money::cny(1_000_000_00 - 3_000_00), "the bank's own books");
    assert_eq!(exchange(&fixture.service, &desk).await.unwrap(), Exchanged::default());
    fixture.prove();
}

/// What is written in the folder says nothing in logs, but the file must hold the whole number.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_written_once_and_again_only_when_it_is_not_there() {
    let (fixture, folder) = (rich("0000").await, tempfile::tempdir().unwrap());
    let id = ask(&fixture, 1_000_00, false);
    // A crash after the payout was marked and before the file was written.
    let file = format!("FQ{id}");
    fixture.run(Command::SendPayouts { file: file.as_str().into(), payouts: vec![id] });
    let desk = desk(folder.path());
    let done = exchange(&fixture.service, &desk).await.unwrap();
    assert_eq!((done.sent, done.written), (0, 1), "written after all");
    let sent = std::fs::read_to_string(folder.path().join("sent").join(format!("{file}.xml"))).unwrap();
    assert!(sent.contains("6222021234567890000") && sent.contains(&format!("FQP{id}")), "{sent}");
    assert_eq!(exchange(&fixture.service, &desk).await.unwrap().written, 0);
    // A crash before the copy was kept: the bank has the file already.
    std::fs::remove_file(folder.path().join("sent").join(format!("{file}.xml"))).unwrap();
    assert_eq!(exchange(&fixture.service, &desk).await.unwrap().written, 0);
    fixture.clock.advance(time::HOUR);
    exchange(&fixture.service, &desk).await.unwrap();
    assert_eq!(state(&fixture, id), PayoutState::Settled);
    assert_eq!(balance(&fixture, AccountId::bank_cash(Currency::CNY)), -1_000_00, "paid once");
    fixture.prove();
}

/// Whatever the bank does to a payout, the books prove, and money is with the merchant or with the bank, never both.
#[tokio::test(flavor = "multi_thread")]
async fn r_ops_15_a_bank_that_fails_leaves_the_books_right() {
    for tail in ["0000", "0002", "0010", "0101", "0110", "0119", "0127", "0135", "0143"] {
        let (fixture, folder) = (rich(tail).await, tempfile::tempdir().unwrap());
        let desk = desk(folder.path());
        let id = ask(&fixture, 1_000_00, true);
        for _ in 0..12 {
            exchange(&fixture.service, &desk).await.unwrap();
            fixture.prove();
            fixture.clock.advance(12 * time::HOUR);
        }
        let bank = balance(&fixture, AccountId::bank_cash(Currency::CNY));
        let there = available(&fixture);
        match state(&fixture, id) {
            PayoutState::Settled => assert_eq!((bank, there), (-1_000_00, 8_940_00), "{tail}"),
            PayoutState::Rejected | PayoutState::Returned => {
                assert_eq!((bank, there), (0, 9_940_00), "{tail}")
            }
            open => {
                assert!(open.is_open(), "{tail}: {open:?}");
                assert_eq!((bank, there), (0, 8_940_00), "{tail}: in transit until the bank answers");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_the_bank_that_is_not_right_is_set_aside() {
    let (fixture, folder) = (rich("0000").await, tempfile::tempdir().unwrap());
    let desk = desk(folder.path());
    exchange(&fixture.service, &desk).await.unwrap();
    std::fs::write(folder.path().join("out/pain002-999999.xml"), "<not-a-report/>").unwrap();
    let done = exchange(&fixture.service, &desk).await.unwrap();
    assert_eq!(done.read, 0);
    assert!(folder.path().join("out/bad/pain002-999999.xml").exists());
    fixture.prove();
}
