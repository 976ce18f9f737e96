//! Profit sharing, from records to wire objects.

use crypto::Tokens;
use domain::sharing::{FailReason, Outcome, Part, Party, Relation as Kept, ReturnState, Share, ShareReturn};
use engine::{Fault, Queries};
use protocol::sharing::{
    PartResult, ReceiverKind, Relation, ReturnResult, ReturnView, ShareNotice, ShareState, ShareView,
    SharedView,
};
use types::{AppId, ShareNumber, ShareReturnId, ShareReturnNumber, TransactionId, TransferId};

/// The wire's word of why a part or a return failed.
#[must_use]
pub const fn fail_reason(why: FailReason) -> &'static str {
    match why {
        FailReason::AccountAbnormal => "ACCOUNT_ABNORMAL",
        FailReason::NoRelation => "NO_RELATION",
        FailReason::BalanceNotEnough => "BALANCE_NOT_ENOUGH",
    }
}

/// What a receiver is to the merchant, from the wire.
#[must_use]
pub const fn relation(of: Relation) -> Kept {
    match of {
        Relation::ServiceProvider => Kept::ServiceProvider,
        Relation::Store => Kept::Store,
        Relation::Staff => Kept::Staff,
        Relation::StoreOwner => Kept::StoreOwner,
        Relation::Partner => Kept::Partner,
        Relation::Headquarter => Kept::Headquarter,
        Relation::Brand => Kept::Brand,
        Relation::Distributor => Kept::Distributor,
        Relation::User => Kept::User,
        Relation::Supplier => Kept::Supplier,
        Relation::Custom => Kept::Custom,
    }
}

/// A request to share as it is now. `own` are the applications of who signed: a person named by another is one of the
/// sub-merchant's.
#[must_use]
pub fn share(share: &Share, own: &[AppId], tokens: &Tokens) -> ShareView {
    let part = |part: &Part| {
        let (kind, account) = account(share, part, own, tokens);
        let (result, fail_reason) = match part.outcome {
            Outcome::Pending => (PartResult::Pending, None),
            Outcome::Succeeded(_) => (PartResult::Success, None),
            Outcome::Closed(why) => (PartResult::Closed, Some(fail_reason(why))),
        };
        SharedView {
            amount: part.amount,
            description: part.description.to_string(),
            kind,
            account,
            result,
            fail_reason,
            create_time: share.created_at,
            finish_time: part.ended_at,
        }
    };
    ShareView {
        sub_mchid: share.partner.map(|_| share.merchant),
        transaction_id: TransactionId(share.order),
        out_order_no: share.number.to_string(),
        order_id: ShareNumber(share.id),
        state: if share.finished_at.is_some() { ShareState::Finished } else { ShareState::Processing },
        receivers: share.parts.iter().map(part).collect(),
    }
}

fn account(share: &Share, part: &Part, own: &[AppId], tokens: &Tokens) -> (ReceiverKind, String) {
    match part.party {
        Party::Merchant(id) => (ReceiverKind::Merchant, id.to_string()),
        Party::Payer(id) => {
            let app = part.app.unwrap_or(AppId(0)); // a person is never named without one
            let sub = share.partner.is_some() && !own.contains(&app);
            let kind = if sub { ReceiverKind::SubPerson } else { ReceiverKind::Person };
            (kind, tokens.openid(app, id))
        }
    }
}

/// A return as it is now; `number` is that of its request to share.
#[must_use]
pub fn share_return(one: &ShareReturn, number: &str) -> ReturnView {
    let (result, reason) = match one.state {
        ReturnState::Processing => (ReturnResult::Processing, None),
        ReturnState::Succeeded(_) => (ReturnResult::Success, None),
        ReturnState::Failed(why) => (ReturnResult::Failed, Some(fail_reason(why))),
    };
    ReturnView {
        sub_mchid: one.partner.map(|_| one.merchant),
        order_id: ShareNumber(one.share),
        out_order_no: number.to_owned(),
        out_return_no: one.number.to_string(),
        return_id: ShareReturnNumber(one.id),
        return_mchid: one.from,
        amount: one.amount,
        description: one.description.to_string(),
        result,
        fail_reason: reason,
        create_time: one.created_at,
        finish_time: one.ended_at,
    }
}

/// What a receiver is told of the part that a transfer brought; none when no request knows it.
///
/// # Errors
/// A fault of the store.
pub fn received(transfer: TransferId, queries: &dyn Queries) -> Result<Option<ShareNotice>, Fault> {
    let Some(moved) = queries.transfer(transfer)? else { return Ok(None) };
    let Some(share) = queries.share(types::ShareId(moved.subject))? else { return Ok(None) };
    let Some((_, part)) = share.part_of(transfer) else { return Ok(None) };
    let Party::Merchant(receiver) = part.party else { return Ok(None) };
    Ok(Some(ShareNotice {
        mchid: share.merchant,
        partner: share.partner,
        transaction_id: TransactionId(share.order),
        order_id: ShareNumber(share.id),
        out_order_no: share.number.to_string(),
        receiver,
        amount: part.amount,
        description: part.description.to_string(),
        success_time: part.ended_at.unwrap_or(moved.at),
    }))
}

/// What a receiver is told of a share that it gave back; none when there is no such return.
///
/// # Errors
/// A fault of the store.
pub fn returned(id: ShareReturnId, queries: &dyn Queries) -> Result<Option<ShareNotice>, Fault> {
    let Some(one) = queries.share_return(id)? else { return Ok(None) };
    Ok(Some(ShareNotice {
        mchid: one.merchant,
        partner: one.partner,
        transaction_id: TransactionId(one.order),
        order_id: ShareNumber(one.share),
        out_order_no: one.number.to_string(),
        receiver: one.from,
        amount: one.amount,
        description: one.description.to_string(),
        success_time: one.ended_at.unwrap_or(one.created_at),
    }))
}
