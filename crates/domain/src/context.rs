//! What a command is told from outside: when, with which ids, on whose behalf.

use crate::records::Digest;
use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr, sync::Arc};
use types::{
    IdBlock, JournalId, MerchantId, NotificationId, OperatorId, PayerId, PaymentId, Place, RefundId, ShareId,
    ShareReturnId, Time, TransferId,
};

/// Everything `apply` may know that is not a record.
#[derive(Clone, Debug)]
pub struct Context {
    /// Now, from the injected clock.
    pub now: Time,
    /// Fresh ids for what the command creates.
    pub ids: IdBlock,
    /// The journal line that will describe this command.
    pub journal: JournalId,
    /// Who asks, from where.
    pub caller: Caller,
    /// The shard that decides, of how many.
    pub place: Place,
}

/// Who asks, from where, with what (R-CLERK-26).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// On whose authority.
    pub actor: Actor,
    /// Network address, where there is one.
    pub address: Option<IpAddr>,
    /// Device or user agent, at most 120 characters.
    pub device: Option<Arc<str>>,
    /// The console session that speaks, by its token's hash; none for anybody who is not a person at a console. What a
    /// person asks for through one may take a code given lately ([`crate::staff::STEP_UP_LIFE`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Digest>,
}

impl Caller {
    /// The platform itself: timers, workers, the command line.
    #[must_use]
    pub const fn platform() -> Self {
        Self::of(Actor::Platform)
    }
    /// A caller without address or device, for tests and load.
    #[must_use]
    pub const fn of(actor: Actor) -> Self {
        Self { actor, address: None, device: None, session: None }
    }
}

/// On whose authority a command runs. Prints as `merchant:1900000001`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The platform itself.
    Platform,
    /// A merchant's signed request.
    Merchant(MerchantId),
    /// A payer's session.
    Payer(PayerId),
    /// A visitor who has not signed in.
    Visitor,
    /// A channel's answer.
    Channel,
    /// A person who is signed in to a console.
    Operator(OperatorId),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("platform"),
            Self::Merchant(id) => write!(f, "merchant:{id}"),
            Self::Payer(id) => write!(f, "payer:{id}"),
            Self::Visitor => f.write_str("visitor"),
            Self::Channel => f.write_str("channel"),
            Self::Operator(id) => write!(f, "operator:{id}"),
        }
    }
}

/// What workers hear of after a commit. Losing one costs time only: the records it points at are found again
/// by their due times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A notification is due at once.
    NotificationDue(NotificationId),
    /// A channel must be asked to authorise a payment.
    AuthorisationDue(PaymentId),
    /// Money left for another shard and must be received there.
    MoneySent(TransferId),
    /// A channel must be asked to bring a refund to a card.
    RefundDue(RefundId),
    /// The next part of a request to share is to go.
    ShareDue(ShareId),
    /// A return of what was shared is to be done.
    ShareReturnDue(ShareReturnId),
    /// A merchant's settings, keys or certificates changed.
    MerchantChanged(MerchantId),
    /// The platform's keys changed.
    KeysChanged,
}
