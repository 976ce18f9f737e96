//! Bills, described.
#![expect(dead_code, reason = "the fields are read by the derive only")]

use super::endpoint::{Caller, Describe, Endpoint};
use protocol::Code;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::{
    ToSchema,
    openapi::{HttpMethod, RefOr, schema::Schema},
};

type Schemas = BTreeMap<String, RefOr<Schema>>;

const DAY: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";
const CODES: &[Code] = &[Code::NoStatementExist, Code::StatementCreating, Code::NoAuth];

/// Where a bill's file is.
#[derive(ToSchema)]
pub(super) struct BillLink {
    hash_type: BillHash,
    /// SHA-1 over the file before compression, lower-case hex.
    #[schema(pattern = "^[0-9a-f]{40}$")]
    hash_value: String,
    /// Fetch it within 5 minutes, with a signed request of the same merchant.
    #[schema(max_length = 2048)]
    download_url: String,
}

#[derive(ToSchema)]
pub(super) enum BillHash {
    #[serde(rename = "SHA1")]
    Sha1,
}

pub(super) fn endpoints(schemas: &mut Schemas) -> Vec<Endpoint> {
    vec![trade(schemas), fund(schemas), download(schemas)]
}

fn get<'a>(path: &'static str, id: &str, schemas: &'a mut Schemas) -> Describe<'a> {
    Describe::new(Caller::Merchant, HttpMethod::Get, path, "bills", id, schemas)
}

pub(super) fn link() -> Value {
    json!({
        "hash_type": "SHA1",
        "hash_value": "a9993e364706816aba3e25717850c26c9cd0d89d",
        "download_url": "https://pay.example.com/v3/billdownload/file?token=AAAAAHE_DIEAAE_qaVs"
    })
}

pub(super) fn asked<'a>(describe: Describe<'a>) -> Describe<'a> {
    describe
        .query("bill_date", "The day, `yyyy-MM-dd` in Beijing time: yesterday to 92 days ago.", DAY, true)
        .query(
            "tar_type",
            "GZIP for a compressed file; the hash stays that of the plain one.",
            "^GZIP$",
            false,
        )
}

fn trade(schemas: &mut Schemas) -> Endpoint {
    asked(get("/v3/bill/tradebill", "trade_bill", schemas))
        .text(
            "申请交易账单 · Ask for a trade bill",
            "Every order paid on the day and every refund or reversal begun on it, a row each, ready at 10:00 of the \
             next day. A payment is billed on the day it was paid and always as SUCCESS; a refund on the day it was \
             accepted, as it stood at 09:00 of the next day. The file is the same however often it is fetched. \
             A partner's bill has what it placed for its sub-merchants, too, one after the other; `sub_mchid` asks for \
             one of them.",
        )
        .query("sub_mchid", "A sub-merchant of the partner that signs.", "^[1-9][0-9]{0,18}$", false)
        .query("bill_type", "ALL, also when left out; SUCCESS: payments; REFUND: refunds.", "^(ALL|SUCCESS|REFUND)$", false)
        .answer::<BillLink>("200", "Where the file is.", link())
        .codes(CODES)
        .end()
}

fn fund(schemas: &mut Schemas) -> Endpoint {
    asked(get("/v3/bill/fundflowbill", "fund_flow_bill", schemas))
        .text(
            "申请资金账单 · Ask for a fund-flow bill",
            "What came to the merchant's money and left it that day, with the balance after each row. Settlement and \
             holds only move it between the merchant's own accounts and are no rows. OPERATION and FEES accounts do \
             not exist here: 400 NO_STATEMENT_EXIST.",
        )
        .query("account_type", "BASIC, also when left out; OPERATION; FEES.", "^(BASIC|OPERATION|FEES)$", false)
        .answer::<BillLink>("200", "Where the file is.", link())
        .codes(CODES)
        .end()
}

fn download(schemas: &mut Schemas) -> Endpoint {
    get("/v3/billdownload/file", "download_bill", schemas)
        .text(
            "下载账单 · Fetch a bill",
            "Use `download_url` as it came. The request is signed, the answer is not: check it by `hash_value`. The \
             file is UTF-8 with a byte order mark; every value begins with a back-tick.",
        )
        .query("token", "As in `download_url`; lives 5 minutes.", "^[0-9A-Za-z_-]{46}$", true)
        .file("200", "The bill.", &["text/plain", "application/x-gzip"])
        .codes(CODES)
        .end()
}
