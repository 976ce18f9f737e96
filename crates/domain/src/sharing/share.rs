//! A request to share the money of an order, or to unfreeze what is left of it.

use super::{
    Party, Receiver, Sharing, SharingNumber, Unfit, authorise, of,
    receiver::{check_app, check_name},
    sharer,
};
use crate::{
    Context, Rejection, Stop, Tx,
    claim::{self, NumberClaim, NumberOf},
    context::Event,
    journal::Subject,
    merchant::Merchant,
    order::{self, Order, OrderState},
    partner::Principal,
};
use serde::{Deserialize, Serialize};
use types::{AppId, JournalId, MerchantId, Money, OrderId, Secret, ShareId, Time, TransferId};

/// Requests of one order, those to unfreeze included (wire §7).
pub const SHARES_MAX: u32 = 50;
/// Receivers of one request (wire §7).
pub const PARTS_MAX: usize = 50;

/// A request to share, with what became of each part. The last part of one that unfreezes is the merchant's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Its id; `order_id` of profit sharing on the wire is computed from it.
    pub id: ShareId,
    /// Of which order.
    pub order: OrderId,
    /// Whose.
    pub merchant: MerchantId,
    /// The partner that asked, if one did.
    pub partner: Option<MerchantId>,
    /// The signer's own number, 1 to 64 characters, unique per signer.
    pub number: Box<str>,
    /// Who gets what.
    pub parts: Vec<Part>,
    /// The request of the same order before this one.
    pub previous: Option<ShareId>,
    /// When it was made.
    pub created_at: Time,
    /// When the last part ended.
    pub finished_at: Option<Time>,
    /// When the next part is to go; none once it is finished.
    pub due_at: Option<Time>,
    /// Hash over all parameters: the same number with another digest is another request.
    pub digest: [u8; 16],
    /// Newest journal line.
    pub journal: JournalId,
}

impl Share {
    /// Whose it is, and which partner asked.
    #[must_use]
    pub const fn principal(&self) -> Principal {
        Principal { merchant: self.merchant, partner: self.partner }
    }
    /// The part that this transfer brought, with its place.
    #[must_use]
    pub fn part_of(&self, transfer: TransferId) -> Option<(usize, &Part)> {
        self.parts.iter().enumerate().find(|(_, part)| part.outcome == Outcome::Succeeded(transfer))
    }
}

/// One receiver's part of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Who gets it; the merchant itself for what is unfrozen.
    pub party: Party,
    /// The application whose openid names a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// How much, minor units.
    pub amount: i64,
    /// Why, 1 to 80 characters.
    pub description: Box<str>,
    /// What became of it.
    pub outcome: Outcome,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// Returned of it, or about to be, minor units.
    #[serde(default)]
    pub returned: i64,
}

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It has not gone yet.
    Pending,
    /// It went by this transfer.
    Succeeded(TransferId),
    /// It could not go and came back to what is left of the order.
    Closed(FailReason),
}

/// Why a part or a return failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum FailReason {
    /// The receiver, or whoever should return, is suspended or frozen.
    AccountAbnormal = 0,
    /// The merchant no longer shares with the receiver.
    NoRelation = 1,
    /// Whoever should return has too little.
    BalanceNotEnough = 2,
}

impl FailReason {
    /// The reason stored as `number`.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::AccountAbnormal),
            1 => Some(Self::NoRelation),
            2 => Some(Self::BalanceNotEnough),
            _ => None,
        }
    }
}

/// A request to share. Without parts it only unfreezes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewShare {
    /// Whose order, at whose request.
    pub by: Principal,
    /// Which order.
    pub order: OrderId,
    /// The signer's number of the request.
    pub number: Box<str>,
    /// Who gets what.
    pub parts: Vec<NewPart>,
    /// Why what is left is unfrozen; none to keep it aside for more requests.
    pub unfreeze: Option<Box<str>>,
    /// Hash over all parameters.
    pub digest: [u8; 16],
}

/// A part asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewPart {
    /// Who gets it.
    pub party: Party,
    /// The application whose openid names a person.
    pub app: Option<AppId>,
    /// The receiver's name, to be compared.
    pub name: Option<Secret<String>>,
    /// How much, minor units.
    pub amount: i64,
    /// Why.
    pub description: Box<str>,
}

/// Sets money of an order aside for its receivers, and ends its sharing when the rest is to be unfrozen. The parts go
/// one by one afterwards. The same number with the same content gives the same request, however it stands by now.
///
/// Errors: `NotAllowed`, the partner's, `OrderNotFound`, `Elsewhere`, `ShareNumberUsed`, `OrderNotPaid`, `NotSharing`,
/// `SharingOff`, `MerchantSuspended`, `SharingEnded`, `SharesTooMany`, `ReceiverWrong` for none, too many or the same
/// receiver twice, `AmountOutOfRange`, `NoRelation`, `ShareTooMuch` when more is asked than is left, also for an unfreeze
/// of nothing, `ShareAboveRatio`.
pub(crate) fn share(new: &NewShare, ctx: &Context, tx: &mut Tx<'_>) -> Result<ShareId, Stop> {
    let key = (new.by.signer(), false, new.number.clone());
    tx.expect::<SharingNumber>(&key);
    tx.expect::<Sharing>(&new.order);
    tx.expect::<Merchant>(&new.by.merchant);
    for part in &new.parts {
        tx.expect::<Receiver>(&(new.by.merchant, part.party));
    }
    authorise(new.by, ctx, tx)?;
    let order = order::here(new.order, ctx, tx)?;
    tx.about(Subject::Order(order.id), Some(order.journal));
    if order.terms.principal() != new.by {
        return Err(Rejection::OrderNotFound.into());
    }
    if let Some(known) = tx.get::<SharingNumber>(&key)? {
        let id = ShareId(known.id);
        let same = tx.need::<Share>(&id, Rejection::ShareNotFound)?.digest == new.digest;
        return if same { Ok(id) } else { Err(Rejection::ShareNumberUsed.into()) };
    }
    if order.state != OrderState::Paid {
        return Err(Rejection::OrderNotPaid.into());
    }
    let sharing = of(order.id, tx)?;
    let ratio = sharer(new.by.merchant, tx)?;
    tx.loaded()?;
    if !sharing.is_open() {
        return Err(Rejection::SharingEnded.into());
    }
    if sharing.shares >= SHARES_MAX {
        return Err(Rejection::SharesTooMany(SHARES_MAX).into());
    }
    let sum = check_parts(new, tx)?;
    let left = Money::cny(sharing.unsplit);
    if sum > sharing.unsplit || (new.parts.is_empty() && sharing.unsplit == 0) {
        return Err(Rejection::ShareTooMuch { left }.into());
    }
    let most = i128::from(order.terms.amount.minor) * i128::from(ratio) / i128::from(super::RATIO_WHOLE);
    let shared = sharing.shared + sum;
    if i128::from(shared) > most {
        return Err(Rejection::ShareAboveRatio(ratio).into());
    }
    let id = ShareId(ctx.ids.id(0));
    let pending = |party, app, amount, description: &str| Part {
        party,
        app,
        amount,
        description: description.into(),
        outcome: Outcome::Pending,
        ended_at: None,
        returned: 0,
    };
    let mut parts: Vec<Part> =
        new.parts.iter().map(|part| pending(part.party, part.app, part.amount, &part.description)).collect();
    let rest = sharing.unsplit - sum;
    let mut next = Sharing {
        unsplit: rest,
        reserved: sharing.reserved + sum,
        shared,
        shares: sharing.shares + 1,
        newest: Some(id),
        ..sharing
    };
    if let Some(why) = &new.unfreeze {
        if rest > 0 {
            parts.push(pending(Party::Merchant(new.by.merchant), None, rest, why));
        }
        (next.unsplit, next.reserved, next.ended_at) = (0, next.reserved + rest, Some(ctx.now));
    }
    tx.note(format!(
        "share {id}: {} to {}{}",
        Money::cny(sum),
        new.parts.len(),
        match new.unfreeze {
            Some(_) => format!(", {} unfrozen", Money::cny(rest)),
            None => String::new(),
        }
    ));
    // With nothing to move there is nothing to wait for.
    let finished = parts.is_empty();
    tx.put(Share {
        id,
        order: order.id,
        merchant: new.by.merchant,
        partner: new.by.partner,
        number: new.number.clone(),
        parts,
        previous: sharing.newest,
        created_at: ctx.now,
        finished_at: finished.then_some(ctx.now),
        due_at: (!finished).then_some(ctx.now),
        digest: new.digest,
        journal: ctx.journal,
    });
    let (of, signer) = (NumberOf::Share, new.by.signer());
    claim::take(NumberClaim { of, signer, number: new.number.clone(), order: order.id }, ctx, tx)?;
    tx.put(SharingNumber { signer: new.by.signer(), of_return: false, number: new.number.clone(), id: id.0 });
    tx.put(next.settled());
    tx.put(Order { journal: ctx.journal, ..order });
    tx.tell(Event::ShareDue(id));
    Ok(id)
}

/// Checks each part on its own; their sum.
fn check_parts(new: &NewShare, tx: &mut Tx<'_>) -> Result<i64, Stop> {
    if new.parts.len() > PARTS_MAX || (new.parts.is_empty() && new.unfreeze.is_none()) {
        return Err(Rejection::ReceiverWrong(Unfit::Count).into());
    }
    let mut sum: i64 = 0;
    for (place, part) in new.parts.iter().enumerate() {
        if new.parts[..place].iter().any(|before| before.party == part.party) {
            return Err(Rejection::ReceiverWrong(Unfit::Twice).into());
        }
        if part.amount <= 0 {
            return Err(Rejection::AmountOutOfRange.into());
        }
        sum = sum.checked_add(part.amount).ok_or(Rejection::AmountOutOfRange)?;
        check_app(new.by, part.party, part.app, tx)?;
        if tx.get::<Receiver>(&(new.by.merchant, part.party))?.is_none() {
            return Err(Rejection::NoRelation(part.party).into());
        }
        if part.name.is_some() {
            check_name(part.party, part.name.as_ref(), tx)?;
        }
    }
    Ok(sum)
}
