//! What was posted: the fields of a form, from our own page.

use crate::{
    app::App,
    problem::{Fail, Problem},
    visit::Anyone,
};
use axum::extract::{FromRequest, FromRequestParts, Request};
use web::Pairs;

/// The field that carries the session's form token.
pub(crate) const TOKEN_FIELD: &str = "form";

/// The fields of a posted form. Extracting it checks the session's form token, so a handler that reads a form can't
/// forget to.
pub(crate) struct Posted(Pairs);

impl Posted {
    /// A field as it was sent; empty when absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_default()
    }
    /// A field without the spaces around it.
    pub(crate) fn trimmed(&self, name: &str) -> &str {
        self.text(name).trim()
    }
}

impl FromRequest<App> for Posted {
    type Rejection = Fail;
    async fn from_request(request: Request, app: &App) -> Result<Self, Fail> {
        let (mut parts, body) = request.into_parts();
        let Anyone(visit) = Anyone::from_request_parts(&mut parts, app).await?;
        let posted = Self(Pairs::posted(Request::from_parts(parts, body), app).await?);
        if let Some(member) = visit.member() {
            let given = posted.text(TOKEN_FIELD).as_bytes();
            if !crypto::vault::same(given, member.form_token.as_bytes()) {
                return Err(Problem::foreign_form().into());
            }
        }
        Ok(posted)
    }
}
