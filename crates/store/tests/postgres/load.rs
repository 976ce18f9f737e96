//! Payments under way while things break: who was told success is remembered, and must be there afterwards.

use domain::{
    Actor, Caller, Command, Reply,
    application::Application,
    card::NewCard,
    merchant::{MerchantChange, NewMerchant, Product, Products},
    order::{OrderState, Terms},
    payment::{ChannelAnswer, Confirmation, Entry, Paid},
    records::Digest,
    session::SignIn,
};
use engine::{Engine, Handle, Queries, Store, SystemClock, engine::Setup};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use types::{AppId, MerchantId, Money, OrderId, PayerId, Rate};

const MERCHANT: MerchantId = MerchantId(1_900_000_001);
const APP: AppId = AppId(1);
const PAYERS: u8 = 8;

/// An engine, and a world to pay in.
pub(crate) struct Load {
    engine: Option<Engine>,
    payers: Vec<PayerId>,
    stop: Arc<AtomicBool>,
    paid: Arc<Mutex<Vec<OrderId>>>,
    refused: Arc<AtomicUsize>,
    callers: Vec<JoinHandle<()>>,
    round: usize,
    /// How long each payer waits after a payment.
    pub(crate) pause: Duration,
}

/// Every batch is begun while the one before is being committed.
pub(crate) fn start(store: Store) -> Engine {
    let setup = Setup { apply_ahead: 1, ahead_from: 1, ..Setup::default() };
    Engine::start(store, Arc::new(SystemClock), setup, Box::new(|_| {})).unwrap()
}

impl Load {
    /// Makes merchant and payers over a new store.
    pub(crate) fn new(store: Store) -> Self {
        let engine = start(store);
        let payers = (0..PAYERS).map(|n| payer(&engine.handle(), n)).collect();
        let handle = engine.handle();
        let app = Application { id: APP, name: "load".into(), redirect_hosts: Vec::new(), secret: None };
        must(&handle, Command::RegisterApplication(Box::new(app)));
        let merchant = NewMerchant {
            id: MERCHANT,
            name: "load".into(),
            products: Products::ALL,
            fee: Rate(6_000),
            rate_per_s: 1000,
        };
        must(&handle, Command::RegisterMerchant(merchant));
        let bind = MerchantChange { bind: Some(APP), ..MerchantChange::default() };
        must(&handle, Command::ChangeMerchant(MERCHANT, Box::new(bind)));
        Self {
            engine: Some(engine),
            payers,
            stop: Arc::default(),
            paid: Arc::default(),
            refused: Arc::default(),
            callers: Vec::new(),
            round: 0,
            pause: Duration::ZERO,
        }
    }

    pub(crate) fn handle(&self) -> Handle {
        self.engine.as_ref().unwrap().handle()
    }

    /// Starts paying, every payer at once.
    pub(crate) fn go(&mut self) {
        self.stop = Arc::default();
        self.round += 1;
        for (number, payer) in self.payers.iter().enumerate() {
            let (handle, payer, pause) = (self.handle(), *payer, self.pause);
            let (stop, paid, refused) =
                (Arc::clone(&self.stop), Arc::clone(&self.paid), Arc::clone(&self.refused));
            let prefix = format!("R{}P{number}N", self.round);
            self.callers.push(thread::spawn(move || {
                for turn in 0.. {
                    if stop.load(Ordering::Acquire) {
                        return;
                    }
                    match pay(&handle, payer, &format!("{prefix}{turn:06}")) {
                        Some(order) => paid.lock().unwrap().push(order),
                        None => {
                            refused.fetch_add(1, Ordering::AcqRel);
                            thread::sleep(Duration::from_millis(5));
                        }
                    }
                    thread::sleep(pause);
                }
            }));
        }
    }

    /// Waits until `more` further payments were confirmed.
    #[track_caller]
    pub(crate) fn pays_on(&self, more: usize) {
        let (goal, since) = (self.confirmed() + more, Instant::now());
        while self.confirmed() < goal {
            assert!(since.elapsed() < Duration::from_secs(60), "no more payments are confirmed");
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn confirmed(&self) -> usize {
        self.paid.lock().unwrap().len()
    }

    /// The order whose payment was confirmed last.
    pub(crate) fn last(&self) -> Option<OrderId> {
        self.paid.lock().unwrap().last().copied()
    }

    /// Tells callers to stop; they do once they have their answers.
    pub(crate) fn ask_to_stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Stops callers and engine; what was confirmed, and how many commands were refused.
    pub(crate) fn end(mut self) -> (Vec<OrderId>, usize) {
        self.ask_to_stop();
        for caller in self.callers.drain(..) {
            caller.join().unwrap();
        }
        self.engine.take().unwrap().stop();
        (std::mem::take(&mut *self.paid.lock().unwrap()), self.refused.load(Ordering::Acquire))
    }

    /// Leaves the engine as it is: one whose database is gone for good never stops. What was confirmed.
    pub(crate) fn abandon(mut self) -> Vec<OrderId> {
        self.ask_to_stop();
        std::mem::forget(self.engine.take());
        std::mem::take(&mut *self.paid.lock().unwrap())
    }
}

/// Every confirmed payment is there.
#[track_caller]
pub(crate) fn must_be_paid(queries: &dyn Queries, orders: &[OrderId]) {
    for id in orders {
        let order = queries.order(*id).unwrap();
        let state = order.map(|order| order.state);
        assert_eq!(state, Some(OrderState::Paid), "order {id} was confirmed as paid");
    }
}

pub(crate) fn pay(handle: &Handle, payer: PayerId, number: &str) -> Option<OrderId> {
    let terms = Terms {
        partner: None,
        merchant: MERCHANT,
        app: APP,
        number: number.into(),
        product: Product::Native,
        amount: Money::cny(2_00),
        description: "一壶龙井".into(),
        attach: "".into(),
        notify_url: "https://shop.example/notify".into(),
        payer: None,
        sharing: false,
        device: "".into(),
        extra: "".into(),
        digest: [0; 16],
    };
    let create = Command::CreateOrder { terms: Arc::new(terms), expires_at: None };
    let Ok(Reply::Order(order)) = handle.run_blocking(create, Caller::of(Actor::Merchant(MERCHANT))) else {
        return None;
    };
    let entry = Entry { product: Product::Native, issued_at: engine::Clock::now(&SystemClock) };
    let shown = Money::cny(2_00);
    let pay = Confirmation { order, payer, entry, shown, card: None, pin: digest(200) };
    match handle.run_blocking(Command::PayOrder(pay), Caller::of(Actor::Payer(payer))) {
        Ok(Reply::Paid(Paid::Done(_))) => Some(order),
        _ => None,
    }
}

fn digest(n: u8) -> Digest {
    Digest([n; 32])
}

#[track_caller]
fn must(handle: &Handle, command: Command) -> Reply {
    let name = command.name();
    handle.run_blocking(command, Caller::platform()).unwrap_or_else(|refusal| panic!("{name}: {refusal}"))
}

/// A payer with 900 yuan, which is enough for hundreds of payments.
fn payer(handle: &Handle, n: u8) -> PayerId {
    let (phone, code, token) = (digest(n + 1), digest(n + 50), digest(n + 100));
    must(handle, Command::SendCode { phone, code });
    let sign_in = Command::SignIn { phone, phone_sealed: Box::from([n]), code, token };
    let Reply::SignedIn(SignIn::Welcome { payer, .. }) = must(handle, sign_in) else { panic!("signed in") };
    must(handle, Command::SetPin { payer, new: digest(200), old: None });
    let card = NewCard {
        payer,
        bank: "ICBC_DEBIT".into(),
        tail: "0000".into(),
        token: "token".into(),
        channel: 1,
        bound: 0,
    };
    let Reply::Card(card) = must(handle, Command::BindCard(Box::new(card))) else { panic!("a card") };
    let top_up = Command::TopUp { card, payer, amount: Money::cny(900_00), pin: digest(200) };
    let Reply::Paid(Paid::Waiting(payment)) = must(handle, top_up) else { panic!("a top-up") };
    must(handle, Command::AnswerPayment(payment, ChannelAnswer::Succeeded("load".into())));
    payer
}
