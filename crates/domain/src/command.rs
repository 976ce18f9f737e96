//! Every command and its answer, and the one function that decides them.

use crate::{
    Context, Home, Key, Rejection, Stop, Tx, application,
    application::Application,
    calendar::{self, Calendar},
    card::{self, NewCard},
    codepay,
    crossing::{self, Crossing},
    echo::{self, NewEcho},
    exception::{self, NewException},
    fee::{self, NewVersion},
    hold::{self, NewHold},
    keyring,
    limit::{self, LimitTable},
    merchant::{self, Certificate, MerchantChange, NewMerchant},
    notification::{self, Attempt},
    order::{self, Terms},
    payer::{self, IdentityChannel, PinOutcome},
    payment::{self, ChannelAnswer, Confirmation, Paid, PaymentState},
    payment_code,
    payout::{self, BankAnswer, Beneficiary, NewPayout, PayoutState},
    records::Digest,
    refund::{self, NewRefund, Receiver, RefundState},
    session::{self, SignIn},
    settlement::{self, SettlementId, SettlementState, Terms as SettlementTerms, Totals},
    staff::{self, Given, NewPassword, NewStaff, StaffStep},
    sweep,
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

impl Command {
    /// Its name in the journal, metrics and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RegisterMerchant(_) => "register_merchant",
            Self::ChangeMerchant(..) => "change_merchant",
            Self::AddCertificate(_) => "add_certificate",
            Self::RevokeCertificate(_) => "revoke_certificate",
            Self::RegisterApplication(_) => "register_application",
            Self::ReplaceKeyRing { .. } => "replace_key_ring",
            Self::SetLimits(_) => "set_limits",
            Self::SendCode { .. } => "send_code",
            Self::SignIn { .. } => "sign_in",
            Self::SignOut(..) => "sign_out",
            Self::Authorise { .. } => "authorise",
            Self::RedeemOauthCode { .. } => "redeem_oauth_code",
            Self::SetPin { .. } => "set_pin",
            Self::ConfirmIdentity(..) => "confirm_identity",
            Self::SetFreePay(..) => "set_free_pay",
            Self::BindCard(_) => "bind_card",
            Self::TopUp { .. } => "top_up",
            Self::IssuePaymentCode(..) => "issue_payment_code",
            Self::CreateOrder { .. } => "create_order",
            Self::CloseOrder(..) => "close_order",
            Self::ExpireOrder(_) => "expire_order",
            Self::PayOrder(_) => "pay_order",
            Self::AnswerPayment(..) => "answer_payment",
            Self::CodePay { .. } => "code_pay",
            Self::ConfirmCodePay { .. } => "confirm_code_pay",
            Self::ReverseOrder { .. } => "reverse_order",
            Self::CreateRefund(_) => "create_refund",
            Self::ApproveRefund(_) => "approve_refund",
            Self::RejectRefund { .. } => "reject_refund",
            Self::ExpireRefund(_) => "expire_refund",
            Self::AnswerRefund { .. } => "answer_refund",
            Self::RetryRefund { .. } => "retry_refund",
            Self::SetFees(_) => "set_fees",
            Self::SetCalendar(_) => "set_calendar",
            Self::SetSettlementTerms(..) => "set_settlement_terms",
            Self::BeginDay(_) => "begin_day",
            Self::CloseMerchantDay(..) => "close_merchant_day",
            Self::EndDay { .. } => "end_day",
            Self::ReleaseSettlement(_) => "release_settlement",
            Self::HoldMoney(_) => "hold_money",
            Self::ReleaseHold(_) => "release_hold",
            Self::SetBankAccount(..) => "set_bank_account",
            Self::RequestPayout(_) => "request_payout",
            Self::PayOutDue(_) => "pay_out_due",
            Self::ApprovePayout(_) => "approve_payout",
            Self::RejectPayout { .. } => "reject_payout",
            Self::ExpirePayout(_) => "expire_payout",
            Self::SendPayouts { .. } => "send_payouts",
            Self::AnswerPayout { .. } => "answer_payout",
            Self::OpenException(_) => "open_exception",
            Self::ClearException(_) => "clear_exception",
            Self::SuggestCorrection { .. } => "suggest_correction",
            Self::ApproveCorrection { .. } => "approve_correction",
            Self::RejectCorrection { .. } => "reject_correction",
            Self::CreateStaff(_) => "create_staff",
            Self::ResetStaff { .. } => "reset_staff",
            Self::SetStaffActive(..) => "set_staff_active",
            Self::SignInStaff { .. } => "sign_in_staff",
            Self::ChangeStaffPassword(_) => "change_staff_password",
            Self::EnrolTotp { .. } => "enrol_totp",
            Self::ConfirmTotp { .. } => "confirm_totp",
            Self::SeeStaffSession(_) => "see_staff_session",
            Self::SignOutStaff(_) => "sign_out_staff",
            Self::Echo(_) => "echo",
            Self::RecordAttempt(..) => "record_attempt",
            Self::Resend(_) => "resend",
            Self::Sweep(..) => "sweep",
            Self::MoveOrder { .. } => "move_order",
            Self::ClaimOrder { .. } => "claim_order",
            Self::SendToShard { .. } => "send_to_shard",
            Self::Receive(_) => "receive",
            Self::Arrived(_) => "arrived",
        }
    }
    /// Whether it is offered only in a database that has one shard: a merchant's settled money is in one place.
    #[must_use]
    pub const fn needs_one_shard(&self) -> bool {
        matches!(
            self,
            Self::BeginDay(_)
                | Self::CloseMerchantDay(..)
                | Self::EndDay { .. }
                | Self::ReleaseSettlement(_)
                | Self::HoldMoney(_)
                | Self::ReleaseHold(_)
                | Self::RequestPayout(_)
                | Self::PayOutDue(_)
                | Self::ApprovePayout(_)
                | Self::RejectPayout { .. }
                | Self::ExpirePayout(_)
                | Self::SendPayouts { .. }
                | Self::AnswerPayout { .. }
                | Self::OpenException(_)
                | Self::ClearException(_)
                | Self::SuggestCorrection { .. }
                | Self::ApproveCorrection { .. }
                | Self::RejectCorrection { .. }
        )
    }
    /// Whether the rules alone give a repeat the first answer, or one that means the same: such a command can be sent
    /// again without a request key.
    #[must_use]
    pub const fn repeats_alike(&self) -> bool {
        match self {
            Self::ChangeMerchant(..)
            | Self::RegisterApplication(_)
            | Self::ReplaceKeyRing { .. }
            | Self::SignOut(..)
            | Self::ConfirmIdentity(..)
            | Self::SetFreePay(..)
            | Self::CreateOrder { .. }
            | Self::CloseOrder(..)
            | Self::ExpireOrder(_)
            | Self::MoveOrder { .. }
            | Self::ClaimOrder { .. }
            | Self::AnswerPayment(..)
            | Self::Receive(_)
            | Self::Arrived(_)
            | Self::CreateRefund(_)
            | Self::ApproveRefund(_)
            | Self::ExpireRefund(_)
            | Self::AnswerRefund { .. }
            | Self::SetCalendar(_)
            | Self::SetSettlementTerms(..)
            | Self::BeginDay(_)
            | Self::CloseMerchantDay(..)
            | Self::EndDay { .. }
            | Self::ReleaseSettlement(_)
            | Self::ReleaseHold(_)
            | Self::PayOutDue(_)
            | Self::ApprovePayout(_)
            | Self::ExpirePayout(_)
            | Self::SendPayouts { .. }
            | Self::AnswerPayout { .. }
            | Self::SetStaffActive(..)
            | Self::SeeStaffSession(_)
            | Self::SignOutStaff(_)
            | Self::OpenException(_)
            | Self::ClearException(_)
            | Self::Sweep(..) => true,
            Self::RegisterMerchant(_)
            | Self::AddCertificate(_)
            | Self::RevokeCertificate(_)
            | Self::SetLimits(_)
            | Self::SendCode { .. }
            | Self::SignIn { .. }
            | Self::Authorise { .. }
            | Self::RedeemOauthCode { .. }
            | Self::SetPin { .. }
            | Self::BindCard(_)
            | Self::TopUp { .. }
            | Self::IssuePaymentCode(..)
            | Self::PayOrder(_)
            | Self::CodePay { .. }
            | Self::ConfirmCodePay { .. }
            | Self::ReverseOrder { .. }
            | Self::Echo(_)
            | Self::RecordAttempt(..)
            | Self::Resend(_)
            | Self::RejectRefund { .. }
            | Self::RetryRefund { .. }
            | Self::SetFees(_)
            | Self::HoldMoney(_)
            | Self::SetBankAccount(..)
            | Self::RequestPayout(_)
            | Self::RejectPayout { .. }
            | Self::CreateStaff(_)
            | Self::ResetStaff { .. }
            | Self::SignInStaff { .. }
            | Self::ChangeStaffPassword(_)
            | Self::EnrolTotp { .. }
            | Self::ConfirmTotp { .. }
            | Self::SuggestCorrection { .. }
            | Self::ApproveCorrection { .. }
            | Self::RejectCorrection { .. }
            | Self::SendToShard { .. } => false,
        }
    }
}

/// Decides a command: reads and writes records through `tx`, and answers or stops.
///
/// # Errors
/// [`Stop::Missing`] when a record is not loaded; [`Stop::Rejected`] when a rule says no, or with
/// [`Rejection::Elsewhere`] when it is for another shard to decide. Whoever calls drops the writes in each case.
pub fn apply(command: &Command, ctx: &Context, tx: &mut Tx<'_>) -> Result<Reply, Stop> {
    if !ctx.place.is_only()
        && let Home::Shard(home) = command.home(ctx.place.shards)
        && home != ctx.place.shard
    {
        return Err(Rejection::Elsewhere(home).into());
    }
    if !ctx.place.is_only() && command.needs_one_shard() {
        return Err(Rejection::SeveralShards.into());
    }
    let done = |()| Reply::Done;
    staff::authorise(command, ctx, tx)?;
    match command {
        Command::RegisterMerchant(new) => merchant::register(new, ctx, tx).map(done),
        Command::ChangeMerchant(id, change) => merchant::change(*id, change, ctx, tx).map(done),
        Command::AddCertificate(new) => merchant::add_certificate(new, ctx, tx).map(done),
        Command::RevokeCertificate(serial) => merchant::revoke_certificate(serial, ctx, tx).map(done),
        Command::RegisterApplication(new) => application::register(new, tx).map(done),
        Command::ReplaceKeyRing { name, sealed } => keyring::replace(name, sealed, tx).map(done),
        Command::SetLimits(table) => limit::set(table, tx).map(done),
        Command::SendCode { phone, code } => session::send_code(*phone, *code, ctx, tx).map(done),
        Command::SignIn { phone, phone_sealed, code, token } => {
            session::sign_in(*phone, phone_sealed, *code, *token, ctx, tx).map(Reply::SignedIn)
        }
        Command::SignOut(payer, token) => session::sign_out(*payer, *token, tx).map(done),
        Command::Authorise { app, payer, code, redirect_host } => {
            session::authorise(*app, *payer, *code, redirect_host, ctx, tx).map(done)
        }
        Command::RedeemOauthCode { code, app, secret } => {
            session::redeem(*code, *app, *secret, ctx, tx).map(Reply::Payer)
        }
        Command::SetPin { payer, new, old } => payer::set_pin(*payer, *new, *old, ctx, tx).map(Reply::Pin),
        Command::ConfirmIdentity(payer, channel) => {
            payer::confirm_identity(*payer, *channel, ctx, tx).map(done)
        }
        Command::SetFreePay(payer, on) => payer::set_free_pay(*payer, *on, ctx, tx).map(done),
        Command::BindCard(new) => card::bind(new, ctx, tx).map(Reply::Card),
        Command::TopUp { card, payer, amount, pin } => {
            payment::top_up(*card, *payer, *amount, *pin, ctx, tx).map(Reply::Paid)
        }
        Command::IssuePaymentCode(payer, code) => {
            payment_code::issue(*code, *payer, ctx, tx).map(Reply::ShownUntil)
        }
        Command::CreateOrder { terms, expires_at } => {
            order::create(terms, *expires_at, ctx, tx).map(Reply::Order)
        }
        Command::CloseOrder(merchant, number) => order::close(*merchant, number, ctx, tx).map(done),
        Command::ExpireOrder(id) => order::expire(*id, ctx, tx).map(done),
        Command::PayOrder(asked) => payment::pay(asked, ctx, tx).map(Reply::Paid),
        Command::AnswerPayment(id, said) => payment::answer(*id, said, ctx, tx).map(Reply::Payment),
        Command::CodePay { terms, code } => codepay::place(terms, *code, ctx, tx).map(Reply::Order),
        Command::ConfirmCodePay { order, payer, pin } => {
            codepay::confirm(*order, *payer, *pin, ctx, tx).map(Reply::Paid)
        }
        Command::ReverseOrder { merchant, app, number } => {
            codepay::reverse(*merchant, *app, number, ctx, tx).map(done)
        }
        Command::CreateRefund(new) => refund::create(new, ctx, tx).map(Reply::Refund),
        Command::ApproveRefund(id) => refund::approve(*id, ctx, tx).map(Reply::RefundState),
        Command::RejectRefund { refund, reason } => {
            refund::reject(*refund, reason, ctx, tx).map(Reply::RefundState)
        }
        Command::ExpireRefund(id) => refund::expire(*id, ctx, tx).map(Reply::RefundState),
        Command::AnswerRefund { refund, attempt, answer } => {
            refund::answer(*refund, *attempt, answer, ctx, tx).map(Reply::RefundState)
        }
        Command::RetryRefund { merchant, refund, number, to } => {
            refund::retry(*merchant, *refund, number, to, ctx, tx).map(Reply::RefundState)
        }
        Command::SetFees(new) => fee::set(new, ctx, tx).map(done),
        Command::SetCalendar(new) => calendar::set(new, ctx, tx).map(done),
        Command::SetSettlementTerms(id, terms) => settlement::set_plan(*id, *terms, ctx, tx).map(done),
        Command::BeginDay(day) => settlement::begin(*day, ctx, tx).map(done),
        Command::CloseMerchantDay(id, day, totals) => settlement::close(*id, *day, totals, ctx, tx).map(done),
        Command::EndDay { day, merchants, totals } => {
            settlement::end(*day, *merchants, totals, ctx, tx).map(done)
        }
        Command::ReleaseSettlement(id) => settlement::release(*id, ctx, tx).map(Reply::Settlement),
        Command::HoldMoney(new) => hold::make(new, ctx, tx).map(Reply::Hold),
        Command::ReleaseHold(id) => hold::release(*id, ctx, tx).map(done),
        Command::SetBankAccount(id, account) => payout::set_account(*id, account, ctx, tx).map(done),
        Command::RequestPayout(new) => payout::request(new, ctx, tx).map(Reply::Payout),
        Command::PayOutDue(id) => {
            payout::pay_out_due(*id, ctx, tx).map(|paid| Reply::Count(paid.into_iter().count()))
        }
        Command::ApprovePayout(id) => payout::approve(*id, ctx, tx).map(Reply::PayoutState),
        Command::RejectPayout { payout, reason } => {
            payout::reject(*payout, reason, ctx, tx).map(Reply::PayoutState)
        }
        Command::ExpirePayout(id) => payout::expire(*id, ctx, tx).map(Reply::PayoutState),
        Command::SendPayouts { file, payouts } => payout::send(file, payouts, ctx, tx).map(Reply::Count),
        Command::AnswerPayout { payout, amount, answer } => {
            payout::answer(*payout, *amount, answer, ctx, tx).map(Reply::PayoutState)
        }
        Command::OpenException(new) => exception::open(new, ctx, tx).map(Reply::Count),
        Command::ClearException(reference) => exception::clear(reference, ctx, tx).map(Reply::Exception),
        Command::SuggestCorrection { exception, correction, why } => {
            exception::suggest(exception, *correction, why, ctx, tx).map(Reply::Exception)
        }
        Command::ApproveCorrection { exception, correction } => {
            exception::approve(exception, *correction, ctx, tx).map(Reply::Exception)
        }
        Command::RejectCorrection { exception, why } => {
            exception::reject(exception, why, ctx, tx).map(Reply::Exception)
        }
        Command::CreateStaff(new) => staff::create(new, ctx, tx).map(Reply::Staff),
        Command::ResetStaff { staff, password } => staff::reset(*staff, password, ctx, tx).map(done),
        Command::SetStaffActive(id, active) => staff::set_active(*id, *active, ctx, tx).map(done),
        Command::SignInStaff { staff, given, token } => {
            staff::sign_in(*staff, given, *token, ctx, tx).map(Reply::StaffStep)
        }
        Command::ChangeStaffPassword(change) => staff::change_password(change, ctx, tx).map(Reply::StaffStep),
        Command::EnrolTotp { session, secret, step, token } => {
            staff::enrol(*session, secret, *step, *token, ctx, tx).map(Reply::StaffStep)
        }
        Command::ConfirmTotp { session, step, token } => {
            staff::confirm(*session, *step, *token, ctx, tx).map(Reply::StaffStep)
        }
        Command::SeeStaffSession(session) => staff::seen(*session, ctx, tx).map(done),
        Command::SignOutStaff(session) => staff::sign_out(*session, tx).map(done),
        Command::Echo(new) => echo::ask(new, ctx, tx).map(done),
        Command::RecordAttempt(id, attempt) => notification::attempted(*id, attempt, ctx, tx).map(done),
        Command::Resend(id) => notification::resend(*id, ctx, tx).map(done),
        Command::Sweep(_, keys) => sweep::sweep(keys, ctx, tx).map(Reply::Count),
        Command::MoveOrder { order, to } => order::hand_over(*order, *to, ctx, tx).map(done),
        Command::ClaimOrder { terms, to } => {
            codepay::claim(terms, *to, ctx, tx).map(|stands| stands.map_or(Reply::Done, Reply::Order))
        }
        Command::SendToShard { from, to, amount } => crossing::send(*from, *to, *amount, ctx, tx).map(done),
        Command::Receive(sent) => crossing::receive(sent, ctx, tx).map(done),
        Command::Arrived(id) => crossing::arrived(*id, tx).map(done),
    }
}
