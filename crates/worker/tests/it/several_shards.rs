//! The money's day in a store of three shards, on one node and on two: days close once in all of them, money comes
//! together where it is released, whatever stops, repeats or runs twice.

use crate::{eventually, work};
use domain::{
    Command,
    settlement::{DayState, Payouts, SettlementId, SettlementState, Terms},
};
use fixture::Fixture;
use ledger::AccountId;
use std::{sync::Arc, time::Duration};
use types::{BusinessDay, Currency, MerchantId, OrderId, PageRequest, PayerId, ShardSet, time};
use worker::{
    SimulatedBank,
    reconcile::{Bills, Desk, all_due},
    settlement::{close_next, do_due},
};

/// A store of three shards with a payer in each.
fn three() -> (Fixture, Vec<PayerId>) {
    let fixture = Fixture::of_shards(3);
    let payers = fixture.service.engine.shards().all().map(|shard| fixture.payer_in(shard)).collect();
    (fixture, payers)
}

fn sell(fixture: &Fixture, payer: PayerId, merchant: MerchantId, number: &str, fen: i64) -> OrderId {
    let order = fixture.place(domain::order::Terms { merchant, ..fixture.terms(number, fen) });
    assert_eq!(fixture.pay_as(payer, order, false), None);
    order
}

fn available(fixture: &Fixture, merchant: MerchantId) -> i64 {
    let id = AccountId::merchant_available(merchant, Currency::CNY);
    fixture.service.queries.account_in_all(id).unwrap().balance().minor
}

fn today(fixture: &Fixture) -> BusinessDay {
    fixture.service.now().business_day()
}

fn morning(fixture: &Fixture, days: i32) {
    let at = today(fixture).plus(days).start().plus(9 * time::HOUR);
    fixture.clock.advance(at.since(fixture.service.now()).max(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn r_fin_11_the_worker_closes_days_of_several_shards() {
    let (fixture, payers) = three();
    let (merchant, day) = (fixture.merchant, today(&fixture));
    close_next(&fixture.service).await.unwrap(); // whatever was before the first day
    let terms = Terms { payouts: Payouts::Automatic, ..Terms::DEFAULT };
    fixture.run(Command::SetSettlementTerms(merchant, Some(terms)));
    for (n, payer) in payers.iter().enumerate() {
        let order = sell(&fixture, *payer, merchant, &format!("pen-{n:06}"), 100_00);
        assert_eq!(usize::from(fixture.order_record(order).shard.number()), n, "one in each shard");
    }
    let worker = work(&fixture);
    morning(&fixture, 7);
    let id = SettlementId::new(merchant, day);
    let queries = Arc::clone(&fixture.service.queries);
    let done = move || queries.settlement(id).unwrap().filter(|one| one.state == SettlementState::Done);
    let settlement = eventually("the settlement is released", done).await;
    let sums = (settlement.totals.count, settlement.totals.gross, settlement.released, settlement.carried);
    assert_eq!(sums, (3, 300_00, 298_20, 0));
    let queries = Arc::clone(&fixture.service.queries);
    let all = ShardSet::all(fixture.service.engine.shards());
    let arrived = move || queries.crossings(all, 9).unwrap().is_empty().then_some(());
    eventually("what was brought is forgotten", arrived).await;
    assert_eq!(available(&fixture, merchant), 298_20);
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

/// Fineract 5357, on two nodes: the job runs twice on each at once, and a node goes and comes back in between.
#[tokio::test(flavor = "multi_thread")]
async fn the_job_started_on_two_nodes_at_once_moves_money_once() {
    const MERCHANTS: i64 = 12;
    let (fixture, payers) = three();
    let day = today(&fixture);
    close_next(&fixture.service).await.unwrap();
    let merchant = |n: i64| MerchantId(1_800_000_000 + n);
    for n in 0..MERCHANTS {
        let merchant = fixture.another_merchant(merchant(n).0, None);
        for (payer, number) in payers.iter().zip(["pen-000001", "pen-000002", "pen-000003"]) {
            sell(&fixture, *payer, merchant, number, 10_00 + n);
        }
    }
    morning(&fixture, 7);
    let mut other = Some(fixture.another_node("b"));
    for round in 0..3 {
        let b = other.as_ref().map_or(&fixture.service, |node| &node.service);
        let jobs: Vec<_> = [&fixture.service, b, &fixture.service, b]
            .map(|service| {
                let service = Arc::clone(service);
                tokio::spawn(async move {
                    // Of two that run side by side one may come too late for the day it has begun; it finds so.
                    while let Ok(Some(_)) = close_next(&service).await {}
                    do_due(&service).await
                })
            })
            .into();
        if round == 1 {
            drop(other.take()); // its shards go to the other node while it is at work
            other = Some(fixture.another_node("c"));
        }
        for job in jobs {
            drop(job.await.unwrap()); // a job whose node has left fails; the next goes on
        }
        fixture.prove();
    }
    while close_next(&fixture.service).await.unwrap().is_some() {}
    do_due(&fixture.service).await.unwrap();
    let closed = fixture.service.queries.day(day).unwrap().unwrap();
    assert_eq!((closed.state, closed.merchants, closed.totals.count), (DayState::Closed, 12, 36));
    for n in 0..MERCHANTS {
        let settlement =
            fixture.service.queries.settlement(SettlementId::new(merchant(n), day)).unwrap().unwrap();
        let net = 3 * (10_00 + n) - settlement.totals.fees;
        assert_eq!((settlement.state, settlement.released), (SettlementState::Done, net), "{}", merchant(n));
        assert_eq!((available(&fixture, merchant(n)), settlement.carried), (net, 0), "{}", merchant(n));
    }
    fixture.prove();
}

/// Payments go on in every shard while a day is closed; each is in exactly one day.
#[tokio::test(flavor = "multi_thread")]
async fn payments_go_on_while_a_day_of_several_shards_is_closed() {
    let (fixture, payers) = three();
    let fixture = Arc::new(fixture);
    let node = fixture.another_node("b");
    let (start, merchant) = (today(&fixture), fixture.merchant);
    close_next(&fixture.service).await.unwrap();
    for n in 0..90 {
        sell(&fixture, payers[n % 3], merchant, &format!("early-{n:06}"), 1_00);
    }
    fixture.clock.advance(start.next().start().since(fixture.service.now()));
    let (payer, late) = (Arc::clone(&fixture), payers.clone());
    let paying = tokio::task::spawn_blocking(move || {
        for n in 0..90 {
            sell(&payer, late[n % 3], merchant, &format!("late-{n:07}"), 1_00);
        }
    });
    let closed = close_next(&node.service).await.unwrap().unwrap();
    assert_eq!((closed.day, closed.merchants, closed.totals.count), (start, 1, 90));
    paying.await.unwrap();
    fixture.clock.advance(time::DAY);
    let next = close_next(&fixture.service).await.unwrap().unwrap();
    assert_eq!((next.day, next.totals.count), (start.next(), 90));
    assert!(close_next(&node.service).await.unwrap().is_none());
    let page = fixture.service.queries.settlements(merchant, PageRequest::new(9, None)).unwrap();
    assert_eq!(page.rows.iter().map(|one| one.totals.gross).sum::<i64>(), 180_00);
    fixture.prove();
}

/// Card payments of every shard are matched with the channel's one bill.
#[tokio::test(flavor = "multi_thread")]
async fn card_payments_of_all_shards_are_reconciled() {
    let (fixture, payers) = three();
    let (day, merchant) = (today(&fixture), fixture.merchant);
    close_next(&fixture.service).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let bank = Arc::new(SimulatedBank::new(Arc::clone(&fixture.service.vault)));
    let desk = Arc::new(Desk::new(Bills::new(folder.path()), bank, Duration::from_millis(20), true));
    for (n, payer) in payers.iter().enumerate() {
        let order =
            fixture.place(domain::order::Terms { merchant, ..fixture.terms(&format!("pen-{n:06}"), 100_00) });
        let payment = fixture.pay_as(*payer, order, true).expect("a card payment waits for its channel");
        let said = domain::payment::ChannelAnswer::Succeeded(format!("SB{payment}").into());
        fixture.run(Command::AnswerPayment(payment, said));
    }
    fixture.clock.advance(day.next().start().since(fixture.service.now()));
    while close_next(&fixture.service).await.unwrap().is_some() {}
    let done = all_due(&fixture.service, &desk).await.unwrap();
    let matched = done.iter().find(|matched| matched.day == day).expect("the day is matched");
    let [ledger, channel, _] = matched.totals.entries;
    // Three orders, and the top-ups of three payers and the fixture's own.
    assert_eq!((ledger, channel, matched.totals.exceptions()), (7, 7, 0), "{matched}");
    fixture.prove();
}
