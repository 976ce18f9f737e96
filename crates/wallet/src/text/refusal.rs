//! Refusals in a payer's words: what happened, whether money moved, what to do now.

use super::{Phrase, show::money};
use domain::{Rejection, payer::PinOutcome, rejection::Cap, user_transfer::FailReason};
use engine::Refusal;

/// What a page says of a refusal.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    /// What happened.
    pub what: Phrase,
    /// Whether money moved.
    pub money: Phrase,
    /// What to do now.
    pub next: Phrase,
}

/// The usual case: a rejected command changed nothing.
fn unmoved(what: impl Into<Phrase>, next: impl Into<Phrase>) -> Words {
    Words { what: what.into(), money: Phrase::new("money-unmoved"), next: next.into() }
}

/// Words for any refusal of the engine.
pub(crate) fn of(refusal: &Refusal) -> Words {
    match refusal {
        Refusal::Rejected(rejection) => of_rejection(rejection),
        Refusal::Busy => unmoved("why-busy", "next-again-soon"),
        Refusal::Unknown(_) => Words {
            what: "why-outcome-unknown".into(),
            money: "money-under-way".into(),
            next: "next-look-in-bills".into(),
        },
        Refusal::Unavailable(_) | Refusal::Stopped => unmoved("why-unavailable", "next-again-soon"),
    }
}

fn of_rejection(rejection: &Rejection) -> Words {
    match rejection {
        Rejection::PayerSuspended => unmoved("why-suspended", "next-contact"),
        Rejection::MerchantSuspended(_)
        | Rejection::NotSubMerchant { .. }
        | Rejection::PartnerMayNot { .. } => unmoved("why-merchant-suspended", "next-merchant"),
        Rejection::OrderNotFound | Rejection::OrderNumberUsed => unmoved("why-no-order", "next-new-code"),
        Rejection::OrderPaid => Words {
            what: "why-order-paid".into(),
            money: "money-not-again".into(),
            next: "next-look-in-bills".into(),
        },
        Rejection::OrderClosed | Rejection::OrderRevoked | Rejection::OrderFailed => {
            unmoved("why-order-closed", "next-new-code")
        }
        Rejection::OrderExpired(until) => {
            unmoved(Phrase::new("why-order-expired").with("until", until.local()), "next-new-code")
        }
        Rejection::OrderBusy => {
            Words { what: "why-order-busy".into(), money: "money-under-way".into(), next: "next-wait".into() }
        }
        Rejection::WrongPayer => unmoved("why-wrong-payer", "next-own-account"),
        Rejection::WrongAmount { .. } => unmoved("why-wrong-amount", "next-look-again"),
        Rejection::EntryExpired => unmoved("why-entry-expired", "next-new-code"),
        Rejection::EntryMismatch => unmoved("why-entry-mismatch", "next-new-code"),
        Rejection::AmountOutOfRange => unmoved("why-amount-range", "next-other-amount"),
        Rejection::PinNotSet => unmoved("why-pin-not-set", "next-set-pin"),
        Rejection::PinAlreadySet => unmoved("why-pin-set", "next-change-pin"),
        Rejection::PinLocked(until) => {
            unmoved(Phrase::new("why-pin-locked").with("until", until.local()), "next-pin-locked")
        }
        Rejection::NotEnough => unmoved("why-not-enough", "next-not-enough"),
        Rejection::LimitExceeded { limit, left } => {
            let what = match limit {
                Cap::ClassLifetime => "why-limit-lifetime",
                Cap::ClassYear => "why-limit-year",
                Cap::BalanceDay => "why-limit-day",
                Cap::BarcodeDay => "why-limit-barcode",
                Cap::TopUp => "why-limit-top-up",
            };
            let next = match limit {
                Cap::ClassLifetime | Cap::ClassYear => "next-limit-class",
                Cap::BalanceDay => "next-limit-day",
                Cap::BarcodeDay => "next-limit-barcode",
                Cap::TopUp => "next-other-amount",
            };
            unmoved(Phrase::new(what).with("left", money(*left)), next)
        }
        Rejection::UserTransferNotFound => unmoved("why-no-transfer", "next-merchant"),
        Rejection::UserTransferNotWaiting(_) => unmoved("why-transfer-ended", "next-look-in-bills"),
        Rejection::UserTransferOverdue(_) => unmoved("why-transfer-overdue", "next-merchant"),
        Rejection::TransferRefused(why) => {
            let next = match why {
                FailReason::Class => "next-limit-class",
                FailReason::Day => "next-limit-day",
                FailReason::Overdue | FailReason::Account | FailReason::Name => "next-merchant",
            };
            unmoved(super::names::transfer_refused(*why), next)
        }
        Rejection::MoneyUnderWay => unmoved("why-busy", "next-again-soon"),
        Rejection::CardNotFound => unmoved("why-no-card", "next-other-card"),
        Rejection::TooManyCards(most) => {
            unmoved(Phrase::new("why-too-many-cards").with("most", *most), "next-other-card")
        }
        Rejection::PaymentNotFound => unmoved("why-no-payment", "next-look-in-bills"),
        Rejection::SessionEnded => unmoved("why-session-ended", "next-sign-in"),
        Rejection::CodeTooSoon(at) => {
            unmoved(Phrase::new("why-code-too-soon").with("at", at.local()), "next-code-wait")
        }
        Rejection::CodeTooMany => unmoved("why-code-too-many", "next-code-tomorrow"),
        Rejection::CodeMissing => unmoved("why-code-missing", "next-code-again"),
        Rejection::AppNotFound(_) => unmoved("why-no-app", "next-merchant"),
        Rejection::RedirectNotAllowed => unmoved("why-redirect", "next-merchant"),
        Rejection::RequestKeyReused => unmoved("why-request-reused", "next-enter-again"),
        // Never met by a payer's own page; said plainly, with the code for support.
        other => unmoved(Phrase::new("why-refused").with("code", other.code()), "next-contact"),
    }
}

/// Words for a PIN that was not right; none for a right one.
pub(crate) fn of_pin(outcome: PinOutcome) -> Option<Words> {
    match outcome {
        PinOutcome::Right => None,
        PinOutcome::Wrong { left } => {
            Some(unmoved(Phrase::new("why-pin-wrong").with("left", left), "next-pin-again"))
        }
        PinOutcome::Locked { until } => {
            Some(unmoved(Phrase::new("why-pin-now-locked").with("until", until.local()), "next-pin-locked"))
        }
    }
}
