//! Every command and its answer: what is known of each (`known`), and the one function that decides them (`apply`).

mod apply;
mod known;

pub use apply::apply;

use crate::{
    Key,
    application::Application,
    calendar::Calendar,
    card::NewCard,
    claim::NumberClaim,
    clearing,
    combined::{CombinedConfirmation, CombinedTerms},
    crossing::{Crossing, Sent},
    echo::NewEcho,
    exception::{self, NewException},
    fee::NewVersion,
    hold::NewHold,
    limit::LimitTable,
    merchant::{Certificate, MerchantChange, NewMerchant},
    notification::Attempt,
    order::Terms,
    partner::{Permissions, Principal},
    payer::{IdentityChannel, PinOutcome},
    payment::{ChannelAnswer, Confirmation, Paid, PaymentState},
    payout::{BankAnswer, Beneficiary, NewPayout, PayoutState},
    records::Digest,
    refund::{NewRefund, Receiver, RefundState},
    session::SignIn,
    settlement::{SettlementId, SettlementState, Terms as SettlementTerms, Totals},
    sharing::{NewReceiver, NewReturn, NewShare, Party, ReturnState},
    staff::{Given, NewPassword, NewStaff, StaffStep},
    user_transfer::{BatchTerms, TransferTerms, UserTransferState},
};
use ledger::AccountId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use types::{
    AppId, BusinessDay, CardId, CombinedId, HoldId, MerchantId, Money, NotificationId, OperatorId, OrderId,
    PayerId, PaymentId, PayoutId, RefundId, Secret, Shard, ShareId, ShareReturnId, Time, TransferBatchId,
    TransferId, UserTransferId,
};

/// A change to the world, as data. The errors of each are listed at the function that decides it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Registers a merchant. Answer: `Done`.
    RegisterMerchant(NewMerchant),
    /// Changes a merchant's settings. Answer: `Done`.
    ChangeMerchant(MerchantId, Box<MerchantChange>),
    /// Makes a merchant a sub-merchant of a partner, or changes what the partner may do. Answer: `Done`.
    AddSubMerchant {
        /// The merchant.
        merchant: MerchantId,
        /// Its partner.
        partner: MerchantId,
        /// What the partner may do for it.
        permissions: Permissions,
    },
    /// Ends that a merchant is a sub-merchant of a partner. Answer: `Done`.
    RemoveSubMerchant {
        /// The merchant.
        merchant: MerchantId,
        /// Its partner.
        partner: MerchantId,
    },
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
    /// Closes an order by its signer's number. Answer: `Done`.
    CloseOrder(Principal, Box<str>),
    /// Ends an order's payable time if its deadline has passed. Answer: `Done`.
    ExpireOrder(OrderId),
    /// Pays an order. Answer: `Paid`.
    PayOrder(Confirmation),
    /// Takes in a channel's answer. Answer: `Payment`.
    AnswerPayment(PaymentId, ChannelAnswer),
    /// Has the channel asked now about a payment whose outcome is not known. Answer: `Payment`.
    AskPayment(PaymentId),
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
        /// Whose, at whose request.
        #[serde(rename = "merchant")]
        by: Principal,
        /// The application it was placed with, if it is named.
        app: Option<AppId>,
        /// Its signer's number.
        number: Box<str>,
    },

    /// Places several merchants' orders that are paid as one. Answer: `Combined`.
    CreateCombined {
        /// What is asked.
        terms: Arc<CombinedTerms>,
        /// Deadline, when the merchant set one.
        expires_at: Option<Time>,
    },
    /// Pays a combined order. Answer: `Paid`.
    PayCombined(CombinedConfirmation),
    /// Closes a combined order by its merchant's number. Answer: `Done`.
    CloseCombined {
        /// Whose.
        merchant: MerchantId,
        /// The application it was placed with.
        app: AppId,
        /// The merchant's number.
        number: Box<str>,
        /// Signer and number of each of its orders.
        parts: Vec<(MerchantId, Box<str>)>,
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
    /// Has the channel asked now about a refund whose outcome is not known. Answer: `RefundState`.
    AskRefund(RefundId),
    /// Sends an abnormal refund to another card. Answer: `RefundState`.
    RetryRefund {
        /// Whose, at whose request.
        #[serde(rename = "merchant")]
        by: Principal,
        /// Which.
        refund: RefundId,
        /// Its signer's number of it.
        number: Box<str>,
        /// Where to.
        to: Box<Receiver>,
    },

    /// Agrees with whom a merchant shares. Answer: `Done`.
    AddReceiver(Box<NewReceiver>),
    /// Ends that a merchant shares with somebody. Answer: `Done`.
    RemoveReceiver {
        /// Whose receiver, at whose request.
        by: Principal,
        /// Who.
        party: Party,
        /// The application whose openid names a person.
        app: Option<AppId>,
    },
    /// Shares the money of an order, or unfreezes what is left of it. Answer: `Share`.
    Share(Box<NewShare>),
    /// Brings the next part of a request to share to its receiver. Answer: `Finished`.
    FinishShare(ShareId),
    /// Asks for a share back. Answer: `ShareReturn`.
    ReturnShare(Box<NewReturn>),
    /// Moves the money of a return. Answer: `ReturnState`.
    FinishReturn(ShareReturnId),
    /// Unfreezes what is left of an order when its time is over. Answer: `Done`.
    ReleaseSharing(OrderId),

    /// Adds a version to a fee schedule. Answer: `Done`.
    SetFees(Box<NewVersion>),
    /// Replaces the business calendar. Answer: `Done`.
    SetCalendar(Box<Calendar>),
    /// Sets how a merchant is settled, or the platform's default. Answer: `Done`.
    SetSettlementTerms(MerchantId, Option<SettlementTerms>),

    /// Begins to close a day that is over. Answer: `Done`.
    BeginDay(BusinessDay),
    /// Makes sure that a shard makes no transfer of a day any more. Answer: `Done`.
    PassDay {
        /// Which shard; the first has passed a day that it has begun.
        shard: Shard,
        /// Which day.
        day: BusinessDay,
        /// When it ended: the time of the first transfer id after it.
        end: Time,
    },
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

    /// Opens just these scenes of transfers for a merchant. Answer: `Done`.
    SetTransferScenes(MerchantId, Vec<u16>),
    /// Keeps the real name that an identity check gave. Answer: `Done`.
    SetRealName(PayerId, Digest),
    /// Asks for a transfer to a user. Answer: `UserTransfer`.
    RequestUserTransfer(Arc<TransferTerms>),
    /// Receives a transfer in the user's name. Answer: `UserTransferState`.
    ConfirmUserTransfer {
        /// Which.
        transfer: UserTransferId,
        /// Who confirms.
        payer: PayerId,
        /// The amount that was shown.
        shown: Money,
    },
    /// Cancels a transfer that the user has not confirmed. Answer: `UserTransferState`.
    CancelUserTransfer {
        /// Whose.
        merchant: MerchantId,
        /// Which.
        transfer: UserTransferId,
    },
    /// Does what is due of a transfer. Answer: `UserTransferState`.
    AdvanceUserTransfer(UserTransferId),
    /// Asks for a batch of transfers. Answer: `TransferBatch`.
    RequestTransferBatch(Arc<BatchTerms>),
    /// Takes a batch's next step. Answer: `Count` of details that went on.
    PayTransferBatch(TransferBatchId),

    /// Opens an exception of reconciliation. Answer: `Count` of exceptions opened.
    OpenException(Box<NewException>),
    /// Tells that a late entry ended an exception, by reference. Answer: `Exception`.
    ClearException(Box<str>),
    /// Keeps what a channel is to pay to the bank for a batch of its bill. Answer: `Count` of changes.
    ExpectClearing(Box<clearing::Told>),
    /// Books what the bank's statement shows of a channel's batch. Answer: `Count` of bookings.
    ReceiveClearing(Box<clearing::Told>),
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
    /// Takes the second factor again before something dangerous. Answer: `StaffStep`.
    StepUp {
        /// Hash of the session's token.
        session: Digest,
        /// The step of the code given, if it was right.
        step: Option<i64>,
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
    /// Takes a merchant's number for an order of another shard. Answer: `Done`.
    ClaimNumber(Box<NumberClaim>),
    /// Brings a merchant's money or the platform's fees from their sub-account in one shard to that in another. Answer:
    /// `Sent`; `Done` when there is nothing to bring.
    SendToShard {
        /// From which sub-account.
        from: AccountId,
        /// To which shard.
        to: Shard,
        /// At most so much, minor units; all there is when none.
        #[serde(rename = "amount")]
        most: Option<i64>,
    },
    /// Books money that another shard sent. Answer: `Done`.
    Receive(Box<Crossing>),
    /// Hands a combined order with all its orders to the shard of a payer who is about to pay it. Answer: `Done`.
    MoveCombined {
        /// Which.
        combined: CombinedId,
        /// To which shard.
        to: Shard,
    },
    /// Takes those numbers of a combined order that are taken in this shard, for the shard that makes it. Answer: `Done`
    /// when that may go on, `Combined` when it stands already.
    ClaimParts {
        /// What is asked.
        terms: Arc<CombinedTerms>,
        /// For which shard.
        to: Shard,
    },
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
    Combined(CombinedId),
    Paid(Paid),
    Payment(PaymentState),
    Refund(RefundId),
    RefundState(RefundState),
    Settlement(SettlementState),
    Hold(HoldId),
    Payout(PayoutId),
    PayoutState(PayoutState),
    Exception(exception::State),
    UserTransfer(UserTransferId),
    UserTransferState(UserTransferState),
    TransferBatch(TransferBatchId),
    Share(ShareId),
    Finished(bool),
    ShareReturn(ShareReturnId),
    ReturnState(ReturnState),
    Staff(OperatorId),
    StaffStep(StaffStep),
    ShownUntil(Time),
    Count(usize),
    Sent(Sent),
}
