//! Where a command is decided when a database has several shards, and where to go when it was asked of the wrong one.
//!
//! Pure: whoever routes commands does the one read that some of them need, sends them, and follows
//! [`Rejection::Elsewhere`] and its like as [`next`] and [`after`] say.

use crate::{
    Command, Rejection, Reply,
    crossing::{Crossing, Sent},
    merchant::Product,
    records::Digest,
};
use ledger::{AccountId, AccountKind};
use types::{MerchantId, OrderId, PayerId, Shard, Shards, UserTransferId, id_time};

/// Where a command belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home<'c> {
    /// In this shard and no other.
    Shard(Shard),
    /// Where the order is: in its own column. [`Home::first`] is right until it moves.
    Order(OrderId),
    /// Where the order of this number is; for a number not taken, where such numbers are taken.
    Number(MerchantId, &'c str),
    /// Where the transfer to a user is: in its own column. [`Home::first`] is right until it moves.
    UserTransfer(UserTransferId),
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
            Self::UserTransfer(id) => Some(of_id(id.0, shards)),
            Self::Number(merchant, number) => Some(shards.of_number(merchant, number)),
            Self::OauthCode(_) => None,
        }
    }
}

/// What to do when a shard refused a command for something that lies in another.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Send the command there.
    Send(Shard),
    /// Have this one decided there first, following `Elsewhere` in the same way; [`after`] says how it goes on with its
    /// answer. In the platform's name, when it is [`Command::is_between_shards`].
    First(Shard, Box<Command>),
    /// Send the command again in a moment: what it needs is on its way.
    Wait,
}

/// What to do when the shard `asked` refused `command`; none when that is the command's answer. Hops are few: an order
/// that moves at the same moment may cost some more, and whoever follows gives up after [`hops_max`].
#[must_use]
pub fn next(command: &Command, asked: Shard, refused: &Rejection) -> Option<Next> {
    Some(match refused {
        Rejection::Elsewhere(other) => elsewhere(command, asked, *other),
        Rejection::NumberElsewhere { shard, claim } => {
            Next::First(*shard, Box::new(Command::ClaimNumber(claim.clone())))
        }
        Rejection::MoneyElsewhere { from, amount } => {
            let send = Command::SendToShard { from: *from, to: asked, most: Some(*amount) };
            Next::First(from.shard(), Box::new(send))
        }
        Rejection::MoneyUnderWay => Next::Wait,
        _ => return None,
    })
}

/// Refusals that one command may be followed through: eight for records that move, and twice round all shards for money.
#[must_use]
pub const fn hops_max(shards: Shards) -> u16 {
    8 + 2 * shards.count() as u16
}

/// How it goes on when a command that was asked [`Next::First`] is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum After {
    /// Send the command that waits to where it was again.
    Again,
    /// Have this one decided first, too.
    First(Shard, Box<Command>),
    /// That is the answer of both.
    Answer(Reply),
}

/// How it goes on when `first` is answered so. Money that was sent is received at once, though whoever is responsible for
/// the source would see to it in the end.
#[must_use]
pub fn after(first: &Command, reply: Reply) -> After {
    match (first, reply) {
        (Command::SendToShard { from, to, .. }, Reply::Sent(Sent { id, amount })) => {
            let crossing = Crossing { id, from: *from, to: from.at(*to), amount, sent_at: id_time(id.0) };
            After::First(*to, Box::new(Command::Receive(Box::new(crossing))))
        }
        (_, Reply::Done) => After::Again,
        (_, reply) => After::Answer(reply),
    }
}

/// What is certain to be needed before `at`, the command's home, can decide it, and whom to ask for that: an order is
/// brought to its payer. Asking right away spares a refusal; without it [`next`] says the same one hop later. Nothing
/// for an order of a page (JSAPI): it names its payer, and began where that payer is.
#[must_use]
pub fn ahead(command: &Command, at: Shard, shards: Shards) -> Option<(Shard, Command)> {
    if matches!(command, Command::PayOrder(confirmed) if confirmed.entry.product == Product::Jsapi) {
        return None;
    }
    let brings = brings(command, at)?;
    let made = brings.home(shards).first(shards)?;
    (made != at).then_some((made, brings))
}

/// What brings to `at` the orders that a command pays.
const fn brings(command: &Command, at: Shard) -> Option<Command> {
    match command {
        Command::PayOrder(confirmed) => Some(Command::MoveOrder { order: confirmed.order, to: at }),
        Command::PayCombined(confirmed) => {
            Some(Command::MoveCombined { combined: confirmed.combined, to: at })
        }
        _ => None,
    }
}

fn elsewhere(command: &Command, asked: Shard, other: Shard) -> Next {
    let first = match command {
        Command::CodePay { terms, .. } => Some(Command::ClaimOrder { terms: terms.clone(), to: asked }),
        Command::CreateCombined { terms, .. } => {
            Some(Command::ClaimParts { terms: terms.clone(), to: asked })
        }
        _ => brings(command, asked),
    };
    first.map_or(Next::Send(other), |first| Next::First(other, Box::new(first)))
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
    /// Whether it is what shards do among themselves: a router asks for it in the platform's name, not in that of
    /// whoever asks for the command that needs it.
    #[must_use]
    pub const fn is_between_shards(&self) -> bool {
        matches!(self, Self::SendToShard { .. } | Self::Receive(_) | Self::ClaimNumber(_))
    }
    /// Where it is decided in a database of so many shards.
    #[must_use]
    pub fn home(&self, shards: Shards) -> Home<'_> {
        let payer = |payer: PayerId| Home::Shard(shards.of_payer(payer));
        match self {
            Self::RegisterMerchant(_)
            | Self::ChangeMerchant(..)
            | Self::AddSubMerchant { .. }
            | Self::RemoveSubMerchant { .. }
            | Self::AddCertificate(_)
            | Self::RevokeCertificate(_)
            | Self::RegisterApplication(_)
            | Self::ReplaceKeyRing { .. }
            | Self::SetLimits(_)
            | Self::AddReceiver(_)
            | Self::RemoveReceiver { .. }
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
            | Self::StepUp { .. }
            | Self::SeeStaffSession(_)
            | Self::SignOutStaff(_)
            | Self::SetTransferScenes(..)
            | Self::RequestUserTransfer(_)
            | Self::RequestTransferBatch(_)
            | Self::PayTransferBatch(_)
            | Self::OpenException(_)
            | Self::ClearException(_)
            | Self::ExpectClearing(_)
            | Self::ReceiveClearing(_)
            | Self::SuggestCorrection { .. }
            | Self::ApproveCorrection { .. }
            | Self::RejectCorrection { .. } => Home::Shard(Shard::FIRST),
            Self::SendCode { phone, .. } | Self::SignIn { phone, .. } => {
                Home::Shard(shards.of_phone(&phone.0))
            }
            Self::SignOut(id, _)
            | Self::ConfirmIdentity(id, _)
            | Self::SetFreePay(id, _)
            | Self::SetRealName(id, _)
            | Self::IssuePaymentCode(id, _)
            | Self::Authorise { payer: id, .. }
            | Self::SetPin { payer: id, .. }
            | Self::TopUp { payer: id, .. }
            | Self::ConfirmCodePay { payer: id, .. } => payer(*id),
            Self::BindCard(new) => payer(new.payer),
            Self::PayOrder(confirmed) => payer(confirmed.payer),
            Self::PayCombined(confirmed) => payer(confirmed.payer),
            Self::RedeemOauthCode { code, .. } => Home::OauthCode(*code),
            Self::CreateOrder { terms, .. } | Self::ClaimOrder { terms, .. } => {
                Home::Number(terms.signer(), &terms.number)
            }
            Self::CloseOrder(by, number) | Self::ReverseOrder { by, number, .. } => {
                Home::Number(by.signer(), number)
            }
            Self::ExpireOrder(order) | Self::MoveOrder { order, .. } => Home::Order(*order),
            Self::CreateCombined { terms, .. } | Self::ClaimParts { terms, .. } => {
                Home::Number(terms.merchant, &terms.number)
            }
            Self::CloseCombined { merchant, number, .. } => Home::Number(*merchant, number),
            // Its orders are where it was made, until they move.
            Self::MoveCombined { combined, .. } => Home::Order(OrderId(combined.0)),
            Self::CodePay { code, .. } => Home::Shard(shards.of_code(*code)),
            Self::AnswerPayment(id, _) | Self::AskPayment(id) => Home::Shard(of_id(id.0, shards)),
            Self::ConfirmUserTransfer { transfer: id, .. }
            | Self::CancelUserTransfer { transfer: id, .. }
            | Self::AdvanceUserTransfer(id) => Home::UserTransfer(*id),
            // Where the order is: it does not move once it is paid.
            Self::CreateRefund(new) => match (new.order, &new.order_number) {
                (Some(order), _) => Home::Order(order),
                (None, Some(number)) => Home::Number(new.terms.signer(), number),
                (None, None) => Home::Shard(Shard::FIRST),
            },
            Self::ApproveRefund(refund)
            | Self::RejectRefund { refund, .. }
            | Self::ExpireRefund(refund)
            | Self::AnswerRefund { refund, .. }
            | Self::AskRefund(refund)
            | Self::RetryRefund { refund, .. } => Home::Shard(of_id(refund.0, shards)),
            Self::PassDay { shard, .. } => Home::Shard(*shard),
            Self::ClaimNumber(claim) => Home::Shard(shards.of_number(claim.signer, &claim.number)),
            // A shared order is paid, so it moves no more: all of it is where the order is.
            Self::Share(new) => Home::Order(new.order),
            Self::ReleaseSharing(order) => Home::Order(*order),
            Self::FinishShare(id) => Home::Shard(of_id(id.0, shards)),
            Self::ReturnShare(new) => Home::Shard(of_id(new.share.0, shards)),
            Self::FinishReturn(id) => Home::Shard(of_id(id.0, shards)),
            Self::RecordAttempt(id, _) | Self::Resend(id) => Home::Shard(of_id(id.0, shards)),
            Self::Echo(new) => Home::Shard(shards.of_merchant(new.merchant)),
            Self::Sweep(shard, _) => Home::Shard(*shard),
            Self::SendToShard { from, .. } => Home::Shard(of_account(*from, shards)),
            Self::Receive(sent) => Home::Shard(of_account(sent.to, shards)),
            Self::Arrived(id) => Home::Shard(of_id(id.0, shards)),
        }
    }
}
