//! Random commands that mostly make sense, each naming what earlier ones made.

use crate::conformance::START;
use domain::{
    Actor, Caller, Command, Event, Reply,
    application::Application,
    card::NewCard,
    echo::NewEcho,
    limit::LimitTable,
    merchant::{Certificate, MerchantChange, NewMerchant, Product, Products},
    notification::Attempt,
    order::Terms,
    payer::IdentityChannel,
    payment::{ChannelAnswer, Confirmation, Entry, Paid},
    records::Digest,
    refund::{Funds, NewRefund, Receiver, RefundTerms},
    session::SignIn,
};
use engine::{
    Queries,
    core::{Asked, Outcome},
};
use std::sync::Arc;
use types::{
    AppId, CardId, MerchantId, Money, NotificationId, OperatorId, OrderId, PayerId, PaymentId, Rate,
    RefundId, Time, time,
};

/// What was made so far, to be named by the commands to come.
pub(super) struct World {
    pub(super) chance: Chance,
    pub(super) now: Time,
    made: u64,
    pub(super) payers: Vec<PayerId>,
    cards: Vec<(CardId, PayerId)>,
    orders: Vec<OrderId>,
    payments: Vec<PaymentId>,
    refunds: Vec<RefundId>,
    notifications: Vec<NotificationId>,
    codes: Vec<i64>,
    tokens: Vec<(PayerId, Digest)>,
    oauth_codes: Vec<Digest>,
}

const MERCHANT: i64 = 1_900_000_001;

impl World {
    pub(super) fn new(seed: u64) -> Self {
        // A later seed runs on in the same store, so its world begins where the earlier ones can't have been.
        let now = START.plus(i64::try_from(seed).unwrap_or(0) * 1000 * time::DAY);
        Self {
            chance: Chance(seed),
            now,
            made: seed << 32,
            payers: Vec::new(),
            cards: Vec::new(),
            orders: Vec::new(),
            payments: Vec::new(),
            refunds: Vec::new(),
            notifications: Vec::new(),
            codes: Vec::new(),
            tokens: Vec::new(),
            oauth_codes: Vec::new(),
        }
    }

    pub(super) fn step(&mut self) {
        let ahead = match self.chance.below(12) {
            0 => 0,
            1 => time::HOUR,
            2 if self.chance.one_in(4) => time::DAY,
            _ => self.chance.number(2 * 61_000_000),
        };
        self.now = self.now.plus(ahead);
    }

    pub(super) fn asked(&mut self, queries: &dyn Queries) -> Asked {
        let actor = match self.chance.below(5) {
            0 => Actor::Merchant(MerchantId(MERCHANT)),
            1 => Actor::Payer(PayerId(1)),
            2 => Actor::Visitor,
            3 => Actor::Channel,
            _ => Actor::Platform,
        };
        let command = self.command(queries);
        let actor = match &command {
            Command::CreateRefund(new) => Actor::Merchant(new.terms.merchant),
            Command::ApproveRefund(_) | Command::RejectRefund { .. } => {
                Actor::Operator(OperatorId(i64::try_from(self.chance.below(3)).unwrap_or(0)))
            }
            _ => actor,
        };
        let mut caller = Caller::of(actor);
        if self.chance.one_in(3) {
            caller.address = "127.0.0.1".parse().ok();
            caller.device = Some("手机 \"5\"".into());
        }
        let request = self.chance.one_in(4).then(|| {
            let key = self.small_digest(40, 30);
            (key, self.small_digest(50, 2))
        });
        Asked { command, caller, request }
    }

    pub(super) fn learn(&mut self, command: &Command, outcome: &Outcome) {
        match (command, outcome) {
            (Command::SignIn { token, .. }, Ok(Reply::SignedIn(SignIn::Welcome { payer, .. }))) => {
                self.tokens.push((*payer, *token));
                if !self.payers.contains(payer) {
                    self.payers.push(*payer);
                }
            }
            (Command::BindCard(new), Ok(Reply::Card(card))) => self.cards.push((*card, new.payer)),
            (_, Ok(Reply::Order(order))) => self.orders.push(*order),
            (_, Ok(Reply::Refund(refund))) => self.refunds.push(*refund),
            (_, Ok(Reply::Paid(Paid::Waiting(payment)))) => self.payments.push(*payment),
            (Command::IssuePaymentCode(_, code), Ok(_)) => self.codes.push(*code),
            _ => {}
        }
    }

    pub(super) fn hear(&mut self, events: &[Event]) {
        for event in events {
            if let Event::NotificationDue(id) = event {
                self.notifications.push(*id);
            }
        }
    }

    fn small_digest(&mut self, kind: u8, bound: u64) -> Digest {
        let mut bytes = [kind; 32];
        bytes[1] = u8::try_from(self.chance.below(bound)).unwrap_or(0);
        Digest(bytes)
    }

    fn fresh_digest(&mut self) -> Digest {
        self.made += 1;
        let mut bytes = [99; 32];
        bytes[..8].copy_from_slice(&self.made.to_be_bytes());
        Digest(bytes)
    }

    /// A code never used before: the real ones are random, and the rules take them for new without a look.
    fn oauth_code(&mut self) -> Digest {
        let code = self.fresh_digest();
        self.oauth_codes.push(code);
        code
    }
    fn known_code(&mut self) -> Digest {
        let known = self.oauth_codes.clone();
        self.chance.of(&known).unwrap_or(Digest([0; 32]))
    }
    fn merchant(&mut self) -> MerchantId {
        MerchantId(MERCHANT + self.chance.number(3))
    }
    fn app(&mut self) -> AppId {
        AppId(i64::MIN + self.chance.number(2))
    }
    fn payer(&mut self) -> PayerId {
        let known = self.payers.clone();
        self.chance.of(&known).unwrap_or(PayerId(1))
    }
    fn order(&mut self) -> OrderId {
        let known = self.orders.clone();
        // Mostly one of the newest, else every order would long be paid.
        let newest = &known[known.len().saturating_sub(8)..];
        let from = if self.chance.one_in(4) { &known[..] } else { newest };
        self.chance.of(from).unwrap_or(OrderId(1))
    }
    /// Nearly always the PIN that was set.
    fn pin(&mut self) -> Digest {
        let wrong = u8::from(self.chance.one_in(12));
        Digest([70 + wrong; 32])
    }
    fn number(&mut self) -> Box<str> {
        let n = self.chance.below(150);
        format!("pen-{:08}-{n:03}", self.made >> 32).into()
    }

    fn command(&mut self, queries: &dyn Queries) -> Command {
        match self.chance.below(72) {
            64..=70 => self.refund(queries),
            0..=5 => self.settings(),
            6..=14 => self.visit(),
            15..=21 => self.purse(),
            22..=32 => self.place_order(),
            33..=48 => self.pay(queries),
            49..=54 => self.answer(),
            55..=57 => self.end(),
            58..=62 => self.notify(),
            _ => Command::Sweep(
                types::Shard::FIRST,
                queries.stale(types::ShardSet::ONLY, self.now, 20).expect("the store reads"),
            ),
        }
    }

    fn settings(&mut self) -> Command {
        match self.chance.below(9) {
            0..=1 => Command::RegisterMerchant(NewMerchant {
                id: self.merchant(),
                name: "茶馆".into(),
                products: Products::ALL,
                fee: Rate(6_000),
                rate_per_s: 10,
            }),
            2 => Command::RegisterApplication(Box::new(Application {
                id: self.app(),
                name: "app".into(),
                redirect_hosts: vec!["shop.example".into()],
                secret: Some(Digest([60; 32])),
            })),
            3..=4 => Command::ChangeMerchant(
                self.merchant(),
                Box::new(MerchantChange {
                    bind: Some(self.app()),
                    apiv3_key: self.chance.one_in(3).then(|| Box::from([1, 2, 3])),
                    fee: self.chance.one_in(3).then_some(Rate(38_000)),
                    ..MerchantChange::default()
                }),
            ),
            5 => {
                let (merchant, n) = (self.merchant(), self.chance.below(9));
                Command::AddCertificate(Box::new(Certificate {
                    serial: format!("5A{n:02}").into(),
                    merchant,
                    pem: "pem".into(),
                    not_before: Time(i64::try_from(n).unwrap_or(0)),
                    not_after: self.now,
                    revoked_at: None,
                }))
            }
            6 => Command::RevokeCertificate(format!("5A{:02}", self.chance.below(9)).into()),
            7 => Command::ReplaceKeyRing { name: "platform".into(), sealed: Box::from([0, 1, 2]) },
            _ => Command::SetLimits(Box::new(LimitTable {
                effective_from: self.now.plus(self.chance.number(7) * time::HOUR),
                class_1_lifetime: 5_000_000,
                balance_day_two_factors: 5_000_000,
                ..LimitTable::of_law()
            })),
        }
    }

    fn visit(&mut self) -> Command {
        let phone = self.small_digest(10, 4);
        let code = Digest([80 + u8::from(self.chance.one_in(10)); 32]);
        match self.chance.below(9) {
            0..=2 => Command::SendCode { phone, code: Digest([80; 32]) },
            3..=5 => {
                let token = self.fresh_digest();
                Command::SignIn { phone, phone_sealed: Box::from([5; 40]), code, token }
            }
            6 => {
                let known = self.tokens.clone();
                let (payer, token) = self.chance.of(&known).unwrap_or((PayerId(1), Digest([0; 32])));
                Command::SignOut(payer, token)
            }
            7 => Command::Authorise {
                app: self.app(),
                payer: self.payer(),
                code: self.oauth_code(),
                redirect_host: "shop.example".into(),
            },
            _ => Command::RedeemOauthCode {
                code: self.known_code(),
                app: self.app(),
                secret: Digest([60; 32]),
            },
        }
    }

    fn purse(&mut self) -> Command {
        let payer = self.payer();
        match self.chance.below(10) {
            0..=1 => Command::SetPin { payer, new: Digest([70; 32]), old: None },
            2 => Command::SetPin { payer, new: Digest([70; 32]), old: Some(self.pin()) },
            3 => Command::ConfirmIdentity(payer, IdentityChannel::FaceToFace),
            4 => Command::SetFreePay(payer, !self.chance.one_in(3)),
            5..=6 => Command::BindCard(Box::new(NewCard {
                payer,
                bank: "CMB_DEBIT".into(),
                tail: "0000".into(),
                token: "token".into(),
                channel: 1 + self.chance.number(2),
                bound: usize::try_from(self.chance.below(16)).unwrap_or(0),
            })),
            _ => {
                let known = self.cards.clone();
                let (card, payer) = self.chance.of(&known).unwrap_or((CardId(1), payer));
                let amount = Money::cny(self.chance.number(6_000_000));
                Command::TopUp { card, payer, amount, pin: self.pin() }
            }
        }
    }

    fn terms(&mut self, product: Product) -> Arc<Terms> {
        let number = self.number();
        let amount = 1 + self.chance.number(30_000);
        let payer = (product == Product::Jsapi && self.chance.one_in(2)).then(|| self.payer());
        Arc::new(Terms {
            partner: None,
            merchant: MerchantId(MERCHANT),
            app: self.app(),
            number,
            product,
            amount: Money::cny(amount),
            description: "一壶茶".into(),
            attach: "".into(),
            notify_url: if self.chance.one_in(4) { "".into() } else { "https://shop.example/n".into() },
            payer,
            sharing: false,
            device: "".into(),
            extra: "{}".into(),
            digest: [u8::from(self.chance.one_in(9)); 16],
        })
    }

    fn place_order(&mut self) -> Command {
        let product = self.chance.of(&Product::ALL).unwrap_or(Product::Native);
        let codes = self.codes.clone();
        let newest = codes[codes.len().saturating_sub(3)..].to_vec();
        if product != Product::Code {
            let expires_at = self.chance.one_in(3).then(|| self.now.plus(5 * time::MINUTE));
            return Command::CreateOrder { terms: self.terms(product), expires_at };
        }
        match self.chance.of(&newest) {
            Some(code) if !self.chance.one_in(3) => Command::CodePay { terms: self.terms(product), code },
            _ => {
                let code = 130_000_000_000_000_000 + self.chance.number(1_000_000);
                Command::IssuePaymentCode(self.payer(), code)
            }
        }
    }

    fn pay(&mut self, queries: &dyn Queries) -> Command {
        let id = self.order();
        // The terms come from the committed side; an order of this very batch is not there yet.
        let known = queries.order(id).expect("the store reads");
        let (product, shown, waiting) = match &known {
            Some(order) => (order.terms.product, order.terms.amount, order.payer),
            None => (Product::Native, Money::cny(1), None),
        };
        if product == Product::Code {
            let payer = waiting.unwrap_or(PayerId(1));
            let pin = (!self.chance.one_in(6)).then(|| self.pin());
            return Command::ConfirmCodePay { order: id, payer, pin };
        }
        let known = self.cards.clone();
        let by_card = if self.chance.one_in(2) { self.chance.of(&known) } else { None };
        let payer = match by_card {
            Some((_, payer)) if !self.chance.one_in(9) => payer,
            _ => self.payer(),
        };
        let issued_at = self.now.plus(-self.chance.number(180) * time::MINUTE);
        Command::PayOrder(Confirmation {
            order: id,
            payer,
            entry: Entry { product, issued_at },
            shown: if self.chance.one_in(12) { Money::cny(7) } else { shown },
            card: by_card.map(|(card, _)| card),
            pin: self.pin(),
        })
    }

    fn refund(&mut self, queries: &dyn Queries) -> Command {
        let known = self.refunds.clone();
        let newest = &known[known.len().saturating_sub(6)..];
        let refund = self.chance.of(newest).unwrap_or(RefundId(1));
        match self.chance.below(12) {
            0..=5 => {
                let order = self.order();
                let known = queries.order(order).expect("the store reads");
                let (merchant, total) = match &known {
                    Some(order) => (order.terms.merchant, order.terms.amount.minor),
                    None => (MerchantId(MERCHANT), 1),
                };
                let whole = self.chance.one_in(3);
                let part = i64::try_from(self.chance.below(total.unsigned_abs().max(1))).unwrap_or(0);
                let amount = Money::cny(if whole { total } else { part });
                let number = format!("back-{}", self.chance.below(60)).into();
                let (reason, notify_url) = ("退款 'x'".into(), "https://shop.example/back".into());
                let (funds, extra, digest) = (Funds::Unsettled, "".into(), [7; 16]);
                let terms = RefundTerms {
                    partner: None,
                    merchant,
                    number,
                    amount,
                    reason,
                    notify_url,
                    funds,
                    extra,
                    digest,
                };
                let new = NewRefund { terms: Arc::new(terms), order: Some(order), order_number: None, total };
                Command::CreateRefund(Box::new(new))
            }
            6 => Command::ApproveRefund(refund),
            7 => Command::RejectRefund { refund, reason: "no".into() },
            8 => Command::ExpireRefund(refund),
            9 => {
                let found = queries.refund(refund).expect("the store reads");
                let number = found.map_or("back".into(), |found| found.terms.number.clone());
                let (bank, tail, token) = ("ICBC_DEBIT".into(), "0002".into(), "token".into());
                let to = Box::new(Receiver { merchant: false, bank, tail, token });
                Command::RetryRefund { by: MerchantId(MERCHANT).into(), refund, number, to }
            }
            n => {
                let found = queries.refund(refund).expect("the store reads");
                let attempt = found.map_or(1, |found| found.attempt.max(1));
                let answer = match n {
                    10 if self.chance.one_in(2) => ChannelAnswer::Unknown,
                    10 => ChannelAnswer::Declined("14".into()),
                    _ => ChannelAnswer::Succeeded("SR1".into()),
                };
                Command::AnswerRefund { refund, attempt, answer }
            }
        }
    }

    fn answer(&mut self) -> Command {
        let known = self.payments.clone();
        let newest = &known[known.len().saturating_sub(6)..];
        let payment = self.chance.of(newest).unwrap_or(PaymentId(1));
        let answer = match self.chance.below(5) {
            0 => ChannelAnswer::Unknown,
            1 => ChannelAnswer::Declined("51 余额不足".into()),
            _ => ChannelAnswer::Succeeded("SB1".into()),
        };
        Command::AnswerPayment(payment, answer)
    }

    fn end(&mut self) -> Command {
        match self.chance.below(3) {
            0 => Command::CloseOrder(MerchantId(MERCHANT).into(), self.number()),
            1 => Command::ExpireOrder(self.order()),
            _ => Command::ReverseOrder {
                by: MerchantId(MERCHANT).into(),
                app: Some(self.app()),
                number: self.number(),
            },
        }
    }

    fn notify(&mut self) -> Command {
        if self.chance.one_in(6) {
            let n = self.chance.below(1000);
            return Command::Echo(Box::new(NewEcho {
                merchant: self.merchant(),
                notify_url: format!("https://shop.example/{n}").into(),
                message: format!(r#"{{"echo_message":"{n}"}}"#).into(),
            }));
        }
        let known = self.notifications.clone();
        let id = self.chance.of(&known).unwrap_or(NotificationId(1));
        if self.chance.one_in(5) {
            return Command::Resend(id);
        }
        let acknowledged = self.chance.one_in(3);
        let status = if acknowledged { 204 } else { 500 };
        Command::RecordAttempt(id, Attempt { acknowledged, status, took_ms: 12, error: "HTTP 500".into() })
    }
}

/// splitmix64: small, seeded, the same everywhere.
pub(super) struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
    fn number(&mut self, bound: u64) -> i64 {
        i64::try_from(self.below(bound)).unwrap_or(0)
    }
    pub(super) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
    fn of<T: Clone>(&mut self, list: &[T]) -> Option<T> {
        if list.is_empty() {
            return None;
        }
        let place = usize::try_from(self.below(list.len() as u64)).unwrap_or(0);
        list.get(place).cloned()
    }
}
