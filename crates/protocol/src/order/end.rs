//! Ending an order: close it unpaid, or reverse a codepay (wire §3.1, §3.5, §3.8).

use super::{Mode, Sub, party};
use crate::error::ApiError;
use crate::json::Body;
use serde::Serialize;
use types::{AppId, MerchantId};

/// The body of a close; the order number is in the path. The answer is 204 without body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// The merchant or partner, to be compared with the signer.
    pub mchid: MerchantId,
    /// The sub-merchant, in the partner's form.
    pub sub_mchid: Option<MerchantId>,
}

impl Close {
    /// Reads the body.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong.
    pub fn read(mode: Mode, bytes: &[u8]) -> Result<Self, ApiError> {
        let body = Body::parse(bytes)?;
        let fields = body.fields();
        Ok(Self { mchid: mode.mchid(&fields)?, sub_mchid: mode.sub(&fields)?.map(|sub| sub.mchid) })
    }
}

/// The body of a reverse; the order number is in the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reverse {
    /// The application of the order; a partner may leave it out.
    pub appid: Option<AppId>,
    /// The merchant or partner, to be compared with the signer.
    pub mchid: MerchantId,
    /// The sub-merchant, in the partner's form.
    pub sub: Option<Sub>,
}

impl Reverse {
    /// Reads the body.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong.
    pub fn read(mode: Mode, bytes: &[u8]) -> Result<Self, ApiError> {
        let body = Body::parse(bytes)?;
        let fields = body.fields();
        match mode {
            Mode::Merchant => {
                let party = mode.party(&fields)?;
                Ok(Self { appid: Some(party.appid), mchid: party.mchid, sub: None })
            }
            Mode::Partner => Ok(Self {
                appid: party::optional_appid("sp_appid", &fields)?,
                mchid: mode.mchid(&fields)?,
                sub: mode.sub(&fields)?,
            }),
        }
    }

    /// The body of the answer, in the form of the request.
    #[must_use]
    pub fn answer(&self, out_trade_no: &str) -> Vec<u8> {
        let (appid, mchid) = (self.appid.map(|app| app.to_string()), self.mchid.to_string());
        match &self.sub {
            None => crate::body(&Answer { appid, mchid, out_trade_no }),
            Some(sub) => crate::body(&PartnerAnswer {
                sp_appid: appid,
                sp_mchid: mchid,
                sub_appid: sub.appid.map(|app| app.to_string()),
                sub_mchid: sub.mchid.to_string(),
                out_trade_no,
            }),
        }
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    appid: Option<String>,
    mchid: String,
    out_trade_no: &'a str,
}

#[derive(Serialize)]
struct PartnerAnswer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sp_appid: Option<String>,
    sp_mchid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_appid: Option<String>,
    sub_mchid: String,
    out_trade_no: &'a str,
}
