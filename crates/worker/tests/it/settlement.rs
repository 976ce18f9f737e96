//! The day closes, money is released and paid out, whatever stops, repeats or runs twice.

use crate::{eventually, work};
use domain::{
    Actor, Caller, Command,
    settlement::{DayState, Payouts, SettlementId, SettlementState, Terms},
};
use fixture::Fixture;
use ledger::AccountId;
use std::{sync::Arc, time::Duration};
use types::{BusinessDay, Currency, MerchantId, Money, PageRequest, time};
use worker::settlement::{close_next, do_due};

fn sell(fixture: &Fixture, number: &str, fen: i64) {
    let order = fixture.order(number, fen);
    fixture.pay(order);
}

fn available(fixture: &Fixture) -> i64 {
    let id = AccountId::merchant_available(fixture.merchant, Currency::CNY);
    fixture.service.queries.account(id).unwrap().balance().minor
}

fn today(fixture: &Fixture) -> BusinessDay {
    fixture.service.now().business_day()
}

/// Nine in the morning `days` later, a working day or not.
fn morning(fixture: &Fixture, days: i32) {
    let at = today(fixture).plus(days).start().plus(9 * time::HOUR);
    fixture.clock.advance(at.since(fixture.service.now()).max(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn r_fin_11_the_worker_closes_days_and_releases_money() {
    let fixture = Fixture::new();
    let (merchant, day) = (fixture.merchant, today(&fixture));
    close_next(&fixture.service).await.unwrap(); // whatever was before the first day
    let terms = Terms { payouts: Payouts::Automatic, ..Terms::DEFAULT };
    fixture.run(Command::SetSettlementTerms(merchant, Some(terms)));
    sell(&fixture, "pen-000001", 100_00);
    sell(&fixture, "pen-000002", 50_00);
    let worker = work(&fixture);
    morning(&fixture, 7);
    let id = SettlementId::new(merchant, day);
    let queries = Arc::clone(&fixture.service.queries);
    let done = move || queries.settlement(id).unwrap().filter(|one| one.state == SettlementState::Done);
    let settlement = eventually("the settlement is released", done).await;
    assert_eq!((settlement.totals.count, settlement.totals.gross, settlement.released), (2, 150_00, 149_10));
    let queries = Arc::clone(&fixture.service.queries);
    let asked = move || queries.plan(merchant).unwrap().filter(|plan| plan.payout_at.is_none());
    eventually("the payout was looked at", asked).await;
    assert_eq!(available(&fixture), 149_10, "there is no account to pay to");
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

/// Fineract 5357: the job runs several times at once, and a restart comes in between.
#[tokio::test(flavor = "multi_thread")]
async fn the_job_started_several_times_at_once_moves_money_once() {
    let mut fixture = Fixture::new();
    let day = today(&fixture);
    close_next(&fixture.service).await.unwrap();
    for n in 0..40 {
        let merchant = fixture.another_merchant(1_800_000_000 + n, None);
        let order =
            fixture.place(domain::order::Terms { merchant, ..fixture.terms("pen-000001", 10_00 + n) });
        fixture.pay(order);
    }
    morning(&fixture, 7);
    for round in 0..3 {
        let jobs: Vec<_> = (0..4)
            .map(|_| {
                let service = Arc::clone(&fixture.service);
                tokio::spawn(async move {
                    // Of two that run side by side one may come too late for the day it has begun; it finds so.
                    while let Ok(Some(_)) = close_next(&service).await {}
                    do_due(&service).await
                })
            })
            .collect();
        if round == 1 {
            fixture = fixture.restart();
        }
        for job in jobs {
            drop(job.await.unwrap()); // a job whose engine was stopped under it fails; the next goes on
        }
        fixture.prove();
    }
    while close_next(&fixture.service).await.unwrap().is_some() {}
    do_due(&fixture.service).await.unwrap();
    let closed = fixture.service.queries.day(day).unwrap().unwrap();
    assert_eq!((closed.state, closed.merchants, closed.totals.count), (DayState::Closed, 40, 40));
    for n in 0..40 {
        let merchant = MerchantId(1_800_000_000 + n);
        let settlement =
            fixture.service.queries.settlement(SettlementId::new(merchant, day)).unwrap().unwrap();
        let id = AccountId::merchant_available(merchant, Currency::CNY);
        let balance = fixture.service.queries.account(id).unwrap().balance().minor;
        assert_eq!((settlement.state, settlement.released), (SettlementState::Done, balance));
        assert_eq!(balance, 10_00 + n - settlement.totals.fees, "{merchant}");
    }
    fixture.prove();
}

/// Payments go on while a day is closed; each is in exactly one day.
#[tokio::test(flavor = "multi_thread")]
async fn payments_go_on_while_a_day_is_closed() {
    let fixture = Arc::new(Fixture::new());
    let start = today(&fixture);
    close_next(&fixture.service).await.unwrap();
    for n in 0..300 {
        sell(&fixture, &format!("early-{n:06}"), 1_00);
    }
    let midnight = start.next().start();
    fixture.clock.advance(midnight.since(fixture.service.now()));
    let payer = Arc::clone(&fixture);
    let paying = tokio::task::spawn_blocking(move || {
        for n in 0..300 {
            sell(&payer, &format!("late-{n:07}"), 1_00);
        }
    });
    let closed = close_next(&fixture.service).await.unwrap().unwrap();
    assert_eq!((closed.day, closed.merchants, closed.totals.count), (start, 1, 300));
    paying.await.unwrap();
    fixture.clock.advance(time::DAY);
    let next = close_next(&fixture.service).await.unwrap().unwrap();
    assert_eq!((next.day, next.totals.count), (start.next(), 300));
    assert!(close_next(&fixture.service).await.unwrap().is_none());
    let page = fixture.service.queries.settlements(fixture.merchant, PageRequest::new(9, None)).unwrap();
    assert_eq!(page.rows.iter().map(|one| one.totals.gross).sum::<i64>(), 600_00);
    fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_merchant_that_is_refused_keeps_no_other_from_its_money() {
    let fixture = Fixture::new();
    let day = today(&fixture);
    sell(&fixture, "pen-000001", 100_00);
    let other = fixture.another_merchant(1_800_000_000, None);
    let order = fixture.place(domain::order::Terms { merchant: other, ..fixture.terms("pen-000001", 10_00) });
    fixture.pay(order);
    fixture.clock.advance(day.next().start().since(fixture.service.now()));
    fixture.run(Command::BeginDay(day));
    // Somebody closes the day for one merchant with sums that are not its transfers'.
    let wrong = domain::settlement::Totals { gross: 1, count: 1, ..Default::default() };
    fixture.run(Command::CloseMerchantDay(other, day, Box::new(wrong)));
    let refused = close_next(&fixture.service).await;
    assert!(refused.is_err(), "{refused:?}");
    assert!(fixture.service.queries.settlement(SettlementId::new(fixture.merchant, day)).unwrap().is_some());
    morning(&fixture, 5);
    do_due(&fixture.service).await.unwrap();
    assert_eq!(available(&fixture), 99_40);
    let proof = engine::prove::prove(&*fixture.service.queries).unwrap();
    assert!(proof.failures.iter().any(|line| line.contains("1800000000")), "{:?}", proof.failures);
}

/// An approval that comes too late is not waited for.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_people_ends_in_time() {
    let fixture = Fixture::new();
    let app = domain::merchant::Product::App;
    let order =
        fixture.place(domain::order::Terms { product: app, ..fixture.terms("pen-000001", 30_000_00) });
    let payment = fixture.pay_by_card(order, fixture.card);
    let answer = domain::payment::ChannelAnswer::Succeeded("REF1".into());
    fixture.run(Command::AnswerPayment(payment, answer));
    let account = domain::payout::Beneficiary {
        holder: Box::from([1]),
        number: Box::from([2]),
        tail: "0002".into(),
        bank: "102100099996".into(),
        bank_name: "ICBC".into(),
    };
    fixture.run(Command::SetBankAccount(fixture.merchant, Arc::new(account)));
    morning(&fixture, 7);
    while close_next(&fixture.service).await.unwrap().is_some() {}
    do_due(&fixture.service).await.unwrap();
    let new = domain::payout::NewPayout {
        merchant: fixture.merchant,
        amount: Some(25_000_00),
        urgent: false,
        number: None,
    };
    let caller = Caller::of(Actor::Merchant(fixture.merchant));
    fixture.attempt(Command::RequestPayout(new), caller).unwrap();
    assert_eq!(available(&fixture), 30_000_00 - 180_00 - 25_000_00);
    fixture.clock.advance(7 * time::DAY);
    do_due(&fixture.service).await.unwrap();
    assert_eq!(Money::cny(available(&fixture)).to_string(), "29820.00");
    fixture.prove();
}
