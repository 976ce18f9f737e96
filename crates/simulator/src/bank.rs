//! The bank: what it makes of a payment or a refund is settled when it first hears of it, and what it says of it can be late,
//! lost, doubled, or for some payments a lie.
//!
//! It is idempotent by the payment's id, and by a refund's id and attempt, as a channel must be. Asked about a payment that never reached it, it
//! settles on no and stays with it, should the request come after all.

use crate::{
    Sabotage,
    world::{Alive, Event, World},
};
use domain::{
    Command,
    payment::{ChannelAnswer, PaymentState},
};
use std::collections::BTreeMap;
use types::{PaymentId, RefundId, Time, time};

/// How long the worker lets the channel take (`worker::channel`); after that the outcome is unknown.
const ANSWER_WITHIN: i64 = 10 * time::SECOND;

/// What the bank is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Matter {
    Payment(PaymentId),
    /// An attempt of a refund.
    Refund(RefundId, u32),
}

impl Matter {
    /// What is recorded of an answer.
    pub(crate) fn answered(self, answer: ChannelAnswer) -> Command {
        match self {
            Self::Payment(id) => Command::AnswerPayment(id, answer),
            Self::Refund(refund, attempt) => Command::AnswerRefund { refund, attempt, answer },
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Bank {
    fates: BTreeMap<Matter, Fate>,
    /// It pays whatever it is asked.
    pub(crate) generous: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Fate {
    /// What the bank did: took the money or not.
    pub(crate) pays: bool,
    /// When the bank itself knows.
    known_at: Time,
    /// Asked again, it may say the opposite of what it said first.
    pub(crate) lies: bool,
    /// What it has said so far, whether or not it was heard.
    pub(crate) said_yes: bool,
    pub(crate) said_no: bool,
}

impl Bank {
    pub(crate) fn fate(&self, id: Matter) -> Option<Fate> {
        self.fates.get(&id).copied()
    }
    /// What it has done, and when, whatever it said.
    pub(crate) fn paid(&self) -> impl Iterator<Item = (Matter, Time)> + '_ {
        self.fates.iter().filter(|(_, fate)| fate.pays).map(|(id, fate)| (*id, fate.known_at))
    }
}

impl World {
    /// The worker asks about a payment or refund: to do it when that was never recorded, else what became of it.
    pub(crate) fn question(&mut self, alive: Alive, id: Matter, first: bool) {
        let odds = if self.calm { crate::weather::Bank::default() } else { self.weather.bank };
        if self.dice.chance(odds.lost / 2) {
            self.count("bank: question lost");
            return self.silence(alive, id);
        }
        let said = self.says(id, first);
        if self.dice.chance(odds.lost / 2) {
            self.count("bank: answer lost");
            return self.silence(alive, id);
        }
        let slow = self.dice.chance(odds.slow);
        let late = self.dice.between(20_000, if slow { 40 * time::SECOND } else { 800_000 });
        if self.dice.chance(odds.doubled) {
            self.count("bank: answer doubled");
            let again = late + self.dice.between(0, 60 * time::SECOND);
            self.enter_in(again, Event::BankCalls(id, said.clone()));
        }
        if late < ANSWER_WITHIN {
            return self.enter_in(late, Event::BankSays(alive, id, said));
        }
        if self.dice.chance(500) {
            self.count("bank: answer late");
            self.enter_in(late, Event::BankCalls(id, said));
        }
        self.silence(alive, id);
    }

    /// Nothing comes within the time the worker gives.
    fn silence(&mut self, alive: Alive, id: Matter) {
        let taken_for = match self.sabotage {
            Some(Sabotage::TimeoutIsDeclined) => ChannelAnswer::Declined("timeout".into()),
            _ => ChannelAnswer::Unknown,
        };
        self.enter_in(ANSWER_WITHIN, Event::BankSays(alive, id, taken_for));
    }

    pub(crate) fn says(&mut self, id: Matter, first: bool) -> ChannelAnswer {
        let (now, calm) = (self.now, self.calm);
        if self.bank.fate(id).is_none() {
            let odds = self.weather.bank;
            let ignorant = self.dice.chance(odds.unknown) && !calm;
            // Over the night, where days are matched in the morning.
            let nights = self.days.wanted > 0 && self.dice.chance(150);
            let most = if nights { 72 * time::HOUR } else { 3 * time::HOUR };
            let for_long = if ignorant { self.dice.between(time::SECOND, most) } else { 0 };
            let pays = (first && self.dice.chance(750)) || self.bank.generous;
            let lies = self.dice.chance(odds.lies) && !calm;
            let known_at = now.plus(for_long);
            self.bank.fates.insert(id, Fate { pays, known_at, lies, said_yes: false, said_no: false });
        }
        let turn = self.dice.chance(500);
        let Some(fate) = self.bank.fates.get_mut(&id) else { return ChannelAnswer::Unknown };
        if now < fate.known_at && !calm {
            return ChannelAnswer::Unknown;
        }
        let again = fate.said_yes || fate.said_no;
        let lie = fate.lies && again && turn;
        let yes = fate.pays != lie;
        if lie {
            self.count("bank: lie");
        }
        self.said(id, yes)
    }

    fn said(&mut self, id: Matter, yes: bool) -> ChannelAnswer {
        if let Some(fate) = self.bank.fates.get_mut(&id) {
            fate.said_yes |= yes;
            fate.said_no |= !yes;
        }
        if yes {
            ChannelAnswer::Succeeded(match id {
                Matter::Payment(id) => format!("B{id}").into(),
                Matter::Refund(id, attempt) => format!("R{id}-{attempt}").into(),
            })
        } else {
            ChannelAnswer::Declined("51".into())
        }
    }

    /// Whether the bank ever said that a payment is in this state.
    pub(crate) fn bank_said(&self, id: PaymentId, state: PaymentState) -> bool {
        let fate = self.bank.fate(Matter::Payment(id));
        match state {
            PaymentState::Succeeded => fate.is_some_and(|fate| fate.said_yes),
            PaymentState::Declined => fate.is_some_and(|fate| fate.said_no),
            PaymentState::Authorising | PaymentState::Unknown => true,
        }
    }
}
