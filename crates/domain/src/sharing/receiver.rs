//! Receivers: with whom a merchant shares, agreed on before anything goes there.

use super::{authorise, sharer};
use crate::{
    Context, Rejection, Stop, Tx,
    journal::Subject,
    merchant::Merchant,
    partner::Principal,
    payer::{self, Payer},
    sweep::Counter,
};
use serde::{Deserialize, Serialize};
use types::{AppId, MerchantId, PayerId, Secret, Time};

/// The most receivers that a merchant agrees with (wire §7).
pub const RECEIVERS_MAX: i64 = 20_000;
/// The longest name of a relation of one's own, in characters (wire §7).
const CUSTOM_MAX: usize = 10;

/// Somebody who can get a share. Prints as `merchant:1900000001`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// A merchant: into its settled money.
    Merchant(MerchantId),
    /// A person: into the balance.
    Payer(PayerId),
}

impl Party {
    /// Kind and number, as stored.
    #[must_use]
    pub const fn numbers(self) -> (i64, i64) {
        match self {
            Self::Merchant(id) => (0, id.0),
            Self::Payer(id) => (1, id.0),
        }
    }
    /// What is stored as these numbers.
    #[must_use]
    pub const fn from_numbers(kind: i64, number: i64) -> Option<Self> {
        match kind {
            0 => Some(Self::Merchant(MerchantId(number))),
            1 => Some(Self::Payer(PayerId(number))),
            _ => None,
        }
    }
}

impl std::fmt::Display for Party {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Merchant(id) => write!(f, "merchant:{id}"),
            Self::Payer(id) => write!(f, "payer:{id}"),
        }
    }
}

/// What a receiver is to the merchant. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Relation {
    ServiceProvider = 0,
    Store = 1,
    Staff = 2,
    StoreOwner = 3,
    Partner = 4,
    Headquarter = 5,
    Brand = 6,
    Distributor = 7,
    User = 8,
    Supplier = 9,
    /// Another, with a name of the merchant's own.
    Custom = 10,
}

impl Relation {
    /// Every relation, in stored order.
    pub const ALL: [Self; 11] = [
        Self::ServiceProvider,
        Self::Store,
        Self::Staff,
        Self::StoreOwner,
        Self::Partner,
        Self::Headquarter,
        Self::Brand,
        Self::Distributor,
        Self::User,
        Self::Supplier,
        Self::Custom,
    ];
    /// The relation stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| *relation as i64 == number)
    }
}

/// Why a receiver can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Unfit {
    /// A relation's own name is missing, too long, or not asked for.
    #[error("only a custom relation has a name, of 1 to 10 characters")]
    RelationName,
    /// It is the merchant that shares.
    #[error("a merchant does not share with itself")]
    Itself,
    /// A merchant is named without its full name.
    #[error("a merchant's full name is needed")]
    NameMissing,
    /// Another name than the merchant's.
    #[error("the name is not the merchant's")]
    NameDiffers,
    /// A person's name, with which nothing can be compared.
    #[error("names of persons are not kept; leave the name out")]
    NameUnknown,
    /// A person is named without the application.
    #[error("an openid needs its appid")]
    AppMissing,
    /// The same receiver twice in a request.
    #[error("a receiver is named once in a request")]
    Twice,
    /// No receivers, or too many.
    #[error("a request has 1 to 50 receivers")]
    Count,
}

/// That a merchant agreed to share with somebody. Only the first shard writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receiver {
    /// Who shares.
    pub merchant: MerchantId,
    /// With whom.
    pub party: Party,
    /// What the receiver is to the merchant.
    pub relation: Relation,
    /// The name of a relation of the merchant's own; empty otherwise.
    pub custom: Box<str>,
    /// Since when.
    pub since: Time,
}

/// A receiver to be agreed on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewReceiver {
    /// Who shares, at whose request.
    pub by: Principal,
    /// With whom.
    pub party: Party,
    /// The application whose openid names a person.
    pub app: Option<AppId>,
    /// The receiver's full name, to be compared: needed for a merchant.
    pub name: Option<Secret<String>>,
    /// What the receiver is to the merchant.
    pub relation: Relation,
    /// The name of a relation of the merchant's own; empty otherwise.
    pub custom: Box<str>,
}

/// The counter of a merchant's receivers.
fn counter(merchant: MerchantId) -> Box<str> {
    format!("sharing_receivers:{merchant}").into()
}

/// Agrees on a receiver, or changes what it is to the merchant; the same again changes nothing.
///
/// Errors: `NotAllowed`, the partner's, `MerchantSuspended`, `SharingOff`, `AppNotBound`, `MerchantNotFound` and
/// `PayerNotFound` for a receiver that does not exist, `ReceiverWrong` for the merchant itself, a name that is not the
/// receiver's or is missing, or a relation without its name, `ReceiversTooMany`.
pub(crate) fn add(new: &NewReceiver, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let merchant = new.by.merchant;
    let key = (merchant, new.party);
    tx.expect::<Receiver>(&key);
    tx.expect::<Counter>(&counter(merchant));
    tx.about(Subject::Merchant(merchant), None);
    authorise(new.by, ctx, tx)?;
    sharer(merchant, tx)?;
    let custom = new.relation == Relation::Custom;
    let named = new.custom.chars().count();
    if custom != (named > 0) || named > CUSTOM_MAX {
        return Err(Rejection::ReceiverWrong(Unfit::RelationName).into());
    }
    if new.party == Party::Merchant(merchant) {
        return Err(Rejection::ReceiverWrong(Unfit::Itself).into());
    }
    if new.name.is_none() && matches!(new.party, Party::Merchant(_)) {
        return Err(Rejection::ReceiverWrong(Unfit::NameMissing).into());
    }
    check_app(new.by, new.party, new.app, tx)?;
    check_name(new.party, new.name.as_ref(), tx)?;
    let receiver = Receiver {
        merchant,
        party: new.party,
        relation: new.relation,
        custom: new.custom.clone(),
        since: ctx.now,
    };
    tx.note(format!("shares with {}", new.party));
    match tx.get::<Receiver>(&key)?.cloned() {
        Some(known) if (known.relation, &known.custom) == (new.relation, &new.custom) => return Ok(()),
        Some(known) => tx.put(Receiver { since: known.since, ..receiver }),
        None => {
            let name = counter(merchant);
            let last = tx.get::<Counter>(&name)?.map_or(0, |counter| counter.last) + 1;
            if last > RECEIVERS_MAX {
                return Err(Rejection::ReceiversTooMany(RECEIVERS_MAX).into());
            }
            tx.put(Counter { name, last });
            tx.put(receiver);
        }
    }
    Ok(())
}

/// Ends that a merchant shares with somebody; what is under way is closed unless it has gone. Again changes nothing.
/// Errors: `NotAllowed`, the partner's, `AppNotBound`.
pub(crate) fn remove(
    by: Principal,
    party: Party,
    app: Option<AppId>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let key = (by.merchant, party);
    let name = counter(by.merchant);
    tx.expect::<Receiver>(&key);
    tx.expect::<Counter>(&name);
    tx.about(Subject::Merchant(by.merchant), None);
    authorise(by, ctx, tx)?;
    check_app(by, party, app, tx)?;
    tx.note(format!("no longer shares with {party}"));
    if tx.get::<Receiver>(&key)?.is_some() {
        let last = tx.get::<Counter>(&name)?.map_or(0, |counter| counter.last) - 1;
        tx.put(Counter { name, last: last.max(0) });
        tx.delete::<Receiver>(key);
    }
    Ok(())
}

/// Checks the application under which a person is named: of the merchant, or of the partner that asks.
/// Errors: `AppNotBound`, `ReceiverWrong` for a person without one.
pub(super) fn check_app(
    by: Principal,
    party: Party,
    app: Option<AppId>,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let Some(app) = app else {
        return match party {
            Party::Merchant(_) => Ok(()),
            Party::Payer(_) => Err(Rejection::ReceiverWrong(Unfit::AppMissing).into()),
        };
    };
    let own = |id: MerchantId, tx: &mut Tx<'_>| {
        Ok::<_, Stop>(tx.get::<Merchant>(&id)?.is_some_and(|merchant| merchant.has_app(app).is_ok()))
    };
    if own(by.merchant, tx)? || own(by.signer(), tx)? {
        return Ok(());
    }
    Err(Rejection::AppNotBound(app, by.signer()).into())
}

/// Checks that a receiver exists and, where a name is given, that it is the receiver's.
/// Errors: `MerchantNotFound`, `PayerNotFound`, `ReceiverWrong`.
pub(super) fn check_name(party: Party, name: Option<&Secret<String>>, tx: &mut Tx<'_>) -> Result<(), Stop> {
    match party {
        Party::Merchant(id) => {
            let merchant = tx.need::<Merchant>(&id, Rejection::MerchantNotFound(id))?;
            if name.is_some_and(|name| *name.expose() != *merchant.name) {
                return Err(Rejection::ReceiverWrong(Unfit::NameDiffers).into());
            }
        }
        Party::Payer(id) => {
            tx.need::<Payer>(&id, Rejection::PayerNotFound)?;
            // Nobody's name is known here, and a name that nothing is compared with must not look checked.
            if name.is_some() {
                return Err(Rejection::ReceiverWrong(Unfit::NameUnknown).into());
            }
        }
    }
    Ok(())
}

/// Whether a receiver can take money now.
pub(super) fn takes(party: Party, tx: &mut Tx<'_>) -> Result<bool, Stop> {
    match party {
        Party::Merchant(id) => Ok(tx.get::<Merchant>(&id)?.is_some_and(|merchant| merchant.active)),
        Party::Payer(id) => match payer::active(id, tx) {
            Ok(_) => Ok(true),
            Err(Stop::Rejected(_)) => Ok(false),
            Err(missing) => Err(missing),
        },
    }
}
