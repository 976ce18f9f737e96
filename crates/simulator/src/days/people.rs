//! What people do about the money: payouts, holds, fees, terms, calendars, approvals and corrections, rightly and wrongly.

use crate::{
    refunds::OPERATORS,
    talk::Who,
    world::{Step, World},
};
use domain::{
    Command,
    exception::{Exception, State},
    fee::{NewVersion, Promotion, Return, Rounding, Rule, Tier},
    hold::{HoldReason, NewHold},
    merchant::Product,
    payout::{NewPayout, PayoutState},
};
use ledger::AccountId;
use types::{Currency, MerchantId, OperatorId, PageRequest, Rate, time};

impl World {
    fn some_operator(&mut self) -> OperatorId {
        OperatorId(self.dice.between(1, OPERATORS))
    }

    /// Asks, and keeps that it was asked.
    fn ask_days(&mut self, who: Who, command: Command, keyed: bool, wrong: Option<&'static str>) {
        self.days.books.asked(who, &command);
        self.ask(who, command, keyed, wrong);
    }

    fn settled_money(&self, merchant: MerchantId) -> Result<i64, crate::world::Broken> {
        let account = AccountId::merchant_available(merchant, Currency::CNY);
        let mut free = 0;
        self.queries.each_account(&mut |row| {
            if row.id == account {
                free = row.available().minor;
            }
        })?;
        Ok(free)
    }

    pub(super) fn somebody_acts(&mut self) -> Step {
        let place = self.dice.below(self.town.shops.len());
        let merchant = self.town.shops[place].id;
        match self.dice.below(100) {
            0..=17 => self.ask_payout(merchant)?,
            18..=39 => self.look_at_payouts()?,
            40..=49 => self.decide(),
            50..=57 => self.set_aside(merchant)?,
            58..=63 => self.let_go(merchant)?,
            64..=69 => self.change_fees(merchant),
            70..=73 => {
                let terms = if self.dice.chance(200) { None } else { Some(self.some_terms()) };
                self.days.books.terms.entry(merchant).or_default().push(terms);
                self.ask(Who::Operator, Command::SetSettlementTerms(merchant, terms), false, None);
            }
            74 => {
                let calendar = self.some_calendar();
                self.days.books.calendars.push(calendar.clone());
                self.ask(Who::Operator, Command::SetCalendar(Box::new(calendar)), false, None);
            }
            75 => {
                let account = self.some_account(merchant);
                self.ask(Who::Operator, Command::SetBankAccount(merchant, account), false, None);
            }
            _ => self.look_at_exceptions()?,
        }
        Ok(())
    }

    fn ask_payout(&mut self, merchant: MerchantId) -> Step {
        let there = self.settled_money(merchant)?;
        let urgent = self.dice.chance(300);
        let who =
            if self.dice.chance(600) { Who::Merchant(merchant) } else { Who::Checker(self.some_operator()) };
        let some = self.dice.between(1, there.max(2));
        let (amount, wrong) = match self.dice.below(12) {
            0 => (Some(0), Some("a payout of nothing")),
            1 => (Some(i64::MAX), Some("a payout of 2^63 - 1")),
            2..=5 => (None, None),
            _ => (Some(some), None),
        };
        let new = NewPayout { merchant, amount, urgent, number: None };
        self.ask_days(who, Command::RequestPayout(new.clone()), true, wrong);
        if self.dice.chance(60) {
            let wrong = Some("a payout that a payer asked for");
            let payer = self.town.payers[0].id;
            self.ask_days(Who::Payer(payer), Command::RequestPayout(new), true, wrong);
        }
        Ok(())
    }

    fn look_at_payouts(&mut self) -> Step {
        let page = self.queries.payouts_open(None, PageRequest::new(50, None))?;
        let waiting: Vec<_> =
            page.rows.into_iter().filter(|payout| payout.state == PayoutState::Waiting).collect();
        let Some(payout) = waiting.get(self.dice.below(waiting.len())) else { return Ok(()) };
        let (id, maker) = (payout.id, payout.maker);
        let who = Who::Checker(self.some_operator());
        match self.dice.below(10) {
            0 => {
                let reason = "looks wrong".into();
                self.ask_days(who, Command::RejectPayout { payout: id, reason }, false, None);
            }
            1 => {
                if let Some(maker) = maker {
                    let wrong = Some("an approval of one's own payout");
                    self.ask_days(Who::Checker(maker), Command::ApprovePayout(id), false, wrong);
                }
            }
            2 => {
                let wrong = Some("an approval by the merchant");
                let merchant = Who::Merchant(payout.merchant);
                self.ask_days(merchant, Command::ApprovePayout(id), false, wrong);
            }
            _ => {
                // Two people at the same instant, now and then.
                let own = Some(OperatorId(0));
                let others = [who, Who::Checker(self.some_operator())];
                let many = if self.dice.chance(300) { 2 } else { 1 };
                for who in others.into_iter().take(many) {
                    let by = if let Who::Checker(by) = who { Some(by) } else { own };
                    let wrong = (by == maker && by.is_some()).then_some("an approval of one's own payout");
                    self.ask_days(who, Command::ApprovePayout(id), false, wrong);
                }
            }
        }
        Ok(())
    }

    fn set_aside(&mut self, merchant: MerchantId) -> Step {
        let there = self.settled_money(merchant)?;
        let who = Who::Checker(self.some_operator());
        let until = match self.dice.below(4) {
            0 => None,
            _ => Some(self.latest().plus(self.dice.between(time::HOUR, 12 * time::DAY))),
        };
        let amount = self.dice.between(1, there.max(2));
        let mut new = NewHold {
            merchant,
            amount,
            reason: self.dice.pick(&HoldReason::ALL),
            note: "a payer disputes it".into(),
            until,
        };
        let wrong = match self.dice.below(12) {
            0 => {
                new.amount = 0;
                Some("a hold of nothing")
            }
            1 => {
                new.until = Some(self.now.plus(-3 * time::HOUR));
                Some("a hold until a time that has passed")
            }
            _ => None,
        };
        self.ask_days(who, Command::HoldMoney(Box::new(new)), true, wrong);
        Ok(())
    }

    fn let_go(&mut self, merchant: MerchantId) -> Step {
        let open = self.queries.holds_open(merchant, 20)?;
        let Some(hold) = open.get(self.dice.below(open.len())) else { return Ok(()) };
        if self.dice.chance(100) {
            let wrong = Some("a hold released by its merchant");
            self.ask_days(Who::Merchant(merchant), Command::ReleaseHold(hold.id), false, wrong);
        } else {
            let who = Who::Checker(self.some_operator());
            self.ask_days(who, Command::ReleaseHold(hold.id), false, None);
        }
        Ok(())
    }

    fn change_fees(&mut self, merchant: MerchantId) {
        // Announced days before, so that everybody knows by then whether it was taken.
        let from = self.now.business_day().plus(i32::try_from(self.dice.between(2, 6)).unwrap_or(2)).start();
        let rate = Rate(self.dice.pick(&[0, 3_800, 6_000, 12_345]));
        let tiers = match self.dice.below(3) {
            0 => vec![
                Tier { from: 50_00, rate: Rate(2_000), fixed: 0 },
                Tier { from: 500_00, rate, fixed: 10 },
            ],
            _ => Vec::new(),
        };
        let promotion = self.dice.chance(250).then(|| Promotion {
            from: from.plus(time::DAY),
            until: from.plus(4 * time::DAY),
            rate: Rate(0),
            fixed: 0,
        });
        let rule = Rule {
            fixed: self.dice.pick(&[0, 0, 1, 20]),
            least: self.dice.pick(&[0, 0, 1, 10]),
            most: self.dice.pick(&[None, None, Some(100), Some(5_00)]),
            tiers,
            promotion,
            rounding: self.dice.pick(&[Rounding::HalfUp, Rounding::Up, Rounding::Down]),
            returns: self.dice.pick(&[Return::ProRata, Return::None, Return::WhenFull]),
            ..Rule::plain(rate)
        };
        let product = self.dice.pick(&[None, None, Some(Product::Native), Some(Product::Jsapi)]);
        let new = NewVersion { merchant, effective_from: Some(from), product, rule: Some(rule) };
        self.ask_days(Who::Operator, Command::SetFees(Box::new(new)), true, None);
        if self.dice.chance(150) {
            let past = self.now.plus(-3 * time::HOUR);
            let late = NewVersion {
                merchant,
                effective_from: Some(past),
                product: None,
                rule: Some(Rule::plain(Rate(777))),
            };
            let wrong = Some("a fee that reaches back");
            self.ask(Who::Operator, Command::SetFees(Box::new(late)), true, wrong);
        }
    }

    fn look_at_exceptions(&mut self) -> Step {
        let page = self.queries.exceptions_open(PageRequest::new(50, None))?;
        let Some(row) = page.rows.get(self.dice.below(page.rows.len())).cloned() else { return Ok(()) };
        let who = self.some_operator();
        let exception = row.reference.clone();
        match (row.state, self.dice.below(10)) {
            (State::Open, 0) => {
                let question = row.question.unwrap_or(0);
                let more = question + if question < 0 { -1 } else { 1 };
                let why = "too much".into();
                let command = Command::SuggestCorrection { exception, correction: more, why };
                // What is in question may change until it is decided; one more than everything never fits.
                let wrong = (question == 0).then_some("a correction while nothing is in question");
                self.ask_days(Who::Checker(who), command, false, wrong);
            }
            (State::Open, _) => self.suggest(&row, who),
            (_, 0) => {
                let command = Command::RejectCorrection { exception, why: "not so".into() };
                self.ask_days(Who::Checker(who), command, false, None);
            }
            (_, 1) => self.suggest(&row, who),
            _ => {
                let own = (row.maker == Some(who)).then_some("an approval of one's own correction");
                let command = Command::ApproveCorrection { exception, correction: row.correction };
                // Another may suggest anew meanwhile; then it is another's.
                let own = own.filter(|_| self.days.books.suggested_once(&row.reference));
                self.ask_days(Who::Checker(who), command, false, own);
            }
        }
        Ok(())
    }

    fn suggest(&mut self, row: &Exception, who: OperatorId) {
        let question = row.question.unwrap_or(0);
        let correction = match self.dice.below(4) {
            0 => 0,
            1 => question / 2,
            _ => question,
        };
        let why = "the channel says so".into();
        let command = Command::SuggestCorrection { exception: row.reference.clone(), correction, why };
        self.ask_days(Who::Checker(who), command, false, None);
    }
}
