//! Names of banks, account classes, identity channels and what a journal line did.

use super::{Phrase, text};
use domain::payer::{AccountClass, IdentityChannel};
use engine::query::JournalRow;
use protocol::Language;
use types::PayerId;

/// A card for people: `招商银行 储蓄卡 **** 4242`. The code is the wire's, `CMB_DEBIT`.
pub(crate) fn card(bank: &str, tail: &str, language: Language) -> String {
    format!("{} **** {tail}", self::bank(bank, language))
}

/// A bank by its wire code. A code without a name here is shown as it is: better odd than wrong.
pub(crate) fn bank(code: &str, language: Language) -> String {
    let (bank, kind) = code.rsplit_once('_').unwrap_or((code, ""));
    let kind = match kind {
        "DEBIT" => text(language, "bank-debit", None),
        "CREDIT" => text(language, "bank-credit", None),
        _ => return code.to_owned(),
    };
    let name = match (bank, language) {
        ("ABC", Language::Zh) => "农业银行",
        ("ABC", Language::En) => "Agricultural Bank of China",
        ("BOC", Language::Zh) => "中国银行",
        ("BOC", Language::En) => "Bank of China",
        ("CCB", Language::Zh) => "建设银行",
        ("CCB", Language::En) => "China Construction Bank",
        ("CMB", Language::Zh) => "招商银行",
        ("CMB", Language::En) => "China Merchants Bank",
        ("COMM", Language::Zh) => "交通银行",
        ("COMM", Language::En) => "Bank of Communications",
        ("ICBC", Language::Zh) => "工商银行",
        ("ICBC", Language::En) => "ICBC",
        ("PSBC", Language::Zh) => "邮储银行",
        ("PSBC", Language::En) => "Postal Savings Bank",
        (other, _) => other,
    };
    match language {
        Language::Zh => format!("{name}{kind}"),
        Language::En => format!("{name} {kind}"),
    }
}

/// I, II or III.
pub(crate) const fn class(class: AccountClass) -> &'static str {
    match class {
        AccountClass::One => "I",
        AccountClass::Two => "II",
        AccountClass::Three => "III",
    }
}

/// Every identity channel with its text and the name a form gives it.
pub(crate) const CHANNELS: [(IdentityChannel, &str, &str); 7] = [
    (IdentityChannel::Phone, "phone", "channel-phone"),
    (IdentityChannel::IdentityCard, "identity-card", "channel-identity-card"),
    (IdentityChannel::BankCard, "bank-card", "channel-bank-card"),
    (IdentityChannel::Education, "education", "channel-education"),
    (IdentityChannel::SocialSecurity, "social-security", "channel-social-security"),
    (IdentityChannel::Tax, "tax", "channel-tax"),
    (IdentityChannel::FaceToFace, "face-to-face", "channel-face-to-face"),
];

/// Who acted, as the payer may know it: another payer is nobody in particular.
pub(crate) fn actor(row: &JournalRow, me: PayerId) -> Phrase {
    Phrase::new(match row.actor.split(':').next().unwrap_or_default() {
        "payer" if row.actor == format!("payer:{me}") => "actor-you",
        "payer" => "actor-someone",
        "merchant" => "actor-merchant",
        "channel" => "actor-bank",
        "visitor" => "actor-visitor",
        _ => "actor-platform",
    })
}

/// What a journal line did, in plain words.
pub(crate) fn deed(row: &JournalRow) -> Phrase {
    let pin_refused = row.note.as_deref() == Some("pin refused");
    Phrase::new(match row.command.as_str() {
        "create_order" => "deed-order-placed",
        "code_pay" => "deed-code-scanned",
        "pay_order" | "confirm_code_pay" | "top_up" if pin_refused => "deed-pin-wrong",
        "confirm_code_pay" if row.note.as_deref() == Some("refused by the payer") => "deed-refused-by-you",
        "pay_order" | "confirm_code_pay" => "deed-confirmed",
        "top_up" => "deed-top-up",
        "answer_payment" if row.note.as_deref() == Some("outcome unknown") => "deed-bank-silent",
        "answer_payment" => "deed-bank-answered",
        "close_order" => "deed-closed",
        "expire_order" => "deed-expired",
        "reverse_order" => "deed-reversed",
        _ => "deed-other",
    })
}

/// Why a journal line was refused; none when it was not.
pub(crate) fn outcome(row: &JournalRow) -> Option<Phrase> {
    let key = match row.outcome.as_str() {
        "ok" => return None,
        "not_enough" => "short-not-enough",
        "limit_exceeded" => "short-limit",
        "pin_locked" => "short-pin-locked",
        "order_busy" => "short-busy",
        "order_paid" => "short-paid",
        "order_expired" | "entry_expired" => "short-expired",
        "order_closed" | "order_revoked" | "order_failed" => "short-closed",
        code => return Some(Phrase::new("short-other").with("code", code)),
    };
    Some(Phrase::new(key))
}
