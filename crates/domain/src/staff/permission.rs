//! What each role may do: one table, asked by every command that a person gives (R-CLERK-06, R-CLERK-34, R-FIN-46).

use super::{Staff, StaffSession};
use crate::{
    Command, Context, Rejection, Stop, Tx, context::Actor, hold::Hold, notification::Notification,
    payout::Payout, refund::Refund, user_transfer::UserTransfer,
};
use serde::{Deserialize, Serialize};
use types::{HoldId, MerchantId, NotificationId, OperatorId, PayoutId, RefundId, UserTransferId};

/// What somebody works as. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Role {
    /// A merchant's main account: all of that merchant.
    Owner = 0,
    /// A merchant's manager: orders, refunds, bills; no payouts, no people.
    Manager = 1,
    /// A merchant's clerk: sees orders.
    Clerk = 2,
    /// The platform's people, merchants and terms; moves no money.
    Administrator = 10,
    /// The platform's money: refunds, payouts, holds, reconciliation.
    Finance = 11,
    /// Helps merchants: sees orders, sends notifications again.
    Support = 12,
    /// Sees everything, changes nothing.
    Auditor = 13,
}

/// A thing that a role may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Permission {
    SeeOrders,
    /// Balances, settlements, payouts, bills.
    SeeMoney,
    SeeStaff,
    /// A merchant's settings, terms and fees.
    SeeMerchants,
    /// The journal of everything.
    SeeJournal,
    Refund,
    ApproveRefund,
    /// Cancels a transfer that the user has not confirmed.
    CancelTransfer,
    Resend,
    RequestPayout,
    ApprovePayout,
    SetBankAccount,
    Hold,
    Reconcile,
    /// Merchants, their certificates and applications.
    ManageMerchants,
    /// Fees, limits, calendar, settlement plans.
    SetTerms,
    ManageStaff,
}

use Permission::{
    ApprovePayout, ApproveRefund, CancelTransfer, Hold as HoldMoney, ManageMerchants, ManageStaff, Reconcile,
    Refund as GiveBack, RequestPayout, Resend, SeeJournal, SeeMerchants, SeeMoney, SeeOrders, SeeStaff,
    SetBankAccount, SetTerms,
};

/// The table. What is not in it is not allowed.
const TABLE: [(Role, &[Permission]); 7] = [
    (
        Role::Owner,
        &[
            SeeOrders,
            SeeMoney,
            SeeStaff,
            SeeMerchants,
            GiveBack,
            ApproveRefund,
            CancelTransfer,
            Resend,
            RequestPayout,
            ManageStaff,
        ],
    ),
    (Role::Manager, &[SeeOrders, SeeMoney, GiveBack, ApproveRefund, CancelTransfer, Resend]),
    (Role::Clerk, &[SeeOrders]),
    // A bank account is set by whoever has seen that its holder is the merchant, and never by one who pays out.
    (
        Role::Administrator,
        &[
            SeeOrders,
            SeeStaff,
            SeeMerchants,
            SeeJournal,
            SetBankAccount,
            ManageMerchants,
            SetTerms,
            ManageStaff,
        ],
    ),
    (
        Role::Finance,
        &[
            SeeOrders,
            SeeMoney,
            SeeMerchants,
            GiveBack,
            ApproveRefund,
            CancelTransfer,
            RequestPayout,
            ApprovePayout,
            HoldMoney,
            Reconcile,
            Resend,
        ],
    ),
    (Role::Support, &[SeeOrders, SeeMerchants, Resend]),
    (Role::Auditor, &[SeeOrders, SeeMoney, SeeStaff, SeeMerchants, SeeJournal]),
];

impl Role {
    /// Every role, in the table's order.
    pub const ALL: [Self; 7] = [
        Self::Owner,
        Self::Manager,
        Self::Clerk,
        Self::Administrator,
        Self::Finance,
        Self::Support,
        Self::Auditor,
    ];
    /// The role stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|role| *role as i64 == number)
    }
    /// The role of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
    /// The word used in pages, files and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Clerk => "clerk",
            Self::Administrator => "administrator",
            Self::Finance => "finance",
            Self::Support => "support",
            Self::Auditor => "auditor",
        }
    }
    /// Whether it is a role of the platform's people; else of a merchant's.
    #[must_use]
    pub const fn is_platforms(self) -> bool {
        matches!(self, Self::Administrator | Self::Finance | Self::Support | Self::Auditor)
    }
    /// Whether it may do this.
    #[must_use]
    pub fn has(self, what: Permission) -> bool {
        TABLE.iter().any(|(role, all)| *role == self && all.contains(&what))
    }
}

/// To whom what a command changes belongs.
enum Whose {
    Platform,
    Merchant(MerchantId),
    Refund(RefundId),
    Payout(PayoutId),
    Hold(HoldId),
    Notification(NotificationId),
    UserTransfer(UserTransferId),
    Staff(OperatorId),
}

/// What a command asks of whoever gives it.
enum Need {
    /// Nothing but the session whose hash it carries.
    Session,
    Right(Permission, Whose),
}

/// What a person needs for a command; none when no person may give it.
fn need(command: &Command) -> Option<Need> {
    use Need::Right;
    Some(match command {
        Command::ChangeStaffPassword(_)
        | Command::EnrolTotp { .. }
        | Command::ConfirmTotp { .. }
        | Command::StepUp { .. }
        | Command::SeeStaffSession(_)
        | Command::SignOutStaff(_) => Need::Session,
        Command::CreateRefund(new) => Right(GiveBack, Whose::Merchant(new.terms.merchant)),
        Command::ApproveRefund(id) => Right(ApproveRefund, Whose::Refund(*id)),
        Command::RejectRefund { refund, .. } => Right(ApproveRefund, Whose::Refund(*refund)),
        Command::RetryRefund { refund, .. } => Right(GiveBack, Whose::Refund(*refund)),
        Command::Resend(id) => Right(Resend, Whose::Notification(*id)),
        Command::HoldMoney(_) => Right(HoldMoney, Whose::Platform),
        Command::ReleaseHold(id) => Right(HoldMoney, Whose::Hold(*id)),
        Command::SetBankAccount(id, _) => Right(SetBankAccount, Whose::Merchant(*id)),
        Command::RequestPayout(new) => Right(RequestPayout, Whose::Merchant(new.merchant)),
        Command::ApprovePayout(id) => Right(ApprovePayout, Whose::Payout(*id)),
        Command::RejectPayout { payout, .. } => Right(ApprovePayout, Whose::Payout(*payout)),
        Command::CancelUserTransfer { transfer, .. } => Right(CancelTransfer, Whose::UserTransfer(*transfer)),
        Command::SuggestCorrection { .. }
        | Command::ApproveCorrection { .. }
        | Command::RejectCorrection { .. }
        | Command::AskPayment(_)
        | Command::AskRefund(_) => Right(Reconcile, Whose::Platform),
        Command::SetFees(_)
        | Command::SetCalendar(_)
        | Command::SetSettlementTerms(..)
        | Command::SetLimits(_) => Right(SetTerms, Whose::Platform),
        Command::RegisterMerchant(_)
        | Command::ChangeMerchant(..)
        | Command::AddSubMerchant { .. }
        | Command::RemoveSubMerchant { .. }
        | Command::AddCertificate(_)
        | Command::RevokeCertificate(_)
        | Command::SetTransferScenes(..)
        | Command::RegisterApplication(_) => Right(ManageMerchants, Whose::Platform),
        Command::CreateStaff(new) => {
            Right(ManageStaff, new.merchant.map_or(Whose::Platform, Whose::Merchant))
        }
        Command::ResetStaff { staff, .. } => Right(ManageStaff, Whose::Staff(*staff)),
        Command::SetStaffActive(staff, _) => Right(ManageStaff, Whose::Staff(*staff)),
        _ => return None,
    })
}

/// Whether a command takes a code given again lately: it lets money go, corrects the books, changes where money goes, or
/// who may sign in as what.
const fn is_dangerous(command: &Command) -> bool {
    matches!(
        command,
        Command::ApproveRefund(_)
            | Command::ApprovePayout(_)
            | Command::ApproveCorrection { .. }
            | Command::SetBankAccount(..)
            | Command::CreateStaff(_)
            | Command::ResetStaff { .. }
            | Command::SetStaffActive(..)
    )
}

/// Refuses a command that its giver's role does not allow, and a dangerous one through a session in which no code was
/// given again lately. Only people are asked: merchants' signed requests, payers and the platform itself are bound by
/// each command's own rules.
///
/// Errors: `NotAllowed`, `StepUpNeeded`.
pub(crate) fn authorise(command: &Command, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let Actor::Operator(id) = ctx.caller.actor else { return Ok(()) };
    let Need::Right(what, whose) = need(command).ok_or(Rejection::NotAllowed)? else { return Ok(()) };
    tx.expect::<Staff>(&id);
    let session = ctx.caller.session.filter(|_| is_dangerous(command));
    if let Some(session) = &session {
        tx.expect::<StaffSession>(session);
    }
    // What is not there belongs to nobody: the platform's people hear so from the command, others are refused.
    let merchant = match whose {
        Whose::Platform => None,
        Whose::Merchant(merchant) => Some(merchant),
        Whose::Refund(id) => tx.get::<Refund>(&id)?.map(|refund| refund.terms.merchant),
        Whose::Payout(id) => tx.get::<Payout>(&id)?.map(|payout| payout.merchant),
        Whose::Hold(id) => tx.get::<Hold>(&id)?.map(|hold| hold.merchant),
        Whose::UserTransfer(id) => tx.get::<UserTransfer>(&id)?.map(|known| known.terms.merchant),
        Whose::Notification(id) => tx.get::<Notification>(&id)?.map(|known| known.merchant),
        Whose::Staff(id) => tx.get::<Staff>(&id)?.and_then(|staff| staff.merchant),
    };
    let giver = tx.need::<Staff>(&id, Rejection::NotAllowed)?;
    if !giver.may(what, merchant) {
        return Err(Rejection::NotAllowed.into());
    }
    let Some(session) = session else { return Ok(()) };
    let giver = giver.clone();
    let stepped_up = tx
        .get::<StaffSession>(&session)?
        .is_some_and(|session| session.holds(&giver, ctx.now) && session.stepped_up(ctx.now));
    if stepped_up { Ok(()) } else { Err(Rejection::StepUpNeeded.into()) }
}
