//! Why a command was refused: a stable code, and the values a reader needs.

use crate::merchant::Product;
use ledger::{AccountId, Refused};
use serde::{Deserialize, Serialize};
use types::{AppId, MerchantId, Money, Shard, Time};

/// A refusal. Nothing changed but the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    /// No such merchant.
    #[error("merchant {0} does not exist")]
    MerchantNotFound(MerchantId),
    /// The merchant may not trade now.
    #[error("merchant {0} is suspended")]
    MerchantSuspended(MerchantId),
    /// The merchant exists already.
    #[error("merchant {0} exists already")]
    MerchantExists(MerchantId),
    /// The number of a merchant or channel can't own accounts.
    #[error("{0} can't be the number of a merchant or channel; give 1 to {max}", max = AccountId::OWNER_MAX)]
    NumberOutOfRange(i64),
    /// The product is switched off for the merchant.
    #[error("product {0:?} is not enabled for this merchant; enable it first")]
    ProductOff(Product),
    /// The application is unknown.
    #[error("application {0} does not exist")]
    AppNotFound(AppId),
    /// The application is not bound to the merchant.
    #[error("{0} is not bound to merchant {1}; bind it first")]
    AppNotBound(AppId, MerchantId),
    /// The serial belongs to another merchant or another certificate.
    #[error("a certificate with this serial exists already")]
    CertificateExists,
    /// The payer is unknown.
    #[error("the payer does not exist")]
    PayerNotFound,
    /// The payer may not pay now.
    #[error("the payer's account is suspended")]
    PayerSuspended,
    /// The openid names no payer of this application.
    #[error("the openid does not belong to this application")]
    OpenidMismatch,
    /// No such order.
    #[error("the order does not exist")]
    OrderNotFound,
    /// The merchant's number is taken by an order with other content.
    #[error("the order number is taken by an order with other content")]
    OrderNumberUsed,
    /// The order is paid.
    #[error("the order is paid")]
    OrderPaid,
    /// The order is closed.
    #[error("the order is closed")]
    OrderClosed,
    /// The order's payment deadline has passed.
    #[error("the order could be paid until {0}")]
    OrderExpired(Time),
    /// A payment of this order is under way and its outcome is not known yet.
    #[error("a payment of this order is under way; wait for its outcome")]
    OrderBusy,
    /// The order was reversed.
    #[error("the order was reversed")]
    OrderRevoked,
    /// The order's payment failed for good.
    #[error("the payment of this order failed")]
    OrderFailed,
    /// The order is not one of this product.
    #[error("only a payment-code order can be reversed")]
    NotReversible,
    /// Too long after the payment.
    #[error("an order can be reversed within 7 days")]
    ReverseTooLate,
    /// The order belongs to another payer.
    #[error("the order is for another payer")]
    WrongPayer,
    /// The order belongs to another application.
    #[error("the order was placed with another appid")]
    WrongApp,
    /// The amount confirmed is not the order's.
    #[error("the order is for {wanted}, {confirmed} was confirmed")]
    WrongAmount {
        /// The order's amount.
        wanted: Money,
        /// What the payer saw.
        confirmed: Money,
    },
    /// The prepay id, code or link has outlived its time.
    #[error("the link or code has expired; ask the merchant for a new one")]
    EntryExpired,
    /// The entry is for another product than the order's.
    #[error("the order can't be paid this way")]
    EntryMismatch,
    /// The amount is zero, negative or too large.
    #[error("the amount is out of range")]
    AmountOutOfRange,
    /// Only the platform's currency is taken here.
    #[error("only CNY is accepted")]
    CurrencyUnsupported,
    /// Paying needs a PIN and none is set.
    #[error("set a payment PIN first")]
    PinNotSet,
    /// A PIN is set; changing it needs the old one.
    #[error("a payment PIN is set already")]
    PinAlreadySet,
    /// Too many wrong PINs.
    #[error("the payment PIN is locked until {0}")]
    PinLocked(Time),
    /// The payer has too little.
    #[error("the balance is not enough")]
    NotEnough,
    /// A legal or operator's limit would be passed.
    #[error("limit `{limit}` would be passed: {left} is left")]
    LimitExceeded {
        /// Which limit.
        limit: Cap,
        /// What is left of it.
        left: Money,
    },
    /// The payment code is unknown or malformed.
    #[error("the payment code is not valid")]
    CodeInvalid,
    /// The payment code was used.
    #[error("the payment code was used; show a new one")]
    CodeUsed,
    /// The payment code is too old.
    #[error("the payment code has expired; show a new one")]
    CodeExpired,
    /// A code was sent a moment ago.
    #[error("a code was sent; the next one can be sent at {0}")]
    CodeTooSoon(Time),
    /// Too many codes today.
    #[error("too many codes today; try again tomorrow")]
    CodeTooMany,
    /// No code was sent, or it has ended.
    #[error("ask for a new code")]
    CodeMissing,
    /// The session is unknown or has ended.
    #[error("sign in again")]
    SessionEnded,
    /// The card is unknown or not the payer's.
    #[error("the card is not bound")]
    CardNotFound,
    /// Too many cards.
    #[error("at most {0} cards can be bound")]
    TooManyCards(usize),
    /// The payment is unknown.
    #[error("the payment does not exist")]
    PaymentNotFound,
    /// The channel's answer contradicts its earlier final answer.
    #[error("the payment has another final outcome")]
    PaymentFinal,
    /// No such notification.
    #[error("the notification does not exist")]
    NotificationNotFound,
    /// The OAuth code is unknown, used, expired, or for another application.
    #[error("the authorization code is not valid")]
    OauthCodeInvalid,
    /// The redirect address is not one of the application's.
    #[error("the redirect address is not registered for this application")]
    RedirectNotAllowed,
    /// The same request key came with another content.
    #[error("this request key was used for another request")]
    RequestKeyReused,
    /// The caller may not do this.
    #[error("not allowed")]
    NotAllowed,
    /// A new version of limits must start later than the last.
    #[error("limits must take effect after {0}")]
    LimitsOutOfOrder(Time),
    /// The record lives in another shard, or the command belongs there. Whoever routes commands follows it; no
    /// client ever hears of it.
    #[error("the record is in shard {0}")]
    Elsewhere(Shard),
    /// The number of a transfer between shards was used for another one.
    #[error("the transfer number is taken by another transfer")]
    TransferMismatch,
    /// The ledger refused.
    #[error(transparent)]
    Ledger(Refused),
}

/// Which limit stopped a payment (R rules §1.1, §1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// Class I: cumulative since the account was opened.
    ClassLifetime,
    /// Classes II and III: this year.
    ClassYear,
    /// Balance payments today, by the strength of verification (No. 43 art. 24).
    BalanceDay,
    /// Barcode payments today, by level A to D (No. 296).
    BarcodeDay,
    /// One top-up.
    TopUp,
}

impl std::fmt::Display for Cap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ClassLifetime => "class I, total",
            Self::ClassYear => "account class, this year",
            Self::BalanceDay => "balance payments today",
            Self::BarcodeDay => "barcode payments today",
            Self::TopUp => "one top-up",
        })
    }
}

impl Rejection {
    /// The stable code: in the journal, in metrics, in APIs of our own.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MerchantNotFound(_) => "merchant_not_found",
            Self::MerchantSuspended(_) => "merchant_suspended",
            Self::MerchantExists(_) => "merchant_exists",
            Self::NumberOutOfRange(_) => "number_out_of_range",
            Self::ProductOff(_) => "product_off",
            Self::AppNotFound(_) => "app_not_found",
            Self::AppNotBound(..) => "app_not_bound",
            Self::CertificateExists => "certificate_exists",
            Self::PayerNotFound => "payer_not_found",
            Self::PayerSuspended => "payer_suspended",
            Self::OpenidMismatch => "openid_mismatch",
            Self::OrderNotFound => "order_not_found",
            Self::OrderNumberUsed => "order_number_used",
            Self::OrderPaid => "order_paid",
            Self::OrderClosed => "order_closed",
            Self::OrderExpired(_) => "order_expired",
            Self::OrderBusy => "order_busy",
            Self::OrderRevoked => "order_revoked",
            Self::OrderFailed => "order_failed",
            Self::NotReversible => "not_reversible",
            Self::ReverseTooLate => "reverse_too_late",
            Self::WrongPayer => "wrong_payer",
            Self::WrongApp => "wrong_app",
            Self::WrongAmount { .. } => "wrong_amount",
            Self::EntryExpired => "entry_expired",
            Self::EntryMismatch => "entry_mismatch",
            Self::AmountOutOfRange => "amount_out_of_range",
            Self::CurrencyUnsupported => "currency_unsupported",
            Self::PinNotSet => "pin_not_set",
            Self::PinAlreadySet => "pin_already_set",
            Self::PinLocked(_) => "pin_locked",
            Self::NotEnough => "not_enough",
            Self::LimitExceeded { .. } => "limit_exceeded",
            Self::CodeInvalid => "code_invalid",
            Self::CodeUsed => "code_used",
            Self::CodeExpired => "code_expired",
            Self::CodeTooSoon(_) => "code_too_soon",
            Self::CodeTooMany => "code_too_many",
            Self::CodeMissing => "code_missing",
            Self::SessionEnded => "session_ended",
            Self::CardNotFound => "card_not_found",
            Self::TooManyCards(_) => "too_many_cards",
            Self::PaymentNotFound => "payment_not_found",
            Self::PaymentFinal => "payment_final",
            Self::NotificationNotFound => "notification_not_found",
            Self::OauthCodeInvalid => "oauth_code_invalid",
            Self::RedirectNotAllowed => "redirect_not_allowed",
            Self::RequestKeyReused => "request_key_reused",
            Self::NotAllowed => "not_allowed",
            Self::LimitsOutOfOrder(_) => "limits_out_of_order",
            Self::Elsewhere(_) => "elsewhere",
            Self::TransferMismatch => "transfer_mismatch",
            Self::Ledger(Refused::Amount(_)) => "ledger_amount",
            Self::Ledger(Refused::SameAccount(_)) => "ledger_same_account",
            Self::Ledger(Refused::Currency(..)) => "ledger_currency",
            Self::Ledger(Refused::NotEnough { .. }) => "ledger_not_enough",
            Self::Ledger(Refused::Frozen(_)) => "ledger_frozen",
            Self::Ledger(Refused::Overflow(_)) => "ledger_overflow",
            Self::Ledger(Refused::NotPending(_)) => "ledger_not_pending",
        }
    }
}
