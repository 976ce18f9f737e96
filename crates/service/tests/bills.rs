//! Bills over a running service: every fen of a day, the same bytes whenever they are made.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

use domain::{
    Actor, Caller, Command, Reply,
    merchant::{MerchantChange, Product},
    order::Terms,
    payment::ChannelAnswer,
    refund::{Funds, NewRefund, RefundState, RefundTerms},
};
use fixture::Fixture;
use flate2::read::GzDecoder;
use ledger::{Transfer, TransferState};
use protocol::bill::{ask::Bill, fund, trade};
use service::{
    Bills,
    bills::{BillFile, BillProblem, Bounds, Which},
};
use std::{fs::File, io::Read, sync::Arc, time::Duration};
use types::{
    BusinessDay, MerchantId, Money, OrderId, Rate, RefundId, RefundNumber, TransactionId, id_time,
    time::{DAY, HOUR, MINUTE, SECOND},
};

const ALL: Bill = Bill::Trade(trade::Kind::All);
const BASIC: Bill = Bill::Fund(fund::Account::Basic);
const PATIENCE: Duration = Duration::from_secs(20);

/// The fixture's clock stands at 10:00 of this day.
fn today() -> BusinessDay {
    fixture::START.business_day()
}

fn which(merchant: MerchantId, bill: Bill, day: BusinessDay) -> Which {
    Which { merchant, partner: None, bill, day }
}

fn text(file: &BillFile) -> String {
    let mut text = String::new();
    GzDecoder::new(File::open(&file.path).unwrap()).read_to_string(&mut text).unwrap();
    assert_eq!(text.len() as u64, file.bytes);
    let mut hash = crypto::Checksum::sha1();
    hash.add(text.as_bytes());
    assert_eq!(hash.hex(), file.hash, "SHA-1 over the bill before compression");
    text
}

fn get(fixture: &Fixture, bill: Bill, day: BusinessDay) -> Result<BillFile, BillProblem> {
    let asked =
        fixture.service.bills.get(which(fixture.merchant, bill, day), fixture.service.now(), PATIENCE);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(asked)
}

fn trade_rows<T>(
    kind: trade::Kind,
    text: &str,
    take: impl Fn(trade::Row<'_>) -> T,
) -> (Vec<T>, trade::Totals) {
    let (mut reader, mut rows) = (trade::Reader::new(kind), Vec::new());
    for line in text.split_inclusive('\n') {
        rows.extend(reader.line(line).unwrap().map(&take));
    }
    (rows, reader.finish().unwrap())
}

fn fund_rows<T>(text: &str, take: impl Fn(fund::Row<'_>) -> T) -> (Vec<T>, fund::Totals) {
    let (mut reader, mut rows) = (fund::Reader::default(), Vec::new());
    for line in text.split_inclusive('\n') {
        rows.extend(reader.line(line).unwrap().map(&take));
    }
    (rows, reader.finish().unwrap())
}

/// What every transfer with an id of the day moved for the merchant, from the ledger itself.
fn moved(fixture: &Fixture, day: BusinessDay) -> i64 {
    let mut sum = 0;
    let own = |account: ledger::AccountId| {
        account.kind().is_merchants_own() && account.owner() == fixture.merchant.0
    };
    fixture
        .service
        .queries
        .each_transfer(&mut |row: Transfer| {
            let change = i64::from(own(row.credit)) * row.amount - i64::from(own(row.debit)) * row.amount;
            if id_time(row.id.0).business_day() == day {
                sum += change;
            }
            if row.state == TransferState::Voided && row.at.business_day() == day {
                sum -= change;
            }
        })
        .unwrap();
    sum
}

fn refund(fixture: &Fixture, order: OrderId, number: &str, fen: i64) -> RefundId {
    let total = fixture.order_record(order).terms.amount.minor;
    let terms = RefundTerms {
        partner: None,
        merchant: fixture.merchant,
        number: number.into(),
        amount: Money::cny(fen),
        reason: "凉了，`退一碟".into(),
        notify_url: "".into(),
        funds: Funds::Unsettled,
        extra: "".into(),
        digest: [7; 16],
    };
    let new = NewRefund { terms: Arc::new(terms), order: Some(order), order_number: None, total };
    let caller = Caller { actor: Actor::Merchant(fixture.merchant), ..Caller::platform() };
    match fixture.attempt(Command::CreateRefund(Box::new(new)), caller) {
        Ok(Reply::Refund(refund)) => refund,
        other => panic!("the refund answered {other:?}"),
    }
}

/// A payment-code order, paid at once.
fn scanned(fixture: &Fixture, number: &str, fen: i64) -> OrderId {
    let code = 1_234;
    fixture.run(Command::IssuePaymentCode(fixture.payer, code));
    let terms = Terms { product: Product::Code, device: "till-1".into(), ..fixture.terms(number, fen) };
    match fixture.run(Command::CodePay { terms: Arc::new(terms), code }) {
        Reply::Order(order) => order,
        other => panic!("the order answered {other:?}"),
    }
}

fn reversal(fixture: &Fixture, number: &str) -> Command {
    Command::ReverseOrder { by: fixture.merchant.into(), app: Some(fixture.app), number: number.into() }
}

/// To 10:00 of the day after the one on which the clock stands.
fn next_morning(fixture: &Fixture) {
    let to = fixture.service.now().business_day().next().start().plus(10 * HOUR);
    fixture.clock.advance(to.since(fixture.service.now()));
}

#[test]
fn a_small_day_is_exact_to_the_byte() {
    let fixture = Fixture::new();
    let tea = fixture.paid_order("tea-00001", 12_80, "");
    fixture.clock.advance(2 * HOUR);
    let back = refund(&fixture, tea, "BACK_1", 2_80);
    let (at, openid) = ("2026-01-05", fixture.vault().tokens().openid(fixture.app, fixture.payer));
    next_morning(&fixture);

    let (order, back) = (TransactionId(tea), RefundNumber(back));
    let common = format!("`wx8888888888888888,`1900000001,`0,`,`{order},`tea-00001,`{openid},`NATIVE");
    assert_eq!(
        text(&get(&fixture, ALL, today()).unwrap()),
        format!(
            "\u{feff}交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,\
             付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,\
             退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n\
             `{at} 10:00:00,{common},`SUCCESS,`OTHERS,`CNY,`12.80,`0.00,`0,`0,`0.00,`0.00,`,`,`一壶龙井,`table 7,\
             `0.08000,`0.60%,`12.80,`0.00,`\r\n\
             `{at} 12:00:00,{common},`REFUND,`OTHERS,`CNY,`0.00,`0.00,`{back},`BACK_1,`2.80,`0.00,`ORIGINAL,`SUCCESS,\
             `一壶龙井,`table 7,`-0.02000,`0.60%,`0.00,`2.80,`\r\n\
             总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n\
             `2,`12.80,`2.80,`0.00,`0.06000,`12.80,`2.80\r\n"
        )
    );
    let record = fixture.order_record(tea);
    let paid = record.transfer.unwrap().0;
    assert_eq!(
        text(&get(&fixture, BASIC, today()).unwrap()),
        format!(
            "\u{feff}记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),\
             资金变更提交申请人,备注,业务凭证号\r\n\
             `{at} 10:00:00,`{order},`{paid},`交易,`交易,`收入,`12.80,`12.80,`system,`,`tea-00001\r\n\
             `{at} 10:00:00,`{order},`{},`扣除交易手续费,`交易手续费,`支出,`0.08,`12.72,`system,`,`tea-00001\r\n\
             `{at} 12:00:00,`{back},`{},`退款,`退款,`支出,`2.78,`9.94,`1900000001API,`凉了，'退一碟,`REF{order}\r\n\
             资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`3.0,`1.0,`12.80,`2.0,`2.86\r\n",
            paid + 1,
            back.0.0 + 1,
        )
    );
    fixture.prove();
}

#[test]
fn a_days_bill_comes_to_the_ledger_exactly() {
    let fixture = Fixture::new();
    for n in 0..25_i64 {
        fixture.paid_order(&format!("tea-{n:05}"), 100 + n * 37, "");
        fixture.clock.advance(7 * MINUTE);
    }
    let card = fixture.order("card-00001", 56_78);
    let payment = fixture.pay_by_card(card, fixture.card);
    fixture.run(Command::AnswerPayment(payment, ChannelAnswer::Succeeded("ok".into())));
    let code = scanned(&fixture, "till-00001", 9_99);
    fixture.run(reversal(&fixture, "till-00001"));
    let tea = fixture.paid_order("tea-refunded", 50_00, "");
    refund(&fixture, tea, "BACK_1", 20_01);
    fixture.clock.advance(MINUTE);
    refund(&fixture, tea, "BACK_2", 29_99);
    let unpaid = fixture.order("never-paid", 1_00);
    assert!(fixture.order_record(unpaid).paid_at.is_none());
    // A card refund under way when the bill is drawn up, and a large one that waits for approval and is rejected.
    let slow = refund(&fixture, card, "BACK_3", 6_78);
    let large = fixture.paid_order("tea-large", 600_00, "");
    fixture.clock.advance(MINUTE);
    let rejected = refund(&fixture, large, "BACK_4", 550_00);
    let state = |id| fixture.service.queries.refund(id).unwrap().unwrap().state;
    assert_eq!((state(slow), state(rejected)), (RefundState::Processing, RefundState::Waiting));
    next_morning(&fixture);

    let all = text(&get(&fixture, ALL, today()).unwrap());
    let (states, totals) = trade_rows(trade::Kind::All, &all, |row| match row.what {
        trade::What::Paid { amount, .. } => {
            ("paid", row.out_trade_no.to_owned(), amount, row.bank.to_owned())
        }
        trade::What::Returned(back) => {
            let status = if back.reversal { "REVOKED" } else { "back" };
            assert_eq!(row.out_trade_no == back.out_refund_no, back.reversal);
            (status, back.out_refund_no.to_owned(), -back.amount, back.status.to_owned())
        }
    });
    assert!(states.contains(&("paid", "card-00001".into(), 56_78, "ICBC_DEBIT".into())));
    assert!(states.contains(&("paid", "till-00001".into(), 9_99, "OTHERS".into())));
    assert!(states.contains(&("REVOKED", "till-00001".into(), -9_99, "SUCCESS".into())));
    assert!(states.contains(&("back", "BACK_2".into(), -29_99, "SUCCESS".into())));
    assert!(states.contains(&("back", "BACK_3".into(), -6_78, "PROCESSING".into())));
    assert!(states.contains(&("back", "BACK_4".into(), -550_00, "PROCESSING".into())));
    assert!(!all.contains("never-paid"));
    assert_eq!(totals.rows, 25 + 4 + 5);
    let moved_that_day = i128::from(moved(&fixture, today()));
    assert_eq!(totals.amount - totals.returned - totals.fee, moved_that_day, "trade bill = ledger");

    let (changes, flows) = fund_rows(&text(&get(&fixture, BASIC, today()).unwrap()), |row| row.change);
    assert_eq!(flows.came - flows.left, moved_that_day, "fund-flow bill = ledger");
    assert_eq!(changes.iter().map(|fen| i128::from(*fen)).sum::<i128>(), moved_that_day);

    // The kinds of trade bill are parts of the whole.
    let part = |kind| {
        let bill = get(&fixture, Bill::Trade(kind), today()).unwrap();
        trade_rows(kind, &text(&bill), |row| row.out_trade_no.to_owned()).1
    };
    let (success, back) = (part(trade::Kind::Success), part(trade::Kind::Refund));
    assert_eq!((success.rows + back.rows, success.fee + back.fee), (totals.rows, totals.fee));
    assert_eq!((success.amount, back.returned), (totals.amount, totals.returned));

    // What comes later stands in the later day's bill, and the earlier one still says the same.
    let before = get(&fixture, ALL, today()).unwrap();
    let attempt = fixture.service.queries.refund(slow).unwrap().unwrap().attempt;
    let answer = ChannelAnswer::Succeeded("done".into());
    fixture.run(Command::AnswerRefund { refund: slow, attempt, answer });
    let clerk = domain::staff::NewStaff {
        name: "kim".into(),
        merchant: None,
        role: domain::staff::Role::Finance,
        password: types::Secret::new("$argon2id$".into()),
    };
    fixture.run(Command::CreateStaff(Box::new(clerk)));
    let reject = Command::RejectRefund { refund: rejected, reason: "".into() };
    let who = Caller { actor: Actor::Operator(types::OperatorId(1)), ..Caller::platform() };
    fixture.attempt(reject, who).unwrap();
    fixture.run(reversal(&fixture, "till-00001"));
    let fee = MerchantChange { fee: Some(Rate(10_000)), ..MerchantChange::default() };
    fixture.run(Command::ChangeMerchant(fixture.merchant, Box::new(fee)));
    fixture.paid_order("tea-dear", 100_00, "");
    let folder = tempfile::tempdir().unwrap();
    let anew = Bills::new(
        Arc::clone(&fixture.service.queries),
        Arc::clone(&fixture.service.vault),
        folder.path().to_owned(),
        Bounds::default(),
    );
    for bill in [ALL, Bill::Trade(trade::Kind::Refund), BASIC] {
        let again = anew.make(which(fixture.merchant, bill, today()), fixture.service.now()).unwrap();
        assert_eq!(text(&again), text(&get(&fixture, bill, today()).unwrap()), "{bill:?}");
    }
    assert_eq!(before.hash, get(&fixture, ALL, today()).unwrap().hash);

    next_morning(&fixture);
    let tomorrow = today().next();
    let (names, flows) = fund_rows(&text(&get(&fixture, BASIC, tomorrow).unwrap()), |row| {
        (row.name.to_owned(), row.change, row.balance)
    });
    assert_eq!(flows.came - flows.left, i128::from(moved(&fixture, tomorrow)));
    let undone = names.iter().find(|(name, ..)| name == "退款关闭退回").expect("the rejected refund");
    assert!(undone.1 > 0 && undone.1 <= 550_00, "{undone:?}");
    // The balances of two days join.
    let (_, opening_change, first) = &names[0];
    let last = fund_rows(&text(&get(&fixture, BASIC, today()).unwrap()), |row| row.balance).0;
    assert_eq!(first - opening_change, *last.last().unwrap());
    let account = ledger::AccountId::merchant_unsettled(fixture.merchant, types::Currency::CNY);
    let now = fixture.service.queries.account(account).unwrap().available().minor;
    assert_eq!(names.last().unwrap().2, now, "nothing moved since");
    let (rates, _) =
        trade_rows(trade::Kind::All, &text(&get(&fixture, ALL, tomorrow).unwrap()), |row| row.rate);
    assert_eq!(rates, [Rate(10_000)], "the rate it was charged by");
    assert_eq!(fixture.order_record(code).state, domain::order::OrderState::Revoked);
    for day in [today(), tomorrow] {
        let checked = fixture.service.bills.check(day, fixture.service.now()).unwrap();
        assert_eq!(checked.failures, [] as [&str; 0]);
        assert_eq!((checked.merchants, checked.bills), (1, 2));
        assert!(checked.rows > 1);
    }
    fixture.prove();
}

/// A bill that is whole in itself and not this day's: what is kept in the folder is held against the ledger, too.
#[test]
fn a_bill_that_differs_from_the_ledger_is_found() {
    let fixture = Fixture::new();
    fixture.paid_order("tea-00001", 10_00, "");
    next_morning(&fixture);
    fixture.paid_order("tea-00002", 20_00, "");
    next_morning(&fixture);
    let tomorrow = today().next();
    let now = fixture.service.now();
    assert!(fixture.service.bills.check(today(), now).unwrap().holds());
    for (bill, told) in [(ALL, "its rows come to"), (BASIC, "its rows come to")] {
        let [kept, other] = [today(), tomorrow].map(|day| get(&fixture, bill, day).unwrap());
        let right = std::fs::read(&kept.path).unwrap();
        std::fs::copy(&other.path, &kept.path).unwrap();
        let checked = fixture.service.bills.check(today(), now).unwrap();
        assert_eq!(checked.failures.len(), 1, "{checked:?}");
        assert!(checked.failures[0].contains(told), "{checked:?}");
        std::fs::write(&kept.path, b"no bill").unwrap();
        assert_eq!(fixture.service.bills.check(today(), now).unwrap().failures.len(), 1);
        std::fs::write(&kept.path, right).unwrap();
    }
    assert!(fixture.service.bills.check(today(), now).unwrap().holds());
    fixture.prove();
}

#[test]
fn a_day_turns_at_shanghai_midnight() {
    let fixture = Fixture::new();
    let midnight = today().next().start();
    fixture.clock.advance(midnight.plus(-1000).since(fixture.service.now()));
    fixture.paid_order("last-of-day", 1_00, "");
    fixture.clock.advance(1000);
    fixture.paid_order("first-of-day", 2_00, "");
    next_morning(&fixture);
    let numbers = |day| {
        let bill = text(&get(&fixture, ALL, day).unwrap());
        trade_rows(trade::Kind::All, &bill, |row| (row.out_trade_no.to_owned(), row.time.local())).0
    };
    assert_eq!(numbers(today()), [("last-of-day".into(), "2026-01-05 23:59:59".into())]);
    assert_eq!(numbers(today().next()), [("first-of-day".into(), "2026-01-06 00:00:00".into())]);
}

#[test]
fn bills_come_at_ten_for_three_months() {
    let fixture = Fixture::new();
    fixture.paid_order("tea-00001", 12_80, "");
    let ask = |day: BusinessDay| get(&fixture, ALL, day);
    assert!(matches!(ask(today()), Err(BillProblem::Day)), "not over");
    assert!(matches!(ask(today().next()), Err(BillProblem::Day)), "to come");
    next_morning(&fixture);
    assert!(matches!(ask(today().previous()), Err(BillProblem::Nothing)), "an empty day");
    let empty = [
        Bill::Trade(trade::Kind::Refund),
        Bill::Fund(fund::Account::Operation),
        Bill::Fund(fund::Account::Fees),
    ];
    for bill in empty {
        assert!(matches!(get(&fixture, bill, today()), Err(BillProblem::Nothing)), "{bill:?}");
    }
    assert!(ask(today()).is_ok());
    let other = which(MerchantId(1_900_000_009), ALL, today());
    assert!(matches!(fixture.service.bills.make(other, fixture.service.now()), Err(BillProblem::Nothing)));
    fixture.clock.advance(DAY - SECOND);
    let ready = today().start().plus(2 * DAY + 10 * HOUR);
    assert!(matches!(ask(today().next()), Err(BillProblem::Early(at)) if at == ready));
    fixture.clock.advance(90 * DAY);
    assert!(ask(today()).is_ok(), "92 days ago");
    fixture.clock.advance(DAY);
    assert!(matches!(ask(today()), Err(BillProblem::Day)), "93 days ago");
    let export = fixture.service.bills.make(which(fixture.merchant, ALL, today()), fixture.service.now());
    assert!(export.is_ok(), "an export reaches further back");
}

#[test]
fn a_day_is_prepared_once_and_a_damaged_one_written_anew() {
    let fixture = Fixture::new();
    fixture.paid_order("tea-00001", 12_80, "");
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let (queries, vault) = (Arc::clone(&fixture.service.queries), Arc::clone(&fixture.service.vault));
        Bills::new(queries, vault, folder.path().to_owned(), Bounds::default())
    };
    let (bills, nine) = (open(), today().next().start().plus(9 * HOUR));
    assert!(!bills.prepare(nine.plus(-1)).unwrap());
    assert!(bills.prepare(nine).unwrap());
    assert!(!bills.prepare(nine).unwrap());
    let merchants: Vec<_> = bills.day(today(), nine).unwrap().merchants().collect();
    assert_eq!(merchants, [fixture.merchant]);
    assert_eq!(bills.day(today(), nine).unwrap().closing(fixture.merchant), 12_72);
    let bill = bills.make(which(fixture.merchant, ALL, today()), nine).unwrap();

    let path = folder.path().join(format!("{}.day1", today()));
    let whole = std::fs::read(&path).unwrap();
    for cut in [0, 7, 20, whole.len() - 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        std::fs::remove_file(&bill.path).unwrap_or_default();
        let again = open().make(which(fixture.merchant, ALL, today()), nine).unwrap();
        assert_eq!((&again.hash, std::fs::read(&path).unwrap()), (&bill.hash, whole.clone()), "{cut}");
    }
}

#[test]
fn many_who_ask_at_once_get_one_file() {
    let fixture = Fixture::new();
    for n in 0..50 {
        fixture.paid_order(&format!("tea-{n:05}"), 1_00 + n, "");
    }
    next_morning(&fixture);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (bills, now) = (fixture.service.bills.clone(), fixture.service.now());
    let hashes = runtime.block_on(async {
        let asked: Vec<_> = (0..40)
            .map(|n| {
                let bill = if n % 2 == 0 { ALL } else { BASIC };
                let (bills, which) = (bills.clone(), which(fixture.merchant, bill, today()));
                tokio::spawn(async move { bills.get(which, now, PATIENCE).await.unwrap().hash })
            })
            .collect();
        let mut hashes = Vec::new();
        for asked in asked {
            hashes.push(asked.await.unwrap());
        }
        hashes
    });
    assert!(hashes.iter().step_by(2).all(|hash| *hash == hashes[0]));
    assert!(hashes.iter().skip(1).step_by(2).all(|hash| *hash == hashes[1]));
    assert_ne!(hashes[0], hashes[1]);
}
