//! Partners (服务商) and their sub-merchants (特约商户): who may act for whom, and in whose name (R-FIN-13).
//!
//! A partner signs requests for merchants that need no connection of their own, such as the branches of a head office.
//! The money stays each merchant's: an order placed for a sub-merchant is the sub-merchant's order, with its fees, its
//! settlement and its payouts. What is the partner's is the *name* of what it asked for: numbers of orders and refunds
//! are unique per partner (wire §3.2), and notifications go to the partner, sealed with its key.
//!
//! | Question | Answer |
//! | --- | --- |
//! | Whose money is meant, and who asks? | [`Principal`]: every command that a partner may give carries one, or [`crate::order::Terms`] that hold one |
//! | May this partner do that for this merchant? | [`Merchant::partner_may`], a rule over the merchant's record alone, so that edges can ask it, too |
//! | Is the command allowed? | `authorise`: the caller is who the principal says, and the rule above |
//!
//! A merchant has at most one partner at a time. A relation that ended stays in the record until the next one begins,
//! so that an order placed under it keeps its story; nobody acts under it any more, and what is not paid yet can't be.

use crate::{
    Context, Rejection, Stop, Tx,
    context::{Actor, Event},
    journal::Subject,
    merchant::Merchant,
};
use serde::{Deserialize, Serialize};
use types::{MerchantId, Time};

/// Whose money a request is about, and which partner asks for it, if one does.
///
/// Serialised, a merchant that asks for itself is its number alone: so it was before there were partners, and nodes of
/// both versions understand each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Principal {
    /// The merchant whose money is meant: `mchid` of an ordinary request, `sub_mchid` of a partner's.
    pub merchant: MerchantId,
    /// The partner that asks, `sp_mchid`; none when the merchant asks for itself.
    pub partner: Option<MerchantId>,
}

/// How a [`Principal`] is written.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Own(MerchantId),
    ByPartner { merchant: MerchantId, partner: Option<MerchantId> },
}

impl From<Written> for Principal {
    fn from(written: Written) -> Self {
        match written {
            Written::Own(merchant) => merchant.into(),
            Written::ByPartner { merchant, partner } => Self { merchant, partner },
        }
    }
}

impl From<Principal> for Written {
    fn from(by: Principal) -> Self {
        match by.partner {
            None => Self::Own(by.merchant),
            partner => Self::ByPartner { merchant: by.merchant, partner },
        }
    }
}

impl From<MerchantId> for Principal {
    /// A merchant that asks for itself.
    fn from(merchant: MerchantId) -> Self {
        Self { merchant, partner: None }
    }
}

impl Principal {
    /// A sub-merchant, for which its partner asks.
    #[must_use]
    pub const fn by_partner(merchant: MerchantId, partner: MerchantId) -> Self {
        Self { merchant, partner: Some(partner) }
    }
    /// Who signs the request, in whose name numbers are unique, and who is notified: the partner, or else the merchant.
    #[must_use]
    pub fn signer(self) -> MerchantId {
        self.partner.unwrap_or(self.merchant)
    }
}

/// What a partner may be allowed to do for a sub-merchant. The number is a bit position and is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Permission {
    /// Place, query, close and reverse orders.
    Pay = 0,
    /// Refund its orders and look refunds up.
    Refund = 1,
    /// Fetch its bills.
    Bills = 2,
    /// Share its takings out (分账).
    Sharing = 3,
    /// Transfer its money to users.
    Transfer = 4,
}

impl Permission {
    /// Every permission, in stored order.
    pub const ALL: [Self; 5] = [Self::Pay, Self::Refund, Self::Bills, Self::Sharing, Self::Transfer];
    /// The word used in pages, files and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pay => "pay",
            Self::Refund => "refund",
            Self::Bills => "bills",
            Self::Sharing => "sharing",
            Self::Transfer => "transfer",
        }
    }
    /// The permission of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.name() == name)
    }
}

/// A set of permissions, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permissions(pub u16);

impl Permissions {
    /// All of them.
    pub const ALL: Self = Self(0b1_1111);
    /// What a partner gets when nothing else is said: everything but moving the sub-merchant's money to others.
    pub const USUAL: Self = Self(0b111);
    /// Whether `permission` is given.
    #[must_use]
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u8) != 0
    }
    /// With `permission` given, too.
    #[must_use]
    pub const fn and(self, permission: Permission) -> Self {
        Self(self.0 | 1 << permission as u8)
    }
    /// Those given, in stored order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.has(*permission))
    }
}

/// That a merchant is a sub-merchant: of whom, allowed what. Kept in the merchant's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partnership {
    /// The partner.
    pub partner: MerchantId,
    /// What the partner may do.
    pub permissions: Permissions,
    /// Since when.
    pub since: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
}

impl Merchant {
    /// The partnership that holds now.
    #[must_use]
    pub fn partnership_now(&self) -> Option<&Partnership> {
        self.partnership.as_ref().filter(|known| known.ended_at.is_none())
    }
    /// Checks that `partner` may do this for the merchant. That the partner itself may trade is asked elsewhere.
    ///
    /// # Errors
    /// `NotSubMerchant` when there is no such relation or it ended, `PartnerMayNot` when it does not go so far.
    pub fn partner_may(&self, partner: MerchantId, permission: Permission) -> Result<(), Rejection> {
        let known = self.partnership_now().filter(|known| known.partner == partner);
        let known = known.ok_or(Rejection::NotSubMerchant { merchant: self.id, partner })?;
        if known.permissions.has(permission) {
            return Ok(());
        }
        Err(Rejection::PartnerMayNot { merchant: self.id, partner, permission })
    }
}

/// Checks that a command is its caller's to give for this principal: a signed request must be the principal's own, and
/// a partner must be allowed this for the sub-merchant and be active itself. People act for the merchant, also when the
/// partner does so no more; what they may do is `staff`'s to say. Costs an ordinary merchant nothing. The rules of the
/// merchant itself (whether it is active, which products it has) are for the command to ask.
///
/// Errors: `NotAllowed` for another merchant's request, `MerchantNotFound`, `NotSubMerchant`, `PartnerMayNot`,
/// `MerchantSuspended` for a suspended partner.
pub(crate) fn authorise(
    by: Principal,
    permission: Permission,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let Some(partner) = by.partner else { return Ok(()) };
    match ctx.caller.actor {
        Actor::Merchant(caller) if caller != partner => return Err(Rejection::NotAllowed.into()),
        Actor::Operator(_) => return Ok(()),
        _ => {}
    }
    tx.expect::<Merchant>(&partner);
    let merchant = tx.need::<Merchant>(&by.merchant, Rejection::MerchantNotFound(by.merchant))?;
    merchant.partner_may(partner, permission)?;
    let known = tx.need::<Merchant>(&partner, Rejection::MerchantNotFound(partner))?;
    if known.active { Ok(()) } else { Err(Rejection::MerchantSuspended(partner).into()) }
}

/// Makes a merchant a sub-merchant, or changes what its partner may do; the same again changes nothing.
///
/// Errors: `MerchantNotFound` for either, `PartnerWrong` when the merchant would be its own partner or has another, or
/// when nothing would be allowed.
pub(crate) fn add(
    by: MerchantId,
    partner: MerchantId,
    permissions: Permissions,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let wrong = |why: String| Rejection::PartnerWrong(why.into());
    tx.expect::<Merchant>(&partner);
    let merchant = tx.need::<Merchant>(&by, Rejection::MerchantNotFound(by))?.clone();
    tx.about(Subject::Merchant(by), Some(merchant.journal));
    tx.need::<Merchant>(&partner, Rejection::MerchantNotFound(partner))?;
    if by == partner {
        return Err(wrong(format!("merchant {by} can't be its own partner")).into());
    }
    if permissions.iter().next().is_none() || permissions.0 & !Permissions::ALL.0 != 0 {
        return Err(wrong("allow at least one of pay, refund, bills, sharing, transfer".to_owned()).into());
    }
    let since = match merchant.partnership_now() {
        None => ctx.now,
        Some(known) if known.partner == partner && known.permissions == permissions => return Ok(()),
        Some(known) if known.partner == partner => known.since,
        Some(known) => {
            let why = format!("merchant {by} is a sub-merchant of {}; end that first", known.partner);
            return Err(wrong(why).into());
        }
    };
    let names: Vec<_> = permissions.iter().map(Permission::name).collect();
    tx.note(format!("sub-merchant of {partner}: {}", names.join(", ")));
    let partnership = Some(Partnership { partner, permissions, since, ended_at: None });
    tx.put(Merchant { partnership, journal: ctx.journal, ..merchant });
    tx.tell(Event::MerchantChanged(by));
    Ok(())
}

/// Ends a partnership from now on; again changes nothing. Errors: `MerchantNotFound`, `NotSubMerchant`.
pub(crate) fn remove(
    by: MerchantId,
    partner: MerchantId,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let merchant = tx.need::<Merchant>(&by, Rejection::MerchantNotFound(by))?.clone();
    tx.about(Subject::Merchant(by), Some(merchant.journal));
    let known = merchant.partnership.filter(|known| known.partner == partner);
    let known = known.ok_or(Rejection::NotSubMerchant { merchant: by, partner })?;
    if known.ended_at.is_some() {
        return Ok(());
    }
    tx.note(format!("no sub-merchant of {partner} any more"));
    let partnership = Some(Partnership { ended_at: Some(ctx.now), ..known });
    tx.put(Merchant { partnership, journal: ctx.journal, ..merchant });
    tx.tell(Event::MerchantChanged(by));
    Ok(())
}
