//! Every command and its answer: what is known of each (`known`), and the one function that decides them (`apply`).

mod apply;
mod known;

pub use apply::apply;

use crate::{
    Key,
    application::Application,
    calendar::Calendar,
    card::NewCard,
    crossing::Crossing,
    echo::NewEcho,
    exception::{self, NewException},
    fee::NewVersion,
    hold::NewHold,
    limit::LimitTable,
    merchant::{Certificate, MerchantChange, NewMerchant},
    notification::Attempt,
    order::Terms,
    payer::{IdentityChannel, PinOutcome},
    payment::{ChannelAnswer, Confirmation, Paid, PaymentState},
    payout::{BankAnswer, Beneficiary, NewPayout, PayoutState},
    records::Digest,
    refund::{NewRefund, Receiver, RefundState},
    session::SignIn,
    settlement::{SettlementId, SettlementState, Terms as SettlementTerms, Totals},
    staff::{Given, NewPassword, NewStaff, StaffStep},
};
use ledger::AccountId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use types::{
    AppId, BusinessDay, CardId, HoldId, MerchantId, Money, NotificationId, OperatorId, OrderId, PayerId,
    PaymentId, PayoutId, RefundId, Secret, Shard, Time, TransferId,
};

/// A change to the world, as data. The errors of each are listed at the function that decides it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Registers a merchant. Answer: `Done`.
    RegisterMerchant(NewMerchant),
    /// Changes a merchant's settings. Answer: `Done`.
    ChangeMerchant(MerchantId, Box<MerchantChange>),
    /// Adds an API certificate. Answer: `Done`.
    AddCertificate(Box<Certificate>),
    /// Revokes an API certificate by serial. Answer: `Done`.
    RevokeCertificate(Box<str>),
    /// Registers an application or replaces its settings. Answer: `Done`.
    RegisterApplication(Box<Application>),
    /// Replaces a sealed key ring. Answer: `Done`.
    ReplaceKeyRing {
        /// Its name.
        name: Box<str>,
        /// Sealed bytes.
        sealed: Box<[u8]>,
    },
    /// Adds a version of the limits. Answer: `Done`.
    SetLimits(Box<LimitTable>),

    /// Keeps a code that is about to be sent to a phone. Answer: `Done`.
    SendCode {
        /// Keyed hash of the phone.
        phone: Digest,
        /// Keyed hash of the code.
        code: Digest,
    },
    /// Signs in with a code; signs up a new phone. Answer: `SignedIn`.
    SignIn {
        /// Keyed hash of the phone.
        phone: Digest,
        /// The phone, sealed.
        phone_sealed: Box<[u8]>,
        /// Keyed hash of the code given.
        code: Digest,
        /// Hash of the new session's token.
        token: Digest,
    },
    /// Ends a payer's session. Answer: `Done`.
    SignOut(PayerId, Digest),
    /// Keeps an OAuth authorization code. Answer: `Done`.
    Authorise {
        /// For which application.
        app: AppId,
        /// Who agreed.
        payer: PayerId,
        /// Hash of the code.
        code: Digest,
        /// Host the payer is sent back to.
        redirect_host: Box<str>,
    },
    /// Exchanges an authorization code. Answer: `Payer`.
    RedeemOauthCode {
        /// Hash of the code.
        code: Digest,
        /// Which application asks.
        app: AppId,
        /// Hash of the secret it gave.
        secret: Digest,
    },
    /// Sets or replaces the payment PIN. Answer: `Pin`.
    SetPin {
        /// Whose.
        payer: PayerId,
        /// Keyed hash of the new PIN.
        new: Digest,
        /// Keyed hash of the old one, when one is set.
        old: Option<Digest>,
    },
    /// Records an identity check. Answer: `Done`.
    ConfirmIdentity(PayerId, IdentityChannel),
    /// Switches payment-code payments without PIN on or off. Answer: `Done`.
    SetFreePay(PayerId, bool),
    /// Binds a card. Answer: `Card`.
    BindCard(Box<NewCard>),
    /// Starts a top-up. Answer: `Paid`.
    TopUp {
        /// From which card.
        card: CardId,
        /// Whose.
        payer: PayerId,
        /// How much.
        amount: Money,
        /// Keyed hash of the PIN given.
        pin: Digest,
    },
    /// Keeps a payment code that is about to be shown. Answer: `ShownUntil`.
    IssuePaymentCode(PayerId, i64),

    /// Places an order. Answer: `Order`.
    CreateOrder {
        /// What is asked.
        terms: Arc<Terms>,
        /// Deadline, when the merchant set one.
        expires_at: Option<Time>,
    },
    /// Closes an order by the merchant's number. Answer: `Done`.
    CloseOrder(MerchantId, Box<str>),
    /// Ends an order's payable time if its deadline has passed. Answer: `Done`.
    ExpireOrder(OrderId),
    /// Pays an order. Answer: `Paid`.
    PayOrder(Confirmation),
    /// Takes in a channel's answer. Answer: `Payment`.
    AnswerPayment(PaymentId, ChannelAnswer),
    /// Places an order with a payment code. Answer: `Order`.
    CodePay {
        /// What is asked.
        terms: Arc<Terms>,
        /// The 18 digits.
        code: i64,
    },
    /// Confirms a payment-code order with the PIN, or refuses it. Answer: `Paid`.
    ConfirmCodePay {
        /// Which order.
        order: OrderId,
        /// Who confirms.
        payer: PayerId,
        /// Keyed hash of the PIN; none to refuse.
        pin: Option<Digest>,
    },
    /// Reverses a payment-code order. Answer: `Done`.
    ReverseOrder {
        /// Whose.
        merchant: MerchantId,
        /// The application it was placed with.
        app: AppId,
        /// The merchant's number.
        number: Box<str>,
    },

    /// Creates a refund. Answer: `Refund`.
    CreateRefund(Box<NewRefund>),
    /// Approves a large refund in the caller's name. Answer: `RefundState`.
    ApproveRefund(RefundId),
    /// Rejects a refund that waits for approval. Answer: `RefundState`.
    RejectRefund {
        /// Which.
        refund: RefundId,
        /// Why, for the journal; without personal data.
        reason: Box<str>,
    },
    /// Closes a refund that nobody approved in time. Answer: `RefundState`.
    ExpireRefund(RefundId),
    /// Takes in a channel's answer on an attempt. Answer: `RefundState`.
    AnswerRefund {
        /// Which.
        refund: RefundId,
        /// The attempt it was asked about.
        attempt: u32,
        /// What it said.
        answer: ChannelAnswer,
    },
    /// Sends an abnormal refund to another card. Answer: `RefundState`.
    RetryRefund {
        /// Whose.
        merchant: MerchantId,
        /// Which.
        refund: RefundId,
        /// The merchant's number of it.
        number: Box<str>,
        /// Where to.
        to: Box<Receiver>,
    },

    /// Adds a version to a fee schedule. Answer: `Done`.
    SetFees(Box<NewVersion>),
    /// Replaces the business calendar. Answer: `Done`.
    SetCalendar(Box<Calendar>),
    /// Sets how a merchant is settled, or the platform's default. Answer: `Done`.
    SetSettlementTerms(MerchantId, Option<SettlementTerms>),

    /// Begins to close a day that is over. Answer: `Done`.
    BeginDay(BusinessDay),
    /// Closes a day for a merchant. Answer: `Done`.
    CloseMerchantDay(MerchantId, BusinessDay, Box<Totals>),
    /// Ends a day whose merchants are all closed. Answer: `Done`.
    EndDay {
        /// Which.
        day: BusinessDay,
        /// Merchants that its transfers name.
        merchants: u32,
        /// Their sums.
        totals: Box<Totals>,
    },
    /// Does what is due of a settlement. Answer: `Settlement`.
    ReleaseSettlement(SettlementId),
    /// Sets settled money aside. Answer: `Hold`.
    HoldMoney(Box<NewHold>),
    /// Releases what was set aside. Answer: `Done`.
    ReleaseHold(HoldId),

    /// Sets a merchant's bank account. Answer: `Done`.
    SetBankAccount(MerchantId, Arc<Beneficiary>),
    /// Asks for a payout. Answer: `Payout`.
    RequestPayout(NewPayout),
    /// Pays out what releases have made due. Answer: `Count` of payouts made.
    PayOutDue(MerchantId),
    /// Approves a large payout in the caller's name. Answer: `PayoutState`.
    ApprovePayout(PayoutId),
    /// Rejects a payout that waits for approval. Answer: `PayoutState`.
    RejectPayout {
        /// Which.
        payout: PayoutId,
        /// Why, for the journal; without personal data.
        reason: Box<str>,
    },
    /// Cancels a payout that nobody approved in time. Answer: `PayoutState`.
    ExpirePayout(PayoutId),
    /// Marks payouts as sent in a file that is about to be written. Answer: `Count`.
    SendPayouts {
        /// The file's message id, 1 to 35 characters.
        file: Box<str>,
        /// Which, at most 500.
        payouts: Vec<PayoutId>,
    },
    /// Takes in what the bank says of a payout. Answer: `PayoutState`.
    AnswerPayout {
        /// Which.
        payout: PayoutId,
        /// The amount that the bank speaks of.
        amount: Money,
        /// What it said.
        answer: BankAnswer,
    },

    /// Opens an exception of reconciliation. Answer: `Count` of exceptions opened.
    OpenException(Box<NewException>),
    /// Tells that a late entry ended an exception, by reference. Answer: `Exception`.
    ClearException(Box<str>),
    /// Suggests how to correct an exception. Answer: `Exception`.
    SuggestCorrection {
        /// Its reference.
        exception: Box<str>,
        /// Minor units into suspense, below zero out of it; zero to close it without money.
        correction: i64,
        /// Why, 1 to 300 characters, without personal data.
        why: Box<str>,
    },
    /// Approves a suggested correction in the caller's name. Answer: `Exception`.
    ApproveCorrection {
        /// The exception's reference.
        exception: Box<str>,
        /// The correction that the caller was shown.
        correction: i64,
    },
    /// Rejects a suggested correction. Answer: `Exception`.
    RejectCorrection {
        /// The exception's reference.
        exception: Box<str>,
        /// Why, for the journal; without personal data.
        why: Box<str>,
    },

    /// Makes an account of a console. Answer: `Staff`.
    CreateStaff(Box<NewStaff>),
    /// Gives an account a new first password and ends its sessions. Answer: `Done`.
    ResetStaff {
        /// Whose.
        staff: OperatorId,
        /// Hash of the password.
        password: Secret<String>,
    },
    /// Lets a person sign in, or not. Answer: `Done`.
    SetStaffActive(OperatorId, bool),
    /// Takes a password to sign in to a console. Answer: `StaffStep`.
    SignInStaff {
        /// Who.
        staff: OperatorId,
        /// The password, as compared.
        given: Given,
        /// Hash of the new session's token.
        token: Digest,
    },
    /// Replaces one's own password. Answer: `StaffStep`.
    ChangeStaffPassword(Box<NewPassword>),
    /// Enrols the second factor. Answer: `StaffStep`.
    EnrolTotp {
        /// Hash of the session's token.
        session: Digest,
        /// The secret, sealed.
        secret: Box<[u8]>,
        /// The step of the code given, if it was right.
        step: Option<i64>,
        /// Hash of the token under which the session goes on.
        token: Digest,
    },
    /// Takes the second factor. Answer: `StaffStep`.
    ConfirmTotp {
        /// Hash of the session's token.
        session: Digest,
        /// The step of the code given, if it was right.
        step: Option<i64>,
        /// Hash of the token under which the session goes on.
        token: Digest,
    },
    /// Notes that a session of a console is in use. Answer: `Done`.
    SeeStaffSession(Digest),
    /// Ends a session of a console. Answer: `Done`.
    SignOutStaff(Digest),

    /// Keeps a message to be sent to the merchant that asks for it. Answer: `Done`.
    Echo(Box<NewEcho>),
    /// Takes in what a notification's try came to. Answer: `Done`.
    RecordAttempt(NotificationId, Attempt),
    /// Sends a notification again. Answer: `Done`.
    Resend(NotificationId),
    /// Removes a shard's short-lived records whose time is over. Answer: `Count`.
    Sweep(Shard, Vec<Key>),

    /// Hands an order to the shard of a payer who is about to pay it. Answer: `Done`.
    MoveOrder {
        /// Which order.
        order: OrderId,
        /// To which shard.
        to: Shard,
    },
    /// Takes the number of a payment-code order for the payer's shard. Answer: `Done` when that shard may place it,
    /// `Order` when it stands already.
    ClaimOrder {
        /// What is asked.
        terms: Arc<Terms>,
        /// For which shard.
        to: Shard,
    },
    /// Brings a merchant's takings or the platform's fees from their sub-account in one shard to that in another.
    /// Answer: `Done`.
    SendToShard {
        /// From which sub-account.
        from: AccountId,
        /// To which shard.
        to: Shard,
        /// How much, minor units; all there is when none.
        amount: Option<i64>,
    },
    /// Books money that another shard sent. Answer: `Done`.
    Receive(Box<Crossing>),
    /// Forgets a crossing whose money has arrived. Answer: `Done`.
    Arrived(TransferId),
}

/// A command's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "named after what they hold")]
pub enum Reply {
    Done,
    SignedIn(SignIn),
    Payer(PayerId),
    Pin(PinOutcome),
    Card(CardId),
    Order(OrderId),
    Paid(Paid),
    Payment(PaymentState),
    Refund(RefundId),
    RefundState(RefundState),
    Settlement(SettlementState),
    Hold(HoldId),
    Payout(PayoutId),
    PayoutState(PayoutState),
    Exception(exception::State),
    Staff(OperatorId),
    StaffStep(StaffStep),
    ShownUntil(Time),
    Count(usize),
}
