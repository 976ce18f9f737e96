//! Makes merchants, payers and orders through the commands that make them in earnest.

use super::World;
use domain::{
    Command, Key, Reply,
    application::Application,
    card::NewCard,
    merchant::{MerchantChange, NewMerchant, Product, Products},
    order::Terms,
    payer::{AccountClass, IdentityChannel},
    payment::{ChannelAnswer, Confirmation, Entry, Paid},
    records::Digest,
    session::SignIn,
};
use engine::core::Outcome;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};
use types::{AppId, CardId, MerchantId, Money, OrderId, PayerId, PaymentId, Rate, time};

/// A merchant with its application.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shop {
    pub(crate) id: MerchantId,
    pub(crate) app: AppId,
}

/// A payer with a PIN and a card.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buyer {
    pub(crate) id: PayerId,
    pub(crate) card: CardId,
    pub(crate) pin: Digest,
}

/// The channel that serves every card made here.
pub(crate) const CHANNEL: i64 = 1;

/// A digest of its own for every text of up to 32 bytes.
pub(crate) fn digest(text: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    Digest(bytes)
}

/// The identity channels, beside phone and bank card, that lift a payer to a class.
pub(crate) fn identity(class: AccountClass) -> &'static [IdentityChannel] {
    use IdentityChannel::{Education, IdentityCard, SocialSecurity};
    match class {
        AccountClass::One => &[],
        AccountClass::Two => &[IdentityCard],
        AccountClass::Three => &[IdentityCard, Education, SocialSecurity],
    }
}

/// Terms with the digest of their content.
pub(crate) fn sealed(terms: Terms) -> Arc<Terms> {
    let content = format!("{:?}", Terms { digest: [0; 16], ..terms.clone() });
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, &content).hash(&mut hasher);
        hasher.finish().to_le_bytes()
    };
    let mut digest = [0; 16];
    digest[..8].copy_from_slice(&half(0));
    digest[8..].copy_from_slice(&half(1));
    Arc::new(Terms { digest, ..terms })
}

impl Shop {
    /// Terms of an order, to be changed and [`sealed`].
    pub(crate) fn terms(&self, number: &str, product: Product, fen: i64) -> Terms {
        Terms {
            partner: None,
            merchant: self.id,
            app: self.app,
            number: number.into(),
            product,
            amount: Money::cny(fen),
            description: "two cups of tea".into(),
            attach: "table 7".into(),
            notify_url: if product == Product::Code { "" } else { "https://tea.example/notify" }.into(),
            payer: None,
            sharing: false,
            device: "".into(),
            extra: "".into(),
            digest: [0; 16],
        }
    }

    /// Places an order with the default deadline.
    pub(crate) fn create(&self, number: &str, product: Product, fen: i64) -> Command {
        Command::CreateOrder { terms: sealed(self.terms(number, product, fen)), expires_at: None }
    }

    /// Places an order with a payment code.
    pub(crate) fn code_pay(&self, number: &str, fen: i64, code: i64) -> Command {
        Command::CodePay { terms: sealed(self.terms(number, Product::Code, fen)), code }
    }

    pub(crate) fn close(&self, number: &str) -> Command {
        Command::CloseOrder(self.id.into(), number.into())
    }

    pub(crate) fn reverse(&self, number: &str) -> Command {
        Command::ReverseOrder { by: self.id.into(), app: Some(self.app), number: number.into() }
    }

    pub(crate) fn change(&self, change: MerchantChange) -> Command {
        Command::ChangeMerchant(self.id, Box::new(change))
    }
}

impl Buyer {
    /// Starts a top-up from the payer's own card.
    pub(crate) fn top_up(&self, fen: i64) -> Command {
        Command::TopUp { card: self.card, payer: self.id, amount: Money::cny(fen), pin: self.pin }
    }

    /// Confirms a payment-code order with the PIN.
    pub(crate) fn confirm(&self, order: OrderId) -> Command {
        Command::ConfirmCodePay { order, payer: self.id, pin: Some(self.pin) }
    }
}

impl World {
    fn next(&mut self) -> i64 {
        self.made += 1;
        self.made
    }

    /// A merchant with every product, at 0.6 %.
    pub(crate) fn shop(&mut self) -> Shop {
        self.shop_at(Rate(6_000))
    }

    pub(crate) fn shop_at(&mut self, fee: Rate) -> Shop {
        let n = self.next();
        let shop = Shop { id: MerchantId(1_900_000_000 + n), app: AppId(n) };
        let name = format!("shop {n}").into();
        let new = NewMerchant { id: shop.id, name, products: Products::ALL, fee, rate_per_s: 100 };
        self.ok(Command::RegisterMerchant(new));
        let redirect_hosts = vec!["tea.example".into()];
        let secret = Some(digest(&format!("secret {n}")));
        let app = Application { id: shop.app, name: "tea".into(), redirect_hosts, secret };
        self.ok(Command::RegisterApplication(Box::new(app)));
        self.ok(shop.change(MerchantChange { bind: Some(shop.app), ..MerchantChange::default() }));
        shop
    }

    /// A payer of class III with so much on the balance.
    pub(crate) fn buyer(&mut self, fen: i64) -> Buyer {
        self.buyer_of(AccountClass::Three, fen)
    }

    pub(crate) fn buyer_of(&mut self, class: AccountClass, fen: i64) -> Buyer {
        let n = self.next();
        let payer = self.sign_up(&format!("{n} phone"));
        let pin = digest(&format!("pin {n}"));
        self.ok(Command::SetPin { payer, new: pin, old: None });
        for channel in identity(class) {
            self.ok(Command::ConfirmIdentity(payer, *channel));
        }
        let card = self.bind_card(payer);
        let buyer = Buyer { id: payer, card, pin };
        self.fund(&buyer, fen);
        buyer
    }

    /// A payer of a new phone: no PIN, no card.
    pub(crate) fn sign_up(&mut self, phone: &str) -> PayerId {
        let (code, token) = (digest("code"), digest(&format!("token of {phone}")));
        let phone = digest(phone);
        self.ok(Command::SendCode { phone, code });
        let phone_sealed = Box::from([1]);
        match self.ok(Command::SignIn { phone, phone_sealed, code, token }) {
            Reply::SignedIn(SignIn::Welcome { payer, new: true }) => payer,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn bind_card(&mut self, payer: PayerId) -> CardId {
        let token = format!("token {}", self.next()).into();
        let (bank, tail) = ("CMB_DEBIT".into(), "4242".into());
        let new = NewCard { payer, bank, tail, token, channel: CHANNEL, bound: 0 };
        match self.ok(Command::BindCard(Box::new(new))) {
            Reply::Card(card) => card,
            other => panic!("{other:?}"),
        }
    }

    /// Tops a balance up, in as many steps as the limit of one asks for.
    pub(crate) fn fund(&mut self, buyer: &Buyer, fen: i64) {
        let mut left = fen;
        while left > 0 {
            let step = left.min(50_000_00);
            let payment = waiting(self.ok(buyer.top_up(step)));
            self.answer(payment, succeeded());
            left -= step;
        }
    }

    /// Places an order that must be taken.
    #[track_caller]
    pub(crate) fn order(&mut self, shop: &Shop, number: &str, product: Product, fen: i64) -> OrderId {
        placed(self.ok(shop.create(number, product, fen)))
    }

    /// What the payer confirms: the order as it is, through a door made just now, from the balance.
    pub(crate) fn confirmation(&self, order: OrderId, buyer: &Buyer) -> Confirmation {
        let terms = self.stored(order).terms;
        Confirmation {
            order,
            payer: buyer.id,
            entry: Entry { product: terms.product, issued_at: self.now },
            shown: terms.amount,
            card: None,
            pin: buyer.pin,
        }
    }

    pub(crate) fn pay(&mut self, order: OrderId, buyer: &Buyer) -> Outcome {
        let asked = self.confirmation(order, buyer);
        self.run(Command::PayOrder(asked))
    }

    pub(crate) fn pay_by_card(&mut self, order: OrderId, buyer: &Buyer) -> Outcome {
        let asked = Confirmation { card: Some(buyer.card), ..self.confirmation(order, buyer) };
        self.run(Command::PayOrder(asked))
    }

    /// Places an order and pays it from the balance; both must go through.
    #[track_caller]
    pub(crate) fn sale(&mut self, shop: &Shop, buyer: &Buyer, number: &str, fen: i64) -> OrderId {
        let order = self.order(shop, number, Product::Jsapi, fen);
        assert_eq!(self.pay(order, buyer), Ok(Reply::Paid(Paid::Done(self.now))), "{number}");
        order
    }

    /// Tells what the channel said.
    #[track_caller]
    pub(crate) fn answer(&mut self, payment: PaymentId, said: ChannelAnswer) -> Reply {
        self.ok(Command::AnswerPayment(payment, said))
    }

    /// Has every shard sweep these keys; gives how many were removed.
    pub(crate) fn sweep(&mut self, keys: &[Key]) -> usize {
        let mut removed = 0;
        for shard in self.shards.all() {
            let mut keys = keys.to_vec();
            for key in keys.iter_mut().filter(|_| self.shards.count() > 1) {
                if let Key::Request(kept) = key {
                    kept.0[31] = kept.0[31] & !63 | shard.number(); // each shard keeps its own
                }
            }
            match self.ok(Command::Sweep(shard, keys)) {
                Reply::Count(count) => removed += count,
                other => panic!("{other:?}"),
            }
        }
        removed
    }

    /// A payment code shown by the payer now.
    pub(crate) fn shown_code(&mut self, buyer: &Buyer) -> i64 {
        let mut code = 880_000_000_000_000_000 + self.next();
        while self.shards.of_code(code) != self.shards.of_payer(buyer.id) {
            code += 1_000_000;
        }
        let shown_until = Reply::ShownUntil(self.now.plus(60 * time::SECOND));
        assert_eq!(self.ok(Command::IssuePaymentCode(buyer.id, code)), shown_until);
        code
    }
}

pub(crate) fn succeeded() -> ChannelAnswer {
    ChannelAnswer::Succeeded("REF1".into())
}

pub(crate) fn declined() -> ChannelAnswer {
    ChannelAnswer::Declined("51".into())
}

/// The payment that a command left with the channel.
#[track_caller]
pub(crate) fn waiting(reply: Reply) -> PaymentId {
    match reply {
        Reply::Paid(Paid::Waiting(payment)) => payment,
        other => panic!("no payment waits: {other:?}"),
    }
}

/// The order that a command placed.
#[track_caller]
pub(crate) fn placed(reply: Reply) -> OrderId {
    match reply {
        Reply::Order(order) => order,
        other => panic!("no order: {other:?}"),
    }
}
