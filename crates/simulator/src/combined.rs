//! Combined orders: a merchant takes orders of several shops into one, payers go for the whole, and it is closed. All of
//! it is paid, or none, whatever breaks in between and wherever its numbers and its payer live.

use crate::{
    books::Number,
    talk::Who,
    town::{amount, digest},
    world::{Event, Step, World, broken},
};
use domain::{
    Command, Rejection, Reply,
    combined::{Combined, CombinedConfirmation, CombinedTerms, Part},
    merchant::Product,
    order::{Order, OrderState},
    payment::{Entry, Paid, Payment},
};
use engine::core::Outcome;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use types::{CardId, CombinedId, Money, OrderId, PayerId, PaymentId, Time};

/// What was asked and acknowledged of combined orders.
#[derive(Debug, Default)]
pub(crate) struct CombinedBooks {
    asked: BTreeMap<Number, Vec<Arc<CombinedTerms>>>,
    confirmations: BTreeMap<CombinedId, Vec<CombinedConfirmation>>,

    kept: BTreeMap<CombinedId, Arc<CombinedTerms>>,
    numbers: BTreeMap<Number, CombinedId>,
    paid: BTreeMap<CombinedId, (PayerId, Time)>,
    waiting: BTreeMap<PaymentId, (CombinedId, PayerId, CardId, Money)>,
    closed: BTreeSet<Number>,
}

fn number(terms: &CombinedTerms) -> Number {
    (terms.merchant, terms.number.clone())
}

impl CombinedBooks {
    /// Keeps what is asked. Gives the terms that orders may be made of.
    pub(crate) fn asked(&mut self, command: &Command) -> Option<Arc<CombinedTerms>> {
        match command {
            Command::CreateCombined { terms, .. } => {
                self.asked.entry(number(terms)).or_default().push(Arc::clone(terms));
                Some(Arc::clone(terms))
            }
            Command::PayCombined(asked) => {
                self.confirmations.entry(asked.combined).or_default().push(*asked);
                None
            }
            _ => None,
        }
    }
    /// Keeps what a caller was told; stops at an answer that contradicts an earlier one.
    pub(crate) fn acknowledged(&mut self, command: &Command, reply: Reply) -> Step {
        match (command, reply) {
            (Command::CreateCombined { terms, .. }, Reply::Combined(id)) => {
                let known = self.kept.entry(id).or_insert_with(|| Arc::clone(terms));
                if known != terms {
                    return broken(format!("combined order {id} stands for {known:?} and for {terms:?}"));
                }
                match self.numbers.insert(number(terms), id) {
                    Some(first) if first != id => {
                        broken(format!("number {} has two combined orders, {first} and {id}", terms.number))
                    }
                    _ => Ok(()),
                }
            }
            (Command::PayCombined(asked), Reply::Paid(Paid::Done(at))) => {
                match self.paid.insert(asked.combined, (asked.payer, at)) {
                    Some(first) if first != (asked.payer, at) => broken(format!(
                        "combined order {} was paid twice, first as {first:?}",
                        asked.combined
                    )),
                    _ => Ok(()),
                }
            }
            (Command::PayCombined(asked), Reply::Paid(Paid::Waiting(id))) => {
                let Some(card) = asked.card else {
                    return broken(format!("combined order {} paid from the balance waits", asked.combined));
                };
                self.waiting.insert(id, (asked.combined, asked.payer, card, asked.shown));
                Ok(())
            }
            (Command::CloseCombined { merchant, number, .. }, Reply::Done) => {
                self.closed.insert((*merchant, number.clone()));
                Ok(())
            }
            _ => Ok(()),
        }
    }
    /// Whether this payer agreed to pay the combined order so.
    fn agreed(&self, whole: &Combined, payer: PayerId, card: Option<CardId>) -> bool {
        let asked = self.confirmations.get(&whole.id).into_iter().flatten();
        let mut same = asked.filter(|asked| {
            (asked.payer, asked.card, asked.shown, asked.entry.product)
                == (payer, card, whole.total, whole.product)
        });
        same.next().is_some() && whole.payer.is_none_or(|bound| bound == payer)
    }
}

impl World {
    /// The first shop combines orders of several; the others may not combine its own.
    pub(crate) fn merchant_combines(&mut self, place: usize) {
        let known = self.books.combined.kept.len();
        if known > 0 && self.dice.chance(250) {
            let (_, terms) =
                self.books.combined.kept.iter().nth(self.dice.below(known)).expect("one of them");
            let terms = Arc::clone(terms);
            return self.close_whole(&terms);
        }
        let mut terms = self.new_whole(place);
        let who = Who::Merchant(terms.merchant);
        if place > 0 {
            let create = Command::CreateCombined { terms: seal(terms), expires_at: None };
            self.ask(who, create, false, Some("an order of a merchant that has not allowed it"));
            return;
        }
        if self.dice.chance(150) && !self.town.shops[0].placed.is_empty() {
            // One of its numbers is that of another order: nothing of it is made.
            let placed = &self.town.shops[0].placed;
            let old = placed[self.dice.below(placed.len())].number.clone();
            (terms.parts[0].merchant, terms.parts[0].number) = (self.town.shops[0].id, old);
        }
        let terms = seal(terms);
        for _ in 0..self.dice.pick(&[1, 1, 1, 2]) {
            let minutes = self.dice.pick(&[0, 0, 0, 1, 5, 60]);
            let expires_at = (minutes > 0).then(|| self.edge_clock().plus(minutes * types::time::MINUTE));
            let expires_at = if self.dice.chance(900) { None } else { expires_at };
            let create = Command::CreateCombined { terms: Arc::clone(&terms), expires_at };
            self.ask(who, create, false, None);
        }
    }

    fn new_whole(&mut self, place: usize) -> CombinedTerms {
        let product = self.dice.pick(&[Product::Jsapi, Product::App, Product::H5, Product::Native]);
        let someone = self.dice.below(self.town.payers.len());
        let shop = &self.town.shops[place];
        let (merchant, app) = (shop.id, shop.app);
        let name = format!("whole-{place}-{:05}", self.books.combined.asked.len());
        let mut parts = Vec::new();
        for n in 0..self.dice.between(2, 4) {
            // A shop that may not combine has the first one's order in it.
            let of = if place > 0 && n == 0 { 0 } else { self.dice.below(self.town.shops.len()) };
            parts.push(Part {
                merchant: self.town.shops[of].id,
                partner: None,
                number: format!("{name}-{n}").into(),
                amount: amount(&mut self.dice),
                description: "two cups of tea".into(),
                attach: "".into(),
                sharing: false,
                extra: "".into(),
                digest: [0; 16],
            });
        }
        CombinedTerms {
            merchant,
            app,
            number: name.into(),
            product,
            notify_url: if self.dice.chance(50) { "" } else { "https://tea.example/notify" }.into(),
            payer: (product == Product::Jsapi).then(|| self.town.payers[someone].id),
            device: "".into(),
            extra: "".into(),
            digest: [0; 16],
            parts,
        }
    }

    fn close_whole(&mut self, terms: &CombinedTerms) {
        let mut parts: Vec<_> = terms.parts.iter().map(|part| (part.merchant, part.number.clone())).collect();
        let wrong = self.dice.chance(200).then_some("a close that leaves an order out");
        if wrong.is_some() {
            parts.pop();
        }
        let (merchant, app, number) = (terms.merchant, terms.app, terms.number.clone());
        let close = Command::CloseCombined { merchant, app, number, parts };
        self.ask(Who::Merchant(merchant), close, false, wrong);
    }

    /// What follows an answer about a combined order.
    pub(crate) fn whole_goes_on(&mut self, command: &Command, outcome: &Outcome, soon: i64) {
        match (command, outcome) {
            (Command::CreateCombined { terms, .. }, Ok(Reply::Combined(id))) => {
                let bound = terms.payer.and_then(|bound| self.town.payers.iter().position(|p| p.id == bound));
                let payer = bound.unwrap_or_else(|| self.dice.below(self.town.payers.len()));
                self.enter_in(soon, Event::PayWhole(payer, *id));
                for _ in 0..self.dice.pick(&[0, 0, 1, 2]) {
                    let payer = self.dice.below(self.town.payers.len());
                    self.enter_in(soon, Event::PayWhole(payer, *id));
                }
                // Their merchants know the orders, too: they are refunded, closed and placed again like others.
                for part in &terms.parts {
                    let place = self.town.shops.iter().position(|shop| shop.id == part.merchant);
                    let placed = place.map(|place| &mut self.town.shops[place].placed);
                    placed.into_iter().for_each(|placed| placed.push(terms.terms(part)));
                }
            }
            (Command::PayCombined(asked), Ok(_) | Err(Rejection::OrderBusy)) if self.dice.chance(150) => {
                let payer = self.dice.below(self.town.payers.len());
                self.enter_in(soon, Event::PayWhole(payer, asked.combined));
            }
            _ => {}
        }
    }

    /// Goes for a combined order.
    pub(crate) fn pay_whole(&mut self, place: usize, combined: CombinedId) {
        let Some(terms) = self.books.combined.kept.get(&combined).cloned() else { return };
        let payer = &self.town.payers[place];
        let (id, pin, own) = (payer.id, payer.pin, self.dice.pick(&payer.cards));
        let total = Money::cny(terms.parts.iter().map(|part| part.amount.minor).sum());
        let issued_at = self.clock(self.primary(self.shards.of_payer(id)));
        let mut asked = CombinedConfirmation {
            combined,
            payer: id,
            entry: Entry { product: terms.product, issued_at },
            shown: total,
            card: self.dice.chance(450).then_some(own),
            pin,
        };
        let bound = terms.payer.is_some_and(|bound| bound != id);
        let mut wrong = bound.then_some("a payment by another payer than the combined order is for");
        match self.dice.below(20) {
            0 => {
                asked.shown = terms.parts[0].amount;
                wrong = Some("a payment of one order's amount");
            }
            1 => {
                asked.pin = digest("wrong");
                wrong = Some("a payment with a wrong PIN");
            }
            2 => {
                asked.combined = CombinedId(combined.0 + 1);
                wrong = Some("a payment of an unknown combined order");
            }
            _ => {}
        }
        self.ask(Who::Payer(id), Command::PayCombined(asked), true, wrong);
    }

    /// Whether a payer agreed to the payment of an order that is one of several; none for other orders.
    pub(crate) fn agreed_to_whole(
        &self,
        order: &Order,
        payer: PayerId,
    ) -> Result<Option<bool>, engine::Fault> {
        let Some(whole) = order.whole().map(|id| self.queries.combined(id)).transpose()?.flatten() else {
            return Ok(None);
        };
        Ok(Some(self.books.combined.agreed(&whole, payer, order.card)))
    }

    /// Whether a channel payment was asked for as one of a combined order; none when its order is not one of several.
    pub(crate) fn agreed_to_whole_by_card(
        &self,
        payment: &Payment,
        order: OrderId,
    ) -> Result<Option<bool>, engine::Fault> {
        let order = self.queries.order(order)?;
        let whole = order.and_then(|order| order.whole()).map(|id| self.queries.combined(id)).transpose()?;
        let Some(whole) = whole.flatten() else { return Ok(None) };
        let agreed = self.books.combined.agreed(&whole, payment.payer, Some(payment.card));
        Ok(Some(agreed && payment.amount == whole.total))
    }

    /// What was acknowledged of combined orders is there, and what is there was asked for.
    pub(crate) fn combined_are_true(&self) -> Step {
        let books = &self.books.combined;
        let mut wholes = BTreeMap::new();
        self.queries.each_combined(&mut |whole| drop(wholes.insert(whole.id, whole)))?;
        for whole in wholes.values() {
            let asked = books.asked.get(&(whole.merchant, whole.number.clone())).into_iter().flatten();
            let Some(terms) = asked.into_iter().find(|terms| terms.digest == whole.digest) else {
                return broken(format!("combined order {} was never asked for: {whole:?}", whole.id));
            };
            let orders = self.queries.orders_of(whole)?;
            let same = orders.len() == terms.parts.len()
                && orders.iter().zip(&terms.parts).all(|(order, part)| order.terms == terms.terms(part));
            if !same {
                return broken(format!(
                    "combined order {} is not of the orders asked for: {orders:?}",
                    whole.id
                ));
            }
        }
        for (id, terms) in &books.kept {
            if wholes.get(id).is_none_or(|whole| whole.digest != terms.digest) {
                return broken(format!("combined order {id} was acknowledged and is not there: {terms:?}"));
            }
        }
        for (id, (payer, at)) in &books.paid {
            let Some(whole) = wholes.get(id) else { return broken(format!("combined order {id} is gone")) };
            for order in self.queries.orders_of(whole)? {
                if (order.state, order.payer, order.paid_at) != (OrderState::Paid, Some(*payer), Some(*at)) {
                    return broken(format!(
                        "payer {payer} was told that {id} is paid at {at}; it is {order:?}"
                    ));
                }
            }
        }
        for (number, id) in &books.numbers {
            let Some(whole) = wholes.get(id).filter(|_| books.closed.contains(number)) else { continue };
            if let Some(order) = self.queries.orders_of(whole)?.iter().find(|o| o.state != OrderState::Closed)
            {
                return broken(format!("combined order {id} was acknowledged as closed; it is {order:?}"));
            }
        }
        for (id, (whole, payer, card, amount)) in &books.waiting {
            let first = wholes.get(whole).and_then(|whole| whole.orders.first()).copied();
            let kept = self.queries.payment(*id)?;
            let same = kept.as_ref().is_some_and(|kept| {
                (kept.order, kept.payer, kept.card, kept.amount) == (first, *payer, *card, *amount)
            });
            if !same || first.is_none() {
                return broken(format!(
                    "payment {id} of combined order {whole} was acknowledged; it is {kept:?}"
                ));
            }
        }
        Ok(())
    }
}

/// Terms with the digests of their content, as the gateway makes them.
fn seal(mut terms: CombinedTerms) -> Arc<CombinedTerms> {
    let hash = |content: String| {
        let mut digest = [0; 16];
        digest[..8].copy_from_slice(&crate::digest::hash(&content).to_le_bytes());
        digest[8..].copy_from_slice(&crate::digest::hash(&format!("again {content}")).to_le_bytes());
        digest
    };
    let whole = format!("{} {} {:?}", terms.merchant, terms.number, terms.product);
    for part in &mut terms.parts {
        part.digest = hash(format!("{whole} {part:?}"));
    }
    terms.digest = hash(format!("{terms:?}"));
    Arc::new(terms)
}
