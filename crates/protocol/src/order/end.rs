//! Ending an order: close it unpaid, or reverse a codepay (wire §3.1, §3.5, §3.8).

use super::{appid, mchid};
use crate::error::ApiError;
use crate::json::{self, Fields, FromFields};
use serde::Serialize;
use types::{AppId, MerchantId};

/// The body of a close; the order number is in the path. The answer is 204 without body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// The merchant, to be compared with the signer.
    pub mchid: MerchantId,
}

impl Close {
    /// Reads the body.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong.
    pub fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        json::read(bytes)
    }
}

impl FromFields for Close {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, ApiError> {
        Ok(Self { mchid: mchid(fields)? })
    }
}

/// The body of a reverse; the order number is in the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reverse {
    /// The application of the order.
    pub appid: AppId,
    /// The merchant, to be compared with the signer.
    pub mchid: MerchantId,
}

impl Reverse {
    /// Reads the body.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong.
    pub fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        json::read(bytes)
    }

    /// The body of the answer.
    #[must_use]
    pub fn answer(&self, out_trade_no: &str) -> Vec<u8> {
        let (appid, mchid) = (self.appid.to_string(), self.mchid.to_string());
        crate::body(&Answer { appid, mchid, out_trade_no })
    }
}

impl FromFields for Reverse {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, ApiError> {
        Ok(Self { appid: appid(fields)?, mchid: mchid(fields)? })
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    appid: String,
    mchid: String,
    out_trade_no: &'a str,
}
