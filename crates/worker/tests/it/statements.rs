//! The third side: the bank's statement against payouts and channels' payments. What differs is found and classed, nothing
//! is invented, and with nothing open `bank.cash` is what the statement says.

use bank::{AccountNumber, BankNumber, Name, Party, simulated};
use domain::{
    Actor, Caller, Command, Reply,
    exception::{Class, Exception, State},
    merchant::Product,
    order::Terms,
    payment::ChannelAnswer,
    payout::{BankAnswer, NewPayout, PayoutState},
    staff::{NewStaff, Role},
};
use fixture::Fixture;
use ledger::AccountId;
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};
use types::{BusinessDay, CardId, Currency, Money, OperatorId, PayoutId, Secret, Time, time};
use worker::{
    SimulatedBank,
    payouts::{self, exchange},
    reconcile::{
        Bills, Desk, Matched, Position, Statements, Trouble, all_due,
        statement::{self, files},
    },
    settlement::{close_next, do_due},
};

const ACCOUNT: &str = "3301040160012345678";

/// A platform with its bank, its channel and both desks.
struct Town {
    fixture: Fixture,
    folder: tempfile::TempDir,
    bank: Arc<payouts::Desk>,
    desk: Arc<Desk>,
    cards: BTreeMap<String, CardId>,
    sold: u32,
}

impl Town {
    /// `opening`: what is on the bank account before anything happens.
    async fn new(opening: i64) -> Self {
        let fixture = Fixture::new();
        close_next(&fixture.service).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let account = AccountNumber::parse(ACCOUNT).unwrap();
        let holder = Name::parse("Feiqian Pay").unwrap();
        let setup = simulated::Setup::new(7, account.clone(), holder.clone(), Money::cny(opening));
        let at = folder.path().join("bank");
        let simulated = Some(Mutex::new(simulated::Bank::open(setup, &at).unwrap()));
        let number = BankNumber::parse("104331000018").unwrap();
        let debtor = Party { name: holder, account: account.clone(), bank: number, bank_name: None };
        let every = Duration::from_millis(10);
        let bank = Arc::new(payouts::Desk { folder: at.clone(), debtor, every, simulated });
        let statements = Statements {
            folder: at,
            marks: folder.path().join("statements"),
            account,
            format: files::csv_format(),
            channel_prefix: files::CHANNEL_PREFIX.into(),
        };
        let channel = Arc::new(SimulatedBank::new(Arc::clone(&fixture.service.vault)));
        let bills = Bills::new(folder.path().join("channel"));
        let desk = Arc::new(Desk::new(bills, channel, every, true).with_statements(statements));
        Self { fixture, folder, bank, desk, cards: BTreeMap::new(), sold: 0 }
    }

    fn today(&self) -> BusinessDay {
        self.fixture.service.now().business_day()
    }

    fn go(&self, at: Time) {
        self.fixture.clock.advance(at.since(self.fixture.service.now()));
    }

    /// A paid order, from a card with this tail.
    fn sell(&mut self, tail: &str, fen: i64) {
        self.sold += 1;
        let terms = self.fixture.terms(&format!("cup-{:06}", self.sold), fen);
        let order = self.fixture.place(Terms { notify_url: "".into(), product: Product::App, ..terms });
        let fixture = &self.fixture;
        let card = *self.cards.entry(tail.to_owned()).or_insert_with(|| fixture.another_card(tail));
        let payment = self.fixture.pay_by_card(order, card);
        let paid = ChannelAnswer::Succeeded(format!("SB{payment}").into());
        self.fixture.run(Command::AnswerPayment(payment, paid));
    }

    /// Everything that is due: days close, bills are written and matched, files go to and fro, statements are matched.
    async fn work(&self) -> Vec<Matched> {
        while close_next(&self.fixture.service).await.unwrap().is_some() {}
        do_due(&self.fixture.service).await.unwrap();
        exchange(&self.fixture.service, &self.bank).await.unwrap();
        let mut done = all_due(&self.fixture.service, &self.desk).await.unwrap();
        exchange(&self.fixture.service, &self.bank).await.unwrap();
        done.extend(all_due(&self.fixture.service, &self.desk).await.unwrap());
        done
    }

    /// The next day at ten, once everything of it is done.
    async fn next_day(&self) -> Vec<Matched> {
        self.go(self.today().next().start().plus(10 * time::HOUR));
        self.work().await
    }

    /// As [`Town::next_day`]; what came of the statement of the day that has ended.
    async fn statement(&self) -> Matched {
        let day = self.today();
        let done = self.next_day().await;
        let of = |one: &&Matched| one.day == day && one.side == ::reconcile::Side::Bank;
        done.iter().find(of).unwrap_or_else(|| panic!("no statement of {day}: {done:?}")).clone()
    }

    /// A payout of `fen` to an account that ends in `tail`, at once.
    fn pay_out(&self, tail: &str, fen: i64) -> PayoutId {
        let clear = service::payout::ClearAccount {
            holder: Secret::new("杭州茶叶有限公司".into()),
            number: Secret::new(format!("622202123456789{tail}")),
            bank: "102100099996".into(),
            bank_name: "中国工商银行".into(),
        };
        let merchant = self.fixture.merchant;
        let account = service::payout::seal(self.fixture.vault(), merchant, &clear).unwrap();
        self.fixture.run(Command::SetBankAccount(merchant, Arc::new(account)));
        let new = NewPayout { merchant, amount: Some(fen), urgent: true, number: None };
        match self.fixture.attempt(Command::RequestPayout(new), Caller::of(Actor::Merchant(merchant))) {
            Ok(Reply::Payout(id)) => id,
            other => panic!("no payout: {other:?}"),
        }
    }

    /// Has the bank take what is sent and pay it; its reports are read unless `silent`.
    async fn settle_payouts(&self, silent: bool) {
        for _ in 0..2 {
            if silent {
                let out = self.folder.path().join("bank/out");
                let mut bank = self.bank.simulated.as_ref().unwrap().lock().unwrap();
                bank.run(self.fixture.service.now()).unwrap();
                for entry in fs::read_dir(out).unwrap().map(Result::unwrap) {
                    let name = entry.file_name().into_string().unwrap();
                    if name.starts_with("pain002") || name.starts_with("camt054") {
                        fs::remove_file(entry.path()).unwrap();
                    }
                }
            } else {
                exchange(&self.fixture.service, &self.bank).await.unwrap();
            }
            self.fixture.clock.advance(3 * time::SECOND);
        }
        if !silent {
            exchange(&self.fixture.service, &self.bank).await.unwrap();
        }
    }

    fn state(&self, id: PayoutId) -> PayoutState {
        self.fixture.service.queries.payout(id).unwrap().unwrap().state
    }

    fn balance(&self, account: AccountId) -> i64 {
        self.fixture.service.queries.account(account).unwrap().balance().minor
    }

    fn cash(&self) -> i64 {
        self.balance(AccountId::bank_cash(Currency::CNY))
    }

    fn receivable(&self) -> i64 {
        self.balance(AccountId::channel_receivable(1, Currency::CNY))
    }

    fn at_bank(&self) -> i64 {
        self.bank.simulated.as_ref().unwrap().lock().unwrap().balance().minor
    }

    fn position(&self) -> Position {
        self.desk.statements().unwrap().position().unwrap().unwrap()
    }

    /// The bank's exceptions: reference and exception.
    fn exceptions(&self) -> BTreeMap<String, Exception> {
        let mut found = BTreeMap::new();
        let mut take = |exception: Exception| {
            if exception.reference.starts_with("bank/") {
                found.insert(exception.reference.to_string(), exception);
            }
        };
        self.fixture.service.queries.each_exception(&mut take).unwrap();
        found
    }

    /// Two people book what is in question everywhere.
    fn correct_all(&self) {
        for name in ["maker", "checker"] {
            let password = Secret::new("$argon2id$test".to_owned());
            let new = NewStaff { name: name.into(), merchant: None, role: Role::Finance, password };
            self.fixture.run(Command::CreateStaff(Box::new(new)));
        }
        let by = |person, command| {
            let caller = Caller::of(Actor::Operator(OperatorId(person)));
            self.fixture.attempt(command, caller).unwrap();
        };
        let mut all = Vec::new();
        self.fixture.service.queries.each_exception(&mut |one| all.push(one)).unwrap();
        for one in all.into_iter().filter(|one| one.state.is_open()) {
            let (exception, correction) = (one.reference, one.question.unwrap_or(0));
            let why = "银行已确认".into();
            by(1, Command::SuggestCorrection { exception: exception.clone(), correction, why });
            by(2, Command::ApproveCorrection { exception, correction });
        }
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join("bank/out").join(name)
    }
}

/// A town whose merchant has ¥9,940 of settled money, and whose first day is through.
async fn rich(opening: i64) -> Town {
    let mut town = Town::new(opening).await;
    town.sell("0000", 10_000_00);
    town.next_day().await;
    town
}

/// What the fixture's payer was topped up with, and the merchant sold in [`rich`], came through the channel.
const RECEIVED: i64 = 20_000_00;

#[tokio::test(flavor = "multi_thread")]
async fn r_fin_12_the_statement_is_the_third_side_and_bank_cash_follows_it() {
    for opening in [0, 5_000_00] {
        let town = rich(opening).await;
        let paid = town.pay_out("0000", 1_000_00);
        town.settle_payouts(false).await;
        assert_eq!(town.state(paid), PayoutState::Settled);
        assert_eq!(town.cash(), -1_000_00, "the channel's money is there once a statement shows it");
        let matched = town.statement().await;
        assert_eq!(
            (matched.totals.exceptions(), matched.totals.held, matched.repaired),
            (0, 0, 0),
            "{matched}"
        );
        assert_eq!(matched.totals.entries, [2, 0, 2], "the payout and the channel's batch: {matched}");
        assert_eq!(town.cash(), RECEIVED - 1_000_00);
        assert_eq!((town.receivable(), town.at_bank()), (0, opening + town.cash()));
        let position = town.position();
        assert_eq!((position.closing, position.brought), (town.at_bank(), opening));
        assert_eq!((position.unshown, position.open, position.unexplained), (0, 0, Some(0)));
        assert!(town.exceptions().is_empty());
        // Again, with the mark gone: nothing is booked twice.
        let day = town.today().previous();
        fs::remove_file(town.folder.path().join(format!("statements/{day}.done"))).unwrap();
        town.work().await;
        assert_eq!((town.cash(), town.position().brought), (RECEIVED - 1_000_00, opening));
        // A payout after the statement is explained, not different.
        town.pay_out("0000", 40_00);
        town.settle_payouts(false).await;
        statement::reconcile(&town.fixture.service, &town.desk, day).await.unwrap();
        let position = town.position();
        assert_eq!((position.unshown, position.unexplained), (-40_00, Some(0)), "{position}");
        town.fixture.prove();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_fin_12_planted_differences_with_the_bank_are_found_once_and_classed() {
    let mut town = rich(0).await;
    town.sell("0232", 500_00); // the channel pays a yuan less
    town.sell("0248", 500_00); // and a stranger pays in
    let pay = |tail, fen| town.pay_out(tail, fen);
    let less = pay("0119", 100_00);
    let twice = pay("0127", 200_00);
    let missing = pay("0143", 300_00);
    let returned = pay("0135", 400_00);
    town.settle_payouts(false).await;
    let matched = town.statement().await;
    // The payout that is missing in the statement of its day waits for the next one.
    assert_eq!(matched.totals.held, 1, "{matched}");
    let wrong = format!("bank/payout/FQP{less}/amount");
    let doubled = format!("bank/payout/FQP{twice}/duplicate");
    let found = town.exceptions();
    assert_eq!(found.keys().collect::<Vec<_>>(), [&wrong, &doubled].map(|r| r).to_vec(), "{found:?}");
    assert_eq!(found[&wrong].question, Some(1_00), "a yuan more is there than the books say");
    assert_eq!(found[&doubled].question, Some(-200_00));
    let position = town.position();
    assert_eq!((position.open, position.unshown), (1_00 - 200_00, -300_00), "{position}");
    assert_eq!(position.unexplained, Some(0), "{position}");
    let day = town.today();
    let matched = town.statement().await;
    assert_eq!(matched.totals.exceptions(), 2, "{matched}");
    let batch = day.previous().to_string().replace('-', "");
    let short = format!("bank/settlement/{batch}/amount");
    let found = town.exceptions();
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(
        (found[&short].class, found[&short].ledger, found[&short].bank, found[&short].question),
        (Class::Amount, Some(1_000_00), Some(999_00), Some(-1_00))
    );
    let stranger = found.values().find(|one| one.reference.starts_with("bank/credit/")).unwrap();
    assert_eq!((stranger.class, stranger.question), (Class::Long, Some(88_00)));
    assert_eq!(town.state(missing), PayoutState::Settled);
    // The payout that the merchant's bank sent back is back with the merchant, on both sides.
    let matched = town.statement().await;
    assert_eq!(matched.totals.exceptions(), 0, "{matched}");
    assert_eq!(town.state(returned), PayoutState::Returned);
    let position = town.position();
    assert_eq!(position.unexplained, Some(0), "{position}");
    assert_eq!(town.exceptions(), found, "later days change nothing");
    // Two people book it all: then the statement says what the ledger says, and the channel owes nothing.
    town.correct_all();
    let matched = town.statement().await;
    assert_eq!(matched.totals.exceptions(), 0, "{matched}");
    let position = town.position();
    assert_eq!((position.open, position.unexplained), (0, Some(0)), "{position}");
    assert_eq!((town.cash(), town.receivable()), (town.at_bank(), 0));
    assert!(town.exceptions().values().all(|one| one.state == State::Resolved));
    town.fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn r_fin_69_the_statement_ends_what_is_unknown() {
    let town = rich(0).await;
    let (paid, back) = (town.pay_out("0000", 1_000_00), town.pay_out("0135", 500_00));
    exchange(&town.fixture.service, &town.bank).await.unwrap();
    town.settle_payouts(true).await;
    for id in [paid, back] {
        let (amount, answer) =
            (town.fixture.service.queries.payout(id).unwrap().unwrap().amount, BankAnswer::Unknown);
        town.fixture.run(Command::AnswerPayout { payout: id, amount, answer });
        assert_eq!(town.state(id), PayoutState::Unknown);
    }
    let matched = town.statement().await;
    assert_eq!((matched.repaired, matched.totals.exceptions()), (2, 0), "{matched}");
    assert_eq!((town.state(paid), town.state(back)), (PayoutState::Settled, PayoutState::Settled));
    // Two days later one comes back, and again only the statement tells of it.
    town.fixture.clock.advance(26 * time::HOUR);
    town.settle_payouts(true).await;
    let matched = town.statement().await;
    assert_eq!((matched.repaired, matched.totals.exceptions()), (1, 0), "{matched}");
    assert_eq!(town.state(back), PayoutState::Returned);
    assert_eq!(town.position().unexplained, Some(0), "{}", town.position());
    assert!(town.exceptions().is_empty());
    town.fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn r_fin_69_what_contradicts_the_books_is_told_and_moves_nothing() {
    let town = rich(0).await;
    let (refused, claimed) = (town.pay_out("0000", 1_000_00), town.pay_out("0110", 500_00));
    exchange(&town.fixture.service, &town.bank).await.unwrap();
    town.settle_payouts(true).await;
    let amount = |id| town.fixture.service.queries.payout(id).unwrap().unwrap().amount;
    let say = |payout, answer| {
        town.fixture.run(Command::AnswerPayout { payout, amount: amount(payout), answer });
    };
    // The bank's report refuses one, and yet pays it; of the other it says that it paid, and never does.
    say(refused, BankAnswer::Rejected("AC04".into()));
    say(claimed, BankAnswer::Settled("X".into()));
    let matched = town.statement().await;
    assert_eq!((matched.totals.exceptions(), matched.totals.held), (1, 1), "{matched}");
    let status = &town.exceptions()[&format!("bank/payout/FQP{refused}/status")];
    assert_eq!((status.class, status.question), (Class::Status, Some(-1_000_00)));
    assert_eq!(town.state(refused), PayoutState::Rejected);
    assert_eq!(town.position().unexplained, Some(0), "{}", town.position());
    let matched = town.statement().await;
    assert_eq!(matched.totals.exceptions(), 1, "{matched}");
    let short = &town.exceptions()[&format!("bank/payout/FQP{claimed}/short")];
    assert_eq!((short.class, short.question), (Class::Short, Some(500_00)), "it is still there");
    assert_eq!(short.since, short.day.previous(), "its age counts from the first day");
    assert_eq!(town.position().unexplained, Some(0), "{}", town.position());
    town.fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_pays_late_is_waited_for_a_day() {
    let mut town = Town::new(0).await;
    town.sell("0240", 500_00);
    town.next_day().await;
    let batch = town.today().previous().to_string().replace('-', "");
    let matched = town.statement().await;
    assert_eq!((matched.totals.held, matched.totals.exceptions()), (1, 0), "{matched}");
    let matched = town.statement().await;
    let short = format!("bank/settlement/{batch}/short");
    assert_eq!(matched.totals.exceptions(), 1, "{matched}");
    assert_eq!(town.exceptions()[&short].question, Some(-10_500_00));
    assert_eq!((town.cash(), town.receivable()), (0, 10_500_00));
    let matched = town.statement().await;
    assert_eq!((matched.totals.exceptions(), matched.totals.cleared), (0, 1), "{matched}");
    assert_eq!(town.exceptions()[&short].state, State::Cleared);
    assert_eq!((town.cash(), town.receivable()), (10_500_00, 0));
    town.fixture.prove();
}

/// A line of a statement made by hand: fen, below zero for what left; end-to-end id; text.
type Row = (i64, String, &'static str);

fn csv(day: BusinessDay, opening: i64, rows: &[Row]) -> String {
    let yuan = |minor: i64| Money::cny(minor).to_string();
    let mut text = format!("{}\n", files::csv_format().columns.join(","));
    let (mut balance, mut credits, mut debits) = (opening, 0, 0);
    for (nth, (minor, id, about)) in rows.iter().enumerate() {
        balance += minor;
        let (credit, debit) = if *minor < 0 { ("".into(), yuan(-minor)) } else { (yuan(*minor), "".into()) };
        if *minor < 0 {
            debits -= minor
        } else {
            credits += minor
        }
        text.push_str(&format!("{day},L{nth},{credit},{debit},{},{id},,,{about}\n", yuan(balance)));
    }
    text.push_str(&format!("合计,{},{},{},,,,,\n", rows.len(), yuan(credits), yuan(debits)));
    text
}

fn mt940(day: BusinessDay, opening: i64, rows: &[Row]) -> String {
    let yuan = |minor: i64| Money::cny(minor.abs()).to_string().replace('.', ",");
    let sign = |minor: i64| if minor < 0 { 'D' } else { 'C' };
    let short: String = day.to_string().replace('-', "")[2..].to_owned();
    let mut balance = opening;
    let mut text =
        format!(":20:STMT\n:25:{ACCOUNT}\n:28C:1/1\n:60F:{}{short}CNY{}\n", sign(opening), yuan(opening));
    for (nth, (minor, id, about)) in rows.iter().enumerate() {
        balance += minor;
        let id = if id.is_empty() { "NONREF" } else { id };
        text.push_str(&format!(
            ":61:{short}{}{}{}NTRFNONREF//L{nth}\n:86:/EREF/{id}/REMI/{about}\n",
            &short[2..],
            sign(*minor),
            yuan(*minor)
        ));
    }
    text + &format!(":62F:{}{short}CNY{}\n", sign(balance), yuan(balance))
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_of_every_form_are_matched_alike() {
    for form in ["csv", "sta"] {
        let town = rich(0).await;
        let id = town.pay_out("0000", 1_000_00);
        town.settle_payouts(false).await;
        let day = town.today();
        let batch = day.previous().to_string().replace('-', "");
        let rows = [
            (RECEIVED, format!("CARD-{batch}"), ""),
            (-1_000_00, format!("FQP{id}"), "payout"),
            (-5_00, String::new(), "手续费"),
        ];
        town.go(day.next().start().plus(time::HOUR));
        exchange(&town.fixture.service, &town.bank).await.unwrap();
        fs::remove_file(town.out(&format!("camt053-{day}.xml"))).unwrap();
        let made = if form == "csv" { csv(day, 0, &rows) } else { mt940(day, 0, &rows) };
        fs::write(town.out(&format!("our bank {day}.{form}")), made).unwrap();
        let done = town.work().await;
        let matched = done.iter().find(|one| one.side == ::reconcile::Side::Bank).unwrap();
        assert_eq!((matched.totals.exceptions(), matched.totals.entries[2]), (1, 3), "{form}: {matched}");
        let found = town.exceptions();
        let fee = &found[&format!("bank/debit/{day}:L2/long")];
        assert_eq!((fee.class, fee.question), (Class::Long, Some(-5_00)), "{form}");
        let position = town.position();
        assert_eq!(
            (position.closing, position.unexplained),
            (town.cash() - 5_00, Some(0)),
            "{form}: {position}"
        );
        town.correct_all();
        assert_eq!(town.cash(), position.closing, "{form}");
        town.fixture.prove();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_is_not_right_is_refused_and_changes_nothing() {
    let town = rich(0).await;
    let id = town.pay_out("0000", 1_000_00);
    town.settle_payouts(false).await;
    let day = town.today();
    town.go(day.next().start().plus(time::HOUR));
    exchange(&town.fixture.service, &town.bank).await.unwrap();
    while close_next(&town.fixture.service).await.unwrap().is_some() {}
    let (own, path) = (fs::read_to_string(town.out(&format!("camt053-{day}.xml"))).unwrap(), |kind: &str| {
        town.out(&format!("statement-{day}.{kind}"))
    });
    fs::remove_file(town.out(&format!("camt053-{day}.xml"))).unwrap();
    let batch = day.previous().to_string().replace('-', "");
    let rows = [(RECEIVED, format!("CARD-{batch}"), ""), (-1_000_00, format!("FQP{id}"), "payout")];
    let (table, lines) = (csv(day, 0, &rows), mt940(day, 0, &rows));
    let cash = town.cash();
    let next = day.next().to_string();
    for (kind, text, told) in [
        ("csv", table.replace("摘要", "摘要,备注"), "10 columns instead of 9: not declared `备注`"),
        ("csv", table.replace("端到端标识,", ""), "8 columns instead of 9: missing `端到端标识`"),
        ("csv", table.replace("收入", "贷方"), "column 3 is `贷方` instead of `收入`"),
        ("csv", table.replace(",19000.00,", ",19000.01,"), "says `19000.01`, the entries give `19000.00`"),
        ("csv", table.replace("合计,2", "合计,3"), "the total says `3` entries, there are `2`"),
        ("csv", table.replace("合计", "小计"), "小计"),
        ("csv", table.replace("20000.00", "20000"), "is not an amount with 2 decimals"),
        ("csv", table.replace(&day.to_string(), &next), "is booked on"),
        ("csv", table.lines().take(2).collect::<Vec<_>>().join("\n"), "without the total row `合计`"),
        (
            "sta",
            lines.replace("CNY19000,00", "CNY19000,01"),
            "closes with 19000.01, opening balance and entries give 19000.00",
        ),
        (
            "sta",
            lines.replace(ACCOUNT, "3301040160012345679"),
            "is of the account that ends in 5679, not in 5678",
        ),
        ("sta", lines.split(":62F:").next().unwrap().to_owned(), "closing balance 62F"),
    ] {
        for old in ["csv", "sta"] {
            let _ = fs::remove_file(path(old));
        }
        assert!(text != table && text != lines, "{told}: the text was not changed");
        fs::write(path(kind), &text).unwrap();
        let refused =
            statement::reconcile(&town.fixture.service, &town.desk, day).await.unwrap_err().to_string();
        assert!(
            refused.contains(told) && refused.contains(&format!("statement-{day}.{kind}")),
            "{refused}\n{told}"
        );
        assert_eq!(town.desk.statements().unwrap().refused().unwrap(), [refused]);
        assert!((town.cash(), town.exceptions().len()) == (cash, 0), "{told}");
    }
    fs::remove_file(path("sta")).unwrap();
    // The first statement is matched; the next one has to go on from it.
    fs::write(path("csv"), &table).unwrap();
    town.work().await;
    assert_eq!(town.cash(), RECEIVED - 1_000_00);
    let after = town.today();
    town.next_day().await;
    fs::remove_file(town.out(&format!("camt053-{after}.xml"))).unwrap();
    fs::write(town.out(&format!("mt940-{after}.sta")), mt940(after, 1, &[])).unwrap();
    let refused =
        statement::reconcile(&town.fixture.service, &town.desk, after).await.unwrap_err().to_string();
    assert!(refused.contains(&format!("the statement of {day} closed with 19000.00")), "{refused}");
    assert!(all_due(&town.fixture.service, &town.desk).await.unwrap().is_empty(), "it is not tried for ever");
    // The one before it is given anew and ends where this one begins: then it is right.
    let rows = [rows[0].clone(), rows[1].clone(), (1 - (RECEIVED - 1_000_00), String::new(), "")];
    fs::write(path("csv"), csv(day, 0, &rows)).unwrap();
    let done = all_due(&town.fixture.service, &town.desk).await.unwrap();
    assert_eq!(done.iter().map(|one| one.day).collect::<Vec<_>>(), [day, after], "{done:?}");
    assert!(town.desk.statements().unwrap().refused().unwrap().is_empty());
    // Two of one day: nobody guesses which.
    fs::write(town.out(&format!("camt053-{day}.xml")), own).unwrap();
    let two = all_due(&town.fixture.service, &town.desk).await.unwrap_err();
    assert!(matches!(two, Trouble::TwoStatements(of, ..) if of == day), "{two}");
    town.fixture.prove();
}

/// A die that any seed throws alike.
struct Die(u64);

impl Die {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Whatever drifts between books and statement, by chance: just that is found, of just that class, and once two people have
/// booked it the statement is what the ledger says.
#[tokio::test(flavor = "multi_thread")]
async fn r_fin_12_random_drift_is_found_and_nothing_is_invented() {
    for seed in 1..=6 {
        let mut die = Die(seed);
        let town = rich(0).await;
        let day = town.today();
        let batch = day.previous().to_string().replace('-', "");
        let mut expected: BTreeMap<String, Option<i64>> = BTreeMap::new();
        let mut rows: Vec<Row> = Vec::new();
        let less = die.throw(3) as i64 * 7;
        rows.push((RECEIVED - less, format!("CARD-{batch}"), ""));
        if less > 0 {
            expected.insert(format!("bank/settlement/{batch}/amount"), Some(-less));
        }
        let mut waits = Vec::new();
        for _ in 0..20 {
            let fen = 1_00 + die.throw(300) as i64;
            let id = town.pay_out("0110", fen); // the simulated bank is silent; the statement is made by hand
            exchange(&town.fixture.service, &town.bank).await.unwrap();
            let (amount, name) = (Money::cny(fen), format!("FQP{id}"));
            let settled = die.throw(4) > 0;
            if settled {
                let answer = BankAnswer::Settled("X".into());
                town.fixture.run(Command::AnswerPayout { payout: id, amount, answer });
            }
            match die.throw(6) {
                0 if settled => waits.push((format!("bank/payout/{name}/short"), Some(fen))),
                0 => {}
                1 => {
                    rows.push((-fen - 3, name.clone(), ""));
                    let (class, question) = if settled { ("amount", -3) } else { ("status", -fen - 3) };
                    expected.insert(format!("bank/payout/{name}/{class}"), Some(question));
                }
                2 => {
                    rows.extend([(-fen, name.clone(), ""), (-fen, name.clone(), "")]);
                    expected.insert(format!("bank/payout/{name}/duplicate"), Some(-fen));
                }
                _ => rows.push((-fen, name, "")), // also where only the statement tells that it was paid
            }
            if die.throw(5) == 0 {
                let minor = die.throw(2_000) as i64 - 1_000;
                if minor != 0 {
                    let kind = if minor < 0 { "debit" } else { "credit" };
                    expected.insert(format!("bank/{kind}/{day}:L{}/long", rows.len()), Some(minor));
                    rows.push((minor, String::new(), "nobody's"));
                }
            }
        }
        town.go(day.next().start().plus(time::HOUR));
        exchange(&town.fixture.service, &town.bank).await.unwrap();
        fs::remove_file(town.out(&format!("camt053-{day}.xml"))).unwrap();
        fs::write(town.out(&format!("statement-{day}.csv")), csv(day, 0, &rows)).unwrap();
        town.work().await;
        let told = |town: &Town| -> BTreeMap<String, Option<i64>> {
            town.exceptions().into_iter().map(|(reference, one)| (reference, one.question)).collect()
        };
        assert_eq!(told(&town), expected, "seed {seed}");
        assert_eq!(town.position().unexplained, Some(0), "seed {seed}: {}", town.position());
        // The next statement does not have what was waited for either.
        let next = town.today();
        town.next_day().await;
        let closing = rows.iter().map(|row| row.0).sum();
        fs::remove_file(town.out(&format!("camt053-{next}.xml"))).unwrap();
        fs::write(town.out(&format!("statement-{next}.csv")), csv(next, closing, &[])).unwrap();
        statement::reconcile(&town.fixture.service, &town.desk, next).await.unwrap();
        expected.extend(waits);
        assert_eq!(told(&town), expected, "seed {seed}");
        assert_eq!(town.position().unexplained, Some(0), "seed {seed}: {}", town.position());
        town.correct_all();
        assert_eq!((town.cash(), town.receivable()), (closing, 0), "seed {seed}");
        town.fixture.prove();
    }
}
