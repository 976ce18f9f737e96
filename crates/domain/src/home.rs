//! Where a command is decided when a database has several shards, and where to go when it was asked of the wrong one.
//!
//! Pure: whoever routes commands does the one read that some of them need, sends them, and follows
//! [`crate::Rejection::Elsewhere`] as [`next`] says.

use crate::{Command, records::Digest};
use ledger::{AccountId, AccountKind};
use types::{MerchantId, OrderId, PayerId, Shard, Shards};

/// Where a command belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home<'c> {
    /// In this shard and no other.
    Shard(Shard),
    /// Where the order is: in its own column. [`Home::first`] is right until it moves.
    Order(OrderId),
    /// Where the order of this number is; for a number not taken, where such numbers are taken.
    Number(MerchantId, &'c str),
    /// Where the payer is who was given this authorization code; anywhere for an unknown one.
    OauthCode(Digest),
}

impl Home<'_> {
    /// The shard to ask first without a read; none when only a read tells.
    #[must_use]
    pub fn first(self, shards: Shards) -> Option<Shard> {
        match self {
            _ if shards.is_one() => Some(Shard::FIRST),
            Self::Shard(shard) => Some(shard),
            Self::Order(id) => Some(of_id(id.0, shards)),
            Self::Number(merchant, number) => Some(shards.of_number(merchant, number)),
            Self::OauthCode(_) => None,
        }
    }
}

/// What to do when a shard said that a command belongs to another.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Send the command there.
    Send(Shard),
    /// Have this one decided there first, following `Elsewhere` in the same way. When it is answered with `Done`, send
    /// the command to where it was again; any other answer is the command's.
    First(Shard, Box<Command>),
}

/// What to do when the shard `asked` answered `command` with `Elsewhere(other)`. Hops are few: an order that moves at
/// the same moment may cost some more, and whoever follows gives up after about eight.
#[must_use]
pub fn next(command: &Command, asked: Shard, other: Shard) -> Next {
    match command {
        Command::PayOrder(confirmed) => {
            Next::First(other, Box::new(Command::MoveOrder { order: confirmed.order, to: asked }))
        }
        Command::CodePay { terms, .. } => {
            Next::First(other, Box::new(Command::ClaimOrder { terms: terms.clone(), to: asked }))
        }
        _ => Next::Send(other),
    }
}

/// The shard that an id says; the first for one that no shard here can have made.
fn of_id(id: i64, shards: Shards) -> Shard {
    let made = Shard::of_id(id);
    if shards.contains(made) { made } else { Shard::FIRST }
}

/// The shard whose executor writes an account.
#[must_use]
pub fn of_account(account: AccountId, shards: Shards) -> Shard {
    match account.kind() {
        AccountKind::PayerBalance => shards.of_payer(PayerId(account.owner())),
        _ => account.shard(),
    }
}

impl Command {
    /// Where it is decided in a database of so many shards.
    #[must_use]
    pub fn home(&self, shards: Shards) -> Home<'_> {
        let payer = |payer: PayerId| Home::Shard(shards.of_payer(payer));
        match self {
            Self::RegisterMerchant(_)
            | Self::ChangeMerchant(..)
            | Self::AddCertificate(_)
            | Self::RevokeCertificate(_)
            | Self::RegisterApplication(_)
            | Self::ReplaceKeyRing { .. }
            | Self::SetLimits(_)
            | Self::SetFees(_)
            | Self::SetCalendar(_)
            | Self::SetSettlementTerms(..)
            | Self::SetBankAccount(..)
            | Self::BeginDay(_)
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
            | Self::CreateStaff(_)
            | Self::ResetStaff { .. }
            | Self::SetStaffActive(..)
            | Self::SignInStaff { .. }
            | Self::ChangeStaffPassword(_)
            | Self::EnrolTotp { .. }
            | Self::ConfirmTotp { .. }
            | Self::SeeStaffSession(_)
            | Self::SignOutStaff(_)
            | Self::OpenException(_)
            | Self::ClearException(_)
            | Self::SuggestCorrection { .. }
            | Self::ApproveCorrection { .. }
            | Self::RejectCorrection { .. } => Home::Shard(Shard::FIRST),
            Self::SendCode { phone, .. } | Self::SignIn { phone, .. } => {
                Home::Shard(shards.of_phone(&phone.0))
            }
            Self::SignOut(id, _)
            | Self::ConfirmIdentity(id, _)
            | Self::SetFreePay(id, _)
            | Self::IssuePaymentCode(id, _)
            | Self::Authorise { payer: id, .. }
            | Self::SetPin { payer: id, .. }
            | Self::TopUp { payer: id, .. }
            | Self::ConfirmCodePay { payer: id, .. } => payer(*id),
            Self::BindCard(new) => payer(new.payer),
            Self::PayOrder(confirmed) => payer(confirmed.payer),
            Self::RedeemOauthCode { code, .. } => Home::OauthCode(*code),
            Self::CreateOrder { terms, .. } | Self::ClaimOrder { terms, .. } => {
                Home::Number(terms.merchant, &terms.number)
            }
            Self::CloseOrder(merchant, number) | Self::ReverseOrder { merchant, number, .. } => {
                Home::Number(*merchant, number)
            }
            Self::ExpireOrder(order) | Self::MoveOrder { order, .. } => Home::Order(*order),
            Self::CodePay { code, .. } => Home::Shard(shards.of_code(*code)),
            Self::AnswerPayment(id, _) => Home::Shard(of_id(id.0, shards)),
            // Where the order is: it does not move once it is paid.
            Self::CreateRefund(new) => match (new.order, &new.order_number) {
                (Some(order), _) => Home::Order(order),
                (None, Some(number)) => Home::Number(new.terms.merchant, number),
                (None, None) => Home::Shard(Shard::FIRST),
            },
            Self::ApproveRefund(refund)
            | Self::RejectRefund { refund, .. }
            | Self::ExpireRefund(refund)
            | Self::AnswerRefund { refund, .. }
            | Self::RetryRefund { refund, .. } => Home::Shard(of_id(refund.0, shards)),
            Self::RecordAttempt(id, _) | Self::Resend(id) => Home::Shard(of_id(id.0, shards)),
            Self::Echo(new) => Home::Shard(shards.of_merchant(new.merchant)),
            Self::Sweep(shard, _) => Home::Shard(*shard),
            Self::SendToShard { from, .. } => Home::Shard(of_account(*from, shards)),
            Self::Receive(sent) => Home::Shard(of_account(sent.to, shards)),
            Self::Arrived(id) => Home::Shard(of_id(id.0, shards)),
        }
    }
}
