//! Profit sharing (分账): the money of an order stays aside until its merchant has shared it with others (wire §7).
//!
//! ```text
//! paid ─▶ merchant.sharing ──share────▶ a merchant's settled money, or a payer's balance
//!              ▲                  │
//!              └──────return──────┘  (from merchants who agreed to returns)
//!              ├──refund──▶ who paid
//!              └──unfreeze, or 30 days──▶ merchant.unsettled, settled as the day's takings
//! ```
//!
//! A [`Sharing`] says what is left of an order; it is made when the order is paid, so that an order that is not shared
//! has none. A [`Share`] is one request, with up to fifty receivers: the request sets the money aside, and each part goes
//! by a command of its own, so that a receiver who can't take it stops no other. Receivers are agreed on before
//! ([`Receiver`]). Whatever ends an order's sharing, an account of kind `merchant.sharing` holds exactly what its
//! records say: what is left of orders, and what requests have set aside.

mod finish;
mod receiver;
mod release;
mod returned;
mod share;

pub use receiver::{NewReceiver, Party, RECEIVERS_MAX, Receiver, Relation, Unfit};
pub use returned::{NewReturn, ReturnState, ShareReturn};
pub use share::{FailReason, NewPart, NewShare, Outcome, PARTS_MAX, Part, SHARES_MAX, Share};

pub(crate) use finish::finish;
pub(crate) use receiver::{add, remove};
pub(crate) use release::release;
pub(crate) use returned::{finish as finish_return, give_back};
pub(crate) use share::share;

use crate::{
    Context, Rejection, Stop, Tx,
    context::Actor,
    merchant::Merchant,
    order::Order,
    partner::{self, Permission, Principal},
};
use ledger::{AccountId, Draft, TransferKind};
use serde::{Deserialize, Serialize};
use types::{MerchantId, OrderId, Shard, ShareId, ShareReturnId, Time, TransferId, time};

/// How long what is left of an order stays aside when its merchant does nothing.
pub const FROZEN_LIFE: i64 = 30 * time::DAY;
/// The largest share of an order that may go to others when nothing else is agreed, of ten thousand (wire §7).
pub const RATIO_DEFAULT: u16 = 3_000;
/// All of it.
pub const RATIO_WHOLE: u16 = 10_000;

/// The longest address for notifications, in bytes.
const NOTIFY_URL_MAX: usize = 256;

/// How a merchant takes part in profit sharing. Off until somebody switches it on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participation {
    /// How much of an order may go to others, of ten thousand, 1 to [`RATIO_WHOLE`]; none when its orders are not shared.
    pub max_ratio: Option<u16>,
    /// Whether it gives back what it received, when whoever shared asks for it.
    pub returns: bool,
    /// Where it is told of what it received and gave back; empty for nowhere.
    pub notify_url: Box<str>,
}

impl Participation {
    /// Checks that it does not contradict itself. Errors: `SharingWrong`.
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        if self.max_ratio.is_some_and(|ratio| !(1..=RATIO_WHOLE).contains(&ratio)) {
            return Err(Rejection::SharingWrong("give a ratio of 1 to 10000".into()));
        }
        if self.notify_url.len() > NOTIFY_URL_MAX {
            return Err(Rejection::SharingWrong("an address has at most 256 bytes".into()));
        }
        Ok(())
    }
}

/// What is left of an order whose money is shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sharing {
    /// Which order.
    pub order: OrderId,
    /// The shard that decides about it: where the order was paid.
    pub shard: Shard,
    /// Whose.
    pub merchant: MerchantId,
    /// What can be shared, refunded or unfrozen, minor units.
    pub unsplit: i64,
    /// Set aside by requests that are not finished, minor units.
    pub reserved: i64,
    /// Gone to others or set aside for them, and not come back, minor units.
    pub shared: i64,
    /// Requests made, those to unfreeze included.
    pub shares: u32,
    /// The newest request; each names the one before.
    pub newest: Option<ShareId>,
    /// The newest return; each names the one before.
    pub newest_return: Option<ShareReturnId>,
    /// Since when the money is aside: when the order was paid.
    pub since: Time,
    /// When nothing could be shared any more: unfrozen, released by time, or reversed.
    pub ended_at: Option<Time>,
    /// When the rest is released by itself; none once nothing is left here for good.
    pub due_at: Option<Time>,
}

impl Sharing {
    /// Minor units that lie in `merchant.sharing` for this order, refunds that are not final left out.
    #[must_use]
    pub const fn aside(&self) -> i64 {
        self.unsplit + self.reserved
    }
    /// Whether more can be shared.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.ended_at.is_none()
    }
    /// Keeps the timer only while something can still happen.
    fn settled(self) -> Self {
        if self.ended_at.is_some() && self.reserved == 0 { Self { due_at: None, ..self } } else { self }
    }
}

/// What is left of a merchant's shared orders that are released by themselves on the same day, requests under way
/// included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// How many orders.
    pub orders: u64,
    /// How much, minor units.
    pub amount: i64,
    /// Since when the first of them is aside.
    pub since: Time,
    /// When the last of them is released.
    pub due_at: Time,
}

/// The account where an order's money goes when it is paid: aside when it is to be shared, else to the takings.
pub(crate) fn account_of(order: &Order, ctx: &Context) -> AccountId {
    let (merchant, currency) = (order.terms.merchant, order.terms.amount.currency);
    let account = if order.terms.sharing {
        AccountId::merchant_sharing(merchant, currency)
    } else {
        AccountId::merchant_unsettled(merchant, currency)
    };
    account.at(ctx.place.shard)
}

/// Begins to keep what is left of an order that has just been paid and is to be shared; nothing for any other.
pub(crate) fn begin(order: &Order, fee: i64, ctx: &Context, tx: &mut Tx<'_>) {
    if !order.terms.sharing {
        return;
    }
    tx.put(Sharing {
        order: order.id,
        shard: ctx.place.shard,
        merchant: order.terms.merchant,
        unsplit: order.terms.amount.minor - fee,
        reserved: 0,
        shared: 0,
        shares: 0,
        newest: None,
        newest_return: None,
        since: ctx.now,
        ended_at: None,
        due_at: Some(ctx.now.plus(FROZEN_LIFE)),
    });
}

/// Which account pays the merchant's part of a refund, and which takes what comes back of it: of a shared order what is
/// left of it, as long as it is not unfrozen, then the order's sharing counts it out. None for an order whose refunds are
/// paid as any other's: not shared, unfrozen, or with the merchant's settled money as was asked for.
///
/// Errors: `NotEnough` when too much was shared: have it returned first (wire §7).
pub(crate) fn refund(
    order: &Order,
    part: i64,
    may_use_other: bool,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<Option<AccountId>, Stop> {
    if !order.terms.sharing {
        return Ok(None);
    }
    let sharing = of(order.id, tx)?;
    if !sharing.is_open() || (sharing.unsplit < part && may_use_other) {
        return Ok(None);
    }
    if sharing.unsplit < part {
        return Err(Rejection::NotEnough.into());
    }
    tx.put(Sharing { unsplit: sharing.unsplit - part, ..sharing });
    Ok(Some(account_of(order, ctx)))
}

/// Takes back what a refund that was closed had taken of a shared order. Of one that was unfrozen meanwhile it goes to
/// the takings, by transfer `id`. The refund's hold has been voided.
pub(crate) fn refund_closed(
    order: &Order,
    part: i64,
    id: TransferId,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let sharing = of(order.id, tx)?;
    if sharing.is_open() {
        tx.put(Sharing { unsplit: sharing.unsplit + part, ..sharing });
        return Ok(());
    }
    unfreeze(&sharing, part, id, ctx, tx)
}

/// Ends the sharing of an order that is about to be reversed. Errors: `OrderShared` when anything of it was shared,
/// set aside or unfrozen.
pub(crate) fn reversed(order: &Order, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    if !order.terms.sharing {
        return Ok(());
    }
    let sharing = of(order.id, tx)?;
    if sharing.shares > 0 || !sharing.is_open() {
        return Err(Rejection::OrderShared.into());
    }
    tx.put(Sharing { unsplit: 0, ended_at: Some(ctx.now), ..sharing }.settled());
    Ok(())
}

/// Moves money that is not shared to the takings.
fn unfreeze(
    sharing: &Sharing,
    amount: i64,
    id: TransferId,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let currency = types::Currency::CNY;
    let here = ctx.place.shard;
    let draft = Draft {
        id,
        debit: AccountId::merchant_sharing(sharing.merchant, currency).at(here),
        credit: AccountId::merchant_unsettled(sharing.merchant, currency).at(here),
        amount,
        kind: TransferKind::Unfreeze,
        subject: sharing.order.0,
        at: ctx.now,
    };
    ledger::transfer(tx, draft)?;
    Ok(())
}

/// What is left of an order. Errors: `NotSharing` for one that is not shared.
fn of(order: OrderId, tx: &mut Tx<'_>) -> Result<Sharing, Stop> {
    Ok(tx.need::<Sharing>(&order, Rejection::NotSharing)?.clone())
}

/// Checks that the caller may ask this for the principal. Errors: `NotAllowed`, and as [`partner::authorise`].
fn authorise(by: Principal, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    if ctx.caller.actor != Actor::Merchant(by.signer()) {
        return Err(Rejection::NotAllowed.into());
    }
    partner::authorise(by, Permission::Sharing, ctx, tx)
}

/// The merchant, active, and its largest ratio. Errors: `MerchantNotFound`, `MerchantSuspended`, `SharingOff`.
fn sharer(id: MerchantId, tx: &mut Tx<'_>) -> Result<u16, Stop> {
    let merchant = tx.need::<Merchant>(&id, Rejection::MerchantNotFound(id))?;
    if !merchant.active {
        return Err(Rejection::MerchantSuspended(id).into());
    }
    Ok(merchant.sharing.max_ratio.ok_or(Rejection::SharingOff(id))?)
}

/// Which request to share, or return of one, a signer's own number belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharingNumber {
    /// In whose name.
    pub signer: MerchantId,
    /// Whether it is the number of a return.
    pub of_return: bool,
    /// The number, `out_order_no` or `out_return_no`.
    pub number: Box<str>,
    /// The [`ShareId`] or [`ShareReturnId`].
    pub id: i64,
}

/// The key of a [`SharingNumber`]: in whose name, whether of a return, the number.
pub type SharingNumberKey = (MerchantId, bool, Box<str>);

impl SharingNumber {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> SharingNumberKey {
        (self.signer, self.of_return, self.number.clone())
    }
}
