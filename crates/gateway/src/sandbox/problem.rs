//! Errors of the sandbox: RFC 9457 problems.

use axum::{
    http::{Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use engine::Refusal;
use protocol::ApiError;
use serde::Serialize;

pub(super) const CONTENT_TYPE: &str = "application/problem+json";
pub(super) const PANICKED: &str = r#"{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"A fault of ours; the server's log tells more.","code":"SYSTEM_ERROR"}"#;

/// What went wrong and what to do.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    /// The merchant API's code, where it has one.
    code: Option<&'static str>,
    /// The rule's own code, where a command was refused.
    reason: Option<&'static str>,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), code: None, reason: None }
    }
    pub(super) fn coded(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(status, error.message.en.into_owned()).coded(error.code.wire())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self { reason: Some(refusal.code()), ..crate::errors::refusal(&refusal).into() }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            reason: self.reason,
        };
        let body = serde_json::to_vec(&body).unwrap_or_else(|_| PANICKED.into());
        (self.status, [(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response()
    }
}

pub(super) async fn nowhere(method: Method, uri: Uri) -> Response {
    let at: String = format!("{method} {}", uri.path()).chars().take(160).collect();
    Problem::new(StatusCode::NOT_FOUND, format!("There is no such address: {at}; see /docs.")).into_response()
}

pub(super) async fn wrong_method(method: Method, uri: Uri) -> Response {
    let at: String = format!("{method} {}", uri.path()).chars().take(160).collect();
    let detail = format!("The address does not take this method: {at}; see Allow.");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).into_response()
}
