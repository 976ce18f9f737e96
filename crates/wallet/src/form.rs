//! What was posted: the fields of a form, from our own page.

use crate::{
    app::App,
    problem::{Fail, Problem},
    visit::Anyone,
};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::header,
};
use std::collections::HashMap;
use url::form_urlencoded;

/// Fields a form may have.
const FIELDS_MAX: usize = 64;
/// The field that carries the session's form token.
pub(crate) const TOKEN_FIELD: &str = "form";

/// The fields of a posted form. Of a field that comes twice the first counts.
///
/// Extracting it checks the session's form token, so a handler that reads a form can't forget to.
pub(crate) struct Posted(HashMap<String, String>);

impl Posted {
    /// A field as it was sent; empty when absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
    /// A field without the spaces around it.
    pub(crate) fn trimmed(&self, name: &str) -> &str {
        self.text(name).trim()
    }
    fn parse(body: &[u8]) -> Result<Self, Fail> {
        let mut fields = HashMap::new();
        for (count, (name, value)) in form_urlencoded::parse(body).enumerate() {
            if count >= FIELDS_MAX {
                return Err(Problem::malformed().into());
            }
            fields.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Ok(Self(fields))
    }
}

impl FromRequest<App> for Posted {
    type Rejection = Fail;
    async fn from_request(request: Request, app: &App) -> Result<Self, Fail> {
        let (mut parts, body) = request.into_parts();
        let Anyone(visit) = Anyone::from_request_parts(&mut parts, app).await?;
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Problem::malformed().into());
        }
        let body = Bytes::from_request(Request::from_parts(parts, body), app).await;
        let posted = Self::parse(&body.map_err(|_| Problem::too_large())?)?;
        if let Some(member) = visit.member() {
            let given = posted.text(TOKEN_FIELD).as_bytes();
            if !crypto::vault::same(given, member.form_token.as_bytes()) {
                return Err(Problem::foreign_form().into());
            }
        }
        Ok(posted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_two_fields_counts_and_their_number_is_bounded() {
        let posted = Posted::parse(b"a=1&a=2&b=%20x+&c").ok().unwrap();
        assert_eq!(
            (posted.text("a"), posted.text("b"), posted.trimmed("b"), posted.text("c")),
            ("1", " x ", "x", "")
        );
        let many: String = (0..FIELDS_MAX).map(|n| format!("f{n}=&")).collect();
        assert!(Posted::parse(many.as_bytes()).is_ok());
        assert!(Posted::parse(format!("{many}z=").as_bytes()).is_err());
    }
}
