//! What the simulated bank does, by the last four digits of the card.

use super::card_number;
use domain::{
    payment::{ChannelAnswer, Payment},
    refund::Refund,
};
use std::time::Duration;
use types::{Time, time::SECOND};

/// What a card of the simulated bank does. Also the menu of faults that a sandbox offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Behaviour {
    /// Pays at once: every tail that is not named below.
    Pays,
    /// 0002: declines, code 51.
    NotEnough,
    /// 0005: declines, code 05.
    Declines,
    /// 0101: pays after three seconds.
    Slow,
    /// 0110: pays, but the answer is lost; only a later question brings it.
    AnswerLost,
    /// 0119: does not know for 30 seconds, then has paid.
    PaysLater,
    /// 0127: does not know for 30 seconds, then has declined.
    DeclinesLater,
    /// 0135: never knows.
    NeverKnows,
    /// 0143: does not answer the first question at all, has paid when asked again.
    Hangs,
    /// 0150: pays; refunds to it fail, code 14, so that they become abnormal.
    RefundFails,
    /// 0168: pays; does not know of a refund for 30 seconds, then has brought the money.
    RefundsLater,
    /// 0176: pays; never knows of a refund.
    RefundNeverKnown,
    /// 0184: pays; the channel's bill leaves it out.
    BillLacks,
    /// 0192: pays; the bill has another transaction besides, of which nobody here knows.
    BillInvents,
    /// 0208: pays; the bill says one fen more.
    BillAmount,
    /// 0216: pays; the bill says that it failed.
    BillStatus,
    /// 0224: pays; the bill has it twice, the second under another serial number.
    BillTwice,
    /// 0232: pays; the channel pays the bank one yuan less than its bill of the day says.
    BankLess,
    /// 0240: pays; the channel pays the bank for the day two days late.
    BankLate,
    /// 0248: pays; on the bank's statement is a credit besides, of which nobody here knows.
    BankStranger,
}

/// A card number to try a behaviour with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCard {
    /// The number; passes every check.
    pub number: String,
    /// What it does.
    pub behaviour: Behaviour,
}

/// How long the bank does not know, where it does not.
const UNKNOWN_FOR: i64 = 30 * SECOND;
const SLOW: Duration = Duration::from_secs(3);
/// Longer than anybody waits.
const HANGS: Duration = Duration::from_secs(120);

impl Behaviour {
    /// The whole menu.
    pub const ALL: [Self; 20] = [
        Self::Pays,
        Self::NotEnough,
        Self::Declines,
        Self::Slow,
        Self::AnswerLost,
        Self::PaysLater,
        Self::DeclinesLater,
        Self::NeverKnows,
        Self::Hangs,
        Self::RefundFails,
        Self::RefundsLater,
        Self::RefundNeverKnown,
        Self::BillLacks,
        Self::BillInvents,
        Self::BillAmount,
        Self::BillStatus,
        Self::BillTwice,
        Self::BankLess,
        Self::BankLate,
        Self::BankStranger,
    ];

    /// The card's last four digits; for [`Behaviour::Pays`] one of many.
    #[must_use]
    pub const fn tail(self) -> &'static str {
        match self {
            Self::Pays => "0000",
            Self::NotEnough => "0002",
            Self::Declines => "0005",
            Self::Slow => "0101",
            Self::AnswerLost => "0110",
            Self::PaysLater => "0119",
            Self::DeclinesLater => "0127",
            Self::NeverKnows => "0135",
            Self::Hangs => "0143",
            Self::RefundFails => "0150",
            Self::RefundsLater => "0168",
            Self::RefundNeverKnown => "0176",
            Self::BillLacks => "0184",
            Self::BillInvents => "0192",
            Self::BillAmount => "0208",
            Self::BillStatus => "0216",
            Self::BillTwice => "0224",
            Self::BankLess => "0232",
            Self::BankLate => "0240",
            Self::BankStranger => "0248",
        }
    }

    /// What a card with this tail does.
    #[must_use]
    pub fn of_tail(tail: &str) -> Self {
        Self::ALL.into_iter().find(|behaviour| behaviour.tail() == tail).unwrap_or(Self::Pays)
    }

    /// One card for each behaviour, with the prefix of ICBC debit cards.
    #[must_use]
    pub fn test_cards() -> Vec<TestCard> {
        let card = |behaviour: Self| {
            let number = card_number("622202", behaviour.tail())?;
            Some(TestCard { number, behaviour })
        };
        Self::ALL.into_iter().filter_map(card).collect()
    }

    /// A token ends in the card's tail.
    pub(super) fn of_token(token: &str) -> Self {
        let start = token.len().saturating_sub(4);
        token.get(start..).map_or(Self::Pays, Self::of_tail)
    }

    /// How long the bank takes to answer the first question.
    pub(super) const fn pause(self) -> Option<Duration> {
        match self {
            Self::Slow => Some(SLOW),
            Self::Hangs => Some(HANGS),
            _ => None,
        }
    }
}

/// What has become of a payment by `now`. The same for the same payment, however often it is asked.
pub(super) fn settled(behaviour: Behaviour, payment: &Payment, now: Time) -> ChannelAnswer {
    let known = now >= payment.created_at.plus(UNKNOWN_FOR);
    let paid = || ChannelAnswer::Succeeded(format!("SB{}", payment.id).into());
    match behaviour {
        Behaviour::NotEnough => ChannelAnswer::Declined("insufficient funds (51)".into()),
        Behaviour::Declines => ChannelAnswer::Declined("do not honour (05)".into()),
        Behaviour::NeverKnows => ChannelAnswer::Unknown,
        Behaviour::PaysLater | Behaviour::DeclinesLater if !known => ChannelAnswer::Unknown,
        Behaviour::DeclinesLater => ChannelAnswer::Declined("do not honour (05)".into()),
        _ => paid(),
    }
}

/// What has become of the present attempt of a refund by `now`. The same for the same attempt, however often it is
/// asked. A card that can't be charged can still be paid to.
pub(super) fn refunded(behaviour: Behaviour, refund: &Refund, now: Time) -> ChannelAnswer {
    let known = now >= refund.created_at.plus(UNKNOWN_FOR);
    match behaviour {
        Behaviour::RefundFails => ChannelAnswer::Declined("invalid card number (14)".into()),
        Behaviour::RefundNeverKnown => ChannelAnswer::Unknown,
        Behaviour::RefundsLater if !known => ChannelAnswer::Unknown,
        _ => ChannelAnswer::Succeeded(format!("SR{}-{}", refund.id, refund.attempt).into()),
    }
}

/// When the bank confirmed `payment`, by its own clock; none while it has not by `now`.
pub(super) fn paid_at(behaviour: Behaviour, payment: &Payment, now: Time) -> Option<Time> {
    let asked = payment.asked > 0;
    let paid = matches!(settled(behaviour, payment, now), ChannelAnswer::Succeeded(_));
    let later = if behaviour == Behaviour::PaysLater { UNKNOWN_FOR } else { 0 };
    (asked && paid).then(|| payment.created_at.plus(later))
}

/// When the bank brought the money of `refund` to a card, by its own clock; none while it has not by `now`.
pub(super) fn refunded_at(behaviour: Behaviour, refund: &Refund, now: Time) -> Option<Time> {
    let brought = matches!(refunded(behaviour, refund, now), ChannelAnswer::Succeeded(_));
    let at = match behaviour {
        Behaviour::AnswerLost => refund.created_at,
        Behaviour::RefundsLater => refund.created_at.plus(UNKNOWN_FOR),
        _ => refund.ended_at.unwrap_or(refund.created_at),
    };
    (refund.asked > 0 && brought).then_some(at)
}
