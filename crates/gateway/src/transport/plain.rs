//! What requests without a signature share: a `Request-ID`, a log line, and an answer even after a panic.

use super::Seen;
use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tower_http::catch_panic::CatchPanicLayer;

/// Wraps a router of unsigned endpoints; `panicked` is the body after a panic, `content_type` its type.
pub(crate) fn wrap(router: Router, content_type: &'static str, panicked: &'static str) -> Router {
    let answer = move |_| {
        let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(content_type))];
        (StatusCode::INTERNAL_SERVER_ERROR, headers, panicked).into_response()
    };
    router.layer(CatchPanicLayer::custom(answer)).layer(middleware::from_fn(attend))
}

async fn attend(request: Request, next: Next) -> Response {
    let seen = Seen::of(&request);
    let response = next.run(request).await;
    seen.log(response, None)
}
