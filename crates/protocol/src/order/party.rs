//! Who asks, and for whom: the members that differ between a merchant's form and a partner's (wire §3.1, §3.2).

use super::Parameters;
use crate::error::ApiError;
use crate::field;
use crate::json::Fields;
use crate::language::Text;
use types::{AppId, MerchantId};

const APPID: Text = Text::fixed("wx 加 16 位小写十六进制数字", "wx and 16 lower-case hex digits");
const MCHID: Text = Text::fixed("商户号数字", "a merchant number");

/// Which form a request has, as its path says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// `/v3/pay/transactions/…`: `appid`, `mchid`.
    Merchant,
    /// `/v3/pay/partner/transactions/…`: `sp_appid`, `sp_mchid`, `sub_appid`, `sub_mchid`.
    Partner,
}

/// The sub-merchant in a partner's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sub {
    /// `sub_mchid`: whose money is meant.
    pub mchid: MerchantId,
    /// `sub_appid`: an application bound to the sub-merchant; may be left out.
    pub appid: Option<AppId>,
    /// `payer.sub_openid`: the payer as `sub_appid` knows them, which is then there. JSAPI only.
    pub openid: Option<String>,
}

/// Who signs and with which application, and for whom.
pub(super) struct Party {
    pub(super) appid: AppId,
    pub(super) mchid: MerchantId,
    pub(super) sub: Option<Sub>,
}

impl Mode {
    /// The member that holds who signs, as a name and as a pointer.
    #[must_use]
    pub const fn signer(self) -> (&'static str, &'static str) {
        match self {
            Self::Merchant => ("mchid", "/mchid"),
            Self::Partner => ("sp_mchid", "/sp_mchid"),
        }
    }
    pub(super) fn party(self, fields: &Fields<'_>) -> Result<Party, ApiError> {
        let name = if self == Self::Merchant { "appid" } else { "sp_appid" };
        let appid = fields.need_parsed(name, 1..=32, |text| text.parse().ok(), || field::form(APPID))?;
        Ok(Party { appid, mchid: self.mchid(fields)?, sub: self.sub(fields)? })
    }
    pub(super) fn mchid(self, fields: &Fields<'_>) -> Result<MerchantId, ApiError> {
        number(self.signer().0, fields)
    }
    /// `sub_mchid` and `sub_appid`; none in a merchant's form, which has neither.
    pub(super) fn sub(self, fields: &Fields<'_>) -> Result<Option<Sub>, ApiError> {
        match self {
            Self::Merchant => Ok(None),
            Self::Partner => {
                let (mchid, appid) = (number("sub_mchid", fields)?, optional_appid("sub_appid", fields)?);
                Ok(Some(Sub { mchid, appid, openid: None }))
            }
        }
    }
}

/// An application.
pub(super) fn appid(name: &'static str, fields: &Fields<'_>) -> Result<AppId, ApiError> {
    fields.need_parsed(name, 1..=32, |text| text.parse().ok(), || field::form(APPID))
}

/// An application that may be left out.
pub(super) fn optional_appid(name: &'static str, fields: &Fields<'_>) -> Result<Option<AppId>, ApiError> {
    fields.parsed(name, 1..=32, |text| text.parse().ok(), || field::form(APPID))
}

/// A merchant's number.
pub(super) fn number(name: &'static str, fields: &Fields<'_>) -> Result<MerchantId, ApiError> {
    fields.need_parsed(name, 1..=32, |text| text.parse().ok(), || field::form(MCHID))
}

/// Adds the sub-merchant to the canonical parameters.
pub(super) fn canonical(sub: Option<&Sub>, parameters: &mut Parameters) {
    let Some(sub) = sub else { return };
    parameters.text("sub_mchid", Some(&sub.mchid.to_string()));
    parameters.text("sub_appid", sub.appid.map(|app| app.to_string()).as_deref());
    parameters.text("sub_openid", sub.openid.as_deref());
}
