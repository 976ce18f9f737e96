//! The security headers of every page.

use crate::app::App;
use axum::response::Response;
use web::answer;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";
/// What a page may ask the browser for: nothing.
const PERMISSIONS: &str = "camera=(), microphone=(), geolocation=(), payment=(), usb=()";

/// Adds the headers to a response, keeping those it has.
pub(crate) fn secure(app: &App, mut response: Response) -> Response {
    answer::secure(&mut response, POLICY, PERMISSIONS, app.https());
    response
}
