//! Pay once, however often the form is sent: every form that moves money carries a nonce, and the engine keeps
//! the first answer under it.

use crate::{
    app::App,
    form::Posted,
    problem::{Fail, Problem},
    session::Member,
};
use domain::{Command, records::Digest};
use engine::RequestKey;

/// The field that carries the nonce.
const FIELD: &str = "nonce";
/// Characters of a nonce.
const CHARS: usize = 24;

/// A fresh nonce for a form.
pub(crate) fn nonce() -> Result<String, Fail> {
    Ok(crypto::random::alphanumeric(CHARS)?)
}

/// The key under which the engine keeps the answer to a form: session and nonce, and what the form asks.
///
/// A double click or a reload sends the same of both and gets the first answer; the same nonce with other
/// content (another PIN after going back) is refused, and the form is shown anew.
///
/// # Errors
/// [`Fail::Problem`] when the nonce is none of ours.
pub(crate) fn key(
    app: &App,
    member: &Member,
    posted: &Posted,
    command: &Command,
) -> Result<RequestKey, Fail> {
    let nonce = posted.text(FIELD);
    if nonce.len() != CHARS || !nonce.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Problem::malformed().into());
    }
    let content = serde_json::to_string(command).map_err(|error| Problem::fault(&error.to_string()))?;
    let hasher = app.service().vault.hasher();
    let hash = |subject: &str, text: &str| Digest(*hasher.code(subject, text).as_bytes());
    // The form token stands for the session: it is derived from its secret token.
    let key = hash("wallet/request", &format!("{}/{nonce}", member.form_token));
    Ok((key, hash("wallet/content", &content)))
}
