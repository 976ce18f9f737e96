//! Who signed a request (wire §1.2–§1.4). Everything that is missing or wrong is 401 `SIGN_ERROR`, and says what.

use super::{Failure, Gateway, replay};
use crate::errors;
use axum::http::{header, request::Parts};
use crypto::request::{Credentials, HEADER_BYTES_MAX, HeaderError, Received, SCHEME, WINDOW_SECONDS, verify};
use protocol::{ApiError, SignInformation, Text};
use service::MerchantEntry;
use std::{borrow::Cow, sync::Arc, time::Instant};

/// A proved sender.
pub(super) struct Proven {
    pub(super) merchant: Arc<MerchantEntry>,
    /// The certificate that signed, upper-case hex.
    pub(super) serial: String,
}

/// Proves the sender of a request over its raw bytes.
pub(super) fn authenticate(gateway: &Gateway, parts: &Parts, body: &[u8]) -> Result<Proven, Failure> {
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(unsigned(Text::new(
            format!("缺少 Authorization 请求头或出现多次，须恰有一个，以 {SCHEME} 开头"),
            format!("there must be exactly one Authorization header; it starts with {SCHEME}"),
        )));
    };
    let credentials = Credentials::parse(value.as_bytes()).map_err(|error| unsigned(header_issue(&error)))?;
    let merchant =
        gateway.service.directory.find(credentials.mchid).map_err(|fault| errors::fault(&fault))?;
    let Some(merchant) = merchant else {
        return Err(unsigned(Text::new(
            format!("商户号 {} 不存在，请检查 mchid", credentials.mchid),
            format!("merchant {} does not exist; check mchid", credentials.mchid),
        )));
    };
    let now = gateway.wall.now();
    let Some(certificate) = merchant.certificate(&credentials.serial, now) else {
        return Err(unsigned(Text::new(
            format!("商户 API 证书 {} 不存在、已吊销或不在有效期内，请检查 serial_no", credentials.serial),
            format!(
                "the merchant has no valid API certificate {}; check serial_no, and that it is not revoked",
                credentials.serial
            ),
        )));
    };
    if !credentials.fresh(now) {
        return Err(unsigned(Text::new(
            format!(
                "时间戳 {} 与平台时间 {} 相差超过 {WINDOW_SECONDS} 秒，请校准服务器时间",
                credentials.timestamp,
                now.unix()
            ),
            format!(
                "timestamp {} is more than {WINDOW_SECONDS} s from the platform's {}; set the clock right",
                credentials.timestamp,
                now.unix()
            ),
        )));
    }
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let host = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let received = Received {
        method: parts.method.as_str(),
        target,
        host: host.or_else(|| parts.uri.authority().map(|authority| authority.as_str())),
        bases: &gateway.bases,
        body,
    };
    check(gateway, parts, certificate.public_key(), &received, &credentials)?;
    if gateway.replays.remember(&credentials, now.unix()) == replay::Seen::Other {
        return Err(unsigned(Text::new(
            format!("随机串 {} 已用于另一请求，请为每个请求生成新的 nonce_str", credentials.nonce),
            format!("nonce_str {} was used for another request; draw a new one for each", credentials.nonce),
        )));
    }
    Ok(Proven { merchant, serial: credentials.serial })
}

/// Verifies the signature. The absolute-URL forms cost up to twelve more checks when nothing matches, so an
/// address that fails often is spared them; a right request of one of the usual forms is never refused by that.
fn check(
    gateway: &Gateway,
    parts: &Parts,
    key: &crypto::PublicKey,
    received: &Received<'_>,
    credentials: &Credentials,
) -> Result<(), Failure> {
    let address = web::address::of_caller(&parts.extensions, &parts.headers);
    let moment = Instant::now();
    let spared = address.is_some_and(|address| !gateway.failures.free(address, moment));
    let tried = if spared { Received { host: None, bases: &[], ..*received } } else { *received };
    if verify(key, &tried, credentials).is_ok() {
        return Ok(());
    }
    if let Some(address) = address {
        gateway.failures.count(address, moment);
    }
    let message = crypto::request::signing_message(
        received.method,
        received.target,
        credentials.timestamp,
        &credentials.nonce,
        received.body,
    );
    let information =
        SignInformation::new(received.method, received.target, &String::from_utf8_lossy(&message));
    let issue = Text::fixed(
        "签名与请求不符，请用 serial_no 对应的商户私钥对 sign_information 中的签名串签名",
        "the signature does not match; sign the text in sign_information with the key of serial_no",
    );
    Err(ApiError::sign(issue, Some(information)).into())
}

fn unsigned(issue: Text) -> Failure {
    ApiError::sign(issue, None).into()
}

/// The header's fault in both languages.
fn header_issue(error: &HeaderError) -> Text {
    let zh: Cow<'static, str> = match error {
        HeaderError::TooLong(bytes) => {
            format!("Authorization 长 {bytes} 字节，上限 {HEADER_BYTES_MAX}").into()
        }
        HeaderError::Byte { byte, at } => {
            format!("Authorization 第 {at} 字节为 0x{byte:02x}，只允许可见 ASCII 字符").into()
        }
        HeaderError::Scheme(scheme) => format!("认证类型为 `{scheme}`，须为 {SCHEME}").into(),
        HeaderError::Syntax(at) => {
            format!("Authorization 自第 {at} 字节起不是以逗号分隔的 名称=\"值\"").into()
        }
        HeaderError::Unknown(name) => format!("Authorization 含未知参数 `{name}`").into(),
        HeaderError::Duplicate(name) => format!("Authorization 的 {name} 出现多次").into(),
        HeaderError::Missing(name) => format!("Authorization 缺少 {name}").into(),
        HeaderError::Value { name, .. } => format!("Authorization 的 {name} 格式错误").into(),
    };
    Text { zh, en: error.to_string().into() }
}
