//! The desks of the platform's people: holds, payouts, exceptions, merchants, the first page, and files of every list.

use super::pages::{Browser, Door};
use axum::http::{StatusCode, header};
use domain::{
    Command,
    exception::{Class, NewException, State},
    payout::PayoutState,
    staff::Role,
};
use ledger::AccountId;
use service::payout::ClearAccount;
use std::sync::Arc;
use types::{Currency, Money, PageRequest, Secret, time};

fn bank_account(door: &Door) {
    let clear = ClearAccount {
        holder: Secret::new("杭州茶叶有限公司".into()),
        number: Secret::new("6222021234567890002".into()),
        bank: "102100099996".into(),
        bank_name: "中国工商银行".into(),
    };
    let sealed = service::payout::seal(door.fixture.vault(), door.fixture.merchant, &clear).unwrap();
    door.fixture.run(Command::SetBankAccount(door.fixture.merchant, Arc::new(sealed)));
}

fn nonce(letter: &str) -> String {
    letter.repeat(24)
}

/// The address that an answer sends to.
fn sent_to(answer: &super::pages::Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    answer.headers[header::LOCATION].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_and_file_opens_for_whoever_may_see_it() {
    let door = Door::new();
    door.fixture.settled_sale("tea-000001", 100_00);
    let merchant = door.fixture.merchant;
    let admin = door.sign_in("admin", None, Role::Administrator);
    let finance = door.sign_in("finance", None, Role::Finance);
    let auditor = door.sign_in("auditor", None, Role::Auditor);
    let owner = door.sign_in("owner", Some(merchant), Role::Owner);
    let clerk = door.sign_in("clerk", Some(merchant), Role::Clerk);
    let of = format!("merchant={merchant}");
    // Who may see each: administrator, finance, auditor, owner, clerk.
    let pages = [
        ("", "11111"),
        ("/orders", "11111"),
        ("/orders.csv", "11111"),
        ("/refunds", "11111"),
        ("/refunds.csv", "11111"),
        ("/notifications", "11111"),
        ("/notifications.csv", "11111"),
        ("/balance", "01110"),
        ("/holds", "01110"),
        ("/holds.csv", "01110"),
        ("/settlements", "01110"),
        ("/settlements.csv", "01110"),
        ("/payouts", "01110"),
        ("/payouts.csv", "01110"),
        ("/transfers", "01110"),
        ("/transfers.csv", "01110"),
        ("/bills", "01110"),
        ("/exceptions", "01000"),
        ("/exceptions.csv", "01000"),
        ("/people", "10110"),
        ("/people.csv", "10110"),
        ("/journal", "10100"),
        ("/journal.csv", "10100"),
    ];
    for (path, may) in pages {
        for (person, may) in [&admin, &finance, &auditor, &owner, &clerk].into_iter().zip(may.chars()) {
            let answer = person.get(&format!("/console{path}?{of}")).await;
            let wanted = if may == '1' { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(answer.status, wanted, "{path}: {}", answer.body);
            if path.ends_with(".csv") && answer.status == StatusCode::OK {
                let kind = answer.headers[header::CONTENT_TYPE].to_str().unwrap();
                assert!(kind.starts_with("text/csv"), "{path}: {kind}");
                assert!(answer.body.starts_with('\u{feff}') && answer.body.contains("\r\n"), "{path}");
            }
        }
    }
    for (person, may) in [(&admin, true), (&finance, true), (&auditor, true), (&owner, true), (&clerk, false)]
    {
        let answer = person.get(&format!("/console/merchants/{merchant}")).await;
        let wanted = if may { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(answer.status, wanted, "{}", answer.body);
    }
    let own = owner.get("/console/merchants").await;
    assert_eq!(sent_to(&own), format!("/console/merchants/{merchant}"));
    let listed = finance.get("/console/merchants.csv").await.body;
    assert!(listed.contains(&merchant.to_string()), "{listed}");
    // The first page: money only for those who may see it.
    let start = owner.get("/console").await.body;
    assert!(start.contains("figure-payments") && start.contains("figure-money"), "{start}");
    let start = clerk.get("/console").await.body;
    assert!(start.contains("figure-success") && !start.contains("figure-money"), "{start}");
    door.fixture.prove();
}

/// R-SEC: without the code nothing dangerous happens, from whatever page it is asked.
#[tokio::test(flavor = "multi_thread")]
async fn r_sec_no_dangerous_form_passes_without_the_code() {
    let door = Door::new();
    door.fixture.settled_sale("tea-000001", 4_000_00);
    bank_account(&door);
    // More than 1,000 waits for one approval.
    let mut limits = domain::limit::LimitTable::of_law();
    limits.effective_from = door.fixture.service.now();
    limits.payout.automatic = 1_000_00;
    door.fixture.run(Command::SetLimits(Box::new(limits)));
    let merchant = door.fixture.merchant;
    let owner = door.sign_in("owner", Some(merchant), Role::Owner);
    let admin = door.sign_in("admin", None, Role::Administrator);
    let finance = door.sign_in("finance", None, Role::Finance);
    let form = format!("merchant={merchant}&amount=3000&nonce={}", nonce("p"));
    let payout = sent_to(&owner.post("/console/balance/payout", &form).await);
    let again = sent_to(&owner.post("/console/balance/payout", &form).await);
    assert_eq!(payout, again, "sent twice, it is one payout");
    let waiting = || {
        let page = PageRequest::new(9, None);
        door.fixture.service.queries.payouts(Some(merchant), page).unwrap().rows[0].clone()
    };
    assert_eq!(waiting().state, PayoutState::Waiting);
    let approve = format!("{payout}/approve");
    let answer = finance.post(&approve, "typed=3000").await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
    assert!(answer.body.contains("name=\"code\""), "the form asks for the code");
    assert!(waiting().approvals.is_empty());
    // A stranger's page and a wrong amount are refused before the code is looked at.
    assert_eq!(owner.post(&approve, "typed=3000").await.status, StatusCode::CONFLICT);
    finance.step_up(500);
    assert_eq!(finance.post(&approve, "typed=3001").await.status, StatusCode::CONFLICT);
    assert!(!finance.get(&payout).await.body.contains("name=\"code\""), "given lately");
    sent_to(&finance.post(&approve, "typed=3,000.00").await);
    assert_eq!(waiting().state, PayoutState::Created);
    // People: made, reset and closed only with the code.
    let hire = "name=lee&role=auditor";
    assert_eq!(admin.post("/console/people", hire).await.status, StatusCode::CONFLICT);
    assert!(door.fixture.service.queries.staff_by_name("lee").unwrap().is_none());
    let id = finance_id(&door);
    assert_eq!(admin.post(&format!("/console/people/{id}/reset"), "").await.status, StatusCode::CONFLICT);
    let close = format!("/console/people/{id}/active");
    assert_eq!(admin.post(&close, "active=no").await.status, StatusCode::CONFLICT);
    assert!(door.fixture.service.queries.staff(types::OperatorId(id)).unwrap().unwrap().active);
    admin.step_up(500);
    assert_eq!(admin.post("/console/people", hire).await.status, StatusCode::OK);
    sent_to(&admin.post(&close, "active=no").await);
    assert!(!door.fixture.service.queries.staff(types::OperatorId(id)).unwrap().unwrap().active);
    // Ten minutes later it is asked for again.
    door.fixture.clock.advance(domain::staff::STEP_UP_LIFE);
    assert_eq!(admin.post(&close, "active=yes").await.status, StatusCode::CONFLICT);
    // A bank account: only with the code, never by finance, and shown masked.
    let profile = format!("/console/merchants/{merchant}");
    let account = "holder=Tea&number=6222 0000 1111 2222&bank=102100099997&bank_name=ICBC";
    let set = format!("{profile}/bank-account");
    assert_eq!(admin.post(&set, account).await.status, StatusCode::CONFLICT);
    admin.step_up(600);
    assert_eq!(
        admin.post(&set, "holder=Tea&number=12&bank=1&bank_name=x").await.status,
        StatusCode::CONFLICT
    );
    sent_to(&admin.post(&set, account).await);
    let known = door.fixture.service.queries.bank_account(merchant).unwrap().unwrap();
    assert_eq!((&*known.account.tail, &*known.account.bank), ("2222", "102100099997"));
    let shown = admin.get(&profile).await.body;
    assert!(shown.contains("**** 2222") && !shown.contains("1111"), "masked");
    assert_eq!(owner.post(&set, account).await.status, StatusCode::FORBIDDEN);
    door.fixture.prove();
}

fn finance_id(door: &Door) -> i64 {
    door.fixture.service.queries.staff_by_name("finance").unwrap().unwrap().id.0
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_held_with_a_reason_and_released_early() {
    let door = Door::new();
    door.fixture.settled_sale("tea-000001", 1_000_00);
    let merchant = door.fixture.merchant;
    let finance = door.sign_in("finance", None, Role::Finance);
    let owner = door.sign_in("owner", Some(merchant), Role::Owner);
    let until = door.fixture.service.now().plus(3 * time::DAY).local();
    let until = format!("{}T{}", &until[..10], &until[11..16]);
    let hold = |amount: &str, until: &str, letter: &str| {
        let nonce = nonce(letter);
        format!("merchant={merchant}&amount={amount}&reason=dispute&note=case+7&until={until}&nonce={nonce}")
    };
    assert_eq!(owner.post("/console/holds", &hold("1", "", "a")).await.status, StatusCode::FORBIDDEN);
    for (amount, at, letter) in
        [("x", "", "b"), ("5000", "", "c"), ("1", "2020-01-01T09:00", "d"), ("1", "x", "e")]
    {
        let answer = finance.post("/console/holds", &hold(amount, at, letter)).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{amount} {at}");
    }
    let page = sent_to(&finance.post("/console/holds", &hold("300", &until, "f")).await);
    let same = sent_to(&finance.post("/console/holds", &hold("300", &until, "f")).await);
    assert_eq!(page, same, "sent twice, it is one hold");
    let balance = owner.get("/console/balance").await.body;
    assert!(balance.contains(&page) && balance.contains("case 7"), "explained with a link: {balance}");
    assert!(owner.get(&page).await.body.contains("¥300.00"));
    assert!(!owner.get(&page).await.body.contains("form-release"), "only the platform's people release");
    let release = format!("{page}/release");
    assert_eq!(owner.post(&release, "typed=300").await.status, StatusCode::FORBIDDEN);
    assert_eq!(finance.post(&release, "typed=30").await.status, StatusCode::CONFLICT);
    sent_to(&finance.post(&release, "typed=300").await);
    let held = AccountId::merchant_held(merchant, Currency::CNY);
    assert_eq!(door.fixture.service.queries.account(held).unwrap().balance(), Money::cny(0));
    door.fixture.prove();
}

/// R-FIN-69: suggested by one, approved by another with the code, and filtered in the queue.
#[tokio::test(flavor = "multi_thread")]
async fn r_fin_69_an_exception_is_decided_by_two_people() {
    let door = Door::new();
    let today = door.fixture.service.now().business_day();
    let reference = "card/payment/4200001/long";
    door.fixture.run(Command::OpenException(Box::new(NewException {
        reference: reference.into(),
        class: Class::Long,
        day: today,
        since: today.plus(-8),
        ledger: None,
        channel: Some(12_50),
        bank: None,
        against: AccountId::channel_receivable(1, Currency::CNY),
        question: Some(12_50),
        note: "only in the bill".into(),
        replaces: None,
    })));
    let maker = door.sign_in("maker", None, Role::Finance);
    let checker = door.sign_in("checker", None, Role::Finance);
    let support = door.sign_in("support", None, Role::Support);
    let page = format!("/console/exceptions/of/{reference}");
    assert_eq!(support.get(&page).await.status, StatusCode::FORBIDDEN);
    let rows = async |who: &Browser<'_>, filter: &str| {
        let body = who.get(&format!("/console/exceptions?{filter}")).await.body;
        body.matches("data-testid=\"row\"").count()
    };
    for (filter, found) in [
        ("", 1),
        ("class=long&age=7", 1),
        ("class=short", 0),
        ("age=30", 0),
        ("state=cleared", 0),
        ("state=every", 1),
        ("who=mine", 0),
        ("who=to-decide", 0),
    ] {
        assert_eq!(rows(&maker, filter).await, found, "{filter}");
    }
    let of = format!("exception={reference}");
    let suggest = |amount: &str, why: &str| format!("{of}&amount={amount}&why={why}");
    for (amount, why) in [("13", "x"), ("-1", "x"), ("1", ""), ("?", "x")] {
        let answer = maker.post("/console/exceptions/suggest", &suggest(amount, why)).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{amount} {why}");
    }
    sent_to(&maker.post("/console/exceptions/suggest", &suggest("12.50", "paid+twice")).await);
    assert_eq!((rows(&maker, "who=mine").await, rows(&maker, "who=to-decide").await), (1, 0));
    assert_eq!((rows(&checker, "who=mine").await, rows(&checker, "who=to-decide").await), (0, 1));
    maker.step_up(500);
    let approve = format!("{of}&typed=12.50");
    assert_eq!(maker.post("/console/exceptions/approve", &approve).await.status, StatusCode::CONFLICT);
    assert!(!maker.get(&page).await.body.contains("form-approve"), "nobody approves the own one");
    assert_eq!(
        checker.post("/console/exceptions/approve", &approve).await.status,
        StatusCode::CONFLICT,
        "no code"
    );
    checker.step_up(500);
    let other = format!("{of}&typed=12.49");
    assert_eq!(checker.post("/console/exceptions/approve", &other).await.status, StatusCode::CONFLICT);
    sent_to(&checker.post("/console/exceptions/reject", &format!("{of}&why=look+again")).await);
    sent_to(&maker.post("/console/exceptions/suggest", &suggest("12.50", "sure")).await);
    sent_to(&checker.post("/console/exceptions/approve", &approve).await);
    let suspense = AccountId::platform_suspense(Currency::CNY);
    assert_eq!(door.fixture.service.queries.account(suspense).unwrap().balance(), Money::cny(12_50));
    let mut states = Vec::new();
    door.fixture.service.queries.each_exception(&mut |one| states.push(one.state)).unwrap();
    assert_eq!(states, [State::Resolved]);
    assert_eq!(
        checker.post("/console/exceptions/ask-channel", &of).await.status,
        StatusCode::CONFLICT,
        "no such payment"
    );
    door.fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_searched_and_a_fee_previewed() {
    let door = Door::new();
    let order = door.fixture.paid_order("tea-000001", 28_00, "");
    let admin = door.sign_in("admin", None, Role::Administrator);
    let rows = async |filter: &str| {
        admin.get(&format!("/console/journal?{filter}")).await.body.matches("data-testid=\"row\"").count()
    };
    assert_eq!(rows(&format!("record=order:{order}")).await, 2, "placed and paid");
    assert_eq!(rows(&format!("record=order:{order}&command=pay")).await, 1);
    assert_eq!(rows("outcome=refused").await, 0);
    assert_eq!(rows("who=nobody-at-all").await, 0);
    let today = door.fixture.service.now().business_day();
    assert!(rows(&format!("from={today}&to={today}")).await > 3);
    assert_eq!(rows(&format!("to={}", today.previous())).await, 0);
    let page = format!("/console/merchants/{}?amount=100&product=native", door.fixture.merchant);
    let shown = admin.get(&page).await.body;
    assert!(shown.contains("costs ¥0.60") && shown.contains("¥99.40"), "{shown}");
    let wrong = format!("/console/merchants/{}?amount=-1&product=native", door.fixture.merchant);
    assert!(admin.get(&wrong).await.body.contains("data-testid=\"error\""));
    door.fixture.prove();
}
