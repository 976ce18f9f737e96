//! A day is matched with the channel's bill: what differs is found, classed and kept, whatever repeats or breaks off.

use ::reconcile::{Class as Found, Format, bill::BillWriter};
use domain::{
    Actor, Caller, Command, Reply,
    exception::{Class, Exception, State},
    order::Terms,
    payment::{ChannelAnswer, PaymentState},
    refund::{Funds, NewRefund, RefundState, RefundTerms},
    staff::{NewStaff, Role},
};
use fixture::Fixture;
use ledger::AccountId;
use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};
use types::{
    BusinessDay, CardId, Currency, Money, OperatorId, OrderId, PaymentId, RefundId, Secret, Time, time,
};
use worker::{
    SimulatedBank,
    reconcile::{Bills, Desk, Matched, Trouble, all_due, reconcile},
    settlement::close_next,
};

struct Desks {
    fixture: Fixture,
    folder: tempfile::TempDir,
    cards: BTreeMap<String, CardId>,
    sold: u32,
}

impl Desks {
    async fn new() -> Self {
        let fixture = Fixture::new();
        close_next(&fixture.service).await.unwrap(); // whatever was before the first day
        Self { fixture, folder: tempfile::tempdir().unwrap(), cards: BTreeMap::new(), sold: 0 }
    }

    fn desk(&self, simulated: bool) -> Arc<Desk> {
        let bank = Arc::new(SimulatedBank::new(Arc::clone(&self.fixture.service.vault)));
        let bills = Bills::new(self.folder.path());
        Arc::new(Desk::new(bills, bank, Duration::from_millis(20), simulated))
    }

    fn today(&self) -> BusinessDay {
        self.fixture.service.now().business_day()
    }

    fn go(&self, at: Time) {
        self.fixture.clock.advance(at.since(self.fixture.service.now()));
    }

    /// An order that is being paid from a card with this tail.
    fn start(&mut self, tail: &str, fen: i64) -> (OrderId, PaymentId) {
        self.sold += 1;
        let terms = self.fixture.terms(&format!("pen-{:06}", self.sold), fen);
        let order = self.fixture.place(Terms { notify_url: "".into(), ..terms });
        let fixture = &self.fixture;
        let card = *self.cards.entry(tail.to_owned()).or_insert_with(|| fixture.another_card(tail));
        (order, self.fixture.pay_by_card(order, card))
    }

    fn answer(&self, payment: PaymentId, answer: ChannelAnswer) {
        self.fixture.run(Command::AnswerPayment(payment, answer));
    }

    /// A paid order.
    fn sell(&mut self, tail: &str, fen: i64) -> (OrderId, PaymentId) {
        let (order, payment) = self.start(tail, fen);
        self.answer(payment, ChannelAnswer::Succeeded(format!("SB{payment}").into()));
        (order, payment)
    }

    fn refund(&self, order: OrderId, fen: i64) -> RefundId {
        let terms = RefundTerms {
            partner: None,
            merchant: self.fixture.merchant,
            number: format!("R{order}").into(),
            amount: Money::cny(fen),
            reason: "".into(),
            notify_url: "".into(),
            funds: Funds::Unsettled,
            extra: "".into(),
            digest: [0; 16],
        };
        let total = self.fixture.order_record(order).terms.amount.minor;
        let new = NewRefund { terms: Arc::new(terms), order: Some(order), order_number: None, total };
        let caller = Caller::of(Actor::Merchant(self.fixture.merchant));
        match self.fixture.attempt(Command::CreateRefund(Box::new(new)), caller) {
            Ok(Reply::Refund(id)) => id,
            other => panic!("the refund answered {other:?}"),
        }
    }

    /// Lets the day end, closes it, and matches what is due; what came of that day.
    async fn end_day(&self, desk: &Arc<Desk>) -> Vec<Matched> {
        let day = self.today();
        self.go(day.next().start());
        while close_next(&self.fixture.service).await.unwrap().is_some() {}
        let done = all_due(&self.fixture.service, desk).await.unwrap();
        done.into_iter().filter(|matched| matched.day == day).collect()
    }

    fn exceptions(&self) -> Vec<Exception> {
        let mut found = Vec::new();
        self.fixture.service.queries.each_exception(&mut |exception| found.push(exception)).unwrap();
        found.sort_by(|a, b| a.reference.cmp(&b.reference));
        found
    }

    fn exception(&self, reference: &str) -> Exception {
        self.exceptions().into_iter().find(|one| &*one.reference == reference).unwrap()
    }

    fn path(&self, file: &str) -> std::path::PathBuf {
        self.folder.path().join(file)
    }
}

fn only(matched: &[Matched]) -> &Matched {
    assert_eq!(matched.len(), 1, "{matched:?}");
    &matched[0]
}

/// A bill with these rows: kind, key, fen, time.
fn write_bill(path: &Path, rows: &[(&str, String, i64, Time)]) {
    let format = Format::card_channel();
    let mut bill = BillWriter::new(fs::File::create(path).unwrap(), &format).unwrap();
    for (kind, key, fen, at) in rows {
        let row = |column: &str| match column {
            "交易时间" => at.local(),
            "平台支付单号" => key.clone(),
            "渠道流水号" => format!("S{key}"),
            "交易类型" => (*kind).to_owned(),
            "交易状态" => "成功".to_owned(),
            "货币" => "CNY".to_owned(),
            "交易金额" => Money::cny(*fen).to_string(),
            "手续费" => "0.00".to_owned(),
            _ => String::new(),
        };
        bill.row(row).unwrap();
    }
    bill.finish().unwrap();
}

/// The menu: one card for each fault.
const FAULTS: [(&str, Class); 5] = [
    ("0184", Class::Short),
    ("0192", Class::Long),
    ("0208", Class::Amount),
    ("0216", Class::Status),
    ("0224", Class::Duplicate),
];

#[tokio::test(flavor = "multi_thread")]
async fn r_fin_12_planted_differences_are_found_once_and_classed() {
    let mut desks = Desks::new().await;
    let desk = desks.desk(true);
    let day = desks.today();
    desks.sell("4242", 12_34);
    desks.fixture.top_up(5_00);
    let planted: Vec<(Class, PaymentId)> =
        FAULTS.iter().map(|(tail, class)| (*class, desks.sell(tail, 20_00).1)).collect();
    let done = desks.end_day(&desk).await;
    let matched = only(&done);
    assert_eq!(matched.day, day);
    // Twice five faults, a payment, and two top-ups: the fixture's own too.
    assert_eq!(matched.totals.entries, [8, 9, 0], "{matched}");
    assert_eq!(matched.totals.classes, [1, 1, 1, 0, 1, 0, 1], "{matched}");
    let found = desks.exceptions();
    assert_eq!(found.len(), FAULTS.len());
    for (class, payment) in planted {
        let key = if class == Class::Long { format!("X{payment}") } else { payment.to_string() };
        let one = desks.exception(&format!("card/payment/{key}/{}", class.name()));
        let question = match class {
            Class::Short | Class::Status => -20_00,
            Class::Long | Class::Duplicate => 20_00,
            _ => 1,
        };
        assert_eq!((one.class, one.state, one.question), (class, State::Open, Some(question)), "{one:?}");
        assert_eq!((one.day, one.since), (day, day));
        assert!(one.note.contains("20.0"), "{}", one.note);
    }
    // Again, with the mark gone and with another day in between: nothing new.
    assert!(all_due(&desks.fixture.service, &desk).await.unwrap().is_empty());
    for _ in 0..2 {
        fs::remove_file(desks.path(&format!("{day}.done"))).unwrap();
        let again = all_due(&desks.fixture.service, &desk).await.unwrap();
        assert!(again.iter().any(|one| one.totals.exceptions() == 5), "{again:?}");
        assert_eq!(desks.exceptions(), found);
        desks.end_day(&desk).await;
    }
    assert_eq!(desks.exceptions(), found, "later days change nothing");
    desks.fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn r_fin_69_two_people_correct_what_was_found() {
    let mut desks = Desks::new().await;
    let desk = desks.desk(true);
    let payment = desks.sell("0208", 20_00).1;
    desks.end_day(&desk).await;
    let reference = format!("card/payment/{payment}/amount");
    for name in ["maker", "checker"] {
        let password = Secret::new("$argon2id$test".to_owned());
        let new = NewStaff { name: name.into(), merchant: None, role: Role::Finance, password };
        desks.fixture.run(Command::CreateStaff(Box::new(new)));
    }
    let by =
        |person, command| desks.fixture.attempt(command, Caller::of(Actor::Operator(OperatorId(person))));
    let exception: Box<str> = reference.as_str().into();
    let why = "渠道多收一分".into();
    by(1, Command::SuggestCorrection { exception: exception.clone(), correction: 1, why }).unwrap();
    assert!(by(1, Command::ApproveCorrection { exception: exception.clone(), correction: 1 }).is_err());
    by(2, Command::ApproveCorrection { exception, correction: 1 }).unwrap();
    assert_eq!(desks.exception(&reference).state, State::Resolved);
    let suspense = AccountId::platform_suspense(Currency::CNY);
    assert_eq!(desks.fixture.service.queries.account(suspense).unwrap().balance().minor, 1);
    // Matched again, the day opens nothing: a correction is the platform's business, not the channel's.
    let before = desks.exceptions();
    reconcile(&desks.fixture.service, &desk, desks.today().previous()).await.unwrap();
    desks.end_day(&desk).await;
    assert_eq!(desks.exceptions(), before);
    desks.fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_of_another_format_is_refused_and_told() {
    let mut desks = Desks::new().await;
    let (write, read) = (desks.desk(true), desks.desk(false));
    desks.sell("0184", 20_00);
    let day = desks.today();
    let path = desks.path(&format!("{day}.csv"));
    desks.go(day.next().start());
    while close_next(&desks.fixture.service).await.unwrap().is_some() {}
    desks.sell("4242", 1_00);
    fs::write(&path, "").unwrap();
    let early = reconcile(&desks.fixture.service, &read, desks.today()).await;
    assert!(matches!(early, Err(Trouble::NotClosed(_))), "{early:?}");
    fs::remove_file(&path).unwrap();
    let none = reconcile(&desks.fixture.service, &read, day).await;
    assert!(matches!(none, Err(Trouble::NoBill(..))), "{none:?}");
    all_due(&desks.fixture.service, &write).await.unwrap();
    assert_eq!(desks.exceptions().len(), 1);
    let whole = fs::read_to_string(&path).unwrap();
    let cut: String = whole.lines().take(2).map(|line| format!("{line}\n")).collect();
    for (bad, told) in [
        (whole.replace("渠道流水号", "流水号"), "渠道流水号"),
        (whole.replace("清算批次", "清算批次,备注"), "备注"),
        (cut, "cut off"),
        (whole.replace("成功", "完成"), "完成"),
        (String::new(), "empty"),
    ] {
        fs::write(&path, bad).unwrap();
        let before = desks.exceptions();
        assert!(all_due(&desks.fixture.service, &read).await.unwrap().is_empty());
        let why = read.bills().refused(day).unwrap();
        assert!(why.contains(told) && why.contains(&format!("{day}.csv")), "{why}");
        assert_eq!(desks.exceptions(), before, "a bill that is refused changes nothing");
    }
    // The channel corrects its bill: the payment is in it now.
    let payment = desks.exceptions()[0].reference.split('/').nth(2).unwrap().to_owned();
    let own = desks.fixture.service.queries.payment(payment.parse().unwrap()).unwrap().unwrap();
    let mut top_up = None;
    desks
        .fixture
        .service
        .queries
        .each_payment(&mut |one| {
            if one.order.is_none() {
                top_up = Some(one);
            }
        })
        .unwrap();
    let top_up = top_up.unwrap();
    write_bill(
        &path,
        &[
            ("消费", top_up.id.to_string(), top_up.amount.minor, top_up.created_at),
            ("消费", payment, 20_00, own.created_at),
        ],
    );
    let done = all_due(&desks.fixture.service, &read).await.unwrap();
    assert_eq!(only(&done).totals.exceptions(), 0, "{done:?}");
    assert_eq!((desks.exceptions()[0].state, read.bills().refused(day)), (State::Cleared, None));
    desks.fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn r_fin_69_what_is_unknown_is_asked_before_it_is_an_exception() {
    let mut desks = Desks::new().await;
    let desk = desks.desk(true);
    desks.go(desks.today().start().plus(23 * time::HOUR));
    // The answer was lost: the bank has it on this day, the ledger learns of it on the next.
    let (order, lost) = desks.start("0110", 30_00);
    let (_, never) = desks.start("0135", 40_00);
    desks.answer(lost, ChannelAnswer::Unknown);
    desks.answer(never, ChannelAnswer::Unknown);
    let done = desks.end_day(&desk).await;
    assert_eq!((only(&done).repaired, only(&done).totals.exceptions()), (1, 1), "{done:?}");
    assert_eq!(desks.fixture.payment_record(lost).state, PaymentState::Succeeded);
    assert!(desks.fixture.order_record(order).paid_at.is_some());
    // Time alone ends nothing: the other stays open and waits.
    let reference = format!("card/payment/{never}/status");
    assert_eq!((desks.exceptions().len(), desks.exception(&reference).state), (1, State::Open));
    let done = desks.end_day(&desk).await;
    assert_eq!(
        only(&done).totals.exceptions(),
        0,
        "the ledger's late row is in the bill of the day before: {done:?}"
    );
    assert_eq!(desks.exception(&reference).since, desks.today().plus(-2));
    // In the end the bank declines: nobody says any more that money moved.
    desks.answer(never, ChannelAnswer::Declined("no".into()));
    let done = desks.end_day(&desk).await;
    assert_eq!((only(&done).totals.exceptions(), only(&done).totals.cleared), (0, 1), "{done:?}");
    assert_eq!(desks.exception(&reference).state, State::Cleared);
    desks.fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_crosses_midnight_waits_a_day_and_a_late_partner_ends_the_exception() {
    let mut desks = Desks::new().await;
    let (write, read) = (desks.desk(true), desks.desk(false));
    let day = desks.today();
    desks.go(day.next().start().plus(-time::MINUTE));
    let (_, payment) = desks.sell("0184", 50_00);
    let at = desks.fixture.service.now();
    let done = desks.end_day(&write).await;
    assert_eq!((only(&done).totals.held, only(&done).totals.exceptions()), (1, 0), "{done:?}");
    let done = desks.end_day(&write).await;
    assert_eq!(only(&done).totals.of(Found::Short), 1, "{done:?}");
    let reference = format!("card/payment/{payment}/short");
    let short = desks.exception(&reference);
    assert_eq!((short.day, short.since), (day.next(), day), "its age counts from the first day");
    let done = desks.end_day(&write).await;
    assert_eq!(only(&done).totals.exceptions(), 0);
    // Days later the channel's bill has it.
    let late = desks.today();
    write_bill(&desks.path(&format!("{late}.csv")), &[("消费", payment.to_string(), 50_00, at)]);
    let done = desks.end_day(&read).await;
    assert_eq!((only(&done).totals.exceptions(), only(&done).totals.cleared), (0, 1), "{done:?}");
    assert_eq!(desks.exception(&reference).state, State::Cleared);
    // Again, and the days before again: it stays so.
    for again in [late, late.previous(), day.next(), day, late] {
        reconcile(&desks.fixture.service, &read, again).await.unwrap();
        assert_eq!(
            (desks.exceptions().len(), desks.exception(&reference).state),
            (1, State::Cleared),
            "{again}"
        );
    }
    desks.fixture.prove();
}

/// The sides' clocks are seconds apart, so the last ten minutes of a day, which are carried over, do not begin at the same
/// payment for both. What agreed on its day agrees on the next.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_carried_over_midnight_brings_its_partner_along() {
    let mut desks = Desks::new().await;
    let read = desks.desk(false);
    let day = desks.today();
    let edge = day.next().start().plus(-10 * time::MINUTE);
    desks.go(edge.plus(-2 * time::SECOND));
    let (_, before) = desks.sell("0000", 50_00);
    desks.go(edge.plus(2 * time::SECOND));
    let (_, after) = desks.sell("0000", 60_00);
    fs::create_dir_all(desks.path("x").parent().unwrap()).unwrap();
    let rows = [
        ("消费", before.to_string(), 50_00, edge.plus(3 * time::SECOND)),
        ("消费", after.to_string(), 60_00, edge.plus(-3 * time::SECOND)),
    ];
    write_bill(&desks.path(&format!("{day}.csv")), &rows);
    desks.end_day(&read).await;
    write_bill(&desks.path(&format!("{}.csv", day.next())), &[]);
    let done = desks.end_day(&read).await;
    assert_eq!(only(&done).day, day.next());
    // The fixture's own top-up is in no bill; these two are.
    for payment in [before, after] {
        let key = format!("/{payment}/");
        assert!(
            desks.exceptions().iter().all(|found| !found.reference.contains(&key)),
            "{:?}",
            desks.exceptions()
        );
    }
    desks.fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_counts_on_the_day_it_ends() {
    let mut desks = Desks::new().await;
    let desk = desks.desk(true);
    let (good, _) = desks.sell("0168", 50_00);
    let (stuck, _) = desks.sell("0176", 50_00);
    let (lacking, _) = desks.sell("0184", 50_00);
    desks.go(desks.today().next().start().plus(-time::SECOND));
    let (good, stuck) = (desks.refund(good, 50_00), desks.refund(stuck, 20_00));
    let ask = |refund, answer| desks.fixture.run(Command::AnswerRefund { refund, attempt: 1, answer });
    ask(good, ChannelAnswer::Unknown);
    ask(stuck, ChannelAnswer::Unknown);
    let done = desks.end_day(&desk).await;
    // The payment that the bill lacks; both refunds wait for the next day's file.
    assert_eq!((only(&done).totals.exceptions(), only(&done).totals.held), (1, 2), "{done:?}");
    desks.go(desks.fixture.service.now().plus(time::MINUTE));
    ask(good, ChannelAnswer::Succeeded(format!("SR{good}-1").into()));
    assert_eq!(desks.fixture.service.queries.refund(good).unwrap().unwrap().state, RefundState::Succeeded);
    let late = desks.refund(lacking, 10_00);
    ask(late, ChannelAnswer::Succeeded(format!("SR{late}-1").into()));
    let done = desks.end_day(&desk).await;
    let found = desks.exceptions();
    let references: Vec<&str> = found.iter().map(|one| &*one.reference).collect();
    assert_eq!(only(&done).totals.exceptions(), 2, "{done:?} {references:?}");
    assert_eq!(desks.exception(&format!("card/refund/{stuck}/status")).question, None);
    let short = desks.exception(&format!("card/refund/{late}/short"));
    assert_eq!((short.ledger, short.question), (Some(10_00), Some(10_00)), "the channel still has the money");
    desks.fixture.prove();
}

/// Matching is broken off at any place, and the engine replaced: in the end it is as if it had run once.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_breaks_off_is_done_again() {
    let mut desks = Desks::new().await;
    let desk = desks.desk(false);
    let day = desks.today();
    let noon = desks.fixture.service.now();
    let rows: Vec<_> = (0..3000).map(|n| ("消费", format!("N{n:05}"), 100 + n, noon)).collect();
    write_bill(&desks.path(&format!("{day}.csv")), &rows);
    desks.go(day.next().start());
    while close_next(&desks.fixture.service).await.unwrap().is_some() {}
    for pause in [0, 1, 2, 5, 10, 20, 40] {
        let (service, desk) = (Arc::clone(&desks.fixture.service), Arc::clone(&desk));
        let run = tokio::spawn(async move { reconcile(&service, &desk, day).await.map(drop) });
        tokio::time::sleep(Duration::from_millis(pause)).await;
        run.abort();
        drop(run.await);
        if pause % 2 == 0 {
            desks.fixture = desks.fixture.restart();
        }
    }
    let matched = reconcile(&desks.fixture.service, &desk, day).await.unwrap();
    assert_eq!(matched.totals.of(Found::Long), 3000);
    let found = desks.exceptions();
    assert_eq!(found.len(), 3000 + 1, "the rows, and the fixture's top-up that the bill lacks");
    let sum: i64 = found.iter().filter_map(|one| one.channel).sum();
    assert_eq!(sum, rows.iter().map(|row| row.2).sum::<i64>());
    reconcile(&desks.fixture.service, &desk, day).await.unwrap();
    assert_eq!(desks.exceptions(), found);
    desks.fixture.prove();
}

/// The bill of another channel: it is refused for what it is, and the right one clears what was opened by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_bill_that_differs_in_everything_is_refused() {
    let desks = Desks::new().await;
    let (read, write) = (desks.desk(false), desks.desk(true));
    let (day, noon) = (desks.today(), desks.fixture.service.now());
    let path = desks.path(&format!("{day}.csv"));
    let rows: Vec<_> = (0..50_200).map(|n| ("消费", format!("N{n:05}"), 100, noon)).collect();
    write_bill(&path, &rows);
    assert!(desks.end_day(&read).await.is_empty());
    let why = read.bills().refused(day).unwrap();
    assert!(why.contains("more than 50000 differences"), "{why}");
    assert!(desks.exceptions().len() <= 50_000);
    assert!(all_due(&desks.fixture.service, &read).await.unwrap().is_empty(), "it is not tried for ever");
    fs::remove_file(&path).unwrap();
    let done = all_due(&desks.fixture.service, &write).await.unwrap();
    assert!(done.iter().any(|one| one.day == day && one.totals.exceptions() == 0), "{done:?}");
    assert!(desks.exceptions().iter().all(|one| !one.state.is_open()));
    desks.fixture.prove();
}

/// A card pays a combined order by one payment, which moves money to each merchant: the bill has one row, and so has the
/// ledger's side.
#[tokio::test(flavor = "multi_thread")]
async fn a_combined_order_is_one_row_of_the_bill() {
    let mut desks = Desks::new().await;
    let desk = desks.desk(true);
    let other = desks.fixture.another_merchant(1_900_000_301, None);
    let parts = [(desks.fixture.merchant, 12_34), (other, 5_00), (other, 1_00)];
    let whole = desks.fixture.combined("whole-0001", &parts, "");
    let card = desks.fixture.another_card("4242");
    let domain::payment::Paid::Waiting(payment) = desks.fixture.pay_combined(whole, Some(card)) else {
        panic!("a card's bank is asked")
    };
    desks.answer(payment, ChannelAnswer::Succeeded(format!("SB{payment}").into()));
    desks.sell("4242", 3_00);
    let done = desks.end_day(&desk).await;
    // The two payments, and the fixture's own top-up.
    assert_eq!(only(&done).totals.entries[..2], [3, 3], "{done:?}");
    assert_eq!(desks.exceptions(), []);
    desks.fixture.prove();
}
