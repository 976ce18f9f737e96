//! Partner mode (服务商): whose money a request is about.
//!
//! [`principal`] is the one way from (who signed, `sub_mchid`) to the [`Principal`] that commands carry:
//!
//! | Request | Principal |
//! | --- | --- |
//! | no `sub_mchid` | the signer itself |
//! | `sub_mchid` of a sub-merchant, and the signer has this permission | the sub-merchant, asked for by the signer |
//! | any other `sub_mchid` | none: 403 `NO_AUTH` |
//!
//! An endpoint calls it before anything is read or changed, so that a partner learns nothing of a merchant it has no
//! relation with. Every rule behind it is `domain::partner`'s, which asks again when a command is decided: this room only
//! translates, and reads (queries, bills) have no command that would ask for them.
//!
//! The merchant directory caches records and forgets one when it changes, so the question costs no read.

use crate::{errors, transport::Call};
use domain::{
    Rejection,
    merchant::Product,
    order::ByPartner,
    partner::{Permission, Principal},
};
use protocol::{ApiError, order::Sub};
use service::MerchantEntry;
use std::sync::Arc;
use types::{AppId, MerchantId};

/// Whose money is meant: the signer's own without `sub_mchid`, else a sub-merchant's for which the signer has
/// `permission`.
///
/// # Errors
/// `NO_AUTH` when the relation is missing, ended or does not go so far, also for a merchant that does not exist.
pub(crate) fn principal(
    call: &Call,
    sub_mchid: Option<MerchantId>,
    permission: Permission,
) -> Result<Principal, ApiError> {
    match sub_mchid {
        None => Ok(call.mchid().into()),
        Some(sub) => sub_merchant(call, sub, permission).map(|(principal, _)| principal),
    }
}

/// As [`principal`] for a request that must name a sub-merchant, with the sub-merchant's entry.
///
/// # Errors
/// As [`principal`].
pub(crate) fn sub_merchant(
    call: &Call,
    sub: MerchantId,
    permission: Permission,
) -> Result<(Principal, Arc<MerchantEntry>), ApiError> {
    let partner = call.mchid();
    let found = call.service().directory.find(sub).map_err(|fault| errors::fault(&fault))?;
    let may = |entry: &Arc<MerchantEntry>| entry.merchant.partner_may(partner, permission);
    let unrelated = Rejection::NotSubMerchant { merchant: sub, partner };
    match found.ok_or(unrelated).and_then(|entry| may(&entry).map(|()| entry)) {
        Ok(entry) => Ok((Principal::by_partner(sub, partner), entry)),
        Err(why) => Err(errors::rejection(&why)),
    }
}

/// Whose order a request would place, once it is sure that the merchant sells by this product and that the applications
/// are those of who signed and of the sub-merchant. The command asks again; an openid must be opened before it is made.
///
/// # Errors
/// As [`principal`], `NO_AUTH` for a product that is off, `APPID_MCHID_NOT_MATCH`.
pub(crate) fn may_place(
    call: &Call,
    product: Product,
    app: AppId,
    sub: Option<&Sub>,
) -> Result<Principal, ApiError> {
    let signer = &call.merchant.merchant;
    let Some(sub) = sub else {
        signer.may(product, app).map_err(|why| errors::rejection(&why))?;
        return Ok(signer.id.into());
    };
    let (principal, entry) = sub_merchant(call, sub.mchid, Permission::Pay)?;
    let own = sub.appid.map_or(Ok(()), |app| entry.merchant.has_app(app));
    let may = entry.merchant.sells_by(product).and(own).and(signer.has_app(app));
    may.map(|()| principal).map_err(|why| errors::rejection(&why))
}

/// What an order has beside when `signer` places it for a sub-merchant.
pub(crate) fn placed(signer: MerchantId, sub: Option<&Sub>) -> Option<ByPartner> {
    sub.map(|sub| ByPartner { id: signer, sub_app: sub.appid })
}

/// A permission in the words of the Chinese messages.
pub(crate) const fn permission_name(permission: Permission) -> &'static str {
    match permission {
        Permission::Pay => "下单与查单",
        Permission::Refund => "退款",
        Permission::Bills => "下载账单",
        Permission::Sharing => "分账",
        Permission::Transfer => "商家转账",
    }
}
