//! What merchants do: place orders of every product, again, twice at once and wrongly; scan codes, close, reverse,
//! refund.

use crate::{
    books::number,
    talk::Who,
    town::{amount, digest},
    world::{Event, Step, World},
};
use domain::{
    Command, Rejection, Reply,
    echo::NewEcho,
    merchant::Product,
    order::{self, ByPartner, Terms},
};
use engine::core::Outcome;
use std::sync::Arc;
use types::{AppId, Currency, MerchantId, Money, OrderId, PayerId, time};

/// Terms with the digest of their content, as the gateway makes it.
fn sealed(terms: Terms) -> Arc<Terms> {
    let content = format!("{:?}", Terms { digest: [0; 16], ..terms.clone() });
    let mut digest = [0; 16];
    digest[..8].copy_from_slice(&crate::digest::hash(&content).to_le_bytes());
    digest[8..].copy_from_slice(&crate::digest::hash(&format!("again {content}")).to_le_bytes());
    Arc::new(Terms { digest, ..terms })
}

/// Orders that payers still look at.
const OPEN_MAX: usize = 24;

impl World {
    pub(crate) fn merchant_acts(&mut self, place: usize) -> Step {
        if self.left == 0 {
            return Ok(());
        }
        self.left -= 1;
        let next = self.dice.between(0, 2 * self.rest);
        self.enter_in(next, Event::Merchant(place));
        if self.days.wanted > 0 && self.dice.chance(200) {
            return self.somebody_transfers(place);
        }
        if self.dice.chance(250) {
            return self.merchant_refunds(place);
        }
        if self.dice.chance(120) {
            return self.merchant_shares(place);
        }
        if self.dice.chance(80) {
            self.merchant_combines(place);
            return Ok(());
        }
        self.merchant_orders(place);
        Ok(())
    }

    fn merchant_orders(&mut self, place: usize) {
        let who = Who::Merchant(self.town.shops[place].id);
        match self.dice.below(100) {
            0..=49 => {
                let terms = self.new_terms(place);
                let times = if self.dice.chance(100) { 2 } else { 1 };
                for _ in 0..times {
                    self.place_order(who, &terms, None);
                }
            }
            50..=57 => {
                // The same number with other content, at once: at most one of them becomes the order.
                let terms = self.new_terms(place);
                let other = sealed(Terms {
                    amount: amount(&mut self.dice),
                    attach: "other".into(),
                    ..(*terms).clone()
                });
                self.place_order(who, &terms, None);
                self.place_order(who, &other, None);
            }
            58..=67 => {
                let Some(terms) = self.old_terms(place) else { return };
                if let Some(code) = self.books.scanned.get(&number(&terms)).and_then(|codes| codes.first()) {
                    let code = *code;
                    let signer = Who::Merchant(terms.signer());
                    self.ask(signer, Command::CodePay { terms, code }, false, None);
                    return;
                }
                if self.dice.chance(500) {
                    return self.place_order(who, &terms, None);
                }
                let other = sealed(Terms { description: "something else".into(), ..(*terms).clone() });
                self.place_order(who, &other, None);
            }
            68..=79 => self.place_wrongly(place),
            80..=89 => {
                let Some(terms) = self.old_terms(place) else { return };
                let by = terms.principal();
                let close = Command::CloseOrder(by, terms.number.clone());
                self.ask(Who::Merchant(by.signer()), close, false, None);
            }
            90..=95 => {
                let Some(terms) = self.old_terms(place) else { return };
                let wrong_app = self.dice.chance(100);
                let app = if wrong_app { AppId(999) } else { terms.app };
                let product =
                    (terms.product != Product::Code).then_some("a reversal of no payment-code order");
                let wrong = if wrong_app { Some("a reversal by another application") } else { product };
                let (by, app, number) = (terms.principal(), Some(app), terms.number.clone());
                let signer = Who::Merchant(by.signer());
                self.ask(signer, Command::ReverseOrder { by, app, number }, false, wrong);
            }
            96 | 97 => {
                let merchant = self.town.shops[place].id;
                let new = NewEcho {
                    merchant,
                    notify_url: "https://tea.example/notify".into(),
                    message: "hello".into(),
                };
                self.ask(who, Command::Echo(Box::new(new)), false, None);
            }
            _ => {
                let unknown = format!("never-{place}-{}", self.left).into();
                let close = Command::CloseOrder(self.town.shops[place].id.into(), unknown);
                self.ask(who, close, false, Some("a close of an unknown order"));
            }
        }
    }

    fn new_terms(&mut self, place: usize) -> Arc<Terms> {
        let product = self.dice.pick(&[Product::Jsapi, Product::App, Product::H5, Product::Native]);
        self.terms_of(place, product)
    }

    fn terms_of(&mut self, place: usize, product: Product) -> Arc<Terms> {
        let someone = self.dice.below(self.town.payers.len());
        let (bound, silent) = (product == Product::Jsapi, self.dice.chance(50) || product == Product::Code);
        let amount = amount(&mut self.dice);
        let office = &self.town.shops[0];
        let (partner, office_app) = (ByPartner { id: office.id, sub_app: None }, office.app);
        let shop = &mut self.town.shops[place];
        // The first shop is the others' partner and places every third of their orders.
        let by_partner = place > 0 && shop.placed.len() % 3 == 1;
        let terms = sealed(Terms {
            partner: by_partner.then_some(partner),
            merchant: shop.id,
            app: if by_partner { office_app } else { shop.app },
            number: format!("order-{place}-{:05}", shop.placed.len()).into(),
            product,
            amount,
            description: "two cups of tea".into(),
            attach: "".into(),
            notify_url: if silent { "" } else { "https://tea.example/notify" }.into(),
            payer: bound.then(|| self.town.payers[someone].id),
            sharing: shop.placed.len() % 4 == 3,
            device: "".into(),
            extra: "".into(),
            digest: [0; 16],
        });
        shop.placed.push(Arc::clone(&terms));
        terms
    }

    fn old_terms(&mut self, place: usize) -> Option<Arc<Terms>> {
        let placed = self.town.shops[place].placed.len();
        let lately = self.dice.below(placed.min(12));
        self.town.shops[place].placed.iter().rev().nth(lately).cloned()
    }

    fn place_order(&mut self, who: Who, terms: &Arc<Terms>, wrong: Option<&'static str>) {
        let who = if matches!(who, Who::Merchant(_)) { Who::Merchant(terms.signer()) } else { who };
        let minutes = self.dice.pick(&[0, 0, 0, 1, 5, 60]);
        let expires_at = (minutes > 0).then(|| self.edge_clock().plus(minutes * time::MINUTE));
        self.ask(who, Command::CreateOrder { terms: Arc::clone(terms), expires_at }, false, wrong);
    }

    /// Orders that must be refused, whatever else happens.
    fn place_wrongly(&mut self, place: usize) {
        let good = Terms::clone(&self.new_terms(place));
        let cny = |fen| Money::new(fen, Currency::CNY);
        let (bad, why) = match self.dice.below(12) {
            0 => (Terms { amount: cny(0), ..good }, "an order of nothing"),
            1 => (Terms { amount: cny(-1), ..good }, "an order of less than nothing"),
            2 => (Terms { amount: cny(order::AMOUNT_MAX + 1), ..good }, "an order above the largest"),
            3 => (Terms { amount: cny(i64::MAX), ..good }, "an order of 2^63 - 1"),
            4 => (Terms { amount: cny(i64::MIN), ..good }, "an order of -2^63"),
            5 => (Terms { amount: Money::new(100, Currency::USD), ..good }, "an order in another currency"),
            6 => (Terms { app: AppId(999), ..good }, "an order of a foreign application"),
            7 => (Terms { merchant: MerchantId(1), ..good }, "an order of no merchant"),
            8 => {
                let nobody = Some(PayerId(999));
                (Terms { product: Product::Jsapi, payer: nobody, ..good }, "an order for no payer")
            }
            9 => {
                let code = Terms { product: Product::Code, notify_url: "".into(), ..good };
                (code, "a payment-code order without a code")
            }
            10 => {
                let code = self.new_code(None);
                let who = Who::Merchant(good.signer());
                let command = Command::CodePay { terms: sealed(good), code };
                self.ask(who, command, false, Some("a payment code for another product"));
                return;
            }
            _ => {
                let code = Terms { product: Product::Code, notify_url: "".into(), ..good };
                let who = Who::Merchant(code.signer());
                let command = Command::CodePay { terms: sealed(code), code: 880_000_000_000_000_000 };
                self.ask(who, command, false, Some("a payment code nobody showed"));
                return;
            }
        };
        self.place_order(Who::Merchant(bad.merchant), &sealed(bad), Some(why));
    }

    /// A payer shows a code to a merchant, who scans it: once, or twice at once, or another scans it too.
    fn scan_code(&mut self, code: i64) {
        let place = self.dice.below(self.town.shops.len());
        let terms = self.terms_of(place, Product::Code);
        let who = Who::Merchant(terms.signer());
        self.ask(who, Command::CodePay { terms: Arc::clone(&terms), code }, false, None);
        if self.dice.chance(150) {
            self.ask(who, Command::CodePay { terms, code }, false, None);
        }
        if self.dice.chance(150) {
            let terms = self.terms_of(place, Product::Code);
            let who = Who::Merchant(terms.signer());
            self.ask(who, Command::CodePay { terms, code }, false, None);
        }
    }

    /// What people do once they have heard.
    pub(crate) fn goes_on(&mut self, command: &Command, outcome: &Outcome) {
        if self.calm || self.left == 0 {
            return;
        }
        let soon = self.dice.between(0, 3 * self.pace);
        self.whole_goes_on(command, outcome, soon);
        match (command, outcome) {
            (Command::CreateOrder { terms, .. }, Ok(Reply::Order(id))) => {
                if self.town.open.len() == OPEN_MAX {
                    self.town.open.remove(0);
                }
                self.town.open.push((*id, Arc::clone(terms)));
                let bound = terms.payer.and_then(|bound| self.town.payers.iter().position(|p| p.id == bound));
                let payer = bound.unwrap_or_else(|| self.dice.below(self.town.payers.len()));
                if self.dice.chance(800) {
                    self.enter_in(soon, Event::Pay(payer, *id));
                }
                // Another goes for it at the same instant, or the same one presses twice.
                for _ in 0..self.dice.pick(&[0, 0, 0, 1, 2]) {
                    let payer = self.dice.below(self.town.payers.len());
                    self.enter_in(soon, Event::Pay(payer, *id));
                }
            }
            (Command::IssuePaymentCode(_, code), Ok(_)) => self.scan_code(*code),
            (Command::CodePay { terms, code }, Ok(Reply::Order(id))) => {
                self.code_paid(terms, *code, *id, soon)
            }
            (Command::PayOrder(asked), Ok(_) | Err(Rejection::OrderBusy)) if self.dice.chance(100) => {
                let payer = self.dice.below(self.town.payers.len());
                self.enter_in(soon, Event::Pay(payer, asked.order));
            }
            _ => {}
        }
    }

    fn code_paid(&mut self, terms: &Terms, code: i64, id: OrderId, soon: i64) {
        let shown_by = self.books.codes.get(&code).copied();
        if let Some(payer) = self.town.payers.iter().position(|payer| Some(payer.id) == shown_by)
            && self.dice.chance(700)
        {
            self.enter_in(soon, Event::Confirm(payer, id));
        }
        if self.dice.chance(300) {
            let (by, app, number) = (terms.principal(), Some(terms.app), terms.number.clone());
            self.ask(Who::Merchant(by.signer()), Command::ReverseOrder { by, app, number }, false, None);
        }
    }

    /// A code nobody else shows; one that leads to its payer.
    pub(crate) fn new_code(&mut self, payer: Option<PayerId>) -> i64 {
        loop {
            self.town.codes += 1;
            let code = 880_000_000_000_000_000 + self.town.codes;
            let leads_to = |payer: PayerId| self.shards.of_code(code) == self.shards.of_payer(payer);
            if payer.is_none_or(leads_to) {
                return code;
            }
        }
    }

    /// A hash nobody else has.
    pub(crate) fn new_digest(&mut self) -> domain::records::Digest {
        digest(&format!("made {}", self.talks.len()))
    }
}
