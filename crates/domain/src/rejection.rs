//! Why a command was refused: a stable code, and the values a reader needs.

mod code;

use crate::{
    claim::NumberClaim,
    exception,
    merchant::Product,
    partner,
    payout::PayoutState,
    refund::RefundState,
    settlement::SettlementId,
    sharing::{Party, Unfit},
    user_transfer::{FailReason, UserTransferState},
};
use ledger::{AccountId, Refused};
use serde::{Deserialize, Serialize};
use types::{AppId, BusinessDay, MerchantId, Money, Shard, Time};

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
    /// The merchant is no sub-merchant of this partner, or not any more.
    #[error("merchant {merchant} is not a sub-merchant of {partner}")]
    NotSubMerchant {
        /// The merchant.
        merchant: MerchantId,
        /// The partner.
        partner: MerchantId,
    },
    /// The partner was not allowed this for the sub-merchant.
    #[error("{partner} may not do this for merchant {merchant}; it lacks `{}`", .permission.name())]
    PartnerMayNot {
        /// The merchant.
        merchant: MerchantId,
        /// The partner.
        partner: MerchantId,
        /// What it lacks.
        permission: partner::Permission,
    },
    /// The relation of a partner and a sub-merchant contradicts itself.
    #[error("the partnership can't be: {0}")]
    PartnerWrong(Box<str>),
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
    /// The order is one of a combined order.
    #[error("the order is one of a combined order; pay or close that")]
    OrderCombined,
    /// Too few or too many orders in one.
    #[error("a combined order has {least} to {most} orders", least = crate::combined::PARTS_MIN, most = crate::combined::PARTS_MAX)]
    PartsOutOfRange,
    /// Two orders of one combined order have the same number.
    #[error("two orders of the combined order have the same merchant and number")]
    PartTwice,
    /// The orders named are not those of the combined order.
    #[error("the orders named are not just those of the combined order; name each of them")]
    PartsDiffer,
    /// The merchant does not let this one combine its orders.
    #[error("merchant {merchant} does not let merchant {by} combine its orders; it has to allow that first")]
    MayNotCombine {
        /// Whose order.
        merchant: MerchantId,
        /// Who would combine it.
        by: MerchantId,
    },
    /// Too many merchants may combine the orders of one.
    #[error("at most {0} merchants may combine the orders of one")]
    TooManyCombiners(usize),
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
    /// No such refund.
    #[error("the refund does not exist")]
    RefundNotFound,
    /// The merchant's refund number is taken by a refund with other content.
    #[error("the refund number is taken by a refund with other content")]
    RefundNumberUsed,
    /// Only a paid order can be refunded.
    #[error("the order is not paid")]
    OrderNotPaid,
    /// The order has refunds, so it can't be reversed.
    #[error("the order has refunds; refund the rest instead")]
    OrderRefunded,
    /// Two numbers given for one order name different orders.
    #[error("the two order numbers name different orders")]
    WrongOrder,
    /// More than was paid would go back.
    #[error("{left} of the order is left to refund")]
    RefundTooMuch {
        /// What can still be refunded.
        left: Money,
    },
    /// Too many refunds of one order.
    #[error("an order can be refunded {0} times")]
    RefundTooMany(u32),
    /// The last refund of the order was a moment ago.
    #[error("the order was refunded a moment ago; the next refund is taken at {0}")]
    RefundTooSoon(Time),
    /// The time for refunds is over.
    #[error("the order could be refunded until {0}")]
    RefundTooLate(Time),
    /// The refund waits for no approval.
    #[error("the refund is {}, it waits for no approval", .0.name())]
    RefundNotWaiting(RefundState),
    /// The refund is not one that a card could not take.
    #[error("the refund is {}, only an abnormal one can go to another card", .0.name())]
    RefundNotAbnormal(RefundState),
    /// The time for refunds is out of range.
    #[error("{0} days is no time for refunds; give 1 to {max}", max = crate::refund::WINDOW_DAYS_MAX)]
    WindowOutOfRange(u16),
    /// The channel's answer contradicts its earlier final answer.
    #[error("the refund has another final outcome")]
    RefundFinal,
    /// Whoever asked for a refund can't approve it.
    #[error("whoever asked for a refund can't approve it")]
    OwnRefund,
    /// The fee rule contradicts itself.
    #[error("the fee rule can't be: {0}")]
    FeeRule(Box<str>),
    /// The calendar contradicts itself.
    #[error("the calendar can't be: {0}")]
    CalendarWrong(Box<str>),
    /// The settlement day is still under way.
    #[error("the day of {day} ends at {end}; close it after that")]
    DayNotOver {
        /// The day.
        day: BusinessDay,
        /// Its end.
        end: Time,
    },
    /// Days are closed one after the other.
    #[error("days are closed in order; the next is {next}")]
    DayOutOfOrder {
        /// The day to close next.
        next: BusinessDay,
    },
    /// The day can't end: its merchants are not those counted.
    #[error(
        "{closed} merchants are closed for {day} but {counted} were counted, or their sums differ; close it again"
    )]
    DayDiffers {
        /// The day.
        day: BusinessDay,
        /// Merchants closed.
        closed: u32,
        /// Merchants that its transfers name.
        counted: u32,
    },
    /// No such settlement.
    #[error("the settlement does not exist")]
    SettlementNotFound,
    /// The merchant was closed for that day with other sums.
    #[error("settlement {0} has other sums; run `feiqian prove`")]
    SettlementDiffers(SettlementId),
    /// An earlier settlement of the merchant must be released first.
    #[error("settlement {0} must be released first")]
    SettlementOutOfOrder(SettlementId),
    /// No such hold.
    #[error("the hold does not exist")]
    HoldNotFound,
    /// The bank account is incomplete.
    #[error("a bank account has a holder, a number, a 12-digit bank number and the bank's name")]
    BankAccountWrong,
    /// The merchant has no bank account.
    #[error("merchant {0} has no bank account; set one first")]
    BankAccountMissing(MerchantId),
    /// No rail takes a payout of this amount.
    #[error("no rail takes a payout of {0}; ask for less")]
    NoRail(Money),
    /// No such payout.
    #[error("the payout does not exist")]
    PayoutNotFound,
    /// The merchant's payout number is taken by a payout of other content.
    #[error("the payout number is taken by a payout with other content")]
    PayoutNumberUsed,
    /// The payout waits for no approval.
    #[error("the payout is {}, it waits for no approval", .0.name())]
    PayoutNotWaiting(PayoutState),
    /// Whoever asked for a payout can't approve it.
    #[error("whoever asked for a payout can't approve it")]
    OwnPayout,
    /// The bank can't have an answer: it was not sent the payout.
    #[error("the payout is {}, the bank was not sent it", .0.name())]
    PayoutNotSent(PayoutState),
    /// The bank's answer contradicts its earlier final answer.
    #[error("the payout is {}, which is final", .0.name())]
    PayoutFinal(PayoutState),
    /// No such transfer to a user.
    #[error("the transfer does not exist")]
    UserTransferNotFound,
    /// The merchant's number is taken by a transfer with other content.
    #[error("the number is taken by a transfer with other content")]
    UserTransferNumberUsed,
    /// The transfer does not wait for the user.
    #[error("the transfer is {}, it does not wait for the user", .0.name())]
    UserTransferNotWaiting(UserTransferState),
    /// The user's time is over.
    #[error("the transfer could be confirmed until {0}")]
    UserTransferOverdue(Time),
    /// The user can't receive the transfer now.
    #[error("the transfer can't be received: {}", .0.name())]
    TransferRefused(FailReason),
    /// The amount of one transfer is too small or too large.
    #[error("one transfer is {least} to {most}")]
    TransferAmount {
        /// The least.
        least: Money,
        /// The most.
        most: Money,
    },
    /// Such an amount needs the user's name.
    #[error("a transfer of {0} or more must name the user")]
    TransferNameMissing(Money),
    /// The merchant has transferred too much today.
    #[error("the merchant can transfer {left} more today")]
    TransferDay {
        /// What is left of the day.
        left: Money,
    },
    /// There is no such scene of transfers.
    #[error("there is no transfer scene {0}")]
    SceneUnknown(u16),
    /// The scene is not open for the merchant; 0 when none is.
    #[error("transfer scene {0} is not open for this merchant; open it first")]
    SceneClosed(u16),
    /// What was reported is not what the scene asks for.
    #[error("what is reported is not what transfer scene {0} asks for")]
    SceneReports(u16),
    /// The scene has no such text for the user.
    #[error("transfer scene {0} has no such text for the user")]
    ScenePerception(u16),
    /// No such batch of transfers.
    #[error("the batch does not exist")]
    TransferBatchNotFound,
    /// The merchant's number is taken by a batch with other content.
    #[error("the number is taken by a batch with other content")]
    TransferBatchNumberUsed,
    /// No such exception.
    #[error("the exception does not exist")]
    ExceptionNotFound,
    /// The exception is over, or nothing is suggested for it.
    #[error("the exception is {name}; look at it again", name = .0.name())]
    ExceptionNotOpen(exception::State),
    /// Whoever suggested a correction can't approve it.
    #[error("a correction is approved by another person than who suggested it")]
    OwnCorrection,
    /// More than is in question, another amount than was shown, or a text that does not fit.
    #[error("the correction is not within what is in question, is not what was suggested, or lacks a reason")]
    CorrectionOutOfRange,
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
    /// The sign-in name has another form.
    #[error("a sign-in name has 3 to 40 of a-z, 0-9, `.`, `-`, `_`, `@` and begins with a letter or digit")]
    StaffNameWrong,
    /// The sign-in name is taken.
    #[error("the sign-in name is taken; choose another")]
    StaffNameUsed,
    /// A merchant's role for the platform's people, or the other way round.
    #[error("the role is not one of where the person works")]
    StaffRoleWrong,
    /// No such account, or it may not sign in.
    #[error("the account does not exist or may not sign in")]
    StaffNotFound,
    /// One's own account.
    #[error("somebody else has to do that to your account")]
    StaffSelf,
    /// Too many wrong passwords and codes.
    #[error("the account is locked until {0}")]
    StaffLocked(Time),
    /// What should be a password's hash is none.
    #[error("a password is kept as an argon2id hash")]
    PasswordWrong,
    /// The first password must be replaced.
    #[error("choose a password of your own first")]
    PasswordMustChange,
    /// The second factor is there already.
    #[error("the code is enrolled already")]
    TotpEnrolled,
    /// The second factor is not there yet.
    #[error("enrol the code first")]
    TotpMissing,
    /// What is dangerous takes the code again.
    #[error("the code has to be given again before this")]
    StepUpNeeded,
    /// The merchant does not share its orders.
    #[error("merchant {0} does not share its orders; switch profit sharing on first")]
    SharingOff(MerchantId),
    /// The order is not one whose money is shared.
    #[error("the order is not for profit sharing; place it with settle_info.profit_sharing")]
    NotSharing,
    /// What was left of the order is unfrozen.
    #[error("what was left of the order is unfrozen; nothing more can be shared")]
    SharingEnded,
    /// Too many requests to share one order.
    #[error("an order can be shared by {0} requests")]
    SharesTooMany(u32),
    /// More would be shared or returned than is there.
    #[error("{left} is left; ask for no more")]
    ShareTooMuch {
        /// What is left.
        left: Money,
    },
    /// More of the order would go to others than was agreed.
    #[error("at most {0} of 10000 of the order can be shared")]
    ShareAboveRatio(u16),
    /// The merchant has not agreed to share with this receiver.
    #[error("{0} is no receiver of this merchant; add it first")]
    NoRelation(Party),
    /// A receiver can't be.
    #[error("the receiver can't be: {0}")]
    ReceiverWrong(Unfit),
    /// Too many receivers.
    #[error("a merchant has at most {0} receivers; delete some first")]
    ReceiversTooMany(i64),
    /// No such request to share.
    #[error("the request to share does not exist")]
    ShareNotFound,
    /// No such return.
    #[error("the return does not exist")]
    ShareReturnNotFound,
    /// The number is taken by a request or return with other content.
    #[error("the number is taken by a request with other content")]
    ShareNumberUsed,
    /// The merchant received nothing by this request.
    #[error("merchant {0} received nothing by this request")]
    NoSuchShare(MerchantId),
    /// The receiver has not agreed to returns.
    #[error("merchant {0} does not give back what it received; it must agree first")]
    ReturnsOff(MerchantId),
    /// Too long after the share.
    #[error("the share could be returned until {0}")]
    ReturnTooLate(Time),
    /// The order was shared, so it can't be reversed.
    #[error("the order was shared or unfrozen; refund it instead")]
    OrderShared,
    /// How a merchant shares contradicts itself.
    #[error("the terms of profit sharing can't be: {0}")]
    SharingWrong(Box<str>),
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
    /// A number has to be claimed in another shard first. Whoever routes commands does so and asks again; no client ever
    /// hears of it.
    #[error("the number {} has to be claimed in shard {shard} first", claim.number)]
    NumberElsewhere {
        /// Which shard.
        shard: Shard,
        /// The claim.
        claim: Box<NumberClaim>,
    },
    /// What is needed of an account lies in another shard. Whoever routes commands brings it and asks again; no client
    /// ever hears of it.
    #[error("{amount} minor units have to be brought from {from} first")]
    MoneyElsewhere {
        /// The sub-account that has it.
        from: AccountId,
        /// How much of it, minor units.
        amount: i64,
    },
    /// What is needed may be on its way from another shard. Whoever routes commands waits and asks again.
    #[error("money is on its way from another shard; ask again in a moment")]
    MoneyUnderWay,
    /// Money that no shard sent, or sent otherwise, or whose number was used for another transfer.
    #[error("this money was not sent from another shard, or its number is another transfer's")]
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
