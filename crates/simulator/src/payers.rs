//! What payers do: pay from balance and card, in twos and threes, with the wrong PIN, amount or door; top up, show
//! payment codes, confirm and refuse, sign in anew.

use crate::{
    talk::Who,
    town::{CHANNEL, amount, digest},
    world::{Event, World},
};
use domain::{
    Command,
    card::NewCard,
    merchant::Product,
    order::Terms,
    payer::IdentityChannel,
    payment::{Confirmation, Entry},
};
use std::sync::Arc;
use types::{AppId, Money, OrderId, time};

impl World {
    pub(crate) fn payer_acts(&mut self, place: usize) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        let next = self.dice.between(0, 2 * self.rest);
        self.enter_in(next, Event::Payer(place));
        let (id, pin) = (self.town.payers[place].id, self.town.payers[place].pin);
        let who = Who::Payer(id);
        match self.dice.below(100) {
            0..=29 => {
                let Some((order, _)) = self.some_order() else { return };
                self.pay(place, order);
            }
            30..=54 => {
                let code = self.new_code(Some(id));
                self.ask(who, Command::IssuePaymentCode(id, code), false, None);
            }
            55..=74 => self.top_up(place),
            75..=79 => {
                let bound = self.town.payers[place].cards.len();
                let token = format!("card {id} {}", self.talks.len()).into();
                let new = NewCard {
                    payer: id,
                    bank: "CMB_DEBIT".into(),
                    tail: "0001".into(),
                    token,
                    channel: CHANNEL,
                    bound,
                };
                self.ask(who, Command::BindCard(Box::new(new)), true, None);
            }
            80..=82 => {
                self.ask(who, Command::ConfirmIdentity(id, IdentityChannel::SocialSecurity), false, None);
            }
            83..=86 => {
                let on = self.dice.chance(700);
                self.ask(who, Command::SetFreePay(id, on), false, None);
            }
            87..=89 => {
                let command = Command::SetPin { payer: id, new: pin, old: Some(digest("not this one")) };
                self.ask(who, command, false, Some("a new PIN without the old one"));
            }
            90..=95 => self.sign_in(place),
            _ => {
                let Some((order, _)) = self.some_order() else { return };
                self.confirm(place, order);
            }
        }
    }

    fn some_order(&mut self) -> Option<(OrderId, Arc<Terms>)> {
        let lately = self.dice.below(self.town.open.len());
        self.town.open.get(lately).cloned()
    }

    fn top_up(&mut self, place: usize) {
        let payer = &self.town.payers[place];
        let (id, pin, own) = (payer.id, payer.pin, self.dice.pick(&payer.cards));
        let stranger = self.town.payers[self.dice.below(self.town.payers.len())].cards[0];
        let foreign = !self.town.payers[place].cards.contains(&stranger);
        let some = amount(&mut self.dice);
        let (card, amount, pin, wrong) = match self.dice.below(16) {
            0 => (own, Money::cny(0), pin, Some("a top-up of nothing")),
            1 => (own, Money::cny(i64::MAX), pin, Some("a top-up of 2^63 - 1")),
            2 => (own, some, digest("wrong"), Some("a top-up with a wrong PIN")),
            3 if foreign => (stranger, some, pin, Some("a top-up from another's card")),
            4 => (own, Money::new(100, types::Currency::USD), pin, Some("a top-up in another currency")),
            _ => (own, some, pin, None),
        };
        self.ask(Who::Payer(id), Command::TopUp { card, payer: id, amount, pin }, true, wrong);
    }

    /// Goes for an order.
    pub(crate) fn pay(&mut self, place: usize, order: OrderId) {
        let Some((_, terms)) = self.town.open.iter().find(|(id, _)| *id == order).cloned() else { return };
        let payer = &self.town.payers[place];
        let (id, pin, own) = (payer.id, payer.pin, self.dice.pick(&payer.cards));
        let stranger = self.town.payers[self.dice.below(self.town.payers.len())].cards[0];
        let foreign = !self.town.payers[place].cards.contains(&stranger);
        let mut asked = Confirmation {
            order,
            payer: id,
            entry: Entry {
                product: terms.product,
                issued_at: self.clock(self.primary(self.shards.of_payer(id))),
            },
            shown: terms.amount,
            card: self.dice.chance(450).then_some(own),
            pin,
        };
        let bound = terms.payer.is_some_and(|bound| bound != id);
        let mut wrong = bound.then_some("a payment by another payer than the order is for");
        match self.dice.below(40) {
            0 => {
                asked.shown = Money::cny(terms.amount.minor - 1);
                wrong = Some("a payment of another amount");
            }
            1 => {
                asked.shown = Money::new(terms.amount.minor, types::Currency::USD);
                wrong = Some("a payment in another currency");
            }
            2 | 3 => {
                asked.pin = digest("wrong");
                wrong = Some("a payment with a wrong PIN");
            }
            4 => {
                let others = Product::ALL.into_iter().filter(|product| *product != terms.product);
                let others: Vec<Product> = others.collect();
                asked.entry.product = self.dice.pick(&others);
                wrong = Some("a payment by another door");
            }
            5 => {
                asked.entry.issued_at = asked.entry.issued_at.plus(-3 * time::HOUR);
                wrong = Some("a payment by a door long closed");
            }
            6 if foreign => {
                asked.card = Some(stranger);
                wrong = Some("a payment from another's card");
            }
            7 => {
                asked.order = OrderId(order.0 + 1);
                wrong = Some("a payment of an unknown order");
            }
            _ => {}
        }
        self.ask(Who::Payer(id), Command::PayOrder(asked), true, wrong);
    }

    /// Decides on a payment-code order.
    pub(crate) fn confirm(&mut self, place: usize, order: OrderId) {
        let payer = &self.town.payers[place];
        let (id, right) = (payer.id, payer.pin);
        let (pin, wrong) = match self.dice.below(10) {
            0 => (None, None),
            1 => (Some(digest("wrong")), Some("a confirmation with a wrong PIN")),
            _ => (Some(right), None),
        };
        self.ask(Who::Payer(id), Command::ConfirmCodePay { order, payer: id, pin }, true, wrong);
    }

    /// A code to the phone, then in with it or with a wrong one; then an authorisation for a merchant's page.
    fn sign_in(&mut self, place: usize) {
        let (id, phone) = (self.town.payers[place].id, self.town.payers[place].phone);
        let token = self.new_digest();
        match self.dice.below(5) {
            0 => {
                self.ask(Who::Visitor, Command::SendCode { phone, code: digest("135791") }, false, None);
            }
            1 => {
                let phone_sealed = Box::from(*b"sealed");
                let command = Command::SignIn { phone, phone_sealed, code: digest("135791"), token };
                self.ask(Who::Visitor, command, false, None);
            }
            2 => {
                let (app, redirect_host) = (self.town.shops[0].app, "tea.example".into());
                let command = Command::Authorise { app, payer: id, code: token, redirect_host };
                self.ask(Who::Payer(id), command, false, None);
            }
            3 => {
                let (app, redirect_host) = (self.town.shops[0].app, "evil.example".into());
                let command = Command::Authorise { app, payer: id, code: token, redirect_host };
                self.ask(Who::Payer(id), command, false, Some("a redirect to a foreign host"));
            }
            _ => {
                let command =
                    Command::RedeemOauthCode { code: token, app: AppId(1), secret: digest("secret") };
                self.ask(Who::Visitor, command, false, Some("an authorization code nobody was given"));
            }
        }
    }
}
