//! What merchants ask of bills, and the answer: a place to fetch the file and its hash.

use super::{fund, trade};
use crate::{
    error::{ApiError, Location},
    issue,
};
use serde::Serialize;
use types::BusinessDay;

/// `algorithm` of an encrypted bill; the wire's other one, SM4_GCM, is not offered.
const SEALED_BY: &str = "AEAD_AES_256_GCM";
/// Days back that bills are kept for: three months (wire §6).
pub const DAYS_KEPT: i32 = 92;

/// Which bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bill {
    /// A trade bill.
    Trade(trade::Kind),
    /// A fund-flow bill.
    Fund(fund::Account),
    /// A profit-sharing bill.
    Sharing,
}

impl Bill {
    /// Every bill, in the order of [`Bill::number`].
    pub const ALL: [Self; 7] = [
        Self::Trade(trade::Kind::All),
        Self::Trade(trade::Kind::Success),
        Self::Trade(trade::Kind::Refund),
        Self::Fund(fund::Account::Basic),
        Self::Fund(fund::Account::Operation),
        Self::Fund(fund::Account::Fees),
        Self::Sharing,
    ];
    /// A small number that never changes meaning: download links carry it.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Trade(trade::Kind::All) => 0,
            Self::Trade(trade::Kind::Success) => 1,
            Self::Trade(trade::Kind::Refund) => 2,
            Self::Fund(fund::Account::Basic) => 3,
            Self::Fund(fund::Account::Operation) => 4,
            Self::Fund(fund::Account::Fees) => 5,
            Self::Sharing => 6,
        }
    }
    /// The bill of a number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|bill| bill.number() == number)
    }
    /// The word used in file names, pages and the manual: `trade-all`, `fund-basic`, ….
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trade(trade::Kind::All) => "trade-all",
            Self::Trade(trade::Kind::Success) => "trade-success",
            Self::Trade(trade::Kind::Refund) => "trade-refund",
            Self::Fund(fund::Account::Basic) => "fund-basic",
            Self::Fund(fund::Account::Operation) => "fund-operation",
            Self::Fund(fund::Account::Fees) => "fund-fees",
            Self::Sharing => "sharing",
        }
    }
}

/// A request for a bill, read from the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Which.
    pub bill: Bill,
    /// Of which day.
    pub day: BusinessDay,
    /// Compressed.
    pub gzip: bool,
}

impl Ask {
    /// Reads `GET /v3/bill/tradebill`. `get` gives a parameter's value; none when absent or empty.
    ///
    /// # Errors
    /// `PARAM_ERROR` that names the parameter.
    pub fn trade<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Self, ApiError> {
        let kind = word(get("bill_type"), "bill_type", trade::Kind::ALL, trade::Kind::wire)?;
        Self::read(Bill::Trade(kind), get)
    }
    /// Reads `GET /v3/bill/fundflowbill`.
    ///
    /// # Errors
    /// `PARAM_ERROR` that names the parameter.
    pub fn fund<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Self, ApiError> {
        let account = word(get("account_type"), "account_type", fund::Account::ALL, fund::Account::wire)?;
        Self::read(Bill::Fund(account), get)
    }
    /// Reads `GET /v3/bill/sub-merchant-fundflowbill`, whose account and algorithm must be named (wire §6).
    ///
    /// # Errors
    /// `PARAM_ERROR` that names the parameter.
    pub fn sub_merchant_fund<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Self, ApiError> {
        for name in ["account_type", "algorithm"] {
            if get(name).is_none() {
                return Err(ApiError::param(name, None, issue::missing(), Location::Query));
            }
        }
        word(get("algorithm"), "algorithm", [SEALED_BY], |known| known)?;
        Self::fund(get)
    }
    /// Reads `GET /v3/profitsharing/bills`.
    ///
    /// # Errors
    /// `PARAM_ERROR` that names the parameter.
    pub fn sharing<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Self, ApiError> {
        Self::read(Bill::Sharing, get)
    }
    fn read<'a>(bill: Bill, get: impl Fn(&str) -> Option<&'a str>) -> Result<Self, ApiError> {
        let Some(text) = get("bill_date") else {
            return Err(ApiError::param("bill_date", None, issue::missing(), Location::Query));
        };
        let day = BusinessDay::parse(text).ok_or_else(|| {
            let issue = issue::form("存在的日期，如 2026-11-21", "a date such as 2026-11-21");
            ApiError::param("bill_date", Some(text.to_owned()), issue, Location::Query)
        })?;
        let gzip = match get("tar_type") {
            None => false,
            Some("GZIP") => true,
            Some(other) => {
                let issue = issue::one_of(&["GZIP"]);
                return Err(ApiError::param("tar_type", Some(other.to_owned()), issue, Location::Query));
            }
        };
        Ok(Self { bill, day, gzip })
    }
}

/// The word a parameter says; the first when it is absent.
fn word<T: Copy, const N: usize>(
    value: Option<&str>,
    name: &'static str,
    known: [T; N],
    wire: fn(T) -> &'static str,
) -> Result<T, ApiError> {
    let Some(value) = value else { return Ok(known[0]) };
    known.into_iter().find(|word| wire(*word) == value).ok_or_else(|| {
        let issue = issue::one_of(&known.map(wire));
        ApiError::param(name, Some(value.to_owned()), issue, Location::Query)
    })
}

/// The answer: where the file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    hash_type: &'static str,
    hash_value: String,
    download_url: String,
}

impl Link {
    /// `hash` is SHA-1 over the file before compression, lower-case hex.
    #[must_use]
    pub const fn new(hash: String, download_url: String) -> Self {
        Self { hash_type: "SHA1", hash_value: hash, download_url }
    }
    /// The JSON body.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        crate::body(self)
    }
}

/// The answer to a request for a sub-merchant's bill: its pieces, each encrypted under a key of its own.
///
/// A piece is text cut at the end of a line, compressed if that was asked for, then encrypted by AES-256-GCM with the
/// key's 32 characters as the key, the nonce's 12 characters and no associated data; the tag stands at the end. Decrypted,
/// decompressed and put one after the other in order of their numbers the pieces are the bill. (The wire reference has
/// the fields; how they are used is from memory.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SealedLinks {
    download_bill_count: usize,
    download_bill_list: Vec<SealedLink>,
}

/// One piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SealedLink {
    /// Its number, from 1 on.
    pub bill_sequence: u16,
    /// Where it is.
    pub download_url: String,
    /// The key, encrypted by RSA-OAEP with the API certificate of who asks; Base64.
    pub encrypt_key: String,
    hash_type: &'static str,
    /// SHA-1 over the piece before compression and encryption, lower-case hex.
    pub hash_value: String,
    /// The nonce.
    pub nonce: String,
}

impl SealedLink {
    /// One piece.
    #[must_use]
    pub const fn new(
        bill_sequence: u16,
        download_url: String,
        encrypt_key: String,
        hash_value: String,
        nonce: String,
    ) -> Self {
        Self { bill_sequence, download_url, encrypt_key, hash_type: "SHA1", hash_value, nonce }
    }
}

impl SealedLinks {
    /// All pieces, in order.
    #[must_use]
    pub const fn new(pieces: Vec<SealedLink>) -> Self {
        Self { download_bill_count: pieces.len(), download_bill_list: pieces }
    }
    /// The JSON body.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        crate::body(self)
    }
}
