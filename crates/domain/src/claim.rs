//! A merchant's own numbers of what is made where an order is: refunds, requests to share and their returns. Such a record
//! lies in the order's shard, and two shards must not give one number to two of them. So in a database of several shards
//! the number is claimed first, for its order, in the shard that a hash of it says: the one place where it is taken.

use crate::{Context, Rejection, Stop, Tx, journal::Subject};
use serde::{Deserialize, Serialize};
use types::{MerchantId, OrderId};

/// Of what a number is. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum NumberOf {
    /// A refund.
    Refund = 0,
    /// A request to share.
    Share = 1,
    /// A return of what was shared.
    ShareReturn = 2,
}

impl NumberOf {
    /// Stored as `number`.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Refund),
            1 => Some(Self::Share),
            2 => Some(Self::ShareReturn),
            _ => None,
        }
    }
    /// What is said of a number that another order has.
    const fn used(self) -> Rejection {
        match self {
            Self::Refund => Rejection::RefundNumberUsed,
            Self::Share | Self::ShareReturn => Rejection::ShareNumberUsed,
        }
    }
}

/// A number that belongs to an order from now on, whatever becomes of what was asked for with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberClaim {
    /// Of what.
    pub of: NumberOf,
    /// Whose number: the merchant or partner who signed.
    pub signer: MerchantId,
    /// The number.
    pub number: Box<str>,
    /// The order.
    pub order: OrderId,
}

/// Takes a number for an order, last of all: when everything else is decided, so that a number is claimed elsewhere only for
/// what nothing else stands against. With one shard the record made beside keeps the number alone, and nothing happens here.
///
/// Errors: as [`NumberOf::used`] when it is another order's; `NumberElsewhere` when it is to be claimed in another shard:
/// whoever routes commands does so and asks again.
pub(crate) fn take(claim: NumberClaim, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    if ctx.place.is_only() {
        return Ok(());
    }
    let key = (claim.of, claim.signer, claim.number.clone());
    if let Some(known) = tx.get::<NumberClaim>(&key)? {
        return if known.order == claim.order { Ok(()) } else { Err(claim.of.used().into()) };
    }
    let shard = ctx.place.shards.of_number(claim.signer, &claim.number);
    if shard != ctx.place.shard {
        return Err(Rejection::NumberElsewhere { shard, claim: Box::new(claim) }.into());
    }
    tx.put(claim);
    Ok(())
}

/// Takes a number for an order of another shard; again is the same. Errors: as [`NumberOf::used`].
pub(crate) fn claim(claim: &NumberClaim, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    tx.about(Subject::Order(claim.order), None);
    take(claim.clone(), ctx, tx)
}
