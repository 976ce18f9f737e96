//! `GET /v3/certificates`: the platform's certificates, each sealed with the merchant's APIv3 key (wire §2).

use crate::{
    errors,
    transport::{Answer, Call, Outcome},
};
use crypto::platform::CertificateEntry;
use protocol::{ApiError, Code, Location, Text, issue};
use serde::Serialize;

#[derive(Serialize)]
struct List {
    data: Vec<CertificateEntry>,
}

/// Every certificate that is valid now, the ones that sign later among them, so that merchants fetch them first.
pub(crate) async fn list(call: Call) -> Outcome {
    if let Some(kind) = call.query()?.get("algorithm_type")
        && !matches!(kind, "RSA" | "ALL")
    {
        let value = Some(kind.to_owned());
        return Err(ApiError::param(
            "algorithm_type",
            value,
            issue::one_of(&["RSA", "ALL"]),
            Location::Query,
        ));
    }
    let Some(key) = &call.merchant.apiv3_key else {
        return Err(ApiError::because(
            Code::InvalidRequest,
            Text::fixed(
                "商户未设置 APIv3 密钥，无法加密平台证书，请先设置",
                "The merchant has no APIv3 key to encrypt certificates with; set one first",
            ),
        ));
    };
    let list = call.service().keys().certificate_list(key, call.wall_now());
    let data = list.map_err(|error| errors::broken("the certificates can't be listed", &error))?;
    if data.is_empty() {
        return Err(ApiError::new(Code::ResourceNotExists));
    }
    let body = serde_json::to_vec(&List { data });
    Ok(Answer::ok(body.map_err(|error| errors::broken("the certificates can't be written", &error))?))
}
