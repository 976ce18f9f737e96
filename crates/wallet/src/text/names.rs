//! Names of banks, account classes, identity channels and what a journal line did.

use super::{Phrase, text};
use domain::payer::{AccountClass, IdentityChannel};
use domain::user_transfer::FailReason;
use engine::query::JournalRow;
use protocol::Language;
use types::PayerId;

/// A card for people: `招商银行 储蓄卡 **** 4242`. The code is the wire's, `CMB_DEBIT`.
pub(crate) fn card(bank: &str, tail: &str, language: Language) -> String {
    format!("{} **** {tail}", self::bank(bank, language))
}

/// Banks by the first part of their wire codes, in both languages.
const BANKS: [(&str, &str, &str); 15] = [
    ("ABC", "农业银行", "Agricultural Bank of China"),
    ("BOC", "中国银行", "Bank of China"),
    ("CCB", "建设银行", "China Construction Bank"),
    ("CEB", "光大银行", "China Everbright Bank"),
    ("CIB", "兴业银行", "Industrial Bank"),
    ("CITIC", "中信银行", "China CITIC Bank"),
    ("CMB", "招商银行", "China Merchants Bank"),
    ("CMBC", "民生银行", "China Minsheng Bank"),
    ("COMM", "交通银行", "Bank of Communications"),
    ("GDB", "广发银行", "China Guangfa Bank"),
    ("HXB", "华夏银行", "Hua Xia Bank"),
    ("ICBC", "工商银行", "ICBC"),
    ("PAB", "平安银行", "Ping An Bank"),
    ("PSBC", "邮储银行", "Postal Savings Bank"),
    ("SPDB", "浦发银行", "SPD Bank"),
];

/// A bank and kind of card by the wire code. A code without a name here is shown as it is: better odd than
/// wrong.
pub(crate) fn bank(code: &str, language: Language) -> String {
    let kind = match code.rsplit_once('_') {
        Some((_, "DEBIT")) => "bank-debit",
        Some((_, "CREDIT")) => "bank-credit",
        _ if code == "OTHERS" => return text(language, "bank-other", None).into_owned(),
        _ => return code.to_owned(),
    };
    let kind = text(language, kind, None);
    let short = code.rsplit_once('_').map_or(code, |(short, _)| short);
    let known = BANKS.iter().find(|(known, ..)| *known == short);
    match (language, known) {
        (Language::Zh, known) => format!("{}{kind}", known.map_or(short, |(_, zh, _)| zh)),
        (Language::En, known) => format!("{} {kind}", known.map_or(short, |(.., en)| en)),
    }
}

/// Why a bank declined. The channel's text ends in the response code of ISO 8583, `do not honour (05)`; known
/// codes are put into words, others are shown as they came.
pub(crate) fn decline(reason: &str, language: Language) -> String {
    let code = reason.rsplit_once('(').and_then(|(_, code)| code.strip_suffix(')'));
    let key = match code.unwrap_or(reason) {
        "05" => "decline-refused",
        "14" => "decline-no-such-card",
        "41" | "43" => "decline-lost",
        "51" => "decline-not-enough",
        "54" => "decline-expired",
        "57" | "62" => "decline-not-permitted",
        "61" | "65" => "decline-limit",
        "91" | "96" => "decline-bank-down",
        _ => return reason.to_owned(),
    };
    text(language, key, None).into_owned()
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
        "create_order" | "create_combined" => "deed-order-placed",
        "code_pay" => "deed-code-scanned",
        "pay_order" | "pay_combined" | "confirm_code_pay" | "top_up" if pin_refused => "deed-pin-wrong",
        "confirm_code_pay" if row.note.as_deref() == Some("refused by the payer") => "deed-refused-by-you",
        "pay_order" | "pay_combined" | "confirm_code_pay" => "deed-confirmed",
        "top_up" => "deed-top-up",
        "answer_payment" if row.note.as_deref() == Some("outcome unknown") => "deed-bank-silent",
        "answer_payment" => "deed-bank-answered",
        "close_order" | "close_combined" => "deed-closed",
        "expire_order" => "deed-expired",
        "reverse_order" => "deed-reversed",
        "create_refund" => "deed-refund-asked",
        "request_user_transfer" | "pay_transfer_batch" => "deed-transfer-asked",
        "confirm_user_transfer" => "deed-transfer-confirmed",
        "cancel_user_transfer" => "deed-transfer-cancelled",
        "advance_user_transfer" => "deed-transfer-advanced",
        _ => "deed-other",
    })
}

/// Why a transfer can't be, or was not, received.
pub(crate) const fn transfer_refused(why: FailReason) -> &'static str {
    match why {
        FailReason::Overdue => "why-transfer-overdue",
        FailReason::Account => "why-transfer-account",
        FailReason::Name => "why-transfer-name",
        FailReason::Day => "why-transfer-day",
        FailReason::Class => "why-transfer-class",
    }
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
        "transfer_refused" => "short-transfer-refused",
        "user_transfer_overdue" => "short-expired",
        "order_closed" | "order_revoked" | "order_failed" => "short-closed",
        code => return Some(Phrase::new("short-other").with("code", code)),
    };
    Some(Phrase::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banks_and_their_refusals_are_named() {
        for (code, zh, en) in [
            ("CMB_DEBIT", "招商银行储蓄卡", "China Merchants Bank debit"),
            ("CMBC_CREDIT", "民生银行信用卡", "China Minsheng Bank credit"),
            ("XYZ_DEBIT", "XYZ储蓄卡", "XYZ debit"),
            ("OTHERS", "银行卡", "Bank card"),
            ("odd", "odd", "odd"),
        ] {
            assert_eq!((bank(code, Language::Zh).as_str(), bank(code, Language::En).as_str()), (zh, en));
        }
        assert_eq!(card("OTHERS", "1232", Language::En), "Bank card **** 1232");
        assert_eq!(decline("insufficient funds (51)", Language::Zh), "卡内余额不足");
        assert_eq!(decline("51", Language::En), "not enough on the card");
        assert_eq!(decline("come back later", Language::En), "come back later");
    }
}
