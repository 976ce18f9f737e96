//! Answers: signed when they are 2xx, with the language's message when they are errors (wire §1.5, §1.6).

use super::Gateway;
use crate::errors;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use crypto::{
    answer::{AnswerError, HEADER_NAMES, SignedHeaders},
    platform::{KeyMode, PlatformError},
    random,
    request::SCHEME,
};
use data_encoding::HEXUPPER;
use protocol::{ApiError, Code, Language};
use std::{
    fmt,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};
use web::FileBody;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
/// [`HEADER_NAMES`], looked at when this is compiled instead of for each answer.
const SIGNATURE_HEADERS: [HeaderName; 5] = {
    let [timestamp, nonce, signature, serial, signature_type] = HEADER_NAMES;
    [
        HeaderName::from_static(timestamp),
        HeaderName::from_static(nonce),
        HeaderName::from_static(signature),
        HeaderName::from_static(serial),
        HeaderName::from_static(signature_type),
    ]
};
/// Headers of a signed answer: those of its signature, its type, its `Request-ID`.
const HEADERS: usize = HEADER_NAMES.len() + 2;

/// A 2xx answer before it is signed.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    body: Bytes,
    /// A file with its type instead of the body. It is sent unsigned (wire §1.6): it would have to be held whole to be
    /// signed, and no SDK checks it.
    file: Option<(FileBody, &'static str)>,
}

impl Answer {
    /// 200 with a JSON body.
    pub(crate) fn ok(body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, body: body.into(), file: None }
    }
    /// 202: not finished.
    pub(crate) fn accepted(body: Vec<u8>) -> Self {
        Self { status: StatusCode::ACCEPTED, body: body.into(), file: None }
    }
    /// 200 with a file.
    pub(crate) fn file(file: FileBody, content_type: &'static str) -> Self {
        Self { status: StatusCode::OK, body: Bytes::new(), file: Some((file, content_type)) }
    }
    /// 204.
    pub(crate) fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: Bytes::new(), file: None }
    }
}

/// Why an answer can't be signed.
#[derive(Debug, thiserror::Error)]
enum Unsigned {
    #[error(transparent)]
    Keys(#[from] PlatformError),
    #[error(transparent)]
    Sign(#[from] AnswerError),
}

/// Signs an answer with the key that the request asked for (wire §1.8). The merchant is told that the outcome is
/// unknown when that fails: its request was carried out.
pub(super) async fn sign(
    gateway: &Gateway,
    answer: Answer,
    mode: KeyMode,
    requested: Option<HeaderValue>,
) -> Result<Response, ApiError> {
    if let Some((file, content_type)) = answer.file {
        let mut response = Response::new(Body::new(file));
        *response.status_mut() = answer.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        return Ok(response);
    }
    let (keys, now, body) = (gateway.service.keys(), gateway.wall.now(), answer.body.clone());
    let work = move || -> Result<SignedHeaders, Unsigned> {
        let requested = requested.as_ref().and_then(|serial| serial.to_str().ok());
        let signer = keys.answer_signer(requested, mode, now)?;
        Ok(SignedHeaders::sign(&signer, &body, now)?)
    };
    let signed = match gateway.service.signing.run(work).await {
        Ok(Ok(signed)) => signed,
        Ok(Err(error)) => return Err(errors::broken("an answer can't be signed", &error)),
        Err(error) => return Err(errors::broken("an answer can't be signed", &error)),
    };
    let SignedHeaders { timestamp, nonce, signature, serial, signature_type } = signed;
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    *headers = HeaderMap::with_capacity(HEADERS);
    let values = [timestamp, nonce, signature, serial, signature_type];
    for (name, value) in SIGNATURE_HEADERS.into_iter().zip(values) {
        let value = HeaderValue::try_from(value)
            .map_err(|error| errors::broken("a signature header is no header value", &error))?;
        headers.insert(name, value);
    }
    if answer.status != StatusCode::NO_CONTENT {
        headers.insert(header::CONTENT_TYPE, JSON);
    }
    Ok(response)
}

/// An error, unsigned: no SDK verifies answers outside 2xx (wire §1.5).
pub(super) fn refuse(status: StatusCode, error: &ApiError, language: Language) -> Response {
    let mut response = Response::new(Body::from(error.body(language)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    match error.code {
        // Every rate here is by the second.
        Code::FrequencyLimited | Code::ServiceUnavailable => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Code::SignError => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(SCHEME));
        }
        _ => {}
    }
    response
}

/// The `Request-ID` of an answer: 16 hex digits of the process, drawn at its start, and 8 or more that count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId(u64);

static PROCESS: LazyLock<String> =
    LazyLock::new(|| HEXUPPER.encode(&random::bytes::<8>().unwrap_or_default()));
static COUNT: AtomicU64 = AtomicU64::new(1);

impl RequestId {
    pub(crate) fn next() -> Self {
        Self(COUNT.fetch_add(1, Ordering::Relaxed))
    }
}

impl RequestId {
    fn text(self) -> String {
        let count = HEXUPPER.encode(&self.0.to_be_bytes());
        // Eight digits count the first four milliards; from then on there are more.
        let leading = count.bytes().take(8).take_while(|&digit| digit == b'0').count();
        [PROCESS.as_str(), &count[leading..]].concat()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl From<RequestId> for HeaderValue {
    fn from(id: RequestId) -> Self {
        // Hex digits are always a header value.
        Self::try_from(id.text()).unwrap_or(Self::from_static("0"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_unique_and_of_one_form() {
        let (one, two) = (RequestId::next().to_string(), RequestId::next().to_string());
        assert_ne!(one, two);
        assert_eq!(one[..16], two[..16]);
        assert!(PROCESS.len() == 16 && PROCESS.bytes().all(|b| b.is_ascii_hexdigit()));
        for count in [0, 1, 0x89ab_cdef, u64::from(u32::MAX), 0x1_0000_0000, u64::MAX] {
            assert_eq!(RequestId(count).to_string(), format!("{}{count:08X}", *PROCESS));
        }
    }

    #[test]
    fn errors_say_when_to_come_back_and_how_to_sign() {
        let header = |code, name| {
            let response = refuse(StatusCode::OK, &ApiError::new(code), Language::En);
            response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(header(Code::FrequencyLimited, "retry-after").as_deref(), Some("1"));
        assert_eq!(header(Code::SignError, "www-authenticate").as_deref(), Some(SCHEME));
        assert_eq!(header(Code::ParamError, "retry-after"), None);
        assert_eq!(
            header(Code::ParamError, "content-type").as_deref(),
            Some("application/json; charset=utf-8")
        );
    }
}
