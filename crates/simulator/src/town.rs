//! Who lives in a world, and how they come into it: by the same commands as anybody, before anything breaks.

use crate::{
    dice::Dice,
    refunds::OPERATORS,
    talk::Who,
    world::{Broken, Step, World, broken},
};
use domain::{
    Command, Reply,
    application::Application,
    card::NewCard,
    limit::LimitTable,
    merchant::{MerchantChange, NewMerchant, Products},
    order::Terms,
    partner::Permissions,
    payer::IdentityChannel,
    payment::Paid,
    records::Digest,
    refund::NewRefund,
    session::SignIn,
    staff::{NewStaff, Role},
};
use std::sync::Arc;
use types::{AppId, CardId, MerchantId, Money, OrderId, PayerId, Rate, Secret, Time, time};

/// The channel of every card.
pub(crate) const CHANNEL: i64 = 1;

#[derive(Debug, Default)]
pub(crate) struct Town {
    pub(crate) shops: Vec<Shop>,
    pub(crate) payers: Vec<Payer>,
    /// Orders that merchants know of and payers may go for, newest last.
    pub(crate) open: Vec<(OrderId, Arc<Terms>)>,
    /// A payment code pays up to this without a PIN, fen.
    pub(crate) free_most: i64,
    /// How long a refund may wait for approvals, microseconds.
    pub(crate) approval_life: i64,
    /// Payment codes shown so far.
    pub(crate) codes: i64,
}

#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) id: MerchantId,
    pub(crate) app: AppId,
    /// Orders placed so far, by number.
    pub(crate) placed: Vec<Arc<Terms>>,
    /// Refunds asked for so far.
    pub(crate) refunds: Vec<NewRefund>,
    /// Until when its endpoint answers nothing.
    pub(crate) dead_until: Time,
}

#[derive(Debug)]
pub(crate) struct Payer {
    pub(crate) id: PayerId,
    pub(crate) phone: Digest,
    pub(crate) cards: Vec<CardId>,
    pub(crate) pin: Digest,
}

/// A digest of its own for every text of up to 32 bytes.
pub(crate) fn digest(text: &str) -> Digest {
    let mut bytes = [0; 32];
    for (place, byte) in text.bytes().enumerate().take(32) {
        bytes[place] = byte;
    }
    Digest(bytes)
}

/// An amount of everyday size: cents, tens, hundreds of yuan, now and then thousands.
pub(crate) fn amount(dice: &mut Dice) -> Money {
    let most = dice.pick(&[1, 99, 50_00, 300_00, 300_00, 900_00, 6_000_00]);
    Money::cny(dice.between(1, most))
}

impl World {
    /// Builds the town, without faults.
    pub(crate) fn found(&mut self) -> Step {
        let weather = std::mem::take(&mut self.weather);
        (self.calm, self.bank.generous) = (true, true);
        for shard in self.shards.all() {
            self.start(self.primary(shard))?;
        }
        let mut table = LimitTable::of_law();
        if self.dice.chance(600) {
            let wide = 100_000_000_00;
            (table.class_1_lifetime, table.balance_day_two_factors, table.barcode_b_day) = (wide, wide, wide);
            table.refund.automatic = self.dice.pick(&[500_00, 20_00]);
            table.refund.apart_s = self.dice.pick(&[60, 0]);
            table.effective_from = Time(1);
            self.must(Who::Operator, Command::SetLimits(Box::new(table.clone())))?;
        }
        self.town.free_most = table.free_amount;
        self.town.approval_life = table.refund.approval_s * time::SECOND;
        for number in 1..=OPERATORS {
            let (name, password) = (format!("operator-{number}"), Secret::new("$argon2id$".to_owned()));
            let new = NewStaff { name: name.into(), merchant: None, role: Role::Finance, password };
            self.must(Who::Operator, Command::CreateStaff(Box::new(new)))?;
        }
        for place in 1..=self.dice.between(1, 3) {
            self.found_shop(place)?;
        }
        let shops: Vec<_> = self.town.shops.iter().map(|shop| shop.id).collect();
        for merchant in shops.iter().skip(1) {
            let (merchant, partner, permissions) = (*merchant, shops[0], Permissions::USUAL);
            self.must(Who::Operator, Command::AddSubMerchant { merchant, partner, permissions })?;
        }
        for place in 1..=self.dice.between(2, 5) {
            self.found_payer(place)?;
        }
        self.found_sharing()?;
        self.weather = weather;
        (self.calm, self.bank.generous) = (false, false);
        self.inspect()
    }

    fn found_shop(&mut self, place: i64) -> Step {
        let (id, app) = (MerchantId(1_900_000_000 + place), AppId(place));
        let name: Box<str> = format!("shop {place}").into();
        let new = Application {
            id: app,
            name: name.clone(),
            redirect_hosts: vec!["tea.example".into()],
            secret: Some(digest("secret")),
        };
        self.must(Who::Operator, Command::RegisterApplication(Box::new(new)))?;
        let fee = Rate(self.dice.pick(&[6_000, 6_000, 3_800, 0, 1_000_000]));
        let new = NewMerchant { id, name, products: Products::ALL, fee, rate_per_s: 100 };
        self.must(Who::Operator, Command::RegisterMerchant(new))?;
        let bind = MerchantChange { bind: Some(app), ..MerchantChange::default() };
        self.must(Who::Operator, Command::ChangeMerchant(id, Box::new(bind)))?;
        if let Some(first) = self.town.shops.first() {
            let allow = MerchantChange { allow_combine: Some(first.id), ..MerchantChange::default() };
            self.must(Who::Operator, Command::ChangeMerchant(id, Box::new(allow)))?;
        }
        self.town.shops.push(Shop { id, app, placed: Vec::new(), refunds: Vec::new(), dead_until: Time(0) });
        Ok(())
    }

    fn found_payer(&mut self, place: i64) -> Step {
        // With several shards the phones are spread over them.
        let phone =
            if self.shards.is_one() { format!("phone {place}") } else { format!("{place}{place} phone") };
        let (phone, code) = (digest(&phone), digest("246810"));
        self.must(Who::Visitor, Command::SendCode { phone, code })?;
        let token = digest(&format!("token {place}"));
        let phone_sealed = Box::from(*b"sealed");
        let Reply::SignedIn(SignIn::Welcome { payer: id, .. }) =
            self.must(Who::Visitor, Command::SignIn { phone, phone_sealed, code, token })?
        else {
            return broken("a new phone does not sign up");
        };
        let (who, pin) = (Who::Payer(id), digest(&format!("pin of {place}")));
        self.must(who, Command::SetPin { payer: id, new: pin, old: None })?;
        self.books.pins.insert(id, pin);
        let channels = [IdentityChannel::IdentityCard, IdentityChannel::Education, IdentityChannel::Tax];
        for channel in channels.into_iter().take(self.dice.below(4)) {
            self.must(who, Command::ConfirmIdentity(id, channel))?;
        }
        let mut cards = Vec::new();
        for bound in 0..=self.dice.below(2) {
            let tail: Box<str> = format!("{:04}", self.dice.below(10_000)).into();
            let token = format!("card {place} {bound}").into();
            let new = NewCard { payer: id, bank: "ICBC_DEBIT".into(), tail, token, channel: CHANNEL, bound };
            if let Reply::Card(card) = self.must(who, Command::BindCard(Box::new(new)))? {
                cards.push(card);
            }
        }
        let card = cards[0];
        self.town.payers.push(Payer { id, phone, cards, pin });
        let fen = self.dice.pick(&[0, 500_00, 2_000_00, 20_000_00]);
        if fen > 0 {
            let top_up = Command::TopUp { card, payer: id, amount: Money::cny(fen), pin };
            let Reply::Paid(Paid::Waiting(payment)) = self.must(who, top_up)? else {
                return broken("a top-up does not wait for its bank");
            };
            while self.queries.payment(payment)?.is_none_or(|payment| payment.ask_at.is_some()) {
                self.one_event()?;
            }
        }
        Ok(())
    }

    /// Runs a command that can't fail.
    pub(crate) fn must(&mut self, who: Who, command: Command) -> Result<Reply, Broken> {
        let place = self.ask(who, command, false, None);
        loop {
            match &self.talks[place].heard {
                Some(Ok(reply)) => return Ok(*reply),
                Some(Err(rejection)) => {
                    return broken(format!(
                        "the town can't be built: {rejection}, on {:?}",
                        self.talks[place].asked.command
                    ));
                }
                None => self.one_event()?,
            }
        }
    }

    fn one_event(&mut self) -> Step {
        let Some((at, event)) = self.agenda.next() else { return broken("nothing happens in the new town") };
        self.now = self.now.max(at);
        self.happen(event)
    }
}
