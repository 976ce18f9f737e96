//! Every command and its answer, and the one function that decides them.

use crate::{
    Context, Home, Key, Rejection, Stop, Tx, application,
    application::Application,
    card::{self, NewCard},
    codepay,
    crossing::{self, Crossing},
    echo::{self, NewEcho},
    keyring,
    limit::{self, LimitTable},
    merchant::{self, Certificate, MerchantChange, NewMerchant},
    notification::{self, Attempt},
    order::{self, Terms},
    payer::{self, IdentityChannel, PinOutcome},
    payment::{self, ChannelAnswer, Confirmation, Paid, PaymentState},
    payment_code,
    records::Digest,
    session::{self, SignIn},
    sweep,
};
use ledger::AccountId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use types::{
    AppId, CardId, MerchantId, Money, NotificationId, OrderId, PayerId, PaymentId, Shard, Time, TransferId,
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
    let done = |()| Reply::Done;
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
