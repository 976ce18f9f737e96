use super::*;
use domain::{merchant::Product, rejection::Cap};
use ledger::AccountId;
use protocol::Language;
use types::{AppId, Currency, MerchantId, Money, PayerId, Time, TransferId};

fn app() -> AppId {
    AppId(5)
}

/// Every rejection with the status and code a merchant is told. The match in [`rejection`] is exhaustive, so a
/// new rejection does not compile until it has a row there; this table keeps the rows from changing unseen.
#[test]
fn every_rejection_has_its_code() {
    use Rejection as R;
    let (id, time, money) = (MerchantId(1), Time(0), Money::cny(1));
    let account = AccountId::payer_balance(PayerId(1), Currency::CNY);
    let table = [
        (R::MerchantNotFound(id), 400, "MCH_NOT_EXISTS"),
        (R::MerchantSuspended(id), 403, "NO_AUTH"),
        (R::MerchantExists(id), 400, "ALREADY_EXISTS"),
        (R::NumberOutOfRange(0), 400, "INVALID_REQUEST"),
        (R::ProductOff(Product::H5), 403, "NO_AUTH"),
        (R::AppNotFound(app()), 400, "APPID_MCHID_NOT_MATCH"),
        (R::AppNotBound(app(), id), 400, "APPID_MCHID_NOT_MATCH"),
        (R::CertificateExists, 400, "ALREADY_EXISTS"),
        (R::PayerNotFound, 403, "ACCOUNT_ERROR"),
        (R::PayerSuspended, 403, "ACCOUNT_ERROR"),
        (R::OpenidMismatch, 500, "OPENID_MISMATCH"),
        (R::OrderNotFound, 404, "ORDER_NOT_EXIST"),
        (R::OrderNumberUsed, 403, "OUT_TRADE_NO_USED"),
        (R::OrderPaid, 400, "INVALID_REQUEST"),
        (R::OrderClosed, 400, "ORDER_CLOSED"),
        (R::OrderExpired(time), 400, "INVALID_REQUEST"),
        (R::OrderBusy, 400, "INVALID_REQUEST"),
        (R::OrderRevoked, 400, "INVALID_REQUEST"),
        (R::OrderFailed, 403, "TRADE_ERROR"),
        (R::NotReversible, 400, "INVALID_REQUEST"),
        (R::ReverseTooLate, 400, "INVALID_REQUEST"),
        (R::WrongPayer, 400, "INVALID_REQUEST"),
        (R::WrongApp, 400, "PARAM_ERROR"),
        (R::WrongAmount { wanted: money, confirmed: money }, 400, "INVALID_REQUEST"),
        (R::EntryExpired, 400, "INVALID_REQUEST"),
        (R::EntryMismatch, 400, "INVALID_REQUEST"),
        (R::AmountOutOfRange, 400, "PARAM_ERROR"),
        (R::CurrencyUnsupported, 400, "PARAM_ERROR"),
        (R::PinNotSet, 403, "ACCOUNT_ERROR"),
        (R::PinAlreadySet, 400, "INVALID_REQUEST"),
        (R::PinLocked(time), 403, "RULE_LIMIT"),
        (R::NotEnough, 403, "NOT_ENOUGH"),
        (R::LimitExceeded { limit: Cap::BalanceDay, left: money }, 403, "RULE_LIMIT"),
        (R::CodeInvalid, 400, "INVALID_REQUEST"),
        (R::CodeUsed, 400, "INVALID_REQUEST"),
        (R::CodeExpired, 400, "INVALID_REQUEST"),
        (R::CodeTooSoon(time), 429, "FREQUENCY_LIMITED"),
        (R::CodeTooMany, 429, "FREQUENCY_LIMITED"),
        (R::CodeMissing, 400, "INVALID_REQUEST"),
        (R::SessionEnded, 403, "NO_AUTH"),
        (R::CardNotFound, 404, "RESOURCE_NOT_EXISTS"),
        (R::TooManyCards(15), 400, "INVALID_REQUEST"),
        (R::PaymentNotFound, 404, "RESOURCE_NOT_EXISTS"),
        (R::PaymentFinal, 400, "INVALID_REQUEST"),
        (R::NotificationNotFound, 404, "RESOURCE_NOT_EXISTS"),
        (R::OauthCodeInvalid, 400, "INVALID_REQUEST"),
        (R::RedirectNotAllowed, 400, "INVALID_REQUEST"),
        (R::RequestKeyReused, 400, "INVALID_REQUEST"),
        (R::NotAllowed, 403, "NO_AUTH"),
        (R::LimitsOutOfOrder(time), 400, "INVALID_REQUEST"),
        (R::Ledger(Refused::Amount(0)), 500, "SYSTEM_ERROR"),
        (R::Ledger(Refused::SameAccount(account)), 500, "SYSTEM_ERROR"),
        (R::Ledger(Refused::Currency(account, account)), 500, "SYSTEM_ERROR"),
        (R::Ledger(Refused::NotEnough { account, available: money, needed: money }), 403, "NOT_ENOUGH"),
        (R::Ledger(Refused::Frozen(account)), 403, "ACCOUNT_ERROR"),
        (R::Ledger(Refused::Overflow(account)), 500, "SYSTEM_ERROR"),
        (R::Ledger(Refused::NotPending(TransferId(1))), 500, "SYSTEM_ERROR"),
    ];
    for (why, status, code) in table {
        let told = rejection(&why);
        assert_eq!((told.status(), told.code.wire()), (status, code), "{why:?}");
        for language in [Language::Zh, Language::En] {
            let text = told.message.get(language);
            assert!((1..=256).contains(&text.chars().count()), "{why:?}: {text}");
            assert_eq!(text.is_ascii(), language == Language::En, "{why:?}: {text}");
        }
    }
}

#[test]
fn a_command_without_an_answer_says_whether_to_repeat_it() {
    for (why, status, code) in [
        (Refusal::Busy, 429, "FREQUENCY_LIMITED"),
        (Refusal::Stopped, 503, "SERVICE_UNAVAILABLE"),
        (Refusal::Unavailable("disk full".into()), 500, "SYSTEM_ERROR"),
        (Refusal::Rejected(Rejection::OrderNotFound), 404, "ORDER_NOT_EXIST"),
    ] {
        let told = refusal(&why);
        assert_eq!((told.status(), told.code.wire()), (status, code));
        assert!(!told.message.en.contains("disk"), "the store's words are for the log");
    }
}

#[test]
fn the_money_that_a_reversal_lacks_is_the_merchants() {
    let told = reversal(&Refusal::Rejected(Rejection::NotEnough));
    assert_eq!(told.code, Code::NotEnough);
    assert!(told.message.en.contains("merchant's"));
    assert_eq!(reversal(&Refusal::Busy).code, Code::FrequencyLimited);
}
