//! The security headers of every page.

use crate::app::App;
use axum::response::Response;
use web::answer;

/// A page whose form leads to another origin says so with this extension of its response; browsers apply
/// `form-action` to redirects after a post too.
#[derive(Clone, Debug)]
pub(crate) struct FormLeadsTo(pub(crate) String);

/// What a page may ask the browser for: the camera scans codes.
const PERMISSIONS: &str = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()";

/// Adds the headers to a response, keeping those it has.
pub(crate) fn secure(app: &App, mut response: Response) -> Response {
    let leads_to = response.extensions_mut().remove::<FormLeadsTo>();
    let extra = leads_to.map(|FormLeadsTo(origin)| format!(" {origin}")).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'{extra}; frame-ancestors 'none'; base-uri 'none'"
    );
    answer::secure(&mut response, &policy, PERMISSIONS, app.https());
    response
}
