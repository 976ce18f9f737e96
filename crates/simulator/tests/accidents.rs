//! Accidents that happened to others, each a test of ours, and those that the simulator found here.
//!
//! Waiting for their features: two refunds of one payment at once (Blnk 315); refund after a chargeback pays twice
//! (Hyperswitch control-center 4109); settlement job run twice (Fineract 5357); balance doubled by settlement
//! (Mojaloop central-ledger 4115); a staff role that silently widened (BTCPay 5010); a bill with fewer columns than
//! expected (WxJava 1275). One global lock that capped everything (cala 746) is a matter of speed:
//! `docs/performance.md`.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use domain::{
    Caller, Command, Event, Rejection, Reply,
    application::Application,
    card::NewCard,
    limit::LimitTable,
    merchant::{MerchantChange, NewMerchant, Product, Products},
    notification::{Attempt, NotificationState, RETRY_S},
    order::{AMOUNT_MAX, OrderState, Terms},
    payment::{ChannelAnswer, Confirmation, Entry, Paid, PaymentState},
    records::Digest,
    session::SignIn,
};
use engine::{
    Committer, Loader, Queries,
    core::{Asked, Closed, Core, Outcome},
    prove::prove,
};
use ledger::{AccountId, Refused};
use std::sync::Arc;
use store::Memory;
use types::{AppId, CardId, Currency, MerchantId, Money, OrderId, PayerId, PaymentId, Rate, Time, time};

const SHOP: MerchantId = MerchantId(1_900_000_001);
const APP: AppId = AppId(1);
const CHANNEL: i64 = 1;

fn digest(text: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    Digest(bytes)
}

/// An executor whose batches the test closes and commits by hand.
struct Till {
    memory: Memory,
    core: Core,
    loader: Box<dyn Loader>,
    committer: Box<dyn Committer>,
    queries: Arc<dyn Queries>,
    now: Time,
    heard: Vec<Event>,
}

#[derive(Clone, Copy)]
struct Payer {
    id: PayerId,
    card: CardId,
}

impl Till {
    /// One merchant at 0.6 % with every product, wide limits.
    fn new() -> Self {
        let memory = Memory::default();
        let store = memory.open();
        let (loader, mut committer, queries) = (store.loader, store.committer, store.queries);
        let core = Core::new(committer.recover().unwrap(), types::Place::ONLY);
        let now = Time::from_unix(1_767_585_600);
        let mut till = Self { memory, core, loader, committer, queries, now, heard: Vec::new() };
        let most = 1_000_000_000_000;
        let mut table = LimitTable { effective_from: Time(1), top_up: most, ..LimitTable::of_law() };
        (table.class_1_lifetime, table.balance_day_two_factors, table.barcode_b_day) = (most, most, most);
        till.ok(Command::SetLimits(Box::new(table)));
        let redirect_hosts = vec!["tea.example".into()];
        let app = Application { id: APP, name: "tea".into(), redirect_hosts, secret: None };
        till.ok(Command::RegisterApplication(Box::new(app)));
        let (products, fee) = (Products::ALL, Rate(6_000));
        till.ok(Command::RegisterMerchant(NewMerchant {
            id: SHOP,
            name: "tea".into(),
            products,
            fee,
            rate_per_s: 9,
        }));
        let bind = MerchantChange { bind: Some(APP), ..MerchantChange::default() };
        till.ok(Command::ChangeMerchant(SHOP, Box::new(bind)));
        till
    }

    fn asked(command: Command) -> Asked {
        Asked { command, caller: Caller::platform(), request: None }
    }

    /// Applies commands together to the open batch.
    fn apply(&mut self, asked: &[Asked]) -> Vec<Outcome> {
        let jobs: Vec<&Asked> = asked.iter().collect();
        let mut came: Vec<Option<Outcome>> = vec![None; jobs.len()];
        self.core
            .run(self.now, &jobs, &mut *self.loader, |place, outcome| came[place] = Some(outcome))
            .unwrap();
        came.into_iter().map(Option::unwrap).collect()
    }
    fn commit(&mut self, closed: &Closed) {
        self.committer.commit(&closed.batch).unwrap();
        self.heard.extend(&closed.events);
        let proof = prove(&*self.queries).unwrap();
        assert!(proof.holds(), "{:#?}", proof.failures);
    }
    fn together(&mut self, commands: Vec<Command>) -> Vec<Outcome> {
        let asked: Vec<Asked> = commands.into_iter().map(Self::asked).collect();
        let came = self.apply(&asked);
        if let Some(closed) = self.core.close() {
            self.commit(&closed);
        }
        came
    }
    fn run(&mut self, command: Command) -> Outcome {
        self.together(vec![command]).remove(0)
    }
    #[track_caller]
    fn ok(&mut self, command: Command) -> Reply {
        self.run(command).unwrap()
    }
    /// Everything not durable is gone.
    fn restart(&mut self) {
        let store = self.memory.open();
        (self.loader, self.committer) = (store.loader, store.committer);
        self.core = Core::new(self.committer.recover().unwrap(), types::Place::ONLY);
    }

    fn payer(&mut self, name: &str, fen: i64) -> Payer {
        let (phone, code, token) =
            (digest(&format!("phone {name}")), digest("1234"), digest(&format!("token {name}")));
        self.ok(Command::SendCode { phone, code });
        let phone_sealed = Box::from(*b"sealed");
        let Reply::SignedIn(SignIn::Welcome { payer: id, .. }) =
            self.ok(Command::SignIn { phone, phone_sealed, code, token })
        else {
            panic!("a new phone signs up");
        };
        self.ok(Command::SetPin { payer: id, new: digest("pin"), old: None });
        let (bank, tail, token) = ("ICBC_DEBIT".into(), "0000".into(), format!("card of {name}").into());
        let new = NewCard { payer: id, bank, tail, token, channel: CHANNEL, bound: 0 };
        let Reply::Card(card) = self.ok(Command::BindCard(Box::new(new))) else { panic!("a card is bound") };
        let payer = Payer { id, card };
        if fen > 0 {
            let payment = self.waits(top_up(payer, fen));
            self.ok(Command::AnswerPayment(payment, ChannelAnswer::Succeeded("B1".into())));
        }
        payer
    }
    fn order(&mut self, number: &str, fen: i64) -> OrderId {
        let Reply::Order(id) = self.ok(create(terms(number, fen))) else { panic!("an order is placed") };
        id
    }
    fn pay(&self, payer: Payer, order: OrderId, card: bool) -> Command {
        let order = self.queries.order(order).unwrap().unwrap();
        Command::PayOrder(Confirmation {
            order: order.id,
            payer: payer.id,
            entry: Entry { product: order.terms.product, issued_at: self.now },
            shown: order.terms.amount,
            card: card.then_some(payer.card),
            pin: digest("pin"),
        })
    }
    #[track_caller]
    fn waits(&mut self, command: Command) -> PaymentId {
        let Reply::Paid(Paid::Waiting(id)) = self.ok(command) else { panic!("it waits for the bank") };
        id
    }
    fn balance(&self, account: AccountId) -> i64 {
        self.queries.account(account).unwrap().balance().minor
    }
    fn state(&self, order: OrderId) -> OrderState {
        self.queries.order(order).unwrap().unwrap().state
    }
    /// Everything stored but the journal and the batch's number.
    fn bytes(&self) -> String {
        let mut all = String::new();
        self.queries.each_account(&mut |row| all += &format!("{row:?}")).unwrap();
        self.queries.each_transfer(&mut |row| all += &format!("{row:?}")).unwrap();
        self.queries.each_order(&mut |row| all += &format!("{row:?}")).unwrap();
        self.queries.each_payment(&mut |row| all += &format!("{row:?}")).unwrap();
        self.queries.each_notification(&mut |row| all += &format!("{row:?}")).unwrap();
        all
    }
    #[track_caller]
    fn refused(&mut self, command: Command, wanted: &Rejection) {
        let before = self.bytes();
        assert_eq!(self.run(command).as_ref(), Err(wanted));
        assert_eq!(self.bytes(), before, "a rejected command changes nothing");
    }
}

fn terms(number: &str, fen: i64) -> Terms {
    Terms {
        partner: None,
        merchant: SHOP,
        app: APP,
        number: number.into(),
        product: Product::Jsapi,
        amount: Money::cny(fen),
        description: "two cups of tea".into(),
        attach: "".into(),
        notify_url: "https://tea.example/notify".into(),
        payer: None,
        sharing: false,
        device: "".into(),
        extra: "".into(),
        digest: [0; 16],
    }
}

fn create(terms: Terms) -> Command {
    Command::CreateOrder { terms: Arc::new(terms), expires_at: None }
}

fn top_up(payer: Payer, fen: i64) -> Command {
    Command::TopUp { card: payer.card, payer: payer.id, amount: Money::cny(fen), pin: digest("pin") }
}

fn unsettled() -> AccountId {
    AccountId::merchant_unsettled(SHOP, Currency::CNY)
}

#[test]
fn blnk_238_a_balance_credited_from_many_sides_at_once_loses_nothing() {
    let mut till = Till::new();
    let payers: Vec<Payer> = (0..8).map(|n| till.payer(&format!("{n}"), 1_000_00)).collect();
    let orders: Vec<OrderId> = (0..400).map(|n| till.order(&format!("order-{n:04}"), 1_00)).collect();
    for batch in orders.chunks(100) {
        let pay =
            batch.iter().zip(payers.iter().cycle()).map(|(order, payer)| till.pay(*payer, *order, false));
        let pay = pay.collect();
        assert!(till.together(pay).iter().all(Result::is_ok));
    }
    assert_eq!(till.balance(unsettled()), 400 * 99, "each brought a yuan less the fee of a fen");
    assert_eq!(till.balance(AccountId::platform_fee(Currency::CNY)), 400);
}

/// A decision over a batch that then fails is withdrawn with it: nobody hears what was true of a state that never
/// was.
#[test]
fn blnk_239_a_decision_over_a_version_that_was_never_stored_is_withdrawn() {
    let mut till = Till::new();
    let (first, second) = (till.payer("first", 10_00), till.payer("second", 10_00));
    let order = till.order("order-0001", 5_00);
    let (one, two) = (till.pay(first, order, false), till.pay(second, order, false));
    assert!(till.apply(&[Till::asked(one)])[0].is_ok());
    let lost = till.core.close().unwrap();
    // While that batch is in flight the next is decided over it, and refuses.
    assert_eq!(till.apply(&[Till::asked(two.clone())])[0], Err(Rejection::OrderPaid));
    drop(lost);
    till.restart();
    assert!(till.ok(two) != Reply::Done);
    let paid = till.queries.order(order).unwrap().unwrap();
    assert_eq!((paid.state, paid.payer), (OrderState::Paid, Some(second.id)));
    assert_eq!(till.balance(AccountId::payer_balance(first.id, Currency::CNY)), 10_00);
}

#[test]
fn kill_bill_1015_no_second_payment_while_the_first_is_unknown() {
    let mut till = Till::new();
    let (first, second) = (till.payer("first", 10_00), till.payer("second", 10_00));
    let order = till.order("order-0001", 5_00);
    let pay = till.pay(first, order, true);
    let payment = till.waits(pay);
    for _ in 0..3 {
        for (payer, card) in [(first, true), (first, false), (second, true), (second, false)] {
            let pay = till.pay(payer, order, card);
            till.refused(pay, &Rejection::OrderBusy);
        }
        till.refused(Command::CloseOrder(SHOP.into(), "order-0001".into()), &Rejection::OrderBusy);
        till.ok(Command::AnswerPayment(payment, ChannelAnswer::Unknown));
        till.now = till.now.plus(time::DAY / 12);
    }
    till.ok(Command::AnswerPayment(payment, ChannelAnswer::Declined("51".into())));
    let pay = Command::PayOrder(Confirmation {
        entry: Entry { product: Product::Jsapi, issued_at: till.now },
        ..match till.pay(second, order, false) {
            Command::PayOrder(asked) => asked,
            _ => unreachable!("it is a payment"),
        }
    });
    till.ok(pay);
    assert_eq!(till.state(order), OrderState::Paid);
    assert_eq!(till.balance(AccountId::channel_receivable(CHANNEL, Currency::CNY)), 20_00, "the two top-ups");
}

#[test]
fn hyperswitch_3408_a_notification_survives_its_first_failure() {
    let mut till = Till::new();
    let payer = till.payer("payer", 10_00);
    let order = till.order("order-0001", 5_00);
    let pay = till.pay(payer, order, false);
    till.ok(pay);
    let due = |till: &Till| till.queries.due_notifications(types::ShardSet::ONLY, till.now, 10).unwrap();
    let id = due(&till)[0].id;
    for (failed, wait_s) in RETRY_S.iter().enumerate() {
        let attempt = Attempt { acknowledged: false, status: 500, took_ms: 5, error: "down".into() };
        till.ok(Command::RecordAttempt(id, attempt));
        assert_eq!(due(&till), [], "not at once after failure {failed}");
        till.restart();
        till.now = till.now.plus(wait_s * time::SECOND);
        assert_eq!(due(&till).iter().map(|row| row.id).collect::<Vec<_>>(), [id], "after failure {failed}");
    }
    till.ok(Command::RecordAttempt(
        id,
        Attempt { acknowledged: true, status: 200, took_ms: 5, error: "".into() },
    ));
    assert_eq!(till.queries.notification(id).unwrap().unwrap().state, NotificationState::Delivered);
}

#[test]
fn hyperswitch_9278_a_late_notification_tells_the_order_as_it_was_paid() {
    let mut till = Till::new();
    let payer = till.payer("payer", 10_00);
    let order = till.order("order-0001", 5_00);
    let pay = till.pay(payer, order, false);
    till.ok(pay.clone());
    let owed = till.queries.due_notifications(types::ShardSet::ONLY, till.now, 10).unwrap()[0];
    let told = till.queries.order(owed.about.order().unwrap()).unwrap().unwrap();
    // Whatever is tried in between changes nothing of what is told.
    till.now = till.now.plus(10 * time::DAY);
    till.refused(pay, &Rejection::OrderPaid);
    till.refused(Command::CloseOrder(SHOP.into(), "order-0001".into()), &Rejection::OrderPaid);
    till.ok(Command::ExpireOrder(order));
    till.ok(Command::ChangeMerchant(
        SHOP,
        Box::new(MerchantChange { fee: Some(Rate(0)), ..MerchantChange::default() }),
    ));
    till.ok(Command::Resend(owed.id));
    let again = till.queries.notification(owed.id).unwrap().unwrap();
    assert_eq!((again.id, again.about), (owed.id, owed.about));
    assert_eq!(till.queries.order(order).unwrap().unwrap(), told);
}

/// A channel's answer names one payment, and nothing else can be said by it: order, amount and application are those
/// that were asked for.
#[test]
fn jeepay_106_a_valid_answer_for_another_order_amount_or_app_moves_nothing() {
    let mut till = Till::new();
    let payer = till.payer("payer", 100_00);
    let (order, other) = (till.order("order-0001", 5_00), till.order("order-0002", 7_00));
    let pay = till.pay(payer, order, true);
    let payment = till.waits(pay);
    let yes = || ChannelAnswer::Succeeded("B1".into());
    till.refused(Command::AnswerPayment(PaymentId(payment.0 + 8), yes()), &Rejection::PaymentNotFound);
    till.refused(Command::AnswerPayment(PaymentId(other.0), yes()), &Rejection::PaymentNotFound);
    till.ok(Command::AnswerPayment(payment, yes()));
    assert_eq!((till.state(order), till.state(other)), (OrderState::Paid, OrderState::Open));
    assert_eq!(till.balance(unsettled()), 5_00 - 3, "the amount of its own order");
    till.refused(
        Command::AnswerPayment(payment, ChannelAnswer::Declined("no".into())),
        &Rejection::PaymentFinal,
    );
    // The same for who confirms: another amount, another application.
    let Command::PayOrder(asked) = till.pay(payer, other, false) else { unreachable!("it is a payment") };
    let (wanted, confirmed) = (Money::cny(7_00), Money::cny(7));
    till.refused(
        Command::PayOrder(Confirmation { shown: confirmed, ..asked }),
        &Rejection::WrongAmount { wanted, confirmed },
    );
    let elsewhere = Terms { app: AppId(2), ..terms("order-0003", 5_00) };
    till.refused(create(elsewhere), &Rejection::AppNotBound(AppId(2), SHOP));
}

#[test]
fn formance_stack_1633_the_same_key_twice_in_one_batch_is_done_once() {
    let mut till = Till::new();
    let payer = till.payer("payer", 0);
    let key = |content: &str| Some((digest("key"), digest(content)));
    let one = Asked { request: key("one"), ..Till::asked(top_up(payer, 5_00)) };
    let other = Asked { request: key("other"), ..Till::asked(top_up(payer, 6_00)) };
    let came = till.apply(&[one.clone(), one.clone(), other, one.clone()]);
    let first = came[0].clone().unwrap();
    assert!(matches!(first, Reply::Paid(Paid::Waiting(_))));
    assert_eq!(came[1], Ok(first));
    assert_eq!(came[2], Err(Rejection::RequestKeyReused));
    assert_eq!(came[3], Ok(first));
    let closed = till.core.close().unwrap();
    assert_eq!(closed.batch.payments.len(), 1);
    till.commit(&closed);
    till.restart();
    assert_eq!(till.apply(&[one])[0], Ok(first), "and after a restart");
    // The same order number twice in one batch, with the same content and with other.
    let create = |fen| create(Terms { digest: [u8::try_from(fen).unwrap(); 16], ..terms("order-0001", fen) });
    let came = till.together(vec![create(5), create(5), create(6)]);
    assert_eq!(came[0], came[1]);
    assert_eq!(came[2], Err(Rejection::OrderNumberUsed));
}

#[test]
fn cala_fuzz_no_amount_overflows() {
    let mut till = Till::new();
    let payer = till.payer("payer", 10_00);
    for fen in [i64::MIN, -1, 0, AMOUNT_MAX + 1, i64::MAX] {
        till.refused(create(terms("order-0001", fen)), &Rejection::AmountOutOfRange);
        let too_much = till.run(top_up(payer, fen));
        assert!(too_much.is_err(), "{fen}: {too_much:?}");
    }
    // The largest there is, until the payer's account can take no more: money that a bank has confirmed is booked
    // or refused whole, never wrapped.
    let order = till.order("order-0002", AMOUNT_MAX);
    let pay = till.pay(payer, order, false);
    till.refused(pay, &Rejection::NotEnough);
    let overflow = till.run(Command::TopUp {
        card: payer.card,
        payer: payer.id,
        amount: Money::new(1, Currency::USD),
        pin: digest("pin"),
    });
    assert_eq!(overflow, Err(Rejection::CurrencyUnsupported));
    let mut account = till.queries.account(AccountId::payer_balance(payer.id, Currency::CNY)).unwrap();
    account.credits_posted = i64::MAX;
    let mut book = OneBook(account);
    let draft = ledger::Draft {
        id: types::TransferId(1),
        debit: AccountId::channel_receivable(CHANNEL, Currency::CNY),
        credit: account.id,
        amount: 1,
        kind: ledger::TransferKind::TopUp,
        subject: 1,
        at: till.now,
    };
    assert_eq!(ledger::transfer(&mut book, draft), Err(Refused::Overflow(account.id)));
    assert_eq!(book.0, account);
}

/// A book of one account that is full, beside empty ones.
struct OneBook(ledger::Account);

impl ledger::Book for OneBook {
    type Error = Refused;
    fn account(&mut self, id: AccountId) -> Result<ledger::Account, Refused> {
        Ok(if id == self.0.id { self.0 } else { ledger::Account::new(id) })
    }
    fn set_account(&mut self, account: ledger::Account) {
        assert_ne!(account.id, self.0.id, "nothing is written when a counter would overflow");
    }
    fn transfer(&mut self, _: types::TransferId) -> Result<Option<ledger::Transfer>, Refused> {
        Ok(None)
    }
    fn set_transfer(&mut self, transfer: ledger::Transfer) {
        panic!("written: {transfer:?}");
    }
}

#[test]
fn hyperswitch_2380_time_alone_never_turns_unknown_into_failed() {
    let mut till = Till::new();
    let payer = till.payer("payer", 0);
    let order = till.order("order-0001", 5_00);
    let pay = till.pay(payer, order, true);
    let payment = till.waits(pay);
    for day in 0..400 {
        till.now = till.now.plus(time::DAY);
        assert_eq!(
            till.queries.due_payments(types::ShardSet::ONLY, till.now, 10).unwrap()[0].id,
            payment,
            "day {day}: still asked"
        );
        assert_eq!(
            till.queries.due_orders(types::ShardSet::ONLY, till.now, 10).unwrap(),
            [],
            "day {day}: not over"
        );
        till.ok(Command::ExpireOrder(order));
        let stale = till.queries.stale(types::ShardSet::ONLY, till.now, 100).unwrap();
        till.ok(Command::Sweep(types::Shard::FIRST, stale));
        till.ok(Command::AnswerPayment(payment, ChannelAnswer::Unknown));
        assert_eq!(till.state(order), OrderState::Open);
    }
    let kept = till.queries.payment(payment).unwrap().unwrap();
    assert_eq!((kept.state, kept.asked), (PaymentState::Unknown, 400));
    till.ok(Command::AnswerPayment(payment, ChannelAnswer::Succeeded("B1".into())));
    assert_eq!(till.state(order), OrderState::Paid, "the bank's answer counts, 400 days late");
    assert_eq!(till.balance(unsettled()), 5_00 - 3);
}

/// Found by seed 2: an order of the payment-code product could be placed without a code, paid by card, and reversed
/// into the balance.
#[test]
fn found_here_a_payment_code_order_needs_a_code_and_a_code_such_an_order() {
    let mut till = Till::new();
    let payer = till.payer("payer", 10_00);
    let code = Terms { product: Product::Code, notify_url: "".into(), ..terms("order-0001", 5_00) };
    till.refused(create(code), &Rejection::EntryMismatch);
    till.ok(Command::IssuePaymentCode(payer.id, 880_000_000_000_000_001));
    let terms = Arc::new(terms("order-0002", 5_00));
    till.refused(Command::CodePay { terms, code: 880_000_000_000_000_001 }, &Rejection::EntryMismatch);
}

/// Found by seeds 14 and 1432: a record written without being read was taken for new. Twice the same, and the store
/// refused the batch, with every other command in it.
#[test]
fn found_here_the_same_code_or_token_twice_spoils_no_batch() {
    let mut till = Till::new();
    let payer = till.payer("payer", 0);
    let grant = Command::Authorise {
        app: APP,
        payer: payer.id,
        code: digest("code"),
        redirect_host: "tea.example".into(),
    };
    till.ok(grant.clone());
    till.restart();
    till.ok(grant);
    let (phone, code) = (digest("phone payer"), digest("5678"));
    till.now = till.now.plus(10 * time::MINUTE);
    till.ok(Command::SendCode { phone, code });
    till.restart();
    let token = digest("token payer");
    let again = Command::SignIn { phone, phone_sealed: Box::from(*b"sealed"), code, token };
    till.refused(again, &Rejection::CodeMissing);
}
