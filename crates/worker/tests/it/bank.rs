//! Card payments: the simulated bank's menu, and outcomes that only the channel ends.

use crate::{a_while, eventually, setup, work};
use domain::{
    Command, Rejection,
    order::OrderState,
    payment::{ChannelAnswer, Payment, PaymentState},
    refund::Refund,
};
use engine::Refusal;
use fixture::Fixture;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use types::{OrderId, PaymentId, Time, time};
use worker::{Channel, SimulatedBank, Worker, bank::Answering};

/// Starts to pay a new order from a card with this tail.
fn pay(fixture: &Fixture, number: &str, tail: &str) -> (OrderId, PaymentId) {
    let order = fixture.place(domain::order::Terms { notify_url: "".into(), ..fixture.terms(number, 1234) });
    let payment = fixture.pay_by_card(order, fixture.another_card(tail));
    (order, payment)
}

/// Waits until the channel was asked that often.
async fn asked(fixture: &Fixture, id: PaymentId, times: u32) -> Payment {
    eventually("asked", || Some(fixture.payment_record(id)).filter(|payment| payment.asked == times)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn final_answers_end_a_payment() {
    let fixture = Fixture::new();
    let worker = work(&fixture);
    let (order, payment) = pay(&fixture, "pen-000001", "4242");
    let kept = asked(&fixture, payment, 1).await;
    assert_eq!((kept.state, &*kept.channel_code), (PaymentState::Succeeded, &*format!("SB{payment}")));
    assert_eq!(fixture.order_record(order).state, OrderState::Paid);

    for (n, (tail, code)) in
        [("0002", "insufficient funds (51)"), ("0005", "do not honour (05)")].into_iter().enumerate()
    {
        let (order, payment) = pay(&fixture, &format!("refused-{n:06}"), tail);
        let kept = asked(&fixture, payment, 1).await;
        assert_eq!((kept.state, &*kept.channel_code), (PaymentState::Declined, code));
        let after = fixture.order_record(order);
        assert_eq!((after.state, after.payment), (OrderState::Open, None), "it can be paid another way");
        fixture.pay(order);
    }
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

/// 0110: the bank has booked, and the answer got lost. Asking again brings it; nothing is taken twice.
#[tokio::test(flavor = "multi_thread")]
async fn r_fin_66_a_lost_answer_is_fetched_by_asking_again() {
    let fixture = Fixture::new();
    let worker = work(&fixture);
    let (order, payment) = pay(&fixture, "pen-000001", "0110");
    let kept = asked(&fixture, payment, 1).await;
    assert_eq!(kept.state, PaymentState::Unknown);
    assert_eq!(fixture.order_record(order).payment, Some(payment), "the order stays locked");
    let again =
        fixture.attempt(Command::PayOrder(fixture.confirmation(order, None)), domain::Caller::platform());
    assert_eq!(again, Err(Refusal::Rejected(Rejection::OrderBusy)), "Kill Bill 1015");
    fixture.clock.advance(2 * time::SECOND);
    let kept = asked(&fixture, payment, 2).await;
    assert_eq!(kept.state, PaymentState::Succeeded);
    assert_eq!(fixture.order_record(order).state, OrderState::Paid);
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

/// 0119 and 0127: unknown for 30 seconds; asked after 2, 5, 15 and 60 seconds.
#[tokio::test(flavor = "multi_thread")]
async fn r_ops_26_an_unknown_outcome_ends_when_the_bank_knows() {
    for (tail, state) in [("0119", PaymentState::Succeeded), ("0127", PaymentState::Declined)] {
        let fixture = Fixture::new();
        let worker = work(&fixture);
        let (order, payment) = pay(&fixture, "pen-000001", tail);
        for (times, wait_s) in [(1, 2), (2, 5), (3, 15), (4, 60)] {
            let kept = asked(&fixture, payment, times).await;
            assert_eq!(kept.state, PaymentState::Unknown, "{tail} asked {times} times");
            assert_eq!(kept.ask_at, Some(fixture.service.now().plus(wait_s * time::SECOND)));
            fixture.clock.advance(wait_s * time::SECOND);
        }
        let kept = asked(&fixture, payment, 5).await;
        assert_eq!((kept.state, kept.ask_at), (state, None), "{tail}");
        let paid = fixture.order_record(order).state == OrderState::Paid;
        assert_eq!(paid, state == PaymentState::Succeeded, "{tail}");
        assert!(worker.stop(Duration::from_secs(5)).await);
        fixture.prove();
    }
}

/// 0135. Hyperswitch 2380: time alone never turns "unknown" into "failed".
#[tokio::test(flavor = "multi_thread")]
async fn r_fin_66_time_alone_never_ends_an_unknown_outcome() {
    let fixture = Fixture::new();
    let worker = work(&fixture);
    let (order, payment) = pay(&fixture, "pen-000001", "0135");
    for day in 1..=40 {
        asked(&fixture, payment, day).await;
        fixture.clock.advance(time::DAY);
    }
    let kept = asked(&fixture, payment, 41).await;
    assert_eq!(kept.state, PaymentState::Unknown);
    let locked = fixture.order_record(order);
    assert_eq!(
        (locked.state, locked.payment),
        (OrderState::Open, Some(payment)),
        "past its deadline, and held"
    );
    let closing = Command::CloseOrder(fixture.merchant.into(), "pen-000001".into());
    let closed = fixture.attempt(closing, domain::Caller::platform());
    assert_eq!(closed, Err(Refusal::Rejected(Rejection::OrderBusy)));
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

/// 0143: the channel does not answer at all within its time.
#[tokio::test(flavor = "multi_thread")]
async fn r_fin_61_a_channel_that_hangs_means_unknown() {
    let fixture = Fixture::new();
    let worker = work(&fixture);
    let (_, payment) = pay(&fixture, "pen-000001", "0143");
    assert_eq!(asked(&fixture, payment, 1).await.state, PaymentState::Unknown);
    fixture.clock.advance(2 * time::SECOND);
    assert_eq!(asked(&fixture, payment, 2).await.state, PaymentState::Succeeded);
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_success_pays_an_order_whose_deadline_has_passed() {
    let fixture = Fixture::new();
    let worker = work(&fixture);
    let terms = domain::order::Terms { notify_url: "".into(), ..fixture.terms("pen-000001", 1234) };
    let expires_at = Some(fixture.service.now().plus(time::MINUTE));
    let reply = fixture.run(Command::CreateOrder { terms: Arc::new(terms), expires_at });
    let domain::Reply::Order(order) = reply else { panic!("{reply:?}") };
    let payment = fixture.pay_by_card(order, fixture.another_card("0119"));
    asked(&fixture, payment, 1).await;
    fixture.clock.advance(time::HOUR);
    asked(&fixture, payment, 2).await;
    assert_eq!(fixture.order_record(order).state, OrderState::Paid);
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_refusal_lets_the_order_expire() {
    let fixture = Fixture::new();
    let worker = work(&fixture);
    let (order, payment) = pay(&fixture, "pen-000001", "0127");
    asked(&fixture, payment, 1).await;
    fixture.clock.advance(8 * time::DAY);
    asked(&fixture, payment, 2).await;
    eventually("expired", || (fixture.order_record(order).state == OrderState::Expired).then_some(())).await;
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

/// Counts what it is asked, and can end the program between an answer and its record.
struct Watched {
    bank: SimulatedBank,
    authorised: Mutex<HashMap<PaymentId, usize>>,
    queried: Mutex<HashMap<PaymentId, usize>>,
    slow: AtomicBool,
}

impl Watched {
    fn new(fixture: &Fixture) -> Arc<Self> {
        let bank = SimulatedBank::new(Arc::clone(&fixture.service.vault));
        let (authorised, queried) = (Mutex::default(), Mutex::default());
        Arc::new(Self { bank, authorised, queried, slow: AtomicBool::new(false) })
    }
    fn times(&self, id: PaymentId) -> (usize, usize) {
        let of = |map: &Mutex<HashMap<PaymentId, usize>>| map.lock().unwrap().get(&id).copied().unwrap_or(0);
        (of(&self.authorised), of(&self.queried))
    }
}

impl Channel for Watched {
    fn authorise<'a>(&'a self, payment: &'a Payment, token: &'a str, now: Time) -> Answering<'a> {
        *self.authorised.lock().unwrap().entry(payment.id).or_default() += 1;
        Box::pin(async move {
            if self.slow.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            self.bank.authorise(payment, token, now).await
        })
    }
    fn query<'a>(&'a self, payment: &'a Payment, token: &'a str, now: Time) -> Answering<'a> {
        *self.queried.lock().unwrap().entry(payment.id).or_default() += 1;
        self.bank.query(payment, token, now)
    }
    fn refund<'a>(&'a self, refund: &'a Refund, token: &'a str, now: Time) -> Answering<'a> {
        self.bank.refund(refund, token, now)
    }
    fn query_refund<'a>(&'a self, refund: &'a Refund, token: &'a str, now: Time) -> Answering<'a> {
        self.bank.query_refund(refund, token, now)
    }
}

/// The bank has answered, and the program ends before that is on record: the same payment is asked again under
/// the same id, and paid once.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_the_banks_answer_asks_again_and_pays_once() {
    let mut fixture = Fixture::new();
    let bank = Watched::new(&fixture);
    bank.slow.store(true, Ordering::SeqCst);
    let worker = Worker::start(&fixture.service, Arc::clone(&bank) as Arc<dyn Channel>, setup()).unwrap();
    let (order, payment) = pay(&fixture, "pen-000001", "0000");
    eventually("the bank is asked", || (bank.times(payment).0 == 1).then_some(())).await;
    fixture.stop_engine();
    assert!(worker.stop(Duration::from_secs(5)).await);
    assert_eq!(fixture.payment_record(payment).asked, 0, "nothing is on record");

    let fixture = fixture.restart();
    let worker = Worker::start(&fixture.service, Arc::clone(&bank) as Arc<dyn Channel>, setup()).unwrap();
    asked(&fixture, payment, 1).await;
    assert_eq!(bank.times(payment), (2, 0));
    assert_eq!(fixture.order_record(order).state, OrderState::Paid);
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_payments_are_asked_once_each() {
    let fixture = Fixture::new();
    let bank = Watched::new(&fixture);
    bank.slow.store(true, Ordering::SeqCst);
    let mut setup = setup();
    setup.channel.asking = 8; // most of them wait for room
    setup.channel.scan_every = Duration::from_millis(1);
    let worker = Worker::start(&fixture.service, Arc::clone(&bank) as Arc<dyn Channel>, setup).unwrap();
    let payments: Vec<(OrderId, PaymentId)> = (0..60)
        .map(|n| {
            let order = fixture.order(&format!("pen-{n:06}"), 100);
            (order, fixture.pay_by_card(order, fixture.card))
        })
        .collect();
    for (order, payment) in payments {
        asked(&fixture, payment, 1).await;
        assert_eq!(bank.times(payment), (1, 0));
        assert_eq!(fixture.order_record(order).state, OrderState::Paid);
    }
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}

/// A channel that says yes after it said no changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_contradicts_itself_changes_nothing() {
    let fixture = Fixture::new();
    let worker = work(&fixture);
    let (order, payment) = pay(&fixture, "pen-000001", "0002");
    let before = asked(&fixture, payment, 1).await;
    let yes = Command::AnswerPayment(payment, ChannelAnswer::Succeeded("late".into()));
    let answer = fixture.attempt(yes, domain::Caller::of(domain::Actor::Channel));
    assert_eq!(answer, Err(Refusal::Rejected(Rejection::PaymentFinal)));
    a_while().await;
    assert_eq!(fixture.payment_record(payment), before);
    assert_eq!(fixture.order_record(order).state, OrderState::Open);
    assert!(worker.stop(Duration::from_secs(5)).await);
    fixture.prove();
}
